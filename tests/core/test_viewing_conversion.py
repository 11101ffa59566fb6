"""Converted pieces play one behind the other as the footage does, on every player."""

import io
from datetime import timedelta
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from struct import pack
from typing import Literal

import av
import numpy as np
import pytest
from PIL import Image

from custom_components.camera_steward.core.errors import EncoderMissingError, FootageError
from custom_components.camera_steward.core.viewing import encoding
from custom_components.camera_steward.core.viewing.conversion import convert
from custom_components.camera_steward.core.viewing.lettering import band_height
from custom_components.camera_steward.core.viewing.pictures import picture
from custom_components.camera_steward.core.viewing.pieces import span
from custom_components.camera_steward.core.viewing.screen import describe
from tests.cameras import Clip

from .stored import (
    Seen,
    Stored,
    by_hand,
    image,
    likeness,
    made,
    of_clip,
    of_file,
    of_stills,
    probed,
    seen,
)

SECOND = timedelta(seconds=1)
ORIGIN = 10
"""What all pieces add to their times."""
CLIPS = {
    Clip(video="h265", audio="pcmu"): 15,
    Clip(video="h265", b_frames=2, rate=25): 12.5,
    Clip(video="mjpeg", audio="aac"): 15,
    Clip(rate=30, b_frames=2): 15,
    Clip(rate=60, seconds=4): 15,
    Clip(rate=5, in_band=False): 5,
}


def pieces(segments: list[Stored], start: timedelta) -> list[bytes]:
    """Convert every fragment, each where the pictures of the one before end."""
    made_ = []
    at = start
    for segment in segments:
        shown = describe(segment.header)
        for each in segment.fragments:
            made_.append(convert(segment.header, each, at))
            found = span(each, shown)
            assert found is not None
            at += found[1] - found[0]
    return made_


def checked(piece: bytes) -> tuple[int, int]:
    """Check that a piece can be played alone; return its size."""
    with av.open(io.BytesIO(piece), "r", format="mpegts") as source:
        [stream] = source.streams
        context = source.streams.video[0].codec_context
        assert (stream.type, context.name) == ("video", "h264")
        found = [packet for packet in source.demux(stream) if packet.size]
        assert found[0].is_keyframe
        assert len(found) > 1
        assert all(packet.pts == packet.dts for packet in found)
        extradata = context.extradata or b""
        sps = extradata[extradata.index(b"\x67") :]
        assert sps[1] in {66, 77}
        assert sps[3] <= 40
        assert context.width % 2 == context.height % 2 == 0
        return context.width, context.height


@pytest.mark.parametrize("clip", CLIPS, ids=lambda clip: clip.name.rpartition("-")[0])
@pytest.mark.parametrize("start", [timedelta(), timedelta(hours=23)], ids=["at once", "late"])
def test_pieces_are_one_continuous_film_at_a_lower_rate(clip: Clip, start: timedelta) -> None:
    original = seen(clip.path())
    found = pieces(of_clip(clip), start)
    assert {checked(each) for each in found} == {(clip.width, clip.height)}
    [stream] = probed(b"".join(found))
    film = seen(b"".join(found))
    assert stream["nb_read_packets"] == str(len(film))
    rate = CLIPS[clip]
    assert abs(len(film) - rate * clip.seconds) <= len(found)
    delay = film[0].time - ORIGIN - int(start.total_seconds())
    assert 0 <= delay <= Fraction(3, clip.rate)
    for before, after in pairwise(film):
        assert 0 < after.time - before.time < 2.1 / rate
    for each in film:
        at = (each.time - film[0].time) * clip.rate
        near = original[max(round(at) - 2, 0) : round(at) + 3]
        best = max(near, key=lambda other: likeness(each.pixels, other.pixels))
        assert likeness(each.pixels, best.pixels) > 20
        assert abs((best.time - original[0].time) - (each.time - film[0].time)) < Fraction(1, 100)


def test_several_fragments_make_one_piece() -> None:
    [segment] = of_clip(Clip(video="mjpeg"), 60)
    film = seen(convert(segment.header, segment.body, SECOND))
    assert len(film) == 90
    assert film[0].time == ORIGIN + 1


@pytest.mark.parametrize("size", [(320, 240), (330, 242), (66, 50)])
@pytest.mark.parametrize("video", ["h265", "mjpeg"])
def test_a_caption_is_above_the_picture_and_never_over_it(
    video: Literal["h265", "mjpeg"], size: tuple[int, int]
) -> None:
    width, height = size
    [segment] = of_clip(Clip(video=video, width=width, height=height, seconds=2), 60)
    bare = seen(convert(segment.header, segment.body, SECOND))
    piece = convert(segment.header, segment.body, SECOND, "画面表示用に変換")
    assert checked(piece) == (width, height + band_height(size))
    for one, other in zip(bare, seen(piece), strict=True):
        assert one.time == other.time
        assert likeness(one.pixels, other.pixels[-height:]) > 30
        above = other.pixels[:-height].astype(int)
        assert above[:, :2].mean() < 60
        assert above.max() > 120


@pytest.mark.parametrize(
    ("size", "shape", "expected"),
    [
        ("2560x1440", "1/1", (1280, 720)),
        ("2048x1536", "1/1", (1280, 960)),
        ("1080x1920", "1/1", (720, 1280)),
        ("854x482", "1/1", (854, 482)),
        ("704x288", "1/2", (352, 288)),
        ("720x576", "16/11", (1048, 576)),
    ],
)
def test_pieces_have_square_pixels_and_a_size_for_every_player(
    size: str, shape: str, expected: tuple[int, int], tmp_path: Path
) -> None:
    path = made(
        tmp_path / "clip.mkv",
        *("-f", "lavfi", "-i", f"testsrc2=size={size}:rate=5", "-t", "1"),
        *("-vf", f"setsar={shape}", "-c:v", "libx264", "-pix_fmt", "yuv420p"),
    )
    [segment] = of_file(path)
    piece = convert(segment.header, segment.body, SECOND)
    assert checked(piece) == expected
    [before, *_] = seen(path, expected)
    [after, *_] = seen(piece)
    assert likeness(before.pixels, after.pixels) > 20


