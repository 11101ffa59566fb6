"""Whatever call fails and wherever the power goes: INV-2, and repeating finishes it.

Every call on files of each scenario is failed in turn; `VAULT_THOROUGH=1` runs longer ones.
"""

import contextlib
import io
import os
from collections.abc import Callable
from datetime import timedelta

import av
import pytest

from custom_components.camera_steward.core.errors import StorageError, VaultForeignError
from custom_components.camera_steward.core.model import SegmentState
from custom_components.camera_steward.core.vault.recovery import recover, recover_camera
from custom_components.camera_steward.core.vault.vault import (
    create_identity,
    hour_of,
    read_identity,
)

from .faults import Fault, FaultyFiles, Loss, PowerCut, copy_database, restore_database
from .vault_site import SECOND, VAULT, Recording, Site, a_site, picture

THOROUGH = bool(os.environ.get("VAULT_THOROUGH"))
SIZES = (300, 90_000, 300, 20_000)
"""A slow second, which is padded, one of more than a chunk, and what lies between."""

CRASHES = [
    pytest.param(Fault.POWER_CUT, Loss.KEPT, id="power cut, all kept"),
    pytest.param(Fault.POWER_CUT, Loss.LOST, id="power cut, unsynced lost"),
    pytest.param(Fault.POWER_CUT, Loss.TORN, id="power cut, unsynced torn"),
]
FAULTS = [
    pytest.param(Fault.EIO, None, id="EIO"),
    pytest.param(Fault.ENOSPC, None, id="ENOSPC"),
    *CRASHES,
]


def _record_three(site: Site, recordings: list[Recording]) -> None:
    """Record as a worker does: after an error, let go, recover, and go on with a new segment."""
    site.clock.at = site.clock.at.replace(minute=59, second=35)  # the third is in another hour
    for number in range(3):
        try:
            recording = site.begin()
            recordings.append(recording)
            for second in range(24 if THOROUGH else 13):
                recording.append([picture(number * 100 + second, SIZES[second % len(SIZES)])])
            recording.seal()
        except StorageError:
            if recordings:
                recordings[-1].writer.abandon()
            try:
                recover_camera(site.vault, "door")
            except StorageError:
                continue


def _erase(site: Site, recordings: list[Recording]) -> None:
    going = [each.segment for each in recordings[:3]]
    site.vault.erase(going)
    site.index.forget([each.sequence for each in going])


def _rebuild(site: Site) -> None:
    site.restart(lose_index=True)


def _restart(site: Site) -> None:
    site.restart()


WRITING = {"append", "create", "make_directory", "rename", "reopen", "sync", "sync_directory"}


def _every_call(
    fault: Fault,
    scenario: Callable[[Site], None],
    prepare: Callable[[Site], None] = lambda site: None,
) -> list[int]:
    """Return at which calls on files a fault can happen in a scenario, counted from 1."""
    files = FaultyFiles()
    with a_site(files) as site:
        prepare(site)
        files.arm(at=10**9, fault=Fault.EIO)
        scenario(site)
        return [
            at
            for at, name in enumerate(files.log, start=1)
            if fault is not Fault.ENOSPC or name in WRITING
        ]


@pytest.mark.parametrize(("fault", "loss"), FAULTS)
def test_whatever_call_fails_while_recording_nothing_older_than_ten_seconds_is_lost(
    fault: Fault, loss: Loss | None
) -> None:
    calls = _every_call(fault, lambda site: _record_three(site, []))
    assert len(calls) > 30
    for at in calls:
        files = FaultyFiles()
        with a_site(files) as site:
            recordings: list[Recording] = []
            files.arm(at, fault)
            try:
                _record_three(site, recordings)
            except PowerCut:
                assert loss is not None
            cut_at = site.clock.elapsed()
            files.disarm()
            if loss is not None:
                files.power_on(loss)
            site.restart()
            site.check()
            for each in recordings:
                owed = each.owed(cut_at) if each is recordings[-1] else None
                _check_kept(site, each, owed, once=fault is not Fault.POWER_CUT)


def _check_kept(site: Site, recording: Recording, owed: int | None, *, once: bool) -> None:
    """Check that what is read is what was given from its beginning, as much of it as is owed."""
    segment = site.index.segment(recording.segment.sequence)
    given_to = recording.given_at[-1] if recording.given_at else timedelta()
    if segment is None:
        assert recording.owed(given_to) == 0
        return
    read = site.units(segment)
    assert read == recording.units[: len(read)]
    if segment.state is SegmentState.SEALED:
        assert read == recording.units
    elif owed is not None and not once:
        assert len(read) >= owed
    else:
        assert len(read) >= recording.owed(given_to)


