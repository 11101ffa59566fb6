"""Binary sensors: footage past its limit, a picture with a fault, what of duties or folders needs a person."""

from datetime import timedelta
from functools import partial
from typing import Any, override

from homeassistant.components.binary_sensor import (
    BinarySensorDeviceClass,
    BinarySensorEntity,
    BinarySensorEntityDescription,
)
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .bridge import cameras_of
from .coordinator import CameraStewardConfigEntry
from .entity import (
    CameraStewardCameraEntity,
    CameraStewardEntity,
    CameraStewardFolderEntity,
    async_keep_utilization_entities,
)
from .folders import folders_of
from .utilization_entities import binary_sensors_of

PARALLEL_UPDATES = 0

_MINUTE = timedelta(minutes=1)

PAST_LIMIT = BinarySensorEntityDescription(
    key="past_limit",
    translation_key="past_limit",
    device_class=BinarySensorDeviceClass.PROBLEM,
)

PICTURE = BinarySensorEntityDescription(
    key="picture",
    translation_key="picture",
    device_class=BinarySensorDeviceClass.PROBLEM,
)

FOLDER_PROBLEM = BinarySensorEntityDescription(
    key="folder_problem",
    translation_key="folder_problem",
    device_class=BinarySensorDeviceClass.PROBLEM,
)

DUTIES = BinarySensorEntityDescription(
    key="duties",
    translation_key="duties",
    device_class=BinarySensorDeviceClass.PROBLEM,
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: CameraStewardConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add those of the site, and of each camera, managed folder and utilization."""
    coordinator = entry.runtime_data.coordinator
    async_keep_utilization_entities(
        entry, "binary_sensor", async_add_entities, partial(binary_sensors_of, coordinator)
    )
    async_add_entities([DutiesProblem(coordinator, DUTIES)])
    for camera, subentry in cameras_of(entry).items():
        async_add_entities(
            [
                PastLimit(coordinator, subentry, PAST_LIMIT),
                Picture(coordinator, subentry, PICTURE),
            ],
            config_subentry_id=camera,
        )
    for folder, subentry in folders_of(entry).items():
        async_add_entities(
            [FolderProblem(coordinator, subentry, FOLDER_PROBLEM)],
            config_subentry_id=folder,
        )


class PastLimit(CameraStewardCameraEntity, BinarySensorEntity):
    """On while something outlives its limit (INV-1)."""

    @property
    @override
    def is_on(self) -> bool:
        """Return whether anything is overdue."""
        return self.snapshot.overdue > 0


class DutiesProblem(CameraStewardEntity, BinarySensorEntity):
    """On while a task is overdue or a control is breached: when someone must act now."""

    @property
    @override
    def is_on(self) -> bool | None:
        """Return whether someone must."""
        look = self.coordinator.duties
        return look.must_act if look is not None else None


class Picture(CameraStewardCameraEntity, BinarySensorEntity):
    """On while the inspection finds something wrong with what a camera sends.

    It tells what and since when, which every login may know; the picture itself is for operators, in
    the media browser.
    """

    @property
    @override
    def is_on(self) -> bool | None:
        """Return whether there is a fault; None before anything was looked at."""
        found = self.snapshot.inspection
        return None if found.looked_at is None and not found.faults else bool(found.faults)

    @property
    @override
    def extra_state_attributes(self) -> dict[str, Any]:
        """Return which faults there are, and whether there is a view to compare with."""
        missing = self.snapshot.inspection.missing
        return {
            "faults": {kind: since.isoformat() for kind, since in self.snapshot.faults.items()},
            "view_approved": self.snapshot.view_approved,
            "missing_minutes": round(missing / _MINUTE) if missing is not None else None,
        }


class FolderProblem(CameraStewardFolderEntity, BinarySensorEntity):
    """On while a folder cannot be read, or something in it outlives its limit."""

    @property
    @override
    def is_on(self) -> bool:
        """Return whether a person must look after it."""
        return self.snapshot.troubled
