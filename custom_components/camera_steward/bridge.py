"""The one place where the core meets Home Assistant: its settings, its calls and its errors."""

from collections.abc import Awaitable, Callable, Collection, Coroutine
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, time, timedelta
from functools import partial, wraps
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from homeassistant.config_entries import ConfigEntry, ConfigSubentry
from homeassistant.core import Context, HomeAssistant, callback
from homeassistant.exceptions import (
    ConfigEntryNotReady,
    HomeAssistantError,
    ServiceValidationError,
)
from homeassistant.util import dt as dt_util

from .const import (
    CONF_ADOPTED,
    CONF_BY,
    CONF_CAMERAS,
    CONF_CONTACT,
    CONF_END,
    CONF_INSTALLER,
    CONF_MANAGER_NAME,
    CONF_MANAGER_USER_ID,
    CONF_MODE,
    CONF_POST_ROLL_SECONDS,
    CONF_PRE_ROLL_SECONDS,
    CONF_SCHEDULE,
    CONF_SEGMENT_SECONDS,
    CONF_START,
    CONF_VAULT_ID,
    CONF_VAULT_PATH,
    CONF_WEEKDAY,
    DEFAULT_POST_ROLL_SECONDS,
    DEFAULT_PRE_ROLL_SECONDS,
    DEFAULT_SEGMENT_SECONDS,
    DOMAIN,
    PURPOSES,
    SUBENTRY_CAMERA,
)
from .core.access.decide import Refusal
from .core.books import (
    erase_site,
    replace_vault,
)
from .core.capture.recorder import RecorderSettings
from .core.capture.schedule import Schedule, Window
from .core.disclosure.counter import Counter
from .core.disclosure.grounds import RequestKind
from .core.errors import (
    HoldInvalidError,
    HoldTooLargeError,
    RecordInvalidError,
    RemovalBlockedError,
    RemovalOpenError,
    RetentionError,
    StewardError,
)
from .core.ledger.entry import Entry, EntryKind, Json
from .core.ledger.registers import PurgeRecord
from .core.model import Action, Gap, RecordingMode, Segment
from .core.policy.facts import RecordFact
from .core.site import (
    CameraSettings,
    SiteSettings,
    SiteSnapshot,
    StewardEvent,
    VerifyReport,
)
from .core.steward import (
    Steward,
)
from .core.tasks.records import open_facts
from .core.vault.verify import VerifyLevel
from .core.viewing.desk import Caller, House
from .core.viewing.lobby import Lobby
from .folders import async_folder_settings, folders_of
from .keys import SiteKeys
from .limits import ceiling_of, limit_from
from .memory import SiteMemory
from .people import people_of
from .places import storage_words
from .pledge import PledgeTexts, pledge_texts, rules_site
from .policy_packs import async_load_pack
from .sources import async_source_for
from .utilizations import photos_of

AUTOMATION: Final = "automation"
"""The actor of what nobody asked for by hand."""
RESERVE_BYTES: Final = 1024**3
"""Kept free by erasing the oldest footage; a product default."""
STOP_SECONDS: Final = 20.0
"""Threads end within ten seconds; a busy machine gets as long again before we give up."""
_WRONG_INPUT = (
    RetentionError,
    HoldInvalidError,
    HoldTooLargeError,
    RecordInvalidError,
    RemovalOpenError,
)


# Errors


def translated(err: StewardError) -> HomeAssistantError:
    """Return the error that a person is shown for one of the core's."""
    kind = ServiceValidationError if isinstance(err, _WRONG_INPUT) else HomeAssistantError
    return kind(
        translation_domain=DOMAIN,
        translation_key=err.key,
        translation_placeholders=figures_of(err),
    )


def figures_of(err: StewardError) -> dict[str, str] | None:
    """Return what the text of an error leaves open."""
    if isinstance(err, RemovalBlockedError):
        return {"needed": err.detail}
    if not isinstance(err, HoldTooLargeError):
        return None
    figures = {
        "needed": err.needed_bytes,
        "free": err.free_bytes,
        "reserve": err.reserve_bytes,
    }
    return {name: str(round(size / 1_000_000)) for name, size in figures.items()}


def not_ready(err: StewardError) -> ConfigEntryNotReady:
    """Return the reason why a site cannot be set up yet."""
    return ConfigEntryNotReady(translation_domain=DOMAIN, translation_key=err.key)


