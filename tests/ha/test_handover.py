"""Holding and handing over through the real HTTP and WebSocket stack, with tens of megabytes kept."""

import asyncio
import hashlib
import io
import logging
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any
from uuid import UUID

import aiohttp
import pytest
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import MockConfigEntry
from yarl import URL

from custom_components.camera_steward.bridge import state_directory
from custom_components.camera_steward.const import DOMAIN
from custom_components.camera_steward.core.clock import SystemClock
from custom_components.camera_steward.core.database import Database
from custom_components.camera_steward.core.files import LocalFiles
from custom_components.camera_steward.core.ledger.entry import EntryKind
from custom_components.camera_steward.core.model import to_micros
from custom_components.camera_steward.core.vault.index import METADATA, Index
from custom_components.camera_steward.core.vault.vault import Vault
from custom_components.camera_steward.keys import async_load_or_create
from custom_components.camera_steward.repairs import Issue, issue_id
from custom_components.camera_steward.texts import async_texts
from tests.core import synthetic
from tests.core.viewing_site import storage_failing

from .sites import DOOR, MANAGER, async_ledger, async_set_up, camera, site, state_of
from .watching import FORBIDDEN, HANGING_UP, Stage, approved, async_managed, unsigned

SECONDS, PICTURE_BYTES = 24, 1_000_000
"""More than the buffers between the two ends of a connection hold."""

STARTED, ENDED = EntryKind.DISCLOSURE_STARTED, EntryKind.DISCLOSURE_ENDED


