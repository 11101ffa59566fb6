"""Each rule, and that it never says well of what is not."""

import ast
import inspect
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from custom_components.camera_steward.core.access.people import Role
from custom_components.camera_steward.core.model import CaptureStatus
from custom_components.camera_steward.core.policy import rules, task_rules
from custom_components.camera_steward.core.policy.facts import RulesFact, SiteFacts
from custom_components.camera_steward.core.policy.rules import REASONS, RULES
from custom_components.camera_steward.core.policy.states import (
    ControlState,
    State,
    SubjectKind,
)
from custom_components.camera_steward.core.policy.task import TaskKind, task_id
from custom_components.camera_steward.core.policy.utilization_rules import (
    UTILIZATION_REASONS,
    UTILIZATION_RULES,
)

from .policy_site import (
    BEGAN,
    CAMERA,
    DAY,
    MANAGER,
    NOW,
    OPERATOR,
    SITE,
    WITHIN,
    but,
    camera,
    done,
    facts,
    judged,
    person,
    record,
)

WEEK = 7 * DAY
LONGER: Mapping[str, Any] = {"limit": 30 * DAY, "asked": 30 * DAY}
REASONED: Mapping[str, Any] = {
    **LONGER,
    "reason": "thefts in June",
    "approver": "the general meeting",
    "review_at": NOW + 60 * DAY,
}


def said(found: ControlState) -> tuple[State, set[str]]:
    return found.state, {each.key for each in found.why}


def of_camera(rule: str, *, site: SiteFacts | None = None, **changed: Any) -> ControlState:
    return judged(replace(site or facts(), cameras=(camera(**changed),)), rule)


def test_asks_nothing() -> None:
    for rule in ("asks_nothing", "manager_may_be_installer"):
        assert said(judged(facts(people=(), installer=""), rule)) == (
            State.NOT_APPLICABLE,
            {rule},
        )


@pytest.mark.parametrize("question", [each for each in WITHIN if each != "medium_in_camera"])
def test_scope(question: str) -> None:
    assert said(judged(facts(), "scope")) == (State.EVIDENCE_HELD, {"scope_within"})
    other = {**WITHIN, question: "no" if WITHIN[question] == "yes" else "yes"}
    for answers in (other, {k: v for k, v in WITHIN.items() if k != question}):
        site = but(facts(), done(TaskKind.DECIDE_SCOPE, CAMERA, answers=answers))
        assert said(judged(site, "scope")) == (State.EVIDENCE_HELD, {"scope_voluntary"})
    undecided = judged(but(facts(), without=(TaskKind.DECIDE_SCOPE,)), "scope")
    assert said(undecided) == (State.DUE, {"scope_undecided"})
    assert undecided.task == task_id(TaskKind.DECIDE_SCOPE, CAMERA)


def test_purpose_stated() -> None:
    assert judged(facts(), "purpose_stated").state is State.ENFORCED
    assert said(judged(facts(purpose=" \t\n"), "purpose_stated")) == (
        State.DUE,
        {"purpose_missing"},
    )


@pytest.mark.parametrize("rule", ["purpose_asked", "permissions_only", "named_only"])
def test_purpose_asked_permissions_only_and_named_only(rule: str) -> None:
    assert of_camera(rule).state is State.ENFORCED
    shared = of_camera(rule, site=facts(others=3), live_limited=False)
    assert said(shared) == (State.NOT_ENFORCED, {"live_open"})
    assert shared.why[0].values["count"] == 3
    # Nobody has looked: then nobody says that it is kept.
    assert said(of_camera(rule, live_limited=None)) == (State.NOT_ENFORCED, {"live_not_looked"})
    # Of two cameras one is enough.
    two = (camera(), camera(id="yard", name="Yard", live_limited=False))
    found = judged(facts(cameras=two), rule)
    assert (found.state, [each.values["name"] for each in found.why]) == (
        State.NOT_ENFORCED,
        ["Yard"],
    )


def test_named_only_is_not_kept_from_an_administrator_without_a_role() -> None:
    found = judged(facts(administrators=2), "named_only")
    assert said(found) == (State.NOT_ENFORCED, {"administrators"})


def test_copies_noticed() -> None:
    assert of_camera("copies_noticed").state is State.NOT_APPLICABLE
    assert of_camera("copies_noticed", noticed=1).state is State.BREACHED


