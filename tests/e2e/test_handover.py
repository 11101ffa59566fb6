"""Footage is held, handed over in a real browser, checked with stock tools alone, and let go."""

import socket
import struct
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from custom_components.camera_steward.core.errors import KeyMissingError
from tests.cameras import Clip, RtspCamera, run_digest, unit_digest, units, wait_for
from tests.homes import (
    MANAGER,
    OPERATOR,
    Books,
    Home,
    RefusedError,
    accept,
    add_camera,
    add_operator,
    add_site,
    look,
    stored_units,
    wait_until_recording,
)
from tests.homes.browser import browser, log_in
from tests.homes.demo import SITE
from tests.homes.pages import ZONE, Pages, typed

_CLIP = Clip(width=640, height=360, seconds=8, bitrate_kbps=900)
_NAME = "出入口"
_LENGTH = timedelta(minutes=2)
_SECOND = timedelta(seconds=1)
_SEGMENT_SECONDS = 20
_POLICE, _STATION = "見本警察署 刑事課", "Sample Police Station"
_WHY = "21日の自転車の盗難について、文書による要請がある見込みのため"
_NO_LONGER = "捜査が終了し、不要となったため"
_PATIENCE = 120_000
_TAKEN_BYTES = 1_000_000
"""How much of a package has come when it is broken off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stage:
    home: Home
    site: str
    camera: str
    vault: Path
    start: datetime

    @property
    def end(self) -> datetime:
        return self.start + _LENGTH

    @property
    def holds(self) -> list[Path]:
        """What there is of holds on the disk."""
        return [each for each in (self.vault / "holds").rglob("*") if each.is_file()]


@pytest.fixture(scope="module")
def stage(folder: Path, make_home: Callable[[dict[str, str]], Home]) -> Iterator[_Stage]:
    """Give a site with an operator, whose camera begins to be recorded."""
    with RtspCamera(_CLIP) as source:
        home = make_home({"Door": source.url})
        home.start()
        site = add_site(home, folder / "vault", texts=SITE["ja"] | {"manager_name": "見本 太郎"})
        camera = add_camera(home, site, "camera.door", _NAME, segment_seconds=_SEGMENT_SECONDS)
        add_operator(home, site)
        wait_until_recording(home, site, camera)
        # To the second, as forms take it; what is taken before it is in no hold.
        start = datetime.now(UTC).replace(microsecond=0) + 2 * _SECOND
        yield _Stage(home=home, site=site, camera=camera, vault=folder / "vault", start=start)


class _Pages(Pages):
    """The pages of this stage, with their pictures."""

    def __init__(self, page: Page, stage: _Stage, language: str, folder: Path) -> None:
        super().__init__(page, stage.home.base, language)
        self._folder = folder / "handover"

    def keep(self, name: str) -> None:
        """Keep a picture of all of the page, on a screen and on a phone."""
        panel = self.page.locator("camera-steward-panel main")
        for size, width in (("wide", 1280), ("narrow", 390)):
            self.page.set_viewport_size({"width": width, "height": 900})
            self.page.wait_for_timeout(300)
            self._folder.mkdir(parents=True, exist_ok=True)
            where = self._folder / f"{name}-{self.language}-{size}.png"
            panel.screenshot(path=where, animations="disabled")
        self.page.set_viewport_size({"width": 1280, "height": 900})

    def outcome(self, name: str) -> None:
        """Wait until what was approved has come so far."""
        status = self.panel.get_by_role("status").filter(has_text=self.text(f"outcome_{name}"))
        expect(status).to_be_visible(timeout=_PATIENCE)


def test_two_minutes_are_held_handed_over_checked_and_let_go(
    stage: _Stage, folder: Path, pictures: Path
) -> None:
    with browser("ja") as page:
        log_in(page, stage.home.base, MANAGER)
        pages = _Pages(page, stage, "ja", pictures)
        pages.pledge()
        _refuses_a_telephone_call(pages, stage)
        hold = _holds(pages, stage)
        archive, password, fingerprint = _hands_over(pages, hold, folder)
        _checks_with_stock_tools(archive, password, fingerprint, folder / "unpacked")
        _reads_the_register(pages, archive)
        _reviews_and_renews(pages, hold)
        _lets_go(pages)
    assert stage.holds == []
    # The original is as it was.
    assert run_digest(
        units(look(stage.home, stage.site, MANAGER, "inspection", stage.camera)), _CLIP.units()
    )


def _refuses_a_telephone_call(pages: _Pages, stage: _Stage) -> None:
    """Refuse, on record, what the police ask by telephone; the form to preserve knows who asked."""
    pages.open("holds")
    expect(pages.panel).to_contain_text(pages.text("holds_none"))
    pages.open("handover")
    pages.panel.locator("input[name=handover-kind]").first.wait_for()
    pages.press("handover_next")
    for key in ("kind", "recipient", "reason"):
        expect(pages.panel).to_contain_text(pages.text(f"handover_needs_{key}"))
    pages.keep("1-missing")
    pages.ask("authority_oral", _POLICE, _WHY)
    expect(pages.panel).to_contain_text(pages.text("handover_no_ground"))
    pages.enter("handover", agency=_POLICE)
    pages.keep("2-no-ground")
    pages.press("handover_do_preserve")
    pages.expect_at("holds")
    expect(pages.labelled("hold_requested_by")).to_have_value(_POLICE)
    expect(pages.labelled("hold_reason")).to_have_value(_WHY)
    # What was begun is still there.
    pages.open("handover")
    pages.enter("handover", refusal="電話による依頼のため。文書による要請を依頼した")
    pages.press("handover_refuse")
    number = f"{datetime.now(ZONE).year}-001"
    expect(pages.panel).to_contain_text(pages.text("handover_refused", number=number))
    expect(pages.labelled("handover_recipient")).to_have_value("")


def _holds(pages: _Pages, stage: _Stage) -> str:
    """Preserve two minutes once they have been taken, and wait for the copy."""
    pages.open("holds")
    pages.enter("hold", start=typed(stage.start), end_at=typed(stage.end))
    wait_for(lambda: datetime.now(UTC) > stage.end + _SECOND, 180, 0.5)
    pages.keep("3-hold-form")
    pages.press("hold_place")
    card = pages.card(_POLICE)
    expect(card).to_contain_text(_WHY)
    expect(card).to_contain_text("残り30日")
    # Complete once the segment that was being recorded is.
    expect(card).to_contain_text("完了", timeout=_PATIENCE)
    expect(pages.labelled("hold_reason")).to_have_value("")
    pages.keep("4-holds")
    (hold,) = [each for each in stage.holds if each.name == "hold.key"]
    return hold.parent.name


def _hands_over(pages: _Pages, hold: str, folder: Path) -> tuple[Path, str, str]:
    """Approve and download; return the archive, its password and the key's fingerprint."""
    page = pages.page
    pages.press("hold_hand_over")
    pages.expect_at("handover")
    pages.ask("authority_written", _POLICE, "21日の自転車の盗難の捜査のため")
    pages.press("handover_next")
    expect(pages.panel.locator("[aria-invalid=true]")).to_have_count(8)
    pages.identify()
    expect(pages.panel.locator("#handover-hold")).to_have_value(hold)
    expect(pages.panel.locator("[aria-invalid=true]")).to_have_count(0)
    pages.keep("5-order")
    pages.press("handover_next")
    expect(pages.panel).to_contain_text(pages.text("handover_approves", name="見本 太郎"))
    pages.keep("6-check")
    pages.press("handover_approve")
    secret = pages.panel.locator("code.secret")
    password = secret.inner_text()
    fingerprint = pages.panel.get_by_text("SHA256:").inner_text()
    pages.keep("7-approved")
    pages.press("handover_copy")
    expect(pages.panel).to_contain_text(pages.text("handover_copied"))
    link = pages.panel.locator("a[download]")
    address = link.get_attribute("href")
    with page.expect_download(timeout=_PATIENCE) as download:
        link.click()
    archive = folder / download.value.suggested_filename
    download.value.save_as(archive)
    pages.outcome("handed_over")
    expect(pages.panel.locator("code", has_text=_sha256(archive))).to_be_visible()
    pages.keep("8-handed-over")
    # The address was good for once.
    again = page.request.get(f"{page.url.split('/camera-steward')[0]}{address}")
    assert again.status == HTTPStatus.FORBIDDEN
    _shows_the_record(pages, archive)
    pages.press("handover_done")
    expect(secret).to_have_count(0)
    return archive, password, fingerprint


