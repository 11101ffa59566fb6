"""The ledger appends durably, in order, once for a key, and never behind a break (INV-5)."""

import hashlib
import json
import struct
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

from custom_components.camera_steward.core.errors import LedgerBrokenError
from custom_components.camera_steward.core.ledger.entry import (
    Checkpoint,
    canonical,
    encode,
    fingerprint,
)
from custom_components.camera_steward.core.ledger.store import EntryKind, Json, Ledger
from custom_components.camera_steward.core.ledger.verify import Break

from .ledgers import (
    KEY,
    START,
    StepClock,
    check,
    copy,
    ledger_at,
    names,
    raw,
    rechain,
    rehash,
    replace_rows,
    rows,
    write_rows,
)


@pytest.fixture(name="path")
def path_fixture(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


@pytest.fixture(name="ledger")
def ledger_fixture(path: Path) -> Iterator[Ledger]:
    ledger = ledger_at(path)
    yield ledger
    ledger.close()


def some(ledger: Ledger, count: int) -> None:
    for number in range(count):
        ledger.append(EntryKind.PURGE, actor="steward", subject="cam", data={"n": number})


def put_back(path: Path, older: Path) -> None:
    """Make a file what it was, while it is open."""
    held = rows(older)
    with raw(older) as connection:
        head = connection.execute("SELECT * FROM head").fetchone()
    replace_rows(path, held)
    with raw(path) as connection:
        connection.execute("DELETE FROM head")
        connection.execute("INSERT INTO head VALUES (?, ?, ?, ?, ?)", head)


def test_an_entry_reads_back_as_it_was_returned(path: Path, ledger: Ledger) -> None:
    at = datetime(2026, 11, 22, 12, 0, 0, 1, tzinfo=UTC)
    data: dict[str, Json] = {
        "z": [1, None, True],
        "a": {"日本": "語", "x": '\u0000\n"'},
        "big": 2**70,
    }
    first = ledger.append(
        EntryKind.CAMERA_ADDED, actor="user-1", subject="駐車場", data=data, at=at, key="k"
    )
    second = ledger.append(EntryKind.FINDING, actor="steward")
    assert (first.id, second.id) == (1, 2)
    assert (first.at, first.data, first.key) == (at, data, "k")
    assert second.previous == first.hash
    assert (second.subject, second.data, second.key) == ("", {}, None)
    ledger.close()
    again = ledger_at(path)
    assert list(again.entries()) == [first, second]
    again.close()


def test_the_hash_is_what_the_design_writes_down(path: Path, ledger: Ledger) -> None:
    """Built here from the byte table of docs/design/ledger.md, with nothing of the ledger's own."""
    entry = ledger.append(
        EntryKind.STATEMENT, actor="steward", subject="cam", data={"b": 1, "a": "é"}, key="日"
    )
    with raw(path) as connection:
        chain, count, head, signature = connection.execute(
            "SELECT chain, count, hash, signature FROM head"
        ).fetchone()

    def field(content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + content

    public = KEY.public_key().public_bytes_raw()
    first = hashlib.sha256(
        field(b"camera-steward/ledger/chain/1") + field(chain.encode()) + field(public)
    ).hexdigest()
    assert entry.previous == first
    micros = int((entry.at - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(microseconds=1))
    assert (
        entry.hash
        == hashlib.sha256(
            field(b"camera-steward/ledger/entry/1")
            + field(struct.pack(">q", 1))
            + field(struct.pack(">q", micros))
            + field(b"steward")
            + field(b"statement")
            + field(b"cam")
            + field('{"a":"é","b":1}'.encode())
            + field("日".encode())
            + field(first.encode())
        ).hexdigest()
    )
    assert (count, head) == (1, entry.hash)
    KEY.public_key().verify(
        bytes.fromhex(signature),
        field(b"camera-steward/ledger/head/1")
        + field(chain.encode())
        + field(struct.pack(">q", 1))
        + field(head.encode()),
    )


_fields = st.lists(st.none() | st.binary(max_size=6), max_size=5)


@given(_fields, _fields)
def test_no_two_lists_of_fields_are_encoded_alike(
    one: list[bytes | None], other: list[bytes | None]
) -> None:
    assert (encode(*one) == encode(*other)) == (one == other)


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(st.characters(exclude_categories=["Cs"])),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner)
        ),
        max_leaves=8,
    )
)
def test_canonical_text_is_one_for_equal_data_and_reads_back(value: Any) -> None:
    text = canonical({"b": value, "a": 1})
    assert text == canonical({"a": 1, "b": value})
    assert json.loads(text) == {"a": 1, "b": value}
    assert canonical(json.loads(text)) == text


