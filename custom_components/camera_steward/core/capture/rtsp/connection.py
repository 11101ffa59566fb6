"""An RTSP session over one TCP connection (RFC 2326): requests, answers, login, what was received."""

import hashlib
import re
import secrets
import socket
import ssl
from base64 import b64encode
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from select import POLLIN, poll
from time import monotonic
from typing import override
from urllib.parse import unquote, urlsplit

from ...errors import (
    SourceEndedError,
    SourceError,
    SourceRefusedError,
    SourceUnreachableError,
)
from ..source import OPEN_SECONDS, Address

DOLLAR = 0x24
"""Begins an interleaved frame (10.12): then channel, and length in 2 bytes."""

_PORTS = {"rtsp": 554, "rtsps": 322}
_BUFFER_BYTES = 256 * 1024
_WINDOW_BYTES = 1024 * 1024
_HEAD_BYTES = 32 * 1024
_KEEP_ALIVE_SECONDS = 30.0
_END = re.compile(rb"\r?\n\r?\n")
_CHALLENGES = re.compile(r"(?:^|,)\s*(?=(?:basic|digest)\s)", re.IGNORECASE)
_TEXT = ("utf-8", "surrogateescape")
"""Realms are in any code; what came is what goes back."""


class NotOursError(Exception):
    """What FFmpeg may understand better."""


class FailedError(Exception):
    """Carries the error of a source to where it can be returned without this one behind it."""

    def __init__(self, error: SourceError) -> None:
        """Keep it."""
        super().__init__()
        self.error = error


@dataclass(slots=True)
class Answer:
    """An answer of the camera's; header names in lower case, repeated ones in order."""

    status: int
    headers: dict[str, list[str]]
    body: bytes

    def first(self, name: str) -> str:
        """Return a header's first value, or nothing."""
        return next(iter(self.headers.get(name, ())), "")


