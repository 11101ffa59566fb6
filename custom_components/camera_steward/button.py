"""Buttons: purge the site now, record now where a camera records when told to, say a sign is seen."""

from typing import override

from homeassistant.components.button import ButtonEntity, ButtonEntityDescription
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .bridge import cameras_of, on_trigger
from .coordinator import CameraStewardConfigEntry
from .entity import CameraStewardCameraEntity, CameraStewardEntity
from .sign_tags import sign_tag
from .tasks import SIGN_SEEN, Way, async_do_as_user, sign_check

PARALLEL_UPDATES = 1

PURGE = ButtonEntityDescription(key="purge", translation_key="purge")
TRIGGER = ButtonEntityDescription(key="trigger", translation_key="trigger")
SIGN = ButtonEntityDescription(key="sign_seen", translation_key="sign_seen")


async def async_setup_entry(
    hass: HomeAssistant,
    entry: CameraStewardConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the site's button, and for each camera its sign's, and one where it can be triggered."""
    coordinator = entry.runtime_data.coordinator
    async_add_entities([PurgeButton(coordinator, PURGE)])
    for camera, subentry in cameras_of(entry).items():
        async_add_entities([SignSeenButton(coordinator, subentry, SIGN)], config_subentry_id=camera)
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


class SignSeenButton(CameraStewardCameraEntity, ButtonEntity):
    """Says that whoever presses it stands before the sign, which is there and can be read."""

    @property
    @override
    def extra_state_attributes(self) -> dict[str, str]:
        """Return the id that a tag on the sign needs to say the same."""
        return {"tag_id": sign_tag(self.camera)}

    @override
    async def async_press(self) -> None:
        """Enter the check."""
        entry = self.coordinator.config_entry
        task = sign_check(entry, self.camera)
        await async_do_as_user(self.hass, entry, self._context, task, SIGN_SEEN, Way.BUTTON)
