"""Where people are in coarse cells, and how crowded it is, without jumping to and fro."""

import itertools

from custom_components.camera_steward.core.utilization.icons import COLUMNS, ROWS, Icons
from custom_components.camera_steward.core.utilization.results import Crowd, IconsResult
from custom_components.camera_steward.core.utilization.view import ViewSettings

from .utilization_scenes import Stage, person, way

PLACES = [(0.06 * n, 0.5 + 0.04 * (n % 3)) for n in range(1, 16)]


def test_icons_stand_in_cells_and_move_each_ten_seconds_at_most() -> None:
    work = Icons(ViewSettings())
    stage = Stage(work)
    told: list[tuple[float, IconsResult]] = []

    def note() -> None:
        if not told or told[-1][1] != work.result():
            told.append((stage.elapsed, work.result()))

    stage.seen = note
    stage.walk(way((0.1, 0.6), (0.9, 0.7), 80), way((0.8, 0.6), (0.2, 0.7), 80))
    assert len(told) >= 4
    assert all(b[0] - a[0] >= 10 for a, b in itertools.pairwise(told))
    for _, result in told:
        assert result.at is not None
        assert (result.at.second % 10, result.at.microsecond) == (0, 0)
        assert list(result.people) == sorted(result.people)
        for x, y in result.people:
            assert (x * COLUMNS) % 1 == 0.5
            assert y * ROWS == round(y * ROWS)
    assert len(told[1][1].people) == 2
    stage.show([], 21)
    assert work.result().people == ()
    assert work.kept() == {}


def test_a_crowd_grows_at_once_and_shrinks_only_clearly() -> None:
    work = Icons(ViewSettings(capacity=10))
    stage = Stage(work)
    levels = []
    for count in (0, 1, 4, 5, 4, 3, 10, 8, 7, 4, 0, 15):
        stage.show([person(each) for each in PLACES[:count]], 42)
        levels.append(work.result().crowd)
    empty, some, busy, full = Crowd
    assert levels == [empty, some, some, busy, busy, some, full, full, busy, busy, empty, full]
