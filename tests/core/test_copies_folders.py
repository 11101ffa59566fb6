"""What is past its limit in a managed folder goes, with a record; nothing else is touched."""

import os
import shutil
import stat
import subprocess
import tracemalloc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings, strategies as st

from custom_components.camera_steward.core.copies import folders as looks, tree as trees
from custom_components.camera_steward.core.copies.dates import AgeBy
from custom_components.camera_steward.core.copies.folders import (
    METHOD,
    FolderSettings,
    Listing,
    early,
    preview,
)
from custom_components.camera_steward.core.copies.keeper import FolderKeeper, FolderSnapshot
from custom_components.camera_steward.core.copies.marker import MARKER, put, take_away
from custom_components.camera_steward.core.copies.tree import File, Tree
from custom_components.camera_steward.core.errors import (
    FolderForeignError,
    FolderMissingError,
    RetentionError,
    StoppedError,
    StorageError,
)
from custom_components.camera_steward.core.ledger.entry import Entry, EntryKind
from custom_components.camera_steward.core.retention.limits import RetentionLimit

from .retention_site import CEILING, DAY, HOUR, MINUTE, SECOND, Crash, Site, a_site

TOKYO = ZoneInfo("Asia/Tokyo")
EARLY = HOUR
"""How long before a limit of a day its files go."""


class Place:
    """A site with a managed folder, what is outside of it, and a vault beside it."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.root = site.root / "drop"
        self.outside = site.root / "outside"
        for each in (self.root, self.outside):
            each.mkdir()
        self.settings = FolderSettings(
            folder="drop",
            path=self.root,
            patterns=("*.jpg", "clips/**/*.mp4"),
            age_by=AgeBy.NAME,
            zone=TOKYO,
            limit=RetentionLimit(duration=DAY),
            mark="the one",
        )
        put(self.root, (), "the one")
        self.begin()

    def begin(self, **changed: object) -> FolderKeeper:
        """Begin a process of its own."""
        self.settings = replace(self.settings, **changed)  # type: ignore[arg-type]
        self.keeper = FolderKeeper(
            [self.settings],
            state=self.site.root / "folders.db",
            ceiling=CEILING,
            ledger=self.site.ledger,
            guard=self.site.guard,
            importer=self.site.importer,
            on_event=lambda event: None,
        )
        return self.keeper

    @property
    def now(self) -> datetime:
        return self.site.clock.true_at

    def drop(self, path: str, age: timedelta = 2 * DAY, size: int = 10) -> Path:
        """Put a file there that was modified so long ago."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"x" * size)
        touch(file, self.now - age)
        return file

    def look(self) -> int:
        self.site.guard.tick()
        return self.keeper.look("drop", "someone")

    def snapshot(self) -> FolderSnapshot:
        return self.keeper.snapshots()["drop"]

    def preview(self) -> Listing:
        return preview(self.settings, self.settings.limit.duration, self.now)

    def entries(self, stage: str) -> list[Entry]:
        found = self.site.entries(EntryKind.FOLDER_PURGE)
        return [each for each in found if each.data["stage"] == stage]


@pytest.fixture
def place() -> Iterator[Place]:
    with a_site() as site:
        yield Place(site)


def touch(file: Path, at: datetime) -> None:
    os.utime(file, (at.timestamp(), at.timestamp()), follow_symlinks=False)


type Image = dict[str, tuple[object, ...]]


def image(*roots: Path) -> Image:
    """Return all that is below some directories, with content, without following anything."""
    found: Image = {}
    for root in roots:
        for folder, folders, files in os.walk(root):
            for name in (*folders, *files):
                path = Path(folder) / name
                held = path.lstat()
                content: object = None
                if path.is_symlink():
                    content = str(path.readlink())
                elif stat.S_ISREG(held.st_mode):
                    content = path.read_bytes()
                modified = None if stat.S_ISDIR(held.st_mode) else held.st_mtime_ns
                found[str(path)] = (stat.S_IFMT(held.st_mode), held.st_ino, modified, content)
    return found


def digest(root: Path, before: Image, gone: Sequence[str]) -> str:
    """Return the digest of a list of files, made as the documentation says."""

    def field(value: bytes) -> bytes:
        return len(value).to_bytes(4) + value

    text = field(b"camera-steward/ledger/file-list/1") + field(len(gone).to_bytes(8))
    for each in sorted(gone, key=os.fsencode):
        _, _, modified, content = before[each]
        assert isinstance(content, bytes)
        assert isinstance(modified, int)
        text += field(os.fsencode(os.path.relpath(each, root)))
        text += field(len(content).to_bytes(8)) + field(modified.to_bytes(8))
    return sha256(text).hexdigest()


