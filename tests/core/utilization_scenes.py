"""People who walk before a work of a utilization, twice a second, by a clock of their own."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import numpy as np

from custom_components.camera_steward.core.utilization.detection import Box, Frame, Sex, Thing
from custom_components.camera_steward.core.utilization.work import Work

BEGIN = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
STEP = 0.5
GONE = 5
"""Pictures after which nobody is taken for who was there."""

FRAME = Frame(pixels=np.zeros((2, 2, 3), np.uint8), taken_at=BEGIN, elapsed=0.0)

type Place = tuple[float, float]


def person(place: Place, *, age: int | None = None, sex: Sex | None = None) -> Box:
    x, y = place
    return Box(
        thing=Thing.PERSON,
        score=0.9,
        left=x - 0.03,
        right=x + 0.03,
        top=y - 0.2,
        bottom=y,
        age=age,
        sex=sex,
    )


def way(start: Place, end: Place, steps: int) -> list[Place]:
    """Return places from one to another, both included."""
    return [
        (start[0] + (end[0] - start[0]) * at / steps, start[1] + (end[1] - start[1]) * at / steps)
        for at in range(steps + 1)
    ]


@dataclass
class Stage:
    """Shows pictures to a work; `at` is the wall clock and can be set."""

    work: Work
    at: datetime = BEGIN
    elapsed: float = 1000.0
    frame: Frame | None = FRAME
    """None: what is shown is of an entity."""

    seen: Callable[[], None] | None = field(default=None)

    def show(self, boxes: Sequence[Box], count: int = 1) -> None:
        for _ in range(count):
            self.work.take(self.frame, boxes, self.at, self.elapsed)
            self.at += timedelta(seconds=STEP)
            self.elapsed += STEP
            if self.seen is not None:
                self.seen()

    def walk(self, *ways: list[Place], age: int | None = None, sex: Sex | None = None) -> None:
        """Let some walk at once, and be gone."""
        for step in range(max(map(len, ways))):
            self.show([person(each[step], age=age, sex=sex) for each in ways if step < len(each)])
        self.show([], GONE)

    def until(self, minute: int, hour: int = 9) -> None:
        """Let nothing happen until a time of the day."""
        while self.at < BEGIN.replace(hour=hour, minute=minute, second=1):
            self.show([])
