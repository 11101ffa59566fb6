"""The rules of packs, by name: small pure functions from facts to a state and why.

*Enforced* is said of nothing that the program does not do or refuse (docs/design/duties.md).
Reasons are keys of texts, `why_<key>`; `REASONS` are all that there are.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, time, timedelta

from ..model import CaptureStatus
from .states import State, SubjectKind
from .task import TaskKind
from .task_rules import task_rule
from .utilization_rules import UTILIZATION_REASONS, UTILIZATION_RULES
from .verdict import Case, Rule, Verdict

AWAY_LASTS = timedelta(days=30)
"""After which a camera whose sign still says that it is in operation counts as abandoned."""

PACK_LASTS = timedelta(days=366)
"""For how long a source counts as compared."""

LOOKED_WITHIN = timedelta(days=1)
"""How often the inspection has to have seen a picture of a camera that records."""

STATED_WITHIN = timedelta(days=2)
"""How old the daily statement may be: one may have been missed."""
# All of them are product defaults.

MOVED = "moved"
"""The fault that a person ends by approving the view anew (`inspection/findings.py`)."""

ORAL = "authority_oral"
"""A request without a document (`disclosure/grounds.py`)."""

REASONS = frozenset(
    {
        "abandoned",
        "administrators",
        "asks_nothing",
        "away_no_sign",
        "backup_holds_footage",
        "backups_without_footage",
        "being_removed",
        "clock_in_doubt",
        "copies_due",
        "copies_in_order",
        "copies_past_limit",
        "copies_unknown",
        "copy_none",
        "disclosure_recorded",
        "encrypted",
        "footage_past_limit",
        "grounds_only",
        "identity_asked",
        "in_operation",
        "inquiry_judged",
        "inquiry_unjudged",
        "inspected",
        "installer_missing",
        "installer_named",
        "ledger_broken",
        "limit_kept",
        "limit_no_reason",
        "limit_reason",
        "limit_reason_lapsed",
        "limit_within",
        "live_limited",
        "live_not_looked",
        "live_open",
        "manager_may_be_installer",
        "manager_missing",
        "manager_named",
        "manager_no_login",
        "medium_disposed",
        "medium_in_use",
        "medium_to_dispose",
        "not_inspected",
        "not_recording",
        "not_started",
        "nothing_noticed",
        "operator_no_login",
        "operators_named",
        "operators_none",
        "oral_allowed",
        "pack_current",
        "pack_old",
        "permissions_only",
        "person_left",
        "pictures_saved_elsewhere",
        "pledge_accepted",
        "pledge_missing",
        "purpose_asked",
        "purpose_missing",
        "purpose_stated",
        "rules_accepted",
        "rules_adopted",
        "rules_differ",
        "rules_match",
        "rules_not_accepted",
        "rules_not_adopted",
        "rules_other",
        "scope_undecided",
        "scope_voluntary",
        "scope_within",
        "sign_current",
        "sign_missing",
        "sign_not_posted",
        "sign_other",
        "statement_missing",
        "storage_trouble",
        "task_done",
        "task_none",
        "task_not_in_order",
        "task_not_yet",
        "task_open",
        "task_overdue",
        "unaltered",
        "view_approved",
        "view_described",
        "view_moved",
        "view_not_approved",
        "view_not_described",
        "written_only",
    }
    | UTILIZATION_REASONS
)


type _Judge = Callable[[Case], Iterator[Verdict]]


def _asks_nothing(case: Case) -> Iterator[Verdict]:
    yield case.says(State.NOT_APPLICABLE, "asks_nothing")


def _manager_may_be_installer(case: Case) -> Iterator[Verdict]:
    yield case.says(State.NOT_APPLICABLE, "manager_may_be_installer")


# Purpose and view


def _unless_going(judge: _Judge) -> _Judge:
    """Return a rule that asks nothing of a camera that is being removed: nobody could mend it."""

    def judged(case: Case) -> Iterator[Verdict]:
        if case.subject.id in case.facts.going:
            yield case.says(State.NOT_APPLICABLE, "being_removed")
        else:
            yield from judge(case)

    return judged


def _scope(case: Case) -> Iterator[Verdict]:
    kind = TaskKind.DECIDE_SCOPE
    done = case.facts.doing(kind, case.subject)
    if done is None:
        yield case.says(State.DUE, "scope_undecided", task=kind)
        return
    key = f"scope_{case.facts.scope(case.subject.id)}"
    yield case.says(State.EVIDENCE_HELD, key, done=done)


def _purpose_stated(case: Case) -> Iterator[Verdict]:
    """Forms and gate refuse an empty one; a camera without its own has the site's."""
    if case.facts.purpose.strip():
        yield case.says(State.ENFORCED, "purpose_stated")
    else:
        yield case.says(State.DUE, "purpose_missing")


