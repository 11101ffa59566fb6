"""Bytes that are not as they were stored never do more than raise `FootageError`; none are kept."""

import tempfile
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from custom_components.camera_steward.core.errors import FootageError
from custom_components.camera_steward.core.viewing.conversion import convert
from custom_components.camera_steward.core.viewing.notice import notice, notice_segment
from custom_components.camera_steward.core.viewing.pictures import picture
from custom_components.camera_steward.core.viewing.pieces import (
    PIECE_HEAD,
    for_screen,
    head_bytes,
    shift,
    span,
)
from custom_components.camera_steward.core.viewing.screen import describe
from tests.cameras import Clip

from .stored import Stored, image, of_clip, of_stills

HOUR = timedelta(hours=1)


STORED: dict[str, Callable[[], Stored]] = {
    "h264": lambda: of_clip(Clip(width=64, height=48, rate=5, seconds=2, audio="aac"))[0],
    "h264 reordered": lambda: of_clip(
        Clip(width=64, height=48, rate=5, seconds=2, audio="pcmu", b_frames=2)
    )[0],
    "h265": lambda: of_clip(
        Clip(video="h265", width=64, height=48, rate=5, seconds=2, audio="opus")
    )[0],
    "mjpeg": lambda: of_clip(Clip(video="mjpeg", width=64, height=48, rate=5, seconds=2))[0],
    "png": cache(lambda: of_stills([image("png", size="64x48")] * 2, 60, 1)[0]),
}
kinds = pytest.mark.parametrize("kind", STORED)


@st.composite
def damages(draw: st.DrawFn) -> Callable[[bytes], bytes]:
    """Give a way to damage bytes: some are changed, lost, or come twice; mostly in the tables."""
    places = st.one_of(st.floats(0, 1), st.floats(0, 0.1))
    flips = draw(st.lists(st.tuples(places, st.integers(1, 255)), max_size=6))
    words = draw(
        st.lists(
            st.tuples(places, st.sampled_from([0, 1, 8, 2**31 - 1, 2**31, 2**32 - 1])), max_size=2
        )
    )
    cut = draw(st.one_of(st.just(1.0), st.floats(0, 1)))
    twice = draw(st.one_of(st.none(), places))

    def damage(data: bytes) -> bytes:
        changed = bytearray(data)
        for place, mask in flips:
            changed[int(place * (len(changed) - 1))] ^= mask
        for place, word in words:
            at = int(place * (len(changed) - 4)) // 4 * 4
            changed[at : at + 4] = word.to_bytes(4)
        if twice is not None:
            at = int(twice * len(changed))
            changed[at:at] = changed[at : at + 200]
        return bytes(changed[: int(cut * len(changed))])

    return damage


@kinds
@given(damage=damages())
@settings(max_examples=150, deadline=None)
def test_a_damaged_header_is_refused_or_read(kind: str, damage: Callable[[bytes], bytes]) -> None:
    stored = STORED[kind]()
    wrong = damage(stored.header)
    with suppress(FootageError):
        shown = describe(wrong)
        assert len(for_screen(wrong, shown)) == len(wrong)
        span(stored.body, shown)
        assert len(shift(stored.body, shown, HOUR)) == len(stored.body)
    with suppress(FootageError):
        for_screen(wrong, describe(stored.header))
    with suppress(FootageError):
        picture(wrong, stored.fragments[0])
    with suppress(FootageError):
        convert(wrong, stored.fragments[0], HOUR)


@kinds
@given(damage=damages())
@settings(max_examples=150, deadline=None)
def test_a_damaged_fragment_is_refused_or_shown(
    kind: str, damage: Callable[[bytes], bytes]
) -> None:
    stored = STORED[kind]()
    shown = describe(stored.header)
    wrong = damage(stored.fragments[0])
    with suppress(FootageError):
        assert len(shift(wrong, shown, HOUR)) == len(wrong)
    with suppress(FootageError):
        span(wrong, shown)
    with suppress(FootageError):
        head_bytes(wrong[:PIECE_HEAD])
    with suppress(FootageError):
        assert picture(stored.header, wrong).startswith(b"\xff\xd8")
    with suppress(FootageError):
        assert convert(stored.header, wrong, HOUR)


@kinds
def test_nothing_is_written(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stored = STORED[kind]()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    shown = describe(stored.header)
    for_screen(stored.header, shown)
    shift(stored.body, shown, HOUR)
    picture(stored.header, stored.fragments[0])
    convert(stored.header, stored.body, HOUR)
    notice(["13:05"], (64, 48), HOUR, HOUR)
    notice_segment(["13:05"], (64, 48), HOUR, sound=True)
    assert list(tmp_path.iterdir()) == []
