"""The people of a site: its manager, its operators, and those with a guest permission."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Role(StrEnum):
    """As what a person acts (Kumagaya guideline 第3 1)."""

    MANAGER = "manager"
    OPERATOR = "operator"
    GUEST = "guest"


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """An appointment: the user `user`, by the real name `name`, from `since_at` to `until_at`.

    None leaves an end open; the person no longer acts at `until_at` itself.
    """

    user: str
    name: str
    role: Role
    since_at: datetime | None = None
    until_at: datetime | None = None

    def acts(self, now: datetime) -> bool:
        """Return whether the appointment has begun and has not ended."""
        begun = self.since_at is None or self.since_at <= now
        return begun and (self.until_at is None or now < self.until_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Permission:
    """A guest permission of the manager: footage of [start_at, end_at) of some cameras.

    It holds from `given_at` until `until_at`, when it ends by itself (第3 1(3)). One that is `over`
    holds no more whatever the clock says: it was withdrawn, or has lasted its time.
    """

    id: str
    user: str
    name: str
    cameras: frozenset[str]
    start_at: datetime
    end_at: datetime
    reason: str
    given_by: str
    given_at: datetime
    until_at: datetime
    over: bool = False

    def holds(self, now: datetime) -> bool:
        """Return whether it can be used just now."""
        return not self.over and self.given_at <= now < self.until_at

    def touches(self, camera: str, start_at: datetime, end_at: datetime) -> bool:
        """Return whether any of a span of a camera's footage is within it."""
        return camera in self.cameras and self.start_at < end_at and start_at < self.end_at

    def covers(self, camera: str, start_at: datetime, end_at: datetime) -> bool:
        """Return whether all of a span of a camera's footage is within it."""
        begins = self.start_at <= start_at < self.end_at
        return camera in self.cameras and begins and start_at <= end_at <= self.end_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    """All that a decision rests on.

    `accepted` are the users who accepted the pledge and the rules as they stand now; `cameras` all
    that there may be footage of; `purposes` what may be stated as one.
    """

    people: tuple[Person, ...] = ()
    permissions: tuple[Permission, ...] = ()
    accepted: frozenset[str] = frozenset()
    cameras: frozenset[str] = frozenset()
    purposes: frozenset[str] = frozenset()

    def person(self, user: str, now: datetime) -> Person | None:
        """Return how a user is appointed just now, the manager's appointment first."""
        acting = [each for each in self.people if each.user == user and each.acts(now)]
        return min(acting, key=lambda each: each.role is not Role.MANAGER, default=None)

    def permissions_of(self, user: str, now: datetime) -> tuple[Permission, ...]:
        """Return the guest permissions that a user can use just now."""
        return tuple(each for each in self.permissions if each.user == user and each.holds(now))
