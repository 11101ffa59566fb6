"""Decisions about the clock, entered in the ledger first and applied to the index exactly once.

The ledger is what counts: the index remembers up to which entry it has applied them, in the same
transaction as the shift itself. So a crash between the two is finished at the next start, and an
index that was rebuilt from the vault, whose stamps are as the clock gave them, gets them all again.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import override

from ..errors import LedgerBrokenError
from ..ledger.entry import SYSTEM, Entry, EntryKind, Json
from ..ledger.store import Ledger
from ..model import Segment, from_micros, to_micros
from ..vault.index import Index
from .guard import (
    TOLERANCE,
    Acceptance,
    ClockBook,
    ClockRecord,
    ClockState,
    Correction,
    Doubt,
    Explanation,
    Suspension,
)

FUTURE_STAMP = "future_stamp"
"""Why stamps were corrected that lay in the future of a trusted clock, by a clock unknown."""

ADOPTED = "vault_adopted"
"""Why stamps were corrected that another Home Assistant, which is gone, had found wrong."""

_MICROSECOND = timedelta(microseconds=1)


def corrections(ledger: Ledger) -> list[Correction]:
    """Return every correction that was ever entered, in the order in which they apply."""
    return [found for each in _accepted(ledger) if (found := _correction(each)) is not None]


def correction_after(ledger: Ledger, entry: int, sequence: int) -> timedelta:
    """Return by how much what was decided at `sequence` was corrected after an entry was made."""
    found = [_correction(each) for each in _accepted(ledger) if each.id > entry]
    return sum(
        (each.by for each in found if each is not None and each.first <= sequence <= each.last),
        timedelta(),
    )


def corrected(segment: Segment, made: Iterable[Correction]) -> Segment:
    """Return a segment as read from its file, with its times corrected."""
    by = sum((each.by for each in made if each.first <= segment.sequence <= each.last), timedelta())
    return replace(segment, start_at=segment.start_at + by, end_at=segment.end_at + by)


class LedgerClockBook(ClockBook):
    """The guard's record in the index, its decisions in the ledger; one thread at a time.

    Make it once the index is complete, before anything is recorded.
    """

    def __init__(self, index: Index, ledger: Ledger) -> None:
        """Finish what a crash left between ledger and index."""
        self._index = index
        self._ledger = ledger
        # Up to where this process knows that ledger and index agree.
        self._settled = 0
        self.settle()

    @override
    def load(self) -> ClockRecord | None:
        line = self._index.get_meta("clock_line")
        if line is None:
            return None
        held = {name: self._index.get_meta(f"clock_{name}") or 0 for name in _NUMBERS}
        return ClockRecord(
            base_at=from_micros(held["base"]),
            line_at=from_micros(line),
            wall_at=from_micros(held["wall"]),
            vouched=held["vouched"],
            vouches=bool(held["vouches"]),
            synchronised=bool(held["synchronised"]),
            state=ClockState(held["state"]),
            doubt=Doubt(held["doubt"]),
            since_at=from_micros(held["since"]),
        )

    @override
    def save(self, record: ClockRecord) -> None:
        self._index.set_meta(**_numbers(record))

    @override
    def last_sequence(self) -> int:
        return self._index.last_sequence()

    @override
    def last_known(self, wall_at: datetime) -> datetime | None:
        """Tell when the site was last alive if its index was lost; otherwise only of the future.

        Footage alone says little: a site may have recorded nothing for weeks. Of a vault that was
        taken over it must do all the same, or a new machine's wrong clock would erase it (INV-2).
        """
        newest = [
            found
            for camera in self._index.cameras()
            if (found := self._index.footage(camera).newest_at) is not None
        ]
        entered = [each.at for each in self._ledger.entries((EntryKind.STATEMENT,))]
        adopted = list(self._ledger.entries((EntryKind.VAULT_ADOPTED,)))
        if not entered:
            entered = [_time(each, "known_at") for each in adopted if each.data.get("known_at")]
        if not entered and not adopted:
            newest = [each for each in newest if each > wall_at + TOLERANCE]
        return max([*newest, *entered], default=None)

    @override
    def suspended(self, suspension: Suspension) -> None:
        since = to_micros(suspension.since_at)
        self._ledger.append(
            EntryKind.CLOCK_SUSPENDED,
            actor=SYSTEM,
            at=suspension.since_at,
            data={
                "since_at": suspension.since_at.isoformat(),
                "doubt": suspension.doubt.name.lower(),
                "jump_us": suspension.jump // _MICROSECOND,
            },
            key=f"clock_suspended:{since}:{suspension.doubt.name.lower()}",
        )

    @override
    def accepted(self, acceptance: Acceptance) -> None:
        data: dict[str, Json] = {
            "accepted_at": acceptance.accepted_at.isoformat(),
            "explanation": acceptance.explanation.value,
            "jump_us": acceptance.jump // _MICROSECOND,
            "away_us": acceptance.away // _MICROSECOND,
            "vouched": acceptance.vouched,
            "correction": correction_data(acceptance.correction),
        }
        self._ledger.append(
            EntryKind.CLOCK_ACCEPTED, actor=acceptance.actor, at=acceptance.accepted_at, data=data
        )
        self.settle()

    def correct(self, correction: Correction, at: datetime) -> None:
        """Enter and apply a correction of stamps that no jump explains."""
        self._ledger.append(
            EntryKind.CLOCK_ACCEPTED,
            actor=SYSTEM,
            at=at,
            data={"explanation": FUTURE_STAMP, "correction": correction_data(correction)},
        )
        self.settle()

    @override
    def settle(self) -> int:
        """Apply what the ledger holds and the index has not.

        Returns the last sequence that was corrected since the last call that came to its end, or 0:
        one that failed may have got through all the same.
        """
        entries = _accepted(self._ledger)
        applied = self._index.get_meta("clock_entry") or 0
        mark = self._index.get_meta("clock_entry_hash")
        if not any(each.id == applied and _mark(each) == mark for each in entries):
            # No entry was applied, or the ledger was begun anew: its numbers mean others now.
            applied = 0
        settled = 0
        for each in entries:
            if each.id > applied:
                self._apply(each)
            if each.id > self._settled and (correction := _correction(each)) is not None:
                settled = max(settled, correction.last)
        # A rebuilt index may not know the numbers of erased segments. One that was corrected must
        # never be given again, or its correction would fall upon another.
        greatest = max((each.last for each in corrections(self._ledger)), default=0)
        if greatest > self._index.last_sequence():
            self._index.set_meta(sequence=greatest)
        self._settled = max((each.id for each in entries), default=0)
        return settled

    def _apply(self, entry: Entry) -> None:
        """Shift what an entry corrects and remember that it was, in one transaction."""
        remember = {"clock_entry": entry.id, "clock_entry_hash": _mark(entry)}
        if (record := self.load()) is not None and "accepted_at" in entry.data:
            accepted_at = _time(entry, "accepted_at")
            remember |= _numbers(
                replace(
                    record,
                    base_at=accepted_at,
                    line_at=accepted_at,
                    wall_at=accepted_at,
                    vouched=_whole(entry.data, "vouched"),
                    synchronised=entry.data.get("explanation") == Explanation.SYNCHRONISED,
                    state=ClockState.TRUSTED,
                    doubt=Doubt.JUMP,
                    since_at=accepted_at,
                )
            )
        correction = _correction(entry)
        if correction is None:
            self._index.set_meta(**remember)
        else:
            self._index.shift(correction.first, correction.last, correction.by, **remember)


_NUMBERS = ("base", "wall", "vouched", "vouches", "synchronised", "state", "doubt", "since")


def _numbers(record: ClockRecord) -> dict[str, int]:
    return {
        "clock_base": to_micros(record.base_at),
        "clock_line": to_micros(record.line_at),
        "clock_wall": to_micros(record.wall_at),
        "clock_vouched": record.vouched,
        "clock_vouches": int(record.vouches),
        "clock_synchronised": int(record.synchronised),
        "clock_state": record.state.value,
        "clock_doubt": record.doubt.value,
        "clock_since": to_micros(record.since_at),
    }


def adopt_corrections(ledger: Ledger) -> None:
    """Enter, once, the corrections that a vault that was taken over says its stamps need."""
    for entry in ledger.entries((EntryKind.VAULT_ADOPTED,)):
        made = entry.data.get("corrections")
        if not isinstance(made, Sequence):
            raise LedgerBrokenError(f"entry {entry.id}")
        for number, correction in enumerate(made):
            ledger.append(
                EntryKind.CLOCK_ACCEPTED,
                actor=entry.actor,
                data={"explanation": ADOPTED, "correction": correction},
                key=f"vault_adopted:{number}",
            )


def _accepted(ledger: Ledger) -> list[Entry]:
    return sorted(ledger.entries((EntryKind.CLOCK_ACCEPTED,)), key=lambda each: each.id)


def _mark(entry: Entry) -> int:
    """Return what tells an entry from another ledger's of the same number."""
    return int(entry.hash[:15], 16)


def correction_data(correction: Correction | None) -> Json:
    """Return a correction as the data of an entry."""
    if correction is None:
        return None
    return {
        "first": correction.first,
        "last": correction.last,
        "by_us": correction.by // _MICROSECOND,
    }


def _correction(entry: Entry) -> Correction | None:
    data = entry.data.get("correction")
    if data is None:
        return None
    if not isinstance(data, Mapping):
        raise LedgerBrokenError(f"entry {entry.id}")
    return Correction(
        first=_whole(data, "first"),
        last=_whole(data, "last"),
        by=timedelta(microseconds=_whole(data, "by_us")),
    )


def _whole(data: Mapping[str, Json], name: str) -> int:
    value = data.get(name)
    if type(value) is not int:
        raise LedgerBrokenError(name)
    return value


def _time(entry: Entry, name: str) -> datetime:
    try:
        return datetime.fromisoformat(str(entry.data[name]))
    except ValueError as err:
        raise LedgerBrokenError(f"entry {entry.id}") from err
