"""Diagnostics help to find a fault and give nobody and nothing away."""

import json
from pathlib import Path
from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.components.diagnostics import (
    get_diagnostics_for_config_entry,
)
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.camera_steward.const import DOMAIN
from tests.cameras import RtspCamera

from .sites import DOOR, async_add_cameras, async_set_up, camera, site, until_status


async def test_state_and_settings_are_there_and_nothing_private(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    hass_storage: dict[str, Any],
    disk: Path,
    rtsp_camera: RtspCamera,
) -> None:
    assert await async_setup_component(hass, "diagnostics", {})
    await async_add_cameras(hass, door=rtsp_camera.url)
    entry = await async_set_up(hass, site(disk / "footage", camera(DOOR, "door")))
    await until_status(hass, DOOR, "recording")
    await entry.runtime_data.coordinator.async_refresh()
    await entry.runtime_data.copies.async_look()
    await entry.runtime_data.duties.async_look()
    found = await get_diagnostics_for_config_entry(hass, hass_client, entry)

    assert found["duties"]["controls"]["due"] > 0
    assert set(found["duties"]) == {"controls", "tasks", "looked_at"}
    assert found["vault_folder"] == "footage"
    assert found["settings"]["retention_hours"] == 24
    assert found["state"]["free_bytes"] > 0
    assert (found["copies"]["kinds"], found["copies"]["past_limit"]) == ({}, 0)
    assert found["state"]["storage_error"] is None
    assert found["state"]["clock"] in ("trusted", "grace")
    door = found["cameras"][DOOR]
    assert door["settings"]["segment_seconds"] == 10
    assert door["settings"]["mode"] == "continuous"
    assert door["source_integration"] == "test"
    assert door["state"]["status"] == "recording"
    assert (door["state"]["codec"], door["state"]["width"]) == ("h264", 320)

    told = json.dumps(found, ensure_ascii=False)
    keys = hass_storage[f"{DOMAIN}.{entry.entry_id}"]["data"]
    private = [
        rtsp_camera.url,
        "viewer",
        "hunter2",
        "rtsp://",
        "127.0.0.1",
        "camera.door",
        str(disk),
        *keys.values(),
        *(str(entry.data[name]) for name in PRIVATE_OF_SITE),
        *(str(entry.subentries[DOOR].data[name]) for name in PRIVATE_OF_CAMERA),
    ]
    assert [each for each in private if each in told] == []


PRIVATE_OF_SITE = (
    "installer",
    "contact",
    "purpose",
    "manager_user_id",
    "manager_name",
    "vault_id",
    "vault_path",
    "key_mark",
)
PRIVATE_OF_CAMERA = ("place", "field_of_view")


async def test_what_is_added_later_stays_out(
    hass: HomeAssistant, hass_client: ClientSessionGenerator, disk: Path
) -> None:
    assert await async_setup_component(hass, "diagnostics", {})
    door = camera(DOOR, "door", secret_added_later="hunter2")
    entry = await async_set_up(hass, site(disk, door, another_secret="hunter3"))
    told = json.dumps(await get_diagnostics_for_config_entry(hass, hass_client, entry))
    assert "hunter" not in told
    assert "secret" not in told
