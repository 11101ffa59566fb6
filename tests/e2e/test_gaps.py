"""Gaps are seen as gaps in a real browser, and playing goes on behind them, whatever was recorded."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Locator, Page, expect

from custom_components.camera_steward.core.ledger.viewings import viewing_register
from custom_components.camera_steward.core.model import Action, GapCause
from tests.cameras import Clip, RtspCamera, wait_for
from tests.homes import MANAGER, Books, Home, accept, add_camera, add_site, record_past
from tests.homes.browser import browser, log_in, media_item, open_media, picture
from tests.homes.walk import text

_ZONE = ZoneInfo("Asia/Tokyo")
_SECONDS = 8
_GAP = timedelta(minutes=7)
_MOMENT = timedelta(seconds=1)
_NOTICE = (_SECONDS + 0.5, _SECONDS + 3.5)
_BEHIND = _SECONDS + 6.5
_CLIPS = {
    "h264": Clip(width=640, height=360, seconds=_SECONDS),
    "aac": Clip(width=640, height=360, seconds=_SECONDS, audio="aac"),
    "opus": Clip(seconds=_SECONDS, audio="opus"),
    "mjpeg": Clip(video="mjpeg", width=640, height=360, seconds=_SECONDS),
    "h265": Clip(video="h265", width=1280, height=720, seconds=_SECONDS),
}
"""An hour of the camera each: a clip, a gap, and the clip again."""

_LOOK = """video => {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [64, 36];
    const context = canvas.getContext("2d");
    context.drawImage(video, 0, 0, 64, 36);
    const data = context.getImageData(0, 3, 64, 33).data;
    return [video.currentTime, data.reduce((sum, each) => sum + each) / data.length];
}"""
_LIGHT = 110
"""A notice's mean, with alpha, is below this; that of a test picture above."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stage:
    home: Home
    site: str
    starts: dict[str, datetime]


@pytest.fixture(scope="module")
def stage(folder: Path) -> Iterator[_Stage]:
    """Give a site that has an hour of each kind of footage."""
    with RtspCamera(_CLIPS["h264"]) as source:
        home = Home(folder, {"Door": source.url}, language="ja")
        try:
            home.start()
            site = add_site(home, folder / "vault")
            camera = add_camera(home, site, "camera.door", "玄関")
            home.stop()
            hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
            first = hour - timedelta(hours=40)
            starts = {
                kind: first + timedelta(hours=number, minutes=5)
                for number, kind in enumerate(_CLIPS)
            }
            with Books.open(home, site) as books:
                for kind, start in starts.items():
                    again = start + timedelta(seconds=_SECONDS) + _GAP
                    assert (
                        record_past(books, camera, _CLIPS[kind].path(), [start, again], audio=True)
                        == 2
                    )
                    index = books.vault.index
                    index.open_gap(camera, again - _GAP, GapCause.UNREACHABLE)
                    index.close_gap(camera, again)
            home.start()
            accept(home, site, MANAGER)
            yield _Stage(home=home, site=site, starts=starts)
        finally:
            home.close()


def _play(page: Page, stage: _Stage, kind: str) -> Locator:
    """Play an hour, as a person does."""
    local = stage.starts[kind].astimezone(_ZONE)
    open_media(
        page,
        stage.home.base,
        "Camera Steward",
        text("ja", "common.purpose_incident_check"),
        "玄関",
        local.strftime("%Y/%m/%d"),
        local.strftime("%H:00～"),
    )
    expect(media_item(page, local.strftime("%H:%M:%S"))).to_be_visible()
    page.locator("ha-media-player-browse .header ha-button, .header mwc-button").first.click()
    return page.locator("ha-hls-player video")


@pytest.mark.parametrize("kind", _CLIPS)
def test_playing_goes_through_a_gap_that_is_seen(stage: _Stage, pictures: Path, kind: str) -> None:
    with browser("ja") as page:
        log_in(page, stage.home.base, MANAGER)
        video = _play(page, stage, kind)
        looks: list[tuple[float, float]] = []

        def look() -> float:
            at, light = video.evaluate(_LOOK)
            looks.append((at, light))
            return float(at)

        def until(at: float) -> Callable[[], bool]:
            return lambda: look() > at

        wait_for(until(2), 90, 0.1)
        picture(page, pictures / f"gap-{kind}-footage.png")
        wait_for(until(_NOTICE[0]), 90, 0.1)
        picture(page, pictures / f"gap-{kind}-notice.png")
        wait_for(until(_BEHIND), 90, 0.1)
        picture(page, pictures / f"gap-{kind}-behind.png")
        during = [light for at, light in looks if _NOTICE[0] < at < _NOTICE[1]]
        beside = [light for at, light in looks if 1 < at < _SECONDS - 0.5 or at >= _BEHIND]
        assert during
        assert max(during) < _LIGHT < min(beside), looks
        expect(page.locator("ha-hls-player ha-alert")).to_have_count(0)


def test_what_was_watched_is_the_footage_and_not_the_gap(stage: _Stage) -> None:
    stage.home.stop()  # what was watched is entered when it is over
    now = datetime.now(UTC)
    with Books.open(stage.home, stage.site) as books:
        viewed = viewing_register(books.ledger, now - timedelta(hours=1), now)
    watched = {
        each.watched[0][0].replace(minute=0, second=0, microsecond=0): each.watched
        for each in viewed
        if each.kind is Action.PLAYBACK and each.watched
    }
    assert watched
    for hour, spans in watched.items():
        start = hour + timedelta(minutes=5)
        times = [at for span in spans for at in span]
        again = start + timedelta(seconds=_SECONDS) + _GAP
        assert len(times) == 4
        assert abs(times[0] - start) < _MOMENT
        assert abs(times[1] - (again - _GAP)) < _MOMENT
        assert abs(times[2] - again) < _MOMENT
        assert times[3] <= again + timedelta(seconds=_SECONDS) + _MOMENT
