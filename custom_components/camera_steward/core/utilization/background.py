"""A place as it is without what moves: for each pixel the colour that was there longest.

Planes are 3 × rows × columns of 32-bit floats, red, green, blue of 255; masks rows × columns. For each
pixel one other colour is remembered beside the background's: what stands before it now. It becomes
background when it has been there for longer than the background was while that is young, and for
`ABSORBED_SECONDS` later on; `forget` makes it so at once. Of what has gone the colour is let go of after as
long as it was there, so that nobody who passed stays in memory.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

type Planes = NDArray[np.float32]
type Plane = NDArray[np.float32]
type Mask = NDArray[np.bool_]

ABSORBED_SECONDS: Final = 180.0
"""How long something must stand still to become part of the place (product default)."""
_YOUNG_SECONDS: Final = 3.0
"""A colour that was there for so long is the place's."""
_YIELDS_SECONDS: Final = 1.0
"""By how much longer than a young background something else must have been there."""
_SETTLED: Final = 0.98
"""Of the pixels, to call the place known."""
_ADAPTS_SECONDS: Final = 10.0
"""In which light and weather are followed."""
_QUIET: Final = 8.0
"""Steps of 255 that are never a difference, as deviation."""
_LOUD: Final = 20.0
_RESTLESS: Final = 0.08
"""How much each time that a pixel changes widens what is no difference there: leaves, flags, water."""
_DEVIATIONS: Final = 3.0
_LOUDEST: Final = 60.0
"""Steps that are a difference in any case."""
_MEDIAN: Final = 0.79
"""Of the mean of three squares, where they are of normal noise (chi-squared)."""
_SAME: Final = 24.0
"""Steps within which what stands before the background is still the same."""
_SHADOW: Final = (0.5, 1.25)
"""Of a background's light, what is only shadow or sun on it."""
_TINT: Final = 0.06
"""How much a colour may differ under it, as a share of the background's."""
_GAIN: Final = (0.5, 2.0)
"""Of the light of the whole picture, what is followed within a frame."""
_EVERY: Final = 4
"""Rows and columns between the pixels by which the light is told."""
_NOTHING: Final = -1000.0
"""For a colour: nothing stands before the background."""
_CHANGED: Final = 0.6
"""Of the picture: when so much is other than it was, it is another light or place."""


class Background:
    """The model of one size of picture. Not thread-safe; holds no whole picture but the first."""

    def __init__(self, first: Planes) -> None:
        shape = first.shape[1:]
        self._colour = first.copy()
        self._spread = np.full(shape, _QUIET**2, dtype=np.float32)
        self._seconds = np.zeros(shape, dtype=np.float32)
        self._other = np.full_like(first, _NOTHING)
        self._other_seconds = np.zeros(shape, dtype=np.float32)
        self._gain = 1.0

    @property
    def settled(self) -> bool:
        """Return whether the place is known."""
        return bool(np.mean(self._seconds >= _YOUNG_SECONDS) >= _SETTLED)

    @property
    def colour(self) -> Planes:
        """Return the place's colours, in the light of the last picture."""
        return self._colour * np.float32(self._gain)

    @property
    def still_seconds(self) -> Plane:
        """Return how long what stands before the background has not moved."""
        return self._other_seconds

    def take(self, now: Planes, seconds: float) -> Mask | None:
        """Return what is before the place, None where all of it is other than it was.

        `seconds` is the time since the last picture.
        """
        self._gain = self._light(now)
        place = self.colour
        off = now - place
        far = np.einsum("cyx,cyx->yx", off, off) / np.float32(3)
        noise = float(np.median(far[::_EVERY, ::_EVERY])) / _MEDIAN
        reach = np.clip(self._spread * np.float32(_DEVIATIONS**2), _QUIET**2, (2 * _LOUD) ** 2)
        np.maximum(reach, min(_DEVIATIONS**2 * noise, _LOUDEST**2), out=reach)
        before = far > reach
        if np.mean(before) > _CHANGED:
            return None
        self._follow(off, far, ~before, seconds)
        self._stand(now, before, seconds)
        return np.asarray(before & ~_only_light(now, place))

    def forget(self, what: Mask, part: tuple[slice, slice]) -> None:
        """Take what is there now for the place; `what` is a mask of that part of the picture."""
        self._become(part, what)

    def _light(self, now: Planes) -> float:
        here = now[1, ::_EVERY, ::_EVERY]
        there = self._colour[1, ::_EVERY, ::_EVERY]
        lit = there > 16
        if not lit.any():
            return 1.0
        gain = float(np.median(here[lit] / there[lit]))
        return min(max(gain, _GAIN[0]), _GAIN[1])

    def _follow(self, off: Planes, far: Plane, same: Mask, seconds: float) -> None:
        share = np.maximum(
            np.float32(1 - np.exp(-seconds / _ADAPTS_SECONDS)),
            np.float32(seconds) / (self._seconds + np.float32(2 * seconds)),
        )
        share *= same
        self._colour += off * (share / np.float32(self._gain))
        self._spread += (np.minimum(far, _LOUD**2) - self._spread) * share
        self._seconds += np.float32(seconds) * same

    def _stand(self, now: Planes, before: Mask, seconds: float) -> None:
        off = now - self._other
        same = np.einsum("cyx,cyx->yx", off, off) < np.float32(3 * _SAME**2)
        new = before & ~same
        self._other += off * np.where(new, np.float32(1), np.float32(0.25) * (before & same))
        held = self._other_seconds
        held += np.where(before & same, np.float32(seconds), np.float32(-seconds))
        held[new] = 0
        self._spread[new] += np.float32(_RESTLESS) * (_LOUD**2 - self._spread[new])
        np.maximum(held, 0, out=held)
        np.copyto(self._other, np.float32(_NOTHING), where=~before & (held == 0))
        lasting = np.where(
            self._seconds < _YOUNG_SECONDS,
            self._seconds + np.float32(_YIELDS_SECONDS),
            np.float32(ABSORBED_SECONDS),
        )
        yields = held > lasting
        if yields.any():
            self._become((slice(None), slice(None)), yields)

    def _become(self, where: tuple[slice, slice], what: Mask) -> None:
        what = what & (self._other[0][where] != _NOTHING)
        for colour, other in zip(self._colour, self._other, strict=True):
            colour[where][what] = other[where][what] / np.float32(self._gain)
        self._spread[where][what] = _QUIET**2
        self._seconds[where][what] = self._other_seconds[where][what]
        self._other_seconds[where][what] = 0


def _only_light(now: Planes, place: Planes) -> Mask:
    """Return where the same surface is only darker or lighter: colour as it was, within limits."""
    whole = np.einsum("cyx,cyx->yx", place, place) + np.float32(1)
    share = np.einsum("cyx,cyx->yx", now, place) / whole
    off = now - place * share
    tint = np.einsum("cyx,cyx->yx", off, off)
    return np.asarray(
        (share > _SHADOW[0]) & (share < _SHADOW[1]) & (tint < np.float32(_TINT**2) * whole)
    )
