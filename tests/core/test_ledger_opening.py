"""A damaged ledger is set aside, never deleted; a crash at any step costs and hides nothing."""

import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from custom_components.camera_steward.core.errors import StorageError
from custom_components.camera_steward.core.files import LocalFiles
from custom_components.camera_steward.core.ledger.opening import (
    RestartKind,
    RestartReason,
    open_ledger,
)
from custom_components.camera_steward.core.ledger.store import EntryKind, Ledger
from custom_components.camera_steward.core.ledger.verify import Break

from .ledgers import KEY, StepClock, check, names, raw, rows

_ROOT = Path(__file__).parents[2]


@pytest.fixture(name="path")
def path_fixture(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


@contextmanager
def opened(path: Path) -> Iterator[tuple[Ledger, RestartReason | None]]:
    ledger, reason = open_ledger(path, StepClock(), KEY)
    try:
        yield ledger, reason
    finally:
        ledger.close()


def fill(path: Path, count: int = 5) -> None:
    with opened(path) as (ledger, _):
        for number in range(count):
            ledger.append(EntryKind.PURGE, actor="steward", data={"n": number})


def crash_image(path: Path, target: Path) -> Path:
    """Write an entry that only the write-ahead log has, and copy what a power cut leaves."""
    target.mkdir()
    with opened(path) as (ledger, _):
        ledger.append(EntryKind.PURGE, actor="steward", data={"last": True})
        for part in ("", "-wal"):
            content = path.with_name(path.name + part).read_bytes()
            (target / (path.name + part)).write_bytes(content)
    return target / path.name


def test_a_new_ledger_is_begun_without_a_word(path: Path) -> None:
    with opened(path) as (ledger, reason):
        assert reason is None
        assert list(ledger.entries()) == []
        assert path.stat().st_mode & 0o777 == 0o600
    assert check(path).sound
    assert [each.name for each in path.parent.iterdir()] == ["ledger.db"]


def test_a_sound_ledger_goes_on(path: Path) -> None:
    fill(path)
    with opened(path) as (ledger, reason):
        assert reason is None
        assert ledger.append(EntryKind.PURGE, actor="steward").id == 6


def test_a_ledger_left_by_a_power_cut_goes_on(path: Path, tmp_path: Path) -> None:
    fill(path)
    image = crash_image(path, tmp_path / "image")
    with opened(image) as (ledger, reason):
        assert reason is None
        assert [each.id for each in ledger.entries()] == [1, 2, 3, 4, 5, 6]


def contents_of(files: Iterable[Path]) -> list[bytes]:
    """Read what holds entries: not SQLite's index of the log, nor a log that is still empty."""
    found = (each.read_bytes() for each in files if not each.name.endswith("-shm"))
    return sorted(each for each in found if each)


def damaged_whole(content: bytes) -> bytes:
    return os.urandom(len(content))


def damaged_header(content: bytes) -> bytes:
    return b"\0" * 100 + content[100:]


def damaged_inside(content: bytes) -> bytes:
    return content[:4096] + b"\xff" * (len(content) - 4096)


def damaged_text(_: bytes) -> bytes:
    return b"this is no database\n" * 100


def damaged_to_nothing(_: bytes) -> bytes:
    return b""


def damaged_half(content: bytes) -> bytes:
    return content[: len(content) // 8192 * 4096]


type Damage = Callable[[bytes], bytes]

DAMAGES = [
    damaged_whole,
    damaged_header,
    damaged_inside,
    damaged_text,
    damaged_to_nothing,
    damaged_half,
]


@pytest.mark.parametrize("damage", DAMAGES)
def test_an_unreadable_ledger_is_set_aside_and_a_new_one_says_so(
    path: Path, damage: Damage
) -> None:
    fill(path)
    content = damage(path.read_bytes())
    path.write_bytes(content)
    with opened(path) as (ledger, reason):
        assert reason is not None
        assert reason.kind is RestartKind.RESTARTED
        aside = reason.set_aside[0]
        assert aside.name == "ledger.db.damaged-20261122T030406Z"
        assert aside.read_bytes() == content
        (entry,) = ledger.entries()
        assert entry.kind is EntryKind.LEDGER_RESTARTED
        assert entry.data == {
            "files": {
                each.name: hashlib.sha256(each.read_bytes()).hexdigest()
                for each in reason.set_aside
            }
        }
        assert ledger.append(EntryKind.PURGE, actor="steward").id == 2
    assert check(path).sound
    with opened(path) as (_, reason):
        assert reason is None


def test_setting_aside_keeps_what_lay_beside_and_overwrites_nothing(
    path: Path, tmp_path: Path
) -> None:
    fill(path)
    contents: list[bytes] = []
    aside: tuple[Path, ...] = ()
    for place in range(2):
        image = crash_image(path, tmp_path / f"image{place}")
        beside = Path(f"{image}-wal").read_bytes()
        path.write_bytes(b"no database, the %d. time" % place)
        Path(f"{path}-wal").write_bytes(beside)
        contents += [path.read_bytes(), beside]
        with opened(path) as (_, reason):
            assert reason is not None
            aside = reason.set_aside
    stamp = "ledger.db.damaged-20261122T030406Z"
    assert {each.name for each in aside if not each.name.endswith("-shm")} == {
        stamp,
        f"{stamp}-wal",
        f"{stamp}.2",
        f"{stamp}.2-wal",
    }
    assert contents_of(aside) == sorted(contents)


def test_looking_at_a_damaged_ledger_costs_nothing_of_its_last_entries(
    path: Path, tmp_path: Path
) -> None:
    """They are in the `-wal`, which SQLite throws away when it closes a file that it cannot use."""
    fill(path, 300)
    image = crash_image(path, tmp_path / "image")
    content = bytearray(image.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    image.write_bytes(content)
    beside = Path(f"{image}-wal").read_bytes()
    with opened(image) as (_, reason):
        assert reason is not None
        assert contents_of(reason.set_aside) == sorted([bytes(content), beside])


def test_outside_checkpoints_of_the_ledger_set_aside_are_told_apart(path: Path) -> None:
    clock = StepClock()
    ledger, _ = open_ledger(path, clock, KEY)
    ledger.append(EntryKind.PURGE, actor="steward")
    old = ledger.checkpoint()
    ledger.close()
    path.write_bytes(b"damaged")
    ledger, _ = open_ledger(path, clock, KEY)
    new = ledger.checkpoint()
    ledger.close()
    found = check(path, [old, new])
    assert found.sound
    assert found.earlier_chains == 1


def test_a_ledger_that_was_deleted_is_found_through_an_outside_checkpoint(path: Path) -> None:
    with opened(path) as (ledger, _):
        ledger.append(EntryKind.PURGE, actor="steward")
        outside = ledger.checkpoint()
    path.unlink()
    with opened(path) as (ledger, reason):
        assert reason is None
    assert names(check(path, [outside]), Break.OTHER_CHAIN) == [1]


@pytest.mark.parametrize(
    "damage",
    [
        "DELETE FROM entries; DELETE FROM head",
        "DROP TABLE entries; DROP TABLE head",
        "DROP TABLE entries",
        "ALTER TABLE entries DROP COLUMN subject",
    ],
)
def test_a_ledger_that_was_emptied_does_not_pass_for_a_first_start(path: Path, damage: str) -> None:
    fill(path)
    with raw(path) as connection:
        connection.executescript(damage)
    with opened(path) as (ledger, reason):
        assert reason is not None
        assert reason.kind is RestartKind.RESTARTED
        assert [each.kind for each in ledger.entries()] == [EntryKind.LEDGER_RESTARTED]


def test_what_is_left_beside_a_deleted_ledger_is_set_aside(path: Path) -> None:
    left = Path(f"{path}-wal")
    left.write_bytes(b"left")
    with opened(path) as (_, reason):
        assert reason is not None
        assert [each.read_bytes() for each in reason.set_aside] == [b"left"]


def test_a_readable_but_broken_ledger_is_continued_and_not_set_aside(path: Path) -> None:
    fill(path)
    with raw(path) as connection:
        connection.execute("DELETE FROM entries WHERE id > 3")
    with opened(path) as (ledger, reason):
        assert reason is not None
        assert reason.kind is RestartKind.CONTINUED
        assert reason.found is not None
        assert [str(each) for each in reason.found.broken] == ["removed 4 (5)"]
        assert [each.id for each in ledger.entries()] == [1, 2, 3, 6]
    assert [each.name for each in path.parent.iterdir()] == ["ledger.db"]
    assert not check(path).sound
    with opened(path) as (_, reason):
        assert reason is None


def test_a_head_that_cannot_be_read_is_continued(path: Path) -> None:
    fill(path)
    with raw(path) as connection:
        connection.execute("UPDATE head SET hash = CAST(x'ff' AS TEXT)")
    with opened(path) as (_, reason):
        assert reason is not None
        assert reason.kind is RestartKind.CONTINUED
    assert len(rows(path)) == 6


def test_a_ledger_with_no_room_left_is_set_aside(path: Path) -> None:
    fill(path)
    with raw(path) as connection:
        connection.execute("UPDATE entries SET id = ? WHERE id = 5", (2**63 - 1,))
    with opened(path) as (ledger, reason):
        assert reason is not None
        assert reason.kind is RestartKind.RESTARTED
        assert len(rows(reason.set_aside[0])) == 5
        assert ledger.append(EntryKind.PURGE, actor="steward").id == 2


def test_a_storage_that_fails_is_no_damage(path: Path) -> None:
    path.mkdir()
    with pytest.raises(StorageError):
        open_ledger(path, StepClock(), KEY)
    assert path.is_dir()


class _PowerCut(BaseException):
    """Ends the work as a power cut would: nothing after it runs."""


@pytest.mark.parametrize("damage", [damaged_text, damaged_to_nothing])
@pytest.mark.parametrize("beside", [False, True])
def test_a_crash_at_any_step_of_setting_aside_loses_and_hides_nothing(
    tmp_path: Path, damage: Damage, beside: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for step in range(1, 100):
        path = tmp_path / str(step) / "ledger.db"
        path.parent.mkdir()
        fill(path)
        content = damage(path.read_bytes())
        path.write_bytes(content)
        if beside:
            Path(f"{path}-wal").write_bytes(b"last entries")
        with monkeypatch.context() as patch:
            crashed = _crash_at(step, patch)
            with suppress(_PowerCut):
                open_ledger(path, StepClock(), KEY)[0].close()
        # Once more, without a crash.
        with opened(path) as (ledger, _):
            (entry,) = ledger.entries()
            assert entry.kind is EntryKind.LEDGER_RESTARTED
            kept = contents_of(path.parent.glob("*.damaged-*"))
            expected = [content, b"last entries" if beside else b""]
            assert kept == sorted(each for each in expected if each)
        assert check(path).sound
        left = {each.name for each in path.parent.iterdir()}
        assert {each for each in left if "damaged" not in each} == {"ledger.db"}
        if not crashed:
            assert step > 5
            return
    pytest.fail("never came through")


def _crash_at(step: int, patch: pytest.MonkeyPatch) -> list[int]:
    """Cut the power before the nth change of names or directory flush; empty when never."""
    steps = iter(range(1, 1000))
    crashed: list[int] = []

    def cut() -> None:
        number = next(steps)
        if number == step:
            crashed.append(number)
            raise _PowerCut

    rename, unlink, sync = Path.rename, Path.unlink, LocalFiles.sync_directory

    def cut_rename(self: Path, target: Path) -> Path:
        cut()
        return rename(self, target)

    def cut_unlink(self: Path, missing_ok: bool = False) -> None:
        cut()
        unlink(self, missing_ok=missing_ok)

    def cut_sync(self: LocalFiles, path: Path) -> None:
        cut()
        sync(self, path)

    patch.setattr(Path, "rename", cut_rename)
    patch.setattr(Path, "unlink", cut_unlink)
    patch.setattr(LocalFiles, "sync_directory", cut_sync)
    return crashed


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe", b"../../etc/passwd", b"ledger.db.damaged-/x"]
)
def test_an_intent_that_is_not_whole_does_nothing(path: Path, content: bytes) -> None:
    fill(path)
    intent = Path(f"{path}.setting-aside")
    intent.write_bytes(content)
    with opened(path) as (ledger, reason):
        assert reason is None
        assert len(list(ledger.entries())) == 5
    assert not intent.exists()


_APPEND_FOR_EVER = """
import sys
import types
from pathlib import Path

# The core alone: the integration's own module would load Home Assistant first, in every round.
bare = types.ModuleType("custom_components.camera_steward")
bare.__path__ = ["custom_components/camera_steward"]
sys.modules[bare.__name__] = bare

from custom_components.camera_steward.core.clock import SystemClock
from custom_components.camera_steward.core.ledger.opening import open_ledger
from custom_components.camera_steward.core.ledger.store import EntryKind
from tests.core.ledgers import KEY

ledger, reason = open_ledger(Path(sys.argv[1]), SystemClock(), KEY)
assert reason is None, reason
number = int(sys.argv[2])
while True:
    entry = ledger.append(EntryKind.PURGE, actor="steward", key=f"run-{number}")
    print(number, entry.id, flush=True)
    number += 1
"""


@pytest.mark.timeout(900)
def test_what_was_appended_before_kill_9_is_there_and_nothing_twice(path: Path) -> None:
    """The caller that did not hear the answer asks again with the same key (INV-2, INV-5)."""
    told: dict[int, int] = {}
    for round_ in range(3):
        process = subprocess.Popen(
            [sys.executable, "-c", _APPEND_FOR_EVER, str(path), str(len(told))],
            cwd=_ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        for _ in range(20 + 7 * round_):
            number, id_ = map(int, process.stdout.readline().split())
            told[number] = id_
        process.send_signal(signal.SIGKILL)
        for line in process.stdout:
            if line.endswith("\n"):
                number, id_ = map(int, line.split())
                told[number] = id_
        process.wait()
        process.stdout.close()
    with opened(path) as (ledger, reason):
        assert reason is None
        entries = {each.key: each.id for each in ledger.entries()}
    assert all(entries[f"run-{number}"] == id_ for number, id_ in told.items())
    assert len(entries) - len(told) in {0, 1}
    assert sorted(entries.values()) == list(range(1, len(entries) + 1))
    assert check(path).sound
