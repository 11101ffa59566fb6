"""Who the settings appoint, and who is asking: the users of Home Assistant as the core knows them."""

import asyncio
from datetime import date, datetime
from typing import Final

from aiohttp.web import Request
from homeassistant.auth.models import User
from homeassistant.components.http import KEY_AUTHENTICATED, KEY_HASS_USER
from homeassistant.components.http.const import KEY_HASS_REFRESH_TOKEN_ID
from homeassistant.components.websocket_api import ActiveConnection, current_connection
from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_NAME
from homeassistant.core import Context, HomeAssistant, callback
from homeassistant.helpers.http import current_request

from .const import (
    CONF_MANAGER_NAME,
    CONF_MANAGER_SINCE,
    CONF_MANAGER_UNTIL,
    CONF_MANAGER_USER_ID,
    CONF_SINCE,
    CONF_UNTIL,
    CONF_USER_ID,
    SUBENTRY_OPERATOR,
)
from .core.access.people import Person, Role
from .core.viewing.desk import Caller
from .texts import bounds

_WATCHING_TASKS: Final = frozenset(
    f"websocket_api.async:{name}"
    for name in ("websocket_browse_media", "websocket_search_media", "websocket_resolve_media")
)


def people_of(entry: ConfigEntry) -> tuple[Person, ...]:
    """Return the operations manager and the operators that a site's settings appoint."""
    data = entry.data
    manager = Person(
        user=data[CONF_MANAGER_USER_ID],
        name=data[CONF_MANAGER_NAME],
        role=Role.MANAGER,
        since_at=_begins(data.get(CONF_MANAGER_SINCE)),
        until_at=_ends(data.get(CONF_MANAGER_UNTIL)),
    )
    operators = [
        Person(
            user=each.data[CONF_USER_ID],
            name=each.data[CONF_NAME],
            role=Role.OPERATOR,
            since_at=_begins(each.data.get(CONF_SINCE)),
            until_at=_ends(each.data.get(CONF_UNTIL)),
        )
        for each in entry.subentries.values()
        if each.subentry_type == SUBENTRY_OPERATOR
    ]
    return (manager, *operators)


def _begins(day: str | None) -> datetime | None:
    return bounds(date.fromisoformat(day))[0] if day else None


def _ends(day: str | None) -> datetime | None:
    """Return the end of a last day."""
    return bounds(date.fromisoformat(day))[1] if day else None


def is_person(user: User) -> bool:
    """Return whether someone can log in as this user; what the system logs in with is nobody's."""
    return bool(user.is_active and not user.system_generated)


@callback
def is_logged_in(hass: HomeAssistant, caller: Caller) -> bool:
    """Return whether the session of someone who asked a while ago goes on."""
    session = hass.auth.async_get_refresh_token(caller.session) if caller.session else None
    return session is not None and is_person(session.user)


def caller_of_connection(connection: ActiveConnection) -> Caller:
    """Return who sends the WebSocket command that is being carried out."""
    # While a command is carried out, the request is the one that opened the connection.
    request = current_request.get()
    return _caller(
        connection.user,
        request.remote if request is not None else None,
        connection.refresh_token_id,
    )


def caller_of_request(request: Request) -> Caller:
    """Return who sends a request; nobody unless Home Assistant has recognised them."""
    user: User | None = request.get(KEY_HASS_USER) if request.get(KEY_AUTHENTICATED) else None
    return _caller(user, request.remote, request.get(KEY_HASS_REFRESH_TOKEN_ID))


def caller_in_media_source() -> Caller | None:
    """Return whose own command to browse, search or resolve is being carried out.

    None for everything else. What a command leaves behind, such as an automation that a click sets
    off, still sees the connection: only the command's own task counts.
    """
    connection = current_connection.get()
    task = asyncio.current_task()
    if connection is None or task is None or task.get_name() not in _WATCHING_TASKS:
        return None
    return caller_of_connection(connection)


async def async_caller_of(hass: HomeAssistant, context: Context) -> Caller:
    """Return who an action or event was brought about by; nobody where it was an automation."""
    user_id = context.user_id
    user = await hass.auth.async_get_user(user_id) if user_id is not None else None
    if user is None:
        return Caller(user=user_id, active=False)
    return _caller(user, None, None)


def _caller(user: User | None, client: str | None, session: str | None) -> Caller:
    if user is None:
        return Caller(user=None, client=client, active=False)
    return Caller(
        user=user.id,
        name=user.name,
        active=is_person(user),
        client=client,
        session=session,
    )
