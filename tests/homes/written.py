"""Whatever a home writes into files, looked through for pictures, also in files that are soon gone."""

import io
import os
import re
import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Self

import av
import numpy as np
from asyncinotify import Inotify, Mask

from tests.cameras.yardstick import units

_MAGIC = re.compile(
    # JPEG, PNG, GIF, WebP, Matroska, MP4 (at 4), BMP
    rb"\xff\xd8\xff[\xdb\xe0-\xef]|\x89PNG\r\n\x1a\n|GIF8[79]a|RIFF....WEBP|\x1a\x45\xdf\xa3|....ftyp"
    rb"|BM....\x00\x00\x00\x00",
    re.DOTALL,
)
"""How files of pictures begin."""
_INSIDE = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0\x00\x10JFIF", b"iVBORw0KGgo", b"/9j/4AAQSkZJRg")
"""Pictures inside of something else, also as text (Base64)."""
_WORD = 8
_WORDS = 3
_PIECE = _WORDS * _WORD
_BITS = 20
"""Of a piece's hash, which is looked at first."""
_ODD = (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9)
_EVENTS = Mask.CREATE | Mask.MOVED_TO | Mask.MODIFY | Mask.CLOSE_WRITE


class Pieces:
    """Pieces of videos' pictures by which any of them would be known again."""

    def __init__(self, videos: Iterable[Path], widths: Iterable[int], every: int = 3) -> None:
        """Take pieces of the encoded pictures, and of decoded ones in several sizes and orders."""
        found: set[bytes] = set()
        for video in videos:
            found |= _encoded(video) | _decoded(video, widths, every)
        self._pieces = found
        self._hashes = np.zeros(1 << _BITS, dtype=bool)
        words = np.frombuffer(b"".join(found), dtype="<u8")
        self._hashes[_hashed([words[each::_WORDS] for each in range(_WORDS)])] = True

    def within(self, content: bytes) -> bool:
        """Return whether any piece is in there."""
        return any(content[at : at + _PIECE] in self._pieces for at in self._candidates(content))

    def _candidates(self, content: bytes) -> Iterator[int]:
        for first in range(_WORD):
            count = max(len(content) - first, 0) // _WORD
            if count < _WORDS:
                return
            words = np.frombuffer(content, dtype="<u8", count=count, offset=first)
            rows = [words[each : count - _WORDS + 1 + each] for each in range(_WORDS)]
            for each in np.flatnonzero(self._hashes[_hashed(rows)]):
                yield first + int(each) * _WORD


def _hashed(words: list[np.ndarray]) -> np.ndarray:
    mixed = sum(each * np.uint64(odd) for each, odd in zip(words, _ODD, strict=True))
    return np.asarray(mixed) >> np.uint64(64 - _BITS)


def _encoded(video: Path) -> set[bytes]:
    return {unit[len(unit) // 2 :][:_PIECE] for unit in units(video) if len(unit) > 4 * _PIECE}


def _decoded(video: Path, widths: Iterable[int], every: int) -> set[bytes]:
    found: set[bytes] = set()
    with av.open(str(video)) as container:
        for number, frame in enumerate(container.decode(video=0)):
            if number % every:
                continue
            for width in {frame.width, *widths}:
                height = round(frame.height * width / frame.width / 2) * 2
                for order in ("rgb24", "gray"):
                    found.update(_rows(frame.reformat(width, height, order).to_ndarray()))
    return found


def _rows(picture: np.ndarray) -> Iterator[bytes]:
    """Yield the liveliest pieces of a picture's rows: flat ones could be anything."""
    rows = picture.reshape(picture.shape[0], -1)
    for row in rows[:: max(1, len(rows) // 24)]:
        pieces = row[: len(row) // _PIECE * _PIECE].reshape(-1, _PIECE)
        liveliest = pieces[np.argmax(pieces.astype(np.float32).std(axis=1))]
        if liveliest.std() > 12:
            yield liveliest.tobytes()


def picture_in(content: bytes, pieces: Pieces) -> str | None:
    """Return what of a picture is in a file's content, None where nothing is."""
    if _MAGIC.match(content):
        return "begins as a picture"
    for each in _INSIDE:
        if each in content:
            return f"holds {each!r}"
    return "holds a piece of the video" if pieces.within(content) else None


class Written:
    """Watches folders while it is entered; `found` are the files in which a picture was, and what.

    A file is opened as soon as it is there, so that its content can be read when it is gone again.
    `looked_at` counts contents that were looked through.
    """

    def __init__(self, folders: Iterable[Path], pieces: Pieces) -> None:
        """Watch nothing yet."""
        self._folders = tuple(folders)
        self._pieces = pieces
        self._open: dict[Path, io.BufferedReader] = {}
        self._changed: set[Path] = set()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="written", daemon=True)
        self._inotify = Inotify(sync_timeout=0.2)
        self.found: dict[Path, str] = {}
        self.files: set[Path] = set()
        self.looked_at = 0
        self._whole = False

    def __enter__(self) -> Self:
        """Begin."""
        for folder in self._folders:
            self._add(folder)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Look through what is left, and through all that lies there now."""
        self._ended.set()
        self._thread.join()
        assert self._whole, "the watch ended before its time"
        for folder in self._folders:
            for path in folder.rglob("*"):
                if path.is_file() and not path.is_symlink():
                    self._look(path, path.read_bytes())
        for each in self._open.values():
            each.close()
        self._inotify.close()

    def _add(self, folder: Path) -> None:
        for each in (folder, *(p for p in folder.rglob("*") if p.is_dir() and not p.is_symlink())):
            self._inotify.add_watch(each, _EVENTS)
            for path in each.iterdir():
                self._take(path)

    def _watch(self) -> None:
        while not self._ended.is_set():
            event = self._inotify.sync_get()
            if event is None:
                self._look_through()
                continue
            if event.path is None:
                continue
            if event.mask & Mask.ISDIR:
                with suppress(OSError):
                    self._add(event.path)
                continue
            self._take(event.path)
            self._changed.add(event.path)
            if event.mask & Mask.CLOSE_WRITE:
                self._look_through()
        self._look_through()
        self._whole = True

    def _take(self, path: Path) -> None:
        known = self._open.get(path)
        with suppress(OSError):
            if known is None or not _same(known, path):
                self._open[path] = path.open("rb")
                if known is not None:
                    known.close()

    def _look_through(self) -> None:
        for path in self._changed:
            if (file := self._open.get(path)) is not None:
                file.seek(0)
                self._look(path, file.read())
        self._changed.clear()

    def _look(self, path: Path, content: bytes) -> None:
        self.looked_at += 1
        self.files.add(path)
        if (what := picture_in(content, self._pieces)) is not None:
            self.found[path] = what


def _same(file: io.BufferedReader, path: Path) -> bool:
    here, there = os.fstat(file.fileno()), path.stat()
    return (here.st_dev, here.st_ino) == (there.st_dev, there.st_ino)
