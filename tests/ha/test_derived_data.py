"""Derived data is erased after its days: kept data, states and statistics in a real recorder."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from homeassistant.components.recorder import Recorder
from homeassistant.components.recorder.db_schema import (
    States,
    StatesMeta,
    Statistics,
    StatisticsMeta,
    StatisticsShortTerm,
)
from homeassistant.components.recorder.models import (
    StatisticData,
    StatisticMeanType,
    StatisticMetaData,
)
from homeassistant.components.recorder.statistics import async_import_statistics
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.recorder import session_scope
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.common import MockUser, async_fire_time_changed
from pytest_homeassistant_custom_component.components.recorder.common import (
    async_wait_recording_done,
)

from custom_components.camera_steward.const import DOMAIN

from .sites import MANAGER, async_set_up, entity_id, site
from .utilizing import GATE, HALL, LINE, async_change, utilization


@pytest.fixture(autouse=True)
def _integration(
    recorder_mock: Recorder, enable_custom_integrations: None, socket_enabled: None
) -> None:
    """Have a recorder that writes a database, before Home Assistant loads the integration."""


async def async_put_back(hass: HomeAssistant, instance: Recorder, entity: str, days: int) -> None:
    """Let the states of an entity be so old, and give it statistics of that time."""
    at = dt_util.utcnow() - timedelta(days=days)
    hour = at.replace(minute=0, second=0, microsecond=0)
    hass.states.async_set(entity, "5")
    metadata = StatisticMetaData(
        source="recorder",
        statistic_id=entity,
        name=None,
        unit_of_measurement="people",
        unit_class=None,
        mean_type=StatisticMeanType.NONE,
        has_sum=True,
    )
    async_import_statistics(hass, metadata, [StatisticData(start=hour, state=5.0, sum=5.0)])
    await async_wait_recording_done(hass)

    def put() -> None:
        with session_scope(session=instance.get_session()) as session:
            ((states,),) = session.query(StatesMeta.metadata_id).filter_by(entity_id=entity)
            session.query(States).filter_by(metadata_id=states).update(
                {"last_updated_ts": at.timestamp(), "last_changed_ts": None}
            )
            ((statistics,),) = session.query(StatisticsMeta.id).filter_by(statistic_id=entity)
            session.add(StatisticsShortTerm(metadata_id=statistics, start_ts=hour.timestamp()))

    await instance.async_add_executor_job(put)


async def recorded(instance: Recorder) -> dict[str, tuple[int, int]]:
    """Return how many states and rows of statistics there are, by entity."""

    def look() -> dict[str, tuple[int, int]]:
        with session_scope(session=instance.get_session(), read_only=True) as session:
            # The row of its removal, which holds no state, may come after the purge.
            states = (
                session.query(StatesMeta.entity_id)
                .join(States, States.metadata_id == StatesMeta.metadata_id)
                .filter(States.state.is_not(None), States.state != "")
            )
            found = [each for (each,) in states]
            rows = [
                each
                for table in (Statistics, StatisticsShortTerm)
                for (each,) in session.query(StatisticsMeta.statistic_id).join(
                    table, table.metadata_id == StatisticsMeta.id
                )
            ]
        return {each: (found.count(each), rows.count(each)) for each in {*found, *rows}}

    return await instance.async_add_executor_job(look)


def entity_id_of_gone(hass: HomeAssistant, unique_id: str) -> str:
    """Return by which id an entity of the steward was known that is gone."""
    deleted = er.async_get(hass).deleted_entities
    return next(each.entity_id for each in deleted.values() if each.unique_id == unique_id)


async def oldest(instance: Recorder, *entities: str) -> datetime:
    """Return when the oldest state of some entities was."""

    def look() -> float:
        with session_scope(session=instance.get_session(), read_only=True) as session:
            found = session.query(States.last_updated_ts).join(
                StatesMeta, States.metadata_id == StatesMeta.metadata_id
            )
            wanted = found.filter(StatesMeta.entity_id.in_(entities))
            return min((at for (at,) in wanted), default=dt_util.utcnow().timestamp())

    return dt_util.utc_from_timestamp(await instance.async_add_executor_job(look))


async def test_states_and_statistics_go_after_their_days_and_with_the_utilization(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    disk: Path,
) -> None:
    MockUser(id=MANAGER, name="Manager").add_to_hass(hass)
    both = {"lines": [LINE, {**LINE, "name": "Exit"}]}
    by_entity = {"detector": "entity", "detector_entity": "sensor.people"}
    entry = await async_set_up(
        hass,
        site(
            disk,
            utilization(GATE, view=both, derived_days=30, **by_entity),
            utilization(HALL, "other", derived_days=3, **by_entity),
        ),
    )
    old, young, gone = (
        entity_id(hass, "sensor", GATE, f"count_{each}")
        for each in ("Gate_person_in", "Gate_person_out", "Exit_person_in")
    )
    most, foreign = entity_id(hass, "sensor", HALL, "most_persons"), "sensor.foreign"
    for entity, days in ((old, 31), (young, 29), (gone, 31), (most, 1), (foreign, 400)):
        await async_put_back(hass, recorder_mock, entity, days)
    # Its line is no more, but what was recorded of it is; another's id is somebody else's by now.
    await async_change(hass, entry, GATE, view={"lines": [LINE]})
    assert hass.states.get(gone) is None
    taken = entity_id_of_gone(hass, f"{GATE}_count_Exit_person_out")
    name = {"name": taken.removeprefix("sensor.").replace("_", " "), "state": "{{ 1 }}"}
    assert await async_setup_component(hass, "template", {"template": {"sensor": [name]}})
    await hass.async_block_till_done()
    assert hass.states.get(taken) is not None
    await async_put_back(hass, recorder_mock, taken, 31)
    before = await recorded(recorder_mock)
    assert all(before[each][1] == 2 for each in (old, young, gone, most, foreign)), before

    await hass.config_entries.async_unload(entry.entry_id)
    await hass.async_block_till_done()
    now, basis = dt_util.utcnow(), ["counting", "", "", "To know how many people pass"]
    hass_storage[f"{DOMAIN}.{entry.entry_id}.derived"]["data"] = {
        id_: {
            "basis": basis,
            "at": (now - timedelta(days=4)).isoformat(),
            "work": {},
            "persisted": 0,
        }
        for id_ in (GATE, HALL, "01J0000000000000000000GONE")
    }
    await async_set_up(hass, entry)
    await async_wait_recording_done(hass)
    after = await recorded(recorder_mock)
    # What became of them since is young.
    assert after.get(old, (0, 0))[1] == after.get(gone, (0, 0))[1] == 0
    assert await oldest(recorder_mock, old, gone) > now - timedelta(days=30)
    assert after[young][1] == after[most][1] == after[foreign][1] == after[taken][1] == 2
    assert await oldest(recorder_mock, young) < now - timedelta(days=28)
    assert await oldest(recorder_mock, foreign) < now - timedelta(days=399)
    assert set(hass_storage[f"{DOMAIN}.{entry.entry_id}.derived"]["data"]) == {GATE}

    # Each day, and with the removal of one.
    await async_put_back(hass, recorder_mock, old, 31)
    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(days=1, hours=1))
    await async_wait_recording_done(hass)
    assert (await recorded(recorder_mock)).get(old, (0, 0))[1] == 0
    assert (await recorded(recorder_mock))[most][1] == 2
    hass.config_entries.async_remove_subentry(entry, HALL)
    await async_wait_recording_done(hass)
    assert [each for each in await recorded(recorder_mock) if "use_hall" in each] == []
    assert foreign in await recorded(recorder_mock)
