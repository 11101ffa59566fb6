"""Since when a file is known whose own dates cannot be: kept across restarts."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import (
    BigInteger,
    Column,
    LargeBinary,
    MetaData,
    String,
    Table,
    bindparam,
    delete,
    insert,
    select,
    update,
)

from ..database import Database
from ..errors import IndexUnreadableError
from ..files import storage_errors
from ..model import from_micros, to_micros

METADATA = MetaData()

SEEN = Table(
    "seen",
    METADATA,
    Column("folder", String(64), primary_key=True),
    Column("file", LargeBinary(16), primary_key=True),
    Column("first_at", BigInteger, nullable=False),
    Column("last_at", BigInteger, nullable=False),
)

_AWAY = timedelta(days=30)
"""How long a file may be out of sight, as with a disk that was taken off, and is still known."""
_AGAIN = (
    update(SEEN)
    .where(SEEN.c.folder == bindparam("of"), SEEN.c.file == bindparam("known"))
    .values(first_at=bindparam("first"), last_at=bindparam("at"))
)


class FirstSeen:
    """The files of all folders that have no date of their own; any thread."""

    def __init__(self, path: Path) -> None:
        """Open or create the database; one that cannot be read is begun anew."""
        try:
            self._database = Database(path, METADATA)
        except IndexUnreadableError:
            with storage_errors():
                for part in ("-wal", "-shm", ""):
                    path.with_name(path.name + part).unlink(missing_ok=True)
            self._database = Database(path, METADATA)

    @property
    def database(self) -> Database:
        """Return the database, for what else is remembered of files."""
        return self._database

    def of(self, folder: str, files: Sequence[bytes], now: datetime) -> list[datetime]:
        """Return since when each file is known: since `now` where it was not. Durable on return.

        At most some hundreds at a time; a file is named by 16 bytes that change with it.
        """
        with self._database.write() as connection:
            rows = connection.execute(
                select(SEEN.c.file, SEEN.c.first_at).where(
                    SEEN.c.folder == folder, SEEN.c.file.in_(files)
                )
            )
            at = to_micros(now)
            # A clock that was ahead must not keep a file for longer.
            known: dict[bytes, int] = {row.file: min(row.first_at, at) for row in rows}
            if known:
                again = [
                    {"of": folder, "known": each, "first": first, "at": at}
                    for each, first in known.items()
                ]
                connection.execute(_AGAIN, again)
            new = [each for each in dict.fromkeys(files) if each not in known]
            if new:
                values = [
                    {"folder": folder, "file": each, "first_at": at, "last_at": at} for each in new
                ]
                connection.execute(insert(SEEN), values)
        return [from_micros(known.get(each, at)) for each in files]

    def forget(self, now: datetime) -> None:
        """Forget what has not been met for a month."""
        with self._database.write() as connection:
            connection.execute(delete(SEEN).where(SEEN.c.last_at < to_micros(now - _AWAY)))

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()
