"""What is ordered and what came of it: the values that manifest and printed record are made from."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, tzinfo

from ..ledger.entry import Checkpoint
from .reel import Missing, WantedSpan


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockWord:
    """How far the recorder's clock is to be believed.

    `trusted` is the clock guard's word, `synchronised` the kernel's (None where it cannot tell).
    `error_seconds` is how far it was found ahead of true time (behind: below 0) when someone
    compared it at `compared_at`; None when nobody did.
    """

    trusted: bool
    synchronised: bool | None = None
    error_seconds: float | None = None
    compared_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageOrder:
    """An approved hand-over, as the register and the printed record (画像提供記録) have it.

    number           整理番号
    installer        設置者; `contact` how to reach it
    kind             根拠: the kind of ground, `law` or `authority_written`
    particulars      its fields by name: `law`, `article`, `agency`, `officer_post`,
                     `officer_name`, `document_number`, `document_date` (ISO 8601), `matter`
                     (`crime` or `accident`); what is not known is left out
    recipient        提供先
    reason           提供理由
    identity         身分確認, 確認方法
    spans            カメラ・撮影日時範囲, each with the camera's name
    clock            時刻誤差
    in_charge        担当者, who hands over
    witness          立会者, empty when there was none
    manager          運用責任者, who approved at `approved_at`
    medium           媒体, empty to be filled in by hand
    return_by        返却／廃棄予定, None when nothing was agreed
    hold             the hold that it is taken from, None for the vault
    checkpoint       the ledger's newest, None when there is none
    time_zone        the site's, for all times that people read
    """

    number: str
    installer: str
    contact: str
    kind: str
    particulars: Mapping[str, str]
    recipient: str
    reason: str
    identity: str
    spans: tuple[WantedSpan, ...]
    clock: ClockWord
    in_charge: str
    manager: str
    approved_at: datetime
    time_zone: tzinfo
    witness: str = ""
    medium: str = ""
    return_by: date | None = None
    hold: str | None = None
    checkpoint: Checkpoint | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedFile:
    """A file in the archive; `sha256` hexadecimal, of the file as it is unpacked."""

    name: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedVideo:
    """A file of footage: of which camera, when its pictures were taken, and what is in it.

    `codecs` and `digests` (unit digests over what the file holds, hexadecimal) are by the number
    of the track. `continues` names the file that this one goes on from without a break.
    """

    file: PackedFile
    parts: PackedFile
    camera: str
    name: str
    start_at: datetime
    end_at: datetime
    codecs: Mapping[int, str]
    digests: Mapping[int, str]
    segments: int
    continues: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageResult:
    """What went out so far; the archive's bytes and SHA-256, and once `whole` all that is in it."""

    whole: bool
    size_bytes: int
    sha256: str
    files: tuple[PackedFile, ...]
    videos: tuple[PackedVideo, ...]
    missing: tuple[Missing, ...]
