"""From the form's days, hours and approval to the core's retention limit."""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any

from homeassistant.util import dt as dt_util

from .const import (
    CONF_RETENTION_APPROVER,
    CONF_RETENTION_HOURS,
    CONF_RETENTION_REASON,
    CONF_RETENTION_REVIEW_AT,
)
from .core.retention.limits import RetentionLimit


def limit_from(data: Mapping[str, Any]) -> RetentionLimit:
    """Return the limit that entry or subentry data ask for, unchecked.

    An approval of more than the ceiling lapses as its review date begins, in local time.
    """
    return RetentionLimit(
        duration=timedelta(hours=data[CONF_RETENTION_HOURS]),
        reason=data.get(CONF_RETENTION_REASON, ""),
        approver=data.get(CONF_RETENTION_APPROVER, ""),
        review_at=_beginning_of(data.get(CONF_RETENTION_REVIEW_AT, "")),
    )


def _beginning_of(day: str) -> datetime | None:
    if not day:
        return None
    return datetime.combine(
        date.fromisoformat(day), time(), dt_util.get_default_time_zone()
    ).astimezone(dt_util.UTC)
