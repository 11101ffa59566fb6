"""Make ledger, disk and index agree about what is held, after a crash or a loss."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

from ..errors import FootageError, KeyMissingError, LedgerBrokenError, StewardError
from ..ledger.entry import SYSTEM, Entry, EntryKind
from ..ledger.fields import Fields
from ..ledger.store import Ledger
from ..model import Segment, SegmentState
from ..vault.format import HoldKey
from ..vault.held import Copying, Ending, HeldSegment, HoldRow
from ..vault.holds import HoldFiles, HoldFound
from ..vault.index import Index
from ..vault.vault import FoundKind
from .corrections import corrected, correction_after, corrections
from .guard import Correction
from .hold import REVIEW, HoldEnd, Words, words_of
from .hold_entries import HOLD_KINDS, enter_again, enter_end, row_after, row_of

_REACH = timedelta(minutes=10)
"""How long a segment can be."""


def stored(index: Index, words: Words) -> list[Segment]:
    """Return what is stored of a span and not marked for erasing, oldest first.

    One that is being written counts, for nobody knows yet how far it reaches.
    """
    found: dict[int, Segment] = {}
    for camera in words.cameras:
        for each in index.segments(camera, words.start_at, words.end_at):
            found[each.sequence] = each
    for each in index.open_segments():
        reaches = words.start_at - _REACH < each.start_at < words.end_at
        if reaches and each.camera in words.cameras:
            found[each.sequence] = each
    return sorted(found.values(), key=lambda each: (each.start_at, each.sequence))


def restore(files: HoldFiles, ledger: Ledger, now: datetime, method: str) -> None:
    """Take over what the ledger has decided, and what lies on the disk and has no row.

    The ledger has the words; a hold that it does not know, because it was begun anew, is known by
    its key file alone. One that was broken off before it was entered is taken back. Nothing is
    removed that the ledger does not say has ended. What one hold does not let do is told at the
    end, by the first error, and does not keep the others.
    """
    files.vault.check()
    _Restoring(files, ledger, now, method).run()


def copies_in(
    files: HoldFiles,
    hold: str,
    made: Sequence[Correction],
    *,
    unreadable: type[StewardError] | tuple[type[StewardError], ...] = FootageError,
) -> list[HeldSegment]:
    """Return what lies in a hold's folder; a copy that a crash tore is unreadable.

    `unreadable` are the errors that make it so; all others are raised.
    """
    copies: dict[int, HeldSegment] = {}
    for found in files.walk(hold):
        if found.kind is not FoundKind.SEGMENT or found.sequence is None:
            continue
        try:
            segment = corrected(files.describe(found), made)
        except unreadable:
            segment = corrected(_as_segment(found), made)
            torn = HeldSegment(hold=hold, segment=segment, copying=Copying.UNREADABLE)
            # Perhaps one that was put elsewhere: its own place counts.
            copies.setdefault(found.sequence, torn)
        else:
            copies[found.sequence] = HeldSegment(hold=hold, segment=segment, copying=Copying.COPIED)
    return list(copies.values())


def row_of_key(hold: str, key: HoldKey) -> HoldRow:
    """Return the row of a hold of which only the key file is known: without reason and people."""
    words = Words(
        cameras=key.cameras, start_at=key.start_at, end_at=key.end_at, placed_at=key.placed_at
    )
    return HoldRow(
        id=hold,
        words=words.to_text(),
        entry="",
        granted_at=key.placed_at,
        sequence=0,
        until_at=key.until_at,
        review_at=min(key.placed_at + REVIEW, key.until_at),
    )


class _Restoring:
    """One such turn."""

    def __init__(self, files: HoldFiles, ledger: Ledger, now: datetime, method: str) -> None:
        self._files = files
        self._vault = files.vault
        self._index = files.vault.index
        self._held = files.vault.index.held
        self._ledger = ledger
        self._now = now
        self._method = method

    def run(self) -> None:
        told = self._told()
        rows = {each.id: each for each in self._held.holds()}
        folders = set(self._files.folders())
        failures: list[StewardError] = []
        for hold in sorted(folders | set(told) | set(rows)):
            try:
                self._agree(hold, rows.get(hold), told.get(hold, []), on_disk=hold in folders)
            except StewardError as err:
                failures.append(err)
        if failures:
            raise failures[0]

    def _agree(
        self, hold: str, row: HoldRow | None, entries: list[Entry], *, on_disk: bool
    ) -> None:
        ended = [each for each in entries if each.kind == EntryKind.HOLD_ENDED]
        if row is not None:
            if ended and row.ending is None:
                self._held.put(replace(row, ending=_ending(ended[-1])))
            elif not ended and row.ending is None:
                self._take_over(row, entries)
        elif ended:
            if on_disk:
                self._files.destroy(hold)
        elif on_disk:
            self._adopt(hold, entries)
        else:
            self._give_up(entries)

    def _told(self) -> dict[str, list[Entry]]:
        """Return what the ledger says of each hold; nothing when it cannot be read."""
        found: dict[str, list[Entry]] = {}
        with suppress(LedgerBrokenError):
            entries = list(self._ledger.entries(HOLD_KINDS))
            for each in sorted(entries, key=lambda each: each.id):
                found.setdefault(each.subject, []).append(each)
        return found

    def _take_over(self, row: HoldRow, entries: list[Entry]) -> None:
        """Apply what was entered after what the row has."""
        if not entries:
            self._held.put(replace(row, entry=enter_again(self._ledger, row).hash))
            return
        hashes = [each.hash for each in entries]
        first = hashes.index(row.entry) + 1 if row.entry in hashes else 0
        after = _folded(row, entries[first:])
        if after != row:
            self._held.put(after)

    def _adopt(self, hold: str, entries: list[Entry]) -> None:
        """Make rows of a hold whose key opens; one that does not is the statement's to name."""
        try:
            key = self._files.read(hold)
        except KeyMissingError:
            inside = {each.kind for each in self._files.walk(hold)}
            if not entries and inside <= {FoundKind.KEY}:
                self._files.destroy(hold)  # broken off while its key was written
            return
        made = self._corrections()
        copies = copies_in(self._files, hold, made)
        row = self._row(entries)
        if row is None:
            if not copies and self._begun_before(key.placed_at):
                # Broken off before it was entered: nobody was told that it is held.
                self._files.destroy(hold)
                return
            row = row_of_key(hold, key)
            row = replace(row, entry=enter_again(self._ledger, row).hash)
        whole = {each.segment.sequence for each in copies if each.copying is Copying.COPIED}
        noted = [
            HeldSegment(hold=hold, segment=each, copying=Copying.NOTED)
            for each in stored(self._index, words_of(row))
            if each.sequence not in whole
        ]
        again = {each.segment.sequence for each in noted}
        copies = [each for each in copies if each.segment.sequence not in again]
        # A number of what is held is never given again, or a correction would fall upon both.
        greatest = max((each.segment.sequence for each in copies), default=0)
        if greatest > self._index.last_sequence():
            self._index.set_meta(sequence=greatest)
            self._vault.resume_after_recovery()
        self._held.add(row, [*copies, *noted])

    def _row(self, entries: list[Entry]) -> HoldRow | None:
        """Return the row that the ledger's entries make, with the corrections made since."""
        try:
            if not entries or entries[0].kind != EntryKind.HOLD_PLACED:
                return None
            row = _folded(row_of(entries[0]), entries[1:])
            granted = [each.id for each in entries if each.kind != EntryKind.HOLD_REVIEWED][-1]
            by = correction_after(self._ledger, granted, row.sequence)
        except LedgerBrokenError:
            return None
        return replace(
            row,
            granted_at=row.granted_at + by,
            until_at=row.until_at + by,
            review_at=row.review_at + by,
        )

    def _give_up(self, entries: list[Entry]) -> None:
        """Enter that a hold is gone of which neither key nor row is left."""
        row = self._row(entries)
        if row is not None:
            lost = Ending(rule=HoldEnd.LOST.value, by=SYSTEM, reason="", at=self._now)
            enter_end(self._ledger, row, lost, (), self._method)

    def _corrections(self) -> list[Correction]:
        with suppress(LedgerBrokenError):
            return corrections(self._ledger)
        return []

    def _begun_before(self, moment: datetime) -> bool:
        """Return whether the ledger knows of anything before a moment: it would know of a hold."""
        with suppress(LedgerBrokenError):
            first = next(iter(self._ledger.entries()), None)
            return first is not None and first.at < moment
        return False


def _folded(row: HoldRow, entries: Iterable[Entry]) -> HoldRow:
    for each in entries:
        if each.kind in (EntryKind.HOLD_RENEWED, EntryKind.HOLD_REVIEWED):
            row = row_after(row, each)
    return row


def _ending(entry: Entry) -> Ending:
    read = Fields(entry.data, "hold")
    return Ending(rule=read.text("rule"), by=entry.actor, reason=read.text("reason"), at=entry.at)


def _as_segment(found: HoldFound) -> Segment:
    assert found.sequence is not None
    assert found.stamp_at is not None
    return Segment(
        sequence=found.sequence,
        camera=found.camera,
        stamp_at=found.stamp_at,
        start_at=found.stamp_at,
        end_at=found.stamp_at,
        size_bytes=found.size_bytes,
        state=SegmentState.RECOVERED,
    )