@pytest.mark.parametrize(
    "data",
    [
        {"x": float("nan")},
        {"x": float("inf")},
        {"x": "\ud800"},
        {"x": {1: 2}},
        {"x": {1, 2}},
        {"x": b"y"},
    ],
)
def test_data_that_has_no_one_text_is_refused_and_nothing_is_added(
    ledger: Ledger, data: Any
) -> None:
    with pytest.raises((ValueError, TypeError)):
        ledger.append(EntryKind.FINDING, actor="steward", data=data)
    assert list(ledger.entries()) == []


def test_a_time_without_zone_is_refused(ledger: Ledger) -> None:
    with pytest.raises(TypeError):
        ledger.append(EntryKind.FINDING, actor="steward", at=START.replace(tzinfo=None))
    assert ledger.append(EntryKind.FINDING, actor="steward").id == 1


def test_a_key_is_entered_once_also_after_reopening(path: Path, ledger: Ledger) -> None:
    first = ledger.append(EntryKind.PURGE, actor="steward", data={"n": 1}, key="run-1")
    some(ledger, 3)
    assert ledger.append(EntryKind.PURGE, actor="x", data={"n": 2}, key="run-1") == first
    ledger.close()
    again = ledger_at(path)
    assert again.append(EntryKind.PURGE, actor="x", key="run-1") == first
    assert again.append(EntryKind.PURGE, actor="steward", key="run-2").id == 5
    again.close()
    assert check(path).sound


def test_a_forged_row_with_a_key_to_come_keeps_no_entry_out(path: Path, ledger: Ledger) -> None:
    """Whoever can write the file could else make a purge go unrecorded."""
    some(ledger, 5)
    held = rows(path)
    held[1] |= {"key": "run-9"}
    held[3] = rehash(held[3] | {"key": "run-8"})
    replace_rows(path, held)
    for key in ("run-9", "run-8"):
        entry = ledger.append(EntryKind.PURGE, actor="steward", data={"true": 1}, key=key)
        assert entry.data == {"true": 1}
        assert ledger.append(EntryKind.PURGE, actor="steward", key=key) == entry
    found = check(path)
    assert names(found, Break.CHANGED) == [2]
    assert names(found, Break.UNLINKED) == [5]


def test_eight_threads_append_in_one_unbroken_order(path: Path, ledger: Ledger) -> None:
    each_count, threads = 25, 8
    barrier = threading.Barrier(threads)
    made: dict[int, list[int]] = {}

    def work(thread: int) -> None:
        barrier.wait()
        made[thread] = []
        for number in range(each_count):
            entry = ledger.append(
                EntryKind.PURGE, actor=f"thread-{thread}", data={"number": number}
            )
            made[thread].append(entry.id)
            ledger.append(EntryKind.FINDING, actor="any", key=f"shared-{number}")

    workers = [threading.Thread(target=work, args=(each,)) for each in range(threads)]
    for each in workers:
        each.start()
    for each in workers:
        each.join()

    entries = list(ledger.entries())
    assert [each.id for each in entries] == list(range(1, (threads + 1) * each_count + 1))
    assert [each.at for each in entries] == sorted(each.at for each in entries)
    for thread in range(threads):
        own = [each for each in entries if each.actor == f"thread-{thread}"]
        assert [each.data["number"] for each in own] == list(range(each_count))
        assert [each.id for each in own] == made[thread]
    assert check(path).sound


