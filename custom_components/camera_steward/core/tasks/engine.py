"""Which tasks there are, and when each is due: facts and pack in, tasks out.

A clock that was set back makes a doing one of the future: it counts as done now, so that nothing is
put off longer than its interval.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from ..model import CaptureStatus
from ..policy.facts import CameraFact, RecordFact, SiteFacts
from ..policy.pack import Interval, Pack, after
from ..policy.rules import MOVED
from ..policy.states import Subject, SubjectKind
from ..policy.task import VERSIONED, Doing, Task, TaskKind, TaskState, day_at, in_order
from ..policy.utilization import Declaration, UtilizationCase, UtilizationFact
from .kinds import KINDS, ON, interval_of

FIRST = timedelta(days=14)
"""By when a first doing is due; the gate's days (`policy/gate.py`). A product default."""

SOON = timedelta(days=14)
"""How long before its date a task can be done for it. A product default."""

FAULT_LASTS = timedelta(hours=1)
"""From when on a fault is more than a disturbance. A product default."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Open:
    """Something that is to be done: about what, and by when.

    `last` is where another doing counts, `at_once` whether it can be done for the first time at once.
    `anew` is where what was done was done for something that has changed since.
    """

    subject: Subject
    name: str
    due_at: datetime
    product_default: bool = True
    last: Doing | None = None
    at_once: bool = True
    anew: bool = False


type _Arises = Callable[["_Look", TaskKind], Iterator[_Open]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """Facts and pack, as the functions below ask them."""

    facts: SiteFacts
    pack: Pack

    @property
    def now(self) -> datetime:
        return self.facts.now

    @property
    def cameras(self) -> Iterator[CameraFact]:
        """Return the cameras that are not being removed."""
        going = self.facts.going
        return (each for each in self.facts.cameras if each.id not in going)

    def records(self, kind: SubjectKind) -> Iterator[RecordFact]:
        return (each for each in self.facts.records if each.subject.kind is kind)

    def began(self, at: datetime) -> datetime:
        """Return from when the days for a first doing count."""
        return min(max(at, self.facts.provisional_since), self.now)

    def done_at(self, kind: TaskKind, subject: Subject) -> datetime | None:
        """Return when something was last done, None where it never was or was not in order."""
        done = self.facts.doing(kind, subject)
        if done is None or not in_order(KINDS[kind].questions, done.answers):
            return None
        return min(day_at(done.answers.get(ON)) or done.at, done.at, self.now)

    def again(
        self,
        kind: TaskKind,
        subject: Subject,
        name: str,
        since_at: datetime,
    ) -> _Open:
        """Return what comes again: by its interval, at once where it was not in order."""
        done = self.facts.doing(kind, subject)
        done_at = self.done_at(kind, subject)
        if done_at is not None and (interval := interval_of(kind, self.pack)) is not None:
            return _Open(
                subject=subject,
                name=name,
                due_at=after(done_at, interval),
                product_default=interval.product_default,
            )
        due_at = self.began(since_at) + FIRST if done is None else min(done.at, self.now)
        return _Open(subject=subject, name=name, due_at=due_at)


def tasks(facts: SiteFacts, pack: Pack, guide: Pack | None = None) -> tuple[Task, ...]:
    """Return everything that is to be done at a site, what is due first in front.

    `guide` is the guidebook's pack: of what both name an interval for, it is the one that counts.
    """
    if guide is not None:
        pack = replace(pack, intervals={**pack.intervals, **guide.intervals})
    look = _Look(facts=facts, pack=pack)
    found = [
        _task(look, kind, each) for kind, arises in _ARISES.items() for each in arises(look, kind)
    ]
    return tuple(sorted(found, key=lambda each: (each.due_at, each.id)))


def _task(look: _Look, kind: TaskKind, found: _Open) -> Task:
    last = None if found.anew else found.last or look.facts.doing(kind, found.subject)
    if look.now > found.due_at:
        state = TaskState.OVERDUE
    elif (last is None and found.at_once) or look.now >= found.due_at - SOON:
        state = TaskState.DUE
    else:
        state = TaskState.UPCOMING
    return Task(
        kind=kind,
        subject=found.subject,
        name=found.name,
        due_at=found.due_at,
        state=state,
        doers=KINDS[kind].doers,
        questions=KINDS[kind].questions,
        last=last,
        product_default=found.product_default,
    )


# Which there are


def _each_site(look: _Look, kind: TaskKind) -> Iterator[_Open]:
    facts = look.facts
    yield look.again(kind, facts.subject, facts.title, facts.since_at)


def _each_camera(look: _Look, kind: TaskKind) -> Iterator[_Open]:
    for each in look.cameras:
        yield look.again(kind, each.subject, each.name, each.since_at)


def _scope(look: _Look, kind: TaskKind) -> Iterator[_Open]:
    for each in look.cameras:
        if look.done_at(kind, each.subject) is None:
            yield look.again(kind, each.subject, each.name, each.since_at)


def _post_sign(look: _Look, kind: TaskKind) -> Iterator[_Open]:
    """Once, and again where it is missing or the sign reads otherwise now."""
    for each in look.cameras:
        posted = look.facts.doing(kind, each.subject)
        missing_at = look.facts.sign_missing_at(each.id)
        if posted is None:
            yield look.again(kind, each.subject, each.name, each.since_at)
        elif missing_at is not None:
            yield _Open(subject=each.subject, name=each.name, due_at=missing_at)
        elif posted.answers.get("sign_version") != look.facts.sign_version:
            yield _Open(subject=each.subject, name=each.name, due_at=look.now)


def _check_sign(look: _Look, kind: TaskKind) -> Iterator[_Open]:
    for each in look.cameras:
        yield from _check_posted(look, kind, each, TaskKind.POST_SIGN)


def _check_posted(
    look: _Look, kind: TaskKind, each: CameraFact | UtilizationFact, posting: TaskKind
) -> Iterator[_Open]:
    """Where a sign or a notice is posted; posting it is a check as well."""
    posted = look.facts.doing(posting, each.subject)
    if posted is None:
        return
    checked = look.facts.doing(kind, each.subject)
    if checked is not None and posted.entry < checked.entry:
        yield look.again(kind, each.subject, each.name, each.since_at)
        return
    interval = interval_of(kind, look.pack) or Interval()
    yield _Open(
        subject=each.subject,
        name=each.name,
        due_at=after(min(posted.at, look.now), interval),
        product_default=interval.product_default,
        last=posted,
    )


def _approve_view(look: _Look, kind: TaskKind) -> Iterator[_Open]:
    for each in look.cameras:
        done_at, moved_at = look.done_at(kind, each.subject), each.faults.get(MOVED)
        if done_at is None:
            yield look.again(kind, each.subject, each.name, each.since_at)
        elif moved_at is not None and done_at < moved_at:
            yield _Open(
                subject=each.subject, name=each.name, due_at=min(moved_at, look.now) + FIRST
            )


def _repair(look: _Look, kind: TaskKind) -> Iterator[_Open]:
    """While something is broken: done when it is whole again, whatever anybody says."""
    interval = interval_of(kind, look.pack) or Interval()
    for each in look.cameras:
        faults = [at for name, at in each.faults.items() if name != MOVED]
        if each.recording and each.status is CaptureStatus.NO_STREAM:
            faults.append(each.status_since)
        began_at = min(faults, default=None)
        if began_at is not None and look.now - began_at >= FAULT_LASTS:
            yield _Open(
                subject=each.subject,
                name=each.name,
                due_at=after(began_at, interval),
                product_default=interval.product_default,
            )


def _review_retention(look: _Look, kind: TaskKind) -> Iterator[_Open]:
    """Before a longer time lapses; done for the day that the settings name."""
    for each in look.cameras:
        if each.review_at is None or each.asked <= look.facts.ceiling:
            continue
        done = look.facts.doing(kind, each.subject)
        if done is not None and not in_order(KINDS[kind].questions, done.answers):
            yield look.again(kind, each.subject, each.name, each.since_at)
        elif done is None or min(done.at, look.now) < each.review_at - SOON:
            yield _Open(
                subject=each.subject,
                name=each.name,
                due_at=each.review_at,
                product_default=False,
                at_once=False,
            )


def _lock_camera_medium(look: _Look, kind: TaskKind) -> Iterator[_Open]:
    for each in look.cameras:
        scope = look.facts.doing(TaskKind.DECIDE_SCOPE, each.subject)
        if scope is not None and scope.answers.get("medium_in_camera") == "yes":
            yield look.again(kind, each.subject, each.name, scope.at)


def _adopt_rules(look: _Look, kind: TaskKind) -> Iterator[_Open]:
    facts = look.facts
    if not facts.rules.adopted_version:
        yield look.again(kind, facts.subject, facts.title, facts.since_at)
    elif facts.rules.adopted_version != facts.rules.running_version:
        yield _Open(subject=facts.subject, name=facts.title, due_at=facts.now)


def _recovery_kit(look: _Look, kind: TaskKind) -> Iterator[_Open]:
    facts = look.facts
    if facts.kit_taken_at is None:
        yield look.again(kind, facts.subject, facts.title, facts.since_at)


def _pledge(look: _Look, kind: TaskKind) -> Iterator[_Open]:
    for each in look.facts.staff:
        if not each.pledged:
            since_at = each.since_at or look.facts.since_at
            yield look.again(kind, each.subject, each.name, since_at)


def _brief(look: _Look, kind: TaskKind) -> Iterator[_Open]:
    for each in look.facts.staff:
        yield look.again(kind, each.subject, each.name, each.since_at or look.facts.since_at)


def _leave(look: _Look, kind: TaskKind) -> Iterator[_Open]:
    for each in look.facts.left:
        ended_at = each.until_at or look.now
        done_at = look.done_at(kind, each.subject)
        if done_at is None or done_at < ended_at:
            yield _Open(subject=each.subject, name=each.name, due_at=look.began(ended_at) + FIRST)


def _contract_clause(look: _Look, kind: TaskKind) -> Iterator[_Open]:
    """Each year, and for the contract's end where that is named."""
    for each in look.records(SubjectKind.CONTRACTOR):
        found = look.again(kind, each.subject, each.name, each.opened_at)
        ends_at, done_at = day_at(each.fields.get("until")), look.done_at(kind, each.subject)
        if ends_at is not None and done_at is not None and done_at < ends_at - SOON:
            found = _Open(subject=each.subject, name=each.name, due_at=min(ends_at, found.due_at))
        yield found


