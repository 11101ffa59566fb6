"""What else keeps pictures of a governed camera, as far as it is seen from here.

`camera.record` and `camera.snapshot` are seen when they are called, an `image_processing` entity by
the camera that it names. What apps and recorders do with a camera's address is not seen.
"""

from collections.abc import Callable, Mapping
from pathlib import PurePosixPath
from typing import Any, Final

from homeassistant.components.camera.const import (
    ATTR_FILENAME,
    DOMAIN as CAMERA,
    SERVICE_RECORD,
    SERVICE_SNAPSHOT,
)
from homeassistant.components.image_processing.const import DATA_COMPONENT
from homeassistant.config_entries import ConfigEntry
from homeassistant.const import (
    ATTR_DOMAIN,
    ATTR_ENTITY_ID,
    ATTR_SERVICE,
    ATTR_SERVICE_DATA,
    ENTITY_MATCH_ALL,
    EVENT_CALL_SERVICE,
)
from homeassistant.core import CALLBACK_TYPE, Context, Event, HomeAssistant, callback
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.target import (
    TargetSelection,
    async_extract_referenced_entity_ids,
)

from .bridge import cameras_of
from .exposure import async_open_entities

_SAVING: Final = frozenset((SERVICE_RECORD, SERVICE_SNAPSHOT))
_RUNS: Final = ("automation", "script")
_TEMPLATE: Final = "{"

type Noticed = Callable[[str, str, PurePosixPath, Context], None]
"""Told of a camera's id, the action's name, the file's, and whose doing it was."""


@callback
def async_notice(hass: HomeAssistant, entry: ConfigEntry, on_noticed: Noticed) -> CALLBACK_TYPE:
    """Tell each time that an action saves pictures of a site's camera."""

    @callback
    def called(event: Event[Mapping[str, Any]]) -> None:
        data = event.data[ATTR_SERVICE_DATA]
        governed = async_governed(hass, entry)
        cameras = {governed[each] for each in _targets(hass, data, governed)}
        for camera in sorted(cameras):
            action = f"{CAMERA}.{event.data[ATTR_SERVICE]}"
            on_noticed(camera, action, _file(data.get(ATTR_FILENAME)), event.context)

    return hass.bus.async_listen(EVENT_CALL_SERVICE, called, event_filter=_saves_pictures)


@callback
def async_governed(hass: HomeAssistant, entry: ConfigEntry) -> dict[str, str]:
    """Return the entities that show a site's cameras, and which; a camera's own come first."""
    shown = [
        (async_open_entities(hass, each.data), camera) for camera, each in cameras_of(entry).items()
    ]
    found = {entities[0]: camera for entities, camera in shown if entities}
    for entities, camera in shown:
        for each in entities[1:]:
            found.setdefault(each, camera)
    return found


@callback
def async_processors(hass: HomeAssistant, governed: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return the image_processing entities that work on these entities, each with its camera."""
    component = hass.data.get(DATA_COMPONENT)
    if component is None:
        return []
    named = [(each.entity_id, each.camera_entity) for each in component.entities]
    return sorted(
        (entity, governed[camera])
        for entity, camera in named
        if camera is not None and camera in governed
    )


@callback
def async_run_of(hass: HomeAssistant, context: Context) -> str | None:
    """Return the automation or script that an action is a part of, as far as it can be told."""
    for domain in _RUNS:
        for state in hass.states.async_all(domain):
            if state.context.id in (context.id, context.parent_id):
                return state.entity_id
    return None


def directory_of(path: PurePosixPath) -> str:
    """Return the directory that a file name begins with, up to where a template makes it.

    Empty where it cannot be told: a relative name, or one that is a template as a whole.
    """
    if not path.is_absolute():
        return ""
    directory = PurePosixPath("/")
    for part in path.parent.parts[1:]:
        if _TEMPLATE in part:
            break
        directory /= part
    return str(directory)


def _file(filename: object) -> PurePosixPath:
    """Return a file name as it was given, maybe with templates."""
    return PurePosixPath(str(getattr(filename, "template", filename)))


@callback
def _saves_pictures(data: Mapping[str, Any]) -> bool:
    return data[ATTR_DOMAIN] == CAMERA and data[ATTR_SERVICE] in _SAVING


def _targets(hass: HomeAssistant, data: Mapping[str, Any], governed: Mapping[str, str]) -> set[str]:
    """Return which of these entities an action is for: by entity, device, area, floor or label."""
    # As it was called, before Home Assistant made a list of it.
    entities = cv.ensure_list_csv(data.get(ATTR_ENTITY_ID))
    if ENTITY_MATCH_ALL in entities:
        return set(governed)
    target = TargetSelection({**data, ATTR_ENTITY_ID: entities})
    selected = async_extract_referenced_entity_ids(hass, target)
    return governed.keys() & (selected.referenced | selected.indirectly_referenced)
