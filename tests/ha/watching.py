"""A site that recorded, its manager who watches, and all the others at its doors."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from io import BytesIO
from pathlib import Path
from types import MappingProxyType
from typing import Any

import av
import pytest
from aiohttp.test_utils import TestClient
from homeassistant.auth.const import GROUP_ID_ADMIN, GROUP_ID_READ_ONLY, GROUP_ID_USER
from homeassistant.auth.models import (
    TOKEN_TYPE_LONG_LIVED_ACCESS_TOKEN,
    Group,
    RefreshToken,
    User,
)
from homeassistant.components.http.auth import STORAGE_KEY
from homeassistant.components.http.ban import (
    KEY_BAN_MANAGER,
    KEY_FAILED_LOGIN_ATTEMPTS,
    KEY_LOGIN_THRESHOLD,
)
from homeassistant.config_entries import ConfigSubentry, ConfigSubentryDataWithId
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import MockConfigEntry, MockUser
from yarl import URL

from custom_components.camera_steward.const import DOMAIN
from custom_components.camera_steward.core.ledger.entry import EntryKind
from tests.cameras import RtspCamera

from .sites import (
    DOOR,
    MANAGER,
    YARD,
    async_add_cameras,
    async_back_date,
    async_ledger,
    async_set_up,
    camera,
    site,
)

ROOT = f"media-source://{DOMAIN}"
GATE = "01J0000000000000000000GATE"
"""The camera of the other site."""
NOWHERE = "01J000000000000000NOWHERE0"
NO_SITE = "01J0000000000000000NOSITE0"
FORBIDDEN = (HTTPStatus.FORBIDDEN, b"403: Forbidden")
OUTSIDERS = "Only the operations manager and the operators may watch footage here."
OUTSIDE = "Your permission does not cover this footage."

HANGING_UP = pytest.mark.parametrize("expected_lingering_timers", [True])
"""A WebSocket that Home Assistant closes leaves its heartbeat behind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Someone who is logged in, or nobody: what they send over HTTP, and their open WebSocket."""

    user: User | None = None
    session: RefreshToken | None = None
    headers: dict[str, str] = field(default_factory=dict)
    socket: Any = None


@dataclass(slots=True, kw_only=True)
class Stage:
    """A site that recorded, another one beside it, and what the manager was given to watch."""

    hass: HomeAssistant
    entry: MockConfigEntry
    other: MockConfigEntry
    clients: Callable[..., Any]
    http: TestClient[Any, Any]
    manager: Any
    clip: str = ""
    picture: str = ""
    play: str = ""
    package: str = ""

    async def ws(self, client: Any, kind: str, /, **more: Any) -> dict[str, Any]:
        """Send a command; return the whole answer."""
        await client.send_json_auto_id({"type": kind, **more})
        return dict(await client.receive_json())

    async def ask(self, command: str, /, **more: Any) -> dict[str, Any]:
        """Let the manager send a command about the site; return the whole answer."""
        return await self.ws(
            self.manager, f"{DOMAIN}/{command}", entry_id=self.entry.entry_id, **more
        )

    async def browse(self, client: Any, where: str) -> dict[str, Any]:
        """Browse a place."""
        return await self.ws(client, "media_source/browse_media", media_content_id=where)

    async def resolve(self, client: Any, where: str) -> dict[str, Any]:
        """Ask to play a place."""
        return await self.ws(client, "media_source/resolve_media", media_content_id=where)

    async def pledge(self, client: Any, entry: MockConfigEntry | None = None) -> None:
        """Accept pledge and rules."""
        wanted = (entry or self.entry).entry_id
        found = (await self.ws(client, f"{DOMAIN}/own"))["result"]
        (own,) = [each for each in found if each["entry_id"] == wanted]
        given = {"entry_id": wanted, "version": own["version"], "language": "ja"}
        assert (await self.ws(client, f"{DOMAIN}/accept", **given))["success"]

    async def get(self, address: str, **headers: str) -> tuple[int, bytes]:
        """Fetch an address without any login but its own."""
        return (await self.fetch("GET", address, headers))[:2]

    async def fetch(
        self, method: str, address: str, headers: dict[str, str] | None = None
    ) -> tuple[int, bytes, dict[str, str]]:
        """Send an address as it is written, and return status, body and headers but the time."""
        url = URL(f"{str(self.http.make_url('/')).rstrip('/')}{address}", encoded=True)
        async with self.http.session.request(method, url, headers=headers) as answer:
            told = {k: v for k, v in answer.headers.items() if k != "Date"}
            return answer.status, await answer.read(), told

    async def denied(self, entry: MockConfigEntry | None = None) -> list[dict[str, Any]]:
        """Return the refused tries on record."""
        found = await async_ledger(self.hass, entry or self.entry, EntryKind.VIEWING_DENIED)
        return [dict(each.data) for each in found]

    async def log_in(self, user: User, **more: Any) -> Person:
        """Return someone with a session and an open WebSocket."""
        session, token = await token_of(self.hass, user, **more)
        return Person(
            user=user,
            session=session,
            headers={"Authorization": f"Bearer {token}"},
            socket=await self.clients(self.hass, token),
        )

    async def reconnected(self, person: Person) -> Person:
        """Return someone with a new WebSocket: one that is left alone for a minute is closed."""
        if person.socket is None:
            return person
        await person.socket.close()
        token = person.headers["Authorization"].removeprefix("Bearer ")
        return replace(person, socket=await self.clients(self.hass, token))

    async def permit(self, user: User, cameras: list[str], **more: Any) -> dict[str, Any]:
        """Let the manager give a guest permission, by default for now and an hour around."""
        now = datetime.now(UTC)
        given = {
            "entry_id": self.entry.entry_id,
            "user_id": user.id,
            "name": "Jiro Gyoda",
            "cameras": cameras,
            "start": (now - timedelta(hours=1)).isoformat(),
            "end": (now + timedelta(hours=1)).isoformat(),
            "reason": "A broken window",
        }
        answer = await self.ws(self.manager, f"{DOMAIN}/permit", **given | more)
        assert answer["success"], answer
        return dict(answer["result"])

    async def appoint(
        self, user: User, entry: MockConfigEntry | None = None, **more: Any
    ) -> ConfigSubentry:
        """Appoint an operator."""
        data = {"name": "Taro Ara", "user_id": user.id, "since": "2026-01-05", "until": None}
        operator = ConfigSubentry(
            data=MappingProxyType(data | more),
            subentry_type="operator",
            title="Taro Ara",
            unique_id=None,
        )
        self.hass.config_entries.async_add_subentry(entry or self.entry, operator)
        await self.hass.async_block_till_done()
        return operator

    async def operator(self, **more: Any) -> tuple[Person, ConfigSubentry]:
        """Return an operator who has pledged."""
        user = await self.hass.auth.async_create_user("Operator", group_ids=[GROUP_ID_USER])
        appointed = await self.appoint(user)
        person = await self.log_in(user, **more)
        await self.pledge(person.socket)
        return person, appointed

    async def guest(self, cameras: list[str], **more: Any) -> Person:
        """Return a guest who has pledged."""
        user = await self.hass.auth.async_create_user("Guest", group_ids=[GROUP_ID_USER])
        await self.permit(user, cameras, **more)
        person = await self.log_in(user)
        await self.pledge(person.socket)
        return person

    async def sign(self, person: Person, address: str) -> str:
        """Let Home Assistant sign an address, as it does for every login and every address."""
        return str((await self.ws(person.socket, "auth/sign_path", path=address))["result"]["path"])

    def nobody_is_banned(self) -> bool:
        """Return whether nothing so far counts as a failed login."""
        app = self.hass.http.app
        assert app[KEY_LOGIN_THRESHOLD] == 1
        return not app[KEY_FAILED_LOGIN_ATTEMPTS] and not app[KEY_BAN_MANAGER].ip_bans_lookup


async def token_of(hass: HomeAssistant, user: User, **more: Any) -> tuple[RefreshToken, str]:
    """Return a new session of a login and its token."""
    more = more or {"client_id": "https://example.test/"}
    refresh = await hass.auth.async_create_refresh_token(user, **more)
    return refresh, hass.auth.async_create_access_token(refresh)


LONG_LIVED = {
    "client_name": "a program",
    "token_type": TOKEN_TYPE_LONG_LIVED_ACCESS_TOKEN,
    "access_token_expiration": timedelta(days=3650),
}


async def async_stage(
    hass: HomeAssistant,
    disk: Path,
    rtsp_camera: RtspCamera,
    clients: Callable[..., Any],
    http: Callable[..., Any],
    *components: str,
    login_attempts_threshold: int = 1,
) -> Stage:
    """Set both sites up and wait until there is footage. By default one failed login is a ban."""
    strict = {"ip_ban_enabled": True, "login_attempts_threshold": login_attempts_threshold}
    assert await async_setup_component(hass, "http", {"http": strict})
    for each in ("websocket_api", "auth", "frontend", "media_source", *components, DOMAIN):
        assert await async_setup_component(hass, each, {})
    manager = MockUser(id=MANAGER, name="Manager").add_to_hass(hass)
    dark = "rtsp://127.0.0.1:1/none"
    await async_add_cameras(hass, door=rtsp_camera.url, yard=dark, gate=dark)
    entry = site(
        disk / "vault", camera(DOOR, "door", segment_seconds=4), camera(YARD, "yard"), title="Shop"
    )
    other = site(disk / "other", camera(GATE, "gate"), manager_user_id="someone-else")
    await async_back_date(hass, entry, YARD, timedelta(hours=2))
    await async_back_date(hass, other, GATE, timedelta(hours=2))
    for each in (entry, other):
        await async_set_up(hass, each)
    _, token = await token_of(hass, manager)
    stage = Stage(
        hass=hass,
        entry=entry,
        other=other,
        clients=clients,
        http=await http(),
        manager=await clients(hass, token),
    )
    day = datetime.now(UTC) - timedelta(days=1)

    def closed() -> int:
        found = entry.runtime_data.bridge.steward.footage(DOOR, day, datetime.now(UTC))[0]
        return sum(each.state.value != "open" for each in found)

    # As quickly as the site can say it: a segment takes four seconds.
    while not await hass.async_add_executor_job(closed):  # noqa: ASYNC110
        await asyncio.sleep(0.1)
    return stage


async def async_managed(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    clients: Callable[..., Any],
    http: Callable[..., Any],
    *groups: Group,
) -> Stage:
    """Log the manager of a site in, who has pledged."""
    user = MockUser(id=MANAGER, name="Manager", groups=[*groups]).add_to_hass(hass)
    _, token = await token_of(hass, user)
    stage = Stage(
        hass=hass,
        entry=entry,
        other=entry,
        clients=clients,
        http=await http(),
        manager=await clients(hass, token),
    )
    await stage.pledge(stage.manager)
    return stage


async def async_quiet(
    hass: HomeAssistant,
    disk: Path,
    clients: Callable[..., Any],
    http: Callable[..., Any],
    *cameras: ConfigSubentryDataWithId,
    ages: tuple[timedelta, ...] = (),
    **more: Any,
) -> Stage:
    """Set up a site whose cameras receive nothing, with footage of these ages of each.

    Its manager is logged in and has pledged. `more` are settings.
    """
    for each in ("websocket_api", "auth", "webhook", DOMAIN):
        assert await async_setup_component(hass, each, {})
    entry = site(disk / "vault", *cameras, title="Shop", **more)
    for camera_data in cameras if ages else ():
        await async_back_date(hass, entry, camera_data["subentry_id"], *ages)
    await async_set_up(hass, entry)
    return await async_managed(hass, entry, clients, http)


async def let_in(stage: Stage) -> None:
    """Let the manager pledge, find a clip and begin to play it."""
    await stage.pledge(stage.manager)
    stage.clip, stage.picture = await found(stage, stage.manager)
    answer = await stage.resolve(stage.manager, stage.clip)
    assert answer["result"]["mime_type"] == "application/x-mpegURL"
    stage.play = answer["result"]["url"]


async def approved(stage: Stage, **more: Any) -> dict[str, Any]:
    """Let the manager approve handing over what the door kept until now."""
    now = datetime.now(UTC)
    order = {
        "entry_id": stage.entry.entry_id,
        "kind": "authority_written",
        "particulars": {
            "agency": "Kumagaya Police Station",
            "document_number": "12",
            "document_date": "2026-01-05",
            "officer_post": "Sergeant",
            "officer_name": "Shiro Chichibu",
            "matter": "crime",
        },
        "recipient": "Kumagaya Police Station",
        "reason": "A theft",
        "cameras": [DOOR],
        "start": (now - timedelta(hours=1)).isoformat(),
        "end": now.isoformat(),
        "identity": "Police notebook",
        "in_charge": "Hanako Kumagaya",
    }
    answer = await stage.ws(stage.manager, f"{DOMAIN}/disclose", **order | more)
    assert answer["success"], answer
    stage.package = answer["result"]["path"]
    return dict(answer["result"])


async def found(stage: Stage, client: Any) -> tuple[str, str]:
    """Return the first clip of the door that someone finds, and its small picture's address."""
    where = f"{ROOT}/{stage.entry.entry_id}/incident_check/{DOOR}"
    for _ in range(2):
        listed = (await stage.browse(client, where))["result"]["children"]
        where = next(each["media_content_id"] for each in listed if each["can_expand"])
    children = (await stage.browse(client, where))["result"]["children"]
    clip = next(each for each in children if each["can_play"])
    return clip["media_content_id"], clip["thumbnail"]