def _answer_inquiry(look: _Look, kind: TaskKind) -> Iterator[_Open]:
    """Until the record is closed with its answer."""
    interval = interval_of(kind, look.pack) or Interval()
    for each in look.records(SubjectKind.INQUIRY):
        yield _Open(
            subject=each.subject,
            name=each.name,
            due_at=after(min(each.opened_at, look.now), interval),
            product_default=interval.product_default,
        )


def _dispose_medium(look: _Look, kind: TaskKind) -> Iterator[_Open]:
    for each in look.records(SubjectKind.MEDIUM):
        retired_at = day_at(each.fields.get("retired_on"))
        if retired_at is not None and look.done_at(kind, each.subject) is None:
            yield _Open(
                subject=each.subject, name=each.name, due_at=min(retired_at, look.now) + FIRST
            )


def _remove(look: _Look, kind: TaskKind) -> Iterator[_Open]:
    for each in look.records(SubjectKind.REMOVAL):
        if look.done_at(kind, each.subject) is None:
            yield _Open(
                subject=each.subject, name=each.name, due_at=min(each.opened_at, look.now) + FIRST
            )


def _each_utilization(look: _Look, kind: TaskKind) -> Iterator[_Open]:
    for each in look.facts.utilizations:
        yield look.again(kind, each.subject, each.name, each.since_at)


