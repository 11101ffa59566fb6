"""The rules of the utilization guidebook's pack: what is said of a utilization, and why.

Source: camera-image utilization guidebook ver1.0. Nothing here says more than that something is
addressed or not; *enforced* is said of what the program does or refuses.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Final

from .states import State, SubjectKind
from .task import TaskKind, day_at
from .task_rules import task_rule
from .utilization import (
    PRIOR_ITEMS,
    SITE_ITEMS,
    DetectorKind,
    NoticeItem,
    UtilizationCase,
    UtilizationFact,
)
from .utilization_gate import Lacking, UtilizationGate, gate
from .verdict import Case, Rule, Verdict

GUIDE_LASTS: Final = timedelta(days=366)
"""For how long the guidebook counts as compared."""

FEEDBACK_WAITS: Final = timedelta(days=92)
"""How long an opinion may wait for a decision: about a quarter. Both are product defaults."""

UTILIZATION_REASONS: Final = frozenset(
    {
        "case_attributes",
        "case_counting",
        "case_icons",
        "case_movement",
        "case_not",
        "case_not_running",
        "case_scenery",
        "case_this",
        "change_held_back",
        "change_waits",
        "claims_nothing",
        "contact_missing",
        "contact_named",
        "contracts_held",
        "contracts_missing",
        "derived_bounded",
        "entity_missing",
        "entity_named",
        "feedback_heard",
        "feedback_waiting",
        "frames_dropped",
        "frames_persisted",
        "guide_current",
        "guide_old",
        "identifiable_declared",
        "items_all",
        "items_omitted",
        "items_unexplained",
        "lead_kept",
        "lead_waiting",
        "life_cycle",
        "limited",
        "nodes_owned",
        "nodes_unowned",
        "notice_lost",
        "notice_printed",
        "notice_readable",
        "originals_elsewhere",
        "originals_unknown",
        "prior_items",
        "prior_notice_missing",
        "recipients_none",
        "recognition_refused",
        "recognizable_no",
        "recognizable_yes",
        "site_items",
        "site_notice_pending",
        "site_notice_stands",
        "stored_never_read",
        "vault_never_read",
        "vault_shared",
    }
)


def _of(case: Case) -> tuple[UtilizationFact, UtilizationGate]:
    each = case.utilization
    return each, gate(case.facts, each, case.pack)


def _claims_nothing(case: Case) -> Iterator[Verdict]:
    yield case.says(State.NOT_APPLICABLE, "claims_nothing")


def _guide_current(case: Case) -> Iterator[Verdict]:
    """Whether the pack was compared with the guidebook within a year; later versions are others."""
    compared_at = datetime.combine(case.pack.as_of, time(), UTC)
    ends_at, values = compared_at + GUIDE_LASTS, {"at": compared_at}
    if case.facts.now > ends_at:
        yield case.says(State.DUE, "guide_old", values)
    else:
        yield case.says(State.EVIDENCE_HELD, "guide_current", values, next_at=ends_at)


# What it is for


def _recognition_refused(case: Case) -> Iterator[Verdict]:
    yield case.says(State.ENFORCED, "recognition_refused")


def _vault_apart(case: Case) -> Iterator[Verdict]:
    """Crime prevention is another pipeline, with a notice of its own, also of the same camera."""
    wanted = case.utilization.declared.camera
    shared = any(each.id == wanted and each.recording for each in case.facts.cameras)
    yield case.says(State.ENFORCED, "vault_shared" if shared else "vault_never_read")


def _type_of(wanted: UtilizationCase) -> Callable[[Case], Iterator[Verdict]]:
    """Return the rule that says whether a type of the guidebook (類型) is this one's."""

    def judge(case: Case) -> Iterator[Verdict]:
        is_this = case.utilization.declared.case is wanted
        yield case.says(State.NOT_APPLICABLE, "case_this" if is_this else "case_not")

    return judge


def _other_assessed(case: Case) -> Iterator[Verdict]:
    """Ask for an assessment of what fits no type, however another use was assessed before."""
    if case.utilization.declared.case is UtilizationCase.OTHER:
        yield from task_rule(TaskKind.ASSESS_CASE).judge(case)
    else:
        yield case.says(State.NOT_APPLICABLE, "case_not")


def _recognizable(case: Case) -> Iterator[Verdict]:
    """Say what was declared; the items that follow stand either way."""
    yes = case.utilization.declared.recognizable
    yield case.says(State.NOT_APPLICABLE, "recognizable_yes" if yes else "recognizable_no")


# ① Basic principles


