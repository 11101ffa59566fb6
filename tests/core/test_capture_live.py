"""Whoever watches sees what is received, seconds later, and the recording does not notice."""

import threading
import urllib.request
from contextlib import ExitStack
from functools import partial
from typing import override
from zoneinfo import ZoneInfo

from custom_components.camera_steward.core.capture.recorder import RecorderSettings
from custom_components.camera_steward.core.capture.schedule import Schedule
from custom_components.camera_steward.core.capture.source import Source
from custom_components.camera_steward.core.capture.stills import StillSource
from custom_components.camera_steward.core.capture.worker import GapEnded, StorageTrouble
from custom_components.camera_steward.core.model import CaptureStatus, GapCause
from custom_components.camera_steward.core.steward import Steward
from tests.cameras import (
    Clip,
    DeadCamera,
    RtspCamera,
    WebCamera,
    jpeg_scan,
    packets,
    run_of,
    units,
    wait_for,
)
from tests.core.capture_site import (
    SECOND,
    FaultyFiles,
    a_site,
    stream,
    watch,
)

from .recording_process import camera_of, settings_of
from .vault_site import a_site as a_vault
from .watcher import Watcher

BEHIND = 15 * SECOND
"""How far behind a live view may be on the busiest machine."""


def fetch(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=10) as answer:
        data: bytes = answer.read()
    return data


RTSP = {
    "groups": (Clip(), False),
    "long-groups": (Clip(gop_seconds=4, seconds=8), False),
    "reordered": (Clip(video="h265", b_frames=2, gop_seconds=4, seconds=8, audio="aac"), True),
    "mjpeg": (Clip(video="mjpeg", audio="opus"), True),
}


def test_whoever_watches_sees_an_unbroken_run_of_every_kind_of_stream() -> None:
    """Seconds later, while the same is stored; one test, as the streams take real time."""
    with ExitStack() as stack:
        site = stack.enter_context(a_site())
        sources: dict[str, Source] = {}
        for name, (clip, audio) in RTSP.items():
            camera = stack.enter_context(RtspCamera(clip))
            sources[name] = stream(camera.url, audio=audio)
        web = stack.enter_context(WebCamera(Clip(video="mjpeg"), rate=10))
        sources["web"] = stream(web.url)
        sources["stills"] = StillSource(partial(fetch, web.still_url), SECOND / 2)
        watchers = {
            name: Watcher(site.start(source, name).watch) for name, source in sources.items()
        }
        wait_for(lambda: all(each.seconds > 9 for each in watchers.values()))
        assert all(each.feed.why_nothing is None for each in watchers.values())
        site.stop()

        served = {name: clip.units() for name, (clip, _) in RTSP.items()}
        served["web"] = served["stills"] = packets(Clip(video="mjpeg").path())
        for name, each in watchers.items():
            assert each.feed.closed
            assert each.feed.why_nothing is CaptureStatus.STOPPED
            assert each.feed.window() == ()
            each.check(name)
            assert each.behind < BEHIND, name
            shown, kept = each.units(1), site.units(name)
            # Watched from the first picture on.
            assert len(kept) >= len(shown)
            assert kept[: len(shown)] == shown, name
            if name == "mjpeg":
                shown, served[name] = (
                    list(map(jpeg_scan, shown)),
                    list(map(jpeg_scan, served[name])),
                )
            assert run_of(shown, served[name]) is not None, name
            site.check(name)
        assert any(not each.keyframe for each in watchers["long-groups"].seen.values())
        assert units(watchers["reordered"].media(1), "audio")


def test_two_watch_and_after_the_last_one_nothing_is_in_memory() -> None:
    """The second one begins with a keyframe, in mid-stream; the first one can go at any time."""
    clip = Clip()
    with RtspCamera(clip) as camera, a_site() as site:
        worker = site.start(stream(camera.url))
        first = Watcher(worker.watch)
        wait_for(lambda: first.seconds > 2)
        second = Watcher(worker.watch)
        wait_for(lambda: second.seconds > first.seconds - 1 > 4)
        first.feed.close()
        assert first.feed.closed
        assert first.feed.window() == ()
        assert not second.feed.closed
        count = len(second.seen)
        wait_for(lambda: len(second.seen) > count)
        assert max(second.seen) > max(first.seen)
        assert camera.stats()["connections"] == 1
        second.feed.close()
        second.feed.close()
        live = worker._live
        assert (live._held, live._headers, live._size_bytes) == (type(live._held)(), {}, 0)
        assert not live.watched

        again = Watcher(worker.watch)
        wait_for(lambda: again.seconds > 2)
        site.stop()
        for each in (first, second, again):
            each.check()
        assert set(again.headers).isdisjoint(second.headers)
        assert run_of(again.units(*again.headers), clip.units()) is not None
        assert run_of(site.units(), clip.units()) is not None


def test_a_feed_outlives_the_connection_and_says_why_nothing_comes() -> None:
    """Each connection, and each other size of the picture, has a header of its own."""
    clip, large = Clip(), Clip(width=640, height=480)
    with RtspCamera(clip) as camera, a_site() as site:
        worker = site.start(stream(camera.url))
        watcher = Watcher(worker.watch)
        wait_for(lambda: watcher.seconds > 3)
        camera.switch(large)
        wait_for(lambda: 2 in watcher.headers)
        wait_for(lambda: watcher.seconds > 6)
        camera.stop()
        wait_for(lambda: watcher.feed.why_nothing is CaptureStatus.NO_STREAM)
        assert not watcher.feed.closed
        camera.start()
        wait_for(lambda: len(watcher.of(3)) > 2)
        assert watcher.feed.why_nothing is None
        site.stop()
        watcher.check()
        sizes = [watch(watcher.media(init)).sizes for init in (1, 2, 3)]
        assert sizes == [{(320, 240)}, {(640, 480)}, {(640, 480)}]
        for init, each in ((1, clip), (2, large), (3, large)):
            assert run_of(watcher.units(init), each.units()) is not None
        before, after = watcher.of(2)[-1], watcher.of(3)[0]
        assert after.start_at > before.start_at + before.length


