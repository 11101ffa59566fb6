"""Copies of held footage: the same units under another key, on disks that fail (INV-3, INV-6)."""

import json
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import MetaData

from custom_components.camera_steward.core.access.people import Role
from custom_components.camera_steward.core.books import (
    INDEX_NAME,
    LEDGER_NAME,
    Books,
    erase_site,
    replace_vault,
)
from custom_components.camera_steward.core.clock import SystemClock
from custom_components.camera_steward.core.database import Database
from custom_components.camera_steward.core.errors import (
    FootageError,
    KeyMissingError,
    StorageError,
)
from custom_components.camera_steward.core.files import LocalFiles
from custom_components.camera_steward.core.ledger.entry import Entry, EntryKind
from custom_components.camera_steward.core.ledger.opening import open_ledger
from custom_components.camera_steward.core.model import Segment, SegmentState
from custom_components.camera_steward.core.retention.holds import Hold, Holds, HoldState
from custom_components.camera_steward.core.retention.limits import SiteLimits
from custom_components.camera_steward.core.site import Failed, StewardEvent
from custom_components.camera_steward.core.steward import Steward
from custom_components.camera_steward.core.vault.format import HoldKey, unwrap_hold
from custom_components.camera_steward.core.vault.holds import HOLD_KEY_NAME, HoldFiles
from custom_components.camera_steward.core.vault.index import METADATA, Index
from custom_components.camera_steward.core.vault.tables import GAPS, LIMITS, META, SEGMENTS
from custom_components.camera_steward.core.vault.vault import Vault
from custom_components.camera_steward.core.vault.verify import VerifyLevel, verify_held
from tests.cameras import Clip

from .faults import Fault, FaultyFiles, Loss, PowerCut
from .played import file_source, play
from .recording_process import DAY, settings_of
from .vault_site import EVER, FAR_BACK, MARKER, SECOND, SITE_KEY, VAULT, ScriptedClock, Site, a_site

GOLDEN = Path(__file__).parent / "data" / "golden-1"
HOLD, OTHER = "0123456789abcdef", "fedcba9876543210"
KEY = HoldKey(
    key=bytes(range(32, 64)),
    cameras=("door", "yard"),
    start_at=datetime(2026, 11, 22, tzinfo=UTC),
    end_at=datetime(2026, 11, 23, tzinfo=UTC),
    placed_at=datetime(2026, 11, 24, tzinfo=UTC),
    until_at=datetime(2026, 12, 24, tzinfo=UTC),
)


@pytest.fixture(scope="module")
def footage() -> Iterator[tuple[Site, list[Segment], HoldFiles]]:
    """Record a change of codec, a gap and a crash, and copy all of it into a hold."""
    with a_site() as site:
        play(site, "door", file_source(Clip().path()), segment_length=2 * SECOND)
        play(site, "door", file_source(Clip(video="h265").path()), segment_length=3 * SECOND)
        site.clock.advance(timedelta(hours=1))
        site.record(seconds=2)
        torn = site.begin()
        for number in range(4):
            torn.append([MARKER + bytes([number]) * 50_000])
        site.restart()
        rows = site.rows()
        files = HoldFiles(site.vault, SITE_KEY)
        files.create(HOLD, KEY)
        assert [files.copy(HOLD, each) for each in rows] == rows
        yield site, rows, files


def test_copies_hold_the_same_units_and_are_as_large(
    footage: tuple[Site, list[Segment], HoldFiles],
) -> None:
    site, rows, files = footage
    assert {each.state for each in rows} == {SegmentState.SEALED, SegmentState.RECOVERED}
    assert len(rows) > 6
    assert list(verify_held(files, HOLD, rows, VerifyLevel.SIZE)) == []
    for each in rows:
        reader = files.open_segment(HOLD, each)
        assert reader.read(0, reader.media_bytes) == site.media(each)
        assert reader.trailer.digest == each.digest
        reader.close()
        assert files.path_of(HOLD, each).read_bytes() != site.path(each).read_bytes()
    met = [each for each in files.walk() if each.sequence is not None]
    assert [files.describe(each) for each in met] == rows
    site.check_secrecy()


def test_a_copy_opens_only_at_its_own_place(
    footage: tuple[Site, list[Segment], HoldFiles],
) -> None:
    _, rows, files = footage
    files.create(OTHER, KEY)
    own, other = rows[0], rows[1]
    places = [files.path_of(HOLD, other), files.path_of(OTHER, own)]
    places[1].parent.mkdir()
    before = places[0].read_bytes()
    shutil.copyfile(files.path_of(HOLD, own), places[0])
    with pytest.raises(FootageError, match="another segment"):
        files.open_segment(HOLD, other)
    places[0].write_bytes(before)
    files.destroy(OTHER)
    files.create(OTHER, replace(KEY, key=bytes(32)))
    places[1].parent.mkdir()
    shutil.copyfile(files.path_of(HOLD, own), places[1])
    with pytest.raises(FootageError):
        files.open_segment(OTHER, own)
    # The key file of another hold is none, though the site key is the same.
    data = (places[1].parent.parent / HOLD_KEY_NAME).read_bytes()
    with pytest.raises(KeyMissingError):
        unwrap_hold(data, SITE_KEY, VAULT, HOLD)
    files.destroy(OTHER)


