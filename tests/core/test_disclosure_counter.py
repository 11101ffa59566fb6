"""The counter on real parts: what it lets out, on which ground, and never ahead of the ledger."""

import re
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest

from custom_components.camera_steward.core.access.decide import Refusal, RefusedError
from custom_components.camera_steward.core.disclosure.grounds import PARTICULARS, RequestKind
from custom_components.camera_steward.core.disclosure.handing import Broken, HandOver
from custom_components.camera_steward.core.errors import (
    DisclosureInvalidError,
    HoldInvalidError,
    HoldMissingError,
    NoFootageError,
    NoGroundError,
    StewardError,
    StoppedError,
    StorageError,
)
from custom_components.camera_steward.core.ledger.disclosures import Outcome
from custom_components.camera_steward.core.ledger.entry import EntryKind

from .counter_site import (
    DAY,
    GROUNDS,
    GUEST,
    MANAGER,
    MINUTE,
    NOBODY,
    OPERATOR,
    SECOND,
    SECONDS,
    STRANGER,
    WRITTEN,
    CounterSite,
    a_counter,
    a_request,
    an_order,
    read_out,
)
from .vault_site import START
from .viewing_site import storage_failing, stored_texts

STARTED, ENDED = EntryKind.DISCLOSURE_STARTED, EntryKind.DISCLOSURE_ENDED
ELSEWHERE = replace(MANAGER, session="the manager's telephone")


@pytest.fixture(name="site")
def site_fixture() -> Iterator[CounterSite]:
    with a_counter() as site:
        yield site


# Handing over


def test_what_is_approved_is_handed_over_and_the_register_says_what(site: CounterSite) -> None:
    approval = site.approve()
    row = site.row(approval.id)
    assert (row.outcome, row.number) == (Outcome.APPROVED, "2026-001")
    assert (row.name, row.user, row.particulars) == ("埼玉花子", "manager", WRITTEN)
    package = site.counter.begin(approval.id, MANAGER)
    # Before the first byte (INV-4).
    assert [each.data["disclosure"] for each in site.entries(STARTED)] == [approval.id]
    assert site.row(approval.id).outcome is Outcome.HANDING_OVER
    first = package.read(MANAGER)
    progress = site.counter.progress()[approval.id]
    assert progress.total_bytes is not None
    assert progress.total_bytes > 60_000 * SECONDS
    rest = read_out(package)
    row = site.row(approval.id)
    assert row.outcome is Outcome.HANDED_OVER
    assert (row.sent.size_bytes, row.sent.sha256, row.sent.files) == (
        len(first + rest),
        sha256(first + rest).hexdigest(),
        1,
    )
    [held] = row.sent.held
    assert held.camera == "door"
    assert held.spans[0][0] == START
    assert row.sent.missing == ()
    assert site.counter.progress() == {}
    told = stored_texts(site.ledger_path)
    assert approval.password not in told
    assert approval.password not in repr(approval)
    for language, words in (("ja", "画像提供記録"), ("en", "Disclosure record")):
        page = site.counter.record(MANAGER, approval.id, language)
        assert words in page
        assert row.sent.sha256 in page
        assert "camera-steward-2026-001.zip" in page
    # Of the clock it says how it stood then.
    site.clock.vouched = False
    assert site.counter.record(MANAGER, approval.id, "en") == page


def test_a_download_begins_once_in_the_session_that_approved_it(site: CounterSite) -> None:
    approval = site.approve()
    others = (ELSEWHERE, replace(OPERATOR, session=MANAGER.session), OPERATOR, STRANGER, NOBODY)
    for caller in (*others, replace(MANAGER, active=False), replace(MANAGER, session=None)):
        with pytest.raises(RefusedError):
            site.counter.begin(approval.id, caller)
    with pytest.raises(RefusedError):
        site.counter.begin("0" * 16, MANAGER)
    assert site.entries(STARTED) == []
    denied = site.entries(EntryKind.VIEWING_DENIED)
    assert {each.data["kind"] for each in denied} == {"disclose"}
    assert {each.data["user"] for each in denied} == {"manager", "operator", "stranger", None}
    read_out(site.counter.begin(approval.id, MANAGER))
    with pytest.raises(RefusedError):
        site.counter.begin(approval.id, MANAGER)
    assert len(site.entries(STARTED)) == 1


