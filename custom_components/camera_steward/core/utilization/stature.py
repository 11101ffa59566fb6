"""How tall a standing person is, by where the feet are: on level ground it grows evenly with the row.

Rows and heights are fractions of the picture's height. Set by a person at two places, else learnt from
what moves and is shaped like one.
"""

from collections import deque
from collections.abc import Sequence
from typing import Final

import numpy as np

from .view import Person

_GUESS: Final = ((0.2, 0.11), (0.6, 0.23), (1.0, 0.35))
"""Rows and heights before anything is learnt: a camera at a wall or pole."""
_GUESS_WEIGHT: Final = 0.5
_REMEMBERED: Final = 300
"""How many of what was seen are learnt from: rows and heights alone."""
_EVERY: Final = 10
_LEARNT: Final = 10
_ROUNDS: Final = 4
_LEAST: Final = 0.02
_MOST: Final = 1.5


class Stature:
    """Heights in one view."""

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
        """Return whether it is set or learnt."""
        return self._set or len(self._seen) >= _LEARNT

    def at(self, foot: float) -> float:
        """Return the height of a person whose feet are there."""
        return min(max(self._at_top + self._slope * foot, _LEAST), _MOST)

    def learn(self, foot: float, height: float) -> None:
        """Take in somebody who was seen alone, unless it is set."""
        if self._set:
            return
        self._seen.append((foot, height))
        self._new += 1
        if self._new >= min(_EVERY, len(self._seen) / 4):
            self._new = 0
            guess = [(row, height, _GUESS_WEIGHT) for row, height in _GUESS]
            self._fit([*guess, *((row, height, 1.0) for row, height in self._seen)])

    def _fit(self, known: Sequence[tuple[float, float, float]]) -> None:
        """Lay a line through them that those who are far off do not move much."""
        rows, heights, weights = np.array(known).T
        own = weights.copy()
        for _ in range(_ROUNDS):
            middle = np.average(rows, weights=own)
            mean = np.average(heights, weights=own)
            wide = np.average((rows - middle) ** 2, weights=own)
            slope = 0.0
            if wide > 1e-6:
                slope = np.average((rows - middle) * (heights - mean), weights=own) / wide
            self._slope, self._at_top = float(slope), float(mean - slope * middle)
            off = np.abs(heights - self._at_top - slope * rows)
            own = weights / (1 + (off / (0.1 * np.maximum(heights, _LEAST))) ** 2)
