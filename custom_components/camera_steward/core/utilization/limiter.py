"""What may be stored of a utilization: whole numbers in buckets, and nothing that could be a picture.

Everything that is to be kept goes through `limited`: keys that are declared here, names of the settings,
whole numbers below a limit, times of whole quarters of an hour, and lists no longer than the grid or
the description that they are of. All else is refused whole: bytes, arrays, fractions, long texts, keys
that nobody declared. It stops mistakes, not somebody who changes the program.
"""

import math
from bisect import bisect_right
from collections.abc import Callable, Hashable, Iterable, Mapping
from contextlib import suppress as suppress_errors
from datetime import UTC, datetime, timedelta
from typing import Final

from ..errors import LimiterError
from ..ledger.entry import Json
from .detection import Sex, Thing
from .results import AgeBand, Direction
from .view import LARGEST_FLOOR_M, LONGEST_NAME, MOST_LABELS, MOST_LINES, MOST_ZONES, ViewSettings

QUARTER: Final = timedelta(minutes=15)
HOUR: Final = timedelta(hours=1)

THRESHOLD: Final = 3
"""No count of attributes from 1 to below this is told; a product default."""

CELL_M: Final = 0.5
"""Side of a cell in which positions are kept; a product default."""

MOST_CELLS: Final = round(LARGEST_FLOOR_M / CELL_M)
"""Of a grid, to each side."""

MOST_FLOWS: Final = 400
DESCRIPTION: Final = 480
"""Numbers that describe a scene (scenery.py)."""

STEPS: Final = 7
"""Each is below this, and not below 0."""

MOST_MOMENTS: Final = 8
"""Moments from which a label is learnt."""

_IN_CELL: Final = (
    *(0, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 30, 40, 50, 60, 80, 100, 120, 150, 200, 250),
    *(300, 400, 500, 600, 800, 1000, 1200, 1500, 2000, 2500),
)
_LARGEST = 10**9


def stepped(count: int) -> int:
    """Return a count in a cell, or of a flow, as it is told: a step of about a fifth, none below 3.

    It is told no finer than anybody needs, and brightness of pixels is no such number.
    """
    return _IN_CELL[bisect_right(_IN_CELL, count) - 1]


def bucket_of(at: datetime, length: timedelta) -> datetime:
    """Return the beginning of the whole quarter or hour in which a time is."""
    whole = datetime(1970, 1, 1, tzinfo=UTC)
    return at - (at - whole) % length


def suppress[K: Hashable](
    counts: Mapping[K, int], total: int, threshold: int = THRESHOLD
) -> tuple[dict[K, int | None], int | None]:
    """Return counts that make out a total, and the total, without what is too small.

    A count from 1 to below `threshold` is None. So is the least of the others, and all that are as
    large: with one alone hidden, it would be the total less the others; and as no place among equals
    is preferred, those that are hidden might be exchanged. Of no kind may be as many as the total is
    more than all counts. Where every hidden one must be 1, or the total is too small itself, all of it
    is None, 0 included.
    """
    if total == 0:
        return dict(counts), 0
    hidden = {key for key, count in counts.items() if 0 < count < threshold}
    if hidden:
        large = [count for count in counts.values() if count >= threshold]
        hidden |= {key for key, count in counts.items() if large and count == min(large)}
    left = total - sum(count for key, count in counts.items() if key not in hidden)
    if total < threshold or (hidden and left <= len(hidden)):
        return dict.fromkeys(counts), None
    return {key: None if key in hidden else count for key, count in counts.items()}, total


class Limiter:
    """Lets through what may be stored, and counts what it refused; any thread."""

    def __init__(self, view: ViewSettings | None = None) -> None:
        """Know the names of lines, zones and labels and the floor; without `view` sizes alone."""
        self._shapes = _shapes(view)
        self.refused = 0

    def limited(self, kept: Mapping[str, object]) -> dict[str, Json]:
        """Return the same as plain JSON; `LimiterError` names the key of what may not be stored."""
        try:
            return {
                _key(key, self._shapes): self._shapes[key](value, key)
                for key, value in kept.items()
            }
        except LimiterError:
            self.refused += 1
            raise


def limited(kept: Mapping[str, object], view: ViewSettings | None = None) -> dict[str, Json]:
    """Return what is kept as plain JSON; `LimiterError` names the key of what may not be stored."""
    return Limiter(view).limited(kept)


def restored(kept: Mapping[str, object], view: ViewSettings | None = None) -> dict[str, Json]:
    """Return what of that which was kept may be kept now; the rest is as if it were not there."""
    limiter, found = Limiter(view), dict[str, Json]()
    for key, value in kept.items():
        with suppress_errors(LimiterError):
            found |= limiter.limited({key: value})
    return found


def counts_of[K: str](counts: Json, kinds: Iterable[K]) -> dict[K, int | None]:
    """Return counts by kind or name as they were kept; what is not there is None."""
    known = counts if isinstance(counts, Mapping) else {}
    found = {kind: known.get(kind) for kind in kinds}
    return {kind: each if isinstance(each, int) else None for kind, each in found.items()}


