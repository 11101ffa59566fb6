"""Videos of a managed folder become segments of its camera; whatever fails, each of them once.

In this order: noted as begun; stored, sealed, in the index, and read back; entered in the ledger;
noted as imported. Only then may the file go. What was begun and is not in the ledger is taken back
before anything else is imported, and tried again a day later: a file may be what ended the process
(docs/design/handover.md).
"""

import os
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from io import FileIO
from itertools import batched

from ..capture.clip import Clip, Survey, record, survey
from ..errors import (
    FootageError,
    SourceEndedError,
    SourceError,
    StoppedError,
    StorageError,
    StorageFullError,
)
from ..ledger.entry import SYSTEM, EntryKind, Json
from ..ledger.store import Ledger
from ..media.boxes import BoxError, UnitDigest, fragments, tracks
from ..model import Segment, Space
from ..retention.guard import ClockGuard
from ..retention.keeper import Keeper
from ..vault.recovery import recover_camera
from ..vault.vault import Vault
from ..vault.writer import SegmentWriter
from .dates import begun_at
from .folders import FolderSettings, ImportSettings, file_digest, is_video, name_of
from .imports import ImportBook, Outcome, Unfinished
from .tree import File, Tree

TOUCH = timedelta(seconds=2)
"""Clips of one camera may overlap by as much: names tell whole seconds, and playback passes over it."""

