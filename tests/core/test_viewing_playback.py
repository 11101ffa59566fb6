"""Segments laid out for a player are one film: gaps told, nothing shown that may not be."""

import io
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Literal

import av
import pytest

from custom_components.camera_steward.core.errors import SegmentMissingError
from custom_components.camera_steward.core.model import Gap, GapCause, Segment
from custom_components.camera_steward.core.viewing import encoding, playback as module
from custom_components.camera_steward.core.viewing.playback import (
    NOTICE,
    GapNotice,
    Piece,
    Playback,
    lay_out,
)
from custom_components.camera_steward.core.viewing.screen import Playable, describe
from tests.cameras import Clip

from .played import file_source, play
from .stored import Seen, seen
from .vault_site import START, Site, a_site
from .viewing_site import Words

GAP = timedelta(minutes=3)
SECOND = timedelta(seconds=1)
SEGMENT = timedelta(seconds=4)


def anything(start: datetime, end: datetime) -> bool:
    return start < end


def laid_out(
    site: Site,
    segments: Sequence[Segment],
    keep: Callable[[datetime, datetime], bool] = anything,
    *gaps: Gap,
) -> Playback:
    """Lay out what there is."""
    found = lay_out(site.vault, segments, keep, gaps, Words())
    assert found is not None
    return found


def missing(segments: Sequence[Segment]) -> tuple[datetime, datetime]:
    """Return from when to when there is nothing."""
    [found] = [
        (a.end_at, b.start_at) for a, b in pairwise(segments) if b.start_at - a.end_at > GAP / 2
    ]
    return found


def a_gap(start: datetime, end: datetime | None, cause: GapCause) -> Gap:
    return Gap(camera="door", start_at=start, end_at=end, cause=cause)


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


def is_dark(each: Seen) -> bool:
    """Tell a notice from footage."""
    return float(each.pixels.mean()) < 60


def test_what_was_stored_is_one_film_and_its_gap_is_told() -> None:
    clip = Clip(seconds=10, gop_seconds=1)
    with a_site() as site:
        segments = recorded(site, clip, clip)
        before, after = missing(segments)
        causes = [
            a_gap(before - GAP, before, GapCause.STORAGE),
            a_gap(before, before + GAP / 3, GapCause.UNREACHABLE),
            a_gap(before + GAP / 3, after, GapCause.SWITCHED_OFF),
            a_gap(before + GAP / 2, None, GapCause.UNREACHABLE),
        ]
        playback = laid_out(site, segments, anything, *causes)
        assert playback.playable is Playable.AS_STORED
        (notice,) = [each for each in playback.pieces if isinstance(each, GapNotice)]
        told = [before.isoformat(), after.isoformat(), "unreachable", "switched_off"]
        assert list(notice.lines) == told
        assert (notice.start_at, notice.end_at, notice.length) == (before, after, NOTICE)
        ends = [(each.at, each.at + each.length) for each in playback.pieces]
        assert all(abs(a[1] - b[0]) < SECOND / 5 for a, b in pairwise(ends))
        shown: list[Seen] = []
        for each in playback.pieces:
            header = playback.inits[isinstance(each, GapNotice)]
            found = seen(header + playback.stored(site.vault, each.number))
            assert all(is_dark(picture) is isinstance(each, GapNotice) for picture in found)
            shown += found
        assert all(0 < b.time - a.time <= 0.51 for a, b in pairwise(shown))


def test_the_playlist_says_where_a_gap_begins_and_ends() -> None:
    clip = Clip(seconds=10, gop_seconds=1)
    with a_site() as site:
        playback = laid_out(site, recorded(site, clip, clip))
        (notice,) = [each for each in playback.pieces if isinstance(each, GapNotice)]
        around = [playback.pieces[notice.number + step] for step in (0, 1)]
        stored, converted = (
            playback.listed(playback.names(stored=each), stored=each).splitlines()
            for each in (True, False)
        )
        dates = [f"#EXT-X-PROGRAM-DATE-TIME:{_iso(each.start_at)}" for each in around]
        lengths = [f"#EXTINF:{each.length.total_seconds():.3f}," for each in around]
        first, last = (stored.index(f"{each.number}.m4s") for each in around)
        assert stored[first - 4 : last + 2] == [
            "#EXT-X-DISCONTINUITY",
            '#EXT-X-MAP:URI="1.mp4"',
            *(dates[0], lengths[0], f"{around[0].number}.m4s"),
            "#EXT-X-DISCONTINUITY",
            '#EXT-X-MAP:URI="0.mp4"',
            *(dates[1], lengths[1], f"{around[1].number}.m4s"),
            stored[last + 1],
        ]
        assert stored.count("#EXT-X-DISCONTINUITY") == 2
        assert sum(each.startswith("#EXT-X-MAP") for each in stored) == 3
        first, last = (converted.index(f"{each.number}.ts") for each in around)
        assert converted[first - 3 : last + 1] == [
            "#EXT-X-DISCONTINUITY",
            *(dates[0], lengths[0], f"{around[0].number}.ts"),
            "#EXT-X-DISCONTINUITY",
            *(dates[1], lengths[1], f"{around[1].number}.ts"),
        ]
        for text, names in (
            (stored, playback.names(stored=True)),
            (converted, playback.names(stored=False)),
        ):
            assert all(any(name in line for line in text) for name in names)


