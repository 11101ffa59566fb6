"""Each scenario of docs/design/retention.md: what is believed, stamped, corrected and purged."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings, strategies as st

from custom_components.camera_steward.core.errors import StorageError
from custom_components.camera_steward.core.ledger.entry import EntryKind
from custom_components.camera_steward.core.retention.corrections import corrections
from custom_components.camera_steward.core.retention.guard import (
    GRACE,
    LONGEST_OFF,
    ORDINARY_OFF,
    TOLERANCE,
    Acceptance,
    ClockState,
    Correction,
    Doubt,
    Explanation,
)

from .retention_site import (
    CEILING,
    DAY,
    HOUR,
    MINUTE,
    SECOND,
    ZERO,
    Crash,
    Site,
    a_site,
)

DECADE = 3652 * DAY


@pytest.fixture
def site() -> Iterator[Site]:
    with a_site() as made:
        yield made


def run_for(site: Site, length: timedelta, step: timedelta = MINUTE) -> None:
    """Let the steward run as it does, a run each minute."""
    end_at = site.clock.true_at + length
    while site.clock.true_at < end_at:
        site.clock.advance(step)
        site.keeper.run()


def trusted(site: Site) -> bool:
    return site.guard.trusted


def off_by(site: Site, sequence: int) -> timedelta:
    """Return how far a segment's start is from when it was truly captured."""
    return abs(site.start_of(sequence) - site.recorded[sequence].true_at)


def explanations(site: Site) -> list[str]:
    return [str(each.data["explanation"]) for each in site.entries(EntryKind.CLOCK_ACCEPTED)]


# While it runs


@pytest.mark.parametrize("jump", [DECADE, -DECADE, HOUR, -HOUR, 3 * MINUTE, -3 * MINUTE])
@pytest.mark.parametrize("sync", [False, None])
def test_an_unexplained_jump_stops_purging_and_stamping_goes_on_as_before(
    site: Site, jump: timedelta, sync: bool | None
) -> None:
    site.clock.sync = sync
    kept = site.record()
    site.keeper.run()
    site.clock.offset = jump
    during = site.record()
    assert off_by(site, during) <= MINUTE
    result = site.keeper.run()
    assert not result.trusted
    assert site.on_disk() == {kept, during}
    assert site.guard.report.state is ClockState.SUSPENDED
    assert site.guard.report.doubt is Doubt.JUMP
    assert abs(site.guard.report.jump - jump) < SECOND
    assert len(site.entries(EntryKind.CLOCK_SUSPENDED)) == 1


def test_before_any_tick_sees_it_a_jump_is_not_stamped(site: Site) -> None:
    site.record()
    site.clock.offset = DECADE
    assert off_by(site, site.record()) == ZERO


def test_a_jump_that_goes_back_resolves_itself_with_nothing_to_correct(site: Site) -> None:
    first = site.record()
    site.keeper.run()
    site.clock.offset = HOUR
    during = site.record()
    site.keeper.run()
    site.clock.offset = ZERO
    assert site.keeper.run().trusted
    assert explanations(site) == ["returned"]
    assert corrections(site.ledger) == []
    assert off_by(site, first) == off_by(site, during) == ZERO


def test_a_jump_that_the_kernel_vouches_for_is_believed_at_once() -> None:
    with a_site(offset=-10 * HOUR) as site:
        wrong = site.record()
        site.keeper.run()
        site.clock.offset, site.clock.sync = ZERO, True
        assert site.keeper.run().trusted
        assert explanations(site) == ["synchronised"]
        assert off_by(site, wrong) < SECOND
        assert off_by(site, site.record()) == ZERO


def test_what_was_stamped_while_the_kernel_vouched_is_not_corrected(site: Site) -> None:
    site.clock.sync = True
    before = site.record()
    site.keeper.run()
    stamp_at = site.start_of(before)
    after = site.record()
    site.clock.offset = 3 * HOUR
    site.keeper.run()
    assert site.start_of(before) == stamp_at
    assert site.start_of(after) > stamp_at + 3 * HOUR


