"""What a process costs: CPU time to the nanosecond and memory, read from outside."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """CPU in percent of one core; memory in MiB, shared pages counted by share (PSS) and fully."""

    cpu_percent: float
    pss_mib: float
    rss_mib: float


def cpu_ns(pid: int) -> int:
    """Return user and system time of a process with all its threads, ended ones included."""
    # The clock of a process (clock_getcpuclockid(3)); /proc/<pid>/stat has only 10 ms steps.
    return time.clock_gettime_ns((~pid << 3) | 2)


def memory_mib(pid: int) -> tuple[float, float]:
    """Return PSS and RSS."""
    found = {}
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]:
        name, value = line.split()[:2]
        found[name] = int(value) / 1024
    return found["Pss:"], found["Rss:"]


def measure(pids: Iterable[int], seconds: float) -> Cost:
    """Watch processes together for a while."""
    watched = list(pids)
    before = sum(map(cpu_ns, watched))
    began = time.monotonic_ns()
    time.sleep(seconds)
    used = sum(map(cpu_ns, watched)) - before
    passed = time.monotonic_ns() - began
    memory = [memory_mib(pid) for pid in watched]
    return Cost(
        cpu_percent=100 * used / passed,
        pss_mib=sum(pss for pss, _ in memory),
        rss_mib=sum(rss for _, rss in memory),
    )
