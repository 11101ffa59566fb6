"""The rules: the same articles in both languages, their versions, and names of any kind."""

import re
from dataclasses import replace
from datetime import date, timedelta

import pytest

from custom_components.camera_steward.core.documents.rendering import LANGUAGES
from custom_components.camera_steward.core.documents.rules import (
    ARTICLES,
    SHEET,
    Limit,
    Rules,
    RulesSite,
    differing,
    rules_of,
)
from custom_components.camera_steward.core.policy.pack import Interval

from .paper_site import AWKWARD, BRACES, CAMERA, LONG, PACK, SITE, TURNED, named

RULES = rules_of(SITE)


def text_of(rules: Rules, language: str, name: str) -> str:
    (found,) = [each for each in rules.articles[language] if each.name == name]
    return "\n".join(found.lines)


def test_both_languages_have_the_same_articles_paragraphs_and_items() -> None:
    shapes = {
        language: [(each.name, [len(part.items) for part in each.paragraphs]) for each in articles]
        for language, articles in RULES.articles.items()
    }
    assert shapes["ja"] == shapes["en"]
    assert [name for name, _ in shapes["ja"]] == [*ARTICLES, SHEET]
    assert len(ARTICLES) == 23


def test_articles_are_numbered_and_what_refers_to_one_finds_it() -> None:
    titles = [each.title for each in RULES.articles["ja"]]
    assert titles[:2] == ["第１条", "第２条"]
    assert titles[-3:] == ["第２２条", "附則", "別紙１"]
    assert "第１２条第２項" in text_of(RULES, "ja", "removal")
    assert "Article 12, paragraph 2" in text_of(RULES, "en", "removal")
    assert "media" in text_of(RULES, "en", "erasure").split("2.")[1]
    assert "第９条第２項の許可" in text_of(RULES, "ja", "secrecy")
    assert text_of(RULES, "ja", "viewing").split("\n")[2].startswith("２ 運用責任者等以外の者は")
    assert text_of(RULES, "ja", "disclosure").split("\n")[3].startswith("  ⑴ 法令等")


def test_they_say_how_the_site_is_set_up() -> None:
    japanese = RULES.text("ja", "設置運用規約")
    for told in (
        *("本町見本商店会", "048-000-0000", "見本 花子", "商店街における犯罪の防止"),
        *("正面入口", "店舗正面入口の上", "北（市道側）", "入口及び前面道路2mまで"),
        *("撮影した時から７日以内", "原則として１４日以内", "３か月に１回以上", "６か月に１回以上"),
        *("７日以内に行う", "毎月１回以上", "音声は、記録しない"),
    ):
        assert told in japanese
    english = RULES.text("en", "Rules")
    for told in ("7 days at most", "14 days at most", "at least once in 6 months", "within 7 days"):
        assert told in english


def test_a_longer_retention_is_printed_with_its_reason() -> None:
    long = Limit(
        length=timedelta(days=30, hours=12),
        reason="長期の休業",
        approver="見本 太郎",
        review_on=date(2027, 4, 1),
    )
    site = rules_of(replace(SITE, limit=long))
    for told in ("３０日と１２時間以内", "長期の休業", "見本 太郎", "２０２７年４月１日"):
        assert told in text_of(site, "ja", "retention")
    camera = rules_of(replace(SITE, cameras=(replace(CAMERA, limit=long),)))
    assert "正面入口　３０日と１２時間以内（１４日を超える理由：長期の休業" in text_of(
        camera, "ja", "retention"
    )
    # A reason that is not needed is not printed.
    short = rules_of(replace(SITE, limit=replace(long, length=timedelta(days=14))))
    assert "長期の休業" not in short.text("ja", "")


@pytest.mark.parametrize(
    ("grounds", "wanted", "unwanted"),
    [
        ({"law", "authority_written"}, "文書により", "本人の同意"),
        ({"self"}, "本人の同意", "文書により"),
        (set(), "画像を第三者に提供してはならない。提供の要請", "各号のいずれかに該当"),
    ],
)
def test_grounds_are_the_packs(grounds: set[str], wanted: str, unwanted: str) -> None:
    site = replace(SITE, pack=replace(PACK, grounds=frozenset(grounds)))
    made = text_of(rules_of(site), "ja", "disclosure") + text_of(rules_of(site), "ja", "showing")
    assert wanted in made
    assert unwanted not in made


