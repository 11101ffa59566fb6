"""A pack against a site's facts: one state for each control and subject, never a better one."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

import custom_components.camera_steward as integration
from custom_components.camera_steward.core.access.people import Role
from custom_components.camera_steward.core.model import CaptureStatus
from custom_components.camera_steward.core.policy.evaluate import evaluate, worst
from custom_components.camera_steward.core.policy.facts import (
    CameraFact,
    PersonFact,
    RecordFact,
    RulesFact,
    SiteFacts,
)
from custom_components.camera_steward.core.policy.gate import gates
from custom_components.camera_steward.core.policy.pack import Control, Interval
from custom_components.camera_steward.core.policy.rules import REASONS, RULES
from custom_components.camera_steward.core.policy.states import (
    NEEDS_ATTENTION,
    Reason,
    State,
    Subject,
    SubjectKind,
)
from custom_components.camera_steward.core.policy.task import TaskKind, TaskState, task_id
from custom_components.camera_steward.core.policy.utilization import (
    DetectorKind,
    Recipient,
    UtilizationCase,
    UtilizationFact,
)
from custom_components.camera_steward.core.tasks.engine import tasks
from custom_components.camera_steward.core.tasks.kinds import KINDS

from .policy_site import (
    BEGAN,
    CAMERA,
    DAY,
    NOW,
    OPERATOR,
    SHOP,
    SITE,
    but,
    by_task,
    camera,
    declaration,
    done,
    facts,
    judged,
    pack,
    person,
)

TEXTS = {
    language: json.loads(
        (Path(integration.__file__).parent / "translations" / f"{language}.json").read_text()
    )["common"]
    for language in ("en", "ja")
}


def test_the_worst_of_its_rules_counts_with_its_reasons_alone() -> None:
    site = facts(purpose="", storage_trouble=True, cameras=(camera(noticed=2),))
    found = judged(site, "encrypted", "purpose_stated", "copies_noticed")
    assert (found.state, [each.key for each in found.why]) == (
        State.BREACHED,
        ["pictures_saved_elsewhere"],
    )
    assert found.needs_attention
    found = judged(site, "encrypted", "erased_on_time", "purpose_stated")
    assert (found.state, [each.key for each in found.why]) == (
        State.NOT_ENFORCED,
        ["storage_trouble"],
    )


def test_what_one_rule_says_nothing_of_another_can_still_hold() -> None:
    assert judged(facts(), "asks_nothing", "encrypted").state is State.ENFORCED
    assert judged(facts(), "asks_nothing").state is State.NOT_APPLICABLE


def test_the_same_reason_is_given_once() -> None:
    found = judged(facts(purpose=""), "purpose_stated", "purpose_stated")
    assert len(found.why) == 1


def test_states_are_ordered_as_the_design_has_them() -> None:
    assert worst(()) is State.NOT_APPLICABLE
    assert worst((State.ENFORCED, State.EVIDENCE_HELD)) is State.EVIDENCE_HELD
    assert worst((State.DUE, State.NOT_ENFORCED)) is State.NOT_ENFORCED
    assert worst(tuple(State)) is State.BREACHED
    assert {State.DUE, State.NOT_ENFORCED, State.BREACHED} == NEEDS_ATTENTION


def test_each_subject_has_a_state_of_its_own() -> None:
    site = facts(cameras=(camera(), camera(id="yard", name="Yard", overdue=1)))
    of = pack("retention", subject=SubjectKind.CAMERA)
    assert {each.subject.id: each.state for each in evaluate(of, site, ())} == {
        "gate": State.ENFORCED,
        "yard": State.BREACHED,
    }


def test_a_control_about_what_is_not_there_says_so_once_of_the_site() -> None:
    of = pack("media_disposed", "task:dispose_medium", subject=SubjectKind.MEDIUM)
    (found,) = evaluate(of, facts(), ())
    assert (found.subject, found.state, found.why) == (SITE, State.NOT_APPLICABLE, ())


def test_people_who_left_have_their_duties_still() -> None:
    left = person("taro", Role.OPERATOR, acts=False, until_at=NOW - 20 * DAY)
    site = facts(people=(facts().people[0], left))
    of = pack("task:leave", subject=SubjectKind.PERSON)
    states = {each.subject: each for each in evaluate(of, site, tasks(site, of))}
    assert states[OPERATOR].state is State.DUE
    assert states[OPERATOR].task == task_id(TaskKind.LEAVE, OPERATOR)
    again = facts(people=(*site.people, person("taro", Role.OPERATOR)))
    states = {each.subject: each for each in evaluate(of, again, tasks(again, of))}
    assert states[OPERATOR].state is State.NOT_APPLICABLE


def test_a_camera_looks_at_what_is_the_sites_where_it_has_none_of_its_own() -> None:
    found = judged(facts(), "task:lock_storage", subject=SubjectKind.CAMERA)
    assert (found.subject, found.state) == (CAMERA, State.EVIDENCE_HELD)
    overdue = but(facts(), done(TaskKind.LOCK_STORAGE, SITE, NOW - 300 * DAY))
    assert judged(overdue, "task:lock_storage", subject=SubjectKind.CAMERA).state is State.DUE


def test_the_newest_evidence_and_the_nearest_date_of_all_rules_are_named() -> None:
    site = but(
        facts(),
        done(TaskKind.INSPECT, CAMERA, NOW - 9 * DAY, by="Taro Kato"),
        done(TaskKind.CHECK_SIGN, CAMERA, NOW - 40 * DAY),
    )
    found = judged(site, "task:inspect", "task:check_sign", "task:approve_view")
    assert (found.checked_at, found.checked_by) == (NOW - DAY, "Hana Sato")
    assert found.next_at == datetime(2027, 1, 13, 9, tzinfo=UTC)
    alone = judged(site, "task:inspect")
    assert (alone.checked_at, alone.checked_by) == (NOW - 9 * DAY, "Taro Kato")


def test_an_unknown_rule_is_an_error_and_no_state() -> None:
    with pytest.raises(KeyError):
        judged(facts(), "always_well")


# Whatever the facts

MOMENTS = st.integers(-3000, 6000).map(lambda days: NOW + days * DAY) | st.sampled_from(
    [BEGAN, NOW - timedelta(seconds=1), datetime(2028, 2, 29, tzinfo=UTC)]
)
TEXT = st.sampled_from(["", " ", "a", "<script>", "\u202eabc", "x" * 5000, "😀"])
FEW = st.integers(0, 2)
CAMERA_IDS = st.sampled_from(["gate", "yard"])
USERS = st.sampled_from(["hana", "taro", "jiro"])
LIMITS = st.sampled_from([timedelta(hours=1), 7 * DAY, 14 * DAY, 30 * DAY])

CAMERAS = st.builds(
    CameraFact,
    id=CAMERA_IDS,
    name=TEXT,
    since_at=MOMENTS,
    purpose=TEXT,
    place=TEXT,
    direction=TEXT,
    field_of_view=TEXT,
    recording=st.booleans(),
    status=st.sampled_from(CaptureStatus),
    status_since=MOMENTS,
    overdue=FEW,
    live_limited=st.none() | st.booleans(),
    limit=LIMITS,
    asked=LIMITS,
    reason=TEXT,
    approver=TEXT,
    review_at=st.none() | MOMENTS,
    noticed=FEW,
    inspected_at=st.none() | MOMENTS,
    faults=st.dictionaries(st.sampled_from(["moved", "black"]), MOMENTS, max_size=2),
)
PEOPLE = st.builds(
    PersonFact,
    user=USERS,
    name=TEXT,
    role=st.sampled_from(Role),
    since_at=st.none() | MOMENTS,
    until_at=st.none() | MOMENTS,
)
RECORDS = st.builds(
    RecordFact,
    subject=st.builds(
        Subject,
        st.sampled_from(
            [
                SubjectKind.CONTRACTOR,
                SubjectKind.MEDIUM,
                SubjectKind.INQUIRY,
                SubjectKind.REMOVAL,
                SubjectKind.RECIPIENT,
                SubjectKind.FEEDBACK,
            ]
        ),
        st.just("1"),
    ),
    name=TEXT,
    opened_at=MOMENTS,
    fields=st.dictionaries(
        st.sampled_from(["until", "retired_on", "finding", "camera", "contract_on"]),
        st.sampled_from(["", "2026-11-01", "2027-02-30", "gate", "proper", "20261101"]),
    ),
)
OPTIONS = sorted({each for kind in KINDS.values() for q in kind.questions for each in q.options})
QUESTIONS = sorted({q.name for kind in KINDS.values() for q in kind.questions} | {"sign_version"})
SUBJECTS = st.sampled_from(
    [
        SITE,
        CAMERA,
        Subject(SubjectKind.CAMERA, "yard"),
        OPERATOR,
        Subject(SubjectKind.MEDIUM, "1"),
        Subject(SubjectKind.REMOVAL, "1"),
        SHOP,
    ]
)
CASES = st.sampled_from(UtilizationCase)
UTILIZATIONS = st.builds(
    UtilizationFact,
    id=st.just(SHOP.id),
    name=TEXT,
    declared=st.builds(
        declaration,
        case=CASES,
        purpose=TEXT,
        camera=st.sampled_from(["", CAMERA.id]),
        detector=st.sampled_from(DetectorKind),
        recipients=st.sampled_from([(), (Recipient(record="1", name="", conditions="monthly"),)]),
    ),
    declared_at=MOMENTS,
    since_at=MOMENTS,
    start_on=MOMENTS.map(datetime.date),
    wanted=st.booleans(),
    municipality=st.just(""),
    running=st.none() | st.builds(declaration, case=CASES),
    begun_at=st.none() | MOMENTS,
    frames_persisted=FEW,
)
DOINGS = st.builds(
    done,
    st.sampled_from(TaskKind),
    SUBJECTS,
    MOMENTS,
    st.dictionaries(
        st.sampled_from(QUESTIONS), st.sampled_from([*OPTIONS, True, 3, None, "2026-02-29"])
    ),
)
FACTS = st.builds(
    SiteFacts,
    now=MOMENTS,
    site=st.just(SITE.id),
    title=TEXT,
    since_at=MOMENTS,
    provisional_since=MOMENTS,
    installer=TEXT,
    purpose=TEXT,
    people=st.lists(PEOPLE, max_size=3).map(tuple),
    cameras=st.lists(CAMERAS, max_size=2, unique_by=lambda each: each.id).map(tuple),
    ceiling=LIMITS,
    past_limit=FEW,
    statement_at=st.none() | MOMENTS,
    administrators=FEW,
    copies=FEW,
    copies_past_limit=FEW,
    copies_unknown=FEW,
    copies_due=FEW,
    kit_taken_at=st.none() | MOMENTS,
    sign_version=TEXT,
    rules=st.builds(
        RulesFact,
        running_version=st.sampled_from(["", "r1", "r2"]),
        adopted_version=st.sampled_from(["", "r1"]),
        adopted_at=st.none() | MOMENTS,
        differing=st.sampled_from([(), ("第3条",)]),
    ),
    manager_gone_at=st.none() | MOMENTS,
    records=st.lists(RECORDS, max_size=3, unique_by=lambda each: each.subject).map(tuple),
    utilizations=st.lists(UTILIZATIONS, max_size=1).map(tuple),
    doings=st.lists(DOINGS, max_size=8).map(lambda found: by_task(*found)),
)
INTERVALS = st.dictionaries(
    st.sampled_from([each.value for each in TaskKind]),
    st.builds(Interval, months=st.integers(0, 120), days=st.integers(0, 400)),
    max_size=3,
)


@settings(max_examples=30, deadline=None)
@given(site=FACTS, intervals=INTERVALS)
def test_whatever_the_facts_no_control_is_better_than_its_worst_rule(
    site: SiteFacts, intervals: dict[str, Interval]
) -> None:
    names = list(RULES)
    singles = tuple(
        replace(pack(name, subject=kind).controls[0], id=f"{kind}/{name}")
        for kind in SubjectKind
        for name in names
        if RULES[name].about in (None, kind, SubjectKind.SITE)
    )
    pairs = tuple(_both(a, b) for a, b in pairwise(singles) if a.subject is b.subject)
    of = replace(pack(intervals=intervals), controls=(*singles, *pairs))
    todo = tasks(site, of)
    states = {(each.control, each.subject): each for each in evaluate(of, site, todo)}

    for (control, subject), found in states.items():
        assert found.state is State.NOT_APPLICABLE or found.why
        assert {each.key for each in found.why} <= REASONS
        for why in found.why:
            assert_readable(why)
        assert found.checked_at is None or found.checked_at <= site.now
        if " and " in control:
            alone = [states[each, subject].state for each in control.split(" and ")]
            assert found.state is worst(tuple(alone))
    for task in todo:
        assert task.subject in site.subjects(task.subject.kind)
        assert (task.state is TaskState.OVERDUE) == (task.due_at < site.now)
    assert len({each.id for each in todo}) == len(todo)
    for gate in gates(site).values():
        assert gate.open or (gate.missing and gate.provisional_until is not None)
        assert gate.open or gate.provisional_until <= site.now  # type: ignore[operator]


def _both(one: Control, other: Control) -> Control:
    return replace(one, id=f"{one.id} and {other.id}", rules=(*one.rules, *other.rules))


def assert_readable(why: Reason) -> None:
    """Fail where a text leaves open what a reason does not say."""
    for texts in TEXTS.values():
        assert texts[f"why_{why.key}"].format(**why.values)
