"""Stored bytes are moved on a player's timeline without a change of length or picture."""

import io
from datetime import timedelta
from fractions import Fraction
from itertools import pairwise
from typing import Literal

import av
import numpy as np
import pytest

from custom_components.camera_steward.core.errors import FootageError
from custom_components.camera_steward.core.media.boxes import fragments, tracks
from custom_components.camera_steward.core.viewing.pieces import (
    PIECE_HEAD,
    for_screen,
    head_bytes,
    shift,
    span,
)
from custom_components.camera_steward.core.viewing.screen import describe
from tests.cameras import Clip, packets, unit_digest, units

from .stored import Stored, of_clip, probed, seen

SECOND = timedelta(seconds=1)
MICROSECOND = timedelta(microseconds=1)
FAR = timedelta(hours=23)
CLIPS = [
    Clip(audio="aac"),
    Clip(audio="opus"),
    Clip(audio="pcma", b_frames=2),
    Clip(in_band=False),
    Clip(video="h265", audio="opus"),
    Clip(video="h265", audio="pcmu", b_frames=2),
    Clip(video="mjpeg", audio="pcma"),
]


def names(clip: Clip) -> str:
    return clip.name.rpartition("-")[0]


def joined(segments: list[Stored], start: timedelta = timedelta(), *, sound: bool = True) -> bytes:
    """Put segments behind one header, each where the pictures of the one before end."""
    shown = describe(segments[0].header, sound=sound)
    media = for_screen(segments[0].header, shown)
    assert len(media) == len(segments[0].header)
    at = start
    for each in segments:
        mine = describe(each.header, sound=sound)
        moved = shift(each.body, mine, at)
        assert len(moved) == len(each.body)
        media += moved
        found = span(each.body, mine)
        assert found is not None
        at += found[1]
    return media


@pytest.mark.parametrize("clip", CLIPS, ids=names)
@pytest.mark.parametrize("start", [timedelta(), FAR], ids=["at once", "late"])
def test_segments_behind_one_header_are_one_continuous_film(clip: Clip, start: timedelta) -> None:
    segments = of_clip(clip)
    assert len(segments) >= 2
    media = joined(segments, start)
    original = seen(clip.path())
    film = seen(media)
    assert len(film) == len(original) == clip.rate * clip.seconds
    for one, other in zip(film, original, strict=True):
        assert np.array_equal(one.pixels, other.pixels)
    step = Fraction(1, clip.rate)
    for before, after in pairwise(film):
        assert abs(after.time - before.time - step) < Fraction(1, 500)
    delay = film[0].time - Fraction(start // MICROSECOND, 1_000_000)
    assert 0 <= delay <= 3 * step
    assert unit_digest(units(media)) == unit_digest(clip.units())


@pytest.mark.parametrize("clip", CLIPS, ids=names)
def test_only_sound_that_is_shown_is_found(clip: Clip) -> None:
    heard = clip.audio in {"aac", "opus"}
    streams = probed(joined(of_clip(clip)))
    assert [each["codec_type"] for each in streams] == ["video", "audio"][: 1 + heard]
    assert [each["codec_type"] for each in probed(joined(of_clip(clip), sound=False))] == ["video"]


@pytest.mark.parametrize("clip", [CLIPS[0], CLIPS[1], CLIPS[4]], ids=names)
def test_sound_keeps_its_packets_and_moves_with_the_pictures(clip: Clip) -> None:
    [*_, last] = of_clip(clip)
    media = joined([last], FAR)
    assert packets(media, "audio") == packets(last.header + last.body, "audio")
    kinds: tuple[Literal["video", "audio"], ...] = ("video", "audio")
    for kind in kinds:
        moved = first_time(media, kind) - first_time(last.header + last.body, kind)
        assert moved == pytest.approx(FAR.total_seconds(), abs=0.0001)


def first_time(media: bytes, kind: Literal["video", "audio"]) -> float:
    """Return when the first packet of a track is decoded, in seconds."""
    with av.open(io.BytesIO(media), "r") as source:
        stream = source.streams.best(kind)
        assert stream is not None
        packet = next(source.demux(stream))
        assert packet.dts is not None
        return float(packet.dts * packet.time_base)


@pytest.mark.parametrize("clip", CLIPS, ids=names)
def test_nothing_but_times_and_names_is_touched(clip: Clip) -> None:
    segment = of_clip(clip)[1]
    shown = describe(segment.header)
    moved = shift(segment.body, shown, FAR)
    for before, after in zip(fragments(segment.body), fragments(moved), strict=True):
        assert (after.offset, after.length, after.captured_us) == (
            *(before.offset, before.length),
            before.captured_us,
        )
        kept = [run for run in before.runs if run.track not in shown.hidden]
        assert [run.sizes for run in after.runs] == [run.sizes for run in kept]
        assert [run.data_at for run in after.runs] == [run.data_at for run in kept]
    changed = [n for n, (a, b) in enumerate(zip(segment.body, moved, strict=True)) if a != b]
    assert 0 < len(changed) <= len(segment.fragments) * (8 * 3 + 4 * 2)
    assert shift(moved, shown, -FAR) == shift(segment.body, shown, timedelta())


def test_h265_is_declared_as_players_of_apple_ask() -> None:
    """Where the header holds all parameter sets; the rest of it stays as it is."""
    [first, *_] = of_clip(Clip(video="h265"))
    [stored] = tracks(first.header)
    assert stored.entry == "hev1"
    shown = describe(first.header)
    [declared] = tracks(for_screen(first.header, shown))
    assert declared.entry == "hvc1"
    [stream] = probed(joined([first]))
    assert (stream["codec_name"], stream["codec_tag_string"]) == ("hevc", "hvc1")


@pytest.mark.parametrize("clip", CLIPS, ids=names)
def test_the_length_of_a_segment_is_told_by_the_head_of_its_last_fragment(clip: Clip) -> None:
    total = timedelta()
    for segment in of_clip(clip):
        shown = describe(segment.header)
        last = segment.fragments[-1]
        head = last[: head_bytes(last[:PIECE_HEAD])]
        assert len(head) < 4000 < len(last)
        assert span(head, shown) == span(last, shown)
        whole = span(segment.body, shown)
        told = span(head, shown)
        assert whole is not None
        assert told is not None
        assert whole == (timedelta(), told[1])
        total += told[1]
    assert abs(total - clip.seconds * SECOND) < SECOND / clip.rate


def test_a_fragment_of_sound_alone_has_no_pictures() -> None:
    segment = of_clip(Clip(audio="aac"))[0]
    shown = describe(segment.header)
    silent = bytearray(segment.fragments[0])
    at = silent.index(b"traf")
    silent[at : at + 4] = b"free"
    assert span(bytes(silent), shown) is None


def test_what_is_no_whole_fragment_is_refused() -> None:
    segment = of_clip(Clip())[0]
    shown = describe(segment.header)
    body = segment.body
    for wrong in (b"", body[:-1], body[1:], body + b"\0" * 8, segment.header + body, body[32:]):
        with pytest.raises(FootageError):
            shift(wrong, shown, SECOND)
    with pytest.raises(FootageError):
        shift(body, shown, -SECOND)
    for wrong in (b"", segment.header):
        with pytest.raises(FootageError):
            span(wrong, shown)
        with pytest.raises(FootageError):
            head_bytes(wrong[:PIECE_HEAD])
