"""Connected shapes of a mask, by runs of each row joined with those of the row above."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .background import Mask

type Labels = NDArray[np.int32]

_MOST: Final = 4
"""Of the nine pixels at and around one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shapes:
    """All shapes of a mask: edges in pixels (right and bottom exclusive) and areas, by label from 1.

    `labels` is 0 where there is none.
    """

    labels: Labels
    left: NDArray[np.intp]
    top: NDArray[np.intp]
    right: NDArray[np.intp]
    bottom: NDArray[np.intp]
    area: NDArray[np.intp]


def cleaned(mask: Mask) -> Mask:
    """Return it without specks, and with small holes filled: what most of a pixel's neighbours are."""
    padded = np.pad(mask, 1).view(np.uint8)
    rows = padded[:-2] + padded[1:-1] + padded[2:]
    return np.asarray(rows[:, :-2] + rows[:, 1:-1] + rows[:, 2:] >= _MOST)


def shapes_of(mask: Mask) -> Shapes:
    """Find them; pixels that touch by a side or a corner belong together."""
    rows, columns = mask.shape
    padded = np.zeros((rows, columns + 2), dtype=np.int8)
    padded[:, 1:-1] = mask
    steps = np.diff(padded, axis=1)
    row, begin = np.nonzero(steps == 1)
    _, end = np.nonzero(steps == -1)
    count = len(row)
    root = _joined(row, begin, end, columns, count)
    names, number = np.unique(root, return_inverse=True)
    found = len(names)
    left, top = np.full(found, columns), np.full(found, rows)
    right, bottom = np.zeros(found, dtype=np.intp), np.zeros(found, dtype=np.intp)
    np.minimum.at(left, number, begin)
    np.maximum.at(right, number, end)
    np.minimum.at(top, number, row)
    np.maximum.at(bottom, number, row + 1)
    area = np.bincount(number, weights=end - begin, minlength=found).astype(np.intp)
    labels = np.zeros((rows, columns), dtype=np.int32)
    labels[mask] = np.repeat(number + 1, end - begin)
    return Shapes(labels=labels, left=left, top=top, right=right, bottom=bottom, area=area)


def _joined(
    row: NDArray[np.intp],
    begin: NDArray[np.intp],
    end: NDArray[np.intp],
    columns: int,
    count: int,
) -> NDArray[np.intp]:
    """Return for each run the lowest number of a run that it hangs together with."""
    # Runs on one long line, a row after the other: those that touch from the row above are a span.
    line = row * (columns + 2)
    first = np.searchsorted(line + end, line + begin - (columns + 2), side="left")
    past = np.searchsorted(line + begin, line + end - (columns + 2), side="right")
    touching = np.maximum(past - first, 0)
    below = np.repeat(np.arange(count), touching)
    offsets = np.arange(len(below)) - np.repeat(np.cumsum(touching) - touching, touching)
    above = np.repeat(first, touching) + offsets
    root: NDArray[np.intp] = np.arange(count)
    while True:
        before = root.copy()
        lower = np.minimum(root[below], root[above])
        np.minimum.at(root, root[below], lower)
        np.minimum.at(root, root[above], lower)
        root = root[root]
        if np.array_equal(root, before):
            return root
