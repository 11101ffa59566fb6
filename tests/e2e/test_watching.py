"""Who may watch, in a real browser: the operator sees, the resident is told, and both are on record."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.cameras import Clip, RtspCamera, wait_for
from tests.cameras.media import NUMBER_BITS, NUMBER_PIXELS
from tests.homes import (
    ADMINISTRATOR,
    MANAGER,
    OPERATOR,
    RESIDENT,
    Books,
    Home,
    accept,
    add_camera,
    add_operator,
    add_site,
    record_past,
)
from tests.homes.browser import (
    browser,
    log_in,
    media_item,
    open_media,
    picture,
    position,
    until_still,
    visit,
)
from tests.homes.walk import text

_NAME = "Entrance"
_ZONE = ZoneInfo("Asia/Tokyo")
_CLIP = Clip(width=640, height=360, seconds=120, gop_seconds=2, numbered=True)
_LATEST = timedelta(seconds=10)
"""How much longer may be played after a role has ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stage:
    home: Home
    site: str
    camera: str
    operator: str
    start: datetime


@pytest.fixture(scope="module")
def stage(folder: Path, make_home: Callable[[dict[str, str]], Home]) -> Iterator[_Stage]:
    """Give a site with an operator, and two minutes of footage in an hour of its own."""
    with RtspCamera(_CLIP) as source:
        home = make_home({"Door": source.url})
        home.start()
        site = add_site(home, folder / "vault")
        camera = add_camera(home, site, "camera.door", _NAME)
        operator = add_operator(home, site)
        home.stop()
        hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=30)
        start = hour + timedelta(minutes=5)
        with Books.open(home, site) as books:
            length = timedelta(seconds=20)
            assert record_past(books, camera, _CLIP.path(), [start], segment=length) > 3
        home.start()
        yield _Stage(home=home, site=site, camera=camera, operator=operator, start=start)


def _pledge(page: Page, stage: _Stage, pictures: Path | None = None) -> None:
    """Accept pledge and rules, as a person does."""
    panel = visit(page, f"{stage.home.base}/camera-steward", "camera-steward-panel section")
    expect(panel).to_contain_text("Pledge of secrecy")
    if pictures is not None:
        picture(page, pictures / "en" / "pledge.png")
    panel.locator("input[type=checkbox]").check()
    panel.locator("button").click()
    expect(page.locator("camera-steward-panel")).to_contain_text(text("en", "common.panel_pledged"))


def _seen(video: Locator) -> str:
    """Return the picture that is shown just now."""
    return str(
        video.evaluate(
            """video => {
                const canvas = document.createElement("canvas");
                [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
                canvas.getContext("2d").drawImage(video, 0, 0);
                return canvas.toDataURL();
            }"""
        )
    )


def _burned_in(video: Locator) -> tuple[timedelta, timedelta]:
    """Stop playing for a moment; return how far it is, and how far by the number in the picture."""
    position, number = video.evaluate(
        """async (video, [bits, size]) => {
            video.pause();
            await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
            const canvas = document.createElement("canvas");
            [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
            const context = canvas.getContext("2d");
            context.drawImage(video, 0, 0);
            let number = 0;
            for (let bit = 0; bit < bits; bit++) {
                const [, green] = context.getImageData((bit + 0.5) * size, size / 2, 1, 1).data;
                number += (green > 128) << bit;
            }
            const position = video.currentTime;
            await video.play();
            return [position, number];
        }""",
        [NUMBER_BITS, NUMBER_PIXELS],
    )
    return timedelta(seconds=position), timedelta(seconds=number / _CLIP.rate)


def test_an_operator_watches_until_the_role_ends_and_all_of_it_is_on_record(
    stage: _Stage, pictures: Path
) -> None:
    home = stage.home
    local = stage.start.astimezone(_ZONE)
    day, hour = local.strftime("%Y-%m-%d"), local.strftime("%H:00–")
    with browser("en") as page:
        log_in(page, home.base, OPERATOR)
        open_media(page, home.base, "Camera Steward")
        # Not before the pledge.
        expect(page.locator("ha-media-player-browse")).to_contain_text("accept the pledge")
        _pledge(page, stage, pictures)
        open_media(page, home.base, "Camera Steward")
        for title in (text("en", "common.purpose_incident_check"), _NAME, day, hour):
            media_item(page, title).click()
        first = media_item(page, local.strftime("%H:%M:%S"))
        expect(first.locator("img, .thumbnail").first).to_be_visible()
        picture(page, pictures / "en" / "clips.png")
        page.get_by_role("button", name="Play").first.click()
        video = page.locator("ha-hls-player video")
        wait_for(lambda: position(video) > 4, 90)
        one = _seen(video)
        wait_for(lambda: position(video) > 6, 90)
        assert _seen(video) != one
        picture(page, pictures / "en" / "playing.png")
        played, burned_in = _burned_in(video)
        assert burned_in > timedelta(seconds=5)
        assert abs(played - burned_in) < timedelta(seconds=0.5)

        home.client(ADMINISTRATOR).ws(
            "config_entries/subentries/delete", entry_id=stage.site, subentry_id=stage.operator
        )
        ended = position(video)
        last = until_still(video)
        assert last < ended + _LATEST.total_seconds()
        assert last < _length(video)

    manager = home.client(MANAGER)
    accept(home, stage.site, MANAGER)
    with browser("en") as page:
        log_in(page, home.base, RESIDENT)
        open_media(page, home.base, "Camera Steward")
        expect(page.locator("ha-media-player-browse")).to_contain_text(text("en", "common.refused"))
        picture(page, pictures / "en" / "refused.png")

    now = datetime.now(UTC)
    rows = manager.ws(
        "camera_steward/viewings",
        entry_id=stage.site,
        start=(now - timedelta(hours=1)).isoformat(),
        end=(now + timedelta(hours=1)).isoformat(),
    )["viewings"]
    (watched,) = [each for each in rows if each["kind"] == "playback" and not each["refusal"]]
    assert (watched["name"], watched["purpose"]) == (OPERATOR.name, "incident_check")
    assert watched["ended_at"] is not None
    since, until = (datetime.fromisoformat(each) for each in watched["watched"][0])
    assert abs(since - stage.start) < timedelta(seconds=1)
    # The clock in the picture is within what the ledger says was watched.
    assert since < stage.start + burned_in < until
    # What was handed out: what was played, and no more than some seconds beyond.
    assert timedelta(seconds=last - 1) < until - since < timedelta(seconds=last) + _LATEST
    assert {"not_pledged", "not_appointed"} <= {each["refusal"] for each in rows}
    assert RESIDENT.name in {each["name"] for each in rows if each["refusal"]}


def _length(video: Locator) -> float:
    """Return how long all that was to be played is."""
    return float(video.evaluate("video => video.duration"))
