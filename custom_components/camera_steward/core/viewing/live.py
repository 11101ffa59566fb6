"""What is watched live: a camera's newest pieces as a playlist that moves on, for a set time."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from ..access.decide import Refusal, RefusedError
from ..errors import FootageError, LiveMissingError, SegmentMissingError, StewardError
from ..model import CaptureStatus
from .encoding import CODECS as CONVERTED_CODECS
from .pieces import for_screen, shift
from .playlist import Moving, PlaylistPiece, choice, playlist
from .rooms import Fragment, Rooms
from .screen import Playable, Shown, describe

CLOSING = timedelta(seconds=15)
"""So much longer may be fetched what came within that time, so that a player ends by itself."""

LEFT = timedelta(minutes=1)
"""What is not fetched any more is over sooner than playback: no pause can be made of it."""

_LONGEST = timedelta(seconds=2.49)
"""Pieces last two seconds at most, to the nearest one. Players keep three of that length before
them, and play these to the end when a role ends."""

_LISTED = timedelta(seconds=12)
"""Fewer than the recorder holds, so that what is listed can still be fetched a while later."""

_PATIENCE = timedelta(seconds=30)
"""Keyframes may be some seconds apart, and a player needs a few seconds to begin with."""

_LEAST = 3
_BEGIN = timedelta(seconds=5)
_ZERO = timedelta(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class LivePiece:
    """A fragment as it is listed; `breaks` where what comes before does not lead to it."""

    number: int
    init: int
    start_at: datetime
    length: timedelta
    breaks: bool

    @property
    def end_at(self) -> datetime:
        """Return when its last picture was over."""
        return self.start_at + self.length


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveList:
    """What is listed just now, with the same questions to it as to a `Playback`."""

    pieces: tuple[LivePiece, ...]
    shown: Shown = field(repr=False)
    sequence: int
    breaks: int
    ended: bool

    @property
    def playable(self) -> Playable:
        """Return whether browsers play it as it comes."""
        return self.shown.playable

    def either(self, stored: str, converted: str) -> str:
        """Return the list from which a player takes one of the two playlists, as it can."""
        size = (self.shown.width, self.shown.height)
        return choice([(stored, self.shown.codecs, size), (converted, CONVERTED_CODECS, size)])

    def names(self, *, stored: bool) -> list[str]:
        """Return the names of the files that the playlist lists, headers first."""
        if not stored:
            return [f"{each.number}.ts" for each in self.pieces]
        return [f"{each}.mp4" for each in self._inits()] + [f"{p.number}.m4s" for p in self.pieces]

    def listed(self, addresses: Sequence[str], *, stored: bool) -> str:
        """Return the playlist; `addresses` are those of `names`, in the same order."""
        inits = self._inits() if stored else []
        headers = dict(zip(inits, addresses, strict=False))
        return playlist(
            (
                PlaylistPiece(
                    address=address,
                    length=piece.length,
                    at=piece.start_at,
                    init=headers.get(piece.init),
                    breaks=piece.breaks,
                )
                for piece, address in zip(self.pieces, addresses[len(inits) :], strict=True)
            ),
            Moving(
                sequence=self.sequence,
                breaks=self.breaks,
                longest=_LONGEST,
                independent=not stored,
                ended=self.ended,
            ),
        )

    def _inits(self) -> list[int]:
        return list(dict.fromkeys(each.init for each in self.pieces))


class LiveView:
    """What one person watches live, from the newest keyframe on until `until`. Any thread.

    `until` is time since boot, `keep` says of which span of footage this person may see a picture.
    It holds no picture itself. When it ends, which it does for good, what has been listed may be
    fetched as long as it is there: until whoever made it calls `close`.
    """

    def __init__(
        self,
        rooms: Rooms,
        camera: str,
        until: timedelta,
        keep: Callable[[datetime, datetime], bool],
        caption: str = "",
    ) -> None:
        """Enter a camera's room; `caption` is written above pictures that are converted."""
        self._rooms = rooms
        self._room = rooms.enter(camera, caption)
        self._feed = self._room.feed
        self._left = False
        self._until = until
        self._asked_at: timedelta | None = None
        self._keep = keep
        self._lock = threading.Lock()
        self._pieces: dict[int, LivePiece] = {}
        """Listed, now or a moment ago."""
        self._listed: list[int] = []
        self._shown: dict[int, Shown] = {}
        self._kind: Shown | None = None
        self._rare = False
        self._sequence = 0
        self._breaks = 0
        self._handed = 0
        self._ended = False

    def ready(self, now: timedelta) -> bool:
        """Return whether there is enough for a player to begin; `now` is since boot.

        `LiveMissingError` says why there is nothing.
        """
        with self._lock:
            self._look(now)
            self._asked_at = now if self._asked_at is None else self._asked_at
            why = self._feed.why_nothing
            if self._ended or why not in {None, CaptureStatus.CONNECTING}:
                raise LiveMissingError((why or CaptureStatus.STOPPED).value)
            if now >= self._asked_at + _PATIENCE:
                raise LiveMissingError("rare" if self._rare else CaptureStatus.CONNECTING.value)
            return self._length(self._listed) >= _BEGIN

    def listing(self, now: timedelta) -> LiveList:
        """Return what is listed at a time since boot; `SegmentMissingError` before there is any."""
        with self._lock:
            self._look(now)
            if self._kind is None:
                raise SegmentMissingError
            return LiveList(
                pieces=tuple(self._pieces[each] for each in self._listed),
                shown=self._kind,
                sequence=self._sequence,
                breaks=self._breaks,
                ended=self._ended,
            )

    def piece(self, number: int) -> LivePiece:
        """Return a piece that was listed and is there; `SegmentMissingError` when no longer."""
        with self._lock:
            piece = self._pieces.get(number)
            if piece is None and number > max(self._listed, default=0):
                raise RefusedError(Refusal.ADDRESS)
        if piece is None or self._feed.get(number) is None:
            raise SegmentMissingError
        return piece

    def header(self, init: int) -> bytes:
        """Return the header of pieces that are there, for the screen."""
        with self._lock:
            shown = self._shown.get(init)
        header = self._feed.header(init)
        if shown is None or header is None:
            raise SegmentMissingError
        return for_screen(header, shown)

    def stored(self, piece: LivePiece) -> bytes:
        """Return a piece as the camera sent it."""
        fragment = self._feed.get(piece.number)
        with self._lock:
            shown = self._shown.get(piece.init)
        if fragment is None or shown is None:
            raise SegmentMissingError
        return shift(fragment.data, shown, _ZERO)

    def converted(self, piece: LivePiece) -> bytes:
        """Return a piece converted for the screen; slow work for a thread of its own."""
        return self._room.converted(piece.number)

    def handed(self, piece: LivePiece) -> None:
        """Note that a piece is handed out."""
        with self._lock:
            self._handed = max(self._handed, piece.number)

    def close(self) -> None:
        """Leave the room; harmless when repeated."""
        with self._lock:
            left, self._left = self._left, True
        if not left:
            self._rooms.leave(self._room)

    # Inside, under the lock

    def _look(self, now: timedelta) -> None:
        """Add what is new, and move on."""
        if self._ended:
            return
        window = self._feed.window()
        if now < self._until:
            try:
                self._add(window)
            except StewardError:
                self._ended = True  # what comes cannot be shown as what came
        held = {each.number for each in window}
        self._ended = self._ended or now >= self._until or self._feed.closed
        self._move()
        while self._ended and self._listed and self._listed[-1] > self._handed:
            if self._listed[-1] in held:
                break
            self._listed.pop()  # a player would stumble over what is gone
        self._pieces = {
            n: each for n, each in self._pieces.items() if n in held or n in self._listed
        }
        inits = {each.init for each in self._pieces.values()}
        self._shown = {init: each for init, each in self._shown.items() if init in inits}

    def _add(self, window: Sequence[Fragment]) -> None:
        last = self._listed[-1] if self._listed else None
        new = [each for each in window if last is None or each.number > last]
        if last is None or (new and new[0].number != last + 1):
            # From the newest keyframe on: what came before it is nothing to wait for.
            starts = [n for n, each in enumerate(new) if each.keyframe and self._may_begin(each)]
            new = new[starts[-1] :] if starts else []
        for each in new:
            if not self._keep(each.start_at, each.start_at + each.length):
                break
            if each.init not in self._shown and not self._describe(each.init):
                break
            before = self._pieces[self._listed[-1]] if self._listed else None
            self._pieces[each.number] = LivePiece(
                number=each.number,
                init=each.init,
                start_at=each.start_at,
                length=each.length,
                breaks=before is not None
                and (before.init, before.number + 1) != (each.init, each.number),
            )
            self._listed.append(each.number)

    def _may_begin(self, fragment: Fragment) -> bool:
        self._rare = fragment.length > _LONGEST
        kept = self._keep(fragment.start_at, fragment.start_at + fragment.length)
        return kept and not self._rare

    def _describe(self, init: int) -> bool:
        """Learn what a header shows; `FootageError` where a player would have to begin anew."""
        header = self._feed.header(init)
        if header is None:
            return False
        kind = self._kind
        shown = describe(header, sound=kind is None or kind.sound)
        if kind is None:
            self._kind = shown
        elif (kind.codec, kind.playable, kind.sound) != (shown.codec, shown.playable, shown.sound):
            raise FootageError("another kind of pictures or sound")
        self._shown[init] = shown
        return True

    def _move(self) -> None:
        """Drop from the front what is more than a player needs; some always stay."""
        while len(self._listed) > _LEAST and self._length(self._listed[1:]) >= _LISTED:
            self._listed.pop(0)
            self._sequence += 1
            self._breaks += self._pieces[self._listed[0]].breaks

    def _length(self, numbers: Sequence[int]) -> timedelta:
        return sum((self._pieces[each].length for each in numbers), _ZERO)
