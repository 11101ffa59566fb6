"""From shapes to things: fragments joined, groups split, and told apart by size beside a person's height.

Everything is in pixels of the mask. A person is taken to be `_WIDTH` of the height wide, and to fill
`_FILL` of height times height.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .background import Mask
from .detection import Thing
from .shapes import Shapes

_WIDTH: Final = 0.38
_FILL: Final = 0.2
_SPECK: Final = 0.03
"""Of a person's pixels, what is noise."""
_PART: Final = 0.3
"""Of a person's pixels, what must be seen of one."""
_PART_AT_EDGE: Final = 0.15
_GAP: Final = 0.35
"""Of a height, how far apart two pieces of one person may be, one above the other: a sign hides the rest."""
_WIDEST: Final = 0.62
_TALLEST: Final = 1.25
_FULLEST: Final = 1.6
_UNCOVERED: Final = 0.35
"""What a pixel of a placed person costs that is not there, beside one that is."""
_LEFT: Final = 0.7
_BESIDE: Final = 0.12
_ABOVE: Final = 0.25
_REST: Final = 0.3
"""Of a person's pixels, what must be left to place another."""
_CLEARED: Final = 0.5
"""Of a height, how wide a placed person clears the mask."""
_CROWD: Final = 30
_PIECES: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """Something found; edges in pixels, right and bottom exclusive; `score` up to 1."""

    thing: Thing
    score: float
    left: int
    top: int
    right: int
    bottom: int


@dataclass(slots=True)
class _Piece:
    left: int
    top: int
    right: int
    bottom: int
    area: int
    labels: list[int]

    @property
    def width(self) -> int:
        return self.right - self.left

    @property
    def height(self) -> int:
        return self.bottom - self.top

    def with_(self, other: _Piece) -> _Piece:
        return _Piece(
            min(self.left, other.left),
            min(self.top, other.top),
            max(self.right, other.right),
            max(self.bottom, other.bottom),
            self.area + other.area,
            self.labels + other.labels,
        )


