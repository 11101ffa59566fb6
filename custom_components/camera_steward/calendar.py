"""A calendar per site: the dates of its tasks, as every login may read them."""

from datetime import datetime, timedelta
from typing import override

from homeassistant.components.calendar import (
    CalendarEntity,
    CalendarEntityDescription,
    CalendarEvent,
)
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.util import dt as dt_util

from .coordinator import CameraStewardConfigEntry, CameraStewardCoordinator
from .entity import CameraStewardEntity
from .tasks import ListedTask, listed
from .texts import Texts, async_texts

PARALLEL_UPDATES = 0

TASKS = CalendarEntityDescription(key="tasks", translation_key="tasks")


async def async_setup_entry(
    hass: HomeAssistant,
    entry: CameraStewardConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the site's calendar."""
    texts = await async_texts(hass)
    async_add_entities([TaskCalendar(entry.runtime_data.coordinator, texts)])


class TaskCalendar(CameraStewardEntity, CalendarEntity):
    """Each task on the day by which it is to be done; what comes after it depends on the doing."""

    def __init__(self, coordinator: CameraStewardCoordinator, texts: Texts) -> None:
        """Know the words."""
        super().__init__(coordinator, TASKS)
        self._texts = texts

    @property
    @override
    def event(self) -> CalendarEvent | None:
        """Return what is due today or next."""
        now = dt_util.now()
        return next((each for each in self._events() if each.end_datetime_local > now), None)

    @override
    async def async_get_events(
        self, hass: HomeAssistant, start_date: datetime, end_date: datetime
    ) -> list[CalendarEvent]:
        """Return what is due in a span."""
        return [
            each
            for each in self._events()
            if each.start_datetime_local < end_date and start_date < each.end_datetime_local
        ]

    def _events(self) -> list[CalendarEvent]:
        look = self.coordinator.duties
        return [_event(each) for each in listed(look.tasks if look else (), self._texts)]


def _event(found: ListedTask) -> CalendarEvent:
    day = dt_util.as_local(found.due_at).date()
    return CalendarEvent(
        uid=found.id,
        summary=found.summary,
        description=found.description,
        start=day,
        end=day + timedelta(days=1),
    )
