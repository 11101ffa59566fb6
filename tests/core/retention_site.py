"""A site of real parts in a directory, a clock that does as it is told, and faults at any call."""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import override
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from custom_components.camera_steward.core.copies.importing import Importer
from custom_components.camera_steward.core.database import Database
from custom_components.camera_steward.core.errors import StorageError
from custom_components.camera_steward.core.files import LocalFiles, WritableFile
from custom_components.camera_steward.core.ledger.entry import Entry, EntryKind, Json
from custom_components.camera_steward.core.ledger.records import Records
from custom_components.camera_steward.core.ledger.registers import PurgeRecord, list_digest
from custom_components.camera_steward.core.ledger.store import METADATA as LEDGER_TABLES, Ledger
from custom_components.camera_steward.core.model import EraseRule, Segment, to_micros
from custom_components.camera_steward.core.retention.corrections import LedgerClockBook
from custom_components.camera_steward.core.retention.guard import ClockGuard
from custom_components.camera_steward.core.retention.holds import Holds
from custom_components.camera_steward.core.retention.keeper import Keeper
from custom_components.camera_steward.core.retention.limits import RetentionLimit, SiteLimits
from custom_components.camera_steward.core.retention.removals import Removals
from custom_components.camera_steward.core.vault.held import Held, HeldSegment, HoldRow
from custom_components.camera_steward.core.vault.holds import HoldFiles
from custom_components.camera_steward.core.vault.index import METADATA as INDEX_TABLES, Index
from custom_components.camera_steward.core.vault.keys import KEY_NAME
from custom_components.camera_steward.core.vault.recovery import recover
from custom_components.camera_steward.core.vault.vault import (
    HOLDS_NAME,
    Vault,
    create_identity,
    parse_name,
)

from . import synthetic

START = datetime(2026, 11, 22, 3, 4, 5, tzinfo=UTC)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)
ZERO = timedelta()
CEILING = timedelta(days=14)
METHOD = "erased, key destroyed (test storage)"
_VAULT = UUID(int=7)
_SIGNING_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
_SITE_KEY = bytes(32)

# Home Assistant's test plugin turns it on; every statement of every example would be kept in memory.
logging.getLogger("sqlalchemy.engine").setLevel(logging.WARNING)


type Gone = tuple[str, EraseRule, int, str]
"""A batch as the ledger should tell of it: camera, rule, count and digest of its list."""


class Crash(BaseException):
    """The process ends here: nothing may catch it."""


@dataclass(slots=True)
class Faults:
    """Counts the calls that touch storage, and lets one of them fail or be the last."""

    countdown: int = 0
    crash: bool = True
    hit: bool = False

    def arm(self, countdown: int, *, crash: bool) -> None:
        """Let the call after `countdown` others fail."""
        self.countdown, self.crash, self.hit = countdown + 1, crash, False

    def disarm(self) -> None:
        """Let all calls pass."""
        self.countdown = 0

    def point(self) -> None:
        """Be a place where it may happen."""
        if self.countdown:
            self.countdown -= 1
            if not self.countdown:
                self.hit = True
                raise Crash if self.crash else StorageError("EIO")

    @contextmanager
    def around(self) -> Iterator[None]:
        """Be two such places: before a call, and after it has taken effect."""
        self.point()
        yield
        self.point()


class ScriptedClock:
    """A machine's clock: true time is known to the test alone."""

    def __init__(self, offset: timedelta = ZERO) -> None:
        self.true_at = START
        self.offset = offset
        self.up = timedelta(hours=1)
        self.sync: bool | None = None

    def now(self) -> datetime:
        return self.true_at + self.offset

    def elapsed(self) -> timedelta:
        return self.up

    def synchronised(self) -> bool | None:
        return self.sync

    def advance(self, by: timedelta) -> None:
        """Let time pass while the machine runs."""
        self.true_at += by
        self.up += by

    def power_off(self, by: timedelta) -> None:
        """Let time pass while it is off; its battery keeps the clock going."""
        self.true_at += by
        self.up = timedelta(seconds=20)


