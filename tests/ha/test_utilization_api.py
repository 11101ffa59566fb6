"""Commands and routes of the utilizations: who may, what is wrong in words, and what is on record."""

import asyncio
import io
from collections.abc import Callable, Iterator
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util
from PIL import Image

from custom_components.camera_steward.bridge import state_directory
from custom_components.camera_steward.const import DOMAIN
from custom_components.camera_steward.core.errors import StorageError
from custom_components.camera_steward.core.ledger.entry import EntryKind
from custom_components.camera_steward.core.policy.task import TaskKind
from custom_components.camera_steward.core.steward import Steward
from custom_components.camera_steward.utilization_runner import UtilizationStatus
from tests.cameras import RtspCamera

from .conftest import CLIP
from .sites import async_ledger, names, until
from .staff import async_look, async_staffed
from .test_photos import picture, send
from .utilizing import (
    GATE,
    HALL,
    LINE,
    async_change,
    async_open_gate,
    by_address,
    runner_of,
    utilization,
)
from .watching import FORBIDDEN, Person, Stage

FLOOR = {
    "seen": [[0.3, 0.3], [0.7, 0.3], [0.9, 0.9], [0.1, 0.9]],
    "drawn": [[0, 0], [1, 0], [1, 1], [0, 1]],
    "width_m": 6,
    "depth_m": 4,
}
YARD = "01J0000000000000000000YARD"
SHOP = "01J0000000000000000000SHOP"


@pytest.fixture
def street() -> Iterator[RtspCamera]:
    """Run a camera that only utilizations know."""
    with RtspCamera(CLIP) as camera:
        yield camera


@pytest.fixture
async def stage(
    hass: HomeAssistant,
    disk: Path,
    street: RtspCamera,
    hass_ws_client: Callable[..., Any],
    hass_client_no_auth: Callable[..., Any],
) -> Stage:
    """Set up a site that counts, draws icons, tells scenes and visitors, all of it waiting for its notice."""
    made = await async_staffed(
        hass,
        disk,
        hass_ws_client,
        hass_client_no_auth,
        utilization(GATE, **by_address(street.url), frame_rate=10.0),
        utilization(HALL, "icons", **by_address(street.url)),
        utilization(YARD, "scenery", **by_address(street.url)),
        utilization(SHOP, "attributes", **by_address(street.url)),
    )
    await async_look(made)
    return made


async def rows(stage: Stage, client: Any = None) -> dict[str, Any]:
    """Return how the utilizations stand, by id."""
    asked = {"entry_id": stage.entry.entry_id, "language": "en"}
    answer = await stage.ws(client or stage.manager, f"{DOMAIN}/utilizations", **asked)
    return {each["utilization"]: each for each in answer["result"]}


async def refused(stage: Stage, id_: str, **view: Any) -> str:
    """Return which field of a view is wrong."""
    error = (await stage.ask("utilization_view", utilization=id_, view=view))["error"]
    assert (error["code"], error["translation_key"]) == ("view_invalid", "view_invalid")
    return str(error["translation_placeholders"]["field"])


def address(stage: Stage, id_: str, what: str) -> str:
    return f"/api/{DOMAIN}/{stage.entry.entry_id}/utilization/{id_}/{what}"


async def manager_of(stage: Stage) -> Person:
    """Return the manager with a session over HTTP."""
    user = await stage.hass.auth.async_get_user(stage.entry.data["manager_user_id"])
    assert user is not None
    return await stage.log_in(user)


