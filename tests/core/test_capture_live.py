"""Whoever watches sees what is received, seconds later, and the recording does not notice."""

import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from functools import cache, partial
from itertools import pairwise
from typing import override
from zoneinfo import ZoneInfo

import pytest

from custom_components.camera_steward.core.capture.live import (
    WINDOW,
    WINDOW_BYTES,
    LiveFeed,
    LiveFragment,
)
from custom_components.camera_steward.core.capture.recorder import RecorderSettings
from custom_components.camera_steward.core.capture.schedule import Schedule
from custom_components.camera_steward.core.capture.source import Packet, Source
from custom_components.camera_steward.core.capture.stills import StillSource
from custom_components.camera_steward.core.capture.worker import (
    CaptureWorker,
    GapEnded,
    StorageTrouble,
)
from custom_components.camera_steward.core.errors import SourceStalledError
from custom_components.camera_steward.core.media.boxes import StoredRun, fragments
from custom_components.camera_steward.core.model import CaptureStatus, GapCause
from custom_components.camera_steward.core.steward import Steward
from tests.cameras import (
    Clip,
    DeadCamera,
    RtspCamera,
    WebCamera,
    jpeg_scan,
    packets,
    run_of,
    units,
    wait_for,
)
from tests.core.capture_site import (
    SECOND,
    CaptureSite,
    FaultyFiles,
    Footage,
    ScriptedClock,
    ScriptedSource,
    Step,
    a_site,
    stored_units,
    stream,
    watch,
)

from .recording_process import camera_of, settings_of
from .vault_site import a_site as a_vault

BEHIND = 15 * SECOND
"""How far behind a live view may be on the busiest machine."""


class Watcher:
    """Keeps all that a feed ever shows, as a player does that reads whatever is new."""

    def __init__(self, begin: Callable[[Callable[[], None]], LiveFeed]) -> None:
        self.seen: dict[int, LiveFragment] = {}
        self.headers: dict[int, bytes] = {}
        self.behind = timedelta()
        self._feed: LiveFeed | None = None
        self._feed = begin(self.read)
        self.read()

    @property
    def feed(self) -> LiveFeed:
        assert self._feed is not None
        return self._feed

    def read(self) -> None:
        """Read what is new; called in the camera's thread."""
        if self._feed is None:
            return
        for each in self._feed.window():
            if each.number not in self.seen and (header := self._feed.header(each.init)):
                self.headers[each.init] = header
                self.seen[each.number] = each
                assert self._feed.get(each.number) in {each, None}
                came_at = each.start_at + each.length
                now = datetime.now(came_at.tzinfo)
                self.behind = max(self.behind, now - came_at)

    @property
    def seconds(self) -> float:
        """Return how long all that was seen is shown."""
        return sum(each.length.total_seconds() for each in list(self.seen.values()))

    def of(self, init: int) -> list[LiveFragment]:
        """Return the fragments of one header."""
        return [each for _, each in sorted(self.seen.items()) if each.init == init]

    def media(self, init: int) -> bytes:
        """Return them as one file."""
        return self.headers[init] + b"".join(each.data for each in self.of(init))

    def units(self, init: int) -> list[bytes]:
        """Return their video units, by another's reader."""
        return units(self.media(init))

    def check(self, name: str = "") -> None:
        """Check what holds for all that is shown: nothing is missing and all can be decoded."""
        numbers = sorted(self.seen)
        assert numbers == list(range(numbers[0], numbers[-1] + 1)), name
        for init in self.headers:
            mine = self.of(init)
            assert mine[0].keyframe, name
            media = self.media(init)
            shown = watch(media)
            assert shown.pictures == sum(len(run.sizes) for run in runs_of(media)), name
            assert len(shown.sizes) == 1, name
            length = sum((each.length for each in mine), timedelta()).total_seconds()
            assert shown.seconds == pytest.approx(length, abs=0.01), name
            ended = 0
            for run in runs_of(media):
                assert run.decode_time == ended, name
                ended += sum(run.durations)


