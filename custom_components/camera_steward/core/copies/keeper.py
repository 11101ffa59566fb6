"""The keeper of the managed folders: a thread that looks at each, first at start, every ten minutes."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

from ..errors import StewardError, StoppedError, StorageError, UnexpectedError
from ..files import storage_errors
from ..ledger.entry import SYSTEM, EntryKind
from ..ledger.store import Ledger
from ..retention.guard import ClockGuard
from ..retention.limits import effective
from .folders import (
    EVERY,
    WRITING,
    FolderSettings,
    Group,
    ImportSettings,
    Listing,
    Look,
    Stuck,
)
from .importing import AT_ONCE, Importer
from .imports import ImportBook, Outcome
from .marker import check
from .seen import FirstSeen
from .tree import Tree

PAST_LIMIT = "folder_past_limit"
"""The finding that files stay past their limit because they cannot be removed."""

_SHORT = timedelta(seconds=10)
_PASSES = 3
"""Looks in a row while there is more to erase: a directory that shrinks may hide some of itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderSnapshot:
    """How a managed folder stood when it was last looked at; `looked_at` is None before.

    `error_key` says why it could not be looked at or erased from; the rest then is as it was.
    `not_imported` counts the files that an import left, by why.
    """

    looked_at: datetime | None = None
    files: Group = Group()
    overdue: int = 0
    future: int = 0
    unreadable: int = 0
    not_imported: Mapping[Outcome, int] = field(default_factory=dict)
    error_key: str | None = None

    @property
    def troubled(self) -> bool:
        """Return whether a person must look after it."""
        return bool(self.error_key or self.overdue or self.unreadable)


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderLooked:
    """A managed folder was looked at; `erased` files went, those that were imported included."""

    folder: str
    erased: int


