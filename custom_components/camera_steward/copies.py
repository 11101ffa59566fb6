"""All copies that are known of: found in backups, noticed being made, entered by people.

Copies too are footage (Kumagaya guideline 第3 2(1) to (3)). What software cannot see – memory cards,
the camera maker's cloud, other recorders, phones – stands in an inventory that people look over.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import Any, Final

from homeassistant.config_entries import ConfigEntry, ConfigSubentry
from homeassistant.const import CONF_PATH, EVENT_HOMEASSISTANT_STARTED
from homeassistant.core import (
    CALLBACK_TYPE,
    Context,
    CoreState,
    Event,
    HomeAssistant,
    callback,
)
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.debounce import Debouncer
from homeassistant.helpers.event import async_track_time_interval
from homeassistant.util import dt as dt_util

from .backups import BackupLook, async_look_at_backups, async_on_backups
from .bridge import Bridge, async_actor, cameras_of
from .const import (
    CONF_CAMERA,
    CONF_CHECKED_ON,
    CONF_KEPT_DAYS,
    CONF_KIND,
    CONF_NOTE,
    CONF_PATTERNS,
    CONF_PLACE,
    CONF_RESPONSIBLE,
    CONF_VAULT_PATH,
    SUBENTRY_COPY,
)
from .core.copies.archives import Finding, Place, PlaceKind, stays
from .core.copies.folders import matcher
from .core.copies.known import Copy, CopyKind, End, is_due, outlives
from .core.errors import RetentionError
from .core.ledger.entry import SYSTEM, EntryKind, Json
from .core.retention.limits import effective
from .folders import folders_of
from .limits import ceiling_of, limit_from
from .memory import BackupMemory, NoticedMemory, SiteMemory
from .noticing import (
    async_governed,
    async_notice,
    async_processors,
    async_run_of,
    directory_of,
)
from .texts import Texts, async_texts, bounds, iso

_LOGGER = logging.getLogger(__name__)

_AT_LEAST: Final = timedelta(days=1)
_COOLDOWN_SECONDS: Final = 1.0
_NOTICED_EVERY: Final = timedelta(hours=1)
IMAGE_PROCESSING: Final = "image_processing"
"""The action of what is no action: an entity that works on a camera's pictures."""
_LONGEST_NAME: Final = 255
_FOOTAGE_IN_BACKUP: Final = "footage_in_backup"


@dataclass(frozen=True, slots=True, kw_only=True)
class CopiesLook:
    """What one look found: all copies, and what of them needs a person.

    `backups` are those that outlive the limit, `plan` what the next automatic backup would take
    along; `noticed` counts by camera what saves pictures where no managed folder ends them; `due` are
    the entries of the inventory that are to be checked.
    """

    copies: tuple[Copy, ...]
    backups: tuple[Finding, ...]
    plan: Finding | None
    noticed: Mapping[str, int]
    due: tuple[str, ...]
    looked_at: datetime

    @property
    def past_limit(self) -> int:
        """Return how many copies outlive the limit."""
        return sum(each.past_limit is True for each in self.copies)

    @property
    def unknown(self) -> int:
        """Return of how many copies nobody knows whether they do."""
        return sum(each.past_limit is None for each in self.copies)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Folder:
    """A managed folder, resolved, and which files in it are governed."""

    name: str
    path: Path
    patterns: tuple[str, ...]
    limit: timedelta


def inventory_of(entry: ConfigEntry) -> dict[str, ConfigSubentry]:
    """Return the copies that people entered."""
    return {
        each.subentry_id: each
        for each in entry.subentries.values()
        if each.subentry_type == SUBENTRY_COPY
    }


def due_copies(entry: ConfigEntry, today: date) -> list[str]:
    """Return which entries of the inventory are to be checked."""
    return [
        id_
        for id_, each in inventory_of(entry).items()
        if is_due(date.fromisoformat(each.data[CONF_CHECKED_ON]), today)
    ]


