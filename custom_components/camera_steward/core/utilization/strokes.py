"""Lines, arrows, figures and letters on a picture in memory, drawn large and made smaller at the end.

Letters are of the font that comes along (`script/font`): no machine has one for every language.
"""

import io
import math
from functools import lru_cache
from pathlib import Path
from typing import Final

from PIL import Image, ImageDraw, ImageFont

from .geometry import Point

type Colour = tuple[int, int, int] | tuple[int, int, int, int]

INK: Final = (38, 44, 52)
PAPER: Final = (255, 255, 255)
QUIET: Final = (96, 104, 114)

_FINE: Final = 2
"""How many times larger it is drawn."""
_FONT: Final = Path(__file__).parents[1] / "viewing" / "lettering.otf"
_MOST_PIXELS: Final = 50_000_000
"""Of a picture that somebody uploaded; a decoder takes memory for what it is told."""


@lru_cache(maxsize=16)
def _font(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(_FONT, size)


class Sheet:
    """A picture to draw on; lengths are pixels of what comes out."""

    def __init__(self, size: tuple[int, int], ground: Colour = PAPER) -> None:
        self.size = size
        self._image = Image.new("RGB", (size[0] * _FINE, size[1] * _FINE), ground)
        self._draw = ImageDraw.Draw(self._image, "RGBA")

    def paste(self, picture: Image.Image, at: tuple[int, int], size: tuple[int, int]) -> None:
        """Lay a picture on it, which may let through what is below."""
        whole = size[0] * _FINE, size[1] * _FINE
        fitted = picture.resize(whole, Image.Resampling.BICUBIC)
        corner = at[0] * _FINE, at[1] * _FINE
        self._image.paste(fitted, corner, fitted if fitted.mode == "RGBA" else None)

    def line(self, points: list[Point], width: float, colour: Colour) -> None:
        """Draw a line with round joints."""
        self._draw.line(self._fine(points), fill=colour, width=self._width(width), joint="curve")

    def polygon(self, points: list[Point], colour: Colour) -> None:
        """Fill a polygon."""
        self._draw.polygon(self._fine(points), fill=colour)

    def box(self, corner: Point, size: Point, colour: Colour, radius: float = 0.0) -> None:
        """Fill a box, perhaps with round corners."""
        ends = [corner, (corner[0] + size[0], corner[1] + size[1])]
        self._draw.rounded_rectangle(self._fine(ends), radius * _FINE, fill=colour)

    def frame(self, corner: Point, size: Point, width: float, colour: Colour) -> None:
        """Draw the border of a box."""
        ends = self._fine([corner, (corner[0] + size[0], corner[1] + size[1])])
        self._draw.rectangle(ends, outline=colour, width=self._width(width))

    def oval(self, middle: Point, across: float, down: float, colour: Colour) -> None:
        """Fill an oval of these radii."""
        (x, y) = middle
        self._draw.ellipse(
            self._fine([(x - across, y - down), (x + across, y + down)]), fill=colour
        )

    def arrow(self, start: Point, end: Point, width: float, colour: Colour, casing: Colour) -> None:
        """Draw an arrow with a border around it."""
        length = math.dist(start, end)
        along = (end[0] - start[0]) / length, (end[1] - start[1]) / length
        head = width * 1.6 + 6
        for more, fill in ((1.5, casing), (0.0, colour)):
            neck = end[0] - along[0] * head, end[1] - along[1] * head
            half, wide = width / 2 + more, head * 0.62 + more * 1.6
            tip = end[0] + along[0] * more * 1.6, end[1] + along[1] * more * 1.6
            tail = start[0] - along[0] * more, start[1] - along[1] * more
            back = neck[0] - along[0] * more, neck[1] - along[1] * more
            shape = [
                _beside(tail, along, half),
                _beside(back, along, half),
                _beside(back, along, wide),
                tip,
                _beside(back, along, -wide),
                _beside(back, along, -half),
                _beside(tail, along, -half),
            ]
            self.polygon(shape, fill)

    def text(
        self, line: str, at: Point, height: float, colour: Colour = INK, *, anchor: str = "lm"
    ) -> float:
        """Write a line at a point (Pillow's anchors); return how wide it is."""
        font = _font(round(height * _FINE))
        self._draw.text(self._fine([at])[0], line, fill=colour, font=font, anchor=anchor)
        return font.getlength(line) / _FINE

    def person(
        self, foot: Point, height: float, colour: Colour, casing: Colour | None = None
    ) -> None:
        """Draw a standing figure by its feet, perhaps with a border around it."""
        if casing is not None:
            self._figure(*foot, height, max(height * 0.022, 1.2), casing)
        self._figure(*foot, height, 0.0, colour)

    def _figure(self, x: float, y: float, height: float, more: float, fill: Colour) -> None:
        head, wide = height * 0.115, height * 0.145
        self.oval((x, y - height + head), head + more, head + more, fill)
        top, hip = y - height * 0.735, y - height * 0.34
        size = 2 * (wide + more), hip - top + 2 * more
        self.box((x - wide - more, top - more), size, fill, radius=wide * 0.8)
        leg, gap = height * 0.088, height * 0.017
        for side in (-1, 1):
            left = x + side * (gap + leg / 2) - leg / 2
            corner = left - more, hip - height * 0.12
            self.box(corner, (leg + 2 * more, y - corner[1] + more), fill, radius=leg * 0.45)

    def png(self) -> bytes:
        """Return it as PNG without metadata."""
        made = io.BytesIO()
        small = self._image.resize(self.size, Image.Resampling.BOX)
        small.save(made, "PNG", optimize=False)
        return made.getvalue()

    def _fine(self, points: list[Point]) -> list[tuple[float, float]]:
        return [(x * _FINE, y * _FINE) for x, y in points]

    def _width(self, width: float) -> int:
        return max(round(width * _FINE), 1)


def _beside(point: Point, along: Point, by: float) -> Point:
    return point[0] - along[1] * by, point[1] + along[0] * by


def opened(data: bytes | None) -> Image.Image | None:
    """Return an uploaded picture; None where there is none, or none that can be read."""
    if data is None:
        return None
    try:
        picture = Image.open(io.BytesIO(data), formats=("JPEG", "PNG", "WEBP"))
        if picture.width * picture.height > _MOST_PIXELS:
            return None
        return picture.convert("RGB")
    except (OSError, ValueError, Image.DecompressionBombError):  # fmt: skip
        return None