def test_one_changed_byte_of_a_key_file_opens_nothing(
    footage: tuple[Site, list[Segment], HoldFiles],
) -> None:
    site, _, _ = footage
    data = (site.root / "holds" / HOLD / HOLD_KEY_NAME).read_bytes()
    assert unwrap_hold(data, SITE_KEY, VAULT, HOLD) == KEY
    for at in range(len(data)):
        changed = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
        with pytest.raises(KeyMissingError):
            unwrap_hold(changed, SITE_KEY, VAULT, HOLD)
    for cut in (b"", data[:10], data[:-1], data + b"\0"):
        with pytest.raises(KeyMissingError):
            unwrap_hold(cut, SITE_KEY, VAULT, HOLD)
    with pytest.raises(KeyMissingError):
        unwrap_hold(data, SITE_KEY, UUID(int=1), HOLD)
    with pytest.raises(KeyMissingError):
        unwrap_hold(data, bytes(32), VAULT, HOLD)
    assert "key" not in repr(KEY)


def test_once_a_hold_has_ended_no_key_is_left_of_it_anywhere(tmp_path: Path) -> None:
    with a_site() as site:
        site.record()
        files = HoldFiles(site.vault, SITE_KEY)
        files.create(HOLD, KEY)
        [row] = site.rows()
        files.copy(HOLD, row)
        path = files.path_of(HOLD, row)
        kept = path.read_bytes()
        place = path.parent.parent / HOLD_KEY_NAME
        # Another name for the same blocks shows what becomes of them.
        blocks = [site.root.parent / "first", site.root.parent / "second"]
        os.link(place, blocks[0])
        later = replace(KEY, until_at=KEY.until_at + timedelta(days=9))
        files.replace(HOLD, later)
        assert files.read(HOLD) == later
        os.link(place, blocks[1])
        files.destroy(HOLD)
        assert not (site.root / "holds").exists()
        for each in blocks:
            with pytest.raises(KeyMissingError):
                unwrap_hold(each.read_bytes(), SITE_KEY, VAULT, HOLD)
        path.parent.mkdir(parents=True)
        path.write_bytes(kept)
        with pytest.raises(KeyMissingError):
            files.open_segment(HOLD, row)


def test_a_segment_of_format_1_is_held_as_such(tmp_path: Path) -> None:
    root = tmp_path / "vault"
    shutil.copytree(GOLDEN / "vault", root)
    told = json.loads((GOLDEN / "golden.json").read_text())
    key = bytes.fromhex(told["site_key"])
    database = Database(tmp_path / "index.db", METADATA)
    index = Index(database)
    vault = Vault(root, LocalFiles(), ScriptedClock(), UUID(told["vault"]), key, index)
    vault.rebuild_index()
    rows = [
        each
        for camera in index.cameras()
        for each in index.segments(camera, *EVER, overlap=FAR_BACK)
        if each.state is not SegmentState.OPEN
    ]
    files = HoldFiles(vault, key)
    files.create(HOLD, KEY)
    copies = [files.copy(HOLD, each) for each in rows]
    assert copies == rows
    for each in copies:
        assert files.path_of(HOLD, each).read_bytes()[8:10] == b"\0\1"
    assert list(verify_held(files, HOLD, copies, VerifyLevel.SIZE)) == []
    database.close()


# A disk that fails


def _create(files: HoldFiles, row: Segment) -> None:
    del row
    files.create(OTHER, KEY)


def _replace(files: HoldFiles, row: Segment) -> None:
    del row
    files.replace(HOLD, replace(KEY, until_at=KEY.placed_at))


def _copy(files: HoldFiles, row: Segment) -> None:
    files.copy(HOLD, row)


def _destroy(files: HoldFiles, row: Segment) -> None:
    del row
    files.destroy(HOLD)


@pytest.mark.parametrize(
    ("fault", "loss"),
    [
        (Fault.EIO, Loss.KEPT),
        (Fault.ENOSPC, Loss.KEPT),
        *((Fault.POWER_CUT, loss) for loss in Loss),
    ],
)
@pytest.mark.parametrize("step", [_create, _replace, _copy, _destroy])
def test_whatever_call_fails_a_key_is_whole_or_gone_and_a_copy_can_be_made(
    step: Callable[[HoldFiles, Segment], None], fault: Fault, loss: Loss
) -> None:
    disk = FaultyFiles()
    with a_site(disk) as site:
        site.record()
        [row] = site.rows()
        for at in range(1, 100):
            files = HoldFiles(site.vault, SITE_KEY)
            files.create(HOLD, KEY)
            if step is not _copy:
                files.copy(HOLD, row)
            disk.arm(at, fault)
            with suppress(StorageError, PowerCut):
                step(files, row)
            hit = disk.hit
            disk.power_on(loss)
            files = HoldFiles(site.vault, SITE_KEY)
            if step is _replace:
                assert files.read(HOLD).key == KEY.key
                _replace(files, row)
                assert files.read(HOLD).until_at == KEY.placed_at
            if step is _destroy:
                _destroy(files, row)
            else:
                assert files.copy(HOLD, row) == row
                assert list(verify_held(files, HOLD, [row], VerifyLevel.CHUNKS)) == []
            for each in (HOLD, OTHER):
                files.destroy(each)
            assert not (site.root / "holds").exists()
            if not hit:
                break
        assert 5 < at < 99


