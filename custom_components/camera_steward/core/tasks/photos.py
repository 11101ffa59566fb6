"""Photos that people hand in as evidence: made small, without metadata, encrypted, kept a while.

They are evidence and not footage (docs/design/duties.md, photos). Byte table there.
"""

import io
import os
import re
import threading
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from struct import Struct
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from PIL import Image, ImageOps

from ..errors import (
    PhotoDamagedError,
    PhotoInvalidError,
    PhotoMissingError,
    PhotoTooLargeError,
    PhotoTooManyPixelsError,
    PhotoUnreadableError,
    SegmentMissingError,
)
from ..files import Files
from ..model import from_micros, to_micros
from ..policy.task import Doing

EVIDENCE_NAME = "evidence"
PHOTO_MOST_BYTES = 20_000_000
"""As sent: what a phone's camera makes is seldom half of it."""

PHOTO_MOST_PIXELS = 50_000_000
"""Declared: a decoder takes memory for what it is told."""

_SIDE = 1280
_QUALITY = 85
_FORMATS = ("JPEG", "PNG", "WEBP", "HEIF")
_ATTACHED_WITHIN = timedelta(days=1)
KEPT = timedelta(days=3 * 366)
"""As long as the registers are kept."""

_FORMAT = 1
_MAGIC = b"CAMSTEWP"
_HEADER = Struct(">8sHHQ32s12s")
_INFO = b"camera-steward evidence photo 1"
_NAME = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Header:
    """The first 64 bytes of a stored photo, in the clear and bound to the rest."""

    added_at: datetime
    digest: bytes
    nonce: bytes

    def pack(self) -> bytes:
        return _HEADER.pack(
            _MAGIC, _FORMAT, _HEADER.size, to_micros(self.added_at), self.digest, self.nonce
        )

    @classmethod
    def unpack(cls, data: bytes) -> Self:
        """Read a header; `PhotoUnreadableError` when it is none of this format."""
        if len(data) < _HEADER.size:
            raise PhotoUnreadableError
        magic, version, length, added, digest, nonce = _HEADER.unpack(data[: _HEADER.size])
        if (magic, version, length) != (_MAGIC, _FORMAT, _HEADER.size):
            raise PhotoUnreadableError
        try:
            return cls(added_at=from_micros(added), digest=digest, nonce=nonce)
        except OverflowError as err:
            raise PhotoUnreadableError from err


