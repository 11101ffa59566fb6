"""The recovery kit: for the manager alone, on record, in no log, and asked for until it was taken."""

import logging
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import MockUser

from custom_components.camera_steward import commands
from custom_components.camera_steward.const import DOMAIN
from custom_components.camera_steward.core.ledger.entry import EntryKind
from custom_components.camera_steward.core.vault.kit import key_from
from custom_components.camera_steward.keys import async_load, async_renew_site_key
from custom_components.camera_steward.repairs import Issue, issue_id

from .sites import DOOR, MANAGER, async_ledger, async_set_up, camera, site
from .watching import token_of


async def test_the_manager_takes_the_kit_and_the_ledger_says_so(
    hass: HomeAssistant,
    disk: Path,
    hass_ws_client: Callable[..., Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert await async_setup_component(hass, DOMAIN, {})
    entry = await async_set_up(
        hass, site(disk / "vault", camera(DOOR, "door"), title="<b>Tom & Jerry</b>")
    )
    reminder = issue_id(entry, Issue.RECOVERY_KIT)

    def reminded() -> bool:
        return ir.async_get(hass).async_get_issue(DOMAIN, reminder) is not None

    assert reminded()
    manager = MockUser(id=MANAGER, name="Manager").add_to_hass(hass)
    _, token = await token_of(hass, manager)
    client = await hass_ws_client(hass, token)

    async def ask(command: str, **more: Any) -> dict[str, Any]:
        here = {} if command == "own" else {"entry_id": entry.entry_id}
        await client.send_json_auto_id({"type": f"{DOMAIN}/{command}", **here, **more})
        return dict(await client.receive_json())

    assert (await ask("recovery_kit", language="en"))["error"]["code"] == "refused"
    (own,) = (await ask("own"))["result"]
    assert (await ask("accept", version=own["version"], language="ja"))["success"]
    assert (await ask("recovery_kit_taken"))["result"] is None

    # Never while every answer goes into the log.
    logging.getLogger(commands._ANSWERS.name).setLevel(logging.DEBUG)
    assert (await ask("recovery_kit", language="en"))["error"]["code"] == "answers_logged"
    assert not await async_ledger(hass, entry, EntryKind.RECOVERY_KIT_TAKEN)
    logging.getLogger(commands._ANSWERS.name).setLevel(logging.NOTSET)
    assert reminded()

    caplog.set_level(logging.INFO)
    keys = await async_load(hass, entry.entry_id)
    assert keys is not None
    for language, title in (("en", "Recovery kit"), ("ja", "復旧キット")):
        page = (await ask("recovery_kit", language=language))["result"]["html"]
        assert f"<h1>{title}</h1>" in page
        assert "&lt;b&gt;Tom &amp; Jerry&lt;/b&gt;" in page
        assert "<b>" not in page
        assert str(disk / "vault") in page
        assert entry.data["vault_id"] in page
        (code,) = re.findall(r'<pre id="code">(.*?)</pre>', page, re.DOTALL)
        assert key_from(code) == keys.site_key
        lines = code.splitlines()
        assert not any(line in caplog.text for line in lines)
        assert keys.signing_key.hex() not in page
    assert not reminded()
    taken = await async_ledger(hass, entry, EntryKind.RECOVERY_KIT_TAKEN)
    assert [(each.actor, each.data["mark"]) for each in taken] == [
        ("Hanako Kumagaya", entry.data["key_mark"])
    ] * 2
    assert not any(line in repr([each.data for each in taken]) for line in lines)
    told = (await ask("recovery_kit_taken"))["result"]
    assert (told["name"], told["valid"]) == ("Hanako Kumagaya", True)

    # A key that was renewed needs another kit.
    assert await hass.config_entries.async_unload(entry.entry_id)
    mark = await async_renew_site_key(hass, entry.entry_id)
    hass.config_entries.async_update_entry(entry, data={**entry.data, "key_mark": mark})
    await async_set_up(hass, entry)
    assert reminded()
    told = (await ask("recovery_kit_taken"))["result"]
    assert told["valid"] is False
