"""What rules look at: how a site is set up and what was seen of it, as plain values.

The edge fills these from settings, snapshot, exposures and copies; nothing here is looked up.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from ..access.people import Role
from ..model import CaptureStatus
from .states import Subject
from .task import Doing, Task, TaskKind


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


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraFact:
    """A camera. `limit` holds now, `asked` is what the settings say.

    `faults` are the open findings of the inspection (`inspection/findings.py`) with their beginnings.
    `live_limited` is None before it was looked at.
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
    footage: bool
    overdue: int
    sealed: bool
    live_limited: bool | None
    limit: timedelta
    asked: timedelta
    reason: str
    approver: str
    review_at: datetime | None
    audio: bool
    faults: Mapping[str, datetime] = field(default_factory=dict)


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

    `fields` are the record's own (`ledger/records.py`), texts and ISO 8601 dates.
    """

    subject: Subject
    name: str
    opened_at: datetime
    fields: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteFacts:
    """A site as it stands at `now`.

    `provisional_since` is when the pack came to hold for it. Counts are of what was found last.
    `doings` are the newest doing of each task by its id, also of tasks that are over.
    """

    now: datetime
    site: str
    title: str
    since_at: datetime
    provisional_since: datetime
    installer: str
    contact: str
    purpose: str
    people: tuple[PersonFact, ...]
    cameras: tuple[CameraFact, ...]
    ceiling: timedelta
    storage: str
    past_limit: int
    statement_at: datetime | None
    purge_at: datetime | None
    clock_trusted: bool
    ledger_broken: bool
    storage_trouble: bool
    administrators: int
    """Active administrators of Home Assistant without a role here."""
    others: int
    """Other active logins without a role here."""
    copies_past_limit: int
    copies_unknown: int
    copies_due: int
    backup_plan_holds: bool
    kit_taken_at: datetime | None
    register_read_at: datetime | None
    to_return: int
    """Packages that people hold whose role has ended."""
    sign_version: str
    """What the sign that would be printed now says (`documents/sign.py`)."""
    rules: RulesFact
    records: tuple[RecordFact, ...] = ()
    doings: Mapping[str, Doing] = field(default_factory=dict)

    @property
    def manager(self) -> PersonFact | None:
        """Return who manages operation just now."""
        found = (each for each in self.people if each.role is Role.MANAGER and each.acts)
        return next(found, None)

    def doing(self, kind: TaskKind, subject: Subject) -> Doing | None:
        """Return the newest doing of a task."""
        return self.doings.get(f"{kind}:{subject.kind}:{subject.id}")


def tasks_of(tasks: tuple[Task, ...], kind: TaskKind, subject: Subject) -> Task | None:
    """Return the task of a kind and subject, None where there is none to do."""
    found = (each for each in tasks if each.kind is kind and each.subject == subject)
    return next(found, None)
