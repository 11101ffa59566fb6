"""What Home Assistant itself shows, to all kinds of people: nothing of footage, watching or keys."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from homeassistant.components import frontend
from homeassistant.core import Context, HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import entity_registry as er
from pytest_homeassistant_custom_component.components.recorder.common import (
    async_wait_recording_done,
)

from custom_components.camera_steward.const import DOMAIN
from custom_components.camera_steward.keys import async_load
from tests.cameras import RtspCamera

from .sites import DOOR, entity_id
from .watching import FORBIDDEN, Person, Stage, async_stage, let_in, played, uninvited

COMPONENTS = ("api", "history", "logbook", "diagnostics", "repairs", "image")
PICTURES = (b"ftyp", b"moof", b"mdat", b"\xff\xd8\xff", b"\x89PNG", b"#EXTM3U")
"""How footage, pictures and playlists begin."""


@pytest.fixture(autouse=True)
def _integration(
    recorder_mock: None, enable_custom_integrations: None, socket_enabled: None
) -> None:
    """Let Home Assistant record its states, which must be said before it is made."""


@pytest.fixture
async def stage(
    hass: HomeAssistant,
    disk: Path,
    rtsp_camera: RtspCamera,
    hass_ws_client: Callable[..., Any],
    hass_client_no_auth: Callable[..., Any],
) -> Stage:
    """Set up a site whose manager watched; a failed login is no ban, for these doors count many."""
    stage = await async_stage(
        hass,
        disk,
        rtsp_camera,
        hass_ws_client,
        hass_client_no_auth,
        *COMPONENTS,
        login_attempts_threshold=-1,
    )
    await let_in(stage)
    await played(stage)
    return stage


async def secrets(stage: Stage) -> list[str]:
    """Return what only the register, the vault and a watch's own session may know."""
    keys = await async_load(stage.hass, stage.entry.entry_id)
    assert keys is not None
    viewings = [dict(each) for each in await stage.denied()]
    started = stage.entry.runtime_data.bridge.steward.lobby().watches.watching()
    return [
        "hunter2",
        stage.entry.data["manager_name"],
        stage.entry.data["vault_path"],
        keys.site_key.hex(),
        keys.signing_key.hex(),
        "Jiro Gyoda",
        "A broken window",
        *(str(each["viewing"]) for each in viewings),
        *(each.token for each in started),
        *(each.viewing.id for each in started),
        "incident_check",
    ]


def entities(stage: Stage) -> list[er.RegistryEntry]:
    """Return all entities that the steward makes."""
    found = er.async_get(stage.hass).entities.values()
    return [each for each in found if each.platform == DOMAIN]


async def test_what_is_shown_to_every_login_says_nothing_of_watching(stage: Stage) -> None:
    people = await uninvited(stage)
    for person in people.values():
        assert await stage.get(stage.picture, **person.headers) == FORBIDDEN
    assert len(await stage.denied()) > 5
    await async_wait_recording_done(stage.hass)
    private = await secrets(stage)
    day = (datetime.now(UTC) - timedelta(days=1)).isoformat()
    ids = [each.entity_id for each in entities(stage)]
    template = (
        "{{ states | map(attribute='attributes') | list }}"
        f"{{{{ integration_entities('{DOMAIN}') }}}}"
        f"{{{{ config_entry_attr('{stage.entry.entry_id}', 'title') }}}}"
        f"{{{{ device_attr(device_id('{ids[0]}'), 'identifiers') }}}}"
    )
    commands: dict[str, dict[str, Any]] = {
        "get_states": {},
        "get_config": {},
        "get_services": {},
        "render_template": {"template": template},
        "logbook/get_events": {"start_time": day},
        "history/history_during_period": {"start_time": day, "entity_ids": ids},
        "repairs/list_issues": {},
        "config/device_registry/list": {},
        "config/entity_registry/list": {},
        "config_entries/get": {},
        "config_entries/subentries/list": {"entry_id": stage.entry.entry_id},
        "media_source/browse_media": {},
    }
    addresses = (
        "/api/states",
        f"/api/states/{ids[0]}",
        f"/api/history/period/{day.replace('+', '%2B')}?filter_entity_id={','.join(ids)}",
        f"/api/logbook/{day.replace('+', '%2B')}",
        "/api/config",
        "/api/events",
        "/api/services",
        f"/api/diagnostics/config_entry/{stage.entry.entry_id}",
        page_of(stage),
    )
    seen: set[str] = set()
    for kind, person in people.items():
        for address in addresses:
            status, body, _ = await stage.fetch("GET", address, person.headers)
            assert_says_nothing(body, private, (kind, address))
            if status == HTTPStatus.OK:
                seen.add(address)
        status, body = await rendered(stage, person, template)
        assert_says_nothing(body, private, (kind, "template"))
        assert (status == HTTPStatus.OK) == (kind == "administrator"), kind
        for command, more in commands.items() if person.socket is not None else ():
            answer = await stage.ws(person.socket, command, **more)
            assert_says_nothing(json.dumps(answer).encode(), private, (kind, command))
            if command == "render_template" and answer["success"]:
                told = await person.socket.receive_json()
                assert DOOR in told["event"]["result"] or ids[0] in told["event"]["result"]
                assert_says_nothing(json.dumps(told).encode(), private, (kind, command))
                seen.add(command)
            elif answer["success"]:
                seen.add(command)
    # All of it was really looked at, by someone at least.
    assert seen == {*addresses, *commands}


