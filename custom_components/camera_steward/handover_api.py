"""WebSocket commands: what is held past its time, who asked for footage, and handing it over.

Each asks the counter, which decides and enters refusals. Times are ISO 8601 with a zone, given
ones local where they name none; days are ISO dates. An error about what was entered has the code
`hold_invalid` or `disclosure_invalid` and the placeholder `field`, which names it.
"""

from datetime import timedelta
from operator import attrgetter
from typing import Any, Final

import probatio
from homeassistant.components import websocket_api
from homeassistant.components.websocket_api import ActiveConnection
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.typing import VolDictType
from homeassistant.util import dt as dt_util

from .bridge import camera_name
from .commands import ENTRY, answering, check_unlogged, local, site_of, table
from .const import DOMAIN
from .coordinator import CameraStewardConfigEntry
from .core.disclosure.counter import DOWNLOAD_WITHIN, Approval, Counter, Progress
from .core.disclosure.grounds import (
    PARTICULARS,
    Order,
    Request,
    RequestKind,
    file_name,
)
from .core.ledger.disclosures import Disclosure, Outcome, Part
from .core.model import Action
from .core.retention.hold import LENGTH, Hold
from .handover_views import download_path
from .moments import moment, sane
from .people import caller_of_connection
from .pledge import LANGUAGES
from .texts import Texts, async_texts, iso

_MOMENT: Final = probatio.All(str, moment)
_HOLD: Final[VolDictType] = {probatio.Required("hold"): str}
_CAMERAS: Final = probatio.All([str], probatio.Length(max=1000))
_DAY: Final = probatio.All(cv.date, sane)
_DAYS: Final = probatio.All(int, probatio.Range(min=1, max=3660))
_LANGUAGE: Final = probatio.In(LANGUAGES)
_TIMES: Final = ("at", "started_at", "ended_at")
_REQUEST: Final[VolDictType] = {
    probatio.Required("kind"): probatio.In([each.value for each in RequestKind]),
    probatio.Optional("particulars", default=dict): {str: str},
    probatio.Required("recipient"): str,
    probatio.Required("reason"): str,
    probatio.Optional("cameras", default=list): _CAMERAS,
    probatio.Optional("start"): _MOMENT,
    probatio.Optional("end"): _MOMENT,
    probatio.Optional("hold"): str,
}


@callback
def async_setup_handover_commands(hass: HomeAssistant) -> None:
    """Register the commands, which are there whether or not a site is set up."""
    for command in (
        *(handover_form, holds, hold, hold_renew, hold_review, hold_release),
        *(disclosures, refuse_request, disclose, disclosure_record),
    ):
        websocket_api.async_register_command(hass, command)


# ---------------------------------------------------------------------- manager and operators


@websocket_api.websocket_command({probatio.Required("type"): f"{DOMAIN}/handover_form", **ENTRY})
@websocket_api.async_response
@answering
async def handover_form(
    hass: HomeAssistant, connection: ActiveConnection, msg: dict[str, Any]
) -> dict[str, Any]:
    """Return what the forms offer, to manager and operators.

    `role` (manager, operator) · `kinds`: [{`kind`, `ground`: whether footage is handed over on it,
    `particulars`: [{`name`, `required`, `date`: whether it is a day, `options`: [] or the values to
    choose from}]}] · `cameras`: [{`camera_id`, `camera`, `removed`: whether it was, `oldest`,
    `newest`: times or None}] · `hold_days` (default) · `longest_hold_days` (for this role) · `download_minutes` ·
    `fingerprint` of the key that packages are signed with: SHA256:…, as `ssh-keygen -l` shows it.
    """
    entry = site_of(hass, msg)
    caller = caller_of_connection(connection)
    form = await entry.runtime_data.bridge.async_at_counter(lambda counter: counter.form(caller))
    return {
        "role": form.role.value,
        "kinds": [
            {
                "kind": kind.value,
                "ground": kind in form.grounds,
                "particulars": [
                    {
                        "name": each.name,
                        "required": each.required,
                        "date": each.is_date,
                        "options": list(each.options),
                    }
                    for each in particulars
                ],
            }
            for kind, particulars in PARTICULARS.items()
        ],
        "cameras": [
            {
                "camera_id": camera,
                "camera": camera_name(entry, camera),
                "removed": camera not in entry.subentries,
                "oldest": iso(extent[0]) if extent is not None else None,
                "newest": iso(extent[1]) if extent is not None else None,
            }
            for camera, extent in form.cameras.items()
        ],
        "hold_days": min(LENGTH, form.longest_hold).days,
        "longest_hold_days": form.longest_hold.days,
        "download_minutes": DOWNLOAD_WITHIN // timedelta(minutes=1),
        "fingerprint": form.fingerprint,
    }


