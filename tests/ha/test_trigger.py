"""The triggers, through real automations: whom they name, and that nothing else does."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from homeassistant.components.automation import DATA_COMPONENT
from homeassistant.components.websocket_api import current_connection
from homeassistant.const import EVENT_CALL_SERVICE, MATCH_ALL
from homeassistant.core import Event, HomeAssistant, ServiceCall, callback
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.trigger import async_get_all_descriptions
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.common import MockConfigEntry, MockUser

from custom_components.camera_steward.const import DOMAIN
from custom_components.camera_steward.core.ledger.entry import EntryKind

from .sites import (
    DOOR,
    YARD,
    async_add_cameras,
    async_ask,
    async_ledger,
    async_set_up,
    camera,
    site,
    until,
)
from .watching import ROOT, Stage, let_in, played, token_of

VIEWED, USED = "footage_viewed", "guest_permission_used"
DENIED, UNUSUAL = "viewing_denied", "viewing_unusual"
NAME = "Hanako Kumagaya"


class Told:
    """What automations were told, by their names."""

    def __init__(self, hass: HomeAssistant) -> None:
        """Register an action of a test's own."""
        self.all: list[tuple[str, dict[str, Any]]] = []
        self._hass = hass
        hass.services.async_register("test", "tell", self._tell)

    @callback
    def _tell(self, call: ServiceCall) -> None:
        # Whoever's click it was: an automation is nobody.
        assert call.context.user_id is None
        assert current_connection.get() is None
        self.all.append((call.data["automation"], call.data["trigger"]))

    async def by(self, automation: str, count: int = 1) -> list[dict[str, Any]]:
        """Wait until an automation was told so often; return what."""

        def found() -> list[dict[str, Any]]:
            return [said for name, said in self.all if name == automation]

        await until(lambda: len(found()) >= count)
        await self._hass.async_block_till_done()
        assert len(found()) == count
        return found()

    def names(self) -> set[str]:
        """Return the automations that were told anything."""
        return {name for name, _ in self.all}


async def automate(hass: HomeAssistant, **triggers: tuple[str, dict[str, Any]]) -> Told:
    """Make automations by name, each of a trigger and its options."""
    told = Told(hass)
    config = [
        {
            "id": name,
            "alias": name,
            "triggers": [{"trigger": f"{DOMAIN}.{trigger}", "options": options}],
            "actions": [
                {
                    "action": "test.tell",
                    "data": {
                        "automation": name,
                        "trigger": "{{ dict(trigger, at=trigger.at.isoformat()) }}",
                    },
                }
            ],
        }
        for name, (trigger, options) in triggers.items()
    ]
    assert await async_setup_component(hass, "automation", {"automation": config})
    await hass.async_block_till_done()
    automations = list(hass.data[DATA_COMPONENT].entities)
    assert len(automations) == len(config)
    assert all(each.available for each in automations)
    return told


def device_of(hass: HomeAssistant, entry: MockConfigEntry, owner: str) -> str:
    return dr.async_get_device_id_by_identifier(
        hass, (DOMAIN, owner), config_entry_id=entry.entry_id
    )


def everything_said(hass: HomeAssistant) -> Callable[[], str]:
    """Begin to listen to the bus; return what reads all events and all states as one text.

    The logbook and the recorder know no more than that. The call of the automation's own action is
    left out: it is what an administrator makes of it.
    """
    events: list[str] = []

    @callback
    def listen(event: Event[Any]) -> None:
        if (event.event_type, event.data.get("domain")) != (EVENT_CALL_SERVICE, "test"):
            events.append(f"{event.event_type} {event.data}")

    hass.bus.async_listen(MATCH_ALL, listen)
    return lambda: "\n".join([*events, *(str(each.as_dict()) for each in hass.states.async_all())])


