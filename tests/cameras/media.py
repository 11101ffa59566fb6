"""Test footage by the system's ffmpeg, made once and kept in `.cache/media` of the repository."""

import fcntl
import hashlib
import subprocess
from dataclasses import asdict, dataclass
from fractions import Fraction
from json import dumps
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import av

from . import yardstick

type Video = Literal["h264", "h265", "mjpeg"]
type Audio = Literal["aac", "pcmu", "pcma", "opus"]

NUMBER_BITS, NUMBER_PIXELS = 12, 16
CACHE = Path(__file__).parents[2] / ".cache" / "media"
_RECIPE = 1
"""Raise it when the same parameters give other bytes."""

_AUDIO_ARGUMENTS: dict[Audio, list[str]] = {
    "aac": ["-c:a", "aac", "-b:a", "48k", "-ar", "16000", "-ac", "1"],
    "pcmu": ["-c:a", "pcm_mulaw", "-ar", "8000", "-ac", "1"],
    "pcma": ["-c:a", "pcm_alaw", "-ar", "8000", "-ac", "1"],
    "opus": ["-c:a", "libopus", "-b:a", "32k", "-ar", "48000", "-ac", "2"],
}
_MARKER_ID = bytes.fromhex("6c3f5d0e9a414b1f8d2277c1e05b94aa")


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """What footage shall be like; `path()` makes it.

    `in_band` repeats the parameter sets before each keyframe, as cameras do. `aud` starts each
    access unit with a delimiter. `marked` puts `marker` as SEI user data into each access unit
    (H.264 and H.265). `bitrate_kbps` is held nearly constant over noise like a sensor's. `numbered`
    burns each picture's number into it: `NUMBER_BITS` squares of `NUMBER_PIXELS` at the top, the
    lowest bit first, white for one.
    """

    video: Video | None = "h264"
    audio: Audio | None = None
    width: int = 320
    height: int = 240
    rate: int = 15
    seconds: int = 6
    gop_seconds: float = 1
    b_frames: int = 0
    slices: int = 1
    in_band: bool = True
    aud: bool = False
    marked: bool = True
    bitrate_kbps: int | None = None
    numbered: bool = False

    @property
    def name(self) -> str:
        """Return a name that changes with every parameter."""
        key = hashlib.sha256(dumps([_RECIPE, asdict(self)]).encode()).hexdigest()[:12]
        return "-".join(filter(None, [self.video, self.audio, f"{self.width}x{self.height}", key]))

    @property
    def marker(self) -> bytes:
        """Return the bytes that lie in each access unit of a marked clip, in the clear."""
        return f"camera-steward-plaintext-marker-{self.name}".encode()

    def path(self) -> Path:
        """Return the file (Matroska), made now unless it is in the cache."""
        path = CACHE / f"{self.name}.mkv"
        if path.exists():
            return path
        CACHE.mkdir(parents=True, exist_ok=True)
        with path.with_suffix(".lock").open("w") as lock:
            # Parallel test runs wait for the one that makes it instead of making it twice.
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not path.exists():
                with TemporaryDirectory(dir=CACHE) as folder:
                    _make(self, Path(folder)).replace(path)
        return path

    def units(self) -> list[bytes]:
        """Return the encoded video units (see `yardstick.units`)."""
        return yardstick.units(self.path())

    def audio_packets(self) -> list[bytes]:
        """Return the audio packets' payloads."""
        return yardstick.packets(self.path(), "audio")

    def samples(self, count: int = 20, size_bytes: int = 32) -> list[bytes]:
        """Return pieces out of the middle of the largest units, to search a disk for plaintext."""
        largest = sorted(set(self.units()), key=len, reverse=True)[:count]
        return [
            unit[len(unit) // 2 :][:size_bytes] for unit in largest if len(unit) > 4 * size_bytes
        ]


BENCH = Clip(width=1920, height=1080, rate=30, seconds=20, gop_seconds=2, bitrate_kbps=3000)
"""What the bench records: 1080p30 at 3 Mbit/s, a keyframe every two seconds."""


def _make(clip: Clip, folder: Path) -> Path:
    raw, video, done = (folder / name for name in ("raw.mkv", "video.mkv", "done.mkv"))
    _ffmpeg(*_source_arguments(clip), str(raw))
    if clip.video not in {"h264", "h265"}:
        return raw
    _compose(clip, raw, video)
    if not clip.audio:
        return video
    _ffmpeg(
        *("-i", str(video), "-i", str(raw), "-map", "0:v", "-map", "1:a", "-c", "copy"), str(done)
    )
    return done


def _ffmpeg(*arguments: str) -> None:
    command = ["ffmpeg", "-hide_banner", "-loglevel", "error", "-nostdin", "-y", *arguments]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"ffmpeg could not make test footage: {done.stderr}")


