"""A to-do list per site: what people must do by a date, as every login may read it."""

from datetime import timedelta
from typing import Final, override

from homeassistant.components.todo import (
    TodoItem,
    TodoItemStatus,
    TodoListEntity,
    TodoListEntityFeature,
)
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers.entity import EntityDescription
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.util import dt as dt_util

from .const import DOMAIN
from .coordinator import CameraStewardConfigEntry, CameraStewardCoordinator
from .entity import CameraStewardEntity
from .tasks import ListedTask, Way, async_do_as_user, label_of, listed, ticked
from .texts import Texts, async_texts

PARALLEL_UPDATES = 1

TASKS = EntityDescription(key="tasks", translation_key="tasks")

_AHEAD: Final = timedelta(days=60)
"""How long before its date a task is listed. A product default."""


async def async_setup_entry(
    hass: HomeAssistant,
    entry: CameraStewardConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the site's list."""
    texts = await async_texts(hass)
    async_add_entities([TaskList(entry.runtime_data.coordinator, texts)])


class TaskList(CameraStewardEntity, TodoListEntity):
    """Tasks come and go by what is set up and done: here they can only be completed."""

    _attr_supported_features = TodoListEntityFeature.UPDATE_TODO_ITEM

    def __init__(self, coordinator: CameraStewardCoordinator, texts: Texts) -> None:
        """Know the words."""
        super().__init__(coordinator, TASKS)
        self._texts = texts

    @property
    @override
    def todo_items(self) -> list[TodoItem] | None:
        """Return what is due, late, or due soon; None before the first look."""
        if self.coordinator.duties is None:
            return None
        return [
            TodoItem(
                uid=each.id,
                summary=each.summary,
                description=each.description,
                due=dt_util.as_local(each.due_at).date(),
                status=TodoItemStatus.NEEDS_ACTION,
            )
            for each in self._listed()
        ]

    @override
    async def async_update_todo_item(self, item: TodoItem) -> None:
        """Complete a task for which a plain tick is enough."""
        found = next((each for each in self._listed() if each.id == item.uid), None)
        completes = item.status == TodoItemStatus.COMPLETED  # it comes as plain text
        if found is None or not completes or item.summary != found.summary:
            raise ServiceValidationError(
                translation_domain=DOMAIN, translation_key="todo_completes_only"
            )
        task, *others = found.tasks
        answers = ticked(task)
        if not task.by_hand:
            raise ServiceValidationError(
                translation_domain=DOMAIN, translation_key="task_not_by_hand"
            )
        if others or answers is None or found.id != task.id:
            asked = [label_of(each, self._texts) for each in task.questions if each.required]
            raise ServiceValidationError(
                translation_domain=DOMAIN,
                translation_key="task_asks_more",
                translation_placeholders={"asked": ", ".join(asked)},
            )
        await async_do_as_user(
            self.hass, self.coordinator.config_entry, self._context, task, answers, Way.TODO
        )

    def _listed(self) -> list[ListedTask]:
        look = self.coordinator.duties
        until = dt_util.utcnow() + _AHEAD
        tasks = () if look is None else tuple(each for each in look.tasks if each.due_at <= until)
        return list(listed(tasks, self._texts))
