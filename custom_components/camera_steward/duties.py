"""How a site's duties stand: looked at every five minutes and after each change, told and carried out.

The core judges (`core/policy`, `core/tasks`); here is gathered what it judges by, and carried out what
follows: changes go into the ledger and to the triggers, and a camera whose gate stays closed ends
recording (docs/design/duties.md).
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from typing import Any, Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import ATTR_CONFIG_ENTRY_ID
from homeassistant.core import CoreState, HomeAssistant, callback
from homeassistant.helpers.debounce import Debouncer
from homeassistant.helpers.event import async_track_time_interval
from homeassistant.util import dt as dt_util

from .bridge import Bridge, camera_name
from .copies import CopiesCheck
from .core.documents.rules import Rules
from .core.errors import StewardError
from .core.ledger.entry import SYSTEM, Entry, EntryKind
from .core.policy.evaluate import evaluate
from .core.policy.facts import SiteFacts
from .core.policy.gate import Gate, gates
from .core.policy.history import Change, Key, Standing, changes, first_data, history
from .core.policy.pack import Control, Pack
from .core.policy.states import (
    NEEDS_ATTENTION,
    ControlState,
    State,
    Subject,
    SubjectKind,
    addressed,
)
from .core.policy.task import Task, TaskKind, TaskState
from .core.policy.utilization_gate import UtilizationGate, gate as utilization_gate
from .core.retention.guard import ClockState
from .core.steward import Steward
from .core.tasks.engine import tasks
from .memory import SiteMemory
from .policy_packs import async_load_guide, async_load_pack
from .site_facts import Sight, async_site_facts, silent_cameras
from .texts import Texts, async_texts

_LOGGER = logging.getLogger(__name__)

_EVERY: Final = timedelta(minutes=5)
_COOLDOWN_SECONDS: Final = 1.0
_MANAGER_LOGIN: Final = "manager_login"
"""No control of a pack: in the ledger, whether the manager can log in, for the gate's days."""
_WHY: Final = {"why": "gate"}


class DutyOccasion(StrEnum):
    """What of duties sets a trigger off; also the trigger's key."""

    CONTROL_DUE = "control_due"
    CONTROL_BREACHED = "control_breached"
    CONTROL_RESTORED = "control_restored"
    TASK_DUE = "task_due"
    TASK_OVERDUE = "task_overdue"


