"""Own triggers: footage viewed, viewing denied, and what stands out, for the messages that tell of it.

What they tell comes from the site by the dispatcher and goes to the automation alone. It names
people, so it is neither an event of Home Assistant's bus nor the state of an entity.
"""

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

from .bridge import ViewingNotice, ViewingOccasion
from .const import DOMAIN
from .core.model import Action
from .core.viewing.watches import Unusual

CONF_KIND: Final = "kind"
CONF_REASON: Final = "reason"

KINDS: Final = (Action.LIVE, Action.PLAYBACK, Action.STILL)

_SIGNAL: Final = SignalType[ViewingNotice](f"{DOMAIN}_viewing")

_DESCRIPTION: Final = "Camera Steward"
"""What set an automation off, in the logbook: every login reads it there, so it says no more."""


_OF_SITE: Final[VolDictType] = {probatio.Optional(ATTR_CONFIG_ENTRY_ID): cv.string}
_OF_CAMERAS: Final[VolDictType] = {
    **_OF_SITE,
    probatio.Optional(ATTR_DEVICE_ID): probatio.All(cv.ensure_list, [cv.string]),
}
_OF_KINDS: Final[VolDictType] = {
    **_OF_CAMERAS,
    probatio.Optional(CONF_KIND): probatio.All(
        cv.ensure_list, [probatio.In([each.value for each in KINDS])]
    ),
}
_OF_REASONS: Final[VolDictType] = {
    **_OF_CAMERAS,
    probatio.Optional(CONF_REASON): probatio.All(
        cv.ensure_list, [probatio.In([each.value for each in Unusual])]
    ),
}


@callback
def async_tell_triggers(hass: HomeAssistant, notice: ViewingNotice) -> None:
    """Set off the triggers that a notice concerns."""
    async_dispatcher_send(hass, _SIGNAL, notice)


class ViewingTrigger(Trigger):
    """Waits for one occasion. It belongs to no site: those come, go and are set up anew."""

    occasion: ViewingOccasion
    schema: VolDictType

    @classmethod
    @override
    async def async_validate_config(cls, hass: HomeAssistant, config: ConfigType) -> ConfigType:
        """Check the options; a site that is not there yet may come."""
        schema = probatio.Schema({probatio.Required(CONF_OPTIONS, default=dict): cls.schema})
        return cast(ConfigType, schema(config))

    def __init__(self, hass: HomeAssistant, config: TriggerConfig) -> None:
        """Take the options; where nothing is chosen, all of it counts."""
        super().__init__(hass, config)
        options: dict[str, Any] = config.options or {}
        self._site: str | None = options.get(ATTR_CONFIG_ENTRY_ID)
        self._devices: list[str] = options.get(ATTR_DEVICE_ID) or []
        self._kinds = frozenset(options.get(CONF_KIND) or ())
        self._reasons = frozenset(options.get(CONF_REASON) or ())

    @override
    async def async_attach_runner(
        self,
        run_action: TriggerActionRunner,
        did_not_trigger: TriggerNotTriggeredReporter | None = None,
    ) -> CALLBACK_TYPE:
        """Begin to wait. What does not match is not reported: that would name people in traces."""

        @callback
        def take(notice: ViewingNotice) -> None:
            if self._matches(notice):
                run_action(dict(notice.variables), _DESCRIPTION)

        return async_dispatcher_connect(self._hass, _SIGNAL, take)

    def _matches(self, notice: ViewingNotice) -> bool:
        return (
            self.occasion in notice.occasions
            and (self._site is None or self._site == notice.site)
            and (not self._devices or not self._chosen().isdisjoint({notice.site, notice.camera}))
            and (not self._kinds or notice.kind in self._kinds)
            and (not self._reasons or not self._reasons.isdisjoint(notice.reasons))
        )

    def _chosen(self) -> set[str]:
        """Return the cameras, or sites with all of theirs, of the devices that were chosen."""
        devices = dr.async_get(self._hass)
        found = (devices.async_get(each) for each in self._devices)
        return {
            id_
            for device in found
            if device is not None
            for domain, id_ in device.identifiers
            if domain == DOMAIN
        }


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


_TRIGGERS: Final[dict[str, type[Trigger]]] = {
    each.occasion.value: each
    for each in (
        FootageViewedTrigger,
        GuestPermissionUsedTrigger,
        ViewingDeniedTrigger,
        ViewingUnusualTrigger,
    )
}


async def async_get_triggers(hass: HomeAssistant) -> dict[str, type[Trigger]]:
    """Return the triggers by their keys."""
    return _TRIGGERS
