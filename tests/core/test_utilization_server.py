"""The client of a detection server against servers that are away, slow, wrong, or know too much."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from email.parser import BytesParser
from email.policy import HTTP
from io import BytesIO
from itertools import islice
from typing import Any, Self

import av
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from PIL import Image

from custom_components.camera_steward.core.utilization import server as server_module
from custom_components.camera_steward.core.utilization.detection import (
    Box,
    DetectorAnswerError,
    DetectorAwayError,
    DetectorError,
    DetectorIdentityError,
    Frame,
    Pixels,
    Sex,
    Thing,
)
from custom_components.camera_steward.core.utilization.server import (
    DetectionServer,
    ServerAddressError,
    ServerLoginError,
    ServerNotLocalError,
    boxes_of,
    check_server_url,
)
from tests.cameras.pedestrians import VIDEO
from tests.homes.engine import Engine, portrait

WIDTH, HEIGHT = 200, 100
BOX = {"label": "person", "confidence": 0.9, "x_min": 20, "y_min": 10, "x_max": 60, "y_max": 90}


def picture() -> Frame:
    pixels = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    pixels[:, : WIDTH // 2, 0] = 255
    return Frame(pixels=pixels, taken_at=datetime(2026, 11, 25, tzinfo=UTC), elapsed=1.0)


def http(body: bytes, status: str = "200 OK", *headers: str) -> bytes:
    head = "\r\n".join([f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""])
    return head.encode() + body


def answer(*predictions: object, **more: object) -> bytes:
    return http(json.dumps({"success": True, "predictions": predictions, **more}).encode())


type Saying = Callable[[socket.socket], None]


class HttpServer:
    """Reads each request, notes it, and says what it is told to; hangs up where that is all."""

    def __init__(self, said: bytes | Saying = b"", address: str = "127.0.0.1") -> None:
        self.said = said
        self.requests: list[tuple[str, bytes]] = []
        self.connections = 0
        self.ending = threading.Event()
        self._open: list[socket.socket] = []
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self._listener = socket.create_server((address, 0), family=family)
        self.port: int = self._listener.getsockname()[1]
        self.host = f"{f'[{address}]' if ':' in address else address}:{self.port}"
        self.url = f"http://{self.host}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Hang up and refuse what comes."""
        self.ending.set()
        for each in (self._listener, *self._open):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self.connections += 1
                self._open.append(client)
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, client.makefile("rb") as heard, suppress(OSError, ValueError):
            while first := heard.readline():
                head = first
                length = 0
                while (line := heard.readline()).strip():
                    head += line
                    if line.lower().startswith(b"content-length:"):
                        length = int(line.partition(b":")[2])
                self.requests.append((head.decode(), heard.read(length)))
                if callable(self.said):
                    self.said(client)
                    return
                client.sendall(self.said)


@contextmanager
def asking(url: str) -> Iterator[DetectionServer]:
    client = DetectionServer(url)
    try:
        yield client
    finally:
        client.close()
        client.close()


def test_a_picture_goes_to_the_server_and_boxes_come_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    said = answer(
        BOX | {"age": 41.7, "gender": "Female", "y_max": 104},
        BOX | {"label": "Truck", "name": "Truck", "age": 3},
        BOX | {"label": "bicycle", "confidence": 0.1},
        BOX | {"label": "potted plant"},
        moduleName="Object Detection",
        inferenceMs=12,
    )
    with HttpServer(said) as server, asking(f"{server.url}/engine/") as client:
        for _ in range(2):
            assert client.detect(picture()) == [
                Box(
                    thing=Thing.PERSON,
                    score=0.9,
                    left=0.1,
                    top=0.1,
                    right=0.3,
                    bottom=1.0,
                    age=41,
                    sex=Sex.FEMALE,
                ),
                Box(thing=Thing.CAR, score=0.9, left=0.1, top=0.1, right=0.3, bottom=0.9),
            ]
        assert client.background() is None
        assert server.connections == 1
        head, body = server.requests[0]
    assert head.startswith("POST /engine/v1/vision/detection HTTP/1.1\r\n")
    kind = next(line for line in head.split("\r\n") if line.lower().startswith("content-type:"))
    form = BytesParser(policy=HTTP).parsebytes(f"{kind}\r\n\r\n".encode() + body)
    fields: dict[object, Any] = {
        part.get_param("name", header="content-disposition"): part.get_payload(decode=True)
        for part in form.iter_parts()
    }
    assert fields["min_confidence"] == b"0.4"
    image = Image.open(BytesIO(fields["image"]))
    assert (image.format, image.size) == ("JPEG", (WIDTH, HEIGHT))
    red, green, blue = image.getpixel((10, 50))  # type: ignore[misc]
    assert red > 240
    assert max(green, blue) < 15
    assert not image.getexif()


