"""The pictures of the guides: steps of forms, device pages, repairs, the manager's pages; two languages.

Run by `script/screenshots`, which keeps a demo of its own for it.
"""

import argparse
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir

from PIL import Image
from playwright.sync_api import Page, expect

from ..cameras import RtspCamera, wait_for
from ..cameras.pedestrians import pedestrians
from .browser import browser, log_in, picture, visit
from .client import Person, RefusedError
from .demo import SCENES, SITE, UTILIZATION, Demo, say
from .duties import adopt_rules, do, open_tasks
from .heat import example_heat_map
from .home import ADMINISTRATOR, MANAGER, RESIDENT, ROOT, Home, free_port
from .pages import ZONE, Pages
from .site import accept, add_generic, add_site, entities, look, wait_until_recording
from .utilization import (
    add_utilization,
    background,
    keep_photo,
    prepare,
    set_view,
    utilizations,
)
from .walk import INTEGRATION, Walker, text

IMAGES = ROOT / "docs" / "images"
_WIDTH, _HEIGHT = 1280, 900
_TALL = 1500
_HIGH = 1160
"""For what is longer than a screen."""
_A4 = (794, 1123)
_SMALL = 640
_COLOURS = 192
_LARGEST_BYTES = 200_000
_SOURCE = "media-source://camera_steward"
_LEAD = timedelta(days=14)
_VIDEO_SECONDS = 110
_UNTIL_KNOWN = 450
"""Pictures."""
_HEIGHTS = [
    {"foot": [0.5, 0.35], "head": [0.5, 0.25]},
    {"foot": [0.5, 0.9], "head": [0.5, 0.72]},
]
_ICONS = {
    "en": ("How busy it is", "Above the shop’s entrance; the pavement and the street before it"),
    "ja": ("店舗前の混雑", "店舗入口の上。入口前の歩道と車道"),
}
_PERMISSION = {
    "en": {
        "name": "Hanako Kumagaya",
        "reason": "To look with the owner for a bicycle that was taken",
    },
    "ja": {"name": "熊谷 花子", "reason": "自転車の盗難について、持ち主と確認するため"},
}
_REQUESTS = {
    "en": {
        "police": "Sample Police Station, criminal affairs",
        "expected": "A bicycle was taken; the police will send a written request",
        "investigation": "Investigation of a bicycle theft",
        "neighbour": "Jiro Kumagaya",
        "scratch": "A scratch on a car",
        "refusal": "A private request; preserved, and referred to the police",
    },
    "ja": {
        "police": "見本警察署 刑事課",
        "expected": "自転車の盗難について、警察から文書による要請がある見込みのため",
        "investigation": "自転車の盗難の捜査のため",
        "neighbour": "熊谷 次郎",
        "scratch": "車の傷の確認のため",
        "refusal": "個人からの求めのため。画像を保全し、警察への相談を案内した",
    },
}


def main() -> None:
    """Take all pictures, or those of some parts or one language."""
    parser = argparse.ArgumentParser(prog="script/screenshots", description=__doc__)
    parser.add_argument("--language", choices=sorted(SITE), action="append")
    parser.add_argument("--part", choices=_PARTS, action="append")
    parser.add_argument("--folder", type=Path, default=IMAGES)
    chosen = parser.parse_args()
    for language in chosen.language or sorted(SITE):
        with TemporaryDirectory() as temporary:
            for part in chosen.part or _PARTS:
                _PARTS[part](Path(temporary) / part, language, chosen.folder / language)
    for path in sorted(chosen.folder.rglob("*.png")):
        _shrink(path)
        say(f"{path.relative_to(chosen.folder)}: {path.stat().st_size // 1000} kB")


@contextmanager
def _seen_by(person: Person, home: Home, language: str) -> Iterator[Page]:
    with browser(language, width=_WIDTH, height=_HEIGHT) as page:
        log_in(page, home.base, person)
        yield page


def _forms(folder: Path, language: str, images: Path) -> None:
    """Walk the forms in an empty Home Assistant."""
    disk = Path(gettempdir()) / "disk"  # seen in the pictures
    (scene, *_), texts = SCENES, SCENES[0].texts[language]
    with (
        RtspCamera(scene.clip) as camera,
        Home(folder, {}, language=language) as home,
        _seen_by(ADMINISTRATOR, home, language) as page,
    ):
        add_generic(home, camera, scene.entity)

        def picture_of(flow: str) -> Callable[[str], None]:
            return lambda step: picture(page, images / f"{flow}-{step}.png")

        Walker(page, home.base, language, picture_of("site")).add_site(
            SITE[language], MANAGER.name, str(disk / "camera_steward")
        )
        walker = Walker(page, home.base, language, picture_of("camera"))
        walker.add_camera(texts, scene.entity)
        walker.seal_camera()
    shutil.rmtree(disk)