class Connection:
    """A socket, what it received, and the requests of one RTSP session."""

    def __init__(self, address: Address) -> None:
        split = urlsplit(address.url)
        if not split.hostname:
            raise FailedError(SourceUnreachableError())
        host = f"[{split.hostname}]" if ":" in split.hostname else split.hostname
        where = f"{host}:{split.port}" if split.port else host
        self.url = split._replace(netloc=where).geturl()
        self._user = unquote(split.username) if split.username is not None else None
        self._password = unquote(split.password or "")
        self._login: _Login | None = None
        self._number = 0
        self._repeated = False
        self._session = ""
        self.control = self.url
        self.public = ""
        self.alive_seconds = _KEEP_ALIVE_SECONDS  # how long the camera may hear nothing
        self.buffer = bytearray(_BUFFER_BYTES)
        self.view = memoryview(self.buffer)
        self.filled = 0
        scheme = split.scheme.lower()
        self.socket = socket.create_connection(
            (split.hostname, split.port or _PORTS[scheme]), timeout=OPEN_SECONDS
        )
        self._until = monotonic() + OPEN_SECONDS
        try:
            # What the kernel holds while a disk keeps us waiting, no camera has to drop.
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _WINDOW_BYTES)
            # Half of what Linux reports is for its own use.
            self.window_bytes = self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) // 2
            if scheme == "rtsps":
                self.socket = _secured(self.socket, split.hostname, address.options)
        except BaseException:
            self.socket.close()
            raise

    def ask(self, method: str, url: str, headers: Mapping[str, str] | None = None) -> Answer:
        """Ask and wait for the answer; what comes between stays to be read."""
        self.send(method, url, headers)
        answer = self._answer()
        if answer.status == 401 and self._challenged(answer):
            self.send(method, url, headers)
            answer = self._answer()
        if answer.status in {401, 403}:
            raise FailedError(SourceRefusedError())
        if answer.status != 200:
            raise NotOursError
        if session := answer.first("session"):
            self._session, _, timeout = session.partition(";")
            self._session = self._session.strip()
            seconds = re.search(r"timeout\s*=\s*(\d+)", timeout, re.IGNORECASE)
            if seconds is not None:
                self.alive_seconds = min(max(int(seconds[1]), 2) / 2, _KEEP_ALIVE_SECONDS)
        return answer

    def send(self, method: str, url: str, headers: Mapping[str, str] | None = None) -> None:
        """Send a request without waiting for its answer."""
        self._number += 1
        lines = [f"{method} {url} RTSP/1.0", f"CSeq: {self._number}", "User-Agent: Camera Steward"]
        if self._login is not None:
            lines.append(f"Authorization: {self._login.header(method, url)}")
        if self._session:
            lines.append(f"Session: {self._session}")
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        self.socket.sendall("\r\n".join([*lines, "", ""]).encode(*_TEXT))

    def keep_alive(self) -> float:
        """Tell the camera that somebody still watches; return in how many seconds to do so again."""
        self._repeated = False
        self._tell()
        return self.alive_seconds

    def again(self, answer: Answer) -> None:
        """Repeat a keep-alive that was refused, once, with the nonce that is asked for now."""
        if answer.status == 401 and not self._repeated:
            self._repeated = True
            with suppress(NotOursError):
                if self._challenged(answer):
                    self._tell()

    def _tell(self) -> None:
        self.send("GET_PARAMETER" if "GET_PARAMETER" in self.public else "OPTIONS", self.control)

    def message(self, at: int) -> tuple[int, Answer] | None:
        """Return where a message that begins at `at` ends and what it says; None if not whole yet.

        It may also be a request of the camera's: then with status 0.
        """
        found_end = _END.search(self.buffer, at, self.filled)
        if found_end is None:
            if self.filled - at > _HEAD_BYTES:
                raise FailedError(SourceEndedError())
            return None
        line, *rest = re.split("\r?\n", self.buffer[at : found_end.start()].decode(*_TEXT))
        headers: dict[str, list[str]] = {}
        for each in rest:
            name, _, value = each.partition(":")
            headers.setdefault(name.strip().lower(), []).append(value.strip())
        said = headers.get("content-length", ["0"])[0]
        length = int(said) if re.fullmatch("[0-9]{1,9}", said) else 0
        begin = found_end.end()
        if begin + length > self.filled:
            if length > _BUFFER_BYTES // 2:
                raise FailedError(SourceEndedError())
            return None
        found = re.match(r"RTSP/\S+ (\d{3})", line)
        body = bytes(self.view[begin : begin + length])
        return begin + length, Answer(int(found[1]) if found else 0, headers, body)

    def receive(self) -> int:
        """Read what has come; return how many bytes, 0 when the camera hung up."""
        received = self.socket.recv_into(self.view[self.filled :])
        self.filled += received
        return received

    @property
    def drained(self) -> bool:
        """Return whether the last reading took all that had come."""
        if isinstance(self.socket, ssl.SSLSocket):
            # It gives a record at a time. (`select` takes no numbers beyond 1,023.)
            waiting = poll()
            waiting.register(self.socket, POLLIN)
            return not (self.socket.pending() or waiting.poll(0))
        return self.filled < len(self.buffer)

    def consume(self, begin: int, end: int) -> None:
        """Take bytes out of what was received."""
        rest = self.filled - end
        self.view[begin : begin + rest] = bytes(self.view[end : self.filled])
        self.filled = begin + rest

    def close(self) -> None:
        """Hang up."""
        if self._session:
            with suppress(OSError):
                self.socket.settimeout(0.2)
                self.send("TEARDOWN", self.control)
        with suppress(OSError):
            self.socket.close()

    def _answer(self) -> Answer:
        at = begun = 0
        while True:
            blank = at
            while blank < self.filled and self.buffer[blank] in b"\r\n":
                blank += 1
            if blank > at:
                self.consume(at, blank)
            if at < self.filled and self.buffer[at] != DOLLAR:
                found = self.message(at)
                if found is not None:
                    end, answer = found
                    self.consume(at, end)
                    if answer.status:
                        return answer
                    continue
            elif at + 4 <= self.filled:
                begun = at
                at += 4 + int.from_bytes(self.view[at + 2 : at + 4])
                continue
            left = self._until - monotonic()
            if left <= 0:
                # Something was said, and we did not understand it.
                raise NotOursError if at < self.filled else TimeoutError
            if self.filled == len(self.buffer):
                # Pictures that came before the answer to our request to send them.
                begun = at if at <= self.filled else begun
                self.consume(0, begun)
                at, begun = at - begun, 0
            self.socket.settimeout(left)
            if not self.receive():
                raise FailedError(SourceEndedError())

    def _challenged(self, answer: Answer) -> bool:
        if self._user is None:
            return False
        login = _login(answer.headers.get("www-authenticate", []), self._user, self._password)
        if login is None:
            raise NotOursError
        again = self._login is not None and not login.stale
        self._login = login
        return not again


