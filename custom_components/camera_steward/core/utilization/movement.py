"""Case 2: how visitors move on a floor, and where they stay, as counts in cells and seconds in zones.

Source: the guidebook's application case 2 (coordinates in a space; once paths are derived, pictures and
features are let go). Paths are not kept either: a cell counts a path once, and of each path no more is
remembered than which cells were counted, for `LONGEST_PATH` at most. What fewer than three paths made
out in an hour is told as nought, since it would draw the way of somebody.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from ..ledger.entry import Json
from .buckets import Buckets
from .detection import Box, Frame, Thing
from .geometry import contains, homography, mapped
from .limiter import (
    CELL_M,
    HOUR,
    MOST_FLOWS,
    QUARTER,
    THRESHOLD,
    Limiter,
    counts_of,
    grid_of,
    restored,
    stepped,
    time_of,
)
from .results import MovementResult
from .tracking import Track, Tracker
from .view import ViewSettings

LONGEST_PATH: Final = 600.0
"""Seconds after which a path is let go, and no more of it is counted; a product default."""

FLOW_CELL_M: Final = 2.0
"""Side of the larger cells between which flows are told."""

_CELLS_OF_FLOW: Final = round(FLOW_CELL_M / CELL_M)
_AWAY = 5.0
"""Seconds after which somebody has left a zone."""
_SHORTEST_STAY = 2.0
_LONGEST_STEP = 5.0

type _Cell = tuple[int, int]


@dataclass(slots=True)
class _Path:
    """Which cells of a path were counted; nothing of when, and nothing once it is too long."""

    begun: float
    cells: set[_Cell] = field(default_factory=set)
    last: _Cell | None = None
    """The larger cell for flows."""

    flows: set[tuple[int, int, int, int]] = field(default_factory=set)
    over: bool = False

    def end(self) -> None:
        self.over, self.last = True, None
        self.cells.clear()
        self.flows.clear()


@dataclass(slots=True)
class _Stay:
    """How long somebody has been in a zone."""

    seconds: float = 0.0
    seen_at: float = 0.0


class Movement:
    """The case's `Work`."""

    located = True

    def __init__(self, view: ViewSettings, kept: Mapping[str, Json], now: datetime) -> None:
        """Go on with what is told of the last hour and quarter of an hour, unless that is long ago."""
        self._limiter = Limiter(view)
        self._tracker = Tracker()
        self._zones = view.zones
        self._floor = view.floor
        self._grid = grid_of(view)
        self._matrix = homography(view.floor.seen, view.floor.drawn) if view.floor else None
        self._hours, self._quarters = Buckets(HOUR), Buckets(QUARTER)
        self._paths: dict[str, _Path] = {}
        self._stays: dict[tuple[str, str], _Stay] = {}
        self._heat = Counter[_Cell]()
        self._flows = Counter[tuple[int, int, int, int]]()
        self._visits, self._seconds = Counter[str](), Counter[str]()
        """Stays that ended in this quarter by zone, and how long they were together."""

        self._since_at: datetime | None = None
        self._names = tuple(each.name for each in self._zones)
        self._result = MovementResult(
            dwell=dict.fromkeys(self._names), visits=dict.fromkeys(self._names)
        )
        self._restore(restored(kept, view), now)

    def take(self, frame: Frame | None, boxes: Sequence[Box], at: datetime, elapsed: float) -> None:
        """Count where those are who are in this picture."""
        del frame
        if (ended := self._hours.step(at, elapsed)) is not None:
            self._end_hour(ended.since_at if ended.whole else None)
        if (ended := self._quarters.step(at, elapsed)) is not None:
            self._end_quarter(ended.since_at if ended.whole else None)
        tracks = self._tracker.update(boxes, elapsed)
        people = [each for each in tracks if each.thing is Thing.PERSON and each.seen]
        self._paths = {each.id: self._paths.get(each.id, _Path(elapsed)) for each in tracks}
        for path in self._paths.values():
            if not 0 <= elapsed - path.begun < LONGEST_PATH:
                path.end()
        for track in people:
            self._step(track)
            self._stay(track, elapsed)
        self._leave({each.id for each in tracks}, elapsed)

    def _step(self, track: Track) -> None:
        path = self._paths[track.id]
        if path.over or (cell := self._cell(track)) is None:
            return
        if cell not in path.cells:
            path.cells.add(cell)
            self._heat[cell] += 1
        here = cell[0] // _CELLS_OF_FLOW, cell[1] // _CELLS_OF_FLOW
        flow = (*(path.last or here), *here)
        if path.last not in (None, here) and flow not in path.flows:
            path.flows.add(flow)
            self._flows[flow] += 1
        path.last = here

    def _cell(self, track: Track) -> _Cell | None:
        """Return where on the floor somebody stands; None beyond it."""
        if self._floor is None or self._matrix is None:
            return None
        place = mapped(self._matrix, track.foot)
        if place is None or not (0 <= place[0] < 1 and 0 <= place[1] < 1):
            return None
        row = int(place[1] * self._floor.depth_m / CELL_M)
        return row, int(place[0] * self._floor.width_m / CELL_M)

    def _stay(self, track: Track, elapsed: float) -> None:
        for zone in self._zones:
            if contains(zone.points, track.foot):
                stay = self._stays.setdefault((track.id, zone.name), _Stay(0.0, elapsed))
                passed = min(max(elapsed - stay.seen_at, 0.0), _LONGEST_STEP)
                stay.seconds, stay.seen_at = stay.seconds + passed, elapsed

    def _leave(self, there: set[str], elapsed: float) -> None:
        for (track, zone), stay in list(self._stays.items()):
            if track not in there or not 0 <= elapsed - stay.seen_at <= _AWAY:
                del self._stays[track, zone]
                if stay.seconds >= _SHORTEST_STAY:
                    self._visits[zone] += 1
                    self._seconds[zone] += round(stay.seconds)

    def _end_quarter(self, since_at: datetime | None) -> None:
        visited, self._visits = self._visits, Counter()
        seconds, self._seconds = self._seconds, Counter()
        self._since_at = since_at
        dwell: dict[str, int | None] = dict.fromkeys(self._names)
        visits: dict[str, int | None] = dict.fromkeys(self._names)
        for zone in self._names if since_at is not None else ():
            if (count := visited[zone]) >= THRESHOLD:
                dwell[zone] = round(seconds[zone] / count)
            if not 0 < count < THRESHOLD:
                visits[zone] = count
        self._result = replace(self._result, dwell=dwell, visits=visits)

    def _end_hour(self, hour_at: datetime | None) -> None:
        heat, self._heat = self._heat, Counter()
        flows, self._flows = self._flows, Counter()
        for path in self._paths.values():
            path.cells.clear()
            path.flows.clear()
        if hour_at is None:  # what is told stays that of the last whole hour
            return
        rows, columns = self._grid
        self._result = replace(
            self._result,
            hour_at=hour_at,
            heat=tuple(
                tuple(stepped(heat[row, column]) for column in range(columns))
                for row in range(rows)
            ),
            flows={
                flow: stepped(count)
                for flow, count in flows.most_common(MOST_FLOWS)
                if count >= THRESHOLD
            },
        )

    def result(self) -> MovementResult:
        """Return what is told of the last whole quarter of an hour and the last whole hour."""
        return self._result

    def kept(self) -> Mapping[str, Json]:
        """Return the same, to go on with."""
        result, since_at = self._result, self._since_at
        return self._limiter.limited(
            {
                "since_at": since_at and since_at.isoformat(),
                "dwell": result.dwell,
                "visits": result.visits,
                "hour_at": result.hour_at and result.hour_at.isoformat(),
                "heat": result.heat,
                "flows": [[*flow, count] for flow, count in result.flows.items()],
            }
        )

    def learn(self, label: str) -> None:
        """Do nothing."""

    def _restore(self, kept: Mapping[str, Json], now: datetime) -> None:
        since_at, hour_at = time_of(kept.get("since_at")), time_of(kept.get("hour_at"))
        if since_at is not None and QUARTER <= now - since_at <= 2 * QUARTER:
            self._since_at = since_at
            self._result = replace(
                self._result,
                dwell=counts_of(kept.get("dwell"), self._names),
                visits=counts_of(kept.get("visits"), self._names),
            )
        heat, flows = kept.get("heat"), kept.get("flows")
        rows, columns = self._grid
        # Of a floor of another size the numbers are of other places.
        fits = isinstance(heat, list) and len(heat) == rows
        if hour_at is None or not fits or not HOUR <= now - hour_at <= timedelta(days=1):
            return
        self._result = replace(
            self._result,
            hour_at=hour_at,
            heat=tuple(tuple(_numbers(row)) for row in heat) if isinstance(heat, list) else (),
            flows={
                (a, b, c, d): count
                for a, b, c, d, count in map(_numbers, flows if isinstance(flows, list) else ())
                if max(a, c) * _CELLS_OF_FLOW < rows and max(b, d) * _CELLS_OF_FLOW < columns
            },
        )


def _numbers(row: Json) -> list[int]:
    return [each for each in row if isinstance(each, int)] if isinstance(row, list) else []
