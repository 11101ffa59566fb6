"""WebSocket commands: a camera, or the site, is removed step by step; the manager's alone.

Errors of what was entered have the code `record_invalid` and the placeholder `field`.
"""

from datetime import datetime
from functools import partial
from typing import Any, Final

import probatio
from homeassistant.components import websocket_api
from homeassistant.components.websocket_api import ActiveConnection
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.typing import VolDictType
from homeassistant.util import dt as dt_util

from .bridge import camera_name, cameras_of
from .commands import ENTRY, answering, async_manager
from .const import DOMAIN
from .coordinator import CameraStewardConfigEntry
from .core.disclosure.counter import Counter
from .core.errors import RecordInvalidError
from .core.ledger.disclosures import Disclosure
from .core.ledger.entry import Json
from .core.ledger.records import Record
from .core.retention.hold import Hold
from .core.retention.removals import Kept, Removals, Step
from .pledge import LANGUAGES
from .records_api import async_records_changed, record_row
from .texts import Texts, async_texts, iso

_CAMERA: Final[VolDictType] = {probatio.Required("camera"): probatio.Any(None, str)}
_RECORD: Final[VolDictType] = {probatio.Required("record"): str}
_WHY: Final[dict[str, Json]] = {"why": "removal"}


@callback
def async_setup_removal_commands(hass: HomeAssistant) -> None:
    """Register the commands, which are there whether or not a site is set up."""
    for command in (removal, removal_begin, removal_finish, removal_withdraw):
        websocket_api.async_register_command(hass, command)


@websocket_api.websocket_command(
    {
        probatio.Required("type"): f"{DOMAIN}/removal",
        **ENTRY,
        **_CAMERA,
        probatio.Optional("language"): probatio.In(LANGUAGES),
    }
)
@websocket_api.async_response
@answering
async def removal(
    hass: HomeAssistant, connection: ActiveConnection, msg: dict[str, Any]
) -> dict[str, Any]:
    """Return what is open about a camera, or about the site where `camera` is None.

    {`recording`: whether anything records, `holds`: [{`hold`, `state`, `reason`, `until`}],
    `disclosures`: [{`disclosure`, `number`, `recipient`}] that were approved and are not over,
    `inquiries`: [{`record`, `number`, `received_on`}], `footage`: {`segments`, `oldest_at`, `gone_by`: by
    its limit}, `record`: the removal that goes on, as `records` gives it, or None, `steps`: [{`task`,
    `title`, `done_at`, `done_by`}]}
    """
    entry, *_ = await async_manager(hass, connection, msg)
    camera = msg["camera"]
    texts = await async_texts(hass, msg.get("language"))

    def look(counter: Counter) -> dict[str, Any]:
        removals = entry.runtime_data.bridge.steward.removals()
        record = removals.of(camera)
        cameras = _going(entry, counter, camera)
        if not cameras and camera is not None:
            if record is None:
                raise RecordInvalidError("camera")
            cameras = {camera: record.text("cameras")}  # taken out of the settings meanwhile
        return {
            "recording": any(_records(entry, each) for each in cameras),
            "holds": [_hold(each) for each in removals.holds(cameras)],
            "disclosures": [
                {"disclosure": e.id, "number": e.number, "recipient": e.recipient}
                for e in counter.under_way()
                if set(e.cameras) & set(cameras)
            ],
            "inquiries": [
                {"record": e.id, "number": e.number, "received_on": e.text("received_on")}
                for e in removals.inquiries(camera)
            ],
            "footage": _kept(removals.kept(cameras)),
            "record": record_row(entry, texts, record) if record is not None else None,
            "steps": _steps(texts, removals, record),
        }

    return await entry.runtime_data.bridge.async_at_counter(look)


@websocket_api.websocket_command(
    {
        probatio.Required("type"): f"{DOMAIN}/removal_begin",
        **ENTRY,
        **_CAMERA,
        probatio.Required("decided_on"): str,
        probatio.Required("body"): str,
        probatio.Required("erase"): str,
        probatio.Optional("reason", default=""): str,
        probatio.Optional("medium", default=""): str,
        probatio.Optional("notified", default=""): str,
    }
)
@websocket_api.async_response
@answering
async def removal_begin(
    hass: HomeAssistant, connection: ActiveConnection, msg: dict[str, Any]
) -> dict[str, Any]:
    """Stop recording, and let footage keep its limit (`limit`) or erase it at once (`now`).

    The latter needs a `reason`. Return {`record`}. The code `removal_open` says that it was begun
    before, `removal_blocked` that footage is still needed; `needed` numbers by what.
    """
    entry, _, name = await async_manager(hass, connection, msg)
    data = entry.runtime_data
    steward, camera = data.bridge.steward, msg["camera"]
    given = {each: msg[each] for each in ("decided_on", "body", "reason", "medium", "notified")}

    def check(counter: Counter) -> dict[str, str]:
        cameras = _going(entry, counter, camera)
        steward.removals().check(
            camera,
            cameras,
            given,
            erase=msg["erase"],
            disclosures=_reading(counter.under_way(), cameras),
        )
        return cameras

    cameras = await data.bridge.async_at_counter(check)
    going = sorted(cameras_of(entry).keys() & cameras.keys())
    since = _off_since(entry, going)
    await _async_stop(hass, entry, going, name)
    stopped_at = since or dt_util.utcnow()

    def begin(counter: Counter) -> Record:
        return steward.removals().begin(
            camera,
            cameras,
            given,
            erase=msg["erase"],
            disclosures=_reading(counter.under_way(), cameras),
            stopped_at=stopped_at,
            actor=name,
        )

    made = await data.bridge.async_at_counter(begin)
    # Whoever switched it on in the moment before it was entered.
    await _async_stop(hass, entry, going, name)
    await async_records_changed(entry)
    return {"record": made.id}


