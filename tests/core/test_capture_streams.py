"""Real streams of every kind are stored as they were received (INV-3)."""

import hashlib
import io
import time
import urllib.request
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from PIL import Image

from custom_components.camera_steward.core.capture.recorder import RecorderSettings
from custom_components.camera_steward.core.capture.source import Source
from custom_components.camera_steward.core.capture.stills import StillSource
from custom_components.camera_steward.core.capture.worker import SegmentStored, StreamFound
from custom_components.camera_steward.core.media.boxes import fragments, tracks
from custom_components.camera_steward.core.model import CaptureStatus, SegmentState
from tests.cameras import (
    Clip,
    RtspCamera,
    WebCamera,
    jpeg_scan,
    packets,
    run_of,
    units,
    wait_for,
)
from tests.core.capture_site import CaptureSite, a_site, joins, stream, watch

LENGTH = timedelta(seconds=3)

RTSP = {
    "h264": (Clip(), False),
    "h264-b-aac": (Clip(b_frames=2, audio="aac"), True),
    "h264-slices-pcma": (Clip(slices=4, aud=True, audio="pcma"), True),
    "h265-pcmu": (Clip(video="h265", audio="pcmu", in_band=False), True),
    "h265-b-opus": (Clip(video="h265", b_frames=2, slices=2, audio="opus"), True),
    "h264-silent": (Clip(in_band=False, audio="aac"), False),
    "mjpeg": (Clip(video="mjpeg", audio="opus"), True),
}
SOUND = {
    "h264-b-aac": "aac",
    "h264-slices-pcma": "pcm_alaw",
    "h265-pcmu": "pcm_mulaw",
    "h265-b-opus": "opus",
}


def png(number: int) -> bytes:
    """Return a picture that shows its number."""
    image = Image.new("RGB", (64, 48), (number % 256, number // 256 % 256, 90))
    data = io.BytesIO()
    image.save(data, "PNG")
    return data.getvalue()


@dataclass
class Stills:
    """Counts up, each image served twice, as a camera that is slower than it is asked."""

    served: list[bytes]

    def fetch(self) -> bytes:
        self.served.append(png(len(self.served) // 2))
        return self.served[-1]


def fetch(url: str) -> Callable[[], bytes]:
    def get() -> bytes:
        with urllib.request.urlopen(url, timeout=10) as answer:
            data: bytes = answer.read()
        return data

    return get


def test_every_kind_of_stream_is_stored_as_received() -> None:
    """One test, as the streams take real time: ten cameras are recorded at once."""
    stills = Stills([])
    with ExitStack() as stack:
        site = stack.enter_context(a_site())
        sources: dict[str, Source] = {}
        for name, (clip, audio) in RTSP.items():
            camera = stack.enter_context(RtspCamera(clip))
            sources[name] = stream(camera.url, audio=audio)
        web = stack.enter_context(WebCamera(Clip(video="mjpeg"), rate=10))
        sources["web"] = stream(web.url)
        sources["jpeg"] = StillSource(fetch(web.still_url), timedelta(seconds=0.3))
        sources["png"] = StillSource(stills.fetch, timedelta(seconds=0.2))
        began_at = datetime.now(UTC)
        for name, source in sources.items():
            site.start(source, name, RecorderSettings(segment_length=LENGTH))
        wait_for(lambda: all(len(site.sealed(name)) >= 2 for name in sources))
        time.sleep(1)
        site.stop()
        ended_at = datetime.now(UTC)
        jpegs = web.stats()["stills"]

        for name in sources:
            check_order_and_times(site, name, began_at, ended_at)
        for name, (clip, _) in RTSP.items():
            served = clip.units()
            found = site.units(name)
            if clip.video == "mjpeg":
                found, served = list(map(jpeg_scan, found)), list(map(jpeg_scan, served))
            assert run_of(found, served) is not None, name
            check_sound(site, name, clip)
        clip = Clip(video="mjpeg")
        assert run_of(site.units("web"), packets(clip.path())) is not None
        digests = [hashlib.sha256(unit).hexdigest() for unit in site.units("jpeg")]
        assert digests == jpegs[: len(digests)]
        assert len(digests) >= len(jpegs) - 1
        assert site.units("png") == stills.served[: len(site.units("png"))]
        assert len(site.units("png")) >= len(stills.served) - 1


def check_order_and_times(
    site: CaptureSite, name: str, began_at: datetime, ended_at: datetime
) -> None:
    """Check what holds for every kind of stream."""
    found = site.segments(name)
    assert all(each.state is SegmentState.SEALED for each in found), name
    site.check(name)
    assert began_at <= found[0].start_at
    assert found[-1].end_at <= ended_at
    assert joins(found) == [0.0] * (len(found) - 1), name
    lengths = [each.length for each in found[:-1]]
    # At the first keyframe after the length: all clips have one a second.
    assert all(LENGTH <= length < LENGTH + timedelta(seconds=5) for length in lengths), name
    assert len(site.of(SegmentStored, name)) == len(found)
    assert site.statuses(name)[0] is CaptureStatus.CONNECTING
    assert CaptureStatus.RECORDING in site.statuses(name)
    assert site.statuses(name)[-1] is CaptureStatus.STOPPED
    told = site.of(StreamFound, name)
    shown = 0.0
    for each in found:
        media = site.media(each)
        seen = watch(media)
        assert seen.pictures == picture_count(media), name
        assert seen.sizes == {(told[0].width, told[0].height)}, name
        if name not in {"jpeg", "png", "web"}:
            # Shown one after the other, reordered ones too, at the clip's rate.
            steps = [b - a for a, b in zip(seen.shown, seen.shown[1:], strict=False)]
            assert all(0 < step < 0.5 for step in steps), (name, steps)
        shown += seen.seconds
    # Footage is dated by the arrival of its units, and these may come late and all at
    # once on a busy machine: the whole is held against the whole.
    whole = (found[-1].end_at - found[0].start_at).total_seconds()
    assert abs(shown - whole) < 2, name


def picture_count(media: bytes) -> int:
    video = next(each for each in tracks(media) if each.handler == "vide")
    return sum(
        len(run.sizes)
        for fragment in fragments(media)
        for run in fragment.runs
        if run.track == video.track
    )


def check_sound(site: CaptureSite, name: str, clip: Clip) -> None:
    """Sound is stored as received where it is switched on, else there is none."""
    heard = [unit for each in site.sealed(name) for unit in units(site.media(each), "audio")]
    [told] = site.of(StreamFound, name)
    assert told.audio == SOUND.get(name)
    if name in SOUND:
        assert run_of(heard, clip.audio_packets()) is not None, name
    else:
        assert not heard