async def test_a_look_is_told_to_automations_and_to_nothing_else(stage: Stage) -> None:
    hass = stage.hass
    said = everything_said(hass)
    here = {"config_entry_id": stage.entry.entry_id}
    told = await automate(hass, **{each: (each, here) for each in (VIEWED, USED, DENIED, UNUSUAL)})
    assert not (await stage.browse(stage.manager, ROOT))["success"]
    (denied,) = await told.by(DENIED)
    of_us = {"platform", "id", "idx", "alias", "description"}
    assert {k: v for k, v in denied.items() if k not in of_us | {"at"}} == {
        "site": stage.entry.title,
        **here,
        "name": NAME,
        "kind": "browse",
        "camera": None,
        "purpose": None,
        "refusal": "not_pledged",
    }
    await let_in(stage)
    assert told.names() == {DENIED}  # nothing was seen yet
    await played(stage)
    (viewed,) = await told.by(VIEWED)
    common = {
        "site": stage.entry.title,
        **here,
        "name": NAME,
        "role": "manager",
        "kind": "playback",
        "camera": "Door",
        "purpose": "incident_check",
    }
    assert {k: v for k, v in viewed.items() if k not in of_us | {"at"}} == common
    (started,) = await async_ledger(hass, stage.entry, EntryKind.VIEWING_STARTED)
    at = datetime.fromisoformat(viewed["at"])
    assert at == started.at
    assert at.utcoffset() == dt_util.now().utcoffset()
    (unusual,) = await told.by(UNUSUAL)
    assert unusual["reasons"][0] == "first"
    assert {k: v for k, v in unusual.items() if k not in of_us | {"at", "reasons"}} == common
    assert USED not in told.names()

    text = said()
    assert "automation_triggered" in text
    for secret in (NAME, "incident_check", "not_pledged", "playback", "'first'"):
        assert secret not in text, secret
    # What the logbook of every login says of it.
    assert {viewed["description"], unusual["description"], denied["description"]} == {
        "Camera Steward"
    }


async def test_who_is_not_known_is_nobody(stage: Stage) -> None:
    told = await automate(stage.hass, denied=(DENIED, {}))
    picture = f"/api/{DOMAIN}/{stage.entry.entry_id}/picture/incident_check/{DOOR}/1"
    assert (await stage.get(picture))[0] == HTTPStatus.FORBIDDEN
    (denied,) = await told.by("denied")
    assert (denied["name"], denied["kind"], denied["refusal"]) == ("nobody", "still", "nobody")
    assert denied["camera"] == "Door"


async def test_a_guest_is_told_as_such_until_all_permissions_are_ended(stage: Stage) -> None:
    hass = stage.hass
    told = await automate(hass, viewed=(VIEWED, {}), used=(USED, {}), denied=(DENIED, {}))
    guest = MockUser(name="login of the guest").add_to_hass(hass)
    _, token = await token_of(hass, guest)
    client = await stage.clients(hass, token)
    await let_in(stage)
    now = datetime.now(UTC)
    given = await stage.ws(
        stage.manager,
        f"{DOMAIN}/permit",
        entry_id=stage.entry.entry_id,
        user_id=guest.id,
        name="Jiro Gyoda",
        cameras=[DOOR],
        start=(now - timedelta(hours=1)).isoformat(),
        end=(now + timedelta(hours=1)).isoformat(),
        reason="A broken window",
    )
    assert given["success"]
    await stage.pledge(client)
    answer = await stage.ws(client, "media_source/resolve_media", media_content_id=stage.clip)
    stage.play = answer["result"]["url"]
    addresses, _ = await played(stage)
    (used,) = await told.by("used")
    (viewed,) = await told.by("viewed")
    different = {"id", "idx", "alias"}
    assert {k: v for k, v in used.items() if k not in different | {"platform"}} == {
        k: v for k, v in viewed.items() if k not in different | {"platform"}
    }
    assert (used["name"], used["role"], used["camera"]) == ("Jiro Gyoda", "guest", "Door")
    assert "A broken window" not in str(told.all)

    assert await async_ask(hass, "end_guest_permissions", config_entry_id=stage.entry.entry_id) == {
        "ended": 1
    }
    (ended,) = await async_ledger(hass, stage.entry, EntryKind.PERMISSION_ENDED)
    assert (ended.actor, ended.subject) == ("automation", guest.id)
    assert (await stage.get(addresses[1]))[0] == HTTPStatus.FORBIDDEN
    (denied,) = await told.by("denied")
    assert (denied["name"], denied["refusal"]) == ("Jiro Gyoda", "ended")