def _pages(folder: Path, language: str, images: Path) -> None:
    """Look at what the demo shows after some minutes."""
    with Demo(folder, free_port(), language=language) as demo:
        home = demo.home
        client = home.client()
        # Until footage has gone, so that the pages show it.
        wait_for(lambda: not any(path.exists() for path, _ in demo.going), 300, 0.5)
        devices = {
            identifier: each["id"]
            for each in client.ws("config/device_registry/list")
            for domain, identifier in each["identifiers"]
            if domain == "camera_steward"
        }
        _sidebar(demo, images)
        with _seen_by(ADMINISTRATOR, home, language) as page:
            device = "/config/devices/device"
            entities = f"/config/entities?config_entry={demo.site}"
            places = {
                "integration": (INTEGRATION, "ha-config-entry-row"),
                "device-site": (f"{device}/{devices[demo.site]}", "ha-config-device-page"),
                "device-camera": (
                    f"{device}/{devices[demo.cameras['Door camera']]}",
                    "ha-config-device-page",
                ),
                "entities": (entities, "ha-config-entities"),
            }
            for name, (path, element) in places.items():
                visit(page, f"{home.base}{path}", element)
                page.wait_for_timeout(3000)
                picture(page, images / f"{name}.png")
            _repair(demo, page, images)


def _sidebar(demo: Demo, images: Path) -> None:
    """Let some people look, one be refused and one be permitted, and show the manager's pages."""
    home, camera = demo.home, demo.cameras["Door camera"]
    with suppress(RefusedError):
        home.client(RESIDENT).ws("media_source/browse_media", media_content_id=_SOURCE)
    accept(home, demo.site, MANAGER, demo.language)
    look(home, demo.site, MANAGER, "inspection", camera)
    # A whole day of theirs: there is footage of each.
    day = datetime.now(ZONE).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=2)
    home.client(MANAGER).ws(
        "camera_steward/permit",
        entry_id=demo.site,
        user_id=home.user_id(RESIDENT),
        cameras=[camera],
        start=day.isoformat(),
        end=(day + timedelta(days=1)).isoformat(),
        **_PERMISSION[demo.language],
    )
    accept(home, demo.site, RESIDENT, demo.language)
    look(home, demo.site, RESIDENT, "incident_check", camera)
    # Ends what is being watched, so that the register says what it was.
    home.client().rest("POST", f"/api/config/config_entries/entry/{demo.site}/reload")
    wait_until_recording(home, demo.site, *demo.cameras.values())
    _hold_and_refuse(demo, camera, day)
    _do_some_duties(demo, camera)
    with _seen_by(MANAGER, home, demo.language) as page:
        _sign(page, demo, images)
        _hand_over(page, demo, images)
        for name, shown in (
            ("duties", "ul.cards .state"),
            ("tasks", "ul.cards h3"),
            ("papers", "ul.cards h3"),
            ("permissions", "ul.cards h4"),
            ("register", "tbody tr"),
            ("exposure", "ul.cards h3"),
            ("holds", "ul.cards dl"),
            ("disclosures", "tbody tr"),
        ):
            visit(page, f"{home.base}/camera-steward/{name}", f"camera-steward-panel {shown}")
            picture(page, images / f"sidebar-{name}.png")


def _do_some_duties(demo: Demo, camera: str) -> None:
    """Adopt the rules and do some of what is due, so that there is some of each state."""
    client, today = demo.home.client(MANAGER), datetime.now(ZONE).date()
    adopt_rules(client, demo.site, today)
    for kind in ("decide_scope", "post_sign", "approve_view"):
        do(client, demo.site, open_tasks(client, demo.site)[f"{kind}:camera:{camera}"], today)


def _sign(page: Page, demo: Demo, images: Path) -> None:
    """Look at the sign as it comes out of a printer."""
    options = {"languages": ["ja", "en", "zh", "ko"], "manager": True, "contact": True}
    asked = {"paper": "sign", "language": demo.language, "options": options | {"purpose": True}}
    made = demo.home.client(MANAGER).ws("camera_steward/paper", entry_id=demo.site, **asked)
    _on_paper(page, made["html"], images / "sign.png")


