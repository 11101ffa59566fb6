"""What each rule of the guidebook's pack says of a utilization: true of what was done and counted."""

import ast
import inspect
from dataclasses import replace
from typing import Any

import pytest

from custom_components.camera_steward.core.policy import utilization_rules
from custom_components.camera_steward.core.policy.evaluate import evaluate
from custom_components.camera_steward.core.policy.facts import SiteFacts
from custom_components.camera_steward.core.policy.states import (
    ControlState,
    State,
    Subject,
    SubjectKind,
    addressed,
)
from custom_components.camera_steward.core.policy.task import TaskKind, task_id
from custom_components.camera_steward.core.policy.utilization import (
    Declaration,
    DetectorKind,
    NoticeItem,
    Recipient,
    UtilizationCase,
    UtilizationFact,
)
from custom_components.camera_steward.core.policy.utilization_rules import (
    UTILIZATION_REASONS,
    UTILIZATION_RULES,
)
from custom_components.camera_steward.core.tasks.engine import tasks

from .policy_site import (
    CAMERA,
    DAY,
    NOW,
    SHOP,
    SITE,
    but,
    camera,
    declaration,
    done,
    facts,
    pack,
    prepared,
    record,
    utilization,
    versioned,
)

MAP = Recipient(record="recipient-1", name="Map Makers", conditions="monthly counts")


def said(site: SiteFacts, rule: str) -> ControlState:
    """Return what a rule says of the utilization."""
    of = pack(rule, subject=SubjectKind.UTILIZATION)
    return next(e for e in evaluate(of, site, tasks(site, of)) if e.subject == SHOP)


def told(site: SiteFacts, rule: str) -> tuple[State, str]:
    """Return a state and the first reason."""
    found = said(site, rule)
    return found.state, found.why[0].key


def declaring(**changed: Any) -> SiteFacts:
    return prepared(utilization(declared=declaration(**changed)))


def running(runs: Declaration | None = None, **changed: Any) -> UtilizationFact:
    runs = runs or declaration()
    return utilization(**{"declared": runs, "running": runs, "begun_at": NOW - DAY, **changed})


ALL_WELL = {
    "recognition_refused": (State.ENFORCED, "recognition_refused"),
    "vault_apart": (State.ENFORCED, "vault_never_read"),
    "life_cycle": (State.ENFORCED, "life_cycle"),
    "nodes_owned": (State.EVIDENCE_HELD, "nodes_owned"),
    "entity_named": (State.ENFORCED, "entity_named"),
    "contact_named": (State.ENFORCED, "contact_named"),
    "feedback_heard": (State.NOT_APPLICABLE, "feedback_heard"),
    "lead_kept": (State.ENFORCED, "lead_kept"),
    "omissions": (State.NOT_APPLICABLE, "items_all"),
    "prior_items": (State.ENFORCED, "prior_items"),
    "site_items": (State.ENFORCED, "site_items"),
    "change_waits": (State.ENFORCED, "change_held_back"),
    "stored_never_read": (State.ENFORCED, "stored_never_read"),
    "site_notice": (State.NOT_APPLICABLE, "site_notice_pending"),
    "notice_printed": (State.ENFORCED, "notice_printed"),
    "notice_readable": (State.NOT_APPLICABLE, "notice_readable"),
    "frames": (State.ENFORCED, "frames_dropped"),
    "limited": (State.ENFORCED, "limited"),
    "derived_bounded": (State.ENFORCED, "derived_bounded"),
    "recipients": (State.NOT_APPLICABLE, "recipients_none"),
    "recognizable": (State.NOT_APPLICABLE, "recognizable_yes"),
}


def test_what_is_said_where_all_is_in_order() -> None:
    site = prepared(utilization())
    assert {rule: told(site, rule) for rule in ALL_WELL} == ALL_WELL
    counts = {rule: said(site, rule).why[0].values.get("count") for rule in ALL_WELL}
    assert {k: v for k, v in counts.items() if v is not None} == {
        "nodes_owned": 4,
        "prior_items": 8,
        "site_items": 7,
    }


def test_types_and_cases_say_which_it_is() -> None:
    for case in (each for each in UtilizationCase if each is not UtilizationCase.OTHER):
        waiting = declaring(case=case)
        runs = prepared(running(declaration(case=case)))
        for other in (each for each in UtilizationCase if each is not UtilizationCase.OTHER):
            same = other is case
            is_this = (State.NOT_APPLICABLE, "case_this" if same else "case_not")
            assert told(waiting, f"type_{other}") == is_this
            not_yet = (State.NOT_APPLICABLE, "case_not_running" if same else "case_not")
            assert told(waiting, f"case_{other}") == not_yet
            now = (State.ENFORCED, f"case_{case}") if same else not_yet
            assert told(runs, f"case_{other}") == now
    # case_attributes, case_movement, case_counting, case_scenery, case_icons
    kept = prepared(running(frames_persisted=2))
    assert told(kept, "case_counting") == (State.BREACHED, "frames_persisted")
    changed = prepared(running(declared=declaration(case=UtilizationCase.ICONS)))
    assert told(changed, "case_icons") == (State.NOT_APPLICABLE, "case_not_running")
    assert told(changed, "case_counting") == (State.ENFORCED, "case_counting")


