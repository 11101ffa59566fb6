"""A package as the police get it, checked with stock tools: 7-Zip, sha256sum, ssh-keygen, ffprobe."""

import json
import re
import shutil
import subprocess
import tracemalloc
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from itertools import zip_longest
from pathlib import Path
from typing import override

import pytest

from custom_components.camera_steward.core.disclosure import signing
from custom_components.camera_steward.core.disclosure.package import VaultSource
from custom_components.camera_steward.core.disclosure.papers import record
from custom_components.camera_steward.core.disclosure.passwords import ALPHABET, make_password
from custom_components.camera_steward.core.disclosure.reel import (
    Missing,
    MissingCause,
    WantedSpan,
)
from custom_components.camera_steward.core.errors import (
    NoFootageError,
    SegmentMissingError,
    SpanEmptyError,
    SpanFutureError,
    StorageError,
)
from custom_components.camera_steward.core.ledger.entry import Checkpoint
from custom_components.camera_steward.core.model import Gap, GapCause, Segment, SegmentState
from custom_components.camera_steward.core.vault.format import HEADER_BYTES, SEALED_CHUNK_BYTES
from custom_components.camera_steward.core.vault.reader import SegmentReader
from tests.cameras import Clip, packets, run_of, unit_digest, units

from .package_site import (
    COMMANDS,
    DOOR,
    DOOR_LATER,
    KEY,
    ORDER,
    PASSWORD,
    SEGMENT,
    YARD,
    Packed,
    a_recorded_site,
    documented,
    package,
    packed,
    passes,
    unpack,
    wanted,
)
from .played import file_source, play
from .vault_site import Site, a_site

FINGERPRINT = signing.fingerprint(KEY.public_key())
SECOND = timedelta(seconds=1)


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with a_recorded_site() as made:
        yield made


