"""A policy pack: a city's parameters and duties as data, each with its citation (design section 8)."""

import calendar
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Final

from .states import SubjectKind

type Text = Mapping[str, str]
"""A text by language: `ja` and `en`, both always."""

LANGUAGES: Final = ("ja", "en")
GROUNDS: Final = frozenset({"law", "authority_written", "self"})
"""The kinds of request (`disclosure/grounds.py`) that a pack may make a ground.

The others, by word of mouth or of anyone who asks, are none in any pack.
"""
KINDS: Final = frozenset(
    {"prevent", "enforce", "detect", "attest", "document", "register", "periodic", "scope"}
)
"""In which ways a control is met, the foremost first.

The steward refuses what is against it, does it by itself, notices what is against it; a person
vouches for it; a paper says it; a register holds it; it comes again; it says what applies to whom.
"""
SIGN_ITEMS: Final = ("installed", "installer", "manager", "contact", "purpose")
"""What a sign can say: that a camera is installed, by whom, who manages it, whom to ask, what for."""
CEILINGS: Final = (timedelta(hours=1), timedelta(days=366))
"""The shortest and the longest ceiling: those of a retention (`retention/limits.py`)."""
WORDS: Final = ("installer", "manager", "operator", "rules")
"""Terms that a city has words of its own for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """How often, or how soon. `product_default` where the source gives no number (INV-9)."""

    months: int = 0
    days: int = 0
    product_default: bool = True


def after(at: datetime, interval: Interval) -> datetime:
    """Return a time later by calendar months, then days; the last day where a month has no such.

    The last time that there is where the calendar ends.
    """
    months = at.year * 12 + at.month - 1 + interval.months
    year, month = months // 12, months % 12 + 1
    with suppress(ValueError, OverflowError):
        day = min(at.day, calendar.monthrange(year, month)[1])
        return at.replace(year=year, month=month, day=day) + timedelta(days=interval.days)
    return datetime.max.replace(tzinfo=UTC)


LEAD: Final = Interval(days=14)
"""How long a prior notice is posted. A product default: the guidebook says 十分な期間."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """One duty of a pack.

    `rules` are names of `rules.py`; the worst of their states is the control's. `limit` is what no
    software can do about it, empty where there is nothing to say.
    """

    id: str
    cite: str
    text: Text
    kinds: tuple[str, ...]
    subject: SubjectKind
    rules: tuple[str, ...]
    evidence: Text
    limit: Text = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pack:
    """A pack as loaded.

    `digest` is hexadecimal: the SHA-256 of its file; of one that extends another, the SHA-256 of
    that one's digest, a line feed and its own file's.

    `ceiling` is the longest retention without a reason on record, `ceiling_default` whether it is
    the product's and no source's. `grounds` are kinds of request; `intervals` are by the name of a
    task's kind, where the pack says one; `words` are those of `WORDS`, all of them. `as_of` is
    when the source was last compared; `notes` are what a reader should know of it. `lead` is how long
    a prior notice has to be posted before images are used (`utilization_gate.py`).
    """

    id: str
    version: str
    digest: str
    title: Text
    source: Text
    in_force: date | None
    as_of: date
    ceiling: timedelta
    ceiling_default: bool
    grounds: frozenset[str]
    sign_required: tuple[str, ...]
    sign_optional: tuple[str, ...]
    intervals: Mapping[str, Interval]
    words: Mapping[str, Text]
    controls: tuple[Control, ...]
    notes: tuple[Text, ...] = ()
    lead: Interval = LEAD
    for_utilizations: bool = False
    """Whether it is the guidebook's: it holds in addition to a site's own, and cannot be chosen."""
