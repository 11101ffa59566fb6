"""What was done, out of the ledger: `task_done` entries and their data (docs/design/duties.md)."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from operator import attrgetter

from ..errors import LedgerBrokenError
from ..ledger.entry import Entry, EntryKind, Json
from ..ledger.fields import Fields
from ..ledger.store import Ledger
from ..policy.states import Subject, SubjectKind
from ..policy.task import Doing, TaskKind, task_id


def doing_data(
    kind: TaskKind, subject: Subject, user: str, answers: Mapping[str, Json]
) -> dict[str, Json]:
    """Return the data of the entry; its subject is the task's id, its actor the person's name."""
    return {
        "kind": kind.value,
        "subject_kind": subject.kind.value,
        "subject": subject.id,
        "user": user,
        "answers": dict(answers),
    }


def doing_of(entry: Entry) -> Doing | None:
    """Read an entry back; None where a newer version entered a kind that this one does not know.

    `LedgerBrokenError` when it is none.
    """
    read = Fields(entry.data, "doing")
    answers = entry.data.get("answers")
    if not isinstance(answers, Mapping):
        raise LedgerBrokenError("doing")
    try:
        kind = TaskKind(read.text("kind"))
        subject = Subject(SubjectKind(read.text("subject_kind")), read.text("subject"))
    except ValueError:
        return None
    return Doing(
        kind=kind,
        subject=subject,
        at=entry.at,
        by=entry.actor,
        user=read.text_or_none("user"),
        answers=answers,
        entry=entry.id,
    )


def doings(ledger: Ledger) -> dict[str, Doing]:
    """Return the newest doing of each task by its id, also of tasks that are over.

    Reads every `task_done` entry, in pages: 20 µs each, and a site makes some hundred a year.
    """
    # By their numbers: where a clock was set back, what came later may bear an earlier time.
    newest = sorted(_read(ledger.entries((EntryKind.TASK_DONE,))), key=attrgetter("entry"))
    return {task_id(each.kind, each.subject): each for each in newest}


def doings_between(
    ledger: Ledger,
    since: datetime,
    until: datetime,
    kinds: Collection[TaskKind] | None = None,
) -> list[Doing]:
    """Return what was done in [since, until), in order of time; of some kinds, or of all."""
    found = _read(ledger.entries((EntryKind.TASK_DONE,), since=since, until=until))
    return [each for each in found if kinds is None or each.kind in kinds]


def _read(entries: Iterable[Entry]) -> Iterable[Doing]:
    return (found for each in entries if (found := doing_of(each)) is not None)
