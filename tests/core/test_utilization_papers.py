"""The papers of a utilization: what notices must say is there, as it is set, and stays text on one page."""

import re
from dataclasses import replace
from functools import cache
from itertools import pairwise

import pytest

from custom_components.camera_steward.core.documents.lettering import width_of
from custom_components.camera_steward.core.documents.papers import ABOUT, About, Paper, Printed
from custom_components.camera_steward.core.documents.poster import poster_svg, site_notice
from custom_components.camera_steward.core.documents.rendering import LANGUAGES
from custom_components.camera_steward.core.documents.sign import SignSize
from custom_components.camera_steward.core.documents.utilization import (
    UtilizationPaper,
    utilization_paper,
)
from custom_components.camera_steward.core.documents.utilization_words import CASES, TITLES
from custom_components.camera_steward.core.errors import PaperInvalidError
from custom_components.camera_steward.core.policy.task import TaskKind
from custom_components.camera_steward.core.policy.utilization import (
    PRIOR_ITEMS,
    DetectorKind,
    NoticeItem,
    UtilizationCase,
)
from custom_components.camera_steward.core.tasks.kinds import KINDS

from .paper_site import AWKWARD, LONG, SCRIPT, Outline
from .utilization_site import DECLARED, PAPER, STATISTICS, declared, named

PAPERS = tuple(each for each in Paper if ABOUT.get(each) is About.UTILIZATION)
NOTICES = (Paper.PRIOR_NOTICE, Paper.SITE_NOTICE, Paper.WEB_PAGE)
VOLUNTARY = {"ja": "任意の参考", "en": "gives no immunity"}
DAYS = {"ja": "３６５日間", "en": "365 days"}
NEVER = re.compile(
    r"適法|合法|準拠|適合|認定|同意(を得|済)|承諾|consent|lawful|legal|complian|certif|irrecover|unrecover",
    re.IGNORECASE,
)


def printed(kind: Paper, language: str, paper: UtilizationPaper = PAPER) -> Printed:
    if kind is Paper.SITE_NOTICE:
        return site_notice(language, paper)
    return utilization_paper(kind, language, paper)


def text_of(kind: Paper, language: str, paper: UtilizationPaper) -> str:
    """Return what is read of a paper; lines of the poster are put together again."""
    text = Outline(printed(kind, language, paper).html).text
    joint = "" if language == "ja" or kind is not Paper.SITE_NOTICE else " "
    return re.sub(r"\s*\n\s*", joint, text) if kind is Paper.SITE_NOTICE else text


def of(**changes: object) -> UtilizationPaper:
    """Return the utilization declared otherwise."""
    return replace(PAPER, declared=replace(DECLARED, **changes))  # type: ignore[arg-type]


CROWD = of(recipients=(replace(STATISTICS, name="第一"), *(STATISTICS,) * 90))
"""More recipients than a poster has lines."""


@pytest.mark.parametrize("kind", PAPERS)
def test_both_languages_have_the_same_parts_the_version_and_the_remark(kind: Paper) -> None:
    outlines = {}
    for language in LANGUAGES:
        made = printed(kind, language)
        assert made.version == DECLARED.version
        outlines[language] = found = Outline(made.html)
        assert not found.open
        for told in (DECLARED.version, f"{DECLARED.version[:8]}", VOLUNTARY[language]):
            assert told in found.text.replace("\n", "")
        assert "None" not in found.text
        assert not re.search(r"\{[{%]", found.text)
        # Nothing is fetched from anywhere.
        assert not re.search(r"@import|url\(|<script|<link|<img", made.html)
    if kind is not Paper.SITE_NOTICE:
        for tag in ("h1", "h2", "table", "tr", "td", "li", "dt", "dd", "section"):
            counts = {each: found.elements.count(tag) for each, found in outlines.items()}
            assert counts["ja"] == counts["en"], tag


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("case", UtilizationCase)
def test_notices_say_every_item_of_both_lists_and_what_is_said_is_careful(
    case: UtilizationCase, language: str
) -> None:
    paper = declared(case)
    for kind in PAPERS:
        assert not NEVER.search(text_of(kind, language, paper)), kind
    for kind in NOTICES:
        text = text_of(kind, language, paper).replace(" ", "")
        for told in (
            *(
                DECLARED.purpose,
                DECLARED.entity,
                DECLARED.contact,
                DECLARED.benefit,
                DECLARED.place,
            ),
            *(STATISTICS.name, STATISTICS.conditions),
            "２０２６年１２月１０日" if language == "ja" else "2026-12-10",
            *([] if kind is Paper.PRIOR_NOTICE else [DAYS[language]]),
        ):
            assert told.replace(" ", "") in text, (kind, told)
    prior = text_of(Paper.PRIOR_NOTICE, language, paper)
    assert all(TITLES[language][each] in prior for each in PRIOR_ITEMS)
    web = text_of(Paper.WEB_PAGE, language, paper)
    assert all(title in web for each in LANGUAGES for title in TITLES[each].values())


