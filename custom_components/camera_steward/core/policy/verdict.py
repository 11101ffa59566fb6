"""What a rule is asked, and what it says: one state with its reason."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from .facts import CameraFact, PersonFact, RecordFact, SiteFacts
from .pack import Pack
from .states import Reason, State, Subject, SubjectKind
from .task import Doing, Task, TaskKind, task_id
from .utilization import UtilizationFact


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What one rule says of one thing; `task`, `next_at` and `checked_…` as of `ControlState`."""

    state: State
    reason: Reason
    task: str | None = None
    next_at: datetime | None = None
    checked_at: datetime | None = None
    checked_by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What a rule is asked: how it is with `subject`.

    `todo` are the tasks by id, `names` what everything is called that a duty can be about.
    """

    pack: Pack
    facts: SiteFacts
    todo: Mapping[str, Task]
    names: Mapping[Subject, str]
    subject: Subject

    @property
    def camera(self) -> CameraFact:
        """Return the camera that it is about."""
        return next(each for each in self.facts.cameras if each.subject == self.subject)

    @property
    def person(self) -> PersonFact:
        """Return the person whom it is about, by the role that counts."""
        everyone = (*self.facts.staff, *self.facts.left)
        return next(each for each in everyone if each.subject == self.subject)

    @property
    def record(self) -> RecordFact:
        """Return the record that it is about."""
        return next(each for each in self.facts.records if each.subject == self.subject)

    @property
    def utilization(self) -> UtilizationFact:
        """Return the utilization that it is about."""
        return next(each for each in self.facts.utilizations if each.subject == self.subject)

    def task(self, kind: TaskKind) -> str | None:
        """Return the id of a task of this subject, None where there is none to do."""
        wanted = task_id(kind, self.subject)
        return wanted if wanted in self.todo else None

    def says(
        self,
        state: State,
        key: str,
        values: Mapping[str, str | int | datetime] | None = None,
        *,
        task: TaskKind | None = None,
        next_at: datetime | None = None,
        done: Doing | None = None,
    ) -> Verdict:
        """Return a verdict; every reason can name the subject as `name`."""
        return Verdict(
            state=state,
            reason=Reason(key=key, values={"name": self.names[self.subject], **(values or {})}),
            task=None if task is None else self.task(task),
            next_at=next_at,
            checked_at=None if done is None else min(done.at, self.facts.now),
            checked_by="" if done is None else done.by,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A small pure function. `about` is what it is asked of, None: of a control's own subject.

    Where a control is about something else, it is asked of everything of that kind.
    """

    about: SubjectKind | None
    judge: Callable[[Case], Iterable[Verdict]]
