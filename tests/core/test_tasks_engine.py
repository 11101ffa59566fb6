"""When each task is due: first days, intervals by the calendar, clocks that step, a whole year."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from custom_components.camera_steward.core.access.people import Role
from custom_components.camera_steward.core.model import CaptureStatus
from custom_components.camera_steward.core.policy.evaluate import evaluate
from custom_components.camera_steward.core.policy.facts import RulesFact, SiteFacts
from custom_components.camera_steward.core.policy.gate import gates
from custom_components.camera_steward.core.policy.pack import Interval, after
from custom_components.camera_steward.core.policy.rules import RULES
from custom_components.camera_steward.core.policy.states import State, Subject, SubjectKind
from custom_components.camera_steward.core.policy.task import (
    ONCE,
    VERSIONED,
    Doer,
    Task,
    TaskKind,
    TaskState,
    task_id,
)
from custom_components.camera_steward.core.policy.utilization import UtilizationCase
from custom_components.camera_steward.core.tasks.engine import tasks
from custom_components.camera_steward.core.tasks.kinds import KINDS

from .policy_site import (
    BEGAN,
    CAMERA,
    DAY,
    MANAGER,
    NOW,
    OPERATOR,
    SHOP,
    SIGN,
    SITE,
    WITHIN,
    but,
    by_task,
    camera,
    declaration,
    done,
    facts,
    good_answers,
    pack,
    person,
    prepared,
    record,
    todo,
    utilization,
)

NEW = NOW - DAY
CASES = (UtilizationCase.OTHER, UtilizationCase.SCENERY, UtilizationCase.ICONS)
FRESH = replace(
    facts(
        since_at=NEW,
        provisional_since=NEW,
        cameras=(camera(since_at=NEW),),
        people=(
            person("hana", Role.MANAGER, since_at=NEW, pledged=False),
            person("taro", Role.OPERATOR, since_at=NEW, pledged=False),
        ),
        kit_taken_at=None,
        rules=RulesFact(running_version="r1"),
    ),
    doings={},
)
"""A site of yesterday where nobody has done anything."""


def of(site: SiteFacts, kind: TaskKind, subject: Subject = CAMERA) -> Task | None:
    return todo(site).get(task_id(kind, subject))


def due(site: SiteFacts, kind: TaskKind, subject: Subject = CAMERA) -> datetime:
    found = of(site, kind, subject)
    assert found is not None
    return found.due_at


@pytest.mark.parametrize(
    ("at", "interval", "then"),
    [
        ("2026-01-31T09:00", Interval(months=1), "2026-02-28T09:00"),
        ("2028-01-31T09:00", Interval(months=1), "2028-02-29T09:00"),
        ("2028-02-29T09:00", Interval(months=12), "2029-02-28T09:00"),
        ("2026-08-31T09:00", Interval(months=6), "2027-02-28T09:00"),
        ("2026-12-31T23:59", Interval(months=3), "2027-03-31T23:59"),
        ("2026-12-01T00:00", Interval(days=7), "2026-12-08T00:00"),
        ("2026-01-31T09:00", Interval(months=1, days=1), "2026-03-01T09:00"),
        ("9999-12-31T00:00", Interval(months=1), "9999-12-31T23:59:59.999999"),
        ("9999-12-31T00:00", Interval(days=1), "9999-12-31T23:59:59.999999"),
    ],
)
def test_months_are_the_calendars_and_end_where_a_month_does(
    at: str, interval: Interval, then: str
) -> None:
    begin, end = (datetime.fromisoformat(each).replace(tzinfo=UTC) for each in (at, then))
    assert after(begin, interval) == end


def test_a_new_site_has_fourteen_days_for_everything_and_all_of_it_can_be_done_at_once() -> None:
    found = todo(FRESH)
    assert set(found) == {
        *(
            task_id(kind, CAMERA)
            for kind in (
                TaskKind.DECIDE_SCOPE,
                TaskKind.POST_SIGN,
                TaskKind.APPROVE_VIEW,
                TaskKind.INSPECT,
            )
        ),
        *(
            task_id(kind, SITE)
            for kind in (
                TaskKind.LOCK_STORAGE,
                TaskKind.ADOPT_RULES,
                TaskKind.REVIEW_RULES,
                TaskKind.REVIEW_GUIDELINE,
                TaskKind.REVIEW_VIEWINGS,
                TaskKind.RECOVERY_KIT,
            )
        ),
        *(task_id(k, p) for k in (TaskKind.PLEDGE, TaskKind.BRIEF) for p in (MANAGER, OPERATOR)),
    }
    assert {each.due_at for each in found.values()} == {NEW + 14 * DAY}
    assert {each.state for each in found.values()} == {TaskState.DUE}
    # What the gate needs is due when it closes, and not later.
    assert gates(FRESH)[CAMERA.id].provisional_until == NEW + 14 * DAY
    later = todo(replace(FRESH, now=NEW + 14 * DAY + timedelta(seconds=1)))
    assert {each.state for each in later.values()} == {TaskState.OVERDUE}


def test_the_days_count_from_when_the_pack_came_to_hold() -> None:
    site = replace(FRESH, cameras=(camera(since_at=BEGAN),), provisional_since=NOW - 2 * DAY)
    assert due(site, TaskKind.POST_SIGN) == NOW + 12 * DAY


@pytest.mark.parametrize(
    ("kind", "subject", "then"),
    [
        (TaskKind.CHECK_SIGN, CAMERA, datetime(2027, 2, 21, 9, tzinfo=UTC)),
        (TaskKind.INSPECT, CAMERA, datetime(2027, 5, 21, 9, tzinfo=UTC)),
        (TaskKind.REVIEW_VIEWINGS, SITE, datetime(2026, 12, 21, 9, tzinfo=UTC)),
        (TaskKind.REVIEW_RULES, SITE, datetime(2027, 11, 21, 9, tzinfo=UTC)),
    ],
)
def test_what_was_done_comes_again_by_the_products_interval_or_the_packs(
    kind: TaskKind, subject: Subject, then: datetime
) -> None:
    found = of(facts(), kind, subject)
    assert found is not None
    assert (found.due_at, found.state, found.product_default) == (then, TaskState.UPCOMING, True)
    citys = pack(intervals={kind.value: Interval(days=30, product_default=False)})
    found = todo(facts(), citys)[found.id]
    assert (found.due_at, found.product_default) == (NOW + 29 * DAY, False)


def test_a_task_can_be_done_two_weeks_before_its_date_and_is_overdue_after_it() -> None:
    at = due(facts(), TaskKind.INSPECT)
    for now, state in (
        (at - 14 * DAY - timedelta(seconds=1), TaskState.UPCOMING),
        (at - 14 * DAY, TaskState.DUE),
        (at, TaskState.DUE),
        (at + timedelta(seconds=1), TaskState.OVERDUE),
    ):
        found = of(replace(facts(), now=now), TaskKind.INSPECT)
        assert found is not None
        assert found.state is state


def test_a_clock_that_was_ahead_puts_nothing_off_for_longer_than_its_interval() -> None:
    ahead = but(facts(), done(TaskKind.INSPECT, CAMERA, NOW + 4000 * DAY))
    assert due(ahead, TaskKind.INSPECT) == after(NOW, Interval(months=6))
    back = replace(ahead, now=NOW - 4000 * DAY)
    assert due(back, TaskKind.INSPECT) <= after(back.now, Interval(months=6))
    # One that is ahead now makes overdue, and nothing of it stays once it is set right.
    right = facts()
    wrong = replace(right, now=NOW + 4000 * DAY)
    assert all(e.state is TaskState.OVERDUE for e in todo(wrong).values())
    assert todo(replace(wrong, now=wrong.now - 4000 * DAY)) == todo(right)
    future = replace(FRESH, cameras=(camera(since_at=NOW + 4000 * DAY),))
    assert due(future, TaskKind.INSPECT) == NOW + 14 * DAY


def test_a_doing_counts_from_the_day_that_it_names_and_never_from_one_to_come() -> None:
    for on, counted_from in (
        ("2026-03-01", datetime(2026, 3, 1, tzinfo=UTC)),
        ("2031-01-01", NOW - DAY),
        ("no day", NOW - DAY),
    ):
        site = but(facts(), done(TaskKind.BRIEF, OPERATOR, NOW - DAY, {"on": on}))
        assert due(site, TaskKind.BRIEF, OPERATOR) == after(counted_from, Interval(months=12))


def test_what_was_not_in_order_is_due_at_once() -> None:
    site = but(facts(), done(TaskKind.INSPECT, CAMERA, NOW - 3 * DAY, {"lens": "not_ok"}))
    found = of(site, TaskKind.INSPECT)
    assert found is not None
    assert (found.due_at, found.state) == (NOW - 3 * DAY, TaskState.OVERDUE)


def test_a_sign_is_posted_once_and_again_where_it_is_missing_or_reads_otherwise() -> None:
    assert of(facts(), TaskKind.POST_SIGN) is None
    other = of(facts(sign_version="another name"), TaskKind.POST_SIGN)
    assert other is not None
    assert (other.due_at, other.state) == (NOW, TaskState.DUE)
    gone = but(facts(), done(TaskKind.CHECK_SIGN, CAMERA, NOW, {"sign_there": "no"}))
    assert due(gone, TaskKind.POST_SIGN) == NOW
    posted = but(gone, done(TaskKind.POST_SIGN, CAMERA, NOW))
    assert of(posted, TaskKind.POST_SIGN) is None
    # Posting it is a check of it as well; before it is posted there is nothing to check.
    assert due(posted, TaskKind.CHECK_SIGN) == after(NOW, Interval(months=3))
    assert of(FRESH, TaskKind.CHECK_SIGN) is None


def test_a_view_is_approved_once_and_again_after_the_camera_moved() -> None:
    assert of(facts(), TaskKind.APPROVE_VIEW) is None
    moved = facts(cameras=(camera(faults={"moved": NOW - DAY / 2}),))
    assert due(moved, TaskKind.APPROVE_VIEW) == NOW - DAY / 2 + 14 * DAY
    # What a person ends by approving is no repair.
    assert of(moved, TaskKind.REPAIR) is None
    again = but(moved, done(TaskKind.APPROVE_VIEW, CAMERA, NOW))
    assert of(again, TaskKind.APPROVE_VIEW) is None


def test_a_fault_is_repaired_within_a_week_of_its_beginning_once_it_lasts() -> None:
    def broken(since: datetime) -> SiteFacts:
        return facts(cameras=(camera(faults={"black": since, "blurred": NOW}),))

    assert of(broken(NOW - timedelta(minutes=59)), TaskKind.REPAIR) is None
    assert due(broken(NOW - timedelta(hours=1)), TaskKind.REPAIR) == (
        NOW - timedelta(hours=1) + 7 * DAY
    )
    away = {"status": CaptureStatus.NO_STREAM, "status_since": NOW - 8 * DAY}
    found = of(facts(cameras=(camera(**away),)), TaskKind.REPAIR)
    assert found is not None
    assert (found.state, found.by_hand) == (TaskState.OVERDUE, False)
    # A camera that is switched off is not broken.
    assert of(facts(cameras=(camera(**away, recording=False),)), TaskKind.REPAIR) is None
    assert of(facts(), TaskKind.REPAIR) is None


def test_a_longer_retention_is_reviewed_for_the_day_that_the_settings_name() -> None:
    longer = camera(limit=30 * DAY, asked=30 * DAY, review_at=NOW + 10 * DAY)
    site = facts(cameras=(longer,))
    assert due(site, TaskKind.REVIEW_RETENTION) == NOW + 10 * DAY
    far = of(
        replace(site, cameras=(replace(longer, review_at=NOW + 60 * DAY),)),
        TaskKind.REVIEW_RETENTION,
    )
    assert far is not None
    assert far.state is TaskState.UPCOMING
    reviewed = but(site, done(TaskKind.REVIEW_RETENTION, CAMERA, NOW))
    assert of(reviewed, TaskKind.REVIEW_RETENTION) is None
    early = but(site, done(TaskKind.REVIEW_RETENTION, CAMERA, NOW - 10 * DAY))
    assert due(early, TaskKind.REVIEW_RETENTION) == NOW + 10 * DAY
    next_year = replace(reviewed, cameras=(replace(longer, review_at=NOW + 365 * DAY),))
    assert due(next_year, TaskKind.REVIEW_RETENTION) == NOW + 365 * DAY
    refused = but(site, done(TaskKind.REVIEW_RETENTION, CAMERA, NOW, {"still_needed": "no"}))
    assert due(refused, TaskKind.REVIEW_RETENTION) == NOW
    # Shorter again: nothing is left to review.
    assert of(facts(), TaskKind.REVIEW_RETENTION) is None


def test_a_medium_in_the_camera_is_locked() -> None:
    assert of(facts(), TaskKind.LOCK_CAMERA_MEDIUM) is None
    answers = {**WITHIN, "medium_in_camera": "yes"}
    site = but(facts(), done(TaskKind.DECIDE_SCOPE, CAMERA, NOW, answers))
    assert due(site, TaskKind.LOCK_CAMERA_MEDIUM) == NOW + 14 * DAY


def test_rules_are_adopted_and_again_once_they_would_read_otherwise() -> None:
    assert of(facts(), TaskKind.ADOPT_RULES, SITE) is None
    other = facts(rules=replace(facts().rules, running_version="r2"))
    assert due(other, TaskKind.ADOPT_RULES, SITE) == NOW


def test_whoever_leaves_is_seen_off_and_asked_nothing_else() -> None:
    left = person("taro", Role.OPERATOR, acts=False, until_at=NOW - 3 * DAY)
    site = facts(people=(facts().people[0], left))
    assert {each.kind for each in todo(site).values() if each.subject == OPERATOR} == {
        TaskKind.LEAVE
    }
    assert due(site, TaskKind.LEAVE, OPERATOR) == NOW + 11 * DAY
    seen_off = but(site, done(TaskKind.LEAVE, OPERATOR, NOW - 2 * DAY))
    assert of(seen_off, TaskKind.LEAVE, OPERATOR) is None
    # Who was there once before has to be seen off once more.
    before = but(site, done(TaskKind.LEAVE, OPERATOR, NOW - 30 * DAY))
    assert due(before, TaskKind.LEAVE, OPERATOR) == NOW + 11 * DAY
    back = replace(site, people=(*site.people, person("taro", Role.OPERATOR)))
    assert of(back, TaskKind.LEAVE, OPERATOR) is None
    assert of(back, TaskKind.BRIEF, OPERATOR) is not None


def test_a_contract_is_looked_at_for_its_end_and_each_year() -> None:
    firm = record(SubjectKind.CONTRACTOR, until="2027-03-31")
    site = facts(records=(firm,))
    assert due(site, TaskKind.CONTRACT_CLAUSE, firm.subject) == NOW + 4 * DAY
    checked = but(site, done(TaskKind.CONTRACT_CLAUSE, firm.subject, NOW))
    assert due(checked, TaskKind.CONTRACT_CLAUSE, firm.subject) == datetime(2027, 3, 31, tzinfo=UTC)
    renewed = but(
        site, done(TaskKind.CONTRACT_CLAUSE, firm.subject, datetime(2027, 3, 30, tzinfo=UTC))
    )
    renewed = replace(renewed, now=datetime(2027, 4, 2, tzinfo=UTC))
    assert due(renewed, TaskKind.CONTRACT_CLAUSE, firm.subject) == datetime(2028, 3, 30, tzinfo=UTC)
    endless = replace(checked, records=(replace(firm, fields={"until": "some day"}),))
    assert due(endless, TaskKind.CONTRACT_CLAUSE, firm.subject) == after(NOW, Interval(months=12))


def test_inquiries_media_and_removals_have_their_tasks() -> None:
    asked, old = record(SubjectKind.INQUIRY), record(SubjectKind.MEDIUM, retired_on="2026-11-20")
    removed = record(SubjectKind.REMOVAL, camera="gate")
    site = facts(records=(asked, old, removed, record(SubjectKind.MEDIUM)))
    assert due(site, TaskKind.ANSWER_INQUIRY, asked.subject) == asked.opened_at + 7 * DAY
    assert due(site, TaskKind.DISPOSE_MEDIUM, old.subject) == datetime(2026, 12, 4, tzinfo=UTC)
    for kind in (TaskKind.REMOVE_DEVICE, TaskKind.REMOVE_SIGN):
        assert due(site, kind, removed.subject) == removed.opened_at + 14 * DAY
        assert of(but(site, done(kind, removed.subject)), kind, removed.subject) is None
    # Of a camera that is being removed nothing else is asked; nor of any, where the site is.
    assert not [each for each in todo(site).values() if each.subject == CAMERA]
    whole = facts(records=(record(SubjectKind.REMOVAL),))
    assert not [each for each in todo(whole).values() if each.subject == CAMERA]
    other = facts(records=(record(SubjectKind.REMOVAL, camera="yard"),))
    assert of(other, TaskKind.INSPECT) is not None


def test_a_utilization_is_asked_what_its_case_and_its_declaration_need() -> None:
    fresh = facts(utilizations=(utilization(since_at=NEW, declared_at=NEW),))
    asked = {each.kind for each in todo(fresh).values() if each.subject == SHOP}
    assert asked == {
        *VERSIONED - {TaskKind.ASSESS_CASE, TaskKind.CHECK_UNREADABLE},
        TaskKind.CHECK_SECURITY,
        TaskKind.TEST_CONTACT,
    }
    assert due(fresh, TaskKind.POST_PRIOR_NOTICE, SHOP) == NEW + 14 * DAY
    for kind, declared in (
        (TaskKind.ASSESS_CASE, declaration(case=UtilizationCase.OTHER)),
        (TaskKind.CHECK_UNREADABLE, declaration(case=UtilizationCase.SCENERY)),
        (TaskKind.APPROVE_BACKGROUND, declaration(case=UtilizationCase.ICONS)),
    ):
        assert of(fresh, kind, SHOP) is None
        assert of(facts(utilizations=(utilization(declared=declared),)), kind, SHOP) is not None
    inside = facts(utilizations=(utilization(declared=declaration(public_space=False)),))
    assert of(inside, TaskKind.CHECK_ORDINANCE, SHOP) is None
    # Posting is a check; another declaration needs its own, and opinions come once it runs.
    site = prepared(utilization(), NOW)
    assert of(site, TaskKind.POST_SITE_NOTICE, SHOP) is None
    posted = but(site, without=(TaskKind.CHECK_SITE_NOTICE, TaskKind.REVIEW_FEEDBACK))
    assert due(posted, TaskKind.CHECK_SITE_NOTICE, SHOP) == after(NOW, Interval(months=3))
    assert of(posted, TaskKind.REVIEW_FEEDBACK, SHOP) is None
    runs = utilization(running=declaration(), begun_at=NOW - DAY)
    review = of(replace(posted, utilizations=(runs,)), TaskKind.REVIEW_FEEDBACK, SHOP)
    assert review is not None
    assert review.state is TaskState.UPCOMING
    changed = utilization(declared=declaration(benefit="another"), declared_at=NOW)
    anew = of(replace(site, utilizations=(changed,)), TaskKind.POST_SITE_NOTICE, SHOP)
    assert anew is not None
    assert (anew.last, anew.due_at, anew.state) == (None, NOW + 14 * DAY, TaskState.DUE)
    # What was not in order is due at once; the guidebook's intervals are those of its tasks.
    worse = but(site, done(TaskKind.TEST_CONTACT, SHOP, NOW, {"answered": "no"}))
    assert due(worse, TaskKind.TEST_CONTACT, SHOP) == NOW
    guide = pack(intervals={"test_contact": Interval(months=1)})
    both = {each.id: each for each in tasks(site, pack(), guide)}
    assert both[task_id(TaskKind.TEST_CONTACT, SHOP)].due_at == after(NOW, Interval(months=1))


def test_every_kind_is_defined() -> None:
    assert set(KINDS) == set(TaskKind)
    for kind in KINDS.values():
        assert bool(kind.questions) == bool(kind.doers & {Doer.MANAGER, Doer.OPERATOR})
        for question in kind.questions:
            assert question.wrong <= set(question.options)
    # What is done once has no interval to come again by.
    assert {kind for kind, each in KINDS.items() if each.interval is None} == {
        *ONCE,
        TaskKind.PLEDGE,
    }


# A year


class Year:
    """A site from its first day on; someone does what there is to do, some of it late."""

    def __init__(self, *, late: timedelta) -> None:
        self.late = late
        self.done: Counter[TaskKind] = Counter()
        self.attention: dict[int, list[str]] = {}
        self.site = replace(FRESH, now=NEW)

    def live(self, now: datetime) -> None:
        self.site = self.world(now)
        of = pack(*RULES, as_of=NOW.date())
        for each in tasks(self.site, of):
            is_due = each.state is not TaskState.UPCOMING
            at_once = each.last is None and is_due and self.late < timedelta()
            if at_once or now >= each.due_at + self.late:
                self.do(each, now)
        self.site = self.world(now)
        (found,) = evaluate(of, self.site, tasks(self.site, of))
        if found.needs_attention:
            self.attention[(now - NEW).days] = [each.key for each in found.why]

    def world(self, now: datetime) -> SiteFacts:
        """Return what is seen on a day, and what has happened until then."""
        site, day = self.site, (now - NEW).days
        manager, operator = site.people
        faults = {"black": NEW + 200 * DAY} if 200 <= day < 205 else {}
        if 260 <= day < 276:
            faults["moved"] = NEW + 260 * DAY
        eye = replace(
            site.cameras[0],
            inspected_at=now,
            status_since=min(now, site.cameras[0].status_since),
            faults=faults,
            limit=30 * DAY,
            asked=30 * DAY,
            reason="thefts",
            approver="the general meeting",
            review_at=NEW + (180 if day < 175 else 545) * DAY,
        )
        if day >= 300 and operator.acts:
            operator = replace(operator, acts=False, until_at=NEW + 300 * DAY)
        medium = {"retired_on": (NEW + 150 * DAY).date().isoformat()} if day >= 150 else {}
        ends_on = (NEW + 250 * DAY).date().isoformat()
        # What is done with the camera's images changes twice, and goes on once its notice has hung.
        which = min(max(day // 120, 0), 2)
        declared_at = NEW + which * 120 * DAY
        declared = declaration(case=CASES[which], derived="whether a bicycle stands there")
        before = declaration(case=CASES[max(which - 1, 0)], derived=declared.derived)
        begun_at = declared_at + 15 * DAY
        started = now >= begun_at
        shop = utilization(
            declared=declared,
            declared_at=declared_at,
            since_at=NEW,
            running=declared if started else before if which else None,
            begun_at=begun_at if started else declared_at - 105 * DAY if which else None,
        )
        found = [
            (0, 366, record(SubjectKind.CONTRACTOR, until=ends_on)),
            (0, 366, record(SubjectKind.MEDIUM, **medium)),
            (100, 106, record(SubjectKind.INQUIRY, finding="proper")),
            (330, 340, record(SubjectKind.REMOVAL, camera="yard")),
        ]
        return replace(
            site,
            now=now,
            statement_at=now,
            cameras=(eye,),
            people=(manager, operator),
            utilizations=(shop,),
            records=tuple(
                replace(each, opened_at=NEW + first * DAY)
                for first, last, each in found
                if first <= day < last
            ),
        )

    def do(self, task: Task, now: datetime) -> None:
        self.done[task.kind] += 1
        match task.kind:
            case TaskKind.ADOPT_RULES:
                rules = replace(self.site.rules, adopted_version="r1", adopted_at=now)
                self.site = replace(self.site, rules=rules)
            case TaskKind.RECOVERY_KIT:
                self.site = replace(self.site, kit_taken_at=now)
            case TaskKind.PLEDGE:
                people = tuple(
                    replace(each, pledged=each.pledged or each.subject == task.subject)
                    for each in self.site.people
                )
                self.site = replace(self.site, people=people)
            case TaskKind.REPAIR | TaskKind.ANSWER_INQUIRY:
                self.done[task.kind] -= 1  # it is seen to, not said
            case _:
                answers = {**good_answers(task.kind, now), "sign_version": SIGN}
                if task.kind in VERSIONED:
                    version = self.world(now).utilizations[0].declared.version
                    answers["version"] = version
                if task.kind is TaskKind.DECIDE_SCOPE:
                    answers["medium_in_camera"] = "yes"
                doing = done(task.kind, task.subject, now, answers)
                self.site = replace(self.site, doings={**self.site.doings, **by_task(doing)})


def test_a_year_in_which_every_task_comes_due_and_is_done_in_time() -> None:
    year = Year(late=-DAY)
    for day in range(366):
        year.live(NEW + day * DAY)
    # Nobody knew of the camera's medium before; an inquiry and a fault had to be seen to; it moved.
    assert list(year.attention) == [0, *range(100, 106), *range(201, 205), *range(260, 276)]
    assert {*map(tuple, year.attention.values())} == {("task_open",), ("view_moved",)}
    assert +year.done == {
        TaskKind.DECIDE_SCOPE: 1,
        TaskKind.POST_SIGN: 1,
        TaskKind.APPROVE_VIEW: 2,
        TaskKind.RECOVERY_KIT: 1,
        TaskKind.ADOPT_RULES: 1,
        TaskKind.PLEDGE: 2,
        TaskKind.LEAVE: 1,
        TaskKind.CHECK_SIGN: 4,
        TaskKind.INSPECT: 3,
        TaskKind.LOCK_STORAGE: 3,
        TaskKind.BRIEF: 3,
        TaskKind.REVIEW_RULES: 2,
        TaskKind.REVIEW_GUIDELINE: 2,
        TaskKind.REVIEW_VIEWINGS: 13,
        TaskKind.REVIEW_RETENTION: 1,
        TaskKind.LOCK_CAMERA_MEDIUM: 3,
        TaskKind.CONTRACT_CLAUSE: 2,
        TaskKind.DISPOSE_MEDIUM: 1,
        TaskKind.REMOVE_DEVICE: 1,
        TaskKind.REMOVE_SIGN: 1,
        TaskKind.POST_PRIOR_NOTICE: 3,
        TaskKind.POST_SITE_NOTICE: 3,
        TaskKind.CHECK_SITE_NOTICE: 3,
        TaskKind.ASSESS_RISKS: 3,
        TaskKind.ASSESS_REIDENTIFICATION: 3,
        TaskKind.BRIEF_STAFF: 3,
        TaskKind.CHECK_ORDINANCE: 3,
        TaskKind.ADOPT_USAGE_RULES: 3,
        TaskKind.CHECK_SECURITY: 2,
        TaskKind.TEST_CONTACT: 3,
        TaskKind.REVIEW_FEEDBACK: 4,
        TaskKind.ASSESS_CASE: 1,
        TaskKind.CHECK_UNREADABLE: 1,
        TaskKind.APPROVE_BACKGROUND: 1,
    }
    assert set(year.done) == set(TaskKind)


def test_a_year_in_which_everything_is_done_late_shows_each_of_it() -> None:
    year = Year(late=timedelta(days=2))
    overdue = set()
    for day in range(366):
        year.live(NEW + day * DAY)
        overdue |= {e.kind for e in tasks(year.site, pack()) if e.state is TaskState.OVERDUE}
    assert overdue == set(year.done) - {TaskKind.REPAIR, TaskKind.ANSWER_INQUIRY}
    assert ["task_overdue"] in year.attention.values()


def test_a_year_of_a_clock_that_steps_never_puts_anything_off() -> None:
    year = Year(late=-DAY)
    for day in range(0, 366, 5):
        step = (-400 * DAY, 4000 * DAY, 0 * DAY)[day % 3]
        year.live(NEW + day * DAY + step)
        year.live(NEW + day * DAY)
        for each in tasks(year.site, pack()):
            interval = KINDS[each.kind].interval or Interval()
            latest = max(after(year.site.now, interval), year.site.now + 14 * DAY)
            # The settings themselves name the day of that one.
            assert each.due_at <= latest or each.kind is TaskKind.REVIEW_RETENTION, each.id
    assert year.site.doings
    assert {each.state for each in evaluate(pack("encrypted"), year.site, ())} == {State.ENFORCED}
