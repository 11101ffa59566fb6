"""A utilization at work on real streams: the newest pictures, none of which stays, whatever fails."""

import gc
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from io import BytesIO
from itertools import pairwise
from typing import cast
from urllib.request import urlopen

import numpy as np
import pytest
from PIL import Image

from custom_components.camera_steward.core.capture.source import Source
from custom_components.camera_steward.core.capture.stills import StillSource
from custom_components.camera_steward.core.clock import Clock, SystemClock
from custom_components.camera_steward.core.errors import LimiterError
from custom_components.camera_steward.core.ledger.entry import Json
from custom_components.camera_steward.core.utilization.detection import (
    Box,
    DetectorAwayError,
    Frame,
    Pixels,
    Thing,
)
from custom_components.camera_steward.core.utilization.pipeline import (
    Pipeline,
    PipelineSettings,
    PipelineStatus,
)
from custom_components.camera_steward.core.utilization.results import IconsResult, Result
from custom_components.camera_steward.core.utilization.server import DetectionServer
from tests.cameras import Clip, DeadCamera, RtspCamera, WebCamera, wait_for
from tests.cameras.media import NUMBER_BITS, NUMBER_PIXELS
from tests.core.capture_site import Footage, ScriptedClock, ScriptedSource, Step, stream
from tests.core.test_utilization_server import BOX, NONSENSE, HttpServer, answer

SECOND = timedelta(seconds=1)
PERSON = Box(thing=Thing.PERSON, score=0.9, left=0.2, top=0.2, right=0.4, bottom=0.8)


@dataclass
class Looking:
    """A detector that notes what it saw, keeps no picture, and fails as it is told."""

    late: list[float] = field(default_factory=list)
    numbers: list[tuple[float, int]] = field(default_factory=list)
    shapes: list[tuple[int, ...]] = field(default_factory=list)
    seen: list[weakref.ref[Pixels]] = field(default_factory=list)
    fails: Callable[[Frame], None] = lambda _: None
    seconds: float = 0.0
    closed: int = 0

    def detect(self, frame: Frame) -> Sequence[Box]:
        self.seen.append(weakref.ref(frame.pixels))
        self.shapes.append(frame.pixels.shape)
        self.late.append(SystemClock().elapsed().total_seconds() - frame.elapsed)
        self.numbers.append((frame.elapsed, number_in(frame.pixels)))
        self.fails(frame)
        time.sleep(self.seconds)
        return [PERSON]

    def background(self) -> Pixels | None:
        return np.full((4, 6, 3), (10, 20, 30), np.uint8) if self.shapes else None

    def close(self) -> None:
        self.closed += 1


@dataclass
class Counting:
    """The simplest case: how many there are."""

    located: bool = True
    taken: int = 0
    labels: list[str] = field(default_factory=list)
    people: tuple[tuple[float, float], ...] = ()
    fails: Exception | None = None
    keeps: object = None
    refuses: bool = False

    def take(self, frame: Frame | None, boxes: Sequence[Box], at: datetime, elapsed: float) -> None:
        if self.fails is not None:
            raise self.fails
        self.taken += 1
        self.people = tuple(box.foot for box in boxes)

    def result(self) -> Result:
        return IconsResult(people=self.people)

    def kept(self) -> Mapping[str, Json]:
        if self.refuses:
            raise LimiterError("most")
        return {"most": self.taken} if self.keeps is None else {"heat": cast("Json", self.keeps)}

    def learn(self, label: str) -> None:
        self.labels.append(label)


def number_in(pixels: Pixels) -> int:
    """Return the number that is burnt into a picture of a numbered clip, at any size."""
    size = NUMBER_PIXELS * pixels.shape[1] / 320
    middles = [round((bit + 0.5) * size) for bit in range(NUMBER_BITS)]
    row = pixels[round(size / 2)]
    return sum(int(row[at].mean() > 128) << bit for bit, at in enumerate(middles))


