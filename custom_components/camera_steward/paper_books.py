"""What papers take from the ledger: rows of registers, how the articles stand, figures of a period."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from homeassistant.util import dt as dt_util

from .bridge import camera_name
from .coordinator import CameraStewardConfigEntry
from .core.access.people import Role
from .core.disclosure.counter import Counter, Progress
from .core.documents.papers import Contractor, Figures, Paper, Statement, StatementRow, Table
from .core.ledger.disclosures import Disclosure, Outcome
from .core.ledger.entry import Entry, EntryKind
from .core.ledger.records import FIELDS, Record, RecordKind
from .core.ledger.registers import PurgeRecord, StatementRecord
from .core.ledger.viewings import Viewing
from .core.policy.states import ControlState
from .core.policy.task import Doing, QuestionType, TaskKind
from .core.steward import Steward
from .core.tasks.doings import doing_of
from .core.tasks.kinds import KINDS
from .core.viewing.desk import Caller
from .duties import DutiesLook
from .duties_api import control_row
from .handover_api import disclosure_cells, disclosure_row
from .records_api import field_text
from .texts import Texts, bounds, moment_text
from .websocket_api import VIEWING_COLUMNS, viewing_cells, viewing_row

MOST_ROWS: Final = 2000
"""Of one register on paper; the newest. More are in the table that spreadsheets open."""

_DISCLOSURES: Final = (
    *("number", "at", "outcome", "kind", "particulars", "recipient", "reason", "identity"),
    *("cameras", "footage", "in_charge", "approved_by"),
)
_INSPECTIONS: Final = frozenset(
    {
        *(TaskKind.POST_SIGN, TaskKind.CHECK_SIGN, TaskKind.APPROVE_VIEW, TaskKind.INSPECT),
        *(TaskKind.REPAIR, TaskKind.LOCK_STORAGE, TaskKind.LOCK_CAMERA_MEDIUM),
    }
)
_BOOKS: Final = {
    Paper.REGISTER_INQUIRIES: RecordKind.INQUIRY,
    Paper.REGISTER_CONTRACTORS: RecordKind.CONTRACTOR,
    Paper.REGISTER_MEDIA: RecordKind.MEDIUM,
    Paper.REGISTER_RECIPIENTS: RecordKind.RECIPIENT,
    Paper.REGISTER_FEEDBACK: RecordKind.FEEDBACK,
}
_OF_UTILIZATIONS: Final = (Paper.REGISTER_RECIPIENTS, Paper.REGISTER_FEEDBACK)
_OUT: Final = frozenset({Outcome.HANDED_OVER, Outcome.BROKEN_OFF, Outcome.HANDING_OVER})

type Period = tuple[date, date]
"""Local days, both included."""

type _Table = tuple[list[str], list[list[str]]]
"""Headings and rows."""


def unused(steward: Steward) -> frozenset[Paper]:
    """Return the registers that only utilizations need and that hold nothing; reads the ledger."""
    books = steward.records()
    return frozenset(each for each in _OF_UTILIZATIONS if not books.all(_BOOKS[each]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """A site's ledger, for the manager. All read in the executor."""

    entry: CameraStewardConfigEntry
    caller: Caller
    counter: Counter
    steward: Steward

    def table(self, paper: Paper, period: Period, texts: Texts) -> Table:
        """Return a register of a period, newest first."""
        makers: dict[Paper, Callable[[Texts, Period], _Table]] = {
            Paper.REGISTER_DISCLOSURES: self._disclosures,
            Paper.REGISTER_VIEWINGS: self._viewings,
            Paper.REGISTER_INSPECTIONS: self._inspections,
            Paper.REGISTER_ERASURES: self._erasures,
        }
        if (kind := _BOOKS.get(paper)) is not None:
            headings, rows = self._records(texts, period, kind)
        else:
            headings, rows = makers[paper](texts, period)
        return Table(
            title=texts[f"paper_{paper}"],
            headings=tuple(headings),
            rows=tuple(map(tuple, rows)),
        )

    def figures(self, period: Period) -> Figures:
        """Return what happened in a period, counted."""
        since, until = _span(period)
        viewings = self._viewed(period)
        watched = [each for each in viewings if each.refusal is None]
        requests = self.counter.register(self.caller, since, until)
        inquiries = self._of(RecordKind.INQUIRY, period)
        media = self._of(RecordKind.MEDIUM, period)
        removals = self._of(RecordKind.REMOVAL, period)
        done = [each.kind for each in self._doings(period)]
        entries = self._entries(
            period,
            *(EntryKind.HOLD_PLACED, EntryKind.FAULT_FOUND, EntryKind.FAULT_GONE),
            EntryKind.STATEMENT,
        )
        kinds = [each.kind for each in entries]
        purges = self._purges(period)
        return Figures(
            viewings=len(watched),
            viewers=len({each.user for each in watched}),
            guests=sum(each.role == Role.GUEST for each in watched),
            refused=len(viewings) - len(watched),
            disclosures=sum(each.outcome in _OUT for each in requests),
            declined=sum(each.outcome is Outcome.REFUSED for each in requests),
            holds=kinds.count(EntryKind.HOLD_PLACED),
            inquiries=len(inquiries),
            inquiries_closed=sum(not each.is_open for each in inquiries),
            inspections=done.count(TaskKind.INSPECT),
            signs=done.count(TaskKind.CHECK_SIGN),
            faults=kinds.count(EntryKind.FAULT_FOUND),
            faults_gone=kinds.count(EntryKind.FAULT_GONE),
            purges=len(purges),
            erased=sum(each.count for _, each in purges),
            past_limit=sum(
                StatementRecord.from_data(each.data).past_limit
                for each in entries
                if each.kind == EntryKind.STATEMENT
            ),
            media=sum(not each.is_open for each in media),
            removals=sum(not each.is_open for each in removals),
        )

    def contractors(self) -> tuple[Contractor, ...]:
        """Return the contractors whose contract goes on."""
        return tuple(
            Contractor(
                name=each.text("name"),
                work=each.text("work"),
                clause=each.text("clause_present") == "yes",
                until_on=date.fromisoformat(until) if (until := each.text("until")) else None,
            )
            for each in self.steward.records().all(RecordKind.CONTRACTOR, closed=False)
        )

    def removals(self) -> list[Record]:
        """Return the records of removals, newest first."""
        return self.steward.records().all(RecordKind.REMOVAL)[::-1]

    def removal_rows(self, texts: Texts, record: Record) -> list[tuple[str, list[str]]]:
        """Return what a record of removal says, by the names of its fields."""
        rows = []
        for each in FIELDS[record.kind]:
            if (value := record.text(each.name)) and each.name != "camera":
                said = field_text(self.entry, texts, record.kind, each, value)
                rows.append((texts[f"book_{record.kind}_{each.name}"], said.splitlines()))
        rows += [
            (texts[f"task_{each.kind}"], [f"{moment_text(each.at)}　{each.by}"])
            for each in self._all_doings()
            if each.subject.id == record.id
        ]
        if record.closed_at is not None:
            closed = f"{moment_text(record.closed_at)}　{record.closed_by}"
            rows.append((texts["book_closed_at"], [closed]))
        return rows

    # Registers

    def _disclosures(self, texts: Texts, period: Period) -> _Table:
        def cells(each: Disclosure) -> list[str]:
            row = disclosure_row(
                self.entry,
                each,
                Progress(),
                ground=self.counter.is_ground(each.kind),
                acts=self.counter.acts(each.user),
            )
            told = disclosure_cells(texts, row)
            return [told[name] or "" for name in _DISCLOSURES]

        found = self.counter.register(self.caller, *_span(period))
        return [texts[f"disclosure_{each}"] for each in _DISCLOSURES], [
            cells(each) for each in reversed(found)
        ]

    def _viewings(self, texts: Texts, period: Period) -> _Table:
        rows = [
            viewing_cells(texts, viewing_row(self.entry, each))
            for each in reversed(self._viewed(period))
        ]
        headings = [texts[f"register_{each}"] for each in VIEWING_COLUMNS]
        return headings, [[row[name] or "" for name in VIEWING_COLUMNS] for row in rows]

    def _inspections(self, texts: Texts, period: Period) -> _Table:
        headings = [
            texts[f"inspection_{each}"] for each in ("at", "what", "subject", "by", "result")
        ]
        rows = [
            [
                moment_text(each.at),
                texts[f"task_{each.kind}"],
                self._subject(each),
                each.by,
                " / ".join(_answers(each, texts)),
            ]
            for each in reversed(self._doings(period))
            if each.kind in _INSPECTIONS
        ]
        return headings, rows

    def _erasures(self, texts: Texts, period: Period) -> _Table:
        """Return one row a day, camera and rule."""
        by_day: dict[tuple[date, str, str, str], list[PurgeRecord]] = defaultdict(list)
        for at, each in self._purges(period):
            day = dt_util.as_local(at).date()
            by_day[day, each.camera, each.rule.value, each.method].append(each)
        headings = [
            texts[f"erasure_{each}"]
            for each in ("on", "camera", "rule", "footage", "count", "method")
        ]
        rows = [
            [
                day.isoformat(),
                camera_name(self.entry, camera),
                texts[f"erasure_rule_{rule}"],
                _extent(found),
                f"{sum(each.count for each in found):,}",
                method,
            ]
            for (day, camera, rule, method), found in sorted(by_day.items(), reverse=True)
        ]
        return headings, rows

    def _records(self, texts: Texts, period: Period, kind: RecordKind) -> _Table:
        fields = FIELDS[kind]
        headings = [
            texts["book_number"],
            *(texts[f"book_{kind}_{each.name}"] for each in fields),
            texts["book_closed_at"],
        ]
        rows = [
            [
                each.number,
                *(
                    field_text(self.entry, texts, kind, field, each.text(field.name))
                    for field in fields
                ),
                moment_text(each.closed_at) if each.closed_at is not None else "",
            ]
            for each in reversed(self._of(kind, period))
        ]
        return headings, rows

    # What they are made of

    def _viewed(self, period: Period) -> list[Viewing]:
        return self.steward.lobby().register(*_span(period))

    def _of(self, kind: RecordKind, period: Period) -> list[Record]:
        """Return records that were open at some time in a period."""
        since, until = _span(period)
        return [
            each
            for each in self.steward.records().all(kind)
            if each.opened_at < until and (each.closed_at is None or each.closed_at >= since)
        ]

    def _entries(self, period: Period, *kinds: EntryKind) -> list[Entry]:
        since, until = _span(period)
        return [each for each in self.steward.entries(kinds) if since <= each.at < until]

    def _all_doings(self) -> list[Doing]:
        found = map(doing_of, self.steward.entries((EntryKind.TASK_DONE,)))
        return [each for each in found if each is not None]

    def _doings(self, period: Period) -> list[Doing]:
        since, until = _span(period)
        return [each for each in self._all_doings() if since <= each.at < until]

    def _purges(self, period: Period) -> list[tuple[datetime, PurgeRecord]]:
        entries = self._entries(period, EntryKind.PURGE, EntryKind.EVICTION)
        return [(each.at, PurgeRecord.from_data(each.data)) for each in entries]

    def _subject(self, doing: Doing) -> str:
        name = camera_name(self.entry, doing.subject.id)
        return self.entry.title if doing.subject.id == self.entry.entry_id else name


