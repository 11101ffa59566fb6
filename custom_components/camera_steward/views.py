"""Footage over HTTP: to the one session that asked for it, decided at each fetch.

Whatever is refused is refused alike, so that no answer tells what there is.
"""

import asyncio
import logging
import re
from abc import abstractmethod
from collections.abc import Awaitable, Callable
from contextlib import nullcontext, suppress
from datetime import timedelta
from typing import Final, override

from aiohttp.web import HTTPForbidden, Request, Response, StreamResponse
from homeassistant.components.http import KEY_HASS, HomeAssistantView
from homeassistant.components.http.auth import async_sign_path
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant, callback

from .const import DOMAIN
from .coordinator import CameraStewardConfigEntry
from .core.access.decide import Refusal, RefusedError
from .core.errors import StewardError
from .core.model import Action
from .core.viewing.desk import Caller
from .core.viewing.live import LiveList
from .core.viewing.lobby import Lobby, PieceKind
from .core.viewing.playback import Playback
from .core.viewing.screen import Playable
from .core.viewing.watches import Watch
from .people import caller_of_request

_LOGGER = logging.getLogger(__name__)

BASE: Final = f"/api/{DOMAIN}"
_PLAYLIST: Final = "application/vnd.apple.mpegurl"
_TYPES: Final = {
    PieceKind.HEADER: "video/mp4",
    PieceKind.STORED: "video/mp4",
    PieceKind.CONVERTED: "video/mp2t",
}
HEADERS: Final = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_PIECE: Final = re.compile(r"([0-9]{1,9})\.(mp4|m4s|ts)")
_ENTRANCE: Final = "index.m3u8"
_STORED: Final = "stored.m3u8"
_CONVERTED: Final = "screen.m3u8"
_SIGNED_AT_ONCE: Final = 50


@callback
def async_setup_views(hass: HomeAssistant) -> None:
    """Register the views, which are there whether or not a site is set up."""
    hass.http.register_view(WatchView)
    hass.http.register_view(PictureView)


def entrance(hass: HomeAssistant, entry_id: str, watch: Watch) -> str:
    """Return the address with which a watch begins, signed for its session."""
    return _Signer(hass, entry_id, watch)(_ENTRANCE)


def picture_path(entry_id: str, purpose: str, camera: str, sequence: int) -> str:
    """Return the address of a small picture; the browser logs in to fetch it."""
    return f"{BASE}/{entry_id}/picture/{purpose}/{camera}/{sequence}"


class SiteView(HomeAssistantView):
    """What all views share: who is asking, which site, and one answer to all who may not."""

    # Home Assistant counts each 401 toward a ban of the address. An honest player whose addresses
    # have lapsed must not be locked out: we look ourselves who it is, and refuse with 403.
    requires_auth = False

    async def get(self, request: Request, **where: str) -> StreamResponse:
        """Give what is asked for to whom it may be given to."""
        return await self.guarded(self.answer, request, **where)

    async def guarded(
        self, answer: Callable[..., Awaitable[StreamResponse]], request: Request, **where: str
    ) -> StreamResponse:
        """Return what `answer` does for this site and person; refuse all others alike."""
        caller = caller_of_request(request)
        entry = running_site(request.app[KEY_HASS], where.pop("entry_id"))
        if entry is None:
            raise HTTPForbidden
        bridge = entry.runtime_data.bridge
        try:
            return await answer(request, entry, caller, **where)
        except RefusedError as err:
            refusal, about = err.refusal, self.about(**where)
            with suppress(StewardError):  # refused all the same
                await bridge.async_in_lobby(lambda lobby: lobby.desk.deny(caller, refusal, *about))
            why: StewardError = err
        except StewardError as err:
            _LOGGER.debug("Footage could not be given: %s", err.key)
            why = err
        raise HTTPForbidden(text=await self.words(request.app[KEY_HASS], entry, caller, why))

    @abstractmethod
    async def answer(
        self, request: Request, entry: CameraStewardConfigEntry, caller: Caller, **where: str
    ) -> StreamResponse:
        """Return what is asked for, or raise one of the core's errors."""

    async def words(
        self,
        hass: HomeAssistant,
        entry: CameraStewardConfigEntry,
        caller: Caller,
        why: StewardError,
    ) -> str | None:
        """Return what a refusal says beyond that it is one: nothing."""
        return None

    @abstractmethod
    def about(self, **where: str) -> tuple[Action, str | None, str | None]:
        """Return action, camera and purpose, as far as an address tells."""


