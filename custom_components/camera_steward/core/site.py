"""What a site is, how it stands and what happens in it: the values that cross to the edge."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from .capture.recorder import RecorderSettings
from .capture.schedule import Schedule
from .capture.source import Source
from .capture.worker import CaptureEvent
from .copies.folders import FolderSettings
from .copies.keeper import FolderLooked, FolderSnapshot
from .disclosure.grounds import RequestKind
from .disclosure.packing import Sender
from .errors import StewardError
from .inspection.inspector import CameraInspection, InspectionEvent
from .ledger.registers import PurgeRecord
from .ledger.verify import Verification
from .model import CaptureStatus, Footage, Space
from .retention.guard import ClockState
from .retention.hold import Hold, HoldsDue
from .retention.limits import RetentionLimit
from .retention.statement import Statement
from .vault.verify import Damage
from .viewing.lobby import LobbyEvent

_MEBIBYTE = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteSettings:
    """What one site is: where its vault and its books are, its keys and its limits.

    `grounds` are the kinds of request that footage is handed over on; `reserve_bytes` is kept free
    by eviction; `storage` names the kind of storage in words, `installer` and `contact` whose site
    it is, `zone` the time zone. `adopted_by` is who took the vault over from a Home Assistant that
    is gone. `folders` are managed besides the vault. `photos` are those that settings name.
    """

    root: Path
    vault: UUID
    state: Path
    site_key: bytes = field(repr=False)
    signing_key: bytes = field(repr=False)
    limit: RetentionLimit
    ceiling: timedelta
    grounds: frozenset[RequestKind] = frozenset()
    reserve_bytes: int = 1024 * _MEBIBYTE
    storage: str = ""
    installer: str = ""
    contact: str = ""
    folders: tuple[FolderSettings, ...] = ()
    title: str = ""
    zone: str = "UTC"
    adopted_by: str = ""
    photos: frozenset[str] = frozenset()

    @property
    def sender(self) -> Sender:
        """Return who hands footage over."""
        return Sender(
            installer=self.installer,
            contact=self.contact,
            signing_key=Ed25519PrivateKey.from_private_bytes(self.signing_key),
        )

    def reserve_of(self, space: Space) -> int:
        """Return what is kept free of a storage: no more than a twentieth of a small one."""
        return min(self.reserve_bytes, space.total_bytes // 20)


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraSettings:
    """What one camera is: from where, how, when, and for how long it is kept."""

    camera: str
    source: Source
    recorder: RecorderSettings = RecorderSettings()
    schedule: Schedule | None = None
    limit: RetentionLimit
    recording: bool = True
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraSnapshot:
    """How one camera stands; `since` is when its status began, `inspection` how its picture does."""

    status: CaptureStatus
    since: datetime
    error_key: str | None
    codec: str | None
    width: int
    height: int
    recording: bool
    footage: Footage
    overdue: int
    inspection: CameraInspection = CameraInspection()

    @property
    def faults(self) -> dict[str, datetime]:
        """Return the faults of the picture that hold, by kind, with their beginnings."""
        return {kind.value: since for kind, since in self.inspection.faults.items()}

    @property
    def view_approved(self) -> bool:
        """Return whether there is an approved view to compare with."""
        return self.inspection.view is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteSnapshot:
    """How the site stands."""

    cameras: Mapping[str, CameraSnapshot]
    space: Space | None
    next_purge_at: datetime | None
    last_statement_at: datetime | None
    last_statement: Statement | None
    clock: ClockState
    storage_error_key: str | None
    ledger_broken: bool
    past_limit: int
    holds: tuple[Hold, ...] = ()
    holds_due: HoldsDue = HoldsDue()
    folders: Mapping[str, FolderSnapshot]


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyReport:
    """What a check of stored segments and of the ledger found."""

    checked: int
    damages: tuple[Damage, ...]
    ledger: Verification


@dataclass(frozen=True, slots=True, kw_only=True)
class PurgeDone:
    """Footage was erased and the ledger says so."""

    records: tuple[PurgeRecord, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovered:
    """Segments that a crash left open were sealed."""

    camera: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Evicted:
    """Footage went before its time, for space."""

    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockChanged:
    """The clock is believed, or not any more."""

    state: ClockState


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementMade:
    """The daily walk of the disk is done."""

    statement: Statement


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerBroken:
    """The ledger fails its check, or had to be begun anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexRebuilt:
    """The index was unreadable or gone and was made anew from the vault."""

    segments: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """The keeper's run met an error; it tries again."""

    error: StewardError


StewardEvent = (
    CaptureEvent
    | LobbyEvent
    | InspectionEvent
    | PurgeDone
    | Recovered
    | Evicted
    | ClockChanged
    | StatementMade
    | LedgerBroken
    | IndexRebuilt
    | Failed
    | FolderLooked
)
