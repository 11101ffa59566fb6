"""The MUSTs of docs/design/vault-format.md: what was changed is named, and nothing else suffers."""

import json
import os
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from custom_components.camera_steward.core.database import Database
from custom_components.camera_steward.core.errors import (
    FootageError,
    KeyMissingError,
    StorageError,
    VaultForeignError,
    VaultMissingError,
)
from custom_components.camera_steward.core.files import LocalFiles
from custom_components.camera_steward.core.model import Segment, SegmentState
from custom_components.camera_steward.core.vault.format import (
    CHUNK_BYTES,
    HEADER_BYTES,
    KEY_BYTES,
    SEALED_CHUNK_BYTES,
    ChunkCipher,
    SegmentHeader,
    unwrap_key,
    wrap_key,
)
from custom_components.camera_steward.core.vault.index import METADATA, Index
from custom_components.camera_steward.core.vault.keys import KEY_NAME
from custom_components.camera_steward.core.vault.recovery import recover
from custom_components.camera_steward.core.vault.vault import FoundKind, Vault, read_identity
from custom_components.camera_steward.core.vault.verify import VerifyLevel, verify

from .vault_site import SECOND, SITE_KEY, START, VAULT, Recording, Site, a_site, picture

EXAMPLES = 400 if os.environ.get("VAULT_THOROUGH") else 40
FEW = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    """Two segments of several chunks and one small one; tests put back what they change."""
    with a_site() as made:
        made.record(seconds=12, size=30_000)
        made.record(seconds=12, size=30_000)
        made.record(seconds=2)
        yield made


def _named(site: Site, *, level: VerifyLevel = VerifyLevel.CHUNKS) -> list[int]:
    """Return the segments that a check names."""
    return [each.segment.sequence for each in verify(site.vault, site.rows(), level)]


class _Changed:
    """A file with other content for a while."""

    def __init__(self, path: Path, content: bytes) -> None:
        self.path, self.content = path, content

    def __enter__(self) -> None:
        self.before = self.path.read_bytes()
        self.path.write_bytes(self.content)

    def __exit__(self, *_: object) -> None:
        self.path.write_bytes(self.before)


@FEW
@given(data=st.data())
def test_a_bit_flipped_anywhere_is_named_and_others_are_unaffected(
    site: Site, data: st.DataObject
) -> None:
    for row in site.rows():
        path = site.path(row)
        content = bytearray(path.read_bytes())
        edges = st.sampled_from([0, HEADER_BYTES - 1, HEADER_BYTES, len(content) - 1])
        at = data.draw(st.integers(0, len(content) - 1) | edges)
        content[at] ^= 1 << data.draw(st.integers(0, 7))
        with _Changed(path, bytes(content)):
            assert _named(site) == [row.sequence]
    assert _named(site, level=VerifyLevel.DIGEST) == []


def test_a_bit_flipped_in_any_byte_of_header_and_trailer_is_named(site: Site) -> None:
    row = site.rows()[-1]
    path = site.path(row)
    content = path.read_bytes()
    for at in [*range(HEADER_BYTES), *range(len(content) - 200, len(content))]:
        changed = bytearray(content)
        changed[at] ^= 0x10
        path.write_bytes(changed)
        with pytest.raises(FootageError):
            site.vault.open_segment(row)
    path.write_bytes(content)


@FEW
@given(data=st.data())
def test_a_segment_cut_off_anywhere_is_named(site: Site, data: st.DataObject) -> None:
    for row in site.rows():
        content = site.path(row).read_bytes()
        chunks = [
            at + d
            for at in range(HEADER_BYTES, len(content), SEALED_CHUNK_BYTES)
            for d in (-1, 0, 1, 15, 16, 17)
        ]
        length = data.draw(
            st.integers(0, len(content) - 1)
            | st.sampled_from([each for each in chunks if each < len(content)])
        )
        with _Changed(site.path(row), content[:length]):
            with pytest.raises(FootageError):
                site.vault.open_segment(row)
            assert _named(site, level=VerifyLevel.SIZE) == [row.sequence]


@FEW
@given(more=st.binary(min_size=1, max_size=2 * SEALED_CHUNK_BYTES))
def test_a_segment_with_anything_behind_it_is_named(site: Site, more: bytes) -> None:
    row = site.rows()[0]
    with _Changed(site.path(row), site.path(row).read_bytes() + more):
        with pytest.raises(FootageError):
            site.vault.open_segment(row)
        assert _named(site) == [row.sequence]


