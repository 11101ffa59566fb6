"""A piece that shows that there is no footage, so that a gap is seen as a gap."""

from collections.abc import Sequence
from datetime import timedelta
from fractions import Fraction
from io import BytesIO
from math import ceil

import av
from av.stream import Stream
from av.video.frame import VideoFrame
from PIL import Image, ImageDraw

from ..media.fragments import FragmentBuilder, Samples, Track, describe
from ..media.units import Framing, to_stored
from .decoding import BT_601, drawn
from .encoding import TICKS, Piece
from .lettering import GROUND, INK, letter

_SOUND_RATE = 48_000
_SILENCE = bytes.fromhex("01182007")
"""A frame of AAC-LC, mono, in which nothing is heard."""
_SILENCE_TICKS = 1024
_SOUND = Track(
    index=1,
    codec="aac",
    video=False,
    framing=Framing.WHOLE,
    time_base=Fraction(1, _SOUND_RATE),
)
_MICROSECOND = timedelta(microseconds=1)


def notice(lines: Sequence[str], size: tuple[int, int], length: timedelta, at: timedelta) -> bytes:
    """Return a piece of MPEG-TS like those of `convert`: a camera struck out, and lines under it.

    A line may have the letters that `lettering` brings. `size` has even sides. Raise
    `EncoderMissingError` when this machine has no encoder.
    """
    piece = Piece(*size, BT_601)
    frame = drawn(VideoFrame.from_bytes(_sketch(lines, size).tobytes(), *size), size, "yuv420p")
    begin = Fraction(at // _MICROSECOND, 1_000_000)
    piece.show(frame, begin)
    return piece.close(begin + Fraction(length // _MICROSECOND, 1_000_000))


def notice_segment(
    lines: Sequence[str], size: tuple[int, int], length: timedelta, *, sound: bool
) -> tuple[bytes, bytes]:
    """Return the same as header and fragment, like those of a stored segment, beginning at 0.

    For a playlist of stored footage, which a piece of MPEG-TS cannot stand in everywhere. With
    `sound` it is silent; without, it has no track for sound.
    """
    with (
        av.open(BytesIO(notice(lines, size, length, timedelta())), "r", format="mpegts") as piece,
        av.open(BytesIO(), "w", format="mp4") as silent,
    ):
        pictures = piece.streams.video[0]
        streams: list[Stream] = [pictures]
        packets = [packet for packet in piece.demux(pictures) if packet.size]
        samples = {
            0: Samples(
                payloads=[to_stored(bytes(each), Framing.ANNEX_B) for each in packets],
                dts=[each.dts for each in packets],
                pts=[each.pts for each in packets],
                keys=[each.is_keyframe for each in packets],
            )
        }
        kept = [Track.of(pictures, Framing.ANNEX_B, Fraction(1, TICKS))]
        if sound:
            streams.append(silent.add_stream("aac", rate=_SOUND_RATE, layout="mono"))
            silent.start_encoding()
            kept.append(_SOUND)
            times = list(range(0, ceil(length.total_seconds() * _SOUND_RATE), _SILENCE_TICKS))
            samples[_SOUND.index] = Samples(
                payloads=[_SILENCE] * len(times),
                dts=[*times],
                pts=[*times],
                keys=[True] * len(times),
                duration=_SILENCE_TICKS,
            )
        header = describe(streams)
        length_us = length // _MICROSECOND
        first = packets[0].dts or 0
        following: dict[int, int | None] = {0: first + length_us * TICKS // 1_000_000}
        return header.data, FragmentBuilder(kept, header).build(samples, following, 0, length_us)


def _sketch(lines: Sequence[str], size: tuple[int, int]) -> Image.Image:
    width, height = size
    image = Image.new("RGBA", size, GROUND)
    draw = ImageDraw.Draw(image)
    unit = min(width, height) / 36
    middle, top = width / 2, height * 0.42

    def box(left: float, up: float, right: float, down: float) -> tuple[float, float, float, float]:
        return (
            *(middle + left * unit, top + up * unit),
            *(middle + right * unit, top + down * unit),
        )

    draw.rounded_rectangle(box(-7, -4, 3, 4), unit, fill=INK)
    draw.polygon(
        [(middle + x * unit, top + y * unit) for x, y in ((4, -1), (7, -3.5), (7, 3.5), (4, 1))],
        fill=INK,
    )
    for colour, thick in ((GROUND, 2.4), (INK, 0.9)):
        draw.line(box(-7, 6, 7, -6), colour, round(thick * unit))
    for number, line in enumerate(lines):
        at = (middle, top + (9.5 + 3.2 * number) * unit)
        letter(draw, line, at, max(unit * 2.4, 8), width * 0.96)
    return image
