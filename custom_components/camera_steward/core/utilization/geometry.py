"""Points, lines and polygons in a picture, and from there to a floor."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

type Point = tuple[float, float]

_THIN = 1e-4
"""Twice the area of three corners one after another, of that of the picture, that is no corner."""


def side(start: Point, end: Point, point: Point) -> float:
    """Return on which side of a line from `start` to `end` a point is: above 0 on its right.

    As seen in a picture, whose rows go down; the size is twice the area of the triangle.
    """
    return (end[0] - start[0]) * (point[1] - start[1]) - (end[1] - start[1]) * (point[0] - start[0])


def do_cross(first: tuple[Point, Point], second: tuple[Point, Point]) -> bool:
    """Return whether two segments cross, not only touch."""
    one, other = (side(*first, each) for each in second)
    three, four = (side(*second, each) for each in first)
    return one * other < 0 and three * four < 0


def along(start: Point, end: Point, point: Point) -> float:
    """Return how far along a segment a point is: 0 at its start, 1 at its end."""
    across, down = end[0] - start[0], end[1] - start[1]
    length = across * across + down * down
    return ((point[0] - start[0]) * across + (point[1] - start[1]) * down) / length


def area(points: Sequence[Point]) -> float:
    """Return the area of a polygon, above 0 where its points go clockwise in a picture."""
    round_ = [*points, points[0]]
    return sum(a[0] * b[1] - b[0] * a[1] for a, b in pairwise(round_)) / 2


def is_simple(points: Sequence[Point]) -> bool:
    """Return whether a polygon's sides do not cross or touch each other."""
    sides = list(pairwise([*points, points[0]]))
    for at, one in enumerate(sides):
        for other in sides[at + 1 :]:
            if do_cross(one, other):
                return False
            if set(one).isdisjoint(other) and any(
                _is_on(each, *pair) for pair, ends in ((one, other), (other, one)) for each in ends
            ):
                return False
    return len(set(points)) == len(points)


def _is_on(point: Point, start: Point, end: Point) -> bool:
    return abs(side(start, end, point)) < 1e-9 and 0 <= along(start, end, point) <= 1


def is_convex(points: Sequence[Point]) -> bool:
    """Return whether all corners turn the same way, and none is flat."""
    following = [*points[1:], *points[:1]]
    last = [*points[2:], *points[:2]]
    turns = [side(*each) for each in zip(points, following, last, strict=True)]
    # Five corners of a star turn the same way too: its sides cross.
    return (min(turns) > _THIN or max(turns) < -_THIN) and is_simple(points)


def contains(points: Sequence[Point], point: Point) -> bool:
    """Return whether a point is in a polygon."""
    inside = False
    for (ax, ay), (bx, by) in pairwise([*points, points[0]]):
        if (ay > point[1]) != (by > point[1]):
            inside ^= point[0] < ax + (bx - ax) * (point[1] - ay) / (by - ay)
    return inside


def homography(seen: Sequence[Point], drawn: Sequence[Point]) -> NDArray[np.float64]:
    """Return the 3 × 3 matrix from four points of a picture to four of a plan, both convex.

    It is scaled so that the third part of what is seen before the horizon is above 0.
    """
    rows = []
    for (x, y), (u, v) in zip(seen, drawn, strict=True):
        rows.append([x, y, 1, 0, 0, 0, -u * x, -u * y, -u])
        rows.append([0, 0, 0, x, y, 1, -v * x, -v * y, -v])
    matrix: NDArray[np.float64] = np.linalg.svd(np.array(rows))[2][-1].reshape(3, 3)
    middle = np.append(np.mean(np.array(seen), axis=0), 1.0)
    ahead = float(matrix[2] @ middle)
    return matrix / ahead


def mapped(matrix: NDArray[np.float64], point: Point) -> Point | None:
    """Return where a point is on the plan; None on and beyond the horizon."""
    x, y, w = (float(each) for each in matrix @ np.array([*point, 1.0]))
    return (x / w, y / w) if w > 1e-6 else None
