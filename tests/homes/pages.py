"""The pages in the sidebar, as one person uses them in one language."""

from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from .browser import picture, visit
from .walk import text

PANEL = "camera-steward-panel"


class Pages:
    """The pages in a browser where someone is logged in."""

    def __init__(self, page: Page, base: str, language: str) -> None:
        """Go there."""
        self.page = page
        self.language = language
        self.panel = page.locator(PANEL)
        visit(page, f"{base}/camera-steward", f"{PANEL} section")

    def text(self, key: str, **values: str) -> str:
        """Return one of the pages' texts."""
        return text(self.language, f"common.{key}").format(**values)

    def pledge(self) -> None:
        """Accept pledge and rules."""
        self.panel.locator("label.choice input").check()
        self.panel.get_by_role("button", name=self.text("panel_accept")).click()
        expect(self.panel).to_contain_text(self.text("panel_pledged"))

    def open(self, name: str) -> None:
        """Go to a page by its link."""
        self.panel.get_by_role("link", name=self.text(f"panel_{name}"), exact=True).click()
        self.expect_at(name)

    def expect_at(self, name: str) -> None:
        """Wait until a page is shown."""
        link = self.panel.get_by_role("link", name=self.text(f"panel_{name}"), exact=True)
        expect(link).to_have_attribute("aria-current", "page")

    def labelled(self, key: str) -> Locator:
        """Return the field with a label."""
        return self.panel.get_by_label(self.text(key), exact=True)

    def press(self, key: str, **values: str) -> None:
        """Press the button with a text."""
        self.panel.get_by_role("button", name=self.text(key, **values), exact=True).click()

    def card(self, name: str) -> Locator:
        """Return the cards in which a name stands."""
        return self.panel.locator("ul.cards > li", has_text=name)

    def pictures(self, folder: Path, name: str) -> None:
        """Take pictures in both themes, on a screen and on a phone."""
        for theme in ("light", "dark"):
            self.page.emulate_media(color_scheme=theme)
            for size, width in (("wide", 1280), ("narrow", 390)):
                self.page.set_viewport_size({"width": width, "height": 900})
                where = folder / "panel" / f"{name}-{self.language}-{theme}-{size}.png"
                picture(self.page, where)
        self.page.emulate_media(color_scheme="light")
        self.page.set_viewport_size({"width": 1280, "height": 900})
