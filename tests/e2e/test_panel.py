"""The pages in the sidebar, in a real browser: a permission is given, used, ended, and on record."""

import csv
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from custom_components.camera_steward.core.ledger.entry import EntryKind, Json
from custom_components.camera_steward.core.ledger.fields import Span
from custom_components.camera_steward.core.ledger.viewings import Viewing, ended_data, unusual_data
from custom_components.camera_steward.core.model import Action
from custom_components.camera_steward.core.vault.kit import key_from
from tests.cameras import RtspCamera, wait_for
from tests.homes import (
    ADMINISTRATOR,
    MANAGER,
    OPERATOR,
    RESIDENT,
    Books,
    Home,
    RefusedError,
    accept,
    add_camera,
    add_operator,
    add_site,
    record_past,
)
from tests.homes.browser import browser, log_in, open_media, picture
from tests.homes.demo import SCENES, SITE
from tests.homes.pages import Pages
from tests.homes.walk import text

_ZONE = ZoneInfo("Asia/Tokyo")
_NAME = "出入口"
_GUEST = "熊谷 花子"
_REASON = "自転車の盗難について、持ち主と確認するため"
_HALF = "途中まで"
_MARKUP = "<img src=x onerror=\"document.title='broken'\"><b>x</b>"
_CLIPS = 6
_GONE = "行田 次郎"
_MANY, _DRAWN = 620, 500


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stage:
    home: Home
    site: str
    camera: str
    start: datetime
    long_ago: datetime


@pytest.fixture(scope="module")
def stage(make_home: Callable[[dict[str, str]], Home]) -> Iterator[_Stage]:
    """Give a site with two minutes of footage, and a day long ago on which much was watched."""
    clip = SCENES[0].clip
    with RtspCamera(clip) as source:
        home = make_home({"Door": source.url})
        home.start()
        # Where backups take it along.
        site = add_site(
            home, home.config / "footage", texts=SITE["ja"] | {"manager_name": "見本 太郎"}
        )
        camera = add_camera(home, site, "camera.door", _NAME)
        home.stop()
        hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=30)
        start, long_ago = hour + timedelta(minutes=5), hour - timedelta(days=20)
        with Books.open(home, site) as books:
            starts = [start + number * timedelta(seconds=clip.seconds) for number in range(_CLIPS)]
            assert record_past(books, camera, clip.path(), starts) >= _CLIPS
            _enter_past(books, camera, start, long_ago)
        home.start()
        yield _Stage(home=home, site=site, camera=camera, start=start, long_ago=long_ago)


def _enter(
    books: Books,
    viewing: Viewing,
    watched: tuple[Span, ...] | None = None,
    unusual: tuple[str, ...] = (),
) -> None:
    """Enter a look, or a refused try, of the past."""
    started = (viewing.to_data(), viewing.at, EntryKind.VIEWING_STARTED)
    entries: list[tuple[dict[str, Json], datetime, EntryKind]] = [started]
    if viewing.refusal is not None:
        entries = [(viewing.to_data(), viewing.at, EntryKind.VIEWING_DENIED)]
    if unusual:
        data = unusual_data(viewing.id, viewing.user or "", unusual)
        entries.append((data, viewing.at, EntryKind.VIEWING_UNUSUAL))
    if watched is not None:
        data = ended_data(viewing.id, watched, "left")
        entries.append((data, viewing.at + timedelta(minutes=10), EntryKind.VIEWING_ENDED))
    for data, at, kind in entries:
        books.ledger.append(
            kind, actor=viewing.name or "", subject=viewing.camera or "", data=data, at=at
        )


def _look(camera: str, at: datetime, number: int) -> Viewing:
    return Viewing(
        id=f"{number:016x}",
        at=at,
        user="someone-gone",
        name=_GONE,
        kind=Action.PLAYBACK,
        camera=camera,
        purpose="inspection",
        client="192.0.2.7",
        role="operator",
    )


def _enter_past(books: Books, camera: str, start: datetime, long_ago: datetime) -> None:
    """Enter some looks of the last days, and very many of a day long ago."""
    minute = timedelta(minutes=1)
    spans = tuple((start + n * minute, start + n * minute + minute / 2) for n in range(5))
    for number, (days, watched, unusual) in enumerate(
        [(3, spans, ("night",)), (2, spans[:1], ()), (2, spans[:2], ("bulk",))]
    ):
        at = start - days * timedelta(days=1) + number * minute
        _enter(books, _look(camera, at, number), watched, unusual)
    refused = replace(_look("camera", start, 9), refusal="not_appointed", camera=None, role=None)
    _enter(books, refused)
    for number in range(_MANY):
        _enter(books, _look(camera, long_ago + number * timedelta(seconds=1), 100 + number))


