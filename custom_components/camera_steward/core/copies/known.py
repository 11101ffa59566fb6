"""A copy that is known of, however it came to be known (Kumagaya guideline 第3 2(1) to (3))."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

CHECK_EVERY = timedelta(days=90)
"""How often a person looks whether the inventory still holds; a product default."""


class CopyKind(StrEnum):
    """What a copy is: the first four the steward finds, people enter the others."""

    BACKUP = "backup"
    FOLDER = "folder"
    FILES = "files"
    IMAGE_PROCESSING = "image_processing"
    SD_CARD = "sd_card"
    CLOUD = "cloud"
    RECORDER = "recorder"
    PHONE = "phone"
    OTHER = "other"


class End(StrEnum):
    """What ends a copy."""

    DATE = "date"
    """It goes as a whole, by `holds_until`."""
    NEWER = "newer"
    """It goes once there are enough newer ones."""
    NEVER = "never"
    ROLLING = "rolling"
    """Each picture in it goes after `kept`."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """Footage of governed cameras outside the vault.

    `where` are names of places: for a backup an empty one is this machine, for files one that is
    not known. `camera` is an id if it is of one camera. `past_limit` is whether by
    its own rules it comes to hold what is older than the limit; None where nobody can say.
    `made_at` is when it was made or last added to, `checked_at` when it was last looked at, by the
    steward or by a person. `by` is who answers for it or what makes it, `holds` the kinds and names
    of the places that a backup holds, `remarks` names what else is to be said.
    """

    kind: CopyKind
    name: str
    where: tuple[str, ...]
    end: End
    past_limit: bool | None
    checked_at: datetime | None
    made_at: datetime | None = None
    holds_until: datetime | None = None
    kept: timedelta | None = None
    camera: str | None = None
    by: str = ""
    note: str = ""
    holds: tuple[tuple[str, str], ...] = ()
    remarks: tuple[str, ...] = ()


def outlives(kept: timedelta | None, limit: timedelta) -> bool | None:
    """Return whether pictures that are kept so long outlive a limit; None where it is not known."""
    return None if kept is None else kept > limit


def is_due(checked_on: date, today: date) -> bool:
    """Return whether a copy that a person checked on a day is to be checked again."""
    return today - checked_on >= CHECK_EVERY
