"""What is being watched: entered before the first byte, ended once, whatever comes between (INV-4)."""

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest

from custom_components.camera_steward.core.access.decide import Refusal, RefusedError
from custom_components.camera_steward.core.errors import LedgerBrokenError, StorageError
from custom_components.camera_steward.core.ledger.entry import EntryKind
from custom_components.camera_steward.core.ledger.viewings import viewing_register
from custom_components.camera_steward.core.model import Action
from custom_components.camera_steward.core.viewing.watches import FootageViewed, Watch, WatchEnd

from .ledgers import rows
from .viewing_site import (
    GUEST,
    HOUR,
    MANAGER,
    MINUTE,
    NOON,
    OPERATOR,
    SECOND,
    ViewingSite,
    break_ledger,
    footage,
    open_site,
    storage_failing,
)

TICK = timedelta(microseconds=1)
STARTED, ENDED = EntryKind.VIEWING_STARTED, EntryKind.VIEWING_ENDED


@pytest.fixture(name="site")
def site_fixture(tmp_path: Path) -> Iterator[ViewingSite]:
    site = open_site(tmp_path / "ledger.db")
    site.pledge(OPERATOR, MANAGER)
    yield site
    site.close()


def at_once(*works: Callable[[], object]) -> None:
    """Run all, each in a thread of its own, let go together."""
    gate = threading.Barrier(len(works))

    def run(work: Callable[[], object]) -> None:
        gate.wait()
        work()

    threads = [threading.Thread(target=run, args=(each,)) for each in works]
    for each in threads:
        each.start()
    for each in threads:
        each.join()


def watched(site: ViewingSite, watch: Watch, start: float, end: float) -> None:
    """Hand out a span, in minutes from noon."""
    site.watches.begin(watch)
    site.watches.shown(watch, footage(start, end))


# The entry before the first byte


def test_a_watch_alone_is_no_entry_and_no_line(site: ViewingSite) -> None:
    watch = site.open()
    assert site.watches.find(watch.token) is watch
    site.watches.close(watch, WatchEnd.LEFT)
    assert site.register() == []
    assert not any(isinstance(each, FootageViewed) for each in site.events)


def test_the_entry_is_there_before_any_of_many_fetches_goes_on_and_there_is_one(
    site: ViewingSite,
) -> None:
    watch = site.open()
    counted: list[int] = []

    def fetch() -> None:
        site.watches.begin(watch)
        # From the file, by another connection: durable, not merely on its way.
        counted.append([each["kind"] for each in rows(site.path)].count("viewing_started"))

    at_once(*[fetch] * 8)
    assert counted == [1] * 8
    assert [type(each) for each in site.events].count(FootageViewed) == 1
    [entry] = site.entries(STARTED)
    assert (entry.actor, entry.subject, entry.at) == ("熊谷太郎", "door", NOON)
    assert watch.viewing.entry == entry.id


def test_the_line_says_who_as_what_under_which_permission_why_and_from_where(
    site: ViewingSite,
) -> None:
    made = site.permit()
    site.pledge(GUEST)
    watched(site, site.open(GUEST), -60, -59)
    [line] = site.register()
    assert (line.user, line.name, line.role, line.permission) == (
        "guest",
        "行田次郎",
        "guest",
        made.id,
    )
    assert (line.camera, line.purpose, line.client) == ("door", "incident", "192.0.2.3")
    assert line.asked == footage(-60, -50)


@pytest.mark.parametrize("failure", [StorageError, LedgerBrokenError])
def test_what_cannot_be_entered_is_not_handed_out(
    site: ViewingSite, failure: type[Exception]
) -> None:
    watch = site.open()
    if failure is StorageError:
        with storage_failing(site.path), pytest.raises(StorageError):
            site.watches.begin(watch)
    else:
        break_ledger(site.path)
        with pytest.raises(LedgerBrokenError):
            site.watches.begin(watch)
    with pytest.raises(RefusedError):
        site.watches.shown(watch, footage(-60, -59))
    assert not watch.begun
    assert watch.watched == []
    assert not any(isinstance(each, FootageViewed) for each in site.events)
    if failure is StorageError:
        watched(site, watch, -60, -59)
        assert len(site.entries(STARTED)) == 1


# Over


@pytest.mark.parametrize("why", list(WatchEnd))
def test_nothing_more_of_a_closed_watch_is_found_entered_or_handed_out(
    site: ViewingSite, why: WatchEnd
) -> None:
    before, during = site.open(), site.open()
    watched(site, during, -60, -59)
    for watch in (before, during):
        for _ in range(3):
            site.watches.close(watch, why)
        assert site.watches.find(watch.token) is None
        with pytest.raises(RefusedError) as begun:
            site.watches.begin(watch)
        with pytest.raises(RefusedError) as shown:
            site.watches.shown(watch, footage(-59, -58))
        assert begun.value.detail == shown.value.detail == Refusal.ADDRESS
    assert site.watches.watching() == ()
    [line] = site.register()
    assert line.watched == (footage(-60, -59),)
    [entry] = site.entries(ENDED)
    assert entry.data["why"] == why


