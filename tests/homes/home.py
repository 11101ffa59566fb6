"""A real Home Assistant as a process of its own, in a folder of its own, on 127.0.0.1."""

import contextlib
import ctypes
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

import yaml

from ..cameras import wait_for
from .client import Client, Person, RefusedError, request

ROOT = Path(__file__).parents[2]
_PR_SET_PDEATHSIG = 1
_START_SECONDS = 240.0
_STOP_SECONDS = 120.0
_INTEGRATIONS = (
    *("frontend", "config", "history", "logbook", "media_source", "person", "stream", "backup"),
    *("my", "system_health", "ffmpeg"),
)
_HTTP: Mapping[str, object] = {
    "server_host": ["127.0.0.1"],
    "cors_allowed_origins": [],
    "login_attempts_threshold": -1,
    "ip_ban_enabled": True,
    "ssl_profile": "modern",
    "use_x_frame_options": True,
    "error": None,
    "error_message": None,
}

MANAGER = Person(name="運用 責任者 (Manager)", user="manager", password="manager-demo")
OPERATOR = Person(name="操作 責任者 (Operator)", user="operator", password="operator-demo")
RESIDENT = Person(name="住民 (Resident)", user="resident", password="resident-demo")
ADMINISTRATOR = Person(
    name="管理者 (Administrator)", user="administrator", password="administrator-demo", admin=True
)
PEOPLE = (MANAGER, OPERATOR, RESIDENT, ADMINISTRATOR)


