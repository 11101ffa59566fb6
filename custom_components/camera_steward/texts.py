"""The texts that the backend itself shows."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Final

from homeassistant.core import HomeAssistant
from homeassistant.helpers.translation import async_get_translations
from homeassistant.util import dt as dt_util

from .const import DOMAIN
from .core.model import Gap, GapCause
from .core.policy.gate import Gate
from .core.policy.states import Reason

_COMMON: Final = f"component.{DOMAIN}.common."
_CAUSE: Final = f"component.{DOMAIN}.entity.event.recording.state_attributes.cause.state."
_WEEKDAY: Final = f"component.{DOMAIN}.selector.weekday.options."


class Texts:
    """The texts under `common`, by key, and how times and lengths read."""

    def __init__(self, found: Mapping[str, str], language: str) -> None:
        """Read from what Home Assistant has translated; `language` is that of packs and papers."""
        self._found = found
        self.language = language

    def __getitem__(self, key: str) -> str:
        """Return a text."""
        return self._found[_COMMON + key]

    def option(self, name: str, value: str | None) -> str:
        """Return how a role, a kind of viewing, a purpose, a refusal … reads; empty for none."""
        return self[f"{name}_{value}"] if value else ""

    def reason(self, reason: Reason, **instead: str) -> str:
        """Return why a control stands as it does; `instead` of what it says in no language."""
        values = {
            name: moment_text(value) if isinstance(value, datetime) else value
            for name, value in {**reason.values, **instead}.items()
        }
        return self[f"why_{reason.key}"].format(**values)

    def missing_of(self, gate: Gate) -> str:
        """Return what a camera needs for recording and has not."""
        return " / ".join(self.option("missing", each) for each in gate.missing)

    def length(self, length: timedelta) -> str:
        """Return a length in minutes and seconds."""
        minutes, seconds = divmod(round(length.total_seconds()), 60)
        key = "length" if minutes else "length_seconds"
        return self[key].format(minutes=minutes, seconds=seconds)

    def day(self, day: date) -> str:
        """Return a day with its day of the week."""
        weekday = self._found[_WEEKDAY + str(day.weekday())]
        return self["day_title"].format(
            year=day.year, month=f"{day.month:02}", day=f"{day.day:02}", weekday=weekday
        )

    def gap(self, gap: Gap, since: datetime, until: datetime) -> str:
        """Return that there is no footage, from when to when, and why."""
        return self["gap_title"].format(
            start=clock(since, seconds=True),
            end=clock(until, seconds=True),
            cause=self._cause(gap.cause),
        )

    def missing(
        self,
        since: datetime,
        until: datetime,
        causes: Sequence[GapCause],
        *,
        unreadable: bool,
    ) -> tuple[str, ...]:
        """Return the same in lines, for a picture."""
        span = self["span"].format(start=clock(since, seconds=True), end=clock(until, seconds=True))
        why = [self._cause(each) for each in causes]
        if unreadable:
            why.append(self["drawn_unreadable"])
        return self["drawn_missing"], span, " / ".join(why or [self["drawn_no_fault"]])

    @property
    def converted(self) -> str:
        """Return what is written above a picture that was converted for the screen."""
        return self["drawn_converted"]

    def _cause(self, cause: GapCause) -> str:
        return self._found.get(_CAUSE + cause.value) or self[f"cause_{cause.value}"]


async def async_texts(hass: HomeAssistant, language: str | None = None) -> Texts:
    """Return the texts in a language, else in that of the installation."""
    language = language or hass.config.language
    found: dict[str, str] = {}
    for category in ("common", "entity", "selector"):
        found |= await async_get_translations(hass, language, category, [DOMAIN])
    return Texts(found, "ja" if language.partition("-")[0] == "ja" else "en")


def bounds(day: date) -> tuple[datetime, datetime]:
    """Return a local day's beginning and end; it may have 23 or 25 hours."""
    start, end = (dt_util.start_of_local_day(each) for each in (day, day + timedelta(days=1)))
    return dt_util.as_utc(start), dt_util.as_utc(end)


def moment_text(moment: datetime) -> str:
    """Return a time for people to read, to the minute."""
    return dt_util.as_local(moment).strftime("%Y-%m-%d %H:%M")


def iso(moment: datetime | None) -> str | None:
    """Return a time for programs to read."""
    return moment.isoformat() if moment is not None else None


def clock(moment: datetime, *, seconds: bool = False) -> str:
    """Return a local time of day."""
    return dt_util.as_local(moment).time().isoformat("seconds" if seconds else "minutes")
