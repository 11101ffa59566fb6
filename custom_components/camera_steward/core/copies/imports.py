"""What became of files that were to be imported: kept across restarts, so that none is tried twice."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    LargeBinary,
    String,
    Table,
    Text,
    delete,
    insert,
    select,
    update,
)

from ..database import Database
from ..model import from_micros, to_micros
from .seen import METADATA

IMPORTS = Table(
    "imports",
    METADATA,
    Column("folder", String(64), primary_key=True),
    Column("file", LargeBinary(16), primary_key=True),
    Column("outcome", String(16), nullable=False),
    Column("until_at", BigInteger, nullable=False),
    Column("key", Text),
)

_NO_END = from_micros(0)

STORED = Table(
    "imports_stored",
    METADATA,
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("stamp_at", BigInteger, nullable=False),
    Column("folder", String(64), nullable=False),
    Column("file", LargeBinary(16), nullable=False),
)


class Outcome(StrEnum):
    """What became of a file; all but the first two are reasons why it was not imported."""

    BEGUN = "begun"
    IMPORTED = "imported"
    NO_VIDEO = "no_video"
    """Not a kind of file that is imported, by its name."""

    UNSUPPORTED = "unsupported"
    """No container, codec or times that can be stored unaltered."""

    DAMAGED = "damaged"
    UNREADABLE = "unreadable"
    UNDATED = "undated"
    """Nothing tells to the minute when it begins, or it would end in the future."""

    TOO_OLD = "too_old"
    """Past the camera's own limit, or soon."""

    OVERLAPS = "overlaps"
    """The vault has footage of the camera at the same time."""

    NO_SPACE = "no_space"
    FAILED = "failed"
    """The vault did not take it, not as it is, or not in time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfinished:
    """An import that was begun: of which file, under which key of the ledger, as which segments."""

    folder: str
    file: bytes
    key: str
    segments: tuple[tuple[int, datetime], ...]
    """Number and stamp: a number alone may be given again to another."""


class ImportBook:
    """The files of all folders; one thread. A file is named by 16 bytes that change with it."""

    def __init__(self, database: Database) -> None:
        """Use a database that was opened with `seen.METADATA`."""
        self._database = database

    def outcomes(self, folder: str, files: Sequence[bytes], now: datetime) -> dict[bytes, Outcome]:
        """Return what became of files, as far as that still holds; some hundreds at a time."""
        with self._database.read() as connection:
            rows = connection.execute(
                select(IMPORTS.c.file, IMPORTS.c.outcome).where(
                    IMPORTS.c.folder == folder,
                    IMPORTS.c.file.in_(files),
                    IMPORTS.c.until_at > to_micros(now),
                )
            )
            return {row.file: Outcome(row.outcome) for row in rows}

    def begin(self, folder: str, file: bytes, key: str) -> None:
        """Note that an import begins, and its key once that is known; durable on return."""
        with self._database.write() as connection:
            _put(connection, folder, file, Outcome.BEGUN, _NO_END, key)

    def stored(self, folder: str, file: bytes, sequence: int, stamp_at: datetime) -> None:
        """Note a segment that it began."""
        row = {
            "sequence": sequence,
            "stamp_at": to_micros(stamp_at),
            "folder": folder,
            "file": file,
        }
        with self._database.write() as connection:
            connection.execute(delete(STORED).where(STORED.c.sequence == sequence))
            connection.execute(insert(STORED).values(row))

    def end(self, folder: str, file: bytes, outcome: Outcome, until: datetime) -> None:
        """Note what became of a file, until when that holds, and forget its segments."""
        with self._database.write() as connection:
            _put(connection, folder, file, outcome, until, None)
            connection.execute(
                delete(STORED).where(STORED.c.folder == folder, STORED.c.file == file)
            )

    def unfinished(self) -> list[Unfinished]:
        """Return what was begun and has no end."""
        with self._database.read() as connection:
            begun = select(IMPORTS).where(IMPORTS.c.outcome == Outcome.BEGUN.value)
            return [
                Unfinished(
                    folder=row.folder,
                    file=row.file,
                    key=row.key,
                    segments=_stored(connection, row.folder, row.file),
                )
                for row in connection.execute(begun).all()
            ]

    def segments(self, folder: str, file: bytes) -> tuple[tuple[int, datetime], ...]:
        """Return number and stamp of what an import began, in order."""
        with self._database.read() as connection:
            return _stored(connection, folder, file)

    def forget(self, now: datetime) -> None:
        """Forget what no longer holds; never what was begun."""
        with self._database.write() as connection:
            connection.execute(
                delete(IMPORTS).where(
                    IMPORTS.c.until_at <= to_micros(now), IMPORTS.c.outcome != Outcome.BEGUN.value
                )
            )


def _stored(connection: Connection, folder: str, file: bytes) -> tuple[tuple[int, datetime], ...]:
    rows = connection.execute(
        select(STORED.c.sequence, STORED.c.stamp_at)
        .where(STORED.c.folder == folder, STORED.c.file == file)
        .order_by(STORED.c.sequence)
    )
    return tuple((row.sequence, from_micros(row.stamp_at)) for row in rows)


def _put(
    connection: Connection,
    folder: str,
    file: bytes,
    outcome: Outcome,
    until: datetime,
    key: str | None,
) -> None:
    mine = (IMPORTS.c.folder == folder, IMPORTS.c.file == file)
    values = {"outcome": outcome.value, "until_at": to_micros(until), "key": key}
    if not connection.execute(update(IMPORTS).where(*mine).values(**values)).rowcount:
        connection.execute(insert(IMPORTS).values(folder=folder, file=file, **values))
