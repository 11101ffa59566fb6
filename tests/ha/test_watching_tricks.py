"""Tricks with what is asked for, each as someone who would be let in otherwise."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any

import aiohttp
import jwt
import pytest
from homeassistant.components import media_source
from homeassistant.components.http.auth import async_sign_path
from homeassistant.components.media_player import BrowseError
from homeassistant.components.media_source import Unresolvable
from homeassistant.core import Event, HomeAssistant, ServiceCall

from custom_components.camera_steward.const import DOMAIN
from custom_components.camera_steward.core.clock import SystemClock
from custom_components.camera_steward.core.ledger.entry import EntryKind

from .sites import DOOR, MANAGER, YARD, async_ledger
from .watching import (
    FORBIDDEN,
    GATE,
    HANGING_UP,
    LONG_LIVED,
    NOWHERE,
    OUTSIDE,
    OUTSIDERS,
    ROOT,
    Person,
    Stage,
    found,
    let_in,
    pictures,
    places,
    played,
    unsigned,
)

LOOK_ALIKES = ("１２", "ⅠⅡ", "i‌ncident_check", "іncident_check", "٢٠٢٦-٠١-٠١")
PARTS = (
    "..",
    "/etc/passwd",
    "x" * 10_000,
    "a\0b",
    "%2e%2e",
    "-1",
    "99999999999999999999",
    "-9223372036854775809",
    "1_0",
    "+1",
    "2026-W01-1",
    "0001-01-01",
    "1999-12-31",
    "2200-01-01",
    "9999-12-31",
    "00010101T0000Z",
    "99991231T2300Z",
    *LOOK_ALIKES,
)


def nothing_unknown(caplog: pytest.LogCaptureFixture) -> bool:
    """Return whether nothing failed in a way that nobody had thought of."""
    return not [each for each in caplog.records if each.exc_info]


# What is asked for


async def test_tricks_with_names_lead_nowhere(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    await let_in(stage)
    base = f"{ROOT}/{stage.entry.entry_id}"
    day, hour, _ = stage.clip.split("/")[-3:]
    for part in PARTS:
        for where in (
            f"{base}/{part}",
            f"{base}/incident_check/{part}",
            f"{base}/incident_check/{DOOR}/{part}",
            f"{base}/incident_check/{DOOR}/{part}/{hour}",
            f"{base}/incident_check/{DOOR}/{day}/{part}",
            f"{base}/incident_check/{DOOR}/9999-12-31/{part}",
            f"{stage.clip}/{part}",
        ):
            answer = await stage.browse(stage.manager, where)
            assert not answer["success"], where
            assert answer["error"]["code"] == "browse_media_failed", where
            answer = await stage.resolve(stage.manager, where)
            assert answer["error"]["code"] == "resolve_media_failed", where
            answer = await stage.ws(
                stage.manager,
                "media_source/search_media",
                media_content_id=where,
                search_query="1",
            )
            assert answer["error"]["code"] == "search_media_failed", where
        # Where a number is expected, any number is one of a clip that may not be there.
        answer = await stage.resolve(stage.manager, f"{base}/incident_check/{DOOR}/{hour}/{part}")
        assert answer["error"]["code"] == "resolve_media_failed", part
        answer = await stage.resolve(stage.manager, stage.clip.rpartition("/")[0] + f"/{part}")
        assert answer["error"]["code"] == "resolve_media_failed", part
    for where in (f"{base}//{DOOR}", f"{base}/incident_check//{day}", f"{base}/", f"{base}\n/x"):
        assert not (await stage.browse(stage.manager, where))["success"], where
    assert nothing_unknown(caplog)


async def test_tricks_with_addresses_lead_nowhere(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    await let_in(stage)
    addresses, _ = await played(stage)
    _, _, _, entry, _, token, _ = unsigned(addresses)[1].split("/")
    sequence = stage.picture.rpartition("/")[2]
    headers = (await stage.log_in(await manager_of(stage))).headers
    assert (await stage.get(stage.picture, **headers))[0] == HTTPStatus.OK
    picture = f"/api/{DOMAIN}/{entry}/picture"
    tricks = [
        "..",
        "%2e%2e",
        "%2e%2e%2f%2e%2e%2fetc%2fpasswd",
        "..%5c..%5c",
        "%2fetc%2fpasswd",
        "%00",
        "a%00b",
        "%ff%fe",
        "x" * 7000,
        "%EF%BC%91",
        "%D9%A1",
        "-1",
        "%2B1",
        "1_0",
        "0x1",
        "1e1",
        "9" * 15,
        "9" * 16,
        "9" * 5000,
        "9223372036854775808",
        "*",
        "%",
        "%7B%7D",
    ]
    for part in tricks:
        for address in (
            f"/api/{DOMAIN}/{part}/picture/incident_check/{DOOR}/{sequence}",
            f"{picture}/{part}/{DOOR}/{sequence}",
            f"{picture}/incident_check/{part}/{sequence}",
            f"{picture}/incident_check/{DOOR}/{part}",
            f"{picture}/incident_check/{DOOR}/{sequence}/{part}",
            f"/api/{DOMAIN}/{part}/watch/{token}/0.mp4",
            f"/api/{DOMAIN}/{entry}/watch/{part}/0.mp4",
            f"/api/{DOMAIN}/{entry}/watch/{token}/{part}",
            f"/api/{DOMAIN}/{entry}/watch/{token}/{part}.m4s",
            f"/api/{DOMAIN}/{entry}/watch/{token}/0.m4s/{part}",
        ):
            status, body, _ = await stage.fetch("GET", address, headers)
            # Home Assistant itself answers what is no address of ours, or looks like an attack.
            assert status in (400, 403, 404), (status, address)
            assert len(body) < 1000
    wrong = [
        (YARD, sequence),
        (GATE, sequence),
        (NOWHERE, sequence),
        (DOOR.lower(), sequence),
        (DOOR, "0"),
    ]
    for camera, number in wrong:
        address = f"{picture}/incident_check/{camera}/{number}"
        assert (await stage.fetch("GET", address, headers))[:2] == FORBIDDEN
    address = stage.picture.replace(entry, stage.other.entry_id)
    assert (await stage.fetch("GET", address, headers))[:2] == FORBIDDEN
    assert stage.nobody_is_banned()
    assert nothing_unknown(caplog)


async def test_a_purpose_that_is_not_on_the_list_opens_nothing_and_is_on_record(
    stage: Stage,
) -> None:
    await let_in(stage)
    headers = (await stage.log_in(await manager_of(stage))).headers
    for purpose in ("idle_curiosity", "Incident_Check", "incident_check%20", "None"):
        address = stage.picture.replace("incident_check", purpose)
        assert await stage.get(address, **headers) == FORBIDDEN
        place = stage.clip.replace("incident_check", purpose)
        for command in ("browse_media", "resolve_media"):
            answer = await stage.ws(
                stage.manager, f"media_source/{command}", media_content_id=place
            )
            assert answer["error"]["message"].startswith(OUTSIDERS)
    # The manager's first try, before the pledge, is more than a minute's only entry otherwise.
    (denied,) = await stage.denied()
    assert (denied["user"], denied["refusal"], denied["purpose"]) == (MANAGER, "purpose", None)


# What is sent with a command


def bad_moments() -> Iterator[object]:
    yield from ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "9999-12-31T23:59:59")
    yield from ("0001-01-01", "1999-12-31T23:59:59Z", "2200-01-01", "2026-01-01T00:00:00+99:99")
    yield from ("2026-01-01T00:00:00Z\0", "٢٠٢٦-01-01T00:00:00", "", "now", "x" * 10_000)
    yield from (0, -1, 1e300, True, None, [], {}, "-2026-01-01T00:00:00Z", "2026-13-01T00:00:00Z")


def bad_commands() -> Iterator[tuple[str, dict[str, Any], set[str]]]:
    """Yield command, what is wrong in it, and what it may be called."""
    for each in bad_moments():
        for field in ("start", "end"):
            yield "permit", {field: each}, {"invalid_format"}
            yield "viewings", {field: each}, {"invalid_format"}
    lengths: tuple[object, ...] = ("inf", "-inf", "nan", "Infinity", "1e300", 1e300, "1e999")
    for hours in (*lengths, 24.001, 0, -1, 2**63, "", "x", [], {}, None, "9" * 5000):
        yield "permit", {"hours": hours}, {"invalid_format"}
    yield "permit", {"hours": 1e-12}, {"permission_invalid"}
    texts: tuple[object, ...] = (1, None, [])
    for text in texts:
        yield "permit", {"name": text}, {"invalid_format"}
        yield "permit", {"reason": text}, {"invalid_format"}
    # Not by the schema, which would log what was written.
    for blank in ("", "x" * 501, " ", "\t\n", "　"):
        yield "permit", {"name": blank}, {"permission_invalid"}
        yield "permit", {"reason": blank}, {"permission_invalid"}
    for id_ in ("", "x" * 10_000, "a\0b", "..", "１２", "' OR 1=1 --", "*"):
        yield "permit", {"user_id": id_}, {"permission_invalid"}
        yield "permit", {"cameras": [id_]}, {"permission_invalid"}
        yield "permit", {"cameras": [DOOR, id_]}, {"permission_invalid"}
        yield "permit", {"entry_id": id_}, {"refused"}
        yield "permissions", {"entry_id": id_}, {"refused"}
        yield "withdraw", {"entry_id": id_}, {"refused"}
        yield "viewings", {"entry_id": id_}, {"refused"}
        yield "accept", {"entry_id": id_}, {"refused"}
        yield "accept", {"version": id_}, {"pledge_stale"}
        yield "accept", {"language": id_}, {"invalid_format"}
    yield "permit", {"cameras": []}, {"permission_invalid"}
    yield "permit", {"cameras": [GATE]}, {"permission_invalid"}
    yield "permit", {"cameras": DOOR}, {"invalid_format"}
    yield "permit", {"cameras": [[DOOR]]}, {"invalid_format"}
    wrongs: tuple[object, ...] = (1, None, [], {})
    for command in ("permissions", "permit", "withdraw", "viewings", "accept"):
        for wrong in wrongs:
            yield command, {"entry_id": wrong}, {"invalid_format"}
        yield command, {"more": 1}, {"invalid_format"}
    yield "own", {"more": 1}, {"invalid_format"}
    yield "viewings", {"as_csv": "yes"}, {"invalid_format"}


async def test_what_is_wrong_in_a_command_is_said_and_nothing_fails(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    await let_in(stage)
    now = datetime.now(UTC)
    span = {"start": now.isoformat(), "end": (now + timedelta(hours=1)).isoformat()}
    entry = {"entry_id": stage.entry.entry_id}
    guest = await stage.hass.auth.async_create_user("Guest")
    good: dict[str, dict[str, Any]] = {
        "own": {},
        "accept": {**entry, "version": "x", "language": "ja"},
        "permissions": entry,
        "permit": {**entry, **span, "user_id": guest.id, "name": "Jiro Gyoda", "cameras": [DOOR]},
        "withdraw": {**entry, "permission": "x"},
        "viewings": {**entry, **span},
    }
    good["permit"]["reason"] = "A broken window"
    assert (await stage.ws(stage.manager, f"{DOMAIN}/permit", **good["permit"]))["success"]
    for command, wrong, codes in bad_commands():
        answer = await stage.ws(stage.manager, f"{DOMAIN}/{command}", **good[command] | wrong)
        assert not answer["success"], (command, wrong)
        assert answer["error"]["code"] in codes, (command, wrong, answer["error"])
    for odd in ("x" * 10_000, "a\0b", "１２", ".."):
        answer = await stage.ws(
            stage.manager, f"{DOMAIN}/withdraw", **good["withdraw"] | {"permission": odd}
        )
        assert answer["result"] is False
        for name in ("camera", "user_id"):
            answer = await stage.ws(
                stage.manager, f"{DOMAIN}/viewings", **good["viewings"] | {name: odd}
            )
            assert answer["result"]["viewings"] == []
    given = await stage.ws(stage.manager, f"{DOMAIN}/permissions", **entry)
    assert len(given["result"]["permissions"]) == 1
    for each in bad_moments():
        answer = await stage.ws(
            stage.manager,
            "call_service",
            domain=DOMAIN,
            service="footage_summary",
            service_data={"config_entry_id": stage.entry.entry_id, "start": each},
            return_response=True,
        )
        assert answer["error"]["code"] in ("invalid_format", "service_validation_error"), each
    assert nothing_unknown(caplog)


# Ranges


RANGES = (
    "bytes=5-2",
    "bytes=0-0",
    "bytes=-1",
    "bytes=-0",
    "bytes=0-",
    "bytes=99999999999999999999-",
    "bytes=0-99999999999999999999",
    "bytes=" + ",".join(f"{each}-{each}" for each in range(900)),
    "bytes=--1",
    "bytes=a-b",
    "bytes=１-２".encode().decode("latin-1"),
    "lines=1-2",
    "bytes",
    "",
)


async def test_ranges_change_nothing(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    """To whom it is given it is given whole, and to others not at all."""
    await let_in(stage)
    addresses, _ = await played(stage)
    manager = await stage.log_in(await manager_of(stage))
    resident = await stage.log_in(await stage.hass.auth.async_create_user("Resident"))
    picture = await stage.sign(manager, stage.picture)
    for address in (*addresses[1:3], picture):
        whole = await stage.fetch("GET", address)
        assert whole[0] == HTTPStatus.OK
        for each in RANGES:
            asked = {"Range": each, "If-Range": "x"}
            assert await stage.fetch("GET", address, asked) == whole, each
            path = address.partition("?")[0]
            answer = await stage.fetch("GET", path, asked | resident.headers)
            assert answer[:2] == FORBIDDEN, each
    playlist, *_ = addresses
    for each in RANGES:
        status, text, _ = await stage.fetch("GET", playlist, {"Range": each})
        assert (status, text[:7]) == (HTTPStatus.OK, b"#EXTM3U")
    assert nothing_unknown(caplog)


# Addresses of others, old ones, edited ones


async def manager_of(stage: Stage) -> Any:
    return await stage.hass.auth.async_get_user(MANAGER)


async def is_hung_up(person: Person) -> bool:
    """Return whether a WebSocket is closed from the other side."""
    message = await person.socket.receive()
    await person.socket.close()
    return bool(message.type is aiohttp.WSMsgType.CLOSE)


async def test_an_address_is_of_one_session_and_one_place(stage: Stage) -> None:
    await let_in(stage)
    addresses, media = await played(stage)
    again = await stage.log_in(await manager_of(stage))
    operator, _ = await stage.operator()
    resident = await stage.log_in(await stage.hass.auth.async_create_user("Resident"))
    for address in addresses:
        path = address.partition("?")[0]
        for other in (again, operator, resident):
            # By their own login, by a signature of their own, and with a stolen signature besides.
            assert await stage.get(path, **other.headers) == FORBIDDEN
            assert await stage.get(await stage.sign(other, path)) == FORBIDDEN
            assert await stage.get(address, **other.headers) == FORBIDDEN
    elsewhere = aiohttp.TCPConnector(local_addr=("127.0.0.2", 0))
    async with aiohttp.ClientSession(connector=elsewhere) as session:
        for address in addresses:
            async with session.get(stage.http.make_url(address)) as answer:
                assert (answer.status, await answer.read()) == FORBIDDEN
    refused = {(each["user"], each["client"], each["refusal"]) for each in await stage.denied()}
    assert (resident.user.id if resident.user else "", "127.0.0.1", "address") in refused
    assert stage.nobody_is_banned()
    assert (await played(stage))[1] == media


async def test_an_edited_signature_opens_nothing(stage: Stage) -> None:
    await let_in(stage)
    addresses, _ = await played(stage)
    play, init, piece, *_ = addresses
    path, signature = piece.split("?authSig=")
    head, claims, mark = signature.split(".")
    other = init.split("?authSig=")[1]
    told = jwt.decode(signature, options={"verify_signature": False})
    forged = [
        jwt.encode({**told, "exp": told["exp"] + 10**6}, "guessed" * 8, "HS256"),
        jwt.encode({**told, "path": path}, "", "none"),
        jwt.encode({**told, "iss": "x"}, "x" * 32, "HS256"),
    ]
    edited = [
        *(f"{path}?authSig={each}" for each in forged),
        f"{path}?authSig={signature[:-1]}",
        f"{path}?authSig={signature[:20]}",
        f"{path}?authSig={head}.{claims}.",
        f"{path}?authSig={head}.{claims}",
        f"{path}?authSig={head}.{claims[:-3]}.{mark}",
        f"{path}?authSig=",
        f"{path}?authSig",
        f"{path}?authSig={other}",
        f"{path}?authsig={signature}",
        f"{path}?authSig={other}&authSig={signature}",
        f"{path}?authSig={signature}&more=1",
        f"{path}?more=1&authSig={signature}",
        f"{init.partition('?')[0]}?authSig={signature}",
        f"{play.partition('?')[0]}?authSig={signature}",
        f"{path.rpartition('/')[0]}/stored.m3u8?authSig={signature}",
        f"{path.replace('.m4s', '.ts')}?authSig={signature}",
        f"{path.upper()}?authSig={signature}",
        f"{path}/?authSig={signature}",
        f"{stage.picture}?authSig={signature}",
    ]
    for each in edited:
        status, body = await stage.get(each)
        assert status in (HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND), each
        assert len(body) < 100
    for method in ("POST", "PUT", "DELETE"):
        status, body, _ = await stage.fetch(method, piece)
        assert status in (HTTPStatus.FORBIDDEN, HTTPStatus.METHOD_NOT_ALLOWED)
    assert stage.nobody_is_banned()
    assert (await stage.get(piece))[0] == HTTPStatus.OK


@HANGING_UP
async def test_old_addresses_of_a_former_operator_and_of_an_inactive_one(stage: Stage) -> None:
    await let_in(stage)
    former, appointment = await stage.operator()
    inactive, _ = await stage.operator()
    signed: list[str] = []
    for person in (former, inactive):
        clip, picture = await found(stage, person.socket)
        play = (await stage.resolve(person.socket, clip))["result"]["url"]
        addresses, media = await played(stage, play)
        assert pictures(media) > 10
        small = await stage.sign(person, picture)
        assert (await stage.get(small))[0] == HTTPStatus.OK
        signed += [*addresses, small]
    stage.hass.config_entries.async_remove_subentry(stage.entry, appointment.subentry_id)
    assert inactive.user is not None
    await stage.hass.auth.async_deactivate_user(inactive.user)
    await stage.hass.async_block_till_done()
    for address in signed:
        for headers in ({}, former.headers, inactive.headers):
            assert await stage.get(address, **headers) == FORBIDDEN
    assert await is_hung_up(inactive)
    for pair in places(stage.clip):
        there, missing = [await stage.browse(former.socket, each) for each in pair]
        assert there["error"] == missing["error"]
    ended = await async_ledger(stage.hass, stage.entry, EntryKind.VIEWING_ENDED)
    assert "refused" in {each.data["why"] for each in ended}
    assert {each["user"] for each in await stage.denied()} >= {
        former.user.id if former.user else "",
        None,
    }
    assert stage.nobody_is_banned()


@HANGING_UP
async def test_a_long_lived_token_is_its_operator_s_until_it_is_revoked(stage: Stage) -> None:
    await let_in(stage)
    program, _ = await stage.operator(**LONG_LIVED)
    clip, picture = await found(stage, program.socket)
    addresses, media = await played(
        stage, (await stage.resolve(program.socket, clip))["result"]["url"]
    )
    assert pictures(media) > 10
    assert (await stage.get(picture, **program.headers))[0] == HTTPStatus.OK
    started = await async_ledger(stage.hass, stage.entry, EntryKind.VIEWING_STARTED)
    assert program.user is not None
    assert program.user.id in {each.data["user"] for each in started}
    # It is a session of its own: the operator's browser cannot use what it was given.
    browser = await stage.log_in(program.user)
    for address in unsigned(addresses):
        assert await stage.get(address, **browser.headers) == FORBIDDEN
        assert (await stage.get(address, **program.headers))[0] == HTTPStatus.OK
    # Nor does it make anyone the manager.
    answer = await stage.ws(program.socket, f"{DOMAIN}/permissions", entry_id=stage.entry.entry_id)
    assert answer["error"]["code"] == "refused"
    assert program.session is not None
    stage.hass.auth.async_remove_refresh_token(program.session)
    assert await is_hung_up(program)
    for address in (*addresses, *unsigned(addresses), picture):
        assert await stage.get(address, **program.headers) == FORBIDDEN
    assert stage.nobody_is_banned()


# Guests


async def test_a_guest_sees_what_is_permitted_and_no_hint_of_more(stage: Stage) -> None:
    await let_in(stage)
    entry, _, _, day, hour, number = stage.clip.removeprefix(f"{ROOT}/").split("/")
    door = f"{ROOT}/{entry}/incident_check/{DOOR}"
    inside = await stage.guest([DOOR])
    clip, picture = await found(stage, inside.socket)
    _, media = await played(stage, (await stage.resolve(inside.socket, clip))["result"]["url"])
    assert pictures(media) > 10
    assert (await stage.get(picture, **inside.headers))[0] == HTTPStatus.OK

    past = datetime.now(UTC) - timedelta(days=3)
    outside = await stage.guest(
        [DOOR], start=past.isoformat(), end=(past + timedelta(minutes=5)).isoformat()
    )
    for asked in (clip, clip.rpartition("/")[0], f"{door}/{day}/{hour}/{int(number) + 9999}"):
        answer = await stage.resolve(outside.socket, asked)
        assert answer["error"]["message"] == OUTSIDE, asked
    nothing = f"{door}/2031-02-03/20310203T0400Z"
    assert (await stage.resolve(outside.socket, nothing))["error"]["message"] == OUTSIDE
    for asked in (door, f"{door}/{day}", f"{door}/{day}/{hour}", nothing):
        assert (await stage.browse(outside.socket, asked))["result"]["children"] == [], asked
        answer = await stage.ws(
            outside.socket,
            "media_source/search_media",
            media_content_id=asked,
            search_query=":",
        )
        assert answer["result"]["result"] == [], asked
    for address in (picture, f"{picture.rpartition('/')[0]}/999999"):
        assert await stage.get(address, **outside.headers) == FORBIDDEN
    for guest in (inside, outside):
        yard, nowhere = [
            await stage.browse(guest.socket, f"{ROOT}/{entry}/incident_check/{each}")
            for each in (YARD, NOWHERE)
        ]
        assert yard["error"] == nowhere["error"]
        cameras = await stage.browse(guest.socket, f"{ROOT}/{entry}/incident_check")
        assert YARD not in str(cameras["result"])
    denied = [each["user"] for each in await stage.denied()]
    assert {guest.user.id for guest in (inside, outside) if guest.user} <= set(denied)
    assert stage.nobody_is_banned()


async def test_no_clock_gives_a_guest_more(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the clock jumps nothing is shown; what has ended by it has ended for good."""
    by = timedelta()
    vouched = False
    monkeypatch.setattr(SystemClock, "now", lambda self: datetime.now(UTC) + by)
    monkeypatch.setattr(SystemClock, "synchronised", lambda self: vouched)
    await let_in(stage)
    guest = await stage.guest([DOOR])
    clip, picture = await found(stage, guest.socket)
    addresses, _ = await played(stage, (await stage.resolve(guest.socket, clip))["result"]["url"])
    small = await stage.sign(guest, picture)

    async def tick() -> None:
        await stage.hass.services.async_call(
            DOMAIN, "purge", {"config_entry_id": stage.entry.entry_id}, blocking=True
        )

    async def shut() -> bool:
        refused = [await stage.get(each) == FORBIDDEN for each in (*addresses, small)]
        answers = [await stage.browse(guest.socket, clip), await stage.resolve(guest.socket, clip)]
        assert len({*refused, *(not each["success"] for each in answers)}) == 1
        return refused[0]

    assert (await stage.get(small))[0] == HTTPStatus.OK
    for by in (timedelta(minutes=-30), timedelta(minutes=30), timedelta(days=-400)):
        await tick()
        assert await shut(), by
    by = timedelta()
    await tick()
    # The clock is back and vouched for: the permission has half an hour left. The old watch is over.
    assert (await stage.browse(guest.socket, clip))["success"]
    assert (await stage.get(small))[0] == HTTPStatus.OK
    for each in addresses:
        assert await stage.get(each) == FORBIDDEN

    # A jump that is believed ends it, and no jump back gives it anew.
    vouched, by = True, timedelta(hours=2)
    await tick()
    assert await shut()
    for by in (timedelta(), timedelta(hours=-1), timedelta(hours=2), timedelta()):
        await tick()
        assert await shut(), by
    own = (await stage.ws(guest.socket, f"{DOMAIN}/own"))["result"]
    assert own == []
    # The manager, who is appointed and not permitted, is not concerned.
    assert (await stage.browse(stage.manager, stage.clip))["success"]


