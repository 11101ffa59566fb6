"""One stored keyframe, decoded in small: in memory, in the calling thread, for as long as a look takes."""

from dataclasses import dataclass, field
from itertools import islice

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation
from numpy.typing import NDArray

from ..errors import FootageError
from ..viewing.decoding import Decoder, drawn, samples
from ..viewing.screen import describe, reading
from .features import WIDTH, Luma, height_for

_BLACK, _WHITE = 16, 235
"""Luma of limited range (ITU-R BT.601, 2.5.3)."""
_COUNTED = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Small:
    """A small picture: luma of full range, the mean distance of its colours from grey, of 255.

    `width` and `height` are as the camera sent it; `rate` is pictures a second, None if not known.
    """

    luma: Luma = field(repr=False)
    colour: float
    width: int
    height: int
    rate: float | None = None


def small_of(frame: VideoFrame, rate: float | None = None) -> Small:
    """Return a decoded picture in small."""
    size = (WIDTH, height_for(frame.width, frame.height))
    made = drawn(frame, size, "yuv420p", Interpolation.AREA)
    luma, *colours = (_array(made, plane) for plane in range(3))
    full = (np.clip(luma, _BLACK, _WHITE).astype(np.float32) - _BLACK) * (255 / (_WHITE - _BLACK))
    away = sum(float(np.abs(each.astype(np.float32) - 128).mean()) for each in colours)
    return Small(
        luma=np.rint(full).astype(np.uint8),
        colour=away,
        width=frame.width,
        height=frame.height,
        rate=rate,
    )


def small_picture(header: bytes, fragment: bytes) -> Small:
    """Return the first picture of a whole fragment in small; no other is decoded.

    Raise `FootageError` when the fragment does not begin with a keyframe or cannot be decoded.
    """
    shown = describe(header)
    with reading():
        first, *others = islice(samples(fragment, shown), _COUNTED)
        lasted = shown.time(sum(each.duration for each in (first, *others))).total_seconds()
        decoder = Decoder(shown)
        frames = decoder.decode(first) or decoder.decode(None)
        if not frames:
            raise FootageError("no picture")
        return small_of(frames[0], (1 + len(others)) / lasted if lasted > 0 else None)


def _array(frame: VideoFrame, number: int) -> NDArray[np.uint8]:
    plane = frame.planes[number]
    held = np.frombuffer(plane, dtype=np.uint8).reshape(-1, plane.line_size)
    return held[: plane.height, : plane.width]
