"""Packs: those that come along are whole and true to the program, and a wrong file is told by its line."""

import ast
import hashlib
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from custom_components.camera_steward.core.access.people import Role
from custom_components.camera_steward.core.disclosure.grounds import RequestKind
from custom_components.camera_steward.core.errors import PackError
from custom_components.camera_steward.core.policy.evaluate import evaluate
from custom_components.camera_steward.core.policy.loading import (
    LARGEST_BYTES,
    LONGEST_TEXT,
    load_pack,
    pack_files,
)
from custom_components.camera_steward.core.policy.pack import (
    CEILINGS,
    GROUNDS,
    LANGUAGES,
    LEAD,
    Pack,
)
from custom_components.camera_steward.core.policy.rules import RULES
from custom_components.camera_steward.core.policy.states import State, Subject, SubjectKind
from custom_components.camera_steward.core.policy.task import TaskKind
from custom_components.camera_steward.core.policy.utilization import (
    NoticeItem,
    Recipient,
    UtilizationCase,
)
from custom_components.camera_steward.core.retention.limits import LONGEST, SHORTEST
from custom_components.camera_steward.core.tasks.engine import tasks
from custom_components.camera_steward.core.tasks.kinds import KINDS

from .policy_site import (
    BEGAN,
    CAMERA,
    NOW,
    WITHIN,
    but,
    camera,
    declaration,
    done,
    facts,
    person,
    prepared,
    record,
    utilization,
)

ROOT = Path(__file__).parents[2]
PACKS = ROOT / "custom_components" / "camera_steward" / "packs"
FILES = pack_files(PACKS)
TABLE = ROOT / "docs" / "design" / "controls.md"
KUMAGAYA = "jp_kumagaya_2019"
GUIDE = "jp_guidebook_v1"
IN_TABLE = (KUMAGAYA, GUIDE)


@pytest.fixture(params=sorted(FILES))
def pack(request: pytest.FixtureRequest) -> Pack:
    """Return each pack that comes along."""
    return load_pack(str(request.param), FILES)


# ---------------------------------------------------------------------- what comes along


def test_each_pack_loads_with_rules_and_texts_in_both_languages(pack: Pack) -> None:
    texts = [pack.title, pack.source, *pack.notes, *pack.words.values()]
    for control in pack.controls:
        assert control.rules
        assert set(control.rules) <= set(RULES)
        assert control.cite
        texts += [control.text, control.evidence]
        texts += [control.limit] if control.limit else []
    assert pack.controls
    for text in texts:
        assert set(text) == set(LANGUAGES)
        assert all(text.values())
        assert re.search(r"[\u3040-\u30ff\u4e00-\u9fff]", text["ja"])
        assert not re.search(r"[\u3040-\u30ff\u4e00-\u9fff]", text["en"])


def test_no_pack_claims_too_much(pack: Pack) -> None:
    said = FILES[pack.id].read_text().lower()
    forbidden = ("compliant", "lawful", "unrecoverable", "準拠し", "適法", "合法", "復元不可能")
    assert [each for each in forbidden if each in said] == []


def test_what_a_pack_calls_a_product_default_is_the_products(pack: Pack) -> None:
    for kind, interval in pack.intervals.items():
        if interval.product_default:
            assert interval == KINDS[TaskKind(kind)].interval, kind


def test_what_each_pack_says_is_what_its_source_says() -> None:
    ceilings = {each: load_pack(each, FILES).ceiling.days for each in FILES if each != GUIDE}
    assert ceilings == {
        KUMAGAYA: 14,
        "jp_generic_7d": 7,
        "jp_generic_14d": 14,
        "jp_generic_1month": 30,
        "own_rules": 14,
    }
    defaults = {each for each in FILES if load_pack(each, FILES).ceiling_default}
    assert defaults == {"own_rules", GUIDE}
    assert {each for each in FILES if load_pack(each, FILES).for_utilizations} == {GUIDE}
    guide = load_pack(GUIDE, FILES)
    assert len(guide.controls) == 45
    assert guide.lead == LEAD  # the product's: the source has no number
    assert not guide.grounds
    said = " ".join(each["en"] for each in guide.notes)
    for each in ("voluntary", "ver1.0 of 2017", "March 2018", "March 2022", "product defaults"):
        assert each in said
    kumagaya = load_pack(KUMAGAYA, FILES)
    assert kumagaya.grounds == {"law", "authority_written"}
    assert len(kumagaya.controls) == 44
    assert kumagaya.digest == hashlib.sha256(FILES[KUMAGAYA].read_bytes()).hexdigest()


