"""What one look at a camera says, beside the approved view and what was seen at this hour before."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from .features import Features
from .findings import FaultKind, Figures, Verdict
from .views import Match, View, match

_DARK = 0.97
_LONG_DARK = timedelta(hours=20)
"""Longer than any night where people live but those of the far north."""
_BLOWN_OUT = 0.6
_FLAT = 0.03
_KEPT, _GONE = 0.4, 0.3
_SOME, _RICH = 0.1, 0.5
"""Shares of the approved view's structure."""
_SURELY = 5.0
"""How many deviations a likeness must lie from those that mean nothing."""
_BETTER = 1.25
_BY_CHANCE = 2.0
_MOVED = 0.03
"""What is less is wind, or heat in the mount; a share of the picture's width."""
_SOFT = 0.6
"""A share of the sharpness that is to be expected."""
_SLOW = 2.5
_USUAL, _ALMOST_USUAL = 0.85, 0.7
_DAYS = 18
"""Looks within one hour of the day before that hour is known: a day and a half at the usual pace."""
_WEIGHT = 36
"""Looks that a memory reaches back over: three days at the usual pace."""
_LIT = 0.6
_COLOURED = 0.4
_LEARN = 0.05


@dataclass(slots=True)
class Hour:
    """What is usual at an hour of the day (UTC): how often the view is recognised, how sharp it is."""

    looks: int = 0
    recognised: float = 0.0
    sharpness: float | None = None

    def learn(self, recognised: bool, sharpness: float | None) -> None:
        """Remember a look."""
        self.looks += 1
        part = 1 / min(self.looks, _WEIGHT)
        self.recognised += part * (recognised - self.recognised)
        if sharpness is not None and recognised:
            held = sharpness if self.sharpness is None else self.sharpness
            self.sharpness = held + part * (sharpness - held)


