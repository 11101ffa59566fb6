"""What finding, reading and erasing footage costs, with 161,280 segments in the index."""

import os
import random
import shutil
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, cast
from uuid import UUID

from bench.report import Bar, against, limited, middle
from bench.vaults import LIMIT, books, new_site, steward
from custom_components.camera_steward.core.books import Books
from custom_components.camera_steward.core.model import Segment, SegmentState
from custom_components.camera_steward.core.site import SiteSettings
from custom_components.camera_steward.core.vault.format import SegmentHeader, camera_digest
from custom_components.camera_steward.core.vault.vault import Vault
from tests.cameras import wait_for

CAMERAS = 8
DAYS = 14
A_DAY = 1440
ALL = CAMERAS * DAYS * A_DAY
_MINUTE = timedelta(minutes=1)
_STORED_BYTES = 22_500_000
_STORED = 40
_RANGE_BYTES = 65_536
_ERASED_BYTES = 4_000_000


def finding(folder: Path) -> list[Bar]:
    """Measure a day's listing, a start, and the first byte of a random range."""
    settings = new_site(folder / "full")
    site = books(settings)
    first_at = datetime.now(UTC).replace(microsecond=0) - timedelta(days=DAYS, hours=1)
    _fill(site, settings.vault, first_at)
    days = [
        (f"camera{camera}", first_at + timedelta(days=day))
        for camera in range(CAMERAS)
        for day in range(DAYS)
    ]
    random.Random(1).shuffle(days)  # noqa: S311
    ours, theirs = [], []
    media = _local_media(folder / "media")
    for day in days:
        ours.append(_milliseconds(partial(_list_day, site, *day)))
        theirs.append(_milliseconds(media))
    bars = [
        limited(
            f"a day's listing out of {ALL:,} segments",
            middle(ours),
            "ms",
            limit=5,
            peer="Home Assistant local media, a folder of 1,440 files",
            peer_value=middle(theirs),
        ),
        *_first_bytes(site, folder),
    ]
    site.close()
    return [*bars, *_starts(settings)]


def _starts(settings: SiteSettings) -> list[Bar]:
    """Start a whole site, up to the first picture of how it stands; then walk its disk."""
    again = steward(settings)
    again.start()
    began = time.perf_counter()
    wait_for(lambda: again.snapshot().last_statement_at, 1800)
    walked = time.perf_counter() - began
    again.stop(600)
    times = []
    for _ in range(5):
        # The statement of today is in the ledger: none of these begins another.
        again = steward(settings)
        began = time.perf_counter()
        again.start()
        again.snapshot()
        times.append(time.perf_counter() - began)
        again.stop(600)
    return [
        limited(f"start with {ALL:,} segments", middle(times), "s", limit=2),
        Bar(
            bar=f"daily statement: a walk of {ALL:,} files",
            value=walked,
            unit="s",
            peer="",
            peer_value=None,
            ratio=None,
            goal="",
            met=None,
        ),
    ]


def _fill(site: Books, vault: UUID, first_at: datetime) -> None:
    sequence = 0
    for day in range(DAYS):
        batch = []
        for minute in range(day * A_DAY, (day + 1) * A_DAY):
            for camera in range(CAMERAS):
                sequence += 1
                start_at = first_at + minute * _MINUTE
                batch.append(
                    Segment(
                        sequence=sequence,
                        camera=f"camera{camera}",
                        stamp_at=start_at,
                        start_at=start_at,
                        end_at=start_at + _MINUTE,
                        size_bytes=_STORED_BYTES,
                        state=SegmentState.SEALED,
                        digest=sequence.to_bytes(32),
                    )
                )
        site.index.add(batch)
        for segment in batch:
            touch(site.vault, vault, segment)
    site.vault.resume_after_recovery()


def touch(vault: Vault, vault_id: UUID, segment: Segment) -> None:
    """Put the header of a segment at its place: enough for all that does not read footage."""
    path = vault.path_of(segment)
    path.parent.mkdir(parents=True, exist_ok=True)
    header = SegmentHeader(
        vault=vault_id,
        camera=camera_digest(segment.camera),
        sequence=segment.sequence,
        stamp_at=segment.stamp_at,
        salt=bytes(32),
    )
    path.write_bytes(header.pack())


def _list_day(site: Books, camera: str, day_at: datetime) -> None:
    found = site.index.segments(camera, day_at, day_at + timedelta(days=1))
    if len(found) < A_DAY:
        raise RuntimeError(f"a day had {len(found)} segments")