@dataclass
class Site:
    """A pipeline, and what it told."""

    detector: Looking
    work: Counting
    pipeline: Pipeline
    told: list[tuple[PipelineStatus, str | None]]

    def status(self) -> PipelineStatus:
        return self.pipeline.snapshot().status

    def wait_for(self, status: PipelineStatus) -> None:
        wait_for(lambda: self.status() is status)

    def wait_for_frames(self, more: int) -> None:
        wanted = self.pipeline.snapshot().frames_taken + more
        wait_for(lambda: self.pipeline.snapshot().frames_taken >= wanted)

    def wait_for_failures(self, count: int) -> None:
        wait_for(lambda: self.pipeline.snapshot().frames_failed >= count)

    def check_nothing_stays(self) -> None:
        """No frame that the detector ever saw is reachable, of its own accord: nothing is collected."""
        assert self.detector.seen
        assert [each for each in self.detector.seen if each() is not None] == []


@contextmanager
def running(
    source: Source, *, rate: float = 5.0, width: int = 160, clock: Clock | None = None
) -> Iterator[Site]:
    told: list[tuple[PipelineStatus, str | None]] = []
    detector, work = Looking(), Counting()

    def changed() -> None:
        now = pipeline.snapshot()
        told.append((now.status, now.error_key))
        raise RuntimeError("a listener's mistake")

    settings = PipelineSettings(rate=rate, width=width)
    pipeline = Pipeline(source, detector, work, settings, clock or SystemClock(), changed)
    gc.disable()
    try:
        pipeline.start()
        yield Site(detector, work, pipeline, told)
    finally:
        try:
            assert pipeline.stop()
        finally:
            gc.enable()
    assert pipeline.snapshot().status is PipelineStatus.STOPPED
    assert detector.closed == 1


def test_the_newest_pictures_are_taken_at_the_set_rate_and_let_go() -> None:
    clip = Clip(rate=20, seconds=60, numbered=True, b_frames=2, gop_seconds=2)
    with RtspCamera(clip) as camera, running(stream(camera.url), rate=10) as site:
        wait_for(lambda: len(site.detector.numbers) >= 8)
        taken = site.detector.numbers[2:8]
        seconds = taken[-1][0] - taken[0][0]
        assert seconds > 5 / 10 * 0.7
        assert [number for _, number in taken] == sorted({number for _, number in taken})
        assert set(site.detector.shapes) == {(120, 160, 3)}
        assert site.told[0] == (PipelineStatus.RUNNING, None)
        assert site.pipeline.snapshot().result == IconsResult(people=(PERSON.foot,))
        quick = site.pipeline.snapshot()
        assert quick.frame_age_seconds is not None
        assert quick.frame_age_seconds > 0

        # A detector that takes longer than a picture's time gets the newest, not the next.
        site.detector.seconds = 0.6
        site.wait_for_frames(3)
        site.detector.seconds = 0.0
        ahead = [number - 20 * at for at, number in site.detector.numbers[-2:]]
        assert max(ahead) - min(ahead) < 20 * 0.3
        assert site.detector.late[-1] < 1.0
        aged = site.pipeline.snapshot()
        assert aged.frame_age_seconds is not None
        assert aged.frame_age_seconds > 0.5

        site.pipeline.learn("snow")
        wait_for(lambda: site.work.labels == ["snow"])
        made = site.pipeline.background()
        assert made is not None
        image = Image.open(BytesIO(made))
        assert (image.format, image.size, image.getpixel((0, 0))) == ("PNG", (6, 4), (10, 20, 30))
        assert camera.stats()["connections"] == 1
    site.check_nothing_stays()
    done = site.pipeline.snapshot()
    assert (done.frames_taken, done.frames_failed) == (len(site.detector.seen), 0)
    assert done.frames_persisted == 0
    assert site.pipeline.kept() == {"most": site.work.taken}


def test_a_camera_that_goes_comes_back_and_may_send_another_size() -> None:
    small, large = Clip(width=160, height=120), Clip(width=640, height=360)
    with RtspCamera(small) as camera, running(stream(camera.url), rate=10, width=320) as site:
        site.wait_for_frames(2)
        assert set(site.detector.shapes) == {(120, 160, 3)}, "made larger"
        camera.switch(large)
        wait_for(lambda: site.detector.shapes[-1] == (180, 320, 3))
        assert site.status() is PipelineStatus.RUNNING

        camera.stop()
        site.wait_for(PipelineStatus.NO_STREAM)
        site.check_nothing_stays()
        gone = site.pipeline.snapshot()
        assert gone.error_key in {"source_ended", "source_unreachable"}
        camera.start()
        site.wait_for(PipelineStatus.RUNNING)
        site.wait_for_frames(2)
        assert site.pipeline.snapshot().frames_taken > gone.frames_taken
        assert site.pipeline.snapshot().error_key is None
    site.check_nothing_stays()
    assert site.pipeline.snapshot().frames_failed == 0


