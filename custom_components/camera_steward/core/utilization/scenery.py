"""Case 4: the state of a scene, such as snow or a full shelf, told by a few labelled moments of it.

Source: the guidebook's application case 4 (signs and how crowded a road is are told; people may be in
the picture and are not looked at). A picture is looked at in 16 × 12 fields alone, in each of which
brightness, colour and how much structure there is are one of 7 steps: no face is in that.
"""

from collections import Counter, deque
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..errors import ViewInvalidError
from ..ledger.entry import Json
from .detection import Box, Frame, Pixels
from .limiter import (
    DESCRIPTION,
    MOST_MOMENTS,
    QUARTER,
    STEPS,
    Limiter,
    bucket_of,
    restored,
    time_of,
)
from .results import SceneryResult
from .view import ViewSettings

COLUMNS: Final = 16
ROWS: Final = 12

_FINE = 10
"""Pixels of a field to each side when it is looked at."""
_EACH = 5.0
"""Seconds from one look to the next."""
_LOOKS = 12
"""The latest of them decide, …"""
_AGREE = 9
"""… if as many agree."""
_TAKEN = 3
"""Pictures of which a moment is made."""
_MARGIN = 0.8
"""How near the nearest label has to be, of the distance of the next."""
_STRANGE = 1.1
"""Steps by which a picture may differ from the nearest moment, on average of all fields."""
_ALL_GREY = 0.97
"""Share of fields without colour above which a picture has none: at night by infrared."""

type _Numbers = NDArray[np.int8]