def test_bounds_and_grounds_are_those_of_the_program() -> None:
    assert CEILINGS == (SHORTEST, LONGEST)
    assert {each.value for each in RequestKind} >= GROUNDS
    assert RequestKind.AUTHORITY_ORAL not in GROUNDS  # 第3 4 (2): in writing


# ---------------------------------------------------------------------- the table


def rows() -> dict[str, list[str]]:
    """Return the table's cells by id."""
    found: dict[str, list[str]] = {}
    for line in TABLE.read_text().splitlines():
        cells = [each.strip() for each in line.strip("|").split(" | ")]
        if line.startswith(("| `kumagaya-2019/", "| `guidebook-v1/")):
            assert cells[0] not in found
            found[cells[0].strip("`")] = cells[1:]
    return found


def named_in(cell: str) -> Iterator[tuple[Path, str]]:
    """Return the file and the name of each test that a cell names."""
    for path, name in re.findall(r"`([\w/]+\.py)::(\w+)`", cell):
        yield ROOT / "tests" / ("" if "/" in path else "core") / path, name


def test_each_control_has_its_row_with_tests_that_there_are() -> None:
    controls = [each for name in IN_TABLE for each in load_pack(name, FILES).controls]
    table = rows()
    assert list(table) == [each.id for each in controls]
    functions: dict[Path, set[str]] = {}
    for control in controls:
        cite, _, rules, tests = table[control.id]
        assert cite == control.cite
        assert tuple(re.findall(r"`([\w:]+)`", rules)) == control.rules
        named = list(named_in(tests))
        assert named, control.id
        for path, name in named:
            if path not in functions:
                tree = ast.parse(path.read_text())
                functions[path] = {
                    each.name
                    for each in ast.walk(tree)
                    if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)
                }
            assert name in functions[path], f"{control.id}: {name}"


def reached_states() -> dict[str, set[State]]:
    """Return how each control stands at two sites where all is in order, one plain and one full."""
    kumagaya = load_pack(KUMAGAYA, FILES)
    reached: dict[str, set[State]] = {each.id: set() for each in kumagaya.controls}
    plain = facts()
    contractor, medium = record(SubjectKind.CONTRACTOR), record(SubjectKind.MEDIUM)
    removal = record(SubjectKind.REMOVAL, camera="another")
    inquiry = replace(record(SubjectKind.INQUIRY, finding="proper"), opened_at=NOW)
    left = person("jiro", Role.OPERATOR, acts=False, until_at=BEGAN + timedelta(days=1))
    longer = camera(
        limit=timedelta(days=30),
        asked=timedelta(days=30),
        reason="Repeated arson",
        approver="The chair",
        review_at=NOW + timedelta(days=60),
    )
    full = but(
        replace(
            plain,
            people=(*plain.people, left),
            cameras=(longer,),
            copies=1,
            records=(contractor, medium, removal, inquiry),
        ),
        done(TaskKind.DECIDE_SCOPE, CAMERA, answers={**WITHIN, "medium_in_camera": "yes"}),
        done(TaskKind.LOCK_CAMERA_MEDIUM, CAMERA),
        done(TaskKind.LEAVE, Subject(SubjectKind.PERSON, left.user)),
        done(TaskKind.CONTRACT_CLAUSE, contractor.subject),
        done(TaskKind.DISPOSE_MEDIUM, medium.subject),
        done(TaskKind.REMOVE_DEVICE, removal.subject),
        done(TaskKind.REMOVE_SIGN, removal.subject),
    )
    for site in (plain, full):
        for each in evaluate(kumagaya, site, tasks(site, kumagaya)):
            # An inquiry is due until its record is closed with the answer.
            assert not each.needs_attention or each.control.endswith("4-2b"), each
            reached[each.control].add(each.state)
    return reached


def reached_in_utilizations() -> dict[str, set[State]]:
    """Return how each item stands where all is in order: each case, as it waits and as it runs."""
    guide = load_pack(GUIDE, FILES)
    reached: dict[str, set[State]] = {each.id: set() for each in guide.controls}
    contract = record(SubjectKind.RECIPIENT, contract_on="2026-10-01")
    opinion = record(SubjectKind.FEEDBACK, utilization="shop")
    recipient = Recipient(record=contract.subject.id, name="Map Makers", conditions="monthly")
    for case in UtilizationCase:
        declared = declaration(
            case=case,
            derived="whether a bicycle stands there",
            recipients=(recipient,) if case is UtilizationCase.COUNTING else (),
            public_space=case is not UtilizationCase.MOVEMENT,
            omitted={NoticeItem.BENEFIT: "none"} if case is UtilizationCase.ICONS else {},
            benefit="" if case is UtilizationCase.ICONS else "shorter ways",
        )
        waiting = utilization(declared=declared)
        runs = utilization(declared=declared, running=declared, begun_at=NOW - timedelta(days=2))
        for each in (waiting, runs):
            site = prepared(each, records=(contract, opinion))
            if each is waiting:  # nobody has an opinion of it yet
                site = but(site, without=(TaskKind.REVIEW_FEEDBACK,))
            for found in evaluate(guide, site, tasks(site, guide)):
                assert not found.needs_attention, found
                reached[found.control].add(found.state)
    return reached


