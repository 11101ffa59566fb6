"""What a hold is, how long it may last, and how the ledger tells of it: values, no files."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Self

from ..access.people import Role
from ..errors import HoldInvalidError, LedgerBrokenError
from ..ledger.entry import Json, canonical, parse_data
from ..ledger.fields import Fields
from ..model import LONGEST_TEXT, is_text
from ..vault.held import HeldCount, HoldRow

LENGTH = timedelta(days=30)
"""How long a hold lasts where nobody says otherwise: a product default, as all of these."""
LONGEST = {Role.MANAGER: timedelta(days=180), Role.OPERATOR: timedelta(days=7)}
"""How long one placing or renewal may last; who is not named may hold nothing."""
REVIEW = timedelta(days=14)
"""How long after it was placed or reviewed somebody looks whether it is still needed."""

SOON = timedelta(days=3)
"""How long before its end a hold is told of."""


class HoldState(StrEnum):
    """How a hold stands."""

    COPYING = "copying"
    KEPT = "kept"
    ENDING = "ending"


class HoldEnd(StrEnum):
    """Why a hold ended."""

    TIME = "time"
    RELEASED = "released"
    DECOMMISSION = "decommission"
    LOST = "lost"
    """Its files are gone, or the vault that they were in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What was said of a hold when it was placed; `reason` is that of the last renewal.

    Of one whose ledger was lost, people, reason and request are empty, and `role` is None.
    """

    cameras: tuple[str, ...]
    start_at: datetime
    end_at: datetime
    reason: str = ""
    requested_by: str = ""
    document: str = ""
    document_at: date | None = None
    placed_by: str = ""
    role: Role | None = None
    placed_at: datetime

    def to_data(self) -> dict[str, Json]:
        """Return the fields as an entry's data; times are ISO 8601 in UTC."""
        return {
            "cameras": list(self.cameras),
            "start_at": self.start_at.isoformat(),
            "end_at": self.end_at.isoformat(),
            "reason": self.reason,
            "requested_by": self.requested_by,
            "document": self.document,
            "document_at": None if self.document_at is None else self.document_at.isoformat(),
            "placed_by": self.placed_by,
            "role": None if self.role is None else self.role.value,
            "placed_at": self.placed_at.isoformat(),
        }

    @classmethod
    def from_data(cls, data: Mapping[str, Json]) -> Self:
        """Read the fields back; `LedgerBrokenError` when they are not a hold's."""
        read = Fields(data, "hold")
        document_at, role = read.text_or_none("document_at"), read.text_or_none("role")
        try:
            return cls(
                cameras=read.texts("cameras"),
                start_at=read.time("start_at"),
                end_at=read.time("end_at"),
                reason=read.text("reason"),
                requested_by=read.text("requested_by"),
                document=read.text("document"),
                document_at=None if document_at is None else date.fromisoformat(document_at),
                placed_by=read.text("placed_by"),
                role=None if role is None else Role(role),
                placed_at=read.time("placed_at"),
            )
        except ValueError as err:
            raise LedgerBrokenError("hold") from err

    def to_text(self) -> str:
        """Return the fields as the index keeps them."""
        return canonical(self.to_data())


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """A span [start_at, end_at) of some cameras, kept past its time for a stated reason.

    `placed_by` is the name of who placed it, acting as `role`; `document` and `document_at` number
    and date of the request, where there is one. It ends at `until_at`; somebody is to look at it by
    `review_at`. Of its `segments`, `copied` lie under its own key and `unreadable` could not be
    read; `size_bytes` is of all.
    """

    id: str
    cameras: tuple[str, ...]
    start_at: datetime
    end_at: datetime
    reason: str
    requested_by: str
    document: str
    document_at: date | None
    placed_by: str
    role: Role | None
    placed_at: datetime
    until_at: datetime
    review_at: datetime
    state: HoldState
    segments: int
    copied: int
    size_bytes: int
    unreadable: int

    @classmethod
    def of(cls, row: HoldRow, count: HeldCount) -> Self:
        """Make a hold of what the index has of it."""
        words = words_of(row)
        state = HoldState.COPYING if count.noted else HoldState.KEPT
        return cls(
            id=row.id,
            cameras=words.cameras,
            start_at=words.start_at,
            end_at=words.end_at,
            reason=words.reason,
            requested_by=words.requested_by,
            document=words.document,
            document_at=words.document_at,
            placed_by=words.placed_by,
            role=words.role,
            placed_at=words.placed_at,
            until_at=row.until_at,
            review_at=row.review_at,
            state=state if row.ending is None else HoldState.ENDING,
            segments=count.segments,
            copied=count.copied,
            size_bytes=count.size_bytes,
            unreadable=count.unreadable,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldsDue:
    """How many holds somebody is to look at, and how many end soon."""

    reviews: int = 0
    ending: int = 0

    @classmethod
    def of(cls, holds: Iterable[Hold], now: datetime) -> Self:
        """Count them."""
        kept = [each for each in holds if each.state is not HoldState.ENDING]
        return cls(
            reviews=sum(each.review_at <= now for each in kept),
            ending=sum(each.until_at - now <= SOON for each in kept),
        )


def words_of(row: HoldRow) -> Words:
    """Return the words of a row."""
    return Words.from_data(parse_data(row.words, "hold"))


def check_words(words: Words, now: datetime) -> None:
    """Refuse a hold that cannot be placed; `HoldInvalidError` names the field."""
    if words.role not in LONGEST:
        raise HoldInvalidError("role")
    if not words.cameras:
        raise HoldInvalidError("cameras")
    if words.end_at <= words.start_at or words.end_at > now:
        raise HoldInvalidError("end_at")
    for name in ("reason", "requested_by", "placed_by"):
        if not is_text(getattr(words, name)):
            raise HoldInvalidError(name)
    if len(words.document) > LONGEST_TEXT:
        raise HoldInvalidError("document")


def check_until(until_at: datetime | None, role: Role, now: datetime) -> datetime:
    """Return when a hold ends, by default after 30 days or as long as the role may hold.

    `HoldInvalidError` for an end that has come already or is too far away.
    """
    longest = LONGEST[role]
    if until_at is None:
        return now + min(LENGTH, longest)
    if not now < until_at <= now + longest:
        raise HoldInvalidError("until_at")
    return until_at
