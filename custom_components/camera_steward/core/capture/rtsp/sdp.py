"""Read the session description of an RTSP camera (RFC 8866): what it sends and how to ask for it."""

from collections.abc import Iterable
from dataclasses import dataclass, field

_STATIC = {0: ("pcmu", 8000), 8: ("pcma", 8000)}
"""Payload types that need no `rtpmap` (RFC 3551), of those that are received here."""


@dataclass(slots=True, kw_only=True)
class Media:
    """One stream that is offered: `clock` in ticks a second, `parameters` of its format."""

    kind: str
    protocol: str
    payload_type: int
    encoding: str = ""
    clock: int = 0
    control: str = ""
    parameters: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """All streams in the order in which they are offered."""

    control: str
    media: tuple[Media, ...]

    def first(self, kind: str) -> Media | None:
        """Return the first stream of a kind, the one that is recorded."""
        return next((each for each in self.media if each.kind == kind), None)


def parse(text: str) -> Session:
    """Return what a description offers; `ValueError` when it is none."""
    lines = [line.strip() for line in text.splitlines()]
    if not lines or not lines[0].startswith("v="):
        raise ValueError("no session description")
    control, media = "", []
    for line in lines:
        kind, _, value = line.partition("=")
        if kind == "m":
            media.append(_media(value.split()))
        elif kind == "a":
            name, _, value = value.partition(":")
            if media:
                _attribute(media[-1], name, value.strip())
            elif name == "control":
                control = value.strip()
    return Session(control=control, media=tuple(media))


def _media(words: list[str]) -> Media:
    kind, _, protocol, first, *_ = words
    number = int(first) if first.isdigit() else -1
    encoding, clock = _STATIC.get(number, ("", 0))
    return Media(kind=kind, protocol=protocol, payload_type=number, encoding=encoding, clock=clock)


def _attribute(media: Media, name: str, value: str) -> None:
    if name == "control":
        media.control = value
        return
    number, _, rest = value.partition(" ")
    if number != str(media.payload_type):
        return
    if name == "rtpmap":
        encoding, _, clock = rest.partition("/")
        media.encoding, media.clock = encoding.strip().lower(), int(clock.partition("/")[0])
    elif name == "fmtp":
        media.parameters = _parameters(rest.split(";"))


def _parameters(pairs: Iterable[str]) -> dict[str, str]:
    split = (pair.partition("=") for pair in pairs)
    return {name.strip().lower(): value.strip() for name, _, value in split}
