"""The ledger's two tables, and rows read from them with no trust in what they hold."""

from dataclasses import dataclass, replace
from typing import Any, Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    bindparam,
    insert,
    select,
    update,
)
from sqlalchemy.exc import DatabaseError as SqlDatabaseError

from ..errors import LedgerBrokenError
from .entry import Entry, entry_hash, head_message, is_signed, kind_of, moment_of, parse_data

METADATA = MetaData()

ENTRIES = Table(
    "entries",
    METADATA,
    Column(
        "id",
        BigInteger().with_variant(Integer, "sqlite"),
        primary_key=True,
        autoincrement=False,
    ),
    Column("at", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("subject", Text, nullable=False),
    Column("data", Text, nullable=False),
    Column("key", Text, unique=True),
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    Index("entries_by_kind", "kind", "at"),
)

HEAD = Table(
    "head",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("chain", String(32), nullable=False),
    Column("count", BigInteger, nullable=False),
    Column("hash", String(64), nullable=False),
    Column("signature", String(128), nullable=False),
)

HEAD_ID = 1
_DAMAGE = ("malformed", "decode", "no such", "not a database")
GREATEST = 2**53
"""Above it no entry is numbered: JSON readers hold whole numbers up to here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The signed row: how many entries were ever appended to the chain, and the last one's hash."""

    chain: str
    count: int
    hash: str
    signature: str

    @classmethod
    def sign(cls, key: Ed25519PrivateKey, chain: str, count: int, hash_: str) -> Self:
        """Make the head of a chain."""
        signature = key.sign(head_message(chain, count, hash_)).hex()
        return cls(chain=chain, count=count, hash=hash_, signature=signature)

    def is_signed_by(self, public_key: Ed25519PublicKey) -> bool:
        """Return whether this key signed exactly these fields."""
        try:
            message = head_message(self.chain, self.count, self.hash)
        except ValueError:
            return False
        return is_signed(public_key, self.signature, message)

    def columns(self) -> dict[str, int | str]:
        """Return the values by column, without the row's number."""
        return {
            "chain": self.chain,
            "count": self.count,
            "hash": self.hash,
            "signature": self.signature,
        }


@dataclass(frozen=True, slots=True)
class Row:
    """The columns of an entry as they stand in the file, in the table's order."""

    id: int
    at: int
    actor: str
    kind: str
    subject: str
    data: str
    key: str | None
    previous: str
    hash: str = ""

    def computed(self, id_: int | None = None) -> str:
        """Return the hash that these fields give, also under another number."""
        return entry_hash(
            id_=self.id if id_ is None else id_,
            at=self.at,
            actor=self.actor,
            kind=self.kind,
            subject=self.subject,
            data=self.data,
            key=self.key,
            previous=self.previous,
        )

    def sealed(self) -> Row:
        """Return the row with the hash of its fields."""
        return replace(self, hash=self.computed())

    def columns(self) -> dict[str, int | str | None]:
        """Return the values by column."""
        return {
            "id": self.id,
            "at": self.at,
            "actor": self.actor,
            "kind": self.kind,
            "subject": self.subject,
            "data": self.data,
            "key": self.key,
            "previous": self.previous,
            "hash": self.hash,
        }

    def entry(self) -> Entry:
        """Return the entry; `LedgerBrokenError` when time or data cannot be what was written."""
        what = f"entry {self.id}"
        return Entry(
            id=self.id,
            at=moment_of(self.at, what),
            actor=self.actor,
            kind=kind_of(self.kind),
            subject=self.subject,
            data=parse_data(self.data, what),
            key=self.key,
            previous=self.previous,
            hash=self.hash,
        )


def fetch(connection: Connection, statement: Any, **values: int | str) -> list[tuple[Any, ...]]:
    """Return all rows; `LedgerBrokenError` when the file's pages or texts cannot be read."""
    try:
        return [tuple(each) for each in connection.execute(statement, values)]
    except SqlDatabaseError as err:
        reason = str(err.orig)
        if not any(sign in reason for sign in _DAMAGE):
            raise
    # Not from the error: what SQLite says of a text that is no UTF-8 quotes the text.
    raise LedgerBrokenError("unreadable")


def fetch_entries(connection: Connection, statement: Any, **values: int | str) -> list[Row]:
    """Return rows of `ENTRIES`; `LedgerBrokenError` when one holds other types than written."""
    return [_row(each) for each in fetch(connection, statement, **values)]


def _row(values: tuple[Any, ...]) -> Row:
    id_, at, actor, kind, subject, data, key, previous, hash_ = values
    texts = (actor, kind, subject, data, previous, hash_)
    if (
        type(id_) is int
        and type(at) is int
        and all(type(each) is str for each in texts)
        and (key is None or type(key) is str)
    ):
        return Row(id_, at, actor, kind, subject, data, key, previous, hash_)
    raise LedgerBrokenError(f"entry {id_}")


def fetch_head(connection: Connection, *, lock: bool = False) -> Head | None:
    """Return the head row; None when there is none, `LedgerBrokenError` when it is no head.

    With `lock` the database's write lock is held from before the row was read, so that no other
    process can append in between.
    """
    rows = fetch(connection, _LOCK_HEAD if lock else _READ_HEAD)
    if not rows:
        return None
    chain, count, hash_, signature = rows[0]
    if type(count) is int and all(type(each) is str for each in (chain, hash_, signature)):
        return Head(chain=chain, count=count, hash=hash_, signature=signature)
    raise LedgerBrokenError("head")


# Statements that every append runs: building one anew costs more than running it.

_HEAD_COLUMNS = (HEAD.c.chain, HEAD.c.count, HEAD.c.hash, HEAD.c.signature)
_READ_HEAD = select(*_HEAD_COLUMNS).where(HEAD.c.id == HEAD_ID)
_LOCK_HEAD = (
    update(HEAD).where(HEAD.c.id == HEAD_ID).values(count=HEAD.c.count).returning(*_HEAD_COLUMNS)
)
SET_HEAD = (
    update(HEAD)
    .where(HEAD.c.id == HEAD_ID)
    .values({each.name: bindparam(f"new_{each.name}") for each in _HEAD_COLUMNS})
)
ADD_ENTRY = insert(ENTRIES)
FROM = select(ENTRIES).where(ENTRIES.c.id >= bindparam("first")).order_by(ENTRIES.c.id).limit(2)
"""The entry `first`, if there is one, and the next."""
KEYED = select(ENTRIES.c.id).where(ENTRIES.c.key == bindparam("wanted"))
