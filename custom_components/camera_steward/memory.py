"""What a site must remember across restarts: its settings as last seen, and which cameras record.

Comparing them at each set-up finds what was added, changed or removed, however it came about, so
that it can be entered in the ledger. Nothing secret is in it: addresses and keys stay elsewhere.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NotRequired, TypedDict

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.helpers.storage import Store

from .const import (
    CONF_ADDRESS,
    CONF_KEY_MARK,
    DOMAIN,
    SUBENTRY_CAMERA,
    SUBENTRY_FOLDER,
    SUBENTRY_OPERATOR,
)

_VERSION = 1


class CameraMemory(TypedDict):
    """A camera as last seen."""

    name: str
    recording: bool
    settings: dict[str, Any]


class FolderMemory(TypedDict):
    """A managed folder as last seen."""

    name: str
    settings: dict[str, Any]


class Seen(TypedDict):
    """A site as last seen."""

    settings: dict[str, Any] | None
    cameras: dict[str, CameraMemory]
    operators: NotRequired[dict[str, dict[str, Any]]]
    """Since there are operators; an older file has none."""
    folders: NotRequired[dict[str, FolderMemory]]
    """Since there are managed folders."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What differs from what was last seen.

    `settings` are by camera or managed folder, the site's under an empty id. `appointed` are the operators who are new or differ, `dismissed` those who are gone. `seen` is
    the site as it was compared: by when all that is entered, it may be another.
    """

    seen: Seen
    new_site: bool
    added: Mapping[str, CameraMemory]
    removed: Mapping[str, CameraMemory]
    settings: Mapping[str, Mapping[str, Mapping[str, Any]]]
    appointed: Mapping[str, Mapping[str, Any]]
    dismissed: Mapping[str, Mapping[str, Any]]
    folders_added: Mapping[str, FolderMemory]
    folders_removed: Mapping[str, FolderMemory]


class SiteMemory:
    """The remembered state of one site."""

    def __init__(self, hass: HomeAssistant, entry_id: str) -> None:
        """Know nothing until `async_load`."""
        self._store: Store[Seen] = Store(
            hass, _VERSION, f"{DOMAIN}.{entry_id}.memory", private=True, atomic_writes=True
        )
        self._stored: Seen = {"settings": None, "cameras": {}}

    async def async_load(self) -> None:
        """Read what was remembered."""
        if (stored := await self._store.async_load()) is not None:
            self._stored = stored

    async def async_remove(self) -> None:
        """Forget all."""
        await self._store.async_remove()

    def recording(self, camera: str) -> bool:
        """Return whether a camera is to record: yes, unless it was switched off."""
        found = self._stored["cameras"].get(camera)
        return found is None or found["recording"]

    async def async_set_recording(self, camera: str, on: bool) -> None:
        """Remember whether a camera is to record; durable on return."""
        if (found := self._stored["cameras"].get(camera)) is not None:
            found["recording"] = on
            await self._store.async_save(self._stored)

    def site(self, entry: ConfigEntry) -> dict[str, Any]:
        """Return the settings of a site that may be entered in the ledger."""
        return {k: v for k, v in entry.data.items() if k != CONF_KEY_MARK}

    def changes(self, entry: ConfigEntry) -> Changes:
        """Return how a site differs from what was last seen of it."""
        before = self._stored
        now = self._seen(entry)
        operators, operators_before = now.get("operators", {}), before.get("operators", {})
        differing = {
            camera: _differences(before["cameras"][camera], found)
            for camera, found in now["cameras"].items()
            if camera in before["cameras"]
        }
        folders, folders_before = now.get("folders", {}), before.get("folders", {})
        differing |= {
            folder: _differences(folders_before[folder], found)
            for folder, found in folders.items()
            if folder in folders_before
        }
        site = _differing(before["settings"] or {}, now["settings"] or {})
        if before["settings"] is not None and site:
            differing[""] = site
        return Changes(
            seen=now,
            new_site=before["settings"] is None,
            added={k: v for k, v in now["cameras"].items() if k not in before["cameras"]},
            removed={k: v for k, v in before["cameras"].items() if k not in now["cameras"]},
            settings={camera: found for camera, found in differing.items() if found},
            appointed={
                id_: each for id_, each in operators.items() if operators_before.get(id_) != each
            },
            dismissed={k: v for k, v in operators_before.items() if k not in operators},
            folders_added={k: v for k, v in folders.items() if k not in folders_before},
            folders_removed={k: v for k, v in folders_before.items() if k not in folders},
        )

    async def async_remember(self, seen: Seen) -> None:
        """Take a site as seen; durable on return."""
        for camera, found in seen["cameras"].items():
            found["recording"] = self.recording(camera)
        self._stored = seen
        await self._store.async_save(self._stored)

    def _seen(self, entry: ConfigEntry) -> Seen:
        return {
            "settings": self.site(entry),
            "cameras": {
                camera: CameraMemory(
                    name=subentry.title,
                    recording=self.recording(camera),
                    settings={k: v for k, v in subentry.data.items() if k != CONF_ADDRESS},
                )
                for camera, subentry in entry.subentries.items()
                if subentry.subentry_type == SUBENTRY_CAMERA
            },
            "operators": {
                id_: dict(subentry.data)
                for id_, subentry in entry.subentries.items()
                if subentry.subentry_type == SUBENTRY_OPERATOR
            },
            "folders": {
                id_: FolderMemory(name=subentry.title, settings=dict(subentry.data))
                for id_, subentry in entry.subentries.items()
                if subentry.subentry_type == SUBENTRY_FOLDER
            },
        }


def _differences[Memory: (CameraMemory, FolderMemory)](
    before: Memory, now: Memory
) -> dict[str, dict[str, Any]]:
    return _differing(
        {**before["settings"], "name": before["name"]}, {**now["settings"], "name": now["name"]}
    )


def _differing(before: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        name: {"from": before.get(name), "to": now.get(name)}
        for name in sorted({*before, *now})
        if before.get(name) != now.get(name)
    }