@pytest.mark.parametrize("language", LANGUAGES)
def test_retention_recipients_and_lead_are_those_of_the_settings(language: str) -> None:
    month = of(retention_days=30, recipients=())
    days, none = {"ja": ("３０日", "提供しま"), "en": ("30 days", "Nobody else")}[language]
    for kind in (Paper.SITE_NOTICE, Paper.WEB_PAGE, Paper.LIFE_CYCLE, Paper.STAFF_SHEET):
        text = text_of(kind, language, month)
        assert days in text
        assert DAYS[language] not in text
        assert STATISTICS.name not in text
        assert (none in text) is (kind is not Paper.LIFE_CYCLE)
    prior = text_of(Paper.PRIOR_NOTICE, language, PAPER)
    assert {"ja": "１４日間", "en": "14 days"}[language] in prior
    assert {"ja": "本システムの初期値", "en": "product’s default"}[language] in prior


def test_what_is_left_out_is_on_no_notice_and_its_reason_is_in_the_rules() -> None:
    paper = of(benefit="", omitted={NoticeItem.BENEFIT: "検討中のため", NoticeItem.PLACE: "防犯上"})
    for kind in NOTICES:
        text = text_of(kind, "ja", paper)
        assert "メリット" not in text
        # A reason of when it was empty leaves nothing out that is told now.
        assert "設置位置" in text
        assert "検討中" not in text
    rules = text_of(Paper.USAGE_RULES, "ja", paper)
    assert f"{TITLES['ja'][NoticeItem.BENEFIT]}：検討中のため" in rules
    # What is empty and not explained shows as a gap, so that nobody posts it by mistake.
    assert "（未記入）" in text_of(Paper.SITE_NOTICE, "ja", of(purpose=" "))


def test_sheets_say_no_more_of_images_and_times_than_what_is_done() -> None:
    """Of pictures that others hold, or times that are told at once, nothing better is said."""
    memory = {"ja": "機器のメモリーの中だけで扱う", "en": "memory alone"}
    server = {"ja": "検出サーバーに送るときを除き", "en": "what is sent to the detection server"}
    for language in LANGUAGES:
        entity = of(detector=DetectorKind.ENTITY, detector_place="sensor.people")
        assert memory[language] not in text_of(Paper.USAGE_RULES, language, entity)
        asked = of(detector=DetectorKind.SERVER, detector_place="http://10.0.0.2")
        assert server[language] in text_of(Paper.USAGE_RULES, language, asked)
        assert server[language] not in text_of(Paper.USAGE_RULES, language, PAPER)
        dropped = CASES[language][DECLARED.case].dropped
        assert dropped in text_of(Paper.REIDENTIFICATION, language, asked)
        assert dropped not in text_of(Paper.REIDENTIFICATION, language, entity)
        sheet = text_of(Paper.REIDENTIFICATION, language, declared(UtilizationCase.ATTRIBUTES))
        assert {"ja": "１分ごと", "en": "once a minute"}[language] in sheet


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_life_cycle_is_what_runs_and_beside_it_what_waits(language: str) -> None:
    assert "1,234,567" not in text_of(Paper.LIFE_CYCLE, language, PAPER)
    running = replace(DECLARED, retention_days=90, recipients=())
    text = text_of(Paper.LIFE_CYCLE, language, replace(PAPER, running=running))
    runs, waits = text.split({"ja": "変更後の内容（告知待ち）", "en": "(pending)"}[language])
    ninety = {"ja": "９０日間", "en": "90 days"}[language]
    assert running.version[:8] in runs
    assert ninety in runs
    assert "1,234,567" in runs
    assert STATISTICS.name not in runs
    assert DECLARED.version[:8] in waits
    assert DAYS[language] in waits
    assert ninety not in waits
    assert STATISTICS.name in waits
    one = text_of(Paper.LIFE_CYCLE, language, replace(PAPER, running=DECLARED))
    assert DAYS[language] in one
    assert {"ja": "告知待ち", "en": "pending"}[language] not in one


