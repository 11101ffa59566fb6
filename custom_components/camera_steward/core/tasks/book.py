"""The book of what was done: who may say so is asked first, then it is entered in the ledger."""

import threading
from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from typing import Protocol

from ..access.decide import Refusal, RefusedError
from ..access.people import Person
from ..ledger.entry import EntryKind, Json
from ..ledger.store import Ledger
from ..policy.task import Doer, Doing, Task, TaskKind
from .doing import check, may
from .doings import doing_data, doing_of, doings, doings_between

_TWICE = timedelta(minutes=1)
"""Within which the same person's same answers are one doing that was sent twice."""


class Office(Protocol):
    """Who is appointed just now: the desk."""

    def now(self) -> datetime:
        """Return the time that decisions go by."""
        ...

    def person(self, user: str) -> Person | None:
        """Return how a user is appointed just now."""
        ...


class TaskBook:
    """One site's book. Any thread; blocking. All raise `LedgerBrokenError` and `StorageError`."""

    def __init__(self, ledger: Ledger, office: Callable[[], Office]) -> None:
        """Enter in this ledger; `office` is asked when something is to be entered."""
        self._ledger = ledger
        self._office = office
        self._lock = threading.Lock()
        self._newest: dict[str, Doing] | None = None

    def doings(self) -> Mapping[str, Doing]:
        """Return the newest doing of each task by its id; read once, then kept in memory."""
        with self._lock:
            return dict(self._known())

    def between(
        self, since: datetime, until: datetime, kinds: Collection[TaskKind] | None = None
    ) -> list[Doing]:
        """Return what was done in [since, until), in order of time."""
        return doings_between(self._ledger, since, until, kinds)

    def do(
        self,
        task: Task,
        answers: Mapping[str, Json],
        *,
        user: str | None,
        active: bool = True,
        seen: Mapping[str, Json] | None = None,
        has_photo: Callable[[str], bool] = lambda photo: True,
    ) -> Doing:
        """Enter that a task was done; durable on return.

        `user` is the login that says so, `active` whether it is in use; `seen` is what goes on record
        besides the answers: of a sign the `sign_version` that was printed. `RefusedError` without the
        role, `TaskInvalidError` of answers as in `check`. What the same person said a moment ago is
        not entered twice.
        """
        office = self._office()
        person = _allowed(office, task, user, active=active)
        entered = {**check(task, answers, office.now(), has_photo), **(seen or {})}
        with self._lock:
            known, now = self._known(), office.now()
            last = known.get(task.id)
            if last is not None and _is_twice(last, person.user, entered, now):
                return last
            entry = self._ledger.append(
                EntryKind.TASK_DONE,
                actor=person.name,
                subject=task.id,
                data=doing_data(task.kind, task.subject, person.user, entered),
                at=now,
            )
            done = doing_of(entry)
            assert done is not None
            known[task.id] = done
            return done

    def _known(self) -> dict[str, Doing]:
        if self._newest is None:
            self._newest = doings(self._ledger)
        return self._newest


def _allowed(office: Office, task: Task, user: str | None, *, active: bool) -> Person:
    """Return who says that a task is done; `RefusedError` where they may not."""
    if user is None:
        raise RefusedError(Refusal.NOBODY)
    if not active:
        raise RefusedError(Refusal.INACTIVE)
    person = office.person(user)
    if person is None:
        raise RefusedError(Refusal.NOT_APPOINTED)
    if not may(task, person.role, is_self=task.subject.id == user):
        is_open = Doer.OPERATOR in task.doers
        raise RefusedError(Refusal.NOT_APPOINTED if is_open else Refusal.NOT_MANAGER)
    return person


def _is_twice(last: Doing, user: str, answers: Mapping[str, Json], now: datetime) -> bool:
    return (last.user, last.answers) == (user, answers) and abs(now - last.at) < _TWICE
