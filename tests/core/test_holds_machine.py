"""Holds against a dictionary, with a clock that lies, a storage that fails and a process that dies.

What is held reads as it was recorded until its end; after it nothing decrypts and no key is left;
and whatever is not held goes in its time.
"""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, override

from hypothesis import Phase, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from custom_components.camera_steward.core.access.people import Role
from custom_components.camera_steward.core.errors import HoldEmptyError, StewardError
from custom_components.camera_steward.core.ledger.entry import EntryKind
from custom_components.camera_steward.core.retention.holds import HoldState

from .retention_site import DAY, HOUR, MINUTE, SECOND, ZERO, Crash, Site, a_site

CAMERAS = ("door", "yard")
MANAGER: dict[str, Any] = {"actor": "埼玉花子", "role": Role.MANAGER}
AGO = st.sampled_from([MINUTE, 20 * MINUTE, 3 * HOUR])
LENGTHS = st.sampled_from([30 * MINUTE, 2 * HOUR, 30 * DAY])


@dataclass(slots=True)
class Kept:
    """A hold as the test knows it."""

    digests: dict[int, bytes]
    until_at: datetime


class HoldsMachine(RuleBasedStateMachine):
    """A site that holds; its clock may jump, and is right again before the process ends."""

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.site: Site = self.stack.enter_context(a_site())
        self.model: dict[str, Kept] = {}
        self.reasons = 0

    @initialize()
    def begin(self) -> None:
        self.site.limits |= dict.fromkeys(CAMERAS, HOUR)
        self.site.clock.sync = True
        self.run()

    @override
    def teardown(self) -> None:
        try:
            self.set_right()
            self.run()
            self.site.clock.advance(181 * DAY)
            self.run()
            assert self.site.holds.all() == ()
            assert self.site.held_files() == []
            assert self.site.on_disk() == set()
            assert self.site.keeper.state().findings() == {}
            self.site.check_records()
        finally:
            self.stack.close()

    # Footage and time

    @rule(camera=st.sampled_from(CAMERAS), seal=st.booleans())
    def footage_is_recorded(self, camera: str, seal: bool) -> None:
        self.site.record(camera, 30 * SECOND, seal=seal)
        if not seal:
            self.restart()

    @rule(by=st.sampled_from([SECOND, 10 * MINUTE, HOUR, 5 * HOUR]))
    def time_passes(self, by: timedelta) -> None:
        self.site.clock.advance(by)

    @rule(by=st.sampled_from([-10 * HOUR, 3652 * DAY]))
    def the_wall_clock_is_set_wrong(self, by: timedelta) -> None:
        self.site.clock.sync, self.site.clock.offset = None, by

    @rule()
    def set_right(self) -> None:
        self.site.clock.sync, self.site.clock.offset = True, ZERO

    # People

    @rule(ago=AGO, length=LENGTHS, fails=st.none() | st.integers(0, 30), crash=st.booleans())
    def a_hold_is_placed(
        self, ago: timedelta, length: timedelta, fails: int | None, crash: bool
    ) -> None:
        now = self.site.guard.now()
        self.reasons += 1

        def place() -> None:
            self.site.holds.place(
                cameras=CAMERAS,
                start_at=now - ago,
                end_at=now,
                until_at=now + length,
                reason=f"{self.reasons}",
                requested_by="熊谷警察署",
                **MANAGER,
            )

        stored = {
            number: row.digest
            for number in self.site.recorded
            if (row := self.site.index.segment(number)) is not None
            and row.start_at < now
            and row.end_at > now - ago
        }
        before = self.placed()
        if not stored:
            try:
                place()
            except HoldEmptyError:
                return
            raise AssertionError
        self.faulty(place, fails, crash=crash)
        for hold in self.placed() - before:
            self.model[hold] = Kept(digests=stored, until_at=now + length)
        self.check()

    @precondition(lambda self: self.model)
    @rule(data=st.data(), fails=st.none() | st.integers(0, 20), crash=st.booleans())
    def a_hold_is_renewed(self, data: st.DataObject, fails: int | None, crash: bool) -> None:
        hold = data.draw(st.sampled_from(sorted(self.model)))
        if self.over(hold):
            return
        until_at = max(self.site.guard.now(), self.model[hold].until_at) + DAY
        self.reasons += 1
        self.faulty(
            lambda: self.site.holds.renew(
                hold,
                until_at=until_at,
                reason=f"{self.reasons}",
                **MANAGER,
            ),
            fails,
            crash=crash,
        )
        entries = self.site.entries(EntryKind.HOLD_RENEWED)
        if any(each.data["reason"] == f"{self.reasons}" for each in entries):
            self.model[hold].until_at = until_at
        self.check()

    @precondition(lambda self: self.model)
    @rule(data=st.data(), fails=st.none() | st.integers(0, 30), crash=st.booleans())
    def a_hold_is_released(self, data: st.DataObject, fails: int | None, crash: bool) -> None:
        hold = data.draw(st.sampled_from(sorted(self.model)))
        if self.over(hold):
            return
        self.faulty(
            lambda: self.site.holds.release(
                hold,
                reason="不要",
                **MANAGER,
            ),
            fails,
            crash=crash,
        )
        self.check()

    # The process

    @rule(fails=st.integers(0, 40), crash=st.booleans())
    def copying_breaks_off(self, fails: int, crash: bool) -> None:
        self.faulty(self.site.holds.copy_pending, fails, crash=crash)

    @rule(fails=st.integers(0, 60), crash=st.booleans())
    def a_run_breaks_off(self, fails: int, crash: bool) -> None:
        self.faulty(self.site.keeper.run, fails, crash=crash)

    @rule(copying=st.booleans())
    def run(self, copying: bool = True) -> None:
        self.site.keeper.run()
        if copying:
            self.site.holds.copy_pending()
        self.check()

    @rule()
    def restart(self) -> None:
        self.set_right()
        self.site.restart()
        self.run()

    @rule()
    def the_index_is_lost(self) -> None:
        self.set_right()
        self.run()
        self.site.keeper.run(close=True)
        self.site.lose_index()
        self.run()

    # What must hold

    def faulty(self, step: Callable[[], object], fails: int | None, *, crash: bool) -> None:
        """Do something; where it fails, let the next run find out how far it came."""
        if fails is not None:
            self.site.faults.arm(fails, crash=crash)
        try:
            step()
        except Crash:
            self.set_right()
            self.site.restart()
        except StewardError:
            assert self.site.faults.hit
        self.site.faults.disarm()
        self.site.keeper.run()
        self.site.holds.copy_pending()

    def placed(self) -> set[str]:
        return {each.subject for each in self.site.entries(EntryKind.HOLD_PLACED)}

    def over(self, hold: str) -> bool:
        ended = {each.subject for each in self.site.entries(EntryKind.HOLD_ENDED)}
        past = self.model[hold].until_at <= self.site.guard.now()
        return hold in ended or (past and self.site.guard.trusted)

    def check(self) -> None:
        held: set[int] = set()
        found = {each.id: each for each in self.site.holds.all()}
        for hold in list(self.model):
            if self.over(hold):
                assert hold not in found
                assert not any(hold in each.parts for each in self.site.held_files())
                del self.model[hold]
                continue
            kept = self.model[hold]
            assert found[hold].until_at == kept.until_at
            assert found[hold].segments >= len(kept.digests)
            assert found[hold].unreadable == 0
            if found[hold].state is HoldState.COPYING:
                held |= set(kept.digests)
                continue
            copies = {each.sequence: each for each in self.site.holds.segments(hold)}
            for number, digest in kept.digests.items():
                reader = self.site.holds.open_segment(hold, copies[number])
                reader.check()
                assert reader.trailer.digest == digest
                reader.close()
        assert set(found) == set(self.model)
        if self.site.guard.trusted:
            now = self.site.guard.now()
            rows = {each: self.site.index.segment(each) for each in self.site.on_disk()}
            late = {each for each, row in rows.items() if row and row.start_at + HOUR <= now}
            assert late <= held


TestHoldsMachine = HoldsMachine.TestCase
TestHoldsMachine.settings = settings(
    max_examples=8,
    stateful_step_count=30,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
