"""An example of a heat map: an hour of visitors who do not exist, in a shop that does not either.

They are led through the case as a detector's boxes would be; what it tells is drawn as for a dashboard.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from io import BytesIO
from itertools import pairwise
from math import hypot
from random import Random

from PIL import Image, ImageDraw

from custom_components.camera_steward.core.utilization.detection import Box, Thing
from custom_components.camera_steward.core.utilization.drawing import heat_map_png
from custom_components.camera_steward.core.utilization.movement import Movement
from custom_components.camera_steward.core.utilization.view import parse_view

from .pages import ZONE

_WIDTH_M, _DEPTH_M = 12.0, 8.0
_CORNERS = [[0, 0], [1, 0], [1, 1], [0, 1]]
_VIEW = {"floor": {"seen": _CORNERS, "drawn": _CORNERS, "width_m": _WIDTH_M, "depth_m": _DEPTH_M}}
_SHELVES = ((1.6, 2, 2.4, 5), (3.6, 2, 4.4, 5), (5.6, 2, 6.4, 5), (0, 0, 12, 0.7))
_TILL = (9.7, 3, 10.4, 6)
_DOOR = (6, 8, 8, 8)
"""Left, top, right, bottom in metres."""
_WAYS: Mapping[tuple[tuple[float, float], ...], int] = {
    ((7, 7.7), (7.2, 6.5), (9, 5.5), (9, 4.5), (9, 6.4), (7.2, 7.7)): 5,
    ((7, 7.7), (5, 6), (5, 1.4), (7, 1.4), (7, 5.5), (9, 4.5), (9, 6.4), (7.2, 7.7)): 6,
    ((7, 7.7), (3, 6.2), (3, 1.4), (5, 1.4), (5, 6), (9, 4.5), (9, 6.4), (7.2, 7.7)): 4,
    ((7, 7.7), (1, 6.3), (1, 1.4), (3, 1.5), (3, 6), (7, 7.5)): 2,
}
"""Where they go, in metres, and how often."""
_STEP = 0.5
_HOUR = timedelta(hours=1)
_PAUSE = timedelta(seconds=20)
_FROM = datetime(2026, 5, 9, 14, tzinfo=ZONE)


def example_heat_map(language: str) -> bytes:
    """Return the PNG."""
    view = parse_view(_VIEW)
    begun = _FROM - timedelta(minutes=5)
    work = Movement(view, {}, begun)
    random, passed, visits = Random(7), 0.0, dict[int, Iterator[Box]]()
    while (at := begun + timedelta(seconds=passed)) < _FROM + _HOUR + timedelta(minutes=1):
        if random.random() < _STEP / _PAUSE.total_seconds():
            visits[len(visits)] = _visit(random)
        boxes = [box for each in visits.values() if (box := next(each, None)) is not None]
        work.take(None, boxes, at.astimezone(UTC), passed)
        passed += _STEP
    return heat_map_png(work.result(), view, _plan(), language, ZONE)


def _visit(random: Random) -> Iterator[Box]:
    """Yield where somebody is every half second."""
    (way,) = random.choices(list(_WAYS), list(_WAYS.values()))
    speed = random.uniform(0.6, 1.1)
    own = [(x + random.gauss(0, 0.2), y + random.gauss(0, 0.2)) for x, y in way]
    for (x, y), (to_x, to_y) in pairwise(own):
        steps = max(round(hypot(to_x - x, to_y - y) / speed / _STEP), 1)
        for step in range(steps):
            share = step / steps
            yield _box(x + (to_x - x) * share, y + (to_y - y) * share)


def _box(x_m: float, y_m: float) -> Box:
    x, y = min(max(x_m / _WIDTH_M, 0.03), 0.97), min(max(y_m / _DEPTH_M, 0.1), 0.999)
    return Box(thing=Thing.PERSON, score=0.9, left=x - 0.02, top=y - 0.1, right=x + 0.02, bottom=y)


def _plan() -> bytes:
    """Return the shop's floor plan."""
    scale, made = 80, BytesIO()
    plan = Image.new("RGB", (round(_WIDTH_M * scale), round(_DEPTH_M * scale)), "white")
    pen = ImageDraw.Draw(plan)
    pen.rectangle((0, 0, plan.width - 1, plan.height - 1), outline="black", width=8)
    for each in (*_SHELVES, _TILL):
        pen.rectangle([edge * scale for edge in each], fill="#c8c8c8", outline="black", width=3)
    left, top, right, _ = (edge * scale for edge in _DOOR)
    pen.rectangle((left, top - 8, right, top), fill="white")
    plan.save(made, "PNG")
    return made.getvalue()
