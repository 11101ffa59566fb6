"""What a case does with boxes: the seam between the worker and the cases."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from ..ledger.entry import Json
from .detection import Box, Frame
from .results import Result


class Work(Protocol):
    """One case; used by one thread at a time."""

    @property
    def located(self) -> bool:
        """Return whether it needs boxes with a place, so that an entity that only counts cannot do."""
        ...

    def take(self, frame: Frame | None, boxes: Sequence[Box], at: datetime, elapsed: float) -> None:
        """Take in what is in a picture, and hold nothing of the frame (None: of an entity).

        `at` is the clock's, `elapsed` seconds that no clock setting moves.
        """
        ...

    def result(self) -> Result:
        """Return what there is to tell, through the limiter."""
        ...

    def kept(self) -> Mapping[str, Json]:
        """Return what goes on after a restart, through the limiter."""
        ...

    def learn(self, label: str) -> None:
        """Take the next pictures for examples of a state; does nothing but for scenery."""
        ...