def test_motion_jpeg_and_still_images_are_taken_as_well() -> None:
    with WebCamera(Clip(video="mjpeg", rate=10)) as camera:
        address = camera.still_url

        def fetch() -> bytes:
            with urlopen(address) as answer:
                return bytes(answer.read())

        for source in (stream(camera.url), StillSource(fetch, SECOND / 5)):
            with running(source, rate=4) as site:
                site.detector.seconds = 0.6
                site.wait_for_frames(2)
            site.check_nothing_stays()
            assert set(site.detector.shapes) == {(120, 160, 3)}


class KeepingError(Exception):
    """An error that is held in a circle with where it was raised, the frame in its variables."""


def keeps(frame: Frame) -> None:
    copied = frame.pixels
    try:
        raise KeepingError(str(copied.shape))
    except KeepingError as err:
        kept = err
        raise ValueError("rtsp://user:secret@camera/") from kept


def runs_out(frame: Frame) -> None:
    view = frame.pixels[::2]
    raise MemoryError(view.shape)


def is_away(frame: Frame) -> None:
    raise DetectorAwayError(str(frame.elapsed))


@pytest.fixture(scope="module")
def camera() -> Iterator[RtspCamera]:
    with RtspCamera(Clip(gop_seconds=0.2)) as made:
        yield made


def test_a_crash_in_the_middle_of_a_frame_leaves_no_frame(camera: RtspCamera) -> None:
    with running(stream(camera.url), rate=4) as site:
        site.wait_for_frames(1)
        for number, fails in enumerate((keeps, runs_out, is_away), 1):
            site.detector.fails = fails
            site.wait_for_failures(number)
            site.detector.fails = lambda _: None
            site.check_nothing_stays()
            site.wait_for(PipelineStatus.RUNNING)
        keys = [key for status, key in site.told if status is PipelineStatus.DETECTOR_FAILED]
        assert {*keys} == {"detector_away", "unknown"}
        assert keys[0] == "unknown"

        # What fails again and again is asked less and less often, and nothing is decoded meanwhile.
        site.work.fails = MemoryError()
        site.wait_for_failures(site.pipeline.snapshot().frames_failed + 2)
        began, site.work.fails = time.monotonic(), None
        site.wait_for(PipelineStatus.RUNNING)
        assert time.monotonic() - began > 0.5
        assert camera.stats()["connections"] == 1, "the stream was opened again"
    site.check_nothing_stays()
    done = site.pipeline.snapshot()
    assert done.frames_taken == len(site.detector.seen)
    assert done.frames_failed + site.work.taken == done.frames_taken
    assert "secret" not in str((done, site.told))


def test_a_detection_server_that_is_away_is_asked_again(camera: RtspCamera) -> None:
    with HttpServer(NONSENSE["500"]) as server:
        client = DetectionServer(server.url)
        work = Counting()
        pipeline = Pipeline(
            stream(camera.url), client, work, PipelineSettings(), SystemClock(), lambda: None
        )
        pipeline.start()
        try:
            wait_for(lambda: pipeline.snapshot().error_key == "detector_answer")
            server.said = answer(BOX)
            wait_for(lambda: pipeline.snapshot().status is PipelineStatus.RUNNING)
            assert len(work.people) == 1
            server.close()
            wait_for(lambda: pipeline.snapshot().error_key == "detector_away")
        finally:
            assert pipeline.stop()
    assert pipeline.background() is None


def test_a_frame_that_somebody_holds_is_told(camera: RtspCamera) -> None:
    held: list[Pixels] = []
    with running(stream(camera.url), rate=10) as site:
        site.detector.fails = lambda frame: held.append(frame.pixels[::2, :, 0])
        site.wait_for_frames(1)
        site.detector.fails = lambda _: None
        site.wait_for_frames(3)
        older = site.pipeline.snapshot().frame_age_seconds
        site.wait_for_frames(3)
        assert older is not None
        assert older + 0.15 < (site.pipeline.snapshot().frame_age_seconds or 0)
        held.clear()
        site.wait_for_frames(2)
        last = site.pipeline.snapshot().frame_age_seconds
        site.wait_for_frames(2)
        assert site.pipeline.snapshot().frame_age_seconds == last
    site.check_nothing_stays()


