"""A person's walk through the integration's forms on Home Assistant's own pages."""

import json
from collections.abc import Callable, Mapping
from functools import reduce
from typing import Any

from playwright.sync_api import Page, expect

from .browser import visit
from .home import ROOT

_TRANSLATIONS = ROOT / "custom_components" / "camera_steward" / "translations"
_PAGES = {
    "en": {"add": "Add integration"},
    "ja": {"add": "統合を追加"},
}
INTEGRATION = "/config/integrations/integration/camera_steward"


def text(language: str, path: str) -> str:
    """Return one of the integration's texts, such as `config.step.site.title`."""
    texts = json.loads((_TRANSLATIONS / f"{language}.json").read_text())
    found: Any = reduce(lambda held, name: held[name], path.split("."), texts)
    return str(found)


class Walker:
    """Walks forms in a language; `on_step` is called before each is sent, with the step's name."""

    def __init__(
        self, page: Page, base: str, language: str, on_step: Callable[[str], None]
    ) -> None:
        """Use a page in which someone who may configure is logged in."""
        self.page = page
        self.base = base
        self.pages = _PAGES[language]
        self.language = language
        self._on_step = on_step
        self.dialog = page.locator("dialog-data-entry-flow")

    def text(self, path: str) -> str:
        """Return one of the integration's texts in the language of the walk."""
        return text(self.language, path)

    # ------------------------------------------------------------------ the walks

    def add_site(self, texts: Mapping[str, str], manager: str, vault: str) -> None:
        """Add the integration from the list of all, as a newcomer does."""
        visit(
            self.page,
            f"{self.base}/config/integrations/dashboard",
            "ha-config-integrations-dashboard",
        )
        self.page.get_by_text(self.pages["add"], exact=True).click()
        self.page.locator("dialog-add-integration ha-integration-list-item").first.wait_for()
        self.page.keyboard.type("Camera Stew")
        listed = self.page.locator("ha-integration-list-item", has_text="Camera Steward")
        expect(listed).to_have_count(1)
        listed.click()
        self._expect("config.step.site")
        self.choose(self.text("config.step.site.data.manager_user_id"), manager)
        self.fill(texts, "installer", "contact", "purpose", "manager_name")
        self._send("site")
        self._expect("config.step.vault")
        self.pick(self.text("config.step.vault.data.vault_path"), vault)
        self._send("vault")
        self._expect("config.step.confirm")
        self._send("confirm")
        self._finish()

    def add_camera(self, texts: Mapping[str, str], entity: str, *, site: str | None = None) -> None:
        """Add a camera, up to what the test found; `save_camera` saves it.

        With `site`, one of several sites is chosen first.
        """
        visit(self.page, f"{self.base}{INTEGRATION}", "ha-config-entry-row")
        button = self.text("config_subentries.camera.initiate_flow.user")
        self.page.get_by_role("button", name=button).first.click()
        if site is not None:
            self.page.locator("dialog-pick-config-entry").get_by_text(site, exact=True).click()
        menu = "config_subentries.camera.step.user"
        self._expect(menu)
        self.dialog.get_by_text(self.text(f"{menu}.menu_options.camera")).click()
        self._expect("config_subentries.camera.step.camera")
        self.pick(self.text("config_subentries.camera.step.camera.data.source_entity"), entity)
        self.fill(texts, "name", "place", "purpose", "direction", "field_of_view")
        self.dialog.locator("ha-picker-field").first.scroll_into_view_if_needed()
        self._send("camera")
        receiving = self.text("config_subentries.camera.progress.receiving")
        expect(self.dialog).to_contain_text(receiving.format(name=texts["name"]))
        self._on_step("receiving")
        self._expect("config_subentries.camera.step.found_fits")

    def seal_camera(self) -> None:
        """Seal and save what the test found."""
        self._send("found")
        self._expect("config_subentries.camera.step.seal")
        self._send("seal")
        self._finish()

    def save_camera(self) -> None:
        """Save what the test found, of a camera that cannot be sealed."""
        self._send("found")
        self._expect("config_subentries.camera.step.stays_shared")
        self._send("shared")
        self._finish()

    def add_utilization(
        self,
        texts: Mapping[str, str],
        case: str,
        *,
        camera: str | None = None,
        address: Mapping[str, str] | None = None,
    ) -> None:
        """Declare a utilization of a camera of the site by its name, or of one at an address.

        `texts` are name, purpose, benefit and place; what is suggested beside them stays.
        """
        visit(self.page, f"{self.base}{INTEGRATION}", "ha-config-entry-row")
        flow = "config_subentries.utilization"
        button = self.text(f"{flow}.initiate_flow.user")
        self.page.get_by_role("button", name=button).first.click()
        self._expect(f"{flow}.step.user")
        label = self.text(f"{flow}.step.user.data.camera")
        self.choose(label, camera or self.text("common.utilization_by_address"))
        self.dialog.get_by_text(self.text(f"selector.utilization_case.options.{case}")).click()
        self.fill(texts, "name")
        self.dialog.locator("ha-picker-field").first.scroll_into_view_if_needed()
        self._send("user")
        if address is not None:
            self._expect(f"{flow}.step.address")
            self.fill(address, *address)
            self._send("address")
        self._expect(f"{flow}.step.use")
        self.fill(texts, "purpose", "benefit", "place")
        self._send("use")
        for step in ("data", "nodes"):
            self._expect(f"{flow}.step.{step}")
            self._send(step)
        self._finish()

    # ------------------------------------------------------------------ parts of a form

    def fill(self, texts: Mapping[str, str], *names: str) -> None:
        """Fill the fields for texts, and look again: a list that closes redraws the form."""
        fields = {
            name: self.dialog.locator(f"input[name={name}], textarea[name={name}]")
            for name in names
        }
        while any(field.input_value() != texts[name] for name, field in fields.items()):
            for name, field in fields.items():
                field.fill(texts[name])
            self.page.wait_for_timeout(300)

    def choose(self, label: str, option: str) -> None:
        """Choose from a short list."""
        self.dialog.locator(f"ha-picker-field[aria-label^='{label}']").click()
        items = self.dialog.locator("ha-dropdown-item")
        items.filter(has_text=option).click()
        items.first.wait_for(state="hidden")

    def pick(self, label: str, option: str) -> None:
        """Pick from a list with a search, which takes what is not in it as well."""
        self.dialog.locator(f"ha-picker-field[aria-label^='{label}']").click()
        box = self.page.locator("ha-picker-combo-box")
        box.locator("input").fill(option)
        box.locator("ha-combo-box-item", has_text=option).first.click()
        box.wait_for(state="hidden")

    def _expect(self, step: str) -> None:
        """Wait until a step is shown, and look for its description."""
        self.dialog.get_by_text(self.text(f"{step}.title"), exact=True).first.wait_for()

    def _send(self, step: str) -> None:
        self._on_step(step)
        self.dialog.locator("ha-button[slot=primaryAction]").click()

    def _finish(self) -> None:
        """Close what Home Assistant shows at the end of a flow."""
        self.dialog.locator("step-flow-create-entry").wait_for()
        self._on_step("done")
        self.dialog.locator("ha-button[slot=primaryAction]").click()
        self.dialog.wait_for(state="hidden")
