"""The keeper and the guard against a dictionary, with a clock that lies and a process that dies.

INV-1: with a trusted clock nothing is past its limit after a run. INV-2: nothing goes inside its
limit but by eviction or decommission, and each segment that went is in the ledger exactly once.
"""

from contextlib import ExitStack
from datetime import timedelta
from typing import override

from hypothesis import Phase, settings, strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from custom_components.camera_steward.core.errors import StorageError
from custom_components.camera_steward.core.model import EraseRule
from custom_components.camera_steward.core.retention.corrections import corrected, corrections
from custom_components.camera_steward.core.retention.guard import ORDINARY_OFF, TOLERANCE
from custom_components.camera_steward.core.retention.plan import MARGIN

from .retention_site import DAY, HOUR, MINUTE, SECOND, ZERO, Crash, Site, a_site

CAMERAS = ("door", "yard")
LIMITS = st.sampled_from([HOUR, 2 * HOUR, 5 * HOUR, DAY])
JUMPS = st.sampled_from([HOUR, -HOUR, 10 * HOUR, -10 * HOUR, 3652 * DAY, -3652 * DAY])
PASSING = st.sampled_from([SECOND, MINUTE, 10 * MINUTE, HOUR - MARGIN, HOUR, 5 * HOUR])
SLACK = 2 * TOLERANCE