@pytest.mark.parametrize(("fault", "loss"), FAULTS)
def test_an_erasure_that_fails_anywhere_is_finished_by_repeating_it(
    fault: Fault, loss: Loss | None
) -> None:
    def prepare(site: Site) -> None:
        site.clock.at = site.clock.at.replace(minute=59, second=50)
        made.clear()
        made.extend(site.record(seconds=4) for _ in range(5))  # two hours: 3 and 2 segments
        made.append(site.record("yard"))

    made: list[Recording] = []
    calls = _every_call(fault, lambda site: _erase(site, made), prepare)
    for at in calls:
        files = FaultyFiles()
        with a_site(files) as site:
            prepare(site)
            files.arm(at, fault)
            with pytest.raises((StorageError, PowerCut)):
                _erase(site, made)
            if loss is not None:
                files.power_on(loss)
            files.disarm()
            going, staying = made[:3], made[3:]
            hour = site.root / "door" / hour_of(going[0].segment.stamp_at)
            assert (hour / "hour.key").exists() or not list(hour.glob("*.seg")) or loss
            for each in staying:
                assert site.units(site.row(each.segment.sequence)) == each.units
            _erase(site, made)
            assert not hour.exists()
            assert {r.sequence for r in site.rows()} == {e.segment.sequence for e in staying}
            site.check()


@pytest.mark.parametrize(("fault", "loss"), FAULTS)
def test_making_a_vault_that_fails_anywhere_is_finished_by_repeating_it(
    fault: Fault, loss: Loss | None
) -> None:
    calls = _every_call(
        fault, lambda site: create_identity(site.root / "new", site.files, VAULT, site.clock.now())
    )
    for at in calls:
        files = FaultyFiles()
        with a_site(files) as site:
            root = site.root / "new"
            files.arm(at, fault)
            with pytest.raises((StorageError, PowerCut)):
                create_identity(root, files, VAULT, site.clock.now())
            if loss is not None:
                files.power_on(loss)
            files.disarm()
            if read_identity(root, files) is None:
                create_identity(root, files, VAULT, site.clock.now())
            assert read_identity(root, files) == VAULT


def test_a_vault_is_never_made_over_another() -> None:
    with a_site() as site:
        before = (site.root / "vault.json").read_bytes()
        with pytest.raises(VaultForeignError):
            create_identity(site.root, site.files, VAULT, site.clock.now())
        assert (site.root / "vault.json").read_bytes() == before


@pytest.mark.parametrize(("fault", "loss"), FAULTS)
def test_a_rebuild_that_fails_anywhere_goes_on_at_the_next_start(
    fault: Fault, loss: Loss | None
) -> None:
    def prepare(site: Site) -> None:
        made.clear()
        made.append(site.record())
        unsealed = site.begin("yard")
        for number in range(12):
            unsealed.append([picture(number)])
        unsealed.writer.abandon()
        made.append(unsealed)

    made: list[Recording] = []
    calls = _every_call(fault, _rebuild, prepare)
    for at in calls:
        files = FaultyFiles()
        with a_site(files) as site:
            prepare(site)
            files.arm(at, fault)
            with contextlib.suppress(StorageError, PowerCut):
                site.restart(lose_index=True)
            if loss is not None:
                files.power_on(loss)
            files.disarm()
            site.restart()
            site.check()
            sealed, unsealed = made
            assert site.units(site.row(sealed.segment.sequence)) == sealed.units
            read = site.units(site.row(unsealed.segment.sequence))
            assert read == unsealed.units[: len(read)]
            assert len(read) >= unsealed.owed(site.clock.elapsed())


@pytest.mark.parametrize("loss", list(Loss))
def test_a_power_cut_anywhere_in_a_recovery_is_finished_by_the_next(loss: Loss) -> None:
    def prepare(site: Site) -> None:
        recording = site.begin()
        for number in range(12):
            recording.append([picture(number, 30_000)])
        recording.writer.abandon()
        made[:] = [recording]

    made: list[Recording] = []
    calls = _every_call(Fault.POWER_CUT, _restart, prepare)
    whole: set[bytes] = set()
    for at in calls:
        files = FaultyFiles()
        with a_site(files) as site:
            prepare(site)
            files.arm(at, Fault.POWER_CUT)
            with pytest.raises(PowerCut):
                site.restart()
            files.power_on(loss)
            site.restart()
            site.check()
            row = site.row(made[0].segment.sequence)
            assert row.state is SegmentState.RECOVERED
            whole.add(site.media(row)[-200:])
            assert len(site.units(row)) >= made[0].owed(site.clock.elapsed())
    assert len(whole) == 1


def test_a_recovery_that_runs_twice_writes_the_same_bytes() -> None:
    with a_site() as site:
        recording = site.begin()
        for number in range(12):
            recording.append([picture(number, 30_000)])
        recording.writer.abandon()
        path = site.path(recording.segment)
        left = path.read_bytes()
        held = copy_database(site.index_path)
        site.restart()
        first = path.read_bytes()
        site.close()
        restore_database(site.index_path, held)
        path.write_bytes(left)
        site.restart()
        assert path.read_bytes() == first