# Any tree


@dataclass(frozen=True)
class Node:
    """Something in a tree, and what the test knows of its age."""

    folder: str
    kind: str
    ending: str
    named: float | None
    modified: float | None

    def name(self, number: int, now: datetime) -> str:
        if self.named is None:
            return f"n{number}{self.ending}"
        at = (now - timedelta(hours=self.named)).astimezone(TOKYO)
        return f"n{number}_{at:%Y%m%d_%H%M%S}{self.ending}"

    def age(self) -> float:
        """Return how many hours old a file is that a look may erase, -1 for anything else."""
        governed = self.ending in (".jpg", ".JPG") or (
            self.ending == ".mp4" and self.folder.startswith("clips")
        )
        if self.kind not in ("file", "hard link") or not governed or self.modified == 0:
            return -1
        known = [each for each in (self.named, self.modified) if each is not None and each >= 0]
        return max(known, default=-1)


HOURS = st.sampled_from([0.5, 5.5, 22.5, 23.5, 24.5, 100.5, -30.5])
NODES = st.builds(
    Node,
    folder=st.sampled_from(["", "clips", "clips/a/b", "other", "other/日本"]),
    kind=st.sampled_from(
        [*["file"] * 6, "hard link", "link to file", "link to folder", "link to /", "loop", "pipe"]
    ),
    ending=st.sampled_from([".jpg", ".JPG", ".mp4", ".txt"]),
    named=st.none() | HOURS,
    # None: a clock that began in 1970. 0: being written.
    modified=st.none() | st.just(0.0) | HOURS,
)


def build(place: Place, nodes: list[Node]) -> set[str]:
    """Lay out a tree; return the paths of what must go."""
    target = place.outside / "20200101T000000.jpg"
    target.write_bytes(b"theirs")
    (place.outside / "clips").mkdir()
    (place.outside / "clips" / "20200101T000000.mp4").write_bytes(b"theirs too")
    ages = {}
    for number, node in enumerate(nodes):
        path = place.root / node.folder / node.name(number, place.now)
        path.parent.mkdir(parents=True, exist_ok=True)
        match node.kind:
            case "file":
                path.write_bytes(b"footage %d" % number)
            case "hard link":
                other = place.outside / f"name{number}.jpg"
                other.write_bytes(b"two names")
                path.hardlink_to(other)
            case "link to file":
                path.symlink_to(target)
            case "link to folder":
                path.symlink_to(place.outside, target_is_directory=True)
            case "link to /":
                path.symlink_to("/")
            case "loop":
                path.symlink_to(path.parent)
            case "pipe":
                os.mkfifo(path)
        if node.modified is not None:
            touch(path, place.now - timedelta(hours=node.modified))
        else:
            touch(path, datetime(1970, 1, 1, tzinfo=UTC))
        ages[str(path)] = node.age()
    # What reaches its limit within the hour goes along with what would outlive it.
    urgent = any(each > 23.9 for each in ages.values())
    return {path for path, age in ages.items() if urgent and age >= 23}


@settings(max_examples=60, deadline=None)
@given(nodes=st.lists(NODES, max_size=25))
def test_exactly_what_is_governed_and_past_its_limit_goes_with_a_record(nodes: list[Node]) -> None:
    with a_site() as site:
        place = Place(site)
        expected = build(place, nodes)
        before = image(place.root, place.outside)
        shown = place.preview()
        assert image(place.root, place.outside) == before
        assert place.look() == len(expected)
        after = image(place.root, place.outside)
        assert {each for each in before if each not in after} == expected
        assert {each: held for each, held in before.items() if each in after} == after
        assert place.snapshot().files.count == shown.kept.count + shown.due.count - len(expected)
        entries = [*place.entries("begun"), *place.entries("ended")]
        assert len(entries) == (2 if expected else 0)
        for each in entries:
            assert (each.subject, each.actor) == ("drop", "someone")
            assert each.data["count"] == len(expected)
            assert each.data["digest"] == digest(place.root, before, sorted(expected))
            sizes = [len(before[path][3]) for path in expected]  # type: ignore[arg-type]
            assert each.data["size_bytes"] == sum(sizes) == shown.due.size_bytes
            assert shown.due.count == len(expected)
        # Another look finds nothing more.
        assert place.look() == 0
        assert image(place.root, place.outside) == after