class _Pages(Pages):
    """The pages of this stage, with the form of a permission."""

    def __init__(self, page: Page, stage: _Stage, language: str) -> None:
        super().__init__(page, stage.home.base, language)

    def fill(self, login: str, name: str, reason: str, stage: _Stage) -> None:
        self.labelled("permit_user").select_option(label=login)
        self.labelled("permit_name").fill(name)
        local = stage.start.astimezone(_ZONE)
        for key, at in (("permit_start", local), ("permit_end", local + timedelta(minutes=1))):
            self.labelled(key).fill(at.strftime("%Y-%m-%dT%H:%M"))
        self.labelled("permission_reason").fill(reason)


def test_a_permission_is_given_used_and_ended_and_all_of_it_is_on_record(
    stage: _Stage, pictures: Path
) -> None:
    with browser("ja") as page:
        log_in(page, stage.home.base, MANAGER)
        _gives(_Pages(page, stage, "ja"), stage, pictures)
    with browser("en") as page:
        log_in(page, stage.home.base, RESIDENT)
        pages = _Pages(page, stage, "en")
        expect(pages.panel.get_by_role("link")).to_have_count(0)
        expect(pages.panel).to_contain_text(_REASON)
        expect(pages.panel).to_contain_text(stage.start.astimezone(_ZONE).strftime("%H:%M"))
        pages.pictures(pictures, "guest")
        pages.pledge()
        _watches(page, stage)
    with browser("ja") as page:
        log_in(page, stage.home.base, MANAGER)
        pages = _Pages(page, stage, "ja")
        _ends(pages, stage, pictures)
        _reads_the_register(pages, stage, pictures)
        pages.open("permissions")
        expect(pages.labelled("permission_reason")).to_have_value(_HALF)
    with browser("en") as page:
        log_in(page, stage.home.base, MANAGER)
        pages = _Pages(page, stage, "en")
        pages.pictures(pictures, "own")
        pages.open("permissions")
        pages.pictures(pictures, "form")
        pages.open("register")
        expect(pages.panel.get_by_role("row", name=_GUEST).first).to_be_visible()
        pages.pictures(pictures, "register")


def _gives(pages: _Pages, stage: _Stage, pictures: Path) -> None:
    """Pledge, which the manager's pages come with, and give permissions."""
    expect(pages.panel.get_by_role("link")).to_have_count(0)
    pages.pledge()
    pages.open("permissions")
    expect(pages.panel).to_contain_text(pages.text("permissions_none"))
    _is_told_what_is_missing(pages, pictures)
    pages.fill(RESIDENT.name, _GUEST, _REASON, stage)
    expect(pages.panel.locator("[aria-invalid=true]")).to_have_count(0)
    pages.press("permit_give")
    card = pages.card(_GUEST)
    for said in (_NAME, _REASON, pages.text("permission_unused")):
        expect(card).to_contain_text(said)
    expect(pages.labelled("permit_name")).to_have_value("")
    pages.pictures(pictures, "given")
    _markup_is_only_text(pages, stage)


def _ends(pages: _Pages, stage: _Stage, pictures: Path) -> None:
    """See the use, end it while the next is being typed, and hold the guest to it."""
    pages.open("permissions")
    expect(pages.card(_GUEST)).to_contain_text(pages.text("kind_playback"))
    pages.pictures(pictures, "permissions")
    pages.labelled("permission_reason").fill(_HALF)
    pages.press("permission_end_of", name=_GUEST)
    expect(pages.panel).to_contain_text(pages.text("permission_ended", name=_GUEST))
    expect(pages.card(_GUEST)).to_have_count(0)
    expect(pages.labelled("permission_reason")).to_have_value(_HALF)
    with pytest.raises(RefusedError):
        stage.home.client(RESIDENT).ws(
            "media_source/browse_media", media_content_id="media-source://camera_steward"
        )


