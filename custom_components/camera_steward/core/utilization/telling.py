"""What others may tell of pictures: numbers, an age, a sex; never what would know a person again."""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Final

from .detection import DetectorAnswerError, DetectorIdentityError, Sex

_OLDEST: Final = 130
_DEEPEST: Final = 20
_SEXES: Final = {
    "female": Sex.FEMALE,
    "woman": Sex.FEMALE,
    "male": Sex.MALE,
    "man": Sex.MALE,
}
_IDENTITY: Final = (
    *("userid", "username", "personid", "faceid", "subjectid", "trackid", "identity", "identities"),
    *(
        "embedding",
        "descriptor",
        "encoding",
        "featurevector",
        "facevector",
        "biometric",
        "template",
    ),
    *("plate", "platenumber", "licenseplate", "registrationnumber", "knownface", "recognized"),
)
"""In a key, wherever: it would know a person or a vehicle again."""

_NAMES: Final = frozenset(
    {
        "name",
        "names",
        "person",
        "personname",
        "fullname",
        "firstname",
        "lastname",
        "subject",
        "reid",
    }
)
"""As a whole key."""


def refuse_identity(said: object) -> None:
    """Raise `DetectorIdentityError` where anything in it, at any depth, has to do with who somebody is.

    The key alone decides, whatever it holds; only a `name` that repeats the label is a class's.
    """
    _refuse(said, _DEEPEST)


def _refuse(said: object, deeper: int) -> None:
    if not deeper:
        raise DetectorAnswerError("depth")
    if isinstance(said, Mapping):
        for key, each in said.items():
            if _identifies(str(key)) and not (key == "name" and each == said.get("label")):
                raise DetectorIdentityError
            _refuse(each, deeper - 1)
    elif isinstance(said, Sequence) and not isinstance(said, str | bytes):
        for each in said:
            _refuse(each, deeper - 1)


def _identifies(key: str) -> bool:
    plain = re.sub("[^a-z]", "", key.lower())
    return plain in _NAMES or any(part in plain for part in _IDENTITY)


def number_of(said: object, what: str, least: float, most: float) -> float:
    """Return a finite number between two; `DetectorAnswerError` names what it was to be."""
    if isinstance(said, bool) or not isinstance(said, int | float):
        raise DetectorAnswerError(what)
    # Also NaN, which is on neither side.
    if not least <= said <= most:
        raise DetectorAnswerError(what)
    return float(said)


def traits_of(said: Mapping[str, object]) -> tuple[int | None, Sex | None]:
    """Return an estimated age and sex, None where they are not told."""
    age, sex = said.get("age"), said.get("gender", said.get("sex"))
    if sex is not None and not isinstance(sex, str):
        raise DetectorAnswerError("gender")
    return (
        None if age is None else math.floor(number_of(age, "age", 0, _OLDEST)),
        None if sex is None else _SEXES.get(sex.strip().lower()),
    )
