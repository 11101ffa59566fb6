"""The papers for print: any name stays text, both languages say the same, versions follow the text."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path

import pytest

from custom_components.camera_steward.core.documents.papers import (
    Adoption,
    Appointee,
    Contractor,
    Figures,
    PaperSite,
    Printed,
    Statement,
    StatementRow,
    Table,
    appointment_paper,
    manual_paper,
    notice_paper,
    pledge_paper,
    register_paper,
    removal_paper,
    report_paper,
    rules_paper,
    statement_paper,
)
from custom_components.camera_steward.core.documents.rendering import LANGUAGES, render
from custom_components.camera_steward.core.documents.rules import ARTICLES, rules_of
from custom_components.camera_steward.core.policy.loading import load_pack, pack_files

from .paper_site import ARABIC, AWKWARD, BRACES, LONG, SCRIPT, SITE, TURNED, Outline, named

PACKS = Path(__file__).parents[2] / "custom_components/camera_steward/packs"
YEAR = date(2026, 1, 1), date(2026, 12, 31)
FIGURES = Figures(
    viewings=1,
    viewers=2,
    guests=3,
    refused=4,
    disclosures=5,
    declined=6,
    holds=7,
    inquiries=8,
    inquiries_closed=9,
    inspections=10,
    signs=11,
    faults=12,
    faults_gone=13,
    purges=14,
    erased=15_000,
    past_limit=16,
    media=17,
    removals=18,
)


@cache
def site_of(name: str = SITE.installer) -> PaperSite:
    site = named(name) if name != SITE.installer else SITE
    rules = rules_of(site)
    return PaperSite(
        site=site,
        rules=rules,
        people=(
            Appointee(role="manager", name=name, since_on=date(2026, 4, 1)),
            Appointee(role="operator", name=name, until_on=date(2027, 3, 31)),
        ),
        adoption=Adoption(version=rules.version, adopted_on=date(2026, 5, 1), body=name),
        printed_on=date(2026, 11, 25),
    )


def _pledge(site: PaperSite) -> dict[str, str]:
    # As the edge makes it: cleaned by the same rules.
    values = {"installer": site.rules.articles["ja"][0].paragraphs[0].text[:40]}
    return {each: render(each, "pledge.txt", values) for each in LANGUAGES}


def _statement(name: str) -> Statement:
    row = StatementRow(
        cite="第３ ２ ⑵",
        text=name,
        subject=name,
        voluntary=True,
        state="実施",
        why=(name, name),
        evidence="記録簿",
        limit="限界",
        checked_by=name,
        checked_on="2026-11-20",
        next_on="2027-05-20",
    )
    return Statement(title="一覧", looked_at="2026-11-25", counts=(("実施", 3),), rows=(row, row))


def _both[Made](made: Made) -> dict[str, Made]:
    return dict.fromkeys(LANGUAGES, made)


PAPERS: dict[str, Callable[[str, str], Printed]] = {
    "rules": lambda language, name: rules_paper(
        language,
        site_of(name),
        [Contractor(name=name, work=name, clause=True, until_on=date(2027, 1, 1))],
    ),
    "manual": lambda language, name: manual_paper(language, site_of(name)),
    "pledge": lambda language, name: pledge_paper(
        language, site_of(name), _pledge(site_of(name)), site_of(name).people[1]
    ),
    "appointment": lambda language, name: appointment_paper(
        language, site_of(name), site_of(name).people[0]
    ),
    "notice": lambda language, name: notice_paper(language, site_of(name), name_manager=True),
    "register": lambda language, name: register_paper(
        language,
        site_of(name),
        _both(Table(title="記録簿", headings=("1", "2"), rows=((name, name), ("a", "b")))),
        YEAR,
        omitted=3,
    ),
    "statement": lambda language, name: statement_paper(
        language, site_of(name), _both(_statement(name))
    ),
    "report": lambda language, name: report_paper(
        language, site_of(name), FIGURES, _both((("実施", 3),)), YEAR, ("retention",)
    ),
    "removal": lambda language, name: removal_paper(
        language, site_of(name), "2026-001", _both((("名称", (name, name)),))
    ),
}


@pytest.mark.parametrize("paper", PAPERS)
def test_both_languages_have_the_same_parts_and_one_version(paper: str) -> None:
    pages = {each: PAPERS[paper](each, SITE.installer) for each in LANGUAGES}
    assert pages["ja"].version == pages["en"].version
    assert re.fullmatch(r"[0-9a-f]{64}", pages["ja"].version)
    outlines = {each: Outline(page.html) for each, page in pages.items()}
    for tag in ("h2", "table", "tr", "td", "li", "div"):
        counts = {each: found.elements.count(tag) for each, found in outlines.items()}
        assert counts["ja"] == counts["en"], tag
    assert not outlines["ja"].open
    for each, found in outlines.items():
        assert f'<html lang="{each}">' in pages[each].html
        assert "None" not in found.text
        assert not re.search(r"\{[{%]", found.text)


@pytest.mark.parametrize("paper", PAPERS)
@AWKWARD
def test_any_name_stays_text(paper: str, name: str) -> None:
    plain = Outline(PAPERS[paper]("ja", "本町").html)
    page = PAPERS[paper]("ja", name)
    found = Outline(page.html)
    assert found.elements == plain.elements
    assert not found.open
    assert "\u202e" not in page.html
    assert len(page.html) < 90_000


def test_names_are_printed_as_they_are_and_set_apart() -> None:
    page = PAPERS["appointment"]("ja", SCRIPT)
    assert SCRIPT in Outline(page.html).text
    assert "<script" not in page.html
    assert BRACES in Outline(PAPERS["manual"]("en", BRACES).html).text
    assert f"\u2068{ARABIC}\u2069" in PAPERS["notice"]("en", ARABIC).html
    assert "熊谷会" in PAPERS["notice"]("ja", TURNED).html
    assert f"{LONG[:299]}…" in PAPERS["notice"]("ja", LONG).html


@pytest.mark.parametrize("paper", PAPERS)
def test_the_version_is_on_the_paper_and_not_of_the_day(paper: str) -> None:
    page = PAPERS[paper]("ja", SITE.installer)
    assert (page.version in page.html) == (paper != "notice")
    assert page.version != PAPERS[paper]("ja", "本町商店").version
    again = manual_paper("ja", replace(site_of(), printed_on=date(2027, 1, 1)))
    first = manual_paper("ja", site_of())
    assert again.version == first.version
    assert again.html != first.html


def test_rules_bear_their_own_version_and_the_day_of_adoption_if_it_is_theirs() -> None:
    site = site_of()
    page = rules_paper("ja", site, ())
    assert page.version == site.rules.version
    assert "２０２６年５月１日" in page.html
    assert page.html.count('class="article"') == len(ARTICLES)
    assert "配置図" in page.html
    other = Adoption(version="0" * 64, adopted_on=date(2026, 5, 1), body="総会")
    assert "２０２６年５月１日" not in rules_paper("ja", replace(site, adoption=other), ()).html
    assert "委託先はありません" in page.html


def test_the_pack_is_named_on_every_paper_and_every_pack_can_be_printed() -> None:
    files = pack_files(PACKS)
    for pack_id in files:
        pack = load_pack(pack_id, files)
        if not pack.words:
            continue  # the guidebook: it is looked at beside a site's own
        site = replace(SITE, pack=pack)
        made = replace(site_of(), site=site, rules=rules_of(site))
        page = manual_paper("ja", made)
        assert pack.digest in page.html
        rules = Outline(rules_paper("ja", made, ()).html).text
        # A rule without a guideline speaks of none.
        assert ("ガイドライン" in rules.split("作成日")[0]) == (pack.in_force is not None)


def test_a_form_has_blanks_and_the_manager_is_named_to_the_public_only_if_wanted() -> None:
    blank = pledge_paper("ja", site_of(), _pledge(site_of()), Appointee(role="manager", name=""))
    assert "運用責任者として" in blank.html
    assert "見本 花子" not in notice_paper("ja", site_of(), name_manager=False).html
    assert "見本 花子" in notice_paper("ja", site_of(), name_manager=True).html


def test_figures_are_all_told() -> None:
    for language in LANGUAGES:
        text = Outline(PAPERS["report"](language, SITE.installer).html).text
        for number in (*range(1, 15), "15,000", 16, 17, 18, 35):
            assert str(number) in text
