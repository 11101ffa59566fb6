"""A camera's thread against scripted cameras, clocks and storage: gaps, schedule, triggers."""

import traceback
from collections.abc import Callable, Iterable, Iterator
from datetime import time, timedelta
from functools import cache
from typing import override
from zoneinfo import ZoneInfo

import pytest

from custom_components.camera_steward.core.capture.recorder import RecorderSettings
from custom_components.camera_steward.core.capture.schedule import Schedule, Window
from custom_components.camera_steward.core.capture.source import OpenSource, Packet
from custom_components.camera_steward.core.capture.worker import (
    CaptureWorker,
    GapEnded,
    GapStarted,
    StatusChanged,
    StorageTrouble,
)
from custom_components.camera_steward.core.errors import (
    SourceError,
    SourceRefusedError,
    SourceStalledError,
    SourceUnreachableError,
    StorageFullError,
)
from custom_components.camera_steward.core.model import CaptureStatus, GapCause
from tests.cameras import Clip, RtspCamera, run_of, wait_for
from tests.core.capture_site import (
    MINUTE,
    SECOND,
    START,
    Alive,
    CaptureSite,
    FaultyFiles,
    Footage,
    ScriptedClock,
    ScriptedSource,
    Step,
    a_site,
    joins,
    picture_numbers,
    stream,
)

TOKYO = ZoneInfo("Asia/Tokyo")
ON_TRIGGER = RecorderSettings(on_trigger=True)
type Steps = Callable[[], Iterable[Step]]


@cache
def footage() -> Footage:
    return Footage.of(Clip())


def picture(number: int, group: int = 10) -> Packet:
    unit = (b"\x65" if number % group == 0 else b"\x41") + number.to_bytes(8) + b"\x5a" * 9
    return Packet(0, len(unit).to_bytes(4) + unit, None, None, number % group == 0)


def pictures(count: int, first: int = 0) -> Iterator[Step]:
    """Give ten pictures a second, a keyframe each second."""
    for number in range(first, first + count):
        yield SECOND / 10, picture(number)


class Scene:
    """A scripted camera and clock, and a worker whose waits take no time."""

    def __init__(self, site: CaptureSite, *connections: Steps) -> None:
        assert isinstance(site.clock, ScriptedClock)
        self.site = site
        self.clock = site.clock
        self.source = ScriptedSource(footage(), self.clock, *connections, ends)
        self.worker: CaptureWorker | None = None

    def run(
        self, settings: RecorderSettings | None = None, schedule: Schedule | None = None
    ) -> CaptureWorker:
        """Run until the scripted connections are used up, then stop."""
        worker = self.site.worker(
            self.source, settings=settings or RecorderSettings(), schedule=schedule
        )
        self.worker = worker
        worker._quit.wait = self._wait  # type: ignore[method-assign]
        worker.start()
        assert worker.join(60)
        return worker

    def _wait(self, timeout: float | None = None) -> bool:
        assert self.worker is not None
        self.clock.advance((timeout or 0) * SECOND)
        used_up = self.source.opened >= len(self.source.connections)
        if used_up or self.clock.now() - START > timedelta(hours=1):
            self.worker.request_stop()
        return self.worker._quit.is_set()


def ends() -> Iterator[Step]:
    yield timedelta(), SourceUnreachableError()


@pytest.mark.parametrize("cause", [SourceStalledError, SourceRefusedError])
def test_a_gap_lies_exactly_between_two_pieces_of_footage(cause: type[SourceError]) -> None:
    def first() -> Iterator[Step]:
        yield from pictures(95)
        yield 5 * SECOND, cause()

    with a_site(ScriptedClock()) as site:
        Scene(site, first, ends, lambda: pictures(50)).run()
        before, after = site.sealed()
        gap, last = site.gaps()
        assert (gap.cause, gap.start_at, gap.end_at) == (
            GapCause(cause.cause),
            before.end_at,
            after.start_at,
        )
        assert last.start_at == after.end_at
        assert last.end_at is None
        # Unreachable in between is of the same kind: one gap, by its first cause.
        assert site.causes() == [GapCause(cause.cause), GapCause.ENDED]
        assert [e.gap for e in site.of(GapEnded)] == [gap]


