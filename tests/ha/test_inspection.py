"""What Home Assistant tells of the inspection of a camera's picture."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from homeassistant.components.binary_sensor import BinarySensorDeviceClass
from homeassistant.const import EVENT_STATE_CHANGED
from homeassistant.core import Event, EventStateChangedData, HomeAssistant, callback
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from custom_components.camera_steward.bridge import state_directory
from custom_components.camera_steward.const import DOMAIN
from custom_components.camera_steward.core.inspection.inspector import Inspector
from custom_components.camera_steward.core.ledger.entry import EntryKind
from custom_components.camera_steward.core.model import GapCause
from tests.cameras import RtspCamera

from .sites import (
    DOOR,
    async_add_cameras,
    camera,
    entity_id,
    state_of,
    until,
    until_status,
)
from .staff import async_look, async_staffed


def listen(hass: HomeAssistant) -> list[dict[str, object]]:
    """Collect what the camera's event entity tells."""
    event = entity_id(hass, "event", DOOR, "event")
    told: list[dict[str, object]] = []

    @callback
    def take(change: Event[EventStateChangedData]) -> None:
        state = change.data["new_state"]
        if state is not None and state.entity_id == event:
            told.append(dict(state.attributes))

    hass.bus.async_listen(EVENT_STATE_CHANGED, take)
    return told


async def async_inspected(hass: HomeAssistant, inspector: Inspector) -> None:
    """Look until a segment is stored, and see that it is told when."""
    async with asyncio.timeout(120):
        while inspector.standing()[DOOR].looked_at is None:
            await hass.async_add_executor_job(inspector.look, DOOR)
            await asyncio.sleep(0.2)

    def told() -> bool:
        async_fire_time_changed(hass, datetime.now(UTC) + timedelta(minutes=1))
        return state_of(hass, "sensor", DOOR, "last_inspection").state != "unknown"

    await until(told)


async def test_a_view_is_approved_and_a_fault_is_told_without_any_picture(
    hass: HomeAssistant,
    rtsp_camera: RtspCamera,
    disk: Path,
    hass_ws_client: Callable[..., Any],
    hass_client_no_auth: Callable[..., Any],
) -> None:
    """The view comes from the running recorder, a look from what it stored, a gap from the index."""
    await async_add_cameras(hass, door=rtsp_camera.url)
    clients = (hass_ws_client, hass_client_no_auth)
    stage = await async_staffed(hass, disk, *clients, camera(DOOR, "door", segment_seconds=1))
    entry = stage.entry
    await until_status(hass, DOOR, "recording")
    steward = entry.runtime_data.bridge.steward
    inspector = steward.inspector()
    told = listen(hass)
    picture = state_of(hass, "binary_sensor", DOOR, "picture")
    assert picture.state == "unknown"
    assert picture.attributes["device_class"] == BinarySensorDeviceClass.PROBLEM

    await async_look(stage)
    approval = {"task": f"approve_view:camera:{DOOR}", "answers": {"minimum": True}}
    answer = await stage.ws(
        stage.manager, f"{DOMAIN}/task_done", entry_id=entry.entry_id, **approval
    )
    assert answer["success"], answer
    [done] = await entry.runtime_data.bridge.async_entries(EntryKind.TASK_DONE)
    view = inspector.standing()[DOOR].view
    assert view is not None
    assert {"view": view}.items() <= dict(done.data["answers"]).items()
    folder = state_directory(hass, entry.entry_id) / "inspection"
    assert [each.name for each in folder.iterdir()] == [f"{DOOR}.json"]

    await async_inspected(hass, inspector)
    await until(lambda: state_of(hass, "binary_sensor", DOOR, "picture").state == "off")
    assert state_of(hass, "binary_sensor", DOOR, "picture").attributes["view_approved"] is True

    def miss() -> None:
        now = datetime.now(UTC)
        index = steward._books().index
        index.open_gap(DOOR, now - timedelta(hours=3), GapCause.UNREACHABLE)
        index.close_gap(DOOR, now - timedelta(hours=1))
        for _ in range(3):
            inspector.look(DOOR)

    await hass.async_add_executor_job(miss)
    await until(lambda: state_of(hass, "binary_sensor", DOOR, "picture").state == "on")
    found = state_of(hass, "binary_sensor", DOOR, "picture").attributes
    assert list(found["faults"]) == ["gaps"]
    assert found["missing_minutes"] == 120
    assert "entity_picture" not in found
    [notice] = [each for each in told if each["event_type"] == "fault_found"]
    assert (notice["fault"], notice["since"]) == ("gaps", found["faults"]["gaps"])
    [entered] = await entry.runtime_data.bridge.async_entries(EntryKind.FAULT_FOUND)
    assert (entered.subject, entered.data["kind"]) == (DOOR, "gaps")

    def mend() -> None:
        steward._books().index.forget_gaps(datetime.now(UTC))
        for _ in range(3):
            inspector.look(DOOR)

    await hass.async_add_executor_job(mend)
    await until(lambda: state_of(hass, "binary_sensor", DOOR, "picture").state == "off")
    assert [each["fault"] for each in told if each["event_type"] == "fault_gone"] == ["gaps"]
