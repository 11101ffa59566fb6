"""A file system that is read and never written to, so that a vault can be recovered in memory."""

from pathlib import Path
from typing import override

from ..errors import StorageReadOnlyError
from ..files import LocalFiles, ReadableFile, WritableFile


class UntouchedFiles(LocalFiles):
    """Local files as they would be after recovery; what would be changed is kept in memory.

    Nothing on disk is touched: it works on a mount that is read-only. Files that are removed stay.
    """

    def __init__(self) -> None:
        """Begin with the files as they are."""
        self._changed: dict[Path, _Changed] = {}

    @override
    def make_directory(self, path: Path) -> None:
        raise StorageReadOnlyError

    @override
    def create(self, path: Path) -> WritableFile:
        raise StorageReadOnlyError

    @override
    def rename(self, source: Path, target: Path) -> None:
        raise StorageReadOnlyError

    @override
    def reopen(self, path: Path, size: int) -> WritableFile:
        changed = self._changed[path] = _Changed(size)
        return changed

    @override
    def open(self, path: Path) -> ReadableFile:
        file = super().open(path)
        changed = self._changed.get(path)
        return file if changed is None else _Joined(file, changed)

    @override
    def unlink(self, path: Path) -> bool:
        return False

    @override
    def overwrite(self, path: Path) -> None:
        pass

    @override
    def remove_directory(self, path: Path) -> bool:
        return False

    @override
    def sync_directory(self, path: Path) -> None:
        pass


class _Changed:
    """A file cut to `size`, and what was appended to it."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.added = b""

    def append(self, data: bytes) -> None:
        self.added += data

    def sync(self) -> None:
        pass

    def close(self) -> None:
        pass


class _Joined:
    """The file on disk as far as it was kept, then what was appended."""

    def __init__(self, file: ReadableFile, changed: _Changed) -> None:
        self._file = file
        self._changed = changed

    @property
    def size(self) -> int:
        return self._changed.size + len(self._changed.added)

    def read(self, offset: int, length: int) -> bytes:
        kept = self._changed.size
        head = self._file.read(offset, min(length, kept - offset)) if offset < kept else b""
        start = max(offset - kept, 0)
        return head + self._changed.added[start : start + length - len(head)]

    def close(self) -> None:
        self._file.close()
