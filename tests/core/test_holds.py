"""Holds: placed, copied, ended; whatever breaks in between (INV-1, INV-2)."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from custom_components.camera_steward.core.access.people import Role
from custom_components.camera_steward.core.errors import (
    HoldEmptyError,
    HoldFailedError,
    HoldInvalidError,
    HoldMissingError,
    HoldTooLargeError,
    StewardError,
)
from custom_components.camera_steward.core.ledger.entry import SYSTEM, EntryKind
from custom_components.camera_steward.core.ledger.registers import StatementRecord, list_digest
from custom_components.camera_steward.core.model import Segment, SegmentState
from custom_components.camera_steward.core.retention.holds import Hold, HoldState
from custom_components.camera_steward.core.vault.held import Ending
from custom_components.camera_steward.core.vault.verify import VerifyLevel
from custom_components.camera_steward.core.vault.writer import SegmentWriter

from . import synthetic
from .retention_site import DAY, HOUR, METHOD, MINUTE, SECOND, ZERO, Crash, Site, a_site


@pytest.fixture
def site() -> Iterator[Site]:
    with a_site() as made:
        made.limits["door"] = HOUR
        made.keeper.run()
        yield made


def place(site: Site, ago: timedelta = 10 * MINUTE, **changes: Any) -> Hold:
    """Hold what was recorded at the door lately."""
    now = site.guard.now()
    asked: dict[str, Any] = {
        "cameras": ["door"],
        "start_at": now - ago,
        "end_at": now,
        "reason": "窓ガラスの破損",
        "requested_by": "熊谷警察署",
        "actor": "埼玉花子",
        "role": Role.MANAGER,
    } | changes
    return site.holds.place(**asked)


def readable(site: Site, hold: str) -> dict[int, bytes]:
    """Return the digests of what can be read of a hold, every chunk checked."""
    found = {}
    for each in site.holds.segments(hold):
        reader = site.holds.open_segment(hold, each)
        reader.check()
        found[each.sequence] = reader.trailer.digest
        reader.close()
    return found


def originals(site: Site, *numbers: int) -> dict[int, bytes]:
    return {each: site.recorded[each].segment.digest for each in numbers}


def settle(site: Site) -> None:
    """Let the next run finish what was broken off, and copy what is noted."""
    site.keeper.run(close=True)
    site.holds.copy_pending()


# A life


def test_what_is_held_outlives_the_limit_and_not_its_own_end(site: Site) -> None:
    numbers = [site.record(), site.record()]
    placed_at = site.guard.now()
    hold = place(site, document="刑第12号", document_at=date(2026, 11, 22))
    assert (hold.state, hold.segments, hold.copied) == (HoldState.COPYING, 2, 0)
    assert (hold.placed_at, hold.until_at - placed_at) == (placed_at, 30 * DAY)
    assert hold.review_at - placed_at == 14 * DAY
    assert site.holds.copy_pending() == 2
    assert site.holds.copy_pending() == 0
    site.clock.advance(HOUR)
    site.keeper.run(close=True)
    assert site.on_disk() == set()
    kept = site.holds.get(hold.id)
    sizes = [site.recorded[each].segment.size_bytes for each in numbers]
    assert kept == replace(hold, state=HoldState.KEPT, copied=2, size_bytes=sum(sizes))
    assert readable(site, hold.id) == originals(site, *numbers)
    assert site.holds.verify(hold.id, VerifyLevel.CHUNKS) == []
    copies = site.holds.segments(hold.id)
    for each in copies:
        assert site.holds.segments(hold.id, each.camera, (each.start_at, each.end_at)) == [each]
        assert site.holds.segments(hold.id, "yard", (each.start_at, each.end_at)) == []
    site.clock.advance(30 * DAY - HOUR)
    with pytest.raises(HoldMissingError):
        site.holds.open_segment(hold.id, copies[0])
    assert site.keeper.run().next_at > site.guard.now()
    assert site.holds.all() == ()
    assert not (site.root / "vault" / "holds").exists()
    [placed] = site.entries(EntryKind.HOLD_PLACED)
    assert (placed.actor, placed.subject, placed.data["segments"]) == ("埼玉花子", hold.id, 2)
    assert placed.data["requested_by"] == "熊谷警察署"
    [ended] = site.entries(EntryKind.HOLD_ENDED)
    assert (ended.actor, ended.data["rule"], ended.data["count"]) == (SYSTEM, "time", 2)
    assert (ended.data["digest"], ended.data["method"]) == (list_digest(copies), METHOD)


def test_the_next_run_is_when_the_next_hold_ends(site: Site) -> None:
    site.record()
    place(site, until_at=site.guard.now() + 20 * SECOND)
    assert site.keeper.run().next_at == site.holds.all()[0].until_at


def test_a_renewal_needs_another_reason_and_a_review_is_entered(site: Site) -> None:
    number = site.record()
    hold = place(site)
    settle(site)
    ask: dict[str, Any] = {"actor": "埼玉花子", "role": Role.MANAGER}
    now = site.guard.now()
    refused: list[tuple[dict[str, Any], str]] = [
        ({"reason": hold.reason, "until_at": now + 60 * DAY}, "reason"),
        ({"reason": "  ", "until_at": now + 60 * DAY}, "reason"),
        ({"reason": "裁判", "until_at": now + 181 * DAY}, "until_at"),
        ({"reason": "裁判", "until_at": now + 29 * DAY}, "until_at"),
        ({"reason": "裁判", "until_at": now + 60 * DAY, "role": Role.OPERATOR}, "role"),
    ]
    for changes, detail in refused:
        with pytest.raises(HoldInvalidError, match=detail):
            site.holds.renew(hold.id, **(ask | changes))
    site.clock.advance(10 * DAY)
    site.holds.review(hold.id, note="捜査中", actor="埼玉花子", role=Role.MANAGER)
    assert site.holds.get(hold.id).review_at == site.guard.now() + 14 * DAY
    renewed = site.holds.renew(
        hold.id, until_at=now + 60 * DAY, reason="裁判", actor="埼玉花子", role=Role.MANAGER
    )
    assert (renewed.until_at, renewed.reason) == (now + 60 * DAY, "裁判")
    site.clock.advance(49 * DAY)
    site.keeper.run()
    assert readable(site, hold.id) == originals(site, number)
    site.clock.advance(DAY)
    site.keeper.run()
    assert site.holds.all() == ()
    [entry] = site.entries(EntryKind.HOLD_REVIEWED)
    assert entry.data["note"] == "捜査中"


def test_a_release_needs_the_manager_and_a_reason_and_leaves_nothing(site: Site) -> None:
    site.record()
    hold = place(site)
    settle(site)
    with pytest.raises(HoldInvalidError, match="role"):
        site.holds.release(hold.id, reason="不要", actor="熊谷太郎", role=Role.OPERATOR)
    with pytest.raises(HoldInvalidError, match="reason"):
        site.holds.release(hold.id, reason=" ", actor="埼玉花子", role=Role.MANAGER)
    site.holds.release(hold.id, reason="不要", actor="埼玉花子", role=Role.MANAGER)
    assert site.held_files() == []
    [ended] = site.entries(EntryKind.HOLD_ENDED)
    assert (ended.data["rule"], ended.data["reason"]) == ("released", "不要")
    for call in (
        lambda: site.holds.release(hold.id, reason="x", actor="x", role=Role.MANAGER),
        lambda: site.holds.review(hold.id, actor="x", role=Role.MANAGER),
        lambda: site.holds.segments(hold.id),
        lambda: site.holds.get("0" * 16),
    ):
        with pytest.raises(HoldMissingError):
            call()


def test_what_cannot_be_held_is_named(site: Site) -> None:
    site.record()
    now = site.guard.now()
    refused: list[tuple[dict[str, Any], str]] = [
        ({"cameras": []}, "cameras"),
        ({"start_at": now, "end_at": now}, "end_at"),
        ({"start_at": now, "end_at": now - SECOND}, "end_at"),
        ({"end_at": now + SECOND}, "end_at"),
        ({"reason": " "}, "reason"),
        ({"requested_by": ""}, "requested_by"),
        ({"actor": ""}, "placed_by"),
        ({"role": Role.GUEST}, "role"),
        ({"until_at": now}, "until_at"),
        ({"until_at": now + 180 * DAY + SECOND}, "until_at"),
        ({"until_at": now + 7 * DAY + SECOND, "role": Role.OPERATOR}, "until_at"),
    ]
    for changes, detail in refused:
        with pytest.raises(HoldInvalidError, match=detail):
            place(site, **changes)
    empty: list[dict[str, Any]] = [
        {"cameras": ["yard"]},
        {"start_at": now - DAY, "end_at": now - HOUR},
    ]
    for nothing in empty:
        with pytest.raises(HoldEmptyError):
            place(site, **nothing)
    assert site.holds.all() == ()
    assert site.held_files() == []
    assert place(site, role=Role.OPERATOR).until_at == now + 7 * DAY


def test_a_hold_that_would_leave_less_than_the_reserve_is_refused_with_the_figures(
    site: Site,
) -> None:
    size = site.recorded[site.record()].segment.size_bytes
    free = site.vault.space().free_bytes
    site.reserve_bytes = free * 2
    with pytest.raises(HoldTooLargeError) as refused:
        place(site)
    assert (refused.value.needed_bytes, refused.value.reserve_bytes) == (size, free * 2)
    site.reserve_bytes = 0
    place(site)
    site.reserve_bytes = free * 2
    with pytest.raises(HoldTooLargeError) as refused:
        place(site)
    # What is noted and not yet copied takes its space as well.
    assert refused.value.needed_bytes == 2 * size


# Footage that is being written, or damaged, or has gone


def _open(site: Site) -> tuple[SegmentWriter, int]:
    writer = site.vault.create_segment("door", site.guard.now(), synthetic.HEADER.data)
    writer.append(b"picture", 0, keyframe=True)
    return writer, site.index.last_sequence()


def test_what_is_being_recorded_is_copied_once_it_is_sealed(site: Site) -> None:
    writer, number = _open(site)
    site.clock.advance(40 * SECOND)
    hold = place(site, ago=20 * SECOND)
    assert site.holds.copy_pending() == 0
    assert site.holds.pending()
    writer.seal(MINUTE, {1: bytes(32)})
    assert site.holds.copy_pending() == 1
    row = site.index.segment(number)
    assert row is not None
    assert site.holds.segments(hold.id) == [row]
    assert site.holds.get(hold.id).size_bytes == row.size_bytes


def test_what_a_crash_left_open_is_held_as_recovered(site: Site) -> None:
    number = site.record(seal=False)
    hold = place(site)
    site.restart()
    settle(site)
    [copy] = site.holds.segments(hold.id)
    row = site.index.segment(number)
    assert row is not None
    assert copy == row
    assert copy.state is SegmentState.RECOVERED
    assert readable(site, hold.id) == {number: row.digest}


def test_what_is_partly_purged_is_held_as_far_as_it_is_there(site: Site) -> None:
    site.record()
    site.clock.advance(HOUR - MINUTE)
    second = site.record()
    site.keeper.run()
    hold = place(site, ago=2 * HOUR)
    settle(site)
    assert readable(site, hold.id) == originals(site, second)


def test_a_purge_copies_first_what_is_noted(site: Site) -> None:
    numbers = [site.record() for _ in range(3)]
    hold = place(site)
    site.clock.sync = True
    site.clock.advance(2 * HOUR)
    site.restart()
    site.keeper.run(close=True)
    assert site.on_disk() == set()
    assert readable(site, hold.id) == originals(site, *numbers)
    site.check_records()


def test_what_the_storage_does_not_let_copy_stays_and_the_rest_goes(site: Site) -> None:
    held = site.record()
    hold = place(site)
    site.clock.advance(10 * MINUTE)
    others = [site.record() for _ in range(2)]
    site.clock.advance(2 * HOUR)
    blocked = site.root / "vault" / "holds" / hold.id / "door"
    blocked.write_bytes(b"no folder")
    with pytest.raises(HoldFailedError):
        site.keeper.run(close=True)
    assert site.on_disk() == {held}
    assert not set(others) & site.on_disk()
    assert site.keeper.overdue() == []
    blocked.unlink()
    site.keeper.run(close=True)
    assert site.on_disk() == set()
    assert readable(site, hold.id) == originals(site, held)
    site.check_records()


def test_a_run_that_would_copy_for_long_leaves_the_rest_to_the_copying(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = [site.record(length=SECOND) for _ in range(3)]
    hold = place(site)
    site.clock.advance(2 * HOUR)
    copy = site.holds.files.copy

    def slowly(hold: str, segment: Segment) -> Segment:
        site.clock.advance(6 * SECOND)
        return copy(hold, segment)

    monkeypatch.setattr(site.holds.files, "copy", slowly)
    result = site.keeper.run(close=True)
    assert site.on_disk() == {numbers[2]}
    # It is held, and no reason to run again at once.
    assert result.next_at > site.guard.now()
    assert site.keeper.overdue() == []
    assert site.keeper.state().findings() == {}
    settle(site)
    site.keeper.run(close=True)
    assert site.on_disk() == set()
    assert readable(site, hold.id) == originals(site, *numbers)


def test_what_is_damaged_is_noted_and_goes_in_its_time(site: Site) -> None:
    damaged, whole = site.record(), site.record()
    hold = place(site)
    path = site.vault.path_of(site.recorded[damaged].segment)
    content = bytearray(path.read_bytes())
    content[-20] ^= 1
    path.write_bytes(content)
    assert site.holds.copy_pending() == 2
    found = site.holds.get(hold.id)
    assert (found.state, found.copied, found.unreadable) == (HoldState.KEPT, 1, 1)
    site.clock.advance(2 * HOUR)
    site.keeper.run(close=True)
    assert site.on_disk() == set()
    assert readable(site, hold.id) == originals(site, whole)
    site.check_records()


def test_what_was_damaged_and_is_mended_is_copied_before_it_goes(site: Site) -> None:
    number = site.record()
    hold = place(site)
    path = site.vault.path_of(site.recorded[number].segment)
    content = path.read_bytes()
    path.write_bytes(content[:-1])
    site.holds.copy_pending()
    path.write_bytes(content)
    site.clock.advance(2 * HOUR)
    site.keeper.run()
    assert readable(site, hold.id) == originals(site, number)


def test_eviction_passes_over_what_is_still_to_be_copied(site: Site) -> None:
    held = site.record()
    hold = place(site, ago=MINUTE)
    site.clock.advance(10 * MINUTE)
    other = site.record()
    site.keeper.make_room(1)
    assert site.on_disk() == {held}
    assert other not in site.on_disk()
    site.holds.copy_pending()
    site.keeper.make_room(1)
    assert site.on_disk() == set()
    assert readable(site, hold.id) == originals(site, held)


def test_a_hold_outlives_its_camera(site: Site) -> None:
    number = site.record()
    hold = place(site)
    del site.limits["door"]
    site.keeper.decommission("door", "manager-id")
    assert site.on_disk() == set()
    assert readable(site, hold.id) == originals(site, number)


def test_a_placing_and_a_purge_at_once_lose_nothing(site: Site) -> None:
    site.limits["door"] = DAY
    numbers = {site.record(length=10 * SECOND) for _ in range(12)}
    since = site.recorded[min(numbers)].true_at
    site.limits["door"] = HOUR
    site.clock.advance(HOUR)
    ready = threading.Barrier(2)

    def purge() -> None:
        ready.wait()
        site.keeper.run(close=True)

    purging = threading.Thread(target=purge)
    purging.start()
    ready.wait()
    held: dict[int, bytes] = {}
    try:
        hold = place(site, start_at=since)
    except HoldEmptyError:
        hold = None
    purging.join()
    if hold is not None:
        assert site.holds.get(hold.id).segments == len(numbers)
        settle(site)
        held = readable(site, hold.id)
    # All or nothing, as one came before the other.
    assert held in ({}, originals(site, *numbers))
    assert site.on_disk() == set()
    site.check_records()


# Whatever breaks


def _place(site: Site, hold: str) -> None:
    del hold
    place(site, ago=MINUTE, reason="もう一つ")


def _copy(site: Site, hold: str) -> None:
    del hold
    site.holds.copy_pending()


def _renew(site: Site, hold: str) -> None:
    until_at = site.guard.now() + 90 * DAY
    site.holds.renew(hold, until_at=until_at, reason="裁判", actor="埼玉花子", role=Role.MANAGER)


def _release(site: Site, hold: str) -> None:
    site.holds.release(hold, reason="不要", actor="埼玉花子", role=Role.MANAGER)


def _end(site: Site, hold: str) -> None:
    del hold
    site.clock.advance(31 * DAY)
    site.keeper.run()


@pytest.mark.parametrize("crash", [True, False])
@pytest.mark.parametrize("step", [_place, _copy, _renew, _release, _end])
def test_whatever_breaks_is_finished_or_taken_back_by_the_next_run(
    step: Callable[[Site, str], None], crash: bool
) -> None:
    countdown = 0
    hit = True
    with a_site() as site:
        site.ceiling = site.limits["door"] = 300 * DAY
        site.clock.sync = True
        while hit:
            number = site.record()
            hold = place(site, ago=MINUTE)
            if step is not _copy:
                site.holds.copy_pending()
            site.faults.arm(countdown, crash=crash)
            try:
                step(site, hold.id)
            except Crash:
                site.restart()
            except StewardError:
                pass
            hit = site.faults.hit
            site.faults.disarm()
            settle(site)
            _check_agreement(site, number)
            if step in (_release, _end) and not any(
                each.id == hold.id for each in site.holds.all()
            ):
                assert (
                    len([e for e in site.entries(EntryKind.HOLD_ENDED) if e.subject == hold.id])
                    == 1
                )
            for each in site.holds.all():
                site.holds.release(each.id, reason="x", actor="x", role=Role.MANAGER)
            # A fault before a call and one after it leave the same more often than a crash does.
            countdown += 1 if crash else 2
            assert countdown < 80
        assert countdown > 4


@pytest.mark.parametrize("met", [1, 2, 3])
def test_a_statement_finds_nothing_of_a_hold_that_is_ending_while_it_walks(
    site: Site, met: int
) -> None:
    site.record()
    site.record()
    hold = place(site)
    assert site.holds.copy_pending() == 2
    held = site.index.held
    calls = len(list(site.vault.walk())) + met

    def walked() -> bool:
        nonlocal calls
        calls -= 1
        if not calls:
            # As far as an ending has come between two of its steps.
            ending = Ending(rule="released", by="x", reason="x", at=site.guard.now())
            (row,) = held.holds()
            held.put(replace(row, ending=ending))
            site.holds.files.destroy(hold.id)
        return False

    assert site.keeper.state(stopping=walked).findings() == {}
    assert calls <= 0
    site.keeper.run()
    assert site.holds.all() == ()
    assert site.keeper.state().findings() == {}


def _check_agreement(site: Site, number: int) -> None:
    """Check that ledger, index and disk tell the same of every hold, and nothing lies about."""
    placed = {each.subject: each for each in site.entries(EntryKind.HOLD_PLACED)}
    ended = {each.subject for each in site.entries(EntryKind.HOLD_ENDED)}
    holds = {each.id: each for each in site.holds.all()}
    assert set(placed) - ended == set(holds)
    for hold, found in holds.items():
        assert found.state is HoldState.KEPT
        assert readable(site, hold) == originals(site, number)
        renewed = [e for e in site.entries(EntryKind.HOLD_RENEWED) if e.subject == hold]
        last = [placed[hold], *renewed][-1]
        assert last.data["until_at"] == found.until_at.isoformat()
        assert site.holds.files.read(hold).until_at == found.until_at
    assert {each.parts[-3] for each in site.held_files() if each.suffix == ".seg"} == set(holds)
    assert {each.parent.name for each in site.held_files() if each.suffix == ".key"} == set(holds)
    statement = site.keeper.state()
    assert statement.findings() == {}
    assert (statement.record.holds.holds, statement.record.holds.segments) == (
        len(holds),
        len(holds),
    )


# What was lost


@pytest.mark.parametrize("copied", [True, False])
def test_a_lost_index_loses_no_hold(site: Site, copied: bool) -> None:
    site.limits["door"] = DAY
    number = site.record()
    hold = place(site, document="刑第12号", document_at=date(2026, 11, 22))
    if copied:
        site.holds.copy_pending()
        site.clock.advance(DAY)
        site.keeper.run(close=True)
    site.holds.review(hold.id, actor="埼玉花子", role=Role.MANAGER)
    before = site.holds.get(hold.id)
    site.lose_index()
    site.keeper.run()
    assert site.holds.get(hold.id) == before
    settle(site)
    assert set(readable(site, hold.id)) == {number}
    # A number of what is held is not given again.
    assert site.record() > number


def _lose_ledger(site: Site) -> None:
    site.close()
    for path in site.root.glob("ledger.db*"):
        path.unlink()
    site._open()


def test_a_lost_ledger_gets_the_words_again(site: Site) -> None:
    site.record()
    hold = place(site)
    settle(site)
    before = site.holds.get(hold.id)
    _lose_ledger(site)
    site.keeper.run()
    assert site.holds.get(hold.id) == before
    site.lose_index()
    site.keeper.run()
    assert site.holds.get(hold.id) == before


def test_a_vault_that_lost_all_else_still_knows_when_a_hold_is_over(site: Site) -> None:
    number = site.record()
    hold = place(site)
    settle(site)
    _renew(site, hold.id)
    until_at = site.holds.get(hold.id).until_at
    site.close()
    for path in [*site.root.glob("ledger.db*"), *site.root.glob("index.db*")]:
        path.unlink()
    site._open()
    site.keeper.run()
    [found] = site.holds.all()
    assert (found.id, found.until_at, found.cameras) == (hold.id, until_at, ("door",))
    assert (found.reason, found.placed_by, found.role) == ("", "", None)
    assert set(readable(site, hold.id)) == {number}
    site.clock.advance(90 * DAY)
    site.keeper.run()
    assert site.held_files() == []


def test_what_no_key_opens_is_named_and_left_until_the_hold_is_over(site: Site) -> None:
    site.record()
    hold = place(site)
    settle(site)
    key = site.root / "vault" / "holds" / hold.id / "hold.key"
    key.write_bytes(key.read_bytes()[:-1] + b"x")
    statement = site.keeper.state()
    assert statement.findings() == {"strange_files": 2}
    [damage] = site.holds.verify(hold.id, VerifyLevel.CHUNKS)
    assert damage.what == "key_missing"
    assert len(site.held_files()) == 2
    # Without a row neither: only the ledger's word that it is over removes it.
    site.lose_index()
    site.keeper.run()
    assert len(site.held_files()) == 2
    key.unlink()
    site.restart()
    site.keeper.run()
    assert len(site.held_files()) == 1


def test_a_hold_of_which_nothing_is_left_is_entered_as_lost(site: Site) -> None:
    site.record()
    hold = place(site)
    settle(site)
    for path in site.held_files():
        path.unlink()
    assert site.keeper.state().findings() == {"files_missing": 1}
    site.close()
    (site.root / "vault" / "holds" / hold.id / "door").rmdir()
    (site.root / "vault" / "holds" / hold.id).rmdir()
    site._open()
    site.lose_index()
    site.keeper.run()
    [ended] = site.entries(EntryKind.HOLD_ENDED)
    assert (ended.subject, ended.data["rule"]) == (hold.id, "lost")


def test_what_is_none_of_ours_is_named_and_never_touched(site: Site) -> None:
    site.record()
    hold = place(site)
    settle(site)
    folder = site.root / "vault" / "holds"
    copy = next(each for each in site.held_files() if each.suffix == ".seg")
    moved = folder / hold.id / "yard" / copy.name
    moved.parent.mkdir()
    strangers = [folder / "notes.txt", folder / hold.id / "notes.txt", moved]
    for each in strangers:
        each.write_bytes(copy.read_bytes())
    (folder / "0123456789abcdef").mkdir()
    (folder / "0123456789abcdef" / "x").write_bytes(b"")
    site.restart()
    site.keeper.run()
    statement = site.keeper.state()
    assert statement.record.strangers == 4
    assert {each.path.rpartition("/")[2] for each in statement.strangers} == {
        "notes.txt",
        copy.name,
        "x",
    }
    site.holds.release(hold.id, reason="x", actor="x", role=Role.MANAGER)
    assert strangers[0].exists()
    assert strangers[1].exists()


# The clock


def test_while_the_clock_is_doubted_no_hold_ends_but_by_a_person(site: Site) -> None:
    site.record()
    holds = [place(site), place(site)]
    settle(site)
    site.clock.offset = 3652 * DAY
    site.keeper.run()
    assert not site.guard.trusted
    assert len(site.holds.all()) == 2
    site.holds.release(holds[0].id, reason="x", actor="x", role=Role.MANAGER)
    assert [each.id for each in site.holds.all()] == [holds[1].id]
    site.clock.advance(31 * DAY)
    site.keeper.run()
    assert len(readable(site, holds[1].id)) == 1
    site.clock.offset = ZERO
    site.keeper.run()
    assert site.holds.all() == ()


@pytest.mark.parametrize("lost", [False, True])
def test_a_corrected_clock_corrects_what_is_held_and_its_end(lost: bool) -> None:
    with a_site(offset=-400 * DAY) as site:
        number = site.record()
        hold = place(site)
        settle(site)
        right_at = site.clock.true_at
        site.clock.offset, site.clock.sync = ZERO, True
        site.keeper.run()
        if lost:
            site.lose_index()
            site.keeper.run()
        found = site.holds.get(hold.id)
        assert abs(found.until_at - right_at - 30 * DAY) < MINUTE
        [copy] = site.holds.segments(hold.id)
        assert abs(copy.start_at - site.recorded[number].true_at) < MINUTE
        assert site.holds.files.read(hold.id).until_at == found.until_at


def test_a_hold_from_the_future_of_a_trusted_clock_is_bounded_from_then_on(site: Site) -> None:
    site.record()
    hold = place(site)
    settle(site)
    row = site.index.held.hold(hold.id)
    assert row is not None
    far = timedelta(days=3652)
    site.index.held.put(replace(row, granted_at=row.granted_at + far, until_at=row.until_at + far))
    site.keeper.run()
    found = site.holds.get(hold.id)
    assert found.until_at == site.guard.now() + 30 * DAY
    [entry] = site.entries(EntryKind.HOLD_RENEWED)
    assert (entry.actor, entry.data["explanation"]) == (SYSTEM, "future_stamp")
    assert found.reason == hold.reason
    site.keeper.run()
    assert len(site.entries(EntryKind.HOLD_RENEWED)) == 1


# The statement


def test_the_statement_tells_of_holds_and_of_those_past_their_end(site: Site) -> None:
    site.record()
    hold = place(site)
    settle(site)
    record = site.keeper.state().record
    assert (record.holds.holds, record.holds.segments, record.past_limit) == (1, 1, 0)
    assert record.holds.size_bytes == site.holds.get(hold.id).size_bytes
    site.clock.advance(31 * DAY)
    # The walk comes before any run.
    late = site.keeper.state()
    assert late.record.holds.past_end == 1
    assert late.findings()["holds_past_end"] == 1
    data = late.to_data()
    assert StatementRecord.from_data(data).holds == late.record.holds
    old = {name: value for name, value in data.items() if name != "holds"}
    assert StatementRecord.from_data(old).holds.holds == 0
