"""The vault itself: identity, where segments lie, create, open, erase, walk."""

import contextlib
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from threading import RLock
from uuid import UUID
from weakref import WeakValueDictionary

from ..clock import Clock
from ..errors import (
    FootageError,
    KeyMissingError,
    SegmentMissingError,
    StorageError,
    VaultForeignError,
    VaultMissingError,
)
from ..files import Files, ReadableFile
from ..model import Segment, SegmentState, Space
from .description import DESCRIPTION_DRAFT, DESCRIPTION_NAME
from .format import (
    HEADER_BYTES,
    SEALED_CHUNK_BYTES,
    VAULT_FORMAT,
    ChunkCipher,
    SegmentHeader,
    camera_digest,
)
from .index import Index
from .keys import KEY_NAME, HourKeys
from .reader import SegmentReader
from .writer import Sealed, SegmentWriter

IDENTITY_NAME = "vault.json"
IDENTITY_DRAFT = "vault.json.new"
CHECKPOINTS_NAME = "ledger-checkpoints.jsonl"
HOLDS_NAME = "holds"
"""The folder of what is held: no camera's, walked by `HoldFiles`."""
_OURS = frozenset(
    {
        *(IDENTITY_NAME, IDENTITY_DRAFT, DESCRIPTION_NAME, DESCRIPTION_DRAFT),
        *(CHECKPOINTS_NAME, HOLDS_NAME, "lost+found"),
    }
)
_EARLIER_CHECKPOINTS = re.compile(r"ledger-checkpoints-[0-9a-f]{16}\.jsonl")
"""What attested to the ledger of a Home Assistant that is gone, by its digest."""
_CAMERA = re.compile(r"[0-9A-Za-z_-]{1,64}")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_HOUR = re.compile(r"[01]\d|2[0-3]")
_SEGMENT = re.compile(r"(\d{8}T\d{6}\.\d{6})Z-(\d{12,})\.seg")
_STAMP = "%Y%m%dT%H%M%S.%f"
_COMPLETE = "complete"


class FoundKind(StrEnum):
    """What a file in the vault is."""

    SEGMENT = "segment"
    KEY = "key"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A file met on a walk of the disk; `stamp_at` is the older of its header's and its name's."""

    camera: str
    path: str
    kind: FoundKind
    size_bytes: int
    sequence: int | None = None
    stamp_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """What an erasure did: files unlinked, files that were gone already, keys destroyed."""

    erased: int
    missing: int
    keys_destroyed: int


def hour_of(stamp_at: datetime) -> str:
    """Return `<YYYY-MM-DD>/<HH>` (UTC), the folder of a segment's hour."""
    return stamp_at.astimezone(UTC).strftime("%Y-%m-%d/%H")


def name_of(segment: Segment) -> str:
    """Return a segment's file name."""
    return _name(segment.stamp_at, segment.sequence)


def _name(stamp_at: datetime, sequence: int) -> str:
    return f"{stamp_at.astimezone(UTC).strftime(_STAMP)}Z-{sequence:012d}.seg"


def parse_name(name: str) -> tuple[datetime, int] | None:
    """Return stamp and sequence of a segment's file name; None for other names."""
    found = _SEGMENT.fullmatch(name)
    if found is None:
        return None
    try:
        return datetime.strptime(found[1], _STAMP).replace(tzinfo=UTC), int(found[2])
    except ValueError:
        return None


def _parse_place(hour: str, name: str) -> tuple[datetime, int] | None:
    """Return stamp and sequence of a segment file that lies where it belongs; else None."""
    parsed = parse_name(name) if hour else None
    if parsed is None or hour_of(parsed[0]) != hour or name != _name(*parsed):
        return None
    return parsed


def is_camera(name: str) -> bool:
    """Return whether a folder's name can be a camera's id."""
    return _CAMERA.fullmatch(name) is not None and name not in _OURS


