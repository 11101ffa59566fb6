"""A package over HTTP: once, to the login and session that approved it, made while it is sent."""

import asyncio
import logging
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from http import HTTPStatus
from typing import override

from aiohttp.web import Request, StreamResponse
from homeassistant.components.http import KEY_HASS
from homeassistant.components.http.auth import async_sign_path
from homeassistant.core import HomeAssistant, callback

from .const import DOMAIN
from .coordinator import CameraStewardConfigEntry
from .core.access.decide import RefusedError
from .core.disclosure.counter import DOWNLOAD_WITHIN, Approval
from .core.disclosure.grounds import file_name
from .core.disclosure.handing import IDLE, Broken, HandOver
from .core.errors import HoldMissingError, NoFootageError, StewardError, StoppedError
from .core.model import Action
from .core.viewing.desk import Caller
from .people import is_logged_in
from .texts import async_texts
from .views import BASE, HEADERS, SiteView

_LOGGER = logging.getLogger(__name__)

_RECOGNISED = timedelta(days=1)
"""How long an address tells whose it is; how long it is good for is the approval's to say."""


@callback
def async_setup_handover_views(hass: HomeAssistant) -> None:
    """Register the view, which is there whether or not a site is set up."""
    hass.http.register_view(PackageView)


def download_path(hass: HomeAssistant, entry_id: str, approval: Approval) -> str:
    """Return the address of an approved package, signed for the session that approved it.

    For longer than it is good for, so that it can be told when it is no more.
    """
    return async_sign_path(
        hass,
        f"{BASE}/{entry_id}/package/{approval.id}",
        _RECOGNISED,
        refresh_token_id=approval.caller.session,
    )


class PackageView(SiteView):
    """The download of a package. Only GET begins it: there is nothing to look at beforehand."""

    url = f"{BASE}/{{entry_id}}/package/{{disclosure}}"
    name = f"api:{DOMAIN}:package"

    @override
    async def answer(
        self, request: Request, entry: CameraStewardConfigEntry, caller: Caller, **where: str
    ) -> StreamResponse:
        hass = request.app[KEY_HASS]
        made = await entry.runtime_data.bridge.async_at_counter(
            lambda counter: counter.begin(where["disclosure"], caller)
        )
        name = file_name(made.disclosure.number)
        response = StreamResponse(
            status=HTTPStatus.OK,
            headers={**HEADERS, "Content-Disposition": f'attachment; filename="{name}"'},
        )
        response.content_type = "application/zip"
        sent = False
        try:
            await self._send(hass, request, caller, response, made)
            sent = True
        except StewardError as err:
            _LOGGER.debug("A package was broken off: %s", err.key)
        except ConnectionError, TimeoutError:
            _LOGGER.debug("A package was not taken to its end")
        finally:
            # Once a client is gone this is cancelled, which would take along a call that only waits
            # for its thread: the end would stay unentered.
            await asyncio.shield(hass.async_add_executor_job(_end, made, sent))
            if not made.whole and request.transport is not None:
                # Nobody must take it for a whole file: the end that is sent otherwise is not.
                request.transport.abort()
        return response

    async def _send(
        self,
        hass: HomeAssistant,
        request: Request,
        caller: Caller,
        response: StreamResponse,
        made: HandOver,
    ) -> None:
        await response.prepare(request)
        while True:
            now = replace(caller, active=caller.active and is_logged_in(hass, caller))
            if not (chunk := await hass.async_add_executor_job(made.read, now)):
                break
            async with asyncio.timeout(IDLE.total_seconds()):
                await response.write(chunk)
        await response.write_eof()

    @override
    async def words(
        self,
        hass: HomeAssistant,
        entry: CameraStewardConfigEntry,
        caller: Caller,
        why: StewardError,
    ) -> str | None:
        """Tell whoever may hand over what to do; the same of every address, whatever there is."""
        try:
            decision = await entry.runtime_data.bridge.async_in_lobby(
                lambda lobby: lobby.desk.decide(caller.asking(Action.DISCLOSE))
            )
        except StewardError:
            return None
        if not decision.allowed:
            return None
        over = isinstance(why, (RefusedError, HoldMissingError, NoFootageError))
        text = (await async_texts(hass))["package_over" if over else "package_failed"]
        return text.format(minutes=DOWNLOAD_WITHIN // timedelta(minutes=1))

    @override
    def about(self, **where: str) -> tuple[Action, str | None, str | None]:
        return Action.DISCLOSE, None, None


def _end(made: HandOver, sent: bool) -> None:
    """Enter the end: whole where all was sent, unless it was broken off before."""
    if sent:
        with suppress(StoppedError):
            made.finish()
    made.close(Broken.LEFT)  # harmless where it is over
