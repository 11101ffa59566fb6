"""The clock as a seam: wall time, time since boot, and whether the kernel vouches for it."""

import ctypes
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

_TIME_ERROR = 5
"""Return of adjtimex(2) when the kernel's clock is not synchronised."""


class Clock(Protocol):
    """What the core needs to know of time; safe to call from any thread."""

    def now(self) -> datetime:
        """Return the wall clock, aware, in UTC."""
        ...

    def elapsed(self) -> timedelta:
        """Return time that no clock setting moves and that runs on during suspend."""
        ...

    def synchronised(self) -> bool | None:
        """Return whether the kernel vouches for the wall clock; None where it cannot tell."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """Return the wall clock, aware, in UTC."""
        return datetime.now(UTC)

    def elapsed(self) -> timedelta:
        """Return the time since boot, suspend included where the system can tell."""
        which = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
        return timedelta(microseconds=time.clock_gettime_ns(which) // 1000)

    def synchronised(self) -> bool | None:
        """Ask the kernel by adjtimex(2) without changing anything."""
        try:
            adjtimex = ctypes.CDLL(None, use_errno=True).adjtimex
        except OSError, AttributeError:
            return None
        # struct timex is below 256 bytes on every Linux; its first field `modes` is 0: read only.
        state: int = adjtimex(ctypes.create_string_buffer(512))
        if state < 0:
            return None
        return state != _TIME_ERROR