def test_what_cannot_be_opened_is_tried_again_and_a_stop_does_not_wait_for_it() -> None:
    with DeadCamera() as dead, running(stream(dead.address("/x"))) as site:
        site.wait_for(PipelineStatus.NO_STREAM)
        assert site.told == [(PipelineStatus.NO_STREAM, "source_unreachable")]
        began = time.monotonic()
        assert site.pipeline.stop()
        assert time.monotonic() - began < 20
        assert site.detector.seen == []


CLIP = Clip(rate=10, seconds=20, numbered=True)
TENTH = timedelta(milliseconds=100)


def taken_of(steps: Callable[[Footage], list[Step]], rate: float = 2.0) -> list[int]:
    """Return the numbers of the pictures that are taken while packets come as scripted."""
    footage = Footage.of(CLIP)
    clock = ScriptedClock()
    ended = threading.Event()
    source = ScriptedSource(
        footage, clock, lambda: [*steps(footage), (timedelta(), ended.set)], list
    )
    with running(source, rate=rate, width=320, clock=clock) as site:
        assert ended.wait(60)
        return [number for _, number in site.detector.numbers]


def test_pictures_are_spread_evenly_and_those_that_waited_are_passed_over() -> None:
    def burst(footage: Footage) -> list[Step]:
        return [
            (TENTH * 5 if n % 5 == 0 else timedelta(), p) for n, p in enumerate(footage.packets)
        ]

    def backlog(footage: Footage) -> list[Step]:
        late = [(TENTH * 100 if n == 50 else timedelta(), p) for n, p in enumerate(footage.packets)]
        return [
            *((TENTH, p) for p in footage.packets[:50]),
            *late[50:150],
            *((TENTH, p) for p in footage.packets[150:]),
        ]

    evenly = taken_of(lambda footage: [(TENTH, packet) for packet in footage.packets])
    assert evenly == [0, *range(4, 200, 5)]
    assert 39 <= len(taken_of(burst)) <= 41
    numbers = taken_of(backlog)
    passed = [after - before for before, after in pairwise(numbers)]
    # Of the ten seconds that came at once none is taken before the last half second's.
    assert max(passed[1:]) > 90
    assert set(sorted(passed[1:])[:-1]) <= {3, 4, 5}


def test_what_an_entity_found_goes_the_same_way() -> None:
    told: list[str | None] = []
    work = Counting(located=False)
    pipeline = Pipeline(
        None,
        None,
        work,
        PipelineSettings(),
        SystemClock(),
        lambda: told.append(pipeline.snapshot().error_key),
    )
    pipeline.start()
    assert pipeline.snapshot().status is PipelineStatus.CONNECTING
    pipeline.observe([PERSON])
    assert pipeline.snapshot().result == IconsResult(people=(PERSON.foot,))
    work.fails = ValueError("secret")
    pipeline.observe([])
    work.fails = None
    pipeline.observe([PERSON, PERSON])
    assert pipeline.kept() == {"most": 2}
    assert pipeline.snapshot().frames_persisted == 0
    for picture in (np.zeros((4, 4, 3), np.uint8), b"pixels", [[0.5]]):
        work.keeps = picture
        assert pipeline.kept() == {}
    # What the case's own limiter refuses is counted as well, and hinders no stop.
    work.refuses = True
    assert pipeline.kept() == {}
    assert pipeline.snapshot().frames_persisted == 4
    assert told == [None, "unknown", None]
    done = pipeline.snapshot()
    assert (done.frames_taken, done.frames_failed, done.frame_age_seconds) == (0, 1, None)
    assert pipeline.background() is None
    assert pipeline.stop()
    pipeline.observe([])
    assert pipeline.snapshot().result == IconsResult(people=(PERSON.foot, PERSON.foot))
    assert pipeline.snapshot().status is PipelineStatus.STOPPED
