"""Single pictures out of a stream: the newest, at a set rate and width, each in memory once.

All pictures that others depend on must be decoded; only those that are wanted are drawn.
"""

from datetime import timedelta
from typing import Final

import av
import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation

from ..capture.source import OpenSource, Packet
from ..clock import Clock
from ..errors import FootageError, SourceNoKeyframeError, SourceUnsupportedError
from ..media.fragments import Header
from ..viewing.decoding import Decoder, Sample, drawn
from ..viewing.screen import describe, reading
from .detection import Frame

_WAITED: Final = 0.008
"""Having waited longer than this for a packet, everything sent so far is read: where a stream has no
times, this must do. (Less may be the scheduler's doing.)"""

_LATE: Final = 0.5
"""A picture that is later than this waited for us: newer ones are behind it."""

_FAR_BEHIND: Final = 2.0
"""From here on decoding would take too long to catch up: on with the next keyframe."""

_LEAP: Final = 60.0
"""Times that leap so far are of a clock that was set."""

_OVERDUE: Final = 5.0
"""Where all pictures seem to be late for so long, one is taken even so."""

_NO_KEYFRAME: Final = 120.0
_NO_PICTURE: Final = 20.0
"""Seconds of packets that can begin, but of which no picture comes."""

_HIGHEST: Final = 4
"""Times its width."""

_REMEMBERED: Final = 30.0
_WHOLE: Final = frozenset({"mjpeg", "png"})
"""Each picture stands for itself: those that are not wanted are not decoded."""


class Lag:
    """How much later than the promptest of the last minute a packet came; seconds.

    The camera's ticks run at another speed than our clock, so that older ones do not count.
    """

    def __init__(self) -> None:
        """Know of none."""
        self._before = self._least = float("inf")
        self._since = 0.0

    def of(self, media: float, elapsed: float) -> float:
        """Return it for a packet of the stream's time `media`."""
        behind = elapsed - media
        if behind - self._least > _LEAP:
            self._before = self._least = behind
        if elapsed - self._since > _REMEMBERED:
            self._before, self._least, self._since = self._least, behind, elapsed
        self._least = min(self._least, behind)
        return behind - min(self._before, self._least)


class Taker:
    """Takes frames out of one connection; used by one thread."""

    def __init__(self, opened: OpenSource, rate: float, width: int, clock: Clock) -> None:
        """Take `rate` a second, no wider than `width`."""
        self._opened = opened
        self._video = opened.tracks[0]
        self._interval = 1 / rate
        self._width = width
        self._clock = clock
        self._lag = Lag()
        self._header: Header | None = None
        self._decoder: Decoder | None = None
        self._picture_at = self._next = self._returned = self._resume = _elapsed(clock)
        self._begun_at = self._next
        self._passed_at: float | None = None
        self._caught_up = True
        self._skips = True

    def pause(self, until: float) -> None:
        """Take none before, and let go of all that was decoded."""
        self._decoder = None
        self._resume = until

    def taken(self, packet: Packet, waited: float) -> Frame | None:
        """Take in a packet for which we `waited` so many seconds; return a frame if one is due.

        Raise a `SourceError` where the stream gives no picture.
        """
        if packet.track != self._video.index:
            return None
        came = _elapsed(self._clock)
        if came - waited - self._returned > _LATE:
            self._caught_up = False  # whoever had the last frame took long
        elif waited >= _WAITED:
            self._caught_up = True
        try:
            return self._frame(packet, came)
        finally:
            self._returned = _elapsed(self._clock)

    def nothing_came(self) -> None:
        """Know that everything sent so far is read."""
        self._caught_up = True
        self._returned = _elapsed(self._clock)

    def _frame(self, packet: Packet, came: float) -> Frame | None:
        if came < self._resume:
            self._picture_at = came  # none was wanted
            return None
        late = 0.0
        # RTP tells when a picture is shown alone, which is near enough.
        ticks = packet.pts if packet.dts is None else packet.dts
        if ticks is not None:
            late = self._lag.of(ticks * float(self._video.time_base), came)
        # By the stream's own time, as packets come in bursts.
        at = came - late
        fresh = self._caught_up if ticks is None else late <= _LATE
        wanted = at >= self._next and (fresh or self._pass_over(came))
        if self._video.codec in _WHOLE and not wanted:
            self._picture_at = came
            return None
        if late > _FAR_BEHIND:
            self._decoder = None
            return None
        picture = self._decoded(packet, came)
        if picture is None:
            return None
        self._picture_at = came
        if not wanted:
            return None
        self._passed_at = None
        self._next = max(self._next + self._interval, at + self._interval / 2)
        return self._drawn(picture, at, late)

    def _pass_over(self, came: float) -> bool:
        """Note a picture that is late; return whether all have been for so long that it is time for one."""
        if self._passed_at is None:
            self._passed_at = came
        overdue = came - self._passed_at > _OVERDUE
        if overdue:
            # The way here may be longer than it was.
            self._passed_at, self._lag = None, Lag()
        return overdue

    def _decoded(self, packet: Packet, came: float) -> VideoFrame | None:
        """Return the newest picture that this packet completes."""
        if packet.keyframe:
            self._begin(packet, came)
        decoder, silent = self._decoder, came - self._picture_at
        if decoder is None:
            if silent > _NO_KEYFRAME:
                raise SourceNoKeyframeError
            return None
        if min(silent, came - self._begun_at) > _NO_PICTURE:
            raise SourceUnsupportedError(self._video.codec)
        if self._skips and min(silent, came - self._next) > self._interval:
            # Where hardly any picture depends on another, those left out are missed.
            self._skips = False
            decoder.skip_unreferenced(False)
        at = packet.dts or 0
        try:
            pictures = decoder.decode(
                Sample(
                    data=packet.payload,
                    decode_time=at,
                    duration=packet.duration,
                    shown_at=at if packet.pts is None else packet.pts,
                )
            )
        except av.FFmpegError, ValueError:
            self._decoder = None  # damaged: the next keyframe begins anew
            return None
        return pictures[-1] if pictures else None

    def _begin(self, keyframe: Packet, came: float) -> None:
        """Make a decoder, unless the one there is fits what follows."""
        header = self._opened.header_for(keyframe.payload)
        if self._decoder is not None and self._header is header:
            return
        self._header, self._decoder, self._begun_at = header, _decoder_for(header), came
        if self._decoder is None:
            raise SourceUnsupportedError(self._video.codec)
        self._decoder.skip_unreferenced(self._skips)

    def _drawn(self, picture: VideoFrame, at: float, late: float) -> Frame:
        assert self._decoder is not None
        size = self._decoder.fitted(picture, self._width, self._width * _HIGHEST)
        plane = drawn(picture, size, "rgb24", Interpolation.AREA).planes[0]
        width, height = size
        rows = np.frombuffer(plane, dtype=np.uint8).reshape(-1, plane.line_size)[:height]
        # A copy that owns its memory: a view of it keeps it, and so cannot outlive it unseen.
        pixels = rows[:, : width * 3].reshape(height, width, 3).copy()
        taken_at = self._clock.now() - timedelta(seconds=late)
        return Frame(pixels=pixels, taken_at=taken_at, elapsed=at)


def _decoder_for(header: Header) -> Decoder | None:
    try:
        with reading():
            return Decoder(describe(header.data, sound=False))
    except FootageError:
        return None


def _elapsed(clock: Clock) -> float:
    return clock.elapsed().total_seconds()