def _chunks(content: bytes) -> list[bytes]:
    return [
        content[at : at + SEALED_CHUNK_BYTES]
        for at in range(HEADER_BYTES, len(content), SEALED_CHUNK_BYTES)
    ]


def _file(header: bytes, chunks: list[bytes]) -> bytes:
    return header + b"".join(chunks)


def test_chunks_that_change_places_are_named(site: Site) -> None:
    row = site.rows()[0]
    content = site.path(row).read_bytes()
    chunks = _chunks(content)
    assert len(chunks) > 4
    for one, other in pairwise(range(len(chunks) - 1)):
        swapped = list(chunks)
        swapped[one], swapped[other] = swapped[other], swapped[one]
        with _Changed(site.path(row), _file(content[:HEADER_BYTES], swapped)):
            reader = site.vault.open_segment(row)
            with pytest.raises(FootageError, match=f"chunk {one} "):
                reader.check()
            reader.close()


@pytest.mark.parametrize("dropped", [0, 1, -2, -1])
def test_a_dropped_chunk_is_named(site: Site, dropped: int) -> None:
    row = site.rows()[0]
    content = site.path(row).read_bytes()
    chunks = _chunks(content)
    del chunks[dropped]
    with _Changed(site.path(row), _file(content[:HEADER_BYTES], chunks)):
        assert _named(site) == [row.sequence]


def test_a_whole_number_of_chunks_is_no_end(site: Site) -> None:
    """Without the flag of the final chunk, a cut between two chunks would go unseen."""
    row = site.rows()[0]
    content = site.path(row).read_bytes()
    for keep in range(1, len(_chunks(content))):
        kept = content[: HEADER_BYTES + keep * SEALED_CHUNK_BYTES]
        with _Changed(site.path(row), kept), pytest.raises(FootageError):
            site.vault.open_segment(row)


def test_a_chunk_of_another_segment_of_the_same_hour_is_named(site: Site) -> None:
    one, other = site.rows()[:2]
    content = site.path(one).read_bytes()
    chunks = _chunks(content)
    chunks[1] = _chunks(site.path(other).read_bytes())[1]
    with _Changed(site.path(one), _file(content[:HEADER_BYTES], chunks)):
        assert _named(site) == [one.sequence]


def test_a_file_under_another_segments_name_is_named() -> None:
    with a_site() as site:
        first, second = site.record().segment, site.record().segment
        site.clock.advance(timedelta(hours=1))
        later = site.record().segment
        elsewhere = site.record("yard").segment
        for target in (second, later, elsewhere):
            content = site.path(first).read_bytes()
            with _Changed(site.path(target), content):
                with pytest.raises(FootageError, match="another segment"):
                    site.vault.open_segment(target)
                assert _named(site) == [target.sequence]
        site.check()


def test_a_renamed_file_is_missing_under_its_own_name_and_a_stranger_under_the_other() -> None:
    with a_site() as site:
        row = site.record().segment
        path = site.path(row)
        path.rename(path.with_name("renamed.seg"))
        (damage,) = verify(site.vault, site.rows(), VerifyLevel.PRESENCE)
        assert damage.what == "segment_missing"
        assert FoundKind.OTHER in {each.kind for each in site.vault.walk()}
        path.with_name("renamed.seg").rename(path)
        site.check()


def test_a_file_moved_to_another_hour_is_a_stranger_and_not_entered() -> None:
    with a_site() as site:
        row = site.record().segment
        path = site.path(row)
        moved = path.parent.with_name("04") / path.name
        moved.parent.mkdir()
        path.rename(moved)
        site.restart(lose_index=True)
        assert site.rows() == []
        assert {each.kind for each in site.vault.walk()} >= {FoundKind.OTHER}


def test_copies_do_not_keep_a_rebuild_from_coming_to_its_end() -> None:
    with a_site() as site:
        row = site.record("door").segment
        site.record("yard")
        path = site.path(row)
        for copy in (
            site.root / "aaa" / path.relative_to(site.root / "door"),
            site.root / "yard" / path.relative_to(site.root / "door"),
            path.with_name(path.name.replace("Z-0", "Z-00")),
        ):
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
        site.restart(lose_index=True)
        assert site.row(row.sequence).camera == "door"
        assert site.row(row.sequence).digest
        assert len(site.rows()) == 2


