"""A sign confirmed where it hangs: by a button, or by its tag."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from homeassistant.components.tag import async_scan_tag
from homeassistant.core import Context, HomeAssistant
from homeassistant.exceptions import ServiceValidationError
from homeassistant.setup import async_setup_component

from custom_components.camera_steward.const import DOMAIN
from custom_components.camera_steward.core.ledger.entry import Entry

from .sites import DOOR, MANAGER, state_of
from .staff import async_at_the_door, async_look, done, resident
from .test_tasks_api import POST_SIGN, photo
from .watching import Stage

SEEN = {"sign_there": "yes", "readable": "yes"}


@pytest.fixture
async def door(
    hass: HomeAssistant,
    disk: Path,
    hass_ws_client: Callable[..., Any],
    hass_client_no_auth: Callable[..., Any],
) -> Stage:
    """Set up a site with a camera, and look at its duties."""
    assert await async_setup_component(hass, "tag", {})
    return await async_at_the_door(hass, disk, hass_ws_client, hass_client_no_auth)


async def test_who_may_says_by_button_or_tag_that_the_sign_is_there(door: Stage) -> None:
    hass = door.hass
    operator, _ = await door.operator()
    outsider = await resident(door)
    assert operator.user is not None
    assert outsider.user is not None
    button = state_of(hass, "button", DOOR, "sign_seen")
    tag = button.attributes["tag_id"]
    assert tag == "camera-steward-sign-0000door"

    async def press(user: str | None) -> None:
        await hass.services.async_call(
            "button",
            "press",
            {"entity_id": button.entity_id},
            blocking=True,
            context=Context(user_id=user),
        )

    async def scan(tag_id: str, user: str | None) -> None:
        await async_scan_tag(hass, tag_id, "a-phone", Context(user_id=user))
        await hass.async_block_till_done()

    async def checks() -> list[Entry]:
        return [e for e in await done(door) if e.subject == f"check_sign:camera:{DOOR}"]

    # Nobody said yet that there is one.
    with pytest.raises(ServiceValidationError) as raised:
        await press(operator.user.id)
    assert raised.value.translation_key == "task_missing"
    await scan(tag, operator.user.id)
    assert await done(door) == []
    posted = await door.ws(
        operator.socket,
        f"{DOMAIN}/task_done",
        entry_id=door.entry.entry_id,
        task=POST_SIGN,
        answers={"where": "At the door", "photo": await photo(door, operator)},
    )
    assert posted["success"], posted

    for user, key in ((None, "task_by_automation"), (outsider.user.id, "refused")):
        with pytest.raises(ServiceValidationError) as raised:
            await press(user)
        assert raised.value.translation_key == key
        await scan(tag, user)
    await scan("camera-steward-sign-another0", operator.user.id)
    assert await checks() == []
    assert [each["user"] for each in await door.denied()] == [outsider.user.id]

    await scan(tag, operator.user.id)
    await scan(tag, operator.user.id)  # as a phone that is held to a tag does
    (scanned,) = await checks()
    assert (scanned.actor, scanned.data["answers"]) == ("Taro Ara", {**SEEN, "way": "tag"})
    await press(MANAGER)
    _, pressed = await checks()
    assert pressed.actor == "Hanako Kumagaya"
    assert pressed.data["answers"] == {**SEEN, "way": "button"}
    look = await async_look(door)
    (task,) = [each for each in look.tasks if each.kind == "check_sign"]
    assert task.last is not None
    assert (task.last.by, task.state) == ("Hanako Kumagaya", "upcoming")

    # A site that is unloaded listens no more.
    assert await hass.config_entries.async_unload(door.entry.entry_id)
    await scan(tag, operator.user.id)
    assert len(await checks()) == 2
