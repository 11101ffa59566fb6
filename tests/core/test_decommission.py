"""Removals: what goes only when the manager says so, whatever breaks in between (INV-2)."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from custom_components.camera_steward.core.access.people import Role
from custom_components.camera_steward.core.errors import (
    RecordInvalidError,
    RecordMissingError,
    RemovalBlockedError,
    RemovalDeviceLeftError,
    RemovalMediumLeftError,
    RemovalOpenError,
    RemovalSignLeftError,
    RemovalUnfinishedError,
    StewardError,
)
from custom_components.camera_steward.core.ledger.entry import EntryKind
from custom_components.camera_steward.core.ledger.records import Record, RecordKind
from custom_components.camera_steward.core.model import EraseRule
from custom_components.camera_steward.core.retention.holds import Hold, HoldState
from custom_components.camera_steward.core.retention.removals import LIMIT, NOW

from .retention_site import DAY, HOUR, MINUTE, Crash, Site, a_site

DOOR, YARD = {"door": "玄関"}, {"yard": "裏庭"}
DECIDED = {"decided_on": "2026-11-20", "body": "定例会", "reason": "店舗の移転"}


@pytest.fixture
def site() -> Iterator[Site]:
    with a_site() as made:
        made.limits |= {"door": DAY, "yard": DAY}
        made.keeper.run()
        yield made


def begin(site: Site, camera: str | None = "door", **changes: Any) -> Record:
    asked: dict[str, Any] = {
        "given": DECIDED,
        "erase": NOW,
        "disclosures": (),
        "stopped_at": site.guard.now(),
        "actor": "埼玉花子",
    } | changes
    return site.removals.begin(
        camera, DOOR if camera == "door" else YARD if camera else DOOR | YARD, **asked
    )


def hold(site: Site) -> Hold:
    now = site.guard.now()
    return site.holds.place(
        cameras=["door"],
        start_at=now - 10 * MINUTE,
        end_at=now,
        reason="窓ガラスの破損",
        requested_by="熊谷警察署",
        actor="埼玉花子",
        role=Role.MANAGER,
    )


def done(site: Site, record: Record, *kinds: str, subject: str = "removal") -> None:
    for each in kinds:
        site.ledger.append(
            EntryKind.TASK_DONE,
            actor="操作太郎",
            subject=f"{each}:{subject}:{record.id}",
            data={"kind": each, "answers": {"on": "2026-11-21"}},
        )


def test_erased_now_is_entered_once_with_the_managers_name(site: Site) -> None:
    mine = {site.record(), site.record(), site.record(seal=False)}
    others = {site.record("yard")}
    made = begin(site)
    assert not mine & site.on_disk()
    assert site.on_disk() == others
    assert {each.parent for each in site.hour_keys()} == site.hours()
    (entry,) = site.entries(EntryKind.PURGE)
    assert (entry.actor, entry.subject) == ("埼玉花子", "door")
    assert entry.data["rule"] == EraseRule.DECOMMISSION.value
    assert made.text("footage_gone_at")
    assert (made.text("camera"), made.text("cameras")) == ("door", "玄関")
    for _ in range(2):
        site.restart()
        site.removals.resume()
    assert len(site.entries(EntryKind.PURGE)) == 1
    assert len(site.entries(EntryKind.RECORD_CHANGED)) == 1
    site.check_records()


def test_what_keeps_its_limit_stays_until_then(site: Site) -> None:
    first, last = site.record(), site.record()
    site.clock.advance(HOUR)
    made = begin(site, erase=LIMIT, given={**DECIDED, "reason": ""})
    site.restart()
    site.removals.resume()
    assert site.on_disk() == {first, last}
    kept = site.removals.kept(["door"])
    assert kept.gone_by is not None
    assert made.text("footage_gone_by") == kept.gone_by.isoformat()
    site.clock.advance(kept.gone_by - site.guard.now())
    site.keeper.run(close=True)
    assert site.on_disk() == set()
    assert {each.rule for each in site.records()} == {EraseRule.RETENTION}


def test_nothing_is_erased_without_a_reason_or_twice_or_for_an_unknown_wish(site: Site) -> None:
    number = site.record()
    for field, changes in (
        ("reason", {"given": {**DECIDED, "reason": " "}}),
        ("body", {"given": {**DECIDED, "body": ""}}),
        ("decided_on", {"given": {**DECIDED, "decided_on": "2099-01-01"}}),
        ("erase", {"erase": "soon"}),
    ):
        with pytest.raises(RecordInvalidError) as raised:
            begin(site, **changes)
        assert raised.value.detail == field
    assert site.registers.all() == []
    begin(site, erase=LIMIT)
    for camera in ("door", None):
        with pytest.raises(RemovalOpenError):
            begin(site, camera)
    with pytest.raises(RemovalOpenError):
        site.removals.check_recording("door")
    site.removals.check_recording("yard")
    assert site.on_disk() == {number}


def test_what_needs_the_originals_is_named_and_copies_outlive_them(site: Site) -> None:
    number = site.record()
    held = hold(site)
    assert held.state is HoldState.COPYING
    with pytest.raises(RemovalBlockedError) as blocked:
        begin(site, disclosures=["2026-007"])
    assert blocked.value.detail == f"{held.id}, 2026-007"
    assert site.on_disk() == {number}
    site.holds.copy_pending()
    with pytest.raises(RemovalBlockedError, match="2026-007"):
        begin(site, disclosures=["2026-007"])
    made = begin(site)
    assert site.on_disk() == set()
    (copy,) = site.holds.segments(held.id)
    reader = site.holds.open_segment(held.id, copy)
    reader.check()
    reader.close()
    assert made.text("holds") == held.id


def test_a_removal_is_finished_when_all_its_steps_are(site: Site) -> None:
    medium = site.registers.open(
        RecordKind.MEDIUM, {"type": "ssd", "serial": "S1", "place": "事務所"}, actor="埼玉花子"
    )
    before = site.registers.open(
        RecordKind.MEDIUM, {"type": "ssd", "serial": "S0", "place": "事務所"}, actor="埼玉花子"
    )
    gone = {"retired_on": "2026-11-01", "disposal": "destruction"}
    site.registers.close(before.id, {**before.fields, **gone}, actor="埼玉花子")
    site.clock.advance(MINUTE)
    site.record()
    made = begin(site, None)
    assert made.text("cameras") == "玄関\n裏庭"
    for step, error in (
        ("remove_device", RemovalDeviceLeftError),
        ("remove_sign", RemovalSignLeftError),
    ):
        with pytest.raises(error):
            site.removals.finish(made.id, actor="埼玉花子")
        done(site, made, step)
    with pytest.raises(RemovalMediumLeftError):
        site.removals.finish(made.id, actor="埼玉花子")
    site.registers.close(medium.id, {**medium.fields, **gone}, actor="埼玉花子")
    assert [each.about for each in site.removals.steps(made)] == ["", "", medium.number]
    closed = site.removals.finish(made.id, actor="埼玉花子")
    assert closed.text("device_removed_on") == closed.text("sign_removed_on") == "2026-11-21"
    assert closed.closed_by == "埼玉花子"
    assert site.removals.finish(made.id, actor="埼玉花子") == closed
    assert site.removals.of(None) is None


def test_a_removal_that_is_withdrawn_lets_the_camera_record(site: Site) -> None:
    number = site.record()
    made = begin(site, erase=LIMIT)
    for reason in (" ", "字" * 501):
        with pytest.raises(RecordInvalidError):
            site.removals.withdraw(made.id, reason=reason, actor="埼玉花子")
    site.removals.withdraw(made.id, reason="移転の中止", actor="埼玉花子")
    site.removals.check_recording("door")
    with pytest.raises(RecordMissingError):
        site.removals.finish(made.id, actor="埼玉花子")
    with pytest.raises(RecordMissingError):
        site.removals.withdraw(made.id, reason="x", actor="埼玉花子")
    assert site.on_disk() == {number}


@pytest.mark.parametrize(("crash", "step"), [(True, 1), (False, 3)], ids=["crash", "error"])
def test_inv2_whatever_breaks_an_erasure_is_finished_later_and_entered_once(
    crash: bool, step: int
) -> None:
    for countdown in range(0, 200, step):
        with a_site() as site:
            site.limits |= {"door": DAY, "yard": DAY}
            mine, others = {site.record()}, {site.record("yard")}
            held = hold(site)
            site.holds.copy_pending()
            site.keeper.run()
            site.faults.arm(countdown, crash=crash)
            with suppress(Crash, StewardError):
                begin(site)
            hit = site.faults.hit
            if crash and hit:
                site.restart()
            site.faults.disarm()
            decided = bool(site.registers.all())
            site.keeper.run(close=True)
            site.removals.resume()
            assert site.on_disk() == (others if decided else mine | others), countdown
            gone = [
                each
                for each in site.entries(EntryKind.RECORD_CHANGED)
                if "footage_gone_at" in str(each.data)
            ]
            assert len(gone) == decided
            assert len(site.holds.segments(held.id)) == len(mine)
            site.check_records()
            if not hit:
                assert decided
                return
    pytest.fail("it did not end")


def test_what_cannot_be_erased_keeps_the_removal_from_being_finished(site: Site) -> None:
    site.record()
    site.faults.arm(2, crash=False)  # once its record is entered, its footage stays
    made = begin(site)
    site.faults.disarm()
    assert not made.text("footage_gone_at")
    done(site, made, "remove_device", "remove_sign")
    with pytest.raises(RemovalUnfinishedError) as raised:
        site.removals.finish(made.id, actor="埼玉花子")
    assert type(raised.value) is RemovalUnfinishedError
    site.removals.resume()
    assert site.on_disk() == set()
    assert site.removals.finish(made.id, actor="埼玉花子").text("footage_gone_at")


_CAMERAS = st.sampled_from(["door", "yard"])
_STEPS = st.one_of(
    st.tuples(st.just("record"), _CAMERAS),
    st.tuples(st.just("now"), _CAMERAS),
    st.tuples(st.just("now without reason"), _CAMERAS),
    st.tuples(st.just("limit"), _CAMERAS),
    st.tuples(st.just("withdraw"), _CAMERAS),
    st.tuples(st.just("restart"), _CAMERAS),
    st.tuples(st.just("resume"), _CAMERAS),
)


@settings(max_examples=8, deadline=None)
@given(st.lists(_STEPS, min_size=4, max_size=10))
def test_inv2_only_what_the_manager_asked_for_by_name_goes_within_its_limit(
    steps: list[tuple[str, str]],
) -> None:
    with a_site() as site:
        site.limits |= {"door": DAY, "yard": DAY}
        kept: dict[str, set[int]] = {"door": set(), "yard": set()}
        for what, camera in steps:
            open_one = site.removals.of(camera)
            if what == "record" and open_one is None:
                kept[camera].add(site.record(camera, timedelta(seconds=10)))
            elif what.startswith("now") or what == "limit":
                reason = "" if what == "now without reason" else "移転"
                erase = LIMIT if what == "limit" else NOW
                refused = (RecordInvalidError, RemovalOpenError)
                try:
                    begin(site, camera, given={**DECIDED, "reason": reason}, erase=erase)
                except refused:
                    assert open_one is not None or not reason
                else:
                    assert open_one is None
                    kept[camera] -= kept[camera] if what == "now" else set()
            elif what == "withdraw" and open_one is not None:
                site.removals.withdraw(open_one.id, reason="中止", actor="埼玉花子")
            elif what == "restart":
                site.restart()
            site.keeper.run()
            site.removals.resume()
            assert site.on_disk() == kept["door"] | kept["yard"], what
