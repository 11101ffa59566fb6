"""A site to print papers of, and names that try to break out of them."""

from dataclasses import replace
from datetime import date, timedelta
from html.parser import HTMLParser
from typing import Final, override

import pytest

from custom_components.camera_steward.core.documents.rules import Limit, RulesCamera, RulesSite
from custom_components.camera_steward.core.policy.pack import Interval, Pack

SCRIPT: Final = "<script>alert(1)</script>\"'&"
BRACES: Final = "{{ 7 * 7 }}{% raw %}{# gone #}"
LONG: Final = "長い名前の自治会" * 625
ARABIC: Final = "محمد بن عبد الله"
TURNED: Final = "熊谷\u202e会"
EMOJI: Final = "👩‍👩‍👧‍👦🇯🇵防犯👍🏽"
AWKWARD = pytest.mark.parametrize(
    "name",
    [SCRIPT, BRACES, LONG, ARABIC, TURNED, EMOJI],
    ids=["script", "braces", "long", "arabic", "turned", "emoji"],
)

PACK: Final = Pack(
    id="jp_kumagaya_2019",
    version="1",
    digest="0" * 64,
    title={"ja": "熊谷市のガイドライン（2019年）", "en": "Kumagaya City's guideline (2019)"},
    source={
        "ja": "熊谷市防犯カメラの設置及び運用に関するガイドライン（平成31年4月1日施行）",
        "en": "Kumagaya City, guideline on installing and operating security cameras",
    },
    in_force=date(2019, 4, 1),
    as_of=date(2026, 11, 25),
    ceiling=timedelta(days=14),
    ceiling_default=False,
    grounds=frozenset({"law", "authority_written"}),
    sign_required=("installed", "installer"),
    sign_optional=("manager", "contact", "purpose"),
    intervals={
        "check_sign": Interval(months=3),
        "inspect": Interval(months=6),
        "review_rules": Interval(months=12),
        "review_viewings": Interval(months=1),
        "brief": Interval(months=12),
        "answer_inquiry": Interval(days=7),
    },
    words={
        "installer": {"ja": "設置者", "en": "installer"},
        "manager": {"ja": "運用責任者", "en": "operations manager"},
        "operator": {"ja": "操作責任者", "en": "operator"},
        "rules": {"ja": "設置運用規約", "en": "rules of installation and operation"},
    },
    controls=(),
)

CAMERA: Final = RulesCamera(
    name="正面入口",
    place="店舗正面入口の上",
    direction="北（市道側）",
    field_of_view="入口及び前面道路2mまで",
    purpose="商店街における犯罪の防止",
    limit=Limit(length=timedelta(days=7)),
)
SITE: Final = RulesSite(
    installer="本町見本商店会",
    contact="048-000-0000",
    purpose="商店街における犯罪の防止",
    manager="見本 花子",
    limit=Limit(length=timedelta(days=7)),
    cameras=(CAMERA,),
    live_length=timedelta(minutes=10),
    pack=PACK,
)


def named(name: str) -> RulesSite:
    """Return the site with one name in all places."""
    camera = replace(
        CAMERA,
        name=name,
        place=name,
        direction=name,
        field_of_view=name,
        purpose=name,
        limit=Limit(length=timedelta(days=30), reason=name, approver=name),
    )
    limit = Limit(length=timedelta(days=20), reason=name, approver=name)
    return replace(
        SITE,
        installer=name,
        contact=name,
        purpose=name,
        manager=name,
        limit=limit,
        cameras=(camera,),
    )


class Outline(HTMLParser):
    """What elements a page has, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(html)
        self.close()

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        assert not [name for name, _ in attrs if name.startswith("on") or name in ("src", "href")]
        if tag not in ("meta", "br"):
            self.open.append(tag)

    @override
    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    @override
    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text += data
