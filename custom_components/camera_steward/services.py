"""The actions, with answers of plain data.

`purge` only brings forward what retention does within a minute anyway, and `footage_summary` tells
counts and times but no picture: both are for every login. `verify` reads all that is stored and is
for the operations manager, administrators and automations. `trigger` needs control of the camera's
switch, as every entity action does. `complete_task` is for whoever may do the task, and never for an
automation. `report_inquiry` adds to a book and reads nothing of it: for manager, operators and automations,
which bring what a form or a message of another system holds.
"""

from contextlib import suppress
from datetime import date, datetime, timedelta
from typing import Any, Final

import probatio
from homeassistant.const import ATTR_CONFIG_ENTRY_ID, ATTR_DEVICE_ID
from homeassistant.core import (
    HomeAssistant,
    ServiceCall,
    ServiceResponse,
    SupportsResponse,
    callback,
)
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import config_validation as cv, device_registry as dr, service
from homeassistant.util import dt as dt_util
from homeassistant.util.json import JsonObjectType

from .bridge import (
    AUTOMATION,
    async_actor,
    async_check_manager,
    camera_name,
    cameras_of,
    translated,
)
from .const import DOMAIN
from .coordinator import CameraStewardConfigEntry
from .core.errors import StewardError
from .core.ledger.fields import merge_spans
from .core.ledger.registers import PurgeRecord
from .core.model import Action, Footage
from .core.vault.verify import VerifyLevel
from .core.viewing.desk import Caller
from .inquiries import async_add_inquiry
from .moments import moment
from .tasks import Way, async_do_as_user, find_task
from .texts import async_texts, iso

SERVICE_PURGE: Final = "purge"
SERVICE_VERIFY: Final = "verify"
SERVICE_FOOTAGE_SUMMARY: Final = "footage_summary"
SERVICE_TRIGGER: Final = "trigger"
SERVICE_END_GUEST_PERMISSIONS: Final = "end_guest_permissions"
SERVICE_REPORT_INQUIRY: Final = "report_inquiry"
SERVICE_COMPLETE_TASK: Final = "complete_task"

ATTR_LEVEL: Final = "level"
ATTR_START: Final = "start"
ATTR_END: Final = "end"
ATTR_CONTENT: Final = "content"
ATTR_CONTACT: Final = "contact"
ATTR_WAY: Final = "way"
ATTR_TASK: Final = "task"
ATTR_ANSWERS: Final = "answers"

_SPAN = timedelta(days=1)
_NAMED = 100

_SITE = {probatio.Optional(ATTR_CONFIG_ENTRY_ID): cv.string}
_CAMERA_AND_SPAN = {
    probatio.Optional(ATTR_DEVICE_ID): cv.string,
    probatio.Optional(ATTR_START): moment,
    probatio.Optional(ATTR_END): moment,
}
_WAYS = ("phone", "visit", "letter", "form")
_LEVELS = {each.name.lower(): each for each in VerifyLevel}


@callback
def async_setup_services(hass: HomeAssistant) -> None:
    """Register the actions."""
    hass.services.async_register(
        DOMAIN,
        SERVICE_PURGE,
        _async_purge,
        schema=probatio.Schema(_SITE),
        supports_response=SupportsResponse.OPTIONAL,
    )
    hass.services.async_register(
        DOMAIN,
        SERVICE_VERIFY,
        _async_verify,
        schema=probatio.Schema(
            _SITE
            | _CAMERA_AND_SPAN
            | {probatio.Optional(ATTR_LEVEL, default="chunks"): probatio.In(list(_LEVELS))}
        ),
        supports_response=SupportsResponse.ONLY,
    )
    hass.services.async_register(
        DOMAIN,
        SERVICE_FOOTAGE_SUMMARY,
        _async_footage_summary,
        schema=probatio.Schema(_SITE | _CAMERA_AND_SPAN),
        supports_response=SupportsResponse.ONLY,
    )
    hass.services.async_register(
        DOMAIN,
        SERVICE_END_GUEST_PERMISSIONS,
        _async_end_guest_permissions,
        schema=probatio.Schema(_SITE),
        supports_response=SupportsResponse.OPTIONAL,
    )
    hass.services.async_register(
        DOMAIN,
        SERVICE_REPORT_INQUIRY,
        _async_report_inquiry,
        schema=probatio.Schema(
            _SITE
            | {
                probatio.Required(ATTR_CONTENT): cv.string,
                probatio.Optional(ATTR_CONTACT, default=""): cv.string,
                probatio.Optional(ATTR_WAY, default="form"): probatio.In(_WAYS),
            }
        ),
        supports_response=SupportsResponse.OPTIONAL,
    )
    hass.services.async_register(
        DOMAIN,
        SERVICE_COMPLETE_TASK,
        _async_complete_task,
        schema=probatio.Schema(
            _SITE
            | {
                probatio.Required(ATTR_TASK): cv.string,
                probatio.Optional(ATTR_ANSWERS, default=dict): probatio.All(
                    dict, _answers, {cv.string: probatio.Any(bool, str)}
                ),
            }
        ),
    )
    service.async_register_platform_entity_service(
        hass, DOMAIN, SERVICE_TRIGGER, entity_domain="switch", schema=None, func="async_trigger"
    )


