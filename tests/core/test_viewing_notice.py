"""A gap is shown as a gap, in either form of playlist, for as long as it is to be shown."""

import io
from datetime import timedelta
from itertools import pairwise

import av
import numpy as np
import pytest

from custom_components.camera_steward.core.viewing.conversion import convert
from custom_components.camera_steward.core.viewing.notice import notice, notice_segment
from custom_components.camera_steward.core.viewing.pieces import for_screen, shift, span
from custom_components.camera_steward.core.viewing.screen import Playable, describe
from tests.cameras import Clip

from .stored import Seen, Stored, of_clip, seen

SECOND = timedelta(seconds=1)
LINES = ["画像なし", "13:05:10～13:12:00", "No footage"]
LENGTH = timedelta(seconds=4, milliseconds=300)


def is_dark(each: Seen) -> bool:
    """Tell a notice from footage."""
    return float(each.pixels.mean()) < 60


@pytest.mark.parametrize("size", [(320, 240), (1280, 720), (64, 48), (480, 854)])
def test_it_stands_between_converted_pieces(size: tuple[int, int]) -> None:
    [segment] = of_clip(Clip(video="mjpeg", seconds=2), 60)
    [whole] = [span(segment.body, describe(segment.header))]
    assert whole is not None
    before = convert(segment.header, segment.body, timedelta())
    gap = notice(LINES, size, LENGTH, whole[1])
    after = convert(segment.header, segment.body, whole[1] + LENGTH)
    film = [(each, is_dark(each)) for part in (before, gap, after) for each in seen(part)]
    assert [dark for (_, dark), (_, other) in pairwise(film) if dark is not other] == [False, True]
    for (one, _), (other, _) in pairwise(film):
        assert 0 < other.time - one.time <= 0.51
    dark = [each for each, is_ in film if is_]
    assert dark[0].time - 10 == pytest.approx(whole[1].total_seconds(), abs=0.001)
    assert dark[0].pixels.shape == (size[1], size[0], 3)
    assert dark[0].pixels.max() > 120


@pytest.mark.parametrize("clip", [Clip(), Clip(audio="aac"), Clip(video="h265", audio="opus")])
def test_it_stands_between_stored_segments_with_or_without_sound(clip: Clip) -> None:
    segments = of_clip(clip)
    header, fragment = notice_segment(LINES, (320, 240), LENGTH, sound=clip.audio is not None)
    gap = Stored(header=header, fragments=(fragment,))
    shown = describe(gap.header)
    assert shown.playable is Playable.AS_STORED
    assert shown.sound is (clip.audio is not None)
    assert span(fragment, shown) == (timedelta(), LENGTH)
    for each in (segments[0], gap, segments[1]):
        mine = describe(each.header)
        assert mine.sound is shown.sound
        moved = for_screen(each.header, mine) + shift(each.body, mine, 3 * SECOND)
        film = seen(moved)
        assert all(is_dark(picture) is (each is gap) for picture in film)
        assert 3 <= film[0].time < 3.3


def test_nothing_is_heard_and_it_lasts_as_long_as_the_pictures() -> None:
    header, fragment = notice_segment(LINES, (320, 240), LENGTH, sound=True)
    with av.open(io.BytesIO(header + fragment), "r") as source:
        heard = [frame.to_ndarray() for frame in source.decode(audio=0)]
        rate = source.streams.audio[0].rate
    assert not np.concatenate(heard, axis=1).any()
    samples = sum(each.shape[1] for each in heard)
    assert 0 <= samples / rate - LENGTH.total_seconds() < 0.05


def test_a_long_gap_makes_no_endless_piece() -> None:
    assert len(notice(LINES, (320, 240), timedelta(days=2), timedelta())) < 1_000_000
