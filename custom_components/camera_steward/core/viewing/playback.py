"""Stored footage as pieces for a player: as stored, or converted for the screen in memory."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from itertools import pairwise
from typing import Protocol

from ..errors import EncoderMissingError, FootageError
from ..model import Gap, GapCause, Segment
from ..vault.format import FragmentEntry
from ..vault.reader import SegmentReader
from ..vault.vault import Vault
from .conversion import convert
from .decoding import within
from .encoding import CODECS as CONVERTED_CODECS
from .lettering import band_height
from .notice import notice, notice_segment
from .pieces import PIECE_HEAD, for_screen, head_bytes, shift, span
from .playlist import PlaylistPiece, choice, playlist
from .screen import Playable, Shown, describe

_PIECE = timedelta(seconds=3)
"""A piece ends at the first keyframe after this: often enough to stop soon what was ended."""

GAP = timedelta(seconds=2)
"""What is longer without footage is a gap; less is between segments of one recording."""

NOTICE = timedelta(seconds=4)
"""How long a gap is told; a shorter gap no longer than it was."""
_NOTICE_PIXELS = 640
_MICROSECOND = timedelta(microseconds=1)
_ZERO = timedelta(0)


class Words(Protocol):
    """What is written in pictures, in letters that `lettering` has."""

    @property
    def converted(self) -> str:
        """Return what is said above a picture that is not as stored."""
        ...

    def missing(
        self,
        since: datetime,
        until: datetime,
        causes: Sequence[GapCause],
        *,
        unreadable: bool,
    ) -> Sequence[str]:
        """Return the lines that say that there is no footage, from when to when, and why.

        `causes` are those on record, none where nothing set off a recording; `unreadable` says
        that some was stored and cannot be read.
        """
        ...


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
    and `end_at` when it was taken.
    """

    number: int
    part: int
    offset: int
    size: int
    at: timedelta
    length: timedelta
    start_at: datetime

    @property
    def end_at(self) -> datetime:
        """Return when its last picture was over."""
        return self.start_at + self.length


@dataclass(frozen=True, slots=True, kw_only=True)
class GapNotice:
    """What stands in a playback for a gap from `start_at` to `end_at`; no footage is in it."""

    number: int
    at: timedelta
    length: timedelta
    start_at: datetime
    end_at: datetime
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Playback:
    """Footage of one camera laid out on one timeline; nothing of it is held but where it lies.

    The first piece and the last one are footage. `inits` are headers by their numbers; that of the
    notices is the last one. `caption` is said above what is converted. Any thread may read. A
    segment that was erased meanwhile raises `SegmentMissingError`, one that cannot be read another
    `FootageError`.
    """

    parts: tuple[Part, ...]
    pieces: tuple[Piece | GapNotice, ...]
    inits: tuple[bytes, ...] = field(repr=False)
    caption: str

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
        breaks = (False, *(self._breaks(*each) for each in pairwise(self.pieces)))
        return playlist(
            PlaylistPiece(
                address=address,
                length=piece.length,
                at=piece.start_at,
                init=addresses[self._init(piece)] if stored else None,
                breaks=broken,
            )
            for piece, address, broken in zip(self.pieces, addresses[headers:], breaks, strict=True)
        )

    def _init(self, piece: Piece | GapNotice) -> int:
        return self.parts[piece.part].init if isinstance(piece, Piece) else len(self.inits) - 1

    def _breaks(self, before: Piece | GapNotice, piece: Piece | GapNotice) -> bool:
        """Return whether another time or another kind of picture comes before."""
        apart = piece.start_at - before.end_at > GAP
        return apart or self._init(before) != self._init(piece)

    def stored(self, vault: Vault, number: int) -> bytes:
        """Return a piece as stored, only moved in time."""
        piece = self.pieces[number]
        if isinstance(piece, GapNotice):
            shown = self.parts[0].shown
            header, media = notice_segment(
                piece.lines, _size(shown), piece.length, sound=shown.sound
            )
            return shift(media, describe(header), piece.at)
        part = self.parts[piece.part]
        with closing(vault.open_segment(part.segment)) as reader:
            return shift(reader.read(piece.offset, piece.size), part.shown, part.shift)

    def converted(self, vault: Vault, number: int) -> bytes:
        """Return a piece converted for the screen; it is slow work for a thread of its own."""
        piece = self.pieces[number]
        if isinstance(piece, GapNotice):
            width, height = _size(self.parts[0].shown)
            # As high as pictures with their caption: where the shape stays, no player moves.
            size = (width, height + band_height((width, height)))
            return notice(piece.lines, size, piece.length, piece.at)
        with closing(vault.open_segment(self.parts[piece.part].segment)) as reader:
            header, stored = reader.header(), reader.read(piece.offset, piece.size)
        return convert(header, stored, piece.at, self.caption)