def _as_declared(look: _Look, kind: TaskKind) -> Iterator[_Open]:
    """Where what is declared needs it, since it is declared so."""
    for each in look.facts.utilizations:
        if _asked(kind, each.declared):
            yield look.again(kind, each.subject, each.name, each.declared_at)


def _asked(kind: TaskKind, declared: Declaration) -> bool:
    """Return whether a kind of task is asked of what is declared."""
    match kind:
        case TaskKind.CHECK_ORDINANCE:
            return declared.public_space
        case TaskKind.ASSESS_CASE:
            return declared.case is UtilizationCase.OTHER
        case TaskKind.CHECK_UNREADABLE:
            return declared.case is UtilizationCase.SCENERY
        case TaskKind.APPROVE_BACKGROUND:
            return declared.case is UtilizationCase.ICONS
        case _:
            return True


def _of_version(look: _Look, kind: TaskKind) -> Iterator[_Open]:
    """For each declaration once, by its interval again, and at once where it was not in order."""
    for each in look.facts.utilizations:
        if not _asked(kind, each.declared):
            continue
        done = look.facts.doing(kind, each.subject)
        if done is None or done.answers.get("version") != each.declared.version:
            due_at = look.began(each.declared_at) + FIRST
            yield _Open(subject=each.subject, name=each.name, due_at=due_at, anew=True)
        elif look.done_at(kind, each.subject) is None or interval_of(kind, look.pack) is not None:
            yield look.again(kind, each.subject, each.name, each.declared_at)


