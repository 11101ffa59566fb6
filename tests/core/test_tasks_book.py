"""Saying that a task is done: who may, which answers are taken, and what the ledger then says."""

import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from custom_components.camera_steward.core.access.decide import Refusal, RefusedError
from custom_components.camera_steward.core.access.people import Person, Role
from custom_components.camera_steward.core.errors import (
    LedgerBrokenError,
    StorageError,
    TaskInvalidError,
)
from custom_components.camera_steward.core.ledger.entry import EntryKind, Json
from custom_components.camera_steward.core.policy.states import Subject, SubjectKind
from custom_components.camera_steward.core.policy.task import (
    Doer,
    Task,
    TaskKind,
    TaskState,
    task_id,
)
from custom_components.camera_steward.core.tasks.book import TaskBook
from custom_components.camera_steward.core.tasks.doing import (
    LONGEST,
    LONGEST_LONG,
    check,
    find,
    may,
)
from custom_components.camera_steward.core.tasks.doings import doing_data, doings, doings_between
from custom_components.camera_steward.core.tasks.engine import tasks
from custom_components.camera_steward.core.tasks.kinds import KINDS

from .ledgers import ledger_at
from .policy_site import (
    CAMERA,
    DAY,
    INSPECTED,
    MANAGER,
    NOW,
    SITE,
    WITHIN,
    facts,
    good_answers,
    pack,
)
from .viewing_site import storage_failing

TOLD = {"channel": "electronic", "where_posted": "the shop's web site", "on": "2026-11-22"}
POSTED = {"where": "gate post", "photo": "p1"}


def task(kind: TaskKind, subject: Subject = CAMERA) -> Task:
    return Task(
        kind=kind,
        subject=subject,
        name="Gate",
        due_at=NOW,
        state=TaskState.DUE,
        doers=KINDS[kind].doers,
        questions=KINDS[kind].questions,
    )


class Office:
    """Who is appointed, and a clock that a test moves."""

    def __init__(self) -> None:
        self.at = NOW
        self.people = {
            "hana": Person(user="hana", name="Hana Sato", role=Role.MANAGER),
            "taro": Person(user="taro", name="Taro Kato", role=Role.OPERATOR),
            "gast": Person(user="gast", name="Guest", role=Role.GUEST),
        }

    def now(self) -> Any:
        return self.at

    def person(self, user: str) -> Person | None:
        return self.people.get(user)


class Open:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.office = Office()
        self.ledger = ledger_at(path)
        self.book = self.again()

    def again(self) -> TaskBook:
        """Open the book anew, as after a restart."""
        return TaskBook(self.ledger, lambda: self.office)

    @property
    def entries(self) -> int:
        return len(list(self.ledger.entries((EntryKind.TASK_DONE,))))


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Open]:
    opened = Open(tmp_path / "ledger.db")
    yield opened
    opened.ledger.close()


# Who may


@pytest.mark.parametrize("kind", TaskKind)
def test_who_may_do_what(kind: TaskKind) -> None:
    operators = {
        TaskKind.POST_SIGN,
        TaskKind.CHECK_SIGN,
        TaskKind.INSPECT,
        TaskKind.LOCK_STORAGE,
        TaskKind.LOCK_CAMERA_MEDIUM,
        TaskKind.POST_SITE_NOTICE,
        TaskKind.CHECK_SITE_NOTICE,
    }
    each = task(kind)
    if kind is TaskKind.PLEDGE:
        assert [may(each, role, is_self=False) for role in (*Role, None)] == [False] * 4
        assert may(each, Role.OPERATOR, is_self=True)
        return
    assert may(each, Role.MANAGER)
    assert may(each, Role.OPERATOR, is_self=True) == (kind in operators)
    assert not may(each, Role.GUEST, is_self=True)
    assert not may(each, None, is_self=True)


