"""The vault against a dictionary, while calls fail, the power goes and the index is lost.

INV-2: what is kept equals what was given, but for the last ten seconds of what a crash cut off.
INV-6: nothing is ever in the clear. A key is there exactly while its hour has a segment.
"""

import os
from contextlib import ExitStack
from datetime import timedelta
from typing import override

from hypothesis import Phase, settings, strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
)

from custom_components.camera_steward.core.errors import StorageError
from custom_components.camera_steward.core.model import SegmentState
from custom_components.camera_steward.core.vault.keys import KEY_NAME
from custom_components.camera_steward.core.vault.recovery import recover_camera
from custom_components.camera_steward.core.vault.vault import FoundKind

from .faults import Fault, FaultyFiles, Loss, PowerCut, copy_database, restore_database
from .vault_site import Recording, Site, a_site, picture

CAMERAS = ("door", "yard")
SIZES = (100, 3_000, 70_000)
THOROUGH = bool(os.environ.get("VAULT_THOROUGH"))


class VaultMachine(RuleBasedStateMachine):
    """`kept` is what must be there: the units of each segment that was closed, all of them.

    `open` is what is being recorded, one segment a camera.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.files = FaultyFiles()
        self.site: Site = self.stack.enter_context(a_site(self.files))
        self.kept: dict[int, list[bytes]] = {}
        self.open: dict[str, Recording] = {}
        self.pictures = 0
        self.held: dict[str, bytes] | None = None
        self.held_numbers: set[int] = set()

    @override
    def teardown(self) -> None:
        try:
            self._restart()
            self.site.check()
            self._compare()
        finally:
            self.stack.close()

    # Recording

    @rule(camera=st.sampled_from(CAMERAS))
    def a_segment_is_begun(self, camera: str) -> None:
        if camera not in self.open:
            self.open[camera] = self.site.begin(camera)

    @precondition(lambda self: self.open)
    @rule(
        camera=st.sampled_from(CAMERAS),
        count=st.integers(1, 15),
        size=st.sampled_from(SIZES),
    )
    def pictures_come(self, camera: str, count: int, size: int) -> None:
        if (recording := self.open.get(camera)) is not None:
            for _ in range(count):
                self.pictures += 1
                recording.append([picture(self.pictures, size)])

    @precondition(lambda self: self.open)
    @rule(camera=st.sampled_from(CAMERAS))
    def a_segment_is_sealed(self, camera: str) -> None:
        if (recording := self.open.get(camera)) is not None:
            recording.seal()
            del self.open[camera]
            self.kept[recording.segment.sequence] = recording.units

    @precondition(lambda self: self.open)
    @rule(camera=st.sampled_from(CAMERAS))
    def a_storage_error_is_recovered_while_others_record(self, camera: str) -> None:
        if (recording := self.open.pop(camera, None)) is not None:
            recording.writer.abandon()
            recover_camera(self.site.vault, camera)
            self._take_in(recording)

    @rule(minutes=st.integers(1, 90))
    def time_passes(self, minutes: int) -> None:
        if not self.open:
            self.site.clock.advance(timedelta(minutes=minutes))

    # Erasing

    @precondition(lambda self: self.kept)
    @rule(data=st.data())
    def segments_are_erased(self, data: st.DataObject) -> None:
        going = data.draw(st.sets(st.sampled_from(sorted(self.kept)), min_size=1))
        rows = [self.site.row(each) for each in going]
        erasure = self.site.vault.erase(rows)
        assert (erasure.erased, erasure.missing) == (len(rows), 0)
        self.site.index.forget(list(going))
        for each in going:
            del self.kept[each]

    # Ends

    @rule()
    def the_process_is_killed(self) -> None:
        self._restart()

    @rule()
    def the_index_is_lost(self) -> None:
        self._restart(lose_index=True)

    @rule()
    def the_index_is_copied(self) -> None:
        self.held = copy_database(self.site.index_path)
        self.held_numbers = set(self.kept)

    @precondition(lambda self: self.held is not None)
    @rule()
    def the_index_loses_its_last_rows(self) -> None:
        """As an old copy of it does; what it forgot and recovery does not reach is rebuilt."""
        assert self.held is not None
        recordings = self._let_go()
        self.site.close()
        restore_database(self.site.index_path, self.held)
        self.site.restart()
        self.site.vault.rebuild_index()
        # Rows of what was erased since: retention and the daily statement deal with those.
        gone = self.held_numbers - set(self.kept)
        self.site.index.forget(sorted(gone))
        for each in recordings:
            self._take_in(each)
        self.held = None

    @rule(
        at=st.integers(1, 40),
        fault=st.sampled_from([Fault.EIO, Fault.ENOSPC]),
        camera=st.sampled_from(CAMERAS),
        count=st.integers(1, 12),
    )
    def a_call_fails_while_recording(self, at: int, fault: Fault, camera: str, count: int) -> None:
        self.files.arm(at, fault)
        try:
            self.a_segment_is_begun(camera)
            self.pictures_come(camera, count, SIZES[count % 3])
            self.a_segment_is_sealed(camera)
        except StorageError:
            pass
        finally:
            self.files.disarm()
        recording = self.open.pop(camera, None)
        if recording is None:
            recover_camera(self.site.vault, camera)
            self._known_only(camera)
            return
        recording.writer.abandon()
        recover_camera(self.site.vault, camera)
        self._take_in(recording)

    @rule(
        at=st.integers(1, 60),
        loss=st.sampled_from(Loss),
        camera=st.sampled_from(CAMERAS),
        counts=st.lists(st.integers(1, 12), min_size=1, max_size=3),
    )
    def the_power_goes_while_recording(
        self, at: int, loss: Loss, camera: str, counts: list[int]
    ) -> None:
        self.files.arm(at, Fault.POWER_CUT)
        try:
            for count in counts:
                self.a_segment_is_begun(camera)
                self.pictures_come(camera, count, SIZES[count % 3])
                self.a_segment_is_sealed(camera)
        except PowerCut:
            recordings = self._let_go()
            self.files.power_on(loss)
            self.site.restart()
            for each in recordings:
                self._take_in(each)
        finally:
            self.files.disarm()

    # What holds

    @invariant()
    def what_is_kept_is_what_was_given(self) -> None:
        self._compare()
        self.site.check_secrecy()
        found = list(self.site.vault.walk())
        assert [each for each in found if each.kind is FoundKind.OTHER] == []
        on_disk = {each.sequence for each in found if each.kind is FoundKind.SEGMENT}
        assert on_disk == set(self.kept) | {e.segment.sequence for e in self.open.values()}
        with_key = {each.parent for each in self.site.root.rglob(KEY_NAME)}
        assert with_key == {each.parent for each in self.site.root.rglob("*.seg")}

    def _compare(self) -> None:
        rows = {each.sequence: each for each in self.site.rows()}
        closed = {n: row for n, row in rows.items() if row.state is not SegmentState.OPEN}
        assert set(closed) == set(self.kept)
        for number, units in self.kept.items():
            assert self.site.units(closed[number]) == units

    def _let_go(self) -> list[Recording]:
        recordings = list(self.open.values())
        self.open.clear()
        for each in recordings:
            each.writer.abandon()
        return recordings

    def _restart(self, *, lose_index: bool = False) -> None:
        recordings = self._let_go()
        self.held = None if lose_index else self.held
        self.site.restart(lose_index=lose_index)
        for each in recordings:
            self._take_in(each)

    def _take_in(self, recording: Recording) -> None:
        """Check what a crash left of a recording: its beginning, but for the last ten seconds."""
        number = recording.segment.sequence
        # The other camera may have recorded since; a recorder settles meanwhile, which nobody does here.
        owed = recording.owed(max(recording.given_at, default=timedelta()))
        row = self.site.index.segment(number)
        if row is None:
            assert owed == 0
            return
        if not row.digest:
            # Torn in the middle of its first fragment: named, and left until its limit.
            assert owed == 0
            self.site.vault.erase([row])
            self.site.index.forget([number])
            return
        read = self.site.units(row)
        assert read == recording.units[: len(read)]
        assert len(read) >= owed
        self.kept[number] = read

    def _known_only(self, camera: str) -> None:
        """Check that a segment that failed to begin left nothing."""
        rows = [each for each in self.site.rows() if each.camera == camera]
        assert {each.sequence for each in rows} <= set(self.kept)


TestVaultMachine = VaultMachine.TestCase
TestVaultMachine.settings = settings(
    max_examples=200 if THOROUGH else 12,
    stateful_step_count=30 if THOROUGH else 15,
    deadline=None,
    # A failure is told as it was found: making it smaller takes minutes.
    phases=tuple(Phase) if THOROUGH else (Phase.explicit, Phase.reuse, Phase.generate),
)
