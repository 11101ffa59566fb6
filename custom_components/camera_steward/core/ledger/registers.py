"""Registers: typed views of the ledger, and the shapes of the entries that they are made of."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Self

from ..errors import LedgerBrokenError
from ..model import EraseRule, Segment
from .entry import EntryKind, Json, encode, number
from .fields import Fields, Span, merge_spans, spans_data
from .store import Ledger

_LIST_TAG = b"camera-steward/ledger/segment-list/1"


def list_digest(segments: Iterable[Segment]) -> str:
    """Return the hexadecimal SHA-256 that stands for a list of segments, in whatever order given.

    Over length-prefixed fields (4 bytes big-endian, then the bytes): the tag
    `camera-steward/ledger/segment-list/1`, the number of segments, then for each segment in order
    of sequence its sequence and its digest. Numbers are 8 bytes big-endian. The digest of a
    segment that was never sealed is empty.
    """
    pairs = sorted((each.sequence, each.digest) for each in segments)
    fields = [_LIST_TAG, number(len(pairs))]
    for sequence, digest in pairs:
        fields += (number(sequence), digest)
    return sha256(encode(*fields)).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class PurgeRecord:
    """What one run erased of one camera: the data of a `purge` or `eviction` entry.

    `spans` are when the footage was of, `erased_from` and `erased_to` when it was erased.
    `size_bytes` and `count` are of the segments; `digest` is their `list_digest`; `keys_destroyed`
    counts hour keys. `run` names the run that erased them. `entry` is the ledger entry that it was
    read from, None before.
    """

    camera: str
    rule: EraseRule
    spans: tuple[Span, ...]
    count: int
    size_bytes: int
    digest: str
    method: str
    keys_destroyed: int
    run: str
    erased_from: datetime
    erased_to: datetime
    entry: int | None = field(default=None, compare=False)

    @classmethod
    def of(
        cls,
        segments: Iterable[Segment],
        *,
        camera: str,
        rule: EraseRule,
        method: str,
        keys_destroyed: int,
        run: str,
        erased_from: datetime,
        erased_to: datetime,
    ) -> Self:
        """Make the record of segments of one camera."""
        erased = list(segments)
        return cls(
            camera=camera,
            rule=rule,
            spans=merge_spans((each.start_at, each.end_at) for each in erased),
            count=len(erased),
            size_bytes=sum(each.size_bytes for each in erased),
            digest=list_digest(erased),
            method=method,
            keys_destroyed=keys_destroyed,
            run=run,
            erased_from=erased_from,
            erased_to=erased_to,
        )

    @property
    def kind(self) -> EntryKind:
        """Return the kind of entry to append it as: erasing for want of space is an eviction."""
        return EntryKind.EVICTION if self.rule is EraseRule.SPACE else EntryKind.PURGE

    def to_data(self) -> dict[str, Json]:
        """Return the fields as an entry's data; times are ISO 8601 in UTC."""
        return {
            "camera": self.camera,
            "rule": self.rule.value,
            "spans": spans_data(self.spans),
            "count": self.count,
            "size_bytes": self.size_bytes,
            "digest": self.digest,
            "method": self.method,
            "keys_destroyed": self.keys_destroyed,
            "run": self.run,
            "erased_from": self.erased_from.isoformat(),
            "erased_to": self.erased_to.isoformat(),
        }

    @classmethod
    def from_data(cls, data: Mapping[str, Json]) -> Self:
        """Read the fields back; `LedgerBrokenError` when they are not a record's."""
        read = Fields(data, "purge")
        try:
            rule = EraseRule(read.text("rule"))
        except ValueError as err:
            raise LedgerBrokenError("purge") from err
        return cls(
            camera=read.text("camera"),
            rule=rule,
            spans=read.spans("spans"),
            count=read.whole("count"),
            size_bytes=read.whole("size_bytes"),
            digest=read.text("digest"),
            method=read.text("method"),
            keys_destroyed=read.whole("keys_destroyed"),
            run=read.text("run"),
            erased_from=read.time("erased_from"),
            erased_to=read.time("erased_to"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraStatement:
    """What a walk of the disk found of one camera against its limit.

    `past_limit` counts segments whose oldest frame was older than `limit` when they were met.
    """

    camera: str
    limit: timedelta
    segments: int
    size_bytes: int
    oldest_at: datetime | None
    past_limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldsStatement:
    """What a walk of the disk found of holds: how many there are, and their copies.

    `past_end` counts copies whose hold should have ended when the walk began.
    """

    holds: int = 0
    segments: int = 0
    size_bytes: int = 0
    past_end: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementRecord:
    """The daily statement, from a walk of the disk and not of the index: a `statement`'s data.

    `strangers` counts files in the vault that are none of the steward's. `entry` is the ledger
    entry that it was read from, None before.
    """

    run: str
    walked_from: datetime
    walked_to: datetime
    cameras: tuple[CameraStatement, ...]
    strangers: int = 0
    holds: HoldsStatement = HoldsStatement()
    entry: int | None = field(default=None, compare=False)

    @property
    def past_limit(self) -> int:
        """Return how many segments were found past their limit; 0 is what the statement states."""
        return sum(each.past_limit for each in self.cameras) + self.holds.past_end

    def to_data(self) -> dict[str, Json]:
        """Return the fields as an entry's data; times are ISO 8601 in UTC."""
        return {
            "run": self.run,
            "walked_from": self.walked_from.isoformat(),
            "walked_to": self.walked_to.isoformat(),
            "cameras": [
                {
                    "camera": each.camera,
                    "limit_us": each.limit // timedelta(microseconds=1),
                    "segments": each.segments,
                    "size_bytes": each.size_bytes,
                    "oldest_at": None if each.oldest_at is None else each.oldest_at.isoformat(),
                    "past_limit": each.past_limit,
                }
                for each in self.cameras
            ],
            "strangers": self.strangers,
            "holds": {
                "holds": self.holds.holds,
                "segments": self.holds.segments,
                "size_bytes": self.holds.size_bytes,
                "past_end": self.holds.past_end,
            },
        }

    @classmethod
    def from_data(cls, data: Mapping[str, Json]) -> Self:
        """Read the fields back; `LedgerBrokenError` when they are not a statement's."""
        read = Fields(data, "statement")
        return cls(
            run=read.text("run"),
            walked_from=read.time("walked_from"),
            walked_to=read.time("walked_to"),
            cameras=tuple(
                CameraStatement(
                    camera=each.text("camera"),
                    limit=timedelta(microseconds=each.whole("limit_us")),
                    segments=each.whole("segments"),
                    size_bytes=each.whole("size_bytes"),
                    oldest_at=each.time_or_none("oldest_at"),
                    past_limit=each.whole("past_limit"),
                )
                for each in read.each("cameras")
            ),
            strangers=read.whole("strangers"),
            holds=_holds_statement(data.get("holds")),
        )


def _holds_statement(data: Json) -> HoldsStatement:
    """Read what a statement says of holds: nothing, before there were any."""
    if data is None:
        return HoldsStatement()
    if not isinstance(data, Mapping):
        raise LedgerBrokenError("statement")
    read = Fields(data, "statement")
    return HoldsStatement(
        holds=read.whole("holds"),
        segments=read.whole("segments"),
        size_bytes=read.whole("size_bytes"),
        past_end=read.whole("past_end"),
    )


def removed_cameras(ledger: Ledger) -> dict[str, str]:
    """Return what the cameras that were removed were called, by id."""
    found = {}
    for each in ledger.entries((EntryKind.CAMERA_REMOVED,)):
        found[each.subject] = Fields(each.data, "removed camera").text("name")
    return found


def purge_register(
    ledger: Ledger, since: datetime, until: datetime, camera: str | None = None
) -> Iterator[PurgeRecord]:
    """Yield what was erased, for entries made in [since, until), in order of time.

    Evictions and decommissions are in it: `rule` tells them apart. An entry's subject is its
    camera. Raises `LedgerBrokenError` at an entry that holds no such record.
    """
    kinds = (EntryKind.PURGE, EntryKind.EVICTION)
    for each in ledger.entries(kinds, subject=camera, since=since, until=until):
        yield replace(PurgeRecord.from_data(each.data), entry=each.id)


def statements(ledger: Ledger, since: datetime, until: datetime) -> Iterator[StatementRecord]:
    """Yield the statements made in [since, until), in order of time."""
    for each in ledger.entries((EntryKind.STATEMENT,), since=since, until=until):
        yield replace(StatementRecord.from_data(each.data), entry=each.id)
