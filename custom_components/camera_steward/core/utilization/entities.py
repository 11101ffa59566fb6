"""What existing entities tell: how many there are, or faces with an age and a sex; nobody by name."""

from collections.abc import Mapping, Sequence
from typing import Final

from .detection import (
    Box,
    DetectorAnswerError,
    DetectorAwayError,
    DetectorIdentityError,
    Thing,
)
from .telling import number_of, refuse_identity, traits_of

_MOST: Final = 200
_NONSENSE: Final = 1_000_000
_PERCENT: Final = 100
_ABSENT: Final = frozenset({"unavailable", "unknown", "", "none"})
_READING: Final = frozenset({"alpr", "ocr"})
"""Device classes of `image_processing` that read plates or other writing."""


def boxes_of_entity(state: str, attributes: Mapping[str, object]) -> list[Box]:
    """Return persons without a place, of an entity's state and attributes.

    Faces count, with age and gender, where the entity has such an attribute (`image_processing`); else
    the state is their number (Frigate's person counts), of which at most 200 are taken. Raise a
    `DetectorError`: away, of no sense, or knowing people or plates.
    """
    refuse_entity(attributes)
    if state.strip().lower() == "unavailable":
        raise DetectorAwayError
    faces = attributes.get("faces")
    if faces is not None:
        if not isinstance(faces, Sequence) or isinstance(faces, str | bytes):
            raise DetectorAnswerError("faces")
        return [_face(each) for each in faces[:_MOST]]
    if state.strip().lower() in _ABSENT:
        raise DetectorAwayError
    try:
        count = number_of(float(state), "state", 0, _NONSENSE)
    except ValueError:
        raise DetectorAnswerError("state") from None
    if not count.is_integer():
        raise DetectorAnswerError("state")
    one = Box(thing=Thing.PERSON, score=1.0, located=False)
    return [one] * int(min(count, _MOST))


def refuse_entity(attributes: Mapping[str, object]) -> None:
    """Raise `DetectorIdentityError` of an entity that reads plates or knows people."""
    if attributes.get("device_class") in _READING:
        raise DetectorIdentityError
    refuse_identity(attributes)


def _face(said: object) -> Box:
    if not isinstance(said, Mapping):
        raise DetectorAnswerError("faces")
    confidence = said.get("confidence")
    score = 1.0
    if confidence is not None:
        score = number_of(confidence, "confidence", 0, _PERCENT)
        # Home Assistant's are of 100, some engines' of 1.
        score = score / _PERCENT if score > 1 else score
    age, sex = traits_of(said)
    return Box(thing=Thing.PERSON, score=score, located=False, age=age, sex=sex)
