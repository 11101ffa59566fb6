"""INV-5 against a model: whatever happens to the ledger or is done to its file, nothing is missed.

The ledger under test appends, closes, opens and loses power. Whoever tampers has a copy of the
file, SQLite and the source of the ledger, but not its key.
"""

import shutil
import sqlite3
import tempfile
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, override

import pytest
from hypothesis import settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from sqlalchemy import event

from custom_components.camera_steward.core.ledger.entry import Checkpoint, Entry
from custom_components.camera_steward.core.ledger.opening import open_ledger
from custom_components.camera_steward.core.ledger.store import EntryKind, Json, Ledger
from custom_components.camera_steward.core.ledger.verify import Break, Level, Verification, verify

from .ledgers import (
    COLUMNS,
    KEY,
    OTHER_KEY,
    START,
    StepClock,
    Values,
    check,
    copy,
    covers,
    names,
    raw,
    rechain,
    replace_rows,
    rows,
    write_rows,
)

pytestmark = pytest.mark.timeout(900)

_texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
_data: st.SearchStrategy[dict[str, Json]] = st.dictionaries(
    _texts, st.none() | st.integers() | _texts | st.lists(st.booleans(), max_size=2), max_size=3
)
# What the ledger alone writes: from another hand, a check reports it.
_KINDS = sorted(set(EntryKind) - {EntryKind.CHECKPOINT, EntryKind.LEDGER_CONTINUED})
_keys = st.none() | st.integers(0, 9).map("run-{}".format)
_values = (
    st.none()
    | st.integers(-(2**63), 2**63 - 1)
    | st.integers(-2, 30)
    | st.floats(allow_nan=False)
    | _texts
    | st.binary(max_size=8)
    | st.sampled_from(["steward", "purge", "checkpoint", "ledger_continued", "{}", "run-3"])
)


class _PowerCutError(Exception):
    """Stands for the moment after which nothing runs."""


