"""A folder is managed only after its preview was confirmed; then it is kept to its limit, on record."""

import os
import subprocess
import threading
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from homeassistant.components.persistent_notification import _async_get_or_create_notifications
from homeassistant.config_entries import (
    SOURCE_RECONFIGURE,
    SOURCE_USER,
    ConfigSubentry,
    ConfigSubentryDataWithId,
    SubentryFlowContext,
)
from homeassistant.const import STATE_OFF, STATE_ON
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import device_registry as dr, issue_registry as ir
from homeassistant.util import dt as dt_util
from hypothesis import given, settings, strategies as st
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.camera_steward import folder_flow
from custom_components.camera_steward.const import DOMAIN
from custom_components.camera_steward.core.copies.folders import Listing, preview
from custom_components.camera_steward.core.copies.marker import MARKER
from custom_components.camera_steward.core.ledger.entry import Entry, EntryKind
from custom_components.camera_steward.diagnostics import async_get_config_entry_diagnostics
from custom_components.camera_steward.folders import (
    FolderRefusal,
    FolderRefusedError,
    async_folder_settings,
    check_folder,
    folders_of,
)
from custom_components.camera_steward.places import (
    PlaceRefusal,
    PlaceRefusedError,
    async_surroundings,
    check_place,
)
from tests.cameras import Clip

from .sites import (
    DOOR,
    async_add_cameras,
    async_ask,
    async_ledger,
    async_set_up,
    camera,
    entity_id,
    site,
    state_of,
    threads,
    until,
)
from .test_places import machine

DAY = timedelta(days=1)
DROP = "01J0000000000000000000DROP"
GIVEN: dict[str, Any] = {
    "name": "Yard upload",
    "patterns": ["*.jpg", "*.mp4"],
    "age_by": "name",
    "retention_days": 7,
    "retention_more_hours": 0,
    "footage_of": ["The camera in the yard"],
    "purpose": "Snapshots for the evening check",
}


@pytest.fixture
def drop(disk: Path) -> Path:
    """Return a folder of ten files, a day apart, and what is none of them."""
    folder = disk / "ftp"
    folder.mkdir()
    for days in range(10):
        put(folder, timedelta(days=days, hours=1))
    (folder / "notes.txt").write_text("mine")
    return folder


def put(folder: Path, age: timedelta) -> Path:
    """Write a picture that is so old by its name."""
    at = dt_util.now() - age
    file = folder / f"{at:%Y%m%dT%H%M%S}.jpg"
    file.write_bytes(b"picture" * 10)
    os.utime(file, (at.timestamp(), at.timestamp()))
    return file


def put_video(folder: Path, age: timedelta) -> Path:
    """Write a clip that was finished so long ago."""
    file = folder / "clip.mp4"
    source = Clip(seconds=3).path()
    subprocess.run(["ffmpeg", "-v", "error", "-i", source, "-c", "copy", file], check=True)
    at = (dt_util.now() - age).timestamp()
    os.utime(file, (at, at))
    return file


def folder(path: Path, **more: Any) -> ConfigSubentryDataWithId:
    """Return the subentry of a managed folder that was confirmed."""
    (path / MARKER).write_text("the one\n")
    data = {
        "path": str(path),
        "patterns": ["*.jpg"],
        "age_by": "name",
        "retention_hours": 7 * 24,
        "retention_reason": "",
        "retention_approver": "",
        "retention_review_at": "",
        "footage_of": ["The yard"],
        "purpose": "Snapshots",
        "mark": "the one",
    }
    return ConfigSubentryDataWithId(
        data=data | more,
        subentry_id=DROP,
        subentry_type="folder",
        title="Yard upload",
        unique_id=None,
    )


async def begin(hass: HomeAssistant, entry: MockConfigEntry, own: str | None = None) -> Any:
    """Begin to manage a folder, or to change the one of an id."""
    context = SubentryFlowContext(source=SOURCE_USER)
    if own:
        context = SubentryFlowContext(source=SOURCE_RECONFIGURE, subentry_id=own)
    return await hass.config_entries.subentries.async_init(
        (entry.entry_id, "folder"), context=context
    )


async def send(hass: HomeAssistant, result: Any, given: Mapping[str, Any]) -> Any:
    """Send a form, and wait while the folder is listed."""
    result = await hass.config_entries.subentries.async_configure(result["flow_id"], dict(given))
    while result["type"] is FlowResultType.SHOW_PROGRESS:
        await hass.async_block_till_done()
        result = await hass.config_entries.subentries.async_configure(result["flow_id"])
    return result


def managed(entry: MockConfigEntry) -> ConfigSubentry:
    [found] = folders_of(entry).values()
    return found


