"""What a screen must know of stored footage before it plays it, told by a segment's header boxes."""

import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

import av

from ..errors import FootageError
from ..media.boxes import StoredTrack, boxes, find, tracks
from ..media.units import complete

_VIDEO_FIELDS = 78
_SOUND_FIELDS = 28
"""Bytes of a sample entry before the boxes in it (ISO/IEC 14496-12, 12.1.3 and 12.2.3)."""

_CODECS = {
    "avc1": "h264",
    "avc3": "h264",
    "hvc1": "hevc",
    "hev1": "hevc",
    "av01": "av1",
    "jpeg": "mjpeg",
    "png ": "png",
}
_DESCRIPTIONS = {"h264": b"avcC", "hevc": b"hvcC", "av1": b"av1C"}
_PLAYED_PROFILES = frozenset({66, 77, 100})
"""Baseline, Main and High: browsers decode no deeper colours and no finer chroma."""
_PLAYED_AAC = frozenset({2, 5, 29})
"""AAC-LC, HE-AAC and HE-AAC v2 (ISO/IEC 14496-3, table 1.17)."""


class Playable(StrEnum):
    """Whether browsers play footage as it is stored."""

    AS_STORED = "as_stored"
    MAYBE = "maybe"
    """The browser can be asked, with `Shown.codecs`."""
    CONVERTED = "converted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What one segment's media shows.

    `codec` is FFmpeg's name of the video's codec, `description` its own bytes for the decoder.
    `codecs` names what `for_screen` leaves (RFC 6381); empty when it must be converted. `sound`
    says whether that has sound. `hidden` are the tracks that it hides, as no browser plays them or
    nobody asked for them; `timescales` are the ticks a second of every track, by its number.
    """

    codec: str
    playable: Playable
    codecs: str
    width: int
    height: int
    sound: bool
    video: int
    hidden: frozenset[int]
    timescales: Mapping[int, int] = field(repr=False)
    description: bytes = field(repr=False)

    def time(self, ticks: int) -> timedelta:
        """Return ticks of the video as a length of time, to the nearest microsecond."""
        scale = self.timescales[self.video]
        return timedelta(microseconds=(ticks * 1_000_000 + scale // 2) // scale)


@contextmanager
def reading() -> Iterator[None]:
    """Raise `FootageError` for all that damaged bytes can cause."""
    try:
        yield
    except (av.FFmpegError, struct.error, ValueError, LookupError, ArithmeticError) as err:
        raise FootageError("media cannot be read") from err


def describe(header: bytes, *, sound: bool = True) -> Shown:
    """Return what a segment shows, from its leading boxes; without `sound` all of that is hidden.

    Players stop where footage with sound meets footage without: within one playlist all of it is
    shown with sound, or none. Raise `FootageError` when it is no header of ours.
    """
    with reading():
        entries = list(_entries(header))
        videos = [each for each in entries if each[0].handler == "vide"]
        if not videos:
            raise FootageError("no pictures")
        video, video_at = videos[0]
        codec = _CODECS[video.entry]
        description = _description(header, codec, *video_at)
        playable, name = _video(video.entry, codec, description)
        wanted = sound and playable is not Playable.CONVERTED
        heard = ""
        hidden = set()
        for track, at in entries:
            if track is video:
                continue
            if wanted and not heard and (played := _sound(header, track.entry, *at)):
                heard = played
            else:
                hidden.add(track.track)
        return Shown(
            codec=codec,
            playable=playable,
            codecs=",".join(filter(None, (name, heard))),
            width=video.width,
            height=video.height,
            sound=bool(heard),
            video=video.track,
            hidden=frozenset(hidden),
            timescales={track.track: track.timescale for track, _ in entries},
            description=description,
        )


def _entries(header: bytes) -> Iterator[tuple[StoredTrack, tuple[int, int]]]:
    """Yield each track and where its first sample entry is: body and end."""
    path = (b"mdia", b"minf", b"stbl", b"stsd")
    traks = find(header, (b"moov", b"trak"), 0, len(header))
    for track, (start, end) in zip(tracks(header), traks, strict=True):
        stsd, stop = next(find(header, path, start, end), (start, start))
        yield track, next(((at, to) for _, at, to in boxes(header, stsd + 8, stop)), (end, end))


def _description(header: bytes, codec: str, body: int, end: int) -> bytes:
    if codec not in _DESCRIPTIONS:
        return b""
    [(at, to)] = find(header, (_DESCRIPTIONS[codec],), body + _VIDEO_FIELDS, end)
    return header[at:to]


def _video(entry: str, codec: str, description: bytes) -> tuple[Playable, str]:
    """Return who plays this video, and its name (ISO/IEC 14496-15, annex E)."""
    if codec == "h264":
        profile = description[1]
        if profile in _PLAYED_PROFILES:
            return Playable.AS_STORED, f"{entry}.{description[1:4].hex().upper()}"
    elif codec == "hevc":
        name = "hvc1" if complete(description) else entry
        return Playable.MAYBE, f"{name}.{_hevc_level(description)}"
    return Playable.CONVERTED, ""


def _hevc_level(description: bytes) -> str:
    space, tier, profile = description[1] >> 6, description[1] >> 5 & 1, description[1] & 31
    compatible = int(f"{int.from_bytes(description[2:6]):032b}"[::-1], 2)
    parts = [
        f"{('', 'A', 'B', 'C')[space]}{profile}",
        f"{compatible:X}",
        f"{'LH'[tier]}{description[12]}",
        *(f"{each:X}" for each in description[6:12].rstrip(b"\0")),
    ]
    return ".".join(parts)


def _sound(header: bytes, entry: str, body: int, end: int) -> str:
    """Return the name of a sound that every browser plays; empty for any other."""
    if entry == "Opus":
        return "opus"
    if entry != "mp4a":
        return ""
    for at, to in find(header, (b"esds",), body + _SOUND_FIELDS, end):
        kind = _aac_kind(header[at + 4 : to])
        return f"mp4a.40.{kind}" if kind in _PLAYED_AAC else ""
    return ""


def _aac_kind(descriptors: bytes) -> int:
    """Return the audio object type out of an ES descriptor (ISO/IEC 14496-1); 0 if it is no AAC."""
    tag, at = _descriptor(descriptors, 0)
    flags = descriptors[at + 2]
    if tag != 3 or flags & 0xE0:
        return 0
    tag, at = _descriptor(descriptors, at + 3)
    if tag != 4 or descriptors[at] != 0x40:
        return 0
    tag, at = _descriptor(descriptors, at + 13)
    kind = descriptors[at] >> 3
    if tag != 5 or kind != 31:
        return kind if tag == 5 else 0
    return 32 + (int.from_bytes(descriptors[at : at + 2]) >> 5 & 63)


def _descriptor(data: bytes, at: int) -> tuple[int, int]:
    """Return a descriptor's tag and where its body begins, behind a length of up to 4 bytes."""
    tag = data[at]
    at += 1
    while data[at] & 0x80:
        at += 1
    return tag, at + 1
