"""Who can watch a camera live past the steward, and where it is shown, as far as can be seen.

Every login sees every camera entity that is on (docs/design/access.md). So a camera is watched past
the steward while its own entity is on, or another one of its device: an NVR's or the second stream.
What other programs do with the camera's address cannot be seen from here.
"""

import logging
import re
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from homeassistant.auth import EVENT_USER_ADDED, EVENT_USER_REMOVED, EVENT_USER_UPDATED
from homeassistant.auth.models import User
from homeassistant.components.lovelace.const import LOVELACE_DATA, ConfigNotFound
from homeassistant.config_entries import ConfigEntry
from homeassistant.const import EVENT_HOMEASSISTANT_STARTED, EVENT_LOVELACE_UPDATED, Platform
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.debounce import Debouncer
from homeassistant.helpers.event import async_track_time_interval
from homeassistant.helpers.json import json_dumps

from .bridge import cameras_of
from .const import CONF_MANAGER_USER_ID, CONF_SOURCE_ENTITY
from .people import is_person, people_of
from .sealing import source_entity

_LOGGER = logging.getLogger(__name__)

_AT_LEAST: Final = timedelta(days=1)
_COOLDOWN_SECONDS: Final = 1.0
_CHANGES: Final = (
    EVENT_HOMEASSISTANT_STARTED,
    EVENT_LOVELACE_UPDATED,
    EVENT_USER_ADDED,
    EVENT_USER_REMOVED,
    EVENT_USER_UPDATED,
)
_PICTURES: Final = (Platform.CAMERA, Platform.IMAGE)
_STRATEGY: Final = re.compile(r'"strategy":\{[^}]*?"type":"([^"]*)"')
"""What makes a dashboard or a view: which cards it has cannot be read."""
_HARMLESS: Final = frozenset(("iframe", "map"))
_OWN_TITLE: Final = "Overview"


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """How a camera can be watched past the steward: by which entities, on which dashboards."""

    entities: tuple[str, ...] = ()
    dashboards: tuple[str, ...] = ()

    @property
    def enforced(self) -> bool:
        """Return whether live pictures are kept from other logins, as far as can be seen."""
        return not self.entities


@dataclass(frozen=True, slots=True, kw_only=True)
class Logins:
    """The people who can log in without holding a role at the site, by name."""

    others: tuple[str, ...] = ()
    administrators: tuple[str, ...] = ()
    """Those of them who can change the system."""
    manager: bool = True
    """Whether the operations manager is among those who can log in."""


async def async_logins(hass: HomeAssistant, entry: ConfigEntry) -> Logins:
    """Return who can log in and holds no role at a site."""
    appointed = {each.user for each in people_of(entry)}
    people = [each for each in await hass.auth.async_get_users() if is_person(each)]
    found = [each for each in people if each.id not in appointed]
    return Logins(
        others=_names(found),
        administrators=_names(each for each in found if each.is_admin),
        manager=any(each.id == entry.data[CONF_MANAGER_USER_ID] for each in people),
    )


def _names(users: Iterable[User]) -> tuple[str, ...]:
    return tuple(sorted(user.name or user.id for user in users))


@callback
def async_open_entities(hass: HomeAssistant, data: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the entities that show a camera to every login, its own first."""
    own = data.get(CONF_SOURCE_ENTITY)
    if own is None:
        return ()
    entity = source_entity(hass, data)
    if entity is None:
        # An entity of YAML cannot be turned off; one that is gone shows nothing.
        return (own,) if hass.states.get(own) is not None else ()
    own = entity.entity_id
    found = [] if entity.disabled else [own]
    if entity.device_id is not None:
        found += sorted(
            each.entity_id
            for each in er.async_entries_for_device(er.async_get(hass), entity.device_id)
            if each.domain in _PICTURES and each.entity_id != own
        )
    return tuple(found)


async def async_exposures(
    hass: HomeAssistant, cameras: Mapping[str, Mapping[str, Any]]
) -> dict[str, Exposure]:
    """Return how each camera can be watched past the steward; by id, as are the cameras' data."""
    found = {camera: async_open_entities(hass, data) for camera, data in cameras.items()}
    dashboards = [each async for each in _async_dashboards(hass)] if any(found.values()) else []
    return {
        camera: Exposure(entities=entities, dashboards=tuple(_showing(dashboards, entities)))
        for camera, entities in found.items()
    }


async def _async_dashboards(hass: HomeAssistant) -> AsyncIterator[tuple[str, str | None]]:
    """Yield title and contents of each dashboard; contents are None where they make themselves."""
    lovelace = hass.data.get(LOVELACE_DATA)
    for dashboard in list(lovelace.dashboards.values()) if lovelace is not None else ():
        title = (dashboard.config or {}).get("title")
        try:
            config = await dashboard.async_load(False)
        except ConfigNotFound:
            yield title or _OWN_TITLE, None
            continue
        except HomeAssistantError, OSError:
            continue
        contents = json_dumps(config)
        made = not _HARMLESS.issuperset(_STRATEGY.findall(contents))
        yield title or config.get("title") or _OWN_TITLE, None if made else contents


def _showing(
    dashboards: Iterable[tuple[str, str | None]], entities: tuple[str, ...]
) -> Iterator[str]:
    """Yield the dashboards that name one of the entities, or show whatever there is."""
    named = re.compile(rf"(?<![\w.])({'|'.join(map(re.escape, entities))})(?!\w)")
    for title, contents in dashboards:
        if entities and (contents is None or named.search(contents)):
            yield title


class ExposureCheck:
    """Looks daily, and whenever entities, dashboards or logins change."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry: ConfigEntry,
        on_seen: Callable[[Mapping[str, Exposure], Logins], None],
    ) -> None:
        """Tell `on_seen` of each look."""
        self._hass = hass
        self._entry = entry
        self._on_seen = on_seen
        self._debouncer = Debouncer(
            hass, _LOGGER, cooldown=_COOLDOWN_SECONDS, immediate=False, function=self.async_look
        )

    async def async_start(self) -> None:
        """Look, and go on looking until the site is unloaded."""
        hass, entry = self._hass, self._entry
        for event in _CHANGES:
            entry.async_on_unload(hass.bus.async_listen(event, self._async_again))
        entry.async_on_unload(
            hass.bus.async_listen(
                er.EVENT_ENTITY_REGISTRY_UPDATED, self._async_again, event_filter=_shows_pictures
            )
        )
        entry.async_on_unload(
            async_track_time_interval(hass, self._async_again, _AT_LEAST, cancel_on_shutdown=True)
        )
        entry.async_on_unload(self.async_stop)
        await self.async_look()

    @callback
    def async_stop(self) -> None:
        """Look no more."""
        self._debouncer.async_shutdown()

    async def async_look(self) -> None:
        """Look now."""
        cameras = {camera: each.data for camera, each in cameras_of(self._entry).items()}
        exposures = await async_exposures(self._hass, cameras)
        self._on_seen(exposures, await async_logins(self._hass, self._entry))

    @callback
    def _async_again(self, _: Event[Any] | datetime) -> None:
        self._debouncer.async_schedule_call()


@callback
def _shows_pictures(data: er.EventEntityRegistryUpdatedData) -> bool:
    return data["entity_id"].partition(".")[0] in _PICTURES
