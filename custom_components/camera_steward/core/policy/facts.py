"""What rules look at: how a site is set up and what was seen of it, as plain values.

The edge fills these from settings, snapshot, exposures and copies; nothing here is looked up.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from enum import StrEnum

from ..access.people import Role
from ..model import CaptureStatus
from .states import Subject, SubjectKind
from .task import Doing, TaskKind, task_id
from .utilization import UtilizationFact

_WITHIN = {
    "crime_prevention": "yes",
    "public_place": "yes",
    "permanent": "yes",
    "recording": "yes",
    "own_property": "no",
}
"""The answers to which a camera is one that the guideline is for (第1 2 (1))."""

_SIGN_SEEN = {
    TaskKind.POST_SIGN: "",
    TaskKind.CHECK_SIGN: "sign_there",
    TaskKind.INSPECT: "sign",
}
"""What people do that shows whether a sign is there, and which answer says so."""

_NO_SIGN = ("no", "not_there")


class Scope(StrEnum):
    """Whether the guideline is for a camera (Kumagaya 第1 2), as a person decided."""

    UNDECIDED = "undecided"
    WITHIN = "within"
    VOLUNTARY = "voluntary"
    """Outside; its duties are applied of one's own will."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonFact:
    """A person with a role. `pledged` is whether they accepted pledge and rules as they read now."""

    user: str
    name: str
    role: Role
    since_at: datetime | None
    until_at: datetime | None
    acts: bool
    pledged: bool
    login: bool
    """Whether Home Assistant has an active user for them."""

    @property
    def subject(self) -> Subject:
        """Return them as what a duty is about."""
        return Subject(SubjectKind.PERSON, self.user)


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraFact:
    """A camera. `limit` holds now, `asked` is what the settings say.

    `status_since` and `since_at` outlive a restart. `faults` are the open findings of the
    inspection (`inspection/findings.py`) with their beginnings, `inspected_at` when it last looked at
    a picture. `noticed` counts what saves or works on its pictures elsewhere. `live_limited` is None
    before it was looked at.
    """

    id: str
    name: str
    since_at: datetime
    purpose: str
    place: str
    direction: str
    field_of_view: str
    recording: bool
    status: CaptureStatus
    status_since: datetime
    overdue: int
    live_limited: bool | None
    limit: timedelta
    asked: timedelta
    reason: str
    approver: str
    review_at: datetime | None
    noticed: int = 0
    inspected_at: datetime | None = None
    faults: Mapping[str, datetime] = field(default_factory=dict)

    @property
    def subject(self) -> Subject:
        """Return it as what a duty is about."""
        return Subject(SubjectKind.CAMERA, self.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class RulesFact:
    """The adopted rules beside those that the settings would give now (`documents/rules.py`).

    `adopted_version` is empty where none were adopted. `differing` names the articles that read
    otherwise now.
    """

    running_version: str
    adopted_version: str = ""
    adopted_at: datetime | None = None
    adopted_by: str = ""
    differing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordFact:
    """An open record (contractor, medium, inquiry, removal) as far as tasks and rules need it.

    `fields` are the record's own (`ledger/records.py`), texts and ISO 8601 dates. Looked at are a
    contractor's `until`, a medium's `retired_on`, an inquiry's `finding`, a removal's `camera` (empty:
    the whole site).
    """

    subject: Subject
    name: str
    opened_at: datetime
    fields: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockStep:
    """That the clock was believed again at `at`, ahead by `by` of the time that had been kept."""

    at: datetime
    by: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteFacts:
    """A site as it stands at `now`.

    `site` is the entry's id. `provisional_since` is when the pack came to hold for it. Counts
    are of what was found last; `copies` are all that are known of. `people` are also those whose
    role has ended. `doings` are the newest doing of each task by its id, also of tasks that are over.
    """

    now: datetime
    site: str
    title: str
    since_at: datetime
    provisional_since: datetime
    installer: str
    purpose: str
    people: tuple[PersonFact, ...]
    cameras: tuple[CameraFact, ...]
    ceiling: timedelta
    past_limit: int
    statement_at: datetime | None
    clock_trusted: bool
    ledger_broken: bool
    storage_trouble: bool
    administrators: int
    """Active administrators of Home Assistant without a role here."""
    others: int
    """Other active logins without a role here."""
    copies: int
    copies_past_limit: int
    copies_unknown: int
    copies_due: int
    backup_plan_holds: bool
    kit_taken_at: datetime | None
    sign_version: str
    """What the sign that would be printed now says (`documents/sign.py`)."""
    rules: RulesFact
    manager_gone_at: datetime | None = None
    """Since when the manager who acts cannot log in."""
    records: tuple[RecordFact, ...] = ()
    utilizations: tuple[UtilizationFact, ...] = ()
    doings: Mapping[str, Doing] = field(default_factory=dict)
    zone: tzinfo = UTC
    """In which days begin and end here."""
    clock_settled: bool = True
    """Whether the clock is neither in doubt nor in the minutes of grace after a start."""
    clock_steps: tuple[ClockStep, ...] = ()

    @property
    def subject(self) -> Subject:
        """Return the site as what a duty is about."""
        return Subject(SubjectKind.SITE, self.site)

    @property
    def manager(self) -> PersonFact | None:
        """Return who manages operation just now."""
        found = (each for each in self.people if each.role is Role.MANAGER and each.acts)
        return next(found, None)

    @property
    def staff(self) -> tuple[PersonFact, ...]:
        """Return manager and operators who act just now, each once."""
        acting = (each for each in self.people if each.acts and each.role is not Role.GUEST)
        return tuple({each.user: each for each in acting}.values())

    @property
    def left(self) -> tuple[PersonFact, ...]:
        """Return who had a role that has ended and has no other now; each by their last one."""
        acting = {each.user for each in self.staff}
        found: dict[str, PersonFact] = {}
        for each in self.people:
            if each.until_at is None or self.now < each.until_at or each.user in acting:
                continue
            if each.role is Role.GUEST:
                continue
            known = found.get(each.user)
            if known is None or known.until_at is None or known.until_at < each.until_at:
                found[each.user] = each
        return tuple(found.values())

    @property
    def going(self) -> frozenset[str]:
        """Return the cameras that are being removed: they have no tasks but those of their removal."""
        found = {
            each.fields.get("camera", "")
            for each in self.records
            if each.subject.kind is SubjectKind.REMOVAL
        }
        return frozenset(each.id for each in self.cameras if found & {each.id, ""})

    def subjects(self, kind: SubjectKind) -> Mapping[Subject, str]:
        """Return everything of a kind that a duty can be about, with what it is called."""
        match kind:
            case SubjectKind.SITE:
                return {self.subject: self.title}
            case SubjectKind.CAMERA:
                return {each.subject: each.name for each in self.cameras}
            case SubjectKind.PERSON:
                return {each.subject: each.name for each in (*self.staff, *self.left)}
            case SubjectKind.UTILIZATION:
                return {each.subject: each.name for each in self.utilizations}
            case _:
                return {r.subject: r.name for r in self.records if r.subject.kind is kind}

    def doing(self, kind: TaskKind, subject: Subject) -> Doing | None:
        """Return the newest doing of a task, also where it was done by what the steward saw."""
        match kind:
            case TaskKind.RECOVERY_KIT if subject == self.subject:
                return _seen(kind, subject, self.kit_taken_at, "")
            case TaskKind.ADOPT_RULES if subject == self.subject:
                return _seen(kind, subject, self.rules.adopted_at, self.rules.adopted_by)
            case _:
                return self.doings.get(task_id(kind, subject))

    def scope(self, camera: str) -> Scope:
        """Return whether the guideline is for a camera, as a person decided."""
        done = self.doing(TaskKind.DECIDE_SCOPE, Subject(SubjectKind.CAMERA, camera))
        if done is None:
            return Scope.UNDECIDED
        is_within = all(done.answers.get(name) == answer for name, answer in _WITHIN.items())
        return Scope.WITHIN if is_within else Scope.VOLUNTARY

    def sign_missing_at(self, camera: str) -> datetime | None:
        """Return since when a camera's sign is known to be missing; None where it is not.

        Whoever saw it last counts: who posted it, who checked it, who inspected the camera.
        """
        subject = Subject(SubjectKind.CAMERA, camera)
        found = (self.doing(kind, subject) for kind in _SIGN_SEEN)
        last = max(
            (each for each in found if each is not None), key=lambda each: each.entry, default=None
        )
        if last is None or last.answers.get(_SIGN_SEEN[last.kind]) not in _NO_SIGN:
            return None
        return min(last.at, self.now)


def _seen(kind: TaskKind, subject: Subject, at: datetime | None, by: str) -> Doing | None:
    if at is None:
        return None
    return Doing(kind=kind, subject=subject, at=at, by=by, user=None, answers={}, entry=0)
