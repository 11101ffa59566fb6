"""Any other case: the most persons at once, by whole quarters of an hour."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from ..ledger.entry import Json
from .buckets import Buckets
from .detection import Box, Frame, Thing
from .limiter import QUARTER, Limiter, restored, time_of
from .results import OtherResult
from .tracking import Tracker
from .view import ViewSettings


class Other:
    """The case's `Work`."""

    located = False

    def __init__(self, view: ViewSettings, kept: Mapping[str, Json], now: datetime) -> None:
        """Go on with what is told of the last quarter, unless that is long ago."""
        self._limiter = Limiter(view)
        self._tracker = Tracker()
        self._buckets = Buckets(QUARTER)
        self._most = 0
        self._result = OtherResult()
        before = restored(kept, view)
        since_at, most = time_of(before.get("since_at")), before.get("most")
        if since_at is not None and QUARTER <= now - since_at <= 2 * QUARTER:
            most = most if isinstance(most, int) else None
            self._result = OtherResult(since_at=since_at, most=most)

    def take(self, frame: Frame | None, boxes: Sequence[Box], at: datetime, elapsed: float) -> None:
        """Count who is there; of pictures whoever was seen twice."""
        del frame
        if ended := self._buckets.step(at, elapsed):
            most = self._most if ended.whole else None
            self._result = OtherResult(since_at=ended.since_at, most=most)
            self._most = 0
        counted = [each for each in boxes if each.thing is Thing.PERSON and not each.located]
        seen = [
            each
            for each in self._tracker.update(boxes, elapsed)
            if each.thing is Thing.PERSON and each.seen
        ]
        self._most = max(self._most, len(counted) + len(seen))

    def result(self) -> OtherResult:
        """Return what is told of the last quarter of an hour."""
        return self._result

    def kept(self) -> Mapping[str, Json]:
        """Return the same, to go on with."""
        since_at, most = self._result.since_at, self._result.most
        return self._limiter.limited({"since_at": since_at and since_at.isoformat(), "most": most})

    def learn(self, label: str) -> None:
        """Do nothing."""
