"""One site at work: its vault, ledger, retention and recorders put together, in threads.

The Home Assistant edge and the command line both use this; it knows neither (design section 3).
"""

import contextlib
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from .books import FOLDERS_NAME, Books
from .capture.live import Live, LiveFeed
from .capture.worker import (
    CameraPlan,
    CaptureWorker,
    StatusChanged,
    StorageTrouble,
    StreamFound,
)
from .clock import Clock, SystemClock
from .copies.importing import Importer
from .copies.keeper import FolderKeeper
from .disclosure.counter import Counter
from .errors import (
    HoldMissingError,
    StewardError,
    StorageError,
)
from .files import Files, LocalFiles
from .inspection.inspector import CameraInspection, InspectionFailed, Inspector
from .ledger.entry import SYSTEM, Entry, EntryKind, Json
from .ledger.records import Records
from .ledger.registers import PurgeRecord, removed_cameras
from .model import CaptureStatus, Footage, Gap, GapCause, Segment
from .retention.copier import Copier
from .retention.hold import HoldsDue
from .retention.holds import Holds
from .retention.limits import SiteLimits
from .retention.removals import Removals
from .retention.statement import Statement
from .site import (
    CameraSettings,
    CameraSnapshot,
    Failed,
    PurgeDone,
    SiteSettings,
    SiteSnapshot,
    StewardEvent,
    VerifyReport,
)
from .tasks.book import TaskBook
from .tasks.photos import Photos
from .upkeep import Upkeep
from .vault.verify import Damage, VerifyLevel, verify
from .viewing.desk import House
from .viewing.lobby import Lobby

_FOOTAGE_EVERY = timedelta(seconds=60)


@dataclass(slots=True, kw_only=True)
class _CameraState:
    settings: CameraSettings
    status: CaptureStatus = CaptureStatus.STOPPED
    since: datetime
    error_key: str | None = None
    codec: str | None = None
    width: int = 0
    height: int = 0
    recording: bool = True
    worker: CaptureWorker | None = None
    footage: tuple[timedelta, Footage] | None = None