def read_identity(root: Path, files: Files) -> UUID | None:
    """Return the id of the vault in a directory, None when there is none.

    `VaultForeignError` when there is one that this version cannot read.
    """
    try:
        file = files.open(root / IDENTITY_NAME)
    except SegmentMissingError:
        return None
    try:
        found = json.loads(file.read(0, 4096))
        if found["format"] != VAULT_FORMAT:
            raise VaultForeignError("vault is of another format")
        return UUID(found["vault"])
    except (ValueError, KeyError, TypeError, AttributeError) as err:
        raise VaultForeignError("vault.json cannot be read") from err
    finally:
        file.close()


def create_identity(root: Path, files: Files, vault: UUID, created_at: datetime) -> None:
    """Make an empty directory a vault; durable on return.

    `VaultForeignError` when it is one already. After a crash it can be called again.
    """
    files.make_directory(root)
    if read_identity(root, files) is not None:
        raise VaultForeignError("there is a vault already")
    # Under another name first: half an identity would lock everyone out.
    draft = root / IDENTITY_DRAFT
    files.unlink(draft)
    file = files.create(draft)
    try:
        text = {"vault": str(vault), "format": VAULT_FORMAT, "created_at": created_at.isoformat()}
        file.append(json.dumps(text).encode())
        file.sync()
    finally:
        file.close()
    files.rename(draft, root / IDENTITY_NAME)
    files.sync_directory(root)


def hour_folders(root: Path, files: Files) -> Iterator[tuple[str, str]]:
    """Yield (camera, hour) of each hour that has a folder, each camera's newest first."""
    for camera in files.list(root):
        if not _CAMERA.fullmatch(camera) or not (root / camera).is_dir():
            continue
        for date in reversed(files.list(root / camera)):
            for hour in reversed(files.list(root / camera / date)) if _DATE.fullmatch(date) else ():
                if _HOUR.fullmatch(hour):
                    yield camera, f"{date}/{hour}"


def earlier_checkpoints(root: Path, files: Files) -> list[str]:
    """Return the names of what attested to ledgers that a vault had before."""
    return [name for name in files.list(root) if _EARLIER_CHECKPOINTS.fullmatch(name)]


def site_files(root: Path, files: Files) -> list[str]:
    """Return the names that a vault's files beside its footage have, its identity last."""
    own = (CHECKPOINTS_NAME, DESCRIPTION_DRAFT, DESCRIPTION_NAME, IDENTITY_NAME)
    return [*earlier_checkpoints(root, files), *own]


