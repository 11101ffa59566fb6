"""A site's facts for the tests of duties: everything in order, or with what a test names changed."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any

from custom_components.camera_steward.core.access.people import Role
from custom_components.camera_steward.core.ledger.entry import Json
from custom_components.camera_steward.core.model import CaptureStatus
from custom_components.camera_steward.core.policy.evaluate import evaluate
from custom_components.camera_steward.core.policy.facts import (
    CameraFact,
    PersonFact,
    RecordFact,
    RulesFact,
    SiteFacts,
)
from custom_components.camera_steward.core.policy.pack import Control, Interval, Pack
from custom_components.camera_steward.core.policy.states import (
    ControlState,
    Subject,
    SubjectKind,
)
from custom_components.camera_steward.core.policy.task import (
    VERSIONED,
    Doing,
    Task,
    TaskKind,
    task_id,
)
from custom_components.camera_steward.core.policy.utilization import (
    Declaration,
    UtilizationCase,
    UtilizationFact,
)
from custom_components.camera_steward.core.tasks.engine import tasks
from custom_components.camera_steward.core.tasks.kinds import KINDS

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
BEGAN = NOW - timedelta(days=400)
DAY = timedelta(days=1)
SITE = Subject(SubjectKind.SITE, "site")
CAMERA = Subject(SubjectKind.CAMERA, "gate")
MANAGER = Subject(SubjectKind.PERSON, "hana")
OPERATOR = Subject(SubjectKind.PERSON, "taro")
SHOP = Subject(SubjectKind.UTILIZATION, "shop")
SIGN = "the sign as it reads now"
_entries = count(1)

WITHIN: Mapping[str, Json] = {
    "crime_prevention": "yes",
    "public_place": "yes",
    "permanent": "yes",
    "recording": "yes",
    "own_property": "no",
    "medium_in_camera": "no",
}
INSPECTED: Mapping[str, Json] = {
    **dict.fromkeys(("image", "angle", "lens", "cabling", "playback", "clock"), "ok"),
    "lock": "none",
    "sign": "ok",
    "medium": "none",
}
GOOD: Mapping[TaskKind, Mapping[str, Json]] = {
    TaskKind.DECIDE_SCOPE: WITHIN,
    TaskKind.POST_SIGN: {"where": "gate post", "photo": "p1", "sign_version": SIGN},
    TaskKind.CHECK_SIGN: {"sign_there": "yes", "readable": "yes"},
    TaskKind.APPROVE_VIEW: {"minimum": True},
    TaskKind.INSPECT: INSPECTED,
    TaskKind.REVIEW_RETENTION: {"still_needed": "yes", "note": "theft in June"},
    TaskKind.LOCK_STORAGE: {"key_holder": "the manager", "photo": "p2"},
    TaskKind.LOCK_CAMERA_MEDIUM: {"medium_locked": "yes"},
    TaskKind.REVIEW_RULES: {"rules_kept": "yes"},
    TaskKind.REVIEW_GUIDELINE: {"guideline_changed": "no"},
    TaskKind.REVIEW_VIEWINGS: {"looked": True},
    TaskKind.LEAVE: {"copies_returned": True, "logins_ended": True},
    TaskKind.CONTRACT_CLAUSE: {"clause_present": "yes", "document": "contract, article 9"},
    TaskKind.REMOVE_DEVICE: {"photo": "p3"},
    TaskKind.REMOVE_SIGN: {"photo": "p4"},
    TaskKind.POST_PRIOR_NOTICE: {"channel": "both", "where_posted": "entrance", "photo": "p5"},
    TaskKind.POST_SITE_NOTICE: {"where_posted": "entrance", "photo": "p6"},
    TaskKind.CHECK_SITE_NOTICE: {"notice_there": "yes", "readable": "yes"},
    TaskKind.ASSESS_RISKS: {
        **dict.fromkeys(("trait_consent", "trait_unseen", "trait_beyond", "trait_later"), "low"),
        "measures": "counts only",
    },
    TaskKind.ASSESS_REIDENTIFICATION: {
        **dict.fromkeys(("small_counts", "time_resolution", "trajectories"), "reduced"),
        "processing": "shapes are counted",
    },
    TaskKind.BRIEF_STAFF: {"who": "the counter"},
    TaskKind.CHECK_ORDINANCE: {"ordinance": "none"},
    TaskKind.ADOPT_USAGE_RULES: {"body": "the board"},
    TaskKind.CHECK_SECURITY: dict.fromkeys(
        ("default_passwords", "updates", "network", "remote_access", "tokens"), "ok"
    ),
    TaskKind.TEST_CONTACT: {"answered": "yes"},
    TaskKind.REVIEW_FEEDBACK: {"decision": "nothing is changed"},
    TaskKind.ASSESS_CASE: {"assessment": "bicycles that stand too long"},
    TaskKind.CHECK_UNREADABLE: {
        **dict.fromkeys(("faces", "nameplates"), "unreadable"),
        "how": "by eye at 320 pixels",
    },
    TaskKind.APPROVE_BACKGROUND: {"nobody": True, "photo": "p7"},
}
"""Answers that say that all is in order."""


def good_answers(kind: TaskKind, now: datetime) -> Mapping[str, Json]:
    """Return answers that say that all is in order."""
    today = now.date().isoformat()
    if kind is TaskKind.BRIEF:
        return {"on": today}
    if kind is TaskKind.DISPOSE_MEDIUM:
        return {"on": today, "method": "destruction", "witness": "the shop's owner"}
    dated = any(each.name == "on" for each in KINDS[kind].questions)
    return {"on": today, **GOOD[kind]} if dated else GOOD[kind]


def done(
    kind: TaskKind,
    subject: Subject,
    at: datetime = NOW - DAY,
    answers: Mapping[str, Json] | None = None,
    *,
    by: str = "Hana Sato",
) -> Doing:
    """Return a doing; each is newer than those that were made before."""
    return Doing(
        kind=kind,
        subject=subject,
        at=at,
        by=by,
        user="hana",
        answers=good_answers(kind, at) if answers is None else answers,
        entry=next(_entries),
    )


def by_task(*doings: Doing) -> dict[str, Doing]:
    """Return doings as facts hold them."""
    return {task_id(each.kind, each.subject): each for each in doings}


def camera(**changed: Any) -> CameraFact:
    """Return a camera with which all is well."""
    return replace(
        CameraFact(
            id=CAMERA.id,
            name="Gate",
            since_at=BEGAN,
            purpose="",
            place="above the gate",
            direction="to the street",
            field_of_view="the pavement in front",
            recording=True,
            status=CaptureStatus.RECORDING,
            status_since=NOW - DAY,
            overdue=0,
            live_limited=True,
            limit=timedelta(days=14),
            asked=timedelta(days=14),
            reason="",
            approver="",
            review_at=None,
            inspected_at=NOW - timedelta(minutes=5),
        ),
        **changed,
    )


def person(user: str, role: Role, **changed: Any) -> PersonFact:
    """Return a person who acts."""
    return replace(
        PersonFact(
            user=user,
            name=user.title(),
            role=role,
            since_at=BEGAN,
            until_at=None,
            acts=True,
            pledged=True,
            login=True,
        ),
        **changed,
    )


def declaration(**changed: Any) -> Declaration:
    """Return what a utilization declares where nothing is left out."""
    return replace(
        Declaration(
            case=UtilizationCase.COUNTING,
            camera="",
            purpose="to site a second door",
            entity="Corner Shop",
            contact="03-0000-0000",
            benefit="shorter ways",
            place="above the entrance, to the street",
            retention_days=30,
        ),
        **changed,
    )


def utilization(**changed: Any) -> UtilizationFact:
    """Return one that was declared three weeks ago, does not run, and has its responsible bodies."""
    declared: Declaration = changed.get("declared", declaration())
    return replace(
        UtilizationFact(
            id=SHOP.id,
            name="Entrance",
            declared=declared,
            declared_at=NOW - 21 * DAY,
            since_at=NOW - 21 * DAY,
            start_on=(NOW - 2 * DAY).date(),
            wanted=True,
            municipality="",
            responsible={each.key: "Corner Shop" for each in declared.nodes},
        ),
        **changed,
    )


def prepared(each: UtilizationFact, at: datetime = NOW - 20 * DAY, **changed: Any) -> SiteFacts:
    """Return a site with a utilization of which everything was done then that is asked for."""
    asked = [kind for kind, of in KINDS.items() if SubjectKind.UTILIZATION in of.subjects]
    doings = [done(kind, each.subject, at, versioned(kind, each.declared, at)) for kind in asked]
    return but(facts(utilizations=(each,), **changed), *doings)


def versioned(kind: TaskKind, declared: Declaration, at: datetime) -> Mapping[str, Json]:
    """Return good answers as they are entered of a utilization."""
    more = {"version": declared.version} if kind in VERSIONED else {}
    return {**good_answers(kind, at), **more}


def record(kind: SubjectKind, **fields: str) -> RecordFact:
    """Return an open record of ten days ago."""
    subject = Subject(kind, f"{kind}-1")
    return RecordFact(subject=subject, name="No. 1", opened_at=NOW - 10 * DAY, fields=fields)


def facts(**changed: Any) -> SiteFacts:
    """Return a site where every task has been done yesterday."""
    site = SiteFacts(
        now=NOW,
        site=SITE.id,
        title="Corner Shop",
        since_at=BEGAN,
        provisional_since=BEGAN,
        installer="Corner Shop",
        purpose="to prevent crime in front of the shop",
        people=(person("hana", Role.MANAGER), person("taro", Role.OPERATOR)),
        cameras=(camera(),),
        ceiling=timedelta(days=14),
        past_limit=0,
        statement_at=NOW - timedelta(hours=3),
        clock_trusted=True,
        ledger_broken=False,
        storage_trouble=False,
        administrators=0,
        others=1,
        copies=0,
        copies_past_limit=0,
        copies_unknown=0,
        copies_due=0,
        backup_plan_holds=False,
        kit_taken_at=BEGAN,
        sign_version=SIGN,
        rules=RulesFact(
            running_version="r1",
            adopted_version="r1",
            adopted_at=BEGAN,
            adopted_by="Hana Sato",
        ),
        doings=by_task(
            *(
                done(kind, CAMERA)
                for kind in (
                    TaskKind.DECIDE_SCOPE,
                    TaskKind.POST_SIGN,
                    TaskKind.CHECK_SIGN,
                    TaskKind.APPROVE_VIEW,
                    TaskKind.INSPECT,
                )
            ),
            *(
                done(kind, SITE)
                for kind in (
                    TaskKind.LOCK_STORAGE,
                    TaskKind.REVIEW_RULES,
                    TaskKind.REVIEW_GUIDELINE,
                    TaskKind.REVIEW_VIEWINGS,
                )
            ),
            done(TaskKind.BRIEF, MANAGER),
            done(TaskKind.BRIEF, OPERATOR),
        ),
    )
    return replace(site, **changed)


def but(site: SiteFacts, *doings: Doing, without: tuple[TaskKind, ...] = ()) -> SiteFacts:
    """Return facts with other doings, and without those of some kinds."""
    kept = {id_: each for id_, each in site.doings.items() if each.kind not in without}
    return replace(site, doings=kept | by_task(*doings))


def pack(
    *rules: str,
    subject: SubjectKind = SubjectKind.SITE,
    intervals: Mapping[str, Interval] | None = None,
    **changed: Any,
) -> Pack:
    """Return a pack of one control with these rules."""
    control = Control(
        id="c",
        cite="第１",
        text={"ja": "管理", "en": "duty"},
        kinds=("enforce",),
        subject=subject,
        rules=rules,
        evidence={"ja": "記録", "en": "record"},
    )
    return replace(
        Pack(
            id="test",
            version="1",
            digest="00",
            title={"ja": "方針", "en": "pack"},
            source={"ja": "出典", "en": "source"},
            in_force=None,
            as_of=date(2026, 11, 1),
            ceiling=timedelta(days=14),
            ceiling_default=False,
            grounds=frozenset({"law", "authority_written"}),
            sign_required=(),
            sign_optional=(),
            intervals=intervals or {},
            words={},
            controls=(control,),
        ),
        **changed,
    )


def todo(site: SiteFacts, of: Pack | None = None) -> dict[str, Task]:
    """Return the tasks by their ids."""
    return {each.id: each for each in tasks(site, of or pack())}


def judged(
    site: SiteFacts, *rules: str, subject: SubjectKind = SubjectKind.SITE, **changed: Any
) -> ControlState:
    """Return how a control with these rules stands; there must be one subject of it."""
    of = pack(*rules, subject=subject, **changed)
    (found,) = evaluate(of, site, tasks(site, of))
    return found
