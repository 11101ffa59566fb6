"""Appoint an operator, change the appointment, or end it (Kumagaya guideline 第3 1(2))."""

from typing import Any

import probatio
from homeassistant.config_entries import (
    SOURCE_RECONFIGURE,
    ConfigSubentryFlow,
    SubentryFlowResult,
)
from homeassistant.const import CONF_NAME
from homeassistant.helpers.selector import DateSelector
from homeassistant.util import dt as dt_util

from .const import (
    CONF_MANAGER_USER_ID,
    CONF_SINCE,
    CONF_UNTIL,
    CONF_USER_ID,
    SUBENTRY_OPERATOR,
)
from .forms import TEXT, async_user_selector, missing, stripped, term_errors


class OperatorSubentryFlow(ConfigSubentryFlow):
    """One form: who, by which login, from when to when."""

    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Appoint someone."""
        given = {CONF_SINCE: dt_util.now().date().isoformat()}
        return await self._async_ask("user", user_input, given)

    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Change an appointment; a last day ends it."""
        return await self._async_ask(
            "reconfigure", user_input, dict(self._get_reconfigure_subentry().data)
        )

    async def _async_ask(
        self, step: str, user_input: dict[str, Any] | None, given: dict[str, Any]
    ) -> SubentryFlowResult:
        errors: dict[str, str] = {}
        if user_input is not None:
            given = {CONF_UNTIL: None, **stripped(user_input)}
            errors = self._errors(given)
            if not errors:
                return self._save(given)
        schema = probatio.Schema(
            {
                probatio.Required(CONF_NAME): TEXT,
                probatio.Required(CONF_USER_ID): await async_user_selector(self.hass),
                probatio.Required(CONF_SINCE): DateSelector(),
                probatio.Optional(CONF_UNTIL): DateSelector(),
            }
        )
        return self.async_show_form(
            step_id=step,
            data_schema=self.add_suggested_values_to_schema(schema, given),
            errors=errors,
        )

    def _errors(self, given: dict[str, Any]) -> dict[str, str]:
        errors = missing(given, (CONF_NAME,))
        errors |= term_errors(given[CONF_SINCE], given[CONF_UNTIL], CONF_UNTIL)
        user = given[CONF_USER_ID]
        entry = self._get_entry()
        mine = None
        if self.source == SOURCE_RECONFIGURE:
            mine = self._get_reconfigure_subentry().subentry_id
        others = [
            each.data[CONF_USER_ID]
            for each in entry.subentries.values()
            if each.subentry_type == SUBENTRY_OPERATOR and each.subentry_id != mine
        ]
        if user == entry.data[CONF_MANAGER_USER_ID]:
            errors[CONF_USER_ID] = "is_manager"
        elif user in others:
            errors[CONF_USER_ID] = "is_operator"
        return errors

    def _save(self, given: dict[str, Any]) -> SubentryFlowResult:
        title = given[CONF_NAME]
        if self.source == SOURCE_RECONFIGURE:
            return self.async_update_and_abort(
                self._get_entry(), self._get_reconfigure_subentry(), title=title, data=given
            )
        return self.async_create_entry(title=title, data=given)
