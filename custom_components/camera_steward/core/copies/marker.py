"""The marker of a managed folder: a file in it that says which one was confirmed.

A path alone names whatever disk is mounted there. All of it is by the folder's descriptor, so that what
was checked is what is then listed.
"""

import errno
import os
import stat
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from ..errors import FolderForeignError, FolderMissingError, StewardError
from .tree import Tree

MARKER = ".camera-steward"
"""Its name, directly in the folder. It holds the mark and the end of the line."""

_LONGEST = 256
_NONE = (errno.ENOENT, errno.ELOOP, errno.ENXIO)
"""What opening says where there is none, a link, or a socket."""
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_WRITE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def check(tree: Tree, mark: str | None) -> None:
    """Pass if the folder bears this mark; `FolderForeignError` if not, or if there is none to bear.

    `FolderMissingError` where the marker cannot be read.
    """
    if mark is None or _read(tree.descriptor) != mark:
        raise FolderForeignError


def is_marked(path: Path, spare: Sequence[Path], mark: str | None) -> bool:
    """Return whether a folder can be opened and bears this mark."""
    try:
        with Tree.at(path, spare) as tree:
            check(tree, mark)
    except StewardError:
        return False
    return True


def put(path: Path, spare: Sequence[Path], mark: str) -> None:
    """Mark a folder, in place of any other mark; durable on return.

    `FolderMissingError` where it cannot be opened, `OSError` where it cannot be written to: it then
    bears no mark, or the one that it had.
    """
    with Tree.at(path, spare) as tree:
        directory = tree.descriptor
        with suppress(FileNotFoundError):
            os.unlink(MARKER, dir_fd=directory)
        marker = os.open(MARKER, _WRITE, 0o600, dir_fd=directory)
        try:
            try:
                os.write(marker, f"{mark}\n".encode())
                os.fsync(marker)
            finally:
                os.close(marker)
        except OSError:
            with suppress(OSError):
                os.unlink(MARKER, dir_fd=directory)
            raise
        with suppress(OSError):  # not every share can
            os.fsync(directory)


def take_away(path: Path, mark: str | None) -> None:
    """Remove a folder's marker if it is this one and that can be done."""
    with suppress(StewardError, OSError), Tree.at(path) as tree:
        check(tree, mark)
        os.unlink(MARKER, dir_fd=tree.descriptor)


def _read(directory: int) -> str | None:
    try:
        marker = os.open(MARKER, _READ, dir_fd=directory)
        try:
            if not stat.S_ISREG(os.fstat(marker).st_mode):
                return None
            text = os.read(marker, _LONGEST)
        finally:
            os.close(marker)
    except OSError as err:
        if err.errno in _NONE:
            return None
        raise FolderMissingError(errno.errorcode.get(err.errno or 0, "EIO")) from err
    return text.decode("ascii", "replace").removesuffix("\n")
