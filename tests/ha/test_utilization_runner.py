"""What of utilizations runs: a real camera that sees who connects, a real ledger, real threads."""

import socket
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.common import MockConfigEntry, MockUser

from custom_components.camera_steward.bridge import state_directory
from custom_components.camera_steward.const import DOMAIN
from custom_components.camera_steward.core.books import LEDGER_NAME
from custom_components.camera_steward.core.errors import StorageFullError
from custom_components.camera_steward.core.ledger.entry import EntryKind
from custom_components.camera_steward.core.ledger.records import RecordKind
from custom_components.camera_steward.core.policy.task import TaskKind
from custom_components.camera_steward.core.policy.utilization import UtilizationFact
from custom_components.camera_steward.core.policy.utilization_gate import Lacking
from custom_components.camera_steward.core.steward import Steward
from custom_components.camera_steward.core.utilization import pipeline
from custom_components.camera_steward.diagnostics import async_get_config_entry_diagnostics
from custom_components.camera_steward.repairs import Issue, issue_id
from custom_components.camera_steward.utilization_runner import LOST_CAMERA, UtilizationStatus
from tests.cameras import RtspCamera

from .conftest import CLIP
from .sites import (
    DOOR,
    MANAGER,
    async_add_cameras,
    async_ledger,
    async_set_up,
    camera,
    site,
    state_of,
    threads,
    until,
)
from .utilizing import (
    GATE,
    HALL,
    LINE,
    async_add,
    async_change,
    async_do,
    async_look,
    async_open_gate,
    async_switch,
    by_address,
    days_ago,
    runner_of,
    utilization,
)


@pytest.fixture
def street() -> Iterator[RtspCamera]:
    """Run a camera that only utilizations know."""
    with RtspCamera(CLIP, user="viewer", password="hunter2") as camera:
        yield camera


async def begun(hass: HomeAssistant, entry: MockConfigEntry) -> list[tuple[str, str, Any]]:
    """Return what began and ended, and why."""
    found = await async_ledger(
        hass,
        entry,
        EntryKind.UTILIZATION_BEGUN,
        EntryKind.UTILIZATION_ENDED,
        EntryKind.UTILIZATION_REMOVED,
    )
    return [(e.subject, e.kind.removeprefix("utilization_"), e.data.get("why")) for e in found]


def fact(entry: MockConfigEntry, id_: str) -> UtilizationFact:
    """Return a utilization as it was seen last."""
    facts = entry.runtime_data.coordinator.duties.facts
    (found,) = [each for each in facts.utilizations if each.id == id_]
    return cast("UtilizationFact", found)


def stored(storage: dict[str, Any], entry: MockConfigEntry, name: str) -> dict[str, Any]:
    """Return what is in private storage; a change of it is what the next start finds."""
    return cast("dict[str, Any]", storage[f"{DOMAIN}.{entry.entry_id}.{name}"]["data"])