@dataclass(frozen=True, slots=True, kw_only=True)
class DutyNotice:
    """What a trigger tells of a duty: no person, and no record by its name."""

    site: str
    occasion: DutyOccasion
    camera: str | None
    kind: str | None
    """The kind of task; None of a control."""
    variables: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class DutiesLook:
    """What one look found.

    `since` is when each control came to stand as it does; `gates` are by camera, `utilization_gates`
    by utilization.
    """

    pack: Pack
    guide: Pack | None
    """The guidebook's pack, where the site has a utilization."""
    facts: SiteFacts
    tasks: tuple[Task, ...]
    states: tuple[ControlState, ...]
    since: Mapping[Key, datetime]
    gates: Mapping[str, Gate]
    utilization_gates: Mapping[str, UtilizationGate]
    rules: Rules
    """The rules of the site as the settings give them now."""
    looked_at: datetime
    gated: frozenset[str] = field(default=frozenset())
    """The cameras whose recording ended because something that it needs was missing."""

    @property
    def controls(self) -> dict[str, Control]:
        """Return the controls of both packs by id, in their order."""
        packs = (self.pack, self.guide) if self.guide is not None else (self.pack,)
        return {each.id: each for pack in packs for each in pack.controls}

    def addressed(self, each: ControlState) -> bool | None:
        """Return whether an item of the guidebook is addressed; None of a city's, or what is not asked."""
        items = self.guide.controls if self.guide is not None else ()
        return addressed(each.state) if any(e.id == each.control for e in items) else None

    def of(self, camera: str | None) -> Iterator[ControlState]:
        """Yield the states of all of the site, or of one camera."""
        wanted = Subject(SubjectKind.CAMERA, camera) if camera is not None else None
        return (each for each in self.states if wanted in (None, each.subject))

    def counts(self, camera: str | None = None) -> dict[State, int]:
        """Return how many controls stand how, by state."""
        found = Counter(each.state for each in self.of(camera))
        return {state: found[state] for state in State}

    def attention(self, camera: str | None = None) -> int:
        """Return how many controls need attention."""
        return sum(each.needs_attention for each in self.of(camera))

    def cites(self, state: State) -> tuple[str, ...]:
        """Return the articles of the controls that stand so, each once."""
        ids = {each.control for each in self.states if each.state is state}
        return tuple(dict.fromkeys(e.cite for e in self.controls.values() if e.id in ids))

    def next_at(self, camera: str | None = None) -> datetime | None:
        """Return when a control comes due next."""
        return min((e.next_at for e in self.of(camera) if e.next_at is not None), default=None)

    def due_at(self, camera: str | None, *kinds: TaskKind) -> datetime | None:
        """Return when the next task of some kinds, or of any, is due at the site or at a camera."""
        wanted = Subject(SubjectKind.CAMERA, camera) if camera is not None else None
        found = (
            each.due_at
            for each in self.tasks
            if wanted in (None, each.subject) and (not kinds or each.kind in kinds)
        )
        return min(found, default=None)

    def differing(self, language: str) -> tuple[str, ...]:
        """Return the articles of the rules that read otherwise than when they were adopted."""
        names = self.facts.rules.differing
        found = (each for each in self.rules.articles[language] if each.name in names)
        return tuple(f"{each.title} {each.heading}" for each in found)

    @property
    def must_act(self) -> bool:
        """Return whether someone is late, or something against a duty was found."""
        late = any(each.state is TaskState.OVERDUE for each in self.tasks)
        return late or any(each.state is State.BREACHED for each in self.states)