def test_what_fits_no_case_is_assessed_whatever_was_assessed_before() -> None:
    """The rule other_assessed."""
    other = declaration(case=UtilizationCase.OTHER, derived="bicycles")
    site = prepared(utilization(declared=other))
    assert told(site, "other_assessed") == (State.EVIDENCE_HELD, "task_done")
    without = but(site, without=(TaskKind.ASSESS_CASE,))
    assert told(without, "other_assessed") == (State.DUE, "task_overdue")
    changed = replace(site, utilizations=(utilization(declared=replace(other, derived="carts")),))
    assert told(changed, "other_assessed") == (State.DUE, "task_overdue")
    case = replace(site, utilizations=(utilization(),))
    assert told(case, "other_assessed") == (State.NOT_APPLICABLE, "case_not")


def test_what_a_person_has_to_enter_is_due() -> None:
    lacking = {
        "nodes_owned": (prepared(utilization(responsible={"camera": "we"})), "nodes_unowned"),
        "entity_named": (declaring(entity=" "), "entity_missing"),
        "contact_named": (declaring(contact=""), "contact_missing"),
        "omissions": (declaring(benefit=""), "items_unexplained"),
        "prior_items": (declaring(purpose=""), "items_unexplained"),
        "site_items": (declaring(place=""), "items_unexplained"),
        "frames": (declaring(detector=DetectorKind.ENTITY), "originals_unknown"),
        "recipients": (declaring(recipients=(MAP,)), "contracts_missing"),
    }
    for rule, (site, why) in lacking.items():
        assert told(site, rule) == (State.DUE, why)
    # The purpose is no item of the notice on the spot.
    assert told(declaring(purpose=""), "site_items")[0] is State.ENFORCED
    reasoned = declaring(benefit="", omitted={NoticeItem.BENEFIT: "there is none to tell"})
    assert told(reasoned, "omissions") == (State.EVIDENCE_HELD, "items_omitted")
    assert said(reasoned, "prior_items").why[0].values["count"] == 7
    assert told(declaring(recognizable=False), "recognizable")[1] == "recognizable_no"
    assert told(declaring(identifiable=True), "limited") == (
        State.NOT_ENFORCED,
        "identifiable_declared",
    )


def test_enforced_of_frames_is_said_of_our_own_memory_only() -> None:
    kept = told(prepared(running(frames_persisted=1)), "frames")
    assert kept == (State.BREACHED, "frames_persisted")
    for detector in (DetectorKind.SERVER, DetectorKind.ENTITY):
        found = said(declaring(detector=detector, originals="Frigate, 3 days"), "frames")
        assert (found.state, found.why[0].key) == (State.NOT_ENFORCED, "originals_elsewhere")
        assert found.why[0].values["where"] == "Frigate, 3 days"
    # What runs is spoken of, not what is declared and waits.
    waiting = running(declared=declaration(detector=DetectorKind.SERVER))
    assert told(prepared(waiting), "frames")[0] is State.ENFORCED


def test_the_lead_time_is_told_with_its_end() -> None:
    site = prepared(utilization(), NOW - DAY)
    found = said(site, "lead_kept")
    assert (found.state, found.why[0].key) == (State.ENFORCED, "lead_waiting")
    assert found.next_at == found.why[0].values["at"] == NOW.replace(hour=0) + 13 * DAY
    none = but(site, without=(TaskKind.POST_PRIOR_NOTICE,))
    missing = said(none, "lead_kept")
    assert (missing.state, missing.why[0].key) == (State.DUE, "prior_notice_missing")
    assert missing.task == task_id(TaskKind.POST_PRIOR_NOTICE, SHOP)
    # Once it runs so, it was kept, also where the ledger knows of no notice any more.
    runs = replace(none, utilizations=(running(),))
    assert told(runs, "lead_kept") == (State.ENFORCED, "lead_kept")
    pending = replace(none, utilizations=(running(declared=declaration(purpose="another")),))
    assert told(pending, "lead_kept")[0] is State.DUE
    assert told(pending, "change_waits") == (State.ENFORCED, "change_waits")


def test_a_notice_or_a_contract_that_is_lost_is_a_breach() -> None:
    site = prepared(running())
    assert told(site, "site_notice") == (State.ENFORCED, "site_notice_stands")
    kind = TaskKind.CHECK_SITE_NOTICE
    gone = but(site, done(kind, SHOP, NOW, {"notice_there": "no", "readable": "no"}))
    lost = said(gone, "site_notice")
    assert (lost.state, lost.why[0].key) == (State.BREACHED, "notice_lost")
    assert (lost.task, lost.checked_at) == (task_id(kind, SHOP), NOW)
    contract = record(SubjectKind.RECIPIENT, contract_on="2026-10-01", until="2027-03-31")
    given = prepared(running(declaration(recipients=(MAP,))), records=(contract,))
    held = said(given, "recipients")
    assert (held.state, held.why[0].key) == (State.EVIDENCE_HELD, "contracts_held")
    assert held.next_at is not None
    assert held.next_at.date().isoformat() == "2027-03-31"
    ended = replace(given, records=())
    assert told(ended, "recipients") == (State.BREACHED, "contracts_missing")


