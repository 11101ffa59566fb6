"""A counter on a real vault, ledger and holds, with clocks that a test moves, and what people ask."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from custom_components.camera_steward.core.capture.live import Live
from custom_components.camera_steward.core.database import Database
from custom_components.camera_steward.core.disclosure.counter import Approval, Counter
from custom_components.camera_steward.core.disclosure.grounds import Order, Request, RequestKind
from custom_components.camera_steward.core.disclosure.handing import HandOver
from custom_components.camera_steward.core.disclosure.packing import Packing, Sender
from custom_components.camera_steward.core.ledger.disclosures import Disclosure
from custom_components.camera_steward.core.ledger.entry import Entry, EntryKind
from custom_components.camera_steward.core.ledger.store import METADATA, Ledger
from custom_components.camera_steward.core.retention.corrections import LedgerClockBook
from custom_components.camera_steward.core.retention.guard import ClockGuard
from custom_components.camera_steward.core.retention.holds import Hold, Holds
from custom_components.camera_steward.core.vault.holds import HoldFiles
from custom_components.camera_steward.core.viewing.desk import Caller
from custom_components.camera_steward.core.viewing.lobby import Lobby

from . import viewing_site
from .vault_site import EVER, SITE_KEY, START, Site

SECOND, MINUTE, DAY = viewing_site.SECOND, viewing_site.MINUTE, viewing_site.DAY
MANAGER = replace(viewing_site.MANAGER, session="the manager's browser")
OPERATOR = replace(viewing_site.OPERATOR, session="the operator's browser")
GUEST, STRANGER, NOBODY = viewing_site.GUEST, viewing_site.STRANGER, viewing_site.NOBODY
GROUNDS = frozenset({RequestKind.LAW, RequestKind.AUTHORITY_WRITTEN})
SECONDS = 12
"""How much of the door is recorded, from `START` on."""

_SIGNING_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


class CounterSite:
    """All of it; `restart` is what a new process does first."""

    def __init__(self, folder: Path) -> None:
        self.ledger_path = folder / "ledger.db"
        self.vault = Site(folder)
        # More than a few of the archive's chunks.
        self.vault.record("door", SECONDS, size=60_000)
        self.vault.record("yard", 1)
        self.house = replace(viewing_site.HOUSE, cameras=frozenset({"door", "yard"}))
        self._open()
        for each in (MANAGER, OPERATOR, GUEST):
            if self.lobby.desk.may_pledge(each.user or ""):
                self.lobby.desk.pledge(each, version="version 1", data={})

    def _open(self) -> None:
        self.clock = self.vault.clock
        self._database = Database(self.ledger_path, METADATA)
        self.ledger = Ledger(self._database, self.clock, _SIGNING_KEY)
        self.guard = ClockGuard(self.clock, LedgerClockBook(self.vault.index, self.ledger))
        self.guard.tick()
        self.holds = Holds(
            files=HoldFiles(self.vault.vault, SITE_KEY),
            ledger=self.ledger,
            guard=self.guard,
            reserve=lambda space: 0,
            method="erased",
        )
        self.lobby = Lobby(
            *(self.vault.vault, self.vault.index, self.ledger, self.guard),
            on_event=lambda event: None,
            feed=lambda camera: Live(self.clock).join(lambda: None),
        )
        self.lobby.desk.furnish(self.house)
        packing = Packing(
            Sender(installer="本町商店", contact="048-000-0000", signing_key=_SIGNING_KEY),
            vault=self.vault.vault,
            holds=self.holds,
            ledger=self.ledger,
            guard=self.guard,
            desk=self.lobby.desk,
        )
        self.counter = Counter(self.lobby, self.ledger, self.holds, packing, grounds=GROUNDS)

    def close(self) -> None:
        self._database.close()
        self.vault.close()

    def restart(self) -> None:
        """End the process, however it stood, and begin another."""
        self._database.close()
        self.vault.restart()
        self._open()

    def passes(self, by: timedelta) -> None:
        """Let time pass."""
        self.clock.advance(by)
        self.guard.tick()

    def dismiss(self) -> None:
        """End the manager's appointment."""
        people = [each for each in self.house.people if each.user != MANAGER.user]
        self.lobby.desk.furnish(replace(self.house, people=tuple(people)))

    def entries(self, *kinds: EntryKind) -> list[Entry]:
        return list(self.ledger.entries(kinds))

    def register(self) -> list[Disclosure]:
        return self.counter.register(MANAGER, *EVER)

    def row(self, disclosure: str) -> Disclosure:
        [found] = [each for each in self.register() if each.id == disclosure]
        return found

    def approve(self, caller: Caller = MANAGER, **changes: Any) -> Approval:
        return self.counter.approve(caller, an_order(**changes))

    def begin(self) -> HandOver:
        """Approve and begin."""
        return self.counter.begin(self.approve().id, MANAGER)

    def hold(self, caller: Caller = MANAGER, days: float = 5, **changes: Any) -> Hold:
        """Preserve the door."""
        asked: dict[str, Any] = {
            "cameras": ["door"],
            "start_at": START,
            "end_at": START + SECONDS * SECOND,
            "reason": "盗難の捜査",
            "requested_by": "熊谷警察署",
            "length": days * DAY,
        }
        return self.counter.hold(caller, **asked | changes)


WRITTEN = {
    "agency": "熊谷警察署",
    "document_number": "熊警第１２号",
    "document_date": "2026-11-20",
    "officer_post": "刑事課巡査部長",
    "officer_name": "秩父四郎",
    "matter": "crime",
}
ASKED: dict[str, Any] = {
    "kind": RequestKind.AUTHORITY_WRITTEN,
    "particulars": WRITTEN,
    "recipient": "熊谷警察署",
    "reason": "盗難の捜査",
    "cameras": {"door": "玄関"},
    "span": (START, START + SECONDS * SECOND),
}


def a_request(**changes: Any) -> Request:
    """Return a police station's request in writing for the door."""
    return Request(**ASKED | changes)


def an_order(**changes: Any) -> Order:
    """Return an order for the same."""
    more = {"identity": "警察手帳を確認", "in_charge": "埼玉花子", "witness": "行田次郎"}
    return Order(**ASKED | more | changes)


def read_out(package: HandOver, caller: Caller = MANAGER) -> bytes:
    """Take all of a package."""
    found = b""
    while chunk := package.read(caller):
        found += chunk
    package.finish()
    return found


@contextmanager
def a_counter() -> Iterator[CounterSite]:
    """Make a site in a directory of its own, in memory where the system has such a place."""
    memory = Path("/dev/shm")
    with TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        site = CounterSite(Path(folder))
        try:
            yield site
        finally:
            site.close()
