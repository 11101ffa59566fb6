"""How duties stand, told and carried out: real ledger, real vault, real automations."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from aiohttp.test_utils import TestClient
from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.automation import DATA_COMPONENT
from homeassistant.config_entries import ConfigSubentry
from homeassistant.core import HomeAssistant, ServiceCall, callback
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import device_registry as dr, issue_registry as ir
from homeassistant.helpers.condition import async_get_all_descriptions
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import MockConfigEntry, MockUser

from custom_components.camera_steward.bridge import state_directory
from custom_components.camera_steward.condition import async_get_conditions
from custom_components.camera_steward.const import DOMAIN
from custom_components.camera_steward.core.books import LEDGER_NAME
from custom_components.camera_steward.core.ledger.entry import EntryKind
from custom_components.camera_steward.core.policy.gate import Missing
from custom_components.camera_steward.core.policy.states import State, Subject, SubjectKind
from custom_components.camera_steward.core.policy.task import TaskKind, TaskState
from custom_components.camera_steward.core.retention.guard import ClockState
from custom_components.camera_steward.duties import DutiesLook
from custom_components.camera_steward.repairs import Issue, issue_id

from .sites import (
    DOOR,
    MANAGER,
    YARD,
    Kernel,
    async_add_cameras,
    async_ledger,
    async_set_up,
    camera,
    entity_id,
    site,
    state_of,
)
from .watching import token_of

NAME = "Hanako Kumagaya"
SIGN, VIEW = "kumagaya-2019/2-3b", "kumagaya-2019/2-2a"
MANAGED, RULES = "kumagaya-2019/3-1-(1)a", "kumagaya-2019/4-1-(1)"
DARK = "rtsp://127.0.0.1:1/none"


async def manned(hass: HomeAssistant, disk: Path, *cameras: str, **more: Any) -> MockConfigEntry:
    """Set up a site whose manager can log in."""
    MockUser(id=MANAGER, name="Manager").add_to_hass(hass)
    await async_add_cameras(hass, door=DARK, yard=DARK)
    ids = {"door": DOOR, "yard": YARD}
    subentries = [camera(ids[each], each) for each in cameras or ("door",)]
    return await async_set_up(hass, site(disk, *subentries, **more))


async def look(entry: MockConfigEntry) -> DutiesLook:
    """Look at everything now."""
    running = entry.runtime_data
    await running.bridge.async_purge(actor=None)
    await running.coordinator.async_refresh()
    await running.duties.async_look()
    seen: DutiesLook = running.coordinator.duties
    return seen


def state(seen: DutiesLook, control: str, owner: str | None = None) -> State:
    """Return how a control stands."""
    (found,) = [
        each.state
        for each in seen.states
        if each.control == control and owner in (None, each.subject.id)
    ]
    return found


async def do(
    hass: HomeAssistant, entry: MockConfigEntry, kind: TaskKind, owner: str, **answers: Any
) -> None:
    """Let the manager say that a task was done."""
    seen = entry.runtime_data.coordinator.duties
    (task,) = [each for each in seen.tasks if (each.kind, each.subject.id) == (kind, owner)]
    steward = entry.runtime_data.bridge.steward
    more = {"sign_version": seen.facts.sign_version} if kind is TaskKind.POST_SIGN else {}
    await hass.async_add_executor_job(
        lambda: steward.tasks().do(task, answers, user=MANAGER, seen=more)
    )


async def complete(hass: HomeAssistant, entry: MockConfigEntry, *cameras: str) -> DutiesLook:
    """Do all that cameras need to record."""
    seen = await look(entry)
    await entry.runtime_data.bridge.async_remember(
        EntryKind.RULES_ADOPTED,
        actor=NAME,
        subject=entry.entry_id,
        data={
            "version": seen.facts.rules.running_version,
            "adopted_on": "2026-11-25",
            "body": "Meeting",
            "articles": dict(seen.rules.digests),
        },
    )
    for each in cameras:
        await do(hass, entry, TaskKind.POST_SIGN, each, where="At the door", photo="0" * 32)
    return await look(entry)


async def changed(hass: HomeAssistant, entry: MockConfigEntry) -> list[tuple[Any, Any, Any]]:
    """Return the changes on record: control, was, now."""
    found = await async_ledger(hass, entry, EntryKind.CONTROL_CHANGED)
    return [(e.data["control"], e.data["was"], e.data["now"]) for e in found if "was" in e.data]


def raised(hass: HomeAssistant, entry: MockConfigEntry, issue: Issue) -> ir.IssueEntry | None:
    return ir.async_get(hass).async_get_issue(DOMAIN, issue_id(entry, issue))


async def switch_on(hass: HomeAssistant, owner: str = DOOR) -> None:
    await hass.services.async_call(
        "switch",
        "turn_on",
        {"entity_id": entity_id(hass, "switch", owner, "recording")},
        blocking=True,
    )


def recording(hass: HomeAssistant, owner: str = DOOR) -> bool:
    return state_of(hass, "switch", owner, "recording").state == "on"


def clock(entry: MockConfigEntry) -> ClockState:
    """Return how the clock stood when it was last looked at."""
    found: ClockState = entry.runtime_data.coordinator.data.clock
    return found


async def test_a_new_site_is_told_what_needs_attention_and_what_was_done_is_evidence(
    hass: HomeAssistant, disk: Path
) -> None:
    entry = await manned(hass, disk, "door", "yard")
    seen = await look(entry)
    whole = state_of(hass, "sensor", entry.entry_id, "controls")
    assert int(whole.state) == seen.attention() == sum(e.needs_attention for e in seen.states)
    assert whole.attributes["due"] == seen.counts()[State.DUE] > 0
    assert whole.attributes["next_at"] is not None
    door = state_of(hass, "sensor", DOOR, "controls")
    assert 0 < int(door.state) < int(whole.state)
    assert state_of(hass, "binary_sensor", entry.entry_id, "duties").state == "off"
    assert state_of(hass, "sensor", DOOR, "next_inspection").state != "unknown"
    assert state_of(hass, "sensor", DOOR, "next_sign_check").state != "unknown"
    provisional = raised(hass, entry, Issue.RECORDING_PROVISIONAL)
    assert provisional is not None
    assert provisional.translation_placeholders is not None
    assert "Door" in provisional.translation_placeholders["cameras"]
    assert state(seen, SIGN, DOOR) is State.DUE

    # What was judged first is one entry, and a look that finds the same adds none.
    (first,) = await async_ledger(hass, entry, EntryKind.CONTROL_CHANGED)
    assert first.actor == "steward"
    assert isinstance(first.data["first"], list)
    assert len(first.data["first"]) == len(seen.states) + 1
    since = dict(seen.since)
    await look(entry)
    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()
    again = await look(entry)
    assert await async_ledger(hass, entry, EntryKind.CONTROL_CHANGED) == [first]
    assert again.since == since

    await do(hass, entry, TaskKind.APPROVE_VIEW, DOOR, minimum=True)
    after = await look(entry)
    assert await changed(hass, entry) == [(VIEW, "due", "evidence_held")]
    (held,) = [e for e in after.states if e.control == VIEW and e.subject.id == DOOR]
    assert (held.state, held.checked_by) == (State.EVIDENCE_HELD, NAME)
    key = (VIEW, Subject(SubjectKind.CAMERA, DOOR))
    assert after.since[key] > since[key]
    await complete(hass, entry, DOOR, YARD)
    assert raised(hass, entry, Issue.RECORDING_PROVISIONAL) is None

    told = [str(each.as_dict()) for each in hass.states.async_all()]
    told += [str(each.translation_placeholders) for each in ir.async_get(hass).issues.values()]
    assert [each for each in told if NAME in each or MANAGER in each] == []


async def test_recording_ends_when_its_days_are_over_and_begins_again_when_all_is_there(
    hass: HomeAssistant,
    disk: Path,
    freezer: FrozenDateTimeFactory,
    kernel: Kernel,
    hass_client: Callable[..., Any],
    hass_admin_user: MockUser,
) -> None:
    assert await async_setup_component(hass, "repairs", {})
    entry = await manned(hass, disk, "door", "yard")
    await look(entry)
    freezer.tick(timedelta(days=13))
    await look(entry)
    assert recording(hass)

    # A clock that nobody vouches for ends nothing, noticed by then or not.
    kernel.vouches = False
    freezer.tick(timedelta(days=400))
    await entry.runtime_data.duties.async_look()
    assert clock(entry) is ClockState.TRUSTED
    await look(entry)
    assert clock(entry) is ClockState.SUSPENDED
    await entry.runtime_data.coordinator.async_refresh()
    assert recording(hass)
    assert raised(hass, entry, Issue.RECORDING_GATED) is None

    kernel.vouches = True
    await look(entry)
    await entry.runtime_data.coordinator.async_refresh()
    assert not recording(hass)
    stopped = [
        each
        for each in await async_ledger(hass, entry, EntryKind.RECORDING_STOPPED)
        if each.data.get("why") == "gate"
    ]
    assert {(each.subject, each.actor) for each in stopped} == {
        (DOOR, "steward"),
        (YARD, "steward"),
    }
    await look(entry)
    assert raised(hass, entry, Issue.RECORDING_PROVISIONAL) is None
    assert state_of(hass, "binary_sensor", entry.entry_id, "duties").state == "on"
    gated = raised(hass, entry, Issue.RECORDING_GATED)
    assert gated is not None
    with pytest.raises(ServiceValidationError) as refused:
        await switch_on(hass)
    assert refused.value.translation_key == "recording_gated"
    assert refused.value.translation_placeholders is not None
    assert "adopted rules" in refused.value.translation_placeholders["missing"]
    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()
    assert not recording(hass)

    # With the door complete, the repair records there again, and says that the yard is not.
    await complete(hass, entry, DOOR)
    assert not recording(hass)
    client = await hass_client((await token_of(hass, hass_admin_user))[1])
    assert await mend(client, issue_id(entry, Issue.RECORDING_GATED)) == "still_missing"
    assert (recording(hass), recording(hass, YARD)) == (True, False)
    await do(hass, entry, TaskKind.POST_SIGN, YARD, where="At the gate", photo="0" * 32)
    await switch_on(hass, YARD)
    assert recording(hass, YARD)
    await look(entry)
    assert raised(hass, entry, Issue.RECORDING_GATED) is None


async def mend(client: TestClient[Any, Any], issue: str) -> str | None:
    """Open a repair and press its button; return why it is not mended."""
    begun = await client.post(
        "/api/repairs/issues/fix", json={"handler": DOMAIN, "issue_id": issue}
    )
    flow = await begun.json()
    assert (flow["type"], flow["step_id"]) == ("form", "confirm")
    answer = await client.post(f"/api/repairs/issues/fix/{flow['flow_id']}", json={})
    reason: str | None = (await answer.json()).get("reason")
    return reason


async def test_a_manager_whose_login_is_gone_gives_days_and_not_an_end_at_once(
    hass: HomeAssistant, disk: Path, freezer: FrozenDateTimeFactory, kernel: Kernel
) -> None:
    entry = await manned(hass, disk)
    await complete(hass, entry, DOOR)
    freezer.tick(timedelta(days=100))
    seen = await look(entry)
    assert seen.gates[DOOR].missing == ()
    user = await hass.auth.async_get_user(MANAGER)
    assert user is not None
    await hass.auth.async_remove_user(user)
    gone = await look(entry)
    assert state(gone, MANAGED) is State.DUE
    assert gone.facts.manager is not None
    assert not gone.facts.manager.login
    until_at = gone.gates[DOOR].provisional_until
    assert until_at == gone.looked_at + timedelta(days=14)
    assert (MANAGED, "evidence_held", "due") in await changed(hass, entry)
    freezer.tick(timedelta(days=13))
    # From the ledger, also after a restart.
    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()
    later = await look(entry)
    assert later.gates[DOOR].provisional_until == until_at
    assert recording(hass)
    freezer.tick(timedelta(days=2))
    await look(entry)
    await entry.runtime_data.coordinator.async_refresh()
    assert not recording(hass)


async def test_a_ledger_that_was_damaged_does_not_end_recording_at_once(
    hass: HomeAssistant, disk: Path, freezer: FrozenDateTimeFactory, kernel: Kernel
) -> None:
    entry = await manned(hass, disk)
    await complete(hass, entry, DOOR)
    freezer.tick(timedelta(days=100))
    assert (await look(entry)).gates[DOOR].missing == ()
    await hass.config_entries.async_unload(entry.entry_id)
    (state_directory(hass, entry.entry_id) / LEDGER_NAME).write_bytes(b"nothing that can be read")
    await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    (restart,) = await async_ledger(hass, entry, EntryKind.LEDGER_RESTARTED)
    gate = (await look(entry)).gates[DOOR]
    # What was done before is not on record any more, and is asked for anew.
    assert set(gate.missing) == {Missing.RULES, Missing.SIGN}
    assert gate.provisional_until == restart.at + timedelta(days=14)
    await entry.runtime_data.coordinator.async_refresh()
    assert recording(hass)


async def test_who_left_is_known_from_the_ledger(hass: HomeAssistant, disk: Path) -> None:
    entry = await manned(hass, disk)
    taro = MockUser(name="Taro").add_to_hass(hass)
    data = {"user_id": taro.id, "name": "Taro Fukaya", "since": "2026-01-01", "until": ""}
    appointment = ConfigSubentry(
        data=MappingProxyType(data), subentry_type="operator", title="Taro Fukaya", unique_id=None
    )
    hass.config_entries.async_add_subentry(entry, appointment)
    await hass.async_block_till_done()

    def about(seen: DutiesLook, user: str) -> set[TaskKind]:
        return {each.kind for each in seen.tasks if each.subject.id == user}

    seen = await look(entry)
    assert about(seen, taro.id) == {TaskKind.PLEDGE, TaskKind.BRIEF}
    # Days count from when someone was entered here, whatever day they are appointed from.
    (brief,) = [e for e in seen.tasks if (e.kind, e.subject.id) == (TaskKind.BRIEF, taro.id)]
    assert brief.due_at > seen.looked_at + timedelta(days=13)
    hass.config_entries.async_remove_subentry(entry, appointment.subentry_id)
    await hass.async_block_till_done()
    assert about(await look(entry), taro.id) == {TaskKind.LEAVE}

    jiro = MockUser(name="Jiro").add_to_hass(hass)
    changed_to = {"manager_user_id": jiro.id, "manager_name": "Jiro Gyoda"}
    hass.config_entries.async_update_entry(entry, data={**entry.data, **changed_to})
    await hass.async_block_till_done()
    seen = await look(entry)
    assert TaskKind.LEAVE in about(seen, MANAGER)
    assert TaskKind.BRIEF in about(seen, jiro.id)


class Told:
    """What automations were told, by their names."""

    def __init__(self, hass: HomeAssistant) -> None:
        self.all: list[tuple[str, dict[str, Any]]] = []
        hass.services.async_register("test", "tell", self._tell)

    @callback
    def _tell(self, call: ServiceCall) -> None:
        self.all.append((call.data["automation"], call.data["trigger"]))

    def by(self, automation: str) -> list[dict[str, Any]]:
        """Return what an automation was told."""
        return [said for name, said in self.all if name == automation]


async def automate(hass: HomeAssistant, *automations: dict[str, Any]) -> Told:
    """Make automations that tell what set them off."""
    told = Told(hass)
    for each in automations:
        trigger = "{{ dict(trigger, at=trigger.at | string, due_at=trigger.due_at | string) }}"
        data = {"automation": each["alias"], "trigger": trigger}
        each["actions"] = [{"action": "test.tell", "data": data}]
    assert await async_setup_component(hass, "automation", {"automation": list(automations)})
    await hass.async_block_till_done()
    assert all(each.available for each in hass.data[DATA_COMPONENT].entities)
    return told


async def test_triggers_and_conditions_tell_of_duties_and_of_nobody(
    hass: HomeAssistant, disk: Path, freezer: FrozenDateTimeFactory, kernel: Kernel
) -> None:
    entry = await manned(hass, disk, "door", "yard")
    door = dr.async_get_device_id_by_identifier(
        hass, (DOMAIN, DOOR), config_entry_id=entry.entry_id
    )
    here = {"config_entry_id": entry.entry_id}
    of_door = {**here, "device_id": [door]}

    def alias(trigger: str, options: dict[str, Any], *conditions: Any) -> dict[str, Any]:
        return {
            "alias": f"{trigger} {len(options)}{len(conditions)}",
            "triggers": [{"trigger": f"{DOMAIN}.{trigger}", "options": options}],
            "conditions": [
                {"condition": f"{DOMAIN}.{name}", "options": more} for name, more in conditions
            ],
        }

    breached = ("controls_need_attention", {**of_door, "state": ["breached"]})
    signs_late = ("task_overdue", {"task": ["check_sign"]})
    told = await automate(
        hass,
        alias("control_restored", of_door),
        alias("control_breached", {}),
        alias("control_breached", here, breached),
        alias("control_breached", here, breached, signs_late),
        alias("control_due", of_door),
        alias("task_due", {**of_door, "task": ["check_sign"]}),
        alias("task_overdue", {**of_door, "task": ["check_sign"]}),
        alias("task_overdue", here, breached),
    )
    await look(entry)
    assert told.all == []  # all of it is new: nothing changed yet
    await complete(hass, entry, DOOR, YARD)
    restored = {each["control"] for each in told.by("control_restored 20")}
    assert SIGN in restored
    assert {each["camera"] for each in told.by("control_restored 20")} == {"Door"}

    freezer.tick(timedelta(days=85))
    await look(entry)
    await hass.async_block_till_done()
    (due,) = told.by("task_due 30")
    assert (due["task"], due["title"], due["camera"]) == ("check_sign", "Check the sign", "Door")
    freezer.tick(timedelta(days=10))
    seen = await look(entry)
    await look(entry)
    await hass.async_block_till_done()
    (late,) = told.by("task_overdue 30")
    assert late["task"] == "check_sign"
    assert told.by("task_overdue 11") == []  # nothing is breached at the door
    assert any(each.state is TaskState.OVERDUE for each in seen.tasks)

    await do(hass, entry, TaskKind.CHECK_SIGN, DOOR, sign_there="no", readable="no")
    await look(entry)
    await hass.async_block_till_done()
    assert SIGN in {each["control"] for each in told.by("control_breached 00")}
    assert told.by("control_breached 11")
    # The yard's sign is late still.
    assert told.by("control_breached 12")
    issue = raised(hass, entry, Issue.CONTROL_BREACHED)
    assert issue is not None
    assert issue.translation_placeholders is not None
    assert "第２ ３" in issue.translation_placeholders["articles"]
    said = json.dumps(told.all, ensure_ascii=False)
    assert [each for each in (NAME, MANAGER) if each in said] == []

    described = await async_get_all_descriptions(hass)
    fields = {
        key: set((described[f"{DOMAIN}.{key}"] or {}).get("fields", {}))
        for key in await async_get_conditions(hass)
    }
    assert fields == {
        "controls_need_attention": {"config_entry_id", "device_id", "state"},
        "task_overdue": {"config_entry_id", "device_id", "task"},
    }


async def test_the_page_shows_duties_in_the_language_that_is_asked_for(
    hass: HomeAssistant, disk: Path, hass_ws_client: Callable[..., Any]
) -> None:
    assert await async_setup_component(hass, DOMAIN, {})
    entry = await manned(hass, disk)
    manager = await hass.auth.async_get_user(MANAGER)
    assert manager is not None
    socket = await hass_ws_client(hass, (await token_of(hass, manager))[1])

    async def ask(kind: str, **more: Any) -> dict[str, Any]:
        await socket.send_json_auto_id({"type": f"{DOMAIN}/{kind}", **more})
        return dict(await socket.receive_json())

    (own,) = (await ask("own"))["result"]
    accepted = {"entry_id": entry.entry_id, "version": own["version"], "language": "ja"}
    assert (await ask("accept", **accepted))["success"]
    found = {
        each: (await ask("duties", entry_id=entry.entry_id, language=each))["result"]
        for each in ("ja", "en")
    }
    assert found["ja"]["counts"] == found["en"]["counts"]
    assert sum(found["ja"]["counts"].values()) == len(found["ja"]["controls"])
    assert found["ja"]["controls"][0]["state"] in ("breached", "not_enforced", "due")
    texts = {}
    for language, answer in found.items():
        (sign,) = [each for each in answer["controls"] if each["id"] == SIGN]
        assert (sign["state"], sign["subject"]["name"]) == ("due", "Door")
        assert (sign["task"], sign["voluntary"]) == (f"post_sign:camera:{DOOR}", False)
        (pledged,) = [each for each in answer["controls"] if each["id"].endswith("3-3a")]
        assert (pledged["state"], pledged["subject"]["name"]) == ("evidence_held", NAME)
        (gate,) = answer["gates"]
        assert (gate["camera"], gate["open"], len(gate["missing"])) == ("Door", True, 2)
        texts[language] = [sign["text"], *sign["why"], sign["task_title"], *gate["missing"]]
    assert all(ja != en for ja, en in zip(texts["ja"], texts["en"], strict=True))
    assert answer["pack"]["id"] == "jp_kumagaya_2019"