def test_threads_with_connections_of_their_own_never_build_on_the_same_entry(path: Path) -> None:
    """As another process would: only the database's lock keeps them apart."""
    ledgers = [ledger_at(path) for _ in range(4)]
    barrier = threading.Barrier(len(ledgers))
    errors: list[Exception] = []

    def work(each: Ledger) -> None:
        barrier.wait()
        try:
            some(each, 15)
        except Exception as err:
            errors.append(err)

    workers = [threading.Thread(target=work, args=(each,)) for each in ledgers]
    for each in workers:
        each.start()
    for each in workers:
        each.join()
    assert errors == []
    assert [each.id for each in ledgers[0].entries()] == list(range(1, 61))
    for held in ledgers:
        held.close()
    assert check(path).sound


def test_two_that_hold_the_same_file_take_turns(path: Path, ledger: Ledger) -> None:
    other = ledger_at(path)
    for _ in range(5):
        some(ledger, 1)
        some(other, 2)
    other.close()
    assert [each.id for each in ledger.entries()] == list(range(1, 16))
    assert check(path).sound


def test_a_checkpoint_attests_to_the_state_before_its_entry(path: Path, ledger: Ledger) -> None:
    some(ledger, 3)
    made = ledger.checkpoint()
    entries = list(ledger.entries())
    assert (made.count, made.hash) == (3, entries[2].hash)
    assert made.signer == fingerprint(KEY.public_key())
    assert made.is_signed_by(KEY.public_key())
    assert entries[3].kind is EntryKind.CHECKPOINT
    assert Checkpoint.from_data(entries[3].data) == made
    assert Checkpoint.from_json(made.to_json()) == made
    assert check(path, [made]).sound


def test_attesting_adds_nothing(path: Path, ledger: Ledger) -> None:
    some(ledger, 3)
    made = ledger.attest()
    assert (made.count, len(rows(path))) == (3, 3)
    assert check(path, [made]).sound


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"count":"1"}', "null", '{"count":true}', b"\xff", "[" * 100_000]
)
def test_what_is_no_checkpoint_is_refused(text: str | bytes) -> None:
    with pytest.raises(LedgerBrokenError):
        Checkpoint.from_json(text)


def test_a_checkpoint_without_zone_is_refused(ledger: Ledger) -> None:
    made = ledger.attest().to_data()
    with pytest.raises(LedgerBrokenError):
        Checkpoint.from_data(made | {"at": "2026-11-22T03:04:05"})


# Refusing


def test_nothing_is_added_behind_a_break_at_the_end(path: Path, ledger: Ledger) -> None:
    some(ledger, 4)
    original = rows(path)
    breaks: list[tuple[str, list[dict[str, Any]]]] = [
        ("changed", [*original[:3], original[3] | {"actor": "mayor"}]),
        ("head_differs", rechain([*original[:3], original[3] | {"actor": "mayor"}], 3)),
        ("removed", original[:3]),
        ("removed", []),
        ("inserted", [*original, rehash(original[3] | {"id": 5, "key": None})]),
        ("unreadable", [*original[:3], original[3] | {"actor": b"steward"}]),
    ]
    for said, broken in breaks:
        replace_rows(path, broken)
        for append in (
            lambda: ledger.append(EntryKind.PURGE, actor="steward"),
            ledger.checkpoint,
            ledger.attest,
        ):
            with pytest.raises(LedgerBrokenError, match=said):
                append()
        assert rows(path) == broken
    replace_rows(path, original)
    assert ledger.append(EntryKind.PURGE, actor="steward").id == 5


def test_nothing_is_added_under_a_forged_head(path: Path, ledger: Ledger) -> None:
    some(ledger, 4)
    with raw(path) as connection:
        connection.execute("UPDATE head SET count = 3, hash = ?", (rows(path)[2]["hash"],))
    replace_rows(path, rows(path)[:3])
    ledger.close()
    again = ledger_at(path)
    with pytest.raises(LedgerBrokenError, match="head_forged"):
        again.append(EntryKind.PURGE, actor="steward")
    again.close()


