"""What is being watched: from the entry before the first byte to the one of what was shown."""

import secrets
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from operator import attrgetter

from ..access.decide import Asking, Decision, Refusal, RefusedError
from ..errors import StewardError
from ..ledger.entry import EntryKind
from ..ledger.fields import Span, few_spans, merge_spans
from ..ledger.store import Ledger
from ..ledger.viewings import Viewing, ended_data, unusual_data
from ..model import Action
from .desk import Caller, Desk
from .live import LiveView
from .pace import Pace
from .playback import Playback

IDLE = timedelta(minutes=10)
"""A watch for which nothing is fetched is over: as long may a pause last."""

_LONGEST = timedelta(hours=2)
_BULK = timedelta(hours=4)
_BULK_WITHIN = timedelta(hours=1)
_BULK_COUNTED = timedelta(minutes=1)
_NIGHT_FROM, _NIGHT_TO = 23, 5
_MOST = 32
"""So many watches a person has at once; each holds a layout in memory."""


class Unusual(StrEnum):
    """Why a viewing stands out; thresholds are product defaults."""

    FIRST = "first"
    """The person's first."""

    NIGHT = "night"
    """Between 23:00 and 05:00."""

    BULK = "bulk"
    """More than four hours of footage within an hour."""


class WatchEnd(StrEnum):
    """Why a watch is over."""

    LEFT = "left"
    TIME = "time"
    REFUSED = "refused"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class FootageViewed:
    """Someone begins to watch; told when the first byte goes out."""

    viewing: Viewing


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewingUnusual:
    """A viewing stands out."""

    viewing: Viewing
    reasons: tuple[Unusual, ...]


@dataclass(slots=True, kw_only=True)
class Watch:
    """One person watching one camera for one purpose. `token` names it in addresses."""

    token: str = field(repr=False)
    caller: Caller
    viewing: Viewing
    action: Action
    lasts: timedelta
    ends_at: timedelta
    used_at: timedelta
    idle: timedelta = IDLE
    playback: Playback | None = None
    live: LiveView | None = None
    pace: Pace = field(default_factory=Pace)
    bound: bool = False
    begun: bool = False
    over: WatchEnd | None = None
    watched: list[Span] = field(default_factory=list)
    addresses: Mapping[str, str] = field(default_factory=dict, repr=False)
    """What a live list said last, by file: players compare what it says again by the letter."""

    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def played(self) -> Playback:
        """Return what is played; `RefusedError` where it is no playback."""
        if self.playback is None:
            raise RefusedError(Refusal.ADDRESS)
        return self.playback

    def is_from(self, client: str | None) -> bool:
        """Return whether a fetch comes from where the first one came from."""
        with self.lock:
            if not self.bound:
                self.bound = True
                self.viewing = replace(self.viewing, client=client)
            return self.viewing.client == client

    def asking(self, start_at: datetime, end_at: datetime, *, active: bool) -> Asking:
        """Return what each fetch asks anew; times are of the footage."""
        return Asking(
            user=self.caller.user,
            active=active,
            action=self.action,
            camera=self.viewing.camera,
            start_at=start_at,
            end_at=end_at,
            purpose=self.viewing.purpose,
        )


