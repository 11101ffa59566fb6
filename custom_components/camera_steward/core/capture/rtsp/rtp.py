"""Put RTP payloads together to pictures and sound, unit by unit as the camera sent them.

One depacketizer for each track of a connection; used by the camera's thread. A unit of which a
part never came is left out: what is stored is what was received, and nothing is made up (INV-3).
"""

from collections.abc import Callable
from struct import Struct
from typing import Protocol, override

from ...media.units import split_annex_b
from ..source import Packet
from .sdp import Media

_U32 = Struct(">I")
_HALF = 1 << 31
_START = b"\x00\x00\x01"
_RECOVERY_POINT = 6
_AAC_TICKS = 1024


class Depacketizer(Protocol):
    """Takes the payloads of one track in order."""

    def take(
        self, payload: memoryview, timestamp: int, marker: bool, lost: bool
    ) -> list[Packet] | None:
        """Return what is whole now, if anything; `lost` says that packets before are missing."""
        ...


type Take = Callable[[memoryview, int, bool, bool], list[Packet] | None]


class _Ticks:
    """RTP times are 32 bits wide and begin anywhere."""

    __slots__ = ("_last",)

    def __init__(self) -> None:
        self._last: int | None = None

    def unwrap(self, timestamp: int) -> int:
        last = timestamp if self._last is None else self._last
        self._last = last + ((timestamp - last + _HALF) & 0xFFFFFFFF) - _HALF
        return self._last


class _NalUnits:
    """Pictures of H.264 or H.265: NAL units, each behind its 4-byte length, as segments hold them.

    A picture is whole at its marker bit. Cameras that set it wrongly are found by what follows: a
    slice that continues a picture which was taken for whole. From then on a picture ends where the
    next one begins.
    """

    header_bytes: int
    """Of a unit; what follows is the slice header, whose first bit says that a picture begins."""

    kind_bits: int
    """Of a unit's first byte."""

    fragmented: int
    """These bits of a payload that is a part of a unit."""

    def __init__(self, track: int, *, timed: bool) -> None:
        self._track = track
        self._timed = timed
        self._ticks = _Ticks()
        self._parts: list[bytes] = []
        self._stamp = 0
        self._shown_at: int | None = None
        self._has_slice = False
        self._keyframe = False
        # Where units behind the last slice begin that may be of the next picture, or -1.
        self._rest_at = -1
        self._rest_is_key = False
        self._marks = True
        self._splits = False
        self._done: list[Packet] = []
        # The unit that comes in parts, and whether something was lost before it.
        self._pieces: list[bytes] = []
        self._after_loss = False

    # What differs: the kind of a unit and what it says of its picture.

    def kind(self, head: int) -> int:
        raise NotImplementedError

    def is_slice(self, kind: int) -> bool:
        raise NotImplementedError

    def is_key(self, kind: int, unit: bytes) -> bool:
        raise NotImplementedError

    def begins(self, kind: int) -> bool:
        """Return whether a unit that is no slice can only stand before a picture's first."""
        raise NotImplementedError

    def take(
        self, payload: memoryview, timestamp: int, marker: bool, lost: bool
    ) -> list[Packet] | None:
        if (
            self._pieces
            and not (lost or marker)
            and timestamp == self._stamp
            and len(payload) > self.header_bytes
            and payload[0] & self.kind_bits == self.fragmented
            and not payload[self.header_bytes] & 0xC0
        ):
            # The bulk of a stream: the middle of a unit.
            self._pieces.append(bytes(payload[self.header_bytes + 1 :]))
            return None
        if lost:
            self._pieces = []  # the rest of it will not come
        if timestamp != self._stamp:
            self._end()
            self._stamp = timestamp
        if len(payload) >= self.header_bytes:
            self._payload(payload, lost)
        if marker and self._marks:
            self._end()
        if not self._done:
            return None
        done, self._done = self._done, []
        return done

    def _payload(self, payload: memoryview, lost: bool) -> None:
        raise NotImplementedError

    def _fragment(self, head: bytes, payload: memoryview, flags: int, lost: bool) -> None:
        """Take a part of a unit: `head` is its header as the first part tells it."""
        if flags & 0x80:
            self._close()
            self._pieces = [head]
            self._after_loss = lost
        elif not self._pieces:
            return  # its beginning never came
        self._pieces.append(bytes(payload))
        if flags & 0x40:
            self._close()

    def _close(self) -> None:
        """End the unit that comes in parts; not all cameras say which part is the last."""
        if self._pieces:
            unit, self._pieces = b"".join(self._pieces), []
            self._unit(unit, self._after_loss)

    def _end(self) -> None:
        """End the picture, if there is one."""
        self._close()
        if self._has_slice:
            self._emit(self._rest_at)

    def _unit(self, unit: bytes, lost: bool) -> None:
        """Take a whole unit."""
        self._close()
        if (self._splits or not self.is_slice(self.kind(unit[0]))) and _START in unit:
            # What a camera sends as one, start codes and all, is taken for what it is.
            self._splits = True
            for each in split_annex_b(_START + unit):
                self._open(each, lost)
        else:
            self._open(unit, lost)

    def _open(self, unit: bytes, lost: bool) -> None:
        """Add a unit to its picture, and end the one before where it begins another."""
        kind = self.kind(unit[0])
        if self.is_slice(kind):
            first = len(unit) > self.header_bytes and bool(unit[self.header_bytes] & 0x80)
            if self._has_slice:
                if first:
                    self._emit(self._rest_at)
            elif not (first or lost) and self._stamp == self._shown_at:
                self._marks = False
            self._has_slice = True
            self._rest_at = -1
        elif self._has_slice and self._rest_at < 0 and self.begins(kind):
            # Of the next picture, or repeated within this one, as some cameras do before each
            # slice: the next slice will tell.
            self._rest_at = len(self._parts)
        if self.is_key(kind, unit):
            if self._rest_at < 0:
                self._keyframe = True
            else:
                self._rest_is_key = True
        self._parts += (_U32.pack(len(unit)), unit)

    def _emit(self, end: int = -1) -> None:
        """Give away a picture; what lies from `end` on is of the next one."""
        parts = self._parts if end < 0 else self._parts[:end]
        if parts:
            shown_at = self._ticks.unwrap(self._stamp) if self._timed else None
            self._done.append(Packet(self._track, b"".join(parts), None, shown_at, self._keyframe))
        self._shown_at = self._stamp
        self._parts = [] if end < 0 else self._parts[end:]
        self._keyframe = end >= 0 and self._rest_is_key
        self._has_slice = self._rest_is_key = False
        self._rest_at = -1


