"""The forms for a utilization: what it is for, what is derived, who answers; and what is wrong in them."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import date, timedelta
from typing import Any, Final, Literal
from urllib.parse import urlsplit

import probatio
from homeassistant.const import CONF_NAME, Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.network import NoURLAvailableError, get_url
from homeassistant.helpers.selector import (
    BooleanSelector,
    DateSelector,
    EntitySelector,
    EntitySelectorConfig,
    NumberSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
    SelectOptionDict,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
)
from homeassistant.util import dt as dt_util

from .const import (
    CONF_BENEFIT,
    CONF_CAMERA,
    CONF_CASE,
    CONF_CONTACT,
    CONF_DERIVED,
    CONF_DERIVED_DAYS,
    CONF_DETECTOR,
    CONF_DETECTOR_ENTITY,
    CONF_DETECTOR_URL,
    CONF_FRAME_RATE,
    CONF_FRAME_WIDTH,
    CONF_IDENTIFIABLE,
    CONF_INSTALLER,
    CONF_MUNICIPALITY,
    CONF_OPERATING_ENTITY,
    CONF_ORIGINALS,
    CONF_PACK,
    CONF_PLACE,
    CONF_PUBLIC_SPACE,
    CONF_PURPOSE,
    CONF_RECIPIENTS,
    CONF_RECOGNIZABLE,
    CONF_START_ON,
    CONF_WEB_ADDRESS,
    DEFAULT_PACK,
    DOMAIN,
)
from .core.policy.pack import LEAD
from .core.policy.utilization import DetectorKind, NoticeItem, UtilizationCase
from .core.utilization.detection import DetectorError
from .core.utilization.entities import refuse_entity
from .core.utilization.server import ServerAddressError, check_server_url
from .forms import LONG_TEXT, TEXT, missing
from .moments import sane

BY_ADDRESS: Final = "address"
"""The choice of a camera that is none of the site's."""
ASK_CITY: Final = "ask_city"
"""The choice of a municipality whose rules are in no pack here."""

DERIVED_DAYS: Final = 365
"""A product default, as is the first start day: as soon as a notice of today has run."""
_LONGEST_DAYS: Final = 3660
_RATES: Final = (0.1, 10)
_WIDTHS: Final = (160, 1280)
_LONGEST_ADDRESS: Final = 2000
_OWN_HOSTS: Final = ("localhost", "127.0.0.1", "::1", "homeassistant", "homeassistant.local")

_LOCATED: Final = frozenset(UtilizationCase) - {UtilizationCase.ATTRIBUTES, UtilizationCase.OTHER}
"""The cases that need places in a picture: an entity has none."""


def _titled(titles: Mapping[str, str], *, multiple: bool = False) -> SelectSelector:
    options = [SelectOptionDict(value=id_, label=title) for id_, title in titles.items()]
    return SelectSelector(
        SelectSelectorConfig(options=options, multiple=multiple, mode=SelectSelectorMode.DROPDOWN)
    )


def _number(step: float | Literal["any"]) -> NumberSelector:
    """Ask for a number without bounds, so that a wrong one is answered in words."""
    return NumberSelector(NumberSelectorConfig(step=step, mode=NumberSelectorMode.BOX))


_CASE: Final = SelectSelector(
    SelectSelectorConfig(
        options=[each.value for each in UtilizationCase],
        mode=SelectSelectorMode.LIST,
        translation_key="utilization_case",
    )
)
_DETECTOR: Final = SelectSelector(
    SelectSelectorConfig(
        options=[each.value for each in DetectorKind],
        mode=SelectSelectorMode.LIST,
        translation_key="utilization_detector",
    )
)

SERVER_SCHEMA: Final = probatio.Schema(
    {
        probatio.Required(CONF_DETECTOR_URL): TEXT,
        probatio.Required(CONF_ORIGINALS): LONG_TEXT,
    }
)
PICTURES_SCHEMA: Final = probatio.Schema(
    {
        probatio.Required(CONF_FRAME_RATE): _number("any"),
        probatio.Required(CONF_FRAME_WIDTH): _number(1),
    }
)