def test_each_row_says_how_its_control_stands_where_all_is_in_order() -> None:
    reached = reached_states() | reached_in_utilizations()
    words = {id_: set(cells[1].split(", ")) for id_, cells in rows().items()}
    assert words == {
        id_: {each.value.replace("_", " ") for each in states} for id_, states in reached.items()
    }


# ---------------------------------------------------------------------- a wrong file

OWN = """\
id: shop
version: "1"
title: {ja: 店の決まり, en: The shop's own}
source: {ja: 総会の決議, en: Resolution of the assembly}
as_of: 2026-11-25
retention:
  ceiling_days: 10
grounds: [law]
sign:
  required: [installed, installer]
intervals:
  inspect: {months: 3}
words:
  installer: {ja: 商店会, en: association}
  manager: {ja: 管理責任者, en: manager}
  operator: {ja: 取扱者, en: operator}
  rules: {ja: 運用要領, en: rules}
controls:
  - id: shop/1
    cite: 第１条
    text: {ja: 目的を守る。, en: Keep to the purpose.}
    kinds: [prevent]
    subject: site
    rules: [purpose_stated, task:review_rules]
    evidence: {ja: 設定, en: The settings}
"""
EXTENDING = """\
id: shop
version: "1"
extends: own_rules
title: {ja: 店の決まり, en: The shop's own}
source: {ja: 総会の決議, en: Resolution of the assembly}
as_of: 2026-11-25
"""


def load(folder: Path, text: str | bytes, name: str = "shop") -> Pack:
    """Load a pack of one's own with this content."""
    content = text if isinstance(text, bytes) else text.encode()
    (folder / f"{name}.yaml").write_bytes(content)
    return load_pack(name, pack_files(PACKS, folder))


def test_a_pack_of_ones_own_is_taken_as_it_stands(tmp_path: Path) -> None:
    pack = load(tmp_path, OWN)
    assert pack.ceiling == timedelta(days=10)
    assert not pack.ceiling_default
    assert pack.intervals["inspect"].months == 3
    assert not pack.intervals["inspect"].product_default
    assert [each.id for each in pack.controls] == ["shop/1"]
    assert load(tmp_path, OWN.replace("ceiling_days: 10", "ceiling_hours: 72")).ceiling.days == 3


def test_a_pack_that_extends_another_says_only_what_is_otherwise(tmp_path: Path) -> None:
    own = load_pack("own_rules", FILES)
    pack = load(
        tmp_path,
        EXTENDING
        + OWN[OWN.index("intervals:") :].replace("id: shop/1", "id: own/manager")
        + "retention: {ceiling_days: 3}\n",
    )
    assert [each.id for each in pack.controls] == [each.id for each in own.controls]
    manager = next(each for each in pack.controls if each.id == "own/manager")
    assert manager.cite == "第１条"
    assert pack.ceiling == timedelta(days=3)
    assert pack.grounds == own.grounds
    assert pack.intervals == {**own.intervals, "inspect": pack.intervals["inspect"]}
    chained = f"{own.digest}\n{hashlib.sha256((tmp_path / 'shop.yaml').read_bytes()).hexdigest()}"
    assert pack.digest == hashlib.sha256(chained.encode()).hexdigest()