class H264(_NalUnits):
    """RFC 6184, packetization modes 0 and 1."""

    header_bytes, kind_bits, fragmented = 1, 0x1F, 28

    @override
    def kind(self, head: int) -> int:
        return head & 0x1F

    @override
    def is_slice(self, kind: int) -> bool:
        return kind in {1, 2, 5}

    @override
    def is_key(self, kind: int, unit: bytes) -> bool:
        # A recovery point begins what can be decoded as an IDR picture does (H.264 D.2.8).
        return kind == 5 or (kind == 6 and _RECOVERY_POINT in _messages(unit[1:]))

    @override
    def begins(self, kind: int) -> bool:
        return 6 <= kind <= 9 or 14 <= kind <= 18

    @override
    def _payload(self, payload: memoryview, lost: bool) -> None:
        first = payload[0]
        kind = first & 0x1F
        if kind == 28 and len(payload) > 2:
            flags = payload[1]
            self._fragment(bytes((first & 0xE0 | flags & 0x1F,)), payload[2:], flags, lost)
        elif kind == 24:
            for unit in _aggregated(payload[1:]):
                self._unit(unit, lost)
        elif 0 < kind < 24:
            self._unit(bytes(payload), lost)


class H265(_NalUnits):
    """RFC 7798 without decoding order numbers."""

    header_bytes, kind_bits, fragmented = 2, 0x7E, 49 << 1

    @override
    def kind(self, head: int) -> int:
        return head >> 1 & 0x3F

    @override
    def is_slice(self, kind: int) -> bool:
        return kind < 32

    @override
    def is_key(self, kind: int, unit: bytes) -> bool:
        return 16 <= kind <= 23

    @override
    def begins(self, kind: int) -> bool:
        return 32 <= kind <= 35 or kind == 39 or 41 <= kind <= 44 or 48 <= kind <= 55

    @override
    def _payload(self, payload: memoryview, lost: bool) -> None:
        kind = payload[0] >> 1 & 0x3F
        if kind == 49 and len(payload) > 3:
            flags = payload[2]
            head = bytes((payload[0] & 0x81 | (flags & 0x3F) << 1, payload[1]))
            self._fragment(head, payload[3:], flags, lost)
        elif kind == 48:
            for unit in _aggregated(payload[2:]):
                self._unit(unit, lost)
        elif kind < 48:
            self._unit(bytes(payload), lost)


