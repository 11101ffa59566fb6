"""A package that is made of real footage and checked as its receiver does: with stock tools only."""

import re
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from custom_components.camera_steward.core.disclosure.order import (
    ClockWord,
    PackageOrder,
    PackageResult,
)
from custom_components.camera_steward.core.disclosure.package import Package, VaultSource
from custom_components.camera_steward.core.disclosure.passwords import make_password
from custom_components.camera_steward.core.disclosure.reel import Source, WantedSpan
from custom_components.camera_steward.core.model import GapCause
from tests.cameras import Clip

from .played import file_source, play
from .vault_site import START, Site, a_site

SEGMENT = timedelta(seconds=2)
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PASSWORD = make_password()
DOOR = Clip(audio="aac")
DOOR_LATER = Clip(video="h265", audio="pcmu", in_band=False)
YARD = Clip(video="mjpeg", audio="pcma")

COMMANDS = (
    "ssh-keygen -l -f signer.pub",
    (
        "ssh-keygen -Y verify -f allowed_signers -I camera-steward -n camera-steward-package "
        "-s SHA256SUMS.sig < SHA256SUMS"
    ),
    "sha256sum -c SHA256SUMS",
)
"""What the package itself tells a Linux user to type; a test compares."""

ORDER = PackageOrder(
    number="2026-0007",
    installer="青葉商店会",
    contact="048-000-0000",
    kind="authority_written",
    particulars={
        "agency": "熊谷警察署",
        "officer_post": "刑事課 巡査部長",
        "officer_name": "山田 太郎",
        "document_number": "熊捜発第12号",
        "document_date": "2026-11-21",
        "matter": "crime",
    },
    recipient="熊谷警察署",
    reason="窃盗事件の捜査のため",
    identity="警察手帳の提示を受けて確認",
    spans=(),
    clock=ClockWord(trusted=True, synchronised=True, error_seconds=-1.5, compared_at=START),
    in_charge="鈴木 花子",
    witness="高橋 次郎",
    manager="佐藤 一郎",
    approved_at=START,
    time_zone=ZoneInfo("Asia/Tokyo"),
)


def wanted(camera: str, start: datetime, end: datetime) -> WantedSpan:
    """Return a span of a camera, with a name that must not reach a file's name."""
    return WantedSpan(camera=camera, name=f"{camera} <入口>", start_at=start, end_at=end)


@contextmanager
def a_recorded_site() -> Iterator[Site]:
    """Make a site with a gap and a change of codec at the door, and G.711 with MJPEG in the yard."""
    with a_site() as site:
        play(site, "door", file_source(DOOR.path()), segment_length=SEGMENT)
        site.index.open_gap("door", site.clock.now(), GapCause.UNREACHABLE)
        site.clock.advance(timedelta(seconds=20))
        site.index.close_gap("door", site.clock.now())
        play(site, "door", file_source(DOOR_LATER.path()), segment_length=SEGMENT)
        play(site, "yard", file_source(YARD.path()), segment_length=SEGMENT)
        yield site


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """An archive in a file, what our side says of it, and where it is unpacked."""

    archive: Path
    folder: Path
    result: PackageResult


def package(
    source: Source | Site, spans: Sequence[WantedSpan], now: datetime, **changed: object
) -> Package:
    """Return a package of these spans."""
    return Package(
        replace(ORDER, spans=tuple(spans), **changed),  # type: ignore[arg-type]
        VaultSource(source.vault) if isinstance(source, Site) else source,
        signing_key=KEY,
        password=PASSWORD,
        now=now,
    )


def packed(made: Package, folder: Path) -> Packed:
    """Write a package to a file and unpack it."""
    folder.mkdir(exist_ok=True)
    archive = folder / "package.zip"
    with archive.open("wb") as file:
        file.writelines(made)
    assert unpack(archive, folder / "unpacked", PASSWORD).returncode == 0
    return Packed(archive=archive, folder=folder / "unpacked", result=made.result())


def unpack(archive: Path, folder: Path, password: str) -> subprocess.CompletedProcess[bytes]:
    """Unpack with 7-Zip."""
    command = ["7zz", "x", "-y", f"-p{password}", f"-o{folder}", str(archive)]
    return subprocess.run(command, capture_output=True, check=False)


def documented(folder: Path, language: str = "en") -> list[str]:
    """Return the commands that the package itself tells a Linux user to type after unpacking."""
    text = (folder / f"READ-ME.{language}.txt").read_text()
    commands = [
        re.search(r"ssh-keygen -l .*", text),
        re.search(r"ssh-keygen -Y verify .*", text),
        re.search(r"Linux +(sha256sum -c .*)", text),
    ]
    return [found[found.lastindex or 0] for found in commands if found is not None]


def passes(folder: Path, fingerprint: str) -> bool:
    """Return whether the documented commands succeed and tell the fingerprint we were told."""
    told = ""
    for command in COMMANDS:
        done = subprocess.run(
            ["bash", "-c", command], cwd=folder, capture_output=True, text=True, check=False
        )
        if done.returncode:
            return False
        told += done.stdout
    return told.count(fingerprint) == 2
