"""How many wait, how many will in ten minutes, and whether a second till should open.

A plain model: the queue grows by as many as joined it in the last hour, in ten minutes of it, and
shrinks by as many as were served in ten minutes while somebody waited.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

from .detection import Thing
from .geometry import contains
from .limiter import QUARTER
from .tracking import Track
from .view import ViewSettings

NAME: Final = "queue"
"""The zone in which people wait."""

_MINUTE = 60.0
_AHEAD = 10
"""Minutes that the forecast looks ahead."""
_WEIGHTS: Final = (1, 2, 3, 4)
"""Of the quarters of an hour whose arrivals are believed to go on, the latest last."""
_AWAY = 5.0
"""Seconds after which somebody left."""
_LONGEST_STEP: Final = 5.0


@dataclass(slots=True)
class _Quarter:
    joined: int = 0
    served: int = 0
    waited: float = 0.0
    """Seconds in which somebody waited."""


class Queue:
    """Watches one queue; one thread.

    It tells its middle length of each minute, that of an entity as it comes.
    """

    def __init__(self, view: ViewSettings) -> None:
        self.told: tuple[int, int | None, bool] = 0, None, False
        """How many wait, how many will, whether to open a till."""

        self._zone = next((each.points for each in view.zones if each.name == NAME), None)
        self._till_people = view.till_people
        self._quarter = _Quarter()
        self._past: deque[_Quarter] = deque(maxlen=len(_WEIGHTS))
        self._waiting: dict[str, float] = {}
        """Who waits, and when that was last seen."""
        self._lengths: list[int] = []
        self._length: int | None = None
        self._minute_at: float | None = None
        self._last_at: float | None = None

    def watch(self, tracks: Sequence[Track], elapsed: float) -> None:
        """Take those who are there; without a zone nobody waits."""
        if self._zone is None:
            return
        people = [each for each in tracks if each.thing is Thing.PERSON]
        here = {each.id for each in people if contains(self._zone, each.foot)}
        self._quarter.joined += len(here - set(self._waiting))
        self._waiting |= dict.fromkeys(here, elapsed)
        left = [each for each, at in self._waiting.items() if not 0 <= elapsed - at <= _AWAY]
        for each in left:
            del self._waiting[each]
        self._quarter.served += len(left)
        self._wait(len(here), elapsed, _LONGEST_STEP)
        self._lengths.append(len(here))
        if self._minute_at is None:
            self._minute_at = elapsed
        if not 0 <= elapsed - self._minute_at < _MINUTE:
            self._foresee(round(median(self._lengths)))
            self._lengths.clear()
            self._minute_at = elapsed

    def hear(self, count: int, elapsed: float) -> None:
        """Take how many an entity counts."""
        before = count if self._length is None else self._length
        self._quarter.joined += max(count - before, 0)
        self._quarter.served += max(before - count, 0)
        # Until now as many waited as it said before.
        self._wait(before, elapsed, QUARTER.total_seconds())
        self._length = count
        self._foresee(count)

    def end(self, *, whole: bool) -> None:
        """Begin another quarter of an hour; one that was not `whole` tells nothing of the next."""
        if whole:
            self._past.append(self._quarter)
        self._quarter = _Quarter()

    def _wait(self, waiting: int, elapsed: float, longest: float) -> None:
        if waiting and self._last_at is not None:
            self._quarter.waited += min(max(elapsed - self._last_at, 0.0), longest)
        self._last_at = elapsed

    def _foresee(self, queue: int) -> None:
        forecast: int | None = None
        if self._past:
            weights = _WEIGHTS[-len(self._past) :]
            joined = sum(w * each.joined for w, each in zip(weights, self._past, strict=True))
            joining = joined / sum(weights) * _MINUTE / QUARTER.total_seconds()
            minutes = sum(each.waited for each in self._past) / _MINUTE
            # Where hardly anybody waited, as many are served as come.
            serving = sum(each.served for each in self._past) / minutes if minutes >= 1 else joining
            forecast = max(0, round(queue + _AHEAD * (joining - serving)))
        # Closed again only when half as many wait, so that it does not come and go.
        most = self._till_people / 2 if self.told[2] else self._till_people
        self.told = queue, forecast, max(queue, forecast or 0) > most
