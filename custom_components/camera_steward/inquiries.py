"""Inquiries and complaints that come in: by an action, or by a public form where a site wants one.

Both only add a record. The form is a webhook that needs no login, off by default: whoever has its
address may send a little text, and learns nothing (docs/design/threat-model.md).
"""

import asyncio
import json
import logging
from collections import deque
from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qs

from aiohttp.web import Request, Response
from homeassistant.components import webhook
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.network import NoURLAvailableError

from .const import CONF_CONTACT, CONF_INQUIRY_WEBHOOK, CONF_INSTALLER, DOMAIN
from .coordinator import CameraStewardConfigEntry
from .core.documents.rendering import render_shared
from .core.errors import RecordInvalidError, StewardError
from .core.ledger.records import Record, RecordKind
from .texts import async_texts
from .views import HEADERS

_LOGGER = logging.getLogger(__name__)

PUBLIC_FORM: Final = "public_form"
"""The actor of what came in by the public form."""

CONTENT_MOST: Final = 2000
CONTACT_MOST: Final = 200
"""Characters."""
_BODY_BYTES: Final = 32 * 1024
"""Of a body that holds as much of both as is taken, each character written as %XX three times."""
_READ_SECONDS: Final = 10

_LIMITS: Final = (
    (timedelta(hours=1), 5, 30),
    (timedelta(days=1), 20, 100),
)
"""Within such a time, how many from one address, and how many in all. Product defaults."""

_PAGE_HEADERS: Final = {
    **HEADERS,
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
}


async def async_add_inquiry(
    hass: HomeAssistant,
    entry: CameraStewardConfigEntry,
    *,
    content: str,
    contact: str,
    way: str,
    actor: str,
    received_by: str,
) -> Record:
    """Open a record of an inquiry that came in just now; raises the core's own errors."""
    data = entry.runtime_data
    steward = data.bridge.steward

    def add() -> Record:
        books = steward.records()
        given = {
            "received_on": books.today().isoformat(),
            "received_by": received_by,
            "way": way,
            "content": content,
            "contact": contact,
        }
        return books.open(RecordKind.INQUIRY, given, actor=actor)

    made = await hass.async_add_executor_job(add)
    data.duties.async_look_soon()
    return made


@callback
def form_address(hass: HomeAssistant, entry: ConfigEntry) -> str | None:
    """Return where the public form is: without a host where this system's own is not known."""
    if not (id_ := entry.data.get(CONF_INQUIRY_WEBHOOK)):
        return None
    try:
        return webhook.async_generate_url(hass, id_)
    except NoURLAvailableError:
        return webhook.async_generate_path(id_)


class InquiryForm:
    """The public form of one site."""

    def __init__(self, hass: HomeAssistant, entry: CameraStewardConfigEntry) -> None:
        """Offer nothing until `async_start`."""
        self._hass = hass
        self._entry = entry
        self._id: str | None = None
        self._pace = _Pace()

    @callback
    def async_start(self) -> None:
        """Offer the form while the settings say so, until the site is unloaded."""
        self._async_sync()
        self._entry.async_on_unload(self._entry.add_update_listener(self._async_changed))
        self._entry.async_on_unload(self._async_end)

    async def _async_changed(self, hass: HomeAssistant, entry: ConfigEntry) -> None:
        self._async_sync()

    @callback
    def _async_sync(self) -> None:
        wanted = self._entry.data.get(CONF_INQUIRY_WEBHOOK)
        if wanted == self._id:
            return
        self._async_end()
        if wanted:
            webhook.async_register(
                self._hass,
                DOMAIN,
                self._entry.title,
                wanted,
                self._async_handle,
                local_only=False,
                allowed_methods=("GET", "POST"),
            )
            self._id = wanted

    @callback
    def _async_end(self) -> None:
        if self._id is not None:
            webhook.async_unregister(self._hass, self._id)
            self._id = None

    async def _async_handle(
        self, hass: HomeAssistant, webhook_id: str, request: Request
    ) -> Response:
        """Give the form, or take what was sent; nothing of it is sent back or logged."""
        if request.method == "GET":
            return await self._async_page("form", HTTPStatus.OK)
        if not self._pace.admits(request.remote or "", hass.loop.time()):
            return await self._async_page("busy", HTTPStatus.TOO_MANY_REQUESTS)
        try:
            given = _fields(request.headers.get("Content-Type", ""), await _body(request))
            texts = await async_texts(hass)
            await async_add_inquiry(
                hass,
                self._entry,
                content=_short(given, "content", CONTENT_MOST),
                contact=_short(given, "contact", CONTACT_MOST),
                way="form",
                actor=PUBLIC_FORM,
                received_by=texts[f"book_by_{PUBLIC_FORM}"],
            )
        except _WrongError, RecordInvalidError, TimeoutError:
            return await self._async_page("wrong", HTTPStatus.BAD_REQUEST)
        except StewardError as err:
            _LOGGER.warning("An inquiry could not be entered: %s", err.key)
            return await self._async_page("failed", HTTPStatus.SERVICE_UNAVAILABLE)
        return await self._async_page("thanks", HTTPStatus.OK)

    async def _async_page(self, page: str, status: HTTPStatus) -> Response:
        values = {
            "page": page,
            "installer": self._entry.data[CONF_INSTALLER],
            "contact": self._entry.data[CONF_CONTACT],
            "content_most": CONTENT_MOST,
            "contact_most": CONTACT_MOST,
        }
        text = await self._hass.async_add_executor_job(
            partial(render_shared, "inquiry.html", values)
        )
        return Response(text=text, status=status, content_type="text/html", headers=_PAGE_HEADERS)


class _WrongError(Exception):
    """What was sent is no inquiry."""


class _Pace:
    """How many inquiries came lately, and from where: in memory alone, for a day."""

    def __init__(self) -> None:
        self._came: deque[tuple[float, str]] = deque()

    def admits(self, address: str, now: float) -> bool:
        """Return whether one more may come, and count it if it may."""
        longest = max(length for length, _, _ in _LIMITS).total_seconds()
        while self._came and now - self._came[0][0] >= longest:
            self._came.popleft()
        for length, each, in_all in _LIMITS:
            lately = [of for at, of in self._came if now - at < length.total_seconds()]
            if len(lately) >= in_all or lately.count(address) >= each:
                return False
        self._came.append((now, address))
        return True


async def _body(request: Request) -> bytes:
    """Return a small body; it need not be read to its end where it is none."""
    found = b""
    async with asyncio.timeout(_READ_SECONDS):
        while chunk := await request.content.read(_BODY_BYTES + 1 - len(found)):
            found += chunk
            if len(found) > _BODY_BYTES:
                raise _WrongError
    return found


def _fields(content_type: str, body: bytes) -> Mapping[str, object]:
    """Return what was sent by name: a form's fields, or a JSON object."""
    kind = content_type.partition(";")[0].strip().lower()
    try:
        text = body.decode()
        if kind == "application/x-www-form-urlencoded":
            found = parse_qs(text, keep_blank_values=True, errors="strict", max_num_fields=20)
            return {name: values[0] for name, values in found.items()}
        if kind == "application/json" and isinstance(given := json.loads(text), dict):
            return given
    except (ValueError, RecursionError) as err:
        raise _WrongError from err
    raise _WrongError


def _short(given: Mapping[str, object], name: str, most: int) -> str:
    text = given.get(name, "")
    if not isinstance(text, str) or len(text) > most:
        raise _WrongError
    return text
