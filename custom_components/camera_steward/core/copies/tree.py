"""A folder of somebody else's, by descriptors alone: listed and removed from, never left.

Each directory is opened below the one that was opened before, and none that is a link. So what is
swapped for a link between two looks is refused by the system and not by a check that came too early.
"""

import errno
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Self

from ..errors import FolderMissingError, StoppedError

GONE, CHANGED = "gone", "changed"
"""Why a listed file was not removed, beside the system's own reasons."""

_NOT_ENTERED = (errno.ELOOP, errno.ENOTDIR, errno.EXDEV)
"""What opening a link says, or a directory that is not to be entered."""
_DEEPEST = 64
"""Levels below the folder; each holds descriptors while it is walked."""
_READ = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_CONTENT = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_PASS = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A regular file as it was met; `path` is relative to the folder, with `/`."""

    path: str
    size_bytes: int
    modified_ns: int
    device: int
    inode: int
    names: int
    """How many names it has: through another one its content stays."""
    removable: bool
    """Whether the system would let it be removed from its directory."""


class Tree:
    """An open folder; one thread.

    Directories of another device or mount, of `spare`, and deeper than 64 levels are not entered.
    """

    def __init__(self, root: int, spare: frozenset[tuple[int, int]]) -> None:
        """Walk below an open directory; `spare` are devices and inodes of directories."""
        self._root = root
        self._spare = spare
        self._place = _place(root)
        self.unreadable = 0
        """Files and directories that could not be looked at since `walk` began."""
        self.apart = 0
        """Links, devices, and directories that are not entered, since `walk` began."""

    @property
    def descriptor(self) -> int:
        """Return the open folder's descriptor, which stays the tree's."""
        return self._root

    @classmethod
    @contextmanager
    def at(cls, path: Path, spare: Sequence[Path] = ()) -> Iterator[Self]:
        """Open a folder for as long as the block lasts, through no link at all.

        `FolderMissingError` where it is not there, cannot be opened, a link stands in its way, or it is
        one of `spare` itself. What cannot be found of those cannot be met either.
        """
        spared = set()
        for each in spare:
            with suppress(OSError):
                found = os.stat(each)
                spared.add((found.st_dev, found.st_ino))
        root = _open_absolute(path)
        try:
            held = os.fstat(root)
            if (held.st_dev, held.st_ino) in spared:  # mounted here under another name
                raise FolderMissingError("not to be entered")
            yield cls(root, frozenset(spared))
        finally:
            os.close(root)

    def walk(self, stopping: Callable[[], bool] = lambda: False) -> Iterator[File]:
        """Yield every regular file, in no order; what vanishes meanwhile is passed over.

        Memory does not grow with their number. `StoppedError` once `stopping` says so.
        """
        self.unreadable = self.apart = 0
        yield from self._walk(self._root, "", stopping, _DEEPEST)

    def open(self, file: File) -> int:
        """Return a descriptor of a file that is still what it was when listed; `OSError` otherwise.

        Not waited for, should a pipe have taken its place.
        """
        folder, _, name = file.path.rpartition("/")
        directory = self._open_below(folder)
        try:
            opened = os.open(name, _CONTENT, dir_fd=directory)
        finally:
            os.close(directory)
        if _identity(os.fstat(opened)) != _listed(file):
            os.close(opened)
            raise OSError(errno.ESTALE, CHANGED)
        return opened

    def remove(self, files: Sequence[File]) -> Iterator[tuple[File, str | None]]:
        """Remove files that are still what they were when listed; yield why not, None if removed.

        A removal is durable once the next directory is begun, where the file system can do so.
        """
        for folder, members in groupby(sorted(files, key=_by_folder), key=_folder_of):
            try:
                directory = self._open_below(folder)
            except OSError as err:
                reason = CHANGED if err.errno in _NOT_ENTERED else _reason(err)
                yield from ((each, reason) for each in members)
                continue
            try:
                for each in members:
                    yield each, _remove(directory, each)
                with suppress(OSError):
                    os.fsync(directory)
            finally:
                os.close(directory)

    def remove_directory(self, path: str) -> bool:
        """Remove a directory below the folder if it is empty; False otherwise."""
        above, _, name = path.rpartition("/")
        try:
            directory = self._open_below(above)
        except OSError:
            return False
        try:
            os.rmdir(name, dir_fd=directory)
        except OSError:
            return False
        finally:
            os.close(directory)
        return True

    def _walk(
        self, directory: int, prefix: str, stopping: Callable[[], bool], levels: int
    ) -> Iterator[File]:
        removable = os.access(
            ".", os.W_OK | os.X_OK, dir_fd=directory, effective_ids=True, follow_symlinks=True
        )
        try:
            with os.scandir(directory) as entries:
                for each in entries:
                    if stopping():
                        raise StoppedError
                    path = prefix + each.name
                    try:
                        held = each.stat(follow_symlinks=False)
                    except FileNotFoundError:
                        continue
                    except OSError:
                        self.unreadable += 1
                        continue
                    if stat.S_ISDIR(held.st_mode):
                        yield from self._enter(directory, path, stopping, levels - 1)
                    elif stat.S_ISREG(held.st_mode):
                        yield File(
                            path=path,
                            size_bytes=held.st_size,
                            modified_ns=held.st_mtime_ns,
                            device=held.st_dev,
                            inode=held.st_ino,
                            names=held.st_nlink,
                            removable=removable,
                        )
                    else:
                        self.apart += 1
        except OSError:
            self.unreadable += 1

    def _enter(
        self, above: int, path: str, stopping: Callable[[], bool], levels: int
    ) -> Iterator[File]:
        if not levels:
            self.unreadable += 1
            return
        try:
            directory = self._open(above, path.rpartition("/")[2])
        except FileNotFoundError:
            return
        except OSError as err:
            if err.errno in _NOT_ENTERED:
                self.apart += 1
            else:
                self.unreadable += 1
            return
        try:
            yield from self._walk(directory, f"{path}/", stopping, levels)
        finally:
            os.close(directory)

    def _open_below(self, path: str) -> int:
        directory = os.dup(self._root)
        for name in path.split("/") if path else ():
            try:
                below = self._open(directory, name)
            finally:
                os.close(directory)
            directory = below
        return directory

    def _open(self, above: int, name: str) -> int:
        """Open a directory; `EXDEV` where it is none to enter."""
        directory = os.open(name, _READ, dir_fd=above)
        try:
            held = os.fstat(directory)
            if _place(directory) != self._place or (held.st_dev, held.st_ino) in self._spare:
                raise OSError(errno.EXDEV, "not to be entered")
        except OSError:
            os.close(directory)
            raise
        return directory


def _open_absolute(path: Path) -> int:
    if not path.is_absolute() or len(path.parts) < 2:
        raise FolderMissingError("root")
    try:
        directory = os.open("/", _PASS)
        for count, name in enumerate(path.parts[1:], 2):
            try:
                last = count == len(path.parts)
                below = os.open(name, _READ if last else _PASS, dir_fd=directory)
            finally:
                os.close(directory)
            directory = below
    except OSError as err:
        raise FolderMissingError(_reason(err)) from err
    return directory


def _place(directory: int) -> tuple[int, bytes]:
    """Return device and mount of an open directory: the same device may be mounted within itself."""
    mount = b""
    with suppress(OSError):
        # A descriptor's own file, which no other file system can stand in for.
        information = os.open(f"/proc/self/fdinfo/{directory}", os.O_RDONLY | os.O_CLOEXEC)
        try:
            lines = os.read(information, 4096).splitlines()
        finally:
            os.close(information)
        mount = next((each for each in lines if each.startswith(b"mnt_id:")), b"")
    return os.fstat(directory).st_dev, mount


def _remove(directory: int, file: File) -> str | None:
    name = file.path.rpartition("/")[2]
    try:
        if _identity(os.stat(name, dir_fd=directory, follow_symlinks=False)) != _listed(file):
            return CHANGED
        os.unlink(name, dir_fd=directory)
    except OSError as err:
        return _reason(err)
    return None


def _identity(held: os.stat_result) -> tuple[int, int, int, int]:
    return held.st_dev, held.st_ino, held.st_size, held.st_mtime_ns


def _listed(file: File) -> tuple[int, int, int, int]:
    return file.device, file.inode, file.size_bytes, file.modified_ns


def _folder_of(file: File) -> str:
    return file.path.rpartition("/")[0]


def _by_folder(file: File) -> tuple[str, str]:
    return _folder_of(file), file.path


def _reason(err: OSError) -> str:
    return GONE if err.errno == errno.ENOENT else errno.errorcode.get(err.errno or 0, "EIO")
