"""One package on its way out: read piece by piece, decided anew each time, ended on record."""

import threading
from contextlib import suppress
from datetime import timedelta
from enum import StrEnum

from ..access.decide import Refusal, RefusedError
from ..errors import StewardError, StoppedError
from ..ledger.disclosures import Disclosure, ended_data
from ..ledger.entry import EntryKind
from ..ledger.store import Ledger
from ..model import Action
from ..viewing.desk import Caller, Desk
from .package import Package
from .packing import sent_of

IDLE = timedelta(minutes=5)
"""A client that takes nothing for so long is gone."""

_PATIENCE_SECONDS = 5.0


class Broken(StrEnum):
    """Why a package was not sent whole."""

    LEFT = "left"
    """The client went away."""

    IDLE = "idle"
    REFUSED = "refused"
    """Whoever downloads it may not any more."""

    STOPPED = "stopped"
    RESTART = "restart"
    """The end was lost with a power cut or a crash."""

    FAILED = "failed"
    """Reading or writing failed."""


class HandOver:
    """A package being handed over. Any thread; one reads at a time.

    What the register says is of what was given out here: how much of it arrived nobody can know.
    """

    def __init__(
        self, disclosure: Disclosure, package: Package, caller: Caller, desk: Desk, ledger: Ledger
    ) -> None:
        """Begin; that it is begun is in the ledger already (INV-4)."""
        self.disclosure = disclosure
        self.package = package
        self._chunks = iter(package)
        self._caller = caller
        self._desk = desk
        self._ledger = ledger
        self._lock = threading.Lock()
        self._used_at = desk.elapsed()
        self._broken: Broken | None = None
        self._read_out = False
        self.whole = False
        """Whether all of it was sent."""

        self.entered = False
        """Whether its end is in the ledger."""

    @property
    def over(self) -> bool:
        """Return whether nothing more is given out."""
        return self.whole or self._broken is not None

    def read(self, caller: Caller) -> bytes:
        """Return the next bytes to whom it is for; none once all of it was given out: then `finish`.

        `RefusedError` when the caller may not any more, `StoppedError` when it was broken off, and
        what reading footage raises: each breaks it off.
        """
        with self._lock:
            if self.over:
                raise StoppedError
            self._used_at = self._desk.elapsed()
            try:
                chunk = next(filter(None, self._chunks), b"")
            except BaseException:
                self._end(Broken.FAILED)
                raise
            # Afterwards: what ends while a piece is being made is not handed out.
            if not self._may(caller):
                self._end(Broken.REFUSED)
                raise RefusedError(Refusal.NOT_MANAGER)
            if self._broken is not None:
                raise StoppedError
            self._read_out = not chunk
            return chunk

    def finish(self) -> None:
        """Enter that it was sent whole, once its last bytes were; `StoppedError` where it was not."""
        with self._lock:
            if self.over or not self._read_out:
                raise StoppedError
            self.whole = True
            self._end(None)

    def close(self, why: Broken) -> None:
        """Break it off and enter that; harmless when repeated, and when it was sent whole.

        It is over even where the ledger cannot be written; then to be asked for again.
        """
        if not self.over:
            self._broken = why
        # Where the disk hangs so does a reader: then the next start enters it.
        if self._lock.acquire(timeout=_PATIENCE_SECONDS):
            try:
                self.package.close()
                self._enter()
            finally:
                self._lock.release()

    def sweep(self) -> None:
        """Break it off where nobody takes it any more or nobody may, and enter what is owed."""
        if self.over:
            if not self.entered:
                self.close(Broken.FAILED)
        elif self._desk.elapsed() - self._used_at >= IDLE:
            self.close(Broken.IDLE)
        elif not self._may(self._caller):
            self.close(Broken.REFUSED)

    def _may(self, caller: Caller) -> bool:
        return self._desk.decide(caller.asking(Action.DISCLOSE)).allowed

    def _end(self, why: Broken | None) -> None:
        self._broken = self._broken or why
        self.package.close()
        # What was sent was sent: where the ledger cannot be written now, the next sweep enters it.
        with suppress(StewardError):
            self._enter()

    def _enter(self) -> None:
        if self.entered:
            return
        made = self.disclosure
        self._ledger.append(
            EntryKind.DISCLOSURE_ENDED,
            actor=made.name,
            subject=made.number,
            data=ended_data(
                made.id,
                sent_of(self.package.result()),
                self._broken.value if self._broken else None,
            ),
            at=self._desk.now(),
            key=f"disclosure-ended-{made.id}",
        )
        self.entered = True