async def played(stage: Stage, play: str | None = None) -> tuple[list[str], bytes]:
    """Return all addresses of what is played, and its header with the first piece."""
    play = play or stage.play
    status, text = await stage.get(play)
    assert status == HTTPStatus.OK
    lines = text.decode().splitlines()
    (init,) = [each.split('"')[1] for each in lines if each.startswith("#EXT-X-MAP")]
    pieces = [each for each in lines if each.startswith("/")]
    parts = [await stage.get(each) for each in (init, pieces[0])]
    assert [each[0] for each in parts] == [HTTPStatus.OK] * 2
    return [play, init, *pieces], parts[0][1] + parts[1][1]


def pictures(media: bytes) -> int:
    """Return how many pictures there are in a film."""
    with av.open(BytesIO(media), "r") as container:
        return len(list(container.decode(video=0)))


async def uninvited(stage: Stage) -> dict[str, Person]:
    """Return one of each kind of person who may see nothing of the door."""
    auth = stage.hass.auth

    async def user(name: str, group: str) -> User:
        return await auth.async_create_user(name, group_ids=[group])

    resident = await stage.log_in(await user("Resident", GROUP_ID_USER))
    token = resident.headers["Authorization"]
    elsewhere = await user("Operator of another site", GROUP_ID_USER)
    await stage.appoint(elsewhere, stage.other)
    dismissed, appointment = await stage.operator()
    stage.hass.config_entries.async_remove_subentry(stage.entry, appointment.subentry_id)
    gone, _ = await stage.operator()
    assert gone.user is not None
    await gone.socket.close()
    await auth.async_deactivate_user(gone.user)
    content = auth.async_get_refresh_token(stage.hass.data[STORAGE_KEY])
    assert content is not None
    content_token = auth.async_create_access_token(content)
    people = {
        "nobody": Person(),
        "garbage token": Person(headers={"Authorization": "Bearer garbage"}),
        "token cut short": Person(headers={"Authorization": token[:-4]}),
        "token of no kind": Person(headers={"Authorization": token.replace("Bearer", "Basic")}),
        "resident": resident,
        "read-only user": await stage.log_in(await user("Reader", GROUP_ID_READ_ONLY)),
        "administrator": await stage.log_in(await user("Administrator", GROUP_ID_ADMIN)),
        "operator of another site": await stage.log_in(elsewhere),
        "guest at another camera": await stage.guest([YARD]),
        "former operator": dismissed,
        "inactive": Person(headers=gone.headers),
        "content user": Person(
            user=content.user,
            session=content,
            headers={"Authorization": f"Bearer {content_token}"},
            socket=await stage.clients(stage.hass, content_token),
        ),
    }
    await stage.pledge(people["operator of another site"].socket, stage.other)
    await stage.hass.async_block_till_done()
    return people


def unsigned(addresses: list[str]) -> list[str]:
    """Return addresses without their signatures."""
    return [each.partition("?")[0] for each in addresses]


def places(clip: str) -> Iterator[tuple[str, str]]:
    """Yield each place on the way to a clip, from the camera on, and one like it that is not."""
    root, entry, purpose, _, day, hour, number = clip.removeprefix("media-source://").split("/")
    door = f"media-source://{root}/{entry}/{purpose}/{DOOR}"
    nowhere = f"media-source://{root}/{entry}/{purpose}/{NOWHERE}"
    yield door, nowhere
    yield f"{door}/live", f"{nowhere}/live"
    yield f"{door}/{day}", f"{door}/2031-02-03"
    yield f"{door}/{day}/{hour}", f"{door}/2031-02-03/20310203T0400Z"
    yield clip, f"{door}/{day}/{hour}/{int(number) + 9999}"
    yield clip, f"{nowhere}/{day}/{hour}/{number}"
