"""The command line reads a vault by its kit, on a machine that has no Home Assistant."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from custom_components.camera_steward.core import cli
from custom_components.camera_steward.core.files import LocalFiles
from custom_components.camera_steward.core.vault.description import (
    DESCRIPTION_NAME,
    DescribedCamera,
    SiteDescription,
    write_description,
)
from custom_components.camera_steward.core.vault.format import HoldKey
from custom_components.camera_steward.core.vault.holds import HoldFiles
from custom_components.camera_steward.core.vault.kit import kit_code
from tests.cameras import Clip

from .played import file_source, play
from .stored import probed
from .vault_site import SITE_KEY, VAULT, ScriptedClock, Site, a_site, picture

FOLDER = Path(cli.__file__).parents[1]
CLIP = Clip(width=160, height=120, rate=10, seconds=4, gop_seconds=1, bitrate_kbps=100)
HOUR = timedelta(hours=1)
WITHOUT = ("homeassistant", "custom_components", "av", "aiohttp", "jinja2", "stream_zip", "numpy")
"""Libraries that the command line has to do without."""


@pytest.fixture(scope="module")
def begun() -> datetime:
    """Return when the cameras began: two hours ago, well within an hour."""
    return (datetime.now(UTC) - 2 * HOUR).replace(minute=10, second=0, microsecond=0)


@pytest.fixture(scope="module")
def site(begun: datetime) -> Iterator[Site]:
    """Record two spans of the door, something old, and a segment that a power cut ended."""
    with a_site() as made:
        made.clock = ScriptedClock(begun - 10 * HOUR)
        made.close()
        made.open()
        made.record("old")
        made.clock.at = begun
        for _ in range(2):
            play(
                made,
                "door",
                file_source(CLIP.path()),
                segment_length=timedelta(seconds=2),
            )
            made.clock.advance(timedelta(seconds=60))
        torn = made.begin("yard")
        for number in range(3):
            torn.append([picture(number, 70_000)])
        torn.writer.abandon()
        made.record("yard")
        described = SiteDescription(
            title="本町商店会",
            cameras={
                "door": DescribedCamera(name="Front door", limit=24 * HOUR),
                "old": DescribedCamera(name="Old", limit=HOUR),
                "yard": DescribedCamera(name="Yard", limit=24 * HOUR),
            },
            ceiling=24 * HOUR,
            default=24 * HOUR,
            method="",
            zone="Asia/Tokyo",
            corrections=(),
            written_at=begun,
        )
        write_description(made.root, LocalFiles(), described, SITE_KEY, VAULT)
        yield made


@pytest.fixture
def kit(tmp_path: Path) -> Path:
    path = tmp_path / "kit.html"
    code = "\n".join(kit_code(SITE_KEY))
    path.write_text(f'<dd><code id="vault">{VAULT}</code></dd><pre id="code">{code}</pre>')
    return path


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "C.UTF-8")


def run(*arguments: object, typed: str = "", language: str = "C.UTF-8") -> tuple[int, str, str]:
    """Run it as on another machine: with the standard library and two more."""
    blocked = "".join(f"sys.modules[{each!r}] = None; " for each in WITHOUT)
    code = f"import runpy, sys; {blocked}runpy.run_module('core.cli', run_name='__main__')"
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        check=False,
        cwd=FOLDER,
        input=typed,
        capture_output=True,
        text=True,
        env={"PATH": os.environ["PATH"], "LC_ALL": language, "PYTHONUTF8": "1"},
        start_new_session=True,  # there is no terminal to ask on
    )
    return done.returncode, done.stdout, done.stderr


def tree(root: Path) -> dict[str, tuple[int, int]]:
    return {
        str(each): (each.stat().st_mtime_ns, each.stat().st_size)
        for each in sorted([root, *root.rglob("*")])
    }


def test_another_machine_lists_and_exports_and_changes_nothing(
    site: Site, kit: Path, begun: datetime, tmp_path: Path
) -> None:
    before = tree(site.root)
    code, told, _ = run("list", site.root, typed="\n".join(kit_code(SITE_KEY)) + "\n")
    assert code == 0
    lines = told.splitlines()
    assert lines[0].startswith("Site: 本町商店会")
    (door,) = [
        n for n, line in enumerate(lines) if line.startswith("Front door (door): 4 segments")
    ]
    tokyo = (begun + 9 * HOUR).strftime("  %Y-%m-%d %H:10:00 JST – ")
    assert lines[door + 1].startswith(tokyo)
    assert lines[door + 2].startswith("  ")
    (old,) = [n for n, line in enumerate(lines) if line.startswith("Old (old): 0 segments")]
    assert "1 segments are past their limit" in lines[old + 1]
    # What a power cut left open is read as well.
    assert any(line.startswith("Yard (yard): 2 segments") for line in lines)

    out = tmp_path / "out"
    span = ("--from", begun.isoformat(), "--to", (begun + HOUR).isoformat(), "--out", out)
    asked = ("export", site.root, "--kit", kit, "--camera", "Front door", *span)
    code, told, _ = run(*asked, language="ja_JP.UTF-8")
    assert code == 0
    assert "書き出した映像は暗号化されていません" in told
    films = sorted(out.iterdir())
    assert len(films) == 2
    for film in films:
        assert film.stat().st_mode & 0o777 == 0o600
        (stream,) = probed(film.read_bytes())
        assert (stream["codec_name"], stream["nb_read_packets"]) == ("h264", "40")
    kept = [each.read_bytes() for each in films]
    code, _, complaint = run(*asked)
    assert code == 2
    assert "File exists" in complaint
    assert [each.read_bytes() for each in sorted(out.iterdir())] == kept
    assert tree(site.root) == before


def in_process(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str]:
    code = cli.main([*map(str, arguments)])
    told = capsys.readouterr()
    return code, told.out + told.err


def test_what_is_past_its_limit_is_not_given_out(
    site: Site, kit: Path, begun: datetime, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    span = ("--from", begun - 12 * HOUR, "--to", begun, "--out", out)
    code, told = in_process(capsys, "export", site.root, "--kit", kit, "--camera", "old", *span)
    assert code == 1
    assert "1 segments are past their limit" in told
    assert "no footage of this camera" in told
    assert not out.exists()


def test_damage_is_named_and_the_rest_is_exported(
    site: Site, kit: Path, begun: datetime, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert in_process(capsys, "verify", site.root, "--kit", kit)[0] == 0
    path = min(site.root.glob("door/*/*/*.seg"))
    whole = path.read_bytes()
    path.write_bytes(whole[:5000] + bytes([whole[5000] ^ 1]) + whole[5001:])
    try:
        for level in ("chunks", "digest"):
            code, told = in_process(capsys, "verify", site.root, "--kit", kit, "--level", level)
            assert code == 1
            assert "Damaged: Front door" in told
            assert "1 damaged" in told
        span = ("--from", begun, "--to", begun + HOUR, "--out", tmp_path / "out")
        code, told = in_process(
            capsys, "export", site.root, "--kit", kit, "--camera", "door", *span
        )
        assert code == 1
        assert "(damaged)" in told
        assert len(list((tmp_path / "out").iterdir())) == 2
    finally:
        path.write_bytes(whole)


HELD, OVER, CLOSED = (f"{number:016x}" for number in (1, 2, 3))


def hold(site: Site, id_: str, sequences: Sequence[int], begun: datetime, until: datetime) -> None:
    """Copy segments of the door into a hold of their span."""
    segments = [site.row(each) for each in sequences]
    files = HoldFiles(site.vault, SITE_KEY)
    key = HoldKey(
        key=os.urandom(32),
        cameras=("door",),
        start_at=segments[0].start_at,
        end_at=segments[-1].end_at,
        placed_at=begun,
        until_at=until,
    )
    files.create(id_, key)
    for each in segments:
        files.copy(id_, each)


@pytest.fixture
def until() -> datetime:
    return datetime.now(UTC) + 24 * HOUR


@pytest.fixture
def held(site: Site, begun: datetime, until: datetime) -> Iterator[Site]:
    """Hold half of the door until tomorrow; the rest is over, or does not open any more.

    The originals are gone: what is held has nothing but itself.
    """
    door = [each.sequence for each in site.rows() if each.camera == "door"]
    hold(site, HELD, door[2:], begun, until)
    hold(site, OVER, door[:2], begun, begun + HOUR)
    hold(site, CLOSED, door[:1], begun, until)
    (site.root / "holds" / CLOSED / "hold.key").write_bytes(bytes(100))
    aside = site.root.parent / "aside"
    (site.root / "door").rename(aside)
    yield site
    shutil.rmtree(site.root / "holds")
    aside.rename(site.root / "door")


def test_what_is_held_is_read_elsewhere_until_its_end(
    held: Site, kit: Path, until: datetime, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = tree(held.root)
    code, told, _ = run("list", held.root, "--kit", kit)
    assert code == 0
    assert "Front door (door): 4" not in told
    lines = told.splitlines()
    tokyo = (until + 9 * HOUR).strftime("%Y-%m-%d %H:%M:%S JST")
    (kept,) = [n for n, line in enumerate(lines) if line.startswith(f"Hold {HELD}, ")]
    assert lines[kept].startswith(f"Hold {HELD}, until {tokyo}: Front door (door); ")
    assert "; 2 segments, " in lines[kept]
    (over,) = [n for n, line in enumerate(lines) if line.startswith(f"Hold {OVER}, ")]
    assert "Its end has come" in lines[over + 1]
    assert lines[-1].startswith(f"Hold {CLOSED}: its key is gone or does not open")

    out = tmp_path / "out"
    given = ("export", held.root, "--kit", kit, "--out", out, "--camera")
    code, told, _ = run(*given, "Front door", "--hold", HELD)
    assert code == 0
    assert f"erased by {tokyo}" in told
    (film,) = out.iterdir()
    (stream,) = probed(film.read_bytes())
    assert (stream["codec_name"], stream["nb_read_packets"]) == ("h264", "40")
    film.unlink()
    for more, complaint in (
        (("door", "--hold", OVER), "This hold has ended"),
        (("door", "--hold", CLOSED), f"no hold {CLOSED} here that opens"),
        (("door", "--hold", "door"), "no hold door here"),
        (("yard", "--hold", HELD), "no camera yard"),
        (("yard",), "Name the span"),
    ):
        code, told = in_process(capsys, *given, *more)
        assert code == 2
        assert complaint in told
    assert not list(out.iterdir())
    assert tree(held.root) == before


def test_damage_to_what_is_held_is_named(
    held: Site, kit: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # What does not open is not sound, either.
    code, told = in_process(capsys, "verify", held.root, "--kit", kit)
    assert code == 1
    assert f"Hold {CLOSED}" in told
    assert ", 0 damaged" in told
    shutil.rmtree(held.root / "holds" / CLOSED)
    assert in_process(capsys, "verify", held.root, "--kit", kit)[0] == 0
    path = min(held.root.glob(f"holds/{HELD}/door/*.seg"))
    whole = path.read_bytes()
    path.write_bytes(whole[:5000] + bytes([whole[5000] ^ 1]) + whole[5001:])
    code, told = in_process(capsys, "verify", held.root, "--kit", kit)
    assert code == 1
    assert told.count("Damaged: Front door") == 1
    # One that a crash has torn hides nothing of the others.
    path.write_bytes(whole[: len(whole) // 2])
    assert in_process(capsys, "verify", held.root, "--kit", kit)[0] == 1
    told = in_process(capsys, "list", held.root, "--kit", kit)[1]
    assert "; 1 segments, " in told
    assert "1 segments hold nothing" in told
    out = tmp_path / "out"
    given = ("--camera", "door", "--hold", HELD, "--out", out)
    code, told = in_process(capsys, "export", held.root, "--kit", kit, *given)
    assert code == 1
    assert "(damaged)" in told
    assert len(list(out.iterdir())) == 1


def test_a_vault_that_says_nothing_is_read_under_the_ceiling(
    site: Site, kit: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = site.root / DESCRIPTION_NAME
    path.rename(site.root.parent / "aside")
    try:
        code, told = in_process(capsys, "list", site.root, "--kit", kit)
    finally:
        (site.root.parent / "aside").rename(path)
    assert code == 0
    assert "does not say whose it is" in told
    assert "door (door): 4 segments" in told
    assert "old (old): 1 segments" in told


def test_what_goes_wrong_is_said_plainly(
    site: Site, kit: Path, begun: datetime, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = "\n".join(kit_code(SITE_KEY))
    files = {
        "mistyped": good[:20] + ("0" if good[20] != "0" else "1") + good[21:],
        "short": good[:40],
        "wrong": "\n".join(kit_code(bytes(32))),
        "other": kit.read_text().replace(str(VAULT)[:8], "12345678"),
        "plain": f"{good.lower()}\n",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)

    def told(*arguments: object) -> str:
        code, said = in_process(capsys, *arguments)
        assert code == 2
        return said

    def by(name: str) -> str:
        return told("list", site.root, "--kit", tmp_path / name)

    assert "Line 2 of the recovery code" in by("mistyped")
    assert "no recovery code" in by("short")
    assert "does not open this vault" in by("wrong")
    assert "of another vault: 12345678" in by("other")
    assert "cannot be read" in by("nothing there")
    assert in_process(capsys, "list", site.root, "--kit", tmp_path / "plain")[0] == 0
    assert "There is no vault" in told("list", tmp_path, "--kit", kit)

    def export(**changed: object) -> str:
        given = {
            "camera": "door",
            "from": begun,
            "to": begun + HOUR,
            "out": tmp_path / "out",
        } | changed
        more = [part for name, value in given.items() for part in (f"--{name}", value)]
        return told("export", site.root, "--kit", kit, *more)

    assert "no camera Nowhere" in export(camera="Nowhere")
    assert "This is no time: noon" in export(**{"from": "noon"})
    assert "ends before it begins" in export(to=begun)
    assert "into the vault" in export(out=site.root / "out")
    assert "It cannot be written" in export(out=kit)
    assert not (tmp_path / "out").exists()


def test_both_languages_say_the_same() -> None:
    english, japanese = cli._WORDS["en"], cli._WORDS["ja"]
    assert english.keys() == japanese.keys()
    names = [json.dumps(sorted(_names(each))) for each in english.values()]
    assert names == [json.dumps(sorted(_names(each))) for each in japanese.values()]


def _names(text: str) -> set[str]:
    return {part.split("}")[0].split(":")[0] for part in text.split("{")[1:]}