def _secured(plain: socket.socket, host: str, options: Mapping[str, str]) -> ssl.SSLSocket:
    context = ssl.create_default_context()
    if options.get("tls_verify", "1") == "0":
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context.wrap_socket(plain, server_hostname=host)


class _Login:
    """How to answer the camera's challenge."""

    stale = False

    def header(self, method: str, url: str) -> str:
        raise NotImplementedError


class _Basic(_Login):
    def __init__(self, user: str, password: str) -> None:
        self._token = b64encode(f"{user}:{password}".encode()).decode()

    @override
    def header(self, method: str, url: str) -> str:
        return f"Basic {self._token}"


class _Digest(_Login):
    """RFC 7616, and RFC 2069 for cameras that offer no `qop`."""

    def __init__(self, challenge: dict[str, str], user: str, password: str) -> None:
        self._challenge = challenge
        self._user = user
        self._password = password
        self._count = 0
        self._algorithm = challenge.get("algorithm", "MD5")
        self._new = hashlib.sha256 if "256" in self._algorithm else hashlib.md5
        self.stale = challenge.get("stale", "").lower() == "true"

    @override
    def header(self, method: str, url: str) -> str:
        realm, nonce = self._challenge.get("realm", ""), self._challenge.get("nonce", "")
        secret = self._hash(f"{self._user}:{realm}:{self._password}")
        action = self._hash(f"{method}:{url}")
        parts = {"username": self._user, "realm": realm, "nonce": nonce, "uri": url}
        bare = []
        if "auth" in re.split(r"\s*,\s*", self._challenge.get("qop", "")):
            self._count += 1
            count, own = f"{self._count:08x}", secrets.token_hex(8)
            parts["response"] = self._hash(f"{secret}:{nonce}:{count}:{own}:auth:{action}")
            parts["cnonce"] = own
            bare = [f"nc={count}", "qop=auth"]
        else:
            parts["response"] = self._hash(f"{secret}:{nonce}:{action}")
        if "opaque" in self._challenge:
            parts["opaque"] = self._challenge["opaque"]
        if "algorithm" in self._challenge:
            bare.append(f"algorithm={self._algorithm}")
        return "Digest " + ", ".join([f'{name}="{value}"' for name, value in parts.items()] + bare)

    def _hash(self, text: str) -> str:
        return self._new(text.encode(*_TEXT), usedforsecurity=False).hexdigest()


def _login(challenges: list[str], user: str, password: str) -> _Login | None:
    """Return how to log in: by digest where the camera knows it."""
    # Several may stand in one header.
    split = [each for text in challenges for each in _CHALLENGES.split(text)]
    for challenge in split:
        scheme, _, rest = challenge.partition(" ")
        said = {
            name.lower(): quoted or plain
            for name, quoted, plain in re.findall(r'(\w+)\s*=\s*(?:"([^"]*)"|([^\s,"]+))', rest)
        }
        known = said.get("algorithm", "MD5").upper() in {"MD5", "SHA-256"}
        if scheme.lower() == "digest" and known and said.get("nonce"):
            return _Digest(said, user, password)
    if any(challenge.lower().startswith("basic") for challenge in split):
        return _Basic(user, password)
    return None
