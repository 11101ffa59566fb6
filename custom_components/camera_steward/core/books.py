"""A site's books, opened together: index, ledger, vault, clock guard and keeper."""

import contextlib
import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from hashlib import sha256
from itertools import islice
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from .capture.live import LiveFeed
from .clock import Clock, SystemClock
from .database import Database
from .disclosure.counter import Counter
from .disclosure.packing import Packing
from .errors import (
    DescriptionError,
    IndexUnreadableError,
    LedgerBrokenError,
    SegmentMissingError,
    StewardError,
    StorageError,
)
from .files import Files, LocalFiles, storage_errors
from .inspection.inspector import InspectionEvent, Inspector
from .ledger.entry import SYSTEM, Checkpoint, EntryKind, Json, fingerprint
from .ledger.opening import open_ledger
from .ledger.records import Records
from .ledger.registers import StatementRecord, statements
from .ledger.store import Ledger
from .ledger.verify import Verification, verify as verify_ledger
from .model import FAR_AT, FIRST_AT, Space
from .retention.corrections import (
    LedgerClockBook,
    adopt_corrections,
    correction_data,
    corrections,
)
from .retention.guard import ClockGuard, Correction
from .retention.hold import HoldEnd
from .retention.hold_entries import enter_end
from .retention.holds import Holds
from .retention.keeper import Keeper, remember_limit
from .retention.limits import SiteLimits
from .retention.removals import Removals
from .site import IndexRebuilt, LedgerBroken, Recovered, SiteSettings, StewardEvent
from .tasks.doings import doings_between
from .tasks.photos import EVIDENCE_NAME, Photos, evidence_of
from .vault.description import (
    DescribedCamera,
    DescribedCorrection,
    SiteDescription,
    read_description,
    write_description,
)
from .vault.held import Ending
from .vault.holds import HoldFiles
from .vault.index import METADATA, Index
from .vault.recovery import recover
from .vault.vault import (
    CHECKPOINTS_NAME,
    IDENTITY_DRAFT,
    IDENTITY_NAME,
    Vault,
    create_identity,
    earlier_checkpoints,
    read_identity,
    site_files,
)
from .viewing.lobby import Lobby, LobbyEvent

INDEX_NAME = "index.db"
LEDGER_NAME = "ledger.db"
_GIVEN_UP = "vault given up"
FOLDERS_NAME = "folders.db"
_INSPECTION_NAME = "inspection"


class VaultPlaceKind(StrEnum):
    """What a directory is, seen as a place for a vault."""

    NEW = "new"
    EMPTY = "empty"
    VAULT = "vault"
    OCCUPIED = "occupied"


@dataclass(frozen=True, slots=True, kw_only=True)
class VaultPlace:
    """A directory that might hold a vault; `vault` is the id of the one that is there."""

    kind: VaultPlaceKind
    vault: UUID | None
    space: Space


def prepare_vault(root: Path, files: Files | None = None) -> VaultPlace:
    """Look at a directory and try whether it can be written to; nothing is left behind.

    Raises `StorageReadOnlyError`, `StorageFullError` or `StorageError`, and `VaultForeignError`
    when there is a vault that cannot be read.
    """
    files = files or LocalFiles()
    with storage_errors():
        existing = root
        while not existing.is_dir():
            if existing == existing.parent or existing.exists():
                raise NotADirectoryError
            existing = existing.parent
    attempt = existing / f".camera-steward-{threading.get_ident()}"
    files.create(attempt).close()
    files.unlink(attempt)
    space = files.space(existing)
    if existing != root:
        return VaultPlace(kind=VaultPlaceKind.NEW, vault=None, space=space)
    vault = read_identity(root, files)
    if vault is not None:
        return VaultPlace(kind=VaultPlaceKind.VAULT, vault=vault, space=space)
    others = [name for name in files.list(root) if name not in ("lost+found", IDENTITY_DRAFT)]
    kind = VaultPlaceKind.OCCUPIED if others else VaultPlaceKind.EMPTY
    return VaultPlace(kind=kind, vault=None, space=space)


def vault_at(root: Path) -> UUID | None:
    """Return the id of the vault in a directory, None where there is none that can be read."""
    try:
        return read_identity(root, LocalFiles())
    except StorageError:
        return None