def _is_told_what_is_missing(pages: _Pages, pictures: Path) -> None:
    """Send the form with nothing but a reason: each field says what it lacks, the reason stays."""
    pages.labelled("permission_reason").fill(_REASON)
    pages.labelled("permit_end").fill("2000-01-01T00:00")
    pages.press("permit_give")
    for key in ("user", "name", "end"):
        expect(pages.panel).to_contain_text(pages.text(f"permit_needs_{key}"))
    for key in ("permit_user", "permit_name", "permit_end"):
        expect(pages.labelled(key)).to_have_attribute("aria-invalid", "true")
    expect(pages.labelled("permit_user")).to_be_focused()
    expect(pages.labelled("permission_reason")).to_have_value(_REASON)
    pages.pictures(pictures, "missing")


def _markup_is_only_text(pages: _Pages, stage: _Stage) -> None:
    """Give and end a permission in whose name and reason someone has typed markup."""
    pages.fill(OPERATOR.name, _MARKUP, _MARKUP, stage)
    pages.press("permit_give")
    card = pages.card(_MARKUP)
    expect(card).to_contain_text(_MARKUP)
    expect(pages.panel.locator("img, b")).to_have_count(0)
    card.get_by_role("button").click()
    expect(card).to_have_count(0)
    assert pages.page.title() != "broken"


def _watches(page: Page, stage: _Stage) -> None:
    """Watch, as a guest, the minute that was permitted; there is no other."""
    local = stage.start.astimezone(_ZONE)
    hour = local.strftime("%H:00–")
    purpose = text("en", "common.purpose_incident_check")
    day = local.strftime("%Y-%m-%d")
    open_media(page, stage.home.base, "Camera Steward", purpose, _NAME, day, hour)
    clips = page.locator("ha-media-player-browse .child")
    expect(clips.filter(has_text=local.strftime("%H:%M:%S"))).to_have_count(1)
    later = (stage.start + timedelta(seconds=80)).astimezone(_ZONE)
    expect(clips.filter(has_text=later.strftime("%H:%M:%S"))).to_have_count(0)
    page.get_by_role("button", name="Play").first.click()
    video = page.locator("ha-hls-player video")
    video.wait_for()
    page.wait_for_function(
        "video => video.currentTime > 2", arg=video.element_handle(), timeout=90_000
    )


def _reads_the_register(pages: _Pages, stage: _Stage, pictures: Path) -> None:
    pages.open("register")
    rows = pages.panel.locator("tbody tr")
    used = rows.filter(has_text=_GUEST).filter(has_text=pages.text("kind_playback"))
    for said in (pages.text("role_guest"), pages.text("purpose_incident_check"), _NAME):
        expect(used).to_contain_text(said)
    expect(rows.filter(has_text=_GUEST).filter(has_text=pages.text("unusual_first"))).to_have_count(
        1
    )
    _shows_what_was_watched(rows.filter(has_text=_GONE), pages, stage)
    refused = rows.filter(has_text=pages.text("refusal_ended"))
    expect(refused).to_contain_text(_GUEST)
    expect(refused).to_have_class("denied")
    pages.pictures(pictures, "register")
    _prints(pages, pictures)

    # One person's: by their login, whatever they are called.
    pages.labelled("register_name").select_option(label=_GUEST)
    pages.press("register_show")
    expect(rows.filter(has_not_text=_GUEST)).to_have_count(0)
    found = _table(pages)
    assert {each[1] for each in found[1:]} == {_GUEST}
    assert len(found) - 1 == rows.count()
    # With others, where the test itself runs at night.
    assert any(pages.text("unusual_first") in cell for each in found for cell in each)

    # Nothing: in words, and nothing to print.
    pages.labelled("register_name").select_option("")
    for key, day in (("register_from", "2001-02-03"), ("register_to", "2001-02-04")):
        pages.labelled(key).fill(day)
    pages.press("register_show")
    expect(pages.panel.get_by_role("status")).to_contain_text("2001年2月3日")
    expect(rows).to_have_count(0)
    expect(pages.panel.get_by_role("button", name=pages.text("register_csv"))).to_be_hidden()

    # More than is drawn: the table of all is to be had nevertheless.
    day = stage.long_ago.astimezone(_ZONE).strftime("%Y-%m-%d")
    for key in ("register_from", "register_to"):
        pages.labelled(key).fill(day)
    pages.press("register_show")
    expect(rows).to_have_count(_DRAWN)
    newest = pages.text("register_newest", count=str(_MANY), shown=str(_DRAWN))
    expect(pages.panel.get_by_role("status")).to_have_text(newest)
    assert len(_table(pages)) == _MANY + 1