async def until_looked(hass: HomeAssistant, entry: MockConfigEntry, *names: str) -> None:
    """Wait until a folder holds these pictures and its sensors say so."""
    own = managed(entry)
    path = Path(own.data["path"])

    def settled() -> bool:
        count = state_of(hass, "sensor", own.subentry_id, "folder_files").state
        return sorted(each.name for each in path.glob("*.jpg")) == sorted(names) and count == str(
            len(names)
        )

    await until(settled)


async def ended(hass: HomeAssistant, entry: MockConfigEntry) -> list[Entry]:
    found = await async_ledger(hass, entry, EntryKind.FOLDER_PURGE)
    return [each for each in found if each.data["stage"] == "ended"]


async def test_nothing_is_erased_before_the_preview_was_confirmed(
    hass: HomeAssistant, disk: Path, drop: Path
) -> None:
    entry = await async_set_up(hass, site(disk / "footage"))
    before = sorted(drop.iterdir())
    result = await begin(hass, entry)
    assert result["step_id"] == "folder"

    for wrong, errors in (
        ({"path": "ftp"}, {"path": "path_relative"}),
        ({"path": str(disk / "none")}, {"path": "folder_not_there"}),
        ({"path": "/"}, {"path": "folder_of_system"}),
        ({"path": hass.config.config_dir}, {"path": "folder_of_config"}),
        ({"path": str(disk)}, {"path": "folder_of_vault"}),
        ({"patterns": []}, {"patterns": "patterns_missing"}),
        ({"patterns": ["../*.jpg"]}, {"patterns": "pattern_outside"}),
        ({"footage_of": []}, {"footage_of": "footage_missing"}),
        ({"purpose": " "}, {"purpose": "text_missing"}),
        ({"retention_days": 0}, {"retention_days": "retention_too_short"}),
    ):
        result = await send(hass, result, GIVEN | {"path": str(drop)} | wrong)
        assert result["errors"] == errors

    link = disk / "link"
    link.symlink_to(drop)
    result = await send(hass, result, GIVEN | {"path": str(link)})
    assert result["errors"] == {"path": "folder_is_link"}
    assert result["description_placeholders"]["real"] == str(drop)

    # Longer than the ceiling needs an approval (INV-7).
    result = await send(hass, result, GIVEN | {"path": f"{drop}/", "retention_days": 15})
    assert result["step_id"] == "approval"

    result = await begin(hass, entry)
    result = await send(hass, result, GIVEN | {"path": f"{drop}/"})
    assert result["step_id"] == "preview"
    shown = result["description_placeholders"]
    assert (shown["count"], shown["size"], shown["kept"]) == ("3", "210 B", "7")
    assert (shown["kinds"], shown["other_kinds"]) == ("jpg: 10", "0")
    oldest = dt_util.now() - timedelta(days=9, hours=1)
    assert shown["oldest"].startswith(f"{oldest:%Y-%m-%d %H:}")
    result = await send(hass, result, {"understood": False})
    assert result["errors"] == {"understood": "not_confirmed"}
    assert sorted(drop.iterdir()) == before
    assert len(entry.subentries) == 0

    # It is marked as the one that was confirmed, or not managed.
    (drop / MARKER).mkdir()
    result = await send(hass, result, {"understood": True})
    assert result["errors"] == {"base": "folder_not_marked"}
    (drop / MARKER).rmdir()
    result = await send(hass, result, {"understood": True})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    await hass.async_block_till_done()
    await until_looked(hass, entry, *[each.name for each in before if each.suffix == ".jpg"][-7:])
    assert (drop / "notes.txt").exists()

    own = managed(entry)
    assert own.data["path"] == str(drop)
    assert own.data["confirmed"]["files"] == 3
    assert (drop / MARKER).read_text() == own.data["mark"] + "\n"
    [added] = await async_ledger(hass, entry, EntryKind.FOLDER_ADDED)
    assert (added.subject, added.data["name"]) == (own.subentry_id, "Yard upload")
    assert added.data["path"] == str(drop)
    [purge] = await ended(hass, entry)
    assert (purge.subject, purge.data["count"]) == (own.subentry_id, 3)
    assert added.id < purge.data["begun"] < purge.id  # type: ignore[operator]


