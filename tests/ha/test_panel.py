"""The page in the sidebar: its files, and what its commands answer to the manager."""

import csv
import re
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from homeassistant.components import frontend
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import MockConfigEntry, MockUser

from custom_components.camera_steward.commands import table
from custom_components.camera_steward.const import DOMAIN
from custom_components.camera_steward.core.ledger.entry import EntryKind, Json

from .sites import DOOR, MANAGER, async_ledger, async_set_up, camera, site
from .texts import ROOT, TEXTS
from .watching import token_of


async def test_the_page_is_in_the_sidebar_with_all_its_files(
    hass: HomeAssistant, hass_client_no_auth: Callable[..., Any]
) -> None:
    assert await async_setup_component(hass, "frontend", {})
    assert await async_setup_component(hass, DOMAIN, {})
    panel = hass.data[frontend.DATA_PANELS]["camera-steward"]
    assert panel.config is not None
    address = panel.config["_panel_custom"]["module_url"]
    base = address.rpartition("/")[0]
    # Another version has other addresses: a browser that kept the old files asks anew.
    assert base.startswith(f"/{DOMAIN}/0.")
    client = await hass_client_no_auth()
    seen: set[str] = set()
    open_ = {"panel.js"}
    while open_ - seen:
        (name, *_) = open_ - seen
        answer = await client.get(f"{base}/{name}")
        assert answer.status == HTTPStatus.OK, name
        assert "javascript" in answer.headers["Content-Type"]
        seen.add(name)
        open_ |= set(re.findall(r'from "\./([a-z]+\.js)"', await answer.text()))
    assert seen == {path.name for path in (ROOT / "frontend").glob("*.js")}


type _Ask = Callable[..., Coroutine[Any, Any, dict[str, Any]]]


@pytest.fixture
async def entry(hass: HomeAssistant, disk: Path) -> MockConfigEntry:
    assert await async_setup_component(hass, DOMAIN, {})
    return await async_set_up(hass, site(disk / "vault", camera(DOOR, "door")))


@pytest.fixture
async def ask(
    hass: HomeAssistant, entry: MockConfigEntry, hass_ws_client: Callable[..., Any]
) -> _Ask:
    """Return what sends a command of the manager's, and returns the whole answer."""
    manager = MockUser(id=MANAGER, name="Manager").add_to_hass(hass)
    _, token = await token_of(hass, manager)
    client = await hass_ws_client(hass, token)

    async def ask(command: str, **more: Any) -> dict[str, Any]:
        here = {} if command == "own" else {"entry_id": entry.entry_id}
        await client.send_json_auto_id({"type": f"{DOMAIN}/{command}", **here, **more})
        return dict(await client.receive_json())

    return ask


async def pledge(ask: _Ask) -> None:
    (own,) = (await ask("own"))["result"]
    assert (await ask("accept", version=own["version"], language="ja"))["success"]


@pytest.mark.parametrize("language", ["en", "ja"])
async def test_the_manager_gets_the_register_in_the_language_of_the_page(
    ask: _Ask, language: str
) -> None:
    assert (await ask("permissions"))["error"]["translation_key"] == "refused"
    await pledge(ask)
    # Days as the page asks for them: by the clock of the home, without a zone.
    day = datetime.now(UTC).date()
    span = {
        "start": f"{day - timedelta(days=2)}T00:00:00",
        "end": f"{day + timedelta(days=2)}T00:00:00",
    }
    answer = await ask("viewings", **span, as_csv=True, language=language)
    head, refused = csv.reader(StringIO(answer["result"]["csv"].lstrip("\ufeff")))
    common = TEXTS[language]["common"]
    assert common["register_unusual"] in head
    assert refused[head.index(common["register_refusal"])] == common["refusal_not_pledged"]
    (row,) = (await ask("viewings", **span))["result"]["viewings"]
    assert (row["refusal"], row["unusual"]) == ("not_pledged", [])
    assert not (await ask("viewings", **span, language="xx"))["success"]


async def test_permissions_come_with_their_use_and_end_also_when_that_cannot_be_read(
    hass: HomeAssistant, entry: MockConfigEntry, ask: _Ask
) -> None:
    assert (await ask("permissions"))["error"]["code"] == "refused"
    await pledge(ask)
    guest = MockUser(name="Resident").add_to_hass(hass)
    given = await ask(
        "permit",
        user_id=guest.id,
        name="Jiro Gyoda",
        cameras=[DOOR],
        start="2026-01-01T10:00",
        end="2026-01-01T11:00",
        reason="A bicycle",
    )
    permission = given["result"]["permission"]

    async def uses() -> list[list[dict[str, Any]] | None]:
        found = (await ask("permissions"))["result"]
        assert found["longest_hours"] == 24
        return [each["uses"] for each in found["permissions"]]

    assert await uses() == [[]]
    for each, under in (("1", permission), ("2", None)):
        await hass.async_add_executor_job(_look, entry, each, under)
    (found,) = await uses()
    assert found is not None
    (use,) = found
    assert (use["name"], use["permission"], use["kind"]) == ("Jiro Gyoda", permission, "playback")
    # That is not yet reading the register.
    assert await async_ledger(hass, entry, EntryKind.REGISTER_READ) == []

    await hass.async_add_executor_job(_look, entry, 3, permission)
    assert await uses() == [None]
    assert (await ask("withdraw", permission=permission))["result"]
    assert await uses() == []


def _look(entry: MockConfigEntry, each: str | int, permission: str | None) -> None:
    """Enter a look; with a number for an id it is one that nobody can read."""
    data: dict[str, Json] = {
        "viewing": each,
        "user": "u",
        "name": "Jiro Gyoda",
        "kind": "playback",
        "camera": DOOR,
        "purpose": "test",
        "client": None,
        "role": "guest",
        "permission": permission,
        "asked": [],
    }
    lobby = entry.runtime_data.bridge.steward.lobby()
    lobby._ledger.append(
        EntryKind.VIEWING_STARTED, actor="Jiro Gyoda", subject=DOOR, data=data, at=lobby.desk.now()
    )


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"])
def test_no_cell_of_a_register_is_a_formula(sign: str) -> None:
    made = table(["x"], ["x"], [{"x": f"{sign}1+1"}, {"x": f"1{sign}1"}, {"x": None}])
    rows = list(csv.reader(StringIO(made.lstrip("\ufeff"), newline="")))
    assert rows == [["x"], [f"'{sign}1+1"], [f"1{sign}1"], [""]]
