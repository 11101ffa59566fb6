"""A site's papers by command: the manager prints them, adopts the rules, and the sign tells when it is old."""

from collections.abc import Callable
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from homeassistant.config_entries import ConfigEntryState, ConfigSubentry
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util

from custom_components.camera_steward.const import DOMAIN
from custom_components.camera_steward.core.documents.papers import ABOUT, About, Paper
from custom_components.camera_steward.core.ledger.entry import EntryKind
from custom_components.camera_steward.core.ledger.registers import PurgeRecord
from custom_components.camera_steward.core.model import EraseRule
from custom_components.camera_steward.core.policy.facts import SiteFacts
from custom_components.camera_steward.core.policy.states import Subject, SubjectKind
from custom_components.camera_steward.core.policy.task import TaskKind, task_id
from custom_components.camera_steward.core.tasks.doings import doing_data

from .sites import DOOR, async_ledger, entity_id, until
from .staff import async_at_the_door, async_look
from .test_records import UTILIZATION
from .watching import Stage


@pytest.fixture
async def door(
    hass: HomeAssistant,
    disk: Path,
    hass_ws_client: Callable[..., Any],
    hass_client_no_auth: Callable[..., Any],
) -> Stage:
    """Set up a site with a camera, and look at its duties."""
    return await async_at_the_door(hass, disk, hass_ws_client, hass_client_no_auth)


async def ask(stage: Stage, command: str, *, client: Any = None, **more: Any) -> dict[str, Any]:
    given = {"entry_id": stage.entry.entry_id, **more}
    return await stage.ws(client or stage.manager, f"{DOMAIN}/{command}", **given)


async def listed(stage: Stage, language: str = "en") -> dict[str, dict[str, Any]]:
    answer = await ask(stage, "papers", language=language)
    assert answer["success"], answer
    return {each["paper"]: each for each in answer["result"]}


async def printed(stage: Stage, paper: str, **more: Any) -> dict[str, Any]:
    answer = await ask(stage, "paper", paper=paper, **{"language": "ja", **more})
    assert answer["success"], answer
    return dict(answer["result"])


async def refused(stage: Stage, command: str, **more: Any) -> tuple[str, str | None]:
    error = (await ask(stage, command, **more))["error"]
    return error["code"], (error.get("translation_placeholders") or {}).get("field")


async def facts(stage: Stage) -> SiteFacts:
    found: SiteFacts = (await async_look(stage)).facts
    return found


async def test_the_manager_prints_every_paper_in_both_languages(door: Stage) -> None:
    await ask(
        door,
        "record_save",
        kind="contractor",
        record=None,
        fields={"name": "Guard <b>Ltd</b>", "work": "Maintenance", "clause_present": "yes"},
    )
    asked = {"kind": "private", "recipient": "A <i>neighbour</i>", "reason": "x", "refusal": "x"}
    assert (await ask(door, "refuse_request", **asked))["success"]
    papers = await listed(door)
    # There is no removal and no utilization yet.
    absent = {each for each in Paper if ABOUT.get(each) is About.UTILIZATION}
    absent |= {Paper.REMOVAL, Paper.REGISTER_RECIPIENTS, Paper.REGISTER_FEEDBACK}
    assert set(papers) == {each.value for each in Paper} - absent
    assert {each["group"] for each in papers.values()} == {"site", "register"}
    for name, each in papers.items():
        assert each["title"]
        assert each["about"]
        assert each["languages"] == ["ja", "en"]
        for language in each["languages"]:
            made = await printed(door, name, language=language)
            assert len(made["version"]) == 64
            assert each["version"] in ("", made["version"])
            assert made["file"].endswith(".html")
            if name != "sign":
                assert f'<html lang="{language}">' in made["html"]
                assert "Honcho Shop" in made["html"]
        for subject in each["subjects"]:
            await printed(door, name, subject=subject["id"])
    rules = await printed(door, "rules", language="en")
    assert "Guard &lt;b&gt;Ltd&lt;/b&gt;" in rules["html"]
    assert "A &lt;i&gt;neighbour&lt;/i&gt;" in (await printed(door, "register_disclosures"))["html"]
    assert (
        "Hanako Kumagaya"
        in (await printed(door, "pledge", subject=f"manager:{_manager(door)}"))["html"]
    )
    # The manager's name is the public's only if that is wanted.
    assert "Hanako" not in (await printed(door, "notice"))["html"]
    assert "Hanako" in (await printed(door, "notice", options={"manager": True}))["html"]
    # To print the viewing register is to read it.
    assert len(await async_ledger(door.hass, door.entry, EntryKind.REGISTER_READ)) == 1
    for wrong in ({"paper": "none"}, {"paper": "report", "subject": "1066"}, {"paper": "removal"}):
        given = {"language": "ja", **wrong}
        assert (await refused(door, "paper", **given))[0] == "paper_invalid"

    day = dt_util.now().date().isoformat()
    decided = {"decided_on": day, "body": "Assembly <b>", "erase": "limit"}
    made = await ask(door, "removal_begin", camera=DOOR, **decided)
    record = made["result"]["record"]
    (subject,) = (await listed(door))["removal"]["subjects"]
    assert subject["id"] == record
    page = await printed(door, "removal", subject=record, language="en")
    for told in ("Door", day, "Assembly &lt;b&gt;"):
        assert told in page["html"]