def test_an_approval_lapses_by_a_clock_that_nobody_can_set_back(site: CounterSite) -> None:
    late, timely = site.approve(), site.approve()
    site.passes(15 * MINUTE - SECOND)
    read_out(site.counter.begin(timely.id, MANAGER))
    site.passes(SECOND)
    site.clock.at -= DAY
    with pytest.raises(RefusedError):
        site.counter.begin(late.id, MANAGER)
    assert site.row(late.id).outcome is Outcome.LAPSED
    assert site.counter.progress() == {}


def test_what_was_approved_before_a_restart_has_lapsed(site: CounterSite) -> None:
    approval = site.approve()
    site.restart()
    assert site.row(approval.id).outcome is Outcome.LAPSED
    with pytest.raises(RefusedError):
        site.counter.begin(approval.id, MANAGER)


def test_no_byte_leaves_while_the_ledger_cannot_be_written(site: CounterSite) -> None:
    approval = site.approve()
    with storage_failing(site.ledger_path), pytest.raises(StorageError):
        site.counter.begin(approval.id, MANAGER)
    assert site.entries(STARTED) == []
    assert site.row(approval.id).outcome is Outcome.APPROVED
    read_out(site.counter.begin(approval.id, MANAGER))


def test_an_end_that_cannot_be_entered_is_entered_later(site: CounterSite) -> None:
    package = site.begin()
    id_ = package.disclosure.id
    with storage_failing(site.ledger_path):
        read_out(package)
        assert site.row(id_).outcome is Outcome.HANDING_OVER
        with pytest.raises(StorageError):
            site.counter.sweep()
    site.counter.sweep()
    assert site.row(id_).outcome is Outcome.HANDED_OVER
    site.counter.sweep()
    assert len(site.entries(ENDED)) == 1


def test_a_role_that_ends_stops_what_is_being_sent(site: CounterSite) -> None:
    package = site.begin()
    sent = len(package.read(MANAGER))
    site.dismiss()
    with pytest.raises(RefusedError):
        package.read(MANAGER)
    with pytest.raises(StoppedError):
        package.finish()
    site.lobby.desk.furnish(site.house)
    with pytest.raises(StoppedError):
        package.read(MANAGER)
    row = site.row(package.disclosure.id)
    assert (row.outcome, row.why) == (Outcome.BROKEN_OFF, "refused")
    assert row.sent.size_bytes >= sent


def test_a_role_that_ends_is_seen_though_nobody_reads(site: CounterSite) -> None:
    package = site.begin()
    site.dismiss()
    site.counter.sweep()
    site.lobby.desk.furnish(site.house)
    assert site.row(package.disclosure.id).why == "refused"


def test_a_login_that_ends_stops_what_is_being_sent(site: CounterSite) -> None:
    package = site.begin()
    package.read(MANAGER)
    with pytest.raises(RefusedError):
        package.read(replace(MANAGER, active=False))
    assert site.row(package.disclosure.id).why == "refused"


def test_a_client_that_takes_nothing_is_gone_after_a_while(site: CounterSite) -> None:
    package = site.begin()
    package.read(MANAGER)
    site.passes(4 * MINUTE)
    site.counter.sweep()
    package.read(MANAGER)
    site.passes(5 * MINUTE)
    site.counter.sweep()
    assert site.row(package.disclosure.id).why == "idle"


def test_what_a_crash_broke_off_is_entered_at_the_next_start(site: CounterSite) -> None:
    package = site.begin()
    package.read(MANAGER)
    site.restart()
    [ended] = site.entries(ENDED)
    assert ended.data["why"] == "restart"
    assert site.row(package.disclosure.id).outcome is Outcome.BROKEN_OFF
    site.restart()
    assert len(site.entries(ENDED)) == 1


def test_two_at_once_are_sent_and_a_stop_breaks_off_what_still_is(site: CounterSite) -> None:
    one, other, third = site.begin(), site.begin(), site.begin()
    waiting = site.approve()
    progress = site.counter.progress()
    assert set(progress) == {
        each.id for each in (one.disclosure, other.disclosure, third.disclosure, waiting)
    }
    other.read(MANAGER)
    assert len(read_out(one)) > 100_000
    other.read(MANAGER)
    site.counter.stop()
    for each in (other, third):
        with pytest.raises(StoppedError):
            each.read(MANAGER)
        assert site.row(each.disclosure.id).why == "stopped"
    assert site.row(one.disclosure.id).outcome is Outcome.HANDED_OVER
    with pytest.raises(StoppedError):
        site.counter.begin(waiting.id, MANAGER)