def name_schema(cameras: Mapping[str, str], *, new: bool) -> probatio.Schema:
    """Return the form for name, camera and, of a new one, case; `cameras` are names by id."""
    return probatio.Schema(
        {
            probatio.Required(CONF_NAME): TEXT,
            probatio.Required(CONF_CAMERA): _titled(cameras),
            **({probatio.Required(CONF_CASE): _CASE} if new else {}),
        }
    )


def use_schema(municipalities: Mapping[str, str]) -> probatio.Schema:
    """Return the form for what it is used for; `municipalities` are titles by pack."""
    return probatio.Schema(
        {
            probatio.Required(CONF_PURPOSE): LONG_TEXT,
            probatio.Required(CONF_OPERATING_ENTITY): TEXT,
            probatio.Required(CONF_CONTACT): TEXT,
            probatio.Optional(CONF_BENEFIT): LONG_TEXT,
            probatio.Optional(CONF_PLACE): LONG_TEXT,
            probatio.Required(CONF_PUBLIC_SPACE): BooleanSelector(),
            probatio.Required(CONF_MUNICIPALITY): _titled(municipalities),
            probatio.Required(CONF_START_ON): DateSelector(),
        }
    )


def data_schema(recipients: Mapping[str, str]) -> probatio.Schema:
    """Return the form for what is derived and who gets it; `recipients` are names by record."""
    several = _titled(recipients, multiple=True)
    return probatio.Schema(
        {
            probatio.Required(CONF_DETECTOR): _DETECTOR,
            probatio.Optional(CONF_DERIVED): LONG_TEXT,
            probatio.Required(CONF_RECOGNIZABLE): BooleanSelector(),
            probatio.Required(CONF_IDENTIFIABLE): BooleanSelector(),
            probatio.Required(CONF_DERIVED_DAYS): _number(1),
            **({probatio.Optional(CONF_RECIPIENTS): several} if recipients else {}),
            probatio.Optional(CONF_WEB_ADDRESS): TEXT,
        }
    )


def entity_schema(hass: HomeAssistant) -> probatio.Schema:
    """Return the form for an entity that counts; it refuses those of the steward."""
    own = {
        each.entity_id
        for each in er.async_get(hass).entities.values()
        if each.platform == DOMAIN and each.domain == Platform.SENSOR
    }
    entities = EntitySelector(
        EntitySelectorConfig(
            filter={"domain": [Platform.SENSOR, Platform.NUMBER, Platform.IMAGE_PROCESSING]},
            exclude_entities=sorted(own),
        )
    )
    return probatio.Schema(
        {
            probatio.Required(CONF_DETECTOR_ENTITY): entities,
            probatio.Required(CONF_ORIGINALS): LONG_TEXT,
        }
    )


def omissions_schema(items: Iterable[NoticeItem]) -> probatio.Schema:
    """Return the form for why a notice leaves items out."""
    return probatio.Schema({probatio.Required(each.value): LONG_TEXT for each in items})


def bodies_schema(names: Iterable[str]) -> probatio.Schema:
    """Return the form for who answers at some nodes."""
    return probatio.Schema({probatio.Required(each): TEXT for each in names})


def suggestions(site: Mapping[str, Any], municipalities: Iterable[str]) -> dict[str, Any]:
    """Return what a new utilization's forms are filled in with."""
    pack = site.get(CONF_PACK, DEFAULT_PACK)
    return {
        CONF_OPERATING_ENTITY: site[CONF_INSTALLER],
        CONF_CONTACT: site[CONF_CONTACT],
        CONF_PUBLIC_SPACE: True,
        CONF_MUNICIPALITY: pack if pack in municipalities else ASK_CITY,
        CONF_START_ON: (dt_util.now().date() + timedelta(days=LEAD.days)).isoformat(),
        CONF_DETECTOR: DetectorKind.BUILT_IN.value,
        CONF_RECOGNIZABLE: True,
        CONF_IDENTIFIABLE: False,
        CONF_DERIVED_DAYS: DERIVED_DAYS,
    }


# ---------------------------------------------------------------------- what is wrong


