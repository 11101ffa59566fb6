"""Who may watch, over the real HTTP and WebSocket stack: all doors, all kinds of people."""

from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any

import pytest
from homeassistant.components import media_source
from homeassistant.components.http.ban import KEY_FAILED_LOGIN_ATTEMPTS
from homeassistant.components.media_source import Unresolvable
from pytest_homeassistant_custom_component.common import MockUser

from custom_components.camera_steward.const import DOMAIN
from custom_components.camera_steward.core.ledger.entry import EntryKind

from .sites import DOOR, MANAGER, async_ledger
from .watching import ROOT, Stage, let_in, pictures, played, token_of

VIEWS = {
    f"/api/{DOMAIN}/{{entry_id}}/watch/{{token}}/{{file}}",
    f"/api/{DOMAIN}/{{entry_id}}/picture/{{purpose}}/{{camera}}/{{sequence}}",
}
MANAGERS = ("permissions", "permit", "withdraw", "viewings")
COMMANDS = {f"{DOMAIN}/{each}" for each in ("own", "accept", *MANAGERS)}


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
