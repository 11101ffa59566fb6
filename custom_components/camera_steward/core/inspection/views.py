"""The approved view as a descriptor of coarse edges, and how a picture lies to it.

A descriptor has for each of some 40 by 25 cells one direction out of 16 and one strength out of 16,
a byte each. It holds no brightness, no colour, and nothing smaller than a cell: no picture can be
had from it beyond where something went roughly which way (INV-1).
"""

from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from .features import HALF_CELL, WIDTH, Features, Field, Plane, coherent, edges_of, half_cells

_LEVELS = 15
_DIRECTIONS = 16
_REACH = 24
"""Half cells that a view is looked for to each side: three tenths of the picture's width."""
_NEAR = 2
"""Half cells within which a view is in its place: wind, and what a camera's own steadying does."""
_AWAY = 6
"""Half cells from where on a likeness means nothing."""
_LEAST_CHANCE = 0.02
_RELIABLE = 0.5
_WITHIN = 0.8
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

    Likenesses are from -1 to 1; `usual` is the mean and `chance` the deviation of those that mean
    nothing. `kept` is the share of the view's edges where there still is one, of whatever direction.
    `agreement` is for each cell from -1 to 1, NaN where one of both has no edge.
    """

    here: float
    best: float
    pose: Pose
    usual: float
    chance: float
    kept: float
    agreement: Plane = field(repr=False)

    def sure(self, likeness: float) -> float:
        """Return how far a likeness is from what means nothing, in its deviations."""
        return (likeness - self.usual) / max(self.chance, _LEAST_CHANCE)


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


def match(view: View, seen: Features, weights: Plane) -> Match | None:
    """Look for a view in a picture; None where it has another shape. `weights` are for each cell."""
    cells = seen.cells
    if cells.shape != view.cells.shape:
        return None
    search = _Search(np.asarray(view.cells * weights, dtype=np.complex64))
    everywhere = search.everywhere()
    scores = search.scores(seen.edges, everywhere)
    near = slice(_REACH - _NEAR, _REACH + _NEAR + 1)
    here = float(scores[near, near].max())
    far = scores.copy()
    far[_REACH - _AWAY : _REACH + _AWAY + 1, _REACH - _AWAY : _REACH + _AWAY + 1] = np.nan
    best, pose = _best(scores, 0.0, 1.0)
    for angle, scale in _POSES if here < _SURE else ():
        put_back = _put_back(seen, _turn(*seen.small.shape, angle, scale))
        found, there = _best(search.scores(*put_back), angle, scale)
        if found > best:
            best, pose = found, there
    return Match(
        here=here,
        best=best,
        pose=pose,
        usual=float(np.nanmean(far)),
        chance=float(np.nanstd(far)),
        kept=_kept(view, cells, weights),
        agreement=_agreement(view, cells),
    )


def _best(scores: Plane, angle: float, scale: float) -> tuple[float, Pose]:
    row, column = divmod(int(np.nanargmax(scores)), scores.shape[1])
    step = HALF_CELL / (WIDTH // 2)
    pose = Pose(
        across=(column - _REACH) * step, down=(row - _REACH) * step, angle=angle, scale=scale
    )
    return float(scores[row, column]), pose


def _kept(view: View, cells: Field, weights: Plane) -> float:
    expected = coherent(view.cells) & (weights > _RELIABLE)
    return float(np.mean(coherent(cells)[expected])) if expected.any() else 0.0


def _agreement(view: View, cells: Field) -> Plane:
    both = coherent(cells) & coherent(view.cells)
    agreement = np.full(cells.shape, np.nan, dtype=np.float32)
    product = np.real(np.conj(view.cells) * cells)
    agreement[both] = product[both] / (np.abs(view.cells) * np.abs(cells))[both]
    return agreement


class _Search:
    """Where a view's cells fit best, by correlation at each half of a cell."""

    def __init__(self, wanted: Field) -> None:
        rows, columns = wanted.shape
        self._held = (2 * rows - 1, 2 * columns - 1)
        self._size = tuple(_even(each + _REACH + 1) for each in self._held)
        energy = np.abs(wanted) ** 2
        self._wanted = np.conj(self._spread(wanted))
        self._energy = np.conj(self._spread(energy))
        self._places = np.conj(self._spread(energy > 0))
        self._least = _OVERLAP * float(energy.sum())

    def scores(self, edges: Field, valid: Plane) -> Plane:
        """Return the likeness at each shift of up to `_REACH` half cells; NaN where too little is left.

        `valid` is 1 for each half cell that lies in the picture.
        """
        found = half_cells(edges) * valid
        product = self._correlated(found, self._wanted)
        mine = self._correlated(valid, self._energy)
        theirs = self._correlated(np.abs(found) ** 2, self._places)
        scores = product / np.sqrt(np.maximum(mine, 1e-3) * np.maximum(theirs, 1e-3))
        scores[mine < self._least] = np.nan
        return np.asarray(scores, dtype=np.float32)

    def everywhere(self) -> Plane:
        """Return that all half cells are in the picture."""
        return np.ones(self._held, dtype=np.float32)

    def _spread(self, cells: NDArray[np.generic]) -> Field:
        placed = np.zeros(self._held, dtype=np.complex64)
        placed[::2, ::2] = cells
        return np.asarray(np.fft.fft2(placed, self._size), dtype=np.complex64)

    def _correlated(self, found: Field | Plane, wanted: Field) -> Plane:
        spectrum = np.fft.fft2(found.astype(np.complex64), self._size) * wanted
        whole = np.fft.ifft2(spectrum).real
        around = np.arange(-_REACH, _REACH + 1)
        return np.asarray(whole[np.ix_(around, around)], dtype=np.float32)