@dataclass(slots=True)
class Memory:
    """What is remembered of one camera, none of it a picture; it outlives a restart.

    `weights` say for each cell how far it can be relied on: trees, and what people pass by, less.
    `rate` are the pictures a second at approval. `wanted_since` is when a view was approved that
    could not be described yet, `looked_at` when the camera was looked at last.
    """

    view: View | None = None
    weights: NDArray[np.float32] = field(default_factory=lambda: np.ones((1, 1), np.float32))
    hours: list[Hour] = field(default_factory=lambda: [Hour() for _ in range(24)])
    rate: float | None = None
    dark_since: datetime | None = None
    wanted_since: datetime | None = None
    looked_at: datetime | None = None

    def approve(self, view: View, rate: float | None) -> None:
        """Take another view for the approved one, and forget what was usual of the last."""
        self.view, self.rate, self.wanted_since = view, rate, None
        self.weights = np.ones(view.cells.shape, np.float32)
        self.hours = [Hour() for _ in range(24)]

    def usual(self, at: datetime) -> bool:
        """Return whether the view is recognised at this hour, and about as well at those beside it."""
        before, now, after = (self.hours[(at.hour + each) % 24] for each in (-1, 0, 1))
        return (
            min(before.looks, now.looks, after.looks) >= _DAYS
            and now.recognised >= _USUAL
            and min(before.recognised, after.recognised) >= _ALMOST_USUAL
        )

    def usual_sharpness(self, at: datetime) -> float | None:
        """Return the least of what is usual at this hour and those beside it; None if not known."""
        around = [self.hours[(at.hour + each) % 24] for each in (-1, 0, 1)]
        known = [each.sharpness for each in around if each.sharpness is not None]
        if len(known) < len(around) or min(each.looks for each in around) < _DAYS:
            return None
        return min(known)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One look: when, what is seen, the picture's size as sent and pictures a second if known.

    `same` is whether it is the very picture of the look before; None when there was none.
    """

    at: datetime
    features: Features
    width: int
    height: int
    rate: float | None = None
    same: bool | None = None


class _Saying:
    """A verdict in the making."""

    def __init__(self) -> None:
        self.suspected: dict[FaultKind, Figures] = {}
        self.cleared: set[FaultKind] = set()

    def say(self, kind: FaultKind, found: bool, /, **figures: float | str) -> None:
        if found:
            self.suspected[kind] = figures
        else:
            self.cleared.add(kind)


def judge(seen: Seen, memory: Memory) -> Verdict:
    """Judge a look, and learn from it where it shows nothing that is suspected."""
    saying = _Saying()
    view, features = memory.view, seen.features
    if view is not None:
        _compare_stream(saying, seen, view, memory)
    lit = view is not None and _lit(features, view)
    dark = features.dark >= _DARK
    memory.dark_since = (memory.dark_since or seen.at) if dark else None
    expected = view is not None and (lit or memory.usual(seen.at))
    if memory.dark_since is not None:
        if expected or seen.at - memory.dark_since >= _LONG_DARK:
            saying.say(FaultKind.BLACK, True, brightness=round(features.brightness, 1))
    else:
        saying.say(FaultKind.BLACK, False)
    blown_out = features.bright >= _BLOWN_OUT
    saying.say(FaultKind.OVEREXPOSED, blown_out, share=round(features.bright, 2))
    if seen.same is not None and features.structure >= _FLAT:
        saying.say(FaultKind.FROZEN, seen.same)
    recognised = False
    if view is not None and not dark and not blown_out:
        recognised = _compare(saying, seen, view, memory, expected=expected, lit=lit)
    if view is not None and not saying.suspected:
        memory.hours[seen.at.hour].learn(recognised, features.sharpness)
    return Verdict(suspected=saying.suspected, cleared=frozenset(saying.cleared))


def _bright(features: Features, view: View) -> bool:
    """Return whether there is as much light as when the view was approved, or a lamp of its own."""
    return features.brightness >= _LIT * view.brightness and features.noise <= 2 * view.noise + 1


def _lit(features: Features, view: View) -> bool:
    """Return whether it is as light as when the view was approved: a picture in grey is of a night."""
    return _bright(features, view) and features.colour >= _COLOURED * view.colour


def _compare_stream(saying: _Saying, seen: Seen, view: View, memory: Memory) -> None:
    sent = f"{seen.width}x{seen.height}"
    approved = f"{view.width}x{view.height}"
    saying.say(FaultKind.SIZE_CHANGED, sent != approved, now=sent, approved=approved)
    if seen.rate and memory.rate:
        ratio = seen.rate / memory.rate
        saying.say(
            FaultKind.RATE_CHANGED,
            not 1 / _SLOW <= ratio <= _SLOW,
            now=round(seen.rate, 1),
            approved=round(memory.rate, 1),
        )


def _compare(
    saying: _Saying, seen: Seen, view: View, memory: Memory, *, expected: bool, lit: bool
) -> bool:
    """Compare with the approved view; return whether that is recognised in its place."""
    features = seen.features
    found = match(view, features, memory.weights)
    if found is None:
        return False
    nothing = features.structure < _SOME * view.structure
    elsewhere = (
        found.pose.moved >= _MOVED
        and not nothing
        and found.sure(found.best) >= _SURELY
        and found.best >= _BETTER * found.here
        and found.best - found.here >= _BY_CHANCE * found.chance
    )
    recognised = not elsewhere and found.sure(found.here) >= _SURELY
    if elsewhere:
        saying.say(FaultKind.MOVED, True, **_placed(found))
    elif recognised:
        saying.say(FaultKind.MOVED, False)
    elif expected and features.structure >= _RICH * view.structure:
        saying.say(FaultKind.MOVED, True, **_placed(found))
    if not elsewhere:
        if recognised and found.kept >= _KEPT:
            saying.say(FaultKind.COVERED, False)
        elif found.kept < _GONE and (expected or (_bright(features, view) and nothing)):
            saying.say(FaultKind.COVERED, True, kept=round(found.kept, 2))
    if recognised:
        _compare_sharpness(saying, seen, view, memory, lit=lit)
        _learn_cells(memory, found)
    return recognised


def _placed(found: Match) -> dict[str, float | str]:
    pose = found.pose
    return {
        "likeness": round(found.here, 2),
        "best": round(found.best, 2),
        "across": round(pose.across, 3),
        "down": round(pose.down, 3),
        "angle": pose.angle,
        "scale": pose.scale,
    }


def _compare_sharpness(
    saying: _Saying, seen: Seen, view: View, memory: Memory, *, lit: bool
) -> None:
    wanted = view.sharpness if lit else memory.usual_sharpness(seen.at)
    now = seen.features.sharpness
    if wanted is None or now is None:
        return
    saying.say(FaultKind.BLURRED, now < _SOFT * wanted, now=round(now, 2), usual=round(wanted, 2))


def _learn_cells(memory: Memory, found: Match) -> None:
    """Rely less on cells where edges go another way each time."""
    known = np.isfinite(found.agreement)
    wanted = np.clip(found.agreement, 0, 1)
    weights = memory.weights
    weights[known] += _LEARN * (wanted[known] - weights[known])
