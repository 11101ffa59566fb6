"""One SQLite file with its tables: a single writer, durable commits, errors of its own.

SQLAlchemy Core only, so that the same tables run on another server (design section 5).
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, MetaData, create_engine, event
from sqlalchemy.exc import DatabaseError as SqlDatabaseError, SQLAlchemyError

from .errors import IndexUnreadableError, StorageError, StorageFullError


class Database:
    """A SQLite file; any thread may read, writers take turns."""

    def __init__(self, path: Path, metadata: MetaData) -> None:
        """Open or create the file and its tables; `IndexUnreadableError` when it is no database."""
        self._path = path
        self._writing = threading.RLock()
        self._engine = create_engine(f"sqlite:///{path}")
        event.listen(self._engine, "connect", _prepare)
        try:
            with self.write() as connection:
                metadata.create_all(connection)
        except StorageError, IndexUnreadableError:
            self.close()
            raise

    @property
    def path(self) -> Path:
        """Return where the file is."""
        return self._path

    @property
    def engine(self) -> Engine:
        """Return the engine, for tests that damage it."""
        return self._engine

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Run one transaction; durable when the block ends, undone when it raises."""
        with self._writing, _database_errors(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Read a consistent state without holding up the writer."""
        with _database_errors(), self._engine.connect() as connection:
            yield connection

    def close(self) -> None:
        """Let go of the file."""
        self._engine.dispose()


def _prepare(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA busy_timeout = 10000")
    cursor.execute("PRAGMA journal_mode = WAL")
    # FULL: a commit must survive a power cut, or a deletion could lose its record (INV-2).
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.close()


@contextmanager
def _database_errors() -> Iterator[None]:
    try:
        yield
    except SqlDatabaseError as err:
        reason = str(err.orig)
        if "full" in reason:
            raise StorageFullError("database") from err
        if "malformed" in reason or "not a database" in reason or "no such" in reason:
            raise IndexUnreadableError from err
        raise StorageError(f"database: {reason}") from err
    except SQLAlchemyError as err:
        raise StorageError("database") from err
