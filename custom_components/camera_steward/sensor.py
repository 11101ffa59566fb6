"""Sensors: what each camera is doing and keeps, what managed folders hold, how storage stands.

Those of utilizations are in `utilization_entities.py`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, override

from homeassistant.components.sensor import (
    SensorDeviceClass,
    SensorEntity,
    SensorEntityDescription,
    SensorStateClass,
)
from homeassistant.config_entries import ConfigSubentry
from homeassistant.const import EntityCategory, UnitOfInformation, UnitOfTime
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .bridge import cameras_of
from .const import CONF_IMPORT
from .coordinator import CameraStewardConfigEntry
from .core.copies.keeper import FolderSnapshot
from .core.model import CaptureStatus
from .core.policy.task import TaskKind
from .core.retention.hold import Hold, HoldState
from .core.site import (
    CameraSnapshot,
    SiteSnapshot,
)
from .duties import DutiesLook
from .entity import (
    CameraStewardCameraEntity,
    CameraStewardEntity,
    CameraStewardFolderEntity,
    async_keep_utilization_entities,
)
from .folders import folders_of
from .utilization_entities import sensors_of

PARALLEL_UPDATES = 0

type _Value = str | int | float | datetime | None


@dataclass(frozen=True, kw_only=True)
class CameraSensorDescription(SensorEntityDescription):
    """A sensor of a camera, and how to read it off its snapshot."""

    value_fn: Callable[[CameraSnapshot], _Value]


@dataclass(frozen=True, kw_only=True)
class SiteSensorDescription(SensorEntityDescription):
    """A sensor of the site, and how to read it off its snapshot."""

    value_fn: Callable[[SiteSnapshot], _Value]


@dataclass(frozen=True, kw_only=True)
class FolderSensorDescription(SensorEntityDescription):
    """A sensor of a managed folder, and how to read it off its snapshot."""

    value_fn: Callable[[FolderSnapshot], _Value]


@dataclass(frozen=True, kw_only=True)
class DutySensorDescription(SensorEntityDescription):
    """When the next task of some kinds is due, of any where none is named."""

    kinds: tuple[TaskKind, ...] = ()
    device_class: SensorDeviceClass = SensorDeviceClass.TIMESTAMP
    entity_category: EntityCategory = EntityCategory.DIAGNOSTIC


def _steady(size_bytes: int) -> int:
    """Return a size to the tenth of a gigabyte, so that it changes when a person sees it change."""
    return round(size_bytes, -8)


CAMERA_SENSORS = (
    CameraSensorDescription(
        key="status",
        translation_key="status",
        device_class=SensorDeviceClass.ENUM,
        options=[each.value for each in CaptureStatus],
        value_fn=lambda camera: camera.status.value,
    ),
    CameraSensorDescription(
        key="oldest_footage",
        translation_key="oldest_footage",
        device_class=SensorDeviceClass.TIMESTAMP,
        value_fn=lambda camera: camera.footage.oldest_at,
    ),
    CameraSensorDescription(
        key="kept_length",
        translation_key="kept_length",
        device_class=SensorDeviceClass.DURATION,
        state_class=SensorStateClass.MEASUREMENT,
        native_unit_of_measurement=UnitOfTime.SECONDS,
        suggested_unit_of_measurement=UnitOfTime.HOURS,
        suggested_display_precision=1,
        value_fn=lambda camera: round(camera.footage.length.total_seconds()),
    ),
    CameraSensorDescription(
        key="kept_size",
        translation_key="kept_size",
        device_class=SensorDeviceClass.DATA_SIZE,
        state_class=SensorStateClass.MEASUREMENT,
        entity_category=EntityCategory.DIAGNOSTIC,
        native_unit_of_measurement=UnitOfInformation.BYTES,
        suggested_unit_of_measurement=UnitOfInformation.GIGABYTES,
        suggested_display_precision=2,
        value_fn=lambda camera: camera.footage.size_bytes,
    ),
    CameraSensorDescription(
        key="last_inspection",
        translation_key="last_inspection",
        device_class=SensorDeviceClass.TIMESTAMP,
        entity_category=EntityCategory.DIAGNOSTIC,
        value_fn=lambda camera: camera.inspection.looked_at,
    ),
)

LIVE_VIEW = SensorEntityDescription(
    key="live_view",
    translation_key="live_view",
    device_class=SensorDeviceClass.ENUM,
    entity_category=EntityCategory.DIAGNOSTIC,
    options=["enforced", "not_enforced"],
)

COPIES = SensorEntityDescription(
    key="copies", translation_key="copies", entity_category=EntityCategory.DIAGNOSTIC
)

FOLDER_SENSORS = (
    FolderSensorDescription(
        key="folder_files",
        translation_key="folder_files",
        state_class=SensorStateClass.MEASUREMENT,
        value_fn=lambda folder: folder.files.count,
    ),
    FolderSensorDescription(
        key="folder_oldest",
        translation_key="folder_oldest",
        device_class=SensorDeviceClass.TIMESTAMP,
        value_fn=lambda folder: folder.files.oldest_at,
    ),
    FolderSensorDescription(
        key="folder_size",
        translation_key="folder_size",
        device_class=SensorDeviceClass.DATA_SIZE,
        state_class=SensorStateClass.MEASUREMENT,
        entity_category=EntityCategory.DIAGNOSTIC,
        native_unit_of_measurement=UnitOfInformation.BYTES,
        suggested_unit_of_measurement=UnitOfInformation.GIGABYTES,
        suggested_display_precision=2,
        value_fn=lambda folder: folder.files.size_bytes,
    ),
)

NOT_IMPORTED = FolderSensorDescription(
    key="folder_not_imported",
    translation_key="folder_not_imported",
    state_class=SensorStateClass.MEASUREMENT,
    entity_category=EntityCategory.DIAGNOSTIC,
    value_fn=lambda folder: sum(folder.not_imported.values()),
)

SITE_SENSORS = (
    SiteSensorDescription(
        key="storage_used",
        translation_key="storage_used",
        device_class=SensorDeviceClass.DATA_SIZE,
        state_class=SensorStateClass.MEASUREMENT,
        native_unit_of_measurement=UnitOfInformation.BYTES,
        suggested_unit_of_measurement=UnitOfInformation.GIGABYTES,
        suggested_display_precision=1,
        value_fn=lambda site: (
            _steady(site.space.total_bytes - site.space.free_bytes) if site.space else None
        ),
    ),
    SiteSensorDescription(
        key="storage_free",
        translation_key="storage_free",
        device_class=SensorDeviceClass.DATA_SIZE,
        state_class=SensorStateClass.MEASUREMENT,
        native_unit_of_measurement=UnitOfInformation.BYTES,
        suggested_unit_of_measurement=UnitOfInformation.GIGABYTES,
        suggested_display_precision=1,
        value_fn=lambda site: _steady(site.space.free_bytes) if site.space else None,
    ),
    SiteSensorDescription(
        key="next_purge",
        translation_key="next_purge",
        device_class=SensorDeviceClass.TIMESTAMP,
        value_fn=lambda site: site.next_purge_at,
    ),
    SiteSensorDescription(
        key="last_statement",
        translation_key="last_statement",
        device_class=SensorDeviceClass.TIMESTAMP,
        value_fn=lambda site: site.last_statement_at,
    ),
)

CONTROLS = SensorEntityDescription(
    key="controls",
    translation_key="controls",
    state_class=SensorStateClass.MEASUREMENT,
)

NEXT_TASK = DutySensorDescription(key="next_task", translation_key="next_task")
CAMERA_DUTY_SENSORS = (
    DutySensorDescription(
        key="next_inspection", translation_key="next_inspection", kinds=(TaskKind.INSPECT,)
    ),
    DutySensorDescription(
        key="next_sign_check",
        translation_key="next_sign_check",
        kinds=(TaskKind.POST_SIGN, TaskKind.CHECK_SIGN),
    ),
)

HOLDS = SensorEntityDescription(
    key="holds", translation_key="holds", state_class=SensorStateClass.MEASUREMENT
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: CameraStewardConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the sensors of the site, and of each camera, managed folder and utilization."""
    coordinator = entry.runtime_data.coordinator
    async_keep_utilization_entities(
        entry, "sensor", async_add_entities, partial(sensors_of, coordinator)
    )
    async_add_entities(SiteSensor(coordinator, each) for each in SITE_SENSORS)
    async_add_entities(
        [
            HoldsSensor(coordinator, HOLDS),
            CopiesSensor(coordinator, COPIES),
            ControlsSensor(coordinator, CONTROLS),
            NextTaskSensor(coordinator, NEXT_TASK),
        ]
    )
    for camera, subentry in cameras_of(entry).items():
        async_add_entities(
            [
                *(CameraSensor(coordinator, subentry, each) for each in CAMERA_SENSORS),
                LiveViewSensor(coordinator, subentry, LIVE_VIEW),
                CameraControlsSensor(coordinator, subentry, CONTROLS),
                *(CameraDutySensor(coordinator, subentry, each) for each in CAMERA_DUTY_SENSORS),
            ],
            config_subentry_id=camera,
        )
    for folder, subentry in folders_of(entry).items():
        async_add_entities(
            [
                FolderSensor(coordinator, subentry, each)
                for each in (*FOLDER_SENSORS, *_import_sensors(subentry))
            ],
            config_subentry_id=folder,
        )