def test_many_small_steps_do_not_add_up_unnoticed(site: Site) -> None:
    site.record()
    for _ in range(3):
        site.clock.offset += 100 * SECOND
        site.clock.advance(MINUTE)
        result = site.keeper.run()
    assert not result.trusted


def test_a_slow_drift_is_followed_without_an_alarm(site: Site) -> None:
    for _ in range(150):
        site.clock.advance(2 * HOUR)
        site.clock.offset += 2 * SECOND
        site.guard.tick()
    assert trusted(site)


def test_a_suspended_machine_is_no_jump(site: Site) -> None:
    # Elapsed time counts suspend, so that both clocks move by the same.
    site.record()
    site.clock.advance(9 * HOUR)
    assert site.keeper.run().trusted
    assert site.entries(EntryKind.CLOCK_ACCEPTED) == []


@pytest.mark.parametrize("jump", [HOUR, -HOUR, DECADE, -DECADE])
def test_the_manager_can_confirm_and_what_was_stamped_before_follows(jump: timedelta) -> None:
    # The clock was wrong from the start, on a host that never says so; someone sets it right.
    with a_site(offset=-jump) as site:
        first = site.record()
        site.keeper.run()
        site.clock.offset = ZERO
        during = site.record()
        site.keeper.run()
        assert site.keeper.accept_clock("manager-id")
        assert trusted(site)
        [entry] = site.entries(EntryKind.CLOCK_ACCEPTED)
        assert (entry.actor, entry.data["explanation"]) == ("manager-id", "manager")
        assert off_by(site, first) < SECOND
        assert off_by(site, during) < SECOND
        assert not site.keeper.accept_clock("manager-id")


def test_a_confirmation_is_not_repeated_for_what_it_settled(site: Site) -> None:
    first = site.record()
    site.clock.offset = HOUR
    site.keeper.run()
    site.keeper.accept_clock("manager-id")
    moved = site.start_of(first)
    site.clock.offset = 3 * HOUR
    site.keeper.run()
    site.keeper.accept_clock("manager-id")
    assert site.start_of(first) == moved


@pytest.mark.parametrize("offset", [DECADE, HOUR, -DECADE])
def test_a_restart_explains_no_jump(site: Site, offset: timedelta) -> None:
    kept = site.record()
    site.keeper.run()
    site.clock.offset = offset
    site.clock.advance(MINUTE)
    site.keeper.run()
    for _ in range(3):
        site.clock.power_off(MINUTE)
        site.restart()
        assert not site.keeper.run().trusted
        run_for(site, 2 * GRACE)
        assert not trusted(site)
    assert site.on_disk() == {kept}
    assert len(site.entries(EntryKind.CLOCK_SUSPENDED)) == 1
    # Stamps go on from the line, which knew how long each restart took.
    assert off_by(site, site.record()) < SECOND
    site.clock.offset = ZERO
    assert site.keeper.run().trusted


# At start


def test_the_first_start_ever_is_believed(site: Site) -> None:
    assert site.keeper.run().trusted
    assert site.entries(EntryKind.CLOCK_ACCEPTED) == []


@pytest.mark.parametrize("sync", [True, False, None])
def test_a_restart_within_five_minutes_is_believed_at_once(site: Site, sync: bool | None) -> None:
    site.keeper.run()
    site.clock.power_off(ORDINARY_OFF - SECOND)
    site.clock.sync = sync
    site.restart()
    assert site.keeper.run().trusted
    assert site.entries(EntryKind.CLOCK_ACCEPTED) == []