class Photos:
    """A site's photos, each a file of its own. Any thread, all blocking; one is made at a time."""

    def __init__(self, files: Files, directory: Path, key: bytes) -> None:
        """Keep them in `directory`, which is made when the first comes.

        `key` is one that stays as long as the ledger; theirs is derived from it.
        """
        self._files = files
        self._directory = directory
        self._cipher = ChaCha20Poly1305(HKDF(SHA256(), 32, None, _INFO).derive(key))
        self._lock = threading.Lock()

    def add(self, sent: bytes, *, at: datetime) -> str:
        """Keep a photo as it was sent and return its id; durable on return.

        The id is the SHA-256 of the JPEG that is kept, hexadecimal; the same photo has the same.
        A subclass of `PhotoError` when it cannot be taken.
        """
        with self._lock:
            made = _made(sent)
            photo = sha256(made).hexdigest()
            try:
                self._read(photo)
            except PhotoMissingError, PhotoUnreadableError:
                self._write(photo, made, at)
            return photo

    def read(self, photo: str) -> bytes:
        """Return the JPEG.

        `PhotoMissingError` when there is none by this id, `PhotoUnreadableError` when it is not as
        it was stored.
        """
        return self._read(photo)

    def is_new(self, photo: str, now: datetime) -> bool:
        """Return whether a photo is kept that came within the last day.

        One that came earlier is evidence of something else: it shows nothing of today.
        """
        try:
            self._read(photo)
            return now - _Header.unpack(self._bytes(photo)).added_at <= _ATTACHED_WITHIN
        except PhotoMissingError, PhotoUnreadableError:
            return False

    def lapsed(self, evidence: Mapping[str, datetime], now: datetime) -> list[str]:
        """Return the ids of those that were evidence for as long as registers are kept.

        `evidence` is when each photo was last evidence of something.
        """
        kept = self._files.list(self._directory)
        return [name for name in kept if name in evidence and now - evidence[name] > KEPT]

    def erase(self, photos: Iterable[str]) -> None:
        """Erase photos; those that are gone already are passed over."""
        for each in photos:
            if _NAME.fullmatch(each) is not None:
                with self._lock, suppress(SegmentMissingError):
                    self._erase(each)

    def sweep(self, evidence: Collection[str], now: datetime) -> None:
        """Erase what came more than a day ago and is evidence of nothing, and what a crash left."""
        for name in self._files.list(self._directory):
            if name not in evidence and _NAME.fullmatch(name.removesuffix(".new")):
                with self._lock:  # no draft that is being written is taken for a stale one
                    if self._is_stale(name, now):
                        self._erase(name)

    def erase_all(self) -> None:
        """Erase every photo, and the folder if nothing else is in it: the site ends."""
        for name in self._files.list(self._directory):
            if _NAME.fullmatch(name.removesuffix(".new")):
                with self._lock:
                    self._erase(name)
        self._files.remove_directory(self._directory)

    def _is_stale(self, name: str, now: datetime) -> bool:
        try:
            added_at = _Header.unpack(self._bytes(name)).added_at
        except PhotoMissingError:
            return False
        except PhotoUnreadableError:
            # Half a draft, or damaged and evidence of nothing: nobody can see what is in it.
            return True
        return now - added_at > _ATTACHED_WITHIN

    def _erase(self, name: str) -> None:
        path = self._directory / name
        self._files.overwrite(path)
        self._files.unlink(path)
        self._files.sync_directory(self._directory)

    def _write(self, photo: str, made: bytes, at: datetime) -> None:
        nonce = os.urandom(12)
        header = _Header(added_at=at, digest=bytes.fromhex(photo), nonce=nonce).pack()
        path = self._directory / photo
        # Under another name first: half a photo must not stand for a whole one.
        draft = path.with_name(f"{photo}.new")
        self._files.make_directory(self._directory)
        self._files.unlink(draft)
        file = self._files.create(draft)
        try:
            file.append(header + self._cipher.encrypt(nonce, made, header))
            file.sync()
        finally:
            file.close()
        self._files.rename(draft, path)
        self._files.sync_directory(self._directory)

    def _read(self, photo: str) -> bytes:
        if _NAME.fullmatch(photo) is None:
            raise PhotoMissingError
        data = self._bytes(photo)
        header = _Header.unpack(data)
        try:
            made = self._cipher.decrypt(header.nonce, data[_HEADER.size :], data[: _HEADER.size])
        except InvalidTag as err:
            raise PhotoUnreadableError from err
        # One that was put under another's name opens, and is not what was asked for.
        if header.digest.hex() != photo or sha256(made).hexdigest() != photo:
            raise PhotoUnreadableError
        return made

    def _bytes(self, name: str) -> bytes:
        try:
            file = self._files.open(self._directory / name)
        except SegmentMissingError as err:
            raise PhotoMissingError from err
        try:
            return file.read(0, file.size)
        finally:
            file.close()


def evidence_of(doings: Iterable[Doing]) -> dict[str, datetime]:
    """Return when each photo was last given as an answer, by its id."""
    found: dict[str, datetime] = {}
    for each in doings:
        for answer in each.answers.values():
            if isinstance(answer, str) and _NAME.fullmatch(answer):
                found[answer] = max(each.at, found.get(answer, each.at))
    return found


def _made(sent: bytes) -> bytes:
    """Return what is kept of a photo: a JPEG, upright, small, with nothing but the picture."""
    if len(sent) > PHOTO_MOST_BYTES:
        raise PhotoTooLargeError
    Image.init()
    known = [each for each in _FORMATS if each in Image.OPEN]
    try:
        image = Image.open(io.BytesIO(sent), formats=known)
    except Image.DecompressionBombError as err:
        raise PhotoTooManyPixelsError from err
    except Exception as err:
        raise PhotoInvalidError from err
    with image:
        if image.width * image.height > PHOTO_MOST_PIXELS:
            raise PhotoTooManyPixelsError
        # What decoders raise on broken data is no closed list.
        try:
            image.thumbnail((_SIDE, _SIDE))
            upright = ImageOps.exif_transpose(image).convert("RGB")
        except Exception as err:
            raise PhotoDamagedError from err
    upright.info = {}  # a comment or a profile would be written along
    target = io.BytesIO()
    upright.save(target, "JPEG", quality=_QUALITY)
    return target.getvalue()
