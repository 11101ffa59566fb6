"""What the index lists is what was entered, and is read without a look-up for each row."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import FrozenInstanceError, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st
from sqlalchemy import event

from custom_components.camera_steward.core.database import Database
from custom_components.camera_steward.core.model import (
    Segment,
    SegmentState,
    from_micros,
    to_micros,
)
from custom_components.camera_steward.core.vault.index import METADATA, Index

from .vault_site import EVER, FAR_BACK, START

MINUTE = timedelta(minutes=1)
moments = st.datetimes(datetime(1970, 1, 1), datetime(9000, 1, 1)).map(  # noqa: DTZ001
    lambda each: each.replace(tzinfo=UTC)
)
lengths = st.timedeltas(timedelta(), timedelta(minutes=10))


@st.composite
def footage(draw: st.DrawFn) -> list[Segment]:
    """Segments of two cameras: joined or not, overlapping or not, with a corrected start or not."""
    found: list[Segment] = []
    start_at = draw(moments)
    for sequence in range(1, draw(st.integers(1, 12))):
        start_at = draw(st.one_of(st.just(start_at), moments, lengths.map(start_at.__add__)))
        end_at = start_at + draw(st.one_of(st.just(MINUTE), lengths))
        found.append(
            Segment(
                sequence=sequence,
                camera=draw(st.sampled_from(["door", "yard"])),
                stamp_at=draw(st.one_of(st.just(start_at), moments)),
                start_at=start_at,
                end_at=end_at,
                size_bytes=draw(st.integers(0, 2**40)),
                state=draw(st.sampled_from(SegmentState)),
                digest=draw(st.binary(max_size=32)),
            )
        )
        start_at = draw(st.sampled_from([start_at, end_at]))
    return found


@contextmanager
def an_index(path: Path | str = ":memory:") -> Iterator[Index]:
    database = Database(Path(path), METADATA)
    try:
        yield Index(database)
    finally:
        database.close()


def some(count: int = 3) -> list[Segment]:
    """Return minutes of a door that follow each other."""
    return [
        Segment(
            sequence=number + 1,
            camera="door",
            stamp_at=START + number * MINUTE,
            start_at=START + number * MINUTE,
            end_at=START + (number + 1) * MINUTE,
            size_bytes=number,
            state=SegmentState.SEALED,
            digest=bytes([number % 256]) * 32,
        )
        for number in range(count)
    ]


@settings(max_examples=60, deadline=None)
@given(entered=footage(), start=moments, end=moments)
def test_what_is_listed_is_what_was_entered(
    entered: list[Segment], start: datetime, end: datetime
) -> None:
    with an_index() as index:
        index.add(entered)
        for camera in ("door", "yard"):
            mine = sorted(
                (each for each in entered if each.camera == camera),
                key=lambda each: (each.start_at, each.sequence),
            )
            assert index.started_by(camera, start) == [e for e in mine if e.start_at <= start]
            assert index.segments(camera, start, end, overlap=FAR_BACK) == [
                each for each in mine if each.start_at < end and start < each.end_at
            ]
            for each in mine:
                assert index.segment(each.sequence) == each


def test_what_is_listed_is_frozen_and_as_good_as_any_other_segment() -> None:
    (entered,) = some(1)
    with an_index() as index:
        index.add([entered])
        (found,) = index.segments("door", *EVER, overlap=FAR_BACK)
    assert type(found) is Segment
    assert (found, hash(found), repr(found)) == (entered, hash(entered), repr(entered))
    assert found.length == MINUTE
    assert replace(found, size_bytes=7) == replace(entered, size_bytes=7)
    with pytest.raises(FrozenInstanceError):
        found.size_bytes = 7  # type: ignore[misc]


@given(micros=st.integers(to_micros(datetime.min.replace(tzinfo=UTC)), 2**57))
def test_a_stored_time_loses_no_microsecond(micros: int) -> None:
    assert to_micros(from_micros(micros)) == micros


def test_a_listing_looks_up_no_row(tmp_path: Path) -> None:
    asked: list[tuple[str, Any]] = []
    with an_index(tmp_path / "index.db") as index:
        engine = index._database.engine
        event.listen(engine, "before_cursor_execute", lambda _c, _d, *what: asked.append(what[:2]))
        index.segments("door", *EVER)
        index.started_by("door", EVER[1])
        index.footage("door")
        queries = list(asked)
        with index._database.read() as connection:
            plans = [
                connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}", values).one()[3]
                for query, values in queries
            ]
    assert len(plans) == 3
    for each in plans:
        assert "USING COVERING INDEX segments_listed (camera=?" in each
