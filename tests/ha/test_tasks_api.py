"""Tasks by command and action: who sees them, who does them, and what is on record of it."""

import io
from collections.abc import Callable
from datetime import date
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from homeassistant.auth.const import GROUP_ID_USER
from homeassistant.core import Context, HomeAssistant
from homeassistant.exceptions import ServiceValidationError
from PIL import Image

from custom_components.camera_steward.const import DOMAIN

from .sites import DOOR, MANAGER
from .staff import async_at_the_door, async_look, done, resident
from .watching import Person, Stage

POST_SIGN = f"post_sign:camera:{DOOR}"
SCOPE = f"decide_scope:camera:{DOOR}"
WITHIN = {
    "crime_prevention": "yes",
    "public_place": "yes",
    "permanent": "yes",
    "recording": "yes",
    "own_property": "no",
    "medium_in_camera": "no",
}


@pytest.fixture
async def door(
    hass: HomeAssistant,
    disk: Path,
    hass_ws_client: Callable[..., Any],
    hass_client_no_auth: Callable[..., Any],
) -> Stage:
    """Set up a site with a camera, and look at its duties."""
    return await async_at_the_door(hass, disk, hass_ws_client, hass_client_no_auth)


async def ask(stage: Stage, client: Any, command: str, **more: Any) -> dict[str, Any]:
    return await stage.ws(client, f"{DOMAIN}/{command}", entry_id=stage.entry.entry_id, **more)


async def tasks(stage: Stage, client: Any, language: str = "en") -> dict[str, dict[str, Any]]:
    answer = await ask(stage, client, "tasks", language=language)
    assert answer["success"], answer
    return {each["task"]: each for each in answer["result"]}


async def photo(stage: Stage, person: Person) -> str:
    """Hand a photo in and return its id."""
    target = io.BytesIO()
    Image.new("RGB", (64, 48), "red").save(target, "JPEG")
    async with stage.http.session.post(
        stage.http.make_url(f"/api/{DOMAIN}/{stage.entry.entry_id}/photo"),
        headers=person.headers,
        data=target.getvalue(),
    ) as answer:
        assert answer.status == HTTPStatus.OK
        return str((await answer.json())["photo"])


async def test_manager_and_operators_see_what_is_to_be_done_and_nobody_else(door: Stage) -> None:
    operator, _ = await door.operator()
    seen = await tasks(door, door.manager)
    assert list(seen) == list(await tasks(door, operator.socket))
    assert sorted(each["due_at"] for each in seen.values()) == [
        each["due_at"] for each in seen.values()
    ]
    scope = seen[SCOPE]
    assert {
        k: scope[k] for k in ("kind", "title", "subject", "state", "may", "by_hand", "last")
    } == {
        "kind": "decide_scope",
        "title": "Decide whether the guideline is for this camera",
        "subject": {"kind": "camera", "id": DOOR, "name": "Door"},
        "state": "due",
        "may": True,
        "by_hand": True,
        "last": None,
    }
    assert scope["questions"][0] == {
        "name": "crime_prevention",
        "label": "Is it there to prevent crime?",
        "type": "choice",
        "required": True,
        "options": [{"value": "yes", "label": "Yes"}, {"value": "no", "label": "No"}],
    }
    assert (await tasks(door, door.manager, "ja"))[SCOPE][
        "title"
    ] == "ガイドラインの対象かどうかの判断"
    theirs = await tasks(door, operator.socket)
    assert not theirs[SCOPE]["may"]
    assert theirs[POST_SIGN]["may"]
    assert not theirs[f"adopt_rules:site:{door.entry.entry_id}"]["by_hand"]

    waiting = await door.hass.auth.async_create_user("Not pledged", group_ids=[GROUP_ID_USER])
    await door.appoint(waiting)
    for person, refusal in (
        (await resident(door), "not_appointed"),
        (await door.log_in(waiting), "not_pledged"),
    ):
        for command, more in (
            ("tasks", {"language": "en"}),
            ("task_done", {"task": POST_SIGN, "answers": {}}),
            ("task_done", {"task": "no:such:task"}),
        ):
            answer = await ask(door, person.socket, command, **more)
            assert answer["error"]["code"] == "refused"
        denied = (await door.denied())[-1]
        assert person.user is not None
        assert (denied["user"], denied["kind"], denied["refusal"]) == (
            person.user.id,
            "duties",
            refusal,
        )
    assert await done(door) == []