def test_a_torn_seal_is_never_replaced_under_its_own_nonce() -> None:
    """A final chunk that a cut tore and the one by recovery may both be on old flash cells."""
    with a_site() as site:
        recording = site.record(seconds=12, size=30_000)
        segment = site.row(recording.segment.sequence)
        path = site.path(segment)
        sealed = path.read_bytes()
        path.write_bytes(sealed[:-7])
        site.restart(lose_index=True)
        site.check()
        row = site.row(segment.sequence)
        assert row.state is SegmentState.RECOVERED
        start = len(sealed) - (len(sealed) - 128) % (64 * 1024 + 16)
        ours, torn = path.read_bytes()[start:], sealed[start:]
        plain = site.media(row)[-16:]
        # One key stream would show: equal plaintext at one place gives equal bytes there.
        assert plain
        assert sum(a == b for a, b in zip(ours, torn, strict=False)) < len(ours) // 8


def test_a_disk_that_is_full_at_the_start_does_not_keep_the_rest_from_starting() -> None:
    files = FaultyFiles()
    with a_site(files) as site:
        sealed = site.record()
        recording = site.begin("yard")
        for number in range(12):
            recording.append([picture(number)])
        recording.writer.abandon()
        site.close()
        site.open()
        files.arm(at=10**9, fault=Fault.ENOSPC)
        recover_calls = 0
        while True:
            recover_calls += 1
            files.arm(at=recover_calls, fault=Fault.ENOSPC)
            try:
                recover(site.vault)
            except StorageError:
                continue
            if files.log[-1:] and not files.hit:
                break
            rows = {each.sequence for each in site.rows()}
            assert {sealed.segment.sequence, recording.segment.sequence} <= rows
        files.disarm()
        recover_camera(site.vault, "yard")
        site.check()


def test_a_vault_taken_away_costs_no_row(tmp_path_factory: pytest.TempPathFactory) -> None:
    with a_site() as site:
        recording = site.begin()
        for number in range(12):
            recording.append([picture(number)])
        recording.writer.abandon()
        away = site.root.with_name("away")
        site.root.rename(away)
        with pytest.raises(StorageError):
            recover_camera(site.vault, "door")
        site.root.mkdir()
        with pytest.raises(StorageError):
            recover_camera(site.vault, "door")
        assert list(site.root.iterdir()) == []
        site.root.rmdir()
        away.rename(site.root)
        (done,) = recover_camera(site.vault, "door")
        assert done.segment.state is SegmentState.RECOVERED
        site.check()


def test_rows_that_a_power_cut_took_are_found_on_disk_again() -> None:
    with a_site() as site:
        site.record()
        held = copy_database(site.index_path)
        sealed = site.record()
        unsealed = site.begin()
        for number in range(12):
            unsealed.append([picture(number)])
        unsealed.writer.abandon()
        site.close()
        restore_database(site.index_path, held)
        site.open()
        found = recover(site.vault)
        assert {each.segment.sequence for each in found} == {
            sealed.segment.sequence,
            unsealed.segment.sequence,
        }
        assert not any(each.damaged for each in found)
        assert site.units(site.row(sealed.segment.sequence)) == sealed.units
        site.check()
        assert site.record().segment.sequence > unsealed.segment.sequence


def test_what_never_came_to_hold_a_whole_fragment_goes_at_recovery_and_its_key_with_it() -> None:
    with a_site() as site:
        begun = site.begin()
        begun.append([picture(1, 200_000)])
        begun.writer.abandon()
        assert site.path(begun.segment).stat().st_size > 64 * 1024
        (done,) = site.restart()
        assert not done.damaged
        assert site.rows() == []
        assert [each.name for each in site.root.iterdir()] == ["vault.json"]


def test_a_slow_stream_is_durable_within_ten_seconds_and_plays() -> None:
    files = FaultyFiles()
    with a_site(files) as site:
        recording = site.begin()
        for number in range(40):
            recording.append([picture(number, 200)])
            site.clock.advance(SECOND)  # a picture every two seconds
        cut_at = site.clock.elapsed()
        files.arm(at=1, fault=Fault.POWER_CUT)
        with pytest.raises(PowerCut):
            recording.seal()
        files.power_on(Loss.LOST)
        site.restart()
        site.check()
        row = site.row(recording.segment.sequence)
        assert len(site.units(row)) >= recording.owed(cut_at)
        with av.open(io.BytesIO(site.media(row)), "r") as container:
            packets = [bytes(p) for p in container.demux(video=0) if p.size]
        assert packets == site.units(row)