class RetentionMachine(RuleBasedStateMachine):
    """A site to which everything happens that its clock, its storage and its people can do.

    `told` is whether a wrong clock was ever believed for a reason: a kernel that vouched for it, a
    person who confirmed it, a restart with it. Until then true time must rule; after it, the time
    that the guard believes.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.site: Site = self.stack.enter_context(a_site())
        self.told = False
        self.stuck = False
        self.shortest: dict[str, timedelta] = {}

    @initialize(limits=st.fixed_dictionaries(dict.fromkeys(CAMERAS, LIMITS)), sync=st.booleans())
    def begin(self, limits: dict[str, timedelta], sync: bool) -> None:
        self.site.default = 2 * HOUR
        self.site.limits |= limits
        self.site.clock.sync = sync or None
        self.run()

    @override
    def teardown(self) -> None:
        try:
            self.site.faults.disarm()
            self.site.clock.sync = True
            self.judge()
            self.run()
            self.site.keeper.run(close=True)
            assert self.site.guard.trusted
            assert self.site.index.marked() == []
            assert {each.parent for each in self.site.hour_keys()} == self.site.hours()
            self.site.check_records()
        finally:
            self.stack.close()

    # Time

    @rule(by=PASSING)
    def time_passes(self, by: timedelta) -> None:
        self.site.clock.advance(by)

    @rule(by=JUMPS)
    def the_wall_clock_is_set_wrong(self, by: timedelta) -> None:
        self.site.clock.offset = by

    @rule(by=st.integers(min_value=-20, max_value=20))
    def the_wall_clock_wobbles(self, by: int) -> None:
        self.site.clock.offset += by * SECOND
        # Many wobbles make a jump; what is believed then is no longer the truth.
        self.told |= abs(self.site.clock.offset) > TOLERANCE / 2

    @rule()
    def the_wall_clock_is_set_right(self) -> None:
        self.site.clock.offset = ZERO

    @rule(sync=st.sampled_from([True, False, None]))
    def the_kernel_says(self, sync: bool | None) -> None:
        self.site.clock.sync = sync

    # People

    @rule()
    def the_manager_confirms_the_clock(self) -> None:
        self.judge(vouched=True)
        self.site.keeper.accept_clock("manager-id")

    @rule(camera=st.sampled_from(CAMERAS), limit=LIMITS)
    def a_limit_is_set(self, camera: str, limit: timedelta) -> None:
        self.site.limits[camera] = limit

    @rule(camera=st.sampled_from(CAMERAS))
    def a_camera_is_removed(self, camera: str) -> None:
        self.run()
        self.site.limits.pop(camera, None)

    @rule(camera=st.sampled_from(CAMERAS))
    def a_camera_is_decommissioned(self, camera: str) -> None:
        self.judge()
        before = self.site.on_disk()
        self.site.keeper.decommission(camera, "manager-id")
        self.explain(before)
        assert not any(
            self.site.recorded[each].segment.camera == camera for each in self.site.on_disk()
        )

    # Footage

    @rule(
        camera=st.sampled_from(CAMERAS),
        length=st.sampled_from([10 * SECOND, MINUTE, 5 * MINUTE]),
        seal=st.booleans(),
    )
    def footage_is_recorded(self, camera: str, length: timedelta, seal: bool) -> None:
        self.site.record(camera, length, seal=seal)

    @rule(share=st.floats(min_value=0, max_value=1))
    def the_disk_is_full(self, share: float) -> None:
        self.judge()
        before = self.site.on_disk()
        kept = sum(self.site.index.footage(each).size_bytes for each in CAMERAS)
        self.site.keeper.make_room(int(kept * share))
        self.explain(before)

    @precondition(lambda self: self.site.index.cameras())
    @rule(data=st.data())
    def the_index_forgets_a_file(self, data: st.DataObject) -> None:
        held = sorted(
            each for each in self.site.on_disk() if self.site.index.segment(each) is not None
        )
        if held:
            self.site.index.forget([data.draw(st.sampled_from(held))])
            self.site.clock.advance(10 * MINUTE)

    # The process

    @rule()
    def run(self) -> None:
        self.judge()
        before = self.site.on_disk()
        self.site.keeper.run()
        self.explain(before)
        self.nothing_is_past_its_limit()

    @rule()
    def a_statement_is_made(self) -> None:
        self.judge()
        before = self.site.on_disk()
        self.site.keeper.run()
        statement = self.site.keeper.state()
        self.explain(before)
        if self.site.guard.trusted and not statement.orphans:
            assert statement.record.past_limit == 0
        assert statement.missing == ()

    @rule(countdown=st.integers(min_value=0, max_value=40), crash=st.booleans())
    def a_run_breaks_off(self, countdown: int, crash: bool) -> None:
        self.judge()
        before = self.site.on_disk()
        self.site.faults.arm(countdown, crash=crash)
        try:
            self.site.keeper.run()
        except Crash:
            self.told |= abs(self.site.clock.offset) > TOLERANCE
            self.site.restart()
        except StorageError:
            pass
        self.site.faults.disarm()
        self.explain(before)

    @rule(off=st.sampled_from([SECOND, MINUTE, ORDINARY_OFF, HOUR, 30 * HOUR, 20 * DAY]))
    def the_machine_is_switched_off(self, off: timedelta) -> None:
        # A long absence under a doubted clock cannot be told from its doubt.
        self.told |= abs(self.site.clock.offset) > TOLERANCE or not self.site.guard.trusted
        self.site.clock.power_off(off)
        self.site.restart()
        # What was stamped between is off by as long as nobody knew how long it was off.
        self.told |= not self.site.guard.trusted and self.site.clock.sync is not True

    @rule()
    def the_index_is_lost(self) -> None:
        self.judge()
        self.site.keeper.run(close=True)
        self.told |= abs(self.site.clock.offset) > TOLERANCE or not self.site.guard.trusted
        self.site.lose_index()

    # What must hold

    def judge(self, *, vouched: bool = False) -> None:
        """Note that from here on the guard may believe a clock that is wrong."""
        if vouched or self.site.clock.sync is True:
            self.told |= abs(self.site.clock.offset) > TOLERANCE

    def explain(self, before: set[int]) -> None:
        """Check that what went since was due by the time believed, or went for another reason."""
        now = self.site.guard.now()
        made = corrections(self.site.ledger)
        for sequence in before - self.site.on_disk():
            mark = self.site.marks[sequence]
            if mark.rule is not EraseRule.RETENTION:
                continue
            limit = self.site.limit_of(mark.segment.camera)
            kept = self.site.recorded[sequence]
            if not self.told:
                assert kept.true_at + limit <= self.site.clock.true_at + MARGIN + SLACK
            elif not self.site.index.knows(sequence):
                start_at = corrected(kept.segment, made).start_at
                assert start_at + limit <= now + MARGIN + SLACK

    def nothing_is_past_its_limit(self) -> None:
        if not self.site.guard.trusted:
            return
        now = self.site.guard.now()
        for sequence in self.site.on_disk():
            found = self.site.index.segment(sequence)
            if found is None:
                continue  # forgotten by the index: the statement's to find
            limit = self.site.limit_of(found.camera)
            assert found.start_at + limit > now
            assert found.start_at <= now + SLACK
            if not self.told:
                kept = self.site.recorded[sequence]
                assert kept.true_at + limit + SLACK > self.site.clock.true_at
        assert self.site.keeper.overdue() == []

    @invariant()
    def whatever_has_gone_was_marked_first(self) -> None:
        assert set(self.site.recorded) - self.site.on_disk() <= set(self.site.marks)


TestRetentionMachine = RetentionMachine.TestCase
# Shrinking runs a hundred examples more and would end at the time limit, with nothing to read.
TestRetentionMachine.settings = settings(
    max_examples=25,
    stateful_step_count=30,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
