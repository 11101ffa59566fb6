"""The built-in detector: what stands before the place as it usually is, by size. Numpy alone."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from .background import Background, Mask, Planes
from .detection import Box, Frame, Pixels
from .figures import Figures
from .shapes import Shapes, shapes_of
from .stature import Stature
from .view import Person

_WIDTH: Final = 320
_LONGEST_SECONDS: Final = 5.0
_FIRST_SECONDS: Final = 0.5


class Silhouettes:
    """A `Detector`."""

    def __init__(self, persons: Sequence[Person] = ()) -> None:
        self._stature = Stature(persons)
        self._size: tuple[int, ...] = ()
        self._place: Background | None = None
        self._last = 0.0
        self._unlike = 0

    def detect(self, frame: Frame) -> Sequence[Box]:
        now = small_of(frame.pixels)
        seconds = min(max(frame.elapsed - self._last, 0.01), _LONGEST_SECONDS)
        self._last = frame.elapsed
        if self._place is None or self._size != frame.pixels.shape:
            self._place, self._size = Background(now), frame.pixels.shape
            return ()
        before = self._place.take(now, seconds)
        if before is None:
            self._place = Background(now)
            return ()
        rows, columns = before.shape
        shapes = shapes_of(_clean(before))
        self._leave(shapes, now)
        figures = Figures(shapes, lambda row: self._stature.at(row / rows) * rows).found()
        self._learn(shapes)
        return [
            Box(
                thing=each.thing,
                score=each.score,
                left=each.left / columns,
                top=each.top / rows,
                right=each.right / columns,
                bottom=each.bottom / rows,
            )
            for each in figures
        ]

    def _leave(self, shapes: Shapes, now: Planes) -> None:
        """Forget what has gone away: its outline is in the background, and not in the picture."""
        place = self._place
        rows, columns = shapes.labels.shape
        there = place.colour
        for at in np.nonzero(shapes.area >= 12)[0]:
            t, b, l, r = shapes.top[at], shapes.bottom[at], shapes.left[at], shapes.right[at]
            own = shapes.labels[t:b, l:r] == at + 1
            still = place.still_seconds[t:b, l:r][own] >= 1.0
            if np.mean(still) < 0.6:
                continue
            t, b, l, r = max(t - 2, 0), min(b + 2, rows), max(l - 2, 0), min(r + 2, columns)
            own = shapes.labels[t:b, l:r] == at + 1
            rim = _rim(own)
            new = _steps(now[:, t:b, l:r])[rim].mean()
            old = _steps(there[:, t:b, l:r])[rim].mean()
            if old > 1.3 * new:
                place.forget(own, slice(t, b), slice(l, r))
                shapes.labels[t:b, l:r][own] = 0
                shapes.area[at] = 0

    def _learn(self, shapes: Shapes) -> None:
        rows, columns = shapes.labels.shape
        wide, high = shapes.right - shapes.left, shapes.bottom - shapes.top
        like = (
            (high >= 2 * wide) & (high <= 4.5 * wide) & (shapes.area >= 0.45 * wide * high)
            & (shapes.left > 0) & (shapes.right < columns) & (shapes.top > 0) & (shapes.bottom < rows)
            & (high >= 8)
        )
        for at in np.nonzero(like)[0]:
            self._stature.learn(shapes.bottom[at] / rows, high[at] / rows)

    def background(self) -> Pixels | None:
        if self._place is None or not self._place.settled:
            return None
        return np.clip(self._place.colour, 0, 255).astype(np.uint8).transpose(1, 2, 0)

    def close(self) -> None:
        self._place = None


def _rim(own: Mask) -> Mask:
    padded = np.pad(own, 1)
    inner = own & padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    outer = own | padded[:-2, 1:-1] | padded[2:, 1:-1] | padded[1:-1, :-2] | padded[1:-1, 2:]
    return outer & ~inner


def _steps(part: Planes):
    steps = np.zeros(part.shape[1:], np.float32)
    steps[:, 1:-1] += np.abs(part[:, :, 2:] - part[:, :, :-2]).sum(axis=0)
    steps[1:-1] += np.abs(part[:, 2:] - part[:, :-2]).sum(axis=0)
    return steps


def _clean(mask: Mask) -> Mask:
    padded = np.pad(mask, 1).view(np.uint8)
    rows = padded[:-2] + padded[1:-1] + padded[2:]
    near = rows[:, :-2] + rows[:, 1:-1] + rows[:, 2:]
    return near >= 4


def small_of(pixels: Pixels) -> Planes:
    rows, columns = pixels.shape[:2]
    step = max(-(-columns // _WIDTH), 1)
    step = min(step, rows)
    high, wide = rows // step, columns // step
    whole = pixels[: high * step, : wide * step]
    sums = whole[::step].astype(np.uint16)
    for at in range(1, step):
        sums += whole[at::step]
    parts = sums.reshape(high, wide, step * 3)
    small = np.empty((3, high, wide), dtype=np.float32)
    for at in range(3):
        total = parts[:, :, at]
        for k in range(1, step):
            total = total + parts[:, :, at + 3 * k]
        small[at] = total
    small *= np.float32(1 / (step * step))
    return small
