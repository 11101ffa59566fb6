"""Letters in pictures, in letter forms that come along: no machine has fonts for every language."""

from pathlib import Path

from av.video.frame import VideoFrame
from av.video.plane import VideoPlane
from PIL import Image, ImageDraw, ImageFont

from .decoding import drawn

GROUND = (24, 26, 30)
INK = (190, 194, 200)

_FONT = Path(__file__).with_name("lettering.otf")
"""Cut out of Noto Sans CJK JP (lettering.txt) by `script/font`: what the drawn texts need."""
_LEAST = 6.0


def letter(
    draw: ImageDraw.ImageDraw, line: str, middle: tuple[float, float], height: float, width: float
) -> None:
    """Write a line around a point: letters of this height, or less where it would be wider."""
    font = ImageFont.truetype(_FONT, height)
    if (wide := font.getlength(line)) > width:
        font = font.font_variant(size=max(height * width / wide, _LEAST))
    draw.text(middle, line, fill=INK, font=font, anchor="mm")


def band_height(size: tuple[int, int]) -> int:
    """Return how high a band with a caption beside a picture of this size is; even."""
    return max(round(min(size) / 40) * 2, 16)


def band(caption: str, size: tuple[int, int]) -> VideoFrame:
    """Return a band as wide as a picture of this size, with a caption."""
    width, height = size[0], band_height(size)
    image = Image.new("RGBA", (width, height), GROUND)
    middle = (width / 2, height / 2)
    letter(ImageDraw.Draw(image), caption, middle, height * 0.66, width * 0.96)
    frame = VideoFrame.from_bytes(image.tobytes(), width, height)
    return drawn(frame, (width, height), "yuv420p")


def stacked(upper: VideoFrame, lower: VideoFrame) -> VideoFrame:
    """Return two pictures of the same width as one; all are yuv420p."""
    both = VideoFrame(upper.width, upper.height + lower.height, "yuv420p")
    for whole, *halves in zip(both.planes, upper.planes, lower.planes, strict=True):
        whole.update(b"".join(_lines(each, whole.line_size) for each in halves))
    return both


def _lines(plane: VideoPlane, line_size: int) -> bytes:
    """Return a plane's bytes with lines of another length; what is beyond its width is padding."""
    data = bytes(plane)
    if plane.line_size == line_size:
        return data
    starts = range(0, len(data), plane.line_size)
    least = min(plane.line_size, line_size)
    return b"".join(data[at : at + least].ljust(line_size, b"\0") for at in starts)
