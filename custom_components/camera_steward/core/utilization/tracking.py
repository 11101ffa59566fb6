"""Boxes of one frame to those of the next: who goes on, without knowing who it is.

A track is a box that moves on as bodies do: what is linked is place, size and speed, never looks. Its
id is random, and gone with it; nothing can tell whether somebody was here before. Who is hidden for
longer than `PATIENCE`, or stays for longer than `LONGEST`, is somebody else from then on.
"""

import secrets
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .detection import Box, Thing
from .geometry import Point

PATIENCE: Final = 2.1
"""Seconds from one sight to the next: three frames may be missed at 2 frames a second."""
LONGEST: Final = 3600.0
"""Seconds of a track at most."""
MOST: Final = 100
"""Boxes of a frame that are looked at, the surest."""

_CONFIRMED = 2
"""Sights after which something is there; what is seen once may be a shadow."""
_VOTES = 20
"""Sights that tell what a thing is; older ones lose weight."""
ASPECT = 1.5
"""How much wider than high a picture is, about: boxes tell fractions alone."""
_JITTER = 0.3
"""How far a box may be off, in sizes."""
_AGILITY: Final = {Thing.PERSON: 1.2, Thing.BICYCLE: 2.4, Thing.CAR: 2.4}
"""Sizes a second by which the speed may be another than it was, or than none at first."""
_STEADY = 0.5
"""How much of this is left of what was seen often enough for its speed to be known."""
_OTHER_THING = 0.6
"""What it costs to be taken for another thing, in sizes."""
_OVERLAP = 0.5
"""What it costs not to overlap at all, in sizes."""
_PLACE, _SPEED, _SIZE = 0.75, 0.4, 0.5
"""How much of what a sight differs from what was foreseen is believed."""
_NEVER = 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """Something that is there; times are seconds of the frames' `elapsed`.

    `foot` is where it stands, smoothed, and `before` where at the sight before: the two ends of what
    may cross a line. `seen` tells whether it is in this frame; else both are of the last one it was in,
    and `box` too.
    """

    id: str
    thing: Thing
    box: Box
    foot: Point
    before: Point
    since: float
    seen_at: float
    seen: bool


class Tracker:
    """Links boxes; used by one thread."""

    def __init__(self) -> None:
        self._moving: list[_Moving] = []

    def update(self, boxes: Sequence[Box], elapsed: float) -> tuple[Track, ...]:
        """Take the boxes of a frame and return who is there, also who is hidden for a moment.

        What was only counted and has no place is left out. A new one is told from its second sight on.
        """
        located = [each for each in boxes if each.located]
        found = sorted(located, key=lambda each: each.score, reverse=True)[:MOST]
        self._moving = [
            each
            for each in self._moving
            if 0 <= elapsed - each.seen_at <= PATIENCE and elapsed - each.since <= LONGEST
        ]
        pairs = _assigned(self._costs(found, elapsed))
        for track, box in pairs:
            self._moving[track].see(found[box], elapsed)
        taken = {box for _, box in pairs}
        self._moving += [_begun(box, elapsed) for at, box in enumerate(found) if at not in taken]
        # As many as boxes at most, so that hidden ones do not pile up in a crowd.
        self._moving.sort(key=lambda each: each.seen_at, reverse=True)
        del self._moving[MOST:]
        return tuple(each.track(elapsed) for each in self._moving if each.sights >= _CONFIRMED)

    def _costs(self, boxes: Sequence[Box], elapsed: float) -> NDArray[np.float64]:
        costs = np.full((len(self._moving), len(boxes)), _NEVER)
        for row, track in enumerate(self._moving):
            for column, box in enumerate(boxes):
                if (cost := track.cost(box, elapsed)) is not None:
                    costs[row, column] = cost
        return costs


