"""The rule that a kind of task is done in its time, for each kind."""

from collections.abc import Iterator
from dataclasses import replace

from .states import State, Subject, SubjectKind
from .task import ONCE, TaskKind, TaskState, in_order, task_id
from .verdict import Case, Rule, Verdict


def task_rule(kind: TaskKind) -> Rule:
    """Return the rule that a kind of task is done in its time."""

    def judge(case: Case) -> Iterator[Verdict]:
        def asked(each: Subject) -> bool:
            once = kind in ONCE and case.facts.doing(kind, each) is not None
            return once or task_id(kind, each) in case.todo

        # Its own first: who floods the public form with inquiries must not make this slow.
        own = case.subject.kind is not SubjectKind.SITE and asked(case.subject)
        found = (
            {case.subject}
            if own
            else _concerned(case.subject, {each for each in case.names if asked(each)})
        )
        for each in sorted(found):
            yield _task_verdict(replace(case, subject=each), kind)
        if not found:
            yield case.says(State.NOT_APPLICABLE, "task_none")

    return Rule(about=None, judge=judge)


def _concerned(subject: Subject, found: set[Subject]) -> set[Subject]:
    """Return which subjects a control about `subject` looks at.

    Itself; the site looks at all, and what has none of its own kind at those of the other kinds.
    """
    if subject.kind is SubjectKind.SITE:
        return found
    if any(each.kind is subject.kind for each in found):
        return found & {subject}
    return found


def _task_verdict(case: Case, kind: TaskKind) -> Verdict:
    task = case.todo.get(task_id(kind, case.subject))
    done = case.facts.doing(kind, case.subject) if task is None else task.last
    done_at = case.facts.now if done is None else min(done.at, case.facts.now)
    if task is None:
        return case.says(State.EVIDENCE_HELD, "task_done", {"at": done_at}, done=done)
    if done is not None and not in_order(task.questions, done.answers):
        state, key, at = State.BREACHED, "task_not_in_order", done_at
    elif task.state is TaskState.OVERDUE:
        state, key, at = State.DUE, "task_overdue", task.due_at
    elif done is None and task.state is TaskState.UPCOMING:
        state, key, at = State.NOT_APPLICABLE, "task_not_yet", task.due_at
    elif done is None:
        state, key, at = State.DUE, "task_open", task.due_at
    else:
        state, key, at = State.EVIDENCE_HELD, "task_done", done_at
    return case.says(state, key, {"at": at}, task=kind, next_at=task.due_at, done=done)
