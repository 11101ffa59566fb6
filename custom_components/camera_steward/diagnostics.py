"""What helps to find a fault, without people, addresses, keys or places.

Named one by one: what is added to the data later stays out until someone decides otherwise.
"""

from collections import Counter
from pathlib import Path
from typing import Any

from homeassistant.config_entries import ConfigSubentry
from homeassistant.core import HomeAssistant

from .bridge import cameras_of
from .const import (
    CONF_AGE_BY,
    CONF_AUDIO,
    CONF_CASE,
    CONF_DERIVED_DAYS,
    CONF_DETECTOR,
    CONF_FRAME_RATE,
    CONF_FRAME_WIDTH,
    CONF_MODE,
    CONF_POST_ROLL_SECONDS,
    CONF_PRE_ROLL_SECONDS,
    CONF_PUBLIC_SPACE,
    CONF_RECOGNIZABLE,
    CONF_RETENTION_HOURS,
    CONF_RETENTION_REVIEW_AT,
    CONF_RTSP_TRANSPORT,
    CONF_SCHEDULE,
    CONF_SEALED,
    CONF_SEGMENT_SECONDS,
    CONF_START_ON,
    CONF_STILL_INTERVAL_SECONDS,
    CONF_VAULT_PATH,
)
from .coordinator import CameraStewardConfigEntry
from .copies import CopiesLook
from .core.copies.keeper import FolderSnapshot
from .core.site import (
    CameraSnapshot,
    SiteSnapshot,
)
from .duties import DutiesLook
from .folders import folders_of
from .sealing import source_entity
from .utilization_runner import UtilizationRunner
from .utilizations import utilizations_of

_SITE_SETTINGS = (CONF_RETENTION_HOURS, CONF_RETENTION_REVIEW_AT)
_CAMERA_SETTINGS = (
    CONF_MODE,
    CONF_SCHEDULE,
    CONF_RETENTION_HOURS,
    CONF_RETENTION_REVIEW_AT,
    CONF_SEGMENT_SECONDS,
    CONF_PRE_ROLL_SECONDS,
    CONF_POST_ROLL_SECONDS,
    CONF_STILL_INTERVAL_SECONDS,
    CONF_RTSP_TRANSPORT,
    CONF_AUDIO,
    CONF_SEALED,
)
_FOLDER_SETTINGS = (CONF_AGE_BY, CONF_RETENTION_HOURS, CONF_RETENTION_REVIEW_AT)
_UTILIZATION_SETTINGS = (
    CONF_CASE,
    CONF_DETECTOR,
    CONF_DERIVED_DAYS,
    CONF_RECOGNIZABLE,
    CONF_PUBLIC_SPACE,
    CONF_START_ON,
    CONF_FRAME_RATE,
    CONF_FRAME_WIDTH,
)


async def async_get_config_entry_diagnostics(
    hass: HomeAssistant, entry: CameraStewardConfigEntry
) -> dict[str, Any]:
    """Return settings and state of a site, its cameras, managed folders and utilizations."""
    snapshot, runner = entry.runtime_data.coordinator.data, entry.runtime_data.utilizations
    return {
        "settings": {name: entry.data.get(name) for name in _SITE_SETTINGS},
        "vault_folder": Path(entry.data[CONF_VAULT_PATH]).name,
        "state": _site_state(snapshot),
        "copies": _copies(entry.runtime_data.coordinator.copies),
        "duties": _duties(entry.runtime_data.coordinator.duties),
        "cameras": {
            camera: {
                "settings": {name: subentry.data.get(name) for name in _CAMERA_SETTINGS},
                "source_integration": _integration_of(hass, subentry),
                "state": _camera_state(snapshot.cameras.get(camera)),
            }
            for camera, subentry in cameras_of(entry).items()
        },
        "folders": {
            folder: {
                "settings": {name: subentry.data.get(name) for name in _FOLDER_SETTINGS},
                "state": _folder_state(snapshot.folders.get(folder)),
            }
            for folder, subentry in folders_of(entry).items()
        },
        "utilizations": {
            utilization: {
                "settings": {name: subentry.data.get(name) for name in _UTILIZATION_SETTINGS},
                "state": _utilization_state(runner, utilization),
            }
            for utilization, subentry in utilizations_of(entry).items()
        },
    }


def _site_state(snapshot: SiteSnapshot) -> dict[str, Any]:
    space = snapshot.space
    return {
        "total_bytes": space.total_bytes if space else None,
        "free_bytes": space.free_bytes if space else None,
        "storage_error": snapshot.storage_error_key,
        "clock": snapshot.clock.name.lower(),
        "next_purge_at": snapshot.next_purge_at,
        "last_statement_at": snapshot.last_statement_at,
        "ledger_broken": snapshot.ledger_broken,
        "past_limit": snapshot.past_limit,
    }


def _copies(look: CopiesLook | None) -> dict[str, Any] | None:
    """Return how many copies of which kind are known; their names and places stay out."""
    if look is None:
        return None
    return {
        "kinds": dict(Counter(each.kind.value for each in look.copies)),
        "past_limit": look.past_limit,
        "unknown": look.unknown,
        "due": len(look.due),
        "looked_at": look.looked_at,
    }


def _duties(look: DutiesLook | None) -> dict[str, Any] | None:
    """Return how many controls and tasks stand how; whom they are about stays out."""
    if look is None:
        return None
    return {
        "controls": {state.value: count for state, count in look.counts().items()},
        "tasks": dict(Counter(each.state.value for each in look.tasks)),
        "looked_at": look.looked_at,
    }


def _camera_state(camera: CameraSnapshot | None) -> dict[str, Any] | None:
    if camera is None:
        return None
    return {
        "status": camera.status.value,
        "since": camera.since,
        "error": camera.error_key,
        "recording": camera.recording,
        "codec": camera.codec,
        "width": camera.width,
        "height": camera.height,
        "segments": camera.footage.segments,
        "size_bytes": camera.footage.size_bytes,
        "length_seconds": camera.footage.length.total_seconds(),
        "oldest_at": camera.footage.oldest_at,
        "newest_at": camera.footage.newest_at,
        "overdue": camera.overdue,
        "faults": camera.faults,
        "view_approved": camera.view_approved,
        "inspected_at": camera.inspection.looked_at,
    }


def _folder_state(folder: FolderSnapshot | None) -> dict[str, Any] | None:
    if folder is None:
        return None
    return {
        "looked_at": folder.looked_at,
        "files": folder.files.count,
        "size_bytes": folder.files.size_bytes,
        "oldest_at": folder.files.oldest_at,
        "newest_at": folder.files.newest_at,
        "overdue": folder.overdue,
        "future": folder.future,
        "unreadable": folder.unreadable,
        "not_imported": dict(folder.not_imported),
        "error": folder.error_key,
    }


def _utilization_state(runner: UtilizationRunner, utilization: str) -> dict[str, Any]:
    """Return how it stands and what became of its pictures; what it counted stays out."""
    count, gate = runner.count(utilization), runner.gate(utilization)
    return {
        "status": runner.status(utilization).value,
        "missing": [each.value for each in gate.missing] if gate is not None else None,
        "lost": runner.lost(utilization),
        "frames_taken": count.frames_taken,
        "frames_persisted": count.frames_persisted,
        "frame_age_seconds": count.frame_age_seconds,
        "error": count.error_key,
    }


def _integration_of(hass: HomeAssistant, subentry: ConfigSubentry) -> str | None:
    """Return which integration the camera comes from; its name and address stay out."""
    entity = source_entity(hass, subentry.data)
    return entity.platform if entity is not None else None
