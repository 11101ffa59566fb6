"""Visitors of a quarter of an hour, what was guessed of them, and a queue; nobody by himself."""

from dataclasses import replace
from datetime import timedelta

import pytest

from custom_components.camera_steward.core.utilization.attributes import Attributes
from custom_components.camera_steward.core.utilization.detection import Box, Sex, Thing
from custom_components.camera_steward.core.utilization.limiter import QUARTER
from custom_components.camera_steward.core.utilization.other import Other
from custom_components.camera_steward.core.utilization.results import AgeBand, AttributesResult
from custom_components.camera_steward.core.utilization.view import Line, ViewSettings, Zone

from .utilization_scenes import BEGIN, FRAME, Place, Stage, person, way

DOOR = Line(name="entrance", start=(0.5, 0.9), end=(0.5, 0.1))
INWARDS, OUTWARDS = way((0.2, 0.6), (0.8, 0.6), 12), way((0.8, 0.6), (0.2, 0.6), 12)
QUEUE = Zone(name="queue", points=((0.0, 0.5), (1.0, 0.5), (1.0, 1.0), (0.0, 1.0)))


def told(work: Attributes) -> tuple[object, ...]:
    result = work.result()
    ages = [result.ages[each] for each in AgeBand]
    return result.visitors, ages, [result.sexes[each] for each in Sex]


def test_visitors_are_told_by_the_quarter_with_one_guess_each_and_none_too_few() -> None:
    work = Attributes(ViewSettings(lines=(DOOR,)), {}, BEGIN)
    stage = Stage(work)
    assert work.result() == AttributesResult()
    for _ in range(4):
        stage.walk(INWARDS, age=33, sex=Sex.FEMALE)
    for _ in range(3):
        stage.walk(INWARDS, age=64, sex=Sex.MALE)
        stage.walk(OUTWARDS, age=64, sex=Sex.MALE)  # no visitor
    assert work.result().visitors is None  # nothing before the quarter is over
    stage.until(15)
    assert told(work) == (7, [0, 4, 0, 3], [4, 3])
    first = work.result()
    assert first.since_at == BEGIN

    for _ in range(5):
        stage.walk(INWARDS, age=33, sex=Sex.FEMALE)
    for _ in range(2):
        stage.walk(INWARDS, age=17, sex=Sex.MALE)
    stage.until(30)
    # 7 less 5 would be the two.
    assert told(work) == (7, [None, None, 0, 0], [None, None])
    kept = work.kept()
    assert kept["visitors"] == 7

    stage.walk(INWARDS, age=33, sex=Sex.FEMALE)
    stage.walk(INWARDS, age=33, sex=Sex.FEMALE)
    stage.until(45)
    assert told(work) == (None, [None] * 4, [None] * 2)
    stage.until(0, hour=10)
    assert told(work) == (0, [0] * 4, [0] * 2)

    # After a restart what was told goes on, as long as it is of the last quarter.
    soon = Attributes(ViewSettings(), kept, BEGIN + 2 * QUARTER)
    assert told(soon) == (7, [None, None, 0, 0], [None, None])
    late = Attributes(ViewSettings(), kept, BEGIN + 4 * QUARTER)
    assert late.result() == AttributesResult()
    broken = Attributes(ViewSettings(), {**kept, "ages": {"taro": 3}, "visitors": 2}, BEGIN)
    assert broken.result().visitors is None


def test_a_guess_is_the_middle_of_all_sights_and_goes_with_the_visit_or_the_quarter() -> None:
    work = Attributes(ViewSettings(), {}, BEGIN)
    stage = Stage(work)
    ways = [way((0.2 * n, 0.6), (0.2 * n, 0.62), 9) for n in (1, 2, 3)]
    for step in range(10):
        # Twice taken for a child, and for the other sex.
        age, sex = (12, Sex.MALE) if step in (3, 4) else (45, Sex.FEMALE)
        stage.show([person(each[step], age=age, sex=sex) for each in ways])
    assert len(work._guesses) == 3
    stage.show([], 5)
    assert work._guesses == {}
    # Three more stay over the end of the quarter: they are of the first, and none of the second.
    stage.until(14)
    stage.show([], 80)
    stage.show([person(each[0], age=70, sex=Sex.MALE) for each in ways], 100)
    assert told(work) == (6, [0, 0, 3, 3], [3, 3])
    assert not any(each.ages or each.sexes for each in work._guesses.values())
    stage.until(30)
    assert told(work) == (0, [0] * 4, [0] * 2)


def test_guesses_of_who_never_enters_go_with_the_quarter_as_well() -> None:
    work = Attributes(ViewSettings(lines=(DOOR,)), {}, BEGIN)
    stage = Stage(work)
    stage.until(14)
    stage.show([person((0.2, 0.6), age=33, sex=Sex.FEMALE)], 130)
    (guesses,) = work._guesses.values()
    assert not guesses.counted
    assert 0 < len(guesses.ages) == len(guesses.sexes) < 20


