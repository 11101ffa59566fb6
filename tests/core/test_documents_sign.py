"""The sign: what must be on it, names of any kind, its version, and its QR code."""

import re
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest
import segno

from custom_components.camera_steward.core.documents.lettering import clean, fit, width_of
from custom_components.camera_steward.core.documents.sign import (
    SIGN_LANGUAGES,
    Sign,
    SignSize,
    scan_address,
    sign_page,
    sign_svg,
    sign_version,
)
from custom_components.camera_steward.core.errors import PaperInvalidError, SignIncompleteError

from .paper_site import ARABIC, AWKWARD, BRACES, EMOJI, LONG, SCRIPT

SIGN = Sign(
    installer="本町見本商店会",
    manager="見本 花子",
    contact="048-000-0000",
    purpose="犯罪の防止",
    languages=SIGN_LANGUAGES,
    scan="https://example.jp/notice",
)
SVG = "{http://www.w3.org/2000/svg}"
BOX_WIDTH = 210


def texts(svg: str) -> list[ET.Element]:
    return [
        each for each in ET.fromstring(svg).iter(f"{SVG}text") if each.get("text-anchor") != "end"
    ]


def said(svg: str) -> str:
    return "".join(each.text or "" for each in texts(svg))


def test_it_says_what_it_must_in_the_languages_that_were_chosen() -> None:
    whole = said(sign_svg(SIGN, SignSize.A4))
    for text in ("防犯カメラ作動中", "Security camera in operation", "监控摄像头", "방범 카메라"):
        assert text in whole
    for text in (SIGN.installer, SIGN.manager, SIGN.contact, SIGN.purpose):
        assert text in whole
    bare = said(sign_svg(Sign(installer="本町商店", languages=("ja",)), SignSize.A4))
    assert bare == "防犯カメラ作動中設置者本町商店"


@pytest.mark.parametrize(
    ("size", "page"), [("a4", "210mm 297mm"), ("a3", "297mm 420mm"), ("sticker", "100mm 140mm")]
)
def test_it_is_as_large_as_its_paper(size: str, page: str) -> None:
    svg = sign_svg(SIGN, SignSize(size))
    root = ET.fromstring(svg)
    assert f"{root.get('width')} {root.get('height')}" == page
    assert f"@page {{ size: {page};" in sign_page(svg, SignSize(size))


def test_without_the_installers_name_there_is_no_sign() -> None:
    for name in ("", " \n\t", "\x00\u202e"):
        with pytest.raises(SignIncompleteError) as caught:
            sign_svg(replace(SIGN, installer=name), SignSize.A4)
        assert caught.value.detail == "installer"


def test_what_the_pack_asks_for_must_be_there() -> None:
    with pytest.raises(SignIncompleteError) as caught:
        sign_svg(replace(SIGN, manager=""), SignSize.A4, required=("installed", "manager"))
    assert caught.value.detail == "manager"
    assert sign_svg(replace(SIGN, manager=""), SignSize.A4, required=("installed", "installer"))


@pytest.mark.parametrize("languages", [(), ("ja", "xx")])
def test_unknown_languages_are_refused(languages: tuple[str, ...]) -> None:
    with pytest.raises(PaperInvalidError, match="languages"):
        sign_svg(replace(SIGN, languages=languages), SignSize.A4)


@AWKWARD
def test_any_name_stays_text_and_within_its_box(name: str) -> None:
    sign = replace(SIGN, installer=name, manager=name, contact=name, purpose=name)
    svg = sign_svg(sign, SignSize.STICKER)
    root = ET.fromstring(svg)
    assert {each.tag.removeprefix(SVG) for each in root.iter()} <= {
        *("svg", "title", "text", "rect", "path", "g", "circle"),
    }
    for each in texts(svg):
        size, x = float(each.get("font-size", "")), float(each.get("x", ""))
        assert size >= 2.4
        half = width_of(each.text or "") * size / 2
        assert x - half >= 8
        assert x + half <= BOX_WIDTH - 8
        assert 0 < float(each.get("y", "")) < 290
    # Read as HTML there is no element of the name's either.
    assert "<script" not in sign_page(svg, SignSize.STICKER)


