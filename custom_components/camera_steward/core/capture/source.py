"""Receive a stream by FFmpeg: RTSP, HTTP or a file, its packets as they came."""

from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from time import monotonic, sleep
from typing import NamedTuple, Protocol

import av
from av.container import InputContainer
from av.stream import Stream

from ..errors import (
    SourceEndedError,
    SourceError,
    SourceNoVideoError,
    SourceRefusedError,
    SourceStalledError,
    SourceUnreachableError,
    SourceUnsupportedError,
    StewardError,
)
from ..media.fragments import STORABLE, Header, Track, can_hold, describe_again
from ..media.units import ParameterSets, framing_of, to_stored

OPEN_SECONDS = 5.0
"""Bounds the connecting, and then the finding of streams: no call can be interrupted, and a stop
is to take no more than 10 s."""

READ_SECONDS = 5.0
"""Bounds every read, so that a silent camera is noticed and a stop is quick."""

_FLUSHED_SECONDS = 0.9 * READ_SECONDS
"""FFmpeg's parser holds a picture back until the next one begins, or until the wait for that is
over: after such a wait nothing new has come, and asking again would take as long once more."""

_STILL_SECONDS = 10.0
"""Pictures that stay away for this long while sound goes on have stalled."""

_CAUGHT_UP = 0.002
_NAP = 0.1
_LEAST_NAP = 0.05
_NAP_BYTES = 40 * 1024
_FAST = 1e6
"""Having waited for a packet, everything sent so far is read. A short sleep then lets the kernel
collect some pictures, which are read in one go: up to a quarter less CPU than waking for each. It is no
longer than these bytes take to come, by the rate of the last second, and left out where that is next
to nothing, so that no camera waits for us. A stream is taken for fast until it is known. Times of
arrival blur by 0.1 s at most (docs/adr/0004-reading-in-bursts.md)."""

_UNTIMED_FORMATS = frozenset({"mpjpeg", "image2pipe", "jpeg_pipe"})

_RTSP = ("rtsp://", "rtsps://")

# FFmpeg would hold back up to 5 s of pictures to guess their rate, and they would then be taken for
# newer than they are.
_OPTIONS = {"fpsprobesize": "0"}
_RTSP_OPTIONS = {
    "analyzeduration": "1000000",
    "rtsp_transport": "tcp",
    "timeout": str(int(READ_SECONDS * 1_000_000)),
}


class Packet(NamedTuple):
    """One packet: the payload as segments hold it, times in ticks of its track or None.

    One that is `late` came with the one before it and was held back.
    """

    track: int
    payload: bytes
    dts: int | None
    pts: int | None
    keyframe: bool
    duration: int = 0
    late: bool = False


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


def bare[E: StewardError](err: E) -> E:
    """Return an error without what hangs on it.

    Its context may hold the address in its text, the frames of its traceback hold pictures (INV-1).
    """
    err.__cause__ = err.__context__ = err.__traceback__ = None
    return err


class AvSource:
    """A stream that FFmpeg receives."""

    def __init__(self, resolve: Callable[[], Address], *, audio: bool = False) -> None:
        """Ask `resolve` for the address at each connection, as it may change."""
        self._resolve = resolve
        self._audio = audio

    def open(self) -> OpenSource:
        """Connect and find the streams."""
        address = _resolved(self._resolve)
        if isinstance(address, SourceError):
            raise address
        container = _opened(address, audio=self._audio)
        if isinstance(container, SourceError):
            raise container
        try:
            return _AvStream(container, audio=self._audio, naps=_over_tcp(address))
        except BaseException:
            container.close()
            raise


# Errors are returned and raised elsewhere: an error keeps the one that it was raised in the
# handling of, and the text of FFmpeg's holds the address.


def _resolved(resolve: Callable[[], Address]) -> Address | SourceError:
    try:
        return resolve()
    except SourceError as err:
        return bare(err)
    except Exception:
        return SourceUnreachableError()


