"""A camera's day and night made of one still picture: light, exposure, noise, people, cars, weather.

What is real is the picture; the light on it is worked out as physics has it, roughly. It is made in
linear light, exposed as a camera exposes, with noise as a sensor has it, in grey where a camera turns to
infrared, and encoded as H.264.
"""

from dataclasses import dataclass
from enum import StrEnum
from io import BytesIO

import av
import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

type Pixels = NDArray[np.float32]
"""Linear light, height x width x 3."""

VIEW_WIDTH = 640
_MARGIN = 0.1
"""Of the picture to each side, which comes into view when the camera moves."""
_LUX = (
    (-18.0, 0.001),
    (-12.0, 0.01),
    (-6.0, 3.0),
    (0.0, 400.0),
    (5.0, 4_000.0),
    (20.0, 30_000.0),
    (60.0, 100_000.0),
)
"""Light of the sky by the height of the sun in degrees."""
_IR_BELOW = 5.0
_LAMPS_BELOW = 60.0
_EXPOSED = 0.2
_READ, _SHOT = 0.02, 0.004
_LINEAR = ((np.arange(256) / 255) ** 2.2).astype(np.float32)
_TONES = ((np.arange(4096) / 4095) ** (1 / 2.2) * 255).astype(np.uint8)


class Night(StrEnum):
    """What light there is by night."""

    LAMPS = "lamps"
    INFRARED = "infrared"
    DARK = "dark"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mishap:
    """What was done to the camera; `shift` is a share of the width, `defocus` a deviation of it."""

    shift: float = 0.0
    angle: float = 0.0
    covered: bool = False
    defocus: float = 0.0