# Beside everything else


def test_an_index_made_before_there_were_holds_is_opened(tmp_path: Path) -> None:
    before = MetaData()
    for each in (SEGMENTS, GAPS, LIMITS, META):
        each.to_metadata(before)
    old = Database(tmp_path / "index.db", before)
    Index(old).set_meta(sequence=7)
    old.close()
    database = Database(tmp_path / "index.db", METADATA)
    index = Index(database)
    assert index.last_sequence() == 7
    assert index.held.holds() == []
    database.close()


def _place(holds: Holds, clock: ScriptedClock) -> Hold:
    return holds.place(
        cameras=["door"],
        start_at=clock.now() - timedelta(hours=1),
        end_at=clock.now(),
        reason="窓ガラスの破損",
        requested_by="熊谷警察署",
        actor="埼玉花子",
        role=Role.MANAGER,
    )


def _ended(folder: Path) -> list[Entry]:
    settings = settings_of(folder)
    key = Ed25519PrivateKey.from_private_bytes(settings.signing_key)
    ledger, _ = open_ledger(folder / LEDGER_NAME, SystemClock(), key)
    try:
        return list(ledger.entries((EntryKind.HOLD_ENDED,)))
    finally:
        ledger.close()


@pytest.mark.parametrize("end", ["erased", "given up"])
def test_a_running_site_copies_what_is_held_and_its_end_ends_holds(end: str) -> None:
    with a_site() as site:
        for _ in range(3):
            site.record()
        site.close()
        folder = site.root.parent
        settings = settings_of(folder)
        limits = SiteLimits(ceiling=settings.ceiling, default=DAY, cameras={})
        books = Books(settings, site.clock, LocalFiles(), lambda: limits, lambda event: None)
        noted = _place(books.holds, site.clock)
        books.close()

        steward = Steward(settings, [], clock=site.clock)
        steward.start()
        try:
            placed = _place(steward.holds(), site.clock)
            tick = threading.Event()
            for _ in range(600):
                holds = {each.id: each for each in steward.snapshot().holds}
                if {each.state for each in holds.values()} == {HoldState.KEPT}:
                    break
                tick.wait(0.1)
            assert {each.id: each.copied for each in holds.values()} == {
                noted.id: 3,
                placed.id: 3,
            }
            checked = steward.verify(VerifyLevel.DIGEST, *EVER)
            assert (checked.checked, checked.damages) == (9, ())
        finally:
            assert steward.stop(60)
        if end == "erased":
            assert erase_site(settings, actor="manager-id", clock=site.clock) == 3
            assert list(site.root.rglob("*")) == []
        else:
            replace_vault(
                settings,
                root=folder / "new",
                vault=UUID(int=9),
                actor="manager-id",
                reason="盗難",
            )
        ended = _ended(folder)
        assert {each.subject for each in ended} == {noted.id, placed.id}
        rule = "decommission" if end == "erased" else "lost"
        assert {(each.data["rule"], each.data["count"]) for each in ended} == {(rule, 3)}
        assert {each.actor for each in ended} == {"manager-id"}
        database = Database(folder / INDEX_NAME, METADATA)
        assert Index(database).held.holds() == []
        database.close()


def test_a_hold_that_cannot_be_copied_keeps_no_statement_from_being_made() -> None:
    with a_site() as site:
        site.record()
        site.close()
        settings = settings_of(site.root.parent)
        limits = SiteLimits(ceiling=settings.ceiling, default=DAY, cameras={})
        books = Books(settings, site.clock, LocalFiles(), lambda: limits, lambda event: None)
        placed = _place(books.holds, site.clock)
        books.close()
        (site.root / "holds" / placed.id / HOLD_KEY_NAME).unlink()
        site.clock.advance(2 * settings.limit.duration)

        events: list[StewardEvent] = []
        steward = Steward(settings, [], clock=site.clock, on_event=events.append)
        steward.start()
        try:
            tick = threading.Event()
            for _ in range(600):
                if steward.snapshot().last_statement is not None:
                    break
                tick.wait(0.1)
            statement = steward.snapshot().last_statement
            assert statement is not None
            failed = [each for each in events if isinstance(each, Failed)]
            assert "hold_failed" in {each.error.key for each in failed}
        finally:
            assert steward.stop(60)
