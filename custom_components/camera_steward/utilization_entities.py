"""What utilizations show, by case: counts, levels and states of scenes, of results through the limiter alone.

Each platform's file has a hook to them.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, override

from homeassistant.components.binary_sensor import BinarySensorEntity, BinarySensorEntityDescription
from homeassistant.components.sensor import (
    SensorDeviceClass,
    SensorEntity,
    SensorEntityDescription,
    SensorStateClass,
)
from homeassistant.config_entries import ConfigSubentry
from homeassistant.const import EntityCategory, UnitOfTime

from .coordinator import CameraStewardCoordinator
from .core.policy.utilization import UtilizationCase
from .core.utilization.detection import Sex, Thing
from .core.utilization.results import (
    AgeBand,
    AttributesResult,
    CountingResult,
    Crowd,
    Direction,
    IconsResult,
    MovementResult,
    OtherResult,
    Result,
    SceneryResult,
)
from .core.utilization.view import ViewSettings
from .entity import CameraStewardUtilizationEntity
from .utilization_facts import Count
from .utilization_runner import UtilizationStatus
from .utilizations import view_of

type _Value = str | int | float | None


@dataclass(frozen=True, kw_only=True)
class ResultSensorDescription(SensorEntityDescription):
    """A sensor of what a utilization gives; `names` are what its own name leaves open."""

    value_fn: Callable[[Any], _Value]
    of: type[Result]
    names: Mapping[str, str] = field(default_factory=dict)
    state_class: SensorStateClass | None = SensorStateClass.MEASUREMENT


@dataclass(frozen=True, kw_only=True)
class CountSensorDescription(SensorEntityDescription):
    """A sensor of how pictures are handled."""

    value_fn: Callable[[Count], _Value]
    entity_category: EntityCategory = EntityCategory.DIAGNOSTIC


STATUS = SensorEntityDescription(
    key="utilization_status",
    translation_key="utilization_status",
    device_class=SensorDeviceClass.ENUM,
    options=[each.value for each in UtilizationStatus],
)

COUNTS = (
    CountSensorDescription(
        key="frames_taken",
        translation_key="frames_taken",
        value_fn=lambda count: count.frames_taken,
    ),
    CountSensorDescription(
        key="frames_persisted",
        translation_key="frames_persisted",
        value_fn=lambda count: count.frames_persisted,
    ),
    CountSensorDescription(
        key="frame_age",
        translation_key="frame_age",
        device_class=SensorDeviceClass.DURATION,
        native_unit_of_measurement=UnitOfTime.SECONDS,
        suggested_display_precision=1,
        value_fn=lambda count: (
            round(count.frame_age_seconds, 1) if count.frame_age_seconds is not None else None
        ),
    ),
)

OPEN_TILL = BinarySensorEntityDescription(key="open_till", translation_key="open_till")


def result_sensors(case: UtilizationCase, view: ViewSettings) -> Iterator[ResultSensorDescription]:
    """Yield what a case shows as sensors."""
    match case:
        case UtilizationCase.ATTRIBUTES:
            yield from _attributes()
        case UtilizationCase.MOVEMENT:
            for zone in view.zones:
                yield from _of_zone(zone.name)
        case UtilizationCase.COUNTING:
            for line in view.lines:
                yield from _of_line(line.name)
        case UtilizationCase.SCENERY:
            yield ResultSensorDescription(
                key="scene",
                translation_key="scene",
                device_class=SensorDeviceClass.ENUM,
                state_class=None,
                of=SceneryResult,
                value_fn=lambda result: result.state,
            )
        case UtilizationCase.ICONS:
            yield ResultSensorDescription(
                key="crowd",
                translation_key="crowd",
                device_class=SensorDeviceClass.ENUM,
                state_class=None,
                options=[each.value for each in Crowd],
                of=IconsResult,
                value_fn=lambda result: result.crowd.value if result.at is not None else None,
            )
        case UtilizationCase.OTHER:
            yield ResultSensorDescription(
                key="most_persons",
                translation_key="most_persons",
                of=OtherResult,
                value_fn=lambda result: result.most,
            )


def _attributes() -> Iterator[ResultSensorDescription]:
    yield ResultSensorDescription(
        key="visitors",
        translation_key="visitors",
        of=AttributesResult,
        value_fn=lambda result: result.visitors,
    )
    for band in AgeBand:
        yield ResultSensorDescription(
            key=f"age_{band}",
            translation_key=f"age_{band}",
            of=AttributesResult,
            value_fn=partial(_of_age, band),
        )
    for sex in Sex:
        yield ResultSensorDescription(
            key=f"sex_{sex}",
            translation_key=f"sex_{sex}",
            of=AttributesResult,
            value_fn=partial(_of_sex, sex),
        )
    yield ResultSensorDescription(
        key="queue_forecast",
        translation_key="queue_forecast",
        of=AttributesResult,
        value_fn=lambda result: result.forecast,
    )


def _of_zone(zone: str) -> Iterator[ResultSensorDescription]:
    yield ResultSensorDescription(
        key=f"dwell_{zone}",
        translation_key="dwell",
        names={"zone": zone},
        device_class=SensorDeviceClass.DURATION,
        native_unit_of_measurement=UnitOfTime.SECONDS,
        of=MovementResult,
        value_fn=lambda result: result.dwell.get(zone),
    )
    yield ResultSensorDescription(
        key=f"visits_{zone}",
        translation_key="visits",
        names={"zone": zone},
        of=MovementResult,
        value_fn=lambda result: result.visits.get(zone),
    )


def _of_line(line: str) -> Iterator[ResultSensorDescription]:
    for thing in Thing:
        for direction in Direction:
            yield ResultSensorDescription(
                key=f"count_{line}_{thing}_{direction}",
                translation_key=f"count_{thing}_{direction}",
                names={"line": line},
                state_class=SensorStateClass.TOTAL_INCREASING,
                of=CountingResult,
                value_fn=partial(_total, (line, thing, direction)),
            )


def _of_age(band: AgeBand, result: AttributesResult) -> int | None:
    return result.ages.get(band)


def _of_sex(sex: Sex, result: AttributesResult) -> int | None:
    return result.sexes.get(sex)


def _total(key: tuple[str, Thing, Direction], result: CountingResult) -> int:
    return result.totals.get(key, 0)


class StatusSensor(CameraStewardUtilizationEntity, SensorEntity):
    """How a utilization stands; what is missing is on the page in the sidebar."""

    @property
    @override
    def native_value(self) -> str:
        """Return it as it is now."""
        return self.runner.status(self.utilization).value

    @property
    @override
    def extra_state_attributes(self) -> dict[str, bool | datetime | None] | None:
        """Return whether what is declared waits, and when that may begin."""
        look, gate = self.coordinator.duties, self.runner.gate(self.utilization)
        facts = look.facts.utilizations if look is not None else ()
        found = next((each for each in facts if each.id == self.utilization), None)
        if found is None or gate is None:
            return None
        return {"pending": found.pending, "opens_at": gate.opens_at if found.pending else None}


class CountSensor(CameraStewardUtilizationEntity, SensorEntity):
    """How pictures are handled: how many were taken, none kept, how soon they were gone."""

    entity_description: CountSensorDescription

    @property
    @override
    def native_value(self) -> _Value:
        """Return it as it is now."""
        return self.entity_description.value_fn(self.runner.count(self.utilization))

    @override
    async def async_added_to_hass(self) -> None:
        """Follow the site's pace, not each picture."""
        await super(CameraStewardUtilizationEntity, self).async_added_to_hass()


