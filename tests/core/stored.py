"""Real footage out of a real vault, as a viewer reads it; and what pictures look like."""

import io
import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction
from functools import cache
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

from custom_components.camera_steward.core.media.boxes import boxes, tracks
from custom_components.camera_steward.core.media.fragments import (
    FragmentBuilder,
    Header,
    Samples,
    Track,
)
from custom_components.camera_steward.core.media.units import Framing
from tests.cameras import Clip

from .played import file_source, play, still_source
from .vault_site import Site, a_site

type Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """One segment: its leading boxes and its fragments."""

    header: bytes
    fragments: tuple[bytes, ...]

    @property
    def body(self) -> bytes:
        """Return the fragments, one behind the other."""
        return b"".join(self.fragments)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A decoded picture and its time in seconds."""

    time: Fraction
    pixels: Pixels


def of_clip(clip: Clip, seconds: float = 2) -> list[Stored]:
    """Record a clip in segments of this length."""
    return of_file(clip.path(), seconds)


@cache
def of_file(path: Path, seconds: float = 2) -> list[Stored]:
    """Record a file in segments of this length."""
    with a_site() as site:
        play(site, "door", file_source(path), segment_length=timedelta(seconds=seconds))
        return list(_read(site))


def by_hand(path: Path) -> Stored:
    """Put a file that no source gives into one fragment, as the recorder would."""
    command = ["ffmpeg", "-v", "error", "-i", str(path), "-c", "copy", "-f", "mp4"]
    command += ["-movflags", "empty_moov+default_base_moof", "-"]
    media = subprocess.run(command, capture_output=True, check=True).stdout
    data = media[
        : next(body - 8 for kind, body, _ in boxes(media, 0, len(media)) if kind == b"moof")
    ]
    header = Header(data=data, stored=tuple(tracks(data)))
    with av.open(path) as source:
        streams = [*source.streams]
        kept = [
            Track(
                index=each.index,
                codec=each.codec_context.codec.canonical_name,
                video=each.type == "video",
                framing=Framing.WHOLE,
                time_base=Fraction(1, 1000),
            )
            for each in streams
        ]
        samples = {each.index: Samples() for each in streams}
        for packet in source.demux():
            if packet.size:
                mine = samples[packet.stream_index]
                mine.payloads.append(bytes(packet))
                mine.dts.append(packet.dts)
                mine.pts.append(packet.pts)
                mine.keys.append(packet.is_keyframe)
    fragment = FragmentBuilder(kept, header).build(samples, {}, 0, 1_000_000)
    return Stored(header=data, fragments=(fragment,))


def of_stills(images: list[bytes], seconds: float, interval: float) -> list[Stored]:
    """Record images, one each `interval` seconds, in segments of this length."""
    with a_site() as site:
        play(
            site,
            "door",
            still_source(images),
            segment_length=timedelta(seconds=seconds),
            count=len(images),
            still_seconds=interval,
        )
        return list(_read(site))


def _read(site: Site) -> Iterator[Stored]:
    for row in site.rows():
        reader = site.vault.open_segment(row)
        yield Stored(
            header=reader.header(),
            fragments=tuple(
                reader.read(each.offset, each.length) for each in reader.trailer.fragments
            ),
        )
        reader.close()


def made(path: Path, *arguments: str) -> Path:
    """Make footage by ffmpeg that no `Clip` is like."""
    command = ["ffmpeg", "-v", "error", "-nostdin", "-y", *arguments, str(path)]
    subprocess.run(command, check=True)
    return path


def image(kind: str, *, size: str = "160x120", source: str = "testsrc2", at: int = 0) -> bytes:
    """Return one still image; `at` picks another one."""
    command = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", f"{source}=size={size}:rate=1"]
    command += ["-ss", str(at), "-frames:v", "1", "-c:v", kind, "-f", "image2pipe", "-"]
    return subprocess.run(command, capture_output=True, check=True).stdout


def seen(media: bytes | Path, size: tuple[int, int] | None = None) -> list[Seen]:
    """Return the pictures of a file in the order shown, as RGB, scaled to a size."""
    width, height = size or (None, None)
    with av.open(io.BytesIO(media) if isinstance(media, bytes) else media, "r") as source:
        stream = source.streams.video[0]
        base = stream.time_base
        assert base is not None
        return [
            Seen(
                time=frame.pts * Fraction(base.numerator, base.denominator),
                pixels=frame.to_ndarray(format="rgb24", width=width, height=height).astype(
                    np.uint8
                ),
            )
            for frame in source.decode(stream)
            if frame.pts is not None
        ]


def probed(media: bytes) -> list[dict[str, str]]:
    """Return the streams that ffprobe finds, having read every packet without complaint."""
    command = ["ffprobe", "-v", "warning", "-count_packets", "-show_streams", "-of", "json", "-"]
    done = subprocess.run(command, input=media, capture_output=True, check=True)
    assert done.stderr == b""
    found: list[dict[str, str]] = json.loads(done.stdout)["streams"]
    return found


def likeness(one: Pixels, other: Pixels) -> float:
    """Return the peak signal-to-noise ratio in decibels; over 20 is the same picture."""
    assert one.shape == other.shape
    error = float(np.mean((one.astype(np.float64) - other.astype(np.float64)) ** 2))
    return 99.0 if error == 0 else float(10 * np.log10(255**2 / error))
