"""How tall a standing person is, by where the feet are: on level ground it grows evenly with the row.

Rows and heights are fractions of the picture's height. Set by a person at two places, else learnt from
what moves and is shaped like one: that keeps numbers alone, and forgets them with the detector.
"""

from collections import deque
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .view import Person

type Rows = NDArray[np.float64]

_GUESS: Final = ((0.2, 0.11), (0.6, 0.23), (1.0, 0.35))
"""Rows and heights before anything is learnt: a camera at a wall or pole, some metres up."""
_GUESS_WEIGHT: Final = 0.5
"""Of a guessed person beside a seen one."""
_REMEMBERED: Final = 300
_EVERY: Final = 10
_LEARNT: Final = 10
"""Persons seen, for a height to be called known."""
_ROUNDS: Final = 4
_FAR: Final = 0.1
"""How far off, as a share of the height, somebody must be to count half as much."""
_LEAST: Final = 0.02
_MOST: Final = 1.5


class Stature:
    """Heights in one view. `persons` are none, or as many as were set."""

    def __init__(self, persons: Sequence[Person] = ()) -> None:
        self._set = bool(persons)
        self._slope, self._at_top = 0.0, 0.0
        self._seen: deque[tuple[float, float]] = deque(maxlen=_REMEMBERED)
        self._new = 0
        if persons:
            self._fit([(each.foot[1], each.foot[1] - each.head[1], 1.0) for each in persons])
        else:
            self._fit([(row, height, 1.0) for row, height in _GUESS])

    @property
    def known(self) -> bool:
        """Return whether it is set, or enough was seen."""
        return self._set or len(self._seen) >= _LEARNT

    def at(self, foot: float) -> float:
        """Return the height of a person whose feet are there."""
        return float(min(max(self._at_top + self._slope * foot, _LEAST), _MOST))

    def at_all(self, feet: Rows) -> Rows:
        """Return the heights of many."""
        return np.clip(self._at_top + self._slope * feet, _LEAST, _MOST)

    def learn(self, foot: float, height: float) -> None:
        """Take in somebody who was seen alone; does nothing where heights are set."""
        if self._set:
            return
        self._seen.append((foot, height))
        self._new += 1
        if self._new >= min(_EVERY, len(self._seen) / 4):
            self._new = 0
            guess = [(row, tall, _GUESS_WEIGHT) for row, tall in _GUESS]
            self._fit([*guess, *((row, tall, 1.0) for row, tall in self._seen)])

    def _fit(self, known: Sequence[tuple[float, float, float]]) -> None:
        """Lay a line through them that the few who are far off it hardly move."""
        rows, heights, weights = np.array(known).T
        own = weights
        for _ in range(_ROUNDS):
            middle, mean = np.average(rows, weights=own), np.average(heights, weights=own)
            apart = np.average((rows - middle) ** 2, weights=own)
            both = np.average((rows - middle) * (heights - mean), weights=own)
            self._slope = float(both / apart) if apart > 1e-6 else 0.0
            self._at_top = float(mean - self._slope * middle)
            off = heights - self._at_top - self._slope * rows
            own = weights / (1 + (off / (_FAR * heights)) ** 2)
