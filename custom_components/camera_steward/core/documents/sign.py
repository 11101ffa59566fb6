"""The sign: that a camera is in operation, and whose it is (Kumagaya 第2 3).

A picture (SVG) that is drawn here line by line, because an SVG does not break lines by itself, and
a page around it for print. All of it is public: it hangs in the street.
"""

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256
from typing import Final

from markupsafe import Markup

from ..errors import PaperInvalidError, SignIncompleteError
from .lettering import Fitted, clean, fit, runs_from_right, width_of
from .qr import squares
from .rendering import render_shared
from .rules import capital


class SignSize(StrEnum):
    """What it is printed on, upright."""

    A4 = "a4"
    A3 = "a3"
    STICKER = "sticker"


class SignItem(StrEnum):
    """What it says besides that a camera is in operation; a pack says which must be there."""

    INSTALLER = "installer"
    MANAGER = "manager"
    CONTACT = "contact"
    PURPOSE = "purpose"


SIGN_LANGUAGES: Final = ("ja", "en", "zh", "ko")
_MILLIMETRES: Final = {
    SignSize.A4: (210, 297),
    SignSize.A3: (297, 420),
    SignSize.STICKER: (100, 140),
}
_LONGEST_ADDRESS: Final = 500

_HEADING: Final = {
    "ja": "防犯カメラ作動中",
    "en": "Security camera in operation",
    "zh": "监控摄像头运行中",
    "ko": "방범 카메라 작동 중",
}
_LABELS: Final[Mapping[str, dict[str, str]]] = {
    SignItem.INSTALLER: {"ja": "設置者", "en": "Installed by", "zh": "设置者", "ko": "설치자"},
    SignItem.MANAGER: {
        "ja": "運用責任者",
        "en": "Operations manager",
        "zh": "运营负责人",
        "ko": "운영 책임자",
    },
    SignItem.CONTACT: {"ja": "連絡先", "en": "Contact", "zh": "联系方式", "ko": "연락처"},
    SignItem.PURPOSE: {"ja": "設置目的", "en": "Purpose", "zh": "设置目的", "ko": "설치 목적"},
}
_SCAN: Final[Mapping[str, Mapping[str, str]]] = {
    "notice": {"ja": "詳しいお知らせ", "en": "Notice", "zh": "详细说明", "ko": "안내"},
    "contact": {"ja": "お問い合わせ", "en": "Contact us", "zh": "联系我们", "ko": "문의"},
}
_FONTS: Final = {
    "ja": "'Noto Sans CJK JP','Noto Sans JP','Hiragino Sans','Yu Gothic',Meiryo,sans-serif",
    "en": "'Noto Sans CJK JP','Noto Sans',Arial,'Hiragino Sans','Yu Gothic',Meiryo,sans-serif",
    "zh": "'Noto Sans CJK SC','Noto Sans SC','PingFang SC','Microsoft YaHei',sans-serif",
    "ko": "'Noto Sans CJK KR','Noto Sans KR','Apple SD Gothic Neo','Malgun Gothic',sans-serif",
}

