"""The inspector over a real vault and ledger: what it enters, what it remembers, what it leaves alone."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from custom_components.camera_steward.core.capture.live import Live
from custom_components.camera_steward.core.inspection import inspector as inspector_module
from custom_components.camera_steward.core.inspection.features import Luma
from custom_components.camera_steward.core.inspection.findings import FaultKind
from custom_components.camera_steward.core.inspection.inspector import (
    FaultFound,
    FaultGone,
    InspectionEvent,
    InspectionFailed,
    Inspector,
)
from custom_components.camera_steward.core.ledger.entry import SYSTEM, Entry, EntryKind
from custom_components.camera_steward.core.ledger.store import Ledger
from custom_components.camera_steward.core.model import GapCause, Segment
from tests.cameras import wait_for

from .inspection_scenes import EVERY, Canvas, seen_from, sent, street
from .ledgers import ledger_at
from .vault_site import Site, a_site

FAULTS = (EntryKind.FAULT_FOUND, EntryKind.FAULT_GONE)
STILL = seen_from(street())
MOVED = seen_from(street(), across=0.1)


def jpeg(luma: Luma) -> bytes:
    made = BytesIO()
    Image.fromarray(luma).save(made, "JPEG", quality=85)
    return made.getvalue()


@dataclass
class Inspected:
    """A site whose camera "door" records a segment before each look."""

    site: Site
    folder: Path
    recording: bool = True
    mistaken: bool = False
    offset: timedelta | None = None
    events: list[InspectionEvent] = field(default_factory=list)
    pictures: int = 0

    def __post_init__(self) -> None:
        self.ledger: Ledger = ledger_at(self.folder / "ledger.db")
        self.inspector = self.made()

    def made(self, *cameras: str) -> Inspector:
        return Inspector(
            cameras or ("door", "yard"),
            vault=self.site.vault,
            ledger=self.ledger,
            clock=self.site.clock,
            files=self.site.files,
            folder=self.folder / "inspection",
            recording=self.is_recording,
            clock_offset=lambda camera: self.offset,
            watch=lambda camera, news: closed_live(self.site).join(news),
            on_event=self.events.append,
        )

    def is_recording(self, camera: str) -> bool:
        if self.mistaken:
            raise LookupError
        return self.recording and camera == "door"

    def record(self, *units: bytes) -> Segment:
        """Store a segment of these pictures, and let the rest of the minutes pass."""
        recording = self.site.begin()
        for each in units:
            recording.append([each])
        recording.seal()
        return recording.segment

    def look(self, seen: Canvas = STILL, *, noise: float = 1.5) -> None:
        self.pictures += 1
        self.record(jpeg(sent(seen, noise=noise, seed=self.pictures)))
        self.inspector.look("door")
        self.site.clock.advance(EVERY)

    @property
    def faults(self) -> set[FaultKind]:
        return set(self.inspector.standing()["door"].faults)

    def entries(self) -> list[Entry]:
        return list(self.ledger.entries(FAULTS))


def closed_live(site: Site) -> Live:
    live = Live(site.clock)
    live.close()
    return live


@pytest.fixture
def inspected(tmp_path: Path) -> Iterator[Inspected]:
    with a_site() as site:
        made = Inspected(site, tmp_path)
        yield made
        made.ledger.close()


def approved(inspected: Inspected) -> str:
    """Approve the view; nothing live is there, so the next look takes it."""
    assert inspected.inspector.describe("door") is None
    inspected.inspector.approve("door", None)
    inspected.look()
    view = inspected.inspector.standing()["door"].view
    assert view is not None
    return view


def test_a_fault_is_entered_with_its_beginning_outlives_a_restart_and_goes(
    inspected: Inspected,
) -> None:
    view = approved(inspected)
    for _ in range(2):
        inspected.look(MOVED)
    since = inspected.site.clock.now()
    assert inspected.entries() == []
    assert inspected.faults == set()
    inspected.look(MOVED)
    [found] = inspected.entries()
    assert (found.kind, found.subject, found.actor) == (EntryKind.FAULT_FOUND, "door", SYSTEM)
    assert found.data["kind"] == "moved"
    began_at = inspected.inspector.standing()["door"].faults[FaultKind.MOVED]
    assert found.data["since"] == began_at.isoformat()
    assert began_at < since - EVERY / 2  # the first look that showed it
    figures = found.data["figures"]
    assert isinstance(figures, dict)
    assert figures["across"] == pytest.approx(-0.1, abs=0.02)
    assert inspected.events == [FaultFound(camera="door", kind=FaultKind.MOVED, since_at=began_at)]

    inspected.inspector = inspected.made()  # nothing was written since the approval but the ledger
    standing = inspected.inspector.standing()["door"]
    assert standing.faults == {FaultKind.MOVED: began_at}
    assert standing.view == view
    inspected.look(MOVED)
    for _ in range(3):
        assert inspected.faults == {FaultKind.MOVED}
        inspected.look()
    assert inspected.faults == set()
    assert [each.kind for each in inspected.entries()] == list(FAULTS)
    assert inspected.entries()[1].data["since"] == began_at.isoformat()
    assert inspected.events[1:] == [
        FaultGone(camera="door", kind=FaultKind.MOVED, since_at=began_at)
    ]
    assert inspected.made().standing()["door"].faults == {}


def test_another_approval_ends_what_was_found_beside_the_last_view(inspected: Inspected) -> None:
    view = approved(inspected)
    for _ in range(3):
        inspected.look(MOVED)
    assert inspected.faults == {FaultKind.MOVED}
    inspected.inspector.approve("door", None)
    inspected.look(MOVED)
    assert inspected.faults == set()
    gone = inspected.entries()[-1]
    now = inspected.inspector.standing()["door"].view
    assert now != view
    assert (gone.kind, gone.data["figures"]) == (EntryKind.FAULT_GONE, {"view": now})
    for _ in range(3):
        inspected.look(MOVED)
    assert inspected.faults == set()
    for _ in range(3):
        inspected.look()
    assert inspected.faults == {FaultKind.MOVED}


def test_what_cannot_be_read_or_decoded_is_no_fault_of_the_picture(inspected: Inspected) -> None:
    approved(inspected)
    for _ in range(2):
        inspected.look(MOVED)
    looked_at = inspected.inspector.standing()["door"].looked_at
    torn = inspected.record(jpeg(sent(STILL)))
    path = inspected.site.path(torn)
    path.write_bytes(path.read_bytes()[:-40])
    inspected.inspector.look("door")
    inspected.record(b"\xff\xd8 no picture at all")
    inspected.inspector.look("door")
    gone = inspected.record(jpeg(sent(STILL)))
    inspected.site.path(gone).unlink()
    inspected.inspector.look("door")
    assert inspected.inspector.standing()["door"].looked_at == looked_at
    assert inspected.entries() == []
    inspected.look(MOVED)  # nor does it break off a count
    assert inspected.faults == {FaultKind.MOVED}


def test_the_same_picture_sent_again_and_again_is_frozen(inspected: Inspected) -> None:
    for _ in range(6):
        inspected.look(noise=0.5)
    assert inspected.faults == set()
    again = jpeg(sent(STILL))
    for _ in range(5):
        inspected.record(again)
        for _ in range(3):  # a keyframe is looked at once
            inspected.inspector.look("door")
        inspected.site.clock.advance(EVERY)
    assert inspected.faults == {FaultKind.FROZEN}


def test_a_picture_is_in_memory_only_until_the_next_look(inspected: Inspected) -> None:
    inspected.look()
    held = inspected.inspector._cameras
    assert held["door"].last is not None
    inspected.inspector.forget()
    assert held["door"].last is not None
    inspected.site.clock.advance(3 * EVERY)
    inspected.inspector.forget()
    assert inspected.inspector._cameras["door"].last is None
    # and what is written is small, and no picture
    approved(inspected)
    [kept] = (inspected.folder / "inspection").glob("door*")
    assert kept.stat().st_size < 8192


def test_it_looks_only_while_a_camera_records_and_counts_what_is_missing(
    inspected: Inspected,
) -> None:
    inspected.recording = False
    inspected.look()
    assert inspected.inspector.standing()["door"].looked_at is None
    index, clock = inspected.site.index, inspected.site.clock
    index.open_gap("door", clock.now(), GapCause.SWITCHED_OFF)
    clock.advance(timedelta(hours=3))
    index.close_gap("door", clock.now())
    index.open_gap("door", clock.now(), GapCause.UNREACHABLE)
    clock.advance(timedelta(hours=1))
    for _ in range(3):
        inspected.inspector.look("door")
    assert inspected.inspector.standing()["door"].missing == timedelta(hours=1)
    assert inspected.faults == set()  # an hour is less than a twentieth of a day
    clock.advance(timedelta(minutes=20))
    for _ in range(3):
        inspected.inspector.look("door")
    assert inspected.faults == {FaultKind.GAPS}
    index.close_gap("door", clock.now())
    clock.advance(timedelta(hours=24))
    for _ in range(3):
        inspected.inspector.look("door")
    assert inspected.faults == set()


def test_a_cameras_clock_that_goes_wrong_is_found_where_it_tells(inspected: Inspected) -> None:
    for seconds, found in ((20, False), (-61, True), (-45, True), (5, False)):
        inspected.offset = timedelta(seconds=seconds)
        for _ in range(3):
            inspected.inspector.look("door")
        assert (FaultKind.CLOCK in inspected.faults) is found, seconds
        assert inspected.inspector.standing()["door"].clock_offset == inspected.offset
    inspected.offset = None
    inspected.inspector.look("door")
    assert inspected.inspector.standing()["door"].clock_offset is None


def test_a_view_is_not_taken_of_the_dark_nor_from_before_it_was_approved(
    inspected: Inspected,
) -> None:
    before = inspected.record(jpeg(sent(MOVED)))
    inspected.site.clock.advance(EVERY)
    inspected.inspector.approve("door", None)
    inspected.inspector.look("door")
    assert inspected.inspector.standing()["door"].looked_at is not None
    assert inspected.inspector.standing()["door"].view is None, before
    inspected.look(np.zeros_like(STILL), noise=3)
    assert inspected.inspector.standing()["door"].view is None
    inspected.inspector = inspected.made()  # that it is wanted outlives a restart
    inspected.look()
    assert inspected.inspector.standing()["door"].view is not None
    for _ in range(3):
        inspected.look()
    assert inspected.faults == set()


def test_its_thread_looks_by_itself_and_goes_on_after_a_mistake(
    inspected: Inspected, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inspector_module, "_FIRST", timedelta(0))
    monkeypatch.setattr(inspector_module, "LOOK_EVERY", timedelta(0))
    inspected.record(jpeg(sent(STILL)))
    inspected.mistaken = True
    inspected.inspector.start()
    wait_for(lambda: inspected.events)
    inspected.mistaken = False
    wait_for(lambda: inspected.inspector.standing()["door"].looked_at)
    assert not inspected.inspector.join(0)
    inspected.inspector.request_stop()
    assert inspected.inspector.join(60)
    failed = [each for each in inspected.events if isinstance(each, InspectionFailed)]
    assert {(each.camera, each.error.key, each.error.detail) for each in failed} == {
        (camera, "unknown", "LookupError") for camera in ("door", "yard")
    }
    assert len(failed) == 2  # once for each camera
    kept = inspected.made().standing()["door"]
    assert kept.looked_at == inspected.inspector.standing()["door"].looked_at


def test_a_file_that_is_none_of_ours_is_begun_anew_and_one_of_a_camera_gone_removed(
    inspected: Inspected,
) -> None:
    approved(inspected)
    folder = inspected.folder / "inspection"
    assert inspected.made("yard").standing()["yard"].view is None
    assert not (folder / "door.json").exists()
    for text in (b"", b"{}", b'{"format": 9}', b"[1]", b'{"format": 1, "hours": 7}', b"\xff"):
        (folder / "door.json").write_bytes(text)
        assert inspected.made().standing()["door"].view is None
