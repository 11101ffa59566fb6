"""A detection server on the local network, by the HTTP interface that DeepStack and CodeProject.AI speak.

`POST /v1/vision/detection` with a picture as a form's file gives `{"success": true, "predictions":
[{"label", "confidence", "x_min", "y_min", "x_max", "y_max"}]}`, edges in pixels. Of a person it may also
tell `age` and `gender` (or `sex`), estimated. What it keeps of pictures is outside the steward's control.
"""

import contextlib
import io
import ipaddress
import json
import secrets
import socket
import ssl
import threading
from collections.abc import Iterable, Mapping, Sequence
from time import monotonic
from typing import Any, Final, override
from urllib.parse import SplitResult, urlsplit

import httpcore
from PIL import Image

from .detection import (
    Box,
    DetectorAnswerError,
    DetectorAwayError,
    DetectorError,
    Frame,
    Pixels,
    Thing,
)
from .telling import number_of, refuse_identity, traits_of

_PATH: Final = "/v1/vision/detection"
_CONNECT_SECONDS: Final = 2.0
_ANSWER_SECONDS: Final = 5.0
"""For all of it: sending the picture, waiting, and the last byte of the answer."""

_ANSWER_BYTES: Final = 256 * 1024
_MOST_BOXES: Final = 200
_OUTSIDE: Final = 0.1
"""Edges that far beyond the picture, as fractions of it, are a detector's rounding; more is nonsense."""

_QUALITY: Final = 85
_LONGEST_URL: Final = 500
_LOCAL: Final = tuple(
    ipaddress.ip_network(each)
    for each in (
        *("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16"),
        *("::1/128", "fc00::/7", "fe80::/10"),
    )
)
"""Loopback, private use (RFC 1918), link-local (RFC 3927), unique local (RFC 4193, RFC 4291 2.5.6)."""

_PIECE: Final = 64 * 1024

_THINGS: Final = {
    "person": Thing.PERSON,
    "bicycle": Thing.BICYCLE,
    **dict.fromkeys(("car", "truck", "bus", "motorcycle", "motorbike"), Thing.CAR),
}


class ServerAddressError(DetectorError):
    """An address that is not a detection server's; `detail` holds nothing of it."""

    key = "server_address"


class ServerLoginError(ServerAddressError):
    """The address holds a user name or password: it would be shown."""

    key = "server_login"


class ServerNotLocalError(ServerAddressError):
    """The server is not in the local network: pictures would leave it."""

    key = "server_not_local"


def check_server_url(text: str) -> str:
    """Return the address as it is kept; raise a `ServerAddressError`.

    Names are not looked up here: where they lead is checked at each connection.
    """
    return _parsed(text).geturl()


def _parsed(text: str) -> SplitResult:
    text = text.strip()
    if not text.isascii() or not text.isprintable() or " " in text or len(text) > _LONGEST_URL:
        raise ServerAddressError
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ServerAddressError from None
    if "@" in parts.netloc:
        raise ServerLoginError
    if parts.scheme not in ("http", "https") or not host or port == 0:
        raise ServerAddressError
    if parts.query or parts.fragment:
        raise ServerAddressError
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        address = None  # a name
    if address is not None and not _is_local(address):
        raise ServerNotLocalError
    return parts._replace(path=parts.path.rstrip("/"))


