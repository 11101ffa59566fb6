"""Who may do what, from the plain values alone: each refusal, and what stands just beside it."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import example, given, settings, strategies as st

from custom_components.camera_steward.core.access.decide import Asking, Decision, Refusal, decide
from custom_components.camera_steward.core.access.people import (
    Permission,
    Person,
    Register,
    Role,
)
from custom_components.camera_steward.core.model import Action

from .viewing_site import DAY, EVER, HOUR, NOON, footage

TICK = timedelta(microseconds=1)
PICTURES = (Action.LIVE, Action.PLAYBACK, Action.STILL)

MANAGER = Person(user="manager", name="埼玉花子", role=Role.MANAGER)
OPERATOR = Person(
    user="operator",
    name="熊谷太郎",
    role=Role.OPERATOR,
    since_at=NOON - DAY,
    until_at=NOON + DAY,
)
PERMISSION = Permission(
    id="permission",
    user="guest",
    name="行田次郎",
    cameras=frozenset({"door"}),
    start_at=NOON - 2 * HOUR,
    end_at=NOON - HOUR,
    reason="窓ガラスの破損",
    given_by="manager",
    given_at=NOON - HOUR,
    until_at=NOON + HOUR,
)
REGISTER = Register(
    people=(MANAGER, OPERATOR),
    permissions=(PERMISSION,),
    accepted=frozenset({"manager", "operator", "guest", "stranger"}),
    cameras=frozenset({"door", "yard"}),
    purposes=frozenset({"incident"}),
)


def ask(user: str | None, action: Action = Action.PLAYBACK, **changes: Any) -> Asking:
    """Ask for footage of the door that the guest is permitted."""
    start_at, end_at = footage(-90, -80)
    return replace(
        Asking(
            user=user,
            active=True,
            action=action,
            camera="door",
            start_at=start_at,
            end_at=end_at,
            purpose="incident",
        ),
        **changes,
    )


def answer(
    asking: Asking, register: Register = REGISTER, now: datetime = NOON, *, trusted: bool = True
) -> Refusal | Role:
    """Return why not, or as what."""
    decision = decide(register, asking, now, trusted=trusted)
    assert decision.allowed == (decision.refusal is None) == (decision.role is not None)
    found = decision.refusal or decision.role
    assert found is not None
    return found


NO_PLEDGE = replace(REGISTER, accepted=frozenset({"stranger"}))
DISMISSED = replace(REGISTER, people=(MANAGER, replace(OPERATOR, until_at=NOON)))
TO_COME = replace(REGISTER, people=(MANAGER, replace(OPERATOR, since_at=NOON + TICK)))
WITHDRAWN = replace(REGISTER, permissions=(replace(PERMISSION, over=True),))
OVER = replace(REGISTER, permissions=(replace(PERMISSION, until_at=NOON),))
EMPTY = Register()
NAMELESS = replace(REGISTER, people=(replace(MANAGER, user=""),), accepted=frozenset({"", "None"}))

CASES: list[tuple[str, Asking, Register, Refusal | Role]] = [
    ("a manager watches", ask("manager"), REGISTER, Role.MANAGER),
    ("an operator watches", ask("operator"), REGISTER, Role.OPERATOR),
    ("a guest watches what is permitted", ask("guest"), REGISTER, Role.GUEST),
    ("nobody", ask(None), REGISTER, Refusal.NOBODY),
    ("nobody, though no name at all is appointed", ask(None), NAMELESS, Refusal.NOBODY),
    ("a login that was turned off", ask("manager", active=False), REGISTER, Refusal.INACTIVE),
    ("somebody else, pledge or not", ask("stranger"), REGISTER, Refusal.NOT_APPOINTED),
    ("an empty user", ask(""), REGISTER, Refusal.NOT_APPOINTED),
    ("a name instead of a user", ask("埼玉花子"), REGISTER, Refusal.NOT_APPOINTED),
    ("another spelling", ask("Manager"), REGISTER, Refusal.NOT_APPOINTED),
    ("anybody of a house without settings", ask("manager"), EMPTY, Refusal.NOT_APPOINTED),
    ("an operator to come", ask("operator"), TO_COME, Refusal.NOT_YET),
    ("an operator of before", ask("operator"), DISMISSED, Refusal.ENDED),
    ("a permission of before", ask("guest"), OVER, Refusal.ENDED),
    ("a permission that was withdrawn", ask("guest"), WITHDRAWN, Refusal.ENDED),
    ("a manager without pledge", ask("manager"), NO_PLEDGE, Refusal.NOT_PLEDGED),
    ("an operator without pledge", ask("operator"), NO_PLEDGE, Refusal.NOT_PLEDGED),
    ("a guest without pledge", ask("guest"), NO_PLEDGE, Refusal.NOT_PLEDGED),
    ("no purpose", ask("operator", purpose=None), REGISTER, Refusal.PURPOSE),
    ("another purpose", ask("operator", purpose="curiosity"), REGISTER, Refusal.PURPOSE),
    (
        "a live look without purpose",
        ask("manager", Action.LIVE, purpose=""),
        REGISTER,
        Refusal.PURPOSE,
    ),
    (
        "a list for no purpose of ours",
        ask("manager", Action.BROWSE, purpose="x"),
        REGISTER,
        Refusal.PURPOSE,
    ),
    ("no camera", ask("operator", camera=None), REGISTER, Refusal.CAMERA),
    ("another camera", ask("operator", camera="Door"), REGISTER, Refusal.CAMERA),
    (
        "a list of no camera of ours",
        ask("operator", Action.BROWSE, camera="x"),
        REGISTER,
        Refusal.CAMERA,
    ),
    (
        "a guest at no camera of ours, as at another camera",
        ask("guest", camera="x"),
        REGISTER,
        Refusal.OUTSIDE_PERMISSION,
    ),
    (
        "a guest's list of no camera of ours",
        ask("guest", Action.BROWSE, camera="x"),
        REGISTER,
        Refusal.OUTSIDE_PERMISSION,
    ),
    (
        "a guest at another camera",
        ask("guest", camera="yard"),
        REGISTER,
        Refusal.OUTSIDE_PERMISSION,
    ),
    (
        "a guest at another list",
        ask("guest", Action.BROWSE, camera="yard"),
        REGISTER,
        Refusal.OUTSIDE_PERMISSION,
    ),
    (
        "a guest who does not say when",
        ask("guest", start_at=None),
        REGISTER,
        Refusal.OUTSIDE_PERMISSION,
    ),
    (
        "a guest who does not say until when",
        ask("guest", end_at=None),
        REGISTER,
        Refusal.OUTSIDE_PERMISSION,
    ),
    (
        "an operator who does not say when",
        ask("operator", start_at=None, end_at=None),
        REGISTER,
        Role.OPERATOR,
    ),
    ("an operator manages", ask("operator", Action.MANAGE), REGISTER, Refusal.NOT_MANAGER),
    ("a guest manages", ask("guest", Action.MANAGE), REGISTER, Refusal.NOT_MANAGER),
    (
        "a manager manages",
        ask("manager", Action.MANAGE, camera=None, purpose=None),
        REGISTER,
        Role.MANAGER,
    ),
    (
        "a manager holds",
        ask("manager", Action.HOLD, purpose=None, start_at=None, end_at=None),
        REGISTER,
        Role.MANAGER,
    ),
    ("an operator holds", ask("operator", Action.HOLD, purpose=None), REGISTER, Role.OPERATOR),
    ("a guest holds", ask("guest", Action.HOLD, purpose=None), REGISTER, Refusal.NOT_APPOINTED),
    (
        "a hold without pledge",
        ask("operator", Action.HOLD, purpose=None),
        NO_PLEDGE,
        Refusal.NOT_PLEDGED,
    ),
    (
        "a list of holds",
        ask("operator", Action.HOLD, camera=None, purpose=None),
        REGISTER,
        Role.OPERATOR,
    ),
    (
        "a hold of no camera of ours",
        ask("manager", Action.HOLD, camera="x", purpose=None),
        REGISTER,
        Refusal.CAMERA,
    ),
    (
        "a manager discloses",
        ask("manager", Action.DISCLOSE, purpose=None),
        REGISTER,
        Role.MANAGER,
    ),
    ("an operator discloses", ask("operator", Action.DISCLOSE), REGISTER, Refusal.NOT_MANAGER),
    ("a guest discloses", ask("guest", Action.DISCLOSE), REGISTER, Refusal.NOT_MANAGER),
    (
        "a list of cameras",
        ask("operator", Action.BROWSE, camera=None, purpose=None),
        REGISTER,
        Role.OPERATOR,
    ),
    (
        "a guest's list of cameras",
        ask("guest", Action.BROWSE, camera=None, purpose=None),
        REGISTER,
        Role.GUEST,
    ),
]


@pytest.mark.parametrize(
    ("asking", "register", "expected"),
    [pytest.param(*case, id=name) for name, *case in CASES],
)
def test_each_question_has_its_answer(
    asking: Asking, register: Register, expected: Refusal | Role
) -> None:
    assert answer(asking, register) is expected


def test_every_refusal_that_rests_on_the_register_is_in_the_table() -> None:
    told = {expected for *_, expected in CASES if isinstance(expected, Refusal)}
    # The clock has a test of its own; the others are told by who asks, before any decision.
    assert set(Refusal) - told == {Refusal.CLOCK, Refusal.ADDRESS, Refusal.AUTOMATION}


@pytest.mark.parametrize("action", [*PICTURES, Action.BROWSE])
def test_a_doubted_clock_closes_permissions_and_leaves_appointments(action: Action) -> None:
    for camera in ("door", "yard", "x"):
        assert answer(ask("guest", action, camera=camera), trusted=False) is Refusal.CLOCK
    assert answer(ask("operator", action), trusted=False) is Role.OPERATOR
    assert answer(ask("manager", action), trusted=False) is Role.MANAGER


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (NOON - DAY - TICK, Refusal.NOT_YET),
        (NOON - DAY, Role.OPERATOR),
        (NOON + DAY - TICK, Role.OPERATOR),
        (NOON + DAY, Refusal.ENDED),
    ],
)
def test_an_appointment_begins_with_its_first_moment_and_ends_before_its_last(
    moment: datetime, expected: Refusal | Role
) -> None:
    assert answer(ask("operator"), now=moment) is expected


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (NOON - HOUR - TICK, Refusal.ENDED),
        (NOON - HOUR, Role.GUEST),
        (NOON + HOUR - TICK, Role.GUEST),
        (NOON + HOUR, Refusal.ENDED),
    ],
)
def test_a_permission_holds_from_when_it_was_given_until_before_its_end(
    moment: datetime, expected: Refusal | Role
) -> None:
    assert answer(ask("guest"), now=moment) is expected


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (-120, -60, Role.GUEST),
        (-120, -120, Role.GUEST),
        (-60 - 1e-6, -60, Role.GUEST),
        (-120 - 1e-6, -60, Refusal.OUTSIDE_PERMISSION),
        (-120, -60 + 1e-6, Refusal.OUTSIDE_PERMISSION),
        (-60, -60, Refusal.OUTSIDE_PERMISSION),
        (-80, -90, Refusal.OUTSIDE_PERMISSION),
        (-300, 300, Refusal.OUTSIDE_PERMISSION),
    ],
)
@pytest.mark.parametrize("action", PICTURES)
def test_a_guest_sees_nothing_before_or_behind_what_is_permitted(
    action: Action, start: float, end: float, expected: Refusal | Role
) -> None:
    start_at, end_at = footage(start, end)
    assert answer(ask("guest", action, start_at=start_at, end_at=end_at)) is expected


def test_two_permissions_do_not_add_up_to_a_span_that_neither_has() -> None:
    next_hour = replace(
        PERMISSION, id="second", start_at=PERMISSION.end_at, end_at=PERMISSION.end_at + HOUR
    )
    register = replace(REGISTER, permissions=(PERMISSION, next_hour))
    across = ask("guest", start_at=NOON - 1.5 * HOUR, end_at=NOON - 0.5 * HOUR)
    assert answer(across, register) is Refusal.OUTSIDE_PERMISSION
    decision = decide(register, replace(across, start_at=NOON - HOUR), NOON, trusted=True)
    assert decision.permission == next_hour
    assert decision.permissions == (next_hour,)


def test_whoever_is_appointed_twice_acts_as_what_holds_now_and_as_manager_first() -> None:
    before = Person(user="both", name="旧姓", role=Role.OPERATOR, until_at=NOON)
    after = Person(user="both", name="新姓", role=Role.MANAGER, since_at=NOON)
    register = replace(
        REGISTER, people=(before, after), accepted=frozenset({"both"}), permissions=()
    )
    earlier = decide(register, ask("both"), NOON - TICK, trusted=True)
    later = decide(register, ask("both"), NOON, trusted=True)
    assert (earlier.role, earlier.name) == (Role.OPERATOR, "旧姓")
    assert (later.role, later.name) == (Role.MANAGER, "新姓")
    always = replace(register, people=(replace(before, until_at=None), replace(after, name="両方")))
    assert answer(ask("both", Action.MANAGE), always) is Role.MANAGER
    gone = replace(register, people=(before, replace(after, since_at=NOON + DAY)))
    assert answer(ask("both"), gone) is Refusal.NOT_YET


def test_an_operator_with_a_permission_is_an_operator_and_a_guest_once_that_ended() -> None:
    theirs = replace(PERMISSION, user="operator")
    register = replace(REGISTER, permissions=(theirs,))
    outside = ask("operator", camera="yard")
    assert answer(outside, register) is Role.OPERATOR
    assert answer(outside, register, trusted=False) is Role.OPERATOR
    dismissed = replace(register, people=DISMISSED.people)
    assert answer(outside, dismissed) is Refusal.OUTSIDE_PERMISSION
    assert answer(ask("operator"), dismissed) is Role.GUEST
    assert answer(ask("operator"), dismissed, trusted=False) is Refusal.CLOCK
    assert answer(ask("operator", Action.MANAGE), dismissed) is Refusal.NOT_MANAGER


# Against a model that knows nothing of the code above: sentences of the rules, one after another.

_users = st.sampled_from(["a", "b", ""])
_moments = st.integers(-3, 3).map(lambda hours: NOON + hours * HOUR)
_cameras = st.sampled_from(["door", "yard"])
_purposes = st.sampled_from(["incident", "check"])
_people = st.builds(
    Person,
    user=_users,
    name=st.just("name"),
    role=st.sampled_from([Role.MANAGER, Role.OPERATOR]),
    since_at=st.none() | _moments,
    until_at=st.none() | _moments,
)
_permissions = st.builds(
    Permission,
    id=st.uuids().map(str),
    user=_users,
    name=st.just("name"),
    cameras=st.frozensets(_cameras),
    start_at=_moments,
    end_at=_moments,
    reason=st.just("reason"),
    given_by=_users,
    given_at=_moments,
    until_at=_moments,
    over=st.booleans(),
)
_registers = st.builds(
    Register,
    people=st.lists(_people, max_size=3).map(tuple),
    permissions=st.lists(_permissions, max_size=4).map(tuple),
    accepted=st.frozensets(_users),
    cameras=st.frozensets(_cameras),
    purposes=st.frozensets(_purposes),
)
_askings = st.builds(
    Asking,
    user=st.none() | _users,
    active=st.sampled_from([True, True, False]),
    action=st.sampled_from(list(Action)),
    camera=st.none() | _cameras,
    start_at=st.none() | _moments,
    end_at=st.none() | _moments,
    purpose=st.none() | _purposes,
)


def roles_by_the_rules(
    register: Register, asking: Asking, now: datetime, *, trusted: bool
) -> set[Role]:
    """Return as what the rules let someone do it."""
    if asking.user is None or not asking.active or asking.user not in register.accepted:
        return set()
    wanted = asking.action in PICTURES
    if asking.purpose not in register.purposes and (wanted or asking.purpose is not None):
        return set()
    if (wanted or asking.camera is not None) and asking.camera not in register.cameras:
        return set()
    roles = set()
    for person in register.people:
        since_at, until_at = person.since_at or EVER[0], person.until_at or EVER[1]
        if person.user == asking.user and since_at <= now and not until_at <= now:
            roles.add(person.role)
    if asking.action in (Action.MANAGE, Action.DISCLOSE):
        return roles & {Role.MANAGER}
    if asking.action is Action.HOLD:
        return {Role.MANAGER} if Role.MANAGER in roles else roles
    if roles:
        return {Role.MANAGER} if Role.MANAGER in roles else roles
    usable = [
        each
        for each in register.permissions
        if each.user == asking.user
        and not (each.over or now < each.given_at or now >= each.until_at)
        and (asking.camera is None or asking.camera in each.cameras)
    ]
    if wanted:
        start_at, end_at = asking.start_at, asking.end_at
        if start_at is None or end_at is None or end_at < start_at:
            return set()
        usable = [p for p in usable if p.start_at <= start_at < p.end_at and end_at <= p.end_at]
    return {Role.GUEST} if usable and trusted else set()


@settings(max_examples=2000, deadline=None)
@given(_registers, _askings, _moments, st.booleans())
@example(REGISTER, ask("guest"), NOON, True)
@example(REGISTER, ask("operator"), NOON, False)
def test_what_is_allowed_is_what_the_rules_say(
    register: Register, asking: Asking, now: datetime, trusted: bool
) -> None:
    decision = decide(register, asking, now, trusted=trusted)
    expected = roles_by_the_rules(register, asking, now, trusted=trusted)
    assert ({decision.role} if decision.allowed else set()) == expected
    assert_whole(decision)


@settings(max_examples=500, deadline=None)
@given(_registers, _askings, _moments)
def test_nothing_is_allowed_without_user_login_pledge_purpose_and_camera(
    register: Register, asking: Asking, now: datetime
) -> None:
    user = asking.user or ""
    for poorer in (replace(asking, user=None), replace(asking, active=False)):
        assert not decide(register, poorer, now, trusted=True).allowed
    unpledged = replace(register, accepted=register.accepted - {user})
    assert not decide(unpledged, asking, now, trusted=True).allowed
    for action in PICTURES:
        picture = replace(asking, action=action)
        for poorer in (replace(picture, purpose=None), replace(picture, camera=None)):
            assert not decide(register, poorer, now, trusted=True).allowed
    unknown = replace(
        register,
        people=tuple(each for each in register.people if each.user != user),
        permissions=tuple(each for each in register.permissions if each.user != user),
    )
    assert not decide(unknown, asking, now, trusted=True).allowed


def assert_whole(decision: Decision) -> None:
    """No permissions means no bounds to whoever reads a decision: only a guest has any."""
    assert (decision.role is Role.GUEST) == bool(decision.permissions)
    assert decision.permission == next(iter(decision.permissions), None)
