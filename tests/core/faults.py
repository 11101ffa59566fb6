"""Files that fail or lose power at any chosen call, and what a power cut leaves of them.

    files = FaultyFiles()
    files.arm(at=17, fault=Fault.POWER_CUT)      # the 17th call from now raises PowerCut
    …                                            # and so does every call after it
    files.power_on(Loss.LOST)                    # what was not synced is gone; files work again

With `Fault.EIO`, `ENOSPC` and `EROFS` the call fails once; an append has then written half. The
databases are not ours to fail: `copy_database` and `restore_database` take one back to an earlier
commit, as when its last transactions are lost.
"""

import errno
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path

from custom_components.camera_steward.core.errors import (
    StorageError,
    StorageFullError,
    StorageReadOnlyError,
)
from custom_components.camera_steward.core.files import (
    LocalFiles,
    ReadableFile,
    WritableFile,
)
from custom_components.camera_steward.core.model import Space


class PowerCut(BaseException):
    """The machine is off: nothing may catch this."""


class Fault(Enum):
    """What happens at the chosen call."""

    EIO = auto()
    ENOSPC = auto()
    EROFS = auto()
    POWER_CUT = auto()


class Loss(Enum):
    """What a power cut takes of what was not synced."""

    KEPT = auto()
    """Nothing: all of it had reached the disk by itself."""

    LOST = auto()
    """All of it: bytes, new names, and removals, which are undone."""

    TORN = auto()
    """Names stay; of the bytes an odd part is missing and a part is zeros."""


_ERRORS: dict[Fault, tuple[type[StorageError], int]] = {
    Fault.EIO: (StorageError, errno.EIO),
    Fault.ENOSPC: (StorageFullError, errno.ENOSPC),
    Fault.EROFS: (StorageReadOnlyError, errno.EROFS),
}


@dataclass(slots=True)
class _Pending:
    """A change of a directory that is not durable yet, and how to take it back."""

    directory: Path
    undo: Callable[[], None]


