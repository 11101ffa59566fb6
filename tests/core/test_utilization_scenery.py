"""The state of a scene by a few labelled moments, in a description from which no face can be seen."""

from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from custom_components.camera_steward.core.errors import ViewInvalidError
from custom_components.camera_steward.core.utilization.detection import Frame, Pixels
from custom_components.camera_steward.core.utilization.limiter import (
    DESCRIPTION,
    MOST_MOMENTS,
    STEPS,
)
from custom_components.camera_steward.core.utilization.scenery import Scenery, described
from custom_components.camera_steward.core.utilization.view import ViewSettings

from .inspection_scenes import street
from .utilization_scenes import BEGIN

VIEW = ViewSettings(labels=("free", "parked"))
SIZE = (320, 176)


@lru_cache(maxsize=2)
def scene(parked: bool) -> NDArray[np.float32]:
    grey = Image.fromarray(street().astype(np.uint8)[:352, :640]).resize(SIZE)
    picture = Image.merge("RGB", [grey.point(lambda v, c=c: v * c) for c in (1.0, 0.9, 0.8)])
    if parked:
        draw = ImageDraw.Draw(picture)
        draw.rectangle((150, 100, 230, 150), fill=(60, 70, 120))
        draw.rectangle((165, 85, 215, 100), fill=(30, 32, 40))
    return np.asarray(picture, np.float32)


def seen(
    parked: bool, *, gain: float = 1.0, night: bool = False, seed: int = 0, passing: bool = False
) -> Pixels:
    """Return the street as a camera sees it, by infrared at night, perhaps with somebody passing."""
    random = np.random.default_rng(seed)
    picture = scene(parked).copy()
    if passing:
        x = int(random.integers(0, SIZE[0] - 12))
        picture[90:130, x : x + 12] = random.integers(0, 255, 3)
    if night:
        y, x_ = np.mgrid[0 : SIZE[1], 0 : SIZE[0]]
        fall = np.exp(-((x_ - 160) ** 2 + (y - 120) ** 2) / 160**2)
        picture = np.repeat((picture.mean(axis=2) * fall)[:, :, None], 3, axis=2)
        noise = np.repeat(random.normal(0, 5, (*SIZE[::-1], 1)), 3, axis=2)
    else:
        noise = random.normal(0, 3, picture.shape)
    return np.clip(picture * gain + noise, 0, 255).astype(np.uint8)


class Camera:
    def __init__(self, work: Scenery) -> None:
        self.work, self.at, self.elapsed = work, BEGIN, 0.0

    def show(
        self, seconds: int, parked: bool = False, pixels: Pixels | None = None, **how: Any
    ) -> None:
        for second in range(seconds):
            picture = seen(parked, seed=second, **how) if pixels is None else pixels
            frame = Frame(pixels=picture, taken_at=self.at, elapsed=self.elapsed)
            self.work.take(frame, (), self.at, self.elapsed)
            self.at += timedelta(seconds=5)
            self.elapsed += 5

    def learn(self, label: str, parked: bool, **how: Any) -> None:
        self.work.learn(label)
        self.show(3, parked, **how)

    def state(self) -> str | None:
        return self.work.result().state


def taught() -> Camera:
    camera = Camera(Scenery(VIEW, {}, BEGIN))
    camera.show(2)
    assert camera.state() is None
    for night in (False, True):
        camera.learn("free", False, night=night)
        camera.learn("parked", True, night=night)
    assert camera.work.result().learnt == {"free": 2, "parked": 2}
    return camera


def test_a_state_is_told_by_day_and_night_once_it_is_steady() -> None:
    camera = taught()
    for parked, label in ((False, "free"), (True, "parked"), (False, "free")):
        for how in ({"gain": 0.6}, {"gain": 1.4}, {"night": True}, {"passing": True}):
            camera.show(12, parked, **how)
            assert camera.state() == label, how
    since = camera.work.result().since_at
    assert since is not None
    assert (since.minute % 15, since.second) == (0, 0)
    camera.show(4, True)  # stops for a moment
    camera.show(12, False)
    assert (camera.state(), camera.work.result().since_at) == ("free", since)
    # Covered, or another place: nothing that was learnt.
    for other in (np.zeros((176, 320, 3), np.uint8), seen(False)[::-1]):
        camera.show(12, pixels=np.ascontiguousarray(other))
        assert camera.state() is None
    # Looked at seldom, whatever the rate.
    camera.show(12)
    before = len(camera.work._looks)
    camera.work._looks.clear()
    frame = Frame(pixels=seen(True), taken_at=camera.at, elapsed=camera.elapsed)
    for _ in range(50):
        camera.work.take(frame, (), camera.at, camera.elapsed)
    assert (before, len(camera.work._looks)) == (12, 1)


def test_what_was_learnt_goes_on_and_is_small_numbers_of_the_labels_that_are_there() -> None:
    camera = taught()
    camera.show(12, True)
    kept = camera.work.kept()
    after = Camera(Scenery(VIEW, kept, camera.at))
    assert after.work.result() == camera.work.result()
    after.show(12)
    assert after.state() == "free"
    learnt = kept["learnt"]
    assert isinstance(learnt, dict)
    assert {
        number in range(STEPS) for each in learnt.values() for row in each for number in row
    } == {True}
    other = Scenery(ViewSettings(labels=("free", "wet")), kept, camera.at)
    assert other.result().learnt == {"free": 2, "wet": 0}
    assert other.result().state is None
    broken = Scenery(VIEW, {"learnt": {"free": [[9]], "parked": learnt["parked"]}}, camera.at)
    assert broken.result().learnt == {"free": 0, "parked": 2}
    for _ in range(MOST_MOMENTS + 1):
        camera.learn("free", False)
    assert camera.work.result().learnt["free"] == MOST_MOMENTS
    camera.work.kept()
    with pytest.raises(ViewInvalidError):
        camera.work.learn("snow")
    camera.work.take(None, (), datetime.now(BEGIN.tzinfo), 0.0)


def test_two_faces_are_the_same_in_a_description_and_nothing_of_the_frame_is_held() -> None:
    def face(eyes: int, mouth: int) -> Pixels:
        picture = Image.fromarray(seen(False))
        draw = ImageDraw.Draw(picture)
        draw.ellipse((80, 40, 96, 60), fill=(200, 170, 150))  # as large as a passer-by's
        for x in (85, 91):
            draw.ellipse((x - eyes, 48 - eyes, x + eyes, 48 + eyes), fill=(40, 30, 30))
        draw.line((88 - mouth, 55, 88 + mouth, 55), fill=(120, 40, 40))
        return np.asarray(picture)

    one, other = described(face(1, 2)), described(face(2, 4))
    assert one.size == DESCRIPTION
    # What is left of a face is a few small numbers.
    assert int(np.abs(one - other).max()) <= 2
    assert int(np.count_nonzero(one - other)) <= 6
    work = Scenery(VIEW, {}, BEGIN)
    work.learn("free")
    pixels = seen(False)
    work.take(Frame(pixels=pixels, taken_at=BEGIN, elapsed=0.0), (), BEGIN, 0.0)
    held = list(work._learning[1]) if work._learning else []
    assert [each.nbytes for each in held] == [DESCRIPTION]
    assert not any(np.shares_memory(each, pixels) for each in held)
