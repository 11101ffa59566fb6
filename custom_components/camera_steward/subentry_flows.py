"""Add a camera to a site: what it is for, how it is recorded, proof that it can be, and sealing."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, override

import probatio
from homeassistant.config_entries import (
    SOURCE_RECONFIGURE,
    SubentryFlowResult,
)
from homeassistant.const import CONF_NAME, Platform
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.selector import (
    EntitySelector,
    EntitySelectorConfig,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
)

from .addresses import AddressError, read_address, same_stream
from .bridge import cameras_of
from .camera_forms import (
    CONF_NEW_ADDRESS,
    SECTION_ADVANCED,
    TEST_SECONDS,
    TRANSPORT_AS_CAMERA,
    WEEK_SCHEMA,
    address_schema,
    address_words,
    camera_schema,
    since_now,
    take_address,
    week_form,
    window_length,
    windows_of,
    without_password,
)
from .const import (
    CONF_ADDRESS,
    CONF_ADDRESS_OPTIONS,
    CONF_ADDRESS_SINCE,
    CONF_AUDIO,
    CONF_DIRECTION,
    CONF_FIELD_OF_VIEW,
    CONF_MODE,
    CONF_PLACE,
    CONF_POST_ROLL_SECONDS,
    CONF_PRE_ROLL_SECONDS,
    CONF_PURPOSE,
    CONF_REASON,
    CONF_RETENTION_HOURS,
    CONF_RTSP_TRANSPORT,
    CONF_SCHEDULE,
    CONF_SEALED,
    CONF_SEGMENT_SECONDS,
    CONF_SOURCE_ENTITY,
    CONF_SOURCE_REGISTRY_ID,
    CONF_STILL_INTERVAL_SECONDS,
    CONF_UNSEALED_REASON,
    CONF_VAULT_PATH,
    DEFAULT_POST_ROLL_SECONDS,
    DEFAULT_PRE_ROLL_SECONDS,
    DEFAULT_SEGMENT_SECONDS,
    DEFAULT_STILL_INTERVAL_SECONDS,
    DOMAIN,
)
from .core.capture.probe import Probe, probe
from .core.capture.source import Address
from .core.errors import SourceError, StorageError
from .core.files import LocalFiles
from .core.model import RecordingMode, Space
from .exposure import async_exposures, async_logins
from .forms import (
    LONG_TEXT,
    ApprovalStep,
    ceiling_texts,
    missing,
    needs_approval,
    retention_errors,
    retention_hours,
    size_text,
    stripped,
)
from .limits import NO_APPROVAL
from .sealing import source_entity
from .sources import async_entity_address, async_source_for

CONF_CHOICE = "choice"
SEAL, SHARE = "seal", "share"

_TEXTS = (CONF_NAME, CONF_PLACE, CONF_PURPOSE, CONF_DIRECTION, CONF_FIELD_OF_VIEW)
_WEEK = timedelta(days=7)
_NAMES = {"h264": "H.264", "hevc": "H.265", "mjpeg": "JPEG", "png": "PNG"}
_TESTED = (
    CONF_SOURCE_ENTITY,
    CONF_ADDRESS,
    CONF_AUDIO,
    CONF_RTSP_TRANSPORT,
    CONF_STILL_INTERVAL_SECONDS,
)
"""What the test depends on; it is not asked for again while these stay."""
_OF_SEALED = (
    CONF_ADDRESS,
    CONF_ADDRESS_OPTIONS,
    CONF_ADDRESS_SINCE,
    CONF_SOURCE_REGISTRY_ID,
)
_DEFAULTS: dict[str, Any] = {
    CONF_MODE: RecordingMode.CONTINUOUS.value,
    CONF_AUDIO: False,
    CONF_SEGMENT_SECONDS: DEFAULT_SEGMENT_SECONDS,
    CONF_PRE_ROLL_SECONDS: DEFAULT_PRE_ROLL_SECONDS,
    CONF_POST_ROLL_SECONDS: DEFAULT_POST_ROLL_SECONDS,
    CONF_STILL_INTERVAL_SECONDS: DEFAULT_STILL_INTERVAL_SECONDS,
}
_SEAL_SCHEMA = probatio.Schema(
    {
        probatio.Required(CONF_CHOICE, default=SEAL): SelectSelector(
            SelectSelectorConfig(
                options=[SEAL, SHARE], mode=SelectSelectorMode.LIST, translation_key="seal"
            )
        )
    }
)
_UNSEAL_SCHEMA = probatio.Schema({probatio.Required(CONF_REASON): LONG_TEXT})


class CameraSubentryFlow(ApprovalStep):
    """Ask in order: the camera, its week, an approval; receive it; show what it takes; seal; save.

    A camera is one of Home Assistant's entities, or an address alone.
    """

    def __init__(self) -> None:
        """Begin with the defaults."""
        self._name = ""
        self._data: dict[str, Any] = dict(_DEFAULTS)
        self._task: asyncio.Task[Probe] | None = None
        self._found: Probe | None = None
        self._errors: dict[str, str] = {}
        self._received: Address | None = None
        """The address of the entity's stream that the test received: what sealing keeps."""
        self._begun_at = "camera"
        """The form to go back to when the test fails."""

    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Begin a new camera."""
        self._data |= {
            CONF_PURPOSE: self._get_entry().data[CONF_PURPOSE],
            CONF_RETENTION_HOURS: self._get_entry().data[CONF_RETENTION_HOURS],
        }
        return self.async_show_menu(step_id="user", menu_options=["camera", "address"])

    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Begin to change a camera."""
        subentry = self._get_reconfigure_subentry()
        self._name = subentry.title
        self._data |= subentry.data
        if CONF_ADDRESS not in self._data:
            options = ["camera", "seal_now"]
        elif CONF_SOURCE_ENTITY in self._data:
            options = ["camera", "address", "unseal"]
        else:
            options = ["camera", "address"]
        return self.async_show_menu(step_id="reconfigure", menu_options=options)

    async def async_step_address(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask for the address of a camera's stream; what is there already is not shown."""
        errors = self._errors  # of a test that failed; kept until the form is sent again
        if user_input is not None:
            self._errors, self._begun_at = {}, "address"
            errors = take_address(self._data, stripped(user_input))
            if not errors and self._is_recorded():
                errors = {CONF_NEW_ADDRESS: "camera_used"}
            if not errors:
                if self.source == SOURCE_RECONFIGURE:
                    return await self.async_step_test()
                return await self.async_step_camera()
        return self.async_show_form(
            step_id="address",
            data_schema=self.add_suggested_values_to_schema(
                address_schema(new=CONF_ADDRESS not in self._data),
                without_password(user_input),
            ),
            errors=errors,
            description_placeholders=address_words(self._data.get(CONF_ADDRESS, "")),
        )

    async def async_step_camera(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask what the camera is and how it is to be recorded."""
        errors = self._errors  # of a test that failed; kept until the form is sent again
        if user_input is not None:
            self._errors = {}
            hours = retention_hours(user_input)
            self._take(stripped(user_input), hours)
            errors = missing(user_input, _TEXTS) | retention_errors(hours)
            entity = user_input.get(CONF_SOURCE_ENTITY)
            if entity is not None and (refusal := self._refusal(entity)):
                errors[CONF_SOURCE_ENTITY] = refusal
            if not errors:
                if self._data[CONF_MODE] == RecordingMode.SCHEDULE:
                    return await self.async_step_week()
                self._data[CONF_SCHEDULE] = []
                return await self._async_after_week()
        return self.async_show_form(
            step_id="camera",
            data_schema=self.add_suggested_values_to_schema(
                camera_schema(self._data, self._entities()), {**self._data, CONF_NAME: self._name}
            ),
            errors=errors,
            description_placeholders=ceiling_texts(self._get_entry().data),
        )

    async def async_step_week(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask for the hours of the week in which to record."""
        errors: dict[str, str] = {}
        if user_input is not None:
            windows, errors = windows_of(user_input)
            if not errors:
                self._data[CONF_SCHEDULE] = windows
                return await self._async_after_week()
        return self.async_show_form(
            step_id="week",
            data_schema=self.add_suggested_values_to_schema(
                WEEK_SCHEMA, user_input or week_form(self._data.get(CONF_SCHEDULE, []))
            ),
            errors=errors,
        )

    async def async_step_test(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Receive the camera for a moment, while the form shows that it is under way."""
        if self._task is None:
            self._task = self.hass.async_create_task(
                self._async_receive(), "camera_steward test", eager_start=False
            )
        if not self._task.done():
            return self.async_show_progress(
                step_id="test",
                progress_action="receiving",
                progress_task=self._task,
                description_placeholders={"name": self._name},
            )
        task, self._task = self._task, None
        try:
            self._found = task.result()
        except SourceError as err:
            self._errors = {"base": err.key}
            return self.async_show_progress_done(next_step_id=self._begun_at)
        return self.async_show_progress_done(next_step_id="found")

    async def async_step_found(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Show what was received and the room it takes; a step of another name when too much."""
        assert self._found is not None
        space = await self._async_space()
        kept = self._found.bytes_per_second * self._recorded_seconds()
        tight = space is not None and kept > space.free_bytes
        return self.async_show_form(
            step_id="found_tight" if tight else "found_fits",
            data_schema=probatio.Schema({}),
            description_placeholders={
                "codec": _NAMES.get(self._found.codec, self._found.codec),
                "width": str(self._found.width),
                "height": str(self._found.height),
                "rate": f"{self._found.frames_per_second:.3g}",
                "kilobits": f"{self._found.bytes_per_second * 8 / 1000:.0f}",
                "audio": (self._found.audio or "–").upper(),
                "days": str(self._data[CONF_RETENTION_HOURS] // 24),
                "hours": str(self._data[CONF_RETENTION_HOURS] % 24),
                "needed": size_text(kept),
                "free": size_text(space.free_bytes) if space else "–",
            },
        )

    async def async_step_found_fits(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Save what was shown."""
        if user_input is None:
            return await self.async_step_found()
        return await self._async_after_found()

    async def async_step_found_tight(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Save all the same: the oldest footage then goes before its time."""
        if user_input is None:
            return await self.async_step_found()
        return await self._async_after_found()

    async def async_step_seal(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask whether only the steward may show the camera from now on."""
        if user_input is not None:
            if user_input[CONF_CHOICE] == SEAL:
                self._seal()
            return self._save()
        return self.async_show_form(
            step_id="seal",
            data_schema=_SEAL_SCHEMA,
            description_placeholders=await self._async_exposed(),
        )

    async def async_step_stays_shared(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Say that a camera cannot be sealed, and what that means."""
        if user_input is not None:
            return self._save()
        return self.async_show_form(
            step_id="stays_shared",
            data_schema=probatio.Schema({}),
            description_placeholders=await self._async_exposed(),
        )

    async def async_step_seal_now(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Seal a camera that is recorded already, once its address is proved."""
        errors = self._errors
        if user_input is not None:
            self._errors, self._begun_at = {}, "seal_now"
            return await self.async_step_test()
        return self.async_show_form(
            step_id="seal_now",
            data_schema=probatio.Schema({}),
            errors=errors,
            description_placeholders=await self._async_exposed(),
        )

    async def async_step_unseal(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Give a camera back to every login; that needs a reason (INV-7)."""
        errors: dict[str, str] = {}
        if user_input is not None and not (errors := missing(user_input, (CONF_REASON,))):
            if (entity := source_entity(self.hass, self._data)) is not None:
                self._data[CONF_SOURCE_ENTITY] = entity.entity_id  # it may have been renamed
            for name in _OF_SEALED:
                self._data.pop(name, None)
            self._data |= {
                CONF_SEALED: False,
                CONF_UNSEALED_REASON: user_input[CONF_REASON].strip(),
            }
            return self._save()
        return self.async_show_form(
            step_id="unseal",
            data_schema=self.add_suggested_values_to_schema(_UNSEAL_SCHEMA, user_input or {}),
            errors=errors,
            description_placeholders=await self._async_exposed(),
        )

    # ------------------------------------------------------------------ between the steps

    async def _async_after_week(self) -> SubentryFlowResult:
        if needs_approval(self._data[CONF_RETENTION_HOURS], self._get_entry().data):
            return await self.async_step_approval()
        self._data |= NO_APPROVAL
        return await self._async_after_approval()

    @override
    async def _async_after_approval(self) -> SubentryFlowResult:
        if self.source == SOURCE_RECONFIGURE:
            before = {**_DEFAULTS, **self._get_reconfigure_subentry().data}
            if all(before.get(name) == self._data.get(name) for name in _TESTED):
                # Shortening a retention must not need a camera that answers.
                return self._save()
        return await self.async_step_test()

    async def _async_receive(self) -> Probe:
        """Receive the camera; of an entity's stream, keep the address that was received."""
        data = self._data
        self._received = None
        if CONF_ADDRESS not in data:
            self._received = await async_entity_address(self.hass, data[CONF_SOURCE_ENTITY])
        if self._received is not None:
            data = data | _kept(self._received)
        source = async_source_for(self.hass, data)
        return await self.hass.async_add_executor_job(probe, source, TEST_SECONDS)

    async def _async_after_found(self) -> SubentryFlowResult:
        if self._begun_at == "seal_now":
            if not self._sealable():
                return await self.async_step_stays_shared()
            self._seal()
        if CONF_ADDRESS in self._data or self.source == SOURCE_RECONFIGURE:
            return self._save()
        return await (
            self.async_step_seal() if self._sealable() else self.async_step_stays_shared()
        )

    def _sealable(self) -> bool:
        """Return whether the entity gave an address that will do, and can be turned off."""
        if self._received is None or source_entity(self.hass, self._data) is None:
            return False
        try:
            read_address(self._received.url)
        except AddressError:
            return False
        return True

    def _seal(self) -> None:
        entity = source_entity(self.hass, self._data)
        assert self._received is not None
        assert entity is not None
        self._data |= {
            CONF_SEALED: True,
            CONF_SOURCE_REGISTRY_ID: entity.id,
            CONF_ADDRESS_SINCE: since_now(),
            **_kept(self._received),
        }
        self._data.pop(CONF_UNSEALED_REASON, None)

    async def _async_exposed(self) -> dict[str, str]:
        """Return who can watch the camera live and where, for the texts that ask about sealing."""
        entity = self._data[CONF_SOURCE_ENTITY]
        exposure = (await async_exposures(self.hass, {"": self._data}))[""]
        logins = await async_logins(self.hass, self._get_entry())
        return {
            "name": self._name,
            "entity": entity,
            "people": ", ".join(logins.others) or "–",
            "dashboards": ", ".join(exposure.dashboards) or "–",
        }

    async def _async_space(self) -> Space | None:
        root = Path(self._get_entry().data[CONF_VAULT_PATH])
        try:
            return await self.hass.async_add_executor_job(LocalFiles().space, root)
        except StorageError:
            return None

    def _recorded_seconds(self) -> float:
        """Return how much of the retention is recorded; all of it where a trigger decides."""
        kept = timedelta(hours=self._data[CONF_RETENTION_HOURS]).total_seconds()
        if self._data[CONF_MODE] != RecordingMode.SCHEDULE:
            return kept
        week = sum((window_length(each) for each in self._data[CONF_SCHEDULE]), timedelta())
        return kept * min(week / _WEEK, 1.0)

    def _save(self) -> SubentryFlowResult:
        # Every administrator can read it: an address is none.
        unique_id = self._data.get(CONF_SOURCE_ENTITY)
        if self.source != SOURCE_RECONFIGURE:
            return self.async_create_entry(title=self._name, data=self._data, unique_id=unique_id)
        # The entry's update listener reloads the site.
        return self.async_update_and_abort(
            self._get_entry(),
            self._get_reconfigure_subentry(),
            title=self._name,
            data=self._data,
            unique_id=unique_id,
        )

    # ------------------------------------------------------------------ the camera's form

    def _take(self, given: dict[str, Any], hours: int) -> None:
        """Keep what the form gave, in the shape of the stored data."""
        advanced = dict(given.pop(SECTION_ADVANCED))
        self._name = given.pop(CONF_NAME)
        transport = advanced.pop(CONF_RTSP_TRANSPORT)
        self._data |= {
            name: given[name]
            for name in (CONF_SOURCE_ENTITY, *_TEXTS[1:], CONF_MODE, CONF_AUDIO)
            if name in given
        }
        self._data |= {name: int(value) for name, value in advanced.items()}
        self._data[CONF_RETENTION_HOURS] = hours
        self._data.pop(CONF_RTSP_TRANSPORT, None)
        if transport != TRANSPORT_AS_CAMERA:
            self._data[CONF_RTSP_TRANSPORT] = transport

    def _refusal(self, entity_id: str) -> str | None:
        """Return the key of what rules an entity out as a source."""
        entity = er.async_get(self.hass).async_get(entity_id)
        if entity is not None and entity.platform == DOMAIN:
            return "camera_own"
        return "camera_used" if entity_id in self._used() else None

    def _is_recorded(self) -> bool:
        """Return whether another camera records the address."""
        url = self._data[CONF_ADDRESS]
        return any(same_stream(url, each[CONF_ADDRESS]) for each in self._others_with(CONF_ADDRESS))

    def _used(self) -> set[str]:
        """Return the entities that other cameras of this or another site record."""
        return {each[CONF_SOURCE_ENTITY] for each in self._others_with(CONF_SOURCE_ENTITY)}

    def _others_with(self, name: str) -> list[Mapping[str, Any]]:
        """Return the data of this and other sites' other cameras that have a setting."""
        own = self._reconfigure_subentry_id if self.source == SOURCE_RECONFIGURE else None
        return [
            subentry.data
            for entry in self.hass.config_entries.async_entries(DOMAIN)
            for camera, subentry in cameras_of(entry).items()
            if name in subentry.data and camera != own
        ]

    def _entities(self) -> EntitySelector | None:
        """Return the choice of entities; None where the address is what is recorded."""
        if CONF_ADDRESS in self._data:
            return None
        own = {
            entity.entity_id
            for entity in er.async_get(self.hass).entities.values()
            if entity.platform == DOMAIN and entity.domain == Platform.CAMERA
        }
        return EntitySelector(
            EntitySelectorConfig(
                filter={"domain": Platform.CAMERA}, exclude_entities=sorted(own | self._used())
            )
        )


def _kept(address: Address) -> dict[str, Any]:
    return {CONF_ADDRESS: address.url, CONF_ADDRESS_OPTIONS: dict(address.options)}