@pytest.mark.parametrize("field", ["place", "direction", "field_of_view"])
def test_view_described(field: str) -> None:
    assert of_camera("view_described").state is State.EVIDENCE_HELD
    blank: dict[str, Any] = {field: " "}
    assert of_camera("view_described", **blank).state is State.DUE


def test_view_unchanged() -> None:
    assert said(judged(facts(), "view_unchanged")) == (State.EVIDENCE_HELD, {"view_approved"})
    moved = of_camera("view_unchanged", faults={"moved": NOW - DAY / 2})
    assert said(moved) == (State.BREACHED, {"view_moved"})
    assert moved.task == task_id(TaskKind.APPROVE_VIEW, CAMERA)
    never = but(facts(), without=(TaskKind.APPROVE_VIEW,))
    assert said(judged(never, "view_unchanged")) == (State.DUE, {"view_not_approved"})
    # Approved anew, it is breached as long as the inspection still sees another view.
    again = but(facts(), done(TaskKind.APPROVE_VIEW, CAMERA, NOW))
    assert of_camera("view_unchanged", site=again, faults={"moved": NOW - DAY}).state is (
        State.BREACHED
    )


def test_installer_named() -> None:
    assert judged(facts(), "installer_named").state is State.ENFORCED
    assert judged(facts(installer="　"), "installer_named").state is State.DUE


def test_sign_current() -> None:
    assert said(judged(facts(), "sign_current")) == (State.EVIDENCE_HELD, {"sign_current"})
    other = judged(facts(sign_version="another name"), "sign_current")
    assert said(other) == (State.DUE, {"sign_other"})
    assert other.task == task_id(TaskKind.POST_SIGN, CAMERA)
    never = but(facts(), without=(TaskKind.POST_SIGN,))
    assert said(judged(never, "sign_current")) == (State.DUE, {"sign_not_posted"})
    missing = but(facts(), done(TaskKind.CHECK_SIGN, CAMERA, answers={"sign_there": "no"}))
    assert said(judged(missing, "sign_current")) == (State.BREACHED, {"sign_missing"})
    # A sign without a version, as nobody printed it, is no current one.
    by_hand = but(facts(), done(TaskKind.POST_SIGN, CAMERA, answers={"where": "gate"}))
    assert judged(by_hand, "sign_current").state is State.DUE
    # Nor does an inspection that found none let an older check stand for it; a newer one does.
    inspected = but(facts(), done(TaskKind.INSPECT, CAMERA, answers={"sign": "not_there"}))
    assert judged(inspected, "sign_current").state is State.BREACHED
    checked = but(inspected, done(TaskKind.CHECK_SIGN, CAMERA))
    assert judged(checked, "sign_current").state is State.EVIDENCE_HELD


def test_manager_appointed() -> None:
    held = judged(facts(), "manager_appointed")
    assert held.state is State.EVIDENCE_HELD
    ends = replace(facts().people[0], until_at=NOW + DAY)
    assert judged(facts(people=(ends,)), "manager_appointed").next_at == NOW + DAY
    for people, why in (
        ((), "manager_missing"),
        ((person("taro", Role.OPERATOR),), "manager_missing"),
        ((person("hana", Role.MANAGER, acts=False),), "manager_missing"),
        ((person("hana", Role.MANAGER, login=False),), "manager_no_login"),
    ):
        assert said(judged(facts(people=people), "manager_appointed")) == (State.DUE, {why})


def test_operators_appointed() -> None:
    assert judged(facts(), "operators_appointed").state is State.EVIDENCE_HELD
    alone = facts(people=(person("hana", Role.MANAGER),))
    assert said(judged(alone, "operators_appointed")) == (
        State.NOT_APPLICABLE,
        {"operators_none"},
    )
    gone = (*alone.people, person("taro", Role.OPERATOR, login=False))
    assert judged(facts(people=gone), "operators_appointed").state is State.DUE
    over = (*alone.people, person("taro", Role.OPERATOR, acts=False, until_at=NOW - DAY))
    assert judged(facts(people=over), "operators_appointed").state is State.NOT_APPLICABLE


def test_copies_known() -> None:
    assert judged(facts(copies=3), "copies_known").state is State.EVIDENCE_HELD
    assert said(judged(facts(), "copies_known")) == (State.NOT_APPLICABLE, {"copy_none"})
    for field, state in (
        ("copies_past_limit", State.BREACHED),
        ("copies_unknown", State.DUE),
        ("copies_due", State.DUE),
    ):
        assert said(judged(facts(copies=3, **{field: 1}), "copies_known")) == (state, {field})
    both = facts(copies=3, copies_unknown=1, copies_due=2)
    assert said(judged(both, "copies_known")) == (State.DUE, {"copies_unknown", "copies_due"})