async def _async_purge(call: ServiceCall) -> ServiceResponse:
    """Erase what has reached its limit and say what went and what is kept."""
    entry = _site(call)
    data = entry.runtime_data
    records = await data.bridge.async_purge(actor=call.context.user_id)
    await data.coordinator.async_refresh()
    site = data.coordinator.data
    kept = [each.footage for each in site.cameras.values()]
    return {
        "segments": sum(each.count for each in records),
        "size_bytes": sum(each.size_bytes for each in records),
        "erased": [_record(entry, each) for each in records],
        "kept": {
            "segments": sum(each.segments for each in kept),
            "size_bytes": sum(each.size_bytes for each in kept),
        },
        "past_limit": site.past_limit,
        "next_purge_at": iso(site.next_purge_at),
    }


async def _async_verify(call: ServiceCall) -> ServiceResponse:
    """Check stored segments and the ledger, and name what fails."""
    entry = _site(call)
    await async_check_manager(call.hass, entry, call.context)
    cameras = _chosen(call, entry)
    start, end = _span(call)
    report = await entry.runtime_data.bridge.async_verify(
        _LEVELS[call.data[ATTR_LEVEL]], start, end, cameras[0] if len(cameras) == 1 else None
    )
    return {
        "level": call.data[ATTR_LEVEL],
        "start": start.isoformat(),
        "end": end.isoformat(),
        "checked": report.checked,
        "damaged": len(report.damages),
        "damages": [
            {
                "camera": camera_name(entry, each.segment.camera),
                "start": each.segment.start_at.isoformat(),
                "end": each.segment.end_at.isoformat(),
                "level": each.level.name.lower(),
                "what": each.what,
            }
            for each in report.damages[:_NAMED]
        ],
        "ledger": {
            "entries": report.ledger.entries,
            "sound": report.ledger.sound,
            "findings": [str(each) for each in report.ledger.broken[:_NAMED]],
        },
    }


async def _async_footage_summary(call: ServiceCall) -> ServiceResponse:
    """Say what is stored in a span and what is missing, without any picture."""
    entry = _site(call)
    start, end = _span(call)
    cameras: list[JsonObjectType] = []
    for camera in _chosen(call, entry):
        segments, gaps = await entry.runtime_data.bridge.async_footage(camera, start, end)
        found = entry.runtime_data.coordinator.data.cameras.get(camera)
        spans = merge_spans((each.start_at, each.end_at) for each in segments)
        cameras.append(
            {
                "camera": camera_name(entry, camera),
                "status": found.status.value if found is not None else None,
                "kept": _footage(found.footage) if found is not None else None,
                "segments": len(segments),
                "size_bytes": sum(each.size_bytes for each in segments),
                "spans": [{"start": a.isoformat(), "end": b.isoformat()} for a, b in spans],
                "gaps": [
                    {
                        "start": each.start_at.isoformat(),
                        "end": iso(each.end_at),
                        "cause": each.cause.value,
                    }
                    for each in gaps
                ],
            }
        )
    return {"start": start.isoformat(), "end": end.isoformat(), "cameras": list(cameras)}


