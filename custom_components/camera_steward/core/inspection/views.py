"""The approved view as a descriptor of coarse edges, and how a picture lies to it.

A descriptor has for each of some 40 by 25 cells one direction out of 16 and one strength out of 16,
a byte each. It holds no brightness, no colour, and nothing smaller than a cell: no picture can be
had from it beyond where something went roughly which way (INV-1).
"""

from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from .features import CELL, WIDTH, Features, Field, Plane, coherent, edges_of, half_cells

_LEVELS = 15
_DIRECTIONS = 16
_STEP = CELL // 2
_REACH = 24
"""Half cells that a view is looked for to each side: three tenths of the picture's width."""
_NEAR = 2
"""Half cells within which a view is in its place: wind, and what a camera's own steadying does."""
_OVERLAP = 0.4
"""How much of the approved view's edges must lie in the picture for a place to be thought of."""
_SURE = 0.85
"""A likeness with which no turned or grown picture need be compared."""
_POSES = (
    *((angle, 1.0) for angle in (-12.0, -9.0, -6.0, -3.0, 3.0, 6.0, 9.0, 12.0)),
    *((0.0, scale) for scale in (0.8, 0.9, 1.1, 1.25)),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pose:
    """How a picture lies to the approved view.

    `across` and `down` are shares of the picture's width, `angle` degrees, `scale` 1 for as before.
    """

    across: float = 0.0
    down: float = 0.0
    angle: float = 0.0
    scale: float = 1.0

    @property
    def moved(self) -> float:
        """Return the greatest shift that it means for the picture, as a share of its width."""
        turned = abs(np.radians(self.angle)) / 2
        grown = abs(np.log(self.scale)) / 2
        return float(np.hypot(self.across, self.down) + max(turned, grown))


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """How like the approved view a picture is where it should be, and where it is most like it.

    Likenesses are from -1 to 1; `chance` is the deviation of those that mean nothing. `kept` is the
    share of the view's edges where there still is one, of whatever direction.
    """

    here: float
    best: float
    pose: Pose
    chance: float
    kept: float
    agreement: NDArray[np.float32] = field(repr=False)
    """For each cell from -1 to 1; NaN where one of them has no edge."""


@dataclass(frozen=True, kw_only=True)
class View:
    """A descriptor and what else is compared with: the picture's size as sent, and some figures."""

    width: int
    height: int
    rows: int
    data: bytes
    brightness: float
    colour: float
    noise: float
    sharpness: float | None

    @classmethod
    def of(cls, seen: Features, width: int, height: int) -> View:
        """Describe what is seen in a picture that was sent in this size."""
        cells = seen.cells
        level = np.minimum(np.rint(np.abs(cells) * _LEVELS), _LEVELS).astype(np.uint8)
        turn = np.rint(np.angle(cells) / (2 * np.pi) * _DIRECTIONS).astype(np.int64) % _DIRECTIONS
        return cls(
            width=width,
            height=height,
            rows=cells.shape[0],
            data=(level << 4 | turn.astype(np.uint8)).tobytes(),
            brightness=round(seen.brightness, 1),
            colour=round(seen.colour, 1),
            noise=round(seen.noise, 1),
            sharpness=None if seen.sharpness is None else round(seen.sharpness, 2),
        )

    @cached_property
    def cells(self) -> Field:
        """Return the edges of each cell."""
        held = np.frombuffer(self.data, dtype=np.uint8).reshape(self.rows, -1)
        turn = (held & 15).astype(np.float32) * (2 * np.pi / _DIRECTIONS)
        strength = (held >> 4).astype(np.float32) / _LEVELS
        return np.asarray(strength * np.exp(1j * turn), dtype=np.complex64)

    @cached_property
    def structure(self) -> float:
        """Return the share of cells that have an edge."""
        return float(np.mean(coherent(self.cells)))

    @property
    def digest(self) -> str:
        """Return what it is called on record: SHA-256 over descriptor and size, hexadecimal."""
        head = f"{self.width}x{self.height}/{self.rows}/".encode()
        return sha256(head + self.data).hexdigest()


def match(view: View, seen: Features, weights: NDArray[np.float32]) -> Match | None:
    """Look for a view in a picture; None where it has another shape. `weights` are for each cell."""
    cells = seen.cells
    if cells.shape != view.cells.shape:
        return None
    wanted = np.asarray(view.cells * weights, dtype=np.complex64)
    search = _Search(wanted)
    scores = search.scores(seen.edges, None)
    near = slice(_REACH - _NEAR, _REACH + _NEAR + 1)
    here = float(scores[near, near].max())
    best, pose = here, Pose()
    far = scores.copy()
    far[_REACH - 6 : _REACH + 7, _REACH - 6 : _REACH + 7] = np.nan
    chance = float(np.nanstd(far))
    tries = [(0.0, 1.0, scores)]
    if here < _SURE:
        tries += [
            (angle, scale, search.scores(*_turned(seen, angle, scale))) for angle, scale in _POSES
        ]
    for angle, scale, found in tries:
        row, column = divmod(int(np.nanargmax(found)), found.shape[1])
        if found[row, column] > best:
            best = float(found[row, column])
            step = _STEP / (WIDTH // 2)
            pose = Pose(
                across=(column - _REACH) * step,
                down=(row - _REACH) * step,
                angle=angle,
                scale=scale,
            )
    both = coherent(cells) & coherent(view.cells)
    agreement = np.full(cells.shape, np.nan, dtype=np.float32)
    product = np.real(np.conj(view.cells) * cells)
    agreement[both] = product[both] / (np.abs(view.cells) * np.abs(cells))[both]
    expected = coherent(view.cells) & (weights > 0.5)
    kept = float(np.mean(coherent(cells)[expected])) if expected.any() else 0.0
    return Match(here=here, best=best, pose=pose, chance=chance, kept=kept, agreement=agreement)


class _Search:
    """Where a view's cells fit best, by correlation at each half of a cell."""

    def __init__(self, wanted: Field) -> None:
        rows, columns = wanted.shape
        self._held = (2 * rows - 1, 2 * columns - 1)
        self._size = tuple(_even(each + _REACH + 1) for each in self._held)
        self._wanted = np.conj(self._spread(wanted))
        self._energy = np.conj(self._spread(np.abs(wanted) ** 2))
        self._places = np.conj(self._spread((np.abs(wanted) > 0).astype(np.float32)))
        self._least = _OVERLAP * float(np.sum(np.abs(wanted) ** 2))

    def scores(self, edges: Field, inside: NDArray[np.bool_] | None) -> NDArray[np.float32]:
        """Return the likeness at each shift of up to `_REACH` half cells; NaN where too little is left."""
        found = half_cells(edges)
        valid = np.ones(found.shape, dtype=np.float32)
        if inside is not None:
            valid = (
                np.abs(half_cells(inside.astype(np.complex64))) > 0.8  # the cell lies within
            ).astype(np.float32)
            found = found * valid
        product = self._correlated(found, self._wanted)
        mine = self._correlated(valid, self._energy)
        theirs = self._correlated(np.abs(found) ** 2, self._places)
        scores = product / np.sqrt(np.maximum(mine, 1e-6) * np.maximum(theirs, 1e-6))
        scores[mine < self._least] = np.nan
        return np.asarray(scores, dtype=np.float32)

    def _spread(self, cells: NDArray[np.generic]) -> NDArray[np.complex128]:
        placed = np.zeros(self._held, dtype=np.complex64)
        placed[::2, ::2] = cells
        return np.fft.fft2(placed, self._size)

    def _correlated(
        self, found: NDArray[np.generic], wanted: NDArray[np.complex128]
    ) -> NDArray[np.float64]:
        whole = np.fft.ifft2(np.fft.fft2(found, self._size) * wanted).real
        around = np.arange(-_REACH, _REACH + 1)
        return np.asarray(whole[np.ix_(around, around)])


def _even(least: int) -> int:
    """Return a length that transforms quickly."""
    return -(-least // 16) * 16


def _turned(seen: Features, angle: float, scale: float) -> tuple[Field, NDArray[np.bool_]]:
    """Return the edges of a picture that was turned and grown so, put back, and where there are any."""
    high, wide = seen.small.shape
    turn = np.radians(angle)
    rows, columns = np.mgrid[0:high, 0:wide].astype(np.float32)
    y, x = rows - (high - 1) / 2, columns - (wide - 1) / 2
    down = scale * (np.sin(turn) * x + np.cos(turn) * y) + (high - 1) / 2
    across = scale * (np.cos(turn) * x - np.sin(turn) * y) + (wide - 1) / 2
    inside = (down >= 1) & (down < high - 2) & (across >= 1) & (across < wide - 2)
    back = _sampled(seen.small, np.clip(down, 0, high - 1.01), np.clip(across, 0, wide - 1.01))
    return np.where(inside, edges_of(back, seen.noise), 0).astype(np.complex64), inside


def _sampled(plane: Plane, down: Plane, across: Plane) -> Plane:
    row, column = down.astype(np.int32), across.astype(np.int32)
    below, right = down - row, across - column
    upper = plane[row, column] * (1 - right) + plane[row, column + 1] * right
    lower = plane[row + 1, column] * (1 - right) + plane[row + 1, column + 1] * right
    return np.asarray(upper * (1 - below) + lower * below, dtype=np.float32)
