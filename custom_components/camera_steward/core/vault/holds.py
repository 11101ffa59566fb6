"""The files of holds: copies of segments under a key of their own (docs/design/vault-format.md)."""

import contextlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from threading import RLock
from uuid import UUID

from ..errors import (
    FootageError,
    KeyMissingError,
    SegmentMissingError,
    StewardError,
    StorageError,
)
from ..files import Files
from ..model import Segment, SegmentState
from .format import (
    HEADER_BYTES,
    HOLD_KEY_MOST_BYTES,
    ChunkCipher,
    HoldKey,
    SegmentHeader,
    camera_digest,
    unwrap_hold,
    wrap_hold,
)
from .reader import SegmentReader
from .vault import HOLDS_NAME, FoundKind, Vault, is_camera, name_of, parse_name

HOLD_KEY_NAME = "hold.key"
HOLD_KEY_DRAFT = "hold.key.new"
_HOLD = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldFound:
    """A file met in the folder of holds; `hold` is empty for what belongs to none."""

    hold: str
    path: str
    kind: FoundKind
    size_bytes: int
    camera: str = ""
    sequence: int | None = None
    stamp_at: datetime | None = None


class HoldFiles:
    """What is held in one vault. Any thread; one call at a time for each hold.

    All raise `StorageError` when the storage fails. A key that is gone or does not open is a
    `KeyMissingError`; for `copy`, which must not take that for damage of the original, an error of
    the storage.
    """

    def __init__(self, vault: Vault, site_key: bytes) -> None:
        """Use the folder of holds in a vault."""
        self.vault = vault
        self._files = vault.files
        self._site_key = site_key
        self._root = vault.root / HOLDS_NAME
        # While a key file is replaced neither it nor its draft may be there for a reader.
        self._keys = RLock()

    def folders(self) -> list[str]:
        """Return the holds that have a folder, whatever is in it."""
        return [name for name in self._files.list(self._root) if _is_hold(self._root, name)]

    def create(self, hold: str, content: HoldKey) -> None:
        """Begin a hold: its folder and its key are durable on return."""
        self.vault.check()
        folder = self._root / hold
        self._files.make_directory(folder)
        self._draft(hold, content)
        self._files.rename(folder / HOLD_KEY_DRAFT, folder / HOLD_KEY_NAME)
        self._files.sync_directory(folder)

    def read(self, hold: str) -> HoldKey:
        """Return a hold's key, of a key file or of the draft that is to replace one."""
        with self._keys:
            try:
                return self._read(hold, HOLD_KEY_NAME)
            except KeyMissingError as err:
                # A crash came between the overwriting of the one and the renaming of the other.
                try:
                    return self._read(hold, HOLD_KEY_DRAFT)
                except KeyMissingError:
                    raise err from None

    def replace(self, hold: str, content: HoldKey) -> None:
        """Put another end or key into a hold's key file, also where it is lost; durable on return.

        What the file held is overwritten: else the key would outlive the hold where the disk keeps
        what a renaming leaves behind.
        """
        self.vault.check()
        folder = self._root / hold
        self._files.make_directory(folder)
        with self._keys:
            if not self._opens(hold, HOLD_KEY_NAME) and self._opens(hold, HOLD_KEY_DRAFT):
                self._files.rename(folder / HOLD_KEY_DRAFT, folder / HOLD_KEY_NAME)
                self._files.sync_directory(folder)
            self._draft(hold, content)
            with contextlib.suppress(SegmentMissingError):
                self._files.overwrite(folder / HOLD_KEY_NAME)
            self._files.rename(folder / HOLD_KEY_DRAFT, folder / HOLD_KEY_NAME)
            self._files.sync_directory(folder)

    def path_of(self, hold: str, segment: Segment) -> Path:
        """Return where the copy of a segment lies."""
        return self._root / hold / segment.camera / name_of(segment)

    def copy(self, hold: str, segment: Segment) -> Segment:
        """Copy a segment into a hold; durable on return, read back, and its trailer the original's.

        Returns it as its trailer says. What an earlier try left is replaced. A `FootageError` says
        that the original is damaged or gone, `StorageError` that it may be tried again.
        """
        self.vault.check()
        try:
            key = self.read(hold).key
        except KeyMissingError as err:
            raise StorageError("hold key does not open") from err
        source = self.vault.open_segment(segment)
        try:
            trailer = source.trailer
            if segment.digest and trailer.digest != segment.digest:
                raise FootageError("digest differs")
            path = self.path_of(hold, segment)
            self._files.make_directory(path.parent)
            self._files.unlink(path)
            try:
                size = self._write(path, source, segment, key)
                self._files.sync_directory(path.parent)
                self._compare(hold, segment, source)
            except StewardError:
                with contextlib.suppress(StorageError):
                    self._files.unlink(path)
                raise
        finally:
            source.close()
        return replace(
            segment,
            end_at=segment.start_at + timedelta(microseconds=trailer.length_us),
            size_bytes=size,
            state=SegmentState.RECOVERED if trailer.recovered else SegmentState.SEALED,
            digest=trailer.digest,
        )

    def open_segment(self, hold: str, segment: Segment) -> SegmentReader:
        """Open a held segment; a subclass of `FootageError` says what is wrong with it."""
        file = self._files.open(self.path_of(hold, segment))
        try:
            header = file.read(0, HEADER_BYTES)
            self.vault.check_header(segment, header)
            return SegmentReader(file, ChunkCipher(self.read(hold).key, header))
        except BaseException:
            file.close()
            raise

    def describe(self, found: HoldFound) -> Segment:
        """Return a held segment met on a walk, read from the file itself.

        `FootageError` when it cannot be read as it was written.
        """
        parsed = parse_name(found.path.rpartition("/")[2])
        if parsed is None:
            raise FootageError("not a segment")
        stamp_at, sequence = parsed
        segment = Segment(
            sequence=sequence,
            camera=found.camera,
            stamp_at=stamp_at,
            start_at=stamp_at,
            end_at=stamp_at,
            size_bytes=found.size_bytes,
            state=SegmentState.SEALED,
        )
        reader = self.open_segment(found.hold, segment)
        trailer = reader.trailer
        reader.close()
        return replace(
            segment,
            end_at=stamp_at + timedelta(microseconds=trailer.length_us),
            state=SegmentState.RECOVERED if trailer.recovered else SegmentState.SEALED,
            digest=trailer.digest,
        )

    def destroy(self, hold: str) -> int:
        """Overwrite and unlink a hold's key, then unlink its copies; return how many there were.

        Harmless when repeated, durable on return. What is none of ours stays, and its folder.
        """
        self.vault.check()
        folder = self._root / hold
        with self._keys:
            for name in (HOLD_KEY_DRAFT, HOLD_KEY_NAME):
                with contextlib.suppress(SegmentMissingError):
                    self._files.overwrite(folder / name)
                self._files.unlink(folder / name)
        if folder.is_dir():
            # Before any copy: one that a power cut brings back must find no key.
            self._files.sync_directory(folder)
        gone = 0
        for camera in self._files.list(folder):
            if not _is_camera(folder, camera):
                continue
            names = self._files.list(folder / camera)
            gone += sum(self._files.unlink(folder / camera / each) for each in names if _own(each))
            self._files.sync_directory(folder / camera)
            self._files.remove_directory(folder / camera)
        if self._root.is_dir():
            self._files.remove_directory(folder)
            self._files.sync_directory(self._root)
            self._files.remove_directory(self._root)
        return gone

    def walk(self, hold: str | None = None) -> Iterator[HoldFound]:
        """Yield every file in the folder of holds, or of one hold, as the disk has it.

        `VaultMissingError` at the end when the vault was taken away meanwhile.
        """
        self.vault.check()
        if self._root.exists() and not self._root.is_dir():
            yield _odd("", HOLDS_NAME)
        for name in self._files.list(self._root) if hold is None else [hold]:
            if _is_hold(self._root, name):
                yield from self._walk(name)
            elif os.path.lexists(self._root / name):  # else it ended while we walked
                yield _odd("", f"{HOLDS_NAME}/{name}")
        self.vault.check()

    def _walk(self, hold: str) -> Iterator[HoldFound]:
        folder = self._root / hold
        inside = f"{HOLDS_NAME}/{hold}"
        for name in self._files.list(folder):
            if name in (HOLD_KEY_NAME, HOLD_KEY_DRAFT):
                yield HoldFound(
                    hold=hold, path=f"{inside}/{name}", kind=FoundKind.KEY, size_bytes=0
                )
            elif not _is_camera(folder, name):
                yield _odd(hold, f"{inside}/{name}")
            else:
                for each in self._files.list(folder / name):
                    yield from self._meet(hold, name, f"{inside}/{name}/{each}")

    def _meet(self, hold: str, camera: str, path: str) -> Iterator[HoldFound]:
        parsed = parse_name(path.rpartition("/")[2])
        try:
            file = self._files.open(self.vault.root / path)
        except SegmentMissingError:
            return  # its hold ended while we walked
        except StorageError:
            yield _odd(hold, path)
            return
        size = file.size
        file.close()
        if parsed is None:
            yield _odd(hold, path, size)
            return
        stamp_at, sequence = parsed
        yield HoldFound(
            hold=hold,
            path=path,
            kind=FoundKind.SEGMENT,
            size_bytes=size,
            camera=camera,
            sequence=sequence,
            stamp_at=stamp_at,
        )

    # Inside

    def _draft(self, hold: str, content: HoldKey) -> None:
        draft = self._root / hold / HOLD_KEY_DRAFT
        with contextlib.suppress(SegmentMissingError):
            self._files.overwrite(draft)
        self._files.unlink(draft)
        file = self._files.create(draft)
        try:
            file.append(wrap_hold(content, self._site_key, self.vault.id, hold))
            file.sync()
        finally:
            file.close()
        # Its name as well: the file that it replaces is overwritten next.
        self._files.sync_directory(draft.parent)

    def _read(self, hold: str, name: str) -> HoldKey:
        path = self._root / hold / name
        return _read_key(path, self._files, self.vault.id, self._site_key, hold)

    def _opens(self, hold: str, name: str) -> bool:
        try:
            self._read(hold, name)
        except KeyMissingError:
            return False
        return True

    def _write(self, path: Path, source: SegmentReader, segment: Segment, key: bytes) -> int:
        header = SegmentHeader(
            vault=self.vault.id,
            camera=camera_digest(segment.camera),
            sequence=segment.sequence,
            stamp_at=segment.stamp_at,
            salt=os.urandom(32),
            format=source.format,
        ).pack()
        cipher = ChunkCipher(key, header)
        last = source.chunk_count - 1
        size = len(header)
        file = self._files.create(path)
        try:
            file.append(header)
            for number, (plain, recovery) in enumerate(source.chunks()):
                sealed = cipher.seal(number, plain, final=number == last, recovery=recovery)
                file.append(sealed)
                size += len(sealed)
            file.sync()
        finally:
            file.close()
        return size

    def _compare(self, hold: str, segment: Segment, source: SegmentReader) -> None:
        """Read a copy back: every chunk is what was sealed, and its trailer the original's."""
        try:
            copy = self.open_segment(hold, segment)
            try:
                copy.check()
                if copy.trailer != source.trailer:
                    raise FootageError("trailer differs")
            finally:
                copy.close()
        except FootageError as err:
            raise StorageError("copy differs") from err


