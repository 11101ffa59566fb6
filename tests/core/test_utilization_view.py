"""What somebody sets in the view: what is right goes through whole, what is wrong is named."""

import json
from typing import Any

import pytest

from custom_components.camera_steward.core.errors import ViewInvalidError
from custom_components.camera_steward.core.utilization.geometry import homography, mapped
from custom_components.camera_steward.core.utilization.view import (
    ViewSettings,
    parse_view,
    view_data,
)

SQUARE = [[0.1, 0.1], [0.9, 0.1], [0.9, 0.9], [0.1, 0.9]]
SEEN = [[0.3, 0.3], [0.7, 0.3], [0.95, 0.95], [0.05, 0.95]]
NAN = float("nan")


def line(name: Any = "entrance", start: Any = (0.1, 0.5), end: Any = (0.9, 0.5)) -> dict[str, Any]:
    return {"name": name, "start": list(start), "end": end if end is None else list(end)}


def floor(**other: Any) -> dict[str, Any]:
    return {"seen": SEEN, "drawn": SQUARE, "width_m": 8, "depth_m": 6.5, "plan": "", **other}


def test_what_is_right_comes_back_as_it_was_set() -> None:
    data = {
        "lines": [line(" 入口 "), line("Exit")],
        "zones": [{"name": "queue", "points": SQUARE}],
        "persons": [
            {"foot": [0.5, 0.9], "head": [0.5, 0.4]},
            {"foot": [0.5, 0.4], "head": [0.5, 0.2]},
        ],
        "floor": floor(plan="0f" * 32),
        "background": "1a" * 32,
        "labels": ["snow", "no snow"],
        "capacity": 30,
        "till_people": 5,
    }
    view = parse_view(data)
    assert view.lines[0].name == "入口"
    stored = json.loads(json.dumps(view_data(view)))
    assert parse_view(stored) == view
    assert stored | {"lines": data["lines"]} == data | {"floor": floor(plan="0f" * 32)}
    assert parse_view({}) == ViewSettings()
    assert parse_view({"floor": None}).floor is None


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({"pixels": "x"}, "pixels"),
        ({"lines": "entrance"}, "lines"),
        ({"lines": [line(str(at)) for at in range(5)]}, "lines"),
        ({"lines": [line(), line("ENTRANCE")]}, "lines.1.name"),
        ({"lines": [line("")]}, "lines.0.name"),
        ({"lines": [line("a\nb")]}, "lines.0.name"),
        ({"lines": [line("x" * 31)]}, "lines.0.name"),
        ({"lines": [line(7)]}, "lines.0.name"),
        ({"lines": [line(end=(0.1, 0.5))]}, "lines.0.end"),
        ({"lines": [line(end=None)]}, "lines.0.end"),
        ({"lines": [line(start=(NAN, 0.5))]}, "lines.0.start"),
        ({"lines": [line(start=(-0.01, 0.5))]}, "lines.0.start"),
        ({"lines": [line(start=(True, 0.5))]}, "lines.0.start"),
        ({"lines": [line(start=(0.1, 0.5, 0.2))]}, "lines.0.start"),
        ({"lines": [{**line(), "note": "x"}]}, "lines.0"),
        ({"zones": [{"name": "queue", "points": SQUARE[:2]}]}, "zones.0.points"),
        ({"zones": [{"name": "q", "points": [SQUARE[i] for i in (0, 2, 1, 3)]}]}, "zones.0.points"),
        (
            {"zones": [{"name": "q", "points": [[0.1, 0.1], [0.5, 0.5], [0.9, 0.9]]}]},
            "zones.0.points",
        ),
        ({"zones": [{"name": "q", "points": SQUARE * 6}]}, "zones.0.points"),
        ({"zones": [{"name": str(at), "points": SQUARE} for at in range(9)]}, "zones"),
        ({"persons": [{"foot": [0.5, 0.9], "head": [0.5, 0.4]}]}, "persons"),
        ({"persons": [{"foot": [0.5, 0.9], "head": [0.5, 0.4]}] * 2}, "persons"),
        ({"persons": [{"foot": [0.5, 0.4], "head": [0.5, 0.9]}] * 2}, "persons.0.head"),
        ({"floor": [1]}, "floor"),
        ({"floor": floor(seen=[SEEN[i] for i in (0, 2, 1, 3)])}, "floor.seen"),
        ({"floor": floor(seen=[[0.1, 0.1], [0.5, 0.5], [0.9, 0.9], [0.1, 0.9]])}, "floor.seen"),
        ({"floor": floor(seen=[[0.1, 0.1], [0.9, 0.1], [0.5, 0.2], [0.5, 0.9]])}, "floor.seen"),
        ({"floor": floor(seen=[[0.1, 0.1], [0.11, 0.1], [0.11, 0.11], [0.1, 0.11]])}, "floor.seen"),
        ({"floor": floor(drawn=SQUARE[:3])}, "floor.drawn"),
        ({"floor": floor(drawn=SQUARE[::-1])}, "floor.drawn"),
        ({"floor": floor(width_m=0)}, "floor.width_m"),
        ({"floor": floor(depth_m=float("inf"))}, "floor.depth_m"),
        ({"floor": floor(plan="../plan.png")}, "floor.plan"),
        ({"background": 7}, "background"),
        ({"labels": ["snow", "Snow"]}, "labels.1"),
        ({"labels": [str(at) for at in range(9)]}, "labels"),
        ({"capacity": 0}, "capacity"),
        ({"capacity": 2.5}, "capacity"),
        ({"till_people": True}, "till_people"),
    ],
)
def test_what_is_wrong_is_named(data: dict[str, Any], field: str) -> None:
    with pytest.raises(ViewInvalidError) as caught:
        parse_view(data)
    assert caught.value.detail == field


def test_a_floor_is_found_again_by_its_four_points_and_ends_at_the_horizon() -> None:
    view = parse_view({"floor": floor()})
    assert view.floor is not None
    matrix = homography(view.floor.seen, view.floor.drawn)
    for seen, drawn in zip(view.floor.seen, view.floor.drawn, strict=True):
        assert mapped(matrix, seen) == pytest.approx(drawn)
    # The two sides meet at the horizon, which is above the upper edge of the floor.
    assert mapped(matrix, (0.5, 0.6)) is not None
    assert mapped(matrix, (0.5, -0.3)) is None