AT_ONCE = timedelta(minutes=5)
"""For so long files are begun in a round of looks."""
_AT_MOST = timedelta(minutes=4)
"""So much later at most the last of them is given up: what is due in a folder must not wait for it."""
_LEAST_LEFT = timedelta(minutes=30)
"""What goes sooner by the camera's limit is not worth storing."""
_FOR_A_DAY = timedelta(days=1)
_FOR_GOOD = timedelta(days=30)
"""Longer than most files stay; and one look a month is no burden."""
_ROWS = 500
_STEP_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What a run did: files that are in the vault now and may go, and how many others are not, by why.

    `more` says that there was no time for all.
    """

    files: tuple[File, ...]
    left: Counter[Outcome]
    more: bool


class _LeftError(Exception):
    """A file is not imported: why, and until when that holds."""

    def __init__(self, outcome: Outcome, until: datetime | None = None) -> None:
        super().__init__(outcome.value)
        self.outcome = outcome
        self.until = until


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shelf:
    """The vault, but each segment is noted before anything is written to it."""

    vault: Vault
    note: Callable[[int, datetime], None]

    def create_segment(self, camera: str, stamp_at: datetime, media_header: bytes) -> SegmentWriter:
        writer = self.vault.create_segment(camera, stamp_at, media_header)
        try:
            self.note(writer.sequence, stamp_at)
        except BaseException:
            writer.abandon()
            raise
        return writer


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    """A file that is to be imported; `name` stands for it as it is now."""

    settings: FolderSettings
    into: ImportSettings
    book: ImportBook
    actor: str
    file: File
    name: bytes

    @property
    def folder(self) -> str:
        return self.settings.folder


class Importer:
    """Import for the folders of a site; used by their thread."""

    def __init__(
        self,
        *,
        vault: Vault,
        keeper: Keeper,
        ledger: Ledger,
        guard: ClockGuard,
        reserve: Callable[[Space], int],
    ) -> None:
        """Prepare; `reserve` says how many bytes an import leaves free."""
        self._vault = vault
        self._keeper = keeper
        self._ledger = ledger
        self._guard = guard
        self._reserve = reserve

    def run(
        self,
        settings: FolderSettings,
        into: ImportSettings,
        tree: Tree,
        files: Iterable[File],
        book: ImportBook,
        *,
        until: timedelta,
        actor: str = SYSTEM,
        stopping: Callable[[], bool] = lambda: False,
    ) -> Imported:
        """Import what can be of these files, while the clock is believed.

        None is begun after `until`, by elapsed time, and one that then takes too long is given up.
        `StorageError` where the vault takes nothing now, an error of the ledger, or `StoppedError`
        once `stopping` says so; what was begun is then ended by the next run.
        """
        self._vault.check()
        for each in book.unfinished():
            self._end(each, book, self._guard.now() + _FOR_A_DAY)
        recover_camera(self._vault, into.camera)  # so that what is open is being written

        def late() -> bool:
            return stopping() or self._guard.elapsed() > until + _AT_MOST

        done: list[File] = []
        left: Counter[Outcome] = Counter()
        more = False
        for several in batched(files, _ROWS, strict=False):
            videos = {name_of(each): each for each in several if is_video(each)}
            left[Outcome.NO_VIDEO] += len(several) - len(videos)
            known = book.outcomes(settings.folder, list(videos), self._guard.now())
            for name, file in videos.items():
                outcome = known.get(name)
                if outcome is None:
                    if self._guard.elapsed() > until or not self._guard.trusted:
                        more = True
                        continue
                    outcome = self._try(
                        _Job(
                            settings=settings,
                            into=into,
                            book=book,
                            actor=actor,
                            file=file,
                            name=name,
                        ),
                        tree,
                        stopping,
                        late,
                    )
                    if stopping():
                        raise StoppedError
                if outcome is Outcome.IMPORTED:
                    done.append(file)
                else:
                    left[outcome] += 1
        return Imported(files=tuple(done), left=+left, more=more)

    def _try(
        self, job: _Job, tree: Tree, stopping: Callable[[], bool], late: Callable[[], bool]
    ) -> Outcome:
        if not self._has_space(job.file):
            return Outcome.NO_SPACE
        now = self._guard.now()
        later, tomorrow = now + _FOR_GOOD, now + _FOR_A_DAY
        job.book.begin(job.folder, job.name, "")
        try:
            with os.fdopen(tree.open(job.file), "rb", buffering=0) as content:
                self._import(job, content, late)
        except _LeftError as err:
            job.book.end(job.folder, job.name, err.outcome, err.until or later)
            return err.outcome
        except StoppedError:
            return self._break_off(job, now if stopping() else tomorrow)
        except StorageFullError:
            return self._break_off(job, now, Outcome.NO_SPACE)
        except StorageError, FootageError, BoxError:
            self._vault.check()
            return self._break_off(job, tomorrow)
        except SourceEndedError:
            return self._break_off(job, later, Outcome.DAMAGED)
        except SourceError:
            return self._break_off(job, later, Outcome.UNSUPPORTED)
        except OSError:
            return self._break_off(job, tomorrow, Outcome.UNREADABLE)
        except Exception:
            self._break_off(job, tomorrow)
            raise
        job.book.end(job.folder, job.name, Outcome.IMPORTED, later)
        return Outcome.IMPORTED

    def _import(self, job: _Job, content: FileIO, late: Callable[[], bool]) -> None:
        """Do all but to note the end; `StoppedError` once it is too late."""
        digest = _digest(content, late)
        key = f"folder_import:{job.folder}:{job.name.hex()}:{digest}"
        if self._ledger.keyed(key) is not None:
            return  # what was noted of it is lost
        with closing(Clip(content, audio=job.into.audio)) as clip:
            held = survey(clip, late)
        start_at = self._start_of(job, held)
        job.book.begin(job.folder, job.name, key)
        shelf = _Shelf(
            vault=self._vault,
            note=lambda number, at: job.book.stored(job.folder, job.name, number, at),
        )
        with closing(Clip(content, audio=job.into.audio)) as clip:
            record(clip, job.into.camera, start_at, shelf, job.into.segment_length, late)
        segments = self._found(job.book.segments(job.folder, job.name))
        units, told = self._read_back(segments, late)
        if units != held.units:
            raise FootageError("not stored as it is in the file")
        self._ledger.append(
            EntryKind.FOLDER_IMPORT,
            actor=job.actor,
            subject=job.folder,
            data={
                "camera": job.into.camera,
                "digest": file_digest([job.file]),
                "size_bytes": job.file.size_bytes,
                "content": digest,
                "start_at": start_at.isoformat(),
                "end_at": max(each.end_at for each in segments).isoformat(),
                "segments": told,
            },
            at=self._guard.now(),
            key=key,
        )

    def _start_of(self, job: _Job, held: Survey) -> datetime:
        """Return when a clip begins; `_LeftError` where it is not to be stored."""
        camera, settings, now = job.into.camera, job.settings, self._guard.now()
        start_at = begun_at(
            *(job.file.path, job.file.modified_ns, settings.age_by, settings.zone),
            now,
            held.length,
        )
        if start_at is None:
            raise _LeftError(Outcome.UNDATED)
        end_at = start_at + held.length
        if end_at > now:
            raise _LeftError(Outcome.UNDATED, end_at)
        if start_at + self._keeper.limits().of(camera) <= now + _LEAST_LEFT:
            raise _LeftError(Outcome.TOO_OLD)
        if self._overlaps(camera, start_at, end_at):
            raise _LeftError(Outcome.OVERLAPS)
        return start_at

    def _overlaps(self, camera: str, start_at: datetime, end_at: datetime) -> bool:
        index = self._vault.index
        begun = [each for each in index.open_segments() if each.camera == camera]
        return any(each.start_at < end_at for each in begun) or any(
            min(each.end_at, end_at) - max(each.start_at, start_at) > TOUCH
            for each in index.segments(camera, start_at, end_at)
        )

    def _has_space(self, file: File) -> bool:
        space = self._vault.space()
        return space.free_bytes - file.size_bytes >= self._reserve(space)

    def _read_back(
        self, segments: Iterable[Segment], late: Callable[[], bool]
    ) -> tuple[tuple[bytes, ...], list[dict[str, Json]]]:
        """Return the digest of the units of each track over all segments, and what the ledger tells."""
        measures: list[UnitDigest] = []
        told: list[dict[str, Json]] = []
        for segment in segments:
            if late():
                raise StoppedError
            with closing(self._vault.open_segment(segment)) as reader:
                stored = tracks(reader.header())
                measures = measures or [UnitDigest(nal=each.nal) for each in stored]
                places = {each.track: place for place, each in enumerate(stored)}
                for entry in reader.trailer.fragments:
                    data = reader.read(entry.offset, entry.length)
                    for found in fragments(data):
                        for run in found.runs:
                            joined = memoryview(data)[run.data_at : run.data_at + sum(run.sizes)]
                            measures[places[run.track]].add(run.sizes, joined)
                digests = reader.trailer.digests
                told.append(
                    {
                        "sequence": segment.sequence,
                        "units": [digests[each.track].hex() for each in stored],
                    }
                )
        return tuple(each.digest() for each in measures), told

    # What was broken off

    def _break_off(self, job: _Job, until: datetime, outcome: Outcome = Outcome.FAILED) -> Outcome:
        [begun] = [
            each
            for each in job.book.unfinished()
            if (each.folder, each.file) == (job.folder, job.name)
        ]
        return self._end(begun, job.book, until, outcome)

    def _end(
        self,
        begun: Unfinished,
        book: ImportBook,
        until: datetime,
        outcome: Outcome = Outcome.FAILED,
    ) -> Outcome:
        """End what was broken off: either it is in the ledger, or what it stored is erased again.

        Raises while that cannot be done; it then stays begun.
        """
        if begun.key and self._ledger.keyed(begun.key) is not None:
            outcome, until = Outcome.IMPORTED, self._guard.now() + _FOR_GOOD
        elif found := self._found(begun.segments):
            self._keeper.take_back(found)
            if self._found(begun.segments):
                raise StorageError("import is not taken back")
        book.end(begun.folder, begun.file, outcome, until)
        return outcome

    def _found(self, stored: Iterable[tuple[int, datetime]]) -> list[Segment]:
        rows = [(self._vault.index.segment(number), stamp_at) for number, stamp_at in stored]
        return [each for each, stamp_at in rows if each is not None and each.stamp_at == stamp_at]


def _digest(content: FileIO, late: Callable[[], bool]) -> str:
    """Return the hexadecimal SHA-256 of a file's content."""
    found = sha256()
    while part := content.read(_STEP_BYTES):
        if late():
            raise StoppedError
        found.update(part)
    return found.hexdigest()
