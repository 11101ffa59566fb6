"""How the ledger tells of holds: entries to rows of the index and back."""

from collections.abc import Iterable
from dataclasses import replace

from ..errors import LedgerBrokenError
from ..ledger.entry import SYSTEM, Entry, EntryKind, Json
from ..ledger.fields import Fields, merge_spans, spans_data
from ..ledger.registers import list_digest
from ..ledger.store import Ledger
from ..vault.held import Copying, Ending, HeldSegment, HoldRow
from .hold import Words, words_of

HOLD_KINDS = (
    EntryKind.HOLD_PLACED,
    EntryKind.HOLD_RENEWED,
    EntryKind.HOLD_REVIEWED,
    EntryKind.HOLD_ENDED,
)


def row_of(entry: Entry) -> HoldRow:
    """Return the row that a `hold_placed` entry makes; `LedgerBrokenError` when it is none."""
    read = Fields(entry.data, "hold")
    words = Words.from_data(entry.data)
    return HoldRow(
        id=entry.subject,
        words=words.to_text(),
        entry=entry.hash,
        granted_at=words.placed_at,
        sequence=read.whole("sequence"),
        until_at=read.time("until_at"),
        review_at=read.time("review_at"),
    )


def row_after(row: HoldRow, entry: Entry) -> HoldRow:
    """Return a row as a `hold_renewed` or `hold_reviewed` entry changes it."""
    read = Fields(entry.data, "hold")
    row = replace(row, entry=entry.hash, review_at=read.time("review_at"))
    if entry.kind != EntryKind.HOLD_RENEWED:
        return row
    return replace(
        row,
        words=replace(words_of(row), reason=read.text("reason")).to_text(),
        granted_at=read.time("granted_at"),
        sequence=read.whole("sequence"),
        until_at=read.time("until_at"),
    )


def enter_again(ledger: Ledger, row: HoldRow) -> Entry:
    """Enter in a ledger that was begun anew what is still known of a hold."""
    data: dict[str, Json] = {
        **words_of(row).to_data(),
        "again": True,
        "until_at": row.until_at.isoformat(),
        "review_at": row.review_at.isoformat(),
        "sequence": row.sequence,
    }
    return ledger.append(
        EntryKind.HOLD_PLACED,
        actor=SYSTEM,
        subject=row.id,
        data=data,
        key=f"hold-placed-{row.id}",
    )


def enter_end(
    ledger: Ledger, row: HoldRow, ending: Ending, held: Iterable[HeldSegment], method: str
) -> None:
    """Enter in the ledger that a hold ended and what went with it; once, however often asked."""
    held = list(held)
    copies = [each.segment for each in held if each.copying is Copying.COPIED]
    try:
        words = words_of(row).to_data()
    except LedgerBrokenError:
        words = {}
    data: dict[str, Json] = {
        "rule": ending.rule,
        "reason": ending.reason,
        "ended_by": ending.by,
        "ended_at": ending.at.isoformat(),
        "until_at": row.until_at.isoformat(),
        "method": method,
        "cameras": words.get("cameras", []),
        "spans": spans_data(merge_spans((each.start_at, each.end_at) for each in copies)),
        "count": len(copies),
        "size_bytes": sum(each.size_bytes for each in copies),
        "digest": list_digest(copies),
        "not_copied": sum(each.copying is Copying.NOTED for each in held),
        "unreadable": sum(each.copying is Copying.UNREADABLE for each in held),
    }
    ledger.append(
        EntryKind.HOLD_ENDED,
        actor=ending.by,
        subject=row.id,
        data=data,
        at=ending.at,
        key=f"hold-ended-{row.id}",
    )
