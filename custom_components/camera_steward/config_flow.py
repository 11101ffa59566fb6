"""Set a site up: who answers for its cameras, and where and how long footage is kept."""

import asyncio
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, override
from uuid import UUID, uuid4

import probatio
from homeassistant.config_entries import (
    SOURCE_RECONFIGURE,
    ConfigEntry,
    ConfigEntryState,
    ConfigFlow,
    ConfigFlowResult,
    ConfigSubentryFlow,
)
from homeassistant.core import callback
from homeassistant.exceptions import ConfigEntryNotReady
from homeassistant.helpers.selector import (
    BooleanSelector,
)
from homeassistant.util import dt as dt_util

from . import keys
from .bridge import async_replace_vault
from .changes import actor_now
from .const import (
    CONF_ADOPTED,
    CONF_BY,
    CONF_CAMERAS,
    CONF_CEILING_HOURS,
    CONF_CONTACT,
    CONF_INQUIRY_WEBHOOK,
    CONF_INSTALLER,
    CONF_KEY_MARK,
    CONF_LIVE_MINUTES,
    CONF_MANAGER_NAME,
    CONF_MANAGER_SINCE,
    CONF_MANAGER_UNTIL,
    CONF_PACK,
    CONF_PURPOSE,
    CONF_REASON,
    CONF_RETENTION_HOURS,
    CONF_VAULT_ID,
    CONF_VAULT_PATH,
    DEFAULT_RETENTION,
    DOMAIN,
    SUBENTRY_CAMERA,
    SUBENTRY_COPY,
    SUBENTRY_FOLDER,
    SUBENTRY_OPERATOR,
    SUBENTRY_UTILIZATION,
)
from .copy_flow import CopySubentryFlow
from .core.books import create_vault, vault_at
from .core.errors import KitMistypedError, KitWrongError, StewardError, StorageError
from .core.files import LocalFiles
from .core.vault.description import SiteDescription
from .core.vault.kit import check_kit, key_from
from .folder_flow import FolderSubentryFlow
from .forms import (
    APPROVAL_SCHEMA,
    CONF_UNDERSTOOD,
    LONG_TEXT,
    TEXT,
    approval_errors,
    ceiling_texts,
    missing,
    needs_approval,
    retention_errors,
    retention_fields,
    retention_hours,
    size_text,
    stripped,
    term_errors,
)
from .limits import NO_APPROVAL, ceiling_of, hours_of, shortened
from .operator_flow import OperatorSubentryFlow
from .places import (
    Place,
    PlaceRefusal,
    PlaceRefusedError,
    PlaceWarning,
    async_surroundings,
    check_place,
)
from .policy_packs import async_packs
from .site_forms import (
    CONF_INQUIRY_FORM,
    async_place_selector,
    async_site_schema,
    async_unusable_text,
    inquiry_webhook,
)
from .subentry_flows import CameraSubentryFlow
from .utilization_flow import UtilizationSubentryFlow

_LOGGER = logging.getLogger(__name__)
_CHECK_SECONDS = 30
"""A share whose server is gone can keep a thread waiting for ever."""
_UNDERSTOOD_SCHEMA = probatio.Schema(
    {probatio.Required(CONF_UNDERSTOOD, default=False): BooleanSelector()}
)
_REPLACE_SCHEMA = probatio.Schema(
    {
        probatio.Required(CONF_REASON): TEXT,
        probatio.Required(CONF_UNDERSTOOD, default=False): BooleanSelector(),
    }
)
CONF_CODE = "recovery_code"
_TEXTS = (CONF_INSTALLER, CONF_CONTACT, CONF_PURPOSE, CONF_MANAGER_NAME)


