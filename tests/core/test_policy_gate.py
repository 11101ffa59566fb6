"""What must be there before a camera records, and for how long it may be missing."""

from dataclasses import replace

import pytest

from custom_components.camera_steward.core.access.people import Role
from custom_components.camera_steward.core.policy.facts import RulesFact, SiteFacts
from custom_components.camera_steward.core.policy.gate import PROVISIONAL, Gate, Missing, gates
from custom_components.camera_steward.core.policy.task import TaskKind

from .policy_site import BEGAN, CAMERA, DAY, NOW, but, camera, done, facts, person


def gate(site: SiteFacts) -> Gate:
    return gates(site)[CAMERA.id]


NOTHING = but(
    facts(purpose=" ", people=(), rules=RulesFact(running_version="r1")),
    without=(TaskKind.POST_SIGN,),
)


def test_with_all_there_it_is_open_without_an_end() -> None:
    assert gate(facts()) == Gate(open=True)


@pytest.mark.parametrize(
    ("site", "missing"),
    [
        (facts(purpose=" \n"), Missing.PURPOSE),
        (facts(people=(person("taro", Role.OPERATOR),)), Missing.MANAGER),
        (facts(people=(person("hana", Role.MANAGER, acts=False),)), Missing.MANAGER),
        (facts(rules=RulesFact(running_version="r1")), Missing.RULES),
        (but(facts(), without=(TaskKind.POST_SIGN,)), Missing.SIGN),
    ],
    ids=str,
)
def test_what_never_was_there_closes_it_after_its_days(site: SiteFacts, missing: Missing) -> None:
    assert gate(site) == Gate(open=False, missing=(missing,), provisional_until=BEGAN + PROVISIONAL)


def test_everything_that_is_missing_is_named() -> None:
    assert gate(NOTHING).missing == tuple(Missing)


def test_a_new_camera_may_record_for_fourteen_days_to_the_second() -> None:
    site = replace(NOTHING, cameras=(camera(since_at=NOW),))
    for at, is_open in ((NOW, True), (NOW + PROVISIONAL - DAY, True), (NOW + PROVISIONAL, False)):
        found = gate(replace(site, now=at))
        assert (found.open, found.provisional_until) == (is_open, NOW + PROVISIONAL)


def test_the_days_count_from_when_the_pack_came_to_hold() -> None:
    assert gate(replace(NOTHING, provisional_since=NOW - 13 * DAY)).open
    assert not gate(replace(NOTHING, provisional_since=NOW - 14 * DAY)).open


def test_a_purpose_of_its_own_is_enough() -> None:
    assert gate(facts(purpose="", cameras=(camera(purpose="to prevent theft"),))).open


def test_rules_that_differ_by_now_do_not_close_it() -> None:
    rules = replace(facts().rules, running_version="r2", differing=("第3条",))
    assert gate(facts(rules=rules)) == Gate(open=True)


def test_a_manager_whose_role_ended_leaves_fourteen_days() -> None:
    until_at = NOW - 3 * DAY
    gone = person("hana", Role.MANAGER, acts=False, until_at=until_at)
    found = gate(facts(people=(gone,)))
    assert found == Gate(
        open=True, missing=(Missing.MANAGER,), provisional_until=until_at + PROVISIONAL
    )
    assert not gate(facts(people=(gone,), now=until_at + PROVISIONAL)).open


@pytest.mark.parametrize(
    ("kind", "answers"),
    [
        (TaskKind.CHECK_SIGN, {"sign_there": "no", "readable": "no"}),
        (TaskKind.INSPECT, {"sign": "not_there"}),
    ],
)
def test_a_sign_that_was_found_missing_leaves_fourteen_days(
    kind: TaskKind, answers: dict[str, str]
) -> None:
    found_at = NOW - 2 * DAY
    site = but(facts(), done(kind, CAMERA, found_at, answers))
    assert gate(site) == Gate(
        open=True, missing=(Missing.SIGN,), provisional_until=found_at + PROVISIONAL
    )
    assert not gate(replace(site, now=found_at + PROVISIONAL)).open
    assert gate(but(site, done(TaskKind.POST_SIGN, CAMERA))) == Gate(open=True)
    assert gate(but(site, done(TaskKind.CHECK_SIGN, CAMERA))) == Gate(open=True)


def test_one_loss_after_another_does_not_keep_it_open() -> None:
    gone = person("hana", Role.MANAGER, acts=False, until_at=NOW - 20 * DAY)
    lost = done(TaskKind.CHECK_SIGN, CAMERA, NOW - DAY, {"sign_there": "no"})
    assert not gate(but(facts(people=(gone,)), lost)).open


def test_a_clock_in_doubt_closes_nothing_and_one_ahead_keeps_nothing_open() -> None:
    far = replace(NOTHING, now=NOW + 4000 * DAY, clock_trusted=False)
    assert gate(far).open
    assert not gate(replace(far, clock_trusted=True)).open
    added = replace(NOTHING, cameras=(camera(since_at=NOW + 4000 * DAY),))
    assert gate(added).provisional_until == NOW + PROVISIONAL
