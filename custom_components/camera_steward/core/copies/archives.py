"""What a backup of Home Assistant holds of the footage, and whether it outlives the limit."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path, PurePath

from ..ledger.entry import Entry, EntryKind
from .known import End

_VAULT_PATH = "vault_path"
_RUN = timedelta(days=1)
"""Home Assistant looks daily which backups are too old."""


class PlaceKind(StrEnum):
    """What kind of footage lies at a place."""

    VAULT = "vault"
    """Encrypted; the key lies in Home Assistant's own storage."""
    FOLDER = "folder"
    """A managed folder, in the clear."""
    FILES = "files"
    """Where an action was seen to save pictures. Whether they are there still is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """That the vault lay at a place, from when to when; no end: it lies there."""

    path: Path
    since: datetime | None
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where footage lies or lay: `path` resolved, `limit` the shortest that holds for any of it.

    `since` and `until` are when it lay there, as far as is known.
    """

    kind: PlaceKind
    name: str
    path: PurePath
    limit: timedelta
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Who keeps a backup: its id, its place, and the plan's rule for automatic ones there.

    An empty `place` is this machine. `days` and `copies` both None: for ever. `newest`: the automatic one that is never deleted.
    """

    agent: str
    place: str
    protected: bool
    days: int | None = None
    copies: int | None = None
    newest: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """A backup: what is known of it without opening it.

    `automatic` is None for one that this Home Assistant did not make itself; `with_settings` is
    whether Home Assistant's own directory is in it, with the keys.
    """

    id: str
    name: str
    made_at: datetime
    automatic: bool | None
    with_settings: bool
    holders: tuple[Holder, ...]
    foreign: bool = False
    """Made by another installation: an earlier one of this machine, or one that is nobody's business."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """That a backup holds footage, what of it, and until when.

    `past_at` is the earliest at which something in it may be past its limit.
    """

    archive: Archive
    places: tuple[Place, ...]
    sure: bool
    end: End
    gone_at: datetime | None
    past_at: datetime

    @property
    def origin(self) -> str:
        """Return who made it: the plan, a person, or something that does not say."""
        return {True: "automatic", False: "manual", None: "other"}[self.archive.automatic]

    @property
    def outlives(self) -> bool:
        """Return whether it is still there when what it holds has to be gone."""
        return self.gone_at is None or self.gone_at > self.past_at

    @property
    def needs_a_person(self) -> bool:
        """Return whether that is to be mended, as far as it is this installation's doing."""
        return self.outlives and not self.archive.foreign

    @property
    def opens(self) -> bool:
        """Return whether it holds a vault together with this installation's key to it."""
        vault = any(each.kind is PlaceKind.VAULT for each in self.places)
        return vault and self.archive.with_settings and not self.archive.foreign


def stays(entries: Iterable[Entry], now_at: Path) -> list[Stay]:
    """Return where a vault has lain, by the ledger (`site_created`, `settings_changed`).

    What the ledger does not know is where it lies now: since nobody can say when.
    """
    found: list[Stay] = []
    for entry in entries:
        path = entry.data.get(_VAULT_PATH)
        if entry.kind == EntryKind.SETTINGS_CHANGED and isinstance(path, Mapping):
            path = path.get("to")
        if not isinstance(path, str):
            continue
        if found:
            last = found.pop()
            found.append(Stay(path=last.path, since=last.since, until=entry.at))
        found.append(Stay(path=Path(path), since=entry.at))
    if not found or found[-1].path != now_at:
        found.append(Stay(path=now_at, since=None))
    return found


def is_archived(path: PurePath, root: PurePath, excluded: Iterable[str]) -> bool:
    """Return whether an archive of `root` holds files at `path`; both resolved.

    As Home Assistant archives: links to directories are not followed (a resolved path has none),
    and below a directory that a pattern names nothing is taken.
    """
    if not path.is_relative_to(root):
        return False
    # A file in it: a pattern such as `tts/*` leaves the directory, empty.
    named = PurePath("data", path.relative_to(root), "file")
    steps = [PurePath(*named.parts[:count]) for count in range(1, len(named.parts) + 1)]
    return not any(step.full_match(f"data/{each}") for step in steps for each in excluded)


def judge(archive: Archive, held: Iterable[Place], *, more_coming: bool) -> Finding | None:
    """Return what is to be said of a backup that holds these places; None for nothing.

    `more_coming`: automatic ones go on being made, so that newer ones push older ones out.
    """
    places = tuple(e for e in held if archive.foreign or _lay_there(e, archive.made_at))
    if not places:
        return None
    end, gone_at = ends(archive, more_coming=more_coming)
    return Finding(
        archive=archive,
        places=places,
        sure=not archive.foreign
        and any(each.kind is not PlaceKind.FILES and each.since is not None for each in places),
        end=end,
        gone_at=gone_at,
        past_at=min(_past_at(each, archive.made_at) for each in places),
    )


def ends(archive: Archive, *, more_coming: bool) -> tuple[End, datetime | None]:
    """Return what ends a backup, in all its places, and by when if that is known.

    Home Assistant deletes automatic ones only, and never the newest of a place.
    """
    if not archive.automatic:
        return End.NEVER, None
    found = [_end_at(each, archive.made_at, more_coming=more_coming) for each in archive.holders]
    for end in (End.NEVER, End.NEWER):
        if any(each is end for each, _ in found):
            return end, None
    dates = [at for _, at in found if at is not None]
    return (End.DATE, max(dates)) if dates else (End.NEVER, None)


def _end_at(holder: Holder, made_at: datetime, *, more_coming: bool) -> tuple[End, datetime | None]:
    if holder.newest and not more_coming:
        return End.NEVER, None
    if holder.days is not None:
        return End.DATE, made_at + timedelta(days=holder.days) + _RUN
    if holder.copies is not None and more_coming:
        return End.NEWER, None
    return End.NEVER, None


def _lay_there(place: Place, at: datetime) -> bool:
    return (place.since is None or place.since <= at) and (place.until is None or at < place.until)


def _past_at(place: Place, made_at: datetime) -> datetime:
    """Return from when something of a place in a backup may be past its limit.

    What lay there was of the limit's age at most, and no older than the place itself.
    """
    return made_at if place.since is None else max(made_at, place.since + place.limit)
