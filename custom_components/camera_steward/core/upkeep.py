"""What a site does by itself while it runs: erase on time, keep space free, attest daily."""

import contextlib
import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from .books import Books, kept_checkpoints
from .errors import (
    HoldFailedError,
    LedgerBrokenError,
    RetentionError,
    StewardError,
    StoppedError,
    UnexpectedError,
)
from .ledger.entry import SYSTEM, EntryKind
from .ledger.verify import Verification
from .retention.guard import ClockState
from .retention.keeper import RunResult
from .retention.plan import next_due
from .retention.statement import Statement
from .site import (
    ClockChanged,
    Evicted,
    Failed,
    LedgerBroken,
    PurgeDone,
    SiteSettings,
    StatementMade,
    StewardEvent,
)

_STATEMENT_EVERY = timedelta(days=1)
_GAPS_KEPT = timedelta(days=3 * 366)
_TROUBLED = timedelta(seconds=20)
_MEBIBYTE = 1024 * 1024


class Upkeep:
    """The books of a site, and the thread that keeps its limits. Methods may be called from any.

    `names` gives what the cameras that are set up are called, by id; `sweep` is called on each
    round, at least once a minute; `quitting` is set by who ends all threads.
    """

    def __init__(
        self,
        books: Books,
        settings: SiteSettings,
        *,
        quitting: threading.Event,
        names: Callable[[], Mapping[str, str]],
        sweep: Callable[[], None],
        on_event: Callable[[StewardEvent], None],
    ) -> None:
        """Prepare; `begin` purges and `start` begins the thread."""
        self.books = books
        self._settings = settings
        self._quit = quitting
        self._names = names
        self._sweep = sweep
        self._emit = on_event
        self._wake = threading.Event()
        self._thread = threading.Thread(
            target=self._keep, name="camera-steward-keeper", daemon=True
        )
        self._next_at: datetime | None = None
        self._clock_state = ClockState.TRUSTED
        self.statement: Statement | None = None
        self.statement_at: datetime | None = None
        self.ledger_broken = books.ledger_restarted

    def begin(self) -> None:
        """Purge, before anything records (INV-1); `StorageError` where the vault cannot be used."""
        last = None
        for entry in self.books.ledger.entries((EntryKind.STATEMENT,)):
            last = entry.at
        self.statement_at = last
        self.run(SYSTEM, close=True)

    def start(self) -> None:
        """Begin the thread."""
        self._thread.start()

    def wake(self) -> None:
        """Make the thread go round once more now, or end where that was asked for."""
        self._wake.set()

    def join(self, timeout: float) -> bool:
        """Wait for the thread; return whether it is not running."""
        if self._thread.ident is not None:
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def run(self, actor: str, *, close: bool = False) -> RunResult:
        """Erase what has reached its limit, and the oldest where space is short."""
        try:
            result = self.books.keeper.run(actor, close=close)
        except HoldFailedError:
            self._keep_space()  # all else was done
            raise
        self._next_at = result.next_at
        if result.records:
            self._emit(PurgeDone(records=result.records))
        state = self.books.guard.report.state
        if state is not self._clock_state:
            self._clock_state = state
            self._emit(ClockChanged(state=state))
        self._keep_space()
        return result

    def make_statement(self, actor: str) -> Statement:
        """Walk the disk, enter what was met, and attest to the ledger."""
        books = self.books
        statement = books.keeper.state(actor, stopping=self._quit.is_set)
        self.statement, self.statement_at = statement, statement.record.walked_to
        books.keep_checkpoint(books.ledger.checkpoint())
        self.check_ledger()
        self._emit(StatementMade(statement=statement))
        return statement

    def check_ledger(self) -> Verification:
        """Check all of the ledger, and remember what came of it."""
        found = self.books.verify_ledger()
        self.ledger_broken = bool(found.broken)
        if found.broken:
            self._emit(LedgerBroken())
        return found

    def make_room(self) -> bool:
        """Free some bytes for a recorder whose write found the storage full."""
        total = self.books.vault.space().total_bytes
        with contextlib.suppress(StewardError):
            return self._evict(min(64 * _MEBIBYTE, total // 10)) > 0
        return False

    def next_due(self) -> datetime | None:
        """Return when the next segment reaches its limit; the thread looks each minute anyway."""
        index = self.books.index
        starts = {each: index.oldest_start(each) for each in index.cameras()}
        try:
            limits = self.books.keeper.limits()
        except RetentionError:
            return self._next_at
        return next_due({k: at for k, at in starts.items() if at is not None}, limits)

    def _keep(self) -> None:
        """Run retention when the next segment is due, at least each minute; walk the disk daily."""
        books = self.books
        while not self._quit.is_set():
            try:
                try:
                    self.run(SYSTEM)
                    books.removals.resume()
                except HoldFailedError as err:
                    # What one hold lacks does not keep the statement from being made.
                    self._troubled(err)
                finally:
                    # Also while the storage fails: a live view that was left still holds its camera.
                    self._sweep()
                if self._statement_due():
                    self.make_statement(SYSTEM)
                    books.tidy_photos()
                    books.index.forget_gaps(books.guard.now() - _GAPS_KEPT)
            except StoppedError:
                break
            except LedgerBrokenError as err:
                self.ledger_broken = True
                self._emit(LedgerBroken())
                self._resume_ledger(err)
            except StewardError as err:
                self._troubled(err)
            except Exception as err:
                # A mistake of ours must not end retention unseen: told, and tried again.
                self._troubled(UnexpectedError(type(err).__name__))
            wait = _TROUBLED
            if self._next_at is not None:
                wait = min(self._next_at - books.guard.now(), timedelta(minutes=1))
            self._wake.wait(max(wait.total_seconds(), 0.05))
            self._wake.clear()

    def _resume_ledger(self, broken: LedgerBrokenError) -> None:
        """Go on behind a break, which stays on record, rather than keep records out (INV-2)."""
        books = self.books
        try:
            books.ledger.resume(kept_checkpoints(books.vault.root, books.vault.files))
        except StewardError:
            self._troubled(broken)
        else:
            self._next_at = books.guard.now() + timedelta(seconds=1)

    def _troubled(self, err: StewardError) -> None:
        self._next_at = self.books.guard.now() + _TROUBLED
        self._emit(Failed(error=err))

    def _keep_space(self) -> None:
        """Erase the oldest where less than the reserve is free; and let the vault say whose it is."""
        vault = self.books.vault
        vault.check()
        self._describe()
        space = vault.space()
        reserve = self._settings.reserve_of(space)
        if space.free_bytes < reserve:
            self._evict(reserve - space.free_bytes + reserve // 4)

    def _describe(self) -> None:
        """Let the vault say whose it is; a disk that is full keeps nothing else from being done."""
        try:
            self.books.describe(self._names())
        except StewardError as err:
            self._emit(Failed(error=err))

    def _evict(self, needed_bytes: int) -> int:
        freed = self.books.keeper.make_room(needed_bytes)
        if freed:
            self._emit(Evicted(size_bytes=freed))
        return freed

    def _statement_due(self) -> bool:
        last = self.statement_at
        return last is None or self.books.guard.now() - last >= _STATEMENT_EVERY
