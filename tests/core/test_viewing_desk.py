"""The desk on a real ledger: what it knows, what it refuses, and what it never gets ahead of."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta, timezone
from pathlib import Path

import pytest

from custom_components.camera_steward.core.access.decide import Refusal
from custom_components.camera_steward.core.access.people import Person, Role
from custom_components.camera_steward.core.errors import (
    LedgerBrokenError,
    PledgeStaleError,
    StorageError,
)
from custom_components.camera_steward.core.ledger.entry import EntryKind
from custom_components.camera_steward.core.model import Action
from custom_components.camera_steward.core.viewing.desk import Caller, House

from .ledgers import check, raw
from .viewing_site import (
    DAY,
    GUEST,
    HOUR,
    HOUSE,
    MANAGER,
    MINUTE,
    NOBODY,
    NOON,
    OPERATOR,
    SECOND,
    STRANGER,
    ViewingSite,
    asking,
    break_ledger,
    open_site,
    storage_failing,
    stored_texts,
)

TICK = timedelta(microseconds=1)


@pytest.fixture(name="site")
def site_fixture(tmp_path: Path) -> Iterator[ViewingSite]:
    site = open_site(tmp_path / "ledger.db")
    yield site
    site.close()


def test_nobody_is_let_in_before_the_settings_are_known_and_nobody_can_pledge(
    site: ViewingSite,
) -> None:
    site.permit()
    site.pledge(OPERATOR, GUEST)
    again = site.reopened()
    again.desk.furnish(House())
    for caller in (MANAGER, OPERATOR, GUEST):
        for action in Action:
            assert not again.allows(caller, action)
        with pytest.raises(PledgeStaleError):
            again.desk.pledge(caller, version="", data={})
    again.close()


# Pledges


def test_a_pledge_opens_and_a_desk_opened_anew_knows_it(site: ViewingSite) -> None:
    assert not site.allows(OPERATOR)
    site.pledge(OPERATOR)
    assert site.desk.has_pledged("operator")
    assert site.allows(OPERATOR)
    assert not site.allows(MANAGER)
    again = site.reopened()
    assert again.allows(OPERATOR)
    assert not again.allows(MANAGER)
    [entry] = again.entries(EntryKind.PLEDGE_ACCEPTED)
    assert (entry.actor, entry.subject, entry.at) == ("熊谷太郎", "operator", NOON)
    assert entry.data == {"user": "operator", "version": "version 1", "language": "ja"}
    again.close()


def test_pledge_and_rules_that_read_otherwise_suspend_until_they_are_accepted(
    site: ViewingSite,
) -> None:
    site.pledge(OPERATOR)
    site.desk.furnish(replace(HOUSE, version="version 2"))
    assert site.desk.decide(asking(OPERATOR)).refusal is Refusal.NOT_PLEDGED
    for stale in ("version 1", "", "version 2 "):
        with pytest.raises(PledgeStaleError):
            site.desk.pledge(OPERATOR, version=stale, data={})
    assert len(site.entries(EntryKind.PLEDGE_ACCEPTED)) == 1
    site.pledge(OPERATOR)
    assert site.allows(OPERATOR)


def test_who_has_pledged_makes_the_ledger_no_longer_by_pledging_again(site: ViewingSite) -> None:
    for _ in range(20):
        site.pledge(OPERATOR)
    assert len(site.entries(EntryKind.PLEDGE_ACCEPTED)) == 1
    for version in ("version 2", "version 1"):
        site.desk.furnish(replace(HOUSE, version=version))
        assert not site.allows(OPERATOR)
        site.pledge(OPERATOR)
    assert len(site.entries(EntryKind.PLEDGE_ACCEPTED)) == 3


def test_the_pledge_entered_last_counts_whatever_the_clock_said(site: ViewingSite) -> None:
    site.clock.steps(DAY)
    site.pledge(OPERATOR)
    site.clock.steps(-DAY)
    site.desk.furnish(replace(HOUSE, version="version 2"))
    site.pledge(OPERATOR)
    again = site.reopened()
    assert not again.allows(OPERATOR)
    again.desk.furnish(replace(HOUSE, version="version 2"))
    assert again.allows(OPERATOR)
    again.close()


def test_only_who_has_a_role_or_a_permission_now_or_later_can_pledge(site: ViewingSite) -> None:
    later = Person(user="later", name="小川三郎", role=Role.OPERATOR, since_at=NOON + DAY)
    site.desk.furnish(replace(HOUSE, people=(*HOUSE.people, later)))
    site.pledge(MANAGER, OPERATOR, Caller(user="later"))
    for caller in (STRANGER, NOBODY, GUEST, Caller(user="")):
        with pytest.raises(PledgeStaleError):
            site.pledge(caller)
    made = site.permit()
    site.pledge(GUEST)
    site.desk.withdraw(made.id, actor="埼玉花子")
    site.clock.passes(2 * DAY)
    for caller in (GUEST, OPERATOR):
        assert not site.desk.may_pledge(caller.user or "")
        with pytest.raises(PledgeStaleError):
            site.pledge(caller)


def test_what_a_form_sends_beside_cannot_pledge_for_another(site: ViewingSite) -> None:
    site.desk.pledge(
        OPERATOR, version="version 1", data={"user": "manager", "version": "version 9"}
    )
    again = site.reopened()
    assert again.allows(OPERATOR)
    assert not again.allows(MANAGER)
    again.close()


# Names


def test_entries_bear_the_name_under_which_someone_acts_just_now(site: ViewingSite) -> None:
    married = Person(user="operator", name="新姓", role=Role.OPERATOR, since_at=NOON + HOUR)
    former = Person(user="operator", name="旧姓", role=Role.OPERATOR, until_at=NOON + HOUR)
    site.permit(caller=OPERATOR)
    site.desk.furnish(replace(HOUSE, people=(former, married)))
    assert site.desk.name_of(OPERATOR) == "旧姓"
    site.clock.passes(HOUR)
    assert site.desk.name_of(OPERATOR) == "新姓"
    assert site.desk.name_of(STRANGER) == "login of a stranger"
    assert site.desk.name_of(Caller(user="id alone")) == "id alone"
    assert site.desk.name_of(NOBODY) == "nobody"
    site.desk.furnish(replace(HOUSE, people=()))
    assert site.desk.name_of(OPERATOR) == "行田次郎"


# Refusals


def deny(site: ViewingSite, caller: Caller, refusal: Refusal = Refusal.NOT_APPOINTED) -> bool:
    return site.desk.deny(caller, refusal, Action.PLAYBACK, "door", "incident")


def test_a_refused_try_is_entered_at_most_once_a_minute_for_each_person(site: ViewingSite) -> None:
    assert [deny(site, STRANGER) for _ in range(50)] == [True] + [False] * 49
    assert deny(site, GUEST)
    assert deny(site, NOBODY)
    other = replace(NOBODY, client="198.51.100.9")
    assert not deny(site, other)
    site.clock.steps(DAY)
    assert not deny(site, STRANGER)
    site.clock.passes(MINUTE - TICK)
    assert not deny(site, STRANGER)
    site.clock.passes(TICK)
    assert deny(site, STRANGER)
    assert deny(site, other)
    found = site.entries(EntryKind.VIEWING_DENIED)
    assert [each.data["user"] for each in found].count("stranger") == 2
    assert [each.data["user"] for each in found].count(None) == 2
    assert len(site.events) == len(found) == 5


def test_many_threads_enter_one_refusal(site: ViewingSite) -> None:
    gate = threading.Barrier(8)
    entered: list[bool] = []

    def ask() -> None:
        gate.wait()
        entered.append(deny(site, STRANGER))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert entered.count(True) == 1
    assert len(site.entries(EntryKind.VIEWING_DENIED)) == 1


def test_what_is_remembered_of_refusals_is_of_the_last_minute(site: ViewingSite) -> None:
    for number in range(30):
        deny(site, Caller(user=f"user {number}"))
        site.clock.passes(10 * SECOND)
    assert len(site.desk._denied) <= 6


@pytest.mark.parametrize(
    "text",
    [
        "x" * 10_000,
        "door\x00",
        "Door",
        "ｄoor",
        "dооr",
        " door",
        "../door",
        "door' OR 1=1 --",
        "\ud800",
        "",
    ],
    ids=["long", "nul", "case", "wide", "cyrillic", "space", "path", "sql", "surrogate", "empty"],
)
def test_a_refusal_writes_down_nothing_that_is_not_known(site: ViewingSite, text: str) -> None:
    assert site.desk.deny(STRANGER, Refusal.CAMERA, Action.STILL, text, text)
    [entry] = site.entries(EntryKind.VIEWING_DENIED)
    assert entry.subject == ""
    assert entry.data == {
        "viewing": entry.data["viewing"],
        "user": "stranger",
        "name": "login of a stranger",
        "kind": "still",
        "camera": None,
        "purpose": None,
        "client": "192.0.2.4",
        "refusal": "camera",
    }
    assert not text or text not in stored_texts(site.path)
    assert check(site.path).broken == ()


def test_a_refusal_names_camera_and_purpose_that_are_known(site: ViewingSite) -> None:
    assert deny(site, NOBODY, Refusal.NOBODY)
    [line] = site.register()
    assert (line.user, line.name, line.camera, line.purpose) == (None, None, "door", "incident")
    assert (line.refusal, line.client) == ("nobody", "192.0.2.5")


@pytest.mark.parametrize("action", list(Action))
@pytest.mark.parametrize("refusal", list(Refusal))
def test_every_refusal_of_every_action_has_its_line(
    site: ViewingSite, action: Action, refusal: Refusal
) -> None:
    assert site.desk.deny(STRANGER, refusal, action)
    [line] = site.register()
    assert (line.kind, line.refusal) == (action.value, refusal.value)


# When the ledger cannot be written


def test_memory_does_not_get_ahead_of_a_storage_that_fails(site: ViewingSite) -> None:
    with storage_failing(site.path):
        with pytest.raises(StorageError):
            site.pledge(OPERATOR)
        with pytest.raises(StorageError):
            site.permit()
        with pytest.raises(StorageError):
            deny(site, STRANGER)
    assert not site.allows(OPERATOR)
    assert site.desk.permissions() == ()
    assert site.events == []
    assert site.entries() == []
    assert deny(site, STRANGER)
    site.pledge(OPERATOR)
    assert site.allows(OPERATOR)


def test_a_broken_ledger_takes_no_pledge_no_permission_and_no_refusal(site: ViewingSite) -> None:
    site.pledge(OPERATOR)
    break_ledger(site.path)
    site.ledger.close()
    again = open_site(site.path, site.clock)
    with pytest.raises(LedgerBrokenError):
        again.pledge(MANAGER)
    with pytest.raises(LedgerBrokenError):
        again.permit()
    with pytest.raises(LedgerBrokenError):
        deny(again, STRANGER)
    assert not again.allows(MANAGER)
    assert not again.allows(GUEST)
    assert again.desk.permissions() == ()
    again.close()


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("pledge_accepted", '{"user":7,"version":"version 1"}'),
        ("pledge_accepted", "no JSON"),
        ("permission_given", "{}"),
        ("permission_ended", '{"permission":null}'),
    ],
)
def test_a_ledger_that_does_not_say_who_is_permitted_opens_no_desk(
    site: ViewingSite, kind: str, data: str
) -> None:
    made = site.permit()
    site.pledge(GUEST)
    site.desk.withdraw(made.id, actor="埼玉花子")
    with raw(site.path) as connection:
        connection.execute("UPDATE entries SET data = ? WHERE kind = ?", (data, kind))
    with pytest.raises(LedgerBrokenError):
        open_site(site.path, site.clock)


def test_reading_the_register_is_entered_once_a_day_and_person_by_the_days_of_the_site(
    site: ViewingSite,
) -> None:
    site.desk.furnish(replace(HOUSE, zone=timezone(9 * HOUR)))
    span = (NOON - DAY, NOON)
    for _ in range(2):
        site.desk.register_read(MANAGER, *span)
    site.clock.passes(3 * HOUR - TICK)  # midnight in Kumagaya is near
    site.desk.register_read(MANAGER, *span)
    site.desk.register_read(OPERATOR, *span)
    site.clock.passes(TICK)
    site.desk.register_read(MANAGER, NOON, NOON + HOUR)
    entries = site.entries(EntryKind.REGISTER_READ)
    assert [(each.actor, each.at) for each in entries] == [
        ("埼玉花子", NOON),
        ("熊谷太郎", NOON + 3 * HOUR - TICK),
        ("埼玉花子", NOON + 3 * HOUR),
    ]
    assert entries[2].data["read"] == [[NOON.isoformat(), (NOON + HOUR).isoformat()]]
