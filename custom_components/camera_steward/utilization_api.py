"""WebSocket commands and routes of the utilizations: how they stand, and what is set in the view of each.

How they stand is for manager and operators; the view, what is learnt and the pictures are the
manager's alone. An error about a view has the code `view_invalid` and the placeholder `field`.
"""

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any, Final, override

import probatio
from aiohttp.web import Request, Response, json_response
from homeassistant.components import websocket_api
from homeassistant.components.http import KEY_HASS
from homeassistant.components.websocket_api import ActiveConnection
from homeassistant.config_entries import ConfigSubentry
from homeassistant.core import HomeAssistant, callback

from .bridge import camera_name
from .commands import ENTRY, answering, async_allowed, async_manager
from .const import CONF_CASE, CONF_DETECTOR, CONF_VIEW, DOMAIN
from .coordinator import CameraStewardConfigEntry
from .core.errors import (
    BackgroundMissingError,
    PhotoError,
    UtilizationMissingError,
    UtilizationStoppedError,
    ViewInvalidError,
)
from .core.ledger.entry import EntryKind
from .core.model import Action
from .core.policy.states import Subject, SubjectKind
from .core.policy.task import TaskKind, task_id
from .core.policy.utilization import DetectorKind, UtilizationCase, UtilizationFact
from .core.policy.utilization_gate import Lacking
from .core.utilization.results import SceneryResult
from .core.utilization.view import ViewSettings, parse_view, view_data
from .core.viewing.desk import Caller
from .duties import DutiesLook
from .duties_api import NotJudgedError
from .pledge import LANGUAGES
from .texts import Texts, async_texts, iso
from .utilization_results import result_lines
from .utilizations import utilizations_of, view_of
from .views import BASE, HEADERS, SiteView

_NEEDS: Final[Mapping[UtilizationCase, tuple[str, ...]]] = {
    UtilizationCase.ATTRIBUTES: ("entrance", "queue", "persons", "till_people"),
    UtilizationCase.MOVEMENT: ("zones", "floor", "persons"),
    UtilizationCase.COUNTING: ("lines", "persons"),
    UtilizationCase.SCENERY: ("labels",),
    UtilizationCase.ICONS: ("background", "persons", "capacity"),
    UtilizationCase.OTHER: ("persons",),
}
"""What can be set in the view of each case."""

_LOCATED: Final = frozenset({"entrance", "queue", "zones", "floor", "lines", "persons"})
"""What has no sense where nothing is found in a picture: where an entity only counts."""

_TASKS: Final[Mapping[str, TaskKind]] = {
    Lacking.PRIOR_NOTICE: TaskKind.POST_PRIOR_NOTICE,
    Lacking.SITE_NOTICE: TaskKind.POST_SITE_NOTICE,
    Lacking.RISKS: TaskKind.ASSESS_RISKS,
    Lacking.REIDENTIFICATION: TaskKind.ASSESS_REIDENTIFICATION,
    Lacking.BRIEFING: TaskKind.BRIEF_STAFF,
    Lacking.ORDINANCE: TaskKind.CHECK_ORDINANCE,
    Lacking.ASSESSMENT: TaskKind.ASSESS_CASE,
    Lacking.UNREADABLE: TaskKind.CHECK_UNREADABLE,
}
"""By which task what is missing comes to be there."""

_PAGES: Final[Mapping[str, str]] = {Lacking.CONTRACTS: "records"}


@callback
def async_setup_utilization_api(hass: HomeAssistant) -> None:
    """Register commands and routes, which are there whether or not a site is set up."""
    for command in (utilizations, utilization_view, utilization_learn):
        websocket_api.async_register_command(hass, command)
    hass.http.register_view(BackgroundView)
    hass.http.register_view(PlanView)


@websocket_api.websocket_command(
    {
        probatio.Required("type"): f"{DOMAIN}/utilizations",
        **ENTRY,
        probatio.Required("language"): probatio.In(LANGUAGES),
    }
)
@websocket_api.async_response
@answering
async def utilizations(
    hass: HomeAssistant, connection: ActiveConnection, msg: dict[str, Any]
) -> list[dict[str, Any]]:
    """Return how the utilizations stand, to manager and operators.

    Each: `utilization` (its id), `name`, `case`, `case_title`, `status`, `pending`, `version`,
    `running_version`, `camera`, `begun_at`, `opens_at`, `missing` and `lost`: [{`text`, `task`: the
    task that brings it, `page`: where it is mended otherwise}], `frames_taken`, `frames_persisted`,
    `frame_age_seconds`, `result`: [text], `view`: as settings, `needs`: what can be set in it
    (lines, zones, entrance, queue, persons, floor, labels, background, capacity, till_people),
    `learnt`: {label: moments}.
    """
    entry, *_ = await async_allowed(hass, connection, msg, Action.DUTIES)
    data = entry.runtime_data
    if data.coordinator.duties is None:
        await data.duties.async_look()
    if (look := data.coordinator.duties) is None:
        raise NotJudgedError
    texts = await async_texts(hass, msg["language"])
    found = utilizations_of(entry)
    return [
        _row(entry, look, each, found[each.id], texts)
        for each in look.facts.utilizations
        if each.id in found
    ]


