"""Guest permissions: what they open, how long at most, and that they end once and for good."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from custom_components.camera_steward.core.access.decide import Refusal
from custom_components.camera_steward.core.errors import (
    PermissionInvalidError,
    StewardError,
    StorageError,
)
from custom_components.camera_steward.core.ledger.entry import EntryKind
from custom_components.camera_steward.core.model import LONGEST_TEXT

from .viewing_site import (
    DAY,
    GUEST,
    HOUR,
    MANAGER,
    MINUTE,
    NOON,
    OPERATOR,
    SECOND,
    STRANGER,
    ViewingSite,
    asking,
    open_site,
    storage_failing,
)

TICK = timedelta(microseconds=1)


@pytest.fixture(name="site")
def site_fixture(tmp_path: Path) -> Iterator[ViewingSite]:
    site = open_site(tmp_path / "ledger.db")
    yield site
    site.close()


def test_a_permission_opens_exactly_while_it_holds(site: ViewingSite) -> None:
    made = site.permit(HOUR)
    assert site.desk.decide(asking(GUEST)).refusal is Refusal.NOT_PLEDGED
    site.pledge(GUEST)
    assert site.desk.decide(asking(GUEST)).permission == made
    assert not site.desk.decide(replace(asking(GUEST), camera="yard")).allowed
    site.clock.passes(HOUR - TICK)
    assert site.allows(GUEST)
    site.clock.passes(TICK)
    assert site.desk.decide(asking(GUEST)).refusal is Refusal.ENDED
    assert site.desk.permissions() == ()
    assert not site.desk.withdraw(made.id, actor="埼玉花子")


def test_a_desk_opened_anew_knows_permissions_and_what_became_of_them(site: ViewingSite) -> None:
    kept, withdrawn, short = site.permit(DAY), site.permit(DAY), site.permit(MINUTE)
    site.pledge(GUEST)
    assert site.desk.withdraw(withdrawn.id, actor="埼玉花子")
    site.clock.passes(HOUR)
    again = site.reopened()
    assert again.desk.permissions() == (kept,)
    assert again.allows(GUEST)
    assert again.desk.withdraw(kept.id, actor="埼玉花子")
    assert not again.allows(GUEST)
    ended = [each.data["permission"] for each in again.entries(EntryKind.PERMISSION_ENDED)]
    assert ended == [withdrawn.id, kept.id]
    for each in (kept, withdrawn, short):
        assert not again.desk.withdraw(each.id, actor="埼玉花子")
    third = again.reopened()
    assert not third.allows(GUEST)
    assert third.desk.permissions() == ()
    third.close()


@pytest.mark.parametrize("step", [-400 * DAY, -DAY, -HOUR, -SECOND, SECOND, HOUR])
def test_withdrawn_stays_withdrawn_though_the_clock_was_set_in_between(
    site: ViewingSite, step: timedelta
) -> None:
    made = site.permit(DAY)
    site.pledge(GUEST)
    site.clock.steps(step)
    assert site.desk.withdraw(made.id, actor="埼玉花子")
    site.clock.steps(-step)
    assert not site.allows(GUEST)
    again = site.reopened()
    assert not again.allows(GUEST)
    assert again.desk.permissions() == ()
    again.close()


@settings(
    max_examples=50,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["passes", "steps", "doubted", "believed", "restart"]),
            st.integers(-30, 30),
        ),
        max_size=12,
    )
)
def test_no_clock_opens_a_permission_longer_than_it_was_given_for(
    tmp_path: Path, moves: list[tuple[str, int]]
) -> None:
    path = tmp_path / "clocks.db"
    path.unlink(missing_ok=True)
    site = open_site(path)
    made = site.permit(10 * HOUR)
    site.pledge(GUEST)
    left = 10 * HOUR
    ended = False
    for move, hours in moves:
        if move == "passes":
            site.clock.passes(abs(hours) * HOUR)
            left -= abs(hours) * HOUR
        elif move == "steps":
            site.clock.steps(hours * HOUR)
        elif move == "restart":
            # Time since boot is another now: what is left is what the clock makes it.
            site = site.reopened()
            left = min(made.until_at - site.clock.at, DAY)
            ended = False
        else:
            site.clock.trusted = move == "believed"
        ended |= site.clock.trusted and site.clock.at >= made.until_at
        believed = site.clock.trusted and made.given_at <= site.clock.at < made.until_at
        assert site.allows(GUEST) == (believed and not ended and left > timedelta())
    site.close()


def test_a_clock_set_back_reopens_no_permission_that_has_lasted_its_time(
    site: ViewingSite,
) -> None:
    site.permit(HOUR)
    site.pledge(GUEST)
    site.clock.passes(HOUR)
    site.clock.steps(-HOUR)
    assert site.desk.decide(asking(GUEST)).refusal is Refusal.ENDED
    assert site.desk.permissions() == ()
    assert not site.desk.may_pledge("guest")


def test_a_believed_clock_that_jumps_back_and_forth_revives_no_permission(
    site: ViewingSite,
) -> None:
    site.permit(HOUR)
    site.pledge(GUEST)
    site.clock.steps(-MINUTE)
    assert not site.allows(GUEST)
    site.clock.steps(MINUTE)
    assert site.allows(GUEST)
    site.clock.steps(HOUR)
    assert site.desk.decide(asking(GUEST)).refusal is Refusal.ENDED
    site.clock.steps(-HOUR)
    assert site.desk.decide(asking(GUEST)).refusal is Refusal.ENDED
    assert site.desk.permissions() == ()
    assert not site.desk.may_pledge("guest")


def test_a_restart_gives_no_permission_more_time_than_was_left(site: ViewingSite) -> None:
    site.permit(10 * HOUR)
    site.pledge(GUEST)
    site.clock.passes(9 * HOUR)
    again = site.reopened()
    assert again.allows(GUEST)
    again.clock.steps(-5 * HOUR)
    again.clock.passes(HOUR - TICK)
    assert again.allows(GUEST)
    again.clock.passes(TICK)
    assert not again.allows(GUEST)
    again.close()


def test_a_doubted_clock_opens_no_permission(site: ViewingSite) -> None:
    site.permit()
    site.pledge(GUEST, OPERATOR)
    site.clock.trusted = False
    assert site.desk.decide(asking(GUEST)).refusal is Refusal.CLOCK
    assert site.allows(OPERATOR)


GOOD: dict[str, Any] = {
    "user": "guest",
    "name": "行田次郎",
    "cameras": frozenset({"door"}),
    "start_at": NOON - HOUR,
    "end_at": NOON,
    "reason": "窓ガラスの破損",
    "length": HOUR,
}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("user", ""),
        ("name", " \t "),
        ("name", ""),
        ("cameras", frozenset()),
        ("cameras", frozenset({"door", "cellar"})),
        ("reason", "\u3000\n"),
        ("end_at", NOON - HOUR),
        ("end_at", NOON - 2 * HOUR),
        ("end_at", NOON.replace(tzinfo=None)),
        ("start_at", (NOON - HOUR).replace(tzinfo=None)),
        ("start_at", datetime.min.replace(tzinfo=timezone(9 * HOUR))),
        ("end_at", datetime.max.replace(tzinfo=timezone(-9 * HOUR))),
        ("length", timedelta()),
        ("length", -HOUR),
        ("length", DAY + TICK),
    ],
)
def test_each_field_of_a_permission_is_refused_by_its_name(
    site: ViewingSite, field: str, value: object
) -> None:
    with pytest.raises(PermissionInvalidError) as caught:
        site.desk.permit(MANAGER, **GOOD | {field: value})
    assert caught.value.detail == field
    assert site.entries() == []
    assert site.desk.permissions() == ()


@pytest.mark.parametrize("length", [TICK, DAY])
@pytest.mark.parametrize("cameras", [{"door"}, {"door", "yard"}])
def test_what_a_permission_may_just_be_is_given_and_read_back(
    site: ViewingSite, length: timedelta, cameras: set[str]
) -> None:
    tokyo = timezone(9 * HOUR)
    fields = {
        "cameras": frozenset(cameras),
        "length": length,
        "name": " 行田\x00\u202e次郎 ",
        "reason": "理" * LONGEST_TEXT,
        "start_at": (NOON - TICK).astimezone(tokyo),
        "end_at": NOON.astimezone(tokyo),
    }
    made = site.desk.permit(MANAGER, **GOOD | fields)
    assert made.until_at - made.given_at == length
    again = site.reopened()
    assert again.desk.permissions() == (made,)
    assert again.desk.name_of(GUEST) == "行田\x00\u202e次郎"
    again.close()


def test_a_permission_is_withdrawn_at_once_though_the_storage_fails_and_entered_when_asked_again(
    site: ViewingSite,
) -> None:
    made = site.permit(DAY)
    site.pledge(GUEST)
    with storage_failing(site.path):
        for _ in range(2):
            with pytest.raises(StorageError):
                site.desk.withdraw(made.id, actor="埼玉花子")
            assert not site.allows(GUEST)
            assert site.desk.permissions() == ()
    assert site.desk.withdraw(made.id, actor="埼玉花子")
    assert not site.desk.withdraw(made.id, actor="埼玉花子")
    assert len(site.entries(EntryKind.PERMISSION_ENDED)) == 1
    again = site.reopened()
    assert not again.allows(GUEST)
    again.close()


def test_all_permissions_end_at_once_and_those_that_have_ended_are_not_counted(
    site: ViewingSite,
) -> None:
    assert site.desk.withdraw_all(actor="automation") == 0
    site.permit(MINUTE)
    withdrawn = site.permit(DAY)
    site.clock.passes(MINUTE)
    site.desk.withdraw(withdrawn.id, actor="埼玉花子")
    kept = [site.permit(DAY), site.permit(HOUR, STRANGER)]
    site.pledge(GUEST, STRANGER)
    assert site.allows(STRANGER)
    # It has lasted its time, whatever the clock says.
    site.clock.steps(-2 * MINUTE)
    assert site.desk.withdraw_all(actor="automation") == 2
    assert site.desk.permissions() == ()
    assert not site.allows(GUEST)
    assert not site.allows(STRANGER)
    ended = {
        each.data["permission"]: each.actor for each in site.entries(EntryKind.PERMISSION_ENDED)
    }
    assert ended == {withdrawn.id: "埼玉花子"} | {each.id: "automation" for each in kept}
    assert site.desk.withdraw_all(actor="automation") == 0
    site.clock.steps(2 * MINUTE)
    again = site.reopened()
    assert again.desk.permissions() == ()
    again.close()


def test_all_permissions_are_over_at_once_though_the_storage_fails_and_entered_when_asked_again(
    site: ViewingSite,
) -> None:
    site.permit(DAY)
    site.permit(DAY, STRANGER)
    site.pledge(GUEST, STRANGER)
    with storage_failing(site.path):
        with pytest.raises(StorageError):
            site.desk.withdraw_all(actor="automation")
        assert not site.allows(GUEST)
        assert not site.allows(STRANGER)
    assert site.desk.withdraw_all(actor="automation") == 2
    assert len(site.entries(EntryKind.PERMISSION_ENDED)) == 2


def test_permissions_given_withdrawn_and_asked_about_from_many_threads(site: ViewingSite) -> None:
    site.pledge(OPERATOR)
    failures: list[BaseException] = []
    done = threading.Event()

    def give_and_take() -> None:
        for _ in range(5):
            made = site.permit()
            site.desk.withdraw(made.id, actor=site.desk.name_of(MANAGER))

    def look() -> None:
        while not done.is_set():
            site.desk.name_of(STRANGER)
            site.desk.permissions()
            assert site.allows(OPERATOR)
            assert not site.allows(STRANGER)

    def guarded(work: Any) -> None:
        try:
            work()
        except (StewardError, RuntimeError, AssertionError) as err:
            failures.append(err)

    givers = [threading.Thread(target=guarded, args=(give_and_take,)) for _ in range(3)]
    lookers = [threading.Thread(target=guarded, args=(look,)) for _ in range(2)]
    for each in (*givers, *lookers):
        each.start()
    for each in givers:
        each.join()
    done.set()
    for each in lookers:
        each.join()
    assert failures == []
    assert site.desk.permissions() == ()
    assert len(site.entries(EntryKind.PERMISSION_ENDED)) == 15
