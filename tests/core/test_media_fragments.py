"""Fragments are built so that any reader finds each sample, whatever the source's times are."""

from fractions import Fraction

import pytest
from hypothesis import given, settings, strategies as st

from custom_components.camera_steward.core.media.boxes import (
    MediaScan,
    StoredTrack,
    fragments,
    tracks,
)
from custom_components.camera_steward.core.media.fragments import (
    FragmentBuilder,
    Header,
    Samples,
    Track,
)
from custom_components.camera_steward.core.media.units import Framing
from tests.cameras import Clip, unit_digest
from tests.core.capture_site import Footage

HOUR = 3600 * 90_000
CAPTURED_US = 1_790_000_000_000_000

VIDEO = Track(
    index=0, codec="mjpeg", video=True, framing=Framing.WHOLE, time_base=Fraction(1, 90_000)
)
SOUND = Track(
    index=3, codec="pcm_alaw", video=False, framing=Framing.WHOLE, time_base=Fraction(1, 8000)
)


def header(*timescales: int) -> Header:
    return Header(
        data=b"",
        stored=tuple(
            StoredTrack(track=number, handler="vide", entry="jpeg", timescale=timescale)
            for number, timescale in enumerate(timescales, 1)
        ),
    )


times = st.one_of(
    st.none(),
    st.integers(0, 20 * 90_000),
    st.sampled_from([0, HOUR, -HOUR, 2**40, -(2**40)]),
)
picture = st.tuples(
    st.sampled_from(["on time", "on time", "on time", "wrong", "same", "none"]),
    times,
    times,
    st.sampled_from([0, 1, 33_333, 66_667, 66_667, 400_000, 4_900_000]),
)


@given(
    groups=st.lists(st.lists(picture, min_size=1, max_size=12), min_size=1, max_size=8),
    timescale=st.sampled_from([90_000, 1000, 1_200_000]),
    duration=st.sampled_from([0, 1, 6000, HOUR]),
)
@settings(max_examples=150, deadline=None)
def test_samples_keep_their_order_and_last_about_as_long_as_they_took_to_come(
    groups: list[list[tuple[str, int | None, int | None, int]]], timescale: int, duration: int
) -> None:
    """Missing, equal, backwards and leaping times: never off the time of arrival by over 5 s."""
    builder = FragmentBuilder([VIDEO], header(timescale))
    at_us, payload, media = 0, 0, b""
    flat = [each for group in groups for each in group]
    arrivals = [0]
    for *_, wait_us in flat:
        arrivals.append(arrivals[-1] + wait_us)
    dts: list[int | None] = []
    for (kind, wrong, _, _), arrival in zip(flat, arrivals, strict=False):
        last = dts[-1] if dts else 0
        right = arrival * 9 // 100
        dts.append({"wrong": wrong, "same": last, "none": None}.get(kind, right))
    done = 0
    for group in groups:
        mine = Samples(duration=duration)
        for _, _, shown, wait_us in group:
            mine.payloads.append(payload.to_bytes(4))
            mine.dts.append(dts[payload])
            mine.pts.append(shown)
            mine.keys.append(payload == done)
            payload += 1
            at_us += wait_us
        more = payload < len(flat)
        following = {0: dts[payload]} if more else {}
        until_us = arrivals[payload] if more else arrivals[payload - 1]
        media += builder.build(
            {0: mine}, following, CAPTURED_US + arrivals[done], CAPTURED_US + until_us
        )
        done = payload
    runs = [run for each in fragments(media) for run in each.runs]
    assert [len(run.sizes) for run in runs] == [len(group) for group in groups]
    assert b"".join(
        media[each.offset + run.data_at :][: sum(run.sizes)]
        for each in fragments(media)
        for run in each.runs
    ) == b"".join(n.to_bytes(4) for n in range(len(flat)))
    assert all(0 < ticks < 2**32 for run in runs for ticks in run.durations)
    ends = [run.decode_time + sum(run.durations) for run in runs]
    assert [run.decode_time for run in runs] == [0, *ends[:-1]]
    # Each fragment ends about when the next one's first picture came.
    for end, number in zip(ends[:-1], range(len(ends) - 1), strict=True):
        came = arrivals[sum(map(len, groups[: number + 1]))] / 1e6
        assert abs(end / timescale - came) <= 5.001 + len(flat) / timescale
    captured = [each.captured_us - CAPTURED_US for each in fragments(media)]
    starts = [0, *(sum(map(len, groups[:n])) for n in range(1, len(groups)))]
    assert captured == pytest.approx([arrivals[at] for at in starts], abs=1)


