"""What utilizations keep over a restart, and the end of all derived data when its days are over.

Kept is what went through the limiter (`core/utilization/limiter.py`), in Home Assistant's private storage.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, TypedDict, override

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import ATTR_ENTITY_ID
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.entity import entity_sources
from homeassistant.helpers.event import async_track_time_interval
from homeassistant.helpers.recorder import DATA_INSTANCE, get_instance, session_scope
from homeassistant.helpers.start import async_at_started
from homeassistant.helpers.storage import Store
from homeassistant.util import dt as dt_util

from .const import DOMAIN
from .core.ledger.entry import Json
from .core.policy.utilization import Declaration
from .utilizations import utilizations_of

if TYPE_CHECKING:
    from homeassistant.components.recorder import Recorder
    from homeassistant.components.recorder.tasks import RecorderTask

_VERSION: Final = 1
_EVERY: Final = timedelta(days=1)
_DAY: Final = timedelta(days=1)
_RECORDER: Final = "recorder"
_PURGE: Final = "purge_entities"


class Kept(TypedDict):
    """What is kept of a utilization, `at` a time in ISO 8601, for the use that `basis` tells.

    `persisted` is how many frames were written ever: what must stay 0 is not 0 again after a restart.
    """

    basis: list[str]
    at: str
    work: dict[str, Json]
    persisted: int


class KeptData:
    """The derived data of a site's utilizations that outlives a restart."""

    def __init__(self, hass: HomeAssistant, entry_id: str) -> None:
        """Know nothing until `async_load`."""
        self._store: Store[dict[str, Kept]] = Store(
            hass, _VERSION, f"{DOMAIN}.{entry_id}.derived", private=True, atomic_writes=True
        )
        self._kept: dict[str, Kept] = {}

    async def async_load(self) -> None:
        """Read what was kept."""
        self._kept = await self._store.async_load() or {}

    async def async_remove(self) -> None:
        """Erase all."""
        self._kept = {}
        await self._store.async_remove()

    def work(self, utilization: str, declared: Declaration) -> Mapping[str, Json]:
        """Return what a utilization goes on with: nothing of another camera, case or purpose."""
        found = self._kept.get(utilization)
        return found["work"] if found is not None and found["basis"] == _basis(declared) else {}

    def persisted(self, utilization: str) -> int:
        """Return how many of its frames were written before."""
        found = self._kept.get(utilization)
        return found["persisted"] if found is not None else 0

    def take(
        self,
        utilization: str,
        declared: Declaration,
        work: Mapping[str, Json],
        persisted: int,
        now: datetime,
    ) -> None:
        """Take what is to be kept; durable after `async_save`."""
        self._kept[utilization] = Kept(
            basis=_basis(declared), at=now.isoformat(), work=dict(work), persisted=persisted
        )

    def drop(self, limits: Mapping[str, timedelta], now: datetime) -> None:
        """Erase what is older than its limit, or of no utilization; durable after `async_save`."""
        self._kept = {
            id_: each
            for id_, each in self._kept.items()
            if id_ in limits and now - datetime.fromisoformat(each["at"]) < limits[id_]
        }

    def forget(self, utilization: str) -> None:
        """Erase what is kept of one; durable after `async_save`."""
        self._kept.pop(utilization, None)

    async def async_save(self) -> None:
        """Write what was taken; durable on return."""
        await self._store.async_save(self._kept)


def _basis(declared: Declaration) -> list[str]:
    return [declared.case.value, declared.camera, declared.address_since, declared.purpose]


