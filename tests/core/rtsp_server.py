"""A scripted RTSP server on a real socket: says exactly what a test wants, and notes what it heard."""

import hashlib
import re
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from typing import Self

from custom_components.camera_steward.core.capture.source import Address, OpenSource, Packet
from custom_components.camera_steward.core.capture.stream import StreamSource
from tests.cameras import Clip
from tests.cameras.rtp import Timeline, load
from tests.cameras.yardstick import split_prefixed

CLIP = Clip(width=64, height=48, rate=10, seconds=2)
USER, PASSWORD = "user@home", "pass:wörd/1"
LOGIN = "user%40home:pass%3Aw%C3%B6rd%2F1@"
_PUBLIC = "OPTIONS, DESCRIBE, SETUP, PLAY, GET_PARAMETER, TEARDOWN"


@cache
def _timeline(clip: Clip) -> Timeline:
    return load(clip.path())


@dataclass(frozen=True, slots=True)
class Request:
    """What a client asked."""

    method: str
    url: str
    headers: Mapping[str, str]


type Reply = bytes | None
type Answering = Callable[[Request], Reply]


def reply(
    request: Request,
    status: str = "200 OK",
    headers: Mapping[str, str] | None = None,
    body: str = "",
) -> bytes:
    """Return an answer as cameras write it."""
    lines = [f"RTSP/1.0 {status}", f"CSeq: {request.headers.get('cseq', '0')}"]
    lines += [line for name, value in (headers or {}).items() for line in _lines(name, value)]
    if body:
        lines.append(f"Content-Length: {len(body.encode())}")
    return "\r\n".join([*lines, "", body]).encode()


def _lines(name: str, value: str) -> list[str]:
    return [f"{name}: {each}" for each in value.split("\n")]


@dataclass(slots=True)
class Script:
    """What the server says. Not given: what a good camera would.

    `answers` by method come first; one that returns None leaves it to the script. `pace` waits so
    many seconds between pictures, `repeat` sends them again and again. `heard_within` hangs up
    when nothing was heard for so long. So many pictures come `early`, before the answer to PLAY;
    `between` follows each. It hangs up after so many bytes of pictures as `leaves_after` says, and
    answers a byte each `drip` seconds.
    """

    answers: dict[str, Answering] = field(default_factory=dict)
    public: str = _PUBLIC
    session: str = "12345678;timeout=60"
    transport: Callable[[str], str] = str
    content_base: Callable[[str], str | None] = lambda url: f"{url.rstrip('/')}/"
    description: Callable[[str], str] = str
    allows: Callable[[Request], bool] = lambda _: True
    challenge: Callable[[], str] = str
    early: int = 0
    between: bytes = b""
    pace: float = 0.0
    repeat: bool = False
    heard_within: float = 60.0
    leaves_after: int | None = None
    drip: float = 0.0
    channel: int = 0


class RtspServer:
    """Serves any number of clients, each in a thread of its own, until the end of its `with`."""

    def __init__(
        self, script: Script | None = None, *, host: str = "127.0.0.1", clip: Clip = CLIP
    ) -> None:
        self.script = script or Script()
        self.clip = clip
        self.requests: list[Request] = []
        self.connections = 0
        self.sent = 0
        self._timeline = _timeline(clip)
        self._tls: ssl.SSLContext | None = None
        self._host = host
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, 0), family=family)
        self.port: int = self._listener.getsockname()[1]
        self._threads: list[threading.Thread] = []
        self._open: list[socket.socket] = []
        self._ending = threading.Event()

    def __enter__(self) -> Self:
        self._begin(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for each in self._open:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)

    def secure(self, context: ssl.SSLContext) -> None:
        """Speak TLS from now on."""
        self._tls = context

    def url(self, login: str = "", path: str = "/stream", scheme: str = "rtsp") -> str:
        """Return an address."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"{scheme}://{login}{host}:{self.port}{path}"

    def methods(self) -> list[str]:
        """Return what was asked for, in order."""
        return [request.method for request in list(self.requests)]

    def of(self, method: str) -> list[Request]:
        """Return all requests of a kind."""
        return [request for request in list(self.requests) if request.method == method]

    # ------------------------------------------------------------------ serving

    def _begin(self, work: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._ending.is_set():
            try:
                plain, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._begin(self._serve, plain)

    def _serve(self, plain: socket.socket) -> None:
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        plain.settimeout(self.script.heard_within)
        self._open.append(plain)
        with suppress(OSError, EOFError), plain:
            client = self._tls.wrap_socket(plain, server_side=True) if self._tls else plain
            with client:
                self._converse(_Client(client, self._ending))

    def _converse(self, client: _Client) -> None:
        while not self._ending.is_set():
            request = client.request()
            self.requests.append(request)
            said = self._answer(request)
            script = self.script
            if request.method == "PLAY" and said.startswith(b"RTSP/1.0 200"):
                frames = [each + script.between for each in self.frames()]
                client.send(b"".join(frames[: script.early]) + said)
                self._begin(self._play, client, frames[script.early :])
            else:
                step = 1 if script.drip else len(said) or 1
                for at in range(0, len(said), step):
                    client.send(said[at : at + step])
                    self._ending.wait(script.drip)
            if request.method == "TEARDOWN":
                return

    def _answer(self, request: Request) -> bytes:
        script = self.script
        if not script.allows(request):
            return reply(request, "401 Unauthorized", {"WWW-Authenticate": script.challenge()})
        scripted = script.answers.get(request.method)
        said = scripted(request) if scripted is not None else None
        return self.good(request) if said is None else said

    def good(self, request: Request) -> bytes:
        """Return what a good camera would say."""
        script = self.script
        session = {"Session": script.session}
        match request.method:
            case "OPTIONS":
                return reply(request, headers={"Public": script.public})
            case "DESCRIBE":
                base = script.content_base(request.url)
                headers = {"Content-Type": "application/sdp"}
                headers |= {"Content-Base": base} if base is not None else {}
                return reply(
                    request, headers=headers, body=script.description(self._timeline.sdp())
                )
            case "SETUP":
                transport = script.transport(request.headers.get("transport", ""))
                return reply(request, headers=session | {"Transport": transport})
            case _:
                return reply(request, headers=session)

    def frames(self) -> Iterator[bytes]:
        """Yield each picture's interleaved frames (RFC 2326 10.12)."""
        sequence = 0
        for send in self._timeline.sends:
            if send.track:
                continue
            frames = b""
            for number, payload in enumerate(send.payloads):
                frames += frame(
                    self.script.channel,
                    payload,
                    sequence=sequence,
                    timestamp=send.ticks,
                    marker=number == len(send.payloads) - 1,
                )
                sequence += 1
            yield frames

    def _play(self, client: _Client, frames: list[bytes]) -> None:
        with suppress(OSError):
            if self.script.leaves_after is not None:
                client.send(b"".join(frames)[: self.script.leaves_after])
                client.hang_up()
                return
            while True:
                for each in frames:
                    client.send(each)
                    self.sent += 1
                    if self._ending.wait(self.script.pace):
                        return
                if not self.script.repeat:
                    return


