"""The blueprints of duties, by the real automation integration: what is told when, and what is not."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import av
import pytest
import yaml
from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.common import async_fire_time_changed
from pytest_homeassistant_custom_component.test_util.aiohttp import AiohttpClientMocker

from custom_components.camera_steward.core.inspection.findings import FaultKind
from custom_components.camera_steward.core.policy.task import QuestionType, Task, TaskKind
from tests.cameras import RtspCamera
from tests.core.inspection_scenes import seen_from, sent, street

from .automating import FOLDER, Phone, async_automate_all, async_phone
from .sites import (
    DOOR,
    Kernel,
    async_add_cameras,
    async_ask,
    async_set_up,
    camera,
    entity_id,
    site,
    state_of,
    until,
    until_status,
)
from .staff import async_staffed
from .test_blueprints import Loader
from .test_duties import complete, do, look, manned
from .texts import TEXTS


@pytest.fixture(autouse=True)
async def _in_japan(hass: HomeAssistant, kernel: Kernel) -> None:
    await hass.config.async_set_time_zone("Asia/Tokyo")


async def async_pass_to(hass: HomeAssistant, freezer: FrozenDateTimeFactory, local: str) -> None:
    """Let the clock go to a local time, and what waits for it or for an earlier one run."""
    freezer.move_to(datetime.fromisoformat(f"{local}+09:00").astimezone(UTC))
    async_fire_time_changed(hass, dt_util.utcnow(), fire_all=True)
    await hass.async_block_till_done(wait_background_tasks=True)


def texts_of(phone: Phone) -> list[str]:
    """Return the messages that a phone received, in order."""
    return [each["message"] for each in phone.messages]


async def test_a_task_is_told_once_when_it_is_due_and_once_when_it_is_overdue(
    hass: HomeAssistant, phone: Phone, disk: Path, freezer: FrozenDateTimeFactory
) -> None:
    """Of the kinds that are chosen alone, and of an inquiry not who asked what."""
    freezer.move_to("2026-11-25T01:00:00+00:00")
    entry = await manned(hass, disk)
    await complete(hass, entry, DOOR)
    here: dict[str, Any] = {"site": entry.entry_id, "phone": [phone.entity]}
    await async_automate_all(
        hass,
        ("task_due.yaml", {**here, "kind": ["check_sign"], "language": "en"}),
        ("task_due.yaml", {**here, "kind": ["answer_inquiry"], "when": ["overdue"]}),
    )
    freezer.tick(timedelta(days=70))
    await look(entry)
    await hass.async_block_till_done()
    assert phone.messages == []  # others are overdue by now
    freezer.tick(timedelta(days=10))
    await look(entry)
    await look(entry)
    await hass.async_block_till_done()
    [due] = phone.messages
    assert due["title"] == "Task due"
    assert due["message"] == "Honcho Shop: Check the sign (Door). Due by 2027-02-25."

    await async_ask(hass, "report_inquiry", content="Who watched me?", contact="Taro Ara")
    await look(entry)
    await hass.async_block_till_done()
    assert len(phone.messages) == 1
    freezer.tick(timedelta(days=8))
    await look(entry)
    await hass.async_block_till_done()
    assert len(phone.messages) == 2
    assert phone.messages[1]["title"] == "期限を過ぎた作業"
    assert texts_of(phone)[1] == (
        "Honcho Shop：Answer an inquiry。 期限の2027年2月20日を過ぎています。"
    )
    freezer.tick(timedelta(days=8))
    await look(entry)
    await hass.async_block_till_done()
    assert phone.messages[2]["title"] == "Task overdue"
    assert texts_of(phone)[2:] == ["Honcho Shop: Check the sign (Door). It was due by 2027-02-25."]


async def test_tasks_are_told_at_opening_time_and_those_long_overdue_to_the_manager(
    hass: HomeAssistant,
    phone: Phone,
    aioclient_mock: AiohttpClientMocker,
    disk: Path,
    freezer: FrozenDateTimeFactory,
) -> None:
    """On days of business; nothing where nothing is due."""
    freezer.move_to("2026-11-25T01:00:00+00:00")  # a Wednesday
    manager = await async_phone(hass, aioclient_mock, "manager")
    english = await async_phone(hass, aioclient_mock, "english")
    entry = await manned(hass, disk)
    here: dict[str, Any] = {
        "tasks": entity_id(hass, "todo", entry.entry_id, "tasks"),
        "days": ["mon", "tue", "wed", "thu", "fri"],
    }
    assert await async_setup_component(hass, "persistent_notification", {})
    note = {
        "action": "persistent_notification.create",
        "data": {"notification_id": "note", "title": "{{ title }}", "message": "{{ message }}"},
    }
    to_manager = {"language": "en", "ahead": 0, "manager": [manager.entity]}
    await async_automate_all(
        hass,
        ("tasks_at_opening_time.yaml", {**here, "phone": [phone.entity], "also": [note]}),
        ("tasks_at_opening_time.yaml", {**here, "phone": [english.entity], **to_manager}),
    )
    await look(entry)
    await async_pass_to(hass, freezer, "2026-11-26T09:00:00")
    assert (phone.messages, english.messages) == ([], [])
    await look(entry)
    await async_pass_to(hass, freezer, "2026-12-06T09:00:00")  # Sunday, and late for the repair
    assert (phone.messages, english.messages) == ([], [])

    await look(entry)
    await async_pass_to(hass, freezer, "2026-12-07T09:00:00")
    [message] = phone.messages
    assert message["title"] == "作業：Honcho Shop"
    told = message["message"].split("\n")
    assert "Inspect the camera: Door（期限 2026-12-09）" in told
    assert told[0] == "Repair the camera: Door（期限超過 2026-12-02）"
    listed = int(state_of(hass, "todo", entry.entry_id, "tasks").state)
    assert told[10:] == [f"ほか{listed - 10}件"]
    assert hass.data["persistent_notification"]["note"]["message"] == message["message"]
    assert texts_of(english) == ["Repair the camera: Door (overdue since 2026-12-02)"]
    assert manager.messages == []

    await look(entry)
    await async_pass_to(hass, freezer, "2026-12-16T09:00:00")
    assert "Inspect the camera: Door (overdue since 2026-12-09)" in texts_of(english)[1]
    [late] = manager.messages
    assert late["title"] == "Overdue by 7 days or more"
    assert late["message"].startswith("Honcho Shop: Repair the camera: Door, ")
    assert "Inspect the camera: Door" in late["message"]

    await hass.config_entries.async_unload(entry.entry_id)
    await async_pass_to(hass, freezer, "2026-12-17T09:00:00")
    assert texts_of(phone)[2].startswith("作業のリストを読めませんでした。")


async def test_findings_are_told_on_monday_also_where_there_are_none(
    hass: HomeAssistant,
    phone: Phone,
    disk: Path,
    freezer: FrozenDateTimeFactory,
    hass_ws_client: Callable[..., Any],
    hass_client_no_auth: Callable[..., Any],
) -> None:
    """With their numbers, and the tasks by name."""
    freezer.move_to("2026-11-25T01:00:00+00:00")
    stage = await async_staffed(hass, disk, hass_ws_client, hass_client_no_auth)
    entry = stage.entry
    here: dict[str, Any] = {
        "controls": entity_id(hass, "sensor", entry.entry_id, "controls"),
        "tasks": entity_id(hass, "todo", entry.entry_id, "tasks"),
        "phone": [phone.entity],
    }
    await async_automate_all(
        hass,
        ("findings_on_monday.yaml", {**here, "language": "en"}),
        ("findings_on_monday.yaml", here),
    )
    await look(entry)
    await async_pass_to(hass, freezer, "2026-11-29T09:00:00")  # Sunday
    assert phone.messages == []
    await look(entry)
    seen = state_of(hass, "sensor", entry.entry_id, "controls")
    numbers = [seen.state, *(seen.attributes[e] for e in ("breached", "due", "not_enforced"))]
    assert int(seen.state) == sum(numbers[1:]) > 0
    await async_pass_to(hass, freezer, "2026-11-30T09:00:00")
    assert set(texts_of(phone)) == {
        "Controls that need attention: {} (breached {}, due {}, not enforced {}).".format(*numbers),
        "対応が必要な管理項目は{}件です（違反{}件、要実施{}件、措置不十分{}件）。".format(*numbers),
    }
    assert {each["title"] for each in phone.messages} == {
        "Findings of the week: Shop",
        "今週の確認：Shop",
    }

    todo = (await complete(hass, entry)).tasks
    for each in todo:
        if each.by_hand:
            await do(hass, entry, each.kind, each.subject.id, **in_order(each))
    steward = entry.runtime_data.bridge.steward
    await hass.async_add_executor_job(steward.make_statement)
    await look(entry)
    assert state_of(hass, "sensor", entry.entry_id, "controls").state == "0"
    await async_pass_to(hass, freezer, "2026-12-07T09:00:00")
    assert set(texts_of(phone)[2:]) == {
        "No control needs attention. Tasks due this week (1): Save the recovery kit.",
        "対応が必要な管理項目はありません。今週が期限の作業（1件）：Save the recovery kit。",
    }
    await async_pass_to(hass, freezer, "2026-12-14T09:00:00")
    assert any("Tasks overdue (1): Save the recovery kit." in each for each in texts_of(phone))

    await hass.config_entries.async_unload(entry.entry_id)
    await async_pass_to(hass, freezer, "2026-12-21T09:00:00")
    assert {each[:12] for each in texts_of(phone)[6:]} == {
        "How the cont",
        "管理項目の状態を読めませ",
    }


def in_order(task: Task) -> dict[str, Any]:
    """Return answers by which a task is done and all is in order."""
    given: dict[QuestionType, Any] = {
        QuestionType.TICK: True,
        QuestionType.TEXT: "Taro",
        QuestionType.DATE: "2026-11-25",
        QuestionType.PHOTO: "0" * 64,
    }
    return {
        each.name: next(o for o in each.options if o not in each.wrong)
        if each.type is QuestionType.CHOICE
        else given[each.type]
        for each in task.questions
    }


async def test_the_review_of_the_guideline_is_told_in_april_where_it_is_to_come(
    hass: HomeAssistant,
    phone: Phone,
    aioclient_mock: AiohttpClientMocker,
    disk: Path,
    freezer: FrozenDateTimeFactory,
) -> None:
    """On the first day of it that is no Saturday or Sunday."""
    freezer.move_to("2028-03-27T01:00:00+00:00")
    entry = await manned(hass, disk)
    english = await async_phone(hass, aioclient_mock, "english")
    here = {"tasks": entity_id(hass, "todo", entry.entry_id, "tasks")}
    in_english = {**here, "phone": [english.entity], "language": "en"}
    await async_automate_all(
        hass,
        ("guideline_review_in_april.yaml", {**here, "phone": [phone.entity]}),
        ("guideline_review_in_april.yaml", in_english),
    )
    await look(entry)
    for day in ("2028-03-31", "2028-04-01"):  # Friday, Saturday
        await async_pass_to(hass, freezer, f"{day}T09:00:00")
    assert phone.messages == []
    await async_pass_to(hass, freezer, "2028-04-03T09:00:00")
    review = "市のガイドラインが改定されていないか確認してください。"
    assert texts_of(phone) == [f"Honcho Shop：{review}期限は2028-04-10です。"]
    assert texts_of(english) == [
        "Honcho Shop: See whether the city changed its guideline. Due by 2028-04-10."
    ]
    await async_pass_to(hass, freezer, "2028-04-04T09:00:00")
    assert len(phone.messages) == 1

    # Done late in the year: in the next April it is far off, in the one after it is overdue.
    await async_pass_to(hass, freezer, "2028-12-01T09:00:00")
    await look(entry)
    review_done = {"guideline_changed": "no"}
    await do(hass, entry, TaskKind.REVIEW_GUIDELINE, entry.entry_id, **review_done)
    await look(entry)
    await async_pass_to(hass, freezer, "2029-03-30T09:00:00")
    await look(entry)
    await async_pass_to(hass, freezer, "2029-04-02T09:00:00")
    assert len(phone.messages) == 1
    await async_pass_to(hass, freezer, "2030-03-29T09:00:00")
    await look(entry)
    await async_pass_to(hass, freezer, "2030-04-01T09:00:00")
    assert texts_of(phone)[1:] == [f"Honcho Shop：{review}期限は2029-12-01です。"]
    # Where the list cannot be read, it is told to be on the safe side.
    await hass.config_entries.async_unload(entry.entry_id)
    await async_pass_to(hass, freezer, "2031-04-01T09:00:00")
    assert texts_of(phone)[2:] == [f"Honcho Shop：{review}"]


async def test_a_cabinet_that_is_opened_outside_opening_hours_is_told(
    hass: HomeAssistant, phone: Phone, freezer: FrozenDateTimeFactory
) -> None:
    """By a real sensor of a lock and a real lock; on a day without business at any hour."""
    freezer.move_to("2026-11-25T01:00:00+00:00")
    switches = {"input_boolean": {"latch": {"initial": False}}}
    assert await async_setup_component(hass, "input_boolean", switches)
    sensor = {
        "name": "Cabinet",
        "device_class": "lock",
        "state": "{{ is_state('input_boolean.latch', 'on') }}",
    }
    lock = {
        "name": "Rack",
        "state": "{{ is_state('input_boolean.latch', 'off') }}",
        "lock": [],
        "unlock": [],
    }
    assert await async_setup_component(
        hass, "template", {"template": [{"binary_sensor": [sensor]}, {"lock": [lock]}]}
    )
    await hass.async_block_till_done()
    here: dict[str, Any] = {"phone": [phone.entity], "opens": "09:00:00", "closes": "19:00:00"}
    await async_automate_all(
        hass,
        ("cabinet_opened.yaml", {**here, "cabinet": ["binary_sensor.cabinet"]}),
        ("cabinet_opened.yaml", {**here, "cabinet": ["lock.rack"], "language": "en"}),
    )

    async def open_at(local: str) -> list[str]:
        """Return what is told of it."""
        freezer.move_to(datetime.fromisoformat(f"{local}+09:00").astimezone(UTC))
        before = len(phone.messages)
        for service in ("turn_on", "turn_off"):
            await hass.services.async_call(
                "input_boolean", service, {"entity_id": "input_boolean.latch"}, blocking=True
            )
            await hass.async_block_till_done(wait_background_tasks=True)
        return sorted(texts_of(phone)[before:])

    assert await open_at("2026-11-25T12:00:00") == []
    assert await open_at("2026-11-25T22:30:00") == [
        "Rack was opened at 22:30, outside opening hours.",
        "営業時間外の 22:30 に Cabinet が開きました。",
    ]
    assert len(await open_at("2026-11-29T12:00:00")) == 2  # Sunday


async def test_a_camera_that_was_moved_is_told_and_other_faults_are_not(
    hass: HomeAssistant, phone: Phone, disk: Path, tmp_path: Path
) -> None:
    """The camera sends another view than the approved one; and the same picture again and again."""
    views = {}
    for name, across in (("approved", 0.0), ("moved", 0.1)):
        views[name] = tmp_path / f"{name}.mkv"
        await hass.async_add_executor_job(film, views[name], across)
    with RtspCamera(views["approved"], speed=3) as served:
        await async_add_cameras(hass, door=served.url)
        entry = await async_set_up(hass, site(disk, camera(DOOR, "door", segment_seconds=1)))
        await until_status(hass, DOOR, "recording")
        picture = [entity_id(hass, "binary_sensor", DOOR, "picture")]
        here: dict[str, Any] = {"picture": picture, "phone": [phone.entity]}
        await async_automate_all(
            hass,
            ("camera_moved_or_covered.yaml", {**here, "language": "en"}),
            ("camera_moved_or_covered.yaml", {**here, "fault": ["moved", "gaps"]}),
            ("camera_moved_or_covered.yaml", {**here, "fault": ["covered", "gaps"]}),
        )
        inspector = entry.runtime_data.bridge.steward.inspector()
        described = await hass.async_add_executor_job(inspector.describe, DOOR)
        assert described is not None
        await hass.async_add_executor_job(inspector.approve, DOOR, described)
        served.switch(views["moved"])

        while state_of(hass, "binary_sensor", DOOR, "picture").state != "on":
            await hass.async_add_executor_job(inspector.look, DOOR)
            await hass.async_block_till_done()
        found = state_of(hass, "binary_sensor", DOOR, "picture").attributes["faults"]
        assert "moved" in found
        await until(lambda: len(phone.messages) == 2)
        # What comes back with the site was told before.
        await hass.config_entries.async_reload(entry.entry_id)
        await until(lambda: state_of(hass, "binary_sensor", DOOR, "picture").state == "on")
        await hass.async_block_till_done(wait_background_tasks=True)
    assert sorted(texts_of(phone)) == [
        "Door: Not the approved view. Please look at the camera.",
        "Door：承認した撮影範囲と異なる。カメラを確認してください。",
    ]


def film(path: Path, across: float) -> None:
    """Write two seconds of a street as a camera sees it that was turned by a share of the width."""
    seen = seen_from(street(), across=across)
    with av.open(str(path), "w") as made:
        stream = made.add_stream("libx264", rate=10, options={"g": "10", "bf": "0"})
        stream.height, stream.width = seen.shape
        stream.pix_fmt = "yuv420p"
        for seed in range(20):
            made.mux(stream.encode(av.VideoFrame.from_ndarray(sent(seen, seed=seed), "gray")))
        made.mux(stream.encode())


def test_the_words_of_the_blueprints_are_those_of_the_integration() -> None:
    """Each kind of task and each fault can be chosen, and is called the same everywhere."""

    def read(name: str) -> dict[str, Any]:
        return dict(yaml.load((FOLDER / name).read_text(), Loader))

    def options(name: str, given: str) -> dict[str, str]:
        selector = read(name)["blueprint"]["input"][given]["selector"]["select"]
        return {each["value"]: each["label"] for each in selector["options"]}

    kinds = {lang: texts["selector"]["task_kind"]["options"] for lang, texts in TEXTS.items()}
    events = {lang: texts["entity"]["event"]["recording"] for lang, texts in TEXTS.items()}
    faults = {lang: each["state_attributes"]["fault"]["state"] for lang, each in events.items()}
    for words, name, given, codes in (
        (kinds, "task_due.yaml", "kind", TaskKind),
        (faults, "camera_moved_or_covered.yaml", "fault", FaultKind),
    ):
        assert options(name, given) == {
            each.value: f"{words['en'][each]} / {words['ja'][each]}" for each in codes
        }
    assert read("camera_moved_or_covered.yaml")["variables"]["words"] == faults
