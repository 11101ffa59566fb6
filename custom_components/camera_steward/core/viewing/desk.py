"""The desk: who may watch just now, by appointment, pledge and permission.

What the settings and the ledger say of it is held in memory, and each question is decided from
there. Refusals, pledges and permissions are entered in the ledger.
"""

import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from typing import Protocol

from ..access.decide import Action, Asking, Decision, Refusal, decide
from ..access.people import Permission, Person, Register
from ..errors import LedgerBrokenError, PermissionInvalidError, PledgeStaleError
from ..ledger.entry import EntryKind, Json
from ..ledger.fields import Fields
from ..ledger.store import Ledger
from ..ledger.viewings import Viewing, ViewingKind

LONGEST_PERMISSION = timedelta(hours=24)
_DENIED_EVERY = timedelta(minutes=1)


class TrustedClock(Protocol):
    """The time that footage is stamped with, and whether it can be believed."""

    def now(self) -> datetime:
        """Return the time as it is believed to be, aware, in UTC."""
        ...

    def elapsed(self) -> timedelta:
        """Return time that no clock setting moves."""
        ...

    @property
    def trusted(self) -> bool:
        """Return whether the clock is believed."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """What the settings say: who is appointed, which cameras there are.

    `purposes` are what may be stated as one, `version` the digest of pledge and rules as they read
    now, `zone` the site's time zone, for what counts as night.
    """

    people: tuple[Person, ...] = ()
    cameras: frozenset[str] = frozenset()
    purposes: frozenset[str] = frozenset()
    version: str = ""
    zone: tzinfo | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who asks: a login by id and name, whether it is in use, and the network address.

    `session` names the one session of the login: an address belongs to that alone.
    """

    user: str | None
    name: str | None = None
    active: bool = True
    client: str | None = None
    session: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewingDenied:
    """Someone was refused, and it is in the ledger."""

    viewing: Viewing


