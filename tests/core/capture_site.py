"""A vault with recorders at work: real files and index, real or scripted cameras."""

import gc
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import override
from uuid import UUID

import av

from custom_components.camera_steward.core.capture.recorder import RecorderSettings
from custom_components.camera_steward.core.capture.schedule import Schedule
from custom_components.camera_steward.core.capture.source import (
    Address,
    OpenSource,
    Packet,
    Source,
)
from custom_components.camera_steward.core.capture.stream import StreamSource
from custom_components.camera_steward.core.capture.worker import (
    CameraPlan,
    CaptureEvent,
    CaptureWorker,
    GapEnded,
    GapStarted,
    StatusChanged,
)
from custom_components.camera_steward.core.clock import Clock, SystemClock
from custom_components.camera_steward.core.database import Database
from custom_components.camera_steward.core.errors import (
    SourceEndedError,
    SourceError,
    StorageFullError,
)
from custom_components.camera_steward.core.files import Files, LocalFiles, WritableFile
from custom_components.camera_steward.core.media.boxes import fragments
from custom_components.camera_steward.core.media.fragments import Header, Track
from custom_components.camera_steward.core.model import (
    CaptureStatus,
    Gap,
    GapCause,
    Segment,
    SegmentState,
)
from custom_components.camera_steward.core.vault.index import METADATA, Index
from custom_components.camera_steward.core.vault.vault import Vault, create_identity
from custom_components.camera_steward.core.vault.verify import VerifyLevel, verify
from tests.cameras import Clip, units, wait_for
from tests.cameras.yardstick import split_prefixed

