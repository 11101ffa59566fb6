"""The index: what the vault holds, found in milliseconds; it can be rebuilt from the vault."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, make_dataclass
from datetime import datetime, timedelta

from sqlalchemy import (
    BigInteger,
    Connection,
    Row,
    bindparam,
    delete,
    func,
    insert,
    select,
    update,
)

from ..database import Database
from ..model import (
    EraseRule,
    Footage,
    Gap,
    GapCause,
    Segment,
    SegmentState,
    from_micros,
    to_micros,
)
from .held import Held
from .tables import GAPS, LIMITS, META, METADATA, SEGMENTS

__all__ = ["METADATA", "Hour", "Index"]

_LIVE = SEGMENTS.c.erase_rule.is_(None)
"""A segment marked for erasing is no longer footage: no reader may find it."""


def _segment(row: Row[tuple[int, str, int, int, int, int, str, bytes]]) -> Segment:
    sequence, camera, stamp_at, start_at, end_at, size_bytes, state, digest = row
    return Segment(
        sequence=sequence,
        camera=camera,
        stamp_at=from_micros(stamp_at),
        start_at=from_micros(start_at),
        end_at=from_micros(end_at),
        size_bytes=size_bytes,
        state=SegmentState(state),
        digest=digest,
    )


_COLUMNS = (
    SEGMENTS.c.sequence,
    SEGMENTS.c.camera,
    SEGMENTS.c.stamp_at,
    SEGMENTS.c.start_at,
    SEGMENTS.c.end_at,
    SEGMENTS.c.size_bytes,
    SEGMENTS.c.state,
    SEGMENTS.c.digest,
)

_OF_A_CAMERA = (
    select(*(each for each in _COLUMNS if each is not SEGMENTS.c.camera))
    .where(SEGMENTS.c.camera == bindparam("of_camera"), _LIVE)
    .order_by(SEGMENTS.c.start_at, SEGMENTS.c.sequence)
)
_REACHING_INTO = _OF_A_CAMERA.where(
    SEGMENTS.c.start_at >= bindparam("reach"),
    SEGMENTS.c.start_at < bindparam("end"),
    SEGMENTS.c.end_at > bindparam("start"),
)
_STARTED_BY = _OF_A_CAMERA.where(SEGMENTS.c.start_at <= bindparam("moment"))

_HOUR_US = 3_600_000_000
_HOUR = (SEGMENTS.c.start_at - bindparam("start", type_=BigInteger)) // _HOUR_US
_HOURS = (
    select(
        _HOUR.label("hour"),
        func.count(),
        func.sum(SEGMENTS.c.end_at - SEGMENTS.c.start_at),
        func.min(SEGMENTS.c.sequence),
    )
    .where(
        SEGMENTS.c.camera == bindparam("of_camera"),
        _LIVE,
        SEGMENTS.c.state != SegmentState.OPEN.value,
        SEGMENTS.c.start_at >= bindparam("start"),
        SEGMENTS.c.start_at < bindparam("end"),
    )
    .group_by("hour")
    .order_by("hour")
)
_GAPS = (
    select(GAPS.c.start_at, GAPS.c.end_at, GAPS.c.cause)
    .where(
        GAPS.c.camera == bindparam("of_camera"),
        GAPS.c.start_at < bindparam("end"),
        func.coalesce(GAPS.c.end_at, bindparam("end")) > bindparam("start"),
    )
    .order_by(GAPS.c.start_at)
)
_MICROSECOND = timedelta(microseconds=1)
_STATES = {each.value: each for each in SegmentState}
_Draft = make_dataclass("_Draft", [(each.name, each.type) for each in fields(Segment)], slots=True)
"""A segment that is not frozen yet: to fill a frozen one takes longer than to read its row."""


def _segments(
    camera: str, rows: Iterable[Row[tuple[int, int, int, int, int, str, bytes]]]
) -> list[Segment]:
    """Make the segments of a camera's rows, a day of them in a millisecond or two."""
    found: list[Segment] = []
    last_us, end_at = 0, from_micros(0)
    for sequence, stamp_us, start_us, end_us, size_bytes, state, digest in rows:
        # Most begin where the last one ends.
        start_at = end_at if start_us == last_us else from_micros(start_us)
        stamp_at = start_at if stamp_us == start_us else from_micros(stamp_us)
        end_at = start_at + (end_us - start_us) * _MICROSECOND
        last_us = end_us
        made = _Draft(
            sequence, camera, stamp_at, start_at, end_at, size_bytes, _STATES[state], digest
        )
        made.__class__ = Segment
        found.append(made)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Hour:
    """What is stored of an hour: closed segments, their length, and the first one's sequence."""

    start_at: datetime
    segments: int
    length: timedelta
    first: int


