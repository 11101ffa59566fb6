"""Watching live, over the real HTTP and WebSocket stack, from real cameras."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import av
import pytest
from homeassistant.components.http.ban import KEY_FAILED_LOGIN_ATTEMPTS
from homeassistant.config_entries import ConfigSubentryDataWithId
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import MockUser

from custom_components.camera_steward.const import DOMAIN
from custom_components.camera_steward.core.ledger.entry import EntryKind
from custom_components.camera_steward.core.viewing import lobby
from tests.cameras import Clip, RtspCamera

from .sites import (
    DOOR,
    MANAGER,
    async_add_cameras,
    async_ledger,
    async_set_up,
    camera,
    plug_in,
    segments_on_disk,
    site,
    unplug,
    until,
    until_status,
)
from .watching import Stage, token_of

OPERATOR = "01J0000000000000000000OPER"
SECOND = timedelta(seconds=1)
FORBIDDEN = (HTTPStatus.FORBIDDEN, b"403: Forbidden")


@dataclass(slots=True, kw_only=True)
class Player:
    """What a browser does: reads the list again and again, and fetches what is new in it.

    As browsers do, it takes what has another address, signature and all, for something else.
    """

    stage: LiveStage
    address: str
    text: str = ""
    headers: dict[str, bytes] = field(default_factory=dict)
    pieces: dict[str, bytes] = field(default_factory=dict)

    @property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    @property
    def ended(self) -> bool:
        return "#EXT-X-ENDLIST" in self.lines

    @property
    def media(self) -> bytes:
        return b"".join([*self.headers.values(), *self.pieces.values()])

    def number(self, tag: str) -> int:
        (found,) = [each.split(":")[1] for each in self.lines if each.startswith(f"#EXT-X-{tag}:")]
        return int(found)

    async def look(self) -> None:
        """Read the list, and fetch what it has for the first time."""
        status, text = await self.stage.get(self.address)
        assert status == HTTPStatus.OK, text
        self.text = text.decode()
        for each in self.lines:
            if each.startswith("#EXT-X-MAP"):
                await self._fetch(each.split('"')[1], self.headers)
            elif each.startswith("/"):
                await self._fetch(each, self.pieces)

    async def _fetch(self, address: str, to: dict[str, bytes]) -> None:
        if address not in to:
            status, body = await self.stage.get(address)
            assert status == HTTPStatus.OK, address
            to[address] = body

    async def until(self, look: Callable[[], bool], seconds: float = 90) -> None:
        """Play until something is so."""
        end = asyncio.get_running_loop().time() + seconds
        await self.look()
        while not look():
            assert asyncio.get_running_loop().time() < end, self.text
            await asyncio.sleep(0.5)
            await self.look()


@dataclass(slots=True, kw_only=True)
class LiveStage(Stage):
    """A site with a manager, an operator and a camera that is received; no other site."""

    colleague: Any

    @property
    def camera(self) -> str:
        return f"media-source://{DOMAIN}/{self.entry.entry_id}/incident_check/{DOOR}"

    @property
    def live(self) -> str:
        return f"{self.camera}/live"

    async def listed(self, client: Any) -> list[dict[str, Any]]:
        """Return what is listed below the camera."""
        return list((await self.browse(client, self.camera))["result"]["children"])

    async def begin(self, client: Any) -> Player:
        """Begin to watch live."""
        answer = await self.resolve(client, self.live)
        assert answer["success"], answer
        return Player(stage=self, address=answer["result"]["url"])

    async def refused(self, client: Any) -> str:
        """Ask to watch live in vain; return what is said."""
        answer = await self.resolve(client, self.live)
        assert not answer["success"]
        return str(answer["error"]["message"])

    async def login(self, **more: Any) -> tuple[MockUser, str, Any]:
        """Return a new user, their access token, and a client of theirs."""
        user = MockUser(**more).add_to_hass(self.hass)
        _, token = await token_of(self.hass, user)
        return user, token, await self.clients(self.hass, token)

    async def ledger(self, *kinds: EntryKind) -> list[dict[str, Any]]:
        """Return the data of entries."""
        return [dict(each.data) for each in await async_ledger(self.hass, self.entry, *kinds)]

    async def ended(self) -> dict[str, Any]:
        """Return the entry of a look that is over, once the next minute has entered it."""
        for _ in range(900):
            if found := await self.ledger(EntryKind.VIEWING_ENDED):
                return found[0]
            self.entry.runtime_data.bridge.steward._upkeep().wake()
            await asyncio.sleep(0.1)
        raise TimeoutError

    async def record(self, on: bool) -> None:
        """Switch the recording."""
        await self.entry.runtime_data.bridge.async_set_recording(DOOR, on, actor=MANAGER)


async def staged(
    hass: HomeAssistant,
    disk: Path,
    url: str,
    clients: Callable[..., Any],
    no_auth: Callable[..., Any],
    **more: Any,
) -> LiveStage:
    """Set it up; `more` is of the camera."""
    for each in ("websocket_api", "media_source", DOMAIN):
        assert await async_setup_component(hass, each, {})
    people = [
        MockUser(id=MANAGER, name="Manager").add_to_hass(hass),
        MockUser(id=OPERATOR, name="Operator").add_to_hass(hass),
    ]
    await async_add_cameras(hass, door=url)
    operator = ConfigSubentryDataWithId(
        data={"user_id": OPERATOR, "name": "Taro Ara", "since": "2020-01-01", "until": None},
        subentry_id=OPERATOR,
        subentry_type="operator",
        title="Taro Ara",
        unique_id=OPERATOR,
    )
    entry = await async_set_up(hass, site(disk / "vault", camera(DOOR, "door", **more), operator))
    manager, colleague = [await clients(hass, (await token_of(hass, each))[1]) for each in people]
    stage = LiveStage(
        hass=hass,
        entry=entry,
        other=entry,
        http=await no_auth(),
        clients=clients,
        manager=manager,
        colleague=colleague,
    )
    await stage.pledge(stage.colleague)
    await stage.pledge(stage.manager)
    return stage


@pytest.fixture
async def stage(
    hass: HomeAssistant,
    disk: Path,
    rtsp_camera: RtspCamera,
    hass_ws_client: Callable[..., Any],
    hass_client_no_auth: Callable[..., Any],
) -> LiveStage:
    return await staged(hass, disk, rtsp_camera.url, hass_ws_client, hass_client_no_auth)


def times(media: bytes) -> list[float]:
    """Return when each decoded picture is shown."""
    with av.open(BytesIO(media), "r") as container:
        return [float(each.time or 0) for each in container.decode(video=0)]


async def test_an_operator_watches_live_and_it_is_on_record(stage: LiveStage) -> None:
    first = (await stage.listed(stage.colleague))[0]
    assert (first["title"], first["can_play"]) == ("Live (10 minutes)", True)
    assert first["media_content_id"] == stage.live
    began = datetime.now(UTC)
    player = await stage.begin(stage.colleague)
    assert not await stage.ledger(EntryKind.VIEWING_STARTED)

    await player.look()
    (started,) = await stage.ledger(EntryKind.VIEWING_STARTED)
    assert (started["user"], started["kind"]) == (OPERATOR, "live")
    assert (started["camera"], started["purpose"]) == (DOOR, "incident_check")
    assert player.number("TARGETDURATION") == 2
    assert player.number("MEDIA-SEQUENCE") == 0
    assert len(player.pieces) >= 3
    assert all(float(each[8:-1]) <= 2.49 for each in player.lines if each.startswith("#EXTINF"))
    oldest = next(each for each in player.lines if each.startswith("/"))

    await player.until(lambda: player.number("MEDIA-SEQUENCE") >= 3)
    assert not player.ended
    assert len(player.headers) == 1
    assert len({urlsplit(each).path for each in player.pieces}) == len(player.pieces)
    shown = times(player.media)
    assert len(shown) > 100
    assert max(b - a for a, b in pairwise(shown)) < 0.5
    # What has left the memory is refused like everything else, and nobody is blamed for it.
    await until_forbidden(stage, oldest)
    assert not await stage.ledger(EntryKind.VIEWING_DENIED)

    await stage.hass.config_entries.async_unload(stage.entry.entry_id)
    ended = await stage.ended()
    assert (ended["viewing"], ended["why"]) == (started["viewing"], "stopped")
    ((since, until_),) = [map(datetime.fromisoformat, each) for each in ended["watched"]]
    assert began - 5 * SECOND < since
    assert abs((until_ - since).total_seconds() - (shown[-1] - shown[0])) < 2
    assert await stage.get(player.address) == FORBIDDEN


async def until_forbidden(stage: LiveStage, address: str) -> None:
    """Wait until a piece is no longer there."""
    for _ in range(600):
        if (answer := await stage.get(address)) == FORBIDDEN:
            return
        assert answer[0] == HTTPStatus.OK
        await asyncio.sleep(0.2)
    raise TimeoutError


async def test_nobody_else_sees_anything_live(stage: LiveStage) -> None:
    player = await stage.begin(stage.colleague)
    await player.look()
    addresses = [player.address, *(each for each in player.lines if each.startswith("/"))]
    addresses += [each.split('"')[1] for each in player.lines if each.startswith("#EXT-X-MAP")]
    bare = [urlsplit(each).path for each in addresses]
    for more in ({"name": "Resident"}, {"name": "Administrator", "is_owner": True}):
        _, token, client = await stage.login(**more)
        assert "Only the operations" in await stage.refused(client)
        for each in bare:
            assert await stage.get(each, Authorization=f"Bearer {token}") == FORBIDDEN
    # A permission for footage of the past shows nothing of now.
    now = datetime.now(UTC)
    user, token, guest = await stage.login(name="Guest")
    given = {"entry_id": stage.entry.entry_id, "user_id": user.id, "cameras": [DOOR]}
    given |= {"name": "Jiro Gyoda", "reason": "A broken window"}
    past = {"start": (now - timedelta(days=1)).isoformat(), "end": now.isoformat()}
    assert (await stage.ws(stage.manager, f"{DOMAIN}/permit", **given, **past))["success"]
    await stage.pledge(guest)
    assert all(each["media_content_id"] != stage.live for each in await stage.listed(guest))
    assert "does not cover this footage" in await stage.refused(guest)
    for each in bare:
        assert await stage.get(each, Authorization=f"Bearer {token}") == FORBIDDEN
    # One that reaches over now does, up to its end.
    soon = {"start": now.isoformat(), "end": (datetime.now(UTC) + 12 * SECOND).isoformat()}
    assert (await stage.ws(stage.manager, f"{DOMAIN}/permit", **given, **soon))["success"]
    theirs = await stage.begin(guest)
    await theirs.look()
    assert times(theirs.media)
    await until_forbidden(stage, theirs.address)

    for address in (*bare, *(each[:-3] + "abc" for each in addresses)):
        assert await stage.get(address) == FORBIDDEN
    for place in (f"{stage.live}/x", f"{stage.camera}/live/2026-01-01", f"{stage.camera}/LIVE"):
        answer = await stage.ws(
            stage.colleague, "media_source/resolve_media", media_content_id=place
        )
        assert answer["error"]["message"] == "There is nothing here."
    assert not stage.hass.http.app[KEY_FAILED_LOGIN_ATTEMPTS]
    await player.look()


async def test_a_role_that_ends_ends_what_is_watched(stage: LiveStage) -> None:
    player = await stage.begin(stage.colleague)
    other = await stage.begin(stage.manager)
    await player.look()
    stage.hass.config_entries.async_remove_subentry(stage.entry, OPERATOR)
    await stage.hass.async_block_till_done()
    for address in (player.address, *(each for each in player.lines if each.startswith("/"))):
        assert await stage.get(address) == FORBIDDEN
    ended = await stage.ended()
    assert ended["why"] == "refused"
    assert len(ended["watched"]) == 1
    await other.look()


async def test_it_ends_after_its_time_by_itself(
    stage: LiveStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A minute is the shortest that the form takes.
    desk = stage.entry.runtime_data.bridge.steward.lobby().desk
    desk.furnish(replace(desk.house, live_length=12 * SECOND))
    monkeypatch.setattr(lobby, "CLOSING", 6 * SECOND)
    began = datetime.now(UTC)
    player = await stage.begin(stage.colleague)
    await player.until(lambda: player.ended)
    shown = times(player.media)
    # All that was listed could be fetched, and nothing of it was taken later.
    assert 0 < shown[-1] - shown[0] < 13
    await until_forbidden(stage, player.address)
    ended = await stage.ended()
    assert ended["why"] == "time"
    assert datetime.fromisoformat(ended["watched"][-1][1]) < began + 13 * SECOND


async def test_recording_that_is_switched_off_ends_it_and_says_so(stage: LiveStage) -> None:
    player = await stage.begin(stage.colleague)
    await player.look()
    await stage.record(False)
    await player.look()  # whatever it still lists is fetched already
    assert player.ended
    assert times(player.media)
    off = "No live picture: recording of this camera is switched off."
    assert await stage.refused(stage.colleague) == off
    await stage.record(True)
    await (await stage.begin(stage.colleague)).look()


async def test_two_watch_over_one_connection(stage: LiveStage, rtsp_camera: RtspCamera) -> None:
    one = await stage.begin(stage.colleague)
    await one.look()
    two = await stage.begin(stage.manager)
    await two.look()
    await one.look()
    assert times(one.media)
    assert times(two.media)
    assert rtsp_camera.stats()["open"] == 1
    started = await stage.ledger(EntryKind.VIEWING_STARTED)
    assert sorted(each["user"] for each in started) == sorted([OPERATOR, MANAGER])
    # No address serves the other's session.
    for mine, theirs in ((one, two), (two, one)):
        path = urlsplit(theirs.address).path
        query = urlsplit(mine.address).query
        assert await stage.get(f"{path}?{query}") == FORBIDDEN


async def test_a_view_that_was_left_is_over_also_while_the_disk_is_away(
    stage: LiveStage, disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lobby, "LEFT", 10 * SECOND)
    player = await stage.begin(stage.colleague)
    await player.look()
    away = unplug(disk)
    worker = stage.entry.runtime_data.bridge.steward._cameras[DOOR].worker
    assert worker is not None
    await until(lambda: worker._storage_error)
    before = len(player.pieces)
    await player.until(lambda: len(player.pieces) > before + 3)  # nobody waits for the disk
    assert (await stage.ended())["why"] == "left"
    assert not worker._live.watched
    assert await stage.get(player.address) == FORBIDDEN
    plug_in(away, disk)


async def test_a_search_finds_the_live_view_and_comes_to_an_end(stage: LiveStage) -> None:
    """It does not walk into what has nothing below it: a live view, or the line of a gap."""

    async def found(where: str, query: str) -> list[str]:
        answer = await stage.ws(
            stage.colleague, "media_source/search_media", media_content_id=where, search_query=query
        )
        return [each["media_content_id"] for each in answer["result"]["result"]]

    assert await found(stage.camera.rpartition("/")[0], "live (") == [stage.live]
    # What can be watched live was recorded: there is a day, and after it a gap.
    await (await stage.begin(stage.colleague)).look()
    await stage.record(False)
    day = (await stage.listed(stage.colleague))[1]["media_content_id"]
    (hour, *_) = (
        await stage.ws(stage.colleague, "media_source/browse_media", media_content_id=day)
    )["result"]["children"]
    clips = await stage.ws(
        stage.colleague, "media_source/browse_media", media_content_id=hour["media_content_id"]
    )
    assert any(not each["can_play"] for each in clips["result"]["children"])
    assert await found(day, "there is no such thing") == []


async def test_a_camera_that_is_away_is_said_to_be(
    stage: LiveStage, rtsp_camera: RtspCamera
) -> None:
    rtsp_camera.stop()
    line = "No live picture: nothing arrives"
    steward = stage.entry.runtime_data.bridge.steward
    await until(lambda: steward.watch(DOOR).why_nothing == "no_stream")
    assert (await stage.refused(stage.colleague)).startswith(line)


async def test_h265_is_offered_as_it_comes_and_converted(
    hass: HomeAssistant,
    disk: Path,
    hass_ws_client: Callable[..., Any],
    hass_client_no_auth: Callable[..., Any],
) -> None:
    clip = Clip(video="h265", gop_seconds=4, seconds=8)
    with RtspCamera(clip) as source:
        stage = await staged(hass, disk, source.url, hass_ws_client, hass_client_no_auth)
        answer = await stage.resolve(stage.colleague, stage.live)
        status, text = await stage.get(answer["result"]["url"])
        assert status == HTTPStatus.OK
        choices = [each for each in text.decode().splitlines() if each.startswith("/")]
        assert "CODECS" in text.decode()
        films = []
        for address in choices:
            player = Player(stage=stage, address=address)
            await player.until(lambda: len(player.pieces) > 8)  # noqa: B023
            films.append(times(player.media))
        assert len(films) == 2
        for film in films:
            assert len(film) > 60
            assert max(b - a for a, b in pairwise(film)) < 0.5
            assert film == sorted(film)
        assert len(await stage.ledger(EntryKind.VIEWING_STARTED)) == 1


@pytest.mark.parametrize("mode", ["trigger", "schedule"])
async def test_what_waits_for_a_trigger_is_shown_and_what_waits_for_its_hours_is_not(
    hass: HomeAssistant,
    disk: Path,
    rtsp_camera: RtspCamera,
    hass_ws_client: Callable[..., Any],
    hass_client_no_auth: Callable[..., Any],
    mode: str,
) -> None:
    stage = await staged(
        hass, disk, rtsp_camera.url, hass_ws_client, hass_client_no_auth, mode=mode
    )
    await until_status(hass, DOOR, "waiting")
    if mode == "schedule":
        assert "outside its recording hours" in await stage.refused(stage.colleague)
        return
    player = await stage.begin(stage.colleague)
    await player.look()
    assert times(player.media)
    assert not segments_on_disk(stage.entry, DOOR)