def _shows_the_record(pages: _Pages, archive: Path) -> None:
    for language, title in (("ja", "画像提供記録"), ("en", "Disclosure record")):
        pages.panel.get_by_role(
            "button", name=pages.text(f"record_of_{language}", number=_number(archive))
        ).click()
        paper = pages.panel.frame_locator("dialog iframe").locator("body")
        for said in (title, _number(archive), _POLICE, _sha256(archive)):
            expect(paper).to_contain_text(said)
        pages.page.screenshot(path=pages._folder / f"9-record-{language}.png")
        pages.press("record_close")
        expect(pages.panel.locator("dialog")).to_have_count(0)


def _number(archive: Path) -> str:
    return archive.stem.removeprefix("camera-steward-")


def _sha256(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest()


def _run(*command: str | Path, cwd: Path, stdin: Path | None = None) -> str:
    """Run a tool and return what it says; it must be content."""
    given = stdin.read_bytes() if stdin is not None else None
    done = subprocess.run(command, cwd=cwd, input=given, capture_output=True, check=False)
    assert done.returncode == 0, done
    return done.stdout.decode()


def _checks_with_stock_tools(archive: Path, password: str, fingerprint: str, where: Path) -> None:
    where.mkdir()
    wrong = subprocess.run(["7zz", "t", "-pwrong", archive], capture_output=True, check=False)
    assert wrong.returncode != 0
    assert "Everything is Ok" in _run("7zz", "t", f"-p{password}", archive, cwd=where)
    _run("7zz", "x", f"-p{password}", archive, cwd=where)
    assert fingerprint in _run("ssh-keygen", "-l", "-f", "signer.pub", cwd=where)
    signed = _run(
        *("ssh-keygen", "-Y", "verify", "-f", "allowed_signers", "-I", "camera-steward"),
        *("-n", "camera-steward-package", "-s", "SHA256SUMS.sig"),
        cwd=where,
        stdin=where / "SHA256SUMS",
    )
    assert fingerprint in signed
    sums = _run("sha256sum", "-c", "SHA256SUMS", cwd=where).splitlines()
    files = {str(each.relative_to(where)) for each in where.rglob("*") if each.is_file()}
    assert {each.removesuffix(": OK") for each in sums} == files - {"SHA256SUMS", "SHA256SUMS.sig"}
    videos = sorted((where / "video").glob("*.mp4"))
    lengths = [float(_run("ffprobe", *_LENGTH_OF, each, cwd=where)) for each in videos]
    # Whole groups of pictures of a second each; the hour may turn meanwhile.
    assert _LENGTH.total_seconds() <= sum(lengths) + 0.5 <= _LENGTH.total_seconds() + 4
    received = [unit for each in videos for unit in units(each)]
    assert unit_digest(received) == run_digest(received, _CLIP.units())


_LENGTH_OF = ("-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0")


def _reads_the_register(pages: _Pages, archive: Path) -> None:
    pages.open("disclosures")
    row = pages.panel.locator("tbody tr", has_text=_number(archive))
    for said in (_POLICE, _sha256(archive), pages.text("outcome_handed_over"), "警察手帳", _NAME):
        expect(row).to_contain_text(said)
    refused = pages.panel.locator("tbody tr", has_text=pages.text("outcome_refused"))
    expect(refused).to_contain_text("電話による依頼のため")
    pages.keep("10-register")


def _reviews_and_renews(pages: _Pages, hold: str) -> None:
    pages.open("holds")
    card = pages.card(_POLICE)
    card.get_by_role("button", name=pages.text("hold_review_of", cameras=_NAME)).click()
    card.locator("textarea:visible").fill("捜査が続いている")
    card.locator("form:visible button[type=submit]").click()
    told = pages.panel.get_by_role("status")
    expect(told).to_contain_text(pages.text("hold_review_done", hold=hold))
    card.get_by_role("button", name=pages.text("hold_renew_of", cameras=_NAME)).click()
    card.locator("textarea:visible").fill(_WHY)
    card.locator("input[type=number]:visible").fill("60")
    card.locator("form:visible button[type=submit]").click()
    expect(card).to_contain_text(pages.text("hold_needs_reason"))
    card.locator("textarea:visible").fill("公判まで必要と連絡があったため")
    pages.keep("11-renew")
    card.locator("form:visible button[type=submit]").click()
    expect(card).to_contain_text("残り60日")


def _lets_go(pages: _Pages) -> None:
    """Release it, with a reason and a second thought."""
    card = pages.card(_POLICE)
    card.get_by_role("button", name=pages.text("hold_release_of", cameras=_NAME)).click()
    card.locator("textarea:visible").fill(_NO_LONGER)
    card.locator("form:visible button[type=submit]").click()
    expect(card).to_contain_text(pages.text("hold_needs_sure"))
    card.locator("input[type=checkbox]").check()
    pages.keep("12-release")
    card.locator("form:visible button[type=submit]").click()
    expect(card).to_have_count(0)
    expect(pages.panel).to_contain_text(pages.text("holds_none"))


def test_a_download_that_is_broken_off_is_told_so_and_may_be_approved_anew(
    stage: _Stage, pictures: Path
) -> None:
    accept(stage.home, stage.site, MANAGER)
    wait_for(lambda: datetime.now(UTC) > stage.end + _SECOND, 180, 0.5)
    with browser("en") as page:
        log_in(page, stage.home.base, MANAGER)
        pages = _Pages(page, stage, "en", pictures)
        pages.open("handover")
        pages.ask("private", "熊谷 次郎", "見本")
        pages.keep("2-no-ground")
        pages.press("handover_back")
        pages.ask("authority_written", _STATION, "Investigation of a bicycle theft")
        pages.identify()
        pages.enter("handover", start=typed(stage.start), end=typed(stage.end))
        pages.keep("5-order")
        pages.press("handover_refuse_after_all")
        expect(pages.labelled("handover_refusal")).to_be_visible()
        expect(pages.panel.get_by_text(pages.text("handover_no_ground"))).to_be_hidden()
        pages.press("handover_back")
        pages.press("handover_next")
        pages.keep("6-check")
        pages.press("handover_approve")
        pages.panel.locator("code.secret").wait_for()
        pages.keep("7-approved")
        address = pages.panel.locator("a[download]").get_attribute("href")
        assert address is not None
        _break_off(stage.home.base + address)
        pages.outcome("broken_off")
        expect(pages.panel).to_contain_text(pages.text("broken_left"))
        pages.keep("8-broken-off")
        pages.press("handover_again")
        expect(pages.panel).to_contain_text(_STATION)
        pages.open("disclosures")
        row = pages.panel.locator("tbody tr", has_text=_STATION)
        expect(row).to_contain_text(pages.text("broken_left"))
        pages.keep("10-register")


def _break_off(address: str) -> None:
    """Begin to receive, and vanish as a computer that is switched off does."""
    where = urlsplit(address)
    assert where.hostname is not None
    assert where.port is not None
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16_384)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.connect((where.hostname, where.port))
        asked = f"GET {where.path}?{where.query} HTTP/1.1\r\nHost: {where.netloc}\r\n\r\n"
        client.sendall(asked.encode())
        came = client.recv(4096)
        assert came.startswith(b"HTTP/1.1 200")
        while len(came) < _TAKEN_BYTES:
            came += client.recv(65_536)


