"""The tables of the index: what one database holds of one vault."""

from sqlalchemy import (
    BigInteger,
    Column,
    Index as SqlIndex,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)

METADATA = MetaData()

SEGMENTS = Table(
    "segments",
    METADATA,
    Column("sequence", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("camera", String(64), nullable=False),
    Column("stamp_at", BigInteger, nullable=False),
    Column("start_at", BigInteger, nullable=False),
    Column("end_at", BigInteger, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("state", String(9), nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("erase_rule", String(16)),
    Column("erase_at", BigInteger),
    SqlIndex(
        "segments_listed",
        *("camera", "start_at", "sequence"),
        # Not searched by: with these a listing is read from here alone, without a look-up a row.
        *("end_at", "stamp_at", "size_bytes", "state", "digest", "erase_rule"),
    ),
    SqlIndex("segments_by_age", "start_at"),
    SqlIndex("segments_marked", "erase_rule"),
    SqlIndex("segments_by_state", "state"),
)

GAPS = Table(
    "gaps",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("camera", String(64), nullable=False),
    Column("start_at", BigInteger, nullable=False),
    Column("end_at", BigInteger),
    Column("cause", String(16), nullable=False),
    SqlIndex("gaps_by_time", "camera", "start_at"),
)

LIMITS = Table(
    "limits",
    METADATA,
    Column("camera", String(64), primary_key=True),
    Column("limit_us", BigInteger, nullable=False),
)

META = Table(
    "meta",
    METADATA,
    Column("name", String(32), primary_key=True),
    Column("value", BigInteger, nullable=False),
)

HOLDS = Table(
    "holds",
    METADATA,
    Column("id", String(16), primary_key=True),
    # As the ledger has them; an entry's hash says up to which one they were taken over.
    Column("words", Text, nullable=False),
    Column("entry", String(64), nullable=False),
    Column("granted_at", BigInteger, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("until_at", BigInteger, nullable=False),
    Column("review_at", BigInteger, nullable=False),
    Column("end_rule", String(16)),
    Column("end_by", Text),
    Column("end_reason", Text),
    Column("end_at", BigInteger),
)

HELD = Table(
    "held",
    METADATA,
    Column("hold", String(16), primary_key=True),
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("camera", String(64), nullable=False),
    Column("stamp_at", BigInteger, nullable=False),
    Column("start_at", BigInteger, nullable=False),
    Column("end_at", BigInteger, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("state", String(9), nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("copying", String(10), nullable=False),
    SqlIndex("held_waiting", "copying", "camera", "start_at"),
)
