"""What the event entity of a camera tells."""

from datetime import timedelta
from pathlib import Path

from homeassistant.const import EVENT_STATE_CHANGED
from homeassistant.core import Event, EventStateChangedData, HomeAssistant, callback

from tests.cameras import RtspCamera

from .sites import (
    DOOR,
    async_add_cameras,
    async_back_date,
    async_set_up,
    camera,
    plug_in,
    site,
    unplug,
    until,
    until_status,
)


def listen(hass: HomeAssistant) -> list[dict[str, object]]:
    """Collect the attributes of every event that an event entity tells from now on."""
    told: list[dict[str, object]] = []

    @callback
    def take(event: Event[EventStateChangedData]) -> None:
        state = event.data["new_state"]
        if state is not None and state.domain == "event" and state.attributes.get("event_type"):
            told.append(dict(state.attributes))

    hass.bus.async_listen(EVENT_STATE_CHANGED, take)
    return told


async def test_recording_and_gaps_are_told_with_their_cause(
    hass: HomeAssistant, rtsp_camera: RtspCamera, disk: Path
) -> None:
    """The camera goes dark and comes back."""
    told = listen(hass)
    await async_add_cameras(hass, door=rtsp_camera.url)
    await async_set_up(hass, site(disk, camera(DOOR, "door")))
    await until(lambda: any(each["event_type"] == "recording_started" for each in told))
    await until_status(hass, DOOR, "recording")
    told.clear()
    rtsp_camera.stop()
    [gap] = await until(lambda: [each for each in told if each["event_type"] == "gap"])
    assert gap["cause"] in ("ended", "stalled", "unreachable")
    assert set(gap) == {"event_type", "event_types", "cause", "since", "friendly_name"}
    rtsp_camera.start()
    await until(lambda: any(each["event_type"] == "recording_started" for each in told))


async def test_a_purge_at_start_is_told_although_the_entity_came_later(
    hass: HomeAssistant, disk: Path
) -> None:
    """Purge comes before recording, and before there are entities."""
    told = listen(hass)
    await async_add_cameras(hass, door="rtsp://127.0.0.1:1/none")
    entry = site(disk, camera(DOOR, "door"))
    await async_back_date(hass, entry, DOOR, timedelta(hours=30), timedelta(hours=1))
    await async_set_up(hass, entry)
    [purge] = await until(lambda: [each for each in told if each["event_type"] == "purge_done"])
    assert purge["segments"] == 1
    assert purge["rule"] == "retention"


async def test_trouble_of_the_storage_is_told(
    hass: HomeAssistant, rtsp_camera: RtspCamera, disk: Path
) -> None:
    """The vault goes away while recording."""
    told = listen(hass)
    await async_add_cameras(hass, door=rtsp_camera.url)
    await async_set_up(hass, site(disk, camera(DOOR, "door")))
    await until_status(hass, DOOR, "recording")
    away = unplug(disk)
    [trouble] = await until(
        lambda: [each for each in told if each["event_type"] == "storage_trouble"]
    )
    assert trouble["reason"] == "vault_missing"
    plug_in(away, disk)
    await until_status(hass, DOOR, "recording")
