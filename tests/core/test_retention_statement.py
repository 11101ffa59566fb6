"""The daily statement: from the disk, against the limits and against the index (INV-1)."""

from collections.abc import Iterator
from shutil import copyfile

import pytest

from custom_components.camera_steward.core.errors import StoppedError, VaultMissingError
from custom_components.camera_steward.core.ledger.entry import EntryKind
from custom_components.camera_steward.core.ledger.registers import statements
from custom_components.camera_steward.core.model import EraseRule

from .retention_site import DAY, HOUR, METHOD, MINUTE, START, ZERO, Site, a_site


@pytest.fixture
def site() -> Iterator[Site]:
    with a_site() as made:
        made.limits |= {"door": HOUR, "yard": DAY}
        made.keeper.run()
        yield made


def test_it_tells_of_each_camera_what_is_there_and_that_nothing_is_past_its_limit(
    site: Site,
) -> None:
    numbers = [site.record(), site.record(), site.record("yard")]
    site.clock.advance(20 * MINUTE)
    statement = site.keeper.state()
    [held] = statements(site.ledger, START, START + DAY)
    assert held == statement.record
    assert held.past_limit == 0
    found = {each.camera: each for each in held.cameras}
    assert found["door"].segments == 2
    assert found["door"].limit == HOUR
    assert found["door"].oldest_at == site.start_of(numbers[0])
    assert found["yard"].size_bytes == site.recorded[numbers[2]].segment.size_bytes
    assert statement.findings() == {}
    assert site.findings() == []
    [entry] = site.entries(EntryKind.STATEMENT)
    assert entry.data["method"] == METHOD


def test_what_is_past_its_limit_is_found_by_the_file_and_not_by_the_index(site: Site) -> None:
    number = site.record()
    site.clock.advance(2 * HOUR)
    site.index.forget([number])
    statement = site.keeper.state()
    assert statement.record.past_limit == 1
    assert [each.sequence for each in statement.orphans] == [number]
    assert sorted(site.findings()) == ["files_unknown_to_index", "past_limit"]
    # A file that the index forgot does not live for ever.
    assert site.on_disk() == set()
    [record] = site.records()
    assert (record.rule, record.count) == (EraseRule.RETENTION, 1)
    site.check_records()
    assert site.keeper.state().record.past_limit == 0


def test_a_file_within_its_limit_that_the_index_forgot_is_taken_in(site: Site) -> None:
    number = site.record("yard")
    known = site.index.segment(number)
    site.index.forget([number])
    site.clock.advance(20 * MINUTE)
    site.keeper.state()
    assert site.index.segment(number) == known
    assert site.record() > number
    site.clock.advance(DAY)
    site.keeper.run()
    assert number not in site.on_disk()


def test_a_forgotten_file_stamped_by_a_wrong_clock_is_taken_in_corrected() -> None:
    with a_site(offset=-10 * HOUR) as site:
        number = site.record()
        site.keeper.run()
        site.clock.offset, site.clock.sync = ZERO, True
        site.keeper.run()
        right = site.start_of(number)
        site.index.forget([number])
        site.clock.advance(20 * MINUTE)
        statement = site.keeper.state()
        assert site.start_of(number) == right
        [camera] = statement.record.cameras
        assert camera.oldest_at == right
        assert statement.record.past_limit == 0


def test_corrected_stamps_are_not_taken_for_past_their_limit() -> None:
    with a_site(offset=-10 * HOUR) as site:
        site.limits["door"] = 2 * HOUR
        site.record()
        site.keeper.run()
        site.clock.offset, site.clock.sync = ZERO, True
        site.keeper.run()
        assert site.keeper.state().record.past_limit == 0
        assert site.keeper.overdue() == []


def test_a_file_in_the_making_is_no_orphan(site: Site) -> None:
    number = site.record()
    site.index.forget([number])
    assert site.keeper.state().orphans == ()
    site.clock.advance(10 * MINUTE)
    assert len(site.keeper.state().orphans) == 1


def test_a_missing_file_is_a_finding_and_its_row_goes_in_time(site: Site) -> None:
    number = site.record()
    site.vault.path_of(site.recorded[number].segment).unlink()
    statement = site.keeper.state()
    assert [each.sequence for each in statement.missing] == [number]
    assert site.findings() == ["files_missing"]
    site.clock.advance(HOUR)
    site.keeper.run(close=True)
    assert not site.index.knows(number)


def test_files_that_are_none_of_the_stewards_are_counted_and_left_alone(site: Site) -> None:
    number = site.record()
    path = site.vault.path_of(site.recorded[number].segment)
    for name in ("Thumbs.db", "door/notes.txt"):
        (site.root / "vault" / name).write_text("mine")
    copy = site.root / "vault" / "yard" / "2026-11-21" / "03" / path.name
    copy.parent.mkdir(parents=True)
    copyfile(path, copy)
    site.clock.advance(20 * MINUTE)
    statement = site.keeper.state()
    assert len(statement.strangers) == 3
    assert statement.record.strangers == 3
    assert statement.orphans == ()
    assert site.findings() == ["strange_files"]
    assert copy.exists()


def test_a_damaged_forgotten_file_is_still_taken_in_and_goes_in_time(site: Site) -> None:
    number = site.record()
    path = site.vault.path_of(site.recorded[number].segment)
    path.write_bytes(path.read_bytes()[:50])
    site.index.forget([number])
    site.clock.advance(20 * MINUTE)
    site.keeper.state()
    assert site.index.knows(number)
    site.clock.advance(HOUR)
    site.keeper.run(close=True)
    assert site.on_disk() == set()


def test_footage_of_cameras_long_removed_is_told_of_too(site: Site) -> None:
    site.default = HOUR
    site.record("gone")
    [mine] = [each for each in site.keeper.state().record.cameras if each.camera == "gone"]
    assert (mine.segments, mine.limit) == (1, HOUR)


def test_under_a_doubted_clock_nothing_is_erased_for_a_statement(site: Site) -> None:
    number = site.record()
    site.clock.advance(2 * HOUR)
    site.index.forget([number])
    site.clock.offset = -DAY
    site.keeper.state()
    assert site.on_disk() == {number}
    assert site.index.knows(number)


def test_without_its_vault_there_is_no_statement(site: Site) -> None:
    (site.root / "vault" / "vault.json").unlink()
    with pytest.raises(VaultMissingError):
        site.keeper.state()
    assert site.entries(EntryKind.STATEMENT) == []


def test_a_walk_is_broken_off_by_a_stop_and_nothing_is_stated(site: Site) -> None:
    site.record()
    site.record()
    asked = iter([False, True])
    with pytest.raises(StoppedError):
        site.keeper.state(stopping=lambda: next(asked))
    assert site.entries(EntryKind.STATEMENT) == []
