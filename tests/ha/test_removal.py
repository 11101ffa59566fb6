"""Removing a camera and a site, step by step, through the real WebSocket stack."""

import io
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from PIL import Image

from custom_components.camera_steward.const import DOMAIN
from custom_components.camera_steward.core.ledger.entry import EntryKind

from .sites import (
    DOOR,
    MANAGER,
    YARD,
    async_ledger,
    camera,
    segments_on_disk,
    state_of,
)
from .watching import Stage, approved, async_quiet

DECIDED = {"decided_on": "2026-01-05", "body": "Board of 5 January"}
NOW = {**DECIDED, "erase": "now", "reason": "The shop moves"}
HOLD = {"reason": "Theft", "requested_by": "Kumagaya Police Station", "days": 3}


@pytest.fixture
async def quiet(
    hass: HomeAssistant,
    disk: Path,
    hass_ws_client: Callable[..., Any],
    hass_client_no_auth: Callable[..., Any],
) -> Stage:
    """Set up a site with footage of two cameras that receive nothing, its manager logged in."""
    return await async_quiet(
        hass,
        disk,
        hass_ws_client,
        hass_client_no_auth,
        camera(DOOR, "door"),
        camera(YARD, "yard"),
        ages=(timedelta(hours=2), timedelta(hours=1)),
    )


async def done(stage: Stage, record: str, *kinds: str) -> None:
    """Let the manager do the tasks of a removal, each with its photo."""
    manager = await stage.hass.auth.async_get_user(MANAGER)
    assert manager is not None
    person = await stage.log_in(manager)
    target = io.BytesIO()
    Image.new("RGB", (64, 36), "grey").save(target, "PNG")
    where = stage.http.make_url(f"/api/{DOMAIN}/{stage.entry.entry_id}/photo")
    async with stage.http.session.post(
        where, data=target.getvalue(), headers=person.headers
    ) as answer:
        photo = (await answer.json())["photo"]
    # All was looked at once, and what changed since is looked at now.
    await stage.entry.runtime_data.copies.async_look()
    await stage.entry.runtime_data.duties.async_look()
    for kind in kinds:
        answers = {"on": "2026-01-06", "photo": photo}
        told = await stage.ask("task_done", task=f"{kind}:removal:{record}", answers=answers)
        assert told["success"], told


async def code(stage: Stage, command: str, **more: Any) -> str:
    """Return the code of an error."""
    return str((await stage.ask(command, **more))["error"]["code"])


async def test_a_camera_is_stopped_erased_taken_down_and_leaves_the_settings(
    quiet: Stage,
) -> None:
    hass, entry = quiet.hass, quiet.entry
    await approved(quiet)
    seen = (await quiet.ask("removal", camera=DOOR))["result"]
    assert (seen["recording"], seen["footage"]["segments"], seen["record"]) == (True, 2, None)
    (waiting,) = seen["disclosures"]
    blocked = await quiet.ask("removal_begin", camera=DOOR, **NOW)
    assert blocked["error"]["code"] == "removal_blocked"
    assert blocked["error"]["translation_placeholders"] == {"needed": waiting["number"]}
    assert state_of(hass, "switch", DOOR, "recording").state == "on"
    # Once it was downloaded, nothing needs the originals.
    assert (await quiet.get(quiet.package))[0] == 200

    for wrong, field in (({"reason": ""}, "reason"), ({"erase": "x"}, "erase")):
        answer = await quiet.ask("removal_begin", camera=DOOR, **NOW | wrong)
        assert answer["error"]["translation_placeholders"] == {"field": field}
    assert len(segments_on_disk(entry, DOOR)) == 2
    made = await quiet.ask("removal_begin", camera=DOOR, **NOW)
    record = made["result"]["record"]
    assert segments_on_disk(entry, DOOR) == []
    assert len(segments_on_disk(entry, YARD)) == 2
    await hass.async_block_till_done()
    switch = state_of(hass, "switch", DOOR, "recording")
    assert switch.state == "off"
    with pytest.raises(HomeAssistantError, match="being removed"):
        await hass.services.async_call(
            "switch", "turn_on", {"entity_id": switch.entity_id}, blocking=True
        )
    (stopped,) = await async_ledger(hass, entry, EntryKind.RECORDING_STOPPED)
    assert (stopped.actor, stopped.data) == ("Hanako Kumagaya", {"why": "removal"})
    (purge,) = await async_ledger(hass, entry, EntryKind.PURGE)
    assert (purge.actor, purge.data["rule"]) == ("Hanako Kumagaya", "decommission")

    # A restart neither records nor erases anything more, whatever is remembered of the switch.
    await entry.runtime_data.memory.async_set_recording(DOOR, True)
    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()
    assert state_of(hass, "switch", DOOR, "recording").state == "off"
    assert len(await async_ledger(hass, entry, EntryKind.PURGE)) == 1
    assert await code(quiet, "removal_begin", camera=DOOR, **NOW) == "removal_open"

    await finished(quiet, record)


