"""From packets to fragments and segments: what is kept, where it is cut, what is let go."""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from functools import cache
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from custom_components.camera_steward.core.capture.recorder import Recorder, RecorderSettings
from custom_components.camera_steward.core.capture.source import Packet
from custom_components.camera_steward.core.errors import SourceNoKeyframeError
from custom_components.camera_steward.core.media.boxes import StoredFragment, fragments, tracks
from custom_components.camera_steward.core.vault.reader import SegmentReader
from tests.cameras import Clip, units
from tests.core.capture_site import (
    MINUTE,
    SECOND,
    Alive,
    CaptureSite,
    Footage,
    ScriptedClock,
    ScriptedConnection,
    ScriptedSource,
    a_site,
    joins,
    stored_units,
    watch,
)

KEY, DELTA = b"\x65", b"\x41"


@cache
def footage(clip: Clip, *, audio: bool = False) -> Footage:
    return Footage.of(clip, audio=audio)


def recorder(
    site: CaptureSite, clock: ScriptedClock, of: Footage, how: RecorderSettings | None = None
) -> Recorder:
    return Recorder(
        "door",
        ScriptedConnection(ScriptedSource(of, clock)),
        site.vault,
        clock,
        how or RecorderSettings(),
    )


def made_up(number: int, *, key: bool, size: int = 12) -> Packet:
    """Return a packet of one NAL unit that bears its number."""
    unit = (KEY if key else DELTA) + number.to_bytes(8) + b"\x5a" * size
    return Packet(0, len(unit).to_bytes(4) + unit, None, None, key)


def numbers(media: bytes) -> list[int]:
    """Return the numbers of the made-up packets in a segment."""
    return [
        int.from_bytes(payload[5:13])
        for each in fragments(media)
        for payload in payloads(media, each)
    ]


def payloads(media: bytes, fragment: StoredFragment) -> Iterator[bytes]:
    for run in fragment.runs:
        at = fragment.offset + run.data_at
        for size in run.sizes:
            yield media[at : at + size]
            at += size


def feed(
    to: Recorder, clock: ScriptedClock, packets: Iterable[Packet], step: timedelta
) -> list[Packet]:
    """Give packets one after the other; `step` passes after each."""
    given_ = []
    for packet in packets:
        to.feed(packet)
        given_.append(packet)
        clock.advance(step)
    return given_


def spans(reader: SegmentReader) -> list[float]:
    """Return how long each fragment but the last lasts, in seconds."""
    starts = [each.start_us / 1e6 for each in reader.trailer.fragments]
    return [after - before for before, after in pairwise(starts)]


def test_a_fragment_is_one_or_more_whole_groups_of_pictures() -> None:
    """Groups of a second are fragments; those of a third of a second share one."""
    clock = ScriptedClock()
    with a_site(clock) as site:
        for gop, want in ((1.0, 1.0), (0.2, 1.0), (2.0, 2.0)):
            clip = Clip(seconds=6, gop_seconds=gop)
            taken = recorder(site, clock, footage(clip))
            feed(taken, clock, footage(clip).packets, SECOND / 15)
            taken.close()
            reader = site.vault.open_segment(site.sealed()[-1])
            assert all(each.keyframe for each in reader.trailer.fragments)
            assert spans(reader) == pytest.approx([want] * len(spans(reader)), abs=0.001)
            reader.close()
        site.check()


def test_a_group_of_20_seconds_is_stored_in_pieces_and_found_by_its_keyframe() -> None:
    """At most 3 s and a picture wait; what is asked for inside the group begins at its start."""
    clip = Clip(seconds=60, gop_seconds=20, rate=5)
    clock = ScriptedClock()
    with a_site(clock) as site:
        taken = recorder(site, clock, footage(clip), RecorderSettings(segment_length=30 * SECOND))
        feed(taken, clock, footage(clip).packets, SECOND / 5)
        taken.close()
        first, second = site.sealed()
        assert first.length == 40 * SECOND  # the first keyframe after 30 s
        assert joins([first, second]) == [0.0]
        reader = site.vault.open_segment(first)
        assert max(spans(reader)) <= 3.2
        keys = [each.start_us for each in reader.trailer.fragments if each.keyframe]
        assert keys == pytest.approx([0, 20_000_000], abs=2)
        for at, key_us in ((12, keys[0]), (27, keys[1])):
            found = reader.fragments_between(at * SECOND, (at + 1) * SECOND)
            assert found[0].start_us == key_us
            begin, end = found[0].offset, found[-1].offset + found[-1].length
            piece = reader.header() + reader.read(begin, end - begin)
            # Everything from the keyframe on can be shown.
            assert watch(piece).pictures >= (at - key_us / 1e6) * 5
        reader.close()
        site.check()
        assert units(site.media(first)) + units(site.media(second)) == clip.units()