def _iso(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds")


@pytest.mark.parametrize("audio", [None, "aac", "opus"])
def test_a_notice_is_heard_as_what_is_around_it(audio: Literal["aac", "opus"] | None) -> None:
    clip = Clip(seconds=6, audio=audio)
    with a_site() as site:
        playback = laid_out(site, recorded(site, clip, clip))
        assert [describe(each).sound for each in playback.inits] == [audio is not None] * 2


def test_a_short_gap_is_told_shortly_and_a_moment_not_at_all() -> None:
    clip = Clip(seconds=6)
    for gap, lengths in ((2.5 * SECOND, 1), (SECOND, 0)):
        with a_site() as site:
            for _ in range(2):
                play(site, "door", file_source(clip.path()))
                site.clock.advance(gap)
            rows = site.index.segments("door", START, site.clock.now(), overlap=GAP)
            playback = laid_out(site, rows)
            found = [each for each in playback.pieces if isinstance(each, GapNotice)]
            assert len(found) == lengths
            for each in found:
                assert each.length == each.end_at - each.start_at < NOTICE
                assert each.lines[2:] == ()
            last = playback.pieces[-1]
            assert last.at + last.length <= rows[-1].end_at - rows[0].start_at + SECOND / 5


def test_a_gap_is_told_only_to_whom_all_of_it_may_be_known() -> None:
    clip = Clip(seconds=6)
    with a_site() as site:
        segments = recorded(site, clip, clip)
        end, start = missing(segments)

        def but(since: datetime, until: datetime) -> Callable[[datetime, datetime], bool]:
            return lambda a, b: b <= since or until <= a

        for hidden in (
            but(end, start),
            but(end, end + SECOND),
            but(start - SECOND, start),
            lambda a, b: b <= end + SECOND,
        ):
            playback = laid_out(site, segments, hidden, a_gap(end, start, GapCause.RESTART))
            assert all(isinstance(each, Piece) for each in playback.pieces)
            text = playback.listed(playback.names(stored=True), stored=True)
            assert "restart" not in str(playback)
            assert text.count("#EXT-X-MAP") == 1
            assert len(playback.inits) == 1


def test_what_cannot_be_read_is_told_as_a_gap_is() -> None:
    with a_site() as site:
        play(site, "door", file_source(Clip(seconds=12).path()), segment_length=SEGMENT)
        segments = site.index.segments("door", START, site.clock.now(), overlap=GAP)
        site.path(segments[1]).write_bytes(b"no segment")
        playback = laid_out(site, segments)
        (notice,) = [each for each in playback.pieces if isinstance(each, GapNotice)]
        assert (notice.start_at, notice.end_at) == (segments[0].end_at, segments[2].start_at)
        assert notice.lines[2:] == ("unreadable",)


def test_without_an_encoder_what_is_stored_plays_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(encoding, "_ENCODERS", {})
    module._notice_header.cache_clear()
    with a_site() as site:
        playback = laid_out(site, recorded(site, Clip(seconds=6), Clip(seconds=6)))
        assert all(isinstance(each, Piece) for each in playback.pieces)
        text = playback.listed(playback.names(stored=True), stored=True)
        assert text.count("#EXT-X-DISCONTINUITY") == 1
        assert text.count("#EXT-X-MAP") == 1
        shown = times(film(playback, site))
        assert max(b - a for a, b in pairwise(shown)) < 0.5


def test_only_what_may_be_shown_is_laid_out() -> None:
    with a_site() as site:
        segments = recorded(site, Clip(seconds=10, gop_seconds=1))
        start = segments[0].start_at + timedelta(seconds=3.5)
        end = start + timedelta(seconds=4)
        kept = laid_out(site, segments, lambda a, b: start <= a and b <= end)
        assert all(start <= each.start_at and each.end_at <= end for each in kept.pieces)
        first = times(film(kept, site))[0]
        assert 0 <= first < 0.3
        assert lay_out(site.vault, segments, lambda a, b: False, (), Words()) is None


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
        playback = laid_out(site, recorded(site, clip, clip))
        assert playback.playable is playable
        pieces = [playback.converted(site.vault, each.number) for each in playback.pieces]
        shown = [time for each in pieces for time in times(each)]
        assert shown == sorted(shown)
        sizes = {each.pixels.shape for piece in pieces for each in seen(piece)}
        assert sizes == {(clip.height + 16, clip.width, 3)}
        assert max(b - a for a, b in pairwise(shown)) < 0.6
        last = playback.pieces[-1]
        length = (last.at + last.length).total_seconds()
        assert abs((shown[-1] - shown[0]) - length) < 1


def test_sound_beside_none_is_played_without() -> None:
    with a_site() as site:
        segments = recorded(site, Clip(seconds=6, audio="aac"), Clip(seconds=6))
        playback = laid_out(site, segments)
        assert not any(each.shown.sound for each in playback.parts)
        alone = laid_out(site, segments[:1])
        assert all(each.shown.sound for each in alone.parts)


def test_what_is_erased_meanwhile_is_not_shown() -> None:
    with a_site() as site:
        segments = recorded(site, Clip(seconds=10, gop_seconds=1))
        playback = laid_out(site, segments)
        site.vault.erase(segments[:1])
        with pytest.raises(SegmentMissingError):
            playback.stored(site.vault, 0)
        rest = laid_out(site, segments)
        assert len(rest.parts) == len(playback.parts) - 1