@pytest.mark.parametrize(
    ("user", "active", "kind", "refusal"),
    [
        (None, True, TaskKind.INSPECT, Refusal.NOBODY),
        ("hana", False, TaskKind.INSPECT, Refusal.INACTIVE),
        ("nobody", True, TaskKind.INSPECT, Refusal.NOT_APPOINTED),
        ("gast", True, TaskKind.INSPECT, Refusal.NOT_APPOINTED),
        ("taro", True, TaskKind.APPROVE_VIEW, Refusal.NOT_MANAGER),
        ("taro", True, TaskKind.PLEDGE, Refusal.NOT_MANAGER),
    ],
)
def test_who_may_not_enters_nothing(
    site: Open, user: str | None, active: bool, kind: TaskKind, refusal: Refusal
) -> None:
    answers = good_answers(kind, NOW) if kind is not TaskKind.PLEDGE else {}
    with pytest.raises(RefusedError) as refused:
        site.book.do(task(kind), answers, user=user, active=active)
    assert refused.value.refusal is refusal
    assert site.entries == 0


def test_a_role_that_has_ended_may_not(site: Open) -> None:
    site.book.do(task(TaskKind.INSPECT), INSPECTED, user="taro")
    del site.office.people["taro"]
    site.office.at += DAY
    with pytest.raises(RefusedError):
        site.book.do(task(TaskKind.INSPECT), INSPECTED, user="taro")
    assert site.entries == 1


@pytest.mark.parametrize("kind", [k for k in TaskKind if not KINDS[k].questions])
def test_what_is_seen_is_not_said(site: Open, kind: TaskKind) -> None:
    subject = MANAGER if kind is TaskKind.PLEDGE else CAMERA
    with pytest.raises(TaskInvalidError) as invalid:
        site.book.do(task(kind, subject), {}, user="hana")
    assert invalid.value.detail == "task"
    assert site.entries == 0


# Answers


def test_good_answers_to_every_kind_are_taken_as_they_are() -> None:
    for kind, each in KINDS.items():
        if each.doers & {Doer.MANAGER, Doer.OPERATOR}:
            answers = {k: v for k, v in good_answers(kind, NOW).items() if k != "sign_version"}
            assert check(task(kind), answers, NOW) == answers


@pytest.mark.parametrize(
    ("kind", "answers", "field"),
    [
        (TaskKind.POST_SIGN, {"photo": "p1"}, "where"),
        (TaskKind.POST_SIGN, {"where": " \n", "photo": "p1"}, "where"),
        (TaskKind.POST_SIGN, {"where": "x" * (LONGEST + 1), "photo": "p1"}, "where"),
        (TaskKind.POST_SIGN, {"where": "gate \ud800", "photo": "p1"}, "where"),
        (TaskKind.POST_SIGN, {"where": 3, "photo": "p1"}, "where"),
        (TaskKind.POST_SIGN, {"where": "gate"}, "photo"),
        (TaskKind.POST_SIGN, {"where": "gate", "photo": "unknown"}, "photo"),
        (TaskKind.POST_SIGN, {**POSTED, "sign_version": "mine"}, "answers"),
        (TaskKind.POST_SIGN, {**POSTED, "note": "what nobody asked"}, "answers"),
        (TaskKind.CHECK_SIGN, {"sign_there": "maybe", "readable": "yes"}, "sign_there"),
        (TaskKind.CHECK_SIGN, {"sign_there": True, "readable": "yes"}, "sign_there"),
        (TaskKind.CHECK_SIGN, {"sign_there": ["yes"], "readable": "yes"}, "sign_there"),
        (TaskKind.INSPECT, {**INSPECTED, "image": "none"}, "image"),
        (TaskKind.INSPECT, {**INSPECTED, "note": {"a": 1}}, "note"),
        (TaskKind.DECIDE_SCOPE, {**WITHIN, "permanent": None}, "permanent"),
        (TaskKind.APPROVE_VIEW, {"minimum": False}, "minimum"),
        (TaskKind.APPROVE_VIEW, {"minimum": "true"}, "minimum"),
        (TaskKind.APPROVE_VIEW, {"minimum": 1}, "minimum"),
        (TaskKind.BRIEF, {"on": "2026-11-24"}, "on"),
        (TaskKind.BRIEF, {"on": "yesterday"}, "on"),
        (TaskKind.BRIEF, {"on": "2026-02-29"}, "on"),
        (TaskKind.POST_PRIOR_NOTICE, {**TOLD, "on": "2026-11-24", "photo": "p1"}, "on"),
        (TaskKind.POST_PRIOR_NOTICE, TOLD, "photo"),
        (TaskKind.POST_PRIOR_NOTICE, {**TOLD, "version": "mine", "photo": "p1"}, "answers"),
        *(
            (TaskKind.POST_PRIOR_NOTICE, {**TOLD, "web_address": each}, "web_address")
            for each in (
                "shop.example.org/notice",
                "ftp://shop.example.org",
                "https://hana:secret@shop.example.org",
                "https://hana@shop.example.org",
                "https://",
                "http://[::1",
                "https://shop.example.org:99999/",
                "https://shop.example.org/no tice",
                "javascript:alert(1)",
            )
        ),
        (TaskKind.ASSESS_CASE, {"assessment": "x" * (LONGEST_LONG + 1)}, "assessment"),
    ],
)
def test_an_answer_that_cannot_be_entered_is_named(
    kind: TaskKind, answers: Mapping[str, Json], field: str
) -> None:
    with pytest.raises(TaskInvalidError) as invalid:
        check(task(kind), answers, NOW, lambda photo: photo == "p1")
    assert invalid.value.detail == field


