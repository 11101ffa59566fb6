"""Boxes of one frame to the next: who goes on, who is new, and that nobody is known again."""

import itertools

import numpy as np

from custom_components.camera_steward.core.utilization.detection import Box, Thing
from custom_components.camera_steward.core.utilization.tracking import (
    LONGEST,
    PATIENCE,
    Tracker,
    _assigned,
)

STEP = 0.5


def person(x: float, y: float = 0.6, *, thing: Thing = Thing.PERSON, score: float = 0.9) -> Box:
    return Box(thing=thing, score=score, left=x - 0.03, right=x + 0.03, top=y - 0.2, bottom=y)


def test_two_who_pass_each_other_keep_their_ids_through_missed_frames() -> None:
    tracker = Tracker()
    seen: list[dict[str, float]] = []
    for frame in range(20):
        boxes = [person(0.1 + 0.04 * frame), person(0.9 - 0.04 * frame, 0.63)]
        if frame in (9, 10, 11):  # one hides the other
            del boxes[1]
        tracks = tracker.update(boxes, frame * STEP)
        seen.append({each.id: each.foot[0] for each in tracks})
    assert seen[0] == {}  # once is not enough
    ids = set(seen[1])
    assert len(ids) == 2
    assert all(set(each) == ids for each in seen[1:])
    to_right, to_left = sorted(ids, key=lambda each: seen[1][each])
    assert seen[-1][to_right] > 0.8
    assert seen[-1][to_left] < 0.2


def test_nobody_is_known_again_after_leaving_or_after_the_longest_time() -> None:
    tracker = Tracker()
    ids: list[str] = []
    at = 0.0
    for _ in range(5):  # the same box at the same place, gone for just too long between
        for _ in range(3):
            at += STEP
            ids += [each.id for each in tracker.update([person(0.5)], at)]
        at += PATIENCE
    assert len(set(ids)) == 5
    assert len(tracker.update([person(0.5)], at + STEP)) == 0

    standing = {
        each.id
        for frame in range(int(2.5 * LONGEST / 2))
        for each in tracker.update([person(0.5)], at + 10 + frame * 2.0)
    }
    assert len(standing) == 3
    # Two trackers that see the same have nothing in common: an id is made of nothing seen.
    pair = [Tracker(), Tracker()]
    for frame in range(3):
        told = [each.update([person(0.5)], frame * STEP) for each in pair]
    assert told[0][0].foot == told[1][0].foot
    assert told[0][0].id != told[1][0].id


def test_a_thing_is_what_most_sights_say_and_a_wrong_step_in_time_ends_it() -> None:
    tracker = Tracker()
    things = [Thing.PERSON, Thing.PERSON, Thing.BICYCLE, Thing.PERSON]
    for frame, thing in enumerate(things):
        tracks = tracker.update([person(0.5 + 0.02 * frame, thing=thing)], frame * STEP)
    assert [each.thing for each in tracks] == [Thing.PERSON]
    assert tracks[0].foot[0] > tracks[0].before[0]
    assert tracks[0].seen
    hidden = tracker.update([], len(things) * STEP)
    assert [(each.id, each.seen) for each in hidden] == [(tracks[0].id, False)]
    assert tracker.update([person(0.58)], 0.0) == ()
    assert tracker.update([Box(thing=Thing.PERSON, score=1.0, located=False)] * 3, 0.5) == ()


def test_the_assignment_costs_least_of_all() -> None:
    random = np.random.default_rng(1)
    for _ in range(40):
        rows, columns = (int(each) for each in random.integers(1, 6, 2))
        costs = random.random((rows, columns))
        found = _assigned(costs)
        assert len(found) == min(rows, columns)
        wide = costs if rows <= columns else costs.T
        least = min(
            sum(wide[row, column] for row, column in enumerate(order))
            for order in itertools.permutations(range(wide.shape[1]), wide.shape[0])
        )
        assert abs(sum(costs[each] for each in found) - least) < 1e-9
    assert _assigned(np.full((2, 3), 1e6)) == []