def _shows_what_was_watched(rows: Locator, pages: _Pages, stage: _Stage) -> None:
    """From when to when, in the home's own time; as a whole where it was many parts."""
    local = stage.start.astimezone(_ZONE)
    one, two = (f"{local + timedelta(seconds=each):%H:%M:%S}" for each in (0, 30))
    expect(rows.filter(has_text=f"{one}～{two}")).to_have_count(2)
    last = f"{local + timedelta(seconds=270):%H:%M:%S}"
    many = pages.text("register_parts", span=f"{one}～{last}", count="5")
    expect(rows.filter(has_text=many)).to_contain_text(pages.text("unusual_night"))


def _table(pages: _Pages) -> list[list[str]]:
    """Download the table and read it."""
    with pages.page.expect_download() as download:
        pages.press("register_csv")
    name = download.value.suggested_filename
    assert name.startswith(SITE["ja"]["installer"])
    assert name.endswith(".csv")
    found = download.value.path().read_text(encoding="utf-8-sig")
    return list(csv.reader(StringIO(found)))


def _prints(pages: _Pages, pictures: Path) -> None:
    """On paper there is the table under its title, and nothing of the page around it."""
    page = pages.page
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    paper = page.locator("#camera-steward-paper")
    expect(paper).to_be_visible()
    expect(paper.locator("h1")).to_contain_text(SITE["ja"]["installer"])
    expect(paper.locator("tbody tr").filter(has_text=_GUEST).first).to_be_visible()
    expect(page.locator("home-assistant")).to_be_hidden()
    picture(page, pictures / "panel" / "paper.png")
    page.emulate_media(media="screen")
    # The browser itself tells when it is done.
    assert page.pdf().startswith(b"%PDF")
    expect(paper).to_have_count(0)


def test_what_is_typed_outlasts_a_restart_of_home_assistant(stage: _Stage) -> None:
    home = stage.home
    accept(home, stage.site, MANAGER)
    with browser("en") as page:
        log_in(page, home.base, MANAGER)
        pages = _Pages(page, stage, "en")
        pages.open("permissions")
        pages.fill(RESIDENT.name, _GUEST, _REASON, stage)
        home.stop()
        pages.press("permit_give")
        lost = pages.panel.locator("form [role=alert]")
        expect(lost).to_have_text(pages.text("panel_no_connection"))
        home.start()
        page.wait_for_function("document.querySelector('home-assistant').hass.connected")
        # And a look elsewhere, as to find out when it was.
        sidebar = page.locator("ha-sidebar")
        sidebar.get_by_text("Media", exact=True).click()
        expect(pages.panel).to_have_count(0)
        sidebar.get_by_text("Camera Steward", exact=True).click()
        pages.open("permissions")
        expect(pages.labelled("permission_reason")).to_have_value(_REASON)
        pages.press("permit_give")
        expect(pages.card(_GUEST)).to_contain_text(_REASON)
        expect(lost).to_be_empty()


def test_nothing_of_one_person_is_left_for_the_next(stage: _Stage) -> None:
    """Another user in the same page, as Home Assistant sets it: what was on it is gone."""
    home = stage.home
    accept(home, stage.site, MANAGER)
    for person in (ADMINISTRATOR, RESIDENT):
        with pytest.raises(RefusedError):
            home.client(person).ws("camera_steward/permissions", entry_id=stage.site)
    with browser("en") as page:
        log_in(page, home.base, MANAGER)
        pages = _Pages(page, stage, "en")
        pages.open("register")
        pages.labelled("register_from").fill("2001-02-03")
        expect(pages.panel.locator("tbody tr").first).to_be_visible()
        shown = pages.panel.evaluate(
            """panel => {
                const hass = panel._hass;
                panel.hass = { ...hass, user: { ...hass.user, id: "another" },
                               callWS: () => new Promise(() => {}) };
                const shown = panel.shadowRoot.querySelector("main").childElementCount;
                panel._turn = null;  // the other's answer never comes
                panel.hass = hass;
                return shown;
            }"""
        )
        assert shown == 0
        # The first one's again: begun anew, too.
        expect(pages.panel.locator("tbody tr").first).to_be_visible()
        expect(pages.labelled("register_from")).not_to_have_value("2001-02-03")


