"""An RTSP camera over TCP (RFC 2326, interleaved): every client gets the file from its start."""

import asyncio
import hashlib
import re
import secrets
import struct
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, override

from .listener import Listener, read_head
from .rtp import Send, Timeline, Track, load

_NTP_EPOCH = 2_208_988_800
_REPORT_SECONDS = 5.0


@dataclass(slots=True)
class _Session:
    writer: asyncio.StreamWriter
    channels: dict[int, int] = field(default_factory=dict)
    task: asyncio.Task[None] | None = None
    sequence: dict[int, int] = field(default_factory=dict)


class RtspListener(Listener):
    """Sends a file in real time, again and again, with the faults that the configuration names."""

    def __init__(self, config: dict[str, Any]) -> None:
        """Load the file."""
        super().__init__(config)
        self.scheme: str = config.get("auth", "digest")
        self.loop: bool = config.get("loop", True)
        self.speed: float = config.get("speed", 1.0)
        self.start_seconds: float = config.get("start_seconds", 0.0)
        self.bursts: bool = config.get("bursts", False)
        self.timestamps: str = config.get("timestamps", "steady")
        self.timeline: Timeline = load(Path(config["path"]))
        self.version = 0
        self.plays = self.playing = 0
        self.sent_bytes = self.sent_frames = 0
        self.flowing = asyncio.Event()
        self.flowing.set()
        self._nonce = secrets.token_hex(16)

    async def stall(self) -> dict[str, Any]:
        """Send nothing more but keep every connection open."""
        self.flowing.clear()
        return {}

    async def resume(self) -> dict[str, Any]:
        """Send on from where it stopped."""
        self.flowing.set()
        return {}

    async def switch(self, path: str) -> dict[str, Any]:
        """Go on with another file in mid-stream, for clients that are connected too."""
        self.timeline = load(Path(path))
        self.version += 1
        return {}

    @override
    async def stats(self) -> dict[str, Any]:
        """Return what was counted since the start."""
        return await super().stats() | {
            "plays": self.plays,
            "playing": self.playing,
            "sent_bytes": self.sent_bytes,
            "sent_frames": self.sent_frames,
        }

    # ------------------------------------------------------------------ RTSP

    @override
    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer requests until the client goes."""
        session = _Session(writer)
        try:
            while await self._one(reader, session):
                pass
        finally:
            if session.task:
                session.task.cancel()

    async def _one(self, reader: asyncio.StreamReader, session: _Session) -> bool:
        first = await reader.read(1)
        if not first:
            return False
        if first == b"$":
            await reader.readexactly(int.from_bytes((await reader.readexactly(3))[1:]))
            return True
        line, headers = await read_head(reader)
        line = first.decode("latin-1") + line
        if length := int(headers.get("content-length", "0")):
            await reader.readexactly(length)
        method, _, rest = line.partition(" ")
        url = rest.partition(" ")[0]
        if not self._allowed(method, headers.get("authorization", "")):
            self.refused += "authorization" in headers
            challenge = 'Basic realm="camera"'
            if self.scheme == "digest":
                challenge = f'Digest realm="camera", nonce="{self._nonce}"'
            _answer(session, headers, "401 Unauthorized", {"WWW-Authenticate": challenge})
            return True
        return self._method(session, method, url, headers)

    def _method(self, session: _Session, method: str, url: str, headers: dict[str, str]) -> bool:
        named = {"Session": "1;timeout=60"}
        match method:
            case "OPTIONS":
                public = "OPTIONS, DESCRIBE, SETUP, PLAY, GET_PARAMETER, TEARDOWN"
                _answer(session, headers, "200 OK", {"Public": public})
            case "DESCRIBE":
                form = {"Content-Base": f"{url.rstrip('/')}/", "Content-Type": "application/sdp"}
                _answer(session, headers, "200 OK", form, self.timeline.sdp())
            case "SETUP":
                transport = headers.get("transport", "")
                found = re.search(r"interleaved=(\d+)", transport)
                number = re.search(r"trackID=(\d+)", url)
                if "RTP/AVP/TCP" not in transport or not found or not number:
                    _answer(session, headers, "461 Unsupported Transport", {})
                    return True
                session.channels[int(number[1])] = int(found[1])
                _answer(session, headers, "200 OK", named | {"Transport": transport})
            case "PLAY":
                _answer(session, headers, "200 OK", named | {"Range": "npt=0.000-"})
                if not session.task:
                    self.plays += 1
                    session.task = asyncio.create_task(self._play(session))
            case "TEARDOWN":
                _answer(session, headers, "200 OK", named)
                return False
            case "GET_PARAMETER" | "SET_PARAMETER":
                _answer(session, headers, "200 OK", named)
            case _:
                _answer(session, headers, "501 Not Implemented", {})
        return True

    def _allowed(self, method: str, header: str) -> bool:
        if self.user is None or self.scheme == "basic":
            return self.basic_allows(header)
        parts = dict(re.findall(r'(\w+)="([^"]*)"', header))
        first = _md5(f"{self.user}:camera:{self.password}")
        second = _md5(f"{method}:{parts.get('uri', '')}")
        return parts.get("response") == _md5(f"{first}:{self._nonce}:{second}")

    # ------------------------------------------------------------------ RTP

    async def _play(self, session: _Session) -> None:
        self.playing += 1
        try:
            bases = {track: secrets.randbits(30) for track in session.channels}
            reported: dict[int, float] = {}
            async for track, send, ticks in self._sends():
                if send.track not in session.channels:
                    continue
                stamp = (bases[send.track] + ticks) & 0xFFFFFFFF
                channel = session.channels[send.track]
                due = time.monotonic() - reported.get(send.track, -1e9) >= _REPORT_SECONDS
                if due and self.timestamps == "steady":
                    reported[send.track] = time.monotonic()
                    session.writer.write(_report(channel + 1, send.track, stamp))
                packets = _frame(session, channel, track, send, stamp)
                for packet in [b"".join(packets)] if self.bursts else packets:
                    session.writer.write(packet)
                await session.writer.drain()
                self.sent_frames += 1
                self.sent_bytes += sum(map(len, send.payloads))
            session.writer.close()
        except ConnectionError:
            pass
        finally:
            self.playing -= 1

    async def _sends(self) -> AsyncIterator[tuple[Track, Send, int]]:
        """Yield what is due, when it is due, with its RTP time since the start."""
        began = time.monotonic()
        passed = -self.start_seconds
        frame = 0
        while True:
            timeline, version = self.timeline, self.version
            for send in timeline.sends:
                if passed + send.at < 0:
                    continue
                if not self.flowing.is_set():
                    stopped = time.monotonic()
                    await self.flowing.wait()
                    began += time.monotonic() - stopped
                wait = began + (passed + send.at) / self.speed - time.monotonic()
                if wait > 0:
                    await asyncio.sleep(wait)
                if version != self.version:
                    passed += send.at
                    break
                track = timeline.tracks[send.track]
                frame += 1
                yield track, send, self._ticks(send, track, passed + self.start_seconds, frame)
            else:
                if not self.loop:
                    return
                passed += timeline.length

    def _ticks(self, send: Send, track: Track, passed: float, frame: int) -> int:
        ticks = send.ticks + round(passed * track.clock)
        match self.timestamps:
            case "frozen":
                return 0
            case "backwards":
                return ticks - (track.clock if frame % 10 == 0 else 0)
            case "jumps":
                return ticks + 3600 * track.clock * (frame // 20)
            case _:
                return ticks


def _answer(
    session: _Session,
    request: dict[str, str],
    status: str,
    headers: dict[str, str],
    body: str = "",
) -> None:
    lines = [f"RTSP/1.0 {status}", f"CSeq: {request.get('cseq', '0')}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    session.writer.write("\r\n".join([*lines, "", body]).encode())


def _frame(session: _Session, channel: int, track: Track, send: Send, stamp: int) -> list[bytes]:
    packets = []
    sequence = session.sequence.get(send.track, 0)
    last = len(send.payloads) - 1
    for number, payload in enumerate(send.payloads):
        marker = 0x80 if number == last else 0
        head = struct.pack(
            ">cBHBBHII",
            *(b"$", channel, 12 + len(payload), 0x80, marker | track.payload_type),
            *(sequence & 0xFFFF, stamp, 0x1000 + send.track),
        )
        packets.append(head + payload)
        sequence += 1
    session.sequence[send.track] = sequence
    return packets


def _report(channel: int, track: int, stamp: int) -> bytes:
    now = time.time() + _NTP_EPOCH
    high, low = int(now), int(now % 1 * 2**32)
    body = struct.pack(">BBHIIIIII", 0x80, 200, 6, 0x1000 + track, high, low, stamp, 0, 0)
    return struct.pack(">cBH", b"$", channel, len(body)) + body


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
