"""The virtual cameras send exactly the file's units, and fail as they are told to."""

import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from base64 import b64encode
from contextlib import suppress
from hashlib import sha256
from itertools import pairwise
from pathlib import Path

import av
import psutil
import pytest
from av.container import InputContainer

from tests.cameras import (
    Clip,
    DeadCamera,
    RtspCamera,
    SilentCamera,
    ThrottledProxy,
    WebCamera,
    jpeg_scan,
    packets,
    run_of,
    split_annexb,
    unit_digest,
    units,
    wait_for,
)
from tests.cameras.yardstick import Track

_ROOT = Path(__file__).parents[2]


def receive(url: str, *, track: Track = "video", limit: int | None = None) -> list[bytes]:
    """Take units as any client would: PyAV over TCP, until the end or the limit."""
    got: list[bytes] = []
    options = {"rtsp_transport": "tcp"} if url.startswith("rtsp") else {}
    with av.open(url, options=options, timeout=20) as container:
        stream = container.streams.best(track)
        assert stream is not None
        nal = stream.codec_context.name in {"h264", "hevc"}
        for packet in container.demux(stream):
            if packet.size:
                got += split_annexb(bytes(packet)) if nal else [bytes(packet)]
            if limit and len(got) >= limit:
                break
    return got[:limit]


def drain(container: InputContainer) -> None:
    """Read until the connection is noticed to be gone, by error or by end."""
    with suppress(av.error.FFmpegError):
        for _ in container.demux():
            pass


@pytest.mark.parametrize(
    "clip",
    [
        Clip(seconds=2),
        Clip(seconds=2, audio="aac", b_frames=2),
        Clip(seconds=2, audio="pcmu", slices=4, aud=True),
        Clip(seconds=2, in_band=False, marked=False),
        Clip(seconds=2, width=1280, height=720, gop_seconds=2),
        Clip(seconds=2, video="h265", audio="opus", aud=True),
        Clip(seconds=2, video="h265", audio="pcma", b_frames=2, slices=2),
        Clip(seconds=2, video="mjpeg", audio="pcmu"),
    ],
    ids=lambda clip: clip.name,
)
def test_a_client_receives_the_units_of_the_file(clip: Clip) -> None:
    """Nothing is lost, added, changed or moved on the way, video and audio alike."""
    with RtspCamera(clip, loop=False, speed=4) as camera:
        got = receive(camera.url)
        heard = receive(camera.url, track="audio") if clip.audio else []
    served = clip.units()
    if clip.video == "mjpeg":
        got, served = [jpeg_scan(image) for image in got], [jpeg_scan(image) for image in served]
    assert got == served
    assert unit_digest(got) == unit_digest(served)
    assert heard == clip.audio_packets()


def test_a_looping_camera_sends_an_unbroken_run_to_each_client() -> None:
    """More than one round of the file, and two clients at once."""
    clip = Clip(seconds=2)
    served = clip.units()
    with RtspCamera(clip, speed=4) as camera:
        assert run_of(receive(camera.url, limit=len(served) * 2 + 9), served) == 0
        with av.open(camera.url, options={"rtsp_transport": "tcp"}, timeout=20):
            assert run_of(receive(camera.url, limit=20), served) == 0
            assert camera.stats()["connections"] == 3
            assert camera.stats()["playing"] >= 1


def test_a_live_camera_can_be_joined_in_the_middle_of_a_group() -> None:
    """The first units are those of the chosen second."""
    clip = Clip(seconds=6, gop_seconds=2)
    with RtspCamera(clip, start_seconds=1, speed=4) as camera:
        start = run_of(receive(camera.url, limit=60), clip.units())
    assert start


def test_the_marker_and_the_samples_lie_in_the_file_in_the_clear() -> None:
    """So that a search of a disk for them finds footage that is not encrypted."""
    for video in ("h264", "h265"):
        clip = Clip(seconds=2, video=video)
        data = clip.path().read_bytes()
        assert data.count(clip.marker) == 2 * clip.rate
        assert clip.samples()
        assert all(sample in data for sample in clip.samples())


def test_a_run_with_a_hole_is_no_run() -> None:
    """The yardstick notices a missing, doubled and moved unit."""
    served = [bytes([number]) for number in range(9)]
    assert run_of(served[3:] + served[:2], served) == 3
    assert run_of(served[3:5] + served[6:], served) is None
    assert run_of([served[1], served[1]], served) is None
    assert run_of([served[2], served[1]], served) is None