class ResultSensor(CameraStewardUtilizationEntity, SensorEntity):
    """Something that a utilization gives while it runs."""

    entity_description: ResultSensorDescription

    def __init__(
        self,
        coordinator: CameraStewardCoordinator,
        subentry: ConfigSubentry,
        description: ResultSensorDescription,
    ) -> None:
        """Have the name of a line or zone."""
        super().__init__(coordinator, subentry, description)
        self._attr_translation_placeholders = dict(description.names)

    @property
    def _result(self) -> Result | None:
        result = self.runner.result(self.utilization)
        return result if isinstance(result, self.entity_description.of) else None

    @property
    @override
    def available(self) -> bool:
        """Return whether it runs."""
        return super().available and self._result is not None

    @property
    @override
    def native_value(self) -> _Value:
        """Return it; None of what is too small to be told, or not known yet."""
        result = self._result
        return self.entity_description.value_fn(result) if result is not None else None


class SceneSensor(ResultSensor):
    """The state of a scene: one of those that the view names now."""

    @property
    @override
    def options(self) -> list[str]:
        """Return the names of states."""
        subentry = self.coordinator.config_entry.subentries.get(self.utilization)
        return list(view_of(subentry.data).labels) if subentry is not None else []

    @property
    @override
    def native_value(self) -> _Value:
        """Return the state; None of one that was taken out of the view meanwhile."""
        value = super().native_value
        return value if value in self.options else None


class OpenTill(CameraStewardUtilizationEntity, BinarySensorEntity):
    """On while more people wait, or will in ten minutes, than one till should have."""

    @property
    @override
    def is_on(self) -> bool | None:
        """Return whether a second till should open."""
        result = self.runner.result(self.utilization)
        return result.open_till if isinstance(result, AttributesResult) else None

    @property
    @override
    def available(self) -> bool:
        """Return whether it runs."""
        return super().available and self.is_on is not None


def sensors_of(
    coordinator: CameraStewardCoordinator, subentry: ConfigSubentry
) -> Iterator[CameraStewardUtilizationEntity]:
    """Yield the sensors of a utilization."""
    case = coordinator.config_entry.runtime_data.utilizations.case(subentry.subentry_id)
    yield StatusSensor(coordinator, subentry, STATUS)
    for count in COUNTS:
        yield CountSensor(coordinator, subentry, count)
    sensor = SceneSensor if case is UtilizationCase.SCENERY else ResultSensor
    for result in result_sensors(case, view_of(subentry.data)):
        yield sensor(coordinator, subentry, result)


def binary_sensors_of(
    coordinator: CameraStewardCoordinator, subentry: ConfigSubentry
) -> Iterator[CameraStewardUtilizationEntity]:
    """Yield the binary sensors of a utilization."""
    case = coordinator.config_entry.runtime_data.utilizations.case(subentry.subentry_id)
    if case is UtilizationCase.ATTRIBUTES:
        yield OpenTill(coordinator, subentry, OPEN_TILL)
