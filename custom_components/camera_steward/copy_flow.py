"""Enter a copy elsewhere in the inventory: what no software here can see (Kumagaya guideline 第3 2)."""

from datetime import date
from typing import Any, Final

import probatio
from homeassistant.config_entries import (
    SOURCE_RECONFIGURE,
    ConfigSubentryFlow,
    SubentryFlowResult,
)
from homeassistant.const import CONF_NAME
from homeassistant.helpers.selector import (
    DateSelector,
    NumberSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
    SelectOptionDict,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
)
from homeassistant.util import dt as dt_util

from .bridge import cameras_of
from .const import (
    CONF_CAMERA,
    CONF_CHECKED_ON,
    CONF_KEPT_DAYS,
    CONF_KIND,
    CONF_NOTE,
    CONF_PLACE,
    CONF_RESPONSIBLE,
)
from .core.copies.known import CopyKind
from .forms import LONG_TEXT, TEXT, missing, stripped
from .moments import sane

_KINDS: Final = (
    CopyKind.SD_CARD,
    CopyKind.CLOUD,
    CopyKind.RECORDER,
    CopyKind.PHONE,
    CopyKind.OTHER,
)
_BLANK: Final = {CONF_CAMERA: None, CONF_KEPT_DAYS: None, CONF_NOTE: None}
_LONGEST_DAYS: Final = 3660


class CopySubentryFlow(ConfigSubentryFlow):
    """One form: what it is, of which camera, how long it keeps pictures, who answers for it."""

    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Enter a copy."""
        given = {CONF_CHECKED_ON: dt_util.now().date().isoformat()}
        return self._ask("user", user_input, given)

    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Change an entry, or the day on which it was last checked."""
        return self._ask("reconfigure", user_input, dict(self._get_reconfigure_subentry().data))

    def _ask(
        self, step: str, user_input: dict[str, Any] | None, given: dict[str, Any]
    ) -> SubentryFlowResult:
        errors: dict[str, str] = {}
        if user_input is not None:
            given = _BLANK | stripped(user_input)
            errors = _errors(given)
            if not errors:
                return self._save(given)
        return self.async_show_form(
            step_id=step,
            data_schema=self.add_suggested_values_to_schema(self._schema(), given),
            errors=errors,
        )

    def _schema(self) -> probatio.Schema:
        cameras = [
            SelectOptionDict(value=camera, label=each.title)
            for camera, each in cameras_of(self._get_entry()).items()
        ]
        return probatio.Schema(
            {
                probatio.Required(CONF_NAME): TEXT,
                probatio.Required(CONF_KIND): SelectSelector(
                    SelectSelectorConfig(
                        options=[each.value for each in _KINDS],
                        mode=SelectSelectorMode.DROPDOWN,
                        translation_key="copy_kind",
                    )
                ),
                probatio.Optional(CONF_CAMERA): SelectSelector(
                    SelectSelectorConfig(options=cameras, mode=SelectSelectorMode.DROPDOWN)
                ),
                probatio.Required(CONF_PLACE): TEXT,
                # It has no bounds of its own, so that a wrong number is answered in words.
                probatio.Optional(CONF_KEPT_DAYS): NumberSelector(
                    NumberSelectorConfig(step=1, mode=NumberSelectorMode.BOX)
                ),
                probatio.Required(CONF_RESPONSIBLE): TEXT,
                probatio.Required(CONF_CHECKED_ON): DateSelector(),
                probatio.Optional(CONF_NOTE): LONG_TEXT,
            }
        )

    def _save(self, given: dict[str, Any]) -> SubentryFlowResult:
        title = given[CONF_NAME]
        days = given[CONF_KEPT_DAYS]
        given[CONF_KEPT_DAYS] = int(days) if days is not None else None
        if self.source == SOURCE_RECONFIGURE:
            return self.async_update_and_abort(
                self._get_entry(), self._get_reconfigure_subentry(), title=title, data=given
            )
        return self.async_create_entry(title=title, data=given)


def _errors(given: dict[str, Any]) -> dict[str, str]:
    errors = missing(given, (CONF_NAME, CONF_PLACE, CONF_RESPONSIBLE))
    days = given[CONF_KEPT_DAYS]
    if days is not None and not 1 <= days <= _LONGEST_DAYS:
        errors[CONF_KEPT_DAYS] = "kept_days_out_of_bounds"
    try:
        checked_on = sane(date.fromisoformat(given[CONF_CHECKED_ON]))
    except ValueError:
        errors[CONF_CHECKED_ON] = "year_out_of_range"
    else:
        if checked_on > dt_util.now().date():
            errors[CONF_CHECKED_ON] = "checked_ahead"
    return errors