def test_units_are_the_same_in_every_container(tmp_path: Path) -> None:
    """Start codes, length prefixes and trailing zero bytes make no difference."""
    clip = Clip(seconds=2)
    raw = b"".join(b"\0\0\0\1" + unit + b"\0\0" for unit in clip.units())
    (tmp_path / "raw.h264").write_bytes(raw)
    assert units(tmp_path / "raw.h264") == clip.units() == units(clip.path().read_bytes())


@pytest.mark.parametrize("auth", ["digest", "basic"])
def test_a_wrong_password_is_refused(auth: str) -> None:
    """Both schemes let the right one in, awkward characters included."""
    clip = Clip(seconds=2)
    with RtspCamera(
        clip, user="o per", password="p@:/%", auth="basic" if auth == "basic" else "digest"
    ) as camera:
        for wrong in (camera.bare_url, camera.address("/stream", "o per", "p@:/")):
            with pytest.raises(av.error.HTTPUnauthorizedError):
                receive(wrong)
        assert receive(camera.url, limit=3) == clip.units()[:3]
        assert camera.stats()["refused"] == 1


def test_a_camera_stalls_and_goes_on() -> None:
    """While it stalls the connection is open and nothing comes; nothing is lost after it."""
    clip = Clip(seconds=2)
    with RtspCamera(clip, speed=4) as camera:
        options = {"rtsp_transport": "tcp"}
        with av.open(camera.url, options=options, timeout=20) as container:
            arriving = container.demux(video=0)
            got = [bytes(next(arriving)) for _ in range(3)]
            camera.stall()
            sent = camera.stats()["sent_frames"]
            assert camera.stats()["open"] == 1
            assert camera.stats()["sent_frames"] == sent
            camera.resume()
            got += [bytes(next(arriving)) for _ in range(60)]
    assert run_of([unit for packet in got for unit in split_annexb(packet)], clip.units()) == 0


def test_a_stalled_camera_runs_into_the_clients_own_timeout() -> None:
    """As a camera that hangs does."""
    with (
        RtspCamera(Clip(seconds=2)) as camera,
        av.open(camera.url, options={"rtsp_transport": "tcp"}, timeout=(20, 2)) as container,
    ):
        camera.stall()
        with pytest.raises(av.error.FFmpegError):
            for _ in container.demux():
                pass


def test_a_camera_goes_dark_and_comes_back_on_its_port() -> None:
    """Clients are cut, new ones refused, and later served again."""
    clip = Clip(seconds=2)
    with RtspCamera(clip) as camera:
        port = camera.port
        with av.open(camera.url, options={"rtsp_transport": "tcp"}, timeout=20) as container:
            camera.stop()
            drain(container)
        with pytest.raises(av.error.ConnectionRefusedError):
            receive(camera.url)
        camera.start()
        assert camera.port == port
        assert receive(camera.url, limit=3) == clip.units()[:3]


def test_the_size_of_the_stream_changes_in_mid_stream() -> None:
    """Units of the second clip follow those of the first on the same connection."""
    small, large = Clip(seconds=2), Clip(seconds=2, width=640, height=480)
    with (
        RtspCamera(small, speed=4) as camera,
        av.open(camera.url, options={"rtsp_transport": "tcp"}, timeout=20) as container,
    ):
        got: list[bytes] = []
        for packet in container.demux(video=0):
            if not got:
                camera.switch(large)
            got += split_annexb(bytes(packet))
            if large.units()[0] in got and len(got) > 200:
                break
    change = got.index(large.units()[0])
    assert run_of(got[:change], small.units()) == 0
    assert run_of(got[change:], large.units()) == 0


@pytest.mark.parametrize("fault", ["backwards", "frozen", "jumps"])
def test_timestamps_go_wrong_but_no_unit_is_lost(fault: str) -> None:
    """Faulty timestamps are on the wire; the units are whole."""
    clip = Clip(seconds=2)
    with RtspCamera(
        clip,
        loop=False,
        speed=4,
        timestamps="frozen" if fault == "frozen" else "jumps" if fault == "jumps" else "backwards",
    ) as camera:
        stamps: list[int] = []
        got: list[bytes] = []
        with av.open(camera.url, options={"rtsp_transport": "tcp"}, timeout=20) as container:
            for packet in container.demux(video=0):
                got += split_annexb(bytes(packet))
                if packet.pts is not None:
                    stamps.append(packet.pts)
    steps = [later - former for former, later in pairwise(stamps)]
    assert any(step <= 0 or step > 900_000 for step in steps)
    assert got == clip.units()


