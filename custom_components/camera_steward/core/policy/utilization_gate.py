"""The gate of a utilization: what must be there before its stream is opened (docs/design/utilization.md)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from operator import attrgetter
from typing import Final

from .facts import SiteFacts
from .pack import Interval, Pack, after
from .states import Subject, SubjectKind
from .task import Doing, TaskKind, day_at
from .utilization import Declaration, Recipient, UtilizationCase, UtilizationFact

NOTICE_CHECKED: Final = Interval(months=3)
"""How often somebody looks whether the notice on the spot is there."""

NOTICE_OVERDUE: Final = timedelta(days=14)
"""How late that may be before the utilization ends. Both are product defaults."""

WRONG: Final[Mapping[str, str]] = {
    "notice_there": "no",
    "readable": "no",
    "ordinance": "not_kept",
    **dict.fromkeys(("faces", "nameplates"), "recognisable"),
    **dict.fromkeys(("trait_consent", "trait_unseen", "trait_beyond", "trait_later"), "too_high"),
    **dict.fromkeys(("small_counts", "time_resolution", "trajectories"), "too_high"),
}
"""The answers by which something that the gate asks for is not in order (`tasks/kinds.py`)."""

_NONE = timedelta()
_DAY = timedelta(days=1)


class Lacking(StrEnum):
    """What a utilization needs and has not."""

    MANAGER = "manager"
    ITEMS = "items"
    """An item of a notice is empty, and no reason says why."""

    IDENTIFIABLE = "identifiable"
    """A person could be identified from what would be kept."""

    PRIOR_NOTICE = "prior_notice"
    LEAD_TIME = "lead_time"
    SITE_NOTICE = "site_notice"
    RESPONSIBLE = "responsible"
    """A node of the life cycle has no responsible body."""

    RISKS = "risks"
    REIDENTIFICATION = "reidentification"
    BRIEFING = "briefing"
    ORDINANCE = "ordinance"
    CONTRACTS = "contracts"
    ASSESSMENT = "assessment"
    """Case *other* without its written assessment."""

    UNREADABLE = "unreadable"
    """Scenery without the check that faces and nameplates cannot be read."""

    START = "start"
    """The day that was announced has not come."""

    CLOCK = "clock"
    """The clock is in doubt, and with it the lead time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UtilizationGate:
    """Whether what is declared may run, and whether what runs may go on.

    `missing` is what the declared lacks; `opens_at` when it would open with nothing else missing
    but time, None where that is not known. `lost` is what the running lacks; it ends at once.
    """

    open: bool
    missing: tuple[Lacking, ...] = ()
    opens_at: datetime | None = None
    lost: tuple[Lacking, ...] = ()


_PAPERS: Final[Mapping[Lacking, TaskKind]] = {
    Lacking.RISKS: TaskKind.ASSESS_RISKS,
    Lacking.REIDENTIFICATION: TaskKind.ASSESS_REIDENTIFICATION,
    Lacking.BRIEFING: TaskKind.BRIEF_STAFF,
}
_JUDGED: Final[Mapping[Lacking, TaskKind]] = {
    Lacking.RISKS: TaskKind.ASSESS_RISKS,
    Lacking.REIDENTIFICATION: TaskKind.ASSESS_REIDENTIFICATION,
}
"""What ends what runs where a person judges it too high afterwards."""


