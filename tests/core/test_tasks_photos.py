"""Photos as evidence: what is taken, what is left of it, and how it lies on the disk."""

import io
import struct
import zlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from PIL import Image
from PIL.ExifTags import GPS, IFD, Base
from PIL.PngImagePlugin import PngInfo

from custom_components.camera_steward.core.books import Books, create_vault, erase_site
from custom_components.camera_steward.core.errors import (
    PhotoDamagedError,
    PhotoError,
    PhotoInvalidError,
    PhotoMissingError,
    PhotoTooLargeError,
    PhotoTooManyPixelsError,
    PhotoUnreadableError,
    StorageFullError,
)
from custom_components.camera_steward.core.files import LocalFiles
from custom_components.camera_steward.core.ledger.entry import EntryKind
from custom_components.camera_steward.core.policy.states import Subject, SubjectKind
from custom_components.camera_steward.core.policy.task import Doing, TaskKind, task_id
from custom_components.camera_steward.core.retention.limits import RetentionLimit, SiteLimits
from custom_components.camera_steward.core.site import SiteSettings
from custom_components.camera_steward.core.tasks.doings import doing_data
from custom_components.camera_steward.core.tasks.photos import (
    KEPT,
    PHOTO_MOST_BYTES,
    Photos,
    evidence_of,
)

from .faults import Fault, FaultyFiles, Loss, PowerCut
from .retention_site import DAY, ScriptedClock

NOW = datetime(2026, 11, 25, 3, 0, tzinfo=UTC)
KEY = bytes(range(32))
HEADER = 64


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "evidence"


@pytest.fixture
def photos(directory: Path) -> Photos:
    return Photos(LocalFiles(), directory, KEY)


