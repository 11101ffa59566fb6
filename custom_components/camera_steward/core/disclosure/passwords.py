"""Passwords of packages: long enough for an archive that may be copied, and fit to be read aloud."""

import secrets
from typing import Final

ALPHABET: Final = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""32 signs, 5 bits each: without 0 and O, 1 and I, which are taken for each other on paper."""

_GROUPS: Final = 5
_GROUP: Final = 4


def make_password() -> str:
    """Return a new password of 100 bits: five groups of four with hyphens, which belong to it.

    WinZip's encryption derives the key with 1,000 rounds only, so that the password itself must be
    out of reach of guessing.
    """
    return "-".join(
        "".join(secrets.choice(ALPHABET) for _ in range(_GROUP)) for _ in range(_GROUPS)
    )