@pytest.mark.parametrize("language", ["en", "ja"])
def test_who_can_watch_past_the_steward_is_named_to_the_manager(
    stage: _Stage, pictures: Path, language: str
) -> None:
    home = stage.home
    accept(home, stage.site, MANAGER)
    for person in (ADMINISTRATOR, RESIDENT):
        with pytest.raises(RefusedError):
            home.client(person).ws("camera_steward/exposure", entry_id=stage.site)
    with browser(language) as page:
        log_in(page, home.base, MANAGER)
        pages = _Pages(page, stage, language)
        pages.open("exposure")
        card = pages.card(_NAME)
        expect(card).to_contain_text(pages.text("exposure_not_enforced"))
        expect(card).to_contain_text("camera.door")
        for person in (RESIDENT, OPERATOR, ADMINISTRATOR):
            expect(pages.panel.locator("dd").nth(0)).to_contain_text(person.name)
        expect(pages.panel.locator("dd").nth(1)).to_have_text(ADMINISTRATOR.name)
        pages.pictures(pictures, "exposure")
        _saves_the_recovery_kit(pages, pictures)


def _saves_the_recovery_kit(pages: _Pages, pictures: Path) -> None:
    pages.open("kit")
    expect(pages.panel).to_contain_text(pages.text("kit_save"))
    pages.pictures(pictures, "kit")
    with pages.page.expect_download() as download:
        pages.press("kit_save")
    assert download.value.suggested_filename.endswith(".html")
    page = download.value.path().read_text(encoding="utf-8")
    (code,) = re.findall(r'<pre id="code">(.*?)</pre>', page, re.DOTALL)
    assert len(key_from(code)) == 32
    expect(pages.panel.get_by_role("status")).to_contain_text("見本 太郎")


def test_duties_lead_to_tasks_with_photos_and_to_the_rules(
    stage: _Stage, folder: Path, pictures: Path
) -> None:
    """As manager all of it, as operator what operators do; also by the menu of a phone."""
    home = stage.home
    add_operator(home, stage.site)
    for person in (MANAGER, OPERATOR):
        accept(home, stage.site, person)
    photo = folder / "sign.jpg"
    Image.linear_gradient("L").resize((2400, 3200)).save(photo)
    with browser("ja") as page:
        log_in(page, home.base, MANAGER)
        pages = _Pages(page, stage, "ja")
        pages.press("duties_look")
        pages.expect_at("duties")
        _does_what_is_due(pages, stage, photo, pictures)
        _adopts_the_rules(pages, pictures)
        for name in ("records", "removal"):
            pages.open(name)
            pages.pictures(pictures, name)
        _uses_the_menu_of_a_phone(pages)
    with browser("en") as page:
        log_in(page, home.base, OPERATOR)
        pages = _Pages(page, stage, "en")
        pages.open("tasks")
        # The manager has kept another sign meanwhile: that one is to be posted.
        sign = pages.text("tasks_of", task=pages.text("task_post_sign"), subject=_NAME)
        expect(pages.panel.get_by_role("heading", name=sign, exact=True)).to_be_visible()
        expect(pages.panel.get_by_role("link", name=pages.text("panel_papers"))).to_have_count(0)
        pages.pictures(pictures, "tasks")


def _does_what_is_due(pages: _Pages, stage: _Stage, photo: Path, pictures: Path) -> None:
    """Go from a duty to its task, and enter it with a photo."""
    sign, panel = pages.text("task_post_sign"), pages.panel
    state = panel.locator("li", has_text=sign).locator(".state.due").first
    expect(state).to_be_visible()
    pages.pictures(pictures, "duties")
    # More than one duty leads there.
    leads = pages.text("duties_do_of", task=sign, subject=_NAME)
    panel.get_by_role("button", name=leads, exact=True).first.click()
    pages.expect_at("tasks")
    form = panel.locator("form.within:visible")
    form.get_by_role("button", name=pages.text("tasks_enter"), exact=True).click()
    expect(form).to_contain_text(pages.text("tasks_needs_photo"))
    task = pages.text("tasks_of", task=sign, subject=_NAME)
    pages.pictures(pictures, "task")
    pages.do_task(task, {"where": "出入口の扉の右", "photo": photo})
    expect(panel.get_by_role("heading", name=task, exact=True)).to_have_count(0)
    pages.pictures(pictures, "tasks")
    done = stage.home.client(MANAGER).ws(
        "camera_steward/duties", entry_id=stage.site, language="ja"
    )
    found = [each for each in done["controls"] if each["checked_by"] == "見本 太郎"]
    assert {each["state"] for each in found} >= {"evidence_held"}