def test_what_is_asked_for_if_any_may_be_left_out_and_is_trimmed() -> None:
    given = {**INSPECTED, "note": " \n "}
    assert check(task(TaskKind.INSPECT), given, NOW) == INSPECTED
    given = {**INSPECTED, "note": " rust\non the mast  "}
    assert check(task(TaskKind.INSPECT), given, NOW)["note"] == "rust\non the mast"
    told = {**TOLD, "web_address": "https://shop.example.org/notice?lang=ja"}
    assert check(task(TaskKind.POST_PRIOR_NOTICE), told, NOW) == told
    # A day that has begun in Japan is none to come, though it has not in London.
    assert check(task(TaskKind.BRIEF), {"on": "2026-11-22"}, NOW - timedelta(hours=10))


def test_a_task_that_is_not_there_is_refused() -> None:
    todo = tasks(facts(), pack())
    assert find(todo, task_id(TaskKind.INSPECT, CAMERA)).subject == CAMERA
    for id_ in (task_id(TaskKind.INSPECT, SITE), task_id(TaskKind.POST_SIGN, CAMERA), "", "x:y"):
        with pytest.raises(TaskInvalidError) as invalid:
            find(todo, id_)
        assert invalid.value.detail == "task"


# The ledger


def test_what_was_done_is_on_record_with_who_and_answers_and_is_read_back(site: Open) -> None:
    asked = task(TaskKind.POST_SIGN)
    made = site.book.do(
        asked, {**POSTED, "where": " gate post "}, user="taro", seen={"sign_version": "v1"}
    )
    (entry,) = site.ledger.entries((EntryKind.TASK_DONE,))
    assert (entry.actor, entry.subject, entry.at) == ("Taro Kato", asked.id, NOW)
    assert entry.data == {
        "kind": "post_sign",
        "subject_kind": "camera",
        "subject": "gate",
        "user": "taro",
        "answers": {**POSTED, "sign_version": "v1"},
    }
    assert site.book.doings() == {asked.id: made} == site.again().doings()
    assert (made.by, made.user, made.entry) == ("Taro Kato", "taro", entry.id)


