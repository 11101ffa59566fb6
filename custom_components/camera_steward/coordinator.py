"""One picture of the site for all entities: taken every half minute and whenever something happens."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import override

from homeassistant.config_entries import ConfigEntry, ConfigSubentry
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers.debounce import Debouncer
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator, UpdateFailed
from homeassistant.util import dt as dt_util

from . import repairs
from .bridge import RESERVE_BYTES, Bridge, cameras_of
from .const import CONF_ADDRESS, DOMAIN
from .copies import CopiesCheck, CopiesLook
from .core.copies.keeper import FolderSnapshot
from .core.errors import FolderForeignError, SourceRefusedError, StewardError
from .core.inspection.inspector import FaultFound, FaultGone, InspectionFailed
from .core.model import CaptureStatus
from .core.policy.states import State
from .core.retention.guard import ClockState
from .core.site import (
    ClockChanged,
    Evicted,
    Failed,
    IndexRebuilt,
    LedgerBroken,
    SiteSnapshot,
    StatementMade,
    StewardEvent,
)
from .core.utilization.pipeline import PipelineStatus
from .core.viewing.lobby import LobbyEvent
from .duties import DutiesCheck, DutiesLook, DutyNotice
from .exposure import Exposure, ExposureCheck, Logins
from .folders import folders_of
from .forms import size_text
from .memory import SiteMemory
from .notices import CameraNotice, notices, viewing_notice
from .people import people_of
from .repairs import (
    Issue,
    backup_lines,
    gate_lines,
    lacking_lines,
    outdated_lines,
    place_names,
)
from .site_facts import Sight
from .texts import Texts
from .trigger import async_tell_duty_triggers, async_tell_triggers
from .utilization_runner import UtilizationRunner
from .utilizations import utilizations_of

_LOGGER = logging.getLogger(__name__)

_INTERVAL = timedelta(seconds=30)
_COOLDOWN_SECONDS = 1.0
_WITHOUT_STREAM = timedelta(hours=1)
_REFUSED = timedelta(minutes=1)
"""A camera that starts up refuses for a moment."""
_DETECTOR_FAILED = timedelta(minutes=1)
_KEPT_NOTICES = 20

type CameraStewardConfigEntry = ConfigEntry[CameraStewardData]


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraStewardData:
    """What runs while a site is set up."""

    bridge: Bridge
    coordinator: CameraStewardCoordinator
    memory: SiteMemory
    exposure: ExposureCheck
    copies: CopiesCheck
    duties: DutiesCheck
    utilizations: UtilizationRunner
    set_up_with: list[object]
    """Settings that a change of makes it start again (`__init__.py`)."""
    changing: asyncio.Lock = field(default_factory=asyncio.Lock)
    """One change after the other: what one read of the settings must not be let in after the next."""


class CameraStewardCoordinator(DataUpdateCoordinator[SiteSnapshot]):
    """Takes the picture, passes events on to the entities, and raises and clears repairs."""

    config_entry: CameraStewardConfigEntry
    bridge: Bridge

    def __init__(self, hass: HomeAssistant, entry: CameraStewardConfigEntry) -> None:
        """Wait for the bridge, which needs `async_on_event` to be made."""
        super().__init__(
            hass,
            _LOGGER,
            config_entry=entry,
            name=DOMAIN,
            update_interval=_INTERVAL,
            request_refresh_debouncer=Debouncer(
                hass, _LOGGER, cooldown=_COOLDOWN_SECONDS, immediate=True
            ),
            always_update=False,
        )
        self._pictured = False
        self._failures: set[str] = set()
        self.exposures: dict[str, Exposure] = {}
        """How each camera can be watched past the steward, as last seen (`exposure.py`)."""
        self.logins = Logins()
        self.copies: CopiesLook | None = None
        """The copies outside the vault, as last seen (`copies.py`)."""
        self.duties: DutiesLook | None = None
        """How the duties of the site stand, as last judged (`duties.py`)."""
        self._texts: Texts | None = None
        self._watchers: dict[str, Callable[[CameraNotice], None]] = {}
        self._early: dict[str, deque[CameraNotice]] = {}

    @override
    async def _async_update_data(self) -> SiteSnapshot:
        try:
            snapshot = await self.bridge.async_snapshot()
        except StewardError as err:
            raise UpdateFailed(translation_domain=DOMAIN, translation_key=err.key) from err
        self._pictured = True
        self._async_sync_repairs(snapshot)
        return snapshot

    @callback
    def async_watch(self, camera: str, watcher: Callable[[CameraNotice], None]) -> CALLBACK_TYPE:
        """Tell an entity what happens to its camera, beginning with what it was too late for."""
        self._watchers[camera] = watcher
        # An entity can write its state only once it is added, right after it asked for this.
        self.hass.loop.call_soon(self._async_tell_early, camera)

        def stop() -> None:
            self._watchers.pop(camera, None)

        return stop

    @callback
    def _async_tell_early(self, camera: str) -> None:
        if (watcher := self._watchers.get(camera)) is not None:
            for notice in self._early.pop(camera, ()):
                watcher(notice)

    @callback
    def async_on_event(self, event: StewardEvent) -> None:
        """Take an event of the core."""
        if isinstance(event, LobbyEvent):
            # It changes no entity, and none may tell of it.
            async_tell_triggers(self.hass, viewing_notice(self.config_entry, event))
            return
        for notice in notices(event):
            if (watcher := self._watchers.get(notice.camera)) is not None:
                watcher(notice)
            elif notice.camera in self.config_entry.subentries:
                early = self._early.setdefault(notice.camera, deque(maxlen=_KEPT_NOTICES))
                early.append(notice)
        match event:
            case Evicted(size_bytes=size):
                self._async_tell(Issue.EVICTED, True, size=size_text(size))
            case IndexRebuilt(segments=count):
                self._async_tell(Issue.INDEX_REBUILT, True, count=str(count))
            case InspectionFailed(error=error):
                _LOGGER.warning("Pictures could not be inspected: %s", error.key)
            case Failed(error=error) if error.key not in self._failures:
                self._failures.add(error.key)
                _LOGGER.warning("Retention could not run and is tried again: %s", error.key)
            case ClockChanged() | LedgerBroken() | StatementMade() | FaultFound() | FaultGone():
                self._async_look_at_duties()
            case _:
                pass
        if self._pictured and not self._shutdown_requested:
            self.config_entry.async_create_background_task(
                self.hass, self.async_request_refresh(), f"{DOMAIN} refresh"
            )

    @callback
    def _async_sync_repairs(self, snapshot: SiteSnapshot) -> None:
        """Raise what needs a person and take back what no longer does."""
        space = snapshot.space
        past_limit = snapshot.past_limit
        self._async_tell(Issue.VAULT_MISSING, snapshot.storage_error_key == "vault_missing")
        self._async_tell(Issue.VAULT_FOREIGN, snapshot.storage_error_key == "vault_foreign")
        self._async_tell(Issue.CLOCK_UNTRUSTED, snapshot.clock is ClockState.SUSPENDED)
        self._async_tell(Issue.LEDGER_BROKEN, snapshot.ledger_broken)
        self._async_tell(Issue.PAST_LIMIT, past_limit > 0, count=str(past_limit))
        if space is not None:
            self._async_tell(
                Issue.DISK_NEARLY_FULL,
                space.free_bytes < 2 * min(RESERVE_BYTES, space.total_bytes // 20),
                free=size_text(space.free_bytes),
                total=size_text(space.total_bytes),
            )
        due = snapshot.holds_due
        self._async_tell(
            Issue.HOLDS_DUE,
            bool(due.reviews or due.ending),
            reviews=str(due.reviews),
            ending=str(due.ending),
        )
        self._async_look_for_manager()
        now = dt_util.utcnow()
        for camera, subentry in cameras_of(self.config_entry).items():
            found = snapshot.cameras.get(camera)
            away = timedelta()
            if (
                found is not None
                and found.recording
                and found.status in (CaptureStatus.NO_STREAM, CaptureStatus.CONNECTING)
            ):
                away = now - found.since
            silent = away >= _WITHOUT_STREAM
            own = CONF_ADDRESS in subentry.data
            refused = found is not None and found.error_key == SourceRefusedError.key
            self._async_tell(Issue.NO_STREAM, silent and not own, subentry)
            self._async_tell(
                Issue.ADDRESS_LOST, own and (silent or (refused and away >= _REFUSED)), subentry
            )

        for folder, subentry in folders_of(self.config_entry).items():
            looked = snapshot.folders.get(folder, FolderSnapshot())
            foreign = looked.error_key == FolderForeignError.key
            self._async_tell(Issue.FOLDER_FOREIGN, foreign, subentry)
            self._async_tell(
                Issue.FOLDER_NOT_LOOKED_AT, looked.error_key is not None and not foreign, subentry
            )
            self._async_tell(
                Issue.FOLDER_PAST_LIMIT,
                looked.overdue + looked.unreadable > 0,
                subentry,
                count=str(looked.overdue),
                unreadable=str(looked.unreadable),
            )

        self._async_sync_utilizations()

    @callback
    def _async_sync_utilizations(self) -> None:
        """Say which utilizations ended because of what, and whose detector gives nothing."""
        if (running := getattr(self.config_entry, "runtime_data", None)) is None:
            return
        for id_, subentry in utilizations_of(self.config_entry).items():
            lost = running.utilizations.lost(id_)
            lines = lacking_lines(lost, self._texts) if self._texts is not None else ""
            self._async_tell(Issue.UTILIZATION_LOST, bool(lines), subentry, lost=lines)
            found = running.utilizations.snapshot(id_)
            failed = (
                found is not None
                and found.status is PipelineStatus.DETECTOR_FAILED
                and dt_util.utcnow() - found.since_at >= _DETECTOR_FAILED
            )
            self._async_tell(Issue.DETECTOR_FAILED, failed, subentry)

    @callback
    def async_on_exposures(self, found: Mapping[str, Exposure], logins: Logins) -> None:
        """Take a look at who can watch past the steward."""
        self.exposures, self.logins = dict(found), logins
        for camera, subentry in cameras_of(self.config_entry).items():
            seen = self.exposures.get(camera, Exposure())
            sealed = CONF_ADDRESS in subentry.data
            self._async_tell(
                Issue.LIVE_SHARED,
                not seen.enforced and not sealed,
                subentry,
                people=str(len(logins.others)),
                dashboards=str(len(seen.dashboards)),
            )
            self._async_tell(
                Issue.SEAL_OPEN,
                not seen.enforced and sealed,
                subentry,
                entities=", ".join(seen.entities),
            )
        count = len(logins.administrators)
        self._async_tell(Issue.ADMINISTRATORS, count > 0, count=str(count))
        self._async_look_for_manager()
        self.async_update_listeners()
        self._async_look_at_duties()

    @callback
    def async_on_copies(self, look: CopiesLook, texts: Texts) -> None:
        """Take a look at the copies outside the vault."""
        self.copies = look
        self._async_tell(
            Issue.FOOTAGE_IN_BACKUP,
            bool(look.backups),
            count=str(len(look.backups)),
            backups=backup_lines(look.backups, texts, look.looked_at),
        )
        holds = look.plan.places if look.plan is not None else ()
        self._async_tell(
            Issue.BACKUP_PLAN,
            bool(holds),
            holds=place_names(holds, texts),
        )
        self._async_tell(Issue.COPIES_UNCHECKED, bool(look.due), count=str(len(look.due)))
        for camera, subentry in cameras_of(self.config_entry).items():
            count = look.noticed.get(camera, 0)
            self._async_tell(Issue.COPY_NOTICED, count > 0, subentry, count=str(count))
        self.async_update_listeners()
        self._async_look_at_duties()

    @callback
    def async_sight(self) -> Sight | None:
        """Return what was last seen of the site; None until all of it was looked at."""
        texts = self.bridge.pledge
        if self.copies is None or texts is None:
            return None
        return Sight(
            snapshot=self.data,
            exposures=self.exposures,
            logins=self.logins,
            copies=self.copies,
            rules=texts.made,
            utilizations=self.config_entry.runtime_data.utilizations.counts(),
        )

    @callback
    def async_on_duties(
        self, look: DutiesLook, notices: Sequence[DutyNotice], texts: Texts
    ) -> None:
        """Take a look at how the duties stand."""
        self.duties = look
        for issue, provisional in (
            (Issue.RECORDING_PROVISIONAL, True),
            (Issue.RECORDING_GATED, False),
        ):
            cameras = gate_lines(look, texts, provisional=provisional)
            self._async_tell(issue, bool(cameras), cameras=cameras)
        outdated = outdated_lines(look, texts)
        self._async_tell(Issue.PAPERS_OUTDATED, bool(outdated), papers=outdated)
        breached = look.cites(State.BREACHED)
        self._async_tell(
            Issue.CONTROL_BREACHED,
            bool(breached),
            count=str(len(breached)),
            articles=" / ".join(breached),
        )
        self._texts = texts
        self._async_sync_utilizations()
        for each in notices:
            async_tell_duty_triggers(self.hass, each)
        self.async_update_listeners()

    @callback
    def _async_look_at_duties(self) -> None:
        """Let the duties be judged anew, soon."""
        if (running := getattr(self.config_entry, "runtime_data", None)) is not None:
            running.duties.async_look_soon()

    @callback
    def _async_look_for_manager(self) -> None:
        manager, *_ = people_of(self.config_entry)
        acts = self.logins.manager and manager.acts(dt_util.utcnow())
        self._async_tell(Issue.NO_MANAGER, not acts)

    @callback
    def _async_tell(
        self, issue: Issue, raised: bool, of: ConfigSubentry | None = None, **texts: str
    ) -> None:
        if raised:
            repairs.async_report(self.hass, self.config_entry, issue, of, **texts)
        else:
            repairs.async_clear(self.hass, self.config_entry, issue, of)