def test_audio_alone_is_a_stream_without_video() -> None:
    """For the camera that offers none."""
    clip = Clip(seconds=2, video=None, audio="pcmu")
    with RtspCamera(clip, loop=False, speed=4) as camera:
        with av.open(camera.url, options={"rtsp_transport": "tcp"}, timeout=20) as container:
            assert not container.streams.video
        assert receive(camera.url, track="audio") == clip.audio_packets()


def test_udp_is_refused() -> None:
    """TCP only: a client that insists on UDP gets nothing."""
    with RtspCamera(Clip(seconds=2)) as camera, pytest.raises(av.error.FFmpegError):
        av.open(camera.url, options={"rtsp_transport": "udp"}, timeout=20)


def test_a_silent_port_lets_the_client_wait() -> None:
    """It accepts, so only the client's own timeout ends it."""
    with SilentCamera() as camera:
        with pytest.raises(av.error.FFmpegError):
            av.open(camera.url, options={"rtsp_transport": "tcp"}, timeout=1)
        assert camera.stats()["connections"] >= 1


def test_a_dead_port_refuses() -> None:
    """Nothing listens there."""
    with DeadCamera() as camera, pytest.raises(av.error.ConnectionRefusedError):
        receive(camera.url)


def test_a_throttled_line_trickles_and_freezes_and_is_cut() -> None:
    """Bytes come no faster than the rate; frozen means open; cut means ended."""
    clip = Clip(seconds=2)
    with RtspCamera(clip) as camera, ThrottledProxy(camera, 10_000) as line:
        with av.open(line.url, options={"rtsp_transport": "tcp"}, timeout=60) as container:
            next(container.demux())
            passed = line.stats()["passed_bytes"]
            assert passed < camera.stats()["sent_bytes"] + 10_000
            line.freeze()
            frozen = line.stats()["passed_bytes"]
            assert line.stats()["open"] == 1
            assert line.stats()["passed_bytes"] <= frozen + 1000
            line.resume()
            line.throttle(None)
            wait_for(lambda: line.stats()["passed_bytes"] > frozen + 20_000)
            line.cut()
            drain(container)
        assert run_of(receive(line.url, limit=9), clip.units()) == 0


def test_a_web_camera_serves_its_images_as_they_are() -> None:
    """Motion JPEG by multipart: byte for byte, behind a password."""
    clip = Clip(seconds=2, video="mjpeg")
    with WebCamera(clip, user="u", password="p", rate=20) as camera:
        with pytest.raises(av.error.FFmpegError):
            receive(camera.bare_url, limit=1)
        got = receive(camera.url, limit=40)
    assert run_of(got, packets(clip.path())) == 0


def test_a_still_camera_serves_another_image_each_time() -> None:
    """And remembers which, so that stored stills can be compared."""
    with WebCamera(user="u", password="p") as camera:
        address = camera.address("/still.jpg")
        with pytest.raises(urllib.error.HTTPError):
            urllib.request.urlopen(address)
        login = {"Authorization": "Basic " + b64encode(b"u:p").decode()}
        images = []
        for _ in range(2):
            with urllib.request.urlopen(urllib.request.Request(address, headers=login)) as answer:
                images.append(answer.read())
        assert images[0] != images[1]
        assert camera.stats()["stills"] == [sha256(image).hexdigest() for image in images]


def test_a_camera_does_not_outlive_a_parent_that_is_killed() -> None:
    """Killed, not asked: the camera notices by itself."""
    script = (
        "from tests.cameras import SilentCamera, wait_for\n"
        "camera = SilentCamera()\n"
        "camera.start()\n"
        "print(camera._process.pid, flush=True)\n"
        "wait_for(lambda: False, 600)\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", script], cwd=_ROOT, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout
    child = psutil.Process(int(parent.stdout.readline()))
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    wait_for(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)
