"""INV-3: what is read back from the vault is what the camera sent, for each codec; INV-6 with it."""

import hashlib
import io
import json
import subprocess
import tempfile
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import av
import pytest

from custom_components.camera_steward.core.capture.recorder import Recorder
from custom_components.camera_steward.core.media.boxes import tracks
from custom_components.camera_steward.core.model import SegmentState
from custom_components.camera_steward.core.vault.format import CHUNK_BYTES
from custom_components.camera_steward.core.vault.verify import VerifyLevel, verify
from tests.cameras import Clip, packets, unit_digest, units

from .played import file_source, play, still_source
from .vault_site import Site, a_site

CLIPS = [
    Clip(audio="aac"),
    Clip(audio="pcmu", aud=True, slices=2),
    Clip(audio="pcma", b_frames=2),
    Clip(in_band=False),
    Clip(video="h265", audio="opus"),
    Clip(video="h265", audio="pcmu", b_frames=2),
    Clip(video="mjpeg", audio="pcma"),
    Clip(video="mjpeg", audio="aac"),
]


def _read_back(site: Site) -> tuple[list[bytes], list[bytes]]:
    """Return the video units and the audio packets of all segments, in order."""
    video: list[bytes] = []
    audio: list[bytes] = []
    for row in site.rows():
        media = site.media(row)
        video += units(media)
        audio += packets(media, "audio")
        _check_digests(site, media)
    return video, audio


def _check_digests(site: Site, media: bytes) -> None:
    """Check each track's digest against the yardstick's, which knows nothing of ours."""
    (row,) = [each for each in site.rows() if site.media(each) == media]
    reader = site.vault.open_segment(row)
    held = reader.trailer.digests
    reader.close()
    found = {
        each.track: unit_digest(units(media, "video" if each.handler == "vide" else "audio"))
        for each in tracks(media)
    }
    assert held == found


def _probe(media: bytes) -> list[dict[str, str | int]]:
    """Return the streams that ffprobe finds, having read every packet."""
    command = ["ffprobe", "-v", "error", "-count_packets", "-show_streams", "-of", "json", "-"]
    done = subprocess.run(command, input=media, capture_output=True, check=True)
    assert done.stderr == b""
    found: list[dict[str, str | int]] = json.loads(done.stdout)["streams"]
    return found


@pytest.mark.parametrize("clip", CLIPS, ids=lambda clip: clip.name.rpartition("-")[0])
def test_what_is_read_back_is_what_was_received(clip: Clip) -> None:
    with a_site() as site:
        play(site, "door", file_source(clip.path()), segment_length=timedelta(seconds=2))
        rows = site.rows()
        assert len(rows) >= 2
        assert all(each.state is SegmentState.SEALED for each in rows)
        video, audio = _read_back(site)
        assert unit_digest(video) == unit_digest(clip.units())
        if clip.audio:
            # Sound from before the first keyframe has no picture to belong to.
            sent = clip.audio_packets()
            assert audio == sent[len(sent) - len(audio) :]
            assert len(audio) >= len(sent) - 5
        assert list(verify(site.vault, rows, VerifyLevel.DIGEST)) == []
        media = site.media(rows[0])
        streams = _probe(media)
        assert [each["codec_type"] for each in streams] == ["video", "audio"][: len(streams)]
        assert len(streams) == 1 + bool(clip.audio)
        assert (streams[0]["width"], streams[0]["height"]) == (clip.width, clip.height)
        with av.open(io.BytesIO(media), "r") as container:
            pictures = sum(1 for _ in container.decode(video=0))
        assert pictures == int(streams[0]["nb_read_packets"])


def test_each_segment_begins_where_the_last_one_ends() -> None:
    with a_site() as site:
        clip = Clip(audio="aac")
        play(site, "door", file_source(clip.path()), segment_length=timedelta(seconds=2))
        rows = site.rows()
        for before, after in pairwise(rows):
            assert abs(after.start_at - before.end_at) < timedelta(milliseconds=100)
        assert abs(rows[-1].end_at - rows[0].start_at - timedelta(seconds=clip.seconds)) < (
            timedelta(seconds=1)
        )


def _images(kind: str) -> list[bytes]:
    arguments = ["-c:v", "png"] if kind == "png" else ["-c:v", "mjpeg", "-q:v", "5"]
    command = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=160x120:rate=1"]
    with tempfile.TemporaryDirectory() as folder:
        names = f"{folder}/%02d.{kind}"
        subprocess.run([*command, "-frames:v", "6", *arguments, names], check=True)
        return [each.read_bytes() for each in sorted(Path(folder).iterdir())]


@pytest.mark.parametrize("kind", ["jpg", "png"])
def test_stills_are_kept_byte_for_byte_as_they_were_served(kind: str) -> None:
    images = _images(kind)
    with a_site() as site:
        play(
            site,
            "door",
            still_source(images),
            segment_length=timedelta(seconds=10),
            count=25,
            still_seconds=2,
        )
        kept = [unit for row in site.rows() for unit in packets(site.media(row))]
        sent = (images * 5)[:25]
        assert [hashlib.sha256(each).digest() for each in kept] == [
            hashlib.sha256(each).digest() for each in sent
        ]
        site.check()
        for row in site.rows():
            (stream,) = _probe(site.media(row))
            assert stream["codec_name"] == ("png" if kind == "png" else "mjpeg")


@pytest.mark.parametrize("clip", [CLIPS[0], CLIPS[4], CLIPS[6]], ids=lambda clip: clip.video)
def test_a_recording_that_was_cut_off_is_read_back_as_its_beginning(clip: Clip) -> None:
    with a_site() as site:
        play(site, "door", file_source(clip.path()), end=Recorder.abandon)
        (done,) = site.restart()
        assert done.segment.state is SegmentState.RECOVERED
        video, audio = _read_back(site)
        sent = clip.units()
        assert 0 < len(video) < len(sent)
        assert video == sent[: len(video)]
        assert audio
        _probe(site.media(done.segment))
        site.check()


def test_no_byte_of_the_pictures_is_on_disk_in_the_clear(monkeypatch: pytest.MonkeyPatch) -> None:
    clip = Clip(audio="aac", bitrate_kbps=400)
    sought = [clip.marker, *clip.samples()]
    assert len(sought) > 10
    with a_site() as site:
        # Whoever wanted a temporary file would make it beside the vault.
        temporary = site.root.parent / "tmp"
        temporary.mkdir()
        monkeypatch.setenv("TMPDIR", str(temporary))
        monkeypatch.setattr(tempfile, "tempdir", str(temporary))
        play(site, "door", file_source(clip.path()), segment_length=timedelta(seconds=2))
        play(site, "yard", file_source(clip.path()), end=Recorder.abandon)
        site.restart(lose_index=True)
        assert clip.marker in site.media(site.rows()[0])  # it would be found
        looked = 0
        for path in site.root.parent.rglob("*"):
            if path.is_file():
                content = path.read_bytes()
                looked += len(content)
                assert not any(each in content for each in sought)
        assert looked > CHUNK_BYTES
        assert list(temporary.iterdir()) == []
