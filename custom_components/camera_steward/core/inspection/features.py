"""A small picture of brightness, and what of it stays the same by day and by night.

Pictures are arrays of 8-bit luma, `WIDTH` wide; edges are looked for at half of that. An edge's
direction is kept as an angle doubled, so that dark on light and light on dark are the same.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

type Luma = NDArray[np.uint8]
type Plane = NDArray[np.float32]
type Field = NDArray[np.complex64]

WIDTH = 640
"""Pixels of a small picture from left to right."""
CELL = 8
"""Pixels of a cell of edges at half the size: a fortieth of the picture's width."""
HALF_CELL = 4
_COHERENT = 0.25
"""How strong and how much of one direction the edges in a cell are, from 0 to 1, to count."""
_QUIET = 4.0
"""A step of brightness between neighbours, of 255, that is nothing in itself."""
_NOISES = 3.0
_EMPTY = 0.15
_DARK = 32
_BRIGHT = 250
_REACH = 9
"""Pixels over which the steepness of an edge is judged."""
_CONTRAST = 24.0
_EDGES = 400
"""How many places with an edge must be there for sharpness to be told."""
_CLEARER = 80
"""Of 100 such places the sharpness is that of this one: things out of focus are always there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """What is seen in one picture.

    `brightness` is the mean, `colour` the mean distance from grey and `noise` the deviation from
    pixel to pixel, of 255; `dark` and `bright` are shares of the picture that are black or blown out. `sharpness` is how steep its edges are, 1 for those
    from one pixel to the next; None where there are too few to say. `edges` is the edge at each
    pixel of the picture at half its size: direction doubled, and strength up to 1.
    """

    brightness: float
    colour: float
    noise: float
    dark: float
    bright: float
    sharpness: float | None
    small: Plane = field(repr=False)
    edges: Field = field(repr=False)

    @property
    def cells(self) -> Field:
        """Return the edges in each cell, as far as they go in one direction."""
        return cells_of(self.edges)

    @property
    def structure(self) -> float:
        """Return the share of cells that have an edge."""
        return float(np.mean(coherent(self.cells)))


def height_for(width: int, height: int) -> int:
    """Return how high a small picture of the same shape is: whole cells, and not extreme."""
    cell = 2 * CELL
    return min(max(round(WIDTH * height / width / cell), 10), 60) * cell


def features_of(luma: Luma, colour: float = 0.0) -> Features:
    """Look at a small picture, of which this is the mean distance of its colours from grey."""
    fine = luma.astype(np.float32)
    small = halved(fine)
    noise = noise_of(small)
    return Features(
        brightness=float(fine.mean()),
        colour=colour,
        noise=noise,
        dark=float(np.mean(luma < _DARK)),
        bright=float(np.mean(luma >= _BRIGHT)),
        sharpness=_sharpness(fine, noise),
        small=small,
        edges=edges_of(small, noise),
    )


def coherent(cells: Field) -> NDArray[np.bool_]:
    """Return which cells have an edge."""
    return np.asarray(np.abs(cells) >= _COHERENT)


def halved(fine: Plane) -> Plane:
    """Return a picture at half its size."""
    four = fine[::2, ::2] + fine[1::2, ::2] + fine[::2, 1::2] + fine[1::2, 1::2]
    return np.asarray(four / 4, dtype=np.float32)


def noise_of(small: Plane) -> float:
    """Return the deviation of what differs from pixel to pixel without being an edge.

    Immerkær, Fast Noise Variance Estimation (1996), by the median, which edges do not move.
    """
    rows = small[:-2] - 2 * small[1:-1] + small[2:]
    both = rows[:, :-2] - 2 * rows[:, 1:-1] + rows[:, 2:]
    return float(np.median(np.abs(both[::2, ::2]))) / 0.6745 / 6


def edges_of(small: Plane, noise: float) -> Field:
    """Return the edge at each pixel: its strength over the noise, and its direction doubled."""
    smooth = _smooth(small)
    across, down = np.zeros_like(smooth), np.zeros_like(smooth)
    across[:, 1:-1] = smooth[:, 2:] - smooth[:, :-2]
    down[1:-1] = smooth[2:] - smooth[:-2]
    quiet = np.float32(_QUIET + _NOISES * noise)
    steep = across * across + down * down
    share = 1 / (steep + quiet * quiet)
    edges = np.empty(smooth.shape, dtype=np.complex64)
    edges.real = (across * across - down * down) * share
    edges.imag = 2 * across * down * share
    return edges


def cells_of(edges: Field, step: int = CELL) -> Field:
    """Return cells at each `step` pixels, which is a cell's width or half of it."""
    strength = np.abs(edges)
    held = _pooled(edges, step)
    return np.asarray(held / (_pooled(strength, step) + _EMPTY * CELL * CELL), dtype=np.complex64)


def half_cells(edges: Field) -> Field:
    """Return cells at each half of a cell, for finding where one lies now."""
    return cells_of(edges, HALF_CELL)


def _pooled[T: (np.float32, np.complex64)](plane: NDArray[T], step: int) -> NDArray[T]:
    rows: NDArray[T] = plane[::4] + plane[1::4] + plane[2::4] + plane[3::4]
    sums: NDArray[T] = rows[:, ::4] + rows[:, 1::4] + rows[:, 2::4] + rows[:, 3::4]
    whole: NDArray[T] = sums[:-1, :-1] + sums[1:, :-1] + sums[:-1, 1:] + sums[1:, 1:]
    return whole if step == HALF_CELL else whole[::2, ::2]


def _smooth(plane: Plane) -> Plane:
    padded = np.pad(plane, 1, mode="edge")
    rows = padded[:-2] + 2 * padded[1:-1] + padded[2:]
    return np.asarray((rows[:, :-2] + 2 * rows[:, 1:-1] + rows[:, 2:]) / 16, dtype=np.float32)


def _sharpness(fine: Plane, noise: float) -> float | None:
    """Return how much of an edge's whole step lies between two neighbours, for the clearer edges.

    Contrast and brightness cancel out: it is a share of the step itself.
    """
    least = _CONTRAST + _NOISES * 2 * noise
    shares = []
    for plane in (fine, fine.T):
        rows = (plane[::2] + plane[1::2]) / 2
        lowest = highest = rows[:, : 1 - _REACH]
        for at in range(1, _REACH):
            part = rows[:, at : rows.shape[1] - _REACH + 1 + at]
            lowest, highest = np.minimum(lowest, part), np.maximum(highest, part)
        whole = highest - lowest
        slopes = np.abs(np.diff(rows, axis=1))
        steepest = slopes[:, : 2 - _REACH]
        for at in range(1, _REACH - 1):
            steepest = np.maximum(steepest, slopes[:, at : slopes.shape[1] - _REACH + 2 + at])
        clear = whole >= least
        shares.append(steepest[clear] / whole[clear])
    found = np.concatenate(shares)
    if found.size < _EDGES:
        return None
    return float(np.percentile(found, _CLEARER))
