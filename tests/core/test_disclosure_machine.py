"""Whatever is done in whatever order: each request has one line, and it says what happened."""

from contextlib import ExitStack
from typing import override

from hypothesis import settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from custom_components.camera_steward.core.disclosure.grounds import RequestKind
from custom_components.camera_steward.core.disclosure.handing import Broken, HandOver
from custom_components.camera_steward.core.errors import StewardError
from custom_components.camera_steward.core.ledger.disclosures import Outcome
from custom_components.camera_steward.core.ledger.entry import EntryKind

from .counter_site import MANAGER, MINUTE, a_counter, a_request, read_out
from .viewing_site import storage_failing

_ANY = st.integers(0, 7)


class Counters(RuleBasedStateMachine):
    """A counter against a model of its register: an outcome by number."""

    def __init__(self) -> None:
        super().__init__()
        self._stack = ExitStack()
        self.site = self._stack.enter_context(a_counter())
        self.outcomes: dict[str, Outcome] = {}
        self.waiting: dict[str, tuple[str, int]] = {}
        self.running: dict[str, HandOver] = {}
        self.minutes = 0

    @override
    def teardown(self) -> None:
        self._stack.close()

    @rule()
    def approve(self) -> None:
        made = self.site.approve()
        self.outcomes[made.number] = Outcome.APPROVED
        self.waiting[made.number] = (made.id, self.minutes + 15)

    @rule()
    def refuse(self) -> None:
        request = a_request(kind=RequestKind.MEDIA, particulars={})
        made = self.site.counter.refuse(MANAGER, request, refusal="x")
        self.outcomes[made.number] = Outcome.REFUSED

    @precondition(lambda self: self.waiting)
    @rule(which=_ANY, failing=st.booleans())
    def begin(self, which: int, failing: bool) -> None:
        number = sorted(self.waiting)[which % len(self.waiting)]
        id_, _ = self.waiting[number]
        if failing:
            with storage_failing(self.site.ledger_path):
                try:
                    self.site.counter.begin(id_, MANAGER)
                except StewardError:
                    return
                raise AssertionError("begun without an entry")
        self.running[number] = self.site.counter.begin(id_, MANAGER)
        self.outcomes[number] = Outcome.HANDING_OVER
        del self.waiting[number]

    @precondition(lambda self: self.running)
    @rule(which=_ANY, whole=st.booleans())
    def take(self, which: int, whole: bool) -> None:
        number = sorted(self.running)[which % len(self.running)]
        if whole:
            read_out(self.running.pop(number))
            self.outcomes[number] = Outcome.HANDED_OVER
        else:
            self.running[number].read(MANAGER)

    @precondition(lambda self: self.running)
    @rule(which=_ANY)
    def leave(self, which: int) -> None:
        number = sorted(self.running)[which % len(self.running)]
        self.running.pop(number).close(Broken.LEFT)
        self.outcomes[number] = Outcome.BROKEN_OFF

    @rule(minutes=st.sampled_from([1, 4, 15]))
    def passes(self, minutes: int) -> None:
        for each in self.running.values():
            each.read(MANAGER)
        self.site.passes(minutes * MINUTE)
        self.minutes += minutes
        for number in [k for k, (_, at) in self.waiting.items() if at <= self.minutes]:
            del self.waiting[number]
            self.outcomes[number] = Outcome.LAPSED

    @rule()
    def crash(self) -> None:
        self.site.restart()
        self.outcomes |= dict.fromkeys(self.running, Outcome.BROKEN_OFF)
        self.outcomes |= dict.fromkeys(self.waiting, Outcome.LAPSED)
        self.running.clear()
        self.waiting.clear()

    @invariant()
    def the_register_says_what_happened(self) -> None:
        rows = self.site.register()
        assert {each.number: each.outcome for each in rows} == self.outcomes
        assert len(rows) == len(self.outcomes)
        over = [each.data["disclosure"] for each in self.site.entries(EntryKind.DISCLOSURE_ENDED)]
        assert len(over) == len(set(over))
        assert set(self.site.counter.progress()) == {
            *(id_ for id_, _ in self.waiting.values()),
            *(each.disclosure.id for each in self.running.values()),
        }


TestCounters = Counters.TestCase
TestCounters.settings = settings(max_examples=12, stateful_step_count=20, deadline=None)