class WatchView(SiteView):
    """What a player fetches for one watch: playlists, headers, pieces."""

    url = f"{BASE}/{{entry_id}}/watch/{{token}}/{{file}}"
    name = f"api:{DOMAIN}:watch"

    def __init__(self) -> None:
        """Convert one piece at a time: it takes a core, and recording keeps the others."""
        self._conversions = asyncio.Semaphore(1)

    @override
    async def answer(
        self, request: Request, entry: CameraStewardConfigEntry, caller: Caller, **where: str
    ) -> Response:
        token, file = where["token"], where["file"]
        bridge = entry.runtime_data.bridge
        watch = await bridge.async_in_lobby(lambda lobby: lobby.watch(token, caller))
        if file in (_ENTRANCE, _STORED, _CONVERTED):
            played = await bridge.async_in_lobby(lambda lobby: lobby.listed(watch))
            text = await self._playlist(
                _Signer(request.app[KEY_HASS], entry.entry_id, watch), watch, played, file
            )
            return Response(text=text, content_type=_PLAYLIST, headers=HEADERS)
        found = _PIECE.fullmatch(file)
        if found is None:
            raise RefusedError(Refusal.ADDRESS)
        number, kind = int(found[1]), PieceKind(found[2])
        if kind is not PieceKind.HEADER:
            wait = await bridge.async_in_lobby(lambda lobby: lobby.turn(watch, caller, number))
            if wait:
                await asyncio.sleep(wait.total_seconds())
        async with self._conversions if kind is PieceKind.CONVERTED else nullcontext():
            body = await bridge.async_in_lobby(
                lambda lobby: lobby.fetch(watch, caller, number, kind)
            )
        return Response(body=body, content_type=_TYPES[kind], headers=HEADERS)

    async def _playlist(
        self, sign: _Signer, watch: Watch, played: Playback | LiveList, file: str
    ) -> str:
        if file == _ENTRANCE and played.playable is Playable.MAYBE:
            return played.either(sign(_STORED), sign(_CONVERTED))
        # The frontend's player stumbles over a list with a single choice: then none is given.
        stored = file == _STORED or played.playable is Playable.AS_STORED
        names, addresses = played.names(stored=stored), []
        for number, name in enumerate(names):
            addresses.append(watch.addresses.get(name) or sign(name))
            if number % _SIGNED_AT_ONCE == 0:
                await asyncio.sleep(0)  # an hour has a thousand: others have their turn between
        if isinstance(played, LiveList):
            watch.addresses = dict(zip(names, addresses, strict=True))
        return played.listed(addresses, stored=stored)

    @override
    def about(self, **where: str) -> tuple[Action, str | None, str | None]:
        return Action.PLAYBACK, None, None


class PictureView(SiteView):
    """A small picture of a clip, made while it is fetched."""

    url = f"{BASE}/{{entry_id}}/picture/{{purpose}}/{{camera}}/{{sequence}}"
    name = f"api:{DOMAIN}:picture"

    def __init__(self) -> None:
        """Make two at a time: a browser asks for a whole hour's at once."""
        self._pictures = asyncio.Semaphore(2)

    @override
    async def answer(
        self, request: Request, entry: CameraStewardConfigEntry, caller: Caller, **where: str
    ) -> Response:
        sequence = where["sequence"]
        if not (sequence.isascii() and sequence.isdecimal() and len(sequence) < 16):
            raise RefusedError(Refusal.ADDRESS)

        def picture(lobby: Lobby) -> bytes:
            return lobby.picture(
                caller,
                camera=where["camera"],
                purpose=where["purpose"],
                sequence=int(sequence),
            )

        async with self._pictures:
            body = await entry.runtime_data.bridge.async_in_lobby(picture)
        return Response(body=body, content_type="image/jpeg", headers=HEADERS)

    @override
    def about(self, **where: str) -> tuple[Action, str | None, str | None]:
        return Action.STILL, where["camera"], where["purpose"]


def running_site(hass: HomeAssistant, entry_id: str) -> CameraStewardConfigEntry | None:
    """Return a site that runs."""
    entry: CameraStewardConfigEntry | None = hass.config_entries.async_get_entry(entry_id)
    if entry is None or entry.domain != DOMAIN or entry.state is not ConfigEntryState.LOADED:
        return None
    return entry


def running_sites(hass: HomeAssistant) -> list[CameraStewardConfigEntry]:
    """Return the sites that run, by name."""
    found: list[CameraStewardConfigEntry] = hass.config_entries.async_loaded_entries(DOMAIN)
    return sorted(found, key=lambda each: each.title)


class _Signer:
    """Makes signed addresses of one watch: they last as long as it, for its session alone."""

    def __init__(self, hass: HomeAssistant, entry_id: str, watch: Watch) -> None:
        self._hass = hass
        self._base = f"{BASE}/{entry_id}/watch/{watch.token}/"
        self._session = watch.caller.session
        self._lasts = watch.lasts + timedelta(minutes=1)

    def __call__(self, file: str) -> str:
        """Return the address of one file."""
        return async_sign_path(
            self._hass, self._base + file, self._lasts, refresh_token_id=self._session
        )
