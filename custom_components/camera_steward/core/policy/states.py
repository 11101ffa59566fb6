"""How a duty stands: the words of INV-9, for one control and one subject."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class State(StrEnum):
    """How a control stands, best first; these words and no others (INV-9)."""

    NOT_APPLICABLE = "not_applicable"
    ENFORCED = "enforced"
    """The steward does it by itself, or refuses what is against it."""

    EVIDENCE_HELD = "evidence_held"
    """A person did it, and it is on record who and when."""

    DUE = "due"
    """A person has to do it, or to do it again."""

    NOT_ENFORCED = "not_enforced"
    """The steward cannot keep it as things are set up."""

    BREACHED = "breached"
    """Something that is against it was found."""


NEEDS_ATTENTION = frozenset({State.DUE, State.NOT_ENFORCED, State.BREACHED})


def addressed(state: State) -> bool | None:
    """Return whether an item of the guidebook is addressed (対応済み); None where it does not apply."""
    return None if state is State.NOT_APPLICABLE else state not in NEEDS_ATTENTION


class SubjectKind(StrEnum):
    """What a duty is about."""

    SITE = "site"
    CAMERA = "camera"
    PERSON = "person"
    CONTRACTOR = "contractor"
    MEDIUM = "medium"
    INQUIRY = "inquiry"
    REMOVAL = "removal"
    UTILIZATION = "utilization"
    RECIPIENT = "recipient"
    FEEDBACK = "feedback"


@dataclass(frozen=True, slots=True, order=True)
class Subject:
    """One thing that a duty is about; the site's id is its entry's, a person's the user's."""

    kind: SubjectKind
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why: the key of a text (`why_<key>`) and what it leaves open.

    Values are plain text, numbers, or times; whoever shows them escapes and formats them.
    """

    key: str
    values: Mapping[str, str | int | datetime] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlState:
    """How one control of a pack stands for one subject.

    `why` is never empty but where a control does not apply. `task` is the id of the task that would
    mend it, or None; `next_at` when something about it comes due; `checked_at` and `checked_by` name
    the newest evidence by a person.
    """

    control: str
    subject: Subject
    state: State
    why: tuple[Reason, ...] = ()
    task: str | None = None
    next_at: datetime | None = None
    checked_at: datetime | None = None
    checked_by: str = ""

    @property
    def needs_attention(self) -> bool:
        """Return whether a person has to act."""
        return self.state in NEEDS_ATTENTION