def _is_local(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return any(address in network for network in _LOCAL if network.version == address.version)


class DetectionServer:
    """Asks a server for what is in a picture; used by one thread."""

    def __init__(self, url: str, *, least_score: float = 0.4) -> None:
        """Take what `check_server_url` takes; nothing is opened before the first picture."""
        parts = _parsed(url)
        self._url = httpcore.URL(
            scheme=parts.scheme,
            host=parts.hostname or "",
            port=parts.port,
            target=parts.path + _PATH,
        )
        # Written as in the address: of IPv6 with its brackets, without which servers refuse it.
        self._host = parts.netloc.removesuffix(":")
        self._least_score = least_score
        self._network = _LocalNetwork()
        self._pool: httpcore.ConnectionPool | None = None

    def detect(self, frame: Frame) -> Sequence[Box]:
        """Return what the server found; raise a `DetectorError`."""
        height, width = frame.pixels.shape[:2]
        answer = self._asked(_jpeg(frame.pixels))
        if isinstance(answer, DetectorError):
            raise answer
        return boxes_of(answer, width, height, self._least_score)

    def background(self) -> Pixels | None:
        """Return None: a server knows no place."""
        return None

    def close(self) -> None:
        """Hang up."""
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.close()

    def _asked(self, picture: bytes) -> bytes | DetectorError:
        """Return the answer's body.

        Errors are returned: one that is raised would keep what it was raised in the handling of, and
        that holds the picture.
        """
        if self._pool is None:
            self._pool = httpcore.ConnectionPool(max_connections=1, network_backend=self._network)
        content_type, body = _form(picture, self._least_score)
        headers = [
            ("Host", self._host),
            ("Accept", "application/json"),
            ("Accept-Encoding", "identity"),
            ("Content-Type", content_type),
            ("Content-Length", str(len(body))),
        ]
        self._network.end_at = monotonic() + _ANSWER_SECONDS
        try:
            with self._pool.stream(
                "POST",
                self._url,
                headers=headers,
                content=body,
                extensions={
                    "timeout": {
                        "connect": _CONNECT_SECONDS,
                        "read": _ANSWER_SECONDS,
                        "write": _ANSWER_SECONDS,
                        "pool": _ANSWER_SECONDS,
                    }
                },
            ) as response:
                if response.status != 200:
                    return DetectorAnswerError(str(response.status))
                return _read(response.iter_stream())
        except DetectorError as err:
            return type(err)(err.detail)
        except httpcore.ProtocolError:
            return DetectorAnswerError()
        except httpcore.NetworkError, httpcore.TimeoutException, OSError:
            return DetectorAwayError()


class _LocalNetwork(httpcore.NetworkBackend):
    """Connects within the local network alone, and ends every conversation in time."""

    def __init__(self) -> None:
        self._system = httpcore.SyncBackend()
        self.end_at = 0.0

    @override
    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to an address that was checked, so that no name leads elsewhere meanwhile."""
        end_at = monotonic() + _CONNECT_SECONDS
        addresses = _looked_up(host, port)
        if not all(_is_local(ipaddress.ip_address(each)) for each in addresses):
            raise ServerNotLocalError
        for each in addresses:
            left = end_at - monotonic()
            if left <= 0:
                break
            try:
                stream = self._system.connect_tcp(each, port, left)
            except httpcore.ConnectError, httpcore.ConnectTimeout:
                continue
            self.end_at = monotonic() + _ANSWER_SECONDS
            return _Bounded(stream, self)
        raise httpcore.ConnectError


def _looked_up(host: str, port: int) -> list[str]:
    """Return the addresses of a host; asking for a name cannot be interrupted, but be left alone."""
    found: list[str] = []

    def look() -> None:
        with contextlib.suppress(OSError, UnicodeError):
            answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            found.extend(dict.fromkeys(str(answer[4][0]) for answer in answers))

    thread = threading.Thread(target=look, name="camera-steward-look-up", daemon=True)
    thread.start()
    thread.join(_CONNECT_SECONDS)
    return [] if thread.is_alive() else found


class _Bounded(httpcore.NetworkStream):
    """A connection on which nothing takes longer than until the end of its network's conversation."""

    def __init__(self, stream: httpcore.NetworkStream, network: _LocalNetwork) -> None:
        self._stream = stream
        self._network = network

    @override
    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._left(httpcore.ReadTimeout))

    @override
    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for at in range(0, len(buffer), _PIECE):
            self._stream.write(buffer[at : at + _PIECE], self._left(httpcore.WriteTimeout))

    def _left(self, late: type[Exception]) -> float:
        left = self._network.end_at - monotonic()
        if left <= 0:
            raise late
        return left

    @override
    def close(self) -> None:
        self._stream.close()

    @override
    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        stream = self._stream.start_tls(ssl_context, server_hostname, _CONNECT_SECONDS)
        return _Bounded(stream, self._network)

    @override
    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _jpeg(pixels: Pixels) -> bytes:
    made = io.BytesIO()
    Image.fromarray(pixels).save(made, "JPEG", quality=_QUALITY)
    return made.getvalue()


def _form(picture: bytes, least_score: float) -> tuple[str, bytes]:
    """Return a form's content type and body (RFC 7578)."""
    boundary = secrets.token_hex(16)
    field = f"--{boundary}\r\nContent-Disposition: form-data; name="
    head = (
        f'{field}"min_confidence"\r\n\r\n{least_score}\r\n'
        f'{field}"image"; filename="image.jpg"\r\nContent-Type: image/jpeg\r\n\r\n'
    )
    body = b"".join((head.encode(), picture, f"\r\n--{boundary}--\r\n".encode()))
    return f"multipart/form-data; boundary={boundary}", body


def _read(pieces: Iterable[bytes]) -> bytes | DetectorError:
    body = bytearray()
    for piece in pieces:
        body += piece
        if len(body) > _ANSWER_BYTES:
            return DetectorAnswerError("size")
    return bytes(body)


def boxes_of(answer: bytes, width: int, height: int, least_score: float) -> list[Box]:
    """Return what an answer says of a picture of that size; raise a `DetectorError`."""
    predictions = _predictions(answer)
    if isinstance(predictions, DetectorError):
        raise predictions
    refuse_identity(predictions)
    boxes = (_box(each, width, height) for each in predictions)
    return [box for box in boxes if box is not None and box.score >= least_score]


def _predictions(answer: bytes) -> list[object] | DetectorError:
    try:
        said = json.loads(answer)
    except ValueError, RecursionError:
        return DetectorAnswerError("json")
    if not isinstance(said, dict) or said.get("success") is not True:
        return DetectorAnswerError("success")
    predictions = said.get("predictions")
    if not isinstance(predictions, list) or len(predictions) > _MOST_BOXES:
        return DetectorAnswerError("predictions")
    return predictions


def _box(said: object, width: int, height: int) -> Box | None:
    """Return a box, None of what is not told apart."""
    if not isinstance(said, dict) or not isinstance(label := said.get("label"), str):
        raise DetectorAnswerError("label")
    score = number_of(said.get("confidence"), "confidence", 0, 1)
    left, right = _edges(said, "x_min", "x_max", width)
    top, bottom = _edges(said, "y_min", "y_max", height)
    thing = _THINGS.get(label.strip().lower())
    if thing is None:
        return None
    age, sex = traits_of(said) if thing is Thing.PERSON else (None, None)
    return Box(
        thing=thing,
        score=score,
        left=left,
        top=top,
        right=right,
        bottom=bottom,
        age=age,
        sex=sex,
    )


def _edges(said: Mapping[str, object], first: str, last: str, size: int) -> tuple[float, float]:
    low, high = (
        min(
            max(number_of(said.get(key), key, -_OUTSIDE * size, (1 + _OUTSIDE) * size) / size, 0), 1
        )
        for key in (first, last)
    )
    if low >= high:
        raise DetectorAnswerError(last)
    return low, high