def test_an_operator_preserves_and_hands_nothing_over(stage: _Stage, pictures: Path) -> None:
    wait_for(lambda: datetime.now(UTC) > stage.start + 31 * _SECOND, 60, 0.5)
    with browser("en") as page:
        log_in(page, stage.home.base, OPERATOR)
        pages = _Pages(page, stage, "en", pictures)
        pages.pledge()
        shown = ("own", "duties", "tasks", "utilizations", "holds")
        names = [pages.text(f"panel_{each}") for each in shown]
        expect(pages.panel.get_by_role("link")).to_have_text(names)
        pages.open("holds")
        expect(pages.panel).to_contain_text("preserve only, never disclosure")
        expect(pages.labelled("hold_days")).to_have_value("7")
        pages.enter(
            "hold",
            start=typed(stage.start),
            end_at=typed(stage.start + 30 * _SECOND),
            requested_by=_STATION,
            reason="Bicycle theft, by telephone",
            until_at="8",
        )
        pages.press("hold_place")
        expect(pages.panel).to_contain_text(pages.text("hold_needs_until_at"))
        pages.enter("hold", until_at="7")
        pages.press("hold_place")
        card = pages.card(_STATION)
        expect(card).to_contain_text("7 days left")
        expect(card.get_by_role("button")).to_have_count(0)
        pages.keep("4-operator")
        page.goto(f"{stage.home.base}/camera-steward/handover")
        expect(pages.panel).to_contain_text(pages.text("panel_pledged"))
        expect(pages.panel.get_by_role("link")).to_have_text(names)
    client = stage.home.client(OPERATOR)
    order = {
        "kind": "law",
        "particulars": {"law": "刑事訴訟法", "article": "第197条第2項"},
        "recipient": _POLICE,
        "reason": "捜査",
        "cameras": [stage.camera],
        "start": stage.start.isoformat(),
        "end": stage.end.isoformat(),
        "identity": "警察手帳",
        "in_charge": "見本",
    }
    with pytest.raises(RefusedError, match="refused"):
        client.ws("camera_steward/disclose", entry_id=stage.site, **order)
    with pytest.raises(RefusedError, match="refused"):
        client.ws(
            "camera_steward/disclosures",
            entry_id=stage.site,
            start=stage.start.isoformat(),
            end=stage.end.isoformat(),
        )


