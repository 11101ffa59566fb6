"""Read packs from their files, and say of a wrong one what is wrong and in which line.

A file is YAML of the plainest sort: mappings, lists, texts, numbers, dates, true and false. It is
read as a tree of nodes and never made into objects, so that each word has its line, a key that is
given twice is seen, and no tag can take in another file or a variable of the machine.
"""

import hashlib
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Final, cast

import yaml

from ..errors import PackError
from .pack import (
    CEILINGS,
    GROUNDS,
    KINDS,
    LANGUAGES,
    SIGN_ITEMS,
    WORDS,
    Control,
    Interval,
    Pack,
    Text,
)
from .rules import RULES
from .states import SubjectKind
from .task import TaskKind

LARGEST_BYTES: Final = 1_000_000
LONGEST_TEXT: Final = 2_000
LONGEST_INTERVAL: Final = timedelta(days=3660)
SUFFIX: Final = ".yaml"

_ID: Final = re.compile(r"[a-z0-9][a-z0-9_]{0,63}")
_NUMBER: Final = re.compile(r"[+-]?\d{1,6}")
_YAML: Final = "tag:yaml.org,2002:"
_OWN: Final = ("id", "version", "title", "source", "as_of")
"""What each pack says for itself."""
_INHERITED: Final = ("retention", "grounds", "sign", "words", "controls")
"""What it may leave to the pack that it extends, and else must say."""
_OPTIONAL: Final = ("extends", "in_force", "intervals", "notes")
_KIND: Final = "utilization"
"""The kind of a pack that is no city's: it holds for utilizations, in addition to the site's."""
_OF_UTILIZATION: Final = ("kind", "lead", "controls")
"""What such a pack says besides what each says for itself; nothing of footage, grounds or signs."""


def pack_files(*folders: Path) -> dict[str, Path]:
    """Return the files of packs by id, which is a file's name; the first folder that has it counts.

    A folder that is not there has none.
    """
    found: dict[str, Path] = {}
    for folder in folders:
        for path in sorted(folder.glob(f"*{SUFFIX}")):
            found.setdefault(path.stem, path)
    return found


def load_pack(pack: str, files: Mapping[str, Path]) -> Pack:
    """Return a pack, with what it takes over from the one that it extends.

    `PackError` names file, line and what is wrong. Takes a tenth of a second of computing where a
    file is new or has changed.
    """
    return _load(pack, files, ())


def _load(pack: str, files: Mapping[str, Path], above: tuple[str, ...]) -> Pack:
    if pack not in files:
        raise PackError("missing", file=f"{pack}{SUFFIX}")
    draft = _draft(files[pack])
    base: Pack | None = None
    if draft.extends is not None:
        wanted, line = draft.extends
        if wanted == pack or wanted in above:
            raise PackError("extends_circular", file=draft.file, line=line, what=wanted)
        if wanted not in files:
            raise PackError("extends_unknown", file=draft.file, line=line, what=wanted)
        base = _load(wanted, files, (*above, pack))
        if base.for_utilizations:
            raise PackError("extends_unknown", file=draft.file, line=line, what=wanted)
    return _whole(draft, base)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Draft:
    """A file as it stands: what is None is left to the pack that it extends."""

    file: str
    digest: str
    extends: tuple[str, int] | None
    """Which pack, and in which line that is said."""
    id: str
    version: str
    title: Text
    source: Text
    in_force: date | None
    as_of: date
    retention: tuple[timedelta, bool] | None
    grounds: frozenset[str] | None
    sign: tuple[tuple[str, ...], tuple[str, ...]] | None
    intervals: Mapping[str, Interval]
    words: Mapping[str, Text]
    controls: tuple[Control, ...]
    notes: tuple[Text, ...]
    lead: Interval | None