@websocket_api.websocket_command({probatio.Required("type"): f"{DOMAIN}/holds", **ENTRY})
@websocket_api.async_response
@answering
async def holds(
    hass: HomeAssistant, connection: ActiveConnection, msg: dict[str, Any]
) -> list[dict[str, Any]]:
    """Return what is held, soonest end first, to manager and operators.

    [{`hold`, `cameras`: [{`camera_id`, `camera`}], `start`, `end`: of the footage, `reason`,
    `requested_by`, `document`, `document_at`: its number and day or None, `placed_at`,
    `placed_by`, `role`: of who placed it or None, `until`: when it ends, `days_left`: begun ones, `review_at`,
    `review_due`, `state` (copying, kept, ending), `segments`, `copied`, `unreadable`: counts,
    `size_bytes`}]
    """
    entry = site_of(hass, msg)
    caller = caller_of_connection(connection)
    found = await entry.runtime_data.bridge.async_at_counter(lambda counter: counter.holds(caller))
    return [_hold(entry, each) for each in sorted(found, key=attrgetter("until_at"))]


@websocket_api.websocket_command(
    {
        probatio.Required("type"): f"{DOMAIN}/hold",
        **ENTRY,
        probatio.Required("cameras"): _CAMERAS,
        probatio.Required("start"): _MOMENT,
        probatio.Required("end"): _MOMENT,
        probatio.Required("reason"): str,
        probatio.Required("requested_by"): str,
        probatio.Optional("document", default=""): str,
        probatio.Optional("document_at", default=None): probatio.Any(None, _DAY),
        probatio.Required("days"): _DAYS,
    }
)
@websocket_api.async_response
@answering
async def hold(
    hass: HomeAssistant, connection: ActiveConnection, msg: dict[str, Any]
) -> dict[str, Any]:
    """Hold footage: the manager, or an operator for seven days at most; return it as `holds` does.

    Of `hold_invalid`, the field `end_at` is the span's end, `until_at` are the days.
    """
    entry = site_of(hass, msg)
    caller = caller_of_connection(connection)
    made = await entry.runtime_data.bridge.async_at_counter(
        lambda counter: counter.hold(
            caller,
            cameras=msg["cameras"],
            start_at=dt_util.as_utc(msg["start"]),
            end_at=dt_util.as_utc(msg["end"]),
            reason=msg["reason"],
            requested_by=msg["requested_by"],
            document=msg["document"],
            document_at=msg["document_at"],
            length=timedelta(days=msg["days"]),
        )
    )
    return _hold(entry, made)


# ---------------------------------------------------------------------- the manager's


@websocket_api.websocket_command(
    {
        probatio.Required("type"): f"{DOMAIN}/hold_renew",
        **ENTRY,
        **_HOLD,
        probatio.Required("reason"): str,
        probatio.Required("days"): _DAYS,
    }
)
@websocket_api.async_response
@answering
async def hold_renew(
    hass: HomeAssistant, connection: ActiveConnection, msg: dict[str, Any]
) -> dict[str, Any]:
    """Let a hold last so many days from now, for a new reason; return it as above."""
    entry = site_of(hass, msg)
    caller = caller_of_connection(connection)
    made = await entry.runtime_data.bridge.async_at_counter(
        lambda counter: counter.renew(
            caller, msg["hold"], reason=msg["reason"], length=timedelta(days=msg["days"])
        )
    )
    return _hold(entry, made)


