"""WebSocket commands: one's own role and pledge; for the manager permissions and the register.

Home Assistant asks nobody for a role here: each command asks the desk. To those who may not, a site
that there is and one that there is not read alike.
"""

from contextlib import suppress
from datetime import timedelta
from typing import Any, Final

import probatio
from homeassistant.components import websocket_api
from homeassistant.components.websocket_api import ActiveConnection
from homeassistant.core import HomeAssistant, callback
from homeassistant.util import dt as dt_util

from .bridge import camera_name, cameras_of
from .commands import ENTRY, answering, async_manager, check_unlogged, local, site_of, table
from .const import CONF_ADDRESS, DOMAIN
from .coordinator import CameraStewardConfigEntry
from .core.access.decide import Refusal, RefusedError
from .core.access.people import Permission
from .core.copies.known import Copy
from .core.errors import StewardError
from .core.ledger.viewings import Viewing
from .core.model import Action
from .core.viewing.desk import LONGEST_PERMISSION, Caller
from .core.viewing.lobby import Lobby
from .moments import moment
from .people import caller_of_connection, is_person
from .pledge import LANGUAGES
from .recovery_kit import async_take, async_taken
from .texts import Texts, async_texts, iso
from .views import running_sites

_DEFAULT_HOURS: Final = 1.0
_HOURS: Final = probatio.All(
    probatio.Coerce(float),
    probatio.Range(min=0, min_included=False, max=LONGEST_PERMISSION / timedelta(hours=1)),
)


@callback
def async_setup_commands(hass: HomeAssistant) -> None:
    """Register the commands, which are there whether or not a site is set up."""
    managers = (permissions, permit, withdraw, viewings, exposure, copies)
    kit = (recovery_kit, recovery_kit_taken)
    for command in (own, accept, *managers, *kit):
        websocket_api.async_register_command(hass, command)


# ---------------------------------------------------------------------- everyone's own


@websocket_api.websocket_command({probatio.Required("type"): f"{DOMAIN}/own"})
@websocket_api.async_response
@answering
async def own(
    hass: HomeAssistant, connection: ActiveConnection, msg: dict[str, Any]
) -> list[dict[str, Any]]:
    """Return the sites where the caller has a role or a permission, and what is to be pledged."""
    caller = caller_of_connection(connection)
    found = []
    for entry in running_sites(hass):
        bridge = entry.runtime_data.bridge

        def look(lobby: Lobby) -> dict[str, Any] | None:
            if not _may_pledge(lobby, caller):
                return None
            desk, user = lobby.desk, caller.user or ""
            person = desk.person(user)
            return {
                "role": person.role.value if person is not None else "guest",
                "acting": person is not None,
                "name": desk.name_of(caller),
                "pledged": desk.has_pledged(user),
                "permissions": [
                    _permission(each) for each in desk.permissions() if each.user == user
                ],
            }

        if (mine := await bridge.async_in_lobby(look)) is not None and bridge.pledge is not None:
            texts = bridge.pledge
            found.append(
                {
                    "entry_id": entry.entry_id,
                    "title": entry.title,
                    "version": texts.version,
                    "pledge": dict(texts.pledge),
                    "rules": dict(texts.rules),
                    "cameras": {k: each.title for k, each in cameras_of(entry).items()},
                    **mine,
                }
            )
    return found


@websocket_api.websocket_command(
    {
        probatio.Required("type"): f"{DOMAIN}/accept",
        **ENTRY,
        probatio.Required("version"): str,
        probatio.Required("language"): probatio.In(LANGUAGES),
    }
)
@websocket_api.async_response
@answering
async def accept(hass: HomeAssistant, connection: ActiveConnection, msg: dict[str, Any]) -> None:
    """Enter that the caller accepts the pledge and the rules as they were shown."""
    caller = caller_of_connection(connection)
    entry = site_of(hass, msg)
    language = msg["language"]

    def pledge(lobby: Lobby) -> None:
        with lobby.desk.on_record(caller, Action.BROWSE):
            if not _may_pledge(lobby, caller):
                raise RefusedError(Refusal.NOT_APPOINTED)
        lobby.desk.pledge(caller, version=msg["version"], data={"language": language})

    await entry.runtime_data.bridge.async_in_lobby(pledge)
    entry.runtime_data.duties.async_look_soon()


# ---------------------------------------------------------------------- the manager's


@websocket_api.websocket_command({probatio.Required("type"): f"{DOMAIN}/permissions", **ENTRY})
@websocket_api.async_response
@answering
async def permissions(
    hass: HomeAssistant, connection: ActiveConnection, msg: dict[str, Any]
) -> dict[str, Any]:
    """Return the guest permissions that have not ended, each with its use, and who can be given one.

    `uses` is None where the register cannot be read: a permission can be ended all the same.
    """
    entry, *_ = await async_manager(hass, connection, msg)

    def look(lobby: Lobby) -> tuple[tuple[Permission, ...], list[Viewing] | None]:
        given = lobby.desk.permissions()
        since = min((each.given_at for each in given), default=None)
        if since is None:
            return given, []
        try:
            return given, lobby.register(since, lobby.desk.now())
        except StewardError:
            return given, None

    given, looks = await entry.runtime_data.bridge.async_in_lobby(look)
    rows = None if looks is None else [viewing_row(entry, each) for each in reversed(looks)]

    def used(permission: str) -> list[dict[str, Any]] | None:
        if rows is None:
            return None
        return [each for each in rows if each["permission"] == permission]

    return {
        "permissions": [{**_permission(each), "uses": used(each.id)} for each in given],
        "users": {
            user.id: user.name for user in await hass.auth.async_get_users() if is_person(user)
        },
        "longest_hours": LONGEST_PERMISSION / timedelta(hours=1),
    }