NONSENSE: dict[str, bytes] = {
    "rubbish": b"\x00\xff rubbish \r\n\r\n",
    "page": http(b"<html>"),
    "list": http(b"[]"),
    "deep": http(b"[" * 100_000),
    "refused": http(b'{"success": false, "predictions": []}'),
    "no predictions": http(b'{"success": true}'),
    "10,000 boxes": answer(*[BOX] * 10_000),
    "201 boxes": answer(*[BOX] * 201),
    "no box": answer("person"),
    "no label": answer(BOX | {"label": None}),
    "not a number": answer(BOX | {"x_max": float("nan")}),
    "endless": answer(BOX | {"x_max": float("inf")}),
    "beyond floats": http(answer(BOX).partition(b"\r\n\r\n")[2].replace(b"60", b"1e999")),
    "huge integer": answer(BOX | {"x_max": 10**400}),
    "text": answer(BOX | {"x_max": "60"}),
    "yes": answer(BOX | {"confidence": True}),
    "percent": answer(BOX | {"confidence": 90}),
    "negative": answer(BOX | {"confidence": -0.1}),
    "inverted": answer(BOX | {"x_min": 60, "x_max": 20}),
    "empty": answer(BOX | {"y_min": 90}),
    "outside": answer(BOX | {"x_max": 2 * WIDTH}),
    "beside": answer(BOX | {"x_min": -10, "x_max": -5}),
    "age": answer(BOX | {"age": 4000}),
    "gender": answer(BOX | {"gender": 1}),
    "depth": answer(BOX | {"more": json.loads("[" * 30 + "]" * 30)}),
    "500": http(b"{}", "500 Internal Server Error"),
    "login": http(b"{}", "401 Unauthorized", 'WWW-Authenticate: Basic realm="x"'),
}


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_the_host_is_named_as_in_the_address(address: str) -> None:
    try:
        server = HttpServer(answer(), address)
    except OSError:
        pytest.skip("a machine without IPv6")
    with server, asking(server.url) as client:
        assert client.detect(picture()) == []
        head = server.requests[0][0].split("\r\n")
    assert [each for each in head if each.lower().startswith("host:")] == [f"Host: {server.host}"]


def test_what_makes_no_sense_is_refused_and_the_next_picture_asked_about() -> None:
    with HttpServer() as server, asking(server.url) as client:
        for name, said in NONSENSE.items():
            server.said = said
            with pytest.raises(DetectorError) as raised:
                client.detect(picture())
            assert type(raised.value) is DetectorAnswerError, name
            assert str(server.port) not in str(raised.value)
            server.said = answer(BOX)
            assert len(client.detect(picture())) == 1, name


def test_a_redirect_is_not_followed() -> None:
    with HttpServer(answer(BOX)) as other, HttpServer() as server, asking(server.url) as client:
        for status in ("301 Moved Permanently", "307 Temporary Redirect"):
            server.said = http(b"", status, f"Location: {other.url}/v1/vision/detection")
            with pytest.raises(DetectorAnswerError):
                client.detect(picture())
        assert other.connections == 0


def test_a_server_that_is_away_slow_or_endless_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(server_module, "_ANSWER_SECONDS", 0.5)
    with HttpServer(answer()) as server:
        sent = 0

        def silent(_: socket.socket) -> None:
            server.ending.wait(30)

        def drip(client: socket.socket) -> None:
            said = http(b" " * 10_000 + b"{}")
            for at in range(len(said)):
                client.sendall(said[at : at + 1])
                if server.ending.wait(0.05):
                    return

        def drip_head(client: socket.socket) -> None:
            client.sendall(b"HTTP/1.1 200 OK\r\n")
            while not server.ending.wait(0.05):
                client.sendall(b"X: y\r\n")

        def endless(client: socket.socket) -> None:
            nonlocal sent
            client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            while True:
                sent += client.send(b" " * 10_000)

        with asking(server.url) as client:
            for saying in (silent, drip, drip_head):
                server.said = saying
                with pytest.raises(DetectorAwayError):
                    client.detect(picture())
            server.said = endless
            with pytest.raises(DetectorAnswerError):
                client.detect(picture())
            server.said = answer(BOX)
            assert len(client.detect(picture())) == 1
    # What the kernels' buffers take beside what was read.
    assert sent < 20_000_000
    with asking(server.url) as client, pytest.raises(DetectorAwayError):
        client.detect(picture())


IDENTITIES: list[dict[str, object]] = [
    {"userid": "unknown"},
    {"user_id": None},
    {"name": "Somebody"},
    {"label": "car", "plate": "x"},
    {"label": "dog", "licensePlate": ""},
    {"embedding": [0.1, 0.2]},
    {"more": [{"Face-ID": 1}]},
    {"faces": [{"descriptor": {}}]},
    {"track_id": 7},
]


