"""A utilization to print papers of: what is declared, what was answered, and how it runs."""

from dataclasses import replace
from datetime import date
from typing import Final

from custom_components.camera_steward.core.documents.utilization import Answered, UtilizationPaper
from custom_components.camera_steward.core.policy.pack import Interval
from custom_components.camera_steward.core.policy.utilization import (
    Declaration,
    DetectorKind,
    Recipient,
    UtilizationCase,
)

STATISTICS: Final = Recipient(
    record="r1",
    name="見本統計研究所",
    conditions="１時間ごとの通行者数を、商店街の出店計画の調査に限り利用",
)
DECLARED: Final = Declaration(
    case=UtilizationCase.COUNTING,
    camera="camera1",
    purpose="商店街の通行量を把握し、ベンチ、照明及び催しの配置を検討するため",
    entity="本町見本商店会",
    contact="本町見本商店会事務局　電話048-000-0000（平日９時～17時）",
    benefit="混雑する時間帯を避けて買い物ができるよう、曜日・時間帯別の混み具合を掲示します",
    place="本町通り北側アーケードの支柱（高さ４ｍ）。北側歩道及び車道10ｍの範囲",
    retention_days=365,
    recipients=(STATISTICS,),
)
ANSWERS: Final = {
    "assess_risks": Answered(
        on=date(2026, 11, 20),
        by="見本 花子",
        answers={
            "trait_consent": "reduced",
            "trait_unseen": "low",
            "trait_beyond": "reduced",
            "trait_later": "low",
            "measures": "下校の時間帯に、組合員が通りに立って告知を補う。",
        },
        current=True,
    ),
    "assess_reidentification": Answered(
        on=date(2026, 11, 20),
        by="見本 花子",
        answers={
            "small_counts": "reduced",
            "time_resolution": "reduced",
            "trajectories": "low",
            "processing": "早朝は新聞配達の１人だけのことがある。５時から７時までは公表しない。",
        },
        current=True,
    ),
    "brief_staff": Answered(
        on=date(2026, 11, 21), by="見本 花子", answers={"who": "加盟店の従業員12人"}, current=True
    ),
    "adopt_usage_rules": Answered(
        on=date(2026, 11, 15), by="見本 花子", answers={"body": "商店会総会"}, current=True
    ),
    "check_ordinance": Answered(
        on=date(2026, 11, 18), by="見本 花子", answers={"ordinance": "kept"}, current=True
    ),
}
PAPER: Final = UtilizationPaper(
    site="本町見本商店会",
    name="本町通りの通行量調査",
    declared=DECLARED,
    start_on=date(2026, 12, 10),
    lead=Interval(days=14),
    printed_on=date(2026, 11, 25),
    web_address="https://honcho.example/camera-use",
    camera="北側アーケード",
    manager="見本 花子",
    operators=("見本 太郎",),
    responsible={
        "camera": "本町見本商店会",
        "network": "本町見本商店会",
        "home_assistant": "本町見本商店会 会長",
        "database": "本町見本商店会 会長",
        "recipient:r1": "見本統計研究所",
    },
    answers=ANSWERS,
    detector_version="1.0.0",
    rate=2.0,
    width=320,
    frames_taken=1234567,
)


def declared(case: UtilizationCase) -> UtilizationPaper:
    """Return the utilization with another case."""
    return replace(PAPER, declared=replace(DECLARED, case=case))


def named(name: str) -> UtilizationPaper:
    """Return it with one name in all places that people fill in."""
    said = replace(
        DECLARED,
        detector=DetectorKind.SERVER,
        detector_place=name,
        purpose=name,
        entity=name,
        contact=name,
        benefit=name,
        place=name,
        derived=name,
        originals=name,
        recipients=(Recipient(record="r1", name=name, conditions=name),),
    )
    answered = {
        kind: replace(each, by=name, answers=dict.fromkeys(each.answers, name))
        for kind, each in ANSWERS.items()
    }
    return replace(
        PAPER,
        site=name,
        name=name,
        declared=said,
        running=replace(said, retention_days=30),
        web_address=name,
        camera=name,
        manager=name,
        operators=(name, name),
        responsible={each.key: name for each in said.nodes},
        answers=answered,
        detector_version=name,
    )