def _live_limited(case: Case, key: str) -> Iterator[Verdict]:
    """Say that what the desk refuses holds: not for who looks past it."""
    match case.camera.live_limited:
        case True:
            yield case.says(State.ENFORCED, key)
        case False:
            yield case.says(State.NOT_ENFORCED, "live_open", {"count": case.facts.others})
        case None:
            yield case.says(State.NOT_ENFORCED, "live_not_looked")


def _purpose_asked(case: Case) -> Iterator[Verdict]:
    yield from _live_limited(case, "purpose_asked")


def _copies_noticed(case: Case) -> Iterator[Verdict]:
    noticed = case.camera.noticed
    if noticed:
        yield case.says(State.BREACHED, "pictures_saved_elsewhere", {"count": noticed})
    else:
        yield case.says(State.NOT_APPLICABLE, "nothing_noticed")


def _view_described(case: Case) -> Iterator[Verdict]:
    camera = case.camera
    if all(each.strip() for each in (camera.place, camera.direction, camera.field_of_view)):
        yield case.says(State.EVIDENCE_HELD, "view_described")
    else:
        yield case.says(State.DUE, "view_not_described")


def _view_unchanged(case: Case) -> Iterator[Verdict]:
    kind = TaskKind.APPROVE_VIEW
    done = case.facts.doing(kind, case.subject)
    moved_at = case.camera.faults.get(MOVED)
    if moved_at is not None:
        yield case.says(State.BREACHED, "view_moved", {"since": moved_at}, task=kind, done=done)
    elif done is None:
        yield case.says(State.DUE, "view_not_approved", task=kind)
    else:
        yield case.says(State.EVIDENCE_HELD, "view_approved", done=done)


# Sign


def _installer_named(case: Case) -> Iterator[Verdict]:
    if case.facts.installer.strip():
        yield case.says(State.ENFORCED, "installer_named")
    else:
        yield case.says(State.DUE, "installer_missing")


def _sign_current(case: Case) -> Iterator[Verdict]:
    kind = TaskKind.POST_SIGN
    done = case.facts.doing(kind, case.subject)
    missing_at = case.facts.sign_missing_at(case.subject.id)
    if missing_at is not None:
        yield case.says(State.BREACHED, "sign_missing", {"since": missing_at}, task=kind, done=done)
    elif done is None:
        yield case.says(State.DUE, "sign_not_posted", task=kind)
    elif done.answers.get("sign_version") != case.facts.sign_version:
        yield case.says(State.DUE, "sign_other", task=kind, done=done)
    else:
        yield case.says(State.EVIDENCE_HELD, "sign_current", done=done)


# People


def _manager_appointed(case: Case) -> Iterator[Verdict]:
    manager = case.facts.manager
    if manager is None:
        yield case.says(State.DUE, "manager_missing")
    elif not manager.login:
        yield case.says(State.DUE, "manager_no_login")
    else:
        yield case.says(State.EVIDENCE_HELD, "manager_named", next_at=manager.until_at)


