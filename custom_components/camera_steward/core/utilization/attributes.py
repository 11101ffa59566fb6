"""Case 1: who comes, by age and sex as were estimated, and how many wait.

Source: the guidebook's application case 1 (a picture is taken on entering; after attributes were
estimated, picture and features are let go). What a person is guessed to be is one vote, which goes
with the person's track, at the latest with the quarter of an hour.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from statistics import median
from typing import Final

from ..ledger.entry import Json
from .buckets import Buckets
from .counting import Crossings
from .detection import Box, Frame, Sex, Thing
from .limiter import QUARTER, Limiter, counts_of, restored, suppress, time_of
from .results import AgeBand, AttributesResult, Direction
from .tracking import Track, Tracker
from .view import ViewSettings
from .waiting import Queue

ENTRANCE: Final = "entrance"
"""The line at which visitors are counted; without it, whoever is in the picture for a while is one."""

_SHORTEST_VISIT = 2.0
"""Seconds from first to last sight, as of a stay in a zone (case 2): not what shows for a moment."""

_GUESSES = 200
"""Of one person."""


def band_of(age: int) -> AgeBand:
    """Return the band in which an age is counted."""
    if age < 20:
        return AgeBand.UNDER_20
    if age < 40:
        return AgeBand.FROM_20
    return AgeBand.FROM_40 if age < 60 else AgeBand.FROM_60


@dataclass(slots=True)
class _Guesses:
    """What was guessed of one person, who is `counted` in this quarter of an hour."""

    counted: bool = False
    told: bool = False
    """Already in an earlier one."""

    ages: list[int] = field(default_factory=list)
    sexes: list[Sex] = field(default_factory=list)

    def add(self, box: Box) -> None:
        if box.age is not None and len(self.ages) < _GUESSES:
            self.ages.append(box.age)
        if box.sex is not None and len(self.sexes) < _GUESSES:
            self.sexes.append(box.sex)


@dataclass(slots=True)
class _Quarter:
    """What is counted in the quarter of an hour that runs; never kept, never told."""

    visitors: int = 0
    ages: Counter[AgeBand] = field(default_factory=Counter)
    sexes: Counter[Sex] = field(default_factory=Counter)

    def vote(self, guesses: _Guesses) -> None:
        if guesses.ages:
            self.ages[band_of(round(median(guesses.ages)))] += 1
        if guesses.sexes:
            self.sexes[Counter(guesses.sexes).most_common(1)[0][0]] += 1


class Attributes:
    """The case's `Work`.

    Visitors, ages and sexes are of whole quarters of an hour. The queue and what follows from it
    change each minute, of pictures; those of an entity with it.
    """

    located = False

    def __init__(self, view: ViewSettings, kept: Mapping[str, Json], now: datetime) -> None:
        """Go on with what is told of the last quarter, unless that is long ago."""
        self._limiter = Limiter(view)
        self._tracker = Tracker()
        entrance = [each for each in view.lines if each.name == ENTRANCE]
        self._entrance = Crossings(entrance) if entrance else None
        self._queue = Queue(view)
        self._buckets = Buckets(QUARTER)
        self._quarter = _Quarter()
        self._guesses: dict[str, _Guesses] = {}
        self._counts: Counter[Thing | AgeBand | Sex] | None = None
        """Of an entity, as it said last."""
        self._result = _restored(restored(kept, view), now)

    def take(self, frame: Frame | None, boxes: Sequence[Box], at: datetime, elapsed: float) -> None:
        """Count who is new, and who waits."""
        if ended := self._buckets.step(at, elapsed):
            self._end(ended.since_at if ended.whole else None)
        people = [each for each in boxes if each.thing is Thing.PERSON]
        if frame is None:
            self._hear(people)
            self._queue.hear(len(people), elapsed)
        else:
            tracks = self._tracker.update(boxes, elapsed)
            self._watch(tracks)
            self._queue.watch(tracks, elapsed)
        told = self._queue.told
        if told != (self._result.queue, self._result.forecast, self._result.open_till):
            queue, forecast, till = told
            self._result = replace(self._result, queue=queue, forecast=forecast, open_till=till)

    def _watch(self, tracks: Sequence[Track]) -> None:
        """Count new visitors, collect guesses of those who are there, and close those of who is not."""
        there = {each.id for each in tracks}
        for gone in [each for each in self._guesses if each not in there]:
            guesses = self._guesses.pop(gone)
            if guesses.counted and not guesses.told:
                self._quarter.vote(guesses)
        entered = {each.id for each in tracks if each.seen_at - each.since >= _SHORTEST_VISIT}
        if self._entrance is not None:
            entered = {
                track.id for _, track, way in self._entrance.update(tracks) if way is Direction.IN
            }
        for track in (each for each in tracks if each.thing is Thing.PERSON):
            guesses = self._guesses.setdefault(track.id, _Guesses())
            if track.seen and not guesses.told:
                guesses.add(track.box)
            if track.id in entered and not guesses.counted:
                guesses.counted = True
                self._quarter.visitors += 1

    def _hear(self, people: Sequence[Box]) -> None:
        """Count by how much an entity's counts rise.

        It tells nobody from another, so that of a kind only as many are new as it rose by.
        """
        counts = Counter[Thing | AgeBand | Sex]()
        for each in people:
            counts[Thing.PERSON] += 1
            if each.age is not None:
                counts[band_of(each.age)] += 1
            if each.sex is not None:
                counts[each.sex] += 1
        # Who was there before is not new.
        rises = counts - (counts if self._counts is None else self._counts)
        new = rises[Thing.PERSON]
        self._quarter.visitors += new
        self._quarter.ages += _at_most(new, {each: rises[each] for each in AgeBand})
        self._quarter.sexes += _at_most(new, {each: rises[each] for each in Sex})
        self._counts = counts

    def _end(self, since_at: datetime | None) -> None:
        """Tell the quarter of an hour that is over, None where it was not whole."""
        quarter, self._quarter = self._quarter, _Quarter()
        for guesses in self._guesses.values():
            if guesses.counted and not guesses.told:
                quarter.vote(guesses)
                guesses.told = True
            guesses.ages.clear()
            guesses.sexes.clear()
        self._queue.end(whole=since_at is not None)
        ages, sexes, visitors = _UNKNOWN if since_at is None else _suppressed(quarter)
        self._result = replace(
            self._result, since_at=since_at, visitors=visitors, ages=ages, sexes=sexes
        )

    def result(self) -> AttributesResult:
        """Return the last quarter of an hour and the queue."""
        return self._result

    def kept(self) -> Mapping[str, Json]:
        """Return what is told of the last quarter of an hour."""
        last = self._result
        return self._limiter.limited(
            {
                "since_at": last.since_at and last.since_at.isoformat(),
                "visitors": last.visitors,
                "ages": last.ages,
                "sexes": last.sexes,
            }
        )

    def learn(self, label: str) -> None:
        """Do nothing."""


type _Told = tuple[Mapping[AgeBand, int | None], Mapping[Sex, int | None], int | None]


_UNKNOWN: Final[_Told] = (dict.fromkeys(AgeBand), dict.fromkeys(Sex), None)


def _suppressed(quarter: _Quarter) -> _Told:
    ages, total = suppress({each: quarter.ages[each] for each in AgeBand}, quarter.visitors)
    sexes, same = suppress({each: quarter.sexes[each] for each in Sex}, quarter.visitors)
    if total is None or same is None:
        # One of both would tell what the other hides.
        return _UNKNOWN
    # Where a detector estimates nothing, that is not nobody.
    if total and not quarter.ages.total():
        ages = dict.fromkeys(AgeBand)
    if total and not quarter.sexes.total():
        sexes = dict.fromkeys(Sex)
    return ages, sexes, total


def _at_most[K](most: int, counts: Mapping[K, int]) -> Counter[K]:
    """Return counts of which there are no more than this many together, the largest first."""
    found = Counter[K]()
    for key, count in sorted(counts.items(), key=lambda each: -each[1]):
        found[key] = min(count, most)
        most -= found[key]
    return found


def _restored(kept: Mapping[str, Json], now: datetime) -> AttributesResult:
    since_at = time_of(kept.get("since_at"))
    if since_at is None or not QUARTER <= now - since_at <= 2 * QUARTER:
        return AttributesResult()
    visitors = kept.get("visitors")
    return AttributesResult(
        since_at=since_at,
        visitors=visitors if isinstance(visitors, int) else None,
        ages=counts_of(kept.get("ages"), AgeBand),
        sexes=counts_of(kept.get("sexes"), Sex),
    )
