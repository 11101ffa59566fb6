"""Photos as evidence over HTTP: handed in by those who do tasks, shown to them, and to nobody else."""

from http import HTTPStatus
from typing import override

from aiohttp.web import Request, Response, StreamResponse, json_response
from homeassistant.components.http import KEY_HASS
from homeassistant.core import HomeAssistant, callback

from .const import DOMAIN
from .coordinator import CameraStewardConfigEntry
from .core.access.decide import Refusal, RefusedError
from .core.errors import PhotoError, PhotoTooLargeError, StewardError
from .core.model import Action
from .core.tasks.photos import PHOTO_MOST_BYTES
from .core.viewing.desk import Caller
from .views import BASE, HEADERS, SiteView

_CHUNK_BYTES = 64 * 1024


@callback
def async_setup_photo_views(hass: HomeAssistant) -> None:
    """Register the views, which are there whether or not a site is set up."""
    hass.http.register_view(PhotosView)
    hass.http.register_view(PhotoView)


class EvidenceView(SiteView):
    """What both views share: whom they are for."""

    async def check(self, entry: CameraStewardConfigEntry, caller: Caller) -> None:
        """Raise `RefusedError` to all but manager and operators who pledged."""
        await entry.runtime_data.bridge.async_in_lobby(
            lambda lobby: lobby.desk.decide(caller.asking(Action.DUTIES)).or_refused()
        )

    @override
    def about(self, **where: str) -> tuple[Action, str | None, str | None]:
        return Action.DUTIES, None, None


class PhotosView(EvidenceView):
    """Where a photo is handed in: the picture itself is the body."""

    url = f"{BASE}/{{entry_id}}/photo"
    name = f"api:{DOMAIN}:photos"

    async def post(self, request: Request, **where: str) -> StreamResponse:
        """Take a photo from whom it may come from; its id, or `key` of what is wrong with it."""
        return await self.guarded(self.take, request, **where)

    async def take(
        self, request: Request, entry: CameraStewardConfigEntry, caller: Caller, **where: str
    ) -> Response:
        """Keep a photo."""
        await self.check(entry, caller)
        steward = entry.runtime_data.bridge.steward
        try:
            sent = await _body(request)
            photo = await request.app[KEY_HASS].async_add_executor_job(
                lambda: steward.photos().add(sent, at=steward.lobby().desk.now())
            )
        except StewardError as err:
            ours = not isinstance(err, PhotoError)
            status = HTTPStatus.INTERNAL_SERVER_ERROR if ours else HTTPStatus.BAD_REQUEST
            return json_response({"key": err.key}, status=status, headers=HEADERS)
        return json_response({"photo": photo}, headers=HEADERS)

    @override
    async def answer(
        self, request: Request, entry: CameraStewardConfigEntry, caller: Caller, **where: str
    ) -> Response:
        raise RefusedError(Refusal.ADDRESS)  # photos are not listed


class PhotoView(EvidenceView):
    """A photo, as it was kept."""

    url = f"{BASE}/{{entry_id}}/photo/{{photo}}"
    name = f"api:{DOMAIN}:photo"

    @override
    async def answer(
        self, request: Request, entry: CameraStewardConfigEntry, caller: Caller, **where: str
    ) -> Response:
        await self.check(entry, caller)
        steward = entry.runtime_data.bridge.steward
        body = await request.app[KEY_HASS].async_add_executor_job(
            lambda: steward.photos().read(where["photo"])
        )
        return Response(body=body, content_type="image/jpeg", headers=HEADERS)


async def _body(request: Request) -> bytes:
    """Return what is sent; `PhotoTooLargeError` as soon as it is too much, and no more is read."""
    if (request.content_length or 0) > PHOTO_MOST_BYTES:
        raise PhotoTooLargeError
    sent = bytearray()
    async for chunk in request.content.iter_chunked(_CHUNK_BYTES):
        sent += chunk
        if len(sent) > PHOTO_MOST_BYTES:
            raise PhotoTooLargeError
    return bytes(sent)