def _local_media(folder: Path) -> Callable[[], object]:
    """Return what lists a camera-day's folder as Home Assistant's media browser does."""
    from homeassistant.components.media_source.local_source import LocalSource  # noqa: PLC0415

    day = folder / "camera0" / "day"
    day.mkdir(parents=True)
    for minute in range(A_DAY):
        (day / f"{minute:04}.mp4").touch()
    # Listing asks nothing of the running Home Assistant; it would add a hop to an executor.
    source = LocalSource(cast("Any", None), "media_source", "media", {"local": str(folder)}, "/m")
    return lambda: source._browse_media("local", "camera0/day")  # noqa: SLF001


def _first_bytes(site: Books, folder: Path) -> list[Bar]:
    """Read 64 KiB from random places of stored minutes, from memory and from disk."""
    now = datetime.now(UTC).replace(microsecond=0)
    piece = os.urandom(750_000)
    stored, plain = [], []
    (folder / "plain").mkdir()
    for number in range(_STORED):
        stamp_at = now - (_STORED - number) * _MINUTE
        writer = site.vault.create_segment("stored", stamp_at, b"header")
        for part in range(_STORED_BYTES // len(piece)):
            writer.append(piece, part * 2_000_000, keyframe=True)
        writer.seal(_MINUTE, {1: bytes(32)})
        stored.append(stamp_at)
        path = folder / "plain" / f"{number}.mp4"
        with path.open("wb") as file:
            file.write(piece * (_STORED_BYTES // len(piece)))
            os.fsync(file.fileno())
        plain.append(path)
    choice = random.Random(2)  # noqa: S311

    def ours(stamp_at: datetime, offset: int) -> None:
        found = site.index.segments("stored", stamp_at, stamp_at + _MINUTE / 60)
        reader = site.vault.open_segment(found[-1])
        data = reader.read(offset, _RANGE_BYTES)
        reader.close()
        if len(data) != _RANGE_BYTES:
            raise RuntimeError(f"{len(data)} bytes")

    def theirs(path: Path, offset: int) -> None:
        with path.open("rb") as file:
            file.seek(offset)
            file.read(_RANGE_BYTES)

    bars = []
    for name in ("from memory", "from disk"):
        times: tuple[list[float], list[float]] = ([], [])
        for _ in range(200):
            number = choice.randrange(_STORED)
            offset = choice.randrange(_STORED_BYTES - 2 * _RANGE_BYTES)
            if name == "from disk":
                found = site.index.segments("stored", stored[number], stored[number] + _MINUTE / 60)
                _forget_pages(site.vault.path_of(found[-1]))
                _forget_pages(plain[number])
            times[0].append(_milliseconds(partial(ours, stored[number], offset)))
            times[1].append(_milliseconds(partial(theirs, plain[number], offset)))
        bars.append(
            limited(
                f"64 KiB of a random place, {name}",
                middle(times[0]),
                "ms",
                limit=20,
                peer="plain file: open, seek, read",
                peer_value=middle(times[1]),
            )
        )
    shutil.rmtree(folder / "plain")
    return bars


def _forget_pages(path: Path) -> None:
    with path.open("rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def purging(folder: Path, rounds: int = 3) -> list[Bar]:
    """Erase a camera-day of 1,440 segments with its record, and the same files by plain unlink."""
    ours, theirs = [], []
    for number in range(rounds):
        site = _due_day(folder / f"site{number}")
        began = time.perf_counter()
        result = site.keeper.run(close=True)
        ours.append(time.perf_counter() - began)
        if result.erased != A_DAY or not result.records:
            raise RuntimeError(f"{result.erased} were erased")
        site.close()
        shutil.rmtree(folder / f"site{number}")
        site = _due_day(folder / f"plain{number}")
        paths = sorted((folder / f"plain{number}").rglob("*.seg"))
        began = time.perf_counter()
        for path in paths:
            path.unlink()
        theirs.append(time.perf_counter() - began)
        site.close()
        shutil.rmtree(folder / f"plain{number}")
    return [
        against(
            "purge of 1,440 segments of 4 MB with its record",
            middle(ours),
            "s",
            "plain unlink of the same files",
            middle(theirs),
            at_most=2,
        )
    ]


def _due_day(folder: Path) -> Books:
    """Make a day of sealed segments that is past its limit; each file allocated to 4 MB."""
    site = books(new_site(folder))
    first_at = (datetime.now(UTC) - LIMIT - timedelta(days=2)).replace(
        hour=0, minute=0, second=0, microsecond=0
    )
    for minute in range(A_DAY):
        stamp_at = first_at + minute * _MINUTE
        writer = site.vault.create_segment("camera0", stamp_at, b"header")
        writer.seal(_MINUTE, {1: bytes(32)})
    for path in folder.rglob("*.seg"):
        _allocate(path)
    os.sync()
    return site


def _allocate(path: Path) -> None:
    fd = os.open(path, os.O_RDWR)
    try:
        os.posix_fallocate(fd, 0, _ERASED_BYTES)
    finally:
        os.close(fd)


def _milliseconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - began)