class FaultyFiles:
    """Real files (`Files`) that count every call, those of open files included."""

    def __init__(self) -> None:
        self._real = LocalFiles()
        self._at: int | None = None
        self._fault = Fault.EIO
        self._off = False
        self._durable: dict[Path, int] = {}
        self._pending: list[_Pending] = []
        self.calls = 0
        self.log: list[str] = []

    @property
    def hit(self) -> bool:
        """Return whether the armed fault has happened."""
        return self._at is not None and self.calls >= self._at

    def arm(self, at: int, fault: Fault) -> None:
        """Let call `at`, counted from 1 and from now, fail."""
        self.calls, self._at, self._fault = 0, at, fault
        self.log.clear()

    def disarm(self) -> None:
        """Let all calls pass."""
        self._at = None

    def power_on(self, loss: Loss) -> None:
        """Begin anew on what the power cut left."""
        if loss is Loss.LOST:
            for pending in reversed(self._pending):
                pending.undo()
        for path, size in self._durable.items():
            if path.exists():
                _lose(path, size, loss)
        self._durable.clear()
        self._pending.clear()
        self._off = False
        self._at = None

    def call(self, name: str) -> bool:
        """Count a call; return whether it fails now, raise when the power is off."""
        if self._off:
            raise PowerCut
        self.calls += 1
        self.log.append(name)
        if self.calls != self._at:
            return False
        if self._fault is Fault.POWER_CUT:
            self._off = True
            raise PowerCut
        return True

    def fail(self) -> None:
        """Raise the armed error."""
        kind, number = _ERRORS[self._fault]
        raise kind(errno.errorcode[number])

    @contextmanager
    def _around(self, name: str) -> Iterator[None]:
        if self.call(name):
            self.fail()
        yield

    # Files

    def make_directory(self, path: Path) -> None:
        with self._around("make_directory"):
            self._real.make_directory(path)

    def create(self, path: Path) -> WritableFile:
        with self._around("create"):
            file = self._real.create(path)
            self._durable[path] = 0
            self._pending.append(_Pending(path.parent, lambda: path.unlink(missing_ok=True)))
            return _Writer(self, path, file, 0)

    def reopen(self, path: Path, size: int) -> WritableFile:
        with self._around("reopen"):
            self._durable[path] = min(size, self._durable.get(path, size))
            return _Writer(self, path, self._real.reopen(path, size), size)

    def open(self, path: Path) -> ReadableFile:
        with self._around("open"):
            return _Reader(self, self._real.open(path))

    def list(self, path: Path) -> list[str]:
        with self._around("list"):
            return self._real.list(path)

    def unlink(self, path: Path) -> bool:
        with self._around("unlink"):
            content = path.read_bytes() if path.exists() else None
            done = self._real.unlink(path)
            if content is not None:
                held = content[: self._durable.pop(path, len(content))]
                self._pending.append(_Pending(path.parent, lambda: _put(path, held)))
            return done

    def overwrite(self, path: Path) -> None:
        with self._around("overwrite"):
            self._real.overwrite(path)

    def rename(self, source: Path, target: Path) -> None:
        with self._around("rename"):
            before = target.read_bytes() if target.exists() else None
            self._real.rename(source, target)
            if source in self._durable:
                self._durable[target] = self._durable.pop(source)

            def undo() -> None:
                if target.exists():
                    target.rename(source)
                if before is not None:
                    _put(target, before)

            self._pending.append(_Pending(target.parent, undo))

    def remove_directory(self, path: Path) -> bool:
        with self._around("remove_directory"):
            done = self._real.remove_directory(path)
            if done:
                self._pending.append(
                    _Pending(path.parent, lambda: path.mkdir(parents=True, exist_ok=True))
                )
            return done

    def sync_directory(self, path: Path) -> None:
        with self._around("sync_directory"):
            self._real.sync_directory(path)
            self._pending = [each for each in self._pending if each.directory != path]

    def space(self, path: Path) -> Space:
        with self._around("space"):
            return self._real.space(path)

    def synced(self, path: Path, size: int) -> None:
        """Note that a file is durable up to `size`."""
        self._durable[path] = size


class _Writer:
    def __init__(self, files: FaultyFiles, path: Path, file: WritableFile, size: int) -> None:
        self._files, self._path, self._file, self._size = files, path, file, size

    def append(self, data: bytes) -> None:
        if self._files.call("append"):
            self._file.append(data[: len(data) // 2])
            self._files.fail()
        self._file.append(data)
        self._size += len(data)

    def sync(self) -> None:
        if self._files.call("sync"):
            self._files.fail()
        self._file.sync()
        self._files.synced(self._path, self._size)

    def close(self) -> None:
        self._file.close()


class _Reader:
    def __init__(self, files: FaultyFiles, file: ReadableFile) -> None:
        self._files, self._file = files, file

    @property
    def size(self) -> int:
        return self._file.size

    def read(self, offset: int, length: int) -> bytes:
        if self._files.call("read"):
            self._files.fail()
        return self._file.read(offset, length)

    def close(self) -> None:
        self._file.close()


def _put(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _lose(path: Path, durable: int, loss: Loss) -> None:
    content = path.read_bytes()
    late = content[durable:]
    if not late or loss is Loss.KEPT:
        return
    if loss is Loss.LOST:
        path.write_bytes(content[:durable])
        return
    kept = bytearray(late[: len(late) * 2 // 3 + 1])
    hole = len(kept) // 3
    kept[hole : hole + hole] = bytes(hole)
    path.write_bytes(content[:durable] + kept)


def copy_database(path: Path) -> dict[str, bytes]:
    """Return the files of a database that nobody writes to now."""
    return {each.name: each.read_bytes() for each in path.parent.glob(f"{path.name}*")}


def restore_database(path: Path, held: dict[str, bytes]) -> None:
    """Take a closed database back to what it was."""
    for each in path.parent.glob(f"{path.name}*"):
        each.unlink()
    for name, content in held.items():
        (path.parent / name).write_bytes(content)