WRONG = {
    "rule": ("purpose_stated,", "purpose_statd,", "rule_unknown", 24, "purpose_statd"),
    "rule of a task": ("task:review_rules", "task:review", "rule_unknown", 24, "task:review"),
    "no rule": ("[purpose_stated, task:review_rules]", "[]", "list_empty", 24, "rules"),
    "Japanese": ("{ja: 設定, en: ", "{en: ", "language_missing", 25, "evidence: ja"),
    "English": (", en: Keep to the purpose.}", "}", "language_missing", 21, "text: en"),
    "no text": ("ja: 目的を守る。", 'ja: " "', "text_empty", 21, "ja"),
    "long text": ("目的を守る。", "目" * (LONGEST_TEXT + 1), "text_too_long", 21, "ja"),
    "number for text": ('version: "1"', "version: 1", "expected_text", 2, "version"),
    "task": ("inspect:", "inspekt:", "task_unknown", 12, "inspekt"),
    "negative interval": ("months: 3", "months: -3", "interval_not_positive", 12, "-3"),
    "no interval": ("months: 3", "days: 0", "interval_not_positive", 12, "0"),
    "endless interval": ("months: 3", "months: 121", "interval_too_long", 12, "121"),
    "interval in words": ("months: 3", "months: three", "expected_number", 12, "months"),
    "interval without length": ("{months: 3}", "{}", "key_missing", 12, "months"),
    "interval that is none": ("{months: 3}", "3", "expected_mapping", 12, "inspect"),
    "flag": ("months: 3}", "months: 3, product_default: 1}", "expected_flag", 12, "product_default"),
    "key": ("grounds: [law]", "ground: [law]", "key_unknown", 8, "ground"),
    "key of a control": ("    cite:", "    source:", "key_unknown", 20, "source"),
    "missing": ("    cite: 第１条\n", "", "key_missing", 19, "cite"),
    "missing at the top": ("grounds: [law]\n", "", "key_missing", 1, "grounds"),
    "word": ("  operator: {ja: 取扱者, en: operator}\n", "", "key_missing", 14, "operator"),
    "twice": ("as_of:", 'version: "2"\nas_of:', "given_twice", 5, "version"),
    "item twice": ("[installed,", "[installer,", "given_twice", 10, "installer"),
    "control twice": ("controls:", f"controls:{OWN[OWN.index('controls:') + 9 :]}", "id_twice", 27, "shop/1"),
    "no control": (OWN[OWN.index("\n  - id") :], " []\n", "list_empty", 18, "controls"),
    "control that is no mapping": (OWN[OWN.index("\n  - id") :], " [a]\n", "expected_mapping", 18, "controls"),
    "ground": ("[law]", "[law, authority_oral]", "ground_unknown", 8, "authority_oral"),
    "grounds that are no list": ("[law]", "law", "expected_list", 8, "grounds"),
    "subject": ("subject: site", "subject: town", "subject_unknown", 23, "town"),
    "kind": ("[prevent]", "[forbid]", "kind_unknown", 22, "forbid"),
    "sign": ("[installed,", "[logo,", "sign_item_unknown", 10, "logo"),
    "ceiling of nothing": ("ceiling_days: 10", "ceiling_hours: 0", "ceiling_out_of_bounds", 7, "0"),
    "ceiling of years": ("ceiling_days: 10", "ceiling_days: 367", "ceiling_out_of_bounds", 7, "367"),
    "ceiling below": ("ceiling_days: 10", "ceiling_days: -1", "ceiling_out_of_bounds", 7, "-1"),
    "no ceiling": ("ceiling_days: 10", "product_default: true", "key_missing", 7, "ceiling_days"),
    "two ceilings": ("ceiling_days: 10", "{ceiling_days: 1, ceiling_hours: 2}", "key_unknown", 7, "ceiling_hours"),
    "date": ("as_of: 2026-11-25", "as_of: last week", "expected_date", 5, "as_of"),
    "another id": ("id: shop\n", "id: shops\n", "id_differs", 1, "shops"),
    "another file": ("[law]", "!include secrets.yaml", "expected_list", 8, "grounds"),
    "a variable": ('"1"', "!env_var PATH", "expected_text", 2, "version"),
    "an object": ('"1"', "!!python/name:os.system", "expected_text", 2, "version"),
    "not YAML": ("as_of: ", "as_of: [", "not_yaml", 6, ""),
    "a control character": ("第１条", "第\x07条", "not_yaml", 20, ""),
    "unknown base": ("as_of:", "extends: nowhere\nas_of:", "extends_unknown", 5, "nowhere"),
    "itself as base": ("as_of:", "extends: shop\nas_of:", "extends_circular", 5, "shop"),
}  # fmt: skip

FOR_UTILIZATIONS = """\
id: shop
kind: utilization
version: "1"
title: {ja: 手引, en: A guide}
source: {ja: 手引, en: A guide}
as_of: 2026-11-25
lead: {days: 14}
controls:
  - id: shop/1
    cite: "1"
    text: {ja: 告知する。, en: Give notice.}
    kinds: [prevent]
    subject: utilization
    rules: [lead_kept]
    evidence: {ja: 告知, en: The notice}
"""