def _life_cycle(case: Case) -> Iterator[Verdict]:
    yield case.says(State.ENFORCED, "life_cycle")


def _nodes_owned(case: Case) -> Iterator[Verdict]:
    each = case.utilization
    nodes = each.declared.nodes
    unowned = [node for node in nodes if not each.responsible.get(node.key, "").strip()]
    if unowned:
        yield case.says(State.DUE, "nodes_unowned", {"count": len(unowned)})
    else:
        yield case.says(State.EVIDENCE_HELD, "nodes_owned", {"count": len(nodes)})


def _entity_named(case: Case) -> Iterator[Verdict]:
    """Say what form and gate ask for and the notices print."""
    if case.utilization.declared.entity.strip():
        yield case.says(State.ENFORCED, "entity_named")
    else:
        yield case.says(State.DUE, "entity_missing")


def _contact_named(case: Case) -> Iterator[Verdict]:
    if case.utilization.declared.contact.strip():
        yield case.says(State.ENFORCED, "contact_named")
    else:
        yield case.says(State.DUE, "contact_missing")


def _feedback_heard(case: Case) -> Iterator[Verdict]:
    """Find opinions that nobody decided on for a quarter of a year.

    A record holds the name that a utilization had; what names none that is there is of each.
    """
    others = {each.name for each in case.facts.utilizations} - {case.utilization.name}
    waiting = [
        each
        for each in case.facts.records
        if each.subject.kind is SubjectKind.FEEDBACK
        and each.fields.get("utilization", "") not in others
        and case.facts.now - each.opened_at > FEEDBACK_WAITS
    ]
    if waiting:
        yield case.says(State.DUE, "feedback_waiting", {"count": len(waiting)})
    else:
        yield case.says(State.NOT_APPLICABLE, "feedback_heard")


# ② Prior notice


def _lead_kept(case: Case) -> Iterator[Verdict]:
    each, found = _of(case)
    if each.running is not None and not each.pending:
        yield case.says(State.ENFORCED, "lead_kept")
    elif Lacking.PRIOR_NOTICE in found.missing or found.opens_at is None:
        yield case.says(State.DUE, "prior_notice_missing", task=TaskKind.POST_PRIOR_NOTICE)
    elif Lacking.LEAD_TIME in found.missing:
        at = found.opens_at
        yield case.says(State.ENFORCED, "lead_waiting", {"at": at}, next_at=at)
    else:
        yield case.says(State.ENFORCED, "lead_kept")


def _omissions(case: Case) -> Iterator[Verdict]:
    declared = case.utilization.declared
    if declared.unexplained_items:
        count = len(declared.unexplained_items)
        yield case.says(State.DUE, "items_unexplained", {"count": count})
    elif declared.left_out:
        count = len(declared.left_out)
        yield case.says(State.EVIDENCE_HELD, "items_omitted", {"count": count})
    else:
        yield case.says(State.NOT_APPLICABLE, "items_all")


def _items(items: tuple[NoticeItem, ...], key: str) -> Callable[[Case], Iterator[Verdict]]:
    """Return the rule that a notice tells all of its items, or the reason why one is left out."""

    def judge(case: Case) -> Iterator[Verdict]:
        declared = case.utilization.declared
        unexplained = [each for each in declared.unexplained_items if each in items]
        told = [each for each in items if each not in declared.empty_items]
        if unexplained:
            yield case.says(State.DUE, "items_unexplained", {"count": len(unexplained)})
        else:
            yield case.says(State.ENFORCED, key, {"count": len(told)})

    return judge


def _change_waits(case: Case) -> Iterator[Verdict]:
    each = case.utilization
    waits = each.running is not None and each.pending
    yield case.says(State.ENFORCED, "change_waits" if waits else "change_held_back")


def _stored_never_read(case: Case) -> Iterator[Verdict]:
    yield case.says(State.ENFORCED, "stored_never_read")


# ③ Notice on the spot


def _site_notice(case: Case) -> Iterator[Verdict]:
    """Say of what runs whether its notice stands: it ends where that is found missing."""
    each, found = _of(case)
    if Lacking.SITE_NOTICE in found.lost:
        kind = TaskKind.CHECK_SITE_NOTICE
        done = case.facts.doing(kind, case.subject)
        yield case.says(State.BREACHED, "notice_lost", task=kind, done=done)
    elif each.running is not None:
        yield case.says(State.ENFORCED, "site_notice_stands")
    else:
        yield case.says(State.NOT_APPLICABLE, "site_notice_pending")


def _notice_printed(case: Case) -> Iterator[Verdict]:
    yield case.says(State.ENFORCED, "notice_printed")