def test_what_left_with_a_person_who_no_longer_acts_is_to_be_returned(site: CounterSite) -> None:
    read_out(site.begin())
    site.begin().close(Broken.LEFT)
    site.approve()
    assert site.counter.to_return(MANAGER) == []
    site.house = replace(
        site.house,
        people=(replace(site.house.people[0], user="successor"), *site.house.people[1:]),
    )
    site.lobby.desk.furnish(site.house)
    successor = replace(MANAGER, user="successor")
    site.lobby.desk.pledge(successor, version="version 1", data={})
    found = site.counter.to_return(successor)
    assert [each.number for each in found] == ["2026-001", "2026-002"]


# Grounds


@pytest.mark.parametrize("kind", sorted(set(RequestKind) - GROUNDS))
def test_without_a_ground_there_is_no_package_and_the_refusal_is_on_record(
    site: CounterSite, kind: RequestKind
) -> None:
    told = {"agency": "熊谷警察署"} if kind is RequestKind.AUTHORITY_ORAL else {}
    with pytest.raises(NoGroundError):
        site.approve(kind=kind, particulars=told)
    assert site.register() == []
    held = site.hold()
    request = a_request(kind=kind, particulars=told, cameras={}, span=None)
    made = site.counter.refuse(MANAGER, request, refusal="文書による要請がない", hold=held.id)
    [row] = site.register()
    assert row == made
    assert (row.outcome, row.number, row.kind) == (Outcome.REFUSED, "2026-001", kind.value)
    with pytest.raises(HoldMissingError):
        site.counter.refuse(MANAGER, request, refusal="x", hold="0" * 16)
    assert (row.refusal, row.hold, row.span) == ("文書による要請がない", held.id, None)
    with pytest.raises(DisclosureInvalidError):
        site.counter.record(MANAGER, row.id, "en")


NAIVE = START.replace(tzinfo=None)
FUTURE = (START, START + timedelta(days=1))
WRONG: list[tuple[str, dict[str, Any]]] = [
    *((name, {name: wrong}) for name in ("recipient", "reason", "identity") for wrong in " 　"),
    ("in_charge", {"in_charge": ""}),
    ("witness", {"witness": "x" * 501}),
    ("reason", {"reason": "x" * 501}),
    ("cameras", {"cameras": {}}),
    ("cameras", {"cameras": {"door": "玄関", "garden": "庭"}}),
    ("start", {"span": None}),
    ("start", {"span": (NAIVE, START)}),
    ("end", {"span": (START, NAIVE)}),
    ("end", {"span": (START, START)}),
    ("end", {"span": (START + SECOND, START)}),
    ("end", {"span": FUTURE}),
    ("particulars", {"particulars": {**WRITTEN, "colour": "blue"}}),
    *(
        (each.name, {"particulars": {k: v for k, v in WRITTEN.items() if k != each.name}})
        for each in PARTICULARS[RequestKind.AUTHORITY_WRITTEN]
    ),
    ("matter", {"particulars": {**WRITTEN, "matter": "curiosity"}}),
    ("document_date", {"particulars": {**WRITTEN, "document_date": "2026-11-23"}}),
    ("document_date", {"particulars": {**WRITTEN, "document_date": "20261120"}}),
    ("law", {"kind": RequestKind.LAW, "particulars": {"article": "第197条第2項"}}),
    ("article", {"kind": RequestKind.LAW, "particulars": {"law": "刑事訴訟法"}}),
]


def test_what_is_wrong_with_an_order_is_named_and_nothing_is_entered(site: CounterSite) -> None:
    for field, changes in WRONG:
        with pytest.raises(DisclosureInvalidError) as raised:
            site.approve(**changes)
        assert raised.value.detail == field, changes
    with pytest.raises(NoFootageError):
        site.approve(span=(START - DAY, START - DAY + MINUTE))
    with pytest.raises(HoldMissingError):
        site.approve(hold="0" * 16)
    assert site.register() == []
    law = {"law": "刑事訴訟法", "article": "第197条第2項"}
    assert site.approve(kind=RequestKind.LAW, particulars=law).number == "2026-001"


# People


