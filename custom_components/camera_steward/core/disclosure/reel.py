"""The footage of one camera's span, fragment by fragment, and what of the span is missing."""

import struct
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final, Protocol

from ..errors import (
    FootageError,
    KeyMissingError,
    NoFootageError,
    SegmentMissingError,
    SpanEmptyError,
    SpanFutureError,
    StewardError,
    StorageError,
)
from ..media.boxes import (
    BoxError,
    StoredFragment,
    StoredTrack,
    UnitDigest,
    fragments,
    sha256,
    tracks,
)
from ..model import Gap, Segment, SegmentState
from ..vault.format import FragmentEntry, Trailer
from ..vault.reader import SegmentReader

BREAK: Final = timedelta(seconds=1)
"""What lies further apart is not continuous."""

_SLICE = timedelta(hours=6)
"""How much is asked of the index at once, so that a long span is not held in memory."""
_MICROSECOND = timedelta(microseconds=1)


class Source(Protocol):
    """Where footage is taken from: the vault, or a hold. Used by the package's thread."""

    def segments(self, camera: str, start: datetime, end: datetime) -> Sequence[Segment]:
        """Return the segments that reach into [start, end), oldest first."""
        ...

    def gaps(self, camera: str, start: datetime, end: datetime) -> Sequence[Gap]:
        """Return the gaps on record that reach into [start, end), oldest first."""
        ...

    def open_segment(self, segment: Segment) -> SegmentReader:
        """Open a closed segment; `FootageError` or `StorageError` when that cannot be done."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedSpan:
    """What is asked for of one camera: [start_at, end_at), aware times.

    `name` is what the camera is called, or was when it was removed since.
    """

    camera: str
    name: str
    start_at: datetime
    end_at: datetime


class MissingCause(StrEnum):
    """Why something that was asked for is not there, beside the causes of gaps on record."""

    NO_FOOTAGE = "no_footage"
    """None is kept, and no cause is on record: not set off, or erased when its time was up."""

    GONE = "gone"
    """It was there when the package was begun and no longer when its turn came."""

    DAMAGED = "damaged"
    UNREADABLE = "unreadable"
    """The storage did not give it out."""

    BEING_WRITTEN = "being_written"


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """A part of a span that is not in the package; `causes` of `MissingCause` and `GapCause`."""

    camera: str
    name: str
    start_at: datetime
    end_at: datetime
    causes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What there is of an order: segments and their bytes as stored, cut at the spans' ends."""

    segments: int
    size_bytes: int


