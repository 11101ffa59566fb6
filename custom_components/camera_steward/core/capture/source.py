"""Where packets come from: what a source is, what it yields, and how long it may be waited for."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic
from typing import NamedTuple, Protocol, runtime_checkable

from ..errors import StewardError
from ..media.fragments import Header, Track

OPEN_SECONDS = 5.0
"""Bounds the connecting, and then the finding of streams: no call can be interrupted, and a stop
is to take no more than 10 s."""

READ_SECONDS = 5.0
"""Bounds every wait, so that a silent camera is noticed and a stop is quick."""

STILL_SECONDS = 10.0
"""Pictures that stay away for this long while sound goes on have stalled."""

_FAST = 1e6


class Packet(NamedTuple):
    """One packet: the payload as segments hold it, times in ticks of its track or None.

    One that is `late` came with the one before it and was held back.
    """

    track: int
    payload: bytes
    dts: int | None
    pts: int | None
    keyframe: bool
    duration: int = 0
    late: bool = False


class OpenSource(Protocol):
    """A source that is being received; used by one thread."""

    @property
    def tracks(self) -> tuple[Track, ...]:
        """Return the tracks that are kept, the video first."""
        ...

    def header_for(self, keyframe: bytes) -> Header:
        """Return the header boxes that fit a keyframe; the same object while nothing changed."""
        ...

    def packets(self) -> Iterator[Packet | None]:
        """Yield packets in order of arrival, None while nothing came; a `SourceError` ends it."""
        ...

    def close(self) -> None:
        """Hang up; harmless when repeated."""
        ...


@runtime_checkable
class Timed(Protocol):
    """An open source whose camera says what time it is."""

    @property
    def camera_time(self) -> datetime | None:
        """Return what the camera's own clock shows now; None before it was told."""
        ...


class Source(Protocol):
    """Something that can be opened again and again."""

    def open(self) -> OpenSource:
        """Connect; raise a `SourceError` that says why not, without the address."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a stream is and how to ask for it; never shown, as it may hold a password."""

    url: str = field(repr=False)
    options: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def rtsp(self) -> bool:
        """Return whether it is asked for by RTSP."""
        return self.url.lower().startswith(("rtsp://", "rtsps://"))

    @property
    def tcp(self) -> bool:
        """Return whether it comes over TCP, so that nothing is lost while nobody reads."""
        http = self.url.lower().startswith(("http://", "https://"))
        return (self.rtsp or http) and self.options.get("rtsp_transport", "tcp") == "tcp"


def bare[E: StewardError](err: E) -> E:
    """Return an error without what hangs on it.

    Its context may hold the address in its text, the frames of its traceback hold pictures (INV-1).
    """
    err.__cause__ = err.__context__ = err.__traceback__ = None
    return err


class Nap:
    """How long to sleep once everything sent so far is read, so that the kernel collects the next.

    No longer than some bytes take to come, by the rate of the last second, so that no camera waits
    for us. A stream is taken for fast until it is known. Times of arrival blur by as much at most
    (docs/adr/0004-reading-in-bursts.md).
    """

    def __init__(self, longest: float, least: float, size_bytes: int) -> None:
        """Sleep `longest` seconds, less where `size_bytes` come sooner, not under `least`."""
        self._longest = longest
        self._least = least
        self._size_bytes = size_bytes
        self._rate = _FAST
        self._at = monotonic()

    def after(self, size_bytes: int) -> float:
        """Return the seconds to sleep now, as this much has come since the last time; or 0."""
        now = monotonic()
        passed, self._at = now - self._at, now
        self._rate += (
            size_bytes - self._rate * passed if passed < 1 else size_bytes / passed - self._rate
        )
        seconds = min(self._longest, self._size_bytes / max(self._rate, 1))
        return seconds if seconds >= self._least else 0.0