def statement_of(look: DutiesLook, texts: Texts) -> Statement:
    """Return how each article stands, in the pack's order."""
    controls = {each.id: (index, each) for index, each in enumerate(look.controls.values())}
    rows = []
    for state in sorted(look.states, key=lambda each: controls[each.control][0]):
        row = control_row(look, controls[state.control][1], state, texts)
        rows.append(
            StatementRow(
                cite=row["cite"],
                text=row["text"],
                subject=row["subject"]["name"],
                voluntary=row["voluntary"],
                state=_state(look, state, texts),
                why=tuple(row["why"]),
                evidence=row["evidence"],
                limit=row["limit"],
                checked_by=row["checked_by"],
                checked_on=_day(state.checked_at),
                next_on=_day(state.next_at),
            )
        )
    return Statement(
        title=texts["paper_statement"],
        looked_at=moment_text(look.looked_at),
        counts=counts_of(look, texts),
        rows=tuple(rows),
        guide=look.guide.title[texts.language] if look.guide is not None else "",
    )


def _state(look: DutiesLook, each: ControlState, texts: Texts) -> str:
    """Return how a control stands; of an item of the guidebook also whether it is addressed."""
    said = texts[f"state_{each.state}"]
    if (addressed := look.addressed(each)) is None:
        return said
    return f"{texts['duties_addressed' if addressed else 'duties_not_addressed']} ({said})"