def _check_site_notice(look: _Look, kind: TaskKind) -> Iterator[_Open]:
    for each in look.facts.utilizations:
        yield from _check_posted(look, kind, each, TaskKind.POST_SITE_NOTICE)


def _review_feedback(look: _Look, kind: TaskKind) -> Iterator[_Open]:
    """Each quarter of a year while it runs: before that nobody can have an opinion of it."""
    interval = interval_of(kind, look.pack) or Interval()
    for each in look.facts.utilizations:
        if look.facts.doing(kind, each.subject) is not None:
            yield look.again(kind, each.subject, each.name, each.since_at)
        elif each.running is not None and each.begun_at is not None:
            yield _Open(
                subject=each.subject,
                name=each.name,
                due_at=after(min(each.begun_at, look.now), interval),
                product_default=interval.product_default,
                at_once=False,
            )


_ARISES: Mapping[TaskKind, _Arises] = {
    TaskKind.DECIDE_SCOPE: _scope,
    TaskKind.POST_SIGN: _post_sign,
    TaskKind.CHECK_SIGN: _check_sign,
    TaskKind.APPROVE_VIEW: _approve_view,
    TaskKind.INSPECT: _each_camera,
    TaskKind.REPAIR: _repair,
    TaskKind.REVIEW_RETENTION: _review_retention,
    TaskKind.LOCK_STORAGE: _each_site,
    TaskKind.LOCK_CAMERA_MEDIUM: _lock_camera_medium,
    TaskKind.ADOPT_RULES: _adopt_rules,
    TaskKind.REVIEW_RULES: _each_site,
    TaskKind.REVIEW_GUIDELINE: _each_site,
    TaskKind.REVIEW_VIEWINGS: _each_site,
    TaskKind.RECOVERY_KIT: _recovery_kit,
    TaskKind.PLEDGE: _pledge,
    TaskKind.BRIEF: _brief,
    TaskKind.LEAVE: _leave,
    TaskKind.CONTRACT_CLAUSE: _contract_clause,
    TaskKind.ANSWER_INQUIRY: _answer_inquiry,
    TaskKind.DISPOSE_MEDIUM: _dispose_medium,
    TaskKind.REMOVE_DEVICE: _remove,
    TaskKind.REMOVE_SIGN: _remove,
    **dict.fromkeys(VERSIONED, _of_version),
    TaskKind.CHECK_SITE_NOTICE: _check_site_notice,
    TaskKind.CHECK_SECURITY: _each_utilization,
    TaskKind.TEST_CONTACT: _each_utilization,
    TaskKind.REVIEW_FEEDBACK: _review_feedback,
    TaskKind.APPROVE_BACKGROUND: _as_declared,
}
