"""The demo: a real Home Assistant with Camera Steward, virtual cameras, and footage of past days.

Run by `script/demo`. Its state is kept in `.demo/` and used again by the next start.
"""

import argparse
import contextlib
import fcntl
import json
import shutil
import signal
import socket
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

from ..cameras import Clip, RtspCamera
from .books import Books
from .client import RefusedError
from .home import PEOPLE, ROOT, Home
from .past import record_past
from .site import add_camera, add_site, wait_until_recording

FOLDER = ROOT / ".demo"
_LIMIT = timedelta(days=7)
_GOING = (timedelta(seconds=75), timedelta(seconds=100))
"""When footage written at a start reaches its limit, from its writing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A camera of the demo: its footage, and its texts by language."""

    entity: str
    clip: Clip
    limit: timedelta
    texts: Mapping[str, Mapping[str, str]]


SITE = {
    "en": {
        "installer": "Sample Shop",
        "contact": "000-0000-0000",
        "purpose": "Preventing theft in the shop and the car park",
        "manager_name": "Manager",
    },
    "ja": {
        "installer": "見本商店",
        "contact": "000-0000-0000",
        "purpose": "店舗と駐車場における盗難の防止",
        "manager_name": "運用 責任者",
    },
}
SCENES = (
    Scene(
        entity="Door camera",
        clip=Clip(width=1280, height=720, seconds=20, gop_seconds=2, bitrate_kbps=900),
        limit=_LIMIT,
        texts={
            "en": {
                "name": "Entrance",
                "place": "Above the till",
                "purpose": "Preventing theft",
                "direction": "From the till toward the door",
                "field_of_view": "The door and the aisle before it. The street is not seen.",
            },
            "ja": {
                "name": "出入口",
                "place": "レジの上",
                "purpose": "盗難の防止",
                "direction": "レジから出入口に向けて",
                "field_of_view": "出入口とその手前の通路。道路は映らない。",
            },
        },
    ),
    Scene(
        entity="Yard camera",
        clip=Clip(video="h265", width=640, height=360, seconds=20, gop_seconds=2),
        limit=timedelta(days=3),
        texts={
            "en": {
                "name": "Car park",
                "place": "South wall, 3 m up",
                "purpose": "Preventing theft from cars",
                "direction": "From the south wall toward the barrier",
                "field_of_view": "Six parking spaces. The neighbour’s windows are masked.",
            },
            "ja": {
                "name": "駐車場",
                "place": "南側の壁、高さ 3 m",
                "purpose": "車上荒らしの防止",
                "direction": "南側の壁から出入口に向けて",
                "field_of_view": "駐車 6 台分。隣家の窓はマスクしてある。",
            },
        },
    ),
)
UTILIZATION = {
    "en": {
        "name": "Passers-by",
        "purpose": "Pictures of the street. To count how many people pass, by direction, so that we "
        "know when to open and how many of us are needed.",
        "benefit": "Opening hours and staff that fit those who come",
        "place": "Above the shop’s entrance; the pavement and the street before it",
    },
    "ja": {
        "name": "前面道路の通行量",
        "purpose": "店舗前の道路の画像を用い、通行する人数を方向別に計測します。営業時間と人員配置の検討に使います。",
        "benefit": "来店しやすい営業時間の設定と、混雑の緩和",
        "place": "店舗入口の上。入口前の歩道と車道",
    },
}
"""What a utilization is said to be for, by language."""


