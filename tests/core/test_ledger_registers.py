"""Registers give back what was entered, and the digest stands for exactly one list."""

import hashlib
import struct
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

from custom_components.camera_steward.core.errors import LedgerBrokenError
from custom_components.camera_steward.core.ledger.entry import Json
from custom_components.camera_steward.core.ledger.fields import merge_spans
from custom_components.camera_steward.core.ledger.registers import (
    CameraStatement,
    PurgeRecord,
    StatementRecord,
    list_digest,
    purge_register,
    statements,
)
from custom_components.camera_steward.core.ledger.store import EntryKind, Ledger
from custom_components.camera_steward.core.model import EraseRule, Segment, SegmentState

from .ledgers import START, ledger_at

DAY = timedelta(days=1)


@pytest.fixture(name="ledger")
def ledger_fixture(tmp_path: Path) -> Iterator[Ledger]:
    ledger = ledger_at(tmp_path / "ledger.db")
    yield ledger
    ledger.close()


def segment(sequence: int, start: datetime, seconds: float = 60, **changes: Any) -> Segment:
    return replace(
        Segment(
            sequence=sequence,
            camera="cam",
            stamp_at=start,
            start_at=start,
            end_at=start + timedelta(seconds=seconds),
            size_bytes=1000 + sequence,
            state=SegmentState.SEALED,
            digest=bytes([sequence % 256]) * 32,
        ),
        **changes,
    )


def record(segments: list[Segment], rule: EraseRule = EraseRule.RETENTION) -> PurgeRecord:
    return PurgeRecord.of(
        segments,
        camera="cam",
        rule=rule,
        method="unlinked, key destroyed",
        keys_destroyed=1,
        run="run-1",
        erased_from=START,
        erased_to=START + timedelta(seconds=2),
    )


