"""Pictures of H.264 and H.265 as cameras put them into RTP, rightly and wrongly, by Hypothesis."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from hypothesis import strategies as st

from custom_components.camera_steward.core.capture.rtsp.rtp import (
    Depacketizer,
    depacketizer_for,
)
from custom_components.camera_steward.core.capture.rtsp.sdp import Media
from custom_components.camera_steward.core.capture.source import Packet
from tests.cameras.yardstick import split_prefixed

TICKS = 3000
"""Of a picture, at 30 a second."""

WRAP = 1 << 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """A NAL unit, and what it says of its picture."""

    data: bytes
    is_slice: bool = False
    is_key: bool = False


type Picture = tuple[Unit, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rtp:
    """One RTP packet, and the units of which it carries a part."""

    payload: bytes
    timestamp: int
    marker: bool = False
    units: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Codec:
    """How units are made and packed; `sets` is the size of a set of parameter sets' kinds."""

    media: Media
    header_bytes: int
    slices: tuple[int, ...]
    keys: tuple[int, ...]
    sets: tuple[int, ...]
    delimiter: int
    message: int
    suffixes: tuple[int, ...]
    aggregate: int
    fragment: int

    def head(self, kind: int, rank: int = 1) -> bytes:
        """Return a unit's header; `rank` is the NRI or the temporal layer."""
        if self.header_bytes == 1:
            return bytes([rank % 4 << 5 | kind])
        return bytes([kind << 1, 1 + rank % 7])

    def kind(self, unit: bytes) -> int:
        """Return what a unit is."""
        return unit[0] & 0x1F if self.header_bytes == 1 else unit[0] >> 1 & 0x3F

    def depacketizer(self, *, timed: bool = True) -> Depacketizer:
        """Return the one under test, for track 0."""
        found = depacketizer_for(self.media, 0, timed=timed)
        assert found is not None
        return found


H264 = Codec(
    media=Media(
        kind="video",
        protocol="RTP/AVP",
        payload_type=96,
        encoding="h264",
        clock=90000,
        parameters={"packetization-mode": "1"},
    ),
    header_bytes=1,
    slices=(1,),
    keys=(5,),
    sets=(7, 8),
    delimiter=9,
    message=6,
    suffixes=(12,),
    aggregate=24,
    fragment=28,
)
H265 = Codec(
    media=Media(kind="video", protocol="RTP/AVP", payload_type=96, encoding="h265", clock=90000),
    header_bytes=2,
    slices=(0, 1, 2, 8, 9),
    keys=(16, 19, 20, 21),
    sets=(32, 33, 34),
    delimiter=35,
    message=39,
    suffixes=(38, 40),
    aggregate=48,
    fragment=49,
)
CODECS = {"h264": H264, "h265": H265}


# ---------------------------------------------------------------------- units


def escaped(body: bytes) -> bytes:
    """Return a unit's body without start codes and without zero bytes at its end."""
    while b"\0\0" in body:
        body = body.replace(b"\0\0", b"\0\x07")
    return body if body and body[-1] else body + b"\x80"


