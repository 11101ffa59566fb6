"""The recording switch: remembered, on record with a name, and not for everybody."""

from pathlib import Path

import pytest
from homeassistant.auth.models import Group
from homeassistant.core import Context, HomeAssistant
from homeassistant.exceptions import ServiceValidationError
from pytest_homeassistant_custom_component.common import MockConfigEntry, MockUser

from custom_components.camera_steward.core.ledger.entry import EntryKind
from tests.cameras import RtspCamera

from .sites import (
    DOOR,
    MANAGER,
    async_add_cameras,
    async_ledger,
    async_set_up,
    camera,
    entity_id,
    site,
    state_of,
    threads,
    until_status,
)


@pytest.fixture
async def recorded(hass: HomeAssistant, rtsp_camera: RtspCamera, disk: Path) -> MockConfigEntry:
    """Record the door."""
    await async_add_cameras(hass, door=rtsp_camera.url)
    entry = await async_set_up(hass, site(disk, camera(DOOR, "door")))
    await until_status(hass, DOOR, "recording")
    return entry


async def async_switch(hass: HomeAssistant, to: str, user: str | None = None) -> None:
    """Call the action as a user, or as an automation."""
    await hass.services.async_call(
        "switch",
        f"turn_{to}",
        {"entity_id": entity_id(hass, "switch", DOOR, "recording")},
        blocking=True,
        context=Context(user_id=user),
    )


async def test_a_camera_records_unless_it_was_switched_off(
    hass: HomeAssistant, recorded: MockConfigEntry
) -> None:
    """Off ends its thread; it stays off across a reload; on records again."""
    assert state_of(hass, "switch", DOOR, "recording").state == "on"
    await async_switch(hass, "off")
    assert state_of(hass, "switch", DOOR, "recording").state == "off"
    await until_status(hass, DOOR, "stopped")
    assert [name for name in threads() if DOOR in name] == []
    await hass.config_entries.async_reload(recorded.entry_id)
    await hass.async_block_till_done()
    assert state_of(hass, "switch", DOOR, "recording").state == "off"
    assert state_of(hass, "sensor", DOOR, "status").state == "stopped"
    await async_switch(hass, "on")
    assert state_of(hass, "switch", DOOR, "recording").state == "on"
    await until_status(hass, DOOR, "recording")


async def test_the_ledger_names_who_switched(
    hass: HomeAssistant, recorded: MockConfigEntry
) -> None:
    """The manager by the name on record, an administrator by the login's, else an automation."""
    everybody = Group(id="everybody", name="Users", policy={"entities": True})
    manager = MockUser(id=MANAGER, name="login", groups=[everybody]).add_to_hass(hass)
    admin = MockUser(name="Taro", is_owner=True).add_to_hass(hass)
    await async_switch(hass, "off", manager.id)
    await async_switch(hass, "on", admin.id)
    await async_switch(hass, "off")
    found = await async_ledger(
        hass, recorded, EntryKind.RECORDING_STARTED, EntryKind.RECORDING_STOPPED
    )
    assert [(each.kind, each.actor) for each in found if each.actor != "steward"] == [
        ("recording_stopped", "Hanako Kumagaya"),
        ("recording_started", "Taro"),
        ("recording_stopped", "automation"),
    ]
    assert {each.subject for each in found} == {DOOR}


async def test_other_users_can_not_stop_the_recording(
    hass: HomeAssistant, recorded: MockConfigEntry
) -> None:
    """Home Assistant would let every login."""
    everybody = Group(id="everybody", name="Users", policy={"entities": True})
    resident = MockUser(name="Resident", groups=[everybody]).add_to_hass(hass)
    with pytest.raises(ServiceValidationError) as refused:
        await async_switch(hass, "off", resident.id)
    assert refused.value.translation_key == "manager_only"
    assert state_of(hass, "switch", DOOR, "recording").state == "on"
    assert [name for name in threads() if DOOR in name]
