"""The notice on the spot: a poster that says in large letters what both of the guidebook's lists ask for.

A picture (SVG) laid out here line by line, so that it is one page whatever is declared: letters get
smaller, and what does not fit even so ends in an ellipsis; the code leads to the whole of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from ..errors import PaperInvalidError
from ..policy.utilization import NoticeItem
from .lettering import clean, cut, fill, fit, width_of
from .papers import Printed
from .qr import squares
from .rendering import render_shared
from .sign import SignSize
from .utilization import SHORT, UtilizationPaper, crossed, handling, lines_of
from .utilization_words import CASES, VOLUNTARY

_MILLIMETRES: Final = {SignSize.A4: (210, 297), SignSize.A3: (297, 420)}
_HEADINGS: Final = {
    "ja": "カメラ画像を利活用しています",
    "en": "Camera images are used here",
    "zh": "此处正在利用摄像头图像",
    "ko": "카메라 영상을 활용하고 있습니다",
}
_NOT_TO_IDENTIFY: Final = {
    "ja": "特定の個人を識別するためのものではありません",
    "en": "Not to identify anybody",
}
_CAPTIONS: Final = {
    "ja": ("カメラ", "画像は保存しません", "人の画像は保存しません", "画像の取扱いは下記"),
    "en": ("Camera", "No image is kept", "No one’s image is kept", "Images: see below"),
}
_TITLES: Final = {
    "ja": {
        NoticeItem.PURPOSE: "画像の内容・目的",
        NoticeItem.BENEFIT: "生活者のメリット",
        NoticeItem.PLACE: "設置位置・撮影範囲",
        NoticeItem.DERIVED: "生成するデータ",
        NoticeItem.RETENTION: "データの保存期間",
        NoticeItem.IDENTIFIABLE: "個人の特定の可否",
        NoticeItem.RECIPIENTS: "データの提供先",
        NoticeItem.START: "開始時期",
    },
    "en": {
        NoticeItem.PURPOSE: "Images and purpose",
        NoticeItem.BENEFIT: "Benefit to you",
        NoticeItem.PLACE: "Position and range",
        NoticeItem.DERIVED: "Derived data",
        NoticeItem.RETENTION: "Data kept for",
        NoticeItem.IDENTIFIABLE: "Identifies people?",
        NoticeItem.RECIPIENTS: "Data given to",
        NoticeItem.START: "Start",
    },
}
_OPERATOR: Final = {"ja": "運用実施主体及び連絡先", "en": "Operated by, and whom to ask"}
_IMAGES: Final = {"ja": "画像の取扱い", "en": "The images"}
_SCAN: Final = {"ja": "詳しいお知らせ", "en": "More on this"}
_VERSION: Final = {"ja": "版", "en": "version"}
_FONT: Final = "'Noto Sans CJK JP','Noto Sans JP','Hiragino Sans','Yu Gothic',Meiryo,sans-serif"

_INK: Final = "#14242f"
_BLUE: Final = "#0b3d66"
_WIDTH: Final = 210.0
"""Of the drawing, 297 units high; printed at A4, a unit is a millimetre."""
_LEFT: Final = 14.0
_TEXT: Final = 57.0
"""Where what is said begins, beside its titles."""
_RIGHT: Final = 197.0
_TOP: Final = 97.0
_FOOT: Final = 228.0
"""Where the part begins that says who answers for it, with the code."""
_QR: Final = 36.0
_LARGEST: Final = 6.4
_SMALLEST: Final = 2.3
_LINE: Final = 1.3
_STEP: Final = 0.95
_NARROWER: Final = 1.1
_WIDE: Final = 0x2E80
"""From here on letters are as wide as they are high."""
_APART: Final = 0.75
"""Between two rows, in heights of their letters."""


type _Row = tuple[str, tuple[str, ...]]
"""A title, and what is said in lines."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    text: str
    x: float
    y: float
    size: float
    bold: bool = False
    anchor: str = "start"
    fill: str = _INK