@pytest.mark.parametrize("change", ["flipped", "cut", "gone", "other hour", "other site"])
def test_an_hour_key_that_does_not_open_names_its_segments_and_no_others(change: str) -> None:
    with a_site() as site:
        first = site.record()
        site.clock.advance(timedelta(hours=1))
        second = site.record()
        site.close()
        site.open()  # nothing is held in memory
        row = site.row(first.segment.sequence)
        path = site.path(row).with_name(KEY_NAME)
        content = path.read_bytes()
        if change == "flipped":
            path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        elif change == "cut":
            path.write_bytes(content[:-1])
        elif change == "gone":
            path.unlink()
        elif change == "other hour":
            path.write_bytes(site.path(second.segment).with_name(KEY_NAME).read_bytes())
        else:
            path.write_bytes(wrap_key(bytes(32), bytes(32), VAULT, "door", "2026-11-22/03"))
        with pytest.raises(KeyMissingError):
            site.vault.open_segment(row)
        (damage,) = verify(site.vault, site.rows(), VerifyLevel.DIGEST)
        assert (damage.segment.sequence, damage.what) == (row.sequence, "key_missing")
        # It cannot be recorded into, and is left as it is for whoever may mend it.
        site.clock.at = START + timedelta(minutes=1)
        if change != "gone":
            left = path.read_bytes()
            with pytest.raises(StorageError):
                site.begin()
            assert path.read_bytes() == left
        path.write_bytes(content)
        site.close()
        site.open()
        assert site.units(row) == first.units
        site.record()
        site.check()


@FEW
@given(at=st.integers(0, KEY_BYTES - 1), bit=st.integers(0, 7))
def test_any_bit_of_a_key_file_counts(at: int, bit: int) -> None:
    wrapped = bytearray(wrap_key(b"k" * 32, SITE_KEY, VAULT, "door", "2026-11-22/03"))
    assert unwrap_key(bytes(wrapped), SITE_KEY, VAULT, "door", "2026-11-22/03") == b"k" * 32
    wrapped[at] ^= 1 << bit
    with pytest.raises(KeyMissingError):
        unwrap_key(bytes(wrapped), SITE_KEY, VAULT, "door", "2026-11-22/03")


def test_a_key_opens_only_at_its_own_place_in_its_own_vault() -> None:
    wrapped = wrap_key(b"k" * 32, SITE_KEY, VAULT, "door", "2026-11-22/03")
    for vault, camera, hour in (
        (UUID(int=1), "door", "2026-11-22/03"),
        (VAULT, "yard", "2026-11-22/03"),
        (VAULT, "door", "2026-11-22/04"),
    ):
        with pytest.raises(KeyMissingError):
            unwrap_key(wrapped, SITE_KEY, vault, camera, hour)


def test_no_key_and_no_salt_is_used_twice_and_no_chunk_is_written_twice() -> None:
    with a_site() as site:
        for _ in range(5):
            site.record()
            site.record("yard")
            site.clock.advance(timedelta(minutes=30))
        salts = {
            SegmentHeader.unpack(site.path(each).read_bytes()[:HEADER_BYTES]).salt
            for each in site.rows()
        }
        assert len(salts) == 10
        keys = [each.read_bytes() for each in site.root.rglob(KEY_NAME)]
        assert len(set(keys)) == len(keys)
        recording = site.begin()
        recording.append([picture(1, 100_000)])
        recording.writer.abandon()
        with pytest.raises(StorageError):
            recording.append([picture(2)])
        with pytest.raises(StorageError):
            recording.seal()


def test_a_chunk_opens_only_under_its_own_number_and_flags() -> None:
    header = SegmentHeader(
        vault=VAULT, camera=bytes(32), sequence=1, stamp_at=START, salt=bytes(32)
    ).pack()
    cipher = ChunkCipher(b"k" * 32, header)
    ways = [(n, f, r) for n in (0, 1, 2**40) for f in (False, True) for r in (False, True)]
    for number, final, recovery in ways:
        sealed = cipher.seal(number, b"plain", final=final, recovery=recovery)
        for each in ways:
            if each == (number, final, recovery):
                assert cipher.open(each[0], sealed, final=each[1], recovery=each[2]) == b"plain"
            else:
                with pytest.raises(FootageError):
                    cipher.open(each[0], sealed, final=each[1], recovery=each[2])