@pytest.mark.parametrize("off", [ORDINARY_OFF + MINUTE, 9 * HOUR, LONGEST_OFF - MINUTE])
def test_an_overnight_switch_off_is_believed_after_the_grace(site: Site, off: timedelta) -> None:
    site.limits["door"] = HOUR
    old = site.record()
    site.keeper.run()
    site.clock.power_off(off)
    site.restart()
    assert not site.keeper.run().trusted
    fresh = site.record()
    assert site.guard.report.state is ClockState.GRACE
    assert off_by(site, fresh) == ZERO
    run_for(site, GRACE - 3 * MINUTE)
    assert not trusted(site)
    assert old in site.on_disk()
    run_for(site, 4 * MINUTE)
    assert trusted(site)
    assert explanations(site) == ["switched_off"]
    assert corrections(site.ledger) == []
    assert (old in site.on_disk()) == (off < HOUR)
    assert off_by(site, fresh) == ZERO


def test_a_synchronised_start_believes_any_switch_off_and_says_so(site: Site) -> None:
    site.clock.sync = True
    old = site.record()
    site.keeper.run()
    site.clock.power_off(21 * DAY)
    site.restart()
    result = site.keeper.run()
    assert result.trusted
    assert result.late == 1
    assert old not in site.on_disk()
    [entry] = site.entries(EntryKind.CLOCK_ACCEPTED)
    assert entry.data["explanation"] == "synchronised"
    away = timedelta(microseconds=int(str(entry.data["away_us"])))
    assert abs(away - 21 * DAY) < 5 * MINUTE


def test_three_weeks_in_a_drawer_without_synchronisation_wait_for_the_manager(site: Site) -> None:
    old = site.record()
    site.keeper.run()
    site.clock.power_off(21 * DAY)
    site.restart()
    fresh = site.record()
    run_for(site, 3 * GRACE)
    report = site.guard.report
    assert (report.state, report.doubt) == (ClockState.SUSPENDED, Doubt.ABSENCE)
    assert abs(report.away - 21 * DAY) < HOUR
    assert site.on_disk() == {old, fresh}
    site.keeper.accept_clock("manager-id")
    site.keeper.run()
    assert site.on_disk() == {fresh}
    # Until then it was stamped as if no time had passed.
    assert off_by(site, fresh) < 2 * MINUTE


def test_three_weeks_in_a_drawer_are_believed_once_the_kernel_vouches(site: Site) -> None:
    old = site.record()
    site.keeper.run()
    site.clock.power_off(21 * DAY)
    site.restart()
    site.keeper.run()
    site.clock.sync = True
    assert site.keeper.run().trusted
    assert old not in site.on_disk()


def test_a_clock_ten_years_ahead_at_start_deletes_nothing(site: Site) -> None:
    kept = site.record()
    site.keeper.run()
    site.clock.power_off(MINUTE)
    site.clock.offset = DECADE
    site.restart()
    run_for(site, 3 * GRACE)
    assert not trusted(site)
    assert site.on_disk() == {kept}
    during = site.record()
    site.clock.offset, site.clock.sync = ZERO, True
    assert site.keeper.run().trusted
    assert off_by(site, kept) == ZERO
    assert off_by(site, during) < 5 * MINUTE


@pytest.mark.parametrize("offset", [-DECADE, -10 * HOUR])
def test_a_clock_behind_the_last_record_at_start_is_suspended(
    site: Site, offset: timedelta
) -> None:
    site.record()
    site.keeper.run()
    site.clock.power_off(HOUR)
    site.clock.offset = offset
    site.restart()
    fresh = site.record()
    site.keeper.run()
    assert site.guard.report.doubt is Doubt.BACKWARDS
    # An agent of the host sets it right, and the kernel never says so: it looks like any switch-off.
    site.clock.offset = ZERO
    run_for(site, GRACE + 2 * MINUTE)
    assert trusted(site)
    assert off_by(site, fresh) < 2 * MINUTE


def test_time_synchronisation_within_the_grace_corrects_what_was_stamped(site: Site) -> None:
    site.clock.sync = True
    before = site.record()
    site.keeper.run()
    site.clock.power_off(2 * HOUR)
    site.clock.offset, site.clock.sync = 10 * HOUR, False
    site.restart()
    fresh = site.record()
    site.keeper.run()
    assert off_by(site, fresh) == 10 * HOUR
    site.clock.offset, site.clock.sync = ZERO, True
    assert site.keeper.run().trusted
    assert off_by(site, fresh) < SECOND
    assert off_by(site, before) == ZERO