def _on_paper(page: Page, html: str, path: Path) -> None:
    with page.context.new_page() as paper:
        paper.set_viewport_size({"width": _A4[0], "height": _A4[1]})
        paper.set_content(html)
        picture(paper, path)


def _hold_and_refuse(demo: Demo, camera: str, day: datetime) -> None:
    """Preserve some hours for the police, and refuse a neighbour."""
    home, told = demo.home, _REQUESTS[demo.language]
    client = home.client(MANAGER)
    made = client.ws(
        "camera_steward/hold",
        entry_id=demo.site,
        cameras=[camera],
        start=day.isoformat(),
        end=(day + timedelta(hours=10)).isoformat(),
        reason=told["expected"],
        requested_by=told["police"],
        days=30,
    )
    client.ws(
        "camera_steward/refuse_request",
        entry_id=demo.site,
        kind="private",
        recipient=told["neighbour"],
        reason=told["scratch"],
        refusal=told["refusal"],
    )

    def kept() -> bool:
        found = client.ws("camera_steward/holds", entry_id=demo.site)
        return ("kept", made["hold"]) in {(each["state"], each["hold"]) for each in found}

    wait_for(kept, 120, 0.5)


def _hand_over(page: Page, demo: Demo, images: Path) -> None:
    """Hand over what is preserved, up to the printed record."""
    told = _REQUESTS[demo.language]
    pages = Pages(page, demo.home.base, demo.language)
    page.set_viewport_size({"width": _WIDTH, "height": _TALL})
    pages.open("holds")
    pages.press("hold_hand_over")
    pages.ask("authority_written", told["police"], told["investigation"])
    pages.identify()
    page.locator("camera-steward-panel h2:visible").click()  # no field has the cursor
    picture(page, images / "sidebar-handover.png")
    pages.press("handover_next")
    pages.press("handover_approve")
    pages.panel.locator("code.secret").wait_for()
    page.set_viewport_size({"width": _WIDTH, "height": _HEIGHT})
    picture(page, images / "sidebar-approved.png")
    with page.expect_download() as download:
        pages.panel.locator("a[download]").click()
    number = download.value.suggested_filename.removeprefix("camera-steward-").removesuffix(".zip")
    page.set_viewport_size({"width": _WIDTH, "height": _TALL})
    record = pages.text(f"record_of_{demo.language}", number=number)
    pages.panel.get_by_role("button", name=record).click()
    pages.panel.frame_locator("dialog iframe").locator("h1").wait_for()
    picture(page, images / "sidebar-record.png")
    page.set_viewport_size({"width": _WIDTH, "height": _HEIGHT})
    pages.press("record_close")


def _utilizations(folder: Path, language: str, images: Path) -> None:
    """Look at two utilizations of a street: waiting, and once they run."""
    folder.mkdir()
    images.mkdir(parents=True, exist_ok=True)
    (images / "utilization-heat-map.png").write_bytes(example_heat_map(language))
    with (
        RtspCamera(pedestrians(_VIDEO_SECONDS)) as camera,
        Home(folder, {}, language=language) as home,
    ):
        site = add_site(home, folder / "footage", texts=SITE[language])
        accept(home, site, MANAGER, language)
        texts, (icons_name, place) = UTILIZATION[language], _ICONS[language]
        address = {"stream_address": camera.url}

        def on_step(step: str) -> None:
            if step == "user":
                picture(page, images / "utilization-form.png")

        with _seen_by(ADMINISTRATOR, home, language) as page:
            page.set_viewport_size({"width": _WIDTH, "height": _TALL})
            walker = Walker(page, home.base, language, on_step)
            walker.add_utilization(texts, "counting", address=address)
        (counting,) = wait_for(lambda: utilizations(home.client(MANAGER), site))
        icons = add_utilization(
            home,
            site,
            icons_name,
            "icons",
            source=address,
            start_on=datetime.now(ZONE).date() + _LEAD,
            more={"use": {"place": place}},
        )
        with _seen_by(MANAGER, home, language) as page:
            # One has its notices already, and waits for time alone.
            prepare(home.client(MANAGER), site, datetime.now(ZONE).date(), counting)
            _see_utilizations(page, home, images / "utilization-waiting.png")
            _poster(page, home, site, counting, language, images)
        prepare(home.client(MANAGER), site, datetime.now(ZONE).date())

        home.stop()
        home.ahead = _LEAD + timedelta(days=1)
        home.start()
        client = home.client(MANAGER)

        # Until nobody is left in the place as it is known: some of them stood still at first.
        def known() -> bool:
            rows = utilizations(client, site).values()
            return all(each["frames_taken"] > _UNTIL_KNOWN for each in rows)

        wait_for(known, 900, 5)
        with _seen_by(MANAGER, home, language) as page:
            _draw(page, home, texts["name"], language, images)
            empty = background(client, site, icons)
            assert empty is not None
            photo = keep_photo(client, site, empty, "image/png")
            task = f"approve_background:utilization:{icons}"
            approved = {"nobody": True, "photo": photo}
            client.ws("camera_steward/task_done", entry_id=site, task=task, answers=approved)
            set_view(client, site, icons, {"persons": _HEIGHTS, "capacity": 6, "background": photo})
            _see_icons(home, site, icons, images)
            _see_utilizations(page, home, images / "utilization-running.png")


