"""A utilization is declared form by form; nothing of a camera is opened, and nothing secret is told."""

import socket
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from homeassistant.components.image_processing import ATTR_FACES
from homeassistant.config_entries import (
    SOURCE_RECONFIGURE,
    SOURCE_USER,
    ConfigSubentry,
    SubentryFlowContext,
)
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType, InvalidData
from homeassistant.helpers.json import json_dumps
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.components.diagnostics import (
    get_diagnostics_for_config_entry,
)
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.camera_steward.core.ledger.entry import Entry, EntryKind
from custom_components.camera_steward.core.ledger.records import RecordKind
from custom_components.camera_steward.core.policy.utilization import DetectorKind, UtilizationCase
from custom_components.camera_steward.core.utilization.view import ViewSettings
from custom_components.camera_steward.core.utilization.works import work_of
from custom_components.camera_steward.utilization_forms import data_errors
from custom_components.camera_steward.utilizations import declaration_of, utilizations_of

from .sites import DOOR, async_ledger, camera, entity_id
from .watching import Stage, async_quiet

DECLARED = EntryKind.UTILIZATION_DECLARED
USE = {
    "purpose": "To know how many pass",
    "operating_entity": "Honcho Shop",
    "contact": "048-000-0000",
    "benefit": "Benches where they are needed",
    "place": "Over the door, towards the street",
    "public_space": True,
    "municipality": "jp_kumagaya_2019",
    "start_on": "2199-01-01",
}
DATA = {
    "detector": "built_in",
    "recognizable": True,
    "identifiable": False,
    "derived_days": 365,
}
BODIES = dict.fromkeys(("camera", "network", "home_assistant", "database"), "Honcho Shop")
RECIPIENT = {"name": "Machi Research", "conditions": "Counts by the hour, for a study of benches"}

MEDIUM = {"type": "ssd", "serial": "S1", "place": "Office"}


@pytest.fixture
async def quiet(
    hass: HomeAssistant,
    disk: Path,
    hass_ws_client: Callable[..., Any],
    hass_client_no_auth: Callable[..., Any],
) -> Stage:
    """Set up a site that records nothing, with its manager logged in."""
    assert await async_setup_component(hass, "diagnostics", {})
    return await async_quiet(hass, disk, hass_ws_client, hass_client_no_auth, camera(DOOR, "door"))