def _whole(draft: _Draft, base: Pack | None) -> Pack:
    """Lay a file over the pack that it extends; a control of the same id takes its place."""
    if draft.lead is not None:
        return _of_utilization(draft, draft.lead)
    retention, grounds, sign = draft.retention, draft.grounds, draft.sign
    intervals, words = draft.intervals, draft.words
    controls = {each.id: each for each in draft.controls}
    digest = draft.digest
    if base is not None:
        retention = retention or (base.ceiling, base.ceiling_default)
        grounds = grounds if grounds is not None else base.grounds
        sign = sign or (base.sign_required, base.sign_optional)
        intervals = {**base.intervals, **intervals}
        words = {**base.words, **words}
        controls = {**{each.id: each for each in base.controls}, **controls}
        digest = hashlib.sha256(f"{base.digest}\n{digest}".encode()).hexdigest()
    assert retention is not None
    assert grounds is not None
    assert sign is not None
    return Pack(
        id=draft.id,
        version=draft.version,
        digest=digest,
        title=draft.title,
        source=draft.source,
        in_force=draft.in_force,
        as_of=draft.as_of,
        ceiling=retention[0],
        ceiling_default=retention[1],
        grounds=grounds,
        sign_required=sign[0],
        sign_optional=sign[1],
        intervals=intervals,
        words=words,
        controls=tuple(controls.values()),
        notes=draft.notes,
    )


def _of_utilization(draft: _Draft, lead: Interval) -> Pack:
    """Return a pack for utilizations: it asks nothing of footage, and gives no ground."""
    return Pack(
        id=draft.id,
        version=draft.version,
        digest=draft.digest,
        title=draft.title,
        source=draft.source,
        in_force=draft.in_force,
        as_of=draft.as_of,
        ceiling=CEILINGS[0],
        ceiling_default=True,
        grounds=frozenset(),
        sign_required=(),
        sign_optional=(),
        intervals=draft.intervals,
        words={},
        controls=draft.controls,
        notes=draft.notes,
        lead=lead,
        for_utilizations=True,
    )


# ---------------------------------------------------------------------- a file


def _draft(path: Path) -> _Draft:
    try:
        status = path.stat()
        return _draft_as_of(path, status.st_mtime_ns, status.st_size)
    except OSError as err:
        raise PackError("unreadable", file=path.name) from err


@lru_cache(maxsize=64)
def _draft_as_of(path: Path, _modified_ns: int, size_bytes: int) -> _Draft:
    """Read a file; one that has not changed is read once."""
    if size_bytes > LARGEST_BYTES:
        raise PackError("too_large", file=path.name)
    with path.open("rb") as file:
        content = file.read(LARGEST_BYTES)
    pack = _root(path.name, content)
    extends, lead = pack.get("extends"), pack.get("lead")
    if "kind" in pack.fields:
        needed: tuple[str, ...] = _OWN + _OF_UTILIZATION
    else:
        needed = _OWN if extends is not None else _OWN + _INHERITED
    for key in needed:
        if key not in pack.fields:
            raise pack.error("key_missing", key)
    id_ = pack["id"].word()
    if not _ID.fullmatch(id_) or id_ != path.stem:
        raise pack["id"].error("id_differs", id_)
    retention, grounds, sign = pack.get("retention"), pack.get("grounds"), pack.get("sign")
    intervals, words, controls = pack.get("intervals"), pack.get("words"), pack.get("controls")
    return _Draft(
        file=path.name,
        digest=hashlib.sha256(content).hexdigest(),
        extends=(extends.word(), extends.line) if extends is not None else None,
        id=id_,
        version=pack["version"].word(),
        title=pack["title"].text(),
        source=pack["source"].text(),
        in_force=pack["in_force"].day() if "in_force" in pack.fields else None,
        as_of=pack["as_of"].day(),
        retention=_retention(retention) if retention is not None else None,
        grounds=frozenset(grounds.words(GROUNDS, "ground_unknown"))
        if grounds is not None
        else None,
        sign=_sign(sign) if sign is not None else None,
        intervals=_intervals(intervals) if intervals is not None else {},
        words=_words(words, whole=extends is None) if words is not None else {},
        controls=_controls(controls) if controls is not None else (),
        notes=tuple(each.text() for each in pack["notes"].items())
        if "notes" in pack.fields
        else (),
        lead=_lead(lead) if lead is not None else None,
    )


def _retention(value: _Value) -> tuple[timedelta, bool]:
    found = value.mapping("ceiling_days", "ceiling_hours", "product_default")
    days, hours = found.get("ceiling_days"), found.get("ceiling_hours")
    if (given := days or hours) is None:
        raise found.error("key_missing", "ceiling_days")
    if days is not None and hours is not None:
        raise hours.error("key_unknown", "ceiling_hours")
    ceiling = timedelta(days=given.number()) if days else timedelta(hours=given.number())
    if not CEILINGS[0] <= ceiling <= CEILINGS[1]:
        raise given.error("ceiling_out_of_bounds", given.scalar)
    return ceiling, found.flag("product_default")


