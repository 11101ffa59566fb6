"""What the forms for a site and for a camera have in common: retention, approval, sizes."""

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any

import probatio
from homeassistant.config_entries import ConfigSubentryFlow, SubentryFlowResult
from homeassistant.core import HomeAssistant
from homeassistant.helpers.selector import (
    DateSelector,
    NumberSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
    SelectOptionDict,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
    TextSelector,
    TextSelectorConfig,
)
from homeassistant.util import dt as dt_util

from .const import (
    CONF_RETENTION_APPROVER,
    CONF_RETENTION_REASON,
    CONF_RETENTION_REVIEW_AT,
)
from .core.retention.limits import LONGEST, SHORTEST
from .limits import ceiling_of, days_text
from .moments import sane
from .people import is_person

CONF_DAYS = "retention_days"
CONF_MORE_HOURS = "retention_more_hours"
"""The form's two halves of what is stored as hours."""
CONF_UNDERSTOOD = "understood"

TEXT = TextSelector()
LONG_TEXT = TextSelector(TextSelectorConfig(multiline=True))

APPROVAL_SCHEMA = probatio.Schema(
    {
        probatio.Required(CONF_RETENTION_REASON): LONG_TEXT,
        probatio.Required(CONF_RETENTION_APPROVER): TEXT,
        probatio.Required(CONF_RETENTION_REVIEW_AT): DateSelector(),
    }
)


def retention_fields(hours: int) -> dict[probatio.Marker, Any]:
    """Return the fields for a retention in days and hours.

    They have no bounds of their own, so that a wrong number is answered in the user's language.
    """
    box = NumberSelector(NumberSelectorConfig(step=1, mode=NumberSelectorMode.BOX))
    return {
        probatio.Required(CONF_DAYS, default=hours // 24): box,
        probatio.Required(CONF_MORE_HOURS, default=hours % 24): box,
    }


def retention_hours(given: Mapping[str, Any]) -> int:
    """Return the hours that a form asks for; 0 or less when they make no sense."""
    days, hours = float(given[CONF_DAYS]), float(given[CONF_MORE_HOURS])
    if not (days >= 0 and hours >= 0):
        return 0
    return int(min(days * 24 + hours, LONGEST / timedelta(hours=1) + 1))


def retention_errors(hours: int) -> dict[str, str]:
    """Return the form errors of a retention; one above the ceiling is asked about later."""
    asked = timedelta(hours=hours)
    if asked < SHORTEST:
        return {CONF_DAYS: "retention_too_short"}
    if asked > LONGEST:
        return {CONF_DAYS: "retention_out_of_bounds"}
    return {}


def needs_approval(hours: int, site: Mapping[str, Any]) -> bool:
    """Return whether a retention needs reason, approver and review date at a site (INV-7)."""
    return timedelta(hours=hours) > ceiling_of(site)


def ceiling_texts(site: Mapping[str, Any]) -> dict[str, str]:
    """Return what the texts of forms leave open for a site's ceiling."""
    return {"ceiling": days_text(ceiling_of(site))}


def approval_errors(given: Mapping[str, Any]) -> dict[str, str]:
    """Return the form errors of an approval."""
    errors = missing(given, (CONF_RETENTION_REASON, CONF_RETENTION_APPROVER))
    review_at = dt_util.parse_date(given[CONF_RETENTION_REVIEW_AT])
    if review_at is None or review_at <= dt_util.now().date():
        errors[CONF_RETENTION_REVIEW_AT] = "review_not_ahead"
    return errors


def missing(given: Mapping[str, Any], names: Iterable[str]) -> dict[str, str]:
    """Return a form error for each text that was left blank."""
    return {name: "text_missing" for name in names if not str(given.get(name, "")).strip()}


def term_errors(given: Mapping[str, Any], since: str, until: str) -> dict[str, str]:
    """Return the form errors of an appointment, whose first and last day have these names."""
    days: dict[str, date] = {}
    for name in (since, until):
        if given[name]:
            try:
                days[name] = sane(date.fromisoformat(given[name]))
            except ValueError:
                return {name: "year_out_of_range"}
    if len(days) == 2 and days[until] < days[since]:
        return {until: "until_before_since"}
    return {}


def stripped(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the input without blanks around its texts."""
    return {
        name: value.strip() if isinstance(value, str) else value for name, value in given.items()
    }


async def async_user_selector(hass: HomeAssistant) -> SelectSelector:
    """Offer the people who can log in."""
    users = [user for user in await hass.auth.async_get_users() if is_person(user)]
    return SelectSelector(
        SelectSelectorConfig(
            options=[SelectOptionDict(value=user.id, label=user.name or user.id) for user in users],
            mode=SelectSelectorMode.DROPDOWN,
            sort=True,
        )
    )


def size_text(size_bytes: float) -> str:
    """Return a size as disks are sold: decimal, two or three figures."""
    for unit in ("B", "kB", "MB", "GB"):
        if size_bytes < 999.5:
            return f"{size_bytes:.0f} {unit}" if size_bytes >= 10 else f"{size_bytes:.1f} {unit}"
        size_bytes /= 1000
    return f"{size_bytes:.1f} TB"


class ApprovalStep(ConfigSubentryFlow):
    """The step of a subentry's flow in which a long retention is approved; `_data` is what is saved."""

    _data: dict[str, Any]

    async def async_step_approval(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask for the reason, the approver and the review date of more than the ceiling (INV-7)."""
        errors: dict[str, str] = {}
        if user_input is not None:
            self._data |= stripped(user_input)
            if not (errors := approval_errors(user_input)):
                return await self._async_after_approval()
        return self.async_show_form(
            step_id="approval",
            data_schema=self.add_suggested_values_to_schema(APPROVAL_SCHEMA, self._data),
            errors=errors,
            description_placeholders=ceiling_texts(self._get_entry().data),
        )

    @abstractmethod
    async def _async_after_approval(self) -> SubentryFlowResult:
        """Go on once it is approved, or need not be."""