@pytest.mark.parametrize("more", IDENTITIES, ids=lambda more: next(reversed(more)))
def test_whatever_would_know_somebody_again_is_refused(more: dict[str, object]) -> None:
    body = answer(BOX, BOX | more).partition(b"\r\n\r\n")[2]
    with pytest.raises(DetectorIdentityError):
        boxes_of(body, WIDTH, HEIGHT, 0.4)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (" http://127.0.0.1:32168/ ", "http://127.0.0.1:32168"),
        ("https://[fd00::1]/engine", "https://[fd00::1]/engine"),
        ("http://192.168.1.20", "http://192.168.1.20"),
        ("http://detector.local:5000", "http://detector.local:5000"),
        ("http://user:secret@127.0.0.1", ServerLoginError),
        ("http://@127.0.0.1", ServerLoginError),
        ("ftp://127.0.0.1", ServerAddressError),
        ("127.0.0.1:5000", ServerAddressError),
        ("http://", ServerAddressError),
        ("http://127.0.0.1:99999", ServerAddressError),
        ("http://127.0.0.1:0", ServerAddressError),
        ("http://[::1", ServerAddressError),
        ("http://a b", ServerAddressError),
        ("http://127.0.0.1/\nx", ServerAddressError),
        ("http://127.0.0.1/?token=x", ServerAddressError),
        ("http://8.8.8.8", ServerNotLocalError),
        ("http://100.64.0.1", ServerNotLocalError),
        ("http://[2001:db8::1]", ServerNotLocalError),
        ("http://[::ffff:8.8.8.8]", ServerNotLocalError),
        ("http://0.0.0.0", ServerNotLocalError),
    ],
)
def test_an_address_is_of_the_local_network_without_a_login(
    text: str, kept: str | type[ServerAddressError]
) -> None:
    if isinstance(kept, str):
        assert check_server_url(text) == kept
        return
    with pytest.raises(ServerAddressError) as raised:
        check_server_url(text)
    assert type(raised.value) is kept
    assert "secret" not in str(raised.value)


def test_a_name_that_leads_outside_is_refused_at_each_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """No name of the real world can be relied on to change: the answers are made up."""
    leads_to: list[str] = []

    def look_up(_: str, port: int, **__: object) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in leads_to]

    asked = socket.getaddrinfo
    with HttpServer(answer(BOX)) as server:
        monkeypatch.setattr(
            socket,
            "getaddrinfo",
            lambda host, port, *more, **options: (
                look_up(host, port)
                if host == "detector.example"
                else asked(host, port, *more, **options)
            ),
        )
        for addresses, error in (
            (["127.0.0.1"], None),
            (["203.0.113.9"], ServerNotLocalError),
            (["127.0.0.1", "203.0.113.9"], ServerNotLocalError),
            ([], DetectorAwayError),
        ):
            leads_to[:] = addresses
            with asking(f"http://detector.example:{server.port}") as client:
                if error is None:
                    assert len(client.detect(picture())) == 1
                    continue
                with pytest.raises(error):
                    client.detect(picture())
        assert server.connections == 1


_NUMBERS = st.one_of(st.floats(), st.integers(-50, 250), st.none(), st.booleans())


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.fixed_dictionaries(
            dict.fromkeys(("confidence", "x_min", "y_min", "x_max", "y_max"), _NUMBERS)
            | {"label": st.sampled_from(["person", "car", "cat"])},
            optional={"age": _NUMBERS, "sex": st.one_of(st.text(max_size=6), _NUMBERS)},
        ),
        max_size=3,
    )
)
def test_whatever_is_answered_boxes_lie_in_the_picture(predictions: list[dict[str, Any]]) -> None:
    body = json.dumps({"success": True, "predictions": predictions}).encode()
    with suppress(DetectorAnswerError):
        for box in boxes_of(body, WIDTH, HEIGHT, 0.4):
            assert 0 <= box.left < box.right <= 1
            assert 0 <= box.top < box.bottom <= 1
            assert 0.4 <= box.score <= 1
            assert box.age is None or 0 <= box.age <= 130


def test_a_real_engine_finds_people_on_a_street_and_estimates_age_and_sex() -> None:
    def seen(pixels: Pixels) -> list[Box]:
        at = datetime.now(UTC)
        return list(client.detect(Frame(pixels=pixels, taken_at=at, elapsed=0.0)))

    with Engine() as engine, asking(engine.url) as client:
        with av.open(str(VIDEO)) as street:
            pictures = islice(street.decode(video=0), 20, 61, 20)
            found = [
                seen(np.asarray(each.to_ndarray(format="rgb24"), np.uint8)) for each in pictures
            ]
        with Image.open(portrait()) as image:
            small = np.asarray(image.convert("RGB").resize((320, 320)))
        [astronaut] = seen(small)
    # Persons in view by the published truth: 4, 5, 6. The engine misses some and sees some twice.
    for boxes, people in zip(found, (4, 5, 6), strict=True):
        assert 2 <= len(boxes) <= people + 2
        assert {box.thing for box in boxes} == {Thing.PERSON}
        assert all(box.bottom - box.top > box.right - box.left for box in boxes)
    assert astronaut.sex is Sex.FEMALE
    assert astronaut.age is not None
    assert 25 < astronaut.age < 55
