"""The heat map and the icon view as pictures, made of results alone: no frame comes near them.

They say by shapes and numbers what they can; the few words are here in both languages.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from .geometry import Point
from .limiter import CELL_M, THRESHOLD
from .movement import FLOW_CELL_M
from .results import Crowd, IconsResult, MovementResult
from .strokes import INK, PAPER, QUIET, Sheet, opened
from .view import Person, ViewSettings

WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {
        "heat": "Paths through each {cell} m square",
        "flows": "Flows of {least} or more",
        "hidden": "Fewer than {least} are not shown",
        "none": "No whole hour yet",
        Crowd.EMPTY: "Empty",
        Crowd.SOME: "Some people",
        Crowd.BUSY: "Busy",
        Crowd.FULL: "Full",
    },
    "ja": {
        "heat": "{cell} m四方を通った延べ人数",
        "flows": "{least}人以上の流れ",
        "hidden": "{least}人未満は表示していません",
        "none": "1時間分のデータがまだありません",
        Crowd.EMPTY: "誰もいません",
        Crowd.SOME: "空いています",
        Crowd.BUSY: "混んでいます",
        Crowd.FULL: "大変混んでいます",
    },
}
"""Their letters are in the font by `script/font`."""

_WIDEST, _HIGHEST = 1120, 800
_EDGE = 32
_HEAD, _FOOT = 64, 92
_WARM: Final = ((255, 237, 160), (254, 178, 76), (240, 59, 32), (128, 0, 38))
"""From few to many (ColorBrewer's YlOrRd, by C. Brewer): also told apart in grey."""
_FLOW, _FLOW_CASING = (23, 64, 120, 235), (255, 255, 255, 220)
_SOFT = 16
"""Pixels of a cell before it is made as large as it is drawn."""
_METRE, _FIFTH_METRE = (228, 228, 228), (196, 196, 196)
_MOST_ARROWS = 40
_PERSON, _PERSON_CASING = (28, 84, 140), (255, 255, 255)
_LEVELS: Final = {
    Crowd.EMPTY: (130, 140, 150),
    Crowd.SOME: (38, 130, 90),
    Crowd.BUSY: (214, 132, 0),
    Crowd.FULL: (188, 36, 44),
}
_ICONS_WIDTH = 1280
_ICONS_HEIGHTS = (480, 960)
_BAND = 84
_NEAR, _FAR = 0.34, 0.12
"""How tall a figure is at the lower edge and at the horizon, where nobody set it, of the height."""
_HORIZON = 0.3


def heat_map_png(
    result: MovementResult,
    view: ViewSettings,
    plan: bytes | None,
    language: str,
    zone: tzinfo = UTC,
) -> bytes:
    """Return the heat and the flows of an hour on the plan of the floor; `zone` is for its hour.

    `plan` is an uploaded picture; without one that can be read, a grid of metres is drawn.
    """
    words = WORDS.get(language, WORDS["en"])
    width_m, depth_m = (view.floor.width_m, view.floor.depth_m) if view.floor else (8.0, 6.0)
    scale = min(_WIDEST / width_m, _HIGHEST / depth_m)
    size = round(width_m * scale), round(depth_m * scale)
    wide = max(size[0], 720)
    sheet = Sheet((wide + 2 * _EDGE, size[1] + _HEAD + _FOOT))
    corner = _EDGE + (wide - size[0]) // 2, _HEAD
    _draw_plan(sheet, plan, corner, size, scale)
    most = max((max(row, default=0) for row in result.heat), default=0)
    if most:
        _draw_heat(sheet, result, corner, size, scale)
    _draw_flows(sheet, result, corner, size, scale)
    sheet.frame(corner, size, 2, INK)
    if result.hour_at is None:
        middle = corner[0] + size[0] / 2, corner[1] + size[1] / 2
        sheet.text(words["none"], middle, 30, QUIET, anchor="mm")
    else:
        sheet.text(_hour(result.hour_at, zone), (_EDGE, _HEAD / 2), 30)
        _draw_legend(sheet, (_EDGE, _HEAD + size[1] + 26), most, bool(result.flows), words)
    _draw_scale(sheet, (_EDGE + wide, _HEAD / 2), scale)
    return sheet.png()


def _hour(at: datetime, zone: tzinfo) -> str:
    start, end = at.astimezone(zone), (at + timedelta(hours=1)).astimezone(zone)
    return f"{start:%Y-%m-%d  %H:%M}-{end:%H:%M}"


def _draw_plan(
    sheet: Sheet, plan: bytes | None, corner: tuple[int, int], size: tuple[int, int], scale: float
) -> None:
    picture = opened(plan)
    if picture is not None:
        # Pale and grey, so that colour is people's alone.
        grey = picture.convert("L").point(lambda value: 255 - (255 - value) * 0.55)
        sheet.paste(grey.convert("RGB"), corner, size)
        return
    sheet.box(corner, size, (250, 250, 248))
    left, top = corner
    right, bottom = left + size[0], top + size[1]
    for metre in range(1, round(max(size) / scale)):
        x, y = left + metre * scale, top + metre * scale
        colour = _FIFTH_METRE if metre % 5 == 0 else _METRE
        if x < right:
            sheet.line([(x, top), (x, bottom)], 1, colour)
        if y < bottom:
            sheet.line([(left, y), (right, y)], 1, colour)


def _draw_heat(
    sheet: Sheet,
    result: MovementResult,
    corner: tuple[int, int],
    size: tuple[int, int],
    scale: float,
) -> None:
    heat = np.array(result.heat, np.float32)
    share = Image.fromarray((heat / heat.max() * 255).astype(np.uint8))
    whole = heat.shape[1] * _SOFT, heat.shape[0] * _SOFT
    large = share.resize(whole, Image.Resampling.NEAREST)
    soft = np.asarray(large.filter(ImageFilter.BoxBlur(_SOFT * 0.3)), np.float32) / 255
    cell = CELL_M * scale
    # The last cells may be cut by the edge of the plan.
    soft = soft[: round(size[1] / cell * _SOFT), : round(size[0] / cell * _SOFT)]
    colours = _colours(soft)
    alpha = np.clip(soft / 0.04, 0, 1) * 0.82 * 255
    layer = np.dstack([colours, alpha]).astype(np.uint8)
    sheet.paste(Image.fromarray(layer, "RGBA"), corner, size)


def _colours(shares: NDArray[np.floating]) -> NDArray[np.float64]:
    stops = np.linspace(0, 1, len(_WARM))
    parts = [np.interp(shares, stops, [each[part] for each in _WARM]) for part in range(3)]
    return np.dstack(parts)


def _draw_flows(
    sheet: Sheet,
    result: MovementResult,
    corner: tuple[int, int],
    size: tuple[int, int],
    scale: float,
) -> None:
    flows = sorted(result.flows.items(), key=lambda each: (-each[1], each[0]))[:_MOST_ARROWS]
    if not flows:
        return
    most, step = flows[0][1], FLOW_CELL_M * scale
    for (row, column, to_row, to_column), count in reversed(flows):
        start, end = (
            # What is left of the last one is smaller: its middle may be beyond the plan.
            (
                corner[0] + min((right + 0.5) * step, size[0] - step * 0.2),
                corner[1] + min((below + 0.5) * step, size[1] - step * 0.2),
            )
            for below, right in ((row, column), (to_row, to_column))
        )
        across, down = end[0] - start[0], end[1] - start[1]
        length = float(np.hypot(across, down))
        # To the right of their way, so that those to and fro lie side by side.
        aside = -down / length * step * 0.1, across / length * step * 0.1
        begin, stop = 0.2 * step / length, 1 - 0.16 * step / length
        sheet.arrow(
            (start[0] + across * begin + aside[0], start[1] + down * begin + aside[1]),
            (start[0] + across * stop + aside[0], start[1] + down * stop + aside[1]),
            2 + (count / most) * min(step * 0.1, 12),
            _FLOW,
            _FLOW_CASING,
        )


def _draw_scale(sheet: Sheet, end: Point, scale: float) -> None:
    metres = next(each for each in (1, 2, 5, 10, 20) if each * scale >= 80 or each == 20)
    start = end[0] - metres * scale
    y = end[1] + 8
    sheet.line([(start, y), (end[0], y)], 3, INK)
    for x in (start, end[0]):
        sheet.line([(x, y - 7), (x, y + 7)], 3, INK)
    sheet.text(f"{metres} m", ((start + end[0]) / 2, y - 18), 20, anchor="mm")


def _draw_legend(
    sheet: Sheet, at: Point, most: int, has_flows: bool, words: Mapping[str, str]
) -> None:
    x, y = at
    if most:
        bar = np.repeat(np.linspace(THRESHOLD / most, 1, 180)[None, :], 18, axis=0)
        sheet.paste(Image.fromarray(_colours(bar).astype(np.uint8)), (int(x), int(y)), (180, 18))
        sheet.frame((x, y), (180, 18), 1, QUIET)
        sheet.text(str(THRESHOLD), (x, y + 34), 18, anchor="lm")
        sheet.text(str(most), (x + 180, y + 34), 18, anchor="rm")
        x += 196
        x += sheet.text(words["heat"].format(cell=CELL_M), (x, y + 9), 20) + 36
    if has_flows:
        sheet.arrow((x, y + 9), (x + 48, y + 9), 7, _FLOW, _FLOW_CASING)
        x += 60
        sheet.text(words["flows"].format(least=THRESHOLD), (x, y + 9), 20)
    line = words["hidden"].format(least=THRESHOLD)
    sheet.text(line, (at[0] + (196 if most else 0), y + 38), 18, QUIET)


def icons_png(
    result: IconsResult,
    background: bytes | None,
    language: str,
    persons: Sequence[Person] = (),
    zone: tzinfo = UTC,
) -> bytes:
    """Return people as figures on the approved background, and how crowded it is.

    `background` is the picture that somebody approved; without one that can be read, a floor is
    drawn. `persons` tell how tall figures are; `zone` is for the time.
    """
    words = WORDS.get(language, WORDS["en"])
    picture = opened(background)
    height = 720
    if picture is not None:
        least, most = _ICONS_HEIGHTS
        height = min(max(round(_ICONS_WIDTH * picture.height / picture.width), least), most)
    sheet = Sheet((_ICONS_WIDTH, height + _BAND))
    if picture is None:
        _draw_floor(sheet, height)
    else:
        sheet.paste(picture, (0, 0), (_ICONS_WIDTH, height))
    # Those in front over those behind; several in one cell stand side by side.
    beside: dict[Point, int] = {}
    for x, y in sorted(result.people, key=lambda each: (each[1], each[0])):
        tall = _tall(y, persons) * height
        count = beside.get((x, y), 0)
        beside[x, y] = count + 1
        shift = (count + 1) // 2 * (1 if count % 2 else -1) * tall * 0.24
        foot = x * _ICONS_WIDTH + shift, y * height
        sheet.oval(foot, tall * 0.2, tall * 0.045, (0, 0, 0, 60))
        sheet.person(foot, tall, _PERSON, _PERSON_CASING)
    _draw_band(sheet, result, height, words, zone)
    return sheet.png()


def _tall(y: float, persons: Sequence[Person]) -> float:
    """Return how tall somebody is whose feet are there, of the picture's height."""
    if len(persons) == 2:
        (one, other) = ((each.foot[1], each.foot[1] - each.head[1]) for each in persons)
        tall = one[1] + (other[1] - one[1]) * (y - one[0]) / (other[0] - one[0])
    else:
        tall = _FAR + (_NEAR - _FAR) * max(y - _HORIZON, 0) / (1 - _HORIZON)
    return min(max(tall, 0.05), 0.8)


def _draw_floor(sheet: Sheet, height: int) -> None:
    """Draw a wall and a floor of tiles that go to the horizon."""
    wide, horizon = sheet.size[0], round(height * _HORIZON)
    sheet.box((0, 0), (wide, horizon), (232, 236, 240))
    sheet.box((0, horizon), (wide, height - horizon), (214, 219, 224))
    middle, line = wide / 2, (198, 204, 210)
    for each in range(-14, 15):
        near = middle + each * wide / 7
        far = middle + each * wide / 18
        sheet.line([(far, horizon), (near, height)], 2, line)
    for each in range(9):
        y = horizon + (height - horizon) * (each / 9) ** 1.7
        sheet.line([(0, y), (wide, y)], 2, line)


def _draw_band(
    sheet: Sheet, result: IconsResult, top: int, words: Mapping[str, str], zone: tzinfo
) -> None:
    """Draw the level as figures of which more or fewer are filled, in words, and the time."""
    wide, middle = sheet.size[0], top + _BAND / 2
    sheet.box((0, top), (wide, _BAND), PAPER)
    colour = _LEVELS[result.crowd]
    sheet.box((0, top), (wide, 6), colour)
    level = list(Crowd).index(result.crowd)
    for each in range(3):
        filled = each < level
        x = _EDGE + 18 + each * 36
        sheet.person((x, middle + 29), 50, colour if filled else (214, 219, 224))
    sheet.text(words[result.crowd], (_EDGE + 138, middle + 4), 38, colour if level else INK)
    if result.at is not None:
        at = result.at.astimezone(zone)
        sheet.text(f"{at:%Y-%m-%d  %H:%M}", (wide - _EDGE, middle + 4), 30, QUIET, anchor="rm")
