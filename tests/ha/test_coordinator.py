"""What the picture of the site raises as a repair, and takes back."""

import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from pytest_homeassistant_custom_component.common import MockConfigEntry, async_fire_time_changed

from custom_components.camera_steward import coordinator, repairs
from custom_components.camera_steward.bridge import state_directory
from custom_components.camera_steward.const import DOMAIN
from custom_components.camera_steward.core.clock import SystemClock
from custom_components.camera_steward.core.files import LocalFiles
from custom_components.camera_steward.core.ledger.entry import EntryKind
from custom_components.camera_steward.core.model import Space
from custom_components.camera_steward.repairs import Issue
from tests.cameras import RtspCamera

from .sites import (
    DOOR,
    async_add_cameras,
    async_ask,
    async_back_date,
    async_ledger,
    async_set_up,
    camera,
    segments_on_disk,
    site,
    until,
    until_status,
)

NOWHERE = "rtsp://127.0.0.1:1/none"


def issue_of(
    hass: HomeAssistant, entry: MockConfigEntry, issue: Issue, owner: str | None = None
) -> ir.IssueEntry | None:
    """Return a repair after a new picture was asked for."""
    async_fire_time_changed(hass, datetime.now(UTC) + timedelta(minutes=1))
    id_ = repairs.issue_id(entry, issue, entry.subentries[owner] if owner else None)
    return ir.async_get(hass).async_get_issue(DOMAIN, id_)


async def test_an_hour_without_a_stream_is_a_repair_until_it_comes(
    hass: HomeAssistant, rtsp_camera: RtspCamera, disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hour is made short; a camera that is removed takes its repair along."""
    monkeypatch.setattr(coordinator, "_WITHOUT_STREAM", timedelta(seconds=1))
    entities = await async_add_cameras(hass, door=NOWHERE)
    entry = await async_set_up(hass, site(disk, camera(DOOR, "door")))
    await until(lambda: issue_of(hass, entry, Issue.NO_STREAM, DOOR))
    entities["door"].url = rtsp_camera.url
    await until(lambda: not issue_of(hass, entry, Issue.NO_STREAM, DOOR))
    await until_status(hass, DOOR, "recording")
    rtsp_camera.stop()
    await until(lambda: issue_of(hass, entry, Issue.NO_STREAM, DOOR))
    hass.config_entries.async_remove_subentry(entry, DOOR)
    await hass.async_block_till_done()
    assert not [key for key in ir.async_get(hass).issues if key[1].endswith(DOOR)]


async def test_a_disk_nearly_full_is_a_repair_and_what_made_room_as_well(
    hass: HomeAssistant, disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file system says that hardly anything is free, then that all is."""
    await async_add_cameras(hass, door=NOWHERE)
    entry = site(disk, camera(DOOR, "door"))
    await async_back_date(hass, entry, DOOR, timedelta(hours=2), timedelta(hours=1))
    space = Space(total_bytes=100 * 10**9, free_bytes=15 * 10**8)
    monkeypatch.setattr(LocalFiles, "space", lambda self, path: space)
    await async_set_up(hass, entry)
    assert issue_of(hass, entry, Issue.DISK_NEARLY_FULL)
    assert not issue_of(hass, entry, Issue.EVICTED)
    assert len(segments_on_disk(entry, DOOR)) == 2
    space = Space(total_bytes=100 * 10**9, free_bytes=10**9 - 1)
    await hass.services.async_call(DOMAIN, "purge", blocking=True)
    told = await until(lambda: issue_of(hass, entry, Issue.EVICTED))
    assert told is not None
    assert (told.translation_placeholders or {})["size"].endswith("B")
    assert segments_on_disk(entry, DOOR) == []
    space = Space(total_bytes=100 * 10**9, free_bytes=50 * 10**9)
    await until(lambda: not issue_of(hass, entry, Issue.DISK_NEARLY_FULL))
    assert issue_of(hass, entry, Issue.EVICTED)


async def test_a_clock_that_jumps_is_a_repair_and_erases_nothing(
    hass: HomeAssistant, disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten years ahead, all would be past its limit; back again, it is believed."""
    await async_add_cameras(hass, door=NOWHERE)
    entry = site(disk, camera(DOOR, "door"))
    await async_back_date(hass, entry, DOOR, timedelta(hours=2))
    await async_set_up(hass, entry)
    ahead = timedelta(days=3650)
    monkeypatch.setattr(SystemClock, "now", lambda self: datetime.now(UTC) + ahead)
    monkeypatch.setattr(SystemClock, "synchronised", lambda self: False)
    await hass.services.async_call(DOMAIN, "purge", blocking=True)
    await until(lambda: issue_of(hass, entry, Issue.CLOCK_UNTRUSTED))
    assert len(segments_on_disk(entry, DOOR)) == 1
    ahead = timedelta()
    await hass.services.async_call(DOMAIN, "purge", blocking=True)
    await until(lambda: not issue_of(hass, entry, Issue.CLOCK_UNTRUSTED))
    assert len(segments_on_disk(entry, DOOR)) == 1


async def test_an_unreadable_index_is_made_anew_and_told(hass: HomeAssistant, disk: Path) -> None:
    """Nothing stored is lost."""
    await async_add_cameras(hass, door=NOWHERE)
    entry = site(disk, camera(DOOR, "door"))
    await async_back_date(hass, entry, DOOR, timedelta(hours=2), timedelta(hours=1))
    index = state_directory(hass, entry.entry_id) / "index.db"
    for path in index.parent.glob("index.db*"):
        path.unlink()
    index.write_bytes(b"no database at all" * 1000)
    await async_set_up(hass, entry)
    told = issue_of(hass, entry, Issue.INDEX_REBUILT)
    assert told is not None
    assert told.translation_placeholders is not None
    assert told.translation_placeholders["count"] == "2"
    assert len(segments_on_disk(entry, DOOR)) == 2


async def test_a_changed_entry_of_the_ledger_is_a_repair(hass: HomeAssistant, disk: Path) -> None:
    """Found when verified."""
    entry = await async_set_up(hass, site(disk))
    path = state_directory(hass, entry.entry_id) / "ledger.db"

    def forge() -> None:
        connection = sqlite3.connect(path, timeout=60)
        with connection:
            tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master")]
            assert "entries" in tables
            connection.execute("UPDATE entries SET actor = 'somebody else' WHERE id = 1")
        connection.close()

    await hass.async_add_executor_job(forge)
    answer = await async_ask(hass, "verify", level="size")
    assert not answer["ledger"]["sound"]
    assert answer["ledger"]["findings"]
    assert await until(lambda: issue_of(hass, entry, Issue.LEDGER_BROKEN))


async def test_what_the_ledger_holds_of_a_new_site(hass: HomeAssistant, disk: Path) -> None:
    """Who made it and what for, and no key."""
    await async_add_cameras(hass, door=NOWHERE)
    entry = await async_set_up(hass, site(disk, camera(DOOR, "door")))
    [created] = await async_ledger(hass, entry, EntryKind.SITE_CREATED)
    assert created.data["installer"] == "Honcho Shop"
    assert "key_mark" not in created.data
    await hass.config_entries.async_reload(entry.entry_id)
    assert len(await async_ledger(hass, entry, EntryKind.SITE_CREATED)) == 1
