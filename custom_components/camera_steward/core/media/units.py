"""Encoded units as they came: NAL units of H.264/H.265, else packet payloads."""

from dataclasses import dataclass
from enum import Enum
from struct import Struct

_START = b"\x00\x00\x01"
_LENGTH = Struct(">I")


class Framing(Enum):
    """How a packet's payload is divided into units."""

    WHOLE = 0
    """The payload is one unit (MJPEG, AAC, G.711, Opus, stills)."""

    ANNEX_B = 1
    """NAL units behind start codes (ITU-T H.264 and H.265, Annex B)."""

    LENGTH_1 = 2
    """NAL units behind 1-byte lengths (ISO/IEC 14496-15)."""

    LENGTH_2 = 3
    """NAL units behind 2-byte lengths."""

    LENGTH_4 = 4
    """NAL units behind 4-byte lengths, as segments hold them."""


NAL_CODECS = frozenset({"h264", "hevc"})
_HEVC_SETS = frozenset({32, 33, 34})


def framing_of(codec: str, extradata: bytes) -> Framing:
    """Tell a stream's framing from its codec name and its extradata (avcC, hvcC, or Annex B)."""
    if codec not in NAL_CODECS:
        return Framing.WHOLE
    at = 4 if codec == "h264" else 21
    if len(extradata) > at and extradata[0] == 1:
        return {0: Framing.LENGTH_1, 1: Framing.LENGTH_2}.get(extradata[at] & 3, Framing.LENGTH_4)
    return Framing.ANNEX_B


def to_stored(payload: bytes, framing: Framing) -> bytes:
    """Return a payload with each NAL unit behind its 4-byte length; other payloads unchanged."""
    if framing is Framing.ANNEX_B:
        # Most packets are a single unit behind a 4-byte start code: no list for those.
        if payload[:4] == b"\x00\x00\x00\x01" and payload.find(_START, 4) < 0:
            length = len(payload) if payload[-1] else len(payload.rstrip(b"\x00"))
            return _LENGTH.pack(length - 4) + memoryview(payload)[4:length]
        return join_stored(split_annex_b(payload))
    if framing in (Framing.LENGTH_1, Framing.LENGTH_2):
        return join_stored(_split_lengths(payload, 1 if framing is Framing.LENGTH_1 else 2))
    return payload


def split_annex_b(payload: bytes) -> list[bytes]:
    """Return the NAL units of an Annex B byte stream, in order.

    Zero bytes before a start code (`leading_zero_8bits`, `trailing_zero_8bits`) belong to the
    byte stream and not to the unit, which never ends in a zero byte (H.264 7.4.1, H.265 7.4.2.1).
    """
    return [unit for part in payload.split(_START)[1:] if (unit := part.rstrip(b"\x00"))]


def split_stored(payload: bytes) -> list[bytes]:
    """Return the NAL units of a payload as segments hold it."""
    return _split_lengths(payload, 4)


def join_stored(units: list[bytes]) -> bytes:
    """Return NAL units as a segment holds them, each behind its 4-byte length."""
    return b"".join(part for unit in units for part in (_LENGTH.pack(len(unit)), unit))


def to_annex_b(payload: bytes) -> bytes:
    """Return a payload as segments hold it with start codes instead of lengths."""
    return b"".join(b"\x00\x00\x00\x01" + unit for unit in split_stored(payload))


def complete(description: bytes) -> bool:
    """Return whether an hvcC holds all parameter sets, as sample entry hvc1 promises.

    Cameras repeat them in the stream, but a change of them begins another segment.
    """
    at = 23
    found = set()
    for _ in range(description[22]):
        found.add(description[at] & 0x3F)
        count = int.from_bytes(description[at + 1 : at + 3])
        at += 3
        for _ in range(count):
            at += 2 + int.from_bytes(description[at : at + 2])
    return found >= _HEVC_SETS


def _split_lengths(payload: bytes, size: int) -> list[bytes]:
    units = []
    at = 0
    while at + size <= len(payload):
        length = int.from_bytes(payload[at : at + size])
        at += size
        units.append(payload[at : at + length])
        at += length
    return units


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterSets:
    """The units that say how to decode what follows; a change starts a new segment."""

    units: tuple[bytes, ...]

    @classmethod
    def of(cls, codec: str, stored: bytes) -> ParameterSets:
        """Pick the parameter sets out of a keyframe's payload as segments hold it."""
        if codec == "h264":
            units = [u for u in split_stored(stored) if u and u[0] & 0x1F in (7, 8)]
        elif codec == "hevc":
            units = [u for u in split_stored(stored) if u and u[0] >> 1 & 0x3F in _HEVC_SETS]
        else:
            units = []
        return cls(units=tuple(dict.fromkeys(units)))
