"""A live view in a real browser: it moves, it follows the camera, and it ends with the role."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.cameras import Clip, RtspCamera, wait_for
from tests.homes import (
    ADMINISTRATOR,
    MANAGER,
    OPERATOR,
    Home,
    accept,
    add_camera,
    add_operator,
    add_site,
    entities,
    wait_until_recording,
)
from tests.homes.browser import (
    browser,
    log_in,
    media_item,
    open_media,
    picture,
    position,
    until_still,
)
from tests.homes.demo import SCENES
from tests.homes.walk import text

_LATEST = 10.0
"""Seconds that may be played after a role has ended."""
_BEHIND = 15.0
"""Seconds that a live picture may be late on a busy machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stage:
    home: Home
    site: str
    operator: str
    yard: str


@pytest.fixture(scope="module")
def stage(folder: Path, make_home: Callable[[dict[str, str]], Home]) -> Iterator[_Stage]:
    """Give a site with an operator, a camera of H.264 and one of H.265."""
    sources = {"Door": SCENES[0].clip, "Yard": Clip(video="h265", gop_seconds=4, seconds=8)}
    cameras = {name: RtspCamera(clip) for name, clip in sources.items()}
    try:
        for each in cameras.values():
            each.start()
        home = make_home({name: each.url for name, each in cameras.items()})
        home.start()
        site = add_site(home, folder / "vault")
        ids = [add_camera(home, site, f"camera.{name.lower()}", name) for name in cameras]
        operator = add_operator(home, site)
        for person in (OPERATOR, MANAGER):
            accept(home, site, person)
        wait_until_recording(home, site, *ids)
        yield _Stage(home=home, site=site, operator=operator, yard=ids[1])
    finally:
        for each in cameras.values():
            each.close()


def _ask(page: Page, stage: _Stage, camera: str) -> None:
    """Ask for the live view of a camera in the media browser, as a person does."""
    purpose = text("en", "common.purpose_incident_check")
    open_media(page, stage.home.base, "Camera Steward", purpose, camera)
    item = media_item(page, text("en", "common.live_title").format(minutes=10))
    expect(item).to_be_visible()
    item.hover()
    item.locator("ha-icon-button, .play, ha-button").first.click()


def _begin(page: Page, stage: _Stage, camera: str) -> Locator:
    """Begin to watch live; return the video."""
    _ask(page, stage, camera)
    video = page.locator("ha-hls-player video")
    expect(video).to_be_visible()
    return video


def _brightest(video: Locator) -> int:
    """Return how bright the brightest point of the picture is that is shown just now."""
    return int(
        video.evaluate(
            """video => {
                const canvas = document.createElement("canvas");
                [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
                const context = canvas.getContext("2d");
                context.drawImage(video, 0, 0);
                const seen = context.getImageData(0, 0, canvas.width, canvas.height).data;
                return seen.reduce((most, each, at) => at % 4 == 3 ? most : Math.max(most, each), 0);
            }"""
        )
    )


def _plays(page: Page, video: Locator, path: Path) -> None:
    """See that it plays on, with pictures."""
    began = position(video)
    wait_for(lambda: position(video) > began + 8, 90)
    assert _brightest(video) > 100
    # Nothing between was missing, which a player would have jumped over.
    assert video.evaluate("video => video.buffered.length") == 1
    expect(page.locator("ha-hls-player ha-alert")).to_have_count(0)
    # Held by the player, from where it is to the newest there is: so late is what is seen.
    ahead = video.evaluate("video => video.buffered.end(video.buffered.length - 1)")
    assert float(ahead) - position(video) < _BEHIND
    picture(page, path)


def test_h265_plays_live_where_the_browser_knows_only_h264(stage: _Stage, pictures: Path) -> None:
    """And it ends as a film does where recording is switched off, which the browser is told."""
    home = stage.home
    with browser("en") as page:
        log_in(page, home.base, OPERATOR)
        video = _begin(page, stage, "Yard")
        _plays(page, video, pictures / "en" / "live-h265.png")
        switch = entities(home.client(), stage.site)[stage.yard, "recording"]
        home.client().act("switch", "turn_off", entity_id=switch)
        wait_for(lambda: video.evaluate("video => video.ended"), 90)
        expect(page.locator("ha-hls-player ha-alert")).to_have_count(0)
        _ask(page, stage, "Yard")
        expect(page.locator("dialog-box")).to_contain_text(text("en", "common.live_stopped"))
        picture(page, pictures / "en" / "live-stopped.png")


def test_an_operator_watches_live_until_the_role_ends(stage: _Stage, pictures: Path) -> None:
    home = stage.home
    with browser("en") as page:
        log_in(page, home.base, OPERATOR)
        video = _begin(page, stage, "Door")
        _plays(page, video, pictures / "en" / "live.png")
        home.client(ADMINISTRATOR).ws(
            "config_entries/subentries/delete", entry_id=stage.site, subentry_id=stage.operator
        )
        ended = position(video)
        assert until_still(video) < ended + _LATEST

    now = datetime.now(UTC)
    rows = home.client(MANAGER).ws(
        "camera_steward/viewings",
        entry_id=stage.site,
        start=(now - timedelta(hours=1)).isoformat(),
        end=(now + timedelta(hours=1)).isoformat(),
    )["viewings"]
    ended_ = [each for each in rows if each["kind"] == "live" and each["ended_at"]]
    (watched,) = [each for each in ended_ if each["name"] == OPERATOR.name]
    assert watched["purpose"] == "incident_check"
    ((since, until),) = [map(datetime.fromisoformat, each) for each in watched["watched"]]
    assert until - since > timedelta(seconds=8)
