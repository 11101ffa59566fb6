"""What a vault says of its site, sealed under the site key: enough to keep its limits elsewhere.

Written beside the footage, so that a vault that lost its Home Assistant still knows its cameras and
how long each may be kept (docs/design/vault-format.md, site.sealed).
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from struct import Struct
from typing import Any, Self
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from ..errors import DescriptionError, SegmentMissingError
from ..files import Files
from ..model import from_micros, to_micros

DESCRIPTION_NAME = "site.sealed"
DESCRIPTION_DRAFT = "site.sealed.new"
_FORMAT = 1
_MAGIC = b"CAMSTEWD"
_HEAD = Struct(">8sHH12s")
_PLACE = b"camera-steward site description 1"
_STEP_BYTES = 1024
_LARGEST_BYTES = 16 * 1024 * 1024
_MICROSECOND = timedelta(microseconds=1)
_LIMIT_MOST = timedelta(days=366)
_CORRECTION_MOST = timedelta(days=200 * 366)
"""What is out of these bounds no steward wrote: a limit erases or keeps footage as it says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribedCamera:
    """A camera with the limit in force; `lapses_at` is when a longer one falls to the ceiling."""

    name: str
    limit: timedelta
    lapses_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribedCorrection:
    """Segments `first` to `last`, both included, were stamped wrong by `by`."""

    first: int
    last: int
    by: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteDescription:
    """A site as its vault tells of it.

    `cameras` by id, removed ones while footage of them is kept; `default` is the limit of any other.
    `method` says how footage is erased, `zone` names the time zone of the site.
    """

    title: str
    cameras: Mapping[str, DescribedCamera]
    ceiling: timedelta
    default: timedelta
    method: str
    zone: str
    corrections: tuple[DescribedCorrection, ...]
    written_at: datetime

    def limit_of(self, camera: str, now: datetime) -> timedelta:
        """Return how long a camera's footage may be kept as of `now`."""
        found = self.cameras.get(camera)
        if found is None:
            return self.default
        lapsed = found.lapses_at is not None and now >= found.lapses_at
        return min(found.limit, self.ceiling) if lapsed else found.limit

    def pack(self) -> bytes:
        """Return JSON, filled up with spaces so that its length tells nothing of the names."""
        body = json.dumps(
            {
                "title": self.title,
                "cameras": {
                    camera: {
                        "name": each.name,
                        "limit_us": each.limit // _MICROSECOND,
                        "lapses_us": None if each.lapses_at is None else to_micros(each.lapses_at),
                    }
                    for camera, each in self.cameras.items()
                },
                "ceiling_us": self.ceiling // _MICROSECOND,
                "default_us": self.default // _MICROSECOND,
                "method": self.method,
                "zone": self.zone,
                "corrections": [
                    [each.first, each.last, each.by // _MICROSECOND] for each in self.corrections
                ],
                "written_us": to_micros(self.written_at),
            },
            separators=(",", ":"),
            sort_keys=True,
        ).encode()
        return body.ljust(-(-len(body) // _STEP_BYTES) * _STEP_BYTES)

    @classmethod
    def unpack(cls, body: bytes) -> Self:
        """Read the JSON; `DescriptionError` when it lacks anything, or says what cannot be."""
        try:
            data: dict[str, Any] = json.loads(body)
            return cls(
                title=str(data["title"]),
                cameras={
                    str(camera): DescribedCamera(
                        name=str(each["name"]),
                        limit=_limit(each["limit_us"]),
                        lapses_at=None
                        if each["lapses_us"] is None
                        else from_micros(int(each["lapses_us"])),
                    )
                    for camera, each in data["cameras"].items()
                },
                ceiling=_limit(data["ceiling_us"]),
                default=_limit(data["default_us"]),
                method=str(data["method"]),
                zone=str(data["zone"]),
                corrections=tuple(
                    _correction(int(first), int(last), int(by) * _MICROSECOND)
                    for first, last, by in data["corrections"]
                ),
                written_at=from_micros(int(data["written_us"])),
            )
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as err:
            raise DescriptionError("description cannot be read") from err


def _limit(micros: int) -> timedelta:
    limit = int(micros) * _MICROSECOND
    if not timedelta(0) < limit <= _LIMIT_MOST:
        raise ValueError("limit")
    return limit


def _correction(first: int, last: int, by: timedelta) -> DescribedCorrection:
    if not 0 <= first <= last < 2**63 or abs(by) > _CORRECTION_MOST:
        raise ValueError("correction")
    return DescribedCorrection(first=first, last=last, by=by)


def seal(description: SiteDescription, site_key: bytes, vault: UUID) -> bytes:
    """Return the bytes of the file; they open only with this key and as this vault's."""
    nonce = os.urandom(12)
    sealed = ChaCha20Poly1305(site_key).encrypt(nonce, description.pack(), _PLACE + vault.bytes)
    return _HEAD.pack(_MAGIC, _FORMAT, _HEAD.size, nonce) + sealed


def unseal(data: bytes, site_key: bytes, vault: UUID) -> SiteDescription:
    """Return what the bytes say; `DescriptionError` when they are not this key's and vault's."""
    if len(data) < _HEAD.size:
        raise DescriptionError("description is cut off")
    magic, version, length, nonce = _HEAD.unpack(data[: _HEAD.size])
    if (magic, version, length) != (_MAGIC, _FORMAT, _HEAD.size):
        raise DescriptionError("description is not of a known format")
    try:
        body = ChaCha20Poly1305(site_key).decrypt(nonce, data[length:], _PLACE + vault.bytes)
    except InvalidTag as err:
        raise DescriptionError("description does not open") from err
    return SiteDescription.unpack(body)


def read_description(
    root: Path, files: Files, site_key: bytes, vault: UUID
) -> SiteDescription | None:
    """Return what the vault at `root` says, None when it says nothing; raises as `unseal` does."""
    try:
        file = files.open(root / DESCRIPTION_NAME)
    except SegmentMissingError:
        return None
    try:
        return unseal(file.read(0, _LARGEST_BYTES), site_key, vault)
    finally:
        file.close()


def write_description(
    root: Path, files: Files, description: SiteDescription, site_key: bytes, vault: UUID
) -> None:
    """Replace what the vault at `root` says in one step; durable on return.

    Look first whether the vault is there.
    """
    draft = root / DESCRIPTION_DRAFT
    files.unlink(draft)
    file = files.create(draft)
    try:
        file.append(seal(description, site_key, vault))
        file.sync()
    finally:
        file.close()
    files.rename(draft, root / DESCRIPTION_NAME)
    files.sync_directory(root)
