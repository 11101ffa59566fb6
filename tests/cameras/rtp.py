"""Packs a file's encoded units into RTP as cameras do (RFC 6184, 7798, 3640, 7587, 3551, 2435)."""

from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
from av.audio.stream import AudioStream
from av.video.stream import VideoStream

from . import yardstick
from .media import parameter_sets

PAYLOAD_BYTES = 1400


@dataclass(frozen=True, slots=True, kw_only=True)
class Send:
    """One access unit or audio frame: when to send it (s), its RTP time, its RTP payloads."""

    at: float
    track: int
    ticks: int
    payloads: tuple[bytes, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """What SDP says of one stream."""

    kind: str
    payload_type: int
    clock: int
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """A file ready to be sent: its tracks, everything to send in order, its length (s)."""

    tracks: tuple[Track, ...]
    sends: tuple[Send, ...]
    length: float

    def sdp(self) -> str:
        """Return the session description."""
        lines = ["v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=camera", "c=IN IP4 0.0.0.0", "t=0 0"]
        for number, track in enumerate(self.tracks):
            lines.append(f"m={track.kind} 0 RTP/AVP {track.payload_type}")
            lines += track.lines
            lines.append(f"a=control:trackID={number}")
        return "\r\n".join([*lines, ""])


def load(path: Path) -> Timeline:
    """Read a file; tracks are in its order."""
    with av.open(path) as container:
        streams = [s for s in container.streams if isinstance(s, VideoStream | AudioStream)]
        numbers = {stream.index: number for number, stream in enumerate(streams)}
        tracks = tuple(_track(stream, 96 + number) for number, stream in enumerate(streams))
        sends, counts, length = [], dict.fromkeys(numbers, 0), 0.0
        for packet in container.demux(streams):
            if not packet.size or packet.pts is None or packet.time_base is None:
                continue
            number = numbers[packet.stream.index]
            stream = streams[number]
            clock = tracks[number].clock
            time = packet.pts * packet.time_base
            # Codec delay starts audio before zero; the camera begins to send at once.
            at = max(0.0, float(time))
            if isinstance(stream, VideoStream):
                # Matroska rounds to milliseconds; the frame number gives the exact time back.
                rate = stream.average_rate or Fraction(25)
                time = round(time * rate) / rate
                at = float(counts[stream.index] / rate)
                length = max(length, float((counts[stream.index] + 1) / rate))
            elif tracks[0].kind != "video" or at >= length:
                length = max(length, at + float((packet.duration or 0) * packet.time_base))
            counts[stream.index] += 1
            payloads = tuple(_payloads(stream, bytes(packet)))
            sends.append(Send(at=at, track=number, ticks=round(time * clock), payloads=payloads))
    sends.sort(key=lambda send: send.at)
    return Timeline(tracks=tracks, sends=tuple(sends), length=length)


def _track(stream: VideoStream | AudioStream, dynamic: int) -> Track:
    context = stream.codec_context
    extradata = context.extradata or b""
    name = context.name
    if isinstance(stream, AudioStream):
        rate, channels = stream.rate, stream.channels
        match name:
            case "pcm_mulaw":
                return Track(kind="audio", payload_type=0, clock=8000, lines=())
            case "pcm_alaw":
                return Track(kind="audio", payload_type=8, clock=8000, lines=())
            case "aac":
                form = (
                    f"a=fmtp:{dynamic} streamtype=5;profile-level-id=1;mode=AAC-hbr;sizelength=13;"
                    f"indexlength=3;indexdeltalength=3;config={extradata.hex()}"
                )
                lines = (f"a=rtpmap:{dynamic} mpeg4-generic/{rate}/{channels}", form)
                return Track(kind="audio", payload_type=dynamic, clock=rate, lines=lines)
            case _:
                lines = (f"a=rtpmap:{dynamic} opus/48000/2", f"a=fmtp:{dynamic} sprop-stereo=1")
                return Track(kind="audio", payload_type=dynamic, clock=48000, lines=lines)
    if name == "mjpeg":
        return Track(kind="video", payload_type=26, clock=90000, lines=())
    sets = parameter_sets(name, extradata)
    coded = [b64encode(unit).decode() for unit in sets]
    if name == "h264":
        form = (
            f"a=fmtp:{dynamic} packetization-mode=1;profile-level-id={sets[0][1:4].hex()};"
            f"sprop-parameter-sets={','.join(coded)}"
        )
        rtpmap = f"a=rtpmap:{dynamic} H264/90000"
    else:
        form = f"a=fmtp:{dynamic} sprop-vps={coded[0]};sprop-sps={coded[1]};sprop-pps={coded[2]}"
        rtpmap = f"a=rtpmap:{dynamic} H265/90000"
    return Track(kind="video", payload_type=dynamic, clock=90000, lines=(rtpmap, form))


def _payloads(stream: VideoStream | AudioStream, data: bytes) -> Iterator[bytes]:
    context = stream.codec_context
    name = context.name
    match name:
        case "h264":
            for unit in yardstick.split(name, context.extradata, data):
                yield from _h264(unit)
        case "hevc":
            for unit in yardstick.split(name, context.extradata, data):
                yield from _h265(unit)
        case "mjpeg":
            yield from _jpeg(data)
        case "aac":
            # One access unit with its header: 16 bits of headers, 13 of size, 3 of index.
            yield b"\x00\x10" + (len(data) << 3).to_bytes(2) + data
        case _:
            yield data


def _h264(unit: bytes) -> Iterator[bytes]:
    if len(unit) <= PAYLOAD_BYTES:
        yield unit
        return
    indicator = unit[0] & 0xE0 | 28
    for start, piece, end in _pieces(unit[1:], PAYLOAD_BYTES - 2):
        yield bytes([indicator, start << 7 | end << 6 | unit[0] & 0x1F]) + piece


def _h265(unit: bytes) -> Iterator[bytes]:
    if len(unit) <= PAYLOAD_BYTES:
        yield unit
        return
    kind = unit[0] >> 1 & 0x3F
    header = bytes([unit[0] & 0x81 | 49 << 1, unit[1]])
    for start, piece, end in _pieces(unit[2:], PAYLOAD_BYTES - 3):
        yield header + bytes([start << 7 | end << 6 | kind]) + piece


def _jpeg(image: bytes) -> Iterator[bytes]:
    tables: dict[int, bytes] = {}
    used: list[int] = []
    width = height = interval = kind = 0
    at = 2
    while image[at + 1] != 0xDA:
        code, length = image[at + 1], int.from_bytes(image[at + 2 : at + 4])
        body = image[at + 4 : at + 2 + length]
        at += 2 + length
        if code == 0xDB:
            for number in range(0, len(body), 65):
                tables[body[number] & 15] = body[number + 1 : number + 65]
        elif code == 0xC0:
            height, width = int.from_bytes(body[1:3]), int.from_bytes(body[3:5])
            kind = {0x21: 0, 0x22: 1}[body[7]]
            used = [body[8 + 3 * number] for number in range(body[5])]
        elif code == 0xDD:
            interval = int.from_bytes(body)
    scan = yardstick.jpeg_scan(image)
    quantisers = tables[used[0]] + tables[used[1]]
    restart = interval.to_bytes(2) + b"\xff\xff" if interval else b""
    offset = 0
    for start, piece, _end in _pieces(scan, PAYLOAD_BYTES - 8 - 136):
        header = b"\0" + offset.to_bytes(3)
        header += bytes([kind | (64 if interval else 0), 255, width // 8, height // 8]) + restart
        if start:
            header += b"\0\0" + len(quantisers).to_bytes(2) + quantisers
        yield header + piece
        offset += len(piece)


def _pieces(data: bytes, size: int) -> Iterator[tuple[bool, bytes, bool]]:
    for at in range(0, len(data), size):
        yield at == 0, data[at : at + size], at + size >= len(data)
