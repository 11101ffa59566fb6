"""A camera is received before it is saved, and what goes wrong is said in plain words."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from homeassistant.config_entries import (
    SOURCE_RECONFIGURE,
    SOURCE_USER,
    ConfigEntryState,
    ConfigSubentry,
    SubentryFlowContext,
)
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import entity_registry as er
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.camera_steward import sources, subentry_flows
from custom_components.camera_steward.const import DOMAIN
from custom_components.camera_steward.core.capture.source import Address
from tests.cameras import Camera, Clip, DeadCamera, RtspCamera, SilentCamera, WebCamera

from .conftest import CLIP
from .sites import DOOR, async_add_cameras, async_set_up, camera, site

GIVEN: dict[str, Any] = {
    "source_entity": "camera.door",
    "name": "Entrance",
    "place": "Above the door",
    "purpose": "Prevention of theft",
    "direction": "From the till toward the door",
    "field_of_view": "The door; the neighbour's window is out of sight",
    "mode": "continuous",
    "retention_days": 7,
    "retention_more_hours": 0,
    "audio": False,
    "advanced": {
        "segment_seconds": 30,
        "pre_roll_seconds": 10,
        "post_roll_seconds": 30,
        "still_interval_seconds": 1,
        "rtsp_transport": "as_camera",
    },
}
WEEK: dict[str, Any] = {
    "window_1": {"weekdays": ["0", "1"], "start": "08:00:00", "end": "20:00:00"},
    "window_2": {"weekdays": ["5"], "start": "22:00:00", "end": "06:00:00"},
    "window_3": {"weekdays": []},
}
FOUND = ("found_fits", "found_tight")
"""Whether it fits depends on the disk of the machine that runs the test."""
STORED = [
    {"weekday": 0, "start": "08:00", "end": "20:00"},
    {"weekday": 1, "start": "08:00", "end": "20:00"},
    {"weekday": 5, "start": "22:00", "end": "06:00"},
]


@pytest.fixture(autouse=True)
def _short_test(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subentry_flows, "TEST_SECONDS", 2.0)


@pytest.fixture
async def entry(hass: HomeAssistant, disk: Path) -> MockConfigEntry:
    """Set up a site without cameras that keeps for a day."""
    return await async_set_up(hass, site(disk / "footage"))


async def begin(
    hass: HomeAssistant, entry: MockConfigEntry, camera: str | None = None
) -> dict[str, Any]:
    """Begin to add a camera, or to change the one of an id."""
    context = SubentryFlowContext(source=SOURCE_USER)
    if camera:
        context = SubentryFlowContext(source=SOURCE_RECONFIGURE, subentry_id=camera)
    result = await hass.config_entries.subentries.async_init(
        (entry.entry_id, "camera"), context=context
    )
    return await choose(hass, result, "camera")


async def choose(hass: HomeAssistant, result: Any, option: str) -> dict[str, Any]:
    """Choose from a menu."""
    assert result["type"] is FlowResultType.MENU
    assert option in result["menu_options"]
    chosen = {"next_step_id": option}
    result = await hass.config_entries.subentries.async_configure(result["flow_id"], chosen)
    assert result["step_id"] == option
    return dict(result)


async def share(hass: HomeAssistant, result: Any) -> dict[str, Any]:
    """Save a camera that was found, unsealed."""
    assert result["step_id"] in FOUND, result.get("errors")
    result = await send(hass, result, {})
    assert result["step_id"] == "seal"
    return await send(hass, result, {"choice": "share"})


async def send(hass: HomeAssistant, result: Any, given: dict[str, Any]) -> dict[str, Any]:
    """Send a form; wait for the test when it begins."""
    flow = result["flow_id"]
    result = await hass.config_entries.subentries.async_configure(flow, given)
    if result["type"] is FlowResultType.SHOW_PROGRESS:
        assert result["progress_action"] == "receiving"
        await hass.async_block_till_done()
        result = await hass.config_entries.subentries.async_configure(flow)
    if result["type"] in (FlowResultType.CREATE_ENTRY, FlowResultType.ABORT):
        await hass.async_block_till_done()  # the site starts again with it
    return dict(result)


def the_camera(entry: MockConfigEntry) -> ConfigSubentry:
    found: list[ConfigSubentry] = list(entry.subentries.values())
    assert len(found) == 1
    return found[0]


# ---------------------------------------------------------------------- a camera that works


async def test_a_camera_is_received_shown_and_only_then_saved(
    hass: HomeAssistant, entry: MockConfigEntry, rtsp_camera: RtspCamera
) -> None:
    await async_add_cameras(hass, door=rtsp_camera.url)
    result = await begin(hass, entry)
    shown = result["data_schema"]({**GIVEN, "retention_days": 1})
    assert shown["retention_days"] == 1  # the site's own
    result = await send(hass, result, GIVEN)
    step = result["step_id"]
    assert step in FOUND
    texts = result["description_placeholders"]
    assert (texts["codec"], texts["width"], texts["height"]) == ("H.264", "320", "180")
    assert 1 < float(texts["rate"]) < 60  # by arrival: a busy machine blurs it
    assert 1 < float(texts["kilobits"]) < 20_000
    assert texts["needed"].endswith(("MB", "GB"))
    assert texts["free"].endswith(("GB", "TB"))
    assert (texts["days"], texts["hours"]) == ("7", "0")
    assert not entry.subentries

    # A page that is loaded anew asks again without sending anything.
    again = await hass.config_entries.subentries.async_configure(result["flow_id"])
    assert again["step_id"] == step
    assert not entry.subentries

    result = await share(hass, again)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    saved = the_camera(entry)
    assert (saved.title, saved.unique_id) == ("Entrance", "camera.door")
    assert dict(saved.data) == {
        "source_entity": "camera.door",
        "place": "Above the door",
        "purpose": "Prevention of theft",
        "direction": "From the till toward the door",
        "field_of_view": "The door; the neighbour's window is out of sight",
        "mode": "continuous",
        "schedule": [],
        "retention_hours": 168,
        "retention_reason": "",
        "retention_approver": "",
        "retention_review_at": "",
        "audio": False,
        "segment_seconds": 30,
        "pre_roll_seconds": 10,
        "post_roll_seconds": 30,
        "still_interval_seconds": 1,
    }
    assert entry.state is ConfigEntryState.LOADED


async def test_still_images_are_taken_from_a_camera_without_a_stream(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    with WebCamera(user="viewer", password="hunter2") as web:
        await add_generic(hass, still_image_url=web.address("/still.jpg"))
        result = await begin(hass, entry)
        result = await send(hass, result, GIVEN | {"source_entity": "camera.generic"})
        assert result["step_id"] in FOUND, result.get("errors")
        assert result["description_placeholders"]["codec"] == "JPEG"


async def test_the_entitys_own_options_and_login_reach_the_camera(
    hass: HomeAssistant, entry: MockConfigEntry, rtsp_camera: RtspCamera
) -> None:
    await add_generic(hass, stream_source=rtsp_camera.bare_url)
    result = await begin(hass, entry)
    result = await send(hass, result, GIVEN | {"source_entity": "camera.generic"})
    assert result["step_id"] in FOUND, result.get("errors")


async def add_generic(hass: HomeAssistant, **addresses: str) -> None:
    """Add `camera.generic` by Home Assistant's own generic integration."""
    generic = MockConfigEntry(
        domain="generic",
        title="generic",
        version=2,
        options=addresses
        | {
            "username": "viewer",
            "password": "hunter2",
            "content_type": "image/jpeg",
            "advanced": {
                "framerate": 2,
                "verify_ssl": True,
                "authentication": "basic",
                "rtsp_transport": "tcp",
                "use_wallclock_as_timestamps": True,
            },
        },
    )
    generic.add_to_hass(hass)
    assert await async_setup_component(hass, "generic", {})
    await hass.async_block_till_done()
    assert generic.state is ConfigEntryState.LOADED


