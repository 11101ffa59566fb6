"""The books of inquiries, contractors, media and removals: records that are opened, changed, closed.

Each is up to many entries: `record_opened`, `record_changed`, `record_closed`, with the whole fields
each time and the record's id for a subject. The newest stands; what it said before stays in the
ledger (INV-5). No picture is in it. What is private of it is the operations manager's to read.
"""

import re
import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, tzinfo
from operator import attrgetter
from typing import Self

from ..errors import LedgerBrokenError, RecordMissingError
from .entry import Entry, EntryKind, Json
from .fields import Fields
from .record_fields import FIELDS, FieldType, RecordField, RecordKind, checked
from .store import Ledger

__all__ = ["FIELDS", "FieldType", "Record", "RecordField", "RecordKind", "Records", "records"]

_KINDS = (EntryKind.RECORD_OPENED, EntryKind.RECORD_CHANGED, EntryKind.RECORD_CLOSED)
_NUMBER = re.compile(r"[0-9]{4}-[0-9]{3,9}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One line of a book.

    `number` is unique within its kind: the year and a running number. `fields` are as they read
    now, by name, without the empty ones. `changes` are when and by whom it was changed.
    """

    id: str
    kind: RecordKind
    number: str
    fields: Mapping[str, str]
    opened_at: datetime
    opened_by: str
    changes: tuple[tuple[datetime, str], ...] = ()
    closed_at: datetime | None = None
    closed_by: str = ""

    @property
    def is_open(self) -> bool:
        """Return whether it is not closed."""
        return self.closed_at is None

    def text(self, name: str) -> str:
        """Return a field, empty where nothing is written in it."""
        return self.fields.get(name, "")

    def to_data(self) -> dict[str, Json]:
        """Return the data of an entry about it."""
        return {"kind": self.kind.value, "number": self.number, "fields": dict(self.fields)}

    @classmethod
    def from_entry(cls, entry: Entry) -> Self:
        """Read the entry that opened it; `LedgerBrokenError` when it is none."""
        read = Fields(entry.data, "record")
        number = read.text("number")
        try:
            kind = RecordKind(read.text("kind"))
        except ValueError as err:
            raise LedgerBrokenError("record") from err
        if not _NUMBER.fullmatch(number):
            raise LedgerBrokenError("record")
        return cls(
            id=entry.subject,
            kind=kind,
            number=number,
            fields=read.text_by_name("fields"),
            opened_at=entry.at,
            opened_by=entry.actor,
        )

    def after(self, entry: Entry) -> Self:
        """Return it as it stands once an entry changed or closed it."""
        fields = Fields(entry.data, "record").text_by_name("fields")
        if entry.kind == EntryKind.RECORD_CLOSED:
            return replace(self, fields=fields, closed_at=entry.at, closed_by=entry.actor)
        return replace(self, fields=fields, changes=(*self.changes, (entry.at, entry.actor)))


def records(
    ledger: Ledger, kind: RecordKind | None = None, closed: bool | None = None
) -> list[Record]:
    """Return the records in the order in which they were opened; of one kind, open or closed ones.

    Raises `LedgerBrokenError` at an entry that holds no record.
    """
    found: dict[str, Record] = {}
    # By their numbers: where a clock was set back, what came later may bear an earlier time.
    for each in sorted(ledger.entries(_KINDS), key=attrgetter("id")):
        if each.kind == EntryKind.RECORD_OPENED:
            found.setdefault(each.subject, Record.from_entry(each))
        elif (before := found.get(each.subject)) is not None:
            found[each.subject] = before.after(each)
    return [
        each
        for each in found.values()
        if (kind is None or each.kind is kind) and (closed is None or closed is not each.is_open)
    ]


class Records:
    """One site's books. Any thread, all blocking; what is entered is durable on return.

    Whether somebody may is for the caller to have decided. All raise `LedgerBrokenError` where the
    ledger cannot be read or written.
    """

    def __init__(self, ledger: Ledger, now: Callable[[], datetime], zone: tzinfo) -> None:
        """Take the time from `now`, the day by the site's zone."""
        self._ledger = ledger
        self._now = now
        self.zone = zone
        self._lock = threading.RLock()

    def all(self, kind: RecordKind | None = None, closed: bool | None = None) -> list[Record]:
        """Return the records, as `records` does."""
        return records(self._ledger, kind, closed)

    def get(self, record: str) -> Record:
        """Return one; `RecordMissingError` when there is none."""
        for each in self.all():
            if each.id == record:
                return each
        raise RecordMissingError

    def now(self) -> datetime:
        """Return the time that entries get."""
        return self._now()

    def day(self, at: datetime) -> date:
        """Return the site's day of a time."""
        return at.astimezone(self.zone).date()

    def today(self) -> date:
        """Return the site's day."""
        return self.day(self._now())

    def check(self, kind: RecordKind, given: Mapping[str, str]) -> None:
        """Refuse what cannot be opened; `RecordInvalidError` names the field."""
        checked(kind, given, before={}, today=self.today())

    def open(
        self,
        kind: RecordKind,
        given: Mapping[str, str],
        *,
        actor: str,
        steward: Mapping[str, str] | None = None,
    ) -> Record:
        """Open a record under the next number of its kind; `steward` are its fields of that sort.

        `RecordInvalidError` names the field that is wrong.
        """
        with self._lock:
            now = self._now()
            fields = checked(kind, given, before=steward or {}, today=self.today())
            made = Record(
                id=secrets.token_hex(8),
                kind=kind,
                number=self._number(kind),
                fields=fields,
                opened_at=now,
                opened_by=actor,
            )
            self._ledger.append(
                EntryKind.RECORD_OPENED, actor=actor, subject=made.id, data=made.to_data(), at=now
            )
            return made

    def change(self, record: str, given: Mapping[str, str], *, actor: str) -> Record:
        """Take what a person wrote in an open record; the steward's fields stay."""
        with self._lock:
            before = self._open(record)
            fields = checked(before.kind, given, before=before.fields, today=self.today())
            return self._enter(EntryKind.RECORD_CHANGED, before, fields, actor)

    def note(self, record: str, *, actor: str, key: str | None = None, **steward: str) -> Record:
        """Fill in fields that are the steward's; with a `key` once."""
        with self._lock:
            before = self._open(record)
            fields = {**before.fields, **steward}
            return self._enter(EntryKind.RECORD_CHANGED, before, fields, actor, key)

    def close(
        self,
        record: str,
        given: Mapping[str, str] | None,
        *,
        actor: str,
        steward: Mapping[str, str] | None = None,
    ) -> Record:
        """Close a record, with what has to be in it by then; it is changed no more.

        Without `given`, what people wrote in it stays as it is.
        """
        with self._lock:
            before = self._open(record)
            held = {**before.fields, **(steward or {})}
            if given is None:
                own = {each.name for each in FIELDS[before.kind] if not each.steward}
                given = {name: text for name, text in before.fields.items() if name in own}
            fields = checked(before.kind, given, before=held, today=self.today(), closing=True)
            return self._enter(EntryKind.RECORD_CLOSED, before, fields, actor)

    def _open(self, record: str) -> Record:
        found = self.get(record)
        if not found.is_open:
            raise RecordMissingError
        return found

    def _number(self, kind: RecordKind) -> str:
        year = self.today().year
        numbers = [each.number.split("-") for each in self.all(kind)]
        taken = [int(number) for of, number in numbers if int(of) == year]
        return f"{year}-{max(taken, default=0) + 1:03}"

    def _enter(
        self,
        kind: EntryKind,
        before: Record,
        fields: Mapping[str, str],
        actor: str,
        key: str | None = None,
    ) -> Record:
        data = replace(before, fields=fields).to_data()
        self._ledger.append(
            kind, actor=actor, subject=before.id, data=data, at=self._now(), key=key
        )
        return self.get(before.id)


def columns_of(kind: RecordKind) -> tuple[str, ...]:
    """Return what the register of a kind has for columns: when and by whom, and the fields."""
    fields = (each.name for each in FIELDS[kind])
    return ("number", "opened_at", "opened_by", *fields, "closed_at", "closed_by")


def row_of(record: Record) -> dict[str, str]:
    """Return a record as a row of its register: raw values, times and days in ISO 8601."""
    closed_at = record.closed_at.isoformat() if record.closed_at is not None else ""
    return {
        "number": record.number,
        "opened_at": record.opened_at.isoformat(),
        "opened_by": record.opened_by,
        **{each.name: record.text(each.name) for each in FIELDS[record.kind]},
        "closed_at": closed_at,
        "closed_by": record.closed_by,
    }
