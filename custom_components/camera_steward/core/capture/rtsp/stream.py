"""Receive an RTSP camera: from its description to packets, whole bursts by one call of the system."""

import io
import re
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from struct import Struct
from time import monotonic, sleep

import av
from av.container import InputContainer
from av.stream import Stream

from ...errors import (
    SourceEndedError,
    SourceError,
    SourceNoVideoError,
    SourceStalledError,
    SourceUnreachableError,
)
from ...media.fragments import STORABLE, Header, Headers, Track, can_hold
from ...media.units import NAL_CODECS, Framing, join_stored, split_annex_b
from ..source import (
    OPEN_SECONDS,
    READ_SECONDS,
    STILL_SECONDS,
    Address,
    Nap,
    OpenSource,
    Packet,
)
from .connection import DOLLAR, Connection, FailedError, NotOursError
from .rtp import Take, depacketizer_for
from .sdp import Media, Session, parse

_LOOK_SECONDS = 1.0
_FRAME = Struct(">xBHBBHI")
"""An interleaved frame (RFC 2326 10.12) up to the RTP timestamp: channel, length, then of RTP
(RFC 3550 5.1) version and flags, marker and type, sequence number, timestamp."""

_REPORT = Struct(">BBHIII")
"""A sender report (RFC 3550 6.4.1) up to its NTP timestamp."""
_REPORT_BYTES, _SENDER_REPORT = 28, 200
_EPOCH_1900, _NO_CLOCK_BEFORE = 2_208_988_800, 946_684_800
"""Seconds from 1900 to 1970, and from 1970 to 2000: a camera may count from anywhere, but does not
think that it is earlier. After February 2036 the seconds begin anew, and nothing is told."""

_RTP_BYTES = 12
_NAP_SECONDS = 0.2
_LEAST_NAP = 0.01
_MESSAGE = re.compile(rb"[A-Z_]{3,16}[ /]")
_MESSAGE_BYTES = 20


def open_rtsp(address: Address, *, audio: bool) -> OpenSource | SourceError | None:
    """Connect and begin to play; None for a camera that is left to FFmpeg.

    Errors are returned: one that is raised would keep what it was raised in the handling of.
    """
    connection: Connection | None = None
    opened: OpenSource | None = None
    try:
        connection = Connection(address)
        opened = _play(connection, address, audio=audio)
        return opened
    except FailedError as err:
        return err.error
    except TimeoutError:
        return SourceStalledError() if connection is not None else SourceUnreachableError()
    except OSError:
        return SourceEndedError() if connection is not None else SourceUnreachableError()
    except NotOursError, ValueError, av.FFmpegError:
        return None
    finally:
        if connection is not None and opened is None:
            connection.close()


@dataclass(slots=True)
class _Receiving:
    """A track that plays: who puts it together, and the number of its next RTP packet."""

    take: Take
    payload_type: int
    following: int = -1


def _play(connection: Connection, address: Address, *, audio: bool) -> OpenSource:
    connection.public = connection.ask("OPTIONS", connection.url).first("public")
    answer = connection.ask("DESCRIBE", connection.url, {"Accept": "application/sdp"})
    text = answer.body.decode("utf-8", "replace")
    session = parse(text)
    video = session.first("video")
    if video is None:
        raise FailedError(SourceNoVideoError())
    templates = av.open(
        io.BytesIO(answer.body),
        "r",
        format="sdp",
        options={"sdp_flags": "custom_io"},
        timeout=OPEN_SECONDS,
    )
    try:
        chosen = _chosen(session, video, templates, audio=audio)
        base = answer.first("content-base") or answer.first("content-location") or connection.url
        connection.control = _control(base, session.control)
        timed = "use_wallclock_as_timestamps" not in address.options
        channels: dict[int, _Receiving] = {}
        for number, (media, stream) in enumerate(chosen):
            depacketizer = depacketizer_for(media, stream.index, timed=timed)
            if depacketizer is None or media.protocol != "RTP/AVP" or not media.clock:
                raise NotOursError
            asked = f"RTP/AVP/TCP;unicast;interleaved={2 * number}-{2 * number + 1}"
            said = connection.ask("SETUP", _control(base, media.control), {"Transport": asked})
            transport = said.first("transport")
            channel = re.search(r"interleaved\s*=\s*(\d+)", transport)
            if transport and channel is None:
                raise NotOursError
            at = int(channel[1]) if channel is not None else 2 * number
            channels[at] = _Receiving(depacketizer.take, media.payload_type)
        connection.ask("PLAY", connection.control, {"Range": "npt=0.000-"})
        return _RtspStream(connection, templates, chosen, channels)
    except BaseException:
        templates.close()
        raise


def _chosen(
    session: Session, video: Media, templates: InputContainer, *, audio: bool
) -> list[tuple[Media, Stream]]:
    """Return the streams that are kept, the video first, as FFmpeg describes them."""
    pictures = next(iter(templates.streams.video), None)
    if pictures is None or getattr(pictures.codec_context, "name", "") not in NAL_CODECS & STORABLE:
        raise NotOursError
    chosen: list[tuple[Media, Stream]] = [(video, pictures)]
    sound, heard = session.first("audio"), next(iter(templates.streams.audio), None)
    if audio and sound is not None and heard is not None and can_hold(pictures, heard):
        chosen.append((sound, heard))
    return chosen


def _control(base: str, control: str) -> str:
    if not control or control == "*":
        return base
    if re.match(r"rtsps?://", control, re.IGNORECASE):
        return control
    return f"{base.rstrip('/')}/{control.lstrip('/')}"


