"""What all entities share: the site's device and one for each camera, managed folder and utilization."""

from collections.abc import Callable, Iterable
from typing import override

from homeassistant.config_entries import ConfigSubentry
from homeassistant.core import callback
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.helpers.device_registry import DeviceEntryType, DeviceInfo
from homeassistant.helpers.entity import EntityDescription
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.helpers.update_coordinator import CoordinatorEntity

from .const import DOCUMENTATION_URL, DOMAIN
from .coordinator import CameraStewardConfigEntry, CameraStewardCoordinator
from .core.copies.keeper import FolderSnapshot
from .core.site import CameraSnapshot
from .utilization_runner import UtilizationRunner
from .utilizations import utilizations_of


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
    """Return the device of a camera, folder or utilization, which hangs on the site's."""
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


class _ServiceEntity(CameraStewardEntity):
    """An entity of something of the site that is no device to touch."""

    def __init__(
        self,
        coordinator: CameraStewardCoordinator,
        subentry: ConfigSubentry,
        description: EntityDescription,
    ) -> None:
        super().__init__(coordinator, description)
        self._attr_unique_id = f"{subentry.subentry_id}_{description.key}"
        self._attr_device_info = DeviceInfo(
            **subentry_device(coordinator, subentry), entry_type=DeviceEntryType.SERVICE
        )


class CameraStewardFolderEntity(_ServiceEntity):
    """An entity of one managed folder."""

    def __init__(
        self,
        coordinator: CameraStewardCoordinator,
        subentry: ConfigSubentry,
        description: EntityDescription,
    ) -> None:
        """Belong to the folder's device."""
        super().__init__(coordinator, subentry, description)
        self.folder = subentry.subentry_id

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


class CameraStewardUtilizationEntity(_ServiceEntity):
    """An entity of one utilization; it is told of another status or result at once."""

    def __init__(
        self,
        coordinator: CameraStewardCoordinator,
        subentry: ConfigSubentry,
        description: EntityDescription,
    ) -> None:
        """Belong to the utilization's device."""
        super().__init__(coordinator, subentry, description)
        self.utilization = subentry.subentry_id

    @property
    def runner(self) -> UtilizationRunner:
        """Return what runs the utilizations."""
        return self.coordinator.config_entry.runtime_data.utilizations

    @property
    @override
    def available(self) -> bool:
        """Return whether the utilization is still there."""
        entry = self.coordinator.config_entry
        return super().available and self.utilization in entry.subentries

    @override
    async def async_added_to_hass(self) -> None:
        """Listen."""
        await super().async_added_to_hass()
        self.async_on_remove(
            self.runner.async_listen(self.utilization, self._handle_coordinator_update)
        )


@callback
def async_keep_utilization_entities(
    entry: CameraStewardConfigEntry,
    domain: str,
    async_add_entities: AddConfigEntryEntitiesCallback,
    make: Callable[[ConfigSubentry], Iterable[CameraStewardUtilizationEntity]],
) -> None:
    """Add what a platform has of utilizations, and follow them without a restart of the site."""
    runner, known = entry.runtime_data.utilizations, set[str | None]()
    registry = er.async_get(entry.runtime_data.coordinator.hass)

    @callback
    def follow() -> None:
        found = utilizations_of(entry)
        made = {id_: {e.unique_id: e for e in make(each)} for id_, each in found.items()}
        known.intersection_update(key for each in made.values() for key in each)
        for each in er.async_entries_for_config_entry(registry, entry.entry_id):
            wanted = made.get(each.config_subentry_id or "")
            if each.domain == domain and wanted is not None and each.unique_id not in wanted:
                registry.async_remove(each.entity_id)
        for id_, entities in made.items():
            new = [each for key, each in entities.items() if key not in known]
            known.update(entities)
            async_add_entities(new, config_subentry_id=id_)

    follow()
    entry.async_on_unload(runner.async_on_settings(follow))