def _notice_readable(case: Case) -> Iterator[Verdict]:
    yield case.says(State.NOT_APPLICABLE, "notice_readable")


# ④ Handling


def _frames(case: Case) -> Iterator[Verdict]:
    """Say of its own memory what is counted there, and of others what was entered."""
    each = case.utilization
    running = each.running or each.declared
    if each.frames_persisted:
        yield case.says(State.BREACHED, "frames_persisted", {"count": each.frames_persisted})
    if running.detector is not DetectorKind.BUILT_IN:
        originals = running.originals.strip()
        if originals:
            yield case.says(State.NOT_ENFORCED, "originals_elsewhere", {"where": originals})
        else:
            yield case.says(State.DUE, "originals_unknown")
    if running.detector is not DetectorKind.ENTITY:
        yield case.says(State.ENFORCED, "frames_dropped")


def _limited(case: Case) -> Iterator[Verdict]:
    if case.utilization.declared.identifiable:
        yield case.says(State.NOT_ENFORCED, "identifiable_declared")
    else:
        yield case.says(State.ENFORCED, "limited")


# ⑤ Management


def _derived_bounded(case: Case) -> Iterator[Verdict]:
    each = case.utilization
    days = (each.running or each.declared).retention_days
    yield case.says(State.ENFORCED, "derived_bounded", {"days": days})


def _recipients(case: Case) -> Iterator[Verdict]:
    each, found = _of(case)
    recipients = each.declared.recipients
    if Lacking.CONTRACTS in found.lost:
        yield case.says(State.BREACHED, "contracts_missing")
    elif Lacking.CONTRACTS in found.missing:
        yield case.says(State.DUE, "contracts_missing")
    elif recipients:
        ids = {one.record for one in recipients}
        ends = (
            day_at(record.fields.get("until"), case.facts.zone)
            for record in case.facts.records
            if record.subject.kind is SubjectKind.RECIPIENT and record.subject.id in ids
        )
        next_at = min((at for at in ends if at is not None), default=None)
        count = len(recipients)
        yield case.says(State.EVIDENCE_HELD, "contracts_held", {"count": count}, next_at=next_at)
    else:
        yield case.says(State.NOT_APPLICABLE, "recipients_none")


# Application cases


def _as_case(wanted: UtilizationCase) -> Callable[[Case], Iterator[Verdict]]:
    """Return the rule that what runs as a case of the guidebook makes what that case makes, only."""

    def judge(case: Case) -> Iterator[Verdict]:
        each = case.utilization
        if wanted not in (each.declared.case, each.running and each.running.case):
            yield case.says(State.NOT_APPLICABLE, "case_not")
        elif each.running is None or each.running.case is not wanted:
            yield case.says(State.NOT_APPLICABLE, "case_not_running")
        elif each.frames_persisted:
            yield case.says(State.BREACHED, "frames_persisted", {"count": each.frames_persisted})
        else:
            yield case.says(State.ENFORCED, f"case_{wanted}")

    return judge


_CASES: Final = tuple(each for each in UtilizationCase if each is not UtilizationCase.OTHER)
_SITE: Final = {"claims_nothing": _claims_nothing, "guide_current": _guide_current}
_UTILIZATION: Final = {
    "recognition_refused": _recognition_refused,
    "vault_apart": _vault_apart,
    **{f"type_{each}": _type_of(each) for each in _CASES},
    "other_assessed": _other_assessed,
    "recognizable": _recognizable,
    "life_cycle": _life_cycle,
    "nodes_owned": _nodes_owned,
    "entity_named": _entity_named,
    "contact_named": _contact_named,
    "feedback_heard": _feedback_heard,
    "lead_kept": _lead_kept,
    "omissions": _omissions,
    "prior_items": _items(PRIOR_ITEMS, "prior_items"),
    "site_items": _items(SITE_ITEMS, "site_items"),
    "change_waits": _change_waits,
    "stored_never_read": _stored_never_read,
    "site_notice": _site_notice,
    "notice_printed": _notice_printed,
    "notice_readable": _notice_readable,
    "frames": _frames,
    "limited": _limited,
    "derived_bounded": _derived_bounded,
    "recipients": _recipients,
    **{f"case_{each}": _as_case(each) for each in _CASES},
}

UTILIZATION_RULES: Mapping[str, Rule] = {
    **{name: Rule(about=SubjectKind.SITE, judge=each) for name, each in _SITE.items()},
    **{name: Rule(about=SubjectKind.UTILIZATION, judge=j) for name, j in _UTILIZATION.items()},
}
"""Every rule that only the guidebook's pack names."""
