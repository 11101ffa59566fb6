"""How often an inspection is wrong over days and nights, and what it finds: on pictures in a folder.

Each picture becomes a camera (`daynight.py`) that is looked at each five minutes for three days and a little. Its
view is approved at ten in the morning; from there on nothing is wrong, and whatever is found is a false
alarm. At several moments copies of the camera have a mishap instead.
"""

import argparse
import json
import multiprocessing
import time
from collections import Counter
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

import av
from PIL import Image

from bench.core import load_core

load_core()

# ruff: noqa: E402
from bench.daynight import Mishap, Night, Scene, to_image
from custom_components.camera_steward.core.inspection.features import features_of
from custom_components.camera_steward.core.inspection.findings import FaultKind, Tally
from custom_components.camera_steward.core.inspection.judge import Memory, Seen, judge
from custom_components.camera_steward.core.inspection.keyframe import small_of
from custom_components.camera_steward.core.inspection.views import View
from tests.cameras import BENCH

_MIDNIGHT = datetime(2026, 6, 1, tzinfo=UTC)
_EVERY = 1 / 12
_APPROVED = 10.0
_HOURS = 75
_FRAMES_EVERY = 25
_MISHAPS = {
    "shift": (Mishap(shift=0.1), {FaultKind.MOVED}),
    "rotation": (Mishap(angle=5.0), {FaultKind.MOVED}),
    "cover": (Mishap(covered=True), {FaultKind.COVERED, FaultKind.BLACK}),
    "defocus": (Mishap(defocus=0.004), {FaultKind.BLURRED, FaultKind.COVERED}),
}
"""What is done, and what must be found of it. A defocus of 0.4 % of the width is 8 pixels of 1920."""
_MOMENTS = {"first day": 14.0, "night": 73.0, "day": 84.0}
"""Hours from midnight of the first day."""
_HOUR_OF_LOOKS = 12
_DECODED = 40


@dataclass(slots=True)
class Camera:
    """An inspected camera: what the inspector keeps of one, without its thread."""

    memory: Memory = field(default_factory=Memory)
    tally: Tally = field(default_factory=Tally)

    def look(self, scene: Scene, hour: float, mishap: Mishap | None = None) -> Look:
        """Look once, and tell what comes of it."""
        frame = scene.look(hour, mishap)
        began = time.thread_time()
        small = small_of(frame)
        features = features_of(small.luma, small.colour)
        if self.memory.view is None:
            self.memory.approve(View.of(features, small.width, small.height), None)
        at = _MIDNIGHT + timedelta(hours=hour)
        seen = Seen(at=at, features=features, width=small.width, height=small.height)
        verdict = judge(seen, self.memory)
        spent = time.thread_time() - began
        opening, closing = self.tally.take(verdict, at)
        self.tally.open.update(opening)
        for kind in closing:
            del self.tally.open[kind]
        return Look(
            hour=hour,
            suspected=tuple(each.value for each in verdict.suspected),
            told=FaultKind.MOVED in verdict.suspected or FaultKind.MOVED in verdict.cleared,
            opened=tuple(kind.value for kind, _ in opening),
            seconds=spent,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One look: `told` is whether it could tell that the view is in its place, or not."""

    hour: float
    suspected: tuple[str, ...]
    told: bool
    opened: tuple[str, ...]
    seconds: float


@dataclass(slots=True, kw_only=True)
class Result:
    """What came of one scene; `found` is minutes until a mishap was told, None if it never was."""

    scene: str
    night: str
    looks: list[Look]
    found: dict[str, float | None]


def scenes(folder: Path) -> Iterator[Scene]:
    """Yield a scene for each picture or film of a folder, with one kind of night after the other."""
    names = sorted(each for each in folder.iterdir() if each.is_file())
    for number, each in enumerate(names):
        nights = list(Night)
        yield Scene(
            name=each.stem, frames=_frames(each), night=nights[number % len(nights)], seed=number
        )


def _frames(path: Path) -> list[Image.Image]:
    if path.suffix != ".avi":
        return [Image.open(path).convert("RGB")]
    with av.open(path) as container:
        frames = enumerate(container.decode(video=0))
        return [to_image(each) for number, each in frames if number % _FRAMES_EVERY == 0]


def run(scene: Scene) -> Result:
    """Look at a scene for three days."""
    camera = Camera()
    looks: list[Look] = []
    found: dict[str, float | None] = {}
    for number in range(round(_HOURS / _EVERY)):
        hour = _APPROVED + number * _EVERY
        for name, moment in _MOMENTS.items():
            if abs(moment - hour) < _EVERY / 2:
                for what, (mishap, kinds) in _MISHAPS.items():
                    found[f"{what}, {name}"] = _minutes(
                        deepcopy(camera), scene, hour, mishap, kinds
                    )
        looks.append(camera.look(scene, hour))
    return Result(scene=scene.name, night=scene.night.value, looks=looks, found=found)


def _minutes(
    camera: Camera, scene: Scene, hour: float, mishap: Mishap, kinds: set[FaultKind]
) -> float | None:
    for number in range(_HOUR_OF_LOOKS):
        camera.look(scene, hour + number * _EVERY, mishap)
        if kinds & camera.tally.open.keys():
            return 60 * _EVERY * (number + 1)
    return None


def main() -> None:
    """Run it for all pictures of a folder and print what comes of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pictures", type=Path, help="folder of JPEG, PNG and AVI files")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--processes", type=int, default=2)
    arguments = parser.parse_args()
    with multiprocessing.Pool(arguments.processes) as pool:
        results: list[Result] = []
        for each in pool.imap_unordered(run, scenes(arguments.pictures), chunksize=1):
            results.append(each)
            _tell_scene(each)
    report(sorted(results, key=lambda each: each.scene))
    if arguments.json is not None:
        held = [
            {
                "scene": each.scene,
                "night": each.night,
                "found": each.found,
                "looks": [
                    {"hour": round(look.hour, 2), "suspected": look.suspected, "told": look.told}
                    for look in each.looks
                    if look.suspected or not look.told
                ],
            }
            for each in results
        ]
        arguments.json.write_text(json.dumps(held, indent=1))


