"""Videos of a managed folder go into the vault, whole and once, and only then out of the folder."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, nullcontext, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from tempfile import mkdtemp
from zoneinfo import ZoneInfo

import pytest

from custom_components.camera_steward.core.copies import tree as trees
from custom_components.camera_steward.core.copies.dates import AgeBy, begun_at
from custom_components.camera_steward.core.copies.folders import (
    FolderSettings,
    ImportSettings,
    preview,
)
from custom_components.camera_steward.core.copies.imports import ImportBook, Outcome
from custom_components.camera_steward.core.copies.keeper import FolderKeeper
from custom_components.camera_steward.core.copies.marker import MARKER, put
from custom_components.camera_steward.core.disclosure.package import VaultSource
from custom_components.camera_steward.core.disclosure.reel import Reel
from custom_components.camera_steward.core.errors import StoppedError, StorageError
from custom_components.camera_steward.core.ledger.entry import EntryKind
from custom_components.camera_steward.core.media.boxes import UnitDigest, fragments, tracks
from custom_components.camera_steward.core.model import EraseRule, Segment, SegmentState
from custom_components.camera_steward.core.retention.limits import RetentionLimit
from custom_components.camera_steward.core.vault.index import Index
from custom_components.camera_steward.core.vault.recovery import recover_camera
from custom_components.camera_steward.core.vault.verify import VerifyLevel, verify
from custom_components.camera_steward.core.viewing.playback import Piece, lay_out
from tests.cameras import Clip, packets, unit_digest, units

from .package_site import wanted
from .retention_site import (
    CEILING,
    DAY,
    HOUR,
    MINUTE,
    SECOND,
    START,
    Crash,
    Faults as SiteFaults,
    Site,
    a_site,
)
from .viewing_site import Words

TOKYO = ZoneInfo("Asia/Tokyo")
FAR = (START - 30 * DAY, START + 30 * DAY)
CLIP = Clip(seconds=6, b_frames=2, in_band=False, audio="aac")


@cache
def movie(clip: Clip = CLIP, suffix: str = ".mp4", *how: str) -> bytes:
    """Return a clip in a container, its packets as they are."""
    folder = Path(mkdtemp())
    target = folder / f"clip{suffix}"
    command = ["ffmpeg", "-v", "error", "-i", str(clip.path()), "-c", "copy", *how, str(target)]
    try:
        subprocess.run(command, check=True)
        return target.read_bytes()
    finally:
        shutil.rmtree(folder)


class Place:
    """A site with a folder whose videos are imported under the camera `door`."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.root = site.root / "drop"
        self.root.mkdir()
        self.settings = FolderSettings(
            folder="drop",
            path=self.root,
            patterns=("*",),
            age_by=AgeBy.NAME,
            zone=TOKYO,
            limit=RetentionLimit(duration=7 * DAY),
            into=ImportSettings(camera="door", audio=False, segment_length=2 * SECOND),
            mark="the one",
        )
        put(self.root, (), "the one")
        site.limits["door"] = 5 * DAY
        self.begin()

    def begin(self) -> None:
        """Begin a process of its own."""
        self.keeper = FolderKeeper(
            [self.settings],
            state=self.site.root / "folders.db",
            ceiling=CEILING,
            ledger=self.site.ledger,
            guard=self.site.guard,
            importer=self.site.importer,
            on_event=lambda event: None,
        )

    def restart(self) -> None:
        """Begin anew, as after a crash."""
        self.site.restart()
        self.site.guard.tick()
        self.begin()

    @property
    def now(self) -> datetime:
        return self.site.clock.true_at

    def drop(
        self, content: bytes, ago: timedelta = HOUR, suffix: str = ".mp4", name: str = ""
    ) -> Path:
        """Put a clip there that began so long ago, by its name, and was then written."""
        at = self.now - ago
        file = self.root / (name or f"{at.astimezone(TOKYO):%Y%m%dT%H%M%S}{suffix}")
        file.write_bytes(content)
        os.utime(file, (at.timestamp() + 7, at.timestamp() + 7))
        return file

    def look(self) -> int:
        self.site.guard.tick()
        return self.keeper.look("drop", "someone")

    def left(self) -> dict[Outcome, int]:
        return dict(self.keeper.snapshots()["drop"].not_imported)

    def segments(self) -> list[Segment]:
        found = self.site.index.segments("door", *FAR)
        assert list(verify(self.site.vault, found, VerifyLevel.DIGEST)) == []
        return found

    def files(self) -> list[str]:
        return sorted(each.name for each in self.root.iterdir() if each.name != MARKER)

    def units(self) -> list[bytes]:
        """Return the digest of each track's units over all that is stored, in order of time."""
        measures: dict[int, UnitDigest] = {}
        for segment in self.segments():
            with closing(self.site.vault.open_segment(segment)) as reader:
                nal = {each.track: each.nal for each in tracks(reader.header())}
                for entry in reader.trailer.fragments:
                    data = reader.read(entry.offset, entry.length)
                    for found in fragments(data):
                        for run in found.runs:
                            measure = measures.setdefault(run.track, UnitDigest(nal=nal[run.track]))
                            end = run.data_at + sum(run.sizes)
                            measure.add(run.sizes, data[run.data_at : end])
        return [measures[number].digest() for number in sorted(measures)]


