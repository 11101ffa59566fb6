"""Decommission: recording stops, footage keeps its limit or is erased at once, and that is on record.

Source: Kumagaya 第4 3(2) and 第3 2(3). A removal is a record of its own kind (`ledger/records.py`); what
it decided is finished from there, whatever a crash cut short. Only an erasure that the operations
manager asked for by name, with a reason, touches footage inside its limit (INV-2); what a hold keeps
stays, for holds have copies of their own.
"""

from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from operator import attrgetter

from ..errors import (
    RecordInvalidError,
    RecordMissingError,
    RemovalBlockedError,
    RemovalDeviceLeftError,
    RemovalMediumLeftError,
    RemovalOpenError,
    RemovalSignLeftError,
    RemovalUnfinishedError,
    StewardError,
)
from ..ledger.entry import SYSTEM, EntryKind
from ..ledger.record_fields import LONGEST
from ..ledger.records import Record, RecordKind, Records
from ..ledger.store import Ledger
from ..vault.index import Index
from .hold import Hold, HoldState
from .holds import Holds
from .keeper import Keeper

NOW, LIMIT = "now", "limit"
"""What becomes of the footage: the two values of the field `erase`."""

_FIELDS = {"remove_device": "device_removed_on", "remove_sign": "sign_removed_on"}
"""Where it is written down on which day a step was done."""

