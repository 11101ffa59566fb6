"""Opening the ledger's file whatever became of it: nothing is thrown away, nothing passes unseen.

Procedures and what a crash at each step leaves: docs/design/ledger.md.
"""

import os
import sqlite3
from dataclasses import dataclass
from datetime import UTC
from enum import StrEnum
from hashlib import file_digest
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import select

from ..clock import Clock
from ..database import Database
from ..errors import IndexUnreadableError, LedgerBrokenError, StorageError
from ..files import LocalFiles, storage_errors
from .entry import SYSTEM, EntryKind, Json
from .store import Ledger
from .tables import METADATA
from .verify import Verification

_ASIDE = ".damaged-"
_NEW = ".new"
_DAMAGE = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR})
"""What SQLite answers for a file that is at fault itself, and not its disk or its rights."""
_INTENT = ".setting-aside"
_PARTS = ("-wal", "-shm", "")
"""A database's files: what SQLite keeps beside it, then itself."""


class RestartKind(StrEnum):
    """What had to be done to open the ledger."""

    RESTARTED = "restarted"
    """The file could not be read: it was set aside and a new chain begun."""
    CONTINUED = "continued"
    """The file could be read but its end does not stand: it was continued over the break."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RestartReason:
    """Why the ledger does not simply go on. Both are entries in the ledger too.

    `set_aside` are the files that hold the damaged ledger; `found` is what the check of a readable
    one said.
    """

    kind: RestartKind
    set_aside: tuple[Path, ...] = ()
    found: Verification | None = None


def open_ledger(
    path: Path, clock: Clock, signing_key: Ed25519PrivateKey
) -> tuple[Ledger, RestartReason | None]:
    """Open or create the ledger, ready for appending.

    A file that cannot be read is set aside under a name with the time, never deleted, and a new
    chain begins with a `ledger_restarted` entry that holds the digests of all files set aside. A
    file that can be read is never set aside: if its end fails the check, it is continued with a
    `ledger_continued` entry (`Ledger.resume`). Raises `StorageError` when the storage fails; a full
    or read-only disk is no damage.
    """
    _finish_setting_aside(path)
    if path.exists():
        opened = _open(path, clock, signing_key)
        if opened is not None:
            return opened
    if any(_part(path, each).exists() for each in _PARTS):
        _set_aside(path, clock)
    set_aside = _create(path, clock, signing_key)
    ledger = Ledger(Database(path, METADATA), clock, signing_key)
    if not set_aside:
        return ledger, None
    return ledger, RestartReason(kind=RestartKind.RESTARTED, set_aside=set_aside)


def _open(
    path: Path, clock: Clock, signing_key: Ed25519PrivateKey
) -> tuple[Ledger, RestartReason | None] | None:
    """Return the ledger in a file, None when the file cannot be read or continued as one."""
    if not _is_whole(path):
        return None
    try:
        database = Database(path, METADATA)
    except IndexUnreadableError:
        return None
    kept = False
    try:
        ledger = Ledger(database, clock, signing_key)
        found = ledger.resume()
        kept = True
    except LedgerBrokenError:
        return None
    finally:
        if not kept:
            database.close()
    if found is None:
        return ledger, None
    return ledger, RestartReason(kind=RestartKind.CONTINUED, found=found)


def _is_whole(path: Path) -> bool:
    """Return whether the file holds a ledger and SQLite can read every page.

    Nothing is changed. A file without a single row is no ledger: `_create` makes none, so someone
    emptied it, and going on in it would pass for a first start.
    """
    if path.stat().st_size == 0:
        # SQLite would take it for a new database.
        return False
    connection = None
    try:
        connection = sqlite3.connect(path)
        # Closing would else write the `-wal` into the damaged file, or throw it away.
        connection.setconfig(sqlite3.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, True)
        connection.text_factory = bytes  # Whether a text can be read is for later.
        whole = connection.execute("PRAGMA quick_check(1)").fetchone() == (b"ok",)
        rows = [
            connection.execute(str(select(each))).fetchone() for each in METADATA.tables.values()
        ]
    except sqlite3.DatabaseError as err:
        if err.sqlite_errorcode & 0xFF in _DAMAGE:
            return False
        raise StorageError("database") from err
    finally:
        if connection is not None:
            connection.close()
    return whole and any(rows)


def _part(path: Path, part: str) -> Path:
    return path.with_name(path.name + part)


def _set_aside(path: Path, clock: Clock) -> None:
    """Rename the file and what SQLite keeps beside it, under an intent that outlives a crash.

    Without it, a crash in between would leave the file without its last entries (they are in the
    `-wal`), and the next start would take it for whole.
    """
    stamp = clock.now().astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    target = _part(path, _ASIDE + stamp)
    again = 1
    while any(_part(target, each).exists() for each in _PARTS):
        again += 1
        target = _part(path, f"{_ASIDE}{stamp}.{again}")
    intent = _part(path, _INTENT)
    with storage_errors():
        intent.unlink(missing_ok=True)
    file = LocalFiles().create(intent)
    try:
        file.append(target.name.encode())
        file.sync()
    finally:
        file.close()
    LocalFiles().sync_directory(path.parent)
    _finish_setting_aside(path)


def _finish_setting_aside(path: Path) -> None:
    """Do what an intent says, as far as it is not done."""
    intent = _part(path, _INTENT)
    with storage_errors():
        if not intent.exists():
            return
        name = intent.read_bytes().decode(errors="replace")
        # An intent that is not whole was never acted upon.
        if name.startswith(path.name + _ASIDE) and Path(name).name == name:
            for each in _PARTS:
                if _part(path, each).exists():
                    _part(path, each).rename(path.with_name(name + each))
        LocalFiles().sync_directory(path.parent)
        intent.unlink()
    LocalFiles().sync_directory(path.parent)


def _create(path: Path, clock: Clock, signing_key: Ed25519PrivateKey) -> tuple[Path, ...]:
    """Make a new ledger under another name and rename it once it is whole.

    So a file under the ledger's own name always holds a chain, and one that does not was damaged.
    Returns the files set aside that the new chain's first entry names.
    """
    new = _part(path, _NEW)
    with storage_errors():
        for each in _PARTS:
            _part(new, each).unlink(missing_ok=True)
        os.close(os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))
    aside = tuple(sorted(path.parent.glob(f"{path.name}{_ASIDE}*")))
    database = Database(new, METADATA)
    try:
        ledger = Ledger(database, clock, signing_key)
        if aside:
            digests: dict[str, Json] = {each.name: _digest(each) for each in aside}
            ledger.append(EntryKind.LEDGER_RESTARTED, actor=SYSTEM, data={"files": digests})
    finally:
        database.close()
    with storage_errors():
        new.rename(path)
    LocalFiles().sync_directory(path.parent)
    return aside


def _digest(path: Path) -> str:
    with storage_errors(), path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()