def test_backups() -> None:
    assert judged(facts(), "backups").state is State.ENFORCED
    assert judged(facts(backup_plan_holds=True), "backups").state is State.NOT_ENFORCED


def test_retention() -> None:
    assert of_camera("retention").state is State.ENFORCED
    assert of_camera("retention", overdue=1).state is State.BREACHED
    assert of_camera("retention", **REASONED).state is State.ENFORCED
    for field in ("reason", "approver", "review_at"):
        without = {**REASONED, field: None if field == "review_at" else " "}
        assert said(of_camera("retention", **without)) == (
            State.NOT_ENFORCED,
            {"limit_no_reason"},
        )
    # By the pack's ceiling, though the settings were made under a longer one.
    of_seven = judged(facts(), "retention", ceiling=WEEK)
    assert of_seven.state is State.NOT_ENFORCED


@pytest.mark.parametrize("rule", ["retention", "erased_on_time"])
def test_retention_and_erased_on_time_are_not_kept_while_nothing_can_be_erased(rule: str) -> None:
    hindered = facts(clock_trusted=False, storage_trouble=True)
    assert said(judged(hindered, rule)) == (
        State.NOT_ENFORCED,
        {"clock_in_doubt", "storage_trouble"},
    )


def test_retention_reason() -> None:
    assert said(of_camera("retention_reason")) == (State.ENFORCED, {"limit_within"})
    held = of_camera("retention_reason", **REASONED)
    assert (held.state, held.next_at) == (State.EVIDENCE_HELD, NOW + 60 * DAY)
    lapsed = of_camera("retention_reason", **{**REASONED, "review_at": NOW})
    assert said(lapsed) == (State.DUE, {"limit_reason_lapsed"})
    assert lapsed.task == task_id(TaskKind.REVIEW_RETENTION, CAMERA)
    assert of_camera("retention_reason", **LONGER).state is State.NOT_ENFORCED


def test_erased_on_time() -> None:
    assert judged(facts(), "erased_on_time").state is State.ENFORCED
    assert judged(facts(past_limit=1), "erased_on_time").state is State.BREACHED
    for statement_at in (None, NOW - 3 * DAY):
        old = facts(statement_at=statement_at)
        assert said(judged(old, "erased_on_time")) == (State.NOT_ENFORCED, {"statement_missing"})
    new = facts(statement_at=None, since_at=NOW - DAY)
    assert judged(new, "erased_on_time").state is State.ENFORCED


def test_media_disposed() -> None:
    assert judged(facts(), "media_disposed").state is State.NOT_APPLICABLE
    used = facts(records=(record(SubjectKind.MEDIUM, serial="1"),))
    assert judged(used, "media_disposed").state is State.NOT_APPLICABLE
    retired = record(SubjectKind.MEDIUM, retired_on="2026-11-01")
    site = facts(records=(retired,))
    found = judged(site, "media_disposed")
    assert said(found) == (State.DUE, {"medium_to_dispose"})
    assert found.task == task_id(TaskKind.DISPOSE_MEDIUM, retired.subject)
    site = but(site, done(TaskKind.DISPOSE_MEDIUM, retired.subject))
    assert judged(site, "media_disposed").state is State.EVIDENCE_HELD


@pytest.mark.parametrize("rule", ["encrypted", "unaltered", "grounds_only", "identity_asked"])
def test_encrypted_unaltered_grounds_only_and_identity_asked(rule: str) -> None:
    # There is no setting that ends them, and whatever else is wrong does not.
    wrong = facts(storage_trouble=True, clock_trusted=False, people=(), cameras=())
    assert judged(wrong, rule).state is State.ENFORCED


def test_written_only() -> None:
    assert judged(facts(), "written_only").state is State.ENFORCED
    oral = frozenset({"law", "authority_oral"})
    assert judged(facts(), "written_only", grounds=oral).state is State.NOT_ENFORCED


def test_disclosure_recorded() -> None:
    assert judged(facts(), "disclosure_recorded").state is State.ENFORCED
    assert judged(facts(ledger_broken=True), "disclosure_recorded").state is State.BREACHED