@pytest.fixture
def place() -> Iterator[Place]:
    with a_site() as site:
        yield Place(site)


def test_a_clip_is_stored_as_it_is_under_its_own_time_and_then_erased_on_record(
    place: Place,
) -> None:
    file = place.drop(movie())
    content, begun = file.read_bytes(), (place.now - HOUR).replace(microsecond=0)
    still = place.drop(b"\xff\xd8picture", suffix=".jpg")
    assert preview(place.settings, 7 * DAY, place.now).videos == 1

    assert place.look() == 1
    assert place.files() == [still.name]
    assert place.left() == {Outcome.NO_VIDEO: 1}
    assert place.units() == [unit_digest(CLIP.units())]
    segments = place.segments()
    starts = [(each.stamp_at - begun).total_seconds() for each in segments]
    assert starts == pytest.approx([0, 2, 4], abs=0.001)
    assert {each.state for each in segments} == {SegmentState.SEALED}
    assert (segments[-1].end_at - begun).total_seconds() == pytest.approx(6, abs=0.2)

    [entry] = place.site.entries(EntryKind.FOLDER_IMPORT)
    assert (entry.subject, entry.actor, entry.data["camera"]) == ("drop", "someone", "door")
    assert entry.data["content"] == sha256(content).hexdigest()
    assert entry.data["start_at"] == begun.isoformat()
    told = entry.data["segments"]
    assert isinstance(told, list)
    assert [each["sequence"] for each in told] == [each.sequence for each in segments]
    for each, segment in zip(told, segments, strict=True):
        with closing(place.site.vault.open_segment(segment)) as reader:
            assert each["units"] == [reader.trailer.digests[1].hex()]
    begin, end = place.site.entries(EntryKind.FOLDER_PURGE)
    assert begin.id == entry.id + 1
    for each in (begin, end):
        assert (each.data["reason"], each.data["count"]) == ("imported", 1)
        assert each.data["digest"] == entry.data["digest"]
    assert file.name not in str([entry.data, begin.data, end.data])

    # Once is enough, and from here on it is footage as any other.
    assert place.look() == 0
    place.site.clock.advance(5 * DAY - HOUR)
    place.site.keeper.run()
    assert place.segments() == []


@pytest.mark.parametrize(
    ("clip", "suffix", "how"),
    [
        (Clip(video="h265", seconds=4, audio="aac", in_band=False), ".mp4", ()),
        (Clip(seconds=4, b_frames=2, audio="opus"), ".mkv", ()),
        (Clip(seconds=4), ".ts", ()),
        (Clip(seconds=4, audio="aac"), ".mp4", ("-movflags", "frag_keyframe+empty_moov")),
    ],
)
def test_whatever_the_container_all_units_arrive_with_sound_where_the_camera_has_it(
    place: Place, clip: Clip, suffix: str, how: tuple[str, ...]
) -> None:
    assert place.settings.into is not None
    place.settings = replace(place.settings, into=replace(place.settings.into, audio=True))
    place.begin()
    content = movie(clip, suffix, *how)
    file = place.drop(content, suffix=suffix)
    expected = [unit_digest(units(file))]
    if clip.audio:
        expected.append(unit_digest(packets(file, "audio")))
    assert place.look() == 1
    assert place.units() == expected


def test_pictures_that_an_edit_list_hides_are_stored(place: Place) -> None:
    file = place.drop(movie(CLIP, ".mp4", "-ss", "1.5"))
    whole = unit_digest(units(file))
    assert place.look() == 1
    assert place.units() == [whole]


