"""The inspector of a site: one thread that looks at one keyframe of each camera every few minutes."""

import contextlib
import threading
from collections.abc import Callable, Collection, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import numpy as np

from ..capture.live import LiveFeed
from ..capture.source import bare
from ..clock import Clock
from ..errors import FootageError, LedgerBrokenError, StewardError, UnexpectedError
from ..files import Files
from ..ledger.entry import SYSTEM, EntryKind, Json, parse_time
from ..ledger.store import Ledger
from ..model import GapCause, Segment, SegmentState, to_micros
from ..vault.vault import Vault
from .features import Features, Luma, features_of
from .findings import OF_THE_VIEW, FaultKind, Figures, Tally, Verdict
from .judge import Memory, Seen, judge
from .keeping import forget_others, read_memory, write_memory
from .keyframe import Small, small_picture
from .views import View

LOOK_EVERY = timedelta(minutes=5)
"""A product default."""
_FIRST = timedelta(minutes=1)
_WAIT_SECONDS = 20.0
_RECENT = timedelta(minutes=10)
"""Older pictures say nothing of how the camera stands now."""
_REMEMBERED = timedelta(minutes=15)
"""How long the picture of the last look is in memory, to be compared with the next (INV-1)."""
_WRITTEN = timedelta(hours=1)
_LIVE_SECONDS = 20.0
_CLEAR = 0.08
_DAY = timedelta(days=1)
_MISSING, _MISSING_LESS = timedelta(minutes=72), timedelta(minutes=36)
"""A twentieth of a day, and half of that: product defaults."""
_CLOCK, _CLOCK_LESS = timedelta(seconds=60), timedelta(seconds=30)
"""Likewise."""
_ON_PURPOSE = frozenset({GapCause.SCHEDULE, GapCause.SWITCHED_OFF})
_SAME_MEAN, _SAME_MOST = 0.05, 2


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultFound:
    """A camera's picture has a fault, since a look; the ledger says so."""

    camera: str
    kind: FaultKind
    since_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultGone:
    """A fault that began at `since_at` is not there any more; the ledger says so."""

    camera: str
    kind: FaultKind
    since_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class InspectionFailed:
    """A camera, or with None any, could not be looked at for a reason that is not its own."""

    camera: str | None
    error: StewardError


InspectionEvent = FaultFound | FaultGone | InspectionFailed


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """What a camera sees, as it is kept once it was approved; `view.digest` is for the record."""

    view: View
    rate: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraInspection:
    """How a camera's picture stands: when it was looked at last, and the faults that hold.

    `missing` is how much of the last day there is no footage of without anybody wanting it so;
    None before the first look. `view` is the digest of the approved view. `clock_offset` is how far
    the camera's own clock is ahead; None where it does not say.
    """

    looked_at: datetime | None = None
    faults: Mapping[FaultKind, datetime] = field(default_factory=dict)
    view: str | None = None
    missing: timedelta | None = None
    clock_offset: timedelta | None = None


@dataclass(slots=True)
class _Camera:
    memory: Memory
    tally: Tally = field(default_factory=Tally)
    missing: timedelta | None = None
    sequence: int | None = None
    last: tuple[timedelta, Luma] | None = None
    written: timedelta | None = None


