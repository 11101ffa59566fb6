"""The window of a live view against a list: whatever happens, it shows that and holds no more."""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cache
from typing import override

from hypothesis import settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from custom_components.camera_steward.core.capture.live import (
    WINDOW,
    WINDOW_BYTES,
    Live,
    LiveFeed,
    LiveFragment,
)
from custom_components.camera_steward.core.media.boxes import fragments
from custom_components.camera_steward.core.media.fragments import Samples
from custom_components.camera_steward.core.model import CaptureStatus
from tests.cameras import Clip
from tests.core.capture_site import SECOND, Footage, ScriptedClock

_BOXES = 1000
"""More bytes than the boxes around the pictures take."""


@cache
def sources() -> list[Footage]:
    return [Footage.of(clip) for clip in (Clip(), Clip(width=640, height=480))]


@dataclass(kw_only=True)
class Shown:
    """One fragment as the model knows it."""

    picture: bytes = field(repr=False)
    part: int
    keyframe: bool
    since: timedelta
    end: timedelta


class LiveMachine(RuleBasedStateMachine):
    """Watchers come and go, connections and headers change, time passes."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = ScriptedClock()
        self.live = Live(self.clock)
        self.open: list[LiveFeed] = []
        self.shown: list[Shown] = []
        self.told: dict[LiveFeed, list[int]] = {}
        self.why: CaptureStatus | None = CaptureStatus.CONNECTING
        self.size = 0
        self.header = sources()[0].header
        self.part = 0
        self.begun = False
        self.ended = False
        self.count = 0

    @override
    def teardown(self) -> None:
        self.all_leave()
        assert not self.live._held
        assert not self.live._headers
        assert self.live._size_bytes == 0

    # What happens

    @rule()
    def join(self) -> None:
        calls: list[int] = []
        feed = self.live.join(lambda: calls.append(1))
        if not self.ended:
            if not self.open:
                self.begun = False
                self.why = self.why or CaptureStatus.CONNECTING
            self.open.append(feed)
        self.told[feed] = calls

    @precondition(lambda self: self.open)
    @rule(data=st.data())
    def one_leaves(self, data: st.DataObject) -> None:
        self.leave(data.draw(st.sampled_from(self.open)))

    def leave(self, feed: LiveFeed) -> None:
        feed.close()
        feed.close()
        if feed in self.open:
            self.open.remove(feed)
            if not self.open:
                self.shown.clear()

    @rule()
    def all_leave(self) -> None:
        for each in list(self.open):
            self.leave(each)

    @rule(
        keyframe=st.booleans(),
        size=st.sampled_from([10, 1000, 1 << 20, 9 << 20]),
        seconds=st.sampled_from([0.5, 1.0, 2.0, 4.0]),
    )
    def something_comes(self, keyframe: bool, size: int, seconds: float) -> None:
        if not self.live.watched:
            return  # the recorder gives nothing then
        since = self.clock.elapsed()
        self.clock.advance(seconds * SECOND)
        self.count += 1
        picture = self.count.to_bytes(8) + b"\x5a" * size
        samples = Samples(payloads=[picture], dts=[None], pts=[None], keys=[keyframe])
        calls = {feed: len(calls) for feed, calls in self.told.items()}
        self.live.push(
            sources()[0].tracks,
            self.header,
            {0: samples},
            {0: None},
            since_us=since // timedelta(microseconds=1),
            until_us=self.clock.elapsed() // timedelta(microseconds=1),
            keyframe=keyframe,
        )
        if self.begun or keyframe:
            self.part += not self.begun
            self.begun = True
            self.why = None
            # Pictures that came after a pause may be shown for longer than they took to come.
            length = self.live.window()[-1].length
            assert timedelta() < length <= 2 * (self.clock.elapsed() - since)
            self.shown.append(
                Shown(
                    picture=picture,
                    part=self.part,
                    keyframe=keyframe,
                    since=since,
                    end=max(self.clock.elapsed(), since + length),
                )
            )
            self.all_were_told(calls)

    @rule()
    def the_size_changes(self) -> None:
        self.size = 1 - self.size
        self.header = replace(sources()[self.size].header)
        self.begun = False

    @rule()
    def another_connection_begins(self) -> None:
        self.live.begin()
        self.begun = False
        if not self.ended:
            self.why = CaptureStatus.CONNECTING

    @rule(why=st.sampled_from(list(CaptureStatus)))
    def nothing_comes(self, why: CaptureStatus) -> None:
        calls = {feed: len(calls) for feed, calls in self.told.items()}
        changes = why is not self.why and not self.ended
        self.live.nothing(why)
        if changes:
            self.why = why
            self.all_were_told(calls)

    @rule(seconds=st.sampled_from([1, 8, 21]))
    def time_passes(self, seconds: int) -> None:
        self.clock.advance(seconds * SECOND)

    @precondition(lambda self: self.count > 20)
    @rule()
    def the_recorder_ends(self) -> None:
        calls = {feed: len(calls) for feed, calls in self.told.items()}
        self.live.close()
        if not self.ended:
            self.all_were_told(calls)
        self.ended = True
        self.why = CaptureStatus.STOPPED
        self.open.clear()
        self.shown.clear()

    def all_were_told(self, before: dict[LiveFeed, int]) -> None:
        for each in self.open:
            assert len(self.told[each]) == before[each] + 1

    # What must hold

    @rule()
    def all_look(self) -> None:
        for each in self.told:
            self.look(each)

    def look(self, feed: LiveFeed) -> None:
        window = feed.window()
        assert feed.closed == (feed not in self.open)
        assert feed.why_nothing is self.why
        if feed.closed:
            assert window == ()
            return
        self.forget()
        assert len(window) == len(self.shown)
        for fragment, shown in zip(window, self.shown, strict=True):
            self.is_shown(feed, fragment, shown)
        if window:
            numbers = [each.number for each in window]
            assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
            parts = [
                (each.init, shown.part) for each, shown in zip(window, self.shown, strict=True)
            ]
            assert len(set(parts)) == len({init for init, _ in parts})
            assert feed.get(numbers[0] - 1) is None
            assert feed.get(numbers[-1] + 1) is None
            assert feed.header(window[0].init - 1) is None
        assert feed.get(0) is None

    def is_shown(self, feed: LiveFeed, fragment: LiveFragment, shown: Shown) -> None:
        assert feed.get(fragment.number) is fragment
        assert fragment.data.endswith(shown.picture)
        assert fragment.keyframe == shown.keyframe
        assert fragment.start_at - self.clock.now() == shown.since - self.clock.elapsed()
        header = feed.header(fragment.init)
        assert header in {each.header.data for each in sources()}
        assert header is not None
        [found] = fragments(header + fragment.data)
        assert found.runs[0].keyframe == shown.keyframe

    def forget(self) -> None:
        """Forget in the model: what ended too long ago, then what is too much."""
        now = self.clock.elapsed()
        while self.shown and (
            self.shown[0].end < now - WINDOW
            or sum(len(each.picture) + _BOXES for each in self.shown) > WINDOW_BYTES
        ):
            self.shown.pop(0)

    @invariant()
    def no_more_is_held_than_may_be(self) -> None:
        held = self.live._held
        size = sum(len(each.fragment.data) for each in held)
        assert size == self.live._size_bytes <= WINDOW_BYTES
        assert set(self.live._headers) == {each.fragment.init for each in held}
        assert bool(self.open) or not held
        assert self.live.watched == bool(self.open)


TestLiveMachine = LiveMachine.TestCase
TestLiveMachine.settings = settings(max_examples=150, stateful_step_count=60, deadline=None)