@websocket_api.websocket_command(
    {
        probatio.Required("type"): f"{DOMAIN}/hold_review",
        **ENTRY,
        **_HOLD,
        probatio.Required("note"): str,
    }
)
@websocket_api.async_response
@answering
async def hold_review(
    hass: HomeAssistant, connection: ActiveConnection, msg: dict[str, Any]
) -> dict[str, Any]:
    """Enter that it was looked at whether a hold is still needed; return it as above."""
    entry = site_of(hass, msg)
    caller = caller_of_connection(connection)
    made = await entry.runtime_data.bridge.async_at_counter(
        lambda counter: counter.review(caller, msg["hold"], note=msg["note"])
    )
    return _hold(entry, made)


@websocket_api.websocket_command(
    {
        probatio.Required("type"): f"{DOMAIN}/hold_release",
        **ENTRY,
        **_HOLD,
        probatio.Required("reason"): str,
    }
)
@websocket_api.async_response
@answering
async def hold_release(
    hass: HomeAssistant, connection: ActiveConnection, msg: dict[str, Any]
) -> None:
    """End a hold now, for a reason: its key is destroyed."""
    entry = site_of(hass, msg)
    caller = caller_of_connection(connection)
    await entry.runtime_data.bridge.async_at_counter(
        lambda counter: counter.release(caller, msg["hold"], reason=msg["reason"])
    )


@websocket_api.websocket_command(
    {
        probatio.Required("type"): f"{DOMAIN}/disclosures",
        **ENTRY,
        probatio.Required("start"): _MOMENT,
        probatio.Required("end"): _MOMENT,
        probatio.Optional("as_csv", default=False): bool,
        probatio.Optional("language"): _LANGUAGE,
    }
)
@websocket_api.async_response
@answering
async def disclosures(
    hass: HomeAssistant, connection: ActiveConnection, msg: dict[str, Any]
) -> dict[str, Any]:
    """Return the disclosure register of a span, newest first: `disclosures`, or `csv` to print.

    With it `to_return`: [{`number`, `name`}] of all times, what left with a person who no longer
    acts, and is to be given back or destroyed.

    [{`disclosure`, `number`, `at`, `outcome` (refused, approved, handing_over, handed_over,
    broken_off, lapsed), `kind`, `ground`, `particulars`: {name: value}, `recipient`, `reason`,
    `refusal`, `identity`, `cameras`: [{`camera_id`, `camera`}], `start`, `end`: of the footage or
    None, `hold`, `witness`, `in_charge`, `approved_by`, `user_id`, `acts`: whether that person
    still does, `to_return`: as above, `client`,
    `started_at`, `ended_at`, `why` (left, refused, idle, stopped, restart, failed), `file`,
    `size_bytes`, `sha256`, `files`, `held` and `missing`: [{`camera`, `spans`: [[start, end]],
    `causes`: [str]}], `done_bytes`, `total_bytes`: of footage while it is being sent, else None, `expires_at`: of one that waits,
    `entry`}]
    """
    entry = site_of(hass, msg)
    caller = caller_of_connection(connection)
    since, until = dt_util.as_utc(msg["start"]), dt_util.as_utc(msg["end"])

    def read(counter: Counter) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        found = counter.register(caller, since, until)
        progress = counter.progress()
        out = [{"number": each.number, "name": each.name} for each in counter.to_return(caller)]
        return out, [
            disclosure_row(
                entry,
                each,
                progress.get(each.id, Progress()),
                ground=counter.is_ground(each.kind),
                acts=counter.acts(each.user),
            )
            for each in reversed(found)
        ]

    out, rows = await entry.runtime_data.bridge.async_at_counter(read)
    if msg["as_csv"]:
        return {"csv": _csv(await async_texts(hass, msg.get("language")), rows)}
    return {"disclosures": rows, "to_return": out}


@websocket_api.websocket_command(
    {
        probatio.Required("type"): f"{DOMAIN}/refuse_request",
        **ENTRY,
        **_REQUEST,
        probatio.Required("refusal"): str,
    }
)
@websocket_api.async_response
@answering
async def refuse_request(
    hass: HomeAssistant, connection: ActiveConnection, msg: dict[str, Any]
) -> dict[str, Any]:
    """Enter that a request was refused, and why; `hold` where the footage was preserved.

    Cameras and span may be left out. Return {`disclosure`, `number`}.
    """
    entry = site_of(hass, msg)
    caller = caller_of_connection(connection)
    made = await entry.runtime_data.bridge.async_at_counter(
        lambda counter: counter.refuse(
            caller, _request(entry, msg), refusal=msg["refusal"], hold=msg.get("hold")
        )
    )
    return {"disclosure": made.id, "number": made.number}


