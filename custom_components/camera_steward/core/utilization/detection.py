"""The seam between pictures and what is found in them: a frame goes in, boxes come out, nothing stays.

A box says what and where, at most with an age and a sex that were estimated. It has no place for a
name, a plate, a face's features or anything else that would know a person again (guidebook, 適用対象
前提: other purposes than identifying people).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..errors import StewardError

type Pixels = NDArray[np.uint8]
"""Rows × columns × 3 (red, green, blue), full range."""


class Thing(StrEnum):
    """What is told apart."""

    PERSON = "person"
    BICYCLE = "bicycle"
    CAR = "car"
    """Also trucks, buses, motorcycles."""


class Sex(StrEnum):
    """What was estimated, of what a detector tells."""

    FEMALE = "female"
    MALE = "male"


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One picture in memory; `taken_at` is the clock's, `elapsed` seconds that no clock setting moves."""

    pixels: Pixels = field(repr=False)
    taken_at: datetime
    elapsed: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """Something that was found; edges as fractions of width and height, 0 ≤ left < right ≤ 1.

    `located` is False of what was only counted, elsewhere: its edges are those of the picture.
    """

    thing: Thing
    score: float
    left: float = 0.0
    top: float = 0.0
    right: float = 1.0
    bottom: float = 1.0
    located: bool = True
    age: int | None = None
    sex: Sex | None = None

    @property
    def foot(self) -> tuple[float, float]:
        """Return where it stands: the middle of the lower edge."""
        return (self.left + self.right) / 2, self.bottom


class DetectorError(StewardError):
    """A detector gave nothing that can be used; `detail` holds no address."""

    key = "detector_failed"


class DetectorAwayError(DetectorError):
    """The server does not answer, or too late."""

    key = "detector_away"


class DetectorAnswerError(DetectorError):
    """The answer is none, is too large, or has no sense."""

    key = "detector_answer"


class DetectorIdentityError(DetectorError):
    """The answer knows people or plates by something: that is refused."""

    key = "detector_identity"


class Detector(Protocol):
    """What finds things in pictures; used by one thread. It keeps no picture of a person."""

    def detect(self, frame: Frame) -> Sequence[Box]:
        """Return what is in a picture; raise a `DetectorError`."""
        ...

    def background(self) -> Pixels | None:
        """Return the place as it is without what moves, None where that is not known (yet)."""
        ...

    def close(self) -> None:
        """Let go of everything; harmless when repeated."""
        ...
