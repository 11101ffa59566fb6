"""When a file was captured, by its name, its path or its time of modification: pure."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from enum import StrEnum

from ..ledger.fields import Span

AHEAD = timedelta(hours=1)
"""A date further in the future than this is wrong, and says nothing of a file's age."""
FIRST_AT = datetime(2000, 1, 1, tzinfo=UTC)
"""Cameras that do not know the time say 1970 or 1980."""

_SECOND, _MINUTE = timedelta(seconds=1), timedelta(minutes=1)
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
_LAST_NS = 253_402_300_799_000_000_000
"""The last second of the calendar."""

_DATED = re.compile(
    r"(?<!\d)(?=(20\d\d)([-_./]?)(0[1-9]|1[0-2])\2(0[1-9]|[12]\d|3[01])"
    r"(?:"
    r"[-_ T./]{0,3}([01]\d|2[0-3])[-_:./h]?([0-5]\d)(?:[-_:.m]?([0-5]\d)(?:[.,]?\d{1,6})?)?(Z)?"
    r"|/([01]\d|2[0-3])"
    r")?(?!\d))"
)
"""A date; behind it hours and minutes, seconds, a fraction, `Z`; or in the path the hour alone.

It is looked ahead for, so that what was taken for the time behind one date may be the next one.
"""


class AgeBy(StrEnum):
    """What a file's age is taken from."""

    NAME = "name"
    MODIFIED = "modified"


@dataclass(frozen=True, slots=True)
class Dated:
    """When a file was captured; `at` is None where no date of it can be believed.

    `future` says that the date which counts lies in the future.
    """

    at: datetime | None
    future: bool


def named_span(path: str, zone: tzinfo) -> Span | None:
    """Return the second, minute, hour or day that a file's name tells, else its path.

    `path` is relative, with `/`. Of several dates the first in a name counts, the last in a path.
    Times are local, but those that end in `Z`; None where there is no date.
    """
    for text, which in ((path.rpartition("/")[2], 0), (path, -1)):
        spans = [span for each in _DATED.finditer(text) if (span := _span(each, zone)) is not None]
        if spans:
            return spans[which]
    return None


def date_of(path: str, modified_ns: int, by: AgeBy, zone: tzinfo, now: datetime) -> Dated:
    """Return when a file was captured, as far as can be told.

    By its name: the older of the date there and the time of modification; where that lies within the
    day or hour that the name tells, it is the more exact. A date that cannot be is left out of it.
    """
    micros = min(max(modified_ns, 0), _LAST_NS) // 1000
    modified_at = datetime.fromtimestamp(0, UTC) + timedelta(microseconds=micros)
    believed = modified_at if FIRST_AT <= modified_at <= now + AHEAD else None
    span = named_span(path, zone) if by is AgeBy.NAME else None
    if span is None:
        return Dated(believed, modified_at > now + AHEAD)
    start, end = span
    if start > now + AHEAD:
        return Dated(believed, True)
    if believed is None:
        return Dated(start, False)
    return Dated(believed if start <= believed < end else min(start, believed), False)


def begun_at(
    path: str, modified_ns: int, by: AgeBy, zone: tzinfo, now: datetime, length: timedelta
) -> datetime | None:
    """Return when a clip of this length began, None where that cannot be told to the minute.

    A second in its name is its beginning, the time of modification its end. A minute in its name is
    its beginning where it was not modified within that minute.
    """
    dated = date_of(path, modified_ns, by, zone, now)
    if dated.at is None or dated.future:
        return None
    named = named_span(path, zone) if by is AgeBy.NAME else None
    exact = named is not None and named[1] - named[0] <= _MINUTE
    if named is not None and exact and dated.at >= named[0]:
        if named[1] - named[0] <= _SECOND or dated.at == named[0]:
            return named[0]
        return max(named[0], dated.at - length)
    modified_at = datetime.fromtimestamp(0, UTC) + timedelta(microseconds=modified_ns // 1000)
    return dated.at - length if dated.at == modified_at else None


def _span(found: re.Match[str], zone: tzinfo) -> Span | None:
    year, _, month, day_, hour, minute, second, utc, hour_alone = found.groups()
    length = _DAY
    if hour_alone is not None:
        hour, length = hour_alone, _HOUR
    elif hour is not None:
        length = _MINUTE if second is None else _SECOND
    try:
        day = datetime(int(year), int(month), int(day_), tzinfo=UTC if utc else zone)
        start = day.replace(hour=int(hour or 0), minute=int(minute or 0), second=int(second or 0))
        # The clock on the wall: a local day may have 23 or 25 hours.
        end = (start.replace(tzinfo=None) + length).replace(tzinfo=start.tzinfo)
        return start.astimezone(UTC), end.astimezone(UTC)
    except ValueError, OverflowError:
        return None  # the 30th of February
