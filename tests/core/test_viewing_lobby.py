"""What is handed out: footage on record, notices of gaps that are none, and to guests no hint."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from custom_components.camera_steward.core.access.decide import Refusal, RefusedError
from custom_components.camera_steward.core.capture.live import Live
from custom_components.camera_steward.core.errors import SegmentMissingError
from custom_components.camera_steward.core.ledger.entry import EntryKind
from custom_components.camera_steward.core.ledger.viewings import viewing_register
from custom_components.camera_steward.core.model import GapCause
from custom_components.camera_steward.core.viewing.desk import Caller
from custom_components.camera_steward.core.viewing.lobby import Lobby, LobbyEvent, PieceKind
from custom_components.camera_steward.core.viewing.playback import GapNotice
from custom_components.camera_steward.core.viewing.watches import FootageViewed, Watch, WatchEnd
from tests.cameras import Clip

from .ledgers import StepClock, ledger_at
from .played import file_source, play
from .vault_site import START, Site, a_site
from .viewing_site import EVER, GUEST, HOUSE, MANAGER, OPERATOR, MovedClock, Words

GAP = timedelta(minutes=3)
SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)


class Stage:
    """A lobby before footage with a gap: [`start`, `gap_at`), and from `back_at` on."""

    def __init__(self, site: Site, folder: Path) -> None:
        clip = Clip(seconds=6)
        for _ in range(2):
            play(site, "door", file_source(clip.path()))
            site.clock.advance(GAP)
        first, last = site.index.segments("door", START, site.clock.now(), overlap=GAP)
        self.start, self.gap_at, self.back_at = first.start_at, first.end_at, last.start_at
        site.index.open_gap("door", self.gap_at, GapCause.UNREACHABLE)
        site.index.close_gap("door", self.back_at)
        self.end, self.sequence = last.end_at, first.sequence
        self.viewed: Callable[[], None] = lambda: None
        self.ledger = ledger_at(folder / "ledger.db", StepClock(START))
        self.clock = MovedClock(START + HOUR)
        self.lobby = Lobby(
            site.vault,
            site.index,
            self.ledger,
            self.clock,
            self._on_event,
            lambda camera: Live(StepClock(START)).join(lambda: None),
        )
        self.lobby.desk.furnish(HOUSE)
        self.pledge(MANAGER)

    def _on_event(self, event: LobbyEvent) -> None:
        """Call `viewed` after the entry and before what is looked at is made."""
        if isinstance(event, FootageViewed):
            self.viewed()

    def pledge(self, caller: Caller) -> None:
        self.lobby.desk.pledge(caller, version=HOUSE.version, data={"language": "ja"})

    def play(
        self, caller: Caller, start: datetime = START - HOUR, sequence: int | None = None
    ) -> Watch:
        return self.lobby.play(
            caller,
            camera="door",
            purpose="incident",
            start=start,
            end=start + 2 * HOUR,
            words=Words(),
            sequence=sequence,
        )

    def picture(self, caller: Caller, sequence: int) -> bytes:
        return self.lobby.picture(caller, camera="door", purpose="incident", sequence=sequence)

    def notices(self, watch: Watch) -> list[GapNotice]:
        return [each for each in watch.played.pieces if isinstance(each, GapNotice)]

    def permit(self, start: datetime, end: datetime) -> None:
        self.lobby.desk.permit(
            MANAGER,
            user=GUEST.user or "",
            name="行田次郎",
            cameras=frozenset({"door"}),
            start_at=start,
            end_at=end,
            reason="窓ガラスの破損",
            length=HOUR,
        )
        self.pledge(GUEST)


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with a_site() as site:
        stage = Stage(site, tmp_path)
        yield stage
        stage.ledger.close()


def test_a_notice_is_handed_out_and_is_no_footage_on_record(stage: Stage) -> None:
    watch = stage.play(MANAGER)
    (notice,) = stage.notices(watch)
    assert stage.lobby.fetch(watch, MANAGER, notice.number, PieceKind.CONVERTED)
    assert stage.lobby.fetch(watch, MANAGER, notice.number, PieceKind.STORED)
    assert not list(stage.ledger.entries((EntryKind.VIEWING_STARTED,)))
    assert watch.watched == []
    for each in watch.played.pieces:
        stage.lobby.fetch(watch, MANAGER, each.number, PieceKind.STORED)
    stage.lobby.watches.close(watch, WatchEnd.LEFT)
    (viewed,) = viewing_register(stage.ledger, *EVER)
    ends = [at for span in viewed.watched or () for at in span]
    wanted = [stage.start, stage.gap_at, stage.back_at, stage.end]
    assert [abs(at - other) < SECOND / 5 for at, other in zip(ends, wanted, strict=True)] == (
        [True] * 4
    )


def test_notices_keep_the_pace_of_watching(stage: Stage) -> None:
    watch = stage.play(MANAGER)
    ahead = timedelta()
    for each in watch.played.pieces:
        wait = stage.lobby.turn(watch, MANAGER, each.number)
        stage.clock.passes(wait)
        ahead += each.length - wait
        assert wait <= each.length
    assert ahead <= 8 * SECOND


def test_a_guest_is_told_of_a_gap_within_the_permission_only(stage: Stage) -> None:
    stage.permit(stage.start, stage.gap_at + SECOND)
    assert stage.notices(stage.play(GUEST)) == []
    stage.permit(stage.back_at - SECOND, stage.end + SECOND)
    watch = stage.play(GUEST)
    assert stage.notices(watch) == []
    assert watch.played.pieces[-1].end_at > stage.back_at
    stage.permit(stage.start, stage.end + SECOND)
    (notice,) = stage.notices(stage.play(GUEST))
    assert notice.lines == (stage.gap_at.isoformat(), stage.back_at.isoformat(), "unreachable")


def test_a_notice_ends_with_the_permission(stage: Stage) -> None:
    stage.permit(stage.start, stage.end + SECOND)
    watch = stage.play(GUEST)
    (notice,) = stage.notices(watch)
    stage.clock.passes(2 * HOUR)
    with pytest.raises(RefusedError):
        stage.lobby.turn(watch, GUEST, notice.number)
    with pytest.raises(RefusedError):
        stage.lobby.fetch(watch, GUEST, notice.number, PieceKind.STORED)


def test_what_ends_while_a_picture_is_made_is_not_handed_out(stage: Stage) -> None:
    stage.pledge(OPERATOR)
    assert stage.picture(MANAGER, stage.sequence)
    stage.viewed = lambda: stage.lobby.desk.furnish(replace(HOUSE, people=HOUSE.people[:1]))
    with pytest.raises(RefusedError) as caught:
        stage.picture(OPERATOR, stage.sequence)
    assert caught.value.refusal is Refusal.NOT_APPOINTED
    (ended,) = stage.ledger.entries((EntryKind.VIEWING_ENDED,))
    assert (ended.actor, ended.data["watched"], ended.data["why"]) == ("熊谷太郎", [], "refused")


def test_a_guest_does_not_learn_what_there_is_outside_the_permission(stage: Stage) -> None:
    empty = START - 5 * HOUR
    stage.permit(START - 2 * HOUR, START - HOUR)
    for start in (START - HOUR, empty):
        for sequence in (None, stage.sequence, 999):
            with pytest.raises(RefusedError) as caught:
                stage.play(GUEST, start, sequence)
            assert caught.value.refusal is Refusal.OUTSIDE_PERMISSION
    for number in (stage.sequence, 999):
        with pytest.raises(RefusedError) as caught:
            stage.picture(GUEST, number)
        assert caught.value.refusal is Refusal.OUTSIDE_PERMISSION
    # Where nothing is stored of what is permitted, that is said.
    stage.permit(empty, empty + 2 * HOUR)
    for caller in (GUEST, MANAGER):
        with pytest.raises(SegmentMissingError):
            stage.play(caller, empty)
    with pytest.raises(SegmentMissingError):
        stage.picture(MANAGER, 999)
    assert stage.play(MANAGER, sequence=stage.sequence).played.pieces
