"""A utilization declared by its forms and looked after on its page, in a real browser; two languages."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.cameras import wait_for
from tests.homes import ADMINISTRATOR, Client, Home, accept, add_site
from tests.homes.browser import browser, log_in, picture
from tests.homes.demo import SITE, UTILIZATION
from tests.homes.pages import Pages
from tests.homes.utilization import prepare, utilizations
from tests.homes.walk import Walker

_PAGE = re.compile(rb"/Type\s*/Page\b")
_ADDRESS = {
    "stream_address": "rtsp://192.0.2.1/stream1",  # nobody's: nothing is opened
    "stream_username": "viewer",
    "stream_password": "n0body",
}


@pytest.fixture(scope="module")
def home(folder: Path, make_home: Callable[[dict[str, str]], Home]) -> Home:
    """Give one whose administrator is the manager of a site without cameras."""
    home = make_home({})
    home.start()
    manager = {"manager_user_id": home.user_id(ADMINISTRATOR)}
    accept(home, add_site(home, folder / "vault", texts=SITE["en"] | manager), ADMINISTRATOR)
    return home


@pytest.mark.parametrize("language", ["en", "ja"])
def test_it_is_declared_prepared_drawn_and_printed(
    home: Home, pictures: Path, language: str
) -> None:
    client, kept = home.client(), pictures / language
    client.ws("config/core/update", language=language)
    (site,) = [each["entry_id"] for each in client.ws("camera_steward/own")]
    texts = UTILIZATION[language]
    name = texts["name"]
    with browser(language) as page:
        log_in(page, home.base, ADMINISTRATOR)
        walker = Walker(
            page, home.base, language, lambda step: picture(page, kept / f"utilization-{step}.png")
        )
        walker.add_utilization(texts, "counting", address=_ADDRESS)

        # What is missing, and who mends it where.
        pages = Pages(page, home.base, language)
        pages.open("utilizations")
        card = pages.card(name)
        expect(card).to_contain_text(pages.text("utilization_status_pending"))
        expect(card).to_contain_text(pages.text("utilization_missing"))
        tasks = pages.panel.get_by_role("button", name=pages.text("utilization_do"))
        assert tasks.count() > 4
        picture(page, kept / "utilizations-pending.png")

        # All of it done, only time is missing.
        prepare(client, site, datetime.now(UTC).astimezone().date())
        wait_for(lambda: _row(home, site, name)["status"] == "waiting")
        pages = Pages(page, home.base, language)
        pages.open("utilizations")
        card = pages.card(name)
        expect(card).to_contain_text(pages.text("utilization_status_waiting"))
        expect(card).to_contain_text(pages.text("utilization_opens"))
        expect(tasks).to_have_count(0)
        picture(page, kept / "utilizations-waiting.png")

        _draw(pages, home, site, name, kept / "utilization-view.png")
        _print(pages, home, site, name, kept / "utilization-poster.png")


def _draw(pages: Pages, home: Home, site: str, name: str, path: Path) -> None:
    """Draw a line by mouse, and see that it is kept."""
    pages.press_of("utilization_view", name)
    pages.press("view_add_line")
    ends = (0.2, 0.9), (0.8, 0.3)
    for handle, end in zip(pages.panel.locator(".stage .point").all(), ends, strict=True):
        pages.drag(handle, *end)
    picture(pages.page, path)
    pages.press("view_save")
    expect(pages.panel).to_contain_text(pages.text("view_saved"))
    (line,) = _row(home, site, name)["view"]["lines"]
    assert line["start"] == pytest.approx(ends[0], abs=0.01)
    assert line["end"] == pytest.approx(ends[1], abs=0.01)
    pages.press("view_back")


def _print(pages: Pages, home: Home, site: str, name: str, path: Path) -> None:
    """See that the poster tells what is declared, and comes out of a printer as one page."""
    pages.press_of("utilization_papers", name)
    pages.expect_at("papers")
    title = _title(home.client(), site, "site_notice", pages.language)
    pages.press(f"papers_read_{pages.language}", paper=title)
    html = pages.panel.locator("dialog iframe").get_attribute("srcdoc") or ""
    assert SITE[pages.language]["contact"] in html
    assert _row(home, site, name)["version"] in html
    picture(pages.page, path)
    pages.press("record_close")
    with pages.page.context.new_page() as paper:
        paper.set_content(html)
        printed = paper.pdf(prefer_css_page_size=True)
    assert len(_PAGE.findall(printed)) == 1


def _row(home: Home, site: str, name: str) -> dict[str, Any]:
    (found,) = [e for e in utilizations(home.client(), site).values() if e["name"] == name]
    return found


def _title(client: Client, site: str, paper: str, language: str) -> str:
    papers = client.ws("camera_steward/papers", entry_id=site, language=language)
    return next(str(each["title"]) for each in papers if each["paper"] == paper)
