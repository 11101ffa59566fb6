"""The utilizations of a site as facts: what is declared, since when by the ledger, and by what one runs."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from homeassistant.config_entries import ConfigEntry

from .const import CONF_FRAME_WIDTH, CONF_MUNICIPALITY, CONF_RESPONSIBLE, CONF_WEB_ADDRESS
from .core.ledger.entry import Entry, EntryKind
from .core.policy.facts import RecordFact
from .core.policy.states import Subject, SubjectKind
from .core.policy.utilization import Declaration, UtilizationFact
from .memory import RunningMemory, SiteMemory
from .utilizations import declaration_of, default_width, start_on, utilizations_of

UTILIZATION_KINDS = (
    EntryKind.UTILIZATION_DECLARED,
    EntryKind.UTILIZATION_BEGUN,
    EntryKind.UTILIZATION_ENDED,
    EntryKind.UTILIZATION_REMOVED,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """What was seen of the pipeline of a utilization since the site was set up."""

    frames_taken: int = 0
    frames_persisted: int = 0
    frame_age_seconds: float | None = None
    error_key: str | None = None


@dataclass(slots=True)
class OnRecord:
    """What the ledger says of a utilization: what was declared last, and what began and has not ended."""

    version: str | None = None
    declared_at: datetime | None = None
    since_at: datetime | None = None
    begun: str | None = None
    begun_at: datetime | None = None


def take(known: dict[str, OnRecord], entry: Entry) -> None:
    """Take in an entry of one of `UTILIZATION_KINDS`, in the order in which they were entered."""
    if entry.kind == EntryKind.UTILIZATION_REMOVED:
        known.pop(entry.subject, None)
        return
    version, found = str(entry.data.get("version")), known.setdefault(entry.subject, OnRecord())
    if entry.kind == EntryKind.UTILIZATION_DECLARED:
        found.since_at = found.since_at or entry.at
        if found.version != version:
            found.version, found.declared_at = version, entry.at
    elif entry.kind == EntryKind.UTILIZATION_BEGUN:
        found.begun, found.begun_at = version, entry.at
    else:
        found.begun = found.begun_at = None


def utilization_facts(
    entry: ConfigEntry,
    memory: SiteMemory,
    known: Mapping[str, OnRecord],
    records: Iterable[RecordFact],
    counts: Mapping[str, Count],
    now: datetime,
    restarted_at: datetime | None,
) -> Iterator[UtilizationFact]:
    """Yield the utilizations; one whose declaration is not on record yet is declared at `now`.

    `restarted_at` is when the ledger began anew: what was on record before counts from then.
    """
    recipients = recipients_of(records)
    for id_, subentry in utilizations_of(entry).items():
        data, count = subentry.data, counts.get(id_, Count())
        on_record = known.get(id_, OnRecord())
        declared = declaration_of(data, recipients)
        before = memory.utilizations.get(id_)
        lost = on_record.version is None and before is not None
        if on_record.version == declared.version:
            declared_at = on_record.declared_at
        elif lost and before is not None and before["version"] == declared.version:
            declared_at = restarted_at
        else:
            declared_at = None
        run = memory.run(id_)
        running = _running(run["running"], on_record)
        yield UtilizationFact(
            id=id_,
            name=subentry.title,
            declared=declared,
            declared_at=declared_at or now,
            since_at=on_record.since_at or (restarted_at if lost else None) or now,
            start_on=start_on(data),
            wanted=run["wanted"],
            municipality=data.get(CONF_MUNICIPALITY, ""),
            web_address=data.get(CONF_WEB_ADDRESS, ""),
            responsible=data.get(CONF_RESPONSIBLE, {}),
            running=running,
            begun_at=on_record.begun_at if running is not None else None,
            width=data.get(CONF_FRAME_WIDTH, default_width(declared)),
            frames_taken=count.frames_taken,
            frames_persisted=count.frames_persisted,
            frame_age_seconds=count.frame_age_seconds,
            detector_error=count.error_key,
        )


def recipients_of(records: Iterable[RecordFact]) -> dict[str, RecordFact]:
    """Return the open records of recipients by id."""
    return {r.subject.id: r for r in records if r.subject.kind is SubjectKind.RECIPIENT}


def remembered(declared: Declaration) -> dict[str, dict[str, str]]:
    """Return the recipients of a declaration as they are remembered, by record."""
    return {
        each.record: {"name": each.name, "conditions": each.conditions}
        for each in declared.recipients
    }


def declaration_then(running: RunningMemory, now: datetime) -> Declaration:
    """Return what was declared when a utilization began."""
    records = {
        record: RecordFact(
            subject=Subject(SubjectKind.RECIPIENT, record), name="", opened_at=now, fields=fields
        )
        for record, fields in running["recipients"].items()
    }
    return declaration_of(running["settings"], records)


def _running(running: RunningMemory | None, on_record: OnRecord) -> Declaration | None:
    """Return the declaration by which it runs: only where memory and ledger agree on its version."""
    if running is None or "why" in running or on_record.begun_at is None:
        return None
    declared = declaration_then(running, on_record.begun_at)
    agreed = running["version"] == on_record.begun == declared.version
    return declared if agreed else None