class DerivedData:
    """Keeps derived data for its days and no longer, Home Assistant's recorder included."""

    def __init__(self, hass: HomeAssistant, entry: ConfigEntry) -> None:
        """Look at nothing before `async_start`."""
        self._hass = hass
        entry.async_on_unload(self.async_stop)
        self.kept = KeptData(hass, entry.entry_id)
        self._limits: Callable[[], Mapping[str, timedelta]] = dict
        self._unsubs: list[CALLBACK_TYPE] = []

    async def async_start(self, limits: Callable[[], Mapping[str, timedelta]]) -> None:
        """Erase what is past its limit, now and each day; `limits` are by utilization, whole days.

        The recorder's only once Home Assistant has started: whose each entity is, is known then.
        """
        self._limits = limits
        await self.kept.async_load()
        await self._async_drop()
        self._unsubs = [
            async_track_time_interval(self._hass, self.async_look, _EVERY, cancel_on_shutdown=True),
            async_at_started(self._hass, self._async_look_first),
        ]

    @callback
    def async_stop(self) -> None:
        """Look no more."""
        while self._unsubs:
            self._unsubs.pop()()

    async def async_look(self, _: datetime | None = None) -> None:
        """Erase what is past its limit."""
        await self._async_drop()
        await self._async_look_at_recorder()

    async def _async_drop(self) -> None:
        self.kept.drop(self._limits(), dt_util.utcnow())
        await self.kept.async_save()

    async def _async_look_first(self, hass: HomeAssistant) -> None:
        await self._async_look_at_recorder()

    async def _async_look_at_recorder(self) -> None:
        for utilization, limit in self._limits().items():
            await async_erase_past(self._hass, entities_of(self._hass, utilization), limit)

    async def async_erase(self, utilization: str) -> None:
        """Erase all that was derived by a utilization that is no longer there."""
        await async_erase_all(self._hass, entities_of(self._hass, utilization))
        self.kept.forget(utilization)
        await self.kept.async_save()


async def async_erase_site(hass: HomeAssistant, entry: ConfigEntry) -> None:
    """Erase all that was derived by the utilizations of a site that is removed."""
    for utilization in utilizations_of(entry):
        await async_erase_all(hass, entities_of(hass, utilization))
    await KeptData(hass, entry.entry_id).async_remove()


@callback
def entities_of(hass: HomeAssistant, utilization: str) -> list[str]:
    """Return the entities of a utilization, also those that are gone: their states stay in the recorder.

    Not the id of one that is gone where somebody else's entity has it now, registered or not.
    """
    registry, prefix = er.async_get(hass), f"{utilization}_"
    own = set[str]()
    others = {id_ for id_, each in entity_sources(hass).items() if each["domain"] != DOMAIN}
    for there in registry.entities.values():
        is_own = there.platform == DOMAIN and there.unique_id.startswith(prefix)
        (own if is_own else others).add(there.entity_id)
    for gone in registry.deleted_entities.values():
        if gone.platform == DOMAIN and gone.unique_id.startswith(prefix):
            own.add(gone.entity_id)
    return sorted(own - others)


async def async_erase_past(hass: HomeAssistant, entities: Sequence[str], limit: timedelta) -> None:
    """Have the recorder erase states and statistics of entities that are older than whole days."""
    if not entities or not _is_recording(hass):
        return
    await _async_purge(hass, entities, limit // _DAY)
    before = (dt_util.utcnow() - limit).timestamp()
    get_instance(hass).queue_task(_statistics_task(entities, before))


async def async_erase_all(hass: HomeAssistant, entities: Sequence[str]) -> None:
    """Have the recorder erase states and statistics of entities."""
    if not entities or not _is_recording(hass):
        return
    await _async_purge(hass, entities, 0)
    get_instance(hass).async_clear_statistics(list(entities))


def _is_recording(hass: HomeAssistant) -> bool:
    return DATA_INSTANCE in hass.data and hass.services.has_service(_RECORDER, _PURGE)


async def _async_purge(hass: HomeAssistant, entities: Sequence[str], days: int) -> None:
    data = {ATTR_ENTITY_ID: list(entities), "keep_days": days}
    await hass.services.async_call(_RECORDER, _PURGE, data, blocking=True)


def _statistics_task(entities: Sequence[str], before: float) -> RecorderTask:
    """Return what erases the statistics that begin before a time; Home Assistant has no action for it.

    The recorder does it in its own thread: nothing else of it writes at the same time.
    """
    # Imported here: the recorder need not be there.
    from homeassistant.components.recorder.db_schema import (  # noqa: PLC0415
        Statistics,
        StatisticsMeta,
        StatisticsShortTerm,
    )
    from homeassistant.components.recorder.tasks import RecorderTask  # noqa: PLC0415
    from sqlalchemy import delete, select  # noqa: PLC0415

    class EraseStatistics(RecorderTask):
        @override
        def run(self, instance: Recorder) -> None:
            with session_scope(session=instance.get_session()) as session:
                known = select(StatisticsMeta.id).where(StatisticsMeta.statistic_id.in_(entities))
                ids = list(session.scalars(known))
                for table in (Statistics, StatisticsShortTerm):
                    session.execute(
                        delete(table).where(table.metadata_id.in_(ids), table.start_ts < before)
                    )

    return EraseStatistics()