@pytest.mark.parametrize("rule", ["pledged", "rules_acknowledged"])
def test_pledged_and_rules_acknowledged(rule: str) -> None:
    assert judged(facts(), rule).state is State.EVIDENCE_HELD
    people = (person("hana", Role.MANAGER), person("taro", Role.OPERATOR, pledged=False))
    found = judged(facts(people=people), rule)
    assert (found.state, found.task) == (State.DUE, task_id(TaskKind.PLEDGE, OPERATOR))
    assert [each.values["name"] for each in found.why] == ["Taro"]
    # Whoever has left is asked no more, and does not speak for those who are there.
    left = person("taro", Role.OPERATOR, acts=False, until_at=NOW - DAY)
    assert judged(facts(people=(left,)), rule).state is State.NOT_APPLICABLE


def test_rules_adopted() -> None:
    held = judged(facts(), "rules_adopted")
    assert (held.state, held.checked_at, held.checked_by) == (
        State.EVIDENCE_HELD,
        BEGAN,
        "Hana Sato",
    )
    none = judged(facts(rules=RulesFact(running_version="r1")), "rules_adopted")
    assert (none.state, none.task) == (State.DUE, task_id(TaskKind.ADOPT_RULES, SITE))


def test_rules_match() -> None:
    assert judged(facts(), "rules_match").state is State.EVIDENCE_HELD
    adopted = facts().rules
    differs = replace(adopted, running_version="r2", differing=("第3条", "第5条"))
    found = judged(facts(rules=differs), "rules_match")
    assert said(found) == (State.BREACHED, {"rules_differ"})
    assert found.why[0].values["articles"] == "第3条, 第5条"
    assert found.task == task_id(TaskKind.ADOPT_RULES, SITE)
    other = replace(adopted, running_version="r2")
    assert said(judged(facts(rules=other), "rules_match")) == (State.BREACHED, {"rules_other"})
    assert judged(facts(rules=RulesFact(running_version="")), "rules_match").state is State.DUE


def test_inquiries_judged() -> None:
    assert judged(facts(), "inquiries_judged").state is State.NOT_APPLICABLE
    asked = record(SubjectKind.INQUIRY, finding=" ")
    found = judged(facts(records=(asked,)), "inquiries_judged")
    assert (found.state, found.task) == (
        State.DUE,
        task_id(TaskKind.ANSWER_INQUIRY, asked.subject),
    )
    answered = replace(asked, fields={"finding": "proper"})
    assert judged(facts(records=(answered,)), "inquiries_judged").state is State.EVIDENCE_HELD


def test_inspection_runs() -> None:
    assert of_camera("inspection_runs").state is State.ENFORCED
    long_ago: dict[str, Any] = {"since_at": NOW - 9 * DAY, "status_since": NOW - 3 * DAY}
    for inspected_at in (None, NOW - 2 * DAY):
        found = of_camera("inspection_runs", inspected_at=inspected_at, **long_ago)
        assert said(found) == (State.NOT_ENFORCED, {"not_inspected"})
        for begun in ("since_at", "status_since"):
            lately = {**long_ago, begun: NOW - DAY / 2}
            fresh = of_camera("inspection_runs", inspected_at=inspected_at, **lately)
            assert said(fresh) == (State.NOT_APPLICABLE, {"not_started"})
    # Closed for the weekend by its schedule, or not set off for days.
    waiting = {**long_ago, "status": CaptureStatus.WAITING}
    idle = of_camera("inspection_runs", inspected_at=NOW - 2 * DAY, **waiting)
    assert said(idle) == (State.NOT_APPLICABLE, {"not_recording"})
    assert of_camera("inspection_runs", **waiting).state is State.ENFORCED
    off = of_camera("inspection_runs", inspected_at=None, recording=False)
    assert said(off) == (State.NOT_APPLICABLE, {"not_recording"})


def test_abandoned() -> None:
    away: dict[str, Any] = {"status": CaptureStatus.NO_STREAM, "status_since": NOW - 31 * DAY}
    assert said(of_camera("abandoned", **away)) == (State.BREACHED, {"abandoned"})
    off = {**away, "status": CaptureStatus.STOPPED, "recording": False}
    assert of_camera("abandoned", **off).state is State.BREACHED
    for changed in (
        {**away, "status_since": NOW - 29 * DAY},
        {**away, "status": CaptureStatus.RECORDING},
    ):
        assert said(of_camera("abandoned", **changed)) == (
            State.NOT_APPLICABLE,
            {"in_operation"},
        )
    no_sign = but(facts(), without=(TaskKind.POST_SIGN,))
    assert said(of_camera("abandoned", site=no_sign, **away)) == (
        State.NOT_APPLICABLE,
        {"away_no_sign"},
    )


