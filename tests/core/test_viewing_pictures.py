"""One picture finds a place in the footage; nothing but that one is decoded or shown."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from custom_components.camera_steward.core.errors import FootageError
from custom_components.camera_steward.core.media.boxes import fragments
from custom_components.camera_steward.core.viewing.pictures import picture
from tests.cameras import Clip

from .stored import Pixels, by_hand, image, likeness, made, of_clip, of_file, of_stills, seen

CLIPS = [
    Clip(audio="aac"),
    Clip(b_frames=2),
    Clip(in_band=False),
    Clip(video="h265", audio="pcmu"),
    Clip(video="h265", b_frames=2),
    Clip(video="mjpeg"),
]


def opened(jpeg: bytes) -> Pixels:
    with Image.open(io.BytesIO(jpeg)) as found:
        assert found.format == "JPEG"
        return np.asarray(found.convert("RGB"), dtype=np.uint8)


@pytest.mark.parametrize("clip", CLIPS, ids=lambda clip: clip.name.rpartition("-")[0])
def test_it_is_the_first_picture_of_its_fragment(clip: Clip) -> None:
    size = (160, 120)
    original = seen(clip.path(), size)
    at = 0
    for segment in of_clip(clip):
        for each in segment.fragments:
            shown = opened(picture(segment.header, each, 160))
            assert shown.shape == (120, 160, 3)
            found = [likeness(shown, other.pixels) for other in original]
            assert max(found) > 20
            assert found.index(max(found)) == at
            [run, *_] = next(fragments(each)).runs
            at += len(run.sizes)
    assert at == len(original)


def test_nothing_else_is_decoded() -> None:
    segment = of_clip(Clip())[0]
    [each] = fragments(segment.fragments[0])
    torn = bytearray(segment.fragments[0])
    behind = each.runs[0].data_at + each.runs[0].sizes[0]
    torn[behind:] = bytes(len(torn) - behind)
    whole = picture(segment.header, segment.fragments[0])
    assert picture(segment.header, bytes(torn)) == whole


def test_the_jpeg_holds_nothing_but_the_picture() -> None:
    segment = of_clip(Clip())[0]
    jpeg = picture(segment.header, segment.fragments[0])
    with Image.open(io.BytesIO(jpeg)) as found:
        assert set(found.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
        assert not found.getexif()
    kinds = []
    at = 2
    while jpeg[at + 1] != 0xDA:
        kinds.append(jpeg[at + 1])
        at += 2 + int.from_bytes(jpeg[at + 2 : at + 4])
    # JFIF's own mark, tables and size: no comment, no further application data
    assert set(kinds) == {0xE0, 0xDB, 0xC0, 0xC4}


@pytest.mark.parametrize(
    ("size", "shape", "width", "expected"),
    [
        ("1920x1080", "1/1", 320, (320, 180)),
        ("200x100", "1/1", 320, (200, 100)),
        ("704x288", "1/2", 320, (320, 262)),
        ("352x480", "2/1", 320, (320, 218)),
        ("240x640", "1/1", 100, (100, 266)),
    ],
)
def test_pixels_are_square_and_no_picture_is_enlarged(
    size: str, shape: str, width: int, expected: tuple[int, int], tmp_path: Path
) -> None:
    path = made(
        tmp_path / "clip.mkv",
        *("-f", "lavfi", "-i", f"testsrc2=size={size}:rate=10", "-t", "1"),
        *("-vf", f"setsar={shape}", "-c:v", "libx264", "-pix_fmt", "yuv420p"),
    )
    [segment] = of_file(path)
    height, wide, _ = opened(picture(segment.header, segment.fragments[0], width)).shape
    assert (wide, height) == expected


@pytest.mark.parametrize("kind", ["mjpeg", "png"])
def test_stills_have_their_pictures_too(kind: str) -> None:
    images = [image(kind, at=n) for n in range(3)]
    [segment] = of_stills(images, seconds=60, interval=5)
    for each, sent in zip(segment.fragments, images, strict=True):
        assert likeness(opened(picture(segment.header, each)), opened_any(sent)) > 20


def opened_any(sent: bytes) -> Pixels:
    with Image.open(io.BytesIO(sent)) as found:
        return np.asarray(found.convert("RGB"), dtype=np.uint8)


def test_av1_has_its_pictures_too(tmp_path: Path) -> None:
    path = made(
        tmp_path / "clip.mkv",
        *("-f", "lavfi", "-i", "testsrc2=size=320x240:rate=10", "-t", "1"),
        *("-c:v", "libsvtav1", "-preset", "12"),
    )
    segment = by_hand(path)
    [first, *_] = seen(path)
    assert likeness(opened(picture(segment.header, segment.body)), first.pixels) > 20


def test_a_fragment_that_cannot_be_decoded_alone_is_refused() -> None:
    # No keyframe for longer than a fragment lasts: the later parts of a group begin with none.
    clip = Clip(seconds=8, gop_seconds=8)
    [segment] = of_clip(clip, 60)
    assert len(segment.fragments) > 1
    picture(segment.header, segment.fragments[0])
    with pytest.raises(FootageError):
        picture(segment.header, segment.fragments[1])
    with pytest.raises(FootageError):
        picture(segment.header, b"")
    zeros = bytearray(segment.fragments[0])
    [each] = fragments(segment.fragments[0])
    zeros[each.runs[0].data_at :] = bytes(len(zeros) - each.runs[0].data_at)
    with pytest.raises(FootageError):
        picture(segment.header, bytes(zeros))
