"""Camera Steward: an existing camera's footage, recorded as captured, encrypted, gone on time."""

import logging
from contextlib import suppress
from pathlib import Path

from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import EVENT_HOMEASSISTANT_STOP, Platform
from homeassistant.core import Event, HomeAssistant
from homeassistant.helpers import config_validation as cv, device_registry as dr
from homeassistant.helpers.typing import ConfigType

from . import changes, derived_data, keys, recovery_kit, repairs, sealing
from .bridge import Bridge, async_erase_site, cameras_of, not_ready
from .const import (
    CONF_INQUIRY_WEBHOOK,
    CONF_LIVE_MINUTES,
    CONF_MANAGER_NAME,
    CONF_MANAGER_SINCE,
    CONF_MANAGER_UNTIL,
    CONF_MANAGER_USER_ID,
    CONF_SEALED,
    CONF_VAULT_PATH,
    DOMAIN,
)
from .coordinator import CameraStewardConfigEntry, CameraStewardCoordinator, CameraStewardData
from .copies import CopiesCheck
from .core.errors import StewardError, VaultForeignError, VaultMissingError
from .duties import DutiesCheck
from .duties_api import async_setup_duties_commands
from .entity import site_device
from .exposure import ExposureCheck
from .folders import folders_of
from .handover_api import async_setup_handover_commands
from .handover_views import async_setup_handover_views
from .inquiries import InquiryForm
from .limits import async_keep_limits, days_text
from .memory import SiteMemory
from .panel import async_setup_panel
from .papers_api import async_setup_papers_commands
from .photo_views import async_setup_photo_views
from .places import storage_words
from .policy_packs import HeldPack, async_hold_pack, problem_text
from .records_api import async_setup_records_commands
from .removal_api import async_setup_removal_commands
from .repairs import Issue
from .services import async_setup_services
from .sign_tags import async_listen_to_tags
from .tasks_api import async_setup_tasks_commands
from .texts import async_texts
from .utilization_api import async_setup_utilization_api
from .utilization_runner import UtilizationRunner
from .views import async_setup_views
from .websocket_api import async_setup_commands

_LOGGER = logging.getLogger(__name__)

_FURNISHED = (
    CONF_MANAGER_USER_ID,
    CONF_MANAGER_NAME,
    CONF_MANAGER_SINCE,
    CONF_MANAGER_UNTIL,
    CONF_LIVE_MINUTES,
    CONF_INQUIRY_WEBHOOK,
)
"""What holds at once, without starting anything anew."""

CONFIG_SCHEMA = cv.config_entry_only_config_schema(DOMAIN)

PLATFORMS = [
    Platform.BINARY_SENSOR,
    Platform.BUTTON,
    Platform.CALENDAR,
    Platform.EVENT,
    Platform.IMAGE,
    Platform.SENSOR,
    Platform.SWITCH,
    Platform.TODO,
]


async def async_setup(hass: HomeAssistant, config: ConfigType) -> bool:
    """Register the actions, which are there whether or not a site is set up."""
    async_setup_services(hass)
    async_setup_views(hass)
    async_setup_commands(hass)
    async_setup_handover_views(hass)
    async_setup_handover_commands(hass)
    async_setup_records_commands(hass)
    async_setup_removal_commands(hass)
    async_setup_duties_commands(hass)
    async_setup_papers_commands(hass)
    async_setup_photo_views(hass)
    async_setup_tasks_commands(hass)
    async_setup_utilization_api(hass)
    await async_setup_panel(hass)
    return True


async def async_setup_entry(hass: HomeAssistant, entry: CameraStewardConfigEntry) -> bool:
    """Start a site: its vault is checked and purged before anything is recorded."""
    site_keys = await keys.async_load_or_create(hass, entry.entry_id)
    memory = SiteMemory(hass, entry.entry_id)
    await memory.async_load()
    # First and whatever becomes of the rest: a sealed camera is sealed without its vault, too.
    await sealing.async_carry_out(hass, entry, memory.changes(entry))
    held = await async_hold_pack(hass, entry)
    if (ceiling := memory.ceiling) is not None:
        async_keep_limits(hass, entry, ceiling)
    await _async_tell_of_pack(hass, entry, held)
    coordinator = CameraStewardCoordinator(hass, entry)
    root = Path(entry.data[CONF_VAULT_PATH])
    storage = await hass.async_add_executor_job(storage_words, root)
    bridge = coordinator.bridge = Bridge(
        hass,
        entry,
        site_keys,
        memory,
        coordinator.async_on_event,
        storage,
        grounds=held.pack.grounds,
    )
    try:
        await bridge.async_start()
    except StewardError as err:
        await bridge.async_stop()
        if isinstance(err, VaultMissingError):
            repairs.async_report(hass, entry, Issue.VAULT_MISSING)
        elif isinstance(err, VaultForeignError):
            repairs.async_report(hass, entry, Issue.VAULT_FOREIGN)
        raise not_ready(err) from err

    async def stop(_: Event) -> None:
        # A shutdown does not unload entries, and a thread that runs on would cut a segment short.
        entry.runtime_data.duties.async_stop()
        await entry.runtime_data.utilizations.async_stop()
        await coordinator.async_shutdown()
        await bridge.async_stop()

    try:
        await coordinator.async_config_entry_first_refresh()
        await _async_furnish(bridge)
        await changes.async_enter(hass, entry, bridge, memory)
        with suppress(StewardError):  # then they are called by their ids
            await bridge.async_learn_names()
        # Only now: that someone agreed is in the ledger before what went is.
        bridge.steward.manage_folders()
        await recovery_kit.async_remind(hass, entry, bridge)
        dr.async_get(hass).async_get_or_create(config_entry_id=entry.entry_id, **site_device(entry))
        entry.runtime_data = _data_of(hass, entry, coordinator, bridge, memory)
        await entry.runtime_data.exposure.async_start()
        await entry.runtime_data.utilizations.async_start()
        await hass.config_entries.async_forward_entry_setups(entry, PLATFORMS)
        entry.runtime_data.copies.async_start()
        InquiryForm(hass, entry).async_start()
        async_listen_to_tags(hass, entry)
        entry.runtime_data.duties.async_start()
    except BaseException:
        await bridge.async_stop()
        raise
    entry.async_on_unload(hass.bus.async_listen_once(EVENT_HOMEASSISTANT_STOP, stop))
    entry.async_on_unload(entry.add_update_listener(_async_changed))
    return True


