"""What is set in the view of a utilization: lines, zones, heights, the floor plan; no part of its notice.

Points are fractions of width and height of the picture from its upper left; those of the floor plan
of the plan's picture, and sizes in metres. Settings of a person, so that everything is checked.
"""

import math
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Final, cast

from ..errors import ViewInvalidError
from ..ledger.entry import Json
from .geometry import Point, area, is_convex, is_simple

MOST_LINES: Final = 4
MOST_ZONES: Final = 8
MOST_LABELS: Final = 8
LONGEST_NAME: Final = 30
MOST_POINTS: Final = 20
"""Of a zone."""
LARGEST_FLOOR_M: Final = 60
"""To each side: what one camera sees, and no more cells than that has."""

_SHORTEST = 0.02
"""Of a line, and of a person's height, of the picture."""
_SMALLEST = 1e-3
"""Of a zone or a floor, of the picture's area."""
_APART = 0.05
"""How far two persons stand from each other in height, so that a third can be told from them."""
_PHOTO = re.compile(r"[0-9A-Za-z_-]{0,64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Counted is what crosses it; *in* is from its left to its right, seen from `start` to `end`."""

    name: str
    start: Point
    end: Point


@dataclass(frozen=True, slots=True, kw_only=True)
class Zone:
    """A polygon of at least three points in the picture. The zone `queue` of case 1 is who waits."""

    name: str
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """How tall a standing person is at one place: feet and head, same column."""

    foot: Point
    head: Point


@dataclass(frozen=True, slots=True, kw_only=True)
class Floor:
    """Four points of the picture and where they are on the plan, both clockwise; its size in metres.

    `plan` is the id of an uploaded picture of the plan, empty: a blank one is drawn.
    """

    seen: tuple[Point, Point, Point, Point]
    drawn: tuple[Point, Point, Point, Point]
    width_m: float
    depth_m: float
    plan: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewSettings:
    """All that is set. `background` is the id of the approved empty picture of case 5."""

    lines: tuple[Line, ...] = ()
    zones: tuple[Zone, ...] = ()
    persons: tuple[Person, ...] = ()
    """None, or two at different depths."""

    floor: Floor | None = None
    background: str = ""
    labels: tuple[str, ...] = ()
    """The states of a scene (case 4)."""

    capacity: int = 20
    """How many people are *full* (case 5); *busy* is from half of it, *some* from one."""

    till_people: int = 4
    """How many waiting people one till should have at most (case 1)."""


def parse_view(data: Mapping[str, object]) -> ViewSettings:
    """Return settings as somebody set them, in the form of `view_data`; what is not there is not set.

    `ViewInvalidError` names the first field that is wrong, as in `zones.1.points`.
    """
    for key in data:
        if key not in _FIELDS:
            raise ViewInvalidError(str(key)[:LONGEST_NAME])
    return ViewSettings(
        lines=_several(data, "lines", MOST_LINES, _line),
        zones=_several(data, "zones", MOST_ZONES, _zone),
        persons=_persons(data),
        floor=None if data.get("floor") is None else _floor(data["floor"], "floor"),
        background=_photo(data.get("background", ""), "background"),
        labels=_names(_several(data, "labels", MOST_LABELS, _name), "labels"),
        capacity=_whole(data.get("capacity", 20), "capacity", 10_000),
        till_people=_whole(data.get("till_people", 4), "till_people", 100),
    )


def view_data(view: ViewSettings) -> dict[str, Json]:
    """Return settings as JSON."""
    return cast("dict[str, Json]", _plain(asdict(view)))


_FIELDS: Final = frozenset(ViewSettings.__dataclass_fields__)


def _plain(value: object) -> object:
    match value:
        case dict():
            return {key: _plain(each) for key, each in value.items()}
        case tuple():
            return [_plain(each) for each in value]
        case _:
            return value


def _several[T](
    data: Mapping[str, object], field: str, most: int, parse: Callable[[object, str], T]
) -> tuple[T, ...]:
    items = _items(data.get(field, ()), field, most)
    found = tuple(parse(each, f"{field}.{at}") for at, each in enumerate(items))
    _names([each.name for each in found if isinstance(each, Line | Zone)], field)
    return found


def _items(value: object, field: str, most: int) -> Sequence[object]:
    if not isinstance(value, list | tuple) or len(value) > most:
        raise ViewInvalidError(field)
    return value


def _names(names: Sequence[str], field: str) -> tuple[str, ...]:
    for at, name in enumerate(names):
        if name.casefold() in (each.casefold() for each in names[:at]):
            raise ViewInvalidError(f"{field}.{at}.name" if field != "labels" else f"{field}.{at}")
    return tuple(names)


def _part(value: object, field: str, keys: frozenset[str]) -> Mapping[str, object]:
    if not isinstance(value, Mapping) or not set(value) <= keys:
        raise ViewInvalidError(field)
    return value


def _line(value: object, field: str) -> Line:
    part = _part(value, field, frozenset(Line.__dataclass_fields__))
    start = _point(part.get("start"), f"{field}.start")
    end = _point(part.get("end"), f"{field}.end")
    if math.dist(start, end) < _SHORTEST:
        raise ViewInvalidError(f"{field}.end")
    return Line(name=_name(part.get("name"), f"{field}.name"), start=start, end=end)


def _zone(value: object, field: str) -> Zone:
    part = _part(value, field, frozenset(Zone.__dataclass_fields__))
    points = _points(part.get("points"), f"{field}.points", MOST_POINTS)
    if len(points) < 3 or not is_simple(points) or abs(area(points)) < _SMALLEST:
        raise ViewInvalidError(f"{field}.points")
    return Zone(name=_name(part.get("name"), f"{field}.name"), points=points)


def _persons(data: Mapping[str, object]) -> tuple[Person, ...]:
    found = _several(data, "persons", 2, _person)
    if len(found) == 1 or (found and abs(found[0].foot[1] - found[1].foot[1]) < _APART):
        raise ViewInvalidError("persons")
    return found


def _person(value: object, field: str) -> Person:
    part = _part(value, field, frozenset(Person.__dataclass_fields__))
    foot = _point(part.get("foot"), f"{field}.foot")
    head = _point(part.get("head"), f"{field}.head")
    if foot[1] - head[1] < _SHORTEST:
        raise ViewInvalidError(f"{field}.head")
    return Person(foot=foot, head=head)


def _floor(value: object, field: str) -> Floor:
    part = _part(value, field, frozenset(Floor.__dataclass_fields__))
    seen, drawn = (_corners(part.get(each), f"{field}.{each}") for each in ("seen", "drawn"))
    if (area(seen) > 0) != (area(drawn) > 0):  # a mirror's floor
        raise ViewInvalidError(f"{field}.drawn")
    return Floor(
        seen=seen,
        drawn=drawn,
        width_m=_metres(part.get("width_m"), f"{field}.width_m"),
        depth_m=_metres(part.get("depth_m"), f"{field}.depth_m"),
        plan=_photo(part.get("plan", ""), f"{field}.plan"),
    )


def _corners(value: object, field: str) -> tuple[Point, Point, Point, Point]:
    points = _points(value, field, 4)
    if len(points) != 4 or not is_convex(points) or abs(area(points)) < _SMALLEST:
        raise ViewInvalidError(field)
    return points[0], points[1], points[2], points[3]


def _points(value: object, field: str, most: int) -> tuple[Point, ...]:
    return tuple(_point(each, field) for each in _items(value, field, most))


def _point(value: object, field: str) -> Point:
    both = _items(value, field, 2)
    if len(both) != 2:
        raise ViewInvalidError(field)
    return _number(both[0], field, 0, 1), _number(both[1], field, 0, 1)


def _metres(value: object, field: str) -> float:
    return _number(value, field, 1, LARGEST_FLOOR_M)


def _number(value: object, field: str, least: float, most: float) -> float:
    # What is no number (NaN) is not within anything.
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise ViewInvalidError(field)
    return float(value)


def _whole(value: object, field: str, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
        raise ViewInvalidError(field)
    return value


def _name(value: object, field: str) -> str:
    if not isinstance(value, str) or len(value) > 4 * LONGEST_NAME:
        raise ViewInvalidError(field)
    name = unicodedata.normalize("NFC", value).strip()
    if not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
        raise ViewInvalidError(field)
    return name


def _photo(value: object, field: str) -> str:
    if not isinstance(value, str) or not _PHOTO.fullmatch(value):
        raise ViewInvalidError(field)
    return value
