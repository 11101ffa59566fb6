"""A person's walk through the integration's forms on Home Assistant's own pages."""

import json
from collections.abc import Callable, Mapping
from functools import reduce
from typing import Any

from playwright.sync_api import Locator, Page, expect

from .home import ROOT

_TRANSLATIONS = ROOT / "custom_components" / "camera_steward" / "translations"
_PAGES = {
    "en": {"add": "Add integration", "submit": "Submit", "finish": "Finish"},
    "ja": {"add": "統合を追加", "submit": "送信", "finish": "完了"},
}
INTEGRATION = "/config/integrations/integration/camera_steward"


class Walker:
    """Walks forms in a language; `on_step` is called before each is sent, with the step's name."""

    def __init__(
        self, page: Page, base: str, language: str, on_step: Callable[[str], None]
    ) -> None:
        """Use a page in which someone who may configure is logged in."""
        self.page = page
        self.base = base
        self.pages = _PAGES[language]
        self._texts = json.loads((_TRANSLATIONS / f"{language}.json").read_text())
        self._on_step = on_step
        self.dialog = page.locator("dialog-data-entry-flow")

    def text(self, path: str) -> str:
        """Return one of the integration's texts, such as `config.step.site.title`."""
        found: Any = reduce(lambda held, name: held[name], path.split("."), self._texts)
        return str(found)

    # ------------------------------------------------------------------ the two walks

    def add_site(self, texts: Mapping[str, str], manager: str, vault: str) -> None:
        """Add the integration from the list of all, as a newcomer does."""
        self.page.goto(f"{self.base}/config/integrations/dashboard")
        self.page.get_by_text(self.pages["add"], exact=True).click()
        self.page.locator("dialog-add-integration ha-integration-list-item").first.wait_for()
        self.page.keyboard.type("Camera Stew")
        listed = self.page.locator("ha-integration-list-item", has_text="Camera Steward")
        expect(listed).to_have_count(1)
        listed.click()
        self._expect("config.step.site")
        for name in ("installer", "contact", "purpose", "manager_name"):
            self.field(name).fill(texts[name])
        self.choose(self.text("config.step.site.data.manager_user_id"), manager)
        self._send("site")
        self._expect("config.step.vault")
        self.pick(self.text("config.step.vault.data.vault_path"), vault, custom=True)
        self._send("vault")
        self._expect("config.step.confirm")
        self._send("confirm")
        self._finish()

    def add_camera(self, texts: Mapping[str, str], entity: str) -> None:
        """Add a camera to the only site, up to what the test found; `save_camera` saves it."""
        self.page.goto(f"{self.base}{INTEGRATION}")
        button = self.text("config_subentries.camera.initiate_flow.user")
        self.page.get_by_role("button", name=button).first.click()
        self._expect("config_subentries.camera.step.camera")
        self.pick(self.text("config_subentries.camera.step.camera.data.source_entity"), entity)
        for name in ("name", "place", "purpose", "direction", "field_of_view"):
            self.field(name).fill(texts[name])
        self._send("camera")
        receiving = self.text("config_subentries.camera.progress.receiving")
        expect(self.dialog).to_contain_text(receiving.format(name=texts["name"]))
        self._on_step("receiving")
        self._expect("config_subentries.camera.step.found_fits")

    def save_camera(self) -> None:
        """Save what the test found."""
        self._send("found")
        self._finish()

    # ------------------------------------------------------------------ parts of a form

    def field(self, name: str) -> Locator:
        """Return the field for a text."""
        return self.dialog.locator(f"input[name={name}], textarea[name={name}]")

    def choose(self, label: str, option: str) -> None:
        """Choose from a short list."""
        self.dialog.locator(f"ha-picker-field[aria-label='{label}']").or_(
            self.dialog.locator("ha-select").first
        ).first.click()
        self.dialog.locator("ha-dropdown-item").filter(has_text=option).click()

    def pick(self, label: str, option: str, *, custom: bool = False) -> None:
        """Pick from a list with a search, or give something that is not in it."""
        self.dialog.locator(f"ha-picker-field[aria-label^='{label}']").click()
        box = self.page.locator("ha-picker-combo-box")
        box.locator("input").fill(option)
        if custom:
            self.page.keyboard.press("Enter")
        else:
            box.locator("ha-combo-box-item", has_text=option).first.click()

    def _expect(self, step: str) -> None:
        """Wait until a step is shown, and look for its description."""
        self.dialog.get_by_text(self.text(f"{step}.title"), exact=True).first.wait_for()

    def _send(self, step: str) -> None:
        self._on_step(step)
        self.dialog.locator("ha-button[slot=primaryAction]").click()

    def _finish(self) -> None:
        """Close what Home Assistant shows at the end of a flow."""
        button = self.dialog.get_by_text(self.pages["finish"], exact=True)
        button.first.wait_for()
        self._on_step("done")
        button.first.click()
        self.dialog.wait_for(state="detached")
