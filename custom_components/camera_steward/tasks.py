"""Tasks at the edge: how they read, what every login may know of them, and how one is done."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from homeassistant.core import Context, HomeAssistant
from homeassistant.exceptions import ServiceValidationError

from .bridge import translated
from .const import DOMAIN
from .coordinator import CameraStewardConfigEntry
from .core.access.decide import RefusedError
from .core.errors import StewardError, TaskInvalidError
from .core.ledger.entry import Json
from .core.model import Action
from .core.policy.states import Subject, SubjectKind
from .core.policy.task import VERSIONED, Question, QuestionType, Task, TaskKind, task_id
from .core.steward import Steward
from .core.viewing.desk import Caller
from .people import async_caller_of
from .texts import Texts, async_texts

_NAMED: Final = frozenset({SubjectKind.SITE, SubjectKind.CAMERA, SubjectKind.UTILIZATION})
"""What every login may read the name of. Persons, contractors and inquiries are nobody's business."""

SIGN_SEEN: Final[Mapping[str, Json]] = {"sign_there": "yes", "readable": "yes"}
"""What it answers that somebody stands before a sign and says so."""


class Way(StrEnum):
    """By what somebody said that a task is done; the ledger keeps it."""

    PANEL = "panel"
    TODO = "todo"
    BUTTON = "button"
    TAG = "tag"
    ACTION = "action"


# How they read


def title_of(task: Task, texts: Texts) -> str:
    """Return what is to be done, without what it is about."""
    return texts[f"task_{task.kind}"]


def about_of(task: Task, texts: Texts) -> str:
    """Return in a sentence or two what to do."""
    return texts[f"task_{task.kind}_about"]


def label_of(question: Question, texts: Texts) -> str:
    """Return how a question reads."""
    return texts[f"question_{question.name}"]