def test_only_the_manager_refuses_approves_and_reads_the_register(site: CounterSite) -> None:
    held = site.hold()
    counter = site.counter
    site.passes(MINUTE)
    for caller in (OPERATOR, GUEST, STRANGER, NOBODY, replace(MANAGER, active=False)):
        for attempt in (
            lambda who: counter.approve(who, an_order()),
            lambda who: counter.refuse(who, a_request(), refusal="x"),
            lambda who: counter.register(who, START, START),
            lambda who: counter.record(who, "0" * 16, "en"),
            lambda who: counter.renew(who, held.id, reason="x", length=40 * DAY),
            lambda who: counter.review(who, held.id, note="x"),
            lambda who: counter.release(who, held.id, reason="x"),
        ):
            with pytest.raises(RefusedError):
                attempt(caller)
    users = [each.data["user"] for each in site.entries(EntryKind.VIEWING_DENIED)]
    # One a minute and person, however much was tried.
    assert sorted(map(str, users)) == ["None", "guest", "manager", "operator", "stranger"]
    assert site.register() == []
    assert site.holds.all() == (held,)


def test_an_operator_preserves_for_seven_days_and_others_preserve_nothing(
    site: CounterSite,
) -> None:
    with pytest.raises(HoldInvalidError) as raised:
        site.hold(OPERATOR, days=8)
    assert raised.value.detail == "until_at"
    with pytest.raises(HoldInvalidError):
        site.hold(cameras=["garden"])
    made = site.hold(OPERATOR, days=7)
    assert (made.placed_by, made.until_at) == ("熊谷太郎", site.guard.now() + 7 * DAY)
    for caller in (GUEST, STRANGER, NOBODY):
        for attempt in (
            site.hold,
            site.counter.holds,
            site.counter.form,
        ):
            with pytest.raises(RefusedError):
                attempt(caller)
    site.lobby.desk.permit(
        MANAGER,
        user="guest",
        name="行田次郎",
        cameras=frozenset({"door"}),
        start_at=START,
        end_at=START + MINUTE,
        reason="窓ガラスの破損",
        length=MINUTE,
    )
    site.lobby.desk.pledge(GUEST, version="version 1", data={})
    with pytest.raises(RefusedError):
        site.hold(GUEST)
    assert site.counter.holds(OPERATOR) == (made,)
    assert site.counter.form(OPERATOR).longest_hold == 7 * DAY
    assert site.counter.form(MANAGER).longest_hold == 180 * DAY
    assert re.fullmatch(r"SHA256:\S{43}", site.counter.form(OPERATOR).fingerprint)


def test_a_hold_is_renewed_reviewed_handed_over_and_released(site: CounterSite) -> None:
    held = site.hold()
    site.holds.copy_pending(lambda: False)
    later = site.counter.renew(MANAGER, held.id, reason="捜査の継続", length=20 * DAY)
    assert later.until_at == site.guard.now() + 20 * DAY
    site.counter.review(MANAGER, held.id, note="引き続き必要")
    for each in site.vault.rows():
        site.vault.path(each).unlink()
    package = site.counter.begin(site.approve(hold=held.id).id, MANAGER)
    read_out(package)
    row = site.row(package.disclosure.id)
    assert (row.outcome, row.hold, row.sent.missing) == (Outcome.HANDED_OVER, held.id, ())
    site.counter.release(MANAGER, held.id, reason="捜査の終了")
    assert site.counter.holds(MANAGER) == ()
    for attempt in (
        lambda: site.approve(hold=held.id),
        lambda: site.counter.renew(MANAGER, held.id, reason="x", length=DAY),
    ):
        with pytest.raises(HoldMissingError):
            attempt()


# Numbers


def test_numbers_run_through_restarts_and_begin_anew_with_the_year(site: CounterSite) -> None:
    def refuse() -> str:
        return site.counter.refuse(
            MANAGER, a_request(kind=RequestKind.MEDIA, particulars={}), refusal="x"
        ).number

    with storage_failing(site.ledger_path), pytest.raises(StewardError):
        refuse()
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(refuse())) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(found) == [f"2026-00{each}" for each in range(1, 5)]
    site.restart()
    assert refuse() == "2026-005"
    site.clock.advance(datetime(2027, 1, 1, tzinfo=UTC) - site.clock.now())
    site.restart()
    assert refuse() == "2027-001"


def test_an_approval_that_many_use_at_once_opens_once(site: CounterSite) -> None:
    approval = site.approve()
    together = threading.Barrier(8)
    begun: list[HandOver] = []
    refused: list[Refusal] = []

    def begin() -> None:
        together.wait()
        try:
            begun.append(site.counter.begin(approval.id, MANAGER))
        except RefusedError as err:
            refused.append(err.refusal)

    threads = [threading.Thread(target=begin) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    [made] = begun
    assert refused == [Refusal.ADDRESS] * 7
    assert len(site.entries(EntryKind.DISCLOSURE_STARTED)) == 1
    assert read_out(made)
