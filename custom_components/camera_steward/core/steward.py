"""One site at work: its vault, ledger, retention and recorders put together, in threads.

The Home Assistant edge and the command line both use this; it knows neither (design section 3).
"""

import contextlib
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from .books import FOLDERS_NAME, Books, kept_checkpoints
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
    HoldFailedError,
    HoldMissingError,
    LedgerBrokenError,
    RetentionError,
    StewardError,
    StoppedError,
    StorageError,
    UnexpectedError,
)
from .files import Files, LocalFiles
from .inspection.inspector import CameraInspection, Inspector
from .ledger.entry import SYSTEM, Entry, EntryKind, Json
from .ledger.records import Records
from .ledger.registers import PurgeRecord, removed_cameras
from .ledger.verify import Verification
from .model import CaptureStatus, Footage, Gap, GapCause, Segment
from .retention.copier import Copier
from .retention.guard import ClockState
from .retention.hold import HoldsDue
from .retention.holds import Holds
from .retention.keeper import RunResult
from .retention.limits import SiteLimits
from .retention.plan import next_due
from .retention.removals import Removals
from .retention.statement import Statement
from .site import (
    CameraSettings,
    CameraSnapshot,
    ClockChanged,
    Evicted,
    Failed,
    LedgerBroken,
    PurgeDone,
    SiteSettings,
    SiteSnapshot,
    StatementMade,
    StewardEvent,
    VerifyReport,
)
from .tasks.book import TaskBook
from .tasks.photos import Photos
from .vault.verify import Damage, VerifyLevel, verify
from .viewing.desk import House
from .viewing.lobby import Lobby

