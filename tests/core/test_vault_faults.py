"""What happens to a vault on real disks and in real processes: INV-2, INV-6, with a real camera."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

import pytest

from custom_components.camera_steward.core.books import VaultPlaceKind, prepare_vault
from custom_components.camera_steward.core.capture.worker import SegmentStored, StorageTrouble
from custom_components.camera_steward.core.clock import Clock, SystemClock
from custom_components.camera_steward.core.errors import VaultForeignError
from custom_components.camera_steward.core.files import LocalFiles
from custom_components.camera_steward.core.ledger.entry import EntryKind
from custom_components.camera_steward.core.model import CaptureStatus, GapCause, SegmentState
from custom_components.camera_steward.core.retention.guard import Correction
from custom_components.camera_steward.core.retention.limits import RetentionLimit
from custom_components.camera_steward.core.site import (
    CameraSettings,
    Evicted,
    IndexRebuilt,
    SiteSettings,
    StewardEvent,
)
from custom_components.camera_steward.core.steward import Steward
from custom_components.camera_steward.core.vault.recovery import recover
from custom_components.camera_steward.core.vault.vault import create_identity
from custom_components.camera_steward.core.vault.verify import VerifyLevel
from tests.cameras import Clip, RtspCamera, run_of, units, wait_for

from .recording_process import camera_of, settings_of
from .vault_site import EVER, ScriptedClock, Site, a_site

CLIP = Clip(audio="aac")
MINUTE = timedelta(minutes=1)
NOISE = 4
"""Seconds for which a busy machine may keep a process from what its camera has sent."""

FAT = Clip(bitrate_kbps=3000, seconds=6)


@contextmanager
def a_steward(
    settings: SiteSettings, *cameras: CameraSettings, clock: Clock | None = None
) -> Iterator[tuple[Steward, list[StewardEvent]]]:
    """Run a steward; its events as they come."""
    events: list[StewardEvent] = []
    steward = Steward(settings, cameras, clock=clock or SystemClock(), on_event=events.append)
    steward.start()
    try:
        yield steward, events
    finally:
        assert steward.stop(60)


def _count(events: list[StewardEvent], kind: type[StewardEvent]) -> int:
    return sum(isinstance(each, kind) for each in events)


def _next_stored(events: list[StewardEvent]) -> None:
    """Wait until another segment is sealed."""
    before = _count(events, SegmentStored)
    wait_for(lambda: _count(events, SegmentStored) > before, 90)


def _troubles(events: list[StewardEvent]) -> list[str | None]:
    found = [each.error for each in events if isinstance(each, StorageTrouble)]
    return [None if each is None else each.key for each in found]


def _files(root: Path) -> dict[str, bytes]:
    return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()}


@contextmanager
def a_mount(options: str) -> Iterator[Path]:
    """Mount a small file system in memory, where we may."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount a file system of its own")
    with TemporaryDirectory() as folder:
        target = Path(folder) / "disk"
        target.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(target)]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        if done.returncode:
            pytest.skip(f"this machine does not let us mount: {done.stderr.strip()}")
        try:
            yield target
        finally:
            subprocess.run(["umount", "-l", str(target)], check=True)


# The index


