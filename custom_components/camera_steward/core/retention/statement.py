"""The daily statement: what a walk of the disk meets, against the limits and against the index."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby

from ..clock import Clock
from ..errors import KeyMissingError, StoppedError
from ..ledger.entry import Json
from ..ledger.registers import CameraStatement, HoldsStatement, StatementRecord
from ..model import FAR_AT, Segment, SegmentState
from ..vault.held import Copying, HeldSegment
from ..vault.holds import HoldFiles, HoldFound
from ..vault.vault import Found, FoundKind, Vault, name_of
from .corrections import corrected
from .guard import Correction
from .plan import Limits

YOUNG = timedelta(minutes=10)
"""A file this young may be in the making, before its row is in the index."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What was met on disk at one time.

    `orphans` are segment files that the index does not know, `missing` segments of the index whose
    file is not there, `strangers` files that are none of the steward's, or copies of its own.
    `method` says in words how footage is erased.
    """

    record: StatementRecord
    method: str
    orphans: tuple[Found, ...]
    missing: tuple[Segment, ...]
    strangers: tuple[Found | HoldFound, ...]

    def findings(self) -> dict[str, int]:
        """Return what should not be, by name, with its count."""
        counts = {
            "past_limit": self.record.past_limit,
            "holds_past_end": self.record.holds.past_end,
            "files_unknown_to_index": len(self.orphans),
            "files_missing": len(self.missing),
            "strange_files": len(self.strangers),
        }
        return {name: count for name, count in counts.items() if count}

    def to_data(self) -> dict[str, Json]:
        """Return the data of the ledger's entry: the record, and what else was met."""
        return self.record.to_data() | {
            "method": self.method,
            "orphans": len(self.orphans),
            "missing": len(self.missing),
        }


@dataclass(slots=True, kw_only=True)
class _Camera:
    """What was met of one camera so far."""

    segments: int = 0
    size_bytes: int = 0
    oldest_at: datetime | None = None
    past_limit: int = 0

    def count(self, size_bytes: int, start_at: datetime, *, past: bool) -> None:
        self.segments += 1
        self.size_bytes += size_bytes
        self.past_limit += past
        self.oldest_at = start_at if self.oldest_at is None else min(self.oldest_at, start_at)


def take(
    files: HoldFiles,
    made: Sequence[Correction],
    limits: Limits,
    *,
    run: str,
    clock: Clock,
    method: str,
    turn: AbstractContextManager[object],
    stopping: Callable[[], bool] = lambda: False,
) -> Statement:
    """Walk the whole vault, writing nothing. `VaultMissingError` and other `StorageError`s.

    `stopping` is asked at each file: a walk may take minutes, a stop may not (`StoppedError`).

    Every age is by the file's own stamp, with the corrections of the clock that the index holds for
    its number; for files that it does not know, with those in `made`. What counts as past its limit
    was so when the walk began. Recording and purging may go on meanwhile. What is noted
    for a hold and not yet copied is not past its limit: it is kept for that. In the `turn` in which
    holds are placed and ended it is asked which ones were so meanwhile.
    """
    vault = files.vault
    walk = _Walk(vault=vault, made=made, limits=limits, walked_from=clock.now(), stopping=stopping)
    unmet = set(vault.index.cameras())
    for camera, found in groupby(vault.walk(), key=lambda each: each.camera):
        walk.camera(camera, found)
        unmet.discard(camera)
    for camera in unmet:
        walk.camera(camera, ())
    holds = walk.holds(files, turn)
    record = StatementRecord(
        run=run,
        walked_from=walk.walked_from,
        walked_to=clock.now(),
        cameras=_statements(walk.cameras, limits),
        strangers=len(walk.strangers) + len(walk.strange_holds),
        holds=holds,
    )
    return Statement(
        record=record,
        method=method,
        orphans=tuple(walk.orphans),
        missing=tuple(walk.missing),
        strangers=(*walk.strangers, *walk.strange_holds),
    )


