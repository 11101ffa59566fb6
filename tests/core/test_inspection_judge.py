"""What one look says, and what many do: each fault is found, and light is none."""

from datetime import timedelta
from itertools import count
from typing import Any

import numpy as np
import pytest

from custom_components.camera_steward.core.inspection.findings import FaultKind, Tally, Verdict
from custom_components.camera_steward.core.inspection.views import View, match

from .inspection_scenes import (
    EVERY,
    HEIGHT,
    NOON,
    SIZE,
    Camera,
    out_of_focus,
    seen_from,
    sent,
    street,
)

ALL = frozenset(FaultKind)
OF_THE_PICTURE = ALL - {FaultKind.GAPS, FaultKind.CLOCK}


@pytest.mark.parametrize(
    ("gain", "offset", "noise"),
    [(1.0, 0, 1.5), (0.6, 10, 2), (0.35, 90, 2), (1.5, -30, 3), (0.25, 0, 4), (-0.8, 230, 2)],
    ids=["as it was", "dimmer", "hazy", "harder", "dusk", "light and dark swapped"],
)
def test_light_contrast_and_noise_are_no_fault(gain: float, offset: float, noise: float) -> None:
    camera = Camera()
    for _ in range(4):
        verdict = camera.look(gain=gain, offset=offset, noise=noise, same=False)
        assert verdict.suspected == {}
        assert {FaultKind.MOVED, FaultKind.FROZEN, FaultKind.BLACK} <= set(verdict.cleared)
    assert camera.found == set()


@pytest.mark.parametrize(
    "light", [{}, {"gain": 0.25, "noise": 5.0, "colour": 0.0}], ids=["day", "night"]
)
@pytest.mark.parametrize(
    ("pose", "figure", "expected", "within"),
    [
        ({"across": 0.1}, "across", -0.1, 0.02),
        ({"angle": 5.0}, "angle", -5.0, 2.0),
        ({"scale": 1.12}, "scale", 1.1, 0.05),
    ],
    ids=["shifted", "turned", "zoomed"],
)
def test_a_camera_that_was_moved_is_found_and_how(
    pose: dict[str, float], figure: str, expected: float, within: float, light: dict[str, Any]
) -> None:
    camera = Camera()
    moved = seen_from(camera.canvas, **pose)
    for _ in range(3):
        verdict = camera.look(moved, **light)
    assert camera.found == {FaultKind.MOVED}
    assert camera.tally.open[FaultKind.MOVED] == NOON  # when it was seen first
    assert verdict.suspected[FaultKind.MOVED][figure] == pytest.approx(expected, abs=within)
    for _ in range(3):
        camera.look()
    assert camera.found == set()


def test_another_street_is_not_the_approved_view() -> None:
    camera = Camera()
    for _ in range(3):
        camera.look(seen_from(street(seed=9)))
    assert camera.found == {FaultKind.MOVED}


def test_a_cover_is_found_by_day_and_by_night_only_once_the_hour_is_known() -> None:
    cloth = np.linspace(90, 120, HEIGHT, dtype=np.float32)[:, None] + np.zeros((1, 640), np.float32)
    camera = Camera()
    for _ in range(3):
        camera.look(cloth)
    assert camera.found == {FaultKind.COVERED}
    grey = Camera()
    for _ in range(3):
        grey.look(cloth, colour=0.0)  # by day or before a lamp of its own: nothing at all is there
    assert grey.found == {FaultKind.COVERED}

    by_night: dict[str, Any] = {"gain": 0.4, "noise": 4.0, "colour": 0.0}
    new = Camera()
    for _ in range(6):
        verdict = new.look(cloth, **by_night)
        assert verdict.suspected == {}
        assert not {FaultKind.COVERED, FaultKind.MOVED, FaultKind.BLURRED} & set(verdict.cleared)
    known = Camera()
    known.knows_its_hours()
    for _ in range(3):
        known.look(cloth, **by_night)
    assert known.found == {FaultKind.COVERED}


def test_a_lens_out_of_focus_is_found_and_the_view_still_known() -> None:
    camera = Camera()
    for _ in range(3):
        verdict = camera.look(out_of_focus(seen_from(camera.canvas)))
    assert camera.found == {FaultKind.BLURRED}
    assert FaultKind.MOVED in verdict.cleared
    figures = verdict.suspected[FaultKind.BLURRED]
    assert float(figures["now"]) < 0.6 * float(figures["usual"])


def test_black_is_night_until_it_lasts_longer_than_any_or_comes_when_there_always_was_light() -> (
    None
):
    nothing = np.zeros((HEIGHT, 640), np.float32)
    camera = Camera()
    while camera.at < NOON + timedelta(hours=19, minutes=55):
        assert camera.look(nothing, noise=4).suspected == {}
        camera.at += timedelta(minutes=40)
    while camera.at < NOON + timedelta(hours=21):
        camera.look(nothing, noise=4)
    assert camera.found == {FaultKind.BLACK}
    for _ in range(3):
        camera.look()
    assert camera.found == set()

    known = Camera()
    known.knows_its_hours()
    for _ in range(3):
        known.look(nothing, noise=4)
    assert known.found == {FaultKind.BLACK}