async def test_a_managed_folder_has_its_device_and_is_kept_to_its_limit(
    hass: HomeAssistant, disk: Path, drop: Path
) -> None:
    entry = await async_set_up(hass, site(disk / "footage", folder(drop)))
    kept = [each.name for each in sorted(drop.glob("*.jpg"))[-7:]]
    await until_looked(hass, entry, *kept)
    oldest = dt_util.parse_datetime(state_of(hass, "sensor", DROP, "folder_oldest").state)
    assert oldest is not None
    assert dt_util.as_local(oldest) == datetime.strptime(
        kept[0].removesuffix(".jpg"), "%Y%m%dT%H%M%S"
    ).replace(tzinfo=dt_util.get_default_time_zone())
    assert state_of(hass, "binary_sensor", DROP, "folder_problem").state == STATE_OFF
    entity_id(hass, "sensor", DROP, "folder_size")
    device = dr.async_get(hass).async_get_device_by_identifier(
        (DOMAIN, DROP), config_entry_id=entry.entry_id
    )
    assert device is not None
    assert device.name == "Yard upload"

    # What diagnostics say holds no path and no name of a file.
    found = await async_get_config_entry_diagnostics(hass, entry)
    assert found["folders"][DROP]["state"]["files"] == 7
    assert "ftp" not in str(found)
    assert kept[0] not in str(found)

    # Whoever purges has the folders looked at, too.
    coordinator = entry.runtime_data.coordinator
    before = coordinator.data.folders[DROP].looked_at
    put(drop, timedelta(days=20))
    await async_ask(hass, "purge")
    # Gone is a picture before its entry: only after a look that is over there is one.
    await until(lambda: coordinator.data.folders[DROP].looked_at != before)
    await until_looked(hass, entry, *kept)
    assert [each.data["count"] for each in await ended(hass, entry)] == [3, 1]

    # After a restart nothing is entered twice, and it goes on.
    assert "camera-steward-folders" in threads()
    assert await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()
    await until_looked(hass, entry, *kept)
    assert len(await ended(hass, entry)) == 2
    assert len(await async_ledger(hass, entry, EntryKind.FOLDER_ADDED)) == 1

    # Removed: the files stay, the ledger and a message say so.
    hass.config_entries.async_remove_subentry(entry, DROP)
    await hass.async_block_till_done()
    assert not (drop / MARKER).exists()
    assert "camera-steward-folders" not in threads()
    put(drop, timedelta(days=20))
    await async_ask(hass, "purge")
    assert len(list(drop.glob("*.jpg"))) == 8
    [removed] = await async_ledger(hass, entry, EntryKind.FOLDER_REMOVED)
    assert (removed.subject, removed.data) == (DROP, {"name": "Yard upload"})
    message = _async_get_or_create_notifications(hass)[f"{DOMAIN}_{DROP}"]["message"]
    assert message.startswith("Yard upload is no longer managed.")
    devices = dr.async_entries_for_config_entry(dr.async_get(hass), entry.entry_id)
    assert [each.name for each in devices] == ["Honcho Shop"]