async def async_fill(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """Write a segment with large pictures, of half an hour ago, for a site that is not set up."""
    entry.add_to_hass(hass)
    keys = await async_load_or_create(hass, entry.entry_id)
    state = state_directory(hass, entry.entry_id)

    def write() -> None:
        state.mkdir(parents=True)
        database = Database(state / "index.db", METADATA)
        vault = Vault(
            Path(entry.data["vault_path"]),
            LocalFiles(),
            SystemClock(),
            UUID(entry.data["vault_id"]),
            keys.site_key,
            Index(database),
        )
        begins = datetime.now(UTC) - timedelta(minutes=30)
        writer = vault.create_segment(DOOR, begins, synthetic.HEADER.data)
        builder = synthetic.builder()
        for second in range(SECONDS):
            start_us = second * 1_000_000
            picture = b"\xff\xd8" + hashlib.shake_128(bytes([second])).digest(PICTURE_BYTES)
            made = synthetic.fragment(builder, [picture], to_micros(begins) + start_us)
            writer.append(made, start_us, keyframe=True)
        writer.seal(timedelta(seconds=SECONDS), builder.digests())
        database.close()

    await hass.async_add_executor_job(write)


@pytest.fixture(name="kept")
async def kept_fixture(
    hass: HomeAssistant,
    disk: Path,
    hass_ws_client: Callable[..., Any],
    hass_client_no_auth: Callable[..., Any],
) -> Stage:
    """Set up a site that kept footage and records none, with its manager logged in."""
    for each in ("websocket_api", "auth", DOMAIN):
        assert await async_setup_component(hass, each, {})
    entry = site(disk / "vault", camera(DOOR, "door"), title="Shop")
    await async_fill(hass, entry)
    await async_set_up(hass, entry)
    return await async_managed(hass, entry, hass_ws_client, hass_client_no_auth)


async def ask(stage: Stage, client: Any, command: str, /, **more: Any) -> dict[str, Any]:
    """Send a command about the site; return the whole answer."""
    return await stage.ws(client, f"{DOMAIN}/{command}", entry_id=stage.entry.entry_id, **more)


async def rows(stage: Stage) -> list[dict[str, Any]]:
    """Return the disclosure register."""
    now = datetime.now(UTC)
    span = {"start": (now - timedelta(days=1)).isoformat(), "end": now.isoformat()}
    found = await ask(stage, stage.manager, "disclosures", **span)
    return list(found["result"]["disclosures"])


async def entries(stage: Stage, kind: EntryKind) -> list[dict[str, Any]]:
    """Return what the ledger holds of a kind."""
    return [dict(each.data) for each in await async_ledger(stage.hass, stage.entry, kind)]


async def ended(stage: Stage) -> dict[str, Any]:
    """Wait for the end of a download, and return it."""
    (one,) = await all_ended(stage, 1)
    return one


async def all_ended(stage: Stage, count: int) -> list[dict[str, Any]]:
    """Wait until so many downloads ended and that is entered, and return their ends."""
    end = asyncio.get_running_loop().time() + 60
    while len(found := await entries(stage, ENDED)) < count:
        assert asyncio.get_running_loop().time() < end
        await asyncio.sleep(0.05)
    return found


def download(stage: Stage, path: str) -> Any:
    """Begin a download without any login but its address's own."""
    return stage.http.session.get(
        URL(f"{str(stage.http.make_url('/')).rstrip('/')}{path}", encoded=True)
    )


async def refusal(stage: Stage, key: str) -> tuple[HTTPStatus, bytes]:
    """Return a refusal that says what to do."""
    text = (await async_texts(stage.hass))[key].format(minutes=15)
    return HTTPStatus.FORBIDDEN, text.encode()


async def test_a_package_goes_to_the_session_that_approved_it_and_once(kept: Stage) -> None:
    form = (await ask(kept, kept.manager, "handover_form"))["result"]
    assert [each["kind"] for each in form["kinds"] if each["ground"]] == [
        "law",
        "authority_written",
    ]
    assert [(each["camera"], bool(each["oldest"])) for each in form["cameras"]] == [("Door", True)]
    made = await approved(kept)
    (plain,) = unsigned([made["path"]])
    manager = await kept.hass.auth.async_get_user(MANAGER)
    operator, _ = await kept.operator()
    assert manager is not None
    elsewhere = await kept.log_in(manager)
    # The manager is told what to do, of what there is as of what there is not; others nothing.
    over = await refusal(kept, "package_over")
    for person, told_them in ((elsewhere, over), (operator, FORBIDDEN)):
        for address in (plain, f"{plain.rpartition('/')[0]}/{'0' * 16}"):
            assert (await kept.fetch("GET", address, person.headers))[:2] == told_them
            signed = await kept.sign(person, address)
            assert (await kept.fetch("GET", signed))[:2] == told_them
    assert (await kept.fetch("GET", plain))[:2] == FORBIDDEN
    denied = await kept.denied()
    assert {each["user"] for each in denied} == {MANAGER, None, operator.user and operator.user.id}
    assert {each["kind"] for each in denied} == {"disclose"}
    for method in ("HEAD", "OPTIONS", "POST"):
        assert (await kept.fetch(method, made["path"]))[0] in (403, 405)
    assert await entries(kept, STARTED) == []
    ledger = state_directory(kept.hass, kept.entry.entry_id) / "ledger.db"
    with storage_failing(ledger):
        told = await kept.fetch("GET", made["path"])
        assert told[:2] == await refusal(kept, "package_failed")
    assert await entries(kept, STARTED) == []

    status, archive, headers = await kept.fetch("GET", made["path"], {"Range": "bytes=100-200"})
    assert (status, headers["Cache-Control"]) == (HTTPStatus.OK, "no-store")
    assert headers["Content-Type"] == "application/zip"
    assert headers["Content-Disposition"] == f'attachment; filename="{made["file"]}"'
    with zipfile.ZipFile(io.BytesIO(archive)) as packed:
        assert {"manifest.json", "record.ja.html", "SHA256SUMS"} <= set(packed.namelist())
        assert len(packed.infolist()) > 10
        assert all(each.flag_bits & 1 for each in packed.infolist())
    assert (await kept.fetch("GET", made["path"]))[:2] == over
    (row,) = await rows(kept)
    assert (row["outcome"], row["number"]) == ("handed_over", made["number"])
    assert (row["size_bytes"], row["sha256"]) == (
        len(archive),
        hashlib.sha256(archive).hexdigest(),
    )
    assert (row["approved_by"], row["user_id"], row["acts"]) == ("Hanako Kumagaya", MANAGER, True)
    page = await ask(
        kept, kept.manager, "disclosure_record", disclosure=row["disclosure"], language="ja"
    )
    assert row["sha256"] in page["result"]["html"]
    span = {"start": row["at"], "end": datetime.now(UTC).isoformat(), "as_csv": True}
    for language, words in (("ja", ("整理番号", "提供済み")), ("en", ("Handed over", "Police"))):
        answer = await ask(kept, kept.manager, "disclosures", **span, language=language)
        assert all(each in answer["result"]["csv"] for each in (*words, row["sha256"]))
    assert made["password"] not in str(await rows(kept))


async def test_what_is_no_ground_is_refused_on_record_and_can_be_preserved(kept: Stage) -> None:
    now = datetime.now(UTC)
    span = {"start": (now - timedelta(hours=1)).isoformat(), "end": now.isoformat()}
    asked = {"kind": "media", "recipient": "A newspaper", "reason": "News"}
    order = {**asked, "cameras": [DOOR], **span, "identity": "x", "in_charge": "x"}
    answer = await ask(kept, kept.manager, "disclose", **order)
    assert answer["error"]["code"] == "no_ground"
    answer = await ask(kept, kept.manager, "disclose", **{**order, "kind": "law"})
    assert answer["error"]["code"] == "disclosure_invalid"
    assert answer["error"]["translation_placeholders"] == {"field": "law"}

    operator, _ = await kept.operator()
    wanted = {"cameras": [DOOR], **span, "reason": "A theft", "requested_by": "The police"}
    answer = await ask(kept, operator.socket, "hold", **wanted, days=8)
    assert answer["error"]["translation_placeholders"] == {"field": "until_at"}
    held = (await ask(kept, operator.socket, "hold", **wanted, days=2))["result"]
    assert (held["placed_by"], held["role"]) == ("Taro Ara", "operator")
    for command, more in (
        ("hold_renew", {"hold": held["hold"], "reason": "x", "days": 3}),
        ("hold_release", {"hold": held["hold"], "reason": "x"}),
        ("disclose", order),
        ("refuse_request", {**asked, "refusal": "x"}),
        ("disclosures", span),
    ):
        answer = await ask(kept, operator.socket, command, **more)
        assert answer["error"]["code"] == "refused", command
    made = await ask(
        kept,
        kept.manager,
        "refuse_request",
        **asked,
        refusal="The press is no ground",
        hold=held["hold"],
    )
    (row,) = await rows(kept)
    assert (row["outcome"], row["number"]) == ("refused", made["result"]["number"])
    assert (row["ground"], row["hold"], row["file"]) == (False, held["hold"], None)

    # Every login can read this: counts and dates, and no more.
    entry = kept.entry

    async def look() -> tuple[str, Any]:
        await entry.runtime_data.coordinator.async_refresh()
        await kept.hass.async_block_till_done()
        state = state_of(kept.hass, "sensor", entry.entry_id, "holds")
        return state.state, state.attributes

    count, attributes = await look()
    assert (count, attributes["reviews_due"]) == ("1", 0)
    assert attributes["soonest_end"] == datetime.fromisoformat(held["until"])
    assert set(attributes) == {"friendly_name", "reviews_due", "soonest_end", "state_class"}
    issues = ir.async_get(kept.hass)
    due = issues.async_get_issue(DOMAIN, issue_id(entry, Issue.HOLDS_DUE))
    assert due is not None
    assert due.translation_placeholders is not None
    assert due.translation_placeholders["ending"] == "1"
    renewed = await ask(
        kept, kept.manager, "hold_renew", hold=held["hold"], reason="Goes on", days=20
    )
    assert renewed["result"]["days_left"] in (19, 20)
    await ask(kept, kept.manager, "hold_review", hold=held["hold"], note="Still needed")
    await look()
    assert issues.async_get_issue(DOMAIN, issue_id(entry, Issue.HOLDS_DUE)) is None
    answer = await ask(kept, kept.manager, "hold_release", hold=held["hold"], reason="Done")
    assert answer["success"]
    assert (await ask(kept, operator.socket, "holds"))["result"] == []
    assert (await look())[0] == "0"


async def test_a_removed_camera_is_handed_over_under_its_name(kept: Stage) -> None:
    now = datetime.now(UTC)
    span = {"start": (now - timedelta(hours=1)).isoformat(), "end": now.isoformat()}
    asked = {"cameras": [DOOR], **span, "reason": "A theft", "requested_by": "The police"}
    held = (await ask(kept, kept.manager, "hold", **asked, days=2))["result"]
    kept.hass.config_entries.async_remove_subentry(kept.entry, DOOR)
    await kept.hass.async_block_till_done()
    # The rules name one camera less, and are accepted anew.
    assert (await ask(kept, kept.manager, "handover_form"))["error"]["code"] == "refused"
    await kept.pledge(kept.manager)
    named = {"camera_id": DOOR, "camera": "Door"}
    (offered,) = (await ask(kept, kept.manager, "handover_form"))["result"]["cameras"]
    assert offered.items() >= {**named, "removed": True}.items()
    assert offered["oldest"]
    (listed,) = (await ask(kept, kept.manager, "holds"))["result"]
    assert (listed["hold"], listed["cameras"]) == (held["hold"], [named])
    for more in ({}, {"hold": held["hold"]}):
        made = await approved(kept, **more)
        status, archive, _ = await kept.fetch("GET", made["path"])
        assert status == HTTPStatus.OK
        assert len(archive) > SECONDS * PICTURE_BYTES
        row = (await rows(kept))[0]
        assert (row["number"], row["outcome"]) == (made["number"], "handed_over")
        assert row["cameras"] == [named]
        assert [each["camera"] for each in row["held"]] == ["Door"]
        page = await ask(
            kept, kept.manager, "disclosure_record", disclosure=row["disclosure"], language="en"
        )
        assert "Door" in page["result"]["html"]
        assert DOOR not in page["result"]["html"]
    # Its name outlives a restart.
    assert await kept.hass.config_entries.async_reload(kept.entry.entry_id)
    assert (await ask(kept, kept.manager, "holds"))["result"][0]["cameras"] == [named]


async def test_no_password_is_made_while_answers_are_logged(
    kept: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    operator, _ = await kept.operator()
    now = datetime.now(UTC)
    order = {
        "kind": "law",
        "particulars": {"law": "Act", "article": "1"},
        "recipient": "Someone",
        "reason": "A theft",
        "cameras": [DOOR],
        "start": (now - timedelta(hours=1)).isoformat(),
        "end": now.isoformat(),
        "identity": "Card",
        "in_charge": "Hanako Kumagaya",
    }
    caplog.set_level(logging.DEBUG, "homeassistant.components.websocket_api")
    answer = await ask(kept, kept.manager, "disclose", **order)
    assert answer["error"]["code"] == "answers_logged"
    # Others are refused as ever, and that is entered.
    answer = await ask(kept, operator.socket, "disclose", **order)
    assert answer["error"]["code"] == "refused"
    assert [each["kind"] for each in await kept.denied()] == ["disclose"]
    assert await rows(kept) == []
    caplog.set_level(logging.INFO, "homeassistant.components.websocket_api")
    made = await ask(kept, kept.manager, "disclose", **order)
    assert made["success"]
    assert made["result"]["password"] not in caplog.text


async def test_a_hold_that_ended_before_the_download_needs_another_approval(kept: Stage) -> None:
    now = datetime.now(UTC)
    span = {"start": (now - timedelta(hours=1)).isoformat(), "end": now.isoformat()}
    asked = {"cameras": [DOOR], **span, "reason": "A theft", "requested_by": "The police"}
    held = (await ask(kept, kept.manager, "hold", **asked, days=2))["result"]
    copied = kept.entry.runtime_data.bridge.steward.holds

    def kept_copy() -> bool:
        return bool(copied().get(held["hold"]).copied)

    # As quickly as the site can say it.
    while not await kept.hass.async_add_executor_job(kept_copy):  # noqa: ASYNC110
        await asyncio.sleep(0.05)
    made = await approved(kept, hold=held["hold"])
    released = await ask(kept, kept.manager, "hold_release", hold=held["hold"], reason="Done")
    assert released["success"]
    over = await refusal(kept, "package_over")
    for _ in range(2):
        assert (await kept.fetch("GET", made["path"]))[:2] == over
    (row,) = await rows(kept)
    assert row["outcome"] == "lapsed"
    assert await entries(kept, STARTED) == []


async def test_two_downloads_at_once_and_one_whose_client_goes_away(kept: Stage) -> None:
    both = [await approved(kept), await approved(kept)]
    one, other = [await download(kept, each["path"]).__aenter__() for each in both]
    assert await other.content.read(1000)
    running = {each["outcome"]: each for each in await rows(kept)}
    assert running.keys() == {"handing_over"}
    assert running["handing_over"]["total_bytes"] > SECONDS * PICTURE_BYTES
    archive = await one.read()
    assert len(archive) > SECONDS * PICTURE_BYTES
    other.close()
    await all_ended(kept, 2)
    assert not kept.entry.runtime_data.bridge.steward.counter().progress()
    told = {each["number"]: each for each in await rows(kept)}
    assert told[both[0]["number"]]["outcome"] == "handed_over"
    gone = told[both[1]["number"]]
    assert (gone["outcome"], gone["why"]) == ("broken_off", "left")
    assert gone["size_bytes"] < len(archive)


async def broken_off(kept: Stage, end: Callable[[], Any]) -> dict[str, Any]:
    """Do something in the middle of a download, which must not come to its end."""
    made = await approved(kept)
    async with download(kept, made["path"]) as answer:
        assert await answer.content.read(1000)
        await end()
        with pytest.raises(aiohttp.ClientPayloadError):
            await answer.read()
    return await ended(kept)


async def test_a_role_that_ends_stops_a_download(kept: Stage) -> None:
    async def end() -> None:
        kept.hass.config_entries.async_update_entry(
            kept.entry, data={**kept.entry.data, "manager_user_id": "someone-else"}
        )
        await kept.hass.async_block_till_done()

    assert (await broken_off(kept, end))["why"] == "refused"


@HANGING_UP
async def test_a_login_that_ends_stops_a_download(kept: Stage) -> None:
    async def end() -> None:
        manager = await kept.hass.auth.async_get_user(MANAGER)
        assert manager is not None
        for each in list(manager.refresh_tokens.values()):
            kept.hass.auth.async_remove_refresh_token(each)

    assert (await broken_off(kept, end))["why"] == "refused"


async def test_a_site_that_stops_breaks_a_download_off(kept: Stage) -> None:
    async def end() -> None:
        assert await kept.hass.config_entries.async_unload(kept.entry.entry_id)

    assert (await broken_off(kept, end))["why"] == "stopped"
