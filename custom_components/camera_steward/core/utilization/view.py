"""What is set in the view of a utilization: lines, zones, heights, the floor plan; no part of its notice.

Points are fractions of width and height of the picture from its upper left; those of the floor plan
of the plan's picture, and sizes in metres. Settings of a person, so that everything is checked.
"""

from dataclasses import dataclass

type Point = tuple[float, float]


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