def test_each_error_is_told_once_and_a_new_one_anew() -> None:
    def refused() -> Iterator[Step]:
        yield SECOND, SourceRefusedError()

    with a_site(ScriptedClock()) as site:
        Scene(site, ends, ends, refused, refused).run()
        told = [(e.status, e.error and e.error.key) for e in site.of(StatusChanged)]
        assert told == [
            (CaptureStatus.CONNECTING, None),
            (CaptureStatus.NO_STREAM, "source_unreachable"),
            (CaptureStatus.NO_STREAM, "source_refused"),
            (CaptureStatus.NO_STREAM, "source_unreachable"),
            (CaptureStatus.STOPPED, None),
        ]


def test_two_minutes_without_a_keyframe_are_a_gap_of_that_name() -> None:
    def no_keyframe() -> Iterator[Step]:
        for number in range(999):
            yield SECOND, picture(number, group=10_000)

    with a_site(ScriptedClock()) as site:
        Scene(site, no_keyframe).run()
        assert site.causes() == [GapCause.NO_KEYFRAME]
        [segment] = site.sealed()
        assert site.gaps()[0].start_at == segment.end_at == START + 121 * SECOND


def test_an_error_that_nobody_thought_of_is_a_gap_and_recording_goes_on() -> None:
    """And nothing of its text is told."""

    def breaks() -> Iterator[Step]:
        yield from pictures(25)
        raise RuntimeError("rtsp://user:secret@camera.example/")

    with a_site(ScriptedClock()) as site:
        Scene(site, breaks, lambda: pictures(20)).run()
        assert len(site.sealed()) == 2
        assert site.causes()[0] is GapCause.UNKNOWN
        for event in site.of(StatusChanged):
            if event.error is not None:
                told = [repr(event), str(event.error), *traceback.format_exception(event.error)]
                assert not [each for each in told if "secret" in each]
                assert event.error.__context__ is None


# Schedule


def test_a_schedule_starts_and_stops_recording_to_the_second() -> None:
    """Nothing is recorded outside a window; what is missing then is missing on purpose."""
    local = START.astimezone(TOKYO)  # a Sunday, 12:04:05
    windows = tuple(
        Window(weekday=local.weekday(), start=time(12, begin), end=time(12, end))
        for begin, end in ((6, 7), (9, 11))
    )
    with a_site(ScriptedClock()) as site:
        long = Scene(site, *[lambda: pictures(100_000)] * 2)
        long.run(schedule=Schedule(windows=windows, zone=TOKYO))
        minute = START.replace(second=0)
        spans = [(each.start_at, each.end_at) for each in site.sealed()]
        first, second = spans[0], (spans[1][0], spans[-1][1])
        for (start, end), (begin, over) in zip((first, second), ((2, 3), (5, 7)), strict=True):
            assert timedelta() <= start - (minute + begin * MINUTE) <= 3 * SECOND
            assert abs((minute + over * MINUTE) - end) <= SECOND  # it looks each second
        scheduled = [each for each in site.gaps() if each.cause is GapCause.SCHEDULE]
        assert [each.end_at for each in scheduled][:2] == [first[0], second[0]]
        assert scheduled[1].start_at == first[1]
        assert scheduled[2].start_at == second[1]
        assert site.statuses().count(CaptureStatus.WAITING) == 3


def test_a_fault_at_the_end_of_a_window_does_not_last_all_night() -> None:
    """What is wanted has a gap of its own, and so has a fault that lasts into the next window."""
    local = START.astimezone(TOKYO)
    window = Window(weekday=local.weekday(), start=time(12), end=time(12, 5))
    with a_site(ScriptedClock()) as site:
        scene = Scene(site, lambda: pictures(20), *[ends] * 8)
        scene.run(schedule=Schedule(windows=(window,), zone=TOKYO))
        assert site.causes() == [GapCause.ENDED, GapCause.SCHEDULE]
        fault, wanted = site.gaps()
        assert fault.end_at == wanted.start_at
        assert wanted.start_at >= START.replace(minute=5, second=0)


# From one run to the next


def test_a_gap_that_lasts_over_a_restart_ends_with_the_first_footage() -> None:
    with a_site(ScriptedClock()) as site:
        Scene(site, lambda: pictures(30)).run()
        [ended] = site.gaps()
        assert ended.end_at is None
        Scene(site, lambda: pictures(30)).run()
        assert site.gaps()[0].end_at == site.sealed()[1].start_at


