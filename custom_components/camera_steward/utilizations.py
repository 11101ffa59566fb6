"""The utilizations of a site as its settings have them (docs/design/utilization.md)."""

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from homeassistant.config_entries import ConfigEntry, ConfigSubentry
from homeassistant.core import callback

from .const import (
    CONF_ADDRESS_SINCE,
    CONF_BENEFIT,
    CONF_CAMERA,
    CONF_CASE,
    CONF_CONTACT,
    CONF_DERIVED,
    CONF_DERIVED_DAYS,
    CONF_DETECTOR,
    CONF_DETECTOR_ENTITY,
    CONF_DETECTOR_URL,
    CONF_IDENTIFIABLE,
    CONF_OMITTED,
    CONF_OPERATING_ENTITY,
    CONF_ORIGINALS,
    CONF_PLACE,
    CONF_PUBLIC_SPACE,
    CONF_PURPOSE,
    CONF_RECIPIENTS,
    CONF_RECOGNIZABLE,
    CONF_START_ON,
    CONF_VIEW,
    SUBENTRY_UTILIZATION,
)
from .core.errors import ViewInvalidError
from .core.policy.facts import RecordFact
from .core.policy.utilization import (
    Declaration,
    DetectorKind,
    NoticeItem,
    Recipient,
    UtilizationCase,
)
from .core.utilization.view import ViewSettings, parse_view

DEFAULT_FRAME_RATE: Final = 2.0
"""Pictures a second; a product default."""
_FRAME_WIDTH: Final = 640
_LOW_FRAME_WIDTH: Final = 320
"""Where shapes are enough: counting outdoors, and scenery; product defaults."""


@callback
def utilizations_of(entry: ConfigEntry) -> dict[str, ConfigSubentry]:
    """Return the utilizations by id."""
    return {k: v for k, v in entry.subentries.items() if v.subentry_type == SUBENTRY_UTILIZATION}


@callback
def view_of(data: Mapping[str, Any]) -> ViewSettings:
    """Return what is set in the view; nothing where that cannot be read."""
    try:
        return parse_view(data.get(CONF_VIEW, {}))
    except ViewInvalidError:
        return ViewSettings()


@callback
def photos_of(entry: ConfigEntry) -> frozenset[str]:
    """Return the photos that the views of utilizations name: floor plans and backgrounds."""
    views = [each.data.get(CONF_VIEW) or {} for each in utilizations_of(entry).values()]
    floors = [each.get("floor") or {} for each in views]
    named = [*(each.get("background") for each in views), *(each.get("plan") for each in floors)]
    return frozenset(each for each in named if each)


@callback
def default_width(declared: Declaration) -> int:
    """Return how wide pictures of a new utilization are looked at, in pixels."""
    outdoors = declared.case is UtilizationCase.COUNTING and declared.public_space
    low = outdoors or declared.case is UtilizationCase.SCENERY
    return _LOW_FRAME_WIDTH if low else _FRAME_WIDTH


@callback
def start_on(data: Mapping[str, Any]) -> date:
    """Return the first day on which a utilization may run."""
    return date.fromisoformat(data[CONF_START_ON])


@callback
def declaration_of(data: Mapping[str, Any], records: Mapping[str, RecordFact]) -> Declaration:
    """Return what a utilization's settings declare; `records` are the open ones by id.

    A recipient whose record is closed, or was never there, has no name and no conditions.
    """
    detector = DetectorKind(data[CONF_DETECTOR])
    return Declaration(
        case=UtilizationCase(data[CONF_CASE]),
        camera=data.get(CONF_CAMERA, ""),
        address_since=data.get(CONF_ADDRESS_SINCE, ""),
        detector=detector,
        detector_place=data.get(_PLACES[detector], "") if detector in _PLACES else "",
        purpose=data[CONF_PURPOSE],
        entity=data[CONF_OPERATING_ENTITY],
        contact=data[CONF_CONTACT],
        benefit=data[CONF_BENEFIT],
        place=data[CONF_PLACE],
        derived=data.get(CONF_DERIVED, ""),
        recognizable=data[CONF_RECOGNIZABLE],
        identifiable=data[CONF_IDENTIFIABLE],
        retention_days=data[CONF_DERIVED_DAYS],
        recipients=tuple(_recipient(each, records) for each in data.get(CONF_RECIPIENTS, ())),
        originals=data.get(CONF_ORIGINALS, ""),
        public_space=data[CONF_PUBLIC_SPACE],
        omitted={NoticeItem(k): v for k, v in data.get(CONF_OMITTED, {}).items()},
    )


_PLACES: Final = {
    DetectorKind.SERVER: CONF_DETECTOR_URL,
    DetectorKind.ENTITY: CONF_DETECTOR_ENTITY,
}


def _recipient(record: str, records: Mapping[str, RecordFact]) -> Recipient:
    found = records.get(record)
    if found is None:
        return Recipient(record=record, name="", conditions="")
    fields = found.fields
    return Recipient(
        record=record, name=fields.get("name", ""), conditions=fields.get("conditions", "")
    )