class CameraStewardConfigFlow(ConfigFlow, domain=DOMAIN):
    """Ask in order: people, place and time, what speaks against them, confirmation."""

    VERSION = 1

    def __init__(self) -> None:
        """Begin with nothing given."""
        self._data: dict[str, Any] = {}
        self._place: Place | None = None
        self._warnings: list[PlaceWarning] = []
        self._errors: dict[str, str] = {}
        self._replacing = False
        self._shortening = False
        """Whether it was agreed that another pack cuts limits."""
        self._adopting = False
        self._site_key: bytes | None = None
        self._told: SiteDescription | None = None

    @classmethod
    @callback
    @override
    def async_get_supported_subentry_types(
        cls, config_entry: ConfigEntry
    ) -> dict[str, type[ConfigSubentryFlow]]:
        """Return what can be added to a site."""
        return {
            SUBENTRY_CAMERA: CameraSubentryFlow,
            SUBENTRY_OPERATOR: OperatorSubentryFlow,
            SUBENTRY_FOLDER: FolderSubentryFlow,
            SUBENTRY_COPY: CopySubentryFlow,
            SUBENTRY_UTILIZATION: UtilizationSubentryFlow,
        }

    @override
    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Begin a new site."""
        self._data = {CONF_MANAGER_SINCE: dt_util.now().date().isoformat()}
        return await self.async_step_site()

    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Begin to change a site."""
        self._data = dict(self._get_reconfigure_entry().data)
        return await self.async_step_site()

    async def async_step_site(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask who answers for the cameras, and who manages their operation."""
        errors: dict[str, str] = {}
        shelf = await async_packs(self.hass)
        if user_input is not None:
            self._data |= {CONF_MANAGER_UNTIL: None, **stripped(user_input)}
            if (pack := shelf.packs.get(self._data[CONF_PACK])) is not None:
                self._data[CONF_CEILING_HOURS] = hours_of(pack.ceiling)
            self._data[CONF_LIVE_MINUTES] = int(user_input[CONF_LIVE_MINUTES])
            self._data[CONF_INQUIRY_WEBHOOK] = inquiry_webhook(
                self._data.get(CONF_INQUIRY_WEBHOOK), wanted=self._data.pop(CONF_INQUIRY_FORM)
            )
            errors = missing(user_input, _TEXTS) | term_errors(
                self._data, CONF_MANAGER_SINCE, CONF_MANAGER_UNTIL
            )
            if not errors:
                return await self.async_step_vault()
        return self.async_show_form(
            step_id="site",
            data_schema=self.add_suggested_values_to_schema(
                await async_site_schema(self.hass, shelf, self._data),
                {**self._data, CONF_INQUIRY_FORM: bool(self._data.get(CONF_INQUIRY_WEBHOOK))},
            ),
            errors=errors,
            description_placeholders={"unusable": await async_unusable_text(self.hass, shelf)},
        )

    async def async_step_vault(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask where the footage goes, and how long it is kept unless a camera says otherwise."""
        errors = self._errors  # of a vault that could not be made
        if user_input is not None:
            self._errors = {}
            hours = retention_hours(user_input)
            self._data |= {
                CONF_VAULT_PATH: user_input[CONF_VAULT_PATH].strip(),
                CONF_RETENTION_HOURS: hours,
            }
            errors = retention_errors(hours)
            if refusal := await self._async_refusal():
                errors[CONF_VAULT_PATH] = refusal
            if not errors and self._adopting:
                return await self.async_step_adopt()
            if not errors:
                return await self._async_limited(hours)
        default = min(DEFAULT_RETENTION, ceiling_of(self._data))
        hours = self._data.get(CONF_RETENTION_HOURS, hours_of(default))
        schema = probatio.Schema(
            {
                probatio.Required(CONF_VAULT_PATH): await async_place_selector(self.hass),
                **retention_fields(hours),
            }
        )
        return self.async_show_form(
            step_id="move" if self.source == SOURCE_RECONFIGURE else "vault",
            data_schema=self.add_suggested_values_to_schema(
                schema, {CONF_VAULT_PATH: self._data.get(CONF_VAULT_PATH)}
            ),
            errors=errors,
            description_placeholders=ceiling_texts(self._data),
        )

    async def async_step_move(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask the same of a site whose vault is there already."""
        return await self.async_step_vault(user_input)

    async def async_step_adopt(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask for the recovery kit of the vault that is there; without it, for another place."""
        assert self._place is not None
        errors: dict[str, str] = {}
        line = ""
        if user_input is not None:
            if not (code := user_input.get(CONF_CODE, "").strip()):
                self._errors = {CONF_VAULT_PATH: PlaceRefusal.FOREIGN.value}
                return await self.async_step_vault()
            try:
                site_key = key_from(code)
                async with asyncio.timeout(_CHECK_SECONDS):
                    vault, self._told = await self.hass.async_add_executor_job(
                        check_kit, self._place.root, LocalFiles(), site_key
                    )
            except KitMistypedError as err:
                line = err.detail
                errors[CONF_CODE] = "kit_mistyped_in" if line else "kit_mistyped"
            except KitWrongError:
                errors[CONF_CODE] = "kit_wrong"
            except StewardError, TimeoutError:
                errors["base"] = PlaceRefusal.UNREACHABLE.value
            else:
                self._data[CONF_VAULT_ID] = str(vault)
                self._site_key = site_key
                if self._told is None:
                    return await self.async_step_adopt_untold()
                self._data[CONF_INSTALLER] = self._told.title or self._data[CONF_INSTALLER]
                self._data[CONF_RETENTION_HOURS] = hours_of(self._told.default)
                return await self.async_step_adopt_told()
        return self.async_show_form(
            step_id="adopt",
            data_schema=probatio.Schema({probatio.Optional(CONF_CODE): LONG_TEXT}),
            errors=errors,
            description_placeholders={"path": str(self._place.root), "line": line},
        )

    async def async_step_adopt_told(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Show what the vault says of its site, and ask what of it is to hold on."""
        return await self._async_adopt("adopt_told", user_input)

    async def async_step_adopt_untold(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask the same where that cannot be read: all footage gets the limit that is given."""
        return await self._async_adopt("adopt_untold", user_input)

    async def _async_adopt(self, step: str, user_input: dict[str, Any] | None) -> ConfigFlowResult:
        errors: dict[str, str] = {}
        if user_input is not None:
            hours = retention_hours(user_input)
            self._data |= {
                CONF_INSTALLER: user_input[CONF_INSTALLER].strip(),
                CONF_RETENTION_HOURS: hours,
            }
            errors = missing(user_input, (CONF_INSTALLER,)) | retention_errors(hours)
            if not errors:
                return await self._async_limited(hours)
        told = self._told
        schema = probatio.Schema(
            {
                probatio.Required(CONF_INSTALLER): TEXT,
                **retention_fields(self._data[CONF_RETENTION_HOURS]),
            }
        )
        texts = {"path": self._data[CONF_VAULT_PATH], **ceiling_texts(self._data)}
        if told is not None:
            texts["cameras"] = "\n".join(
                f"- {each.name or camera}" for camera, each in told.cameras.items()
            )
            texts["written"] = dt_util.as_local(told.written_at).strftime("%Y-%m-%d %H:%M")
        return self.async_show_form(
            step_id=step,
            data_schema=self.add_suggested_values_to_schema(
                schema, {CONF_INSTALLER: self._data[CONF_INSTALLER]}
            ),
            errors=errors,
            description_placeholders=texts,
        )

    async def _async_take_over(self, site_key: bytes) -> ConfigFlowResult:
        """Make the entry of a site whose vault is there already."""
        assert self._place is not None
        await self.async_set_unique_id(self._data[CONF_VAULT_ID])
        self._abort_if_unique_id_configured()
        self._data |= {
            CONF_VAULT_PATH: str(self._place.root),
            CONF_KEY_MARK: keys.async_adopt(self.hass, site_key),
            CONF_ADOPTED: {
                CONF_BY: actor_now(),
                CONF_CAMERAS: {k: each.name for k, each in self._told.cameras.items()}
                if self._told is not None
                else {},
            },
        }
        return self.async_create_entry(title=self._data[CONF_INSTALLER], data=self._data)

    async def _async_limited(self, hours: int) -> ConfigFlowResult:
        """Go on once it is said how long footage is kept."""
        if needs_approval(hours, self._data):
            return await self.async_step_approval()
        self._data |= NO_APPROVAL
        return await self._async_next_warning()

    async def async_step_approval(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for the reason, the approver and the review date of more than the ceiling (INV-7)."""
        errors: dict[str, str] = {}
        if user_input is not None:
            self._data |= stripped(user_input)
            if not (errors := approval_errors(user_input)):
                return await self._async_next_warning()
        return self.async_show_form(
            step_id="approval",
            data_schema=self.add_suggested_values_to_schema(APPROVAL_SCHEMA, self._data),
            errors=errors,
            description_placeholders=ceiling_texts(self._data),
        )

    async def async_step_shorter(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Say whose footage another pack's ceiling would cut at once."""
        errors: dict[str, str] = {}
        if user_input is not None:
            if user_input[CONF_UNDERSTOOD]:
                self._shortening = True
                return await self._async_next_warning()
            errors[CONF_UNDERSTOOD] = "not_understood"
        names = "\n".join(f"- {each}" for each in self._shortened())
        return self.async_show_form(
            step_id="shorter",
            data_schema=_UNDERSTOOD_SCHEMA,
            errors=errors,
            description_placeholders={"names": names, **ceiling_texts(self._data)},
        )

    def _shortened(self) -> tuple[str, ...]:
        if self.source != SOURCE_RECONFIGURE:
            return ()
        return shortened(self._get_reconfigure_entry(), ceiling_of(self._data), dt_util.utcnow())

    async def async_step_warn_backup(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Say that backups would take the footage along."""
        return await self._async_warn(PlaceWarning.BACKUP, user_input)

    async def async_step_warn_memory(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Say that footage in memory is gone at a restart."""
        return await self._async_warn(PlaceWarning.MEMORY, user_input)

    async def async_step_warn_container(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Say that footage inside the container is gone at an update."""
        return await self._async_warn(PlaceWarning.CONTAINER, user_input)

    async def async_step_confirm(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Show the place with its free space; then make the vault."""
        assert self._place is not None
        if user_input is None:
            hours = self._data[CONF_RETENTION_HOURS]
            return self.async_show_form(
                step_id="confirm",
                data_schema=probatio.Schema({}),
                description_placeholders={
                    "path": str(self._place.root),
                    "free": size_text(self._place.space.free_bytes),
                    "total": size_text(self._place.space.total_bytes),
                    "days": str(hours // 24),
                    "hours": str(hours % 24),
                },
            )
        vault = uuid4()
        try:
            await self.hass.async_add_executor_job(create_vault, self._place.root, vault)
        except StorageError as err:
            _LOGGER.warning("The vault could not be made: %s", err)
            refusal = await self._async_refusal()  # what has changed since it was checked
            unless = PlaceRefusal.FOREIGN if self._adopting else PlaceRefusal.NOT_WRITABLE
            self._errors = {CONF_VAULT_PATH: refusal or unless.value}
            return await self.async_step_vault()
        self._data |= {CONF_VAULT_PATH: str(self._place.root), CONF_VAULT_ID: str(vault)}
        await self.async_set_unique_id(str(vault))
        return self.async_create_entry(title=self._data[CONF_INSTALLER], data=self._data)

    async def async_step_replace(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask why the vault is given up that is not there, then begin another (INV-2)."""
        assert self._place is not None
        entry = self._get_reconfigure_entry()
        errors: dict[str, str] = {}
        if user_input is not None:
            errors = missing(user_input, (CONF_REASON,))
            if not user_input[CONF_UNDERSTOOD]:
                errors[CONF_UNDERSTOOD] = "not_understood"
            if not errors and await self._async_vault_is_there(entry):
                # Its disk came back while this was being answered: nothing is given up (INV-2).
                self._errors = {CONF_VAULT_PATH: "vault_not_moved"}
                return await self.async_step_vault()
            if not errors:
                errors = await self._async_replace(entry, user_input[CONF_REASON].strip())
                done = None
                if not errors:
                    done = self.async_update_and_abort(
                        entry,
                        unique_id=self._data[CONF_VAULT_ID],
                        title=self._data[CONF_INSTALLER],
                        data=self._data,
                    )
                # Not sooner: it would begin with what was.
                self.hass.config_entries.async_schedule_reload(entry.entry_id)
                if done is not None:
                    return done
        return self.async_show_form(
            step_id="replace",
            data_schema=self.add_suggested_values_to_schema(_REPLACE_SCHEMA, user_input or {}),
            errors=errors,
            description_placeholders={
                "old": entry.data[CONF_VAULT_PATH],
                "path": str(self._place.root),
                "free": size_text(self._place.space.free_bytes),
            },
        )

    async def _async_replace(self, entry: ConfigEntry, reason: str) -> dict[str, str]:
        """Give the lost vault up and begin a new one; return what went wrong."""
        assert self._place is not None
        # Nothing of a site that runs, or is about to, may be touched.
        if entry.state in {ConfigEntryState.LOADED, ConfigEntryState.SETUP_RETRY}:
            await self.hass.config_entries.async_unload(entry.entry_id)
        if entry.state is not ConfigEntryState.NOT_LOADED:
            return {"base": "vault_not_replaced"}
        site_keys = await keys.async_load(self.hass, entry.entry_id)
        if site_keys is None:
            return {"base": "keys_missing"}
        vault = uuid4()
        try:
            await async_replace_vault(
                self.hass,
                entry,
                site_keys,
                root=self._place.root,
                vault=vault,
                actor=actor_now(),
                reason=reason,
            )
            mark = await keys.async_renew_site_key(self.hass, entry.entry_id)
        except (StewardError, ConfigEntryNotReady) as err:
            _LOGGER.warning("The vault could not be replaced: %s", err)
            return {"base": "vault_not_replaced"}
        self._data |= {
            CONF_VAULT_PATH: str(self._place.root),
            CONF_VAULT_ID: str(vault),
            CONF_KEY_MARK: mark,
        }
        return {}

    # ------------------------------------------------------------------ the place

    async def _async_refusal(self) -> str | None:
        """Check the place that was given; return the key of what is wrong with it."""
        path = self._data[CONF_VAULT_PATH]
        entry = self._get_reconfigure_entry() if self.source == SOURCE_RECONFIGURE else None
        self._place, self._warnings, self._replacing = None, [], False
        self._adopting, self._site_key, self._told = False, None, None
        if entry is not None and Path(path) == Path(entry.data[CONF_VAULT_PATH]):
            return None  # where it was: also when its disk is away just now
        around = async_surroundings(self.hass, but=entry.entry_id if entry else None)
        try:
            async with asyncio.timeout(_CHECK_SECONDS):
                place = await self.hass.async_add_executor_job(check_place, path, around)
        except PlaceRefusedError as err:
            return err.refusal.value
        except TimeoutError:
            return PlaceRefusal.UNREACHABLE.value
        own = UUID(entry.data[CONF_VAULT_ID]) if entry else None
        if place.vault != own:
            if place.vault is not None and (entry is not None or self._is_used(place.vault)):
                return (PlaceRefusal.FOREIGN if entry else PlaceRefusal.IN_USE).value
            if entry is None:
                self._adopting = True
            elif await self._async_vault_is_there(entry):
                return "vault_not_moved"
            else:
                self._replacing = True
        self._place, self._warnings = place, list(place.warnings)
        return None

    def _is_used(self, vault: UUID) -> bool:
        """Return whether a site has this vault, by whatever path: a copy must not be a second one."""
        return any(
            each.data[CONF_VAULT_ID] == str(vault)
            for each in self.hass.config_entries.async_entries(DOMAIN)
        )

    async def _async_vault_is_there(self, entry: ConfigEntry) -> bool:
        """Return whether the site's vault is where it was; a share that hangs is away."""
        root = Path(entry.data[CONF_VAULT_PATH])
        try:
            async with asyncio.timeout(_CHECK_SECONDS):
                found = await self.hass.async_add_executor_job(vault_at, root)
        except TimeoutError:
            return False
        return found == UUID(entry.data[CONF_VAULT_ID])

    async def _async_next_warning(self) -> ConfigFlowResult:
        """Show what speaks against the pack and the place, one at a time, then finish."""
        if not self._shortening and self._shortened():
            return await self.async_step_shorter()
        if self._warnings:
            return await self._async_warn(self._warnings[0], None)
        if self._replacing:
            return await self.async_step_replace()
        if self.source == SOURCE_RECONFIGURE:
            if self._place is not None:
                self._data[CONF_VAULT_PATH] = str(self._place.root)
            # The entry's update listener reloads the site.
            return self.async_update_and_abort(
                self._get_reconfigure_entry(),
                title=self._data[CONF_INSTALLER],
                data=self._data,
            )
        if self._site_key is not None:
            return await self._async_take_over(self._site_key)
        return await self.async_step_confirm()

    async def _async_warn(
        self, warning: PlaceWarning, user_input: Mapping[str, Any] | None
    ) -> ConfigFlowResult:
        errors: dict[str, str] = {}
        if user_input is not None:
            if user_input[CONF_UNDERSTOOD]:
                self._warnings = self._warnings[1:]
                return await self._async_next_warning()
            errors[CONF_UNDERSTOOD] = "not_understood"
        return self.async_show_form(
            step_id=warning.value,
            data_schema=_UNDERSTOOD_SCHEMA,
            errors=errors,
            description_placeholders={"path": self._data[CONF_VAULT_PATH]},
        )
