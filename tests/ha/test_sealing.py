"""A sealed camera is recorded by its own address while no login can watch it past the steward."""

import json
from collections.abc import Iterator
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from homeassistant.auth.const import GROUP_ID_ADMIN, GROUP_ID_USER
from homeassistant.components.camera.const import DATA_COMPONENT
from homeassistant.components.lovelace.const import LOVELACE_DATA
from homeassistant.config_entries import (
    SOURCE_RECONFIGURE,
    SOURCE_USER,
    ConfigEntryState,
    ConfigSubentry,
    SubentryFlowContext,
)
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import device_registry as dr, entity_registry as er, issue_registry as ir
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    MockUser,
    async_fire_time_changed,
)
from pytest_homeassistant_custom_component.typing import (
    ClientSessionGenerator,
    WebSocketGenerator,
)

from custom_components.camera_steward import coordinator, repairs, subentry_flows
from custom_components.camera_steward.const import DOMAIN
from custom_components.camera_steward.core.ledger.entry import EntryKind
from custom_components.camera_steward.diagnostics import async_get_config_entry_diagnostics
from custom_components.camera_steward.repairs import Issue
from tests.cameras import RtspCamera

from .sites import (
    MANAGER,
    StreamEntity,
    async_add_cameras,
    async_ledger,
    async_set_up,
    segments_on_disk,
    site,
    state_of,
    unplug,
    until,
    until_status,
)
from .test_subentry_flow import FOUND, GIVEN, add_generic, begin, choose, send, the_camera

ENTITY = "camera.generic"


