"""Runs, their records and what becomes of them when something fails (INV-1, INV-2)."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from custom_components.camera_steward.core.errors import (
    LedgerBrokenError,
    RetentionError,
    StorageError,
    VaultForeignError,
    VaultMissingError,
)
from custom_components.camera_steward.core.files import LocalFiles
from custom_components.camera_steward.core.ledger.entry import SYSTEM, EntryKind
from custom_components.camera_steward.core.ledger.tables import HEAD
from custom_components.camera_steward.core.model import EraseRule
from custom_components.camera_steward.core.retention.limits import RetentionLimit
from custom_components.camera_steward.core.retention.plan import MARGIN

from .retention_site import (
    CEILING,
    DAY,
    HOUR,
    METHOD,
    MINUTE,
    SECOND,
    START,
    ZERO,
    Crash,
    Site,
    a_site,
)


@pytest.fixture
def site() -> Iterator[Site]:
    with a_site() as made:
        made.limits["door"] = HOUR
        made.keeper.run()
        yield made


def sleep_until(site: Site, next_at: datetime) -> None:
    """Let time pass to the moment that a run named."""
    site.clock.advance(max(next_at - site.clock.now(), ZERO))


# On time


def test_footage_is_gone_by_its_limit_and_not_more_than_the_margin_before(site: Site) -> None:
    number = site.record()
    due_at = site.recorded[number].true_at + HOUR
    while number in site.on_disk():
        assert site.clock.true_at < due_at
        erased_after = site.clock.true_at
        sleep_until(site, site.keeper.run().next_at)
    assert due_at - MARGIN <= erased_after <= due_at


def test_the_next_run_is_at_most_a_minute_away_and_when_the_next_is_due(site: Site) -> None:
    assert site.keeper.run().next_at == site.clock.now() + MINUTE
    number = site.record()
    site.clock.advance(58 * MINUTE + 30 * SECOND)
    due_at = site.recorded[number].true_at + HOUR
    assert site.keeper.run().next_at == due_at - MARGIN
    # Doubted, there is nothing to wake up for.
    site.clock.offset = DAY
    assert site.keeper.run().next_at == site.guard.now() + MINUTE


def test_the_last_segment_of_an_hour_takes_its_key_with_it(site: Site) -> None:
    numbers = [site.record() for _ in range(2)]
    assert len(site.hour_keys()) == 1
    site.clock.advance(58 * MINUTE)
    assert site.keeper.run().keys_destroyed == 0
    assert site.on_disk() == {numbers[1]}
    assert len(site.hour_keys()) == 1
    site.clock.advance(MINUTE)
    assert site.keeper.run().keys_destroyed == 1
    assert site.hour_keys() == []


def test_a_segment_left_open_and_older_than_its_limit_goes(site: Site) -> None:
    site.record(seal=False)
    site.clock.advance(HOUR)
    site.keeper.run()
    assert site.on_disk() == set()


def test_at_start_what_came_due_meanwhile_goes_first_and_is_said_to_be_late(site: Site) -> None:
    site.clock.sync = True
    site.record()
    site.keeper.run()
    site.clock.power_off(3 * HOUR)
    site.restart()
    result = site.keeper.run()
    assert (result.erased, result.late) == (1, 1)
    assert [each.count for each in result.records] == [1]


# Records


def test_a_record_says_what_when_by_which_rule_and_how(site: Site) -> None:
    number = site.record()
    segment = site.recorded[number].segment
    site.clock.advance(HOUR)
    [record] = site.keeper.run().records
    assert (record.camera, record.rule, record.method) == ("door", EraseRule.RETENTION, METHOD)
    assert record.spans == ((segment.start_at, segment.end_at),)
    assert (record.count, record.size_bytes) == (1, segment.size_bytes)
    assert record.keys_destroyed == 1
    assert record.erased_from <= record.erased_to == site.clock.now()
    site.check_records()


def test_continuous_erasing_is_entered_at_most_every_quarter_of_an_hour(site: Site) -> None:
    for _ in range(60):
        site.record()
    for _ in range(60):
        site.clock.advance(MINUTE)
        site.keeper.run()
        pending = [at for _, _, at in site.index.marked()]
        assert all(site.clock.now() - at < 15 * MINUTE for at in pending)
    site.keeper.run(close=True)
    site.check_records()
    # Two hour keys, and at least every 15 minutes: not 60.
    assert 4 <= len(site.records()) <= 8


def test_what_a_person_asks_for_is_entered_at_once_in_their_name(site: Site) -> None:
    site.record()
    site.record("yard")
    site.record()
    site.clock.advance(58 * MINUTE)
    site.keeper.run()
    assert site.records() == []
    site.clock.advance(2 * MINUTE)
    site.keeper.run("user-id", close=True)
    assert [each.actor for each in site.entries(EntryKind.PURGE)] == [SYSTEM, "user-id"]
    site.check_records()


def test_a_batch_left_by_a_crash_is_entered_at_start(site: Site) -> None:
    site.record()
    site.record()
    site.clock.advance(58 * MINUTE)
    site.keeper.run()
    assert site.records() == []
    site.restart()
    assert len(site.keeper.run().records) == 1
    site.check_records()


@pytest.mark.parametrize("crash", [True, False])
def test_whatever_breaks_in_a_run_is_finished_by_the_next_and_entered_once(crash: bool) -> None:
    for countdown in range(200):
        with a_site() as site:
            site.limits |= {"door": HOUR, "yard": HOUR}
            for _ in range(2):
                site.record("door")
                site.record("yard")
            site.keeper.run()
            site.clock.advance(57 * MINUTE)
            site.keeper.run()
            kept = site.record()
            site.clock.advance(MINUTE)
            site.faults.arm(countdown, crash=crash)
            try:
                site.keeper.run(close=True)
            except Crash:
                site.restart()
            except StorageError:
                pass
            site.keeper.run()
            site.keeper.run(close=True)
            assert site.on_disk() == {kept}
            assert {each.parent for each in site.hour_keys()} == site.hours()
            assert site.index.marked() == []
            site.check_records()
            if not site.faults.hit:
                return
    pytest.fail("the run did not end")


def test_a_record_that_failed_takes_in_nothing_that_went_later(site: Site) -> None:
    site.record()
    site.record()
    site.clock.advance(58 * MINUTE)
    for countdown in range(4, 40):
        site.faults.arm(countdown, crash=False)
        try:
            site.keeper.run(close=True)
        except StorageError:
            if site.records():
                break  # entered, and not forgotten
        site.faults.disarm()
    site.clock.advance(MINUTE)
    site.keeper.run(close=True)
    site.restart()
    site.keeper.run()
    assert site.on_disk() == set()
    site.check_records()


def test_one_file_that_cannot_be_removed_does_not_keep_the_others(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = [site.record() for _ in range(3)]
    stuck = site.vault.path_of(site.recorded[numbers[1]].segment).name
    real = LocalFiles.unlink

    def unlink(self: LocalFiles, path: Path) -> bool:
        if path.name == stuck:
            raise StorageError("EIO")
        return real(self, path)

    with monkeypatch.context() as patch:
        patch.setattr(LocalFiles, "unlink", unlink)
        site.clock.advance(HOUR)
        for _ in range(2):
            with pytest.raises(StorageError):
                site.keeper.run(close=True)
        assert site.on_disk() == {numbers[1]}
        site.clock.advance(SECOND)
        assert [each.sequence for each in site.keeper.overdue()] == [numbers[1]]
    site.keeper.run(close=True)
    assert site.on_disk() == set()
    assert site.keeper.overdue() == []
    site.check_records()


def test_a_broken_ledger_keeps_no_footage_past_its_limit_and_loses_no_record(site: Site) -> None:
    site.record()
    with site.ledger.database.write() as connection:
        held = connection.execute(HEAD.select()).one()
        connection.execute(HEAD.update().values(signature="00"))
    site.clock.advance(HOUR)
    site.ledger._seen = None
    with pytest.raises(LedgerBrokenError):
        site.keeper.run()
    assert site.on_disk() == set()
    with site.ledger.database.write() as connection:
        connection.execute(HEAD.update().values(signature=held.signature))
    site.keeper.run()
    site.check_records()
    assert len(site.records()) == 1


@pytest.mark.parametrize("identity", [None, '{"vault": "00000000-0000-0000-0000-000000000001"}'])
def test_a_vault_that_is_not_there_is_not_taken_for_erased(
    site: Site, identity: str | None
) -> None:
    number = site.record()
    name = site.root / "vault" / "vault.json"
    held = name.read_text()
    name.unlink()
    if identity is not None:
        name.write_text(identity)
    site.clock.advance(HOUR)
    with pytest.raises((VaultMissingError, VaultForeignError)):
        site.keeper.run()
    assert site.records() == []
    assert site.on_disk() == {number}
    name.write_text(held)
    site.keeper.run()
    assert site.on_disk() == set()
    site.check_records()


# Limits


def test_a_shorter_limit_takes_effect_at_the_next_run(site: Site) -> None:
    site.limits["door"] = DAY
    number = site.record()
    site.clock.advance(2 * HOUR)
    site.keeper.run()
    assert site.on_disk() == {number}
    site.limits["door"] = HOUR
    site.keeper.run()
    assert site.on_disk() == set()


def test_a_removed_camera_keeps_its_limit(site: Site) -> None:
    number = site.record()
    site.keeper.run()
    del site.limits["door"]
    site.restart()
    site.clock.advance(58 * MINUTE)
    site.keeper.run()
    assert site.on_disk() == {number}
    site.clock.advance(MINUTE)
    site.keeper.run()
    assert site.on_disk() == set()


@pytest.mark.parametrize("removed", [False, True])
def test_an_approved_longer_time_falls_back_to_the_ceiling_without_a_restart(
    site: Site, removed: bool
) -> None:
    site.limits["door"] = RetentionLimit(
        duration=30 * DAY, reason="why", approver="who", review_at=START + 20 * DAY
    )
    number = site.record()
    site.keeper.run()
    if removed:
        del site.limits["door"]
    site.clock.advance(20 * DAY - 2 * MINUTE)
    site.keeper.run()
    assert site.on_disk() == {number}
    site.clock.advance(2 * MINUTE)
    site.keeper.run()
    assert site.on_disk() == set()


def test_a_higher_ceiling_lengthens_nothing_of_a_removed_camera(site: Site) -> None:
    site.limits["door"] = RetentionLimit(
        duration=30 * DAY, reason="why", approver="who", review_at=START + DAY
    )
    number = site.record()
    site.keeper.run()
    del site.limits["door"]
    site.clock.advance(DAY)
    site.keeper.run()
    site.ceiling = 30 * DAY
    site.clock.advance(13 * DAY - 2 * MINUTE)
    site.keeper.run()
    assert site.on_disk() == {number}
    site.clock.advance(2 * MINUTE)
    site.keeper.run()
    assert site.on_disk() == set()


def test_a_camera_without_a_limit_has_that_of_the_site(site: Site) -> None:
    site.default = 2 * HOUR
    site.record("unknown")
    site.clock.advance(2 * HOUR)
    site.keeper.run()
    assert site.on_disk() == set()


@pytest.mark.parametrize("wrong", [ZERO, -DAY, 400 * DAY])
def test_a_limit_that_cannot_hold_leaves_the_last_one_and_is_an_error(
    site: Site, wrong: timedelta
) -> None:
    site.limits["yard"] = HOUR
    numbers = [site.record(), site.record("yard")]
    site.keeper.run()
    site.limits["door"] = wrong
    with pytest.raises(RetentionError):
        site.keeper.run()
    assert site.on_disk() == set(numbers)
    site.clock.advance(HOUR)
    with pytest.raises(RetentionError):
        site.keeper.run()
    assert site.on_disk() == set()
    site.default = wrong
    with pytest.raises(RetentionError):
        site.keeper.limits()


def test_overdue_names_what_is_past_its_limit_and_nothing_else(site: Site) -> None:
    old = site.record()
    site.record("yard")
    site.clock.advance(HOUR)
    assert [each.sequence for each in site.keeper.overdue()] == [old]
    site.keeper.run()
    assert site.keeper.overdue() == []


# Space


def test_room_is_made_of_the_oldest_and_is_a_finding(site: Site) -> None:
    numbers = [site.record(camera) for camera in ("yard", "door", "yard", "door")]
    still_open = site.record(seal=False)
    first, second = (site.recorded[each].segment for each in numbers[:2])
    assert site.keeper.make_room(first.size_bytes + 1) == first.size_bytes + second.size_bytes
    assert site.on_disk() == {*numbers[2:], still_open}
    assert [each.rule for each in site.records()] == [EraseRule.SPACE] * 2
    assert {each.subject for each in site.entries(EntryKind.EVICTION)} == {"yard", "door"}
    assert site.findings() == ["evicted_for_space"] * 2
    site.check_records()


def test_room_is_made_of_what_is_due_before_anything_is_evicted(site: Site) -> None:
    due = site.record()
    site.clock.advance(HOUR)
    kept = site.record("yard")
    site.keeper.make_room(site.recorded[due].segment.size_bytes)
    assert site.on_disk() == {kept}
    assert [each.rule for each in site.records()] == [EraseRule.RETENTION]
    assert site.findings() == []


def test_room_that_cannot_be_made_is_said(site: Site) -> None:
    number = site.record()
    assert site.keeper.make_room(10**12) == site.recorded[number].segment.size_bytes
    assert site.keeper.make_room(10**12) == 0
    assert site.keeper.make_room(0) == 0
    assert len(site.records()) == 1


def test_under_a_doubted_clock_room_is_still_made(site: Site) -> None:
    numbers = [site.record(), site.record()]
    site.clock.offset = DAY
    site.keeper.make_room(1)
    assert site.on_disk() == {numbers[1]}


# Decommission


def test_decommission_erases_all_of_a_camera_known_to_the_index_or_not_and_nothing_else(
    site: Site,
) -> None:
    mine = [site.record(), site.record(), site.record(seal=False)]
    other = site.record("yard")
    site.index.forget(mine[:1])
    result = site.keeper.decommission("door", "manager-id")
    assert result.erased == len(mine)
    assert site.on_disk() == {other}
    assert {each.parent for each in site.hour_keys()} == site.hours()
    [entry] = site.entries(EntryKind.PURGE)
    assert (entry.actor, entry.subject, entry.data["rule"]) == (
        "manager-id",
        "door",
        EraseRule.DECOMMISSION.value,
    )
    site.check_records()


def test_a_decommission_cut_short_is_finished_at_start() -> None:
    for countdown in range(100):
        with a_site() as site:
            for _ in range(3):
                site.record()
            site.keeper.run()
            site.faults.arm(countdown, crash=True)
            try:
                site.keeper.decommission("door", "manager-id")
            except Crash:
                marked = {each.sequence for each, _, _ in site.index.marked()}
                site.restart()
                site.keeper.run()
                assert not marked & site.on_disk()
            site.check_records()
            if not site.faults.hit:
                return
    pytest.fail("it did not end")


# Doubt


def test_under_a_doubted_clock_what_was_decided_is_finished_and_no_more(site: Site) -> None:
    first = site.record()
    second = site.record()
    site.clock.advance(57 * MINUTE)
    site.keeper.run()
    site.clock.advance(MINUTE)
    # Marked, and then the process ends.
    for countdown in range(20):
        site.faults.arm(countdown, crash=True)
        try:
            site.keeper.run()
        except Crash:
            if site.index.marked():
                break
            site.restart()
    assert site.on_disk() == {first, second}
    site.clock.offset = -3 * DAY
    site.clock.advance(HOUR)
    site.restart()
    assert not site.keeper.run().trusted
    assert site.on_disk() == {second}
    site.check_records()


def test_a_removed_footage_limit_survives_the_loss_of_the_index_as_the_site_default(
    site: Site,
) -> None:
    site.record()
    del site.limits["door"]
    site.lose_index()
    site.keeper.run()
    assert site.limit_of("door") == CEILING
