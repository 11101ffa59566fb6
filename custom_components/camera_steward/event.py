"""Event: what happened to a camera's recording. Every login can read it, so it names no person."""

from typing import override

from homeassistant.components.event import EventEntity, EventEntityDescription
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .bridge import cameras_of
from .coordinator import CameraStewardConfigEntry
from .entity import CameraStewardCameraEntity
from .notices import CameraNotice, Notice

PARALLEL_UPDATES = 0

RECORDING = EventEntityDescription(
    key="event", translation_key="recording", event_types=[each.value for each in Notice]
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: CameraStewardConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add one for each camera."""
    for camera, subentry in cameras_of(entry).items():
        async_add_entities(
            [RecordingEvent(entry.runtime_data.coordinator, subentry, RECORDING)],
            config_subentry_id=camera,
        )


class RecordingEvent(CameraStewardCameraEntity, EventEntity):
    """The last thing that happened."""

    @override
    async def async_added_to_hass(self) -> None:
        """Begin to listen."""
        await super().async_added_to_hass()
        self.async_on_remove(self.coordinator.async_watch(self.camera, self._async_tell))

    @callback
    def _async_tell(self, notice: CameraNotice) -> None:
        self._trigger_event(notice.notice.value, notice.attributes)
        self.async_write_ha_state()
