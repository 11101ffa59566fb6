"""Holds: footage kept past its time under a key of its own, with a reason and an end."""

import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from threading import RLock

from ..access.people import Role
from ..errors import (
    FootageError,
    HoldEmptyError,
    HoldFailedError,
    HoldInvalidError,
    HoldMissingError,
    HoldTooLargeError,
    KeyMissingError,
    StewardError,
    StorageError,
    StorageFullError,
    StorageReadOnlyError,
    VaultForeignError,
    VaultMissingError,
)
from ..ledger.entry import SYSTEM, EntryKind, Json
from ..ledger.fields import Span
from ..ledger.store import Ledger
from ..model import LONGEST_TEXT, Segment, SegmentState, Space, is_text
from ..vault.format import HoldKey
from ..vault.held import Copying, Ending, HeldCount, HeldSegment, HoldRow
from ..vault.holds import HoldFiles
from ..vault.reader import SegmentReader
from ..vault.verify import Damage, VerifyLevel, verify_held
from .corrections import FUTURE_STAMP
from .guard import TOLERANCE, ClockGuard
from .hold import (
    LONGEST,
    REVIEW,
    Hold,
    HoldEnd,
    HoldState,
    Words,
    check_until,
    check_words,
    words_of,
)
from .hold_entries import enter_end, row_after, row_of
from .restoring import restore, stored

__all__ = ["Hold", "HoldEnd", "HoldState", "Holds"]

_COPYING = timedelta(seconds=10)
"""How long a run that erases may copy; what is left keeps its original until it is copied."""


