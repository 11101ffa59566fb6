"""Stored footage as pieces for a player: as stored, or converted for the screen in memory."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from ..errors import FootageError
from ..model import Segment
from ..vault.format import FragmentEntry
from ..vault.reader import SegmentReader
from ..vault.vault import Vault
from .conversion import convert
from .encoding import CODECS as CONVERTED_CODECS
from .pieces import PIECE_HEAD, for_screen, head_bytes, shift, span
from .playlist import PlaylistPiece, choice, playlist
from .screen import Playable, Shown, describe

_PIECE = timedelta(seconds=3)
"""A piece ends at the first keyframe after this: often enough to stop soon what was ended."""

GAP = timedelta(seconds=2)
"""What is longer without footage is a gap; less is between segments of one recording."""
_MICROSECOND = timedelta(microseconds=1)
_ZERO = timedelta(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What is played of one segment; `init` numbers its header among the different ones."""

    segment: Segment
    shown: Shown
    init: int
    shift: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """What is fetched at once: whole fragments that begin with a keyframe.

    `offset` and `size` in bytes of the segment's media; `at` in the playback's time, `start_at`
    and `end_at` when it was taken. `gap` is how long nothing was stored before it, where that is
    more than a moment.
    """

    number: int
    part: int
    offset: int
    size: int
    at: timedelta
    length: timedelta
    start_at: datetime
    gap: timedelta = _ZERO

    @property
    def end_at(self) -> datetime:
        """Return when its last picture was over."""
        return self.start_at + self.length


@dataclass(frozen=True, slots=True, kw_only=True)
class Playback:
    """Footage of one camera laid out on one timeline; nothing of it is held but where it lies.

    Any thread may read. A segment that was erased meanwhile raises `SegmentMissingError`, one
    that cannot be read another `FootageError`.
    """

    parts: tuple[Part, ...]
    pieces: tuple[Piece, ...]
    inits: tuple[bytes, ...] = field(repr=False)

    @property
    def playable(self) -> Playable:
        """Return whether browsers play it as stored: as what they play least of it."""
        order = (Playable.CONVERTED, Playable.MAYBE, Playable.AS_STORED)
        return min((each.shown.playable for each in self.parts), key=order.index)

    def either(self, stored: str, converted: str) -> str:
        """Return the list from which a player takes one of the two playlists, as it can."""
        shown = self.parts[0].shown
        size = (shown.width, shown.height)
        return choice([(stored, shown.codecs, size), (converted, CONVERTED_CODECS, size)])

    def names(self, *, stored: bool) -> list[str]:
        """Return the names of the files that a playlist lists, headers first."""
        if not stored:
            return [f"{each.number}.ts" for each in self.pieces]
        inits = [f"{number}.mp4" for number in range(len(self.inits))]
        return inits + [f"{each.number}.m4s" for each in self.pieces]

    def listed(self, addresses: Sequence[str], *, stored: bool) -> str:
        """Return the playlist of what is stored, or of what is converted while it is fetched.

        `addresses` are those of `names`, in the same order.
        """
        headers = len(self.inits) if stored else 0
        return playlist(
            PlaylistPiece(
                address=address,
                length=piece.length,
                at=piece.start_at,
                init=addresses[self.parts[piece.part].init] if stored else None,
                breaks=bool(piece.gap) or self._differs(piece),
            )
            for piece, address in zip(self.pieces, addresses[headers:], strict=True)
        )

    def _differs(self, piece: Piece) -> bool:
        """Return whether another kind of picture comes before."""
        if not piece.number:
            return False
        before = self.parts[self.pieces[piece.number - 1].part]
        return self.parts[piece.part].init != before.init

    def stored(self, vault: Vault, number: int) -> bytes:
        """Return a piece as stored, only moved in time."""
        piece = self.pieces[number]
        part = self.parts[piece.part]
        with closing(vault.open_segment(part.segment)) as reader:
            return shift(reader.read(piece.offset, piece.size), part.shown, part.shift)

    def converted(self, vault: Vault, number: int) -> bytes:
        """Return a piece converted for the screen; it is slow work for a thread of its own."""
        piece = self.pieces[number]
        with closing(vault.open_segment(self.parts[piece.part].segment)) as reader:
            header, stored = reader.header(), reader.read(piece.offset, piece.size)
        return convert(header, stored, piece.at)


