"""A ledger in a directory, its raw file, and a forger who has the file but not the key."""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from custom_components.camera_steward.core.database import Database
from custom_components.camera_steward.core.ledger.entry import Checkpoint, entry_hash
from custom_components.camera_steward.core.ledger.store import METADATA, Ledger
from custom_components.camera_steward.core.ledger.verify import (
    Break,
    Finding,
    Level,
    Verification,
    verify,
)

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER_KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
START = datetime(2026, 11, 22, 3, 4, 5, 678901, tzinfo=UTC)
COLUMNS = ("id", "at", "actor", "kind", "subject", "data", "key", "previous", "hash")

type Values = dict[str, Any]


class StepClock:
    """A clock that goes on by a second whenever it is read."""

    def __init__(self, at: datetime = START) -> None:
        self.at = at

    def now(self) -> datetime:
        self.at += timedelta(seconds=1)
        return self.at

    def elapsed(self) -> timedelta:
        return self.at - START

    def synchronised(self) -> bool | None:
        return None


def ledger_at(path: Path, clock: StepClock | None = None) -> Ledger:
    """Open a ledger without the care of `open_ledger`."""
    return Ledger(Database(path, METADATA), clock or StepClock(), KEY)


def check(
    path: Path, checkpoints: Iterable[Checkpoint] = (), level: Level = Level.FULL
) -> Verification:
    """Verify a file."""
    database = Database(path, METADATA)
    try:
        return verify(database, KEY.public_key(), tuple(checkpoints), level=level)
    finally:
        database.close()


def names(found: Verification, what: Break) -> list[int | None]:
    """Return the entries that findings of this sort name."""
    return [each.entry for each in found.broken if each.what is what]


def covers(found: Verification, number: int) -> bool:
    """Return whether a finding names this entry, alone or within a range."""

    def reach(each: Finding) -> bool:
        if each.entry is None:
            return False
        ranged = each.what in {Break.REMOVED, Break.ROLLED_BACK} and each.last is not None
        return each.entry <= number <= (each.last if ranged and each.last else each.entry)

    return any(reach(each) for each in found.broken)


@contextmanager
def raw(path: Path) -> Iterator[sqlite3.Connection]:
    """Work on the file with nothing of the ledger in between; committed at the end."""
    connection = sqlite3.connect(path)
    try:
        with connection:
            yield connection
    finally:
        connection.close()


def copy(path: Path, target: Path) -> Path:
    """Copy a database as it is after its last commit, into one file."""
    source, sink = sqlite3.connect(path), sqlite3.connect(target)
    try:
        source.backup(sink)
    finally:
        source.close()
        sink.close()
    return target


def rows(path: Path) -> list[Values]:
    """Return all entries' columns as they stand in the file."""
    with raw(path) as connection:
        found = connection.execute(f"SELECT {', '.join(COLUMNS)} FROM entries ORDER BY id")
        return [dict(zip(COLUMNS, each, strict=True)) for each in found]


def write_rows(path: Path, *found: Values) -> None:
    """Put rows into the file, in the place of those that have their numbers."""
    with raw(path) as connection:
        connection.executemany(
            "DELETE FROM entries WHERE id = ?", [(each["id"],) for each in found]
        )
        connection.executemany(
            f"INSERT INTO entries ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})",
            [[each[name] for name in COLUMNS] for each in found],
        )


def rehash(values: Values) -> Values:
    """Give a row the hash of its fields, as anyone can."""
    fields = {("id_" if name == "id" else name): values[name] for name in COLUMNS[:-1]}
    return values | {"hash": entry_hash(**fields)}


def rechain(found: list[Values], first: int) -> list[Values]:
    """Recompute hashes and links from the row at place `first` on, as anyone can."""
    made = found[:first]
    for each in found[first:]:
        linked = each | ({"previous": made[-1]["hash"]} if made else {})
        made.append(rehash(linked))
    return made


def replace_rows(path: Path, found: list[Values]) -> None:
    """Make these the file's entries."""
    with raw(path) as connection:
        connection.execute("DELETE FROM entries")
    write_rows(path, *found)
