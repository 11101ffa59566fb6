"""How controls stood is read back from a real ledger as it was judged."""

from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings, strategies as st

from custom_components.camera_steward.core.ledger.entry import SYSTEM, EntryKind, Json
from custom_components.camera_steward.core.ledger.store import Ledger
from custom_components.camera_steward.core.policy.history import (
    Change,
    Key,
    changes,
    first_data,
    history,
)
from custom_components.camera_steward.core.policy.states import State, Subject, SubjectKind

from .ledgers import START, ledger_at

DOOR = Subject(SubjectKind.CAMERA, "door")
SITE = Subject(SubjectKind.SITE, "site")
KEYS: tuple[Key, ...] = (("sign", DOOR), ("sign", SITE), ("rules", SITE))
HOURS = st.integers(-48, 240)
"""From look to look; a clock that is set back among them."""


def judged(states: dict[Key, State]) -> dict[Key, Change]:
    return {
        key: Change(control=key[0], subject=key[1], was=None, now=state, why=("task_open",))
        for key, state in states.items()
    }


def enter(ledger: Ledger, found: list[Change], at: datetime) -> None:
    first = [each for each in found if each.was is None]
    data = [first_data(first)] if first else []
    for each in [*data, *(each.to_data() for each in found if each.was is not None)]:
        ledger.append(EntryKind.CONTROL_CHANGED, actor=SYSTEM, data=each, at=at)


@settings(max_examples=10, deadline=None)
@given(
    st.lists(
        st.tuples(HOURS, st.dictionaries(st.sampled_from(KEYS), st.sampled_from(State))),
        max_size=6,
    )
)
def test_each_change_is_read_back_with_its_time_also_past_a_clock_that_was_set_back(
    looks: list[tuple[int, dict[Key, State]]],
) -> None:
    with TemporaryDirectory() as folder:
        ledger = ledger_at(Path(folder) / "ledger.db")
        expected: dict[Key, tuple[State, datetime, State | None]] = {}
        now = START
        for hours, states in looks:
            now += timedelta(hours=hours)
            found = changes(history(ledger.entries()), judged(states))
            enter(ledger, found, now)
            for key, state in states.items():
                before = expected.get(key)
                if before is None or before[0] is not state:
                    expected[key] = (state, now, before[0] if before is not None else None)
            read = history(ledger.entries())
            assert {k: (e.state, e.at, e.was) for k, e in read.items()} == expected
            assert changes(read, judged(states)) == []
        ledger.close()


def test_what_cannot_be_read_leaves_the_rest_as_it_was(tmp_path: Path) -> None:
    ledger = ledger_at(tmp_path / "ledger.db")
    enter(ledger, changes({}, judged({KEYS[0]: State.DUE})), START)
    good = Change(control="sign", subject=DOOR, was=State.DUE, now=State.ENFORCED).to_data()
    unreadable: list[dict[str, Json]] = [
        {**good, "now": "splendid"},
        {**good, "subject_kind": "ghost"},
        {"first": [{**good, "was": 7}, "sign", {}]},
        {},
    ]
    for wrong in unreadable:
        ledger.append(EntryKind.CONTROL_CHANGED, actor=SYSTEM, data=wrong)
    ledger.append(EntryKind.FINDING, actor=SYSTEM, data=good)
    assert {k: e.state for k, e in history(ledger.entries()).items()} == {KEYS[0]: State.DUE}
    ledger.close()