def lay_out(
    vault: Vault,
    segments: Sequence[Segment],
    keep: Callable[[datetime, datetime], bool],
) -> Playback | None:
    """Lay closed segments out, in order of time, of which `keep` says what may be shown.

    None when nothing is left. What cannot be read is left out as a gap is.
    """
    layout = _Layout(sound=True)
    layout.fill(vault, segments, keep)
    if len({each.shown.sound for each in layout.parts}) > 1:
        # No player goes from sound to none: where some has none, all is played without.
        layout = _Layout(sound=False)
        layout.fill(vault, segments, keep)
    if not layout.pieces:
        return None
    return Playback(
        parts=tuple(layout.parts), pieces=tuple(layout.pieces), inits=tuple(layout.inits)
    )


@dataclass(slots=True, kw_only=True)
class _Layout:
    sound: bool
    parts: list[Part] = field(default_factory=list)
    pieces: list[Piece] = field(default_factory=list)
    inits: list[bytes] = field(default_factory=list)
    cursor: timedelta = _ZERO

    def fill(
        self,
        vault: Vault,
        segments: Sequence[Segment],
        keep: Callable[[datetime, datetime], bool],
    ) -> None:
        for segment in segments:
            with suppress(FootageError), closing(vault.open_segment(segment)) as reader:
                self._add(segment, reader, keep)

    def _add(
        self, segment: Segment, reader: SegmentReader, keep: Callable[[datetime, datetime], bool]
    ) -> None:
        header = reader.header()
        shown = describe(header, sound=self.sound)
        ends = _media_end(reader, shown)
        kept = [
            (group, start, end)
            for group, start, end in _groups(reader.trailer.fragments, ends)
            if keep(segment.start_at + start, segment.start_at + end)
        ]
        if not kept:
            return
        init = for_screen(header, shown)
        if init not in self.inits:
            self.inits.append(init)
        moved = self.cursor - kept[0][1]
        for group, start, end in kept:
            start_at = segment.start_at + start
            before = self.pieces[-1].end_at if self.pieces else start_at
            gap = start_at - before
            self.pieces.append(
                Piece(
                    number=len(self.pieces),
                    part=len(self.parts),
                    offset=group[0].offset,
                    size=sum(each.length for each in group),
                    at=moved + start,
                    length=end - start,
                    start_at=start_at,
                    gap=gap if gap > GAP else _ZERO,
                )
            )
        self.cursor = moved + kept[-1][2]
        self.parts.append(
            Part(segment=segment, shown=shown, init=self.inits.index(init), shift=moved)
        )


def _groups(
    fragments: Sequence[FragmentEntry], end: timedelta
) -> Iterator[tuple[list[FragmentEntry], timedelta, timedelta]]:
    """Yield fragments that belong together with their start and end, from the segment's stamp."""
    groups: list[list[FragmentEntry]] = []
    for each in fragments:
        ripe = groups and (each.start_us - groups[-1][0].start_us) * _MICROSECOND >= _PIECE
        if not groups or (ripe and each.keyframe):
            groups.append([])
        groups[-1].append(each)
    starts = [each[0].start_us * _MICROSECOND for each in groups]
    for group, start, until in zip(groups, starts, [*starts[1:], end], strict=True):
        if until > start:
            yield group, start, until


def _media_end(reader: SegmentReader, shown: Shown) -> timedelta:
    """Return when the segment's last picture is over, by its own times.

    These and the times of arrival differ by some hundredths of a second, which a player would
    show as a stumble at the end of each segment.
    """
    for each in reversed(reader.trailer.fragments):
        start = reader.read(each.offset, PIECE_HEAD)
        found = span(reader.read(each.offset, head_bytes(start)), shown)
        if found is not None:
            return found[1]
    raise FootageError("no pictures")
