"""How well persons are counted on real pictures, and what it costs, by detector: `python -m bench.utilization`.

Beside the built-in detector a real engine as a peer (OpenCV's people detector behind the interface of
detection servers), if `script/setup engine` has made its environment.
"""

import argparse
import time
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from statistics import fmean
from typing import Final

import av
import numpy as np
from av.video.reformatter import Interpolation

from bench.core import ROOT, load_core

load_core()

# ruff: noqa: E402
from bench.meter import cpu_ns, memory_mib
from bench.pedestrians import HEIGHTS, IN, LINE, OUT, PEOPLE, PERSONS, PUBLISHED
from bench.report import machine
from custom_components.camera_steward.core.utilization.attributes import Attributes
from custom_components.camera_steward.core.utilization.builtin import Silhouettes
from custom_components.camera_steward.core.utilization.counting import Crossings
from custom_components.camera_steward.core.utilization.detection import (
    Box,
    Detector,
    Frame,
    Pixels,
    Thing,
)
from custom_components.camera_steward.core.utilization.limiter import QUARTER
from custom_components.camera_steward.core.utilization.results import Direction
from custom_components.camera_steward.core.utilization.server import DetectionServer
from custom_components.camera_steward.core.utilization.tracking import Tracker
from custom_components.camera_steward.core.utilization.view import Line, Person, ViewSettings
from tests.cameras.pedestrians import RATE, VIDEO
from tests.homes.engine import Engine