class Vault:
    """One site's footage. Any thread; one writer a segment."""

    def __init__(
        self,
        root: Path,
        files: Files,
        clock: Clock,
        vault: UUID,
        site_key: bytes,
        index: Index,
    ) -> None:
        """Use the vault `vault` at `root`; nothing is touched before `check` says it is there."""
        self.root = root
        self.files = files
        self.index = index
        self._clock = clock
        self.id = vault
        self._keys = HourKeys(root, files, vault, site_key)
        # Guards the hour folders: none may go while a segment is being created in it.
        self._places = RLock()
        self._sequence = index.last_sequence()
        self.recovering = RLock()
        """Of two threads that find the same segment left open one seals it."""
        self._writers: WeakValueDictionary[int, SegmentWriter] = WeakValueDictionary()

    def check(self) -> None:
        """Raise `VaultMissingError` or `VaultForeignError` unless this vault is at its place."""
        found = read_identity(self.root, self.files)
        if found is None:
            raise VaultMissingError
        if found != self.id:
            raise VaultForeignError

    def space(self) -> Space:
        """Return total and free bytes where the vault is."""
        return self.files.space(self.root)

    def path_of(self, segment: Segment) -> Path:
        """Return where a segment's file lies."""
        return self.root / segment.camera / hour_of(segment.stamp_at) / name_of(segment)

    def create_segment(self, camera: str, stamp_at: datetime, media_header: bytes) -> SegmentWriter:
        """Begin a segment; its empty file and its row in the index are durable on return."""
        if not is_camera(camera):
            raise ValueError("camera id is not usable as a folder name")
        self.check()
        with self._places:
            self._sequence += 1
            segment = Segment(
                sequence=self._sequence,
                camera=camera,
                stamp_at=stamp_at,
                start_at=stamp_at,
                end_at=stamp_at,
                size_bytes=0,
                state=SegmentState.OPEN,
            )
            path = self.path_of(segment)
            try:
                key = self._keys.make_or_get(camera, hour_of(stamp_at))
                file = self.files.create(path)
            except KeyMissingError as err:
                # Never replaced: the hour's other segments may still be opened once it is mended.
                raise StorageError("hour key does not open") from err
            except StorageError:
                self._take_back(segment)
                raise
        header = SegmentHeader(
            vault=self.id,
            camera=camera_digest(camera),
            sequence=segment.sequence,
            stamp_at=stamp_at,
            salt=os.urandom(32),
        ).pack()

        def sealed(result: Sealed) -> None:
            self.index.seal(
                segment.sequence,
                end_at=stamp_at + result.length,
                size_bytes=result.size_bytes,
                state=SegmentState.SEALED,
                digest=result.digest,
            )

        try:
            writer = SegmentWriter(
                *(file, ChunkCipher(key, header), header, media_header, self._clock, sealed),
                sequence=segment.sequence,
            )
            self._writers[segment.sequence] = writer
            self.files.sync_directory(path.parent)
            self.index.add([segment])
        except BaseException:
            file.close()
            self._take_back(segment, path)
            raise
        return writer

    def is_written(self, segment: Segment) -> bool:
        """Return whether a segment has a writer that has neither sealed it nor let it go."""
        writer = self._writers.get(segment.sequence)
        return writer is not None and not writer.closed

    def _take_back(self, segment: Segment, created: Path | None = None) -> None:
        """Remove what a segment left that failed to begin; a full disk would collect one a try."""
        with contextlib.suppress(StorageError), self._places:
            if created is not None:
                self.files.unlink(created)
            self._tidy(segment.camera, hour_of(segment.stamp_at))

    def open_segment(self, segment: Segment) -> SegmentReader:
        """Open a closed segment; a subclass of `FootageError` says what is wrong with it."""
        file = self.files.open(self.path_of(segment))
        try:
            return SegmentReader(file, self.cipher_of(segment, file.read(0, HEADER_BYTES)))
        except BaseException:
            file.close()
            raise

    def cipher_of(self, segment: Segment, header: bytes) -> ChunkCipher:
        """Return the cipher for a segment after checking that the header is its own."""
        self.check_header(segment, header)
        return ChunkCipher(self._keys.get(segment.camera, hour_of(segment.stamp_at)), header)

    def check_header(self, segment: Segment, header: bytes) -> SegmentHeader:
        """Return what a header says; `FootageError` when it is another segment's."""
        found = SegmentHeader.unpack(header)
        mine = (self.id, camera_digest(segment.camera), segment.sequence, segment.stamp_at)
        if (found.vault, found.camera, found.sequence, found.stamp_at) != mine:
            raise FootageError("header belongs to another segment")
        return found

    def erase(self, segments: Iterable[Segment]) -> Erasure:
        """Unlink segments, and destroy each hour key whose last segment went.

        Harmless when repeated: what is gone already counts as missing. Durable on return.
        """
        self.check()
        erased = missing = keys = 0
        hours: dict[tuple[str, str], list[Segment]] = {}
        for segment in segments:
            hours.setdefault((segment.camera, hour_of(segment.stamp_at)), []).append(segment)
        for (camera, hour), members in hours.items():
            folder = self.root / camera / hour
            with self._places:
                gone = sum(self.files.unlink(folder / name_of(each)) for each in members)
                erased += gone
                missing += len(members) - gone
                keys += self._tidy(camera, hour)
        return Erasure(erased=erased, missing=missing, keys_destroyed=keys)

    def _tidy(self, camera: str, hour: str) -> int:
        """Destroy the key and remove the folders of an hour without segments."""
        folder = self.root / camera / hour
        names = self.files.list(folder)
        if any(parse_name(name) for name in names):
            self.files.sync_directory(folder)
            return 0
        destroyed = self._keys.destroy(camera, hour) if names else False
        if names:
            self.files.sync_directory(folder)
        # Each one, whatever a crash has left: only an empty one goes.
        for each in (folder, folder.parent, folder.parent.parent):
            self.files.remove_directory(each)
        return int(destroyed)

    def tidy(self, camera: str, hours: int = 2) -> None:
        """Remove what a crash left in a camera's newest hours: a key or folders of no segment."""
        with self._places:
            for hour in self._recent_hours(camera, hours):
                self._tidy(camera, hour)
            for date in self._recent_dates(camera):
                self.files.remove_directory(self.root / camera / date)
            self.files.remove_directory(self.root / camera)

    def walk(self) -> Iterator[Found]:
        """Yield every file of the vault as the disk has it, whatever the index says.

        `VaultMissingError` at the end when the vault was taken away meanwhile.
        """
        self.check()
        for camera, hour, name in self._names():
            path = "/".join(part for part in (camera, hour, name) if part)
            if name == KEY_NAME:
                yield Found(camera=camera, path=path, kind=FoundKind.KEY, size_bytes=0)
                continue
            parsed = _parse_place(hour, name)
            try:
                file = self.files.open(self.root / path)
            except SegmentMissingError:
                continue  # erased while we walked
            except StorageError:
                yield Found(camera=camera, path=path, kind=FoundKind.OTHER, size_bytes=0)
                continue
            head = b""
            try:
                size = file.size
                if parsed:
                    # One bad sector must not hide all the others; the name says how old it is.
                    with contextlib.suppress(StorageError):
                        head = file.read(0, HEADER_BYTES)
            finally:
                file.close()
            if parsed is None:
                yield Found(camera=camera, path=path, kind=FoundKind.OTHER, size_bytes=size)
                continue
            stamp_at, sequence = parsed
            # One unreadable for us and for everyone still has a name that says how old it is.
            with contextlib.suppress(FootageError):
                stamp_at = min(stamp_at, SegmentHeader.unpack(head).stamp_at)
            yield Found(
                camera=camera,
                path=path,
                kind=FoundKind.SEGMENT,
                size_bytes=size,
                sequence=sequence,
                stamp_at=stamp_at,
            )
        self.check()

    def _names(self) -> Iterator[tuple[str, str, str]]:
        """Yield (camera, hour, name); camera and hour are empty for files above them."""
        for camera in self.files.list(self.root):
            if camera in _OURS or _EARLIER_CHECKPOINTS.fullmatch(camera):
                continue
            if not is_camera(camera) or not (self.root / camera).is_dir():
                yield "", "", camera
                continue
            for date in self.files.list(self.root / camera):
                if not _DATE.fullmatch(date):
                    yield camera, "", date
                    continue
                for hour in self.files.list(self.root / camera / date):
                    if not _HOUR.fullmatch(hour):
                        yield camera, "", f"{date}/{hour}"
                        continue
                    for name in self.files.list(self.root / camera / date / hour):
                        yield camera, f"{date}/{hour}", name

    def recent(self, camera: str, hours: int = 2) -> list[Found]:
        """Return the segment files of a camera's newest hours on disk."""
        return [
            Found(
                camera=camera,
                path=f"{camera}/{hour}/{name}",
                kind=FoundKind.SEGMENT,
                size_bytes=0,
                sequence=parsed[1],
                stamp_at=parsed[0],
            )
            for hour in self._recent_hours(camera, hours)
            for name in self.files.list(self.root / camera / hour)
            if (parsed := _parse_place(hour, name))
        ]

    def _recent_dates(self, camera: str) -> list[str]:
        return [d for d in self.files.list(self.root / camera) if _DATE.fullmatch(d)][-2:]

    def _recent_hours(self, camera: str, count: int) -> list[str]:
        return [
            f"{date}/{hour}"
            for date in self._recent_dates(camera)
            for hour in self.files.list(self.root / camera / date)
            if _HOUR.fullmatch(hour)
        ][-count:]

    def camera_folders(self) -> list[str]:
        """Return the cameras that have a folder."""
        return [
            name
            for name in self.files.list(self.root)
            if is_camera(name) and (self.root / name).is_dir()
        ]

    def describe(self, found: Found) -> Segment:
        """Return the index row of a segment file met on a walk, read from the file itself.

        One that was never sealed, or that the storage does not give out now, is described as open,
        for recovery. One that is damaged is described all the same, without length or digest, so
        that retention still finds it.
        """
        parsed = parse_name(found.path.rpartition("/")[2])
        if parsed is None or found.sequence is None:
            raise FootageError("not a segment")
        stamp_at, sequence = parsed
        segment = Segment(
            sequence=sequence,
            camera=found.camera,
            stamp_at=stamp_at,
            start_at=min(stamp_at, found.stamp_at or stamp_at),
            end_at=stamp_at,
            size_bytes=found.size_bytes,
            state=SegmentState.RECOVERED,
        )
        try:
            file = self.files.open(self.path_of(segment))
            try:
                segment = replace(segment, size_bytes=file.size)
                return self._describe(segment, file)
            finally:
                file.close()
        except FootageError:
            return segment
        except StorageError:
            self.check()  # one file that cannot be read, or the whole vault
            return replace(segment, state=SegmentState.OPEN)

    def _describe(self, segment: Segment, file: ReadableFile) -> Segment:
        if file.size <= HEADER_BYTES:
            return replace(segment, state=SegmentState.OPEN)
        cipher = self.cipher_of(segment, file.read(0, HEADER_BYTES))
        try:
            trailer = SegmentReader(file, cipher).trailer
        except FootageError:
            cipher.open(0, file.read(HEADER_BYTES, SEALED_CHUNK_BYTES))
            return replace(segment, state=SegmentState.OPEN)
        return replace(
            segment,
            end_at=segment.stamp_at + timedelta(microseconds=trailer.length_us),
            state=SegmentState.RECOVERED if trailer.recovered else SegmentState.SEALED,
            digest=trailer.digest,
        )

    @property
    def index_complete(self) -> bool:
        """Return whether the index knows all that was in the vault when it was begun."""
        return self.index.get_meta(_COMPLETE) is not None

    def rebuild_index(self, progress: Callable[[int], None] | None = None) -> int:
        """Enter in the index what the disk has and it does not know; return how many segments.

        Call `recover` afterwards. After a crash it can be called again and goes on.
        """
        known = self.index.sequences()
        count = 0
        batch: list[Segment] = []
        unreadable: list[Segment] = []

        def enter() -> None:
            nonlocal count
            self.index.add(batch)
            count += len(batch)
            batch.clear()
            if progress is not None:
                progress(count)

        for found in self.walk():
            if found.kind is not FoundKind.SEGMENT or found.sequence in known:
                continue
            segment = self.describe(found)
            if not segment.digest and segment.state is SegmentState.RECOVERED:
                # Perhaps a copy of another: that one is entered first.
                unreadable.append(segment)
                continue
            known.add(segment.sequence)
            batch.append(segment)
            if len(batch) == 1000:
                enter()
        for segment in unreadable:
            if segment.sequence not in known:
                known.add(segment.sequence)
                batch.append(segment)
        enter()
        self.index.set_meta(**{_COMPLETE: 1})
        self.resume_after_recovery()
        return count

    def resume_after_recovery(self) -> None:
        """Let new segments be numbered after every one that the index has come to know."""
        with self._places:
            self._sequence = max(self._sequence, self.index.last_sequence())
