"""Case 5: people as icons, in coarse cells of the picture, and how crowded it is.

Source: the guidebook's application case 5 (people are made icons, then pictures are let go).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from statistics import median
from typing import Final

from ..ledger.entry import Json
from .detection import Box, Frame, Thing
from .geometry import Point
from .limiter import bucket_of
from .results import Crowd, IconsResult
from .tracking import Tracker
from .view import ViewSettings

COLUMNS: Final = 32
ROWS: Final = 18
EACH: Final = timedelta(seconds=10)
"""How often what is told changes at most; a product default."""

_BELOW = 0.8
"""By this share of it a crowd has to be smaller to be called less crowded."""
_LEVELS: Final = tuple(Crowd)


class Icons:
    """The case's `Work`; it keeps nothing."""

    located = True

    def __init__(self, view: ViewSettings) -> None:
        """Begin with nobody."""
        self._tracker = Tracker()
        self._capacity = view.capacity
        self._counts: list[int] = []
        self._told_at: float | None = None
        self._result = IconsResult()

    def take(self, frame: Frame | None, boxes: Sequence[Box], at: datetime, elapsed: float) -> None:
        """Place those who are there, unless that was done a moment ago."""
        del frame
        tracks = [
            each for each in self._tracker.update(boxes, elapsed) if each.thing is Thing.PERSON
        ]
        self._counts.append(len(tracks))
        if self._told_at is not None and 0 <= elapsed - self._told_at < EACH.total_seconds():
            return
        count = round(median(self._counts))
        self._counts.clear()
        self._told_at = elapsed
        self._result = IconsResult(
            # In order of their places, not of who they are.
            people=tuple(sorted(_cell(each.foot) for each in tracks)),
            crowd=self._level(count),
            at=bucket_of(at, EACH),
        )

    def _level(self, count: int) -> Crowd:
        """Return how crowded it is; less crowded only where it is clearly so."""
        least = (0.0, 1.0, self._capacity / 2, float(self._capacity))
        before = _LEVELS.index(self._result.crowd)
        return max(
            (
                level
                for level, each in zip(_LEVELS, least, strict=True)
                if count >= each * (_BELOW if _LEVELS.index(level) <= before else 1)
            ),
            key=_LEVELS.index,
        )

    def result(self) -> IconsResult:
        """Return where people were when it was told last."""
        return self._result

    def kept(self) -> Mapping[str, Json]:
        """Return nothing."""
        return {}

    def learn(self, label: str) -> None:
        """Do nothing."""


def _cell(foot: Point) -> Point:
    """Return the middle of the lower edge of the cell in which somebody stands."""
    column = min(max(int(foot[0] * COLUMNS), 0), COLUMNS - 1)
    row = min(max(int(foot[1] * ROWS), 0), ROWS - 1)
    return (column + 0.5) / COLUMNS, (row + 1) / ROWS
