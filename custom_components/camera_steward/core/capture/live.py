"""A camera as it is seen now: its newest fragments, in memory only, for those who watch.

They come out of the recorder, so that watching takes no second connection to the camera.
"""

import contextlib
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from ..clock import Clock
from ..media.fragments import FragmentBuilder, Header, Samples, Track
from ..model import CaptureStatus, to_micros

WINDOW = timedelta(seconds=20)
WINDOW_BYTES = 32 * 1024 * 1024
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveFragment:
    """Some moments of a live view: prft+moof+mdat that follow the header of their `init`.

    Numbers grow by one. Of each `init` the first begins with a keyframe; one that does not can be
    decoded after those before it only. `start_at` is when its first picture came, `length` how
    long its pictures are shown. Media times go on from one to the next, from 0 for each `init`.
    """

    number: int
    init: int
    data: bytes = field(repr=False)
    start_at: datetime
    length: timedelta
    keyframe: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    fragment: LiveFragment
    end: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """What one header describes; of the camera's thread."""

    init: int
    audience: int
    header: Header
    builder: FragmentBuilder
    stamp_us: int
    since_us: int


class LiveFeed:
    """What one watcher sees of a camera; from any thread, and no call waits for the camera.

    Closed by whoever asked for it, and by the recorder when that ends: then it shows nothing, for
    good. Whoever hands out what it shows has decided before that this person may see it (INV-4).
    """

    def __init__(self, live: Live, on_news: Callable[[], None]) -> None:
        """Watch; made by `Live.join`."""
        self._live = live
        self.on_news = on_news

    @property
    def closed(self) -> bool:
        """Return whether nothing comes any more."""
        return not self._live.has(self)

    @property
    def why_nothing(self) -> CaptureStatus | None:
        """Return what the recorder does instead of receiving; None while pictures come.

        `WAITING` is outside the schedule, `STOPPED` is switched off, or ended.
        """
        return self._live.why_nothing

    def window(self) -> tuple[LiveFragment, ...]:
        """Return what there is, oldest first; the oldest may be none that begins with a keyframe."""
        return self._live.window() if self._live.has(self) else ()

    def get(self, number: int) -> LiveFragment | None:
        """Return a fragment; None when it is forgotten, or has not come yet."""
        return self._live.get(number) if self._live.has(self) else None

    def header(self, init: int) -> bytes | None:
        """Return the leading boxes for fragments of this `init`; None when these are forgotten."""
        return self._live.header(init) if self._live.has(self) else None

    def close(self) -> None:
        """Watch no longer; harmless when repeated. After the last one nothing is in memory."""
        self._live.leave(self)


