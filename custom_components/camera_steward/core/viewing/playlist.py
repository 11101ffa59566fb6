"""Playlists of HTTP Live Streaming (RFC 8216): in which order a player fetches what."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaylistPiece:
    """One piece; `init` is the address of the header it needs, None where it needs none.

    `at` is when its first picture was taken. `breaks` where what comes before does not lead to it:
    a gap in the footage, or another kind of picture.
    """

    address: str
    length: timedelta
    at: datetime
    init: str | None = None
    breaks: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Moving:
    """What a playlist says that moves on: which pieces were in it before, and how long any can be.

    `sequence` is how many pieces came before its first one, `breaks` how often what came up to that
    one broke off. `longest` stays what it was; a piece that lasts longer after all is said to last
    that long, for no player may be told otherwise (6.2.1). `independent` says whether each piece
    begins with a keyframe, `ended` that no more will come.
    """

    sequence: int
    breaks: int
    longest: timedelta
    independent: bool
    ended: bool


def playlist(pieces: Iterable[PlaylistPiece], moving: Moving | None = None) -> str:
    """Return the playlist of pieces in order: of all of them, or of those it has moved on to."""
    listed = list(pieces)
    if moving is None:
        longest = max((each.length for each in listed), default=_SECOND)
        target = math.ceil(longest / _SECOND)
    else:
        longest = moving.longest
        target = round(longest / _SECOND)
    lines = [
        "#EXTM3U",
        "#EXT-X-VERSION:7",
        f"#EXT-X-TARGETDURATION:{max(target, 1)}",
        f"#EXT-X-MEDIA-SEQUENCE:{moving.sequence if moving is not None else 0}",
    ]
    if moving is None or moving.independent:
        lines.append("#EXT-X-INDEPENDENT-SEGMENTS")
    if moving is None:
        lines.append("#EXT-X-PLAYLIST-TYPE:VOD")
    else:
        lines.append(f"#EXT-X-DISCONTINUITY-SEQUENCE:{moving.breaks}")
    init = None
    for number, each in enumerate(listed):
        if each.breaks and number:
            lines.append("#EXT-X-DISCONTINUITY")
        if each.init is not None and each.init != init:
            lines.append(f'#EXT-X-MAP:URI="{each.init}"')
            init = each.init
        if each.breaks or not number:
            lines.append(f"#EXT-X-PROGRAM-DATE-TIME:{each.at.isoformat(timespec='milliseconds')}")
        length = min(each.length, longest).total_seconds()
        lines += [f"#EXTINF:{length:.3f},", each.address]
    if moving is None or moving.ended:
        lines.append("#EXT-X-ENDLIST")
    return "\n".join([*lines, ""])


def choice(variants: Iterable[tuple[str, str, tuple[int, int]]]) -> str:
    """Return the list of (address, codecs, size) from which a player takes what it can play.

    The first that it can play is meant. A player takes the one of the greatest rate that its line
    carries; so the rates are none of the pictures, but so low that any line carries them.
    """
    lines = ["#EXTM3U", "#EXT-X-VERSION:7", "#EXT-X-INDEPENDENT-SEGMENTS"]
    for number, (address, codecs, (width, height)) in enumerate(variants):
        rate = 100_000 >> number
        lines += [
            f'#EXT-X-STREAM-INF:BANDWIDTH={rate},CODECS="{codecs}",RESOLUTION={width}x{height}',
            address,
        ]
    return "\n".join([*lines, ""])
