"""From shapes to things: fragments joined, groups split, and told apart by size beside a person's height.

Everything is in pixels of the mask, or in shares of a person: of the height at the feet there, or of the
pixels of a person, which are `_FILL` of the height squared.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .background import Mask
from .detection import Thing
from .shapes import Shapes
from .stature import Rows, Stature

_WIDTH: Final = 0.38
"""Of the height, how wide a person is."""
_FILL: Final = 0.2
_SPECK: Final = 0.03
"""Of a person's pixels: less is noise."""
_PART: Final = 0.3
_PART_AT_EDGE: Final = 0.15
"""Of a person's pixels: less is nobody, in the picture and at its edge."""
_LOWEST: Final = 0.3
_TALLEST: Final = 1.25
_WIDEST: Final = 0.62
_FULLEST: Final = 1.6
"""What may be one person: height and width of the height, pixels of a person's."""
_OVER: Final = 0.35
_BESIDE: Final = 0.06
_JOINED: Final = 1.1
"""How far apart pieces of one person may be, one over the other (a sign or a car hides the rest) or
side by side, and how tall they may be together."""
_PERSON_LIKE: Final = (1.4, 5.0)
"""Height by width, of what is a person while heights are not known."""

_MISSING: Final = 0.35
"""What a pixel costs that a placed person should have, beside one that is there."""
_LEFT_OVER: Final = 0.7
"""What a pixel costs that is close around a placed person."""
_AROUND: Final = (0.12, 0.25)
"""Of the height, how far to the sides, and over and under, that is."""
_REST: Final = 0.27
"""Of a person's pixels, what nobody has yet, to place another."""
_CLEARED: Final = 0.46
"""Of the height, how wide a placed person takes everything."""
_CROWD: Final = 30
_PIECES: Final = 64
"""How many pieces are looked at, the largest: what is more is rain, snow or leaves."""

_CAR: Final = (1.2, 0.68, 1.0)
"""Width of the height, how full its box is, and pixels of the height squared."""
_BICYCLE: Final = (0.7, 1.4, 0.8, 1.25)
"""Width and height of the height, least and most."""
_RIDER: Final = 0.5
"""How wide its upper third is, beside its lower."""

type _Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """Something found; edges in pixels, right and bottom exclusive; `score` up to 1."""

    thing: Thing
    score: float
    left: int
    top: int
    right: int
    bottom: int


@dataclass(frozen=True, slots=True)
class _Piece:
    left: int
    top: int
    right: int
    bottom: int
    area: int
    labels: tuple[int, ...]

    @property
    def width(self) -> int:
        return self.right - self.left

    @property
    def height(self) -> int:
        return self.bottom - self.top

    def __add__(self, other: _Piece) -> _Piece:
        return _Piece(
            min(self.left, other.left),
            min(self.top, other.top),
            max(self.right, other.right),
            max(self.bottom, other.bottom),
            self.area + other.area,
            self.labels + other.labels,
        )


