"""A vault of real parts in a directory, with a clock that does as it is told, and what it holds."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

from custom_components.camera_steward.core.database import Database
from custom_components.camera_steward.core.files import Files, LocalFiles
from custom_components.camera_steward.core.media.boxes import StoredFragment, fragments
from custom_components.camera_steward.core.media.fragments import FragmentBuilder
from custom_components.camera_steward.core.model import Segment, SegmentState, to_micros
from custom_components.camera_steward.core.vault.index import METADATA, Index
from custom_components.camera_steward.core.vault.keys import KEY_NAME
from custom_components.camera_steward.core.vault.recovery import Recovery, recover
from custom_components.camera_steward.core.vault.vault import (
    FoundKind,
    Vault,
    create_identity,
    hour_of,
)
from custom_components.camera_steward.core.vault.verify import VerifyLevel, verify
from custom_components.camera_steward.core.vault.writer import SegmentWriter

from . import synthetic

START = datetime(2026, 11, 22, 3, 4, 5, tzinfo=UTC)
SECOND = timedelta(seconds=1)
LOSS = timedelta(seconds=10)
"""What a crash may cost at most (INV-2)."""
EVER = (datetime(1990, 1, 1, tzinfo=UTC), datetime(2090, 1, 1, tzinfo=UTC))
FAR_BACK = timedelta(days=36_500)
VAULT = UUID(int=0x5AFE)
SITE_KEY = bytes(range(32))
MARKER = b"marker of the plaintext, in every picture of these tests"


class ScriptedClock:
    """Time that passes only when told."""

    def __init__(self, now: datetime = START) -> None:
        self.at = now
        self.up = timedelta(hours=1)
        self.vouched: bool | None = True

    def now(self) -> datetime:
        return self.at

    def elapsed(self) -> timedelta:
        return self.up

    def synchronised(self) -> bool | None:
        return self.vouched

    def advance(self, by: timedelta) -> None:
        self.at += by
        self.up += by


def picture(number: int, size: int = 400) -> bytes:
    """Return a unit that is like no other and holds the marker."""
    noise = hashlib.shake_128(number.to_bytes(8)).digest(size)
    return b"\xff\xd8" + MARKER + number.to_bytes(8) + noise


@dataclass
class Recording:
    """A segment being written, and what was given to it and when."""

    segment: Segment
    writer: SegmentWriter
    clock: ScriptedClock
    builder: FragmentBuilder = field(default_factory=synthetic.builder)
    units: list[bytes] = field(default_factory=list)
    given_at: list[timedelta] = field(default_factory=list)

    def append(self, units: list[bytes]) -> None:
        """Give a fragment of a second, as time passes."""
        since = self.clock.now() - self.segment.stamp_at
        start_us = to_micros(self.segment.stamp_at + since) - to_micros(self.segment.stamp_at)
        made = synthetic.fragment(
            self.builder,
            units,
            to_micros(self.segment.stamp_at) + start_us,
        )
        self.clock.advance(SECOND)
        self.units += units
        self.given_at += [self.clock.elapsed()] * len(units)
        self.writer.append(made, start_us, keyframe=True)

    def seal(self) -> None:
        """End it as the recorder does."""
        length = self.clock.now() - self.segment.stamp_at
        self.writer.seal(length, self.builder.digests())

    def owed(self, at: timedelta) -> int:
        """Return how many of its units a crash at `at` may not take."""
        return sum(each <= at - LOSS for each in self.given_at)


class Site:
    """A vault, its index and its clock; `restart` is what a new process does first."""

    def __init__(
        self, folder: Path, files: Files | None = None, clock: ScriptedClock | None = None
    ) -> None:
        self.root = folder / "vault"
        self.index_path = folder / "index.db"
        self.files = files or LocalFiles()
        self.clock = clock or ScriptedClock()
        if not self.root.exists():
            create_identity(self.root, LocalFiles(), VAULT, self.clock.now())
        self.open()

    def open(self) -> None:
        """Open index and vault without recovery."""
        self.database = Database(self.index_path, METADATA)
        self.index = Index(self.database)
        self.vault = Vault(self.root, self.files, self.clock, VAULT, SITE_KEY, self.index)

    def close(self) -> None:
        """End the process."""
        self.database.close()

    def restart(self, *, lose_index: bool = False) -> list[Recovery]:
        """End the process, however it stood, and begin another."""
        self.close()
        if lose_index:
            for each in self.index_path.parent.glob("index.db*"):
                each.unlink()
        self.open()
        if not self.vault.index_complete:
            self.vault.rebuild_index()
        return recover(self.vault)

    def begin(self, camera: str = "door") -> Recording:
        """Begin a segment now."""
        stamp_at = self.clock.now()
        writer = self.vault.create_segment(camera, stamp_at, synthetic.HEADER.data)
        (segment,) = [
            each
            for each in self.index.open_segments()
            if each.sequence == self.index.last_sequence()
        ]
        return Recording(segment=segment, writer=writer, clock=self.clock)

    def record(self, camera: str = "door", seconds: int = 3, size: int = 400) -> Recording:
        """Record and seal a segment."""
        recording = self.begin(camera)
        for number in range(seconds):
            recording.append([picture(recording.segment.sequence * 1000 + number, size)])
        recording.seal()
        return recording

    def row(self, sequence: int) -> Segment:
        """Return a segment's row."""
        found = self.index.segment(sequence)
        assert found is not None
        return found

    def rows(self) -> list[Segment]:
        """Return all rows."""
        return [
            each
            for camera in self.index.cameras()
            for each in self.index.segments(camera, *EVER, overlap=FAR_BACK)
        ]

    def media(self, segment: Segment) -> bytes:
        """Return a segment's media."""
        reader = self.vault.open_segment(segment)
        try:
            return reader.read(0, reader.media_bytes)
        finally:
            reader.close()

    def units(self, segment: Segment) -> list[bytes]:
        """Return the units of a segment's first track, as the media's tables have them."""
        media = self.media(segment)
        return [unit for each in fragments(media) for unit in units_of(media, each)]

    def path(self, segment: Segment) -> Path:
        """Return where a segment's file is."""
        return self.vault.path_of(segment)

    def check(self) -> None:
        """Check that disk, index and keys agree, that all can be read, and nothing is in the clear.

        For a site that does not record.
        """
        found = list(self.vault.walk())
        assert [each for each in found if each.kind is FoundKind.OTHER] == []
        on_disk = {
            each.sequence: each.size_bytes for each in found if each.kind is FoundKind.SEGMENT
        }
        rows = self.rows()
        assert on_disk == {each.sequence: each.size_bytes for each in rows}
        assert all(each.state is not SegmentState.OPEN for each in rows)
        assert {p.parent for p in self.root.rglob(KEY_NAME)} == {
            self.root / each.camera / hour_of(each.stamp_at) for each in rows
        }
        folders = [each for each in self.root.rglob("*") if each.is_dir()]
        assert [each for each in folders if not any(each.iterdir())] == []
        assert list(verify(self.vault, rows, VerifyLevel.DIGEST)) == []
        self.check_secrecy()

    def check_secrecy(self) -> None:
        """Check that no plaintext is on disk (INV-6)."""
        for each in self.root.rglob("*"):
            assert not each.is_file() or MARKER not in each.read_bytes()


def units_of(media: bytes, each: StoredFragment) -> list[bytes]:
    """Return the units of a fragment's first run."""
    found = []
    at = each.offset + each.runs[0].data_at
    for size in each.runs[0].sizes:
        found.append(media[at : at + size])
        at += size
    return found


@contextmanager
def a_site(files: Files | None = None) -> Iterator[Site]:
    """Make a site in a directory of its own, in memory where the system has such a place."""
    memory = Path("/dev/shm")
    with TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        site = Site(Path(folder), files)
        try:
            yield site
        finally:
            site.close()