async def test_a_change_that_matters_shows_the_preview_anew(
    hass: HomeAssistant, disk: Path, drop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = threading.Event()
    entry = await async_set_up(hass, site(disk / "footage", folder(drop)))
    kept = [each.name for each in sorted(drop.glob("*.jpg"))[-7:]]
    await until_looked(hass, entry, *kept)
    given = GIVEN | {"path": str(drop), "patterns": ["*.jpg"]}

    result = await send(hass, await begin(hass, entry, DROP), given | {"purpose": "Another"})
    assert result["reason"] == "reconfigure_successful"
    await hass.async_block_till_done()

    result = await send(hass, await begin(hass, entry, DROP), given | {"retention_days": 3})
    assert result["step_id"] == "preview"
    assert result["description_placeholders"]["count"] == "4"
    assert len(list(drop.glob("*.jpg"))) == 7
    result = await send(hass, result, {"understood": True})
    assert result["reason"] == "reconfigure_successful"
    await hass.async_block_till_done()
    await until_looked(hass, entry, *kept[-3:])
    changes = await async_ledger(hass, entry, EntryKind.SETTINGS_CHANGED)
    assert {each.subject for each in changes} == {DROP}
    assert changes[0].data["purpose"] == {"from": "Snapshots", "to": "Another"}
    assert changes[-1].data["retention_hours"] == {"from": 168, "to": 72}

    # A folder that goes away while it is listed is said in the form, at once or after a while.
    result = await begin(hass, entry, DROP)
    result = await send(hass, result, given | {"retention_days": 1})
    assert result["step_id"] == "preview"

    def slow(*args: Any) -> Listing:
        left.wait(60)
        return preview(*args)

    monkeypatch.setattr(f"{folder_flow.__name__}.preview", slow)
    monkeypatch.setattr(folder_flow, "WAIT_SECONDS", 0.0)
    result = await begin(hass, entry, DROP)
    result = await hass.config_entries.subentries.async_configure(
        result["flow_id"], given | {"retention_days": 2}
    )
    assert result["type"] is FlowResultType.SHOW_PROGRESS
    away = drop.rename(disk / "away")
    left.set()
    await hass.async_block_till_done()
    result = await hass.config_entries.subentries.async_configure(result["flow_id"])
    assert result["errors"] == {"path": "folder_not_there"}
    away.rename(drop)


async def test_videos_are_imported_once_that_is_switched_on_for_one_camera(
    hass: HomeAssistant, disk: Path, drop: Path
) -> None:
    await async_add_cameras(hass, door="rtsp://127.0.0.1:9/none")
    entry = await async_set_up(hass, site(disk / "footage", camera(DOOR, "door")))
    clip = put_video(drop, timedelta(hours=2))
    given = GIVEN | {"path": str(drop), "import_videos": True}

    result = await send(hass, await begin(hass, entry), given)
    assert result["errors"] == {"import_videos": "import_without_camera"}
    result = await send(hass, result, given | {"footage_of": [DOOR, "The yard"]})
    assert result["errors"] == {"import_videos": "import_without_camera"}
    result = await send(hass, result, given | {"footage_of": [DOOR]})
    assert result["step_id"] == "preview_import"
    shown = result["description_placeholders"]
    assert (shown["count"], shown["videos"], shown["camera"]) == ("3", "1", "Door")
    assert clip.exists()
    result = await send(hass, result, {"understood": True})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    await hass.async_block_till_done()
    own = managed(entry)
    assert own.data["confirmed"]["videos"] == 1

    def settled() -> bool:
        left = state_of(hass, "sensor", own.subentry_id, "folder_not_imported").state
        return left == "7" and not clip.exists()

    await until(settled)
    [imported] = await async_ledger(hass, entry, EntryKind.FOLDER_IMPORT)
    assert (imported.subject, imported.data["camera"]) == (own.subentry_id, DOOR)
    footage = entry.runtime_data.bridge.steward.footage(
        DOOR, dt_util.utcnow() - timedelta(hours=3), dt_util.utcnow()
    )
    assert [each.sequence for each in footage[0]] == [1]
    found = await async_get_config_entry_diagnostics(hass, entry)
    state = found["folders"][own.subentry_id]["state"]
    assert state["not_imported"] == {"no_video": 7}

    # Of a camera that was removed nothing more is imported; its files keep to their limit.
    hass.config_entries.async_remove_subentry(entry, DOOR)
    await hass.async_block_till_done()
    assert async_folder_settings(hass, "", own.data, {}).into is None


async def test_a_folder_that_is_gone_is_told_and_found_again(
    hass: HomeAssistant, disk: Path, drop: Path
) -> None:
    away = drop.rename(disk / "away")
    drop.symlink_to(away)
    entry = await async_set_up(hass, site(disk / "footage", folder(drop)))
    issues = ir.async_get(hass)
    issue = f"folder_not_looked_at_{DROP}"
    await until(lambda: issues.async_get_issue(DOMAIN, issue))
    assert state_of(hass, "binary_sensor", DROP, "folder_problem").state == STATE_ON
    assert len(list(away.glob("*.jpg"))) == 10
    drop.unlink()
    away.rename(drop)
    await async_ask(hass, "purge")
    await until_looked(hass, entry, *[each.name for each in sorted(drop.glob("*.jpg"))[-7:]])
    assert issues.async_get_issue(DOMAIN, issue) is None
    assert state_of(hass, "binary_sensor", DROP, "folder_problem").state == STATE_OFF


async def test_a_folder_that_is_another_must_be_confirmed_again(
    hass: HomeAssistant, disk: Path, drop: Path
) -> None:
    own = folder(drop)
    (drop / MARKER).unlink()
    entry = await async_set_up(hass, site(disk / "footage", own))
    issues = ir.async_get(hass)
    issue = f"folder_foreign_{DROP}"
    await until(lambda: issues.async_get_issue(DOMAIN, issue))
    assert issues.async_get_issue(DOMAIN, f"folder_not_looked_at_{DROP}") is None
    assert state_of(hass, "binary_sensor", DROP, "folder_problem").state == STATE_ON
    assert len(list(drop.glob("*.jpg"))) == 10

    # Though nothing is changed, it is shown; then it has a mark of its own.
    given = GIVEN | {"path": str(drop), "patterns": ["*.jpg"]}
    result = await send(hass, await begin(hass, entry, DROP), given)
    assert result["step_id"] == "preview"
    result = await send(hass, result, {"understood": True})
    assert result["reason"] == "reconfigure_successful"
    await hass.async_block_till_done()
    await until_looked(hass, entry, *[each.name for each in sorted(drop.glob("*.jpg"))[-7:]])
    assert (drop / MARKER).read_text() == managed(entry).data["mark"] + "\n" != "the one\n"
    assert issues.async_get_issue(DOMAIN, issue) is None

    # Where another folder is confirmed instead, this one no longer bears a mark.
    other = disk / "other"
    other.mkdir()
    result = await send(hass, await begin(hass, entry, DROP), given | {"path": str(other)})
    await send(hass, result, {"understood": True})
    await hass.async_block_till_done()
    assert (other / MARKER).exists()
    assert not (drop / MARKER).exists()

    # A site that is removed takes its marks along.
    await hass.config_entries.async_remove(entry.entry_id)
    await hass.async_block_till_done()
    assert not (other / MARKER).exists()


async def test_a_vault_and_a_managed_folder_keep_out_of_each_other(
    hass: HomeAssistant, disk: Path, drop: Path
) -> None:
    await async_set_up(hass, site(disk / "footage", folder(drop)))
    around = async_surroundings(hass)
    for path in (drop, drop / "sub"):
        with pytest.raises(PlaceRefusedError) as caught:
            check_place(str(path), around)
        assert caught.value.refusal is PlaceRefusal.MANAGED
    (drop / "sub").mkdir()
    with pytest.raises(FolderRefusedError) as refused:
        check_folder(str(drop / "sub"), around)
    assert refused.value.refusal is FolderRefusal.MANAGED
    assert check_folder(str(drop), async_surroundings(hass, but=DROP)) == drop


# ---------------------------------------------------------------------- where one may lie

PARTS = st.sampled_from(
    [
        *("disk", "media", "clips", "config", "www", "community", "snaps", ".storage", "vault"),
        *("footage", "..", ".", "", "link", "loop", "file", "share", "x" * 300, "a\0b"),
    ]
)


@settings(max_examples=150, deadline=None)
@given(parts=st.lists(PARTS, max_size=4))
def test_no_path_leads_to_what_is_not_footage(parts: list[str]) -> None:
    with TemporaryDirectory() as name:
        root = Path(name).resolve()
        around = machine(root)
        for each in ("config/www/snaps", "config/www/community/card", "config/media/clips"):
            (root / each).mkdir(parents=True)
        try:
            found = check_folder("/".join([str(root), *parts]), around)
        except FolderRefusedError:
            return
        assert found.is_dir()
        assert found.resolve() == found
        within = [each for each in (found, *found.parents) if each.is_relative_to(root)]
        allowed = (root / "config/www/snaps", root / "config/media", root / "media")
        if root / "config" in within:
            assert any(each in within for each in allowed)
        assert not (root / "config").is_relative_to(found)
        vault = root / "vault" / "footage"
        assert not vault.is_relative_to(found)
        assert vault not in within


@pytest.mark.parametrize(
    ("path", "refusal"),
    [
        ("/", FolderRefusal.SYSTEM),
        ("/etc", FolderRefusal.SYSTEM),
        ("/usr/share", FolderRefusal.SYSTEM),
        ("/proc/1", FolderRefusal.SYSTEM),
        ("/home", FolderRefusal.WHOLE),
        ("/var/lib", FolderRefusal.WHOLE),
        ("config", FolderRefusal.CONFIG),
        ("", FolderRefusal.VAULT),
        ("config/.storage", FolderRefusal.CONFIG),
        ("config/www", FolderRefusal.WHOLE),
        ("config/www/community/card", FolderRefusal.WHOLE),
        ("vault", FolderRefusal.VAULT),
        ("vault/footage", FolderRefusal.VAULT),
        ("disk/link", FolderRefusal.LINK),
        ("disk/loop", FolderRefusal.MISSING),
        ("disk/file", FolderRefusal.MISSING),
        ("share/link", FolderRefusal.WHOLE),
        ("config/www/snaps", None),
        ("config/media/clips", None),
        ("media", None),
        ("disk", None),
    ],
)
def test_why_a_folder_cannot_be_managed(
    tmp_path: Path, path: str, refusal: FolderRefusal | None
) -> None:
    around = machine(tmp_path)
    for each in ("config/www/snaps", "config/www/community/card", "config/media/clips"):
        (tmp_path / each).mkdir(parents=True)
    where = path if path.startswith("/") else str(tmp_path / path)
    if refusal is None:
        assert check_folder(where, around) == Path(where)
        return
    with pytest.raises(FolderRefusedError) as caught:
        check_folder(where, around)
    assert caught.value.refusal is refusal