class Ear:
    """A port of this machine that tells whether anybody came."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._socket.setblocking(False)
        self.port = self._socket.getsockname()[1]

    def heard(self) -> bool:
        """Return whether somebody connected."""
        try:
            self._socket.accept()
        except BlockingIOError:
            return False
        return True

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def ear() -> Iterator[Ear]:
    """Listen where a camera would be."""
    ear = Ear()
    yield ear
    ear.close()


async def begin(entry: MockConfigEntry, hass: HomeAssistant, of: str | None = None) -> Any:
    """Begin to add a utilization, or to change the one of an id."""
    context = SubentryFlowContext(source=SOURCE_USER)
    if of:
        context = SubentryFlowContext(source=SOURCE_RECONFIGURE, subentry_id=of)
    return await hass.config_entries.subentries.async_init(
        (entry.entry_id, "utilization"), context=context
    )


async def send(hass: HomeAssistant, result: Any, step: str, given: dict[str, Any]) -> Any:
    """Send the form of a step."""
    assert result["step_id"] == step, result
    flow = result["flow_id"]
    result = await hass.config_entries.subentries.async_configure(flow, given)
    if result["type"] in (FlowResultType.CREATE_ENTRY, FlowResultType.ABORT):
        await hass.async_block_till_done()
    return result


async def change(hass: HomeAssistant, entry: MockConfigEntry, of: str, step: str) -> Any:
    """Open one of the forms of a utilization that is there."""
    result = await begin(entry, hass, of)
    assert result["type"] is FlowResultType.MENU
    assert step in result["menu_options"], result["menu_options"]
    return await hass.config_entries.subentries.async_configure(
        result["flow_id"], {"next_step_id": step}
    )


async def alter(
    hass: HomeAssistant, entry: MockConfigEntry, of: str, step: str, **given: Any
) -> Any:
    """Send one of these forms as it is filled in, but for what is given."""
    result = await change(hass, entry, of, step)
    return await send(hass, result, step, suggested(result) | given)


def suggested(result: Any) -> dict[str, Any]:
    """Return what a form is filled in with."""
    return {
        str(key): key.description["suggested_value"]
        for key in result["data_schema"].schema
        if key.description and "suggested_value" in key.description
    }


def options(result: Any, field: str) -> list[str]:
    """Return the values that a field offers."""
    return [each["value"] for each in result["data_schema"].schema[field].config["options"]]


def utilization(entry: MockConfigEntry) -> ConfigSubentry:
    found: list[ConfigSubentry] = [*utilizations_of(entry).values()]
    assert len(found) == 1
    return found[0]


async def declared(hass: HomeAssistant, entry: MockConfigEntry) -> list[Entry]:
    return await async_ledger(hass, entry, DECLARED)


def version(entry: MockConfigEntry) -> str:
    """Return the version of what is declared, recipients apart."""
    return declaration_of(utilization(entry).data, {}).version


async def to_data(hass: HomeAssistant, entry: MockConfigEntry, case: str = "counting") -> Any:
    """Go on to the form for what is derived."""
    result = await begin(entry, hass)
    result = await send(hass, result, "user", {"name": "Another", "camera": DOOR, "case": case})
    return await send(hass, result, "use", USE)


async def test_a_utilization_is_declared_form_by_form(hass: HomeAssistant, quiet: Stage) -> None:
    entry = quiet.entry
    assert (
        "recipients"
        not in (await send(hass, await to_data(hass, entry), "data", DATA | {"derived_days": 0}))[
            "data_schema"
        ].schema
    )  # none is on record
    given = {"kind": "recipient", "record": None, "fields": RECIPIENT}
    record = (await quiet.ask("record_save", **given))["result"]["record"]

    result = await begin(entry, hass)
    assert options(result, "camera") == [DOOR, "address"]
    result = await send(
        hass, result, "user", {"name": "Passers-by", "camera": DOOR, "case": "counting"}
    )
    filled = suggested(result)
    assert (filled["operating_entity"], filled["contact"]) == ("Honcho Shop", "048-000-0000")
    assert "purpose" not in filled
    assert filled["start_on"] == (dt_util.now().date() + timedelta(days=14)).isoformat()
    assert filled["municipality"] == "jp_kumagaya_2019"
    assert options(result, "municipality") == ["jp_kumagaya_2019", "ask_city"]
    result = await send(hass, result, "use", USE | {"municipality": "ask_city", "benefit": " "})
    filled = suggested(result)
    assert (filled["derived_days"], filled["detector"]) == (365, "built_in")
    assert (filled["recognizable"], filled["identifiable"]) == (True, False)
    result = await send(hass, result, "data", DATA | {"recipients": [record]})
    assert [str(each) for each in result["data_schema"].schema] == ["benefit"]
    result = await send(hass, result, "omissions", {"benefit": " "})
    assert result["errors"] == {"benefit": "reason_missing"}
    result = await send(hass, result, "omissions", {"benefit": "It is on the notice board"})
    assert suggested(result) == BODIES
    result = await send(hass, result, "nodes", BODIES | {"network": " "})
    assert result["errors"] == {"network": "text_missing"}
    result = await send(hass, result, "nodes", BODIES | {"network": "Net Co."})
    assert result["description_placeholders"] == {"recipient": "Machi Research"}
    assert suggested(result) == {"responsible": "Machi Research"}
    assert await declared(hass, entry) == []
    result = await send(hass, result, "recipient", {"responsible": "Machi, office of data"})
    assert result["type"] is FlowResultType.CREATE_ENTRY

    saved = utilization(entry)
    assert saved.title == "Passers-by"
    assert dict(saved.data) == USE | DATA | {
        "camera": DOOR,
        "case": "counting",
        "benefit": "",
        "municipality": "",
        "derived": "",
        "web_address": "",
        "recipients": [record],
        "omitted": {"benefit": "It is on the notice board"},
        "responsible": BODIES
        | {"network": "Net Co.", f"recipient:{record}": "Machi, office of data"},
        "frame_rate": 2.0,
        "frame_width": 320,
    }
    (first,) = await declared(hass, entry)
    assert (first.actor, first.subject) == ("steward", saved.subentry_id)
    assert (first.data["name"], first.data["start_on"]) == ("Passers-by", "2199-01-01")
    assert first.data["purpose"] == USE["purpose"]
    assert first.data["recipients"] == [{"record": record, **RECIPIENT}]


async def test_what_changes_is_entered_and_only_what_notices_tell_is_another_version(
    hass: HomeAssistant, quiet: Stage
) -> None:
    entry = quiet.entry
    running = entry.runtime_data
    given = {"kind": "recipient", "record": None, "fields": RECIPIENT}
    record = (await quiet.ask("record_save", **given))["result"]["record"]
    result = await to_data(hass, entry)
    result = await send(hass, result, "data", DATA | {"recipients": [record]})
    result = await send(hass, result, "nodes", BODIES)
    await send(hass, result, "recipient", {"responsible": "Machi, office of data"})
    (first,) = await declared(hass, entry)
    id_ = utilization(entry).subentry_id

    # What a recipient may do is in the notices, though it is on record and in no setting.
    await quiet.ask(
        "record_save", **given | {"record": record, "fields": RECIPIENT | {"conditions": "All"}}
    )
    await quiet.ask("record_save", kind="medium", record=None, fields=MEDIUM)  # is in none
    (_, second) = await declared(hass, entry)
    assert second.actor == "Manager"
    assert second.data["version"] != first.data["version"]

    result = await alter(hass, entry, id_, "pictures", frame_rate=0, frame_width=5000)
    seen = dict(utilization(entry).data) | {"view": {"lines": []}}
    hass.config_entries.async_update_subentry(entry, utilization(entry), data=seen)
    await hass.async_block_till_done()  # the panel may set the view while a form is open
    assert result["errors"] == {
        "frame_rate": "frame_rate_out_of_bounds",
        "frame_width": "frame_width_out_of_bounds",
    }
    await send(hass, result, "pictures", {"frame_rate": 1, "frame_width": 480})
    result = await alter(hass, entry, id_, "nodes", camera="Cam Co.")
    assert suggested(result) == {"responsible": "Machi, office of data"}
    await send(hass, result, "recipient", suggested(result))
    changed = await async_ledger(hass, entry, EntryKind.SETTINGS_CHANGED)
    assert [set(each.data) for each in changed] == [
        {"view"},
        {"frame_rate", "frame_width"},
        {"responsible"},
    ]
    assert utilization(entry).data["view"] == {"lines": []}
    assert len(await declared(hass, entry)) == 2

    # Another start is told, and needs no other notice; another purpose does.
    await alter(hass, entry, id_, "use", start_on="2199-02-01")
    await alter(hass, entry, id_, "source", name="At the door")
    result = await alter(hass, entry, id_, "use", benefit="")
    await send(hass, result, "omissions", {"benefit": "It is on the notice board"})
    versions = [each.data["version"] for each in await declared(hass, entry)][1:]
    assert versions[0] == versions[1] == versions[2] != versions[3]
    await alter(hass, entry, id_, "omissions", benefit="None")
    assert utilization(entry).data["omitted"] == {"benefit": "None"}
    await alter(hass, entry, id_, "use", benefit="Benches")
    assert utilization(entry).data["omitted"] == {}

    # A contract that ended is no recipient's: the declaration changes, and the forms drop it.
    await quiet.ask("record_close", record=record, fields=RECIPIENT | {"ended_on": "2026-01-01"})
    assert (await declared(hass, entry))[-1].data["recipients"] == [
        {"record": record, "name": "", "conditions": ""}
    ]
    await alter(hass, entry, id_, "pictures")
    assert utilization(entry).data["recipients"] == []
    assert f"recipient:{record}" not in utilization(entry).data["responsible"]

    hass.config_entries.async_remove_subentry(entry, id_)
    await hass.async_block_till_done()
    (removed,) = await async_ledger(hass, entry, EntryKind.UTILIZATION_REMOVED)
    assert (removed.subject, removed.data) == (id_, {"name": "At the door"})
    assert entry.runtime_data is running  # never set up anew


def test_an_entity_that_only_counts_is_refused_where_places_are_needed() -> None:
    """It would show an empty place, or count nothing, for ever."""
    works = {case: work_of(case, ViewSettings(), {}, dt_util.utcnow()) for case in UtilizationCase}
    refused = {case for case in works if data_errors({**DATA, "detector": "entity"}, case)}
    assert refused == {case for case, work in works.items() if work.located}


async def test_what_is_wrong_is_said_and_nothing_is_saved(
    hass: HomeAssistant, quiet: Stage
) -> None:
    entry = quiet.entry
    result = await begin(entry, hass)
    blank = {"name": " ", "camera": DOOR, "case": "scenery"}
    result = await send(hass, result, "user", blank)
    assert result["errors"] == {"name": "text_missing"}
    result = await send(hass, result, "user", blank | {"name": "Snow"})
    today = dt_util.now().date()
    wrong: dict[str, Any]
    for wrong, errors in (
        ({"purpose": " "}, {"purpose": "text_missing"}),
        ({"operating_entity": ""}, {"operating_entity": "text_missing"}),
        ({"contact": ""}, {"contact": "text_missing"}),
        ({"start_on": str(today - timedelta(days=1))}, {"start_on": "start_passed"}),
        ({"start_on": "0201-01-01"}, {"start_on": "year_out_of_range"}),
    ):
        result = await send(hass, result, "use", USE | wrong)
        assert result["errors"] == errors
    result = await send(hass, result, "use", USE | {"start_on": str(today)})
    for wrong, errors in (
        ({"detector": "entity"}, {"detector": "entity_without_places"}),
        ({"detector": "server"}, {"detector": "server_needless"}),
        ({"identifiable": True}, {"identifiable": "identifiable_refused"}),
        ({"derived_days": 0}, {"derived_days": "derived_days_out_of_bounds"}),
        ({"derived_days": 4000}, {"derived_days": "derived_days_out_of_bounds"}),
        ({"web_address": "shop.example"}, {"web_address": "web_address_unreadable"}),
        ({"web_address": "ftp://shop.example"}, {"web_address": "web_address_unreadable"}),
        ({"web_address": "https://a:b@shop.example"}, {"web_address": "web_address_unreadable"}),
        ({"web_address": "https://shop.example:x"}, {"web_address": "web_address_unreadable"}),
    ):
        result = await send(hass, result, "data", DATA | wrong)
        assert result["errors"] == errors
    result = await send(hass, result, "data", DATA | {"web_address": "https://shop.example/use"})
    result = await send(hass, result, "nodes", BODIES)
    assert utilization(entry).data["frame_width"] == 320
    # The day that was announced may be over; the name is taken.
    result = await begin(entry, hass)
    result = await send(hass, result, "user", {"name": "Snow", "camera": DOOR, "case": "other"})
    assert result["errors"] == {"name": "name_taken"}
    result = await send(hass, result, "user", {"name": "Cats", "camera": DOOR, "case": "other"})
    result = await send(hass, result, "use", USE | {"place": ""})
    result = await send(hass, result, "data", DATA)
    assert [str(each) for each in result["data_schema"].schema] == ["place", "derived"]

    steward = entry.runtime_data.bridge.steward
    await hass.async_add_executor_job(
        lambda: steward.records().open(
            RecordKind.REMOVAL,
            {"decided_on": "2026-01-01", "body": "The assembly"},
            actor="Hanako Kumagaya",
            steward={"camera": DOOR},
        )
    )
    assert options(await begin(entry, hass), "camera") == ["address"]
    await hass.config_entries.async_unload(entry.entry_id)
    result = await begin(entry, hass)
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "site_not_running")


async def test_an_address_is_opened_by_no_form_and_told_nowhere(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    hass_storage: dict[str, Any],
    quiet: Stage,
    ear: Ear,
    caplog: pytest.LogCaptureFixture,
) -> None:
    entry = quiet.entry
    result = await begin(entry, hass)
    result = await send(
        hass, result, "user", {"name": "Yard", "camera": "address", "case": "attributes"}
    )
    address = f"rtsp://127.0.0.1:{ear.port}/secret-path"
    login = {"stream_username": "viewer", "stream_password": "hunter2"}
    own = f"http://127.0.0.1:{hass.http.server_port}/api/image_proxy/image.heat_map"
    for given, error in (
        ("what", "address_scheme"),
        ("file:///config/footage", "address_scheme"),
        (own, "address_of_home_assistant"),
        (
            "https://elsewhere.example/api/camera_steward/x/pieces",
            "address_of_home_assistant",
        ),
    ):
        result = await send(hass, result, "address", {"stream_address": given, **login})
        assert result["errors"] == {"stream_address": error}
        assert "hunter2" not in repr(suggested(result))
    result = await send(hass, result, "address", {"stream_address": address, **login})
    result = await send(hass, result, "use", USE)
    result = await send(hass, result, "data", DATA | {"detector": "server"})
    server = {"detector_url": f"http://127.0.0.1:{ear.port}/engine", "originals": "It keeps none"}
    for wrong, errors in (
        ({"originals": " "}, {"originals": "text_missing"}),
        ({"detector_url": "what"}, {"detector_url": "server_address"}),
        ({"detector_url": "http://a:hunter2@10.0.0.9"}, {"detector_url": "server_login"}),
        ({"detector_url": "https://8.8.8.8/v1"}, {"detector_url": "server_not_local"}),
    ):
        result = await send(hass, result, "server", server | wrong)
        assert result["errors"] == errors
    result = await send(hass, result, "server", server)
    assert suggested(result)["detector"] == "Honcho Shop"
    result = await send(hass, result, "nodes", BODIES | {"detector": "Engine Co."})
    saved = utilization(entry)
    assert saved.data["address"] == address.replace("//", "//viewer:hunter2@")
    assert "camera" not in saved.data
    before = version(entry)

    # It may be recorded as well: that is a camera of its own, with notices of its own.
    result = await hass.config_entries.subentries.async_init(
        (entry.entry_id, "camera"), context=SubentryFlowContext(source=SOURCE_USER)
    )
    for sent in ({"next_step_id": "address"}, {"stream_address": address}):
        result = await hass.config_entries.subentries.async_configure(result["flow_id"], sent)
    assert (result["step_id"], result["errors"]) == ("camera", {})

    # Another login is the same camera; another path is another.
    await alter(hass, entry, saved.subentry_id, "address", stream_password="hunter3")
    assert "hunter3" in utilization(entry).data["address"]
    assert version(entry) == before
    await alter(hass, entry, saved.subentry_id, "address", stream_address=address + "2", **login)
    assert version(entry) != before
    await alter(hass, entry, saved.subentry_id, "server", originals="A week, on its disk")

    await entry.runtime_data.duties.async_look()
    found = await get_diagnostics_for_config_entry(hass, hass_client, entry)
    shown = found["utilizations"][saved.subentry_id]
    assert (shown["settings"]["case"], shown["state"]["status"]) == ("attributes", "pending")
    assert "prior_notice" in shown["state"]["missing"]
    ledger = [each.data for each in await async_ledger(hass, entry)]
    places = {each["detector_place"] for each in ledger if "detector_place" in each}
    assert places == {f"127.0.0.1:{ear.port}"}
    memory = hass_storage[f"camera_steward.{entry.entry_id}.memory"]
    told = json_dumps(ledger) + json_dumps(found) + json_dumps(memory) + caplog.text
    for secret in ("hunter2", "hunter3", "secret-path", "/engine"):
        assert secret not in told
    assert f":{ear.port}" not in json_dumps(found) + caplog.text

    # A camera of the site in its place takes the address away.
    result = await change(hass, entry, saved.subentry_id, "source")
    assert suggested(result)["camera"] == "address"
    await send(hass, result, "source", {"name": "Yard", "camera": DOOR})
    assert not {"address", "address_options", "address_since"} & set(utilization(entry).data)
    assert not ear.heard()


async def test_an_entity_counts_unless_it_knows_people_or_is_the_stewards(
    hass: HomeAssistant, quiet: Stage
) -> None:
    entry = quiet.entry
    hass.states.async_set("sensor.people", "3")
    hass.states.async_set("image_processing.plates", "AB12", {"device_class": "alpr"})
    hass.states.async_set(
        "image_processing.faces", "1", {ATTR_FACES: [{"name": "Hanako", "age": 40}]}
    )
    result = await to_data(hass, entry, "attributes")
    result = await send(hass, result, "data", DATA | {"detector": "entity"})
    for chosen, error in (
        ("image_processing.plates", "detector_identity"),
        ("image_processing.faces", "detector_identity"),
        ("sensor.gone", "entity_missing"),
    ):
        given = {"detector_entity": chosen, "originals": "None are kept"}
        result = await hass.config_entries.subentries.async_configure(result["flow_id"], given)
        assert result["errors"] == {"detector_entity": error}
    own = entity_id(hass, "sensor", DOOR, "status")
    with pytest.raises(InvalidData):
        await send(hass, result, "entity", given | {"detector_entity": own})
    result = await send(
        hass, result, "entity", given | {"detector_entity": "sensor.people", "originals": ""}
    )
    assert result["errors"] == {"originals": "text_missing"}
    result = await send(hass, result, "entity", given | {"detector_entity": "sensor.people"})
    await send(hass, result, "nodes", BODIES | {"detector": "Honcho Shop"})
    saved = utilization(entry)
    (entered,) = await declared(hass, entry)
    assert entered.data["detector_place"] == "sensor.people"

    # Back to the built-in detector, nothing of the entity is declared any more.
    await alter(hass, entry, saved.subentry_id, "data", detector="built_in")
    data = utilization(entry).data
    assert declaration_of(data, {}).detector is DetectorKind.BUILT_IN
    assert not {"detector_entity", "originals"} & set(data)
    assert "detector" not in data["responsible"]
