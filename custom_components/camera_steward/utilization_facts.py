"""The utilizations of a site as facts: what is declared, since when by the ledger, and by what one runs."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from homeassistant.config_entries import ConfigEntry

from .const import CONF_MUNICIPALITY, CONF_RESPONSIBLE, CONF_WEB_ADDRESS
from .core.ledger.entry import Entry, EntryKind
from .core.policy.facts import RecordFact
from .core.policy.states import Subject, SubjectKind
from .core.policy.utilization import Declaration, UtilizationFact
from .memory import RunningMemory, SiteMemory
from .utilizations import declaration_of, start_on, utilizations_of

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
    """What the ledger says of a utilization; `begun` is the version that began and has not ended."""

    version: str
    declared_at: datetime
    since_at: datetime
    begun: str | None = None
    begun_at: datetime | None = None


def take(known: dict[str, OnRecord], entry: Entry) -> None:
    """Take in an entry of one of `UTILIZATION_KINDS`, in the order in which they were entered."""
    version = str(entry.data.get("version"))
    found = known.get(entry.subject)
    if entry.kind == EntryKind.UTILIZATION_REMOVED:
        known.pop(entry.subject, None)
    elif entry.kind == EntryKind.UTILIZATION_DECLARED:
        if found is None:
            known[entry.subject] = OnRecord(version, entry.at, entry.at)
        elif found.version != version:
            found.version, found.declared_at = version, entry.at
    elif found is not None and entry.kind == EntryKind.UTILIZATION_BEGUN:
        found.begun, found.begun_at = version, entry.at
    elif found is not None:
        found.begun = found.begun_at = None


def utilization_facts(
    entry: ConfigEntry,
    memory: SiteMemory,
    known: Mapping[str, OnRecord],
    records: Iterable[RecordFact],
    counts: Mapping[str, Count],
    now: datetime,
) -> Iterator[UtilizationFact]:
    """Yield the utilizations; one whose declaration is not on record yet is declared at `now`."""
    recipients = recipients_of(records)
    for id_, subentry in utilizations_of(entry).items():
        data, on_record, count = subentry.data, known.get(id_), counts.get(id_, Count())
        declared = declaration_of(data, recipients)
        entered = on_record is not None and on_record.version == declared.version
        run = memory.run(id_)
        running = _running(run["running"], on_record)
        yield UtilizationFact(
            id=id_,
            name=subentry.title,
            declared=declared,
            declared_at=on_record.declared_at if on_record is not None and entered else now,
            since_at=on_record.since_at if on_record is not None else now,
            start_on=start_on(data),
            wanted=run["wanted"],
            municipality=data.get(CONF_MUNICIPALITY, ""),
            web_address=data.get(CONF_WEB_ADDRESS, ""),
            responsible=data.get(CONF_RESPONSIBLE, {}),
            running=running,
            begun_at=on_record.begun_at if on_record is not None and running is not None else None,
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


def _running(running: RunningMemory | None, on_record: OnRecord | None) -> Declaration | None:
    """Return the declaration by which it runs: only where memory and ledger agree on its version."""
    if running is None or "why" in running or on_record is None or on_record.begun_at is None:
        return None
    declared = declaration_then(running, on_record.begun_at)
    agreed = running["version"] == on_record.begun == declared.version
    return declared if agreed else None
