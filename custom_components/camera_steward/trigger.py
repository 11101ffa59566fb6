"""Own triggers: footage viewed, viewing denied, what stands out; duties that are due, late, mended.

What they tell comes from the site by the dispatcher and goes to the automation alone. Of viewing it
names people, so it is neither an event of Home Assistant's bus nor the state of an entity.
"""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, Final, cast, override

import probatio
from homeassistant.const import ATTR_CONFIG_ENTRY_ID, ATTR_DEVICE_ID, CONF_OPTIONS
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers import config_validation as cv, device_registry as dr
from homeassistant.helpers.dispatcher import async_dispatcher_connect, async_dispatcher_send
from homeassistant.helpers.trigger import (
    Trigger,
    TriggerActionRunner,
    TriggerConfig,
    TriggerNotTriggeredReporter,
)
from homeassistant.helpers.typing import ConfigType, VolDictType
from homeassistant.util.signal_type import SignalType

from .const import DOMAIN
from .core.model import Action
from .core.policy.task import TaskKind
from .core.viewing.watches import Unusual
from .duties import DutyNotice, DutyOccasion
from .notices import ViewingNotice, ViewingOccasion

CONF_KIND: Final = "kind"
CONF_REASON: Final = "reason"
CONF_TASK: Final = "task"

KINDS: Final = (Action.LIVE, Action.PLAYBACK, Action.STILL)

_SIGNAL: Final = SignalType[ViewingNotice](f"{DOMAIN}_viewing")
_DUTY_SIGNAL: Final = SignalType[DutyNotice](f"{DOMAIN}_duty")

_DESCRIPTION: Final = "Camera Steward"
"""What set an automation off, in the logbook: every login reads it there, so it says no more."""


_OF_SITE: Final[VolDictType] = {probatio.Optional(ATTR_CONFIG_ENTRY_ID): cv.string}
OF_CAMERAS: Final[VolDictType] = {
    **_OF_SITE,
    probatio.Optional(ATTR_DEVICE_ID): probatio.All(cv.ensure_list, [cv.string]),
}
_OF_KINDS: Final[VolDictType] = {
    **OF_CAMERAS,
    probatio.Optional(CONF_KIND): probatio.All(
        cv.ensure_list, [probatio.In([each.value for each in KINDS])]
    ),
}
_OF_REASONS: Final[VolDictType] = {
    **OF_CAMERAS,
    probatio.Optional(CONF_REASON): probatio.All(
        cv.ensure_list, [probatio.In([each.value for each in Unusual])]
    ),
}


OF_TASKS: Final[VolDictType] = {
    **OF_CAMERAS,
    probatio.Optional(CONF_TASK): probatio.All(
        cv.ensure_list, [probatio.In([each.value for each in TaskKind])]
    ),
}


@callback
def async_tell_triggers(hass: HomeAssistant, notice: ViewingNotice) -> None:
    """Set off the triggers that a notice concerns."""
    async_dispatcher_send(hass, _SIGNAL, notice)


@callback
def async_tell_duty_triggers(hass: HomeAssistant, notice: DutyNotice) -> None:
    """Set off the triggers that a duty's notice concerns."""
    async_dispatcher_send(hass, _DUTY_SIGNAL, notice)


class Chosen:
    """What an automation is about: a site, cameras, or a site with all of its cameras.

    Where nothing is chosen, all of it counts.
    """

    def __init__(self, hass: HomeAssistant, options: Mapping[str, Any]) -> None:
        """Take the options of a trigger or condition."""
        self._hass = hass
        self._site: str | None = options.get(ATTR_CONFIG_ENTRY_ID)
        self._devices: list[str] = options.get(ATTR_DEVICE_ID) or []

    def holds(self, site: str, camera: str | None) -> bool:
        """Return whether something of a site, or of one of its cameras, is chosen."""
        if self._site not in (None, site):
            return False
        return not self._devices or not self._ids().isdisjoint({site, camera})

    def _ids(self) -> set[str]:
        """Return the cameras and sites of the devices that were chosen."""
        devices = dr.async_get(self._hass)
        found = (devices.async_get(each) for each in self._devices)
        return {
            id_
            for device in found
            if device is not None
            for domain, id_ in device.identifiers
            if domain == DOMAIN
        }


