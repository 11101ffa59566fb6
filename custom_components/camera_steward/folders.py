"""Managed folders: which a site has, where one may lie, and what the core needs to know of it.

What has no `async_` in its name touches the disk and belongs into the executor.
"""

import os
from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

from homeassistant.config_entries import ConfigEntry, ConfigSubentry
from homeassistant.const import CONF_PATH
from homeassistant.core import HomeAssistant, callback
from homeassistant.util import dt as dt_util

from .const import (
    CONF_AGE_BY,
    CONF_AUDIO,
    CONF_FOOTAGE_OF,
    CONF_IMPORT,
    CONF_MARK,
    CONF_PATTERNS,
    CONF_SEGMENT_SECONDS,
    CONF_VAULT_PATH,
    DEFAULT_SEGMENT_SECONDS,
    DOMAIN,
    SUBENTRY_FOLDER,
)
from .core.copies.dates import AgeBy
from .core.copies.folders import FolderSettings, ImportSettings
from .limits import limit_from
from .places import OFF_LIMITS, Surroundings, overlap

_NOT_ITSELF = frozenset(
    {
        *("/home", "/homeassistant", "/media", "/mnt", "/opt", "/root", "/share", "/srv", "/tmp"),  # noqa: S108
        *("/var", "/var/lib", "/var/log", "/addons", "/addon_configs"),
    }
)
"""Where much besides footage lies; a folder within may be managed. A media folder may all the same."""
_CARDS = "community"
"""Below `www`: what dashboards are made of."""


class FolderRefusal(StrEnum):
    """Why a folder cannot be managed; translation keys of form errors."""

    RELATIVE = "path_relative"
    MISSING = "folder_not_there"
    LINK = "folder_is_link"
    SYSTEM = "folder_of_system"
    CONFIG = "folder_of_config"
    WHOLE = "folder_too_much"
    VAULT = "folder_of_vault"
    MANAGED = "folder_managed"
    NOT_WRITABLE = "folder_not_writable"


class FolderRefusedError(Exception):
    """A folder that cannot be managed; `real` is its own path where it was given by a link."""

    def __init__(self, refusal: FolderRefusal, real: Path | None = None) -> None:
        """Say why."""
        super().__init__(refusal.value)
        self.refusal = refusal
        self.real = real


def folders_of(entry: ConfigEntry) -> dict[str, ConfigSubentry]:
    """Return the managed folders of a site."""
    return {
        each.subentry_id: each
        for each in entry.subentries.values()
        if each.subentry_type == SUBENTRY_FOLDER
    }


@callback
def async_folder_settings(
    hass: HomeAssistant,
    folder: str,
    data: Mapping[str, Any],
    cameras: Mapping[str, ConfigSubentry],
) -> FolderSettings:
    """Return what the core needs to know of a folder; `cameras` are those of its site."""
    vaults = [
        Path(each.data[CONF_VAULT_PATH]) for each in hass.config_entries.async_entries(DOMAIN)
    ]
    return FolderSettings(
        folder=folder,
        path=Path(data[CONF_PATH]),
        patterns=tuple(data[CONF_PATTERNS]),
        age_by=AgeBy(data[CONF_AGE_BY]),
        zone=dt_util.get_default_time_zone(),
        limit=limit_from(data),
        spare=(*vaults, Path(hass.config.config_dir)),
        mark=data.get(CONF_MARK),
        into=_import_settings(data, cameras),
    )


def import_camera(data: Mapping[str, Any], cameras: Mapping[str, ConfigSubentry]) -> str | None:
    """Return whose footage alone lies in a folder, where that is a camera of the site."""
    of = data[CONF_FOOTAGE_OF]
    return of[0] if len(of) == 1 and of[0] in cameras else None


def _import_settings(
    data: Mapping[str, Any], cameras: Mapping[str, ConfigSubentry]
) -> ImportSettings | None:
    if not data.get(CONF_IMPORT, False) or (camera := import_camera(data, cameras)) is None:
        return None
    its = cameras[camera].data
    return ImportSettings(
        camera=camera,
        audio=its.get(CONF_AUDIO, False),
        segment_length=timedelta(seconds=its.get(CONF_SEGMENT_SECONDS, DEFAULT_SEGMENT_SECONDS)),
    )


def check_folder(text: str, around: Surroundings) -> Path:
    """Return the path of a folder that may be managed; `FolderRefusedError` of any other."""
    path = Path(os.path.normpath(text.strip()))
    if not path.is_absolute():
        raise FolderRefusedError(FolderRefusal.RELATIVE)
    try:
        real = path.resolve(strict=True)
        found = real.is_dir()
    except OSError, RuntimeError, ValueError:
        found = False
    if not found:
        raise FolderRefusedError(FolderRefusal.MISSING)
    _refuse_by_position(real, around)
    if real != path:
        raise FolderRefusedError(FolderRefusal.LINK, real)
    if not os.access(real, os.R_OK | os.W_OK | os.X_OK):
        raise FolderRefusedError(FolderRefusal.NOT_WRITABLE)
    return real


def _refuse_by_position(real: Path, around: Surroundings) -> None:
    config, public = around.config.resolve(), around.public.resolve()
    media = [each.resolve() for each in around.media]
    if len(real.parts) == 1 or any(real.is_relative_to(each) for each in OFF_LIMITS):
        raise FolderRefusedError(FolderRefusal.SYSTEM)
    if any(overlap(real, each.resolve()) for each in around.vaults):
        raise FolderRefusedError(FolderRefusal.VAULT)
    if config.is_relative_to(real):
        raise FolderRefusedError(FolderRefusal.CONFIG)
    if real == public or real.is_relative_to(public / _CARDS):
        raise FolderRefusedError(FolderRefusal.WHOLE)
    # Where snapshots and recordings are written to; all else in there is Home Assistant's own.
    dropped = any(real.is_relative_to(each) for each in (public, config / "media", *media))
    if real.is_relative_to(config) and not dropped:
        raise FolderRefusedError(FolderRefusal.CONFIG)
    if str(real) in _NOT_ITSELF and real not in media:
        raise FolderRefusedError(FolderRefusal.WHOLE)
    if any(overlap(real, each.resolve()) for each in around.managed):
        raise FolderRefusedError(FolderRefusal.MANAGED)
