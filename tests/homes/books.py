"""A site's books while its home is stopped: read with the core and the site's own key."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from custom_components.camera_steward.core.books import (
    INDEX_NAME,
    LEDGER_NAME,
)
from custom_components.camera_steward.core.clock import SystemClock
from custom_components.camera_steward.core.database import Database
from custom_components.camera_steward.core.files import LocalFiles
from custom_components.camera_steward.core.ledger.entry import Checkpoint, Entry
from custom_components.camera_steward.core.ledger.registers import PurgeRecord, purge_register
from custom_components.camera_steward.core.ledger.store import Ledger
from custom_components.camera_steward.core.ledger.tables import METADATA as LEDGER_TABLES
from custom_components.camera_steward.core.ledger.verify import Verification, verify
from custom_components.camera_steward.core.media.boxes import fragments, tracks
from custom_components.camera_steward.core.media.units import split_stored
from custom_components.camera_steward.core.model import Segment
from custom_components.camera_steward.core.vault.holds import HoldFiles
from custom_components.camera_steward.core.vault.index import METADATA as INDEX_TABLES, Index
from custom_components.camera_steward.core.vault.vault import CHECKPOINTS_NAME, Vault

from .home import Home

_EVER = (datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """Index, vault and ledger of a stopped site; a context manager."""

    entry_id: str
    root: Path
    vault: Vault
    holds: HoldFiles
    ledger: Ledger
    _database: Database

    @classmethod
    def open(cls, home: Home, entry_id: str) -> Self:
        """Open them. One process at a time: the home must not be running."""
        assert home.process is None
        storage = home.config / ".storage"
        keys = _stored(storage / f"camera_steward.{entry_id}")
        (data,) = [
            each["data"]
            for each in _stored(storage / "core.config_entries")["entries"]
            if each["entry_id"] == entry_id
        ]
        state = home.config / "camera_steward" / entry_id
        root, clock = Path(data["vault_path"]), SystemClock()
        database = Database(state / INDEX_NAME, INDEX_TABLES)
        site_key, signing_key = (bytes.fromhex(keys[each]) for each in ("site_key", "signing_key"))
        vault = Vault(root, LocalFiles(), clock, UUID(data["vault_id"]), site_key, Index(database))
        return cls(
            entry_id=entry_id,
            root=root,
            vault=vault,
            holds=HoldFiles(vault, site_key),
            ledger=Ledger(
                Database(state / LEDGER_NAME, LEDGER_TABLES),
                clock,
                Ed25519PrivateKey.from_private_bytes(signing_key),
            ),
            _database=database,
        )

    def __enter__(self) -> Self:
        """Use them."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close them."""
        self.ledger.close()
        self._database.close()

    def segments(self, camera: str) -> list[Segment]:
        """Return a camera's segments, oldest first."""
        return self.vault.index.segments(camera, *_EVER)

    def media(self, segment: Segment) -> bytes:
        """Return the media of a segment, decrypted and authenticated."""
        reader = self.vault.open_segment(segment)
        try:
            return reader.read(0, reader.media_bytes)
        finally:
            reader.close()

    def entries(self) -> Iterator[Entry]:
        """Yield every entry of the ledger."""
        return self.ledger.entries()

    def purges(self, camera: str | None = None) -> list[PurgeRecord]:
        """Return the purge register."""
        return list(purge_register(self.ledger, *_EVER, camera))

    def verify_ledger(self) -> Verification:
        """Check the ledger against itself and what was attested beside the footage."""
        path = self.root / CHECKPOINTS_NAME
        lines = path.read_bytes().splitlines() if path.exists() else []
        kept = [Checkpoint.from_json(line) for line in lines if line]
        return verify(self.ledger.database, self.ledger.public_key, kept)


def stored_units(media: bytes, handler: str) -> list[bytes]:
    """Return the encoded units of a stored track (`vide` or `soun`), in stored order."""
    track = next(each for each in tracks(media) if each.handler == handler)
    found: list[bytes] = []
    for fragment in fragments(media):
        for run in fragment.runs:
            if run.track != track.track:
                continue
            at = fragment.offset + run.data_at
            for size in run.sizes:
                payload = media[at : at + size]
                found += split_stored(payload) if track.nal else [payload]
                at += size
    return found


def last_frame_at(books: Books, segment: Segment) -> datetime:
    """Return when the last stored picture of a segment was over, from the media itself."""
    media = books.media(segment)
    video = next(each for each in tracks(media) if each.handler == "vide")
    last = list(fragments(media))[-1]
    ticks = sum(sum(run.durations) for run in last.runs if run.track == video.track)
    return datetime.fromtimestamp(last.captured_us / 1_000_000 + ticks / video.timescale, UTC)


def _stored(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text())["data"])
