"""What a benchmark says: bars with their peers, and the machine that they were measured on."""

import os
import platform
import sqlite3
import subprocess
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median

import av


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One measured value beside one peer; `ratio` is value / peer_value where that says anything.

    `goal` is in words, and `met` None where DESIGN 9 sets none.
    """

    bar: str
    value: float
    unit: str
    peer: str
    peer_value: float | None
    ratio: float | None
    goal: str
    met: bool | None

    def as_json(self) -> dict[str, object]:
        """Return the fields, numbers with four digits."""
        return {
            name: float(f"{value:.4g}") if isinstance(value, float) else value
            for name, value in asdict(self).items()
        }


def against(
    bar: str,
    value: float,
    unit: str,
    peer: str,
    peer_value: float,
    *,
    at_most: float | None = None,
) -> Bar:
    """Return a bar whose goal is a ratio to the peer."""
    ratio = value / peer_value if peer_value else None
    return Bar(
        bar=bar,
        value=value,
        unit=unit,
        peer=peer,
        peer_value=peer_value,
        ratio=ratio,
        goal="" if at_most is None else f"ratio <= {at_most:g}",
        met=None if at_most is None or ratio is None else ratio <= at_most,
    )


def limited(
    bar: str,
    value: float,
    unit: str,
    *,
    limit: float,
    peer: str = "",
    peer_value: float | None = None,
) -> Bar:
    """Return a bar whose goal is a value of its own."""
    return Bar(
        bar=bar,
        value=value,
        unit=unit,
        peer=peer,
        peer_value=peer_value,
        ratio=value / peer_value if peer_value else None,
        goal=f"value <= {limit:g} {unit}",
        met=value <= limit,
    )


def table(bars: Iterable[Bar]) -> str:
    """Return a table for a terminal or Markdown, the ratio first."""
    rows = [
        ["ratio", "bar", "value", "unit", "peer", "peer's", "goal", "met"],
        *(_row(bar) for bar in bars),
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["| " + " | ".join(map(str.ljust, row, widths, strict=True)) + " |" for row in rows]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def _row(bar: Bar) -> list[str]:
    return [
        "" if bar.ratio is None else f"{bar.ratio:.2f}",
        bar.bar,
        f"{bar.value:.3g}",
        bar.unit,
        bar.peer,
        "" if bar.peer_value is None else f"{bar.peer_value:.3g}",
        bar.goal,
        {True: "yes", False: "no", None: ""}[bar.met],
    ]


def machine(folder: Path) -> str:
    """Describe the machine and the versions of what is compared."""
    model = "unknown"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    flags = set(Path("/proc/cpuinfo").read_text().split())
    named = {"aes": "AES", "sha_ni": "SHA", "avx2": "AVX2", "avx512f": "AVX-512"}
    found = [name for flag, name in named.items() if flag in flags]
    instructions = f" with {', '.join(found)}" if found else ""
    memory_bytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    kind = subprocess.run(
        ["stat", "-f", "-c", "%T", folder], capture_output=True, text=True, check=True
    ).stdout.strip()
    ffmpeg = subprocess.run(
        ["ffmpeg", "-version"], capture_output=True, text=True, check=True
    ).stdout.split()[2]
    libraries = ", ".join(
        f"{name} {'.'.join(map(str, number))}"
        for name, number in av.library_versions.items()
        if name in {"libavformat", "libavcodec"}
    )
    versions = {
        "Python": platform.python_version(),
        "PyAV": f"{av.__version__} ({libraries})",
        "ffmpeg": ffmpeg,
        "SQLite": sqlite3.sqlite_version,
        "Home Assistant": version("homeassistant"),
    }
    lines = [
        f"CPU: {model}, {os.cpu_count()} cores{instructions}; memory {memory_bytes / 2**30:.0f} GiB",
        f"System: {platform.system()} {platform.release()}, file system {kind}",
        ", ".join(f"{name} {number}" for name, number in versions.items()),
    ]
    return "\n".join(lines)


def middle(values: Iterable[float]) -> float:
    """Return the median."""
    return median(values)
