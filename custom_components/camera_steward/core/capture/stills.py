"""A camera without a stream: its still images, bytes as served, at a set rate."""

import io
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from fractions import Fraction

import av

from ..errors import SourceUnsupportedError
from ..media.fragments import Header, Track, describe
from ..media.units import Framing
from .source import OpenSource, Packet

_TICKS = 1000
_FORMATS = {b"\xff\xd8\xff": "jpeg_pipe", b"\x89PNG": "png_pipe"}
_LOOK_EVERY = 0.5


class StillSource:
    """Ask for an image each `interval`.

    `fetch` returns the bytes of one JPEG or PNG image, in the recorder's thread, or raises a
    `SourceError`.
    """

    def __init__(self, fetch: Callable[[], bytes], interval: timedelta) -> None:
        """Keep how to fetch and how often."""
        self._fetch = fetch
        self._interval = interval

    def open(self) -> OpenSource:
        """Fetch the first image and see what it is."""
        return _Stills(self._fetch, self._interval.total_seconds())


class _Stills:
    def __init__(self, fetch: Callable[[], bytes], seconds: float) -> None:
        self._fetch = fetch
        self._seconds = seconds
        self._first = fetch()
        self._header, self._kind = _look(self._first)
        codec, width, height = self._kind
        self.tracks = (
            Track(
                index=0,
                codec=codec,
                video=True,
                framing=Framing.WHOLE,
                time_base=Fraction(1, _TICKS),
                width=width,
                height=height,
            ),
        )

    def header_for(self, keyframe: bytes) -> Header:
        header, kind = _look(keyframe)
        if kind != self._kind:
            self._header, self._kind = header, kind
        return self._header

    def packets(self) -> Iterator[Packet | None]:
        image: bytes | None = self._first
        duration = round(self._seconds * _TICKS)
        while True:
            began = time.monotonic()
            if image is None:
                image = self._fetch()
            yield Packet(0, image, None, None, True, duration)
            image = None
            while (left := began + self._seconds - time.monotonic()) > 0:
                yield None
                time.sleep(min(left, _LOOK_EVERY))

    def close(self) -> None:
        """Nothing is held open between images."""


def _look(image: bytes) -> tuple[Header, tuple[str, int, int]]:
    """Return header boxes, and codec, width and height, of one image; nothing is decoded."""
    form = next((form for start, form in _FORMATS.items() if image.startswith(start)), None)
    if form is None:
        raise SourceUnsupportedError("image")
    try:
        with av.open(io.BytesIO(image), format=form) as container:
            stream = container.streams.video[0]
            context = stream.codec_context
            return describe([stream]), (context.name, context.width, context.height)
    except (av.FFmpegError, IndexError) as err:
        raise SourceUnsupportedError("image") from err
