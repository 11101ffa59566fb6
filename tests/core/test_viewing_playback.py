"""Segments laid out for a player are one film: gaps closed, nothing shown that may not be."""

import io
from datetime import datetime, timedelta
from itertools import pairwise

import av
import pytest

from custom_components.camera_steward.core.errors import SegmentMissingError
from custom_components.camera_steward.core.model import Segment
from custom_components.camera_steward.core.viewing.playback import Playback, lay_out
from custom_components.camera_steward.core.viewing.screen import Playable
from tests.cameras import Clip

from .played import file_source, play
from .vault_site import START, Site, a_site

GAP = timedelta(minutes=3)
SECOND = timedelta(seconds=1)
SEGMENT = timedelta(seconds=4)


def anything(start: datetime, end: datetime) -> bool:
    return start < end


def recorded(site: Site, *clips: Clip) -> list[Segment]:
    """Record clips with a gap between them."""
    for clip in clips:
        play(site, "door", file_source(clip.path()), segment_length=SEGMENT)
        site.clock.advance(GAP)
    return site.index.segments("door", START, site.clock.now(), overlap=GAP)


def times(media: bytes) -> list[float]:
    with av.open(io.BytesIO(media), "r") as container:
        return [float(each.time or 0) for each in container.decode(video=0)]


def film(playback: Playback, site: Site) -> bytes:
    pieces = (playback.stored(site.vault, each.number) for each in playback.pieces)
    return playback.inits[0] + b"".join(pieces)


def test_what_was_stored_is_one_film_without_its_gap() -> None:
    clip = Clip(seconds=10, gop_seconds=1)
    with a_site() as site:
        segments = recorded(site, clip, clip)
        playback = lay_out(site.vault, segments, anything)
        assert playback is not None
        assert playback.playable is Playable.AS_STORED
        assert len(playback.inits) == 1
        shown = times(film(playback, site))
        assert len(shown) == 2 * clip.rate * clip.seconds
        assert max(b - a for a, b in pairwise(shown)) < 0.5
        ends = [(each.at, each.at + each.length) for each in playback.pieces]
        assert all(abs(a[1] - b[0]) < SECOND / 5 for a, b in pairwise(ends))
        (gap,) = [each.gap for each in playback.pieces if each.gap]
        assert abs(gap - GAP) < SECOND
        text = playback.listed(playback.names(stored=True), stored=True)
        assert text.count("#EXT-X-DISCONTINUITY") == 1
        assert text.count("#EXTINF") == len(playback.pieces)
        assert all(each in text for each in playback.names(stored=True))


def test_only_what_may_be_shown_is_laid_out() -> None:
    with a_site() as site:
        segments = recorded(site, Clip(seconds=10, gop_seconds=1))
        start = segments[0].start_at + timedelta(seconds=3.5)
        end = start + timedelta(seconds=4)
        kept = lay_out(site.vault, segments, lambda a, b: start <= a and b <= end)
        assert kept is not None
        assert all(start <= each.start_at and each.end_at <= end for each in kept.pieces)
        first = times(film(kept, site))[0]
        assert 0 <= first < 0.3
        assert lay_out(site.vault, segments, lambda a, b: False) is None


@pytest.mark.parametrize(
    ("clip", "playable"),
    [
        (Clip(video="h265", seconds=6, gop_seconds=1), Playable.MAYBE),
        (Clip(video="mjpeg", seconds=6), Playable.CONVERTED),
    ],
    ids=["h265", "mjpeg"],
)
def test_converted_pieces_follow_each_other(clip: Clip, playable: Playable) -> None:
    with a_site() as site:
        playback = lay_out(site.vault, recorded(site, clip), anything)
        assert playback is not None
        assert playback.playable is playable
        pieces = [playback.converted(site.vault, each.number) for each in playback.pieces]
        shown = [time for each in pieces for time in times(each)]
        assert shown == sorted(shown)
        assert max(b - a for a, b in pairwise(shown)) < 0.6
        last = playback.pieces[-1]
        length = (last.at + last.length).total_seconds()
        assert abs((shown[-1] - shown[0]) - length) < 1


def test_sound_beside_none_is_played_without() -> None:
    with a_site() as site:
        segments = recorded(site, Clip(seconds=6, audio="aac"), Clip(seconds=6))
        playback = lay_out(site.vault, segments, anything)
        assert playback is not None
        assert not any(each.shown.sound for each in playback.parts)
        alone = lay_out(site.vault, segments[:1], anything)
        assert alone is not None
        assert all(each.shown.sound for each in alone.parts)


def test_what_is_erased_meanwhile_is_not_shown() -> None:
    with a_site() as site:
        segments = recorded(site, Clip(seconds=10, gop_seconds=1))
        playback = lay_out(site.vault, segments, anything)
        assert playback is not None
        site.vault.erase(segments[:1])
        with pytest.raises(SegmentMissingError):
            playback.stored(site.vault, 0)
        rest = lay_out(site.vault, segments, anything)
        assert rest is not None
        assert len(rest.parts) == len(playback.parts) - 1
