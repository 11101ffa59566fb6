"""WebSocket commands: the books of inquiries, contractors, media, removals, recipients and feedback.

The manager's alone. What an inquirer said and left as a contact is in no answer to anybody else, in no state and no log.
An error about what was entered has the code `record_invalid` and the placeholder `field`.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import partial
from typing import Any, Final

import probatio
from homeassistant.components import websocket_api
from homeassistant.components.websocket_api import ActiveConnection
from homeassistant.core import HomeAssistant, callback
from homeassistant.util import dt as dt_util

from . import changes
from .bridge import AUTOMATION, camera_name, cameras_of
from .commands import ENTRY, answering, async_manager, local, table
from .const import DOMAIN
from .coordinator import CameraStewardConfigEntry
from .core.errors import RecordInvalidError, StewardError
from .core.ledger.records import (
    FIELDS,
    FieldType,
    Record,
    RecordField,
    RecordKind,
    columns_of,
    row_of,
)
from .core.policy.task import TaskKind
from .core.tasks.kinds import KINDS, interval_of
from .core.tasks.records import answer_due_at
from .inquiries import PUBLIC_FORM, form_address
from .pledge import LANGUAGES
from .texts import Texts, async_texts, iso
from .utilizations import utilizations_of

KIND: Final = probatio.In([each.value for each in RecordKind])
_GIVEN: Final = {str: str}
"""How long a text may be is asked later: what a schema refuses, Home Assistant writes into its log."""

_NAMES: Final = {
    RecordKind.INQUIRY: "sender",
    RecordKind.CONTRACTOR: "name",
    RecordKind.MEDIUM: "serial",
    RecordKind.REMOVAL: "cameras",
    RecordKind.RECIPIENT: "name",
    RecordKind.FEEDBACK: "utilization",
}
"""Which field says to the manager what a record is about."""


class RemovalByHandError(StewardError):
    """A removal is begun and ended by its own commands."""

    key = "removal_by_hand"


@callback
def async_setup_records_commands(hass: HomeAssistant) -> None:
    """Register the commands, which are there whether or not a site is set up."""
    for command in (records, record_save, record_close):
        websocket_api.async_register_command(hass, command)


@websocket_api.websocket_command(
    {
        probatio.Required("type"): f"{DOMAIN}/records",
        **ENTRY,
        probatio.Required("kind"): KIND,
        probatio.Optional("closed"): bool,
        probatio.Optional("as_csv", default=False): bool,
        probatio.Optional("language"): probatio.In(LANGUAGES),
    }
)
@websocket_api.async_response
@answering
async def records(
    hass: HomeAssistant, connection: ActiveConnection, msg: dict[str, Any]
) -> dict[str, Any]:
    """Return a book, newest first: `fields`, `records` and `form`, or `csv` to print.

    `fields`: [{`name`, `label`, `type` (text, long_text, date, choice, moment), `to_come`: whether its
    day may lie ahead, `required`: to open, `required_to_close`, `steward`: shown and not asked for, `options`: [{`value`, `label`}]}] ·
    `records`: [{`record`, `number`, `fields`: {name: value}, `name`: what it is about, `opened_at`,
    `opened_by`, `closed_at`, `closed_by`, `due_at` and `overdue`: of an inquiry that waits}] · `form`:
    the address of the public form for inquiries, None where it is off or there is none.
    """
    entry, *_ = await async_manager(hass, connection, msg)
    kind = RecordKind(msg["kind"])
    books = entry.runtime_data.bridge.steward.records()
    found = await hass.async_add_executor_job(books.all, kind, msg.get("closed"))
    texts = await async_texts(hass, msg.get("language"))
    if msg["as_csv"]:
        return {"csv": _csv(entry, texts, kind, reversed(found))}
    return {
        "fields": [
            _field(entry, texts, kind, each, {row.text(each.name) for row in found} - {""})
            for each in FIELDS[kind]
        ],
        "records": [record_row(entry, texts, each) for each in reversed(found)],
        "form": form_address(hass, entry) if kind is RecordKind.INQUIRY else None,
    }


@websocket_api.websocket_command(
    {
        probatio.Required("type"): f"{DOMAIN}/record_save",
        **ENTRY,
        probatio.Required("kind"): KIND,
        probatio.Required("record"): probatio.Any(None, str),
        probatio.Required("fields"): _GIVEN,
    }
)
@websocket_api.async_response
@answering
async def record_save(
    hass: HomeAssistant, connection: ActiveConnection, msg: dict[str, Any]
) -> dict[str, Any]:
    """Open a record (`record` is None), or change one that is open; return {`record`}.

    `fields` are all of them: what is left out is empty from then on. What is the steward's stays.
    """
    entry, _, name = await async_manager(hass, connection, msg)
    kind, given = RecordKind(msg["kind"]), msg["fields"]
    steward = entry.runtime_data.bridge.steward

    def save() -> Record:
        books = steward.records()
        before = books.get(msg["record"]) if msg["record"] is not None else None
        if before is None and kind is RecordKind.REMOVAL:
            raise RemovalByHandError
        if before is not None and before.kind is not kind:
            raise RecordInvalidError("kind")
        _check_chosen(entry, kind, given, before)
        if before is None:
            return books.open(kind, given, actor=name)
        return books.change(before.id, given, actor=name)

    made = await hass.async_add_executor_job(save)
    await async_records_changed(entry)
    return {"record": made.id}


@websocket_api.websocket_command(
    {
        probatio.Required("type"): f"{DOMAIN}/record_close",
        **ENTRY,
        probatio.Required("record"): str,
        probatio.Required("fields"): _GIVEN,
    }
)
@websocket_api.async_response
@answering
async def record_close(
    hass: HomeAssistant, connection: ActiveConnection, msg: dict[str, Any]
) -> dict[str, Any]:
    """Close a record with all its fields, as they are to stand; return {}."""
    entry, _, name = await async_manager(hass, connection, msg)
    steward = entry.runtime_data.bridge.steward

    def close() -> None:
        books = steward.records()
        before = books.get(msg["record"])
        if before.kind is RecordKind.REMOVAL:
            raise RemovalByHandError
        _check_chosen(entry, before.kind, msg["fields"], before)
        books.close(before.id, msg["fields"], actor=name)

    await hass.async_add_executor_job(close)
    await async_records_changed(entry)
    return {}


# ---------------------------------------------------------------------- shared


async def async_records_changed(entry: CameraStewardConfigEntry) -> None:
    """Look anew at what rests on the books: whoever changed them goes on to their tasks."""
    data, hass = entry.runtime_data, entry.runtime_data.coordinator.hass
    async with data.changing:
        # What a utilization declares names its recipients, which are records.
        changes.note_actor(hass, entry)
        await changes.async_enter(hass, entry, data.bridge, data.memory)
    await data.coordinator.async_refresh()
    await data.duties.async_look()


def record_row(entry: CameraStewardConfigEntry, texts: Texts, each: Record) -> dict[str, Any]:
    """Return a record as `records` gives it."""
    due_at = _due_at(entry, each)
    about = next(field for field in FIELDS[each.kind] if field.name == _NAMES[each.kind])
    return {
        "record": each.id,
        "number": each.number,
        "fields": dict(each.fields),
        "name": field_text(entry, texts, each.kind, about, each.text(about.name)),
        "opened_at": each.opened_at.isoformat(),
        "opened_by": _by(texts, each.opened_by),
        "closed_at": iso(each.closed_at),
        "closed_by": each.closed_by or None,
        "due_at": iso(due_at),
        "overdue": due_at is not None and due_at < dt_util.utcnow(),
    }


# ---------------------------------------------------------------------- inside


def _due_at(entry: CameraStewardConfigEntry, record: Record) -> datetime | None:
    if record.kind is not RecordKind.INQUIRY or not record.is_open:
        return None
    look = entry.runtime_data.coordinator.duties
    interval = (
        interval_of(TaskKind.ANSWER_INQUIRY, look.pack)
        if look is not None
        else KINDS[TaskKind.ANSWER_INQUIRY].interval
    )
    if interval is None:
        return None
    return answer_due_at(record, interval, dt_util.get_default_time_zone())


def _check_chosen(
    entry: CameraStewardConfigEntry,
    kind: RecordKind,
    given: Mapping[str, str],
    before: Record | None,
) -> None:
    """Refuse a camera or utilization that is none of the site's; one that was removed stays."""
    for each in FIELDS[kind]:
        if each.steward or each.type not in _OF_SITE:
            continue
        held = before.text(each.name) if before is not None else ""
        if given.get(each.name, "") not in ("", held, *_OF_SITE[each.type](entry)):
            raise RecordInvalidError(each.name)


