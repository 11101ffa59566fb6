"""A site that recorded, and its manager who watches."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from io import BytesIO
from pathlib import Path
from typing import Any

import av
from aiohttp.test_utils import TestClient
from homeassistant.auth.models import RefreshToken
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
    """Return a new session of a login and its token."""
    refresh = await hass.auth.async_create_refresh_token(user, "https://example.test/")
    return refresh, hass.auth.async_create_access_token(refresh)


async def async_stage(
    hass: HomeAssistant,
    disk: Path,
    rtsp_camera: RtspCamera,
    clients: Callable[..., Any],
    http: Callable[..., Any],
) -> Stage:
    """Set the site up and wait until there is footage."""
    for each in ("websocket_api", "media_source", DOMAIN):
        assert await async_setup_component(hass, each, {})
    manager = MockUser(id=MANAGER, name="Manager").add_to_hass(hass)
    await async_add_cameras(hass, door=rtsp_camera.url)
    entry = await async_set_up(hass, site(disk / "vault", camera(DOOR, "door")))
    _, token = await token_of(hass, manager)
    stage = Stage(
        hass=hass,
        entry=entry,
        clients=clients,
        http=await http(),
        manager=await clients(hass, token),
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
    """Return how many pictures there are in a film."""
    with av.open(BytesIO(media), "r") as container:
        return len(list(container.decode(video=0)))
