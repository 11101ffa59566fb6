"""Playlists of HTTP Live Streaming (RFC 8216): in which order a player fetches what."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta


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


def playlist(pieces: Iterable[PlaylistPiece]) -> str:
    """Return the playlist of pieces in order."""
    listed = list(pieces)
    longest = max((each.length.total_seconds() for each in listed), default=1)
    lines = [
        "#EXTM3U",
        "#EXT-X-VERSION:7",
        f"#EXT-X-TARGETDURATION:{max(math.ceil(longest), 1)}",
        "#EXT-X-MEDIA-SEQUENCE:0",
        "#EXT-X-INDEPENDENT-SEGMENTS",
        "#EXT-X-PLAYLIST-TYPE:VOD",
    ]
    init = None
    for number, each in enumerate(listed):
        if each.breaks and number:
            lines.append("#EXT-X-DISCONTINUITY")
        if each.init is not None and each.init != init:
            lines.append(f'#EXT-X-MAP:URI="{each.init}"')
            init = each.init
        if each.breaks or not number:
            lines.append(f"#EXT-X-PROGRAM-DATE-TIME:{each.at.isoformat(timespec='milliseconds')}")
        lines += [f"#EXTINF:{each.length.total_seconds():.3f},", each.address]
    return "\n".join([*lines, "#EXT-X-ENDLIST", ""])


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