async def finished(quiet: Stage, record: str) -> None:
    """Do what is left of a removal of the door, and see what stays of it."""
    hass, entry = quiet.hass, quiet.entry
    assert await code(quiet, "removal_finish", record=record) == "removal_device_left"
    await done(quiet, record, "remove_device")
    assert await code(quiet, "removal_finish", record=record) == "removal_sign_left"
    steps = (await quiet.ask("removal", camera=DOOR, language="ja"))["result"]["steps"]
    assert [(each["done_by"], bool(each["done_at"])) for each in steps] == [
        ("Hanako Kumagaya", True),
        (None, False),
    ]
    await done(quiet, record, "remove_sign")
    answer = await quiet.ask("removal_finish", record=record)
    assert answer["result"] == {"camera": DOOR}
    await hass.async_block_till_done()
    assert entry.state is ConfigEntryState.LOADED, entry.reason
    assert DOOR not in entry.subentries
    assert YARD in entry.subentries
    (gone,) = await async_ledger(hass, entry, EntryKind.CAMERA_REMOVED)
    assert gone.data["segments"] == 0
    await quiet.pledge(quiet.manager)  # the rules name a camera less
    (row,) = (await quiet.ask("records", kind="removal", closed=True))["result"]["records"]
    assert row["fields"]["sign_removed_on"] == "2026-01-06"
    assert row["fields"]["footage_gone_at"]
    assert (row["name"], row["closed_by"]) == ("Door", "Hanako Kumagaya")
    csv = (await quiet.ask("records", kind="removal", as_csv=True, language="ja"))["result"]["csv"]
    assert "直ちに消去" in csv


async def test_a_site_keeps_its_limits_and_its_holds_until_a_person_removes_it(
    quiet: Stage,
) -> None:
    hass, entry = quiet.hass, quiet.entry
    seen = (await quiet.ask("removal", camera=YARD))["result"]
    inquiry = {
        "received_on": "2026-01-05",
        "received_by": "x",
        "way": "phone",
        "content": "x",
        "camera": YARD,
    }
    await quiet.ask("record_save", kind="inquiry", record=None, fields=inquiry)
    now = seen["footage"]["gone_by"]
    span = {"start": seen["footage"]["oldest_at"], "end": seen["footage"]["oldest_at"]}
    assert now > span["start"]
    medium = {"type": "ssd", "serial": "S1", "place": "Office"}
    medium_id = (await quiet.ask("record_save", kind="medium", record=None, fields=medium))[
        "result"
    ]["record"]
    made = await quiet.ask("removal_begin", camera=None, **DECIDED, erase="limit")
    record = made["result"]["record"]
    assert [len(segments_on_disk(entry, each)) for each in (DOOR, YARD)] == [2, 2]
    assert await code(quiet, "removal_begin", camera=YARD, **NOW) == "removal_open"
    seen = (await quiet.ask("removal", camera=None))["result"]
    assert (seen["recording"], len(seen["inquiries"]), len(seen["steps"])) == (False, 1, 3)
    assert seen["record"]["fields"]["cameras"] == "Door\nYard"
    assert seen["record"]["fields"]["footage_gone_by"] == seen["footage"]["gone_by"]
    await done(quiet, record, "remove_device", "remove_sign")
    assert await code(quiet, "removal_finish", record=record) == "removal_medium_left"
    disposed = {**medium, "retired_on": "2026-01-06", "disposal": "destruction"}
    await quiet.ask("record_close", record=medium_id, fields=disposed)
    assert (await quiet.ask("removal_finish", record=record))["result"] == {"camera": None}
    await hass.async_block_till_done()
    assert {DOOR, YARD} <= set(entry.subentries)
    assert [len(segments_on_disk(entry, each)) for each in (DOOR, YARD)] == [2, 2]


async def test_a_removal_is_withdrawn_and_the_camera_records_again(quiet: Stage) -> None:
    made = await quiet.ask("removal_begin", camera=DOOR, **DECIDED, erase="limit")
    record = made["result"]["record"]
    answer = await quiet.ask("removal_withdraw", record=record, reason=" ")
    assert answer["error"]["translation_placeholders"] == {"field": "reason"}
    assert (await quiet.ask("removal_withdraw", record=record, reason="Stays"))["success"]
    assert await code(quiet, "removal_finish", record=record) == "record_missing"
    assert await code(quiet, "removal", camera="nowhere") == "record_invalid"
    bridge = quiet.entry.runtime_data.bridge
    await bridge.async_set_recording(DOOR, True, actor=MANAGER)
    assert len(segments_on_disk(quiet.entry, DOOR)) == 2
