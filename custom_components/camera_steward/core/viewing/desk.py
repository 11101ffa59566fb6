"""The desk: who may watch just now, by appointment, pledge and permission.

What the settings and the ledger say of it is held in memory, and each question is decided from
there. Refusals, pledges and permissions are entered in the ledger.
"""

import secrets
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, tzinfo
from operator import attrgetter
from typing import Protocol

from ..access.decide import Asking, Decision, Refusal, RefusedError, decide
from ..access.people import Permission, Person, Register
from ..errors import LedgerBrokenError, PermissionInvalidError, PledgeStaleError, StewardError
from ..ledger.entry import EntryKind, Json
from ..ledger.fields import Fields, spans_data
from ..ledger.store import Ledger
from ..ledger.viewings import Viewing
from ..model import Action, is_moment, is_text

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
    now, `zone` the site's time zone, for what counts as night, `live_length` how long a live look
    lasts.
    """

    people: tuple[Person, ...] = ()
    cameras: frozenset[str] = frozenset()
    purposes: frozenset[str] = frozenset()
    version: str = ""
    zone: tzinfo | None = None
    live_length: timedelta = timedelta(minutes=10)


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

    def asking(
        self, action: Action, *, camera: str | None = None, purpose: str | None = None
    ) -> Asking:
        """Return the question whether this caller may do something."""
        return Asking(
            user=self.user, active=self.active, action=action, camera=camera, purpose=purpose
        )


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
        now, elapsed = clock.now(), clock.elapsed()
        self._permissions = _permissions(ledger, now - LONGEST_PERMISSION)
        # When each has lasted its time by a clock that nobody can set back.
        self._lapses = {
            each.id: elapsed + min(each.until_at - now, LONGEST_PERMISSION)
            for each in self._permissions.values()
        }
        self._owed: set[str] = set()
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
        self._lapse()
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
        self._lapse()
        now = self._clock.now()
        mine = [each.until_at for each in self._house.people if each.user == user]
        mine += [p.until_at for p in self._register.permissions if p.user == user and not p.over]
        return any(until_at is None or now < until_at for until_at in mine)

    def pledge(self, caller: Caller, *, version: str, data: Mapping[str, Json]) -> None:
        """Enter that a user accepted pledge and rules of this version, once; durable on return.

        `PledgeStaleError` when they read otherwise by now, or when nothing asks for it.
        """
        user = caller.user
        stale = not version or version != self._house.version
        if user is None or stale or not self.may_pledge(user):
            raise PledgeStaleError
        if self.has_pledged(user):
            return
        self._ledger.append(
            EntryKind.PLEDGE_ACCEPTED,
            actor=self.name_of(caller),
            subject=user,
            data={**data, "user": user, "version": version},
            at=self._clock.now(),
        )
        with self._lock:
            self._pledges[user] = version
            self._renew()

    # Guest permissions

    def permissions(self) -> tuple[Permission, ...]:
        """Return the guest permissions that have not ended, oldest first."""
        self._lapse()
        now = self._clock.now()
        return tuple(
            each for each in self._register.permissions if not each.over and now < each.until_at
        )

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
        now, elapsed = self._clock.now(), self._clock.elapsed()
        wrong = {
            "cameras": not cameras or not cameras <= self._house.cameras,
            "start_at": not is_moment(start_at),
            "end_at": not (is_moment(start_at) and is_moment(end_at) and start_at < end_at),
            "reason": not is_text(reason),
            "length": not timedelta(0) < length <= LONGEST_PERMISSION,
            "user": not user,
            "name": not is_text(name),
        }
        for what, is_wrong in wrong.items():
            if is_wrong:
                raise PermissionInvalidError(what)
        made = Permission(
            id=secrets.token_hex(8),
            user=user,
            name=name.strip(),
            cameras=cameras,
            start_at=start_at.astimezone(UTC),
            end_at=end_at.astimezone(UTC),
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
            self._lapses[made.id] = elapsed + length
            self._renew()
        return made

    def withdraw(self, permission: str, *, actor: str) -> bool:
        """End a guest permission before its time; False when there is none such.

        It is over even where the ledger cannot be written; then to be asked for again.
        """
        return bool(self._end((permission,), actor))

    def withdraw_all(self, *, actor: str) -> int:
        """End every guest permission before its time; return how many there were.

        All are over even where the ledger cannot be written; then to be asked for again.
        """
        self._lapse()
        return self._end(None, actor)

    def _end(self, chosen: tuple[str, ...] | None, actor: str) -> int:
        """End some permissions, or all; those that have ended by themselves are left alone."""
        now = self._clock.now()
        with self._lock:
            ended = [
                found
                for each in (self._permissions if chosen is None else chosen)
                if (found := self._permissions.get(each)) is not None
                and now < found.until_at
                and (not found.over or found.id in self._owed)
            ]
            # First in memory: from here on nothing is handed out under them.
            for each in ended:
                self._owed.add(each.id)
                self._permissions[each.id] = replace(each, over=True)
            self._renew()
        for each in ended:
            self._ledger.append(
                EntryKind.PERMISSION_ENDED,
                actor=actor,
                subject=each.user,
                data={"permission": each.id},
                at=now,
                key=f"permission-ended-{each.id}",
            )
            with self._lock:
                self._owed.discard(each.id)
        return len(ended)

    def _lapse(self) -> None:
        """Put an end to what has lasted its time: a clock that is set back gives none of it anew.

        Nor does one that was believed when it said that the time was over.
        """
        elapsed, now, trusted = self._clock.elapsed(), self._clock.now(), self._clock.trusted
        with self._lock:
            lapsed = [
                each
                for each, at in self._lapses.items()
                if at <= elapsed or (trusted and self._permissions[each].until_at <= now)
            ]
            for each in lapsed:
                del self._lapses[each]
                self._permissions[each] = replace(self._permissions[each], over=True)
            if lapsed:
                self._renew()

    # The register

    def register_read(self, manager: Caller, since: datetime, until: datetime) -> None:
        """Enter that the manager read the viewing register of [since, until); durable on return.

        Once a day and person: of several readings the day's first. The day is the site's.
        """
        now, user = self._clock.now(), manager.user or ""
        self._ledger.append(
            EntryKind.REGISTER_READ,
            actor=self.name_of(manager),
            subject=user,
            data={"user": user, "read": spans_data([(since, until)])},
            at=now,
            key=f"register-read-{user}-{now.astimezone(self._house.zone).date()}",
        )

    # Refusals

    @contextmanager
    def on_record(
        self,
        caller: Caller,
        action: Action,
        camera: str | None = None,
        purpose: str | None = None,
    ) -> Iterator[None]:
        """Enter the refusal, and let it go on, where what is done here is refused."""
        try:
            yield
        except RefusedError as err:
            self.deny(caller, err.refusal, action, camera, purpose)
            raise

    def allow(self, caller: Caller, action: Action) -> Decision:
        """Return why somebody may do something; `RefusedError`, entered, where they may not."""
        with self.on_record(caller, action):
            return self.decide(caller.asking(action)).or_refused()

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
            kind=action,
            # What was asked for may be anything; what is not known to us is not written down.
            camera=camera if camera in self._house.cameras else None,
            purpose=purpose if purpose in self._house.purposes else None,
            client=caller.client,
            refusal=refusal.value,
        )
        try:
            self._ledger.append(
                EntryKind.VIEWING_DENIED,
                actor=viewing.name or "nobody",
                subject=viewing.camera or "",
                data=viewing.to_data(),
                at=viewing.at,
            )
        except StewardError:
            with self._lock:
                self._denied.pop(caller.user, None)
            raise
        self._on_event(ViewingDenied(viewing=viewing))
        return True

    def name_of(self, caller: Caller) -> str:
        """Return the name that a person is entered under: the real one where it is known."""
        if caller.user is None:
            return "nobody"
        acting = self.person(caller.user)
        if acting is not None:
            return acting.name
        register = self._register
        names = {each.user: each.name for each in register.permissions}
        names |= {each.user: each.name for each in register.people}
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
    # In the order of their numbers: that of their times is another where a clock was set back.
    for each in sorted(ledger.entries((EntryKind.PLEDGE_ACCEPTED,)), key=attrgetter("id")):
        read = Fields(each.data, "pledge")
        found[read.text("user")] = read.text("version")
    return found


def _permissions(ledger: Ledger, since: datetime) -> dict[str, Permission]:
    found: dict[str, Permission] = {}
    # Whenever: with a clock that was set back, one may have ended before it was given.
    ended = {
        Fields(each.data, "permission").text("permission")
        for each in ledger.entries((EntryKind.PERMISSION_ENDED,))
    }
    for each in ledger.entries((EntryKind.PERMISSION_GIVEN,), since=since):
        read = Fields(each.data, "permission")
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
            over=read.text("permission") in ended,
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