def time_of(kept: Json) -> datetime | None:
    """Return a time as it was kept and `restored`."""
    return datetime.fromisoformat(kept) if isinstance(kept, str) else None


type _Shape[T: Json = Json] = Callable[[object, str], T]


def _shapes(view: ViewSettings | None) -> dict[str, _Shape]:
    """Return what each key may hold."""
    lines = zones = labels = None
    rows = columns = MOST_CELLS
    if view is not None:
        lines = frozenset(each.name for each in view.lines)
        zones = frozenset(each.name for each in view.zones)
        labels = frozenset(view.labels)
        rows, columns = grid_of(view)
    count = _count(_LARGEST)
    ways = frozenset(f"{thing}_{way}" for thing in Thing for way in Direction)
    attribute = _maybe(_attribute)
    row = _list(_in_cell, columns, 0 if view is None else columns)
    moment = _list(_count(STEPS - 1), DESCRIPTION, DESCRIPTION)
    return {
        "since_at": _time(QUARTER),
        "hour_at": _time(HOUR),
        "totals": _map(lines, MOST_LINES, _map(ways, len(ways), count)),
        "visitors": attribute,
        "ages": _map(frozenset(AgeBand), len(AgeBand), attribute),
        "sexes": _map(frozenset(Sex), len(Sex), attribute),
        "dwell": _map(zones, MOST_ZONES, _maybe(count)),
        "visits": _map(zones, MOST_ZONES, attribute),
        "heat": _list(row, rows),
        "flows": _list(_flow, MOST_FLOWS),
        "learnt": _map(labels, MOST_LABELS, _list(moment, MOST_MOMENTS)),
        "state": _name(labels),
        "most": _maybe(count),
    }


def grid_of(view: ViewSettings) -> tuple[int, int]:
    """Return how many rows and columns of cells a floor has; none without one."""
    if view.floor is None:
        return 0, 0
    floor = view.floor
    # Rounded up, but not for what is no more than a slip of a fraction.
    return math.ceil(floor.depth_m / CELL_M - 1e-6), math.ceil(floor.width_m / CELL_M - 1e-6)


def _key(key: object, shapes: Mapping[str, _Shape]) -> str:
    # Not even the key of what is refused is told, unless it could be a key.
    if not isinstance(key, str) or key not in shapes:
        told = isinstance(key, str) and key.isidentifier() and len(key) <= LONGEST_NAME
        raise LimiterError(str(key) if told else "key")
    return key


def _count(most: int) -> _Shape:
    def check(value: object, key: str) -> int:
        if type(value) is not int or not 0 <= value <= most:
            raise LimiterError(key)
        return value

    return check


def _attribute(value: object, key: str) -> Json:
    if isinstance(value, int) and 0 < value < THRESHOLD:
        raise LimiterError(key)
    return _count(_LARGEST)(value, key)


def _in_cell(value: object, key: str) -> Json:
    if type(value) is not int or value not in _IN_CELL:
        raise LimiterError(key)
    return value


def _flow(value: object, key: str) -> Json:
    cells = _list(_count(MOST_CELLS - 1), 4, 4)
    if not isinstance(value, list | tuple) or not value:
        raise LimiterError(key)
    return [*cells(value[:-1], key), _in_cell(value[-1], key)]


def _maybe(shape: _Shape) -> _Shape:
    return lambda value, key: None if value is None else shape(value, key)


def _time(length: timedelta) -> _Shape:
    def check(value: object, key: str) -> str | None:
        if value is None:
            return None
        if type(value) is not str or len(value) > len("2026-11-25T23:15:00+00:00"):
            raise LimiterError(key)
        try:
            at = datetime.fromisoformat(value)
        except ValueError as err:
            raise LimiterError(key) from err
        # One way of writing it alone: others could hold something more.
        if at.utcoffset() != timedelta(0) or bucket_of(at, length) != at or at.isoformat() != value:
            raise LimiterError(key)
        return value

    return check


def _name(names: frozenset[str] | None) -> _Shape:
    def check(value: object, key: str) -> str | None:
        if value is None:
            return None
        if not isinstance(value, str) or len(value) > LONGEST_NAME or not value.isprintable():
            raise LimiterError(key)
        if names is not None and value not in names:
            raise LimiterError(key)
        return str(value)

    return check


def _map(names: frozenset[str] | None, most: int, shape: _Shape) -> _Shape:
    check_name = _name(names)

    def check(value: object, key: str) -> dict[str, Json]:
        if not isinstance(value, Mapping) or len(value) > most:
            raise LimiterError(key)
        found: dict[str, Json] = {}
        for name, each in value.items():
            if (checked := check_name(name, key)) is None:
                raise LimiterError(key)
            found[str(checked)] = shape(each, key)
        return found

    return check


def _list(shape: _Shape, most: int, least: int = 0) -> _Shape[list[Json]]:
    def check(value: object, key: str) -> list[Json]:
        if not isinstance(value, list | tuple) or not least <= len(value) <= most:
            raise LimiterError(key)
        return [shape(each, key) for each in value]

    return check