def _tell_scene(result: Result) -> None:
    wrong = Counter(kind for each in result.looks for kind in each.suspected)
    could = sum(each.told for each in result.looks) / len(result.looks)
    missed = [name for name, after in result.found.items() if after is None]
    print(
        f"{result.scene} ({result.night}): could tell {could:.0%}, wrong {dict(wrong)}, missed {missed}",
        flush=True,
    )


def report(results: list[Result]) -> None:
    """Print false alarms, what was found, and what a look costs."""
    looks = [each for result in results for each in result.looks]
    suspected = Counter(kind for each in looks for kind in each.suspected)
    opened = Counter(kind for each in looks for kind in each.opened)
    told = sum(each.told for each in looks)
    hours = len(looks) * _EVERY
    print(f"{len(results)} scenes, {len(looks)} looks, {hours:.0f} hours; it could tell in {told}")
    print(f"looks with a wrong suspicion: {dict(suspected)}; wrong findings: {dict(opened)}")
    for what in results[0].found:
        after = [each.found[what] for each in results]
        hit = [each for each in after if each is not None]
        print(f"{what}: {len(hit)} of {len(after)}, after {sorted(hit)} min")
    spent = sorted(each.seconds for each in looks)
    print(
        f"a look at what is decoded: median {1000 * spent[len(spent) // 2]:.0f} ms of CPU time,"
        f" 95 % within {1000 * spent[len(spent) * 95 // 100]:.0f} ms"
    )
    print(f"a keyframe of 1080p decoded and made small: {1000 * cost_of_decoding():.0f} ms")


def cost_of_decoding() -> float:
    """Return the seconds of CPU time for one keyframe of the benchmark's camera, stored to small."""
    with av.open(BENCH.path()) as container:
        packet = next(each for each in container.demux(video=0) if each.is_keyframe)
        parameters = container.streams.video[0].codec_context.extradata
    spent = []
    for _ in range(_DECODED):
        began = time.thread_time()
        context = av.CodecContext.create("h264", "r")
        context.extradata, context.thread_count = parameters, 1
        [frame] = context.decode(packet) or context.decode(None)
        small_of(frame)
        spent.append(time.thread_time() - began)
    return median(spent)


if __name__ == "__main__":
    main()