@given(length=st.integers(0, 3 * CHUNK_BYTES), number=st.integers(0, 3))
@settings(max_examples=EXAMPLES, deadline=None)
def test_the_rest_of_a_segment_is_sealed_in_chunks_of_which_the_last_is_final(
    length: int, number: int
) -> None:
    header = SegmentHeader(
        vault=VAULT, camera=bytes(32), sequence=1, stamp_at=START, salt=bytes(32)
    ).pack()
    cipher = ChunkCipher(b"k" * 32, header)
    rest = bytes(length)
    parts = _chunks(bytes(HEADER_BYTES) + cipher.seal_rest(number, rest))
    plain = [
        cipher.open(number + n, part, final=n == len(parts) - 1) for n, part in enumerate(parts)
    ]
    assert b"".join(plain) == rest
    assert all(len(each) == CHUNK_BYTES for each in plain[:-1])


@FEW
@given(start=st.integers(0, 500_000), length=st.integers(0, 400_000))
def test_any_range_of_bytes_is_the_slice_of_the_whole(site: Site, start: int, length: int) -> None:
    row = site.rows()[0]
    media = site.media(row)
    reader = site.vault.open_segment(row)
    try:
        assert reader.read(start, length) == media[start : start + length]
        assert reader.header() == media[: reader.trailer.header_bytes]
    finally:
        reader.close()


@FEW
@given(start=st.integers(-2_000, 15_000), length=st.integers(1, 15_000))
def test_any_span_of_time_comes_with_the_keyframe_before_it(
    site: Site, start: int, length: int
) -> None:
    reader = site.vault.open_segment(site.rows()[0])
    try:
        found = reader.fragments_between(
            timedelta(milliseconds=start), timedelta(milliseconds=start + length)
        )
        entries = reader.trailer.fragments
        first_us, last_us = start * 1000, (start + length) * 1000
        shown = [
            each
            for each in entries
            if each.start_us < last_us and each.start_us + 1_000_000 > first_us
        ]
        assert set(shown) <= set(found)
        assert all(each.start_us < last_us for each in found)
        if found:
            assert found[0].keyframe
            assert found == list(entries[entries.index(found[0]) :][: len(found)])
    finally:
        reader.close()


def test_the_vaults_id_is_checked_before_anything_is_written(tmp_path: Path) -> None:
    with a_site() as site:
        site.record()
        before = {p: p.read_bytes() for p in site.root.rglob("*") if p.is_file()}
        database = Database(tmp_path / "index.db", METADATA)
        other = Vault(site.root, LocalFiles(), site.clock, UUID(int=9), bytes(32), Index(database))
        row = site.rows()[0]
        for attempt in (
            other.check,
            lambda: other.create_segment("door", START, b""),
            lambda: other.erase([row]),
            lambda: list(other.walk()),
            lambda: recover(other),
            other.rebuild_index,
            lambda: list(verify(other, [row], VerifyLevel.PRESENCE)),
        ):
            with pytest.raises(VaultForeignError):
                attempt()
        database.close()
        assert {p: p.read_bytes() for p in site.root.rglob("*") if p.is_file()} == before


def test_nothing_is_written_where_no_vault_is() -> None:
    with a_site() as site:
        site.root.rename(site.root.with_name("away"))
        for _ in range(2):
            with pytest.raises(VaultMissingError):
                site.begin()
            with pytest.raises(VaultMissingError):
                site.restart()
            if not site.root.exists():
                site.root.mkdir()  # an empty mount point
        assert list(site.root.iterdir()) == []


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '"x"', "{}", '{"vault": 5, "format": 1}', '{"vault": "x", "format": 1}']
)
def test_an_identity_that_cannot_be_read_is_no_ones(tmp_path: Path, text: str) -> None:
    (tmp_path / "vault.json").write_text(text)
    with pytest.raises(VaultForeignError):
        read_identity(tmp_path, LocalFiles())


def test_a_vault_of_another_format_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "vault.json").write_text(json.dumps({"vault": str(VAULT), "format": 2}))
    with pytest.raises(VaultForeignError, match="format"):
        read_identity(tmp_path, LocalFiles())