@pytest.mark.parametrize("damage", ["gone", "empty", "no database", "a page", "cut off"])
def test_an_index_that_cannot_be_read_is_rebuilt_with_limits_and_corrections(damage: str) -> None:
    five = RetentionLimit(duration=timedelta(hours=5))
    with a_site() as site:
        settings = settings_of(site.root.parent)
        made = [site.record(camera) for camera in ("door", "yard") for _ in range(20)]
        numbers = [each.segment.sequence for each in made]
        yard = camera_of("rtsp://127.0.0.1:1/x", "yard")
        yard = replace(yard, limit=five, recording=False)
        site.close()
        with a_steward(settings, yard, clock=site.clock) as (steward, events):
            assert _count(events, IndexRebuilt) == 0  # all that is there was known
            by = timedelta(minutes=-7)
            books = steward._books()
            books.book.correct(
                Correction(first=numbers[0], last=numbers[3], by=by), site.clock.now()
            )
            steward.make_statement()
            before = {each.sequence: each for each in books.index.started_by("door", EVER[1])}
            assert before[numbers[0]].start_at == before[numbers[0]].stamp_at + by
        path = site.index_path
        content = path.read_bytes()
        for each in path.parent.glob("index.db-*"):
            each.unlink()
        match damage:
            case "gone":
                path.unlink()
            case "empty":
                path.write_bytes(b"")
            case "no database":
                path.write_bytes(b"no database at all" * 1000)
            case "a page":
                path.write_bytes(content[:4096] + os.urandom(4096) + content[8192:])
            case _:
                path.write_bytes(content[: len(content) // 2])
        with a_steward(settings, clock=site.clock) as (steward, events):
            assert [e.segments for e in events if isinstance(e, IndexRebuilt)] == [40]
            books = steward._books()
            after = {each.sequence: each for each in books.index.started_by("door", EVER[1])}
            assert after == before
            assert books.index.limits()["yard"] == five.duration
            findings = [e.data for e in books.ledger.entries((EntryKind.FINDING,))]
            assert {"what": "index_rebuilt", "segments": 40} in findings
            report = steward.verify(VerifyLevel.DIGEST, *EVER)
            assert (report.damages, report.ledger.broken) == ((), ())
        with a_steward(settings, clock=site.clock) as (_, events):
            assert _count(events, IndexRebuilt) == 0
        site.open()
        site.check()


def test_a_file_that_vanished_is_named_and_one_that_the_index_lost_is_taken_in() -> None:
    with a_site() as site:
        settings = settings_of(site.root.parent)
        gone, forgotten, kept = (site.record() for _ in range(3))
        site.clock.advance(timedelta(hours=5))
        site.record()
        site.path(gone.segment).unlink()
        site.index.forget([forgotten.segment.sequence])
        site.index.set_meta(complete=1)
        site.close()
        with a_steward(settings, clock=site.clock) as (steward, _):
            wait_for(lambda: steward.snapshot().last_statement)
            report = steward.verify(VerifyLevel.DIGEST, *EVER)
            assert [each.segment.sequence for each in report.damages] == [gone.segment.sequence]
            index = steward._books().index
            row = wait_for(lambda: index.segment(forgotten.segment.sequence))
            assert row is not None
            assert row.digest
            assert index.segment(kept.segment.sequence) is not None


# The place


def test_a_vault_that_vanishes_while_recording_is_not_replaced_and_goes_on_when_it_is_back(
    tmp_path: Path,
) -> None:
    site = Site(tmp_path, clock=ScriptedClock(SystemClock().now()))
    site.close()
    away = tmp_path / "away"
    with (
        RtspCamera(CLIP) as camera,
        a_steward(settings_of(tmp_path), camera_of(camera.url)) as (steward, events),
    ):
        _next_stored(events)
        site.root.rename(away)
        site.root.mkdir()  # the empty mount point of a disk that was pulled
        wait_for(lambda: _troubles(events))
        assert _troubles(events)[-1] == "vault_missing"
        wait_for(lambda: steward.snapshot().cameras["door"].status is CaptureStatus.NO_STREAM)
        assert steward.snapshot().storage_error_key == "vault_missing"
        assert list(site.root.iterdir()) == []
        site.root.rmdir()
        away.rename(site.root)
        _next_stored(events)
        assert _troubles(events)[-1] is None
        gaps = steward.footage("door", *EVER)[1]
        assert GapCause.STORAGE in {each.cause for each in gaps}
    site.open()
    site.check()
    for each in site.rows():
        assert run_of(units(site.media(each)), CLIP.units()) is not None


def test_another_vault_in_its_place_is_never_written_into(tmp_path: Path) -> None:
    site = Site(tmp_path, clock=ScriptedClock(SystemClock().now()))
    site.close()
    away = tmp_path / "away"
    with (
        RtspCamera(CLIP) as camera,
        a_steward(settings_of(tmp_path), camera_of(camera.url)) as (_, events),
    ):
        _next_stored(events)
        site.root.rename(away)
        create_identity(site.root, LocalFiles(), UUID(int=99), SystemClock().now())
        before = _files(site.root)
        wait_for(lambda: _troubles(events))
        assert _troubles(events)[-1] == "vault_foreign"
        tried = camera.stats()["connections"]
        wait_for(lambda: camera.stats()["connections"] >= tried, 90)
        assert _files(site.root) == before
    assert _files(site.root) == before
    with pytest.raises(VaultForeignError):
        Steward(settings_of(tmp_path), []).start()
    assert _files(site.root) == before
    (site.root / "vault.json").unlink()
    site.root.rmdir()
    away.rename(site.root)
    site.restart()
    site.check()


def test_two_sites_do_not_share_a_vault() -> None:
    with a_site() as site, TemporaryDirectory() as folder:
        site.record()
        place = prepare_vault(site.root)
        assert (place.kind, place.vault) == (VaultPlaceKind.VAULT, settings_of(Path()).vault)
        before = _files(site.root)
        other = replace(settings_of(Path(folder)), root=site.root, vault=UUID(int=99))
        with pytest.raises(VaultForeignError):
            Steward(other, []).start()
        with pytest.raises(VaultForeignError):
            create_identity(site.root, LocalFiles(), UUID(int=99), site.clock.now())
        assert _files(site.root) == before
        site.check()


# The disk


def test_a_read_only_disk_is_told_and_recorded_on_once_it_can_be_written() -> None:
    with a_mount("size=16m") as disk:
        site = Site(disk, clock=ScriptedClock(SystemClock().now()))
        site.record()
        site.close()
        with TemporaryDirectory() as state, RtspCamera(CLIP) as camera:
            settings = settings_of(disk)
            settings = replace(settings, state=Path(state))
            subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
            before = _files(site.root)
            with a_steward(settings, camera_of(camera.url)) as (steward, events):
                wait_for(lambda: _troubles(events))
                assert _troubles(events)[-1] == "storage_read_only"
                assert _files(site.root) == before
                subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)
                _next_stored(events)
                assert _troubles(events)[-1] is None
                report = steward.verify(VerifyLevel.DIGEST, *EVER)
                assert report.damages == ()


def test_a_full_disk_loses_the_oldest_first_says_so_and_goes_on() -> None:
    with a_mount("size=3m") as disk, TemporaryDirectory() as state, RtspCamera(FAT) as camera:
        site = Site(disk, clock=ScriptedClock(SystemClock().now()))
        site.close()
        for each in disk.glob("index.db*"):
            each.unlink()
        settings = replace(settings_of(disk), state=Path(state))
        with a_steward(settings, camera_of(camera.url, seconds=2)) as (steward, events):
            wait_for(lambda: _count(events, Evicted), 120)
            _next_stored(events)
            _next_stored(events)
            books = steward._books()
            findings = [e.data.get("finding") for e in books.ledger.entries((EntryKind.FINDING,))]
            assert "evicted_for_space" in findings
            rows = [
                each
                for each in books.index.started_by("door", EVER[1])
                if each.state is not SegmentState.OPEN
            ]
            assert list(books.ledger.entries((EntryKind.EVICTION,)))
            # What went is older than all that is kept, and of what is kept nothing is damaged.
            numbers = [each.sequence for each in rows]
            assert numbers == sorted(numbers)
            assert min(numbers) > 1
            report = steward.verify(VerifyLevel.DIGEST, *EVER)
            assert report.damages == ()


# The process


def test_a_process_that_is_killed_at_any_moment_loses_ten_seconds_at_most(tmp_path: Path) -> None:
    site = Site(tmp_path, clock=ScriptedClock(SystemClock().now()))
    site.close()
    with RtspCamera(CLIP) as camera:
        for moment in (0.2, 1, 2.5, 4.5, 12):
            plays = camera.stats()["plays"]
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.core.recording_process", tmp_path, camera.url],
                stdout=subprocess.DEVNULL,
                cwd=Path(__file__).parents[2],
            )
            try:
                wait_for(lambda held=plays: camera.stats()["plays"] > held, 90)  # type: ignore[misc]
                time.sleep(moment + random.uniform(0, 1.5))
            finally:
                process.send_signal(signal.SIGKILL)
                process.wait()
            killed_at = SystemClock().now()
            site.open()
            known = {each.sequence for each in site.rows() if each.digest}
            recover(site.vault)
            site.check()
            mine = [each for each in site.rows() if each.sequence not in known]
            sealed = [each for each in site.rows() if each.start_at > killed_at - MINUTE]
            for each in mine:
                assert run_of(units(site.media(each)), CLIP.units()) is not None
            if moment == 12:
                assert sealed[-1].end_at > killed_at - timedelta(seconds=10 + NOISE)
            site.close()
    site.open()
    # Each life was one connection: what is kept of it is one run of what was sent to it.
    lives: list[list[bytes]] = []
    ended_at = None
    for row in site.rows():
        if row.start_at != ended_at:
            lives.append([])
        lives[-1] += units(site.media(row))
        ended_at = row.end_at
    assert lives
    for life in lives:
        assert run_of(life, CLIP.units()) == 0
    site.close()
