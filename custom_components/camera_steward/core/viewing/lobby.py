"""Where people are let in to a site's footage: the desk, what is watched, and what there is."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from ..access.decide import Decision, Refusal, RefusedError
from ..errors import SegmentMissingError
from ..ledger.store import Ledger
from ..ledger.viewings import Viewing, viewing_register
from ..model import Action, Gap, Segment, SegmentState
from ..vault.index import Hour, Index
from ..vault.vault import Vault
from .desk import Caller, Desk, TrustedClock, ViewingDenied
from .live import CLOSING, LEFT, LiveList, LiveView
from .pictures import picture
from .playback import GapNotice, Piece, Playback, Words, lay_out
from .rooms import Feed, Rooms
from .watches import FootageViewed, ViewingUnusual, Watch, WatchEnd, Watches

LobbyEvent = FootageViewed | ViewingDenied | ViewingUnusual


class PieceKind(StrEnum):
    """What is fetched, by the ending of its address."""

    HEADER = "mp4"
    STORED = "m4s"
    CONVERTED = "ts"


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """What is stored of a camera in a span: closed segments, and what is missing."""

    segments: tuple[Segment, ...]
    gaps: tuple[Gap, ...]


class Lobby:
    """Any thread; all but the desk's decisions are blocking. It decides nothing itself."""

    def __init__(
        self,
        vault: Vault,
        index: Index,
        ledger: Ledger,
        clock: TrustedClock,
        on_event: Callable[[LobbyEvent], None],
        feed: Callable[[str], Feed],
    ) -> None:
        """Read from the ledger what the desk needs; `LedgerBrokenError` when it cannot.

        `feed` opens what a camera's recorder shows.
        """
        self._vault = vault
        self._index = index
        self._ledger = ledger
        self.desk = Desk(ledger, clock, on_event)
        self.watches = Watches(ledger, self.desk, on_event)
        self._rooms = Rooms(feed)

    def cameras(self) -> frozenset[str]:
        """Return the cameras of which there is footage, removed ones too."""
        return frozenset(self._index.cameras())

    def hours(self, camera: str, start: datetime, end: datetime) -> list[Hour]:
        """Return what is stored in each hour, counted from `start`, that has any."""
        return self._index.hours(camera, start, end)

    def extent(self, camera: str) -> tuple[datetime, datetime] | None:
        """Return from when to when there is footage."""
        held = self._index.footage(camera)
        if held.oldest_at is None or held.newest_at is None:
            return None
        return held.oldest_at, held.newest_at

    def listing(self, camera: str, start: datetime, end: datetime) -> Listing:
        """Return the closed segments that begin in [start, end), and the gaps of it."""
        return Listing(
            segments=tuple(
                each
                for each in self._index.segments(camera, start, end)
                if each.start_at >= start and each.state is not SegmentState.OPEN
            ),
            gaps=tuple(self._index.gaps(camera, start, end)),
        )

    def _segment(self, camera: str, sequence: int) -> Segment | None:
        """Return a closed segment of a camera."""
        found = self._index.segment(sequence)
        if found is None or found.camera != camera or found.state is SegmentState.OPEN:
            return None
        return found

    def play(
        self,
        caller: Caller,
        *,
        camera: str,
        purpose: str,
        start: datetime,
        end: datetime,
        words: Words,
        sequence: int | None = None,
    ) -> Watch:
        """Lay footage that begins in [start, end) out for someone, or one segment of it.

        To a guest as far as the permission goes. `words` is what is written in pictures.
        `RefusedError` where it may not be shown, `SegmentMissingError` where there is none.
        """
        asking = caller.asking(Action.BROWSE, camera=camera, purpose=purpose)
        permissions = self.desk.decide(asking).or_refused().permissions
        found = self.listing(camera, start, end)
        segments = [
            each for each in found.segments if sequence is None or each.sequence == sequence
        ]
        laid_out = lay_out(
            self._vault,
            segments,
            lambda a, b: not permissions or any(each.covers(camera, a, b) for each in permissions),
            found.gaps,
            words,
        )
        if laid_out is None:
            # By what was asked for and not by what there is: a guest must not find that out.
            if permissions and not any(each.covers(camera, start, end) for each in permissions):
                raise RefusedError(Refusal.OUTSIDE_PERMISSION)
            raise SegmentMissingError
        first, last = laid_out.pieces[0], laid_out.pieces[-1]
        asking = replace(
            asking, action=Action.PLAYBACK, start_at=first.start_at, end_at=first.end_at
        )
        return self.watches.open(
            caller,
            self.desk.decide(asking).or_refused(),
            Action.PLAYBACK,
            camera=camera,
            purpose=purpose,
            span=(first.start_at, last.end_at),
            playback=laid_out,
        )

    # Live

    def may_watch_live(self, caller: Caller, *, camera: str, purpose: str) -> bool:
        """Return whether someone may watch a camera live; asked without a record."""
        return self._decide_live(caller, camera, purpose).allowed

    def go_live(self, caller: Caller, *, camera: str, purpose: str, words: Words) -> Watch:
        """Let someone watch a camera live, for as long as the settings say.

        A guest as far as the permission goes. `words` is what is written in pictures. `RefusedError` where it may not be shown; there is
        something to show once `LiveView.ready` says so.
        """
        decision = self._decide_live(caller, camera, purpose).or_refused()
        permissions = decision.permissions
        now, length = self.desk.now(), self.desk.house.live_length
        view = LiveView(
            self._rooms,
            camera,
            self.desk.elapsed() + length,
            lambda a, b: not permissions or any(each.covers(camera, a, b) for each in permissions),
            words.converted,
        )
        return self.watches.open(
            caller,
            decision,
            Action.LIVE,
            camera=camera,
            purpose=purpose,
            span=(now, now + length),
            lasts=length + CLOSING,
            idle=LEFT,
            live=view,
        )

    def is_ready(self, watch: Watch) -> bool:
        """Return whether a player can begin; `LiveMissingError` says why there is nothing."""
        return watch.live is None or watch.live.ready(self.desk.elapsed())

    def _decide_live(self, caller: Caller, camera: str, purpose: str) -> Decision:
        asking = caller.asking(Action.LIVE, camera=camera, purpose=purpose)
        now = self.desk.now()
        return self.desk.decide(replace(asking, start_at=now, end_at=now))

    # What is fetched

    def watch(self, token: str, caller: Caller) -> Watch:
        """Return what an address stands for, to the one session that it was made for.

        `RefusedError` to all others, whether there is such a watch or not.
        """
        watch = self.watches.find(token)
        if caller.user is None:
            raise RefusedError(Refusal.NOBODY)
        if watch is None or (caller.user, caller.session) != (
            watch.caller.user,
            watch.caller.session,
        ):
            raise RefusedError(Refusal.ADDRESS)
        if not watch.is_from(caller.client):
            raise RefusedError(Refusal.ADDRESS)
        if watch.live is not None:
            now = self.desk.now()
            self._check(watch, caller, now, now)
        else:
            first = watch.played.pieces[0]
            self._check(watch, caller, first.start_at, first.end_at)
        return watch

    def listed(self, watch: Watch) -> Playback | LiveList:
        """Return what a player is told that there is."""
        if watch.live is None:
            return watch.played
        self.watches.used(watch)
        return watch.live.listing(self.desk.elapsed())

    def turn(self, watch: Watch, caller: Caller, number: int) -> timedelta:
        """Return how long to hold a piece back; decided first, so that nobody waits in vain."""
        if watch.live is not None:
            return timedelta()  # nothing can be fetched before it is taken
        piece = self._piece(watch, caller, number)
        with watch.lock:
            return watch.pace.admit(piece.at, piece.at + piece.length, self.desk.elapsed())

    def fetch(self, watch: Watch, caller: Caller, number: int, kind: PieceKind) -> bytes:
        """Return a piece or a header, after deciding anew and after the ledger knows (INV-4)."""
        if watch.live is not None:
            return self._fetch_live(watch, watch.live, caller, number, kind)
        playback = watch.played
        if kind is PieceKind.HEADER:
            if number >= len(playback.inits):
                raise RefusedError(Refusal.ADDRESS)
            self.watches.begin(watch)
            return playback.inits[number]
        piece = self._piece(watch, caller, number)
        if isinstance(piece, Piece):
            self.watches.begin(watch)
        made = (
            playback.stored(self._vault, number)
            if kind is PieceKind.STORED
            else playback.converted(self._vault, number)
        )
        # Once more: what ends while a piece is being made is not handed out.
        self._check(watch, caller, piece.start_at, piece.end_at)
        if isinstance(piece, Piece):
            self.watches.shown(watch, (piece.start_at, piece.end_at))
        return made

    def _fetch_live(
        self, watch: Watch, view: LiveView, caller: Caller, number: int, kind: PieceKind
    ) -> bytes:
        if kind is PieceKind.HEADER:
            header = view.header(number)
            self.watches.begin(watch)
            return header
        piece = view.piece(number)
        self._check(watch, caller, piece.start_at, piece.end_at)
        self.watches.begin(watch)
        made = view.stored(piece) if kind is PieceKind.STORED else view.converted(piece)
        self._check(watch, caller, piece.start_at, piece.end_at)
        self.watches.shown(watch, (piece.start_at, piece.end_at))
        view.handed(piece)
        return made

    def _piece(self, watch: Watch, caller: Caller, number: int) -> Piece | GapNotice:
        pieces = watch.played.pieces
        if number >= len(pieces):
            raise RefusedError(Refusal.ADDRESS)
        piece = pieces[number]
        self._check(watch, caller, piece.start_at, piece.end_at)
        return piece

    def _check(self, watch: Watch, caller: Caller, start_at: datetime, end_at: datetime) -> None:
        decision = self.desk.decide(watch.asking(start_at, end_at, active=caller.active))
        if not decision.allowed:
            self.watches.close(watch, WatchEnd.REFUSED)
        decision.or_refused()

    def picture(self, caller: Caller, *, camera: str, purpose: str, sequence: int) -> bytes:
        """Return a small JPEG of a segment's first picture, made in memory.

        Decided, and in the ledger before (INV-4): one look for all the pictures of one listing.
        """
        asking = caller.asking(Action.STILL, camera=camera, purpose=purpose)
        segment = self._segment(camera, sequence)
        if segment is not None:
            asking = replace(asking, start_at=segment.start_at, end_at=segment.end_at)
        decision = self.desk.decide(asking).or_refused()
        if segment is None:
            raise SegmentMissingError
        span = (segment.start_at, segment.end_at)
        watch = self.watches.again(caller, Action.STILL, camera=camera, purpose=purpose)
        if watch is None:
            watch = self.watches.open(
                caller, decision, Action.STILL, camera=camera, purpose=purpose, span=span
            )
        self.watches.begin(watch)
        with closing(self._vault.open_segment(segment)) as reader:
            first = next(iter(reader.trailer.fragments), None)
            if first is None:
                raise SegmentMissingError
            made = picture(reader.header(), reader.read(first.offset, first.length))
        # Once more, as in `fetch`.
        self._check(watch, caller, *span)
        self.watches.shown(watch, (segment.start_at, segment.start_at))
        return made

    def register(
        self,
        since: datetime,
        until: datetime,
        *,
        camera: str | None = None,
        user: str | None = None,
    ) -> list[Viewing]:
        """Return the viewing register; for the operations manager alone."""
        return viewing_register(self._ledger, since, until, camera=camera, user=user)
