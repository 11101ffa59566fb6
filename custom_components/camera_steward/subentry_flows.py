"""Add a camera to a site: what it is for, how it is recorded, and proof that it can be."""

import asyncio
from collections.abc import Mapping
from datetime import time, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import probatio
from homeassistant.config_entries import (
    SOURCE_RECONFIGURE,
    ConfigSubentryFlow,
    SubentryFlowResult,
)
from homeassistant.const import CONF_NAME, Platform
from homeassistant.data_entry_flow import section
from homeassistant.helpers import config_validation as cv, entity_registry as er
from homeassistant.helpers.selector import (
    BooleanSelector,
    EntitySelector,
    EntitySelectorConfig,
    NumberSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
    TimeSelector,
)

from .const import (
    CONF_AUDIO,
    CONF_DIRECTION,
    CONF_END,
    CONF_FIELD_OF_VIEW,
    CONF_MODE,
    CONF_PLACE,
    CONF_POST_ROLL_SECONDS,
    CONF_PRE_ROLL_SECONDS,
    CONF_PURPOSE,
    CONF_RETENTION_HOURS,
    CONF_RTSP_TRANSPORT,
    CONF_SCHEDULE,
    CONF_SEGMENT_SECONDS,
    CONF_SOURCE_ENTITY,
    CONF_START,
    CONF_STILL_INTERVAL_SECONDS,
    CONF_VAULT_PATH,
    CONF_WEEKDAY,
    DEFAULT_POST_ROLL_SECONDS,
    DEFAULT_PRE_ROLL_SECONDS,
    DEFAULT_SEGMENT_SECONDS,
    DEFAULT_STILL_INTERVAL_SECONDS,
    DOMAIN,
)
from .core.capture.probe import Probe, probe
from .core.errors import SourceError, StorageError
from .core.files import LocalFiles
from .core.model import RecordingMode, Space
from .forms import (
    APPROVAL_SCHEMA,
    LONG_TEXT,
    NO_APPROVAL,
    TEXT,
    approval_errors,
    missing,
    needs_approval,
    retention_errors,
    retention_fields,
    retention_hours,
    size_text,
    stripped,
)
from .sources import async_source_for

SECTION_ADVANCED = "advanced"
SECTIONS_WINDOW = ("window_1", "window_2", "window_3")
CONF_DAYS_OF_WEEK = "weekdays"
TRANSPORT_AS_CAMERA = "as_camera"
TEST_SECONDS = 8.0

_TEXTS = (CONF_NAME, CONF_PLACE, CONF_PURPOSE, CONF_DIRECTION, CONF_FIELD_OF_VIEW)
_WEEK = timedelta(days=7)
_NAMES = {"h264": "H.264", "hevc": "H.265", "mjpeg": "JPEG", "png": "PNG"}
_TESTED = (CONF_SOURCE_ENTITY, CONF_AUDIO, CONF_RTSP_TRANSPORT, CONF_STILL_INTERVAL_SECONDS)
"""What the test depends on; it is not asked for again while these stay."""
_DEFAULTS: dict[str, Any] = {
    CONF_MODE: RecordingMode.CONTINUOUS.value,
    CONF_AUDIO: False,
    CONF_SEGMENT_SECONDS: DEFAULT_SEGMENT_SECONDS,
    CONF_PRE_ROLL_SECONDS: DEFAULT_PRE_ROLL_SECONDS,
    CONF_POST_ROLL_SECONDS: DEFAULT_POST_ROLL_SECONDS,
    CONF_STILL_INTERVAL_SECONDS: DEFAULT_STILL_INTERVAL_SECONDS,
}