@websocket_api.websocket_command(
    {
        probatio.Required("type"): f"{DOMAIN}/disclose",
        **ENTRY,
        **_REQUEST,
        probatio.Required("identity"): str,
        probatio.Required("in_charge"): str,
        probatio.Optional("witness", default=""): str,
    }
)
@websocket_api.async_response
@answering
async def disclose(
    hass: HomeAssistant, connection: ActiveConnection, msg: dict[str, Any]
) -> dict[str, Any]:
    """Approve handing footage over, of the vault or, with `hold`, of a hold.

    Return {`disclosure`, `number`, `path`: to open in this very session, once, `file`: its name,
    `password`: shown this once and kept nowhere, `expires_at`}. The code `no_ground` says that the
    kind is no ground: to be refused with `refuse_request`; `answers_logged` that the password would
    lie in Home Assistant's log: nothing is approved then.
    """
    entry = site_of(hass, msg)
    caller = caller_of_connection(connection)
    request = _request(entry, msg)
    order = Order(
        kind=request.kind,
        particulars=request.particulars,
        recipient=request.recipient,
        reason=request.reason,
        cameras=request.cameras,
        span=request.span,
        identity=msg["identity"],
        in_charge=msg["in_charge"],
        witness=msg["witness"],
        hold=msg.get("hold"),
    )

    def approve(counter: Counter) -> Approval:
        # Whoever may not is refused as ever; nothing is approved of which the password would be lost.
        counter.allow(caller, Action.DISCLOSE)
        check_unlogged()
        return counter.approve(caller, order)

    made = await entry.runtime_data.bridge.async_at_counter(approve)
    return {
        "disclosure": made.id,
        "number": made.number,
        "path": download_path(hass, entry.entry_id, made),
        "file": file_name(made.number),
        "password": made.password,
        "expires_at": made.expires_at.isoformat(),
    }


@websocket_api.websocket_command(
    {
        probatio.Required("type"): f"{DOMAIN}/disclosure_record",
        **ENTRY,
        probatio.Required("disclosure"): str,
        probatio.Required("language"): _LANGUAGE,
    }
)
@websocket_api.async_response
@answering
async def disclosure_record(
    hass: HomeAssistant, connection: ActiveConnection, msg: dict[str, Any]
) -> dict[str, Any]:
    """Return the printable record of a row of the register: {`html`}, a whole document."""
    entry = site_of(hass, msg)
    caller = caller_of_connection(connection)
    page = await entry.runtime_data.bridge.async_at_counter(
        lambda counter: counter.record(caller, msg["disclosure"], msg["language"])
    )
    return {"html": page}


# ---------------------------------------------------------------------- inside


def _request(entry: CameraStewardConfigEntry, msg: dict[str, Any]) -> Request:
    """Return the request of a command; half a span is told as one that ends before it begins."""
    given = [dt_util.as_utc(msg[each]) for each in ("start", "end") if each in msg]
    span = (given[0], given[-1]) if given else None
    return Request(
        kind=RequestKind(msg["kind"]),
        particulars=msg["particulars"],
        recipient=msg["recipient"],
        reason=msg["reason"],
        cameras={each: camera_name(entry, each) for each in msg["cameras"]},
        span=span,
    )