class _Aac:
    """RFC 3640, AAC-hbr: 13 bits of size and 3 of index before each access unit."""

    def __init__(self, track: int, *, timed: bool) -> None:
        self._track = track
        self._timed = timed
        self._ticks = _Ticks()
        self._stamp = -1
        self._parts: list[bytes] = []

    def take(
        self, payload: memoryview, timestamp: int, marker: bool, lost: bool
    ) -> list[Packet] | None:
        if lost or timestamp != self._stamp:
            self._parts = []
        self._stamp = timestamp
        if len(payload) < 4:
            return None
        at = 2 + int.from_bytes(payload[:2]) // 8
        sizes = [int.from_bytes(payload[n : n + 2]) >> 3 for n in range(2, min(at, 4096), 2)]
        shown_at = self._ticks.unwrap(timestamp)
        if len(sizes) == 1 and sizes[0] > len(payload) - at:
            self._parts.append(bytes(payload[at:]))
            if not marker:
                return None
            unit, self._parts = b"".join(self._parts), []
            if len(unit) != sizes[0]:
                return None  # a part of it never came
            payload, at = memoryview(unit), 0
        done = []
        for number, size in enumerate(sizes):
            if not 0 < size <= len(payload) - at:
                break
            ticks = shown_at + number * _AAC_TICKS if self._timed else None
            done.append(
                Packet(self._track, bytes(payload[at : at + size]), ticks, ticks, True, _AAC_TICKS)
            )
            at += size
        return done


class _Whole:
    """Each payload is a unit: G.711 (RFC 3551), a byte for each tick, and Opus (RFC 7587)."""

    def __init__(self, track: int, *, timed: bool, a_byte_a_tick: bool) -> None:
        self._track = track
        self._timed = timed
        self._ticks = _Ticks()
        self._a_byte_a_tick = a_byte_a_tick

    def take(
        self, payload: memoryview, timestamp: int, marker: bool, lost: bool
    ) -> list[Packet] | None:
        if not payload:
            return None
        ticks = self._ticks.unwrap(timestamp) if self._timed else None
        lasts = len(payload) if self._a_byte_a_tick else 0
        return [Packet(self._track, bytes(payload), ticks, ticks, True, lasts)]


def depacketizer_for(media: Media, track: int, *, timed: bool) -> Depacketizer | None:
    """Return what puts a stream together; None for what is left to FFmpeg.

    Not `timed`: packets get no times of the camera's, only those of their arrival.
    """
    said = media.parameters
    match media.kind, media.encoding:
        case "video", "h264" if said.get("packetization-mode", "0") in {"", "0", "1"}:
            return H264(track, timed=timed)
        case "video", "h265" if said.get("sprop-max-don-diff", "0") == "0":
            return H265(track, timed=timed)
        case "audio", "mpeg4-generic":
            lengths = [said.get(f"{name}length") for name in ("size", "index", "indexdelta")]
            return _Aac(track, timed=timed) if lengths == ["13", "3", "3"] else None
        case "audio", "pcmu" | "pcma":
            return _Whole(track, timed=timed, a_byte_a_tick=True)
        case "audio", "opus":
            return _Whole(track, timed=timed, a_byte_a_tick=False)
    return None


def _aggregated(payload: memoryview) -> list[bytes]:
    """Return the units of an aggregation packet, each behind its 2-byte size."""
    units = []
    at = 0
    while at + 2 < len(payload):
        size = int.from_bytes(payload[at : at + 2])
        if 0 < size <= len(payload) - at - 2:
            units.append(bytes(payload[at + 2 : at + 2 + size]))
        at += 2 + size
    return units


def _messages(sei: bytes) -> set[int]:
    """Return the types of the messages of an SEI unit (H.264 7.3.2.3)."""
    sei = sei.replace(b"\0\0\3", b"\0\0")  # as escaped against start codes (7.4.1)
    found, at = set(), 0
    while at + 2 <= len(sei) and sei[at] != 0x80:
        kind = size = 0
        while at < len(sei) and sei[at] == 0xFF:
            kind, at = kind + 255, at + 1
        kind, at = kind + sei[at] if at < len(sei) else -1, at + 1
        while at < len(sei) and sei[at] == 0xFF:
            size, at = size + 255, at + 1
        size, at = size + sei[at] if at < len(sei) else 0, at + 1
        found.add(kind)
        at += size
    return found
