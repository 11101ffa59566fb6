"""Who may watch, over the real HTTP and WebSocket stack: all doors, all kinds of people.

The doors are read from the running app: a new one without a row here fails. Home Assistant's own
doors are in test_watching_elsewhere.py, tricks with what is asked for in test_watching_tricks.py.
"""

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from aiohttp import WSMsgType
from homeassistant.components import media_source, persistent_notification
from homeassistant.components.media_source import Unresolvable
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component

from custom_components.camera_steward import panel
from custom_components.camera_steward.const import DOMAIN
from custom_components.camera_steward.core.ledger.entry import EntryKind

from .sites import DOOR, MANAGER, async_ledger
from .watching import (
    FORBIDDEN,
    HANGING_UP,
    NO_SITE,
    NOWHERE,
    OUTSIDE,
    OUTSIDERS,
    ROOT,
    Person,
    Stage,
    approved,
    let_in,
    pictures,
    places,
    played,
    uninvited,
    unsigned,
)


async def test_the_manager_watches_and_it_is_on_record(stage: Stage) -> None:
    refused = await stage.browse(stage.manager, ROOT)
    assert "accept the pledge" in refused["error"]["message"]
    await let_in(stage)
    assert not await async_ledger(stage.hass, stage.entry, EntryKind.VIEWING_STARTED)
    addresses, media = await played(stage)
    assert len(addresses) > 2
    assert pictures(media) > 10
    (started,) = await async_ledger(stage.hass, stage.entry, EntryKind.VIEWING_STARTED)
    assert (started.data["user"], started.data["purpose"]) == (MANAGER, "incident_check")

    now = datetime.now(UTC)
    span = {
        "start": (now - timedelta(hours=1)).isoformat(),
        "end": (now + timedelta(hours=1)).isoformat(),
    }
    command = {"entry_id": stage.entry.entry_id, **span}
    found = await stage.ws(stage.manager, f"{DOMAIN}/viewings", **command)
    kinds = [(each["kind"], each["refusal"]) for each in found["result"]["viewings"]]
    assert ("playback", None) in kinds
    assert ("browse", "not_pledged") in kinds
    table = await stage.ws(stage.manager, f"{DOMAIN}/viewings", **command, as_csv=True)
    assert "Hanako Kumagaya" in table["result"]["csv"]

    await stage.hass.config_entries.async_unload(stage.entry.entry_id)
    (ended,) = await async_ledger(stage.hass, stage.entry, EntryKind.VIEWING_ENDED)
    watched = ended.data["watched"]
    assert isinstance(watched, list)
    assert len(watched) == 1


type Pairs = Iterator[tuple[str, str]]
"""Each time an address of what there is, and one of what there is not."""


def watch_addresses(stage: Stage, addresses: list[str]) -> Pairs:
    for each in unsigned(addresses):
        token = each.split("/")[5]
        yield each, each.replace(token, "A" * len(token))
        yield each, each.replace(stage.entry.entry_id, NO_SITE)
        yield each, f"{each.rpartition('/')[0]}/99999.m4s"


def picture_addresses(stage: Stage, addresses: list[str]) -> Pairs:
    there = stage.picture
    yield there, f"{there.rpartition('/')[0]}/999999"
    yield there, there.replace(DOOR, NOWHERE)
    yield there, there.replace(stage.entry.entry_id, NO_SITE)
    yield there, there.replace("incident_check", "idle_curiosity")


def package_addresses(stage: Stage, addresses: list[str]) -> Pairs:
    (there,) = unsigned([stage.package])
    yield there, f"{there.rpartition('/')[0]}/{'0' * 16}"
    yield there, there.replace(stage.entry.entry_id, NO_SITE)


def photo_addresses(stage: Stage, addresses: list[str]) -> Pairs:
    there = f"/api/{DOMAIN}/{stage.entry.entry_id}/photo/{'a' * 64}"
    yield there, there.replace("a" * 64, "b" * 64)
    yield there, there.replace(stage.entry.entry_id, NO_SITE)


def photos_addresses(stage: Stage, addresses: list[str]) -> Pairs:
    there = f"/api/{DOMAIN}/{stage.entry.entry_id}/photo"
    yield there, there.replace(stage.entry.entry_id, NO_SITE)