def test_the_digest_is_what_the_design_writes_down() -> None:
    listed = [segment(7, START), segment(3, START, state=SegmentState.OPEN, digest=b"")]

    def field(content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + content

    expected = hashlib.sha256(
        field(b"camera-steward/ledger/segment-list/1")
        + field(struct.pack(">q", 2))
        + field(struct.pack(">q", 3))
        + field(b"")
        + field(struct.pack(">q", 7))
        + field(b"\x07" * 32)
    ).hexdigest()
    assert list_digest(listed) == list_digest(reversed(listed)) == expected


_lists = st.dictionaries(st.integers(1, 6), st.binary(max_size=3), max_size=4)


@given(_lists, _lists)
def test_the_digest_stands_for_one_list(one: dict[int, bytes], other: dict[int, bytes]) -> None:
    digests = [
        list_digest(segment(number, START, digest=each) for number, each in listed.items())
        for listed in (one, other)
    ]
    assert (digests[0] == digests[1]) == (one == other)


def test_spans_are_merged_where_the_recording_went_on() -> None:
    def at(seconds: float) -> datetime:
        return START + timedelta(seconds=seconds)

    spans = [(at(60.04), at(120)), (at(0), at(60)), (at(10), at(20)), (at(122), at(180))]
    assert merge_spans(spans) == ((at(0), at(120)), (at(122), at(180)))
    assert merge_spans(spans, timedelta(seconds=2)) == ((at(0), at(180)),)
    assert merge_spans([]) == ()


@given(st.lists(st.tuples(st.integers(0, 500), st.integers(0, 90)), max_size=20))
def test_merged_spans_cover_the_same_time_in_order(pairs: list[tuple[int, int]]) -> None:
    spans = [
        (START + timedelta(seconds=start), START + timedelta(seconds=start + length))
        for start, length in pairs
    ]
    merged = merge_spans(spans)
    assert all(any(a <= start and end <= b for a, b in merged) for start, end in spans)
    assert all(one[1] + timedelta(seconds=1) < other[0] for one, other in pairwise(merged))
    assert {each for span in merged for each in span} <= {each for span in spans for each in span}


def test_a_record_is_made_of_what_was_erased() -> None:
    made = record([segment(2, START + timedelta(seconds=60)), segment(1, START)])
    assert made.spans == ((START, START + timedelta(seconds=120)),)
    assert (made.count, made.size_bytes) == (2, 2003)
    assert made.kind is EntryKind.PURGE
    assert record([], EraseRule.DECOMMISSION).kind is EntryKind.PURGE
    assert record([], EraseRule.SPACE).kind is EntryKind.EVICTION


def enter(ledger: Ledger, made: PurgeRecord, at: datetime) -> None:
    ledger.append(made.kind, actor="steward", subject=made.camera, data=made.to_data(), at=at)


def test_the_purge_register_gives_back_what_was_entered(ledger: Ledger) -> None:
    first = record([segment(1, START), segment(2, START + DAY)])
    second = replace(record([segment(3, START)], EraseRule.SPACE), camera="other")
    third = record([segment(4, START)], EraseRule.DECOMMISSION)
    enter(ledger, first, START)
    ledger.append(EntryKind.STATEMENT, actor="steward", at=START)
    enter(ledger, second, START + DAY)
    enter(ledger, third, START + 2 * DAY)

    whole = list(purge_register(ledger, START, START + 3 * DAY))
    assert whole == [first, second, third]
    assert [each.entry for each in whole] == [1, 3, 4]
    assert list(purge_register(ledger, START, START + DAY)) == [first]
    assert list(purge_register(ledger, START + DAY, START + 3 * DAY, "cam")) == [third]


@pytest.mark.parametrize(
    "change",
    [
        {"rule": "whim"},
        {"rule": None},
        {"camera": 1},
        {"count": "1"},
        {"count": True},
        {"spans": None},
        {"spans": [["2026-11-22T00:00:00+00:00"]]},
        {"spans": ["ab"]},
        {"spans": [["2026-11-22T00:00:00", "2026-11-22T00:00:01"]]},
        {"erased_from": "soon"},
    ],
)
def test_an_entry_that_holds_no_record_is_refused(change: dict[str, Json]) -> None:
    data = record([segment(1, START)]).to_data()
    assert PurgeRecord.from_data(data) == record([segment(1, START)])
    with pytest.raises(LedgerBrokenError):
        PurgeRecord.from_data(data | change)


def test_a_time_of_another_zone_reads_as_utc() -> None:
    data = record([]).to_data() | {"erased_from": "2026-11-22T12:00:00+09:00"}
    assert PurgeRecord.from_data(data).erased_from == datetime(2026, 11, 22, 3, tzinfo=UTC)
    assert PurgeRecord.from_data(data).erased_from.tzinfo is UTC


def statement(past_limit: int = 0) -> StatementRecord:
    return StatementRecord(
        run="walk-1",
        walked_from=START,
        walked_to=START + timedelta(seconds=9),
        cameras=(
            CameraStatement(
                camera="cam",
                limit=timedelta(days=7),
                segments=10,
                size_bytes=100,
                oldest_at=START - DAY,
                past_limit=past_limit,
            ),
            CameraStatement(
                camera="empty",
                limit=timedelta(hours=1),
                segments=0,
                size_bytes=0,
                oldest_at=None,
                past_limit=0,
            ),
        ),
        strangers=2,
    )


def test_statements_give_back_what_was_entered(ledger: Ledger) -> None:
    made = [statement(), statement(3)]
    for each in made:
        ledger.append(EntryKind.STATEMENT, actor="steward", data=each.to_data())
    read = list(statements(ledger, START, START + DAY))
    assert read == made
    assert [(each.entry, each.past_limit) for each in read] == [(1, 0), (2, 3)]
    assert list(statements(ledger, START + DAY, START + 2 * DAY)) == []


@pytest.mark.parametrize("change", [{"cameras": [1]}, {"cameras": [{}]}, {"strangers": None}])
def test_an_entry_that_holds_no_statement_is_refused(change: dict[str, Json]) -> None:
    with pytest.raises(LedgerBrokenError):
        StatementRecord.from_data(statement().to_data() | change)
