"""The pages in the sidebar, as one person uses them in one language."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from playwright.sync_api import Locator, Page, expect

from .browser import picture, visit
from .walk import text

PANEL = "camera-steward-panel"
ZONE = ZoneInfo("Asia/Tokyo")
REQUEST: Mapping[str, Mapping[str, str]] = {
    "en": {
        "agency": "Sample Police Station",
        "document_number": "Inquiry 12",
        "officer_post": "Criminal affairs, sergeant",
        "officer_name": "Ichiro Mihon",
        "identity": "Police identification shown; called back at the station’s number",
        "in_charge": "Taro Mihon",
        "witness": "Hanako Mihon",
    },
    "ja": {
        "agency": "見本警察署",
        "document_number": "見刑発第12号",
        "officer_post": "刑事課 巡査部長",
        "officer_name": "見本 一郎",
        "identity": "警察手帳の提示を受け、警察署の代表番号に電話して在籍を確認した",
        "in_charge": "見本 太郎",
        "witness": "見本 花子",
    },
}
"""A written request of the police, by language, and how it was dealt with."""


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

    def press_of(self, key: str, name: str) -> None:
        """Press the button with a text on something that has a name."""
        label = f"{self.text(key)}: {name}"
        self.panel.get_by_role("button", name=label, exact=True).click()

    def drag(self, point: Locator, x: float, y: float) -> None:
        """Drag a point by mouse to a place of its picture, in fractions of width and height."""
        stage = point.locator("xpath=..")
        stage.scroll_into_view_if_needed()
        held, box = point.bounding_box(), stage.bounding_box()
        assert held
        assert box
        mouse = self.page.mouse
        mouse.move(held["x"] + held["width"] / 2, held["y"] + held["height"] / 2)
        mouse.down()
        mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=4)
        mouse.up()

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

    # ------------------------------------------------------------------ duties and tasks

    def do_task(self, task: str, answers: Mapping[str, str | Path]) -> None:
        """Enter a task as done, by its title; what it asks is by name, a photo by its file."""
        form = self.panel.locator("form.within:visible")
        # Whoever comes from the duties finds it open.
        if form.count() == 0:
            self.press("tasks_do_of", task=task)
        self.answer(form, answers)
        form.get_by_role("button", name=self.text("tasks_enter"), exact=True).click()
        expect(self.panel).to_contain_text(self.text("tasks_done", task=task))

    def answer(self, form: Locator, answers: Mapping[str, str | Path]) -> None:
        """Fill in what a form asks by name, a photo by its file."""
        for name, answer in answers.items():
            field = form.locator(f"[id$='-{name}']")
            if isinstance(answer, Path):
                field.set_input_files(answer)
                expect(form).to_contain_text(self.text("tasks_photo_sent"))
                continue
            match field.evaluate("field => field.localName"):
                case "fieldset":
                    field.locator(f"input[value={answer}]").check()
                case "select":
                    field.select_option(answer)
                case _ if field.get_attribute("type") == "checkbox":
                    field.check()
                case _:
                    field.fill(answer)

    def adopt_rules(self, body: str) -> None:
        """Enter that the rules were adopted today."""
        self.press("papers_adopt")
        self.enter("adopt", adopted_on=f"{datetime.now(ZONE):%Y-%m-%d}", body=body)
        self.press("papers_adopt_enter")
        expect(self.panel).to_contain_text(self.text("papers_adopted_done"))

    # ------------------------------------------------------------------ preserving and handing over

    def enter(self, form: str, **texts: str) -> None:
        """Fill in fields of a form by their names."""
        for name, value in texts.items():
            field = self.panel.locator(f"#{form}-{name}")
            if field.evaluate("field => field.localName") == "select":
                field.select_option(value)
            else:
                field.fill(value)

    def ask(self, kind: str, recipient: str, reason: str) -> None:
        """Say who asks, in which way and what for, and go on."""
        self.panel.locator(f"input[name=handover-kind][value={kind}]").check()
        self.enter("handover", recipient=recipient, reason=reason)
        self.press("handover_next")

    def identify(self) -> None:
        """Fill in the particulars of a written request, and how it was dealt with."""
        today = f"{datetime.now(ZONE):%Y-%m-%d}"
        self.enter("handover", document_date=today, matter="crime", **REQUEST[self.language])


def typed(moment: datetime) -> str:
    """Return a time as a form takes it."""
    return moment.astimezone(ZONE).strftime("%Y-%m-%dT%H:%M:%S")
