"""Days and times that people name, kept to years in which they can be counted with."""

from datetime import date, datetime
from typing import Any, Final

import probatio
from homeassistant.helpers import config_validation as cv

_YEARS: Final = range(2000, 2200)
"""Close to the years 1 and 9999 a day has no next, and a time none in another zone."""


def sane[Day: date](day: Day) -> Day:
    """Return a day or time as it is; `ValueError` where its year is none that is meant."""
    if day.year not in _YEARS:
        raise ValueError("a year from 2000 to 2199 is expected")
    return day


def moment(given: Any) -> datetime:
    """Validate a time, local where it names no zone."""
    # What Home Assistant reads times with stops at a NUL, and at half a character the process does.
    if isinstance(given, str) and not (given.isascii() and given.isprintable()):
        raise probatio.Invalid("a date and time is expected")
    try:
        return sane(cv.datetime(given))
    except ValueError as err:
        raise probatio.Invalid(str(err)) from err