@dataclass(slots=True, kw_only=True)
class _Walk:
    """One walk, a camera at a time: no more of the index is held than one camera's rows."""

    vault: Vault
    made: Sequence[Correction]
    limits: Limits
    walked_from: datetime
    stopping: Callable[[], bool]
    cameras: dict[str, _Camera] = field(default_factory=dict)
    orphans: list[Found] = field(default_factory=list)
    missing: list[Segment] = field(default_factory=list)
    strangers: list[Found] = field(default_factory=list)
    strange_holds: list[HoldFound] = field(default_factory=list)

    def camera(self, camera: str, files: Iterable[Found]) -> None:
        """Take the files met of one camera; without a name, those that lie beside."""
        index = self.vault.index
        known = {each.sequence: each for each in index.started_by(camera, FAR_AT)}
        known |= {each.sequence: each for each, _, _ in index.marked() if each.camera == camera}
        if camera:
            self.cameras.setdefault(camera, _Camera())
        noted = {each for each, held in index.held.uncopied(camera).items() if _is_noted(held)}
        seen: set[int] = set()
        for found in files:
            if self.stopping():
                raise StoppedError
            if found.kind is FoundKind.KEY:
                continue
            sequence, stamp_at = found.sequence, found.stamp_at
            if sequence is None or stamp_at is None:
                self.strangers.append(found)
            elif (row := known.get(sequence)) is not None and _is_its_file(found, row):
                seen.add(sequence)
                start_at = stamp_at + (row.start_at - row.stamp_at)
                self._count(found, start_at, held=sequence in noted)
            elif row is not None or index.knows(sequence):
                if not self._young(stamp_at):
                    self.strangers.append(found)
            elif not self._young(stamp_at):
                self.orphans.append(found)
                alone = _as_segment(found, sequence, stamp_at)
                self._count(found, corrected(alone, self.made).start_at)
        if unseen := [each for sequence, each in known.items() if sequence not in seen]:
            # Asked again, for what was erased while we walked is not missing.
            kept = {each.sequence for each in index.started_by(camera, FAR_AT)}
            self.missing += [each for each in unseen if each.sequence in kept]

    def holds(self, files: HoldFiles, turn: AbstractContextManager[object]) -> HoldsStatement:
        """Take the files of holds: what no hold knows, or no key opens, is strange.

        Of a hold that was placed or ended while we walked nothing is: the next statement tells.
        """
        held = self.vault.index.held
        rows = {each.id: each for each in held.holds()}
        known = {hold: _copied(held.segments(hold)) for hold in rows}
        opens: dict[str, bool] = {}
        segments = size_bytes = past_end = 0
        met: set[tuple[str, int]] = set()
        for found in files.walk():
            if self.stopping():
                raise StoppedError
            if found.hold not in opens:
                opens[found.hold] = found.hold in rows and _opens(files, found.hold)
            if not opens[found.hold] or found.kind is FoundKind.OTHER:
                self.strange_holds.append(found)
            elif found.sequence is not None:
                row = held.segment(found.hold, found.sequence)
                if row is None or not _is_its_file(found, row.segment):
                    if not rows[found.hold].ending:
                        self.strange_holds.append(found)
                    continue
                met.add((found.hold, found.sequence))
                segments += 1
                size_bytes += found.size_bytes
                past_end += rows[found.hold].until_at < self.walked_from
        before = {each.id: each.ending is None for each in rows.values()}
        with turn:
            now = {each.id: each.ending is None for each in held.holds()}
        strange = self.strange_holds
        self.strange_holds = [e for e in strange if before.get(e.hold) == now.get(e.hold)]
        for hold, copies in known.items():
            if opens.get(hold, True) and before[hold] == now.get(hold):
                self.missing += [each for each in copies if (hold, each.sequence) not in met]
        return HoldsStatement(
            holds=len(rows), segments=segments, size_bytes=size_bytes, past_end=past_end
        )

    def _count(self, found: Found, start_at: datetime, *, held: bool = False) -> None:
        past = not held and start_at + self.limits.of(found.camera) < self.walked_from
        self.cameras[found.camera].count(found.size_bytes, start_at, past=past)

    def _young(self, stamp_at: datetime) -> bool:
        return abs(stamp_at - self.walked_from) < YOUNG


def _is_its_file(found: Found | HoldFound, row: Segment) -> bool:
    return found.camera == row.camera and found.path.endswith(f"/{name_of(row)}")


def _is_noted(held: Iterable[HeldSegment]) -> bool:
    return any(each.copying is Copying.NOTED for each in held)


def _copied(held: Iterable[HeldSegment]) -> list[Segment]:
    return [each.segment for each in held if each.copying is Copying.COPIED]


def _opens(files: HoldFiles, hold: str) -> bool:
    try:
        files.read(hold)
    except KeyMissingError:
        return False
    return True


def _as_segment(found: Found, sequence: int, stamp_at: datetime) -> Segment:
    return Segment(
        sequence=sequence,
        camera=found.camera,
        stamp_at=stamp_at,
        start_at=stamp_at,
        end_at=stamp_at,
        size_bytes=found.size_bytes,
        state=SegmentState.RECOVERED,
    )


def _statements(cameras: Mapping[str, _Camera], limits: Limits) -> tuple[CameraStatement, ...]:
    return tuple(
        CameraStatement(
            camera=camera,
            limit=limits.of(camera),
            segments=met.segments,
            size_bytes=met.size_bytes,
            oldest_at=met.oldest_at,
            past_limit=met.past_limit,
        )
        for camera, met in sorted(cameras.items())
    )
