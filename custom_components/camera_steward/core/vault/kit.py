"""The recovery kit's code: a site key as people read, type and mistype it; and whose vault it opens.

Four lines of three groups of five, in Crockford's base 32 (no I, L, O, U). A line is 8 bytes of the
key in 13 symbols and 2 that check them: the number modulo 1021, a prime above 32 × 31, so that each
wrong symbol and each two that were swapped are found, and in which line.
"""

import re
import unicodedata
from itertools import islice
from pathlib import Path
from uuid import UUID

from ..errors import (
    DescriptionError,
    KeyMissingError,
    KitMistypedError,
    KitWrongError,
    SegmentMissingError,
    VaultMissingError,
)
from ..files import Files
from .description import SiteDescription, read_description
from .holds import hold_keys
from .keys import HourKeys
from .vault import hour_folders, read_identity

_SYMBOLS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_READ_AS = str.maketrans("OIL", "011")
_LINES = 4
_LINE_BYTES = 8
_DATA = 13
_LINE = _DATA + 2
_GROUP = 5
_PRIME = 1021
_HOURS_TRIED = 200
# Also what a Japanese keyboard gives for a hyphen.
_BETWEEN = re.compile(r"[\s\-‐-―−ー]+")


def kit_code(site_key: bytes) -> tuple[str, ...]:
    """Return the lines of the code of a site key of 32 bytes."""
    lines = []
    for number in range(_LINES):
        value = int.from_bytes(site_key[number * _LINE_BYTES : (number + 1) * _LINE_BYTES])
        symbols = _base32(value, _DATA) + _base32(_check(number, value), _LINE - _DATA)
        lines.append("-".join(symbols[at : at + _GROUP] for at in range(0, len(symbols), _GROUP)))
    return tuple(lines)


def key_from(text: str) -> bytes:
    """Return the site key of a code, whatever its case, spaces, hyphens and width.

    O reads as 0, I and L as 1. `KitMistypedError` names the line that is wrong, as far as that can
    be told.
    """
    plain = unicodedata.normalize("NFKC", text).upper().translate(_READ_AS)
    typed = [line for each in plain.splitlines() if (line := _BETWEEN.sub("", each))]
    symbols = "".join(typed)
    if len(symbols) != _LINES * _LINE:
        wrong = [number for number, each in enumerate(typed, 1) if len(each) != _LINE]
        raise KitMistypedError(str(wrong[0]) if len(typed) == _LINES and wrong else "")
    key = b""
    for number in range(_LINES):
        line = symbols[number * _LINE : (number + 1) * _LINE]
        try:
            value, check = _number(line[:_DATA]), _number(line[_DATA:])
            if check != _check(number, value):
                raise ValueError
            key += value.to_bytes(_LINE_BYTES)
        except (ValueError, OverflowError) as err:
            raise KitMistypedError(str(number + 1)) from err
    return key


def check_kit(root: Path, files: Files, site_key: bytes) -> tuple[UUID, SiteDescription | None]:
    """Return the id of the vault at `root` and what it says, None where that cannot be read.

    `VaultMissingError` or `VaultForeignError` when there is no vault that can be read, and
    `KitWrongError` when nothing in it opens with this key. Nothing is written.
    """
    vault = read_identity(root, files)
    if vault is None:
        raise VaultMissingError
    try:
        if (found := read_description(root, files, site_key, vault)) is not None:
            return vault, found
    except DescriptionError:
        pass  # damaged, or the wrong key: the keys of hours and holds tell which
    keys = HourKeys(root, files, vault, site_key)
    for camera, hour in islice(hour_folders(root, files), _HOURS_TRIED):
        try:
            keys.get(camera, hour)
        except KeyMissingError, SegmentMissingError:
            continue
        return vault, None
    if any(True for _ in hold_keys(root, files, vault, site_key)):
        return vault, None
    raise KitWrongError


def _check(number: int, value: int) -> int:
    """Return what checks a line; its number is in it, so that no line passes for another."""
    return (value + (number + 1 << 5 * _DATA)) % _PRIME


def _base32(value: int, length: int) -> str:
    return "".join(_SYMBOLS[value >> 5 * place & 31] for place in reversed(range(length)))


def _number(symbols: str) -> int:
    value = 0
    for each in symbols:
        value = value << 5 | _SYMBOLS.index(each)
    return value
