"""The buttons: purge now, and record now."""

from datetime import timedelta
from pathlib import Path

from homeassistant.core import Context, HomeAssistant
from homeassistant.helpers import entity_registry as er
from pytest_homeassistant_custom_component.common import MockUser

from custom_components.camera_steward.const import DOMAIN
from tests.cameras import RtspCamera

from .sites import (
    DOOR,
    YARD,
    async_add_cameras,
    async_back_date,
    async_set_up,
    camera,
    entity_id,
    segments_on_disk,
    site,
    until,
    until_status,
)


async def async_press(hass: HomeAssistant, entity: str, user: str | None = None) -> None:
    """Press as a user, or as an automation."""
    await hass.services.async_call(
        "button", "press", {"entity_id": entity}, blocking=True, context=Context(user_id=user)
    )


async def test_pressing_purge_erases_nothing_before_its_time(
    hass: HomeAssistant, disk: Path
) -> None:
    """What is inside its limit stays, whoever presses (INV-2)."""
    await async_add_cameras(hass, door="rtsp://127.0.0.1:1/none")
    entry = site(disk, camera(DOOR, "door"))
    await async_back_date(hass, entry, DOOR, timedelta(hours=23), timedelta(hours=1))
    await async_set_up(hass, entry)
    admin = MockUser(name="Taro", is_owner=True).add_to_hass(hass)
    await async_press(hass, entity_id(hass, "button", entry.entry_id, "purge"), admin.id)
    assert len(segments_on_disk(entry, DOOR)) == 2


async def test_record_now_keeps_what_comes_and_only_where_a_trigger_decides(
    hass: HomeAssistant, rtsp_camera: RtspCamera, disk: Path
) -> None:
    """Nothing is stored before the button is pressed."""
    await async_add_cameras(hass, door=rtsp_camera.url, yard=rtsp_camera.url)
    entry = await async_set_up(
        hass,
        site(
            disk,
            camera(DOOR, "door", mode="trigger", pre_roll_seconds=2, post_roll_seconds=600),
            camera(YARD, "yard"),
        ),
    )
    await until_status(hass, DOOR, "waiting")
    assert segments_on_disk(entry, DOOR) == []
    await async_press(hass, entity_id(hass, "button", DOOR, "trigger"))
    await until_status(hass, DOOR, "recording")
    await until(lambda: segments_on_disk(entry, DOOR))
    assert not er.async_get(hass).async_get_entity_id("button", DOMAIN, f"{YARD}_trigger")
