"""Receive a stream by FFmpeg: RTSP, HTTP or a file, its packets as they came."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from time import monotonic, sleep
from typing import NamedTuple, Protocol

import av
from av.container import InputContainer
from av.stream import Stream

from ..errors import (
    SourceEndedError,
    SourceNoVideoError,
    SourceRefusedError,
    SourceStalledError,
    SourceUnreachableError,
    SourceUnsupportedError,
)
from ..media.fragments import STORABLE, Header, Track, describe, describe_again
from ..media.units import ParameterSets, framing_of, to_stored

OPEN_SECONDS = 10.0
READ_SECONDS = 5.0
"""Bounds every read, so that a silent camera is noticed and a stop is quick."""

_CAUGHT_UP = 0.002
_NAP = 0.1
"""Having waited for a packet, everything sent so far is read. A short sleep then lets the kernel
collect some pictures, which are read in one go: a quarter less CPU than waking for each. Times of
arrival blur by as much; a TCP connection holds that much by itself
(docs/adr/0004-reading-in-bursts.md)."""

_UNTIMED_FORMATS = frozenset({"mpjpeg", "image2pipe", "jpeg_pipe"})


class Packet(NamedTuple):
    """One packet: the payload as segments hold it, times in ticks of its track or None."""

    track: int
    payload: bytes
    dts: int | None
    pts: int | None
    keyframe: bool
    duration: int = 0


class OpenSource(Protocol):
    """A source that is being received; used by one thread."""

    @property
    def tracks(self) -> tuple[Track, ...]:
        """Return the tracks that are kept, the video first."""
        ...

    def header_for(self, keyframe: bytes) -> Header:
        """Return the header boxes that fit a keyframe; the same object while nothing changed."""
        ...

    def packets(self) -> Iterator[Packet | None]:
        """Yield packets in order of arrival, None while nothing came; a `SourceError` ends it."""
        ...

    def close(self) -> None:
        """Hang up; harmless when repeated."""
        ...


class Source(Protocol):
    """Something that can be opened again and again."""

    def open(self) -> OpenSource:
        """Connect; raise a `SourceError` that says why not, without the address."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a stream is and how to ask for it; never shown, as it may hold a password."""

    url: str = field(repr=False)
    options: Mapping[str, str] = field(default_factory=dict, repr=False)


class AvSource:
    """A stream that FFmpeg receives."""

    def __init__(self, resolve: Callable[[], Address], *, audio: bool = False) -> None:
        """Ask `resolve` for the address at each connection, as it may change."""
        self._resolve = resolve
        self._audio = audio

    def open(self) -> OpenSource:
        """Connect and find the streams."""
        address = self._resolve()
        options = dict(address.options)
        if address.url.startswith(("rtsp://", "rtsps://")):
            options.setdefault("rtsp_transport", "tcp")
            options.setdefault("timeout", str(int(READ_SECONDS * 1_000_000)))
        try:
            container = av.open(address.url, options=options, timeout=(OPEN_SECONDS, READ_SECONDS))
        except av.FFmpegError as err:
            raise _source_error(err) from None  # the cause's text holds the address
        except OSError, ValueError:
            raise SourceUnreachableError from None
        try:
            over_tcp = address.url.startswith(("rtsp://", "rtsps://", "http://", "https://")) and (
                options.get("rtsp_transport", "tcp") == "tcp"
            )
            return _AvStream(container, audio=self._audio, nap=_NAP if over_tcp else 0)
        except BaseException:
            container.close()
            raise


class _AvStream:
    def __init__(self, container: InputContainer, *, audio: bool, nap: float) -> None:
        self._container = container
        self._nap = nap
        chosen: list[Stream] = list(container.streams.video[:1])
        if not chosen:
            raise SourceNoVideoError
        name = chosen[0].codec_context.name
        if name not in STORABLE:
            raise SourceUnsupportedError(name)
        if audio:
            # Sound that cannot be stored unaltered is left out; the pictures matter more.
            chosen += [s for s in container.streams.audio[:1] if s.codec_context.name in STORABLE]
        self._streams = chosen
        untimed = container.format.name.split(",")[0] in _UNTIMED_FORMATS
        self.tracks = tuple(
            Track(
                index=stream.index,
                codec=stream.codec_context.name,
                video=stream.type == "video",
                framing=framing_of(
                    stream.codec_context.name, stream.codec_context.extradata or b""
                ),
                time_base=_fraction(stream),
                width=getattr(stream.codec_context, "width", 0),
                height=getattr(stream.codec_context, "height", 0),
            )
            for stream in chosen
        )
        self._untimed = untimed
        self._sets: ParameterSets | None = None
        self._header: Header | None = None

    def header_for(self, keyframe: bytes) -> Header:
        video = self.tracks[0]
        sets = ParameterSets.of(video.codec, keyframe)
        if self._header is None or (sets.units and sets != self._sets):
            try:
                self._header = describe_again(self._streams, video, keyframe, sets)
            except av.FFmpegError:
                self._header = describe(self._streams)
            self._sets = sets
        return self._header

    def packets(self) -> Iterator[Packet | None]:
        framings = {track.index: track.framing for track in self.tracks}
        video = self.tracks[0].index
        untimed = self._untimed
        nap = self._nap
        asked_at = monotonic()
        try:
            for packet in self._container.demux(self._streams):
                waited = monotonic() - asked_at
                if not packet.size:
                    continue
                index = packet.stream_index
                yield Packet(
                    index,
                    to_stored(bytes(packet), framings[index]),
                    None if untimed else packet.dts,
                    None if untimed else packet.pts,
                    index != video or packet.is_keyframe,
                    packet.duration or 0,
                )
                if nap and waited > _CAUGHT_UP:
                    sleep(nap)
                asked_at = monotonic()
        except av.FFmpegError as err:
            raise _source_error(err, receiving=True) from None
        raise SourceEndedError

    def close(self) -> None:
        self._container.close()


def _source_error(
    err: av.FFmpegError, *, receiving: bool = False
) -> (
    SourceRefusedError
    | SourceStalledError
    | SourceEndedError
    | SourceUnreachableError
    | SourceUnsupportedError
):
    if isinstance(err, (av.HTTPUnauthorizedError, av.HTTPForbiddenError)):
        return SourceRefusedError()
    if isinstance(err, (av.ExitError, TimeoutError)):
        return SourceStalledError()
    if isinstance(err, av.InvalidDataError) and not receiving:
        return SourceStalledError()  # what FFmpeg says of an RTSP server that never answers
    if isinstance(err, (av.EOFError, ConnectionError, BrokenPipeError)) and receiving:
        return SourceEndedError()
    if isinstance(err, (av.DecoderNotFoundError, av.PatchWelcomeError)):
        return SourceUnsupportedError()
    return SourceEndedError() if receiving else SourceUnreachableError()


def _fraction(stream: Stream) -> Fraction:
    base = stream.time_base
    return Fraction(base.numerator, base.denominator)
