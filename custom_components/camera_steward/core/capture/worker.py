"""The thread of a camera: connect, record, note each interruption as a gap, try again."""

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from ..clock import Clock
from ..errors import (
    SourceError,
    StewardError,
    StorageError,
    StorageFullError,
    UnexpectedError,
)
from ..model import CaptureStatus, Gap, GapCause
from ..vault.recovery import recover_camera
from ..vault.vault import Vault
from ..vault.writer import Sealed
from .recorder import Recorder, RecorderSettings
from .schedule import Schedule
from .source import OpenSource, Source

_SHORTEST = 1.0
_LONGEST = 60.0
_STEADY = timedelta(seconds=60)


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
        self._status: CaptureStatus | None = None
        self._recorder: Recorder | None = None
        self._storage_error: str | None = None
        self._gap_open = False
        self._last_ended_at: datetime | None = None
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
        """Keep footage around now, if this camera records on a trigger; from any thread."""
        if (recorder := self._recorder) is not None:
            recorder.trigger()

    def request_stop(self, cause: GapCause = GapCause.RESTART) -> None:
        """Ask the thread to end; what is missing from then on has `cause`."""
        self._stop_cause = cause
        self._quit.set()

    def join(self, timeout: float) -> bool:
        """Wait for the thread; return whether it ended within `timeout` seconds."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        delay = _SHORTEST
        try:
            self._note_restart()
            while not self._quit.is_set():
                began = self._clock.elapsed()
                try:
                    if not self._wait_for_schedule():
                        break
                    self._record()
                except SourceError as err:
                    self._gap(GapCause(err.cause))
                    self._set_status(CaptureStatus.NO_STREAM, err)
                except StorageError as err:
                    self._storage_trouble(err)
                except StewardError as err:
                    self._gap(GapCause.UNKNOWN)
                    self._set_status(CaptureStatus.NO_STREAM, err)
                except Exception as err:
                    # A mistake of ours must not end the recording unseen: told, and tried again.
                    self._gap(GapCause.UNKNOWN)
                    self._set_status(CaptureStatus.NO_STREAM, UnexpectedError(type(err).__name__))
                if self._clock.elapsed() - began > _STEADY:
                    delay = _SHORTEST
                if self._quit.wait(delay * random.uniform(0.8, 1.2)):  # noqa: S311
                    break
                delay = min(delay * 2, _LONGEST)
        finally:
            try:
                self._gap(self._stop_cause)
            finally:
                self._set_status(CaptureStatus.STOPPED)

    def _note_restart(self) -> None:
        """Begin a gap where the footage of the run before ended."""
        footage = self._vault.index.footage(self.camera)
        if footage.newest_at is not None and self._plan.schedule is None:
            self._open_gap(min(footage.newest_at, self._clock.now()), GapCause.RESTART)

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
        if self._status is not CaptureStatus.NO_STREAM:
            self._set_status(CaptureStatus.CONNECTING)
        recover_camera(self._vault, self.camera)
        source = self._plan.source.open()
        try:
            self._receive(source)
        finally:
            self._recorder = None
            source.close()

    def _receive(self, source: OpenSource) -> None:
        recorder = Recorder(
            self.camera, source, self._vault, self._clock, self._plan.settings, self._stored
        )
        self._recorder = recorder
        schedule = self._plan.schedule
        video = source.tracks[0]
        sound = source.tracks[1].codec if len(source.tracks) > 1 else None
        quitting = self._quit.is_set
        announced = False
        try:
            for packet in source.packets():
                if packet is not None:
                    recorder.feed(packet)
                if packet is not None and packet.keyframe and packet.track == video.index:
                    self._on_keyframe(recorder)
                    if not announced:
                        announced = True
                        self._emit(
                            StreamFound(
                                camera=self.camera,
                                codec=video.codec,
                                width=video.width,
                                height=video.height,
                                audio=sound,
                            )
                        )
                    if schedule is not None and not schedule.active(self._clock.now()):
                        break
                if quitting():
                    break
        except StorageError:
            recorder.abandon()
            raise
        except BaseException:
            self._close(recorder)
            raise
        self._close(recorder)

    def _close(self, recorder: Recorder) -> None:
        try:
            recorder.close()
        except StorageError:
            recorder.abandon()
            raise
        finally:
            self._last_ended_at = recorder.ended_at

    def _on_keyframe(self, recorder: Recorder) -> None:
        if self._gap_open:
            self._gap_open = False
            gap = self._vault.index.close_gap(self.camera, self._clock.now())
            if gap is not None:
                self._emit(GapEnded(gap=gap))
        if self._storage_error is not None and recorder.writing:
            self._storage_error = None
            self._emit(StorageTrouble(camera=self.camera, error=None))
        waiting = self._plan.settings.on_trigger and not recorder.writing
        self._set_status(CaptureStatus.WAITING if waiting else CaptureStatus.RECORDING)

    def _stored(self, stamp_at: datetime, sealed: Sealed) -> None:
        self._emit(
            SegmentStored(
                camera=self.camera,
                start_at=stamp_at,
                length=sealed.length,
                size_bytes=sealed.size_bytes,
            )
        )

    def _storage_trouble(self, err: StorageError) -> None:
        if self._storage_error != err.key:
            self._storage_error = err.key
            self._emit(StorageTrouble(camera=self.camera, error=err))
        self._gap(GapCause.STORAGE)
        self._set_status(CaptureStatus.NO_STREAM)
        if isinstance(err, StorageFullError):
            self._make_room()

    def _gap(self, cause: GapCause) -> None:
        ended, self._last_ended_at = self._last_ended_at, None
        self._open_gap(ended or self._clock.now(), cause)

    def _open_gap(self, at: datetime, cause: GapCause) -> None:
        if self._gap_open:
            return
        begun = self._vault.index.open_gap(self.camera, at, cause)
        self._gap_open = True
        if begun:
            self._emit(GapStarted(camera=self.camera, at=at, cause=cause))

    def _set_status(self, status: CaptureStatus, error: StewardError | None = None) -> None:
        if status is not self._status:
            self._status = status
            self._emit(StatusChanged(camera=self.camera, status=status, error=error))
