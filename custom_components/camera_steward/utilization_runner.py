"""What of the utilizations runs: begun when the gate opens, ended when it is lost, on record before either.

Nothing is opened before a look at the duties found the gate open (`core/policy/utilization_gate.py`), not
after a restart either. What runs is remembered with its settings, so that a change that waits for its
notice leaves it as it was; it counts only where the ledger says that the same version began.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from typing import Any, Final

from homeassistant.config_entries import ConfigEntry, ConfigSubentry
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.event import async_track_time_interval
from homeassistant.util import dt as dt_util
from homeassistant.util.hass_dict import HassKey

from .bridge import Bridge, cameras_of
from .const import (
    CONF_ADDRESS,
    CONF_ADDRESS_OPTIONS,
    CONF_ADDRESS_SINCE,
    CONF_CASE,
    CONF_FRAME_RATE,
    CONF_FRAME_WIDTH,
    CONF_RTSP_TRANSPORT,
    CONF_VIEW,
    DOMAIN,
)
from .core.errors import StewardError
from .core.ledger.entry import SYSTEM, EntryKind, Json
from .core.policy.facts import SiteFacts
from .core.policy.utilization import (
    Declaration,
    DetectorKind,
    UtilizationCase,
    UtilizationFact,
)
from .core.policy.utilization_gate import Lacking, UtilizationGate
from .core.utilization.pipeline import PipelineSnapshot, PipelineStatus
from .core.utilization.results import Result
from .derived_data import DerivedData
from .memory import RunMemory, RunningMemory, SiteMemory
from .utilization_facts import Count, declaration_then, recipients_of, remembered
from .utilization_pipelines import Plan, Run
from .utilizations import (
    DEFAULT_FRAME_RATE,
    declaration_of,
    default_width,
    utilizations_of,
)

_LOGGER = logging.getLogger(__name__)

_KEEP_EVERY: Final = timedelta(minutes=15)
_ONLY_TIME: Final = frozenset({Lacking.LEAD_TIME, Lacking.START})
_ADDRESS: Final = (CONF_ADDRESS, CONF_ADDRESS_OPTIONS, CONF_RTSP_TRANSPORT)
_ENDING: HassKey[dict[str, dict[str, Run]]] = HassKey(f"{DOMAIN}_utilizations_ending")
LOST_CAMERA: Final = "camera"
"""What is lost, besides what `Lacking` names, where the site's camera is gone, or being removed."""


class UtilizationStatus(StrEnum):
    """How a utilization stands, as every login may know it."""

    PENDING = "pending"
    """Something that it needs is missing."""

    WAITING = "waiting"
    """Nothing is missing but time, or the first picture."""

    RUNNING = "running"
    NO_STREAM = "no_stream"
    DETECTOR_FAILED = "detector_failed"
    ENDED = "ended"
    """It ran, until something that it needs was found missing."""

    OFF = "off"


class Why(StrEnum):
    """Why a utilization ended, in the ledger."""

    SWITCHED_OFF = "switched_off"
    LOST = "lost"
    REMOVED = "removed"
    REPLACED = "replaced"
    """What is declared now runs instead, or waits: the address that the old one had is gone."""


