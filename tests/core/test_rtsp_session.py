"""RTSP sessions with cameras of every manner: nothing lost, nothing made up, nothing left waiting."""

import datetime
import ipaddress
import re
import socket
import ssl
import struct
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, override

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from custom_components.camera_steward.core.capture.rtsp import stream as stream_module
from custom_components.camera_steward.core.capture.source import OpenSource, Packet, Timed
from custom_components.camera_steward.core.errors import (
    SourceEndedError,
    SourceError,
    SourceStalledError,
    SourceUnreachableError,
    SourceUnsupportedError,
)
from tests.cameras import Clip, run_of, wait_for
from tests.core.rtsp_server import (
    CLIP,
    LOGIN,
    Reply,
    Request,
    RtspServer,
    Script,
    frame,
    opened,
    pictures,
    reply,
    units_of,
)

COUNT = 20
"""Pictures of the clip."""

# Connecting and the first wait end by themselves after 5 s each; machines that run tests are busy.
ENDS_WITHIN = 30.0


@pytest.fixture(autouse=True)
def wide_awake(monkeypatch: pytest.MonkeyPatch) -> None:
    """Naps between bursts are looked at elsewhere (test_capture_bursts.py)."""
    monkeypatch.setattr(stream_module, "sleep", lambda _: None)


def check_all(server: RtspServer) -> None:
    """Check that the whole clip comes, and no more than it."""
    with opened(server.url()) as source:
        found = pictures(source, COUNT)
    assert units_of(found) == CLIP.units()
    assert found[0].keyframe
    wait_for(lambda: server.of("TEARDOWN"))


# ---------------------------------------------------------------------- asking


def test_a_session_is_asked_for_played_and_torn_down() -> None:
    """Each request of the session names it, without what the camera says of it."""
    with RtspServer() as server:
        check_all(server)
    assert server.methods() == ["OPTIONS", "DESCRIBE", "SETUP", "PLAY", "TEARDOWN"]
    assert [each.headers.get("session") for each in server.requests[2:]] == [
        None,
        "12345678",
        "12345678",
    ]
    numbers = [int(each.headers["cseq"]) for each in server.requests]
    assert numbers == sorted(set(numbers))


def test_hanging_up_again_is_harmless() -> None:
    with RtspServer() as server, opened(server.url()) as source:
        pictures(source, 1)
        source.close()
        wait_for(lambda: server.of("TEARDOWN"))
    assert len(server.of("TEARDOWN")) == 1


CONTROLS = {
    # Content-Base, control of the session, control of the stream -> SETUP, PLAY
    "usual": ("{url}/", "*", "trackID=0", "{url}/trackID=0", "{url}/"),
    "no-slash": ("{url}", "*", "trackID=0", "{url}/trackID=0", "{url}"),
    "no-base": (None, None, "trackID=0", "{url}/trackID=0", "{url}"),
    "another-base": ("{root}/live/", None, "video", "{root}/live/video", "{root}/live/"),
    "absolute": (None, "{root}/a/", "{root}/a/track1", "{root}/a/track1", "{root}/a/"),
    "absolute-stream": ("{url}/", "*", "{root}/b/track1", "{root}/b/track1", "{url}/"),
    "relative-session": ("{url}/", "all", "t1", "{url}/t1", "{url}/all"),
    "no-control": ("{url}/", "*", None, "{url}/", "{url}/"),
    "star": ("{url}/", None, "*", "{url}/", "{url}/"),
    "nothing": (None, None, None, "{url}", "{url}"),
}


@pytest.mark.parametrize("name", CONTROLS)
def test_streams_are_asked_for_where_the_description_says(name: str) -> None:
    base, whole, own, setup, play = CONTROLS[name]
    with RtspServer() as server:
        places = {"url": server.url(), "root": server.url(path="")}

        def description(text: str) -> str:
            said = f"a=control:{own.format(**places)}\r\n" if own is not None else ""
            text = text.replace("a=control:trackID=0\r\n", said)
            said = f"a=control:{whole.format(**places)}\r\n" if whole is not None else ""
            return text.replace("t=0 0\r\n", f"t=0 0\r\n{said}")

        server.script.description = description
        server.script.content_base = lambda _: base.format(**places) if base is not None else None
        check_all(server)
        assert [each.url for each in server.of("SETUP")] == [setup.format(**places)]
        for method in ("PLAY", "TEARDOWN"):
            assert [each.url for each in server.of(method)] == [play.format(**places)]


