"""What a form is told of a camera before it is saved."""

import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta
from itertools import chain, repeat

import pytest

from custom_components.camera_steward.core.capture.probe import Probe, probe
from custom_components.camera_steward.core.capture.source import Source
from custom_components.camera_steward.core.capture.stills import StillSource
from custom_components.camera_steward.core.errors import (
    SourceError,
    SourceNoKeyframeError,
    SourceNoVideoError,
    SourceRefusedError,
    SourceStalledError,
    SourceUnreachableError,
    SourceUnsupportedError,
)
from tests.cameras import Clip, DeadCamera, RtspCamera, SilentCamera, WebCamera
from tests.core.capture_site import Footage, ScriptedClock, ScriptedSource, stream

CLIPS = {
    "h264": Clip(bitrate_kbps=800, seconds=10),
    "h265": Clip(video="h265", audio="aac", rate=10, seconds=10),
    "mjpeg": Clip(video="mjpeg", width=640, height=480),
    "long": Clip(seconds=60, gop_seconds=20, rate=5),
}


def size_of(clip: Clip) -> float:
    return sum(map(len, clip.units())) / clip.seconds


def test_the_figures_are_those_of_the_clip() -> None:
    """Codec and size exactly, rates within 15 %."""
    with ExitStack() as stack:
        sources: dict[str, Source] = {}
        for name, clip in CLIPS.items():
            camera = stack.enter_context(RtspCamera(clip))
            sources[name] = stream(camera.url, audio=True)
        web = stack.enter_context(WebCamera(Clip(video="mjpeg"), rate=5))
        sources["web"] = stream(web.url)

        def fetch() -> bytes:
            with urllib.request.urlopen(web.still_url, timeout=10) as answer:
                data: bytes = answer.read()
            return data

        sources["stills"] = StillSource(fetch, timedelta(seconds=0.5))
        with ThreadPoolExecutor(len(sources)) as pool:
            found: dict[str, Probe] = dict(
                zip(sources, pool.map(probe, sources.values(), repeat(6.0)), strict=True)
            )
    for name, clip in CLIPS.items():
        each = found[name]
        assert each.codec == {"h265": "hevc", "mjpeg": "mjpeg"}.get(name, "h264")
        assert (each.width, each.height) == (clip.width, clip.height)
        assert each.audio == ("aac" if clip.audio else None)
        assert each.frames_per_second == pytest.approx(clip.rate, rel=0.15), name
        if name in {"h264", "mjpeg"}:  # whose bit rate is even
            assert each.bytes_per_second == pytest.approx(size_of(clip), rel=0.15), name
    # A server's pace is its own on a busy machine.
    assert found["web"].frames_per_second == pytest.approx(5, rel=0.3)
    assert found["stills"].frames_per_second == pytest.approx(2, rel=0.3)
    assert (found["stills"].width, found["stills"].height) == (320, 240)


def test_what_cannot_be_recorded_is_told_by_its_error() -> None:
    with ExitStack() as stack:
        locked = stack.enter_context(RtspCamera(Clip(), user="u", password="p"))
        heard = stack.enter_context(RtspCamera(Clip(video=None, audio="pcmu")))
        dead = stack.enter_context(DeadCamera())
        silent = stack.enter_context(SilentCamera())
        wanted: dict[type[SourceError], Source] = {
            SourceRefusedError: stream(locked.bare_url),
            SourceNoVideoError: stream(heard.url),
            SourceUnreachableError: stream(dead.url),
            SourceStalledError: stream(silent.url),
            SourceUnsupportedError: StillSource(lambda: b"<html>", timedelta(seconds=1)),
        }
        for error, source in wanted.items():
            with pytest.raises(error):
                probe(source, 3)


def test_a_camera_that_sends_no_keyframe_is_told_so() -> None:
    """After twice the time."""
    of = Footage.of(Clip())
    deltas = [each for each in of.packets if not each.keyframe]
    source = ScriptedSource(
        of,
        ScriptedClock(),
        lambda: ((timedelta(), each) for each in chain.from_iterable(repeat(deltas))),
    )
    with pytest.raises(SourceNoKeyframeError):
        probe(source, 0.1)
