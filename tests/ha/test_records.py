"""The books over the real WebSocket stack: to the manager, whole; to everybody else, nothing."""

from collections.abc import Callable
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from homeassistant.auth.const import GROUP_ID_ADMIN
from homeassistant.config_entries import ConfigSubentry
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.setup import async_setup_component

from custom_components.camera_steward.const import DOMAIN
from custom_components.camera_steward.core.ledger.entry import EntryKind

from .sites import DOOR, MANAGER, async_ask, async_ledger, camera
from .watching import Stage, async_quiet

INQUIRY = {
    "received_on": "2026-01-05",
    "received_by": "Hanako Kumagaya",
    "way": "visit",
    "sender": "Jiro Osato",
    "contact": "048-111-2222",
    "camera": DOOR,
    "content": "=HYPERLINK(1) <script>",
}
ANSWER = {
    "finding": "proper",
    "article": "Article 4",
    "answer": "The porch is not in the picture.",
    "answered_on": "2026-01-06",
}
MEDIUM = {"type": "ssd", "serial": "S1", "place": "Office"}
UTILIZATION = {
    "case": "counting",
    "camera": DOOR,
    "detector": "built_in",
    "purpose": "To know how many pass",
    "operating_entity": "Honcho Shop",
    "contact": "048-000-0000",
    "benefit": "Benches where they are needed",
    "place": "Over the door, towards the street",
    "recognizable": True,
    "identifiable": False,
    "derived_days": 365,
    "public_space": True,
    "start_on": "2026-02-01",
}


@pytest.fixture
async def quiet(
    hass: HomeAssistant,
    disk: Path,
    hass_ws_client: Callable[..., Any],
    hass_client_no_auth: Callable[..., Any],
) -> Stage:
    """Set up a site that records nothing, with its manager logged in."""
    return await async_quiet(hass, disk, hass_ws_client, hass_client_no_auth, camera(DOOR, "door"))


