"""A live list moves on as players expect it to, and shows no more than it may, to no one too long."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fractions import Fraction
from functools import cache, partial
from itertools import pairwise

import pytest
from hypothesis import given, settings, strategies as st

from custom_components.camera_steward.core.access.decide import RefusedError
from custom_components.camera_steward.core.capture.live import WINDOW, Live
from custom_components.camera_steward.core.capture.recorder import Recorder, RecorderSettings
from custom_components.camera_steward.core.errors import LiveMissingError, SegmentMissingError
from custom_components.camera_steward.core.media.fragments import Samples
from custom_components.camera_steward.core.model import CaptureStatus
from custom_components.camera_steward.core.viewing.lettering import band_height
from custom_components.camera_steward.core.viewing.live import LivePiece, LiveView
from custom_components.camera_steward.core.viewing.rooms import Rooms
from custom_components.camera_steward.core.viewing.screen import Playable
from tests.cameras import Clip

from .capture_site import SECOND, Footage, ScriptedClock, ScriptedSource, a_site
from .stored import likeness, seen

LENGTH = timedelta(minutes=10)

MICROSECOND = timedelta(microseconds=1)
FRAME = Fraction(1, 15)


@cache
def footage(clip: Clip, *, audio: bool = False) -> Footage:
    return Footage.of(clip, audio=audio)


def anything(start_at: datetime, end_at: datetime) -> bool:
    return start_at <= end_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One piece as a player reads it; `part` counts what broke off, and `init` is its header."""

    address: str
    part: int
    init: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """A playlist as a player reads it: its pieces by their place in all that ever was."""

    pieces: dict[int, Listed]
    first: int
    target: int
    tags: frozenset[str]
    ended: bool

    @classmethod
    def of(cls, text: str) -> Read:
        def number(tag: str) -> int:
            (found,) = re.findall(rf"^#EXT-X-{tag}:(\d+)$", text, re.MULTILINE)
            return int(found)

        part, place, init, seconds = (
            number("DISCONTINUITY-SEQUENCE"),
            number("MEDIA-SEQUENCE"),
            "",
            0.0,
        )
        first = place
        pieces = {}
        for line in text.splitlines():
            if line == "#EXT-X-DISCONTINUITY":
                part += 1
            elif line.startswith("#EXT-X-MAP:"):
                init = line.split('"')[1]
            elif line.startswith("#EXTINF:"):
                seconds = float(line[8:-1])
            elif not line.startswith("#"):
                pieces[place] = Listed(address=line, part=part, init=init, seconds=seconds)
                place += 1
        return cls(
            pieces=pieces,
            first=first,
            target=number("TARGETDURATION"),
            tags=frozenset(line.partition(":")[0] for line in text.splitlines()),
            ended="#EXT-X-ENDLIST" in text,
        )


@dataclass(slots=True)
class Scene:
    """A camera whose pictures come when a test says so; what they show does not matter.

    Its `players` look whenever something comes.
    """

    clock: ScriptedClock = field(default_factory=ScriptedClock)
    of: Footage = field(default_factory=lambda: footage(Clip()))
    players: list[LiveView] = field(default_factory=list)
    live: Live = field(init=False)
    rooms: Rooms = field(init=False)

    def __post_init__(self) -> None:
        self.live = Live(self.clock)
        self.rooms = Rooms(lambda camera: self.live.join(lambda: None))

    def view(
        self,
        lasts: timedelta = LENGTH,
        keep: Callable[[datetime, datetime], bool] = anything,
        *,
        looks: bool = True,
    ) -> LiveView:
        view = LiveView(self.rooms, "door", self.clock.elapsed() + lasts, keep)
        if looks:
            self.players.append(view)
        return view

    def comes(self, *seconds: float, keyframe: bool = True) -> None:
        """Let fragments of these lengths come."""
        for each in seconds:
            since = self.clock.elapsed()
            self.clock.advance(each * SECOND)
            until = self.clock.elapsed()
            samples = Samples(payloads=[b"picture"], dts=[None], pts=[None], keys=[keyframe])
            if self.live.watched:
                self.live.push(
                    self.of.tracks,
                    self.of.header,
                    {0: samples},
                    {0: None},
                    since_us=since // MICROSECOND,
                    until_us=until // MICROSECOND,
                    keyframe=keyframe,
                )
            for view in self.players:
                with suppress(SegmentMissingError):
                    self.text(view)

    def text(self, view: LiveView, *, stored: bool = True) -> str:
        listing = view.listing(self.clock.elapsed())
        return listing.listed(listing.names(stored=stored), stored=stored)

    def read(self, view: LiveView) -> Read:
        return Read.of(self.text(view))

    def pieces(self, view: LiveView) -> tuple[LivePiece, ...]:
        return view.listing(self.clock.elapsed()).pieces

    def ready(self, view: LiveView) -> bool:
        return view.ready(self.clock.elapsed())