class Inspector:
    """Looks at what is stored, in a thread of its own; all else from any.

    Nobody sees what it looks at, and nothing of a picture leaves it (INV-4): names of faults, times
    and figures do.
    """

    def __init__(
        self,
        cameras: Collection[str],
        *,
        vault: Vault,
        ledger: Ledger,
        clock: Clock,
        files: Files,
        folder: Path,
        recording: Callable[[str], bool],
        clock_offset: Callable[[str], timedelta | None],
        watch: Callable[[str, Callable[[], None]], LiveFeed],
        on_event: Callable[[InspectionEvent], None],
    ) -> None:
        """Read what is remembered and which faults hold; raises `StorageError`.

        `folder` is the inspection's own. `recording` says whether a camera records now, and
        `clock_offset` how far its clock is ahead if it says so; `watch` shows what is received of it.
        """
        self._vault, self._ledger, self._clock, self._files = vault, ledger, clock, files
        self._folder = folder
        self._recording, self._clock_offset, self._watch = recording, clock_offset, watch
        self._on_event = on_event
        self._quit = threading.Event()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._told: set[tuple[str, str]] = set()
        forget_others(folder, files, frozenset(cameras))
        self._cameras = {each: _Camera(read_memory(folder, files, each)) for each in cameras}
        for (camera, kind), since in _open_faults(ledger).items():
            if camera in self._cameras:
                self._cameras[camera].tally.open[kind] = since

    def start(self) -> None:
        """Begin to look."""
        self._thread = threading.Thread(
            target=self._run, name="camera-steward-inspector", daemon=True
        )
        self._thread.start()

    def request_stop(self) -> None:
        """Ask the thread to end; returns at once."""
        self._quit.set()

    def join(self, timeout: float) -> bool:
        """Wait for the thread; return whether it ended within `timeout` seconds."""
        if self._thread is not None:
            self._thread.join(timeout)
            return not self._thread.is_alive()
        return True

    def standing(self) -> dict[str, CameraInspection]:
        """Return how each camera's picture stands."""
        return {
            camera: CameraInspection(
                looked_at=state.memory.looked_at,
                faults=dict(state.tally.open),
                view=None if (view := state.memory.view) is None else view.digest,
                missing=state.missing,
                clock_offset=self._clock_offset(camera),
            )
            for camera, state in self._cameras.items()
        }

    def describe(self, camera: str) -> Described | None:
        """Return what a camera sees now as a descriptor; nothing is taken for approved yet.

        None where nothing comes within twenty seconds, or it is too dark to say what is seen.
        """
        small = self._seen_live(camera)
        return None if small is None else _described(_features(small), small)

    def approve(self, camera: str, described: Described | None) -> None:
        """Take what was described for the approved view, for it was approved; durable on return.

        What was found beside the last one is over then. Without a descriptor the first later look
        takes it that shows enough. Raises `StorageError`.
        """
        with self._lock:
            state = self._cameras[camera]
            if described is None:
                state.memory.wanted_since = self._clock.now()
                self._write(camera, state)
            else:
                self._take(camera, state, described)

    def look(self, camera: str) -> None:
        """Look once at a camera's newest keyframe, if there is one that was not looked at yet.

        What cannot be read or decoded is no fault of the picture, and not looked at.
        """
        now = self._clock.now()
        with self._lock:
            state = self._cameras[camera]
            verdicts = [(self._missed(camera, state, now), now), (self._timed(camera), now)]
            found = self._newest(camera, state, now) if self._recording(camera) else None
            if found is not None:
                small, at = found
                verdicts.append((self._judged(camera, state, small, at), at))
                state.memory.looked_at = now
            for verdict, at in verdicts:
                self._enter(camera, state, verdict, at)
            elapsed = self._clock.elapsed()
            if state.written is None or elapsed - state.written >= _WRITTEN:
                self._write(camera, state)

    def forget(self) -> None:
        """Let go of pictures that no look followed."""
        since = self._clock.elapsed() - _REMEMBERED
        with self._lock:
            for state in self._cameras.values():
                if state.last is not None and state.last[0] < since:
                    state.last = None

    # Inside

    def _run(self) -> None:
        begin = self._clock.elapsed() + _FIRST
        spread = LOOK_EVERY / max(len(self._cameras), 1)
        due = {camera: begin + n * spread for n, camera in enumerate(self._cameras)}
        while not self._quit.wait(self._seconds_to(due)):
            self.forget()
            for camera, at in due.items():
                if self._quit.is_set():
                    break
                if at <= self._clock.elapsed():
                    due[camera] = self._clock.elapsed() + LOOK_EVERY
                    self._try(camera, partial(self.look, camera))
        for camera, state in self._cameras.items():
            self._try(camera, partial(self._write, camera, state))

    def _seconds_to(self, due: Mapping[str, timedelta]) -> float:
        """Return how long to wait; never so long that a picture is kept in memory for it."""
        soonest = min(due.values(), default=timedelta.max) - self._clock.elapsed()
        return min(max(soonest.total_seconds(), 0.0), _WAIT_SECONDS)

    def _try(self, camera: str, do: Callable[[], None]) -> None:
        """Do it; an error is told once for each camera and kind, and tried again at the next look."""
        try:
            do()
        except StewardError as err:
            error = err
        except Exception as err:
            # A mistake of ours must not end the inspection unseen.
            error = UnexpectedError(type(err).__name__)
        else:
            return
        if (camera, error.key) not in self._told:
            self._told.add((camera, error.key))
            # Without its traceback, the frames of which hold a picture (INV-1).
            self._on_event(InspectionFailed(camera=camera, error=bare(error)))

    def _newest(self, camera: str, state: _Camera, now: datetime) -> tuple[Small, datetime] | None:
        """Return the newest keyframe of what is stored whole, and when it was taken."""
        index = self._vault.index
        closed = [
            each
            for each in index.segments(camera, now - _RECENT, now)
            if each.state is not SegmentState.OPEN
        ]
        if not closed or closed[-1].sequence == state.sequence:
            return None
        state.sequence = closed[-1].sequence
        with contextlib.suppress(FootageError):
            return self._read(closed[-1])
        return None

    def _read(self, segment: Segment) -> tuple[Small, datetime]:
        with closing(self._vault.open_segment(segment)) as reader:
            keyframes = [each for each in reader.trailer.fragments if each.keyframe]
            if not keyframes:
                raise FootageError("no keyframe")
            newest = keyframes[-1]
            small = small_picture(reader.header(), reader.read(newest.offset, newest.length))
        return small, segment.start_at + timedelta(microseconds=newest.start_us)

    def _seen_live(self, camera: str) -> Small | None:
        """Return the next keyframe that a camera sends, without another connection to it."""
        if not self._recording(camera):
            return None
        news = threading.Event()
        feed = self._watch(camera, news.set)
        until = self._clock.elapsed() + timedelta(seconds=_LIVE_SECONDS)
        try:
            while not feed.closed and not self._quit.is_set():
                for each in feed.window():
                    header = feed.header(each.init)
                    if each.keyframe and header is not None:
                        return small_picture(header, each.data)
                left = (until - self._clock.elapsed()).total_seconds()
                if left <= 0 or not news.wait(left):
                    break
                news.clear()
        except FootageError:
            return None
        finally:
            feed.close()
        return None

    def _judged(self, camera: str, state: _Camera, small: Small, at: datetime) -> Verdict:
        features = _features(small)
        wanted = state.memory.wanted_since
        if wanted is not None and at >= wanted and (found := _described(features, small)):
            self._take(camera, state, found)
        last, state.last = state.last, (self._clock.elapsed(), small.luma)
        seen = Seen(
            at=at,
            features=features,
            width=small.width,
            height=small.height,
            rate=small.rate,
            same=None if last is None else _same(last[1], small.luma),
        )
        return judge(seen, state.memory)

    def _missed(self, camera: str, state: _Camera, now: datetime) -> Verdict:
        """Count what is missing of the last day."""
        missing = timedelta()
        for gap in self._vault.index.gaps(camera, now - _DAY, now):
            if gap.cause not in _ON_PURPOSE:
                missing += min(gap.end_at or now, now) - max(gap.start_at, now - _DAY)
        state.missing = missing
        if missing >= _MISSING:
            minutes = round(missing / timedelta(minutes=1))
            return Verdict(suspected={FaultKind.GAPS: {"minutes": minutes}})
        cleared = {FaultKind.GAPS} if missing < _MISSING_LESS else frozenset()
        return Verdict(cleared=cleared)

    def _timed(self, camera: str) -> Verdict:
        """Compare the camera's own clock with the site's, where it tells."""
        offset = self._clock_offset(camera)
        if offset is None:
            return Verdict()
        if abs(offset) >= _CLOCK:
            return Verdict(suspected={FaultKind.CLOCK: {"seconds": round(offset.total_seconds())}})
        return Verdict(cleared={FaultKind.CLOCK} if abs(offset) < _CLOCK_LESS else frozenset())

    def _enter(self, camera: str, state: _Camera, verdict: Verdict, at: datetime) -> None:
        """Count a verdict, and enter what comes of it before anybody is told."""
        opening, closing_ = state.tally.take(verdict, at)
        for kind, since in opening:
            self._append(EntryKind.FAULT_FOUND, camera, kind, since, verdict.suspected[kind])
            state.tally.open[kind] = since
            self._on_event(FaultFound(camera=camera, kind=kind, since_at=since))
        for kind in closing_:
            self._gone(camera, state, kind, {})

    def _gone(self, camera: str, state: _Camera, kind: FaultKind, figures: Figures) -> None:
        since = state.tally.open[kind]
        self._append(EntryKind.FAULT_GONE, camera, kind, since, figures)
        state.tally.forget(kind)
        self._on_event(FaultGone(camera=camera, kind=kind, since_at=since))

    def _take(self, camera: str, state: _Camera, described: Described) -> None:
        """Take another approved view, and end what was found beside the last one."""
        state.memory.approve(described.view, described.rate)
        self._write(camera, state)
        for kind in OF_THE_VIEW:
            if kind in state.tally.open:
                self._gone(camera, state, kind, {"view": described.view.digest})
            state.tally.forget(kind)

    def _append(
        self, entry: EntryKind, camera: str, kind: FaultKind, since: datetime, figures: Figures
    ) -> None:
        data: dict[str, Json] = {
            "kind": kind.value,
            "since": since.isoformat(),
            "figures": dict(figures),
        }
        key = f"{entry.value}/{camera}/{kind.value}/{to_micros(since)}"
        self._ledger.append(entry, actor=SYSTEM, subject=camera, data=data, key=key)

    def _write(self, camera: str, state: _Camera) -> None:
        write_memory(self._folder, self._files, camera, state.memory)
        state.written = self._clock.elapsed()


