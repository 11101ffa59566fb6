"""The yardstick of INV-3: encoded units as a camera sent them, read without our integration."""

import hashlib
from collections.abc import Iterable, Sequence
from io import BytesIO
from pathlib import Path
from typing import Literal

import av
from av.container import InputContainer

type Track = Literal["video", "audio"]


def split_annexb(data: bytes) -> list[bytes]:
    """Return the NAL units between start codes, without trailing zero bytes."""
    found = []
    start = data.find(b"\0\0\1")
    while start >= 0:
        end = data.find(b"\0\0\1", start + 3)
        unit = data[start + 3 : end if end >= 0 else len(data)].rstrip(b"\0")
        if unit:
            found.append(unit)
        start = end
    return found


def split_prefixed(data: bytes, prefix_bytes: int = 4) -> list[bytes]:
    """Return the NAL units of one access unit with big-endian length prefixes."""
    found = []
    at = 0
    while at < len(data):
        length = int.from_bytes(data[at : at + prefix_bytes])
        at += prefix_bytes
        if length == 0 or at + length > len(data):
            raise ValueError(f"length prefix of {length} at {at} of {len(data)} bytes")
        found.append(data[at : at + length].rstrip(b"\0"))
        at += length
    return found


def prefix_bytes(codec: str, extradata: bytes | None) -> int:
    """Return the size of the length prefix that avcC or hvcC declares; 0 means start codes."""
    if not extradata or extradata[0] != 1:
        return 0
    return (extradata[4 if codec == "h264" else 21] & 3) + 1


def split(codec: str, extradata: bytes | None, data: bytes) -> list[bytes]:
    """Return the units of one packet: NAL units of H.264 and H.265, else the packet itself."""
    if codec not in {"h264", "hevc"}:
        return [data]
    size = prefix_bytes(codec, extradata)
    return split_prefixed(data, size) if size else split_annexb(data)


def _open(source: Path | str | bytes) -> InputContainer:
    return av.open(BytesIO(source), "r") if isinstance(source, bytes) else av.open(source, "r")


def packets(source: Path | str | bytes, track: Track = "video") -> list[bytes]:
    """Return every packet of the first track of a kind, in stored order."""
    with _open(source) as container:
        stream = container.streams.best(track)
        if stream is None:
            return []
        return [bytes(packet) for packet in container.demux(stream) if packet.size]


def units(source: Path | str | bytes, track: Track = "video") -> list[bytes]:
    """Return the encoded units of a file, or of its bytes, in stored order.

    H.264 and H.265: NAL units without start codes, length prefixes and trailing zero bytes.
    Every other codec: the packets' payloads.
    """
    with _open(source) as container:
        stream = container.streams.best(track)
        if stream is None:
            return []
        context = stream.codec_context
        codec, extradata = context.name, context.extradata
        # Names of decoders differ from those of codecs (libdav1d, pcm_mulaw …); ours do not.
        return [
            unit
            for packet in container.demux(stream)
            if packet.size
            for unit in split(codec, extradata, bytes(packet))
        ]


def unit_digest(found: Iterable[bytes], hash_name: str = "sha256") -> bytes:
    """Return a digest over, for each unit, its length (u32, big-endian) and its bytes."""
    sized = b"".join(len(unit).to_bytes(4) + unit for unit in found)
    if hash_name == "blake2b":
        return hashlib.blake2b(sized, digest_size=32).digest()
    return hashlib.new(hash_name, sized).digest()


def jpeg_scan(image: bytes) -> bytes:
    """Return a JPEG's entropy-coded data, all of it that RTP (RFC 2435) carries unaltered."""
    at = 2
    while at + 4 <= len(image) and image[at] == 0xFF:
        length = int.from_bytes(image[at + 2 : at + 4])
        at += 2 + length
        if image[at - length - 1] == 0xDA:
            end = image.rfind(b"\xff\xd9")
            return image[at : end if end >= at else len(image)]
    raise ValueError("no scan in this image")


def run_of(received: Sequence[bytes], served: Sequence[bytes]) -> int | None:
    """Return where in a looped file a run of received units starts; None when it is no run.

    A camera that loops sends its file again and again: the received units must be one unbroken
    run of that endless sequence.
    """
    if not received or not served:
        return None
    for start, unit in enumerate(served):
        if unit == received[0] and all(
            unit == served[(start + i) % len(served)] for i, unit in enumerate(received)
        ):
            return start
    return None


def run_digest(received: Sequence[bytes], served: Sequence[bytes]) -> bytes | None:
    """Return the unit digest of what a looping camera served while a run was received; else None."""
    start = run_of(received, served)
    if start is None:
        return None
    return unit_digest(served[(start + i) % len(served)] for i in range(len(received)))
