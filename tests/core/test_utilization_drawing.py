"""The heat map and the icon view: what they show, of results alone, and the same each time."""

import io
import zlib
from dataclasses import replace
from datetime import UTC, datetime
from struct import pack
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageFont

from custom_components.camera_steward.core.utilization.drawing import (
    WORDS,
    heat_map_png,
    icons_png,
)
from custom_components.camera_steward.core.utilization.results import (
    Crowd,
    IconsResult,
    MovementResult,
)
from custom_components.camera_steward.core.utilization.strokes import _FONT, opened
from custom_components.camera_steward.core.utilization.view import Person, parse_view

SQUARE = [[0.1, 0.1], [0.9, 0.1], [0.9, 0.9], [0.1, 0.9]]
VIEW = parse_view({"floor": {"seen": SQUARE, "drawn": SQUARE, "width_m": 6, "depth_m": 4}})
HOUR = datetime(2026, 11, 25, 9, tzinfo=UTC)
HEAT = tuple(tuple(9 if (row, column) == (4, 8) else 0 for column in range(12)) for row in range(8))
MOVED = MovementResult(hour_at=HOUR, heat=HEAT, flows={(1, 0, 1, 1): 5})
SEEN = IconsResult(people=((0.25, 0.5), (0.75, 0.9)), crowd=Crowd.BUSY, at=HOUR)
TOKYO = ZoneInfo("Asia/Tokyo")
BLUE = (28, 84, 140)


def pixels(png: bytes) -> NDArray[np.int64]:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(np.int64)


def picture(colour: tuple[int, int, int], size: tuple[int, int] = (600, 400)) -> bytes:
    made = io.BytesIO()
    Image.new("RGB", size, colour).save(made, "PNG")
    return made.getvalue()


def bomb() -> bytes:
    """Return a PNG of few bytes that says it has 10,000 million pixels."""
    found = b"\x89PNG\r\n\x1a\n"
    header = pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0)
    for kind, data in ((b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 1000)), (b"IEND", b"")):
        crc = zlib.crc32(kind + data)
        found += pack(">I", len(data)) + kind + data + pack(">I", crc)
    return found


def is_blue(colour: NDArray[np.int64]) -> bool:
    return bool(np.abs(colour - BLUE).max() <= 6)


def test_heat_is_drawn_where_it_was_and_flows_where_they_went() -> None:
    png = heat_map_png(MOVED, VIEW, None, "en")
    blank = pixels(heat_map_png(replace(MOVED, heat=(), flows={}), VIEW, None, "en"))
    shown = pixels(png)
    assert shown.shape == blank.shape
    # 6 m are 1120 pixels wide, below a head of 64 and beside an edge of 32.
    metre = 1120 / 6
    hot = shown[round(64 + 2.25 * metre), round(32 + 4.25 * metre)]
    assert hot[0] > hot[1] + 40
    arrow = shown[round(64 + 2.95 * metre) : round(64 + 3.35 * metre), round(32 + 2 * metre)]
    assert any(each[2] > each[0] + 60 for each in arrow)
    changed = np.argwhere(np.abs(shown - blank).max(axis=2)[64 : 64 + round(4 * metre)] > 8)
    assert changed[:, 1].min() > 32 + 0.9 * metre
    assert changed[:, 1].max() < 32 + 4.7 * metre


def test_pictures_are_the_same_each_time_and_hold_nothing_else() -> None:
    plan = picture((90, 60, 30))
    one, other = (
        (heat_map_png(MOVED, VIEW, plan, "ja", TOKYO), icons_png(SEEN, plan, "ja", (), TOKYO))
        for _ in range(2)
    )
    assert one == other
    for png in one:
        kinds, at = [], 8
        while at < len(png):
            kinds.append(png[at + 4 : at + 8])
            at += 12 + int.from_bytes(png[at : at + 4])
        assert set(kinds) == {b"IHDR", b"IDAT", b"IEND"}


def test_words_hours_and_levels_are_in_both_languages() -> None:
    made = {
        heat_map_png(result, VIEW, None, language, zone)
        for result in (MOVED, MovementResult())
        for language, zone in (("en", UTC), ("ja", TOKYO))
    }
    made |= {icons_png(replace(SEEN, crowd=each), None, "ja") for each in Crowd}
    made |= {icons_png(SEEN, None, "en"), icons_png(SEEN, None, "en", zone=TOKYO)}
    assert len(made) == 4 + 4 + 2
    assert icons_png(SEEN, None, "fr") == icons_png(SEEN, None, "en")
    font = ImageFont.truetype(_FONT, 20)
    missing = bytes(font.getmask("\uffff"))
    # What fails here needs ./script/font.
    letters = {each for words in WORDS.values() for text in words.values() for each in text}
    assert [each for each in letters - {" "} if bytes(font.getmask(each)) == missing] == []
    assert set(WORDS["en"]) == set(WORDS["ja"])


@pytest.mark.parametrize("size", [(480, 640), (1600, 400)])
def test_figures_stand_on_the_approved_background_at_their_feet(size: tuple[int, int]) -> None:
    shown = pixels(icons_png(SEEN, picture((60, 90, 60), size), "en"))
    height, width = shown.shape[0] - 84, shown.shape[1]
    for x, y, tall in ((0.25, 0.5, 0.18), (0.75, 0.9, 0.31)):
        # Its body, and beside it the background.
        row = round((y - tall * 0.6) * height)
        assert is_blue(shown[row, round(x * width)])
        assert tuple(shown[row, round((x - 0.15) * width)]) == (60, 90, 60)
    nobody = pixels(icons_png(replace(SEEN, people=()), picture((60, 90, 60), size), "en"))
    assert (nobody[:height] == (60, 90, 60)).all()
    # By how tall people are said to be; two in one cell are two.
    persons = (Person(foot=(0.5, 0.9), head=(0.5, 0.3)), Person(foot=(0.5, 0.5), head=(0.5, 0.4)))
    taller = pixels(icons_png(SEEN, picture((60, 90, 60), size), "en", persons))
    assert is_blue(taller[round(0.5 * height), round(0.75 * width)])
    both = replace(SEEN, people=((0.5, 0.6),) * 2)
    row = pixels(icons_png(both, None, "en"))[round((0.6 - 0.21 * 0.6) * 720)]
    blue = "".join(".b"[is_blue(each)] for each in row).strip(".")
    assert len(blue.split(".")) > 2  # with a border between them


def test_a_picture_that_cannot_be_read_is_as_if_there_were_none() -> None:
    for bad in (b"", b"no picture", picture((1, 2, 3))[:60], bomb()):
        assert opened(bad) is None
    assert heat_map_png(MOVED, VIEW, bomb(), "en") == heat_map_png(MOVED, VIEW, None, "en")
    assert icons_png(SEEN, bomb(), "en") == icons_png(SEEN, None, "en")