def test_without_a_line_who_shows_for_two_seconds_is_a_visitor_and_with_one_who_crosses_it() -> (
    None
):
    works = (
        Attributes(ViewSettings(), {}, BEGIN),
        Attributes(ViewSettings(lines=(DOOR,)), {}, BEGIN),
    )
    stages = [Stage(each) for each in works]
    moment, visit = way((0.4, 0.6), (0.6, 0.6), 3), way((0.4, 0.6), (0.65, 0.6), 4)
    hidden = way((0.2, 0.6), (0.3, 0.6), 5), way((0.35, 0.6), (0.8, 0.6), 9)
    for stage in stages:
        for _ in range(5):
            stage.walk(moment)
        for _ in range(3):
            stage.walk(visit)
        for each in hidden:  # of one person, who is another after the pause
            stage.walk(each)
        stage.until(15)
    assert [each.result().visitors for each in works] == [5, 9]


def test_a_clock_that_is_set_back_counts_nobody_twice() -> None:
    work = Attributes(ViewSettings(), {}, BEGIN)
    stage = Stage(work)
    ways = [way((0.2 * n, 0.6), (0.2 * n, 0.62), 5) for n in (1, 2, 3, 4)]
    stage.until(10)
    stage.walk(*ways)
    stage.until(16)
    assert work.result().visitors == 4
    stage.at -= timedelta(minutes=4)
    stage.walk(*ways)
    stage.until(16)
    assert work.result().visitors is None  # not whole: told as unknown, not as another eight
    stage.until(30)
    assert (work.result().visitors, work.result().since_at) == (0, BEGIN + QUARTER)


def test_an_entity_that_only_counts_tells_visitors_by_what_it_rises() -> None:
    work = Attributes(ViewSettings(till_people=2), {}, BEGIN)
    stage = Stage(work, frame=None)

    def say(*people: tuple[int, Sex] | None) -> None:
        boxes = [
            Box(thing=Thing.PERSON, score=1.0, located=False)
            if each is None
            else Box(thing=Thing.PERSON, score=1.0, located=False, age=each[0], sex=each[1])
            for each in people
        ]
        stage.show(boxes, 120)

    old, young = (70, Sex.MALE), (20, Sex.FEMALE)
    say(old)  # was there before
    say(old, old, old, old)
    say(old, young, young)
    say(young, young, young, young)
    assert work.result().queue == 4
    assert work.result().forecast is None
    assert work.result().open_till
    say()
    stage.until(15)
    # 3 came, then nobody more though two are other ones, then one.
    assert told(work)[0] == 4
    assert (work.result().queue, work.result().open_till) == (0, False)
    assert work.result().forecast == 0


def test_a_queue_is_foreseen_and_a_till_opens_and_closes_only_for_a_reason() -> None:
    work = Attributes(ViewSettings(zones=(QUEUE,), till_people=4), {}, BEGIN)
    stage = Stage(work)
    places: list[Place] = [(0.1 * n, 0.8) for n in range(1, 8)]

    def wait(count: int, minutes: float) -> None:
        boxes = [person(each) for each in places[:count]]
        beside = person((0.5, 0.3))
        stage.show([*boxes, beside], round(minutes * 120))

    wait(4, 3)
    assert (work.result().queue, work.result().open_till) == (4, False)
    wait(5, 3)
    assert (work.result().queue, work.result().open_till) == (5, True)
    wait(3, 3)
    assert (work.result().queue, work.result().open_till) == (3, True)
    wait(1, 3)
    assert (work.result().queue, work.result().open_till) == (1, False)
    assert work.result().forecast is None
    wait(1, 4)
    # In a quarter 5 came, and in its 15 minutes 4 were served: 10 minutes bring one more.
    assert work.result().forecast == 2
    # What is told of the queue changes by the minute alone.
    told = {work.result().queue}
    stage.seen = lambda: told.add(work.result().queue)
    for _ in range(20):
        stage.show([person(places[0])], 3)
        stage.show([person(each) for each in places[:6]], 1)
    assert told == {1}


@pytest.mark.parametrize("located", [True, False])
def test_any_other_case_tells_the_most_at_once_of_the_last_quarter(located: bool) -> None:
    work = Other(ViewSettings(), {}, BEGIN)
    stage = Stage(work, frame=FRAME if located else None)
    boxes = [replace(person((0.2 * n, 0.6)), located=located) for n in (1, 2, 3)]
    stage.show(boxes, 4)
    stage.show(boxes[:1], 4)
    assert work.result().most is None
    stage.until(15)
    assert (work.result().most, work.result().since_at) == (3, BEGIN)
    after = Other(ViewSettings(), work.kept(), BEGIN + QUARTER)
    assert after.result() == work.result()
    assert Other(ViewSettings(), work.kept(), BEGIN + 3 * QUARTER).result().most is None
    stage.until(30)
    assert work.result().most == 0