def runs_of(media: bytes) -> list[StoredRun]:
    """Return the samples of a file's first track, which is that of the pictures."""
    return [run for each in fragments(media) for run in each.runs if run.track == 1]


def fetch(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=10) as answer:
        data: bytes = answer.read()
    return data


RTSP = {
    "groups": (Clip(), False),
    "long-groups": (Clip(gop_seconds=4, seconds=8), False),
    "reordered": (Clip(video="h265", b_frames=2, gop_seconds=4, seconds=8, audio="aac"), True),
    "mjpeg": (Clip(video="mjpeg", audio="opus"), True),
}


def test_whoever_watches_sees_an_unbroken_run_of_every_kind_of_stream() -> None:
    """Seconds later, while the same is stored; one test, as the streams take real time."""
    with ExitStack() as stack:
        site = stack.enter_context(a_site())
        sources: dict[str, Source] = {}
        for name, (clip, audio) in RTSP.items():
            camera = stack.enter_context(RtspCamera(clip))
            sources[name] = stream(camera.url, audio=audio)
        web = stack.enter_context(WebCamera(Clip(video="mjpeg"), rate=10))
        sources["web"] = stream(web.url)
        sources["stills"] = StillSource(partial(fetch, web.still_url), SECOND / 2)
        watchers = {
            name: Watcher(site.start(source, name).watch) for name, source in sources.items()
        }
        wait_for(lambda: all(each.seconds > 9 for each in watchers.values()))
        assert all(each.feed.why_nothing is None for each in watchers.values())
        site.stop()

        served = {name: clip.units() for name, (clip, _) in RTSP.items()}
        served["web"] = served["stills"] = packets(Clip(video="mjpeg").path())
        for name, each in watchers.items():
            assert each.feed.closed
            assert each.feed.why_nothing is CaptureStatus.STOPPED
            assert each.feed.window() == ()
            each.check(name)
            assert each.behind < BEHIND, name
            shown, kept = each.units(1), site.units(name)
            # Watched from the first picture on.
            assert len(kept) >= len(shown)
            assert kept[: len(shown)] == shown, name
            if name == "mjpeg":
                shown, served[name] = (
                    list(map(jpeg_scan, shown)),
                    list(map(jpeg_scan, served[name])),
                )
            assert run_of(shown, served[name]) is not None, name
            site.check(name)
        assert any(not each.keyframe for each in watchers["long-groups"].seen.values())
        assert units(watchers["reordered"].media(1), "audio")


def test_two_watch_and_after_the_last_one_nothing_is_in_memory() -> None:
    """The second one begins with a keyframe, in mid-stream; the first one can go at any time."""
    clip = Clip()
    with RtspCamera(clip) as camera, a_site() as site:
        worker = site.start(stream(camera.url))
        first = Watcher(worker.watch)
        wait_for(lambda: first.seconds > 2)
        second = Watcher(worker.watch)
        wait_for(lambda: second.seconds > first.seconds - 1 > 4)
        first.feed.close()
        assert first.feed.closed
        assert first.feed.window() == ()
        assert not second.feed.closed
        count = len(second.seen)
        wait_for(lambda: len(second.seen) > count)
        assert max(second.seen) > max(first.seen)
        assert camera.stats()["connections"] == 1
        second.feed.close()
        second.feed.close()
        live = worker._live
        assert (live._held, live._headers, live._size_bytes) == (type(live._held)(), {}, 0)
        assert not live.watched

        again = Watcher(worker.watch)
        wait_for(lambda: again.seconds > 2)
        site.stop()
        for each in (first, second, again):
            each.check()
        assert set(again.headers).isdisjoint(second.headers)
        assert run_of(again.units(*again.headers), clip.units()) is not None
        assert run_of(site.units(), clip.units()) is not None