async def _async_end_guest_permissions(call: ServiceCall) -> ServiceResponse:
    """End all guest permissions and say how many there were, but not whose."""
    entry, user = _site(call), call.context.user_id
    bridge = entry.runtime_data.bridge
    try:
        await async_check_manager(call.hass, entry, call.context)
    except ServiceValidationError:
        if user is not None:
            with suppress(HomeAssistantError):  # refused all the same
                await bridge.async_deny_managing(user)
        raise
    return {"ended": await bridge.async_end_permissions(actor=user)}


async def _async_report_inquiry(call: ServiceCall) -> ServiceResponse:
    """Enter an inquiry, and say its number. Nothing of what is in the book is told."""
    entry, user = _site(call), call.context.user_id
    bridge = entry.runtime_data.bridge
    name = await async_actor(call.hass, entry, user)
    caller = Caller(user=user, name=name)
    texts = await async_texts(call.hass)
    try:
        if user is not None:
            may = await bridge.async_at_counter(lambda each: each.allow(caller, Action.DUTIES))
            name = may.name or name
        made = await async_add_inquiry(
            call.hass,
            entry,
            content=call.data[ATTR_CONTENT],
            contact=call.data[ATTR_CONTACT],
            way=call.data[ATTR_WAY],
            actor=name,
            received_by=texts[f"book_by_{AUTOMATION}"] if user is None else name,
        )
    except StewardError as err:
        raise translated(err) from err
    return {"number": made.number}


def _answers(given: dict[Any, Any]) -> dict[Any, Any]:
    """Return answers as they were meant: YAML takes the name `on` for true, and a day for a date."""
    return {
        "on" if name is True else name: each.isoformat() if isinstance(each, date) else each
        for name, each in given.items()
    }


async def _async_complete_task(call: ServiceCall) -> None:
    """Enter that a task was done."""
    entry = _site(call)
    task = find_task(entry, call.data[ATTR_TASK])
    answers = call.data[ATTR_ANSWERS]
    await async_do_as_user(call.hass, entry, call.context, task, answers, Way.ACTION)


def _site(call: ServiceCall) -> CameraStewardConfigEntry:
    return service.async_get_config_entry(call.hass, DOMAIN, call.data.get(ATTR_CONFIG_ENTRY_ID))


def _chosen(call: ServiceCall, entry: CameraStewardConfigEntry) -> list[str]:
    """Return the camera of the device that was named, or all of the site's."""
    cameras = list(cameras_of(entry))
    if (device_id := call.data.get(ATTR_DEVICE_ID)) is None:
        return cameras
    device = dr.async_get(call.hass).async_get(device_id)
    ids = {id_ for domain, id_ in device.identifiers if domain == DOMAIN} if device else set()
    if found := [camera for camera in cameras if camera in ids]:
        return found
    raise ServiceValidationError(translation_domain=DOMAIN, translation_key="camera_unknown")


def _span(call: ServiceCall) -> tuple[datetime, datetime]:
    """Return the span asked for: the last day unless said otherwise; times are local."""
    end = call.data.get(ATTR_END)
    end = dt_util.utcnow() if end is None else dt_util.as_utc(end)
    start = call.data.get(ATTR_START)
    start = end - _SPAN if start is None else dt_util.as_utc(start)
    if start >= end:
        raise ServiceValidationError(translation_domain=DOMAIN, translation_key="span_reversed")
    return start, end


def _record(entry: CameraStewardConfigEntry, record: PurgeRecord) -> JsonObjectType:
    return {
        "camera": camera_name(entry, record.camera),
        "rule": record.rule.value,
        "segments": record.count,
        "size_bytes": record.size_bytes,
        "spans": [{"start": a.isoformat(), "end": b.isoformat()} for a, b in record.spans],
        "keys_destroyed": record.keys_destroyed,
    }


def _footage(footage: Footage) -> JsonObjectType:
    return {
        "segments": footage.segments,
        "size_bytes": footage.size_bytes,
        "length_seconds": round(footage.length.total_seconds()),
        "oldest_at": iso(footage.oldest_at),
        "newest_at": iso(footage.newest_at),
    }
