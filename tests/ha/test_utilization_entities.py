"""What utilizations show: by case, only while they run, and never a small count or a picture."""

import io
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from freezegun.api import FrozenDateTimeFactory
from homeassistant.auth.models import Group
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import device_registry as dr, entity_registry as er, issue_registry as ir
from homeassistant.setup import async_setup_component
from PIL import Image
from pytest_homeassistant_custom_component.common import (
    MockUser,
    async_fire_time_changed,
)

from custom_components.camera_steward.const import DOMAIN
from custom_components.camera_steward.core.clock import SystemClock
from custom_components.camera_steward.core.ledger.entry import EntryKind
from custom_components.camera_steward.core.policy.task import TaskKind
from custom_components.camera_steward.core.utilization.results import MovementResult, OtherResult
from custom_components.camera_steward.repairs import Issue, issue_id
from custom_components.camera_steward.texts import async_texts
from custom_components.camera_steward.utilization_results import result_lines
from custom_components.camera_steward.utilization_runner import UtilizationStatus
from tests.cameras import RtspCamera

from .conftest import CLIP
from .sites import MANAGER, async_ledger, async_set_up, entity_id, site, state_of, until
from .utilizing import (
    GATE,
    HALL,
    async_change,
    async_look,
    async_open_gate,
    async_switch,
    by_address,
    runner_of,
    utilization,
)

FLOOR = {
    "seen": [[0.1, 0.4], [0.9, 0.4], [1.0, 1.0], [0.0, 1.0]],
    "drawn": [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]],
    "width_m": 6,
    "depth_m": 4,
}
ZONE = {"name": "Shelf", "points": [[0.0, 0.5], [0.5, 0.5], [0.5, 1.0], [0.0, 1.0]]}
FACES = "image_processing.entrance"
SMALL = ("visitors", "age_under_20", "age_from_20", "age_from_40", "age_from_60", "sex_female")


def faces(**counts: int) -> dict[str, Any]:
    """Return the attributes of an entity that sees faces of about 30, by sex."""
    found = [
        {"age": 30, "gender": sex, "confidence": 90.0}
        for sex, count in counts.items()
        for _ in range(count)
    ]
    return {"faces": found, "total_faces": len(found)}


