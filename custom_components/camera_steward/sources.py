"""Where a camera's footage comes from: an address of its own, or its entity's stream or stills.

The entity is asked anew at each connection, as addresses and passwords change; a sealed camera's is
off, so the address was taken before. An address may hold a password: it goes to FFmpeg and nowhere
else, not into a log, an error or a diagnosis.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any, override

from homeassistant.components.camera import async_get_image, async_get_stream_source
from homeassistant.components.camera.helper import get_camera_from_entity_id
from homeassistant.components.stream import CONF_RTSP_TRANSPORT, CONF_USE_WALLCLOCK_AS_TIMESTAMPS
from homeassistant.const import CONF_VERIFY_SSL
from homeassistant.core import HomeAssistant, callback

from .const import (
    CONF_ADDRESS,
    CONF_ADDRESS_OPTIONS,
    CONF_AUDIO,
    CONF_RTSP_TRANSPORT as CONF_OWN_RTSP_TRANSPORT,
    CONF_SOURCE_ENTITY,
    CONF_STILL_INTERVAL_SECONDS,
    DEFAULT_STILL_INTERVAL_SECONDS,
)
from .core.capture.source import Address, OpenSource, Source
from .core.capture.stills import StillSource
from .core.capture.stream import StreamSource
from .core.errors import SourceError, SourceStalledError, SourceUnreachableError

_LOGGER = logging.getLogger(__name__)
_ASK_SECONDS = 10.0


class EntityUnavailableError(SourceUnreachableError):
    """The camera entity is missing, off or unavailable."""

    key = "source_entity_unavailable"


@callback
def async_source_for(hass: HomeAssistant, data: Mapping[str, Any]) -> Source:
    """Return the source that a camera's subentry data describe; open it in a thread."""
    if CONF_ADDRESS in data:
        given = Address(url=data[CONF_ADDRESS], options=data.get(CONF_ADDRESS_OPTIONS, {}))
        address = _by(data.get(CONF_OWN_RTSP_TRANSPORT, ""), given)
        return StreamSource(lambda: address, audio=data.get(CONF_AUDIO, False))
    return EntitySource(
        hass,
        data[CONF_SOURCE_ENTITY],
        audio=data.get(CONF_AUDIO, False),
        transport=data.get(CONF_OWN_RTSP_TRANSPORT, ""),
        interval=timedelta(
            seconds=data.get(CONF_STILL_INTERVAL_SECONDS, DEFAULT_STILL_INTERVAL_SECONDS)
        ),
    )


async def async_entity_address(hass: HomeAssistant, entity_id: str) -> Address | None:
    """Return the address of an entity's stream and FFmpeg's options for it; None without a stream.

    Raises a `SourceError`.
    """
    with _asking(entity_id):
        camera = get_camera_from_entity_id(hass, entity_id)
        if not camera.available:
            raise EntityUnavailableError
        async with asyncio.timeout(_ASK_SECONDS):
            url = await async_get_stream_source(hass, entity_id)
        if not url:
            return None
        return Address(url=url, options=_options(camera.stream_options))


@contextmanager
def _asking(entity_id: str) -> Iterator[None]:
    """Turn what another integration's code raises into a `SourceError`: it may hold the address."""
    try:
        yield
    except SourceError:
        raise
    except TimeoutError:
        raise SourceStalledError from None
    except Exception as err:
        _LOGGER.debug("%s gave no answer: %s", entity_id, type(err).__name__)
        raise EntityUnavailableError from None


def _options(wanted: Mapping[str, str | bool | float]) -> dict[str, str]:
    """Turn Home Assistant's stream options into FFmpeg's."""
    # FFmpeg checks certificates unless told; cameras sign their own.
    options = {"tls_verify": "1" if wanted.get(CONF_VERIFY_SSL) else "0"}
    if transport := wanted.get(CONF_RTSP_TRANSPORT):
        options["rtsp_transport"] = str(transport)
    if wanted.get(CONF_USE_WALLCLOCK_AS_TIMESTAMPS):
        options["use_wallclock_as_timestamps"] = "1"
    return options


def _by(transport: str, address: Address) -> Address:
    """Return an address with the RTSP transport that a camera's settings ask for, if any."""
    if not transport:
        return address
    return replace(address, options={**address.options, "rtsp_transport": transport})


class EntitySource(Source):
    """The stream of a camera entity; its still images when it has none."""

    def __init__(
        self,
        hass: HomeAssistant,
        entity_id: str,
        *,
        audio: bool,
        transport: str,
        interval: timedelta,
    ) -> None:
        """Ask nothing yet."""
        self._hass = hass
        self._entity_id = entity_id
        self._audio = audio
        self._transport = transport
        self._interval = interval

    @override
    def open(self) -> OpenSource:
        """Connect, from the thread that will read; never from the event loop."""
        address = self._ask(partial(async_entity_address, self._hass, self._entity_id))
        if address is None:
            return StillSource(partial(self._ask, self._async_image), self._interval).open()
        return StreamSource(lambda: _by(self._transport, address), audio=self._audio).open()

    def _ask[T](self, question: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Have the event loop answer while this thread waits for a bounded time."""
        if self._hass.loop.is_closed():
            raise EntityUnavailableError
        answer = asyncio.run_coroutine_threadsafe(question(), self._hass.loop)
        try:
            # The loop ends it in time by itself, unless the loop has stopped.
            return answer.result(_ASK_SECONDS + 2)
        except TimeoutError:
            answer.cancel()
            raise SourceStalledError from None

    async def _async_image(self) -> bytes:
        with _asking(self._entity_id):
            return (await async_get_image(self._hass, self._entity_id, int(_ASK_SECONDS))).content