@pytest.mark.parametrize("keyframes", [True, False])
def test_a_fragment_never_grows_far_beyond_8_mib(keyframes: bool) -> None:
    """Whether each picture is a keyframe or none is: 1 MiB each, as fast as they come."""
    clock = ScriptedClock()
    with a_site(clock) as site:
        taken = recorder(site, clock, footage(Clip()))
        pictures = [made_up(n, key=keyframes or n == 0, size=1 << 20) for n in range(30)]
        feed(taken, clock, pictures, timedelta(milliseconds=5))
        taken.close()
        media = site.media(site.sealed()[0])
        assert numbers(media) == list(range(30))
        assert max(each.length for each in fragments(media)) < 9.1 * (1 << 20)


def test_two_minutes_without_a_keyframe_end_the_connection() -> None:
    """What came until then is kept."""
    clock = ScriptedClock()
    with a_site(clock) as site:
        taken = recorder(site, clock, footage(Clip()))
        with pytest.raises(SourceNoKeyframeError):
            feed(taken, clock, (made_up(n, key=n == 0) for n in range(999)), SECOND)
        taken.close()
        [segment] = site.sealed()
        assert numbers(site.media(segment)) == list(range(121))
        site.check()


def test_pictures_before_the_first_keyframe_are_dropped() -> None:
    """Nobody could see them."""
    clock = ScriptedClock()
    with a_site(clock) as site:
        taken = recorder(site, clock, footage(Clip()))
        feed(taken, clock, (made_up(n, key=n in {5, 20}) for n in range(30)), SECOND / 15)
        taken.close()
        assert numbers(site.media(site.sealed()[0])) == list(range(5, 30))


def test_another_header_begins_another_segment_at_its_keyframe() -> None:
    """At once, whatever the length."""
    clock = ScriptedClock()
    small, large = footage(Clip()), footage(Clip(width=640, height=480))
    headers = iter([small.header] * 2 + [large.header] * 4)
    with a_site(clock) as site:
        source = ScriptedSource(small, clock, header_for=lambda keyframe: next(headers))
        taken = Recorder("door", ScriptedConnection(source), site.vault, clock, RecorderSettings())
        feed(taken, clock, (made_up(n, key=n % 15 == 0) for n in range(75)), SECOND / 15)
        taken.close()
        found = site.sealed()
        assert joins(found) == [0.0]
        assert [numbers(site.media(each)) for each in found] == [
            list(range(30)),
            list(range(30, 75)),
        ]
        assert [tracks(site.media(each))[0].width for each in found] == [320, 640]


def test_stills_are_stored_before_the_next_one_comes() -> None:
    """With a minute between them a crash costs none that is older than 10 s (INV-2)."""
    clock = ScriptedClock()
    stills = footage(Clip(video="mjpeg"))
    with a_site(clock) as site:
        taken = recorder(site, clock, stills, RecorderSettings(segment_length=150 * SECOND))
        for number, packet in enumerate(stills.packets[:7]):
            taken.feed(packet._replace(dts=None, pts=None, duration=60 * 1000))
            for _ in range(120):
                clock.advance(SECOND / 2)
                taken.idle()
            [*_, written] = site.segments()
            whole = (site.vault.path_of(written).stat().st_size - 128) // (64 * 1024 + 16)
            assert whole >= 1 + number % 3, number
        taken.close()
        found = site.sealed()
        assert [each.length for each in found[:-1]] == [3 * MINUTE] * 2
        assert joins(found) == [0.0, 0.0]
        assert [unit for each in found for unit in units(site.media(each))] == [
            each.payload for each in stills.packets[:7]
        ]
        assert watch(site.media(found[0])).seconds == pytest.approx(180, abs=0.5)
        site.check()


# Times

_STEP = SECOND / 15
faults = st.sampled_from(["none", "back", "hour", "hour back", "same"])


