"""Typed fields out of an entry's data, and spans of time as entries hold them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from ..errors import LedgerBrokenError
from .entry import Json, parse_time

type Span = tuple[datetime, datetime]

_CONTIGUOUS = timedelta(seconds=1)
_MOST = 100


def merge_spans(spans: Iterable[Span], within: timedelta = _CONTIGUOUS) -> tuple[Span, ...]:
    """Return spans in order of time, one for what overlaps or follows `within` a second.

    Segments of one recording follow each other within a frame or two; a real gap stays visible.
    """
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1] + within:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return tuple(merged)


def few_spans(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Return spans so few that an entry can hold them: the closest are taken for one."""
    few, within = merge_spans(spans), timedelta(seconds=2)
    while len(few) > _MOST:
        few = merge_spans(few, within)
        within *= 2
    return few


def spans_data(spans: Iterable[Span]) -> list[Json]:
    """Return spans as an entry's data holds them: pairs of ISO 8601 times in UTC."""
    return [[start.isoformat(), end.isoformat()] for start, end in spans]


@dataclass(frozen=True, slots=True)
class Fields:
    """Reads typed fields from an entry's data; `LedgerBrokenError` names `what` it was to be."""

    data: Mapping[str, Json]
    what: str

    def text(self, name: str) -> str:
        """Return a text."""
        value = self.data.get(name)
        if isinstance(value, str):
            return value
        raise LedgerBrokenError(self.what)

    def text_or_none(self, name: str) -> str | None:
        """Return a text, None where none is given."""
        return None if self.data.get(name) is None else self.text(name)

    def texts(self, name: str) -> tuple[str, ...]:
        """Return a list of texts."""
        value = self.data.get(name)
        if isinstance(value, list) and all(isinstance(each, str) for each in value):
            return tuple(cast("list[str]", value))
        raise LedgerBrokenError(self.what)

    def text_by_name(self, name: str) -> dict[str, str]:
        """Return texts by their names."""
        value = self.data.get(name)
        if isinstance(value, Mapping) and all(isinstance(each, str) for each in value.values()):
            return dict(cast("Mapping[str, str]", value))
        raise LedgerBrokenError(self.what)

    def whole(self, name: str) -> int:
        """Return a whole number."""
        value = self.data.get(name)
        if type(value) is int:
            return value
        raise LedgerBrokenError(self.what)

    def flag_or_none(self, name: str) -> bool | None:
        """Return whether something is so, None where nobody knows."""
        value = self.data.get(name)
        if value is None or isinstance(value, bool):
            return value
        raise LedgerBrokenError(self.what)

    def time(self, name: str) -> datetime:
        """Return a time."""
        return parse_time(self.data.get(name), self.what)

    def time_or_none(self, name: str) -> datetime | None:
        """Return a time, None where none is given."""
        return None if self.data.get(name) is None else self.time(name)

    def each(self, name: str) -> list[Fields]:
        """Return the fields of each member of a list."""
        value = self.data.get(name)
        if isinstance(value, list) and all(isinstance(each, Mapping) for each in value):
            return [Fields(cast("Mapping[str, Json]", each), self.what) for each in value]
        raise LedgerBrokenError(self.what)

    def spans(self, name: str) -> tuple[Span, ...]:
        """Return spans of time."""
        value = self.data.get(name)
        if not isinstance(value, list):
            raise LedgerBrokenError(self.what)
        found = []
        for each in value:
            if not isinstance(each, list) or len(each) != 2:
                raise LedgerBrokenError(self.what)
            found.append((parse_time(each[0], self.what), parse_time(each[1], self.what)))
        return tuple(found)
