"""What a utilization gives: counts, levels, grids; whatever of it is kept went through the limiter."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from .detection import Sex, Thing


class Direction(StrEnum):
    """Which way a line was crossed: `in` from its left to its right, seen from its first point."""

    IN = "in"
    OUT = "out"


class AgeBand(StrEnum):
    """Ages as they are counted, never finer."""

    UNDER_20 = "under_20"
    FROM_20 = "from_20"
    FROM_40 = "from_40"
    FROM_60 = "from_60"


class Crowd(StrEnum):
    """How crowded a place is."""

    EMPTY = "empty"
    SOME = "some"
    BUSY = "busy"
    FULL = "full"


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributesResult:
    """Case 1, of the last quarter of an hour; None before there was one, where too few, or not whole.

    `queue` is how many wait now as far as a queue zone is drawn, `forecast` how many will in ten
    minutes; `open_till` whether that is more than one till should have. These are of the last minute.
    """

    since_at: datetime | None = None
    visitors: int | None = None
    ages: Mapping[AgeBand, int | None] = field(default_factory=dict)
    sexes: Mapping[Sex, int | None] = field(default_factory=dict)
    queue: int = 0
    forecast: int | None = None
    open_till: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MovementResult:
    """Case 2. `dwell` is the mean seconds of a stay by zone, of the last quarter of an hour.

    None where there were 1 or 2 `visits`, or the quarter was not whole. `heat` counts, in cells of
    0.5 m, rows by columns, how many tracks went through in the last whole hour; `flows` from cell to
    cell of 2 m (row, column, row, column) how many went: in steps, and 0 where fewer than 3. Empty
    before.
    """

    dwell: Mapping[str, int | None] = field(default_factory=dict)
    visits: Mapping[str, int | None] = field(default_factory=dict)
    hour_at: datetime | None = None
    heat: tuple[tuple[int, ...], ...] = ()
    flows: Mapping[tuple[int, int, int, int], int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class CountingResult:
    """Case 3: totals since the utilization began, by line, thing and direction."""

    totals: Mapping[tuple[str, Thing, Direction], int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneryResult:
    """Case 4: the label of the scene, None while it cannot be told; how many moments each was learnt from."""

    state: str | None = None
    since_at: datetime | None = None
    learnt: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class IconsResult:
    """Case 5: where people are, fractions of width and height (their feet), and how crowded it is."""

    people: tuple[tuple[float, float], ...] = ()
    crowd: Crowd = Crowd.EMPTY
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherResult:
    """Any other case: the most persons at once in the last whole quarter of an hour."""

    since_at: datetime | None = None
    most: int | None = None


type Result = (
    AttributesResult | MovementResult | CountingResult | SceneryResult | IconsResult | OtherResult
)
