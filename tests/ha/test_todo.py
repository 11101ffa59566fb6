"""The to-do list: what it tells every login, and what can be completed there by whom."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from homeassistant.core import Context, HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceNotSupported, ServiceValidationError

from .sites import DOOR, MANAGER, state_of
from .staff import async_at_the_door, async_look, done, resident
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


async def items(stage: Stage) -> dict[str, dict[str, Any]]:
    """Return what any login reads."""
    found = state_of(stage.hass, "todo", stage.entry.entry_id, "tasks")
    reader = await resident(stage)
    answer = await stage.ws(reader.socket, "todo/item/list", entity_id=found.entity_id)
    listed = answer["result"]["items"]
    assert found.state == str(len(listed))
    return {each["uid"]: each for each in listed}


async def test_every_login_reads_what_is_to_be_done_and_no_name_of_anybody(door: Stage) -> None:
    await door.operator()
    await door.operator()
    look = await async_look(door)
    found = await items(door)
    view = found[f"approve_view:camera:{DOOR}"]
    assert view["summary"] == "Approve the camera’s view: Door"
    assert view["status"] == "needs_action"
    assert view["description"].endswith("Enter it in the sidebar under Camera Steward, “Tasks”.")
    (task,) = [each for each in look.tasks if each.kind == "approve_view"]
    assert timedelta(0) <= date.fromisoformat(view["due"]) - datetime.now(UTC).date()
    assert date.fromisoformat(view["due"]) <= task.due_at.date() + timedelta(days=1)
    # Of persons there is a number.
    briefs = [each for each in look.tasks if each.kind == "brief"]
    assert len(briefs) == 3
    assert found["brief:person"]["summary"] == "Brief the staff (3)"
    told = str(found)
    for name in ("Taro Ara", "Hanako Kumagaya", MANAGER, *(each.subject.id for each in briefs)):
        assert name not in told
    # What the steward sees by itself is told where it is done.
    rules = found[f"adopt_rules:site:{door.entry.entry_id}"]
    assert "Tasks" not in rules["description"]
    later = [each for each in look.tasks if each.due_at > look.looked_at + timedelta(days=61)]
    assert not {each.id for each in later} & set(found)


async def test_a_tick_completes_what_asks_for_no_more(door: Stage) -> None:
    hass = door.hass
    operator, _ = await door.operator()
    assert operator.user is not None
    await async_look(door)
    entity = state_of(hass, "todo", door.entry.entry_id, "tasks").entity_id
    view, sign = f"approve_view:camera:{DOOR}", f"post_sign:camera:{DOOR}"
    rules = f"adopt_rules:site:{door.entry.entry_id}"

    async def update(user: str | None, item: str, **more: Any) -> None:
        await hass.services.async_call(
            "todo",
            "update_item",
            {"entity_id": entity, "item": item, **more},
            blocking=True,
            context=Context(user_id=user),
        )

    completed = {"status": "completed"}
    for user, item, more, key in (
        (None, view, completed, "task_by_automation"),
        (operator.user.id, view, completed, "refused"),
        (MANAGER, view, {"rename": "Nothing to do"}, "todo_completes_only"),
        (MANAGER, view, {"rename": "Nothing to do", **completed}, "todo_completes_only"),
        (MANAGER, view, {"status": "needs_action"}, "todo_completes_only"),
        (MANAGER, sign, completed, "task_asks_more"),
        (MANAGER, "brief:person", completed, "task_asks_more"),
        (MANAGER, rules, completed, "task_not_by_hand"),
    ):
        with pytest.raises(ServiceValidationError) as raised:
            await update(user, item, **more)
        assert raised.value.translation_key == key, item
        if item == sign:
            assert raised.value.translation_placeholders == {
                "asked": "Where is the sign?, Photo, with nobody in it"
            }
    for service, data in (
        ("add_item", {"item": "Paint the fence"}),
        ("remove_item", {"item": view}),
    ):
        with pytest.raises((ServiceNotSupported, HomeAssistantError)):
            await hass.services.async_call(
                "todo",
                service,
                {"entity_id": entity, **data},
                blocking=True,
                context=Context(user_id=MANAGER),
            )
    assert await done(door) == []
    assert [each["user"] for each in await door.denied()] == [operator.user.id]

    before = await items(door)
    await update(MANAGER, view, **completed)
    (entry,) = await done(door)
    assert (entry.actor, entry.subject) == ("Hanako Kumagaya", view)
    # Nothing came of the camera just then.
    assert entry.data["answers"] == {"minimum": True, "way": "todo", "view": None}
    assert set(before) - set(await items(door)) == {view}
    # What the camera sees next is what it is compared with from now on.
    inspector = door.entry.runtime_data.bridge.steward.inspector()
    wanted_since = inspector._cameras[DOOR].memory.wanted_since
    assert wanted_since is not None
    assert wanted_since >= entry.at