@pytest.fixture(scope="module")
def whole(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Packed:
    """All that is kept of both cameras, from ten seconds before the first picture on."""
    spans = [wanted(each, *edges(site, each)) for each in ("door", "yard")]
    spans[0] = replace(spans[0], start_at=spans[0].start_at - 10 * SECOND)
    checkpoint = Checkpoint.sign(KEY, chain="c" * 32, count=7, head="a" * 64, at=site.clock.now())
    made = package(site, spans, site.clock.now(), checkpoint=checkpoint)
    return packed(made, tmp_path_factory.mktemp("whole"))


def edges(site: Site, camera: str) -> tuple[datetime, datetime]:
    mine = [each for each in site.rows() if each.camera == camera]
    return mine[0].start_at, mine[-1].end_at


def manifest(found: Packed) -> dict[str, object]:
    read: dict[str, object] = json.loads((found.folder / "manifest.json").read_text())
    return read


def videos(found: Packed, camera: str) -> list[Path]:
    return [found.folder / each.file.name for each in found.result.videos if each.camera == camera]


def test_what_the_package_says_to_type_succeeds(whole: Packed) -> None:
    for language in ("en", "ja"):
        assert documented(whole.folder, language) == list(COMMANDS)
        text = (whole.folder / f"READ-ME.{language}.txt").read_text()
        assert FINGERPRINT in text
        assert ORDER.contact in text
    assert passes(whole.folder, FINGERPRINT)


def test_the_archive_is_what_our_side_says_it_is(whole: Packed) -> None:
    data = whole.archive.read_bytes()
    result = whole.result
    assert (result.whole, result.size_bytes) == (True, len(data))
    assert result.sha256 == sha256(data).hexdigest()
    on_disk = {
        str(each.relative_to(whole.folder)): sha256(each.read_bytes()).hexdigest()
        for each in whole.folder.rglob("*")
        if each.is_file()
    }
    assert on_disk == {each.name: each.sha256 for each in result.files}
    lines = (whole.folder / "SHA256SUMS").read_text().splitlines()
    sums = {name: digest for digest, name in (line.split("  ") for line in lines)}
    assert sums == {name: on_disk[name] for name in on_disk if not name.startswith("SHA256SUMS")}
    assert not any("door" in name or "yard" in name for name in on_disk)
    listed = subprocess.run(
        ["7zz", "l", "-slt", f"-p{PASSWORD}", whole.archive], capture_output=True, check=True
    ).stdout.decode()
    assert listed.count("Method = AES-256") == listed.count("Encrypted = +") == len(on_disk)
    assert all(each not in data for each in DOOR.samples())


@pytest.mark.parametrize(
    ("camera", "clips", "ends"),
    [("door", [DOOR, DOOR_LATER], [".mp4", ".mov"]), ("yard", [YARD], [".mov"])],
)
def test_footage_is_what_the_cameras_sent(
    whole: Packed, camera: str, clips: list[Clip], ends: list[str]
) -> None:
    found = videos(whole, camera)
    assert [each.suffix for each in found] == ends
    told = [each for each in whole.result.videos if each.camera == camera]
    for path, clip, video in zip(found, clips, told, strict=True):
        assert units(path) == clip.units()
        assert packets(path, "audio") == clip.audio_packets()
        assert list(video.digests.values()) == [
            unit_digest(clip.units()).hex(),
            unit_digest(units(clip.path(), "audio")).hex(),
        ]
        for command in (
            ["ffprobe", "-v", "warning", "-show_packets", str(path)],
            ["ffmpeg", "-v", "error", "-xerror", "-i", str(path), "-f", "null", "-"],
        ):
            done = subprocess.run(command, capture_output=True, check=True)
            assert done.stderr == b""


def test_the_manifest_says_what_is_there_and_what_is_not(site: Site, whole: Packed) -> None:
    read = manifest(whole)
    assert read["number"] == ORDER.number
    assert read["signed_by"] == FINGERPRINT
    checkpoint = read["ledger_checkpoint"]
    assert isinstance(checkpoint, dict)
    assert Checkpoint.from_data(checkpoint).is_signed_by(KEY.public_key())
    rows = {each.sequence: each for each in site.rows()}
    chained = []
    for video in whole.result.videos:
        parts = json.loads((whole.folder / video.parts.name).read_text())
        assert parts["video"] == video.file.name
        for part in parts["segments"]:
            row = rows[part["segment"]]
            assert part["whole"] is True
            assert part["units"] == part["stored_units"]
            assert part["segment_digest"] == row.digest.hex()
            chained.append(part["segment"])
    assert sorted(chained) == sorted(rows)
    start, _ = edges(site, "door")
    missing = [(each.end_at - each.start_at, each.causes) for each in whole.result.missing]
    assert missing[0] == (10 * SECOND, ("no_footage",))
    assert abs(missing[1][0] - 20 * SECOND) < SECOND
    assert missing[1][1] == ("unreachable",)
    assert len(missing) == 2
    assert read["missing"] == [
        {
            "camera": "door",
            "start_at": each.start_at.isoformat(),
            "end_at": each.end_at.isoformat(),
            "causes": list(each.causes),
        }
        for each in whole.result.missing
    ]
    assert whole.result.missing[0].end_at == start


def test_one_flipped_byte_in_any_file_is_found(whole: Packed, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(whole.folder, folder)
    found = [each for each in folder.rglob("*") if each.is_file()]
    assert len(found) == len(whole.result.files)
    for path in found:
        data = path.read_bytes()
        # Behind its last line the signature's file says nothing.
        for at in {0, len(data) // 3, len(data) - 2}:
            path.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
            assert not passes(folder, FINGERPRINT), f"{path.name} at {at}"
        path.write_bytes(data)
    assert passes(folder, FINGERPRINT)


def test_a_flipped_byte_of_the_archive_is_found(whole: Packed, tmp_path: Path) -> None:
    data = whole.archive.read_bytes()
    copy = tmp_path / "flipped.zip"
    found = 0
    places = range(1000, len(data), len(data) // 12)
    for at in places:
        flipped = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
        assert sha256(flipped).hexdigest() != whole.result.sha256
        copy.write_bytes(flipped)
        tested = subprocess.run(
            ["7zz", "t", f"-p{PASSWORD}", copy], capture_output=True, check=False
        )
        found += tested.returncode != 0
    # The last may lie in a date or in the directory, of which 7-Zip takes no sum.
    assert found >= len(places) - 1


def test_a_wrong_password_opens_nothing(whole: Packed, tmp_path: Path) -> None:
    wrong = make_password()
    assert unpack(whole.archive, tmp_path / "opened", wrong).returncode != 0
    assert not any(each.stat().st_size for each in tmp_path.rglob("*") if each.is_file())


def test_another_key_is_told_by_its_fingerprint(whole: Packed, tmp_path: Path) -> None:
    """Who replaces everything, key and all, is found by comparing by another way."""
    assert not passes(whole.folder, "SHA256:" + "A" * 43)


def test_passwords_are_of_100_bits_and_never_the_same() -> None:
    found = {make_password() for _ in range(200)}
    assert len(found) == 200
    assert len(ALPHABET) == 32
    assert not set(ALPHABET) & set("01OI")
    assert all(re.fullmatch(f"([{ALPHABET}]{{4}}-){{4}}[{ALPHABET}]{{4}}", each) for each in found)


def test_a_span_is_cut_at_the_keyframe_before_and_behind_its_end(
    site: Site, tmp_path: Path
) -> None:
    start, _ = edges(site, "door")
    span = wanted("door", start + 1.5 * SECOND, start + 3.2 * SECOND)
    found = packed(package(site, [span], site.clock.now()), tmp_path)
    [video] = found.result.videos
    assert video.start_at <= span.start_at
    assert video.end_at >= span.end_at
    assert video.end_at - video.start_at < 4 * SECOND
    cut = units(found.folder / video.file.name)
    sent = DOOR.units()
    assert run_of(cut, sent)
    assert len(cut) < len(sent)
    parts = json.loads((found.folder / video.parts.name).read_text())["segments"]
    assert False in [each["whole"] for each in parts]
    assert found.result.missing == ()
    assert passes(found.folder, FINGERPRINT)


def test_an_hour_that_ends_begins_another_file_that_goes_on(tmp_path: Path) -> None:
    with a_site() as site:
        site.clock.advance(timedelta(minutes=55, seconds=55) - 3 * SECOND)
        play(site, "door", file_source(DOOR.path()), segment_length=SEGMENT)
        found = packed(
            package(site, [wanted("door", *edges(site, "door"))], site.clock.now()), tmp_path
        )
    first, second = found.result.videos
    assert (first.continues, second.continues) == (None, first.file.name)
    assert second.start_at >= datetime(2026, 11, 22, 4, tzinfo=UTC)
    both = [unit for each in videos(found, "door") for unit in units(each)]
    assert both == DOOR.units()
    assert found.result.missing == ()


def test_what_goes_while_it_is_packed_is_told_as_missing(tmp_path: Path) -> None:
    with a_recorded_site() as site:
        rows = [each for each in site.rows() if each.camera == "door"]
        made = package(site, [wanted("door", rows[0].start_at, rows[-1].end_at)], site.clock.now())
        stream = iter(made)
        first = next(stream)
        site.vault.erase([rows[1]])
        (site.vault.path_of(rows[-1])).write_bytes(b"not what it was")
        archive = tmp_path / "package.zip"
        archive.write_bytes(first + b"".join(stream))
    assert unpack(archive, tmp_path / "unpacked", PASSWORD).returncode == 0
    found = Packed(archive=archive, folder=tmp_path / "unpacked", result=made.result())
    causes = [each.causes for each in found.result.missing]
    assert causes == [("gone",), ("unreachable",), ("damaged",)]
    assert found.result.missing[0].start_at >= rows[0].start_at + SEGMENT - SECOND
    assert passes(found.folder, FINGERPRINT)
    html = (found.folder / "record.ja.html").read_text()
    assert "失われたもの" in html
    assert "破損" in html


def test_a_damaged_part_of_a_segment_costs_no_more_than_up_to_the_next_keyframe(
    tmp_path: Path,
) -> None:
    clip = Clip(bitrate_kbps=2000, width=640, height=480)
    with a_site() as site:
        play(site, "door", file_source(clip.path()))
        [row] = site.rows()
        reader = site.vault.open_segment(row)
        entries = reader.trailer.fragments
        reader.close()
        inside = entries[2].offset + entries[2].length // 2
        path = site.vault.path_of(row)
        data = bytearray(path.read_bytes())
        data[HEADER_BYTES + inside // 65_536 * SEALED_CHUNK_BYTES + 7] ^= 1
        path.write_bytes(data)
        found = packed(
            package(site, [wanted("door", row.start_at, row.end_at)], site.clock.now()), tmp_path
        )
    for video in found.result.videos:
        [part] = json.loads((found.folder / video.parts.name).read_text())["segments"]
        assert (part["whole"], part["units"]) == (False, None)
    [missing] = found.result.missing
    assert missing.causes == ("damaged",)
    assert 0.5 * SECOND < missing.end_at - missing.start_at < 2.5 * SECOND
    kept = [unit for each in videos(found, "door") for unit in units(each)]
    sent = clip.units()
    assert len(sent) // 2 < len(kept) < len(sent)
    assert set(kept) < set(sent)
    for path in videos(found, "door"):
        command = ["ffmpeg", "-v", "error", "-xerror", "-i", str(path), "-f", "null", "-"]
        assert subprocess.run(command, capture_output=True, check=True).stderr == b""


class Failing(VaultSource):
    """A vault whose disk does not give out one segment."""

    @override
    def open_segment(self, segment: Segment) -> SegmentReader:
        if segment.sequence == 2:
            raise StorageError
        return super().open_segment(segment)


def test_what_the_disk_does_not_give_out_is_told_as_missing(site: Site, tmp_path: Path) -> None:
    span = wanted("door", *edges(site, "door"))
    found = packed(package(Failing(site.vault), [span], site.clock.now()), tmp_path)
    assert ("unreadable",) in [each.causes for each in found.result.missing]
    assert passes(found.folder, FINGERPRINT)


def test_nothing_is_begun_for_what_there_is_not(site: Site) -> None:
    start, end = edges(site, "door")
    now = site.clock.now()
    with pytest.raises(SpanEmptyError):
        package(site, [], now)
    with pytest.raises(SpanEmptyError):
        package(site, [wanted("door", start, start)], now)
    with pytest.raises(SpanFutureError):
        package(site, [wanted("door", start, now + SECOND)], now)
    with pytest.raises(NoFootageError):
        package(site, [wanted("door", start - 20 * SECOND, start - 10 * SECOND)], now)
    with pytest.raises(NoFootageError):
        package(site, [wanted("nowhere", start, end)], now)


class _Gone:
    """A source whose only segment is gone when its turn comes."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def segments(self, camera: str, start: datetime, end: datetime) -> list[Segment]:
        return [
            Segment(
                sequence=1,
                camera=camera,
                stamp_at=self.at,
                start_at=self.at,
                end_at=self.at + SECOND,
                size_bytes=1000,
                state=SegmentState.SEALED,
            )
        ]

    def gaps(self, camera: str, start: datetime, end: datetime) -> list[Gap]:
        return []

    def open_segment(self, segment: Segment) -> SegmentReader:
        raise SegmentMissingError


@pytest.mark.parametrize("year", [1970, 2040])
def test_whatever_the_clock_says_an_archive_is_made(year: int, tmp_path: Path) -> None:
    at = datetime(year, 1, 1, 1, tzinfo=UTC)
    asked = wanted("door", at, at + SECOND)
    made = packed(package(_Gone(at), [asked], at + SECOND), tmp_path)
    assert [each.causes for each in made.result.missing] == [(MissingCause.GONE.value,)]
    assert passes(made.folder, FINGERPRINT)


def test_what_is_still_being_recorded_is_told_as_missing(tmp_path: Path) -> None:
    with a_site() as site:
        first = site.record(seconds=3)
        site.begin()
        site.clock.advance(5 * SECOND)
        span = wanted("door", first.segment.start_at, site.clock.now())
        found = packed(package(site, [span], site.clock.now()), tmp_path)
    [missing] = found.result.missing
    assert missing.causes == ("being_written",)
    assert len(found.result.videos) == 1


def test_who_goes_away_in_the_middle_leaves_nothing_open(site: Site) -> None:
    spans = [wanted("door", *edges(site, "door"))]
    made = package(site, spans, site.clock.now())
    stream = iter(made)
    sent = [next(stream)]
    while not made.done_bytes:
        sent.append(next(stream))
    files = {each for each in Path("/proc/self/fd").iterdir() if _is_segment(each)}
    assert files
    made.close()
    made.close()
    assert not {each for each in Path("/proc/self/fd").iterdir() if _is_segment(each)}
    result = made.result()
    assert (result.whole, result.size_bytes) == (False, sum(map(len, sent)))
    assert result.sha256 == sha256(b"".join(sent)).hexdigest()
    assert 0 < made.done_bytes < made.total_bytes


def _is_segment(path: Path) -> bool:
    try:
        return path.readlink().suffix == ".seg"
    except FileNotFoundError:
        return False


def test_two_at_once_are_both_whole(site: Site, tmp_path: Path) -> None:
    made = [
        package(site, [wanted(each, *edges(site, each))], site.clock.now())
        for each in ("door", "yard")
    ]
    data = [b"", b""]
    for both in zip_longest(*made, fillvalue=b""):
        data = [sofar + more for sofar, more in zip(data, both, strict=True)]
    for number, each in enumerate(data):
        archive = tmp_path / f"{number}.zip"
        archive.write_bytes(each)
        assert unpack(archive, tmp_path / str(number), PASSWORD).returncode == 0
        assert passes(tmp_path / str(number), FINGERPRINT)
        assert made[number].done_bytes == pytest.approx(made[number].total_bytes, rel=0.1)


class Repeating:
    """One stored segment, again and again, as if it were hours of them."""

    def __init__(self, site: Site, count: int) -> None:
        [self._row] = site.rows()
        self._vault = site.vault
        self._count = count
        self.opened = 0

    @property
    def span(self) -> WantedSpan:
        start = self._row.start_at
        return wanted("door", start, start + self._count * self._row.length)

    def segments(self, camera: str, start: datetime, end: datetime) -> Sequence[Segment]:
        row = self._row
        first = (start - row.start_at) // row.length
        return [
            replace(
                row,
                sequence=number + 1,
                start_at=row.start_at + number * row.length,
                end_at=row.start_at + (number + 1) * row.length,
            )
            for number in range(first, -((row.start_at - end) // row.length))
        ]

    def gaps(self, camera: str, start: datetime, end: datetime) -> Sequence[Gap]:
        return []

    def open_segment(self, segment: Segment) -> SegmentReader:
        self.opened += 1
        return self._vault.open_segment(self._row)


def test_memory_does_not_grow_with_the_span() -> None:
    with a_site() as site:
        site.record(seconds=10, size=12_000)
        source = Repeating(site, 1000)
        made = package(source, [source.span], source.span.end_at)
        sent = 0
        tracemalloc.start()
        try:
            for chunk in made:
                sent += len(chunk)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert source.opened == 1000
    assert sent > 120_000_000
    assert peak < 8_000_000
    assert made.result().missing == ()
    # 2 h 47 min from 03:04 on, a file for each hour of the clock.
    assert len(made.result().videos) == 3


def test_the_record_has_every_field_of_the_register(whole: Packed) -> None:
    for language in ("ja", "en"):
        html = (whole.folder / f"record.{language}.html").read_text()
        assert f'<html lang="{language}">' in html
        for text in (
            *(ORDER.number, ORDER.installer, ORDER.recipient, ORDER.reason, ORDER.identity),
            *(ORDER.particulars["document_number"], ORDER.particulars["officer_name"]),
            *(ORDER.in_charge, ORDER.witness, ORDER.manager, FINGERPRINT),
            *(each.file.name for each in whole.result.videos),
            *(each.file.sha256 for each in whole.result.videos),
        ):
            assert text in html, text
        assert "door &lt;入口&gt;" in html
        assert "<入口>" not in html
    japanese = (whole.folder / "record.ja.html").read_text()
    assert "2026年11月22日 12時04分05秒" in japanese  # 03:04:05 UTC
    assert "1.5秒遅れ" in japanese


def test_the_record_knows_every_ground_and_every_cause() -> None:
    start = datetime(2026, 11, 22, tzinfo=UTC)
    missing = [
        Missing(camera="door", name="door", start_at=start, end_at=start + SECOND, causes=(each,))
        for each in [*MissingCause, *GapCause]
    ]
    order = replace(
        ORDER,
        kind="law",
        particulars={
            "law": "刑事訴訟法",
            "article": "第218条第1項",
            "document_date": "<b>2026-12-01",
        },
        witness="",
        medium="USBメモリ",
        return_by=date(2026, 12, 31),
        hold="0123456789abcdef",
        clock=replace(ORDER.clock, trusted=False, error_seconds=None),
    )
    made = record(order, start, [], missing, FINGERPRINT)
    assert "刑事訴訟法" in made["ja"]
    assert "2026年12月31日まで" in made["ja"]
    assert "by 2026-12-31" in made["en"]
    causes = [made[each].count("<tr><td>door</td>") for each in ("ja", "en")]
    assert causes == [len(missing)] * 2
    # Whatever a macro is given: its file is named as HTML, so that it escapes.
    assert "of &lt;b&gt;2026-12-01" in made["en"]
    assert "<b>" not in made["ja"]
