"""Reading in bursts saves CPU and makes no camera wait (docs/adr/0004-reading-in-bursts.md)."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest

from tests.cameras import Clip, run_of
from tests.cameras.yardstick import split_prefixed
from tests.core.capture_site import stream

_ROOT = Path(__file__).parents[2]


@contextmanager
def small_buffer_camera(clip: Clip) -> Iterator[tuple[str, IO[bytes], IO[bytes]]]:
    """Start a camera whose kernel holds little."""
    command = [sys.executable, "-m", "tests.core.small_buffer_camera", str(clip.path())]
    with subprocess.Popen(
        command, cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as camera:
        assert camera.stdin is not None
        assert camera.stdout is not None
        port = json.loads(camera.stdout.readline())["port"]
        yield f"rtsp://127.0.0.1:{port}/stream", camera.stdin, camera.stdout
        camera.stdin.close()


@pytest.mark.parametrize("kbps", [3000, 12_000])
def test_a_camera_with_small_buffers_is_not_held_up(kbps: int) -> None:
    """Slow streams are read in bursts, fast ones as they come: neither falls behind."""
    clip = Clip(width=640, height=360, rate=30, seconds=4, gop_seconds=2, bitrate_kbps=kbps)
    with small_buffer_camera(clip) as (url, ask, answer):
        opened = stream(url).open()
        received = [
            packet.payload
            for packet, _ in zip(
                (each for each in opened.packets() if each is not None), range(150), strict=False
            )
        ]
        ask.write(b"\n")
        ask.flush()
        told = json.loads(answer.readline())
        opened.close()
    # Five seconds of pictures: what is on the way is less than one.
    assert told["sent"] - len(received) < 30
    units = [unit for payload in received for unit in split_prefixed(payload)]
    assert run_of(units, clip.units()) == 0