async def test_operators_see_how_they_stand_and_the_manager_sets_their_view(stage: Stage) -> None:
    operator, _ = await stage.operator()
    found = await rows(stage, operator.socket)
    assert found == await rows(stage)
    gate = found[GATE]
    assert {each: gate[each] for each in ("case", "status", "pending", "running_version")} == {
        "case": "counting",
        "status": "pending",
        "pending": True,
        "running_version": None,
    }
    assert (gate["frames_taken"], gate["frames_persisted"], gate["result"]) == (0, 0, [])
    assert gate["view"]["lines"] == [LINE]
    assert [found[each]["needs"] for each in (GATE, HALL, YARD, SHOP)] == [
        ["lines", "persons"],
        ["background", "persons", "capacity"],
        ["labels"],
        ["entrance", "queue", "persons", "till_people"],
    ]
    tasks = {each["task"] for each in gate["missing"]}
    assert f"post_prior_notice:utilization:{GATE}" in tasks
    listed = {each["task"] for each in (await stage.ask("tasks", language="en"))["result"]}
    assert tasks - {None} <= listed
    assert all(each["text"] for each in gate["missing"])

    for command, more in (("view", {"view": {}}), ("learn", {"label": "x"})):
        for id_ in (GATE, "01J0000000000000000NOWHERE"):
            asked = {"entry_id": stage.entry.entry_id, "utilization": id_, **more}
            answer = await stage.ws(operator.socket, f"{DOMAIN}/utilization_{command}", **asked)
            assert answer["error"]["code"] == "refused"
    for what in ("background", "plan"):
        told = await stage.fetch("GET", address(stage, GATE, what), operator.headers)
        assert told[:2] == FORBIDDEN

    # What the manager sets is checked, saved at once, and on record.
    hass, entry = stage.hass, stage.entry
    crossed = {**FLOOR, "seen": [[0.3, 0.3], [0.7, 0.3], [0.1, 0.9], [0.9, 0.9]]}
    assert await refused(stage, GATE, floor=crossed) == "floor.seen"
    assert await refused(stage, GATE, lines=[LINE, LINE]) == "lines.1.name"
    assert await refused(stage, GATE, floor={**FLOOR, "plan": "a" * 64}) == "floor.plan"
    assert await refused(stage, HALL, background="a" * 64) == "background"
    assert await refused(stage, GATE, painted=True) == "painted"
    gone = await stage.ask("utilization_view", utilization="01J0000000000000000NOWHERE", view={})
    assert gone["error"]["code"] == "utilization_missing"
    assert (await rows(stage))[GATE]["view"]["lines"] == [LINE]

    bridge = entry.runtime_data.bridge
    line = {"name": "通り", "start": [0.1, 0.5], "end": [0.9, 0.5]}
    assert (await stage.ask("utilization_view", utilization=GATE, view={"lines": [line]}))[
        "success"
    ]
    await hass.async_block_till_done()
    assert entry.runtime_data.bridge is bridge  # nothing was started anew
    found = (await rows(stage))[GATE]
    assert found["view"]["lines"] == [line]
    changed = await async_ledger(hass, entry, EntryKind.SETTINGS_CHANGED)
    assert [(each.subject, each.actor, set(each.data)) for each in changed] == [
        (GATE, "Manager", {"view"})
    ]
    # It is no part of what was declared.
    declared = await async_ledger(hass, entry, EntryKind.UTILIZATION_DECLARED)
    assert [each.subject for each in declared].count(GATE) == 1

    # An entity that counts finds nothing in a place.
    await async_change(hass, entry, SHOP, detector="entity", detector_entity="sensor.people")
    assert (await rows(stage))[SHOP]["needs"] == ["till_people"]

    labels = {"labels": ["平常", "積雪"]}
    assert (await stage.ask("utilization_view", utilization=YARD, view=labels))["success"]
    for label, code in (("積雪", "utilization_stopped"), ("霧", "view_invalid")):
        answer = await stage.ask("utilization_learn", utilization=YARD, label=label)
        assert answer["error"]["code"] == code


