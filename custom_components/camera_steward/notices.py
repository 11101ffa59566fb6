"""What the core's events become: notices of cameras, and of who views."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.util import dt as dt_util

from .bridge import camera_name
from .core.capture.worker import GapStarted, StatusChanged, StorageTrouble
from .core.inspection.inspector import FaultFound, FaultGone
from .core.model import CaptureStatus, GapCause
from .core.site import PurgeDone, Recovered, StewardEvent
from .core.viewing.desk import ViewingDenied
from .core.viewing.lobby import LobbyEvent
from .core.viewing.watches import FootageViewed, ViewingUnusual

NOBODY: Final = "nobody"
"""The name that triggers give where nobody is known, as the ledger does."""


class Notice(StrEnum):
    """What a camera's event entity tells."""

    RECORDING_STARTED = "recording_started"
    GAP = "gap"
    PURGE_DONE = "purge_done"
    RECOVERED = "recovered"
    STORAGE_TROUBLE = "storage_trouble"
    FAULT_FOUND = "fault_found"
    FAULT_GONE = "fault_gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraNotice:
    """Something to tell of one camera, with attributes that every login may read."""

    camera: str
    notice: Notice
    attributes: dict[str, str | int]


def notices(event: StewardEvent) -> list[CameraNotice]:
    """Return what the cameras' event entities tell of an event of the core."""
    match event:
        case StatusChanged(camera=camera, status=CaptureStatus.RECORDING):
            return [CameraNotice(camera=camera, notice=Notice.RECORDING_STARTED, attributes={})]
        # That a schedule pauses is no news.
        case GapStarted(camera=camera, at=at, cause=cause) if cause is not GapCause.SCHEDULE:
            attributes: dict[str, str | int] = {"cause": cause.value, "since": at.isoformat()}
            return [CameraNotice(camera=camera, notice=Notice.GAP, attributes=attributes)]
        case StorageTrouble(camera=camera, error=error) if error is not None:
            return [
                CameraNotice(
                    camera=camera, notice=Notice.STORAGE_TROUBLE, attributes={"reason": error.key}
                )
            ]
        case PurgeDone(records=records):
            return [
                CameraNotice(
                    camera=each.camera,
                    notice=Notice.PURGE_DONE,
                    attributes={
                        "rule": each.rule.value,
                        "segments": each.count,
                        "size_bytes": each.size_bytes,
                    },
                )
                for each in records
            ]
        case FaultFound() | FaultGone():
            found = isinstance(event, FaultFound)
            return [
                CameraNotice(
                    camera=event.camera,
                    notice=Notice.FAULT_FOUND if found else Notice.FAULT_GONE,
                    attributes={"fault": event.kind.value, "since": event.since_at.isoformat()},
                )
            ]
        case Recovered(camera=camera, count=count):
            return [
                CameraNotice(camera=camera, notice=Notice.RECOVERED, attributes={"segments": count})
            ]
        case _:
            return []


class ViewingOccasion(StrEnum):
    """What of viewing sets a trigger off; also the trigger's key."""

    FOOTAGE_VIEWED = "footage_viewed"
    GUEST_PERMISSION_USED = "guest_permission_used"
    VIEWING_DENIED = "viewing_denied"
    VIEWING_UNUSUAL = "viewing_unusual"


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewingNotice:
    """A line of the viewing register as triggers tell it.

    It names a person, so it goes to triggers and nowhere else: no event, no state, no log.
    """

    site: str
    occasions: frozenset[ViewingOccasion]
    camera: str | None
    kind: str
    reasons: tuple[str, ...]
    variables: dict[str, Any] = field(repr=False)


def viewing_notice(entry: ConfigEntry, event: LobbyEvent) -> ViewingNotice:
    """Return what triggers tell of an event of the core, with no more than a message needs."""
    viewing = event.viewing
    camera = viewing.camera
    variables: dict[str, Any] = {
        "config_entry_id": entry.entry_id,
        "site": entry.title,
        "at": dt_util.as_local(viewing.at),
        "name": viewing.name or NOBODY,
        "kind": viewing.kind.value,
        "camera": camera_name(entry, camera) if camera is not None else None,
        "purpose": viewing.purpose,
    }
    reasons: tuple[str, ...] = ()
    match event:
        case ViewingDenied():
            occasions = [ViewingOccasion.VIEWING_DENIED]
            variables["refusal"] = viewing.refusal
        case ViewingUnusual():
            occasions = [ViewingOccasion.VIEWING_UNUSUAL]
            reasons = tuple(each.value for each in event.reasons)
            variables |= {"role": viewing.role, "reasons": list(reasons)}
        case FootageViewed():
            occasions = [ViewingOccasion.FOOTAGE_VIEWED]
            if viewing.permission is not None:
                occasions.append(ViewingOccasion.GUEST_PERMISSION_USED)
            variables["role"] = viewing.role
    return ViewingNotice(
        site=entry.entry_id,
        occasions=frozenset(occasions),
        camera=camera,
        kind=viewing.kind.value,
        reasons=reasons,
        variables=variables,
    )