def test_ten_thousand_dated_files_are_brought_to_their_limit_with_record(place: Place) -> None:
    first = place.now - 100 * DAY
    kept = 0
    for number in range(10_000):
        at = (first + number * DAY / 100).astimezone(TOKYO)
        # By name alone: to the file system they are all of now.
        path = f"{at:%Y/%m/%d/%H%M}00.jpg" if number % 2 else f"{at:%Y-%m-%d_%H-%M-%S}.jpg"
        place.drop(path, timedelta(minutes=2))
        kept += at > place.now - 14 * DAY + EARLY
    place.drop("README.txt", 400 * DAY)
    place.begin(limit=RetentionLimit(duration=14 * DAY))

    tracemalloc.start()
    shown = place.preview()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 400_000  # it does not hold them
    assert (shown.due.count, shown.kept.count) == (10_000 - kept, kept)

    before = image(place.root)
    assert place.look() == 10_000 - kept
    gone = sorted(each for each in set(before) - set(image(place.root)) if before[each][3])
    assert len(gone) == 10_000 - kept
    assert len(list(place.root.rglob("*.jpg"))) == kept
    assert (place.root / "README.txt").exists()
    ended = place.entries("ended")
    assert sum(each.data["count"] for each in ended) == len(gone)  # type: ignore[misc]
    assert [each.data["left"] for each in ended] == [{}] * len(ended)
    assert {each.data["digest"] for each in ended} == {
        each.data["digest"] for each in place.entries("begun")
    }
    assert min(str(each.data["oldest_at"]) for each in ended)[:10] == f"{first:%Y-%m-%d}"
    assert {each.data["method"] for each in place.entries("begun")} == {METHOD}
    # Folders named for days that are over went with their files.
    days = {each.name for each in (place.root / "2026" / "11").iterdir()}
    assert days == {f"{day:02}" for day in range(8, 23)}


