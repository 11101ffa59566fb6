"""Where a vault may lie, as Home Assistant sees the machine: refused, warned of, suggested.

What has no `async_` in its name touches the disk and belongs into the executor.
"""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final
from uuid import UUID

from homeassistant.components.backup import Folder, async_get_manager
from homeassistant.const import CONF_PATH
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.util.system_info import is_official_image

from .const import CONF_VAULT_PATH, DOMAIN, SUBENTRY_FOLDER
from .core.books import (
    VaultPlaceKind,
    prepare_vault,
)
from .core.errors import (
    StorageError,
    StorageFullError,
    StorageReadOnlyError,
    VaultForeignError,
)
from .core.model import Space

_FOLDER_NAME = "camera_steward"
_MOUNTS = Path("/proc/self/mounts")
_BLOCK_DEVICES = Path("/sys/dev/block")
_SHARES = frozenset({"9p", "cifs", "fuse.sshfs", "nfs", "nfs4", "smb3"})
_DISKS = _SHARES | frozenset(
    {
        *("bcachefs", "btrfs", "exfat", "ext2", "ext3", "ext4", "f2fs", "fuse.mergerfs", "fuseblk"),
        *("ntfs", "ntfs3", "vfat", "virtiofs", "xfs", "zfs"),
    }
)
OFF_LIMITS = tuple(
    Path(name)
    for name in [
        "/bin",
        "/boot",
        "/dev",
        "/etc",
        "/lib",
        "/lib64",
        "/proc",
        "/run",
        "/sbin",
        "/sys",
        "/usr",
        "/ssl",
        "/backup",
    ]
)
"""Directories of the system, in and below which nothing of ours may be."""
_CONFIG_FOLDERS = frozenset(
    [
        "backups",
        "blueprints",
        "custom_components",
        "deps",
        "image",
        "packages",
        "python_scripts",
        "themes",
        "tts",
    ]
)
_MOST_SUGGESTIONS = 6
BACKUP_FOLDERS: Final[Mapping[Folder, Path]] = {
    Folder.SHARE: Path("/share"),
    Folder.ADDONS: Path("/addons"),
    Folder.SSL: Path("/ssl"),
    Folder.MEDIA: Path("/media"),
}
"""What the Supervisor takes along where it is chosen, as Home Assistant sees it."""


class PlaceRefusal(StrEnum):
    """Why footage must not lie somewhere; translation keys of form errors."""

    RELATIVE = "path_relative"
    MEDIA = "path_in_media"
    PUBLIC = "path_in_www"
    SYSTEM = "path_in_system"
    IN_USE = "path_in_use"
    MANAGED = "path_managed"
    OCCUPIED = "path_occupied"
    FOREIGN = "path_foreign"
    NOT_WRITABLE = "path_not_writable"
    FULL = "path_full"
    UNREACHABLE = "path_unreachable"


class PlaceWarning(StrEnum):
    """What speaks against a place without ruling it out; names of steps in the flow."""

    BACKUP = "warn_backup"
    MEMORY = "warn_memory"
    CONTAINER = "warn_container"