@pytest.mark.parametrize("going", [CAMERA.id, ""])
@pytest.mark.parametrize("rule", ["scope", "view_unchanged", "sign_current", "abandoned"])
def test_nothing_is_asked_of_a_camera_that_is_being_removed(rule: str, going: str) -> None:
    """There is no task by which anybody could answer it, and its sign may be down already."""
    away: dict[str, Any] = {"status": CaptureStatus.STOPPED, "status_since": NOW - 31 * DAY}
    nothing_done = replace(facts(), doings={}) if rule != "abandoned" else facts()
    assert of_camera(rule, site=nothing_done, **away).needs_attention
    site = replace(nothing_done, records=(record(SubjectKind.REMOVAL, camera=going),))
    assert said(of_camera(rule, site=site, **away)) == (State.NOT_APPLICABLE, {"being_removed"})
    other = replace(nothing_done, records=(record(SubjectKind.REMOVAL, camera="another"),))
    assert of_camera(rule, site=other, **away).needs_attention


def test_pack_current() -> None:
    site = but(facts(), without=(TaskKind.REVIEW_GUIDELINE,))
    assert judged(site, "pack_current", as_of=date(2026, 1, 1)).state is State.EVIDENCE_HELD
    old = judged(site, "pack_current", as_of=date(2025, 11, 1))
    assert (old.state, old.task) == (State.DUE, task_id(TaskKind.REVIEW_GUIDELINE, SITE))
    # A person here compared it since, and found no change; one who found a change did not.
    for answer, state in (("no", State.EVIDENCE_HELD), ("yes", State.DUE)):
        compared = done(TaskKind.REVIEW_GUIDELINE, SITE, answers={"guideline_changed": answer})
        found = judged(but(site, compared), "pack_current", as_of=date(2025, 11, 1))
        assert found.state is state


# Tasks


def test_task_that_was_never_done_is_due_and_one_past_its_date_as_well() -> None:
    fresh = but(facts(cameras=(camera(since_at=NOW),)), without=(TaskKind.INSPECT,))
    never = judged(fresh, "task:inspect")
    assert said(never) == (State.DUE, {"task_open"})
    assert never.next_at == NOW + 14 * DAY
    assert never.task == task_id(TaskKind.INSPECT, CAMERA)
    old = but(facts(), done(TaskKind.INSPECT, CAMERA, NOW - 200 * DAY))
    assert said(judged(old, "task:inspect")) == (State.DUE, {"task_overdue"})


def test_task_that_can_be_done_again_already_is_not_due_yet() -> None:
    soon = but(facts(), done(TaskKind.INSPECT, CAMERA, NOW - 175 * DAY))
    found = judged(soon, "task:inspect")
    assert said(found) == (State.EVIDENCE_HELD, {"task_done"})
    assert found.next_at is not None
    assert NOW < found.next_at < NOW + 14 * DAY


@pytest.mark.parametrize(
    ("kind", "answers"),
    [
        (TaskKind.INSPECT, {"lens": "not_ok"}),
        (TaskKind.INSPECT, {"sign": "not_there"}),
        (TaskKind.CHECK_SIGN, {"sign_there": "yes", "readable": "no"}),
        (TaskKind.LOCK_CAMERA_MEDIUM, {"medium_locked": "no"}),
        (TaskKind.REVIEW_RULES, {"rules_kept": "no"}),
        (TaskKind.REVIEW_GUIDELINE, {"guideline_changed": "yes"}),
    ],
)
def test_task_whose_answers_say_not_in_order_breaches(
    kind: TaskKind, answers: dict[str, str]
) -> None:
    medium = done(TaskKind.DECIDE_SCOPE, CAMERA, answers={**WITHIN, "medium_in_camera": "yes"})
    about = SITE if kind in (TaskKind.REVIEW_RULES, TaskKind.REVIEW_GUIDELINE) else CAMERA
    bad = but(facts(), medium, done(kind, about, answers=answers))
    found = judged(bad, f"task:{kind}")
    assert said(found) == (State.BREACHED, {"task_not_in_order"})
    assert found.task == task_id(kind, about)
    assert judged(but(bad, done(kind, about, NOW)), f"task:{kind}").state is State.EVIDENCE_HELD