def counts_of(look: DutiesLook, texts: Texts) -> tuple[tuple[str, int], ...]:
    """Return how many controls stand how, by the name of the state."""
    return tuple((texts[f"state_{state}"], count) for state, count in look.counts().items())


def _span(period: Period) -> tuple[datetime, datetime]:
    return bounds(period[0])[0], bounds(period[1])[1]


def _day(at: datetime | None) -> str:
    return dt_util.as_local(at).date().isoformat() if at is not None else ""


def _extent(found: Iterable[PurgeRecord]) -> str:
    spans = [span for each in found for span in each.spans]
    if not spans:
        return ""
    return f"{moment_text(min(spans)[0])} – {moment_text(max(end for _, end in spans))}"


def _answers(doing: Doing, texts: Texts) -> list[str]:
    """Return what was answered, in the order in which it was asked; of a photo that there is one."""
    said = []
    for each in KINDS[doing.kind].questions:
        answer = doing.answers.get(each.name)
        label = texts[f"question_{each.name}"]
        match each.type:
            case _ if answer in (None, "", False):
                pass
            case QuestionType.TICK | QuestionType.PHOTO:
                said.append(label)
            case QuestionType.CHOICE:
                said.append(f"{label}: {texts.option('answer', str(answer))}")
            case _:
                said.append(f"{label}: {answer}")
    return said