def _opened(address: Address, *, audio: bool) -> InputContainer | SourceError:
    try:
        return av.open(
            address.url,
            options=_options(address, audio=audio),
            timeout=(OPEN_SECONDS, READ_SECONDS),
        )
    except av.InvalidDataError:
        # What FFmpeg says of an RTSP server that never answers, and of a page that is no stream.
        rtsp = address.url.lower().startswith(_RTSP)
        return SourceStalledError() if rtsp else SourceNoVideoError()
    except av.FFmpegError as err:
        return _source_error(err)
    except OSError, ValueError:
        return SourceUnreachableError()


def _options(address: Address, *, audio: bool) -> dict[str, str]:
    options = dict(_OPTIONS)
    if address.url.lower().startswith(_RTSP):
        options |= _RTSP_OPTIONS
        options["allowed_media_types"] = "video+audio" if audio else "video"
    return options | dict(address.options)


def _over_tcp(address: Address) -> bool:
    return address.url.lower().startswith((*_RTSP, "http://", "https://")) and (
        address.options.get("rtsp_transport", "tcp") == "tcp"
    )


class _AvStream:
    def __init__(self, container: InputContainer, *, audio: bool, naps: bool) -> None:
        self._container = container
        self._naps = naps
        chosen: list[Stream] = list(container.streams.video[:1])
        if not chosen:
            raise SourceNoVideoError
        # PyAV has no context for what FFmpeg has no decoder for.
        name = getattr(chosen[0].codec_context, "name", "")
        if name not in STORABLE:
            raise SourceUnsupportedError(name)
        if audio:
            # Sound that cannot be stored unaltered is left out; the pictures matter more.
            chosen += [s for s in container.streams.audio[:1] if can_hold(chosen[0], s)]
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
            self._header = describe_again(self._streams, video, keyframe, sets)
            self._sets = sets
        return self._header

    def packets(self) -> Iterator[Packet | None]:
        failure = yield from self._packets()
        raise failure

    def _packets(self) -> Generator[Packet | None, None, SourceError]:
        framings = {track.index: track.framing for track in self.tracks}
        video = self.tracks[0].index
        untimed = self._untimed
        naps, rate, burst = self._naps, _FAST, 0
        asked_at = seen_at = napped_at = monotonic()
        try:
            # All streams, left out ones too: else nothing would end a wait for pictures while
            # sound goes on.
            for packet in self._container.demux():
                now = monotonic()
                index = packet.stream_index
                if index == video:
                    seen_at = now
                elif now - seen_at > _STILL_SECONDS:
                    return SourceStalledError()
                if not packet.size:
                    continue
                waited = now - asked_at
                flushed = waited > _FLUSHED_SECONDS
                if index not in framings:
                    yield None
                else:
                    yield Packet(
                        index,
                        to_stored(bytes(packet), framings[index]),
                        None if untimed else packet.dts,
                        None if untimed else packet.pts,
                        index != video or packet.is_keyframe,
                        packet.duration or 0,
                        flushed,
                    )
                if flushed:
                    return SourceStalledError()
                burst += packet.size
                asked_at = monotonic()
                if naps and waited > _CAUGHT_UP:
                    passed = asked_at - napped_at
                    rate += burst - rate * passed if passed < 1 else burst / passed - rate
                    burst, napped_at = 0, asked_at
                    nap = min(_NAP, _NAP_BYTES / rate)
                    if nap >= _LEAST_NAP:
                        sleep(nap)
                        asked_at = monotonic()
        except av.FFmpegError as err:
            return _source_error(err, receiving=True)
        return SourceEndedError()

    def close(self) -> None:
        self._container.close()


def _source_error(err: av.FFmpegError, *, receiving: bool = False) -> SourceError:
    if isinstance(err, (av.HTTPUnauthorizedError, av.HTTPForbiddenError)):
        return SourceRefusedError()
    if isinstance(err, (av.ExitError, TimeoutError)):
        return SourceStalledError()
    if isinstance(err, (av.EOFError, ConnectionError, BrokenPipeError)) and receiving:
        return SourceEndedError()
    if isinstance(err, (av.DecoderNotFoundError, av.PatchWelcomeError)):
        return SourceUnsupportedError()
    return SourceEndedError() if receiving else SourceUnreachableError()


def _fraction(stream: Stream) -> Fraction:
    base = stream.time_base
    return Fraction(base.numerator, base.denominator)
