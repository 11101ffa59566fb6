"""The counter: who may hold and hand over, on what ground, entered before anything leaves (INV-4).

Sources: Kumagaya 第3 4 (two grounds, identity checked, recorded) and docs/design/handover.md.
"""

import secrets
import threading
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta

from ..access.decide import Decision, Refusal, RefusedError
from ..access.people import Role
from ..errors import (
    DisclosureInvalidError,
    HoldInvalidError,
    HoldMissingError,
    NoFootageError,
    NoGroundError,
    StewardError,
    StoppedError,
)
from ..ledger.disclosures import (
    Disclosure,
    Outcome,
    Sent,
    disclosure_register,
    ended_data,
    started_data,
)
from ..ledger.entry import SYSTEM, EntryKind
from ..ledger.store import Ledger
from ..model import FAR_AT, FIRST_AT, LONGEST_TEXT, Action
from ..retention.hold import LONGEST
from ..retention.holds import Hold, Holds
from ..viewing.desk import Caller
from ..viewing.lobby import Lobby
from .grounds import (
    Order,
    Request,
    RequestKind,
    check_footage,
    check_texts,
    file_name,
    particulars_of,
)
from .handing import Broken, HandOver
from .packing import Packing
from .passwords import make_password

DOWNLOAD_WITHIN = timedelta(minutes=15)
"""How long an approval waits for its download: a product default."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """What the manager approved: good for one download by this login and session, for a while.

    `password` opens the package; it is told once and held in memory until the download begins.
    """

    disclosure: Disclosure
    caller: Caller
    password: str = field(repr=False)
    expires_at: datetime
    lapses: timedelta

    @property
    def id(self) -> str:
        """Return the disclosure's id."""
        return self.disclosure.id

    @property
    def number(self) -> str:
        """Return the disclosure's number in the register."""
        return self.disclosure.number


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """What the forms offer to a person with this role; `cameras` from when to when with footage."""

    role: Role
    grounds: frozenset[RequestKind]
    cameras: Mapping[str, tuple[datetime, datetime] | None]
    longest_hold: timedelta
    fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far an approved package has come: until when it waits, or how much of it is sent."""

    expires_at: datetime | None = None
    done_bytes: int | None = None
    total_bytes: int | None = None


class Counter:
    """One site's counter. Any thread, all blocking. Each method decides, and enters a refusal."""

    def __init__(
        self,
        lobby: Lobby,
        ledger: Ledger,
        holds: Holds,
        packing: Packing,
        *,
        grounds: frozenset[RequestKind],
    ) -> None:
        """Read the register: what was begun and has no end was broken off, and is entered so.

        `grounds` are the pack's. `LedgerBrokenError` when the register cannot be read.
        """
        self._lobby = lobby
        self._desk = lobby.desk
        self._ledger = ledger
        self._holds = holds
        self._packing = packing
        self._grounds = grounds
        self._lock = threading.Lock()
        self._numbering = threading.Lock()
        self._waiting: dict[str, Approval] = {}
        self._taken: set[str] = set()
        self._running: dict[str, HandOver] = {}
        self._stopped = False
        self._numbers: dict[int, int] = {}
        for each in disclosure_register(ledger, FIRST_AT, FAR_AT):
            year, number = (int(part) for part in each.number.split("-"))
            self._numbers[year] = max(self._numbers.get(year, 0), number)
            if each.started_at is not None and each.ended_at is None:
                ledger.append(
                    EntryKind.DISCLOSURE_ENDED,
                    actor=SYSTEM,
                    subject=each.number,
                    data=ended_data(each.id, Sent(), Broken.RESTART.value),
                    at=self._desk.now(),
                    key=f"disclosure-ended-{each.id}",
                )

    def allow(self, caller: Caller, action: Action) -> Decision:
        """Return why somebody may do something; `RefusedError`, entered, where they may not."""
        return self._desk.allow(caller, action)

    # What a person sees

    def form(self, caller: Caller) -> Form:
        """Return what the forms offer; to manager and operators."""
        role = self._role(caller)
        return Form(
            role=role,
            grounds=self._grounds,
            cameras={each: self._lobby.extent(each) for each in sorted(self._desk.house.cameras)},
            longest_hold=LONGEST[role],
            fingerprint=self._packing.sender.fingerprint,
        )

    def register(self, caller: Caller, since: datetime, until: datetime) -> list[Disclosure]:
        """Return the disclosure register of [since, until), in order of time; to the manager."""
        self.allow(caller, Action.MANAGE)
        self._lapse()
        with self._lock:
            open_ids = {*self._waiting, *self._taken, *self._running}
        return disclosure_register(self._ledger, since, until, open_ids)

    def to_return(self, caller: Caller) -> list[Disclosure]:
        """Return, of any time, what left with a person who no longer acts; to the manager.

        They hold a copy that is to be given back or destroyed (第3 3).
        """
        return [e for e in self.register(caller, FIRST_AT, FAR_AT) if self._is_to_return(e)]

    def progress(self) -> dict[str, Progress]:
        """Return, by disclosure, how far what waits and what is being sent has come."""
        self._lapse()
        with self._lock:
            waiting, running = dict(self._waiting), dict(self._running)
        found = {k: Progress(expires_at=each.expires_at) for k, each in waiting.items()}
        found |= {
            k: Progress(done_bytes=each.package.done_bytes, total_bytes=each.package.total_bytes)
            for k, each in running.items()
            if not each.over
        }
        return found

    def cameras(self) -> frozenset[str]:
        """Return the cameras of which there is footage, removed ones too."""
        return self._lobby.cameras()

    def under_way(self) -> list[Disclosure]:
        """Return what waits for its download or is being sent, in order of time."""
        self._lapse()
        with self._lock:
            found = [each.disclosure for each in self._waiting.values()]
            found += [each.disclosure for each in self._running.values() if not each.over]
        return sorted(found, key=lambda each: each.at)

    def is_ground(self, kind: str) -> bool:
        """Return whether footage is handed over on this kind of request."""
        return kind in self._grounds

    def acts(self, user: str) -> bool:
        """Return whether someone is appointed just now."""
        return self._desk.person(user) is not None

    # Holds

    def holds(self, caller: Caller) -> tuple[Hold, ...]:
        """Return what is held, oldest first; to manager and operators."""
        self.allow(caller, Action.HOLD)
        return self._holds.all()

    def hold(
        self,
        caller: Caller,
        *,
        cameras: Collection[str],
        start_at: datetime,
        end_at: datetime,
        reason: str,
        requested_by: str,
        document: str = "",
        document_at: date | None = None,
        length: timedelta,
    ) -> Hold:
        """Preserve footage: the manager, or an operator for seven days, which discloses nothing.

        Raises what `Holds.place` raises; `HoldInvalidError` for a camera that is none of the site.
        """
        role = self._role(caller)
        if not set(cameras) <= self._desk.house.cameras:
            raise HoldInvalidError("cameras")
        return self._holds.place(
            cameras=sorted(cameras),
            start_at=start_at,
            end_at=end_at,
            reason=reason,
            requested_by=requested_by,
            document=document,
            document_at=document_at,
            until_at=self._desk.now() + length,
            actor=self._desk.name_of(caller),
            role=role,
        )

    def renew(self, caller: Caller, hold: str, *, reason: str, length: timedelta) -> Hold:
        """Let a hold last so long from now, for a new reason; the manager's."""
        self.allow(caller, Action.MANAGE)
        return self._holds.renew(
            hold,
            until_at=self._desk.now() + length,
            reason=reason,
            actor=self._desk.name_of(caller),
            role=Role.MANAGER,
        )

    def review(self, caller: Caller, hold: str, *, note: str) -> Hold:
        """Enter that the manager looked whether a hold is still needed."""
        self.allow(caller, Action.MANAGE)
        return self._holds.review(
            hold, note=note, actor=self._desk.name_of(caller), role=Role.MANAGER
        )

    def release(self, caller: Caller, hold: str, *, reason: str) -> None:
        """End a hold now, for a reason; the manager's. Its key is destroyed on return."""
        self.allow(caller, Action.MANAGE)
        self._holds.release(
            hold, reason=reason, actor=self._desk.name_of(caller), role=Role.MANAGER
        )

    # Requests

    def refuse(
        self, caller: Caller, request: Request, *, refusal: str, hold: str | None = None
    ) -> Disclosure:
        """Enter that a request was refused, and why; the manager's. Durable on return.

        `hold` is where its footage was preserved. What is known of the request may be little.
        `DisclosureInvalidError` names the field that is wrong, `HoldMissingError` says that there
        is no such hold.
        """
        decision = self.allow(caller, Action.MANAGE)
        if hold is not None:
            self._holds.get(hold)
        now = self._desk.now()
        check_texts(recipient=request.recipient, reason=request.reason, refusal=refusal)
        if request.cameras or request.span is not None:
            check_footage(request, self._desk.house.cameras, now)
        particulars = particulars_of(request, self._today(now), complete=False)
        made = self._disclosure(decision, caller, request, particulars, now, hold)
        return self._enter(replace(made, outcome=Outcome.REFUSED, refusal=refusal.strip()))

    def approve(self, caller: Caller, order: Order) -> Approval:
        """Enter that the manager hands footage over, and make the way for one download.

        `NoGroundError` where the kind of request is none of the pack's grounds,
        `DisclosureInvalidError` naming the field that is wrong, `NoFootageError` where nothing is
        kept of it, `HoldMissingError` where its hold has ended.
        """
        decision = self.allow(caller, Action.DISCLOSE)
        with self._desk.on_record(caller, Action.DISCLOSE):
            if caller.session is None:
                raise RefusedError(Refusal.ADDRESS)
        if order.kind not in self._grounds:
            raise NoGroundError
        now, elapsed = self._desk.now(), self._desk.elapsed()
        check_texts(
            recipient=order.recipient,
            reason=order.reason,
            identity=order.identity,
            in_charge=order.in_charge,
        )
        if len(order.witness) > LONGEST_TEXT:
            raise DisclosureInvalidError("witness")
        particulars = particulars_of(order, self._today(now), complete=True)
        if order.hold is None:
            check_footage(order, self._desk.house.cameras, now)
        else:
            check_footage(order, frozenset(self._holds.get(order.hold).cameras), now)
        made = replace(
            self._disclosure(decision, caller, order, particulars, now, order.hold),
            identity=order.identity.strip(),
            in_charge=order.in_charge.strip(),
            witness=order.witness.strip() or None,
        )
        self._packing.check(made)
        made = self._enter(made)
        approval = Approval(
            disclosure=made,
            caller=caller,
            password=make_password(),
            expires_at=now + DOWNLOAD_WITHIN,
            lapses=elapsed + DOWNLOAD_WITHIN,
        )
        with self._lock:
            self._waiting[made.id] = approval
        return approval

    def record(self, caller: Caller, disclosure: str, language: str) -> str:
        """Return the printable record of what was handed over; the manager's.

        `DisclosureInvalidError` where nothing went out.
        """
        for each in self.register(caller, FIRST_AT, FAR_AT):
            if each.id == disclosure and each.ended_at is not None:
                return self._packing.record(each, language, file_name(each.number))
        raise DisclosureInvalidError("disclosure")

    # Handing over

    def begin(self, disclosure: str, caller: Caller) -> HandOver:
        """Hand an approved package over, once, to the login and session that approved it.

        That it begins is in the ledger on return, before its first byte (INV-4). `RefusedError` to
        all others, and when it lapsed, whether there is such an approval or not. What fails before
        the entry stands can be begun again; but where its footage is gone or its hold has ended,
        the approval lapses.
        """
        with self._desk.on_record(caller, Action.DISCLOSE):
            approval = self._take(disclosure, caller)
        try:
            package = self._packing.package(approval.disclosure, approval.password)
            clock = self._packing.clock()
            self._ledger.append(
                EntryKind.DISCLOSURE_STARTED,
                actor=approval.disclosure.name,
                subject=approval.number,
                data=started_data(
                    *(approval.id, caller.client),
                    trusted=clock.trusted,
                    synchronised=clock.synchronised,
                ),
                at=self._desk.now(),
            )
            made = HandOver(approval.disclosure, package, caller, self._desk, self._ledger)
        except BaseException as err:
            with self._lock:
                if not isinstance(err, (HoldMissingError, NoFootageError)):
                    self._waiting[approval.id] = approval
                self._taken.discard(approval.id)
            raise
        with self._lock:
            self._running[approval.id] = made
            self._taken.discard(approval.id)
            stopped = self._stopped
        if stopped:
            made.close(Broken.STOPPED)
        return made

    def _take(self, disclosure: str, caller: Caller) -> Approval:
        if caller.user is None:
            raise RefusedError(Refusal.NOBODY)
        self._lapse()
        self._desk.decide(caller.asking(Action.DISCLOSE)).or_refused()
        with self._lock:
            if self._stopped:
                raise StoppedError
            approval = self._waiting.get(disclosure)
            if approval is None or (caller.user, caller.session) != (
                approval.caller.user,
                approval.caller.session,
            ):
                raise RefusedError(Refusal.ADDRESS)
            self._taken.add(disclosure)
            return self._waiting.pop(disclosure)

    def sweep(self) -> None:
        """Forget what lapsed, break off what nobody takes or may take, and enter what is owed."""
        self._lapse()
        with self._lock:
            running = tuple(self._running.values())
        failed: StewardError | None = None
        for each in running:
            try:
                each.sweep()
            except StewardError as err:
                failed = failed or err
            if each.entered:
                with self._lock:
                    self._running.pop(each.disclosure.id, None)
        if failed is not None:
            raise failed

    def stop(self) -> None:
        """Break off what is being sent, and let nothing begin any more."""
        with self._lock:
            self._stopped = True
            self._waiting.clear()
            running = tuple(self._running.values())
        for each in running:
            # What cannot be entered now the next start enters.
            with suppress(StewardError):
                each.close(Broken.STOPPED)

    # Inside

    def _is_to_return(self, each: Disclosure) -> bool:
        return each.is_out and not self.acts(each.user)

    def _role(self, caller: Caller) -> Role:
        """Return as what somebody preserves footage."""
        role = self.allow(caller, Action.HOLD).role
        assert role is not None
        return role

    def _lapse(self) -> None:
        """Forget approvals, and with them their passwords, that were not used in time."""
        elapsed = self._desk.elapsed()
        with self._lock:
            for each in [k for k, v in self._waiting.items() if v.lapses <= elapsed]:
                del self._waiting[each]

    def _today(self, now: datetime) -> date:
        return now.astimezone(self._desk.house.zone).date()

    def _disclosure(
        self,
        decision: Decision,
        caller: Caller,
        request: Request,
        particulars: dict[str, str],
        now: datetime,
        hold: str | None,
    ) -> Disclosure:
        span = request.span
        return Disclosure(
            id=secrets.token_hex(8),
            number="",
            at=now,
            outcome=Outcome.APPROVED,
            kind=request.kind.value,
            particulars=particulars,
            recipient=request.recipient.strip(),
            reason=request.reason.strip(),
            cameras=dict(request.cameras),
            span=(span[0].astimezone(UTC), span[1].astimezone(UTC)) if span else None,
            user=caller.user or "",
            name=decision.name or "",
            hold=hold,
        )

    def _enter(self, made: Disclosure) -> Disclosure:
        """Enter a beginning under the next number; a number that was not entered is not used up."""
        refused = made.outcome is Outcome.REFUSED
        with self._numbering:
            year = self._today(made.at).year
            number = self._numbers.get(year, 0) + 1
            made = replace(made, number=f"{year}-{number:03}")
            entry = self._ledger.append(
                EntryKind.DISCLOSURE_REFUSED if refused else EntryKind.DISCLOSURE_APPROVED,
                actor=made.name,
                subject=made.number,
                data=made.to_data(),
                at=made.at,
            )
            self._numbers[year] = number
        return replace(made, entry=entry.id)
