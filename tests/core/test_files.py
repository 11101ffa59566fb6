"""The file system's seam on a real one: nothing is overwritten, followed or told with its path."""

import errno
import os
from pathlib import Path

import pytest

from custom_components.camera_steward.core.errors import (
    SegmentMissingError,
    StorageError,
    StorageFullError,
    StorageReadOnlyError,
)
from custom_components.camera_steward.core.files import LocalFiles, storage_errors

FILES = LocalFiles()


def test_a_file_is_for_its_owner_only_and_made_once(tmp_path: Path) -> None:
    FILES.make_directory(tmp_path / "a" / "b")
    path = tmp_path / "a" / "b" / "file"
    file = FILES.create(path)
    file.append(b"one")
    file.append(b"two")
    file.sync()
    file.close()
    file.close()
    assert path.read_bytes() == b"onetwo"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    with pytest.raises(StorageError):
        FILES.create(path)
    assert path.read_bytes() == b"onetwo"
    FILES.make_directory(path.parent)


def test_reopening_cuts_and_appends(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"0123456789")
    file = FILES.reopen(tmp_path / "file", 4)
    file.append(b"x")
    file.close()
    assert (tmp_path / "file").read_bytes() == b"0123x"


def test_reading_is_by_position_and_short_only_at_the_end(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"0123456789")
    file = FILES.open(tmp_path / "file")
    assert (file.size, file.read(3, 4), file.read(8, 9), file.read(10, 1)) == (
        10,
        b"3456",
        b"89",
        b"",
    )
    file.close()
    file.close()
    with pytest.raises(SegmentMissingError):
        FILES.open(tmp_path / "none")


def test_links_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "target").write_bytes(b"theirs")
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "target")
    for attempt in (
        lambda: FILES.open(link),
        lambda: FILES.create(link),
        lambda: FILES.reopen(link, 0),
        lambda: FILES.overwrite(link),
    ):
        with pytest.raises(StorageError):
            attempt()
    assert (tmp_path / "target").read_bytes() == b"theirs"
    assert FILES.unlink(link)
    assert (tmp_path / "target").exists()


def test_overwriting_leaves_nothing_of_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_bytes(b"k" * 72)
    place = path.stat().st_ino
    FILES.overwrite(path)
    assert len(path.read_bytes()) == 72
    assert b"kkkk" not in path.read_bytes()
    assert path.stat().st_ino == place
    with pytest.raises(SegmentMissingError):
        FILES.overwrite(tmp_path / "none")


def test_removing_what_is_gone_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "full" / "inner").mkdir(parents=True)
    assert not FILES.unlink(tmp_path / "none")
    assert not FILES.remove_directory(tmp_path / "none")
    assert not FILES.remove_directory(tmp_path / "full")
    assert FILES.remove_directory(tmp_path / "full" / "inner")
    assert FILES.list(tmp_path / "none") == []
    assert FILES.list(tmp_path) == ["full"]


def test_a_rename_replaces_in_one_step(tmp_path: Path) -> None:
    (tmp_path / "new").write_bytes(b"new")
    (tmp_path / "old").write_bytes(b"old")
    FILES.rename(tmp_path / "new", tmp_path / "old")
    FILES.sync_directory(tmp_path)
    assert FILES.list(tmp_path) == ["old"]
    assert (tmp_path / "old").read_bytes() == b"new"


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (errno.ENOSPC, StorageFullError),
        (errno.EDQUOT, StorageFullError),
        (errno.EROFS, StorageReadOnlyError),
        (errno.EACCES, StorageReadOnlyError),
        (errno.EPERM, StorageReadOnlyError),
        (errno.EIO, StorageError),
        (errno.ENOTCONN, StorageError),
        (None, StorageError),
    ],
)
def test_what_the_system_says_becomes_our_error_without_the_path(
    number: int | None, kind: type[StorageError]
) -> None:
    with pytest.raises(StorageError) as caught, storage_errors():
        raise OSError(number, "says the system", "/home/someone/vault")
    assert type(caught.value) is kind
    assert "someone" not in str(caught.value)


def test_space_is_what_an_ordinary_user_may_use(tmp_path: Path) -> None:
    space = FILES.space(tmp_path)
    found = os.statvfs(tmp_path)
    assert space.total_bytes == found.f_blocks * found.f_frsize
    assert 0 <= space.free_bytes <= space.total_bytes