async def test_papers_of_a_utilization_are_made_of_its_settings_and_answers(door: Stage) -> None:
    hass, entry = door.hass, door.entry
    assert (await refused(door, "paper", paper="prior_notice", language="ja"))[1] == "subject"
    given = {"name": "Statistics <i>Ltd</i>", "conditions": "Counts by the hour"}
    made = await ask(door, "record_save", kind="recipient", record=None, fields=given)
    data = {**UTILIZATION, "recipients": [made["result"]["record"]]}
    utilization = ConfigSubentry(
        data=MappingProxyType(data),
        subentry_type="utilization",
        title="Passers-by",
        unique_id=None,
    )
    hass.config_entries.async_add_subentry(entry, utilization)
    await hass.async_block_till_done()
    papers = await listed(door)
    of_it = {name: each for name, each in papers.items() if each["group"] == "utilization"}
    assert {Paper(name) for name in of_it} == {
        each for each in Paper if ABOUT.get(each) is About.UTILIZATION
    }
    assert "register_recipients" in papers
    subject = utilization.subentry_id
    versions = set()
    for name, each in of_it.items():
        assert each["subjects"] == [{"id": subject, "name": "Passers-by"}]
        for language in each["languages"]:
            page = await printed(door, name, language=language, subject=subject)
            versions.add(page["version"])
            assert page["version"] in page["html"]
    (version,) = versions
    notice = await printed(door, "prior_notice", language="en")
    for told in ("Statistics &lt;i&gt;Ltd", "Counts by the hour", "Benches", "2026-02-01"):
        assert told in notice["html"]
    assert "365 days" in (await printed(door, "web_page", language="en"))["html"]
    assert "297mm" in (await printed(door, "site_notice", options={"size": "a3"}))["html"]
    for wrong in ({"options": {"size": "sticker"}}, {"subject": "elsewhere"}):
        answer = await refused(door, "paper", paper="site_notice", language="ja", **wrong)
        assert answer[0] == "paper_invalid"

    # It is adopted as it reads, and no longer once that is something else.
    rules = {"paper": "usage_rules", "language": "en"}
    assert "Not adopted yet" in (await printed(door, **rules))["html"]
    await async_look(door)
    task = task_id(TaskKind.ADOPT_USAGE_RULES, Subject(SubjectKind.UTILIZATION, subject))
    answers = {"on": "2026-01-05", "body": "The assembly"}
    assert (await ask(door, "task_done", task=task, answers=answers))["success"]
    assert "Adopted on 2026-01-05 by The assembly" in (await printed(door, **rules))["html"]
    hass.config_entries.async_update_subentry(
        entry, entry.subentries[subject], data={**data, "derived_days": 30}
    )
    await hass.async_block_till_done()
    page = await printed(door, **rules)
    assert "Not adopted yet" in page["html"]
    assert "30 days" in page["html"]
    assert page["version"] != version
    operator, _ = await door.operator()
    more = {"paper": "risk_sheet", "language": "ja"}
    assert (await refused(door, "paper", client=operator.socket, **more))[0] == "refused"


def _manager(stage: Stage) -> str:
    return str(stage.entry.data["manager_user_id"])


async def test_registers_and_the_report_are_made_of_what_is_on_record(door: Stage) -> None:
    now = dt_util.utcnow()
    bridge = door.entry.runtime_data.bridge
    for hours in (30, 31):
        erased = PurgeRecord(
            camera=DOOR,
            rule=EraseRule.RETENTION,
            spans=((now - timedelta(hours=hours), now - timedelta(hours=hours - 1)),),
            count=60,
            size_bytes=1,
            digest="0" * 64,
            method="unlinked, key destroyed (SSD)",
            keys_destroyed=1,
            run="1",
            erased_from=now,
            erased_to=now,
        )
        await bridge.async_remember(
            EntryKind.PURGE, actor="steward", subject=DOOR, data=erased.to_data()
        )
    answers = {"image": "ok", "lens": "not_ok", "note": "Spider {{ 7 * 7 }}", "photo": "p1"}
    await bridge.async_remember(
        EntryKind.TASK_DONE,
        actor="Taro Ara",
        subject=f"inspect:camera:{DOOR}",
        data=doing_data(TaskKind.INSPECT, Subject(SubjectKind.CAMERA, DOOR), "u1", answers),
    )

    erasures = (await printed(door, "register_erasures", language="en"))["html"]
    # One line for the day, however many runs there were.
    assert erasures.count("unlinked, key destroyed (SSD)") == 1
    assert "<td>120</td>" in erasures
    assert "retention over" in erasures
    inspections = (await printed(door, "register_inspections", language="ja"))["html"]
    assert "レンズ: 不良" in inspections
    assert "Spider {{ 7 * 7 }}" in inspections
    assert "Taro Ara" in inspections
    last_year = {"subject": str(now.year - 1)}
    assert (await refused(door, "paper", paper="report", language="en", subject="x"))[
        1
    ] == "subject"
    empty = await printed(door, "register_inspections", language="en", **last_year)
    assert "Nothing is on record" in empty["html"]
    report = (await printed(door, "report", language="en"))["html"]
    assert "120 segments" in report
    assert "<td>Inspections</td><td>1</td>" in report
    assert "not adopted" in report
    statement = (await printed(door, "statement", language="ja"))["html"]
    assert "第３ ２ ⑵" in statement
    assert "適合の証明ではありません" in statement


