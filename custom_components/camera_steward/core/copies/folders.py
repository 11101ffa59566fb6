"""Managed folders: what something else drops there is listed, judged by age, and erased on record.

A look at a folder lists it; where a file reaches its limit before the next look, all that will do so
within the hour are erased, so that nothing outlives its limit and the ledger has an entry an hour.
"""

import glob
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from hashlib import blake2b, sha256
from itertools import batched
from os import fsencode
from pathlib import Path
from types import MappingProxyType

from ..ledger.entry import EntryKind, Json, encode, number
from ..ledger.store import Ledger
from ..retention.limits import RetentionLimit
from .dates import FIRST_AT, AgeBy, date_of, named_span
from .marker import MARKER
from .seen import FirstSeen
from .tree import CHANGED, GONE, File, Tree

EVERY = timedelta(minutes=10)
"""Between two looks at a folder."""
WRITING = timedelta(minutes=1)
"""A file that was changed within this time is still being written, and stays."""
METHOD = "removed, not overwritten"
"""What the record says: the content is in the clear, and the disk may keep it for a while."""
IMPORTED = "imported"
"""Why files went that had not reached their limit."""
BATCH = 1000
"""Files in one entry at most; they are held in memory."""

_KINDS = 8
_MOST_KINDS = 1000
"""Endings that are told apart while a folder is listed; they are held in memory."""
_ENDING = re.compile(r".\.([0-9A-Za-z]{1,8})\Z", re.DOTALL)
"""What a look shows is of no names but ours: other endings might hold anything."""

_LEAD = EVERY + timedelta(minutes=1)
_MOST_EARLY = timedelta(hours=1)
_AGAIN = timedelta(days=1)
_UNDATED = 500
_SIZE = 16
_LIST_TAG = b"camera-steward/ledger/file-list/1"


VIDEOS = (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".ts")
"""How the names of files end that can be imported."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportSettings:
    """Where the videos of a folder go: whose segments they become, of which length.

    `audio` says whether that camera's sound is stored, as its own settings have it.
    """

    camera: str
    audio: bool
    segment_length: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderSettings:
    """What one managed folder is: where, which files, how their age is told, how long they stay.

    `patterns` are globs, of the name or, with `/`, of the path below the folder; capitals do not
    count. `spare` are directories that are never entered, wherever they lie. `into` says where videos
    go that are imported into the vault; None where they stay until their limit. `mark` is what its
    marker says; None where it was never confirmed with one, and then nothing is erased or imported.
    """

    folder: str
    path: Path
    patterns: tuple[str, ...]
    age_by: AgeBy
    zone: tzinfo
    limit: RetentionLimit
    spare: tuple[Path, ...] = ()
    into: ImportSettings | None = None
    mark: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Some files of a folder together."""

    count: int = 0
    size_bytes: int = 0
    oldest_at: datetime | None = None
    newest_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """What a look at a folder found.

    `due` goes now, `kept` stays; `overdue` counts what is past its limit and cannot be removed,
    `writing` what would go and is still being written. `future` counts the files whose date lies in
    the future, `unreadable` what could not be looked at, `apart` what is not entered. `next_at` is
    when the next of the files reaches its limit. `videos` counts what stays and can be imported, by
    its name; `kinds` all of them by the ending of their name, the most frequent first and eight at
    most, and `other_kinds` the rest.
    """

    due: Group
    kept: Group
    overdue: int
    writing: int
    future: int
    unreadable: int
    apart: int
    next_at: datetime | None
    videos: int
    kinds: tuple[tuple[str, int], ...]
    other_kinds: int


@dataclass(frozen=True, slots=True)
class Aged:
    """A file that is governed, and when it was captured."""

    file: File
    at: datetime
    future: bool


