"""Media of a few hundred bytes by the core's own builder, for tests that need many segments."""

from fractions import Fraction
from struct import pack

from custom_components.camera_steward.core.media.boxes import tracks
from custom_components.camera_steward.core.media.fragments import (
    FragmentBuilder,
    Header,
    Samples,
    Track,
)
from custom_components.camera_steward.core.media.units import Framing

_MATRIX = pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)


def _box(kind: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return pack(">I4s", 8 + len(body), kind) + body


def _header() -> Header:
    entry = _box(
        b"jpeg",
        *(bytes(6), pack(">H", 1), bytes(16), pack(">HH", 320, 240)),
        *(pack(">IIIH", 0x480000, 0x480000, 0, 1), bytes(32), pack(">Hh", 24, -1)),
    )
    stbl = _box(
        b"stbl",
        _box(b"stsd", pack(">II", 0, 1), entry),
        *(_box(kind, pack(">II", 0, 0)) for kind in (b"stts", b"stsc", b"stco")),
        _box(b"stsz", pack(">III", 0, 0, 0)),
    )
    dinf = _box(b"dinf", _box(b"dref", pack(">II", 0, 1), _box(b"url ", pack(">I", 1))))
    hdlr = _box(b"hdlr", pack(">I4s4s", 0, b"mhlr", b"vide"), bytes(12), b"\0")
    mdia = _box(
        b"mdia",
        _box(b"mdhd", pack(">IIIIIHH", 0, 0, 0, 90_000, 0, 0x55C4, 0)),
        hdlr,
        _box(b"minf", _box(b"vmhd", pack(">IQ", 1, 0)), dinf, stbl),
    )
    tkhd = _box(
        b"tkhd",
        pack(">IIIIII", 3, 0, 0, 1, 0, 0),
        *(pack(">QHHHH", 0, 0, 0, 0, 0), _MATRIX, pack(">II", 320 << 16, 240 << 16)),
    )
    mvhd = _box(
        b"mvhd",
        pack(">IIIII", 0, 0, 0, 1000, 0),
        *(pack(">IHHQ", 0x10000, 0x100, 0, 0), _MATRIX, bytes(24), pack(">I", 2)),
    )
    mvex = _box(b"mvex", _box(b"trex", pack(">IIIIII", 0, 1, 1, 0, 0, 0)))
    data = _box(b"ftyp", b"qt  ", pack(">I", 0x200), b"qt  ") + _box(
        b"moov", mvhd, _box(b"trak", tkhd, mdia), mvex
    )
    return Header(data=data, stored=tuple(tracks(data)))


HEADER = _header()
TRACK = Track(
    index=0,
    codec="mjpeg",
    video=True,
    framing=Framing.WHOLE,
    time_base=Fraction(1, 1000),
    width=320,
    height=240,
)
"""One track of pictures, each a keyframe, with times in milliseconds."""


def builder() -> FragmentBuilder:
    """Return what turns pictures into the fragments of one segment."""
    return FragmentBuilder((TRACK,), HEADER)


def fragment(
    build: FragmentBuilder, units: list[bytes], captured_us: int, length_us: int = 1_000_000
) -> bytes:
    """Return one fragment that holds these pictures, spread evenly over its length."""
    step = length_us // 1000 // len(units)
    start = captured_us // 1000
    samples = Samples(
        payloads=units,
        dts=[start + step * n for n in range(len(units))],
        pts=[start + step * n for n in range(len(units))],
        keys=[True] * len(units),
        duration=step,
    )
    return build.build({0: samples}, {}, captured_us, captured_us + length_us)
