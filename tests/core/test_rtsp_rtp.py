"""RTP payloads become the units that were sent, whatever the camera's manners and the losses."""

from collections.abc import Callable
from itertools import pairwise
from typing import Literal

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from custom_components.camera_steward.core.capture.rtsp.rtp import (
    Depacketizer,
    depacketizer_for,
)
from custom_components.camera_steward.core.capture.rtsp.sdp import Media
from custom_components.camera_steward.core.capture.rtsp.stream import _payload
from tests.cameras.yardstick import split_prefixed
from tests.core.rtp_sender import (
    CODECS,
    H264,
    TICKS,
    WRAP,
    Codec,
    Manners,
    Picture,
    Rtp,
    Unit,
    escaped,
    fragmented,
    key,
    manners,
    next_picture,
    packed,
    pictures,
    received,
    sei,
    sent,
    units_of,
)

codecs = pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS)
examples = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
MARKERS: st.SearchStrategy[Literal["right", "none"]] = st.sampled_from(["right", "none"])
stamps = st.sampled_from([0, 1, TICKS, WRAP // 2 - TICKS, WRAP - 2 * TICKS, WRAP - 1])


# ---------------------------------------------------------------------- pictures


@codecs
@examples
@given(data=st.data())
def test_pictures_come_out_as_they_were_sent(codec: Codec, data: st.DataObject) -> None:
    """Every unit in its order and its picture, though markers lack, times stand or sets lie apart."""
    shown = data.draw(pictures(codec))
    how = data.draw(manners())
    begin = data.draw(stamps)
    packets = data.draw(packed(codec, shown, how, begin))
    last = next_picture(codec, begin if how.frozen else (begin + len(shown) * TICKS) % WRAP)

    found = received(codec.depacketizer(), [*packets, last])

    assert units_of(found) == sent(shown)
    assert [each.keyframe for each in found] == [key(picture) for picture in shown]
    times = [each.pts for each in found if each.pts is not None]
    assert len(times) == len(found)
    steps = [after - before for before, after in pairwise(times)]
    assert steps == [0 if how.frozen else TICKS] * (len(shown) - 1)


@codecs
@examples
@given(data=st.data())
def test_right_markers_end_pictures_at_once(codec: Codec, data: st.DataObject) -> None:
    """A picture does not wait for the next one's beginning, as its time is that of its arrival."""
    depacketizer = codec.depacketizer()
    for number, picture in enumerate(data.draw(pictures(codec))):
        how = Manners(sets_apart=True)
        packets = data.draw(packed(codec, [picture], how, (number + 1) * TICKS))
        assert units_of(received(depacketizer, packets)) == sent([picture])


@codecs
@examples
@given(data=st.data())
def test_markers_at_each_slice_are_found_out(codec: Codec, data: st.DataObject) -> None:
    """Only the first picture of several slices, by which they are found out, is split."""
    shown = data.draw(pictures(codec, suffixes=False))
    how = Manners(markers="slices", frozen=data.draw(st.booleans()), ends=data.draw(st.booleans()))
    packets = data.draw(packed(codec, shown, how))
    last = next_picture(codec, 0 if how.frozen else len(shown) * TICKS)

    found = units_of(received(codec.depacketizer(), [*packets, last]))

    assert flat(found) == flat(sent(shown))
    lies = [lying(picture, packets) for picture in shown]
    right = sent(shown)[lies.index(True) + 1 :] if True in lies else sent(shown)
    assert found[len(found) - len(right) :] == right


def lying(picture: Picture, packets: list[Rtp]) -> bool:
    """Return whether a picture was sent with several markers."""
    own = {unit.data for unit in picture}
    return sum(packet.marker and packet.units[0] in own for packet in packets) > 1


def flat(shown: list[list[bytes]]) -> list[bytes]:
    return [unit for units in shown for unit in units]


@codecs
@examples
@given(data=st.data())
def test_what_was_lost_in_part_is_left_out_and_nothing_else(
    codec: Codec, data: st.DataObject
) -> None:
    """What comes out are the units that came whole, in order, none made up, each in its picture."""
    shown = data.draw(pictures(codec))
    packets = data.draw(packed(codec, shown, Manners(markers=data.draw(MARKERS))))
    gone = data.draw(st.sets(st.integers(0, len(packets) - 1)))
    # Of a picture without slices the rest belongs to the next one, which this one is.
    last = Unit(data=codec.head(codec.slices[0]) + b"\xc0last", is_slice=True)
    end = Rtp(payload=last.data, timestamp=len(shown) * TICKS, marker=True)

    found = received(codec.depacketizer(), [*packets, end], gone)

    shown.append((last,))
    broken = {unit for number in gone for unit in packets[number].units}
    whole = [unit.data for picture in shown for unit in picture if unit.data not in broken]
    assert flat(units_of(found)) == whole
    by_data = {unit.data: unit for picture in shown for unit in picture}
    for each in found:
        units = [by_data[unit] for unit in split_prefixed(each.payload)]
        slices = {unit.data for unit in units if unit.is_slice}
        assert any(slices <= {unit.data for unit in picture} for picture in shown)
        assert each.keyframe == (key(units) and bool(slices))


@codecs
@examples
@given(data=st.data())
def test_losses_of_a_camera_that_ends_no_fragments_make_nothing_up(
    codec: Codec, data: st.DataObject
) -> None:
    """Which fragment was the last is not known there, so a whole unit before a loss may go too."""
    shown = data.draw(pictures(codec))
    how = data.draw(manners())
    packets = data.draw(packed(codec, shown, how))
    gone = data.draw(st.sets(st.integers(0, len(packets) - 1)))

    found = flat(units_of(received(codec.depacketizer(), packets, gone)))

    broken = {unit for number in gone for unit in packets[number].units}
    order = [unit.data for picture in shown for unit in picture if unit.data not in broken]
    places = [order.index(unit) for unit in found]
    assert places == sorted(set(places))


@codecs
@examples
@given(data=st.data())
def test_units_with_start_codes_inside_are_taken_apart(codec: Codec, data: st.DataObject) -> None:
    """Some cameras send a picture with its parameter sets as if it were one unit."""
    shown = data.draw(pictures(codec))
    first = tuple(Unit(data=codec.head(kind) + b"\x40\x80") for kind in codec.sets)
    shown[0] = (*first, *shown[0])
    starts = st.sampled_from([b"\0\0\1", b"\0\0\0\1"])
    packets: list[Rtp] = []
    for number, picture in enumerate(shown):
        whole = data.draw(starts).join(unit.data for unit in picture)
        cuts = data.draw(st.sets(st.integers(codec.header_bytes + 1, len(whole) - 1), max_size=4))
        parts = (
            fragmented(codec, whole, sorted(cuts)) if cuts else [Rtp(payload=whole, timestamp=0)]
        )
        packets += [
            Rtp(payload=part.payload, timestamp=number * TICKS, marker=part is parts[-1])
            for part in parts
        ]

    found = received(codec.depacketizer(), packets)

    assert units_of(found) == sent(shown)
    assert [each.keyframe for each in found] == [key(picture) for picture in shown]


@codecs
def test_a_picture_sent_as_one_unit_joins_what_came_before_it(codec: Codec) -> None:
    """Sets by themselves, then all slices as one fragmented unit: one picture, one keyframe."""
    sets = [codec.head(kind) + b"\x40\x80" for kind in codec.sets]
    slices = [codec.head(codec.keys[0]) + first + b"\x55slice\x80" for first in (b"\xc0", b"\x40")]
    joined = b"\0\0\1".join(sets)
    parts = fragmented(codec, b"\0\0\1".join(slices), [codec.header_bytes + 3])
    packets = [
        Rtp(payload=joined, timestamp=0),
        *(Rtp(payload=part.payload, timestamp=0, marker=part is parts[-1]) for part in parts),
    ]

    found = received(codec.depacketizer(), packets)

    assert units_of(found) == [[*sets, *slices]]
    assert [each.keyframe for each in found] == [True]


@codecs
def test_a_keyframe_whose_slices_were_lost_is_none(codec: Codec) -> None:
    """Parameter sets alone show nothing: no segment may begin with them."""
    sets = [codec.head(kind) + b"\x40\x80" for kind in codec.sets]
    parts = fragmented(codec, codec.head(codec.keys[0]) + b"\xc0" + bytes(range(1, 90)), [30, 60])
    shown = codec.head(codec.slices[0]) + b"\xc0\x55\x80"
    packets = [
        *(Rtp(payload=unit, timestamp=0) for unit in sets),
        *(Rtp(payload=part.payload, timestamp=0, marker=part is parts[-1]) for part in parts),
        Rtp(payload=shown, timestamp=TICKS, marker=True),
    ]

    found = received(codec.depacketizer(), packets, gone=[len(sets) + 1])

    assert [each.keyframe for each in found] == [False]
    assert units_of(found) == [[*sets, shown]]


def test_units_of_a_header_alone_are_kept() -> None:
    """The end of a sequence (H.264 7.3.2.5) has no body."""
    units = [b"\x65\xc0\x55\x80", b"\x0a"]
    packets = [Rtp(payload=units[0], timestamp=0), Rtp(payload=units[1], timestamp=0, marker=True)]
    assert units_of(received(H264.depacketizer(), packets)) == [units]


def test_a_recovery_point_behind_escaped_bytes_is_found() -> None:
    """Sizes in an SEI unit do not count the bytes that keep start codes out (H.264 7.4.1)."""
    timing = b"\0\0\1\0\0\1"
    body = sei((1, timing), (6, b"\x80")).replace(timing, b"\0\0\3\1\0\0\3\1")
    packets = [
        Rtp(payload=b"\x06" + body, timestamp=0),
        Rtp(payload=b"\x41\xc0\x55\x80", timestamp=0, marker=True),
    ]
    assert [each.keyframe for each in received(H264.depacketizer(), packets)] == [True]


def test_prefixes_of_slices_do_not_split_pictures() -> None:
    """A prefix (H.264 G.7.3.2.12) stands before each slice of a picture, not only its first."""
    units = [
        b"\x6e\x40\x80",
        b"\x65\xc0\x55\x80",
        b"\x6e\x40\x81",
        b"\x65\x40\x55\x81",
    ]
    packets = [Rtp(payload=unit, timestamp=0, marker=unit is units[-1]) for unit in units]
    assert units_of(received(H264.depacketizer(), packets)) == [units]


@codecs
def test_times_are_left_out_where_they_are_not_believed(codec: Codec) -> None:
    packet = Rtp(payload=codec.head(codec.keys[0]) + b"\xc0\x80", timestamp=5, marker=True)
    [found] = received(codec.depacketizer(timed=False), [packet])
    assert (found.pts, found.dts) == (None, None)


# ---------------------------------------------------------------------- sound


def sound(encoding: str, clock: int, **parameters: str) -> Depacketizer:
    found = depacketizer_for(
        Media(
            kind="audio",
            protocol="RTP/AVP",
            payload_type=97,
            encoding=encoding,
            clock=clock,
            parameters=parameters,
        ),
        1,
        timed=True,
    )
    assert found is not None
    return found


def aac() -> Depacketizer:
    return sound("mpeg4-generic", 16000, sizelength="13", indexlength="3", indexdeltalength="3")


def access_units(units: list[bytes], timestamp: int) -> Rtp:
    """Return several in one packet (RFC 3640 3.2)."""
    heads = b"".join((len(unit) << 3).to_bytes(2) for unit in units)
    payload = (16 * len(units)).to_bytes(2) + heads + b"".join(units)
    return Rtp(payload=payload, timestamp=timestamp, marker=True, units=tuple(units))


def access_unit_parts(unit: bytes, cuts: list[int], timestamp: int) -> list[Rtp]:
    """Return one over several packets, each of which tells the size of the whole (3.2.3)."""
    head = b"\x00\x10" + (len(unit) << 3).to_bytes(2)
    pieces = [unit[a:b] for a, b in pairwise([0, *cuts, len(unit)])]
    return [
        Rtp(
            payload=head + piece,
            timestamp=timestamp,
            marker=number == len(pieces) - 1,
            units=(unit,),
        )
        for number, piece in enumerate(pieces)
    ]


@st.composite
def aac_packets(draw: st.DrawFn) -> list[Rtp]:
    """Draw access units, no two alike, several in a packet or each over several packets."""
    found: list[Rtp] = []
    number = draw(st.sampled_from([0, 1000, WRAP // 1024 - 3]))
    for _ in range(draw(st.integers(1, 8))):
        timestamp = number * 1024 % WRAP
        count = draw(st.integers(1, 4))
        units = [
            (number + each).to_bytes(4) + draw(st.binary(max_size=30)) for each in range(count)
        ]
        cuts = draw(st.sets(st.integers(1, len(units[0]) - 1), max_size=3))
        if cuts:
            found += access_unit_parts(units[0], sorted(cuts), timestamp)
            number += 1
        else:
            found.append(access_units(units, timestamp))
            number += count
    return found


@examples
@given(packets=aac_packets())
def test_access_units_of_aac_come_out_as_they_were_sent(packets: list[Rtp]) -> None:
    found = received(aac(), packets)
    assert [each.payload for each in found] == list(
        dict.fromkeys(unit for packet in packets for unit in packet.units)
    )
    assert all(each.keyframe and each.duration == 1024 and each.track == 1 for each in found)
    times = [each.pts for each in found if each.pts is not None]
    assert [after - before for before, after in pairwise(times)] == [1024] * (len(found) - 1)


@examples
@given(packets=aac_packets(), data=st.data())
def test_lost_packets_of_aac_make_nothing_up(packets: list[Rtp], data: st.DataObject) -> None:
    gone = data.draw(st.sets(st.integers(0, len(packets) - 1)))
    broken = {unit for number in gone for unit in packets[number].units}

    found = [each.payload for each in received(aac(), packets, gone)]

    sent_units = dict.fromkeys(unit for packet in packets for unit in packet.units)
    assert found == [unit for unit in sent_units if unit not in broken]


@pytest.mark.parametrize(("encoding", "clock"), [("pcmu", 8000), ("pcma", 8000), ("opus", 48000)])
@examples
@given(payloads=st.lists(st.binary(min_size=1, max_size=200), min_size=1), begin=stamps)
def test_other_sound_comes_out_a_payload_a_packet(
    encoding: str, clock: int, payloads: list[bytes], begin: int
) -> None:
    packets = [
        Rtp(payload=payload, timestamp=(begin + 960 * number) % WRAP)
        for number, payload in enumerate(payloads)
    ]
    found = received(sound(encoding, clock), packets, gone=range(2, len(packets), 3))
    kept = [number for number in range(len(payloads)) if number % 3 != 2]
    assert [each.payload for each in found] == [payloads[number] for number in kept]
    times = [each.pts for each in found if each.pts is not None]
    assert [time - times[0] for time in times] == [960 * number for number in kept]
    if encoding != "opus":
        assert [each.duration for each in found] == [len(payloads[number]) for number in kept]


# ---------------------------------------------------------------------- any bytes at all


ALL: dict[str, Callable[[], Depacketizer]] = {
    "h264": H264.depacketizer,
    "h265": CODECS["h265"].depacketizer,
    "aac": aac,
    "opus": lambda: sound("opus", 48000),
}


@pytest.mark.parametrize("name", ALL)
@settings(max_examples=400, deadline=None)
@given(
    packets=st.lists(
        st.tuples(
            st.one_of(
                st.binary(max_size=40),
                st.builds(
                    lambda head, rest: head + rest,
                    st.sampled_from(
                        [b"\x7c\x85", b"\x7c\x05", b"\x18", b"\x62\x01\x93", b"\x62\x01\x13"]
                    ),
                    st.binary(max_size=8),
                ),
                st.sampled_from([b"\x7c", b"\x62", b"\x62\x01", b"\x18\x00", b"\x60\x01\x00"]),
            ),
            st.integers(0, 2),
            st.booleans(),
            st.booleans(),
        ),
        max_size=12,
    )
)
def test_no_payload_raises(name: str, packets: list[tuple[bytes, int, bool, bool]]) -> None:
    depacketizer = ALL[name]()
    for payload, timestamp, marker, lost in packets:
        found = depacketizer.take(memoryview(payload), timestamp, marker, lost) or []
        assert all(each.payload for each in found)


def rtp(payload: bytes, sources: int, extension: int | None, padding: int) -> bytes:
    """Return an RTP packet (RFC 3550 5.1); an extension of so many words."""
    first = 0x80 | (padding > 0) << 5 | (extension is not None) << 4 | sources
    packet = bytes([first, 0x60]) + bytes(range(10)) + b"\xcc" * 4 * sources
    if extension is not None:
        packet += b"\xbe\xde" + extension.to_bytes(2) + b"\xee" * 4 * extension
    return packet + payload + (b"\0" * (padding - 1) + bytes([padding]) if padding else b"")


@examples
@given(
    payload=st.binary(max_size=50),
    sources=st.integers(0, 15),
    extension=st.none() | st.integers(0, 20),
    padding=st.integers(0, 255),
    before=st.binary(max_size=8),
    after=st.binary(max_size=8),
)
def test_payloads_lie_behind_sources_and_extension_and_before_padding(
    payload: bytes, sources: int, extension: int | None, padding: int, before: bytes, after: bytes
) -> None:
    packet = rtp(payload, sources, extension, padding)
    view = memoryview(before + packet + after)
    begin, stop = _payload(view, len(before), len(before) + len(packet))
    assert view[begin:stop] == payload


@examples
@given(packet=st.binary(min_size=13, max_size=80), after=st.binary(max_size=80))
def test_what_is_no_payload_is_not_taken_for_one(packet: bytes, after: bytes) -> None:
    """Sources, extension and padding that would not fit leave nothing, and nothing is read behind."""
    view = memoryview(packet + after)
    first = packet[0]
    begin, stop = _payload(view, 0, len(packet))
    taken = view[begin:stop]
    head = 12 + 4 * (first & 15) + 4 * (first >> 4 & 1)
    padding = packet[-1] if first & 0x20 else 0
    assert len(taken) <= max(0, len(packet) - head - padding)


def test_bodies_of_units_hold_no_start_codes() -> None:
    """Checks the tests' own maker of units."""
    assert escaped(b"\0\0\0\0\0\1") == b"\0\x07\0\x07\0\1"