def test_nothing_of_a_hold_that_has_ended_decrypts_and_the_original_does(stage: _Stage) -> None:
    """Put back what someone has taken of a hold: without its key nothing opens it."""
    accept(stage.home, stage.site, MANAGER)
    client = stage.home.client(MANAGER)
    end = stage.start + 20 * _SECOND
    wait_for(lambda: datetime.now(UTC) > end + _SECOND, 60, 0.5)
    made = client.ws(
        "camera_steward/hold",
        entry_id=stage.site,
        cameras=[stage.camera],
        start=stage.start.isoformat(),
        end=end.isoformat(),
        reason=_WHY,
        requested_by=_POLICE,
        days=1,
    )

    def kept() -> bool:
        found = client.ws("camera_steward/holds", entry_id=stage.site)
        return ("kept", made["hold"]) in {(each["state"], each["hold"]) for each in found}

    wait_for(kept, 120, 0.5)
    taken = {path: path.read_bytes() for path in stage.holds if made["hold"] in path.parts}
    client.ws(
        "camera_steward/hold_release", entry_id=stage.site, hold=made["hold"], reason=_NO_LONGER
    )
    assert not any(path.exists() for path in taken)
    stage.home.stop()
    (key,) = [path for path in taken if path.name == "hold.key"]
    for path, content in taken.items():
        if path != key:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    with Books.open(stage.home, stage.site) as books:
        held = [
            each
            for each in books.segments(stage.camera)
            if books.holds.path_of(made["hold"], each) in taken
        ]
        assert len(held) == len(taken) - 1
        for each in held:
            with pytest.raises(KeyMissingError):
                books.holds.open_segment(made["hold"], each)
        stored = [unit for each in held for unit in stored_units(books.media(each), "vide")]
        assert unit_digest(stored) == run_digest(stored, _CLIP.units())
        # It was the key that was missing.
        key.write_bytes(taken[key])
        books.holds.open_segment(made["hold"], held[0]).close()
