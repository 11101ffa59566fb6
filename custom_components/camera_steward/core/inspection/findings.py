"""What an inspection finds, and when it is sure enough to say so."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class FaultKind(StrEnum):
    """What is wrong with what a camera sends."""

    BLACK = "black"
    """No light in the picture at an hour at which there is some."""

    OVEREXPOSED = "overexposed"
    FROZEN = "frozen"
    """The same picture again and again, although the camera sends."""

    BLURRED = "blurred"
    COVERED = "covered"
    """What was to be seen is not there any more."""

    MOVED = "moved"
    """It does not show the approved view."""

    SIZE_CHANGED = "size_changed"
    RATE_CHANGED = "rate_changed"
    GAPS = "gaps"
    """More of the last day is missing than may be."""

    CLOCK = "clock"
    """The camera's own clock goes wrong."""


OF_THE_VIEW = frozenset(
    {
        FaultKind.BLURRED,
        FaultKind.COVERED,
        FaultKind.MOVED,
        FaultKind.SIZE_CHANGED,
        FaultKind.RATE_CHANGED,
    }
)
"""What is found beside the approved view, and is over when another one is approved."""

type Figures = Mapping[str, float | int | str]
"""What was measured, by name: plain numbers, never a picture."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What one look says: what is suspected, what is certainly not so; of all else it cannot tell."""

    suspected: Mapping[FaultKind, Figures] = field(default_factory=dict)
    cleared: Collection[FaultKind] = frozenset()


OPENS_AFTER = 3
"""Looks one after the other that must agree before a finding is told; a product default."""
CLOSES_AFTER = 3
_FROZEN_AFTER = 4


def opens_after(kind: FaultKind) -> int:
    """Return how many looks must agree: a quarter of an hour at the usual pace."""
    return _FROZEN_AFTER if kind is FaultKind.FROZEN else OPENS_AFTER


@dataclass(slots=True)
class Tally:
    """The looks at one camera as far as they agree; a look that cannot tell counts for nothing.

    `open` are the findings that hold, with their beginnings.
    """

    open: dict[FaultKind, datetime] = field(default_factory=dict)
    _for: dict[FaultKind, tuple[int, datetime]] = field(default_factory=dict)
    _against: dict[FaultKind, int] = field(default_factory=dict)

    def take(
        self, verdict: Verdict, at: datetime
    ) -> tuple[list[tuple[FaultKind, datetime]], list[FaultKind]]:
        """Count a look at `at`; return what is to be opened, since the first look, and closed.

        Neither is done here: `open` is the caller's to change once it is on record.
        """
        opening: list[tuple[FaultKind, datetime]] = []
        closing: list[FaultKind] = []
        for kind in verdict.suspected:
            self._against.pop(kind, None)
            count, since = self._for.get(kind, (0, at))
            self._for[kind] = (count + 1, since)
            if kind not in self.open and count + 1 >= opens_after(kind):
                opening.append((kind, since))
        for kind in verdict.cleared:
            self._for.pop(kind, None)
            if kind in self.open:
                self._against[kind] = self._against.get(kind, 0) + 1
                if self._against[kind] >= CLOSES_AFTER:
                    closing.append(kind)
        return opening, closing

    def forget(self, kind: FaultKind) -> None:
        """Begin to count anew, as nothing was found."""
        self.open.pop(kind, None)
        self._for.pop(kind, None)
        self._against.pop(kind, None)
