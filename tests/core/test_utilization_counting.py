"""Who passes a line: each once, by kind and direction, whatever a line or a box does."""

import itertools
from datetime import UTC, datetime

import pytest

from custom_components.camera_steward.core.utilization.counting import Counting
from custom_components.camera_steward.core.utilization.detection import Box, Thing
from custom_components.camera_steward.core.utilization.results import Direction
from custom_components.camera_steward.core.utilization.view import Line, ViewSettings

AT = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
UP = Line(name="gate", start=(0.5, 0.9), end=(0.5, 0.1))  # its right is the picture's right
BEGINS = itertools.count(0.0, 1000.0)
VIEW = ViewSettings(lines=(UP,))
NONE = dict.fromkeys(Thing, (0, 0))


def box(x: float, y: float, thing: Thing = Thing.PERSON) -> Box:
    return Box(thing=thing, score=0.9, left=x - 0.03, right=x + 0.03, top=y - 0.2, bottom=y)


def walk(work: Counting, *ways: list[tuple[float, float]], thing: Thing = Thing.PERSON) -> None:
    """Let some walk at once, twice a second, long after those before."""
    begin = next(BEGINS)
    for frame in range(max(map(len, ways))):
        boxes = [box(*way[frame], thing) for way in ways if frame < len(way)]
        work.take(None, boxes, AT, begin + frame / 2)


def counted(work: Counting, line: str = "gate") -> dict[Thing, tuple[int, int]]:
    totals = work.result().totals
    return {
        thing: (totals[line, thing, Direction.IN], totals[line, thing, Direction.OUT])
        for thing in Thing
    }


RIGHT = [(0.2 + 0.05 * step, 0.6) for step in range(13)]
LEFT = [(0.8 - 0.05 * step, 0.62) for step in range(13)]


def test_each_is_counted_once_by_kind_and_direction_and_goes_on_after_a_restart() -> None:
    work = Counting(VIEW, {})
    assert counted(work) == NONE
    walk(work, RIGHT)
    walk(work, RIGHT, LEFT)  # they meet on the line
    walk(work, LEFT, thing=Thing.CAR)
    expected = NONE | {Thing.PERSON: (2, 1), Thing.CAR: (0, 1)}
    assert counted(work) == expected

    kept = work.kept()
    other = Line(name="door", start=(0.7, 0.9), end=(0.7, 0.1))
    after = Counting(ViewSettings(lines=(UP, other)), kept)
    assert counted(after) == expected
    assert counted(after, "door") == NONE
    walk(after, RIGHT)
    assert counted(after)[Thing.PERSON] == (3, 1)
    assert counted(after, "door")[Thing.PERSON] == (1, 0)
    # A line that is gone takes its totals along; what is no total is nought.
    assert set(Counting(ViewSettings(lines=(other,)), kept).kept()["totals"]) == {"door"}  # type: ignore[arg-type]
    for rubbish in (
        {"totals": 7},
        {"totals": {"gate": [1]}},
        {"totals": {"gate": {"person_in": "9"}}},
    ):
        assert counted(Counting(VIEW, rubbish)) == NONE


@pytest.mark.parametrize(
    ("way", "expected"),
    [
        # Standing on the line, to and fro by less than a step, then away where it came from.
        ([*RIGHT[:6], *[(0.49, 0.6), (0.51, 0.6)] * 10, *LEFT[7:]], (0, 0)),
        # The same, then on.
        ([*RIGHT[:6], *[(0.49, 0.6), (0.51, 0.6)] * 10, *RIGHT[7:]], (1, 0)),
        # There and clearly back.
        ([*RIGHT[:10], *RIGHT[8::-1]], (1, 1)),
        # Around the end of the line.
        ([(0.3 + 0.04 * step, 1.0) for step in range(12)], (0, 0)),
        # Along the line.
        ([(0.48, 0.3 + 0.05 * step) for step in range(12)], (0, 0)),
    ],
)
def test_a_line_is_passed_only_by_who_goes_through_it_to_the_other_side(
    way: list[tuple[float, float]], expected: tuple[int, int]
) -> None:
    work = Counting(VIEW, {})
    walk(work, way)
    assert counted(work)[Thing.PERSON] == expected


def test_who_is_hidden_while_crossing_is_counted() -> None:
    work = Counting(VIEW, {})
    for frame, place in enumerate(RIGHT):
        hidden = 5 <= frame <= 7
        work.take(None, [] if hidden else [box(*place)], AT, frame / 2)
    assert counted(work)[Thing.PERSON] == (1, 0)