def _size(shown: Shown) -> tuple[int, int]:
    """Return the size of notices beside such footage: of its shape, but letters need few pixels."""
    return within(shown.width, shown.height, _NOTICE_PIXELS, _NOTICE_PIXELS)


@cache
def _notice_header(size: tuple[int, int], *, sound: bool) -> bytes:
    return notice_segment((), size, GAP, sound=sound)[0]


def lay_out(
    vault: Vault,
    segments: Sequence[Segment],
    keep: Callable[[datetime, datetime], bool],
    gaps: Sequence[Gap],
    words: Words,
) -> Playback | None:
    """Lay closed segments out, in order of time, of which `keep` says what may be shown.

    None when nothing is left. What cannot be read is left out as a gap is. Gaps between segments
    are told where all of one may be known by `keep`; `gaps` has their causes.
    """
    site = (vault, segments, keep, gaps)
    layout = _Layout(words=words, sound=True).fill(*site)
    sound = all(each.shown.sound for each in layout.parts)
    if not sound and any(each.shown.sound for each in layout.parts):
        # No player goes from sound to none: where some has none, all is played without.
        layout = _Layout(words=words, sound=False).fill(*site)
    if not layout.pieces:
        return None
    if any(isinstance(each, GapNotice) for each in layout.pieces):
        try:
            layout.inits.append(_notice_header(_size(layout.parts[0].shown), sound=sound))
        except EncoderMissingError:
            # What is stored plays without an encoder: then no gap is told.
            layout = _Layout(words=None, sound=sound).fill(*site)
    return Playback(
        parts=tuple(layout.parts),
        pieces=tuple(layout.pieces),
        inits=tuple(layout.inits),
        caption=words.converted,
    )


@dataclass(slots=True, kw_only=True)
class _Layout:
    words: Words | None
    sound: bool
    parts: list[Part] = field(default_factory=list)
    pieces: list[Piece | GapNotice] = field(default_factory=list)
    inits: list[bytes] = field(default_factory=list)
    cursor: timedelta = _ZERO
    read_until: datetime | None = None
    unreadable: bool = False

    def fill(
        self,
        vault: Vault,
        segments: Sequence[Segment],
        keep: Callable[[datetime, datetime], bool],
        gaps: Sequence[Gap],
    ) -> _Layout:
        for segment in segments:
            try:
                with closing(vault.open_segment(segment)) as reader:
                    self._add(segment, reader, keep, gaps)
            except FootageError:
                self.unreadable = True
            else:
                self.unreadable = False
                self.read_until = max(segment.end_at, self.read_until or segment.end_at)
        return self

    def _add(
        self,
        segment: Segment,
        reader: SegmentReader,
        keep: Callable[[datetime, datetime], bool],
        gaps: Iterable[Gap],
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
        since = self.read_until
        if self.pieces and since is not None and keep(since, segment.start_at):
            self._tell(since, segment.start_at, gaps)
        moved = self.cursor - kept[0][1]
        for group, start, end in kept:
            self.pieces.append(
                Piece(
                    number=len(self.pieces),
                    part=len(self.parts),
                    offset=group[0].offset,
                    size=sum(each.length for each in group),
                    at=moved + start,
                    length=end - start,
                    start_at=segment.start_at + start,
                )
            )
        self.cursor = moved + kept[-1][2]
        self.parts.append(
            Part(segment=segment, shown=shown, init=self.inits.index(init), shift=moved)
        )

    def _tell(self, since: datetime, until: datetime, gaps: Iterable[Gap]) -> None:
        """Tell a gap, with each of its causes once."""
        if self.words is None or until - since < GAP:
            return
        causes = {
            each.cause: None
            for each in gaps
            if each.start_at < until and (each.end_at is None or each.end_at > since)
        }
        lines = self.words.missing(since, until, [*causes], unreadable=self.unreadable)
        self.pieces.append(
            GapNotice(
                number=len(self.pieces),
                at=self.cursor,
                length=min(until - since, NOTICE),
                start_at=since,
                end_at=until,
                lines=tuple(lines),
            )
        )
        self.cursor += self.pieces[-1].length


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
