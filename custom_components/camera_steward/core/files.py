"""The file system as a seam, so that tests can fail every single call (design section 10)."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from .errors import (
    SegmentMissingError,
    StorageError,
    StorageFullError,
    StorageReadOnlyError,
)
from .model import Space


class WritableFile(Protocol):
    """A file being appended to; owned by one thread."""

    def append(self, data: bytes) -> None:
        """Write all of `data` at the end, or raise."""
        ...

    def sync(self) -> None:
        """Return once all that was appended is durable."""
        ...

    def close(self) -> None:
        """Close without a promise of durability; harmless when repeated."""
        ...


class ReadableFile(Protocol):
    """A file read by position."""

    @property
    def size(self) -> int:
        """Return the length in bytes."""
        ...

    def read(self, offset: int, length: int) -> bytes:
        """Return up to `length` bytes from `offset`; shorter only at the end."""
        ...

    def close(self) -> None:
        """Close; harmless when repeated."""
        ...


class Files(Protocol):
    """What the vault asks of a file system. All raise `StorageError` or a subclass."""

    def make_directory(self, path: Path) -> None:
        """Create with parents, durable on return; no error when it is there."""
        ...

    def create(self, path: Path) -> WritableFile:
        """Open a new file for appending; an existing one is an error."""
        ...

    def reopen(self, path: Path, size: int) -> WritableFile:
        """Open an existing file for appending, cut to `size` bytes first."""
        ...

    def open(self, path: Path) -> ReadableFile:
        """Open for reading; `SegmentMissingError` when it is gone."""
        ...

    def list(self, path: Path) -> list[str]:
        """Return the names in a directory, sorted; empty when there is none."""
        ...

    def unlink(self, path: Path) -> bool:
        """Remove a file; False when it was gone already."""
        ...

    def overwrite(self, path: Path) -> None:
        """Replace a small file's content in place by random bytes, durable on return.

        `SegmentMissingError` when there is none.
        """
        ...

    def rename(self, source: Path, target: Path) -> None:
        """Give a file its name in one step, replacing what bore it."""
        ...

    def remove_directory(self, path: Path) -> bool:
        """Remove a directory if it is empty; False otherwise."""
        ...

    def sync_directory(self, path: Path) -> None:
        """Make creations and removals in a directory durable."""
        ...

    def space(self, path: Path) -> Space:
        """Return total and free bytes of the file system."""
        ...


@contextmanager
def storage_errors() -> Iterator[None]:
    """Turn what the system says into the core's own errors, without paths of the user."""
    try:
        yield
    except OSError as err:
        detail = errno.errorcode.get(err.errno or 0, "EIO")
        if err.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StorageFullError(detail) from err
        if err.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
            raise StorageReadOnlyError(detail) from err
        raise StorageError(detail) from err


class _Appender:
    def __init__(self, fd: int) -> None:
        self._fd = fd

    def append(self, data: bytes) -> None:
        with storage_errors():
            view = memoryview(data)
            while view:
                view = view[os.write(self._fd, view) :]

    def sync(self) -> None:
        with storage_errors():
            os.fdatasync(self._fd)

    def close(self) -> None:
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)


class _Reader:
    def __init__(self, fd: int) -> None:
        self._fd = fd
        self.size = os.fstat(fd).st_size

    def read(self, offset: int, length: int) -> bytes:
        with storage_errors():
            parts = []
            while length and (part := os.pread(self._fd, length, offset)):
                parts.append(part)
                offset += len(part)
                length -= len(part)
            return parts[0] if len(parts) == 1 else b"".join(parts)

    def close(self) -> None:
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)


class LocalFiles:
    """A mounted file system. Files are for their owner only; links are never followed."""

    def make_directory(self, path: Path) -> None:
        """Create with parents, each durable in its parent."""
        with storage_errors():
            missing = []
            while not path.is_dir():
                missing.append(path)
                path = path.parent
            for each in reversed(missing):
                try:
                    each.mkdir(mode=0o700)
                except FileExistsError:
                    continue
                self.sync_directory(each.parent)

    def create(self, path: Path) -> WritableFile:
        """Open exclusively, so that nothing stored can be overwritten."""
        with storage_errors():
            flags = (
                os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
            )
            return _Appender(os.open(path, flags, 0o600))

    def reopen(self, path: Path, size: int) -> WritableFile:
        """Cut to `size` and open for appending."""
        with storage_errors():
            fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                os.ftruncate(fd, size)
            except OSError:
                os.close(fd)
                raise
            return _Appender(fd)

    def open(self, path: Path) -> ReadableFile:
        """Open for reading by position."""
        with storage_errors():
            try:
                return _Reader(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC))
            except FileNotFoundError as err:
                raise SegmentMissingError from err

    def list(self, path: Path) -> list[str]:
        """Return sorted names."""
        with storage_errors():
            try:
                return sorted(os.listdir(path))
            except FileNotFoundError, NotADirectoryError:
                return []

    def unlink(self, path: Path) -> bool:
        """Remove a file."""
        with storage_errors():
            try:
                os.unlink(path)
            except FileNotFoundError:
                return False
            return True

    def overwrite(self, path: Path) -> None:
        """Write random bytes over the content; flash may keep old cells (SP 800-88)."""
        with storage_errors():
            try:
                fd = os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
            except FileNotFoundError as err:
                raise SegmentMissingError from err
            try:
                os.pwrite(fd, os.urandom(os.fstat(fd).st_size), 0)
                os.fdatasync(fd)
            finally:
                os.close(fd)

    def rename(self, source: Path, target: Path) -> None:
        """Rename within one file system."""
        with storage_errors():
            source.replace(target)

    def remove_directory(self, path: Path) -> bool:
        """Remove if empty."""
        with storage_errors():
            try:
                os.rmdir(path)
            except FileNotFoundError:
                return False
            except OSError as err:
                if err.errno in (errno.ENOTEMPTY, errno.EEXIST):
                    return False
                raise
            return True

    def sync_directory(self, path: Path) -> None:
        """Flush a directory's entries."""
        with storage_errors():
            fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                os.fsync(fd)
            except OSError as err:
                if err.errno != errno.EINVAL:  # some network file systems know no such thing
                    raise
            finally:
                os.close(fd)

    def space(self, path: Path) -> Space:
        """Ask the file system; free is what an ordinary user may use."""
        with storage_errors():
            found = os.statvfs(path)
            return Space(
                total_bytes=found.f_blocks * found.f_frsize,
                free_bytes=found.f_bavail * found.f_frsize,
            )
