"""What a person must do by a date: the kinds of task, what is asked for as evidence, and how one stands."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, tzinfo
from enum import StrEnum

from ..ledger.entry import Json
from .states import Subject


class TaskKind(StrEnum):
    """What is to be done; each is one line of `tasks/kinds.py`."""

    DECIDE_SCOPE = "decide_scope"
    POST_SIGN = "post_sign"
    CHECK_SIGN = "check_sign"
    APPROVE_VIEW = "approve_view"
    INSPECT = "inspect"
    REPAIR = "repair"
    REVIEW_RETENTION = "review_retention"
    LOCK_STORAGE = "lock_storage"
    LOCK_CAMERA_MEDIUM = "lock_camera_medium"
    ADOPT_RULES = "adopt_rules"
    REVIEW_RULES = "review_rules"
    REVIEW_GUIDELINE = "review_guideline"
    REVIEW_VIEWINGS = "review_viewings"
    RECOVERY_KIT = "recovery_kit"
    PLEDGE = "pledge"
    BRIEF = "brief"
    LEAVE = "leave"
    CONTRACT_CLAUSE = "contract_clause"
    ANSWER_INQUIRY = "answer_inquiry"
    DISPOSE_MEDIUM = "dispose_medium"
    REMOVE_DEVICE = "remove_device"
    REMOVE_SIGN = "remove_sign"
    POST_PRIOR_NOTICE = "post_prior_notice"
    POST_SITE_NOTICE = "post_site_notice"
    CHECK_SITE_NOTICE = "check_site_notice"
    ASSESS_RISKS = "assess_risks"
    ASSESS_REIDENTIFICATION = "assess_reidentification"
    BRIEF_STAFF = "brief_staff"
    CHECK_ORDINANCE = "check_ordinance"
    ADOPT_USAGE_RULES = "adopt_usage_rules"
    CHECK_SECURITY = "check_security"
    TEST_CONTACT = "test_contact"
    REVIEW_FEEDBACK = "review_feedback"
    ASSESS_CASE = "assess_case"
    CHECK_UNREADABLE = "check_unreadable"
    APPROVE_BACKGROUND = "approve_background"


ONCE = frozenset(
    {
        TaskKind.DECIDE_SCOPE,
        TaskKind.POST_SIGN,
        TaskKind.APPROVE_VIEW,
        TaskKind.REVIEW_RETENTION,
        TaskKind.ADOPT_RULES,
        TaskKind.RECOVERY_KIT,
        TaskKind.LEAVE,
        TaskKind.DISPOSE_MEDIUM,
        TaskKind.REMOVE_DEVICE,
        TaskKind.REMOVE_SIGN,
        TaskKind.POST_PRIOR_NOTICE,
        TaskKind.POST_SITE_NOTICE,
        TaskKind.ASSESS_REIDENTIFICATION,
        TaskKind.ADOPT_USAGE_RULES,
        TaskKind.ASSESS_CASE,
    }
)
"""What is done with one doing. The others have a task as long as there is anything to ask."""

VERSIONED = frozenset(
    {
        TaskKind.POST_PRIOR_NOTICE,
        TaskKind.POST_SITE_NOTICE,
        TaskKind.ASSESS_RISKS,
        TaskKind.ASSESS_REIDENTIFICATION,
        TaskKind.BRIEF_STAFF,
        TaskKind.CHECK_ORDINANCE,
        TaskKind.ADOPT_USAGE_RULES,
        TaskKind.ASSESS_CASE,
        TaskKind.CHECK_UNREADABLE,
    }
)
"""What is done for one declaration of a utilization (answer `version`), and anew for another."""


class Doer(StrEnum):
    """Who may say that a task is done."""

    MANAGER = "manager"
    OPERATOR = "operator"
    """An operator, or the manager."""

    SELF = "self"
    """The person whom it is about, by an act of their own elsewhere (the pledge): never by a tick."""

    STEWARD = "steward"
    """It is done by what the steward sees: rules adopted, a fault that recovered."""


class QuestionType(StrEnum):
    """What is asked for."""

    TICK = "tick"
    """Must be true."""

    CHOICE = "choice"
    TEXT = "text"
    LONG_TEXT = "long_text"
    """In several lines."""

    DATE = "date"
    """ISO 8601, not to come."""

    ADDRESS = "address"
    """Of a web page: http or https, without a password."""

    PHOTO = "photo"
    """The id of a stored photo (`tasks/photos.py`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One thing that is asked when a task is done.

    `options` are those of a choice, `wrong` those of them that say "not in order".
    """

    name: str
    type: QuestionType
    required: bool = True
    options: tuple[str, ...] = ()
    wrong: frozenset[str] = frozenset()


class TaskState(StrEnum):
    """How a task stands."""

    UPCOMING = "upcoming"
    DUE = "due"
    """It can be done: less than two weeks are left, or it never was done."""

    OVERDUE = "overdue"


@dataclass(frozen=True, slots=True, kw_only=True)
class Doing:
    """A task that was done: read from the ledger. `answers` are by question."""

    kind: TaskKind
    subject: Subject
    at: datetime
    by: str
    user: str | None
    answers: Mapping[str, Json]
    entry: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A task of one subject that is to be done, now or by `due_at`.

    `name` is the subject's, for people. What is done once and was done is no task any more.
    `last` is the newest doing; posting a sign is one of its check, too. `product_default` is whether its date rests on a number that is no
    source's.
    """

    kind: TaskKind
    subject: Subject
    name: str
    due_at: datetime
    state: TaskState
    doers: frozenset[Doer]
    questions: tuple[Question, ...]
    last: Doing | None = None
    product_default: bool = True

    @property
    def id(self) -> str:
        """Return what the task is called by machines: the same while kind and subject stay."""
        return task_id(self.kind, self.subject)

    @property
    def by_hand(self) -> bool:
        """Return whether it is done by saying so."""
        return bool(self.doers & {Doer.MANAGER, Doer.OPERATOR})


def task_id(kind: TaskKind, subject: Subject) -> str:
    """Return what a task is called by machines."""
    return f"{kind}:{subject.kind}:{subject.id}"


def day_at(answer: Json, zone: tzinfo = UTC) -> datetime | None:
    """Return the beginning of a day in ISO 8601, None of what is none."""
    try:
        return datetime.combine(date.fromisoformat(str(answer)), time(), zone).astimezone(UTC)
    except ValueError, OverflowError:
        return None


def in_order(questions: tuple[Question, ...], answers: Mapping[str, Json]) -> bool:
    """Return whether no answer says that something is not in order."""
    return not any(answers.get(each.name) in each.wrong for each in questions if each.wrong)
