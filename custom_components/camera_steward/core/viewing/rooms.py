"""Where cameras are watched live: what their recorders show, one feed for all who watch."""

import threading
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from ..errors import SegmentMissingError
from ..model import CaptureStatus
from .conversion import Converter
from .pieces import span
from .screen import describe


class Fragment(Protocol):
    """What a feed shows at once; `capture.live.LiveFragment`."""

    @property
    def number(self) -> int:
        """Return its number; they grow by one."""
        ...

    @property
    def init(self) -> int:
        """Return which header it follows; the first one of each begins with a keyframe."""
        ...

    @property
    def data(self) -> bytes:
        """Return its bytes."""
        ...

    @property
    def start_at(self) -> datetime:
        """Return when its first picture was taken."""
        ...

    @property
    def length(self) -> timedelta:
        """Return how long its pictures are shown."""
        ...

    @property
    def keyframe(self) -> bool:
        """Return whether it begins with a keyframe."""
        ...


class Feed(Protocol):
    """What a camera's recorder shows to those who watch; `capture.live.LiveFeed`."""

    @property
    def closed(self) -> bool:
        """Return whether nothing comes any more."""
        ...

    @property
    def why_nothing(self) -> CaptureStatus | None:
        """Return what the recorder does instead of receiving."""
        ...

    def window(self) -> Sequence[Fragment]:
        """Return what there is, oldest first."""
        ...

    def get(self, number: int) -> Fragment | None:
        """Return a fragment that is there."""
        ...

    def header(self, init: int) -> bytes | None:
        """Return the header of fragments that are there."""
        ...

    def close(self) -> None:
        """Watch no longer."""
        ...


class Rooms:
    """Where cameras are watched live: one feed a camera for all who watch it. Any thread."""

    def __init__(self, feed: Callable[[str], Feed]) -> None:
        """Begin with none; `feed` opens one of a camera."""
        self._feed = feed
        self._lock = threading.Lock()
        self._open: dict[str, Room] = {}

    def enter(self, camera: str, caption: str = "") -> Room:
        """Return a camera's room, to be left again; `caption` as its first visitor has it."""
        with self._lock:
            room = self._open.get(camera)
            if room is None or room.feed.closed:
                room = self._open[camera] = Room(self._feed(camera), caption)
            room.visitors += 1
            return room

    def leave(self, room: Room) -> None:
        """Leave a room; with the last one all that it held is forgotten."""
        with self._lock:
            room.visitors -= 1
            if room.visitors:
                return
            self._open = {k: each for k, each in self._open.items() if each is not room}
        room.close()


class Room:
    """One camera while it is watched live; used by any thread.

    Each fragment is converted once for all, one at a time, when the first one asks for it. What
    was converted is held no longer than what it was made of, but looked at only while somebody
    fetches, or leaves.
    """

    def __init__(self, feed: Feed, caption: str) -> None:
        """Begin without visitors, of which `Rooms` keeps count.

        `caption` is written above each picture that is converted.
        """
        self.feed = feed
        self._caption = caption
        self.visitors = 0
        self._lock = threading.Lock()
        self._converted: dict[int, bytes] = {}
        self._converter: Converter | None = None
        self._done: tuple[int, int] | None = None
        """Header and number of what the converter was given last."""

    def close(self) -> None:
        """Forget all."""
        self.feed.close()
        with self._lock:
            self._converted.clear()
            self._converter = self._done = None

    def converted(self, number: int) -> bytes:
        """Return a fragment as a piece of MPEG-TS; slow work for a thread of its own."""
        with self._lock:
            window = {each.number: each for each in self.feed.window()}
            self._converted = {n: made for n, made in self._converted.items() if n in window}
            if number not in window:
                raise SegmentMissingError
            if number not in self._converted:
                self._convert(window, number)
            return self._converted[number]

    def _convert(self, window: dict[int, Fragment], number: int) -> None:
        """Convert up to a fragment: from the last one on, or from the keyframe before it."""
        start = number
        while not (window[start].keyframe or self._leads_to(window[start])):
            start -= 1
            if start not in window:
                raise SegmentMissingError
        for each in range(start, number + 1):
            fragment = window[each]
            converter = self._converter
            if converter is None or not self._leads_to(fragment):
                converter = self._begin(fragment)
            self._done = None  # after a mistake not to be gone on from
            self._converted[each] = converter.add(fragment.data)
            self._converter, self._done = converter, (fragment.init, each)

    def _leads_to(self, fragment: Fragment) -> bool:
        return self._done == (fragment.init, fragment.number - 1)

    def _begin(self, fragment: Fragment) -> Converter:
        header = self.feed.header(fragment.init)
        if header is None:
            raise SegmentMissingError
        found = span(fragment.data, describe(header))
        at = found[0] if found is not None else timedelta()
        return Converter(header, at, self._caption)