class _FaultyFile:
    """A file being appended to, with a fault at each call."""

    def __init__(self, file: WritableFile, faults: Faults) -> None:
        self._file, self._faults = file, faults

    def append(self, data: bytes) -> None:
        with self._faults.around():
            self._file.append(data)

    def sync(self) -> None:
        with self._faults.around():
            self._file.sync()

    def close(self) -> None:
        self._file.close()


class FaultyFiles(LocalFiles):
    """Real files with a fault at each call that changes something."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults

    @override
    def make_directory(self, path: Path) -> None:
        with self._faults.around():
            super().make_directory(path)

    @override
    def create(self, path: Path) -> WritableFile:
        with self._faults.around():
            return _FaultyFile(super().create(path), self._faults)

    @override
    def rename(self, source: Path, target: Path) -> None:
        with self._faults.around():
            super().rename(source, target)

    @override
    def unlink(self, path: Path) -> bool:
        with self._faults.around():
            return super().unlink(path)

    @override
    def overwrite(self, path: Path) -> None:
        with self._faults.around():
            super().overwrite(path)

    @override
    def remove_directory(self, path: Path) -> bool:
        with self._faults.around():
            return super().remove_directory(path)

    @override
    def sync_directory(self, path: Path) -> None:
        with self._faults.around():
            super().sync_directory(path)


class WatchedHeld(Held):
    """The real rows of holds with faults."""

    def __init__(self, database: Database, faults: Faults) -> None:
        super().__init__(database)
        self._faults = faults

    @override
    def add(self, row: HoldRow, segments: Iterable[HeldSegment]) -> None:
        with self._faults.around():
            super().add(row, segments)

    @override
    def put(self, row: HoldRow) -> None:
        with self._faults.around():
            super().put(row)

    @override
    def set_segment(self, held: HeldSegment) -> None:
        with self._faults.around():
            super().set_segment(held)

    @override
    def lose_copies(self, hold: str) -> None:
        with self._faults.around():
            super().lose_copies(hold)

    @override
    def forget(self, hold: str) -> None:
        with self._faults.around():
            super().forget(hold)


class WatchedIndex(Index):
    """The real index with faults; remembers in which batch each segment was erased."""

    def __init__(self, database: Database, faults: Faults, marks: dict[int, Mark]) -> None:
        super().__init__(database)
        self.held = WatchedHeld(database, faults)
        self._faults = faults
        self._marks = marks

    @override
    def mark(self, segments: Iterable[Segment], rule: EraseRule, at: datetime) -> None:
        found = list(segments)
        with self._faults.around():
            super().mark(found, rule, at)
            for each in found:
                self._marks[each.sequence] = Mark(segment=each, rule=rule, at=at)

    @override
    def forget(self, sequences: Sequence[int]) -> None:
        with self._faults.around():
            super().forget(sequences)

    @override
    def shift(self, first: int, last: int, by: timedelta, **remember: int) -> int:
        with self._faults.around():
            return super().shift(first, last, by, **remember)

    @override
    def set_meta(self, **values: int) -> None:
        with self._faults.around():
            super().set_meta(**values)

    @override
    def set_limit(self, camera: str, limit: timedelta) -> None:
        with self._faults.around():
            super().set_limit(camera, limit)


class WatchedLedger(Ledger):
    """The real ledger with faults."""

    faults: Faults | None = None

    @override
    def append(
        self,
        kind: EntryKind,
        *,
        actor: str,
        subject: str = "",
        data: Mapping[str, Json] | None = None,
        at: datetime | None = None,
        key: str | None = None,
    ) -> Entry:
        assert self.faults is not None
        with self.faults.around():
            return super().append(kind, actor=actor, subject=subject, data=data, at=at, key=key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A segment as it was when it was marked last."""

    segment: Segment
    rule: EraseRule
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """A segment as the test knows it: when it was truly captured."""

    segment: Segment
    true_at: datetime