def test_an_opinion_waits_a_quarter_of_a_year_at_most() -> None:
    opinion = record(SubjectKind.FEEDBACK, utilization="Entrance")
    site = prepared(running(), records=(opinion,))
    assert told(site, "feedback_heard")[0] is State.NOT_APPLICABLE
    old = replace(opinion, opened_at=NOW - 93 * DAY)
    waiting = replace(site, records=(old,))
    assert told(waiting, "feedback_heard") == (State.DUE, "feedback_waiting")
    yard = utilization(id="yard", name="Yard")
    site = replace(site, utilizations=(*site.utilizations, yard))
    for name, state in (
        ("Yard", State.NOT_APPLICABLE),
        ("Former name", State.DUE),
        ("", State.DUE),
    ):
        of = replace(old, fields={"utilization": name})
        assert told(replace(site, records=(of,)), "feedback_heard")[0] is state


def test_a_camera_that_records_too_has_two_notices() -> None:
    both = prepared(utilization(declared=declaration(camera=CAMERA.id)))
    assert told(both, "vault_apart") == (State.ENFORCED, "vault_shared")
    off = replace(both, cameras=(camera(recording=False),))
    assert told(off, "vault_apart") == (State.ENFORCED, "vault_never_read")


def test_nothing_is_claimed_and_the_guidebook_is_compared_each_year() -> None:
    def of_site(rule: str, site: SiteFacts) -> ControlState:
        (found,) = evaluate(pack(rule), site, ())
        assert found.subject == SITE
        return found

    assert of_site("claims_nothing", facts()).state is State.NOT_APPLICABLE
    assert of_site("guide_current", facts()).state is State.EVIDENCE_HELD
    old = of_site("guide_current", facts(now=NOW + 400 * DAY))
    assert (old.state, old.why[0].key) == (State.DUE, "guide_old")


def test_what_was_done_for_another_declaration_is_to_be_done_anew() -> None:
    site = prepared(utilization())
    kind = TaskKind.BRIEF_STAFF
    assert told(site, f"task:{kind}") == (State.EVIDENCE_HELD, "task_done")
    changed = utilization(declared=declaration(contact="another"), declared_at=NOW)
    anew = said(replace(site, utilizations=(changed,)), f"task:{kind}")
    assert (anew.state, anew.why[0].key) == (State.DUE, "task_open")
    assert anew.task == task_id(kind, SHOP)
    again = but(
        replace(site, utilizations=(changed,)),
        done(kind, SHOP, NOW, versioned(kind, changed.declared, NOW)),
    )
    assert told(again, f"task:{kind}") == (State.EVIDENCE_HELD, "task_done")
    # A second utilization is another subject, with its own.
    second = replace(changed, id="yard", name="Yard")
    of = pack(f"task:{kind}", subject=SubjectKind.UTILIZATION)
    two = replace(again, utilizations=(changed, second))
    states = {each.subject: each.state for each in evaluate(of, two, tasks(two, of))}
    assert states == {
        SHOP: State.EVIDENCE_HELD,
        Subject(SubjectKind.UTILIZATION, "yard"): State.DUE,
    }


def test_an_item_is_addressed_or_not_or_asks_nothing() -> None:
    assert {state: addressed(state) for state in State} == {
        State.NOT_APPLICABLE: None,
        State.ENFORCED: True,
        State.EVIDENCE_HELD: True,
        State.DUE: False,
        State.NOT_ENFORCED: False,
        State.BREACHED: False,
    }


@pytest.mark.parametrize("rule", UTILIZATION_RULES)
def test_each_rule_has_a_test_of_its_own(rule: str) -> None:
    bodies = {k: v for k, v in globals().items() if k.startswith("test_")}
    del bodies["test_each_rule_has_a_test_of_its_own"]
    tested = [name for name, body in bodies.items() if rule in inspect.getsource(body)]
    if rule.startswith(("type_", "case_")):
        tested += ["test_types_and_cases_say_which_it_is"]
    assert tested or rule in ALL_WELL


def test_reasons_are_those_that_rules_give() -> None:
    functions = [
        each
        for each in ast.walk(ast.parse(inspect.getsource(utilization_rules)))
        if isinstance(each, ast.FunctionDef)
    ]
    inside = [each for function in functions for each in ast.walk(function)]
    written = {each.value for each in inside if isinstance(each, ast.Constant)}
    cases = {f"case_{each}" for each in UtilizationCase if each is not UtilizationCase.OTHER}
    # What `_items` is given is said where it is registered.
    assert UTILIZATION_REASONS - written == cases | {"prior_items", "site_items"}
    said_outright = {
        each.args[1].value
        for each in inside
        if isinstance(each, ast.Call)
        and ast.unparse(each.func) == "case.says"
        and isinstance(each.args[1], ast.Constant)
    }
    assert said_outright <= UTILIZATION_REASONS