_LEFT = {
    "remove_device": RemovalDeviceLeftError,
    "remove_sign": RemovalSignLeftError,
    "dispose_medium": RemovalMediumLeftError,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What is stored of the cameras of a removal; it is gone by then, each by its own limit."""

    segments: int
    oldest_at: datetime | None
    gone_by: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Something that a person does: the task's id, its kind, and when and by whom it was done.

    `done_on` is the day that was named for it. `about` is the number of a medium's record, else empty.
    """

    task: str
    kind: str
    about: str = ""
    done_at: datetime | None = None
    done_by: str = ""
    done_on: str = ""


class Removals:
    """One site's removals. Any thread, all blocking; whether somebody may is decided elsewhere."""

    def __init__(
        self, *, records: Records, ledger: Ledger, index: Index, holds: Holds, keeper: Keeper
    ) -> None:
        """Take what a crash left for `resume` to find out."""
        self._records = records
        self._ledger = ledger
        self._index = index
        self._holds = holds
        self._keeper = keeper
        # Whether a removal may have footage left that it was to erase.
        self._pending = True

    # What there is

    def open(self) -> list[Record]:
        """Return the removals that go on."""
        return self._records.all(RecordKind.REMOVAL, closed=False)

    def of(self, camera: str | None) -> Record | None:
        """Return the removal that goes on of a camera, or of the site with all its cameras."""
        return next((each for each in self.open() if each.text("camera") == (camera or "")), None)

    def going(self, cameras: Iterable[str]) -> set[str]:
        """Return which of these cameras are being removed: they record no more."""
        found = {each.text("camera") for each in self.open()}
        return {each for each in cameras if found & {each, ""}}

    def check_recording(self, camera: str) -> None:
        """Raise `RemovalOpenError` while a camera is being removed."""
        if self.going([camera]):
            raise RemovalOpenError

    def holds(self, cameras: Collection[str]) -> list[Hold]:
        """Return the holds that keep something of these cameras."""
        return [
            each
            for each in self._holds.all()
            if each.state is not HoldState.ENDING and set(each.cameras) & set(cameras)
        ]

    def inquiries(self, camera: str | None) -> list[Record]:
        """Return the inquiries that wait for an answer and are, or may be, about this camera."""
        return [
            each
            for each in self._records.all(RecordKind.INQUIRY, closed=False)
            if camera is None or each.text("camera") in ("", camera)
        ]

    def kept(self, cameras: Iterable[str]) -> Kept:
        """Return what is stored of cameras, and by when it is gone."""
        limits = self._keeper.limits()
        found = {each: self._index.footage(each) for each in cameras}
        newest = {k: each.newest_at for k, each in found.items()}
        return Kept(
            segments=sum(each.segments for each in found.values()),
            oldest_at=min((e.oldest_at for e in found.values() if e.oldest_at), default=None),
            gone_by=max((at + limits.of(k) for k, at in newest.items() if at), default=None),
        )

    def steps(self, record: Record) -> list[Step]:
        """Return what people have to do for a removal, in this order, and what is done."""
        found = [self._step(kind, "removal", record.id) for kind in _FIELDS]
        if not record.text("camera"):
            for each in self._records.all(RecordKind.MEDIUM):
                step = self._step("dispose_medium", "medium", each.id, each.number)
                if each.closed_at is None or each.closed_at >= record.opened_at:
                    found.append(step if each.closed_at is None else _closed(step, each))
        return found

    def _step(self, kind: str, about: str, id_: str, number: str = "") -> Step:
        task = f"{kind}:{about}:{id_}"
        done = max(
            self._ledger.entries((EntryKind.TASK_DONE,), subject=task),
            key=attrgetter("id"),
            default=None,
        )
        if done is None:
            return Step(task=task, kind=kind, about=number)
        answers = done.data.get("answers")
        on = answers.get("on") if isinstance(answers, Mapping) else None
        return Step(
            task=task,
            kind=kind,
            about=number,
            done_at=done.at,
            done_by=done.actor,
            done_on=on if isinstance(on, str) else self._records.day(done.at).isoformat(),
        )

    # What the manager does

    def check(
        self,
        camera: str | None,
        cameras: Mapping[str, str],
        given: Mapping[str, str],
        *,
        erase: str,
        disclosures: Collection[str],
    ) -> None:
        """Refuse a removal that cannot begin; nothing is changed by asking.

        `cameras` are the ids and names of those that go, `camera` the one, None for the site;
        `disclosures` are the numbers of hand-overs that still read from these cameras' footage.
        `RecordInvalidError` names the field, `RemovalOpenError` says that it has begun,
        `RemovalBlockedError` what still needs the originals that are to be erased at once.
        """
        if not cameras:
            raise RecordInvalidError("camera")
        if self.going(cameras):
            raise RemovalOpenError
        if erase not in (NOW, LIMIT):
            raise RecordInvalidError("erase")
        self._records.check(RecordKind.REMOVAL, given)
        if erase == NOW and not given.get("reason", "").strip():
            raise RecordInvalidError("reason")  # INV-2, INV-7
        if erase == NOW:
            copying = [e.id for e in self.holds(cameras) if e.state is HoldState.COPYING]
            if needed := [*copying, *disclosures]:
                raise RemovalBlockedError(", ".join(needed))

    def begin(
        self,
        camera: str | None,
        cameras: Mapping[str, str],
        given: Mapping[str, str],
        *,
        erase: str,
        disclosures: Collection[str],
        stopped_at: datetime,
        actor: str,
    ) -> Record:
        """Enter that a camera goes, or all, and erase its footage where that was asked for.

        Recording has been stopped before, by the caller. Raises what `check` raises. What cannot be
        erased now, because the storage fails, is tried again by `resume`.
        """
        with self._holds.turn:
            self.check(camera, cameras, given, erase=erase, disclosures=disclosures)
            kept = self.kept(cameras)
            steward = {
                "camera": camera or "",
                "cameras": "\n".join(cameras.values()),
                "erase": erase,
                "recording_stopped_at": stopped_at.isoformat(),
                "holds": ", ".join(each.id for each in self.holds(cameras)),
                "disclosures": ", ".join(disclosures),
                "inquiries": ", ".join(each.number for each in self.inquiries(camera)),
            }
            if erase == LIMIT and kept.gone_by is not None:
                steward["footage_gone_by"] = kept.gone_by.isoformat()
            made = self._records.open(RecordKind.REMOVAL, given, actor=actor, steward=steward)
            if erase == NOW:
                self._pending = True
                with suppress(StewardError):  # told by the keeper, which goes on with it
                    self.resume()
            return self._records.get(made.id)

    def resume(self) -> None:
        """Erase what open removals were to erase and have not; at start, then with each run.

        What is erased is entered once, under the name of who decided it. What cannot be erased, or
        copied for a hold first, is left for the next call; the first error is raised at the end.
        """
        if not self._pending:
            return
        failures: list[StewardError] = []
        with self._holds.turn:
            wanted = [each for each in self.open() if _to_erase(each)]
            gone = [each for each in wanted if self._erase(each, failures)]
            self._pending = len(gone) < len(wanted)
        if failures:
            raise failures[0]

    def _erase(self, record: Record, failures: list[StewardError]) -> bool:
        """Erase what is stored of a removal's cameras; return whether all is gone, and entered so."""
        camera, before = record.text("camera"), len(failures)
        vault = self._holds.files.vault
        cameras = [camera] if camera else sorted({*self._index.cameras(), *vault.camera_folders()})
        for each in cameras:
            try:
                self._keeper.decommission(each, record.opened_by)
            except StewardError as err:
                failures.append(err)
        if len(failures) > before or any(self._index.oldest_start(each) for each in cameras):
            return False
        try:
            self._records.note(
                record.id,
                actor=SYSTEM,
                key=f"removal-erased-{record.id}",
                footage_gone_at=self._records.now().isoformat(),
            )
        except StewardError as err:
            failures.append(err)
            return False
        return True

    def finish(self, record: str, *, actor: str) -> Record:
        """Close a removal once footage, device and sign are gone, or are settled to go.

        `RemovalUnfinishedError` and its kinds name what is left; `RecordMissingError` where there is
        no such removal, or it was withdrawn. One that is closed already is returned as it is.
        """
        with self._holds.turn:
            found = self._removal(record)
            if not found.is_open:
                return found
            if _to_erase(found):
                raise RemovalUnfinishedError
            steps = self.steps(found)
            for each in steps:
                if each.done_at is None:
                    raise _LEFT[each.kind]
            steward = {_FIELDS[e.kind]: e.done_on for e in steps if e.kind in _FIELDS}
            return self._records.close(record, None, actor=actor, steward=steward)

    def withdraw(self, record: str, *, reason: str, actor: str) -> Record:
        """End a removal that is not carried out: what was not erased yet stays, with its limit."""
        with self._holds.turn:
            found = self._removal(record)
            if not found.is_open:
                raise RecordMissingError
            if not reason.strip() or len(reason) > LONGEST["text"]:
                raise RecordInvalidError("reason")
            steward = {"withdrawn": reason.strip()}
            return self._records.close(record, None, actor=actor, steward=steward)

    def _removal(self, record: str) -> Record:
        found = self._records.get(record)
        if found.kind is not RecordKind.REMOVAL or found.text("withdrawn"):
            raise RecordMissingError
        return found


def _to_erase(record: Record) -> bool:
    return record.text("erase") == NOW and not record.text("footage_gone_at")


def _closed(step: Step, medium: Record) -> Step:
    """Return a step that the closing of a medium's record has done."""
    return replace(
        step,
        done_at=medium.closed_at,
        done_by=medium.closed_by,
        done_on=medium.text("retired_on"),
    )