def sei(*messages: tuple[int, bytes]) -> bytes:
    """Return an SEI unit's body (H.264 7.3.2.3)."""
    body = b""
    for kind, payload in messages:
        body += b"\xff" * (kind // 255) + bytes([kind % 255])
        body += b"\xff" * (len(payload) // 255) + bytes([len(payload) % 255]) + payload
    return body + b"\x80"


@st.composite
def pictures(draw: st.DrawFn, codec: Codec, *, suffixes: bool = True) -> list[Picture]:
    """Draw pictures of which no two units are alike."""
    number = 0

    def body(first: int = 0) -> bytes:
        nonlocal number
        number += 1
        stamp = bytes([first | 0x40, 0x40 | number >> 6, 0x40 | number & 0x3F])
        return escaped(stamp + draw(st.binary(max_size=24)))

    def unit(kind: int, content: bytes, *, is_slice: bool = False, is_key: bool = False) -> Unit:
        head = codec.head(kind, draw(st.integers(1, 3)))
        return Unit(data=head + content, is_slice=is_slice, is_key=is_key)

    def message() -> Unit:
        told = [(draw(st.sampled_from([1, 5, 137, 300])), body()) for _ in range(draw(_FEW))]
        recovers = codec is H264 and draw(st.integers(0, 4)) == 0
        if recovers:
            told.append((6, b"\x80"))
        told.append((5, body()))
        return unit(codec.message, sei(*told), is_key=recovers)

    found = []
    for _ in range(draw(st.integers(1, 6))):
        key = draw(st.booleans())
        picture = []
        if draw(st.booleans()):
            picture.append(unit(codec.delimiter, body()))
        if key and draw(st.booleans()):
            picture += [unit(kind, body()) for kind in codec.sets]
        picture += [message() for _ in range(draw(_FEW))]
        kind = draw(st.sampled_from(codec.keys if key else codec.slices))
        for at in range(draw(st.integers(1, 4))):
            content = body(0x80 if at == 0 else 0)
            picture.append(unit(kind, content, is_slice=True, is_key=key))
        if suffixes and draw(st.booleans()):
            picture.append(unit(draw(st.sampled_from(codec.suffixes)), body()))
        found.append(tuple(picture))
    return found


_FEW = st.integers(0, 2)


def key(picture: Iterable[Unit]) -> bool:
    """Return whether decoding can begin with a picture."""
    return any(unit.is_key for unit in picture)


# ---------------------------------------------------------------------- packets


@dataclass(frozen=True, slots=True, kw_only=True)
class Manners:
    """How a camera packs: each way is one that cameras were seen to have.

    `markers`: at a picture's end, never, or at each slice's. `sets_apart`: what comes before a
    picture's first slice has a marker or a time of its own. `frozen`: all times are alike.
    `ends`: the last fragment of a unit says so.
    """

    markers: Literal["right", "none", "slices"] = "right"
    sets_apart: bool = False
    frozen: bool = False
    ends: bool = True


def manners() -> st.SearchStrategy[Manners]:
    """Draw a camera."""
    return st.builds(
        Manners,
        markers=st.sampled_from(["right", "none"]),
        sets_apart=st.booleans(),
        frozen=st.booleans(),
        ends=st.booleans(),
    )


@st.composite
def packed(
    draw: st.DrawFn, codec: Codec, shown: Sequence[Picture], how: Manners, begin: int = 0
) -> list[Rtp]:
    """Draw how pictures are packed."""
    found: list[Rtp] = []
    for number, picture in enumerate(shown):
        timestamp = begin if how.frozen else (begin + number * TICKS) % WRAP
        packets: list[Rtp] = []
        at = 0
        while at < len(picture):
            several = draw(st.sampled_from([0, 0, 2, 3]))
            if several and at + several <= len(picture):
                taken = picture[at : at + several]
                more = [_aggregated(codec, [unit.data for unit in taken])]
            else:
                taken = picture[at : at + 1]
                cuts = _cuts(draw, codec, taken[0].data)
                more = fragmented(codec, taken[0].data, cuts, ends=how.ends) if cuts else []
                more = more or [Rtp(payload=taken[0].data, timestamp=0, units=(taken[0].data,))]
            at += len(taken)
            sliced = any(unit.is_slice for unit in taken)
            before = not sliced and not any(unit.is_slice for unit in picture[:at])
            moved = timestamp
            if before and how.sets_apart:
                moved = timestamp if how.frozen else (timestamp - draw(_FEW) * TICKS // 3) % WRAP
                more[-1] = replace(more[-1], marker=draw(st.booleans()))
            if sliced and how.markers == "slices":
                more[-1] = replace(more[-1], marker=True)
            packets += [replace(packet, timestamp=moved) for packet in more]
        if how.markers == "right":
            packets[-1] = replace(packets[-1], marker=True)
        found += packets
    return found


def _cuts(draw: st.DrawFn, codec: Codec, unit: bytes) -> list[int]:
    """Draw where a unit is cut, most of the time nowhere."""
    places = st.integers(codec.header_bytes + 1, len(unit) - 1)
    if len(unit) < codec.header_bytes + 2 or draw(st.booleans()):
        return []
    return sorted(draw(st.sets(places, min_size=1, max_size=4)))


def fragmented(codec: Codec, unit: bytes, cuts: Sequence[int], *, ends: bool = True) -> list[Rtp]:
    """Return a unit in parts (FU-A of RFC 6184 5.8, FU of RFC 7798 4.4.3)."""
    kind = codec.kind(unit)
    if codec.header_bytes == 1:
        head = bytes([unit[0] & 0xE0 | codec.fragment])
    else:
        head = bytes([unit[0] & 0x81 | codec.fragment << 1, unit[1]])
    begins = [codec.header_bytes, *cuts]
    stops = [*cuts, len(unit)]
    found = []
    for begin, stop in zip(begins, stops, strict=True):
        flags = (begin == codec.header_bytes) << 7 | (ends and stop == len(unit)) << 6
        payload = head + bytes([flags | kind]) + unit[begin:stop]
        found.append(Rtp(payload=payload, timestamp=0, units=(unit,)))
    return found


def _aggregated(codec: Codec, units: Sequence[bytes]) -> Rtp:
    """Return units in one packet (STAP-A of RFC 6184 5.7.1, AP of RFC 7798 4.4.2)."""
    payload = codec.head(codec.aggregate) + b"".join(len(unit).to_bytes(2) + unit for unit in units)
    return Rtp(payload=payload, timestamp=0, units=tuple(units))


# ---------------------------------------------------------------------- receiving


def received(
    depacketizer: Depacketizer, packets: Iterable[Rtp], gone: Iterable[int] = ()
) -> list[Packet]:
    """Return what comes out; packets of the numbers in `gone` never came."""
    missing = set(gone)
    found: list[Packet] = []
    lost = False
    for number, packet in enumerate(packets):
        if number in missing:
            lost = True
            continue
        view = memoryview(packet.payload)
        found += depacketizer.take(view, packet.timestamp, packet.marker, lost) or []
        lost = False
    return found


def next_picture(codec: Codec, timestamp: int) -> Rtp:
    """Return what ends the picture before where no marker does; it does not come out itself."""
    return Rtp(payload=codec.head(codec.slices[0]) + b"\xc0next", timestamp=timestamp)


def units_of(packets: Iterable[Packet]) -> list[list[bytes]]:
    """Return the units of each picture."""
    return [split_prefixed(packet.payload) for packet in packets]


def sent(shown: Iterable[Picture]) -> list[list[bytes]]:
    """Return the units of each picture as they were sent."""
    return [[unit.data for unit in picture] for picture in shown]