def page_of(stage: Stage) -> str:
    config = stage.hass.data[frontend.DATA_PANELS]["camera-steward"].config
    assert config is not None
    return str(config["_panel_custom"]["module_url"])


async def rendered(stage: Stage, person: Person, template: str) -> tuple[int, bytes]:
    answer = await stage.http.post(
        "/api/template", json={"template": template}, headers=person.headers
    )
    return answer.status, await answer.read()


def assert_says_nothing(body: bytes, private: list[str], where: object) -> None:
    text = body.decode(errors="replace")
    assert [each for each in private if each in text] == [], where
    assert [each for each in PICTURES if each in body] == [], where


async def test_no_entity_of_the_steward_s_has_a_picture(stage: Stage) -> None:
    """Through whatever proxy: not for who may watch either, as no purpose was stated there."""
    people = await uninvited(stage)
    people["manager"] = await stage.log_in(await manager_of(stage))
    mine = entities(stage)
    assert {each.domain for each in mine} == {
        *("binary_sensor", "button", "calendar", "event", "image", "sensor", "switch", "todo"),
    }
    for kind, person in people.items():
        for each in mine:
            for proxy in (
                "camera_proxy",
                "camera_proxy_stream",
                "image_proxy",
                "image_proxy_stream",
            ):
                address = f"/api/{proxy}/{each.entity_id}?token=x"
                if each.domain == "image" and proxy.startswith("image"):
                    continue  # the sign, which hangs in the street
                status, body, _ = await stage.fetch("GET", address, person.headers)
                assert status in (401, 403, 404), (kind, address)
                assert len(body) < 100
            if person.socket is not None:
                for command, more in (
                    ("camera/stream", {}),
                    ("camera/webrtc/offer", {"offer": "v=0"}),
                    ("camera/capabilities", {}),
                ):
                    answer = await stage.ws(
                        person.socket, command, entity_id=each.entity_id, **more
                    )
                    assert not answer["success"], (kind, command)


async def manager_of(stage: Stage) -> Any:
    return await stage.hass.auth.async_get_user(stage.entry.data["manager_user_id"])


EVERY_LOGIN = {"purge", "footage_summary"}
"""They bring forward what is done anyway, or count; neither shows a picture."""
ADMINISTRATORS = {"verify", "end_guest_permissions"}
"""They check, or take away."""
ON_A_SWITCH = {"trigger"}
BY_ROLE: dict[str, dict[str, str]] = {
    "complete_task": {"task": f"check_sign:camera:{DOOR}"},
    "report_inquiry": {"content": "Why is there a camera?"},
}
"""For manager and operators, with what each asks for at least."""
WITHOUT_ANSWER = {"trigger", "complete_task"}


async def test_no_action_gives_footage_and_each_is_refused_as_documented(stage: Stage) -> None:
    services = stage.hass.services.async_services_for_domain(DOMAIN)
    actions = sorted(EVERY_LOGIN | ADMINISTRATORS | ON_A_SWITCH | set(BY_ROLE))
    assert sorted(services) == actions
    people = await uninvited(stage)
    private = await secrets(stage)
    switch = entity_id(stage.hass, "switch", DOOR, "recording")
    for kind, person in people.items():
        for action in actions:
            data = {"entity_id": switch}
            if action != "trigger":
                data = {"config_entry_id": stage.entry.entry_id, **BY_ROLE.get(action, {})}
            answers = action not in WITHOUT_ANSWER
            address = f"/api/services/{DOMAIN}/{action}" + ("?return_response" if answers else "")
            answer = await stage.http.post(address, json=data, headers=person.headers)
            body = await answer.read()
            assert_says_nothing(body, private, (kind, action))
            allowed = person.user is not None and (
                action in EVERY_LOGIN or (action in ADMINISTRATORS and kind == "administrator")
            )
            assert (answer.status == HTTPStatus.OK) == allowed, (kind, action, body)
            if person.socket is None:
                continue
            told = await stage.ws(
                person.socket,
                "call_service",
                domain=DOMAIN,
                service=action,
                service_data=data,
                return_response=answers,
            )
            assert_says_nothing(json.dumps(told).encode(), private, (kind, action))
            assert told["success"] == allowed, (kind, action, told)
    nobody = Context(user_id="someone-who-is-gone")
    with pytest.raises(HomeAssistantError):
        await stage.hass.services.async_call(
            DOMAIN,
            "verify",
            {"config_entry_id": stage.entry.entry_id},
            blocking=True,
            return_response=True,
            context=nobody,
        )


async def test_diagnostics_are_for_administrators_and_say_nothing(stage: Stage) -> None:
    people = await uninvited(stage)
    private = await secrets(stage)
    address = f"/api/diagnostics/config_entry/{stage.entry.entry_id}"
    for kind, person in people.items():
        status, body, _ = await stage.fetch("GET", address, person.headers)
        assert (status == HTTPStatus.OK) == (kind == "administrator"), kind
        assert_says_nothing(body, private, kind)
