"""What was added, changed or removed by hand: entered in the ledger, and told where it matters."""

import logging
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from homeassistant.components import persistent_notification
from homeassistant.components.http import KEY_HASS_USER
from homeassistant.components.websocket_api import current_connection
from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_PATH
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.http import current_request
from homeassistant.util import dt as dt_util
from homeassistant.util.hass_dict import HassKey

from . import repairs
from .addresses import place_of
from .bridge import Bridge
from .const import (
    CONF_CHECKED_ON,
    CONF_FRAME_RATE,
    CONF_FRAME_WIDTH,
    CONF_MARK,
    CONF_MUNICIPALITY,
    CONF_RESPONSIBLE,
    CONF_START_ON,
    CONF_VIEW,
    CONF_WEB_ADDRESS,
    DOMAIN,
)
from .core.copies.marker import take_away
from .core.ledger.entry import SYSTEM, EntryKind, Json
from .core.policy.utilization import Declaration, DetectorKind
from .core.retention.limits import effective
from .folders import folders_of
from .limits import ceiling_of, limit_from
from .memory import (
    CameraMemory,
    FolderMemory,
    Seen,
    SiteMemory,
    UtilizationMemory,
    differing,
)
from .policy_packs import held_pack
from .texts import async_texts
from .utilizations import declaration_of, utilizations_of

_LOGGER = logging.getLogger(__name__)

_ACTORS: HassKey[dict[str, str]] = HassKey(f"{DOMAIN}_actors")
_UNDECLARED = (
    CONF_MUNICIPALITY,
    CONF_WEB_ADDRESS,
    CONF_RESPONSIBLE,
    CONF_VIEW,
    CONF_FRAME_RATE,
    CONF_FRAME_WIDTH,
)
"""The settings of a utilization that its declaration leaves out; its address is in neither."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def actor_now() -> str:
    """Return the name of the user whose request is being carried out.

    Only for what such a request does at once: tasks that it leaves behind still see it.
    """
    connection = current_connection.get()
    if connection is not None:
        return connection.user.name or connection.user.id
    request = current_request.get()
    user = request.get(KEY_HASS_USER) if request is not None else None
    return (user.name or user.id) if user is not None else SYSTEM


@callback
def note_actor(hass: HomeAssistant, entry: ConfigEntry) -> None:
    """Remember who changed a site, for the ledger entries of the set-up that follows."""
    hass.data.setdefault(_ACTORS, {})[entry.entry_id] = actor_now()


async def async_enter(
    hass: HomeAssistant, entry: ConfigEntry, bridge: Bridge, memory: SiteMemory
) -> None:
    """Enter how a site differs from what was last seen of it, and take it as seen.

    Where the ledger cannot take it, recording goes on, and it is entered at the next set-up.
    """
    actor = hass.data.get(_ACTORS, {}).pop(entry.entry_id, SYSTEM)
    try:
        seen = await _async_enter(hass, entry, bridge, memory, actor)
    except HomeAssistantError as err:
        _LOGGER.warning("What changed is entered at the next start: %s", err)
    else:
        await memory.async_remember(seen)


async def _async_enter(
    hass: HomeAssistant, entry: ConfigEntry, bridge: Bridge, memory: SiteMemory, actor: str
) -> Seen:
    found = memory.changes(entry)
    if found.new_site:
        await bridge.async_remember(
            EntryKind.SITE_CREATED, actor=actor, subject=entry.entry_id, data=memory.site(entry)
        )
    await _async_pack(hass, entry, bridge, memory, found.seen, actor)
    for camera, each in found.added.items():
        await bridge.async_remember(
            EntryKind.CAMERA_ADDED,
            actor=actor,
            subject=camera,
            data={"name": each["name"], **each["settings"]},
        )
    for camera, fields in found.settings.items():
        await bridge.async_remember(
            EntryKind.SETTINGS_CHANGED,
            actor=actor,
            subject=camera or entry.entry_id,
            data=dict(fields),
        )
    for operator, person in found.appointed.items():
        await bridge.async_remember(
            EntryKind.PERSON_APPOINTED, actor=actor, subject=operator, data=dict(person)
        )
    for operator, person in found.dismissed.items():
        await bridge.async_remember(
            EntryKind.PERSON_REMOVED, actor=actor, subject=operator, data=dict(person)
        )
    for folder, added in found.folders_added.items():
        await bridge.async_remember(
            EntryKind.FOLDER_ADDED,
            actor=actor,
            subject=folder,
            data={"name": added["name"], **added["settings"]},
        )
    for folder, gone in found.folders_removed.items():
        await _async_folder_removed(hass, bridge, folder, gone, actor)
    for copy, changed in found.elsewhere.items():
        await _async_copy_changed(entry, bridge, copy, changed, actor)
    await _async_utilizations(hass, entry, bridge, memory, found.seen, actor)
    for camera, each in found.removed.items():
        await _async_removed(hass, entry, bridge, camera, each, actor)
    return found.seen


async def _async_pack(
    hass: HomeAssistant,
    entry: ConfigEntry,
    bridge: Bridge,
    memory: SiteMemory,
    seen: Seen,
    actor: str,
) -> None:
    """Enter which pack holds, where that is another, or reads otherwise, than the one entered last."""
    held = held_pack(hass, entry)
    if (before := memory.pack) is not None:
        seen["pack"] = before
    if held is None or held.error is not None:
        return
    now = {"pack": held.pack.id, "version": held.pack.version, "digest": held.pack.digest}
    if now != before:
        await bridge.async_remember(
            EntryKind.PACK_CHOSEN, actor=actor, subject=entry.entry_id, data=dict(now)
        )
        seen["pack"] = now


async def _async_copy_changed(
    entry: ConfigEntry,
    bridge: Bridge,
    copy: str,
    changed: Mapping[str, Mapping[str, Any]],
    actor: str,
) -> None:
    """Enter what differs of a copy of the inventory; a day of checking is an entry of its own."""
    fields = dict(changed)
    if copy in entry.subentries and fields.get(CONF_CHECKED_ON, {}).get("from") is not None:
        checked = fields.pop(CONF_CHECKED_ON)
        await bridge.async_remember(
            EntryKind.COPY_CHECKED,
            actor=actor,
            subject=copy,
            data={"name": entry.subentries[copy].title, CONF_CHECKED_ON: checked["to"]},
        )
    if fields:
        await bridge.async_remember(
            EntryKind.SETTINGS_CHANGED, actor=actor, subject=copy, data=dict(fields)
        )


async def _async_utilizations(
    hass: HomeAssistant,
    entry: ConfigEntry,
    bridge: Bridge,
    memory: SiteMemory,
    seen: Seen,
    actor: str,
) -> None:
    """Enter what utilizations declare, where that is new or otherwise than the ledger has it.

    Their recipients are records: what is declared can change without a change of the settings.
    """
    before, now = memory.utilizations, dict[str, UtilizationMemory]()
    found = utilizations_of(entry)
    records = await bridge.async_open_records() if found else {}
    for id_, each in found.items():
        declared = declaration_of(each.data, records)
        now[id_] = UtilizationMemory(
            name=each.title,
            version=declared.version,
            start_on=each.data[CONF_START_ON],
            settings={name: each.data[name] for name in _UNDECLARED if name in each.data},
        )
        was = before.get(id_)
        if was is None or {**was, "settings": None} != {**now[id_], "settings": None}:
            await bridge.async_remember(
                EntryKind.UTILIZATION_DECLARED,
                actor=actor,
                subject=id_,
                data=_declared(declared, now[id_]),
            )
        elif fields := differing(was["settings"], now[id_]["settings"]):
            await bridge.async_remember(
                EntryKind.SETTINGS_CHANGED, actor=actor, subject=id_, data=dict(fields)
            )
    for id_ in before.keys() - now.keys():
        repairs.async_clear_subentry(hass, id_)
        await bridge.async_remember(
            EntryKind.UTILIZATION_REMOVED,
            actor=actor,
            subject=id_,
            data={"name": before[id_]["name"]},
        )
    seen["utilizations"] = now


def _declared(declared: Declaration, now: UtilizationMemory) -> dict[str, Json]:
    """Return what is entered of a utilization; of a server only where it is, no path or login."""
    data: dict[str, Json] = asdict(declared)
    data |= {
        "name": now["name"],
        "version": now["version"],
        CONF_START_ON: now["start_on"],
        "settings": now["settings"],
    }
    if declared.detector is DetectorKind.SERVER:
        data["detector_place"] = place_of(declared.detector_place)
    return data


async def _async_removed(
    hass: HomeAssistant,
    entry: ConfigEntry,
    bridge: Bridge,
    camera: str,
    was: CameraMemory,
    actor: str,
) -> None:
    """Enter a removal, and say what becomes of the camera's footage and until when."""
    repairs.async_clear_subentry(hass, camera)
    now = dt_util.utcnow()
    segments, _ = await bridge.async_footage(camera, _EPOCH, now)
    limit = effective(limit_from(was["settings"]), ceiling_of(entry.data), now)
    gone_by = max((each.start_at for each in segments), default=now) + limit if segments else None
    await bridge.async_remember(
        EntryKind.CAMERA_REMOVED,
        actor=actor,
        subject=camera,
        data={
            "name": was["name"],
            "segments": len(segments),
            "gone_by": gone_by.isoformat() if gone_by is not None else None,
        },
    )
    if gone_by is None:
        await _async_tell(hass, f"{DOMAIN}_{camera}", "camera_removed_empty", camera=was["name"])
    else:
        await _async_tell(
            hass,
            f"{DOMAIN}_{camera}",
            "camera_removed",
            camera=was["name"],
            gone_by=dt_util.as_local(gone_by).strftime("%Y-%m-%d %H:%M"),
        )


