"""What a vault says of its site: it reads back, opens nowhere else, and every byte of it counts."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import override
from uuid import UUID

import pytest

from custom_components.camera_steward.core.errors import (
    DescriptionError,
    StewardError,
    StorageFullError,
)
from custom_components.camera_steward.core.files import LocalFiles, WritableFile
from custom_components.camera_steward.core.vault.description import (
    DESCRIPTION_NAME,
    DescribedCamera,
    DescribedCorrection,
    SiteDescription,
    read_description,
    seal,
    unseal,
    write_description,
)

from .vault_site import SITE_KEY, START, VAULT, Site, a_site

DAY = timedelta(days=1)
TOLD = SiteDescription(
    title="本町商店会",
    cameras={
        "door": DescribedCamera(name="入口", limit=7 * DAY),
        "yard": DescribedCamera(name="Yard", limit=30 * DAY, lapses_at=START + 5 * DAY),
    },
    ceiling=14 * DAY,
    default=7 * DAY,
    method="erased, key destroyed",
    zone="Asia/Tokyo",
    corrections=(DescribedCorrection(first=3, last=9, by=timedelta(hours=-2)),),
    written_at=START,
)


@pytest.fixture
def site() -> Iterator[Site]:
    with a_site() as made:
        yield made


def test_it_reads_back_and_only_with_its_key_as_its_vaults(site: Site) -> None:
    files = LocalFiles()
    assert read_description(site.root, files, SITE_KEY, VAULT) is None
    write_description(site.root, files, TOLD, SITE_KEY, VAULT)
    assert read_description(site.root, files, SITE_KEY, VAULT) == TOLD
    for key, vault in ((bytes(32), VAULT), (SITE_KEY, UUID(int=1))):
        with pytest.raises(DescriptionError):
            read_description(site.root, files, key, vault)
    # It is no stranger, neither whole nor as a draft that a crash left.
    (site.root / f"{DESCRIPTION_NAME}.new").touch()
    assert list(site.vault.walk()) == []
    write_description(site.root, files, replace(TOLD, title="x"), SITE_KEY, VAULT)
    again = read_description(site.root, files, SITE_KEY, VAULT)
    assert again is not None
    assert again.title == "x"


def test_any_changed_byte_and_any_cut_is_found() -> None:
    data = seal(TOLD, SITE_KEY, VAULT)
    for at in range(len(data)):
        with pytest.raises(DescriptionError):
            unseal(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :], SITE_KEY, VAULT)
    for cut in (0, 10, 23, 24, 40, len(data) - 1):
        with pytest.raises(DescriptionError):
            unseal(data[:cut], SITE_KEY, VAULT)
    with pytest.raises(DescriptionError):
        unseal(data + b"\0", SITE_KEY, VAULT)


def test_its_length_does_not_tell_the_names() -> None:
    other = replace(TOLD, title="The bar of the two brothers")
    assert len(seal(TOLD, SITE_KEY, VAULT)) == len(seal(other, SITE_KEY, VAULT))
    assert TOLD.title.encode() not in seal(TOLD, SITE_KEY, VAULT)


def test_a_longer_limit_falls_to_the_ceiling_when_its_approval_lapses() -> None:
    assert TOLD.limit_of("yard", START) == 30 * DAY
    assert TOLD.limit_of("yard", START + 5 * DAY) == 14 * DAY
    assert TOLD.limit_of("door", START + 5 * DAY) == TOLD.limit_of("unknown", START) == 7 * DAY


@pytest.mark.parametrize(
    "absurd",
    [
        replace(TOLD, default=timedelta(0)),
        replace(TOLD, ceiling=-DAY),
        replace(TOLD, default=timedelta(days=999_999_999)),
        replace(TOLD, cameras={"door": DescribedCamera(name="", limit=timedelta(days=-1))}),
        replace(TOLD, corrections=(DescribedCorrection(first=9, last=3, by=DAY),)),
        replace(TOLD, corrections=(DescribedCorrection(first=1, last=2**63, by=DAY),)),
        replace(TOLD, corrections=(DescribedCorrection(first=1, last=2, by=999_999 * DAY),)),
    ],
)
def test_what_would_erase_or_keep_everything_is_not_believed(absurd: SiteDescription) -> None:
    with pytest.raises(DescriptionError):
        unseal(seal(absurd, SITE_KEY, VAULT), SITE_KEY, VAULT)


class _FullFiles(LocalFiles):
    """A disk that fills up as a draft is written."""

    @override
    def create(self, path: Path) -> WritableFile:
        super().create(path).close()
        raise StorageFullError


def test_what_cannot_be_written_leaves_what_was_there(site: Site) -> None:
    write_description(site.root, LocalFiles(), TOLD, SITE_KEY, VAULT)
    with pytest.raises(StewardError):
        write_description(site.root, _FullFiles(), replace(TOLD, title="x"), SITE_KEY, VAULT)
    assert read_description(site.root, LocalFiles(), SITE_KEY, VAULT) == TOLD
