"""A small site with its people, for what is done without any footage."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from homeassistant.auth.const import GROUP_ID_USER
from homeassistant.config_entries import ConfigSubentryDataWithId
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component

from custom_components.camera_steward.const import DOMAIN
from custom_components.camera_steward.core.ledger.entry import Entry, EntryKind

from .sites import DOOR, async_add_cameras, async_ledger, async_set_up, camera, site, until
from .watching import Person, Stage, async_managed

DARK = "rtsp://127.0.0.1:1/none"


async def async_staffed(
    hass: HomeAssistant,
    disk: Path,
    clients: Callable[..., Any],
    http: Callable[..., Any],
    *cameras: ConfigSubentryDataWithId,
) -> Stage:
    """Set up a site whose manager has pledged."""
    for each in ("websocket_api", "auth", DOMAIN):
        assert await async_setup_component(hass, each, {})
    entry = await async_set_up(hass, site(disk / "vault", *cameras, title="Shop"))
    group = await hass.auth.async_get_group(GROUP_ID_USER)
    assert group is not None
    return await async_managed(hass, entry, clients, http, group)


async def async_at_the_door(
    hass: HomeAssistant, disk: Path, clients: Callable[..., Any], http: Callable[..., Any]
) -> Stage:
    """Set up the same with a camera that shows nothing, and see how its duties stand."""
    await async_add_cameras(hass, door=DARK)
    stage = await async_staffed(hass, disk, clients, http, camera(DOOR, "door"))
    await async_look(stage)
    return stage


async def async_look(stage: Stage) -> Any:
    """Look at the duties now, as soon as there is anything to judge by."""
    data = stage.entry.runtime_data
    await until(lambda: data.coordinator.copies is not None)
    await data.duties.async_look()
    assert data.coordinator.duties is not None
    return data.coordinator.duties


async def resident(stage: Stage) -> Person:
    """Return someone with a login and no role."""
    auth = stage.hass.auth
    return await stage.log_in(await auth.async_create_user("Resident", group_ids=[GROUP_ID_USER]))


async def done(stage: Stage) -> list[Entry]:
    """Return what is on record as done."""
    return await async_ledger(stage.hass, stage.entry, EntryKind.TASK_DONE)
