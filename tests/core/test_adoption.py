"""A vault outlives its Home Assistant: another takes it over, with its limits and its clock."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from custom_components.camera_steward.core.access.people import Role
from custom_components.camera_steward.core.books import Books, create_vault, erase_site
from custom_components.camera_steward.core.errors import StorageError
from custom_components.camera_steward.core.files import LocalFiles
from custom_components.camera_steward.core.ledger.entry import EntryKind
from custom_components.camera_steward.core.model import Segment
from custom_components.camera_steward.core.retention.guard import ClockState, Correction
from custom_components.camera_steward.core.retention.limits import RetentionLimit, SiteLimits
from custom_components.camera_steward.core.site import IndexRebuilt, SiteSettings, StewardEvent
from custom_components.camera_steward.core.steward import Steward
from custom_components.camera_steward.core.vault.description import (
    DESCRIPTION_NAME,
    read_description,
)

from . import synthetic
from .retention_site import CEILING, DAY, HOUR, MINUTE, START, ZERO, ScriptedClock
from .vault_site import EVER, FAR_BACK, SITE_KEY

ID = UUID(int=11)
LONG = RetentionLimit(
    duration=30 * DAY, reason="Trial", approver="Chair", review_at=START + 10 * DAY
)
OLD = SiteLimits(
    ceiling=CEILING,
    default=RetentionLimit(duration=7 * DAY),
    cameras={"door": RetentionLimit(duration=2 * DAY), "yard": LONG},
)
NEW = SiteLimits(ceiling=CEILING, default=RetentionLimit(duration=HOUR), cameras={})


class Machines:
    """One vault, and the Home Assistants that have it one after the other."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = ScriptedClock()
        self.events: list[StewardEvent] = []
        create_vault(folder / "vault", ID, clock=self.clock)
        self.old = SiteSettings(
            root=folder / "vault",
            vault=ID,
            state=folder / "old",
            site_key=SITE_KEY,
            signing_key=bytes(range(32)),
            limit=OLD.default,
            ceiling=CEILING,
            title="Shop",
            zone="Asia/Tokyo",
        )
        self.new = replace(
            self.old, state=folder / "new", signing_key=bytes(32), adopted_by="Hanako"
        )

    def open(self, settings: SiteSettings, limits: SiteLimits) -> Books:
        return Books(settings, self.clock, LocalFiles(), lambda: limits, self.events.append)

    def record(self, books: Books, camera: str, length: timedelta = MINUTE) -> Segment:
        writer = books.vault.create_segment(camera, books.guard.now(), synthetic.HEADER.data)
        writer.append(b"footage" * 100, 0, keyframe=True)
        writer.seal(length, {1: bytes(32)})
        found = books.index.segment(books.index.last_sequence())
        assert found is not None
        self.clock.advance(length)
        return found

    def attest(self, books: Books) -> None:
        line = books.ledger.attest().to_json()
        (self.folder / "vault" / "ledger-checkpoints.jsonl").write_text(line + "\n")

    def segments(self, books: Books) -> list[Segment]:
        return [
            each
            for camera in books.index.cameras()
            for each in books.index.segments(camera, *EVER, overlap=FAR_BACK)
        ]


@pytest.fixture
def machines(tmp_path: Path) -> Machines:
    """Let a first machine record two cameras, describe them and be gone."""
    made = Machines(tmp_path)
    books = made.open(made.old, OLD)
    books.keeper.run()
    made.record(books, "door")
    made.record(books, "yard")
    books.describe({"door": "Door", "yard": "Yard"})
    made.attest(books)
    books.close()
    return made


def test_the_vault_is_taken_over_with_limits_and_the_ledger_begins_with_it(
    machines: Machines,
) -> None:
    machines.clock.advance(MINUTE)
    books = machines.open(machines.new, NEW)
    assert [each.camera for each in machines.segments(books)] == ["door", "yard"]
    limits = books.keeper.limits()
    assert (limits.of("door"), limits.of("yard")) == (2 * DAY, 30 * DAY)
    first, *_ = books.ledger.entries()
    assert (first.kind, first.actor) == (EntryKind.VAULT_ADOPTED, "Hanako")
    assert first.data["segments"] == 2
    # The index was not rebuilt for want of another: nobody is alarmed.
    assert not any(isinstance(each, IndexRebuilt) for each in machines.events)
    assert books.guard.trusted
    books.describe({})
    books.close()
    told = read_description(machines.new.root, LocalFiles(), SITE_KEY, ID)
    assert told is not None
    assert {k: (v.name, v.limit) for k, v in told.cameras.items()} == {
        "door": ("Door", 2 * DAY),
        "yard": ("Yard", 30 * DAY),
    }

    # Once only, and the longer limit lapses as it would have.
    machines.clock.sync = True
    machines.clock.power_off(11 * DAY)
    books = machines.open(machines.new, NEW)
    assert len(list(books.ledger.entries((EntryKind.VAULT_ADOPTED,)))) == 1
    assert books.keeper.limits().of("yard") == CEILING
    assert [each.camera for each in books.keeper.run().records] == ["door"]
    assert [each.camera for each in machines.segments(books)] == ["yard"]
    books.close()


