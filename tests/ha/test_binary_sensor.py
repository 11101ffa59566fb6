"""Whether footage past its limit is told."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from homeassistant.components.binary_sensor import BinarySensorDeviceClass
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from custom_components.camera_steward import repairs
from custom_components.camera_steward.bridge import state_directory
from custom_components.camera_steward.const import DOMAIN
from custom_components.camera_steward.core.database import Database
from custom_components.camera_steward.core.vault.index import METADATA, Index

from .sites import (
    DOOR,
    async_add_cameras,
    async_back_date,
    async_set_up,
    camera,
    plug_in,
    segments_on_disk,
    site,
    state_of,
    unplug,
    until,
)


def grow_older(state: Path, by: timedelta) -> None:
    """Have all that is stored start earlier, as the index knows it."""
    database = Database(state / "index.db", METADATA)
    index = Index(database)
    index.shift(0, index.last_sequence(), -by)
    database.close()


async def test_footage_that_cannot_be_erased_in_time_is_a_problem_and_a_repair(
    hass: HomeAssistant, disk: Path
) -> None:
    """The disk is away when the limit passes; once it is back, the footage goes."""
    await async_add_cameras(hass, door="rtsp://127.0.0.1:1/none")
    entry = site(disk, camera(DOOR, "door", retention_hours=2))
    await async_back_date(hass, entry, DOOR, timedelta(hours=1))
    await async_set_up(hass, entry)
    problem = state_of(hass, "binary_sensor", DOOR, "past_limit")
    assert problem.state == "off"
    assert problem.attributes["device_class"] == BinarySensorDeviceClass.PROBLEM
    issues = ir.async_get(hass)
    issue = repairs.issue_id(entry, repairs.Issue.PAST_LIMIT)
    away = unplug(disk)
    state = state_directory(hass, entry.entry_id)
    await hass.async_add_executor_job(grow_older, state, timedelta(hours=2))

    def refreshed() -> str:
        async_fire_time_changed(hass, datetime.now(UTC) + timedelta(minutes=1))
        return state_of(hass, "binary_sensor", DOOR, "past_limit").state

    await until(lambda: refreshed() == "on")
    assert issues.async_get_issue(DOMAIN, issue)
    plug_in(away, disk)
    await hass.services.async_call(DOMAIN, "purge", blocking=True)
    assert refreshed() == "off"
    assert segments_on_disk(entry, DOOR) == []
    assert issues.async_get_issue(DOMAIN, issue) is None
