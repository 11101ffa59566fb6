"""Binary sensor: whether a camera's footage is kept past its limit."""

from typing import override

from homeassistant.components.binary_sensor import (
    BinarySensorDeviceClass,
    BinarySensorEntity,
    BinarySensorEntityDescription,
)
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .bridge import cameras_of
from .coordinator import CameraStewardConfigEntry
from .entity import CameraStewardCameraEntity

PARALLEL_UPDATES = 0

PAST_LIMIT = BinarySensorEntityDescription(
    key="past_limit",
    translation_key="past_limit",
    device_class=BinarySensorDeviceClass.PROBLEM,
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: CameraStewardConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add one for each camera."""
    for camera, subentry in cameras_of(entry).items():
        async_add_entities(
            [PastLimit(entry.runtime_data.coordinator, subentry, PAST_LIMIT)],
            config_subentry_id=camera,
        )


class PastLimit(CameraStewardCameraEntity, BinarySensorEntity):
    """On while something outlives its limit (INV-1)."""

    @property
    @override
    def is_on(self) -> bool:
        """Return whether anything is overdue."""
        return self.snapshot.overdue > 0