# What a player reads


def test_it_begins_with_the_newest_keyframe_once_there_is_enough() -> None:
    scene = Scene()
    first = scene.view()
    with pytest.raises(SegmentMissingError):
        scene.text(first)
    assert not scene.ready(first)
    scene.comes(1, 1, 1)
    scene.comes(1, keyframe=False)
    assert not scene.ready(first)  # four seconds
    second = scene.view()
    assert [each.number for each in scene.pieces(second)] == [3, 4]
    scene.comes(1.1)
    assert scene.ready(first)
    assert not scene.ready(second)
    scene.comes(1, 1)
    assert scene.ready(second)
    assert [each.number for each in scene.pieces(first)] == list(range(1, 8))
    text = scene.text(first)
    assert "#EXT-X-TARGETDURATION:2\n" in text
    assert "#EXT-X-PROGRAM-DATE-TIME:2026-11-22T03:04:05.000+00:00\n#EXTINF:1.000,\n1.m4s" in text
    assert text.count('#EXT-X-MAP:URI="1.mp4"') == 1
    # A group may be listed in parts, and then not each begins with a keyframe.
    assert "INDEPENDENT" not in text
    assert "#EXT-X-INDEPENDENT-SEGMENTS" in scene.text(first, stored=False)
    assert "MAP" not in scene.text(first, stored=False)


def test_what_breaks_off_is_said_to_also_once_it_has_left_the_list() -> None:
    scene = Scene()
    view = scene.view()
    scene.comes(1, 1)
    scene.live.begin()
    scene.comes(1, 1)
    read = scene.read(view)
    assert [(each.part, each.init) for each in read.pieces.values()] == [
        *[(0, "1.mp4")] * 2,
        *[(1, "2.mp4")] * 2,
    ]
    scene.comes(*[1] * 14)
    assert {each.part for each in scene.read(view).pieces.values()} == {1}


def test_whoever_looks_too_seldom_goes_on_with_the_newest_keyframe() -> None:
    scene = Scene()
    view = scene.view(looks=False)
    scene.comes(1, 1, 1)
    scene.text(view)
    scene.comes(*[1] * 30)
    scene.comes(1, keyframe=False)
    found = scene.pieces(view)
    assert [(each.number, each.breaks) for each in found[-2:]] == [(33, True), (34, False)]


@st.composite
def happenings(draw: st.DrawFn) -> list[tuple[str, float]]:
    kinds = st.sampled_from(["keyframe", "part", "part", "pause", "connection", "look", "look"])
    return draw(
        st.lists(st.tuples(kinds, st.sampled_from([0.5, 1.0, 1.25, 2.4, 3.0, 6.0])), max_size=60)
    )


@settings(max_examples=200, deadline=None)
@given(happenings())
def test_whatever_happens_a_player_is_never_told_otherwise(what: list[tuple[str, float]]) -> None:
    """RFC 8216, 6.2.1 and 6.2.2: what was said of a piece stays so, and the list only moves on."""
    scene = Scene()
    view = scene.view(60 * SECOND, looks=False)
    known: dict[int, Listed] = {}
    before: Read | None = None
    for kind, seconds in [*what, ("look", 0)]:
        match kind:
            case "keyframe" | "part":
                scene.comes(seconds, keyframe=kind == "keyframe")
            case "pause":
                scene.clock.advance(seconds * SECOND)
            case "connection":
                scene.live.begin()
            case _:
                try:
                    read = scene.read(view)
                except SegmentMissingError:
                    assert before is None
                    continue
                for place, each in read.pieces.items():
                    assert known.setdefault(place, each) == each
                    assert round(each.seconds) <= read.target == 2
                    assert each.init
                if before is not None:
                    assert read.first >= before.first
                    if before.ended:
                        assert read == before
                    elif not read.ended:
                        assert max(read.pieces) >= max(before.pieces)
                numbers = [each.address for each in known.values()]
                assert len(set(numbers)) == len(numbers)
                before = read
    view.close()
    assert not scene.live.watched


# Its end


def test_after_its_time_it_lists_what_came_until_then_and_nothing_more_is_had() -> None:
    scene = Scene()
    view = scene.view(6 * SECOND)
    scene.comes(*[1] * 5)
    assert not scene.read(view).ended
    scene.comes(1, 1)
    read = scene.read(view)
    assert read.ended
    assert [each.address for each in read.pieces.values()] == [f"{n}.m4s" for n in range(1, 6)]
    assert view.piece(5).number == 5
    with pytest.raises(RefusedError):
        view.piece(6)
    scene.comes(1, 1, 1)
    assert scene.read(view) == read