def test_too_much_light_is_found() -> None:
    camera = Camera()
    for _ in range(3):
        camera.look(gain=1.0, offset=240)
    assert camera.found == {FaultKind.OVEREXPOSED}


def test_the_same_picture_again_is_frozen_but_darkness_is_not() -> None:
    camera = Camera()
    for number in range(4):
        assert camera.found == set(), number
        camera.look(same=True)
    assert camera.found == {FaultKind.FROZEN}
    night = Camera()
    for _ in range(6):
        night.look(np.zeros((HEIGHT, 640), np.float32), same=True)
    assert night.found == set()


def test_another_size_or_pace_than_at_approval_is_found() -> None:
    camera = Camera()
    for _ in range(3):
        camera.look(size=(1280, 704), rate=15)
    assert camera.found == {FaultKind.SIZE_CHANGED}
    for _ in range(3):
        camera.look(rate=5)
    assert camera.found == {FaultKind.RATE_CHANGED}
    for _ in range(3):
        camera.look(rate=10)  # a slower shutter by night
    assert camera.found == set()
    # of another shape nothing can be compared, and nothing is made up
    square = np.zeros((640, 640), np.float32) + seen_from(camera.canvas)[:1, :]
    verdict = camera.look(square, size=(1080, 1080))
    assert set(verdict.suspected) == {FaultKind.SIZE_CHANGED}
    assert FaultKind.MOVED not in verdict.cleared


def test_without_an_approved_view_only_what_needs_none_is_said() -> None:
    camera = Camera()
    camera.memory.view = None
    verdict = camera.look(seen_from(street(seed=9)), same=False)
    assert verdict.suspected == {}
    assert set(verdict.cleared) == {FaultKind.BLACK, FaultKind.OVEREXPOSED, FaultKind.FROZEN}


def test_what_always_changes_counts_less() -> None:
    camera = Camera()
    rng = np.random.default_rng(5)
    others = [seen_from(street(seed=each)) for each in range(2, 8)]
    for _ in range(25):
        leaves = seen_from(camera.canvas)
        leaves[:, :200] = others[int(rng.integers(len(others)))][:, :200]
        assert camera.look(leaves).suspected == {}
    weights = camera.memory.weights
    view = camera.memory.view
    assert view is not None
    strong = np.abs(view.cells) > 0.4
    left, right = weights[:, :11][strong[:, :11]], weights[:, 15:][strong[:, 15:]]
    assert left.mean() < 0.8
    assert right.mean() > 0.95
    last = camera.features(sent(leaves))
    plain = match(view, last, np.ones_like(weights))
    weighed = match(view, last, weights)
    assert plain is not None
    assert weighed is not None
    assert weighed.here > plain.here


def test_a_finding_opens_and_closes_only_after_looks_that_agree() -> None:
    moved = Verdict(suspected={FaultKind.MOVED: {}})
    fine = Verdict(cleared={FaultKind.MOVED})
    unsure = Verdict()
    tally, looks = Tally(), count()

    def take(*verdicts: Verdict) -> tuple[int, int]:
        """Return how often something opened and closed."""
        opened = closed = 0
        for each in verdicts:
            opening, closing = tally.take(each, NOON + EVERY * next(looks))
            for kind, since in opening:
                tally.open[kind] = since
                opened += 1
            for kind in closing:
                del tally.open[kind]
                closed += 1
        return opened, closed

    assert take(moved, moved, fine, moved, moved) == (0, 0)
    assert take(unsure, unsure, moved) == (1, 0)
    assert tally.open == {FaultKind.MOVED: NOON + 3 * EVERY}
    assert take(moved, fine, fine, moved, fine, unsure, fine) == (0, 0)
    assert take(unsure, fine) == (0, 1)
    assert take(moved, moved) == (0, 0)


# The descriptor


def test_a_descriptor_is_a_byte_for_each_of_some_hundred_cells_and_knows_no_light() -> None:
    camera = Camera()
    picture = seen_from(camera.canvas)
    view = View.of(camera.features(sent(picture, noise=0.5)), *SIZE)
    assert len(view.data) == 40 * (HEIGHT // 16)
    negative = View.of(camera.features(sent(255 - picture, noise=0.5, seed=1)), *SIZE)
    away = np.abs(view.cells - negative.cells)
    assert np.mean(away < 0.15) > 0.98
    # so nothing in it says which of two neighbours is the lighter
    assert view.digest != negative.digest


def test_nothing_smaller_than_a_cell_can_be_told_from_a_descriptor() -> None:
    """A face at the size of one is 48 of 1920 pixels wide; two of them leave one byte each."""
    wall = np.full((HEIGHT, 640), 120, np.float32)
    rng = np.random.default_rng(3)
    told = set()
    camera = Camera()
    for _ in range(12):
        face = wall.copy()
        # features as fine as the small picture has them, within one cell
        face[160:176, 320:336] += np.kron(rng.uniform(-90, 90, (4, 4)), np.ones((4, 4)))
        view = View.of(camera.features(sent(face, noise=0.0)), *SIZE)
        changed = np.flatnonzero(np.frombuffer(view.data, np.uint8) >> 4)
        # in the cell and at most its neighbours, by smoothing
        assert set(changed // 40) <= {9, 10, 11}
        assert set(changed % 40) <= {19, 20, 21}
        told.add(view.data)
    assert len({len(data) for data in told}) == 1
