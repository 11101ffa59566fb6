"""The keeper: erases what the plan names, with a record, and nothing while the clock is doubted."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from ..errors import RetentionError, SegmentMissingError, StewardError
from ..ledger.entry import SYSTEM, EntryKind
from ..ledger.registers import PurgeRecord
from ..ledger.store import Ledger
from ..model import FAR_AT, EraseRule, Segment, from_micros, to_micros
from ..vault.index import Index
from ..vault.vault import Found, Vault
from .batches import Batches, Tally
from .corrections import LedgerClockBook, corrected, corrections
from .guard import TOLERANCE, ClockGuard, Correction
from .holds import Holds
from .limits import RetentionLimit, SiteLimits, effective, lapses_at
from .plan import MARGIN, Limits, evict, next_due, overdue, plan
from .statement import Statement, take

RUN_EVERY = timedelta(minutes=1)
_LATE = timedelta(minutes=1)
_ONE_CLOCK = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """What a run did.

    `records` are the batches that it entered in the ledger, `erased` and `size_bytes` what it
    erased (entered now or within 15 minutes), `late` how many of those were over a minute past
    their limit, as after a switch-off. `next_at` is when the next run should be.
    """

    run: str
    ran_at: datetime
    trusted: bool
    erased: int
    size_bytes: int
    keys_destroyed: int
    late: int
    records: tuple[PurgeRecord, ...]
    next_at: datetime


class Keeper:
    """Retention of one site; any thread, calls take turns.

    Every method does file and database work. An error of the storage or the ledger does not keep a
    run from doing the rest: the first one is raised at the end, and what was left is done by the
    next run. Call `run` before anything is recorded, then whenever `next_at` says.
    """

    def __init__(
        self,
        *,
        vault: Vault,
        ledger: Ledger,
        book: LedgerClockBook,
        guard: ClockGuard,
        holds: Holds,
        limits: Callable[[], SiteLimits],
        method: str,
        margin: timedelta = MARGIN,
    ) -> None:
        """Ask `limits` at each run; `method` says how footage goes, with the kind of storage."""
        self._vault = vault
        self._index = vault.index
        self._ledger = ledger
        self._book = book
        self._guard = guard
        self._site = limits
        self._method = method
        self._margin = margin
        self._batches = Batches(vault, ledger, method)
        self._holds = holds
        self._turn = holds.turn
        # The book may have reserved numbers that were corrected once.
        vault.resume_after_recovery()

    def run(self, actor: str = SYSTEM, *, close: bool = False) -> RunResult:
        """Erase what has reached its limit (INV-1), and finish what was decided before.

        `close` enters all in the ledger at once, as when a person asked for the run. While the
        clock is doubted nothing new is decided.
        """
        with self._turn:
            now, tally = self._begin()
            limits = self._limits(now, tally)
            trusted = self._guard.trusted
            self._finish(now, tally, everything=close or not trusted)
            self._holds.settle(now, tally.failures)
            if trusted:
                self._retain(limits, now, tally)
            self._batches.enter(now, tally, actor, due_only=trusted and not close)
            return self._result(limits, now, tally)

    def accept_clock(self, actor: str) -> bool:
        """Believe the wall clock on the manager's word; False when it is believed already."""
        with self._turn:
            return self._guard.accept(actor)

    def make_room(self, needed_bytes: int, actor: str = SYSTEM) -> int:
        """Free `needed_bytes`, oldest footage first; return the bytes freed, less when none is left.

        What is due goes first, under its own rule. The rest is evicted, with an entry and a finding
        each camera; ask for an hour's worth at a time to keep the ledger small.
        """
        with self._turn:
            now, tally = self._begin()
            limits = self._limits(now, tally)
            self._finish(now, tally, everything=True)
            self._holds.settle(now, tally.failures)
            if self._guard.trusted:
                self._retain(limits, now, tally)
            if (missing := needed_bytes - tally.size_bytes) > 0:
                self._mark(self._oldest(missing), EraseRule.SPACE, now, tally)
                self._batches.erase(now, tally)
            self._batches.enter(now, tally, actor, due_only=False)
            _raise_first(tally)
            return tally.size_bytes

    def decommission(self, camera: str, actor: str) -> RunResult:
        """Erase all footage of a camera, known to the index or not; stop its recording first.

        Not a question of time: done under a doubted clock as well.
        """
        with self._turn:
            now, tally = self._begin()
            limits = self._limits(now, tally)
            self._finish(now, tally, everything=True)
            self._holds.settle(now, tally.failures)
            with _collecting(tally):
                self._adopt_all(
                    [each for each in self._vault.walk() if each.camera == camera], tally
                )
            found = self._index.started_by(camera, FAR_AT)
            self._mark(found, EraseRule.DECOMMISSION, now, tally)
            self._batches.erase(now, tally)
            self._batches.enter(now, tally, actor, due_only=False, camera=camera)
            return self._result(limits, now, tally)

    def take_back(self, segments: Sequence[Segment], actor: str = SYSTEM) -> None:
        """Erase what an import stored that was broken off, on record, while its file is still there.

        What cannot be erased, or copied for a hold first, is left; call again later.
        """
        with self._turn:
            now, tally = self._begin()
            self._mark(segments, EraseRule.IMPORT, now, tally)
            self._batches.erase(now, tally)
            self._batches.enter(now, tally, actor, due_only=False)
            _raise_first(tally)

    def overdue(self) -> list[Segment]:
        """Return what is kept past its limit, oldest first: it should always be empty.

        What is held and still to be copied is kept for that.
        """
        with self._turn:
            now = self._guard.now()
            limits = self._limits(now, _tally(now))
            found: list[Segment] = []
            for camera in self._index.cameras():
                if late := self._index.started_by(camera, now - limits.of(camera)):
                    noted = self._holds.noted_of(camera)
                    found += [each for each in late if each.sequence not in noted]
            return overdue([*found, *self._batches.pending()], limits, now)

    def limits(self) -> Limits:
        """Return the limits that hold now, removed cameras included."""
        with self._turn:
            now = self._guard.now()
            tally = _tally(now)
            limits = self._limits(now, tally)
            _raise_first(tally)
            return limits

    def lapse_of(self, camera: str) -> datetime | None:
        """Return when a camera's approved longer limit falls to the ceiling, as last remembered."""
        lapse = self._index.get_meta(_lapse_name(camera)) or 0
        return from_micros(lapse) if lapse else None

    def state(
        self, actor: str = SYSTEM, *, stopping: Callable[[], bool] = lambda: False
    ) -> Statement:
        """Walk the disk, enter the statement, and take in what the index did not know of.

        Files that the index forgot are entered in it: those past their limit go at once, under
        retention and with a record; the others keep their limit. The statement tells what was met,
        before that. Anything that should not be there is a finding as well.
        """
        now = self._guard.now()
        tally = _tally(now)
        with self._turn:
            limits = self._limits(now, tally)
        statement = take(
            self._holds.files,
            corrections(self._ledger),
            limits,
            run=tally.run,
            clock=self._guard,
            method=self._method,
            turn=self._turn,
            stopping=stopping,
        )
        with self._turn:
            with _collecting(tally):
                self._enter_statement(statement, actor)
            self._adopt_all(statement.orphans, tally)
            _raise_first(tally)
            if statement.orphans:
                self.run(actor, close=True)
        return statement

    # Parts of a run

    def _begin(self) -> tuple[datetime, Tally]:
        failures: list[StewardError] = []
        try:
            now = self._guard.tick()
        except StewardError as err:
            failures.append(err)
            now = self._guard.now()
        tally = _tally(now)
        tally.failures += failures
        return now, tally

    def _finish(self, now: datetime, tally: Tally, *, everything: bool) -> None:
        """Finish what was marked earlier: decided under a trusted clock, or no matter of time.

        A batch that an earlier process or run could not enter is entered before any other.
        """
        self._batches.erase(now, tally)
        self._batches.enter(now, tally, SYSTEM, due_only=not everything)

    def _retain(self, limits: Limits, now: datetime, tally: Tally) -> None:
        with _collecting(tally):
            self._correct_future(now)
        with _collecting(tally):
            for camera in self._index.cameras():
                until = now + self._margin - limits.of(camera)
                planned = plan(self._index.started_by(camera, until), limits, now, self._margin)
                going = [each.segment for each in planned.erase]
                self._mark(going, EraseRule.RETENTION, now, tally)
        self._batches.erase(now, tally)

    def _mark(
        self, segments: Sequence[Segment], rule: EraseRule, now: datetime, tally: Tally
    ) -> None:
        """Mark what goes, once what is held of it has its copy."""
        self._batches.mark(self._holds.spare(segments, tally.failures), rule, now)

    def _correct_future(self, now: datetime) -> None:
        """Bound the life of footage stamped in the future, from the moment it is noticed."""
        if not self._future(now):
            return
        self._book.settle()
        for each in future_corrections(self._future(now), now):
            self._book.correct(each, now)

    def _future(self, now: datetime) -> list[Segment]:
        after = now + TOLERANCE
        return [
            each
            for camera in self._index.cameras()
            for each in self._index.segments(camera, after, FAR_AT)
            if each.start_at > after
        ]

    def _oldest(self, needed_bytes: int) -> list[Segment]:
        """Return what is evicted; what is still to be copied is passed over: that frees nothing."""
        noted = {camera: self._holds.noted_of(camera) for camera in self._index.cameras()}
        count = 64
        while True:
            oldest = self._index.oldest(count)
            found = evict(
                [each for each in oldest if each.sequence not in noted.get(each.camera, ())],
                needed_bytes,
            )
            if len(oldest) < count or sum(each.size_bytes for each in found) >= needed_bytes:
                return found
            count *= 4

    def _adopt_all(self, files: Iterable[Found], tally: Tally) -> None:
        """Enter segment files in the index that it does not know, unless erased since met."""
        made = corrections(self._ledger)
        for found in files:
            if found.sequence is None or self._index.knows(found.sequence):
                continue
            with _collecting(tally), suppress(SegmentMissingError):
                segment = corrected(self._vault.describe(found), made)
                self._vault.files.open(self._vault.path_of(segment)).close()
                self._index.add([segment])
        self._vault.resume_after_recovery()

    def _enter_statement(self, statement: Statement, actor: str) -> None:
        record = statement.record
        self._ledger.append(
            EntryKind.STATEMENT,
            actor=actor,
            data=statement.to_data(),
            at=record.walked_to,
            key=f"statement:{record.run}",
        )
        for finding, count in statement.findings().items():
            self._ledger.append(
                EntryKind.FINDING,
                actor=actor,
                data={"finding": finding, "count": count},
                at=record.walked_to,
                key=f"statement:{record.run}:{finding}",
            )

    def _result(self, limits: Limits, now: datetime, tally: Tally) -> RunResult:
        _raise_first(tally)
        late = [
            each for each in tally.erased if each.start_at + limits.of(each.camera) + _LATE < now
        ]
        return RunResult(
            run=tally.run,
            ran_at=now,
            trusted=self._guard.trusted,
            erased=len(tally.erased),
            size_bytes=tally.size_bytes,
            keys_destroyed=tally.keys_destroyed,
            late=len(late),
            records=tuple(tally.records),
            next_at=self._next_at(limits, now),
        )

    def _next_at(self, limits: Limits, now: datetime) -> datetime:
        latest = now + RUN_EVERY
        if not self._guard.trusted:
            return latest
        due = (next_due(self._oldest_starts(limits, now), limits, self._margin), latest)
        ends = (self._holds.next_end(), latest)
        return max(now, min(each for each in (*due, *ends) if each is not None))

    def _oldest_starts(self, limits: Limits, now: datetime) -> dict[str, datetime]:
        """Return when the oldest footage starts that the next run erases, for each camera."""
        found: dict[str, datetime] = {}
        for camera in self._index.cameras():
            start_at = self._index.oldest_start(camera)
            until = now + self._margin - limits.of(camera)
            if start_at is not None and start_at <= until:
                # Left by this run, for its copy: what comes behind it is due all the same.
                noted = self._holds.noted_of(camera)
                others = self._index.started_by(camera, until + RUN_EVERY)
                starts = (each.start_at for each in others if each.sequence not in noted)
                start_at = next(starts, None)
            if start_at is not None:
                found[camera] = start_at
        return found

    # Limits

    def _limits(self, now: datetime, tally: Tally) -> Limits:
        """Return what holds now and remember it, so that a removed camera keeps its own.

        A limit that cannot hold is an error at the end; until it is mended the last one holds.
        """
        site = self._site()
        remembered = self._index.limits()
        try:
            default = effective(site.default, site.ceiling, now)
        except RetentionError as err:
            tally.failures.append(err)
            default = site.ceiling
        found: dict[str, timedelta] = {}
        for camera, limit in site.cameras.items():
            try:
                found[camera] = effective(limit, site.ceiling, now)
            except RetentionError as err:
                tally.failures.append(err)
                found[camera] = remembered.get(camera, default)
                continue
            self._remember(camera, limit, site.ceiling, found[camera], remembered)
        for camera, length in remembered.items():
            if camera not in found:
                lapse = self.lapse_of(camera)
                if lapse is not None and now >= lapse and length > site.ceiling:
                    # For good: a higher ceiling of another pack must not lengthen it again.
                    remember_limit(self._index, camera, length := site.ceiling)
                found[camera] = length
        return Limits(cameras=found, default=default)

    def _remember(
        self,
        camera: str,
        limit: RetentionLimit,
        ceiling: timedelta,
        length: timedelta,
        remembered: Mapping[str, timedelta],
    ) -> None:
        lapses = lapses_at(limit, ceiling)
        if self.lapse_of(camera) != lapses:
            _set_lapse(self._index, camera, lapses)
        if remembered.get(camera) != length:
            self._index.set_limit(camera, length)


