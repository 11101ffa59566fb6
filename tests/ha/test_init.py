"""A site set up through its config entry: it records, stops, starts again, and is removed."""

import os
import sys
import threading
from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any
from uuid import uuid4

import pytest
from homeassistant.config_entries import ConfigEntryState, ConfigSubentry
from homeassistant.const import EVENT_HOMEASSISTANT_STOP
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr, entity_registry as er, issue_registry as ir
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.common import async_fire_time_changed
from pytest_homeassistant_custom_component.typing import (
    ClientSessionGenerator,
    WebSocketGenerator,
)

from custom_components.camera_steward import bridge, repairs
from custom_components.camera_steward.bridge import state_directory
from custom_components.camera_steward.const import CONF_VAULT_PATH, DOMAIN
from custom_components.camera_steward.core.ledger.entry import EntryKind
from custom_components.camera_steward.keys import async_load
from tests.cameras import Clip, RtspCamera, SilentCamera

from .conftest import CLIP
from .sites import (
    DOOR,
    YARD,
    async_add_cameras,
    async_back_date,
    async_ledger,
    async_set_up,
    camera,
    names,
    plug_in,
    read_ledger,
    segments_on_disk,
    site,
    state_of,
    threads,
    unplug,
    until,
    until_status,
)


async def test_a_camera_is_recorded_and_its_footage_grows(
    hass: HomeAssistant,
    rtsp_camera: RtspCamera,
    disk: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """From the config entry to encrypted segments on the disk."""
    await async_add_cameras(hass, door=rtsp_camera.url)
    entry = await async_set_up(hass, site(disk, camera(DOOR, "door")))
    await until_status(hass, DOOR, "recording")
    await until(lambda: sum(each.stat().st_size > 0 for each in segments_on_disk(entry, DOOR)) >= 2)
    assert state_of(hass, "sensor", DOOR, "oldest_footage").state not in ("unknown", "unavailable")
    assert "Detected" not in caplog.text  # what Home Assistant says of deprecated or blocking calls
    marker = CLIP.marker
    assert all(marker not in each.read_bytes() for each in segments_on_disk(entry, DOOR))


async def test_unloading_ends_every_thread_and_loading_goes_on(
    hass: HomeAssistant, rtsp_camera: RtspCamera, disk: Path
) -> None:
    """Nothing runs on beside the next start; what was open is sealed."""
    await async_add_cameras(hass, door=rtsp_camera.url)
    entry = await async_set_up(hass, site(disk, camera(DOOR, "door")))
    await until_status(hass, DOOR, "recording")
    assert threads()
    await hass.config_entries.async_unload(entry.entry_id)
    assert entry.state is ConfigEntryState.NOT_LOADED
    assert threads() == []
    before = segments_on_disk(entry, DOOR)
    await async_set_up(hass, entry)
    await until_status(hass, DOOR, "recording")
    await until(lambda: len(segments_on_disk(entry, DOOR)) > len(before))
    await hass.config_entries.async_reload(entry.entry_id)
    await until_status(hass, DOOR, "recording")
    assert len([name for name in threads() if DOOR in name]) == 1


async def test_unloading_does_not_wait_for_a_camera_that_stalls(
    hass: HomeAssistant, rtsp_camera: RtspCamera, disk: Path
) -> None:
    """Connected, and nothing comes."""
    await async_add_cameras(hass, door=rtsp_camera.url)
    entry = await async_set_up(hass, site(disk, camera(DOOR, "door")))
    await until_status(hass, DOOR, "recording")
    rtsp_camera.stall()
    await hass.config_entries.async_unload(entry.entry_id)
    assert entry.state is ConfigEntryState.NOT_LOADED
    assert threads() == []


async def test_unloading_does_not_wait_for_a_camera_that_never_answers(
    hass: HomeAssistant, disk: Path
) -> None:
    """Its port accepts the connection and says nothing."""
    with SilentCamera() as silent:
        await async_add_cameras(hass, door=silent.url)
        entry = await async_set_up(hass, site(disk, camera(DOOR, "door")))
        await until(lambda: silent.stats()["connections"])
        await hass.config_entries.async_unload(entry.entry_id)
        assert entry.state is ConfigEntryState.NOT_LOADED
        assert threads() == []


async def test_unloading_does_not_wait_for_an_entity_that_never_answers(
    hass: HomeAssistant, rtsp_camera: RtspCamera, disk: Path
) -> None:
    """The other integration hangs when it is asked for the address."""
    entities = await async_add_cameras(hass, door=rtsp_camera.url)
    entities["door"].delay_seconds = 3600
    entry = await async_set_up(hass, site(disk, camera(DOOR, "door")))
    await until_status(hass, DOOR, "connecting")
    await hass.config_entries.async_unload(entry.entry_id)
    assert entry.state is ConfigEntryState.NOT_LOADED
    assert threads() == []


async def test_a_site_whose_thread_does_not_end_is_not_started_beside_it(
    hass: HomeAssistant, rtsp_camera: RtspCamera, disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two of them would write one vault; Home Assistant then asks for a restart."""
    await async_add_cameras(hass, door=rtsp_camera.url)
    entry = await async_set_up(hass, site(disk, camera(DOOR, "door")))
    await until_status(hass, DOOR, "recording")
    rtsp_camera.stall()
    monkeypatch.setattr(bridge, "STOP_SECONDS", 0.0)
    assert not await hass.config_entries.async_unload(entry.entry_id)
    assert entry.state is ConfigEntryState.FAILED_UNLOAD
    await until(lambda: not threads())
    assert await entry.runtime_data.bridge.async_stop()


async def test_a_shutdown_ends_every_thread(
    hass: HomeAssistant, rtsp_camera: RtspCamera, disk: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A shutdown does not unload entries."""
    await async_add_cameras(hass, door=rtsp_camera.url)
    await async_set_up(hass, site(disk, camera(DOOR, "door")))
    await until_status(hass, DOOR, "recording")
    hass.bus.async_fire(EVENT_HOMEASSISTANT_STOP)
    await hass.async_block_till_done()
    assert threads() == []
    assert "Error fetching" not in caplog.text


async def test_a_missing_vault_is_a_repair_and_recording_begins_when_it_is_back(
    hass: HomeAssistant, rtsp_camera: RtspCamera, disk: Path
) -> None:
    """A disk that is mounted late; nothing is written under its empty mount point."""
    await async_add_cameras(hass, door=rtsp_camera.url)
    entry = site(disk, camera(DOOR, "door"))
    entry.add_to_hass(hass)
    away = unplug(disk, mount_point=True)
    await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    assert entry.state is ConfigEntryState.SETUP_RETRY
    assert entry.error_reason_translation_key == "vault_missing"
    issues = ir.async_get(hass)
    issue = repairs.issue_id(entry, repairs.Issue.VAULT_MISSING)
    assert issues.async_get_issue(DOMAIN, issue)
    assert threads() == []
    plug_in(away, disk)
    async_fire_time_changed(hass, datetime.now(UTC) + timedelta(minutes=3))
    await until(lambda: entry.state is ConfigEntryState.LOADED)
    await until_status(hass, DOOR, "recording")
    assert issues.async_get_issue(DOMAIN, issue) is None


async def test_another_vault_in_its_place_is_a_repair(hass: HomeAssistant, disk: Path) -> None:
    """A swapped disk: nothing is written to it."""
    entry = site(disk, vault_id=str(uuid4()))
    entry.add_to_hass(hass)
    await hass.config_entries.async_setup(entry.entry_id)
    assert entry.state is ConfigEntryState.SETUP_RETRY
    assert entry.error_reason_translation_key == "vault_foreign"
    issue = repairs.issue_id(entry, repairs.Issue.VAULT_FOREIGN)
    assert ir.async_get(hass).async_get_issue(DOMAIN, issue)
    assert names(disk) == ["vault.json"]


async def test_a_vault_that_goes_while_recording_is_a_repair_until_it_is_back(
    hass: HomeAssistant, rtsp_camera: RtspCamera, disk: Path
) -> None:
    """An unplugged disk is told, and recording goes on by itself."""
    await async_add_cameras(hass, door=rtsp_camera.url)
    entry = await async_set_up(hass, site(disk, camera(DOOR, "door")))
    await until_status(hass, DOOR, "recording")
    issues = ir.async_get(hass)
    issue = repairs.issue_id(entry, repairs.Issue.VAULT_MISSING)
    away = unplug(disk, mount_point=True)

    def refreshed() -> ir.IssueEntry | None:
        async_fire_time_changed(hass, datetime.now(UTC) + timedelta(minutes=1))
        return issues.async_get_issue(DOMAIN, issue)

    await until(refreshed)
    plug_in(away, disk)
    await until(lambda: not refreshed())
    await until_status(hass, DOOR, "recording")


async def test_a_camera_that_is_added_is_recorded(
    hass: HomeAssistant, rtsp_camera: RtspCamera, disk: Path
) -> None:
    """Without a restart, and with an entry in the ledger."""
    await async_add_cameras(hass, door=rtsp_camera.url, yard=rtsp_camera.url)
    entry = await async_set_up(hass, site(disk, camera(DOOR, "door")))
    await until_status(hass, DOOR, "recording")
    added = camera(YARD, "yard")
    hass.config_entries.async_add_subentry(
        entry,
        ConfigSubentry(
            data=MappingProxyType(dict(added["data"])),
            subentry_id=added["subentry_id"],
            subentry_type=added["subentry_type"],
            title=added["title"],
            unique_id=added["unique_id"],
        ),
    )
    await hass.async_block_till_done()
    await until_status(hass, YARD, "recording")
    await until_status(hass, DOOR, "recording")
    found = await async_ledger(hass, entry, EntryKind.CAMERA_ADDED)
    assert [each.subject for each in found] == [DOOR, YARD]


async def test_a_change_of_settings_is_in_the_ledger(hass: HomeAssistant, disk: Path) -> None:
    """With what it was and what it is; a setting that stays is not named."""
    await async_add_cameras(hass, door="rtsp://127.0.0.1:1/none")
    entry = await async_set_up(hass, site(disk, camera(DOOR, "door")))
    subentry = entry.subentries[DOOR]
    hass.config_entries.async_update_subentry(
        entry, subentry, data={**subentry.data, "retention_hours": 12}
    )
    await hass.async_block_till_done()
    assert entry.state is ConfigEntryState.LOADED
    [found] = await async_ledger(hass, entry, EntryKind.SETTINGS_CHANGED)
    assert found.subject == DOOR
    assert found.data == {"retention_hours": {"from": 24, "to": 12}}


async def test_a_removed_camera_is_recorded_no_more_and_its_footage_keeps_its_limit(
    hass: HomeAssistant, rtsp_camera: RtspCamera, disk: Path, hass_ws_client: WebSocketGenerator
) -> None:
    """Its thread ends, its footage stays, the ledger names who, and a notification until when."""
    assert await async_setup_component(hass, "config", {})
    await async_add_cameras(hass, door=rtsp_camera.url, yard=rtsp_camera.url)
    entry = await async_set_up(hass, site(disk, camera(DOOR, "door"), camera(YARD, "yard")))
    await until_status(hass, DOOR, "recording")
    await until(lambda: segments_on_disk(entry, DOOR))
    client = await hass_ws_client(hass)
    await client.send_json_auto_id(
        {
            "type": "config_entries/subentries/delete",
            "entry_id": entry.entry_id,
            "subentry_id": DOOR,
        }
    )
    assert (await client.receive_json())["success"]
    await hass.async_block_till_done()
    assert [name for name in threads() if DOOR in name] == []
    await until_status(hass, YARD, "recording")
    assert segments_on_disk(entry, DOOR)
    [found] = await async_ledger(hass, entry, EntryKind.CAMERA_REMOVED)
    assert found.subject == DOOR
    assert found.data["name"] == "Door"
    assert found.actor == "Mock User"
    gone_by = datetime.fromisoformat(str(found.data["gone_by"]))
    assert timedelta(hours=23) < gone_by - datetime.now(UTC) <= timedelta(hours=24)
    told = hass.data["persistent_notification"][f"{DOMAIN}_{DOOR}"]["message"]
    assert "Door" in told
    assert dt_util.as_local(gone_by).strftime("%Y-%m-%d %H:%M") in told
    assert not er.async_get(hass).async_get_entity_id("switch", DOMAIN, f"{DOOR}_recording")


async def test_the_footage_of_a_removed_camera_goes_on_its_minute(
    hass: HomeAssistant, disk: Path
) -> None:
    """By its own limit, which the settings no longer name."""
    await async_add_cameras(hass, door="rtsp://127.0.0.1:1/none")
    entry = site(disk, camera(DOOR, "door", retention_hours=2))
    await async_set_up(hass, entry)
    hass.config_entries.async_remove_subentry(entry, DOOR)
    await hass.async_block_till_done()
    await hass.config_entries.async_unload(entry.entry_id)
    await async_back_date(hass, entry, DOOR, timedelta(hours=3), timedelta(hours=1))
    await async_set_up(hass, entry)
    await until(lambda: len(segments_on_disk(entry, DOOR)) == 1)


async def test_removing_a_site_erases_its_footage_and_keeps_its_ledger(
    hass: HomeAssistant, rtsp_camera: RtspCamera, disk: Path, hass_client: ClientSessionGenerator
) -> None:
    """Nobody would keep its limit any more (INV-1); the ledger names who removed it."""
    assert await async_setup_component(hass, "config", {})
    await async_add_cameras(hass, door=rtsp_camera.url)
    entry = await async_set_up(hass, site(disk, camera(DOOR, "door")))
    await until(lambda: segments_on_disk(entry, DOOR))
    keys = await async_load(hass, entry.entry_id)
    assert keys is not None
    state = state_directory(hass, entry.entry_id)
    client = await hass_client()
    answer = await client.delete(f"/api/config/config_entries/entry/{entry.entry_id}")
    assert answer.status == 200
    await hass.async_block_till_done()
    assert threads() == []
    assert segments_on_disk(entry, DOOR) == []
    assert await async_load(hass, entry.entry_id) is None
    found = await hass.async_add_executor_job(
        read_ledger, state, keys.signing_key, (EntryKind.PURGE,)
    )
    assert found[-1].data["rule"] == "decommission"
    assert found[-1].actor == "Mock User"
    vault = Path(entry.data[CONF_VAULT_PATH])
    assert await hass.async_add_executor_job(os.listdir, vault) == []
    told = hass.data["persistent_notification"][f"{DOMAIN}_{entry.entry_id}"]["message"]
    assert "erased" in told
    assert [i for i in ir.async_get(hass).issues if i[0] == DOMAIN] == []


async def test_removing_a_site_whose_vault_is_away_destroys_its_keys(
    hass: HomeAssistant, disk: Path
) -> None:
    """What is left cannot be opened by anyone, and the notification says so in its language."""
    hass.config.language = "ja"
    entry = site(disk, camera(DOOR, "door"))
    await async_back_date(hass, entry, DOOR, timedelta(hours=1))
    unplug(disk)
    await hass.config_entries.async_setup(entry.entry_id)
    assert entry.state is ConfigEntryState.SETUP_RETRY
    await hass.config_entries.async_remove(entry.entry_id)
    await hass.async_block_till_done()
    assert await async_load(hass, entry.entry_id) is None
    told = hass.data["persistent_notification"][f"{DOMAIN}_{entry.entry_id}"]["message"]
    assert told.startswith("Honcho Shop を削除しましたが、保管庫に接続できませんでした。")
    assert [i for i in ir.async_get(hass).issues if i[0] == DOMAIN] == []


async def test_a_device_for_the_site_and_one_for_each_camera(
    hass: HomeAssistant, disk: Path
) -> None:
    """The cameras hang on the site, and belong to their subentries."""
    await async_add_cameras(hass, door="rtsp://127.0.0.1:1/none")
    entry = await async_set_up(hass, site(disk, camera(DOOR, "door")))
    devices = dr.async_get(hass)
    hub = devices.async_get_device_by_identifier((DOMAIN, entry.entry_id), entry.entry_id)
    door = devices.async_get_device_by_identifier((DOMAIN, DOOR), entry.entry_id)
    assert hub is not None
    assert door is not None
    assert hub.entry_type is dr.DeviceEntryType.SERVICE
    assert door.via_device_id == hub.id
    entities = er.async_entries_for_config_entry(er.async_get(hass), entry.entry_id)
    assert {each.config_subentry_id for each in entities if each.device_id == door.id} == {DOOR}
    assert {each.config_subentry_id for each in entities if each.device_id == hub.id} == {None}


async def test_a_wrong_password_is_no_stream_and_no_address_leaks(
    hass: HomeAssistant,
    disk: Path,
    hass_storage: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Neither into a log, nor a state, nor the ledger, nor what is stored for later."""
    caplog.set_level("DEBUG")
    with RtspCamera(Clip(seconds=2), user="keeper", password="s3cret-Word") as locked:
        entities = await async_add_cameras(
            hass, door=locked.address("/stream", "keeper", "wr0ng-Word")
        )
        entry = await async_set_up(hass, site(disk, camera(DOOR, "door")))
        await until_status(hass, DOOR, "no_stream")
        entities["door"].url = locked.url
        await until_status(hass, DOOR, "recording")
        await hass.config_entries.async_unload(entry.entry_id)
        ledger = await async_ledger(hass, entry)
    ours = [
        each.getMessage() for each in caplog.records if "camera_steward" in each.getMessage()
    ] + [each.getMessage() for each in caplog.records if "camera_steward" in each.name]
    places = [
        repr(ours),
        repr([state.as_dict() for state in hass.states.async_all() if "door" in state.entity_id]),
        repr(ledger),
        repr({k: v for k, v in hass_storage.items() if DOMAIN in k}),
    ]
    places += [
        each.read_bytes().decode("latin-1")
        for each in state_directory(hass, entry.entry_id).rglob("*")
        if each.is_file()
    ]
    for place in [*places, caplog.text]:
        assert "wr0ng-Word" not in place
        assert "s3cret-Word" not in place
    for place in places:
        assert f":{locked.port}" not in place


_AUDITED: list[str] = []
_WATCHED: dict[str, Any] = {}


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if not _WATCHED or threading.get_ident() != _WATCHED["thread"]:
        return
    if event in ("open", "os.listdir", "os.mkdir", "os.remove", "os.rename", "sqlite3.connect"):
        path = str(arguments[0])
        if any(path.startswith(each) for each in _WATCHED["places"]):
            _AUDITED.append(f"{event} {path}")


@pytest.fixture
def audited(hass: HomeAssistant, disk: Path) -> Generator[list[str]]:
    """Collect what the loop's thread opens of the vault and the databases."""
    if not _WATCHED.get("hooked"):
        sys.addaudithook(_audit)
    _AUDITED.clear()
    _WATCHED.update(
        thread=threading.get_ident(),
        places=[str(disk), hass.config.path(DOMAIN)],
        hooked=True,
    )
    yield _AUDITED
    _WATCHED["thread"] = 0


async def test_the_loop_opens_no_file_of_ours(
    hass: HomeAssistant, rtsp_camera: RtspCamera, disk: Path, audited: list[str]
) -> None:
    """INV-8, from set-up to removal."""
    entry = site(disk, camera(DOOR, "door"))
    audited.clear()  # making the vault is the test's own doing
    await async_add_cameras(hass, door=rtsp_camera.url)
    await async_set_up(hass, entry)
    await until_status(hass, DOOR, "recording")
    for name in ("purge", "verify", "footage_summary"):
        await hass.services.async_call(DOMAIN, name, blocking=True, return_response=True)
    await hass.config_entries.async_reload(entry.entry_id)
    await until_status(hass, DOOR, "recording")
    await hass.config_entries.async_remove(entry.entry_id)
    assert audited == []
    with (disk / "probe").open("w"):
        assert audited, "the test does not see what it looks for"
