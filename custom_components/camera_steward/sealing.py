"""Sealing: a camera's entity is turned off, so that no login watches past the steward; and undone.

Home Assistant shows every camera entity to every login (docs/design/access.md). An administrator
can turn the entity on again: `exposure.py` looks for that.
"""

from collections.abc import Mapping
from typing import Any

from homeassistant.components.camera.const import DATA_COMPONENT
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import entity_registry as er

from .bridge import cameras_of
from .const import CONF_SEALED, CONF_SOURCE_ENTITY, CONF_SOURCE_REGISTRY_ID
from .memory import Changes


@callback
def source_entity(hass: HomeAssistant, data: Mapping[str, Any]) -> er.RegistryEntry | None:
    """Return a camera's entity as it is registered.

    None for a camera by its address alone, an entity from YAML without an id, one that is gone.
    """
    registry = er.async_get(hass)
    if (id_ := data.get(CONF_SOURCE_REGISTRY_ID)) is not None:
        return registry.entities.get_entry(id_)
    entity_id = data.get(CONF_SOURCE_ENTITY)
    return registry.async_get(entity_id) if entity_id is not None else None


async def async_carry_out(hass: HomeAssistant, entry: ConfigEntry, changes: Changes) -> None:
    """Turn off the entities of cameras that were sealed since last seen, on those of others."""
    for camera, subentry in cameras_of(entry).items():
        sealed = subentry.data.get(CONF_SEALED, False)
        if camera in changes.added:
            changed = sealed
        else:
            changed = CONF_SEALED in changes.settings.get(camera, {})
        if changed and sealed:
            await async_close(hass, subentry.data)
        elif changed:
            async_open(hass, subentry.data)
    for was in changes.removed.values():
        if was["settings"].get(CONF_SEALED):
            async_open(hass, was["settings"])


async def async_close(hass: HomeAssistant, data: Mapping[str, Any]) -> None:
    """Turn a camera's entity off and end what of it is being watched."""
    entity = source_entity(hass, data)
    if entity is not None:
        await async_turn_off(hass, entity.entity_id)


async def async_turn_off(hass: HomeAssistant, entity_id: str) -> None:
    """Turn an entity off and, if it is a camera, end its stream; harmless when repeated."""
    cameras = hass.data.get(DATA_COMPONENT)
    camera = cameras.get_entity(entity_id) if cameras is not None else None
    er.async_get(hass).async_update_entity(entity_id, disabled_by=er.RegistryEntryDisabler.USER)
    if camera is None:
        return
    await camera.async_remove()
    if (stream := camera.stream) is not None:
        # Whoever has its address can watch on without the entity.
        stream.dynamic_stream_settings.preload_stream = False
        for output in list(stream.outputs().values()):
            await stream.remove_provider(output)
        await stream.stop()


@callback
def async_open(hass: HomeAssistant, data: Mapping[str, Any]) -> None:
    """Turn a sealed camera's entity on again, unless something else has turned it off."""
    entity = source_entity(hass, data)
    if entity is not None and entity.disabled_by is er.RegistryEntryDisabler.USER:
        er.async_get(hass).async_update_entity(entity.entity_id, disabled_by=None)
