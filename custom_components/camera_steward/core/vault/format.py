"""Segment and key files: headers, chunks, trailer (docs/design/vault-format.md)."""

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from struct import Struct
from typing import Any, Self
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ..errors import FootageError, KeyMissingError
from ..media.boxes import UnitHash, blake2b_256, sha256
from ..model import from_micros, to_micros

VAULT_FORMAT = 1
"""Of the layout and of hour keys."""

SEGMENT_FORMAT = 2
"""Of segments that are written; 1 differs in the hash of its unit digest and is read as well."""

_UNIT_HASHES: dict[int, Callable[[], UnitHash]] = {1: blake2b_256, 2: sha256}

CHUNK_BYTES = 64 * 1024
TAG_BYTES = 16
SEALED_CHUNK_BYTES = CHUNK_BYTES + TAG_BYTES

_SEGMENT_MAGIC = b"CAMSTEWS"
_KEY_MAGIC = b"CAMSTEWK"
_HEADER = Struct(">8sHHI16s32sQq32s16s")
HEADER_BYTES = _HEADER.size
_KEY = Struct(">8sHH12s48s")
KEY_BYTES = _KEY.size
_HOLD_MAGIC = b"CAMSTEWH"
_HOLD = Struct(">8sHI12s")
HOLD_KEY_MOST_BYTES = 64 * 1024
"""What a hold's key file may have at most: some 900 cameras."""
_TRAILER_LENGTH = Struct(">I")
_SEGMENT_INFO = b"camera-steward segment 1"
_FINAL = 1
_RECOVERY = 2


def camera_digest(camera: str) -> bytes:
    """Return the 32 bytes that stand for a camera in headers."""
    return hashlib.sha256(camera.encode()).digest()


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentHeader:
    """The first 128 bytes of a segment file, in the clear and bound to every chunk."""

    vault: UUID
    camera: bytes
    sequence: int
    stamp_at: datetime
    salt: bytes
    format: int = SEGMENT_FORMAT

    def pack(self) -> bytes:
        """Return the bytes."""
        return _HEADER.pack(
            _SEGMENT_MAGIC,
            self.format,
            HEADER_BYTES,
            CHUNK_BYTES,
            self.vault.bytes,
            self.camera,
            self.sequence,
            to_micros(self.stamp_at),
            self.salt,
            bytes(16),
        )

    @classmethod
    def unpack(cls, data: bytes) -> Self:
        """Read a header; `FootageError` when it is none of this format."""
        if len(data) < HEADER_BYTES:
            raise FootageError("header is cut off")
        magic, version, length, chunk, vault, camera, sequence, stamp, salt, rest = _HEADER.unpack(
            data[:HEADER_BYTES]
        )
        known = (_SEGMENT_MAGIC, HEADER_BYTES, CHUNK_BYTES, bytes(16))
        if (magic, length, chunk, rest) != known or version not in _UNIT_HASHES:
            raise FootageError("header is not of a known format")
        try:
            stamp_at = from_micros(stamp)
        except OverflowError as err:
            raise FootageError("header has no date") from err
        return cls(
            vault=UUID(bytes=vault),
            camera=camera,
            sequence=sequence,
            stamp_at=stamp_at,
            salt=salt,
            format=version,
        )


class ChunkCipher:
    """The STREAM construction over one segment, as age uses it.

    Nonce: 11 bytes of counter, then 1 byte of flags: 1 in the final chunk, 2 in chunks that recovery
    wrote. The file key comes from the hour key and the random salt in the header, so that no nonce
    meets a key twice, also when recovery replaces a final chunk that was torn; the header is
    associated data of each chunk.
    """

    def __init__(self, hour_key: bytes, header: bytes) -> None:
        """Derive the file key for the segment with this header; of a held one, from its hold's."""
        told = SegmentHeader.unpack(header)
        self.format = told.format
        self.unit_hash = _UNIT_HASHES[told.format]
        key = HKDF(SHA256(), 32, told.salt, _SEGMENT_INFO).derive(hour_key)
        self._cipher = ChaCha20Poly1305(key)
        self._header = header

    def seal(
        self,
        number: int,
        chunk: bytes | bytearray | memoryview,
        *,
        final: bool = False,
        recovery: bool = False,
    ) -> bytes:
        """Encrypt chunk `number`, counted from 0."""
        return self._cipher.encrypt(_nonce(number, final, recovery), chunk, self._header)

    def seal_rest(self, number: int, rest: bytes, *, recovery: bool = False) -> bytes:
        """Encrypt all that is left, from chunk `number` on; the last is the final one."""
        parts = [
            self.seal(
                number + at // CHUNK_BYTES,
                rest[at : at + CHUNK_BYTES],
                final=at + CHUNK_BYTES >= len(rest),
                recovery=recovery,
            )
            for at in range(0, max(len(rest), 1), CHUNK_BYTES)
        ]
        return b"".join(parts)

    def open(
        self, number: int, chunk: bytes, *, final: bool = False, recovery: bool = False
    ) -> bytes:
        """Decrypt a chunk; `FootageError` when it is not what was written there."""
        try:
            return self._cipher.decrypt(_nonce(number, final, recovery), chunk, self._header)
        except InvalidTag as err:
            raise FootageError(f"chunk {number} fails its check") from err


def _nonce(number: int, final: bool, recovery: bool) -> bytes:
    return number.to_bytes(11) + bytes([final * _FINAL | recovery * _RECOVERY])


def _key_place(vault: UUID, camera: str, hour: str) -> bytes:
    return b"camera-steward hour key 1" + vault.bytes + camera_digest(camera) + hour.encode()