async def test_options_choose_by_site_camera_kind_and_reason(stage: Stage) -> None:
    hass, entry = stage.hass, stage.entry
    here = {"config_entry_id": entry.entry_id}
    told = await automate(
        hass,
        site=(VIEWED, here),
        camera=(VIEWED, {"device_id": device_of(hass, entry, DOOR)}),
        cameras_of_site=(VIEWED, {"device_id": [device_of(hass, entry, entry.entry_id)]}),
        playback=(VIEWED, {"kind": ["live", "playback"]}),
        nothing_chosen=(VIEWED, {"device_id": [], "kind": []}),
        first=(UNUSUAL, {**here, "reason": "first"}),
        other_site=(VIEWED, {"config_entry_id": "01NOSUCHSITE"}),
        other_camera=(VIEWED, {"device_id": ["no such device"]}),
        other_kind=(VIEWED, {"kind": "live"}),
        other_reason=(UNUSUAL, {"reason": ["bulk"]}),
    )
    await let_in(stage)
    await played(stage)
    chosen = {"site", "camera", "cameras_of_site", "playback", "nothing_chosen", "first"}
    for each in chosen:
        await told.by(each)
    assert told.names() == chosen


@pytest.mark.parametrize(
    ("trigger", "options"),
    [
        (VIEWED, {"kind": "browse"}),
        (VIEWED, {"reason": "first"}),
        (UNUSUAL, {"reason": "blue"}),
        (DENIED, {"device_id": "any"}),
        (USED, {"name": "Hanako"}),
    ],
)
async def test_an_option_that_there_is_not_is_refused(
    hass: HomeAssistant, trigger: str, options: dict[str, Any]
) -> None:
    with pytest.raises(AssertionError):
        await automate(hass, refused=(trigger, options))
    (refused,) = hass.data[DATA_COMPONENT].entities
    assert not refused.available


async def test_a_trigger_waits_for_a_site_that_comes_later_and_outlives_its_reload(
    hass: HomeAssistant, disk: Path, hass_ws_client: Callable[..., Any]
) -> None:
    for each in ("websocket_api", "media_source", DOMAIN):
        assert await async_setup_component(hass, each, {})
    entry = site(disk / "vault", camera(YARD, "yard"))
    await async_add_cameras(hass, yard="rtsp://127.0.0.1:1/none")
    told = await automate(hass, denied=(DENIED, {"config_entry_id": entry.entry_id}))
    resident = MockUser(name="Resident").add_to_hass(hass)
    _, token = await token_of(hass, resident)
    client = await hass_ws_client(hass, token)

    async def try_it() -> None:
        await client.send_json_auto_id(
            {"type": "media_source/browse_media", "media_content_id": ROOT}
        )
        assert not (await client.receive_json())["success"]

    await try_it()
    await async_set_up(hass, entry)
    await try_it()
    await told.by("denied", 1)
    for count in (2, 3):
        assert await hass.config_entries.async_reload(entry.entry_id)
        await hass.async_block_till_done()
        await try_it()
        assert {each["name"] for each in await told.by("denied", count)} == {"Resident"}
    await hass.services.async_call("automation", "turn_off", {"entity_id": "all"}, blocking=True)
    assert await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()
    await try_it()
    entries = await async_ledger(hass, entry, EntryKind.VIEWING_DENIED)
    assert len(entries) == 4
    await told.by("denied", 3)


async def test_the_editor_knows_the_triggers_and_their_fields(hass: HomeAssistant) -> None:
    assert await async_setup_component(hass, DOMAIN, {})
    assert await async_setup_component(hass, "automation", {})
    await hass.async_block_till_done()
    found = await async_get_all_descriptions(hass)
    fields = {
        key.removeprefix(f"{DOMAIN}."): set((each or {}).get("fields", {}))
        for key, each in found.items()
        if key.startswith(f"{DOMAIN}.")
    }
    assert fields == {
        VIEWED: {"config_entry_id", "device_id", "kind"},
        USED: {"config_entry_id", "device_id", "kind"},
        DENIED: {"config_entry_id"},
        UNUSUAL: {"config_entry_id", "device_id", "reason"},
        "control_due": {"config_entry_id", "device_id"},
        "control_breached": {"config_entry_id", "device_id"},
        "control_restored": {"config_entry_id", "device_id"},
        "task_due": {"config_entry_id", "device_id", "task"},
        "task_overdue": {"config_entry_id", "device_id", "task"},
    }


async def test_only_administrators_can_subscribe_to_a_trigger(
    hass: HomeAssistant, hass_ws_client: Callable[..., Any]
) -> None:
    assert await async_setup_component(hass, DOMAIN, {})
    resident = MockUser(name="Resident").add_to_hass(hass)
    _, token = await token_of(hass, resident)
    client = await hass_ws_client(hass, token)
    await client.send_json_auto_id(
        {"type": "subscribe_trigger", "trigger": {"trigger": f"{DOMAIN}.{VIEWED}"}}
    )
    answer = await client.receive_json()
    assert answer["error"]["code"] == "unauthorized"