def _operators_appointed(case: Case) -> Iterator[Verdict]:
    """Where there is need of any: of that nobody but the manager can judge."""
    operators = [each for each in case.facts.staff if each != case.facts.manager]
    without = [each for each in operators if not each.login]
    if without:
        yield case.says(State.DUE, "operator_no_login", {"count": len(without)})
    elif operators:
        ends = (each.until_at for each in operators if each.until_at is not None)
        yield case.says(State.EVIDENCE_HELD, "operators_named", next_at=min(ends, default=None))
    else:
        yield case.says(State.NOT_APPLICABLE, "operators_none")


def _named_only(case: Case) -> Iterator[Verdict]:
    if case.facts.administrators:
        count = case.facts.administrators
        yield case.says(State.NOT_ENFORCED, "administrators", {"count": count})
    yield from _live_limited(case, "live_limited")


def _permissions_only(case: Case) -> Iterator[Verdict]:
    yield from _live_limited(case, "permissions_only")


def _pledge_as(case: Case, accepted: str, missing: str) -> Iterator[Verdict]:
    person = case.person
    if not person.acts:
        yield case.says(State.NOT_APPLICABLE, "person_left")
    elif person.pledged:
        yield case.says(State.EVIDENCE_HELD, accepted)
    else:
        yield case.says(State.DUE, missing, task=TaskKind.PLEDGE)


def _pledged(case: Case) -> Iterator[Verdict]:
    yield from _pledge_as(case, "pledge_accepted", "pledge_missing")


def _rules_acknowledged(case: Case) -> Iterator[Verdict]:
    """Pledge and rules are accepted together, as they read now."""
    yield from _pledge_as(case, "rules_accepted", "rules_not_accepted")


# Footage


def _encrypted(case: Case) -> Iterator[Verdict]:
    yield case.says(State.ENFORCED, "encrypted")


def _copies_known(case: Case) -> Iterator[Verdict]:
    facts = case.facts
    if facts.copies_past_limit:
        count = facts.copies_past_limit
        yield case.says(State.BREACHED, "copies_past_limit", {"count": count})
    if facts.copies_unknown:
        yield case.says(State.DUE, "copies_unknown", {"count": facts.copies_unknown})
    if facts.copies_due:
        yield case.says(State.DUE, "copies_due", {"count": facts.copies_due})
    if facts.copies:
        yield case.says(State.EVIDENCE_HELD, "copies_in_order")
    else:
        yield case.says(State.NOT_APPLICABLE, "copy_none")


def _backups(case: Case) -> Iterator[Verdict]:
    if case.facts.backup_plan_holds:
        yield case.says(State.NOT_ENFORCED, "backup_holds_footage")
    else:
        yield case.says(State.ENFORCED, "backups_without_footage")


def _hindered(case: Case) -> Iterator[Verdict]:
    """Yield what keeps footage from being erased in its time."""
    if not case.facts.clock_trusted:
        yield case.says(State.NOT_ENFORCED, "clock_in_doubt")
    if case.facts.storage_trouble:
        yield case.says(State.NOT_ENFORCED, "storage_trouble")


def _retention(case: Case) -> Iterator[Verdict]:
    camera = case.camera
    if camera.overdue:
        yield case.says(State.BREACHED, "footage_past_limit", {"count": camera.overdue})
    yield from _hindered(case)
    if camera.limit > case.pack.ceiling and not _is_reasoned(case):
        yield case.says(State.NOT_ENFORCED, "limit_no_reason")
    yield case.says(State.ENFORCED, "limit_kept")


def _is_reasoned(case: Case) -> bool:
    camera = case.camera
    stated = camera.reason.strip() and camera.approver.strip()
    return bool(stated) and camera.review_at is not None


def _retention_reason(case: Case) -> Iterator[Verdict]:
    camera, kind = case.camera, TaskKind.REVIEW_RETENTION
    if camera.asked <= case.pack.ceiling:
        yield case.says(State.ENFORCED, "limit_within")
    elif camera.review_at is None or not _is_reasoned(case):
        yield case.says(State.NOT_ENFORCED, "limit_no_reason", task=kind)
    elif camera.review_at <= case.facts.now:
        yield case.says(State.DUE, "limit_reason_lapsed", {"at": camera.review_at}, task=kind)
    else:
        yield case.says(
            State.EVIDENCE_HELD,
            "limit_reason",
            {"at": camera.review_at},
            next_at=camera.review_at,
            done=case.facts.doing(kind, case.subject),
        )