def use_errors(given: Mapping[str, Any], start_before: str | None) -> dict[str, str]:
    """Return the errors of the form for its use; a start day that was there may have passed."""
    errors = missing(given, (CONF_PURPOSE, CONF_OPERATING_ENTITY, CONF_CONTACT))
    try:
        start = sane(date.fromisoformat(given[CONF_START_ON]))
    except ValueError:
        return errors | {CONF_START_ON: "year_out_of_range"}
    if given[CONF_START_ON] != start_before and start < dt_util.now().date():
        errors[CONF_START_ON] = "start_passed"
    return errors


def data_errors(given: Mapping[str, Any], case: UtilizationCase) -> dict[str, str]:
    """Return the errors of the form for what is derived."""
    errors: dict[str, str] = {}
    detector = DetectorKind(given[CONF_DETECTOR])
    if detector is DetectorKind.ENTITY and case in _LOCATED:
        errors[CONF_DETECTOR] = "entity_without_places"
    elif detector is DetectorKind.SERVER and case is UtilizationCase.SCENERY:
        errors[CONF_DETECTOR] = "server_needless"
    if given[CONF_IDENTIFIABLE]:
        errors[CONF_IDENTIFIABLE] = "identifiable_refused"
    if not 1 <= given[CONF_DERIVED_DAYS] <= _LONGEST_DAYS:
        errors[CONF_DERIVED_DAYS] = "derived_days_out_of_bounds"
    if not _is_web_address(given.get(CONF_WEB_ADDRESS, "")):
        errors[CONF_WEB_ADDRESS] = "web_address_unreadable"
    return errors


def take_server(given: dict[str, Any]) -> dict[str, str]:
    """Put the server's address as it is kept; return what is wrong. Nothing is sent to it."""
    try:
        given[CONF_DETECTOR_URL] = check_server_url(given[CONF_DETECTOR_URL])
    except ServerAddressError as err:
        return {CONF_DETECTOR_URL: err.key}
    return {}


def entity_errors(hass: HomeAssistant, given: Mapping[str, Any]) -> dict[str, str]:
    """Return why an entity cannot be what counts."""
    entity_id = given[CONF_DETECTOR_ENTITY]
    state = hass.states.get(entity_id)
    if state is None:
        return {CONF_DETECTOR_ENTITY: "entity_missing"}
    try:
        refuse_entity(state.attributes)
    except DetectorError as err:
        return {CONF_DETECTOR_ENTITY: err.key}
    return {}


def pictures_errors(given: Mapping[str, Any]) -> dict[str, str]:
    """Return the errors of the form for rate and width."""
    errors: dict[str, str] = {}
    if not _RATES[0] <= given[CONF_FRAME_RATE] <= _RATES[1]:
        errors[CONF_FRAME_RATE] = "frame_rate_out_of_bounds"
    if not _WIDTHS[0] <= given[CONF_FRAME_WIDTH] <= _WIDTHS[1]:
        errors[CONF_FRAME_WIDTH] = "frame_width_out_of_bounds"
    return errors


def is_of_home_assistant(hass: HomeAssistant, url: str) -> bool:
    """Return whether an address is one of Home Assistant's own, which shows what is stored as well."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https"):
        return False
    if parts.path.startswith(f"/api/{DOMAIN}/"):
        return True
    own = {(each, hass.http.server_port) for each in _OWN_HOSTS}
    for each in (hass.config.internal_url, hass.config.external_url):
        if each:
            own.add(_host_and_port(each))
    with suppress(NoURLAvailableError):
        own.add(_host_and_port(get_url(hass, prefer_external=False)))
    return _host_and_port(url) in own


def _host_and_port(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return (parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80))


def _is_web_address(text: str) -> bool:
    """Return whether it is the address of a page, or empty; one with a login is none."""
    if not text:
        return True
    try:
        parts = urlsplit(text)
        login, _ = parts.username is not None or parts.password is not None, parts.port
    except ValueError:
        return False
    readable = len(text) <= _LONGEST_ADDRESS and text.isprintable() and " " not in text
    return readable and parts.scheme in ("http", "https") and bool(parts.hostname) and not login