def test_what_is_no_footage_is_seen_before_anything_goes(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.begin(patterns=("*",))
    for ending, count in (("mp4", 3), ("JPG", 1), ("jpg", 1), ("db", 1), ("sqlite", 1)):
        for number in range(count):
            place.drop(f"door.d/{number}.{ending}", (number % 2) * 2 * DAY)
    place.drop("notes")
    place.drop("a.](http:evil)")
    place.drop("a.longerthan8")
    found = place.preview()
    assert found.kinds == (("mp4", 3), ("jpg", 2), ("db", 1), ("sqlite", 1))
    assert found.other_kinds == 3
    assert found.due.count + found.kept.count == 10

    for letter in "abcdefg":
        place.drop(f"x.{letter}")
    found = place.preview()
    assert [kind for kind, _ in found.kinds] == ["mp4", "jpg", *"abcd", "db", "e"]
    assert found.other_kinds == 6
    # However many there are, few are held in memory.
    monkeypatch.setattr(looks, "_MOST_KINDS", 2)
    found = place.preview()
    assert len(found.kinds) <= 2
    assert sum(count for _, count in found.kinds) + found.other_kinds == 17


# Time


def test_a_file_goes_before_its_limit_and_the_ledger_has_an_entry_an_hour(place: Place) -> None:
    limits = {}
    for minutes in range(0, 180, 5):
        file = place.drop(f"{minutes}.jpg", DAY - (180 + minutes) * MINUTE)
        limits[file] = place.now + (180 + minutes) * MINUTE
    while limits:
        place.look()
        for file in [each for each in limits if not each.exists()]:
            assert timedelta() <= limits.pop(file) - place.now <= EARLY
        place.site.clock.advance(10 * MINUTE)
    assert len(place.entries("ended")) <= 4


@pytest.mark.parametrize(
    ("limit", "expected"),
    [(HOUR, 11 * MINUTE), (12 * HOUR, 30 * MINUTE), (DAY, HOUR), (14 * DAY, HOUR)],
)
def test_how_early_a_file_goes(limit: timedelta, expected: timedelta) -> None:
    assert early(limit) == expected


def test_a_file_of_the_future_goes_by_when_it_was_first_seen(place: Place) -> None:
    file = place.drop("a.jpg", -400 * DAY)
    other = place.drop("20301231T000000.jpg", 10 * HOUR)
    place.look()
    assert place.snapshot().future == 2
    place.site.clock.advance(14 * HOUR)
    place.begin()
    assert place.look() == 1  # by the time of modification: the name cannot be believed
    assert not other.exists()
    place.site.clock.advance(9 * HOUR)
    place.begin()
    assert place.look() == 0  # an hour is left, and the next look is in ten minutes
    assert file.exists()
    place.site.clock.advance(50 * MINUTE)
    assert place.look() == 1
    assert not file.exists()


def test_what_was_first_seen_by_a_clock_that_was_ahead_is_not_kept_longer(place: Place) -> None:
    place.site.clock.offset = 300 * DAY
    place.site.clock.sync = True
    place.drop("a.jpg", -900 * DAY)
    place.look()
    place.site.clock.offset = timedelta()
    place.look()
    place.site.clock.advance(DAY)
    assert place.look() == 1


def test_a_database_of_first_sights_that_cannot_be_read_is_begun_anew(place: Place) -> None:
    (place.site.root / "folders.db").write_bytes(b"no database" * 1000)
    place.drop("a.jpg", -400 * DAY)
    place.look()
    place.site.clock.advance(DAY)
    assert place.look() == 1


def test_what_is_being_written_stays_whatever_its_name_says(place: Place) -> None:
    file = place.drop("20200101T000000.jpg", SECOND)
    assert place.look() == 0
    assert not place.snapshot().troubled
    place.site.clock.advance(MINUTE)
    assert place.look() == 1
    assert not file.exists()


def test_while_the_clock_is_doubted_nothing_goes(place: Place) -> None:
    file = place.drop("a.jpg", 10 * MINUTE)
    place.look()
    place.site.clock.offset = 3650 * DAY
    assert place.look() == 0
    assert place.keeper.look("drop") == 0
    assert file.exists()
    assert place.snapshot().files.count == 1
    assert place.entries("begun") == []
    place.site.clock.offset = timedelta()
    place.site.clock.advance(DAY)
    assert place.look() == 1


def test_an_approval_that_lapsed_and_a_limit_that_cannot_hold(place: Place) -> None:
    file = place.drop("a.jpg", 20 * DAY)
    review_at = place.now + HOUR
    limit = RetentionLimit(duration=30 * DAY, reason="why", approver="who", review_at=review_at)
    place.begin(limit=limit)
    assert place.look() == 0
    place.begin(limit=RetentionLimit(duration=timedelta()))
    with pytest.raises(RetentionError):
        place.look()
    assert file.exists()
    place.site.clock.advance(HOUR)
    place.begin(limit=limit)
    assert place.look() == 1


# What changes meanwhile


@contextmanager
def before_removal(monkeypatch: pytest.MonkeyPatch, *changes: object) -> Iterator[None]:
    """Let something happen between the listing and the removal."""
    real = Tree.remove

    def remove(self: Tree, files: Sequence[File]) -> Iterator[tuple[File, str | None]]:
        for each in changes:
            assert callable(each)
            each()
        return real(self, files)

    with monkeypatch.context() as patch:
        patch.setattr(Tree, "remove", remove)
        yield


def test_a_directory_that_is_swapped_for_a_link_is_not_followed(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a.jpg", "b.jpg"):
        place.drop(f"sub/below/{name}")
        (place.outside / "below").mkdir(exist_ok=True)
        # The very files, by another name: even what they are must not help.
        (place.outside / "below" / name).hardlink_to(place.root / "sub" / "below" / name)
    place.drop("c.jpg")
    before = image(place.outside)

    def swap() -> None:
        (place.root / "sub").rename(place.site.root / "away")
        (place.root / "sub").symlink_to(place.outside)

    with before_removal(monkeypatch, swap):
        assert place.look() == 1
    assert image(place.outside) == before
    assert len(list((place.site.root / "away" / "below").iterdir())) == 2
    [ended] = place.entries("ended")
    assert (ended.data["count"], ended.data["left"]) == (1, {"changed": 2})


def test_what_vanishes_or_changes_before_it_is_removed_is_no_error(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    vanishing, changing, swapped = (place.drop(f"{name}.jpg") for name in "abc")
    place.drop("d.jpg")
    place.drop("sub/e.jpg")
    secret = place.outside / "secret"
    secret.write_text("theirs")

    def change() -> None:
        vanishing.unlink()
        changing.write_text("written anew")
        swapped.unlink()
        swapped.symlink_to(secret)
        shutil.rmtree(place.root / "sub")

    with before_removal(monkeypatch, change):
        assert place.look() == 1
    assert changing.read_text() == "written anew"
    assert swapped.is_symlink()
    assert secret.read_text() == "theirs"
    [ended] = place.entries("ended")
    assert ended.data["left"] == {"changed": 2, "gone": 2}
    assert not place.snapshot().troubled


def test_what_vanishes_while_it_is_listed_is_no_error(place: Place) -> None:
    for number in range(40):
        place.drop(f"{number % 4}/{number}.jpg")
    left = sorted(place.root.rglob("*.jpg"))

    def vanish() -> bool:
        if len(left) > 20:
            left.pop().unlink()
        else:
            shutil.rmtree(place.root / "0", ignore_errors=True)
        return False

    found = preview(place.settings, DAY, place.now, vanish)
    assert 0 < found.due.count <= 40
    assert found.unreadable == 0


def test_a_link_in_the_way_or_nothing_there_is_said(place: Place) -> None:
    place.drop("a.jpg")
    link = place.site.root / "link"
    link.symlink_to(place.root)
    for path in (
        link,
        link / "sub",
        place.root / "a.jpg",
        place.root / "none",
        Path("/"),
        Path("x"),
    ):
        place.begin(path=path)
        with pytest.raises(FolderMissingError):
            place.look()
    assert (place.root / "a.jpg").exists()


def test_a_folder_that_became_what_is_spared_is_not_touched(place: Place) -> None:
    due = place.drop("a.jpg")
    # As where a configuration or a vault is mounted under another name.
    place.begin(spare=(place.root,))
    with pytest.raises(FolderMissingError):
        place.look()
    with pytest.raises(FolderMissingError):
        place.preview()
    assert due.exists()


def test_a_vault_or_another_directory_to_spare_is_not_entered(place: Place) -> None:
    inner = place.drop("vault/a.jpg")
    place.drop("b.jpg")
    place.begin(spare=(inner.parent, place.root / "none"))
    assert place.look() == 1
    assert inner.exists()
    assert place.preview().apart == 1


def test_folders_that_may_be_counted_on_stay(place: Place) -> None:
    place.drop("door/a.jpg")
    place.drop("2026-11-01/10/a.jpg")
    place.drop("2026-11-02/b.jpg")
    (place.root / "2026-11-02" / "note.txt").write_text("mine")
    (place.root / "2026-11-03").mkdir()
    assert place.look() == 3
    left = {each.name for each in place.root.iterdir()}
    assert left == {MARKER, "door", "2026-11-02", "2026-11-03"}
    [ended] = place.entries("ended")
    assert ended.data["folders"] == 2


def test_stopping_ends_a_look_at_once(place: Place) -> None:
    place.drop("a.jpg")
    place.keeper.request_stop()
    with pytest.raises(StoppedError):
        place.look()
    assert (place.root / "a.jpg").exists()


def test_deeper_than_can_be_walked_is_said_and_left(place: Place) -> None:
    folder = place.root
    for _ in range(70):
        folder /= "d"
    place.drop(str(folder.relative_to(place.root) / "a.jpg"))
    place.drop("b.jpg")
    assert place.look() == 1
    assert place.snapshot().unreadable == 1
    assert place.snapshot().troubled


# Records


def test_nothing_goes_that_the_ledger_did_not_take(place: Place) -> None:
    file = place.drop("a.jpg")
    place.site.faults.arm(0, crash=False)
    with pytest.raises(StorageError):
        place.look()
    assert file.exists()
    assert place.look() == 1


def test_a_crash_while_removing_leaves_a_record_of_what_was_begun(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(10):
        place.drop(f"{number}.jpg")
    before = image(place.root)
    del before[str(place.root / MARKER)]
    real = trees._remove

    def remove(directory: int, file: File) -> str | None:
        if len(list(place.root.glob("*.jpg"))) == 4:
            raise Crash
        return real(directory, file)

    with monkeypatch.context() as patch:
        patch.setattr(trees, "_remove", remove)
        with pytest.raises(Crash):
            place.look()
    [begun] = place.entries("begun")
    assert begun.data["digest"] == digest(place.root, before, sorted(before))
    assert place.entries("ended") == []
    left = sorted(str(each) for each in place.root.glob("*.jpg"))
    place.begin()
    assert place.look() == len(left) == 4
    [ended] = place.entries("ended")
    assert ended.data["digest"] == digest(place.root, before, left)
    assert ended.data["begun"] == place.entries("begun")[1].id


def test_what_cannot_be_removed_is_on_record_and_tried_again_a_day_later(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.drop("a.jpg")
    stuck = place.drop("stuck.jpg")
    real = os.unlink

    def unlink(path: str, *, dir_fd: int | None = None) -> None:
        if path == "stuck.jpg":
            raise PermissionError(1, "not permitted")
        real(path, dir_fd=dir_fd)

    with monkeypatch.context() as patch:
        patch.setattr(os, "unlink", unlink)
        assert place.look() == 1
        [ended] = place.entries("ended")
        assert (ended.data["count"], ended.data["left"]) == (1, {"EPERM": 1})
        for _ in range(3):
            assert place.look() == 0
        assert len(place.entries("ended")) == 1
        assert place.snapshot().overdue == 1
        [finding] = place.site.entries(EntryKind.FINDING)
        assert (finding.subject, finding.data["count"]) == ("drop", 1)
    assert place.look() == 0
    place.site.clock.advance(DAY)
    assert place.look() == 1
    assert not stuck.exists()
    assert not place.snapshot().troubled


def test_what_is_another_at_each_look_is_told_and_not_tried_for_ever(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd = place.drop("odd.jpg")
    with monkeypatch.context() as patch:
        patch.setattr(trees, "_remove", lambda directory, file: trees.CHANGED)
        for _ in range(4):
            assert place.look() == 0
    assert len(place.entries("ended")) == 2
    assert place.snapshot().overdue == 1
    [finding] = place.site.entries(EntryKind.FINDING)
    assert finding.data["count"] == 1
    place.site.clock.advance(DAY)
    assert place.look() == 1
    assert not odd.exists()


# Other disks


def test_another_disk_in_its_place_is_not_erased_from(place: Place) -> None:
    place.drop("a.jpg")
    marker = place.root / MARKER
    touch(marker, place.now - 2 * DAY)
    place.begin(patterns=("*", ".*"))
    assert place.look() == 1
    assert stat.S_IMODE(marker.stat().st_mode) == 0o600
    away = place.root.rename(place.site.root / "away")
    place.root.mkdir()
    due = place.drop("b.jpg")

    def refused() -> None:
        with pytest.raises(FolderForeignError):
            place.look()
        assert due.exists()

    refused()
    put(place.root, (), "another")
    refused()
    # Nothing that leads to the right marker, or stands in its place, is one.
    marker.unlink()
    marker.symlink_to(away / MARKER)
    refused()
    marker.unlink()
    os.mkfifo(marker)
    refused()
    marker.unlink()
    marker.mkdir()
    refused()
    with pytest.raises(OSError, match=MARKER):
        put(place.root, (), "the one")
    marker.rmdir()
    marker.symlink_to(away / "c.jpg")
    put(place.root, (), "the one")
    assert not (away / "c.jpg").exists()
    assert place.look() == 1
    assert not due.exists()

    # It goes with the management, and no other does.
    take_away(place.root, "another")
    assert marker.exists()
    take_away(place.root, "the one")
    assert not marker.exists()
    place.begin(mark=None)
    due = place.drop("d.jpg")
    refused()


@contextmanager
def mounted(target: Path, *how: str) -> Iterator[None]:
    if os.geteuid() != 0:
        pytest.skip("only root may mount a file system of its own")
    done = subprocess.run(["mount", *how, str(target)], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"this machine does not let us mount: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(target)], check=True)


@pytest.mark.parametrize("kind", ["another device", "the same device"])
def test_what_is_mounted_inside_is_not_entered(place: Place, kind: str) -> None:
    place.drop("a.jpg")
    mount = place.root / "mount"
    mount.mkdir()
    theirs = place.outside / "20200101T000000.jpg"
    theirs.write_text("theirs")
    how = ["-t", "tmpfs", "tmpfs"] if kind == "another device" else ["--bind", str(place.outside)]
    with mounted(mount, *how):
        inside = mount / theirs.name
        inside.write_text("theirs")
        assert place.look() == 1
        assert inside.read_text() == "theirs"
        assert place.preview().apart == 1


def test_a_read_only_disk_is_no_matter_for_the_ledger_each_time(place: Place) -> None:
    with mounted(place.root, "-t", "tmpfs", "tmpfs"):
        put(place.root, (), "the one")
        file = place.drop("a.jpg")
        subprocess.run(["mount", "-o", "remount,ro", str(place.root)], check=True)
        assert place.look() == 0
        assert place.look() == 0
        assert place.site.entries(EntryKind.FOLDER_PURGE) == []
        assert len(place.site.entries(EntryKind.FINDING)) == 1
        assert place.snapshot().overdue == 1
        subprocess.run(["mount", "-o", "remount,rw", str(place.root)], check=True)
        assert place.look() == 1
        assert not file.exists()
