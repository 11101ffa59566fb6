"""Which segments go, under which rule and why: pure functions of what is stored and the time."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ..model import EraseRule, Segment

MARGIN = timedelta(seconds=5)
"""How much earlier than its limit a segment may go, so that it is gone by then and never after."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The lengths that hold now: one for each known camera, and the site's for any other."""

    cameras: Mapping[str, timedelta]
    default: timedelta

    def of(self, camera: str) -> timedelta:
        """Return a camera's limit; footage whose camera nobody knows is bounded as well."""
        return self.cameras.get(camera, self.default)


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """One segment that goes: by when at the latest, and by which limit."""

    segment: Segment
    rule: EraseRule
    due_at: datetime
    limit: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What goes now, oldest first."""

    erase: tuple[Planned, ...]

    def by_camera(self) -> dict[str, list[Segment]]:
        """Return the segments that go, grouped by camera, oldest first."""
        found: dict[str, list[Segment]] = {}
        for each in self.erase:
            found.setdefault(each.segment.camera, []).append(each.segment)
        return found


def plan(
    segments: Iterable[Segment], limits: Limits, now: datetime, margin: timedelta = MARGIN
) -> Plan:
    """Return what reaches its limit by `now + margin` (INV-1), whatever the order of `segments`.

    Time counts from the oldest frame of a segment, `start_at`; an open segment counts the same.
    Nothing that starts later than `now + margin - limit` is named (INV-2).
    """
    due = [
        Planned(segment=each, rule=EraseRule.RETENTION, due_at=due_at, limit=limit)
        for each in segments
        if (due_at := each.start_at + (limit := limits.of(each.camera))) <= now + margin
    ]
    due.sort(key=lambda each: (each.segment.start_at, each.segment.sequence))
    return Plan(erase=tuple(due))


def next_due(
    oldest: Mapping[str, datetime], limits: Limits, margin: timedelta = MARGIN
) -> datetime | None:
    """Return when the next segment must go, given the oldest start of each camera; None if none."""
    return min(
        (start_at + limits.of(camera) - margin for camera, start_at in oldest.items()),
        default=None,
    )


def overdue(segments: Iterable[Segment], limits: Limits, now: datetime) -> list[Segment]:
    """Return what is kept past its limit, oldest first: it should always be empty."""
    found = [each for each in segments if each.start_at + limits.of(each.camera) < now]
    return sorted(found, key=lambda each: (each.start_at, each.sequence))


def evict(oldest: Sequence[Segment], needed_bytes: int) -> list[Segment]:
    """Return the fewest leading segments that free `needed_bytes`, or all when they do not.

    `oldest` is oldest first; nothing is named when nothing is needed.
    """
    found: list[Segment] = []
    freed_bytes = 0
    for each in oldest:
        if freed_bytes >= needed_bytes:
            break
        found.append(each)
        freed_bytes += each.size_bytes
    return found
