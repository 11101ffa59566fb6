"""Read fragmented MP4: find the fragments of a segment, their samples and their digest."""

import hashlib
from collections.abc import Buffer, Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from struct import Struct, unpack_from
from typing import Protocol

_HEADER = Struct(">I4s")
_NTP_EPOCH = 2_208_988_800
_NTP_ERA = 2**32
"""NTP counts seconds in 32 bits and begins anew in 2036."""
_UNIT_LENGTH = Struct(">I")
_NAL_ENTRIES = frozenset({b"avc1", b"avc3", b"hvc1", b"hev1"})

NON_SYNC = 0x10000
"""Flag of a sample that cannot be decoded alone."""


class BoxError(ValueError):
    """The bytes are no fragmented MP4 of ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredTrack:
    """A track as a segment's header boxes declare it; `timescale` in ticks a second."""

    track: int
    handler: str
    entry: str
    timescale: int
    width: int = 0
    height: int = 0

    @property
    def nal(self) -> bool:
        """Return whether samples are NAL units behind 4-byte lengths."""
        return self.entry.encode() in _NAL_ENTRIES


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRun:
    """The samples of one track in one fragment; `data_at` counts from the fragment's start.

    `flags` are those of each sample (ISO/IEC 14496-12, 8.8.3.1). `shifts` say how much later than
    decoded each is shown; empty where it is at once.
    """

    track: int
    decode_time: int
    data_at: int
    sizes: tuple[int, ...]
    durations: tuple[int, ...]
    flags: tuple[int, ...]
    shifts: tuple[int, ...]

    @property
    def keyframe(self) -> bool:
        """Return whether the first sample needs no other."""
        return bool(self.flags) and not self.flags[0] & NON_SYNC


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFragment:
    """One prft+moof+mdat; `offset` and `length` in bytes of the segment's media."""

    offset: int
    length: int
    captured_us: int
    runs: tuple[StoredRun, ...] = field(repr=False)