class UtilizationRunner:
    """Begins, goes on with, and ends the utilizations of a site: one pipeline each at most."""

    def __init__(
        self, hass: HomeAssistant, entry: ConfigEntry, bridge: Bridge, memory: SiteMemory
    ) -> None:
        """Run nothing yet."""
        self._hass = hass
        self._entry = entry
        self._bridge = bridge
        self._memory = memory
        self._derived = DerivedData(hass, entry)
        self._turn = asyncio.Lock()
        self._stopped = False
        self._runs: dict[str, Run] = {}
        self._ending = hass.data.setdefault(_ENDING, {}).setdefault(entry.entry_id, {})
        """Whose thread did not end in time; nothing is begun beside one, by another set-up neither."""
        self._past: dict[str, tuple[int, int]] = {}
        """Frames taken and persisted by pipelines that are gone."""
        self._gates: Mapping[str, UtilizationGate] = {}
        self._asked: dict[str, str] = {}
        """Who switched a utilization on, until it begins."""
        self._told: dict[str, tuple[UtilizationStatus, Result | None]] = {}
        self._listeners: dict[str, list[Callable[[], None]]] = {}
        self._on_settings: list[Callable[[], None]] = []

    # How it stands

    def status(self, utilization: str) -> UtilizationStatus:
        """Return how a utilization stands."""
        if (run := self._runs.get(utilization)) is not None:
            return _STATUS[run.snapshot().status]
        remembered_run = self._memory.run(utilization)
        if not remembered_run["wanted"]:
            return UtilizationStatus.OFF
        if remembered_run["lost"]:
            return UtilizationStatus.ENDED
        gate = self._gates.get(utilization)
        only_time = gate is not None and not gate.open and _ONLY_TIME.issuperset(gate.missing)
        if only_time or remembered_run["running"] is not None:
            return UtilizationStatus.WAITING
        return UtilizationStatus.PENDING

    def wanted(self, utilization: str) -> bool:
        """Return whether a utilization is switched on."""
        return self._memory.run(utilization)["wanted"]

    def gate(self, utilization: str) -> UtilizationGate | None:
        """Return its gate as last judged."""
        return self._gates.get(utilization)

    def lost(self, utilization: str) -> tuple[str, ...]:
        """Return what was found missing of one that ended, by keys of `Lacking`, or `LOST_CAMERA`."""
        run = self._memory.run(utilization)
        return tuple(run["lost"]) if run["wanted"] and utilization not in self._runs else ()

    def snapshot(self, utilization: str) -> PipelineSnapshot | None:
        """Return how its pipeline stands; None while none runs."""
        run = self._runs.get(utilization)
        return run.snapshot() if run is not None else None

    def result(self, utilization: str) -> Result | None:
        """Return what it gives; None while it does not run."""
        snapshot = self.snapshot(utilization)
        return snapshot.result if snapshot is not None else None

    def case(self, utilization: str) -> UtilizationCase:
        """Return the case that runs, or else that is declared."""
        if (run := self._runs.get(utilization)) is not None:
            return run.plan.declared.case
        return UtilizationCase(self._entry.subentries[utilization].data[CONF_CASE])

    def counts(self) -> dict[str, Count]:
        """Return what was seen of each utilization's pipelines since the site was set up."""
        return {id_: self.count(id_) for id_ in utilizations_of(self._entry)}

    def count(self, utilization: str) -> Count:
        """Return what was seen of a utilization's pipelines since the site was set up."""
        taken, persisted = self._past.get(utilization, (0, 0))
        if (snapshot := self.snapshot(utilization)) is None:
            return Count(frames_taken=taken, frames_persisted=persisted)
        return Count(
            frames_taken=taken + snapshot.frames_taken,
            frames_persisted=persisted + snapshot.frames_persisted,
            frame_age_seconds=snapshot.frame_age_seconds,
            error_key=snapshot.error_key,
        )

    # Who listens

    @callback
    def async_listen(self, utilization: str, listener: Callable[[], None]) -> CALLBACK_TYPE:
        """Tell of another status or result of a utilization."""
        listeners = self._listeners.setdefault(utilization, [])
        listeners.append(listener)
        return partial(listeners.remove, listener)

    @callback
    def async_on_settings(self, listener: Callable[[], None]) -> CALLBACK_TYPE:
        """Tell that utilizations were added, changed or removed."""
        self._on_settings.append(listener)
        return partial(self._on_settings.remove, listener)

    @callback
    def _async_from_pipeline(self, utilization: str) -> None:
        """Tell what changed; a pipeline also says that there was a frame, which is no news."""
        now = self.status(utilization), self.result(utilization)
        if now != self._told.get(utilization):
            self._told[utilization] = now
            for each in list(self._listeners.get(utilization, ())):
                each()

    def _from_thread(self, utilization: str) -> None:
        # The loop may be gone when the last thread of a shutdown has something to say.
        with suppress(RuntimeError):
            self._hass.loop.call_soon_threadsafe(self._async_from_pipeline, utilization)

    # What happens

    async def async_start(self) -> None:
        """Go on keeping what is derived; nothing runs before the first look at the duties."""
        await self._derived.async_start(self._limits)
        for id_ in self._memory.runs:
            self._past[id_] = (0, self._derived.kept.persisted(id_))
        await self.async_settings_changed()
        self._entry.async_on_unload(
            async_track_time_interval(
                self._hass, self._async_keep, _KEEP_EVERY, cancel_on_shutdown=True
            )
        )

    async def async_stop(self) -> None:
        """End all threads for now. What runs goes on at the next start.

        A thread that does not end in time keeps nothing else of the site from stopping or starting.
        """
        async with self._turn:
            self._stopped = True
            self._derived.async_stop()
            await asyncio.gather(*(self._async_halt(each) for each in list(self._runs)))

    async def async_settings_changed(self) -> None:
        """Take that utilizations were added, changed or removed: end what is gone at once."""
        async with self._turn:
            found = utilizations_of(self._entry)
            for id_ in self._memory.runs - found.keys():
                await self._async_end(id_, Why.REMOVED)
                await self._derived.async_erase(id_)
                if self._memory.run(id_)["running"] is None:
                    await self._memory.async_take_run(id_, None)
                self._listeners.pop(id_, None)
                self._told.pop(id_, None)
                self._past.pop(id_, None)
            for id_ in found.keys() - self._memory.runs:
                await self._memory.async_take_run(id_, self._memory.run(id_))
        registry = dr.async_get(self._hass)
        for id_, subentry in found.items():
            device = registry.async_get_device_by_identifier((DOMAIN, id_), self._entry.entry_id)
            if device is not None and device.name != subentry.title:
                registry.async_update_device(device.id, name=subentry.title)
        for each in list(self._on_settings):
            each()

    async def async_set_wanted(self, utilization: str, on: bool, *, actor: str) -> None:
        """Switch a utilization for good; off ends it at once, on lets it begin once the gate is open."""
        async with self._turn:
            run = self._memory.run(utilization)
            lost = run["lost"] if on else []
            await self._memory.async_take_run(utilization, {**run, "wanted": on, "lost": lost})
            if on:
                self._asked[utilization] = actor
            else:
                self._asked.pop(utilization, None)
                await self._async_end(utilization, Why.SWITCHED_OFF, actor=actor)
        self._async_from_pipeline(utilization)

    async def async_carry_out(
        self, facts: SiteFacts | None, gates: Mapping[str, UtilizationGate]
    ) -> bool:
        """Begin, go on and end by what a look at the duties found; return whether anything changed.

        Where it could judge nothing, nobody knows whether a gate is open: nothing runs until it can.
        """
        changed = False
        async with self._turn:
            if self._stopped:
                return False
            if facts is None:
                await asyncio.gather(*(self._async_halt(each) for each in list(self._runs)))
                return False
            self._gates = gates
            for each in facts.utilizations:
                # One that was removed since has been ended already.
                subentry = self._entry.subentries.get(each.id)
                if subentry is not None:
                    changed |= await self._async_settle(facts, each, gates[each.id], subentry)
        for each in facts.utilizations:
            self._async_from_pipeline(each.id)
        return changed

    # One utilization

    async def _async_settle(
        self,
        facts: SiteFacts,
        fact: UtilizationFact,
        gate: UtilizationGate,
        subentry: ConfigSubentry,
    ) -> bool:
        id_, running = fact.id, fact.running
        run = self._memory.run(id_)
        if (then := run["running"]) is not None and "why" in then:
            # It ended; the ledger could not take that before.
            await self._async_end(id_, Why(then["why"]), lost=then.get("lost", ()))
            return self._memory.run(id_)["running"] is None
        if running is None:
            await self._async_halt(id_)
            if then is not None:
                # Memory and ledger do not agree that it began: then it has not.
                await self._memory.async_take_run(id_, {**run, "running": None})
            return await self._async_begin(facts, fact, gate, subentry)
        if then is None or then["version"] != running.version:
            return True  # ended since the look
        if not run["wanted"]:
            await self._async_end(id_, Why.SWITCHED_OFF)
            return True
        if gate.lost:
            await self._async_end(id_, Why.LOST, lost=[each.value for each in gate.lost])
            return True
        if fact.pending and gate.open:
            await self._async_end(id_, Why.REPLACED)
            return await self._async_begin(facts, fact, gate, subentry)
        if _moved(running, subentry.data):
            _LOGGER.warning(
                "%s ended: it has another address, which waits for its notice", fact.name
            )
            await self._async_end(id_, Why.REPLACED)
            return True
        if (plan := self._plan(facts, id_, running, subentry.data)) is None:
            await self._async_end(id_, Why.LOST, lost=[LOST_CAMERA])
            return True
        if (now := self._runs.get(id_)) is None or now.plan != plan:
            await self._async_run(plan)
        return False

    async def _async_begin(
        self,
        facts: SiteFacts,
        fact: UtilizationFact,
        gate: UtilizationGate,
        subentry: ConfigSubentry,
    ) -> bool:
        """Begin what is declared, where that may be; the ledger says so before anything is opened."""
        id_, declared = fact.id, fact.declared
        plan = self._plan(facts, id_, declared, subentry.data)
        # The settings may have changed since the look; then the next one judges them.
        same = declaration_of(subentry.data, recipients_of(facts.records)) == declared
        if not (gate.open and fact.wanted and self.wanted(id_) and same) or plan is None:
            return False
        if self._is_ending(id_):
            return False
        data: dict[str, Json] = {"version": declared.version}
        actor = self._asked.get(id_, SYSTEM)
        if not await self._async_enter(EntryKind.UTILIZATION_BEGUN, id_, data, actor):
            return False
        self._asked.pop(id_, None)
        settings = {k: v for k, v in subentry.data.items() if k not in (CONF_ADDRESS, CONF_VIEW)}
        running = RunningMemory(
            version=declared.version,
            begun_at=facts.now.isoformat(),
            settings=settings,
            recipients=remembered(declared),
        )
        await self._memory.async_take_run(id_, RunMemory(wanted=True, running=running, lost=[]))
        await self._async_run(plan)
        return True

    async def _async_end(
        self, utilization: str, why: Why, *, lost: Iterable[str] = (), actor: str = SYSTEM
    ) -> None:
        """End what runs: hang up first, then enter it; where that fails it is entered at a later look."""
        await self._async_halt(utilization)
        run = self._memory.run(utilization)
        if (running := run["running"]) is None:
            return
        named = list(lost)
        ending = RunningMemory(**{**running, "why": why.value, "lost": named})
        after = RunMemory(wanted=run["wanted"], running=ending, lost=named)
        await self._memory.async_take_run(utilization, after)
        data: dict[str, Json] = {"version": running["version"], "why": why.value}
        if named:
            data["lost"] = named
        if await self._async_enter(EntryKind.UTILIZATION_ENDED, utilization, data, actor):
            await self._memory.async_take_run(utilization, {**after, "running": None})

    async def _async_enter(
        self, kind: EntryKind, utilization: str, data: dict[str, Json], actor: str
    ) -> bool:
        try:
            await self._hass.async_add_executor_job(
                partial(
                    self._bridge.steward.remember,
                    kind,
                    actor=actor,
                    subject=utilization,
                    data=data,
                )
            )
        except StewardError as err:
            _LOGGER.warning("That a utilization began or ended is tried again: %s", err.key)
            return False
        return True

    def _plan(
        self, facts: SiteFacts, utilization: str, declared: Declaration, data: Mapping[str, Any]
    ) -> Plan | None:
        """Return what the pipeline of a declaration is made of; None where its camera is gone or going."""
        source: Mapping[str, Any] | None = None
        if declared.detector is not DetectorKind.ENTITY:
            if not declared.camera:
                source = {name: data[name] for name in _ADDRESS if name in data}
            elif declared.camera in facts.going:
                return None
            elif (camera := cameras_of(self._entry).get(declared.camera)) is not None:
                source = camera.data
            else:
                return None
        return Plan(
            utilization=utilization,
            declared=declared,
            source=source,
            view=data.get(CONF_VIEW, {}),
            rate=data.get(CONF_FRAME_RATE, DEFAULT_FRAME_RATE),
            width=data.get(CONF_FRAME_WIDTH, default_width(declared)),
        )

    # Threads

    async def _async_run(self, plan: Plan) -> None:
        """Run a pipeline, instead of the one that ran before."""
        id_ = plan.utilization
        await self._async_halt(id_)
        if self._is_ending(id_):
            return  # tried again at the next look
        run = Run(self._hass, plan, partial(self._from_thread, id_))
        try:
            await run.async_start(self._derived.kept.work(id_, plan.declared))
        except Exception as err:
            # The others go on, and so do the duties; its text might hold an address.
            key = err.key if isinstance(err, StewardError) else type(err).__name__
            _LOGGER.warning("A utilization could not be started: %s", key)
            return
        self._runs[id_] = run

    async def _async_halt(self, utilization: str) -> None:
        """End a pipeline's thread, and keep what it derived."""
        if (run := self._runs.get(utilization)) is None:
            return
        await self._async_take(utilization, run)
        del self._runs[utilization]
        if not await run.async_stop():
            _LOGGER.warning("A utilization takes long to hang up; nothing is begun beside it")
            self._ending[utilization] = run
        snapshot, past = run.snapshot(), self._past.get(utilization, (0, 0))
        self._past[utilization] = (
            past[0] + snapshot.frames_taken,
            past[1] + snapshot.frames_persisted,
        )
        await self._derived.kept.async_save()

    def _is_ending(self, utilization: str) -> bool:
        """Return whether a thread of it still runs that was told to end."""
        if (run := self._ending.get(utilization)) is None:
            return False
        if run.ended:
            del self._ending[utilization]
        return not run.ended

    async def _async_keep(self, _: datetime) -> None:
        async with self._turn:
            if not self._stopped:
                await self._async_keep_all()

    async def _async_keep_all(self) -> None:
        for id_, run in list(self._runs.items()):
            await self._async_take(id_, run)
        await self._derived.kept.async_save()

    async def _async_take(self, utilization: str, run: Run) -> None:
        try:
            kept = await run.async_kept()
        except Exception as err:
            # Whatever is wrong with it, its thread is to end, and the others' data to be kept.
            _LOGGER.warning("What a utilization derived is not kept: %s", type(err).__name__)
            return
        self._derived.kept.take(
            utilization,
            run.plan.declared,
            kept,
            self.count(utilization).frames_persisted,
            dt_util.utcnow(),
        )

    def _limits(self) -> dict[str, timedelta]:
        """Return for how long derived data is kept: as was declared, or is now, the shorter."""
        found = {}
        for id_, subentry in utilizations_of(self._entry).items():
            days = [declaration_of(subentry.data, {}).retention_days]
            if (then := self._memory.run(id_)["running"]) is not None:
                days.append(declaration_then(then, dt_util.utcnow()).retention_days)
            found[id_] = timedelta(days=min(days))
        return found

    # What the panel asks for

    def learn(self, utilization: str, label: str) -> bool:
        """Let a scene be learnt from the next pictures; return whether it runs."""
        if (run := self._runs.get(utilization)) is None:
            return False
        run.learn(label)
        return True

    async def async_background(self, utilization: str) -> bytes | None:
        """Return the place without what moves as PNG; None where it is not known."""
        run = self._runs.get(utilization)
        return await run.async_background() if run is not None else None


_STATUS: Final = {
    PipelineStatus.CONNECTING: UtilizationStatus.WAITING,
    PipelineStatus.RUNNING: UtilizationStatus.RUNNING,
    PipelineStatus.NO_STREAM: UtilizationStatus.NO_STREAM,
    PipelineStatus.DETECTOR_FAILED: UtilizationStatus.DETECTOR_FAILED,
    PipelineStatus.STOPPED: UtilizationStatus.WAITING,
}


def _moved(running: Declaration, data: Mapping[str, Any]) -> bool:
    """Return whether the address by which it runs is no longer in the settings."""
    return not running.camera and running.address_since != data.get(CONF_ADDRESS_SINCE, "")