def test_a_query_stays_part_of_the_address() -> None:
    path = "/cam/realmonitor?channel=1&subtype=0"
    with RtspServer() as server, opened(server.url(path=path)) as source:
        pictures(source, 1)
        assert server.requests[1].url == server.url(path=path)


def test_cameras_are_found_by_ipv6() -> None:
    try:
        server = RtspServer(host="::1")
    except OSError:
        pytest.skip("no IPv6 here")
    with server:
        check_all(server)
        assert server.requests[0].url == f"rtsp://[::1]:{server.port}/stream"


@pytest.mark.parametrize(
    ("method", "session", "seconds"),
    [
        ("GET_PARAMETER", "9;timeout=4", 4),
        ("OPTIONS", "9;timeout=2", 2),
        ("OPTIONS", "9; Timeout=2", 2),
    ],
)
def test_a_camera_that_must_hear_something_does(method: str, session: str, seconds: int) -> None:
    """It hangs up when it has heard nothing for the time that it told."""
    public = f"DESCRIBE, SETUP, TEARDOWN, PLAY, {method}, SET_PARAMETER"
    script = Script(public=public, session=session, heard_within=seconds, pace=0.05, repeat=True)
    with RtspServer(script) as server, opened(server.url()) as source:
        before = len(server.of(method))
        for _ in source.packets():
            if len(server.of(method)) == before + 2:
                break
        heard = server.of(method)[before:]
    assert [each.headers.get("session") for each in heard] == ["9", "9"]
    assert server.connections == 1


KEEP_ALIVES = {
    "refused": {},
    "always-stale": {"WWW-Authenticate": 'Digest realm="x", nonce="y", stale=true'},
    "no-number": {"Content-Length": "\u00b2"},
}


def kept_alive(name: str) -> tuple[list[bytes], int]:
    """Play for a while; return the units that came and how many keep-alives the camera heard."""
    status = "200 OK" if name == "no-number" else "401 Unauthorized"
    script = Script(
        answers={"GET_PARAMETER": lambda asked: reply(asked, status, KEEP_ALIVES[name])},
        session="1;timeout=2",
        pace=0.05,
        repeat=True,
    )
    with RtspServer(script) as server, opened(server.url(LOGIN)) as source:
        found = pictures(source, 3 * COUNT)
        assert server.connections == 1
        return units_of(found), len(server.of("GET_PARAMETER"))


def test_whatever_is_answered_to_keep_alives_the_pictures_go_on() -> None:
    """A refused one is repeated once at most, however often the camera wants it."""
    with ThreadPoolExecutor(len(KEEP_ALIVES)) as pool:
        found = dict(zip(KEEP_ALIVES, pool.map(kept_alive, KEEP_ALIVES), strict=True))
    for name, (units, heard) in found.items():
        assert units == CLIP.units() * 3, name
        assert 2 <= heard < COUNT, name


@pytest.mark.parametrize("method", ["OPTIONS", "DESCRIBE", "SETUP"])
def test_an_empty_line_behind_an_answer_is_passed_over(method: str) -> None:
    with RtspServer() as server:
        server.script.answers[method] = lambda asked: server.good(asked) + b"\r\n"
        check_all(server)


def test_lines_may_end_in_line_feeds_alone() -> None:
    with RtspServer() as server:
        for method in ("OPTIONS", "DESCRIBE", "SETUP", "PLAY"):
            server.script.answers[method] = lambda asked: server.good(asked).replace(b"\r\n", b"\n")
        server.script.description = lambda text: text.replace("\r\n", "\n")
        check_all(server)


# ---------------------------------------------------------------------- receiving


def test_other_channels_than_asked_for_are_followed() -> None:
    """What comes on the channel that was asked for belongs to somebody else then."""
    script = Script(
        transport=lambda asked: re.sub(r"interleaved=\d+-\d+", "interleaved=6-7;ssrc=1", asked),
        channel=6,
        between=frame(0, b"\x65\xc0another stream\x80", marker=True),
    )
    with RtspServer(script) as server:
        check_all(server)