class PlaceRefusedError(Exception):
    """A place where footage must not lie."""

    def __init__(self, refusal: PlaceRefusal) -> None:
        """Say why."""
        super().__init__(refusal.value)
        self.refusal = refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What Home Assistant does with which directories; all resolved."""

    config: Path
    media: tuple[Path, ...]
    public: Path
    backed_up: tuple[Path, ...]
    vaults: tuple[Path, ...]
    official_image: bool
    managed: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A place that is not refused; `vault` is the id of the one that is there already."""

    root: Path
    vault: UUID | None
    space: Space
    warnings: tuple[PlaceWarning, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Mount:
    path: Path
    kind: str


@callback
def async_surroundings(hass: HomeAssistant, *, but: str | None = None) -> Surroundings:
    """Read what is known without touching the disk.

    `but` is the entry whose vault, or the subentry whose folder, may stay in place.
    """
    config = hass.config
    entries = hass.config_entries.async_entries(DOMAIN)
    return Surroundings(
        config=Path(config.config_dir),
        media=tuple(Path(path) for path in config.media_dirs.values()),
        public=Path(config.path("www")),
        backed_up=(Path(config.config_dir), *_backed_up_folders(hass)),
        vaults=tuple(
            Path(entry.data[CONF_VAULT_PATH]) for entry in entries if entry.entry_id != but
        ),
        official_image=is_official_image(),
        managed=tuple(
            Path(subentry.data[CONF_PATH])
            for entry in entries
            for id_, subentry in entry.subentries.items()
            if subentry.subentry_type == SUBENTRY_FOLDER and id_ != but
        ),
    )


def _backed_up_folders(hass: HomeAssistant) -> tuple[Path, ...]:
    """Return the folders outside the configuration that the automatic backups take along."""
    try:
        plan = async_get_manager(hass).config.data.create_backup
    except HomeAssistantError:
        return ()
    return tuple(BACKUP_FOLDERS[each] for each in plan.include_folders or ())


def check_place(text: str, around: Surroundings) -> Place:
    """Return what is at a path; `PlaceRefusedError` where footage must not lie."""
    root = Path(os.path.normpath(text.strip()))
    if not root.is_absolute():
        raise PlaceRefusedError(PlaceRefusal.RELATIVE)
    try:
        real = root.resolve()
        _refuse_by_position(real, around)
        found = prepare_vault(root)
    except VaultForeignError:
        raise PlaceRefusedError(PlaceRefusal.FOREIGN) from None
    except StorageReadOnlyError:
        raise PlaceRefusedError(PlaceRefusal.NOT_WRITABLE) from None
    except StorageFullError:
        raise PlaceRefusedError(PlaceRefusal.FULL) from None
    except StorageError, OSError, RuntimeError, ValueError:
        raise PlaceRefusedError(PlaceRefusal.UNREACHABLE) from None
    if found.kind is VaultPlaceKind.OCCUPIED:
        raise PlaceRefusedError(PlaceRefusal.OCCUPIED)
    return Place(
        root=root, vault=found.vault, space=found.space, warnings=tuple(_warnings(real, around))
    )


def suggest_places(around: Surroundings) -> list[Place]:
    """Return new folders that fit this machine: other disks and shares, the best first."""
    mounts = [each.path for each in _read_mounts() if each.kind in _DISKS and each.path.parts[1:]]
    found = []
    for folder in {*mounts, Path("/share"), around.config}:
        if not folder.is_dir():
            continue
        try:
            found.append(check_place(str(folder / _name_in(folder, around)), around))
        except PlaceRefusedError:
            continue
    found.sort(key=lambda place: (len(place.warnings), -place.space.free_bytes))
    return found[:_MOST_SUGGESTIONS]


def is_network_storage(real: Path) -> bool:
    """Return whether a resolved path lies on a network share."""
    return _kind_at(real) in _SHARES


def storage_words(root: Path) -> str:
    """Return the kind of storage below a path in words for the ledger; empty when unknown.

    A disk that says it rotates is left unnamed: most memory sticks say so too.
    """
    real = root.resolve()
    if _kind_at(real) in _SHARES:
        return "network share"
    try:
        device = _nearest(real).stat().st_dev
        block = (_BLOCK_DEVICES / f"{os.major(device)}:{os.minor(device)}").resolve()
        # A partition has its queue at the disk that it is a part of.
        queue = next(path for path in (block, block.parent) if (path / "queue").is_dir()) / "queue"
        return "flash, may keep old cells" if (queue / "rotational").read_text()[0] == "0" else ""
    except OSError, StopIteration, IndexError:
        return ""


def _name_in(folder: Path, around: Surroundings) -> str:
    # The integration's own folder in the configuration directory has the bare name.
    return f"{_FOLDER_NAME}_footage" if folder == around.config else _FOLDER_NAME


def _refuse_by_position(root: Path, around: Surroundings) -> None:
    media = [path.resolve() for path in around.media]
    config = around.config.resolve()
    if any(overlap(root, path) for path in media):
        raise PlaceRefusedError(PlaceRefusal.MEDIA)
    if overlap(root, around.public.resolve()):
        raise PlaceRefusedError(PlaceRefusal.PUBLIC)
    if len(root.parts) == 1 or any(root.is_relative_to(path) for path in OFF_LIMITS):
        raise PlaceRefusedError(PlaceRefusal.SYSTEM)
    if config.is_relative_to(root):
        raise PlaceRefusedError(PlaceRefusal.SYSTEM)
    if root.is_relative_to(config):
        first = root.relative_to(config).parts[0]
        if first.startswith(".") or first == DOMAIN or first in _CONFIG_FOLDERS:
            raise PlaceRefusedError(PlaceRefusal.SYSTEM)
    if any(overlap(root, path.resolve()) for path in around.vaults):
        raise PlaceRefusedError(PlaceRefusal.IN_USE)
    if any(overlap(root, path.resolve()) for path in around.managed):
        raise PlaceRefusedError(PlaceRefusal.MANAGED)


def _warnings(root: Path, around: Surroundings) -> Iterable[PlaceWarning]:
    if any(root.is_relative_to(path.resolve()) for path in around.backed_up):
        yield PlaceWarning.BACKUP
    kind = _kind_at(root)
    if kind in ("tmpfs", "ramfs"):
        yield PlaceWarning.MEMORY
    if kind == "overlay" and around.official_image:
        yield PlaceWarning.CONTAINER


def _kind_at(real: Path) -> str:
    """Return the kind of file system at a resolved path."""
    above = [each for each in _read_mounts() if real.is_relative_to(each.path)]
    # Of two mounts at one place, the later one covers the earlier.
    return max(reversed(above), key=lambda each: len(each.path.parts)).kind if above else ""


def _nearest(path: Path) -> Path:
    """Return the path itself, or what there is of it."""
    while not path.exists():
        path = path.parent
    return path


def overlap(one: Path, other: Path) -> bool:
    """Return whether one of two resolved paths is, or lies within, the other."""
    return one.is_relative_to(other) or other.is_relative_to(one)


def _read_mounts() -> list[_Mount]:
    try:
        lines = _MOUNTS.read_text(errors="replace").splitlines()
    except OSError:
        return []
    fields = [line.split(" ") for line in lines]
    return [
        _Mount(path=Path(each[1].encode().decode("unicode_escape")), kind=each[2])
        for each in fields
        if len(each) > 2
    ]