@websocket_api.websocket_command(
    {
        probatio.Required("type"): f"{DOMAIN}/permit",
        **ENTRY,
        probatio.Required("user_id"): str,
        probatio.Required("name"): str,
        probatio.Required("cameras"): [str],
        probatio.Required("start"): probatio.All(str, moment),
        probatio.Required("end"): probatio.All(str, moment),
        probatio.Required("reason"): str,
        probatio.Optional("hours", default=_DEFAULT_HOURS): _HOURS,
    }
)
@websocket_api.async_response
@answering
async def permit(
    hass: HomeAssistant, connection: ActiveConnection, msg: dict[str, Any]
) -> dict[str, Any]:
    """Give a guest permission."""
    entry, manager, _ = await async_manager(hass, connection, msg)
    user = await hass.auth.async_get_user(msg["user_id"])
    known = user is not None and is_person(user)

    def give(lobby: Lobby) -> Permission:
        return lobby.desk.permit(
            manager,
            user=msg["user_id"] if known else "",
            name=msg["name"],
            cameras=frozenset(msg["cameras"]),
            start_at=dt_util.as_utc(msg["start"]),
            end_at=dt_util.as_utc(msg["end"]),
            reason=msg["reason"],
            length=timedelta(hours=msg["hours"]),
        )

    return _permission(await entry.runtime_data.bridge.async_in_lobby(give))


@websocket_api.websocket_command(
    {
        probatio.Required("type"): f"{DOMAIN}/withdraw",
        **ENTRY,
        probatio.Required("permission"): str,
    }
)
@websocket_api.async_response
@answering
async def withdraw(hass: HomeAssistant, connection: ActiveConnection, msg: dict[str, Any]) -> bool:
    """End a guest permission now."""
    entry, _, name = await async_manager(hass, connection, msg)
    return await entry.runtime_data.bridge.async_in_lobby(
        lambda lobby: lobby.desk.withdraw(msg["permission"], actor=name)
    )


@websocket_api.websocket_command(
    {
        probatio.Required("type"): f"{DOMAIN}/viewings",
        **ENTRY,
        probatio.Required("start"): probatio.All(str, moment),
        probatio.Required("end"): probatio.All(str, moment),
        probatio.Optional("camera"): str,
        probatio.Optional("user_id"): str,
        probatio.Optional("as_csv", default=False): bool,
        probatio.Optional("language"): probatio.In(LANGUAGES),
    }
)
@websocket_api.async_response
@answering
async def viewings(
    hass: HomeAssistant, connection: ActiveConnection, msg: dict[str, Any]
) -> dict[str, Any]:
    """Return the viewing register of a span, as rows or as a table to print."""
    entry, manager, _ = await async_manager(hass, connection, msg)
    start, end = dt_util.as_utc(msg["start"]), dt_util.as_utc(msg["end"])

    def read(lobby: Lobby) -> list[Viewing]:
        found = lobby.register(start, end, camera=msg.get("camera"), user=msg.get("user_id"))
        # What cannot be entered is read all the same: it is needed most when something is wrong.
        with suppress(StewardError):
            lobby.desk.register_read(manager, start, end)
        return found

    found = await entry.runtime_data.bridge.async_in_lobby(read)
    rows = [viewing_row(entry, each) for each in reversed(found)]
    if msg["as_csv"]:
        return {"csv": _csv(await async_texts(hass, msg.get("language")), rows)}
    return {"viewings": rows}


@websocket_api.websocket_command({probatio.Required("type"): f"{DOMAIN}/exposure", **ENTRY})
@websocket_api.async_response
@answering
async def exposure(
    hass: HomeAssistant, connection: ActiveConnection, msg: dict[str, Any]
) -> dict[str, Any]:
    """Return who can watch past the steward, and by which entities on which dashboards."""
    entry, *_ = await async_manager(hass, connection, msg)
    data = entry.runtime_data
    await data.exposure.async_look()
    seen = data.coordinator
    return {
        "others": list(seen.logins.others),
        "administrators": list(seen.logins.administrators),
        "cameras": [
            {
                "camera": each.title,
                "sealed": CONF_ADDRESS in each.data,
                "enforced": seen.exposures[camera].enforced,
                "entities": list(seen.exposures[camera].entities),
                "dashboards": list(seen.exposures[camera].dashboards),
            }
            for camera, each in cameras_of(entry).items()
            if camera in seen.exposures
        ],
    }