def test_a_camera_that_never_had_footage_leaves_no_gap_open() -> None:
    """It was away before the restart, and there is footage now."""
    with a_site(ScriptedClock()) as site:
        Scene(site, ends).run()
        assert site.lasting() is GapCause.UNREACHABLE
        Scene(site, lambda: pictures(30)).run()
        first, last = site.gaps()
        assert first.end_at == site.sealed()[0].start_at
        assert last.start_at == site.sealed()[0].end_at


def test_after_a_crash_the_gap_begins_where_the_footage_ended() -> None:
    """And it is the camera's from when the camera is found to be away."""
    with a_site(ScriptedClock()) as site:
        Scene(site, lambda: pictures(30)).run()
        site.index.close_gap("door", site.sealed()[0].end_at)  # a crash leaves none open
        site.events.clear()
        assert isinstance(site.clock, ScriptedClock)
        site.clock.advance(MINUTE)
        Scene(site, ends, lambda: pictures(30)).run()
        assert site.causes()[:2] == [GapCause.RESTART, GapCause.UNREACHABLE]
        crash, away = [gap for gap in site.gaps() if gap.start_at != gap.end_at][:2]
        assert crash.start_at == site.sealed()[0].end_at
        assert crash.end_at == away.start_at
        assert away.end_at == site.sealed()[1].start_at


def test_a_camera_that_is_switched_off_while_it_is_away_is_switched_off() -> None:
    with a_site(ScriptedClock()) as site:
        worker = site.start(ScriptedSource(footage(), ScriptedClock(), ends))
        wait_for(lambda: site.lasting() is GapCause.UNREACHABLE)
        worker.request_stop(GapCause.SWITCHED_OFF)
        assert worker.join(60)
        assert site.lasting() is GapCause.SWITCHED_OFF
        assert len(site.gaps()) == 2 or site.gaps()[0].cause is GapCause.SWITCHED_OFF


# Storage


def test_a_full_storage_is_one_gap_until_something_is_written_again() -> None:
    """However often it is tried: a picture that came but could not be kept ends no gap."""
    files = FaultyFiles()

    def fills() -> Iterator[Step]:
        yield from pictures(45)
        yield timedelta(), lambda: files.arm(1)
        yield from pictures(100, 45)

    def still_full() -> Iterator[Step]:
        yield from pictures(100)

    def empties() -> Iterator[Step]:
        yield timedelta(), files.mend
        yield from pictures(50)

    with a_site(ScriptedClock(), files) as site:
        Scene(site, fills, still_full, still_full, empties).run()
        assert site.causes() == [GapCause.STORAGE, GapCause.ENDED]
        assert [each.error and each.error.key for each in site.of(StorageTrouble)] == [
            "storage_full",
            None,
        ]
        gap = site.gaps()[0]
        assert gap.end_at == site.sealed()[-1].start_at
        site.check()
        kept = [
            number for each in site.sealed()[:-1] for number in picture_numbers(site.media(each))
        ]
        assert kept == list(range(len(kept)))
        # A failed write may cost what waited for its chunk to fill, never 10 s (INV-2).
        assert len(kept) >= 45 - 40