class CopiesCheck:
    """Looks daily, after each run of the backups, and whenever something is noticed or changed."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry: ConfigEntry,
        bridge: Bridge,
        memory: SiteMemory,
        on_seen: Callable[[CopiesLook, Texts], None],
    ) -> None:
        """Tell `on_seen` of each look."""
        self._hass = hass
        self._entry = entry
        self._bridge = bridge
        self._memory = memory
        self._on_seen = on_seen
        self._turn = asyncio.Lock()
        self._stop_backups: CALLBACK_TYPE | None = None
        self._stopped = False
        self._backups: BackupLook | None = None
        self._backups_at: datetime | None = None
        self._debouncer = Debouncer(
            hass, _LOGGER, cooldown=_COOLDOWN_SECONDS, immediate=False, function=self.async_look
        )

    @callback
    def async_start(self) -> None:
        """Look without keeping the set-up waiting, and go on until the site is unloaded."""
        hass, entry = self._hass, self._entry
        entry.async_on_unload(async_notice(hass, entry, self._async_noticed))
        entry.async_on_unload(hass.bus.async_listen(EVENT_HOMEASSISTANT_STARTED, self._async_again))
        entry.async_on_unload(
            async_track_time_interval(hass, self._async_again, _AT_LEAST, cancel_on_shutdown=True)
        )
        entry.async_on_unload(self.async_stop)
        entry.async_create_background_task(hass, self.async_look(), f"{entry.title}: copies")

    @callback
    def async_look_soon(self) -> None:
        """Look in a moment, once for all that happens until then."""
        self._debouncer.async_schedule_call()

    async def async_look(self) -> None:
        """Look now."""
        async with self._turn:
            if self._stop_backups is None and not self._stopped:
                self._stop_backups = async_on_backups(self._hass, self.async_look_soon)
            texts = await async_texts(self._hass)
            folders = await self._hass.async_add_executor_job(_resolved, self._folders())
            try:
                await self._async_look_at_backups(folders)
                await self._async_notice_processors()
            except HomeAssistantError as err:
                _LOGGER.warning("What was found of copies is entered at the next look: %s", err)
            look = await self._async_join(folders)
        if not self._stopped:
            self._on_seen(look, texts)

    @callback
    def _async_again(self, _: Event[Any] | datetime) -> None:
        self.async_look_soon()

    @callback
    def async_stop(self) -> None:
        """Look no more; harmless when repeated."""
        self._stopped = True
        self._debouncer.async_shutdown()
        if self._stop_backups is not None:
            self._stop_backups()
            self._stop_backups = None

    # ------------------------------------------------------------------ limits

    def _limit(self, camera: str | None = None) -> timedelta:
        """Return a camera's limit; of none in particular, the shortest that holds for any."""
        cameras = cameras_of(self._entry)
        found = [cameras[camera].data] if camera in cameras else [e.data for e in cameras.values()]
        return min(_limit_of(each, self._ceiling) for each in found or [self._entry.data])

    @property
    def _ceiling(self) -> timedelta:
        return ceiling_of(self._entry.data)

    def _folders(self) -> list[_Folder]:
        return [
            _Folder(
                name=each.title,
                path=Path(each.data[CONF_PATH]),
                patterns=tuple(each.data[CONF_PATTERNS]),
                limit=_limit_of(each.data, self._ceiling),
            )
            for each in folders_of(self._entry).values()
        ]

    # ------------------------------------------------------------------ backups

    async def _async_look_at_backups(self, folders: list[_Folder]) -> None:
        look = await async_look_at_backups(self._hass, await self._async_places(folders))
        if look is None:
            return
        self._backups, self._backups_at = look, dt_util.utcnow()
        await self._async_enter_backups(look)

    async def _async_places(self, folders: list[_Folder]) -> list[Place]:
        """Return where footage lies or lay that a backup may hold."""
        entries = await self._bridge.async_entries(
            EntryKind.SITE_CREATED, EntryKind.SETTINGS_CHANGED
        )
        mine = [each for each in entries if each.subject == self._entry.entry_id]
        lain = stays(mine, Path(self._entry.data[CONF_VAULT_PATH]))
        targets = [each for each in self._memory.noticed if each["target"].startswith("/")]
        limit = self._limit()

        def gather() -> list[Place]:
            found = [
                Place(
                    kind=PlaceKind.VAULT,
                    name="",
                    path=each.path.resolve(),
                    limit=limit,
                    since=each.since,
                    until=each.until,
                )
                for each in lain
            ]
            found += [
                Place(kind=PlaceKind.FOLDER, name=each.name, path=each.path, limit=each.limit)
                for each in folders
            ]
            found += [
                Place(
                    kind=PlaceKind.FILES,
                    name=each["target"],
                    path=Path(each["target"]).resolve(),
                    limit=limit,
                    since=datetime.fromisoformat(each["first_at"]),
                )
                for each in targets
            ]
            return found

        return await self._hass.async_add_executor_job(gather)

    async def _async_enter_backups(self, look: BackupLook) -> None:
        """Enter each backup that outlives the limit once, and once more when it is gone."""
        known = self._memory.backups
        found = {each.archive.id: each for each in look.findings if each.needs_a_person}
        for id_, each in found.items():
            if id_ in known:
                continue
            await self._bridge.async_remember(
                EntryKind.FINDING,
                actor=SYSTEM,
                subject=self._entry.entry_id,
                data=_finding_data(each),
                key=f"{_FOOTAGE_IN_BACKUP}:{id_}",
            )
        gone = {
            id_: was
            for id_, was in known.items()
            if id_ not in look.present and look.answered.issuperset(was["agents"])
        }
        for id_, was in gone.items():
            await self._bridge.async_remember(
                EntryKind.FINDING,
                actor=SYSTEM,
                subject=self._entry.entry_id,
                data={"finding": f"{_FOOTAGE_IN_BACKUP}_gone", "backup": id_, "name": was["name"]},
                key=f"{_FOOTAGE_IN_BACKUP}_gone:{id_}",
            )
        now = {id_: was for id_, was in known.items() if id_ not in gone} | {
            id_: BackupMemory(
                name=each.archive.name,
                made_at=each.archive.made_at.isoformat(),
                agents=[holder.agent for holder in each.archive.holders],
            )
            for id_, each in found.items()
        }
        if now != known:
            self._memory.take_backups(now)
            await self._memory.async_save()

    # ------------------------------------------------------------------ noticed

    @callback
    def _async_noticed(
        self, camera: str, action: str, file: PurePosixPath, context: Context
    ) -> None:
        """Take note of pictures being saved, once an hour for each camera, action and directory."""
        now, target = dt_util.utcnow(), directory_of(file)
        noticed = self._memory.noticed
        before = next((e for e in noticed if _is_same(e, camera, action, target)), None)
        if before is not None:
            last_at = datetime.fromisoformat(before["last_at"])
            # A clock that was set back is no reason to be silent.
            if timedelta() <= now - last_at < _NOTICED_EVERY:
                return
        found = NoticedMemory(
            camera=camera,
            action=action,
            target=target,
            name=file.name[:_LONGEST_NAME],
            by=async_run_of(self._hass, context) or "",
            first_at=before["first_at"] if before is not None else now.isoformat(),
            last_at=now.isoformat(),
        )
        # Before anything is waited for: the next call comes at once.
        self._memory.take_noticed([*(each for each in noticed if each is not before), found])
        self._entry.async_create_task(
            self._hass, self._async_enter_noticed(found, context), "camera_steward noticed"
        )

    async def _async_enter_noticed(self, found: NoticedMemory, context: Context) -> None:
        await self._memory.async_save()
        actor = await async_actor(self._hass, self._entry, context.user_id)
        try:
            await self._async_remember_noticed(found, actor)
        except HomeAssistantError as err:
            _LOGGER.warning("That pictures are saved elsewhere was not entered: %s", err)
        self.async_look_soon()

    async def _async_remember_noticed(self, found: NoticedMemory, actor: str) -> None:
        await self._bridge.async_remember(
            EntryKind.COPY_NOTICED,
            actor=actor,
            subject=found["camera"],
            data={"action": found["action"], "target": found["target"], "by": found["by"]},
        )

    async def _async_notice_processors(self) -> None:
        """Take note of the entities that work on a camera's pictures now, and enter new ones."""
        working = async_processors(self._hass, async_governed(self._hass, self._entry))
        noticed, now = self._memory.noticed, dt_util.utcnow().isoformat()
        saving = [each for each in noticed if each["action"] != IMAGE_PROCESSING]
        before = {
            (each["target"], each["camera"]): each
            for each in noticed
            if each["action"] == IMAGE_PROCESSING
        }
        # While Home Assistant starts, what is not there yet is not gone.
        kept = before if self._hass.state is not CoreState.running else {}
        found = kept | {
            (target, camera): before.get((target, camera))
            or NoticedMemory(
                camera=camera,
                action=IMAGE_PROCESSING,
                target=target,
                name="",
                by=target,
                first_at=now,
                last_at=now,
            )
            for target, camera in working
        }
        if found == before:
            return
        for key in found.keys() - before.keys():
            await self._async_remember_noticed(found[key], SYSTEM)
        self._memory.take_noticed([*saving, *found.values()])
        await self._memory.async_save()

    async def async_forget_noticed(self, camera: str, *, actor: str) -> None:
        """Take a person's word that nothing saves a camera's pictures any more; `actor` is a name."""
        noticed = self._memory.noticed
        mine = [each for each in noticed if each["camera"] == camera]
        targets: list[Json] = [f"{each['action']} {each['target']}".strip() for each in mine]
        await self._bridge.async_remember(
            EntryKind.COPY_CHECKED, actor=actor, subject=camera, data={"ended": targets}
        )
        self._memory.take_noticed([each for each in self._memory.noticed if each not in mine])
        await self._memory.async_save()
        self.async_look_soon()

    # ------------------------------------------------------------------ all of them

    async def _async_join(self, folders: list[_Folder]) -> CopiesLook:
        now = dt_util.utcnow()
        noticed = await self._hass.async_add_executor_job(_unmanaged, self._memory.noticed, folders)
        due = due_copies(self._entry, dt_util.now().date())
        cameras = cameras_of(self._entry)
        backups = self._backups
        findings = backups.findings if backups is not None else ()
        present = backups.present if backups is not None else frozenset[str]()
        return CopiesLook(
            copies=(
                *(self._in_backup(each) for each in findings),
                *self._in_silent_backups(present),
                *(self._in_folder(each, now) for each in folders),
                *(self._in_files(each, now) for each in noticed),
                *(
                    self._elsewhere(each, id_ in due)
                    for id_, each in inventory_of(self._entry).items()
                ),
            ),
            backups=tuple(each for each in findings if each.needs_a_person),
            plan=backups.plan if backups is not None else None,
            noticed=Counter(each["camera"] for each in noticed if each["camera"] in cameras),
            due=tuple(due),
            looked_at=now,
        )

    def _in_backup(self, found: Finding) -> Copy:
        archive = found.archive
        remarks = [found.origin]
        if not found.sure:
            remarks.append("unsure")
        if archive.foreign:
            remarks.append("foreign")
        if found.opens:
            remarks.append("opens")
        if all(each.protected for each in archive.holders):
            remarks.append("protected")
        return Copy(
            kind=CopyKind.BACKUP,
            name=archive.name,
            where=tuple(dict.fromkeys(each.place for each in archive.holders)),
            end=found.end,
            past_limit=None if found.outlives and not found.sure else found.outlives,
            checked_at=self._backups_at,
            holds_until=found.gone_at,
            made_at=archive.made_at,
            holds=tuple(dict.fromkeys((each.kind.value, each.name) for each in found.places)),
            remarks=tuple(remarks),
        )

    def _in_silent_backups(self, present: Container[str]) -> Iterator[Copy]:
        """Yield backups that were seen at a place that does not answer now."""
        for id_, was in self._memory.backups.items():
            if id_ not in present:
                yield Copy(
                    kind=CopyKind.BACKUP,
                    name=was["name"],
                    where=tuple(dict.fromkeys(each.partition(".")[0] for each in was["agents"])),
                    end=End.UNKNOWN,
                    past_limit=None,
                    checked_at=None,
                    made_at=datetime.fromisoformat(was["made_at"]),
                    remarks=("silent",),
                )

    def _in_folder(self, folder: _Folder, now: datetime) -> Copy:
        return Copy(
            kind=CopyKind.FOLDER,
            name=folder.name,
            where=(str(folder.path),),
            end=End.ROLLING,
            past_limit=outlives(folder.limit, self._limit()),
            checked_at=now,
            kept=folder.limit,
        )

    def _in_files(self, found: NoticedMemory, now: datetime) -> Copy:
        working = found["action"] == IMAGE_PROCESSING
        return Copy(
            kind=CopyKind.IMAGE_PROCESSING if working else CopyKind.FILES,
            name=found["target"] if working else found["action"],
            where=() if working else (found["target"],),
            end=End.UNKNOWN,
            past_limit=None,
            checked_at=now,
            made_at=datetime.fromisoformat(found["last_at"]),
            camera=found["camera"],
            by="" if working else found["by"],
            remarks=("noticed",),
        )

    def _elsewhere(self, copy: ConfigSubentry, due: bool) -> Copy:
        data = copy.data
        days, camera = data.get(CONF_KEPT_DAYS), data.get(CONF_CAMERA)
        kept = timedelta(days=days) if days else None
        checked_on = date.fromisoformat(data[CONF_CHECKED_ON])
        return Copy(
            kind=CopyKind(data[CONF_KIND]),
            name=copy.title,
            where=(data[CONF_PLACE],),
            end=End.UNKNOWN if kept is None else End.ROLLING,
            past_limit=outlives(kept, self._limit(camera)),
            checked_at=bounds(checked_on)[0],
            kept=kept,
            camera=camera,
            by=data[CONF_RESPONSIBLE],
            note=data.get(CONF_NOTE) or "",
            remarks=("due",) if due else (),
        )


