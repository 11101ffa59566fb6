"""WebSocket commands: what is to be done, and that it was; shapes in docs/design/duties.md.

An error about what was answered has the code `task_invalid` and the placeholder `field`, which names
the question.
"""

from typing import Any, Final

import probatio
from homeassistant.components import websocket_api
from homeassistant.components.websocket_api import ActiveConnection
from homeassistant.core import HomeAssistant, callback

from .commands import ENTRY, answering, async_allowed, site_of
from .const import DOMAIN
from .core.access.decide import Decision
from .core.model import Action
from .core.policy.task import Question, Task
from .core.tasks.doing import may
from .core.viewing.desk import Caller
from .people import caller_of_connection
from .pledge import LANGUAGES
from .tasks import Way, about_of, answer_of, async_do, find_task, label_of, title_of
from .texts import Texts, async_texts

_ANSWER: Final = probatio.Any(bool, str)
"""How long a text may be is asked later: what a schema refuses, Home Assistant writes into its log."""


@callback
def async_setup_tasks_commands(hass: HomeAssistant) -> None:
    """Register the commands, which are there whether or not a site is set up."""
    websocket_api.async_register_command(hass, tasks)
    websocket_api.async_register_command(hass, task_done)


@websocket_api.websocket_command(
    {
        probatio.Required("type"): f"{DOMAIN}/tasks",
        probatio.Required("language"): probatio.In(LANGUAGES),
        **ENTRY,
    }
)
@websocket_api.async_response
@answering
async def tasks(
    hass: HomeAssistant, connection: ActiveConnection, msg: dict[str, Any]
) -> list[dict[str, Any]]:
    """Return what is to be done, to manager and operators: what is due first in front.

    Each: `task` (its id), `kind`, `title`, `about`, `subject`: {`kind`, `id`, `name`}, `due_at`,
    `state` (upcoming, due, overdue), `may`: whether the caller sees to it, `by_hand`: whether it is done by
    saying so, `product_default`: whether its date rests on a number of the product's, `questions`:
    [{`name`, `label`, `type`, `required`, `options`: [{`value`, `label`}]}], `last`: {`at`, `by`} or
    None.
    """
    entry, caller, decision = await async_allowed(hass, connection, msg, Action.DUTIES)
    data = entry.runtime_data
    if data.coordinator.duties is None:
        await data.duties.async_look()
    look = data.coordinator.duties
    texts = await async_texts(hass, msg["language"])
    found = look.tasks if look is not None else ()
    return [_task(each, decision, caller, texts) for each in found]


@websocket_api.websocket_command(
    {
        probatio.Required("type"): f"{DOMAIN}/task_done",
        probatio.Required("task"): str,
        probatio.Optional("answers", default=dict): {str: _ANSWER},
        **ENTRY,
    }
)
@websocket_api.async_response
@answering
async def task_done(
    hass: HomeAssistant, connection: ActiveConnection, msg: dict[str, Any]
) -> dict[str, Any]:
    """Enter that a task was done: by whoever may do it, with what it asks."""
    entry = site_of(hass, msg)
    caller, task = caller_of_connection(connection), find_task(entry, msg["task"])
    await async_do(hass, entry, caller, task, msg["answers"], Way.PANEL)
    return {}


def _task(task: Task, decision: Decision, caller: Caller, texts: Texts) -> dict[str, Any]:
    return {
        "task": task.id,
        "kind": task.kind.value,
        "title": title_of(task, texts),
        "about": about_of(task, texts),
        "subject": {
            "kind": task.subject.kind.value,
            "id": task.subject.id,
            "name": task.name,
        },
        "due_at": task.due_at.isoformat(),
        "state": task.state.value,
        "may": may(task, decision.role, is_self=task.subject.id == caller.user),
        "by_hand": task.by_hand,
        "product_default": task.product_default,
        "questions": [_question(each, texts) for each in task.questions],
        "last": (
            {"at": task.last.at.isoformat(), "by": task.last.by} if task.last is not None else None
        ),
    }


def _question(question: Question, texts: Texts) -> dict[str, Any]:
    return {
        "name": question.name,
        "label": label_of(question, texts),
        "type": question.type.value,
        "required": question.required,
        "options": [{"value": each, "label": answer_of(each, texts)} for each in question.options],
    }
