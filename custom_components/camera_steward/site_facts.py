"""What a site's duties are judged by, gathered: settings, what was seen, and what is on record.

Read anew at each look. What the ledger and the templates say is read in the executor (INV-8).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from operator import attrgetter
from typing import Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_NAME
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util

from .bridge import Bridge, cameras_of
from .const import (
    CONF_DIRECTION,
    CONF_FIELD_OF_VIEW,
    CONF_INSTALLER,
    CONF_KEY_MARK,
    CONF_MANAGER_NAME,
    CONF_MANAGER_USER_ID,
    CONF_PLACE,
    CONF_PURPOSE,
    CONF_UNTIL,
    CONF_USER_ID,
)
from .copies import CopiesLook
from .core.access.people import Person, Role
from .core.documents.rules import Rules, differing
from .core.documents.sign import sign_version
from .core.ledger.entry import Entry, EntryKind
from .core.model import CaptureStatus
from .core.policy.facts import CameraFact, ClockStep, PersonFact, RecordFact, RulesFact, SiteFacts
from .core.policy.pack import Pack
from .core.policy.task import Doing
from .core.retention.guard import ClockState
from .core.retention.limits import effective
from .core.site import SiteSnapshot
from .core.steward import Steward
from .core.tasks.records import open_facts
from .core.viewing.lobby import Lobby
from .exposure import Exposure, Logins
from .limits import ceiling_of, limit_from
from .memory import SiteMemory
from .papers import sign_now
from .people import is_person, people_of
from .texts import bounds
from .utilization_facts import UTILIZATION_KINDS, Count, OnRecord, take, utilization_facts


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What was last seen of a site (`coordinator.py`)."""

    snapshot: SiteSnapshot
    exposures: Mapping[str, Exposure]
    logins: Logins
    copies: CopiesLook
    rules: Rules
    utilizations: Mapping[str, Count] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class _OnRecord:
    """What one reading of the ledger says."""

    since_at: datetime | None = None
    pack_at: datetime | None = None
    restarted_at: datetime | None = None
    """When the ledger began anew."""
    kit_taken_at: datetime | None = None
    adopted: Entry | None = None
    """The entry of the rules that were adopted last."""
    cameras: dict[str, datetime] = field(default_factory=dict)
    """When each camera was added."""
    appointed: dict[str, datetime] = field(default_factory=dict)
    """When each operator came into the settings, by user."""
    left: list[Person] = field(default_factory=list)
    """Who was taken out of the settings, as they stood there."""
    clock_steps: list[ClockStep] = field(default_factory=list)
    records: tuple[RecordFact, ...] = ()
    doings: Mapping[str, Doing] = field(default_factory=dict)
    utilizations: dict[str, OnRecord] = field(default_factory=dict)


_KINDS: Final = (
    EntryKind.SITE_CREATED,
    EntryKind.SETTINGS_CHANGED,
    EntryKind.CAMERA_ADDED,
    EntryKind.PERSON_APPOINTED,
    EntryKind.PERSON_REMOVED,
    EntryKind.PACK_CHOSEN,
    EntryKind.RECOVERY_KIT_TAKEN,
    EntryKind.RULES_ADOPTED,
    EntryKind.LEDGER_RESTARTED,
    EntryKind.CLOCK_ACCEPTED,
)