class _RtspStream:
    def __init__(
        self,
        connection: Connection,
        templates: InputContainer,
        chosen: list[tuple[Media, Stream]],
        channels: dict[int, _Receiving],
    ) -> None:
        self._connection = connection
        self._templates = templates
        self._channels = channels
        self._reported: tuple[float, float] | None = None
        self.tracks = tuple(
            Track.of(
                stream,
                Framing.LENGTH_4 if stream.type == "video" else Framing.WHOLE,
                Fraction(1, media.clock),
            )
            for media, stream in chosen
        )
        streams = [stream for _, stream in chosen]
        described = join_stored(split_annex_b(streams[0].codec_context.extradata or b""))
        self._headers = Headers(streams, self.tracks[0], described)

    def header_for(self, keyframe: bytes) -> Header:
        return self._headers.fitting(keyframe)

    @property
    def camera_time(self) -> datetime | None:
        """Return what the camera's clock shows by its last sender report; None before the first."""
        if self._reported is None:
            return None
        shown, at = self._reported
        return datetime.fromtimestamp(shown, UTC) + timedelta(seconds=monotonic() - at)

    def packets(self) -> Iterator[Packet | None]:
        failure = yield from self._packets()
        raise failure

    def _packets(self) -> Generator[Packet | None, None, SourceError]:
        try:
            return (yield from self._received())
        except FailedError as err:
            return err.error
        except TimeoutError:
            return SourceStalledError()
        except OSError:
            return SourceEndedError()

    def _received(self) -> Generator[Packet | None, None, SourceError]:
        connection, video = self._connection, self.tracks[0].index
        connection.socket.settimeout(_LOOK_SECONDS)
        nap, burst = Nap(_NAP_SECONDS, _LEAST_NAP, connection.window_bytes // 4), 0
        heard_at = seen_at = monotonic()
        keep_alive_at = heard_at + connection.alive_seconds
        while True:
            done = self._parsed()
            now = monotonic()
            if done is not None:
                heard_at = now
                for packet in done:
                    if packet.track == video:
                        seen_at = now
                    yield packet
            if not done:
                yield None  # so that a stop is noticed, whatever a camera sends
            if now - heard_at > READ_SECONDS or now - seen_at > STILL_SECONDS:
                return SourceStalledError()
            if now >= keep_alive_at:
                keep_alive_at = now + connection.keep_alive()
            try:
                received = connection.receive()
            except TimeoutError:
                continue
            if not received:
                return SourceEndedError()
            burst += received
            if connection.drained:
                seconds, burst = nap.after(burst), 0
                if seconds:
                    sleep(seconds)

    def _parsed(self) -> list[Packet] | None:
        """Take all whole frames out of what was received; None when there was none of a track."""
        connection, channels = self._connection, self._channels
        buffer, view, filled = connection.buffer, connection.view, connection.filled
        unpack = _FRAME.unpack_from
        done: list[Packet] = []
        heard = False
        at = 0
        # Shorter ones wait for what comes behind them: no RTP packet is, and no report matters.
        while filled - at >= 4 + _RTP_BYTES:
            if buffer[at] != DOLLAR:
                end = self._aside(at)
                if end is None:
                    break
                at = end
                continue
            channel, length, flags, marker, sequence, timestamp = unpack(buffer, at)
            end = at + 4 + length
            if end > filled:
                break
            receiving = channels.get(channel)
            if (
                receiving is not None
                and length >= _RTP_BYTES
                and flags & 0xC0 == 0x80
                and marker & 0x7F == receiving.payload_type
            ):
                begin, stop = at + 4 + _RTP_BYTES, end
                if flags != 0x80:
                    begin, stop = _payload(view, at + 4, end)
                lost = sequence != receiving.following
                receiving.following = sequence + 1 & 0xFFFF
                heard = True
                found = receiving.take(view[begin:stop], timestamp, marker > 0x7F, lost)
                if found:
                    done += found
            elif receiving is None and channel - 1 in channels:
                self._hear_report(at + 4, end)
            at = end
        if at:
            connection.consume(0, at)
        return done if heard else None

    def _hear_report(self, at: int, end: int) -> None:
        """Note what time a sender report says that it is."""
        if end - at < _REPORT_BYTES:
            return
        flags, kind, _, _, seconds, fraction = _REPORT.unpack_from(self._connection.buffer, at)
        shown = seconds - _EPOCH_1900 + fraction / 2**32
        if flags & 0xC0 == 0x80 and kind == _SENDER_REPORT and shown >= _NO_CLOCK_BEFORE:
            self._reported = (shown, monotonic())

    def _aside(self, at: int) -> int | None:
        """Return where what is no frame ends: an answer, a request of the camera's, or noise."""
        connection = self._connection
        if connection.filled - at < _MESSAGE_BYTES:
            return None
        if _MESSAGE.match(connection.buffer, at, connection.filled):
            found = connection.message(at)
            if found is None:
                return None
            end, answer = found
            connection.again(answer)
            return end
        found_at = connection.buffer.find(DOLLAR, at, connection.filled)
        return found_at if found_at >= 0 else connection.filled

    def close(self) -> None:
        self._connection.close()
        self._templates.close()


def _payload(view: memoryview, at: int, end: int) -> tuple[int, int]:
    """Return where the payload of an RTP packet lies: behind sources and extension, before padding."""
    first = view[at]
    begin = at + _RTP_BYTES + 4 * (first & 0x0F)
    if first & 0x10:
        begin += 4 + 4 * int.from_bytes(view[begin + 2 : min(begin + 4, end)])
    stop = end - view[end - 1] if first & 0x20 else end
    return (begin, stop) if begin < stop else (end, end)