def test_task_of_a_missing_sign_is_mended_by_posting_one() -> None:
    missing = but(facts(), done(TaskKind.CHECK_SIGN, CAMERA, answers={"sign_there": "no"}))
    posted = but(missing, done(TaskKind.POST_SIGN, CAMERA, NOW))
    assert judged(missing, "task:check_sign").state is State.BREACHED
    assert judged(posted, "task:check_sign").state is State.EVIDENCE_HELD


def test_task_of_one_thing_does_not_speak_for_another() -> None:
    two = facts(cameras=(camera(), camera(id="yard", name="Yard")))
    found = judged(two, "task:inspect")
    assert [each.values["name"] for each in found.why] == ["Yard"]
    gone = but(facts(cameras=()), done(TaskKind.INSPECT, CAMERA))
    assert said(judged(gone, "task:inspect")) == (State.NOT_APPLICABLE, {"task_none"})


def test_task_that_is_asked_no_more_says_nothing_of_what_was_found_before() -> None:
    bad = but(facts(), done(TaskKind.INSPECT, CAMERA, answers={"lens": "not_ok"}))
    removed = replace(bad, records=(record(SubjectKind.REMOVAL, camera=CAMERA.id),))
    assert judged(bad, "task:inspect").state is State.BREACHED
    assert judged(removed, "task:inspect").state is State.NOT_APPLICABLE


def test_task_done_once_is_held_with_who_did_it() -> None:
    found = judged(facts(), "task:approve_view")
    assert (found.state, found.checked_by, found.next_at) == (
        State.EVIDENCE_HELD,
        "Hana Sato",
        None,
    )


def test_task_done_by_a_clock_ahead_was_done_now() -> None:
    ahead = but(facts(), done(TaskKind.INSPECT, CAMERA, NOW + 3000 * DAY))
    found = judged(ahead, "task:inspect")
    assert (found.checked_at, found.next_at) == (NOW, datetime(2027, 5, 22, 9, tzinfo=NOW.tzinfo))


def test_task_that_a_person_does_by_an_act_of_their_own_is_no_tick() -> None:
    people = (person("hana", Role.MANAGER, pledged=False),)
    ticked = but(facts(people=people), done(TaskKind.PLEDGE, MANAGER, answers={}))
    assert judged(ticked, "task:pledge").state is State.DUE
    kit = but(facts(kit_taken_at=None), done(TaskKind.RECOVERY_KIT, SITE, answers={}))
    assert judged(kit, "task:recovery_kit").state is State.DUE
    broken = but(
        facts(cameras=(camera(faults={"black": NOW - DAY}),)),
        done(TaskKind.REPAIR, CAMERA, NOW, answers={}),
    )
    assert judged(broken, "task:repair").task == task_id(TaskKind.REPAIR, CAMERA)


# All of them


@pytest.mark.parametrize(
    "rule", [e for e in RULES if not e.startswith("task:") and e not in UTILIZATION_RULES]
)
def test_each_rule_has_a_test_of_its_own(rule: str) -> None:
    tested = [
        name
        for name, body in globals().items()
        if name.startswith("test_") and rule in inspect.getsource(body)
    ]
    assert [each for each in tested if each != "test_each_rule_has_a_test_of_its_own"]


def test_reasons_are_those_that_rules_give() -> None:
    functions = [
        each
        for module in (rules, task_rules)
        for each in ast.walk(ast.parse(inspect.getsource(module)))
        if isinstance(each, ast.FunctionDef)
    ]
    inside = [each for function in functions for each in ast.walk(function)]
    written = {each.value for each in inside if isinstance(each, ast.Constant)}
    said_outright = {
        each.args[1].value
        for each in inside
        if isinstance(each, ast.Call)
        and ast.unparse(each.func) == "case.says"
        and isinstance(each.args[1], ast.Constant)
    }
    assert len(said_outright) > 60
    assert said_outright <= REASONS
    assert REASONS - UTILIZATION_REASONS - written == {"scope_within", "scope_voluntary"}


def test_pack_of_seven_days_is_held_to_seven() -> None:
    found = judged(facts(), "retention_reason", ceiling=timedelta(days=7))
    assert found.state is State.NOT_ENFORCED