def test_names_are_shown_as_they_are() -> None:
    assert BRACES in said(sign_svg(replace(SIGN, manager=BRACES), SignSize.A4))
    assert SCRIPT in said(sign_svg(replace(SIGN, manager=SCRIPT), SignSize.A4)).replace("…", "")
    turned = [
        each
        for each in texts(sign_svg(replace(SIGN, manager=ARABIC), SignSize.A4))
        if each.get("direction") == "rtl"
    ]
    assert [each.text for each in turned] == [ARABIC]


def test_what_is_too_long_ends_in_an_ellipsis() -> None:
    cut = clean(LONG)
    assert len(cut) == 300
    assert cut.endswith("…")
    # No emoji is cut apart.
    assert clean(EMOJI * 100, 9) == "👩‍👩‍👧‍👦…"
    assert clean(EMOJI * 100, 11) == "👩‍👩‍👧‍👦🇯🇵防…"
    fitted = fit(LONG, width=50, height=12, largest=10, smallest=5)
    assert fitted.height <= 12
    assert fitted.lines[-1].endswith("…")
    assert all(width_of(each) * fitted.size <= 50 for each in fitted.lines)


def test_lines_break_between_words_and_not_before_a_full_stop() -> None:
    assert fit("Street Association", width=30, height=30, largest=5, smallest=3).lines == (
        "Street",
        "Association",
    )
    for line in fit("商店街の犯罪を、防止する。", width=40, height=60, largest=9, smallest=3).lines:
        assert line[0] not in "、。"


def test_the_version_changes_exactly_when_the_text_does() -> None:
    version = sign_version(SIGN)
    assert version == sign_version(replace(SIGN, installer=f" {SIGN.installer} "))
    others = [
        replace(SIGN, installer="本町見本商店"),
        replace(SIGN, manager="見本 太郎"),
        replace(SIGN, manager=""),
        replace(SIGN, contact="048-000-0001"),
        replace(SIGN, purpose="事故の防止"),
        replace(SIGN, languages=("ja", "en")),
        replace(SIGN, languages=("en", "ja")),
        replace(SIGN, scan=""),
        # The same words in another place say something else.
        replace(SIGN, manager=SIGN.contact, contact=SIGN.manager),
    ]
    assert len({version, *map(sign_version, others)}) == 1 + len(others)
    assert version[:8] in sign_svg(SIGN, SignSize.A4)
    assert version[:8] in sign_svg(SIGN, SignSize.STICKER)


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ("https://example.jp/notice?a=1", "https://example.jp/notice?a=1"),
        ("http://192.0.2.1/", "http://192.0.2.1/"),
        ("048-000-0000", "tel:0480000000"),
        ("tel:+81 48 000 0000", "tel:+81480000000"),
        (" mail@example.jp ", "mailto:mail@example.jp"),
    ],
)
def test_a_code_opens_a_page_or_a_contact(given: str, address: str) -> None:
    assert scan_address(given) == address


@pytest.mark.parametrize(
    "given",
    [
        *("", "javascript:alert(1)", "file:///etc/passwd", "data:text/html,x", "本町商店"),
        *(
            "https://",
            "https://a b",
            "ftp://example.jp",
            "https://example.jp/" + "a" * 500,
            "1",
            "https://\ud800",
        ),
    ],
)
def test_a_code_opens_nothing_else(given: str) -> None:
    with pytest.raises(PaperInvalidError, match="scan"):
        scan_address(given)


def test_the_code_is_drawn_as_it_was_made_with_its_quiet_zone() -> None:
    svg = sign_svg(SIGN, SignSize.A4)
    (path,) = [
        each.get("d", "")
        for each in ET.fromstring(svg).iter(f"{SVG}path")
        if each.get("shape-rendering")
    ]
    drawn = {(int(x), int(y)) for x, y in re.findall(r"M(\d+) (\d+)h1v1h-1z", path)}
    code = segno.make_qr(SIGN.scan, error="m")
    rows = list(code.matrix_iter(border=4))
    assert drawn == {(x, y) for y, row in enumerate(rows) for x, dark in enumerate(row) if dark}
    assert min(x for x, _ in drawn) == 4
    assert "shape-rendering" not in sign_svg(replace(SIGN, scan=""), SignSize.A4)