def test_a_pack_for_utilizations_says_nothing_of_footage_and_carries_no_other(
    tmp_path: Path,
) -> None:
    found = load(tmp_path, FOR_UTILIZATIONS)
    assert found.for_utilizations
    assert (found.lead.days, found.lead.product_default) == (14, False)
    for was, now, problem, line, what in (
        ("kind: utilization", "kind: city", "kind_unknown", 2, "city"),
        ("kind: utilization\n", "", "key_unknown", 6, "lead"),
        ("lead: {days: 14}\n", "", "key_missing", 1, "lead"),
        ("{days: 14}", "{days: 0}", "interval_not_positive", 7, "0"),
        ("{days: 14}", "{days: 9999}", "interval_too_long", 7, "9999"),
        ("{days: 14}", "{months: 1}", "key_unknown", 7, "months"),
        ("lead:", "grounds: [law]\nlead:", "key_unknown", 7, "grounds"),
        ("lead:", "retention: {ceiling_days: 3}\nlead:", "key_unknown", 7, "retention"),
        ("lead:", "extends: own_rules\nlead:", "key_unknown", 7, "extends"),
    ):
        with pytest.raises(PackError) as raised:
            load(tmp_path, FOR_UTILIZATIONS.replace(was, now, 1))
        error = raised.value
        assert (error.problem, error.line, error.what) == (problem, line, what)
    with pytest.raises(PackError) as raised:
        load(tmp_path, EXTENDING.replace("own_rules", GUIDE))
    assert (raised.value.problem, raised.value.line) == ("extends_unknown", 3)


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_pack_is_told_by_line_and_in_words(tmp_path: Path, name: str) -> None:
    was, now, problem, line, what = WRONG[name]
    assert was in OWN
    with pytest.raises(PackError) as raised:
        load(tmp_path, OWN.replace(was, now, 1))
    found = raised.value
    assert (found.problem, found.file, found.line, found.what) == (problem, "shop.yaml", line, what)


@pytest.mark.parametrize(
    ("content", "problem", "line"),
    [
        (b"", "empty", 0),
        (b"# nothing\n", "empty", 0),
        (b"- a\n- b\n", "expected_mapping", 1),
        (OWN.encode("shift_jis"), "not_utf8", 3),
        (b"a: &a [*a]\n", "key_unknown", 1),
        (b"[" * 5_000, "not_yaml", 0),
        (b"id: shop\n---\nid: shop\n", "not_yaml", 2),
        (b"#" * (LARGEST_BYTES + 1), "too_large", 0),
    ],
    ids=["empty", "remark", "list", "shift_jis", "loop", "deep", "two", "large"],
)
def test_a_file_that_is_no_pack_is_told(
    tmp_path: Path, content: bytes, problem: str, line: int
) -> None:
    with pytest.raises(PackError) as raised:
        load(tmp_path, content)
    assert (raised.value.problem, raised.value.line) == (problem, line)


def test_packs_that_rest_on_each_other_in_a_circle_are_told(tmp_path: Path) -> None:
    (tmp_path / "b.yaml").write_text(EXTENDING.replace("shop", "b", 1).replace("own_rules", "shop"))
    with pytest.raises(PackError) as raised:
        load(tmp_path, EXTENDING.replace("own_rules", "b"))
    assert (raised.value.problem, raised.value.file) == ("extends_circular", "b.yaml")
    assert (raised.value.line, raised.value.what) == (3, "shop")


def test_a_fault_in_the_pack_below_is_told_of_its_own_file(tmp_path: Path) -> None:
    (tmp_path / "below.yaml").write_text(
        OWN.replace("id: shop\n", "id: below\n").replace("10", "x")
    )
    with pytest.raises(PackError) as raised:
        load(tmp_path, EXTENDING.replace("own_rules", "below"))
    assert (raised.value.problem, raised.value.file, raised.value.line) == (
        "expected_number",
        "below.yaml",
        7,
    )


def test_a_pack_that_is_gone_or_no_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(PackError) as raised:
        load_pack("gone", FILES)
    assert (raised.value.problem, raised.value.file) == ("missing", "gone.yaml")
    (tmp_path / "folder.yaml").mkdir()
    with pytest.raises(PackError) as raised:
        load_pack("folder", pack_files(tmp_path))
    assert raised.value.problem == "unreadable"


def test_a_file_that_was_changed_is_read_anew(tmp_path: Path) -> None:
    assert load(tmp_path, OWN).ceiling.days == 10
    assert load(tmp_path, OWN.replace("ceiling_days: 10", "ceiling_days: 9")).ceiling.days == 9
