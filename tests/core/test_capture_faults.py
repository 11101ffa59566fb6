"""Cameras that fail in every way: a gap with its cause, nothing lost before it, no address told."""

import logging
import threading
import time
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import override

import av
import psutil
import pytest

from custom_components.camera_steward.core.capture import source as source_module
from custom_components.camera_steward.core.capture.source import Address, Source
from custom_components.camera_steward.core.capture.stream import StreamSource
from custom_components.camera_steward.core.capture.worker import (
    CaptureWorker,
    GapEnded,
    StatusChanged,
    StreamFound,
)
from custom_components.camera_steward.core.errors import SourceError, SourceUnreachableError
from custom_components.camera_steward.core.files import LocalFiles, WritableFile
from custom_components.camera_steward.core.model import CaptureStatus, GapCause
from tests.cameras import (
    Clip,
    DeadCamera,
    RtspCamera,
    SilentCamera,
    ThrottledProxy,
    WebCamera,
    run_of,
    units,
    wait_for,
)
from tests.core.capture_site import CaptureSite, a_site, joins, stream, watch

USER, PASSWORD, WRONG = "operator-u5er", "s3cr3t-p4ss", "wr0ng-p4ss"
SECRETS = (USER, PASSWORD, WRONG, "127.0.0.1", "vanished.example")
# A stop is to take 10 s at most; machines that run tests are busy.
STOPS_WITHIN = 20.0


class EntityVanishedError(SourceUnreachableError):
    """As the edge tells it."""

    key = "source_entity_unavailable"


def vanished() -> Address:
    try:
        raise KeyError("rtsp://operator-u5er:s3cr3t-p4ss@vanished.example/")
    except KeyError:
        raise EntityVanishedError from None


def broken() -> Address:
    raise RuntimeError("rtsp://operator-u5er:s3cr3t-p4ss@vanished.example/")


def unsupported(path: Path) -> str:
    """Make a file of a codec that no segment can hold."""
    with av.open(path, "w", format="matroska") as target:
        video = target.add_stream("mpeg4", rate=5)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        for number in range(5):
            picture = av.VideoFrame(64, 48, "yuv420p")
            picture.pts = number
            target.mux(video.encode(picture))
        target.mux(video.encode())
    return str(path)


@contextmanager
def bad_sources(folder: Path) -> Iterator[dict[str, tuple[Source, GapCause]]]:
    """Serve every kind of source that cannot be recorded, with the cause that it is to give."""
    with ExitStack() as stack:
        digest = stack.enter_context(RtspCamera(Clip(), user=USER, password=PASSWORD))
        basic = stack.enter_context(RtspCamera(Clip(), user=USER, password=PASSWORD, auth="basic"))
        web = stack.enter_context(WebCamera(user=USER, password=PASSWORD))
        heard = stack.enter_context(RtspCamera(Clip(video=None, audio="pcmu")))
        dead = stack.enter_context(DeadCamera())
        silent = stack.enter_context(SilentCamera())
        large = stack.enter_context(RtspCamera(Clip(width=1280, height=720, bitrate_kbps=2000)))
        trickle = stack.enter_context(ThrottledProxy(large, 10_000))
        login = {"user": USER, "password": WRONG}
        yield {
            "dead": (stream(dead.address("/stream", **login)), GapCause.UNREACHABLE),
            "silent": (stream(silent.address("/stream", **login)), GapCause.STALLED),
            "mute": (
                stream(silent.address("/x", **login).replace("rtsp", "http")),
                GapCause.STALLED,
            ),
            "digest": (stream(digest.address("/stream", **login)), GapCause.REFUSED),
            "nobody": (stream(digest.bare_url), GapCause.REFUSED),
            "basic": (stream(basic.address("/stream", **login)), GapCause.REFUSED),
            "web": (stream(web.address("/video.mjpg", **login)), GapCause.REFUSED),
            "nothing": (
                stream(web.address("/nothing", USER, PASSWORD)),
                GapCause.UNREACHABLE,
            ),
            "no-address": (stream(f"rtsp://{USER}:{PASSWORD}@[bad"), GapCause.UNREACHABLE),
            "heard": (stream(heard.url), GapCause.NO_VIDEO),
            "unsupported": (stream(unsupported(folder / "x.mkv")), GapCause.UNSUPPORTED),
            "trickle": (stream(trickle.url), GapCause.STALLED),
            "vanished": (StreamSource(vanished), GapCause.UNREACHABLE),
            "broken": (StreamSource(broken), GapCause.UNREACHABLE),
        }