# Automations and what Home Assistant itself logs in with


async def test_what_a_command_leaves_behind_is_nobody(stage: Stage) -> None:
    """An automation that a click of the manager's sets off still sees their connection."""
    await let_in(stage)
    hass: HomeAssistant = stage.hass
    answers: list[str] = []

    async def look() -> None:
        for asked in (
            media_source.async_browse_media(hass, stage.clip),
            media_source.async_resolve_media(hass, stage.clip, None),
        ):
            try:
                await asked
                answers.append("let in")
            except (Unresolvable, BrowseError) as err:
                answers.append(str(err))

    async def clicked(call: ServiceCall) -> None:
        await look()
        hass.async_create_task(look())
        hass.bus.async_fire("clicked")

    async def heard(event: Event) -> None:
        await look()

    hass.services.async_register("test", "click", clicked)
    hass.bus.async_listen("clicked", heard)
    await stage.ws(stage.manager, "call_service", domain="test", service="click")
    await hass.async_block_till_done()
    assert len(answers) == 6
    assert all(each.startswith("Footage is shown only to the person") for each in answers)
    (denied,) = [each for each in await stage.denied() if each["user"] is None]
    assert denied["refusal"] == "automation"


async def test_what_home_assistant_signs_for_itself_opens_nothing(stage: Stage) -> None:
    await let_in(stage)
    addresses, _ = await played(stage)
    for address in (*unsigned(addresses), stage.picture):
        signed = async_sign_path(stage.hass, address, timedelta(hours=24), use_content_user=True)
        assert await stage.get(signed) == FORBIDDEN
    refusals = {each["refusal"] for each in await stage.denied() if each["user"] != MANAGER}
    assert refusals <= {"address", "inactive"}
    assert refusals
