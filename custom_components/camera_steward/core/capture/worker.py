"""The thread of a camera: connect, record, note each interruption as a gap, try again."""

import contextlib
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from ..clock import Clock
from ..errors import (
    SourceEndedError,
    SourceError,
    StewardError,
    StorageError,
    StorageFullError,
    UnexpectedError,
)
from ..media.fragments import Header
from ..model import CaptureStatus, Gap, GapCause
from ..vault.recovery import recover_camera
from ..vault.vault import Vault
from ..vault.writer import Sealed
from .live import Live, LiveFeed
from .recorder import Recorder, RecorderSettings
from .schedule import Schedule
from .source import OpenSource, Source, Timed, bare

_SHORTEST = 1.0
_LONGEST = 60.0
_STEADY = timedelta(seconds=60)
_LOOK_EVERY = timedelta(seconds=1)
_STORE_AGAIN = timedelta(seconds=10)
"""A try costs those who watch no picture."""

_END = datetime.max.replace(tzinfo=UTC)

_OF_OUR_OWN = frozenset(
    {GapCause.STORAGE, GapCause.RESTART, GapCause.SCHEDULE, GapCause.SWITCHED_OFF}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusChanged:
    """The recorder does something else now; `error` says why it has no stream."""

    camera: str
    status: CaptureStatus
    error: StewardError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamFound:
    """A stream is being received: codec name and picture size in pixels."""

    camera: str
    codec: str
    width: int
    height: int
    audio: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentStored:
    """A segment was sealed."""

    camera: str
    start_at: datetime
    length: timedelta
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GapStarted:
    """Footage is missing from here on."""

    camera: str
    at: datetime
    cause: GapCause


@dataclass(frozen=True, slots=True, kw_only=True)
class GapEnded:
    """Footage is there again."""

    gap: Gap


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageTrouble:
    """The vault could not be written to; None when it can again."""

    camera: str
    error: StorageError | None


CaptureEvent = StatusChanged | StreamFound | SegmentStored | GapStarted | GapEnded | StorageTrouble


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraPlan:
    """One camera to record: from where, how, and when."""

    camera: str
    source: Source
    settings: RecorderSettings = RecorderSettings()
    schedule: Schedule | None = None


class CaptureWorker:
    """Record one camera in a thread of its own until stopped.

    `on_event` is called in that thread; `make_room` is asked to free bytes when the storage is
    full and returns whether it could.
    """

    def __init__(
        self,
        plan: CameraPlan,
        vault: Vault,
        clock: Clock,
        on_event: Callable[[CaptureEvent], None],
        make_room: Callable[[], bool] = lambda: False,
    ) -> None:
        """Prepare; `start` begins."""
        self._plan = plan
        self._vault = vault
        self._clock = clock
        self._emit = on_event
        self._make_room = make_room
        self._quit = threading.Event()
        self._stop_cause = GapCause.RESTART
        self._status: tuple[CaptureStatus, str | None] | None = None
        self._recorder: Recorder | None = None
        self._triggered_at: timedelta | None = None
        self._header: Header | None = None
        self._storage_error: str | None = None
        self._live = Live(clock)
        self._store_again: timedelta | None = None
        self._gap_cause: GapCause | None = None
        self._gap_owed: tuple[datetime, GapCause] | None = None
        self._last_ended_at: datetime | None = None
        self._stored_any = False
        self.clock_offset: timedelta | None = None
        """How far the camera's own clock is ahead; None where it does not say."""
        self._thread = threading.Thread(
            target=self._run, name=f"camera-steward-{plan.camera}", daemon=True
        )

    @property
    def camera(self) -> str:
        """Return the camera's id."""
        return self._plan.camera

    @property
    def alive(self) -> bool:
        """Return whether the thread runs."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def trigger(self) -> None:
        """Keep footage around now, if this camera records on a trigger; from any thread.

        While it has no stream, footage is kept from the next one on until the post-roll is over.
        """
        self._triggered_at = self._clock.elapsed()
        if (recorder := self._recorder) is not None:
            recorder.trigger()

    def watch(self, on_news: Callable[[], None] = lambda: None) -> LiveFeed:
        """Show what is received, from any thread, until the feed is closed or the worker ends.

        A new connection, or a storage that fails, does not end it. `on_news` as for `Live.join`.
        """
        return self._live.join(on_news)

    def request_stop(self, cause: GapCause = GapCause.RESTART) -> None:
        """Ask the thread to end; what is missing from then on has `cause`. Feeds end at once."""
        self._stop_cause = cause
        self._quit.set()
        self._live.close()

    def join(self, timeout: float) -> bool:
        """Wait for the thread; return whether it ended within `timeout` seconds."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        delay = _SHORTEST
        try:
            self._attempt(self._find_gap)
            while not self._quit.is_set():
                began = self._clock.elapsed()
                self._stored_any = False
                if self._attempt(self._record):
                    continue
                if self._stored_any or self._clock.elapsed() - began > _STEADY:
                    delay = _SHORTEST
                if self._rest(delay * random.uniform(0.8, 1.2)):  # noqa: S311
                    break
                delay = min(delay * 2, _LONGEST)
        finally:
            self._live.close()
            try:
                self._gap(self._stop_cause)
            finally:
                self._set_status(CaptureStatus.STOPPED)

    def _rest(self, seconds: float) -> bool:
        """Wait for the next try; return whether to end.

        Whoever begins to watch does not wait for the storage.
        """
        watched = self._live.watched
        while self._storage_error is not None and not watched and seconds > 1:
            if self._quit.wait(1):
                return True
            if self._live.watched:
                return False
            seconds -= 1
        return self._quit.wait(seconds)

    def _attempt(self, do: Callable[[], None]) -> bool:
        """Return whether it went well; else note the gap, its cause and the error."""
        try:
            do()
        except SourceError as err:
            self._no_stream(GapCause(err.cause), bare(err))
        except StorageError as err:
            self._storage_trouble(bare(err))
        except StewardError as err:
            self._no_stream(GapCause.UNKNOWN, bare(err))
        except Exception as err:
            # A mistake of ours must not end the recording unseen: told, and tried again.
            self._no_stream(GapCause.UNKNOWN, UnexpectedError(type(err).__name__))
        else:
            return True
        return False

    def _find_gap(self) -> None:
        """Go on with the gap that lasts, or begin one where a crash ended the footage."""
        index, now = self._vault.index, self._clock.now()
        for gap in index.gaps(self.camera, now, _END):
            if gap.end_at is None:
                self._gap_cause = gap.cause
                return
        if self._plan.settings.on_trigger:
            return  # it may have waited ever since
        newest_at = index.footage(self.camera).newest_at
        schedule = self._plan.schedule
        if newest_at is not None and (schedule is None or schedule.active(newest_at)):
            self._open_gap(min(newest_at, now), GapCause.RESTART)

    def _wait_for_schedule(self) -> bool:
        schedule = self._plan.schedule
        if schedule is None:
            return True
        while not schedule.active(self._clock.now()):
            self._gap(GapCause.SCHEDULE)
            self._set_status(CaptureStatus.WAITING)
            if self._quit.wait(1):
                return False
        return True

    def _record(self) -> None:
        if not self._wait_for_schedule():
            return
        if self._status is None or self._status[0] is not CaptureStatus.NO_STREAM:
            self._set_status(CaptureStatus.CONNECTING)
        try:
            self._prepare()
        except StorageError as err:
            self._only_show(err)
        source = self._plan.source.open()
        try:
            self._receive(source)
        finally:
            self._recorder = None
            source.close()

    def _prepare(self) -> None:
        """See that footage can be stored, and seal what an earlier fault left open."""
        self._vault.check()
        recover_camera(self._vault, self.camera)
        self._store_again = None

    def _only_show(self, err: StorageError) -> None:
        """Go on without the storage while somebody watches; else raise the error."""
        if not self._live.watched:
            raise err
        self._storage_trouble(bare(err))
        self._store_again = self._clock.elapsed() + _STORE_AGAIN

    def _receive(self, source: OpenSource) -> None:
        recorder = Recorder(
            self.camera,
            source,
            self._vault,
            self._clock,
            self._plan.settings,
            on_stored=self._stored,
            on_begun=self._begun,
            live=self._live,
        )
        recorder.stores = self._store_again is None
        self._live.begin()
        self._recorder = recorder
        if self._triggered_at is not None:
            recorder.trigger(self._triggered_at)
        self._header = None
        self.clock_offset = None
        video = source.tracks[0].index
        quitting = self._quit.is_set
        schedule, look_at = self._plan.schedule, timedelta()
        try:
            for packet in source.packets():
                if quitting():
                    break
                if schedule is not None and self._clock.elapsed() >= look_at:
                    look_at = self._clock.elapsed() + _LOOK_EVERY
                    if not schedule.active(self._clock.now()):
                        break
                try:
                    if packet is None:
                        recorder.idle()
                        continue
                    recorder.feed(packet)
                except StorageError as err:
                    self._stop_storing(recorder, err)
                    if packet is None:
                        continue
                    recorder.feed(packet)
                if packet.keyframe and packet.track == video:
                    self._on_keyframe(recorder, source)
            else:
                raise SourceEndedError
        except StorageError:
            self._last_ended_at = recorder.ended_at
            recorder.abandon()
            raise
        except BaseException:
            self._close(recorder)
            raise
        self._close(recorder)

    def _stop_storing(self, recorder: Recorder, err: StorageError) -> None:
        if recorder.stores:
            self._last_ended_at = recorder.ended_at
        self._only_show(err)
        recorder.store_nothing()

    def _try_storing(self, recorder: Recorder) -> None:
        """Store again if the storage is there again; without a watcher nothing else is done."""
        again = self._store_again
        if again is not None and self._live.watched and self._clock.elapsed() < again:
            return
        try:
            self._prepare()
        except StorageError as err:
            self._only_show(err)
        else:
            recorder.stores = True

    def _close(self, recorder: Recorder) -> None:
        # One that waited for a trigger saw all until now, whenever it last stored something.
        told = recorder.stores and (recorder.writing or not self._plan.settings.on_trigger)
        try:
            recorder.close()
        except BaseException:
            recorder.abandon()
            raise
        finally:
            self._last_ended_at = recorder.ended_at if told else None

    def _on_keyframe(self, recorder: Recorder, source: OpenSource) -> None:
        if recorder.header is not self._header:
            self._header = recorder.header
            video, *sound = source.tracks
            stored = recorder.header.stored[0] if recorder.header is not None else video
            self._emit(
                StreamFound(
                    camera=self.camera,
                    codec=video.codec,
                    width=stored.width or video.width,
                    height=stored.height or video.height,
                    audio=sound[0].codec if sound else None,
                )
            )
        if isinstance(source, Timed) and (shown := source.camera_time) is not None:
            self.clock_offset = shown - self._clock.now()
        if not recorder.stores:
            self._try_storing(recorder)
        elif self._plan.settings.on_trigger and not recorder.writing:
            # Footage is there again as soon as the memory fills.
            self._end_gap(self._clock.now())
            self._set_status(CaptureStatus.WAITING)

    def _begun(self, stamp_at: datetime) -> None:
        if self._storage_error is not None:
            self._storage_error = None
            self._emit(StorageTrouble(camera=self.camera, error=None))
        self._end_gap(stamp_at)
        self._set_status(CaptureStatus.RECORDING)

    def _stored(self, stamp_at: datetime, sealed: Sealed) -> None:
        self._stored_any = True
        self._emit(
            SegmentStored(
                camera=self.camera,
                start_at=stamp_at,
                length=sealed.length,
                size_bytes=sealed.size_bytes,
            )
        )

    def _no_stream(self, cause: GapCause, err: StewardError) -> None:
        if self._store_again is None:  # else nothing would have been stored of it anyway
            self._gap(cause)
        self._set_status(CaptureStatus.NO_STREAM, err)

    def _storage_trouble(self, err: StorageError) -> None:
        if self._storage_error != err.key:
            self._storage_error = err.key
            self._emit(StorageTrouble(camera=self.camera, error=err))
        self._gap(GapCause.STORAGE)
        self._set_status(CaptureStatus.NO_STREAM)
        if isinstance(err, StorageFullError):
            with contextlib.suppress(StewardError):
                self._make_room()

    def _gap(self, cause: GapCause) -> None:
        """Begin a gap, or another where the reason is of another kind; never raises for storage.

        What is entered late, as the index could not be written to, is entered with its own time.
        """
        ended, self._last_ended_at = self._last_ended_at, None
        at = ended or self._clock.now()
        lasting = self._gap_owed[1] if self._gap_owed is not None else self._gap_cause
        with contextlib.suppress(StewardError):
            self._pay_gap()
            if lasting is not None:
                if cause is GapCause.RESTART or _kind(cause) == _kind(lasting):
                    return
                self._end_gap(at)
        if self._gap_owed is None:
            self._gap_owed = (at, cause)
        with contextlib.suppress(StewardError):
            self._pay_gap()

    def _pay_gap(self) -> None:
        if self._gap_owed is not None:
            self._open_gap(*self._gap_owed)
            self._gap_owed = None

    def _open_gap(self, at: datetime, cause: GapCause) -> None:
        begun = self._vault.index.open_gap(self.camera, at, cause)
        self._gap_cause = cause
        if begun:
            self._emit(GapStarted(camera=self.camera, at=at, cause=cause))

    def _end_gap(self, at: datetime) -> None:
        self._pay_gap()
        if self._gap_cause is None:
            return
        gap = self._vault.index.close_gap(self.camera, at)
        self._gap_cause = None
        if gap is not None:
            self._emit(GapEnded(gap=gap))

    def _set_status(self, status: CaptureStatus, error: StewardError | None = None) -> None:
        if self._recorder is None:
            self._live.nothing(status)
        found = (status, error.key if error is not None else None)
        if found != self._status:
            self._status = found
            self._emit(StatusChanged(camera=self.camera, status=status, error=error))


def _kind(cause: GapCause) -> GapCause | None:
    """Return what must be the same for a gap to go on: all faults of the camera are one kind."""
    return cause if cause in _OF_OUR_OWN else None
