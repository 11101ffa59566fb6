"""The page in the sidebar: its files, and what its commands answer to the manager."""

import csv
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from homeassistant.components import frontend
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import MockUser

from custom_components.camera_steward.const import DOMAIN

from .sites import MANAGER, async_set_up, site
from .texts import ROOT, TEXTS


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


@pytest.mark.parametrize("language", ["en", "ja"])
async def test_the_manager_gets_the_register_in_the_language_of_the_page(
    hass: HomeAssistant, disk: Path, hass_ws_client: Callable[..., Any], language: str
) -> None:
    assert await async_setup_component(hass, DOMAIN, {})
    entry = await async_set_up(hass, site(disk / "vault"))
    manager = MockUser(id=MANAGER, name="Manager").add_to_hass(hass)
    refresh = await hass.auth.async_create_refresh_token(manager, "https://example.test/")
    client = await hass_ws_client(hass, hass.auth.async_create_access_token(refresh))

    async def ask(command: str, **more: Any) -> Any:
        await client.send_json_auto_id(
            {"type": f"{DOMAIN}/{command}", "entry_id": entry.entry_id, **more}
        )
        return await client.receive_json()

    assert (await ask("permissions"))["error"]["translation_key"] == "refused"
    await client.send_json_auto_id({"type": f"{DOMAIN}/own"})
    (own,) = (await client.receive_json())["result"]
    assert (await ask("accept", version=own["version"], language=language))["success"]
    assert (await ask("permissions"))["result"]["longest_hours"] == 24

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
