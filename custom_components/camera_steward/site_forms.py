"""The forms of a site: who answers for it, and by which pack."""

import asyncio
import logging
from collections.abc import Mapping
from typing import Any, Final

import probatio
from homeassistant.components import webhook
from homeassistant.core import HomeAssistant
from homeassistant.helpers.selector import (
    BooleanSelector,
    DateSelector,
    NumberSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
    SelectOptionDict,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
)

from .const import (
    CONF_CONTACT,
    CONF_INSTALLER,
    CONF_LIVE_MINUTES,
    CONF_MANAGER_NAME,
    CONF_MANAGER_SINCE,
    CONF_MANAGER_UNTIL,
    CONF_MANAGER_USER_ID,
    CONF_PACK,
    CONF_PURPOSE,
    DEFAULT_LIVE_MINUTES,
    DEFAULT_PACK,
)
from .forms import LONG_TEXT, TEXT, async_user_selector, size_text
from .places import Place, async_surroundings, suggest_places
from .policy_packs import Shelf, in_language, problem_text
from .texts import async_texts

_LOGGER = logging.getLogger(__name__)
CONF_INQUIRY_FORM: Final = "inquiry_form"
"""Whether there is a public form for inquiries; the setting is its address."""
_SUGGEST_SECONDS: Final = 5
_LIVE_MINUTES: Final = NumberSelector(
    NumberSelectorConfig(
        min=1, max=60, step=1, unit_of_measurement="min", mode=NumberSelectorMode.BOX
    )
)


async def async_site_schema(
    hass: HomeAssistant, shelf: Shelf, now: Mapping[str, Any]
) -> probatio.Schema:
    """Return the form for who answers for the cameras, and by which pack."""
    return probatio.Schema(
        {
            probatio.Required(CONF_INSTALLER): TEXT,
            probatio.Required(CONF_CONTACT): TEXT,
            probatio.Required(CONF_PURPOSE): LONG_TEXT,
            probatio.Required(CONF_PACK, default=DEFAULT_PACK): _pack_selector(hass, shelf, now),
            probatio.Required(CONF_MANAGER_USER_ID): await async_user_selector(hass),
            probatio.Required(CONF_MANAGER_NAME): TEXT,
            probatio.Required(CONF_MANAGER_SINCE): DateSelector(),
            probatio.Optional(CONF_MANAGER_UNTIL): DateSelector(),
            probatio.Required(CONF_LIVE_MINUTES, default=DEFAULT_LIVE_MINUTES): _LIVE_MINUTES,
            probatio.Required(CONF_INQUIRY_FORM, default=False): BooleanSelector(),
        }
    )


def inquiry_webhook(before: str | None, *, wanted: bool) -> str | None:
    """Return the public form's address.

    Turned off and on again, it has another one: the one that was is known to anybody.
    """
    return (before or webhook.async_generate_id()) if wanted else None


def _pack_selector(hass: HomeAssistant, shelf: Shelf, now: Mapping[str, Any]) -> SelectSelector:
    """Offer the packs by title; the site's own by its id where it cannot be read."""
    options = [
        SelectOptionDict(value=id_, label=in_language(hass, pack.title))
        for id_, pack in shelf.packs.items()
    ]
    chosen = now.get(CONF_PACK, DEFAULT_PACK)
    if chosen not in shelf.packs:
        options.append(SelectOptionDict(value=chosen, label=chosen))
    return SelectSelector(SelectSelectorConfig(options=options, mode=SelectSelectorMode.DROPDOWN))


async def async_unusable_text(hass: HomeAssistant, shelf: Shelf) -> str:
    """Return a line for each pack that cannot be used, naming file, line and why; else nothing."""
    if not shelf.broken:
        return ""
    texts = await async_texts(hass)
    lines = [
        texts["pack_unusable_line"].format(
            file=each.file, line=each.line or "–", problem=problem_text(texts, each)
        )
        for each in shelf.broken
    ]
    return "\n".join((texts["pack_unusable"], *(f"- {each}" for each in lines)))


async def async_place_selector(hass: HomeAssistant) -> SelectSelector:
    """Offer folders on the disks and shares of this machine; any other may be typed."""
    around = async_surroundings(hass)
    places: list[Place] = []
    try:
        async with asyncio.timeout(_SUGGEST_SECONDS):
            places = await hass.async_add_executor_job(suggest_places, around)
    except TimeoutError:
        _LOGGER.debug("A share does not answer; no folders are suggested")
    return SelectSelector(
        SelectSelectorConfig(
            options=[
                SelectOptionDict(
                    value=str(place.root),
                    label=f"{place.root} ({size_text(place.space.free_bytes)})",
                )
                for place in places
            ],
            custom_value=True,
            mode=SelectSelectorMode.DROPDOWN,
        )
    )