class Desk:
    """One site's desk. Any thread; `decide` and what only reads touch no file."""

    def __init__(
        self, ledger: Ledger, clock: TrustedClock, on_event: Callable[[ViewingDenied], None]
    ) -> None:
        """Read from the ledger who pledged and who was permitted what."""
        self._ledger = ledger
        self._clock = clock
        self._on_event = on_event
        self._lock = threading.RLock()
        self._house = House()
        self._pledges = _pledges(ledger)
        self._permissions = _permissions(ledger, clock.now() - LONGEST_PERMISSION)
        self._register = Register()
        self._denied: dict[str | None, timedelta] = {}

    def furnish(self, house: House) -> None:
        """Take what the settings say now; it holds for what is being watched as well."""
        with self._lock:
            self._house = house
            self._renew()

    @property
    def house(self) -> House:
        """Return what the settings said last."""
        return self._house

    def now(self) -> datetime:
        """Return the time that decisions go by."""
        return self._clock.now()

    def elapsed(self) -> timedelta:
        """Return time that no clock setting moves."""
        return self._clock.elapsed()

    def decide(self, asking: Asking) -> Decision:
        """Decide as of now."""
        now, trusted = self._clock.now(), self._clock.trusted
        return decide(self._register, asking, now, trusted=trusted)

    # Pledges

    def has_pledged(self, user: str) -> bool:
        """Return whether a user accepted pledge and rules as they read now."""
        return user in self._register.accepted

    def person(self, user: str) -> Person | None:
        """Return how a user is appointed just now."""
        return self._register.person(user, self._clock.now())

    def may_pledge(self, user: str) -> bool:
        """Return whether a user has a role or a permission, now or later, to pledge for."""
        now = self._clock.now()
        mine = [each.until_at for each in self._house.people if each.user == user]
        mine += [each.until_at for each in self._register.permissions if each.user == user]
        return any(until_at is None or now < until_at for until_at in mine)

    def pledge(self, caller: Caller, *, version: str, data: Mapping[str, Json]) -> None:
        """Enter that a user accepted pledge and rules of this version; durable on return.

        `PledgeStaleError` when they read otherwise by now, or when nothing asks for it.
        """
        user = caller.user
        if user is None or version != self._house.version or not self.may_pledge(user):
            raise PledgeStaleError
        self._ledger.append(
            EntryKind.PLEDGE_ACCEPTED,
            actor=self.name_of(caller),
            subject=user,
            data={**data, "user": user, "version": version},
        )
        with self._lock:
            self._pledges[user] = version
            self._renew()

    # Guest permissions

    def permissions(self) -> tuple[Permission, ...]:
        """Return the guest permissions that have not ended, oldest first."""
        now = self._clock.now()
        return tuple(each for each in self._register.permissions if now < each.until_at)

    def permit(
        self,
        manager: Caller,
        *,
        user: str,
        name: str,
        cameras: frozenset[str],
        start_at: datetime,
        end_at: datetime,
        reason: str,
        length: timedelta,
    ) -> Permission:
        """Give a guest permission; durable on return.

        The caller has asked `decide` for `Action.MANAGE`. `PermissionInvalidError` names the field
        that is wrong: at least one camera of the site, a span that does not end before it begins,
        a reason, and at most 24 hours.
        """
        now = self._clock.now()
        wrong = {
            "cameras": not cameras or not cameras <= self._house.cameras,
            "end_at": end_at <= start_at,
            "reason": not reason.strip(),
            "length": not timedelta(0) < length <= LONGEST_PERMISSION,
            "user": not user,
            "name": not name.strip(),
        }
        for what, is_wrong in wrong.items():
            if is_wrong:
                raise PermissionInvalidError(what)
        made = Permission(
            id=secrets.token_hex(8),
            user=user,
            name=name.strip(),
            cameras=cameras,
            start_at=start_at,
            end_at=end_at,
            reason=reason.strip(),
            given_by=manager.user or "",
            given_at=now,
            until_at=now + length,
        )
        self._ledger.append(
            EntryKind.PERMISSION_GIVEN,
            actor=self.name_of(manager),
            subject=user,
            data=_permission_data(made),
            at=now,
        )
        with self._lock:
            self._permissions[made.id] = made
            self._renew()
        return made

    def withdraw(self, permission: str, *, actor: str) -> bool:
        """End a guest permission before its time; False when there is none such."""
        with self._lock:
            found = self._permissions.get(permission)
            if found is None or self._clock.now() >= found.until_at:
                return False
            # First in memory: from here on nothing is handed out under it.
            del self._permissions[permission]
            self._renew()
        self._ledger.append(
            EntryKind.PERMISSION_ENDED,
            actor=actor,
            subject=found.user,
            data={"permission": permission},
        )
        return True

    # Refusals

    def deny(
        self,
        caller: Caller,
        refusal: Refusal,
        action: Action,
        camera: str | None = None,
        purpose: str | None = None,
    ) -> bool:
        """Enter a refused try, at most one a minute for each person; return whether it was."""
        now = self._clock.elapsed()
        with self._lock:
            last = self._denied.get(caller.user)
            if last is not None and now - last < _DENIED_EVERY:
                return False
            self._denied = {k: at for k, at in self._denied.items() if now - at < _DENIED_EVERY}
            self._denied[caller.user] = now
        viewing = Viewing(
            id=secrets.token_hex(8),
            at=self._clock.now(),
            user=caller.user,
            name=self.name_of(caller) if caller.user is not None else None,
            kind=ViewingKind(action.value),
            # What was asked for may be anything; what is not known to us is not written down.
            camera=camera if camera in self._house.cameras else None,
            purpose=purpose if purpose in self._house.purposes else None,
            client=caller.client,
            refusal=refusal.value,
        )
        self._ledger.append(
            EntryKind.VIEWING_DENIED,
            actor=viewing.name or "nobody",
            subject=viewing.camera or "",
            data=viewing.to_data(),
            at=viewing.at,
        )
        self._on_event(ViewingDenied(viewing=viewing))
        return True

    def name_of(self, caller: Caller) -> str:
        """Return the name that a person is entered under: the real one where it is known."""
        if caller.user is None:
            return "nobody"
        names = {each.user: each.name for each in self._permissions.values()}
        names |= {each.user: each.name for each in self._house.people}
        return names.get(caller.user) or caller.name or caller.user

    def _renew(self) -> None:
        house = self._house
        self._register = Register(
            people=house.people,
            permissions=tuple(self._permissions.values()),
            accepted=frozenset(u for u, v in self._pledges.items() if v == house.version),
            cameras=house.cameras,
            purposes=house.purposes,
        )


def _pledges(ledger: Ledger) -> dict[str, str]:
    """Return, by user, the version of pledge and rules that they accepted last."""
    found = {}
    for each in ledger.entries((EntryKind.PLEDGE_ACCEPTED,)):
        read = Fields(each.data, "pledge")
        found[read.text("user")] = read.text("version")
    return found


def _permissions(ledger: Ledger, since: datetime) -> dict[str, Permission]:
    found: dict[str, Permission] = {}
    kinds = (EntryKind.PERMISSION_GIVEN, EntryKind.PERMISSION_ENDED)
    for each in ledger.entries(kinds, since=since):
        read = Fields(each.data, "permission")
        if each.kind == EntryKind.PERMISSION_ENDED:
            found.pop(read.text("permission"), None)
            continue
        spans = read.spans("footage")
        if len(spans) != 1:
            raise LedgerBrokenError("permission")
        made = Permission(
            id=read.text("permission"),
            user=read.text("user"),
            name=read.text("name"),
            cameras=frozenset(read.texts("cameras")),
            start_at=spans[0][0],
            end_at=spans[0][1],
            reason=read.text("reason"),
            given_by=read.text("given_by"),
            given_at=each.at,
            until_at=read.time("until"),
        )
        found[made.id] = made
    return found


def _permission_data(made: Permission) -> dict[str, Json]:
    return {
        "permission": made.id,
        "user": made.user,
        "name": made.name,
        "cameras": sorted(made.cameras),
        "footage": [[made.start_at.isoformat(), made.end_at.isoformat()]],
        "reason": made.reason,
        "given_by": made.given_by,
        "until": made.until_at.isoformat(),
    }