def core_errors[**P, R](
    method: Callable[P, Awaitable[R]],
) -> Callable[P, Coroutine[Any, Any, R]]:
    """Turn every error of the core that leaves a coroutine into a translated one."""

    @wraps(method)
    async def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return await method(*args, **kwargs)
        except StewardError as err:
            raise translated(err) from err

    return wrapped


# Settings


def state_directory(hass: HomeAssistant, entry_id: str) -> Path:
    """Return where a site's index and ledger are."""
    return Path(hass.config.path(DOMAIN, entry_id))


def site_settings(
    hass: HomeAssistant,
    entry: ConfigEntry,
    keys: SiteKeys,
    storage: str = "",
    *,
    grounds: Collection[str] = (),
) -> SiteSettings:
    """Return what the core needs to know of a site.

    `storage` is its kind in words; `grounds` are the pack's, without which nothing is handed over.
    """
    return SiteSettings(
        root=Path(entry.data[CONF_VAULT_PATH]),
        vault=UUID(entry.data[CONF_VAULT_ID]),
        state=state_directory(hass, entry.entry_id),
        site_key=keys.site_key,
        signing_key=keys.signing_key,
        limit=limit_from(entry.data),
        ceiling=ceiling_of(entry.data),
        reserve_bytes=RESERVE_BYTES,
        grounds=frozenset(RequestKind(each) for each in grounds),
        storage=storage,
        installer=entry.data[CONF_INSTALLER],
        contact=entry.data[CONF_CONTACT],
        folders=tuple(
            async_folder_settings(hass, folder, each.data, cameras_of(entry))
            for folder, each in folders_of(entry).items()
        ),
        title=entry.title,
        zone=hass.config.time_zone,
        adopted_by=entry.data.get(CONF_ADOPTED, {}).get(CONF_BY, ""),
        photos=photos_of(entry),
    )


@callback
def async_camera_settings(
    hass: HomeAssistant, subentry: ConfigSubentry, *, recording: bool
) -> CameraSettings:
    """Return what the core needs to know of a camera."""
    data = subentry.data
    mode = RecordingMode(data.get(CONF_MODE, RecordingMode.CONTINUOUS))
    return CameraSettings(
        camera=subentry.subentry_id,
        source=async_source_for(hass, data),
        recorder=RecorderSettings(
            segment_length=timedelta(
                seconds=data.get(CONF_SEGMENT_SECONDS, DEFAULT_SEGMENT_SECONDS)
            ),
            on_trigger=mode is RecordingMode.TRIGGER,
            pre_roll=timedelta(seconds=data.get(CONF_PRE_ROLL_SECONDS, DEFAULT_PRE_ROLL_SECONDS)),
            post_roll=timedelta(
                seconds=data.get(CONF_POST_ROLL_SECONDS, DEFAULT_POST_ROLL_SECONDS)
            ),
        ),
        schedule=_schedule(data.get(CONF_SCHEDULE, [])) if mode is RecordingMode.SCHEDULE else None,
        limit=limit_from(data),
        recording=recording,
        name=subentry.title,
    )


def cameras_of(entry: ConfigEntry) -> dict[str, ConfigSubentry]:
    """Return the camera subentries of a site."""
    return {
        each.subentry_id: each
        for each in entry.subentries.values()
        if each.subentry_type == SUBENTRY_CAMERA
    }


def camera_name(entry: ConfigEntry, camera: str) -> str:
    """Return a camera's name; of one that was removed that of then, else its id.

    The ledger has it, or of another Home Assistant's cameras the vault that was taken over.
    """
    found = entry.subentries.get(camera)
    if found is not None:
        return found.title
    running = getattr(entry, "runtime_data", None)
    removed = running.bridge.removed if running is not None else {}
    told = entry.data.get(CONF_ADOPTED, {}).get(CONF_CAMERAS, {})
    return str(removed.get(camera) or told.get(camera) or camera)


def on_trigger(subentry: ConfigSubentry) -> bool:
    """Return whether a camera records when it is told to."""
    return bool(subentry.data.get(CONF_MODE) == RecordingMode.TRIGGER)


def _schedule(windows: list[dict[str, Any]]) -> Schedule:
    return Schedule(
        windows=tuple(
            Window(
                weekday=int(each[CONF_WEEKDAY]),
                start=time.fromisoformat(each[CONF_START]),
                end=time.fromisoformat(each[CONF_END]),
            )
            for each in windows
        ),
        zone=dt_util.get_default_time_zone(),
    )