async def async_unload(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """Stop the site."""
    assert await hass.config_entries.async_unload(entry.entry_id)
    await hass.async_block_till_done()
    assert threads() == []


def open_recipient(steward: Steward) -> str:
    """Enter a recipient with its contract; return the record."""
    fields = {
        "name": "Kumagaya Research",
        "conditions": "Counts by the hour, for a year",
        "contract_on": days_ago(30),
        "until": "2030-12-31",
    }
    record = steward.records().open(RecordKind.RECIPIENT, fields, actor="Hanako Kumagaya")
    return record.id


async def until_running(entry: MockConfigEntry, id_: str) -> None:
    """Wait until pictures are looked at."""
    runner = runner_of(entry)
    await until(lambda: runner.count(id_).frames_taken > 0)
    await until(lambda: runner.status(id_) is UtilizationStatus.RUNNING)


async def test_nothing_is_opened_before_the_gate_and_a_change_waits_for_its_notice(
    hass: HomeAssistant, hass_storage: dict[str, Any], disk: Path, street: RtspCamera
) -> None:
    MockUser(id=MANAGER, name="Manager").add_to_hass(hass)
    entry = await async_set_up(hass, site(disk))
    tomorrow = days_ago(-1)
    await async_add(hass, entry, utilization(GATE, start_on=tomorrow, **by_address(street.url)))

    # Before the gate nothing is opened, and all but one thing is not enough.
    await async_look(entry)
    assert runner_of(entry).status(GATE) is UtilizationStatus.PENDING
    await async_open_gate(hass, entry, GATE)
    await async_look(entry)
    assert state_of(hass, "sensor", GATE, "utilization_status").state == "waiting"
    assert (await begun(hass, entry), street.stats()["connections"]) == ([], 0)

    # It begins with the gate, on record.
    await async_change(hass, entry, GATE, start_on=days_ago(0))
    seen = await async_look(entry)
    assert seen.utilization_gates[GATE].open
    assert await begun(hass, entry) == [(GATE, "begun", None)]
    await until_running(entry, GATE)
    (entered,) = await async_ledger(hass, entry, EntryKind.UTILIZATION_BEGUN)
    assert entered.data == {"version": fact(entry, GATE).declared.version}
    connections = street.stats()["connections"]

    # What is declared otherwise waits; the old goes on, also after a restart, and nothing new is opened.
    await async_change(hass, entry, GATE, purpose="To sell what is counted")
    await async_look(entry)
    pending = fact(entry, GATE)
    assert pending.running is not None
    assert (pending.pending, pending.running.purpose) == (True, "To know how many people pass")
    status = state_of(hass, "sensor", GATE, "utilization_status")
    assert (status.state, status.attributes["pending"]) == ("running", True)
    assert street.stats()["connections"] == connections
    # A line that moves is no new purpose.
    await async_change(hass, entry, GATE, view={"lines": [LINE, {**LINE, "name": "Exit"}]})
    await async_look(entry)
    assert state_of(hass, "sensor", GATE, "count_Exit_person_in").state == "0"
    await async_unload(hass, entry)
    assert street.stats()["open"] == 0
    stored(hass_storage, entry, "derived")[GATE]["work"]["totals"]["Gate"]["person_in"] = 7
    await async_set_up(hass, entry)
    assert runner_of(entry).snapshot(GATE) is None
    await async_look(entry)
    await until_running(entry, GATE)
    assert state_of(hass, "sensor", GATE, "count_Gate_person_in").state == "7"
    assert fact(entry, GATE).running == pending.running
    assert await begun(hass, entry) == [(GATE, "begun", None)]

    # With its own notice it takes the place of the old.
    await async_open_gate(hass, entry, GATE)
    seen = await async_look(entry)
    assert not fact(entry, GATE).pending, seen.utilization_gates[GATE]
    assert (await begun(hass, entry))[1:] == [(GATE, "ended", "replaced"), (GATE, "begun", None)]
    await until_running(entry, GATE)
    # What was counted for another purpose is not counted on.
    assert state_of(hass, "sensor", GATE, "count_Gate_person_in").state == "0"


async def test_what_is_lost_switched_off_moved_or_removed_ends_at_once(
    hass: HomeAssistant, hass_storage: dict[str, Any], disk: Path, street: RtspCamera
) -> None:
    MockUser(id=MANAGER, name="Manager").add_to_hass(hass)
    entry = await async_set_up(hass, site(disk, utilization(GATE, **by_address(street.url))))
    await async_open_gate(hass, entry, GATE)
    await async_look(entry)
    await until_running(entry, GATE)

    # Somebody finds the notice gone: it says so.
    await async_do(hass, entry, TaskKind.CHECK_SITE_NOTICE, GATE, notice_there="no", readable="no")
    await async_look(entry)
    assert (await begun(hass, entry))[1:] == [(GATE, "ended", "lost")]
    await until(lambda: street.stats()["open"] == 0)
    assert state_of(hass, "sensor", GATE, "utilization_status").state == "ended"
    lost = ir.async_get(hass).async_get_issue(
        DOMAIN, issue_id(entry, Issue.UTILIZATION_LOST, entry.subentries[GATE])
    )
    assert lost is not None
    assert "notice on the spot" in str(lost.translation_placeholders)
    # Seen again, it begins again.
    seen_again = {"notice_there": "yes", "readable": "yes"}
    await async_do(hass, entry, TaskKind.CHECK_SITE_NOTICE, GATE, **seen_again)
    await async_look(entry)
    await until_running(entry, GATE)
    assert ir.async_get(hass).async_get_issue(DOMAIN, lost.issue_id) is None

    # Switched off it ends at once; on, it begins; another address ends the old, which cannot go on.
    await async_switch(hass, GATE, "off")
    assert (await begun(hass, entry))[3:] == [(GATE, "ended", "switched_off")]
    await until(lambda: street.stats()["open"] == 0)
    await async_look(entry)
    assert state_of(hass, "sensor", GATE, "utilization_status").state == "off"
    await async_switch(hass, GATE, "on")
    await until_running(entry, GATE)
    moved = {**by_address("rtsp://127.0.0.1:1/none"), "address_since": "2026-11-01T00:00:00+00:00"}
    await async_change(hass, entry, GATE, **moved)
    await async_look(entry)
    assert (await begun(hass, entry))[4:] == [(GATE, "begun", None), (GATE, "ended", "replaced")]
    assert runner_of(entry).status(GATE) is UtilizationStatus.PENDING

    # Removed while its notice is pending, nothing is left of it but the ledger.
    hass.config_entries.async_remove_subentry(entry, GATE)
    await hass.async_block_till_done()
    assert (await begun(hass, entry))[6:] == [(GATE, "removed", None)]
    await until(lambda: not [each for each in threads() if "utilization" in each])
    assert hass.states.async_entity_ids("switch") == []
    assert stored(hass_storage, entry, "memory")["runs"] == {}
    assert stored(hass_storage, entry, "derived") == {}
    told = [str(each.as_dict()) for each in hass.states.async_all()]
    assert [each for each in told if "hunter2" in each] == []


async def test_two_on_one_camera_of_the_site_and_what_ends_them(
    hass: HomeAssistant, hass_storage: dict[str, Any], disk: Path, rtsp_camera: RtspCamera
) -> None:
    MockUser(id=MANAGER, name="Manager").add_to_hass(hass)
    await async_add_cameras(hass, door=rtsp_camera.url)
    entry = await async_set_up(
        hass,
        site(
            disk,
            camera(DOOR, "door"),
            utilization(GATE, camera=DOOR),
            utilization(HALL, "other", camera=DOOR, derived="Most people at once"),
        ),
    )
    await async_open_gate(hass, entry, GATE)
    assessed = {TaskKind.ASSESS_CASE: {"assessment": "Nobody is harmed"}}
    await async_open_gate(hass, entry, HALL, assessed)
    await async_look(entry)
    await until_running(entry, GATE)
    await until_running(entry, HALL)
    assert len([each for each in threads() if "utilization" in each]) == 2
    recorded = [name for name in threads() if name == f"camera-steward-{DOOR}"]
    assert len(recorded) == 1

    # A recipient that is added while it runs waits for its notice, contract or not.
    steward = entry.runtime_data.bridge.steward
    record = await hass.async_add_executor_job(open_recipient, steward)
    await async_change(hass, entry, GATE, recipients=[record])
    await async_look(entry)
    found = fact(entry, GATE)
    assert found.running is not None
    assert (found.pending, found.running.recipients) == (True, ())
    assert [each.name for each in found.declared.recipients] == ["Kumagaya Research"]

    # What only one of memory and ledger says did not begin.
    await async_unload(hass, entry)
    stored(hass_storage, entry, "memory")["runs"][GATE]["running"]["version"] = "0" * 64
    await async_set_up(hass, entry)
    await async_look(entry)
    assert runner_of(entry).snapshot(GATE) is None
    assert fact(entry, GATE).running is None
    await until_running(entry, HALL)

    # A camera that is being removed is not looked at any more; where that is withdrawn, it is again.
    decided = {
        "decided_on": days_ago(0),
        "body": "Board",
        "reason": "",
        "medium": "",
        "notified": "",
    }

    def leave() -> str:
        made = steward.removals().begin(
            DOOR,
            {DOOR: "door"},
            decided,
            erase="limit",
            disclosures=[],
            stopped_at=dt_util.utcnow(),
            actor="test",
        )
        return str(made.id)

    steward = entry.runtime_data.bridge.steward
    record = await hass.async_add_executor_job(leave)
    await async_look(entry)
    assert (await begun(hass, entry))[2:] == [(HALL, "ended", "lost")]
    assert runner_of(entry).lost(HALL) == (LOST_CAMERA,)
    withdraw = partial(steward.removals().withdraw, record, reason="It stays", actor="test")
    await hass.async_add_executor_job(withdraw)
    await async_look(entry)
    await until_running(entry, HALL)

    # Removed while it runs.
    hass.config_entries.async_remove_subentry(entry, HALL)
    await hass.async_block_till_done()
    assert (await begun(hass, entry))[4:] == [(HALL, "ended", "removed"), (HALL, "removed", None)]
    assert [each for each in threads() if "utilization" in each] == []


def swapped(state: Path, entry: int, text: str) -> str:
    """Put another text into the ledger; return what was there."""
    with closing(sqlite3.connect(state / LEDGER_NAME)) as database, database:
        ((before,),) = database.execute("SELECT data FROM entries WHERE id = ?", (entry,))
        database.execute("UPDATE entries SET data = ? WHERE id = ?", (text, entry))
    return str(before)


async def test_nothing_runs_while_the_ledger_is_damaged_and_then_all_is_asked_for_anew(
    hass: HomeAssistant, disk: Path
) -> None:
    MockUser(id=MANAGER, name="Manager").add_to_hass(hass)
    by_entity = {"detector": "entity", "detector_entity": "sensor.people"}
    entry = await async_set_up(hass, site(disk, utilization(GATE, "attributes", **by_entity)))
    await async_open_gate(hass, entry, GATE)
    await async_look(entry)
    runner = runner_of(entry)
    assert runner.snapshot(GATE) is not None
    # A look from before it was switched off and on starts nothing past the ledger.
    stale = await async_look(entry)
    for on in (False, True):
        await runner.async_set_wanted(GATE, on, actor="Hanako Kumagaya")
    assert await runner.async_carry_out(stale.facts, stale.utilization_gates)
    assert runner.snapshot(GATE) is None
    await async_look(entry)
    assert runner.snapshot(GATE) is not None

    state = state_directory(hass, entry.entry_id)
    *_, began = await async_ledger(hass, entry, EntryKind.UTILIZATION_BEGUN)
    before = await hass.async_add_executor_job(swapped, state, began.id, "nothing")
    await async_look(entry)
    assert runner_of(entry).snapshot(GATE) is None
    await hass.async_add_executor_job(swapped, state, began.id, before)
    await async_look(entry)
    assert runner_of(entry).snapshot(GATE) is not None
    assert [each for _, each, _ in await begun(hass, entry)] == ["begun", "ended", "begun"]

    await async_unload(hass, entry)
    (state / LEDGER_NAME).write_bytes(b"nothing that can be read")
    await async_set_up(hass, entry)
    seen = await async_look(entry)
    (restart,) = await async_ledger(hass, entry, EntryKind.LEDGER_RESTARTED)
    found = fact(entry, GATE)
    assert (found.declared_at, found.running) == (restart.at, None)
    assert Lacking.PRIOR_NOTICE in seen.utilization_gates[GATE].missing
    assert runner_of(entry).snapshot(GATE) is None
    told = (await async_get_config_entry_diagnostics(hass, entry))["utilizations"][GATE]["state"]
    assert (told["status"], told["frames_persisted"]) == ("pending", 0)


async def test_a_thread_that_hangs_keeps_neither_the_site_nor_a_later_thread_from_running(
    hass: HomeAssistant, disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    MockUser(id=MANAGER, name="Manager").add_to_hass(hass)
    monkeypatch.setattr(pipeline, "_STOP_SECONDS", 0.01)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"rtsp://127.0.0.1:{silent.getsockname()[1]}/silent"
        entry = await async_set_up(hass, site(disk, utilization(GATE, **by_address(url))))
        await async_open_gate(hass, entry, GATE)
        await async_look(entry)
        held, _ = await hass.async_add_executor_job(silent.accept)

        # The view changes, then the site starts anew: nothing runs beside the one that hangs.
        with held:
            await async_change(hass, entry, GATE, view={})
            await async_look(entry)
            assert runner_of(entry).snapshot(GATE) is None
            assert await hass.config_entries.async_reload(entry.entry_id)
            await async_look(entry)
            assert runner_of(entry).snapshot(GATE) is None
            assert len([each for each in threads() if "utilization" in each]) == 1
        await until(lambda: [each for each in threads() if "utilization" in each] == [])
        await async_look(entry)
        assert runner_of(entry).snapshot(GATE) is not None
    await until(lambda: runner_of(entry).status(GATE) is UtilizationStatus.NO_STREAM)


async def test_an_end_that_the_ledger_cannot_take_is_tried_again_at_leisure(
    hass: HomeAssistant, disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    MockUser(id=MANAGER, name="Manager").add_to_hass(hass)
    by_entity = {"detector": "entity", "detector_entity": "sensor.people"}
    entry = await async_set_up(hass, site(disk, utilization(GATE, "attributes", **by_entity)))
    await async_open_gate(hass, entry, GATE)
    seen, runner = await async_look(entry), runner_of(entry)

    def full(*_: Any, **__: Any) -> None:
        raise StorageFullError

    with monkeypatch.context() as disk_full:
        disk_full.setattr(entry.runtime_data.bridge.steward, "remember", full)
        await async_switch(hass, GATE, "off")
        # It has ended all the same, and no look calls for the next one at once.
        assert runner.snapshot(GATE) is None
        assert not await runner.async_carry_out(seen.facts, seen.utilization_gates)
    assert await runner.async_carry_out(seen.facts, seen.utilization_gates)
    assert [kind for _, kind, _ in await begun(hass, entry)] == ["begun", "ended"]

    # What it cannot hand over to be kept does not keep it, or the site, from stopping.
    await async_switch(hass, GATE, "on")
    assert runner.snapshot(GATE) is not None

    def broken(_: pipeline.Pipeline) -> None:
        raise ValueError

    monkeypatch.setattr(pipeline.Pipeline, "kept", broken)
    assert await hass.config_entries.async_unload(entry.entry_id)
    assert runner.snapshot(GATE) is None