def _source_arguments(clip: Clip) -> list[str]:
    made = []
    if clip.video:
        source = f"testsrc2=size={clip.width}x{clip.height}:rate={clip.rate}"
        if clip.bitrate_kbps:
            source += ",noise=alls=12:allf=t"
        if clip.numbered:
            source += _number()
        made += ["-f", "lavfi", "-i", source]
    if clip.audio:
        made += ["-f", "lavfi", "-i", "sine=frequency=440:beep_factor=4:sample_rate=48000"]
    made += ["-t", str(clip.seconds)]
    if clip.video:
        made += _video_arguments(clip)
    if clip.audio:
        made += _AUDIO_ARGUMENTS[clip.audio]
    return made


def _number() -> str:
    """Return the filters that burn a picture's number in."""
    size = NUMBER_PIXELS
    box = f",drawbox=y=0:h={size}:t=fill:x="
    bits = (
        f"{box}{bit * size}:w={size}:c=white:enable='bitand(n\\,{1 << bit})'"
        for bit in range(NUMBER_BITS)
    )
    return f"{box}0:w={NUMBER_BITS * size}:c=black" + "".join(bits)


def _video_arguments(clip: Clip) -> list[str]:
    gop = max(1, round(clip.gop_seconds * clip.rate))
    rate = []
    if clip.bitrate_kbps:
        rate = ["-b:v", f"{clip.bitrate_kbps}k", "-maxrate", f"{clip.bitrate_kbps}k"]
        rate += ["-bufsize", f"{clip.bitrate_kbps}k"]
    match clip.video:
        case "h264":
            options = f"scenecut=0:open-gop=0:bframes={clip.b_frames}:slices={clip.slices}"
            return [
                *("-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p"),
                *("-profile:v", "main" if clip.b_frames else "baseline"),
                *("-g", str(gop), "-keyint_min", str(gop), "-x264-params", options, *rate),
            ]
        case "h265":
            options = (
                f"log-level=none:scenecut=0:open-gop=0:keyint={gop}:min-keyint={gop}"
                f":bframes={clip.b_frames}:slices={clip.slices}"
            )
            return [
                *("-c:v", "libx265", "-preset", "ultrafast", "-pix_fmt", "yuv420p"),
                *("-x265-params", options, *rate),
            ]
        case "mjpeg":
            # RFC 2435 knows the standard Huffman tables only.
            return ["-c:v", "mjpeg", "-pix_fmt", "yuvj420p", "-q:v", "8", "-huffman", "default"]
        case None:
            return []


def _compose(clip: Clip, raw: Path, path: Path) -> None:
    """Copy the video with delimiters, parameter sets and marker put where the clip wants them."""
    with av.open(raw) as source, av.open(path, "w", format="matroska") as target:
        stream = source.streams.video[0]
        copy = target.add_stream_from_template(stream)
        extradata = stream.codec_context.extradata or b""
        # Matroska keeps no decoding times: count frames, at a constant rate they are known.
        delay = 2 if clip.b_frames else 0
        for index, packet in enumerate(filter(lambda packet: packet.size, source.demux(stream))):
            made = av.Packet(_access_unit(clip, extradata, bytes(packet), packet.is_keyframe))
            made.stream = copy
            made.time_base = Fraction(1, 1000)
            made.pts, made.dts = packet.pts, (index - delay) * 1000 // clip.rate
            made.is_keyframe = packet.is_keyframe
            target.mux(made)


def _access_unit(clip: Clip, extradata: bytes, data: bytes, keyframe: bool) -> bytes:
    h264 = clip.video == "h264"
    codec = "h264" if h264 else "hevc"
    own = yardstick.split(codec, extradata, data)
    sets = parameter_sets(codec, extradata)
    made = []
    if clip.aud:
        made.append(b"\x09\xf0" if h264 else b"\x46\x01\x50")
    if keyframe and clip.in_band:
        made += sets
    if clip.marked:
        payload = _MARKER_ID + clip.marker
        header = b"\x06" if h264 else b"\x4e\x01"
        made.append(header + bytes([5, len(payload)]) + payload + b"\x80")
    made += [unit for unit in own if unit not in sets]
    return b"".join(len(unit).to_bytes(4) + unit for unit in made)


def parameter_sets(codec: str, extradata: bytes) -> list[bytes]:
    """Return VPS, SPS and PPS out of avcC or hvcC, in that order."""
    found = []
    if codec == "h264":
        at = 5
        for mask in (0x1F, 0xFF):
            count = extradata[at] & mask
            at += 1
            for _ in range(count):
                length = int.from_bytes(extradata[at : at + 2])
                found.append(extradata[at + 2 : at + 2 + length])
                at += 2 + length
        return found
    at = 23
    for _ in range(extradata[22]):
        kind = extradata[at] & 0x3F
        count = int.from_bytes(extradata[at + 1 : at + 3])
        at += 3
        for _ in range(count):
            length = int.from_bytes(extradata[at : at + 2])
            if kind in {32, 33, 34}:
                found.append(extradata[at + 2 : at + 2 + length])
            at += 2 + length
    return found