def hold_keys(root: Path, files: Files, vault: UUID, site_key: bytes) -> Iterator[HoldKey]:
    """Yield what opens with this site key of the key files, and drafts, of the vault at `root`."""
    holds = root / HOLDS_NAME
    for hold in files.list(holds) if _is_folder(holds) else ():
        for name in (HOLD_KEY_NAME, HOLD_KEY_DRAFT) if _is_hold(holds, hold) else ():
            with contextlib.suppress(KeyMissingError):
                yield _read_key(holds / hold / name, files, vault, site_key, hold)


def _read_key(path: Path, files: Files, vault: UUID, site_key: bytes, hold: str) -> HoldKey:
    try:
        file = files.open(path)
    except SegmentMissingError as err:
        raise KeyMissingError("key file is gone") from err
    try:
        data = file.read(0, HOLD_KEY_MOST_BYTES)
    finally:
        file.close()
    return unwrap_hold(data, site_key, vault, hold)


def _is_hold(root: Path, name: str) -> bool:
    return _HOLD.fullmatch(name) is not None and _is_folder(root / name)


def _is_camera(folder: Path, name: str) -> bool:
    return is_camera(name) and _is_folder(folder / name)


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _own(name: str) -> bool:
    return parse_name(name) is not None


def _odd(hold: str, path: str, size_bytes: int = 0) -> HoldFound:
    return HoldFound(hold=hold, path=path, kind=FoundKind.OTHER, size_bytes=size_bytes)