def _hold(entry: CameraStewardConfigEntry, each: Hold) -> dict[str, Any]:
    now = dt_util.utcnow()
    return {
        "hold": each.id,
        "cameras": [{"camera_id": k, "camera": camera_name(entry, k)} for k in each.cameras],
        "start": each.start_at.isoformat(),
        "end": each.end_at.isoformat(),
        "reason": each.reason,
        "requested_by": each.requested_by,
        "document": each.document,
        "document_at": each.document_at.isoformat() if each.document_at is not None else None,
        "placed_at": each.placed_at.isoformat(),
        "placed_by": each.placed_by,
        "role": each.role.value if each.role is not None else None,
        "until": each.until_at.isoformat(),
        "days_left": max(-((now - each.until_at) // timedelta(days=1)), 0),
        "review_at": each.review_at.isoformat(),
        "review_due": each.review_at <= now,
        "state": each.state.value,
        "segments": each.segments,
        "copied": each.copied,
        "unreadable": each.unreadable,
        "size_bytes": each.size_bytes,
    }


def disclosure_row(
    entry: CameraStewardConfigEntry,
    each: Disclosure,
    progress: Progress,
    *,
    ground: bool,
    acts: bool,
) -> dict[str, Any]:
    """Return a line of the register as `disclosures` gives it."""
    refused = each.outcome is Outcome.REFUSED
    start, end = each.span or (None, None)
    return {
        "disclosure": each.id,
        "number": each.number,
        "at": each.at.isoformat(),
        "outcome": each.outcome.value,
        "kind": each.kind,
        "ground": ground,
        "particulars": dict(each.particulars),
        "recipient": each.recipient,
        "reason": each.reason,
        "refusal": each.refusal,
        "identity": each.identity,
        "cameras": [{"camera_id": k, "camera": v} for k, v in each.cameras.items()],
        "start": iso(start),
        "end": iso(end),
        "hold": each.hold,
        "witness": each.witness,
        "in_charge": each.in_charge,
        "approved_by": None if refused else each.name,
        "name": each.name,
        "user_id": each.user,
        "acts": acts,
        "to_return": each.is_out and not acts,
        "client": each.client,
        "started_at": iso(each.started_at),
        "ended_at": iso(each.ended_at),
        "why": each.why,
        "file": None if refused else file_name(each.number),
        "size_bytes": each.sent.size_bytes,
        "sha256": each.sent.sha256 or None,
        "files": each.sent.files,
        "held": _parts(each, each.sent.held),
        "missing": _parts(each, each.sent.missing),
        "done_bytes": progress.done_bytes,
        "total_bytes": progress.total_bytes,
        "expires_at": iso(progress.expires_at),
        "entry": each.entry,
    }


def _parts(row: Disclosure, parts: tuple[Part, ...]) -> list[dict[str, Any]]:
    return [
        {
            "camera": row.cameras.get(part.camera, part.camera),
            "spans": [[iso(start), iso(end)] for start, end in part.spans],
            "causes": list(part.causes),
        }
        for part in parts
    ]


def _csv(texts: Texts, rows: list[dict[str, Any]]) -> str:
    columns = (
        *("number", "at", "outcome", "kind", "particulars", "recipient", "reason", "identity"),
        *("cameras", "footage", "hold", "witness", "in_charge", "approved_by", "started_at"),
        *("ended_at", "file", "size_bytes", "sha256", "missing", "refusal"),
    )
    headings = [texts[f"disclosure_{each}"] for each in columns]
    return table(headings, columns, [disclosure_cells(texts, row) for row in rows])


def disclosure_cells(texts: Texts, row: dict[str, Any]) -> dict[str, str | None]:
    """Return a row of the register as a table to print has it."""
    whole = {k: v for k, v in row.items() if v is None or isinstance(v, str)}
    times = {each: local(row[each]) if row[each] else None for each in _TIMES}
    footage = f"{local(row['start'])} – {local(row['end'])}" if row["start"] else None
    outcome = texts.option("outcome", row["outcome"])
    if row["why"]:
        outcome = f"{outcome} ({texts.option('broken', row['why'])})"
    return {
        **whole,
        **times,
        "outcome": outcome,
        "kind": texts.option("request", row["kind"]),
        "particulars": "; ".join(
            f"{texts[f'particular_{name}']}: {_particular(texts, name, value)}"
            for name, value in row["particulars"].items()
        ),
        "cameras": "; ".join(each["camera"] for each in row["cameras"]),
        "footage": footage,
        "size_bytes": str(row["size_bytes"]) if row["started_at"] else None,
        "missing": "; ".join(
            f"{part['camera']} {local(start)} – {local(end)}"
            for part in row["missing"]
            for start, end in part["spans"]
        ),
    }


def _particular(texts: Texts, name: str, value: str) -> str:
    return texts.option("matter", value) if name == "matter" else value
