"""One utilization at work: pictures in, counts out, in a thread of its own; no picture stays."""

import contextlib
import io
import random
import threading
import traceback
import weakref
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from functools import partial
from time import monotonic
from typing import Final

from PIL import Image

from ..capture.source import OPEN_SECONDS, READ_SECONDS, OpenSource, Packet, Source
from ..clock import Clock
from ..errors import LimiterError, SourceEndedError, SourceError, StewardError
from ..ledger.entry import Json
from .detection import Box, Detector, Frame, Pixels
from .frames import Taker
from .limiter import limited
from .results import Result
from .work import Work

_SHORTEST: Final = 1.0
_LONGEST: Final = 60.0
_STEADY: Final = 60.0
_DETECTOR_LONGEST: Final = 30.0
_STOP_SECONDS: Final = 2 * OPEN_SECONDS + READ_SECONDS + 5
"""Connecting, finding streams, a wait for packets, a detector: none of them can be interrupted."""

_MOST_LABELS: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineSettings:
    """How many pictures a second, and how wide (pixels); a camera's own are never made larger."""

    rate: float = 2.0
    width: int = 640


class PipelineStatus(StrEnum):
    """What a pipeline does."""

    CONNECTING = "connecting"
    RUNNING = "running"
    NO_STREAM = "no_stream"
    DETECTOR_FAILED = "detector_failed"
    """The detector or the case gave an error of the last picture."""

    STOPPED = "stopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineSnapshot:
    """How it goes; `error_key` says why it does not run.

    `frames_persisted` counts what was to be stored and may not be: the limiter refused it, and it is a
    mistake of the program.
    `frame_age_seconds` is the longest that a frame was held, up to when its memory was let go of,
    one that still is included; None before the first. `frames_failed` ended in an error.
    """

    status: PipelineStatus
    since_at: datetime
    error_key: str | None = None
    frames_taken: int = 0
    frames_failed: int = 0
    frames_persisted: int = 0
    frame_age_seconds: float | None = None
    result: Result


