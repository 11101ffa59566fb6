"""What is held: the index's rows of holds and of the segments that they keep."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, delete, func, insert, select, update

from ..database import Database
from ..model import Segment, SegmentState, from_micros, to_micros
from .tables import HELD, HOLDS

_KEPT = HELD.c.hold.in_(select(HOLDS.c.id).where(HOLDS.c.end_rule.is_(None)))
"""A hold that is ending keeps nothing any more."""


class Copying(StrEnum):
    """How far the copy of a held segment has come."""

    NOTED = "noted"
    COPIED = "copied"
    UNREADABLE = "unreadable"
    """The original cannot be read as it was written; tried once more before it is erased."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """Under which rule a hold ends, decided by whom, why and when."""

    rule: str
    by: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldRow:
    """A hold: its words, as canonical JSON, and what may change.

    `entry` is the hash of the last ledger entry that the row has taken over. Its end was set at
    `granted_at`, when `sequence` was the vault's last number: so a corrected clock corrects it too.
    """

    id: str
    words: str
    entry: str
    granted_at: datetime
    sequence: int
    until_at: datetime
    review_at: datetime
    ending: Ending | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldSegment:
    """A segment of a hold; of one that is copied, size and digest are those of the copy."""

    hold: str
    segment: Segment
    copying: Copying


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldCount:
    """How many segments a hold has, with their bytes."""

    noted: int = 0
    copied: int = 0
    unreadable: int = 0
    size_bytes: int = 0

    @property
    def segments(self) -> int:
        """Return the number of all."""
        return self.noted + self.copied + self.unreadable


class Held:
    """The rows of holds; safe from any thread, each call one transaction."""

    def __init__(self, database: Database) -> None:
        """Use the index's database."""
        self._database = database

    # Holds

    def add(self, row: HoldRow, segments: Iterable[HeldSegment]) -> None:
        """Enter a hold with its segments, all or nothing; durable on return."""
        rows = [_held_values(each) for each in segments]
        with self._database.write() as connection:
            connection.execute(insert(HOLDS).values(id=row.id, **_hold_values(row)))
            if rows:
                connection.execute(insert(HELD), rows)

    def put(self, row: HoldRow) -> None:
        """Replace what is known of a hold; durable on return."""
        with self._database.write() as connection:
            connection.execute(
                update(HOLDS).where(HOLDS.c.id == row.id).values(**_hold_values(row))
            )

    def holds(self) -> list[HoldRow]:
        """Return all holds, those that are ending included."""
        with self._database.read() as connection:
            rows = connection.execute(select(HOLDS).order_by(HOLDS.c.id)).mappings().all()
        return [_hold(row) for row in rows]

    def hold(self, hold: str) -> HoldRow | None:
        """Return one hold, None when there is none."""
        with self._database.read() as connection:
            query = select(HOLDS).where(HOLDS.c.id == hold)
            row = connection.execute(query).mappings().one_or_none()
        return None if row is None else _hold(row)

    def forget(self, hold: str) -> None:
        """Drop a hold and its segments, after its key is gone and the ledger says so."""
        with self._database.write() as connection:
            connection.execute(delete(HELD).where(HELD.c.hold == hold))
            connection.execute(delete(HOLDS).where(HOLDS.c.id == hold))

    def forget_all(self, connection: Connection) -> None:
        """Drop every row within the caller's transaction."""
        connection.execute(delete(HELD))
        connection.execute(delete(HOLDS))

    # Segments

    def counts(self) -> dict[str, HeldCount]:
        """Return what each hold has of segments."""
        query = select(
            HELD.c.hold, HELD.c.copying, func.count(), func.sum(HELD.c.size_bytes)
        ).group_by(HELD.c.hold, HELD.c.copying)
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        found: dict[str, dict[str, int]] = {}
        for hold, copying, count, size in rows:
            mine = found.setdefault(hold, {"size_bytes": 0})
            mine[copying] = count
            mine["size_bytes"] += int(size)
        return {hold: HeldCount(**mine) for hold, mine in found.items()}

    def segments(
        self,
        hold: str,
        camera: str | None = None,
        span: tuple[datetime, datetime] | None = None,
    ) -> list[HeldSegment]:
        """Return the segments of a hold, or what of a camera or [start, end) it has, oldest first."""
        wanted = select(HELD).where(HELD.c.hold == hold)
        if camera is not None:
            wanted = wanted.where(HELD.c.camera == camera)
        if span is not None:
            start, end = map(to_micros, span)
            wanted = wanted.where(HELD.c.start_at < end, HELD.c.end_at > start)
        return self._held(wanted)

    def segment(self, hold: str, sequence: int) -> HeldSegment | None:
        """Return one segment of a hold, None when there is none or the hold is ending."""
        wanted = select(HELD).where(HELD.c.hold == hold, HELD.c.sequence == sequence, _KEPT)
        return next(iter(self._held(wanted)), None)

    def noted(self) -> list[HeldSegment]:
        """Return what is to be copied and was not yet tried, oldest first."""
        return self._held(select(HELD).where(HELD.c.copying == Copying.NOTED.value, _KEPT))

    def noted_count(self) -> int:
        """Return how many segments are to be copied."""
        query = select(func.count()).where(HELD.c.copying == Copying.NOTED.value, _KEPT)
        with self._database.read() as connection:
            return connection.execute(query).scalar_one()

    def uncopied(self, camera: str) -> dict[int, list[HeldSegment]]:
        """Return what has no copy of a camera's footage, by number; unreadable ones included."""
        waiting = (Copying.NOTED.value, Copying.UNREADABLE.value)
        wanted = select(HELD).where(HELD.c.copying.in_(waiting), HELD.c.camera == camera, _KEPT)
        found: dict[int, list[HeldSegment]] = {}
        for each in self._held(wanted):
            found.setdefault(each.segment.sequence, []).append(each)
        return found

    def noted_bytes(self) -> int:
        """Return the bytes that copies still to be made will take."""
        query = select(func.coalesce(func.sum(HELD.c.size_bytes), 0)).where(
            HELD.c.copying == Copying.NOTED.value, _KEPT
        )
        with self._database.read() as connection:
            return int(connection.execute(query).scalar_one())

    def set_segment(self, held: HeldSegment) -> None:
        """Replace what is known of a held segment; its start stays as it was corrected."""
        values = _held_values(held)
        kept = {name: values[name] for name in ("size_bytes", "state", "digest", "copying")}
        length = to_micros(held.segment.end_at) - to_micros(held.segment.start_at)
        with self._database.write() as connection:
            connection.execute(
                update(HELD)
                .where(HELD.c.hold == held.hold, HELD.c.sequence == held.segment.sequence)
                .values(end_at=HELD.c.start_at + length, **kept)
            )

    def shift(self, connection: Connection, first: int, last: int, micros: int) -> None:
        """Correct the times of segments [first, last], and of holds whose end was set meanwhile."""
        connection.execute(
            update(HELD)
            .where(HELD.c.sequence.between(first, last))
            .values(start_at=HELD.c.start_at + micros, end_at=HELD.c.end_at + micros)
        )
        connection.execute(
            update(HOLDS)
            .where(HOLDS.c.sequence.between(first, last))
            .values(
                granted_at=HOLDS.c.granted_at + micros,
                until_at=HOLDS.c.until_at + micros,
                review_at=HOLDS.c.review_at + micros,
            )
        )

    def _held(self, wanted: Select[Any]) -> list[HeldSegment]:
        with self._database.read() as connection:
            query = wanted.order_by(HELD.c.start_at, HELD.c.sequence, HELD.c.hold)
            rows = connection.execute(query).mappings().all()
        return [
            HeldSegment(
                hold=row["hold"],
                segment=Segment(
                    sequence=row["sequence"],
                    camera=row["camera"],
                    stamp_at=from_micros(row["stamp_at"]),
                    start_at=from_micros(row["start_at"]),
                    end_at=from_micros(row["end_at"]),
                    size_bytes=row["size_bytes"],
                    state=SegmentState(row["state"]),
                    digest=row["digest"],
                ),
                copying=Copying(row["copying"]),
            )
            for row in rows
        ]