async def async_site_facts(
    hass: HomeAssistant,
    entry: ConfigEntry,
    bridge: Bridge,
    memory: SiteMemory,
    sight: Sight,
    pack: Pack,
) -> SiteFacts:
    """Return a site as it stands now; raises the core's own errors."""
    users = await hass.auth.async_get_users()
    logins = frozenset(each.id for each in users if is_person(each))
    known = await hass.async_add_executor_job(_read, bridge.steward, entry)

    def ask(lobby: Lobby) -> tuple[datetime, frozenset[str]]:
        # The time that is believed: nothing is late because a clock jumped.
        desk = lobby.desk
        return desk.now(), frozenset(each for each in logins if desk.has_pledged(each))

    now, pledged = await bridge.async_in_lobby(ask)
    snapshot, copies = sight.snapshot, sight.copies
    since_at = known.since_at or entry.created_at
    people = [*_appointed(people_of(entry), known), *known.left]
    administrators = len(sight.logins.administrators)
    return SiteFacts(
        now=now,
        site=entry.entry_id,
        title=entry.title,
        since_at=since_at,
        provisional_since=known.pack_at or since_at,
        installer=entry.data[CONF_INSTALLER],
        purpose=entry.data[CONF_PURPOSE],
        people=tuple(
            PersonFact(
                user=each.user,
                name=each.name,
                role=each.role,
                since_at=each.since_at,
                until_at=each.until_at,
                acts=each.acts(now),
                pledged=each.user in pledged,
                login=each.user in logins,
            )
            for each in people
        ),
        cameras=tuple(_cameras(entry, memory, sight, known, pack, now)),
        ceiling=pack.ceiling,
        past_limit=snapshot.past_limit,
        statement_at=snapshot.last_statement_at,
        clock_trusted=snapshot.clock is not ClockState.SUSPENDED,
        clock_settled=snapshot.clock is ClockState.TRUSTED,
        clock_steps=tuple(known.clock_steps),
        zone=dt_util.get_default_time_zone(),
        ledger_broken=snapshot.ledger_broken,
        storage_trouble=snapshot.storage_error_key is not None,
        administrators=administrators,
        others=len(sight.logins.others) - administrators,
        copies=len(copies.copies),
        copies_past_limit=copies.past_limit,
        copies_unknown=copies.unknown,
        copies_due=len(copies.due),
        backup_plan_holds=copies.plan is not None and bool(copies.plan.places),
        kit_taken_at=known.kit_taken_at,
        sign_version=sign_version(sign_now(entry, pack, memory)),
        rules=_rules(known.adopted, sight.rules),
        records=known.records,
        utilizations=tuple(
            utilization_facts(
                entry,
                memory,
                known.utilizations,
                known.records,
                sight.utilizations,
                now,
                known.restarted_at,
            )
        ),
        doings=known.doings,
    )


def silent_cameras(snapshot: SiteSnapshot, before: Mapping[str, datetime]) -> dict[str, datetime]:
    """Return the cameras that send nothing, and since when; `before` is what was known of it.

    The snapshot forgets at a restart, or when a camera is tried again.
    """
    return {
        camera: min(each.since, before.get(camera, each.since))
        for camera, each in snapshot.cameras.items()
        if each.status in (CaptureStatus.NO_STREAM, CaptureStatus.STOPPED)
        or (each.status is CaptureStatus.CONNECTING and camera in before)
    }


def _cameras(
    entry: ConfigEntry,
    memory: SiteMemory,
    sight: Sight,
    known: _OnRecord,
    pack: Pack,
    now: datetime,
) -> Iterator[CameraFact]:
    for camera, subentry in cameras_of(entry).items():
        # Between a change of the settings and the restart that follows, one of them has it.
        if (found := sight.snapshot.cameras.get(camera)) is None:
            continue
        data, seen = subentry.data, sight.exposures.get(camera)
        limit = limit_from(data)
        yield CameraFact(
            id=camera,
            name=subentry.title,
            since_at=known.cameras.get(camera, entry.created_at),
            purpose=data[CONF_PURPOSE],
            place=data[CONF_PLACE],
            direction=data[CONF_DIRECTION],
            field_of_view=data[CONF_FIELD_OF_VIEW],
            recording=found.recording,
            status=found.status,
            status_since=memory.silent.get(camera, found.since),
            overdue=found.overdue,
            live_limited=seen.enforced if seen is not None else None,
            limit=effective(limit, ceiling_of(entry.data), now),
            asked=limit.duration,
            reason=limit.reason,
            approver=limit.approver,
            review_at=limit.review_at,
            noticed=sight.copies.noticed.get(camera, 0),
            inspected_at=found.inspection.looked_at,
            faults=found.faults,
        )