def _adopts_the_rules(pages: _Pages, pictures: Path) -> None:
    """Read the rules, adopt them, and look at the sign."""
    panel = pages.panel
    pages.open("papers")
    expect(panel).to_contain_text(pages.text("papers_adopted_never"))
    rules = panel.locator("ul.cards > li", has_text=pages.text("papers_adopted_never"))
    rules.get_by_role("button", name=pages.text("papers_language_ja")).click()
    paper = panel.frame_locator("dialog iframe")
    expect(paper.locator("body")).to_contain_text(SITE["ja"]["installer"])
    # The browser's own dialog would wait for a person.
    frame = panel.locator("dialog iframe")
    frame.evaluate("frame => { frame.contentWindow.print = () => { window.printed = true; } }")
    pages.press("record_print")
    assert pages.page.evaluate("window.printed")
    picture(pages.page, pictures / "panel" / "rules.png")
    pages.press("record_close")
    pages.adopt_rules("代表者")
    expect(panel).to_contain_text(pages.text("papers_rules_same"))
    pages.pictures(pictures, "papers")
    pages.press("papers_sign_make")
    pages.labelled("papers_language_ko").check()
    expect(panel.get_by_role("img", name=pages.text("papers_sign_preview"))).to_be_visible()
    pages.pictures(pictures, "sign")
    with pages.page.expect_download() as download:
        pages.press("papers_save_png")
    with Image.open(download.value.path()) as drawn:
        assert drawn.width >= 2400
    pages.press("papers_back")


def _uses_the_menu_of_a_phone(pages: _Pages) -> None:
    """Find the pages behind a button, which names the one that is shown."""
    page, panel = pages.page, pages.panel
    page.set_viewport_size({"width": 375, "height": 800})
    menu = panel.get_by_role("button", name=pages.text("panel_removal"), exact=True)
    link = panel.get_by_role("link", name=pages.text("panel_kit"), exact=True)
    expect(link).to_be_hidden()
    menu.click()
    expect(link).to_be_visible()
    page.keyboard.press("Escape")
    expect(link).to_be_hidden()
    expect(menu).to_have_attribute("aria-expanded", "false")
    menu.click()
    link.click()
    expect(panel.get_by_role("button", name=pages.text("panel_kit"), exact=True)).to_be_focused()
    expect(link).to_be_hidden()
    page.set_viewport_size({"width": 1280, "height": 900})


_CARD = "出入口のメモリーカード"


def test_a_backup_that_holds_the_vault_stands_among_the_copies(
    stage: _Stage, pictures: Path
) -> None:
    """Home Assistant makes it, by hand; the manager reads what it is, in their own language."""
    home, name = stage.home, "週次 weekly"
    accept(home, stage.site, MANAGER)
    for person in (ADMINISTRATOR, RESIDENT):
        with pytest.raises(RefusedError):
            home.client(person).ws("camera_steward/copies", entry_id=stage.site)
    client = home.client()
    client.ws("backup/generate", agent_ids=["backup.local"], include_database=False, name=name)
    checked_on = datetime.now(_ZONE).date() - timedelta(days=100)
    card = {"name": _CARD, "kind": "sd_card", "camera": stage.camera, "place": "カメラの中"}
    more = {"kept_days": 30, "responsible": _GONE, "checked_on": checked_on.isoformat()}
    client.fill("subentries/flow", [stage.site, "copy"], {"user": card | more})

    def told() -> bool:
        issues = client.ws("repairs/list_issues")["issues"]
        found = [e for e in issues if e["translation_key"] == "footage_in_backup"]
        return any(name in each["translation_placeholders"]["backups"] for each in found)

    wait_for(told)
    # The home's own language is another: none of its words may stand on the page.
    with browser("ja") as page:
        log_in(page, home.base, MANAGER)
        pages = _Pages(page, stage, "ja")
        pages.open("copies")
        rows = pages.panel.locator("tbody tr")
        backup = rows.filter(has_text=name)
        said = ("kind_backup", "remark_manual", "vault", "remark_opens", "this_machine")
        for key in (*said, "end_never", "past_yes"):
            expect(backup).to_contain_text(pages.text(f"copies_{key}"))
        copy = rows.filter(has_text=_CARD)
        for text_ in (_NAME, _GONE, pages.text("copies_remark_due")):
            expect(copy).to_contain_text(text_)
        pages.pictures(pictures, "copies")