def _erased_on_time(case: Case) -> Iterator[Verdict]:
    facts = case.facts
    if facts.past_limit:
        yield case.says(State.BREACHED, "footage_past_limit", {"count": facts.past_limit})
    yield from _hindered(case)
    stated_at = facts.statement_at or facts.since_at
    if facts.now - stated_at > STATED_WITHIN:
        yield case.says(State.NOT_ENFORCED, "statement_missing")
    yield case.says(State.ENFORCED, "limit_kept")


def _media_disposed(case: Case) -> Iterator[Verdict]:
    kind = TaskKind.DISPOSE_MEDIUM
    done = case.facts.doing(kind, case.subject)
    if done is not None:
        yield case.says(State.EVIDENCE_HELD, "medium_disposed", done=done)
    elif case.record.fields.get("retired_on"):
        yield case.says(State.DUE, "medium_to_dispose", task=kind)
    else:
        yield case.says(State.NOT_APPLICABLE, "medium_in_use")


def _unaltered(case: Case) -> Iterator[Verdict]:
    yield case.says(State.ENFORCED, "unaltered")


# Handing over


def _grounds_only(case: Case) -> Iterator[Verdict]:
    yield case.says(State.ENFORCED, "grounds_only")


def _written_only(case: Case) -> Iterator[Verdict]:
    if ORAL in case.pack.grounds:
        yield case.says(State.NOT_ENFORCED, "oral_allowed")
    else:
        yield case.says(State.ENFORCED, "written_only")


def _identity_asked(case: Case) -> Iterator[Verdict]:
    yield case.says(State.ENFORCED, "identity_asked")


def _disclosure_recorded(case: Case) -> Iterator[Verdict]:
    if case.facts.ledger_broken:
        yield case.says(State.BREACHED, "ledger_broken")
    yield case.says(State.ENFORCED, "disclosure_recorded")


# Rules and inquiries


def _rules_adopted(case: Case) -> Iterator[Verdict]:
    kind = TaskKind.ADOPT_RULES
    if not case.facts.rules.adopted_version:
        yield case.says(State.DUE, "rules_not_adopted", task=kind)
        return
    done = case.facts.doing(kind, case.subject)
    yield case.says(State.EVIDENCE_HELD, "rules_adopted", done=done)


def _rules_match(case: Case) -> Iterator[Verdict]:
    rules, kind = case.facts.rules, TaskKind.ADOPT_RULES
    done = case.facts.doing(kind, case.subject)
    if not rules.adopted_version:
        yield case.says(State.DUE, "rules_not_adopted", task=kind)
    elif rules.differing:
        articles = ", ".join(rules.differing)
        yield case.says(
            State.BREACHED, "rules_differ", {"articles": articles}, task=kind, done=done
        )
    elif rules.adopted_version != rules.running_version:
        yield case.says(State.BREACHED, "rules_other", task=kind, done=done)
    else:
        yield case.says(State.EVIDENCE_HELD, "rules_match", done=done)


def _inquiries_judged(case: Case) -> Iterator[Verdict]:
    if case.record.fields.get("finding", "").strip():
        yield case.says(State.EVIDENCE_HELD, "inquiry_judged")
    else:
        yield case.says(State.DUE, "inquiry_unjudged", task=TaskKind.ANSWER_INQUIRY)


# Equipment


def _inspection_runs(case: Case) -> Iterator[Verdict]:
    camera, now = case.camera, case.facts.now
    if not camera.recording:
        yield case.says(State.NOT_APPLICABLE, "not_recording")
    elif camera.inspected_at is not None and now - camera.inspected_at <= LOOKED_WITHIN:
        yield case.says(State.ENFORCED, "inspected")
    # Outside its schedule, or until something sets it off, there is nothing to look at.
    elif camera.status is CaptureStatus.WAITING:
        yield case.says(State.NOT_APPLICABLE, "not_recording")
    # A recorder that began lately has not been looked at yet, whatever was before it.
    elif now - max(camera.since_at, camera.status_since) <= LOOKED_WITHIN:
        yield case.says(State.NOT_APPLICABLE, "not_started")
    else:
        yield case.says(State.NOT_ENFORCED, "not_inspected")