def test_a_clock_set_within_the_grace_begins_it_anew(site: Site) -> None:
    site.keeper.run()
    site.clock.power_off(2 * HOUR)
    site.clock.offset = 10 * HOUR
    site.restart()
    fresh = site.record()
    run_for(site, GRACE / 2)
    site.clock.offset = HOUR
    run_for(site, GRACE - MINUTE)
    assert not trusted(site)
    run_for(site, 3 * MINUTE)
    assert trusted(site)
    assert abs(off_by(site, fresh) - HOUR) < SECOND


def test_restarting_within_the_grace_shortens_nothing(site: Site) -> None:
    site.limits["door"] = HOUR
    old = site.record()
    site.keeper.run()
    site.clock.power_off(9 * HOUR)
    for _ in range(4):
        site.restart()
        run_for(site, GRACE - MINUTE)
        site.clock.power_off(MINUTE)
        assert not trusted(site)
    assert old in site.on_disk()


@pytest.mark.parametrize("sync", [True, False])
def test_nights_of_a_wrong_battery_clock_are_corrected_together(site: Site, sync: bool) -> None:
    """Three starts under a clock that is a day behind, before it is set right."""
    site.clock.sync = True
    before = site.record()
    site.keeper.run()
    site.clock.sync, site.clock.offset = False, -DAY
    fresh = []
    for _ in range(3):
        site.clock.power_off(3 * HOUR)
        site.restart()
        fresh.append(site.record())
        run_for(site, 5 * MINUTE)
    site.clock.offset = ZERO
    if sync:
        site.clock.sync = True
        site.keeper.run()
    else:
        site.keeper.run()
        site.keeper.accept_clock("manager-id")
    assert trusted(site)
    assert off_by(site, before) == ZERO
    assert max(off_by(site, each) for each in fresh) < 2 * MINUTE


offs = st.timedeltas(min_value=ZERO, max_value=40 * DAY)
offsets = st.timedeltas(min_value=-400 * DAY, max_value=400 * DAY)


@settings(max_examples=30, deadline=None)
@given(off=offs, offset=offsets, wrong_for=st.integers(min_value=0, max_value=9))
def test_a_wrong_clock_at_start_costs_nothing_once_synchronised_within_the_grace(
    off: timedelta, offset: timedelta, wrong_for: int
) -> None:
    with a_site() as site:
        site.clock.sync = True
        before = site.record()
        site.keeper.run()
        site.clock.power_off(off)
        site.clock.offset, site.clock.sync = offset, False
        site.restart()
        site.keeper.run()
        fresh = [site.record() for _ in range(wrong_for)]
        site.clock.offset, site.clock.sync = ZERO, True
        site.keeper.run()
        assert trusted(site)
        due = site.recorded[before].true_at + CEILING <= site.clock.true_at
        assert (before in site.on_disk()) is not due
        for each in fresh:
            assert off_by(site, each) <= 2 * TOLERANCE
        site.check_records()


# Ledger and index


@pytest.mark.parametrize("crash", [True, False])
def test_what_breaks_between_acceptance_and_shift_is_finished_once(crash: bool) -> None:
    for countdown in range(40):
        with a_site(offset=-10 * HOUR) as site:
            wrong = [site.record()]
            site.keeper.run()
            wrong.append(site.record())
            site.clock.offset, site.clock.sync = ZERO, True
            site.faults.arm(countdown, crash=crash)
            try:
                site.keeper.run()
            except Crash:
                site.restart()
            except StorageError:
                wrong.append(site.record())
            site.keeper.run()
            assert trusted(site)
            # A step of the clock and a restart within a minute look like a switch-off.
            expected = ZERO if corrections(site.ledger) else 10 * HOUR
            for each in wrong:
                assert abs(off_by(site, each) - expected) < SECOND, countdown
            if not site.faults.hit:
                return
    pytest.fail("the run did not end")