def test_whatever_is_handed_out_while_others_end_it_is_in_the_entry(site: ViewingSite) -> None:
    for _ in range(15):
        watch = site.open()
        handed_out: list[int] = []

        def fetch(watch: Watch = watch, handed_out: list[int] = handed_out) -> None:
            with suppress(RefusedError):
                for minute in range(-60, 0, 5):
                    watched(site, watch, minute, minute + 1)
                    handed_out.append(minute)

        def end(watch: Watch = watch) -> None:
            site.watches.close(watch, WatchEnd.REFUSED)

        at_once(fetch, end, end, site.watches.close_all)
        line = next((each for each in site.register() if each.id == watch.viewing.id), None)
        assert line is not None or handed_out == []
        if line is not None:
            assert line.ended_at is not None
            assert line.watched == tuple(footage(minute, minute + 1) for minute in handed_out)
    started, ended = (
        sorted(str(each.data["viewing"]) for each in site.entries(kind))
        for kind in (STARTED, ENDED)
    )
    assert ended == started


def test_a_watch_lasts_its_span_and_a_pause(site: ViewingSite) -> None:
    watch = site.open()
    for _ in range(3):
        site.clock.passes(6 * MINUTE)
        watched(site, watch, -60, -59)
    site.clock.passes(2 * MINUTE - TICK)
    assert site.watches.find(watch.token) is watch
    site.watches.sweep()
    assert site.watches.watching() == (watch,)
    site.clock.passes(TICK)
    assert site.watches.find(watch.token) is None
    assert site.watches.find(watch.token[:-1]) is None
    site.watches.sweep()
    site.watches.sweep()
    [entry] = site.entries(ENDED)
    assert (entry.data["why"], entry.at) == ("time", site.clock.at)


def test_a_watch_that_nobody_fetches_is_over(site: ViewingSite) -> None:
    unused, used = site.open(), site.open()
    site.watches.begin(used)
    site.clock.passes(10 * MINUTE - TICK)
    assert site.watches.find(used.token) is used
    site.clock.passes(TICK)
    assert site.watches.find(used.token) is None
    site.watches.sweep()
    assert [each.data["why"] for each in site.entries(ENDED)] == ["left"]
    assert site.watches.watching() == ()
    assert unused.over is WatchEnd.LEFT


@pytest.mark.parametrize("lasts", [None, 3 * HOUR, 30 * 24 * HOUR])
def test_no_watch_lasts_longer_than_two_hours_however_it_is_used(
    site: ViewingSite, lasts: timedelta | None
) -> None:
    decision = site.desk.decide(site.open().asking(*footage(-60, -50), active=True))
    span = (NOON - 300 * HOUR, NOON)
    watch = site.watches.open(
        OPERATOR,
        decision,
        Action.PLAYBACK,
        camera="door",
        purpose="incident",
        span=span,
        lasts=lasts,
    )
    for _ in range(23):
        site.clock.passes(5 * MINUTE)
        watched(site, watch, -60, -59)
        assert site.watches.find(watch.token) is watch
    site.clock.steps(-24 * HOUR)
    assert site.watches.find(watch.token) is watch
    site.clock.passes(5 * MINUTE)
    assert site.watches.find(watch.token) is None


@pytest.mark.parametrize("token", ["", "x" * 10_000, "\x00", "../..", "None"])
def test_no_other_text_finds_a_watch(site: ViewingSite, token: str) -> None:
    site.open()
    assert site.watches.find(token) is None


def test_whoever_opens_without_end_holds_a_bounded_number(site: ViewingSite) -> None:
    others = site.open(MANAGER)
    first = site.open()
    watched(site, first, -60, -59)
    kept = site.open()
    for _ in range(100):
        site.clock.passes(SECOND)
        watched(site, kept, -60, -59)
        site.open()
    found = site.watches.watching()
    assert len([each for each in found if each.caller == OPERATOR]) == 32
    assert kept in found
    assert others in found
    assert site.watches.find(first.token) is None
    with pytest.raises(RefusedError):
        site.watches.begin(first)
    site.watches.sweep()
    [entry] = site.entries(ENDED)
    assert (entry.data["viewing"], entry.data["why"]) == (first.viewing.id, "left")
    assert len(site.watches._open) == 33


# What was shown


def test_pieces_become_the_spans_that_were_watched(site: ViewingSite) -> None:
    watch = site.open()
    for start, end in ((-30, -29), (-60, -59), (-59, -58), (-60, -58.5), (-58 + 1 / 60, -57)):
        watched(site, watch, start, end)
    watched(site, watch, -50, -50)
    site.watches.close(watch, WatchEnd.LEFT)
    [line] = site.register()
    assert line.watched == (footage(-60, -57), footage(-50, -50), footage(-30, -29))


