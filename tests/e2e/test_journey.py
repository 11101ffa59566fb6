"""A new site, from nothing until no control needs attention, on the screen alone."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.cameras import RtspCamera
from tests.homes import ADMINISTRATOR, Home, add_generic
from tests.homes.browser import browser, log_in, picture
from tests.homes.demo import SCENES, SITE
from tests.homes.duties import GOOD, open_tasks, photo
from tests.homes.pages import ZONE, Pages
from tests.homes.walk import Walker

_NAMES = {"en": "Shop door", "ja": "店の出入口"}
_BODIES = {"en": "Shopkeepers’ meeting", "ja": "商店会総会"}
_WORDS = {"en": "Beside the door, at eye level", "ja": "出入口の右側、目の高さ"}


@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_new_site_comes_to_need_no_attention(folder: Path, pictures: Path, language: str) -> None:
    place, scene = folder / language, SCENES[0]
    place.mkdir()
    (place / "sign.jpg").write_bytes(photo())
    with (
        RtspCamera(scene.clip, user="viewer", password="j0urney") as source,
        Home(place, {}, language=language) as home,
        browser(language) as page,
    ):
        add_generic(home, source, "Shop door")
        log_in(page, home.base, ADMINISTRATOR)
        kept = pictures / language
        walker = Walker(
            page, home.base, language, lambda step: picture(page, kept / f"journey-{step}.png")
        )
        # Who runs the shop runs its Home Assistant as well.
        walker.add_site(SITE[language], ADMINISTRATOR.name, str(place / "vault"))
        walker.add_camera(scene.texts[language], "Shop door")
        walker.seal_camera()

        pages = Pages(page, home.base, language)
        pages.pledge()
        (site,) = [each["entry_id"] for each in home.client().ws("camera_steward/own")]
        pages.open("duties")
        expect(pages.panel).to_contain_text(pages.text("duties_gate_missing"))
        pages.pictures(kept, "journey-begun")
        pages.open("papers")
        pages.adopt_rules(_BODIES[language])
        pages.open("kit")
        with page.expect_download():
            pages.press("kit_save")
        pages.open("tasks")
        for task in open_tasks(home.client(), site, language).values():
            if task["by_hand"]:
                pages.do_task(_title(pages, task), _answers(task, place / "sign.jpg", language))
        pages.open("duties")
        expect(pages.panel).to_contain_text(pages.text("duties_attention_none"))
        expect(pages.panel).to_contain_text(pages.text("duties_gate_open"))
        pages.pictures(kept, "journey-done")


def _title(pages: Pages, task: Mapping[str, Any]) -> str:
    if task["subject"]["kind"] == "site":
        return str(task["title"])
    return pages.text("tasks_of", task=task["title"], subject=task["subject"]["name"])


def _answers(task: Mapping[str, Any], photo: Path, language: str) -> dict[str, str | Path]:
    """Answer what must be answered, with everything in order."""
    found: dict[str, str | Path] = {}
    for each in task["questions"]:
        match each["type"], each["required"]:
            case "photo", True:
                found[each["name"]] = photo
            case "choice", True:
                found[each["name"]] = GOOD.get(each["name"], each["options"][0]["value"])
            case "date", True:
                found[each["name"]] = f"{datetime.now(ZONE):%Y-%m-%d}"
            case "tick", True:
                found[each["name"]] = ""
            case "text", True:
                found[each["name"]] = _WORDS[language]
            case _:
                pass
    return found