@pytest.fixture(autouse=True)
def _short_test(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (subentry_flows, repairs):
        monkeypatch.setattr(module, "TEST_SECONDS", 3.0)
    monkeypatch.setattr(coordinator, "_REFUSED", timedelta())


@pytest.fixture
async def entry(hass: HomeAssistant, disk: Path) -> MockConfigEntry:
    """Set up a site without cameras, on a Home Assistant with dashboards and a resident."""
    MockUser(id=MANAGER, name="Hanako", is_owner=True).add_to_hass(hass)
    MockUser(name="Resident", groups=[]).add_to_hass(hass)
    for component in ("websocket_api", "camera", "lovelace", "repairs"):
        assert await async_setup_component(hass, component, {})
    return await async_set_up(hass, site(disk / "footage"))


@pytest.fixture
async def sealed(
    hass: HomeAssistant, entry: MockConfigEntry, rtsp_camera: RtspCamera
) -> ConfigSubentry:
    """Add a camera of Home Assistant's own generic integration, sealed."""
    await add_generic(hass, stream_source=rtsp_camera.bare_url)
    result = await send(hass, await begin(hass, entry), GIVEN | {"source_entity": ENTITY})
    assert result["step_id"] in FOUND, result.get("errors")
    result = await send(hass, result, {})
    assert result["step_id"] == "seal"
    assert result["description_placeholders"]["people"] == "Resident"
    result = await send(hass, result, {"choice": "seal"})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    return the_camera(entry)


def is_off(hass: HomeAssistant) -> bool:
    found = er.async_get(hass).async_get(ENTITY)
    assert found is not None
    return found.disabled and hass.states.get(ENTITY) is None


def live_view(hass: HomeAssistant, camera: ConfigSubentry) -> str:
    return state_of(hass, "sensor", camera.subentry_id, "live_view").state


def issue_of(
    hass: HomeAssistant, issue: Issue, camera: ConfigSubentry | MockConfigEntry
) -> ir.IssueEntry | None:
    owner = camera.subentry_id if isinstance(camera, ConfigSubentry) else camera.entry_id
    return ir.async_get(hass).async_get_issue(DOMAIN, f"{issue}_{owner}")


async def until_recorded(
    hass: HomeAssistant, entry: MockConfigEntry, camera: ConfigSubentry
) -> None:
    """Wait until new footage of a camera lies in the vault."""
    before = segments_on_disk(entry, camera.subentry_id)
    await until_status(hass, camera.subentry_id, "recording")
    await until(lambda: segments_on_disk(entry, camera.subentry_id) > before)
    # Recording begins before what changed is entered.
    await until(lambda: entry.state is ConfigEntryState.LOADED)


async def reconfigure(
    hass: HomeAssistant, entry: MockConfigEntry, camera: ConfigSubentry, option: str
) -> dict[str, Any]:
    result = await hass.config_entries.subentries.async_init(
        (entry.entry_id, "camera"),
        context=SubentryFlowContext(source=SOURCE_RECONFIGURE, subentry_id=camera.subentry_id),
    )
    return await choose(hass, result, option)


def written(folder: Path) -> Iterator[tuple[Path, bytes]]:
    """Return all that is written below a folder, except where Home Assistant keeps settings."""
    for path in folder.rglob("*"):
        if path.is_file() and path.name != "core.config_entries":
            yield path, path.read_bytes()


# ---------------------------------------------------------------------- sealing


async def test_a_sealed_camera_is_recorded_and_its_entity_is_off(
    hass: HomeAssistant, entry: MockConfigEntry, sealed: ConfigSubentry
) -> None:
    assert is_off(hass)
    await until_recorded(hass, entry, sealed)
    assert live_view(hass, sealed) == "enforced"
    assert issue_of(hass, Issue.LIVE_SHARED, sealed) is None
    assert issue_of(hass, Issue.SEAL_OPEN, sealed) is None

    # It stays so over a restart of the site and of the camera's own integration.
    (generic,) = hass.config_entries.async_entries("generic")
    await hass.config_entries.async_reload(generic.entry_id)
    await hass.config_entries.async_reload(entry.entry_id)
    assert is_off(hass)
    await until_recorded(hass, entry, sealed)


async def test_nothing_tells_the_address_or_the_password(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    sealed: ConfigSubentry,
    rtsp_camera: RtspCamera,
    disk: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    await until_recorded(hass, entry, sealed)
    told = [
        json.dumps(await async_get_config_entry_diagnostics(hass, entry), default=str),
        json.dumps([each.as_dict() for each in hass.states.async_all()], default=str),
        repr([each.data for each in await async_ledger(hass, entry)]),
        repr(list(ir.async_get(hass).issues.values())),
        repr(sealed.unique_id),
        caplog.text,
    ]
    await hass.async_stop(force=True)
    files = [content for _, content in written(Path(hass.config.config_dir))]
    files += [content for _, content in written(disk)]
    assert files
    address = rtsp_camera.bare_url.partition("://")[2]
    for secret in ("hunter2", address):
        assert not any(secret in each for each in told)
        assert not any(secret.encode() in each for each in files)


async def test_the_ledger_says_that_it_was_sealed_and_why_it_was_unsealed(
    hass: HomeAssistant, entry: MockConfigEntry, sealed: ConfigSubentry
) -> None:
    (added,) = await async_ledger(hass, entry, EntryKind.CAMERA_ADDED)
    assert added.data["sealed"] is True
    assert added.data["address_since"]

    result = await reconfigure(hass, entry, sealed, "unseal")
    assert result["description_placeholders"]["people"] == "Resident"
    result = await send(hass, result, {"reason": "  "})
    assert result["errors"] == {"reason": "text_missing"}
    assert is_off(hass)
    result = await send(hass, result, {"reason": "The door bell shows it"})
    assert result["reason"] == "reconfigure_successful"
    entity = er.async_get(hass).async_get(ENTITY)
    assert entity is not None
    assert not entity.disabled
    data = entry.subentries[sealed.subentry_id].data
    assert "hunter2" not in repr(dict(data))
    (changed,) = await async_ledger(hass, entry, EntryKind.SETTINGS_CHANGED)
    assert changed.data["sealed"] == {"from": True, "to": False}
    assert changed.data["unsealed_reason"] == {"from": None, "to": "The door bell shows it"}

    # Home Assistant brings it back by itself after half a minute.
    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(seconds=31))
    await hass.async_block_till_done()
    await until(lambda: hass.states.get(ENTITY) is not None)
    assert live_view(hass, sealed) == "not_enforced"
    await until_recorded(hass, entry, sealed)


async def test_a_recorded_camera_is_sealed_once_its_address_is_proved(
    hass: HomeAssistant, entry: MockConfigEntry, rtsp_camera: RtspCamera
) -> None:
    await add_generic(hass, stream_source=rtsp_camera.bare_url)
    result = await send(hass, await begin(hass, entry), GIVEN | {"source_entity": ENTITY})
    result = await send(hass, result, {})
    await send(hass, result, {"choice": "share"})
    camera = the_camera(entry)
    assert not is_off(hass)
    assert live_view(hass, camera) == "not_enforced"
    told = issue_of(hass, Issue.LIVE_SHARED, camera)
    assert told is not None
    assert told.translation_placeholders is not None
    assert told.translation_placeholders["people"] == "1"
    assert "Resident" not in repr(told)

    result = await reconfigure(hass, entry, camera, "seal_now")
    rtsp_camera.stop()
    result = await send(hass, result, {})
    assert result["step_id"] == "seal_now"
    assert result["errors"]["base"].startswith("source_")
    assert not is_off(hass)

    rtsp_camera.start()
    result = await send(hass, result, {})
    assert result["step_id"] in FOUND, result.get("errors")
    result = await send(hass, result, {})
    assert result["reason"] == "reconfigure_successful"
    assert is_off(hass)
    assert issue_of(hass, Issue.LIVE_SHARED, camera) is None
    await until_recorded(hass, entry, camera)


async def test_a_sealed_cameras_stream_proxy_and_commands_give_nothing(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    rtsp_camera: RtspCamera,
    hass_client: ClientSessionGenerator,
    hass_ws_client: WebSocketGenerator,
) -> None:
    await add_generic(hass, stream_source=rtsp_camera.bare_url)
    client, ws = await hass_client(), await hass_ws_client()

    async def ask(kind: str, **fields: Any) -> dict[str, Any]:
        await ws.send_json_auto_id({"type": kind, "entity_id": ENTITY, **fields})
        return dict(await ws.receive_json())

    state = hass.states.get(ENTITY)
    assert state is not None
    token = state.attributes["access_token"]
    opened = await ask("camera/stream")
    playlist = opened["result"]["url"]
    assert (await client.get(playlist)).status == HTTPStatus.OK

    result = await send(hass, await begin(hass, entry), GIVEN | {"source_entity": ENTITY})
    result = await send(hass, result, {})
    await send(hass, result, {"choice": "seal"})
    assert (await client.get(playlist)).status == HTTPStatus.NOT_FOUND
    for path in (f"/api/camera_proxy/{ENTITY}", f"/api/camera_proxy_stream/{ENTITY}"):
        assert (await client.get(path)).status == HTTPStatus.NOT_FOUND
        assert (await client.get(f"{path}?token={token}")).status in (
            HTTPStatus.NOT_FOUND,
            HTTPStatus.FORBIDDEN,
            HTTPStatus.UNAUTHORIZED,
        )
    for kind, fields in (
        ("camera/stream", {}),
        ("camera/capabilities", {}),
        ("camera/webrtc/get_client_config", {}),
        ("camera/webrtc/offer", {"offer": "v=0"}),
    ):
        answer = await ask(kind, **fields)
        assert answer["success"] is False, kind


@pytest.mark.parametrize("whole_site", [False, True])
async def test_removal_gives_the_entity_back(
    hass: HomeAssistant, entry: MockConfigEntry, sealed: ConfigSubentry, whole_site: bool
) -> None:
    if whole_site:
        await hass.config_entries.async_remove(entry.entry_id)
    else:
        hass.config_entries.async_remove_subentry(entry, sealed.subentry_id)
    await hass.async_block_till_done()
    entity = er.async_get(hass).async_get(ENTITY)
    assert entity is not None
    assert entity.disabled_by is None


async def test_it_is_sealed_even_where_the_vault_is_away(
    hass: HomeAssistant, entry: MockConfigEntry, sealed: ConfigSubentry, disk: Path
) -> None:
    await hass.config_entries.async_unload(entry.entry_id)
    unplug(disk)
    await hass.config_entries.async_setup(entry.entry_id)
    assert entry.state is ConfigEntryState.SETUP_RETRY
    assert is_off(hass)


# ---------------------------------------------------------------------- past the steward


async def test_a_sealed_camera_that_is_turned_on_is_told_and_turned_off_again(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    sealed: ConfigSubentry,
    hass_client: ClientSessionGenerator,
) -> None:
    er.async_get(hass).async_update_entity(ENTITY, disabled_by=None)
    await until(lambda: issue_of(hass, Issue.SEAL_OPEN, sealed) is not None)
    assert live_view(hass, sealed) == "not_enforced"

    client = await hass_client()
    answer = await client.post(
        "/api/repairs/issues/fix",
        json={"handler": DOMAIN, "issue_id": f"{Issue.SEAL_OPEN}_{sealed.subentry_id}"},
    )
    flow = await answer.json()
    assert flow["description_placeholders"]["entities"] == ENTITY
    await client.post(f"/api/repairs/issues/fix/{flow['flow_id']}", json={})
    await until(lambda: live_view(hass, sealed) == "enforced")
    assert is_off(hass)
    assert issue_of(hass, Issue.SEAL_OPEN, sealed) is None


async def test_a_sealed_camera_is_known_by_whatever_name(
    hass: HomeAssistant, entry: MockConfigEntry, sealed: ConfigSubentry
) -> None:
    registry = er.async_get(hass)
    registry.async_update_entity(ENTITY, new_entity_id="camera.other")
    registry.async_update_entity("camera.other", disabled_by=None)
    await until(lambda: issue_of(hass, Issue.SEAL_OPEN, sealed) is not None)
    told = issue_of(hass, Issue.SEAL_OPEN, sealed)
    assert told is not None
    assert (told.translation_placeholders or {})["entities"] == "camera.other"

    result = await reconfigure(hass, entry, sealed, "unseal")
    await send(hass, result, {"reason": "The residents' meeting decided so"})
    data = entry.subentries[sealed.subentry_id].data
    assert data["source_entity"] == "camera.other"
    assert "source_registry_id" not in data


async def test_another_picture_of_the_same_device_is_told(
    hass: HomeAssistant, entry: MockConfigEntry, sealed: ConfigSubentry
) -> None:
    registry = er.async_get(hass)
    own = registry.async_get(ENTITY)
    assert own is not None
    (generic,) = hass.config_entries.async_entries("generic")
    device = dr.async_get(hass).async_get_or_create(
        config_entry_id=generic.entry_id, identifiers={("generic", "cam")}
    )
    registry.async_update_entity(ENTITY, device_id=device.id)
    other = registry.async_get_or_create(
        "camera", "generic", "sub", config_entry=generic, device_id=device.id
    )
    await until(lambda: issue_of(hass, Issue.SEAL_OPEN, sealed) is not None)
    told = issue_of(hass, Issue.SEAL_OPEN, sealed)
    assert told is not None
    assert told.translation_placeholders is not None
    assert told.translation_placeholders["entities"] == other.entity_id
    registry.async_update_entity(other.entity_id, disabled_by=er.RegistryEntryDisabler.USER)
    await until(lambda: issue_of(hass, Issue.SEAL_OPEN, sealed) is None)


async def test_dashboards_and_logins_are_looked_at_whenever_they_change(
    hass: HomeAssistant, entry: MockConfigEntry, rtsp_camera: RtspCamera
) -> None:
    await add_generic(hass, stream_source=rtsp_camera.bare_url)
    result = await send(hass, await begin(hass, entry), GIVEN | {"source_entity": ENTITY})
    await send(hass, await send(hass, result, {}), {"choice": "share"})
    camera = the_camera(entry)

    def told(name: str) -> str:
        found = issue_of(hass, Issue.LIVE_SHARED, camera)
        assert found is not None
        return str((found.translation_placeholders or {})[name])

    # What makes itself shows every camera; a dashboard of one's own only what it names.
    seen = entry.runtime_data.coordinator
    assert seen.exposures[camera.subentry_id].dashboards == ("Overview",)
    dashboard = hass.data[LOVELACE_DATA].dashboards[None]
    await dashboard.async_save({"title": "Shop", "views": [{"cards": [{"entity": f"{ENTITY}2"}]}]})
    await until(lambda: told("dashboards") == "0")
    await dashboard.async_save(
        {"title": "Shop", "views": [{"cards": [{"type": "picture", "camera_image": ENTITY}]}]}
    )
    await until(lambda: told("dashboards") == "1")
    assert seen.exposures[camera.subentry_id].dashboards == ("Shop",)

    await hass.auth.async_create_user("Neighbour", group_ids=[GROUP_ID_USER])
    await until(lambda: told("people") == "2")
    assert seen.logins.others == ("Neighbour", "Resident")


async def test_a_site_without_a_manager_is_told(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    assert issue_of(hass, Issue.NO_MANAGER, entry) is None
    data = {**entry.data, "manager_since": "2026-01-01", "manager_until": "2026-01-31"}
    running = entry.runtime_data.bridge
    hass.config_entries.async_update_entry(entry, data=data)
    await until(lambda: issue_of(hass, Issue.NO_MANAGER, entry) is not None)
    data["manager_until"] = None
    hass.config_entries.async_update_entry(entry, data=data)
    await until(lambda: issue_of(hass, Issue.NO_MANAGER, entry) is None)

    # One who can no longer log in is none.
    manager = await hass.auth.async_get_user(MANAGER)
    assert manager is not None
    manager.is_owner = False
    await hass.auth.async_deactivate_user(manager)
    await hass.auth.async_update_user(manager, name="Hanako K.")
    await until(lambda: issue_of(hass, Issue.NO_MANAGER, entry) is not None)
    assert entry.runtime_data.bridge is running


async def test_administrators_without_a_role_are_told_of_by_number(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    assert issue_of(hass, Issue.ADMINISTRATORS, entry) is None
    admin = await hass.auth.async_create_user("Installer", group_ids=[GROUP_ID_ADMIN])
    await until(lambda: issue_of(hass, Issue.ADMINISTRATORS, entry) is not None)
    told = issue_of(hass, Issue.ADMINISTRATORS, entry)
    assert told is not None
    assert told.translation_placeholders is not None
    assert told.translation_placeholders["count"] == "1"
    assert "Installer" not in repr(told)
    assert entry.runtime_data.coordinator.logins.administrators == ("Installer",)

    # An appointment is enough; nothing has to be started again.
    running = entry.runtime_data.bridge
    hass.config_entries.async_add_subentry(
        entry,
        ConfigSubentry(
            data=MappingProxyType(
                {"user_id": admin.id, "name": "Ichiro", "since": "2026-01-01", "until": None}
            ),
            subentry_type="operator",
            title="Ichiro",
            unique_id=None,
        ),
    )
    await until(lambda: issue_of(hass, Issue.ADMINISTRATORS, entry) is None)
    assert entry.runtime_data.bridge is running


# ---------------------------------------------------------------------- by address alone


async def begin_by_address(hass: HomeAssistant, entry: MockConfigEntry) -> dict[str, Any]:
    result = await hass.config_entries.subentries.async_init(
        (entry.entry_id, "camera"), context=SubentryFlowContext(source=SOURCE_USER)
    )
    return await choose(hass, result, "address")


SETTINGS = {name: value for name, value in GIVEN.items() if name != "source_entity"}


async def test_a_camera_is_added_by_its_address_alone(
    hass: HomeAssistant, entry: MockConfigEntry, rtsp_camera: RtspCamera
) -> None:
    result = await begin_by_address(hass, entry)
    result = await send(hass, result, {"stream_address": "file:///etc/passwd"})
    assert result["errors"] == {"stream_address": "address_scheme"}
    given = {"stream_address": rtsp_camera.bare_url, "stream_username": "viewer"}
    result = await send(hass, result, given | {"stream_password": "wrong-one"})
    assert result["step_id"] == "camera"
    assert "source_entity" not in result["data_schema"].schema
    result = await send(hass, result, SETTINGS)
    assert (result["step_id"], result["errors"]) == ("address", {"base": "source_refused"})
    assert "wrong-one" not in repr(result)

    # The address stays; only the password is given anew.
    result = await send(hass, result, {"stream_password": "hunter2"})
    assert result["step_id"] == "camera"
    result = await send(hass, result, SETTINGS)
    assert result["step_id"] in FOUND, result.get("errors")
    result = await send(hass, result, {})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    camera = the_camera(entry)
    assert camera.unique_id is None
    assert live_view(hass, camera) == "enforced"
    await until_recorded(hass, entry, camera)
    (added,) = await async_ledger(hass, entry, EntryKind.CAMERA_ADDED)
    assert "address" not in added.data

    result = await begin_by_address(hass, entry)
    result = await send(hass, result, {"stream_address": rtsp_camera.url})
    assert result["errors"] == {"stream_address": "camera_used"}


async def test_a_new_password_is_told_and_given_where_the_repair_asks(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    sealed: ConfigSubentry,
    rtsp_camera: RtspCamera,
    hass_client: ClientSessionGenerator,
    caplog: pytest.LogCaptureFixture,
) -> None:
    # As if the camera's own password had been changed.
    changed = rtsp_camera.address("/stream", "viewer", "old-one")
    data = {**sealed.data, "address": changed}
    hass.config_entries.async_update_subentry(entry, sealed, data=data)
    await hass.async_block_till_done()

    def refused() -> bool:
        found = entry.runtime_data.coordinator.data.cameras[sealed.subentry_id]
        return bool(found.error_key == "source_refused")

    await until(refused)
    await entry.runtime_data.coordinator.async_refresh()
    told = issue_of(hass, Issue.ADDRESS_LOST, sealed)
    assert told is not None
    assert issue_of(hass, Issue.NO_STREAM, sealed) is None

    client = await hass_client()
    answer = await client.post(
        "/api/repairs/issues/fix",
        json={"handler": DOMAIN, "issue_id": f"{Issue.ADDRESS_LOST}_{sealed.subentry_id}"},
    )
    flow = await answer.json()
    assert flow["step_id"] == "address"
    path = f"/api/repairs/issues/fix/{flow['flow_id']}"
    again = await (await client.post(path, json={"stream_password": "guess"})).text()
    assert json.loads(again)["errors"] == {"base": "source_refused"}
    answer = await client.post(path, json={"stream_password": "hunter2"})
    assert (await answer.json())["type"] == "create_entry"
    await hass.async_block_till_done()
    await until_recorded(hass, entry, sealed)
    assert issue_of(hass, Issue.ADDRESS_LOST, sealed) is None
    (entered,) = await async_ledger(hass, entry, EntryKind.SETTINGS_CHANGED)
    assert list(entered.data) == ["address_since"]
    for secret in ("hunter2", "old-one", "guess"):
        assert secret not in again + repr(told) + caplog.text


async def test_an_entity_of_yaml_stays_shared_and_that_is_said(
    hass: HomeAssistant, entry: MockConfigEntry, rtsp_camera: RtspCamera
) -> None:
    await async_add_cameras(hass, door=rtsp_camera.url)
    er.async_get(hass).async_remove("camera.door")
    await hass.async_block_till_done()
    without_id = StreamEntity("door", rtsp_camera.url)
    without_id._attr_unique_id = None
    await hass.data[DATA_COMPONENT].async_add_entities([without_id])
    result = await send(hass, await begin(hass, entry), GIVEN)
    result = await send(hass, result, {})
    assert result["step_id"] == "stays_shared"
    result = await send(hass, result, {})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    camera = the_camera(entry)
    assert live_view(hass, camera) == "not_enforced"