def utilization_addresses(what: str) -> Callable[[Stage, list[str]], Pairs]:
    def made(stage: Stage, addresses: list[str]) -> Pairs:
        there = f"/api/{DOMAIN}/{stage.entry.entry_id}/utilization/{NOWHERE}/{what}"
        yield there, there.replace(NOWHERE, "0" * 26)
        yield there, there.replace(stage.entry.entry_id, NO_SITE)

    return made


ROUTES: dict[str, Callable[[Stage, list[str]], Pairs]] = {
    f"/api/{DOMAIN}/{{entry_id}}/watch/{{token}}/{{file}}": watch_addresses,
    f"/api/{DOMAIN}/{{entry_id}}/picture/{{purpose}}/{{camera}}/{{sequence}}": picture_addresses,
    f"/api/{DOMAIN}/{{entry_id}}/package/{{disclosure}}": package_addresses,
    f"/api/{DOMAIN}/{{entry_id}}/photo/{{photo}}": photo_addresses,
    f"/api/{DOMAIN}/{{entry_id}}/photo": photos_addresses,
    **{
        f"/api/{DOMAIN}/{{entry_id}}/utilization/{{utilization}}/{what}": utilization_addresses(
            what
        )
        for what in ("background", "plan")
    },
}
NOW = datetime.now(UTC)
SPAN = {"start": NOW.isoformat(), "end": (NOW + timedelta(hours=1)).isoformat()}
ASKED = {"kind": "law", "recipient": "x", "reason": "x", "cameras": [DOOR], **SPAN}
MANAGERS: dict[str, dict[str, Any]] = {
    "copies": {},
    "exposure": {},
    "permissions": {},
    "permit": {"user_id": MANAGER, "name": "x", "cameras": [DOOR], "reason": "x", **SPAN},
    "recovery_kit": {"language": "ja"},
    "recovery_kit_taken": {},
    "withdraw": {"permission": "x"},
    "viewings": SPAN,
    "hold_renew": {"hold": "x", "reason": "x", "days": 1},
    "hold_review": {"hold": "x", "note": "x"},
    "hold_release": {"hold": "x", "reason": "x"},
    "disclosures": SPAN,
    "refuse_request": {**ASKED, "refusal": "x"},
    "disclose": {**ASKED, "identity": "x", "in_charge": "x"},
    "disclosure_record": {"disclosure": "x", "language": "ja"},
    "papers": {"language": "ja"},
    "paper": {"paper": "rules", "language": "ja"},
    "adopt_rules": {"version": "x", "adopted_on": "2026-01-05", "body": "x"},
    "records": {"kind": "inquiry"},
    "record_save": {"kind": "inquiry", "record": None, "fields": {}},
    "record_close": {"record": "x", "fields": {}},
    "removal": {"camera": None},
    "removal_begin": {"camera": DOOR, "decided_on": "2026-01-05", "body": "x", "erase": "limit"},
    "removal_finish": {"record": "x"},
    "removal_withdraw": {"record": "x", "reason": "x"},
    "utilization_view": {"utilization": NOWHERE, "view": {}},
    "utilization_learn": {"utilization": NOWHERE, "label": "x"},
}
APPOINTED: dict[str, dict[str, Any]] = {
    "tasks": {"language": "ja"},
    "task_done": {"task": f"post_sign:camera:{DOOR}"},
    "duties": {"language": "ja"},
    "utilizations": {"language": "ja"},
    "handover_form": {},
    "holds": {},
    "hold": {"cameras": [DOOR], "reason": "x", "requested_by": "x", "days": 1, **SPAN},
}
OWN: dict[str, dict[str, Any]] = {"own": {}, "accept": {"version": "x", "language": "ja"}}
MEDIA: dict[str, dict[str, Any]] = {
    "browse_media": {},
    "resolve_media": {},
    "search_media": {"search_query": "1"},
    "local_source/remove": {},
}


