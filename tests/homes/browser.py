"""A real Chromium in which a person uses Home Assistant's own pages."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import (
    Locator,
    Page,
    TimeoutError as LateError,
    expect,
    sync_playwright,
)

from ..cameras import wait_for
from .client import Person

_PROGRAM = "/usr/bin/chromium"
_ARGUMENTS = (
    # A test machine's root has no sandbox, and a closed network none of the browser's servers.
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
_PATIENCE = 90_000
"""Milliseconds; pages are slow to come on a busy machine."""
_TRIES = 4
_MEDIA = "ha-media-player-browse"


@contextmanager
def browser(language: str, *, width: int = 1280, height: int = 900) -> Iterator[Page]:
    """Give a page in a browser that prefers a language; all of it is gone afterwards."""
    locale = {"en": "en-GB", "ja": "ja-JP"}[language]
    with TemporaryDirectory() as profile, sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            profile,
            executable_path=_PROGRAM,
            args=list(_ARGUMENTS),
            locale=locale,
            timezone_id="Asia/Tokyo",
            viewport={"width": width, "height": height},
        )
        try:
            context.set_default_timeout(_PATIENCE)
            expect.set_options(timeout=_PATIENCE)
            yield context.pages[0]
        finally:
            context.close()


def log_in(page: Page, base: str, person: Person) -> None:
    """Log in on the form, as a person does."""
    page.goto(base)
    page.locator("input[name=username]").fill(person.user)
    page.locator("input[name=password]").fill(person.password)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "/auth/" not in url)
    page.locator("home-assistant-main").wait_for()


def visit(page: Page, address: str, element: str) -> Locator:
    """Go to a page and return what is to be found on it.

    A dialog that has just been closed goes back in the browser's history, perhaps only now, and
    takes the new page with it: then go there once more.
    """
    found = page.locator(element).first
    for _ in range(_TRIES):
        page.goto(address)
        with suppress(LateError):
            found.wait_for(timeout=_PATIENCE / _TRIES)
            page.wait_for_timeout(500)
            if page.url.startswith(address):
                return found
    raise TimeoutError(f"{element} does not come at {address}")


def open_media(page: Page, base: str, *titles: str) -> None:
    """Open the media browser and go down from item to item."""
    visit(page, f"{base}/media-browser/browser", f"{_MEDIA} .child")
    for title in titles:
        media_item(page, title).click()


def media_item(page: Page, title: str) -> Locator:
    """Return the first item of the media browser whose title has this in it."""
    return page.locator(f"{_MEDIA} .child", has_text=title).first


def position(video: Locator) -> float:
    """Return how far a video is, in seconds."""
    return float(video.evaluate("video => video.currentTime"))


def until_still(video: Locator) -> float:
    """Wait until a video stands still; return how far it is."""
    last = [position(video), 0.0]

    def stands_still() -> bool:
        last[1], last[0] = last[0], position(video)
        return last[0] == last[1]

    wait_for(stands_still, 90, 2)
    return last[0]


def picture(page: Page, path: Path) -> None:
    """Take a picture of what is shown, once it stands still."""
    path.parent.mkdir(parents=True, exist_ok=True)
    page.wait_for_timeout(700)
    page.screenshot(path=path, animations="disabled")
