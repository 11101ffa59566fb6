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


def convert(header: bytes, fragments: bytes, at: timedelta, caption: str = "") -> bytes:
    """Return whole fragments, beginning with a keyframe, as a self-contained piece of MPEG-TS.

    Its pictures are at most 1280 wide and high and about 15 a second; their pixels are square. It
    begins at `at` and lasts as long as `span` says, so that pieces follow each other as the
    fragments do; 10 s are added to all times. Sound is left out: where some pieces have sound and
    others none, players stop at each change. A caption is put in a band above the picture.

    Decoded and encoded picture by picture in the calling thread. Raise `FootageError` when the
    fragments cannot be decoded, `EncoderMissingError` when this machine has no encoder.
    """
    shown = describe(header)
    with reading():
        decoder = Decoder(shown)
        scale = shown.timescales[shown.video]
        origin = Fraction(at // timedelta(microseconds=1), 1_000_000)
        piece: Piece | None = None
        first: Sample | None = None
        end, last = 0, Fraction(-1)
        for sample in chain(samples(fragments, shown), (None,)):
            if sample is not None:
                first = first or sample
                end = max(end, sample.shown_at + sample.duration)
            for frame in decoder.decode(sample):
                if first is None or frame.pts is None or frame.pts < first.shown_at:
                    continue  # needs pictures from before the first one
                time = Fraction(frame.pts - first.decode_time, scale)
                if piece is not None and time - last < _STEP:
                    continue
                if piece is None:
                    size = decoder.fitted(frame, LARGEST, LARGEST)
                    top = band(caption, size) if caption else None
                    height = size[1] + (0 if top is None else top.height)
                    piece = Piece(size[0], height, matrix_of(frame))
                picture = drawn(frame, size, "yuv420p")
                piece.show(picture if top is None else stacked(top, picture), origin + time)
                last = time
        if piece is None or first is None:
            raise FootageError("no picture")
        return piece.close(origin + Fraction(end - first.decode_time, scale))