@dataclass(slots=True)
class _Sum:
    count: int = 0
    size_bytes: int = 0
    oldest_at: datetime | None = None
    newest_at: datetime | None = None

    def add(self, each: Aged) -> None:
        self.count += 1
        self.size_bytes += each.file.size_bytes
        if self.oldest_at is None or each.at < self.oldest_at:
            self.oldest_at = each.at
        if self.newest_at is None or each.at > self.newest_at:
            self.newest_at = each.at

    def group(self) -> Group:
        return Group(
            count=self.count,
            size_bytes=self.size_bytes,
            oldest_at=self.oldest_at,
            newest_at=self.newest_at,
        )


def early(limit: timedelta) -> timedelta:
    """Return how long before its limit a file goes at most: a 24th of it, 11 min to an hour."""
    return min(max(limit / 24, _LEAD), _MOST_EARLY)


def file_digest(files: Iterable[File]) -> str:
    """Return the hexadecimal SHA-256 that stands for a list of files, in whatever order given.

    Over length-prefixed fields (4 bytes big-endian, then the bytes): the tag
    `camera-steward/ledger/file-list/1`, the number of files, then for each in order of its path's
    bytes the path relative to the folder, its size in bytes and its time of modification in
    nanoseconds since 1970. Numbers are 8 bytes big-endian.
    """
    rows = sorted((fsencode(each.path), each.size_bytes, each.modified_ns) for each in files)
    fields = [_LIST_TAG, number(len(rows))]
    for path, size, modified in rows:
        fields += (path, number(size), number(modified))
    return sha256(encode(*fields)).hexdigest()


def preview(
    settings: FolderSettings,
    limit: timedelta,
    now: datetime,
    stopping: Callable[[], bool] = lambda: False,
) -> Listing:
    """Return what managing a folder would erase now; nothing is changed or remembered.

    `FolderMissingError` where it cannot be opened, `StoppedError` once `stopping` says so.
    """
    with Tree.at(settings.path, settings.spare) as tree:
        return Look(settings, tree, limit, now, stopping=stopping).listing()


@dataclass(slots=True, kw_only=True)
class Stuck:
    """Files that the system would not remove: tried again, with an entry of its own, a day later."""

    until: dict[bytes, datetime] = field(default_factory=dict)

    def add(self, file: File, now: datetime) -> None:
        """Leave a file alone for a day."""
        self.until[name_of(file)] = now + _AGAIN

    def changed(self, file: File, now: datetime) -> None:
        """Leave a file alone that was another at its removal, and is the same again when listed.

        Some shares number files anew at each look: such a one would be tried for ever, unseen.
        """
        if name_of(file) in self.until:
            self.add(file, now)
        else:
            self.until[name_of(file)] = now

    def holds(self, file: File, now: datetime) -> bool:
        """Return whether a file is to be left alone."""
        return bool(self.until) and self.until.get(name_of(file), now) > now