class _Client:
    """One connection: requests are read by one thread while pictures are sent by another."""

    def __init__(self, plain: socket.socket, ending: threading.Event) -> None:
        self._socket = plain
        self._ending = ending
        self._lock = threading.Lock()
        self._received = b""

    def request(self) -> Request:
        while b"\r\n\r\n" not in self._received:
            more = self._socket.recv(4096)
            if not more:
                raise EOFError
            self._received += more
        head, _, self._received = self._received.partition(b"\r\n\r\n")
        first, *rest = head.decode().split("\r\n")
        method, url, _ = first.split(" ")
        pairs = (line.partition(":") for line in rest)
        return Request(method, url, {name.lower(): value.strip() for name, _, value in pairs})

    def hang_up(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)

    def send(self, data: bytes) -> None:
        with self._lock:
            self._socket.sendall(data)


def frame(
    channel: int,
    payload: bytes,
    *,
    sequence: int = 0,
    timestamp: int = 0,
    marker: bool = False,
    kind: int = 96,
    flags: int = 0x80,
) -> bytes:
    """Return an RTP packet as it lies between answers."""
    head = struct.pack(
        ">cBHBBHII",
        *(b"$", channel, 12 + len(payload), flags, marker << 7 | kind),
        *(sequence & 0xFFFF, timestamp & 0xFFFFFFFF, 0x1234),
    )
    return head + payload


# ---------------------------------------------------------------------- login


def digest_allows(
    request: Request, *, realm: str, nonce: str, algorithm: str = "", qop: str = ""
) -> bool:
    """Say whether a request's Authorization is right (RFC 7616 3.4.1, RFC 2069 without `qop`)."""
    said = request.headers.get("authorization", "")
    parts = {
        name: quoted or bare
        for name, quoted, bare in re.findall(r'(\w+)=(?:"([^"]*)"|([^,\s]+))', said)
    }
    new = hashlib.sha256 if algorithm == "SHA-256" else hashlib.md5

    def digest(*texts: str) -> str:
        return new(":".join(texts).encode(), usedforsecurity=False).hexdigest()

    own = digest(USER, realm, PASSWORD)
    asked = digest(request.method, request.url)
    middle = [parts.get("nc", ""), parts.get("cnonce", ""), qop] if qop else []
    return (
        said.startswith("Digest ")
        and parts.get("username") == USER
        and parts.get("uri") == request.url
        and (parts.get("realm"), parts.get("nonce")) == (realm, nonce)
        and parts.get("response") == digest(own, nonce, *middle, asked)
    )


# ---------------------------------------------------------------------- clients


@contextmanager
def opened(url: str, options: Mapping[str, str] | None = None) -> Iterator[OpenSource]:
    """Open a stream as a camera's worker does, and hang up at the end."""
    source = StreamSource(lambda: Address(url=url, options=options or {})).open()
    try:
        yield source
    finally:
        source.close()


def pictures(source: OpenSource, count: int, seconds: float = 20.0) -> list[Packet]:
    """Return the next packets."""
    found: list[Packet] = []
    end = time.monotonic() + seconds
    for packet in source.packets():
        if packet is not None:
            found.append(packet)
        if len(found) == count:
            return found
        assert time.monotonic() < end, f"{len(found)} packets in {seconds} s"
    raise AssertionError("packets end with an error")


def units_of(found: list[Packet]) -> list[bytes]:
    """Return the units of packets."""
    return [unit for packet in found for unit in split_prefixed(packet.payload)]