def _features(small: Small) -> Features:
    return features_of(small.luma, small.colour)


def _described(features: Features, small: Small) -> Described | None:
    """Return what is seen as a descriptor; None where that is too little."""
    if features.structure < _CLEAR:
        return None
    return Described(view=View.of(features, small.width, small.height), rate=small.rate)


def _same(before: Luma, now: Luma) -> bool:
    """Return whether these are one picture, sent or encoded twice: a sensor's noise never is."""
    if before.shape != now.shape:
        return False
    apart = np.abs(before.astype(np.int16) - now)
    return bool(apart.max() <= _SAME_MOST and apart.mean() <= _SAME_MEAN)


def _open_faults(ledger: Ledger) -> dict[tuple[str, FaultKind], datetime]:
    """Return the faults that were found and are not gone, with their beginnings."""
    found: dict[tuple[str, FaultKind], datetime] = {}
    with contextlib.suppress(LedgerBrokenError):
        for entry in ledger.entries((EntryKind.FAULT_FOUND, EntryKind.FAULT_GONE)):
            try:
                kind = FaultKind(str(entry.data.get("kind")))
            except ValueError:
                continue  # of a newer version
            if entry.kind == EntryKind.FAULT_FOUND:
                found[entry.subject, kind] = parse_time(entry.data.get("since"), "fault")
            else:
                found.pop((entry.subject, kind), None)
    return found