def site_notice(language: str, paper: UtilizationPaper, size: SignSize = SignSize.A4) -> Printed:
    """Return the poster as a page for print; `PaperInvalidError` names a size that it has not."""
    svg = poster_svg(language, paper, size)
    wide, high = _MILLIMETRES[size]
    # Made here: everything in it is escaped.
    page = {"svg": Markup(svg), "width": wide, "height": high}  # noqa: S704
    return Printed(html=render_shared("sign.html", page), version=paper.declared.version)


def poster_svg(language: str, paper: UtilizationPaper, size: SignSize) -> str:
    """Return the poster as a picture."""
    if size not in _MILLIMETRES:
        raise PaperInvalidError("size")
    wide, high = _MILLIMETRES[size]
    case = CASES[language][paper.declared.case]
    camera, none, nobody, below = _CAPTIONS[language]
    kept = below if not crossed(paper) else nobody if case.besides else none
    code = squares(paper.link) if paper.link else None
    body, rules = _rows(language, paper)
    shown = ((camera, 42.0), (kept, 110.8), (case.short, 169.0))
    captions = min(5.2, *(52.0 / width_of(text) for text, _ in shown))
    scan_at = (_RIGHT - _QR, _FOOT + 4)
    right = scan_at[0] - 6 if code else _RIGHT
    texts = [
        *_head(language),
        *(_middle(text, x, 91.8, 100.0, captions) for text, x in shown),
        *body,
        *_operator(language, paper, right),
        *_foot(language, paper),
    ]
    if code:
        texts.append(_middle(_SCAN[language], scan_at[0] + _QR / 2, _FOOT + _QR + 8.5, _QR, 3.8))
    return render_shared(
        "poster.svg",
        {
            "width": wide,
            "height": high,
            "language": language,
            "title": _HEADINGS[language],
            "crossed": crossed(paper),
            "texts": texts,
            "rules": rules,
            "font": _FONT,
            "qr": code,
            "qr_at": scan_at,
            "qr_scale": _QR / code[1] if code else 1,
            "qr_side": _QR,
            "foot": _FOOT,
        },
    )


def _head(language: str) -> list[_Line]:
    others = "　·　".join(text for each, text in _HEADINGS.items() if each != language)
    return [
        _middle(_HEADINGS[language], _WIDTH / 2, 25.5, 182.0, 13.0, bold=True),
        _middle(others, _WIDTH / 2, 34.0, 182.0, 4.4),
        _middle(_NOT_TO_IDENTIFY[language], _WIDTH / 2, 42.5, 182.0, 5.8, bold=True),
    ]


def _rows(language: str, paper: UtilizationPaper) -> tuple[list[_Line], list[float]]:
    """Return what it says of each item, as large as the room lets all of it be, and lines between."""
    titles, joint = _TITLES[language], "" if language == "ja" else " "
    said = [
        (titles[item], [clean(each) for each in lines_of(language, paper, item)])
        for item in titles
        if item not in paper.declared.left_out
    ]
    images = joint.join(clean(each) for each in handling(language, paper))
    said.append((_IMAGES[language], [images]))
    room = _FOOT - _TOP
    size, found = _fitted(said, room)
    apart = max(0.0, (room - sum(_height(lines, size) for _, lines in found)) / len(found))
    lines: list[_Line] = []
    rules: list[float] = []
    y = _TOP
    for title, texts in found:
        label = min(size, (_TEXT - _LEFT - 3) / width_of(title))
        first = y + (size * (_LINE + _APART) + apart) / 2
        lines.append(_line(title, _LEFT, first, label, bold=True, fill=_BLUE))
        lines += [
            _line(each, _TEXT, first + n * size * _LINE, size) for n, each in enumerate(texts)
        ]
        y += _height(texts, size) + apart
        rules.append(round(y, 2))
    return lines, rules[:-1]