def create_vault(
    root: Path, vault: UUID, *, files: Files | None = None, clock: Clock | None = None
) -> None:
    """Make a new or empty directory a vault; durable on return."""
    create_identity(root, files or LocalFiles(), vault, (clock or SystemClock()).now())


class Books:
    """Index, ledger, vault and keeper of a site, opened together."""

    def __init__(
        self,
        settings: SiteSettings,
        clock: Clock,
        files: Files,
        limits: Callable[[], SiteLimits],
        emit: Callable[[StewardEvent], None],
    ) -> None:
        """Open everything; a subclass of `StorageError` when the vault cannot be used."""
        files.make_directory(settings.state)
        self._settings = settings
        self._path = settings.state / INDEX_NAME
        self.database, damaged = _open_index(self._path, clock)
        opened: Ledger | None = None
        try:
            self.index = Index(self.database)
            self.vault = Vault(
                settings.root, files, clock, settings.vault, settings.site_key, self.index
            )
            self.vault.check()
            key = Ed25519PrivateKey.from_private_bytes(settings.signing_key)
            opened, restart = open_ledger(settings.state / LEDGER_NAME, clock, key)
            self.ledger = opened
            # By the ledger's key: evidence is the ledger's, and outlives a vault that is given up.
            self.photos = Photos(files, settings.state / EVIDENCE_NAME, settings.signing_key)
            self.named_photos = settings.photos
            self.ledger_restarted = restart is not None
            if self.ledger_restarted:
                emit(LedgerBroken())
            adopting = bool(settings.adopted_by) and self._is_another_ledgers()
            if damaged or not self.vault.index_complete:
                self._rebuild(emit, damaged=damaged, adopting=adopting)
            if adopting:
                self._adopt(settings.adopted_by)
            adopt_corrections(self.ledger)
            self._recover(emit)
            self._described: SiteDescription | None = None
            self._describing = threading.Lock()
            self.book = LedgerClockBook(self.index, self.ledger)
            self.guard = ClockGuard(clock, self.book)
            self.holds = Holds(
                files=HoldFiles(self.vault, settings.site_key),
                ledger=self.ledger,
                guard=self.guard,
                reserve=settings.reserve_of,
                method=_method(settings.storage),
            )
            self.keeper = Keeper(
                vault=self.vault,
                ledger=self.ledger,
                book=self.book,
                guard=self.guard,
                holds=self.holds,
                limits=limits,
                method=_method(settings.storage),
            )
            self.records = Records(self.ledger, self.guard.now, ZoneInfo(settings.zone))
            self.removals = Removals(
                records=self.records,
                ledger=self.ledger,
                index=self.index,
                holds=self.holds,
                keeper=self.keeper,
            )
        except BaseException:
            if opened is not None:
                opened.close()
            self.database.close()
            raise

    def _rebuild(
        self, emit: Callable[[StewardEvent], None], *, damaged: bool, adopting: bool
    ) -> None:
        # What a removed camera may keep is in no setting any more; the vault itself says it, and the
        # last statement.
        if (told := self._told()) is not None:
            for camera, known in told.cameras.items():
                remember_limit(self.index, camera, known.limit, known.lapses_at)
        found: list[StatementRecord] = []
        with contextlib.suppress(LedgerBrokenError):
            found.extend(statements(self.ledger, FIRST_AT, FAR_AT))
        for each in found[-1].cameras if found else ():
            self.index.set_limit(each.camera, each.limit)
        count = self.vault.rebuild_index()
        if adopting or (not damaged and not count):
            return  # a site that begins
        self.ledger.append(
            EntryKind.FINDING, actor=SYSTEM, data={"what": "index_rebuilt", "segments": count}
        )
        emit(IndexRebuilt(segments=count))

    def _told(self) -> SiteDescription | None:
        """Return what the vault says of its site; None also where that is damaged."""
        settings = self._settings
        with contextlib.suppress(DescriptionError):
            return read_description(
                settings.root, self.vault.files, settings.site_key, settings.vault
            )
        return None

    def _is_another_ledgers(self) -> bool:
        """Return whether this ledger knows nothing of the vault, nor the vault of this ledger.

        A ledger that went missing after the vault was taken over is no new one: what attested to it
        stays where it is looked for.
        """
        if any(True for _ in self.ledger.entries((EntryKind.VAULT_ADOPTED,))):
            return False
        own = fingerprint(self.ledger.public_key)
        kept = kept_checkpoints(self._settings.root, self.vault.files)
        return all(each.signer != own for each in kept)

    def _adopt(self, actor: str) -> None:
        """Begin the ledger with whose vault was taken over.

        What attested to the ledger that is gone stays beside the footage under a name of its own.
        """
        told = self._told()
        held = [self.index.footage(camera) for camera in self.index.cameras()]
        made = () if told is None else told.corrections
        self.ledger.append(
            EntryKind.VAULT_ADOPTED,
            actor=actor,
            data={
                "vault": str(self._settings.vault),
                "segments": sum(each.segments for each in held),
                "size_bytes": sum(each.size_bytes for each in held),
                "checkpoints": self._set_checkpoints_aside(),
                "known_at": None if told is None else told.written_at.isoformat(),
                "corrections": [
                    correction_data(Correction(first=each.first, last=each.last, by=each.by))
                    for each in made
                ],
            },
        )

    def _set_checkpoints_aside(self) -> list[str]:
        """Give the checkpoints of another ledger their digest for a name; return all such names."""
        root, files = self._settings.root, self.vault.files
        with contextlib.suppress(SegmentMissingError):
            file = files.open(root / CHECKPOINTS_NAME)
            try:
                digest = sha256(file.read(0, file.size)).hexdigest()[:16]
            finally:
                file.close()
            files.rename(root / CHECKPOINTS_NAME, root / f"ledger-checkpoints-{digest}.jsonl")
            files.sync_directory(root)
        return earlier_checkpoints(root, files)

    def describe(self, cameras: Mapping[str, str]) -> None:
        """Keep with the footage what its limits are, once for each opening and when it changes.

        `cameras` are the names of those that are set up; others keep theirs while there is footage
        of them, held or not. `StorageError` when it cannot be written: call again.
        """
        with self._describing:
            self._describe(cameras)

    def _describe(self, cameras: Mapping[str, str]) -> None:
        settings = self._settings
        before = self._described or self._told()
        limits = self.keeper.limits()
        known = before.cameras if before is not None else {}
        kept = {each for each in self.index.cameras() if self.index.oldest_start(each) is not None}
        kept |= {camera for hold in self.holds.all() for camera in hold.cameras}
        names = {
            camera: known[camera].name if camera in known else "" for camera in sorted(kept)
        } | dict(cameras)
        now = self.guard.now()
        found = SiteDescription(
            title=settings.title,
            cameras={
                camera: DescribedCamera(
                    name=name,
                    limit=limits.of(camera),
                    lapses_at=self.keeper.lapse_of(camera),
                )
                for camera, name in names.items()
            },
            ceiling=settings.ceiling,
            default=limits.default,
            method=_method(settings.storage),
            zone=settings.zone,
            corrections=tuple(
                DescribedCorrection(first=each.first, last=each.last, by=each.by)
                for each in corrections(self.ledger)
            ),
            written_at=now if self._described is None else self._described.written_at,
        )
        if found == self._described:
            return
        found = replace(found, written_at=now)
        self.vault.check()
        write_description(settings.root, self.vault.files, found, settings.site_key, settings.vault)
        self._described = found

    def _recover(self, emit: Callable[[StewardEvent], None]) -> None:
        counts: dict[str, int] = {}
        damaged: dict[str, int] = {}
        for each in recover(self.vault):
            camera = each.segment.camera
            counts[camera] = counts.get(camera, 0) + 1
            damaged[camera] = damaged.get(camera, 0) + each.damaged
        for camera, count in counts.items():
            self.ledger.append(
                EntryKind.SEGMENTS_RECOVERED,
                actor=SYSTEM,
                subject=camera,
                data={"segments": count, "unreadable": damaged[camera]},
            )
            emit(Recovered(camera=camera, count=count))

    def lobby(
        self, on_event: Callable[[LobbyEvent], None], feed: Callable[[str], LiveFeed]
    ) -> Lobby:
        """Open where people are let in; `LedgerBrokenError` where the ledger does not say who is."""
        return Lobby(
            *(self.vault, self.index, self.ledger, self.guard), on_event=on_event, feed=feed
        )

    def inspector(
        self,
        cameras: Collection[str],
        *,
        recording: Callable[[str], bool],
        clock_offset: Callable[[str], timedelta | None],
        watch: Callable[[str, Callable[[], None]], LiveFeed],
        on_event: Callable[[InspectionEvent], None],
    ) -> Inspector:
        """Make what looks at the pictures; raises `StorageError`."""
        return Inspector(
            cameras,
            vault=self.vault,
            ledger=self.ledger,
            clock=self.guard,
            files=self.vault.files,
            folder=self._settings.state / _INSPECTION_NAME,
            recording=recording,
            clock_offset=clock_offset,
            watch=watch,
            on_event=on_event,
        )

    def counter(self, lobby: Lobby, settings: SiteSettings) -> Counter:
        """Open the counter; `LedgerBrokenError` where the register cannot be read."""
        packing = Packing(
            settings.sender,
            vault=self.vault,
            holds=self.holds,
            ledger=self.ledger,
            guard=self.guard,
            desk=lobby.desk,
        )
        return Counter(lobby, self.ledger, self.holds, packing, grounds=settings.grounds)

    def keep_checkpoint(self, checkpoint: Checkpoint) -> None:
        """Keep what attests to the ledger beside the footage, outside the ledger's file."""
        self.vault.check()  # never under an empty mount point or in another's vault
        # A line break first: a line that a power cut tore must not swallow this one.
        line = b"\n" + checkpoint.to_json().encode() + b"\n"
        files, path = self.vault.files, self.vault.root / CHECKPOINTS_NAME
        if path.exists():
            reading = files.open(path)
            size = reading.size
            reading.close()
            file = files.reopen(path, size)
        else:
            file = files.create(path)
        try:
            file.append(line)
            file.sync()
        finally:
            file.close()

    def verify_ledger(self) -> Verification:
        """Check all of the ledger, also against the checkpoints that were kept."""
        kept = kept_checkpoints(self.vault.root, self.vault.files)
        return verify_ledger(self.ledger.database, self.ledger.public_key, kept)

    def tidy_photos(self) -> None:
        """Erase photos that are evidence no more, those that were it long enough by an entry.

        What settings name stays: a floor plan, the background of an icon view.
        """
        if not self.guard.trusted:
            return
        now = self.guard.now()
        evidence = evidence_of(doings_between(self.ledger, FIRST_AT, FAR_AT))
        lapsed = [e for e in self.photos.lapsed(evidence, now) if e not in self.named_photos]
        if lapsed:
            self.ledger.append(
                EntryKind.FINDING, actor=SYSTEM, data={"what": "photos_erased", "photos": lapsed}
            )
            self.photos.erase(lapsed)
        self.photos.sweep(evidence.keys() | self.named_photos, now)

    def close(self) -> None:
        """Let go of the files."""
        self.ledger.close()
        self.database.close()


