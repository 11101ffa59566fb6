"""Each blueprint by the real automation integration, from its trigger to a phone."""

import re
import shutil
from collections.abc import AsyncGenerator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import yaml
from homeassistant.components.automation import DATA_COMPONENT
from homeassistant.components.blueprint.models import Blueprint
from homeassistant.components.blueprint.schemas import BLUEPRINT_SCHEMA
from homeassistant.core import CoreState, HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util, yaml as yaml_util
from pytest_homeassistant_custom_component.common import MockConfigEntry, async_fire_time_changed
from pytest_homeassistant_custom_component.test_util.aiohttp import AiohttpClientMocker

from custom_components.camera_steward.bridge import state_directory
from tests.cameras import DeadCamera, RtspCamera

from .sites import (
    DOOR,
    async_add_cameras,
    async_back_date,
    async_set_up,
    camera,
    entity_id,
    site,
    unplug,
    until,
    until_status,
)
from .test_binary_sensor import grow_older

FOLDER = Path(__file__).parents[2] / "blueprints/automation/camera_steward"
NAMES = sorted(path.name for path in FOLDER.glob("*.yaml"))
PUSH = "https://push.test/send"
NOWHERE = "rtsp://127.0.0.1:1/none"


class Phone:
    """A phone with the official app, and what was pushed to it."""

    def __init__(self, entity: str, pushed: AiohttpClientMocker) -> None:
        """Know where it listens."""
        self.entity = entity
        self._pushed = pushed

    @property
    def messages(self) -> list[dict[str, Any]]:
        """Return what it received, in order."""
        return [body for _, url, body, _ in self._pushed.mock_calls if str(url) == PUSH]


@pytest.fixture
async def phone(hass: HomeAssistant, aioclient_mock: AiohttpClientMocker) -> AsyncGenerator[Phone]:
    """Register a phone; at the end no automation waits any longer."""
    aioclient_mock.post(PUSH, json={})
    registration = MockConfigEntry(
        domain="mobile_app",
        title="Phone",
        data={
            "app_data": {"push_token": "token", "push_url": PUSH},
            "app_id": "io.test.app",
            "app_name": "App",
            "app_version": "1",
            "device_id": "phone",
            "device_name": "Phone",
            "manufacturer": "Maker",
            "model": "Model",
            "os_name": "OS",
            "os_version": "1",
            "supports_encryption": False,
            "user_id": "nobody",
            "webhook_id": "webhook",
        },
    )
    registration.add_to_hass(hass)
    assert await hass.config_entries.async_setup(registration.entry_id)
    await hass.async_block_till_done()
    [entity] = [
        each.entity_id
        for each in er.async_entries_for_config_entry(er.async_get(hass), registration.entry_id)
        if each.domain == "notify"
    ]
    yield Phone(entity, aioclient_mock)
    await hass.services.async_call("automation", "turn_off", {"entity_id": "all"}, blocking=True)


async def async_automate(hass: HomeAssistant, name: str, **inputs: object) -> None:
    """Import a blueprint as a user would have, and make an automation of it."""
    target = Path(hass.config.path("blueprints/automation/camera_steward"))
    await hass.async_add_executor_job(shutil.copytree, FOLDER, target)
    config = {"use_blueprint": {"path": f"camera_steward/{name}", "input": inputs}}
    assert await async_setup_component(hass, "automation", {"automation": [config]})
    await hass.async_block_till_done()
    [automation] = hass.data[DATA_COMPONENT].entities
    assert automation.available, "the blueprint was not accepted"


@pytest.mark.parametrize("name", NAMES)
def test_a_blueprint_is_of_the_present_syntax_and_can_be_imported(name: str) -> None:
    """Its link leads to where it lies in the repository, in both languages."""
    text = (FOLDER / name).read_text()
    data = yaml_util.parse_yaml(text)
    assert isinstance(data, dict)
    blueprint = Blueprint(data, path=name, expected_domain="automation", schema=BLUEPRINT_SCHEMA)
    assert blueprint.validate() is None
    source = (
        "https://github.com/camera-steward/camera-steward/blob/main/"
        f"blueprints/automation/camera_steward/{name}"
    )
    assert blueprint.metadata["source_url"] == source
    link = "https://my.home-assistant.io/redirect/blueprint_import/?blueprint_url="
    assert link + quote(source, safe="") in blueprint.metadata["description"]
    assert blueprint.metadata["homeassistant"]["min_version"].count(".") == 2
    assert re.search("[ぁ-ん]", text)
    for old in ("platform:", "service:", "\ntrigger:", "\naction:"):
        assert old not in text


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "Erased: 0 segments (0.0 MB). Kept: 2 segments"),
        ("ja", "消去: 0 件（0.0 MB）。 保存中: 2 件"),
    ],
)
async def test_the_report_of_the_day_comes_at_its_hour(
    hass: HomeAssistant, phone: Phone, disk: Path, language: str, words: str
) -> None:
    """With what was erased and what is kept."""
    await async_add_cameras(hass, door=NOWHERE)
    entry = site(disk, camera(DOOR, "door"))
    await async_back_date(hass, entry, DOOR, timedelta(hours=1), timedelta(hours=2))
    await async_set_up(hass, entry)
    await async_automate(
        hass,
        "purge_at_a_set_hour.yaml",
        site=entry.entry_id,
        at="04:00:00",
        phone=[phone.entity],
        language=language,
    )
    tomorrow = dt_util.now() + timedelta(days=1)
    async_fire_time_changed(hass, tomorrow.replace(hour=4, minute=0, second=0, microsecond=0))
    [message] = await until(lambda: phone.messages)
    assert words in message["message"]
    assert ("Nothing is kept past" in message["message"]) == (language == "en")