@websocket_api.websocket_command(
    {probatio.Required("type"): f"{DOMAIN}/removal_finish", **ENTRY, **_RECORD}
)
@websocket_api.async_response
@answering
async def removal_finish(
    hass: HomeAssistant, connection: ActiveConnection, msg: dict[str, Any]
) -> dict[str, Any]:
    """Close a removal that is done; its camera leaves the site's settings: {`camera`}.

    Of the site `camera` is None: removing its entry, which erases what is left, is for a person to
    do. The codes `removal_footage_left`, `removal_device_left`, `removal_sign_left` and
    `removal_medium_left` say what is to be done first.
    """
    entry, _, name = await async_manager(hass, connection, msg)
    steward = entry.runtime_data.bridge.steward
    done = await hass.async_add_executor_job(
        lambda: steward.removals().finish(msg["record"], actor=name)
    )
    await async_records_changed(entry)
    camera = done.text("camera")
    if camera in cameras_of(entry):
        # Last: the site starts anew for it.
        hass.config_entries.async_remove_subentry(entry, camera)
    return {"camera": camera or None}


@websocket_api.websocket_command(
    {
        probatio.Required("type"): f"{DOMAIN}/removal_withdraw",
        **ENTRY,
        **_RECORD,
        probatio.Required("reason"): str,
    }
)
@websocket_api.async_response
@answering
async def removal_withdraw(
    hass: HomeAssistant, connection: ActiveConnection, msg: dict[str, Any]
) -> dict[str, Any]:
    """End a removal that is not carried out, for a reason; recording stays off. Return {}."""
    entry, _, name = await async_manager(hass, connection, msg)
    steward = entry.runtime_data.bridge.steward
    await hass.async_add_executor_job(
        lambda: steward.removals().withdraw(msg["record"], reason=msg["reason"], actor=name)
    )
    await async_records_changed(entry)
    return {}


# ---------------------------------------------------------------------- inside


async def _async_stop(
    hass: HomeAssistant, entry: CameraStewardConfigEntry, cameras: list[str], name: str
) -> None:
    """Stop recording, and remember it; nothing is done of what is off."""
    data = entry.runtime_data
    for each in cameras:
        stop = partial(data.bridge.steward.set_recording, each, False, actor=name, data=_WHY)
        await hass.async_add_executor_job(stop)
        await data.memory.async_set_recording(each, False)


def _going(entry: CameraStewardConfigEntry, counter: Counter, camera: str | None) -> dict[str, str]:
    """Return the cameras that go, with their names; of the site all of which there is footage."""
    known = {k: each.title for k, each in cameras_of(entry).items()}
    if camera is not None:
        return {camera: known[camera]} if camera in known else {}
    return known | {k: camera_name(entry, k) for k in counter.cameras() if k not in known}


def _reading(under_way: list[Disclosure], cameras: dict[str, str]) -> list[str]:
    """Return the numbers of hand-overs that read these cameras' footage and no hold's copies."""
    return [e.number for e in under_way if e.hold is None and set(e.cameras) & set(cameras)]


def _records(entry: CameraStewardConfigEntry, camera: str) -> bool:
    found = entry.runtime_data.coordinator.data.cameras.get(camera)
    return found is not None and found.recording


def _off_since(entry: CameraStewardConfigEntry, cameras: list[str]) -> datetime | None:
    """Return since when none of these cameras records; None while one does, or nobody knows."""
    found = entry.runtime_data.coordinator.data.cameras
    if any(_records(entry, each) for each in cameras):
        return None
    return max((found[each].since for each in cameras if each in found), default=None)


def _hold(each: Hold) -> dict[str, Any]:
    return {
        "hold": each.id,
        "state": each.state.value,
        "reason": each.reason,
        "until": each.until_at.isoformat(),
    }


def _kept(kept: Kept) -> dict[str, Any]:
    return {
        "segments": kept.segments,
        "oldest_at": iso(kept.oldest_at),
        "gone_by": iso(kept.gone_by),
    }


def _steps(texts: Texts, removals: Removals, record: Record | None) -> list[dict[str, Any]]:
    return [_step(texts, each) for each in removals.steps(record)] if record is not None else []


def _step(texts: Texts, each: Step) -> dict[str, Any]:
    title = texts[f"task_{each.kind}"]
    return {
        "task": each.task,
        "title": f"{title} ({each.about})" if each.about else title,
        "done_at": iso(each.done_at),
        "done_by": each.done_by or None,
    }