def test_a_feed_that_ends_leaves_what_was_handed_out() -> None:
    scene = Scene()
    view = scene.view()
    scene.comes(*[1] * 5)
    for each in scene.pieces(view)[:3]:
        assert view.stored(each)
        view.handed(each)
    piece = scene.pieces(view)[3]
    scene.live.close()
    read = scene.read(view)
    assert read.ended
    assert [each.address for each in read.pieces.values()] == ["1.m4s", "2.m4s", "3.m4s"]
    for fetch in (partial(view.piece, 1), partial(view.stored, piece), partial(view.header, 1)):
        with pytest.raises(SegmentMissingError):
            fetch()
    with pytest.raises(LiveMissingError) as missing:
        scene.ready(scene.view())
    assert missing.value.detail == "stopped"


def test_what_left_the_memory_is_not_there_and_what_never_was_is_refused() -> None:
    scene = Scene()
    scene.view()
    scene.comes(1)
    view = scene.view()
    scene.comes(1, 1)
    scene.text(view)
    assert view.piece(3).number == 3
    with pytest.raises(RefusedError):
        view.piece(4)
    scene.clock.advance(WINDOW + 2 * SECOND)
    with pytest.raises(SegmentMissingError):
        view.piece(3)
    with pytest.raises(SegmentMissingError):
        view.header(1)


@pytest.mark.parametrize(
    "other",
    [footage(Clip(video="h265")), footage(Clip(video="mjpeg"))],
    ids=["another codec", "another player"],
)
def test_it_ends_where_a_player_would_have_to_begin_anew(other: Footage) -> None:
    scene = Scene()
    view = scene.view()
    scene.comes(1, 1)
    scene.text(view)
    scene.of = other
    scene.comes(1)
    read = scene.read(view)
    assert read.ended
    assert len(read.pieces) == 2


def test_sound_that_goes_ends_it_and_sound_that_comes_is_not_heard() -> None:
    silent, sounding = footage(Clip()), footage(Clip(audio="aac"), audio=True)
    for of, then, ends in ((sounding, silent, True), (silent, sounding, False)):
        scene = Scene(of=of)
        view = scene.view()
        scene.comes(1)
        scene.text(view)
        scene.of = then
        scene.comes(1)
        assert scene.read(view).ended == ends
        if not ends:
            [track] = re.findall(
                rb"vide|soun", view.header(2).replace(b"free", b"").partition(b"mvex")[0]
            )[:1]
            assert track == b"vide"


# Who may see what, and why there is nothing


def test_only_what_may_be_kept_is_listed() -> None:
    scene = Scene()
    start = scene.clock.now() + 2 * SECOND
    end = start + 3 * SECOND
    view = scene.view(keep=lambda a, b: start <= a and b <= end)
    scene.comes(*[1] * 8)
    assert [each.number for each in scene.pieces(view)] == [3, 4, 5]
    late = scene.view(keep=lambda a, b: start <= a and b <= end)
    assert [each.number for each in scene.pieces(late)] == [5]


def test_pictures_that_come_too_rarely_are_said_to() -> None:
    scene = Scene()
    view = scene.view()
    assert not scene.ready(view)
    scene.comes(*[5] * 5)
    assert not scene.ready(view)
    scene.comes(6)
    with pytest.raises(LiveMissingError) as missing:
        scene.ready(view)
    assert missing.value.detail == "rare"


@pytest.mark.parametrize(
    "status", [CaptureStatus.WAITING, CaptureStatus.NO_STREAM, CaptureStatus.STOPPED]
)
def test_it_is_said_why_there_is_nothing(status: CaptureStatus) -> None:
    scene = Scene()
    view = scene.view()
    scene.live.nothing(status)
    with pytest.raises(LiveMissingError) as missing:
        scene.ready(view)
    assert missing.value.detail == status


def test_a_camera_that_keeps_connecting_is_not_waited_for_for_ever() -> None:
    scene = Scene()
    view = scene.view()
    assert not scene.ready(view)
    scene.clock.advance(29 * SECOND)
    assert not scene.ready(view)
    scene.clock.advance(SECOND)
    with pytest.raises(LiveMissingError) as missing:
        scene.ready(view)
    assert missing.value.detail == "connecting"


# One room for all


def test_the_last_one_out_leaves_nothing_behind() -> None:
    scene = Scene()
    one, two = scene.view(), scene.view()
    scene.comes(1, 1)
    one.close()
    one.close()
    assert len(scene.pieces(two)) == 2
    two.close()
    assert scene.live.window() == ()
    assert len(scene.live._feeds) == 0
    again = scene.view()
    scene.comes(1)
    assert [each.init for each in scene.pieces(again)] == [2]


