"""The built-in detector: whatever stands before the place as it usually is, told apart by size.

Numpy alone, on any machine that runs Home Assistant. What it cannot do, and how far off it is, stands in
docs/design/utilization-accuracy.md.
"""

from collections.abc import Sequence
from typing import Final, override

import numpy as np

from .background import Background, Mask, Plane, Planes
from .detection import Box, Detector, Frame, Pixels
from .figures import Figures
from .shapes import Shapes, cleaned, shapes_of
from .stature import Stature
from .view import Person

_WIDTH: Final = 320
"""Pixels from left to right that are looked at; wider frames are averaged down by a whole number."""
_QUIET_SECONDS: Final = 1.0
"""After the start, and after the light or the size of the picture changed: nothing is told."""
_KNOWN_SECONDS: Final = 10.0
"""From when on the place can be shown, if it is settled."""
_SHORTEST_SECONDS: Final = 0.01
_LONGEST_SECONDS: Final = 5.0
"""Between two frames; what lies between is not known, so more than that proves no more."""
_STILL_SECONDS: Final = 0.4
_STILL: Final = 0.6
"""Of a shape's pixels, to see whether it is something that stands, or where something stood."""
_OUTLINED: Final = 1.3
"""How much stronger an outline must be in the background than in the picture to be of what has gone."""
_SMALLEST: Final = 12
_ALONE: Final = (2.0, 4.5)
"""Height by width of what is taken for one standing or walking person when heights are learnt."""
_SOLID: Final = 0.45
_TALL_ENOUGH: Final = 8


class Silhouettes(Detector):
    """Finds persons, bicycles with a rider, and cars that move or came less than three minutes ago.

    `persons` are the settings of a view: a person's height at two places, fractions of the picture;
    without them heights are learnt from what moves. Nothing is found in the first second.
    Whoever stands still is found for `background.ABSORBED_SECONDS`, and then is part of the place.

    In memory is, for each pixel, the place's colour and one other that stands before it now: so
    somebody who stands still is in memory as long, in a picture 320 wide, and never leaves it.
    """

    def __init__(self, persons: Sequence[Person] = ()) -> None:
        self._stature = Stature(persons)
        self._place: Background | None = None
        self._size: tuple[int, ...] = ()
        self._last_elapsed = 0.0
        self._age_seconds = 0.0

    @override
    def detect(self, frame: Frame) -> Sequence[Box]:
        now = small_of(frame.pixels)
        passed = frame.elapsed - self._last_elapsed
        seconds = min(max(passed, _SHORTEST_SECONDS), _LONGEST_SECONDS)
        self._last_elapsed = frame.elapsed
        if self._place is None or self._size != frame.pixels.shape:
            self._begin(now, frame.pixels.shape)
            return ()
        before = self._place.take(now, seconds)
        if before is None:
            self._begin(now, frame.pixels.shape)
            return ()
        self._age_seconds += seconds
        shapes = shapes_of(_without_gone(self._place, shapes_of(cleaned(before)), now))
        self._learn(shapes)
        if self._age_seconds < _QUIET_SECONDS:
            return ()
        rows, columns = before.shape
        return [
            Box(
                thing=each.thing,
                score=each.score,
                left=each.left / columns,
                top=each.top / rows,
                right=each.right / columns,
                bottom=each.bottom / rows,
            )
            for each in Figures(shapes, self._stature).found()
        ]

    @override
    def background(self) -> Pixels | None:
        if self._place is None or self._age_seconds < _KNOWN_SECONDS or not self._place.settled:
            return None
        colour = np.clip(np.rint(self._place.colour), 0, 255).astype(np.uint8)
        return np.ascontiguousarray(colour.transpose(1, 2, 0))

    @override
    def close(self) -> None:
        self._place = None

    def _begin(self, now: Planes, size: tuple[int, ...]) -> None:
        self._place, self._size, self._age_seconds = Background(now), size, 0.0

    def _learn(self, shapes: Shapes) -> None:
        """Learn heights from shapes that look like one whole person."""
        rows, columns = shapes.labels.shape
        wide, high = shapes.right - shapes.left, shapes.bottom - shapes.top
        alone = (
            (high >= _ALONE[0] * wide)
            & (high <= _ALONE[1] * wide)
            & (high >= _TALL_ENOUGH)
            & (shapes.area >= _SOLID * wide * high)
            & (shapes.left > 0)
            & (shapes.right < columns)
            & (shapes.top > 0)
            & (shapes.bottom < rows)
        )
        for at in np.nonzero(alone)[0]:
            self._stature.learn(float(shapes.bottom[at] / rows), float(high[at] / rows))


def small_of(pixels: Pixels) -> Planes:
    """Return a picture of at most about 320 columns, each pixel the mean of a square."""
    rows, columns = pixels.shape[:2]
    step = min(max(-(-columns // _WIDTH), 1), rows)
    high, wide = rows // step, columns // step
    whole = pixels[: high * step, : wide * step]
    sums = whole[::step].astype(np.uint16)
    for at in range(1, step):
        sums += whole[at::step]
    squares = sums.reshape(high, wide, step * 3)
    small = np.empty((3, high, wide), dtype=np.float32)
    for colour in range(3):
        total = squares[:, :, colour].astype(np.uint32)
        for at in range(colour + 3, step * 3, 3):
            total += squares[:, :, at]
        small[colour] = total
    small *= np.float32(1 / step**2)
    return small


def _without_gone(place: Background, shapes: Shapes, now: Planes) -> Mask:
    """Return the shapes' mask without those that only show where something has gone away.

    Something that stands has an outline in the picture; where something stood, the outline is in
    the background (as Cucchiara and others tell ghosts, by what moves and what does not). Those become background at once.
    """
    rows, columns = shapes.labels.shape
    mask = shapes.labels > 0
    there = place.colour
    for at in np.nonzero(shapes.area >= _SMALLEST)[0].tolist():
        part = (
            slice(max(shapes.top[at] - 2, 0), min(shapes.bottom[at] + 2, rows)),
            slice(max(shapes.left[at] - 2, 0), min(shapes.right[at] + 2, columns)),
        )
        own = shapes.labels[part] == at + 1
        if np.mean(place.still_seconds[part][own] >= _STILL_SECONDS) < _STILL:
            continue
        outline = _outline(own)
        was = _steps(there[:, *part])[outline].mean()
        if was > _OUTLINED * _steps(now[:, *part])[outline].mean():
            place.forget(own, part)
            mask[part][own] = False
    return mask


def _outline(own: Mask) -> Mask:
    padded = np.pad(own, 1)
    sides = (padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:])
    inner, outer = own.copy(), own.copy()
    for each in sides:
        inner &= each
        outer |= each
    return np.asarray(outer & ~inner)


def _steps(part: Planes) -> Plane:
    """Return how much colours change at each pixel."""
    steps = np.zeros(part.shape[1:], dtype=np.float32)
    steps[:, 1:-1] += np.abs(part[:, :, 2:] - part[:, :, :-2]).sum(axis=0)
    steps[1:-1] += np.abs(part[:, 2:] - part[:, :-2]).sum(axis=0)
    return steps
