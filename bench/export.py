"""What a package costs beside FFmpeg's stream copy and 7-Zip's archive of the same minutes."""

import os
import resource
import shutil
import subprocess
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

from bench.core import load_core

load_core()

# ruff: noqa: E402
from bench.report import Bar, against, middle
from bench.vaults import books, new_site
from custom_components.camera_steward.core.site import SiteSettings
from tests.cameras import BENCH
from tests.homes.past import record_past

_MINUTES = 10
_MINUTE = timedelta(minutes=1)
_CLIP = replace(BENCH, seconds=60)
_PASSWORD = "2345-6789-ABCD-EFGH-JKLM"  # noqa: S105


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cost:
    """Wall time, processor time and the greatest memory of a process (RSS), of all its pages."""

    seconds: float
    cpu_seconds: float
    peak_mib: float


def export(folder: Path, rounds: int = 2) -> list[Bar]:
    """Pack ten minutes of 1080p, in turn with the peers; medians over the rounds."""
    folder.mkdir()
    settings = new_site(folder / "site")
    start = datetime.now(UTC).replace(minute=5, second=0, microsecond=0) - timedelta(hours=2)
    clip = _CLIP.path()
    site = books(settings)
    record_past(
        site,
        "camera0",
        clip,
        [start + number * _MINUTE for number in range(_MINUTES)],
        segment=2 * _MINUTE,
    )
    site.close()
    listed = _minutes(folder, clip)
    ours, theirs = [], []
    for number in range(rounds + 1):
        ours.append(_packed(settings, start, folder / "package.zip"))
        theirs.append(_peers(listed, folder))
        if not number:
            # The first time reads from disk what all others find in memory.
            ours.clear()
            theirs.clear()
    size = (folder / "package.zip").stat().st_size / 1e6
    shutil.rmtree(folder)
    named = "ffmpeg -c copy, then 7zz AES-256"
    return [
        against(
            f"package of {_MINUTES} min of 1080p",
            size / middle(each.seconds for each in ours),
            "MB/s",
            named,
            size / middle(each.seconds for each in theirs),
        ),
        against(
            f"package of {_MINUTES} min of 1080p, processor",
            middle(each.cpu_seconds for each in ours),
            "s",
            named,
            middle(each.cpu_seconds for each in theirs),
        ),
        against(
            f"package of {_MINUTES} min of 1080p, greatest memory",
            middle(each.peak_mib for each in ours),
            "MiB",
            named,
            middle(each.peak_mib for each in theirs),
        ),
    ]


def _minutes(folder: Path, clip: Path) -> Path:
    """Lay out the same minutes as plain files, as a recorder that segments has them."""
    lines = []
    for number in range(_MINUTES):
        path = folder / f"{number}.mp4"
        subprocess.run([*_FFMPEG, "-i", clip, "-map", "0:v", "-c", "copy", path], check=True)
        lines.append(f"file '{path}'\n")
    listed = folder / "minutes.txt"
    listed.write_text("".join(lines))
    return listed


_FFMPEG = ("ffmpeg", "-nostdin", "-hide_banner", "-loglevel", "error", "-y")


def _peers(listed: Path, folder: Path) -> _Cost:
    """Copy the minutes into one file and archive it: two processes, one after the other."""
    movie, archive = folder / "movie.mp4", folder / "peer.zip"
    archive.unlink(missing_ok=True)
    commands: tuple[list[str | Path], ...] = (
        [*_FFMPEG, "-f", "concat", "-safe", "0", "-i", listed, "-c", "copy", movie],
        ["7zz", "a", "-tzip", "-mx0", "-mem=AES256", f"-p{_PASSWORD}", archive, movie],
    )
    began = time.perf_counter()
    used = _child_seconds()
    peak = 0.0
    for command in commands:
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
            while process.poll() is None:
                peak = max(peak, _peak_mib(process.pid))
                time.sleep(0.005)
        if process.returncode:
            raise RuntimeError(f"{command[0]} failed")
    seconds = time.perf_counter() - began
    return _Cost(seconds=seconds, cpu_seconds=_child_seconds() - used, peak_mib=peak)


def _child_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _peak_mib(pid: int) -> float:
    """Return the greatest memory of a process so far; what wait(2) tells includes its parent's."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0


def _packed(settings: SiteSettings, start: datetime, archive: Path) -> _Cost:
    """Pack in a process of its own, which has nothing else to do."""
    context = get_context("spawn")
    receive, send = context.Pipe(duplex=False)
    process = context.Process(target=_pack, args=(settings, start, archive, send))
    process.start()
    send.close()
    found: _Cost = receive.recv()
    process.join()
    return found


def _pack(settings: SiteSettings, start: datetime, archive: Path, send: Connection) -> None:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (  # noqa: PLC0415
        Ed25519PrivateKey,
    )

    from custom_components.camera_steward.core.disclosure.order import (  # noqa: PLC0415
        ClockWord,
        PackageOrder,
    )
    from custom_components.camera_steward.core.disclosure.package import (  # noqa: PLC0415
        Package,
        VaultSource,
    )
    from custom_components.camera_steward.core.disclosure.reel import WantedSpan  # noqa: PLC0415

    site = books(settings)
    span = WantedSpan(
        camera="camera0", name="Bench", start_at=start, end_at=start + _MINUTES * _MINUTE
    )
    order = PackageOrder(
        number="1",
        installer="Bench",
        contact="Bench",
        kind="law",
        particulars={"law": "Bench", "article": "1"},
        recipient="Bench",
        reason="Bench",
        identity="Bench",
        spans=(span,),
        clock=ClockWord(trusted=True),
        in_charge="Bench",
        manager="Bench",
        approved_at=start,
        time_zone=UTC,
    )
    began, cpu = time.perf_counter(), time.process_time()
    package = Package(
        order,
        VaultSource(site.vault),
        signing_key=Ed25519PrivateKey.generate(),
        password=_PASSWORD,
        now=datetime.now(UTC),
    )
    with archive.open("wb") as file:
        file.writelines(package)
    cost = _Cost(
        seconds=time.perf_counter() - began,
        cpu_seconds=time.process_time() - cpu,
        peak_mib=_peak_mib(os.getpid()),
    )
    if package.result().missing or len(package.result().videos) != 1:
        raise RuntimeError("the package is not whole")
    site.close()
    send.send(cost)
