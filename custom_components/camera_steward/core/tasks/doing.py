"""Whether a task may be said to be done: by whom, and with which answers."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from urllib.parse import urlsplit

from ..access.people import Role
from ..errors import TaskInvalidError
from ..ledger.entry import Json
from ..policy.task import Doer, Question, QuestionType, Task
from .kinds import KINDS

LONGEST = 2000
"""How many characters an answer may have."""

LONGEST_LONG = 4000
"""How many one in several lines may have."""

_EAST = timedelta(hours=14)
"""A day has begun once it has anywhere."""

_ROLES = {Doer.MANAGER: {Role.MANAGER}, Doer.OPERATOR: {Role.MANAGER, Role.OPERATOR}}


def may(task: Task, role: Role | None, *, is_self: bool = False) -> bool:
    """Return whether someone of a role may see to it that a task is done.

    `is_self` is whether it is about themself. What the steward sees to is the manager's to bring
    about, elsewhere (`Task.by_hand`).
    """
    if Doer.SELF in task.doers:
        return is_self
    if Doer.STEWARD in task.doers:
        return role is Role.MANAGER
    return any(role in _ROLES[each] for each in task.doers)


def find(tasks: tuple[Task, ...], id_: str) -> Task:
    """Return a task by its id; `TaskInvalidError` naming `task` where there is none to do."""
    for each in tasks:
        if each.id == id_:
            return each
    raise TaskInvalidError("task")


def check(
    task: Task,
    answers: Mapping[str, Json],
    now: datetime,
    has_photo: Callable[[str], bool] = lambda photo: True,
) -> dict[str, Json]:
    """Return the answers as they are entered: trimmed, without those that were left empty.

    `TaskInvalidError` names the question that is not answered, or not so that it can be entered;
    `task` where it is not done by saying so; `answers` where something else was answered. `has_photo`
    is whether a photo is kept.
    """
    if not task.by_hand:
        raise TaskInvalidError("task")
    if answers.keys() - {each.name for each in task.questions}:
        raise TaskInvalidError("answers")
    found: dict[str, Json] = {}
    for each in task.questions:
        given = answers.get(each.name)
        if isinstance(given, str):
            given = given.strip()
        if given is None or given == "" or (each.type is QuestionType.TICK and given is False):
            if each.required:
                raise TaskInvalidError(each.name)
            continue
        if not _is_answer(each, given, now, has_photo):
            raise TaskInvalidError(each.name)
        found[each.name] = given
    if (proof := KINDS[task.kind].proof) and not found.keys() & set(proof):
        raise TaskInvalidError(proof[0])
    return found


def _is_answer(
    question: Question, given: Json, now: datetime, has_photo: Callable[[str], bool]
) -> bool:
    if question.type is QuestionType.TICK:
        return given is True
    if not isinstance(given, str) or not _is_text(given, question):
        return False
    match question.type:
        case QuestionType.CHOICE:
            return given in question.options
        case QuestionType.DATE:
            return _is_past(given, now)
        case QuestionType.ADDRESS:
            return _is_address(given)
        case QuestionType.PHOTO:
            return has_photo(given)
        case QuestionType.TEXT | QuestionType.LONG_TEXT:
            return True


def _is_text(given: str, question: Question) -> bool:
    try:
        given.encode()
    except UnicodeEncodeError:
        return False
    return len(given) <= (LONGEST_LONG if question.type is QuestionType.LONG_TEXT else LONGEST)


def _is_address(given: str) -> bool:
    """Return whether everybody can be sent there: a web page, with no name or password in it."""
    try:
        parts = urlsplit(given)
        named = bool(parts.hostname) and "@" not in parts.netloc and parts.port != 0
    except ValueError:
        return False
    return named and parts.scheme in ("http", "https") and given.isprintable() and " " not in given


def _is_past(given: str, now: datetime) -> bool:
    try:
        return date.fromisoformat(given) <= (now + _EAST).date()
    except ValueError:
        return False