class Demo:
    """The demo in a folder; a context manager that leaves nothing running."""

    def __init__(self, folder: Path, port: int, *, language: str = "en") -> None:
        """Prepare; nothing runs yet."""
        self.folder = folder
        self.language = language
        self._cameras = [RtspCamera(scene.clip) for scene in SCENES]
        self.home = Home(folder / "home", {}, port=port, language=language)
        self.site = ""
        self.cameras: dict[str, str] = {}
        self.going: list[tuple[Path, datetime]] = []
        self.was_off = timedelta()

    def __enter__(self) -> Self:
        """Start cameras and Home Assistant; set the site up if the folder has none yet."""
        try:
            self._start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Stop everything."""
        self.close()

    def close(self) -> None:
        """Leave nothing running."""
        try:
            self.home.close()
        finally:
            for camera in self._cameras:
                camera.close()

    def _start(self) -> None:
        for camera, scene in zip(self._cameras, SCENES, strict=True):
            camera.start()
            self.home.cameras[scene.entity] = camera.url
        noted = self.folder / "site.json"
        if not noted.exists():
            for name in ("home", "footage"):  # of a set-up that was broken off
                shutil.rmtree(self.folder / name, ignore_errors=True)
            self._set_up()
            noted.write_text(json.dumps({"site": self.site, "cameras": self.cameras}))
            new = True
        else:
            found = json.loads(noted.read_text())
            self.site, self.cameras = found["site"], found["cameras"]
            new = False
        with Books.open(self.home, self.site) as books:
            self._record_past(books, new=new)
        say("Starting Home Assistant")
        self.home.start()
        wait_until_recording(self.home, self.site, *self.cameras.values())

    def _set_up(self) -> None:
        say("Starting Home Assistant for the first time")
        self.home.start()
        say("Setting the site up by its forms, as an administrator would")
        self.site = add_site(self.home, self.folder / "footage", texts=SITE[self.language])
        for scene in SCENES:
            texts = scene.texts[self.language]
            say(f"Adding the camera {texts['name']}, with the test that receives it")
            self.cameras[scene.entity] = add_camera(
                self.home,
                self.site,
                f"camera.{scene.entity.lower().replace(' ', '_')}",
                texts["name"],
                hours=int(scene.limit.total_seconds() // 3600),
                texts=texts,
            )
        wait_until_recording(self.home, self.site, *self.cameras.values())
        self.home.stop()

    def _record_past(self, books: Books, *, new: bool) -> None:
        if new:
            say("Recording footage of past days with the clock set back")
        newest = max(
            (each.end_at for id_ in self.cameras.values() for each in books.segments(id_)),
            default=datetime.now(UTC),
        )
        self.was_off = datetime.now(UTC) - newest
        for scene in SCENES:
            camera, clip = self.cameras[scene.entity], scene.clip.path()
            if new:
                record_past(books, camera, clip, _scattered(datetime.now(UTC), scene.limit))
            starts = [datetime.now(UTC) - scene.limit + after for after in _GOING]
            record_past(books, camera, clip, starts)
            for each in books.segments(camera):
                if each.start_at in starts:
                    self.going.append((books.vault.path_of(each), each.start_at + scene.limit))


def _scattered(now: datetime, limit: timedelta) -> Iterator[datetime]:
    """Yield some times of each day, none in the hour of what goes first (its key goes with it)."""
    at = now - limit + timedelta(hours=4)
    while at < now - timedelta(hours=3):
        yield at
        yield at + timedelta(seconds=30)
        at += timedelta(hours=9)


# ---------------------------------------------------------------------- on the console


def say(text: str) -> None:
    """Tell whoever started the demo."""
    print(f"demo: {text}", flush=True)


def main() -> int:
    """Run until interrupted."""
    parser = argparse.ArgumentParser(prog="script/demo", description=__doc__)
    parser.add_argument("--port", type=int, default=8123)
    parser.add_argument("--fresh", action="store_true", help="forget the last demo's state")
    parser.add_argument("--language", choices=sorted(SITE), default="en")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where its state is (.demo)")
    chosen = parser.parse_args()
    folder: Path = chosen.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock, contextlib.suppress(KeyboardInterrupt):
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"a demo runs in {folder} already")
            return 1
        if _taken(chosen.port):
            say(f"port {chosen.port} is in use; choose another with --port")
            return 1
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        if chosen.fresh:
            for name in ("home", "footage"):
                shutil.rmtree(folder / name, ignore_errors=True)
            (folder / "site.json").unlink(missing_ok=True)
        demo = Demo(folder, chosen.port, language=chosen.language)
        try:
            with demo:
                _introduce(demo)
                _watch(demo)
        finally:
            say("Nothing is left running. The next start goes on from here; --fresh begins anew.")
    return 0


def _introduce(demo: Demo) -> None:
    lines = [
        "",
        f"Home Assistant is at {demo.home.base}/",
        "",
        *(f"  {each.user:<14} {each.password:<20} {_role(each.user)}" for each in PEOPLE),
        "",
        "Look at:",
        f"  {demo.home.base}/config/integrations/integration/camera_steward",
        "  as administrator: the site and its cameras, their devices and what they keep;",
        "  add another camera there, with the test that receives it.",
        f"  {demo.folder / 'footage'}",
        "  the vault: encrypted segments by camera, day and hour.",
        "",
        "Cameras record now. Footage was written back-dated, which reaches its limit soon:",
        *(f"  {_clock(due_at)}  {path.name}" for path, due_at in demo.going),
    ]
    if demo.was_off > timedelta(minutes=5):
        lines += [
            "The demo was off for a while: Camera Steward watches the clock for ten minutes before",
            "it erases anything, so this footage goes then.",
        ]
    print("\n".join([*lines, "", "Ctrl-C ends the demo.", ""]), flush=True)


def _watch(demo: Demo) -> None:
    """Tell when footage goes, until interrupted."""
    left = list(demo.going)
    told = {path for path, _ in left}
    while True:
        for path, due_at in list(left):
            if not path.exists():
                left.remove((path, due_at))
                say(f"{_clock(datetime.now(UTC))} gone from the disk: {path.name}")
        if told and not left:
            with contextlib.suppress(RefusedError):
                kept = demo.home.client().ask("camera_steward", "footage_summary")
                counts = ", ".join(
                    f"{each['camera']}: {each['kept']['segments']}" for each in kept["cameras"]
                )
                say(f"segments kept now: {counts}")
                told.clear()
        process = demo.home.process
        if process is None or process.poll() is not None:
            say(f"Home Assistant ended; see {demo.home.output}")
            return
        time.sleep(0.5)


def _role(user: str) -> str:
    return {
        "manager": "operations manager: answers for the operation, purges, confirms the clock",
        "operator": "may be given duties by the manager",
        "resident": "someone who lives there: sees states, changes nothing",
        "administrator": "looks after Home Assistant: sets sites and cameras up",
    }[user]


def _clock(moment: datetime) -> str:
    return moment.astimezone().strftime("%H:%M:%S")


def _taken(port: int) -> bool:
    with socket.socket() as attempt:
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            attempt.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


if __name__ == "__main__":
    sys.exit(main())