def _abandoned(case: Case) -> Iterator[Verdict]:
    """Find a camera that is away for long while its sign says that it is in operation (第4 3 (2))."""
    camera = case.camera
    sign = case.facts.doing(TaskKind.POST_SIGN, case.subject)
    is_away = camera.status in (CaptureStatus.NO_STREAM, CaptureStatus.STOPPED)
    if not is_away or case.facts.now - camera.status_since <= AWAY_LASTS:
        yield case.says(State.NOT_APPLICABLE, "in_operation")
    elif sign is None:
        yield case.says(State.NOT_APPLICABLE, "away_no_sign")
    else:
        since = {"since": camera.status_since}
        yield case.says(State.BREACHED, "abandoned", since, done=sign)


def _pack_current(case: Case) -> Iterator[Verdict]:
    """Whether the source was compared within a year, by us or by a person here."""
    kind = TaskKind.REVIEW_GUIDELINE
    done = case.facts.doing(kind, case.facts.subject)
    compared_at = datetime.combine(case.pack.as_of, time(), UTC)
    if done is not None and done.answers.get("guideline_changed") == "no":
        compared_at = max(compared_at, min(done.at, case.facts.now))
    values = {"at": compared_at}
    if case.facts.now - compared_at > PACK_LASTS:
        yield case.says(State.DUE, "pack_old", values, task=kind, done=done)
        return
    yield case.says(
        State.EVIDENCE_HELD, "pack_current", values, next_at=compared_at + PACK_LASTS, done=done
    )


_SITE = {
    "asks_nothing": _asks_nothing,
    "purpose_stated": _purpose_stated,
    "installer_named": _installer_named,
    "manager_appointed": _manager_appointed,
    "manager_may_be_installer": _manager_may_be_installer,
    "operators_appointed": _operators_appointed,
    "encrypted": _encrypted,
    "copies_known": _copies_known,
    "backups": _backups,
    "erased_on_time": _erased_on_time,
    "unaltered": _unaltered,
    "grounds_only": _grounds_only,
    "written_only": _written_only,
    "identity_asked": _identity_asked,
    "disclosure_recorded": _disclosure_recorded,
    "rules_adopted": _rules_adopted,
    "rules_match": _rules_match,
    "pack_current": _pack_current,
}
_CAMERA = {
    "scope": _unless_going(_scope),
    "purpose_asked": _purpose_asked,
    "copies_noticed": _copies_noticed,
    "view_described": _view_described,
    "view_unchanged": _unless_going(_view_unchanged),
    "sign_current": _unless_going(_sign_current),
    "named_only": _named_only,
    "permissions_only": _permissions_only,
    "retention": _retention,
    "retention_reason": _retention_reason,
    "inspection_runs": _inspection_runs,
    "abandoned": _unless_going(_abandoned),
}
_PERSON = {"pledged": _pledged, "rules_acknowledged": _rules_acknowledged}

RULES: Mapping[str, Rule] = {
    **{name: Rule(about=SubjectKind.SITE, judge=each) for name, each in _SITE.items()},
    **{name: Rule(about=SubjectKind.CAMERA, judge=each) for name, each in _CAMERA.items()},
    **{name: Rule(about=SubjectKind.PERSON, judge=each) for name, each in _PERSON.items()},
    "media_disposed": Rule(about=SubjectKind.MEDIUM, judge=_media_disposed),
    **UTILIZATION_RULES,
    "inquiries_judged": Rule(about=SubjectKind.INQUIRY, judge=_inquiries_judged),
    **{f"task:{kind}": task_rule(kind) for kind in TaskKind},
    # A pledge is on record as such, not as a task that was done.
    "task:pledge": Rule(about=SubjectKind.PERSON, judge=_pledged),
}
"""Every rule that a pack can name."""
