"""Receive a stream by FFmpeg: HTTP, files, and RTSP cameras of every other kind."""

from collections.abc import Generator, Iterator, Sequence
from fractions import Fraction
from time import monotonic, sleep

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
)
from ..media.fragments import STORABLE, Header, Headers, Track, can_hold
from ..media.units import framing_of, to_stored
from .source import (
    OPEN_SECONDS,
    READ_SECONDS,
    STILL_SECONDS,
    Address,
    Nap,
    OpenSource,
    Packet,
    bare,
)

_FLUSHED_SECONDS = 0.9 * READ_SECONDS
"""FFmpeg's parser holds a picture back until the next one begins, or until the wait for that is
over: after such a wait nothing new has come, and asking again would take as long once more."""

_CAUGHT_UP = 0.002
"""Having waited longer than this for a packet, everything sent so far is read."""

_NAP_SECONDS = 0.1
_LEAST_NAP = 0.05
_NAP_BYTES = 40 * 1024

_UNTIMED_FORMATS = frozenset({"mpjpeg", "image2pipe", "jpeg_pipe"})

# FFmpeg would hold back up to 5 s of pictures to guess their rate, and they would then be taken for
# newer than they are.
_OPTIONS = {"fpsprobesize": "0"}
_RTSP_OPTIONS = {
    "analyzeduration": "1000000",
    "rtsp_transport": "tcp",
    "timeout": str(int(READ_SECONDS * 1_000_000)),
}


def open_ffmpeg(address: Address, *, audio: bool) -> OpenSource | SourceError:
    """Connect and find the streams.

    Errors are returned: one that is raised would keep what it was raised in the handling of, and
    the text of FFmpeg's holds the address.
    """
    container = _opened(address, audio=audio)
    if isinstance(container, SourceError):
        return container
    try:
        return _AvStream(container, audio=audio, naps=address.tcp)
    except SourceError as err:
        container.close()
        return bare(err)
    except BaseException:
        container.close()
        raise


def _opened(address: Address, *, audio: bool) -> InputContainer | SourceError:
    try:
        return av.open(
            address.url,
            options=_options(address, audio=audio),
            timeout=(OPEN_SECONDS, READ_SECONDS),
        )
    except av.InvalidDataError:
        # What FFmpeg says of an RTSP server that never answers, and of a page that is no stream.
        return SourceStalledError() if address.rtsp else SourceNoVideoError()
    except av.FFmpegError as err:
        return _source_error(err)
    except OSError, ValueError:
        return SourceUnreachableError()


def _options(address: Address, *, audio: bool) -> dict[str, str]:
    options = dict(_OPTIONS)
    if address.rtsp:
        options |= _RTSP_OPTIONS
        options["allowed_media_types"] = "video+audio" if audio else "video"
    return options | dict(address.options)


def choose_streams(container: InputContainer, *, audio: bool) -> list[Stream]:
    """Return the streams that are kept, the video first.

    Raise `SourceNoVideoError`, or `SourceUnsupportedError` for pictures that cannot be stored.
    """
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
    return chosen


def tracks_of(chosen: Sequence[Stream]) -> tuple[Track, ...]:
    """Return streams as tracks that are stored as they come."""
    return tuple(
        Track.of(
            stream,
            framing_of(stream.codec_context.name, stream.codec_context.extradata or b""),
            _fraction(stream),
        )
        for stream in chosen
    )


class _AvStream:
    def __init__(self, container: InputContainer, *, audio: bool, naps: bool) -> None:
        self._container = container
        self._naps = naps
        chosen = choose_streams(container, audio=audio)
        self.tracks = tracks_of(chosen)
        self._untimed = container.format.name.split(",")[0] in _UNTIMED_FORMATS
        self._headers = Headers(chosen, self.tracks[0])

    def header_for(self, keyframe: bytes) -> Header:
        return self._headers.fitting(keyframe)

    def packets(self) -> Iterator[Packet | None]:
        failure = yield from self._packets()
        raise failure

    def _packets(self) -> Generator[Packet | None, None, SourceError]:
        framings = {track.index: track.framing for track in self.tracks}
        video = self.tracks[0].index
        untimed = self._untimed
        nap, burst = Nap(_NAP_SECONDS, _LEAST_NAP, _NAP_BYTES), 0
        asked_at = seen_at = monotonic()
        try:
            # All streams, left out ones too: else nothing would end a wait for pictures while
            # sound goes on.
            for packet in self._container.demux():
                now = monotonic()
                index = packet.stream_index
                if index == video:
                    seen_at = now
                elif now - seen_at > STILL_SECONDS:
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
                if self._naps and waited > _CAUGHT_UP:
                    seconds, burst = nap.after(burst), 0
                    if seconds:
                        sleep(seconds)
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
