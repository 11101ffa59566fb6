"""What a browser must know is told by the header alone, as browsers ask for it."""

from pathlib import Path

import pytest

from custom_components.camera_steward.core.errors import FootageError
from custom_components.camera_steward.core.media.boxes import StoredTrack, tracks
from custom_components.camera_steward.core.viewing.screen import Playable, describe
from tests.cameras import Clip

from .stored import by_hand, image, made, of_clip, of_file, of_stills

_LINES = ("-f", "lavfi", "-i", "testsrc2=size=320x240:rate=15", "-t", "3")
_TONE = ("-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000")


@pytest.mark.parametrize(
    ("clip", "playable", "codecs", "sound"),
    [
        (Clip(), Playable.AS_STORED, "avc1.42C00C", False),
        (Clip(b_frames=2), Playable.AS_STORED, "avc1.4D400C", False),
        (Clip(audio="aac"), Playable.AS_STORED, "avc1.42C00C,mp4a.40.2", True),
        (Clip(audio="opus"), Playable.AS_STORED, "avc1.42C00C,opus", True),
        (Clip(audio="pcmu"), Playable.AS_STORED, "avc1.42C00C", False),
        (Clip(video="h265"), Playable.MAYBE, "hvc1.1.6.L60.90", False),
        (Clip(video="h265", audio="aac"), Playable.MAYBE, "hvc1.1.6.L60.90,mp4a.40.2", True),
        (Clip(video="h265", audio="pcma"), Playable.MAYBE, "hvc1.1.6.L60.90", False),
        (Clip(video="mjpeg", audio="aac"), Playable.CONVERTED, "", False),
    ],
    ids=lambda value: value.name.rpartition("-")[0] if isinstance(value, Clip) else None,
)
def test_footage_is_described_in_the_words_of_rfc_6381(
    clip: Clip, playable: Playable, codecs: str, sound: bool
) -> None:
    for segment in of_clip(clip):
        shown = describe(segment.header)
        assert (shown.playable, shown.codecs, shown.sound) == (playable, codecs, sound)
        assert (shown.width, shown.height) == (clip.width, clip.height)
        assert len(shown.hidden) == (clip.audio is not None and not sound)


def test_sound_that_is_not_wanted_is_hidden() -> None:
    shown = describe(of_clip(Clip(audio="aac"))[0].header, sound=False)
    assert (shown.codecs, shown.sound, shown.hidden) == ("avc1.42C00C", False, frozenset({2}))


@pytest.mark.parametrize(
    ("arguments", "codec", "playable", "codecs"),
    [
        (("-c:v", "libx264", "-profile:v", "high"), "h264", Playable.AS_STORED, "avc1.64000C"),
        (("-c:v", "libx264", "-pix_fmt", "yuv422p"), "h264", Playable.CONVERTED, ""),
        (("-c:v", "libx264", "-pix_fmt", "yuv420p10le"), "h264", Playable.CONVERTED, ""),
        (
            ("-c:v", "libx265", "-pix_fmt", "yuv420p10le", "-x265-params", "log-level=none"),
            *("hevc", Playable.MAYBE, "hvc1.2.4.L60.90"),
        ),
    ],
    ids=["high", "4:2:2", "10 bit", "h265 10 bit"],
)
def test_what_browsers_do_not_decode_is_to_be_converted(
    arguments: tuple[str, ...], codec: str, playable: Playable, codecs: str, tmp_path: Path
) -> None:
    path = made(tmp_path / "clip.mkv", *_LINES, *arguments)
    shown = describe(of_file(path)[0].header)
    assert (shown.codec, shown.playable, shown.codecs) == (codec, playable, codecs)


def test_av1_is_to_be_converted(tmp_path: Path) -> None:
    path = made(tmp_path / "clip.mkv", *_LINES, "-c:v", "libsvtav1", "-preset", "12")
    shown = describe(by_hand(path).header)
    assert (shown.codec, shown.playable) == ("av1", Playable.CONVERTED)


def test_sound_in_mp3_is_hidden(tmp_path: Path) -> None:
    path = made(
        tmp_path / "clip.mkv",
        *(*_LINES[:4], *_TONE, *_LINES[4:]),
        *("-c:v", "libx264", "-pix_fmt", "yuv420p", "-c:a", "libmp3lame"),
    )
    header = by_hand(path).header
    assert len(tracks(header)) == 2
    shown = describe(header)
    assert (shown.sound, shown.hidden) == (False, frozenset({2}))


@pytest.mark.parametrize("kind", ["mjpeg", "png"])
def test_stills_are_to_be_converted(kind: str) -> None:
    [segment] = of_stills([image(kind)] * 3, seconds=60, interval=5)
    shown = describe(segment.header)
    assert (shown.codec, shown.playable) == (kind, Playable.CONVERTED)
    assert (shown.width, shown.height) == (160, 120)


def test_what_is_no_header_is_refused() -> None:
    header = of_clip(Clip())[0].header
    no_pictures = header.replace(b"vide", b"text")
    [track] = tracks(no_pictures)
    assert isinstance(track, StoredTrack)
    unknown = header.replace(b"avc1", b"vp09")
    for wrong in (b"", header[:-1], header[:200], no_pictures, unknown):
        with pytest.raises(FootageError):
            describe(wrong)