class Home:
    """Home Assistant in `folder`: `start`, `stop`, `kill`, start again; a context manager.

    `cameras` gives the stream address of each camera entity by its name; change it while stopped.
    `ahead` is how far in the future it lives, by a clock that its kernel vouches for; change it while
    stopped as well.
    The folder has `config`, `temp` (its TMPDIR) and `output` (what it said on its console).
    """

    def __init__(
        self,
        folder: Path,
        cameras: Mapping[str, str],
        *,
        port: int | None = None,
        language: str = "en",
    ) -> None:
        """Prepare; nothing is written before `start`."""
        self.folder = folder
        self.config = folder / "config"
        self.temp = folder / "temp"
        self.output = folder / "output"
        self.cameras = dict(cameras)
        self.port = port or free_port()
        self.language = language
        self.ahead = timedelta()
        self.process: subprocess.Popen[bytes] | None = None
        self._clients: dict[str, Client] = {}

    @property
    def base(self) -> str:
        """Return the address of its web interface, without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """Return its process id."""
        assert self.process is not None
        return self.process.pid

    # ------------------------------------------------------------------ life

    def __enter__(self) -> Self:
        """Start it."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop it, or kill it where it does not stop."""
        self.close()

    def start(self) -> None:
        """Start it, with people and cameras in it; it has set everything up on return."""
        self._write()
        self.begin()
        if not self._people():
            self._wait_for(self._answers)
            self._admit()
        self.wait_until_up()

    def begin(self) -> None:
        """Start the process and return at once."""
        assert self.process is None
        command = [sys.executable, "-m", "homeassistant", "--config", str(self.config)]
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(
                # Its dependencies are installed; a closed network could not give others.
                [*command, "--skip-pip", "--log-no-color"],
                cwd=self.folder,
                env=os.environ
                | {"TMPDIR": str(self.temp), "PYTHONDONTWRITEBYTECODE": "1", "LC_ALL": "C.UTF-8"}
                | (self._clock() if self.ahead else {}),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=_die_with_parent,  # noqa: PLW1509
            )

    def _clock(self) -> dict[str, str]:
        """Return what lets the process live ahead of this machine (`ahead.c`)."""
        clock = self.folder / "ahead.so"
        if not clock.exists():
            source = Path(__file__).with_name("ahead.c")
            command = ["g++", "-x", "c", "-O1", "-shared", "-fPIC", "-o", str(clock), str(source)]
            subprocess.run(command, check=True)
        # Logins of before have run out.
        self._clients.clear()
        seconds = self.ahead // timedelta(seconds=1)
        return {"LD_PRELOAD": str(clock), "AHEAD_SECONDS": str(seconds)}

    def wait_until_up(self) -> None:
        """Wait until it runs and has set up what it will."""
        self._wait_for(
            lambda: self._answers() and self.client().ws("get_config")["state"] == "RUNNING"
        )

    def _wait_for(self, look: Callable[[], bool]) -> None:
        def attempt() -> bool:
            assert self.process is not None
            if self.process.poll() is not None:
                raise RuntimeError(f"Home Assistant ended: {self.log()[-3000:]}")
            try:
                return look()
            except RefusedError:
                return False  # not yet

        wait_for(attempt, _START_SECONDS, 0.2)

    def _answers(self) -> bool:
        return bool(request(self.base, "GET", "/manifest.json"))

    def terminate(self) -> None:
        """Ask it to stop and return at once."""
        assert self.process is not None
        self.process.terminate()

    def wait(self) -> int:
        """Wait until its process has ended, and return its exit code."""
        assert self.process is not None
        code = self.process.wait(_STOP_SECONDS)
        self._clean()
        return code

    def stop(self) -> int:
        """Stop it as a shutdown does, and return its exit code."""
        self.terminate()
        return self.wait()

    def kill(self) -> None:
        """End it as a power cut does."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        self._clean()

    def close(self) -> None:
        """Leave nothing running, whatever state it is in."""
        if self.process is None:
            return
        self.terminate()
        try:
            self.wait()
        except subprocess.TimeoutExpired:
            self.kill()

    def log(self) -> str:
        """Return what it logged since the folder was made."""
        return self.output.read_text(errors="replace") if self.output.exists() else ""

    # ------------------------------------------------------------------ people

    def client(self, person: Person = ADMINISTRATOR) -> Client:
        """Return a person's login, made once."""
        if person.user not in self._clients:
            self._clients[person.user] = Client.login(self.base, person)
        return self._clients[person.user]

    def user_id(self, person: Person) -> str:
        """Return a person's user id."""
        for user in self.client().ws("config/auth/list"):
            if user["username"] == person.user:
                return str(user["id"])
        raise KeyError(person.user)

    def _people(self) -> bool:
        """Return whether people were admitted before."""
        path = self._stored("auth_provider.homeassistant")
        return path.exists() and len(json.loads(path.read_text())["data"]["users"]) >= len(PEOPLE)

    def _admit(self) -> None:
        """Make the owner by onboarding, as a newcomer does, and the others as the owner does."""
        answer = request(
            self.base,
            "POST",
            "/api/onboarding/users",
            {
                "client_id": f"{self.base}/",
                "name": ADMINISTRATOR.name,
                "username": ADMINISTRATOR.user,
                "password": ADMINISTRATOR.password,
                "language": self.language,
            },
        )
        owner = Client.of_code(self.base, answer["auth_code"])
        self._clients[ADMINISTRATOR.user] = owner
        for person in PEOPLE:
            if person.admin:
                continue
            made = owner.ws("config/auth/create", name=person.name, group_ids=["system-users"])
            owner.ws(
                "config/auth_provider/homeassistant/create",
                user_id=made["user"]["id"],
                username=person.user,
                password=person.password,
            )
        wait_for(self._people)  # written with a delay

    # ------------------------------------------------------------------ files

    def _write(self) -> None:
        self.temp.mkdir(parents=True, exist_ok=True)
        (self.config / "custom_components").mkdir(parents=True, exist_ok=True)
        for name in (".storage", "media"):
            (self.config / name).mkdir(exist_ok=True)
        link = self.config / "custom_components" / "camera_steward"
        if not link.is_symlink():
            link.symlink_to(ROOT / "custom_components" / "camera_steward")
        if not self._stored("onboarding").exists():
            # The other steps would set up integrations that fetch packages and call the internet.
            self._store("onboarding", (4, 1), {"done": ["core_config", "analytics", "integration"]})
        # Not in configuration.yaml: from there it would be a trial that someone must confirm on
        # the page within five minutes.
        stable = dict(_HTTP) | {
            "server_port": self.port,
            "created_at": datetime.now(UTC).isoformat(),
        }
        data = {"stable": stable, "pending": None, "yaml_migration_done": True}
        self._store("http", (2, 2), data)
        settings = {
            # Not default_config: a closed network lacks what half of that looks for.
            "homeassistant": {
                "name": "Camera Steward demo",
                "time_zone": "Asia/Tokyo",
                "country": "JP",
                "currency": "JPY",
                "language": self.language,
                "unit_system": "metric",
                "latitude": 36.147,
                "longitude": 139.389,
                "media_dirs": {"local": str(self.config / "media")},
            },
            **dict.fromkeys(_INTEGRATIONS),
            "recorder": {"commit_interval": 1},
            "automation": [],
            "camera": [
                {"platform": "ffmpeg", "name": name, "input": url}
                for name, url in self.cameras.items()
            ],
            "logger": {"default": "warning", "logs": {"custom_components.camera_steward": "debug"}},
        }
        text = yaml.safe_dump(settings, allow_unicode=True, sort_keys=False)
        (self.config / "configuration.yaml").write_text(text)

    def _stored(self, key: str) -> Path:
        return self.config / ".storage" / key

    def _store(self, key: str, version: tuple[int, int], data: Mapping[str, object]) -> None:
        major, minor = version
        stored = {"version": major, "minor_version": minor, "key": key, "data": data}
        self._stored(key).write_text(json.dumps(stored))

    def _clean(self) -> None:
        """End what it may have started and left, such as an ffmpeg for a picture."""
        assert self.process is not None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process = None

    def remove(self) -> None:
        """Remove the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def free_port() -> int:
    with socket.socket() as attempt:
        attempt.bind(("127.0.0.1", 0))
        return int(attempt.getsockname()[1])