@websocket_api.websocket_command(
    {
        probatio.Required("type"): f"{DOMAIN}/utilization_view",
        **ENTRY,
        probatio.Required("utilization"): str,
        probatio.Required("view"): dict,
    }
)
@websocket_api.async_response
@answering
async def utilization_view(
    hass: HomeAssistant, connection: ActiveConnection, msg: dict[str, Any]
) -> dict[str, Any]:
    """Set the view of a utilization, all of it; what runs takes it at once, and so does the ledger.

    A plan must have been handed in as a photo, a background have been approved as empty.
    """
    entry, *_ = await async_manager(hass, connection, msg)
    subentry = _utilization(entry, msg["utilization"])
    view = parse_view(msg["view"])
    await _async_check_pictures(hass, entry, subentry, view)
    data = {**subentry.data, CONF_VIEW: view_data(view)}
    hass.config_entries.async_update_subentry(entry, subentry, data=data)
    await entry.runtime_data.duties.async_look()
    return {}


@websocket_api.websocket_command(
    {
        probatio.Required("type"): f"{DOMAIN}/utilization_learn",
        **ENTRY,
        probatio.Required("utilization"): str,
        probatio.Required("label"): str,
    }
)
@websocket_api.async_response
@answering
async def utilization_learn(
    hass: HomeAssistant, connection: ActiveConnection, msg: dict[str, Any]
) -> dict[str, Any]:
    """Let a scene be learnt from the next pictures: they show what the label says."""
    entry, *_ = await async_manager(hass, connection, msg)
    subentry = _utilization(entry, msg["utilization"])
    if msg["label"] not in subentry.data.get(CONF_VIEW, {}).get("labels", ()):
        raise ViewInvalidError("label")
    if not entry.runtime_data.utilizations.learn(subentry.subentry_id, msg["label"]):
        raise UtilizationStoppedError
    return {}


# ---------------------------------------------------------------------- pictures


class UtilizationView(SiteView):
    """What both routes share: they are the manager's alone."""

    async def manager(self, entry: CameraStewardConfigEntry, caller: Caller) -> str:
        """Return the manager's name; `RefusedError` to anybody else."""
        decision = await entry.runtime_data.bridge.async_in_lobby(
            lambda lobby: lobby.desk.decide(caller.asking(Action.MANAGE)).or_refused()
        )
        return decision.name or ""

    @override
    def about(self, **where: str) -> tuple[Action, str | None, str | None]:
        return Action.MANAGE, None, None


class BackgroundView(UtilizationView):
    """The place as its detector knows it without what moves, to set the view on; kept nowhere."""

    url = f"{BASE}/{{entry_id}}/utilization/{{utilization}}/background"
    name = f"api:{DOMAIN}:utilization_background"

    @override
    async def answer(
        self, request: Request, entry: CameraStewardConfigEntry, caller: Caller, **where: str
    ) -> Response:
        name, id_ = await self.manager(entry, caller), where["utilization"]
        body = None
        if id_ in utilizations_of(entry):
            body = await entry.runtime_data.utilizations.async_background(id_)
        if body is None:
            key = BackgroundMissingError.key
            return json_response({"key": key}, status=HTTPStatus.CONFLICT, headers=HEADERS)
        steward = entry.runtime_data.bridge.steward
        await request.app[KEY_HASS].async_add_executor_job(
            lambda: steward.remember(
                EntryKind.UTILIZATION_VIEWED, actor=name, subject=id_, data={"what": "background"}
            )
        )
        return Response(body=body, content_type="image/png", headers=HEADERS)


