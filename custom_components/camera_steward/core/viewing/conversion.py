"""Convert footage that a browser does not play to pieces that each of them plays."""

from datetime import timedelta
from fractions import Fraction
from itertools import chain

from ..errors import FootageError
from .decoding import Decoder, Sample, drawn, matrix_of, samples
from .encoding import LARGEST, Piece
from .lettering import band, stacked
from .screen import describe, reading

_STEP = Fraction(1, 18)
"""Seconds between pictures at least: 15 of 30 a second remain, and all of 15 that come unevenly."""


class Converter:
    """Converts what belongs to one header, piece by piece in order of time; one thread at a time.

    Its pieces are as `convert` says; decoding goes on from one to the next, so that only the first
    must begin with a keyframe. Times are those of the fragments, moved so that the first picture's
    decode time becomes `at`. A `caption` stands in a band above each picture.
    """

    def __init__(self, header: bytes, at: timedelta, caption: str = "") -> None:
        """Make the decoder ready; `FootageError` when it is no header of ours."""
        self._shown = describe(header)
        with reading():
            self._decoder = Decoder(self._shown)
        self._scale = self._shown.timescales[self._shown.video]
        self._at = Fraction(at // timedelta(microseconds=1), 1_000_000)
        self._first: Sample | None = None
        self._last = Fraction(-1)
        self._caption = caption

    def add(self, fragments: bytes, *, last: bool = False) -> bytes:
        """Return the piece that shows these fragments.

        A decoder may hold some pictures back for the next piece; it is asked for all of them at
        the `last` one.
        """
        piece: Piece | None = None
        end = 0
        with reading():
            found = samples(fragments, self._shown, begun=self._first is not None)
            for sample in chain(found, (None,) if last else ()):
                if sample is not None:
                    self._first = self._first or sample
                    if last:
                        end = max(end, sample.shown_at + sample.duration)
                for frame in self._decoder.decode(sample):
                    first = self._first
                    if first is None or frame.pts is None or frame.pts < first.shown_at:
                        continue  # needs pictures from before the first one
                    end = max(end, frame.pts + frame.duration)
                    time = self._moved(frame.pts, first)
                    if piece is not None and time - self._last < _STEP:
                        continue
                    if piece is None:
                        size = self._decoder.fitted(frame, LARGEST, LARGEST)
                        top = band(self._caption, size) if self._caption else None
                        height = size[1] + (0 if top is None else top.height)
                        piece = Piece(size[0], height, matrix_of(frame))
                    picture = drawn(frame, size, "yuv420p")
                    piece.show(picture if top is None else stacked(top, picture), time)
                    self._last = time
            if piece is None or self._first is None:
                raise FootageError("no picture")
            return piece.close(self._moved(end, self._first))

    def _moved(self, ticks: int, first: Sample) -> Fraction:
        return self._at + Fraction(ticks - first.decode_time, self._scale)


def convert(header: bytes, fragments: bytes, at: timedelta, caption: str = "") -> bytes:
    """Return whole fragments, beginning with a keyframe, as a self-contained piece of MPEG-TS.

    Its pictures are at most 1280 wide and high and about 15 a second; their pixels are square. It
    begins at `at` and lasts as long as `span` says, so that pieces follow each other as the
    fragments do; 10 s are added to all times. Sound is left out: where some pieces have sound and
    others none, players stop at each change. A caption is put in a band above the picture.

    Decoded and encoded picture by picture in the calling thread. Raise `FootageError` when the
    fragments cannot be decoded, `EncoderMissingError` when this machine has no encoder.
    """
    return Converter(header, at, caption).add(fragments, last=True)