class Figures:
    """What a mask shows; `tall` gives a person's height in pixels for a foot's row."""

    def __init__(self, shapes: Shapes, tall: Callable[[float], float]) -> None:
        self._shapes = shapes
        self._tall = tall
        self._rows, self._columns = shapes.labels.shape

    def found(self) -> list[Figure]:
        """Return all things."""
        return [figure for piece in self._joined() for figure in self._told(piece)]

    def _joined(self) -> list[_Piece]:
        shapes = self._shapes
        pieces = [
            _Piece(
                int(shapes.left[at]),
                int(shapes.top[at]),
                int(shapes.right[at]),
                int(shapes.bottom[at]),
                int(shapes.area[at]),
                [at + 1],
            )
            for at in np.argsort(-shapes.area, kind="stable")[:_PIECES].tolist()
            if shapes.area[at] >= max(_SPECK * _FILL * self._tall(shapes.bottom[at]) ** 2, 3)
        ]
        while True:
            pair = self._pair(pieces)
            if pair is None:
                return pieces
            one, other = pair
            joined = pieces[one].with_(pieces[other])
            pieces = [each for at, each in enumerate(pieces) if at not in pair]
            pieces.append(joined)

    def _pair(self, pieces: Sequence[_Piece]) -> tuple[int, int] | None:
        """Return two that are of one person, the closest."""
        best: tuple[float, int, int] | None = None
        for at, one in enumerate(pieces):
            for other_at in range(at):
                other = pieces[other_at]
                height = self._tall(max(one.bottom, other.bottom))
                gap = max(one.top, other.top) - min(one.bottom, other.bottom)
                apart = max(one.left, other.left) - min(one.right, other.right)
                if gap > _GAP * height or apart > 0.06 * height:
                    continue
                both = one.with_(other)
                if both.height > 1.1 * height or both.width > _WIDEST * height:
                    continue
                if both.area > _FULLEST * _FILL * height**2:
                    continue
                cost = max(gap, 0) + max(apart, 0)
                if best is None or cost < best[0]:
                    best = (cost, other_at, at)
        return None if best is None else best[1:]

    def _told(self, piece: _Piece) -> list[Figure]:
        height = self._tall(piece.bottom)
        person = _FILL * height**2
        at_edge = (
            piece.left == 0
            or piece.right == self._columns
            or piece.top == 0
            or piece.bottom == self._rows
        )
        if piece.area < (_PART_AT_EDGE if at_edge else _PART) * person:
            return []
        if (
            piece.height <= _TALLEST * height
            and piece.width <= _WIDEST * height
            and piece.area <= _FULLEST * person
        ):
            if piece.height < 0.3 * height:
                return []
            return [_figure(Thing.PERSON, piece, piece.area / person)]
        thing = self._vehicle(piece, height)
        if thing is not None:
            return [_figure(thing, piece, 0.8)]
        return self._split(piece)

    def _vehicle(self, piece: _Piece, height: float) -> Thing | None:
        fill = piece.area / (piece.width * piece.height)
        if piece.width >= 1.2 * height and fill >= 0.68 and piece.area >= height**2:
            return Thing.CAR
        if 0.7 * height <= piece.width <= 1.4 * height and 0.8 * height <= piece.height <= 1.25 * height:
            mask = self._mask(piece)
            third = max(piece.height // 3, 1)
            upper = np.count_nonzero(mask[:third].any(axis=0))
            lower = np.count_nonzero(mask[-third:].any(axis=0))
            if upper <= 0.5 * lower:
                return Thing.BICYCLE
        return None

    def _mask(self, piece: _Piece) -> Mask:
        labels = self._shapes.labels[piece.top : piece.bottom, piece.left : piece.right]
        return np.isin(labels, piece.labels)

    def _split(self, piece: _Piece) -> list[Figure]:
        """Place persons one after the other where most of the group is that none has taken yet."""
        rest = self._mask(piece)
        found: list[Figure] = []
        while len(found) < _CROWD:
            placed = self._placed(rest, piece)
            if placed is None:
                break
            figure, wide = placed
            found.append(figure)
            middle = (figure.left + figure.right) / 2 - piece.left
            left = max(round(middle - wide / 2), 0)
            rest[
                max(figure.top - piece.top, 0) : figure.bottom - piece.top,
                left : max(round(middle + wide / 2), 0),
            ] = False
        return found

    def _placed(self, rest: Mask, piece: _Piece) -> tuple[Figure, float] | None:
        sums = _sums(rest)
        rows, columns = rest.shape
        best: tuple[float, int, int, int, int, float] | None = None
        step = max(round(self._tall(piece.bottom) / 30), 1)
        for bottom in range(rows, 0, -step):
            tall = self._tall(piece.top + bottom)
            high, wide = round(tall), max(round(_WIDTH * tall), 1)
            top = bottom - high
            lefts = np.arange(-(wide // 2), columns - wide // 2 + 1)
            starts, ends = np.clip(lefts, 0, columns), np.clip(lefts + wide, 0, columns)
            above, under = sums[max(top, 0)], sums[bottom]
            covered = under[ends] - under[starts] - above[ends] + above[starts]
            at = int(np.argmax(covered))
            here = int(covered[at])
            if here < _REST * _FILL * tall**2:
                continue
            side, over = round(_BESIDE * tall), round(_ABOVE * tall)
            outer = (
                np.clip(lefts[at] - side, 0, columns),
                np.clip(lefts[at] + wide + side, 0, columns),
            )
            up, down = max(top - over, 0), min(bottom + over, rows)
            around = int(
                sums[down][outer[1]] - sums[down][outer[0]] - sums[up][outer[1]] + sums[up][outer[0]]
            )
            score = here - _UNCOVERED * (high * wide - here) - _LEFT * (around - here)
            if best is None or score > best[0]:
                best = (score, int(starts[at]), int(ends[at]), max(top, 0), bottom, tall)
        if best is None:
            return None
        _, left, right, top, bottom, tall = best
        box = rest[top:bottom, left:right]
        ys, xs = np.nonzero(box.any(axis=1))[0], np.nonzero(box.any(axis=0))[0]
        figure = Figure(
            thing=Thing.PERSON,
            score=min(np.count_nonzero(box) / (_FILL * tall**2), 1.0),
            left=piece.left + left + int(xs[0]),
            right=piece.left + left + int(xs[-1]) + 1,
            top=piece.top + top + int(ys[0]),
            bottom=piece.top + top + int(ys[-1]) + 1,
        )
        return figure, _CLEARED * tall


def _figure(thing: Thing, piece: _Piece, score: float) -> Figure:
    return Figure(
        thing=thing,
        score=min(score, 1.0),
        left=piece.left,
        top=piece.top,
        right=piece.right,
        bottom=piece.bottom,
    )


def _sums(mask: Mask) -> NDArray[np.int64]:
    sums = np.zeros((mask.shape[0] + 1, mask.shape[1] + 1), dtype=np.int64)
    np.cumsum(np.cumsum(mask, axis=0), axis=1, out=sums[1:, 1:])
    return sums
