"""Own conditions: whether controls of a site need attention, whether a task is overdue."""

from collections.abc import Iterator
from typing import Any, Final, Unpack, cast, override

import probatio
from homeassistant.const import CONF_OPTIONS
from homeassistant.core import HomeAssistant
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.condition import Condition, ConditionCheckParams, ConditionConfig
from homeassistant.helpers.typing import ConfigType, VolDictType

from .core.policy.states import NEEDS_ATTENTION, Subject, SubjectKind
from .core.policy.task import TaskState
from .duties import DutiesLook
from .trigger import CONF_TASK, OF_CAMERAS, OF_TASKS, Chosen
from .views import running_sites

CONF_STATE: Final = "state"
STATES: Final = tuple(each.value for each in sorted(NEEDS_ATTENTION))


class SiteCondition(Condition):
    """Asks the last look at the duties; a site that does not run says nothing."""

    schema: VolDictType

    @classmethod
    @override
    async def async_validate_config(cls, hass: HomeAssistant, config: ConfigType) -> ConfigType:
        """Check the options; a site that is not there yet may come."""
        schema = probatio.Schema({probatio.Required(CONF_OPTIONS, default=dict): cls.schema})
        return cast(ConfigType, schema(config))

    def __init__(self, hass: HomeAssistant, config: ConditionConfig) -> None:
        """Take the options; where nothing is chosen, all of it counts."""
        super().__init__(hass, config)
        options: dict[str, Any] = config.options or {}
        self._chosen = Chosen(hass, options)
        self._states = frozenset(options.get(CONF_STATE) or STATES)
        self._tasks = frozenset(options.get(CONF_TASK) or ())

    def _looks(self) -> Iterator[DutiesLook]:
        for entry in running_sites(self._hass):
            if (look := entry.runtime_data.coordinator.duties) is not None:
                yield look

    def _is_chosen(self, look: DutiesLook, subject: Subject) -> bool:
        camera = subject.id if subject.kind is SubjectKind.CAMERA else None
        return self._chosen.holds(look.facts.site, camera)


_OF_CONTROLS: Final[VolDictType] = {
    **OF_CAMERAS,
    probatio.Optional(CONF_STATE): probatio.All(cv.ensure_list, [probatio.In(STATES)]),
}


class ControlsNeedAttention(SiteCondition):
    """Whether any control stands in one of some states, all that need attention by default."""

    schema = _OF_CONTROLS

    @override
    def _async_check(self, **kwargs: Unpack[ConditionCheckParams]) -> bool:
        """Return whether it is so, as last judged."""
        return any(
            each.state in self._states and self._is_chosen(look, each.subject)
            for look in self._looks()
            for each in look.states
        )


class TaskOverdue(SiteCondition):
    """Whether any task was not done by its date."""

    schema = OF_TASKS

    @override
    def _async_check(self, **kwargs: Unpack[ConditionCheckParams]) -> bool:
        """Return whether it is so, as last judged."""
        return any(
            each.state is TaskState.OVERDUE
            and (not self._tasks or each.kind in self._tasks)
            and self._is_chosen(look, each.subject)
            for look in self._looks()
            for each in look.tasks
        )


_CONDITIONS: Final[dict[str, type[Condition]]] = {
    "controls_need_attention": ControlsNeedAttention,
    "task_overdue": TaskOverdue,
}


async def async_get_conditions(hass: HomeAssistant) -> dict[str, type[Condition]]:
    """Return the conditions by their keys."""
    return _CONDITIONS
