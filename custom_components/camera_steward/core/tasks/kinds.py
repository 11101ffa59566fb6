"""The kinds of task: whose subject each is, who does it, what is asked for, how often it comes again.

Intervals are the product's own where a pack gives none, and are called so (INV-9).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from ..policy.pack import Interval, Pack
from ..policy.states import SubjectKind
from ..policy.task import Doer, Question, QuestionType, TaskKind
from ..policy.utilization_gate import NOTICE_CHECKED

_YES_NO = ("yes", "no")
_STATED = ("ok", "not_ok")
_IF_ANY = ("ok", "not_ok", "none")
_NOTE = Question(name="note", type=QuestionType.TEXT, required=False)
_PHOTO = Question(name="photo", type=QuestionType.PHOTO)
_PHOTO_IF_ANY = Question(name="photo", type=QuestionType.PHOTO, required=False)
_MANAGER = frozenset({Doer.MANAGER})
_STAFF = frozenset({Doer.OPERATOR})
_SEEN = frozenset({Doer.STEWARD})
ON = "on"
"""The question for the day on which something was done, where that is not when it was entered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of task.

    `interval` makes it come again, or says how soon it is due where it is done once. `gate` is whether
    a camera needs it before it records. `proof` are questions of which one at least is answered.
    """

    subjects: frozenset[SubjectKind]
    doers: frozenset[Doer]
    questions: tuple[Question, ...] = ()
    interval: Interval | None = None
    gate: bool = False
    proof: tuple[str, ...] = ()


def _tick(name: str) -> Question:
    return Question(name=name, type=QuestionType.TICK)


def _text(name: str) -> Question:
    return Question(name=name, type=QuestionType.TEXT)


def _long(name: str) -> Question:
    return Question(name=name, type=QuestionType.LONG_TEXT)


def _choice(name: str, options: tuple[str, ...] = _YES_NO, *wrong: str) -> Question:
    return Question(name=name, type=QuestionType.CHOICE, options=options, wrong=frozenset(wrong))


def _ok(name: str) -> Question:
    return _choice(name, _STATED, "not_ok")


def _months(months: int) -> Interval:
    return Interval(months=months)


_SITE = frozenset({SubjectKind.SITE})
_CAMERA = frozenset({SubjectKind.CAMERA})
_PERSON = frozenset({SubjectKind.PERSON})
_REMOVAL = frozenset({SubjectKind.REMOVAL})
_UTILIZATION = frozenset({SubjectKind.UTILIZATION})
_RISK = ("low", "reduced", "too_high")

KINDS: Mapping[TaskKind, Kind] = {
    TaskKind.DECIDE_SCOPE: Kind(
        subjects=_CAMERA,
        doers=_MANAGER,
        # 第1 2 (1), and 第3 2 (1) for the medium.
        questions=(
            *map(
                _choice,
                (
                    "crime_prevention",
                    "public_place",
                    "permanent",
                    "recording",
                    "own_property",
                    "medium_in_camera",
                ),
            ),
        ),
    ),
    TaskKind.POST_SIGN: Kind(
        subjects=_CAMERA, doers=_STAFF, questions=(_text("where"), _PHOTO), gate=True
    ),
    TaskKind.CHECK_SIGN: Kind(
        subjects=_CAMERA,
        doers=_STAFF,
        questions=(
            _choice("sign_there", _YES_NO, "no"),
            _choice("readable", _YES_NO, "no"),
            _PHOTO_IF_ANY,
        ),
        interval=_months(3),
    ),
    TaskKind.APPROVE_VIEW: Kind(
        subjects=_CAMERA, doers=_MANAGER, questions=(_tick("minimum"), _NOTE)
    ),
    TaskKind.INSPECT: Kind(
        subjects=_CAMERA,
        doers=_STAFF,
        questions=(
            *map(_ok, ("image", "angle", "lens", "cabling", "playback", "clock")),
            _choice("lock", _IF_ANY, "not_ok"),
            _choice("sign", ("ok", "not_ok", "not_there"), "not_ok", "not_there"),
            _choice("medium", _IF_ANY, "not_ok"),
            _NOTE,
        ),
        interval=_months(6),
    ),
    TaskKind.REPAIR: Kind(subjects=_CAMERA, doers=_SEEN, interval=Interval(days=7)),
    TaskKind.REVIEW_RETENTION: Kind(
        subjects=_CAMERA,
        doers=_MANAGER,
        questions=(_choice("still_needed", _YES_NO, "no"), _text("note")),
    ),
    TaskKind.LOCK_STORAGE: Kind(
        subjects=_SITE,
        doers=_STAFF,
        questions=(_text("key_holder"), _PHOTO),
        interval=_months(6),
    ),
    TaskKind.LOCK_CAMERA_MEDIUM: Kind(
        subjects=_CAMERA,
        doers=_STAFF,
        questions=(_choice("medium_locked", _YES_NO, "no"), _PHOTO_IF_ANY),
        interval=_months(6),
    ),
    TaskKind.ADOPT_RULES: Kind(subjects=_SITE, doers=_SEEN, gate=True),
    TaskKind.REVIEW_RULES: Kind(
        subjects=_SITE,
        doers=_MANAGER,
        questions=(_choice("rules_kept", _YES_NO, "no"), _NOTE),
        interval=_months(12),
    ),
    TaskKind.REVIEW_GUIDELINE: Kind(
        subjects=_SITE,
        doers=_MANAGER,
        questions=(_choice("guideline_changed", _YES_NO, "yes"), _NOTE),
        interval=_months(12),
    ),
    TaskKind.REVIEW_VIEWINGS: Kind(
        subjects=_SITE,
        doers=_MANAGER,
        questions=(
            _tick("looked"),
            Question(name="unusual", type=QuestionType.TEXT, required=False),
        ),
        interval=_months(1),
    ),
    TaskKind.RECOVERY_KIT: Kind(subjects=_SITE, doers=_SEEN),
    TaskKind.PLEDGE: Kind(subjects=_PERSON, doers=frozenset({Doer.SELF})),
    TaskKind.BRIEF: Kind(
        subjects=_PERSON,
        doers=_MANAGER,
        questions=(Question(name=ON, type=QuestionType.DATE), _NOTE),
        interval=_months(12),
    ),
    TaskKind.LEAVE: Kind(
        subjects=_PERSON,
        doers=_MANAGER,
        questions=(_tick("copies_returned"), _tick("logins_ended"), _NOTE),
    ),
    TaskKind.CONTRACT_CLAUSE: Kind(
        subjects=frozenset({SubjectKind.CONTRACTOR}),
        doers=_MANAGER,
        questions=(_choice("clause_present", _YES_NO, "no"), _text("document")),
        interval=_months(12),
    ),
    TaskKind.ANSWER_INQUIRY: Kind(
        subjects=frozenset({SubjectKind.INQUIRY}), doers=_SEEN, interval=Interval(days=7)
    ),
    TaskKind.DISPOSE_MEDIUM: Kind(
        subjects=frozenset({SubjectKind.MEDIUM}),
        doers=_MANAGER,
        questions=(
            _choice("method", ("device_erase", "overwrite", "destruction", "contractor")),
            Question(name=ON, type=QuestionType.DATE),
            _text("witness"),
            _PHOTO_IF_ANY,
        ),
    ),
    TaskKind.REMOVE_DEVICE: Kind(
        subjects=_REMOVAL,
        doers=_MANAGER,
        questions=(Question(name=ON, type=QuestionType.DATE), _PHOTO, _NOTE),
    ),
    TaskKind.REMOVE_SIGN: Kind(
        subjects=_REMOVAL,
        doers=_MANAGER,
        questions=(Question(name=ON, type=QuestionType.DATE), _PHOTO, _NOTE),
    ),
    TaskKind.POST_PRIOR_NOTICE: Kind(
        subjects=_UTILIZATION,
        doers=_MANAGER,
        questions=(
            _choice("channel", ("physical", "electronic", "both")),
            _text("where_posted"),
            Question(name=ON, type=QuestionType.DATE),
            Question(name="web_address", type=QuestionType.ADDRESS, required=False),
            _PHOTO_IF_ANY,
        ),
        proof=("photo", "web_address"),
    ),
    TaskKind.POST_SITE_NOTICE: Kind(
        subjects=_UTILIZATION, doers=_STAFF, questions=(_text("where_posted"), _PHOTO)
    ),
    TaskKind.CHECK_SITE_NOTICE: Kind(
        subjects=_UTILIZATION,
        doers=_STAFF,
        questions=(
            _choice("notice_there", _YES_NO, "no"),
            _choice("readable", _YES_NO, "no"),
            _PHOTO_IF_ANY,
        ),
        interval=NOTICE_CHECKED,
    ),
    TaskKind.ASSESS_RISKS: Kind(
        subjects=_UTILIZATION,
        doers=_MANAGER,
        # カメラ画像の特徴: the guidebook's four.
        questions=(
            *(
                _choice(f"trait_{each}", _RISK, "too_high")
                for each in ("consent", "unseen", "beyond", "later")
            ),
            _long("measures"),
        ),
        interval=_months(12),
    ),
    TaskKind.ASSESS_REIDENTIFICATION: Kind(
        subjects=_UTILIZATION,
        doers=_MANAGER,
        questions=(
            *(
                _choice(each, _RISK, "too_high")
                for each in ("small_counts", "time_resolution", "trajectories")
            ),
            _long("processing"),
        ),
    ),
    TaskKind.BRIEF_STAFF: Kind(
        subjects=_UTILIZATION,
        doers=_MANAGER,
        questions=(Question(name=ON, type=QuestionType.DATE), _text("who")),
        interval=_months(12),
    ),
    TaskKind.CHECK_ORDINANCE: Kind(
        subjects=_UTILIZATION,
        doers=_MANAGER,
        questions=(
            _choice("ordinance", ("none", "kept", "not_kept"), "not_kept"),
            Question(name="document", type=QuestionType.TEXT, required=False),
        ),
        interval=_months(12),
    ),
    TaskKind.ADOPT_USAGE_RULES: Kind(
        subjects=_UTILIZATION,
        doers=_MANAGER,
        questions=(Question(name=ON, type=QuestionType.DATE), _text("body")),
    ),
    TaskKind.CHECK_SECURITY: Kind(
        subjects=_UTILIZATION,
        doers=_MANAGER,
        questions=(
            *map(_ok, ("default_passwords", "updates", "network", "remote_access", "tokens")),
            _NOTE,
        ),
        interval=_months(12),
    ),
    TaskKind.TEST_CONTACT: Kind(
        subjects=_UTILIZATION,
        doers=_MANAGER,
        questions=(_choice("answered", _YES_NO, "no"), _NOTE),
        interval=_months(6),
    ),
    TaskKind.REVIEW_FEEDBACK: Kind(
        subjects=_UTILIZATION,
        doers=_MANAGER,
        questions=(_long("decision"),),
        interval=_months(3),
    ),
    TaskKind.ASSESS_CASE: Kind(
        subjects=_UTILIZATION, doers=_MANAGER, questions=(_long("assessment"), _PHOTO_IF_ANY)
    ),
    TaskKind.CHECK_UNREADABLE: Kind(
        subjects=_UTILIZATION,
        doers=_MANAGER,
        questions=(
            _choice("faces", ("unreadable", "recognisable"), "recognisable"),
            _choice("nameplates", ("unreadable", "recognisable"), "recognisable"),
            _text("how"),
        ),
        interval=_months(12),
    ),
    TaskKind.APPROVE_BACKGROUND: Kind(
        subjects=_UTILIZATION,
        doers=_MANAGER,
        questions=(_tick("nobody"), _PHOTO),
        interval=_months(12),
    ),
}


def interval_of(kind: TaskKind, pack: Pack) -> Interval | None:
    """Return the pack's interval, else the product's; None for what is done once."""
    return pack.intervals.get(kind.value, KINDS[kind].interval)
