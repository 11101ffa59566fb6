"""A street that was never there, by day and by night, and a camera whose looks are judged."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from custom_components.camera_steward.core.inspection.features import (
    WIDTH,
    Features,
    Luma,
    features_of,
)
from custom_components.camera_steward.core.inspection.findings import FaultKind, Tally, Verdict
from custom_components.camera_steward.core.inspection.judge import Memory, Seen, judge
from custom_components.camera_steward.core.inspection.views import View

HEIGHT = 352
SIZE = (1920, 1056)
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
EVERY = timedelta(minutes=5)
COLOUR = 20.0

type Canvas = NDArray[np.float32]


@lru_cache(maxsize=8)
def street(seed: int = 1) -> Canvas:
    """Return walls, windows, kerbs and posts, with room around what a camera sees of it."""
    rng = np.random.default_rng(seed)
    canvas = np.full((HEIGHT * 5 // 4, WIDTH * 5 // 4), 140, np.float32)
    rows, columns = np.mgrid[0 : canvas.shape[0], 0 : canvas.shape[1]]
    for _ in range(60):  # each over those before
        y, x = rng.uniform(0, canvas.shape[0]), rng.uniform(0, canvas.shape[1])
        high, wide, turn = rng.uniform(8, 50), rng.uniform(8, 70), rng.uniform(-0.6, 0.6)
        reach = int(np.hypot(high, wide)) + 1
        part = np.s_[
            max(int(y) - reach, 0) : int(y) + reach, max(int(x) - reach, 0) : int(x) + reach
        ]
        down = (rows[part] - y) * np.cos(turn) + (columns[part] - x) * np.sin(turn)
        across = (columns[part] - x) * np.cos(turn) - (rows[part] - y) * np.sin(turn)
        canvas[part][(np.abs(down) < high) & (np.abs(across) < wide)] = rng.uniform(20, 235)
    return canvas


def seen_from(
    canvas: Canvas, *, across: float = 0.0, angle: float = 0.0, scale: float = 1.0
) -> Canvas:
    """Return what a camera sees of it after it was moved: a share of the width, degrees, times."""
    high, wide = canvas.shape
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    y, x = (rows - HEIGHT / 2) / scale, (columns - WIDTH / 2) / scale + across * WIDTH
    turn = np.radians(angle)
    down = np.cos(turn) * y + np.sin(turn) * x + high / 2
    over = np.cos(turn) * x - np.sin(turn) * y + wide / 2
    row = np.clip(down, 0, high - 1.01)
    column = np.clip(over, 0, wide - 1.01)
    low, left = row.astype(int), column.astype(int)
    below, right = row - low, column - left
    upper = canvas[low, left] * (1 - right) + canvas[low, left + 1] * right
    lower = canvas[low + 1, left] * (1 - right) + canvas[low + 1, left + 1] * right
    return np.asarray(upper * (1 - below) + lower * below, dtype=np.float32)


def sent(
    seen: Canvas, *, gain: float = 1.0, offset: float = 0.0, noise: float = 1.5, seed: int = 0
) -> Luma:
    """Return it as a camera sends it."""
    grain = np.random.default_rng(seed).normal(0, noise, seen.shape)
    return np.clip(seen * gain + offset + grain, 0, 255).astype(np.uint8)


def out_of_focus(seen: Canvas, radius: int = 4) -> Canvas:
    """Return it blurred."""
    for axis in (0, 1):
        for _ in range(2):
            rolled = [np.roll(seen, by, axis) for by in range(-radius, radius + 1)]
            seen = np.mean(rolled, axis=0, dtype=np.float32)
    return seen


@dataclass
class Camera:
    """A camera whose view was approved at noon; `at` is when it is looked at next."""

    canvas: Canvas = field(default_factory=street)
    memory: Memory = field(default_factory=Memory)
    tally: Tally = field(default_factory=Tally)
    at: datetime = NOON
    looks: int = 0

    def __post_init__(self) -> None:
        features = self.features(sent(seen_from(self.canvas)))
        self.memory.approve(View.of(features, *SIZE), 15.0)

    def features(self, luma: Luma, colour: float = COLOUR) -> Features:
        return features_of(luma, colour)

    def look(
        self,
        seen: Canvas | None = None,
        *,
        gain: float = 1.0,
        offset: float = 0.0,
        noise: float = 1.5,
        colour: float = COLOUR,
        size: tuple[int, int] = SIZE,
        rate: float = 15.0,
        same: bool | None = None,
    ) -> Verdict:
        """Look once; what is found is opened and closed as the inspector does."""
        self.looks += 1
        picture = seen_from(self.canvas) if seen is None else seen
        luma = sent(picture, gain=gain, offset=offset, noise=noise, seed=self.looks)
        verdict = judge(
            Seen(
                at=self.at,
                features=self.features(luma, colour),
                width=size[0],
                height=size[1],
                rate=rate,
                same=same,
            ),
            self.memory,
        )
        opening, closing = self.tally.take(verdict, self.at)
        self.tally.open.update(opening)
        for kind in closing:
            del self.tally.open[kind]
        self.at += EVERY
        return verdict

    @property
    def found(self) -> set[FaultKind]:
        """Return the findings that hold."""
        return set(self.tally.open)

    def knows_its_hours(self) -> None:
        """Let it have seen the view at every hour of some days."""
        view = self.memory.view
        assert view is not None
        for hour in self.memory.hours:
            hour.looks, hour.recognised, hour.sharpness = 36, 1.0, view.sharpness