class Figures:
    """What the shapes of one mask are."""

    def __init__(self, shapes: Shapes, stature: Stature) -> None:
        self._shapes = shapes
        self._stature = stature
        self._rows: int = shapes.labels.shape[0]
        self._columns: int = shapes.labels.shape[1]

    def found(self) -> list[Figure]:
        """Return all things."""
        return [figure for piece in self._pieces() for figure in self._told(piece)]

    def _tall(self, row: float) -> float:
        return self._stature.at(row / self._rows) * self._rows

    def _tall_all(self, rows: Rows) -> Rows:
        return self._stature.at_all(rows / self._rows) * self._rows

    def _pieces(self) -> list[_Piece]:
        """Return shapes, those joined that are of one person."""
        shapes = self._shapes
        least = _SPECK * _FILL * self._tall_all(shapes.bottom.astype(np.float64)) ** 2
        pieces = [
            _Piece(
                int(shapes.left[at]),
                int(shapes.top[at]),
                int(shapes.right[at]),
                int(shapes.bottom[at]),
                int(shapes.area[at]),
                (at + 1,),
            )
            for at in np.argsort(-shapes.area, kind="stable")[:_PIECES].tolist()
            if shapes.area[at] >= least[at]
        ]
        while (pair := self._closest(pieces)) is not None:
            one, other = pair
            joined = pieces[one] + pieces[other]
            pieces = [each for at, each in enumerate(pieces) if at not in pair]
            pieces.append(joined)
        return pieces

    def _closest(self, pieces: list[_Piece]) -> tuple[int, int] | None:
        """Return the two that are closest of those that can be of one person."""
        if len(pieces) < 2:
            return None
        left, top, right, bottom, area = np.array(
            [(each.left, each.top, each.right, each.bottom, each.area) for each in pieces]
        ).T
        low = np.maximum.outer(bottom, bottom)
        tall = self._tall_all(low.astype(np.float64))
        over = np.maximum.outer(top, top) - np.minimum.outer(bottom, bottom)
        beside = np.maximum.outer(left, left) - np.minimum.outer(right, right)
        wide = np.maximum.outer(right, right) - np.minimum.outer(left, left)
        high = low - np.minimum.outer(top, top)
        fits = (
            (over <= _OVER * tall)
            & (beside <= _BESIDE * tall)
            & (high <= _JOINED * tall)
            & (wide <= _WIDEST * tall)
            & (np.add.outer(area, area) <= _FULLEST * _FILL * tall**2)
        )
        np.fill_diagonal(fits, val=False)
        if not fits.any():
            return None
        apart = np.where(fits, np.maximum(over, 0) + np.maximum(beside, 0), np.inf)
        one, other = divmod(int(np.argmin(apart)), len(pieces))
        return one, other

    def _told(self, piece: _Piece) -> list[Figure]:
        tall = self._tall(piece.bottom)
        whole = _FILL * tall**2
        if not self._stature.known and self._like_person(piece):
            return [_figure(Thing.PERSON, piece, _PART)]
        at_edge = (
            min(piece.left, piece.top) == 0
            or piece.right == self._columns
            or piece.bottom == self._rows
        )
        if piece.area < (_PART_AT_EDGE if at_edge else _PART) * whole:
            return []
        if (
            piece.height <= _TALLEST * tall
            and piece.width <= _WIDEST * tall
            and piece.area <= _FULLEST * whole
        ):
            if piece.height < _LOWEST * tall:
                return []
            return [_figure(Thing.PERSON, piece, piece.area / whole)]
        thing = self._vehicle(piece, tall)
        if thing is not None:
            return [_figure(thing, piece, 1.0)]
        return self._split(piece)

    def _like_person(self, piece: _Piece) -> bool:
        least, most = _PERSON_LIKE
        return least * piece.width <= piece.height <= most * piece.width

    def _vehicle(self, piece: _Piece, tall: float) -> Thing | None:
        wide, full, area = _CAR
        if (
            piece.width >= wide * tall
            and piece.area >= full * piece.width * piece.height
            and piece.area >= area * tall**2
        ):
            return Thing.CAR
        narrow, wide, low, high = _BICYCLE
        if not (
            narrow * tall <= piece.width <= wide * tall
            and low * tall <= piece.height <= high * tall
        ):
            return None
        mask = self._mask(piece)
        third = max(piece.height // 3, 1)
        upper = np.count_nonzero(mask[:third].any(axis=0))
        lower = np.count_nonzero(mask[-third:].any(axis=0))
        return Thing.BICYCLE if upper <= _RIDER * lower else None

    def _mask(self, piece: _Piece) -> Mask:
        labels = self._shapes.labels[piece.top : piece.bottom, piece.left : piece.right]
        return np.isin(labels, piece.labels)

    def _split(self, piece: _Piece) -> list[Figure]:
        """Place persons one after the other, each where most is that nobody has yet."""
        rest = self._mask(piece)
        found: list[Figure] = []
        while len(found) < _CROWD:
            place = self._place(rest, piece)
            if place is None:
                break
            middle, foot, tall = place
            top, bottom = max(round(foot - tall), 0), round(foot)
            left, right = _span(middle, _WIDTH * tall)
            box = rest[top:bottom, left:right]
            rows, columns = np.nonzero(box.any(axis=1))[0], np.nonzero(box.any(axis=0))[0]
            found.append(
                Figure(
                    thing=Thing.PERSON,
                    score=min(float(np.count_nonzero(box)) / (_FILL * tall**2), 1.0),
                    left=piece.left + left + int(columns[0]),
                    top=piece.top + top + int(rows[0]),
                    right=piece.left + left + int(columns[-1]) + 1,
                    bottom=piece.top + top + int(rows[-1]) + 1,
                )
            )
            left, right = _span(middle, _CLEARED * tall)
            rest[top:bottom, left:right] = False
        return found

    def _place(self, rest: Mask, piece: _Piece) -> tuple[float, float, float] | None:
        """Return the middle column, the foot's row and the height of the best person, if any."""
        filled = np.nonzero(rest.any(axis=0))[0]
        if not len(filled):
            return None
        # In each column somebody may stand where it ends, or have the head where it begins.
        ends = rest.shape[0] - np.argmax(rest[::-1, filled], axis=0).astype(np.float64)
        heads = np.argmax(rest[:, filled], axis=0).astype(np.float64)
        under = heads
        for _ in range(3):
            under = heads + self._tall_all(piece.top + under)
        feet, middles = np.concatenate([ends, under]), np.tile(filled + 0.5, 2)
        tall = self._tall_all(piece.top + feet)
        sums = _sums(rest)

        def within(beside: float, over: float) -> _Numbers:
            half = (_WIDTH / 2 + beside) * tall
            left, right = _clipped(middles - half, middles + half, rest.shape[1])
            top, bottom = _clipped(feet - (1 + over) * tall, feet + over * tall, rest.shape[0])
            return sums[bottom, right] - sums[bottom, left] - sums[top, right] + sums[top, left]

        has = within(0, 0)
        score = has - _MISSING * (_WIDTH * tall**2 - has) - _LEFT_OVER * (within(*_AROUND) - has)
        score[has < np.maximum(_REST * _FILL * tall**2, 1)] = -np.inf
        best = int(np.argmax(score))
        if score[best] == -np.inf:
            return None
        return float(middles[best]), float(feet[best]), float(tall[best])


def _span(middle: float, wide: float) -> tuple[int, int]:
    return max(round(middle - wide / 2), 0), max(round(middle + wide / 2), 0)


def _clipped(first: Rows, last: Rows, most: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    return (
        np.clip(np.rint(first), 0, most).astype(np.intp),
        np.clip(np.rint(last), 0, most).astype(np.intp),
    )


def _figure(thing: Thing, piece: _Piece, score: float) -> Figure:
    return Figure(
        thing=thing,
        score=min(score, 1.0),
        left=piece.left,
        top=piece.top,
        right=piece.right,
        bottom=piece.bottom,
    )


def _sums(mask: Mask) -> _Numbers:
    """Return how many pixels are above and to the left of each corner."""
    sums = np.zeros((mask.shape[0] + 1, mask.shape[1] + 1), dtype=np.int64)
    np.cumsum(np.cumsum(mask, axis=0), axis=1, out=sums[1:, 1:])
    return sums
