"""Switch: whether a camera is to record; remembered across restarts."""

from typing import Any, override

from homeassistant.components.switch import SwitchEntity, SwitchEntityDescription
from homeassistant.config_entries import ConfigSubentry
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .bridge import async_check_manager, cameras_of, on_trigger
from .const import DOMAIN
from .coordinator import CameraStewardConfigEntry, CameraStewardCoordinator
from .entity import CameraStewardCameraEntity

PARALLEL_UPDATES = 1

RECORDING = SwitchEntityDescription(key="recording", translation_key="recording")


async def async_setup_entry(
    hass: HomeAssistant,
    entry: CameraStewardConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add one for each camera."""
    for camera, subentry in cameras_of(entry).items():
        async_add_entities(
            [RecordingSwitch(entry.runtime_data.coordinator, subentry)], config_subentry_id=camera
        )


class RecordingSwitch(CameraStewardCameraEntity, SwitchEntity):
    """Records while on, by the camera's mode; each change is in the ledger with a name."""

    def __init__(self, coordinator: CameraStewardCoordinator, subentry: ConfigSubentry) -> None:
        """Know whether the camera can be triggered."""
        super().__init__(coordinator, subentry, RECORDING)
        self._on_trigger = on_trigger(subentry)

    @property
    @override
    def is_on(self) -> bool:
        """Return whether the camera is to record."""
        return self.snapshot.recording

    @override
    async def async_turn_on(self, **kwargs: Any) -> None:
        """Record from now on."""
        await self._async_set(on=True)

    @override
    async def async_turn_off(self, **kwargs: Any) -> None:
        """Stop recording until switched on again."""
        await self._async_set(on=False)

    async def async_trigger(self) -> None:
        """Keep the footage around now."""
        if not self._on_trigger:
            raise ServiceValidationError(
                translation_domain=DOMAIN,
                translation_key="not_on_trigger",
                translation_placeholders={"camera": self.camera_name},
            )
        await self.coordinator.bridge.async_trigger(self.camera)

    async def _async_set(self, *, on: bool) -> None:
        await async_check_manager(self.hass, self.coordinator.config_entry, self._context)
        await self.coordinator.bridge.async_set_recording(self.camera, on, actor=self.acting_user)
        await self.coordinator.async_refresh()
