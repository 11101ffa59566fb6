"""Manage a folder: where, which files, for how long; and a preview before anything is erased."""

import asyncio
from datetime import datetime
from pathlib import Path
from typing import Any, override

import probatio
from homeassistant.config_entries import (
    SOURCE_RECONFIGURE,
    ConfigSubentry,
    SubentryFlowResult,
)
from homeassistant.const import CONF_NAME, CONF_PATH
from homeassistant.core import callback
from homeassistant.helpers.selector import (
    BooleanSelector,
    SelectOptionDict,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
)
from homeassistant.util import dt as dt_util
from homeassistant.util.uuid import random_uuid_hex

from .bridge import cameras_of
from .const import (
    CONF_AGE_BY,
    CONF_CONFIRMED,
    CONF_FOOTAGE_OF,
    CONF_IMPORT,
    CONF_MARK,
    CONF_PATTERNS,
    CONF_PURPOSE,
    CONF_RETENTION_HOURS,
    CONF_RETENTION_REVIEW_AT,
)
from .core.copies.dates import AgeBy
from .core.copies.folders import Listing, preview
from .core.copies.marker import is_marked, put, take_away
from .core.errors import FolderMissingError
from .core.retention.limits import effective
from .folders import (
    FolderRefusal,
    FolderRefusedError,
    async_folder_settings,
    check_folder,
    import_camera,
)
from .forms import (
    CONF_UNDERSTOOD,
    LONG_TEXT,
    TEXT,
    ApprovalStep,
    ceiling_texts,
    missing,
    needs_approval,
    retention_errors,
    retention_fields,
    retention_hours,
    size_text,
    stripped,
)
from .limits import NO_APPROVAL, ceiling_of, limit_from
from .places import async_surroundings

_PATTERNS = ["*.mp4", "*.jpg", "*.jpeg", "*.png", "*.avi", "*.mkv", "*.mov", "*.dav", "*.h264"]
"""What cameras and snapshot automations write; anything else can be added."""
_SHOWN = (
    *(CONF_PATH, CONF_PATTERNS, CONF_AGE_BY, CONF_RETENTION_HOURS, CONF_RETENTION_REVIEW_AT),
    CONF_IMPORT,
)
"""What the preview depends on; it is shown anew when one of these changes."""
WAIT_SECONDS = 2.0
"""For so long a listing is waited for before a form shows that it is under way, and so long at least
that form is there: a page that is told of the end before it listens would wait for ever."""
_CONFIRM_SCHEMA = probatio.Schema(
    {probatio.Required(CONF_UNDERSTOOD, default=False): BooleanSelector()}
)


