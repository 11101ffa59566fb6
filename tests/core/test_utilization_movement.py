"""How people move on a floor: counts in cells and seconds in zones, of which no way can be drawn."""

from datetime import timedelta

from custom_components.camera_steward.core.utilization.drawing import heat_map_png
from custom_components.camera_steward.core.utilization.limiter import HOUR, QUARTER
from custom_components.camera_steward.core.utilization.movement import LONGEST_PATH, Movement
from custom_components.camera_steward.core.utilization.results import MovementResult
from custom_components.camera_steward.core.utilization.view import ViewSettings, parse_view

from .utilization_scenes import BEGIN, Stage, person, way

# The lower part of the picture is a floor of 8 m by 6 m, seen from the front.
VIEW: ViewSettings = parse_view(
    {
        "floor": {
            "seen": [[0.3, 0.4], [0.7, 0.4], [1, 1], [0, 1]],
            "drawn": [[0, 0], [1, 0], [1, 1], [0, 1]],
            "width_m": 8,
            "depth_m": 6,
        },
        "zones": [
            {"name": "shelf", "points": [[0, 0.8], [0.3, 0.8], [0.3, 1], [0, 1]]},
            {"name": "door", "points": [[0.7, 0.8], [1, 0.8], [1, 1], [0.7, 1]]},
        ],
    }
)
ACROSS = way((0.05, 0.9), (0.95, 0.9), 20)


def test_zones_are_told_by_the_quarter_and_the_floor_by_the_hour() -> None:
    work = Movement(VIEW, {}, BEGIN)
    stage = Stage(work)
    assert work.result() == MovementResult(
        dwell={"shelf": None, "door": None}, visits={"shelf": None, "door": None}
    )
    for _ in range(4):
        stage.show([person((0.15, 0.9))], 40)  # 20 s before the shelf
        stage.walk(way((0.15, 0.9), (0.95, 0.9), 18))
    for _ in range(2):
        stage.walk(way((0.5, 0.5), (0.5, 0.95), 12))
    stage.until(15)
    result = work.result()
    assert result.visits == {"shelf": 4, "door": 4}
    assert 19 <= (result.dwell["shelf"] or 0) <= 24
    assert 1 <= (result.dwell["door"] or 0) <= 5
    assert result.heat == ()
    for _ in range(2):
        stage.walk(ACROSS)
    stage.until(30)
    assert work.result().visits == {"shelf": None, "door": None}
    assert work.result().dwell == {"shelf": None, "door": None}
    stage.until(45)
    assert work.result().visits == {"shelf": 0, "door": 0}
    stage.until(0, hour=10)

    result = work.result()
    assert result.hour_at == BEGIN
    assert len(result.heat) == 12
    assert {len(row) for row in result.heat} == {16}
    warm = {(row, column) for row in range(12) for column in range(16) if result.heat[row][column]}
    assert warm
    assert all(row >= 9 for row, _ in warm)  # nothing of the two who came from the far end
    assert {result.heat[row][column] for row, column in warm} <= set(range(3, 9))
    assert result.flows
    assert all(count >= 3 for count in result.flows.values())
    assert all(start < end for _, start, _, end in result.flows)  # all to the right

    after = Movement(VIEW, work.kept(), BEGIN + HOUR)
    assert after.result() == work.result()
    later = Movement(VIEW, work.kept(), BEGIN + timedelta(days=2))
    assert later.result().heat == ()
    for size in ({"width_m": 7}, {"width_m": 2}, {"width_m": 2, "depth_m": 2}):  # of another grid
        other = parse_view({"floor": {**_floor(), **size}})
        gone_on = Movement(other, work.kept(), BEGIN + HOUR).result()
        assert (gone_on.heat, gone_on.flows) == ((), {})
        assert heat_map_png(gone_on, other, None, "ja")
    stage.until(0, hour=11)
    assert not any(map(any, work.result().heat))


def _floor() -> dict[str, object]:
    assert VIEW.floor is not None
    floor = VIEW.floor
    return {"seen": floor.seen, "drawn": floor.drawn, "width_m": 8, "depth_m": 6}


def test_no_path_is_remembered_for_longer_than_ten_minutes_and_none_after_it() -> None:
    work = Movement(VIEW, {}, BEGIN)
    stage = Stage(work)
    there = way((0.1, 0.9), (0.9, 0.6), 30)
    for _ in range(15):  # one who goes to and fro for a quarter of an hour
        for place in [*there, *there[::-1]]:
            stage.show([person(place)])
            (path,) = work._paths.values() or (None,)
            if path is not None and stage.elapsed - path.begun > LONGEST_PATH + 1:
                assert path.over
                assert not path.cells
                assert not path.flows
                assert path.last is None
    assert len(work._paths) == 1
    # Who is there for long is no more than one in each cell: no one's way is ever told.
    stage.show([], 5)
    assert not work._paths
    assert not work._stays
    assert max(work._heat.values()) == 1
    stage.until(0, hour=10)
    assert not any(map(any, work.result().heat))
    assert work.result().flows == {}
    # What is beyond the floor, or at the horizon, is nowhere.
    stage.walk(way((0.1, 0.3), (0.9, 0.3), 20))
    assert not work._heat


def test_a_clock_that_is_set_back_tells_no_visit_twice() -> None:
    work = Movement(VIEW, {}, BEGIN)
    stage = Stage(work)
    for _ in range(3):
        stage.walk(ACROSS)
    stage.until(16)
    assert work.result().visits["shelf"] == 3
    stage.at -= timedelta(minutes=10)
    stage.until(16)
    assert work.result().visits["shelf"] is None
    stage.until(30)
    assert work.result().visits["shelf"] == 0
    assert work.kept()["since_at"] == (BEGIN + QUARTER).isoformat()