class Holds:
    """What one site holds; any thread, calls take turns with the keeper's.

    Whether somebody may do it is for the caller to have decided (INV-4): `actor` is a name, `role`
    as what they act. All raise `StorageError` when the storage fails; what was begun then is
    finished or taken back by the next run.
    """

    def __init__(
        self,
        *,
        files: HoldFiles,
        ledger: Ledger,
        guard: ClockGuard,
        reserve: Callable[[Space], int],
        method: str,
    ) -> None:
        """Keep `reserve` bytes free; `method` says how footage goes, for the record.

        `turn` is the keeper's: a purge and a placing never meet.
        """
        self.turn = RLock()
        self.files = files
        self._vault = files.vault
        self._index = files.vault.index
        self._held = files.vault.index.held
        self._ledger = ledger
        self._guard = guard
        self._reserve = reserve
        self._method = method
        # One copy or ending at a time; taken within the turn, never the other way round.
        self._copying = RLock()
        # Whether ledger, disk and index may disagree, as after a crash.
        self._unsettled = True
        # Up to when, of elapsed time, the run that is on may copy.
        self._until = timedelta()
        self._on_placed: Callable[[], None] = lambda: None

    def listen(self, on_placed: Callable[[], None]) -> None:
        """Call `on_placed` whenever there is something new to copy; it must return at once."""
        self._on_placed = on_placed

    # What there is

    def all(self) -> tuple[Hold, ...]:
        """Return all holds, the oldest first: some look-ups in the index."""
        counts = self._held.counts()
        found = [Hold.of(row, counts.get(row.id, HeldCount())) for row in self._held.holds()]
        return tuple(sorted(found, key=lambda each: (each.placed_at, each.id)))

    def get(self, hold: str) -> Hold:
        """Return one hold; `HoldMissingError` when there is none."""
        row = self._held.hold(hold)
        if row is None:
            raise HoldMissingError
        return Hold.of(row, self._held.counts().get(hold, HeldCount()))

    def segments(
        self, hold: str, camera: str | None = None, span: Span | None = None
    ) -> list[Segment]:
        """Return what is copied of a hold, oldest first; of one camera, reaching into [start, end).

        All of them by default.
        """
        self._kept(hold)
        held = self._held.segments(hold, camera, span)
        return [each.segment for each in held if each.copying is Copying.COPIED]

    def open_segment(self, hold: str, segment: Segment) -> SegmentReader:
        """Open a copy; a subclass of `FootageError` says what is wrong with it.

        `HoldMissingError` once its end has come, though its files may still be there.
        """
        self._kept(hold)
        return self.files.open_segment(hold, segment)

    def verify(
        self, hold: str, level: VerifyLevel, segments: Sequence[Segment] | None = None
    ) -> list[Damage]:
        """Check copies of a hold, all by default."""
        checked = self.segments(hold) if segments is None else segments
        return list(verify_held(self.files, hold, checked, level))

    # What people do

    def place(
        self,
        *,
        cameras: Sequence[str],
        start_at: datetime,
        end_at: datetime,
        reason: str,
        requested_by: str,
        actor: str,
        role: Role,
        document: str = "",
        document_at: date | None = None,
        until_at: datetime | None = None,
    ) -> Hold:
        """Hold what is stored of a span; nothing of it is lost any more on return.

        `HoldInvalidError` names what cannot be accepted, `HoldEmptyError` says that nothing is
        stored, `HoldTooLargeError` that there is no space. It is copied by `copy_pending`.
        """
        with self.turn:
            now = self._guard.now()
            words = Words(
                cameras=tuple(sorted(set(cameras))),
                start_at=start_at.astimezone(UTC),
                end_at=end_at.astimezone(UTC),
                reason=reason.strip(),
                requested_by=requested_by.strip(),
                document=document.strip(),
                document_at=document_at,
                placed_by=actor,
                role=role,
                placed_at=now,
            )
            check_words(words, now)
            until_at = check_until(until_at, role, now)
            segments = stored(self._index, words)
            if not segments:
                raise HoldEmptyError("cameras")
            self._check_space(segments)
            hold = secrets.token_hex(8)
            key = HoldKey(
                key=secrets.token_bytes(32),
                cameras=words.cameras,
                start_at=words.start_at,
                end_at=words.end_at,
                placed_at=now,
                until_at=until_at,
            )
            data: dict[str, Json] = {
                **words.to_data(),
                "until_at": until_at.isoformat(),
                "review_at": min(now + REVIEW, until_at).isoformat(),
                "sequence": self._index.last_sequence(),
                "segments": len(segments),
                "size_bytes": sum(each.size_bytes for each in segments),
            }
            with self._settling():
                self.files.create(hold, key)
                entry = self._ledger.append(
                    EntryKind.HOLD_PLACED,
                    actor=actor,
                    subject=hold,
                    data=data,
                    at=now,
                    key=f"hold-placed-{hold}",
                )
                noted = [
                    HeldSegment(hold=hold, segment=each, copying=Copying.NOTED) for each in segments
                ]
                self._held.add(row_of(entry), noted)
            placed = self.get(hold)
        self._on_placed()
        return placed

    def renew(
        self, hold: str, *, until_at: datetime | None = None, reason: str, actor: str, role: Role
    ) -> Hold:
        """Let a hold last longer, for a reason that was not given before; the manager's alone."""
        with self.turn:
            now = self._guard.now()
            row = self._kept(hold)
            if role is not Role.MANAGER:
                raise HoldInvalidError("role")
            if not is_text(reason) or reason.strip() == words_of(row).reason:
                raise HoldInvalidError("reason")
            until_at = check_until(until_at, role, now)
            if until_at <= row.until_at:
                raise HoldInvalidError("until_at")
            self._renew(row, until_at=until_at, now=now, reason=reason.strip(), actor=actor)
            return self.get(hold)

    def review(self, hold: str, *, note: str = "", actor: str, role: Role) -> Hold:
        """Enter that somebody looked whether a hold is still needed, and why it is."""
        with self.turn:
            now = self._guard.now()
            row = self._kept(hold)
            if role not in LONGEST:
                raise HoldInvalidError("role")
            if len(note) > LONGEST_TEXT:
                raise HoldInvalidError("note")
            data: dict[str, Json] = {
                "reviewed_by": actor,
                "role": role.value,
                "note": note.strip(),
                "review_at": min(now + REVIEW, row.until_at).isoformat(),
            }
            with self._settling():
                entry = self._ledger.append(
                    EntryKind.HOLD_REVIEWED, actor=actor, subject=hold, data=data, at=now
                )
                self._held.put(row_after(row, entry))
            return self.get(hold)

    def release(self, hold: str, *, reason: str, actor: str, role: Role) -> None:
        """End a hold before its time; its key is destroyed and the ledger says so on return.

        No matter of time: done under a doubted clock as well. The manager's alone.
        """
        with self.turn:
            row = self._held.hold(hold)
            if row is None or row.ending is not None:
                raise HoldMissingError
            if role is not Role.MANAGER:
                raise HoldInvalidError("role")
            if not is_text(reason):
                raise HoldInvalidError("reason")
            self._end_by(row, HoldEnd.RELEASED, actor, reason.strip())

    def end_all(self, rule: HoldEnd, *, actor: str, reason: str = "") -> None:
        """End every hold, as when the site ends.

        What cannot be ended does not keep the others; the first error is raised at the end.
        """
        failures: list[StewardError] = []
        with self.turn:
            with _collecting(failures):
                self._restore()
            for row in self._held.holds():
                with _collecting(failures):
                    self._end_by(row, rule, actor, reason)
        if failures:
            raise failures[0]

    # Copying

    def pending(self) -> bool:
        """Return whether something is noted that has no copy."""
        return bool(self._held.noted_count())

    def copy_pending(self, stopping: Callable[[], bool] = lambda: False) -> int:
        """Copy what is noted, oldest first; return how many copies were made.

        Ends early when `stopping` says so. What a recorder still writes is left for a later call.
        The first error of the storage is raised at the end, one that concerns all at once.
        """
        copied = 0
        failures: list[StorageError] = []
        for held in self._held.noted():
            if stopping():
                break
            try:
                copied += self._copy(held)
            except StorageFullError, StorageReadOnlyError:
                raise
            except StorageError as err:
                self._vault.check()
                failures.append(err)
        if failures:
            raise failures[0]
        return copied

    def _copy(self, noted: HeldSegment) -> bool:
        """Copy one segment; False where it cannot be told yet, as of one that is being written."""
        with self._copying:
            held = self._held.segment(noted.hold, noted.segment.sequence)
            if held is None or held.copying is Copying.COPIED:
                return True
            segment = held.segment
            row = self._index.segment(segment.sequence)
            if row is not None and row.stamp_at == segment.stamp_at:
                if row.state is SegmentState.OPEN:
                    return False
                segment = replace(segment, digest=row.digest)
            try:
                made = self.files.copy(held.hold, segment)
            except FootageError:
                self._vault.check()  # gone by itself, or with the whole vault
                self._held.set_segment(replace(held, copying=Copying.UNREADABLE))
            else:
                self._held.set_segment(replace(held, segment=made, copying=Copying.COPIED))
            return True

    # What the keeper calls, in its turn

    def spare(self, segments: Iterable[Segment], failures: list[StewardError]) -> list[Segment]:
        """Return which of these segments can be erased: what is noted of them is copied first.

        What the storage does not let copy is left out, its error in `failures`. One that cannot be
        read as it was written goes: there is nothing to keep. What ten seconds do not suffice for
        is left out as well; it goes once it is copied.
        """
        going: list[Segment] = []
        uncopied: dict[str, dict[int, list[HeldSegment]]] = {}
        for each in segments:
            if each.camera not in uncopied:
                uncopied[each.camera] = self._held.uncopied(each.camera)
            waiting = [
                held
                for held in uncopied[each.camera].get(each.sequence, ())
                if held.segment.stamp_at == each.stamp_at
            ]
            with _collecting(failures):
                if all(self._guard.elapsed() < self._until and self._copy(h) for h in waiting):
                    going.append(each)
        return going

    def noted_of(self, camera: str) -> set[int]:
        """Return which of a camera's segments stay past their limit, as they are to be copied."""
        return {
            number
            for number, held in self._held.uncopied(camera).items()
            if any(each.copying is Copying.NOTED for each in held)
        }

    def settle(self, now: datetime, failures: list[StewardError]) -> None:
        """Finish what a crash left, end what is over, and bound what a wrong clock let last.

        A hold whose key is lost gets another, before anything waits for being copied under it.
        While the clock is doubted nothing ends by time. Called at the beginning of each turn.
        """
        self._until = self._guard.elapsed() + _COPYING
        steps: list[Callable[[], None]] = [self._restore]
        if self._guard.trusted:
            steps += [lambda: self._bound(now), lambda: self._mark_due(now)]
        for step in steps:
            with _collecting(failures):
                step()
        for row in self._held.holds():
            with _collecting(failures):
                if row.ending is not None:
                    self._end(row, row.ending)
                else:
                    self._write(row)

    def next_end(self) -> datetime | None:
        """Return when the next hold ends."""
        return min((each.until_at for each in self._held.holds()), default=None)

    # Inside

    def _kept(self, hold: str) -> HoldRow:
        row = self._held.hold(hold)
        if row is None or row.ending is not None:
            raise HoldMissingError
        if self._guard.trusted and row.until_at <= self._guard.now():
            raise HoldMissingError
        return row

    def _check_space(self, segments: Sequence[Segment]) -> None:
        space = self._vault.space()
        sizes = [each.size_bytes for each in segments if each.state is not SegmentState.OPEN]
        # One that is being written is taken for as large as the largest.
        needed = sum(sizes) + (len(segments) - len(sizes)) * max(sizes, default=0)
        needed += self._held.noted_bytes()
        reserve = self._reserve(space)
        if space.free_bytes - needed < reserve:
            raise HoldTooLargeError(
                needed_bytes=needed, free_bytes=space.free_bytes, reserve_bytes=reserve
            )

    def _renew(
        self,
        row: HoldRow,
        *,
        until_at: datetime,
        now: datetime,
        reason: str,
        actor: str,
        explanation: str = "",
    ) -> None:
        data: dict[str, Json] = {
            "renewed_by": actor,
            "reason": reason,
            "explanation": explanation,
            "granted_at": now.isoformat(),
            "until_at": until_at.isoformat(),
            "review_at": min(now + REVIEW, until_at).isoformat(),
            "sequence": self._index.last_sequence(),
        }
        with self._settling():
            entry = self._ledger.append(
                EntryKind.HOLD_RENEWED, actor=actor, subject=row.id, data=data, at=now
            )
            renewed = row_after(row, entry)
            self._held.put(renewed)
            self._write(renewed)

    def _write(self, row: HoldRow) -> None:
        """Let the key file say when the hold ends, for a vault that has lost all else.

        One that is gone or does not open is replaced.
        """
        try:
            key = self.files.read(row.id)
        except KeyMissingError:
            self._vault.check()  # gone by itself, or with the whole vault
            self._replace_key(row)
            return
        if key.until_at != row.until_at:
            self.files.replace(row.id, replace(key, until_at=row.until_at))

    def _replace_key(self, row: HoldRow) -> None:
        """Give a hold whose key is lost another: else its originals would wait for copies (INV-1).

        What was copied under the lost one is copied anew while its original is there; what has none
        is unreadable. Each step is harmless when repeated; the key comes last, for it ends them.
        """
        words = words_of(row)
        with self._copying:
            self._ledger.append(
                EntryKind.FINDING,
                actor=SYSTEM,
                subject=row.id,
                data={"finding": "hold_key_lost"},
                key=f"hold-key-lost-{row.id}",
            )
            self._held.lose_copies(row.id)
            key = HoldKey(
                key=secrets.token_bytes(32),
                cameras=words.cameras,
                start_at=words.start_at,
                end_at=words.end_at,
                placed_at=words.placed_at,
                until_at=row.until_at,
            )
            self.files.replace(row.id, key)

    def _bound(self, now: datetime) -> None:
        """Bound a hold whose end was set by a clock that ran ahead, from when it is noticed."""
        for row in self._held.holds():
            if row.ending is None and row.granted_at > now + TOLERANCE:
                until_at = now + (row.until_at - row.granted_at)
                self._renew(
                    row,
                    until_at=until_at,
                    now=now,
                    reason=words_of(row).reason,
                    actor=SYSTEM,
                    explanation=FUTURE_STAMP,
                )

    def _mark_due(self, now: datetime) -> None:
        for row in self._held.holds():
            if row.ending is None and row.until_at <= now:
                self._mark(row, HoldEnd.TIME, SYSTEM, "", now)

    def _end_by(self, row: HoldRow, rule: HoldEnd, actor: str, reason: str) -> None:
        marked = self._mark(row, rule, actor, reason, self._guard.now())
        if marked.ending is not None:
            self._end(marked, marked.ending)

    def _mark(self, row: HoldRow, rule: HoldEnd, actor: str, reason: str, now: datetime) -> HoldRow:
        """Note durably that a hold ends; from here on nobody finds it. Decided once."""
        if row.ending is not None:
            return row
        ending = Ending(rule=rule.value, by=actor, reason=reason, at=now)
        marked = replace(row, ending=ending)
        self._held.put(marked)
        return marked

    def _end(self, row: HoldRow, ending: Ending) -> None:
        """Destroy key and copies, enter it, forget it: each step harmless when repeated."""
        with self._copying:
            held = self._held.segments(row.id)
            self.files.destroy(row.id)
            enter_end(self._ledger, row, ending, held, self._method)
            self._held.forget(row.id)

    def _restore(self) -> None:
        if self._unsettled:
            restore(self.files, self._ledger, self._guard.now(), self._method)
            self._unsettled = False

    @contextmanager
    def _settling(self) -> Iterator[None]:
        """Let the next run find out how far something came that did not come to its end."""
        settled, self._unsettled = not self._unsettled, True
        yield
        self._unsettled = not settled


@contextmanager
def _collecting(failures: list[StewardError]) -> Iterator[None]:
    """Keep an error for the end of the run; one that concerns the whole vault as what it is."""
    try:
        yield
    except (VaultMissingError, VaultForeignError) as err:
        failures.append(err)
    except StorageError as err:
        failed = HoldFailedError(err.key)
        failed.__cause__ = err
        failures.append(failed)
    except StewardError as err:
        failures.append(err)