class CameraSensor(CameraStewardCameraEntity, SensorEntity):
    """Something about one camera."""

    entity_description: CameraSensorDescription

    @property
    @override
    def native_value(self) -> _Value:
        """Return it as last seen."""
        return self.entity_description.value_fn(self.snapshot)


class LiveViewSensor(CameraStewardCameraEntity, SensorEntity):
    """Whether other logins are kept from a camera's live picture; names are for the manager."""

    @property
    @override
    def native_value(self) -> str | None:
        """Return it as last seen."""
        seen = self.coordinator.exposures.get(self.camera)
        if seen is None:
            return None
        return "enforced" if seen.enforced else "not_enforced"


class HoldsSensor(CameraStewardEntity, SensorEntity):
    """How much is held past its time: counts and dates, for every login can read them."""

    @property
    def _kept(self) -> list[Hold]:
        return [each for each in self.coordinator.data.holds if each.state is not HoldState.ENDING]

    @property
    @override
    def native_value(self) -> int:
        """Return how many holds there are."""
        return len(self._kept)

    @property
    @override
    def extra_state_attributes(self) -> dict[str, Any]:
        """Return when the next one ends and how many are to be looked at."""
        ends = min((each.until_at for each in self._kept), default=None)
        return {"soonest_end": ends, "reviews_due": self.coordinator.data.holds_due.reviews}


