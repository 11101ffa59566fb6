"""A stream's address as a person gives it: read, checked, and named without what is secret."""

from typing import Final
from urllib.parse import quote, urlsplit, urlunsplit

SCHEMES: Final = ("rtsp", "rtsps", "http", "https")
"""No other: FFmpeg would open files of this machine as readily."""
_LONGEST: Final = 2000


class AddressError(ValueError):
    """What was given is no address of a stream; `key` says why, the text nothing."""

    def __init__(self, key: str) -> None:
        """Keep the key of the form's error."""
        super().__init__()
        self.key = key


def read_address(text: str, user: str = "", password: str = "") -> str:
    """Return the address with its login in it; what is given apart goes before what is in the text.

    Raises `AddressError`, without the address.
    """
    text = text.strip()
    if not text or len(text) > _LONGEST or not text.isprintable() or " " in text:
        raise AddressError("address_unreadable")
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise AddressError("address_unreadable") from None
    if parts.scheme not in SCHEMES:
        raise AddressError("address_scheme")
    if not host:
        raise AddressError("address_unreadable")
    login, _, place = parts.netloc.rpartition("@")
    if user or password:
        before, _, secret = login.partition(":")
        name = quote(user, safe="") or before
        login = f"{name}:{quote(password, safe='') or ('' if user else secret)}"
    netloc = f"{login}@{place}" if login else place
    return urlunsplit(parts._replace(netloc=netloc, fragment=""))


def place_of(url: str) -> str:
    """Return the machine and port of an address: all of it that may be shown."""
    return urlsplit(url).netloc.rpartition("@")[2]


def same_stream(one: str, other: str) -> bool:
    """Return whether two addresses lead to one stream, whoever logs in."""
    a, b = urlsplit(one), urlsplit(other)
    return (place_of(one).lower(), a.path, a.query) == (place_of(other).lower(), b.path, b.query)
