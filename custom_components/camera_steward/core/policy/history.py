"""How each control stood and since when, as the ledger tells it: what a new look is compared with.

What a look judges for the first time – a new site, a camera that came – is one entry with all of it;
from then on a change of state is an entry of its own (docs/design/duties.md).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter

from ..ledger.entry import Entry, EntryKind, Json
from .states import State, Subject, SubjectKind

type Key = tuple[str, Subject]
"""A control by its id, and whom or what it is about."""

FIRST = "first"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a control stands since `at`, and how it stood before; None where that is the first."""

    state: State
    at: datetime
    was: State | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A control that stands otherwise than it did; `why` are the keys of the reasons."""

    control: str
    subject: Subject
    was: State | None
    now: State
    why: tuple[str, ...] = ()

    @property
    def key(self) -> Key:
        """Return which control of what this is."""
        return self.control, self.subject

    def to_data(self) -> dict[str, Json]:
        """Return the data of its entry."""
        return {
            "control": self.control,
            "subject_kind": self.subject.kind.value,
            "subject": self.subject.id,
            "was": self.was.value if self.was is not None else None,
            "now": self.now.value,
            "why": list(self.why),
        }


def first_data(changes: Sequence[Change]) -> dict[str, Json]:
    """Return the data of the one entry for all that was judged for the first time."""
    return {FIRST: [each.to_data() for each in changes]}


def history(entries: Iterable[Entry]) -> dict[Key, Standing]:
    """Return how everything stood last, from entries of the ledger.

    What a newer version wrote and this one cannot read is left out.
    """
    found: dict[Key, Standing] = {}
    # By their numbers: where a clock was set back, what came later may bear an earlier time.
    for entry in sorted(entries, key=attrgetter("id")):
        if entry.kind != EntryKind.CONTROL_CHANGED:
            continue
        first = entry.data.get(FIRST)
        for data in first if isinstance(first, list) else [entry.data]:
            if isinstance(data, Mapping) and (read := _read(data)) is not None:
                key, was, now = read
                found[key] = Standing(state=now, at=entry.at, was=was)
    return found


def changes(before: Mapping[Key, Standing], now: Mapping[Key, Change]) -> list[Change]:
    """Return what of `now` stands otherwise than before, with how it stood."""
    found = []
    for key, each in now.items():
        was = before.get(key)
        if was is None or was.state is not each.now:
            found.append(
                Change(
                    control=each.control,
                    subject=each.subject,
                    was=was.state if was is not None else None,
                    now=each.now,
                    why=each.why,
                )
            )
    return found


def _read(data: Mapping[str, Json]) -> tuple[Key, State | None, State] | None:
    was = data.get("was")
    try:
        subject = Subject(SubjectKind(str(data["subject_kind"])), str(data["subject"]))
        key = (str(data["control"]), subject)
        return key, State(str(was)) if was is not None else None, State(str(data["now"]))
    except KeyError, ValueError:
        return None
