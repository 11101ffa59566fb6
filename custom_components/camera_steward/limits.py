"""From the form's days, hours and approval to the core's retention limit, and from the pack's ceiling."""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.util import dt as dt_util

from .const import (
    CONF_CEILING_HOURS,
    CONF_RETENTION_APPROVER,
    CONF_RETENTION_HOURS,
    CONF_RETENTION_REASON,
    CONF_RETENTION_REVIEW_AT,
    DEFAULT_CEILING_HOURS,
)
from .core.errors import RetentionError
from .core.retention.limits import RetentionLimit, effective

NO_APPROVAL = {
    CONF_RETENTION_REASON: "",
    CONF_RETENTION_APPROVER: "",
    CONF_RETENTION_REVIEW_AT: "",
}


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


def ceiling_of(data: Mapping[str, Any]) -> timedelta:
    """Return the ceiling that holds for the site with these settings."""
    return timedelta(hours=data.get(CONF_CEILING_HOURS, DEFAULT_CEILING_HOURS))


def hours_of(length: timedelta) -> int:
    """Return a length in whole hours."""
    return length // timedelta(hours=1)


def days_text(length: timedelta) -> str:
    """Return a length in days, for texts: 14, or 1.5."""
    return f"{length / timedelta(days=1):.4g}"


def shortened(entry: ConfigEntry, ceiling: timedelta, now: datetime) -> tuple[str, ...]:
    """Return the cameras and managed folders whose limit another ceiling would cut at once."""
    before = ceiling_of(entry.data)
    found = []
    for each in entry.subentries.values():
        if CONF_RETENTION_HOURS in each.data:
            limit = limit_from(each.data)
            try:
                if effective(limit, ceiling, now) < effective(limit, before, now):
                    found.append(each.title)
            except RetentionError:
                continue  # told elsewhere
    return tuple(found)


@callback
def async_keep_limits(hass: HomeAssistant, entry: ConfigEntry, before: timedelta) -> None:
    """Keep what a higher ceiling would lengthen: limits that had fallen to the one `before`."""
    if ceiling_of(entry.data) <= before:
        return
    for subentry in list(entry.subentries.values()):
        if CONF_RETENTION_HOURS not in subentry.data:
            continue
        try:
            held = effective(limit_from(subentry.data), before, dt_util.utcnow())
        except RetentionError:
            continue  # told elsewhere
        if hours_of(held) < subentry.data[CONF_RETENTION_HOURS]:
            data = {**subentry.data, CONF_RETENTION_HOURS: hours_of(held), **NO_APPROVAL}
            hass.config_entries.async_update_subentry(entry, subentry, data=data)


def _beginning_of(day: str) -> datetime | None:
    if not day:
        return None
    return datetime.combine(
        date.fromisoformat(day), time(), dt_util.get_default_time_zone()
    ).astimezone(dt_util.UTC)
