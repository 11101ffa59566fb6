"""Who asks for footage and on what ground: kinds of request, and what must be known of each.

Kumagaya 第3 4 knows two grounds: where laws or the like provide for it (1), and an investigating
authority's request in writing for the investigation of a crime or an accident (2). Which kinds are
grounds is the policy pack's to say; the others are registered and refused.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from ..errors import DisclosureInvalidError
from ..model import LONGEST_TEXT, is_moment, is_text

_YEARS: Final = range(1900, 2200)


class RequestKind(StrEnum):
    """Who asks, and how."""

    LAW = "law"
    """A law provides for it (第3 4 (1))."""

    AUTHORITY_WRITTEN = "authority_written"
    """An investigating authority asks in writing (第3 4 (2))."""

    AUTHORITY_ORAL = "authority_oral"
    """An investigating authority asks by word of mouth or telephone."""

    SELF = "self"
    """The person who is in the picture."""

    PRIVATE = "private"
    MEDIA = "media"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Particular:
    """A field of a kind of request: a text, a date (ISO 8601), or one of `options`."""

    name: str
    required: bool = False
    is_date: bool = False
    options: tuple[str, ...] = ()


_DOCUMENT: Final = (
    Particular(name="document_number"),
    Particular(name="document_date", is_date=True),
)
PARTICULARS: Final[Mapping[RequestKind, tuple[Particular, ...]]] = {
    RequestKind.LAW: (
        Particular(name="law", required=True),
        Particular(name="article", required=True),
        *_DOCUMENT,
    ),
    RequestKind.AUTHORITY_WRITTEN: (
        Particular(name="agency", required=True),
        Particular(name="document_number", required=True),
        Particular(name="document_date", required=True, is_date=True),
        Particular(name="officer_post", required=True),
        Particular(name="officer_name", required=True),
        Particular(name="matter", required=True, options=("crime", "accident")),
    ),
    RequestKind.AUTHORITY_ORAL: (
        Particular(name="agency", required=True),
        Particular(name="officer_post"),
        Particular(name="officer_name"),
    ),
    RequestKind.SELF: (),
    RequestKind.PRIVATE: (),
    RequestKind.MEDIA: (),
    RequestKind.OTHER: (),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What someone asks for. Of a refused one cameras and span may be unknown: empty, None.

    `recipient` is who asks, `reason` what for; `particulars` are the kind's fields by name,
    `cameras` what each is called, by id.
    """

    kind: RequestKind
    recipient: str
    reason: str
    particulars: Mapping[str, str] = field(default_factory=dict)
    cameras: Mapping[str, str] = field(default_factory=dict)
    span: tuple[datetime, datetime] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Order(Request):
    """What the manager approves to hand over, of the vault or of a hold.

    `identity` is how it was checked who the recipient is (第3 4), `in_charge` who hands over;
    there need be no `witness`.
    """

    identity: str
    in_charge: str
    witness: str = ""
    hold: str | None = None


def check_texts(**texts: str) -> None:
    """Raise `DisclosureInvalidError` naming the first text that is empty or too long."""
    for name, text in texts.items():
        if not is_text(text):
            raise DisclosureInvalidError(name)


def particulars_of(request: Request, today: date, *, complete: bool) -> dict[str, str]:
    """Return the particulars that are given, stripped; `complete` asks for all that are required.

    `DisclosureInvalidError` names what is missing, too long, no date, a date to come, none of the
    options, or no field of this kind.
    """
    known = PARTICULARS[request.kind]
    found: dict[str, str] = {}
    for each in known:
        text = request.particulars.get(each.name, "").strip()
        wrong = len(text) > LONGEST_TEXT or (complete and each.required and not text)
        if text and each.options:
            wrong = text not in each.options
        if text and each.is_date:
            wrong = not _is_past_day(text, today)
        if wrong:
            raise DisclosureInvalidError(each.name)
        if text:
            found[each.name] = text
    if not request.particulars.keys() <= {each.name for each in known}:
        raise DisclosureInvalidError("particulars")
    return found


def check_footage(request: Request, cameras: frozenset[str], now: datetime) -> None:
    """Check which footage is asked for: cameras of the site, a span that lies in the past.

    `DisclosureInvalidError` names `cameras`, `start` or `end`.
    """
    if not request.cameras or not request.cameras.keys() <= cameras:
        raise DisclosureInvalidError("cameras")
    start, end = request.span or (None, None)
    if start is None or not is_moment(start):
        raise DisclosureInvalidError("start")
    if end is None or not is_moment(end) or not start < end <= now:
        raise DisclosureInvalidError("end")


def _is_past_day(text: str, today: date) -> bool:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return False
    return len(text) == 10 and day.year in _YEARS and day <= today


def file_name(number: str) -> str:
    """Return the name of a package's file; it says nothing of what is in it."""
    return f"camera-steward-{number}.zip"