@st.composite
def wrong_times(draw: st.DrawFn) -> dict[int, str]:
    """Return which packets have wrong times, and how."""
    return draw(st.dictionaries(st.integers(0, 89), faults, max_size=40))


@given(
    wrong=wrong_times(),
    arrivals=st.lists(st.sampled_from([0.0, 0.01, 1 / 15, 1 / 15, 0.3, 2.0]), min_size=9),
    b_frames=st.booleans(),
)
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_the_times_every_unit_is_kept_in_order_at_about_its_time(
    wrong: dict[int, str], arrivals: list[float], b_frames: bool
) -> None:
    """INV-3 does not hang on the camera's clock; what is stored can be decoded."""
    clip = Clip(b_frames=2 if b_frames else 0)
    of = footage(clip)
    clock = ScriptedClock()
    base = of.tracks[0].time_base
    hour = int(3600 / base)
    with a_site(clock) as site:
        taken = recorder(site, clock, of, RecorderSettings(segment_length=4 * SECOND))
        shift, last = 0, 0
        for number, packet in enumerate(of.packets):
            dts, pts = packet.dts or 0, packet.pts or 0
            match wrong.get(number):
                case "none":
                    packet = packet._replace(dts=None, pts=None)  # noqa: PLW2901
                case "back":
                    dts, pts = dts - int(1 / base), pts - int(1 / base)
                case "hour":
                    shift += hour
                case "hour back":
                    shift -= hour
                case "same":
                    dts = pts = last - shift
                case _:
                    pass
            if packet.dts is not None:
                packet = packet._replace(dts=dts + shift, pts=pts + shift)  # noqa: PLW2901
                last = dts + shift
            taken.feed(packet)
            clock.advance(arrivals[number % len(arrivals)] * SECOND)
        taken.close()
        found = site.sealed()
        site.check()
        assert site.units() == stored_units(of.packets, of)
        assert joins(found) == [0.0] * (len(found) - 1)
        for each in found:
            media = site.media(each)
            lasted = [
                ticks for one in fragments(media) for run in one.runs for ticks in run.durations
            ]
            assert min(lasted) > 0
            seen = watch(media)
            assert seen.pictures == len(lasted)
            assert abs(seen.seconds - each.length.total_seconds()) <= 5.5


def test_times_that_are_right_are_kept_as_they_are() -> None:
    """A connection that hesitates for seconds changes nothing of when pictures were taken."""
    of = footage(Clip())
    clock = ScriptedClock()
    with a_site(clock) as site:
        taken = recorder(site, clock, of)
        for number, packet in enumerate(of.packets):
            taken.feed(packet)
            clock.advance(4 * SECOND if number == 40 else timedelta() if number > 40 else _STEP)
        taken.close()
        [segment] = site.sealed()
        shown = watch(site.media(segment)).shown
        assert [b - a for a, b in pairwise(shown)] == pytest.approx([1 / 15] * 89, abs=0.002)


# Triggers

ON_TRIGGER = RecorderSettings(on_trigger=True)


def stream_of(site: CaptureSite, clock: ScriptedClock, how: RecorderSettings) -> Recorder:
    return recorder(site, clock, footage(Clip()), how)


def run(to: Recorder, clock: ScriptedClock, first: int, count: int, *, group: int = 10) -> None:
    """Give made-up pictures, ten a second."""
    feed(
        to,
        clock,
        (made_up(n, key=n % group == 0) for n in range(first, first + count)),
        SECOND / 10,
    )


def test_a_trigger_keeps_what_was_before_it_and_what_comes_after() -> None:
    """Ten seconds before, thirty after, from keyframe to keyframe; a second one extends it."""
    clock = ScriptedClock()
    with a_site(clock) as site:
        taken = stream_of(site, clock, ON_TRIGGER)
        run(taken, clock, 0, 305)
        assert not site.segments()
        taken.trigger()
        run(taken, clock, 305, 600)
        assert not taken.writing
        run(taken, clock, 905, 600)
        taken.trigger()
        run(taken, clock, 1505, 100)
        taken.trigger()
        run(taken, clock, 1605, 900)
        taken.close()
        kept = [numbers(site.media(each)) for each in site.sealed()]
        first, *rest = kept
        second = [n for each in rest for n in each]
        assert first == list(range(200, 610))
        assert second == list(range(1400, 1910))
        starts = [each.start_at for each in site.sealed()]
        # Stamped with when it came and not with when it was written.
        assert (starts[1] - starts[0]).total_seconds() == pytest.approx(120, abs=0.001)
        site.check()