def test_a_header_of_another_format_is_refused() -> None:
    header = SegmentHeader(
        vault=VAULT, camera=bytes(32), sequence=1, stamp_at=START, salt=bytes(32)
    ).pack()
    assert len(header) == HEADER_BYTES == 128
    for at in (0, 9, 11, 15, HEADER_BYTES - 1):
        changed = bytearray(header)
        changed[at] ^= 1
        with pytest.raises(FootageError):
            SegmentHeader.unpack(bytes(changed))


@pytest.mark.parametrize("camera", ["", ".", "..", "a/b", "é", "x" * 65, "a b", "vault.json"])
def test_a_camera_id_that_is_no_folder_name_is_refused(camera: str) -> None:
    with a_site() as site:
        with pytest.raises(ValueError, match="folder"):
            site.begin(camera)
        assert [each.name for each in site.root.iterdir()] == ["vault.json"]


def test_what_file_systems_put_at_their_root_is_no_stranger() -> None:
    with a_site() as site:
        (site.root / "lost+found").mkdir()
        assert list(site.vault.walk()) == []


def test_a_key_goes_exactly_with_the_last_segment_of_its_hour() -> None:
    with a_site() as site:
        recordings = [site.record(), site.record()]
        key = site.path(recordings[0].segment).with_name(KEY_NAME)
        before = key.read_bytes()
        erasure = site.vault.erase([recordings[0].segment])
        assert (erasure.erased, erasure.keys_destroyed) == (1, 0)
        assert key.read_bytes() == before
        with key.open("rb") as held:  # what a file system may still hold of it
            erasure = site.vault.erase([each.segment for each in recordings])
            assert (erasure.erased, erasure.missing, erasure.keys_destroyed) == (1, 1, 1)
            assert held.read() != before
        assert [each.name for each in site.root.iterdir()] == ["vault.json"]
        with pytest.raises(KeyMissingError):
            site.vault._keys.get("door", "2026-11-22/03")


def test_verify_names_what_each_level_can_see() -> None:
    with a_site() as site:
        made: list[Recording] = [site.record(seconds=5, size=30_000) for _ in range(4)]
        gone, longer, flipped, _ = (site.path(each.segment) for each in made)
        gone.unlink()
        longer.write_bytes(longer.read_bytes() + b"\0")
        content = bytearray(flipped.read_bytes())
        content[HEADER_BYTES + 100] ^= 1
        flipped.write_bytes(content)
        numbers = [each.segment.sequence for each in made]
        assert _named(site, level=VerifyLevel.PRESENCE) == numbers[:1]
        assert _named(site, level=VerifyLevel.SIZE) == numbers[:2]
        assert _named(site, level=VerifyLevel.CHUNKS) == numbers[:3]
        assert _named(site, level=VerifyLevel.DIGEST) == numbers[:3]


def test_verify_names_units_that_are_not_those_that_were_received() -> None:
    """Authentic chunks are not enough: the digest is of what came, made before it was stored."""
    with a_site() as site:
        recording = site.begin()
        recording.append([picture(1)])
        recording.writer.seal(SECOND, {1: bytes(32)})
        assert _named(site, level=VerifyLevel.CHUNKS) == []
        assert _named(site, level=VerifyLevel.DIGEST) == [recording.segment.sequence]


def test_an_erased_segment_is_no_damage() -> None:
    with a_site() as site:
        rows = [site.record().segment, site.record().segment]
        rows = [site.row(each.sequence) for each in rows]
        site.vault.erase(rows[:1])
        site.index.forget([rows[0].sequence])
        assert list(verify(site.vault, rows, VerifyLevel.DIGEST)) == []


def test_a_damaged_segment_is_entered_by_a_rebuild_so_that_it_goes_in_time() -> None:
    with a_site() as site:
        row: Segment = site.record(seconds=2).segment  # a single chunk
        content = bytearray(site.path(row).read_bytes())
        content[-1] ^= 1
        site.path(row).write_bytes(content)
        site.restart(lose_index=True)
        found = site.row(row.sequence)
        assert (found.stamp_at, found.digest) == (row.stamp_at, b"")
        assert found.state is SegmentState.RECOVERED
        assert _named(site) == [row.sequence]
        assert site.path(row).read_bytes() == bytes(content)
