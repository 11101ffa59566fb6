"""The words of the domain as plain values: segments, gaps, tracks, limits (design section 1)."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

FIRST_AT = _EPOCH
FAR_AT = datetime(9000, 1, 1, tzinfo=UTC)
"""Before and after all that there is: whoever asks for [FIRST_AT, FAR_AT) asks for all."""


LONGEST_TEXT: Final = 500
"""Characters of what people may say in one field."""


def is_text(text: str) -> bool:
    """Return whether something is said, and not more than is kept."""
    return len(text.strip()) > 0 and len(text) <= LONGEST_TEXT


def to_micros(moment: datetime) -> int:
    """Return an aware datetime as whole microseconds since 1970 (UTC), without rounding."""
    return (moment - _EPOCH) // _MICROSECOND


def from_micros(micros: int) -> datetime:
    """Return the aware UTC datetime of microseconds since 1970."""
    return _EPOCH + micros * _MICROSECOND


def is_moment(at: datetime) -> bool:
    """Return whether a time that a person named can be entered, and read back."""
    if at.tzinfo is None:
        return False
    try:
        at.astimezone(UTC)
    except OverflowError:
        return False
    return True


class RecordingMode(StrEnum):
    """When a camera records."""

    CONTINUOUS = "continuous"
    TRIGGER = "trigger"
    SCHEDULE = "schedule"


class CaptureStatus(StrEnum):
    """What a camera's recorder is doing."""

    RECORDING = "recording"
    CONNECTING = "connecting"
    WAITING = "waiting"
    STOPPED = "stopped"
    NO_STREAM = "no_stream"


class GapCause(StrEnum):
    """Why a span has no footage."""

    UNREACHABLE = "unreachable"
    REFUSED = "refused"
    NO_VIDEO = "no_video"
    UNSUPPORTED = "unsupported"
    STALLED = "stalled"
    ENDED = "ended"
    NO_KEYFRAME = "no_keyframe"
    STORAGE = "storage"
    SWITCHED_OFF = "switched_off"
    SCHEDULE = "schedule"
    RESTART = "restart"
    UNKNOWN = "unknown"


class SegmentState(StrEnum):
    """How far a segment's file has come."""

    OPEN = "open"
    SEALED = "sealed"
    RECOVERED = "recovered"


class EraseRule(StrEnum):
    """Under which rule a segment is erased (INV-2: only these)."""

    RETENTION = "retention"
    SPACE = "space"
    DECOMMISSION = "decommission"
    IMPORT = "import"
    """What an import stored that was broken off: its file is still where it was."""


class Action(StrEnum):
    """What a person can ask for; the register says it in the same words."""

    BROWSE = "browse"
    """See that there is footage, and when: no picture."""

    LIVE = "live"
    PLAYBACK = "playback"
    STILL = "still"
    HOLD = "hold"
    """Keep a span past its time."""

    DISCLOSE = "disclose"
    """Hand footage over on one of the grounds."""

    MANAGE = "manage"
    """Give permissions, read the register."""

    DUTIES = "duties"
    """See how duties stand and the evidence, do tasks: no footage."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """One stored file of about a minute, cut at a keyframe.

    `sequence` is unique in the vault and grows; `stamp_at` is the start as the clock gave it when
    the file was made (it names the file and its hour), `start_at` the same after a correction of
    the clock. `digest` is empty while the segment is open.
    """

    sequence: int
    camera: str
    stamp_at: datetime
    start_at: datetime
    end_at: datetime
    size_bytes: int
    state: SegmentState
    digest: bytes = b""

    @property
    def length(self) -> timedelta:
        """Return the span of time that the segment covers."""
        return self.end_at - self.start_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A span without footage, with its cause; `end_at` is None while it lasts."""

    camera: str
    start_at: datetime
    end_at: datetime | None
    cause: GapCause


@dataclass(frozen=True, slots=True, kw_only=True)
class Footage:
    """What is kept of one camera."""

    segments: int
    size_bytes: int
    length: timedelta
    oldest_at: datetime | None
    newest_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Space:
    """Storage of the file system that holds the vault, in bytes."""

    total_bytes: int
    free_bytes: int
