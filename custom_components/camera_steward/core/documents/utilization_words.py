"""What the papers of a utilization say of each case, in both languages: seen, derived, dropped, kept.

They describe what the cases do (docs/design/utilization.md, Limiter); who changes a case changes them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ..policy.utilization import NoticeItem, UtilizationCase


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseWords:
    """A case in one language.

    `images` is what they show, `derived` what is made of them, `short` the same in a few words,
    `dropped` what becomes of images and of whatever else is made on the way, `moments` how finely
    times are kept, `few` what keeps small counts from telling of somebody, `tracks` whether a way can
    be followed. `besides` is a picture that is kept though nobody is in it, or empty.
    """

    title: str
    images: str
    derived: str
    short: str
    dropped: str
    moments: str
    few: str
    tracks: str
    besides: str = ""


_JA: Final[Mapping[UtilizationCase, CaseWords]] = {
    UtilizationCase.ATTRIBUTES: CaseWords(
        title="属性の推定（来店者の年代及び性別、待ち行列の予測）",
        images="入口、レジ付近などを通る来店者の、顔及び上半身を含む画像",
        derived="15分ごとの来店者数、年代別（20歳未満、20～39歳、40～59歳、60歳以上）及び性別の"
        "人数（いずれも推定値）、待っている人数及びその予測",
        short="人数、年代・性別の推定",
        dropped="画像及び推定に用いた特徴量は、１枚ごとに推定の直後に破棄します。",
        moments="来店者数並びに年代別及び性別の人数は、15分ごとにまとめます。待ち人数の予測は、およそ１分ごと"
        "（既にある機器が数えるときは、その都度）に変わります。",
        few="年代別及び性別の人数が１人又は２人のとき、及び他の人数との差からそれが分かるときは、表示も保存も"
        "しません。",
        tracks="個々の人の位置及び移動は保存しません。",
    ),
    UtilizationCase.MOVEMENT: CaseWords(
        title="移動の把握（フロア内の移動及び滞在）",
        images="売場などの床と、そこを移動する人の画像",
        derived="0.5メートル四方ごと・１時間ごとの滞在及び移動の回数（見取図に重ねた図を含む）、"
        "区域ごとの訪問数及び平均の滞在時間",
        short="区画ごとの滞在・移動の回数",
        dropped="画像は、位置を求めた直後に１枚ごとに破棄します。個々の人の軌跡は、来訪ごとに無作為に付ける"
        "番号とともに、集計の後、遅くとも10分以内に破棄します。",
        moments="位置は１時間、訪問及び滞在は15分ごとにまとめ、それより細かい時刻を保存しません。",
        few="通った人が３人に満たない区画及び流れ並びに訪問が１回又は２回の区域は、表示も保存もしません。",
        tracks="個々の軌跡は集計後に破棄し、別の来訪と結び付ける番号を持ちません。",
    ),
    UtilizationCase.COUNTING: CaseWords(
        title="通行量の計測（人、自転車及び自動車）",
        images="通行する人、自転車及び自動車の画像",
        derived="定めた線を通過した人、自転車及び自動車の、方向別の数",
        short="人・車の通過数",
        dropped="画像は、数えた直後に１枚ごとに破棄します。通過を数えるための一時的な番号は、画面から"
        "外れると破棄します。",
        moments="数は通過の都度変わるため、通過した時刻が秒単位で残ります。",
        few="通過した数だけを保存し、１人でも数えます。人の特徴は保存しません。",
        tracks="線を通過したことだけを数え、経路を保存しません。",
    ),
    UtilizationCase.SCENERY: CaseWords(
        title="風景の状態の把握（積雪、冠水、駐車、棚など）",
        images="道路、駐車場、棚などの風景の画像。人が写り込むことがありますが、顔及び表札の文字を識別できない"
        "粗さで扱います",
        derived="あらかじめ定めた区分による、場面の状態",
        short="場面の状態",
        dropped="画像は、状態を判定した直後に１枚ごとに破棄します。見本とした場面は、縦12・横16の区画ごとの粗い数値"
        "（７段階）に置き換え、それだけを保存します。",
        moments="状態が変わった時刻を保存します。",
        few="人を数えません。",
        tracks="人の位置及び移動を求めません。",
    ),
    UtilizationCase.ICONS: CaseWords(
        title="混雑の表示（人のアイコン化）",
        images="通路、改札付近などを通行する人の画像",
        derived="人の位置を示すアイコンを人のいない背景に重ねた図、及び混雑の程度（人なし、空いている、混雑、大変混雑）",
        short="アイコンと混雑の程度",
        dropped="画像は、位置をアイコンに置き換えた直後に１枚ごとに破棄します。",
        moments="図及び混雑の程度は10秒に１回を超えて変わりません。過去の図は保存しません。",
        few="図には、人数分の同じ形のアイコンだけを描きます。",
        tracks="アイコンに番号を付けず、経路を保存しません。",
        besides="人が写っていないことを確認した背景の画像１枚だけを保存します。",
    ),
    UtilizationCase.OTHER: CaseWords(
        title="その他（個別に検討したもの）",
        images="撮影範囲を通行する人及び物の画像",
        derived="同時に写った人の最大数",
        short="人数などのデータ",
        dropped="画像は、処理の直後に１枚ごとに破棄します。",
        moments="15分ごとにまとめ、それより細かい時刻を保存しません。",
        few="人の特徴は保存しません。",
        tracks="個々の人の位置及び移動は保存しません。",
    ),
}

_EN: Final[Mapping[UtilizationCase, CaseWords]] = {
    UtilizationCase.ATTRIBUTES: CaseWords(
        title="Attributes (ages and sex of visitors estimated, queues foreseen)",
        images="Visitors who pass the entrance or the tills, with face and upper body",
        derived="By the quarter of an hour: the number of visitors, and how many of each age band (under 20, "
        "20–39, 40–59, 60 and over) and sex, all estimated; how many are waiting, and a forecast",
        short="Counts by age and sex",
        dropped="Each image, and the features used for the estimate, are discarded right after it.",
        moments="Visitors, ages and sexes are summed up by the quarter of an hour. The forecast of the queue "
        "changes about once a minute, or whenever a device that counts says so.",
        few="A count of 1 or 2 by age or sex, or one from which it could be worked out, is neither shown nor "
        "kept.",
        tracks="Nobody’s position or way is kept.",
    ),
    UtilizationCase.MOVEMENT: CaseWords(
        title="Movement (ways and stays on a floor)",
        images="The floor, such as a sales area, and people moving on it",
        derived="How often somebody was in, or went between, squares of 0.5 m, by the hour (also drawn on a "
        "floor plan); visits to zones and the mean length of stays",
        short="Stays by square",
        dropped="Each image is discarded once positions were taken from it. Single tracks bear a random number "
        "for one visit and are discarded when they were summed up, after 10 minutes at the latest.",
        moments="Positions are summed up by the hour, visits and stays by the quarter of an hour; no finer time "
        "is kept.",
        few="Squares and ways that fewer than 3 people took, and 1 or 2 visits to a zone, are neither shown nor "
        "kept.",
        tracks="Single tracks are discarded when summed up; no number links one visit to another.",
    ),
    UtilizationCase.COUNTING: CaseWords(
        title="Counting (people, bicycles and cars that pass)",
        images="People, bicycles and cars that pass",
        derived="How many people, bicycles and cars crossed a line, by direction",
        short="Numbers of crossings",
        dropped="Each image is discarded right after counting. The passing number that is needed to count "
        "somebody once is discarded when they leave the view.",
        moments="Counts change as they happen, so that the second of a crossing is kept.",
        few="Only numbers of crossings are kept, also of one person; nothing of what they look like.",
        tracks="That a line was crossed is counted; no way is kept.",
    ),
    UtilizationCase.SCENERY: CaseWords(
        title="Scenery (snow, flood, parking, shelves and the like)",
        images="A scene such as a road, a parking lane or a shelf. People may be in it; it is so coarse that "
        "faces and nameplates cannot be told",
        derived="The state of the scene, one of a few that were named beforehand",
        short="State of the scene",
        dropped="Each image is discarded once the state was told. Of the moments that serve as examples, coarse "
        "numbers (7 steps) in 16 × 12 fields are kept and nothing else.",
        moments="The time of a change of state is kept.",
        few="People are not counted.",
        tracks="Nobody’s position or way is taken.",
    ),
    UtilizationCase.ICONS: CaseWords(
        title="Crowding (people as icons)",
        images="People who pass a passage, a gate or the like",
        derived="A drawing with icons where people are, on a background without anybody, and how crowded it is "
        "(empty, some, busy, full)",
        short="Icons and crowding",
        dropped="Each image is discarded once positions became icons.",
        moments="Drawing and level change at most once in 10 seconds. Former drawings are not kept.",
        few="The drawing shows as many icons as people, all of one shape.",
        tracks="Icons bear no number, and no way is kept.",
        besides="One picture of the background is kept, after somebody saw that nobody is in it.",
    ),
    UtilizationCase.OTHER: CaseWords(
        title="Other (assessed on its own)",
        images="People and things that pass through the view",
        derived="The most people that were in view at once",
        short="Numbers and the like",
        dropped="Each image is discarded right after it was looked at.",
        moments="Summed up by the quarter of an hour; no finer time is kept.",
        few="Nothing of what people look like is kept.",
        tracks="Nobody’s position or way is kept.",
    ),
}

CASES: Final = {"ja": _JA, "en": _EN}

TITLES: Final[Mapping[str, Mapping[NoticeItem, str]]] = {
    "ja": {
        NoticeItem.PURPOSE: "カメラ画像の内容及び利活用の目的",
        NoticeItem.OPERATOR: "運用実施主体の名称及び連絡先",
        NoticeItem.BENEFIT: "利活用によって生活者に生じるメリット",
        NoticeItem.PLACE: "カメラの設置位置及び撮影範囲",
        NoticeItem.DERIVED: "生成するデータの概要",
        NoticeItem.RETENTION: "生成データの保存期間",
        NoticeItem.IDENTIFIABLE: "生成データからの個人特定の可否",
        NoticeItem.RECIPIENTS: "生成データの第三者への提供先",
        NoticeItem.START: "利活用の開始時期",
    },
    "en": {
        NoticeItem.PURPOSE: "What the images show and what they are used for",
        NoticeItem.OPERATOR: "Operating entity and contact",
        NoticeItem.BENEFIT: "Benefit to the public",
        NoticeItem.PLACE: "Position and range of the camera",
        NoticeItem.DERIVED: "Data derived from the images",
        NoticeItem.RETENTION: "How long derived data is kept",
        NoticeItem.IDENTIFIABLE: "Whether people can be identified from it",
        NoticeItem.RECIPIENTS: "Third parties that are given it",
        NoticeItem.START: "Start",
    },
}
"""What the items of notices are called: the guidebook's lists (②, ③)."""