def _hold(row: RowMapping) -> HoldRow:
    ending = None
    if row["end_rule"] is not None:
        ending = Ending(
            rule=row["end_rule"],
            by=row["end_by"],
            reason=row["end_reason"],
            at=from_micros(row["end_at"]),
        )
    return HoldRow(
        id=row["id"],
        words=row["words"],
        entry=row["entry"],
        granted_at=from_micros(row["granted_at"]),
        sequence=row["sequence"],
        until_at=from_micros(row["until_at"]),
        review_at=from_micros(row["review_at"]),
        ending=ending,
    )


def _hold_values(row: HoldRow) -> Mapping[str, object]:
    ending = row.ending
    return {
        "words": row.words,
        "entry": row.entry,
        "granted_at": to_micros(row.granted_at),
        "sequence": row.sequence,
        "until_at": to_micros(row.until_at),
        "review_at": to_micros(row.review_at),
        "end_rule": None if ending is None else ending.rule,
        "end_by": None if ending is None else ending.by,
        "end_reason": None if ending is None else ending.reason,
        "end_at": None if ending is None else to_micros(ending.at),
    }


def _held_values(held: HeldSegment) -> dict[str, object]:
    segment = held.segment
    return {
        "hold": held.hold,
        "sequence": segment.sequence,
        "camera": segment.camera,
        "stamp_at": to_micros(segment.stamp_at),
        "start_at": to_micros(segment.start_at),
        "end_at": to_micros(segment.end_at),
        "size_bytes": segment.size_bytes,
        "state": segment.state.value,
        "digest": segment.digest,
        "copying": held.copying.value,
    }
