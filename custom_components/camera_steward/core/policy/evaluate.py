"""How every control of a pack stands for everything that it is about: the worst of its rules."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

from .facts import SiteFacts
from .pack import Control, Pack
from .rules import RULES
from .states import ControlState, State, Subject, SubjectKind
from .task import Task
from .verdict import Case, Verdict

_NEVER = datetime.min.replace(tzinfo=UTC)
_ORDER = {state: place for place, state in enumerate(State)}


def worst(states: tuple[State, ...]) -> State:
    """Return the worst of some states; *not applicable* of none."""
    return max(states, key=_ORDER.__getitem__, default=State.NOT_APPLICABLE)


def evaluate(pack: Pack, facts: SiteFacts, tasks: tuple[Task, ...]) -> tuple[ControlState, ...]:
    """Return how each control stands, in the pack's order, for each of its subjects.

    `tasks` are the engine's, of the same facts. A control about what is not there does not apply,
    and says so once, of the site. `KeyError` for a rule that there is not: the pack's loader lets
    none in.
    """
    found: list[ControlState] = []
    names = {each: name for kind in SubjectKind for each, name in facts.subjects(kind).items()}
    todo = {each.id: each for each in tasks}
    whole = Case(pack=pack, facts=facts, todo=todo, names=names, subject=facts.subject)
    for control in pack.controls:
        subjects = tuple(each for each in names if each.kind is control.subject)
        for each in subjects:
            case = replace(whole, subject=each)
            found.append(_state(control, each, tuple(_verdicts(control, case))))
        if not subjects:
            found.append(
                ControlState(control=control.id, subject=facts.subject, state=State.NOT_APPLICABLE)
            )
    return tuple(found)


def _verdicts(control: Control, case: Case) -> Iterator[Verdict]:
    for name in control.rules:
        rule = RULES[name]
        for each in _asked(rule.about, case):
            yield from rule.judge(replace(case, subject=each))


def _asked(about: SubjectKind | None, case: Case) -> tuple[Subject, ...]:
    """Return what a rule is asked of: the control's own subject, else all of the rule's kind."""
    if about in (None, case.subject.kind):
        return (case.subject,)
    return tuple(each for each in case.names if each.kind is about)


def _state(control: Control, subject: Subject, verdicts: tuple[Verdict, ...]) -> ControlState:
    state = worst(tuple(each.state for each in verdicts))
    those = [each for each in verdicts if each.state is state]
    checked = max(
        (each for each in verdicts if each.checked_at is not None),
        key=lambda each: each.checked_at or _NEVER,
        default=None,
    )
    reasons = [each.reason for each in those]
    return ControlState(
        control=control.id,
        subject=subject,
        state=state,
        why=tuple(each for at, each in enumerate(reasons) if each not in reasons[:at]),
        task=next((each.task for each in those if each.task is not None), None),
        next_at=min((e.next_at for e in verdicts if e.next_at is not None), default=None),
        checked_at=None if checked is None else checked.checked_at,
        checked_by="" if checked is None else checked.checked_by,
    )
