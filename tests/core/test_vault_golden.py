"""The frozen vaults of every format are read by this version and every later one."""

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from custom_components.camera_steward.core.database import Database
from custom_components.camera_steward.core.files import LocalFiles
from custom_components.camera_steward.core.media.boxes import MediaScan
from custom_components.camera_steward.core.model import Segment, SegmentState
from custom_components.camera_steward.core.vault.holds import HoldFiles
from custom_components.camera_steward.core.vault.index import METADATA, Index
from custom_components.camera_steward.core.vault.recovery import recover
from custom_components.camera_steward.core.vault.vault import Vault, read_identity
from custom_components.camera_steward.core.vault.verify import VerifyLevel, verify, verify_held
from tests.cameras import unit_digest, units

from .vault_site import EVER, FAR_BACK, ScriptedClock

DATA = Path(__file__).parent / "data"
HASHES = {1: "blake2b", 2: "sha256"}


@pytest.fixture(params=["golden-1", "golden-2"])
def golden(request: pytest.FixtureRequest) -> Path:
    return DATA / str(request.param)


@pytest.fixture
def expected(golden: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((golden / "golden.json").read_text())
    return found


def _rows(index: Index) -> dict[int, Segment]:
    return {
        each.sequence: each
        for camera in index.cameras()
        for each in index.segments(camera, *EVER, overlap=FAR_BACK)
    }


def test_every_segment_of_the_frozen_vault_is_read_as_it_was_written(
    tmp_path: Path, golden: Path, expected: dict[str, Any]
) -> None:
    hash_name = HASHES[expected["format"]]
    root = tmp_path / "vault"
    shutil.copytree(golden / "vault", root)
    assert read_identity(root, LocalFiles()) == UUID(expected["vault"])
    database = Database(tmp_path / "index.db", METADATA)
    index = Index(database)
    clock = ScriptedClock(datetime(2026, 12, 1, tzinfo=UTC))
    vault = Vault(
        root,
        LocalFiles(),
        clock,
        UUID(expected["vault"]),
        bytes.fromhex(expected["site_key"]),
        index,
    )
    vault.rebuild_index()
    before = {p: p.read_bytes() for p in root.rglob("*.seg")}
    recover(vault)
    rows = _rows(index)
    assert list(verify(vault, rows.values(), VerifyLevel.DIGEST)) == []
    for each in [*expected["sealed"], expected["after_recovery"]]:
        row = rows.pop(each["sequence"])
        assert str(vault.path_of(row).relative_to(root)) == each["path"]
        assert row.camera == each["camera"]
        assert row.state is SegmentState(each["state"])
        assert (row.start_at.isoformat(), row.end_at.isoformat()) == (
            each["start_at"],
            each["end_at"],
        )
        assert (row.size_bytes, row.digest.hex()) == (each["size_bytes"], each["digest"])
        reader = vault.open_segment(row)
        media = reader.read(0, reader.media_bytes)
        assert len(media) == each["media_bytes"]
        fragments = [[f.offset, f.length, f.start_us] for f in reader.trailer.fragments]
        assert fragments == each["fragments"]
        for kind, held in each["units"].items():
            found = units(media, kind)
            assert len(found) == held["count"] > 0
            assert unit_digest(found, hash_name).hex() == held["digest"]
            assert reader.trailer.digests[held["track"]].hex() == held["digest"]
        reader.close()
    assert rows == {}
    changed = [p for p, content in before.items() if p.read_bytes() != content]
    assert [str(p.relative_to(root)) for p in changed] == [expected["unsealed"]]
    database.close()


def test_the_frozen_vault_holds_what_it_should(golden: Path, expected: dict[str, Any]) -> None:
    sealed = expected["sealed"]
    assert {each["camera"] for each in sealed} == {"door", "yard"}
    assert {each["state"] for each in sealed} == {"sealed", "recovered"}
    assert {tuple(each["units"]) for each in sealed} == {("video",), ("video", "audio")}
    assert len({each["path"].split("/")[2] for each in sealed}) == 2
    assert sum(p.stat().st_size for p in golden.rglob("*") if p.is_file()) < 400_000


def test_the_frozen_hold_is_read_as_it_was_written(tmp_path: Path) -> None:
    told = json.loads((DATA / "golden-hold" / "golden.json").read_text())
    root = tmp_path / "vault"
    shutil.copytree(DATA / "golden-hold" / "vault", root)
    database = Database(tmp_path / "index.db", METADATA)
    site_key = bytes.fromhex(told["site_key"])
    vault = Vault(
        root, LocalFiles(), ScriptedClock(), UUID(told["vault"]), site_key, Index(database)
    )
    assert list(vault.walk()) == []
    files = HoldFiles(vault, site_key)
    key = files.read(told["hold"])
    assert (key.key.hex(), list(key.cameras)) == (told["key"], told["cameras"])
    for name in ("start_at", "end_at", "placed_at", "until_at"):
        assert getattr(key, name).isoformat() == told[name]
    found = {each.path: files.describe(each) for each in files.walk() if each.sequence is not None}
    assert {
        path: {
            "sequence": each.sequence,
            "camera": each.camera,
            "path": path,
            "start_at": each.start_at.isoformat(),
            "end_at": each.end_at.isoformat(),
            "size_bytes": each.size_bytes,
            "state": each.state.value,
            "digest": each.digest.hex(),
        }
        for path, each in found.items()
    } == {each["path"]: each for each in told["segments"]}
    assert {each["state"] for each in told["segments"]} == {"sealed", "recovered"}
    assert list(verify_held(files, told["hold"], found.values(), VerifyLevel.SIZE)) == []
    for each in found.values():
        reader = files.open_segment(told["hold"], each)
        scan = MediaScan(reader.unit_hash)
        scan.feed(reader.read(0, reader.media_bytes))
        assert scan.digests() == reader.trailer.digests
        reader.close()
    database.close()