def _limit_of(data: Mapping[str, Any], ceiling: timedelta) -> timedelta:
    """Return the limit that holds now; one that cannot hold is none to be longer than the ceiling."""
    try:
        return effective(limit_from(data), ceiling, dt_util.utcnow())
    except RetentionError:
        return ceiling


def _resolved(folders: Iterable[_Folder]) -> list[_Folder]:
    return [replace(each, path=each.path.resolve()) for each in folders]


def _unmanaged(noticed: Iterable[NoticedMemory], folders: list[_Folder]) -> list[NoticedMemory]:
    """Return what was noticed to save pictures where no managed folder ends them."""
    return [each for each in noticed if not any(_is_managed(each, own) for own in folders)]


def _is_managed(noticed: NoticedMemory, folder: _Folder) -> bool:
    """Return whether a managed folder ends such files in time."""
    if not noticed["target"].startswith("/"):
        return False
    file = Path(noticed["target"]).resolve() / noticed["name"]
    if not file.is_relative_to(folder.path):
        return False
    return matcher(folder.patterns)(file.relative_to(folder.path).as_posix())


def _is_same(noticed: NoticedMemory, camera: str, action: str, target: str) -> bool:
    return (noticed["camera"], noticed["action"], noticed["target"]) == (camera, action, target)


def _finding_data(found: Finding) -> dict[str, Json]:
    archive = found.archive
    return {
        "finding": _FOOTAGE_IN_BACKUP,
        "backup": archive.id,
        "name": archive.name,
        "made_at": archive.made_at.isoformat(),
        "automatic": archive.automatic,
        "agents": [each.agent for each in archive.holders],
        "holds": [each.kind.value for each in found.places],
        "sure": found.sure,
        "opens": found.opens,
        "end": found.end.value,
        "gone_by": iso(found.gone_at),
    }