@dataclass(slots=True, kw_only=True)
class _Moving:
    """A track as it is followed: speed in fractions of the picture a second."""

    id: str
    box: Box
    foot: Point
    before: Point
    width: float
    height: float
    since: float
    seen_at: float
    speed: Point = (0.0, 0.0)
    sights: int = 1
    votes: Counter[Thing] = field(default_factory=Counter)

    @property
    def thing(self) -> Thing:
        return self.votes.most_common(1)[0][0]

    def track(self, elapsed: float) -> Track:
        return Track(
            id=self.id,
            thing=self.thing,
            box=self.box,
            foot=self.foot,
            before=self.before,
            since=self.since,
            seen_at=self.seen_at,
            seen=self.seen_at == elapsed,
        )

    def foreseen(self, elapsed: float) -> Point:
        passed = elapsed - self.seen_at
        return self.foot[0] + self.speed[0] * passed, self.foot[1] + self.speed[1] * passed

    def cost(self, box: Box, elapsed: float) -> float | None:
        """Return how unlikely it is that this is the same, in sizes; None where it cannot be."""
        size = max(self.height, self.width * ASPECT, 1e-3)
        foreseen = self.foreseen(elapsed)
        across, down = box.foot[0] - foreseen[0], box.foot[1] - foreseen[1]
        distance = float(np.hypot(across * ASPECT, down)) / size
        agility = _AGILITY[self.thing] * (1.0 if self.sights < _CONFIRMED else _STEADY)
        if distance > _JITTER + agility * (elapsed - self.seen_at):
            return None
        other = 0.0 if box.thing is self.thing else _OTHER_THING
        return distance + other + _OVERLAP * (1 - self._overlap(box, foreseen))

    def _overlap(self, box: Box, foreseen: Point) -> float:
        left, bottom = foreseen[0] - self.width / 2, foreseen[1]
        across = min(box.right, left + self.width) - max(box.left, left)
        down = min(box.bottom, bottom) - max(box.top, bottom - self.height)
        both = max(across, 0.0) * max(down, 0.0)
        area = (box.right - box.left) * (box.bottom - box.top) + self.width * self.height
        return both / max(area - both, 1e-9)

    def see(self, box: Box, elapsed: float) -> None:
        passed = max(elapsed - self.seen_at, 1e-3)
        foreseen = self.foreseen(elapsed)
        off = (box.foot[0] - foreseen[0], box.foot[1] - foreseen[1])
        # The second sight tells the speed for the first time.
        believed = _SPEED if self.sights > 1 else 1.0
        self.speed = (
            self.speed[0] + believed * off[0] / passed,
            self.speed[1] + believed * off[1] / passed,
        )
        self.before = self.foot
        self.foot = (foreseen[0] + _PLACE * off[0], foreseen[1] + _PLACE * off[1])
        self.width += _SIZE * (box.right - box.left - self.width)
        self.height += _SIZE * (box.bottom - box.top - self.height)
        self.box, self.seen_at = box, elapsed
        self.sights += 1
        if self.votes.total() >= _VOTES:
            self.votes = Counter({each: count // 2 for each, count in self.votes.items()})
        self.votes[box.thing] += 1


def _begun(box: Box, elapsed: float) -> _Moving:
    return _Moving(
        id=secrets.token_hex(8),
        box=box,
        foot=box.foot,
        before=box.foot,
        width=box.right - box.left,
        height=box.bottom - box.top,
        since=elapsed,
        seen_at=elapsed,
        votes=Counter({box.thing: 1}),
    )


def _assigned(costs: NDArray[np.float64]) -> list[tuple[int, int]]:
    """Return the pairs of (row, column) that cost least together, without those that cannot be.

    Shortest augmenting paths (Jonker and Volgenant, 1987), from the side that has fewer.
    """
    if not costs.size:
        return []
    if costs.shape[0] > costs.shape[1]:
        return [(row, column) for column, row in _assigned(costs.T)]
    rows, columns = costs.shape
    of_row, of_column = np.zeros(rows + 1), np.zeros(columns + 1)
    owner = np.zeros(columns + 1, dtype=np.intp)  # 1-based; 0 is nobody
    for row in range(1, rows + 1):
        owner[0], column = row, 0
        least = np.full(columns + 1, np.inf)
        done = np.zeros(columns + 1, dtype=bool)
        came = np.zeros(columns + 1, dtype=np.intp)
        while owner[column]:
            done[column] = True
            here = owner[column]
            reduced = costs[here - 1] - of_row[here] - of_column[1:]
            better = ~done[1:] & (reduced < least[1:])
            least[1:][better], came[1:][better] = reduced[better], column
            open_ = np.where(done, np.inf, least)
            open_[0] = np.inf
            following = int(open_.argmin())
            step = open_[following]
            of_row[owner[done]] += step
            of_column[done] -= step
            least[~done] -= step
            column = following
        while column:
            owner[column] = owner[came[column]]
            column = int(came[column])
    pairs = [(int(owner[at]) - 1, at - 1) for at in range(1, columns + 1) if owner[at]]
    return [(row, column) for row, column in pairs if costs[row, column] < _NEVER]