def sent(
    size: tuple[int, int] = (1600, 1200), file: str = "JPEG", *, turned: int = 1, comment: str = ""
) -> bytes:
    """Return a picture that is red above and blue below, with where it was taken in it."""
    image = Image.new("RGB", size, "blue")
    image.paste("red", (0, 0, size[0], size[1] // 2))
    exif = Image.Exif()
    exif[Base.Orientation] = turned
    exif[Base.Make] = "Secret phone"
    exif.get_ifd(IFD.GPSInfo)[GPS.GPSLatitude] = (36.0, 8.0, 50.0)
    target = io.BytesIO()
    if file == "PNG":
        text = PngInfo()
        text.add_text("Comment", comment)
        image.save(target, file, exif=exif, pnginfo=text)
    else:
        image.save(target, file, exif=exif, comment=comment)
    return target.getvalue()


def seen(jpeg: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(jpeg))
    assert image.format == "JPEG"
    image.load()
    return image


def colour(image: Image.Image, x: float, y: float) -> str:
    found = image.getpixel((int(x * image.width), int(y * image.height)))
    assert isinstance(found, tuple)
    return "red" if found[0] > 128 else "blue"


@pytest.mark.parametrize("file", ["JPEG", "PNG", "WEBP"])
def test_what_is_kept_is_a_small_jpeg_and_nothing_but_the_picture(
    photos: Photos, directory: Path, file: str
) -> None:
    photo = photos.add(sent(file=file, comment="Taken at home"), at=NOW)
    kept = photos.read(photo)
    image = seen(kept)
    assert image.size == (1280, 960)
    assert (colour(image, 0.5, 0.1), colour(image, 0.5, 0.9)) == ("red", "blue")
    assert not image.getexif()
    assert set(image.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
    for told in (b"Secret phone", b"Taken at home", b"Exif"):
        assert told not in kept
    # On the disk there is nothing of it in the clear.
    (stored,) = directory.iterdir()
    assert (stored.name, stored.stat().st_mode & 0o777) == (photo, 0o600)
    sealed = stored.read_bytes()
    assert len(sealed) == HEADER + len(kept) + 16
    assert b"\xff\xd8\xff" not in sealed
    assert b"JFIF" not in sealed
    assert kept[1000:1032] not in sealed


@pytest.mark.parametrize(
    ("turned", "above", "left"),
    [(1, "red", None), (3, "blue", None), (6, None, "blue"), (8, None, "red")],
)
def test_it_is_turned_upright(
    photos: Photos, turned: int, above: str | None, left: str | None
) -> None:
    image = seen(photos.read(photos.add(sent((400, 200), turned=turned), at=NOW)))
    if above is not None:
        assert image.size == (400, 200)
        assert colour(image, 0.5, 0.1) == above
    else:
        assert image.size == (200, 400)
        assert colour(image, 0.1, 0.5) == left


def test_the_same_photo_is_kept_once_and_mended(photos: Photos, directory: Path) -> None:
    photo = photos.add(sent(), at=NOW)
    assert photos.add(sent(), at=NOW + timedelta(days=1)) == photo
    (stored,) = directory.iterdir()
    before = stored.read_bytes()
    stored.write_bytes(before[:-1])
    assert not photos.is_new(photo, NOW)
    assert photos.add(sent(), at=NOW) == photo
    assert photos.is_new(photo, NOW)
    assert [each.name for each in directory.iterdir()] == [photo]


def png(width: int, height: int, *more: tuple[bytes, bytes]) -> bytes:
    """Return a PNG that says how large it is and holds next to nothing."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    made = b"\x89PNG\r\n\x1a\n"
    for name, body in ((b"IHDR", head), *more, (b"IDAT", zlib.compress(b"")), (b"IEND", b"")):
        made += struct.pack(">I", len(body)) + name + body
        made += struct.pack(">I", zlib.crc32(name + body))
    return made


BOMB_TEXT = b"x\0\0" + zlib.compress(bytes(80_000_000))


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (bytes(50_000_000), PhotoTooLargeError),
        (sent() + bytes(PHOTO_MOST_BYTES), PhotoTooLargeError),
        (b"", PhotoInvalidError),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", PhotoInvalidError),
        (b"GIF89a" + bytes(100), PhotoInvalidError),
        (b"%PDF-1.7\n" + bytes(100), PhotoInvalidError),
        (sent()[:20], PhotoInvalidError),
        (sent()[: len(sent()) // 2], PhotoDamagedError),
        (sent(file="PNG")[:3000], PhotoDamagedError),
        (png(7100, 7100), PhotoTooManyPixelsError),
        (png(60_000, 60_000), PhotoTooManyPixelsError),
        (png(100, 100), PhotoDamagedError),
        (png(100, 100, (b"zTXt", BOMB_TEXT)), PhotoError),
    ],
    ids=lambda each: each.__name__ if isinstance(each, type) else f"{len(each)}",
)
def test_what_cannot_be_taken_is_refused_and_leaves_nothing(
    photos: Photos, directory: Path, data: bytes, error: type[PhotoError]
) -> None:
    with pytest.raises(error) as raised:
        photos.add(data, at=NOW)
    assert raised.value.key.startswith("photo_")
    assert not directory.exists()


def test_a_photo_that_was_tampered_with_is_refused(photos: Photos, directory: Path) -> None:
    photo, other = photos.add(sent(), at=NOW), photos.add(sent((300, 300)), at=NOW)
    stored = (directory / photo).read_bytes()
    for at in (0, 9, 11, 15, 30, 60, HEADER, len(stored) - 1):
        changed = bytearray(stored)
        changed[at] ^= 1
        (directory / photo).write_bytes(changed)
        with pytest.raises(PhotoUnreadableError):
            photos.read(photo)
    for torn in (b"", stored[:40], stored[:HEADER], stored[:-1], stored + b"\0"):
        (directory / photo).write_bytes(torn)
        with pytest.raises(PhotoUnreadableError):
            photos.read(photo)
    # Another photo of the site, put in its place; and a right one, by another site's key.
    (directory / photo).write_bytes((directory / other).read_bytes())
    with pytest.raises(PhotoUnreadableError):
        photos.read(photo)
    (directory / photo).write_bytes(stored)
    assert photos.is_new(photo, NOW)
    assert not Photos(LocalFiles(), directory, bytes(32)).is_new(photo, NOW)


@pytest.mark.parametrize("photo", ["", "x", "../ledger.db", "0" * 64, "A" * 64, "0" * 64 + "\n"])
def test_there_is_none_by_another_name(photos: Photos, photo: str) -> None:
    photos.add(sent(), at=NOW)
    with pytest.raises(PhotoMissingError):
        photos.read(photo)


def test_it_goes_after_a_day_without_use_and_after_the_time_of_the_registers(
    photos: Photos, directory: Path
) -> None:
    used, unused = photos.add(sent(), at=NOW), photos.add(sent((300, 300)), at=NOW)
    (directory / f"{'a' * 64}.new").write_bytes(b"CAMST")
    (directory / "note.txt").write_text("somebody's own")
    subject = Subject(SubjectKind.CAMERA, "door")
    doings = [
        Doing(
            kind=TaskKind.POST_SIGN,
            subject=subject,
            at=at,
            by="Taro Ara",
            user=None,
            answers={"photo": used, "where": "x" * 64, "way": "panel"},
            entry=number,
        )
        for number, at in enumerate((NOW, NOW - timedelta(days=9)))
    ]
    evidence = evidence_of(doings)
    assert evidence == {used: NOW}
    # What showed something yesterday shows nothing of today, though it is handed in once more.
    for each in (used, photos.add(sent(), at=NOW + timedelta(days=2))):
        assert photos.is_new(each, NOW + timedelta(days=1))
        assert not photos.is_new(each, NOW + timedelta(days=1, seconds=1))
    photos.sweep(evidence, NOW + timedelta(days=1))
    assert photos.is_new(unused, NOW)
    assert not (directory / f"{'a' * 64}.new").exists()
    photos.sweep(evidence, NOW + timedelta(days=1, seconds=1))
    assert not photos.is_new(unused, NOW)
    assert photos.lapsed(evidence, NOW + KEPT) == []
    assert photos.lapsed(evidence, NOW + KEPT + timedelta(seconds=1)) == [used]
    photos.sweep(evidence, NOW + KEPT * 2)
    assert photos.is_new(used, NOW)
    photos.erase([unused, "note.txt", used])
    assert [each.name for each in directory.iterdir()] == ["note.txt"]
    photos.add(sent(), at=NOW)
    photos.erase_all()
    assert [each.name for each in directory.iterdir()] == ["note.txt"]
    (directory / "note.txt").unlink()
    photos.erase_all()
    assert not directory.exists()


def test_a_full_disk_and_a_power_cut_leave_no_half_photo(directory: Path) -> None:
    for fault in (Fault.ENOSPC, Fault.POWER_CUT):
        at = 1
        while True:
            files = FaultyFiles()
            photos = Photos(files, directory / f"{fault.name}-{at}", KEY)
            files.arm(at=at, fault=fault)
            try:
                photo = photos.add(sent((60, 40)), at=NOW)
            except StorageFullError:
                assert fault is Fault.ENOSPC
            except PowerCut:
                files.power_on(Loss.LOST)
            else:
                assert at > 5
                files.power_on(Loss.LOST)
                assert photos.is_new(photo, NOW)  # durable on return
                break
            again = photos.add(sent((60, 40)), at=NOW)
            assert seen(photos.read(again)).size == (60, 40)
            at += 1


def test_a_site_keeps_photos_as_long_as_its_registers_and_no_longer_than_itself(
    tmp_path: Path,
) -> None:
    clock = ScriptedClock()
    clock.sync = True
    settings = SiteSettings(
        root=tmp_path / "vault",
        vault=UUID(int=7),
        state=tmp_path / "state",
        site_key=bytes(32),
        signing_key=KEY,
        limit=RetentionLimit(duration=DAY),
        ceiling=14 * DAY,
    )
    create_vault(settings.root, settings.vault, clock=clock)
    limits = SiteLimits(ceiling=14 * DAY, default=settings.limit, cameras={})
    folder = settings.state / "evidence"

    def opened() -> Books:
        return Books(settings, clock, LocalFiles(), lambda: limits, lambda event: None)

    books = opened()
    books.keeper.run()
    used = books.photos.add(sent(), at=clock.now())
    unused = books.photos.add(sent((300, 300)), at=clock.now())
    subject = Subject(SubjectKind.CAMERA, "door")
    books.ledger.append(
        EntryKind.TASK_DONE,
        actor="Taro Ara",
        subject=task_id(TaskKind.POST_SIGN, subject),
        data=doing_data(TaskKind.POST_SIGN, subject, "taro", {"where": "Door", "photo": used}),
        at=clock.now(),
    )
    books.close()
    for days, kept in ((2, {used}), (3 * 366, set())):
        clock.power_off(days * DAY)
        books = opened()
        # Before the clock is believed, nothing goes.
        before = set(folder.iterdir())
        books.tidy_photos()
        assert set(folder.iterdir()) == before
        books.keeper.run()
        books.tidy_photos()
        assert {each.name for each in folder.iterdir()} == kept
        books.close()
    books = opened()
    # What settings name stays, however old and whether it ever was evidence.
    plan = books.photos.add(sent((200, 200)), at=clock.now())
    books.photos.add(sent(), at=clock.now())
    books.close()
    settings = replace(settings, photos=frozenset({plan, used}))
    clock.power_off(2 * DAY)
    books = opened()
    books.keeper.run()
    books.tidy_photos()
    assert {each.name for each in folder.iterdir()} == {plan, used}
    books.named_photos = frozenset()
    books.tidy_photos()
    assert set(folder.iterdir()) == set()
    finding, _ = books.ledger.entries((EntryKind.FINDING,))
    assert finding.data == {"what": "photos_erased", "photos": [used]}
    assert unused not in str(finding.data)
    # The key of evidence is the ledger's: a vault's may be destroyed without it.
    again = books.photos.add(sent(), at=clock.now())
    books.close()
    settings = replace(settings, site_key=bytes(range(32, 64)))
    books = opened()
    assert seen(books.photos.read(again)).size == (1280, 960)
    books.close()
    erase_site(settings, actor="Hanako", clock=clock)
    assert not folder.exists()