def _rules(adopted: Entry | None, now: Rules) -> RulesFact:
    """Return the rules as adopted beside those that the settings give now."""
    if adopted is None:
        return RulesFact(running_version=now.version)
    articles = adopted.data.get("articles")
    digests = {k: str(v) for k, v in articles.items()} if isinstance(articles, Mapping) else {}
    return RulesFact(
        running_version=now.version,
        adopted_version=str(adopted.data.get("version")),
        adopted_at=adopted.at,
        adopted_by=adopted.actor,
        differing=differing(digests, now.digests),
    )


def _appointed(people: Iterable[Person], known: _OnRecord) -> Iterator[Person]:
    """Yield who is appointed; what is asked of them began when they were entered, not earlier."""
    for each in people:
        entered_at = known.appointed.get(each.user)
        begins = [at for at in (each.since_at, entered_at) if at is not None]
        yield replace(each, since_at=max(begins, default=None))


def _read(steward: Steward, entry: ConfigEntry) -> _OnRecord:
    known = _OnRecord(
        records=open_facts(steward.records()),
        doings=steward.tasks().doings(),
    )
    for each in steward.entries(_KINDS):
        _take(known, each, entry)
    # As they were entered: by their times a clock that was set back would turn them round.
    for each in sorted(steward.entries(UTILIZATION_KINDS), key=attrgetter("id")):
        take(known.utilizations, each)
    return known


def _take(known: _OnRecord, each: Entry, entry: ConfigEntry) -> None:
    match each.kind:
        case EntryKind.SITE_CREATED:
            known.since_at = known.since_at or each.at
        case EntryKind.PACK_CHOSEN:
            # The first: choosing another one gives no new days without what recording needs.
            known.pack_at = known.pack_at or each.at
        case EntryKind.LEDGER_RESTARTED:
            # A damaged ledger took along what was done; recording must not end with it.
            known.pack_at = known.restarted_at = each.at
        case EntryKind.CAMERA_ADDED:
            known.cameras[each.subject] = each.at
        case EntryKind.RECOVERY_KIT_TAKEN:
            valid = each.data.get("mark") == entry.data[CONF_KEY_MARK]
            known.kit_taken_at = each.at if valid else known.kit_taken_at
        case EntryKind.RULES_ADOPTED:
            known.adopted = each
        case EntryKind.PERSON_APPOINTED:
            known.appointed.setdefault(str(each.data.get(CONF_USER_ID)), each.at)
        case EntryKind.PERSON_REMOVED:
            user = str(each.data.get(CONF_USER_ID))
            known.appointed.pop(user, None)
            known.left.append(_removed(user, each))
        case EntryKind.CLOCK_ACCEPTED if isinstance(by := each.data.get("jump_us"), int):
            known.clock_steps.append(ClockStep(at=each.at, by=timedelta(microseconds=by)))
        case EntryKind.SETTINGS_CHANGED if each.subject == entry.entry_id:
            _take_manager(known, each)


def _take_manager(known: _OnRecord, each: Entry) -> None:
    """Take that another person became the manager; the same one with another login is no other."""
    user, name = each.data.get(CONF_MANAGER_USER_ID), each.data.get(CONF_MANAGER_NAME)
    if not isinstance(user, Mapping):
        return
    known.appointed[str(user["to"])] = each.at
    if isinstance(name, Mapping):
        known.left.append(
            Person(
                user=str(user["from"]),
                name=str(name["from"]),
                role=Role.MANAGER,
                until_at=each.at,
            )
        )


def _removed(user: str, each: Entry) -> Person:
    """Return an operator who was taken out of the settings: their role ended then, or before."""
    until = each.data.get(CONF_UNTIL)
    ended_at = bounds(date.fromisoformat(str(until)))[1] if until else each.at
    return Person(
        user=user,
        name=str(each.data.get(CONF_NAME)),
        role=Role.OPERATOR,
        until_at=min(ended_at, each.at),
    )
