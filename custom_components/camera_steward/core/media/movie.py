"""Write a plain MP4 or QuickTime file as a stream, out of segments' fragments, samples unaltered.

Nothing is ever gone back to: the samples come first, the index (`moov`) last. Boxes: ISO/IEC
14496-12; origin and start time: ONVIF Export File Format Specification.
"""

import sys
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from struct import pack, unpack_from

from .boxes import (
    NON_SYNC,
    BoxError,
    StoredFragment,
    StoredRun,
    StoredTrack,
    UnitDigest,
    boxes,
    find,
    tracks,
)
from .units import complete

_BRANDS = b"isom\x00\x00\x02\x00isomiso2iso6mp41"
_QUICKTIME = b"qt  "
_EPOCH_1904 = 2_082_844_800
_EPOCH_1601 = 11_644_473_600
"""Seconds from the beginning of these calendars to 1970."""
_HALF = 2**32
_VIDEO_FIELDS = 78
"""Bytes of a video's sample entry before the boxes in it (ISO/IEC 14496-12, 12.1.3)."""
_SLIP_US = 250_000
"""How far a segment may lie beside its time of capture where it follows without a break.

A segment's time is that of arrival, which differs by some hundredths of a second from the camera's
own pace; to hold each to it would make the picture stumble once a minute.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Who exported what, for the box `suep`; `exported_us` in microseconds since 1970."""

    unit: str
    operator: str
    source: str
    exported_us: int


@dataclass(slots=True, kw_only=True)
class _Table:
    """The samples of one track so far; times in ticks of the track."""

    stored: StoredTrack
    digest: UnitDigest
    first: int = 0
    last: int = 0
    until: int = 0
    sizes: array[int] = field(default_factory=lambda: array("I"))
    durations: array[int] = field(default_factory=lambda: array("I"))
    shifts: array[int] = field(default_factory=lambda: array("i"))
    keys: array[int] = field(default_factory=lambda: array("I"))
    chunks: array[int] = field(default_factory=lambda: array("Q"))
    counts: array[int] = field(default_factory=lambda: array("I"))
    shifted: bool = False

    def add(self, run: StoredRun, start: int, data_at: int) -> int:
        """Take a run that shall begin at `start`; return when it does.

        The sample before lasts until then, one tick at least, so that no time goes backwards.
        """
        if self.sizes:
            start = max(start, self.last + 1)
            self.durations[-1] = start - self.last
        else:
            self.first = start
        before = len(self.sizes)
        self.sizes.extend(run.sizes)
        self.durations.extend(run.durations)
        self.shifts.extend(run.shifts or (0,) * len(run.sizes))
        self.shifted |= any(run.shifts)
        self.keys.extend(n for n, flag in enumerate(run.flags, before + 1) if not flag & NON_SYNC)
        self.chunks.append(data_at)
        self.counts.append(len(run.sizes))
        self.until = start + sum(run.durations)
        self.last = self.until - run.durations[-1]
        return start