def test_av1_is_converted_too(tmp_path: Path) -> None:
    path = made(
        tmp_path / "clip.mkv",
        *("-f", "lavfi", "-i", "testsrc2=size=320x240:rate=10", "-t", "1"),
        *("-c:v", "libsvtav1", "-preset", "12"),
    )
    segment = by_hand(path)
    film = seen(convert(segment.header, segment.body, SECOND))
    assert len(film) == 10
    for before, after in zip(seen(path), film, strict=True):
        assert likeness(before.pixels, after.pixels) > 20


@pytest.mark.parametrize("kind", ["mjpeg", "png"])
@pytest.mark.parametrize("interval", [1, 5.25])
def test_a_lone_still_is_shown_until_the_next_one(kind: str, interval: float) -> None:
    images = [image(kind, at=3 * n) for n in range(3)]
    sent = [seen(each)[0] for each in images]
    [segment] = of_stills(images, seconds=60, interval=interval)
    shown = describe(segment.header)
    at = timedelta()
    last: list[Seen] = []
    for fragment in segment.fragments:
        found = span(fragment, shown)
        assert found is not None
        film = seen(convert(segment.header, fragment, at))
        assert len(film) >= 2
        last = last[-1:] + film
        for before, after in pairwise(last):
            assert 0 < after.time - before.time <= Fraction(51, 100)
        for each in film:
            [*passed] = [n for n in range(3) if n * interval <= float(each.time) - ORIGIN + 0.001]
            likest = max(range(3), key=lambda n: likeness(each.pixels, sent[n].pixels))
            assert likest == passed[-1]
        at += found[1] - found[0]
    assert at >= 2 * timedelta(seconds=interval)


def test_a_still_before_a_long_sleep_makes_no_endless_piece() -> None:
    segment = of_stills([image("png")] * 2, seconds=60, interval=5)[0]
    fragment = bytearray(segment.fragments[0])
    row = fragment.index(b"trun") + 16
    fragment[row : row + 4] = pack(">I", 2**31 - 1)
    piece = convert(segment.header, bytes(fragment), timedelta())
    with av.open(io.BytesIO(piece), "r", format="mpegts") as source:
        assert sum(1 for packet in source.demux(video=0) if packet.size) <= 1200


@pytest.mark.parametrize(
    "arguments",
    [
        ("-c:v", "mjpeg", "-pix_fmt", "yuvj420p", "-q:v", "2"),
        ("-c:v", "png"),
        ("-c:v", "libx264", "-pix_fmt", "yuvj420p", "-color_range", "pc"),
        ("-c:v", "libx264", "-pix_fmt", "yuv420p"),
    ],
    ids=["mjpeg", "png", "h264 of full range", "h264"],
)
@pytest.mark.parametrize("colour", ["0x101010", "0xe8e8e8", "0xc02020", "0x2020c0"])
def test_colours_stay_what_they_are(
    arguments: tuple[str, ...], colour: str, tmp_path: Path
) -> None:
    path = made(
        tmp_path / "clip.mkv",
        *("-f", "lavfi", "-i", f"color=c={colour}:size=320x240:rate=5", "-t", "1"),
        *arguments,
    )
    [segment] = of_file(path)
    [shown, *_] = seen(convert(segment.header, segment.body, SECOND))
    expected = [int(colour[n : n + 2], 16) for n in (2, 4, 6)]
    assert np.abs(shown.pixels.mean(axis=(0, 1)) - expected).max() < 6


def test_without_an_encoder_the_error_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    [segment] = of_clip(Clip(video="mjpeg"), 60)
    known = encoding._ENCODERS
    monkeypatch.setattr(encoding, "_ENCODERS", {"no_such_encoder": {}, **known})
    convert(segment.header, segment.fragments[0], SECOND)
    monkeypatch.setattr(encoding, "_ENCODERS", {"no_such_encoder": {}})
    with pytest.raises(EncoderMissingError):
        convert(segment.header, segment.fragments[0], SECOND)


def test_what_does_not_begin_with_a_keyframe_is_refused() -> None:
    [segment] = of_clip(Clip(seconds=8, gop_seconds=8), 60)
    for wrong in (b"", segment.fragments[0][:-1], segment.fragments[1]):
        with pytest.raises(FootageError):
            convert(segment.header, wrong, SECOND)


@pytest.mark.parametrize("matrix", ["GBR", "YCgCo", "bt2020c", "bt709", "smpte240m"])
def test_colours_that_a_camera_names_wrongly_are_no_hindrance(matrix: str, tmp_path: Path) -> None:
    path = made(
        tmp_path / "clip.mkv",
        *("-f", "lavfi", "-i", "color=c=0x707070:size=320x240:rate=5", "-t", "1"),
        *("-c:v", "libx264", "-pix_fmt", "yuv420p", "-x264-params", f"colormatrix={matrix}"),
    )
    [segment] = of_file(path)
    [shown, *_] = seen(convert(segment.header, segment.body, SECOND))
    assert np.abs(shown.pixels.mean(axis=(0, 1)) - 0x70).max() < 6
    with Image.open(io.BytesIO(picture(segment.header, segment.body))) as found:
        assert np.abs(np.asarray(found).mean(axis=(0, 1)) - 0x70).max() < 6
