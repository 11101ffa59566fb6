"""The demo as a newcomer starts it: it comes up, records, purges, and leaves nothing behind."""

import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest

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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Story:
    """What the demo said and did, in two starts."""

    said: str
    said_at_end: str
    administrators: set[str]
    statuses: dict[str, str]
    promised: set[str]
    gone_after: timedelta
    kept: set[Path]
    said_again: str
    kept_again: set[Path]


@pytest.fixture(scope="module")
def story(folder: Path) -> _Story:
    """Start the demo, see footage go, press Ctrl-C; start it again, press Ctrl-C."""
    place, port = folder / "demo", free_port()
    with _demo(place, port) as run:
        run.wait_until_up()
        up_at = datetime.now(UTC)
        said = run.said()
        promised = set(re.findall(r"\d\d:\d\d:\d\d  (\S+\.seg)", said))
        clients = {person.user: Client.login(run.base, person) for person in PEOPLE}
        administrators = {
            user for user, client in clients.items() if client.ws("auth/current_user")["is_admin"]
        }
        states = clients[ADMINISTRATOR.user].states()
        wait_for(lambda: not {each.name for each in _segments(place)} & promised, 300, 0.2)
        gone_after = datetime.now(UTC) - up_at
        kept = _segments(place)
        run.interrupt()
        said_at_end = run.said()
    with _demo(place, port) as again:
        again.wait_until_up()
        said_again, kept_again = again.said(), _segments(place)
        again.interrupt()
    return _Story(
        said=said,
        said_at_end=said_at_end,
        administrators=administrators,
        statuses={k: v["state"] for k, v in states.items() if k.endswith("_status")},
        promised=promised,
        gone_after=gone_after,
        kept=kept,
        said_again=said_again,
        kept_again=kept_again,
    )


def test_it_prints_the_logins(story: _Story) -> None:
    for person in PEOPLE:
        assert re.search(rf"{person.user} +{person.password}", story.said)


def test_only_the_administrator_may_configure(story: _Story) -> None:
    assert story.administrators == {ADMINISTRATOR.user}


def test_both_cameras_record(story: _Story) -> None:
    assert len(story.statuses) == 2
    assert set(story.statuses.values()) == {"recording"}


def test_back_dated_footage_goes_within_two_minutes(story: _Story) -> None:
    assert len(story.promised) == 4
    assert story.gone_after <= _PURGE


def test_footage_of_past_days_stays(story: _Story) -> None:
    days = {path.parent.parent.name for path in story.kept}
    assert len(days) >= 5


def test_it_ends_and_leaves_nothing_running(story: _Story) -> None:
    # The interrupts of the story waited for every process; the lock is free as well.
    assert "Nothing is left running" in story.said_at_end


def test_a_second_start_goes_on_from_the_first(story: _Story) -> None:
    assert "for the first time" not in story.said_again
    assert story.kept & story.kept_again
