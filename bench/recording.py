"""What recording costs: CPU and memory for 1, 4 and 8 streams, peers in turn (A B C D, A B C D)."""

import shutil
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import hass
from bench.core import ROOT
from bench.meter import Cost, measure
from bench.recorders import APART_SECONDS
from bench.report import Bar, against, limited, middle
from tests.cameras import BENCH, RtspCamera, wait_for

_SETTLE_SECONDS = 12.0
_NAMES = {
    "steward": "Camera Steward",
    "ffmpeg": "ffmpeg -c copy -f segment",
    "demux": "bare PyAV demux",
    "hass": "Home Assistant camera.record",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How long and how often to measure."""

    folder: Path
    seconds: float = 60.0
    rounds: int = 2
    counts: tuple[int, ...] = (1, 4, 8)


def recording(plan: Plan) -> list[Bar]:
    """Measure all recorders in turn; medians over the rounds."""
    costs: dict[tuple[str, int], list[Cost]] = defaultdict(list)
    with RtspCamera(BENCH) as camera:
        for number in range(plan.rounds):
            # What Home Assistant needs without any camera is taken off its figures.
            costs["hass", 0].append(_cost(plan, camera, "hass", 0))
            for count in plan.counts:
                for kind, name in _NAMES.items():
                    cost = _cost(plan, camera, kind, count)
                    costs[kind, count].append(cost)
                    print(
                        f"round {number + 1}, {count} streams, {name}: "
                        f"{cost.cpu_percent / count:.3f} % a stream, {cost.pss_mib:.0f} MiB",
                        file=sys.stderr,
                        flush=True,
                    )
    return list(_bars(plan.counts, costs))


def _cost(plan: Plan, camera: RtspCamera, kind: str, count: int) -> Cost:
    folder = plan.folder / f"{kind}-{count}"
    folder.mkdir(parents=True)
    urls = [camera.address(f"/camera{number}") for number in range(count)]
    try:
        with _running(kind, folder, urls) as processes:
            if count:
                wait_for(lambda: _ended(processes) or camera.stats()["playing"] == count, 120)
            if _ended(processes):
                raise RuntimeError(f"{_NAMES[kind]} ended before it was measured")
            time.sleep(_SETTLE_SECONDS if count else 3 * _SETTLE_SECONDS)
            cost = measure([process.pid for process in processes], plan.seconds)
            if _ended(processes):
                raise RuntimeError(f"{_NAMES[kind]} ended while it was measured")
            if count and camera.stats()["playing"] != count:
                raise RuntimeError(f"{_NAMES[kind]} lost a stream while it was measured")
        wait_for(lambda: camera.stats()["playing"] == 0)
        if kind != "demux":
            _check_written(folder, count, plan.seconds)
    finally:
        shutil.rmtree(folder)
    return cost


def _ended(processes: list[subprocess.Popen[bytes]]) -> bool:
    return any(process.poll() is not None for process in processes)


def _check_written(folder: Path, count: int, seconds: float) -> None:
    """Refuse a figure of a recorder that stored nothing."""
    stored = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    # Half of it: Home Assistant writes its segments seconds behind.
    if stored < 0.5 * count * seconds * 3_000_000 / 8:
        raise RuntimeError(f"only {stored} bytes in {folder.name}")


@contextmanager
def _running(kind: str, folder: Path, urls: list[str]) -> Iterator[list[subprocess.Popen[bytes]]]:
    processes: list[subprocess.Popen[bytes]] = []
    try:
        if kind == "hass":
            processes.append(hass.start(folder, urls, APART_SECONDS, doing="record"))
        elif kind == "ffmpeg":
            for number, url in enumerate(urls):
                processes.append(_ffmpeg(folder, number, url))
                time.sleep(APART_SECONDS)
        else:
            command = [sys.executable, "-m", "bench.recorders", kind, str(folder), *urls]
            processes.append(subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE))
        yield processes
    finally:
        for process in processes:
            if process.stdin:
                process.stdin.close()
            else:
                process.terminate()
        for process in processes:
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _ffmpeg(folder: Path, number: int, url: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [
            *("ffmpeg", "-nostdin", "-hide_banner", "-loglevel", "error"),
            *("-rtsp_transport", "tcp", "-i", url, "-map", "0:v", "-c", "copy"),
            *("-f", "segment", "-segment_time", "60", "-reset_timestamps", "1"),
            str(folder / f"{number}-%04d.mp4"),
        ]
    )


def _bars(counts: tuple[int, ...], costs: dict[tuple[str, int], list[Cost]]) -> Iterator[Bar]:
    def cpu(kind: str, count: int) -> float:
        whole = middle(cost.cpu_percent for cost in costs[kind, count])
        idle = middle(cost.cpu_percent for cost in costs["hass", 0]) if kind == "hass" else 0.0
        return (whole - idle) / count

    def memory(kind: str, count: int) -> float:
        return middle(cost.pss_mib for cost in costs[kind, count])

    limits = {"ffmpeg": 0.85, "demux": 1.2, "hass": None}
    for count in counts:
        plural = "stream" if count == 1 else "streams"
        for peer, at_most in limits.items():
            name = f"{_NAMES[peer]}, less idle" if peer == "hass" else _NAMES[peer]
            yield against(
                f"recorder CPU, {count} {plural}",
                cpu("steward", count),
                "% of a core a stream",
                name,
                cpu(peer, count),
                at_most=at_most,
            )
    for count in counts:
        plural = "stream" if count == 1 else "streams"
        for peer in ("ffmpeg", "hass"):
            yield against(
                f"recorder memory (PSS), {count} {plural}",
                memory("steward", count),
                "MiB",
                _NAMES[peer],
                memory(peer, count),
            )
    if len(counts) > 1:
        first, last = counts[0], counts[-1]
        for peer in ("ffmpeg", "hass"):
            yield limited(
                "memory (PSS) for each further stream",
                (memory("steward", last) - memory("steward", first)) / (last - first),
                "MiB",
                limit=8,
                peer=_NAMES[peer],
                peer_value=(memory(peer, last) - memory(peer, first)) / (last - first),
            )
