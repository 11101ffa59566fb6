"""The ledger itself: entries are appended, read and attested to; none is changed or removed."""

import heapq
import secrets
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from operator import attrgetter

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from sqlalchemy import Connection, Select, delete, insert, select, tuple_

from ..clock import Clock
from ..database import Database
from ..errors import IndexUnreadableError, LedgerBrokenError
from ..model import to_micros
from .entry import SYSTEM, Checkpoint, Entry, EntryKind, Json, canonical, genesis
from .tables import (
    ADD_ENTRY,
    ENTRIES,
    FROM,
    GREATEST,
    HEAD,
    HEAD_ID,
    KEYED,
    METADATA,
    SET_HEAD,
    Head,
    Row,
    fetch,
    fetch_entries,
    fetch_head,
)
from .verify import Break, Finding, Verification, inspect_head, verify

__all__ = ["METADATA", "SYSTEM", "Checkpoint", "Entry", "EntryKind", "Json", "Ledger"]

_PAGE = 500
_NAMED = 100


@dataclass(slots=True)
class _Turn:
    """One write transaction: its connection, and the head as it will be committed."""

    connection: Connection
    head: Head


class Ledger:
    """One chain of entries in one database, signed with one key.

    Any thread may call; appends take turns and are numbered in the order of their commits. An
    entry is durable when `append` returns. Every append first checks the signed head and the last
    entry (`LedgerBrokenError`); nothing is added behind a break until `resume` has entered it.
    All methods raise `StorageError` when the storage itself fails (design section 7).
    """

    def __init__(self, database: Database, clock: Clock, signing_key: Ed25519PrivateKey) -> None:
        """Use a database that was opened with `METADATA`; an empty one begins a new chain.

        A broken ledger is opened as well: reading works, appending says so.
        """
        self._database = database
        self._clock = clock
        self._signing_key = signing_key
        self._public_key = signing_key.public_key()
        self._waiting = threading.Lock()
        # The head as this object left it: spares a signature check, and shows a file that was
        # put back to an older state under a running ledger.
        self._seen: Head | None = None
        with self._waiting, _own_errors(), database.write() as connection:
            _head_or_none(connection)
            if not any(fetch(connection, select(each.c.id).limit(1)) for each in (HEAD, ENTRIES)):
                chain = secrets.token_hex(16)
                head = Head.sign(signing_key, chain, 0, genesis(chain, self._public_key))
                connection.execute(insert(HEAD).values(id=HEAD_ID, **head.columns()))

    @property
    def database(self) -> Database:
        """Return the database, for `verify`."""
        return self._database

    @property
    def public_key(self) -> Ed25519PublicKey:
        """Return the key that the head and the checkpoints are checked with."""
        return self._public_key

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    # Appending

    def append(
        self,
        kind: EntryKind,
        *,
        actor: str,
        subject: str = "",
        data: Mapping[str, Json] | None = None,
        at: datetime | None = None,
        key: str | None = None,
    ) -> Entry:
        """Add an entry and return it; durable on return.

        `at` is when it happened (default: now). With a `key` that an entry has already, that entry
        is returned and nothing is added, whatever the other arguments say: so a caller that does
        not know whether it got through before a crash asks again.
        """
        content = canonical({} if data is None else data)
        with self._turn() as turn:
            if key is not None:
                found, key = self._find(turn, key)
                if found is not None:
                    return found.entry()
            return self._add(
                turn, kind, content=content, actor=actor, subject=subject, at=at, key=key
            )

    def keyed(self, key: str) -> Entry | None:
        """Return the entry that `append` would return for a key; None when it would add one."""
        with self._turn() as turn:
            found, _ = self._find(turn, key)
        return None if found is None else found.entry()

    def checkpoint(self) -> Checkpoint:
        """Add a checkpoint entry and return the checkpoint, to be kept outside the file too.

        It attests to the state before its own entry.
        """
        with self._turn() as turn:
            made = self._attest(turn.head)
            content = canonical(made.to_data())
            self._add(turn, EntryKind.CHECKPOINT, content=content, at=made.at)
            return made

    def attest(self) -> Checkpoint:
        """Return a checkpoint of the state as it is, without an entry.

        Kept outside after each run, it narrows what a rollback can hide to the time since.
        """
        with self._turn() as turn:
            return self._attest(turn.head)

    def resume(self, checkpoints: Sequence[Checkpoint] = ()) -> Verification | None:
        """Continue a ledger that `append` refuses; None when it does not refuse.

        Everything in the file stays as it is. A `ledger_continued` entry names what a full check
        found (up to a hundred findings) and holds the head that did not fit; `verify` reports that
        entry, and with it the break, ever after. Numbers that were given once are not given again.
        Raises `LedgerBrokenError` when the file cannot be continued at all.
        """
        with self._waiting:
            seen = self._seen
            with _own_errors(), self._database.write() as connection:
                if not self._inspect(connection, _head_or_none(connection)):
                    return None
            if seen is not None:
                checkpoints = [*checkpoints, self._attest(seen)]
            found = verify(self._database, self._public_key, checkpoints)
            with _own_errors(), self._database.write() as connection:
                head = self._continue(connection, seen, found)
            self._seen = head
            return found

    # Reading

    def entries(
        self,
        kinds: Collection[EntryKind] | None = None,
        *,
        subject: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Iterator[Entry]:
        """Yield entries of these kinds with `at` in [since, until), in order of time.

        Without `kinds` all, in order of their numbers. Memory does not grow with the ledger.
        Entries are given as they stand in the file; whether they stand as written is `verify`'s to
        say. Raises `LedgerBrokenError` on one that cannot be read.
        """
        wanted = select(ENTRIES)
        if subject is not None:
            wanted = wanted.where(ENTRIES.c.subject == subject)
        if since is not None:
            wanted = wanted.where(ENTRIES.c.at >= to_micros(since))
        if until is not None:
            wanted = wanted.where(ENTRIES.c.at < to_micros(until))
        if kinds is None:
            rows = self._by_number(wanted)
        else:
            # One walk of the index for each kind, so that no page sorts what came before it.
            rows = heapq.merge(
                *(self._by_time(wanted.where(ENTRIES.c.kind == each.value)) for each in kinds),
                key=attrgetter("at", "id"),
            )
        return (each.entry() for each in rows)

    def _by_number(self, wanted: Select[tuple[object, ...]]) -> Iterator[Row]:
        page = self._page(wanted.order_by(ENTRIES.c.id))
        while page:
            yield from page
            page = self._page(wanted.where(ENTRIES.c.id > page[-1].id).order_by(ENTRIES.c.id))

    def _by_time(self, wanted: Select[tuple[object, ...]]) -> Iterator[Row]:
        place = tuple_(ENTRIES.c.at, ENTRIES.c.id)
        wanted = wanted.order_by(ENTRIES.c.at, ENTRIES.c.id)
        page = self._page(wanted)
        while page:
            yield from page
            page = self._page(wanted.where(place > (page[-1].at, page[-1].id)))

    def _page(self, wanted: Select[tuple[object, ...]]) -> list[Row]:
        with _own_errors(), self._database.read() as connection:
            return fetch_entries(connection, wanted.limit(_PAGE))

    # One transaction

    @contextmanager
    def _turn(self) -> Iterator[_Turn]:
        with self._waiting:
            with _own_errors(), self._database.write() as connection:
                head = fetch_head(connection, lock=True)
                found = self._inspect(connection, head)
                if found or head is None:
                    raise LedgerBrokenError("; ".join(str(each) for each in found))
                turn = _Turn(connection, head)
                yield turn
            self._seen = turn.head

    def _inspect(self, connection: Connection, head: Head | None) -> list[Finding]:
        seen = self._seen
        if head is not None and seen is not None and head != seen:
            # Someone else wrote. That is fine as long as it goes on from what this object wrote.
            if head.chain != seen.chain:
                return [Finding(entry=seen.count, what=Break.OTHER_CHAIN)]
            if head.count < seen.count:
                return [Finding(entry=head.count + 1, what=Break.ROLLED_BACK, last=seen.count)]
            if seen.count and fetch(
                connection, select(ENTRIES.c.hash).where(ENTRIES.c.id == seen.count)
            ) != [(seen.hash,)]:
                return [Finding(entry=seen.count, what=Break.CHECKPOINT_DIFFERS)]
        return inspect_head(connection, self._public_key, head, known=head == seen)

    def _add(
        self,
        turn: _Turn,
        kind: EntryKind,
        *,
        content: str,
        actor: str = SYSTEM,
        subject: str = "",
        at: datetime | None = None,
        key: str | None = None,
    ) -> Entry:
        row = Row(
            id=turn.head.count + 1,
            at=to_micros(self._clock.now() if at is None else at),
            actor=actor,
            kind=kind.value,
            subject=subject,
            data=content,
            key=key,
            previous=turn.head.hash,
        ).sealed()
        head = Head.sign(self._signing_key, turn.head.chain, row.id, row.hash)
        turn.connection.execute(ADD_ENTRY, row.columns())
        turn.connection.execute(
            SET_HEAD, {f"new_{name}": value for name, value in head.columns().items()}
        )
        turn.head = head
        return row.entry()

    def _attest(self, head: Head) -> Checkpoint:
        return Checkpoint.sign(
            self._signing_key,
            chain=head.chain,
            count=head.count,
            head=head.hash,
            at=self._clock.now(),
        )

    def _find(self, turn: _Turn, key: str) -> tuple[Row | None, str]:
        """Return the entry that has this key, or the key to append under.

        A row that does not stand as written is no answer: else whoever gives an old row a key that
        is still to come would keep an entry out of the ledger.
        """
        for attempt in count(1):
            name = key if attempt == 1 else f"{key} ({attempt})"
            rows = fetch(turn.connection, KEYED, wanted=name)
            if not rows:
                return None, name
            row = _standing(turn, rows[0][0])
            if row is not None:
                return row, name
        raise AssertionError

    def _continue(self, connection: Connection, seen: Head | None, found: Verification) -> Head:
        old = _head_or_none(connection)
        signed = [each for each in (old, seen) if each is not None]
        signed = [each for each in signed if each.is_signed_by(self._public_key)]
        last, previous = _last(connection)
        number = max([last, *(each.count for each in signed)])
        if number >= GREATEST:
            raise LedgerBrokenError("number")
        chain = signed[0].chain if signed else secrets.token_hex(16)
        if not last:
            previous = genesis(chain, self._public_key)
        turn = _Turn(connection, Head(chain=chain, count=number, hash=previous, signature=""))
        data: dict[str, Json] = {
            "findings": [
                {"entry": each.entry, "what": each.what.value, "last": each.last}
                for each in found.broken[:_NAMED]
            ],
            "found": len(found.broken) + found.unlisted,
            "head": None if old is None else old.columns(),
        }
        connection.execute(delete(HEAD))
        connection.execute(insert(HEAD).values(id=HEAD_ID, **turn.head.columns()))
        self._add(turn, EntryKind.LEDGER_CONTINUED, content=canonical(data))
        return turn.head


def _head_or_none(connection: Connection) -> Head | None:
    """Take the write lock and return the head row if there is one to be read."""
    try:
        return fetch_head(connection, lock=True)
    except LedgerBrokenError:
        return None


def _standing(turn: _Turn, id_: int) -> Row | None:
    """Return an entry if its hash is its own and is what came after it builds on."""
    try:
        rows = fetch_entries(turn.connection, FROM, first=id_)
    except LedgerBrokenError:
        return None
    row, after = rows[0], turn.head.hash if len(rows) == 1 else rows[1].previous
    return row if row.computed() == row.hash == after else None


def _last(connection: Connection) -> tuple[int, str]:
    """Return number and stored hash of the last row, which may hold anything; 0 when none."""
    number = ENTRIES.c.id
    last = select(number).where(number > 0).order_by(number.desc()).limit(1)
    rows = fetch(connection, last)
    if not rows:
        return 0, ""
    try:
        hashes = fetch(connection, select(ENTRIES.c.hash).where(number == rows[0][0]))
    except LedgerBrokenError:
        return rows[0][0], ""
    hash_ = hashes[0][0]
    return rows[0][0], hash_ if isinstance(hash_, str) else ""


@contextmanager
def _own_errors() -> Iterator[None]:
    try:
        yield
    except IndexUnreadableError as err:
        # The index can be rebuilt; a ledger cannot, so that its user must hear something else.
        raise LedgerBrokenError("unreadable") from err