START = datetime(2026, 11, 22, 3, 4, 5, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
FAR_OFF = datetime(2200, 1, 1, tzinfo=UTC)
_VAULT = UUID(int=7)


class ScriptedClock:
    """A clock that stands until it is told to go on."""

    def __init__(self) -> None:
        self.wall = START
        self.up = timedelta(hours=1)

    def now(self) -> datetime:
        return self.wall

    def elapsed(self) -> timedelta:
        return self.up

    def synchronised(self) -> bool | None:
        return None

    def advance(self, by: timedelta) -> None:
        """Let time pass."""
        self.wall += by
        self.up += by


@dataclass
class CaptureSite:
    """One vault; `workers` record into it."""

    root: Path
    clock: Clock = field(default_factory=SystemClock)
    files: Files = field(default_factory=LocalFiles)
    events: list[CaptureEvent] = field(default_factory=list)
    workers: list[CaptureWorker] = field(default_factory=list)

    def __post_init__(self) -> None:
        create_identity(self.root / "vault", LocalFiles(), _VAULT, self.clock.now())
        self.database = Database(self.root / "index.db", METADATA)
        self.index = Index(self.database)
        self.vault = Vault(
            self.root / "vault", self.files, self.clock, _VAULT, bytes(32), self.index
        )

    def worker(
        self,
        source: Source,
        camera: str = "door",
        settings: RecorderSettings | None = None,
        schedule: Schedule | None = None,
        make_room: Callable[[], bool] = lambda: False,
    ) -> CaptureWorker:
        """Prepare a camera's recorder."""
        plan = CameraPlan(
            camera=camera,
            source=source,
            settings=settings or RecorderSettings(segment_length=3 * SECOND),
            schedule=schedule,
        )
        made = CaptureWorker(plan, self.vault, self.clock, self.events.append, make_room)
        self.workers.append(made)
        return made

    def start(
        self,
        source: Source,
        camera: str = "door",
        settings: RecorderSettings | None = None,
        schedule: Schedule | None = None,
        make_room: Callable[[], bool] = lambda: False,
    ) -> CaptureWorker:
        """Start a camera's recorder."""
        made = self.worker(source, camera, settings, schedule, make_room)
        made.start()
        return made

    def stop(self, cause: GapCause = GapCause.RESTART) -> None:
        """Stop all recorders."""
        for each in self.workers:
            each.request_stop(cause)
        for each in self.workers:
            assert each.join(60)
        self.workers.clear()

    def close(self) -> None:
        """End all that runs."""
        self.stop()
        self.database.close()

    # Looking

    def segments(self, camera: str = "door") -> list[Segment]:
        """Return a camera's segments, oldest first."""
        return self.index.segments(camera, LONG_AGO, FAR_OFF, overlap=timedelta(days=400))

    def sealed(self, camera: str = "door") -> list[Segment]:
        """Return those that are closed."""
        return [each for each in self.segments(camera) if each.state is not SegmentState.OPEN]

    def gaps(self, camera: str = "door") -> list[Gap]:
        """Return a camera's gaps."""
        return self.index.gaps(camera, LONG_AGO, FAR_OFF)

    def lasting(self, camera: str = "door") -> GapCause | None:
        """Return the cause of the gap that lasts."""
        return next((gap.cause for gap in self.gaps(camera) if gap.end_at is None), None)

    def media(self, segment: Segment) -> bytes:
        """Return a segment's media, decrypted."""
        reader = self.vault.open_segment(segment)
        try:
            return reader.read(0, reader.media_bytes)
        finally:
            reader.close()

    def units(self, camera: str = "door") -> list[bytes]:
        """Return the video units of all that is kept of a camera, by another's reader."""
        return [unit for each in self.sealed(camera) for unit in units(self.media(each))]

    def of[E](self, kind: type[E], camera: str = "door") -> list[E]:
        """Return the events of a kind."""
        found = [each for each in list(self.events) if isinstance(each, kind)]
        return [
            each
            for each in found
            if (each.gap.camera if isinstance(each, GapEnded) else getattr(each, "camera", camera))
            == camera
        ]

    def statuses(self, camera: str = "door") -> list[CaptureStatus]:
        """Return what a camera's recorder said it does."""
        return [each.status for each in self.of(StatusChanged, camera)]

    def causes(self, camera: str = "door") -> list[GapCause]:
        """Return the causes of the gaps that began."""
        return [each.cause for each in self.of(GapStarted, camera)]

    def wait_for_status(self, status: CaptureStatus, camera: str = "door") -> None:
        """Wait until a recorder does this."""
        wait_for(lambda: self.statuses(camera)[-1:] == [status])

    def check(self, camera: str = "door") -> None:
        """Check that all that is kept of a camera is whole."""
        assert not list(verify(self.vault, self.segments(camera), VerifyLevel.DIGEST))


@contextmanager
def a_site(clock: Clock | None = None, files: Files | None = None) -> Iterator[CaptureSite]:
    """Make a site in a directory of its own, in memory where the system has such a place."""
    memory = Path("/dev/shm")
    with TemporaryDirectory(dir=memory if memory.is_dir() else None) as root:
        site = CaptureSite(Path(root), clock or SystemClock(), files or LocalFiles())
        try:
            yield site
        finally:
            site.close()


def stream(url: str, *, audio: bool = False) -> StreamSource:
    """Return a camera's stream."""
    return StreamSource(lambda: Address(url=url), audio=audio)


# Media as another reads it


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What a player makes of a segment: pictures, their size, and how long they take."""

    pictures: int
    sizes: set[tuple[int, int]]
    seconds: float
    shown: list[float]


def watch(media: bytes) -> Watched:
    """Decode a segment's pictures."""
    with av.open(BytesIO(media), "r") as container:
        video = container.streams.video[0]
        base = float(video.time_base)
        seconds = 0.0
        pictures = 0
        sizes, shown = set(), []
        for packet in container.demux(video):
            if packet.size:
                assert packet.duration is not None
                seconds += packet.duration * base
            for picture in packet.decode():
                pictures += 1
                sizes.add((picture.width, picture.height))
                assert picture.pts is not None
                shown.append(picture.pts * base)
    return Watched(pictures=pictures, sizes=sizes, seconds=seconds, shown=shown)


def picture_numbers(media: bytes) -> list[int]:
    """Return the numbers that made-up pictures carry behind their length and first byte."""
    found = []
    for each in fragments(media):
        for run in each.runs:
            at = each.offset + run.data_at
            for size in run.sizes:
                found.append(int.from_bytes(media[at + 5 : at + 13]))
                at += size
    return found


def joins(segments: Sequence[Segment]) -> list[float]:
    """Return the seconds between the end of each segment and the start of the next."""
    return [
        (after.start_at - before.end_at).total_seconds() for before, after in pairwise(segments)
    ]


# Scripted cameras


@dataclass(frozen=True, slots=True, kw_only=True)
class Footage:
    """A clip's packets as a source gives them, to be sent as a test wishes."""

    tracks: tuple[Track, ...]
    header: Header
    packets: tuple[Packet, ...]

    @classmethod
    def of(cls, clip: Clip, *, audio: bool = False) -> Footage:
        """Read a clip's file through the source that reads cameras."""
        opened = StreamSource(lambda: Address(url=str(clip.path())), audio=audio).open()
        try:
            found: list[Packet] = []
            with suppress(SourceEndedError):
                for each in opened.packets():
                    if each is not None:
                        found.append(each)  # noqa: PERF401 - it ends by raising
            first = next(each for each in found if each.track == opened.tracks[0].index)
            return cls(
                tracks=opened.tracks,
                header=opened.header_for(first.payload),
                packets=tuple(found),
            )
        finally:
            opened.close()


type Step = tuple[timedelta, Packet | SourceError | Callable[[], None] | None]
"""Time that passes, then what happens: a packet, nothing, an error, or something of the test."""


class ScriptedSource:
    """A camera that does as it is told: each script is one connection, the last one repeats."""

    def __init__(
        self,
        footage: Footage,
        clock: ScriptedClock,
        *connections: Callable[[], Iterable[Step]],
        header_for: Callable[[bytes], Header] | None = None,
    ) -> None:
        self.footage = footage
        self.clock = clock
        self.connections = connections
        self.opened = self.ended = 0
        self.header = header_for or (lambda keyframe: footage.header)

    def open(self) -> OpenSource:
        """Connect."""
        number = min(self.opened, len(self.connections) - 1)
        self.opened += 1
        return ScriptedConnection(self, self.connections[number]())


class ScriptedConnection(OpenSource):
    """One connection of a scripted camera."""

    def __init__(self, source: ScriptedSource, steps: Iterable[Step] = ()) -> None:
        self._source = source
        self._steps = steps

    @property
    @override
    def tracks(self) -> tuple[Track, ...]:
        return self._source.footage.tracks

    @override
    def header_for(self, keyframe: bytes) -> Header:
        return self._source.header(keyframe)

    @override
    def packets(self) -> Iterator[Packet | None]:
        for passed, step in self._steps:
            self._source.clock.advance(passed)
            if isinstance(step, SourceError):
                self._source.ended += 1
                raise type(step)
            if step is None or isinstance(step, Packet):
                yield step
            else:
                step()
                yield None
        self._source.ended += 1
        raise SourceEndedError

    @override
    def close(self) -> None:
        """Hang up."""


def stored_units(packets: Iterable[Packet | None], footage: Footage) -> list[bytes]:
    """Return the video units of packets."""
    video = footage.tracks[0]
    return [
        unit
        for each in packets
        if each is not None and each.track == video.index
        for unit in (split_prefixed(each.payload) if video.nal else [each.payload])
    ]


class FaultyFiles(LocalFiles):
    """Real files of which one call that writes fails, when told to, and all after it."""

    def __init__(self) -> None:
        self.countdown = 0
        self.failing = False

    def arm(self, countdown: int) -> None:
        """Let the call after `countdown` others fail."""
        self.countdown = countdown + 1

    def mend(self) -> None:
        """Let all calls pass."""
        self.countdown, self.failing = 0, False

    def point(self) -> None:
        """Be a place where it may happen."""
        if self.countdown:
            self.countdown -= 1
            self.failing |= not self.countdown
        if self.failing:
            raise StorageFullError("ENOSPC")

    @override
    def create(self, path: Path) -> WritableFile:
        self.point()
        return _FaultyFile(self, super().create(path))


class _FaultyFile(WritableFile):
    def __init__(self, files: FaultyFiles, file: WritableFile) -> None:
        self._files = files
        self._file = file

    @override
    def append(self, data: bytes) -> None:
        try:
            self._files.point()
        except StorageFullError:
            self._file.append(data[: len(data) // 2])  # as much as there was room for
            raise
        self._file.append(data)

    @override
    def sync(self) -> None:
        self._files.point()
        self._file.sync()

    @override
    def close(self) -> None:
        self._file.close()


class Alive:
    """Tells which payloads are still held by anything: bytes themselves cannot be watched."""

    def __init__(self) -> None:
        self._held: list[tuple[int, bytes]] = []

    def of(self, packets: Iterable[Packet]) -> Iterator[Packet]:
        """Pass packets on, each payload an object of its own."""
        for each in packets:
            payload = bytes(bytearray(each.payload))
            number = len(self._held)
            self._held.append((number, payload))
            yield each._replace(payload=payload)
            del payload

    def left(self) -> list[int]:
        """Return the numbers of the payloads, in order, that something else holds."""
        gc.collect()
        # The tuple holds one reference, the loop's name and the call's argument one each.
        return [number for number, payload in self._held if sys.getrefcount(payload) > _MINE]


def _references() -> int:
    """Return what `getrefcount` says of an object that only `Alive` holds."""
    held = [(0, bytes(bytearray(b"alone")))]
    [mine] = [sys.getrefcount(payload) for _, payload in held]
    return mine


_MINE = _references()
