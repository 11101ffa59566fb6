"""Convert stored pictures for screens that cannot show them as they are stored."""

from datetime import timedelta
from fractions import Fraction

from av.video.frame import VideoFrame

from ..errors import FootageError
from .decoding import Decoder, samples
from .encoding import LARGEST, RATE, Piece
from .screen import Shown, describe, reading


def convert(header: bytes, fragments: bytes, at: timedelta) -> bytes:
    """Return whole fragments that begin with a keyframe as a piece of MPEG-TS that begins at `at`.

    At most 1280 pixels a side and 15 pictures a second, without sound. Picture by picture, in the
    calling thread and in memory. Raise `FootageError` when they cannot be decoded, and
    `EncoderMissingError` where nothing can encode.
    """
    shown = describe(header)
    with reading():
        listed = list(samples(fragments, shown))
        if not listed:
            raise FootageError("no picture")
        begin = listed[0].decode_time
        end = listed[-1].decode_time + listed[-1].duration
        conversion = _Conversion(shown, begin, at)
        for sample in (*listed, None):
            for frame in conversion.decoder.decode(sample):
                conversion.take(frame)
        return conversion.close(end)


class _Conversion:
    """One piece in the making."""

    def __init__(self, shown: Shown, begin: int, at: timedelta) -> None:
        self.decoder = Decoder(shown)
        self._scale = shown.timescales[shown.video]
        self._begin = begin
        self._at = Fraction(at // timedelta(microseconds=1), 1_000_000)
        self._piece: Piece | None = None
        self._next = self._at

    def take(self, frame: VideoFrame) -> None:
        """Show a picture at its time, unless one was shown just before."""
        shown_at = self._time(frame.pts if frame.pts is not None else self._begin)
        if self._piece is None:
            width, height = self.decoder.fitted(frame, LARGEST, LARGEST)
            self._piece = Piece(width, height)
            shown_at = self._at
        elif shown_at < self._next:
            return
        width, height = self._piece.size
        self._piece.show(
            frame.reformat(width=width, height=height, format="yuv420p", threads=1), shown_at
        )
        self._next = shown_at + Fraction(1, RATE) * Fraction(9, 10)

    def close(self, end: int) -> bytes:
        """Return the piece, which ends with the last picture's time."""
        if self._piece is None:
            raise FootageError("no picture")
        return self._piece.close(max(self._time(end), self._next))

    def _time(self, ticks: int) -> Fraction:
        return self._at + Fraction(ticks - self._begin, self._scale)