def test_small_errors_of_times_do_not_add_up() -> None:
    """A time base that is no multiple of the segment's: an hour of pictures is an hour."""
    builder = FragmentBuilder([VIDEO], header(12_800))
    media = b""
    for second in range(600):
        first = second * 15
        mine = Samples(
            payloads=[b"x"] * 15,
            dts=[(first + n) * 6006 for n in range(15)],
            pts=[None] * 15,
            keys=[True] * 15,
        )
        began = CAPTURED_US + first * 66_733
        media += builder.build({0: mine}, {0: (first + 15) * 6006}, began, began + 15 * 66_733)
    [*_, last] = fragments(media)
    total = last.runs[0].decode_time + sum(last.runs[0].durations)
    assert total / 12_800 == pytest.approx(600 * 15 * 6006 / 90_000, abs=0.05)


def test_sound_that_begins_later_has_its_own_place_in_time() -> None:
    """The other track's clock is another; where a fragment has no sound it has no run of it."""
    builder = FragmentBuilder([VIDEO, SOUND], header(90_000, 8000))
    media = b""
    for second in range(3):
        pictures = Samples(
            payloads=[b"p"] * 10,
            dts=[(second * 10 + n) * 9000 for n in range(10)],
            pts=[(second * 10 + n) * 9000 for n in range(10)],
            keys=[n == 0 for n in range(10)],
        )
        samples = {0: pictures}
        if second:
            samples[3] = Samples(
                payloads=[b"sound"] * 50,
                dts=[77_000 + (second * 50 + n) * 160 for n in range(50)],
                pts=[None] * 50,
                keys=[True] * 50,
                duration=160,
            )
        began = CAPTURED_US + second * 1_000_000
        media += builder.build(samples, {0: (second + 1) * 90_000}, began, began + 1_000_000)
    found = list(fragments(media))
    assert [[run.track for run in each.runs] for each in found] == [[1], [1, 2], [1, 2]]
    assert [run.decode_time for each in found for run in each.runs if run.track == 2] == [
        8000,
        16_000,
    ]


@pytest.mark.parametrize("clip", [Clip(), Clip(video="h265", b_frames=2), Clip(video="mjpeg")])
def test_the_digest_is_that_of_the_units_as_the_camera_sent_them(clip: Clip) -> None:
    """Measured by another's reader, on the file that the camera serves (INV-3)."""
    of = Footage.of(clip)
    [track] = of.tracks
    builder = FragmentBuilder([track], of.header)
    media = of.header.data
    for number, packet in enumerate(of.packets):
        mine = Samples(
            payloads=[packet.payload], dts=[packet.dts], pts=[packet.pts], keys=[packet.keyframe]
        )
        media += builder.build({track.index: mine}, {}, CAPTURED_US + number, CAPTURED_US + number)
    [stored] = tracks(media)
    scan = MediaScan()
    scan.feed(media)
    assert builder.digests() == scan.digests() == {stored.track: unit_digest(clip.units())}


def test_b_frames_are_shown_in_their_order() -> None:
    """The first decode times, which FFmpeg does not know, are found from those that follow."""
    builder = FragmentBuilder([VIDEO], header(90_000))
    mine = Samples(
        payloads=[b"i", b"p", b"b1", b"b2"],
        dts=[None, None, None, 6000],
        pts=[None, 18_000, 6000, 12_000],
        keys=[True] + [False] * 3,
    )
    media = builder.build({0: mine}, {0: 12_000}, CAPTURED_US, CAPTURED_US + 267_000)
    [found] = fragments(media)
    assert found.runs[0].durations == (6000,) * 4
    at = media.index(b"trun") + 4
    rows = [int.from_bytes(media[at + 12 + 4 * n :][:4], signed=True) for n in range(16)]
    shown = [n * 6000 + offset for n, offset in enumerate(rows[3::4])]
    order = [mine.payloads[n] for n in sorted(range(4), key=lambda n: shown[n])]
    assert order == [b"i", b"b1", b"b2", b"p"]
    assert shown[2] + 6000 == shown[3] == shown[1] - 6000