def _even(least: int) -> int:
    """Return a length that transforms quickly."""
    return -(-least // 16) * 16


@dataclass(frozen=True, slots=True, kw_only=True)
class _Turn:
    """How a picture is put back that was turned and grown: pixels and their shares, and what is in it."""

    corners: tuple[NDArray[np.intp], ...]
    shares: tuple[Plane, ...]
    inside: NDArray[np.bool_]
    valid: Plane


def _put_back(seen: Features, turn: _Turn) -> tuple[Field, Plane]:
    """Return the edges of a picture that is put back, and which half cells there are of it."""
    flat = seen.small.ravel()
    back = sum(
        flat[corner] * share for corner, share in zip(turn.corners, turn.shares, strict=True)
    )
    edges = edges_of(np.asarray(back, dtype=np.float32), seen.noise)
    return np.asarray(edges * turn.inside, dtype=np.complex64), turn.valid


@lru_cache(maxsize=2 * len(_POSES))
def _turn(high: int, wide: int, angle: float, scale: float) -> _Turn:
    turn = np.radians(angle)
    rows, columns = np.mgrid[0:high, 0:wide].astype(np.float32)
    y, x = rows - (high - 1) / 2, columns - (wide - 1) / 2
    down = scale * (np.sin(turn) * x + np.cos(turn) * y) + (high - 1) / 2
    across = scale * (np.cos(turn) * x - np.sin(turn) * y) + (wide - 1) / 2
    inside = (down >= 1) & (down < high - 2) & (across >= 1) & (across < wide - 2)
    down, across = np.clip(down, 0, high - 1.01), np.clip(across, 0, wide - 1.01)
    row, column = down.astype(np.intp), across.astype(np.intp)
    below, right = down - row, across - column
    corner = row * wide + column
    share = ((1 - below) * (1 - right), (1 - below) * right, below * (1 - right), below * right)
    whole = np.abs(half_cells(inside.astype(np.complex64)))
    return _Turn(
        corners=(corner, corner + 1, corner + wide, corner + wide + 1),
        shares=tuple(each.astype(np.float32) for each in share),
        inside=inside,
        valid=(whole > _WITHIN).astype(np.float32),
    )
