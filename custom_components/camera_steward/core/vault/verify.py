"""Verify stored segments, in levels with their cost."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

from ..errors import FootageError, SegmentMissingError, StorageError
from ..media.boxes import BoxError, MediaScan
from ..model import Segment, SegmentState
from .holds import HoldFiles
from .reader import SegmentReader
from .vault import Vault

_STEP_BYTES = 1024 * 1024


class VerifyLevel(IntEnum):
    """How closely to look; each level includes those before it."""

    PRESENCE = 0
    """The file is there: one open a segment."""

    SIZE = 1
    """It has the size that the index holds: the same cost."""

    CHUNKS = 2
    """Every chunk is what was written: reads and decrypts all, about 1 GB/s and the disk."""

    DIGEST = 3
    """The encoded units are those that were received: as before, and a hash over all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """A segment that fails a level, and in what."""

    segment: Segment
    level: VerifyLevel
    what: str


def verify(vault: Vault, segments: Iterable[Segment], level: VerifyLevel) -> Iterator[Damage]:
    """Yield each segment that fails; others are unaffected. Open segments are passed over.

    `VaultMissingError` or `VaultForeignError` when the vault itself is not there.
    """
    place = _Place(
        vault=vault,
        path=vault.path_of,
        open=vault.open_segment,
        keeps=lambda each: vault.index.segment(each.sequence) is not None,
    )
    yield from _verify(place, segments, level)


def verify_held(
    files: HoldFiles, hold: str, segments: Iterable[Segment], level: VerifyLevel
) -> Iterator[Damage]:
    """Yield each copy of a hold that fails, as `verify` does of segments."""
    held = files.vault.index.held
    place = _Place(
        vault=files.vault,
        path=lambda each: files.path_of(hold, each),
        open=lambda each: files.open_segment(hold, each),
        keeps=lambda each: held.segment(hold, each.sequence) is not None,
    )
    yield from _verify(place, segments, level)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where segments lie: how to find and open one, and whether it is still meant to be there."""

    vault: Vault
    path: Callable[[Segment], Path]
    open: Callable[[Segment], SegmentReader]
    keeps: Callable[[Segment], bool]


def _verify(place: _Place, segments: Iterable[Segment], level: VerifyLevel) -> Iterator[Damage]:
    place.vault.check()
    for segment in segments:
        if segment.state is SegmentState.OPEN:
            continue
        if damage := _verify_one(place, segment, level):
            yield damage


def _verify_one(place: _Place, segment: Segment, level: VerifyLevel) -> Damage | None:
    vault = place.vault

    def damage(at: VerifyLevel, what: str) -> Damage | None:
        # Erased while we looked: that is no damage.
        if not place.keeps(segment):
            return None
        return Damage(segment=segment, level=at, what=what)

    try:
        file = vault.files.open(place.path(segment))
    except (SegmentMissingError, StorageError) as err:
        vault.check()
        return damage(VerifyLevel.PRESENCE, err.key)
    size = file.size
    file.close()
    if level >= VerifyLevel.SIZE and size != segment.size_bytes:
        return damage(VerifyLevel.SIZE, "size_differs")
    if level < VerifyLevel.CHUNKS:
        return None
    try:
        reader = place.open(segment)
        try:
            # Reading all of the media authenticates every chunk on the way.
            if level >= VerifyLevel.DIGEST and not _digest_holds(reader, segment):
                return damage(VerifyLevel.DIGEST, "digest_differs")
            reader.check()
        finally:
            reader.close()
    except (FootageError, StorageError) as err:
        vault.check()
        return damage(VerifyLevel.CHUNKS, err.key)
    return None


def _digest_holds(reader: SegmentReader, segment: Segment) -> bool:
    scan = MediaScan(reader.unit_hash)
    try:
        for offset in range(0, reader.media_bytes, _STEP_BYTES):
            scan.feed(reader.read(offset, _STEP_BYTES))
    except BoxError:
        return False
    return scan.digests() == reader.trailer.digests and reader.trailer.digest == segment.digest