def gate(facts: SiteFacts, each: UtilizationFact, pack: Pack) -> UtilizationGate:
    """Return whether a utilization may run as declared, and what it lost as it runs.

    `pack` is the guidebook's. Days are counted by time that is believed: while the clock is in doubt
    nothing begins, and nothing ends because of a date.
    """
    look = _Look(facts=facts, each=each, pack=pack)
    missing = tuple(look.missing())
    return UtilizationGate(
        open=not missing,
        missing=missing,
        opens_at=look.opens_at,
        lost=tuple(look.lost(each.running)) if each.running is not None else (),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """Facts and pack, as the gate asks them of one utilization."""

    facts: SiteFacts
    each: UtilizationFact
    pack: Pack

    def missing(self) -> Iterator[Lacking]:
        """Yield what the declared lacks."""
        facts, declared = self.facts, self.each.declared
        yield from self._manager()
        if declared.unexplained_items:
            yield Lacking.ITEMS
        if declared.identifiable:
            yield Lacking.IDENTIFIABLE
        if (ends_at := self._lead_ends_at) is None:
            yield Lacking.PRIOR_NOTICE
        elif facts.now < ends_at:
            yield Lacking.LEAD_TIME
        if self._done(TaskKind.POST_SITE_NOTICE) is None or self._notice_lost:
            yield Lacking.SITE_NOTICE
        if not all(self.each.responsible.get(node.key, "").strip() for node in declared.nodes):
            yield Lacking.RESPONSIBLE
        yield from (each for each, kind in _PAPERS.items() if self._done(kind) is None)
        if declared.public_space and self._done(TaskKind.CHECK_ORDINANCE) is None:
            yield Lacking.ORDINANCE
        if not all(map(self._contracted, declared.recipients)):
            yield Lacking.CONTRACTS
        if declared.case is UtilizationCase.OTHER and self._done(TaskKind.ASSESS_CASE) is None:
            yield Lacking.ASSESSMENT
        scenery = declared.case is UtilizationCase.SCENERY
        if scenery and (self._done(TaskKind.CHECK_UNREADABLE) is None or self._larger):
            yield Lacking.UNREADABLE
        if facts.now < self._starts_at:
            yield Lacking.START
        if not (facts.clock_trusted and facts.clock_settled):
            yield Lacking.CLOCK

    def lost(self, running: Declaration) -> Iterator[Lacking]:
        """Yield what the running lacks."""
        yield from self._manager()
        if self._notice_lost:
            yield Lacking.SITE_NOTICE
        for each, kind in _JUDGED.items():
            found = self.facts.doing(kind, self.each.subject)
            # Of what only waits it may be so, and the old goes on.
            of_this = found is not None and found.answers.get("version") == running.version
            if found is not None and of_this and not _is_in_order(found):
                yield each
        if running.public_space and self._found_wrong(TaskKind.CHECK_ORDINANCE):
            yield Lacking.ORDINANCE
        if not all(map(self._contracted, running.recipients)):
            yield Lacking.CONTRACTS
        scenery = running.case is UtilizationCase.SCENERY
        if scenery and (self._found_wrong(TaskKind.CHECK_UNREADABLE) or self._larger):
            yield Lacking.UNREADABLE

    @property
    def opens_at(self) -> datetime | None:
        """Return when it opens with nothing else missing but time."""
        ends_at = self._lead_ends_at
        return max(ends_at, self._starts_at) if ends_at is not None else None

    @property
    def _lead_ends_at(self) -> datetime | None:
        """Return when the lead time has run, None where no prior notice is posted with its proof.

        It counts from the day of posting, never from before it was declared so. What a clock that was
        set ahead meanwhile has skipped did not pass.
        """
        posted = self._posted
        if posted is None or not (posted.answers.get("photo") or posted.answers.get("web_address")):
            return None
        posted_at = day_at(posted.answers.get("on"), self.facts.zone) or posted.at
        begun_at = max(posted_at, self.each.declared_at)
        steps = (step.by for step in self.facts.clock_steps if step.at > begun_at)
        skipped = sum((by for by in steps if by > _NONE), _NONE)
        return _later(after(begun_at, self.pack.lead), skipped)

    @property
    def _starts_at(self) -> datetime:
        """Return the start; not before the day that the notice as posted tells, if it was moved since."""
        starts_at = day_at(self.each.start_on.isoformat(), self.facts.zone) or self.each.declared_at
        posted = self._posted
        told_at = day_at(posted.answers.get("start_on"), self.facts.zone) if posted else None
        return max(starts_at, told_at) if told_at is not None else starts_at

    @property
    def _posted(self) -> Doing | None:
        return self._done(TaskKind.POST_PRIOR_NOTICE)

    def _manager(self) -> Iterator[Lacking]:
        manager = self.facts.manager
        if manager is None or not manager.login:
            yield Lacking.MANAGER

    @property
    def _notice_lost(self) -> bool:
        """Return whether the notice on the spot was found missing, or nobody looked for too long."""
        kinds = (TaskKind.POST_SITE_NOTICE, TaskKind.CHECK_SITE_NOTICE)
        found = (self.facts.doing(kind, self.each.subject) for kind in kinds)
        seen = max((e for e in found if e is not None), key=attrgetter("entry"), default=None)
        if seen is not None and not _is_in_order(seen):
            return True
        if not self.facts.clock_trusted:
            return False
        seen_at = seen.at if seen is not None else self.each.begun_at or self.each.since_at
        interval = self.pack.intervals.get(TaskKind.CHECK_SITE_NOTICE, NOTICE_CHECKED)
        due_at = after(min(seen_at, self.facts.now), interval)
        return self.facts.now > _later(due_at, NOTICE_OVERDUE)

    def _contracted(self, recipient: Recipient) -> bool:
        """Return whether a contract is on record and holds today."""
        wanted = Subject(SubjectKind.RECIPIENT, recipient.record)
        record = next((each for each in self.facts.records if each.subject == wanted), None)
        if record is None:
            return False
        since_at = day_at(record.fields.get("contract_on"), self.facts.zone)
        if since_at is None or not self.facts.clock_trusted:
            return since_at is not None
        until = record.fields.get("until")
        if not until:
            return since_at <= self.facts.now
        last_at = day_at(until, self.facts.zone)
        return last_at is not None and since_at <= self.facts.now < _later(last_at, _DAY)

    def _done(self, kind: TaskKind) -> Doing | None:
        """Return what was done in order and for what is declared now."""
        found = self.facts.doing(kind, self.each.subject)
        if found is None or found.answers.get("version") != self.each.declared.version:
            return None
        return found if _is_in_order(found) else None

    @property
    def _larger(self) -> bool:
        """Return whether pictures are larger than those in which faces could not be read."""
        found = self.facts.doing(TaskKind.CHECK_UNREADABLE, self.each.subject)
        seen = found.answers.get("width") if found is not None else None
        return isinstance(seen, int) and self.each.width > seen

    def _found_wrong(self, kind: TaskKind) -> bool:
        """Return whether something was not in order when somebody looked last, whatever was declared."""
        found = self.facts.doing(kind, self.each.subject)
        return found is not None and not _is_in_order(found)


def _is_in_order(done: Doing) -> bool:
    return not any(done.answers.get(question) == wrong for question, wrong in WRONG.items())


def _later(at: datetime, by: timedelta) -> datetime:
    try:
        return at + by
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC)
