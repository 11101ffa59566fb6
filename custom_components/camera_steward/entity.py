"""What all entities share: the site's device and a device for each camera and managed folder."""

from typing import override

from homeassistant.config_entries import ConfigSubentry
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.device_registry import DeviceEntryType, DeviceInfo
from homeassistant.helpers.entity import EntityDescription
from homeassistant.helpers.update_coordinator import CoordinatorEntity

from .const import DOCUMENTATION_URL, DOMAIN
from .coordinator import CameraStewardConfigEntry, CameraStewardCoordinator
from .core.copies.keeper import FolderSnapshot
from .core.site import (
    CameraSnapshot,
)


def site_device(entry: CameraStewardConfigEntry) -> DeviceInfo:
    """Return the device that stands for a site."""
    return DeviceInfo(
        identifiers={(DOMAIN, entry.entry_id)},
        entry_type=DeviceEntryType.SERVICE,
        name=entry.title,
        manufacturer="Camera Steward",
        configuration_url=DOCUMENTATION_URL,
    )


def subentry_device(coordinator: CameraStewardCoordinator, subentry: ConfigSubentry) -> DeviceInfo:
    """Return the device of a camera or managed folder, which hangs on the site's."""
    entry = coordinator.config_entry
    return DeviceInfo(
        identifiers={(DOMAIN, subentry.subentry_id)},
        name=subentry.title,
        manufacturer="Camera Steward",
        via_device_id=dr.async_get_device_id_by_identifier(
            coordinator.hass, (DOMAIN, entry.entry_id), config_entry_id=entry.entry_id
        ),
    )


class CameraStewardEntity(CoordinatorEntity[CameraStewardCoordinator]):
    """An entity of the site."""

    _attr_has_entity_name = True

    def __init__(
        self, coordinator: CameraStewardCoordinator, description: EntityDescription
    ) -> None:
        """Belong to the site's device."""
        super().__init__(coordinator)
        self.entity_description = description
        entry = coordinator.config_entry
        self._attr_unique_id = f"{entry.entry_id}_{description.key}"
        self._attr_device_info = site_device(entry)

    @property
    def acting_user(self) -> str | None:
        """Return the id of the user whose action is being carried out; none is an automation."""
        return self._context.user_id if self._context is not None else None


class CameraStewardCameraEntity(CameraStewardEntity):
    """An entity of one camera."""

    def __init__(
        self,
        coordinator: CameraStewardCoordinator,
        subentry: ConfigSubentry,
        description: EntityDescription,
    ) -> None:
        """Belong to the camera's device."""
        super().__init__(coordinator, description)
        self.camera = subentry.subentry_id
        self.camera_name = subentry.title
        self._attr_unique_id = f"{subentry.subentry_id}_{description.key}"
        self._attr_device_info = subentry_device(coordinator, subentry)

    @property
    def snapshot(self) -> CameraSnapshot:
        """Return how the camera stands."""
        return self.coordinator.data.cameras[self.camera]

    @property
    @override
    def available(self) -> bool:
        """Return whether the camera is known to the running site."""
        return super().available and self.camera in self.coordinator.data.cameras


class CameraStewardFolderEntity(CameraStewardEntity):
    """An entity of one managed folder."""

    def __init__(
        self,
        coordinator: CameraStewardCoordinator,
        subentry: ConfigSubentry,
        description: EntityDescription,
    ) -> None:
        """Belong to the folder's device."""
        super().__init__(coordinator, description)
        self.folder = subentry.subentry_id
        self._attr_unique_id = f"{subentry.subentry_id}_{description.key}"
        self._attr_device_info = DeviceInfo(
            **subentry_device(coordinator, subentry), entry_type=DeviceEntryType.SERVICE
        )

    @property
    def snapshot(self) -> FolderSnapshot:
        """Return how the folder stood when it was last looked at."""
        return self.coordinator.data.folders.get(self.folder, FolderSnapshot())

    @property
    @override
    def available(self) -> bool:
        """Return whether the folder has been looked at."""
        snapshot = self.snapshot
        return super().available and (snapshot.looked_at or snapshot.error_key) is not None