def _see_utilizations(page: Page, home: Home, path: Path) -> None:
    visit(page, f"{home.base}/camera-steward/utilizations", "camera-steward-panel ul.cards h3")
    page.set_viewport_size({"width": _WIDTH, "height": _HIGH})
    picture(page, path)


def _draw(page: Page, home: Home, name: str, language: str, images: Path) -> None:
    """Set a line and two heights on the place without people."""
    pages = Pages(page, home.base, language)
    page.set_viewport_size({"width": _WIDTH, "height": _HIGH})
    pages.open("utilizations")
    pages.press_of("utilization_view", name)
    pages.press("view_under_place")
    pages.panel.locator(".stage img").wait_for()
    for button, places in (
        ("view_add_line", ((0.36, 0.97), (0.55, 0.33))),
        ("view_persons_set", ((0.2, 0.9), (0.2, 0.72), (0.76, 0.36), (0.76, 0.26))),
    ):
        points = pages.panel.locator(".stage .point")
        before = points.count()
        pages.press(button)
        for number, place in enumerate(places, before):
            pages.drag(points.nth(number), *place)
    pages.panel.locator("h2:visible").click()  # no field has the cursor
    picture(page, images / "utilization-view.png")
    pages.press("view_save")
    expect(pages.panel).to_contain_text(pages.text("view_saved"))


def _see_icons(home: Home, site: str, icons: str, images: Path) -> None:
    """Keep the icon view as a dashboard shows it, with somebody in it."""
    client = home.client(RESIDENT)
    found = entities(home.client(), site)
    wait_for(lambda: client.state(found[icons, "crowd"])["state"] in ("some", "busy"), 120, 1)
    content = client.rest("GET", f"/api/image_proxy/{found[icons, 'icons']}")
    with Image.open(BytesIO(content)) as image:
        image.thumbnail((_SMALL, _SMALL))
        image.save(images / "utilization-icons.png")


def _poster(page: Page, home: Home, site: str, about: str, language: str, images: Path) -> None:
    """Look at the notice on the spot as it comes out of a printer."""
    made = home.client(MANAGER).ws(
        "camera_steward/paper",
        entry_id=site,
        paper="site_notice",
        subject=about,
        language=language,
        options={"size": "a4"},
    )
    _on_paper(page, made["html"], images / "utilization-poster.png")


def _repair(demo: Demo, page: Page, images: Path) -> None:
    """Take the vault away, as when a disk is pulled out."""
    home, vault = demo.home, demo.folder / "footage"
    away = vault.with_name("away")
    vault.rename(away)
    client = home.client()
    client.rest("POST", f"/api/config/config_entries/entry/{demo.site}/reload")
    wait_for(lambda: client.ws("repairs/list_issues")["issues"])
    visit(page, f"{home.base}/config/repairs", "ha-config-repairs-dashboard")
    page.wait_for_timeout(3000)
    picture(page, images / "repairs.png")
    title = text(demo.language, "issues.vault_missing.title")
    page.get_by_text(title.format(site=SITE[demo.language]["installer"])).click()
    page.wait_for_timeout(2000)
    picture(page, images / "repair-vault-missing.png")
    away.rename(vault)


def _shrink(path: Path) -> None:
    """Make a picture of a page small enough to keep: few colours will do."""
    with Image.open(path) as image:
        few = image.convert("RGB").quantize(_COLOURS, dither=Image.Dither.NONE)
    few.save(path, optimize=True)
    assert path.stat().st_size < _LARGEST_BYTES, path


_PARTS: Mapping[str, Callable[[Path, str, Path], None]] = {
    "forms": _forms,
    "pages": _pages,
    "utilizations": _utilizations,
}


if __name__ == "__main__":
    main()