class Look:
    """One look at an open folder, under one limit and at one time; one thread.

    Without `seen`, files whose dates cannot be believed are taken for new.
    """

    def __init__(
        self,
        settings: FolderSettings,
        tree: Tree,
        limit: timedelta,
        now: datetime,
        *,
        seen: FirstSeen | None = None,
        stuck: Stuck | None = None,
        stopping: Callable[[], bool] = lambda: False,
    ) -> None:
        """Prepare; `now` is of a clock that is believed, or nothing may be erased by it."""
        self._settings = settings
        self._tree = tree
        self._limit = limit
        self._now = now
        self._seen = seen
        self._stuck = stuck or Stuck()
        self._stopping = stopping
        self._governs = matcher(settings.patterns)
        self._run = now.astimezone(UTC).strftime("%Y%m%dT%H%M%S.%fZ")

    def listing(self) -> Listing:
        """Return how the folder stands; memory does not grow with it."""
        due, kept = _Sum(), _Sum()
        overdue = writing = future = videos = 0
        next_at: datetime | None = None
        kinds: Counter[str] = Counter()
        for each in self._files():
            kind = _kind(each.file)
            kinds[kind if kind in kinds or len(kinds) < _MOST_KINDS else ""] += 1
            future += each.future
            limit_at = each.at + self._limit
            if self._is_due(each):
                due.add(each)
            else:
                kept.add(each)
                videos += is_video(each.file)
                if self._is_written(each.file):
                    writing += self._has_reached(each)
                else:
                    overdue += limit_at < self._now
            if not self._stays(each.file) and (next_at is None or limit_at < next_at):
                next_at = limit_at
        unnamed = kinds.pop("", 0)
        shown = sorted(kinds.items(), key=lambda each: (-each[1], each[0]))[:_KINDS]
        return Listing(
            due=due.group(),
            kept=kept.group(),
            overdue=overdue,
            writing=writing,
            future=future,
            unreadable=self._tree.unreadable,
            apart=self._tree.apart,
            next_at=next_at,
            videos=videos,
            kinds=tuple(shown),
            other_kinds=unnamed + kinds.total() - sum(count for _, count in shown),
        )

    def is_urgent(self, listing: Listing) -> bool:
        """Return whether something would outlive its limit before the next look."""
        return listing.next_at is not None and listing.next_at <= self._now + _LEAD

    def erase(self, ledger: Ledger, actor: str) -> int:
        """Erase what is due, each batch entered before and after; return how many files went.

        Ends early where nothing of a batch could be removed. Whatever the ledger or the storage
        raises comes before anything is removed, or after an entry that names it.
        """
        erased = 0
        batch: list[Aged] = []
        for each in self._files():
            if self._is_due(each):
                batch.append(each)
            if len(batch) == BATCH:
                done = self._erase(batch, ledger, actor)
                if not done:
                    return erased
                erased += done
                batch.clear()
        return erased + (self._erase(batch, ledger, actor) if batch else 0)

    def importable(self) -> Iterator[File]:
        """Yield what is neither due nor being written, and can be removed."""
        for each in self._files():
            if not self._has_reached(each) and not self._stays(each.file):
                yield each.file

    def erase_imported(self, files: Iterable[File], ledger: Ledger, actor: str) -> int:
        """Erase files whose import is in the ledger, on record as `erase`; return how many went."""
        erased = 0
        wanted = {name_of(each) for each in files}
        found = (each for each in self._files() if name_of(each.file) in wanted)
        for batch in batched(found, BATCH, strict=False):
            erased += self._erase(list(batch), ledger, actor, {"reason": IMPORTED})
        return erased

    # Judging

    def _files(self) -> Iterator[Aged]:
        """Yield the governed files with their dates."""
        undated: list[tuple[File, bool]] = []
        for file in self._tree.walk(self._stopping):
            if not self._governs(file.path):
                continue
            found = date_of(
                file.path,
                file.modified_ns,
                self._settings.age_by,
                self._settings.zone,
                self._now,
            )
            if found.at is not None:
                yield Aged(file, found.at, found.future)
                continue
            undated.append((file, found.future))
            if len(undated) == _UNDATED:
                yield from self._first_seen(undated)
                undated.clear()
        yield from self._first_seen(undated)

    def _first_seen(self, undated: list[tuple[File, bool]]) -> Iterator[Aged]:
        since = [self._now] * len(undated)
        if self._seen is not None and undated:
            names = [name_of(file) for file, _ in undated]
            since = self._seen.of(self._settings.folder, names, self._now)
        for (file, future), at in zip(undated, since, strict=True):
            yield Aged(file, at, future)

    def _has_reached(self, each: Aged) -> bool:
        return each.at + self._limit <= self._now + early(self._limit)

    def _is_due(self, each: Aged) -> bool:
        return self._has_reached(each) and not self._stays(each.file)

    def _is_written(self, file: File) -> bool:
        age = self._now.timestamp() - file.modified_ns / 1e9
        return -_MOST_EARLY.total_seconds() <= age < WRITING.total_seconds()

    def _stays(self, file: File) -> bool:
        """Return whether a file is being written, or would not be let go."""
        stuck = not file.removable or self._stuck.holds(file, self._now)
        return stuck or self._is_written(file)

    # Erasing

    def _erase(
        self,
        batch: list[Aged],
        ledger: Ledger,
        actor: str,
        why: Mapping[str, Json] = MappingProxyType({}),
    ) -> int:
        begun = self._enter(batch, ledger, actor, {"stage": "begun", "method": METHOD, **why})
        dated = {each.file.path: each for each in batch}
        done: list[Aged] = []
        left: Counter[str] = Counter()
        for file, reason in self._tree.remove([each.file for each in batch]):
            if reason is None:
                done.append(dated[file.path])
                continue
            left[reason] += 1
            if reason == CHANGED:
                self._stuck.changed(file, self._now)
            elif reason != GONE:
                self._stuck.add(file, self._now)
        more: dict[str, Json] = {
            "stage": "ended",
            "begun": begun,
            **why,
            "left": dict(sorted(left.items())),
            "other_names": sum(each.file.names > 1 for each in done),
            "folders": self._remove_dated_folders(done),
        }
        self._enter(done, ledger, actor, more)
        return len(done)

    def _enter(self, files: list[Aged], ledger: Ledger, actor: str, more: dict[str, Json]) -> int:
        total = _Sum()
        for each in files:
            total.add(each)
        data: dict[str, Json] = {
            "run": self._run,
            "count": total.count,
            "size_bytes": total.size_bytes,
            "oldest_at": total.oldest_at.isoformat() if total.oldest_at else None,
            "newest_at": total.newest_at.isoformat() if total.newest_at else None,
            "digest": file_digest(each.file for each in files),
        }
        entry = ledger.append(
            EntryKind.FOLDER_PURGE,
            actor=actor,
            subject=self._settings.folder,
            data=data | more,
        )
        return entry.id

    def _remove_dated_folders(self, done: list[Aged]) -> int:
        """Remove what was emptied and bears a date past the limit; others may be counted on.

        A camera that finds the folder gone that it always wrote to may stop writing.
        """
        removed = 0
        for path in sorted({each.file.path.rpartition("/")[0] for each in done}, reverse=True):
            folder = path
            while folder and self._is_past(folder) and self._tree.remove_directory(folder):
                removed += 1
                folder = folder.rpartition("/")[0]
        return removed

    def _is_past(self, folder: str) -> bool:
        span = named_span(folder, self._settings.zone)
        return span is not None and FIRST_AT <= span[1] <= self._now - self._limit


def is_video(file: File) -> bool:
    """Return whether a file can be imported, by its name."""
    return file.path.lower().endswith(VIDEOS)


def matcher(patterns: tuple[str, ...]) -> Callable[[str], bool]:
    """Return what tells whether a path below a folder is governed by these patterns.

    No marker of a managed folder ever is.
    """
    names, paths = (
        [
            re.compile(glob.translate(each.lower(), recursive=True, include_hidden=False))
            for each in patterns
            if ("/" in each) == slash
        ]
        for slash in (False, True)
    )

    def governs(path: str) -> bool:
        lower = path.lower()
        name = lower.rpartition("/")[2]
        if name == MARKER:
            return False
        return any(each.match(name) for each in names) or any(each.match(lower) for each in paths)

    return governs


def _kind(file: File) -> str:
    """Return how a file's name ends, in small letters; empty where that is no plain ending."""
    found = _ENDING.search(file.path)
    return found[1].lower() if found else ""


def name_of(file: File) -> bytes:
    """Return 16 bytes that stand for a file as it is now."""
    fields = encode(fsencode(file.path), number(file.size_bytes), number(file.modified_ns))
    return blake2b(fields, digest_size=_SIZE).digest()
