"""Whether the ledger stands as it was written, and if not, what and where (INV-5).

Levels and their cost: HEAD reads two rows and checks one signature (under a millisecond; done
before every append). RECENT reads what came after the newest checkpoint kept outside. FULL reads
every row once, in constant memory (some seconds for 100,000), and asks the database to check its
own pages and indexes.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, override

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import Connection, func, select, text

from ..database import Database
from ..errors import LedgerBrokenError
from ..model import to_micros
from .entry import Checkpoint, EntryKind, genesis, parse_data
from .tables import ENTRIES, FROM, Head, Row, fetch, fetch_entries, fetch_head

_PAGE: Final = 1000
_LISTED: Final = 1000
_MOVED: Final = 64


class Level(StrEnum):
    """How much is read."""

    HEAD = "head"
    RECENT = "recent"
    FULL = "full"


class Break(StrEnum):
    """What a finding says; each has a translated text at the edge."""

    CHANGED = "changed"
    """The entry's fields do not give its hash."""
    MOVED = "moved"
    """Another entry's content stands under this number (`last` says which)."""
    REMOVED = "removed"
    """Entries `entry` to `last` are gone."""
    INSERTED = "inserted"
    """The number was never given by the ledger."""
    UNLINKED = "unlinked"
    """The entry does not follow from the one before: that one, or all from here, was replaced."""
    UNREADABLE = "unreadable"
    """The entry's row cannot be read."""
    HEAD_MISSING = "head_missing"
    HEAD_FORGED = "head_forged"
    """The signed row is not signed by this key."""
    HEAD_DIFFERS = "head_differs"
    """The last entry is not the one that was signed: it, or all from some entry on, was replaced."""
    CHECKPOINT_FORGED = "checkpoint_forged"
    """A checkpoint is not signed by this key."""
    CHECKPOINT_DIFFERS = "checkpoint_differs"
    """At `entry` the ledger held another history when the checkpoint was made."""
    ROLLED_BACK = "rolled_back"
    """Entries `entry` to `last` were there when an outside checkpoint was made."""
    OTHER_CHAIN = "other_chain"
    """An outside checkpoint attests to another ledger, and this one does not say it replaced it."""
    CONTINUED = "continued"
    """The ledger was found broken earlier and continued; `entry` lists what was found."""
    FILE = "file"
    """The database finds its own pages or indexes inconsistent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that does not stand as written; `entry` is None where no number can be named."""

    entry: int | None
    what: Break
    last: int | None = None

    @override
    def __str__(self) -> str:
        """Return a line for a report to an engineer."""
        where = "" if self.entry is None else f" {self.entry}"
        return f"{self.what}{where}" + ("" if self.last is None else f" ({self.last})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What a check found.

    `entries` were read. `broken` lists the first thousand findings in order of discovery, `unlisted`
    counts the rest. `earlier_chains` counts the outside checkpoints that attest to a ledger which
    this one says it replaced (`ledger_restarted`); the file set aside can be checked against them.
    """

    level: Level
    entries: int
    broken: tuple[Finding, ...] = ()
    unlisted: int = 0
    earlier_chains: int = 0

    @property
    def sound(self) -> bool:
        """Return whether nothing was found."""
        return not self.broken


def verify(
    ledger_database: Database,
    public_key: Ed25519PublicKey,
    checkpoints: Sequence[Checkpoint] = (),
    *,
    level: Level = Level.FULL,
) -> Verification:
    """Check the ledger against itself, its signed head and checkpoints that were kept outside.

    Reads one consistent state while others append. Nothing is written. What the file holds is
    never trusted: rows of any content give findings, not errors. Raises `StorageError` when the
    database is busy or gone.
    """
    with ledger_database.read() as connection:
        if connection.dialect.name == "sqlite":
            # Python's driver begins no transaction for reading, so each page would be of its own
            # moment, and entries appended meanwhile would look inserted.
            connection.exec_driver_sql("BEGIN")
        check = _Check(connection, public_key, checkpoints)
        match level:
            case Level.HEAD:
                check.head_only()
            case Level.RECENT:
                check.recent()
            case Level.FULL:
                check.full()
        return Verification(
            level=level,
            entries=check.entries,
            broken=tuple(check.broken),
            unlisted=check.unlisted,
            earlier_chains=check.earlier_chains,
        )


def inspect_head(
    connection: Connection, public_key: Ed25519PublicKey, head: Head | None, *, known: bool = False
) -> list[Finding]:
    """Check the signed head and the last entry against each other: two rows, one signature.

    `known` says that the caller itself wrote this very head, so that its signature stands.
    """
    if head is None:
        return [Finding(entry=None, what=Break.HEAD_MISSING)]
    if not known and not head.is_signed_by(public_key):
        return [Finding(entry=None, what=Break.HEAD_FORGED)]
    try:
        rows = fetch_entries(connection, FROM, first=max(head.count, 1))
    except LedgerBrokenError:
        return [Finding(entry=head.count, what=Break.UNREADABLE)]
    found = [Finding(entry=each.id, what=Break.INSERTED) for each in rows if each.id > head.count]
    last = next((each for each in rows if each.id == head.count), None)
    if head.count == 0:
        if head.hash != genesis(head.chain, public_key):
            found.append(Finding(entry=None, what=Break.HEAD_DIFFERS))
    elif last is None:
        found.append(Finding(entry=head.count, what=Break.REMOVED, last=head.count))
    elif last.computed() != last.hash:
        found.append(Finding(entry=head.count, what=Break.CHANGED))
    elif last.hash != head.hash:
        found.append(Finding(entry=head.count, what=Break.HEAD_DIFFERS))
    return found


@dataclass(frozen=True, slots=True)
class _Lost:
    """A row that is there and cannot be read."""

    id: int


@dataclass(slots=True)
class _Check:
    """One run over one state of the file."""

    connection: Connection
    public_key: Ed25519PublicKey
    checkpoints: Sequence[Checkpoint]
    entries: int = 0
    unlisted: int = 0
    earlier_chains: int = 0
    broken: list[Finding] = field(default_factory=list)
    _head: Head | None = None
    _attested: dict[int, list[Checkpoint]] = field(default_factory=dict)
    _changed: list[Row] = field(default_factory=list)
    _missing: list[int] = field(default_factory=list)

    def _found(self, what: Break, entry: int | None = None, last: int | None = None) -> None:
        if len(self.broken) < _LISTED:
            self.broken.append(Finding(entry=entry, what=what, last=last))
        else:
            self.unlisted += 1

    # Levels

    def head_only(self) -> None:
        """Check the signed row, the last entry and the newest checkpoint."""
        self._read_head()
        head = self._head
        if head is None:
            return
        self.broken += inspect_head(self.connection, self.public_key, head, known=True)
        self.entries = min(head.count, 1)
        self._sort_checkpoints()
        self._newest()
        self._settle_checkpoints(head.count)

    def recent(self) -> None:
        """Check what came after the newest outside checkpoint; that one vouches for the rest."""
        self._read_head()
        self._sort_checkpoints()
        start = self._newest()
        if start is None:
            self._stream(0, None)
        else:
            self._stream(start.count, start.hash)

    def full(self) -> None:
        """Check every row, then the database's own structure."""
        self._read_head()
        self._sort_checkpoints()
        self._stream(0, None)
        self._structure()

    # Parts

    def _read_head(self) -> None:
        try:
            head = fetch_head(self.connection)
        except LedgerBrokenError:
            self._found(Break.HEAD_FORGED)
            return
        if head is None:
            self._found(Break.HEAD_MISSING)
        elif not head.is_signed_by(self.public_key):
            # What is not signed says nothing: not even where the ledger should end.
            self._found(Break.HEAD_FORGED)
        else:
            self._head = head

    def _sort_checkpoints(self) -> None:
        foreign: list[Checkpoint] = []
        for each in self.checkpoints:
            if not each.is_signed_by(self.public_key):
                self._found(Break.CHECKPOINT_FORGED, each.count)
            elif self._head is not None and each.chain != self._head.chain:
                foreign.append(each)
            else:
                self._attested.setdefault(each.count, []).append(each)
        try:
            first = fetch_entries(self.connection, select(ENTRIES).where(ENTRIES.c.id == 1))
        except LedgerBrokenError:
            first = []
        restarted = [each.at for each in first if each.kind == EntryKind.LEDGER_RESTARTED]
        for each in foreign:
            # A chain that was there already when the checkpoint was made does not replace it.
            if restarted and to_micros(each.at) <= restarted[0]:
                self.earlier_chains += 1
            else:
                self._found(Break.OTHER_CHAIN, each.count)

    def _newest(self) -> Checkpoint | None:
        """Check the newest checkpoint that the ledger reaches, and return it when it stands."""
        within = [each for each in self._attested if self._head is None or each <= self._head.count]
        if not within or not (count := max(within)):
            return None
        newest = self._attested[count]
        try:
            rows = fetch_entries(self.connection, select(ENTRIES).where(ENTRIES.c.id == count))
        except LedgerBrokenError:
            rows = []
        if not rows or any(each.hash != rows[0].hash for each in newest):
            self._found(Break.CHECKPOINT_DIFFERS, count)
            return None
        return newest[0]

    def _stream(self, after: int, previous: str | None) -> None:
        head = self._head
        if previous is None and head is not None:
            previous = genesis(head.chain, self.public_key)
        last = after
        for row in self._rows(after):
            self.entries += 1
            if row.id <= last or (head is not None and row.id > head.count):
                self._found(Break.INSERTED, row.id)
                continue
            if row.id > last + 1:
                self._gone(last + 1, row.id - 1)
                previous = None
            last = row.id
            if isinstance(row, _Lost):
                self._found(Break.UNREADABLE, row.id)
                previous = None
                continue
            previous = self._row(row, previous)
        end = last if head is None else head.count
        if end > last:
            self._gone(last + 1, end)
        self._settle_checkpoints(end)
        self._name_moved()

    def _gone(self, first: int, last: int) -> None:
        self._found(Break.REMOVED, first, last)
        self._missing.extend(range(first, min(last + 1, first + _MOVED - len(self._missing))))

    def _row(self, row: Row, previous: str | None) -> str | None:
        """Check one entry; return the hash that the next one must name, where it is known."""
        computed = row.computed()
        hashes = (row.hash,) if computed == row.hash else (row.hash, computed)
        if len(hashes) > 1:
            self._found(Break.CHANGED, row.id)
            if len(self._changed) < _MOVED:
                self._changed.append(row)
        elif previous not in {None, row.previous}:
            self._found(Break.UNLINKED, row.id)
        if self._head is not None and row.id == self._head.count and self._head.hash not in hashes:
            self._found(Break.HEAD_DIFFERS, row.id)
        if any(each.hash not in hashes for each in self._attested.get(row.id, ())):
            self._found(Break.CHECKPOINT_DIFFERS, row.id)
        if row.kind == EntryKind.CHECKPOINT:
            self._inner_checkpoint(row)
        elif row.kind == EntryKind.LEDGER_CONTINUED:
            self._found(Break.CONTINUED, row.id)
        # What followed from a changed entry cannot be known: its own finding stands for both.
        return row.hash if len(hashes) == 1 else None

    def _inner_checkpoint(self, row: Row) -> None:
        try:
            held = Checkpoint.from_data(parse_data(row.data, "checkpoint"))
        except LedgerBrokenError:
            self._found(Break.CHECKPOINT_FORGED, row.id)
            return
        if not held.is_signed_by(self.public_key):
            self._found(Break.CHECKPOINT_FORGED, row.id)
        elif held.count != row.id - 1 or held.hash != row.previous:
            self._found(Break.CHECKPOINT_DIFFERS, row.id)

    def _settle_checkpoints(self, end: int) -> None:
        """Name what outside checkpoints attest to beyond the ledger's end."""
        beyond = max(self._attested, default=0)
        if beyond > end:
            self._found(Break.ROLLED_BACK, end + 1, beyond)

    def _name_moved(self) -> None:
        """Find out whose content stands under a number that does not fit it."""
        numbers = [each.id for each in self._changed] + self._missing
        for row in self._changed:
            origin = next((each for each in numbers if row.computed(each) == row.hash), None)
            plain = Finding(entry=row.id, what=Break.CHANGED)
            if origin is not None and plain in self.broken:
                self.broken[self.broken.index(plain)] = Finding(
                    entry=row.id, what=Break.MOVED, last=origin
                )

    def _structure(self) -> None:
        """Ask the database for damage that reading in the order of numbers does not meet."""
        try:
            if fetch(self.connection, select(func.count()).select_from(ENTRIES)) != [
                (self.entries,)
            ]:
                self._found(Break.FILE)
            sqlite = self.connection.dialect.name == "sqlite"
            if sqlite and fetch(self.connection, text("PRAGMA integrity_check(1)")) != [("ok",)]:
                self._found(Break.FILE)
        except LedgerBrokenError:
            self._found(Break.FILE)

    # Rows, a page at a time; where a page cannot be read, row by row

    def _rows(self, after: int) -> Iterator[Row | _Lost]:
        number = ENTRIES.c.id
        # From below 1, where only a forger could have put something.
        last = after or -(2**63)
        while True:
            try:
                page = fetch_entries(
                    self.connection,
                    select(ENTRIES).where(number > last).order_by(number).limit(_PAGE),
                )
            except LedgerBrokenError:
                numbers = self._numbers(last)
                yield from self._singly(numbers)
            else:
                yield from page
                numbers = [each.id for each in page]
            if not numbers:
                return
            last = numbers[-1]

    def _numbers(self, last: int) -> Sequence[int]:
        """Return which rows to read one by one, after a page of them could not be read."""
        number = ENTRIES.c.id
        try:
            statement = select(number).where(number > last).order_by(number).limit(_PAGE)
            return [each for (each,) in fetch(self.connection, statement)]
        except LedgerBrokenError:
            # Not even the numbers can be read: try each that the signed head vouches for.
            end = 0 if self._head is None else self._head.count
            if last >= end:
                self._found(Break.FILE)
                return ()
            first = max(last + 1, 1)
            return range(first, min(first + _PAGE, end + 1))

    def _singly(self, numbers: Sequence[int]) -> Iterator[Row | _Lost]:
        for each in numbers:
            try:
                yield from fetch_entries(
                    self.connection, select(ENTRIES).where(ENTRIES.c.id == each)
                )
            except LedgerBrokenError:
                yield _Lost(each)