def test_a_feed_outlives_the_connection_and_says_why_nothing_comes() -> None:
    """Each connection, and each other size of the picture, has a header of its own."""
    clip, large = Clip(), Clip(width=640, height=480)
    with RtspCamera(clip) as camera, a_site() as site:
        worker = site.start(stream(camera.url))
        watcher = Watcher(worker.watch)
        wait_for(lambda: watcher.seconds > 3)
        camera.switch(large)
        wait_for(lambda: 2 in watcher.headers)
        wait_for(lambda: watcher.seconds > 6)
        camera.stop()
        wait_for(lambda: watcher.feed.why_nothing is CaptureStatus.NO_STREAM)
        assert not watcher.feed.closed
        camera.start()
        wait_for(lambda: len(watcher.of(3)) > 2)
        assert watcher.feed.why_nothing is None
        site.stop()
        watcher.check()
        sizes = [watch(watcher.media(init)).sizes for init in (1, 2, 3)]
        assert sizes == [{(320, 240)}, {(640, 480)}, {(640, 480)}]
        for init, each in ((1, clip), (2, large), (3, large)):
            assert run_of(watcher.units(init), each.units()) is not None
        before, after = watcher.of(2)[-1], watcher.of(3)[0]
        assert after.start_at > before.start_at + before.length


def test_what_waits_for_a_trigger_can_be_watched_and_is_not_stored() -> None:
    with RtspCamera(Clip()) as camera, a_site() as site:
        worker = site.start(stream(camera.url), settings=RecorderSettings(on_trigger=True))
        watcher = Watcher(worker.watch)
        wait_for(lambda: watcher.seconds > 4)
        assert site.statuses()[-1] is CaptureStatus.WAITING
        assert watcher.feed.why_nothing is None
        site.stop()
        assert not site.segments()
        watcher.check()
        assert run_of(watcher.units(1), Clip().units()) is not None


def test_nothing_is_received_outside_the_schedule_and_from_a_camera_that_is_away() -> None:
    """And the feed says which of the two."""
    never = Schedule(windows=(), zone=ZoneInfo("Asia/Tokyo"))
    with RtspCamera(Clip()) as camera, DeadCamera() as dead, a_site() as site:
        closed = site.start(stream(camera.url), schedule=never).watch()
        away = site.start(stream(dead.url), "away").watch()
        wait_for(lambda: closed.why_nothing is CaptureStatus.WAITING)
        wait_for(lambda: away.why_nothing is CaptureStatus.NO_STREAM)
        assert camera.stats()["connections"] == 0
        assert closed.window() == away.window() == ()
        assert not closed.closed
        assert not away.closed


def test_a_feed_ends_when_recording_is_switched_off_and_when_the_steward_stops() -> None:
    with RtspCamera(Clip(audio="aac")) as camera, a_vault() as site:
        settings = settings_of(site.root.parent)
        site.close()
        steward = Steward(settings, [camera_of(camera.url)])
        assert steward.watch("door").closed
        steward.start()
        try:
            first = Watcher(partial(steward.watch, "door"))
            wait_for(lambda: first.seconds > 2)
            steward.set_recording("door", False, actor="somebody")
            assert first.feed.closed
            assert first.feed.why_nothing is CaptureStatus.STOPPED
            off = steward.watch("door")
            assert off.closed
            assert off.why_nothing is CaptureStatus.STOPPED
            steward.set_recording("door", True, actor="somebody")
            second = Watcher(partial(steward.watch, "door"))
            wait_for(lambda: second.seconds > 2)
            assert first.feed.closed
        finally:
            assert steward.stop(60)
        assert second.feed.closed
        first.check()
        second.check()


# Storage


def test_storage_that_fails_ends_no_live_view_and_is_used_again_when_it_can_be() -> None:
    """On one and the same connection."""
    files = FaultyFiles()
    clip = Clip()
    with RtspCamera(clip) as camera, a_site(files=files) as site:
        worker = site.start(stream(camera.url))
        watcher = Watcher(worker.watch)
        wait_for(lambda: watcher.seconds > 2)
        files.arm(0)
        wait_for(lambda: site.of(StorageTrouble))
        seen = watcher.seconds
        wait_for(lambda: watcher.seconds > seen + 3)
        files.mend()
        wait_for(lambda: site.of(GapEnded))
        wait_for(lambda: site.statuses()[-1] is CaptureStatus.RECORDING)
        site.stop()
        assert camera.stats()["connections"] == 1
        assert site.causes() == [GapCause.STORAGE, GapCause.RESTART]
        watcher.check()
        assert list(watcher.headers) == [1]
        assert run_of(watcher.units(1), clip.units()) is not None
        site.check()


