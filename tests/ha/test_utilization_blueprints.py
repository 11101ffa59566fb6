"""The blueprints of utilizations, by the real automation integration: what is told or switched when."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.recorder import Recorder
from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.core import CoreState, HomeAssistant
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.common import MockUser, async_fire_time_changed
from pytest_homeassistant_custom_component.components.recorder.common import (
    async_wait_recording_done,
    do_adhoc_statistics,
)

from custom_components.camera_steward.core.policy.task import TaskKind

from .automating import FOLDER, Phone, async_automate_all
from .sites import MANAGER, async_set_up, entity_id, site, state_of
from .test_blueprints import Loader
from .texts import TEXTS
from .utilizing import GATE, HALL, async_do, async_look, async_open_gate, utilization

PEOPLE = "sensor.people"


@pytest.fixture(autouse=True)
def _integration(
    recorder_mock: Recorder, enable_custom_integrations: None, socket_enabled: None
) -> None:
    """Have a recorder that writes a database, before Home Assistant loads the integration."""


def texts_of(phone: Phone) -> list[str]:
    """Return the messages that a phone received, in any order."""
    return sorted(each["message"] for each in phone.messages)


async def test_a_second_till_and_the_end_of_a_utilization_are_told(
    hass: HomeAssistant, phone: Phone, disk: Path, freezer: FrozenDateTimeFactory
) -> None:
    """The till within opening hours alone; of the end that there is one, and not why."""
    await hass.config.async_set_time_zone("Asia/Tokyo")
    freezer.move_to(datetime(2026, 11, 25, 3, tzinfo=UTC))  # a Wednesday, noon in Japan
    MockUser(id=MANAGER, name="Manager").add_to_hass(hass)
    by_entity = {"detector": "entity", "detector_entity": PEOPLE, "originals": "None is kept"}
    entry = await async_set_up(hass, site(disk, utilization(GATE, "attributes", **by_entity)))
    hass.states.async_set(PEOPLE, "0")
    await async_open_gate(hass, entry, GATE)
    await async_look(entry)
    await hass.async_block_till_done(wait_background_tasks=True)
    till: dict[str, Any] = {
        "till": [entity_id(hass, "binary_sensor", GATE, "open_till")],
        "phone": [phone.entity],
    }
    status = {
        "status": [entity_id(hass, "sensor", GATE, "utilization_status")],
        "phone": [phone.entity],
    }
    await async_automate_all(
        hass,
        ("open_second_till.yaml", till),
        ("open_second_till.yaml", {**till, "language": "en"}),
        ("open_second_till.yaml", {**till, "opens": "13:00:00"}),
        ("open_second_till.yaml", {**till, "days": ["sat", "sun"]}),
        ("utilization_ended.yaml", status),
        ("utilization_ended.yaml", {**status, "language": "en"}),
    )
    hass.states.async_set(PEOPLE, "10")
    await hass.async_block_till_done(wait_background_tasks=True)
    assert state_of(hass, "binary_sensor", GATE, "open_till").state == "on"
    assert texts_of(phone) == [
        "Use Gate: the queue grows. Please open a second till.",
        "Use Gate：待つ人が増えています。2台目のレジを開けてください。",
    ]

    await async_do(hass, entry, TaskKind.CHECK_SITE_NOTICE, GATE, notice_there="no", readable="no")
    await async_look(entry)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert state_of(hass, "sensor", GATE, "utilization_status").state == "ended"
    english = (
        "Use Gate has ended: something that it needs is missing. "
        "See “Utilization” under Camera Steward in the sidebar."
    )
    japanese = (
        "「Use Gate」は、必要なものが不足しているため終了しました。"
        "サイドバーの「Camera Steward」の「利活用」で確認してください。"
    )
    assert {english, japanese} < {*texts_of(phone)}
    assert len(phone.messages) == 4


async def test_a_crowd_is_told_once_and_its_sign_is_on_no_longer_than_it_is_known(
    hass: HomeAssistant, phone: Phone, disk: Path
) -> None:
    hass.set_state(CoreState.not_running)
    entry = await async_set_up(hass, site(disk, utilization(HALL, "icons")))
    crowd = entity_id(hass, "sensor", HALL, "crowd")
    # Else it would say in between what it knows itself.
    assert await hass.config_entries.async_unload(entry.entry_id)
    switches = {"input_boolean": {"full": {"initial": True}, "busy": {}}}
    assert await async_setup_component(hass, "input_boolean", switches)
    assert await async_setup_component(hass, "homeassistant", {})
    here: dict[str, Any] = {"crowd": crowd, "phone": [phone.entity]}
    await async_automate_all(
        hass,
        ("crowd_full.yaml", {"crowd": crowd, "sign": ["input_boolean.full"]}),
        ("crowd_full.yaml", {**here, "level": "busy", "sign": ["input_boolean.busy"]}),
        ("crowd_full.yaml", {**here, "language": "en"}),
    )

    def signs_on() -> str:
        on = (
            each for each in ("full", "busy") if hass.states.is_state(f"input_boolean.{each}", "on")
        )
        return " ".join(on)

    async def signs_at(*levels: str) -> str:
        """Return which signs are on after some levels."""
        for level in levels:
            hass.states.async_set(crowd, level)
            await hass.async_block_till_done(wait_background_tasks=True)
        return signs_on()

    # One that was left on: it is not known how crowded it is.
    assert signs_on() == "full"
    await hass.async_start()
    await hass.async_block_till_done(wait_background_tasks=True)
    assert signs_on() == ""
    assert await signs_at("empty", "some") == ""
    assert phone.messages == []
    assert await signs_at("busy") == "busy"
    assert await signs_at("full") == "full busy"
    assert await signs_at("busy") == "busy"
    assert texts_of(phone) == ["Use Hall: Full.", "Use Hall：混雑の程度は「混雑」です。"]
    assert await signs_at("full", STATE_UNAVAILABLE) == ""
    assert await signs_at("full") == "full busy"
    assert len(phone.messages) == 2 + 1 + 2

    options = TEXTS["en"]["entity"]["sensor"]["crowd"]["state"]
    blueprint = yaml.load((FOLDER / "crowd_full.yaml").read_text(), Loader)
    told = {lang: each["entity"]["sensor"]["crowd"]["state"] for lang, each in TEXTS.items()}
    words = {lang: {**each} for lang, each in told.items()}
    for each in words.values():
        del each["empty"]
    assert blueprint["variables"]["words"] == words
    choices = blueprint["blueprint"]["input"]["level"]["selector"]["select"]["options"]
    assert {each["value"]: each["label"] for each in choices} == {
        level: f"{options[level]} / {words['ja'][level]}" for level in words["ja"]
    }


async def test_counts_of_the_day_are_those_since_opening_time(
    hass: HomeAssistant, phone: Phone, freezer: FrozenDateTimeFactory
) -> None:
    """Of what statistics know; what they do not is told to be unknown."""
    await hass.config.async_set_time_zone("Asia/Tokyo")
    assert await async_setup_component(hass, "sensor", {})
    into = "sensor.people_in"
    known = {
        "friendly_name": "People in over Gate",
        "state_class": "total_increasing",
        "unit_of_measurement": "people",
    }
    for at, count in (("08:47", 80), ("08:52", 90), ("08:57", 100), ("09:02", 130), ("09:07", 142)):
        freezer.move_to(datetime.fromisoformat(f"2026-11-25T{at}+09:00").astimezone(UTC))
        hass.states.async_set(into, str(count), known)
        await async_wait_recording_done(hass)
    for start in ("08:45", "08:50", "08:55", "09:00", "09:05"):
        at_start = datetime.fromisoformat(f"2026-11-25T{start}+09:00").astimezone(UTC)
        do_adhoc_statistics(hass, start=at_start)
    await async_wait_recording_done(hass)
    here: dict[str, Any] = {"counts": [into, "sensor.none"], "phone": [phone.entity]}
    await async_automate_all(
        hass,
        ("counts_of_the_day.yaml", here),
        ("counts_of_the_day.yaml", {**here, "opens": "22:00:00", "language": "en"}),
    )
    freezer.move_to(datetime.fromisoformat("2026-11-25T19:10:00+09:00").astimezone(UTC))
    async_fire_time_changed(hass, dt_util.utcnow())
    await hass.async_block_till_done(wait_background_tasks=True)
    assert sorted((each["title"], each["message"]) for each in phone.messages) == [
        ("2026-11-25 09:00 からの通行量", "People in over Gate：42\nsensor.none：不明"),
        (
            "Counts of 2026-11-24, from 22:00",
            "People in over Gate: 62\nsensor.none: unknown",
        ),
    ]
