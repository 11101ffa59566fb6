"""A desk and its watches on a real ledger, with clocks that a test moves, and what can go wrong."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from custom_components.camera_steward.core.access.decide import Asking
from custom_components.camera_steward.core.access.people import Permission, Person, Role
from custom_components.camera_steward.core.ledger.entry import Entry, EntryKind
from custom_components.camera_steward.core.ledger.store import Ledger
from custom_components.camera_steward.core.ledger.viewings import Viewing, viewing_register
from custom_components.camera_steward.core.model import Action, GapCause
from custom_components.camera_steward.core.viewing.desk import Caller, Desk, House, ViewingDenied
from custom_components.camera_steward.core.viewing.watches import (
    FootageViewed,
    ViewingUnusual,
    Watch,
    Watches,
)

from .ledgers import StepClock, ledger_at, raw

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
DAY = 24 * HOUR
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
EVER = (NOON - 1000 * DAY, NOON + 1000 * DAY)

MANAGER = Caller(user="manager", name="login of the manager", client="192.0.2.1")
OPERATOR = Caller(user="operator", name="login of the operator", client="192.0.2.2")
GUEST = Caller(user="guest", name="login of the guest", client="192.0.2.3")
STRANGER = Caller(user="stranger", name="login of a stranger", client="192.0.2.4")
NOBODY = Caller(user=None, active=False, client="192.0.2.5")

HOUSE = House(
    people=(
        Person(user="manager", name="埼玉花子", role=Role.MANAGER),
        Person(user="operator", name="熊谷太郎", role=Role.OPERATOR, until_at=NOON + 2 * DAY),
    ),
    cameras=frozenset({"door", "yard"}),
    purposes=frozenset({"incident", "check"}),
    version="version 1",
    zone=UTC,
)


class Words:
    """What is written in pictures, in letters that there are."""

    converted = "Converted"

    def missing(
        self,
        since: datetime,
        until: datetime,
        causes: Sequence[GapCause],
        *,
        unreadable: bool,
    ) -> Sequence[str]:
        return [since.isoformat(), until.isoformat(), *causes, *["unreadable"] * unreadable]


class MovedClock:
    """A clock of the desk: time passes, or its hands are moved, when a test says so."""

    def __init__(self, at: datetime = NOON) -> None:
        self.at = at
        self.since_boot = 3 * HOUR
        self.trusted = True

    def now(self) -> datetime:
        return self.at

    def elapsed(self) -> timedelta:
        return self.since_boot

    def passes(self, by: timedelta) -> None:
        self.at += by
        self.since_boot += by

    def steps(self, by: timedelta) -> None:
        """Move the hands without any time passing."""
        self.at += by


@dataclass(slots=True)
class ViewingSite:
    """All of it, opened on one file; `reopened` is what a restart finds."""

    path: Path
    clock: MovedClock
    ledger: Ledger
    events: list[ViewingDenied | FootageViewed | ViewingUnusual] = field(default_factory=list)
    desk: Desk = field(init=False)
    watches: Watches = field(init=False)

    def __post_init__(self) -> None:
        self.desk = Desk(self.ledger, self.clock, self.events.append)
        self.desk.furnish(HOUSE)
        self.watches = Watches(self.ledger, self.desk, self.events.append)

    def close(self) -> None:
        self.ledger.close()

    def reopened(self) -> ViewingSite:
        """Open anew on the same file, after a boot of the machine."""
        self.close()
        self.clock.since_boot = MINUTE
        return open_site(self.path, self.clock)

    def entries(self, *kinds: EntryKind) -> list[Entry]:
        return list(self.ledger.entries(kinds))

    def register(self, since: datetime = EVER[0], until: datetime = EVER[1]) -> list[Viewing]:
        return viewing_register(self.ledger, since, until)

    def pledge(self, *callers: Caller) -> None:
        for each in callers:
            self.desk.pledge(each, version=self.desk.house.version, data={"language": "ja"})

    def permit(self, length: timedelta = HOUR, caller: Caller = GUEST) -> Permission:
        """Permit a guest the footage of the door of the last two hours and the next."""
        return self.desk.permit(
            MANAGER,
            user=caller.user or "",
            name="行田次郎",
            cameras=frozenset({"door"}),
            start_at=NOON - 2 * HOUR,
            end_at=NOON + HOUR,
            reason="窓ガラスの破損",
            length=length,
        )

    def allows(self, caller: Caller, action: Action = Action.PLAYBACK) -> bool:
        """Ask for ten minutes of the door."""
        return self.desk.decide(asking(caller, action)).allowed

    def open(self, caller: Caller = OPERATOR, action: Action = Action.PLAYBACK) -> Watch:
        """Begin to watch ten minutes of the door."""
        decision = self.desk.decide(asking(caller, action))
        assert decision.allowed
        return self.watches.open(
            caller, decision, action, camera="door", purpose="incident", span=footage(-60, -50)
        )


def open_site(path: Path, clock: MovedClock | None = None) -> ViewingSite:
    """Open a site whose wall clock is a day behind what is believed to be the time."""
    clock = clock or MovedClock()
    return ViewingSite(path, clock, ledger_at(path, StepClock(clock.at - DAY)))


def asking(caller: Caller, action: Action = Action.PLAYBACK) -> Asking:
    """Return the question for ten minutes of the door."""
    start_at, end_at = footage(-60, -50)
    return Asking(
        user=caller.user,
        active=caller.active,
        action=action,
        camera="door",
        start_at=start_at,
        end_at=end_at,
        purpose="incident",
    )


def footage(start: float, end: float) -> tuple[datetime, datetime]:
    """Return a span of footage in minutes from noon."""
    return NOON + start * MINUTE, NOON + end * MINUTE


@contextmanager
def storage_failing(path: Path, where: str = "TRUE") -> Iterator[None]:
    """Let the database itself refuse entries: those of which an SQL condition on NEW is true."""
    with raw(path) as connection:
        connection.execute(
            f"CREATE TRIGGER failing BEFORE INSERT ON entries WHEN {where} "
            "BEGIN SELECT RAISE(ABORT, 'disk I/O error'); END"
        )
    try:
        yield
    finally:
        with raw(path) as connection:
            connection.execute("DROP TRIGGER failing")


def break_ledger(path: Path) -> None:
    """Forge the head, as one who has the file but not its key."""
    with raw(path) as connection:
        connection.execute("UPDATE head SET signature = ?", ("00" * 64,))


def stored_texts(path: Path) -> str:
    """Return all that the entries hold, as one text."""
    with raw(path) as connection:
        found = connection.execute("SELECT actor, subject, data FROM entries").fetchall()
    return "\n".join(text for row in found for text in row)
