"""Automations made from the blueprints as a user makes them, and the phone that they tell."""

import shutil
from pathlib import Path
from typing import Any

from homeassistant.components.automation import DATA_COMPONENT
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.test_util.aiohttp import AiohttpClientMocker

FOLDER = Path(__file__).parents[2] / "blueprints/automation/camera_steward"


class Phone:
    """A phone with the official app, and what was pushed to it."""

    def __init__(self, name: str, entity: str, pushed: AiohttpClientMocker) -> None:
        """Know where it listens."""
        self.entity = entity
        self._name = name
        self._pushed = pushed

    @property
    def messages(self) -> list[dict[str, Any]]:
        """Return what it received, in order."""
        address = push_address(self._name)
        return [body for _, url, body, _ in self._pushed.mock_calls if str(url) == address]


def push_address(name: str) -> str:
    """Return where a phone's maker takes its notifications."""
    return f"https://push.test/{name}"


async def async_phone(hass: HomeAssistant, pushed: AiohttpClientMocker, name: str) -> Phone:
    """Register a phone."""
    pushed.post(push_address(name), json={})
    registration = MockConfigEntry(
        domain="mobile_app",
        title=name,
        data={
            "app_data": {"push_token": "token", "push_url": push_address(name)},
            "app_id": "io.test.app",
            "app_name": "App",
            "app_version": "1",
            "device_id": name,
            "device_name": name,
            "manufacturer": "Maker",
            "model": "Model",
            "os_name": "OS",
            "os_version": "1",
            "supports_encryption": False,
            "user_id": "nobody",
            "webhook_id": name,
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
    return Phone(name, entity, pushed)


async def async_automate(hass: HomeAssistant, name: str, **inputs: object) -> None:
    """Import the blueprints as a user would have, and make an automation of one."""
    await async_automate_all(hass, (name, inputs))


async def async_automate_all(hass: HomeAssistant, *made: tuple[str, dict[str, Any]]) -> None:
    """Make several automations, each of a blueprint and its inputs."""
    target = Path(hass.config.path("blueprints/automation/camera_steward"))
    await hass.async_add_executor_job(shutil.copytree, FOLDER, target)
    config = [
        {
            "id": f"{name} {number}",
            "use_blueprint": {"path": f"camera_steward/{name}", "input": inputs},
        }
        for number, (name, inputs) in enumerate(made)
    ]
    assert await async_setup_component(hass, "automation", {"automation": config})
    await hass.async_block_till_done()
    automations = list(hass.data[DATA_COMPONENT].entities)
    assert len(automations) == len(made)
    assert all(each.available for each in automations), "a blueprint was not accepted"