def _data_of(
    hass: HomeAssistant,
    entry: CameraStewardConfigEntry,
    coordinator: CameraStewardCoordinator,
    bridge: Bridge,
    memory: SiteMemory,
) -> CameraStewardData:
    """Return what runs while a site is set up, not yet started."""
    copies = CopiesCheck(hass, entry, bridge, memory, coordinator.async_on_copies)
    utilizations = UtilizationRunner(hass, entry, bridge, memory)
    return CameraStewardData(
        bridge=bridge,
        coordinator=coordinator,
        memory=memory,
        exposure=ExposureCheck(hass, entry, coordinator.async_on_exposures),
        copies=copies,
        duties=DutiesCheck(
            hass,
            entry,
            bridge,
            memory,
            copies,
            coordinator.async_sight,
            coordinator.async_on_duties,
            utilizations.async_carry_out,
        ),
        utilizations=utilizations,
        set_up_with=_recording_rests_on(entry),
    )


async def async_unload_entry(hass: HomeAssistant, entry: CameraStewardConfigEntry) -> bool:
    """Stop a site. Where a thread does not end, it must not be started again beside it."""
    if not await hass.config_entries.async_unload_platforms(entry, PLATFORMS):
        return False
    data = entry.runtime_data
    # Where a thread does not end, Home Assistant takes nothing else of the entry down.
    for check in (data.exposure, data.copies, data.duties):
        check.async_stop()
    await data.utilizations.async_stop()
    await data.coordinator.async_shutdown()
    return await data.bridge.async_stop()


async def async_remove_entry(hass: HomeAssistant, entry: CameraStewardConfigEntry) -> None:
    """Erase a removed site's footage, for nobody would keep its limit any more (INV-1).

    Its ledger stays. What cannot be reached loses its key, so that nobody can open it.
    """
    repairs.async_clear_all(hass, entry)
    for camera in cameras_of(entry).values():
        if camera.data.get(CONF_SEALED):
            sealing.async_open(hass, camera.data)
    memory = SiteMemory(hass, entry.entry_id)
    site_keys = await keys.async_load(hass, entry.entry_id)
    reason = None
    if site_keys is not None:
        try:
            await async_erase_site(hass, entry, site_keys, actor=changes.actor_now())
        except StewardError as err:
            reason = err.key
    await keys.async_remove(hass, entry.entry_id)
    await memory.async_remove()
    await derived_data.async_erase_site(hass, entry)
    erased = site_keys is not None and reason is None
    await changes.async_tell_site_removed(hass, entry, erased=erased)


async def _async_changed(hass: HomeAssistant, entry: CameraStewardConfigEntry) -> None:
    """Take what was changed, added or removed: at once where recording does not rest on it."""
    changes.note_actor(hass, entry)
    data = entry.runtime_data if entry.state is ConfigEntryState.LOADED else None
    if data is None or data.set_up_with != _recording_rests_on(entry):
        await hass.config_entries.async_reload(entry.entry_id)
        return
    async with data.changing:
        await data.utilizations.async_settings_changed()
        await _async_furnish(data.bridge)
        await changes.async_enter(hass, entry, data.bridge, data.memory)
    await data.exposure.async_look()
    data.copies.async_look_soon()
    data.duties.async_look_soon()


async def _async_tell_of_pack(
    hass: HomeAssistant, entry: CameraStewardConfigEntry, held: HeldPack
) -> None:
    """Say which file and line keep the site's pack from being read, or what it would cut."""
    if held.shortens:
        repairs.async_report(
            hass,
            entry,
            Issue.PACK_SHORTENS,
            ceiling=days_text(held.pack.ceiling),
            names="\n".join(f"- {each}" for each in held.shortens),
        )
    else:
        repairs.async_clear(hass, entry, Issue.PACK_SHORTENS)
    if (error := held.error) is None:
        repairs.async_clear(hass, entry, Issue.PACK_UNREADABLE)
        return
    repairs.async_report(
        hass,
        entry,
        Issue.PACK_UNREADABLE,
        file=error.file,
        line=str(error.line or "–"),
        problem=problem_text(await async_texts(hass), error),
    )


async def _async_furnish(bridge: Bridge) -> None:
    """Let in whom the settings appoint."""
    try:
        await bridge.async_furnish()
    except StewardError as err:
        # Recording goes on; nobody is let in to footage until the ledger can be read again.
        _LOGGER.warning("Nobody can watch until this is mended: %s", err.key)


def _recording_rests_on(entry: CameraStewardConfigEntry) -> list[object]:
    """Return all that recording rests on; people and utilizations come and go without it."""
    data = {k: v for k, v in entry.data.items() if k not in _FURNISHED}
    kept = [
        (k, each.title, dict(each.data))
        for k, each in (cameras_of(entry) | folders_of(entry)).items()
    ]
    return [entry.title, data, kept]