def _fitted(said: Sequence[tuple[str, list[str]]], room: float) -> tuple[float, list[_Row]]:
    """Return the largest letters in which all of it fits, and its lines; at the smallest, cut."""
    size = _LARGEST
    while True:
        found = [(title, _broken(texts, size, 99)) for title, texts in said]
        if sum(_height(lines, size) for _, lines in found) <= room:
            return size, found
        if size <= _SMALLEST:
            break
        size = max(_SMALLEST, size * _STEP)
    # Each has an even share; what the short ones leave goes to those that need more, in turn.
    most = int((room / len(said) - size * _APART) / (size * _LINE))
    spare = int((room - sum(_height(e[:most], size) for _, e in found)) / (size * _LINE))
    shown: list[_Row] = []
    for (title, texts), (_, lines) in zip(said, found, strict=True):
        more = max(0, min(spare, len(lines) - most))
        spare -= more
        shown.append((title, _broken(texts, size, most + more)))
    return size, shown


def _broken(texts: Sequence[str], size: float, most: int) -> tuple[str, ...]:
    lines: tuple[str, ...] = ()
    for each in texts:
        # Widths are guessed for bold letters, and these are not; wide letters are as wide as they are.
        width = (_RIGHT - _TEXT) * (_NARROWER if all(ord(e) < _WIDE for e in each) else 1)
        lines += fill(each, width=width, size=size, most=most)
    return lines if len(lines) <= most else cut(lines, most, (_RIGHT - _TEXT) / size)


def _height(lines: Sequence[str], size: float) -> float:
    return (len(lines) * _LINE + _APART) * size


def _operator(language: str, paper: UtilizationPaper, right: float) -> list[_Line]:
    """Return whose it is and whom to ask, in large letters, and the address of the page."""
    lines = [_line(_OPERATOR[language], _LEFT, _FOOT + 7, 5.0, bold=True, fill=_BLUE)]
    y = _FOOT + 11.0
    said = lines_of(language, paper, NoticeItem.OPERATOR)
    for text, (largest, high) in zip(said, ((7.6, 12.0), (6.6, 17.0)), strict=True):
        fitted = fit(clean(text), width=right - _LEFT, height=high, largest=largest, smallest=2.6)
        step = fitted.height / len(fitted.lines)
        lines += [
            _line(each, _LEFT, y + step * (n + 0.5), fitted.size, bold=True)
            for n, each in enumerate(fitted.lines)
        ]
        y += fitted.height
    link = fill(clean(paper.link), width=right - _LEFT, size=3.4, most=1) if paper.link else ()
    return lines + [_line(each, _LEFT, _FOOT + 42.0, 3.4) for each in link]


def _foot(language: str, paper: UtilizationPaper) -> list[_Line]:
    version = paper.declared.version
    remark = fill(VOLUNTARY[language], width=_RIGHT - _LEFT, size=2.4, most=2)
    lines = [_line(e, _LEFT, 278.4 + n * 3.1, 2.4, fill="#333") for n, e in enumerate(remark)]
    mark = f"{_VERSION[language]} {version[:SHORT]} ({version})"
    return [*lines, _line(mark, _LEFT, 285.0, 2.1, fill="#555")]


def _middle(
    text: str, x: float, y: float, width: float, largest: float, *, bold: bool = False
) -> _Line:
    size = min(largest, width / width_of(text))
    return _Line(text=text, x=x, y=y, size=round(size, 2), bold=bold, anchor="middle")


def _line(
    text: str,
    x: float,
    middle: float,
    size: float,
    *,
    bold: bool = False,
    fill: str = _INK,
) -> _Line:
    return _Line(
        text=text,
        x=x,
        # The middle of a letter is about a third of its height above its line.
        y=round(middle + size * 0.36, 2),
        size=round(size, 2),
        bold=bold,
        fill=fill,
    )