@dataclass(slots=True, kw_only=True)
class Part:
    """What was taken of one segment."""

    segment: Segment
    trailer: Trailer
    header: bytes = field(repr=False)
    hash_name: str
    measures: dict[int, UnitDigest] = field(repr=False)
    stored: dict[int, StoredTrack]
    taken: int = 0

    @property
    def whole(self) -> bool:
        """Return whether all of its fragments were taken."""
        return self.taken == len(self.trailer.fragments)

    def take(self, data: bytes, found: StoredFragment) -> None:
        """Note that a fragment was written."""
        view = memoryview(data)
        for run in found.runs:
            joined = view[run.data_at : run.data_at + sum(run.sizes)]
            self.measures[run.track].add(run.sizes, joined)
        self.taken += 1

    def digests(self) -> dict[int, bytes]:
        """Return the unit digest of each track over what was taken, by the segment's own hash."""
        return {number: measure.digest() for number, measure in self.measures.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One fragment: its bytes, how they are read, and when its pictures were received."""

    part: Part
    data: bytes = field(repr=False)
    found: StoredFragment
    start_at: datetime
    end_at: datetime

    def continues(self, part: Part | None, *, begun_at: datetime, end_at: datetime) -> bool:
        """Return whether it belongs into a film that begun at `begun_at`, after a piece of `part`.

        Nothing lies between that piece's end and this, both have one header, and the hour of the
        film's beginning is not over. A segment is not divided by the hour: what follows may need what
        came before. A film without any takes every piece.
        """
        if part is None or abs(self.start_at - end_at) > BREAK:
            return part is None
        same_hour = _hour(self.start_at) == _hour(begun_at)
        return self.part is part or (self.part.header == part.header and same_hour)


def survey(source: Source, spans: Sequence[WantedSpan], now: datetime) -> Survey:
    """Look at what there is of these spans.

    Raise `SpanEmptyError` for one of no length, `SpanFutureError` for one that ends after `now`,
    and `NoFootageError` when of all of them nothing is kept.
    """
    if not spans or any(each.start_at >= each.end_at for each in spans):
        raise SpanEmptyError
    if any(each.end_at > now for each in spans):
        raise SpanFutureError
    count = size = 0
    for span in spans:
        for segment in _segments(source, span):
            if segment.state is SegmentState.OPEN:
                continue
            inside = min(segment.end_at, span.end_at) - max(segment.start_at, span.start_at)
            count += 1
            size += int(segment.size_bytes * (inside / max(segment.length, inside, _MICROSECOND)))
    if not count:
        raise NoFootageError
    return Survey(segments=count, size_bytes=size)


def _segments(source: Source, span: WantedSpan) -> Iterator[Segment]:
    """Yield each segment of a span once, oldest first."""
    start = span.start_at
    last: tuple[datetime, int] | None = None
    while start < span.end_at:
        end = min(start + _SLICE, span.end_at)
        for segment in source.segments(span.camera, start, end):
            at = (segment.start_at, segment.sequence)
            if last is None or at > last:
                last = at
                yield segment
        start = end


class Reel:
    """The footage of one span, to go through once."""

    def __init__(self, source: Source, span: WantedSpan) -> None:
        """Begin before the first fragment; nothing is read yet."""
        self.span = span
        self.missing: list[Missing] = []
        self._source = source
        self._causes: list[str] = []

    def pieces(self) -> Iterator[Piece]:
        """Yield the fragments from the keyframe at or before the start to the one with the end.

        What is gone, damaged or unreadable is passed over and noted as missing.
        """
        covered = self.span.start_at
        for segment in _segments(self._source, self.span):
            try:
                for piece in self._read(segment):
                    if piece.start_at > covered:
                        self._miss(covered, piece.start_at)
                    self._causes.clear()
                    covered = max(covered, piece.end_at)
                    yield piece
            except (FootageError, StorageError, BoxError, struct.error) as err:
                self._causes.append(_cause(err))
        self._miss(covered, self.span.end_at)

    def _miss(self, start: datetime, end: datetime) -> None:
        if start >= end or (not self._causes and end - start <= BREAK):
            return
        recorded = self._source.gaps(self.span.camera, start, end)
        causes = [*self._causes, *(each.cause for each in recorded)] or [MissingCause.NO_FOOTAGE]
        self.missing.append(
            Missing(
                camera=self.span.camera,
                name=self.span.name,
                start_at=start,
                end_at=end,
                causes=tuple(dict.fromkeys(map(str, causes))),
            )
        )

    def _read(self, segment: Segment) -> Iterator[Piece]:
        if segment.state is SegmentState.OPEN:
            self._causes.append(MissingCause.BEING_WRITTEN)
            return
        with closing(self._source.open_segment(segment)) as reader:
            header = reader.header()
            stored = {each.track: each for each in tracks(header)}
            hash_ = reader.unit_hash
            part = Part(
                segment=segment,
                trailer=reader.trailer,
                header=header,
                hash_name="sha256" if hash_ is sha256 else "blake2b-256",
                measures={t.track: UnitDigest(nal=t.nal, make=hash_) for t in stored.values()},
                stored=stored,
            )
            broken = False
            ends = _ends(reader.trailer)
            for entry in reader.fragments_between(
                self.span.start_at - segment.start_at, self.span.end_at - segment.start_at
            ):
                if broken and not entry.keyframe:
                    continue
                try:
                    data = reader.read(entry.offset, entry.length)
                    piece = _piece(part, entry, data, ends[entry.offset])
                except (FootageError, StorageError, BoxError, struct.error) as err:
                    # What follows it needs it to be decoded, up to the next keyframe.
                    broken = True
                    self._causes.append(_cause(err))
                    continue
                broken = False
                yield piece


def _ends(trailer: Trailer) -> dict[int, int]:
    """Return when each fragment's pictures are over, in microseconds, by its offset."""
    starts = [each.start_us for each in trailer.fragments[1:]]
    return {
        each.offset: end
        for each, end in zip(trailer.fragments, [*starts, trailer.length_us], strict=True)
    }


def _piece(part: Part, entry: FragmentEntry, data: bytes, end_us: int) -> Piece:
    """Read a fragment; `BoxError` when it is none of its segment."""
    found = next(fragments(data), None)
    runs = [] if found is None else [run for run in found.runs if run.sizes]
    if found is None or not runs or any(run.track not in part.stored for run in runs):
        raise BoxError("no fragment")
    return Piece(
        part=part,
        data=data,
        found=found,
        start_at=part.segment.start_at + entry.start_us * _MICROSECOND,
        end_at=part.segment.start_at + end_us * _MICROSECOND,
    )


def _hour(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def _cause(err: StewardError | BoxError | struct.error) -> str:
    match err:
        case SegmentMissingError() | KeyMissingError():
            return MissingCause.GONE
        case StorageError():
            return MissingCause.UNREADABLE
        case _:
            return MissingCause.DAMAGED