def test_the_drawing_promises_nothing_where_something_else_keeps_pictures() -> None:
    red = "#c8102e"
    server = {"camera": "", "detector": DetectorKind.SERVER, "originals": "DeepStack に７日間"}
    for kind in (Paper.SITE_NOTICE, Paper.WEB_PAGE):
        assert red in printed(kind, "ja", of(camera="")).html
        # The camera also records, or a server has copies of its own.
        for paper in (PAPER, of(**server), of(camera="", detector=DetectorKind.ENTITY)):
            assert red not in printed(kind, "ja", paper).html
        assert "DeepStack に７日間" in text_of(kind, "ja", of(**server))
        assert "防犯のためにも記録" in text_of(kind, "ja", PAPER)
    unknown = of(camera="", detector=DetectorKind.ENTITY)
    assert "確認していません" in text_of(Paper.PRIOR_NOTICE, "ja", unknown)


def test_answers_are_on_the_sheets_and_those_of_an_earlier_version_are_called_so() -> None:
    for name, each in PAPER.answers.items():
        assert each.answers.keys() <= {
            question.name for question in KINDS[TaskKind(name)].questions
        }
    risks = text_of(Paper.RISK_SHEET, "ja", PAPER)
    assert "対策により低減" in risks
    assert "下校の時間帯に" in risks
    assert "□" not in risks
    assert "新聞配達" in text_of(Paper.REIDENTIFICATION, "ja", PAPER)
    assert "商店会総会" in text_of(Paper.USAGE_RULES, "ja", PAPER)
    stale = {k: replace(each, current=False) for k, each in PAPER.answers.items()}
    old = replace(PAPER, answers=stale)
    assert "以前の版についてのもの" in text_of(Paper.RISK_SHEET, "ja", old)
    assert "以前の版についてのもの" in text_of(Paper.REIDENTIFICATION, "ja", old)
    assert "商店会総会" not in text_of(Paper.USAGE_RULES, "ja", old)
    blank = replace(PAPER, answers={})
    assert text_of(Paper.RISK_SHEET, "ja", blank).count("□") == 12
    assert text_of(Paper.REIDENTIFICATION, "en", blank).count("□") == 9


@pytest.mark.parametrize("kind", PAPERS)
@AWKWARD
def test_whatever_is_declared_stays_text(kind: Paper, name: str) -> None:
    page = printed(kind, "ja", named(name))
    found = Outline(page.html)
    assert not found.open
    assert "\u202e" not in page.html
    assert len(page.html) < 90_000
    if kind is not Paper.SITE_NOTICE:  # its lines are elements, as many as the text needs
        assert found.elements == _elements(kind)


@cache
def _elements(kind: Paper) -> list[str]:
    return Outline(printed(kind, "ja", named("本町")).html).elements


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "paper",
    [*map(declared, UtilizationCase), named(LONG), named("word " * 200), named("W" * 900), CROWD],
    ids=[*UtilizationCase, "long", "words", "one word", "recipients"],
)
def test_the_poster_is_one_page(paper: UtilizationPaper, language: str) -> None:
    svg = poster_svg(language, paper, SignSize.A4)
    texts = re.findall(
        r'<text x="([\d.]+)" y="([\d.]+)" font-size="([\d.]+)".*?text-anchor="(\w+)".*?>(.*?)</text>',
        svg,
    )
    assert len(texts) > 20
    body = []
    for x, y, size, anchor, text in texts:
        across, down, high = float(x), float(y), float(size)
        assert 8 < down - high * 0.8 < down < 288, text
        wide = width_of(text.replace("&#39;", "'").replace("&amp;", "&")) * high
        left = across - wide / 2 if anchor == "middle" else across
        assert left > 8, text
        # Widths are guessed for bold letters; these may be a tenth narrower.
        assert left + wide / 1.12 < 202, text
        if anchor == "start" and across == 57:
            body.append((down, high))
    assert all(below[0] - above[0] > above[1] for above, below in pairwise(body))
    assert max(down for down, _ in body) < 228
    if paper is CROWD:
        assert "…" in svg


def test_the_code_opens_the_web_page_and_nothing_else() -> None:
    code = 'shape-rendering="crispEdges"'
    assert code in printed(Paper.SITE_NOTICE, "en").html
    assert code in printed(Paper.PRIOR_NOTICE, "en").html
    for address in ("", "javascript:alert(1)", SCRIPT, "048-000-0000", "https://x/ y"):
        assert (
            code not in printed(Paper.SITE_NOTICE, "en", replace(PAPER, web_address=address)).html
        )


def test_the_poster_comes_larger_and_not_as_a_sticker() -> None:
    assert "297mm 420mm" in site_notice("ja", PAPER, SignSize.A3).html
    with pytest.raises(PaperInvalidError):
        site_notice("ja", PAPER, SignSize.STICKER)