def _sign(value: _Value) -> tuple[tuple[str, ...], tuple[str, ...]]:
    found = value.mapping("required", "optional", needed=("required",))
    required, optional = found["required"], found.get("optional")
    return (
        required.words(SIGN_ITEMS, "sign_item_unknown"),
        optional.words(SIGN_ITEMS, "sign_item_unknown") if optional is not None else (),
    )


def _intervals(value: _Value) -> dict[str, Interval]:
    given = value.mapping(*TaskKind, unknown="task_unknown")
    return {kind: _interval(each) for kind, each in given.fields.items()}


def _lead(value: _Value) -> Interval:
    found = value.mapping("days", "product_default", needed=("days",))
    days = found["days"].number()
    if days <= 0:
        raise found["days"].error("interval_not_positive", found["days"].scalar)
    if timedelta(days=days) > LONGEST_INTERVAL:
        raise found["days"].error("interval_too_long", found["days"].scalar)
    return Interval(days=days, product_default=found.flag("product_default"))


def _interval(value: _Value) -> Interval:
    found = value.mapping("months", "days", "product_default")
    length = {key: found[key].number() for key in ("months", "days") if key in found.fields}
    for key, number in length.items():
        if number <= 0:
            raise found[key].error("interval_not_positive", found[key].scalar)
        if timedelta(days=number * (31 if key == "months" else 1)) > LONGEST_INTERVAL:
            raise found[key].error("interval_too_long", found[key].scalar)
    if not length:
        raise found.error("key_missing", "months")
    return Interval(**length, product_default=found.flag("product_default"))


def _words(value: _Value, *, whole: bool) -> dict[str, Text]:
    given = value.mapping(*WORDS, needed=WORDS if whole else ())
    return {key: each.text() for key, each in given.fields.items()}


def _controls(value: _Value) -> tuple[Control, ...]:
    found: dict[str, Control] = {}
    for each in value.items():
        control = _control(each)
        if control.id in found:
            raise each.error("id_twice", control.id)
        found[control.id] = control
    if not found:
        raise value.error("list_empty", value.name)
    return tuple(found.values())


def _control(value: _Value) -> Control:
    needed = ("id", "cite", "text", "kinds", "subject", "rules", "evidence")
    found = value.mapping(*needed, "limit", needed=needed)
    kinds, rules, limit = found["kinds"], found["rules"], found.get("limit")
    subject = found["subject"].word()
    if subject not in set(SubjectKind):
        raise found["subject"].error("subject_unknown", subject)
    return Control(
        id=found["id"].word(),
        cite=found["cite"].word(),
        text=found["text"].text(),
        kinds=kinds.words(KINDS, "kind_unknown", some=True),
        subject=SubjectKind(subject),
        rules=rules.words(RULES, "rule_unknown", some=True),
        evidence=found["evidence"].text(),
        limit=limit.text() if limit is not None else {},
    )


# ---------------------------------------------------------------------- its values


