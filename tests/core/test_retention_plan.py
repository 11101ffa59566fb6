"""What goes and what stays, for any footage, limit and time (INV-1, INV-2)."""

from datetime import datetime, timedelta
from random import Random

from hypothesis import given, strategies as st

from custom_components.camera_steward.core.model import EraseRule, Segment, SegmentState
from custom_components.camera_steward.core.retention.plan import (
    Limits,
    evict,
    next_due,
    overdue,
    plan,
)

from .retention_site import DAY, HOUR, MINUTE, SECOND, START

NOW = START
CAMERAS = ("door", "yard", "removed long ago")
LIMITS = Limits(cameras={"door": HOUR, "yard": 14 * DAY}, default=2 * DAY)


def segment(
    sequence: int, camera: str, start_at: datetime, size_bytes: int = 1, *, sealed: bool = True
) -> Segment:
    return Segment(
        sequence=sequence,
        camera=camera,
        stamp_at=start_at,
        start_at=start_at,
        end_at=start_at + MINUTE,
        size_bytes=size_bytes,
        state=SegmentState.SEALED if sealed else SegmentState.OPEN,
    )


moments = st.timedeltas(min_value=timedelta(days=-30), max_value=timedelta(days=30)).map(
    lambda by: NOW + by
)
near_due = st.builds(
    lambda limit, by: NOW - limit + by,
    st.sampled_from([HOUR, 2 * DAY, 14 * DAY]),
    st.timedeltas(min_value=-10 * SECOND, max_value=10 * SECOND),
)
footage = st.lists(
    st.tuples(st.sampled_from(CAMERAS), moments | near_due, st.booleans()), max_size=30
).map(
    lambda rows: [
        segment(number, camera, start_at, sealed=sealed)
        for number, (camera, start_at, sealed) in enumerate(rows, 1)
    ]
)
margins = st.timedeltas(min_value=timedelta(), max_value=MINUTE)


@given(footage, margins)
def test_nothing_inside_its_limit_goes_and_nothing_past_it_stays(
    stored: list[Segment], margin: timedelta
) -> None:
    going = {each.segment.sequence for each in plan(stored, LIMITS, NOW, margin).erase}
    for each in stored:
        due_at = each.start_at + LIMITS.of(each.camera)
        if due_at <= NOW:
            assert each.sequence in going
        if due_at > NOW + margin:
            assert each.sequence not in going
    left = [each for each in stored if each.sequence not in going]
    assert overdue(left, LIMITS, NOW) == []


@given(footage, st.randoms(use_true_random=False))
def test_the_order_of_what_is_stored_changes_nothing(stored: list[Segment], random: Random) -> None:
    shuffled = list(stored)
    random.shuffle(shuffled)
    assert plan(shuffled, LIMITS, NOW) == plan(stored, LIMITS, NOW)


@given(footage)
def test_a_second_plan_over_what_is_left_names_nothing(stored: list[Segment]) -> None:
    going = [each.segment for each in plan(stored, LIMITS, NOW).erase]
    left = [each for each in stored if each not in going]
    assert plan(left, LIMITS, NOW).erase == ()


@given(footage)
def test_each_is_named_with_its_rule_its_limit_and_its_time(stored: list[Segment]) -> None:
    named = plan(stored, LIMITS, NOW).erase
    assert [each.segment.start_at for each in named] == sorted(
        each.segment.start_at for each in named
    )
    for each in named:
        assert each.rule is EraseRule.RETENTION
        assert each.limit == LIMITS.of(each.segment.camera)
        assert each.due_at == each.segment.start_at + each.limit


@given(footage, margins)
def test_the_next_run_is_due_when_the_first_must_go_and_not_before(
    stored: list[Segment], margin: timedelta
) -> None:
    going = plan(stored, LIMITS, NOW, margin).by_camera()
    left = [each for each in stored if each not in going.get(each.camera, [])]
    oldest: dict[str, datetime] = {}
    for each in left:
        oldest[each.camera] = min(each.start_at, oldest.get(each.camera, each.start_at))
    due_at = next_due(oldest, LIMITS, margin)
    if due_at is None:
        assert not left
        return
    assert due_at > NOW
    assert plan(left, LIMITS, due_at, margin).erase
    assert not plan(left, LIMITS, due_at - timedelta(microseconds=1), margin).erase


def test_footage_of_a_camera_nobody_knows_is_bounded_by_the_limit_of_the_site() -> None:
    stored = [segment(1, "unknown", NOW - 2 * DAY), segment(2, "unknown", NOW - DAY)]
    assert [each.segment.sequence for each in plan(stored, LIMITS, NOW).erase] == [1]


def test_a_segment_left_open_past_its_limit_goes_too() -> None:
    stored = [segment(1, "door", NOW - HOUR, sealed=False)]
    assert [each.segment.sequence for each in plan(stored, LIMITS, NOW).erase] == [1]


sizes = st.lists(st.integers(min_value=0, max_value=1000), max_size=20)


@given(sizes, st.integers(min_value=-10, max_value=20_000))
def test_eviction_takes_the_oldest_and_no_more_than_it_needs(
    stored: list[int], needed: int
) -> None:
    oldest = [segment(n, "door", NOW + n * MINUTE, size) for n, size in enumerate(stored)]
    going = evict(oldest, needed)
    assert going == oldest[: len(going)]
    freed = sum(each.size_bytes for each in going)
    assert freed >= needed or going == oldest
    if going:
        assert freed - going[-1].size_bytes < needed