_STATEMENT_EVERY = timedelta(days=1)
_FOOTAGE_EVERY = timedelta(seconds=60)
_GAPS_KEPT = timedelta(days=3 * 366)
_TROUBLED = timedelta(seconds=20)
_MEBIBYTE = 1024 * 1024


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
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self._copier: Copier | None = None
        self._opened: Books | None = None
        self._folders: FolderKeeper | None = None
        self._house = House()
        self._lobby: Lobby | None = None
        self._counter: Counter | None = None
        self._tasks: TaskBook | None = None
        self._inspector: Inspector | None = None
        self._next_at: datetime | None = None
        self._statement: Statement | None = None
        self._statement_at: datetime | None = None
        self._clock_state = ClockState.TRUSTED
        self._storage_error: str | None = None
        self._ledger_broken = False

    # Life

    def start(self) -> None:
        """Open, recover, purge, and only then record (INV-1).

        Raises `VaultMissingError`, `VaultForeignError` or another `StorageError` when the vault
        cannot be used; nothing is running then.
        """
        books = self._opened = Books(
            self._settings, self._clock, self._files, self._limits, self._emit
        )
        try:
            self._remember_statement(books)
            self._run(SYSTEM, close=True)
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
        self._thread = threading.Thread(
            target=self._keep, name="camera-steward-keeper", daemon=True
        )
        self._thread.start()
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
        self._wake.set()
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
        if self._thread is not None:
            self._thread.join(left())
            ended &= not self._thread.is_alive()
        if self._copier is not None:
            ended &= self._copier.join(left())
        if self._folders is not None:
            ended &= self._folders.join(left())
        if self._inspector is not None:
            ended &= self._inspector.join(left())
        books = self._opened
        if ended and books is not None:
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
        return list(self._run(actor, close=True).records)

    def accept_clock(self, *, actor: str) -> None:
        """Believe the wall clock on a person's word."""
        self._books().keeper.accept_clock(actor)
        self._wake.set()

    def make_statement(self, *, actor: str = SYSTEM) -> Statement:
        """Walk the disk, enter what was met, and attest to the ledger."""
        books = self._books()
        statement = books.keeper.state(actor, stopping=self._quit.is_set)
        self._statement, self._statement_at = statement, statement.record.walked_to
        books.keep_checkpoint(books.ledger.checkpoint())
        self._check_ledger(books)
        self._emit(StatementMade(statement=statement))
        return statement

    def verify(
        self,
        level: VerifyLevel,
        start: datetime,
        end: datetime,
        camera: str | None = None,
    ) -> VerifyReport:
        """Check the segments that reach into [start, end), copies of holds as well, and the ledger."""
        books = self._books()
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
        found = self._check_ledger(books)
        return VerifyReport(checked=checked, damages=tuple(damages), ledger=found)

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

    def tasks(self) -> TaskBook:
        """Return what was done, and where it is entered."""
        books = self._books()
        with self._lock:
            if self._tasks is None:
                self._tasks = TaskBook(books.ledger, lambda: self.lobby().desk)
            return self._tasks

    def snapshot(self) -> SiteSnapshot:
        """Return how everything stands: some look-ups in the index, no walk of the disk."""
        books = self._books()
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
        next_at = self._next_due(books)
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
                last_statement_at=self._statement_at,
                last_statement=self._statement,
                clock=books.guard.report.state,
                storage_error_key=missing or self._storage_error,
                ledger_broken=self._ledger_broken,
                past_limit=sum(overdue.values()),
                holds=(holds := books.holds.all()),
                holds_due=HoldsDue.of(holds, books.guard.now()),
                folders=self._folders.snapshots() if self._folders is not None else {},
            )

    # Inside

    def _books(self) -> Books:
        books = self._opened
        if books is None:
            raise StorageError("not started")
        return books

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

    def _next_due(self, books: Books) -> datetime | None:
        """Return when the next segment reaches its limit; the keeper looks each minute anyway."""
        starts = {each: books.index.oldest_start(each) for each in books.index.cameras()}
        try:
            limits = books.keeper.limits()
        except RetentionError:
            return self._next_at
        return next_due({k: at for k, at in starts.items() if at is not None}, limits)

    def _start_worker(self, state: _CameraState) -> None:
        books = self._books()
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
            books.vault,
            books.guard,
            self._emit,
            self._make_room,
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
                case LedgerBroken():
                    self._ledger_broken = True
                case _:
                    pass
        self._on_event(event)

    def _keep(self) -> None:
        """Run retention when the next segment is due, at least each minute; walk the disk daily."""
        while not self._quit.is_set():
            try:
                try:
                    self._run(SYSTEM)
                    self._books().removals.resume()
                except HoldFailedError as err:
                    # What one hold lacks does not keep the statement from being made.
                    self._troubled(err)
                finally:
                    # Also while the storage fails: a live view that was left still holds its camera.
                    if self._lobby is not None:
                        self._lobby.watches.sweep()
                    if self._copier is not None:
                        self._copier.start()
                    if self._counter is not None:
                        self._counter.sweep()
                if self._statement_due():
                    self.make_statement()
                    self._books().tidy_photos()
                    self._books().index.forget_gaps(self._books().guard.now() - _GAPS_KEPT)
            except StoppedError:
                break
            except LedgerBrokenError as err:
                self._emit(LedgerBroken())
                self._resume_ledger(err)
            except StewardError as err:
                self._troubled(err)
            except Exception as err:
                # A mistake of ours must not end retention unseen: told, and tried again.
                self._troubled(UnexpectedError(type(err).__name__))
            wait = _TROUBLED
            if self._next_at is not None:
                wait = min(self._next_at - self._books().guard.now(), timedelta(minutes=1))
            self._wake.wait(max(wait.total_seconds(), 0.05))
            self._wake.clear()

    def _resume_ledger(self, broken: LedgerBrokenError) -> None:
        """Go on behind a break, which stays on record, rather than keep records out (INV-2)."""
        books = self._books()
        try:
            books.ledger.resume(kept_checkpoints(self._settings.root, self._files))
        except StewardError:
            self._troubled(broken)
        else:
            self._next_at = books.guard.now() + timedelta(seconds=1)

    def _troubled(self, err: StewardError) -> None:
        self._next_at = self._books().guard.now() + _TROUBLED
        self._emit(Failed(error=err))

    def _run(self, actor: str, *, close: bool = False) -> RunResult:
        books = self._books()
        try:
            result = books.keeper.run(actor, close=close)
        except HoldFailedError:
            self._keep_space(books)  # all else was done
            raise
        self._next_at = result.next_at
        if result.records:
            self._emit(PurgeDone(records=result.records))
        state = books.guard.report.state
        if state is not self._clock_state:
            self._clock_state = state
            self._emit(ClockChanged(state=state))
        self._keep_space(books)
        return result

    def _keep_space(self, books: Books) -> None:
        """Erase the oldest where less than the reserve is free; and let the vault say whose it is."""
        books.vault.check()
        self._describe(books)
        space = books.vault.space()
        reserve = self._settings.reserve_of(space)
        if space.free_bytes < reserve:
            self._evict(books, reserve - space.free_bytes + reserve // 4)

    def _describe(self, books: Books) -> None:
        """Let the vault say whose it is; a disk that is full keeps nothing else from being done."""
        try:
            books.describe({k: each.settings.name for k, each in self._cameras.items()})
        except StewardError as err:
            self._emit(Failed(error=err))

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
                on_error=lambda error: self._emit(Failed(error=error)),
            )
        except StewardError as err:
            self._emit(Failed(error=err))
        else:
            self._inspector.start()

    def _make_room(self) -> bool:
        """Free some bytes for a recorder whose write found the storage full."""
        books = self._books()
        total = books.vault.space().total_bytes
        with contextlib.suppress(StewardError):
            return self._evict(books, min(64 * _MEBIBYTE, total // 10)) > 0
        return False

    def _evict(self, books: Books, needed_bytes: int) -> int:
        freed = books.keeper.make_room(needed_bytes)
        if freed:
            self._emit(Evicted(size_bytes=freed))
        return freed

    def _remember_statement(self, books: Books) -> None:
        last = None
        for entry in books.ledger.entries((EntryKind.STATEMENT,)):
            last = entry.at
        self._statement_at = last

    def _statement_due(self) -> bool:
        last = self._statement_at
        return last is None or self._books().guard.now() - last >= _STATEMENT_EVERY

    def _check_ledger(self, books: Books) -> Verification:
        found = books.verify_ledger()
        self._ledger_broken = False
        if found.broken:
            self._emit(LedgerBroken())
        return found
