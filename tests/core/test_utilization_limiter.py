"""What may be stored: nothing that is, holds or hides a picture, and no count that is too small."""

import base64
import itertools
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from custom_components.camera_steward.core.errors import LimiterError
from custom_components.camera_steward.core.utilization.buckets import Buckets
from custom_components.camera_steward.core.utilization.limiter import (
    DESCRIPTION,
    QUARTER,
    STEPS,
    Limiter,
    limited,
    suppress,
)
from custom_components.camera_steward.core.utilization.view import ViewSettings, parse_view

SQUARE = [[0.1, 0.1], [0.9, 0.1], [0.9, 0.9], [0.1, 0.9]]
VIEW = parse_view(
    {
        "lines": [{"name": "gate", "start": [0, 0.5], "end": [1, 0.5]}],
        "zones": [{"name": "shelf", "points": SQUARE}],
        "labels": ["snow", "clear"],
        "floor": {"seen": SQUARE, "drawn": SQUARE, "width_m": 3, "depth_m": 2},
    }
)
GOOD: dict[str, Any] = {
    "since_at": "2026-11-25T09:15:00+00:00",
    "hour_at": "2026-11-25T09:00:00+00:00",
    "totals": {"gate": {"person_in": 4, "car_out": 0}},
    "visitors": 7,
    "ages": {"under_20": None, "from_20": 0, "from_60": 5},
    "sexes": {"female": 4, "male": 3},
    "dwell": {"shelf": 40},
    "visits": {"shelf": None},
    "heat": [[0, 3, 12, 2500, 0, 0]] * 4,
    "flows": [[0, 0, 0, 1, 5]],
    "learnt": {"snow": [[0] * DESCRIPTION], "clear": [[STEPS - 1] * DESCRIPTION]},
    "state": "snow",
    "most": 3,
}
FRAME = np.random.default_rng(1).integers(0, 256, (36, 64, 3), dtype=np.uint8)


def forms(frame: np.ndarray) -> list[Any]:
    """Return a picture in the forms in which it might slip through, whole."""
    data = frame.tobytes()
    return [
        frame,
        data,
        bytearray(data),
        memoryview(data),
        data.hex(),
        base64.b64encode(data).decode(),
        data.decode("latin-1"),
        int.from_bytes(data),
        float(int.from_bytes(data[:100])),
        frame.tolist(),
        frame[:, :, 0].tolist(),
        frame.ravel().tolist(),
        list(data),
        [data],
        {at: int(each) for at, each in enumerate(data)},
        {data.hex(): 1},
        {f"{at}-{each}": 1 for at, each in enumerate(data)},
        np.uint8(7),
        True,
        1.0,
        -1,
    ]


def test_what_is_declared_goes_through_as_it_is() -> None:
    limiter = Limiter(VIEW)
    assert limiter.limited(GOOD) == GOOD
    assert limited(GOOD) == GOOD
    assert limiter.refused == 0


