"""How fast playback is handed out: hardly faster than it is watched.

A picture that a browser holds cannot be taken back. So that playing ends soon after a role does,
no more than some seconds are ever ahead of it; a browser by itself would fetch minutes.
"""

from datetime import timedelta

AHEAD = timedelta(seconds=8)
"""A role that ends stops what plays within ten seconds (issue of the access rules)."""

_JOIN = timedelta(seconds=1)
_ZERO = timedelta(0)


class Pace:
    """A bucket that fills with what is handed out and drains as time passes; one lock outside."""

    def __init__(self) -> None:
        """Begin with nothing handed out."""
        self._ahead = _ZERO
        self._at: timedelta | None = None
        self._end: timedelta | None = None

    def admit(self, start: timedelta, end: timedelta, now: timedelta) -> timedelta:
        """Take a piece [start, end) of the playback's time; return how long to hold it back.

        A jump begins anew, for whoever jumps has dropped what they held. `now` is time since boot.
        """
        passed = _ZERO if self._at is None else now - self._at
        self._ahead = max(self._ahead - passed, _ZERO)
        self._at = now
        if self._end is None or abs(start - self._end) > _JOIN:
            self._ahead = _ZERO
        self._end = end
        wait = _ZERO
        if self._ahead > _ZERO:
            wait = max(self._ahead + (end - start) - AHEAD, _ZERO)
        self._ahead += end - start
        return wait
