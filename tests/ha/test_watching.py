"""Who may watch, over the real HTTP and WebSocket stack: all doors, all kinds of people."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from io import BytesIO
from pathlib import Path
from typing import Any

import av
import pytest
from aiohttp.test_utils import TestClient
from homeassistant.auth.models import RefreshToken
from homeassistant.components import media_source
from homeassistant.components.http.ban import KEY_FAILED_LOGIN_ATTEMPTS
from homeassistant.components.media_source import Unresolvable
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import MockConfigEntry, MockUser

from custom_components.camera_steward.const import DOMAIN
from custom_components.camera_steward.core.ledger.entry import EntryKind
from tests.cameras import RtspCamera

from .sites import (
    DOOR,
    MANAGER,
    async_add_cameras,
    async_ledger,
    async_set_up,
    camera,
    site,
)

ROOT = f"media-source://{DOMAIN}"
VIEWS = {
    f"/api/{DOMAIN}/{{entry_id}}/watch/{{token}}/{{file}}",
    f"/api/{DOMAIN}/{{entry_id}}/picture/{{purpose}}/{{camera}}/{{sequence}}",
}
MANAGERS = ("permissions", "permit", "withdraw", "viewings")
COMMANDS = {f"{DOMAIN}/{each}" for each in ("own", "accept", *MANAGERS)}


@dataclass(slots=True, kw_only=True)
class Stage:
    """A site that recorded, and what its manager was given to watch."""

    hass: HomeAssistant
    entry: MockConfigEntry
    clients: Callable[..., Any]
    http: TestClient[Any, Any]
    manager: Any
    clip: str = ""
    picture: str = ""
    play: str = ""

    async def ws(self, client: Any, kind: str, **more: Any) -> dict[str, Any]:
        """Send a command; return the whole answer."""
        await client.send_json_auto_id({"type": kind, **more})
        return dict(await client.receive_json())

    async def browse(self, client: Any, where: str) -> dict[str, Any]:
        """Browse a place."""
        return await self.ws(client, "media_source/browse_media", media_content_id=where)

    async def pledge(self, client: Any) -> None:
        """Accept pledge and rules."""
        (own,) = (await self.ws(client, f"{DOMAIN}/own"))["result"]
        given = {"entry_id": self.entry.entry_id, "version": own["version"], "language": "ja"}
        assert (await self.ws(client, f"{DOMAIN}/accept", **given))["success"]

    async def get(self, address: str, **headers: str) -> tuple[int, bytes]:
        """Fetch an address without any login but its own."""
        answer = await self.http.get(address, headers=headers)
        return answer.status, await answer.read()

    async def denied(self) -> list[dict[str, Any]]:
        """Return the refused tries on record."""
        found = await async_ledger(self.hass, self.entry, EntryKind.VIEWING_DENIED)
        return [dict(each.data) for each in found]


async def token_of(hass: HomeAssistant, user: MockUser) -> tuple[RefreshToken, str]:
    refresh = await hass.auth.async_create_refresh_token(user, "https://example.test/")
    return refresh, hass.auth.async_create_access_token(refresh)


@pytest.fixture
async def stage(
    hass: HomeAssistant,
    disk: Path,
    rtsp_camera: RtspCamera,
    hass_ws_client: Callable[..., Any],
    hass_client_no_auth: Callable[..., Any],
) -> Stage:
    for each in ("websocket_api", "media_source", DOMAIN):
        assert await async_setup_component(hass, each, {})
    manager = MockUser(id=MANAGER, name="Manager").add_to_hass(hass)
    await async_add_cameras(hass, door=rtsp_camera.url)
    entry = await async_set_up(hass, site(disk / "vault", camera(DOOR, "door")))
    _, token = await token_of(hass, manager)
    stage = Stage(
        hass=hass,
        entry=entry,
        clients=hass_ws_client,
        http=await hass_client_no_auth(),
        manager=await hass_ws_client(hass, token),
    )
    day = datetime.now(UTC) - timedelta(days=1)

    def closed() -> int:
        found = entry.runtime_data.bridge.steward.footage(DOOR, day, datetime.now(UTC))[0]
        return sum(each.state.value != "open" for each in found)

    # As quickly as the site can say it: a segment takes ten seconds.
    while not await hass.async_add_executor_job(closed):  # noqa: ASYNC110
        await asyncio.sleep(0.1)
    return stage


async def let_in(stage: Stage) -> None:
    """Let the manager pledge, find a clip and begin to play it."""
    await stage.pledge(stage.manager)
    where = f"{ROOT}/{stage.entry.entry_id}/incident_check/{DOOR}"
    for _ in range(2):
        where = (await stage.browse(stage.manager, where))["result"]["children"][0][
            "media_content_id"
        ]
    (clip, *_) = (await stage.browse(stage.manager, where))["result"]["children"]
    stage.clip, stage.picture = clip["media_content_id"], clip["thumbnail"]
    answer = await stage.ws(
        stage.manager, "media_source/resolve_media", media_content_id=stage.clip
    )
    assert answer["result"]["mime_type"] == "application/x-mpegURL"
    stage.play = answer["result"]["url"]


async def played(stage: Stage) -> tuple[list[str], bytes]:
    """Return all addresses of what is played, and its header with the first piece."""
    status, text = await stage.get(stage.play)
    assert status == HTTPStatus.OK
    lines = text.decode().splitlines()
    (init,) = [each.split('"')[1] for each in lines if each.startswith("#EXT-X-MAP")]
    pieces = [each for each in lines if each.startswith("/")]
    parts = [await stage.get(each) for each in (init, pieces[0])]
    assert [each[0] for each in parts] == [HTTPStatus.OK] * 2
    return [stage.play, init, *pieces], parts[0][1] + parts[1][1]


def pictures(media: bytes) -> int:
    with av.open(BytesIO(media), "r") as container:
        return len(list(container.decode(video=0)))


async def test_the_manager_watches_and_it_is_on_record(stage: Stage) -> None:
    refused = await stage.browse(stage.manager, ROOT)
    assert "accept the pledge" in refused["error"]["message"]
    await let_in(stage)
    assert not await async_ledger(stage.hass, stage.entry, EntryKind.VIEWING_STARTED)
    addresses, media = await played(stage)
    assert len(addresses) > 2
    assert pictures(media) > 10
    (started,) = await async_ledger(stage.hass, stage.entry, EntryKind.VIEWING_STARTED)
    assert (started.data["user"], started.data["purpose"]) == (MANAGER, "incident_check")

    now = datetime.now(UTC)
    span = {
        "start": (now - timedelta(hours=1)).isoformat(),
        "end": (now + timedelta(hours=1)).isoformat(),
    }
    command = {"entry_id": stage.entry.entry_id, **span}
    found = await stage.ws(stage.manager, f"{DOMAIN}/viewings", **command)
    kinds = [(each["kind"], each["refusal"]) for each in found["result"]["viewings"]]
    assert ("playback", None) in kinds
    assert ("browse", "not_pledged") in kinds
    table = await stage.ws(stage.manager, f"{DOMAIN}/viewings", **command, as_csv=True)
    assert "Hanako Kumagaya" in table["result"]["csv"]

    await stage.hass.config_entries.async_unload(stage.entry.entry_id)
    (ended,) = await async_ledger(stage.hass, stage.entry, EntryKind.VIEWING_ENDED)
    watched = ended.data["watched"]
    assert isinstance(watched, list)
    assert len(watched) == 1


async def test_nobody_else_gets_a_byte_by_any_door(stage: Stage) -> None:
    """Every route and command of ours, read from the running app, by each kind of person."""
    hass = stage.hass
    routes = {each.canonical for each in hass.http.app.router.resources()}
    assert {each for each in routes if each.startswith(f"/api/{DOMAIN}")} == VIEWS
    commands = hass.data["websocket_api"]
    assert {each for each in commands if each.startswith(f"{DOMAIN}/")} == COMMANDS
    await let_in(stage)
    addresses, _ = await played(stage)

    people = {
        "resident": MockUser(name="Resident"),
        "administrator": MockUser(name="Administrator", is_owner=True),
    }
    now = datetime.now(UTC)
    span = {"start": now.isoformat(), "end": (now + timedelta(hours=1)).isoformat()}
    more: dict[str, dict[str, Any]] = {
        "permissions": {},
        "permit": {"user_id": MANAGER, "name": "x", "cameras": [DOOR], "reason": "x", **span},
        "withdraw": {"permission": "x"},
        "viewings": span,
    }
    for name, user in people.items():
        user.add_to_hass(hass)
        _, token = await token_of(hass, user)
        client = await stage.clients(hass, token)
        for where in (ROOT, stage.clip, stage.clip.rpartition("/")[0], f"{ROOT}/no/such/place"):
            answer = await stage.browse(client, where)
            assert "Only the operations" in answer["error"]["message"], (name, where)
        for where in (stage.clip, stage.clip[:-1] + "999"):
            answer = await stage.ws(client, "media_source/resolve_media", media_content_id=where)
            assert "Only the operations" in answer["error"]["message"], (name, where)
        answer = await stage.ws(
            client, "media_source/search_media", media_content_id=ROOT, search_query="door"
        )
        assert not answer["success"]
        assert (await stage.ws(client, f"{DOMAIN}/own"))["result"] == []
        for command in MANAGERS:
            for entry_id in (stage.entry.entry_id, "01NOSUCHSITE"):
                answer = await stage.ws(
                    client, f"{DOMAIN}/{command}", entry_id=entry_id, **more[command]
                )
                assert answer["error"]["code"] == "refused", (name, command)
        for address in (*(each.partition("?")[0] for each in addresses), stage.picture):
            bearer = {"Authorization": f"Bearer {token}"}
            assert await stage.get(address, **bearer) == (403, b"403: Forbidden"), address
    for address in (*(each.partition("?")[0] for each in addresses), stage.picture):
        assert await stage.get(address) == (403, b"403: Forbidden")
    for address in addresses:
        assert await stage.get(address[:-3] + "abc") == (403, b"403: Forbidden")
    # One entry a person and minute, however many doors were tried; and nobody is banned for it.
    denied = [each["user"] for each in await stage.denied()]
    assert sorted(map(str, denied)) == sorted(
        map(str, [None, *(each.id for each in people.values())])
    )
    assert not hass.http.app[KEY_FAILED_LOGIN_ATTEMPTS]
    # The manager is not disturbed by all this.
    assert (await stage.get(addresses[1]))[0] == HTTPStatus.OK


async def test_an_address_ends_with_the_role(stage: Stage) -> None:
    await let_in(stage)
    addresses, _ = await played(stage)
    bridge = stage.entry.runtime_data.bridge
    stage.hass.config_entries.async_update_entry(
        stage.entry, data={**stage.entry.data, "manager_user_id": "someone-else"}
    )
    await stage.hass.async_block_till_done()
    assert stage.entry.runtime_data.bridge is bridge  # recording went on
    for address in addresses:
        assert (await stage.get(address))[0] == HTTPStatus.FORBIDDEN
    answer = await stage.browse(stage.manager, stage.clip)
    assert not answer["success"]
    (ended,) = await async_ledger(stage.hass, stage.entry, EntryKind.VIEWING_ENDED)
    assert ended.data["why"] == "refused"


async def test_no_screen_but_ones_own_and_no_automation(stage: Stage) -> None:
    await let_in(stage)
    for player in ("media_player.hall", None):
        with pytest.raises(Unresolvable, match="only to the person who asks"):
            await media_source.async_resolve_media(stage.hass, stage.clip, player)


@pytest.mark.parametrize(
    "part",
    ["..", "/etc/passwd", "x" * 10_000, "a\0b", "１２", "%2e%2e", "-1", "99999999999999999999"],
)
async def test_tricks_with_names_lead_nowhere(stage: Stage, part: str) -> None:
    await let_in(stage)
    base = f"{ROOT}/{stage.entry.entry_id}"
    for where in (
        f"{base}/{part}",
        f"{base}/incident_check/{part}",
        f"{base}/incident_check/{DOOR}/{part}",
        f"{stage.clip}/{part}",
    ):
        answer = await stage.browse(stage.manager, where)
        assert not answer["success"]
        assert answer["error"]["code"] == "browse_media_failed"
