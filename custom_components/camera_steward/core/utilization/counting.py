"""Case 3: who and what passes a line, by kind and direction; and who passes one at all.

Source: the guidebook's application case 3 (people and cars in public space are counted).
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from ..ledger.entry import Json
from .detection import Box, Frame, Thing
from .geometry import along, side
from .limiter import Limiter
from .results import CountingResult, Direction
from .tracking import ASPECT, Track, Tracker
from .view import Line, ViewSettings

_CLEAR: Final = 0.15
"""How far from a line, in heights of a box, something is clearly on one side of it."""
_CLEAR_LEAST: Final = 0.01
_MARGIN: Final = 0.03
"""How far beyond its ends a line still reaches, of its length: feet are seldom seen to the pixel."""


@dataclass(slots=True)
class _Stand:
    """On which side of a line a track was clearly last, and whether it went through it since."""

    side: int
    through: bool = False


class Crossings:
    """Tells who crosses which line; used by one thread.

    A crossing counts once the feet are clearly on the other side, having gone between the ends of the
    line: who dithers on it is counted once, who turns and goes back clearly is counted that way too.
    """

    def __init__(self, lines: Sequence[Line]) -> None:
        self._lines = tuple(lines)
        self._stands: dict[str, dict[str, _Stand]] = {}

    def update(self, tracks: Sequence[Track]) -> Iterator[tuple[str, Track, Direction]]:
        """Yield line, track and direction of each crossing; forget tracks that are not there."""
        self._stands = {each.id: self._stands.get(each.id, {}) for each in tracks}
        for track in tracks:
            if track.seen:
                for line in self._lines:
                    if way := self._step(line, track):
                        yield line.name, track, way

    def _step(self, line: Line, track: Track) -> Direction | None:
        start, end, before, foot = (
            (each[0] * ASPECT, each[1]) for each in (line.start, line.end, track.before, track.foot)
        )
        length = math.dist(start, end)
        was, now = side(start, end, before) / length, side(start, end, foot) / length
        stand = self._stands[track.id].get(line.name)
        if stand is None:
            begun = 0 if abs(was) < _CLEAR_LEAST else _sign(was)
            stand = self._stands[track.id][line.name] = _Stand(begun)
        if _sign(was) != _sign(now):
            part = was / (was - now)
            at = tuple(a + part * (b - a) for a, b in zip(before, foot, strict=True))
            stand.through = -_MARGIN <= along(start, end, (at[0], at[1])) <= 1 + _MARGIN
        if abs(now) < max(_CLEAR_LEAST, _CLEAR * (track.box.bottom - track.box.top)):
            return None
        crossed = stand.through and stand.side == -_sign(now)
        stand.side, stand.through = _sign(now), False
        if not crossed:
            return None
        return Direction.IN if now > 0 else Direction.OUT


def _sign(distance: float) -> int:
    return 1 if distance >= 0 else -1


class Counting:
    """The case's `Work`."""

    located = True

    def __init__(self, view: ViewSettings, kept: Mapping[str, Json]) -> None:
        """Go on with the totals of the lines that are still there."""
        self._limiter = Limiter(view)
        self._tracker = Tracker()
        self._crossings = Crossings(view.lines)
        lines = [each.name for each in view.lines]
        self._totals = {
            (line, thing, way): 0 for line in lines for thing in Thing for way in Direction
        }
        for line, thing, way in self._totals:
            self._totals[line, thing, way] = _kept(kept, line, f"{thing}_{way}")

    def take(self, frame: Frame | None, boxes: Sequence[Box], at: datetime, elapsed: float) -> None:
        """Count who crosses a line in the step to this picture."""
        del frame, at
        totals = dict(self._totals)
        tracks = self._tracker.update(boxes, elapsed)
        for line, track, way in self._crossings.update(tracks):
            totals[line, track.thing, way] += 1
        self._totals = totals

    def result(self) -> CountingResult:
        """Return the totals."""
        return CountingResult(totals=self._totals)

    def kept(self) -> Mapping[str, Json]:
        """Return the totals by line."""
        kept: dict[str, dict[str, int]] = {}
        for (line, thing, way), count in self._totals.items():
            kept.setdefault(line, {})[f"{thing}_{way}"] = count
        return self._limiter.limited({"totals": kept})

    def learn(self, label: str) -> None:
        """Do nothing."""


def _kept(kept: Mapping[str, Json], line: str, way: str) -> int:
    totals = kept.get("totals")
    of_line = totals.get(line) if isinstance(totals, Mapping) else None
    count = of_line.get(way) if isinstance(of_line, Mapping) else None
    return count if type(count) is int and count >= 0 else 0