async def _async_folder_removed(
    hass: HomeAssistant, bridge: Bridge, folder: str, was: FolderMemory, actor: str
) -> None:
    """Enter that a folder is no longer managed, and say that its files stay."""
    repairs.async_clear_subentry(hass, folder)
    await bridge.async_remember(
        EntryKind.FOLDER_REMOVED, actor=actor, subject=folder, data={"name": was["name"]}
    )
    await _async_unmark(hass, was["settings"])
    await _async_tell(hass, f"{DOMAIN}_{folder}", "folder_removed", folder=was["name"])


async def _async_unmark(hass: HomeAssistant, settings: Mapping[str, Any]) -> None:
    """Remove the marker from a folder that is no longer managed, where it can be reached."""
    path, mark = Path(settings[CONF_PATH]), settings.get(CONF_MARK)
    await hass.async_add_executor_job(take_away, path, mark)


async def async_tell_site_removed(hass: HomeAssistant, entry: ConfigEntry, *, erased: bool) -> None:
    """Say what became of a removed site's footage, and of what lies in its managed folders."""
    key = "site_removed" if erased else "site_removed_unreachable"
    await _async_tell(hass, f"{DOMAIN}_{entry.entry_id}", key, site=entry.title)
    for folder, each in folders_of(entry).items():
        await _async_unmark(hass, each.data)
        await _async_tell(hass, f"{DOMAIN}_{folder}", "folder_removed", folder=each.title)


async def _async_tell(hass: HomeAssistant, id_: str, key: str, **texts: str) -> None:
    """Notify in the language of the installation."""
    text = (await async_texts(hass))[key].format(**texts)
    persistent_notification.async_create(hass, text, "Camera Steward", id_)
