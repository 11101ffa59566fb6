"""Handles of the virtual cameras: each is a process of its own that cannot outlive this one."""

import contextlib
import json
import os
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, Self, cast, override
from urllib.parse import quote

from .media import Clip

_ROOT = Path(__file__).parents[2]
_START_SECONDS = 60.0


def wait_for[T](look: Callable[[], T], seconds: float = 60.0, every: float = 0.05) -> T:
    """Return the first true answer; raise TimeoutError when none comes in a generous time."""
    end = time.monotonic() + seconds
    while not (answer := look()):
        if time.monotonic() > end:
            raise TimeoutError(f"still {answer!r} after {seconds} s")
        time.sleep(every)
    return answer


class Camera:
    """A process on a port of 127.0.0.1; subclasses say what it serves."""

    scheme = "tcp"
    default_path = ""

    def __init__(self, kind: str, **config: object) -> None:
        """Keep the configuration; nothing runs until `start` or `with`."""
        self._config = {"kind": kind, **config}
        self._process: subprocess.Popen[bytes] | None = None
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115
        self.port = 0
        self.user = cast("str | None", config.get("user"))
        self.password = cast("str | None", config.get("password"))

    # ------------------------------------------------------------------ life

    def __enter__(self) -> Self:
        """Start it."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End its process."""
        self.close()

    def start(self) -> None:
        """Start it, or listen again on the same port after `stop`."""
        if self._process:
            self._call("up")
            return
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.cameras.daemon", json.dumps(self._config)],
            cwd=_ROOT,
            env=os.environ | {"PYTHONPATH": str(_ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
        )
        self.port = int(self._answer()["port"])

    def stop(self) -> None:
        """Go dark: cut every client and refuse new ones; the port is kept for `start`."""
        self._call("down")

    def close(self) -> None:
        """End its process."""
        if not self._process:
            return
        process, self._process = self._process, None
        assert process.stdin
        assert process.stdout
        # The camera ends by itself when its stdin ends.
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()
        self._errors.close()

    # ------------------------------------------------------------------ what it does

    def cut(self) -> None:
        """Cut the open connections; new ones are served."""
        self._call("cut")

    def stall(self) -> None:
        """Send nothing more but keep every connection open."""
        self._call("stall")

    def resume(self) -> None:
        """Send on from where it stopped."""
        self._call("resume")

    def stats(self) -> dict[str, Any]:
        """Return counts since the start: `connections`, `open`, `refused` and more by kind."""
        return self._call("stats")

    # ------------------------------------------------------------------ addresses

    @property
    def url(self) -> str:
        """Return the address with the right user and password, when it wants any."""
        return self.address(self.default_path, self.user, self.password)

    @property
    def bare_url(self) -> str:
        """Return the address without user and password."""
        return self.address(self.default_path)

    def address(self, path: str, user: str | None = None, password: str | None = None) -> str:
        """Return an address at this camera."""
        login = f"{quote(user, '')}:{quote(password or '', '')}@" if user is not None else ""
        return f"{self.scheme}://{login}127.0.0.1:{self.port}{path}"

    # ------------------------------------------------------------------ process

    def _call(self, name: str, **arguments: object) -> dict[str, Any]:
        assert self._process, "not started"
        assert self._process.stdin
        self._process.stdin.write(json.dumps({"do": name, **arguments}).encode() + b"\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process
        assert self._process.stdout
        ready, _, _ = select.select([self._process.stdout], [], [], _START_SECONDS)
        line = self._process.stdout.readline() if ready else b""
        if not line:
            self._errors.seek(0)
            raise RuntimeError(f"the virtual camera failed: {self._errors.read().decode()}")
        return cast("dict[str, Any]", json.loads(line))


class RtspCamera(Camera):
    """An RTSP camera over TCP that sends a clip in real time, from its start to each client."""

    scheme = "rtsp"
    default_path = "/stream"

    def __init__(
        self,
        clip: Clip | Path,
        *,
        user: str | None = None,
        password: str | None = None,
        auth: Literal["digest", "basic"] = "digest",
        loop: bool = True,
        speed: float = 1.0,
        start_seconds: float = 0.0,
        bursts: bool = False,
        timestamps: Literal["steady", "backwards", "frozen", "jumps"] = "steady",
    ) -> None:
        """Take a clip or a file.

        `loop` off: the connection is closed at the end. `speed` 10 sends ten times as fast, with
        unchanged timestamps. `start_seconds` begins there (mid-group, as a live camera does).
        `bursts` sends a frame by one call instead of one for each RTP packet, as cameras do.
        `timestamps`: each tenth frame a second back, all the same, or an hour on every 20 frames.
        """
        super().__init__(
            "rtsp",
            path=str(_file(clip)),
            user=user,
            password=password,
            auth=auth,
            loop=loop,
            speed=speed,
            start_seconds=start_seconds,
            bursts=bursts,
            timestamps=timestamps,
        )

    def switch(self, clip: Clip | Path) -> None:
        """Go on with another clip of the same codec in mid-stream (another size, say)."""
        self._call("switch", path=str(_file(clip)))


class WebCamera(Camera):
    """An HTTP camera: `url` is motion JPEG, `still_url` an image that changes each time."""

    scheme = "http"
    default_path = "/video.mjpg"

    def __init__(
        self,
        clip: Clip | Path | None = None,
        *,
        user: str | None = None,
        password: str | None = None,
        rate: float = 5.0,
    ) -> None:
        """Take a motion JPEG clip and the images a second of the stream."""
        path = _file(clip or Clip(video="mjpeg"))
        super().__init__("web", path=str(path), user=user, password=password, rate=rate)

    @property
    def still_url(self) -> str:
        """Return the address of the still image, with the right login."""
        return self.address("/still.jpg", self.user, self.password)


class SilentCamera(Camera):
    """A port that accepts connections and never says a word."""

    scheme = "rtsp"
    default_path = "/stream"

    def __init__(self) -> None:
        """Need nothing."""
        super().__init__("silent")


class DeadCamera(SilentCamera):
    """A port that refuses connections and is given to no one else."""

    @override
    def start(self) -> None:
        """Take a port and go dark."""
        super().start()
        self.stop()


class ThrottledProxy(Camera):
    """A line to another camera that carries so many bytes a second, freezes, and is cut."""

    def __init__(self, upstream: Camera, bytes_per_second: float | None = None) -> None:
        """Take the started camera behind it."""
        super().__init__("proxy", upstream=upstream.port, bytes_per_second=bytes_per_second)
        self.scheme = upstream.scheme
        self.default_path = upstream.default_path
        self.user, self.password = upstream.user, upstream.password

    def throttle(self, bytes_per_second: float | None) -> None:
        """Change the rate; None is unlimited."""
        self._call("throttle", bytes_per_second=bytes_per_second)

    def freeze(self) -> None:
        """Carry nothing more but keep every connection open."""
        self.stall()


def _file(clip: Clip | Path) -> Path:
    return clip.path() if isinstance(clip, Clip) else clip
