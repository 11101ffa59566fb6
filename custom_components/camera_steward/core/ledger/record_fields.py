"""What is written down of an inquiry, a contractor, a recipient …: fields, and their check.

Which fields: the duties of the guideline (Kumagaya 第4 2 finding and answer, 第5 1 clause, 第3 2(3)
disposal, 第4 3(2) removal) and of the guidebook for utilizations (⑤ contract with a recipient, ① d what
people think of it); neither gives forms, so that the list is the product's own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from ..errors import RecordInvalidError

LONGEST = {"text": 500, "long_text": 4000}
"""Characters. Whoever writes more has a paper of its own, which the record names."""

_YEARS = range(1950, 2200)


class RecordKind(StrEnum):
    """Which book; the same words as `SubjectKind` has for what a duty is about."""

    INQUIRY = "inquiry"
    CONTRACTOR = "contractor"
    MEDIUM = "medium"
    REMOVAL = "removal"
    RECIPIENT = "recipient"
    """Whom a utilization's derived data is given to, by which contract."""

    FEEDBACK = "feedback"
    """What people said of a utilization."""


class FieldType(StrEnum):
    """What a field holds, always as text."""

    TEXT = "text"
    LONG_TEXT = "long_text"
    DATE = "date"
    """ISO 8601."""

    CHOICE = "choice"
    CAMERA = "camera"
    """A camera's id; a choice of the site's cameras, which are not known here."""

    UTILIZATION = "utilization"
    """A utilization's name at the time, so that it reads after it is gone; a choice as well."""

    MOMENT = "moment"
    """A time in ISO 8601 with its zone; the steward's to fill in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordField:
    """One field. `opening` and `closing` are whether it must be there by then.

    `to_come` lets a day lie ahead. What is `private` tells of a person, or may: it is the manager's
    to read, and goes into no task, state or calendar. What is the `steward`'s nobody else fills in.
    """

    name: str
    type: FieldType = FieldType.TEXT
    opening: bool = False
    closing: bool = False
    options: tuple[str, ...] = ()
    to_come: bool = False
    private: bool = False
    steward: bool = False


FIELDS: Mapping[RecordKind, tuple[RecordField, ...]] = {
    RecordKind.INQUIRY: (
        RecordField(name="received_on", type=FieldType.DATE, opening=True),
        RecordField(name="received_by", opening=True, private=True),
        RecordField(
            name="way",
            type=FieldType.CHOICE,
            options=("phone", "visit", "letter", "form"),
            opening=True,
        ),
        RecordField(name="sender", private=True),
        RecordField(name="contact", private=True),
        RecordField(name="camera", type=FieldType.CAMERA),
        RecordField(name="content", type=FieldType.LONG_TEXT, opening=True, private=True),
        RecordField(
            name="finding",
            type=FieldType.CHOICE,
            options=("proper", "improper", "unclear"),
            closing=True,
        ),
        RecordField(name="article", closing=True),
        RecordField(name="answer", type=FieldType.LONG_TEXT, closing=True, private=True),
        RecordField(name="answered_on", type=FieldType.DATE, closing=True),
    ),
    RecordKind.CONTRACTOR: (
        RecordField(name="name", opening=True, private=True),
        RecordField(name="work", type=FieldType.LONG_TEXT, opening=True),
        RecordField(
            name="clause_present", type=FieldType.CHOICE, options=("yes", "no"), opening=True
        ),
        RecordField(name="until", type=FieldType.DATE, to_come=True),
        RecordField(name="contact", private=True),
        RecordField(name="document"),
        RecordField(name="ended_on", type=FieldType.DATE, closing=True),
    ),
    RecordKind.MEDIUM: (
        RecordField(
            name="type",
            type=FieldType.CHOICE,
            options=("disk", "ssd", "usb", "card", "recorder", "other"),
            opening=True,
        ),
        RecordField(name="serial", opening=True),
        RecordField(name="place", opening=True),
        RecordField(name="encrypted_since", type=FieldType.DATE),
        RecordField(name="retired_on", type=FieldType.DATE, closing=True),
        RecordField(
            name="disposal",
            type=FieldType.CHOICE,
            options=("device_erase", "overwrite", "destruction", "contractor"),
            closing=True,
        ),
        RecordField(name="witness", private=True),
        RecordField(name="document"),
    ),
    RecordKind.REMOVAL: (
        # Of the site as a whole no camera; `cameras` are the names that they had.
        RecordField(name="camera", type=FieldType.CAMERA, steward=True),
        RecordField(name="cameras", type=FieldType.LONG_TEXT, steward=True),
        RecordField(name="decided_on", type=FieldType.DATE, opening=True),
        RecordField(name="body", opening=True),
        RecordField(name="reason", type=FieldType.LONG_TEXT),
        RecordField(name="erase", type=FieldType.CHOICE, options=("now", "limit"), steward=True),
        RecordField(name="recording_stopped_at", type=FieldType.MOMENT, steward=True),
        RecordField(name="holds", type=FieldType.LONG_TEXT, steward=True),
        RecordField(name="disclosures", type=FieldType.LONG_TEXT, steward=True),
        RecordField(name="inquiries", type=FieldType.LONG_TEXT, steward=True),
        RecordField(name="footage_gone_at", type=FieldType.MOMENT, steward=True),
        # Where it keeps its limit: by when the last of it goes.
        RecordField(name="footage_gone_by", type=FieldType.MOMENT, steward=True),
        RecordField(name="device_removed_on", type=FieldType.DATE, steward=True),
        RecordField(name="sign_removed_on", type=FieldType.DATE, steward=True),
        RecordField(name="medium", type=FieldType.LONG_TEXT),
        RecordField(name="notified", type=FieldType.LONG_TEXT),
        # Why it was not carried out after all.
        RecordField(name="withdrawn", steward=True),
    ),
    RecordKind.RECIPIENT: (
        # Name and conditions are on the notices. Without `contract_on` there is no contract yet.
        RecordField(name="name", opening=True),
        RecordField(name="conditions", type=FieldType.LONG_TEXT, opening=True),
        RecordField(name="contract_on", type=FieldType.DATE),
        RecordField(name="document"),
        RecordField(name="until", type=FieldType.DATE, to_come=True),
        RecordField(name="contact", private=True),
        RecordField(name="ended_on", type=FieldType.DATE, closing=True),
    ),
    RecordKind.FEEDBACK: (
        RecordField(name="received_on", type=FieldType.DATE, opening=True),
        RecordField(
            name="way",
            type=FieldType.CHOICE,
            options=("phone", "visit", "letter", "form", "spoken"),
            opening=True,
        ),
        RecordField(name="utilization", type=FieldType.UTILIZATION),
        RecordField(name="content", type=FieldType.LONG_TEXT, opening=True, private=True),
        RecordField(name="decision", type=FieldType.LONG_TEXT, closing=True, private=True),
        RecordField(name="decided_on", type=FieldType.DATE, closing=True),
    ),
}


def checked(
    kind: RecordKind,
    given: Mapping[str, str],
    *,
    before: Mapping[str, str],
    today: date,
    closing: bool = False,
) -> dict[str, str]:
    """Return a person's fields of a record, stripped, with the steward's as they were `before`.

    What is empty is left out. `RecordInvalidError` names the first field that is missing, too long,
    no day, a day to come, none of the options, or none of this kind.
    """
    known = {each.name: each for each in FIELDS[kind]}
    for name in given:
        if name not in known:
            raise RecordInvalidError(name)
    found: dict[str, str] = {}
    for name, each in known.items():
        text = (before if each.steward else given).get(name, "").strip()
        if not text:
            if not each.steward and (each.opening or (closing and each.closing)):
                raise RecordInvalidError(name)
            continue
        if not each.steward and not _fits(each, text, today):
            raise RecordInvalidError(name)
        found[name] = text
    return found


def _fits(field: RecordField, text: str, today: date) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False  # half a character, which no ledger can hold
    match field.type:
        case FieldType.CHOICE:
            return text in field.options
        case FieldType.DATE:
            return _is_day(text, None if field.to_come else today)
        case FieldType.LONG_TEXT:
            return len(text) <= LONGEST["long_text"]
        case _:
            return len(text) <= LONGEST["text"]


def _is_day(text: str, until: date | None) -> bool:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return False
    named = day.isoformat() == text and day.year in _YEARS  # a week and its day are a date, too
    return named and (until is None or day <= until)