def kept_checkpoints(root: Path, files: Files) -> list[Checkpoint]:
    """Return what attests to the ledger from outside its file, as kept with the footage."""
    try:
        file = files.open(root / CHECKPOINTS_NAME)
    except SegmentMissingError:
        return []
    try:
        lines = file.read(0, file.size).splitlines()
    finally:
        file.close()
    found = []
    for line in lines:
        # A line that a power cut tore is no checkpoint, and no break either.
        with contextlib.suppress(LedgerBrokenError, ValueError):
            found.append(Checkpoint.from_json(line.decode()))
    return found


def erase_site(
    settings: SiteSettings,
    *,
    actor: str,
    clock: Clock | None = None,
    files: Files | None = None,
) -> int:
    """Erase all footage and photos of a site that ends; return how many segments went.

    Without the steward nobody keeps the limit any more (INV-1). The ledger stays where it is. The
    folder is a vault no longer, unless something in it was not the steward's. What cannot be ended or
    erased does not keep the rest; the first error is raised at the end.
    """
    limits = SiteLimits(ceiling=settings.ceiling, default=settings.limit, cameras={})
    books = Books(
        settings,
        clock or SystemClock(),
        files or LocalFiles(),
        lambda: limits,
        lambda event: None,
    )
    try:
        erased = 0
        failures: list[StewardError] = []
        try:
            books.holds.end_all(HoldEnd.DECOMMISSION, actor=actor)
        except StewardError as err:
            failures.append(err)
        for camera in {*books.index.cameras(), *books.vault.camera_folders()}:
            try:
                erased += books.keeper.decommission(camera, actor).erased
            except StewardError as err:
                failures.append(err)
        try:
            books.photos.erase_all()  # their key goes with the site
        except StewardError as err:
            failures.append(err)
        if failures:
            raise failures[0]
        left = (*islice(books.vault.walk(), 1), *islice(books.holds.files.walk(), 1))
        if not left:
            # The folder is free for another site; what attested to the ledger goes with it.
            for name in site_files(settings.root, books.vault.files):
                books.vault.files.unlink(settings.root / name)
            books.vault.files.sync_directory(settings.root)
        return erased
    finally:
        books.close()