class FolderSubentryFlow(ApprovalStep):
    """Ask in order: the folder, an approval; list it; show what would go; save."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._name = ""
        self._data: dict[str, Any] = {
            CONF_PATTERNS: ["*.mp4", "*.jpg"],
            CONF_AGE_BY: AgeBy.NAME,
            CONF_IMPORT: False,
        }
        self._real: Path | None = None
        """The path that is meant, where the one that was given leads over a link."""
        self._task: asyncio.Task[Listing] | None = None
        self._shown: asyncio.Task[None] | None = None
        self._listing: Listing | None = None
        self._unlisted = False
        self._ended = False

    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Begin a new folder."""
        self._data |= {
            CONF_PURPOSE: self._get_entry().data[CONF_PURPOSE],
            CONF_RETENTION_HOURS: self._get_entry().data[CONF_RETENTION_HOURS],
        }
        return await self.async_step_folder()

    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Begin to change a folder."""
        subentry = self._get_reconfigure_subentry()
        self._name = subentry.title
        self._data |= subentry.data
        return await self.async_step_folder()

    async def async_step_folder(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask which folder it is, whose footage lies there, and for how long it may."""
        errors = {CONF_PATH: FolderRefusal.MISSING.value} if self._unlisted else {}
        self._unlisted = False
        if user_input is not None:
            hours = retention_hours(user_input)
            given = stripped(user_input)
            self._name = given[CONF_NAME]
            self._data |= {
                name: given[name]
                for name in (CONF_PATH, CONF_AGE_BY, CONF_FOOTAGE_OF, CONF_PURPOSE, CONF_IMPORT)
            }
            self._data[CONF_PATTERNS] = [each.strip() for each in given[CONF_PATTERNS]]
            self._data[CONF_RETENTION_HOURS] = hours
            errors = (
                missing(given, (CONF_NAME, CONF_PURPOSE))
                | retention_errors(hours)
                | _pattern_errors(self._data[CONF_PATTERNS])
                | await self._async_path_errors()
            )
            if not self._data[CONF_FOOTAGE_OF]:
                errors[CONF_FOOTAGE_OF] = "footage_missing"
            elif self._imports and import_camera(self._data, self._cameras) is None:
                errors[CONF_IMPORT] = "import_without_camera"
            if not errors:
                if needs_approval(hours, self._get_entry().data):
                    return await self.async_step_approval()
                self._data |= NO_APPROVAL
                return await self._async_after_approval()
        return self.async_show_form(
            step_id="folder",
            data_schema=self.add_suggested_values_to_schema(
                self._schema(), {**self._data, CONF_NAME: self._name}
            ),
            errors=errors,
            description_placeholders={
                "real": str(self._real or "–"),
                **ceiling_texts(self._get_entry().data),
            },
        )

    async def async_step_list(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """List the folder; where that takes long, while the form shows that it is under way."""
        if self._task is None:
            self._task = self.hass.async_create_task(self._async_list(), "camera_steward preview")
            await asyncio.wait({self._task}, timeout=WAIT_SECONDS)
            if self._task.done():
                return await self.async_step_listed()
            self._shown = self.hass.async_create_task(
                self._async_show(self._task), "camera_steward progress"
            )
        if self._shown is not None and not self._shown.done():
            return self.async_show_progress(
                step_id="list",
                progress_action="listing",
                progress_task=self._shown,
                description_placeholders={"path": self._data[CONF_PATH]},
            )
        return self.async_show_progress_done(next_step_id="listed")

    async def async_step_listed(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Take what the listing came to."""
        assert self._task is not None
        task, self._task, self._shown = self._task, None, None
        try:
            self._listing = task.result()
        except FolderMissingError:
            self._unlisted = True
            return await self.async_step_folder()
        return await self.async_step_preview()

    async def async_step_preview(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Show what would be erased, and go on only if that is meant."""
        assert self._listing is not None
        due, kept = self._listing.due, self._listing.kept
        errors: dict[str, str] = {}
        if user_input is not None:
            if not user_input[CONF_UNDERSTOOD]:
                errors = {CONF_UNDERSTOOD: "not_confirmed"}
            elif not await self._async_mark():
                errors = {"base": "folder_not_marked"}
            else:
                self._data[CONF_CONFIRMED] = {
                    "files": due.count,
                    "size_bytes": due.size_bytes,
                    "videos": self._listing.videos if self._imports else 0,
                    "at": dt_util.utcnow().isoformat(timespec="seconds"),
                }
                return self._save()
        return self.async_show_form(
            step_id="preview_import" if self._imports else "preview",
            data_schema=_CONFIRM_SCHEMA,
            errors=errors,
            description_placeholders={
                "path": self._data[CONF_PATH],
                "count": str(due.count),
                "size": size_text(due.size_bytes),
                "oldest": _moment(due.oldest_at),
                "newest": _moment(due.newest_at),
                "kept": str(kept.count),
                "kept_size": size_text(kept.size_bytes),
                "kinds": ", ".join(f"{kind}: {count}" for kind, count in self._listing.kinds)
                or "–",
                "other_kinds": str(self._listing.other_kinds),
                "future": str(self._listing.future),
                "unreadable": str(self._listing.unreadable),
                "apart": str(self._listing.apart),
                "videos": str(self._listing.videos),
                "camera": self._camera_name,
            },
        )

    async def async_step_preview_import(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Show as well what would go into the vault."""
        return await self.async_step_preview(user_input)

    @callback
    @override
    def async_remove(self) -> None:
        """Stop listing for a form that nobody looks at any more."""
        self._ended = True

    # ------------------------------------------------------------------ between the steps

    @property
    def _imports(self) -> bool:
        return bool(self._data[CONF_IMPORT])

    @property
    def _cameras(self) -> dict[str, ConfigSubentry]:
        return cameras_of(self._get_entry())

    @property
    def _camera_name(self) -> str:
        camera = import_camera(self._data, self._cameras)
        return "–" if camera is None else self._cameras[camera].title

    @override
    async def _async_after_approval(self) -> SubentryFlowResult:
        if self.source == SOURCE_RECONFIGURE:
            before = {CONF_IMPORT: False, **self._get_reconfigure_subentry().data}
            if all(before.get(name) == self._data.get(name) for name in _SHOWN) and (
                await self._async_is_marked()
            ):
                return self._save()
        return await self.async_step_list()

    async def _async_path_errors(self) -> dict[str, str]:
        around = async_surroundings(self.hass, but=self._own())
        try:
            path = await self.hass.async_add_executor_job(
                check_folder, self._data[CONF_PATH], around
            )
        except FolderRefusedError as err:
            self._real = err.real
            return {CONF_PATH: err.refusal.value}
        self._data[CONF_PATH] = str(path)
        return {}

    async def _async_list(self) -> Listing:
        settings = async_folder_settings(self.hass, self._own() or "", self._data, self._cameras)
        now = dt_util.utcnow()
        limit = effective(limit_from(self._data), ceiling_of(self._get_entry().data), now)
        return await self.hass.async_add_executor_job(
            preview, settings, limit, now, lambda: self._ended
        )

    async def _async_is_marked(self) -> bool:
        settings = async_folder_settings(self.hass, self._own() or "", self._data, self._cameras)
        return await self.hass.async_add_executor_job(
            is_marked, settings.path, settings.spare, settings.mark
        )

    async def _async_mark(self) -> bool:
        """Mark the folder as the one that was confirmed, and no other any more; False if it cannot."""
        mark = random_uuid_hex()
        settings = async_folder_settings(self.hass, self._own() or "", self._data, self._cameras)
        try:
            await self.hass.async_add_executor_job(put, settings.path, settings.spare, mark)
        except FolderMissingError, OSError:
            return False
        self._data[CONF_MARK] = mark
        if self.source == SOURCE_RECONFIGURE:
            before = self._get_reconfigure_subentry().data
            await self.hass.async_add_executor_job(
                take_away, Path(before[CONF_PATH]), before.get(CONF_MARK)
            )
        return True

    async def _async_show(self, task: asyncio.Task[Listing]) -> None:
        await asyncio.gather(asyncio.wait({task}), asyncio.sleep(WAIT_SECONDS))

    def _own(self) -> str | None:
        return self._reconfigure_subentry_id if self.source == SOURCE_RECONFIGURE else None

    def _save(self) -> SubentryFlowResult:
        if self.source != SOURCE_RECONFIGURE:
            return self.async_create_entry(title=self._name, data=self._data)
        # The entry's update listener reloads the site.
        return self.async_update_and_abort(
            self._get_entry(),
            self._get_reconfigure_subentry(),
            title=self._name,
            data=self._data,
        )

    def _schema(self) -> probatio.Schema:
        cameras = [
            SelectOptionDict(value=id_, label=each.title) for id_, each in self._cameras.items()
        ]
        return probatio.Schema(
            {
                probatio.Required(CONF_NAME): TEXT,
                probatio.Required(CONF_PATH): TEXT,
                probatio.Required(CONF_PATTERNS): _several(
                    [SelectOptionDict(value=each, label=each) for each in _PATTERNS]
                ),
                probatio.Required(CONF_AGE_BY): SelectSelector(
                    SelectSelectorConfig(
                        options=[each.value for each in AgeBy],
                        mode=SelectSelectorMode.LIST,
                        translation_key="age_by",
                    )
                ),
                **retention_fields(self._data[CONF_RETENTION_HOURS]),
                probatio.Required(CONF_FOOTAGE_OF): _several(cameras),
                probatio.Required(CONF_PURPOSE): LONG_TEXT,
                probatio.Required(CONF_IMPORT, default=False): BooleanSelector(),
            }
        )


def _several(options: list[SelectOptionDict]) -> SelectSelector:
    """Offer several choices and words of one's own."""
    return SelectSelector(
        SelectSelectorConfig(
            options=options,
            multiple=True,
            custom_value=True,
            mode=SelectSelectorMode.DROPDOWN,
        )
    )


def _pattern_errors(patterns: list[str]) -> dict[str, str]:
    if not patterns or not all(patterns):
        return {CONF_PATTERNS: "patterns_missing"}
    if any(each.startswith("/") or ".." in each.split("/") for each in patterns):
        return {CONF_PATTERNS: "pattern_outside"}
    return {}


def _moment(at: datetime | None) -> str:
    return f"{dt_util.as_local(at):%Y-%m-%d %H:%M}" if at is not None else "–"