def test_what_cannot_be_imported_stays_and_is_not_tried_again(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = movie()
    fast = movie(CLIP, ".mp4", "-movflags", "faststart")
    dropped = {
        Outcome.DAMAGED: place.drop(fast[: len(fast) // 2], 2 * HOUR),
        Outcome.UNSUPPORTED: place.drop(b"#EXTM3U\n#EXTINF:9,\nfile:///etc/passwd\n", 3 * HOUR),
        Outcome.UNDATED: place.drop(whole, name="20261120.mp4"),
        Outcome.TOO_OLD: place.drop(whole, 6 * DAY),
        Outcome.OVERLAPS: place.drop(whole, 10 * HOUR),
    }
    stamp = place.now - 10 * HOUR
    place.site.record("door", ago=10 * HOUR - 3 * SECOND)
    place.drop(whole[:5000], 4 * HOUR)
    place.drop(b"", 5 * HOUR)
    names = place.files()
    assert place.look() == 0
    assert place.left() == dict.fromkeys(dropped, 1) | {Outcome.UNSUPPORTED: 3}
    assert place.files() == names
    found = place.site.index.segments("door", *FAR)
    assert [each.stamp_at for each in found] == [stamp + 3 * SECOND]
    assert place.site.entries(EntryKind.FOLDER_IMPORT) == []
    assert place.site.records() == []

    before = place.left()
    place.restart()
    with monkeypatch.context() as patch:
        patch.setattr("custom_components.camera_steward.core.copies.tree.Tree.open", _never)
        assert place.look() == 0
    assert place.left() == before
    # One that changed is another file.
    dropped[Outcome.DAMAGED].write_bytes(whole)
    at = (place.now - MINUTE).timestamp()
    os.utime(dropped[Outcome.DAMAGED], (at, at))
    assert place.look() == 1


def _never(*_: object) -> int:
    raise AssertionError("opened again")


def test_clips_that_follow_each_other_and_only_touch_are_all_imported(place: Place) -> None:
    for ago in (60, 55, 50):
        place.drop(movie(), HOUR + ago * SECOND)
    assert place.look() == 3
    segments, vault = place.segments(), place.site.vault
    assert len(segments) == 9

    # What overlaps by a second is shown and handed over whole, and nothing seems to be missing.
    played = lay_out(vault, segments, lambda start, end: True, (), Words())
    assert played is not None
    assert all(isinstance(each, Piece) for each in played.pieces)
    for before, after in pairwise(played.pieces):
        assert before.at + before.length == after.at
    assert "DISCONTINUITY" not in played.listed(played.names(stored=True), stored=True)
    span = wanted("door", segments[0].start_at, segments[-1].end_at)
    reel = Reel(VaultSource(vault), span)
    handed = [each.part.segment.sequence for each in reel.pieces()]
    assert reel.missing == []
    for each in segments:
        with closing(vault.open_segment(each)) as reader:
            assert handed.count(each.sequence) == len(reader.trailer.fragments)


def test_nothing_is_imported_while_the_clock_is_doubted_or_a_file_is_written(
    place: Place,
) -> None:
    file = place.drop(movie())
    at = (place.now - 30 * SECOND).timestamp()
    os.utime(file, (at, at))
    assert place.look() == 0
    place.site.clock.advance(MINUTE)
    place.site.clock.offset = 3 * HOUR
    assert place.look() == 0
    assert not place.site.guard.trusted
    place.site.clock.offset = timedelta()
    assert place.look() == 1
    assert len(place.segments()) == 3


def test_without_space_a_file_waits(place: Place) -> None:
    place.drop(movie())
    place.site.reserve_bytes = place.site.vault.space().total_bytes
    assert place.look() == 0
    assert place.left() == {Outcome.NO_SPACE: 1}
    assert place.segments() == []
    place.site.reserve_bytes = 0
    assert place.look() == 1


@pytest.mark.parametrize("stops", [True, False], ids=["a stop", "ten minutes"])
def test_what_is_broken_off_in_the_middle_is_taken_back(
    place: Place, monkeypatch: pytest.MonkeyPatch, stops: bool
) -> None:
    place.drop(movie(), 2 * HOUR)
    place.drop(movie())
    stored = type(place.site.vault).create_segment

    def create(*given: object) -> object:
        if stops:
            place.keeper.request_stop()
        else:
            place.site.clock.advance(10 * MINUTE)
        return stored(*given)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(type(place.site.vault), "create_segment", create)
        with pytest.raises(StoppedError) if stops else nullcontext():
            place.look()
    assert place.segments() == []
    [record] = place.site.records()
    assert record.rule is EraseRule.IMPORT
    # A file that takes too long waits for a day, and keeps no other from its turn.
    place.restart()
    assert place.look() == (2 if stops else 1)
    place.site.clock.advance(DAY)
    assert place.look() == (0 if stops else 1)
    assert len(place.segments()) == 6


def test_a_reconnecting_recorder_leaves_alone_what_is_being_imported(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.drop(movie())
    stored = type(place.site.vault).create_segment

    def create(*given: object) -> object:
        writer = stored(*given)  # type: ignore[arg-type]
        assert recover_camera(place.site.vault, "door") == []
        return writer

    with monkeypatch.context() as patch:
        patch.setattr(type(place.site.vault), "create_segment", create)
        assert place.look() == 1
    assert {each.state for each in place.segments()} == {SegmentState.SEALED}
    assert place.units() == [unit_digest(CLIP.units())]


def test_a_lost_note_imports_nothing_twice(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    file = place.drop(movie())
    with monkeypatch.context() as patch:
        patch.setattr(
            "custom_components.camera_steward.core.copies.folders.Look.erase_imported",
            lambda *_: 0,
        )
        assert place.look() == 0
    assert file.exists()
    for each in place.site.root.glob("folders.db*"):
        each.unlink()
    place.restart()
    assert place.look() == 1
    assert len(place.segments()) == 3
    assert len(place.site.entries(EntryKind.FOLDER_IMPORT)) == 1


class Faults:
    """The faults of the site that is looked at."""

    now: SiteFaults | None = None


def _between(faults: Faults, call: Callable[..., object]) -> Callable[..., object]:
    """Return a call with places for a fault before it and after it has taken effect."""

    def called(*given: object, **named: object) -> object:
        assert faults.now is not None
        with faults.now.around():
            return call(*given, **named)

    return called


@pytest.mark.parametrize("crash", [True, False], ids=["crash", "fault"])
def test_whatever_fails_a_file_is_imported_once_and_never_lost(
    crash: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing = Faults()
    for place_of, name in (
        *((ImportBook, each) for each in ("begin", "stored", "end")),
        *((Index, each) for each in ("add", "seal")),
        (trees, "_remove"),
    ):
        monkeypatch.setattr(place_of, name, _between(failing, getattr(place_of, name)))
    clip = Clip(seconds=3)
    content, expected = movie(clip), unit_digest(clip.units())
    at = 0
    while True:
        with a_site() as site:
            failing.now = site.faults
            place = Place(site)
            site.guard.tick()
            place.drop(content)
            site.faults.arm(at, crash=crash)
            with suppress(Crash, StorageError):
                place.keeper.look("drop")
            hit = site.faults.hit
            # Whole in the folder, or whole in the vault: nothing between.
            if not place.files():
                assert place.units() == [expected]
            if crash:
                place.restart()
            site.faults.disarm()
            assert place.files() or place.units() == [expected]
            place.look()
            for _ in range(2):
                site.clock.advance(DAY + SECOND)
                place.look()
            assert place.files() == []
            assert place.units() == [expected]
            assert len(place.segments()) == 2
            assert len(site.entries(EntryKind.FOLDER_IMPORT)) == 1
            assert site.index.marked() == []
            assert site.index.open_segments() == []
            site.restart()  # what seems to have failed and was done is tidied up at the next start
            assert len(site.on_disk()) == 2
        if not hit:
            break
        # A crash after one call is one before the next.
        at += 2 if crash else 1
    assert at > 50


@pytest.mark.parametrize(
    ("name", "modified", "begun"),
    [
        ("20261122T101500.mp4", "10:15:40", "10:15:00"),
        ("2026-11-22_10-15.mp4", "10:15:40", "10:15:20"),
        ("2026-11-22_10-15.mp4", "10:17:00", "10:15:00"),
        ("2026-11-22_10-15.mp4", "10:15:10", "10:15:00"),
        ("20261122.mp4", "10:15:40", "10:15:20"),
        ("20261121.mp4", "10:15:40", None),
        ("clip.mp4", "10:15:40", "10:15:20"),
        ("20261122T111500.mp4", "10:15:40", "10:15:20"),
        ("20261123T111500.mp4", "10:15:40", None),
    ],
)
def test_a_clip_begins_at_its_name_or_ends_when_it_was_written(
    name: str, modified: str, begun: str | None
) -> None:
    day = datetime(2026, 11, 22, tzinfo=UTC)

    def at(text: str) -> datetime:
        hour, minute, second = map(int, text.split(":"))
        return day.replace(hour=hour, minute=minute, second=second)

    written = int(at(modified).timestamp()) * 1_000_000_000
    found = begun_at(name, written, AgeBy.NAME, UTC, at("12:00:00"), 20 * SECOND)
    assert found == (at(begun) if begun else None)