def test_a_file_put_back_under_a_running_ledger_is_noticed(
    tmp_path: Path, path: Path, ledger: Ledger
) -> None:
    some(ledger, 2)
    older = copy(path, tmp_path / "older.db")
    some(ledger, 3)
    put_back(path, older)
    assert check(path).sound
    with pytest.raises(LedgerBrokenError, match=r"rolled_back 3 \(5\)"):
        ledger.append(EntryKind.PURGE, actor="steward")

    # Nor when another process has gone on from the older state meanwhile.
    other = ledger_at(path)
    some(other, 3)
    with pytest.raises(LedgerBrokenError, match="checkpoint_differs 5"):
        ledger.append(EntryKind.PURGE, actor="steward")
    other.close()

    found = ledger.resume()
    assert found is not None
    assert names(found, Break.CHECKPOINT_DIFFERS) == [5]
    assert ledger.append(EntryKind.PURGE, actor="steward").id == 7
    assert {str(each) for each in check(path).broken} == {"continued 6"}


def test_another_ledger_put_in_place_of_a_running_one_is_noticed(
    tmp_path: Path, path: Path, ledger: Ledger
) -> None:
    some(ledger, 2)
    other = ledger_at(tmp_path / "other.db")
    some(other, 6)
    other.close()
    put_back(path, tmp_path / "other.db")
    with pytest.raises(LedgerBrokenError, match="other_chain"):
        ledger.append(EntryKind.PURGE, actor="steward")


# Continuing


def test_a_sound_ledger_is_not_resumed(path: Path, ledger: Ledger) -> None:
    some(ledger, 2)
    assert ledger.resume() is None
    assert len(rows(path)) == 2


def test_a_resumed_ledger_keeps_what_was_there_and_reports_the_break_ever_after(
    path: Path, ledger: Ledger
) -> None:
    some(ledger, 6)
    with raw(path) as connection:
        connection.execute("DELETE FROM entries WHERE id > 4")
    left = rows(path)
    ledger.close()
    again = ledger_at(path)
    found = again.resume()
    assert found is not None
    assert [str(each) for each in found.broken] == ["removed 5 (6)"]
    some(again, 2)

    entries = list(again.entries())
    assert [each.id for each in entries] == [1, 2, 3, 4, 7, 8, 9]
    assert rows(path)[:4] == left
    noted = entries[4]
    assert noted.kind is EntryKind.LEDGER_CONTINUED
    assert noted.data["findings"] == [{"entry": 5, "last": 6, "what": "removed"}]
    assert noted.data["found"] == 1
    head = noted.data["head"]
    assert isinstance(head, dict)
    assert head["count"] == 6
    again.close()
    for _ in range(2):
        assert {str(each) for each in check(path).broken} == {"removed 5 (6)", "continued 7"}


@pytest.mark.parametrize(
    "damage",
    [
        "DELETE FROM head",
        "DELETE FROM entries",
        "DELETE FROM entries; DELETE FROM head WHERE 0",
        "UPDATE head SET count = 2",
        "UPDATE head SET chain = 'x'",
        "UPDATE head SET chain = x'00', count = 'many'",
        "UPDATE head SET hash = CAST(x'ff' AS TEXT)",
        "UPDATE entries SET actor = 'mayor' WHERE id = 4",
        "UPDATE entries SET hash = x'00' WHERE id = 4",
        "UPDATE entries SET hash = CAST(x'ff' AS TEXT) WHERE id = 4",
        "UPDATE entries SET id = 40 WHERE id = 4",
        "UPDATE entries SET id = -40 WHERE id = 4",
        "UPDATE entries SET id = 5 WHERE id = 4",
    ],
)
def test_whatever_was_done_to_the_end_the_ledger_goes_on_and_does_not_forget(
    path: Path, ledger: Ledger, damage: str
) -> None:
    some(ledger, 4)
    outside = ledger.attest()
    ledger.close()
    with raw(path) as connection:
        connection.executescript(damage)
        kept = set(connection.execute("SELECT id FROM entries"))
    again = ledger_at(path)
    found = again.resume([outside])
    assert found is not None
    assert not found.sound
    entry = again.append(EntryKind.PURGE, actor="steward", key="after")
    assert again.append(EntryKind.PURGE, actor="steward", key="after") == entry
    assert again.resume() is None
    again.close()
    with raw(path) as connection:
        assert kept < set(connection.execute("SELECT id FROM entries"))
    later = check(path, [outside])
    assert entry.id - 1 in names(later, Break.CONTINUED)
    assert later.entries == len(kept) + 2


