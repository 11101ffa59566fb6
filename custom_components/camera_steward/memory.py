"""What a site must remember across restarts: settings as last seen, which cameras record, copies.

Comparing them at each set-up finds what was added, changed or removed, however it came about, so
that it can be entered in the ledger. Nothing secret is in it: addresses and keys stay elsewhere.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NotRequired, TypedDict

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.helpers.storage import Store

from .const import (
    CONF_ADDRESS,
    CONF_KEY_MARK,
    DOMAIN,
    SUBENTRY_CAMERA,
    SUBENTRY_COPY,
    SUBENTRY_FOLDER,
    SUBENTRY_OPERATOR,
)
from .limits import ceiling_of

_VERSION = 1


class CameraMemory(TypedDict):
    """A camera as last seen."""

    name: str
    recording: bool
    settings: dict[str, Any]
    gated: NotRequired[bool]
    """Whether it was switched off because something that recording needs is missing."""


class NoticedMemory(TypedDict):
    """That something saved a camera's pictures: by which action, where, on whose behalf.

    `target` is a directory or an entity, `name` the last file's, with templates as they are. The
    times are ISO 8601.
    """

    camera: str
    action: str
    target: str
    name: str
    by: str
    first_at: str
    last_at: str


class RunningMemory(TypedDict):
    """By what a utilization runs: its settings then, without an address, and its recipients' records.

    `version` is that of the declaration they make; `why` is there once it is to end, until the ledger
    says so, `lost` names what it lost. `begun_at` is ISO 8601.
    """

    version: str
    begun_at: str
    settings: dict[str, Any]
    recipients: dict[str, dict[str, str]]
    why: NotRequired[str]
    lost: NotRequired[list[str]]


class RunMemory(TypedDict):
    """How a utilization is to run. `lost` names what ended it last, while it has not begun anew."""

    wanted: bool
    running: RunningMemory | None
    lost: list[str]


class BackupMemory(TypedDict):
    """A backup in which footage was found, and which agents held it."""

    name: str
    made_at: str
    agents: list[str]


class FolderMemory(TypedDict):
    """A managed folder as last seen."""

    name: str
    settings: dict[str, Any]


class UtilizationMemory(TypedDict):
    """A utilization as the ledger has it: what is declared by its version, the rest of the settings.

    `start_on` is ISO 8601.
    """

    name: str
    version: str
    start_on: str
    settings: dict[str, Any]


class Seen(TypedDict):
    """A site as last seen."""

    settings: dict[str, Any] | None
    cameras: dict[str, CameraMemory]
    operators: NotRequired[dict[str, dict[str, Any]]]
    """Since there are operators; an older file has none."""
    folders: NotRequired[dict[str, FolderMemory]]
    """Since there are managed folders."""
    elsewhere: NotRequired[dict[str, dict[str, Any]]]
    """The inventory of copies, as are the two below: since there is one."""
    noticed: NotRequired[list[NoticedMemory]]
    backups: NotRequired[dict[str, BackupMemory]]
    pack: NotRequired[dict[str, str]]
    """Since packs can be chosen: the one that was entered last, as the ledger has it."""
    utilizations: NotRequired[dict[str, UtilizationMemory]]
    """Since there are utilizations: each as it was entered last, as the ledger has it."""
    silent: NotRequired[dict[str, str]]
    """Since when cameras send nothing, ISO 8601: a restart or a new try does not begin it anew."""
    tasks: NotRequired[dict[str, str]]
    """How each task stood when it was looked at last, by its id: what triggers tell is told once."""
    runs: NotRequired[dict[str, RunMemory]]
    """Since there are utilizations: how each is to run, by its id."""
    sign: NotRequired[dict[str, Any]]
    """What the sign said besides the installer's name when it was printed last (`papers.py`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What differs from what was last seen.

    `settings` are by camera or managed folder, the site's under an empty id. `appointed` are the
    operators who are new or differ, `dismissed` those who are gone; `elsewhere` what of the
    inventory of copies is new, differs or is gone. `seen` is
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
    elsewhere: Mapping[str, Mapping[str, Mapping[str, Any]]]


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

    def gated(self, camera: str) -> bool:
        """Return whether a camera was switched off because something it needs is missing."""
        found = self._stored["cameras"].get(camera)
        return found is not None and found.get("gated", False)

    async def async_set_recording(self, camera: str, on: bool, *, gated: bool = False) -> None:
        """Remember whether a camera is to record, and what switched it off; durable on return."""
        if (found := self._stored["cameras"].get(camera)) is not None:
            found["recording"], found["gated"] = on, gated
            await self._store.async_save(self._stored)

    @property
    def ceiling(self) -> timedelta | None:
        """Return the site's ceiling as last seen; None of a new site."""
        settings = self._stored["settings"]
        return None if settings is None else ceiling_of(settings)

    @property
    def pack(self) -> dict[str, str] | None:
        """Return the pack that was entered last; None where none was."""
        return self._stored.get("pack")

    @property
    def utilizations(self) -> dict[str, UtilizationMemory]:
        """Return the utilizations as they were entered last, by id."""
        return dict(self._stored.get("utilizations", {}))

    @property
    def noticed(self) -> list[NoticedMemory]:
        """Return what was noticed to save pictures."""
        return list(self._stored.get("noticed", []))

    @property
    def backups(self) -> dict[str, BackupMemory]:
        """Return the backups in which footage was found, by their id."""
        return dict(self._stored.get("backups", {}))

    @property
    def tasks(self) -> dict[str, str] | None:
        """Return how each task stood at the last look; None before the first."""
        return self._stored.get("tasks")

    @property
    def sign(self) -> dict[str, Any] | None:
        """Return how the sign was printed last; None where none was."""
        return self._stored.get("sign")

    async def async_take_sign(self, sign: dict[str, Any]) -> None:
        """Take how the sign was printed; durable on return."""
        if sign != self.sign:
            self._stored["sign"] = sign
            await self._store.async_save(self._stored)

    def run(self, utilization: str) -> RunMemory:
        """Return how a utilization is to run: wanted, unless it was switched off."""
        found = self._stored.get("runs", {}).get(utilization)
        return found or RunMemory(wanted=True, running=None, lost=[])

    @property
    def runs(self) -> frozenset[str]:
        """Return the utilizations of which something is remembered."""
        return frozenset(self._stored.get("runs", {}))

    async def async_take_run(self, utilization: str, run: RunMemory | None) -> None:
        """Take how a utilization is to run, or forget it; durable on return."""
        runs = dict(self._stored.get("runs", {}))
        if run is None:
            runs.pop(utilization, None)
        else:
            runs[utilization] = run
        if runs != self._stored.get("runs", {}):
            self._stored["runs"] = runs
            await self._store.async_save(self._stored)

    @property
    def silent(self) -> dict[str, datetime]:
        """Return since when cameras send nothing."""
        stored = self._stored.get("silent", {})
        return {camera: datetime.fromisoformat(at) for camera, at in stored.items()}

    async def async_take_tasks(self, tasks: dict[str, str]) -> None:
        """Take how each task stands; durable on return."""
        if tasks != self.tasks:
            self._stored["tasks"] = tasks
            await self._store.async_save(self._stored)

    async def async_take_silent(self, silent: Mapping[str, datetime]) -> None:
        """Take since when cameras send nothing; durable on return."""
        if silent != self.silent:
            self._stored["silent"] = {camera: at.isoformat() for camera, at in silent.items()}
            await self._store.async_save(self._stored)

    def take_noticed(self, noticed: list[NoticedMemory]) -> None:
        """Take what was noticed; durable after `async_save`."""
        self._stored["noticed"] = noticed

    def take_backups(self, backups: dict[str, BackupMemory]) -> None:
        """Take in which backups footage was found; durable after `async_save`."""
        self._stored["backups"] = backups

    async def async_save(self) -> None:
        """Write what was taken; durable on return."""
        await self._store.async_save(self._stored)

    def site(self, entry: ConfigEntry) -> dict[str, Any]:
        """Return the settings of a site that may be entered in the ledger."""
        return {k: v for k, v in entry.data.items() if k != CONF_KEY_MARK}

    def changes(self, entry: ConfigEntry) -> Changes:
        """Return how a site differs from what was last seen of it."""
        before = self._stored
        now = self._seen(entry)
        operators, operators_before = now.get("operators", {}), before.get("operators", {})
        copies, copies_before = now.get("elsewhere", {}), before.get("elsewhere", {})
        changed = {
            camera: _differences(before["cameras"][camera], found)
            for camera, found in now["cameras"].items()
            if camera in before["cameras"]
        }
        folders, folders_before = now.get("folders", {}), before.get("folders", {})
        changed |= {
            folder: _differences(folders_before[folder], found)
            for folder, found in folders.items()
            if folder in folders_before
        }
        site = differing(before["settings"] or {}, now["settings"] or {})
        if before["settings"] is not None and site:
            changed[""] = site
        return Changes(
            seen=now,
            new_site=before["settings"] is None,
            added={k: v for k, v in now["cameras"].items() if k not in before["cameras"]},
            removed={k: v for k, v in before["cameras"].items() if k not in now["cameras"]},
            settings={camera: found for camera, found in changed.items() if found},
            appointed={
                id_: each for id_, each in operators.items() if operators_before.get(id_) != each
            },
            dismissed={k: v for k, v in operators_before.items() if k not in operators},
            folders_added={k: v for k, v in folders.items() if k not in folders_before},
            folders_removed={k: v for k, v in folders_before.items() if k not in folders},
            elsewhere={
                id_: found
                for id_ in (*copies_before, *(each for each in copies if each not in copies_before))
                if (found := differing(copies_before.get(id_, {}), copies.get(id_, {})))
            },
        )

    async def async_remember(self, seen: Seen) -> None:
        """Take a site as seen; durable on return."""
        before = self._stored
        for camera, found in seen["cameras"].items():
            found["recording"], found["gated"] = self.recording(camera), self.gated(camera)
        # By now more may have been found than when the site was compared.
        now: Seen = {**seen, "noticed": self.noticed, "backups": self.backups}
        if "silent" in before:
            now["silent"] = before["silent"]
        if "tasks" in before:
            now["tasks"] = before["tasks"]
        if "sign" in before:
            now["sign"] = before["sign"]
        if "runs" in before:
            now["runs"] = before["runs"]
        self._stored = now
        await self._store.async_save(self._stored)

    def _seen(self, entry: ConfigEntry) -> Seen:
        return {
            "settings": self.site(entry),
            "cameras": {
                camera: CameraMemory(
                    name=subentry.title,
                    recording=self.recording(camera),
                    gated=self.gated(camera),
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
            "elsewhere": {
                id_: dict(subentry.data)
                for id_, subentry in entry.subentries.items()
                if subentry.subentry_type == SUBENTRY_COPY
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
    return differing(
        {**before["settings"], "name": before["name"]}, {**now["settings"], "name": now["name"]}
    )


def differing(before: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return what differs of some settings, as an entry tells it."""
    return {
        name: {"from": before.get(name), "to": now.get(name)}
        for name in sorted({*before, *now})
        if before.get(name) != now.get(name)
    }
