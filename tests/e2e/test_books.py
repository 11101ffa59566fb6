"""The manager's books and the removal of a camera, in a real browser."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.cameras import Clip, RtspCamera, wait_for
from tests.homes import (
    MANAGER,
    Home,
    accept,
    add_camera,
    add_site,
    cameras,
    wait_until_recording,
)
from tests.homes.browser import browser, log_in
from tests.homes.demo import SITE
from tests.homes.duties import photo
from tests.homes.pages import ZONE, Pages

_DOOR, _YARD = "出入口", "駐車場"
_NOISE = "カメラが隣家の窓を向いているのではないか。"
_REASON = "隣家の敷地が写っており、直ちに消去する必要があるため"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stage:
    home: Home
    site: str
    vault: Path
    yard: str


@pytest.fixture(scope="module")
def stage(folder: Path, make_home: Callable[[dict[str, str]], Home]) -> Iterator[_Stage]:
    """Give a site with two cameras that record."""
    clip = Clip(width=320, height=180, seconds=4, bitrate_kbps=100)
    with ExitStack() as stack:
        sources = {each: stack.enter_context(RtspCamera(clip)) for each in ("Door", "Yard")}
        home = make_home({name: source.url for name, source in sources.items()})
        home.start()
        vault = folder / "vault"
        site = add_site(home, vault, texts=SITE["ja"])
        for name, entity in ((_DOOR, "camera.door"), (_YARD, "camera.yard")):
            add_camera(home, site, entity, name, segment_seconds=10)
        found = cameras(home.client(), site)
        wait_until_recording(home, site, *found.values())
        accept(home, site, MANAGER)
        yield _Stage(home=home, site=site, vault=vault, yard=found[_YARD])


def _records(stage: _Stage, *, closed: bool) -> list[dict[str, Any]]:
    asked = {"kind": "inquiry", "closed": closed, "language": "ja"}
    found = stage.home.client(MANAGER).ws("camera_steward/records", entry_id=stage.site, **asked)
    return list(found["records"])


def test_an_inquiry_is_entered_judged_and_closed(stage: _Stage, pictures: Path) -> None:
    today = f"{datetime.now(ZONE):%Y-%m-%d}"
    with browser("ja") as page:
        log_in(page, stage.home.base, MANAGER)
        pages = Pages(page, stage.home.base, "ja")
        pages.open("records")
        new = pages.panel.locator("section", has_text=pages.text("records_new_inquiry")).last
        pages.answer(new, {"received_on": today, "received_by": "見本", "way": "phone"})
        # What is not filled in is said, and nothing is lost.
        pages.press("records_enter")
        assert _records(stage, closed=False) == []
        pages.answer(new, {"content": _NOISE})
        pages.press("records_enter")
        expect(pages.panel).to_contain_text(pages.text("records_done"))
        (record,) = _records(stage, closed=False)
        assert record["fields"]["content"] == _NOISE
        pages.pictures(pictures, "inquiry")

        card = pages.card(_NOISE)
        card.get_by_role("button", name=pages.text("records_close_inquiry")).click()
        judged = {"finding": "proper", "article": "第４条", "answer": "現地で説明した。"}
        pages.answer(card.locator("form:visible"), {**judged, "answered_on": today})
        card.locator("form:visible").get_by_role(
            "button", name=pages.text("records_enter"), exact=True
        ).click()
        expect(pages.panel).to_contain_text(pages.text("records_done"))
    assert _records(stage, closed=False) == []
    (closed,) = _records(stage, closed=True)
    assert closed["fields"].items() >= judged.items()


def test_a_camera_is_taken_down_step_by_step_and_its_footage_goes(
    stage: _Stage, folder: Path, pictures: Path
) -> None:
    home, footage = stage.home, stage.vault / stage.yard
    wait_for(lambda: any(footage.rglob("*.seg")))
    shot = folder / "wall.jpg"
    shot.write_bytes(photo())
    today = f"{datetime.now(ZONE):%Y-%m-%d}"
    with browser("ja") as page:
        log_in(page, home.base, MANAGER)
        pages = Pages(page, home.base, "ja")
        pages.open("removal")
        pages.panel.locator("#removal-what").select_option(label=_YARD)
        pages.enter("removal", decided_on=today, body="商店会総会")
        pages.panel.locator("#removal-erase input[value=now]").check()
        # Without reason and word nothing is begun.
        pages.press("removal_begin")
        assert any(footage.rglob("*.seg"))
        pages.enter("removal", reason=_REASON)
        pages.panel.locator("#removal-sure input").check()
        pages.press("removal_begin")
        expect(pages.panel).to_contain_text(pages.text("removal_begun"))
        wait_for(lambda: not any(footage.rglob("*.seg")))
        pages.pictures(pictures, "removal-steps")
        for kind in ("remove_device", "remove_sign"):
            title = pages.text(f"task_{kind}")
            pages.panel.get_by_role("button", name=pages.text("tasks_do_of", task=title)).click()
            pages.expect_at("tasks")
            form = pages.panel.locator("form.within:visible")
            pages.answer(form, {"on": today, "photo": shot})
            form.get_by_role("button", name=pages.text("tasks_enter"), exact=True).click()
            expect(pages.panel.locator("p[role=status]").first).to_contain_text(title)
            pages.open("removal")
        pages.panel.locator("#finish-sure input").check()
        pages.press("removal_finish")
        wait_for(lambda: _YARD not in cameras(home.client(), stage.site))
    assert _DOOR in cameras(home.client(), stage.site)
    assert any((stage.vault / cameras(home.client(), stage.site)[_DOOR]).rglob("*.seg"))
