"""What rules and tasks look at of the open records, without what tells of a person."""

from datetime import UTC, date, datetime, time, tzinfo
from typing import Final

from ..ledger.records import FIELDS, Record, RecordKind, Records
from ..policy.facts import RecordFact
from ..policy.pack import Interval, after
from ..policy.states import Subject, SubjectKind

_PUBLIC: Final = {
    kind: frozenset(each.name for each in fields if not each.private)
    for kind, fields in FIELDS.items()
}


def open_facts(books: Records) -> tuple[RecordFact, ...]:
    """Return the open records as facts, oldest first.

    Each is called by its number: tasks are in lists that every login reads, and no name of a person
    may be there. Raises `LedgerBrokenError` as `Records.all` does.
    """
    return tuple(_fact_of(each, books.zone) for each in books.all(closed=False))


def _fact_of(record: Record, zone: tzinfo) -> RecordFact:
    """Return an open record as a fact; `zone` is the site's, for when a day begins."""
    return RecordFact(
        subject=Subject(SubjectKind(record.kind.value), record.id),
        name=record.number,
        opened_at=_began_at(record, zone),
        fields={k: v for k, v in record.fields.items() if k in _PUBLIC[record.kind]},
    )


def answer_due_at(record: Record, interval: Interval, zone: tzinfo) -> datetime:
    """Return by when an inquiry is to be answered, as the engine has it."""
    return after(_began_at(record, zone), interval)


def _began_at(record: Record, zone: tzinfo) -> datetime:
    """Return since when something stands: an inquiry waits from the day on which it was received."""
    if record.kind is not RecordKind.INQUIRY:
        return record.opened_at
    received_on = date.fromisoformat(record.text("received_on"))
    return min(record.opened_at, datetime.combine(received_on, time(), zone).astimezone(UTC))