def test_what_attested_to_the_ledger_that_is_gone_is_kept_beside(machines: Machines) -> None:
    root = machines.new.root
    before = (root / "ledger-checkpoints.jsonl").read_bytes()
    steward = Steward(machines.new, [], clock=machines.clock, on_event=machines.events.append)
    steward.start()
    try:
        report = steward.verify(0, *EVER)  # type: ignore[arg-type]
        assert not report.ledger.broken
        (aside,) = root.glob("ledger-checkpoints-*.jsonl")
        assert aside.read_bytes() == before
        assert steward.make_statement().record.strangers == 0
    finally:
        assert steward.stop()
    # That a ledger went missing later is found, though the vault was taken over once.
    for each in machines.new.state.glob("ledger.db*"):
        each.unlink()
    steward = Steward(machines.new, [], clock=machines.clock)
    steward.start()
    try:
        assert steward.verify(0, *EVER).ledger.broken  # type: ignore[arg-type]
    finally:
        assert steward.stop()
    assert len(list(root.glob("ledger-checkpoints-*.jsonl"))) == 1
    erase_site(machines.new, actor="Hanako", clock=machines.clock)
    assert list(root.iterdir()) == []


@pytest.mark.parametrize("lost", [False, True])
def test_inv2_a_new_machines_wrong_clock_erases_nothing(machines: Machines, lost: bool) -> None:
    if lost:
        (machines.new.root / DESCRIPTION_NAME).unlink()
    machines.clock.offset = 3650 * DAY
    books = machines.open(machines.new, NEW)
    assert books.keeper.run().erased == 0
    machines.clock.advance(HOUR)
    assert books.keeper.run().erased == 0
    assert books.guard.report.state is ClockState.SUSPENDED
    # Set right again, it goes on; what had its limit then goes at once (INV-1).
    machines.clock.offset = ZERO
    machines.clock.advance(3 * DAY)
    machines.clock.sync = True
    assert {each.camera for each in books.keeper.run().records} == (
        {"door", "yard"} if lost else {"door"}
    )
    books.close()


def test_stamps_that_were_found_wrong_stay_corrected(machines: Machines) -> None:
    books = machines.open(machines.old, OLD)
    wrong = machines.record(books, "door")
    books.book.correct(
        Correction(first=wrong.sequence, last=wrong.sequence, by=-DAY), machines.clock.now()
    )
    books.describe({"door": "Door", "yard": "Yard"})
    books.close()
    for _ in range(2):  # and once only
        books = machines.open(machines.new, NEW)
        found = books.index.segment(wrong.sequence)
        assert found is not None
        assert found.start_at == wrong.stamp_at - DAY
        books.describe({})
        books.close()


@pytest.mark.parametrize("call", range(3))
def test_whatever_breaks_while_it_is_taken_over_is_finished_by_the_next_start(
    machines: Machines, monkeypatch: pytest.MonkeyPatch, call: int
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise StorageError("EIO")

    broken: Callable[[pytest.MonkeyPatch], None] = (
        lambda patch: patch.setattr(LocalFiles, "rename", fail),
        lambda patch: patch.setattr(LocalFiles, "sync_directory", fail),
        lambda patch: patch.setattr(
            "custom_components.camera_steward.core.books.adopt_corrections", fail
        ),
    )[call]
    with monkeypatch.context() as patch:
        machines.new.state.mkdir()
        broken(patch)
        with pytest.raises(StorageError):
            machines.open(machines.new, NEW)
    books = machines.open(machines.new, NEW)
    (adopted,) = books.ledger.entries((EntryKind.VAULT_ADOPTED,))
    assert adopted.data["segments"] == 2
    assert len(adopted.data["checkpoints"]) == 1  # type: ignore[arg-type]
    assert books.keeper.limits().of("yard") == 30 * DAY
    books.close()


def test_the_description_follows_what_changes_and_is_else_left_alone(machines: Machines) -> None:
    path = machines.old.root / DESCRIPTION_NAME
    books = machines.open(machines.old, OLD)
    books.describe({"door": "Door", "yard": "Yard"})
    written = path.read_bytes()
    machines.clock.advance(MINUTE)
    books.describe({"door": "Door", "yard": "Yard"})
    assert path.read_bytes() == written
    books.describe({"door": "Front door", "yard": "Yard"})
    told = read_description(machines.old.root, LocalFiles(), SITE_KEY, ID)
    assert told is not None
    assert told.cameras["door"].name == "Front door"
    # A camera that was removed is named while there is footage of it, and no longer.
    books.describe({"door": "Front door"})
    assert books._described is not None
    assert books._described.cameras["yard"].name == "Yard"
    books.keeper.decommission("yard", "Hanako")
    books.describe({"door": "Front door"})
    told = read_description(machines.old.root, LocalFiles(), SITE_KEY, ID)
    assert told is not None
    assert set(told.cameras) == {"door"}
    books.close()


def test_a_removed_camera_keeps_its_name_while_its_footage_is_held(machines: Machines) -> None:
    books = machines.open(machines.old, OLD)
    now = books.guard.now()
    hold = books.holds.place(
        cameras=["door"],
        start_at=now - HOUR,
        end_at=now,
        reason="Theft",
        requested_by="Police",
        actor="Hanako",
        role=Role.MANAGER,
    )
    books.holds.copy_pending()
    books.keeper.decommission("door", "Hanako")

    def named() -> dict[str, str]:
        books.describe({"yard": "Yard"})
        told = read_description(machines.old.root, LocalFiles(), SITE_KEY, ID)
        assert told is not None
        return {k: each.name for k, each in told.cameras.items()}

    assert named() == {"door": "Door", "yard": "Yard"}
    books.holds.release(hold.id, reason="Done", actor="Hanako", role=Role.MANAGER)
    assert named() == {"yard": "Yard"}
    books.close()