class CameraSubentryFlow(ConfigSubentryFlow):
    """Ask in order: the camera, its week, an approval; receive it; show what it takes; save."""

    def __init__(self) -> None:
        """Begin with the defaults."""
        self._name = ""
        self._data: dict[str, Any] = dict(_DEFAULTS)
        self._task: asyncio.Task[Probe] | None = None
        self._found: Probe | None = None
        self._errors: dict[str, str] = {}

    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Begin a new camera."""
        self._data |= {
            CONF_PURPOSE: self._get_entry().data[CONF_PURPOSE],
            CONF_RETENTION_HOURS: self._get_entry().data[CONF_RETENTION_HOURS],
        }
        return await self.async_step_camera()

    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Begin to change a camera."""
        subentry = self._get_reconfigure_subentry()
        self._name = subentry.title
        self._data |= subentry.data
        return await self.async_step_camera()

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
            if refusal := self._refusal(user_input[CONF_SOURCE_ENTITY]):
                errors[CONF_SOURCE_ENTITY] = refusal
            if not errors:
                if self._data[CONF_MODE] == RecordingMode.SCHEDULE:
                    return await self.async_step_week()
                self._data[CONF_SCHEDULE] = []
                return await self._async_after_week()
        return self.async_show_form(
            step_id="camera",
            data_schema=self.add_suggested_values_to_schema(
                self._schema(), {**self._data, CONF_NAME: self._name}
            ),
            errors=errors,
        )

    async def async_step_week(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask for the hours of the week in which to record."""
        errors: dict[str, str] = {}
        if user_input is not None:
            windows, errors = _windows_of(user_input)
            if not errors:
                self._data[CONF_SCHEDULE] = windows
                return await self._async_after_week()
        return self.async_show_form(
            step_id="week",
            data_schema=self.add_suggested_values_to_schema(
                _WEEK_SCHEMA, user_input or _week_form(self._data.get(CONF_SCHEDULE, []))
            ),
            errors=errors,
        )

    async def async_step_approval(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask for the reason, the approver and the review date of more than 14 days (INV-7)."""
        errors: dict[str, str] = {}
        if user_input is not None:
            self._data |= stripped(user_input)
            if not (errors := approval_errors(user_input)):
                return await self._async_after_approval()
        return self.async_show_form(
            step_id="approval",
            data_schema=self.add_suggested_values_to_schema(APPROVAL_SCHEMA, self._data),
            errors=errors,
        )

    async def async_step_test(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Receive the camera for a moment, while the form shows that it is under way."""
        if self._task is None:
            source = async_source_for(self.hass, self._data)
            self._task = self.hass.async_create_task(
                self._async_probe(partial(probe, source, TEST_SECONDS)),
                "camera_steward test",
                eager_start=False,
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
            return self.async_show_progress_done(next_step_id="camera")
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
        return self._save()

    async def async_step_found_tight(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Save all the same: the oldest footage then goes before its time."""
        if user_input is None:
            return await self.async_step_found()
        return self._save()

    # ------------------------------------------------------------------ between the steps

    async def _async_after_week(self) -> SubentryFlowResult:
        if needs_approval(self._data[CONF_RETENTION_HOURS]):
            return await self.async_step_approval()
        self._data |= NO_APPROVAL
        return await self._async_after_approval()

    async def _async_after_approval(self) -> SubentryFlowResult:
        if self.source == SOURCE_RECONFIGURE:
            before = {**_DEFAULTS, **self._get_reconfigure_subentry().data}
            if all(before.get(name) == self._data.get(name) for name in _TESTED):
                # Shortening a retention must not need a camera that answers.
                return self._save()
        return await self.async_step_test()

    async def _async_probe(self, look: partial[Probe]) -> Probe:
        return await self.hass.async_add_executor_job(look)

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
        week = sum((_length_of(each) for each in self._data[CONF_SCHEDULE]), timedelta())
        return kept * min(week / _WEEK, 1.0)

    def _save(self) -> SubentryFlowResult:
        unique_id = self._data[CONF_SOURCE_ENTITY]
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
            name: given[name] for name in (CONF_SOURCE_ENTITY, *_TEXTS[1:], CONF_MODE, CONF_AUDIO)
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

    def _used(self) -> set[str]:
        """Return the entities that other cameras of this or another site record."""
        own = self._reconfigure_subentry_id if self.source == SOURCE_RECONFIGURE else None
        return {
            subentry.data[CONF_SOURCE_ENTITY]
            for entry in self.hass.config_entries.async_entries(DOMAIN)
            for subentry in entry.subentries.values()
            if CONF_SOURCE_ENTITY in subentry.data and subentry.subentry_id != own
        }

    def _schema(self) -> probatio.Schema:
        own = {
            entity.entity_id
            for entity in er.async_get(self.hass).entities.values()
            if entity.platform == DOMAIN and entity.domain == Platform.CAMERA
        }
        entities = EntitySelector(
            EntitySelectorConfig(
                filter={"domain": Platform.CAMERA}, exclude_entities=sorted(own | self._used())
            )
        )
        modes = SelectSelector(
            SelectSelectorConfig(
                options=[mode.value for mode in RecordingMode],
                mode=SelectSelectorMode.LIST,
                translation_key="mode",
            )
        )
        return probatio.Schema(
            {
                probatio.Required(CONF_SOURCE_ENTITY): entities,
                probatio.Required(CONF_NAME): TEXT,
                probatio.Required(CONF_PLACE): TEXT,
                probatio.Required(CONF_PURPOSE): LONG_TEXT,
                probatio.Required(CONF_DIRECTION): TEXT,
                probatio.Required(CONF_FIELD_OF_VIEW): LONG_TEXT,
                probatio.Required(CONF_MODE): modes,
                **retention_fields(self._data[CONF_RETENTION_HOURS]),
                probatio.Required(CONF_AUDIO, default=False): BooleanSelector(),
                probatio.Required(SECTION_ADVANCED): section(
                    _advanced(self._data), {"collapsed": True}
                ),
            }
        )


def _advanced(data: Mapping[str, Any]) -> probatio.Schema:
    transport = SelectSelector(
        SelectSelectorConfig(
            options=[TRANSPORT_AS_CAMERA, "tcp", "udp", "http"],
            mode=SelectSelectorMode.DROPDOWN,
            translation_key="rtsp_transport",
        )
    )

    def seconds(name: str, least: int, most: int) -> dict[probatio.Marker, Any]:
        box = NumberSelectorConfig(
            min=least, max=most, step=1, unit_of_measurement="s", mode=NumberSelectorMode.BOX
        )
        return {probatio.Required(name, default=data[name]): NumberSelector(box)}

    return probatio.Schema(
        {
            **seconds(CONF_SEGMENT_SECONDS, 10, 300),
            **seconds(CONF_PRE_ROLL_SECONDS, 0, 120),
            **seconds(CONF_POST_ROLL_SECONDS, 1, 600),
            **seconds(CONF_STILL_INTERVAL_SECONDS, 1, 3600),
            probatio.Required(
                CONF_RTSP_TRANSPORT, default=data.get(CONF_RTSP_TRANSPORT, TRANSPORT_AS_CAMERA)
            ): transport,
        }
    )


# ---------------------------------------------------------------------- the week

_WEEK_SCHEMA = probatio.Schema(
    {
        probatio.Required(name): section(
            probatio.Schema(
                {
                    probatio.Optional(CONF_DAYS_OF_WEEK, default=[]): SelectSelector(
                        SelectSelectorConfig(
                            options=[str(day) for day in range(7)],
                            multiple=True,
                            mode=SelectSelectorMode.LIST,
                            translation_key="weekday",
                        )
                    ),
                    probatio.Optional(CONF_START): TimeSelector(),
                    probatio.Optional(CONF_END): TimeSelector(),
                }
            ),
            {"collapsed": name != SECTIONS_WINDOW[0]},
        )
        for name in SECTIONS_WINDOW
    }
)


def _windows_of(given: Mapping[str, Any]) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Return the windows that the form gives, and its errors."""
    windows: list[dict[str, Any]] = []
    for name in SECTIONS_WINDOW:
        part = given[name]
        if not part[CONF_DAYS_OF_WEEK]:
            continue
        if not (part.get(CONF_START) and part.get(CONF_END)):
            return [], {"base": "window_incomplete"}
        windows += [
            {
                CONF_WEEKDAY: int(day),
                CONF_START: f"{cv.time(part[CONF_START]):%H:%M}",
                CONF_END: f"{cv.time(part[CONF_END]):%H:%M}",
            }
            for day in part[CONF_DAYS_OF_WEEK]
        ]
    return windows, {} if windows else {"base": "window_missing"}


def _week_form(windows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the form's values for stored windows, days of equal hours together."""
    by_hours: dict[tuple[str, str], list[str]] = {}
    for each in windows:
        by_hours.setdefault((each[CONF_START], each[CONF_END]), []).append(str(each[CONF_WEEKDAY]))
    return {
        name: {CONF_DAYS_OF_WEEK: days, CONF_START: f"{start}:00", CONF_END: f"{end}:00"}
        for name, ((start, end), days) in zip(SECTIONS_WINDOW, by_hours.items(), strict=False)
    }


def _length_of(window: Mapping[str, Any]) -> timedelta:
    start, end = (
        timedelta(hours=at.hour, minutes=at.minute)
        for at in (time.fromisoformat(window[name]) for name in (CONF_START, CONF_END))
    )
    return end - start if end > start else end - start + timedelta(days=1)