def test_a_number_that_leaves_no_room_is_not_continued(path: Path, ledger: Ledger) -> None:
    some(ledger, 4)
    with raw(path) as connection:
        connection.execute("UPDATE entries SET id = ? WHERE id = 4", (2**63 - 1,))
    with pytest.raises(LedgerBrokenError):
        ledger.resume()


def test_a_change_further_back_does_not_stop_the_ledger_and_stays_reported(
    path: Path, ledger: Ledger
) -> None:
    some(ledger, 6)
    write_rows(path, rows(path)[2] | {"actor": "mayor"})
    some(ledger, 2)
    assert ledger.resume() is None
    assert [str(each) for each in check(path).broken] == ["changed 3"]


# Reading


def test_entries_are_found_by_kind_subject_and_time(ledger: Ledger) -> None:
    def at(minutes: int) -> datetime:
        return START + timedelta(minutes=minutes)

    for minutes, kind, subject in (
        (5, EntryKind.PURGE, "a"),
        (1, EntryKind.EVICTION, "a"),
        (3, EntryKind.PURGE, "b"),
        (3, EntryKind.STATEMENT, ""),
        (4, EntryKind.EVICTION, "b"),
        (1, EntryKind.PURGE, "a"),
    ):
        ledger.append(kind, actor="steward", subject=subject, at=at(minutes))

    def found(**wanted: Any) -> list[int]:
        return [each.id for each in ledger.entries(**wanted)]

    both = (EntryKind.PURGE, EntryKind.EVICTION)
    assert found() == [1, 2, 3, 4, 5, 6]
    assert found(kinds=both) == [2, 6, 3, 5, 1]
    assert found(kinds=both, since=at(3), until=at(5)) == [3, 5]
    assert found(kinds=both, subject="a") == [2, 6, 1]
    assert found(since=at(4)) == [1, 5]
    assert found(kinds=()) == []


def test_reading_goes_on_over_many_pages_while_others_append(ledger: Ledger) -> None:
    same = START + timedelta(days=1)
    for _ in range(1203):
        ledger.append(EntryKind.PURGE, actor="steward", at=same)
    read = []
    for each in ledger.entries((EntryKind.PURGE,), until=same + timedelta(seconds=1)):
        if each.id % 400 == 0:
            ledger.append(EntryKind.STATEMENT, actor="steward")
        read.append(each.id)
    assert read == list(range(1, 1204))
    assert len(list(ledger.entries())) == 1206


def test_an_entry_of_a_newer_version_can_be_read(path: Path, ledger: Ledger) -> None:
    some(ledger, 1)
    write_rows(path, rehash(rows(path)[0] | {"kind": "pledge_given"}))
    (entry,) = ledger.entries()
    assert entry.kind == "pledge_given"
    assert not isinstance(entry.kind, EntryKind)


@pytest.mark.parametrize("change", [{"data": "[]"}, {"data": "{"}, {"at": 2**62}, {"actor": b"x"}])
def test_an_entry_that_cannot_be_what_was_written_is_refused(
    path: Path, ledger: Ledger, change: dict[str, Any]
) -> None:
    some(ledger, 1)
    write_rows(path, rows(path)[0] | change)
    with pytest.raises(LedgerBrokenError, match="entry 1"):
        list(ledger.entries())


def test_the_clock_gives_the_time_unless_the_caller_does(path: Path) -> None:
    ledger = ledger_at(path, StepClock())
    entry = ledger.append(EntryKind.PURGE, actor="steward")
    ledger.close()
    assert entry.at == START + timedelta(seconds=1)