def wrap_key(key: bytes, site_key: bytes, vault: UUID, camera: str, hour: str) -> bytes:
    """Return the key file of an hour; it opens only at its own place in its own vault."""
    nonce = os.urandom(12)
    sealed = ChaCha20Poly1305(site_key).encrypt(nonce, key, _key_place(vault, camera, hour))
    return _KEY.pack(_KEY_MAGIC, VAULT_FORMAT, KEY_BYTES, nonce, sealed)


def unwrap_key(data: bytes, site_key: bytes, vault: UUID, camera: str, hour: str) -> bytes:
    """Return the hour key; `KeyMissingError` when the file does not open with the site key."""
    if len(data) != KEY_BYTES:
        raise KeyMissingError("key file is cut off")
    magic, version, length, nonce, sealed = _KEY.unpack(data)
    if (magic, version, length) != (_KEY_MAGIC, VAULT_FORMAT, KEY_BYTES):
        raise KeyMissingError("key file is not of a known format")
    try:
        return ChaCha20Poly1305(site_key).decrypt(nonce, sealed, _key_place(vault, camera, hour))
    except InvalidTag as err:
        raise KeyMissingError("key file does not open") from err


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldKey:
    """What a hold's key file holds: its key, of what footage it is, when it was placed and ends."""

    key: bytes = field(repr=False)
    cameras: tuple[str, ...]
    start_at: datetime
    end_at: datetime
    placed_at: datetime
    until_at: datetime


def _hold_place(vault: UUID, hold: str) -> bytes:
    return b"camera-steward hold key 1" + vault.bytes + hold.encode()


def wrap_hold(content: HoldKey, site_key: bytes, vault: UUID, hold: str) -> bytes:
    """Return the key file of a hold; it opens only at its own place in its own vault."""
    body = json.dumps(
        {
            "key": content.key.hex(),
            "cameras": list(content.cameras),
            "start_us": to_micros(content.start_at),
            "end_us": to_micros(content.end_at),
            "placed_us": to_micros(content.placed_at),
            "until_us": to_micros(content.until_at),
        },
        separators=(",", ":"),
        sort_keys=True,
    ).encode()
    nonce = os.urandom(12)
    sealed = ChaCha20Poly1305(site_key).encrypt(nonce, body, _hold_place(vault, hold))
    return _HOLD.pack(_HOLD_MAGIC, VAULT_FORMAT, _HOLD.size + len(sealed), nonce) + sealed


def unwrap_hold(data: bytes, site_key: bytes, vault: UUID, hold: str) -> HoldKey:
    """Return what a hold's key file holds; `KeyMissingError` when it does not open."""
    if len(data) < _HOLD.size:
        raise KeyMissingError("key file is cut off")
    magic, version, length, nonce = _HOLD.unpack(data[: _HOLD.size])
    if (magic, version, length) != (_HOLD_MAGIC, VAULT_FORMAT, len(data)):
        raise KeyMissingError("key file is not of a known format")
    try:
        body = ChaCha20Poly1305(site_key).decrypt(
            nonce, data[_HOLD.size :], _hold_place(vault, hold)
        )
    except InvalidTag as err:
        raise KeyMissingError("key file does not open") from err
    told: dict[str, Any] = json.loads(body)
    return HoldKey(
        key=bytes.fromhex(told["key"]),
        cameras=tuple(told["cameras"]),
        start_at=from_micros(told["start_us"]),
        end_at=from_micros(told["end_us"]),
        placed_at=from_micros(told["placed_us"]),
        until_at=from_micros(told["until_us"]),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class FragmentEntry:
    """Where a fragment lies in the media and what it shows; times from the segment's stamp."""

    offset: int
    length: int
    start_us: int
    keyframe: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Trailer:
    """What is known once a segment ends; encrypted behind the media.

    `media_bytes` is the length of the media before it, `digests` the unit digest a track
    (INV-3), `length_us` from the stamp to the end of the last frame.
    """

    media_bytes: int
    length_us: int
    header_bytes: int
    fragments: tuple[FragmentEntry, ...]
    digests: dict[int, bytes]
    recovered: bool = False

    def pack(self) -> bytes:
        """Return JSON and its length in the last 4 bytes; the same value gives the same bytes."""
        body = json.dumps(
            {
                "media": self.media_bytes,
                "length_us": self.length_us,
                "head": self.header_bytes,
                "fragments": [
                    [each.offset, each.length, each.start_us, int(each.keyframe)]
                    for each in self.fragments
                ],
                "digests": {str(track): digest.hex() for track, digest in self.digests.items()},
                "recovered": self.recovered,
            },
            separators=(",", ":"),
            sort_keys=True,
        ).encode()
        return body + _TRAILER_LENGTH.pack(len(body))

    @classmethod
    def unpack(cls, body: bytes) -> Self:
        """Read the JSON; `FootageError` when it lacks anything."""
        try:
            data: dict[str, Any] = json.loads(body)
            return cls(
                media_bytes=int(data["media"]),
                length_us=int(data["length_us"]),
                header_bytes=int(data["head"]),
                fragments=tuple(
                    FragmentEntry(offset=o, length=n, start_us=t, keyframe=bool(k))
                    for o, n, t, k in data["fragments"]
                ),
                digests={int(k): bytes.fromhex(v) for k, v in data["digests"].items()},
                recovered=bool(data["recovered"]),
            )
        except (ValueError, KeyError, TypeError, AttributeError) as err:
            raise FootageError("trailer cannot be read") from err

    @property
    def digest(self) -> bytes:
        """Return one digest for all tracks, as the index holds it."""
        return hashlib.sha256(
            b"".join(bytes([track]) + self.digests[track] for track in sorted(self.digests))
        ).digest()


def trailer_length(tail: bytes) -> int:
    """Return the length of the JSON from the last 4 bytes of the plaintext."""
    length: int = _TRAILER_LENGTH.unpack(tail[-4:])[0]
    return length
