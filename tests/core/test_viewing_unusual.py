"""Viewings that stand out: the first, those at night, and a great deal of footage at once."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from custom_components.camera_steward.core.ledger.entry import EntryKind
from custom_components.camera_steward.core.model import Action
from custom_components.camera_steward.core.viewing.desk import Caller
from custom_components.camera_steward.core.viewing.watches import (
    Unusual,
    ViewingUnusual,
    Watch,
    WatchEnd,
)

from .viewing_site import (
    HOUR,
    HOUSE,
    MANAGER,
    MINUTE,
    NOON,
    OPERATOR,
    SECOND,
    ViewingSite,
    footage,
    open_site,
)

TICK = timedelta(microseconds=1)


@pytest.fixture(name="site")
def site_fixture(tmp_path: Path) -> Iterator[ViewingSite]:
    site = open_site(tmp_path / "ledger.db")
    site.pledge(OPERATOR, MANAGER)
    yield site
    site.close()


def told(site: ViewingSite) -> list[tuple[str | None, tuple[Unusual, ...]]]:
    """Return who stood out and why, as it was told; the ledger must say the same."""
    found = [
        (each.viewing.user, each.reasons)
        for each in site.events
        if isinstance(each, ViewingUnusual)
    ]
    entered = [
        (each.data["user"], each.data["reasons"])
        for each in site.entries(EntryKind.VIEWING_UNUSUAL)
    ]
    assert entered == [(user, [str(each) for each in reasons]) for user, reasons in found]
    return found


def begin(site: ViewingSite, caller: Caller = OPERATOR, action: Action = Action.PLAYBACK) -> Watch:
    watch = site.open(caller, action)
    site.watches.begin(watch)
    return watch


def test_the_first_of_each_person_stands_out_and_no_later_one(site: ViewingSite) -> None:
    for _ in range(2):
        begin(site)
        begin(site, MANAGER)
    assert told(site) == [("operator", (Unusual.FIRST,)), ("manager", (Unusual.FIRST,))]
    again = site.reopened()
    begin(again)
    assert not any(isinstance(each, ViewingUnusual) for each in again.events)
    assert len(again.entries(EntryKind.VIEWING_UNUSUAL)) == 2
    again.close()


@pytest.mark.parametrize(
    ("local", "night"),
    [
        ("22:59:59.999999", False),
        ("23:00:00", True),
        ("00:00:00", True),
        ("04:59:59.999999", True),
        ("05:00:00", False),
        ("12:00:00", False),
    ],
)
@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/New_York", "UTC"])
def test_night_is_night_where_the_cameras_are(
    site: ViewingSite, zone: str, local: str, night: bool
) -> None:
    site.desk.furnish(replace(HOUSE, zone=ZoneInfo(zone)))
    begin(site)
    moment = datetime.fromisoformat(f"2026-11-23T{local}").replace(tzinfo=ZoneInfo(zone))
    site.clock.steps(moment.astimezone(UTC) - NOON)
    begin(site)
    assert told(site)[1:] == ([("operator", (Unusual.NIGHT,))] if night else [])


def test_reasons_of_one_viewing_stand_in_one_line(site: ViewingSite) -> None:
    site.clock.steps(12 * HOUR)
    watch = begin(site)
    site.watches.shown(watch, (NOON - 5 * HOUR, NOON))
    site.watches.close(watch, WatchEnd.LEFT)
    assert told(site) == [
        ("operator", (Unusual.FIRST, Unusual.NIGHT)),
        ("operator", (Unusual.BULK,)),
    ]
    [line] = site.register()
    assert line.unusual == ("first", "night", "bulk")
    assert line.ended_at is not None


def bulk(site: ViewingSite) -> int:
    return [reasons for _, reasons in told(site)].count((Unusual.BULK,))


def test_more_than_four_hours_within_an_hour_stand_out_over_all_watches(site: ViewingSite) -> None:
    first, second = begin(site), begin(site)
    for number in range(48):
        site.clock.passes(MINUTE)
        site.watches.shown((first, second)[number % 2], footage(-60, -55))
    assert bulk(site) == 0
    site.watches.shown(first, (NOON, NOON + TICK))
    assert bulk(site) == 1


def test_a_great_deal_is_told_once_an_hour_and_for_each_person(site: ViewingSite) -> None:
    mine, theirs = begin(site), begin(site, MANAGER)
    for _ in range(20):
        site.watches.shown(mine, (NOON - HOUR, NOON))
    assert bulk(site) == 1
    for _ in range(5):
        site.watches.shown(theirs, (NOON - HOUR, NOON))
    assert bulk(site) == 2
    site.clock.passes(HOUR - TICK)
    site.watches.shown(mine, (NOON - 5 * HOUR, NOON))
    assert bulk(site) == 2
    site.clock.passes(TICK)
    site.watches.shown(mine, (NOON - 5 * HOUR, NOON))
    assert bulk(site) == 3


def test_what_is_watched_at_its_pace_is_not_a_great_deal(site: ViewingSite) -> None:
    watch = begin(site)
    for minute in range(-119, 0):
        site.clock.passes(MINUTE)
        site.watches.shown(watch, footage(minute, minute + 1))
    assert bulk(site) == 0


@pytest.mark.parametrize("action", [Action.LIVE, Action.STILL])
def test_live_and_small_pictures_are_no_great_deal(site: ViewingSite, action: Action) -> None:
    watch = begin(site, action=action)
    for _ in range(10):
        site.watches.shown(watch, (NOON - HOUR, NOON))
    assert bulk(site) == 0


def test_what_is_remembered_to_find_it_is_bounded(site: ViewingSite) -> None:
    watch = begin(site)
    for _ in range(20_000):
        site.clock.passes(SECOND / 2)
        site.watches.shown(watch, footage(-60, -60))
    assert len(site.watches._bulk["operator"]) <= 61
