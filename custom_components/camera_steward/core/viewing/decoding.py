"""Decode stored pictures, one at a time."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import av
from av.codec.context import Flags
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, Interpolation

from ..errors import FootageError
from ..media.boxes import fragments
from .screen import Shown

_DECODERS = {"av1": ("libdav1d", "av1")}
"""Names by which to ask where the codec's own is that of a mere interface to hardware."""
BT_601 = 6
"""Code of the colours of standard television (ITU-T H.273, matrix coefficients)."""

_MOST_PIXELS = 40_000_000
"""8K and more. A camera may send anything, and a decoder takes memory for what it is told."""
_MATRICES = frozenset({1, 2, 4, 5, 6, 7, 9})
"""Colours (ITU-T H.273, matrix coefficients) that are understood; what a camera says beyond these
is taken for BT.601."""
_WIDEST = 4
"""What a camera says of the shape of its pixels beyond this is a mistake."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One encoded picture; times in ticks of the video, from the segment's start."""

    data: bytes = field(repr=False)
    decode_time: int
    duration: int
    shown_at: int


def samples(media: bytes, shown: Shown, *, begun: bool = False) -> Iterator[Sample]:
    """Yield the pictures of whole fragments in the order in which they are decoded.

    Raise `FootageError` when they do not begin with a keyframe, unless they go on from `begun`.
    """
    for each in fragments(media):
        for run in each.runs:
            if run.track != shown.video:
                continue
            begun = begun or run.keyframe
            if not begun:
                raise FootageError("no keyframe to begin with")
            at, time = each.offset + run.data_at, run.decode_time
            shifts = run.shifts or (0,) * len(run.sizes)
            for size, duration, later in zip(run.sizes, run.durations, shifts, strict=True):
                if at < 0 or at + size > each.offset + each.length:
                    raise FootageError("a picture lies outside its fragment")
                yield Sample(
                    data=media[at : at + size],
                    decode_time=time,
                    duration=duration,
                    shown_at=time + later,
                )
                at += size
                time += duration


class Decoder:
    """Decodes one segment's pictures in the calling thread."""

    def __init__(self, shown: Shown) -> None:
        """Make it ready; raises what FFmpeg raises."""
        names = _DECODERS.get(shown.codec, (shown.codec,))
        name = next((each for each in names if each in av.codecs_available), shown.codec)
        context = av.CodecContext.create(name, "r")
        if not isinstance(context, VideoCodecContext):
            raise FootageError("not a video")
        if shown.description:
            context.extradata = shown.description
        context.thread_count = 1
        context.options = {"max_pixels": str(_MOST_PIXELS)}
        # A camera's keyframe may be one that a decoder would rather not begin with.
        context.flags |= Flags.output_corrupt
        self._context = context

    def skip_unreferenced(self, skip: bool) -> None:
        """Say whether to leave out pictures on which no other depends: that costs less."""
        self._context.skip_frame = "NONREF" if skip else "DEFAULT"

    def decode(self, sample: Sample | None) -> list[VideoFrame]:
        """Return the pictures that are ready; None asks for those that were held back."""
        if sample is None:
            return self._context.decode(None)
        packet = av.Packet(sample.data)
        packet.pts, packet.dts = sample.shown_at, sample.decode_time
        packet.duration = sample.duration
        return self._context.decode(packet)

    def fitted(self, frame: VideoFrame, width: int, height: int) -> tuple[int, int]:
        """Return the even size within `width` x `height` at which a picture's pixels are square."""
        aspect = float(self._context.sample_aspect_ratio or 1)
        if not 1 / _WIDEST <= aspect <= _WIDEST:
            aspect = 1
        return within(frame.width * aspect, frame.height, width, height)


def within(width: float, height: float, widest: int, highest: int) -> tuple[int, int]:
    """Return the even size of the same shape that is no larger."""
    scale = min(widest / width, highest / height, 1)
    return max(round(width * scale / 2) * 2, 2), max(round(height * scale / 2) * 2, 2)


def matrix_of(frame: VideoFrame) -> int:
    """Return the code of a picture's colours once it is drawn in YUV."""
    return frame.colorspace if frame.colorspace in _MATRICES else BT_601


def drawn(
    frame: VideoFrame,
    size: tuple[int, int],
    pixels: str,
    interpolation: Interpolation = Interpolation.BILINEAR,
) -> VideoFrame:
    """Return a picture in another size and kind of pixels; YUV of limited range."""
    usual = frame.colorspace in _MATRICES
    return frame.reformat(
        *size,
        format=pixels,
        src_colorspace=None if usual or frame.format.is_rgb else Colorspace.ITU601,
        dst_colorspace=None if usual else Colorspace.ITU601,
        interpolation=interpolation,
        dst_color_range=ColorRange.MPEG if pixels == "yuv420p" else None,
        threads=1,
    )
