"""The gate: what must be there before a camera records (docs/design/duties.md)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from ..access.people import Role
from .facts import CameraFact, SiteFacts
from .states import Subject, SubjectKind
from .task import TaskKind

PROVISIONAL = timedelta(days=14)
"""How long a camera may record while something is missing. A product default."""


class Missing(StrEnum):
    """What a camera needs and has not."""

    PURPOSE = "purpose"
    MANAGER = "manager"
    RULES = "rules"
    SIGN = "sign"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """Whether a camera may record; where something is missing until `provisional_until`."""

    open: bool
    missing: tuple[Missing, ...] = ()
    provisional_until: datetime | None = None


def gates(facts: SiteFacts) -> Mapping[str, Gate]:
    """Return the gate of each camera, by its id.

    The days count from when the camera was added or the pack came to hold, whichever is later; for
    what was there and was lost – a manager whose role or login ended, a sign that was found missing – from
    then. A clock in doubt closes nothing.
    """
    return {each.id: _gate(facts, each) for each in facts.cameras}


def _gate(facts: SiteFacts, camera: CameraFact) -> Gate:
    missing = dict(_missing(facts, camera))
    if not missing:
        return Gate(open=True)
    begun_at = max(camera.since_at, facts.provisional_since)
    # What was lost first counts: else one loss after another would keep it open for ever.
    lost_at = min((at for at in missing.values() if at is not None), default=begun_at)
    never = any(at is None for at in missing.values())
    since_at = begun_at if never else max(begun_at, lost_at)
    until_at = min(since_at, facts.now) + PROVISIONAL
    return Gate(
        open=facts.now < until_at or not facts.clock_trusted,
        missing=tuple(missing),
        provisional_until=until_at,
    )


def _missing(facts: SiteFacts, camera: CameraFact) -> Iterator[tuple[Missing, datetime | None]]:
    """Yield what is missing, with since when where it once was there."""
    if not (camera.purpose.strip() or facts.purpose.strip()):
        yield Missing.PURPOSE, None
    if facts.manager is None:
        yield Missing.MANAGER, _manager_until(facts)
    elif not facts.manager.login:
        yield Missing.MANAGER, facts.manager_gone_at
    if not facts.rules.adopted_version:
        yield Missing.RULES, None
    sign = Subject(SubjectKind.CAMERA, camera.id)
    lost_at = facts.sign_missing_at(camera.id)
    if facts.doing(TaskKind.POST_SIGN, sign) is None:
        yield Missing.SIGN, None
    elif lost_at is not None:
        yield Missing.SIGN, lost_at


def _manager_until(facts: SiteFacts) -> datetime | None:
    ended = (e.until_at for e in facts.people if e.role is Role.MANAGER and not e.acts)
    return max((at for at in ended if at is not None and at <= facts.now), default=None)