def test_a_pack_without_intervals_says_regularly() -> None:
    site = rules_of(replace(SITE, pack=replace(PACK, intervals={}), cameras=()))
    assert "定期に点検" in text_of(site, "ja", "maintenance")
    assert "inspected regularly" in text_of(site, "en", "maintenance")
    assert "No camera" in text_of(site, "en", "cameras")


CHANGES: list[tuple[RulesSite, set[str]]] = [
    (replace(SITE, installer="本町商店"), {"aim", "installer"}),
    (replace(SITE, contact="048-000-0001"), {"installer", "inquiries"}),
    (replace(SITE, purpose="事故の防止"), {"purpose"}),
    (replace(SITE, manager="見本 太郎"), {"manager"}),
    (replace(SITE, live_length=timedelta(minutes=5)), {"viewing"}),
    (replace(SITE, limit=Limit(length=timedelta(days=3))), {"retention"}),
    (replace(SITE, cameras=(replace(CAMERA, direction="南"),)), {SHEET}),
    (replace(SITE, cameras=(CAMERA, CAMERA)), {"place", SHEET}),
    (replace(SITE, cameras=(replace(CAMERA, audio=True),)), {"place", SHEET}),
    (replace(SITE, pack=replace(PACK, grounds=frozenset({"law"}))), {"disclosure"}),
    (replace(SITE, pack=replace(PACK, ceiling=timedelta(days=30))), {"retention"}),
    (
        replace(
            SITE, pack=replace(PACK, intervals={**PACK.intervals, "inspect": Interval(months=3)})
        ),
        {"maintenance"},
    ),
    (replace(SITE, pack=replace(PACK, as_of=date(2027, 1, 1), version="2")), set()),
]


@pytest.mark.parametrize(("site", "articles"), CHANGES)
def test_a_change_is_told_by_its_articles(site: RulesSite, articles: set[str]) -> None:
    made = rules_of(site)
    found = differing(RULES.digests, made.digests)
    assert set(found) == articles
    assert list(found) == sorted(found, key=[*ARTICLES, SHEET].index)
    assert (made.version != RULES.version) == bool(articles)


def test_what_was_adopted_long_ago_and_has_other_articles_differs_by_them() -> None:
    adopted = {name: digest for name, digest in RULES.digests.items() if name != "showing"}
    assert differing({**adopted, "gone": "1"}, RULES.digests) == ("showing", "gone")
    assert differing({}, RULES.digests) == (*ARTICLES, SHEET)


@AWKWARD
def test_any_name_leaves_the_articles_as_they_are(name: str) -> None:
    made = rules_of(named(name))
    for language in LANGUAGES:
        articles = made.articles[language]
        assert [each.name for each in articles] == [*ARTICLES, SHEET]
        assert [each.heading for each in articles] == [
            each.heading for each in RULES.articles[language]
        ]
        whole = made.text(language, "")
        assert len(whole) < 25_000
        assert "\u202e" not in whole
        assert whole.count("\u2068") == whole.count("\u2069")


def test_a_name_is_no_template_and_makes_no_paragraph() -> None:
    assert BRACES in text_of(rules_of(named(BRACES)), "ja", "purpose")
    torn = named("一\n- 二\n{% endblock %}\r\n\u2028三")
    shape = [len(each.paragraphs) for each in rules_of(torn).articles["ja"]]
    assert shape == [len(each.paragraphs) for each in rules_of(named("一")).articles["ja"]]
    assert "熊谷会" in text_of(rules_of(named(TURNED)), "ja", "aim")
    assert "…" in text_of(rules_of(named(LONG)), "ja", "aim")


def test_no_value_is_left_open() -> None:
    for language in LANGUAGES:
        assert not re.search(r"\{[{%]|None|frozenset", RULES.text(language, ""))