def test_a_gap_that_cannot_be_entered_is_entered_later_with_its_own_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The index may lie on the storage that is full: the thread goes on."""
    with a_site(ScriptedClock()) as site:
        opens = site.index.open_gap
        full = [True]

        def open_gap(*arguments: object) -> bool:
            if full[0]:
                raise StorageFullError("database")
            return opens(*arguments)  # type: ignore[arg-type]

        monkeypatch.setattr(site.index, "open_gap", open_gap)

        def mends() -> Iterator[Step]:
            full[0] = False
            yield SECOND, SourceUnreachableError()

        Scene(site, lambda: pictures(30), ends, mends, lambda: pictures(30)).run()
        before, after = site.sealed()
        gap = site.gaps()[0]
        assert (gap.start_at, gap.end_at, gap.cause) == (
            before.end_at,
            after.start_at,
            GapCause.ENDED,
        )
        assert len([e for e in site.of(GapStarted) if e.at == gap.start_at]) == 1


def test_no_camera_is_asked_while_the_vault_is_away() -> None:
    """And no row of the index is forgotten for it."""
    with a_site(ScriptedClock()) as site:
        Scene(site, lambda: pictures(30)).run()
        kept = site.segments()
        aside = site.vault.root.with_name("away")
        site.vault.root.rename(aside)
        scene = Scene(site, lambda: pictures(30))
        worker = site.worker(scene.source)
        worker.start()
        wait_for(lambda: site.of(StorageTrouble))
        worker.request_stop()
        assert worker.join(60)
        assert scene.source.opened == 0
        assert not site.vault.root.exists()
        aside.rename(site.vault.root)
        assert site.segments() == kept
        assert site.causes()[-1] is GapCause.STORAGE


# Triggers and memory


def test_a_trigger_while_there_is_no_stream_is_not_lost() -> None:
    """Footage is kept from the first keyframe on until the post-roll is over."""
    with a_site(ScriptedClock()) as site:
        scene = Scene(site, ends, lambda: pictures(600))
        assert isinstance(site.clock, ScriptedClock)

        def triggers() -> Iterator[Step]:
            assert scene.worker is not None
            scene.worker.trigger()
            yield SECOND, SourceUnreachableError()

        scene.source.connections = (triggers, *scene.source.connections[1:])
        scene.run(ON_TRIGGER)
        [segment] = site.sealed()
        assert 25 <= segment.length.total_seconds() <= 31
        assert CaptureStatus.WAITING in site.statuses()
        # It watched until the end, and stored nothing because nothing happened.
        assert site.gaps()[-1].start_at > segment.end_at + 20 * SECOND


def test_a_real_camera_is_watched_and_recorded_on_a_trigger() -> None:
    """Pre-roll and post-roll of a few seconds, in real time."""
    clip = Clip()
    how = RecorderSettings(on_trigger=True, pre_roll=2 * SECOND, post_roll=2 * SECOND)
    with RtspCamera(clip) as camera, a_site() as site:
        worker = site.start(stream(camera.url), settings=how)
        site.wait_for_status(CaptureStatus.WAITING)

        def remembers() -> bool:
            recorder = worker._recorder
            if recorder is None or not recorder._ring:
                return False
            since = timedelta(microseconds=recorder._ring[0].since_us)
            return site.clock.elapsed() - since >= 2 * SECOND

        wait_for(remembers)
        triggered_at = site.clock.now()
        worker.trigger()
        site.wait_for_status(CaptureStatus.RECORDING)
        site.wait_for_status(CaptureStatus.WAITING)
        site.stop()
        found = site.sealed()
        assert found[0].start_at <= triggered_at - 2 * SECOND
        assert found[-1].end_at >= triggered_at + 2 * SECOND
        assert joins(found) == [0.0] * (len(found) - 1)
        assert run_of(site.units(), clip.units()) is not None
        site.check()


@pytest.mark.parametrize("settings", [RecorderSettings(), ON_TRIGGER])
def test_no_picture_stays_in_memory_after_an_error_or_a_stop(settings: RecorderSettings) -> None:
    """INV-1: events that are kept hold no traceback, and with it no picture."""
    alive = Alive()

    def breaks() -> Iterator[Step]:
        for packet in alive.of(picture(number) for number in range(57)):
            yield SECOND / 10, packet
        del packet
        yield SECOND, SourceStalledError()

    def fails() -> Iterator[Step]:
        for packet in alive.of(picture(number) for number in range(35)):
            yield SECOND / 10, packet
        del packet
        raise RuntimeError

    with a_site(ScriptedClock()) as site:
        scene = Scene(site, breaks, fails, lambda: pictures(20))
        scene.run(settings)
        assert site.of(StatusChanged)[-1].status is CaptureStatus.STOPPED
        assert scene.worker is not None
        assert alive.left() == []


def test_a_source_that_opens_is_always_closed() -> None:
    closed: list[int] = []

    class Closing(ScriptedSource):
        @override
        def open(self) -> OpenSource:
            opened = super().open()
            monkey = opened.close
            opened.close = lambda: (closed.append(1), monkey())[1]  # type: ignore[method-assign,func-returns-value]
            return opened

    with a_site(ScriptedClock()) as site:
        scene = Scene(site, lambda: pictures(10), ends)
        scene.source = Closing(footage(), scene.clock, *scene.source.connections)
        scene.run()
        assert len(closed) == scene.source.opened