class PlanView(UtilizationView):
    """The picture of the floor plan, or of case 5 the background, as it was handed in."""

    url = f"{BASE}/{{entry_id}}/utilization/{{utilization}}/plan"
    name = f"api:{DOMAIN}:utilization_plan"

    @override
    async def answer(
        self, request: Request, entry: CameraStewardConfigEntry, caller: Caller, **where: str
    ) -> Response:
        await self.manager(entry, caller)
        subentry = _utilization(entry, where["utilization"])
        view = view_of(subentry.data)
        photo = view.background
        if subentry.data[CONF_CASE] == UtilizationCase.MOVEMENT:
            photo = view.floor.plan if view.floor is not None else ""
        steward = entry.runtime_data.bridge.steward
        body = await request.app[KEY_HASS].async_add_executor_job(
            lambda: steward.photos().read(photo)
        )
        return Response(body=body, content_type="image/jpeg", headers=HEADERS)


# ---------------------------------------------------------------------- inside


def _utilization(entry: CameraStewardConfigEntry, id_: str) -> ConfigSubentry:
    found = utilizations_of(entry).get(id_)
    if found is None:
        raise UtilizationMissingError
    return found


async def _async_check_pictures(
    hass: HomeAssistant,
    entry: CameraStewardConfigEntry,
    subentry: ConfigSubentry,
    view: ViewSettings,
) -> None:
    """Raise `ViewInvalidError` where a picture is not there, or nobody said that it is empty."""
    steward, look = entry.runtime_data.bridge.steward, entry.runtime_data.coordinator.duties
    if view.background and view.background != view_of(subentry.data).background:
        subject = Subject(SubjectKind.UTILIZATION, subentry.subentry_id)
        done = look and look.facts.doing(TaskKind.APPROVE_BACKGROUND, subject)
        if not done or done.answers.get("photo") != view.background:
            raise ViewInvalidError("background")
    if view.floor is not None and (plan := view.floor.plan):
        try:
            await hass.async_add_executor_job(lambda: steward.photos().read(plan))
        except PhotoError as err:
            raise ViewInvalidError("floor.plan") from err


def _row(
    entry: CameraStewardConfigEntry,
    look: DutiesLook,
    fact: UtilizationFact,
    subentry: ConfigSubentry,
    texts: Texts,
) -> dict[str, Any]:
    runner, declared = entry.runtime_data.utilizations, fact.declared
    gate = look.utilization_gates[fact.id]
    count, result = runner.count(fact.id), runner.result(fact.id)
    open_tasks = frozenset(each.id for each in look.tasks)
    return {
        "utilization": fact.id,
        "name": subentry.title,
        "case": declared.case.value,
        "case_title": texts.option("utilization_case", declared.case),
        "status": runner.status(fact.id).value,
        "pending": fact.pending,
        "version": declared.version,
        "running_version": fact.running.version if fact.running is not None else None,
        "camera": (
            camera_name(entry, declared.camera)
            if declared.camera
            else texts["utilization_own_address"]
        ),
        "begun_at": iso(fact.begun_at),
        "opens_at": iso(gate.opens_at) if not gate.open else None,
        "missing": _lacking(fact, gate.missing, open_tasks, texts),
        "lost": _lacking(fact, runner.lost(fact.id), open_tasks, texts),
        "frames_taken": count.frames_taken,
        "frames_persisted": count.frames_persisted,
        "frame_age_seconds": count.frame_age_seconds,
        "result": result_lines(result, texts) if result is not None else [],
        "view": view_data(view_of(subentry.data)),
        "needs": _needs(subentry),
        "learnt": dict(result.learnt) if isinstance(result, SceneryResult) else {},
    }


def _needs(subentry: ConfigSubentry) -> list[str]:
    """Return what can be set: heights are for the detector that is built in."""
    detector = DetectorKind(subentry.data[CONF_DETECTOR])
    unset = {
        DetectorKind.BUILT_IN: frozenset[str](),
        DetectorKind.SERVER: frozenset({"persons"}),
        DetectorKind.ENTITY: _LOCATED,
    }[detector]
    return [each for each in _NEEDS[UtilizationCase(subentry.data[CONF_CASE])] if each not in unset]


def _lacking(
    fact: UtilizationFact, lacking: Iterable[str], open_tasks: frozenset[str], texts: Texts
) -> list[dict[str, Any]]:
    found = []
    for each in lacking:
        kind = _TASKS.get(each)
        task = task_id(kind, fact.subject) if kind is not None else None
        found.append(
            {
                "text": texts[f"lacking_{each}"],
                "task": task if task in open_tasks else None,
                "page": _PAGES.get(each),
            }
        )
    return found