class DutiesCheck:
    """Looks every five minutes, and soon after whatever a duty rests on has changed."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry: ConfigEntry,
        bridge: Bridge,
        memory: SiteMemory,
        copies: CopiesCheck,
        sight: Callable[[], Sight | None],
        on_seen: Callable[[DutiesLook, Sequence[DutyNotice], Texts], None],
        carry_out: Callable[[SiteFacts | None, Mapping[str, UtilizationGate]], Awaitable[bool]],
    ) -> None:
        """Judge by `sight`, which is None until all was looked at; tell `on_seen` of each look.

        `carry_out` begins and ends utilizations, and returns whether it did; None where nothing can
        be judged.
        """
        self._hass = hass
        self._entry = entry
        self._bridge = bridge
        self._memory = memory
        self._copies = copies
        self._sight = sight
        self._on_seen = on_seen
        self._carry_out = carry_out
        self._turn = asyncio.Lock()
        self._stopped = False
        self._troubled = False
        self._history: dict[Key, Standing] | None = None
        self._debouncer = Debouncer(
            hass, _LOGGER, cooldown=_COOLDOWN_SECONDS, immediate=False, function=self.async_look
        )

    @callback
    def async_start(self) -> None:
        """Go on looking until the site is unloaded; the first look follows the one at copies."""
        hass, entry = self._hass, self._entry
        entry.async_on_unload(
            async_track_time_interval(hass, self._async_again, _EVERY, cancel_on_shutdown=True)
        )
        entry.async_on_unload(self.async_stop)

    @callback
    def async_look_soon(self) -> None:
        """Look in a moment, once for all that happens until then."""
        if not self._stopped:
            self._debouncer.async_schedule_call()

    async def async_look(self) -> None:
        """Look now, as far as there is anything to judge by.

        Not while Home Assistant starts: what is not there yet would go on record as a change.
        """
        if self._hass.state is not CoreState.running:
            return
        if self._sight() is None:
            await self._copies.async_look()
        async with self._turn:
            if (sight := self._sight()) is None or self._stopped:
                return
            texts = await async_texts(self._hass)
            try:
                look, notices = await self._async_judge(sight, texts)
            except StewardError as err:
                # The last look stays until the ledger can be read again.
                if not self._troubled and not self._stopped:
                    _LOGGER.warning("How duties stand cannot be told: %s", err.key)
                self._troubled = True
                await self._carry_out(None, {})
                return
            self._troubled = False
            if await self._carry_out(look.facts, look.utilization_gates):
                self.async_look_soon()
        if not self._stopped:
            self._on_seen(look, notices, texts)

    @callback
    def _async_again(self, _: datetime) -> None:
        self.async_look_soon()

    @callback
    def async_stop(self) -> None:
        """Look no more."""
        self._stopped = True
        self._debouncer.async_shutdown()

    async def _async_judge(self, sight: Sight, texts: Texts) -> tuple[DutiesLook, list[DutyNotice]]:
        hass, entry, memory = self._hass, self._entry, self._memory
        steward = self._bridge.steward
        pack = await async_load_pack(hass, entry)
        await memory.async_take_silent(silent_cameras(sight.snapshot, memory.silent))
        facts = await async_site_facts(hass, entry, self._bridge, memory, sight, pack)
        if self._history is None:
            self._history = await hass.async_add_executor_job(_read_history, steward)
        known = self._history
        facts = replace(facts, manager_gone_at=_manager_gone_at(facts, known))
        guide = await async_load_guide(hass) if facts.utilizations else None

        def judge() -> tuple[tuple[Task, ...], tuple[ControlState, ...], Mapping[str, Gate]]:
            todo = tasks(facts, pack, guide)
            states = evaluate(pack, facts, todo)
            if guide is not None:
                states += evaluate(guide, facts, todo)
            return todo, states, gates(facts)

        todo, states, gate = await hass.async_add_executor_job(judge)
        utilizations = await hass.async_add_executor_job(_utilization_gates, facts, guide)
        found = changes(known, _standing(states, facts))
        entered = await hass.async_add_executor_job(_enter, steward, facts, found)
        self._history = known | entered
        # Of a new site or pack all of it is new, which is no news: what is to be done is on the page.
        familiar = {control for control, _ in known}
        news = [e for e in found if e.key in entered and e.control in familiar]
        notices = self._of_tasks(todo, facts.now, texts)
        await memory.async_take_tasks({each.id: each.state.value for each in todo})
        if sight.snapshot.clock is ClockState.TRUSTED:
            await self._async_carry_out(facts, gate)
        look = DutiesLook(
            pack=pack,
            guide=guide,
            facts=facts,
            tasks=todo,
            states=states,
            since={key: each.at for key, each in self._history.items()},
            gates=gate,
            utilization_gates=utilizations,
            rules=sight.rules,
            gated=frozenset(each for each in gate if memory.gated(each)),
            looked_at=facts.now,
        )
        return look, self._of_controls(look, news, texts) + notices

    async def _async_carry_out(self, facts: SiteFacts, gate: Mapping[str, Gate]) -> None:
        """End the recording of cameras that miss what they need, once their days are over."""
        steward = self._bridge.steward
        for camera in (each for each in facts.cameras if each.recording):
            if gate[camera.id].open:
                continue
            try:
                await self._hass.async_add_executor_job(
                    partial(steward.set_recording, camera.id, False, actor=SYSTEM, data=_WHY)
                )
            except StewardError as err:
                _LOGGER.warning("The recording of %s could not be ended: %s", camera.name, err.key)
                continue
            await self._memory.async_set_recording(camera.id, False, gated=True)
            _LOGGER.warning("The recording of %s ended: it misses what it needs", camera.name)
            self.async_look_soon()

    # What triggers tell

    def _of_controls(
        self, look: DutiesLook, news: Iterable[Change], texts: Texts
    ) -> list[DutyNotice]:
        controls, told = look.controls, []
        for each in news:
            control, occasion = controls.get(each.control), _occasion(each)
            if control is None or occasion is None:
                continue
            variables = {
                "control": control.id,
                "cite": control.cite,
                "text": control.text[texts.language],
                "state": each.now.value,
                "was": each.was.value if each.was is not None else None,
            }
            told.append(self._notice(occasion, each.subject, look.looked_at, variables))
        return told

    def _of_tasks(self, todo: Iterable[Task], now: datetime, texts: Texts) -> list[DutyNotice]:
        before = self._memory.tasks
        told = []
        for each in todo if before is not None else ():
            occasion = _TASK_OCCASIONS.get(each.state)
            if occasion is None or before is None or before.get(each.id) == each.state:
                continue
            variables = {
                "task": each.kind.value,
                "title": texts[f"task_{each.kind}"],
                "due_at": dt_util.as_local(each.due_at),
            }
            told.append(self._notice(occasion, each.subject, now, variables, each.kind.value))
        return told

    def _notice(
        self,
        occasion: DutyOccasion,
        subject: Subject,
        now: datetime,
        variables: Mapping[str, Any],
        kind: str | None = None,
    ) -> DutyNotice:
        camera = subject.id if subject.kind is SubjectKind.CAMERA else None
        return DutyNotice(
            site=self._entry.entry_id,
            occasion=occasion,
            camera=camera,
            kind=kind,
            variables={
                ATTR_CONFIG_ENTRY_ID: self._entry.entry_id,
                "site": self._entry.title,
                "at": dt_util.as_local(now),
                "subject_kind": subject.kind.value,
                "camera": camera_name(self._entry, camera) if camera is not None else None,
                **variables,
            },
        )


_TASK_OCCASIONS: Final = {
    TaskState.DUE: DutyOccasion.TASK_DUE,
    TaskState.OVERDUE: DutyOccasion.TASK_OVERDUE,
}


def _occasion(change: Change) -> DutyOccasion | None:
    match change.now:
        case State.DUE:
            return DutyOccasion.CONTROL_DUE
        case State.BREACHED:
            return DutyOccasion.CONTROL_BREACHED
        case now if change.was in NEEDS_ATTENTION and now not in NEEDS_ATTENTION:
            return DutyOccasion.CONTROL_RESTORED
        case _:
            return None


def _standing(states: Iterable[ControlState], facts: SiteFacts) -> dict[Key, Change]:
    """Return how all stands now."""
    found = [
        Change(
            control=each.control,
            subject=each.subject,
            was=None,
            now=each.state,
            why=tuple(reason.key for reason in each.why),
        )
        for each in states
    ]
    if (manager := facts.manager) is not None:
        state = State.ENFORCED if manager.login else State.DUE
        found.append(Change(control=_MANAGER_LOGIN, subject=facts.subject, was=None, now=state))
    return {each.key: each for each in found}


def _manager_gone_at(facts: SiteFacts, known: Mapping[Key, Standing]) -> datetime | None:
    """Return since when the manager cannot log in, None while they can."""
    if facts.manager is None or facts.manager.login:
        return None
    found = known.get((_MANAGER_LOGIN, facts.subject))
    return found.at if found is not None and found.state is State.DUE else facts.now


def _utilization_gates(facts: SiteFacts, guide: Pack | None) -> dict[str, UtilizationGate]:
    if guide is None:
        return {}
    return {each.id: utilization_gate(facts, each, guide) for each in facts.utilizations}


def _read_history(steward: Steward) -> dict[Key, Standing]:
    return history(steward.entries((EntryKind.CONTROL_CHANGED,)))


def _enter(steward: Steward, facts: SiteFacts, found: Sequence[Change]) -> dict[Key, Standing]:
    """Enter what changed; return what is on record of it. The rest is a change at the next look."""
    first = [each for each in found if each.was is None]
    data = [(facts.site, first_data(first))] if first else []
    data += [(each.subject.id, each.to_data()) for each in found if each.was is not None]
    entered: list[Entry] = []
    with suppress(StewardError):
        # One after the other: what was entered before an error stays in the list.
        entered.extend(
            steward.remember(
                EntryKind.CONTROL_CHANGED, actor=SYSTEM, subject=subject, data=each, at=facts.now
            )
            for subject, each in data
        )
    return history(entered)
