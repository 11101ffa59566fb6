"""How long a camera's footage may be kept, and what a longer time needs (INV-7)."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from ..errors import RetentionError, RetentionTooLongError

SHORTEST = timedelta(hours=1)
LONGEST = timedelta(days=366)
"""Product bounds; the guideline names neither. The ceiling comes from the policy pack."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionLimit:
    """How long footage may be kept; above the ceiling with why, by whom and until when.

    `review_at` is the moment at which the longer time lapses unless it was approved anew.
    """

    duration: timedelta
    reason: str = ""
    approver: str = ""
    review_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteLimits:
    """The limits of a site: the pack's ceiling, the site's own, and each camera's."""

    ceiling: timedelta
    default: RetentionLimit
    cameras: dict[str, RetentionLimit]


def check(limit: RetentionLimit, ceiling: timedelta) -> None:
    """Refuse a limit that cannot be accepted.

    `RetentionError` below one hour or above 366 days; `RetentionTooLongError` above the ceiling
    unless reason, approver and review date are given (Kumagaya 第3 2(2): more than 14 days only
    where it is needed, kept to the least).
    """
    if limit.duration < SHORTEST:
        raise RetentionError("shorter than one hour")
    if limit.duration > LONGEST:
        raise RetentionError("longer than 366 days")
    if limit.duration > ceiling and not _approved(limit):
        raise RetentionTooLongError("reason, approver and review date are needed")


def effective(limit: RetentionLimit, ceiling: timedelta, now: datetime) -> timedelta:
    """Return the limit that holds at `now`: the ceiling once the approval of more has lapsed.

    Ask at each run, so that a lapse needs no restart. `RetentionError` for a limit out of bounds.
    """
    if not SHORTEST <= limit.duration <= LONGEST:
        raise RetentionError("out of bounds")
    if limit.duration <= ceiling:
        return limit.duration
    lapse_at = lapses_at(limit, ceiling)
    return ceiling if lapse_at is None or now >= lapse_at else limit.duration


def lapses_at(limit: RetentionLimit, ceiling: timedelta) -> datetime | None:
    """Return when an approved longer time falls back to the ceiling; None when nothing lapses."""
    return limit.review_at if limit.duration > ceiling and _approved(limit) else None


def _approved(limit: RetentionLimit) -> bool:
    return bool(limit.reason.strip() and limit.approver.strip() and limit.review_at is not None)