@websocket_api.websocket_command({probatio.Required("type"): f"{DOMAIN}/copies", **ENTRY})
@websocket_api.async_response
@answering
async def copies(
    hass: HomeAssistant, connection: ActiveConnection, msg: dict[str, Any]
) -> dict[str, Any]:
    """Return the copies outside the vault that are known."""
    entry, *_ = await async_manager(hass, connection, msg)
    await entry.runtime_data.copies.async_look()
    seen = entry.runtime_data.coordinator.copies
    found = seen.copies if seen is not None else ()
    return {
        "looked_at": iso(seen.looked_at) if seen is not None else None,
        "copies": [_copy(entry, each) for each in found],
    }


@websocket_api.websocket_command(
    {
        probatio.Required("type"): f"{DOMAIN}/recovery_kit",
        **ENTRY,
        probatio.Required("language"): probatio.In(LANGUAGES),
    }
)
@websocket_api.async_response
@answering
async def recovery_kit(
    hass: HomeAssistant, connection: ActiveConnection, msg: dict[str, Any]
) -> dict[str, Any]:
    """Return the recovery kit as a page to print; who took it is in the ledger before."""
    entry, manager, name = await async_manager(hass, connection, msg)
    check_unlogged()
    bridge = entry.runtime_data.bridge
    page = await async_take(
        hass, entry, bridge, user=manager.user or "", name=name, language=msg["language"]
    )
    entry.runtime_data.duties.async_look_soon()
    return {"html": page}


@websocket_api.websocket_command(
    {probatio.Required("type"): f"{DOMAIN}/recovery_kit_taken", **ENTRY}
)
@websocket_api.async_response
@answering
async def recovery_kit_taken(
    hass: HomeAssistant, connection: ActiveConnection, msg: dict[str, Any]
) -> dict[str, Any] | None:
    """Return when the recovery kit was taken last, by whom, and whether it opens the vault."""
    entry, *_ = await async_manager(hass, connection, msg)
    taken = await async_taken(entry, entry.runtime_data.bridge)
    if taken is None:
        return None
    return {"at": taken.at.isoformat(), "name": taken.name, "valid": taken.valid}


# ---------------------------------------------------------------------- inside


def _may_pledge(lobby: Lobby, caller: Caller) -> bool:
    return caller.active and lobby.desk.may_pledge(caller.user or "")


def _permission(given: Permission) -> dict[str, Any]:
    return {
        "permission": given.id,
        "user_id": given.user,
        "name": given.name,
        "cameras": sorted(given.cameras),
        "start": given.start_at.isoformat(),
        "end": given.end_at.isoformat(),
        "reason": given.reason,
        "given_at": given.given_at.isoformat(),
        "until": given.until_at.isoformat(),
    }


def viewing_row(entry: CameraStewardConfigEntry, each: Viewing) -> dict[str, Any]:
    """Return a line of the viewing register as `viewings` gives it."""
    return {
        "at": each.at.isoformat(),
        "ended_at": iso(each.ended_at),
        "user_id": each.user,
        "name": each.name,
        "role": each.role,
        "permission": each.permission,
        "kind": each.kind.value,
        "camera_id": each.camera,
        "camera": camera_name(entry, each.camera) if each.camera is not None else None,
        "purpose": each.purpose,
        "client": each.client,
        "watched": [[iso(start), iso(end)] for start, end in each.watched],
        "refusal": each.refusal,
        "unusual": list(each.unusual),
        "entry": each.entry,
    }


def _copy(entry: CameraStewardConfigEntry, each: Copy) -> dict[str, Any]:
    return {
        "kind": each.kind.value,
        "name": each.name,
        "camera": camera_name(entry, each.camera) if each.camera is not None else None,
        "where": list(each.where),
        "by": each.by,
        "note": each.note,
        "holds": list(each.holds),
        "end": each.end.value,
        "holds_until": iso(each.holds_until),
        "kept_hours": each.kept / timedelta(hours=1) if each.kept is not None else None,
        "past_limit": each.past_limit,
        "made_at": iso(each.made_at),
        "checked_at": iso(each.checked_at),
        "remarks": list(each.remarks),
    }


VIEWING_COLUMNS: Final = (
    *("at", "name", "role", "kind", "purpose", "camera", "watched"),
    *("refusal", "unusual", "client"),
)


def viewing_cells(texts: Texts, row: dict[str, Any]) -> dict[str, str | None]:
    """Return a row of the viewing register as a table to print has it."""
    return {
        **row,
        "at": local(row["at"]),
        "watched": "; ".join(f"{local(start)} – {local(end)}" for start, end in row["watched"]),
        "unusual": "; ".join(texts.option("unusual", each) for each in row["unusual"]),
        **{name: texts.option(name, row[name]) for name in ("role", "kind", "purpose", "refusal")},
    }


def _csv(texts: Texts, rows: list[dict[str, Any]]) -> str:
    headings = [texts[f"register_{each}"] for each in VIEWING_COLUMNS]
    return table(headings, VIEWING_COLUMNS, [viewing_cells(texts, row) for row in rows])