def described(pixels: Pixels) -> _Numbers:
    """Return what a scene looks like: `DESCRIPTION` numbers from 0 to below `STEPS`.

    Light that grows or fades all over leaves them as they are: brightness is told by how it differs
    from the middle, structure by its share of brightness.
    """
    size = COLUMNS * _FINE, ROWS * _FINE
    small = np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BOX), np.float32)
    luma = small @ np.array([0.299, 0.587, 0.114], np.float32)
    light = np.log(luma + 8)
    fields = _means(light)
    middle = float(np.median(fields))
    spread = max(float(np.mean(np.abs(fields - middle))), 0.1)
    down, across = np.gradient(light)
    structure = np.log1p(_means(np.hypot(down, across)) * 60)
    # Opponent colours, from less red or blue than green to more.
    colours = [_means(small[:, :, each] - small[:, :, 1]) / (_means(luma) + 16) for each in (0, 2)]
    half = [each.reshape(ROWS // 2, 2, COLUMNS // 2, 2).mean(axis=(1, 3)) for each in colours]
    return np.concatenate(
        [
            _steps((fields - middle) / spread, 2.5),
            _steps(structure - 1.5, 1.5),
            *(_steps(each, 0.4) for each in half),
        ]
    )


def _means(plane: NDArray[np.floating]) -> NDArray[np.float32]:
    means: NDArray[np.float32] = plane.reshape(ROWS, _FINE, COLUMNS, _FINE).mean(axis=(1, 3))
    return means


def _steps(values: NDArray[np.floating], most: float) -> _Numbers:
    """Return steps of values from -`most` to `most`; 0 is in the middle of one."""
    middle = (STEPS - 1) / 2
    steps = np.rint((values / most + 1) * middle)
    found: _Numbers = np.clip(steps, 0, STEPS - 1).astype(np.int8).ravel()
    return found


_COLOUR: Final = slice(2 * COLUMNS * ROWS, None)
_MIDDLE: Final = (STEPS - 1) // 2


def _weights(moments: Mapping[str, Sequence[_Numbers]]) -> NDArray[np.float32]:
    """Return how much each number tells of the label.

    Relief (Kira and Rendell, 1992): by how much it differs from the nearest moment of another label,
    over how much it does from the nearest of the same. So what changes with the hour tells little.
    """
    between, within = np.full(DESCRIPTION, 0.1, np.float32), np.full(DESCRIPTION, 0.5, np.float32)
    count = sum(map(len, moments.values()))
    for label, own in moments.items():
        others = [each for other, them in moments.items() if other != label for each in them]
        for at, moment in enumerate(own):
            same = [each for other, each in enumerate(own) if other != at]
            between += _nearest(moment, others) / count
            within += _nearest(moment, same) / count
    weights: NDArray[np.float32] = between / within
    return weights


def _nearest(moment: _Numbers, others: Sequence[_Numbers]) -> NDArray[np.float32]:
    """Return how the one that differs least differs; none differs by nothing."""
    differences = [np.abs(moment - each).astype(np.float32) for each in others]
    return min(differences, key=np.mean, default=np.zeros(DESCRIPTION, np.float32))


def _distance(one: _Numbers, other: _Numbers, weights: NDArray[np.float32]) -> float:
    """Return by how many steps two differ on weighted average; by night colour says nothing."""
    part = slice(None)
    if any(np.mean(each[_COLOUR] == _MIDDLE) > _ALL_GREY for each in (one, other)):
        part = slice(_COLOUR.start)
    return float(np.abs(one - other)[part] @ weights[part] / weights[part].sum())


def label_of(seen: _Numbers, moments: Mapping[str, Sequence[_Numbers]]) -> str | None:
    """Return the label whose moments are nearest; None where it looks like none, or like several."""
    known = {label: each for label, each in moments.items() if each}
    if len(known) < 2:
        return None
    weights, even = _weights(known), np.ones(DESCRIPTION, np.float32)
    nearest = {
        label: min(_distance(seen, each, weights) for each in them) for label, them in known.items()
    }
    first, second = sorted(nearest, key=nearest.__getitem__)[:2]
    strange = min(_distance(seen, each, even) for each in known[first])
    if strange > _STRANGE or nearest[first] > _MARGIN * nearest[second]:
        return None
    return first


class Scenery:
    """The case's `Work`."""

    located = True
    """It looks at pictures itself; what an entity counts is no scene."""

    def __init__(self, view: ViewSettings, kept: Mapping[str, Json], now: datetime) -> None:
        """Go on with what was learnt of the labels that are still there, and with the state."""
        self._limiter = Limiter(view)
        self._labels = view.labels
        self._moments = _restored(kept, view)
        self._learning: tuple[str, tuple[_Numbers, ...]] | None = None
        self._looked_at: float | None = None
        self._looks: deque[str | None] = deque(maxlen=_LOOKS)
        before = restored({each: kept.get(each) for each in ("state", "since_at")}, view)
        state, since_at = before.get("state"), time_of(before.get("since_at"))
        known = isinstance(state, str) and since_at is not None and since_at <= now
        self._state = state if known and isinstance(state, str) else None
        self._since_at = since_at if known else None

    def take(self, frame: Frame | None, boxes: Sequence[Box], at: datetime, elapsed: float) -> None:
        """Look at a picture, unless that was done a moment ago; boxes tell nothing of a scene."""
        del boxes
        learning = self._learning
        passed = None if self._looked_at is None else elapsed - self._looked_at
        if frame is None or (learning is None and passed is not None and 0 <= passed < _EACH):
            return
        self._looked_at = elapsed
        seen = described(frame.pixels)
        if learning is not None:
            self._learn(learning, seen)
            return
        self._looks.append(label_of(seen, self._moments))
        label, count = Counter(self._looks).most_common(1)[0]
        if count >= _AGREE and label != self._state:
            self._state, self._since_at = label, bucket_of(at, QUARTER)

    def _learn(self, learning: tuple[str, tuple[_Numbers, ...]], seen: _Numbers) -> None:
        label, taken = learning[0], (*learning[1], seen)
        if self._learning is not learning:  # somebody began anew meanwhile
            return
        if len(taken) < _TAKEN:
            self._learning = label, taken
            return
        self._learning = None
        moment = np.median(np.stack(taken), axis=0).astype(np.int8)
        moments = (*self._moments.get(label, ()), moment)
        self._moments = {**self._moments, label: moments[-MOST_MOMENTS:]}
        self._looks.clear()

    def result(self) -> SceneryResult:
        """Return the state, and from how many moments each label was learnt."""
        learnt = {label: len(self._moments.get(label, ())) for label in self._labels}
        return SceneryResult(state=self._state, since_at=self._since_at, learnt=learnt)

    def kept(self) -> Mapping[str, Json]:
        """Return what was learnt, and the state."""
        learnt = {
            label: [[int(number) for number in each] for each in moments]
            for label, moments in self._moments.items()
        }
        since_at = self._since_at and self._since_at.isoformat()
        return self._limiter.limited({"learnt": learnt, "state": self._state, "since_at": since_at})

    def learn(self, label: str) -> None:
        """Take the next pictures for one more moment of a label; `ViewInvalidError` where there is none."""
        if label not in self._labels:
            raise ViewInvalidError("label")
        self._learning = label, ()


def _restored(kept: Mapping[str, Json], view: ViewSettings) -> Mapping[str, tuple[_Numbers, ...]]:
    learnt = kept.get("learnt")
    if not isinstance(learnt, Mapping):
        return {}
    # Label by label: one that is gone takes nothing else along.
    found = {}
    for label in view.labels:
        of_label = restored({"learnt": {label: learnt.get(label)}}, view).get("learnt")
        if isinstance(of_label, Mapping):
            found[label] = tuple(np.array(each, np.int8) for each in _rows(of_label[label]))
    return found


def _rows(moments: Json) -> Sequence[Json]:
    return moments if isinstance(moments, list) else []
