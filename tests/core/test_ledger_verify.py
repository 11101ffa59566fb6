"""INV-5: every change, removal, reordering, insertion and rollback is found, and named."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, override

import pytest

from custom_components.camera_steward.core.database import Database
from custom_components.camera_steward.core.ledger.entry import Checkpoint
from custom_components.camera_steward.core.ledger.store import METADATA, EntryKind, Ledger
from custom_components.camera_steward.core.ledger.tables import Head
from custom_components.camera_steward.core.ledger.verify import (
    Break,
    Finding,
    Level,
    Verification,
    verify,
)

from .ledgers import (
    KEY,
    OTHER_KEY,
    StepClock,
    Values,
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

COUNT = 12
INNER = 6
"""Where the checkpoint entry is."""


@pytest.fixture(name="path")
def path_fixture(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


@pytest.fixture(name="outside")
def outside_fixture(path: Path) -> list[Checkpoint]:
    """Make a ledger of twelve entries and keep what was attested to: 3, 5 and 12 entries."""
    ledger = ledger_at(path)
    kept = []
    for number in range(1, COUNT + 1):
        if number == INNER:
            kept.append(ledger.checkpoint())
        else:
            ledger.append(
                EntryKind.PURGE,
                actor="steward",
                subject="cam",
                data={"n": number},
                key=f"k{number}",
            )
        if number in {3, COUNT}:
            kept.append(ledger.attest())
    ledger.close()
    return kept


def row(path: Path, number: int) -> Values:
    return next(each for each in rows(path) if each["id"] == number)


def forged(number: int) -> Values:
    return {
        "id": number,
        "at": 1,
        "actor": "mayor",
        "kind": "purge",
        "subject": "cam",
        "data": "{}",
        "key": None,
        "previous": "",
        "hash": "",
    }


def found(path: Path, outside: list[Checkpoint] | None = None) -> set[str]:
    return {str(each) for each in check(path, outside or ()).broken}


def test_an_untouched_ledger_is_sound_at_every_level(path: Path, outside: list[Checkpoint]) -> None:
    read = {level: check(path, outside, level) for level in Level}
    assert all(each.sound for each in read.values())
    assert read[Level.FULL].entries == COUNT
    assert read[Level.RECENT].entries == 0
    assert check(path, outside[:1], Level.RECENT).entries == COUNT - 3


@pytest.mark.parametrize("number", [1, 5, INNER, COUNT])
@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("at", 1_700_000_000_000_000),
        ("actor", "somebody"),
        ("kind", "statement"),
        ("subject", "other"),
        ("data", '{"n":0}'),
        ("data", "no json"),
        ("key", "another"),
        ("previous", "00" * 32),
        ("hash", "00" * 32),
        ("hash", ""),
    ],
)
def test_a_changed_field_is_named(
    path: Path, outside: list[Checkpoint], number: int, column: str, value: object
) -> None:
    write_rows(path, row(path, number) | {column: value})
    assert number in names(check(path), Break.CHANGED)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("at", "yesterday"),
        ("at", b"\x00"),
        ("at", 0.5),
        ("actor", b"steward"),
        ("subject", b"\xff\xfe"),
        ("data", b"{}"),
        ("key", b"k"),
        ("hash", b""),
    ],
)
def test_a_value_of_another_type_is_named_and_hides_nothing_else(
    path: Path, outside: list[Checkpoint], column: str, value: object
) -> None:
    write_rows(path, row(path, 4) | {column: value}, row(path, 9) | {"actor": "x"})
    seen = check(path)
    assert names(seen, Break.UNREADABLE) == [4]
    assert names(seen, Break.CHANGED) == [9]
    assert seen.entries == COUNT


def test_a_text_that_is_no_utf8_is_named_and_hides_nothing_else(
    path: Path, outside: list[Checkpoint]
) -> None:
    with raw(path) as connection:
        connection.execute("UPDATE entries SET data = CAST(x'fffe' AS TEXT) WHERE id = 4")
    write_rows(path, row_without_data(path, 9))
    seen = check(path)
    assert names(seen, Break.UNREADABLE) == [4]
    assert names(seen, Break.CHANGED) == [9]


def row_without_data(path: Path, number: int) -> Values:
    """Read one row that can be read, and change it."""
    with raw(path) as connection:
        got = connection.execute("SELECT * FROM entries WHERE id = ?", (number,))
        columns = [each[0] for each in got.description]
        return dict(zip(columns, got.fetchone(), strict=True)) | {"data": "{}"}


def test_a_rehashed_entry_no_longer_carries_the_next(path: Path, outside: list[Checkpoint]) -> None:
    write_rows(path, rehash(row(path, 4) | {"actor": "mayor"}))
    assert found(path) == {"unlinked 5"}


@pytest.mark.parametrize(
    ("gone", "said"),
    [
        ([1], "removed 1 (1)"),
        ([1, 2, 3], "removed 1 (3)"),
        ([5], "removed 5 (5)"),
        ([5, 6, 7], "removed 5 (7)"),
        ([COUNT], "removed 12 (12)"),
        ([10, 11, 12], "removed 10 (12)"),
        (list(range(1, COUNT + 1)), "removed 1 (12)"),
    ],
)
def test_removed_entries_are_named(
    path: Path, outside: list[Checkpoint], gone: list[int], said: str
) -> None:
    with raw(path) as connection:
        connection.executemany("DELETE FROM entries WHERE id = ?", [(each,) for each in gone])
    assert found(path) == {said}


def test_closing_the_hole_by_renumbering_names_what_was_moved(
    path: Path, outside: list[Checkpoint]
) -> None:
    kept = [each for each in rows(path) if each["id"] != 5]
    replace_rows(path, [each | {"id": place} for place, each in enumerate(kept, 1)])
    seen = check(path)
    assert names(seen, Break.MOVED) == [5, *range(6, COUNT)]
    assert Finding(entry=COUNT, what=Break.REMOVED, last=COUNT) in seen.broken


def test_swapped_entries_are_named_with_where_they_belong(
    path: Path, outside: list[Checkpoint]
) -> None:
    one, other = row(path, 3), row(path, 8)
    write_rows(path, one | {"id": 8}, other | {"id": 3})
    assert set(check(path).broken) == {
        Finding(entry=3, what=Break.MOVED, last=8),
        Finding(entry=8, what=Break.MOVED, last=3),
    }


def test_a_forged_entry_at_the_end_is_named(path: Path, outside: list[Checkpoint]) -> None:
    write_rows(path, rehash(forged(COUNT + 1) | {"previous": row(path, COUNT)["hash"]}))
    assert found(path) == {"inserted 13"}


@pytest.mark.parametrize("number", [0, -1, -(2**63) + 1, 2**63 - 1])
def test_a_forged_entry_with_a_number_out_of_the_way_is_named(
    path: Path, outside: list[Checkpoint], number: int
) -> None:
    write_rows(path, forged(number))
    assert found(path) == {f"inserted {number}"}


def test_a_number_used_twice_is_named_though_the_table_no_longer_forbids_it(
    path: Path, outside: list[Checkpoint]
) -> None:
    with raw(path) as connection:
        connection.executescript(
            """
            CREATE TABLE loose AS SELECT * FROM entries;
            INSERT INTO loose SELECT * FROM entries WHERE id = 7;
            DROP TABLE entries;
            ALTER TABLE loose RENAME TO entries;
            """
        )
    assert "inserted 7" in found(path)


def test_an_entry_forged_into_the_middle_with_every_hash_recomputed_is_found(
    path: Path, outside: list[Checkpoint]
) -> None:
    held = rows(path)
    shifted = [each | {"id": each["id"] + 1} for each in held[7:]]
    replace_rows(path, rechain([*held[:7], forged(8), *shifted], 7))
    assert found(path) == {"inserted 13", "head_differs 12"}
    assert "checkpoint_differs 12" in found(path, outside)


def test_history_rewritten_with_every_hash_recomputed_is_found(
    path: Path, outside: list[Checkpoint]
) -> None:
    held = rows(path)
    held[3] |= {"actor": "mayor"}
    replace_rows(path, rechain(held, 3))
    # The checkpoint entry and what is kept outside narrow down where: after 3, up to 5.
    assert found(path, outside) == {
        "checkpoint_differs 5",
        f"checkpoint_differs {INNER}",
        "head_differs 12",
        "checkpoint_differs 12",
    }


def test_a_rewritten_checkpoint_entry_is_not_signed(path: Path, outside: list[Checkpoint]) -> None:
    held = rows(path)
    held[3] |= {"actor": "mayor"}
    held = rechain(held, 3)
    data = json.loads(held[INNER - 1]["data"])
    data["hash"] = held[INNER - 2]["hash"]
    held[INNER - 1] |= {"data": json.dumps(data, sort_keys=True, separators=(",", ":"))}
    replace_rows(path, rechain(held, INNER - 1))
    assert f"checkpoint_forged {INNER}" in found(path)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("chain", "00" * 16),
        ("count", COUNT - 1),
        ("count", COUNT + 1),
        ("count", -5),
        ("count", "many"),
        ("hash", "00" * 32),
        ("signature", "00" * 64),
        ("signature", "no hexadecimal"),
        ("signature", b""),
    ],
)
def test_a_changed_head_is_not_signed(
    path: Path, outside: list[Checkpoint], column: str, value: object
) -> None:
    with raw(path) as connection:
        connection.execute(f"UPDATE head SET {column} = ?", (value,))
    for level in Level:
        assert Break.HEAD_FORGED in {each.what for each in check(path, (), level).broken}


def test_a_missing_head_is_named(path: Path, outside: list[Checkpoint]) -> None:
    with raw(path) as connection:
        connection.execute("DELETE FROM head")
    for level in Level:
        assert names(check(path, outside, level), Break.HEAD_MISSING) == [None]


def test_a_head_signed_with_another_key_is_forged(path: Path, outside: list[Checkpoint]) -> None:
    held = rows(path)[:9]
    with raw(path) as connection:
        chain = connection.execute("SELECT chain FROM head").fetchone()[0]
        made = Head.sign(OTHER_KEY, chain, 9, held[-1]["hash"]).columns()
        connection.execute(
            "UPDATE head SET count = :count, hash = :hash, signature = :signature", made
        )
    replace_rows(path, held)
    assert found(path) == {"head_forged"}
    assert "rolled_back 10 (12)" in found(path, outside)


def test_everything_deleted_is_found(path: Path, outside: list[Checkpoint]) -> None:
    with raw(path) as connection:
        connection.executescript("DELETE FROM entries; DELETE FROM head;")
    assert found(path, outside) == {"head_missing", "rolled_back 1 (12)"}


def test_dropped_tables_are_found(path: Path, outside: list[Checkpoint]) -> None:
    with raw(path) as connection:
        connection.executescript("DROP TABLE entries")
    assert found(path) == {"removed 1 (12)"}


def test_an_older_copy_put_back_is_found_through_an_outside_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    ledger = ledger_at(path)
    for _ in range(4):
        ledger.append(EntryKind.PURGE, actor="steward")
    older = copy(path, tmp_path / "older.db")
    for _ in range(3):
        ledger.append(EntryKind.PURGE, actor="steward")
    outside = ledger.checkpoint()
    ledger.close()

    assert check(older).sound
    for level in Level:
        assert found_at(older, [outside], level) == {"rolled_back 5 (7)"}

    # Going on from there does not hide it.
    later = ledger_at(older)
    for _ in range(8):
        later.append(EntryKind.STATEMENT, actor="steward")
    later.close()
    for level in Level:
        assert found_at(older, [outside], level) == {"checkpoint_differs 7"}


def found_at(path: Path, outside: list[Checkpoint], level: Level) -> set[str]:
    return {str(each) for each in check(path, outside, level).broken}


def test_another_ledger_of_the_same_key_is_found(path: Path, tmp_path: Path) -> None:
    ledger = ledger_at(path)
    ledger.append(EntryKind.SITE_CREATED, actor="owner")
    outside = ledger.checkpoint()
    ledger.close()
    other = ledger_at(tmp_path / "other.db")
    for _ in range(5):
        other.append(EntryKind.SITE_CREATED, actor="owner")
    other.close()
    assert found(tmp_path / "other.db", [outside]) == {"other_chain 1"}


def test_a_ledger_that_replaced_another_cannot_replace_a_later_one(tmp_path: Path) -> None:
    """Not even where it says that it replaced one: it must be younger than the checkpoint."""
    clock = StepClock()
    chains = [ledger_at(tmp_path / f"{place}.db", clock) for place in range(3)]
    kept = []
    for place, each in enumerate(chains):
        kind = EntryKind.LEDGER_RESTARTED if place else EntryKind.SITE_CREATED
        each.append(kind, actor="steward")
        kept.append(each.attest())
    second = verify(chains[1].database, KEY.public_key(), kept[:2])
    assert second.sound
    assert second.earlier_chains == 1
    assert names(verify(chains[1].database, KEY.public_key(), kept), Break.OTHER_CHAIN) == [1]
    for each in chains:
        each.close()


def test_a_forged_outside_checkpoint_is_told_from_a_broken_ledger(
    path: Path, outside: list[Checkpoint]
) -> None:
    assert found(path, [replace(outside[0], count=4)]) == {"checkpoint_forged 4"}
    assert found(path, [replace(outside[0], count=2**70)]) == {f"checkpoint_forged {2**70}"}
    forgery = Checkpoint.sign(
        OTHER_KEY, chain=outside[0].chain, count=3, head="00" * 32, at=outside[0].at
    )
    assert found(path, [forgery]) == {"checkpoint_forged 3"}


def test_the_wrong_public_key_fits_nothing(path: Path, outside: list[Checkpoint]) -> None:
    with closing(Database(path, METADATA)) as database:
        seen = verify(database, OTHER_KEY.public_key(), outside)
    assert names(seen, Break.HEAD_FORGED) == [None]


def test_an_index_that_hides_an_entry_is_found(path: Path, outside: list[Checkpoint]) -> None:
    """A register reads by the index; an entry cut out of it alone would be in none."""
    with raw(path) as connection:
        (sql,) = connection.execute(
            "SELECT sql FROM sqlite_master WHERE name = 'entries_by_kind'"
        ).fetchone()
        connection.executescript(
            f"""
            DROP INDEX entries_by_kind;
            {sql} WHERE id <> 7;
            PRAGMA writable_schema = ON;
            UPDATE sqlite_master SET sql = '{sql}' WHERE name = 'entries_by_kind';
            """
        )
    assert found(path) == {"file"}


def test_a_page_that_cannot_be_read_is_named_and_the_rest_still_checked(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    ledger = ledger_at(path)
    for number in range(60):
        ledger.append(EntryKind.PURGE, actor="steward", data={"filling": "x" * 900, "n": number})
    ledger.close()
    write_rows(path, row(path, 55) | {"actor": "mayor"})
    content = bytearray(path.read_bytes())
    place = content.index(b'"n":20')
    page = place - place % 4096
    content[page : page + 4096] = b"\xff" * 4096
    path.write_bytes(content)

    seen = check(path)
    lost = names(seen, Break.UNREADABLE)
    assert 21 in lost
    assert len(lost) < 8
    assert 55 in names(seen, Break.CHANGED)
    assert names(seen, Break.FILE)


def test_findings_are_counted_where_they_are_too_many_to_list(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    ledger_at(path).close()
    replace_rows(path, [forged(number) for number in range(1, 1502)])
    seen = check(path)
    assert len(seen.broken) == 1000
    assert seen.unlisted == 501
    assert seen.entries == 1501


def test_entries_appended_while_checking_look_no_different(path: Path) -> None:
    """The check reads one state: rows that came meanwhile are not taken for insertions."""
    ledger = ledger_at(path)
    for _ in range(3):
        ledger.append(EntryKind.PURGE, actor="steward")
    kept = _AppendingWhileRead(ledger)
    seen: Verification = verify(ledger.database, KEY.public_key(), kept)
    assert seen.sound
    assert seen.entries == 3
    assert len(rows(path)) == 4
    ledger.close()


class _AppendingWhileRead(list[Checkpoint]):
    """Checkpoints that are looked at after the head was read: the moment to append."""

    def __init__(self, ledger: Ledger) -> None:
        super().__init__()
        self._ledger = ledger

    @override
    def __iter__(self) -> Iterator[Any]:
        self._ledger.append(EntryKind.PURGE, actor="steward")
        return super().__iter__()


def test_sqlite_accepts_the_tampering_of_these_tests(path: Path, outside: list[Checkpoint]) -> None:
    """Else they would prove nothing: the file stays a database that anyone can write."""
    with raw(path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        with pytest.raises(sqlite3.IntegrityError):
            connection.execute("UPDATE entries SET actor = NULL")
