"""The forms for a camera: its settings, its week, its address; and what they mean as data."""

from collections.abc import Mapping
from datetime import time, timedelta
from typing import Any, Final

import probatio
from homeassistant.const import CONF_NAME
from homeassistant.data_entry_flow import section
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.selector import (
    BooleanSelector,
    NumberSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
    Selector,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
    TextSelector,
    TextSelectorConfig,
    TextSelectorType,
    TimeSelector,
)
from homeassistant.util import dt as dt_util

from .addresses import SCHEMES, AddressError, place_of, read_address
from .const import (
    CONF_ADDRESS,
    CONF_ADDRESS_OPTIONS,
    CONF_ADDRESS_SINCE,
    CONF_AUDIO,
    CONF_DIRECTION,
    CONF_END,
    CONF_FIELD_OF_VIEW,
    CONF_MODE,
    CONF_PLACE,
    CONF_POST_ROLL_SECONDS,
    CONF_PRE_ROLL_SECONDS,
    CONF_PURPOSE,
    CONF_RETENTION_HOURS,
    CONF_RTSP_TRANSPORT,
    CONF_SEGMENT_SECONDS,
    CONF_SOURCE_ENTITY,
    CONF_START,
    CONF_STILL_INTERVAL_SECONDS,
    CONF_WEEKDAY,
)
from .core.model import RecordingMode
from .forms import LONG_TEXT, TEXT, retention_fields

SECTION_ADVANCED: Final = "advanced"
SECTIONS_WINDOW: Final = ("window_1", "window_2", "window_3")
CONF_DAYS_OF_WEEK: Final = "weekdays"
TRANSPORT_AS_CAMERA: Final = "as_camera"

CONF_NEW_ADDRESS: Final = "stream_address"
CONF_USERNAME: Final = "stream_username"
CONF_PASSWORD: Final = "stream_password"  # noqa: S105
"""The form's three parts of an address; a browser must not take them for its own login."""

TEST_SECONDS: Final = 8.0
_PASSWORD: Final = TextSelector(TextSelectorConfig(type=TextSelectorType.PASSWORD))


def address_schema(*, new: bool) -> probatio.Schema:
    """Return the form for an address; one that is there already may stay without being shown."""
    address = probatio.Required if new else probatio.Optional
    return probatio.Schema(
        {
            address(CONF_NEW_ADDRESS): TEXT,
            probatio.Optional(CONF_USERNAME): TEXT,
            probatio.Optional(CONF_PASSWORD): _PASSWORD,
        }
    )


def address_words(url: str) -> dict[str, str]:
    """Return what the texts of the form for an address name: nothing of it that is secret."""
    return {
        "place": place_of(url) or "–",
        "example": "rtsp://192.168.1.20/stream1",
        "schemes": ", ".join(f"{each}://" for each in SCHEMES),
    }