async def test_nobody_else_gets_a_byte_by_any_door(stage: Stage) -> None:
    """Every route and command of ours, read from the running app, by each kind of person."""
    hass = stage.hass
    routes = {each.canonical for each in hass.http.app.router.resources()}
    (page,) = [each for each in routes if each.startswith(f"/{DOMAIN}/")]
    assert {each for each in routes if DOMAIN in each} == {page, *ROUTES}
    commands = set(hass.data["websocket_api"])
    ours = {each.partition("/")[2] for each in commands if each.startswith(f"{DOMAIN}/")}
    assert ours == MANAGERS.keys() | APPOINTED.keys() | OWN.keys()
    media = {each.partition("/")[2] for each in commands if each.startswith("media_source/")}
    assert media == MEDIA.keys()
    await let_in(stage)
    addresses, _ = await played(stage)
    live = await stage.resolve(stage.manager, f"{stage.clip.rsplit('/', 3)[0]}/live")
    _, text = await stage.get(live["result"]["url"])
    moving = [live["result"]["url"], *(e for e in text.decode().splitlines() if e[:1] == "/")]
    await approved(stage)
    people = await uninvited(stage)
    begun = asyncio.get_running_loop().time()
    for kind, waited in people.items():
        person = await stage.reconnected(waited)
        for make in ROUTES.values():
            for pair in make(stage, [*addresses, *moving]):
                await shut_over_http(stage, kind, person, pair)
        await only_the_page(stage, page, person)
        for each in [*addresses, *moving]:
            # An address with a signature that is not its own.
            for forged in (each[:-3] + "abc", each.replace("authSig=", "authSig=e30")):
                answer = await stage.fetch("GET", forged, person.headers)
                assert answer[:2] == FORBIDDEN, (kind, forged)
        if person.socket is not None:
            await shut_in_the_media_browser(stage, kind, person)
            await shut_to_commands(stage, kind, person)
    minutes = 1 + int((asyncio.get_running_loop().time() - begun) / 60)

    # One entry a person and minute, however many doors were tried; and nobody is banned for it.
    users = [each["user"] for each in await stage.denied()]
    for kind, person in people.items():
        user = person.user.id if person.user is not None else None
        assert 1 <= users.count(user) <= minutes, kind
    known = {person.user.id if person.user is not None else None for person in people.values()}
    assert set(users) <= known | {MANAGER}
    assert stage.nobody_is_banned()
    notices = persistent_notification._async_get_or_create_notifications(hass)
    assert not {each for each in notices if each in ("http-login", "ip-ban")}
    # The manager is not disturbed by all this.
    assert (await stage.get(addresses[1]))[0] == HTTPStatus.OK
    status, archive = await stage.get(stage.package)
    assert (status, archive[:4]) == (HTTPStatus.OK, b"PK\x03\x04")


async def only_the_page(stage: Stage, page: str, person: Person) -> None:
    """Every browser may load the files of the page, which hold no more than how it looks."""
    folder = Path(panel.__file__).parent / "frontend"
    assert {each.suffix for each in folder.rglob("*")} == {".js"}
    for name in ("", "/", "/..", "/../keys.py", "/%2e%2e/keys.py", "/..%2fkeys.py", "/nothing.js"):
        status, _, _ = await stage.fetch("GET", page + name, person.headers)
        assert status in (400, 403, 404), name


async def shut_over_http(stage: Stage, kind: str, person: Person, pair: tuple[str, str]) -> None:
    for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
        there, missing = [await stage.fetch(method, each, person.headers) for each in pair]
        assert there == missing, (kind, method, pair)
        if method == "GET":
            assert there[:2] == FORBIDDEN, (kind, pair)
        else:
            assert there[0] in (HTTPStatus.FORBIDDEN, HTTPStatus.METHOD_NOT_ALLOWED)
    if person.socket is not None:
        signed = [await stage.sign(person, each) for each in pair]
        answers = [await stage.fetch("GET", each) for each in signed]
        assert answers[0] == answers[1]
        assert answers[0][:2] == FORBIDDEN, (kind, pair)


