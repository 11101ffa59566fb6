"""Sites for the bench, put together from the core's own parts as they are at a real start."""

import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

from bench.core import load_core

load_core()

# ruff: noqa: E402
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from custom_components.camera_steward.core.clock import SystemClock
from custom_components.camera_steward.core.database import Database
from custom_components.camera_steward.core.files import LocalFiles
from custom_components.camera_steward.core.ledger.store import METADATA as LEDGER_TABLES, Ledger
from custom_components.camera_steward.core.retention.corrections import LedgerClockBook
from custom_components.camera_steward.core.retention.guard import ClockGuard
from custom_components.camera_steward.core.retention.keeper import Keeper
from custom_components.camera_steward.core.retention.limits import RetentionLimit, SiteLimits
from custom_components.camera_steward.core.vault.index import METADATA as INDEX_TABLES, Index
from custom_components.camera_steward.core.vault.recovery import recover
from custom_components.camera_steward.core.vault.vault import Vault, create_identity

LIMIT = timedelta(days=15)


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """The parts of a running site."""

    vault: Vault
    guard: ClockGuard
    keeper: Keeper
    databases: tuple[Database, ...]

    def close(self) -> None:
        """Let go of the files."""
        for each in self.databases:
            each.close()


def make_vault(root: Path, identity: UUID) -> None:
    """Make an empty directory a vault."""
    create_identity(root, LocalFiles(), identity, datetime.now(UTC))


def new_site(folder: Path) -> Site:
    """Make an empty site in a folder and open it."""
    folder.mkdir(parents=True)
    identity = uuid4()
    make_vault(folder / "vault", identity)
    keys = {"vault": str(identity), "site": os.urandom(32).hex(), "signing": os.urandom(32).hex()}
    (folder / "site.json").write_text(json.dumps(keys))
    return open_site(folder)


def open_site(folder: Path) -> Site:
    """Open a site in the order of a real start, up to where recording would begin."""
    keys = json.loads((folder / "site.json").read_text())
    clock = SystemClock()
    databases = (
        Database(folder / "index.db", INDEX_TABLES),
        Database(folder / "ledger.db", LEDGER_TABLES),
    )
    index = Index(databases[0])
    signing = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(keys["signing"]))
    ledger = Ledger(databases[1], clock, signing)
    vault = Vault(
        folder / "vault",
        LocalFiles(),
        clock,
        UUID(keys["vault"]),
        bytes.fromhex(keys["site"]),
        index,
    )
    recover(vault)
    book = LedgerClockBook(index, ledger)
    vault.resume_after_recovery()
    guard = ClockGuard(clock, book)
    keeper = Keeper(
        vault=vault,
        ledger=ledger,
        book=book,
        guard=guard,
        limits=lambda: SiteLimits(
            ceiling=LIMIT, default=RetentionLimit(duration=LIMIT), cameras={}
        ),
        method="bench",
    )
    keeper.run()
    return Site(vault=vault, guard=guard, keeper=keeper, databases=databases)