VOLUNTARY: Final = {
    "ja": "カメラ画像利活用ガイドブックver1.0（平成29年１月）の記載内容例に沿って作成しました。同ガイドブックは任意の"
    "参考であり、これに沿っても責任を免れるものではなく、苦情や訴えが生じることもあります。",
    "en": "Made along the camera-image utilization guidebook ver1.0 (Japan, 2017). It is voluntary guidance: "
    "following it gives no immunity and rules out neither complaints nor claims.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """Sentences of notices in one language, to be filled in."""

    purpose: str
    shows: str
    recognizable: str
    coarse: str
    contact: str
    more: str
    kept: str
    identifiable: str
    unidentifiable: str
    nobody: str
    conditions: str
    start: str
    empty: str
    memory: str
    server: str
    entity: str
    originals: str
    no_originals: str
    also_recorded: str


WORDS: Final = {
    "ja": Words(
        shows="内容：{}",
        purpose="目的：{}",
        recognizable="（特定の個人を識別できる画像を含みます。）",
        coarse="（特定の個人を識別できない粗さの画像です。）",
        contact="連絡先：{}",
        more="その他：{}",
        kept="生成した日から{}日間。期間を過ぎたデータは消去します。",
        unidentifiable="特定できないものと判断しています。生成データは、顔の画像、特徴量及び個人ごとの番号を含みません。",
        identifiable="特定できる可能性があります。",
        nobody="第三者に提供しません。",
        conditions="{}（提供の条件：{}）",
        start="{}から",
        empty="（未記入）",
        memory="この利活用では、画像を機器のメモリーの中だけで処理し、保存しません。",
        server="画像は、検出のため、施設内のネットワークにある検出サーバーに１枚ずつ送ります。検出サーバーのほかでは、"
        "機器のメモリーの中だけで処理し、保存しません。",
        entity="人数などは、既にある機器が数えた値を用います。",
        originals="検出に用いる機器での画像の取扱いは、「{}」です。",
        no_originals="検出に用いる機器が画像を保存するかどうかは、確認していません。",
        also_recorded="同じカメラの画像を、防犯のためにも記録しています（別に表示しています）。この利活用では、その記録を"
        "使いません。",
    ),
    "en": Words(
        shows="Shown: {}",
        purpose="Used for: {}",
        recognizable=" (A person can be recognised in some of the images.)",
        coarse=" (The images are too coarse to recognise a person.)",
        contact="Contact: {}",
        more="Besides: {}",
        kept="{} days from when it was made. What is older is erased.",
        unidentifiable="No, in our judgement. The data holds no face, no feature and no number of a person.",
        identifiable="This is possible.",
        nobody="Nobody else is given it.",
        conditions="{} (on these conditions: {})",
        start="From {}",
        empty="(not filled in)",
        memory="For this use, images are worked on in the machine’s memory alone and are not kept.",
        server="To be looked at, images are sent one by one to a detection server on the local network. Elsewhere "
        "they are in the machine’s memory alone and are not kept.",
        entity="Numbers come from a device that is there already and counts by itself.",
        originals="What the device that counts does with images: “{}”.",
        no_originals="Whether the device that counts keeps images is not known.",
        also_recorded="The same camera also records for crime prevention (there is a sign of its own). This use "
        "does not touch those recordings.",
    ),
}