class Steward:
    """A site while it runs. Every method is blocking and may be called from any thread.

    `on_event` is called in the steward's own threads and must return at once.
    """

    def __init__(
        self,
        settings: SiteSettings,
        cameras: Sequence[CameraSettings],
        *,
        clock: Clock | None = None,
        files: Files | None = None,
        on_event: Callable[[StewardEvent], None] = lambda event: None,
    ) -> None:
        """Prepare; `start` opens and begins."""
        self._settings = settings
        self._clock = clock or SystemClock()
        self._files = files or LocalFiles()
        self._on_event = on_event
        now = self._clock.now()
        self._cameras = {
            each.camera: _CameraState(settings=each, since=now, recording=each.recording)
            for each in cameras
        }
        self._lock = threading.RLock()
        self._quit = threading.Event()
        self._copier: Copier | None = None
        self._opened: Upkeep | None = None
        self._folders: FolderKeeper | None = None
        self._house = House()
        self._lobby: Lobby | None = None
        self._counter: Counter | None = None
        self._tasks: TaskBook | None = None
        self._inspector: Inspector | None = None
        self._storage_error: str | None = None

    # Life

    def start(self) -> None:
        """Open, recover, purge, and only then record (INV-1).

        Raises `VaultMissingError`, `VaultForeignError` or another `StorageError` when the vault
        cannot be used; nothing is running then.
        """
        books = Books(self._settings, self._clock, self._files, self._limits, self._emit)
        upkeep = self._opened = Upkeep(
            books,
            self._settings,
            quitting=self._quit,
            names=lambda: {k: each.settings.name for k, each in self._cameras.items()},
            sweep=self._sweep,
            on_event=self._emit,
        )
        try:
            upkeep.begin()
        except StorageError:
            self._opened = None
            books.close()
            raise
        except StewardError as err:
            self._emit(Failed(error=err))
        going: set[str] = set()
        try:
            # Whatever the settings say, as where a crash kept them from being changed.
            going = books.removals.going(self._cameras)
            books.removals.resume()
        except StewardError as err:
            self._emit(Failed(error=err))
        self._folders = FolderKeeper(
            self._settings.folders,
            state=self._settings.state / FOLDERS_NAME,
            ceiling=self._settings.ceiling,
            ledger=books.ledger,
            guard=books.guard,
            importer=Importer(
                vault=books.vault,
                keeper=books.keeper,
                ledger=books.ledger,
                guard=books.guard,
                reserve=self._settings.reserve_of,
            ),
            on_event=self._emit,
        )
        with self._lock:
            for camera, state in self._cameras.items():
                state.recording &= camera not in going
                if state.recording:
                    self._start_worker(state)
        # What is to be copied already the keeper begins with.
        self._copier = Copier(
            books.holds, self._quit.is_set, lambda error: self._emit(Failed(error=error))
        )
        books.holds.listen(self._copier.start)
        upkeep.start()
        self._inspect(books)
        with contextlib.suppress(StewardError):
            self.counter()  # so that what a crash broke off is entered

    def manage_folders(self) -> None:
        """Begin to look at the managed folders, once the ledger says that they are managed."""
        if self._folders is not None:
            self._folders.start()

    def request_stop(self) -> None:
        """Ask all threads to end; returns at once."""
        self._quit.set()
        if self._opened is not None:
            self._opened.wake()
        if self._folders is not None:
            self._folders.request_stop()
        if self._inspector is not None:
            self._inspector.request_stop()
        for state in self._cameras.values():
            if state.worker is not None:
                state.worker.request_stop()

    def stop(self, timeout: float = 10) -> bool:
        """End all threads and close the books; False when a thread is still running after all."""
        self.request_stop()
        deadline = self._clock.elapsed() + timedelta(seconds=timeout)

        def left() -> float:
            return max((deadline - self._clock.elapsed()).total_seconds(), 0)

        # First of all, so that nobody takes more of a package meanwhile.
        if (counter := self._counter) is not None:
            counter.stop()
        ended = True
        for state in self._cameras.values():
            if state.worker is not None:
                ended &= state.worker.join(left())
        upkeep = self._opened
        if upkeep is not None:
            ended &= upkeep.join(left())
        if self._copier is not None:
            ended &= self._copier.join(left())
        if self._folders is not None:
            ended &= self._folders.join(left())
        if self._inspector is not None:
            ended &= self._inspector.join(left())
        if ended and upkeep is not None:
            books = upkeep.books
            self._counter = self._tasks = None
            lobby, self._lobby = self._lobby, None
            with contextlib.suppress(StewardError):
                if lobby is not None:
                    lobby.watches.close_all()
                # So that what happens to the ledger while nobody runs it is found.
                books.keep_checkpoint(books.ledger.attest())
            self._opened = None
            books.close()
        return ended

    # What people and automations do

    def set_recording(
        self, camera: str, on: bool, *, actor: str, data: Mapping[str, Json] | None = None
    ) -> None:
        """Switch a camera's recording; the ledger says who did, and in `data` why.

        `RemovalOpenError` where a camera that is being removed is to record.
        """
        books = self._books()
        if on:
            books.removals.check_recording(camera)
        with self._lock:
            state = self._cameras[camera]
            if state.recording == on:
                return
            kind = EntryKind.RECORDING_STARTED if on else EntryKind.RECORDING_STOPPED
            books.ledger.append(kind, actor=actor, subject=camera, data=data)
            state.recording = on
            worker = state.worker
            if not on and worker is not None:
                worker.request_stop(GapCause.SWITCHED_OFF)
        # A thread that still ends is waited for outside the lock: it tells its last events.
        if worker is not None and worker.alive:
            worker.join(15)
        if on:
            with self._lock:
                self._start_worker(state)

    def trigger(self, camera: str) -> None:
        """Keep what a camera that records on a trigger sees around now."""
        worker = self._cameras[camera].worker
        if worker is not None:
            worker.trigger()

    def watch(self, camera: str, on_news: Callable[[], None] = lambda: None) -> LiveFeed:
        """Show what a camera's recorder receives to somebody who was allowed to watch (INV-4).

        Until `LiveFeed.close`; it ends by itself, and stays so, when recording is switched off or
        the steward stops. Already closed where recording is off, and of a camera that was removed.
        `on_news` as for `Live.join`.
        """
        state = self._cameras.get(camera)
        if state is not None and state.worker is not None:
            return state.worker.watch(on_news)
        off = Live(self._clock)
        off.close()
        return off.join(on_news)

    def purge(self, *, actor: str) -> list[PurgeRecord]:
        """Erase now what has reached its limit; return what was entered in the ledger.

        Of managed folders it follows soon, in their own thread.
        """
        if self._folders is not None:
            self._folders.look_now()
        return list(self._upkeep().run(actor, close=True).records)

    def accept_clock(self, *, actor: str) -> None:
        """Believe the wall clock on a person's word."""
        upkeep = self._upkeep()
        upkeep.books.keeper.accept_clock(actor)
        upkeep.wake()

    def make_statement(self, *, actor: str = SYSTEM) -> Statement:
        """Walk the disk, enter what was met, and attest to the ledger."""
        return self._upkeep().make_statement(actor)

    def verify(
        self,
        level: VerifyLevel,
        start: datetime,
        end: datetime,
        camera: str | None = None,
    ) -> VerifyReport:
        """Check the segments that reach into [start, end), copies of holds as well, and the ledger."""
        upkeep = self._upkeep()
        books = upkeep.books
        cameras = [camera] if camera is not None else books.index.cameras()
        checked = 0
        damages: list[Damage] = []
        for each in cameras:
            segments = books.index.segments(each, start, end)
            checked += len(segments)
            damages += verify(books.vault, segments, level)
        for hold in books.holds.all():
            with contextlib.suppress(HoldMissingError):
                copies = books.holds.segments(hold.id, camera, (start, end))
                damages += books.holds.verify(hold.id, level, copies)
                checked += len(copies)
        return VerifyReport(checked=checked, damages=tuple(damages), ledger=upkeep.check_ledger())

    def footage(
        self, camera: str, start: datetime, end: datetime
    ) -> tuple[list[Segment], list[Gap]]:
        """Return a camera's segments and gaps that reach into [start, end)."""
        index = self._books().index
        return index.segments(camera, start, end), index.gaps(camera, start, end)

    def remember(
        self,
        kind: EntryKind,
        *,
        actor: str,
        subject: str = "",
        data: Mapping[str, Json],
        at: datetime | None = None,
        key: str | None = None,
    ) -> Entry:
        """Enter in the ledger what happened at the edge, with a `key` once; return the entry."""
        ledger = self._books().ledger
        return ledger.append(kind, actor=actor, subject=subject, data=data, at=at, key=key)

    def entries(self, kinds: Collection[EntryKind]) -> list[Entry]:
        """Return the ledger's entries of these kinds, in order of time."""
        return list(self._books().ledger.entries(kinds))

    def last(self, kind: EntryKind) -> Entry | None:
        """Return the ledger's last entry of a kind, None when there is none."""
        found = None
        for entry in self._books().ledger.entries((kind,)):
            found = entry
        return found

    def records(self) -> Records:
        """Return the books of inquiries, contractors, media and removals."""
        return self._books().records

    def removals(self) -> Removals:
        """Return the removals of cameras, and of the site."""
        return self._books().removals

    def removed_cameras(self) -> dict[str, str]:
        """Return what the cameras that were removed were called, by id."""
        return removed_cameras(self._books().ledger)

    def furnish(self, house: House) -> None:
        """Take who is appointed now; it holds for what is being watched as well."""
        with self._lock:
            self._house = house
            if self._lobby is not None:
                self._lobby.desk.furnish(house)

    def inspector(self) -> Inspector:
        """Return what looks at the pictures; `StorageError` where that could not begin."""
        if self._inspector is None:
            raise StorageError("no inspection")
        return self._inspector

    def holds(self) -> Holds:
        """Return what is held; what is placed with it is copied in a thread of the steward."""
        return self._books().holds

    def lobby(self) -> Lobby:
        """Return where people are let in to footage.

        `LedgerBrokenError` where the ledger does not say who is: then nobody is let in.
        """
        books = self._books()
        with self._lock:
            if self._lobby is None:
                lobby = books.lobby(self._on_event, self.watch)
                lobby.desk.furnish(self._house)
                self._lobby = lobby
            return self._lobby

    def counter(self) -> Counter:
        """Return where people hold and hand over; `LedgerBrokenError` as for `lobby`."""
        books, lobby = self._books(), self.lobby()
        with self._lock:
            if self._counter is None:
                self._counter = books.counter(lobby, self._settings)
            return self._counter

    def photos(self) -> Photos:
        """Return the photos that people handed in as evidence."""
        return self._books().photos

    def name_photos(self, photos: frozenset[str]) -> None:
        """Take which photos settings name now: they are kept as long as they are named."""
        self._books().named_photos = photos

    def tasks(self) -> TaskBook:
        """Return what was done, and where it is entered."""
        books = self._books()
        with self._lock:
            if self._tasks is None:
                self._tasks = TaskBook(books.ledger, lambda: self.lobby().desk)
            return self._tasks

    def snapshot(self) -> SiteSnapshot:
        """Return how everything stands: some look-ups in the index, no walk of the disk."""
        upkeep = self._upkeep()
        books = upkeep.books
        overdue: dict[str, int] = {}
        for each in books.keeper.overdue():
            overdue[each.camera] = overdue.get(each.camera, 0) + 1
        space, missing = None, None
        try:
            books.vault.check()
            space = books.vault.space()
        except StorageError as err:
            missing = err.key
        # Outside the lock, which recorders need to tell their events: a turn may last ten seconds.
        next_at = upkeep.next_due()
        inspected = self._inspector.standing() if self._inspector is not None else {}
        with self._lock:
            return SiteSnapshot(
                cameras={
                    camera: CameraSnapshot(
                        status=state.status,
                        since=state.since,
                        error_key=state.error_key,
                        codec=state.codec,
                        width=state.width,
                        height=state.height,
                        recording=state.recording,
                        footage=self._footage_of(books, camera, state),
                        overdue=overdue.get(camera, 0),
                        inspection=inspected.get(camera, CameraInspection()),
                    )
                    for camera, state in self._cameras.items()
                },
                space=space,
                next_purge_at=next_at,
                last_statement_at=upkeep.statement_at,
                last_statement=upkeep.statement,
                clock=books.guard.report.state,
                storage_error_key=missing or self._storage_error,
                ledger_broken=upkeep.ledger_broken,
                past_limit=sum(overdue.values()),
                holds=(holds := books.holds.all()),
                holds_due=HoldsDue.of(holds, books.guard.now()),
                folders=self._folders.snapshots() if self._folders is not None else {},
            )

    # Inside

    def _upkeep(self) -> Upkeep:
        upkeep = self._opened
        if upkeep is None:
            raise StorageError("not started")
        return upkeep

    def _books(self) -> Books:
        return self._upkeep().books

    def _limits(self) -> SiteLimits:
        return SiteLimits(
            ceiling=self._settings.ceiling,
            default=self._settings.limit,
            cameras={camera: state.settings.limit for camera, state in self._cameras.items()},
        )

    def _footage_of(self, books: Books, camera: str, state: _CameraState) -> Footage:
        """Count a camera's footage at most each minute; its oldest frame is always looked up."""
        now = self._clock.elapsed()
        if state.footage is None or now - state.footage[0] >= _FOOTAGE_EVERY:
            state.footage = (now, books.index.footage(camera))
        return replace(state.footage[1], oldest_at=books.index.oldest_start(camera))

    def _start_worker(self, state: _CameraState) -> None:
        upkeep = self._upkeep()
        if self._quit.is_set() or (state.worker is not None and state.worker.alive):
            return
        settings = state.settings
        state.worker = CaptureWorker(
            CameraPlan(
                camera=settings.camera,
                source=settings.source,
                settings=settings.recorder,
                schedule=settings.schedule,
            ),
            upkeep.books.vault,
            upkeep.books.guard,
            self._emit,
            upkeep.make_room,
        )
        state.worker.start()

    def _emit(self, event: StewardEvent) -> None:
        with self._lock:
            match event:
                case StatusChanged(camera=camera, status=status, error=error):
                    state = self._cameras[camera]
                    state.status, state.since = status, self._clock.now()
                    state.error_key = error.key if error is not None else None
                case StreamFound(camera=camera):
                    state = self._cameras[camera]
                    state.codec, state.width, state.height = event.codec, event.width, event.height
                case StorageTrouble(error=error):
                    self._storage_error = error.key if error is not None else None
                case PurgeDone():
                    for state in self._cameras.values():
                        state.footage = None
                case _:
                    pass
        self._on_event(event)

    def _sweep(self) -> None:
        """Let go of who left, and copy what waits."""
        if self._lobby is not None:
            self._lobby.watches.sweep()
        if self._copier is not None:
            self._copier.start()
        if self._counter is not None:
            self._counter.sweep()

    def _inspect(self, books: Books) -> None:
        """Begin to look at the pictures; recording goes on where that cannot be."""
        with self._lock:
            cameras = tuple(self._cameras)

        def recording(camera: str) -> bool:
            return self._cameras[camera].status is CaptureStatus.RECORDING

        def clock_offset(camera: str) -> timedelta | None:
            worker = self._cameras[camera].worker
            return worker.clock_offset if worker is not None else None

        try:
            self._inspector = books.inspector(
                cameras,
                recording=recording,
                clock_offset=clock_offset,
                watch=self.watch,
                on_event=self._emit,
            )
        except StewardError as err:
            self._emit(InspectionFailed(camera=None, error=err))
        else:
            self._inspector.start()