def test_a_double_click_is_one_entry_from_however_many_threads(site: Open) -> None:
    asked, barrier = task(TaskKind.INSPECT), threading.Barrier(8)
    made = []

    def click() -> None:
        barrier.wait()
        made.append(site.book.do(asked, INSPECTED, user="taro"))

    threads = [threading.Thread(target=click) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert site.entries == 1
    assert len({each.entry for each in made}) == 1
    # Another answer, another person, another minute: another doing.
    site.book.do(asked, {**INSPECTED, "lens": "not_ok"}, user="taro")
    site.book.do(asked, {**INSPECTED, "lens": "not_ok"}, user="hana")
    site.office.at += timedelta(minutes=1)
    site.book.do(asked, {**INSPECTED, "lens": "not_ok"}, user="hana")
    assert site.entries == 4


def test_a_doing_that_storage_did_not_take_is_none(site: Open) -> None:
    asked = task(TaskKind.INSPECT)
    with storage_failing(site.path), pytest.raises(StorageError):
        site.book.do(asked, INSPECTED, user="taro")
    assert site.book.doings() == {}
    assert site.book.do(asked, INSPECTED, user="taro").entry == 1


def test_the_newest_is_what_was_entered_last_whatever_the_clock_said(site: Open) -> None:
    asked = task(TaskKind.CHECK_SIGN)
    site.office.at = NOW + 3000 * DAY
    site.book.do(asked, {"sign_there": "yes", "readable": "yes"}, user="taro")
    site.office.at = NOW
    made = site.book.do(asked, {"sign_there": "no", "readable": "no"}, user="taro")
    assert site.book.doings()[asked.id] == made == doings(site.ledger)[asked.id]


def test_the_register_of_a_span_and_of_some_kinds(site: Open) -> None:
    for days, kind in ((0, TaskKind.INSPECT), (1, TaskKind.APPROVE_VIEW), (2, TaskKind.INSPECT)):
        site.office.at = NOW + days * DAY
        site.book.do(task(kind), good_answers(kind, NOW), user="hana")
    found = site.book.between(NOW, NOW + 2 * DAY)
    assert [each.kind for each in found] == [TaskKind.INSPECT, TaskKind.APPROVE_VIEW]
    found = site.book.between(NOW, NOW + 3 * DAY, {TaskKind.INSPECT})
    assert [each.at for each in found] == [NOW, NOW + 2 * DAY]


def test_a_kind_of_a_newer_version_is_passed_over_and_no_doing_is_an_error(site: Open) -> None:
    data = doing_data(TaskKind.INSPECT, CAMERA, "hana", {})
    newer = {**data, "kind": "polish_lens"}
    site.ledger.append(EntryKind.TASK_DONE, actor="Hana", subject="x", data=newer)
    assert doings(site.ledger) == {}
    for broken in ({"kind": "inspect"}, {**data, "answers": None}, {**data, "subject": 3}):
        other = ledger_at(site.path.with_name(f"{len(str(broken))}.db"))
        other.append(EntryKind.TASK_DONE, actor="Hana", subject="x", data=broken)
        with pytest.raises(LedgerBrokenError):
            doings(other)
        other.close()


def test_names_of_every_sort_come_back_as_they_were(site: Open) -> None:
    for user, name in enumerate(("<script>alert(1)</script>", "ع\u202eمر", "😀", "x" * 5000)):
        person = Person(user=str(user), name=name, role=Role.MANAGER)
        site.office.people[person.user] = person
        asked = replace(task(TaskKind.LEAVE, Subject(SubjectKind.PERSON, name)), name=name)
        answers: dict[str, Json] = {
            "copies_returned": True,
            "logins_ended": True,
            "note": name[:99],
        }
        site.book.do(asked, answers, user=person.user)
        made = doings(site.ledger)[asked.id]
        assert (made.by, made.subject.id, made.answers) == (name, name, answers)
    assert len(doings_between(site.ledger, NOW, NOW + DAY)) == 4