def test_an_answer_without_transport_means_what_was_asked_for() -> None:
    script = Script(answers={"SETUP": lambda asked: reply(asked, headers={"Session": "1"})})
    with RtspServer(script) as server:
        check_all(server)


def test_pictures_that_come_before_the_answer_are_kept() -> None:
    with RtspServer(Script(early=7)) as server:
        check_all(server)


def test_of_more_than_can_be_kept_before_the_answer_the_rest_is_whole() -> None:
    """540 kB come before the answer to PLAY, of which 256 are kept."""
    script = Script(early=3, between=frame(9, b"\x55" * 60000) * 3)
    with RtspServer(script) as server, opened(server.url()) as source:
        found = pictures(source, COUNT - script.early)
    assert run_of(units_of(found), CLIP.units()) is not None


ASIDES = {
    "report": frame(1, b"\xc8" * 16, flags=0x80, kind=72),
    "short-report": b"$\x01\x00\x08" + b"\x80\xc9\x00\x01" + b"abcd",
    "empty": b"$\x01\x00\x00",
    "report-among-pictures": b"$\x00\x00\x1c" + b"\x80\xc8\x00\x06" + b"\x65" * 24,
    "another-type": frame(0, b"\x65\xc0made up\x80", kind=13, marker=True, sequence=7),
    "another-version": frame(0, b"\x65\xc0made up\x80", flags=0x00, marker=True, sequence=7),
    "more-padding-than-bytes": frame(0, b"\x65\xc0\x20", flags=0xA0, marker=True),
    "unknown": frame(200, b"$" * 3000),
    "long": b"$\x09\xff\xff" + b"$\0\0\x10" * 16383 + b"RTS",
    "options": b"OPTIONS rtsp://camera/ RTSP/1.0\r\nCSeq: 1\r\n\r\n",
    "announce": b"ANNOUNCE rtsp://camera/ RTSP/1.0\r\nCSeq: 2\r\nContent-Type: application/sdp\r\n"
    b"Content-Length: 12\r\n\r\nv=0\r\n$\0\0\0s=-",
    "answer": b"RTSP/1.0 200 OK\r\nCSeq: 99\r\nContent-Length: 4\r\n\r\n$\0\0\0",
    "refusal": b"RTSP/1.0 454 Session Not Found\r\nCSeq: 99\r\n\r\n",
    "noise": b"\x00\xff\x17\x80noise, of which cameras send some\r\n",
    "bit-of-noise": b"\r\n",
}


@pytest.mark.parametrize("name", ASIDES)
def test_what_is_no_picture_is_passed_over(name: str) -> None:
    script = Script(between=ASIDES[name])
    with RtspServer(script) as server:
        check_all(server)


def report(at: datetime.datetime | None, kind: int = 200) -> bytes:
    """Return a sender report by a clock that shows this; without one it counts from its start."""
    seconds = 100.25 if at is None else at.timestamp() + 2_208_988_800
    high, low = int(seconds), int(seconds % 1 * 2**32)
    body = struct.pack(">BBHIIIIII", 0x80, kind, 6, 1, high, low, 0, 0, 0)
    return struct.pack(">cBH", b"$", 1, len(body)) + body


def shown_by(source: OpenSource) -> datetime.datetime | None:
    """Return what time the camera says that it is."""
    assert isinstance(source, Timed)
    return source.camera_time


def test_what_time_a_camera_says_it_is_is_heard() -> None:
    now = datetime.datetime.now(datetime.UTC)
    ahead = now + datetime.timedelta(hours=9)
    for between, expected in (
        (report(ahead), ahead),
        (report(ahead) + report(None) + report(now, kind=201), ahead),
        (report(None), None),
        (b"", None),
    ):
        with RtspServer(Script(between=between)) as server, opened(server.url()) as source:
            assert shown_by(source) is None
            assert units_of(pictures(source, COUNT)) == CLIP.units()
            shown = shown_by(source)
        if expected is None:
            assert shown is None
        else:
            assert shown is not None
            since = datetime.datetime.now(datetime.UTC) - now
            assert expected <= shown <= expected + since