def _utilization_names(entry: CameraStewardConfigEntry) -> list[str]:
    return [each.title for each in utilizations_of(entry).values()]


_OF_SITE: Final[Mapping[FieldType, Callable[[CameraStewardConfigEntry], Iterable[str]]]] = {
    FieldType.CAMERA: cameras_of,
    FieldType.UTILIZATION: _utilization_names,
}
"""What is chosen from what the site has."""


def _field(
    entry: CameraStewardConfigEntry,
    texts: Texts,
    kind: RecordKind,
    field: RecordField,
    named: set[str],
) -> dict[str, Any]:
    of_site = _OF_SITE.get(field.type)
    options = (
        {each: field_text(entry, texts, kind, field, each) for each in {*of_site(entry), *named}}
        if of_site is not None
        else {each: texts[f"book_{kind}_{field.name}_{each}"] for each in field.options}
    )
    return {
        "name": field.name,
        "label": texts[f"book_{kind}_{field.name}"],
        "type": (FieldType.CHOICE if of_site is not None else field.type).value,
        "to_come": field.to_come,
        "required": field.opening,
        "required_to_close": field.opening or field.closing,
        "steward": field.steward,
        "options": [{"value": k, "label": v} for k, v in options.items()],
    }


def _by(texts: Texts, actor: str) -> str:
    return texts[f"book_by_{actor}"] if actor in (AUTOMATION, PUBLIC_FORM) else actor


def _csv(
    entry: CameraStewardConfigEntry, texts: Texts, kind: RecordKind, found: Iterable[Record]
) -> str:
    fields = {each.name: each for each in FIELDS[kind]}
    columns = columns_of(kind)
    headings = [texts[f"book_{kind}_{e}" if e in fields else f"book_{e}"] for e in columns]
    cell = partial(field_text, entry, texts, kind)
    rows = [
        {
            **{name: cell(fields[name], row[name]) for name in fields},
            "number": row["number"],
            "opened_at": local(row["opened_at"]),
            "opened_by": _by(texts, row["opened_by"]),
            "closed_at": local(row["closed_at"]) if row["closed_at"] else None,
            "closed_by": row["closed_by"],
        }
        for row in map(row_of, found)
    ]
    return table(headings, columns, rows)


def field_text(
    entry: CameraStewardConfigEntry,
    texts: Texts,
    kind: RecordKind,
    field: RecordField,
    value: str,
) -> str:
    """Return what a field of a record says, for people."""
    match field.type:
        case _ if not value:
            return ""
        case FieldType.CHOICE:
            return texts[f"book_{kind}_{field.name}_{value}"]
        case FieldType.CAMERA:
            return camera_name(entry, value)
        case FieldType.MOMENT:
            return local(value)
        case _:
            return value
