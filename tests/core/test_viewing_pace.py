"""However pieces are asked for, no more than some seconds are ever ahead of who watches them."""

from datetime import timedelta

from hypothesis import example, given, settings, strategies as st

from custom_components.camera_steward.core.viewing.pace import AHEAD, Pace

SECOND = timedelta(seconds=1)
ZERO = timedelta()

_lengths = st.timedeltas(min_value=timedelta(milliseconds=1), max_value=20 * SECOND)
_pauses = st.just(ZERO) | st.timedeltas(min_value=ZERO, max_value=30 * SECOND)
_slips = st.timedeltas(min_value=-SECOND, max_value=SECOND)
_asked = st.lists(st.tuples(_lengths, _pauses, _slips, st.booleans()), max_size=60)


@settings(max_examples=500, deadline=None)
@given(_asked)
@example([(20 * SECOND, ZERO, ZERO, False)] * 10)
@example([(3 * SECOND, ZERO, ZERO, True)] * 10)
def test_what_is_handed_out_in_a_run_is_never_far_ahead_of_the_time_passed(
    asked: list[tuple[timedelta, timedelta, timedelta, bool]],
) -> None:
    pace = Pace()
    now = begun = 1000 * SECOND
    cursor, handed_out, longest = 60 * SECOND, ZERO, ZERO
    for length, pause, slip, at_once in asked:
        now += pause
        start = cursor + slip
        wait = pace.admit(start, start + length, now)
        assert wait >= ZERO
        if not at_once:
            now += wait
        cursor = start + length
        handed_out += length
        longest = max(longest, length)
        # As of when it goes out; a player may also ask for the next before this one came.
        goes_out = now if not at_once else now + wait
        assert handed_out - (goes_out - begun) <= AHEAD + longest


@given(_lengths, st.lists(_lengths, min_size=1, max_size=20), st.integers(0, 10**6))
def test_a_jump_waits_for_nothing_and_what_follows_is_paced_anew(
    first: timedelta, following: list[timedelta], far: int
) -> None:
    pace = Pace()
    now = 1000 * SECOND
    for _ in range(5):
        pace.admit(ZERO, first, now)
    start = first + SECOND + timedelta(microseconds=1 + far)
    assert pace.admit(start, start + first, now) == ZERO
    total = first
    cursor = start + first
    for length in following:
        wait = pace.admit(cursor, cursor + length, now)
        total += length
        cursor += length
        assert wait == max(total - AHEAD, ZERO)


def test_who_watches_at_the_pace_of_the_footage_never_waits() -> None:
    pace = Pace()
    for number in range(1000):
        at = number * 3 * SECOND
        assert pace.admit(at, at + 3 * SECOND, 50 * SECOND + at) == ZERO


def test_a_player_that_takes_all_it_can_get_is_held_to_the_time_it_takes_to_watch() -> None:
    pace = Pace()
    now = ZERO
    for number in range(100):
        at = number * 3 * SECOND
        now += pace.admit(at, at + 3 * SECOND, now)
    assert now == 100 * 3 * SECOND - AHEAD


def test_a_pause_is_not_saved_up() -> None:
    pace = Pace()
    pace.admit(ZERO, 3 * SECOND, ZERO)
    now = 3600 * SECOND
    waits = [pace.admit(at * SECOND, (at + 3) * SECOND, now) for at in range(3, 18, 3)]
    assert waits == [ZERO, ZERO, SECOND, 4 * SECOND, 7 * SECOND]