async def test_a_book_is_kept_by_the_manager(
    quiet: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    book = {"kind": "inquiry", "language": "ja"}
    empty = (await quiet.ask("records", **book))["result"]
    assert (empty["records"], empty["form"]) == ([], None)
    fields = {each["name"]: each for each in empty["fields"]}
    assert fields["content"]["label"] == "内容"
    assert fields["camera"]["type"] == "choice"
    assert fields["camera"]["options"] == [{"value": DOOR, "label": "Door"}]
    assert [k for k, e in fields.items() if e["required_to_close"] and not e["required"]] == [
        *ANSWER
    ]

    made = await quiet.ask("record_save", kind="inquiry", record=None, fields=INQUIRY)
    record = made["result"]["record"]
    for wrong, field in (
        ({"camera": "elsewhere"}, "camera"),
        ({"received_on": "2999-01-01"}, "received_on"),
        ({"content": "x" * 4001}, "content"),
        ({"content": "Jiro Osato " * 1000}, "content"),
        ({"colour": "red"}, "colour"),
    ):
        answer = await quiet.ask(
            "record_save", kind="inquiry", record=record, fields=INQUIRY | wrong
        )
        assert answer["error"]["code"] == "record_invalid", wrong
        assert answer["error"]["translation_placeholders"] == {"field": field}
    assert "Jiro" not in caplog.text
    (row,) = (await quiet.ask("records", **book))["result"]["records"]
    assert (row["number"][5:], row["fields"], row["name"]) == ("001", INQUIRY, "Jiro Osato")
    assert (row["opened_by"], row["overdue"]) == ("Hanako Kumagaya", True)

    await quiet.ask("record_close", record=record, fields=INQUIRY | ANSWER)
    assert (await quiet.ask("records", **book, closed=False))["result"]["records"] == []
    (row,) = (await quiet.ask("records", **book, closed=True))["result"]["records"]
    assert (row["closed_by"], row["due_at"], row["overdue"]) == ("Hanako Kumagaya", None, False)
    again = await quiet.ask("record_close", record=record, fields=INQUIRY | ANSWER)
    assert again["error"]["code"] == "record_missing"
    csv = (await quiet.ask("records", **book, as_csv=True))["result"]["csv"]
    heading, line = csv.splitlines()
    assert "設置目的及び設置運用規約に照らした判断" in heading
    assert "適正" in line
    assert "Door" in line
    assert "'=HYPERLINK(1) <script>" in line

    # Another kind's record is none of this one; a removal is not written by hand.
    medium = await quiet.ask("record_save", kind="medium", record=None, fields=MEDIUM)
    answer = await quiet.ask(
        "record_save", kind="inquiry", record=medium["result"]["record"], fields=INQUIRY
    )
    assert answer["error"]["translation_placeholders"] == {"field": "kind"}
    fields = {"decided_on": "2026-01-05", "body": "x"}
    answer = await quiet.ask("record_save", kind="removal", record=None, fields=fields)
    assert answer["error"]["code"] == "removal_by_hand"


async def test_recipients_and_feedback_are_kept_and_printed(quiet: Stage) -> None:
    hass, entry = quiet.hass, quiet.entry
    hass.config_entries.async_add_subentry(
        entry,
        ConfigSubentry(
            data=MappingProxyType(UTILIZATION),
            subentry_type="utilization",
            title="Passers-by",
            unique_id=None,
        ),
    )
    await hass.async_block_till_done()
    recipient = {"name": "Statistics <b>Ltd</b>", "conditions": "Counts by the hour"}
    made = await quiet.ask("record_save", kind="recipient", record=None, fields=recipient)
    assert made["success"], made
    said = {"received_on": "2026-01-05", "way": "spoken", "content": "I do not like it."}
    for wrong in ("Elsewhere", entry.entry_id):
        given = said | {"utilization": wrong}
        answer = await quiet.ask("record_save", kind="feedback", record=None, fields=given)
        assert answer["error"]["translation_placeholders"] == {"field": "utilization"}
    given = said | {"utilization": "Passers-by"}
    made = await quiet.ask("record_save", kind="feedback", record=None, fields=given)
    book = (await quiet.ask("records", kind="feedback", language="ja"))["result"]
    fields = {each["name"]: each for each in book["fields"]}
    assert fields["utilization"]["options"] == [{"value": "Passers-by", "label": "Passers-by"}]
    assert fields["way"]["options"][-1] == {"value": "spoken", "label": "現地での口頭"}
    assert book["records"][0]["name"] == "Passers-by"
    decided = {"decision": "The poster is larger now.", "decided_on": "2026-01-06"}
    closed = await quiet.ask(
        "record_close", record=made["result"]["record"], fields=given | decided
    )
    assert closed["success"], closed
    for name, told in (
        ("recipients", "Statistics &lt;b&gt;Ltd"),
        ("feedback", "The poster is larger now."),
    ):
        page = await quiet.ask("paper", paper=f"register_{name}", language="en")
        assert told in page["result"]["html"]


async def test_what_an_inquirer_said_is_in_no_state_and_goes_to_no_other_person(
    quiet: Stage,
) -> None:
    await quiet.ask("record_save", kind="inquiry", record=None, fields=INQUIRY)
    operator, _ = await quiet.operator()
    for command, more in (
        ("records", {"kind": "inquiry"}),
        ("record_save", {"kind": "inquiry", "record": None, "fields": INQUIRY}),
    ):
        answer = await quiet.ws(
            operator.socket, f"{DOMAIN}/{command}", entry_id=quiet.entry.entry_id, **more
        )
        assert answer["error"]["code"] == "refused"
    await quiet.hass.async_block_till_done()
    told = str([each.as_dict() for each in quiet.hass.states.async_all()])
    for private in ("Jiro", "048-111-2222", "HYPERLINK"):
        assert private not in told


async def test_an_inquiry_is_reported_by_those_who_may_and_nothing_is_told(quiet: Stage) -> None:
    hass = quiet.hass
    operator, _ = await quiet.operator()
    assert operator.user is not None
    stranger = await hass.auth.async_create_user("Owner", group_ids=[GROUP_ID_ADMIN])
    report = {"content": "The lamp dazzles me.", "contact": "room 3"}
    for user in (None, MANAGER, operator.user.id):
        answer = await async_ask(hass, "report_inquiry", user, **report)
        assert set(answer) == {"number"}
    with pytest.raises(HomeAssistantError):
        await async_ask(hass, "report_inquiry", stranger.id, **report)
    assert stranger.id in [each["user"] for each in await quiet.denied()]
    with pytest.raises(ServiceValidationError):
        await async_ask(hass, "report_inquiry", MANAGER, content=" ")
    opened = await async_ledger(hass, quiet.entry, EntryKind.RECORD_OPENED)
    assert [each.actor for each in opened] == ["automation", "Hanako Kumagaya", "Taro Ara"]
    rows = (await quiet.ask("records", kind="inquiry", language="en"))["result"]["records"]
    assert [each["opened_by"] for each in rows][-1] == "Automation"
    assert {each["fields"]["contact"] for each in rows} == {"room 3"}
    assert {each["fields"]["way"] for each in rows} == {"form"}


async def test_the_commands_are_there_before_a_site_is(hass: HomeAssistant) -> None:
    assert await async_setup_component(hass, "websocket_api", {})
    assert await async_setup_component(hass, DOMAIN, {})
    assert f"{DOMAIN}/records" in hass.data["websocket_api"]
