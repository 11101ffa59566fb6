"""Whole quarters of an hour and whole hours, by a clock that may be set while they run."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from .limiter import bucket_of

_SLACK: Final = timedelta(seconds=30)
"""By how much a clock may be set, or a bucket begin late, that still counts as whole."""
_LONGEST_GAP: Final = timedelta(minutes=1)
"""Without a picture, or a word of an entity, in a bucket that still counts as whole."""


@dataclass(frozen=True, slots=True)
class Ended:
    """A bucket that is over; not `whole` where the clock was set, or nothing was seen for a while."""

    since_at: datetime
    whole: bool


class Buckets:
    """Tells when a bucket is over; one thread.

    What began in the middle is never whole: neither the first, nor one that the clock was set back into.
    """

    def __init__(self, length: timedelta) -> None:
        self._length = length
        self._since: datetime | None = None
        self._last: tuple[datetime, float] | None = None
        self._whole = False

    def step(self, at: datetime, elapsed: float) -> Ended | None:
        """Take the time of what comes next; return the bucket that is over, once."""
        since, last = bucket_of(at, self._length), self._last
        self._last = at, elapsed
        if last is None or self._since is None:
            self._since, self._whole = since, at - since <= _SLACK
            return None
        passed = timedelta(seconds=elapsed - last[1])
        steady = abs((at - last[0]) - passed) <= _SLACK and timedelta(0) <= passed <= _LONGEST_GAP
        if since == self._since:
            self._whole = self._whole and steady
            return None
        following = since == self._since + self._length
        ended = Ended(self._since, self._whole and steady and following)
        self._since = since
        self._whole = (steady and following) or at - since <= _SLACK
        return ended