def test_two_acceptances_of_one_instant_are_two(site: Site) -> None:
    number = site.record()
    before = site.start_of(number)
    first = Acceptance(
        accepted_at=site.clock.now(),
        explanation=Explanation.MANAGER,
        actor="manager-id",
        jump=HOUR,
        away=ZERO,
        vouched=number,
        correction=Correction(first=number, last=number, by=HOUR),
    )
    site.book.accepted(first)
    site.book.accepted(replace(first, correction=None))
    assert site.start_of(number) == before + HOUR
    assert len(site.entries(EntryKind.CLOCK_ACCEPTED)) == 2


def test_a_rebuilt_index_gets_its_corrections_again() -> None:
    with a_site(offset=-10 * HOUR) as site:
        wrong = [site.record() for _ in range(3)]
        site.keeper.run()
        site.clock.offset, site.clock.sync = ZERO, True
        site.keeper.run()
        right = site.record()
        for _ in range(2):
            site.lose_index()
            site.keeper.run()
            for each in (*wrong, right):
                assert off_by(site, each) < SECOND


def test_numbers_that_were_corrected_are_never_given_again() -> None:
    with a_site(offset=-10 * HOUR) as site:
        wrong = site.record()
        site.clock.offset, site.clock.sync = ZERO, True
        site.keeper.run()
        site.keeper.decommission("door", "manager-id")
        site.lose_index()
        again = site.record()
        assert again > wrong
        site.lose_index()
        assert off_by(site, again) == ZERO


def test_a_new_ledger_does_not_hide_later_corrections(site: Site) -> None:
    def wrong_then_right() -> int:
        site.clock.offset, site.clock.sync = -10 * HOUR, False
        site.restart()
        found = site.record()
        site.keeper.run()
        site.clock.offset, site.clock.sync = ZERO, True
        site.keeper.run()
        return found

    site.clock.sync = True
    site.keeper.run()
    first = wrong_then_right()
    site.close()
    for path in site.root.glob("ledger.db*"):
        path.unlink()
    site.restart()
    assert off_by(site, first) < SECOND
    second = wrong_then_right()
    for each in (first, second):
        assert off_by(site, each) < SECOND
    site.lose_index()
    assert off_by(site, second) < SECOND


def test_footage_from_the_future_of_a_trusted_clock_is_bounded_from_then_on(site: Site) -> None:
    site.limits["door"] = HOUR
    early = site.record(ago=-(DECADE + 2 * MINUTE))
    late = site.record(ago=-(DECADE + 2 * MINUTE))
    other = site.record(ago=-400 * DAY)
    noticed_at = site.clock.true_at
    site.keeper.run()
    assert site.start_of(late) == noticed_at
    assert site.start_of(early) == noticed_at - MINUTE
    assert site.start_of(other) == noticed_at
    assert len(corrections(site.ledger)) == 2
    site.keeper.run()
    assert len(corrections(site.ledger)) == 2
    run_for(site, HOUR)
    assert site.on_disk() == set()
    site.check_records()


def test_without_a_record_a_clock_behind_the_footage_is_not_believed(site: Site) -> None:
    site.record()
    site.clock.offset = -DAY
    site.lose_index()
    assert not site.keeper.run().trusted
    site.clock.offset = ZERO
    assert site.keeper.run().trusted


def test_a_lost_index_and_a_wrong_clock_at_once_delete_nothing(site: Site) -> None:
    kept = site.record()
    site.keeper.run()
    site.keeper.state()
    site.clock.offset = DECADE
    site.lose_index()
    run_for(site, 3 * GRACE)
    assert site.on_disk() == {kept}


def test_the_record_of_the_time_is_kept_each_minute_and_not_more(site: Site) -> None:
    site.keeper.run()
    kept = site.book.load()
    for _ in range(5):
        site.clock.advance(10 * SECOND)
        site.guard.tick()
    assert site.book.load() == kept
    site.clock.advance(10 * SECOND)
    site.guard.tick()
    assert site.book.load() != kept
