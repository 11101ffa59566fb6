"""Whether the clock may be believed, and what time it is while it may not (design section 6).

The guard keeps one line of time, on which all footage is stamped. While it trusts the wall clock
the line is the wall clock; when that moves without an explanation, the line goes on by elapsed
time from where it was, and nothing is purged until the difference is explained. Each scenario is
worked through in docs/design/retention.md.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum
from threading import RLock
from typing import Protocol

from ..clock import Clock
from ..ledger.entry import SYSTEM

TOLERANCE = timedelta(seconds=120)
"""A difference up to here is no jump."""
ORDINARY_OFF = timedelta(minutes=5)
"""A restart: believed at once."""
LONGEST_OFF = timedelta(hours=24)
"""A switch-off up to here is believed after the grace, a longer one only on a word."""
GRACE = timedelta(minutes=10)
"""How long time synchronisation may take to correct a clock that was wrong at start."""
SAVE_EVERY = timedelta(minutes=1)
_DRIFT = 0.0005
"""How fast the line follows a wall clock that nobody vouches for (the kernel's own 500 ppm), so
that many small steps do not add up to an unnoticed jump."""
_ZERO = timedelta()


class ClockState(IntEnum):
    """Whether purging may go on; the numbers are stored."""

    TRUSTED = 0
    GRACE = 1
    SUSPENDED = 2


class Doubt(IntEnum):
    """What is not explained; the numbers are stored."""

    JUMP = 0
    """The wall clock moved against elapsed time while the steward ran."""
    BACKWARDS = 1
    """At start the wall clock is before the last recorded time."""
    ABSENCE = 2
    """At start more than a day seems to have passed."""


class Explanation(StrEnum):
    """Why a clock is believed again."""

    SYNCHRONISED = "synchronised"
    MANAGER = "manager"
    RETURNED = "returned"
    SWITCHED_OFF = "switched_off"


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """Segments `first` to `last` (sequences, both included) were stamped wrong by `by`."""

    first: int
    last: int
    by: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspension:
    """The clock is doubted from now on; `jump` is wall clock minus line."""

    since_at: datetime
    doubt: Doubt
    jump: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptance:
    """The wall clock is believed again.

    `away` is how long the machine seems to have been off, where it was started; `vouched` the last
    sequence whose stamp is settled from now on.
    """

    accepted_at: datetime
    explanation: Explanation
    actor: str
    jump: timedelta
    away: timedelta
    vouched: int
    correction: Correction | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockRecord:
    """What must outlive a restart.

    `base_at` is the last trusted time carried on by elapsed time, `line_at` what footage is stamped
    with, `wall_at` what the wall clock said, all at one moment. `vouched` is the last sequence
    stamped by a clock that someone vouched for, `vouches` whether this host's kernel ever does,
    `synchronised` whether it did at that moment.
    """

    base_at: datetime
    line_at: datetime
    wall_at: datetime
    vouched: int
    vouches: bool
    synchronised: bool
    state: ClockState
    doubt: Doubt
    since_at: datetime


class ClockBook(Protocol):
    """Where the guard's record and its decisions are kept; all is durable on return."""

    def load(self) -> ClockRecord | None:
        """Return the record, None when there is none."""
        ...

    def save(self, record: ClockRecord) -> None:
        """Replace the record."""
        ...

    def last_sequence(self) -> int:
        """Return the greatest sequence ever given to a segment."""
        ...

    def last_known(self, wall_at: datetime) -> datetime | None:
        """Return the latest time that what is stored tells of, for when there is no record."""
        ...

    def settle(self) -> int:
        """Finish acceptances that were entered and not applied; the last sequence they settled."""
        ...

    def suspended(self, suspension: Suspension) -> None:
        """Enter a suspension, once however often it is told."""
        ...

    def accepted(self, acceptance: Acceptance) -> None:
        """Enter an acceptance, correct the stamps that it names and make it the record."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockReport:
    """How the clock stands, for the repair and the diagnostics."""

    state: ClockState
    doubt: Doubt | None
    since_at: datetime | None
    now_at: datetime
    wall_at: datetime
    jump: timedelta
    away: timedelta


class ClockGuard:
    """A `Clock` that can be believed: any thread may read it, one ticks it.

    Use it wherever footage is stamped. Nothing is entered in the ledger before the first tick.
    """

    def __init__(self, clock: Clock, book: ClockBook) -> None:
        """Judge the wall clock against the last recorded time; `StorageError` of the book."""
        self._clock = clock
        self._book = book
        self._lock = RLock()
        self._wall, self._elapsed = clock.now(), clock.elapsed()
        self._sync = clock.synchronised() is True
        # `_line` is what footage is stamped with, `_base` the last trusted time carried on by
        # elapsed time; both as of the elapsed time `_anchor`.
        self._base = self._line = self._since = self._wall
        self._anchor = self._saved = self._grace_since = self._elapsed
        self._grace_wall = self._wall
        self._state = ClockState.TRUSTED
        self._doubt = Doubt.JUMP
        self._vouches = self._sync
        self._vouched = book.last_sequence()
        self._notice: Suspension | None = None
        self._changed = True
        self._judged = True
        self._start(book.load())
        self._save()

    # Reading

    def now(self) -> datetime:
        """Return the time to stamp footage with: the wall clock while it can be believed."""
        with self._lock:
            self._read()
            line = self._line + (self._elapsed - self._anchor)
            if self._state is ClockState.TRUSTED and abs(self._wall - line) <= TOLERANCE:
                return self._wall
            return line

    def elapsed(self) -> timedelta:
        """Return time that no clock setting moves."""
        return self._clock.elapsed()

    def synchronised(self) -> bool | None:
        """Return whether the kernel vouches for the wall clock."""
        return self._clock.synchronised()

    @property
    def trusted(self) -> bool:
        """Return whether purging may go on, as of the last tick, which came to its end."""
        with self._lock:
            return self._judged and self._state is ClockState.TRUSTED

    @property
    def report(self) -> ClockReport:
        """Return how the clock stands; `away` is how long the machine seems to have been off."""
        with self._lock:
            self._read()
            passed = self._elapsed - self._anchor
            doubted = self._state is not ClockState.TRUSTED
            started = doubted and self._doubt is not Doubt.JUMP
            return ClockReport(
                state=self._state,
                doubt=self._doubt if doubted else None,
                since_at=self._since if doubted else None,
                now_at=self._line + passed if doubted else self._wall,
                wall_at=self._wall,
                jump=self._wall - self._line - passed if doubted else _ZERO,
                away=max(self._wall - self._base - passed, _ZERO) if started else _ZERO,
            )

    # Judging

    def tick(self) -> datetime:
        """Judge the clock anew and return the time; call at least each minute.

        Raises `StorageError` or `LedgerBrokenError` when a decision cannot be entered; the clock
        then stays doubted and the next tick tries again.
        """
        with self._lock:
            self._judged = False
            self._read(sync=True)
            self._carry()
            if self._state is ClockState.TRUSTED:
                self._tick_trusted()
            else:
                self._tick_doubted()
            self._save()
            if self._notice is not None:
                self._book.suspended(self._notice)
                self._notice = None
            self._judged = True
            return self._wall if self._state is ClockState.TRUSTED else self._line

    def accept(self, actor: str) -> bool:
        """Believe the wall clock on a person's word; False when it is believed already.

        Raises as `tick` does, with nothing changed.
        """
        with self._lock:
            self._read(sync=True)
            self._carry()
            if self._state is ClockState.TRUSTED and abs(self._wall - self._line) <= TOLERANCE:
                return False
            self._accept(Explanation.MANAGER, actor)
            return True

    def _read(self, *, sync: bool = False) -> None:
        self._wall, self._elapsed = self._clock.now(), self._clock.elapsed()
        if sync:
            self._sync = self._clock.synchronised() is True

    def _carry(self) -> None:
        """Move both lines on by the time that has elapsed."""
        passed = self._elapsed - self._anchor
        self._anchor = self._elapsed
        self._base += passed
        self._line += passed
        if self._state is ClockState.TRUSTED and abs(jump := self._wall - self._line) <= TOLERANCE:
            pace = passed * _DRIFT
            self._line += min(max(jump, -pace), pace)
            self._base = self._line

    def _start(self, record: ClockRecord | None) -> None:
        if record is None:
            known_at = self._book.last_known(self._wall)
            if known_at is not None:
                self._base = self._line = known_at
                self._judge_start(resumed=False)
            return
        self._vouches |= record.vouches
        settled = record.state is ClockState.TRUSTED
        if not settled or (record.vouches and not record.synchronised):
            # Nobody vouched for what was stamped then: it is corrected with what comes now.
            self._vouched = record.vouched
        progress = self._wall - record.wall_at
        if not settled and _likelier(progress, self._wall - record.base_at):
            # The same doubted clock, a while later: a restart explains nothing.
            self._base = record.base_at + max(progress, _ZERO)
            self._line = record.line_at + max(progress, _ZERO)
            self._since = record.since_at
            if record.state is ClockState.SUSPENDED:
                self._suspend(record.doubt, since_at=record.since_at)
            else:
                self._begin_grace(since_at=record.since_at)
        else:
            self._base = self._line = record.base_at
            self._judge_start(resumed=not settled)

    def _judge_start(self, *, resumed: bool) -> None:
        """Judge a clock met at start against the last trusted time; the first tick decides."""
        away = self._wall - self._base
        if away < -TOLERANCE:
            self._suspend(Doubt.BACKWARDS, since_at=self._base)
        elif away <= ORDINARY_OFF and not resumed:
            self._trust()
        else:
            if away <= LONGEST_OFF or self._sync:
                # Most likely right: what is stamped from here on needs no correction then.
                self._line = self._wall
            self._begin_grace(since_at=self._base)

    def _tick_trusted(self) -> None:
        if abs(self._wall - self._line) > TOLERANCE:
            if self._sync:
                self._accept(Explanation.SYNCHRONISED)
            else:
                self._suspend(Doubt.JUMP, since_at=self._line)
        elif self._sync:
            self._vouched = self._book.last_sequence()
            self._vouches = True
            self._base = self._line = self._wall

    def _tick_doubted(self) -> None:
        away = self._wall - self._base
        if self._sync:
            self._accept(Explanation.SYNCHRONISED)
        elif self._doubt is Doubt.JUMP:
            if abs(self._wall - self._line) <= TOLERANCE:
                self._accept(Explanation.RETURNED)
        elif away < -TOLERANCE:
            if self._state is ClockState.GRACE:
                self._suspend(Doubt.BACKWARDS, since_at=self._since)
        elif away <= ORDINARY_OFF:
            self._accept(Explanation.RETURNED)
        elif self._state is ClockState.SUSPENDED:
            if away <= LONGEST_OFF:
                self._begin_grace(since_at=self._since)
        elif self._grace_moved():
            self._begin_grace(since_at=self._since)
        elif self._elapsed - self._grace_since >= GRACE:
            if away <= LONGEST_OFF:
                self._accept(Explanation.SWITCHED_OFF)
            else:
                self._suspend(Doubt.ABSENCE, since_at=self._since)

    def _grace_moved(self) -> bool:
        expected = self._grace_wall + (self._elapsed - self._grace_since)
        return abs(self._wall - expected) > TOLERANCE

    def _begin_grace(self, *, since_at: datetime) -> None:
        self._state, self._doubt = ClockState.GRACE, Doubt.ABSENCE
        self._since = since_at
        self._grace_since, self._grace_wall = self._elapsed, self._wall
        self._changed = True

    def _suspend(self, doubt: Doubt, *, since_at: datetime) -> None:
        self._state, self._doubt = ClockState.SUSPENDED, doubt
        self._since = since_at
        self._notice = Suspension(since_at=since_at, doubt=doubt, jump=self._wall - self._line)
        self._changed = True

    def _trust(self) -> None:
        self._base = self._line = self._wall
        self._anchor = self._elapsed
        self._state, self._doubt = ClockState.TRUSTED, Doubt.JUMP
        self._notice = None
        self._changed = True

    def _accept(self, explanation: Explanation, actor: str = SYSTEM) -> None:
        """Believe the wall clock, and correct what was stamped on another line.

        Under the lock until it is durable, so that nobody stamps on either line meanwhile.
        """
        self._vouched = max(self._vouched, self._book.settle())
        jump = self._wall - self._line
        last = self._book.last_sequence()
        correction = None
        if abs(jump) > TOLERANCE and last > self._vouched:
            correction = Correction(first=self._vouched + 1, last=last, by=jump)
        vouched = self._vouched
        if explanation in (Explanation.SYNCHRONISED, Explanation.MANAGER):
            vouched = last
        away = _ZERO if self._doubt is Doubt.JUMP else max(self._wall - self._base, _ZERO)
        self._book.accepted(
            Acceptance(
                accepted_at=self._wall,
                explanation=explanation,
                actor=actor,
                jump=jump,
                away=away,
                vouched=vouched,
                correction=correction,
            )
        )
        self._vouched = vouched
        self._vouches |= explanation is Explanation.SYNCHRONISED
        self._trust()
        self._judged = True

    def _save(self) -> None:
        """Keep the record: at once when something was decided, otherwise each minute."""
        if not self._changed and self._elapsed - self._saved < SAVE_EVERY:
            return
        trusted = self._state is ClockState.TRUSTED
        self._book.save(
            ClockRecord(
                base_at=self._base,
                line_at=self._line,
                wall_at=self._wall,
                vouched=self._vouched,
                vouches=self._vouches,
                synchronised=self._sync and trusted,
                state=self._state,
                doubt=self._doubt,
                since_at=self._since,
            )
        )
        self._saved = self._elapsed
        self._changed = False


def _likelier(doubted: timedelta, trusted: timedelta) -> bool:
    """Return whether a clock went on from the doubted time and not, set right, from the trusted.

    Given how much time passed while the steward was off by the one and by the other.
    """
    if not -TOLERANCE <= doubted <= LONGEST_OFF:
        return False
    return not -TOLERANCE <= trusted <= LONGEST_OFF or abs(doubted) < abs(trusted)
