"""What the sensors say of a camera and of the site."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from homeassistant.components.sensor import SensorDeviceClass
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er

from tests.cameras import DeadCamera, RtspCamera

from .sites import (
    DOOR,
    async_add_cameras,
    async_back_date,
    async_set_up,
    camera,
    entity_id,
    site,
    state_of,
    until,
    until_status,
)

ALL_WEEK = [{"weekday": day, "start": "00:00", "end": "00:00"} for day in range(7)]


async def test_the_status_follows_the_camera(
    hass: HomeAssistant, rtsp_camera: RtspCamera, disk: Path
) -> None:
    """Recording, no stream while it is dark, recording again."""
    await async_add_cameras(hass, door=rtsp_camera.url)
    await async_set_up(hass, site(disk, camera(DOOR, "door")))
    await until_status(hass, DOOR, "recording")
    rtsp_camera.stop()
    await until_status(hass, DOOR, "no_stream")
    rtsp_camera.start()
    await until_status(hass, DOOR, "recording")
    status = state_of(hass, "sensor", DOOR, "status")
    assert status.attributes["device_class"] == SensorDeviceClass.ENUM
    assert set(status.attributes["options"]) == {
        "recording",
        "connecting",
        "waiting",
        "stopped",
        "no_stream",
    }


async def test_a_dead_camera_has_no_stream(hass: HomeAssistant, disk: Path) -> None:
    """And nothing kept."""
    with DeadCamera() as dead:
        await async_add_cameras(hass, door=dead.url)
        await async_set_up(hass, site(disk, camera(DOOR, "door")))
        await until_status(hass, DOOR, "no_stream")
    assert state_of(hass, "sensor", DOOR, "oldest_footage").state == "unknown"
    assert float(state_of(hass, "sensor", DOOR, "kept_length").state) == 0


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"mode": "trigger"}, "waiting"),
        ({"mode": "schedule", "schedule": []}, "waiting"),
        ({"mode": "schedule", "schedule": ALL_WEEK}, "recording"),
    ],
    ids=["trigger", "outside its hours", "within its hours"],
)
async def test_a_camera_waits_for_its_trigger_or_its_hours(
    hass: HomeAssistant, rtsp_camera: RtspCamera, disk: Path, more: dict[str, object], status: str
) -> None:
    """By its mode."""
    await async_add_cameras(hass, door=rtsp_camera.url)
    await async_set_up(hass, site(disk, camera(DOOR, "door", **more)))
    await until_status(hass, DOOR, status)


async def test_kept_footage_is_told_by_its_age_length_and_size(
    hass: HomeAssistant, disk: Path
) -> None:
    """Of what is stored, whether or not the camera sends anything now."""
    await async_add_cameras(hass, door="rtsp://127.0.0.1:1/none")
    entry = site(disk, camera(DOOR, "door"))
    await async_back_date(hass, entry, DOOR, timedelta(hours=5), timedelta(hours=1))
    await async_set_up(hass, entry)
    oldest = datetime.fromisoformat(state_of(hass, "sensor", DOOR, "oldest_footage").state)
    assert timedelta() <= datetime.now(UTC) - oldest - timedelta(hours=5) < timedelta(minutes=5)
    length = state_of(hass, "sensor", DOOR, "kept_length")
    assert length.attributes["unit_of_measurement"] == "h"
    assert float(length.state) == pytest.approx(2 / 60, abs=0.001)
    assert float(state_of(hass, "sensor", DOOR, "kept_size").state) > 0
    registered = er.async_get(hass).async_get(entity_id(hass, "sensor", DOOR, "kept_size"))
    assert registered is not None
    assert registered.entity_category is EntityCategory.DIAGNOSTIC


async def test_the_site_tells_its_storage_next_purge_and_last_statement(
    hass: HomeAssistant, disk: Path
) -> None:
    """The next purge is when the oldest footage reaches its limit."""
    await async_add_cameras(hass, door="rtsp://127.0.0.1:1/none")
    entry = site(disk, camera(DOOR, "door"))
    await async_back_date(hass, entry, DOOR, timedelta(hours=5))
    await async_set_up(hass, entry)
    owner = entry.entry_id
    assert float(state_of(hass, "sensor", owner, "storage_free").state) > 0
    assert float(state_of(hass, "sensor", owner, "storage_used").state) > 0
    due = datetime.fromisoformat(state_of(hass, "sensor", owner, "next_purge").state)
    left = due - datetime.now(UTC)
    assert timedelta(hours=18, minutes=50) < left < timedelta(hours=19, minutes=1)
    await until(
        lambda: (
            state_of(hass, "sensor", owner, "last_statement").state
            not in ("unknown", "unavailable")
        )
    )
