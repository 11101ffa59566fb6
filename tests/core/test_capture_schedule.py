"""When a camera records by the clock on the wall, on the days that have 23 or 25 hours too."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings, strategies as st

from custom_components.camera_steward.core.capture.schedule import Schedule, Window

BERLIN, TOKYO = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Tokyo")
MINUTE = timedelta(minutes=1)
# The last Sundays of March and October.
SPRING, AUTUMN = date(2027, 3, 28), date(2026, 10, 25)


def minutes(day: date, zone: ZoneInfo) -> list[datetime]:
    """Return every minute of a local day, in UTC."""
    first = datetime.combine(day, time(), zone).astimezone(UTC)
    last = datetime.combine(day + timedelta(days=1), time(), zone).astimezone(UTC)
    return [first + n * MINUTE for n in range((last - first) // MINUTE)]


def wall(windows: tuple[Window, ...], local: datetime) -> bool:
    """Say it anew: minutes of the week by the clock on the wall."""
    week = 7 * 24 * 60
    at = local.weekday() * 1440 + local.hour * 60 + local.minute
    for window in windows:
        begin = window.weekday * 1440 + window.start.hour * 60 + window.start.minute
        end = window.weekday * 1440 + window.end.hour * 60 + window.end.minute
        if end <= begin:
            end += 1440
        if (at - begin) % week < end - begin:
            return True
    return False


clocks = st.times().map(lambda each: each.replace(second=0, microsecond=0, fold=0))
windows_of_a_week = st.lists(
    st.builds(Window, weekday=st.integers(0, 6), start=clocks, end=clocks), max_size=4
).map(tuple)


@pytest.mark.parametrize("day", [SPRING, AUTUMN, date(2026, 11, 22)])
@pytest.mark.parametrize("zone", [BERLIN, TOKYO])
@given(windows=windows_of_a_week)
@settings(max_examples=15, deadline=None)
def test_every_minute_of_a_day_is_as_the_clock_on_the_wall_says(
    day: date, zone: ZoneInfo, windows: tuple[Window, ...]
) -> None:
    schedule = Schedule(windows=windows, zone=zone)
    for now in minutes(day, zone):
        assert schedule.active(now) is wall(windows, now.astimezone(zone))


def hours_on(schedule: Schedule, day: date, zone: ZoneInfo) -> float:
    return sum(map(schedule.active, minutes(day, zone))) / 60


def test_a_night_is_an_hour_shorter_in_spring_and_longer_in_autumn() -> None:
    night = Schedule(
        windows=tuple(Window(weekday=n, start=time(22), end=time(6)) for n in range(7)), zone=BERLIN
    )
    assert [hours_on(night, day, BERLIN) for day in (SPRING, AUTUMN)] == [7, 9]
    assert hours_on(night, date(2026, 11, 22), BERLIN) == 8
    japan = Schedule(windows=night.windows, zone=TOKYO)
    assert [hours_on(japan, day, TOKYO) for day in (SPRING, AUTUMN)] == [8, 8]


def test_an_hour_that_the_clock_shows_twice_is_recorded_twice_and_one_it_skips_not() -> None:
    """02:00 to 03:00 does not exist on one Sunday and lasts two hours on another."""
    schedule = Schedule(windows=(Window(weekday=6, start=time(2), end=time(3)),), zone=BERLIN)
    assert hours_on(schedule, SPRING, BERLIN) == 0
    assert hours_on(schedule, AUTUMN, BERLIN) == 2


def test_a_window_over_midnight_goes_on_into_monday() -> None:
    schedule = Schedule(windows=(Window(weekday=6, start=time(22), end=time(6)),), zone=TOKYO)
    sunday = date(2026, 11, 22)
    assert [hours_on(schedule, sunday + timedelta(days=n), TOKYO) for n in range(-1, 3)] == [
        0,
        2,
        6,
        0,
    ]


def test_equal_times_are_a_whole_day_and_no_window_is_never() -> None:
    day = date(2026, 11, 22)
    whole = Schedule(windows=(Window(weekday=6, start=time(0), end=time(0)),), zone=TOKYO)
    assert hours_on(whole, day, TOKYO) == 24
    assert hours_on(whole, day + timedelta(days=1), TOKYO) == 0
    assert hours_on(Schedule(windows=(), zone=TOKYO), day, TOKYO) == 0


@given(windows=windows_of_a_week)
@settings(max_examples=10, deadline=None)
def test_the_next_change_is_the_first_minute_that_differs(windows: tuple[Window, ...]) -> None:
    schedule = Schedule(windows=windows, zone=BERLIN)
    now = datetime(2026, 10, 24, 21, 59, 30, tzinfo=UTC)
    change = schedule.next_change(now)
    assert now < change <= now + timedelta(days=7, minutes=1)
    whole = [now.replace(second=0) + n * MINUTE for n in range(1, 2 + (change - now) // MINUTE)]
    states = [schedule.active(now), *map(schedule.active, whole)]
    differs = [before != after for before, after in pairwise(states)]
    assert not any(differs[:-1])
    if change < now + timedelta(days=7):
        assert differs[-1]