class LedgerMachine(RuleBasedStateMachine):
    """A ledger, a list of the entries that it must hold, and what was kept outside."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = Path(tempfile.mkdtemp(prefix="ledger-"))
        self.clock = StepClock()
        self.files = 0
        self.model: list[Entry] = []
        self.outside: list[Checkpoint] = []
        self.older: list[tuple[Path, int]] = []
        self.path = self.new_path()
        self.ledger = self.opened(self.path)

    @override
    def teardown(self) -> None:
        self.ledger.close()
        self.read_everything(check(self.path, self.outside))
        shutil.rmtree(self.directory)

    def new_path(self) -> Path:
        self.files += 1
        folder = self.directory / str(self.files)
        folder.mkdir()
        return folder / "ledger.db"

    def opened(self, path: Path) -> Ledger:
        ledger, reason = open_ledger(path, self.clock, KEY)
        assert reason is None
        return ledger

    def read_everything(self, found: Verification) -> None:
        assert found.broken == ()
        assert found.entries == len(self.model)

    # What the ledger is for

    @rule(
        kind=st.sampled_from(_KINDS),
        actor=_texts,
        subject=_texts,
        data=_data,
        key=_keys,
        ago=st.none() | st.integers(0, 10**9),
    )
    def append(
        self,
        kind: EntryKind,
        actor: str,
        subject: str,
        data: dict[str, Json],
        key: str | None,
        ago: int | None,
    ) -> None:
        at = None if ago is None else START - timedelta(microseconds=ago)
        entry = self.ledger.append(kind, actor=actor, subject=subject, data=data, key=key, at=at)
        self.take(entry, key)
        if entry is self.model[-1]:
            assert (entry.kind, entry.actor, entry.subject) == (kind, actor, subject)
            assert (entry.data, entry.key) == (data, key)

    def take(self, entry: Entry, key: str | None) -> None:
        known = [each for each in self.model if key is not None and each.key == key]
        if known:
            assert entry == known[0]
            return
        assert entry.id == len(self.model) + 1
        assert all(entry.previous == each.hash for each in self.model[-1:])
        self.model.append(entry)

    @rule()
    def checkpoint(self) -> None:
        made = self.ledger.checkpoint()
        assert made.count == len(self.model)
        self.outside.append(Checkpoint.from_json(made.to_json()))
        self.model.append(list(self.ledger.entries())[-1])

    @rule()
    def attest(self) -> None:
        self.outside.append(self.ledger.attest())

    @rule()
    def reopen(self) -> None:
        self.ledger.close()
        self.read_everything(check(self.path, self.outside))
        self.ledger = self.opened(self.path)

    @rule(statement=st.integers(0, 6), key=_keys)
    def lose_power_while_appending(self, statement: int, key: str | None) -> None:
        """Go on from what the disk held at some statement of the transaction."""
        image = self.new_path()
        seen = 0

        def cut(*_: object) -> None:
            nonlocal seen
            if seen == statement:
                self.photograph(image)
                raise _PowerCutError
            seen += 1

        engine = self.ledger.database.engine
        event.listen(engine, "before_cursor_execute", cut)
        event.listen(engine, "commit", cut)
        entry = None
        with suppress(_PowerCutError):
            entry = self.ledger.append(EntryKind.PURGE, actor="steward", key=key)
        event.remove(engine, "before_cursor_execute", cut)
        event.remove(engine, "commit", cut)
        if entry is not None:
            # It came through; the power fails before the caller knows.
            self.photograph(image)
            self.take(entry, key)
        self.ledger.close()
        self.path = image
        self.ledger = self.opened(image)
        self.is_found_sound()
        if key is not None:
            self.take(self.ledger.append(EntryKind.PURGE, actor="steward", key=key), key)

    def photograph(self, image: Path) -> None:
        """Copy the file and its log as they are on the disk."""
        for part in ("", "-wal"):
            source = self.path.with_name(self.path.name + part)
            if source.exists():
                shutil.copyfile(source, image.with_name(image.name + part))

    @rule()
    def keep_a_copy(self) -> None:
        self.older.append((copy(self.path, self.new_path()), len(self.model)))

    @invariant()
    def holds_what_the_model_holds(self) -> None:
        assert list(self.ledger.entries()) == self.model

    @rule()
    def is_found_sound(self) -> None:
        self.read_everything(
            verify(self.ledger.database, KEY.public_key(), self.outside, level=Level.FULL)
        )

    # What is done to a copy of its file

    def tampered(self) -> Path:
        return copy(self.path, self.new_path())

    def must_be_found(self, path: Path) -> Verification:
        """Return what a check says of a file that was tampered with, having opened it as well."""
        found = check(path, self.outside)
        assert not found.sound
        before = _all_rows(path)
        ledger, reason = open_ledger(path, self.clock, KEY)
        entry = ledger.append(EntryKind.PURGE, actor="steward", key="later")
        assert ledger.append(EntryKind.PURGE, actor="steward", key="later") == entry
        ledger.close()
        if reason is None or not reason.set_aside:
            # Opening and going on has taken nothing away, and has made nothing good.
            assert before <= _all_rows(path)
            assert not check(path, self.outside).sound
        else:
            aside = min(reason.set_aside, key=lambda each: len(each.name))
            assert before <= _all_rows(aside)
        return found

    @precondition(lambda self: self.model)
    @rule(draw=st.data(), column=st.sampled_from(COLUMNS), value=_values)
    def change_a_field(self, draw: st.DataObject, column: str, value: object) -> None:
        number = draw.draw(st.integers(1, len(self.model)))
        path = self.tampered()
        before = _all_rows(path)
        with suppress(sqlite3.IntegrityError), raw(path) as connection:
            connection.execute(f"UPDATE entries SET {column} = ? WHERE id = ?", (value, number))
        if _all_rows(path) == before:
            return
        assert covers(self.must_be_found(path), number)

    @precondition(lambda self: self.model)
    @rule(draw=st.data())
    def delete_entries(self, draw: st.DataObject) -> None:
        everyone = st.integers(1, len(self.model))
        gone = draw.draw(
            st.sets(everyone, min_size=1)
            | everyone.map(lambda first: set(range(first, len(self.model) + 1)))
            | everyone.map(lambda last: set(range(1, last + 1)))
        )
        path = self.tampered()
        with raw(path) as connection:
            connection.executemany("DELETE FROM entries WHERE id = ?", [(each,) for each in gone])
        found = self.must_be_found(path)
        assert all(covers(found, each) for each in gone)
        assert {each.what for each in found.broken} <= {Break.REMOVED}

    @precondition(lambda self: len(self.model) > 1)
    @rule(draw=st.data())
    def swap_two(self, draw: st.DataObject) -> None:
        one, other = draw.draw(
            st.sets(st.integers(1, len(self.model)), min_size=2, max_size=2).map(sorted)
        )
        path = self.tampered()
        held = rows(path)
        write_rows(path, held[one - 1] | {"id": other}, held[other - 1] | {"id": one})
        found = self.must_be_found(path)
        assert names(found, Break.MOVED) == [one, other]

    @precondition(lambda self: self.model)
    @rule(draw=st.data(), link=st.booleans(), rest=st.booleans())
    def rewrite_history(self, draw: st.DataObject, link: bool, rest: bool) -> None:
        """Change an entry and recompute its hash, its link to the next, or all to the end."""
        number = draw.draw(st.integers(1, len(self.model)))
        path = self.tampered()
        held = rows(path)
        held[number - 1] |= {"actor": held[number - 1]["actor"] + "!"}
        end = len(held) if rest else number + link
        replace_rows(path, rechain(held[:end], number - 1) + held[end:])
        found = self.must_be_found(path)
        vouched = [each.count for each in self.outside if each.count >= number]
        if rest:
            assert len(held) in names(found, Break.HEAD_DIFFERS)
            assert set(vouched) <= set(names(found, Break.CHECKPOINT_DIFFERS))
        else:
            assert any(covers(found, each) for each in range(number, number + 3))

    @rule(draw=st.data(), actor=_texts)
    def insert_a_forged_entry(self, draw: st.DataObject, actor: str) -> None:
        """Recompute every hash from it on, so that the chain itself is whole."""
        number = draw.draw(st.integers(1, len(self.model) + 1))
        path = self.tampered()
        held = rows(path)
        forged: Values = {
            "id": number,
            "at": 1,
            "actor": actor,
            "kind": "purge",
            "subject": "",
            "data": "{}",
            "key": None,
            "previous": held[0]["previous"] if held else "",
        }
        shifted = [each | {"id": each["id"] + 1} for each in held[number - 1 :]]
        replace_rows(path, rechain([*held[: number - 1], forged, *shifted], number - 1))
        assert len(held) + 1 in names(self.must_be_found(path), Break.INSERTED)

    @precondition(lambda self: self.model)
    @rule(draw=st.data())
    def cut_off_the_tail_and_sign_with_another_key(self, draw: st.DataObject) -> None:
        left = draw.draw(st.integers(0, len(self.model) - 1))
        path = self.tampered()
        with raw(path) as connection:
            connection.execute("DELETE FROM entries WHERE id > ?", (left,))
        hash_ = rows(path)[-1]["hash"] if left else self.model[0].previous
        with raw(path) as connection:
            chain = connection.execute("SELECT chain FROM head").fetchone()[0]
            forged = Checkpoint.sign(OTHER_KEY, chain=chain, count=left, head=hash_, at=START)
            connection.execute(
                "UPDATE head SET count = ?, hash = ?, signature = ?",
                (left, hash_, forged.signature),
            )
        assert names(self.must_be_found(path), Break.HEAD_FORGED) == [None]

    @rule(column=st.sampled_from(["id", "chain", "count", "hash", "signature"]), value=_values)
    def change_the_head(self, column: str, value: object) -> None:
        path = self.tampered()
        with raw(path) as connection:
            before = connection.execute("SELECT * FROM head").fetchall()
            with suppress(sqlite3.IntegrityError):
                connection.execute(f"UPDATE head SET {column} = ?", (value,))
            if connection.execute("SELECT * FROM head").fetchall() == before:
                return
        found = self.must_be_found(path)
        assert {Break.HEAD_FORGED, Break.HEAD_MISSING} & {each.what for each in found.broken}

    @precondition(lambda self: self.model)
    @rule(head=st.booleans())
    def delete_everything(self, head: bool) -> None:
        path = self.tampered()
        with raw(path) as connection:
            connection.execute("DELETE FROM entries")
            if head:
                connection.execute("DELETE FROM head")
        found = self.must_be_found(path)
        if head:
            assert Break.HEAD_MISSING in {each.what for each in found.broken}
            beyond = max((each.count for each in self.outside), default=0)
            assert not beyond or covers(found, beyond)
        else:
            assert all(covers(found, each.id) for each in self.model)

    @precondition(lambda self: self.older)
    @rule(draw=st.data())
    def put_back_an_older_copy(self, draw: st.DataObject) -> None:
        older, count = draw.draw(st.sampled_from(self.older))
        path = copy(older, self.new_path())
        newest = max((each.count for each in self.outside), default=0)
        for level in Level:
            found = check(path, self.outside, level)
            if newest > count:
                assert {str(each) for each in found.broken} == {
                    f"rolled_back {count + 1} ({newest})"
                }
            else:
                # Nothing outside speaks of what came after: this is what checkpoints are for.
                assert found.sound
        if newest > count:
            self.must_be_found(path)


def _all_rows(path: Path) -> set[Any]:
    """Return every row with the types that SQLite keeps, read with no regard to encoding."""
    columns = ", ".join(f"typeof({each}), CAST({each} AS BLOB)" for each in COLUMNS)
    with raw(path) as connection:
        return set(connection.execute(f"SELECT {columns} FROM entries"))


TestLedger = LedgerMachine.TestCase
# For a longer run, raise `max_examples`.
TestLedger.settings = settings(max_examples=25, stateful_step_count=20, deadline=None)