_HEIGHTS: Final = tuple(Person(foot=foot, head=head) for foot, head in HEIGHTS)
_LINE: Final = Line(name="path", start=LINE[0], end=LINE[1])
_RATES: Final = (7.0, 2.0)
_WARM: Final = 14
"""Pictures after which the published ones count as well: two seconds."""
_TRACED: Final = 60
_HEADING: Final = (
    "detector",
    "width",
    "a second",
    "error",
    "bias",
    "worst",
    "first 69",
    "in of 15, out of 18",
    f"visitors of {PEOPLE}",
    "other things",
    "CPU ms",
    "MiB",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What came of one detector at one rate.

    `errors` are persons too many by picture, `published` those of the published pictures after the
    first two seconds, `visitors` what case 1 tells of the whole video without a line.
    """

    name: str
    width: int
    rate: float
    errors: dict[int, int]
    published: list[int]
    crossed: Counter[Direction]
    visitors: int | None
    others: int
    cpu_ms: float
    memory_mib: float

    def cells(self) -> Iterator[str]:
        """Yield it as texts, in the order of the heading."""
        yield self.name
        yield f"{self.width}"
        yield f"{self.rate:g}"
        yield f"{fmean(map(abs, self.errors.values())):.2f}"
        yield f"{fmean(self.errors.values()):+.2f}"
        yield f"{max(self.errors.values(), key=abs):+d}"
        yield f"{fmean(map(abs, self.published)):.2f}"
        yield f"{self.crossed[Direction.IN]}, {self.crossed[Direction.OUT]}"
        yield f"{self.visitors}"
        yield f"{self.others}"
        yield f"{self.cpu_ms:.1f}"
        yield f"{self.memory_mib:.1f}"


def pictures(width: int, rate: float) -> Iterator[tuple[int, Pixels]]:
    """Yield the video's pictures, so many a second, with their numbers."""
    due = 0.0
    with av.open(VIDEO) as container:
        for number, picture in enumerate(container.decode(video=0)):
            if number < due:
                continue
            due += RATE / rate
            size = {"width": width, "height": width * picture.height // picture.width}
            drawn = picture.reformat(**size, format="rgb24", interpolation=Interpolation.AREA)
            yield number, drawn.to_ndarray().astype(np.uint8, copy=False)


def _frame(number: int, pixels: Pixels) -> Frame:
    return Frame(pixels=pixels, taken_at=datetime.now(UTC), elapsed=number / RATE)


def run(
    name: str,
    detector: Detector,
    width: int,
    rate: float,
    spent: Callable[[], float],
    memory: Callable[[], float],
) -> Row:
    """Show it the whole video; `spent` tells its seconds of CPU so far, `memory` its MiB."""
    found: dict[int, list[Box]] = {}
    cost, crossed = 0.0, Counter[Direction]()
    tracker, crossings = Tracker(), Crossings([_LINE])
    for number, pixels in pictures(width, rate):
        frame = _frame(number, pixels)
        began = spent()
        found[number] = list(detector.detect(frame))
        cost += spent() - began
        for _, track, way in crossings.update(tracker.update(found[number], frame.elapsed)):
            crossed[way] += track.thing is Thing.PERSON
    numbers = np.array(list(found))
    persons = {at: sum(box.thing is Thing.PERSON for box in boxes) for at, boxes in found.items()}

    def shown(number: int) -> int:
        return persons[int(numbers[numbers <= number][-1])]

    return Row(
        name=name,
        width=width,
        rate=rate,
        errors={at: shown(at) - count for at, count in PERSONS.items() if at},
        published=[shown(at) - PUBLISHED[at] for at in range(_WARM, len(PUBLISHED))],
        crossed=crossed,
        visitors=_visitors(found),
        others=sum(box.thing is not Thing.PERSON for boxes in found.values() for box in boxes),
        cpu_ms=1000 * cost / len(found),
        memory_mib=memory(),
    )


def _visitors(found: dict[int, list[Box]]) -> int | None:
    """Return what is told of the quarter of an hour that begins with the video."""
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    work, frame = Attributes(ViewSettings(), {}, begin), _frame(0, np.zeros((2, 2, 3), np.uint8))
    shown = {number / RATE: boxes for number, boxes in found.items()}
    # Nobody comes after it.
    shown |= {float(at): [] for at in range(int(max(shown)) + 1, int(QUARTER.total_seconds()) + 2)}
    for at, boxes in shown.items():
        work.take(frame, boxes, begin + timedelta(seconds=at), at)
    return work.result().visitors


def _peak(width: int) -> float:
    """Return the most that the built-in detector holds, its frame aside, in MiB."""
    detector = Silhouettes(_HEIGHTS)
    frames = [_frame(*each) for each, _ in zip(pictures(width, RATE), range(_TRACED), strict=False)]
    tracemalloc.start()
    for each in frames:
        detector.detect(each)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most / 2**20


def built_in() -> Iterator[Row]:
    """Yield the built-in detector's rows: heights set, and learnt."""
    for width in (640, 320):
        most = partial(_peak, width)
        for name, persons in (("built-in, heights set", _HEIGHTS), ("built-in, learnt", ())):
            for rate in _RATES:
                yield run(name, Silhouettes(persons), width, rate, time.thread_time, most)


def peer() -> Iterator[Row]:
    """Yield the engine's rows. Its detector wants larger persons: so also the picture enlarged."""
    with Engine() as engine:
        pid = engine.pid
        for width, rate in ((640, 7.0), (640, 2.0), (1280, 2.0)):
            detector = DetectionServer(engine.url)
            try:
                yield run(
                    "server, OpenCV HOG",
                    detector,
                    width,
                    rate,
                    lambda: cpu_ns(pid) / 1e9,
                    lambda: memory_mib(pid)[1],
                )
            finally:
                detector.close()


def main() -> None:
    """Print the table, a line as soon as it is known."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--no-peer", action="store_true", help="the built-in detector alone")
    arguments = parser.parse_args()
    assert len(IN) == 15
    assert len(OUT) == 18
    print(machine(ROOT), end="\n\n")
    print(f"| {' | '.join(_HEADING)} |\n|{'---|' * len(_HEADING)}", flush=True)
    for rows in (built_in,) if arguments.no_peer else (built_in, peer):
        for row in rows():
            print(f"| {' | '.join(row.cells())} |", flush=True)


if __name__ == "__main__":
    main()
