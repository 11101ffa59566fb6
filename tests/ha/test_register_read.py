"""That the viewing register was read is on record: the hook of a monthly review."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import MockUser

from custom_components.camera_steward.bridge import state_directory
from custom_components.camera_steward.const import DOMAIN
from custom_components.camera_steward.core.ledger.entry import EntryKind
from tests.core.viewing_site import storage_failing

from .sites import MANAGER, async_ledger, async_set_up, site
from .watching import token_of


async def test_a_reading_is_entered_once_a_day_and_needs_no_entry_to_be_answered(
    hass: HomeAssistant, disk: Path, hass_ws_client: Callable[..., Any]
) -> None:
    assert await async_setup_component(hass, DOMAIN, {})
    entry = await async_set_up(hass, site(disk / "vault"))
    manager = MockUser(id=MANAGER, name="login of the manager").add_to_hass(hass)
    _, token = await token_of(hass, manager)
    client = await hass_ws_client(hass, token)

    async def ask(command: str, **more: Any) -> Any:
        await client.send_json_auto_id({"type": f"{DOMAIN}/{command}", **more})
        answer = await client.receive_json()
        assert answer["success"], answer
        return answer["result"]

    here = {"entry_id": entry.entry_id}
    (own,) = await ask("own")
    await ask("accept", **here, version=own["version"], language="en")
    now = datetime.now(UTC)
    span = {"start": (now - timedelta(days=30)).isoformat(), "end": now.isoformat()}
    with storage_failing(state_directory(hass, entry.entry_id) / "ledger.db"):
        assert await ask("viewings", **here, **span) == {"viewings": []}
    assert await async_ledger(hass, entry, EntryKind.REGISTER_READ) == []
    for as_csv in (True, False):
        await ask("viewings", **here, **span, as_csv=as_csv)
    (read,) = await async_ledger(hass, entry, EntryKind.REGISTER_READ)
    assert (read.actor, read.subject) == ("Hanako Kumagaya", MANAGER)
    assert read.data == {"user": MANAGER, "read": [[span["start"], span["end"]]]}
