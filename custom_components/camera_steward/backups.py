"""What Home Assistant's backups, and the plan for them, hold of the footage.

What a backup holds is told from how it was made, without opening it. Home Assistant archives its
whole configuration directory but for some patterns, the Supervisor also the folders that are chosen
(share, media, …) but for network storage that is mounted below them. No backup is ever delayed or
stopped for this.
"""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from homeassistant.components.backup import (
    BackupManager,
    BackupNotFound,
    IdleEvent,
    ManagerBackup,
    async_get_manager,
)
from homeassistant.components.backup.config import BackupConfigData
from homeassistant.components.backup.const import EXCLUDE_FROM_BACKUP
from homeassistant.components.backup.manager import ManagerStateEvent
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import instance_id
from homeassistant.helpers.hassio import is_hassio
from homeassistant.loader import IntegrationNotFound, async_get_integration
from homeassistant.util import dt as dt_util

from .core.copies.archives import Archive, Finding, Holder, Place, is_archived, judge
from .places import BACKUP_FOLDERS, is_network_storage

_PATIENCE_SECONDS: Final = 120
"""Some places of backups are asked over the network."""
_LOCAL: Final = frozenset(("backup.local", "hassio.local"))
_INSTANCE: Final = "instance_id"
_NO_SCHEDULE: Final = "never"


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupLook:
    """What was found in backups; `present` are the ids of all that there are.

    `plan` is what the next automatic backup would take along. `answered` are the agents that said
    what they hold: nobody knows what is gone from another.
    """

    findings: tuple[Finding, ...]
    plan: Finding | None
    present: frozenset[str]
    answered: frozenset[str]


@callback
def async_on_backups(hass: HomeAssistant, changed: CALLBACK_TYPE) -> CALLBACK_TYPE | None:
    """Call after each run of the backups; None where Home Assistant has none.

    `changed` must not raise: it is called from within the run.
    """

    @callback
    def on_event(event: ManagerStateEvent) -> None:
        if isinstance(event, IdleEvent):
            changed()

    try:
        return async_get_manager(hass).async_subscribe_events(on_event)
    except HomeAssistantError:
        return None


async def async_look_at_backups(hass: HomeAssistant, places: Iterable[Place]) -> BackupLook | None:
    """Look at all backups and at the plan; None where they could not be asked."""
    try:
        manager = async_get_manager(hass)
        async with asyncio.timeout(_PATIENCE_SECONDS):
            backups, errors = await manager.async_get_backups()
    except HomeAssistantError, TimeoutError:
        return None
    await _async_forget_missing(manager, backups)
    plan = manager.config.data
    names = {each: await _async_place(hass, each) for each in manager.backup_agents}
    own = await instance_id.async_get(hass)
    newest: dict[str, str] = {}
    for backup in sorted(backups.values(), key=lambda each: each.date):
        if backup.with_automatic_settings:
            newest |= dict.fromkeys(backup.agents, backup.backup_id)
    root, supervised = Path(hass.config.config_dir), is_hassio(hass)
    where = await hass.async_add_executor_job(_read_machine, root, tuple(places), supervised)
    more_coming = plan.schedule.recurrence.value != _NO_SCHEDULE

    def found(archive: Archive, folders: Iterable[str]) -> Finding | None:
        held = where.held(folders, with_settings=archive.with_settings)
        return judge(archive, held, more_coming=more_coming)

    def holder(agent: str, *, protected: bool, newest: bool) -> Holder:
        rule = _rule(plan, agent)
        return Holder(
            agent=agent,
            place=names.get(agent, agent.partition(".")[0]),
            protected=protected,
            days=rule[0],
            copies=rule[1],
            newest=newest,
        )

    def archive_of(backup: ManagerBackup) -> Archive | None:
        made_at = dt_util.parse_datetime(backup.date)
        if made_at is None:
            return None
        return Archive(
            id=backup.backup_id,
            name=backup.name,
            made_at=dt_util.as_utc(made_at),
            automatic=backup.with_automatic_settings,
            with_settings=backup.homeassistant_included,
            holders=tuple(
                holder(
                    agent, protected=each.protected, newest=newest.get(agent) == backup.backup_id
                )
                for agent, each in backup.agents.items()
            ),
            foreign=backup.extra_metadata.get(_INSTANCE, own) != own,
        )

    archives = [(archive_of(each), each.folders) for each in backups.values()]
    findings = [found(each, folders) for each, folders in archives if each is not None]
    planned = None
    if more_coming and plan.create_backup.agent_ids:
        planned = found(
            Archive(
                id="",
                name="",
                made_at=dt_util.utcnow(),
                automatic=True,
                with_settings=True,
                holders=tuple(
                    holder(agent, protected=plan.create_backup.password is not None, newest=False)
                    for agent in plan.create_backup.agent_ids
                ),
            ),
            plan.create_backup.include_folders or (),
        )
    return BackupLook(
        findings=tuple(
            sorted((each for each in findings if each is not None), key=lambda e: e.archive.made_at)
        ),
        plan=planned,
        present=frozenset(backups),
        answered=frozenset(manager.backup_agents) - frozenset(errors),
    )


async def _async_forget_missing(manager: BackupManager, backups: dict[str, ManagerBackup]) -> None:
    """Leave out what was removed by hand: an agent of this machine lists what it once read."""
    for id_, agent in manager.local_backup_agents.items():
        for backup in list(backups.values()):
            if id_ not in backup.agents:
                continue
            try:
                await agent.async_get_backup(backup.backup_id)
            except BackupNotFound:
                del backup.agents[id_]
                if not backup.agents:
                    del backups[backup.backup_id]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Machine:
    """Which places lie in the configuration, and which in what other folder that can be chosen."""

    in_settings: tuple[Place, ...]
    in_folder: Mapping[str, tuple[Place, ...]]

    def held(self, folders: Iterable[str], *, with_settings: bool) -> list[Place]:
        """Return the places in a backup of these."""
        found = list(self.in_settings) if with_settings else []
        for folder in folders:
            found += self.in_folder.get(folder, ())
        return found


def _read_machine(config: Path, places: tuple[Place, ...], supervised: bool) -> _Machine:
    root = config.resolve()
    folders: dict[str, tuple[Place, ...]] = {}
    for folder, path in BACKUP_FOLDERS.items() if supervised else ():
        folders[folder] = tuple(
            each
            for each in places
            if is_archived(each.path, path, ()) and not is_network_storage(Path(each.path))
        )
    return _Machine(
        in_settings=tuple(e for e in places if is_archived(e.path, root, EXCLUDE_FROM_BACKUP)),
        in_folder=folders,
    )


def _rule(plan: BackupConfigData, agent: str) -> tuple[int | None, int | None]:
    """Return after how many days, or newer ones, an automatic backup goes from a place."""
    settings = plan.agents.get(agent)
    rule: Any = plan.retention
    if settings is not None and settings.retention is not None:
        rule = settings.retention
    return rule.days, rule.copies


async def _async_place(hass: HomeAssistant, agent: str) -> str:
    """Return where an agent keeps backups, without its own name: that may be someone's address.

    Empty for this machine.
    """
    if agent in _LOCAL:
        return ""
    domain = agent.partition(".")[0]
    try:
        return (await async_get_integration(hass, domain)).name
    except IntegrationNotFound:
        return domain