@dataclass
class Site:
    """The parts of one site; `restart` is what a new process does first."""

    root: Path
    clock: ScriptedClock = field(default_factory=ScriptedClock)
    faults: Faults = field(default_factory=Faults)
    limits: dict[str, timedelta | RetentionLimit] = field(default_factory=dict)
    default: timedelta = CEILING
    ceiling: timedelta = CEILING
    reserve_bytes: int = 0
    marks: dict[int, Mark] = field(default_factory=dict)
    recorded: dict[int, Recorded] = field(default_factory=dict)
    past: list[Gone] = field(default_factory=list)

    def __post_init__(self) -> None:
        create_identity(self.root / "vault", LocalFiles(), _VAULT, self.clock.now())
        self._open()

    def _open(self) -> None:
        self._databases = [
            Database(self.root / "index.db", INDEX_TABLES),
            Database(self.root / "ledger.db", LEDGER_TABLES),
        ]
        self.index = WatchedIndex(self._databases[0], self.faults, self.marks)
        self.ledger = WatchedLedger(self._databases[1], self.clock, _SIGNING_KEY)
        self.ledger.faults = self.faults
        self.vault = Vault(
            self.root / "vault",
            FaultyFiles(self.faults),
            self.clock,
            _VAULT,
            _SITE_KEY,
            self.index,
        )
        recover(self.vault)
        self.start()

    def start(self) -> None:
        """Start what retention is made of, on the index as it stands."""
        self.book = LedgerClockBook(self.index, self.ledger)
        self.guard = ClockGuard(self.clock, self.book)
        self.holds = Holds(
            files=HoldFiles(self.vault, _SITE_KEY),
            ledger=self.ledger,
            guard=self.guard,
            reserve=lambda space: self.reserve_bytes,
            method=METHOD,
        )
        self.keeper = Keeper(
            vault=self.vault,
            ledger=self.ledger,
            book=self.book,
            guard=self.guard,
            holds=self.holds,
            limits=self.site_limits,
            method=METHOD,
        )
        self.registers = Records(self.ledger, self.guard.now, UTC)
        self.removals = Removals(
            records=self.registers,
            ledger=self.ledger,
            index=self.index,
            holds=self.holds,
            keeper=self.keeper,
        )
        self.importer = Importer(
            vault=self.vault,
            keeper=self.keeper,
            ledger=self.ledger,
            guard=self.guard,
            reserve=lambda space: self.reserve_bytes,
        )

    def close(self) -> None:
        for each in self._databases:
            each.close()

    def restart(self) -> None:
        """End the process, however it stood, and begin another."""
        self.faults.disarm()
        self.close()
        self._open()

    def lose_index(self) -> None:
        """Begin another process that finds no index and rebuilds it from the vault."""
        self.faults.disarm()
        # The numbers of what is gone may be given again.
        self.past += self._gone()
        for sequence in set(self.recorded) - self.on_disk():
            del self.recorded[sequence]
            self.marks.pop(sequence, None)
        self.close()
        for path in self.root.glob("index.db*"):
            path.unlink()
        index = Database(self.root / "index.db", INDEX_TABLES)
        Vault(
            self.root / "vault", LocalFiles(), self.clock, _VAULT, _SITE_KEY, Index(index)
        ).rebuild_index()
        index.close()
        self._open()

    def site_limits(self) -> SiteLimits:
        return SiteLimits(
            ceiling=self.ceiling,
            default=RetentionLimit(duration=self.default),
            cameras={
                camera: each if isinstance(each, RetentionLimit) else RetentionLimit(duration=each)
                for camera, each in self.limits.items()
            },
        )

    def limit_of(self, camera: str) -> timedelta:
        return self.keeper.limits().of(camera)

    # Recording

    def record(
        self,
        camera: str = "door",
        length: timedelta = MINUTE,
        *,
        ago: timedelta = ZERO,
        seal: bool = True,
    ) -> int:
        """Record a segment through the real writer; time passes by its length."""
        stamp_at = self.guard.now() - ago
        true_at = self.clock.true_at - ago
        writer = self.vault.create_segment(camera, stamp_at, synthetic.HEADER.data)
        sequence = self.index.last_sequence()
        if seal:
            writer.append(bytes(sequence % 251 + 1), 0, keyframe=True)
            writer.seal(length, {1: sequence.to_bytes(32)})
        else:
            # More than a chunk, or recovery finds that nothing was ever in it.
            builder = synthetic.builder()
            for at in range(2):
                found_at = to_micros(stamp_at) + at * 1_000_000
                made = synthetic.fragment(builder, [bytes(70_000)], found_at)
                writer.append(made, at * 1_000_000, keyframe=True)
            writer.abandon()
        self.clock.advance(length)
        found = self.index.segment(sequence)
        assert found is not None
        self.recorded[sequence] = Recorded(segment=found, true_at=true_at)
        return sequence

    # Looking

    def on_disk(self) -> set[int]:
        """Return the numbers of the segment files that are there, copies left out."""
        found = set()
        for path in self._segment_files():
            parsed = parse_name(path.name)
            assert parsed is not None
            found.add(parsed[1])
        return found

    def hour_keys(self) -> list[Path]:
        """Return the hour keys that are there."""
        return sorted((self.root / "vault").rglob(KEY_NAME))

    def hours(self) -> set[Path]:
        """Return the hours that have segments."""
        return {each.parent for each in self._segment_files()}

    def held_files(self) -> list[Path]:
        """Return all files of holds."""
        holds = self.root / "vault" / HOLDS_NAME
        return sorted(each for each in holds.rglob("*") if each.is_file())

    def _segment_files(self) -> list[Path]:
        vault = self.root / "vault"
        return [each for each in vault.rglob("*.seg") if HOLDS_NAME not in each.parts]

    def start_of(self, sequence: int) -> datetime:
        found = self.index.segment(sequence)
        assert found is not None
        return found.start_at

    def records(self) -> list[PurgeRecord]:
        return [
            PurgeRecord.from_data(each.data)
            for each in self.ledger.entries((EntryKind.PURGE, EntryKind.EVICTION))
        ]

    def entries(self, kind: EntryKind) -> list[Entry]:
        return list(self.ledger.entries((kind,)))

    def findings(self) -> list[str]:
        return [str(each.data["finding"]) for each in self.entries(EntryKind.FINDING)]

    def check_records(self) -> None:
        """Check that each segment that is gone is in the ledger exactly once, and nothing else."""
        entered = [(each.camera, each.rule, each.count, each.digest) for each in self.records()]
        assert sorted(entered) == sorted([*self.past, *self._gone()])
        assert set(self.recorded) - self.on_disk() <= set(self.marks)

    def _gone(self) -> list[Gone]:
        """Return what the ledger should hold of each batch that the index has forgotten."""
        gone: dict[tuple[str, EraseRule, datetime], list[Segment]] = {}
        for sequence, mark in self.marks.items():
            if not self.index.knows(sequence):
                gone.setdefault((mark.segment.camera, mark.rule, mark.at), []).append(mark.segment)
        return [
            (camera, rule, len(members), list_digest(members))
            for (camera, rule, _), members in gone.items()
        ]


@contextmanager
def a_site(offset: timedelta = ZERO) -> Iterator[Site]:
    """Make a site in a directory of its own, in memory where the system has such a place."""
    memory = Path("/dev/shm")
    with TemporaryDirectory(dir=memory if memory.is_dir() else None) as root:
        site = Site(Path(root), ScriptedClock(offset))
        try:
            yield site
        finally:
            site.close()