_WIDTH: Final = 210.0
"""Of the drawing; its height follows from the size. Printed at A4, a unit is a millimetre."""
_EDGE: Final = 9.0
_INSIDE: Final = _WIDTH - 2 * _EDGE
_TOP_HEIGHT: Final = 158.0
_QR_SIDE: Final = 44.0
_PHONE: Final = re.compile(r"\+?[0-9][0-9 ()-]{3,28}[0-9]")
_MAIL: Final = re.compile(r"[^\s@<>\"]+@[^\s@<>\"]+\.[^\s@<>\"]+")
_WEB: Final = re.compile(r"https?://[^\s<>\"]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """What a sign says.

    `languages` are some of `SIGN_LANGUAGES`, the first one large. What is empty of manager, contact
    and purpose is not on it. `scan` is the address in its QR code (`scan_address`), or empty;
    `manager_words` what the pack calls the manager, by language.
    """

    installer: str
    manager: str = ""
    contact: str = ""
    purpose: str = ""
    languages: tuple[str, ...] = ("ja", "en")
    scan: str = ""
    manager_words: Mapping[str, str] = field(default_factory=dict)

    def label_of(self, item: str) -> str:
        """Return what an item is called, in all languages of the sign."""
        words = {**_LABELS[item], **(self.manager_words if item == SignItem.MANAGER else {})}
        return " / ".join(capital(words[each]) for each in self.languages)

    def text_of(self, item: SignItem) -> str:
        """Return what it says of an item, fit for print."""
        return clean(str(getattr(self, item.value)))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """A line of the drawing, from its middle on."""

    text: str
    x: float
    y: float
    size: float
    bold: bool = True
    language: str = "ja"

    @property
    def font(self) -> str:
        return _FONTS[self.language]

    @property
    def direction(self) -> str:
        return "rtl" if runs_from_right(self.text) else "ltr"


def scan_address(text: str) -> str:
    """Return what a QR code opens: a page (http, https), a telephone number or a mailbox.

    Numbers and mailboxes may be given as they are written. `PaperInvalidError` for all else.
    """
    text = text.strip()
    bare = text.removeprefix("tel:").removeprefix("mailto:")
    if len(text) <= _LONGEST_ADDRESS and text.isprintable():
        if _WEB.fullmatch(text):
            return text
        if _PHONE.fullmatch(bare):
            return "tel:" + re.sub(r"[ ()-]", "", bare)
        if _MAIL.fullmatch(bare):
            return f"mailto:{bare}"
    raise PaperInvalidError("scan")


def sign_version(sign: Sign) -> str:
    """Return the SHA-256 over all that a sign says, hexadecimal; its size is none of it."""
    said = [
        [[each, _HEADING[each]] for each in sign.languages],
        [[item, sign.label_of(item), text] for item in SignItem if (text := sign.text_of(item))],
        sign.scan,
    ]
    text = json.dumps(said, ensure_ascii=False, separators=(",", ":"))
    return sha256(text.encode()).hexdigest()


def sign_svg(sign: Sign, size: SignSize, required: Collection[str] = ()) -> str:
    """Return the sign as a picture.

    `required` names the items that the pack asks for; the installer's name always is. Raises
    `SignIncompleteError` naming what is missing, and `PaperInvalidError` for unknown languages.
    """
    if not sign.languages or not set(sign.languages) <= set(SIGN_LANGUAGES):
        raise PaperInvalidError("languages")
    for item in SignItem:
        if (item is SignItem.INSTALLER or item in required) and not sign.text_of(item):
            raise SignIncompleteError(item)
    wide, high = _MILLIMETRES[size]
    height = _WIDTH * high / wide
    square = squares(sign.scan) if sign.scan else None
    return render_shared(
        "sign.svg",
        {
            "width": wide,
            "height": high,
            "box": f"0 0 {_WIDTH:g} {height:.2f}",
            "bottom": height - 2 * _EDGE,
            "title": _HEADING[sign.languages[0]],
            "top": _top(sign.languages),
            "rows": _rows(sign, height),
            "qr": square,
            "scan": _scan(sign, height) if square is not None else [],
            "qr_at": (_WIDTH - _EDGE - 8 - _QR_SIDE, height - _EDGE - 19 - _QR_SIDE),
            "qr_scale": _QR_SIDE / square[1] if square is not None else 1,
            "mark": sign_version(sign)[:8],
            "mark_at": (_WIDTH - _EDGE - 5, height - _EDGE - 3.2),
        },
    )


def sign_page(svg: str, size: SignSize) -> str:
    """Return a page that prints a sign on its size of paper."""
    wide, high = _MILLIMETRES[size]
    # Made above: everything in it is escaped.
    return render_shared("sign.html", {"svg": Markup(svg), "width": wide, "height": high})  # noqa: S704


def _top(languages: tuple[str, ...]) -> list[_Line]:
    """Return that a camera is in operation: large in the first language, smaller in the others."""
    first, *others = languages
    room = 34.0 if others else 52.0
    fitted = fit(_HEADING[first], width=_INSIDE - 8, height=room, largest=26, smallest=8)
    lines = _lines(fitted, _WIDTH / 2, 88 + room / 2, first)
    row = min(14.0, 34 / len(others)) if others else 0
    for index, each in enumerate(others):
        size = min(row / 1.25, (_INSIDE - 12) / width_of(_HEADING[each]))
        y = 124 + index * row + row / 2 + (34 - row * len(others)) / 2
        lines.append(_line(_HEADING[each], _WIDTH / 2, y, size, each))
    return lines


def _rows(sign: Sign, height: float) -> list[_Line]:
    """Return installer, purpose, manager and contact, each under its label, in the lower part."""
    items = (SignItem.INSTALLER, SignItem.PURPOSE, SignItem.MANAGER, SignItem.CONTACT)
    shown = [(item, text) for item in items if (text := sign.text_of(item))]
    width = _INSIDE - 16 - (_QR_SIDE + 6 if sign.scan else 0)
    middle = _EDGE + 8 + width / 2
    weights = [1.7 if item is SignItem.INSTALLER else 1.0 for item, _ in shown]
    room = height - 2 * _EDGE - _TOP_HEIGHT - 8
    unit = min(room / sum(weights), 30.0)
    y = _EDGE + _TOP_HEIGHT + 3 + (room - unit * sum(weights)) / 2
    lines: list[_Line] = []
    for (item, text), weight in zip(shown, weights, strict=True):
        label = fit(sign.label_of(item), width=width, height=6, largest=4.6, smallest=2.4)
        fitted = fit(
            text,
            width=width,
            height=unit * weight - label.height - 1,
            largest=15 if item is SignItem.INSTALLER else 8.5,
            smallest=3.2,
        )
        used = label.height + fitted.height
        start = y + (unit * weight - used) / 2
        first = sign.languages[0]
        lines += _lines(label, middle, start + label.height / 2, first, bold=False)
        lines += _lines(fitted, middle, start + label.height + fitted.height / 2, first)
        y += unit * weight
    return lines


def _scan(sign: Sign, height: float) -> list[_Line]:
    """Return what the QR code is for, under it."""
    kind = "notice" if sign.scan.startswith("http") else "contact"
    text = " / ".join(_SCAN[kind][each] for each in sign.languages)
    fitted = fit(text, width=_QR_SIDE + 6, height=10, largest=4.2, smallest=2.4)
    middle = _WIDTH - _EDGE - 8 - _QR_SIDE / 2
    return _lines(fitted, middle, height - _EDGE - 12, sign.languages[0], bold=False)


def _lines(
    fitted: Fitted, x: float, middle: float, language: str, *, bold: bool = True
) -> list[_Line]:
    step = fitted.height / len(fitted.lines)
    top = middle - fitted.height / 2
    return [
        _line(text, x, top + step * (index + 0.5), fitted.size, language, bold=bold)
        for index, text in enumerate(fitted.lines)
    ]


def _line(
    text: str, x: float, middle: float, size: float, language: str, *, bold: bool = True
) -> _Line:
    # The middle of a letter is about a third of its height above its line.
    return _Line(
        text=text,
        x=round(x, 2),
        y=round(middle + size * 0.36, 2),
        size=round(size, 2),
        bold=bold,
        language=language,
    )
