"""How late the event loop of a real Home Assistant is: idle, and with eight cameras recorded."""

import shutil
import time
from array import array
from pathlib import Path

from bench import hass
from bench.recorders import APART_SECONDS
from bench.report import Bar, against, limited, middle
from tests.cameras import BENCH, RtspCamera, wait_for

STREAMS = 8
_SETTLE_SECONDS = 30.0


def loop_delay(folder: Path, seconds: float = 60.0, rounds: int = 2) -> list[Bar]:
    """Measure in turn; medians over the rounds."""
    found: dict[hass.Doing, list[tuple[float, float]]] = {"idle": [], "steward": [], "record": []}
    with RtspCamera(BENCH) as camera:
        for _ in range(rounds):
            for kind, results in found.items():
                results.append(_one(folder / kind, camera, kind, seconds))
    p50 = {kind: middle(p50 for p50, _ in results) for kind, results in found.items()}
    p99 = {kind: middle(p99 for _, p99 in results) for kind, results in found.items()}
    names: dict[hass.Doing, str] = {
        "idle": "Home Assistant idle",
        "record": f"camera.record of {STREAMS}",
    }
    return [
        limited(
            f"event-loop delay p99, {STREAMS} cameras",
            p99["steward"],
            "ms",
            limit=round(p99["idle"] + 5, 2),
            peer=names["idle"],
            peer_value=p99["idle"],
        ),
        against(
            f"event-loop delay p99, {STREAMS} cameras",
            p99["steward"],
            "ms",
            names["record"],
            p99["record"],
        ),
        *(
            against(
                f"event-loop delay p50, {STREAMS} cameras",
                p50["steward"],
                "ms",
                names[peer],
                p50[peer],
            )
            for peer in names
        ),
    ]


def _one(folder: Path, camera: RtspCamera, kind: hass.Doing, seconds: float) -> tuple[float, float]:
    folder.mkdir(parents=True)
    count = 0 if kind == "idle" else STREAMS
    urls = [camera.address(f"/camera{number}") for number in range(STREAMS)]
    process = hass.start(folder, urls, APART_SECONDS, doing=kind)
    try:
        lateness = folder / "lateness"
        wait_for(lambda: process.poll() is not None or lateness.exists(), 180)
        wait_for(lambda: process.poll() is not None or camera.stats()["playing"] == count, 180)
        time.sleep(_SETTLE_SECONDS)
        size = lateness.stat().st_size
        time.sleep(seconds)
        late = array("d")
        late.frombytes(lateness.read_bytes()[size:])
        if process.poll() is not None or camera.stats()["playing"] != count:
            raise RuntimeError(f"{kind}: see {folder / 'hass.log'}")
    finally:
        process.terminate()
        process.wait(120)
    wait_for(lambda: camera.stats()["playing"] == 0)
    shutil.rmtree(folder)
    ordered = sorted(late)
    return 1000 * ordered[len(ordered) // 2], 1000 * ordered[len(ordered) * 99 // 100]