class Sip(socket.socket):
    """A socket of which little can be had at a time."""

    sip = 1

    @override
    def recv_into(self, buffer: Any, nbytes: int = 0, flags: int = 0) -> int:
        return super().recv_into(memoryview(buffer)[: self.sip], nbytes, flags)


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7])
def test_everything_may_be_cut_anywhere(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers, pictures and all that lies between them, read by a few bytes at a time."""
    connect = socket.create_connection

    def sipping(*arguments: Any, **named: Any) -> Sip:
        plain = connect(*arguments, **named)
        sip = Sip(fileno=plain.detach())
        sip.sip = size
        sip.settimeout(5)
        return sip

    monkeypatch.setattr(socket, "create_connection", sipping)
    short = ("report", "short-report", "empty", "options", "announce", "answer", "noise")
    script = Script(early=3, between=b"".join(ASIDES[name] for name in short))
    with RtspServer(script) as server:
        check_all(server)


@pytest.mark.parametrize("cut", [1, 3, 4, 15, 17, 40])
def test_a_picture_that_was_cut_off_is_left_out(cut: int) -> None:
    """What came whole before the camera hung up is kept, then its going is told."""
    with RtspServer() as server:
        frames = list(server.frames())
        server.script.leaves_after = sum(map(len, frames[:3])) + cut
        with opened(server.url()) as source:
            found: list[Packet] = []
            with pytest.raises(SourceEndedError):
                found.extend(each for each in source.packets() if each is not None)
    assert len(found) == 3
    assert run_of(units_of(found), CLIP.units()) == 0


# ---------------------------------------------------------------------- left to FFmpeg


def ours(request: Request) -> bool:
    return request.headers.get("user-agent") == "Camera Steward"


def refusing(status: str) -> Callable[[Request], Reply]:
    return lambda request: reply(request, status) if ours(request) else None


@pytest.mark.parametrize(
    ("method", "status"),
    [
        ("OPTIONS", "501 Not Implemented"),
        ("DESCRIBE", "406 Not Acceptable"),
        ("SETUP", "461 Unsupported Transport"),
        ("PLAY", "455 Method Not Valid in This State"),
    ],
)
def test_cameras_that_do_not_understand_are_left_to_ffmpeg(method: str, status: str) -> None:
    """Here it is better understood; a session that was begun is ended before."""
    script = Script(answers={method: refusing(status)}, pace=0.02, repeat=True)
    with RtspServer(script) as server, opened(server.url()) as source:
        found = pictures(source, COUNT)
        assert run_of(units_of(found), CLIP.units()) is not None
    asked = [ours(each) for each in server.requests if each.method != "TEARDOWN"]
    assert asked == sorted(asked, reverse=True)
    assert not all(asked)
    wait_for(lambda: any(ours(each) for each in server.of("TEARDOWN")) == (method == "PLAY"))


def test_a_camera_that_is_elsewhere_is_followed() -> None:
    with RtspServer(Script(pace=0.02, repeat=True)) as there, RtspServer() as server:
        moved = {"Location": there.url()}
        server.script.answers["DESCRIBE"] = lambda asked: reply(asked, "302 Moved", moved)
        with opened(server.url()) as source:
            assert run_of(units_of(pictures(source, COUNT)), CLIP.units()) is not None


# ---------------------------------------------------------------------- TLS


def certificate(folder: Path) -> ssl.SSLContext:
    """Return what a camera with a certificate of its own speaks TLS by."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "camera")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    path = folder / "camera.pem"
    path.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


def test_a_certificate_of_the_cameras_own_is_taken_where_it_is_not_to_be_checked(
    tmp_path: Path,
) -> None:
    with RtspServer() as server:
        server.secure(certificate(tmp_path))
        with opened(server.url(scheme="rtsps"), {"tls_verify": "0"}) as source:
            assert units_of(pictures(source, COUNT)) == CLIP.units()
        wait_for(lambda: server.of("TEARDOWN"))
        assert all(each.url.startswith("rtsps://") for each in server.requests)


def test_a_camera_that_speaks_tls_is_not_held_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its records are small: a nap after each would let pictures pile up on the way."""
    monkeypatch.setattr(stream_module, "sleep", time.sleep)
    clip = Clip(width=640, height=360, rate=30, seconds=4, gop_seconds=2, bitrate_kbps=3000)
    with RtspServer(Script(pace=1 / 30, repeat=True), clip=clip) as server:
        server.secure(certificate(tmp_path))
        with opened(server.url(scheme="rtsps"), {"tls_verify": "0"}) as source:
            found = pictures(source, 60, seconds=60)
            assert server.sent - len(found) < 30
    assert units_of(found) == clip.units()[: len(units_of(found))]


@pytest.mark.parametrize("options", [{"tls_verify": "1"}, {}], ids=["checked", "by-default"])
def test_a_certificate_of_the_cameras_own_is_refused(
    tmp_path: Path, options: dict[str, str]
) -> None:
    """Nobody is told anything before it is known who is there."""
    with RtspServer() as server:
        server.secure(certificate(tmp_path))
        with (
            pytest.raises(SourceUnreachableError),
            opened(server.url("user:secret@", scheme="rtsps"), options),
        ):
            pass
        assert server.requests == []


# ---------------------------------------------------------------------- failing


def fails(script: Script) -> tuple[type[SourceError] | None, float]:
    """Open and receive; return the error that ended it, if one did, and after how many seconds."""
    began = time.monotonic()
    with RtspServer(script) as server:
        try:
            with opened(server.url()) as source:
                for _ in source.packets():
                    if time.monotonic() - began > ENDS_WITHIN:
                        return None, ENDS_WITHIN
        except SourceError as err:
            return type(err), time.monotonic() - began
    return None, time.monotonic() - began


def silence(_: Request) -> Reply:
    return b""


def a_head_without_end(_: Request) -> Reply:
    return b"RTSP/1.0 200 OK\r\n" + b"X-Filler: 0123456789\r\n" * 5000


def too_large_a_body(request: Request) -> Reply:
    return reply(request, headers={"Content-Length": "200000000"}) + b"v=0\r\n" * 100


def half_an_answer(request: Request) -> Reply:
    return reply(request)[:-2]


def http(_: Request) -> Reply:
    return b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


def of_codec(encoding: str) -> Script:
    """Describe the pictures as another codec's, which neither we nor FFmpeg can make a clip of."""

    def description(text: str) -> str:
        text = re.sub(r"a=fmtp:96 .*\r\n", "", text)
        return re.sub(r"a=rtpmap:96 .*\r\n", f"a=rtpmap:96 {encoding}/90000\r\n", text)

    return Script(description=description)


FAILURES: dict[str, tuple[Script, type[SourceError]]] = {
    "silent-at-options": (Script(answers={"OPTIONS": silence}), SourceStalledError),
    "silent-at-describe": (Script(answers={"DESCRIBE": silence}), SourceStalledError),
    "silent-at-setup": (Script(answers={"SETUP": silence}), SourceStalledError),
    "silent-at-play": (Script(answers={"PLAY": silence}), SourceStalledError),
    "half-an-answer": (Script(answers={"SETUP": half_an_answer}), SourceStalledError),
    "trickles": (Script(drip=0.2), SourceStalledError),
    "no-pictures": (Script(channel=50), SourceStalledError),
    "silent-when-played": (Script(), SourceStalledError),
    "only-reports": (
        Script(channel=50, between=ASIDES["report"], pace=0.1, repeat=True),
        SourceStalledError,
    ),
    "head-without-end": (Script(answers={"DESCRIBE": a_head_without_end}), SourceEndedError),
    "too-large-a-body": (Script(answers={"DESCRIBE": too_large_a_body}), SourceEndedError),
    "hangs-up-at-once": (Script(heard_within=0.001), SourceEndedError),
    "hangs-up-while-it-plays": (
        Script(heard_within=0.5, pace=0.1, repeat=True),
        SourceEndedError,
    ),
    "speaks-http": (
        Script(answers=dict.fromkeys(("OPTIONS", "DESCRIBE", "SETUP"), http)),
        SourceStalledError,
    ),
    **{
        encoding: (of_codec(encoding), SourceUnsupportedError)
        for encoding in ("unknown", "MP4V-ES", "AV1", "VP8", "H263-1998")
    },
}


def test_a_camera_that_fails_is_told_by_its_error_within_bounds() -> None:
    """All at once, as most of them take their time."""
    with ThreadPoolExecutor(len(FAILURES)) as pool:
        tries = {name: pool.submit(fails, script) for name, (script, _) in FAILURES.items()}
        found = {name: each.result() for name, each in tries.items()}
    assert {name: error for name, (error, _) in found.items()} == {
        name: error for name, (_, error) in FAILURES.items()
    }
    assert max(seconds for _, seconds in found.values()) < ENDS_WITHIN