def boxes(data: Buffer, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield (type, body start, box end) of complete boxes in [start, end); stop at a torn one."""
    at = start
    while at + 8 <= end:
        size, kind = _HEADER.unpack_from(data, at)
        body = at + 8
        if size == 1:
            if at + 16 > end:
                return
            (size,) = unpack_from(">Q", data, body)
            body += 8
        if size < body - at or at + size > end:
            return
        yield bytes(kind), body, at + size
        at += size


def find(data: Buffer, path: tuple[bytes, ...], start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield (body start, box end) of the boxes at this path of types in [start, end)."""
    for kind, body, stop in boxes(data, start, end):
        if kind == path[0]:
            if len(path) == 1:
                yield body, stop
            else:
                yield from find(data, path[1:], body, stop)


def tracks(media: bytes) -> list[StoredTrack]:
    """Return the tracks that the leading boxes declare; `BoxError` when there is none."""
    found = []
    for start, end in find(media, (b"moov", b"trak"), 0, len(media)):
        number = timescale = width = height = 0
        handler = entry = ""
        for body, _ in find(media, (b"tkhd",), start, end):
            wide = media[body] == 1
            (number,) = unpack_from(">I", media, body + (20 if wide else 12))
        for body, _ in find(media, (b"mdia", b"mdhd"), start, end):
            wide = media[body] == 1
            (timescale,) = unpack_from(">I", media, body + (20 if wide else 12))
        for body, _ in find(media, (b"mdia", b"hdlr"), start, end):
            handler = media[body + 8 : body + 12].decode("latin-1")
        for body, _ in find(media, (b"mdia", b"minf", b"stbl", b"stsd"), start, end):
            entry = media[body + 12 : body + 16].decode("latin-1")
            if handler == "vide":
                width, height = unpack_from(">HH", media, body + 40)
        if not timescale:
            raise BoxError("a track has no timescale")
        found.append(
            StoredTrack(
                track=number,
                handler=handler,
                entry=entry,
                timescale=timescale,
                width=width,
                height=height,
            )
        )
    if not found:
        raise BoxError("no tracks")
    return found


def fragments(media: bytes, start: int = 0) -> Iterator[StoredFragment]:
    """Yield the complete fragments in order; a torn one at the end is passed over."""
    opened: tuple[int, int] | None = None
    runs: list[StoredRun] = []
    for kind, body, end in boxes(media, start, len(media)):
        if kind == b"prft":
            seconds, fraction = unpack_from(">II", media, body + 8)
            micros = (seconds - _NTP_EPOCH) % _NTP_ERA * 1_000_000 + round(
                fraction * 1_000_000 / 2**32
            )
            opened = (body - 8, micros)
        elif kind == b"moof" and opened is not None:
            runs = list(runs_of(media, body, end, body - 8 - opened[0]))
        elif kind == b"mdat" and opened is not None:
            yield StoredFragment(
                offset=opened[0],
                length=end - opened[0],
                captured_us=opened[1],
                runs=tuple(runs),
            )
            opened = None


def runs_of(media: bytes, start: int, end: int, moof_at: int) -> Iterator[StoredRun]:
    """Yield the runs that a moof's body [start, end) declares; `moof_at` is added to `data_at`."""
    for body, stop in find(media, (b"traf",), start, end):
        number = decode_time = 0
        for at, _ in find(media, (b"tfhd",), body, stop):
            (number,) = unpack_from(">I", media, at + 4)
        for at, _ in find(media, (b"tfdt",), body, stop):
            (decode_time,) = unpack_from(">Q", media, at + 4)
        for at, _ in find(media, (b"trun",), body, stop):
            flags = int.from_bytes(media[at + 1 : at + 4])
            count, data_at = unpack_from(">Ii", media, at + 4)
            width = 4 if flags & 0x800 else 3
            rows = unpack_from(f">{count * width}I", media, at + 12)
            yield StoredRun(
                track=number,
                decode_time=decode_time,
                data_at=moof_at + data_at,
                sizes=rows[1::width],
                durations=rows[0::width],
                flags=rows[2::width],
                shifts=unpack_from(f">{count * width}i", media, at + 12)[3::width]
                if width == 4
                else (),
            )


class UnitHash(Protocol):
    """A hash of 32 bytes, as `hashlib` makes it."""

    def update(self, data: Buffer, /) -> None:
        """Take bytes."""
        ...

    def digest(self) -> bytes:
        """Return the digest of all so far."""
        ...


def sha256() -> UnitHash:
    """Make the hash of segments of format 2."""
    return hashlib.sha256()


def blake2b_256() -> UnitHash:
    """Make the hash of segments of format 1."""
    return hashlib.blake2b(digest_size=32)


class UnitDigest:
    """A hash over u32 length ‖ unit for each unit in order: the measure of INV-3.

    SHA-256 unless an older segment says otherwise (docs/adr/0008-sha-256-for-units.md).
    """

    def __init__(self, *, nal: bool, make: Callable[[], UnitHash] = sha256) -> None:
        """Start empty; `nal` payloads carry their lengths already."""
        self._nal = nal
        self._hash = make()

    def add(self, sizes: Sequence[int], joined: Buffer) -> None:
        """Take payloads as stored, of these sizes, one behind the other."""
        if self._nal:
            self._hash.update(joined)
            return
        view = memoryview(joined)
        at = 0
        for size in sizes:
            self._hash.update(_UNIT_LENGTH.pack(size))
            self._hash.update(view[at : at + size])
            at += size

    def digest(self) -> bytes:
        """Return the 32 bytes of the digest so far."""
        return self._hash.digest()


class MediaScan:
    """Media that comes piece by piece: its tracks, fragments and digests.

    Never more than one fragment is held, so that a long segment fits a small machine.
    """

    def __init__(self, unit_hash: Callable[[], UnitHash] = sha256) -> None:
        """Begin at the media's first byte; `unit_hash` as the segment's format says."""
        self._unit_hash = unit_hash
        self.tracks: list[StoredTrack] = []
        self.fragments: list[StoredFragment] = []
        self._rest = bytearray()
        self._at = 0
        self._measures: dict[int, UnitDigest] = {}

    def feed(self, data: Buffer) -> None:
        """Take the next bytes; `BoxError` when they are no media of ours."""
        self._rest += data
        done = 0
        opened: int | None = None
        for kind, body, end in boxes(self._rest, 0, len(self._rest)):
            if kind == b"prft":
                opened = body - 8
            elif kind == b"mdat" and opened is not None:
                self._take(bytes(memoryview(self._rest)[opened:end]), self._at + opened)
                opened = None
            elif kind == b"moov":
                self.tracks = tracks(bytes(memoryview(self._rest)[:end]))
                self._measures = {
                    t.track: UnitDigest(nal=t.nal, make=self._unit_hash) for t in self.tracks
                }
            if opened is None:
                done = end
        del self._rest[:done]
        self._at += done

    def digests(self) -> dict[int, bytes]:
        """Return the unit digest of each track over the whole fragments so far."""
        return {track: measure.digest() for track, measure in self._measures.items()}

    def _take(self, piece: bytes, offset: int) -> None:
        view = memoryview(piece)
        for each in fragments(piece):
            for run in each.runs:
                if run.track not in self._measures:
                    raise BoxError("a fragment of no track")
                samples = view[run.data_at : run.data_at + sum(run.sizes)]
                self._measures[run.track].add(run.sizes, samples)
            self.fragments.append(replace(each, offset=offset))


def free_box(length: int) -> bytes:
    """Return a box of `length` >= 8 bytes that readers skip."""
    return _HEADER.pack(length, b"free") + bytes(length - 8)


def prft_box(track: int, captured_us: int, media_time: int) -> bytes:
    """Return the wall-clock time of a fragment's first frame (ISO/IEC 14496-12, 8.16.5)."""
    seconds, micros = divmod(captured_us, 1_000_000)
    fraction = min(round(micros * 2**32 / 1_000_000), 2**32 - 1)
    # flags 24: the time is that of reception at this host, not of the camera's sensor
    return Struct(">I4sIIIIQ").pack(
        32, b"prft", 0x01000018, track, (seconds + _NTP_EPOCH) % _NTP_ERA, fraction, media_time
    )
