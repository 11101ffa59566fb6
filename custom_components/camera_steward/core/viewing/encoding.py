"""Encode pictures to pieces of MPEG-TS with H.264, which every browser plays."""

from fractions import Fraction
from io import BytesIO
from math import ceil

import av
from av.container import OutputContainer
from av.video.frame import PictureType, VideoFrame
from av.video.reformatter import ColorRange
from av.video.stream import VideoStream

from ..errors import EncoderMissingError

CODECS = "avc1.42C028"
"""What pieces ask of a player at most (RFC 6381): Constrained Baseline, level 4.0."""
LARGEST = 1280
"""Pixels of a side. Level 4.0 holds a square of this size at 30 pictures a second."""
TICKS = 90_000
"""Ticks a second of the times in a piece."""

_ORIGIN = 10
"""Seconds: how much later than asked all pieces begin, so that no time in them is negative."""
_RATE = 15
_ENCODERS = {
    "libx264": {
        "preset": "superfast",
        "tune": "zerolatency",
        "crf": "25",
        "profile": "baseline",
        "level": "4.0",
    },
    "libopenh264": {"b": "2500000"},
    "h264_v4l2m2m": {"b": "2500000"},
}
"""The first that can be had is taken; with what its pictures shall be like."""
_LONGEST = Fraction(1, 2)
"""Seconds that a picture is shown before it is sent again: players believe no longer ones."""
_MOST_REPEATS = 1200


class Piece:
    """One self-contained piece, held in memory; it begins with a keyframe.

    A picture is shown until the next one, the last one until the end that `close` is told. Times
    are in seconds; used by one thread.
    """

    def __init__(self, width: int, height: int, matrix: int) -> None:
        """Begin one of even sides, its colours by `matrix`.

        Raise `EncoderMissingError` when this machine has no encoder.
        """
        self.size = width, height
        self._target = BytesIO()
        self._container, self._stream = _opened(self._target, width, height, matrix)
        self._waiting: tuple[VideoFrame, Fraction] | None = None
        self._alone = True

    def show(self, frame: VideoFrame, at: Fraction) -> None:
        """Show a picture (yuv420p, of the piece's size) from `at` on, later than the last one."""
        if self._waiting is not None:
            self._hold(at, 1)
            self._alone = False
        self._waiting = frame, at

    def close(self, end: Fraction) -> bytes:
        """Return the piece, whose last picture ends at `end`."""
        # A player knows how long a picture lasts by the next one: none may be alone.
        self._hold(end, 2 if self._alone else 1)
        self._encode(None)
        self._container.close()
        return self._target.getvalue()

    def _hold(self, until: Fraction, least: int) -> None:
        """Encode the picture that waits, more than once if it is shown long."""
        if self._waiting is None:
            return
        frame, since = self._waiting
        length = max(until - since, Fraction(2, TICKS))
        count = min(max(ceil(length / _LONGEST), least), _MOST_REPEATS)
        frame.time_base = Fraction(1, TICKS)
        frame.pict_type = PictureType.NONE  # what it was in its own stream
        for number in range(count):
            frame.pts = round((since + length * number / count + _ORIGIN) * TICKS)
            self._encode(frame)

    def _encode(self, frame: VideoFrame | None) -> None:
        for packet in self._stream.encode(frame):
            self._container.mux(packet)


def _opened(
    target: BytesIO, width: int, height: int, matrix: int
) -> tuple[OutputContainer, VideoStream]:
    for name, options in _ENCODERS.items():
        # Without "copyts" FFmpeg would delay the times on its own account. The other flag lets
        # each piece count its packets anew.
        container = av.open(
            target,
            "w",
            format="mpegts",
            options={"mpegts_copyts": "1", "mpegts_flags": "+initial_discontinuity"},
        )
        try:
            stream = container.add_stream(name, rate=_RATE, options=options)
            assert isinstance(stream, VideoStream)
            context = stream.codec_context
            context.width, context.height = width, height
            context.pix_fmt = "yuv420p"
            context.time_base = Fraction(1, TICKS)
            context.colorspace, context.color_range = matrix, ColorRange.MPEG
            context.thread_count = 1
            context.open()
        except av.FFmpegError, ValueError:
            continue
        return container, stream
    raise EncoderMissingError
