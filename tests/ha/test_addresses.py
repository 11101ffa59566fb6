"""An address is read as a person gives it, and shown without what is secret."""

import pytest

from custom_components.camera_steward.addresses import (
    AddressError,
    place_of,
    read_address,
    same_stream,
)


@pytest.mark.parametrize(
    ("text", "user", "password", "expected"),
    [
        ("rtsp://10.0.0.9/s1", "", "", "rtsp://10.0.0.9/s1"),
        (" rtsp://10.0.0.9:8554/s1?a=b#x ", "", "", "rtsp://10.0.0.9:8554/s1?a=b"),
        ("rtsp://u:p@10.0.0.9/s1", "", "", "rtsp://u:p@10.0.0.9/s1"),
        ("rtsp://10.0.0.9/s1", "u", "p@/:ß", "rtsp://u:p%40%2F%3A%C3%9F@10.0.0.9/s1"),
        ("rtsp://old:one@10.0.0.9/s1", "new", "two", "rtsp://new:two@10.0.0.9/s1"),
        ("rtsp://u:old@10.0.0.9/s1", "", "new", "rtsp://u:new@10.0.0.9/s1"),
        ("rtsp://u:old@10.0.0.9/s1", "u2", "", "rtsp://u2:@10.0.0.9/s1"),
        ("https://[fe80::1]:443/v", "u", "p", "https://u:p@[fe80::1]:443/v"),
    ],
)
def test_what_is_given_apart_goes_before_what_is_in_the_text(
    text: str, user: str, password: str, expected: str
) -> None:
    assert read_address(text, user, password) == expected


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("", "address_unreadable"),
        ("10.0.0.9", "address_scheme"),
        ("file:///etc/passwd", "address_scheme"),
        ("concat:/etc/passwd", "address_scheme"),
        ("/dev/video0", "address_scheme"),
        ("rtsp://", "address_unreadable"),
        ("rtsp:///s1", "address_unreadable"),
        ("rtsp://10.0.0.9:99999/s1", "address_unreadable"),
        ("rtsp://[fe80::1/s1", "address_unreadable"),
        ("rtsp://10.0.0.9/s1 -i file:/etc/passwd", "address_unreadable"),
        ("rtsp://10.0.0.9/s1\nfile:/etc/passwd", "address_unreadable"),
        ("rtsp://10.0.0.9/" + "x" * 2000, "address_unreadable"),
    ],
)
def test_what_is_no_address_is_refused_without_being_repeated(text: str, key: str) -> None:
    with pytest.raises(AddressError) as caught:
        read_address(text, "viewer", "hunter2")
    assert caught.value.key == key
    assert str(caught.value) == ""
    assert caught.value.__cause__ is None


def test_only_machine_and_port_are_shown() -> None:
    assert place_of("rtsp://viewer:p%40ss@cam.lan:8554/s1?token=abc") == "cam.lan:8554"


def test_a_stream_is_the_same_whoever_logs_in() -> None:
    url = "rtsp://a:b@Cam.lan:8554/s1?x=1"
    assert same_stream(url, "rtsp://cam.lan:8554/s1?x=1")
    assert not same_stream(url, "rtsp://cam.lan:8554/s2?x=1")
    assert not same_stream(url, "rtsp://cam.lan:554/s1?x=1")