@pytest.fixture
def whole_clock(monkeypatch: pytest.MonkeyPatch, freezer: FrozenDateTimeFactory) -> None:
    """Let time since boot pass as the wall clock does."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    monkeypatch.setattr(SystemClock, "elapsed", lambda self: datetime.now(UTC) - start)


@pytest.fixture
def street() -> Iterator[RtspCamera]:
    """Run a camera that only utilizations know."""
    with RtspCamera(CLIP) as camera:
        yield camera


async def pass_time(hass: HomeAssistant, freezer: FrozenDateTimeFactory, **by: float) -> None:
    """Let time pass, and what was planned happen."""
    freezer.tick(timedelta(**by))
    async_fire_time_changed(hass)
    await hass.async_block_till_done(wait_background_tasks=True)


async def test_an_entity_is_heard_after_the_gate_and_small_counts_are_not_told(
    hass: HomeAssistant, disk: Path, freezer: FrozenDateTimeFactory, whole_clock: None
) -> None:
    freezer.move_to(datetime(2026, 11, 25, 9, 14, 50, tzinfo=UTC))
    MockUser(id=MANAGER, name="Manager").add_to_hass(hass)
    by_entity = {"detector": "entity", "detector_entity": FACES, "originals": "None is kept"}
    entry = await async_set_up(hass, site(disk, utilization(GATE, "attributes", **by_entity)))
    await async_look(entry)
    hass.states.async_set(FACES, "9", faces(female=4, male=5))
    await hass.async_block_till_done()
    assert state_of(hass, "sensor", GATE, "visitors").state == "unavailable"
    assert runner_of(entry).snapshot(GATE) is None

    await async_open_gate(hass, entry, GATE)
    hass.states.async_set(FACES, "0", faces())
    await async_look(entry)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert state_of(hass, "sensor", GATE, "utilization_status").state == "running"
    assert state_of(hass, "sensor", GATE, "visitors").state == "unknown"

    # Of a whole quarter of an hour: a count of two is not told, nor what would give it away.
    await pass_time(hass, freezer, seconds=15)
    hass.states.async_set(FACES, "7", faces(female=2, male=5))
    await hass.async_block_till_done(wait_background_tasks=True)
    assert state_of(hass, "sensor", GATE, "visitors").state == "unknown"
    for _ in range(15):  # an entity that is silent for longer leaves no whole quarter
        await pass_time(hass, freezer, minutes=1)
    told = {key: state_of(hass, "sensor", GATE, key).state for key in (*SMALL, "sex_male")}
    assert {"1", "2"}.isdisjoint(told.values()), told
    assert not (told["sex_male"] == "5" and told["visitors"] == "7"), told
    hass.states.async_set(FACES, "0", faces())
    await hass.async_block_till_done(wait_background_tasks=True)
    hass.states.async_set(FACES, "10", faces(female=4, male=6))
    await hass.async_block_till_done(wait_background_tasks=True)
    assert state_of(hass, "binary_sensor", GATE, "open_till").state == "on"
    for _ in range(15):
        await pass_time(hass, freezer, minutes=1)
    assert [
        state_of(hass, "sensor", GATE, key).state
        for key in ("visitors", "sex_female", "sex_male", "age_from_20")
    ] == ["10", "4", "6", "10"]
    female = state_of(hass, "sensor", GATE, "sex_female")
    assert [female.attributes[each] for each in ("unit_of_measurement", "friendly_name")] == [
        "people",
        "Use Gate Visitors estimated female",
    ]

    # An entity that is away, or begins to tell names, gives nothing; after a minute a repair says so.
    known = {"faces": [{"name": "Taro Fukaya", "confidence": 99.0}]}
    for state, attributes in (("unavailable", {}), ("1", known)):
        hass.states.async_set(FACES, state, attributes)
        await hass.async_block_till_done(wait_background_tasks=True)
        status = state_of(hass, "sensor", GATE, "utilization_status")
        assert status.state == "detector_failed"
    assert runner_of(entry).count(GATE).error_key == "detector_identity"
    await entry.runtime_data.coordinator.async_refresh()
    issue = issue_id(entry, Issue.DETECTOR_FAILED, entry.subentries[GATE])
    assert ir.async_get(hass).async_get_issue(DOMAIN, issue) is None
    await pass_time(hass, freezer, minutes=2)
    await entry.runtime_data.coordinator.async_refresh()
    assert ir.async_get(hass).async_get_issue(DOMAIN, issue) is not None
    assert "Taro" not in str([each.as_dict() for each in hass.states.async_all("sensor")])
    hass.states.async_set(FACES, "0", faces())
    await hass.async_block_till_done(wait_background_tasks=True)
    assert state_of(hass, "sensor", GATE, "utilization_status").state == "running"
    await entry.runtime_data.coordinator.async_refresh()
    assert ir.async_get(hass).async_get_issue(DOMAIN, issue) is None


async def test_each_case_has_its_entities_and_images_and_they_go_with_it(
    hass: HomeAssistant,
    disk: Path,
    street: RtspCamera,
    hass_client: Callable[..., Any],
) -> None:
    MockUser(id=MANAGER, name="Manager").add_to_hass(hass)
    own = by_address(street.url)
    yard, path = "01J0000000000000000000YARD", "01J0000000000000000000PATH"
    entry = await async_set_up(
        hass,
        site(
            disk,
            utilization(HALL, "movement", view={"floor": FLOOR, "zones": [ZONE]}, **own),
            utilization(yard, "scenery", view={"labels": ["Dry", "Flooded"]}, **own),
            utilization(path, "icons", view={"capacity": 8}, **own),
            utilization(GATE, **own),
        ),
    )
    for each in (HALL, path):
        await async_open_gate(hass, entry, each)
    seen = {
        TaskKind.CHECK_UNREADABLE: {
            "faces": "unreadable",
            "nameplates": "unreadable",
            "how": "Looked",
        }
    }
    await async_open_gate(hass, entry, yard, seen)
    await async_look(entry)
    runner = runner_of(entry)
    wanted = dict.fromkeys((HALL, yard, path), UtilizationStatus.RUNNING)
    await until(lambda: {each: runner.status(each) for each in wanted} == wanted)

    assert state_of(hass, "sensor", HALL, "dwell_Shelf").attributes["friendly_name"] == (
        "Use Hall Mean stay in Shelf"
    )
    assert state_of(hass, "sensor", yard, "scene").attributes["options"] == ["Dry", "Flooded"]
    await until(lambda: state_of(hass, "sensor", path, "crowd").state == "empty")
    counter = state_of(hass, "sensor", GATE, "count_Gate_bicycle_out")
    assert (counter.state, counter.attributes["state_class"]) == ("unavailable", "total_increasing")
    assert state_of(hass, "sensor", path, "frames_persisted").state == "0"
    device = dr.async_get(hass).async_get_device_by_identifier((DOMAIN, path), entry.entry_id)
    assert device is not None
    assert (device.name, device.config_subentry_id) == ("Use Path", path)

    # Drawn of results alone.
    client = await hass_client()
    for owner, key in ((path, "icons"), (HALL, "heat_map")):
        answer = await client.get(f"/api/image_proxy/{entity_id(hass, 'image', owner, key)}")
        assert answer.status == 200
        with Image.open(io.BytesIO(await answer.read())) as drawn:
            assert min(drawn.size) > 100

    # Another name and other zones show at once, and what is removed goes, while the rest runs on.
    connections = street.stats()["connections"]
    hass.config_entries.async_update_subentry(entry, entry.subentries[path], title="Path at night")
    await async_change(
        hass, entry, HALL, view={"floor": FLOOR, "zones": [{**ZONE, "name": "Till"}]}
    )
    renamed = dr.async_get(hass).async_get(device.id)
    assert renamed is not None
    assert renamed.name == "Path at night"
    assert entity_id(hass, "sensor", HALL, "visits_Till")
    registry = er.async_get(hass)
    assert registry.async_get_entity_id("sensor", DOMAIN, f"{HALL}_visits_Shelf") is None
    hass.config_entries.async_remove_subentry(entry, yard)
    await async_look(entry)
    assert [each for each in registry.entities.values() if each.unique_id.startswith(yard)] == []
    assert runner.status(path) is UtilizationStatus.RUNNING
    await until(lambda: runner.status(HALL) is UtilizationStatus.RUNNING)
    assert street.stats()["connections"] == connections + 1


async def test_who_may_use_a_switch_may_end_it_and_to_begin_is_the_managers(
    hass: HomeAssistant, disk: Path
) -> None:
    everybody = Group(id="everybody", name="Users", policy={"entities": True})
    MockUser(id=MANAGER, name="Manager", groups=[everybody]).add_to_hass(hass)
    resident = MockUser(name="Resident", groups=[everybody]).add_to_hass(hass)
    by_entity = {"detector": "entity", "detector_entity": "sensor.people"}
    entry = await async_set_up(hass, site(disk, utilization(GATE, "attributes", **by_entity)))
    hass.states.async_set("sensor.people", "4")
    await async_open_gate(hass, entry, GATE)
    await async_look(entry)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert state_of(hass, "sensor", GATE, "utilization_status").state == "running"

    await async_switch(hass, GATE, "off", resident.id)
    assert state_of(hass, "switch", GATE, "utilization").state == "off"
    assert state_of(hass, "sensor", GATE, "utilization_status").state == "off"
    assert state_of(hass, "sensor", GATE, "queue_forecast").state == "unavailable"
    with pytest.raises(ServiceValidationError) as refused:
        await async_switch(hass, GATE, "on", resident.id)
    assert refused.value.translation_key == "manager_only"
    await async_switch(hass, GATE, "on", MANAGER)
    assert runner_of(entry).snapshot(GATE) is not None
    found = await async_ledger(
        hass, entry, EntryKind.UTILIZATION_BEGUN, EntryKind.UTILIZATION_ENDED
    )
    assert [each.actor for each in found] == ["steward", "Resident", "Hanako Kumagaya"]


async def test_states_of_a_scene_that_are_set_later_can_be_told(
    hass: HomeAssistant, disk: Path
) -> None:
    MockUser(id=MANAGER, name="Manager").add_to_hass(hass)
    entry = await async_set_up(hass, site(disk, utilization(GATE, "scenery")))
    await async_change(hass, entry, GATE, view={"labels": ["Dry", "Flooded"]})
    assert state_of(hass, "sensor", GATE, "scene").attributes["options"] == ["Dry", "Flooded"]


async def test_what_is_not_told_is_no_count_in_the_panel_either(hass: HomeAssistant) -> None:
    assert await async_setup_component(hass, DOMAIN, {})
    for language, said in (("en", "not told"), ("ja", "非表示")):
        texts = await async_texts(hass, language)
        most = OtherResult(since_at=datetime(2026, 11, 25, tzinfo=UTC), most=None)
        (line,) = result_lines(most, texts)
        assert said in line
        assert not line.endswith("人")
        none, few = result_lines(
            MovementResult(visits={"Till": 0, "Shelf": None}, dwell={}, hour_at=None), texts
        )
        assert said in few
        assert said not in none
