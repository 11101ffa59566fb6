"""The demo as a newcomer starts it: it comes up, records, purges, and leaves nothing behind."""

import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil

from tests.cameras import wait_for
from tests.homes import ADMINISTRATOR, PEOPLE, Client
from tests.homes.home import ROOT, free_port

_UP_SECONDS = 420
_PURGE = timedelta(minutes=2)


class _Run:
    """One start of the demo."""

    def __init__(self, process: subprocess.Popen[bytes], output: Path, port: int) -> None:
        self.process = process
        self._output = output
        self.base = f"http://127.0.0.1:{port}"

    def said(self) -> str:
        return self._output.read_text()

    def wait_until_up(self) -> None:
        def up() -> bool:
            assert self.process.poll() is None, self.said()
            return "Ctrl-C ends the demo" in self.said()

        wait_for(up, _UP_SECONDS, 0.3)

    def interrupt(self) -> None:
        """Press Ctrl-C: every process of the console's group is told."""
        below = psutil.Process(self.process.pid).children(recursive=True)
        for each in [psutil.Process(self.process.pid), *below]:
            if psutil.pid_exists(each.pid) and _group(each.pid) == _group(self.process.pid):
                each.send_signal(signal.SIGINT)
        assert self.process.wait(120) == 0, self.said()
        wait_for(lambda: not [each for each in below if each.is_running()])


def _group(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()[2])


@contextmanager
def _demo(folder: Path, port: int) -> Iterator[_Run]:
    output = folder.with_suffix(".said")
    with output.open("wb") as said:
        process = subprocess.Popen(
            [ROOT / "script/demo", "--port", str(port), "--folder", folder],
            stdout=said,
            stderr=said,
            start_new_session=True,
        )
    try:
        yield _Run(process, output, port)
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(120)


def _segments(folder: Path) -> set[Path]:
    return set((folder / "footage").rglob("*.seg"))


def test_the_demo_records_purges_ends_and_starts_again(tmp_path: Path) -> None:
    folder, port = tmp_path / "demo", free_port()
    with _demo(folder, port) as run:
        run.wait_until_up()
        up_at = datetime.now(UTC)
        for person in PEOPLE:
            assert re.search(rf"{person.user} +{person.password}", run.said())
            Client.login(run.base, person)
        states = Client.login(run.base, ADMINISTRATOR).states()
        statuses = {k: v["state"] for k, v in states.items() if k.endswith("_status")}
        assert set(statuses.values()) == {"recording"}
        assert len(statuses) == 2
        named = re.findall(r"\d\d:\d\d:\d\d  (\S+\.seg)", run.said())
        assert len(named) == 4
        wait_for(lambda: not {each.name for each in _segments(folder)} & set(named), 300, 0.2)
        assert datetime.now(UTC) - up_at <= _PURGE
        kept = _segments(folder)
        run.interrupt()
    with _demo(folder, port) as run:
        run.wait_until_up()
        assert "for the first time" not in run.said()
        assert kept & _segments(folder)
        run.interrupt()