async def shut_in_the_media_browser(stage: Stage, kind: str, person: Person) -> None:
    line = OUTSIDE if kind.startswith("guest") else OUTSIDERS
    for command, more in MEDIA.items():
        for pair in places(stage.clip):
            there, missing = [
                await stage.ws(
                    person.socket, f"media_source/{command}", media_content_id=each, **more
                )
                for each in pair
            ]
            assert there["error"] == missing["error"], (kind, command, pair)
            if command != "local_source/remove":
                assert there["error"]["message"].startswith(line), (kind, command, pair)
    if kind.startswith("guest"):
        return
    there, missing = [
        await stage.browse(person.socket, f"{ROOT}/{each}")
        for each in (stage.entry.entry_id, NO_SITE)
    ]
    assert there["error"] == missing["error"]
    if kind.startswith("operator"):
        # They have a site of their own, and no hint at this one.
        root = await stage.browse(person.socket, ROOT)
        assert stage.entry.entry_id not in str(root["result"])
        return
    for where in ("", "/no/such/place", "/..", "/" + "x" * 10_000, "/a/b/c/9999-12-31"):
        for command in ("browse_media", "resolve_media", "search_media"):
            answer = await stage.ws(
                person.socket,
                f"media_source/{command}",
                media_content_id=ROOT + where,
                **MEDIA[command],
            )
            if (command, where) != ("resolve_media", ""):
                assert answer["error"]["message"].startswith(OUTSIDERS), (kind, command, where)
            assert not answer["success"]


async def shut_to_commands(stage: Stage, kind: str, person: Person) -> None:
    own = (await stage.ws(person.socket, f"{DOMAIN}/own"))["result"]
    mine = {"guest at another camera": stage.entry, "operator of another site": stage.other}
    assert [each["entry_id"] for each in own] == [
        each.entry_id for who, each in mine.items() if who == kind
    ]
    for command, more in {**MANAGERS, **APPOINTED, "accept": OWN["accept"]}.items():
        there, missing = [
            await stage.ws(person.socket, f"{DOMAIN}/{command}", entry_id=each, **more)
            for each in (stage.entry.entry_id, NO_SITE)
        ]
        if (command, kind) == ("accept", "guest at another camera"):
            assert there["error"]["code"] == "pledge_stale"
            continue
        assert there["error"] == missing["error"], (kind, command)
        assert there["error"]["code"] == "refused", (kind, command)


@HANGING_UP
async def test_no_command_is_carried_out_before_a_login(
    hass: HomeAssistant, hass_client_no_auth: Callable[..., Any]
) -> None:
    assert await async_setup_component(hass, "websocket_api", {})
    assert await async_setup_component(hass, DOMAIN, {})
    client = await hass_client_no_auth()
    for command in (*MANAGERS, *APPOINTED, *OWN):
        for token in (None, "garbage"):
            socket = await client.ws_connect("/api/websocket")
            assert (await socket.receive_json())["type"] == "auth_required"
            if token is not None:
                await socket.send_json({"type": "auth", "access_token": token})
            else:
                await socket.send_json({"id": 1, "type": f"{DOMAIN}/{command}"})
            assert (await socket.receive_json())["type"] == "auth_invalid"
            assert (await socket.receive()).type is WSMsgType.CLOSE
            await socket.close()


async def test_who_has_a_site_of_their_own_tried_nothing_at_another(stage: Stage) -> None:
    await stage.pledge(stage.manager)
    root = await stage.browse(stage.manager, ROOT)
    assert root["success"]
    assert await stage.denied(stage.other) == []
    # Asked for by name, it is a try.
    answer = await stage.browse(stage.manager, f"{ROOT}/{stage.other.entry_id}")
    assert answer["error"]["message"].startswith(OUTSIDERS)
    (denied,) = await stage.denied(stage.other)
    assert denied["user"] == MANAGER


async def test_an_address_ends_with_the_role(stage: Stage) -> None:
    await let_in(stage)
    addresses, _ = await played(stage)
    bridge = stage.entry.runtime_data.bridge
    stage.hass.config_entries.async_update_entry(
        stage.entry, data={**stage.entry.data, "manager_user_id": "someone-else"}
    )
    await stage.hass.async_block_till_done()
    assert stage.entry.runtime_data.bridge is bridge  # recording went on
    for address in addresses:
        assert (await stage.get(address))[0] == HTTPStatus.FORBIDDEN
    answer = await stage.browse(stage.manager, stage.clip)
    assert not answer["success"]
    (ended,) = await async_ledger(stage.hass, stage.entry, EntryKind.VIEWING_ENDED)
    assert ended.data["why"] == "refused"


async def test_no_screen_but_ones_own_and_no_automation(stage: Stage) -> None:
    await let_in(stage)
    for player in ("media_player.hall", None):
        with pytest.raises(Unresolvable, match="only to the person who asks"):
            await media_source.async_resolve_media(stage.hass, stage.clip, player)