class Live:
    """The window over one camera, as long as its worker lives; empty while nobody watches.

    `begin` and `push` are of the camera's thread, all others of any. Nothing is held for longer
    than `WINDOW` after it was shown, nor more than `WINDOW_BYTES` (INV-1).
    """

    def __init__(self, clock: Clock) -> None:
        """Begin without a watcher."""
        self._clock = clock
        self._lock = threading.Lock()
        self._feeds: set[LiveFeed] = set()
        self._held: deque[_Held] = deque()
        self._size_bytes = 0
        self._headers: dict[int, bytes] = {}
        self._why: CaptureStatus | None = CaptureStatus.CONNECTING
        self._ended = False
        self._audience = 0
        self._numbers = 0
        self._inits = 0
        self._part: _Part | None = None

    # What the recorder does

    @property
    def watched(self) -> bool:
        """Return whether anybody watches; costs next to nothing."""
        return bool(self._feeds)

    def begin(self) -> None:
        """Take what comes next for another connection's."""
        self._part = None
        self.nothing(CaptureStatus.CONNECTING)

    def push(
        self,
        tracks: Sequence[Track],
        header: Header,
        samples: dict[int, Samples],
        following: dict[int, int | None],
        *,
        since_us: int,
        until_us: int,
        keyframe: bool,
    ) -> None:
        """Show samples; those before a part's first keyframe are dropped.

        `since_us` and `until_us` are since boot: when the first came, and the one that follows.
        """
        audience = self._audience
        part = self._part
        if part is None or part.header is not header or part.audience != audience:
            if not keyframe:
                return
            part = self._part = self._begin_part(tracks, header, audience, since_us)
        # Outside the lock, so that no watcher ever waits for it.
        shown = part.builder.media_time
        data = part.builder.build(
            samples,
            following,
            part.stamp_us + since_us - part.since_us,
            part.stamp_us + until_us - part.since_us,
        )
        length = part.builder.media_time - shown
        since = since_us * _MICROSECOND
        with self._lock:
            if audience != self._audience or not self._feeds:
                return
            self._numbers += 1
            fragment = LiveFragment(
                number=self._numbers,
                init=part.init,
                data=data,
                start_at=self._clock.now() - (self._clock.elapsed() - since),
                length=length,
                keyframe=keyframe,
            )
            end = max(until_us * _MICROSECOND, since + length)
            self._held.append(_Held(fragment=fragment, end=end))
            self._size_bytes += len(data)
            self._headers[part.init] = header.data
            self._why = None
            self._forget()
        self._tell()

    def nothing(self, why: CaptureStatus) -> None:
        """Say why nothing comes."""
        with self._lock:
            self._forget()
            if self._ended or why is self._why:
                return
            self._why = why
        self._tell()

    def close(self) -> None:
        """End all feeds for good; harmless when repeated."""
        with self._lock:
            feeds = tuple(self._feeds)
            self._feeds.clear()
            self._clear()
            self._why, self._ended = CaptureStatus.STOPPED, True
        _tell(feeds)

    # What watchers do

    def join(self, on_news: Callable[[], None]) -> LiveFeed:
        """Let somebody watch from the next keyframe on; already closed where all has ended.

        `on_news` is told of each fragment and of each change of what else a feed says, in the
        thread that brings it, mostly the camera's: it must return at once.
        """
        feed = LiveFeed(self, on_news)
        with self._lock:
            if not self._ended:
                if not self._feeds:
                    self._audience += 1
                    self._why = self._why or CaptureStatus.CONNECTING
                self._feeds.add(feed)
        return feed

    def leave(self, feed: LiveFeed) -> None:
        """Forget a feed, and with the last one all that it could show."""
        with self._lock:
            self._feeds.discard(feed)
            if not self._feeds:
                self._clear()

    def has(self, feed: LiveFeed) -> bool:
        """Return whether a feed is open."""
        return feed in self._feeds

    @property
    def why_nothing(self) -> CaptureStatus | None:
        """Return why nothing comes; None while something does."""
        return self._why

    def window(self) -> tuple[LiveFragment, ...]:
        """Return what is held, oldest first."""
        with self._lock:
            self._forget()
            return tuple(each.fragment for each in self._held)

    def get(self, number: int) -> LiveFragment | None:
        """Return what is held under a number."""
        with self._lock:
            self._forget()
            at = number - self._held[0].fragment.number if self._held else -1
            return self._held[at].fragment if 0 <= at < len(self._held) else None

    def header(self, init: int) -> bytes | None:
        """Return the header of fragments that are held."""
        with self._lock:
            self._forget()
            return self._headers.get(init)

    # Inside

    def _begin_part(
        self, tracks: Sequence[Track], header: Header, audience: int, since_us: int
    ) -> _Part:
        self._inits += 1
        elapsed_us: int = self._clock.elapsed() // _MICROSECOND
        return _Part(
            init=self._inits,
            audience=audience,
            header=header,
            builder=FragmentBuilder(tracks, header),
            stamp_us=to_micros(self._clock.now()) - elapsed_us + since_us,
            since_us=since_us,
        )

    def _forget(self) -> None:
        """Forget what is too old or too much (INV-1); under the lock."""
        since = self._clock.elapsed() - WINDOW
        held = self._held
        while held and (held[0].end < since or self._size_bytes > WINDOW_BYTES):
            gone = held.popleft().fragment
            self._size_bytes -= len(gone.data)
            if not held or held[0].fragment.init != gone.init:
                del self._headers[gone.init]

    def _clear(self) -> None:
        self._held.clear()
        self._headers.clear()
        self._size_bytes = 0

    def _tell(self) -> None:
        with self._lock:
            feeds = tuple(self._feeds)
        _tell(feeds)


def _tell(feeds: Sequence[LiveFeed]) -> None:
    for each in feeds:
        # A watcher's mistake, as a loop that is closed already, must cost no footage (INV-2).
        with contextlib.suppress(Exception):
            each.on_news()
