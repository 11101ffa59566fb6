"""What is to be seen in the pedestrian video: counted by a person looking at its pictures one by one.

Pictures are numbered from 0. The video is the public PETS 2009 S2.L1 view 1 (`tests/cameras/pedestrians.py`).
"""

from itertools import chain, repeat
from typing import Final

PERSONS: Final = dict(
    zip(
        range(0, 795, 25),
        (
            *(3, 5, 6, 7, 7, 8, 8, 7, 7, 6, 7, 7, 6, 6, 6, 4),
            *(3, 3, 3, 4, 4, 6, 6, 7, 6, 6, 6, 8, 9, 9, 8, 8),
        ),
        strict=True,
    )
)
"""Persons in the view, each 25th picture.

Who shows head or body counts, also far away, behind the sign, or behind somebody else; a sleeve at the
edge does not. From picture 675 on one is at a car in the upper right corner.
"""

PUBLISHED: Final = tuple(chain(repeat(3, 16), repeat(4, 5), repeat(5, 19), repeat(6, 29)))
"""Persons in the first 69 pictures by the published ground truth."""

PEOPLE: Final = 19
"""How many people there are in the published annotation of the whole sequence."""

HEIGHTS: Final = (((0.35, 0.5315), (0.35, 0.3824)), ((0.51, 0.9622), (0.51, 0.7101)))
"""Feet and heads of two persons, as somebody would set them: the man on the left of picture 0, the woman on the grass of picture 625."""

LINE: Final = ((0.74, 0.85), (0.74, 0.15))
"""Across the road, from below to above: *in* is from the picture's left to its right."""

IN: Final = (113, 119, 126, 175, 189, 363, 378, 385, 473, 498, 611, 721, 731, 737, 778)
OUT: Final = (
    *(10, 44, 51, 137, 154, 187, 225, 250, 258),
    *(419, 453, 506, 602, 632, 672, 674, 722, 741),
)
"""About the picture in which each goes over it. One goes over it and back within ten (731, 741)."""