async def test_rules_are_adopted_by_the_manager_as_they_read_now(door: Stage) -> None:
    operator, _ = await door.operator()
    today = dt_util.now().date()
    rules = (await listed(door))["rules"]
    assert rules["adopted"] is None
    version = rules["version"]
    given = {"version": version, "adopted_on": today.isoformat(), "body": "Assembly"}
    assert await refused(door, "adopt_rules", client=operator.socket, **given) == ("refused", None)
    assert (await door.denied())[-1]["refusal"] == "not_manager"
    tomorrow = (today + timedelta(days=1)).isoformat()
    for field, wrong in (
        ("adopted_on", tomorrow),
        ("adopted_on", "soon"),
        ("body", " "),
        ("body", "x" * 501),
    ):
        answer = await refused(door, "adopt_rules", **{**given, field: wrong})
        assert answer == ("paper_invalid", field)
    stale = await refused(door, "adopt_rules", **{**given, "version": "0" * 64})
    assert stale[0] == "rules_stale"
    assert not await async_ledger(door.hass, door.entry, EntryKind.RULES_ADOPTED)

    assert (await ask(door, "adopt_rules", **given))["success"]
    (entry,) = await async_ledger(door.hass, door.entry, EntryKind.RULES_ADOPTED)
    assert entry.actor == "Hanako Kumagaya"
    assert entry.data["body"] == "Assembly"
    known = (await facts(door)).rules
    assert (known.adopted_version, known.differing) == (version, ())
    rules = (await listed(door))["rules"]
    assert rules["adopted"]["by"] == "Hanako Kumagaya"
    assert rules["adopted"]["on"] == today.isoformat()
    assert rules["differing"] == []

    # Another purpose is another rule: it is named, and everybody accepts anew.
    hass = door.hass
    data = {**door.entry.data, "purpose": "Prevention of accidents"}
    hass.config_entries.async_update_entry(door.entry, data=data)
    await hass.async_block_till_done()
    await until(lambda: door.entry.state is ConfigEntryState.LOADED)
    own = (await door.ws(door.manager, f"{DOMAIN}/own"))["result"]
    assert [each["pledged"] for each in own] == [False]
    assert "Prevention of accidents" in own[0]["rules"]["en"]
    await door.pledge(door.manager)
    changed = (await listed(door, "ja"))["rules"]
    assert changed["differing"] == ["第３条（設置目的）"]
    assert changed["version"] != version
    known = (await facts(door)).rules
    assert known.differing == ("purpose",)
    # A version that was printed before cannot be adopted any more.
    assert (await refused(door, "adopt_rules", **given))[0] == "rules_stale"


async def test_the_sign_is_what_was_printed_last_and_tells_when_a_name_changes(
    door: Stage, hass_client: Callable[..., Any]
) -> None:
    first = (await facts(door)).sign_version
    # As the panel begins: nothing but the installer's name.
    assert (await printed(door, "sign"))["version"] == first
    options = {"languages": ["en", "ko"], "size": "a3", "contact": True, "qr": "048-000-0000"}
    seen = await printed(door, "sign", options=options)
    assert seen["version"] != first
    assert (await facts(door)).sign_version == first
    kept = await printed(door, "sign", options={**options, "keep": True})
    assert kept["svg"] == seen["svg"]
    assert (await facts(door)).sign_version == kept["version"]
    for wrong in (
        {"languages": ["xx"]},
        {"languages": "ja"},
        {"size": "a5"},
        {"qr": "javascript:0"},
    ):
        given = {"paper": "sign", "language": "ja", "options": wrong}
        code, field = await refused(door, "paper", **given)
        assert (code, field) == (
            "paper_invalid",
            {"qr": "scan"}.get(next(iter(wrong)), next(iter(wrong))),
        )

    image = entity_id(door.hass, "image", door.entry.entry_id, "sign")
    client = await hass_client()
    answer = await client.get(f"/api/image_proxy/{image}")
    assert answer.status == HTTPStatus.OK
    assert answer.content_type == "image/svg+xml"
    shown = await answer.text()
    assert kept["version"][:8] in shown
    assert "방범 카메라" in shown

    data = {**door.entry.data, "installer": "Other <Shop>"}
    door.hass.config_entries.async_update_entry(door.entry, data=data)
    await door.hass.async_block_till_done()
    await until(lambda: door.entry.state is ConfigEntryState.LOADED)
    now = (await facts(door)).sign_version
    assert now not in (first, kept["version"])
    shown = await (await client.get(f"/api/image_proxy/{image}")).text()
    assert "Other &lt;Shop&gt;" in shown
    assert now[:8] in shown
