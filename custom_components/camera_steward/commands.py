"""What the WebSocket commands share: how they answer, which site they are about, tables to print."""

import csv
import io
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from datetime import datetime
from functools import wraps
from typing import Any, Final

import probatio
from homeassistant.components.websocket_api import ActiveConnection
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.typing import VolDictType
from homeassistant.util import dt as dt_util

from .bridge import figures_of
from .const import DOMAIN
from .coordinator import CameraStewardConfigEntry
from .core.access.decide import Decision, Refusal, RefusedError
from .core.errors import StewardError
from .core.model import Action
from .core.viewing.desk import Caller
from .people import caller_of_connection
from .views import running_site

ENTRY: Final[VolDictType] = {probatio.Required("entry_id"): str}
_FORMULA: Final = (*"=+-@\t\r\n", *"\uff1d\uff0b\uff0d\uff20")
"""Also the signs in full width, which a Japanese spreadsheet takes for the same."""

_ANSWERS = logging.getLogger("homeassistant.components.websocket_api.http.connection")
"""Where Home Assistant logs every answer that a browser gets, at the level debug."""

type _Command = Callable[[HomeAssistant, ActiveConnection, dict[str, Any]], Awaitable[Any]]


def answering(command: _Command) -> Callable[..., Coroutine[Any, Any, None]]:
    """Send what a command returns; tell errors of the core in words, and refusals alike.

    `field` among the placeholders of an error names what of the command is wrong.
    """

    @wraps(command)
    async def answer(
        hass: HomeAssistant, connection: ActiveConnection, msg: dict[str, Any]
    ) -> None:
        try:
            connection.send_result(msg["id"], await command(hass, connection, msg))
        except StewardError as err:
            connection.send_error(
                msg["id"],
                err.key,
                err.key,
                translation_domain=DOMAIN,
                translation_key=err.key,
                translation_placeholders={
                    **(figures_of(err) or {}),
                    **({"field": err.detail} if err.names_field else {}),
                },
            )

    return answer


class AnswersLoggedError(StewardError):
    """No key and no password is given out while Home Assistant logs what it answers."""

    key = "answers_logged"


@callback
def check_unlogged() -> None:
    """Raise `AnswersLoggedError` while a secret in an answer would lie in the log."""
    if _ANSWERS.isEnabledFor(logging.DEBUG):
        raise AnswersLoggedError


def site_of(hass: HomeAssistant, msg: dict[str, Any]) -> CameraStewardConfigEntry:
    """Return the running site that a command is about; one that is none reads like a refusal."""
    entry = running_site(hass, msg["entry_id"])
    if entry is None:
        raise RefusedError(Refusal.NOT_MANAGER)
    return entry


async def async_allowed(
    hass: HomeAssistant, connection: ActiveConnection, msg: dict[str, Any], action: Action
) -> tuple[CameraStewardConfigEntry, Caller, Decision]:
    """Return the site, who asks, and why they may; anyone else is refused, and that is entered."""
    entry, caller = site_of(hass, msg), caller_of_connection(connection)
    decision = await entry.runtime_data.bridge.async_in_lobby(
        lambda lobby: lobby.desk.allow(caller, action)
    )
    return entry, caller, decision


async def async_manager(
    hass: HomeAssistant, connection: ActiveConnection, msg: dict[str, Any]
) -> tuple[CameraStewardConfigEntry, Caller, str]:
    """Return the site whose manager the caller is, and the manager's name."""
    entry, caller, decision = await async_allowed(hass, connection, msg, Action.MANAGE)
    return entry, caller, decision.name or ""


def table(
    headings: Sequence[str], columns: Sequence[str], rows: Sequence[Mapping[str, str | None]]
) -> str:
    """Return rows as a table that spreadsheets open as it is."""
    made = io.StringIO()
    # Spreadsheets tell UTF-8 by this mark.
    made.write("\ufeff")
    writer = csv.writer(made)
    writer.writerow(headings)
    writer.writerows([_safe(row[each]) for each in columns] for row in rows)
    return made.getvalue()


def local(moment: str) -> str:
    """Return a time for people to read."""
    return dt_util.as_local(datetime.fromisoformat(moment)).strftime("%Y-%m-%d %H:%M:%S")


def _safe(cell: str | None) -> str:
    """Return a cell that no spreadsheet takes for a formula (OWASP, CSV injection)."""
    text = cell or ""
    return f"'{text}" if text.startswith(_FORMULA) else text