@contextmanager
def received(
    clip: Clip, *, audio: bool = False
) -> Iterator[tuple[Rooms, ScriptedClock, Iterator[None]]]:
    """Receive a clip through the real recorder; each step is one packet."""
    of = footage(clip, audio=audio)
    clock = ScriptedClock()
    live = Live(clock)
    with a_site(clock) as site:
        source = ScriptedSource(of, clock, list).open()
        recorder = Recorder("door", source, site.vault, clock, RecorderSettings(), live=live)

        def steps() -> Iterator[None]:
            for packet in of.packets:
                clock.advance(clip.seconds * SECOND / len(of.packets))
                recorder.feed(packet)
                yield

        yield Rooms(lambda camera: live.join(lambda: None)), clock, steps()
        recorder.close()


CLIPS = {
    "h265": Clip(video="h265", gop_seconds=4, seconds=12),
    "h265 reordered": Clip(video="h265", gop_seconds=4, seconds=12, b_frames=2),
    "h264": Clip(gop_seconds=2, seconds=8),
    "mjpeg": Clip(video="mjpeg", seconds=8),
}


@pytest.mark.parametrize("kind", CLIPS)
def test_converted_pieces_are_one_film_for_whoever_comes_whenever(kind: str) -> None:
    clip = CLIPS[kind]
    original = seen(clip.path())
    with received(clip) as (rooms, clock, steps):
        views = [LiveView(rooms, "door", clock.elapsed() + LENGTH, anything)]
        films: list[list[bytes]] = [[], []]
        made: dict[int, bytes] = {}
        for number, _ in enumerate(steps):
            if number == clip.rate * clip.seconds // 2:
                views.append(LiveView(rooms, "door", clock.elapsed() + LENGTH, anything))
            for view, film in zip(views, films, strict=False):
                try:
                    pieces = view.listing(clock.elapsed()).pieces
                except SegmentMissingError:
                    continue
                for each in pieces[len(film) - len(pieces) :] if len(film) < len(pieces) else ():
                    film.append(view.converted(each))
                    # Made once for both.
                    assert made.setdefault(each.number, film[-1]) is film[-1]
                    view.handed(each)
        began: Fraction | None = None
        for film, least in zip(films, (5, 2), strict=True):
            assert len(film) >= least
            shown = seen(b"".join(film))
            for before, after in pairwise(shown):
                assert 0 < after.time - before.time < 3 * FRAME
            for picture in shown[:: len(shown) // 6]:
                same = max(original, key=lambda other: likeness(picture.pixels, other.pixels))
                assert likeness(picture.pixels, same.pixels) > 20
                # At the same pace, from wherever the first one began.
                began = picture.time - same.time if began is None else began
                assert abs(picture.time - same.time - began) <= 3 * FRAME


def test_a_piece_in_mid_group_alone_is_converted_from_its_keyframe_on() -> None:
    with received(CLIPS["h265"]) as (rooms, clock, steps):
        view = LiveView(rooms, "door", clock.elapsed() + LENGTH, anything, "Converted")
        for _ in steps:
            view.ready(clock.elapsed())
        pieces = view.listing(clock.elapsed()).pieces
        window = {each.number: each for each in view._feed.window()}
        parts = [each for each in pieces if not window[each.number].keyframe]
        alone = view.converted(parts[1])
        assert len(seen(alone)) > 3
        converted = [view.converted(each) for each in pieces]
        assert alone in converted
        shown = seen(b"".join(converted))
        clip = CLIPS["h265"]
        size = (clip.height + band_height((clip.width, clip.height)), clip.width, 3)
        assert {each.pixels.shape for each in shown} == {size}
        assert all(0 < b.time - a.time < 3 * FRAME for a, b in pairwise(shown))
        clock.advance(WINDOW + 3 * SECOND)
        with pytest.raises(SegmentMissingError):
            view.converted(pieces[-1])
        assert view._room._converted == {}


@pytest.mark.parametrize(("audio", "heard"), [("aac", True), ("pcmu", False)])
def test_sound_is_heard_where_browsers_can(audio: str, heard: bool) -> None:
    clip = Clip(audio="aac" if audio == "aac" else "pcmu", seconds=8)
    with received(clip, audio=True) as (rooms, clock, steps):
        view = LiveView(rooms, "door", clock.elapsed() + LENGTH, anything)
        for _ in steps:
            view.ready(clock.elapsed())
        listing = view.listing(clock.elapsed())
        assert listing.playable is Playable.AS_STORED
        assert listing.shown.sound == heard
        media = view.header(1) + b"".join(view.stored(each) for each in listing.pieces)
        assert len(seen(media)) > 60
        assert (b"soun" in media and media.count(b"trak") == 2) == heard
