"""The gate of a utilization: what it needs, when it opens, what ends it; clocks that step open nothing."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import reduce
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings, strategies as st

from custom_components.camera_steward.core.access.people import Role
from custom_components.camera_steward.core.ledger.entry import Json
from custom_components.camera_steward.core.policy.facts import ClockStep, RecordFact, SiteFacts
from custom_components.camera_steward.core.policy.pack import Interval
from custom_components.camera_steward.core.policy.states import SubjectKind
from custom_components.camera_steward.core.policy.task import Doing, TaskKind
from custom_components.camera_steward.core.policy.utilization import (
    Declaration,
    DetectorKind,
    NoticeItem,
    Recipient,
    UtilizationCase,
    UtilizationFact,
)
from custom_components.camera_steward.core.policy.utilization_gate import (
    WRONG,
    Lacking,
    UtilizationGate,
    gate,
)
from custom_components.camera_steward.core.tasks.kinds import KINDS

from .policy_site import (
    DAY,
    NOW,
    SHOP,
    but,
    declaration,
    done,
    pack,
    person,
    prepared,
    record,
    utilization,
    versioned,
)

LEAD = 14 * DAY
MAP = Recipient(record="recipient-1", name="Map Makers", conditions="monthly counts")


def contract(**fields: str) -> RecordFact:
    return record(SubjectKind.RECIPIENT, **{"contract_on": "2026-10-01", **fields})


def judge(site: SiteFacts) -> UtilizationGate:
    return gate(site, site.utilizations[0], pack())


def doing(kind: TaskKind, at: datetime = NOW - DAY, /, **answers: Json) -> Doing:
    """Return a doing for what is declared by default, with other answers."""
    return done(kind, SHOP, at, {**versioned(kind, declaration(), at), **answers})


def running(runs: Declaration | None = None, **changed: Any) -> UtilizationFact:
    """Return a utilization that has run for ten days, as it is declared but for what a test changes."""
    runs = runs or declaration()
    return utilization(**{"declared": runs, "running": runs, "begun_at": NOW - 10 * DAY, **changed})


def test_it_opens_once_all_is_there_and_the_lead_time_has_run() -> None:
    site = prepared(utilization())
    posted_on = datetime(2026, 11, 2, tzinfo=UTC)
    found = judge(site)
    assert (found.open, found.missing, found.lost) == (True, (), ())
    assert found.opens_at == datetime(2026, 11, 20, tzinfo=UTC)  # the day that was announced
    earlier = replace(site, utilizations=(utilization(start_on=posted_on.date()),))
    assert judge(earlier).opens_at == posted_on + LEAD
    # The last moment before, and the first one after.
    for moment, missing in (
        (posted_on + LEAD - timedelta(microseconds=1), (Lacking.LEAD_TIME,)),
        (posted_on + LEAD, ()),
    ):
        assert judge(replace(earlier, now=moment)).missing == missing
    longer = gate(earlier, earlier.utilizations[0], pack(lead=Interval(days=30)))
    assert longer.missing == (Lacking.LEAD_TIME,)


type _Change = Callable[[SiteFacts], SiteFacts]


def also(kind: TaskKind, at: datetime = NOW - DAY, **answers: Json) -> _Change:
    """Return that something was done once more, otherwise."""
    return lambda site: but(site, doing(kind, at, **answers))


def without(kind: TaskKind) -> _Change:
    return lambda site: but(site, without=(kind,))


def with_it(**changed: Any) -> _Change:
    """Return what changes the utilization and nothing that was done."""
    return lambda site: replace(site, utilizations=(utilization(**changed),))


def with_facts(**changed: Any) -> _Change:
    return lambda site: replace(site, **changed)


def declaring(*records: RecordFact, **changed: Any) -> _Change:
    """Return a change to a utilization of which something else is declared, and all is done for it."""
    return lambda _: prepared(utilization(declared=declaration(**changed)), records=records)


def then(*changes: _Change) -> _Change:
    return lambda site: reduce(lambda found, change: change(found), changes, site)


def seen_at(site: SiteFacts, seen: int, width: int) -> SiteFacts:
    """Return a site whose scenery was looked at in pictures of one width, and is taken in another."""
    (each,) = site.utilizations
    answers = versioned(TaskKind.CHECK_UNREADABLE, each.declared, NOW)
    looked = done(TaskKind.CHECK_UNREADABLE, SHOP, NOW - DAY, {**answers, "width": seen})
    return replace(but(site, looked), utilizations=(replace(each, width=width),))


PRIOR, SPOT = TaskKind.POST_PRIOR_NOTICE, TaskKind.POST_SITE_NOTICE
LACKS: Mapping[Lacking, tuple[_Change, ...]] = {
    Lacking.MANAGER: (
        with_facts(people=()),
        with_facts(people=(person("hana", Role.MANAGER, login=False),)),
    ),
    Lacking.ITEMS: (
        *(
            declaring(**{name: " "})
            for name in ("purpose", "entity", "contact", "benefit", "place")
        ),
        # Who does it, and for what, no reason leaves out (basic b).
        declaring(contact="", omitted={NoticeItem.OPERATOR: "by request"}),
        declaring(purpose="", omitted={NoticeItem.PURPOSE: "secret"}),
    ),
    Lacking.IDENTIFIABLE: (declaring(identifiable=True),),
    Lacking.PRIOR_NOTICE: (
        without(PRIOR),
        also(PRIOR, NOW - 20 * DAY, photo=""),
        also(PRIOR, NOW - 20 * DAY, version="v"),
    ),
    Lacking.LEAD_TIME: (
        also(PRIOR, on="2026-11-09"),
        # A notice dated in the future, whatever let it through.
        also(PRIOR, on="2031-01-01"),
        # Posted in time, but of something that was declared so only yesterday.
        with_it(declared_at=NOW - DAY),
    ),
    Lacking.SITE_NOTICE: (
        without(SPOT),
        also(SPOT, version="v"),
        also(TaskKind.CHECK_SITE_NOTICE, notice_there="no"),
        also(TaskKind.CHECK_SITE_NOTICE, readable="no"),
    ),
    Lacking.RESPONSIBLE: (with_it(responsible={"camera": "Corner Shop"}),),
    Lacking.RISKS: (
        without(TaskKind.ASSESS_RISKS),
        also(TaskKind.ASSESS_RISKS, version="v"),
        also(TaskKind.ASSESS_RISKS, trait_later="too_high"),
    ),
    Lacking.REIDENTIFICATION: (
        without(TaskKind.ASSESS_REIDENTIFICATION),
        also(TaskKind.ASSESS_REIDENTIFICATION, small_counts="too_high"),
    ),
    Lacking.BRIEFING: (
        without(TaskKind.BRIEF_STAFF),
        also(TaskKind.BRIEF_STAFF, version="v"),
    ),
    Lacking.ORDINANCE: (
        without(TaskKind.CHECK_ORDINANCE),
        also(TaskKind.CHECK_ORDINANCE, ordinance="not_kept"),
        # Of another place, or by another detector.
        also(TaskKind.CHECK_ORDINANCE, version="v"),
    ),
    Lacking.CONTRACTS: tuple(
        declaring(*records, recipients=(MAP,))
        for records in (
            (),
            (contract(contract_on=""),),
            (contract(contract_on="2026-11-23"),),
            (contract(until="2026-11-21"),),
            (contract(until="some day"),),
            (replace(contract(), subject=SHOP),),
        )
    ),
    Lacking.ASSESSMENT: (
        then(
            declaring(case=UtilizationCase.OTHER, derived="bicycles"),
            without(TaskKind.ASSESS_CASE),
        ),
    ),
    Lacking.UNREADABLE: tuple(
        then(declaring(case=UtilizationCase.SCENERY), change)
        for change in (
            without(TaskKind.CHECK_UNREADABLE),
            also(
                TaskKind.CHECK_UNREADABLE,
                nameplates="recognisable",
                version=declaration(case=UtilizationCase.SCENERY).version,
            ),
            # Seen of another camera, or in smaller pictures.
            also(TaskKind.CHECK_UNREADABLE, version="v"),
            lambda site: seen_at(site, 320, 640),
        )
    ),
    Lacking.START: (
        with_it(start_on=(NOW + DAY).date()),
        # The notice that is posted tells of a later day than what is declared meanwhile.
        also(PRIOR, NOW - 20 * DAY, start_on=(NOW + DAY).date().isoformat()),
    ),
    Lacking.CLOCK: (with_facts(clock_trusted=False), with_facts(clock_settled=False)),
}


@pytest.mark.parametrize("lacking", Lacking)
def test_with_one_thing_missing_it_does_not_open_and_says_which(lacking: Lacking) -> None:
    for change in LACKS[lacking]:
        found = judge(change(prepared(utilization())))
        assert not found.open
        assert found.missing == (lacking,)
        # When it would open is known where nothing but time is missing.
        assert (found.opens_at is None) == (lacking is Lacking.PRIOR_NOTICE)


def test_what_is_not_asked_of_a_utilization_is_not_missed() -> None:
    explained = declaration(
        benefit="", omitted={NoticeItem.BENEFIT: "none beyond the shop"}, public_space=False
    )
    site = but(prepared(utilization(declared=explained)), without=(TaskKind.CHECK_ORDINANCE,))
    assert judge(site).open
    for other in (
        declaration(recipients=(MAP,)),
        declaration(detector=DetectorKind.SERVER),
        declaration(case=UtilizationCase.SCENERY),
        declaration(case=UtilizationCase.OTHER, derived="bicycles that stand"),
    ):
        assert judge(
            prepared(utilization(declared=other), records=(contract(until="2026-11-22"),))
        ).open
    # Who is not named cannot be told of, and of what fits no case it must be said what is derived.
    nobody = declaration(recipients=(replace(MAP, name=""),))
    assert nobody.empty_items == (NoticeItem.RECIPIENTS,)
    assert declaration(case=UtilizationCase.OTHER).empty_items == (NoticeItem.DERIVED,)


def test_answers_that_are_wrong_for_the_gate_are_those_of_the_tasks() -> None:
    kinds = (
        TaskKind.CHECK_SITE_NOTICE,
        TaskKind.ASSESS_RISKS,
        TaskKind.ASSESS_REIDENTIFICATION,
        TaskKind.CHECK_ORDINANCE,
        TaskKind.CHECK_UNREADABLE,
    )
    asked = {q.name: q.wrong for kind in kinds for q in KINDS[kind].questions if q.wrong}
    assert asked == {name: frozenset({wrong}) for name, wrong in WRONG.items()}


def test_days_are_those_of_the_place() -> None:
    tokyo = ZoneInfo("Asia/Tokyo")
    start = datetime(2026, 12, 24, tzinfo=tokyo)
    site = prepared(utilization(start_on=start.date()), zone=tokyo)
    assert judge(site).opens_at == start
    assert judge(replace(site, now=start - timedelta(seconds=1))).missing == (Lacking.START,)
    assert judge(replace(site, now=start)).open


# What runs


def test_a_change_waits_for_its_own_notice_and_the_old_goes_on() -> None:
    old = declaration()
    added = declaration(recipients=(MAP,))
    changed = running(old, declared=added, declared_at=NOW - DAY, responsible=both(added))
    site = prepared(running(old), records=(contract(),))
    site = replace(site, utilizations=(changed,))
    found = judge(site)
    assert changed.pending
    assert not found.open
    assert found.lost == ()
    assert set(found.missing) == {
        Lacking.PRIOR_NOTICE,
        Lacking.SITE_NOTICE,
        Lacking.RISKS,
        Lacking.REIDENTIFICATION,
        Lacking.BRIEFING,
        Lacking.ORDINANCE,
    }
    told = prepared(changed, NOW, records=(contract(),))
    assert judge(told).missing == (Lacking.LEAD_TIME,)
    assert judge(told).opens_at == NOW.replace(hour=0) + LEAD
    then = NOW + LEAD
    assert judge(replace(told, now=then)).open
    # A recipient without a contract does not end what runs without them.
    assert judge(replace(told, now=then, records=())).missing == (Lacking.CONTRACTS,)
    assert judge(replace(told, now=then, records=())).lost == ()
    # Taken back while it waits: what runs is what is declared again, but its notices were replaced.
    back = judge(replace(told, utilizations=(running(old),)))
    assert back.lost == ()
    assert Lacking.PRIOR_NOTICE in back.missing
    # Removed while it waits: nothing is left to judge, and the other facts stay as they are.
    assert not replace(told, utilizations=()).utilizations


def both(declared: Declaration) -> dict[str, str]:
    return {each.key: "Corner Shop" for each in declared.nodes}


def test_what_runs_ends_where_what_it_rests_on_is_lost() -> None:
    declared = declaration(recipients=(MAP,), case=UtilizationCase.SCENERY)
    site = prepared(running(declared), records=(contract(until="2026-11-22"),))
    assert judge(site).lost == ()
    ends: Mapping[Lacking, SiteFacts] = {
        Lacking.MANAGER: replace(site, people=()),
        Lacking.SITE_NOTICE: but(site, doing(TaskKind.CHECK_SITE_NOTICE, notice_there="no")),
        Lacking.ORDINANCE: but(site, doing(TaskKind.CHECK_ORDINANCE, ordinance="not_kept")),
        Lacking.CONTRACTS: replace(site, records=()),
        Lacking.UNREADABLE: but(site, doing(TaskKind.CHECK_UNREADABLE, faces="recognisable")),
    }
    for lacking, lost in ends.items():
        assert judge(lost).lost == (lacking,)
    assert judge(seen_at(site, 640, 640)).lost == ()
    assert judge(seen_at(site, 320, 640)).lost == (Lacking.UNREADABLE,)
    # What a person judges too high ends what it was judged of, and not what runs beside it.
    for lacking, kind, answer in (
        (Lacking.RISKS, TaskKind.ASSESS_RISKS, "trait_later"),
        (Lacking.REIDENTIFICATION, TaskKind.ASSESS_REIDENTIFICATION, "small_counts"),
    ):
        of_it = doing(kind, **{answer: "too_high", "version": declared.version})
        assert judge(but(site, of_it)).lost == (lacking,)
        assert judge(but(site, doing(kind, **{answer: "too_high"}))).lost == ()
    # Nothing of a date ends it while the clock is in doubt, and its last day is a day of the contract.
    tomorrow = replace(site, now=NOW.replace(hour=0) + DAY)
    assert judge(tomorrow).lost == (Lacking.CONTRACTS,)
    assert judge(replace(tomorrow, clock_trusted=False)).lost == ()
    # A notice that was missing and is posted again is there.
    posted = but(ends[Lacking.SITE_NOTICE], doing(TaskKind.POST_SITE_NOTICE, NOW))
    assert judge(posted).lost == ()
    # What was only forgotten for what is declared does not end what runs.
    for kind in (TaskKind.ASSESS_RISKS, TaskKind.BRIEF_STAFF, TaskKind.POST_PRIOR_NOTICE):
        assert judge(but(site, without=(kind,))).lost == ()
    # What does not run has nothing to lose.
    assert judge(replace(site, people=(), utilizations=(utilization(),))).lost == ()


def test_a_check_that_is_overdue_by_two_weeks_ends_it() -> None:
    site = prepared(running())
    due_at = datetime(2027, 2, 2, 9, tzinfo=UTC)  # three months after it was checked
    assert judge(replace(site, now=due_at + 14 * DAY)).lost == ()
    late = replace(site, now=due_at + 14 * DAY + timedelta(seconds=1))
    assert judge(late).lost == (Lacking.SITE_NOTICE,)
    assert judge(late).missing == (Lacking.SITE_NOTICE,)
    assert judge(replace(late, clock_trusted=False)).lost == ()
    monthly = pack(intervals={"check_site_notice": Interval(months=1)})
    assert gate(replace(site, now=due_at), site.utilizations[0], monthly).lost
    # A check by a clock that was ahead counts as of now, and puts off nothing.
    ahead = but(site, doing(TaskKind.CHECK_SITE_NOTICE, NOW + 4000 * DAY))
    assert judge(ahead).lost == ()
    # Where the ledger knows of no notice any more, the beginning counts.
    blank = but(site, without=(TaskKind.POST_SITE_NOTICE, TaskKind.CHECK_SITE_NOTICE))
    assert judge(blank).lost == ()
    assert judge(replace(blank, now=NOW + 200 * DAY)).lost == (Lacking.SITE_NOTICE,)


# Clocks


def test_a_clock_that_was_set_ahead_does_not_shorten_the_lead_time() -> None:
    """Declared and posted by a clock that was ten months behind, which was then set right."""
    behind = NOW - 300 * DAY
    site = replace(
        prepared(utilization(declared_at=behind, start_on=behind.date()), behind),
        now=NOW + DAY,
        clock_steps=(ClockStep(at=NOW, by=300 * DAY),),
    )
    assert judge(site).missing == (Lacking.LEAD_TIME, Lacking.SITE_NOTICE)  # seen ten months ago
    seen = but(site, doing(TaskKind.CHECK_SITE_NOTICE, NOW))
    assert judge(seen).missing == (Lacking.LEAD_TIME,)
    assert judge(seen).opens_at == NOW.replace(hour=9) + LEAD
    # Steps from before, and steps back, change nothing of it.
    more = (ClockStep(at=behind - DAY, by=99 * DAY), *site.clock_steps, ClockStep(at=NOW, by=-DAY))
    assert judge(replace(seen, clock_steps=more)).opens_at == judge(seen).opens_at
    assert judge(replace(seen, now=NOW + LEAD)).open


class Simulated:
    """A site whose real time goes on by steps, beside the time that its clock is believed to say."""

    def __init__(self) -> None:
        self.real = self.shown = NOW
        self.declared_at, self.declared_real = NOW, NOW
        self.declared = declaration()
        self.posted: dict[str, datetime] = {}
        self.site = replace(prepared(utilization()), utilizations=(), doings={})
        self.steps: tuple[ClockStep, ...] = ()

    def passes(self, days: int) -> None:
        self.real += days * DAY
        self.shown += days * DAY

    def steps_by(self, days: int) -> None:
        self.shown += days * DAY
        self.steps += (ClockStep(at=self.shown, by=days * DAY),)

    def declares(self, number: int) -> None:
        wanted = declaration(purpose=f"purpose {number}")
        if wanted != self.declared:
            self.declared, self.declared_at, self.declared_real = wanted, self.shown, self.real

    def posts(self, days_before: int) -> None:
        """Say that it was posted so many days before, or, untruly, some days to come."""
        on = (self.shown - days_before * DAY).date().isoformat()
        for kind in (each for each, of in KINDS.items() if SubjectKind.UTILIZATION in of.subjects):
            answers = versioned(kind, self.declared, self.shown)
            more = {"on": on} if kind is TaskKind.POST_PRIOR_NOTICE else {}
            self.site = but(self.site, done(kind, SHOP, self.shown, {**answers, **more}))
        claimed = self.real - max(days_before, 0) * DAY
        version = self.declared.version
        self.posted[version] = min(self.posted.get(version, claimed), claimed)

    def judge(self) -> UtilizationGate:
        each = utilization(
            declared=self.declared,
            declared_at=self.declared_at,
            start_on=datetime(2000, 1, 1, tzinfo=UTC).date(),
        )
        site = replace(self.site, now=self.shown, utilizations=(each,), clock_steps=self.steps)
        return judge(site)


EVENTS = st.one_of(
    st.tuples(st.just(Simulated.passes), st.integers(0, 12)),
    st.tuples(st.just(Simulated.steps_by), st.sampled_from([-400, -20, -3, 3, 15, 400])),
    st.tuples(st.just(Simulated.declares), st.integers(0, 2)),
    st.tuples(st.just(Simulated.posts), st.sampled_from([-30, 0, 0, 5, 400])),
)


@settings(max_examples=200, deadline=None)
@given(events=st.lists(EVENTS, min_size=3, max_size=12))
def test_no_order_of_doings_and_clock_steps_opens_it_before_the_lead_has_run(
    events: list[tuple[Callable[[Simulated, int], None], int]],
) -> None:
    """Days count from the declaration, and from the day that a person named as that of posting."""
    found = Simulated()
    for act, number in events:
        act(found, number)
        if found.judge().open:
            assert found.real - found.declared_real >= LEAD
            assert found.real - found.posted[found.declared.version] > LEAD - DAY


def test_the_simulated_site_does_open() -> None:
    found = Simulated()
    found.posts(0)
    for _ in range(14):
        assert not found.judge().open
        found.passes(1)
    assert found.judge().open
