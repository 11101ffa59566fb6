"""Units are what the camera encoded, whatever carries them."""

from hypothesis import given, strategies as st

from custom_components.camera_steward.core.media.units import (
    Framing,
    ParameterSets,
    framing_of,
    split_annex_b,
    split_stored,
    to_annex_b,
    to_stored,
)
from tests.cameras.yardstick import split_annexb, split_prefixed

# As an encoder makes them: no start code inside, no zero byte at the end.
unit = (
    st.binary(min_size=1, max_size=40)
    .map(lambda data: data.replace(b"\0\0", b"\0\3"))
    .filter(lambda data: data[-1] != 0 and b"\0\0\1" not in data)
)
start = st.sampled_from([b"\0\0\1", b"\0\0\0\1", b"\0\0\0\0\0\1"])
access_unit = st.lists(st.tuples(start, unit), min_size=1, max_size=6)


@given(access_unit)
def test_start_codes_of_any_length_are_replaced_and_nothing_else(
    parts: list[tuple[bytes, bytes]],
) -> None:
    units = [unit for _, unit in parts]
    stream = b"".join(code + unit for code, unit in parts)
    stored = to_stored(stream, Framing.ANNEX_B)
    assert split_stored(stored) == split_prefixed(stored) == units
    assert split_annex_b(stream) == split_annexb(stream) == units
    assert to_stored(to_annex_b(stored), Framing.ANNEX_B) == stored
    assert to_stored(stream + b"\0\0", Framing.ANNEX_B) == stored


@given(st.lists(unit, min_size=1, max_size=6), st.sampled_from([1, 2, 4]))
def test_lengths_of_any_size_become_four_bytes(units: list[bytes], size: int) -> None:
    framing = {1: Framing.LENGTH_1, 2: Framing.LENGTH_2, 4: Framing.LENGTH_4}[size]
    carried = b"".join(len(each).to_bytes(size) + each for each in units)
    assert split_stored(to_stored(carried, framing)) == units


@given(st.binary())
def test_what_has_no_units_is_untouched(payload: bytes) -> None:
    assert to_stored(payload, Framing.WHOLE) == payload


@given(st.binary(max_size=60), st.sampled_from([Framing.LENGTH_1, Framing.LENGTH_2]))
def test_broken_lengths_do_not_loop_or_raise(payload: bytes, framing: Framing) -> None:
    assert len(to_stored(payload, framing)) <= 5 * len(payload) + 4
    split_stored(payload)


def test_the_framing_is_told_by_the_description() -> None:
    avcc = b"\x01\x42\x00\x1e"
    assert framing_of("h264", avcc + b"\xff") is Framing.LENGTH_4
    assert framing_of("h264", avcc + b"\xfd") is Framing.LENGTH_2
    assert framing_of("h264", avcc + b"\xfc") is Framing.LENGTH_1
    assert framing_of("h264", b"\0\0\0\1\x67") is Framing.ANNEX_B
    assert framing_of("h264", b"") is Framing.ANNEX_B
    assert framing_of("hevc", b"\x01" + bytes(20) + b"\xff") is Framing.LENGTH_4
    assert framing_of("mjpeg", b"\x01" * 30) is Framing.WHOLE


def test_parameter_sets_are_found_once_each_and_in_order() -> None:
    def stored(*units: bytes) -> bytes:
        return b"".join(len(each).to_bytes(4) + each for each in units)

    avc = stored(b"\x09\xf0", b"\x67sps", b"\x68pps", b"\x68pps", b"\x06sei", b"\x65idr")
    assert ParameterSets.of("h264", avc).units == (b"\x67sps", b"\x68pps")
    hevc = stored(b"\x40\x01vps", b"\x42\x01sps", b"\x44\x01pps", b"\x26\x01idr")
    assert ParameterSets.of("hevc", hevc).units == (b"\x40\x01vps", b"\x42\x01sps", b"\x44\x01pps")
    assert ParameterSets.of("mjpeg", b"\xff\xd8").units == ()
