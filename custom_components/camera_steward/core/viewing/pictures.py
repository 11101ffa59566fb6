"""A still picture of stored footage, to find a place in it."""

from io import BytesIO

from av.video.reformatter import Interpolation
from PIL import Image

from ..errors import FootageError
from .decoding import Decoder, drawn, samples
from .screen import describe, reading

_HIGHEST = 4
"""Times its width."""
_QUALITY = 80


def picture(header: bytes, fragment: bytes, width: int = 320) -> bytes:
    """Return the first picture of a whole fragment as a JPEG, at most `width` wide.

    Only that one is decoded, in the calling thread. The JPEG holds nothing but the picture. Raise
    `FootageError` when the fragment does not begin with a keyframe or cannot be decoded.
    """
    shown = describe(header)
    with reading():
        first = next(samples(fragment, shown), None)
        if first is None:
            raise FootageError("no picture")
        decoder = Decoder(shown)
        frames = decoder.decode(first) or decoder.decode(None)
        if not frames:
            raise FootageError("no picture")
        size = decoder.fitted(frames[0], width, width * _HIGHEST)
        frame = drawn(frames[0], size, "rgb24", Interpolation.AREA)
        plane = frame.planes[0]
        image = Image.frombuffer("RGB", size, bytes(plane), "raw", "RGB", plane.line_size, 1)
        made = BytesIO()
        image.save(made, "JPEG", quality=_QUALITY)
        return made.getvalue()