def answer_of(value: str, texts: Texts) -> str:
    """Return how one of the answers to choose from reads."""
    return texts[f"answer_{value}"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedTask:
    """What lists and calendars tell of a task, or of all of one kind: every login reads it."""

    id: str
    summary: str
    description: str
    due_at: datetime
    tasks: tuple[Task, ...]


def listed(tasks: tuple[Task, ...], texts: Texts) -> Iterator[ListedTask]:
    """Yield what every login may read, what is due first in front.

    Tasks about persons and records stand as one line a kind, with their number and no name.
    """
    together: dict[TaskKind, list[Task]] = {}
    for each in tasks:
        if each.subject.kind not in _NAMED:
            together.setdefault(each.kind, []).append(each)
    for each in tasks:
        summary, found, id_ = title_of(each, texts), [each], each.id
        if each.subject.kind in (SubjectKind.CAMERA, SubjectKind.UTILIZATION):
            summary = texts["task_of"].format(task=summary, subject=each.name)
        elif each.subject.kind not in _NAMED:
            group = together.pop(each.kind, None)
            if group is None:
                continue
            found, id_ = group, f"{each.kind}:{each.subject.kind}"
            if len(group) > 1:
                summary = texts["task_several"].format(task=summary, count=len(group))
        where = texts["task_where"] if each.by_hand else ""
        yield ListedTask(
            id=id_,
            summary=summary,
            description=f"{about_of(each, texts)} {where}".strip(),
            due_at=each.due_at,
            tasks=tuple(found),
        )


# How one is done


def ticked(task: Task) -> Mapping[str, Json] | None:
    """Return the answers of a plain tick; None where more is asked for."""
    asked = [each for each in task.questions if each.required]
    if not task.by_hand or any(each.type is not QuestionType.TICK for each in asked):
        return None
    return {each.name: True for each in asked}


def sign_check(entry: CameraStewardConfigEntry, camera: str) -> Task | None:
    """Return the task of checking a camera's sign; None where no sign is known to be posted."""
    subject = Subject(SubjectKind.CAMERA, camera)
    return find_task(entry, task_id(TaskKind.CHECK_SIGN, subject))


def find_task(entry: CameraStewardConfigEntry, wanted: str) -> Task | None:
    """Return a task of the last look by its id."""
    look = entry.runtime_data.coordinator.duties
    found = (each for each in (look.tasks if look is not None else ()) if each.id == wanted)
    return next(found, None)


async def async_do_as_user(
    hass: HomeAssistant,
    entry: CameraStewardConfigEntry,
    context: Context | None,
    task: Task | None,
    answers: Mapping[str, Json],
    way: Way,
) -> None:
    """Do a task for the user of an action; errors are those that a person is shown.

    An automation is nobody: it did not go and look.
    """
    if context is None or context.user_id is None:
        raise ServiceValidationError(
            translation_domain=DOMAIN, translation_key="task_by_automation"
        )
    caller = await async_caller_of(hass, context)
    try:
        await async_do(hass, entry, caller, task, answers, way)
    except TaskInvalidError as err:
        raise _invalid(task, err, await async_texts(hass)) from err
    except RefusedError as err:
        raise ServiceValidationError(translation_domain=DOMAIN, translation_key=err.key) from err
    except StewardError as err:
        raise translated(err) from err


async def async_do(
    hass: HomeAssistant,
    entry: CameraStewardConfigEntry,
    caller: Caller,
    task: Task | None,
    answers: Mapping[str, Json],
    way: Way,
) -> None:
    """Enter that a task was done, and see what follows; raises the core's own errors."""
    data = entry.runtime_data
    look = data.coordinator.duties
    seen: dict[str, Json] = {"way": way.value}
    if look is not None and task is not None and task.kind is TaskKind.POST_SIGN:
        seen["sign_version"] = look.facts.sign_version
    if look is not None and task is not None and task.kind in VERSIONED:
        found = [e for e in look.facts.utilizations if e.subject == task.subject]
        # One that was removed a moment ago has no task any more.
        task = task if found else None
        for each in found:
            seen["version"] = each.declared.version
            if task is not None and task.kind is TaskKind.POST_PRIOR_NOTICE:
                # No part of the version: what was announced is not to begin earlier.
                seen["start_on"] = each.start_on.isoformat()
            if task is not None and task.kind is TaskKind.CHECK_UNREADABLE:
                # Nor is this: what cannot be read in small pictures may be in larger ones.
                seen["width"] = each.width
    steward = data.bridge.steward
    await hass.async_add_executor_job(_do, steward, caller, task, answers, seen)
    await data.duties.async_look()


def _do(
    steward: Steward,
    caller: Caller,
    task: Task | None,
    answers: Mapping[str, Json],
    seen: Mapping[str, Json],
) -> None:
    desk = steward.lobby().desk
    about = task.subject if task is not None else None
    camera = about.id if about is not None and about.kind is SubjectKind.CAMERA else None
    with desk.on_record(caller, Action.DUTIES, camera):
        # First, so that nobody else learns which tasks there are.
        desk.decide(caller.asking(Action.DUTIES)).or_refused()
        if task is None:
            raise TaskInvalidError("task")
        book = steward.tasks()
        view = None
        if camera is not None and task.kind is TaskKind.APPROVE_VIEW:
            view = steward.inspector().describe(camera)
            seen = {**seen, "view": view.view.digest if view is not None else None}
        book.do(
            task,
            answers,
            user=caller.user,
            active=caller.active,
            seen=seen,
            has_photo=lambda photo: steward.photos().is_new(photo, desk.now()),
        )
        if camera is not None and task.kind is TaskKind.APPROVE_VIEW:
            steward.inspector().approve(camera, view)


def _invalid(task: Task | None, err: TaskInvalidError, texts: Texts) -> ServiceValidationError:
    """Return what is wrong with what was answered, by the words of the question."""
    if task is None or err.detail == "task":
        return ServiceValidationError(translation_domain=DOMAIN, translation_key="task_missing")
    asked = {each.name: label_of(each, texts) for each in task.questions}
    if err.detail not in asked:
        return ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key="task_answer_unasked",
            translation_placeholders={"names": ", ".join(asked)},
        )
    return ServiceValidationError(
        translation_domain=DOMAIN,
        translation_key="task_answer_invalid",
        translation_placeholders={"question": asked[err.detail]},
    )