def test_a_trigger_before_the_first_keyframe_is_not_lost() -> None:
    """Footage begins with that keyframe."""
    clock = ScriptedClock()
    with a_site(clock) as site:
        taken = stream_of(site, clock, ON_TRIGGER)
        taken.trigger()
        run(taken, clock, 5, 600)
        taken.close()
        assert [n for s in site.sealed() for n in numbers(site.media(s))] == list(range(10, 310))


@pytest.mark.parametrize("ended", [True, False])
def test_a_trigger_after_the_last_still_keeps_it(ended: bool) -> None:
    """Found by the machine: nothing came any more that would have stored what was in memory."""
    clock = ScriptedClock()
    with a_site(clock) as site:
        taken = stream_of(site, clock, ON_TRIGGER)
        taken.feed(made_up(7, key=True))
        clock.advance(4 * SECOND)
        taken.idle()
        assert not site.segments()
        taken.trigger()
        if not ended:
            taken.idle()
            assert site.segments()
        taken.close()
        assert [numbers(site.media(each)) for each in site.sealed()] == [[7]]


def test_footage_after_a_trigger_inside_a_long_group_can_be_decoded() -> None:
    """A segment begins with a keyframe, even where the one before ended in mid-group."""
    clock = ScriptedClock()
    how = RecorderSettings(on_trigger=True, pre_roll=SECOND, post_roll=5 * SECOND)
    with a_site(clock) as site:
        taken = stream_of(site, clock, how)
        run(taken, clock, 0, 30, group=200)
        taken.trigger()
        run(taken, clock, 30, 90, group=200)
        taken.trigger()
        run(taken, clock, 120, 300, group=200)
        taken.trigger()
        run(taken, clock, 420, 300, group=200)
        taken.close()
        for each in site.sealed():
            media = site.media(each)
            assert next(iter(fragments(media))).runs[0].keyframe
            assert numbers(media)[0] % 200 == 0
        kept = [n for each in site.sealed() for n in numbers(site.media(each))]
        assert kept == sorted(set(kept))
        assert set(range(20, 170)) | set(range(410, 470)) <= set(kept)


def test_the_memory_before_a_trigger_forgets() -> None:
    """INV-1: nothing that no trigger can reach any more stays, by time and by bytes."""
    clock = ScriptedClock()
    alive = Alive()
    with a_site(clock) as site:
        taken = stream_of(site, clock, ON_TRIGGER)
        for number in range(1000):
            for packet in alive.of([made_up(number, key=number % 10 == 0)]):
                taken.feed(packet)
            del packet
            clock.advance(SECOND / 10)
        # Ten seconds, the group that reaches over their start, and the one that is being received.
        assert min(alive.left()) >= 1000 - 100 - 10 - 10
        taken.close()
        assert alive.left() == []


@pytest.mark.parametrize("group", [10, 10_000])
def test_the_memory_before_a_trigger_is_bounded_in_bytes(group: int) -> None:
    """Even where no keyframe comes: then nothing is kept until one does."""
    clock = ScriptedClock()
    alive = Alive()
    with a_site(clock) as site:
        taken = stream_of(site, clock, ON_TRIGGER)
        size = 3 << 20
        most = 0
        for number in range(64):
            for packet in alive.of([made_up(number, key=number % group == 0, size=size)]):
                taken.feed(packet)
            del packet
            clock.advance(SECOND / 10)
            if number % 8 == 7:
                most = max(most, len(alive.left()))
        assert most * size < 140 * (1 << 20)
        taken.trigger()
        run(taken, clock, group * 2, 100)
        taken.close()
        for each in site.sealed():
            assert next(iter(fragments(site.media(each)))).runs[0].keyframe


def test_nothing_is_held_after_the_end() -> None:
    """INV-1: not after a close, nor after a failure."""
    clock = ScriptedClock()
    for end in (Recorder.close, Recorder.abandon):
        alive = Alive()
        with a_site(clock) as site:
            taken = recorder(site, clock, footage(Clip()))
            feed_all = alive.of(made_up(n, key=n % 10 == 0) for n in range(95))
            for packet in feed_all:
                taken.feed(packet)
                clock.advance(SECOND / 10)
            del packet
            assert alive.left()
            end(taken)
            assert alive.left() == []
