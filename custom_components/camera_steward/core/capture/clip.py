"""A finished video file as a source: its packets as they are, in the time that it tells itself."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from io import FileIO

import av
from av.container import InputContainer

from ..errors import (
    SourceEndedError,
    SourceNoKeyframeError,
    SourceUnsupportedError,
    StoppedError,
)
from ..media.boxes import UnitDigest
from ..media.fragments import Header, Headers, Track
from ..media.units import to_stored
from ..model import from_micros
from .ffmpeg import choose_streams, tracks_of
from .recorder import Recorder, RecorderSettings, Shelf
from .source import Packet

_OPTIONS = {
    # A list of other files is no clip: what a name says is a video could have others read.
    "format_whitelist": "mov,matroska,mpegts",
    "protocol_whitelist": "",
    # Else pictures that a player is not to show would be left out.
    "ignore_editlist": "1",
}
_BUFFER_BYTES = 256 * 1024
_LONGEST = timedelta(hours=24)
_SHORT = timedelta(seconds=2)
"""How much earlier than it says a file may end and be whole."""
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What a clip holds: its length, and for each track the digest of its units (INV-3)."""

    length: timedelta
    units: tuple[bytes, ...]


class Clip:
    """An open file, read once; one thread. An `OpenSource` whose end is no error.

    Pictures and the sound that is kept, all of it: a file of which more could not be stored is
    refused. Whatever the file itself raises when it is read passes through as `OSError`.
    """

    def __init__(self, file: FileIO, *, audio: bool) -> None:
        """Read what it holds from its beginning; a `SourceError` says why it cannot be stored."""
        file.seek(0)
        try:
            container = av.open(file, "r", options=_OPTIONS, buffer_size=_BUFFER_BYTES)
        except (av.FFmpegError, ValueError) as err:
            raise SourceUnsupportedError from err
        try:
            self._begin(container, audio=audio)
        except BaseException:
            container.close()
            raise

    def _begin(self, container: InputContainer, *, audio: bool) -> None:
        chosen = choose_streams(container, audio=audio)
        sounds = len(container.streams.audio) if audio else 0
        if len(container.streams.video) > 1 or len(chosen) != 1 + sounds:
            raise SourceUnsupportedError
        self._container = container
        self.tracks: tuple[Track, ...] = tracks_of(chosen)
        self._headers = Headers(chosen, self.tracks[0])

    @property
    def stated_length(self) -> timedelta:
        """Return the length that the file says it has; 0 where it says nothing."""
        return timedelta(microseconds=self._container.duration or 0)

    def header_for(self, keyframe: bytes) -> Header:
        """Return the header boxes that fit a keyframe."""
        return self._headers.fitting(keyframe)

    def packets(self) -> Iterator[Packet]:
        """Yield all packets in order, but the first picture first.

        `SourceNoKeyframeError` where that cannot be decoded, `SourceEndedError` where the file is
        damaged.
        """
        video = self.tracks[0].index
        before: list[Packet] | None = []
        for packet in self._packets():
            if before is None:
                yield packet
            elif packet.track != video:
                before.append(packet)
            elif not packet.keyframe:
                raise SourceNoKeyframeError
            else:
                yield packet
                yield from before
                before = None

    def _packets(self) -> Iterator[Packet]:
        framings = {track.index: track.framing for track in self.tracks}
        video = self.tracks[0].index
        try:
            for packet in self._container.demux():
                index = packet.stream_index
                if not packet.size or index not in framings:
                    continue
                if packet.is_corrupt:
                    raise SourceEndedError
                yield Packet(
                    index,
                    to_stored(bytes(packet), framings[index]),
                    packet.dts,
                    packet.pts,
                    index != video or packet.is_keyframe,
                    packet.duration or 0,
                )
        except av.FFmpegError as err:
            raise SourceEndedError from err

    def close(self) -> None:
        """Let go of the container; the file stays open."""
        self._container.close()


class _ClipClock:
    """Time as a clip tells it: at its beginning it is `start_at`, and nothing has elapsed."""

    def __init__(self, start_at: datetime, tracks: tuple[Track, ...]) -> None:
        self._start_at = start_at
        self._bases = {track.index: track.time_base for track in tracks}
        self._begun: Fraction | None = None
        self._elapsed = timedelta()

    def go_to(self, packet: Packet) -> None:
        """Go on to when a packet is decoded, never back."""
        if packet.dts is None:
            return  # as FFmpeg has it for the first pictures, until it knows how they are reordered
        time = packet.dts * self._bases[packet.track]
        if self._begun is None:
            self._begun = time
        passed = round((time - self._begun) * 1_000_000) * _MICROSECOND
        self._elapsed = max(self._elapsed, passed)

    def now(self) -> datetime:
        return self._start_at + self._elapsed

    def elapsed(self) -> timedelta:
        return self._elapsed

    def synchronised(self) -> bool | None:
        return None


def survey(clip: Clip, stopping: Callable[[], bool]) -> Survey:
    """Read a clip through and say what it holds.

    A `SourceError` says that it is damaged, or tells no times to go by; `StoppedError` once
    `stopping` says so.
    """
    clock = _ClipClock(from_micros(0), clip.tracks)
    measures = {track.index: UnitDigest(nal=track.nal) for track in clip.tracks}
    pictures = 0
    for packet in clip.packets():
        if stopping():
            raise StoppedError
        clock.go_to(packet)
        measures[packet.track].add([len(packet.payload)], packet.payload)
        pictures += packet.track == clip.tracks[0].index
        if clock.elapsed() > _LONGEST:
            raise SourceUnsupportedError
    length = clock.elapsed()
    if not pictures or clip.stated_length - length > max(_SHORT, clip.stated_length / 20):
        raise SourceEndedError
    if pictures > 1 and not length:
        raise SourceUnsupportedError
    return Survey(length=length, units=tuple(each.digest() for each in measures.values()))


def record(
    clip: Clip,
    camera: str,
    start_at: datetime,
    shelf: Shelf,
    segment_length: timedelta,
    stopping: Callable[[], bool],
) -> None:
    """Store a clip as segments of a camera, the first of which begins at `start_at`.

    All are sealed on return. Otherwise what was begun is left open.
    """
    clock = _ClipClock(start_at, clip.tracks)
    recorder = Recorder(camera, clip, shelf, clock, RecorderSettings(segment_length=segment_length))
    try:
        for packet in clip.packets():
            if stopping():
                raise StoppedError
            clock.go_to(packet)
            recorder.feed(packet)
        recorder.close()
    except BaseException:
        recorder.abandon()
        raise