class Watches:
    """All watches of a site. Any thread; `find` and `open` touch no file, the others the ledger.

    What is `over` is handed out no more; it is held until that is in the ledger too.
    """

    def __init__(
        self,
        ledger: Ledger,
        desk: Desk,
        on_event: Callable[[FootageViewed | ViewingUnusual], None],
    ) -> None:
        """Begin with none."""
        self._ledger = ledger
        self._desk = desk
        self._on_event = on_event
        self._lock = threading.Lock()
        self._open: dict[str, Watch] = {}
        self._viewers: set[str] = set()
        self._bulk: dict[str, deque[tuple[timedelta, timedelta]]] = {}
        self._bulk_told: dict[str, timedelta] = {}

    def open(
        self,
        caller: Caller,
        decision: Decision,
        action: Action,
        *,
        camera: str,
        purpose: str,
        span: Span,
        lasts: timedelta | None = None,
        idle: timedelta = IDLE,
        playback: Playback | None = None,
        live: LiveView | None = None,
    ) -> Watch:
        """Begin a watch after a decision that allowed it; nothing is in the ledger yet.

        `span` is of the footage asked for. It lasts `lasts`, by default as long as the span and a
        pause; in any case no longer than two hours, nor longer than `idle` without being used. Of
        too many the one not used longest is over. `live` is closed with it.
        """
        now = self._desk.elapsed()
        lasts = min(span[1] - span[0] + IDLE if lasts is None else lasts, _LONGEST)
        watch = Watch(
            token=secrets.token_urlsafe(24),
            caller=caller,
            viewing=Viewing(
                id=secrets.token_hex(8),
                at=self._desk.now(),
                user=caller.user,
                name=decision.name,
                kind=action,
                camera=camera,
                purpose=purpose,
                client=caller.client,
                role=decision.role.value if decision.role is not None else None,
                permission=decision.permission.id if decision.permission is not None else None,
                asked=span,
            ),
            action=action,
            lasts=lasts,
            ends_at=now + lasts,
            used_at=now,
            idle=idle,
            playback=playback,
            live=live,
        )
        with self._lock:
            held = [each for each in self._open.values() if not each.over]
            mine = [each for each in held if each.caller.user == caller.user]
            self._open[watch.token] = watch
        mine.sort(key=attrgetter("used_at"), reverse=True)
        for each in mine[_MOST - 1 :]:
            each.over = each.over or WatchEnd.LEFT
        return watch

    def find(self, token: str) -> Watch | None:
        """Return a watch that is not over; None for any other text."""
        with self._lock:
            watch = self._open.get(token)
        if watch is None or watch.over:
            return None
        now = self._desk.elapsed()
        return watch if now < watch.ends_at and now - watch.used_at < watch.idle else None

    def again(self, caller: Caller, action: Action, *, camera: str, purpose: str) -> Watch | None:
        """Return what the same login watches in the same way already."""
        with self._lock:
            found = [
                each.token
                for each in self._open.values()
                if (each.caller.user, each.caller.session) == (caller.user, caller.session)
                and each.action is action
                and (each.viewing.camera, each.viewing.purpose) == (camera, purpose)
            ]
        return next((watch for token in found if (watch := self.find(token))), None)

    def begin(self, watch: Watch) -> None:
        """Enter in the ledger that someone watches, once; durable on return (INV-4).

        `RefusedError` when it is over.
        """
        with watch.lock:
            if watch.over:
                raise RefusedError(Refusal.ADDRESS)
            if watch.begun:
                return
            viewing = replace(watch.viewing, at=self._desk.now())
            first = not self._has_watched(viewing.user or "")
            entry = self._ledger.append(
                EntryKind.VIEWING_STARTED,
                actor=viewing.name or viewing.user or "",
                subject=viewing.camera or "",
                data=viewing.to_data(),
                at=viewing.at,
            )
            watch.viewing = replace(viewing, entry=entry.id)
            watch.begun = True
        self._on_event(FootageViewed(viewing=watch.viewing))
        reasons = self._first_or_at_night(watch.viewing, first=first)
        if reasons:
            self._stands_out(watch.viewing, reasons)

    def used(self, watch: Watch) -> None:
        """Note that someone is still there, though nothing is handed out."""
        with watch.lock:
            watch.used_at = self._desk.elapsed()

    def shown(self, watch: Watch, span: Span) -> None:
        """Note what is about to be handed out; times are of the footage.

        `RefusedError` when it is over by now: what was shown is in the ledger already.
        """
        now = self._desk.elapsed()
        with watch.lock:
            if watch.over or not watch.begun:
                raise RefusedError(Refusal.ADDRESS)
            watch.used_at = now
            watch.watched = list(merge_spans([*watch.watched, span]))
        user = watch.viewing.user or ""
        if watch.action is Action.PLAYBACK and self._is_bulk(user, span[1] - span[0], now):
            self._stands_out(watch.viewing, (Unusual.BULK,))

    def close(self, watch: Watch, why: WatchEnd) -> None:
        """End a watch and enter what was shown; harmless when repeated.

        It is over even where the ledger cannot be written; then the next `sweep` enters it.
        """
        with watch.lock:
            watch.over = watch.over or why
            if watch.live is not None:
                watch.live.close()
            with self._lock:
                held = watch.token in self._open
            if held and watch.begun:
                self._ledger.append(
                    EntryKind.VIEWING_ENDED,
                    actor=watch.viewing.name or "",
                    subject=watch.viewing.camera or "",
                    data=ended_data(watch.viewing.id, few_spans(watch.watched), watch.over.value),
                    at=self._desk.now(),
                )
            with self._lock:
                self._open.pop(watch.token, None)

    def sweep(self) -> None:
        """End what has lasted its time or is not fetched any more."""
        now = self._desk.elapsed()
        found: list[tuple[Watch, WatchEnd]] = []
        for each in self._held():
            if each.over:
                found.append((each, each.over))
            elif now >= each.ends_at:
                found.append((each, WatchEnd.TIME))
            elif now - each.used_at >= each.idle:
                found.append((each, WatchEnd.LEFT))
        self._close_each(found)

    def close_all(self) -> None:
        """End all watches, as when the site stops."""
        self._close_each((each, WatchEnd.STOPPED) for each in self._held())

    def watching(self) -> tuple[Watch, ...]:
        """Return what is being watched."""
        return tuple(each for each in self._held() if not each.over)

    def _held(self) -> tuple[Watch, ...]:
        with self._lock:
            return tuple(self._open.values())

    def _close_each(self, found: Iterable[tuple[Watch, WatchEnd]]) -> None:
        """Close all that can be; what one of them raised is raised afterwards."""
        failed: StewardError | None = None
        for watch, why in found:
            try:
                self.close(watch, why)
            except StewardError as err:
                failed = failed or err
        if failed is not None:
            raise failed

    def _has_watched(self, user: str) -> bool:
        """Return whether a user ever watched anything; the ledger is asked once a user."""
        with self._lock:
            if user in self._viewers:
                return True
        started = self._ledger.entries((EntryKind.VIEWING_STARTED,))
        return any(each.data.get("user") == user for each in started)

    def _first_or_at_night(self, viewing: Viewing, *, first: bool) -> tuple[Unusual, ...]:
        reasons = []
        user = viewing.user or ""
        with self._lock:
            if first and user not in self._viewers:
                reasons.append(Unusual.FIRST)
            self._viewers.add(user)
        hour = viewing.at.astimezone(self._desk.house.zone).hour
        if hour >= _NIGHT_FROM or hour < _NIGHT_TO:
            reasons.append(Unusual.NIGHT)
        return tuple(reasons)

    def _is_bulk(self, user: str, length: timedelta, now: timedelta) -> bool:
        """Return whether this makes it a great deal, at most once an hour a person."""
        with self._lock:
            mine = self._bulk.setdefault(user, deque())
            if mine and now - mine[-1][0] < _BULK_COUNTED:
                mine[-1] = (mine[-1][0], mine[-1][1] + length)
            else:
                mine.append((now, length))
            while mine and now - mine[0][0] >= _BULK_WITHIN:
                mine.popleft()
            told = self._bulk_told.get(user)
            if told is not None and now - told < _BULK_WITHIN:
                return False
            if sum((each for _, each in mine), timedelta(0)) <= _BULK:
                return False
            self._bulk_told[user] = now
            return True

    def _stands_out(self, viewing: Viewing, reasons: tuple[Unusual, ...]) -> None:
        self._ledger.append(
            EntryKind.VIEWING_UNUSUAL,
            actor=viewing.name or "",
            subject=viewing.camera or "",
            data=unusual_data(viewing.id, viewing.user or "", reasons),
            at=self._desk.now(),
        )
        self._on_event(ViewingUnusual(viewing=viewing, reasons=reasons))