def _root(file: str, content: bytes) -> _Mapping:
    try:
        text = content.decode()
    except UnicodeDecodeError as err:
        line = content.count(b"\n", 0, err.start) + 1
        raise PackError("not_utf8", file=file, line=line) from err
    try:
        # Not the faster one in C, whose own stack a deep file could use up.
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as err:
        mark = err.problem_mark or err.context_mark
        raise PackError("not_yaml", file=file, line=mark.line + 1 if mark else 0) from err
    except yaml.reader.ReaderError as err:
        line = text.count("\n", 0, err.position) + 1
        raise PackError("not_yaml", file=file, line=line) from err
    except (yaml.YAMLError, RecursionError) as err:
        raise PackError("not_yaml", file=file) from err
    if node is None:
        raise PackError("empty", file=file)
    value = _Value(file=file, name=file, node=node)
    kind = value.mapping(*_OWN, *_INHERITED, *_OPTIONAL, *_OF_UTILIZATION).get("kind")
    if kind is None:
        return value.mapping(*_OWN, *_INHERITED, *_OPTIONAL)
    if kind.word() != _KIND:
        raise kind.error("kind_unknown", kind.word())
    return value.mapping(*_OWN, *_OF_UTILIZATION, "in_force", "intervals", "notes")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Value:
    """One node of a file. `name` is the key under which it stands, or its list does."""

    file: str
    name: str
    node: yaml.Node

    @property
    def line(self) -> int:
        """Return where it begins, from 1."""
        return int(self.node.start_mark.line) + 1

    @property
    def scalar(self) -> str:
        """Return what is written there; empty for a list or a mapping."""
        return str(self.node.value) if isinstance(self.node, yaml.ScalarNode) else ""

    def error(self, problem: str, what: str = "") -> PackError:
        """Return the error that says what is wrong here."""
        return PackError(problem, file=self.file, line=self.line, what=what)

    def word(self) -> str:
        """Return a text without blanks around it."""
        if self.node.tag != f"{_YAML}str":
            raise self.error("expected_text", self.name)
        if not (text := self.scalar.strip()):
            raise self.error("text_empty", self.name)
        if len(text) > LONGEST_TEXT:
            raise self.error("text_too_long", self.name)
        return text

    def text(self) -> Text:
        """Return a text by language."""
        found = self.mapping(*LANGUAGES)
        for language in LANGUAGES:
            if language not in found.fields:
                raise self.error("language_missing", f"{self.name}: {language}")
        return {language: found[language].word() for language in LANGUAGES}

    def number(self) -> int:
        """Return a whole number."""
        if self.node.tag != f"{_YAML}int" or not _NUMBER.fullmatch(self.scalar):
            raise self.error("expected_number", self.name)
        return int(self.scalar)

    def day(self) -> date:
        """Return a date."""
        try:
            return date.fromisoformat(self.scalar)
        except ValueError:
            raise self.error("expected_date", self.name) from None

    def flag(self) -> bool:
        """Return true or false."""
        if self.node.tag != f"{_YAML}bool" or self.scalar not in ("true", "false"):
            raise self.error("expected_flag", self.name)
        return self.scalar == "true"

    def items(self) -> list[_Value]:
        """Return the items of a list."""
        if not isinstance(self.node, yaml.SequenceNode) or self.node.tag != f"{_YAML}seq":
            raise self.error("expected_list", self.name)
        return [_Value(file=self.file, name=self.name, node=each) for each in self.node.value]

    def words(self, known: Collection[str], unknown: str, *, some: bool = False) -> tuple[str, ...]:
        """Return a list of words, none of them twice; `some` asks for one at least."""
        found: list[str] = []
        for each in self.items():
            word = each.word()
            if word not in known:
                raise each.error(unknown, word)
            if word in found:
                raise each.error("given_twice", word)
            found.append(word)
        if some and not found:
            raise self.error("list_empty", self.name)
        return tuple(found)

    def mapping(
        self, *known: str, needed: Collection[str] = (), unknown: str = "key_unknown"
    ) -> _Mapping:
        """Return the values of a mapping by key."""
        if not isinstance(self.node, yaml.MappingNode) or self.node.tag != f"{_YAML}map":
            raise self.error("expected_mapping", self.name)
        found: dict[str, _Value] = {}
        pairs = cast("list[tuple[yaml.Node, yaml.Node]]", self.node.value)
        for key_node, node in pairs:
            key = _Value(file=self.file, name=self.name, node=key_node)
            if key.scalar not in known:
                raise key.error(unknown, key.scalar)
            if key.scalar in found:
                raise key.error("given_twice", key.scalar)
            found[key.scalar] = _Value(file=self.file, name=key.scalar, node=node)
        for each in needed:
            if each not in found:
                raise self.error("key_missing", each)
        return _Mapping(value=self, fields=found)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Mapping:
    """The values of a mapping by key."""

    value: _Value
    fields: Mapping[str, _Value]

    def __getitem__(self, key: str) -> _Value:
        """Return a value that is there."""
        return self.fields[key]

    def get(self, key: str) -> _Value | None:
        """Return a value if it is there."""
        return self.fields.get(key)

    def flag(self, key: str) -> bool:
        """Return true or false; false where nothing is said."""
        return key in self.fields and self.fields[key].flag()

    def error(self, problem: str, what: str = "") -> PackError:
        """Return the error that says what is wrong with the mapping."""
        return self.value.error(problem, what)
