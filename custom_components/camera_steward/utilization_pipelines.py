"""One pipeline at the edge: made of settings, fed by a camera or by an entity, started and stopped apart.

Threads are started, stopped and asked in the executor (INV-8). What a plan names was declared.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

from homeassistant.core import CALLBACK_TYPE, Event, EventStateChangedData, HomeAssistant, callback
from homeassistant.helpers.event import async_track_state_change_event, async_track_time_interval
from homeassistant.util import dt as dt_util

from .const import CONF_AUDIO
from .core.clock import SystemClock
from .core.errors import StewardError
from .core.ledger.entry import Json
from .core.policy.utilization import Declaration, DetectorKind
from .core.utilization.builtin import Silhouettes
from .core.utilization.detection import Detector, DetectorAwayError
from .core.utilization.entities import boxes_of_entity
from .core.utilization.pipeline import (
    Pipeline,
    PipelineSettings,
    PipelineSnapshot,
    PipelineStatus,
)
from .core.utilization.server import DetectionServer
from .core.utilization.view import ViewSettings, parse_view
from .core.utilization.works import work_of
from .sources import async_source_for

_AGAIN: Final = timedelta(seconds=10)
"""An entity that stays as it is is told of nevertheless: quarters of an hour come to their end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a pipeline is made of; another plan needs another pipeline.

    `source` are the settings of the camera or of the utilization's own address, which may hold a
    password; None where an entity counts. `view` is as it is in the settings (CONF_VIEW).
    """

    utilization: str
    declared: Declaration
    source: Mapping[str, Any] | None = field(repr=False)
    view: Mapping[str, Any]
    rate: float
    width: int


class Run:
    """A pipeline that runs."""

    def __init__(self, hass: HomeAssistant, plan: Plan, on_change: Callable[[], None]) -> None:
        """Open nothing yet; `on_change` is called from any thread."""
        self.plan = plan
        self._hass = hass
        self._on_change = on_change
        self._pipeline: Pipeline | None = None
        self._unsubs: list[CALLBACK_TYPE] = []
        self._observing = asyncio.Lock()
        self._error_key: str | None = None
        self._error_since: datetime | None = None

    async def async_start(self, kept: Mapping[str, Json]) -> None:
        """Begin with what was kept; raises the core's own errors."""
        plan, clock = self.plan, SystemClock()
        source = None
        if plan.source is not None:
            source = async_source_for(self._hass, {**plan.source, CONF_AUDIO: False})

        def start() -> Pipeline:
            view = parse_view(plan.view)
            made = Pipeline(
                source,
                _detector(plan.declared, view),
                work_of(plan.declared.case, view, kept, clock.now()),
                PipelineSettings(rate=plan.rate, width=plan.width),
                clock,
                self._on_change,
            )
            made.start()
            return made

        self._pipeline = await self._hass.async_add_executor_job(start)
        if plan.declared.detector is DetectorKind.ENTITY:
            self._async_listen(plan.declared.detector_place)

    async def async_stop(self) -> bool:
        """End; return whether the thread has. Harmless when repeated."""
        while self._unsubs:
            self._unsubs.pop()()
        return await self._hass.async_add_executor_job(self._running.stop)

    @property
    def ended(self) -> bool:
        """Return whether no thread of it runs."""
        return self._running.ended

    def snapshot(self) -> PipelineSnapshot:
        """Return how it goes now."""
        found = self._running.snapshot()
        if self._error_since is None:
            return found
        return replace(
            found,
            status=PipelineStatus.DETECTOR_FAILED,
            since_at=self._error_since,
            error_key=self._error_key,
        )

    def learn(self, label: str) -> None:
        """Let the next pictures be an example of a state."""
        self._running.learn(label)

    async def async_kept(self) -> Mapping[str, Json]:
        """Return what goes on after a restart."""
        return await self._hass.async_add_executor_job(self._running.kept)

    async def async_background(self) -> bytes | None:
        """Return the place without what moves as PNG, None where that is not known."""
        return await self._hass.async_add_executor_job(self._running.background)

    @property
    def _running(self) -> Pipeline:
        assert self._pipeline is not None
        return self._pipeline

    # An entity that counts

    @callback
    def _async_listen(self, entity_id: str) -> None:
        async def look(_: Event[EventStateChangedData] | datetime) -> None:
            await self._async_observe(entity_id)

        self._unsubs += [
            async_track_state_change_event(self._hass, entity_id, look),
            async_track_time_interval(self._hass, look, _AGAIN, cancel_on_shutdown=True),
        ]
        self._hass.async_create_background_task(
            self._async_observe(entity_id), "camera_steward utilization"
        )

    async def _async_observe(self, entity_id: str) -> None:
        async with self._observing:
            state = self._hass.states.get(entity_id)
            try:
                if state is None:
                    raise DetectorAwayError
                boxes = boxes_of_entity(state.state, state.attributes)
            except StewardError as err:
                key: str | None = err.key
            else:
                key = None
                await self._hass.async_add_executor_job(self._running.observe, boxes)
            if key != self._error_key:
                self._error_key = key
                self._error_since = (self._error_since or dt_util.utcnow()) if key else None
                self._on_change()


def _detector(declared: Declaration, view: ViewSettings) -> Detector | None:
    match declared.detector:
        case DetectorKind.BUILT_IN:
            return Silhouettes(view.persons)
        case DetectorKind.SERVER:
            return DetectionServer(declared.detector_place)
        case DetectorKind.ENTITY:
            return None