async def test_the_report_tells_when_the_purge_failed(
    hass: HomeAssistant, phone: Phone, disk: Path
) -> None:
    """The disk is away."""
    await async_add_cameras(hass, door=NOWHERE)
    entry = await async_set_up(hass, site(disk, camera(DOOR, "door")))
    await async_automate(
        hass,
        "purge_at_a_set_hour.yaml",
        site=entry.entry_id,
        phone=[phone.entity],
        language="en",
    )
    unplug(disk)
    tomorrow = dt_util.now() + timedelta(days=1)
    async_fire_time_changed(hass, tomorrow.replace(hour=4, minute=0, second=0, microsecond=0))
    [message] = await until(lambda: phone.messages)
    assert message["message"].startswith("The purge failed")


async def test_a_camera_that_does_not_record_is_told_and_told_again_when_it_does(
    hass: HomeAssistant, phone: Phone, rtsp_camera: RtspCamera, disk: Path
) -> None:
    """Not before its minutes have passed."""
    await async_add_cameras(hass, door=rtsp_camera.url)
    await async_set_up(hass, site(disk, camera(DOOR, "door")))
    await until_status(hass, DOOR, "recording")
    await async_automate(
        hass,
        "camera_has_not_recorded.yaml",
        status=entity_id(hass, "sensor", DOOR, "status"),
        minutes=10,
        phone=[phone.entity],
        language="en",
    )
    rtsp_camera.stop()
    await until_status(hass, DOOR, "no_stream")
    now = dt_util.utcnow()
    async_fire_time_changed(hass, now + timedelta(minutes=5))
    await hass.async_block_till_done()
    assert phone.messages == []
    async_fire_time_changed(hass, now + timedelta(minutes=11))
    [message] = await until(lambda: phone.messages)
    assert message["message"] == "Door has not recorded for 10 minutes."
    rtsp_camera.start()
    await until_status(hass, DOOR, "recording")
    await until(lambda: len(phone.messages) == 2)
    assert phone.messages[1]["message"] == "Door records again."


async def test_a_camera_that_is_dark_at_the_start_is_told_as_well(
    hass: HomeAssistant, phone: Phone, disk: Path
) -> None:
    """It never recorded, so that nothing changed."""
    hass.set_state(CoreState.not_running)
    with DeadCamera() as dead:
        await async_add_cameras(hass, door=dead.url)
        await async_set_up(hass, site(disk, camera(DOOR, "door")))
        await until_status(hass, DOOR, "no_stream")
        await async_automate(
            hass,
            "camera_has_not_recorded.yaml",
            status=entity_id(hass, "sensor", DOOR, "status"),
            phone=[phone.entity],
        )
        await hass.async_start()
        assert phone.messages == []

        def told() -> list[dict[str, Any]]:
            async_fire_time_changed(hass, dt_util.utcnow() + timedelta(minutes=11))
            return phone.messages

        [message] = await until(told)
    assert message["message"] == "Door は 10 分間録画していません。"


async def test_footage_past_its_limit_is_told(
    hass: HomeAssistant, phone: Phone, disk: Path
) -> None:
    """The disk is away when the limit passes."""
    await async_add_cameras(hass, door=NOWHERE)
    entry = site(disk, camera(DOOR, "door", retention_hours=2))
    await async_back_date(hass, entry, DOOR, timedelta(hours=1))
    await async_set_up(hass, entry)
    await async_automate(
        hass,
        "footage_past_its_limit.yaml",
        past_limit=[entity_id(hass, "binary_sensor", DOOR, "past_limit")],
        phone=[phone.entity],
        language="en",
    )
    unplug(disk)
    state = state_directory(hass, entry.entry_id)
    await hass.async_add_executor_job(grow_older, state, timedelta(hours=2))

    def told() -> list[dict[str, Any]]:
        async_fire_time_changed(hass, dt_util.utcnow() + timedelta(minutes=1))
        return phone.messages

    [message] = await until(told)
    assert message["message"].startswith("Door keeps footage past its limit.")


def test_the_inputs_of_every_blueprint_have_names_in_both_languages() -> None:
    """Blueprints know no translations."""
    for name in NAMES:
        text = (FOLDER / name).read_text()

        class Loader(yaml.SafeLoader):
            """Reads Home Assistant's own tags as text."""

        Loader.add_constructor("!input", lambda loader, node: str(node.value))
        for each in yaml.load(text, Loader)["blueprint"]["input"].values():
            assert " / " in each["name"]
