"""Patch stored bytes for a player's timeline: the same lengths, the same pictures, other times."""

from collections.abc import Iterator
from datetime import timedelta
from struct import pack_into, unpack_from

from ..errors import FootageError
from ..media.boxes import boxes, find, runs_of
from ..media.units import complete
from .screen import Shown, reading

PIECE_HEAD = 40
"""Bytes of a fragment that `head_bytes` asks for: prft, and the length of the moof behind it."""

_PRFT_BYTES = 32
_LARGEST = 2**63 - 1


def for_screen(header: bytes, shown: Shown) -> bytes:
    """Return header boxes of the same length that every player of `shown.codecs` takes.

    Tracks that are not shown are hidden: their boxes are renamed to `free`, their bytes stay where
    they are. H.265 is declared as hvc1, as Apple's players ask, where the header is enough to
    decode it. Raise `FootageError` when it is no header of ours.
    """
    patched = bytearray(header)
    with reading():
        for body, end in find(header, (b"moov", b"trak"), 0, len(header)):
            for at, _ in find(header, (b"tkhd",), body, end):
                if (
                    unpack_from(">I", header, at + (20 if header[at] == 1 else 12))[0]
                    in shown.hidden
                ):
                    _hide(patched, body)
            if shown.codec == "hevc" and complete(shown.description):
                for at, _ in find(header, (b"mdia", b"minf", b"stbl", b"stsd"), body, end):
                    if header[at + 12 : at + 16] == b"hev1":
                        patched[at + 12 : at + 16] = b"hvc1"
        for body, _ in find(header, (b"moov", b"mvex", b"trex"), 0, len(header)):
            if unpack_from(">I", header, body + 4)[0] in shown.hidden:
                _hide(patched, body)
    return bytes(patched)


def shift(fragments: bytes, shown: Shown, by: timedelta) -> bytes:
    """Return whole fragments, one behind the other, moved in time; their lengths stay.

    `shown` is of their segment's header; what `for_screen` hid is hidden here too.
    Raise `FootageError` when these are no whole fragments, or would begin before 0.
    """
    patched = bytearray(fragments)
    ticks = {
        track: (by // timedelta(microseconds=1) * scale + 500_000) // 1_000_000
        for track, scale in shown.timescales.items()
    }
    with reading():
        for prft, moof, end in _whole(fragments):
            (track,) = unpack_from(">I", fragments, prft + 4)
            if track in shown.hidden:
                _hide(patched, prft)
            else:
                _move(patched, prft + 16, ticks[track])
            for body, stop in find(fragments, (b"traf",), moof, end):
                [(tfhd, _)] = find(fragments, (b"tfhd",), body, stop)
                [(tfdt, _)] = find(fragments, (b"tfdt",), body, stop)
                (track,) = unpack_from(">I", fragments, tfhd + 4)
                if track in shown.hidden:
                    _hide(patched, body)
                else:
                    _move(patched, tfdt + 4, ticks[track])
    return bytes(patched)


def head_bytes(start: bytes) -> int:
    """Return how many bytes of a fragment `span` needs, from its first `PIECE_HEAD` bytes.

    Raise `FootageError` when no fragment begins here.
    """
    if len(start) < PIECE_HEAD or start[4:8] != b"prft" or start[36:40] != b"moof":
        raise FootageError("no fragment begins here")
    return _PRFT_BYTES + int.from_bytes(start[_PRFT_BYTES : _PRFT_BYTES + 4])


def span(fragments: bytes, shown: Shown) -> tuple[timedelta, timedelta] | None:
    """Return when the pictures of fragments begin and end, in decode time of their segment.

    None when they hold only sound. Of the last fragment, `head_bytes` of it are enough. Raise
    `FootageError` when there is no fragment.
    """
    with reading():
        moofs = [each for each in boxes(fragments, 0, len(fragments)) if each[0] == b"moof"]
        if not moofs:
            raise FootageError("no fragment begins here")
        runs = [
            run
            for _, body, end in moofs
            for run in runs_of(fragments, body, end, 0)
            if run.track == shown.video
        ]
        if not runs:
            return None
        end_at = runs[-1].decode_time + sum(runs[-1].durations)
        return shown.time(runs[0].decode_time), shown.time(end_at)


def _whole(fragments: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield where each fragment's prft begins (body) and its moof (body, end)."""
    found = list(boxes(fragments, 0, len(fragments)))
    kinds = [kind for kind, _, _ in found]
    whole = found and found[-1][2] == len(fragments)
    if not whole or kinds != [b"prft", b"moof", b"mdat"] * (len(found) // 3):
        raise FootageError("these are no whole fragments")
    for (_, prft, _), (_, moof, end) in zip(found[::3], found[1::3], strict=True):
        yield prft, moof, end


def _hide(patched: bytearray, body: int) -> None:
    patched[body - 4 : body] = b"free"


def _move(patched: bytearray, at: int, ticks: int) -> None:
    (time,) = unpack_from(">Q", patched, at)
    if not 0 <= time + ticks <= _LARGEST:
        raise FootageError("a time is out of range")
    pack_into(">Q", patched, at, time + ticks)