class Movie:
    """One file that is written from its first byte to its last; used by one thread.

    All fragments are of segments with this header. Held in memory are the sizes and times of the
    samples, 12 bytes each, and what is being written.
    """

    def __init__(self, header: bytes, provenance: Provenance) -> None:
        """Begin with a segment's leading boxes; `BoxError` when these are none."""
        self._header = header
        self._provenance = provenance
        self._tables = {
            each.track: _Table(stored=each, digest=UnitDigest(nal=each.nal))
            for each in tracks(header)
        }
        self._origin_us: int | None = None
        self._begins_us = self._slip_us = 0
        self._new = False
        self._size = 0
        self.at_us = 0
        """Where in the file the last fragment begins, in microseconds."""

    @property
    def quicktime(self) -> bool:
        """Return whether it is QuickTime's flavour, for codecs that MP4 has no place for."""
        return self._header[8:12] == _QUICKTIME

    def digests(self) -> dict[int, bytes]:
        """Return the unit digest (INV-3) of each track over what was written, by its number."""
        return {number: table.digest.digest() for number, table in self._tables.items()}

    def segment(self, captured_us: int, first: StoredFragment) -> None:
        """Say that what follows is of the next segment, of which `first` was taken at this time.

        In microseconds since 1970. The rest of the segment follows by its own times.
        """
        run = next(each for each in first.runs if each.sizes)
        self._begins_us = captured_us - self._us(run.track, run.decode_time)
        self._slip_us = 0
        self._new = True

    def add(self, fragment: bytes, found: StoredFragment) -> Iterator[memoryview | bytes]:
        """Yield the bytes for one fragment (prft, moof, mdat), read as `found`."""
        if any(run.track not in self._tables for run in found.runs):
            raise BoxError("a fragment of no track")
        runs = [run for run in found.runs if run.sizes]
        if self._origin_us is None:
            self._origin_us = min(
                (self._begins_us + self._us(run.track, run.decode_time) for run in runs),
                default=self._begins_us,
            )
            begin = self._begin(runs)
            self._size += len(begin)
            yield begin
        [(body, end)] = find(fragment, (b"mdat",), 0, len(fragment))
        at = self._size - body + 8
        placed = [self._place(run, at) for run in runs]
        self.at_us = min(placed, default=self.at_us)
        view = memoryview(fragment)
        for run in runs:
            joined = view[run.data_at : run.data_at + sum(run.sizes)]
            self._tables[run.track].digest.add(run.sizes, joined)
        self._size += end - body + 8
        yield view[body - 8 : end]

    def end(self) -> bytes:
        """Return the last bytes: the index of all samples."""
        [(start, stop)] = find(self._header, (b"moov",), 0, len(self._header))
        return self._movie(start, stop)

    def _us(self, track: int, ticks: int) -> int:
        return ticks * 1_000_000 // self._tables[track].stored.timescale

    def _ticks(self, track: int, us: int) -> int:
        return (us * self._tables[track].stored.timescale + 500_000) // 1_000_000

    def _place(self, run: StoredRun, at: int) -> int:
        """Enter a run and return where it begins, in microseconds.

        The first one of a segment says how far the segment is moved.
        """
        assert self._origin_us is not None
        table = self._tables[run.track]
        beside_us = self._begins_us - self._origin_us
        wanted = self._ticks(run.track, beside_us) + run.decode_time
        if self._new and table.sizes:
            slip_us = self._us(run.track, table.until - wanted)
            if abs(slip_us) <= _SLIP_US:
                self._slip_us = slip_us
        start = max(wanted + self._ticks(run.track, self._slip_us), 0)
        placed = table.add(run, start, at + run.data_at)
        if self._new and placed > start:
            # No room before it: the whole segment moves, not each of its fragments a little.
            self._slip_us += self._us(run.track, placed - start)
        self._new = False
        return self._us(run.track, placed)

    def _begin(self, runs: Sequence[StoredRun]) -> bytes:
        if self.quicktime:
            return _box(b"ftyp", _QUICKTIME, pack(">I", 0x200), _QUICKTIME)
        told = self._provenance
        exported = told.exported_us // 1_000_000 + _EPOCH_1904
        suep = _box(
            b"suep",
            pack(">I", 1 << 24),
            *(_text(each) for each in (told.unit, "", "")),
            *(pack(">Q", exported), _text(told.operator), pack(">I", len(self._tables))),
            *(
                pack(">H", number) + b"".join(_text(each) for each in (told.source, "", "", ""))
                for number in self._tables
            ),
        )
        starts = [
            pack(
                ">IQ",
                run.track,
                _since_1601(self._begins_us + self._us(run.track, run.decode_time)),
            )
            for run in runs
        ]
        cstb = _box(b"cstb", pack(">I", len(starts)), *starts)
        handler = _box(b"hdlr", pack(">II4s", 0, 0, b"null"), bytes(13))
        return _box(b"ftyp", _BRANDS) + _box(b"meta", bytes(4), handler, suep, cstb)

    # The index

    def _movie(self, start: int, stop: int) -> bytes:
        data = self._header
        [(at, _)] = find(data, (b"mvhd",), start, stop)
        (scale,) = unpack_from(">I", data, at + (20 if data[at] == 1 else 12))
        parts = []
        longest = 0
        for kind, body, end in boxes(data, start, stop):
            if kind == b"trak":
                made, length = self._track(body, end, scale)
                parts.append(made)
                longest = max(longest, length)
            elif kind not in (b"mvhd", b"mvex"):
                parts.append(data[body - 8 : end])
        [(body, end)] = find(data, (b"mvhd",), start, stop)
        header = _timed(data[body:end], 4, longest, self._created())
        return _box(b"moov", _box(b"mvhd", header), *parts)

    def _created(self) -> int:
        return (self._origin_us or 0) // 1_000_000 + _EPOCH_1904

    def _track(self, start: int, stop: int, scale: int) -> tuple[bytes, int]:
        """Return a track's box and how long it lasts, in ticks of the movie."""
        data = self._header
        [(at, to)] = find(data, (b"tkhd",), start, stop)
        (number,) = unpack_from(">I", data, at + (20 if data[at] == 1 else 12))
        table = self._tables[number]
        timescale = table.stored.timescale
        media = sum(table.durations)
        # Pictures of an open group that are shown before the first one: they need pictures that
        # are not here. Times stay positive, and the edit list leaves them out.
        early = max(-_earliest(table), 0)
        delay = table.first * scale // timescale
        length = delay + -(-max(media - early, 0) * scale // timescale)
        parts = [_box(b"tkhd", _timed(data[at:to], 8, length, self._created()))]
        if table.sizes and (delay or early):
            edits = [(delay, -1)] if delay else []
            edits.append((length - delay, early))
            rows = b"".join(pack(">QqI", *each, 0x10000) for each in edits)
            parts.append(_box(b"edts", _box(b"elst", pack(">II", 1 << 24, len(edits)), rows)))
        for kind, body, end in boxes(data, start, stop):
            if kind == b"mdia":
                parts.append(_box(b"mdia", *self._media(body, end, table, media, early)))
            elif kind not in (b"tkhd", b"edts"):
                parts.append(data[body - 8 : end])
        return _box(b"trak", *parts), length

    def _media(
        self, start: int, stop: int, table: _Table, media: int, early: int
    ) -> Iterator[bytes]:
        """Yield the boxes of an mdia or, below it, of a minf, with tables in place of empty ones."""
        data = self._header
        for kind, body, end in boxes(data, start, stop):
            if kind == b"mdhd":
                yield _box(kind, _timed(data[body:end], 4, media, self._created()))
            elif kind == b"minf":
                yield _box(kind, *self._media(body, end, table, media, early))
            elif kind == b"stbl":
                [(at, to)] = find(data, (b"stsd",), body, end)
                yield _box(kind, _described(data[at - 8 : to]), *_tables(table, early))
            else:
                yield data[body - 8 : end]


def _described(stsd: bytes) -> bytes:
    """Return a track's description; H.265 as hvc1 where that holds, as Apple's players ask."""
    if stsd[20:24] == b"hev1":
        for body, end in find(stsd, (b"hvcC",), 24 + _VIDEO_FIELDS, len(stsd)):
            if complete(stsd[body:end]):
                return stsd[:20] + b"hvc1" + stsd[24:]
    return stsd


def _earliest(table: _Table) -> int:
    """Return when the first picture is shown, from the first one's decoding, in ticks."""
    if not table.shifted:
        return 0
    at = earliest = 0
    # Reordering reaches no further than a group of pictures; the rest can only be later.
    for duration, shift in zip(table.durations[:1000], table.shifts[:1000], strict=True):
        earliest = min(earliest, at + shift)
        at += duration
    return earliest


def _tables(table: _Table, early: int) -> Iterator[bytes]:
    """Yield the boxes that say of each sample when and how long it is shown, and where it lies."""
    yield _runs(b"stts", 0, table.durations)
    if table.shifted:
        shifts = array("i", (each + early for each in table.shifts))
        yield _runs(b"ctts", int(min(shifts) < 0), shifts)
    if len(table.keys) < len(table.sizes):
        yield _numbers(b"stss", table.keys)
    yield _box(b"stsz", pack(">III", 0, 0, len(table.sizes)), _big_endian(table.sizes))
    chunks = array("I")
    first = 1
    for count, group in groupby(table.counts):
        chunks.extend((first, count, 1))
        first += sum(1 for _ in group)
    yield _box(b"stsc", pack(">II", 0, len(chunks) // 3), _big_endian(chunks))
    yield _numbers(b"co64", table.chunks)


def _runs(kind: bytes, version: int, values: array[int]) -> bytes:
    rows = array("I")
    for value, group in groupby(values):
        rows.extend((sum(1 for _ in group), value & 0xFFFFFFFF))
    return _box(kind, pack(">II", version << 24, len(rows) // 2), _big_endian(rows))


def _numbers(kind: bytes, values: array[int]) -> bytes:
    return _box(kind, pack(">II", 0, len(values)), _big_endian(values))


def _big_endian(values: array[int]) -> bytes:
    turned = values[:]
    if sys.byteorder == "little":
        turned.byteswap()
    return turned.tobytes()


def _timed(body: bytes, middle: int, duration: int, created: int) -> bytes:
    """Return an mvhd, mdhd (`middle` 4) or tkhd (8) with other times, in 64 bits where it must."""
    wide = body[0] == 1
    at = 20 if wide else 12
    rest = at + middle + (8 if wide else 4)
    if max(duration, created) < _HALF:
        times, length = pack(">II", created, created), pack(">I", duration)
    else:
        times, length = pack(">QQ", created, created), pack(">Q", duration)
    version = bytes([len(length) == 8])
    return version + body[1:4] + times + body[at : at + middle] + length + body[rest:]


def _since_1601(us: int) -> int:
    return us * 10 + _EPOCH_1601 * 10_000_000


def _text(text: str) -> bytes:
    return text.replace("\0", "").encode() + b"\0"


def _box(kind: bytes, *parts: bytes) -> bytes:
    return b"".join((pack(">I4s", 8 + sum(map(len, parts)), kind), *parts))