async def test_pictures_are_kept_as_long_as_a_view_names_them(stage: Stage) -> None:
    hass, entry = stage.hass, stage.entry
    manager = await manager_of(stage)
    steward: Steward = entry.runtime_data.bridge.steward
    before = dt_util.utcnow() - timedelta(days=2)

    def sent(colour: str) -> bytes:
        target = io.BytesIO()
        Image.new("RGB", (64, 48), colour).save(target, "PNG")
        return target.getvalue()

    def add(colour: str) -> str:
        return steward.photos().add(sent(colour), at=before)

    plan, unnamed = [await hass.async_add_executor_job(add, each) for each in ("white", "black")]
    view = {"floor": {**FLOOR, "plan": plan}}
    assert (await stage.ask("utilization_view", utilization=GATE, view=view))["success"]
    await hass.async_block_till_done()

    # A background is one that somebody approved as empty; it is then shown to the manager.
    status, given = await send(stage, manager, picture())
    assert status == HTTPStatus.OK
    photo, task = given["photo"], f"{TaskKind.APPROVE_BACKGROUND}:utilization:{HALL}"
    assert await refused(stage, HALL, background=photo) == "background"
    answers = {"nobody": True, "photo": photo}
    assert (await stage.ask("task_done", task=task, answers=answers))["success"]
    named = {"background": photo, "capacity": 12}
    assert (await stage.ask("utilization_view", utilization=HALL, view=named))["success"]
    shown = await stage.fetch("GET", address(stage, HALL, "plan"), manager.headers)
    assert (shown[0], shown[2]["Content-Type"]) == (HTTPStatus.OK, "image/jpeg")
    assert shown[2]["Cache-Control"] == "no-store"
    # Of one that has none there is none.
    missing = await stage.fetch("GET", address(stage, YARD, "plan"), manager.headers)
    assert missing[:2] == FORBIDDEN

    folder = state_directory(hass, entry.entry_id) / "evidence"
    assert set(names(folder)) == {plan, unnamed, photo}
    await hass.async_add_executor_job(steward._books().tidy_photos)
    assert set(names(folder)) == {plan, photo}
    assert (await stage.ask("utilization_view", utilization=GATE, view={}))["success"]
    await hass.async_block_till_done()
    await hass.async_add_executor_job(steward._books().tidy_photos)
    assert names(folder) == [photo]


async def test_the_place_without_people_is_the_managers_while_it_runs_and_on_record(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    hass, entry = stage.hass, stage.entry
    manager, runner = await manager_of(stage), runner_of(entry)
    where = address(stage, GATE, "background")
    for id_ in (GATE, "01J0000000000000000NOWHERE"):
        told = await stage.fetch("GET", address(stage, id_, "background"), manager.headers)
        assert told[:2] == (HTTPStatus.CONFLICT, b'{"key": "background_missing"}')

    await async_open_gate(hass, entry, GATE)
    await async_look(stage)
    await until(lambda: runner.status(GATE) is UtilizationStatus.RUNNING)

    async def seen() -> tuple[int, bytes, dict[str, str]]:
        return await stage.fetch("GET", where, manager.headers)

    while (found := await seen())[0] == HTTPStatus.CONFLICT:  # noqa: ASYNC110
        await asyncio.sleep(0.1)  # after some pictures the place is known
    assert found[0] == HTTPStatus.OK
    assert (found[2]["Content-Type"], found[2]["Cache-Control"]) == ("image/png", "no-store")
    with Image.open(io.BytesIO(found[1])) as image:
        assert image.format == "PNG"
    (viewed,) = await async_ledger(hass, entry, EntryKind.UTILIZATION_VIEWED)
    assert (viewed.subject, viewed.actor) == (GATE, "Hanako Kumagaya")
    assert viewed.data == {"what": "background"}
    row = (await rows(stage))[GATE]
    assert row["status"] == "running"
    assert (row["frames_persisted"], row["missing"]) == (0, [])
    assert row["frames_taken"] > 0
    assert row["running_version"] == row["version"]

    # What cannot be entered is not shown.
    def fail(*_: object, **__: object) -> None:
        raise StorageError

    with monkeypatch.context() as patch:
        patch.setattr(Steward, "remember", fail)
        assert (await seen())[:2] == FORBIDDEN
    operator, _ = await stage.operator()
    assert (await stage.fetch("GET", where, operator.headers))[:2] == FORBIDDEN
    assert len(await async_ledger(hass, entry, EntryKind.UTILIZATION_VIEWED)) == 1