def without_password(given: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return what a form is shown with when it is shown again."""
    return {k: v for k, v in (given or {}).items() if k != CONF_PASSWORD}


def take_address(data: dict[str, Any], given: Mapping[str, Any]) -> dict[str, str]:
    """Put the address that a form gave into a camera's data; return the form's errors."""
    new = given.get(CONF_NEW_ADDRESS)
    try:
        url = read_address(
            new or data.get(CONF_ADDRESS, ""),
            given.get(CONF_USERNAME, ""),
            given.get(CONF_PASSWORD, ""),
        )
    except AddressError as err:
        return {CONF_NEW_ADDRESS: err.key}
    if new:
        # The entity's own belonged to what was there; most cameras sign their own certificate.
        data[CONF_ADDRESS_OPTIONS] = {"tls_verify": "0"}
    data |= {CONF_ADDRESS: url, CONF_ADDRESS_SINCE: since_now()}
    return {}


def since_now() -> str:
    """Return what is stored of the time at which an address was given."""
    return dt_util.utcnow().isoformat(timespec="milliseconds")


def camera_schema(data: Mapping[str, Any], entities: Selector[Any] | None) -> probatio.Schema:
    """Return the form for a camera's settings; `entities` where its entity is asked for."""
    modes = SelectSelector(
        SelectSelectorConfig(
            options=[mode.value for mode in RecordingMode],
            mode=SelectSelectorMode.LIST,
            translation_key="mode",
        )
    )
    source = {probatio.Required(CONF_SOURCE_ENTITY): entities} if entities is not None else {}
    return probatio.Schema(
        {
            **source,
            probatio.Required(CONF_NAME): TEXT,
            probatio.Required(CONF_PLACE): TEXT,
            probatio.Required(CONF_PURPOSE): LONG_TEXT,
            probatio.Required(CONF_DIRECTION): TEXT,
            probatio.Required(CONF_FIELD_OF_VIEW): LONG_TEXT,
            probatio.Required(CONF_MODE): modes,
            **retention_fields(data[CONF_RETENTION_HOURS]),
            probatio.Required(CONF_AUDIO, default=False): BooleanSelector(),
            probatio.Required(SECTION_ADVANCED): section(_advanced(data), {"collapsed": True}),
        }
    )


def _advanced(data: Mapping[str, Any]) -> probatio.Schema:
    transport = SelectSelector(
        SelectSelectorConfig(
            options=[TRANSPORT_AS_CAMERA, "tcp", "udp", "http"],
            mode=SelectSelectorMode.DROPDOWN,
            translation_key="rtsp_transport",
        )
    )

    def seconds(name: str, least: int, most: int) -> dict[probatio.Marker, Any]:
        box = NumberSelectorConfig(
            min=least, max=most, step=1, unit_of_measurement="s", mode=NumberSelectorMode.BOX
        )
        return {probatio.Required(name, default=data[name]): NumberSelector(box)}

    return probatio.Schema(
        {
            **seconds(CONF_SEGMENT_SECONDS, 10, 300),
            **seconds(CONF_PRE_ROLL_SECONDS, 0, 120),
            **seconds(CONF_POST_ROLL_SECONDS, 1, 600),
            **seconds(CONF_STILL_INTERVAL_SECONDS, 1, 3600),
            probatio.Required(
                CONF_RTSP_TRANSPORT, default=data.get(CONF_RTSP_TRANSPORT, TRANSPORT_AS_CAMERA)
            ): transport,
        }
    )


# ---------------------------------------------------------------------- the week

WEEK_SCHEMA = probatio.Schema(
    {
        probatio.Required(name): section(
            probatio.Schema(
                {
                    probatio.Optional(CONF_DAYS_OF_WEEK, default=[]): SelectSelector(
                        SelectSelectorConfig(
                            options=[str(day) for day in range(7)],
                            multiple=True,
                            mode=SelectSelectorMode.LIST,
                            translation_key="weekday",
                        )
                    ),
                    probatio.Optional(CONF_START): TimeSelector(),
                    probatio.Optional(CONF_END): TimeSelector(),
                }
            ),
            {"collapsed": name != SECTIONS_WINDOW[0]},
        )
        for name in SECTIONS_WINDOW
    }
)


def windows_of(given: Mapping[str, Any]) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Return the windows that the form gives, and its errors."""
    windows: list[dict[str, Any]] = []
    for name in SECTIONS_WINDOW:
        part = given[name]
        if not part[CONF_DAYS_OF_WEEK]:
            continue
        if not (part.get(CONF_START) and part.get(CONF_END)):
            return [], {"base": "window_incomplete"}
        windows += [
            {
                CONF_WEEKDAY: int(day),
                CONF_START: f"{cv.time(part[CONF_START]):%H:%M}",
                CONF_END: f"{cv.time(part[CONF_END]):%H:%M}",
            }
            for day in part[CONF_DAYS_OF_WEEK]
        ]
    return windows, {} if windows else {"base": "window_missing"}


def week_form(windows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the form's values for stored windows, days of equal hours together."""
    by_hours: dict[tuple[str, str], list[str]] = {}
    for each in windows:
        by_hours.setdefault((each[CONF_START], each[CONF_END]), []).append(str(each[CONF_WEEKDAY]))
    return {
        name: {CONF_DAYS_OF_WEEK: days, CONF_START: f"{start}:00", CONF_END: f"{end}:00"}
        for name, ((start, end), days) in zip(SECTIONS_WINDOW, by_hours.items(), strict=False)
    }


def window_length(window: Mapping[str, Any]) -> timedelta:
    """Return how long a stored window lasts; one that ends where it begins lasts a day."""
    start, end = (
        timedelta(hours=at.hour, minutes=at.minute)
        for at in (time.fromisoformat(window[name]) for name in (CONF_START, CONF_END))
    )
    return end - start if end > start else end - start + timedelta(days=1)
