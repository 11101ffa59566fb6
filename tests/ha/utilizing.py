"""A utilization for tests: declared long ago, and all that its gate asks for done by the manager."""

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Any

from homeassistant.config_entries import ConfigSubentry, ConfigSubentryDataWithId
from homeassistant.core import Context, HomeAssistant
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.camera_steward.core.ledger.entry import EntryKind
from custom_components.camera_steward.core.policy.task import TaskKind
from custom_components.camera_steward.duties import DutiesLook
from custom_components.camera_steward.utilization_runner import UtilizationRunner
from custom_components.camera_steward.utilizations import declaration_of

from .sites import MANAGER, entity_id

GATE = "01J0000000000000000000GATE"
HALL = "01J0000000000000000000HALL"

LINE = {"name": "Gate", "start": [0.5, 0.0], "end": [0.5, 1.0]}

PHOTO = "0" * 32

NOTICE = {"channel": "both", "where_posted": "Door", "web_address": "https://example.jp/notice"}
RISKS = {
    **dict.fromkeys(("trait_consent", "trait_unseen", "trait_beyond", "trait_later"), "reduced"),
    "measures": "Pictures are let go at once",
}
REIDENTIFICATION = {
    **dict.fromkeys(("small_counts", "time_resolution", "trajectories"), "reduced"),
    "processing": "Counts alone",
}


def days_ago(days: int) -> str:
    """Return a local date."""
    return (dt_util.now() - timedelta(days=days)).date().isoformat()


def utilization(id_: str, case: str = "counting", **more: Any) -> ConfigSubentryDataWithId:
    """Return the subentry of a utilization, by default one that counts at a line."""
    nodes = ("camera", "network", "detector", "home_assistant", "database")
    data = {
        "case": case,
        "detector": "built_in",
        "purpose": "To know how many people pass",
        "operating_entity": "Honcho Shop",
        "contact": "048-000-0000",
        "benefit": "More staff when it is busy",
        "place": "Entrance, the pavement in front of it",
        "recognizable": True,
        "identifiable": False,
        "derived_days": 30,
        "public_space": True,
        "start_on": "2026-01-01",
        "municipality": "",
        "responsible": dict.fromkeys(nodes, "Honcho Shop"),
        "view": {"lines": [LINE]} if case == "counting" else {},
    }
    return ConfigSubentryDataWithId(
        data=data | more,
        subentry_id=id_,
        subentry_type="utilization",
        title=f"Use {id_[-4:].title()}",
        unique_id=None,
    )


def by_address(url: str) -> dict[str, Any]:
    """Return the settings of an address of its own."""
    return {
        "address": url,
        "address_options": {"rtsp_transport": "tcp"},
        "address_since": "2026-10-01T00:00:00+00:00",
    }


def runner_of(entry: MockConfigEntry) -> UtilizationRunner:
    """Return what runs the utilizations of a site."""
    runner: UtilizationRunner = entry.runtime_data.utilizations
    return runner


async def async_look(entry: MockConfigEntry) -> DutiesLook:
    """Judge and carry out now; once more, for what was carried out."""
    running = entry.runtime_data
    await running.duties.async_look()
    await running.duties.async_look()
    seen: DutiesLook = running.coordinator.duties
    return seen


async def async_change(hass: HomeAssistant, entry: MockConfigEntry, id_: str, **more: Any) -> None:
    """Change the settings of a utilization."""
    subentry = entry.subentries[id_]
    hass.config_entries.async_update_subentry(entry, subentry, data={**subentry.data, **more})
    await hass.async_block_till_done()


async def async_add(
    hass: HomeAssistant, entry: MockConfigEntry, data: ConfigSubentryDataWithId
) -> None:
    """Add a utilization to a site that runs."""
    subentry = ConfigSubentry(
        data=MappingProxyType(dict(data["data"])),
        subentry_id=data["subentry_id"],
        subentry_type="utilization",
        title=data["title"],
        unique_id=None,
    )
    hass.config_entries.async_add_subentry(entry, subentry)
    await hass.async_block_till_done()


async def async_open_gate(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    id_: str,
    more: Mapping[TaskKind, dict[str, Any]] = MappingProxyType({}),
) -> None:
    """Do all that a utilization needs, as if declared 20 days ago; it begins with the next look.

    `more` is what its case asks for besides.

    What the ledger has of its declaration is entered anew with an older time.
    """
    running = entry.runtime_data
    await running.duties.async_look()
    facts = running.coordinator.duties.facts
    declared = declaration_of(
        entry.subentries[id_].data, {each.subject.id: each for each in facts.records}
    )
    steward, version = running.bridge.steward, declared.version

    def date_back() -> None:
        before = dt_util.utcnow() - timedelta(days=20)
        for data in ({"version": "another"}, {"version": version}):
            steward.remember(
                EntryKind.UTILIZATION_DECLARED, actor="test", subject=id_, data=data, at=before
            )

    await hass.async_add_executor_job(date_back)
    await running.duties.async_look()
    for kind, answers in (
        (TaskKind.POST_PRIOR_NOTICE, {**NOTICE, "on": days_ago(16)}),
        (TaskKind.POST_SITE_NOTICE, {"where_posted": "Door", "photo": PHOTO}),
        (TaskKind.ASSESS_RISKS, RISKS),
        (TaskKind.ASSESS_REIDENTIFICATION, REIDENTIFICATION),
        (TaskKind.BRIEF_STAFF, {"on": days_ago(1), "who": "All"}),
        (TaskKind.CHECK_ORDINANCE, {"ordinance": "none"}),
        *more.items(),
    ):
        await _async_enter(hass, entry, kind, id_, answers)


async def async_do(
    hass: HomeAssistant, entry: MockConfigEntry, kind: TaskKind, id_: str, **answers: Any
) -> None:
    """Let the manager say that a task was done, of what is declared now."""
    await entry.runtime_data.duties.async_look()
    await _async_enter(hass, entry, kind, id_, answers)


async def _async_enter(
    hass: HomeAssistant, entry: MockConfigEntry, kind: TaskKind, id_: str, answers: dict[str, Any]
) -> None:
    seen = entry.runtime_data.coordinator.duties
    (task,) = [each for each in seen.tasks if (each.kind, each.subject.id) == (kind, id_)]
    (fact,) = [each for each in seen.facts.utilizations if each.id == id_]
    steward = entry.runtime_data.bridge.steward
    more = {"version": fact.declared.version}
    await hass.async_add_executor_job(
        lambda: steward.tasks().do(task, answers, user=MANAGER, seen=more)
    )


async def async_switch(hass: HomeAssistant, id_: str, to: str, user: str | None = None) -> None:
    """Switch a utilization as a user, or as an automation."""
    await hass.services.async_call(
        "switch",
        f"turn_{to}",
        {"entity_id": entity_id(hass, "switch", id_, "utilization")},
        blocking=True,
        context=Context(user_id=user),
    )
