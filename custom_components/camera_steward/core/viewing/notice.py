"""A piece that shows that there is no footage, so that a gap is seen as a gap."""

from collections.abc import Sequence
from datetime import timedelta
from fractions import Fraction

from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace
from PIL import Image, ImageDraw, ImageFont

from .encoding import BT_601, Piece

_GROUND = (24, 26, 30)
_INK = (190, 194, 200)
_MICROSECOND = timedelta(microseconds=1)


def notice(lines: Sequence[str], size: tuple[int, int], length: timedelta, at: timedelta) -> bytes:
    """Return a piece of MPEG-TS like those of `convert`: a camera struck out, and lines under it.

    The lines are times: digits and ASCII alone, for no machine has fonts for every language, and
    words belong where the browser draws them (`ValueError` for others). `size` has even sides.
    Raise `EncoderMissingError` when this machine has no encoder.
    """
    if not all(line.isascii() for line in lines):
        raise ValueError("only ASCII can be drawn")
    piece = Piece(*size, BT_601)
    frame = VideoFrame.from_bytes(_drawn(lines, size).tobytes(), *size).reformat(
        format="yuv420p",
        dst_colorspace=Colorspace.ITU601,
        dst_color_range=ColorRange.MPEG,
        threads=1,
    )
    begin = Fraction(at // _MICROSECOND, 1_000_000)
    piece.show(frame, begin)
    return piece.close(begin + Fraction(length // _MICROSECOND, 1_000_000))


def _drawn(lines: Sequence[str], size: tuple[int, int]) -> Image.Image:
    width, height = size
    image = Image.new("RGBA", size, _GROUND)
    draw = ImageDraw.Draw(image)
    unit = min(width, height) / 36
    middle, top = width / 2, height * 0.42

    def box(left: float, up: float, right: float, down: float) -> tuple[float, float, float, float]:
        return (
            *(middle + left * unit, top + up * unit),
            *(middle + right * unit, top + down * unit),
        )

    draw.rounded_rectangle(box(-7, -4, 3, 4), unit, fill=_INK)
    draw.polygon(
        [(middle + x * unit, top + y * unit) for x, y in ((4, -1), (7, -3.5), (7, 3.5), (4, 1))],
        fill=_INK,
    )
    for colour, thick in ((_GROUND, 2.4), (_INK, 0.9)):
        draw.line(box(-7, 6, 7, -6), colour, round(thick * unit))
    font = ImageFont.load_default(max(unit * 2.4, 8))
    for number, line in enumerate(lines):
        at = (middle, top + (9.5 + 3.2 * number) * unit)
        draw.text(at, line, fill=_INK, font=font, anchor="mm")
    return image