@pytest.mark.parametrize("view", [VIEW, None])
def test_no_frame_goes_through_as_any_of_what_is_kept(view: ViewSettings | None) -> None:
    limiter = Limiter(view)
    for key in [*GOOD, "frame"]:
        for smuggled in forms(FRAME):
            for value in (smuggled, {"gate": smuggled}, {"snow": smuggled}, {"shelf": [smuggled]}):
                with pytest.raises(LimiterError):
                    limiter.limited({key: value})


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_no_frame_goes_through_in_any_form_at_any_depth(data: st.DataObject) -> None:
    limiter = Limiter(data.draw(st.sampled_from([VIEW, None])))
    size = data.draw(st.sampled_from([(36, 64, 3), (9, 16, 3), (12, 16, 3)]))
    frame = FRAME[: size[0], : size[1], : size[2]]
    smuggled = data.draw(st.sampled_from(forms(frame)))
    key = data.draw(st.sampled_from([*GOOD, "frame"]))
    kept: Any = dict(GOOD)
    inner, at = kept, key
    # Down to any place of what is allowed there.
    while isinstance(inner.get(at) if isinstance(inner, dict) else inner[at], dict | list):
        if data.draw(st.booleans()):
            break
        inner[at] = inner[at].copy()
        inner = inner[at]
        at = data.draw(
            st.sampled_from(list(inner) if isinstance(inner, dict) else range(len(inner)))
        )
    inner[at] = smuggled
    with pytest.raises(LimiterError) as caught:
        limiter.limited(kept)
    assert caught.value.detail == key
    assert limiter.refused == 1


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("since_at", "2026-11-25T09:15:01+00:00"),
        ("since_at", "2026-11-25T09:15:00.5+00:00"),
        ("since_at", "2026-11-25T18:15:00+09:00"),
        ("since_at", "2026-11-25T09:15:00"),
        ("since_at", datetime(2026, 11, 25, tzinfo=UTC)),
        ("since_at", 20261125),
        ("hour_at", "2026-11-25T09:15:00+00:00"),
        ("totals", {"street": {"person_in": 4}}),
        ("totals", {"gate": {"taro_in": 4}}),
        ("visits", {"3f9a1c": 4}),
        ("state", "rain"),
        ("heat", [[0, 2, 0, 0, 0, 0]] * 4),
        ("heat", [[0, 13, 0, 0, 0, 0]] * 4),
        ("flows", [[0, 0, 0, 1, 2]]),
        ("visits", {"shelf": 2}),
        ("heat", [[0] * 6] * 5),
        ("heat", [[0] * 7] * 4),
        ("learnt", {"snow": [[0] * DESCRIPTION] * 9}),
        ("learnt", {"snow": [[STEPS] * DESCRIPTION]}),
        ("learnt", {"snow": [[0] * (DESCRIPTION + 1)]}),
        ("flows", [[0, 0, 0, 1, 5]] * 401),
        ("tracks", [[1, 2]]),
        ("embedding", 1),
    ],
)
def test_what_nobody_declared_is_refused_by_its_key(key: str, value: Any) -> None:
    with pytest.raises(LimiterError) as caught:
        limited({**GOOD, key: value}, VIEW)
    assert caught.value.detail == key
    with pytest.raises(LimiterError) as caught:
        limited({FRAME.tobytes().hex(): 1})
    assert caught.value.detail == "key"


def test_nothing_hidden_can_be_had_by_subtracting_or_by_knowing_how_it_was_hidden() -> None:
    # All that can have happened, by what is told of it; `none` are those of no kind.
    happened: dict[Any, list[tuple[int, ...]]] = defaultdict(list)
    for *cells, none in itertools.product(range(10), repeat=4):
        if (everybody := sum(cells) + none) < 10:
            told, total = suppress(dict(enumerate(cells)), everybody)
            happened[*told.values(), total].append((*cells, everybody))
    for told, cases in happened.items():
        for at, each in enumerate(told):
            values = {case[at] for case in cases}
            assert (len(values) > 1) if each is None else (values == {each}), (told, cases)
            assert each not in (1, 2)
    assert suppress({"a": 0, "b": 0}, 0) == ({"a": 0, "b": 0}, 0)
    assert suppress({"a": 5, "b": 4, "c": 0}, 9) == ({"a": 5, "b": 4, "c": 0}, 9)
    assert suppress({"a": 5, "b": 2, "c": 0}, 7) == ({"a": None, "b": None, "c": 0}, 7)
    assert suppress({"a": 1, "b": 1}, 2) == ({"a": None, "b": None}, None)


def test_a_bucket_is_told_once_and_only_whole_whatever_the_clock_does() -> None:
    buckets, clock, elapsed = Buckets(QUARTER), datetime(2026, 11, 25, 9, 7, tzinfo=UTC), 0.0
    told: list[str] = []

    def run(minutes: int) -> None:
        nonlocal clock, elapsed
        for _ in range(minutes * 2):
            clock, elapsed = clock + timedelta(seconds=30), elapsed + 30
            if (ended := buckets.step(clock, elapsed)) and ended.whole:
                told.append(f"{ended.since_at:%H:%M}")

    run(40)
    assert told == ["09:15", "09:30"]  # not the one it began in
    clock -= timedelta(minutes=5)  # to 09:42, which is in one that was told
    run(35)
    assert told == ["09:15", "09:30", "09:45", "10:00"]
    clock += timedelta(minutes=20)
    run(30)
    assert told[4:] == ["10:45"]
    elapsed += 600  # no picture for ten minutes
    clock += timedelta(minutes=10)
    run(25)  # to 11:42
    assert told[5:] == []
    clock += timedelta(days=400)
    run(1)
    clock -= timedelta(days=400)
    run(20)
    assert told[5:] == ["11:45"]