# People


async def async_actor(hass: HomeAssistant, entry: ConfigEntry, user_id: str | None) -> str:
    """Return the name under which the ledger enters a user; no user is an automation."""
    if user_id is None:
        return AUTOMATION
    if user_id == entry.data.get(CONF_MANAGER_USER_ID) and (
        name := entry.data.get(CONF_MANAGER_NAME)
    ):
        return str(name)
    user = await hass.auth.async_get_user(user_id)
    return (user.name if user is not None else None) or user_id


async def async_check_manager(
    hass: HomeAssistant, entry: ConfigEntry, context: Context | None
) -> None:
    """Refuse users who are neither the operations manager nor administrators.

    An automation has no user: who may write automations may do this by one.
    """
    if context is None or context.user_id is None:
        return
    if context.user_id == entry.data.get(CONF_MANAGER_USER_ID):
        return
    user = await hass.auth.async_get_user(context.user_id)
    if user is None or not user.is_admin:
        raise ServiceValidationError(translation_domain=DOMAIN, translation_key="manager_only")


# The site


class Bridge:
    """A running site, for coroutines: every call of the core goes to the executor (INV-8)."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry: ConfigEntry,
        keys: SiteKeys,
        memory: SiteMemory,
        on_event: Callable[[StewardEvent], None],
        storage: str = "",
        *,
        grounds: Collection[str] = (),
    ) -> None:
        """Prepare; `async_start` begins. `on_event` is called on the event loop."""
        self._hass = hass
        self._entry = entry
        self._memory = memory
        self._on_event = on_event
        self._stopped = False
        self.pledge: PledgeTexts | None = None
        self.removed: dict[str, str] = {}
        """What the cameras that were removed were called, by id."""
        self.steward = Steward(
            site_settings(hass, entry, keys, storage, grounds=grounds),
            [
                async_camera_settings(hass, each, recording=memory.recording(camera))
                for camera, each in cameras_of(entry).items()
            ],
            on_event=self._from_thread,
        )

    async def async_start(self) -> None:
        """Open the vault, purge and record; raises the core's own errors."""
        await self._hass.async_add_executor_job(self.steward.start)

    async def async_stop(self) -> bool:
        """End all threads; return whether they ended. Harmless when repeated."""
        if self._stopped:
            return True
        ended = await self._hass.async_add_executor_job(self.steward.stop, STOP_SECONDS)
        self._stopped = ended
        return ended

    async def async_snapshot(self) -> SiteSnapshot:
        """Return how everything stands; raises the core's own errors."""
        return await self._hass.async_add_executor_job(self.steward.snapshot)

    async def async_furnish(self) -> None:
        """Let in whom the settings appoint now, and nobody else; raises the core's own errors.

        Photos that they name are kept.
        """
        people, cameras = people_of(self._entry), frozenset(cameras_of(self._entry))
        site = rules_site(self._entry, await async_load_pack(self._hass, self._entry))
        zone = dt_util.get_default_time_zone()
        photos = photos_of(self._entry)

        def furnish() -> PledgeTexts:
            self.steward.name_photos(photos)
            texts = pledge_texts(site)
            house = House(
                people=people,
                cameras=cameras,
                purposes=frozenset(PURPOSES),
                version=texts.version,
                zone=zone,
                live_length=site.live_length,
            )
            # Before the footage of removed cameras is looked for: that may fail, this must not.
            self.steward.furnish(house)
            more = self.steward.lobby().cameras()
            self.steward.furnish(replace(house, cameras=cameras | more))
            return texts

        self.pledge = await self._run(furnish)

    async def async_learn_names(self) -> None:
        """Learn what removed cameras were called; raises the core's own errors."""
        self.removed = await self._run(self.steward.removed_cameras)

    async def async_in_lobby[T](self, target: Callable[[Lobby], T]) -> T:
        """Do something where people are let in; raises the core's own errors."""
        return await self._run(lambda: target(self.steward.lobby()))

    async def async_at_counter[T](self, target: Callable[[Counter], T]) -> T:
        """Do something where footage is held and handed over; raises the core's own errors."""
        return await self._run(lambda: target(self.steward.counter()))

    @core_errors
    async def async_end_permissions(self, *, actor: str | None) -> int:
        """End all guest permissions and return how many; `actor` is a user's id."""
        name = await self._actor(actor)
        return await self.async_in_lobby(lambda lobby: lobby.desk.withdraw_all(actor=name))

    @core_errors
    async def async_deny_managing(self, user: str) -> None:
        """Enter that a user, by id, tried what is the manager's; once a minute a person."""
        caller = Caller(user=user, name=await self._actor(user))
        await self.async_in_lobby(
            lambda lobby: lobby.desk.deny(caller, Refusal.NOT_MANAGER, Action.MANAGE)
        )

    @core_errors
    async def async_set_recording(self, camera: str, on: bool, *, actor: str | None) -> None:
        """Switch a camera's recording for good; `actor` is a user's id."""
        name = await self._actor(actor)
        await self._run(partial(self.steward.set_recording, camera, on, actor=name))
        await self._memory.async_set_recording(camera, on)

    @core_errors
    async def async_trigger(self, camera: str) -> None:
        """Keep footage around now of a camera that records when told to."""
        await self._run(partial(self.steward.trigger, camera))

    @core_errors
    async def async_purge(self, *, actor: str | None) -> list[PurgeRecord]:
        """Erase what has reached its limit; `actor` is a user's id."""
        name = await self._actor(actor)
        return await self._run(partial(self.steward.purge, actor=name))

    @core_errors
    async def async_accept_clock(self, *, actor: str | None) -> None:
        """Believe the clock on a person's word; `actor` is a user's id."""
        name = await self._actor(actor)
        await self._run(partial(self.steward.accept_clock, actor=name))

    @core_errors
    async def async_verify(
        self, level: VerifyLevel, start: datetime, end: datetime, camera: str | None
    ) -> VerifyReport:
        """Check stored segments of a span, and the ledger."""
        return await self._run(partial(self.steward.verify, level, start, end, camera))

    @core_errors
    async def async_footage(
        self, camera: str, start: datetime, end: datetime
    ) -> tuple[list[Segment], list[Gap]]:
        """Return what is stored of a camera in a span, and what is missing."""
        return await self._run(partial(self.steward.footage, camera, start, end))

    async def async_last(self, kind: EntryKind) -> Entry | None:
        """Return the ledger's last entry of a kind; raises the core's own errors."""
        return await self._run(partial(self.steward.last, kind))

    @core_errors
    async def async_remember(
        self,
        kind: EntryKind,
        *,
        actor: str,
        subject: str,
        data: dict[str, Json],
        key: str | None = None,
    ) -> None:
        """Enter something in the ledger, with a `key` once; `actor` is a name."""
        await self._run(
            partial(self.steward.remember, kind, actor=actor, subject=subject, data=data, key=key)
        )

    @core_errors
    async def async_entries(self, *kinds: EntryKind) -> list[Entry]:
        """Return the ledger's entries of these kinds, in order of time."""
        return await self._run(partial(self.steward.entries, kinds))

    @core_errors
    async def async_open_records(self) -> dict[str, RecordFact]:
        """Return the records that are open by id, without what tells of a person."""
        found = await self._run(lambda: open_facts(self.steward.records()))
        return {each.subject.id: each for each in found}

    async def _actor(self, user_id: str | None) -> str:
        return await async_actor(self._hass, self._entry, user_id)

    async def _run[T](self, target: Callable[[], T]) -> T:
        return await self._hass.async_add_executor_job(target)

    def _from_thread(self, event: StewardEvent) -> None:
        # The loop may be gone when the last thread of a shutdown has something to say.
        with suppress(RuntimeError):
            self._hass.loop.call_soon_threadsafe(self._on_event, event)


async def async_replace_vault(
    hass: HomeAssistant,
    entry: ConfigEntry,
    keys: SiteKeys,
    *,
    root: Path,
    vault: UUID,
    actor: str,
    reason: str,
) -> None:
    """Begin a new vault for a site whose own is lost; raises the core's own errors."""
    settings = site_settings(hass, entry, keys, "")
    await hass.async_add_executor_job(
        partial(replace_vault, settings, root=root, vault=vault, actor=actor, reason=reason)
    )


async def async_erase_site(
    hass: HomeAssistant, entry: ConfigEntry, keys: SiteKeys, *, actor: str
) -> None:
    """Erase all footage of a site that is no longer set up; raises the core's own errors."""
    root = Path(entry.data[CONF_VAULT_PATH])
    storage = await hass.async_add_executor_job(storage_words, root)
    settings = site_settings(hass, entry, keys, storage)
    await hass.async_add_executor_job(partial(erase_site, settings, actor=actor))
