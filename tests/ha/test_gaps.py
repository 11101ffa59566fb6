"""The media browser lists gaps, to a guest no further than the permission goes."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import MockUser

from custom_components.camera_steward.bridge import state_directory
from custom_components.camera_steward.const import DOMAIN
from custom_components.camera_steward.core.database import Database
from custom_components.camera_steward.core.model import GapCause
from custom_components.camera_steward.core.vault.index import METADATA, Index
from custom_components.camera_steward.texts import clock

from .sites import MANAGER, YARD, async_back_date, async_set_up, site

MINUTE = timedelta(minutes=1)


async def ask(client: Any, kind: str, **fields: object) -> Any:
    await client.send_json_auto_id({"type": kind, **fields})
    answer = await client.receive_json()
    assert answer["success"], answer
    return answer["result"]


async def test_a_guest_is_told_no_more_of_a_gap_than_is_permitted(
    hass: HomeAssistant, disk: Path, hass_ws_client: Callable[..., Any]
) -> None:
    for each in ("websocket_api", "media_source", DOMAIN):
        assert await async_setup_component(hass, each, {})
    now = datetime.now(UTC)
    hour = now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=6)
    entry = site(disk / "vault")
    await async_back_date(hass, entry, YARD, now - hour - MINUTE)
    path = state_directory(hass, entry.entry_id) / "index.db"

    def write() -> None:
        database = Database(path, METADATA)
        index = Index(database)
        index.open_gap(YARD, hour + 10 * MINUTE, GapCause.UNREACHABLE)
        index.close_gap(YARD, hour + 50 * MINUTE)
        database.close()

    await hass.async_add_executor_job(write)
    people = {
        "manager": MockUser(id=MANAGER, name="Manager").add_to_hass(hass),
        "guest": MockUser(name="Guest").add_to_hass(hass),
    }
    await async_set_up(hass, entry)
    clients = {}
    for name, user in people.items():
        refresh = await hass.auth.async_create_refresh_token(user, "https://example.test/")
        token = hass.auth.async_create_access_token(refresh)
        clients[name] = await hass_ws_client(hass, token)

    async def pledge(name: str) -> None:
        (own,) = await ask(clients[name], f"{DOMAIN}/own")
        await ask(
            clients[name],
            f"{DOMAIN}/accept",
            entry_id=entry.entry_id,
            version=own["version"],
            language="en",
        )

    async def gaps(name: str) -> list[str]:
        where = f"media-source://{DOMAIN}/{entry.entry_id}/test/{YARD}"
        (*_, day) = (await ask(clients[name], "media_source/browse_media", media_content_id=where))[
            "children"
        ]
        there = f"{day['media_content_id']}/{hour:%Y%m%dT%H%MZ}"
        listed = await ask(clients[name], "media_source/browse_media", media_content_id=there)
        return [each["title"] for each in listed["children"] if "No footage" in each["title"]]

    def title(since: int, until: int) -> str:
        times = [clock(hour + each * MINUTE, seconds=True) for each in (since, until)]
        return f"{times[0]}–{times[1]} · No footage: Camera unreachable"

    await pledge("manager")
    assert await gaps("manager") == [title(10, 50)]
    await ask(
        clients["manager"],
        f"{DOMAIN}/permit",
        entry_id=entry.entry_id,
        user_id=people["guest"].id,
        name="Guest",
        cameras=[YARD],
        start=(hour + 20 * MINUTE).isoformat(),
        end=(hour + 30 * MINUTE).isoformat(),
        reason="Broken window",
    )
    await pledge("guest")
    assert await gaps("guest") == [title(20, 30)]
