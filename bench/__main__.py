"""Run the benchmarks by name and print where each bar of DESIGN 9 stands."""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from bench.core import ROOT
from bench.report import Bar, machine, table


def _recording(folder: Path, arguments: argparse.Namespace) -> list[Bar]:
    from bench.recording import Plan, recording  # noqa: PLC0415

    return recording(Plan(folder=folder, seconds=arguments.seconds, rounds=arguments.rounds))


def _loop(folder: Path, arguments: argparse.Namespace) -> list[Bar]:
    from bench.loop import loop_delay  # noqa: PLC0415

    return loop_delay(folder, arguments.seconds, arguments.rounds)


def _finding(folder: Path, _arguments: argparse.Namespace) -> list[Bar]:
    from bench.storage import finding  # noqa: PLC0415

    return finding(folder)


def _purging(folder: Path, arguments: argparse.Namespace) -> list[Bar]:
    from bench.storage import purging  # noqa: PLC0415

    return purging(folder, arguments.rounds + 1)


def _watching(folder: Path, _arguments: argparse.Namespace) -> list[Bar]:
    from bench.watching import watching  # noqa: PLC0415

    return watching(folder)


def _export(folder: Path, arguments: argparse.Namespace) -> list[Bar]:
    from bench.export import export  # noqa: PLC0415

    return export(folder, arguments.rounds)


_BENCHMARKS: dict[str, Callable[[Path, argparse.Namespace], list[Bar]]] = {
    "recording": _recording,
    "loop": _loop,
    "finding": _finding,
    "purging": _purging,
    "watching": _watching,
    "export": _export,
}


def main() -> None:
    """Measure, print the table, write the JSON."""
    parser = argparse.ArgumentParser(prog="script/bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(_BENCHMARKS)}")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the bars there too")
    parser.add_argument("--seconds", type=float, default=60, help="of each window (60)")
    parser.add_argument("--rounds", type=int, default=2, help="peers take turns as often (2)")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(_BENCHMARKS):
        parser.error(f"no benchmark {', '.join(sorted(unknown))}")
    # Beside the repository and not in /tmp, which may be memory.
    cache = ROOT / ".cache"
    cache.mkdir(exist_ok=True)
    bars: list[Bar] = []
    with tempfile.TemporaryDirectory(dir=cache, prefix="bench-") as folder:
        for name, benchmark in _BENCHMARKS.items():
            if not arguments.names or name in arguments.names:
                print(f"{name} …", file=sys.stderr, flush=True)
                bars += benchmark(Path(folder, name), arguments)
                if arguments.json:
                    text = json.dumps([bar.as_json() for bar in bars], indent=2)
                    arguments.json.write_text(text + "\n")
        print(machine(Path(folder)), table(bars), sep="\n\n", flush=True)


if __name__ == "__main__":
    main()
