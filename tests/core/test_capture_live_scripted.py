"""Live views by scripted cameras: what takes long, or must come out to the byte."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import cache
from itertools import pairwise

import pytest

from custom_components.camera_steward.core.capture.live import WINDOW, WINDOW_BYTES
from custom_components.camera_steward.core.capture.recorder import RecorderSettings
from custom_components.camera_steward.core.capture.source import Packet
from custom_components.camera_steward.core.capture.worker import CaptureWorker, StorageTrouble
from custom_components.camera_steward.core.errors import SourceStalledError
from custom_components.camera_steward.core.model import CaptureStatus, GapCause
from tests.cameras import Clip, wait_for
from tests.core.capture_site import (
    SECOND,
    CaptureSite,
    FaultyFiles,
    Footage,
    ScriptedClock,
    ScriptedSource,
    Step,
    a_site,
    picture_numbers,
    stored_units,
)

from .watcher import Watcher


@cache
def footage(clip: Clip, *, audio: bool = False) -> Footage:
    return Footage.of(clip, audio=audio)


def picture(number: int, group: int = 10, size: int = 9) -> Packet:
    unit = (b"\x65" if number % group == 0 else b"\x41") + number.to_bytes(8) + b"\x5a" * size
    return Packet(0, len(unit).to_bytes(4) + unit, None, None, number % group == 0)


def play(
    site: CaptureSite,
    steps: Callable[[CaptureWorker], Iterator[Step]],
    of: Footage | None = None,
    settings: RecorderSettings | None = None,
) -> None:
    """Run a worker over one scripted connection, in scripted time."""
    assert isinstance(site.clock, ScriptedClock)
    clip = of or footage(Clip())
    source = ScriptedSource(clip, site.clock, lambda: steps(worker))
    worker = site.worker(source, settings=settings or RecorderSettings())
    worker.start()
    # It has no stream for a moment, too, when the storage fails in the middle.
    wait_for(lambda: source.ended)
    site.wait_for_status(CaptureStatus.NO_STREAM)
    worker.request_stop()
    assert worker.join(60)


@pytest.mark.parametrize(
    ("clip", "audio"),
    [
        (Clip(gop_seconds=1), False),
        (Clip(gop_seconds=0.2), False),
        (Clip(gop_seconds=2, audio="aac"), True),
        (Clip(seconds=60, gop_seconds=20, rate=5), False),
        (Clip(gop_seconds=4, seconds=8, b_frames=2), False),
    ],
)
def test_watching_changes_no_byte_of_what_is_stored(clip: Clip, audio: bool) -> None:
    """Not even where a fragment is cut; and a fragment that is shown lasts a second or so."""
    of = footage(clip, audio=audio)
    stored, watchers = [], []
    for watched in (False, True):

        def steps(worker: CaptureWorker, watched: bool = watched) -> Iterator[Step]:
            if watched:
                watchers.append(Watcher(worker.watch))
            step = clip.seconds * SECOND / len(of.packets)
            for packet in of.packets:
                yield step, packet
            yield SECOND, SourceStalledError()

        with a_site(ScriptedClock()) as site:
            play(site, steps, of, RecorderSettings(segment_length=4 * SECOND))
            stored.append([(each.start_at, site.media(each)) for each in site.sealed()])
    assert stored[0] == stored[1]
    [watcher] = watchers
    watcher.check()
    assert watcher.units(1) == stored_units(of.packets, of)
    found = [each for _, each in sorted(watcher.seen.items())]
    lengths = [each.length.total_seconds() for each in found]
    # Whoever comes while a fragment waits is given all of it.
    assert lengths[0] < 3.3
    assert max(lengths[1:]) < 1.5
    if clip.gop_seconds <= 1:
        assert all(each.keyframe for each in found)
    starts = [each.start_at for each in found]
    for (before, after), length in zip(pairwise(starts), lengths, strict=False):
        assert (after - before).total_seconds() == pytest.approx(length, abs=0.15)


def test_no_picture_is_missing_from_a_live_view_when_the_storage_fails() -> None:
    """What is stored goes on at a keyframe, and the gap lies exactly between."""
    files = FaultyFiles()
    watchers = []

    def steps(worker: CaptureWorker) -> Iterator[Step]:
        watchers.append(Watcher(worker.watch))
        for number in range(600):
            if number == 147:
                yield timedelta(), lambda: files.arm(1)
            if number == 300:
                yield timedelta(), files.mend
            yield SECOND / 10, picture(number, group=40)
        yield SECOND, SourceStalledError()

    with a_site(ScriptedClock(), files) as site:
        play(site, steps, settings=RecorderSettings(segment_length=10 * SECOND))
        [watcher] = watchers
        assert list(watcher.headers) == [1]
        assert picture_numbers(watcher.media(1)) == list(range(600))
        assert [each.error is None for each in site.of(StorageTrouble)] == [False, True]
        assert site.causes() == [GapCause.STORAGE, GapCause.STALLED]
        gap = site.gaps()[0]
        kept = [picture_numbers(site.media(each)) for each in site.sealed()]
        before = [n for n in (n for each in kept for n in each) if n < 200]
        after = [n for n in (n for each in kept for n in each) if n >= 200]
        assert before == list(range(before[-1] + 1))
        assert before[-1] >= 100
        assert after == list(range(after[0], 600))
        assert after[0] % 40 == 0
        assert after[0] <= 440
        resumed = next(each for each in site.sealed() if each.start_at >= gap.start_at)
        assert gap.end_at == resumed.start_at
        site.check()


def test_a_camera_that_waits_for_a_trigger_has_a_gap_while_the_storage_fails() -> None:
    """Until it could store again, although it is watched."""
    files = FaultyFiles()
    watchers = []

    def steps(worker: CaptureWorker) -> Iterator[Step]:
        watchers.append(Watcher(worker.watch))
        for number in range(900):
            if number == 95:
                files.arm(0)
                worker.trigger()
            if number == 200:
                files.mend()
            yield SECOND / 10, picture(number)
        yield SECOND, SourceStalledError()

    with a_site(ScriptedClock(), files) as site:
        play(site, steps, settings=RecorderSettings(on_trigger=True))
        [watcher] = watchers
        assert picture_numbers(watcher.media(1)) == list(range(900))
        assert site.causes() == [GapCause.STORAGE, GapCause.STALLED]
        gap = site.gaps()[0]
        assert gap.end_at is not None
        assert timedelta(seconds=9) < gap.end_at - gap.start_at < timedelta(seconds=35)


def test_whoever_never_reads_neither_fills_memory_nor_stops_the_recording() -> None:
    """By time, by bytes, and where a watcher makes a mistake each time it is told something."""
    live = []

    def mistaken() -> None:
        raise RuntimeError("Event loop is closed")

    def steps(worker: CaptureWorker) -> Iterator[Step]:
        worker.watch()
        worker.watch(mistaken)
        live.append(worker._live)
        for number in range(1000):
            yield SECOND / 10, picture(number)
            for each in list(live[0]._held)[:1]:
                since = each.fragment.start_at
                assert worker._clock.now() - since <= WINDOW + 4 * SECOND
        for number in range(1000, 1100):
            yield SECOND / 10, picture(number, size=1 << 20)
            assert sum(len(each.fragment.data) for each in live[0]._held) <= WINDOW_BYTES
        yield SECOND, SourceStalledError()

    with a_site(ScriptedClock()) as site:
        play(site, steps)
        kept = [n for each in site.sealed() for n in picture_numbers(site.media(each))]
        assert kept == list(range(1100))
        assert not live[0]._held


def test_what_was_shown_is_forgotten_though_nothing_comes_any_more() -> None:
    """INV-1: also while a watcher stays who reads nothing."""
    held, feeds = [], []

    def steps(worker: CaptureWorker) -> Iterator[Step]:
        feeds.append(worker.watch())
        for number in range(50):
            yield SECOND / 10, picture(number)
        held.append((worker._live, len(worker._live._held)))
        yield 2 * WINDOW, SourceStalledError()

    with a_site(ScriptedClock()) as site:
        assert isinstance(site.clock, ScriptedClock)
        worker = site.worker(ScriptedSource(footage(Clip()), site.clock, lambda: steps(worker)))
        worker.start()
        site.wait_for_status(CaptureStatus.NO_STREAM)
        [(live, count)] = held
        assert count > 2
        assert not live._held
        assert not live._headers
        assert not feeds[0].closed