@dataclass(kw_only=True)
class Scene:
    """A place that a camera sees. `frames` are pictures of it, one of which is taken for each look."""

    name: str
    frames: list[Image.Image]
    night: Night
    seed: int

    def __post_init__(self) -> None:
        """Settle where lamps stand and shadows fall."""
        rng = np.random.default_rng(self.seed)
        wide, high = self.frames[0].size
        self.height = round(VIEW_WIDTH * high / wide / 16) * 16
        span = (VIEW_WIDTH / (1 - 2 * _MARGIN), self.height / (1 - 2 * _MARGIN))
        self.canvas = (round(span[0]), round(span[1]))
        self._lamps = [(rng.uniform(0.1, 0.9), rng.uniform(0.05, 0.5)) for _ in range(3)]
        self._shadows = [
            (rng.uniform(0, 1), rng.uniform(0.3, 1), rng.uniform(0.1, 0.3)) for _ in range(4)
        ]
        self._parked = rng.uniform(0.1, 0.8), rng.uniform(0.5, 0.8)
        self._canvases = [
            each.resize(self.canvas, Image.Resampling.LANCZOS) for each in self.frames
        ]
        rows, columns = np.mgrid[0 : self.height, 0:VIEW_WIDTH].astype(np.float32)
        self._x, self._y = columns / VIEW_WIDTH, rows / self.height
        x, y = self._x, self._y
        self._lamplight, self._bulbs = np.zeros_like(x), np.zeros_like(x)
        for left, top in self._lamps:
            far = (x - left) ** 2 + ((y - top - 0.25) * 0.8) ** 2
            self._lamplight += 5 / (1 + far / 0.012)
            self._bulbs += 60 * np.exp(-((x - left) ** 2 + (y - top) ** 2) / 0.0004)
            self._bulbs += 3 * np.exp(-((x - left) ** 2 + (y - top) ** 2) / 0.01)
        around = np.exp(-(((x - 0.5) / 0.45) ** 2 + ((y - 0.6) / 0.6) ** 2))
        self._infrared = 12 * (0.15 + 0.85 * y) * around

    def look(self, hour: float, mishap: Mishap | None = None) -> VideoFrame:
        """Return a decoded keyframe of `hour` hours after midnight of the first day."""
        mishap = mishap or Mishap()
        rng = np.random.default_rng([self.seed, round(hour * 3600)])
        light = _daylight(hour % 24) * (0.25 if int(hour // 24) % 3 == 1 else 1.0)
        scene = self._seen(rng, mishap)
        scene = self._visited(scene, hour, rng, light)
        infrared = self.night is Night.INFRARED and light < _IR_BELOW
        lit = self._lit(scene, hour, light, infrared=infrared, rng=rng, mishap=mishap)
        if mishap.defocus:
            lit = _blurred(lit, mishap.defocus * VIEW_WIDTH)
        return encoded(_stamped(_exposed(lit, rng, infrared=infrared), hour))

    def _seen(self, rng: np.random.Generator, mishap: Mishap) -> Pixels:
        """Return the scene's own colours as far as the camera sees them, a little moved by the wind."""
        image = self._canvases[int(rng.integers(len(self._canvases)))]
        wide, high = self.canvas
        sway = rng.normal(0, 0.0012, 2)
        if mishap.angle:
            image = image.rotate(mishap.angle, Image.Resampling.BICUBIC)
        left = wide * _MARGIN + (mishap.shift + sway[0]) * VIEW_WIDTH
        top = high * _MARGIN + sway[1] * VIEW_WIDTH
        box = (left, top, left + VIEW_WIDTH, top + self.height)
        cut = image.transform(
            (VIEW_WIDTH, self.height), Image.Transform.EXTENT, box, Image.Resampling.BILINEAR
        )
        return _linear(cut)

    def _visited(
        self, scene: Pixels, hour: float, rng: np.random.Generator, light: float
    ) -> Pixels:
        """Let people pass, and a car be parked for some hours of each day."""
        high, wide = scene.shape[:2]
        if 9 <= hour % 24 < 15.5:
            x, y = (round(a * b) for a, b in zip(self._parked, (wide, high), strict=True))
            body = scene[y : y + high // 5, x : x + wide // 4]
            body *= 0.15
            body += np.float32(0.25)
            body[: len(body) // 2, ::3] *= 0.4
        for _ in range(int(rng.poisson(1.2 if light > 100 else 0.3))):
            x, y = int(rng.integers(wide)), int(rng.integers(high // 3, high))
            tall = int(rng.uniform(0.08, 0.3) * high)
            person = scene[max(y - tall, 0) : y, x : x + tall // 3]
            person *= 0
            person += rng.uniform(0.02, 0.7, 3).astype(np.float32)
            person[: len(person) // 2] *= 0.5
        return scene

    def _lit(
        self,
        scene: Pixels,
        hour: float,
        light: float,
        *,
        infrared: bool,
        rng: np.random.Generator,
        mishap: Mishap,
    ) -> Pixels:
        """Return what light reaches the camera, in lux times reflection."""
        high, wide = scene.shape[:2]
        x, y = self._x, self._y
        ambient = np.full((high, wide), light, np.float32)
        day = hour % 24
        if int(hour // 24) % 3 != 1 and light > 3000:
            for left, top, size in self._shadows:
                at = (left + (12 - day) * 0.06) % 1.3
                edge = np.abs(x - at - 0.2 * (y - top)) - size / 2
                shade = np.clip(0.5 - edge * 100, 0, 1) * (y > top - 0.4)
                ambient *= 1 - 0.7 * shade
        if infrared:
            scene = _infrared(scene)
            ambient = ambient + self._infrared
        on = light < _LAMPS_BELOW and self.night is Night.LAMPS
        lamps = self._lamplight if on else np.zeros_like(x)
        bulbs = self._bulbs if on else np.zeros_like(x)
        if mishap.covered:
            cloth = 0.2 + 0.15 * x + 0.1 * y + 0.02 * np.sin(7 * x + 3 * y)
            inside = 0.1 * light + 0.02 * float(lamps.mean())
            lit = cloth * (inside + (200 if infrared else 0))
            return np.repeat(lit[:, :, None], 3, axis=2).astype(np.float32)
        colour = np.array([1, 1, 1] if infrared else [1.0, 0.8, 0.5], np.float32)
        lit = scene * (ambient + 0.003)[:, :, None]
        lit += (scene * lamps[:, :, None] + bulbs[:, :, None]) * colour
        if light < 20 and self.night is not Night.DARK and rng.random() < 0.08:
            left, top = rng.uniform(0, 1), rng.uniform(0.3, 0.9)
            glare = 80 * np.exp(-((x - left) ** 2 + (y - top) ** 2) / rng.uniform(0.002, 0.03))
            lit += glare[:, :, None] + 6 * scene * np.exp(-((x - left) ** 2) / 0.1)[:, :, None]
        if int(hour // 24) % 3 == 1 and 5 <= day < 8:
            mist = 0.25 + 0.35 * (1 - y)
            lit = lit * (1 - mist)[:, :, None] + (mist * 0.4 * (light + lamps))[:, :, None]
        if int(hour // 24) % 3 == 1 and 13 <= day < 17:
            streaks = _blurred(rng.random((high, wide, 1), dtype=np.float32) ** 40, 1.0)
            lit = 0.85 * lit + 0.5 * light * streaks
        return np.asarray(lit, dtype=np.float32)


def _daylight(day: float) -> float:
    height = 62 * np.sin(np.pi * (day - 6) / 12)
    heights, lux = zip(*_LUX, strict=True)
    return float(np.exp(np.interp(height, heights, np.log(lux))))


def _linear(image: Image.Image) -> Pixels:
    return np.asarray(_LINEAR[np.asarray(image)], dtype=np.float32)


def _infrared(scene: Pixels) -> Pixels:
    """Return grey as by a lamp of 850 nm: leaves and cloth are bright in it, the sky is not."""
    red, green, blue = np.moveaxis(scene, 2, 0)
    leaf = np.clip(green - np.maximum(red, blue), 0, 1)
    grey = np.clip(0.15 + 0.6 * red + 0.3 * green - 0.25 * blue + 2 * leaf, 0.02, 1)
    return np.repeat(grey[:, :, None], 3, axis=2)


def _exposed(lit: Pixels, rng: np.random.Generator, *, infrared: bool) -> Image.Image:
    """Expose for the mean, as far as the gain goes; add the sensor's noise; a camera's own tone."""
    gain = min(_EXPOSED / max(float(lit.mean()), 1e-9), 1.5) * float(rng.normal(1, 0.04))
    signal = lit * gain
    noise = np.sqrt(np.maximum(signal, 0) * gain * _SHOT + (gain * _READ) ** 2)
    signal = signal + noise * rng.standard_normal(signal.shape, dtype=np.float32)
    if infrared:
        signal = np.repeat(signal.mean(axis=2, keepdims=True), 3, axis=2)
    image = Image.fromarray(_TONES[(np.clip(signal, 0, 1) * 4095).astype(np.uint16)])
    # What takes noise away takes sharpness with it.
    return image.filter(ImageFilter.GaussianBlur(0.8)) if gain > 0.1 else image


def _blurred(plane: Pixels, deviation: float) -> Pixels:
    """Return it out of focus, by three boxes in each direction."""
    radius = max(round(deviation), 1)
    for axis in (0, 1):
        for _ in range(3):
            first = np.repeat(plane.take([0], axis), radius + 1, axis)
            last = np.repeat(plane.take([-1], axis), radius, axis)
            padded = np.concatenate([first, plane, last], axis=axis)
            sums = np.cumsum(padded, axis=axis, dtype=np.float64)
            ahead = np.take(sums, range(2 * radius + 1, sums.shape[axis]), axis)
            behind = np.take(sums, range(sums.shape[axis] - 2 * radius - 1), axis)
            plane = ((ahead - behind) / (2 * radius + 1)).astype(np.float32)
    return plane


def _stamped(image: Image.Image, hour: float) -> Image.Image:
    """Write date and time into a corner, as cameras do."""
    text = f"2026-06-{1 + int(hour // 24):02} {int(hour % 24):02}:{round(hour % 1 * 60):02}  CAM 1"
    ImageDraw.Draw(image).text((12, 8), text, fill="white", stroke_width=1, stroke_fill="black")
    return image


def encoded(image: Image.Image) -> VideoFrame:
    """Return a picture as a decoder gives it back after H.264 at a camera's usual quality."""
    made = BytesIO()
    with av.open(made, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=1)
        stream.width, stream.height, stream.pix_fmt = image.width, image.height, "yuv420p"
        stream.options = {"crf": "30", "preset": "veryfast"}
        frame = VideoFrame.from_ndarray(np.asarray(image), format="rgb24")
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    made.seek(0)
    with av.open(made, "r") as readable:
        return next(readable.decode(video=0))


def to_image(frame: VideoFrame) -> Image.Image:
    """Return a decoded picture in colour."""
    return Image.fromarray(frame.to_ndarray(format="rgb24"))