class FolderKeeper:
    """Retention of a site's managed folders. Any thread may call; the looking is done in its own."""

    def __init__(
        self,
        folders: Sequence[FolderSettings],
        *,
        state: Path,
        ceiling: timedelta,
        ledger: Ledger,
        guard: ClockGuard,
        importer: Importer,
        on_event: Callable[[FolderLooked], None],
    ) -> None:
        """Prepare; `state` is the database of what was first seen when."""
        self._folders = {each.folder: each for each in folders}
        self._state = state
        self._ceiling = ceiling
        self._ledger = ledger
        self._guard = guard
        self._importer = importer
        self._on_event = on_event
        self._quit = threading.Event()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self._seen: FirstSeen | None = None
        self._stuck = {folder: Stuck() for folder in self._folders}
        self._snapshots = {folder: FolderSnapshot() for folder in self._folders}
        self._soon = False
        self._round_since: timedelta | None = None

    def start(self) -> None:
        """Begin to look, where there is a folder; once only, and not after `request_stop`."""
        if self._folders and self._thread is None and not self._quit.is_set():
            self._thread = threading.Thread(
                target=self._keep, name="camera-steward-folders", daemon=True
            )
            self._thread.start()

    def request_stop(self) -> None:
        """Ask the thread to end; returns at once."""
        self._quit.set()
        self._wake.set()

    def join(self, timeout: float) -> bool:
        """Wait for the thread; False when it still runs."""
        if self._thread is None:
            return True
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def look_now(self) -> None:
        """Look at all of them soon, and try again what could not be removed."""
        for each in self._stuck.values():
            each.until = {}
        self._wake.set()

    def snapshots(self) -> dict[str, FolderSnapshot]:
        """Return how each folder stood when it was last looked at."""
        return dict(self._snapshots)

    def look(self, folder: str, actor: str = SYSTEM) -> int:
        """Look at a folder, erase what is due, import what is to be; return how many files went.

        None of it is done, and no first sight is noted, while the clock is doubted. Raises what
        cannot be done: `FolderMissingError`, `FolderForeignError`, `RetentionError`, an error of the
        ledger or the storage, `StoppedError`.
        """
        settings = self._folders[folder]
        now, trusted = self._guard.now(), self._guard.trusted
        limit = effective(settings.limit, self._ceiling, now)
        erased = 0
        with storage_errors(), Tree.at(settings.path, settings.spare) as tree:
            check(tree, settings.mark)
            look = Look(
                settings,
                tree,
                limit,
                now,
                seen=self._first_seen() if trusted else None,
                stuck=self._stuck[folder],
                stopping=self._quit.is_set,
            )
            found = look.listing()
            for _ in range(_PASSES):
                if not (trusted and look.is_urgent(found)):
                    break
                done = look.erase(self._ledger, actor)
                found = look.listing()
                erased += done
                if not done:
                    break
            left = self._snapshots[folder].not_imported
            if trusted and settings.into is not None:
                done, left = self._import(settings, settings.into, tree, look, actor)
                if done:
                    found = look.listing()
                erased += done
        if trusted:
            self._first_seen().forget(now)
            self._tell_overdue(folder, found, now)
        self._snapshots[folder] = replace(_snapshot(found, now), not_imported=left)
        self._soon |= found.writing > 0
        return erased

    def _import(
        self, settings: FolderSettings, into: ImportSettings, tree: Tree, look: Look, actor: str
    ) -> tuple[int, Mapping[Outcome, int]]:
        """Import, and erase what was; return how many files went, and what was left.

        While the vault takes nothing, which is told elsewhere, all are left until it does.
        """
        begun = self._guard.elapsed()
        until = (self._round_since or begun) + AT_ONCE
        book = ImportBook(self._first_seen().database)
        book.forget(self._guard.now())
        try:
            done = self._importer.run(
                *(settings, into, tree, look.importable(), book),
                until=until,
                actor=actor,
                stopping=self._quit.is_set,
            )
        except StorageError:
            return 0, {Outcome.FAILED: sum(1 for _ in look.importable())}
        # What became due meanwhile, here or in another folder, is not left for ten minutes more.
        self._soon |= done.more or self._guard.elapsed() - begun > _SHORT
        gone = look.erase_imported(done.files, self._ledger, actor) if done.files else 0
        return gone, dict(done.left)

    def _keep(self) -> None:
        try:
            while True:
                self._wake.clear()  # before the question, or a stop in between would be slept over
                if self._quit.is_set():
                    break
                self._soon = False
                self._round_since = self._guard.elapsed()
                for folder in self._folders:
                    self._look(folder)
                # What would have gone, had it not just been written, is not left for longer; nor is
                # what there was no time to import.
                wait = WRITING if self._soon else EVERY
                self._wake.wait(wait.total_seconds())
        except StoppedError:
            pass
        finally:
            if self._seen is not None:
                self._seen.close()

    def _look(self, folder: str) -> None:
        erased = 0
        try:
            erased = self.look(folder)
        except StoppedError:
            raise
        except StewardError as err:
            self._troubled(folder, err)
        except Exception as err:
            # A mistake of ours must not end it unseen: told, and tried again.
            self._troubled(folder, UnexpectedError(type(err).__name__))
        self._on_event(FolderLooked(folder=folder, erased=erased))

    def _troubled(self, folder: str, err: StewardError) -> None:
        self._snapshots[folder] = replace(self._snapshots[folder], error_key=err.key)

    def _tell_overdue(self, folder: str, found: Listing, now: datetime) -> None:
        """Enter once that something outlives its limit, until it no longer does."""
        if found.overdue and not self._snapshots[folder].overdue:
            self._ledger.append(
                EntryKind.FINDING,
                actor=SYSTEM,
                subject=folder,
                data={"finding": PAST_LIMIT, "count": found.overdue},
                at=now,
            )

    def _first_seen(self) -> FirstSeen:
        if self._seen is None:
            self._seen = FirstSeen(self._state)
        return self._seen


def _snapshot(found: Listing, now: datetime) -> FolderSnapshot:
    due, kept = found.due, found.kept
    oldest = [each for each in (due.oldest_at, kept.oldest_at) if each is not None]
    newest = [each for each in (due.newest_at, kept.newest_at) if each is not None]
    return FolderSnapshot(
        looked_at=now,
        files=Group(
            count=due.count + kept.count,
            size_bytes=due.size_bytes + kept.size_bytes,
            oldest_at=min(oldest, default=None),
            newest_at=max(newest, default=None),
        ),
        overdue=found.overdue,
        future=found.future,
        unreadable=found.unreadable,
    )
