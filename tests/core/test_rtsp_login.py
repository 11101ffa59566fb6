"""RTSP cameras that want a login: each kind that they ask for, once, and never in an address."""

import base64
from collections.abc import Callable
from urllib.parse import quote

import pytest

from custom_components.camera_steward.core.capture.rtsp import stream as stream_module
from custom_components.camera_steward.core.errors import SourceRefusedError
from tests.cameras import run_of, wait_for
from tests.core.rtsp_server import (
    CLIP,
    LOGIN,
    PASSWORD,
    USER,
    Request,
    RtspServer,
    Script,
    digest_allows,
    opened,
    pictures,
    reply,
    units_of,
)

REALM, NONCE = "Camera (12:34), garden", "a5f/+=,x"
_PLAIN = f'Digest realm="{REALM}", nonce="{NONCE}"'


@pytest.fixture(autouse=True)
def wide_awake(monkeypatch: pytest.MonkeyPatch) -> None:
    """Naps between bursts are looked at elsewhere (test_capture_bursts.py)."""
    monkeypatch.setattr(stream_module, "sleep", lambda _: None)


def basic_allows(request: Request) -> bool:
    token = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    return request.headers.get("authorization") == f"Basic {token}"


def by_digest(
    algorithm: str = "", qop: str = "", *, realm: str = REALM
) -> Callable[[Request], bool]:
    def allows(request: Request) -> bool:
        return digest_allows(request, realm=realm, nonce=NONCE, algorithm=algorithm, qop=qop)

    return allows