async def test_a_disk_that_is_too_small_is_said_before_saving(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    rtsp_camera: RtspCamera,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from custom_components.camera_steward.core.files import LocalFiles
    from custom_components.camera_steward.core.model import Space

    space = Space(total_bytes=10**9, free_bytes=10**6)
    monkeypatch.setattr(LocalFiles, "space", lambda self, path: space)
    await async_add_cameras(hass, door=rtsp_camera.url)
    result = await send(hass, await begin(hass, entry), GIVEN)
    assert result["step_id"] == "found_tight"
    assert result["description_placeholders"]["free"] == "1.0 MB"
    result = await share(hass, result)
    assert result["type"] is FlowResultType.CREATE_ENTRY


# ---------------------------------------------------------------------- cameras that do not


def silent() -> Camera:
    return SilentCamera()


def dead() -> Camera:
    return DeadCamera()


def wrong_password() -> Camera:
    return RtspCamera(CLIP, user="viewer", password="hunter2")


def sound_only() -> Camera:
    return RtspCamera(Clip(video=None, audio="pcmu"), user="viewer", password="hunter2")


def never_a_keyframe() -> Camera:
    clip = Clip(width=320, height=180, rate=10, seconds=30, gop_seconds=30)
    return RtspCamera(clip, user="viewer", password="hunter2", start_seconds=2)


@pytest.fixture
def failing(request: pytest.FixtureRequest) -> Iterator[Camera]:
    with request.param() as made:
        yield made


@pytest.mark.parametrize(
    ("failing", "error"),
    [
        (dead, "source_unreachable"),
        (silent, "source_stalled"),
        (wrong_password, "source_refused"),
        (sound_only, "source_no_video"),
        (never_a_keyframe, "source_no_keyframe"),
    ],
    indirect=["failing"],
)
async def test_a_camera_that_fails_is_named_and_can_be_tried_again(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    failing: Camera,
    error: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    password = "wrong-secret" if error == "source_refused" else "hunter2"
    url = failing.address("/stream", "viewer", password)
    entities = await async_add_cameras(hass, door=url)
    result = await send(hass, await begin(hass, entry), GIVEN)
    assert (result["step_id"], result["errors"]) == ("camera", {"base": error})
    assert not entry.subentries

    again = await hass.config_entries.subentries.async_configure(result["flow_id"])
    assert again["errors"] == {"base": error}
    for told in (repr(result), repr(again), caplog.text):
        assert password not in told
        assert f":{failing.port}" not in told

    # What was given stays, so that sending it again is all that is left to do.
    suggested = {
        str(key): key.description["suggested_value"]
        for key in result["data_schema"].schema
        if key.description
    }
    assert suggested["name"] == "Entrance"
    with RtspCamera(CLIP) as works:
        entities["door"].url = works.url
        result = await send(hass, result, GIVEN)
        assert result["step_id"] in FOUND


async def test_an_entity_that_is_away_is_named(
    hass: HomeAssistant, entry: MockConfigEntry, rtsp_camera: RtspCamera
) -> None:
    entities = await async_add_cameras(hass, door=rtsp_camera.url)
    entities["door"]._attr_available = False
    result = await send(hass, await begin(hass, entry), GIVEN)
    assert result["errors"] == {"base": "source_entity_unavailable"}
    result = await send(hass, result, GIVEN | {"source_entity": "camera.gone"})
    assert result["errors"] == {"base": "source_entity_unavailable"}


async def test_an_entity_that_does_not_answer_is_given_up(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    rtsp_camera: RtspCamera,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sources, "_ASK_SECONDS", 0.2)
    entities = await async_add_cameras(hass, door=rtsp_camera.url)
    entities["door"].delay_seconds = 600
    result = await send(hass, await begin(hass, entry), GIVEN)
    assert result["errors"] == {"base": "source_stalled"}


async def test_closing_the_form_ends_the_test(
    hass: HomeAssistant, entry: MockConfigEntry, rtsp_camera: RtspCamera
) -> None:
    await async_add_cameras(hass, door=rtsp_camera.url)
    result = await begin(hass, entry)
    await hass.config_entries.subentries.async_configure(result["flow_id"], GIVEN)
    hass.config_entries.subentries.async_abort(result["flow_id"])
    await hass.async_block_till_done()
    assert not entry.subentries


# ---------------------------------------------------------------------- which entities


async def test_a_camera_is_recorded_once_whatever_the_site(
    hass: HomeAssistant, entry: MockConfigEntry, disk: Path, rtsp_camera: RtspCamera
) -> None:
    await async_add_cameras(hass, door=rtsp_camera.url)
    await async_set_up(hass, site(disk / "other", camera(DOOR, "door")))
    result = await begin(hass, entry)
    # The form leaves it out, so it is another page, opened before, that can still name it.
    flow = hass.config_entries.subentries._progress[result["flow_id"]]
    result = await flow.async_step_camera(GIVEN)  # type: ignore[attr-defined]
    assert result["errors"] == {"source_entity": "camera_used"}
    with pytest.raises(Exception, match="source_entity"):
        await send(hass, {"flow_id": flow.flow_id}, GIVEN)


async def test_our_own_camera_entities_are_no_source(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    own = er.async_get(hass).async_get_or_create("camera", DOMAIN, "live", config_entry=entry)
    result = await begin(hass, entry)
    flow = hass.config_entries.subentries._progress[result["flow_id"]]
    given = GIVEN | {"source_entity": own.entity_id}
    result = await flow.async_step_camera(given)  # type: ignore[attr-defined]
    assert result["errors"] == {"source_entity": "camera_own"}


# ---------------------------------------------------------------------- retention and the week


async def test_inv7_more_than_14_days_need_reason_approver_and_review_date(
    hass: HomeAssistant, entry: MockConfigEntry, rtsp_camera: RtspCamera
) -> None:
    await async_add_cameras(hass, door=rtsp_camera.url)
    result = await begin(hass, entry)
    result = await send(hass, result, GIVEN | {"retention_days": 15})
    assert result["step_id"] == "approval"
    approval = {
        "retention_reason": "Repeated arson",
        "retention_approver": "Hanako Kumagaya, chair",
        "retention_review_at": (dt_util.now().date() + timedelta(days=60)).isoformat(),
    }
    result = await send(hass, result, approval | {"retention_reason": " "})
    assert result["errors"] == {"retention_reason": "text_missing"}
    result = await send(hass, result, approval)
    result = await share(hass, result)
    data = the_camera(entry).data
    assert {name: data[name] for name in approval} == approval
    assert data["retention_hours"] == 360


@pytest.mark.parametrize(("days", "hours"), [(0, 0), (-7, 0), (0, -1)])
async def test_no_retention_is_refused(
    hass: HomeAssistant, entry: MockConfigEntry, days: int, hours: int
) -> None:
    given = GIVEN | {"retention_days": days, "retention_more_hours": hours}
    result = await send(hass, await begin(hass, entry), given)
    assert result["errors"] == {"retention_days": "retention_too_short"}


async def test_blank_texts_are_asked_for_again(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    given = GIVEN | {"field_of_view": " ", "name": ""}
    result = await send(hass, await begin(hass, entry), given)
    assert result["errors"] == {"name": "text_missing", "field_of_view": "text_missing"}


async def test_a_week_is_given_in_groups_and_stored_by_day(
    hass: HomeAssistant, entry: MockConfigEntry, rtsp_camera: RtspCamera
) -> None:
    await async_add_cameras(hass, door=rtsp_camera.url)
    result = await begin(hass, entry)
    result = await send(hass, result, GIVEN | {"mode": "schedule"})
    assert result["step_id"] == "week"
    none: dict[str, Any] = {name: {"weekdays": []} for name in WEEK}
    result = await send(hass, result, none)
    assert result["errors"] == {"base": "window_missing"}
    result = await send(hass, result, none | {"window_2": {"weekdays": ["3"], "start": "08:00"}})
    assert result["errors"] == {"base": "window_incomplete"}
    typed = {"weekdays": ["0", "1"], "start": "8:0", "end": "20:00:30"}
    result = await send(hass, result, WEEK | {"window_1": typed})
    await share(hass, result)
    saved = the_camera(entry)
    assert saved.data["schedule"] == STORED

    # On change, days of equal hours stand together again.
    result = await begin(hass, entry, saved.subentry_id)
    result = await send(hass, result, GIVEN | {"mode": "schedule"})
    shown = {
        str(name): {
            str(key): key.description["suggested_value"]
            for key in part.schema.schema
            if key.description
        }
        for name, part in result["data_schema"].schema.items()
    }
    assert {name: given for name, given in shown.items() if given} == {
        "window_1": WEEK["window_1"],
        "window_2": WEEK["window_2"],
    }


@pytest.mark.parametrize(
    ("mode", "windows", "share"),
    [
        ("continuous", [], 1.0),
        ("trigger", [], 1.0),
        ("schedule", STORED, (12 + 12 + 8) / 168),
        ("schedule", [{"weekday": 0, "start": "00:00", "end": "00:00"}], 24 / 168),
    ],
)
def test_the_estimate_counts_the_hours_that_are_recorded(
    mode: str, windows: list[dict[str, Any]], share: float
) -> None:
    flow = subentry_flows.CameraSubentryFlow()
    flow._data |= {"mode": mode, "schedule": windows, "retention_hours": 168}
    assert flow._recorded_seconds() == pytest.approx(168 * 3600 * share)


# ---------------------------------------------------------------------- changing a camera


async def test_a_retention_can_be_shortened_while_the_camera_is_away(
    hass: HomeAssistant, disk: Path, rtsp_camera: RtspCamera
) -> None:
    await async_add_cameras(hass, door=rtsp_camera.url)
    entry = await async_set_up(hass, site(disk / "footage", camera(DOOR, "door")))
    rtsp_camera.stop()
    given = GIVEN | {"retention_days": 0, "retention_more_hours": 2}
    result = await send(hass, await begin(hass, entry, DOOR), given)
    await hass.async_block_till_done()
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "reconfigure_successful"
    assert entry.subentries[DOOR].data["retention_hours"] == 2
    assert entry.subentries[DOOR].title == "Entrance"
    assert entry.state is ConfigEntryState.LOADED


async def test_another_source_is_received_before_it_is_saved(
    hass: HomeAssistant, disk: Path, rtsp_camera: RtspCamera
) -> None:
    await async_add_cameras(hass, door=rtsp_camera.url, yard=rtsp_camera.url)
    entry = await async_set_up(hass, site(disk / "footage", camera(DOOR, "door")))
    given = GIVEN | {"source_entity": "camera.yard"}
    result = await send(hass, await begin(hass, entry, DOOR), given)
    assert result["step_id"] in FOUND
    result = await send(hass, result, {})
    await hass.async_block_till_done()
    assert result["reason"] == "reconfigure_successful"
    assert entry.subentries[DOOR].data["source_entity"] == "camera.yard"
    assert entry.subentries[DOOR].unique_id == "camera.yard"


# ---------------------------------------------------------------------- the source itself


@pytest.mark.parametrize(
    ("wanted", "own", "expected"),
    [
        ({}, "", {"tls_verify": "0"}),
        (
            {"verify_ssl": True, "rtsp_transport": "udp", "use_wallclock_as_timestamps": True},
            "",
            {"tls_verify": "1", "rtsp_transport": "udp", "use_wallclock_as_timestamps": "1"},
        ),
        ({"rtsp_transport": "udp"}, "tcp", {"tls_verify": "0", "rtsp_transport": "tcp"}),
    ],
)
def test_stream_options_become_ffmpegs(
    wanted: dict[str, Any], own: str, expected: dict[str, str]
) -> None:
    address = Address(url="rtsp://camera/", options=sources._options(wanted))
    assert sources._by(own, address).options == expected
