"""What existing entities tell becomes boxes without a place, or is refused."""

import pytest

from custom_components.camera_steward.core.utilization.detection import (
    Box,
    DetectorAnswerError,
    DetectorAwayError,
    DetectorError,
    DetectorIdentityError,
    Sex,
    Thing,
)
from custom_components.camera_steward.core.utilization.entities import boxes_of_entity

FRIGATE = {"unit_of_measurement": "objects", "friendly_name": "Yard Person Count", "icon": "mdi:x"}


def person(score: float = 1.0, age: int | None = None, sex: Sex | None = None) -> Box:
    return Box(thing=Thing.PERSON, score=score, located=False, age=age, sex=sex)


def test_a_count_is_so_many_persons_without_a_place() -> None:
    assert boxes_of_entity("3", FRIGATE) == [person()] * 3
    assert boxes_of_entity("0.0", FRIGATE) == []
    assert len(boxes_of_entity("5000", FRIGATE)) == 200


def test_faces_are_persons_with_an_age_and_a_sex() -> None:
    faces: list[dict[str, object]] = [
        {"confidence": 91.5, "age": 34.9, "gender": "man", "entity_id": "image_processing.door"},
        {"confidence": 0.5, "age": None, "gender": "FEMALE", "glasses": "sunglasses"},
        {"gender": "unknown"},
    ]
    attributes = {"faces": faces, "total_faces": 3, "device_class": "face"}
    assert boxes_of_entity("unknown", attributes) == [
        person(0.915, 34, Sex.MALE),
        person(0.5, None, Sex.FEMALE),
        person(),
    ]
    assert len(boxes_of_entity("smile", {"faces": faces * 100})) == 200
    assert boxes_of_entity("unknown", {"faces": []}) == []


@pytest.mark.parametrize(
    ("state", "attributes", "error"),
    [
        ("unavailable", {"faces": []}, DetectorAwayError),
        ("unknown", {}, DetectorAwayError),
        ("-1", {}, DetectorAnswerError),
        ("nan", {}, DetectorAnswerError),
        ("inf", {}, DetectorAnswerError),
        ("2.5", {}, DetectorAnswerError),
        ("on", {}, DetectorAnswerError),
        ("1", {"faces": "two"}, DetectorAnswerError),
        ("1", {"faces": [7]}, DetectorAnswerError),
        ("1", {"faces": [{"age": -3}]}, DetectorAnswerError),
        ("1", {"faces": [{"age": float("nan")}]}, DetectorAnswerError),
        ("1", {"faces": [{"confidence": 200}]}, DetectorAnswerError),
        ("1", {"faces": [{"gender": 1}]}, DetectorAnswerError),
        ("1", {"faces": [{"confidence": 90, "name": "Somebody"}]}, DetectorIdentityError),
        ("1", {"device_class": "alpr", "vehicles": 1}, DetectorIdentityError),
        ("1", {"device_class": "ocr"}, DetectorIdentityError),
        ("1", {"plates": {}}, DetectorIdentityError),
        ("1", {"known_faces": []}, DetectorIdentityError),
        ("1", {"result": {"embedding": []}}, DetectorIdentityError),
    ],
)
def test_what_knows_people_or_has_no_sense_is_refused(
    state: str, attributes: dict[str, object], error: type[DetectorError]
) -> None:
    with pytest.raises(DetectorError) as raised:
        boxes_of_entity(state, attributes)
    assert type(raised.value) is error
