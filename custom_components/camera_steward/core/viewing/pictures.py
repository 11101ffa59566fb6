"""A still picture of stored footage, to find a place in it."""

from io import BytesIO

from PIL import Image

from ..errors import FootageError
from .decoding import Decoder, samples
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
        wide, high = decoder.fitted(frames[0], width, width * _HIGHEST)
        frame = frames[0].reformat(wide, high, "rgb24", interpolation="AREA", threads=1)
        plane = frame.planes[0]
        image = Image.frombuffer(
            "RGB", (wide, high), bytes(plane), "raw", "RGB", plane.line_size, 1
        )
        made = BytesIO()
        image.save(made, "JPEG", quality=_QUALITY)
        return made.getvalue()
