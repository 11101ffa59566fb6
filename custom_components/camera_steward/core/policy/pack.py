"""A policy pack: a city's parameters and duties as data, each with its citation (design section 8)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from .states import SubjectKind

type Text = Mapping[str, str]
"""A text by language: `ja` and `en`, both always."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """How often, or how soon. `product_default` where the source gives no number (INV-9)."""

    months: int = 0
    days: int = 0
    product_default: bool = True


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
    """A pack as loaded. `digest` is the SHA-256 of its file, hexadecimal.

    `ceiling` is the longest retention without a reason on record, `ceiling_default` whether it is
    the product's and no source's. `grounds` are kinds of request; `intervals` are by the name of a
    task's kind; `words` are roles and other terms by name. `as_of` is when the source was last
    compared.
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