def test_what_cannot_be_recorded_is_a_gap_with_its_cause_and_no_address(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """No text that can be shown, kept or logged tells address, user or password."""
    caplog.set_level(logging.DEBUG)
    with bad_sources(tmp_path) as sources, a_site() as site:
        for name, (source, _) in sources.items():
            site.start(source, name)
        with ThreadPoolExecutor(len(sources)) as pool:
            raised = dict(
                zip(sources, pool.map(error_of, [s for s, _ in sources.values()]), strict=True)
            )
        wait_for(lambda: all(site.causes(name) for name in sources))
        wait_for(lambda: all(CaptureStatus.NO_STREAM in site.statuses(name) for name in sources))
        site.stop()
        for name, (_, cause) in sources.items():
            if name == "trickle":
                # A picture may come whole, and the camera may hang up on so slow a listener first.
                seen = {*site.causes(name), site.lasting(name), GapCause(raised[name].cause)}
                assert seen - {None} <= {cause, GapCause.ENDED}, name
                continue
            assert raised[name].cause == cause, name
            # A gap goes on under its first cause, however often it is tried again.
            assert list(site.causes(name)) == [cause], name
            assert site.lasting(name) is cause, name
            assert not site.segments(name), name
        told = [repr(each) for each in site.events]
        for event in site.of(StatusChanged, "vanished"):
            assert event.error is None or event.error.key == "source_entity_unavailable"
        errors = [*raised.values()]
        errors += [e.error for e in site.events if isinstance(e, StatusChanged) and e.error]  # type: ignore[misc]
    told += [caplog.text]
    for err in errors:
        told += [str(err), repr(err), repr(err.args), repr(vars(err)), err.detail]
        told += traceback.format_exception(err)
        assert err.__cause__ is None
        assert err.__context__ is None
    for secret in SECRETS:
        assert not [text for text in told if secret in text]


def error_of(source: Source) -> SourceError:
    """Return what opening a source, and reading it, raises."""
    with pytest.raises(SourceError) as caught:
        for _ in source.open().packets():
            pass
    return caught.value


def test_an_address_is_never_shown() -> None:
    """Neither it nor what holds it says what it is."""
    address = Address(url=f"rtsp://{USER}:{PASSWORD}@127.0.0.1/", options={"cookies": PASSWORD})
    for each in (address, StreamSource(lambda: address)):
        assert not [secret for secret in SECRETS if secret in repr(each) + str(each)]


def test_faults_while_recording_end_a_segment_and_recording_goes_on() -> None:
    """One test, as the streams take real time: each camera has a fault of its own."""
    clip, large, other = Clip(), Clip(width=640, height=480), Clip(video="h265")
    addresses: dict[str, str] = {}

    def resolve(name: str) -> Address:
        if not addresses[name]:
            raise EntityVanishedError
        return Address(url=addresses[name])

    names = ("stalls", "is-cut", "restarts", "vanishes", "changes", "grows")
    with ExitStack() as stack:
        cameras = {name: stack.enter_context(RtspCamera(clip)) for name in names}
        second = stack.enter_context(RtspCamera(other))
        site = stack.enter_context(a_site())
        for name, camera in cameras.items():
            addresses[name] = camera.url
            site.start(StreamSource(lambda name=name: resolve(name)), name)  # type: ignore[misc]
        wait_for(lambda: all(site.sealed(name) for name in names))

        stalled_at = datetime.now(UTC)
        cameras["stalls"].stall()
        cameras["is-cut"].cut()
        cameras["restarts"].stop()
        addresses["vanishes"] = ""
        cameras["vanishes"].cut()
        addresses["changes"] = second.url
        cameras["changes"].cut()
        cameras["grows"].switch(large)
        gone = names[:-1]
        wait_for(lambda: all(site.causes(name) for name in gone))
        wait_for(
            lambda: all(site.statuses(n)[-1] is CaptureStatus.NO_STREAM for n in ("restarts",))
        )
        wait_for(lambda: "source_entity_unavailable" in keys(site, "vanishes"))
        # What came before the fault is sealed by now.
        for name in gone:
            first = site.gaps(name)[0]
            before = [each for each in site.segments(name) if each.start_at < first.start_at]
            assert before[-1].end_at == first.start_at, name
            assert before[-1].digest, name
        cameras["stalls"].resume()
        cameras["restarts"].start()
        addresses["vanishes"] = cameras["vanishes"].url
        wait_for(lambda: all(site.of(GapEnded, name) for name in gone))
        wait_for(lambda: all(site.sealed(n)[-1].start_at > end_of(site, n) for n in gone))
        site.stop()

        assert site.causes("stalls")[:1] == [GapCause.STALLED]
        assert abs(site.gaps("stalls")[0].start_at - stalled_at) < timedelta(seconds=5)
        for name in ("is-cut", "restarts", "vanishes", "changes"):
            assert site.causes(name)[:1] == [GapCause.ENDED], name
        for name in gone:
            check_pieces(site, name, {"changes": [clip, other]}.get(name, [clip, clip]))
        assert [each.codec for each in site.of(StreamFound, "changes")] == ["h264", "hevc"]
        check_growth(site, "grows", clip, large)


def keys(site: CaptureSite, name: str) -> list[str]:
    return [each.error.key for each in site.of(StatusChanged, name) if each.error is not None]


def end_of(site: CaptureSite, name: str) -> datetime:
    return site.of(GapEnded, name)[0].gap.start_at


def check_pieces(site: CaptureSite, name: str, clips: list[Clip]) -> None:
    """Check the footage before and after the first gap, and that the gap lies between."""
    site.check(name)
    gap = site.gaps(name)[0]
    assert gap.end_at is not None
    found = site.segments(name)
    pieces = [
        [each for each in found if each.end_at <= gap.start_at],
        [each for each in found if each.start_at >= gap.end_at],
    ]
    assert sum(map(len, pieces)) == len(found), name
    assert pieces[1][0].start_at == gap.end_at, name
    for piece, clip in zip(pieces, clips, strict=True):
        kept = [unit for each in piece for unit in units(site.media(each))]
        assert run_of(kept, clip.units()) is not None, name


def check_growth(site: CaptureSite, name: str, small: Clip, large: Clip) -> None:
    """Check a change of the picture's size: another header, not a break."""
    site.check(name)
    found = site.segments(name)
    sizes = [watch(site.media(each)).sizes for each in found]
    assert all(len(each) == 1 for each in sizes)
    assert sorted(sizes, key=lambda each: next(iter(each))) == sizes
    assert sizes[0] == {(small.width, small.height)}
    assert sizes[-1] == {(large.width, large.height)}
    change = sizes.index(sizes[-1])
    assert joins(found) == [0.0] * (len(found) - 1)
    before = [unit for each in found[:change] for unit in units(site.media(each))]
    after = [unit for each in found[change:] for unit in units(site.media(each))]
    assert run_of(before, small.units()) is not None
    assert run_of(after, large.units()) == 0
    assert [(e.width, e.height) for e in site.of(StreamFound, name)] == [
        (small.width, small.height),
        (large.width, large.height),
    ]


class BlockingFiles(LocalFiles):
    """Storage that hangs at each sync while it is told to, as a share that went away."""

    def __init__(self) -> None:
        self.free = threading.Event()
        self.free.set()
        self.waiting = threading.Event()

    @override
    def create(self, path: Path) -> WritableFile:
        files = self
        file = super().create(path)

        class Blocking:
            def append(self, data: bytes) -> None:
                if not files.free.is_set():
                    files.waiting.set()
                    files.free.wait()
                file.append(data)

            def sync(self) -> None:
                file.sync()

            def close(self) -> None:
                file.close()

        return Blocking()


def test_a_stop_ends_each_thread_soon_whatever_it_is_doing() -> None:
    """While connecting, receiving, stalled, trickling, waiting for the next try."""
    with ExitStack() as stack:
        site = stack.enter_context(a_site())
        silent = stack.enter_context(SilentCamera())
        camera = stack.enter_context(RtspCamera(Clip()))
        hangs = stack.enter_context(RtspCamera(Clip()))
        line = stack.enter_context(ThrottledProxy(camera, None))
        dead = stack.enter_context(DeadCamera())
        workers = {
            "connecting": site.start(stream(silent.url), "connecting"),
            "asking": site.start(stream(silent.url.replace("rtsp", "http")), "asking"),
            "receiving": site.start(stream(camera.url), "receiving"),
            "stalled": site.start(stream(hangs.url), "stalled"),
            "trickling": site.start(stream(line.url), "trickling"),
            "waiting": site.start(stream(dead.url), "waiting"),
        }
        for name in ("receiving", "stalled", "trickling"):
            site.wait_for_status(CaptureStatus.RECORDING, name)
        wait_for(lambda: len(keys(site, "waiting")) > 0)
        hangs.stall()
        line.throttle(2000)
        took = stop(workers.values())
        assert took < STOPS_WITHIN
        assert [each.start_at for each in site.gaps("receiving")]
        assert all(not each.alive for each in workers.values())
        for name in workers:
            assert site.lasting(name) is not None
            assert site.statuses(name)[-1] is CaptureStatus.STOPPED
            site.check(name)


def stop(workers: object) -> float:
    """Ask all to end, wait for each and return how long that took."""
    began = time.monotonic()
    asked = list(workers)  # type: ignore[call-overload]
    for each in asked:
        each.request_stop(GapCause.SWITCHED_OFF)
    for each in asked:
        assert each.join(60)
    return time.monotonic() - began


def test_a_stop_does_not_wait_for_storage_that_hangs() -> None:
    """The thread cannot be freed from a write; who stops it can go on, and it ends after all."""
    files = BlockingFiles()
    with RtspCamera(Clip()) as camera, a_site(files=files) as site:
        worker: CaptureWorker = site.start(stream(camera.url))
        site.wait_for_status(CaptureStatus.RECORDING)
        files.free.clear()
        assert files.waiting.wait(60)
        worker.request_stop()
        assert not worker.join(0.2)
        files.free.set()
        assert worker.join(STOPS_WITHIN)
        site.check()
        assert run_of(site.units(), Clip().units()) is not None
        assert site.lasting() is GapCause.RESTART


def test_thirty_starts_and_stops_leave_nothing_behind() -> None:
    """No thread, no open file, no memory to speak of."""
    process = psutil.Process()
    clip = Clip(seconds=2, gop_seconds=0.2)
    with RtspCamera(clip, speed=5) as camera, a_site() as site:

        def turn() -> None:
            worker = site.start(stream(camera.url))
            seen = len(site.of(StreamFound))
            wait_for(lambda: len(site.of(StreamFound)) > seen, every=0.01)
            worker.request_stop()
            assert worker.join(60)
            site.workers.clear()

        for _ in range(5):
            turn()
        threads = threading.active_count()
        files = process.num_fds()
        memory = process.memory_info().rss
        for _ in range(25):
            turn()
        wait_for(lambda: camera.stats()["open"] == 0)
        assert threading.active_count() <= threads
        assert process.num_fds() <= files
        assert process.memory_info().rss - memory < 16 * 1024 * 1024
        site.check()


def test_the_tries_grow_further_apart_and_vary(monkeypatch: pytest.MonkeyPatch) -> None:
    """From one second to a minute, each with some play, so that many cameras do not fall in step."""
    assert source_module.OPEN_SECONDS <= 10
    waits: list[float] = []

    class Waiting(threading.Event):
        @override
        def wait(self, timeout: float | None = None) -> bool:
            assert timeout is not None
            waits.append(timeout)
            return len(waits) >= 60

    with a_site() as site:
        worker = site.worker(StreamSource(vanished))
        monkeypatch.setattr(worker, "_quit", Waiting())
        worker.start()
        assert worker.join(60)
    plain = [min(2.0**n, 60.0) for n in range(60)]
    assert all(0.8 * want <= wait <= 1.2 * want for want, wait in zip(plain, waits, strict=True))
    assert len(set(waits)) > 50