class Index:
    """Segments, gaps and limits of one vault; safe from any thread, each call one transaction."""

    def __init__(self, database: Database) -> None:
        """Use a database that was opened with `METADATA`."""
        self._database = database
        self.held = Held(database)

    # Segments

    def add(self, segments: Iterable[Segment]) -> None:
        """Insert rows; durable on return."""
        entered = list(segments)
        rows = [
            {
                "sequence": each.sequence,
                "camera": each.camera,
                "stamp_at": to_micros(each.stamp_at),
                "start_at": to_micros(each.start_at),
                "end_at": to_micros(each.end_at),
                "size_bytes": each.size_bytes,
                "state": each.state.value,
                "digest": each.digest,
            }
            for each in entered
        ]
        if not rows:
            return
        newest = max(each.sequence for each in entered)
        with self._database.write() as connection:
            connection.execute(insert(SEGMENTS), rows)
            _put(connection, "sequence", newest, grow=True)

    def seal(
        self,
        sequence: int,
        *,
        end_at: datetime,
        size_bytes: int,
        state: SegmentState,
        digest: bytes,
    ) -> None:
        """Enter what is known once a segment's file is closed; a corrected clock moves its end."""
        with self._database.write() as connection:
            stamp_at, start_at = connection.execute(
                select(SEGMENTS.c.stamp_at, SEGMENTS.c.start_at).where(
                    SEGMENTS.c.sequence == sequence
                )
            ).one()
            connection.execute(
                update(SEGMENTS)
                .where(SEGMENTS.c.sequence == sequence)
                .values(
                    end_at=to_micros(end_at) + start_at - stamp_at,
                    size_bytes=size_bytes,
                    state=state.value,
                    digest=digest,
                )
            )

    def last_sequence(self) -> int:
        """Return the greatest sequence ever entered, erased ones included; 0 when none."""
        return self.get_meta("sequence") or 0

    def segment(self, sequence: int) -> Segment | None:
        """Return one segment, or None when it is unknown or marked for erasing."""
        with self._database.read() as connection:
            row = connection.execute(
                select(*_COLUMNS).where(SEGMENTS.c.sequence == sequence, _LIVE)
            ).one_or_none()
        return None if row is None else _segment(row)

    def knows(self, sequence: int) -> bool:
        """Return whether a segment has a row, marked for erasing or not."""
        with self._database.read() as connection:
            query = select(SEGMENTS.c.sequence).where(SEGMENTS.c.sequence == sequence)
            return connection.execute(query).first() is not None

    def sequences(self) -> set[int]:
        """Return the numbers of all rows, marked for erasing or not."""
        with self._database.read() as connection:
            return set(connection.execute(select(SEGMENTS.c.sequence)).scalars())

    def segments(
        self, camera: str, start: datetime, end: datetime, *, overlap: timedelta | None = None
    ) -> list[Segment]:
        """Return the segments of a camera that reach into [start, end), oldest first.

        `overlap` bounds how long one segment can be (default 10 min), so that the search need not
        read everything older.
        """
        reach = overlap if overlap is not None else timedelta(minutes=10)
        with self._database.read() as connection:
            rows = connection.execute(
                _REACHING_INTO,
                {
                    "of_camera": camera,
                    "reach": to_micros(start - reach),
                    "start": to_micros(start),
                    "end": to_micros(end),
                },
            ).all()
        return _segments(camera, rows)

    def hours(self, camera: str, start: datetime, end: datetime) -> list[Hour]:
        """Return the hours, counted from `start`, in which closed segments begin before `end`."""
        with self._database.read() as connection:
            rows = connection.execute(
                _HOURS,
                {"of_camera": camera, "start": to_micros(start), "end": to_micros(end)},
            ).all()
        return [
            Hour(
                start_at=start + timedelta(hours=hour),
                segments=count,
                length=int(length_us) * _MICROSECOND,
                first=first,
            )
            for hour, count, length_us, first in rows
        ]

    def started_by(self, camera: str, moment: datetime) -> list[Segment]:
        """Return a camera's segments whose oldest frame is at or before `moment`, oldest first."""
        with self._database.read() as connection:
            rows = connection.execute(
                _STARTED_BY, {"of_camera": camera, "moment": to_micros(moment)}
            ).all()
        return _segments(camera, rows)

    def oldest(self, count: int) -> list[Segment]:
        """Return the oldest closed segments of all cameras, for eviction."""
        with self._database.read() as connection:
            rows = connection.execute(
                select(*_COLUMNS)
                .where(_LIVE, SEGMENTS.c.state != SegmentState.OPEN.value)
                .order_by(SEGMENTS.c.start_at, SEGMENTS.c.sequence)
                .limit(count)
            ).all()
        return [_segment(row) for row in rows]

    def oldest_start(self, camera: str) -> datetime | None:
        """Return when a camera's oldest footage starts."""
        with self._database.read() as connection:
            found = connection.execute(
                select(func.min(SEGMENTS.c.start_at)).where(SEGMENTS.c.camera == camera, _LIVE)
            ).scalar()
        return None if found is None else from_micros(found)

    def open_segments(self) -> list[Segment]:
        """Return the segments whose file was never sealed."""
        with self._database.read() as connection:
            rows = connection.execute(
                select(*_COLUMNS)
                .where(SEGMENTS.c.state == SegmentState.OPEN.value, _LIVE)
                .order_by(SEGMENTS.c.sequence)
            ).all()
        return [_segment(row) for row in rows]

    def cameras(self) -> list[str]:
        """Return the cameras that have footage or a limit, removed ones included."""
        with self._database.read() as connection:
            # A loose scan: one look-up a camera, however many segments it has.
            found = set(connection.execute(select(LIMITS.c.camera)).scalars())
            last: str | None = ""
            while (
                last := connection.execute(
                    select(func.min(SEGMENTS.c.camera)).where(SEGMENTS.c.camera > last)
                ).scalar()
            ) is not None:
                found.add(last)
        return sorted(found)

    def footage(self, camera: str) -> Footage:
        """Return count, bytes, length and ends of what is kept of a camera."""
        column = SEGMENTS.c
        with self._database.read() as connection:
            count, size, length, oldest, newest = connection.execute(
                select(
                    func.count(),
                    func.coalesce(func.sum(column.size_bytes), 0),
                    func.coalesce(func.sum(column.end_at - column.start_at), 0),
                    func.min(column.start_at),
                    func.max(column.end_at),
                ).where(column.camera == camera, _LIVE)
            ).one()
        return Footage(
            segments=count,
            size_bytes=int(size),
            length=timedelta(microseconds=int(length)),
            oldest_at=None if oldest is None else from_micros(oldest),
            newest_at=None if newest is None else from_micros(newest),
        )

    # Erasing: marked first, then unlinked, then forgotten with the ledger's entry (INV-2)

    def mark(self, segments: Iterable[Segment], rule: EraseRule, at: datetime) -> None:
        """Note the intent to erase; from here on no reader finds the segments."""
        rows = [{"found": each.sequence} for each in segments]
        if not rows:
            return
        with self._database.write() as connection:
            connection.execute(
                update(SEGMENTS)
                .where(SEGMENTS.c.sequence == bindparam("found"))
                .values(erase_rule=rule.value, erase_at=to_micros(at)),
                rows,
            )

    def marked(self) -> list[tuple[Segment, EraseRule, datetime]]:
        """Return what is marked and not yet entered in the ledger, with rule and time."""
        with self._database.read() as connection:
            rows = connection.execute(
                select(*_COLUMNS, SEGMENTS.c.erase_rule, SEGMENTS.c.erase_at)
                # Asked and sorted so, as SQLite would else look at every row, each minute.
                .where(SEGMENTS.c.erase_rule > "")
            ).all()
        return [
            (_segment(row[:8]), EraseRule(row[8]), from_micros(row[9]))  # type: ignore[arg-type]
            for row in sorted(rows)
        ]

    def forget_all(self) -> None:
        """Drop every row, after the vault itself was given up; numbers are not used again."""
        with self._database.write() as connection:
            connection.execute(delete(SEGMENTS))
            self.held.forget_all(connection)

    def forget(self, sequences: Sequence[int]) -> None:
        """Drop rows, after the file is gone and the ledger says so."""
        rows = [{"found": each} for each in sequences]
        if not rows:
            return
        with self._database.write() as connection:
            connection.execute(
                delete(SEGMENTS).where(SEGMENTS.c.sequence == bindparam("found")), rows
            )

    def shift(self, first: int, last: int, by: timedelta, **remember: int) -> int:
        """Correct start and end of segments [first, last] made under a wrong clock; count them.

        What is held of them is corrected with it, and the end of a hold that was set meanwhile. The
        numbers to remember are written with it or not at all, so that a crash can be finished
        without shifting twice.
        """
        micros = by // timedelta(microseconds=1)
        with self._database.write() as connection:
            for name, value in remember.items():
                _put(connection, name, value)
            self.held.shift(connection, first, last, micros)
            return connection.execute(
                update(SEGMENTS)
                .where(SEGMENTS.c.sequence.between(first, last))
                .values(
                    start_at=SEGMENTS.c.start_at + micros,
                    end_at=SEGMENTS.c.end_at + micros,
                )
            ).rowcount

    # Gaps

    def open_gap(self, camera: str, at: datetime, cause: GapCause) -> bool:
        """Begin a gap; False when one is open already, which goes on under its first cause."""
        with self._database.write() as connection:
            lasting = connection.execute(
                select(GAPS.c.id).where(GAPS.c.camera == camera, GAPS.c.end_at.is_(None))
            ).first()
            if lasting is None:
                connection.execute(
                    insert(GAPS).values(camera=camera, start_at=to_micros(at), cause=cause.value)
                )
        return lasting is None

    def close_gap(self, camera: str, at: datetime) -> Gap | None:
        """End the open gap of a camera and return it; None when there is none."""
        with self._database.write() as connection:
            row = connection.execute(
                select(GAPS.c.id, GAPS.c.start_at, GAPS.c.cause).where(
                    GAPS.c.camera == camera, GAPS.c.end_at.is_(None)
                )
            ).first()
            if row is None:
                return None
            end = max(to_micros(at), row.start_at)
            connection.execute(update(GAPS).where(GAPS.c.id == row.id).values(end_at=end))
        return Gap(
            camera=camera,
            start_at=from_micros(row.start_at),
            end_at=from_micros(end),
            cause=GapCause(row.cause),
        )

    def gaps(self, camera: str, start: datetime, end: datetime) -> list[Gap]:
        """Return a camera's gaps that reach into [start, end), oldest first."""
        with self._database.read() as connection:
            rows = connection.execute(
                _GAPS, {"of_camera": camera, "start": to_micros(start), "end": to_micros(end)}
            ).all()
        return [
            Gap(
                camera=camera,
                start_at=from_micros(start_at),
                end_at=None if end_at is None else from_micros(end_at),
                cause=GapCause(cause),
            )
            for start_at, end_at, cause in rows
        ]

    def forget_gaps(self, before: datetime) -> None:
        """Drop gaps that ended before `before`."""
        with self._database.write() as connection:
            connection.execute(delete(GAPS).where(GAPS.c.end_at < to_micros(before)))

    # Limits: kept here so that a removed camera's footage keeps its own

    def set_limit(self, camera: str, limit: timedelta) -> None:
        """Remember how long a camera's footage may be kept."""
        micros = limit // timedelta(microseconds=1)
        with self._database.write() as connection:
            connection.execute(delete(LIMITS).where(LIMITS.c.camera == camera))
            connection.execute(insert(LIMITS).values(camera=camera, limit_us=micros))

    def limits(self) -> dict[str, timedelta]:
        """Return the remembered limits of all cameras."""
        with self._database.read() as connection:
            rows = connection.execute(select(LIMITS.c.camera, LIMITS.c.limit_us)).all()
        return {camera: timedelta(microseconds=micros) for camera, micros in rows}

    # Small numbers that must outlive a restart

    def get_meta(self, name: str) -> int | None:
        """Return a remembered number."""
        with self._database.read() as connection:
            return connection.execute(select(META.c.value).where(META.c.name == name)).scalar()

    def set_meta(self, **values: int) -> None:
        """Remember numbers; durable on return."""
        with self._database.write() as connection:
            for name, value in values.items():
                _put(connection, name, value)


def _put(connection: Connection, name: str, value: int, *, grow: bool = False) -> None:
    held = connection.execute(select(META.c.value).where(META.c.name == name)).scalar()
    if held is None:
        connection.execute(insert(META).values(name=name, value=value))
    elif not grow or value > held:
        connection.execute(update(META).where(META.c.name == name).values(value=value))