def remember_limit(
    index: Index, camera: str, length: timedelta, lapses: datetime | None = None
) -> None:
    """Give a camera that is in no setting its limit, and when that falls to the ceiling."""
    _set_lapse(index, camera, lapses)
    index.set_limit(camera, length)


def _set_lapse(index: Index, camera: str, lapses: datetime | None) -> None:
    index.set_meta(**{_lapse_name(camera): 0 if lapses is None else to_micros(lapses)})


def future_corrections(segments: list[Segment], now: datetime) -> list[Correction]:
    """Return corrections by which no segment starts after `now`, the newest of each clock at it.

    Segments numbered one after the other and stamped within an hour of each other had one clock:
    their order and spacing is kept.
    """
    groups: list[list[Segment]] = []
    for each in sorted(segments, key=lambda each: each.sequence):
        last = groups[-1][-1] if groups else None
        if (
            last is not None
            and each.sequence == last.sequence + 1
            and abs(each.start_at - last.start_at) <= _ONE_CLOCK
        ):
            groups[-1].append(each)
        else:
            groups.append([each])
    return [
        Correction(
            first=group[0].sequence,
            last=group[-1].sequence,
            by=now - max(each.start_at for each in group),
        )
        for group in groups
    ]


def _tally(now: datetime) -> Tally:
    run = now.astimezone(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    return Tally(run=run, erased=[], keys_destroyed=0, records=[], failures=[])


@contextmanager
def _collecting(tally: Tally) -> Iterator[None]:
    """Keep an error for the end of the run, so that the rest is done all the same."""
    try:
        yield
    except StewardError as err:
        tally.failures.append(err)


def _raise_first(tally: Tally) -> None:
    if tally.failures:
        raise tally.failures[0]


def _lapse_name(camera: str) -> str:
    return f"lapse_{sha256(camera.encode()).hexdigest()[:24]}"