class SiteTrigger[Notice: (ViewingNotice, DutyNotice)](Trigger):
    """Waits for one occasion. It belongs to no site: those come, go and are set up anew."""

    schema: VolDictType
    signal: SignalType[Notice]

    @classmethod
    @override
    async def async_validate_config(cls, hass: HomeAssistant, config: ConfigType) -> ConfigType:
        """Check the options; a site that is not there yet may come."""
        schema = probatio.Schema({probatio.Required(CONF_OPTIONS, default=dict): cls.schema})
        return cast(ConfigType, schema(config))

    def __init__(self, hass: HomeAssistant, config: TriggerConfig) -> None:
        """Take the options."""
        super().__init__(hass, config)
        options: dict[str, Any] = config.options or {}
        self._chosen = Chosen(hass, options)
        self._kinds = frozenset(options.get(CONF_KIND) or ())
        self._reasons = frozenset(options.get(CONF_REASON) or ())
        self._tasks = frozenset(options.get(CONF_TASK) or ())

    @override
    async def async_attach_runner(
        self,
        run_action: TriggerActionRunner,
        did_not_trigger: TriggerNotTriggeredReporter | None = None,
    ) -> CALLBACK_TYPE:
        """Begin to wait. What does not match is not reported: that would name people in traces."""

        @callback
        def take(notice: Notice) -> None:
            if self._matches(notice):
                run_action(dict(notice.variables), _DESCRIPTION)

        return async_dispatcher_connect(self._hass, self.signal, take)

    @abstractmethod
    def _matches(self, notice: Notice) -> bool:
        """Return whether this is what is waited for."""


class ViewingTrigger(SiteTrigger[ViewingNotice]):
    """Waits for something of viewing."""

    occasion: ViewingOccasion
    signal = _SIGNAL

    @override
    def _matches(self, notice: ViewingNotice) -> bool:
        return (
            self.occasion in notice.occasions
            and self._chosen.holds(notice.site, notice.camera)
            and (not self._kinds or notice.kind in self._kinds)
            and (not self._reasons or not self._reasons.isdisjoint(notice.reasons))
        )


class DutyTrigger(SiteTrigger[DutyNotice]):
    """Waits for a duty to come due, to be late, to be found broken, or to be mended."""

    occasion: DutyOccasion
    schema = OF_CAMERAS
    signal = _DUTY_SIGNAL

    @override
    def _matches(self, notice: DutyNotice) -> bool:
        return (
            self.occasion is notice.occasion
            and self._chosen.holds(notice.site, notice.camera)
            and (not self._tasks or notice.kind in self._tasks)
        )


class FootageViewedTrigger(ViewingTrigger):
    """Someone began to watch."""

    occasion = ViewingOccasion.FOOTAGE_VIEWED
    schema = _OF_KINDS


class GuestPermissionUsedTrigger(ViewingTrigger):
    """Someone began to watch under a guest permission."""

    occasion = ViewingOccasion.GUEST_PERMISSION_USED
    schema = _OF_KINDS


class ViewingDeniedTrigger(ViewingTrigger):
    """Someone was refused. Not by camera: a try that names none would be missed."""

    occasion = ViewingOccasion.VIEWING_DENIED
    schema = _OF_SITE


class ViewingUnusualTrigger(ViewingTrigger):
    """A viewing stands out."""

    occasion = ViewingOccasion.VIEWING_UNUSUAL
    schema = _OF_REASONS


class ControlDueTrigger(DutyTrigger):
    """A control became due."""

    occasion = DutyOccasion.CONTROL_DUE


class ControlBreachedTrigger(DutyTrigger):
    """Something against a control was found."""

    occasion = DutyOccasion.CONTROL_BREACHED


class ControlRestoredTrigger(DutyTrigger):
    """A control needs no attention any more."""

    occasion = DutyOccasion.CONTROL_RESTORED


class TaskDueTrigger(DutyTrigger):
    """A task can be done now."""

    occasion = DutyOccasion.TASK_DUE
    schema = OF_TASKS


class TaskOverdueTrigger(DutyTrigger):
    """A task was not done by its date."""

    occasion = DutyOccasion.TASK_OVERDUE
    schema = OF_TASKS


_TRIGGERS: Final[dict[str, type[Trigger]]] = {
    each.occasion.value: each
    for each in (
        FootageViewedTrigger,
        GuestPermissionUsedTrigger,
        ViewingDeniedTrigger,
        ViewingUnusualTrigger,
        ControlDueTrigger,
        ControlBreachedTrigger,
        ControlRestoredTrigger,
        TaskDueTrigger,
        TaskOverdueTrigger,
    )
}


async def async_get_triggers(hass: HomeAssistant) -> dict[str, type[Trigger]]:
    """Return the triggers by their keys."""
    return _TRIGGERS
