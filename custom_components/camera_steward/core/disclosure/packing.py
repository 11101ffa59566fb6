"""From the register to what is sent and what is printed: packages and records of disclosures."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ..ledger.disclosures import Disclosure, Part, Sent
from ..ledger.fields import Span, few_spans
from ..ledger.store import Ledger
from ..model import Gap, Segment
from ..retention.guard import ClockGuard
from ..retention.holds import Holds
from ..vault.reader import SegmentReader
from ..vault.vault import Vault
from ..viewing.desk import Desk
from . import signing
from .order import ClockWord, PackageOrder, PackageResult
from .package import Package, VaultSource
from .papers import archived_record
from .reel import Source, WantedSpan, survey


class HoldSource:
    """What a hold keeps as a source; gaps are those on record."""

    def __init__(self, vault: Vault, holds: Holds, hold: str) -> None:
        """Take footage of this hold alone."""
        self._vault = vault
        self._holds = holds
        self._hold = hold

    def segments(self, camera: str, start: datetime, end: datetime) -> list[Segment]:
        """Return the copies that reach into [start, end), oldest first."""
        return self._holds.segments(self._hold, camera, (start, end))

    def gaps(self, camera: str, start: datetime, end: datetime) -> list[Gap]:
        """Return the gaps on record that reach into [start, end), oldest first."""
        return self._vault.index.gaps(camera, start, end)

    def open_segment(self, segment: Segment) -> SegmentReader:
        """Open a copy."""
        return self._holds.open_segment(self._hold, segment)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Who hands over, as documents name them, and with which key packages are signed."""

    installer: str
    contact: str
    signing_key: Ed25519PrivateKey = field(repr=False)

    @property
    def fingerprint(self) -> str:
        """Return the key's fingerprint, as `ssh-keygen -l` shows it."""
        return signing.fingerprint(self.signing_key.public_key())


class Packing:
    """Makes the packages of one site. Any thread."""

    def __init__(
        self,
        sender: Sender,
        *,
        vault: Vault,
        holds: Holds,
        ledger: Ledger,
        guard: ClockGuard,
        desk: Desk,
    ) -> None:
        """Take footage from vault and holds."""
        self.sender = sender
        self._vault = vault
        self._holds = holds
        self._ledger = ledger
        self._guard = guard
        self._desk = desk

    def check(self, made: Disclosure) -> None:
        """Look whether there is anything to send.

        Raises `NoFootageError`, and `HoldMissingError` where its hold has ended.
        """
        survey(self._source(made), _spans(made), self._guard.now())

    def package(self, made: Disclosure, password: str) -> Package:
        """Make a package; raises as `check`, and `LedgerBrokenError`."""
        return Package(
            self._order(made),
            self._source(made),
            signing_key=self.sender.signing_key,
            password=password,
            now=self._guard.now(),
        )

    def record(self, made: Disclosure, language: str, file: str) -> str:
        """Return the printable record of what was sent, as the register has it; reads files."""
        return archived_record(
            language,
            self._order(made),
            made,
            file=file,
            key_fingerprint=self.sender.fingerprint,
        )

    def clock(self) -> ClockWord:
        """Return how the clock stands now."""
        return ClockWord(trusted=self._guard.trusted, synchronised=self._guard.synchronised())

    def _source(self, made: Disclosure) -> Source:
        if made.hold is None:
            return VaultSource(self._vault)
        return HoldSource(self._vault, self._holds, made.hold)

    def _order(self, made: Disclosure) -> PackageOrder:
        return PackageOrder(
            number=made.number,
            installer=self.sender.installer,
            contact=self.sender.contact,
            kind=made.kind,
            particulars=made.particulars,
            recipient=made.recipient,
            reason=made.reason,
            identity=made.identity or "",
            spans=_spans(made),
            clock=self.clock() if made.clock_trusted is None else _clock_of(made),
            in_charge=made.in_charge or "",
            manager=made.name,
            approved_at=made.at,
            time_zone=self._desk.house.zone or UTC,
            witness=made.witness or "",
            hold=made.hold,
            checkpoint=self._ledger.attest(),
        )


def sent_of(result: PackageResult) -> Sent:
    """Return what the register keeps of what went out."""
    held: dict[str, list[Span]] = {}
    for video in result.videos:
        held.setdefault(video.camera, []).append((video.start_at, video.end_at))
    missing: dict[tuple[str, tuple[str, ...]], list[Span]] = {}
    for each in result.missing:
        missing.setdefault((each.camera, each.causes), []).append((each.start_at, each.end_at))
    return Sent(
        size_bytes=result.size_bytes,
        sha256=result.sha256,
        files=len(result.videos),
        held=tuple(Part(camera=k, spans=few_spans(spans)) for k, spans in held.items()),
        missing=tuple(
            Part(camera=camera, spans=few_spans(spans), causes=causes)
            for (camera, causes), spans in missing.items()
        ),
    )


def _clock_of(made: Disclosure) -> ClockWord:
    """Return how the clock stood when it was begun."""
    return ClockWord(trusted=made.clock_trusted is True, synchronised=made.clock_synchronised)


def _spans(made: Disclosure) -> tuple[WantedSpan, ...]:
    start, end = made.span or (made.at, made.at)
    return tuple(
        WantedSpan(camera=camera, name=name, start_at=start, end_at=end)
        for camera, name in made.cameras.items()
    )
