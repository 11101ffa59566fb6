"""System health tells at a glance how the sites stand, and no names."""

from datetime import datetime
from pathlib import Path

from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import get_system_health_info

from custom_components.camera_steward.const import DOMAIN
from tests.cameras import RtspCamera

from .sites import (
    DOOR,
    YARD,
    async_add_cameras,
    async_set_up,
    camera,
    site,
    unplug,
    until_status,
)
from .texts import TEXTS
from .utilizing import GATE, utilization


async def test_a_site_that_records_is_counted(
    hass: HomeAssistant, disk: Path, rtsp_camera: RtspCamera
) -> None:
    await async_add_cameras(hass, door=rtsp_camera.url, yard="rtsp://127.0.0.1:1/none")
    cameras = (camera(DOOR, "door"), camera(YARD, "yard"))
    entry = await async_set_up(hass, site(disk, *cameras, utilization(GATE)))
    await until_status(hass, DOOR, "recording")
    await hass.async_add_executor_job(entry.runtime_data.bridge.steward.make_statement)
    await entry.runtime_data.coordinator.async_refresh()
    assert await async_setup_component(hass, "system_health", {})
    await hass.async_block_till_done()
    info = await get_system_health_info(hass, DOMAIN)

    assert info["version"].count(".") == 2
    assert info["sites"] == "1/1"
    assert info["vault_reachable"] is True
    assert info["free_space"].endswith("B")
    assert info["recording"] == "1/2"
    assert info["utilizations"] == "0/1"
    assert info["clock_trusted"] is True
    assert isinstance(info["last_statement"], datetime)
    for texts in TEXTS.values():
        assert set(texts["system_health"]["info"]) == set(info)
    assert "Honcho" not in repr(info)


async def test_a_site_whose_vault_is_away_is_seen(hass: HomeAssistant, disk: Path) -> None:
    entry = site(disk)
    entry.add_to_hass(hass)
    unplug(disk)
    await hass.config_entries.async_setup(entry.entry_id)
    assert await async_setup_component(hass, "system_health", {})
    await hass.async_block_till_done()
    info = await get_system_health_info(hass, DOMAIN)
    assert info["sites"] == "0/1"
    assert info["vault_reachable"] is False
    assert (info["recording"], info["free_space"], info["last_statement"]) == ("0/0", "–", "–")
