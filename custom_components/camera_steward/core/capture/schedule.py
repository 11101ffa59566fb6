"""A weekly schedule in local time: when a camera is to record."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta, tzinfo


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A span of the week; `weekday` 0 is Monday. An end at or before the start is next day's."""

    weekday: int
    start: time
    end: time

    def contains(self, local: datetime) -> bool:
        """Return whether a local moment lies in the window: start included, end not."""
        day = local.weekday()
        at = local.time()
        if self.start < self.end:
            return day == self.weekday and self.start <= at < self.end
        return (day == self.weekday and at >= self.start) or (
            day == (self.weekday + 1) % 7 and at < self.end
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """The windows in which to record, by the clock on the wall of the place.

    Local time is taken anew for each moment: an hour that the clock shows twice is recorded twice,
    one that it skips is not.
    """

    windows: tuple[Window, ...]
    zone: tzinfo

    def active(self, now: datetime) -> bool:
        """Return whether to record at `now` (aware)."""
        local = now.astimezone(self.zone)
        return any(window.contains(local) for window in self.windows)

    def next_change(self, now: datetime) -> datetime:
        """Return the first whole minute after `now` at which `active` differs; a week at most."""
        state = self.active(now)
        at = now.replace(second=0, microsecond=0)
        for _ in range(7 * 24 * 60 + 1):
            at += timedelta(minutes=1)
            if self.active(at) != state:
                break
        return at