def test_what_waits_for_a_trigger_can_be_watched_and_is_not_stored() -> None:
    with RtspCamera(Clip()) as camera, a_site() as site:
        worker = site.start(stream(camera.url), settings=RecorderSettings(on_trigger=True))
        watcher = Watcher(worker.watch)
        wait_for(lambda: watcher.seconds > 4)
        assert site.statuses()[-1] is CaptureStatus.WAITING
        assert watcher.feed.why_nothing is None
        site.stop()
        assert not site.segments()
        watcher.check()
        assert run_of(watcher.units(1), Clip().units()) is not None


def test_nothing_is_received_outside_the_schedule_and_from_a_camera_that_is_away() -> None:
    """And the feed says which of the two."""
    never = Schedule(windows=(), zone=ZoneInfo("Asia/Tokyo"))
    with RtspCamera(Clip()) as camera, DeadCamera() as dead, a_site() as site:
        closed = site.start(stream(camera.url), schedule=never).watch()
        away = site.start(stream(dead.url), "away").watch()
        wait_for(lambda: closed.why_nothing is CaptureStatus.WAITING)
        wait_for(lambda: away.why_nothing is CaptureStatus.NO_STREAM)
        assert camera.stats()["connections"] == 0
        assert closed.window() == away.window() == ()
        assert not closed.closed
        assert not away.closed


def test_a_feed_ends_when_recording_is_switched_off_and_when_the_steward_stops() -> None:
    with RtspCamera(Clip(audio="aac")) as camera, a_vault() as site:
        settings = settings_of(site.root.parent)
        site.close()
        steward = Steward(settings, [camera_of(camera.url)])
        assert steward.watch("door").closed
        steward.start()
        try:
            first = Watcher(partial(steward.watch, "door"))
            wait_for(lambda: first.seconds > 2)
            steward.set_recording("door", False, actor="somebody")
            assert first.feed.closed
            assert first.feed.why_nothing is CaptureStatus.STOPPED
            off = steward.watch("door")
            assert off.closed
            assert off.why_nothing is CaptureStatus.STOPPED
            steward.set_recording("door", True, actor="somebody")
            second = Watcher(partial(steward.watch, "door"))
            wait_for(lambda: second.seconds > 2)
            assert first.feed.closed
        finally:
            assert steward.stop(60)
        assert second.feed.closed
        first.check()
        second.check()


# Storage


def test_storage_that_fails_ends_no_live_view_and_is_used_again_when_it_can_be() -> None:
    """On one and the same connection."""
    files = FaultyFiles()
    clip = Clip()
    with RtspCamera(clip) as camera, a_site(files=files) as site:
        worker = site.start(stream(camera.url))
        watcher = Watcher(worker.watch)
        wait_for(lambda: watcher.seconds > 2)
        files.arm(0)
        wait_for(lambda: site.of(StorageTrouble))
        seen = watcher.seconds
        wait_for(lambda: watcher.seconds > seen + 3)
        files.mend()
        wait_for(lambda: site.of(GapEnded))
        wait_for(lambda: site.statuses()[-1] is CaptureStatus.RECORDING)
        site.stop()
        assert camera.stats()["connections"] == 1
        assert site.causes() == [GapCause.STORAGE, GapCause.RESTART]
        watcher.check()
        assert list(watcher.headers) == [1]
        assert run_of(watcher.units(1), clip.units()) is not None
        site.check()


def test_whoever_begins_to_watch_does_not_wait_for_the_storage() -> None:
    """No camera is asked while the vault is away, unless somebody wants to see it."""
    with RtspCamera(Clip()) as camera, a_site() as site:
        away = site.vault.root.with_name("away")
        site.vault.root.rename(away)
        worker = site.start(stream(camera.url))
        wait_for(lambda: site.of(StorageTrouble))
        watcher = Watcher(worker.watch)
        wait_for(lambda: watcher.seconds > 3)
        assert not site.vault.root.exists()
        watcher.feed.close()
        wait_for(lambda: camera.stats()["open"] == 0)
        away.rename(site.vault.root)
        watcher = Watcher(worker.watch)
        wait_for(lambda: site.of(GapEnded))
        site.stop()
        site.check()
        assert site.causes() == [GapCause.STORAGE, GapCause.RESTART]


class HangingFiles(FaultyFiles):
    """Storage that hangs while it is told to, as a share that went away."""

    def __init__(self) -> None:
        super().__init__()
        self.free = threading.Event()
        self.free.set()
        self.waiting = threading.Event()

    @override
    def point(self) -> None:
        if not self.free.is_set():
            self.waiting.set()
            self.free.wait()


def test_what_is_received_is_shown_before_it_is_stored_and_a_stop_ends_it_at_once() -> None:
    """Even where the thread hangs in a write."""
    files = HangingFiles()
    with RtspCamera(Clip()) as camera, a_site(files=files) as site:
        files.free.clear()
        worker = site.start(stream(camera.url))
        watcher = Watcher(worker.watch)
        assert files.waiting.wait(60)
        assert watcher.seen
        assert watcher.feed.window()
        worker.request_stop()
        assert worker.alive
        assert watcher.feed.closed
        assert not worker._live._held
        files.free.set()