def test_whoever_begins_to_watch_does_not_wait_for_the_storage() -> None:
    """No camera is asked while the vault is away, unless somebody wants to see it."""
    with RtspCamera(Clip()) as camera, a_site() as site:
        away = site.vault.root.with_name("away")
        site.vault.root.rename(away)
        worker = site.start(stream(camera.url))
        wait_for(lambda: site.of(StorageTrouble))
        watcher = Watcher(worker.watch)
        wait_for(lambda: watcher.seconds > 3)
        assert not site.vault.root.exists()
        watcher.feed.close()
        wait_for(lambda: camera.stats()["open"] == 0)
        away.rename(site.vault.root)
        watcher = Watcher(worker.watch)
        wait_for(lambda: site.of(GapEnded))
        site.stop()
        site.check()
        assert site.causes() == [GapCause.STORAGE, GapCause.RESTART]


class HangingFiles(FaultyFiles):
    """Storage that hangs while it is told to, as a share that went away."""

    def __init__(self) -> None:
        super().__init__()
        self.free = threading.Event()
        self.free.set()
        self.waiting = threading.Event()

    @override
    def point(self) -> None:
        if not self.free.is_set():
            self.waiting.set()
            self.free.wait()


def test_what_is_received_is_shown_before_it_is_stored_and_a_stop_ends_it_at_once() -> None:
    """Even where the thread hangs in a write."""
    files = HangingFiles()
    with RtspCamera(Clip()) as camera, a_site(files=files) as site:
        files.free.clear()
        worker = site.start(stream(camera.url))
        watcher = Watcher(worker.watch)
        assert files.waiting.wait(60)
        assert watcher.seen
        assert watcher.feed.window()
        worker.request_stop()
        assert worker.alive
        assert watcher.feed.closed
        assert not worker._live._held
        files.free.set()


# Scripted: what takes long, or must come out the same


@cache
def footage(clip: Clip, *, audio: bool = False) -> Footage:
    return Footage.of(clip, audio=audio)


def picture(number: int, group: int = 10, size: int = 9) -> Packet:
    unit = (b"\x65" if number % group == 0 else b"\x41") + number.to_bytes(8) + b"\x5a" * size
    return Packet(0, len(unit).to_bytes(4) + unit, None, None, number % group == 0)


def numbers(media: bytes) -> list[int]:
    """Return the numbers of made-up pictures."""
    found = []
    for each in fragments(media):
        for run in each.runs:
            at = each.offset + run.data_at
            for size in run.sizes:
                found.append(int.from_bytes(media[at + 5 : at + 13]))
                at += size
    return found


def play(
    site: CaptureSite,
    steps: Callable[[CaptureWorker], Iterator[Step]],
    of: Footage | None = None,
    settings: RecorderSettings | None = None,
) -> None:
    """Run a worker over one scripted connection, in scripted time."""
    assert isinstance(site.clock, ScriptedClock)
    clip = of or footage(Clip())
    worker = site.worker(
        ScriptedSource(clip, site.clock, lambda: steps(worker)),
        settings=settings or RecorderSettings(),
    )
    worker.start()
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
        assert numbers(watcher.media(1)) == list(range(600))
        assert [each.error is None for each in site.of(StorageTrouble)] == [False, True]
        assert site.causes() == [GapCause.STORAGE, GapCause.STALLED]
        gap = site.gaps()[0]
        kept = [numbers(site.media(each)) for each in site.sealed()]
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
        assert numbers(watcher.media(1)) == list(range(900))
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
        kept = [n for each in site.sealed() for n in numbers(site.media(each))]
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