def test_whoever_jumps_about_makes_no_entry_longer_than_a_hundred_spans(site: ViewingSite) -> None:
    watch = site.open()
    for number in range(250):
        start = -60 + number / 5 + number // 50
        watched(site, watch, start, start + 1 / 60)
    before = list(watch.watched)
    assert len(before) == 250
    site.watches.close(watch, WatchEnd.LEFT)
    [line] = site.register()
    assert len(line.watched) <= 100
    assert all(any(a <= start and end <= b for a, b in line.watched) for start, end in before)
    assert (line.watched[0][0], line.watched[-1][1]) == (before[0][0], before[-1][1])


# When the ledger cannot be written


@pytest.mark.parametrize("how", ["sweep", "close_all"])
def test_an_end_that_cannot_be_entered_is_entered_later_with_its_own_reason(
    site: ViewingSite, how: str
) -> None:
    watch = site.open()
    watched(site, watch, -60, -59)
    with storage_failing(site.path), pytest.raises(StorageError):
        site.watches.close(watch, WatchEnd.REFUSED)
    assert site.watches.find(watch.token) is None
    assert site.watches.watching() == ()
    with pytest.raises(RefusedError):
        site.watches.shown(watch, footage(-59, -58))
    site.clock.passes(24 * HOUR)
    getattr(site.watches, how)()
    [entry] = site.entries(ENDED)
    assert entry.data["why"] == "refused"
    [line] = site.register()
    assert line.watched == (footage(-60, -59),)
    assert site.watches._open == {}


@pytest.mark.parametrize("how", ["sweep", "close_all"])
def test_one_end_that_fails_keeps_no_other_from_being_entered(site: ViewingSite, how: str) -> None:
    decision = site.desk.decide(site.open().asking(*footage(-60, -50), active=True))
    watches = [
        site.watches.open(
            OPERATOR,
            decision,
            Action.PLAYBACK,
            camera=camera,
            purpose="incident",
            span=footage(-60, -50),
        )
        for camera in ("door", "yard", "door", "yard")
    ]
    for each in watches:
        watched(site, each, -60, -59)
    site.clock.passes(HOUR)
    with storage_failing(site.path, "NEW.subject = 'door'"), pytest.raises(StorageError):
        getattr(site.watches, how)()
    assert [each.subject for each in site.entries(ENDED)] == ["yard", "yard"]
    assert all(each.over for each in watches)
    getattr(site.watches, how)()
    assert len(site.entries(ENDED)) == 4


def test_a_crash_between_leaves_a_line_without_an_end(site: ViewingSite) -> None:
    watch = site.open()
    watched(site, watch, -60, -59)
    again = site.reopened()
    assert again.watches.find(watch.token) is None
    again.watches.close_all()
    [line] = again.register()
    assert (line.ended_at, line.watched) == (None, ())
    again.close()


# The register


def test_the_register_has_one_line_a_watch_by_when_it_began(site: ViewingSite) -> None:
    early, late = site.open(OPERATOR), site.open(MANAGER, Action.LIVE)
    watched(site, early, -60, -59)
    site.clock.passes(5 * MINUTE)
    site.desk.deny(GUEST, Refusal.NOT_APPOINTED, Action.PLAYBACK, "yard", "incident")
    watched(site, late, 5, 5)
    site.watches.close(late, WatchEnd.LEFT)
    until = site.clock.at + TICK
    site.clock.passes(5 * MINUTE)
    site.watches.close(early, WatchEnd.TIME)
    watched(site, site.open(OPERATOR), -60, -59)

    def lines(**filters: str) -> list[str | None]:
        return [each.user for each in viewing_register(site.ledger, NOON, until, **filters)]

    # The first ended behind the span that is asked for: its end belongs to the line.
    assert lines() == ["operator", "guest", "manager"]
    assert all(each.ended_at for each in site.register(NOON, until) if each.refusal is None)
    assert lines(camera="door") == ["operator", "manager"]
    assert lines(camera="yard") == ["guest"]
    assert lines(user="manager") == ["manager"]
    assert lines(user="manager", camera="yard") == []
    assert [each.user for each in site.register(NOON + TICK, until)] == ["guest", "manager"]
    assert [each.user for each in site.register(NOON, NOON + 5 * MINUTE)] == ["operator"]
    assert site.register(NOON, NOON) == []


def test_a_line_keeps_its_end_though_the_clock_was_set_back_in_between(site: ViewingSite) -> None:
    site.clock.passes(HOUR)
    watch = site.open()
    watched(site, watch, -60, -59)
    site.clock.steps(-HOUR / 2)
    site.watches.close(watch, WatchEnd.LEFT)
    [line] = site.register()
    assert (line.at, line.ended_at) == (NOON + HOUR, NOON + HOUR / 2)
    assert line.watched == (footage(-60, -59),)


def test_an_end_without_a_beginning_makes_no_line(site: ViewingSite) -> None:
    watch = site.open()
    watched(site, watch, -60, -59)
    site.clock.passes(MINUTE)
    site.watches.close(watch, WatchEnd.LEFT)
    assert site.register(NOON + TICK) == []
    assert [each.ended_at for each in site.register()] == [NOON + MINUTE]