KINDS: dict[str, tuple[str, Callable[[Request], bool]]] = {
    "basic": ('Basic realm="camera"', basic_allows),
    "digest": (_PLAIN, by_digest()),
    "digest-named": (f"{_PLAIN}, algorithm=MD5, stale=FALSE", by_digest("MD5")),
    "digest-quoted": (f'{_PLAIN}, algorithm="MD5"', by_digest("MD5")),
    "digest-tight": (f'digest realm="{REALM}",nonce="{NONCE}",opaque="x"', by_digest()),
    "digest-qop": (f'{_PLAIN}, qop="auth"', by_digest(qop="auth")),
    "digest-qop-of-two": (f'{_PLAIN}, qop="auth-int, auth"', by_digest(qop="auth")),
    "digest-sha-256": (f"{_PLAIN}, algorithm=SHA-256", by_digest("SHA-256")),
    "digest-sha-256-qop": (
        f'{_PLAIN}, qop="auth", algorithm=SHA-256',
        by_digest("SHA-256", "auth"),
    ),
    "digest-or-basic": (f'{_PLAIN}\nBasic realm="camera"', by_digest()),
    "basic-or-digest": (f'Basic realm="camera"\n{_PLAIN}', by_digest()),
    "digest-or-basic-in-one": (f'{_PLAIN}, Basic realm="camera"', by_digest()),
    "basic-or-digest-in-one": (f'Basic realm="camera", {_PLAIN}', by_digest()),
    "unknown-or-digest": (f"{_PLAIN}, algorithm=SHA-512-256\n{_PLAIN}", by_digest()),
    "unknown-or-basic": (f'{_PLAIN}, algorithm=X\nBasic realm="camera"', basic_allows),
    "digest-german": (f'Digest realm="Kamera Tür", nonce="{NONCE}"', by_digest(realm="Kamera Tür")),
    "digest-japanese": (f'Digest realm="カメラ", nonce="{NONCE}"', by_digest(realm="カメラ")),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_camera_is_shown_the_login_it_asks_for_and_nobody_else_is(kind: str) -> None:
    """The right login is shown from the second request on, and stands in no address."""
    challenge, allows = KINDS[kind]
    with RtspServer(Script(allows=allows, challenge=lambda: challenge)) as server:
        with opened(server.url(LOGIN)) as source:
            found = pictures(source, 5)
        wait_for(lambda: server.of("TEARDOWN"))
        assert server.connections == 1
        first, *others = server.requests
    assert run_of(units_of(found), CLIP.units()) == 0
    assert "authorization" not in first.headers
    assert [allows(each) for each in others] == [True] * 5
    for request in server.requests:
        told = [request.url, *(v for k, v in request.headers.items() if k != "authorization")]
        for secret in (USER, PASSWORD, *LOGIN.rstrip("@").split(":"), quote(USER)):
            assert not any(secret in text for text in told)


def test_counts_and_own_nonces_of_a_digest_are_used_once() -> None:
    """A camera may refuse a count that it has seen (RFC 7616 3.4)."""
    challenge, allows = KINDS["digest-qop"]
    with RtspServer(Script(allows=allows, challenge=lambda: challenge)) as server:
        with opened(server.url(LOGIN)) as source:
            pictures(source, 1)
        wait_for(lambda: server.of("TEARDOWN"))
        said = [each.headers["authorization"] for each in server.requests[1:]]
    for number, text in enumerate(said, 1):
        assert f"nc={number:08x}" in text
    assert len({text.partition("cnonce=")[2][:20] for text in said}) == len(said)


@pytest.mark.parametrize("kind", ["basic", "digest", "digest-qop"])
def test_a_wrong_password_is_tried_once(kind: str) -> None:
    """Cameras lock out who tries again and again: neither we nor FFmpeg may."""
    challenge, _ = KINDS[kind]
    script = Script(allows=lambda _: False, challenge=lambda: challenge)
    with (
        RtspServer(script) as server,
        pytest.raises(SourceRefusedError),
        opened(server.url("somebody:wrong@")),
    ):
        pass
    assert [each.headers.get("authorization") is not None for each in server.requests] == [
        False,
        True,
    ]
    assert server.connections == 1


def test_without_a_login_none_is_tried() -> None:
    script = Script(allows=lambda _: False, challenge=lambda: 'Basic realm="camera"')
    with RtspServer(script) as server, pytest.raises(SourceRefusedError), opened(server.url()):
        pass
    assert server.methods() == ["OPTIONS"]


def test_a_camera_that_forbids_has_refused() -> None:
    script = Script(answers={"DESCRIBE": lambda request: reply(request, "403 Forbidden")})
    with RtspServer(script) as server, pytest.raises(SourceRefusedError), opened(server.url()):
        pass
    assert server.connections == 1


def test_a_login_that_is_wanted_late_is_shown_then() -> None:
    """Many cameras tell everybody their methods and ask who it is afterwards."""
    challenge, allows = KINDS["digest"]
    script = Script(
        allows=lambda request: request.method == "OPTIONS" or allows(request),
        challenge=lambda: challenge,
    )
    with RtspServer(script) as server, opened(server.url(LOGIN)) as source:
        assert len(pictures(source, 5)) == 5
        assert server.methods() == ["OPTIONS", "DESCRIBE", "DESCRIBE", "SETUP", "PLAY"]


class Expiring:
    """Digest with a nonce that is another after each `lasts` requests that it was good for."""

    def __init__(self, lasts: int) -> None:
        self.lasts = lasts
        self.number = 0
        self.used = 0

    def nonce(self) -> str:
        return f"nonce-{self.number}"

    def allows(self, request: Request) -> bool:
        if self.used == self.lasts:
            self.number, self.used = self.number + 1, 0
        right = digest_allows(request, realm=REALM, nonce=self.nonce())
        self.used += right
        return right

    def challenge(self) -> str:
        stale = str(self.number > 0).lower()
        return f'Digest realm="{REALM}", nonce="{self.nonce()}", stale={stale}'


def test_nonces_that_grow_stale_while_connecting_are_replaced() -> None:
    camera = Expiring(lasts=1)
    script = Script(allows=camera.allows, challenge=camera.challenge)
    with RtspServer(script) as server, opened(server.url(LOGIN)) as source:
        assert len(pictures(source, 5)) == 5
    assert camera.number >= 3


def test_a_nonce_that_grows_stale_while_it_plays_is_replaced_in_time() -> None:
    """The camera would hang up, had the request that was refused not been sent again."""
    camera = Expiring(lasts=4)
    script = Script(
        allows=camera.allows,
        challenge=camera.challenge,
        session="7;timeout=2",
        heard_within=3,
        pace=0.05,
        repeat=True,
    )
    with RtspServer(script) as server, opened(server.url(LOGIN)) as source:
        for _ in source.packets():
            said = [each.headers.get("authorization", "") for each in server.of("GET_PARAMETER")]
            if sum("nonce-1" in text for text in said) >= 2:
                break
    assert "nonce-0" in said[0]
    assert all("nonce-1" in text for text in said[1:])
    assert server.connections == 1
