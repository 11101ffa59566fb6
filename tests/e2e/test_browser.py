"""What people see in a real browser: forms, device pages, and what is closed to residents."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.cameras import RtspCamera
from tests.homes import (
    ADMINISTRATOR,
    MANAGER,
    RESIDENT,
    Home,
    RefusedError,
    cameras,
    wait_until_loaded,
    wait_until_recording,
)
from tests.homes.browser import browser, log_in, picture, visit
from tests.homes.demo import SCENES, SITE
from tests.homes.walk import INTEGRATION, Walker, text

_LANGUAGES = ["en", "ja"]
_DEVICE_PAGE = "ha-config-device-page"
_ENTRIES = "/api/config/config_entries/entry?domain=camera_steward"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stage:
    home: Home
    vaults: Path


@pytest.fixture(scope="module")
def stage(folder: Path, make_home: Callable[[dict[str, str]], Home]) -> Iterator[_Stage]:
    """Give a home with two camera entities and no site yet."""
    with ExitStack() as stack:
        sources = {each.entity: stack.enter_context(RtspCamera(each.clip)) for each in SCENES}
        home = make_home({name: camera.url for name, camera in sources.items()})
        home.start()
        yield _Stage(home=home, vaults=folder / "vaults")


@pytest.mark.parametrize("language", _LANGUAGES)
def test_an_administrator_sets_a_camera_up_and_sees_it_record(
    stage: _Stage, pictures: Path, language: str
) -> None:
    home, scene = stage.home, SCENES[_LANGUAGES.index(language)]
    site, texts = SITE[language], scene.texts[language]
    client = home.client()
    others = client.rest("GET", _ENTRIES)
    with browser(language) as page:
        log_in(page, home.base, ADMINISTRATOR)
        walker = Walker(
            page,
            home.base,
            language,
            lambda step: picture(page, pictures / language / f"{step}.png"),
        )
        walker.add_site(site, MANAGER.name, str(stage.vaults / language))
        walker.add_camera(texts, scene.entity, site=site["installer"] if others else None)
        expect(walker.dialog).to_contain_text("H.265" if scene.clip.video == "h265" else "H.264")
        expect(walker.dialog).to_contain_text(f"{scene.clip.width} × {scene.clip.height}")
        walker.save_camera()
        expect(page.locator("ha-config-entry-row", has_text=site["installer"])).to_be_visible()

        (entry_id,) = [
            each["entry_id"]
            for each in client.rest("GET", _ENTRIES)
            if each["title"] == site["installer"]
        ]
        wait_until_loaded(client, entry_id)
        camera = cameras(client, entry_id)[texts["name"]]
        wait_until_recording(home, entry_id, camera)
        device = next(
            each["id"]
            for each in client.ws("config/device_registry/list")
            if ["camera_steward", camera] in each["identifiers"]
        )
        shown = visit(page, f"{home.base}/config/devices/device/{device}", _DEVICE_PAGE)
        for key in ("status", "oldest_footage", "kept_length"):
            # Home Assistant names entities in its own language, and shows states in the browser's.
            expect(shown).to_contain_text(text(home.language, f"entity.sensor.{key}.name"))
        expect(shown).to_contain_text(walker.text("entity.sensor.status.state.recording"))
        expect(shown).to_contain_text(text(home.language, "entity.binary_sensor.past_limit.name"))
        picture(page, pictures / language / "device.png")


@pytest.mark.parametrize("language", _LANGUAGES)
def test_a_resident_cannot_reach_the_settings(stage: _Stage, pictures: Path, language: str) -> None:
    with browser(language) as page:
        log_in(page, stage.home.base, RESIDENT)
        expect(
            page.locator("ha-sidebar a[href='/config'], ha-sidebar [href='/config']")
        ).to_have_count(0)
        page.goto(f"{stage.home.base}{INTEGRATION}")
        page.wait_for_timeout(3000)
        picture(page, pictures / language / "resident.png")
        # The page in the sidebar bears the same name, and is for everyone.
        expect(page.locator("ha-config-entry-row, ha-config-integration-page")).to_have_count(0)


def test_a_resident_cannot_begin_a_form(stage: _Stage) -> None:
    with pytest.raises(RefusedError, match=r"401|403"):
        stage.home.client(RESIDENT).rest(
            "POST", "/api/config/config_entries/flow", {"handler": "camera_steward"}
        )