def replace_vault(
    settings: SiteSettings, *, root: Path, vault: UUID, actor: str, reason: str
) -> None:
    """Begin a new vault at `root` for a site whose own will not come back.

    What was lost is in the ledger before the index forgets it (INV-2). The caller then destroys the
    site key, so that nothing on the lost disk can be opened any more (INV-1). Raises what making a
    vault and opening the ledger raise: nothing is given up then.
    """
    create_vault(root, vault)
    try:
        _give_up_vault(settings, actor=actor, reason=reason)
    except BaseException:
        LocalFiles().unlink(root / IDENTITY_NAME)
        raise


def _give_up_vault(settings: SiteSettings, *, actor: str, reason: str) -> None:
    clock = SystemClock()
    LocalFiles().make_directory(settings.state)
    database, _ = _open_index(settings.state / INDEX_NAME, clock)
    try:
        index = Index(database)
        lost: dict[str, Json] = {}
        for camera in sorted(index.cameras()):
            held = index.footage(camera)
            if held.oldest_at is not None and held.newest_at is not None:
                lost[camera] = {
                    "segments": held.segments,
                    "size_bytes": held.size_bytes,
                    "from": held.oldest_at.isoformat(),
                    "to": held.newest_at.isoformat(),
                }
        key = Ed25519PrivateKey.from_private_bytes(settings.signing_key)
        ledger, _ = open_ledger(settings.state / LEDGER_NAME, clock, key)
        try:
            ledger.append(
                EntryKind.FINDING,
                actor=actor,
                data={
                    "what": "vault_given_up",
                    "vault": str(settings.vault),
                    "reason": reason,
                    "cameras": lost,
                    # Erased before, and not yet entered as such.
                    "erased": len(index.marked()),
                },
                key=f"vault_given_up:{settings.vault}",
            )
            gone = Ending(rule=HoldEnd.LOST.value, by=actor, reason=reason, at=clock.now())
            for row in index.held.holds():
                enter_end(ledger, row, gone, index.held.segments(row.id), _GIVEN_UP)
        finally:
            ledger.close()
        index.forget_all()
    finally:
        database.close()


def _open_index(path: Path, clock: Clock) -> tuple[Database, bool]:
    """Open the index; one that cannot be read is set aside and begun anew (INV-2)."""
    database = None
    try:
        database = Database(path, METADATA)
        with database.read() as connection:
            if connection.exec_driver_sql("PRAGMA quick_check(1)").scalar() == "ok":
                return database, False
        raise IndexUnreadableError
    except IndexUnreadableError:
        if database is not None:
            database.close()
        stamp = clock.now().strftime("%Y%m%dT%H%M%SZ")
        with storage_errors():
            for part in ("-wal", "-shm", ""):
                damaged = path.with_name(path.name + part)
                if damaged.exists():
                    damaged.rename(path.with_name(f"{path.name}.damaged-{stamp}{part}"))
        return Database(path, METADATA), True


def _method(storage: str) -> str:
    return f"erased, key destroyed ({storage})" if storage else "erased, key destroyed"
