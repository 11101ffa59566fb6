"""Encode pictures to pieces of MPEG-TS with H.264, which every browser plays."""

from fractions import Fraction
from io import BytesIO

import av
from av.container import OutputContainer
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange
from av.video.stream import VideoStream

from ..errors import EncoderMissingError

CODECS = "avc1.42C028"
"""What pieces ask of a player at most (RFC 6381): Constrained Baseline, level 4.0."""
LARGEST = 1280
"""Pixels of a side. Level 4.0 holds a square of this size at 30 pictures a second."""
BT_601 = 6
UNSPECIFIED = 2
"""Colours (ITU-T H.273, matrix coefficients)."""

_ORIGIN = Fraction(10)
"""How much later than asked all pieces begin, so that no time in them is negative."""
_TICKS = 90_000
RATE = 15
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

    A picture is shown until the next one, the last one until the end that `close` is told.
    """

    def __init__(self, width: int, height: int, matrix: int = UNSPECIFIED) -> None:
        """Begin one of even sides, with colours by `matrix`.

        Raise `EncoderMissingError` when this machine has no encoder.
        """
        self._target = BytesIO()
        self._container, self._stream = _opened(self._target, width, height, matrix)
        self._waiting: VideoFrame | None = None
        self._since = Fraction(0)
        self._alone = True

    @property
    def size(self) -> tuple[int, int]:
        """Return width and height."""
        return self._stream.codec_context.width, self._stream.codec_context.height

    def show(self, frame: VideoFrame, at: Fraction) -> None:
        """Show a picture (yuv420p, of the piece's size) at a time later than the last, in seconds."""
        if self._waiting is not None:
            self._hold(at)
            self._alone = False
        self._waiting, self._since = frame, at

    def close(self, end: Fraction) -> bytes:
        """Return the piece; `end` is when the last picture ends, in seconds."""
        self._hold(end)
        self._encode(None)
        self._container.close()
        return self._target.getvalue()

    def _hold(self, until: Fraction) -> None:
        """Show what waits, again and again if that is long."""
        length = until - self._since
        # A player knows how long a picture lasts by the next one: none may be alone.
        least = 2 if self._alone else 1
        count = min(max(-(-length // _LONGEST), least), _MOST_REPEATS)
        for number in range(count):
            frame = self._waiting
            assert frame is not None
            frame.pts = round((self._since + length * number / count + _ORIGIN) * _TICKS)
            self._encode(frame)

    def _encode(self, frame: VideoFrame | None) -> None:
        for packet in self._stream.encode(frame):
            self._container.mux(packet)


def _opened(
    target: BytesIO, width: int, height: int, matrix: int
) -> tuple[OutputContainer, VideoStream]:
    """Return a container and its stream with the first encoder that this machine has."""
    for name, options in _ENCODERS.items():
        if name not in av.codecs_available:
            continue
        container = av.open(target, "w", format="mpegts")
        try:
            stream = container.add_stream(name, rate=RATE, options=options)
            assert isinstance(stream, VideoStream)
            context = stream.codec_context
            context.width, context.height, context.pix_fmt = width, height, "yuv420p"
            context.time_base = Fraction(1, _TICKS)
            context.thread_count = 1
            context.colorspace = matrix
            context.color_range = ColorRange.MPEG
            context.open()
        except av.FFmpegError, ValueError:
            container.close()
            continue
        return container, stream
    raise EncoderMissingError
