"""The books: what is taken, what is refused by name, what stands after any number of changes."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings, strategies as st

from custom_components.camera_steward.core.errors import (
    LedgerBrokenError,
    RecordInvalidError,
    RecordMissingError,
)
from custom_components.camera_steward.core.ledger.entry import EntryKind, Json
from custom_components.camera_steward.core.ledger.record_fields import LONGEST, checked
from custom_components.camera_steward.core.ledger.records import (
    FIELDS,
    FieldType,
    RecordKind,
    Records,
    columns_of,
    records,
    row_of,
)
from custom_components.camera_steward.core.ledger.store import Ledger
from custom_components.camera_steward.core.policy.pack import Interval
from custom_components.camera_steward.core.policy.states import SubjectKind
from custom_components.camera_steward.core.tasks.records import answer_due_at, open_facts

from .ledgers import START, ledger_at

TOKYO = ZoneInfo("Asia/Tokyo")
INQUIRY = {
    "received_on": "2026-11-22",
    "received_by": "埼玉花子",
    "way": "phone",
    "sender": "大里次郎",
    "contact": "048-000-0000",
    "content": "玄関が映っていないか",
}
ANSWER = {
    "finding": "proper",
    "article": "第4条",
    "answer": "撮影範囲に玄関は含まれません",
    "answered_on": "2026-11-23",
}
MEDIUM = {"type": "ssd", "serial": "S1", "place": "事務所"}
CONTRACTOR = {"name": "荒川警備", "work": "点検", "clause_present": "no", "until": "2031-03-31"}


class Now:
    """The time, as it is set."""

    def __init__(self) -> None:
        self.at = START

    def __call__(self) -> datetime:
        return self.at


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    made = ledger_at(tmp_path / "ledger.db")
    yield made
    made.close()


@pytest.fixture
def now() -> Now:
    return Now()


@pytest.fixture
def books(ledger: Ledger, now: Now) -> Records:
    return Records(ledger, now, TOKYO)


def wrong(books: Records, kind: RecordKind, given: dict[str, str]) -> str:
    """Return which field is refused, and see that nothing was entered."""
    before = len(books.all())
    with pytest.raises(RecordInvalidError) as raised:
        books.open(kind, given, actor="埼玉花子")
    assert len(books.all()) == before
    return raised.value.detail


def test_the_kinds_are_the_words_that_duties_are_about() -> None:
    assert {each.value for each in RecordKind} <= {each.value for each in SubjectKind}
    assert FIELDS.keys() == set(RecordKind)
    for fields in FIELDS.values():
        assert len({each.name for each in fields}) == len(fields)
        for each in fields:
            assert bool(each.options) == (each.type is FieldType.CHOICE)


def test_an_inquiry_is_opened_changed_and_closed_with_its_answer(books: Records, now: Now) -> None:
    opened = books.open(RecordKind.INQUIRY, INQUIRY, actor="埼玉花子")
    assert (opened.number, opened.fields) == ("2026-001", INQUIRY)
    now.at += timedelta(days=1)
    changed = books.change(opened.id, {**INQUIRY, "sender": " "}, actor="操作太郎")
    assert "sender" not in changed.fields
    with pytest.raises(RecordInvalidError) as raised:
        books.close(opened.id, {**INQUIRY, **ANSWER, "article": ""}, actor="埼玉花子")
    assert raised.value.detail == "article"
    now.at += timedelta(hours=1)
    closed = books.close(opened.id, {**INQUIRY, **ANSWER}, actor="埼玉花子")
    assert closed == books.get(opened.id)
    assert (closed.closed_at, closed.closed_by) == (now.at, "埼玉花子")
    assert [each[1] for each in closed.changes] == ["操作太郎"]
    for late in (books.change, books.close):
        with pytest.raises(RecordMissingError):
            late(opened.id, {**INQUIRY, **ANSWER}, actor="埼玉花子")
    assert books.all(closed=False) == []
    row = row_of(closed)
    assert tuple(row) == columns_of(RecordKind.INQUIRY)
    assert (row["number"], row["finding"], row["camera"]) == ("2026-001", "proper", "")


def test_what_is_wrong_is_named_and_nothing_is_entered(books: Records) -> None:
    kind = RecordKind.INQUIRY
    assert wrong(books, kind, {}) == "received_on"
    assert wrong(books, kind, {**INQUIRY, "content": " \n"}) == "content"
    assert wrong(books, kind, {**INQUIRY, "way": "fax"}) == "way"
    # In Japan it is the 22nd already, and not yet the 23rd.
    for day in ("2026-11-23", "2026-W47-7", "20261122", "yesterday", "0001-01-01", "2026-02-30"):
        assert wrong(books, kind, {**INQUIRY, "received_on": day}) == "received_on"
    long = "字" * (LONGEST["long_text"] + 1)
    assert wrong(books, kind, {**INQUIRY, "content": long}) == "content"
    assert wrong(books, kind, {**INQUIRY, "sender": "字" * (LONGEST["text"] + 1)}) == "sender"
    assert wrong(books, kind, {**INQUIRY, "content": "\ud800"}) == "content"
    assert wrong(books, kind, {**INQUIRY, "favourite_colour": "red"}) == "favourite_colour"
    assert books.open(RecordKind.CONTRACTOR, CONTRACTOR, actor="埼玉花子").fields == CONTRACTOR
    assert wrong(books, RecordKind.CONTRACTOR, {**CONTRACTOR, "until": "soon"}) == "until"


def test_markup_and_odd_letters_come_back_as_they_were(books: Records) -> None:
    odd = "<script>alert(1)</script> {{ 7 * 7 }} \u202eabc 😀 'ぱ\u0000"
    made = books.open(RecordKind.INQUIRY, {**INQUIRY, "content": odd}, actor=odd)
    assert books.get(made.id).fields["content"] == odd
    assert books.get(made.id).opened_by == odd


def test_numbers_run_by_kind_and_by_the_sites_year(books: Records, now: Now) -> None:
    first = books.open(RecordKind.INQUIRY, INQUIRY, actor="x")
    medium = books.open(RecordKind.MEDIUM, MEDIUM, actor="x")
    second = books.open(RecordKind.INQUIRY, INQUIRY, actor="x")
    now.at = datetime(2026, 12, 31, 15, tzinfo=UTC)
    third = books.open(RecordKind.INQUIRY, INQUIRY, actor="x")
    assert [each.number for each in (first, medium, second, third)] == [
        "2026-001",
        "2026-001",
        "2026-002",
        "2027-001",
    ]
    now.at = START
    assert books.open(RecordKind.INQUIRY, INQUIRY, actor="x").number == "2026-003"
    assert [each.number for each in books.all(RecordKind.MEDIUM)] == ["2026-001"]


def test_what_the_steward_fills_in_nobody_writes_over(books: Records) -> None:
    given = {"decided_on": "2026-11-20", "body": "総会"}
    made = books.open(RecordKind.REMOVAL, given, actor="x", steward={"camera": "door"})
    assert made.fields == {**given, "camera": "door"}
    noted = books.note(made.id, actor="steward", key="once", footage_gone_at="2026-11-22T00:00Z")
    assert books.note(made.id, actor="steward", key="once", footage_gone_at="later") == noted
    forged = {**given, "camera": "yard", "footage_gone_at": ""}
    changed = books.change(made.id, {**forged, "notified": "市"}, actor="x")
    assert changed.fields["camera"] == "door"
    assert changed.fields["footage_gone_at"] == "2026-11-22T00:00Z"
    assert changed.fields["notified"] == "市"


def test_facts_are_called_by_their_numbers_and_tell_of_no_person(books: Records) -> None:
    early = {**INQUIRY, "received_on": "2026-11-10"}
    books.open(RecordKind.INQUIRY, early, actor="埼玉花子")
    books.open(RecordKind.CONTRACTOR, CONTRACTOR, actor="埼玉花子")
    closed = books.open(RecordKind.MEDIUM, MEDIUM, actor="埼玉花子")
    disposed = {**MEDIUM, "retired_on": "2026-11-22", "disposal": "destruction"}
    books.close(closed.id, disposed, actor="埼玉花子")
    inquiry, contractor = open_facts(books)
    assert (inquiry.name, contractor.name) == ("2026-001", "2026-001")
    # Waiting since it came, not since it was written down.
    assert inquiry.opened_at.astimezone(TOKYO).date() == date(2026, 11, 10)
    due_at = answer_due_at(books.get(inquiry.subject.id), Interval(days=7), TOKYO)
    assert due_at.astimezone(TOKYO).date() == date(2026, 11, 17)
    assert contractor.opened_at == START
    assert contractor.fields["until"] == "2031-03-31"
    told = str((inquiry, contractor))
    for private in ("埼玉花子", "大里次郎", "048-000-0000", "玄関", "荒川警備"):
        assert private not in told


def test_facts_tell_of_a_recipient_what_notices_tell_and_of_feedback_nothing_that_was_said(
    books: Records,
) -> None:
    recipient = {"name": "彩の国統計社", "conditions": "１時間ごとの人数を、出店計画に限り利用"}
    assert wrong(books, RecordKind.RECIPIENT, {"name": "彩の国統計社"}) == "conditions"
    signed = {"contract_on": "2026-11-20", "until": "2031-03-31", "contact": "048-222-2222"}
    assert wrong(books, RecordKind.RECIPIENT, recipient | {"contract_on": "2026-11-24"})
    kept = books.open(RecordKind.RECIPIENT, recipient | signed, actor="埼玉花子")
    said = {"received_on": "2026-11-22", "way": "spoken", "content": "次郎「撮られるのは嫌だ」"}
    heard = books.open(
        RecordKind.FEEDBACK, said | {"utilization": "通行量の調査"}, actor="埼玉花子"
    )
    facts = open_facts(books)
    assert [each.subject.kind for each in facts] == [SubjectKind.RECIPIENT, SubjectKind.FEEDBACK]
    assert facts[0].fields == recipient | {k: signed[k] for k in ("contract_on", "until")}
    assert "次郎" not in str(facts)
    assert "048" not in str(facts)
    with pytest.raises(RecordInvalidError) as raised:
        books.close(heard.id, said, actor="埼玉花子")
    assert raised.value.detail == "decision"
    ended = {"ended_on": "2026-11-22"}
    assert not books.close(kept.id, recipient | ended, actor="埼玉花子").is_open


@pytest.mark.parametrize(
    "wrong_part",
    [{"kind": "poem"}, {"number": "1"}, {"fields": {"content": 1}}, {"fields": []}],
    ids=str,
)
def test_an_entry_that_is_no_record_is_a_broken_ledger(
    ledger: Ledger, wrong_part: dict[str, Json]
) -> None:
    data: dict[str, Json] = {"kind": "inquiry", "number": "2026-001", "fields": INQUIRY}
    ledger.append(EntryKind.RECORD_OPENED, actor="x", subject="r", data=data | wrong_part)
    with pytest.raises(LedgerBrokenError):
        records(ledger)


_NAMES = st.sampled_from([each.name for fields in FIELDS.values() for each in fields] + ["other"])


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from(list(RecordKind)),
    st.dictionaries(_NAMES, st.text(max_size=30) | st.sampled_from(["2026-01-02", "yes", "form"])),
    st.booleans(),
)
def test_whatever_is_given_is_taken_in_its_fields_or_refused_by_name(
    kind: RecordKind, given_fields: dict[str, str], closing: bool
) -> None:
    known = {each.name: each for each in FIELDS[kind]}
    try:
        found = checked(kind, given_fields, before={}, today=date(2026, 11, 22), closing=closing)
    except RecordInvalidError as err:
        named, found = {err.detail}, None
    if found is None:
        assert named <= known.keys() | given_fields.keys()
        return
    assert all(text == given_fields[name].strip() for name, text in found.items())
    assert all(not known[name].steward for name in found)
    assert all(found[e.name] for e in known.values() if e.opening and not e.steward)
