"""The decision: may this user do this, with this camera, for this purpose, now (INV-4)."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from ..errors import StewardError
from ..model import Action
from .people import Permission, Register, Role

_PICTURES = frozenset({Action.LIVE, Action.PLAYBACK, Action.STILL})
_MANAGER = frozenset({Role.MANAGER})
_APPOINTED = frozenset({Role.MANAGER, Role.OPERATOR})
_ROLES = {
    Action.HOLD: _APPOINTED,
    Action.DISCLOSE: _MANAGER,
    Action.MANAGE: _MANAGER,
    Action.DUTIES: _APPOINTED,
}
"""Who alone may do what is not watching; a guest permission opens none of it."""


class Refusal(StrEnum):
    """Why not; for the ledger. Who is refused is told only what concerns themself."""

    NOBODY = "nobody"
    INACTIVE = "inactive"
    NOT_APPOINTED = "not_appointed"
    NOT_YET = "not_yet"
    ENDED = "ended"
    NOT_PLEDGED = "not_pledged"
    NOT_MANAGER = "not_manager"
    PURPOSE = "purpose"
    CAMERA = "camera"
    OUTSIDE_PERMISSION = "outside_permission"
    CLOCK = "clock"
    ADDRESS = "address"
    """An address that is not, or no longer, this person's."""

    AUTOMATION = "automation"
    """Asked for by something that a person's request set off, or for another screen."""


class RefusedError(StewardError):
    """A person may not have what they ask for; `refusal` is why, for the ledger alone."""

    key = "refused"

    def __init__(self, refusal: Refusal) -> None:
        """Keep why."""
        super().__init__(refusal.value)
        self.refusal = refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """What is asked for; `start_at` and `end_at` are of the footage, equal to now for live.

    `user` is None where nobody is known; `active` is whether the login is in use.
    """

    user: str | None
    active: bool
    action: Action
    camera: str | None = None
    start_at: datetime | None = None
    end_at: datetime | None = None
    purpose: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Allowed exactly where `refusal` is None, then as `role`.

    A guest acts under `permission`, one of the `permissions` that allow it.
    """

    refusal: Refusal | None = None
    role: Role | None = None
    name: str | None = None
    permission: Permission | None = None
    permissions: tuple[Permission, ...] = ()

    @property
    def allowed(self) -> bool:
        """Return whether it may be done."""
        return self.refusal is None

    def or_refused(self) -> Decision:
        """Return the decision if it allows; raise `RefusedError` otherwise."""
        if self.refusal is not None:
            raise RefusedError(self.refusal)
        return self


def decide(register: Register, asking: Asking, now: datetime, *, trusted: bool) -> Decision:
    """Decide by the register as it is; `trusted` is whether `now` can be believed.

    An administrator of the system is nobody here unless appointed. Where the clock is in doubt a
    permission, which lives by the clock, opens nothing.
    """
    user = asking.user
    if user is None:
        return Decision(refusal=Refusal.NOBODY)
    if not asking.active:
        return Decision(refusal=Refusal.INACTIVE)
    person = register.person(user, now)
    permissions = register.permissions_of(user, now)
    if person is None and not permissions:
        return Decision(refusal=_why_nobody(register, user, now))
    name = person.name if person is not None else permissions[0].name

    refusal = _improper(register, asking, user)
    if refusal is None and asking.action in _ROLES:
        roles = _ROLES[asking.action]
        if person is None or person.role not in roles:
            refusal = Refusal.NOT_MANAGER if roles is _MANAGER else Refusal.NOT_APPOINTED
    if refusal is Refusal.CAMERA and person is None:
        # A guest learns no more of the cameras than what the permission says.
        refusal = Refusal.OUTSIDE_PERMISSION if trusted else Refusal.CLOCK
    if refusal is not None:
        return Decision(refusal=refusal, name=name)
    if person is not None:
        return Decision(role=person.role, name=name)
    if not trusted:
        return Decision(refusal=Refusal.CLOCK, name=name)
    return _decide_for_guest(permissions, asking)


def _improper(register: Register, asking: Asking, user: str) -> Refusal | None:
    """Return what is wrong with the question itself, whoever asks it."""
    if user not in register.accepted:
        return Refusal.NOT_PLEDGED
    pictures = asking.action in _PICTURES
    if (pictures or asking.purpose is not None) and asking.purpose not in register.purposes:
        return Refusal.PURPOSE
    if (pictures or asking.camera is not None) and asking.camera not in register.cameras:
        return Refusal.CAMERA
    return None


def _decide_for_guest(permissions: tuple[Permission, ...], asking: Asking) -> Decision:
    name = permissions[0].name
    if asking.action in _PICTURES:
        found = [each for each in permissions if _covers(each, asking)]
    else:
        found = [p for p in permissions if asking.camera is None or asking.camera in p.cameras]
    if not found:
        return Decision(refusal=Refusal.OUTSIDE_PERMISSION, name=name)
    return Decision(
        role=Role.GUEST, name=found[0].name, permission=found[0], permissions=tuple(found)
    )


def _covers(permission: Permission, asking: Asking) -> bool:
    camera, start_at, end_at = asking.camera, asking.start_at, asking.end_at
    if camera is None or start_at is None or end_at is None:
        return False
    return permission.covers(camera, start_at, end_at)


def _why_nobody(register: Register, user: str, now: datetime) -> Refusal:
    known = [each for each in register.people if each.user == user]
    if any(each.since_at is not None and now < each.since_at for each in known):
        return Refusal.NOT_YET
    if known or any(each.user == user for each in register.permissions):
        return Refusal.ENDED
    return Refusal.NOT_APPOINTED
