"""From mark to entry: erase what is marked, enter it in batches, forget it (INV-2, ADR 0003).

A batch is what is marked for one camera under one rule at one time of marking; its rows in the
index are its durable record until the ledger has it. Nothing joins a batch once it was tried to
enter, so that a repeated try names the same segments under the same key and is entered once.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from ..errors import StewardError, StorageError, VaultForeignError, VaultMissingError
from ..ledger.entry import EntryKind
from ..ledger.registers import PurgeRecord
from ..ledger.store import Ledger
from ..model import EraseRule, Segment, to_micros
from ..vault.vault import Vault

BATCH = timedelta(minutes=15)
"""How long after its first erasure a batch is entered at the latest."""
_RUN = timedelta(minutes=1)
_TRIES = 100
"""How many files that cannot be removed are tried one by one in a run."""
_TICK = timedelta(microseconds=1)

EVICTED = "evicted_for_space"
"""The finding that footage went before its limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Which batch a marked segment belongs to; `marked_at` is when the batch began."""

    camera: str
    rule: EraseRule
    marked_at: datetime


@dataclass(slots=True, kw_only=True)
class Tally:
    """What one run has done so far, and what failed in it."""

    run: str
    erased: list[Segment]
    keys_destroyed: int
    records: list[PurgeRecord]
    failures: list[StewardError]

    @property
    def size_bytes(self) -> int:
        """Return the bytes erased."""
        return sum(each.size_bytes for each in self.erased)


class Batches:
    """The marked segments of a vault; used by one thread at a time."""

    def __init__(self, vault: Vault, ledger: Ledger, method: str) -> None:
        """Use the vault's index; `method` says how footage is erased, for the record."""
        self._vault = vault
        self._index = vault.index
        self._ledger = ledger
        self._method = method
        self._filling: dict[tuple[str, EraseRule], datetime] = {}
        self._last_at: datetime | None = None
        # Of marked segments only; a new process erases them again, which is harmless.
        self._erased_at: dict[int, datetime] = {}
        self._keys: dict[Batch, int] = {}

    def mark(self, segments: Iterable[Segment], rule: EraseRule, now: datetime) -> None:
        """Note durably that segments of one or more cameras go; nothing is erased yet."""
        by_camera: dict[str, list[Segment]] = {}
        for each in segments:
            by_camera.setdefault(each.camera, []).append(each)
        for camera, mine in by_camera.items():
            self._index.mark(mine, rule, self._filling_at(camera, rule, now))

    def erase(self, now: datetime, tally: Tally) -> None:
        """Erase all that is marked; what cannot be erased stays marked, its error in `tally`."""
        groups: dict[Batch, list[Segment]] = {}
        for segment, rule, marked_at in self._index.marked():
            if segment.sequence not in self._erased_at:
                batch = Batch(camera=segment.camera, rule=rule, marked_at=marked_at)
                groups.setdefault(batch, []).append(segment)
        try:
            for batch, segments in groups.items():
                self._erase(batch, segments, now, tally)
        except (VaultMissingError, VaultForeignError) as err:
            tally.failures.append(err)

    def pending(self) -> list[Segment]:
        """Return what is marked and was not yet erased by this process."""
        return [each for each, _, _ in self._index.marked() if each.sequence not in self._erased_at]

    def enter(
        self, now: datetime, tally: Tally, actor: str, *, due_only: bool, camera: str | None = None
    ) -> None:
        """Enter batches in the ledger and forget their rows; errors go to `tally`.

        With `due_only`, those that began 14 minutes ago (the next run would be too late), lost an
        hour key, or were marked before this process began; otherwise all.
        """
        members: dict[Batch, list[Segment]] = {}
        for segment, rule, marked_at in self._index.marked():
            batch = Batch(camera=segment.camera, rule=rule, marked_at=marked_at)
            members.setdefault(batch, []).append(segment)
        for batch, segments in members.items():
            if camera is not None and batch.camera != camera:
                continue
            if due_only and not self._due(batch, now):
                continue
            try:
                self._enter(batch, segments, now, tally, actor)
            except StewardError as err:
                tally.failures.append(err)

    def _filling_at(self, camera: str, rule: EraseRule, now: datetime) -> datetime:
        """Return when the batch began that takes segments now; never a time given before."""
        found = self._filling.get((camera, rule))
        if found is None:
            found = now if self._last_at is None else max(now, self._last_at + _TICK)
            self._filling[camera, rule] = self._last_at = found
        return found

    def _due(self, batch: Batch, now: datetime) -> bool:
        if self._filling.get((batch.camera, batch.rule)) != batch.marked_at:
            return True
        age = now - batch.marked_at
        return bool(self._keys.get(batch)) or not timedelta() <= age < BATCH - _RUN

    def _erase(self, batch: Batch, segments: list[Segment], now: datetime, tally: Tally) -> None:
        try:
            self._erase_all(batch, segments, now, tally)
        except VaultMissingError, VaultForeignError:
            raise
        except StorageError as err:
            if len(segments) == 1:
                tally.failures.append(err)
                return
            self._erase_singly(batch, segments, now, tally)

    def _erase_singly(
        self, batch: Batch, segments: list[Segment], now: datetime, tally: Tally
    ) -> None:
        """Go on past a file that cannot be removed: it must not keep the others (INV-1)."""
        failed = 0
        for each in segments:
            try:
                self._erase_all(batch, [each], now, tally)
            except VaultMissingError, VaultForeignError:
                raise
            except StorageError as err:
                tally.failures.append(err)
                failed += 1
                if failed == _TRIES:
                    return

    def _erase_all(
        self, batch: Batch, segments: list[Segment], now: datetime, tally: Tally
    ) -> None:
        erasure = self._vault.erase(segments)
        self._erased_at |= dict.fromkeys((each.sequence for each in segments), now)
        self._keys[batch] = self._keys.get(batch, 0) + erasure.keys_destroyed
        tally.erased += segments
        tally.keys_destroyed += erasure.keys_destroyed

    def _enter(
        self, batch: Batch, segments: list[Segment], now: datetime, tally: Tally, actor: str
    ) -> None:
        if self._filling.get((batch.camera, batch.rule)) == batch.marked_at:
            del self._filling[batch.camera, batch.rule]
        left = [each for each in segments if each.sequence not in self._erased_at]
        done = [each for each in segments if each.sequence in self._erased_at]
        if not done:
            return
        if left:
            # They leave the batch, so that what a second try names stays the same.
            self.mark(left, batch.rule, now)
        record = PurgeRecord.of(
            done,
            camera=batch.camera,
            rule=batch.rule,
            method=self._method,
            keys_destroyed=self._keys.get(batch, 0),
            run=tally.run,
            erased_from=batch.marked_at,
            erased_to=max(self._erased_at[each.sequence] for each in done),
        )
        key = _key(batch, done)
        self._ledger.append(
            record.kind, actor=actor, subject=batch.camera, data=record.to_data(), at=now, key=key
        )
        if batch.rule is EraseRule.SPACE:
            self._ledger.append(
                EntryKind.FINDING,
                actor=actor,
                subject=batch.camera,
                data={
                    "finding": EVICTED,
                    "count": record.count,
                    "size_bytes": record.size_bytes,
                    "newest_at": max(each.start_at for each in done).isoformat(),
                },
                at=now,
                key=f"{key}:finding",
            )
        self._index.forget([each.sequence for each in done])
        for each in done:
            del self._erased_at[each.sequence]
        self._keys.pop(batch, None)
        tally.records.append(record)


def _key(batch: Batch, segments: Iterable[Segment]) -> str:
    """Return what names these segments for ever: numbers may be given again after a rebuild."""
    names = sorted((each.sequence, to_micros(each.stamp_at)) for each in segments)
    digest = sha256(repr(names).encode()).hexdigest()
    return f"{batch.rule.value}:{batch.camera}:{to_micros(batch.marked_at)}:{digest}"
