"""The recorder against a list: whatever happens, what is stored is what was received."""

from collections.abc import Callable
from datetime import timedelta
from typing import override

from hypothesis import HealthCheck, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from custom_components.camera_steward.core.capture.live import Live, LiveFeed
from custom_components.camera_steward.core.capture.recorder import Recorder, RecorderSettings
from custom_components.camera_steward.core.capture.source import Packet
from custom_components.camera_steward.core.errors import StorageError
from custom_components.camera_steward.core.model import Segment, SegmentState
from custom_components.camera_steward.core.vault.recovery import recover_camera
from custom_components.camera_steward.core.vault.verify import VerifyLevel, verify
from tests.cameras import Clip
from tests.core.capture_site import (
    SECOND,
    FaultyFiles,
    Footage,
    ScriptedClock,
    ScriptedConnection,
    ScriptedSource,
    a_site,
    picture_numbers,
)

PRE_ROLL, POST_ROLL = 4 * SECOND, 6 * SECOND
HEADERS = [Footage.of(clip) for clip in (Clip(), Clip(width=640, height=480))]


class Received:
    """One picture as the model knows it."""

    def __init__(self, number: int, at: timedelta, connection: int, *, key: bool) -> None:
        self.number = number
        self.at = at
        self.connection = connection
        self.key = key
        self.header = 0


