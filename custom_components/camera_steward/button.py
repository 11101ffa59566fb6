"""Buttons: purge the site now, and record now where a camera records when told to."""

from typing import override

from homeassistant.components.button import ButtonEntity, ButtonEntityDescription
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .bridge import cameras_of, on_trigger
from .coordinator import CameraStewardConfigEntry
from .entity import CameraStewardCameraEntity, CameraStewardEntity

PARALLEL_UPDATES = 1

PURGE = ButtonEntityDescription(key="purge", translation_key="purge")
TRIGGER = ButtonEntityDescription(key="trigger", translation_key="trigger")


async def async_setup_entry(
    hass: HomeAssistant,
    entry: CameraStewardConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the site's button, and one for each camera that can be triggered."""
    coordinator = entry.runtime_data.coordinator
    async_add_entities([PurgeButton(coordinator, PURGE)])
    for camera, subentry in cameras_of(entry).items():
        if on_trigger(subentry):
            async_add_entities(
                [TriggerButton(coordinator, subentry, TRIGGER)], config_subentry_id=camera
            )


class PurgeButton(CameraStewardEntity, ButtonEntity):
    """Erases now what has reached its limit, and nothing else."""

    @override
    async def async_press(self) -> None:
        """Purge."""
        await self.coordinator.bridge.async_purge(actor=self.acting_user)
        await self.coordinator.async_refresh()


class TriggerButton(CameraStewardCameraEntity, ButtonEntity):
    """Keeps the footage around now."""

    @override
    async def async_press(self) -> None:
        """Record now."""
        await self.coordinator.bridge.async_trigger(self.camera)