async def test_what_was_done_is_on_record_and_what_follows_is_seen_at_once(door: Stage) -> None:
    operator, _ = await door.operator()
    assert operator.user is not None
    picture = await photo(door, operator)

    async def enter(client: Any, task: str, **answers: Any) -> dict[str, Any]:
        return await ask(door, client, "task_done", task=task, answers=answers)

    for task, answers, field in (
        (POST_SIGN, {"photo": picture}, "where"),
        (POST_SIGN, {"where": "At the door"}, "photo"),
        (POST_SIGN, {"where": "At the door", "photo": "0" * 64}, "photo"),
        (POST_SIGN, {"where": "x" * 2001, "photo": picture}, "where"),
        (POST_SIGN, {"where": True, "photo": picture}, "where"),
        (POST_SIGN, {"where": "x", "photo": picture, "more": "x"}, "answers"),
        (f"post_sign:camera:{MANAGER}", {}, "task"),
        (f"check_sign:camera:{DOOR}", {"sign_there": "yes", "readable": "yes"}, "task"),
    ):
        error = (await enter(operator.socket, task, **answers))["error"]
        assert (error["code"], error["translation_placeholders"]) == (
            "task_invalid",
            {"field": field},
        )
    rules = f"adopt_rules:site:{door.entry.entry_id}"
    assert (await enter(door.manager, rules))["error"]["code"] == "task_invalid"
    answer = await enter(operator.socket, SCOPE, **WITHIN)
    assert answer["error"]["code"] == "refused"
    assert (await door.denied())[-1]["refusal"] == "not_manager"
    assert await done(door) == []

    sign = {"where": " At the door\u202e ", "photo": picture}
    assert (await enter(operator.socket, POST_SIGN, **sign))["success"]
    assert (await enter(door.manager, SCOPE, **WITHIN))["success"]
    posted, scoped = await done(door)
    assert (posted.actor, posted.subject) == ("Taro Ara", POST_SIGN)
    assert posted.data["user"] == operator.user.id
    look = door.entry.runtime_data.coordinator.duties
    assert look is not None
    assert posted.data["answers"] == {
        "where": "At the door\u202e",
        "photo": picture,
        "way": "panel",
        "sign_version": look.facts.sign_version,
    }
    assert scoped.actor == "Hanako Kumagaya"
    left = await tasks(door, door.manager)
    assert {SCOPE, POST_SIGN} & set(left) == set()
    assert left[f"check_sign:camera:{DOOR}"]["state"] == "upcoming"


async def test_an_action_does_a_task_for_a_person_and_never_for_an_automation(door: Stage) -> None:
    hass = door.hass
    operator, _ = await door.operator()
    outsider = await resident(door)
    assert operator.user is not None
    assert outsider.user is not None

    async def complete(user: str | None, task: str, answers: object) -> None:
        await hass.services.async_call(
            DOMAIN,
            "complete_task",
            {"task": task, "answers": answers},
            blocking=True,
            context=Context(user_id=user),
        )

    brief = f"brief:person:{operator.user.id}"
    await async_look(door)
    for user, task, answers, key in (
        (None, SCOPE, WITHIN, "task_by_automation"),
        ("gone", SCOPE, WITHIN, "refused"),
        (outsider.user.id, SCOPE, WITHIN, "refused"),
        (operator.user.id, SCOPE, WITHIN, "refused"),
        (MANAGER, SCOPE, {}, "task_answer_invalid"),
        (MANAGER, SCOPE, WITHIN | {"more": "x"}, "task_answer_unasked"),
        (MANAGER, brief, {"on": "2199-01-01"}, "task_answer_invalid"),
        (MANAGER, "x", {}, "task_missing"),
    ):
        with pytest.raises(ServiceValidationError) as raised:
            await complete(user, task, answers)
        assert raised.value.translation_key == key
        told = raised.value.translation_placeholders or {}
        assert told.get("question") == {SCOPE: "Is it there to prevent crime?", brief: "Day"}.get(
            task if key == "task_answer_invalid" else ""
        )
    assert await done(door) == []
    assert {each["user"] for each in await door.denied()} == {
        "gone",
        outsider.user.id,
        operator.user.id,
    }
    await complete(MANAGER, SCOPE, WITHIN)
    # As YAML reads `on: 2026-01-05`.
    await complete(MANAGER, brief, {True: date(2026, 1, 5)})
    scoped, briefed = await done(door)
    assert scoped.data["answers"] == {**WITHIN, "way": "action"}
    assert briefed.data["answers"] == {"on": "2026-01-05", "way": "action"}