class Pipeline:
    """Runs one utilization until stopped: with source and detector, or by boxes from elsewhere.

    `on_change` is called where status or result have changed, in the thread that brings it.
    """

    def __init__(
        self,
        source: Source | None,
        detector: Detector | None,
        work: Work,
        settings: PipelineSettings,
        clock: Clock,
        on_change: Callable[[], None],
    ) -> None:
        """Prepare; nothing is opened before `start`."""
        self._source = source
        self._detector = detector
        self._work = work
        self._settings = settings
        self._clock = clock
        self._on_change = on_change
        self._working = threading.Lock()
        self._detecting = threading.Lock()
        self._changing = threading.Lock()
        self._quit = threading.Event()
        self._labels: deque[str] = deque(maxlen=_MOST_LABELS)
        self._held: list[tuple[weakref.ref[Pixels], float]] = []
        self._failures = 0
        self._snapshot = PipelineSnapshot(
            status=PipelineStatus.CONNECTING, since_at=clock.now(), result=work.result()
        )
        self._thread: threading.Thread | None = None
        if source is not None:
            self._thread = threading.Thread(
                target=self._run, name="camera-steward-utilization", daemon=True
            )

    # What others ask, from any thread

    def start(self) -> None:
        """Begin."""
        if self._thread is not None:
            self._thread.start()

    def stop(self) -> bool:
        """End; return whether the thread has. Harmless when repeated, or before `start`."""
        self._quit.set()
        if self._thread is not None and self._thread.ident is not None:
            self._thread.join(_STOP_SECONDS)
            return not self._thread.is_alive()
        self._finish()
        return True

    @property
    def ended(self) -> bool:
        """Return whether no thread runs, without waiting for it."""
        return self._thread is None or not self._thread.is_alive()

    def observe(self, boxes: Sequence[Box]) -> None:
        """Take in what an entity found, in the calling thread."""
        if self._quit.is_set():
            return
        self._attempt(lambda: self._worked(None, boxes, self._clock.now(), self._elapsed()))

    def learn(self, label: str) -> None:
        """Let the next pictures be an example of a state."""
        self._labels.append(label)

    def background(self) -> bytes | None:
        """Return the place without what moves as PNG, None where that is not known."""
        if self._detector is None:
            return None
        with self._detecting:
            pixels = self._detector.background()
        if pixels is None:
            return None
        made = io.BytesIO()
        Image.fromarray(pixels).save(made, "PNG")
        return made.getvalue()

    def snapshot(self) -> PipelineSnapshot:
        """Return how it goes now."""
        now = self._elapsed()
        held = [now - since for pixels, since in tuple(self._held) if pixels() is not None]
        told = self._snapshot
        if not held:
            return told
        return replace(told, frame_age_seconds=max(*held, told.frame_age_seconds or 0.0))

    def kept(self) -> Mapping[str, Json]:
        """Return what goes on after a restart, through the limiter; what it refuses is not kept."""
        try:
            with self._working:
                kept = self._work.kept()
            return limited(kept)
        except LimiterError:
            self._change(frames_persisted=self._snapshot.frames_persisted + 1)
            return {}

    # The thread

    def _run(self) -> None:
        delay = _SHORTEST
        try:
            while not self._quit.is_set():
                began, frames = self._elapsed(), self._snapshot.frames_taken
                key = self._received()
                if self._quit.is_set():
                    break
                self._change(status=PipelineStatus.NO_STREAM, error_key=key)
                if self._snapshot.frames_taken > frames or self._elapsed() - began > _STEADY:
                    delay = _SHORTEST
                if self._quit.wait(delay * random.uniform(0.8, 1.2)):  # noqa: S311
                    break
                delay = min(delay * 2, _LONGEST)
        finally:
            self._finish()

    def _finish(self) -> None:
        if self._detector is not None:
            with contextlib.suppress(Exception):
                self._detector.close()
        self._change(status=PipelineStatus.STOPPED, error_key=None)

    def _received(self) -> str:
        """Receive until it ends; return the key of why."""
        assert self._source is not None
        try:
            opened = self._source.open()
            try:
                self._receive(opened)
            finally:
                opened.close()
        except Exception as err:
            key = err.key if isinstance(err, StewardError) else StewardError.key
            _let_go(err)
            return key
        return SourceEndedError.key

    def _receive(self, opened: OpenSource) -> None:
        taker = Taker(opened, self._settings.rate, self._settings.width, self._clock)
        asked = monotonic()
        for packet in opened.packets():
            if self._quit.is_set():
                return
            if packet is None:
                taker.nothing_came()
            elif not self._attempt(partial(self._look, taker, packet, monotonic() - asked)):
                self._back_off(taker)
            self._release()
            asked = monotonic()

    def _look(self, taker: Taker, packet: Packet, waited: float) -> None:
        """Hand a frame on, if this packet brings one; with the return it is gone."""
        since = self._elapsed()
        frame = taker.taken(packet, waited)
        if frame is None:
            return
        self._held.append((weakref.ref(frame.pixels), since))
        self._change(frames_taken=self._snapshot.frames_taken + 1)
        boxes: Sequence[Box] = ()
        if self._detector is not None:
            with self._detecting:
                boxes = self._detector.detect(frame)
        self._worked(frame, boxes, frame.taken_at, frame.elapsed)
        self._failures = 0

    def _worked(
        self, frame: Frame | None, boxes: Sequence[Box], at: datetime, elapsed: float
    ) -> None:
        with self._working:
            while self._labels:
                self._work.learn(self._labels.popleft())
            self._work.take(frame, boxes, at, elapsed)
            result = self._work.result()
        self._change(status=PipelineStatus.RUNNING, error_key=None, result=result)

    def _attempt(self, do: Callable[[], None]) -> bool:
        """Return whether it went well; else count it and tell the error by its key alone."""
        try:
            do()
        except SourceError:
            raise
        except Exception as err:
            key = err.key if isinstance(err, StewardError) else StewardError.key
            _let_go(err)
        else:
            return True
        self._failures += 1
        self._change(
            status=PipelineStatus.DETECTOR_FAILED,
            error_key=key,
            frames_failed=self._snapshot.frames_failed + 1,
        )
        return False

    def _back_off(self, taker: Taker) -> None:
        """Take no frame for a while where the last one failed as well."""
        if self._failures > 1:
            seconds = min(2.0 ** (self._failures - 2), _DETECTOR_LONGEST)
            taker.pause(self._elapsed() + seconds)

    def _release(self) -> None:
        """Note how long frames were held; one that somebody still holds counts on."""
        if not self._held:
            return
        now = self._elapsed()
        gone = [now - since for pixels, since in self._held if pixels() is None]
        self._held = [each for each in self._held if each[0]() is not None]
        if gone:
            longest = max(*gone, self._snapshot.frame_age_seconds or 0.0)
            self._change(frame_age_seconds=longest)

    # Telling

    def _change(self, **changes: object) -> None:
        with self._changing:
            before = self._snapshot
            after = replace(before, **changes)  # type: ignore[arg-type]
            if after.status is not before.status:
                after = replace(after, since_at=self._clock.now())
            self._snapshot = after
        if (after.status, after.error_key, after.result) != (
            before.status,
            before.error_key,
            before.result,
        ):
            # A listener's mistake, as a loop that is closed already, must not end the pipeline.
            with contextlib.suppress(Exception):
                self._on_change()

    def _elapsed(self) -> float:
        return self._clock.elapsed().total_seconds()


def _let_go[E: Exception](err: E) -> E:
    """Empty an error of what hangs on it: the variables of where it was raised hold a frame."""
    found: list[BaseException] = [err]
    for each in found:
        if each.__traceback__ is not None:
            traceback.clear_frames(each.__traceback__)
        for more in (each.__cause__, each.__context__):
            if more is not None and more not in found:
                found.append(more)
    for each in found:
        each.__cause__ = each.__context__ = each.__traceback__ = None
    return err