def _import_sensors(subentry: ConfigSubentry) -> tuple[FolderSensorDescription, ...]:
    """Return the sensors of a folder whose videos are imported."""
    return (NOT_IMPORTED,) if subentry.data.get(CONF_IMPORT, False) else ()


class CopiesSensor(CameraStewardEntity, SensorEntity):
    """How many copies outside the vault are known; what and where they are is for the manager."""

    @property
    @override
    def native_value(self) -> int | None:
        """Return it as last seen."""
        seen = self.coordinator.copies
        return len(seen.copies) if seen is not None else None

    @property
    @override
    def extra_state_attributes(self) -> dict[str, int | str] | None:
        """Return how many outlive the limit, of how many nobody knows, and when it was looked."""
        seen = self.coordinator.copies
        if seen is None:
            return None
        return {
            "past_limit": seen.past_limit,
            "unknown": seen.unknown,
            "last_look": seen.looked_at.isoformat(),
        }


def _attributes(look: DutiesLook | None, camera: str | None = None) -> dict[str, Any] | None:
    """Return how many controls stand how, and when one comes due: every login reads it."""
    if look is None:
        return None
    counts = {state.value: count for state, count in look.counts(camera).items()}
    return {**counts, "next_at": look.next_at(camera)}


class ControlsSensor(CameraStewardEntity, SensorEntity):
    """How many controls of the site need attention; which they are is on the page in the sidebar."""

    @property
    @override
    def native_value(self) -> int | None:
        """Return it as last judged."""
        look = self.coordinator.duties
        return look.attention() if look is not None else None

    @property
    @override
    def extra_state_attributes(self) -> dict[str, Any] | None:
        """Return how many stand how."""
        return _attributes(self.coordinator.duties)


class CameraControlsSensor(CameraStewardCameraEntity, SensorEntity):
    """How many controls of a camera need attention."""

    @property
    @override
    def native_value(self) -> int | None:
        """Return it as last judged."""
        look = self.coordinator.duties
        return look.attention(self.camera) if look is not None else None

    @property
    @override
    def extra_state_attributes(self) -> dict[str, Any] | None:
        """Return how many stand how."""
        return _attributes(self.coordinator.duties, self.camera)


class NextTaskSensor(CameraStewardEntity, SensorEntity):
    """When the next task of the site is due."""

    entity_description: DutySensorDescription

    @property
    @override
    def native_value(self) -> datetime | None:
        """Return it as last judged; in the past while one is late."""
        look = self.coordinator.duties
        return look.due_at(None, *self.entity_description.kinds) if look is not None else None


class CameraDutySensor(CameraStewardCameraEntity, SensorEntity):
    """When something is to be done at a camera next."""

    entity_description: DutySensorDescription

    @property
    @override
    def native_value(self) -> datetime | None:
        """Return it as last judged; in the past while it is late."""
        look = self.coordinator.duties
        kinds = self.entity_description.kinds
        return look.due_at(self.camera, *kinds) if look is not None else None


class FolderSensor(CameraStewardFolderEntity, SensorEntity):
    """Something about one managed folder."""

    entity_description: FolderSensorDescription

    @property
    @override
    def native_value(self) -> _Value:
        """Return it as last seen; nothing before the first look came to its end."""
        snapshot = self.snapshot
        return self.entity_description.value_fn(snapshot) if snapshot.looked_at else None


class SiteSensor(CameraStewardEntity, SensorEntity):
    """Something about the site."""

    entity_description: SiteSensorDescription

    @property
    @override
    def native_value(self) -> _Value:
        """Return it as last seen."""
        return self.entity_description.value_fn(self.coordinator.data)