class CaptureMachine(RuleBasedStateMachine):
    """Connections, pictures, changes of size, triggers, faults of the storage, and watchers."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = ScriptedClock()
        self.files = FaultyFiles()
        self.place = a_site(self.clock, self.files)
        self.site = self.place.__enter__()
        self.received: list[Received] = []
        self.triggers: list[tuple[int, timedelta]] = []
        self.lost_at: dict[int, timedelta] = {}
        self.connection = 0
        self.header = 0
        self.seen: dict[int, list[int]] = {}
        self.recorder: Recorder | None = None
        self.settings = RecorderSettings()
        self.live = Live(self.clock)
        self.watching: LiveFeed | None = None

    @initialize(on_trigger=st.booleans(), length=st.sampled_from([2, 7]))
    def begin(self, on_trigger: bool, length: int) -> None:
        self.settings = RecorderSettings(
            segment_length=length * SECOND,
            on_trigger=on_trigger,
            pre_roll=PRE_ROLL,
            post_roll=POST_ROLL,
        )
        self.connect()

    @override
    def teardown(self) -> None:
        self.files.mend()
        self.end()
        self.look(final=True)
        self.place.__exit__(None, None, None)

    # What happens

    @rule(
        group=st.integers(1, 20),
        groups=st.integers(1, 3),
        step=st.sampled_from([0.0, 0.04, 0.25]),
    )
    def pictures(self, group: int, groups: int, step: float) -> None:
        for number in range(group * groups):
            self.give(key=number % group == 0, step=step * SECOND)

    @rule(count=st.integers(1, 5))
    def pictures_in_mid_group(self, count: int) -> None:
        for _ in range(count):
            self.give(key=False, step=SECOND / 10)

    @rule(seconds=st.sampled_from([0.5, 3.5]))
    def nothing_comes(self, seconds: float) -> None:
        self.clock.advance(seconds * SECOND)
        if self.recorder is not None:
            self.attempt(self.recorder.idle)

    @rule()
    def the_size_changes(self) -> None:
        self.header = 1 - self.header
        self.give(key=True, step=SECOND / 10)

    @rule()
    def something_happens(self) -> None:
        if self.recorder is not None:
            self.recorder.trigger()
            self.triggers.append((self.connection, self.clock.elapsed()))

    @rule()
    def somebody_comes_to_watch_or_leaves(self) -> None:
        if self.watching is not None:
            self.watching.close()
        self.watching = self.live.join(lambda: None) if self.watching is None else None

    @rule()
    def the_connection_is_cut(self) -> None:
        self.end()
        self.connect()

    @rule(calls=st.integers(0, 6), seconds=st.integers(0, 9))
    def the_storage_fails_for_a_while(self, calls: int, seconds: int) -> None:
        self.files.arm(calls)
        for number in range(seconds * 10):
            self.give(key=number % 10 == 0, step=SECOND / 10)
        self.files.mend()
        if self.recorder is None:
            self.connect()

    # How it is done

    def connect(self) -> None:
        self.connection += 1
        source = ScriptedSource(
            HEADERS[0], self.clock, header_for=lambda keyframe: HEADERS[self.header].header
        )
        recover_camera(self.site.vault, "door")
        self.recorder = Recorder(
            "door",
            ScriptedConnection(source),
            self.site.vault,
            self.clock,
            self.settings,
            live=self.live,
        )
        self.live.begin()

    def give(self, *, key: bool, step: timedelta) -> None:
        number = len(self.received)
        unit = (b"\x65" if key else b"\x41") + number.to_bytes(8) + b"\x5a" * (number % 90 * 99 + 1)
        if self.recorder is not None:
            one = Received(number, self.clock.elapsed(), self.connection, key=key)
            one.header = self.header
            self.received.append(one)
            packet = Packet(0, len(unit).to_bytes(4) + unit, number * 1200, number * 1200, key)
            recorder = self.recorder
            self.attempt(lambda: recorder.feed(packet))
        self.clock.advance(step)

    def attempt(self, do: Callable[[], None]) -> None:
        try:
            do()
        except StorageError:
            assert self.recorder is not None
            self.recorder.abandon()
            self.recorder = None
            self.lost_at[self.connection] = self.clock.elapsed()

    def end(self) -> None:
        if self.recorder is not None:
            self.attempt(self.recorder.close)
            self.recorder = None

    # What must hold

    @invariant()
    def what_was_stored_stays(self) -> None:
        self.look()

    def look(self, *, final: bool = False) -> None:
        if final:
            recover_camera(self.site.vault, "door")
        for segment in self.site.segments():
            if segment.state is not SegmentState.OPEN and segment.sequence not in self.seen:
                assert not list(verify(self.site.vault, [segment], VerifyLevel.DIGEST))
                self.seen[segment.sequence] = self.numbers(segment)
        kept = [number for _, each in sorted(self.seen.items()) for number in each]
        assert kept == sorted(set(kept))
        for numbers in self.seen.values():
            if not numbers:
                continue
            # An unbroken run of one connection, from a keyframe on, of one size.
            assert numbers == list(range(numbers[0], numbers[-1] + 1))
            parts = [self.received[number] for number in numbers]
            assert parts[0].key
            assert len({each.connection for each in parts}) == 1
            assert len({each.header for each in parts if each.key}) == 1
        if final:
            self.nothing_is_missing(set(kept))

    def nothing_is_missing(self, kept: set[int]) -> None:
        for connection in range(1, self.connection + 1):
            came = [each for each in self.received if each.connection == connection]
            while came and not came[0].key:
                assert came.pop(0).number not in kept
            for each in came:
                if self.wanted(each) and not self.may_be_lost(each):
                    assert each.number in kept

    def may_be_lost(self, one: Received) -> bool:
        """Return whether a fault of the storage may have cost this: the last 10 s (INV-2).

        Somewhat more here, where up to 3.5 s pass between two calls.
        """
        lost_at = self.lost_at.get(one.connection)
        if lost_at is None:
            return False
        return self.settings.on_trigger or lost_at - one.at < 14 * SECOND

    def wanted(self, one: Received) -> bool:
        if not self.settings.on_trigger:
            return True
        # Each connection begins with an empty memory.
        return any(
            connection == one.connection and at - PRE_ROLL <= one.at < at + POST_ROLL
            for connection, at in self.triggers
        )

    def numbers(self, segment: Segment) -> list[int]:
        return picture_numbers(self.site.media(segment))


TestCaptureMachine = CaptureMachine.TestCase
TestCaptureMachine.settings = settings(
    max_examples=30,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
