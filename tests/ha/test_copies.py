"""Copies that software cannot see are kept in an inventory; what saves pictures here is noticed."""

from contextlib import suppress
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import Any, override

import pytest
from freezegun.api import FrozenDateTimeFactory
from homeassistant.auth.models import User
from homeassistant.components.camera import Camera
from homeassistant.components.image_processing import ImageProcessingEntity
from homeassistant.config_entries import (
    SOURCE_RECONFIGURE,
    SOURCE_USER,
    ConfigSubentry,
    SubentryFlowContext,
)
from homeassistant.core import Context, HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import (
    area_registry as ar,
    device_registry as dr,
    entity_registry as er,
    issue_registry as ir,
    label_registry as lr,
)
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    MockUser,
    async_fire_time_changed,
    setup_test_component_platform,
)
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.camera_steward.const import DOMAIN
from custom_components.camera_steward.copies import CopiesLook
from custom_components.camera_steward.core.copies.known import Copy, CopyKind, End
from custom_components.camera_steward.core.ledger.entry import Entry, EntryKind
from custom_components.camera_steward.noticing import directory_of
from custom_components.camera_steward.repairs import Issue

from .sites import (
    DOOR,
    MANAGER,
    YARD,
    async_ledger,
    async_set_up,
    camera,
    site,
    state_of,
    until,
)
from .test_repairs import open_repair
from .watching import token_of

GIVEN = {
    "name": "Memory card, door",
    "kind": "sd_card",
    "camera": DOOR,
    "place": "In the camera",
    "kept_days": 7,
    "responsible": "Hanako Kumagaya",
}


async def look(entry: MockConfigEntry) -> CopiesLook:
    await entry.runtime_data.copies.async_look()
    seen: CopiesLook = entry.runtime_data.coordinator.copies
    return seen


def named(seen: CopiesLook, name: str) -> Copy:
    (found,) = [each for each in seen.copies if each.name == name]
    return found


def issue_of(hass: HomeAssistant, issue: Issue, owner: str) -> ir.IssueEntry | None:
    return ir.async_get(hass).async_get_issue(DOMAIN, f"{issue}_{owner}")


async def logged_in(hass: HomeAssistant, user: User, clients: ClientSessionGenerator) -> Any:
    """Return a browser of someone who has logged in just now, whatever the time is by then."""
    _, token = await token_of(hass, user)
    browser = await clients()
    browser.session.headers["Authorization"] = f"Bearer {token}"
    return browser


# ---------------------------------------------------------------------- the inventory


async def enter(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    given: dict[str, Any],
    changed: ConfigSubentry | None = None,
) -> dict[str, Any]:
    context = SubentryFlowContext(source=SOURCE_USER)
    if changed is not None:
        context = SubentryFlowContext(source=SOURCE_RECONFIGURE, subentry_id=changed.subentry_id)
    flow = await hass.config_entries.subentries.async_init(
        (entry.entry_id, "copy"), context=context
    )
    result = await hass.config_entries.subentries.async_configure(flow["flow_id"], given)
    await hass.async_block_till_done()
    return dict(result)


def copy_of(entry: MockConfigEntry, title: str) -> ConfigSubentry:
    found: list[ConfigSubentry] = [e for e in entry.subentries.values() if e.title == title]
    (copy,) = found
    return copy


async def test_a_copy_elsewhere_is_entered_changed_and_removed_on_record(
    hass: HomeAssistant, disk: Path
) -> None:
    entry = await async_set_up(
        hass, site(disk / "footage", camera(DOOR, "door"), camera(YARD, "yard"))
    )
    running, today = entry.runtime_data, dt_util.now().date()
    for wrong, error in (
        ({"kept_days": 0}, {"kept_days": "kept_days_out_of_bounds"}),
        ({"checked_on": str(today + timedelta(days=1))}, {"checked_on": "checked_ahead"}),
        ({"checked_on": "1999-12-31"}, {"checked_on": "year_out_of_range"}),
        ({"name": " ", "place": ""}, {"name": "text_missing", "place": "text_missing"}),
    ):
        given = GIVEN | {"checked_on": str(today)} | wrong
        assert (await enter(hass, entry, given))["errors"] == error
    result = await enter(hass, entry, GIVEN | {"checked_on": str(today)})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    # The camera keeps footage for a day, its card for a week.
    found = named(await look(entry), "Memory card, door")
    assert (found.kind, found.where, found.camera) == (CopyKind.SD_CARD, ("In the camera",), DOOR)
    assert (found.end, found.kept, found.past_limit) == (End.ROLLING, timedelta(days=7), True)
    unknown = GIVEN | {"name": "Cloud", "kind": "cloud", "checked_on": str(today)}
    del unknown["kept_days"], unknown["camera"]
    await enter(hass, entry, unknown)
    assert named(await look(entry), "Cloud").past_limit is None
    state = state_of(hass, "sensor", entry.entry_id, "copies")
    assert (state.state, state.attributes["past_limit"]) == ("2", 1)
    assert state.attributes["unknown"] == 1
    assert "Kumagaya" not in repr(state)

    copy = copy_of(entry, "Memory card, door")
    again = GIVEN | {"kept_days": 1, "checked_on": str(today - timedelta(days=1))}
    result = await enter(hass, entry, again, copy)
    assert result["type"] is FlowResultType.ABORT
    assert named(await look(entry), "Memory card, door").past_limit is False
    hass.config_entries.async_remove_subentry(entry, copy.subentry_id)
    await hass.async_block_till_done()
    assert [each.name for each in (await look(entry)).copies] == ["Cloud"]
    assert entry.runtime_data is running  # no camera was interrupted

    def told(each: Entry) -> dict[str, Any]:
        return {k: v["to"] if isinstance(v, dict) else v for k, v in each.data.items()}

    entries = [
        each
        for each in await async_ledger(
            hass, entry, EntryKind.SETTINGS_CHANGED, EntryKind.COPY_CHECKED
        )
        if each.subject == copy.subentry_id
    ]
    assert told(entries[0])["responsible"] == "Hanako Kumagaya"
    assert {entries[1].kind, entries[2].kind} == {"copy_checked", "settings_changed"}
    assert [told(each) for each in sorted(entries[1:3], key=lambda e: e.kind)] == [
        {"name": "Memory card, door", "checked_on": str(today - timedelta(days=1))},
        {"kept_days": 1},
    ]
    assert set(told(entries[3]).values()) == {None}  # and what it was stands beside it


async def test_the_inventory_is_to_be_checked_every_90_days(
    hass: HomeAssistant,
    disk: Path,
    hass_admin_user: MockUser,
    hass_client_no_auth: ClientSessionGenerator,
    freezer: FrozenDateTimeFactory,
) -> None:
    assert await async_setup_component(hass, "repairs", {})
    start = dt_util.now().date()
    entry = site(disk / "footage")
    await async_set_up(hass, entry)
    for name, days in (("A", 89), ("B", 89), ("C", 80)):
        checked_on = str(start - timedelta(days=days))
        given = GIVEN | {"name": name, "checked_on": checked_on}
        del given["camera"]
        await enter(hass, entry, given)
    await look(entry)
    assert issue_of(hass, Issue.COPIES_UNCHECKED, entry.entry_id) is None

    freezer.tick(timedelta(days=1, seconds=1))
    async_fire_time_changed(hass)
    freezer.tick(2)
    async_fire_time_changed(hass)
    await hass.async_block_till_done()
    told = await until(lambda: issue_of(hass, Issue.COPIES_UNCHECKED, entry.entry_id))
    assert told is not None
    assert told.translation_placeholders is not None
    assert told.translation_placeholders["count"] == "2"

    browser = await logged_in(hass, hass_admin_user, hass_client_no_auth)

    async def confirm(*titles: str) -> dict[str, Any]:
        shown = await open_repair(browser, f"{Issue.COPIES_UNCHECKED}_{entry.entry_id}")
        assert shown["step_id"] == "checked"
        checked = [copy_of(entry, each).subentry_id for each in titles]
        answer = await browser.post(
            f"/api/repairs/issues/fix/{shown['flow_id']}", json={"checked": checked}
        )
        assert answer.status == HTTPStatus.OK
        await hass.async_block_till_done()
        return dict(await answer.json())

    assert (await confirm("A"))["reason"] == "some_left"
    assert "due" in named(await look(entry), "B").remarks
    assert "due" not in named(await look(entry), "A").remarks
    assert (await confirm("B"))["type"] == "create_entry"
    assert not (await look(entry)).due
    assert issue_of(hass, Issue.COPIES_UNCHECKED, entry.entry_id) is None
    checked = await async_ledger(hass, entry, EntryKind.COPY_CHECKED)
    assert [(each.data["name"], each.data["checked_on"]) for each in checked] == [
        ("A", str(start + timedelta(days=1))),
        ("B", str(start + timedelta(days=1))),
    ]
    assert {each.actor for each in checked} == {"Mock User"}


# ---------------------------------------------------------------------- what is noticed


class StillCamera(Camera):
    """A camera entity of another integration that gives a picture."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._attr_name = self._attr_unique_id = name

    @override
    async def async_camera_image(
        self, width: int | None = None, height: int | None = None
    ) -> bytes | None:
        return b"picture"


class Reader(ImageProcessingEntity):
    """Something that reads number plates off a camera's pictures."""

    _attr_name = "Plates"
    _attr_camera_entity = "camera.door"
    _attr_should_poll = False


@pytest.fixture
async def entry(hass: HomeAssistant, disk: Path) -> MockConfigEntry:
    """Set up a site with two shared cameras, beside one that is not its own."""
    MockUser(id=MANAGER, name="Manager").add_to_hass(hass)
    hass.config.allowlist_external_dirs = {str(disk)}
    still = [StillCamera(each) for each in ("door", "yard", "cat")]
    setup_test_component_platform(hass, "camera", still)
    assert await async_setup_component(hass, "camera", {"camera": {"platform": "test"}})
    await hass.async_block_till_done()
    made = site(disk / "footage", camera(DOOR, "door"), camera(YARD, "yard"))
    return await async_set_up(hass, made)


def noticed(seen: CopiesLook) -> list[tuple[str | None, str, str]]:
    found = [each for each in seen.copies if each.kind is CopyKind.FILES]
    return sorted((each.camera, each.name, each.where[0]) for each in found)


async def snapshot(
    hass: HomeAssistant, where: Path, target: dict[str, Any], user: str | None = None
) -> None:
    await hass.services.async_call(
        "camera",
        "snapshot",
        {"filename": f"{where}/{{{{ now().year }}}}.jpg", **target},
        blocking=True,
        context=Context(user_id=user),
    )
    await hass.async_block_till_done()


def targets(hass: HomeAssistant) -> list[tuple[str, dict[str, Any], set[str]]]:
    """Return ways to name cameras, and which of the site's they are."""
    registry = er.async_get(hass)
    other = MockConfigEntry()
    other.add_to_hass(hass)
    device = dr.async_get(hass).async_get_or_create(
        config_entry_id=other.entry_id, identifiers={("test", "door")}
    )
    area = ar.async_get(hass).async_create("Garden")
    label = lr.async_get(hass).async_create("Outside")
    registry.async_update_entity("camera.door", device_id=device.id)
    registry.async_update_entity("camera.yard", area_id=area.id, labels={label.label_id})
    registry.async_update_entity("camera.cat", labels={label.label_id})
    return [
        ("entity", {"entity_id": "camera.door"}, {DOOR}),
        ("entities", {"entity_id": "camera.cat, camera.yard"}, {YARD}),
        ("device", {"device_id": device.id}, {DOOR}),
        ("area", {"area_id": area.id}, {YARD}),
        ("label", {"label_id": [label.label_id]}, {YARD}),
        ("all", {"entity_id": "all"}, {DOOR, YARD}),
        ("another", {"entity_id": "camera.cat"}, set()),
    ]


async def test_pictures_saved_by_an_action_are_noticed_however_the_camera_is_named(
    hass: HomeAssistant, disk: Path, entry: MockConfigEntry
) -> None:
    expected = []
    for name, target, cameras in targets(hass):
        folder = disk / name
        folder.mkdir()
        await snapshot(hass, folder, target)
        assert list(folder.iterdir())  # it was really saved
        expected += [(each, "camera.snapshot", str(folder)) for each in cameras]
    assert noticed(await look(entry)) == sorted(expected)
    with suppress(HomeAssistantError):  # it has no stream, but that is known later
        await hass.services.async_call(
            "camera",
            "record",
            {"entity_id": "camera.door", "filename": f"{disk}/films/{{{{ now() }}}}/x.mp4"},
            blocking=True,
        )
    await hass.async_block_till_done()
    found = named(await look(entry), "camera.record")
    assert (found.where, found.past_limit, found.end) == ((f"{disk}/films",), None, End.UNKNOWN)
    told = issue_of(hass, Issue.COPY_NOTICED, YARD)
    assert told is not None
    assert told.translation_placeholders is not None
    assert told.translation_placeholders["count"] == "4"
    assert str(disk) not in repr(told)  # everyone can read it


async def test_it_is_entered_once_an_hour_remembered_and_ended_by_a_person(
    hass: HomeAssistant,
    disk: Path,
    entry: MockConfigEntry,
    hass_client_no_auth: ClientSessionGenerator,
    freezer: FrozenDateTimeFactory,
) -> None:
    assert await async_setup_component(hass, "repairs", {})
    user = MockUser(name="Taro", is_owner=True).add_to_hass(hass)
    door = {"entity_id": "camera.door"}
    for _ in range(3):
        await snapshot(hass, disk, door, user.id)
    trigger = {"trigger": "event", "event_type": "ring"}
    action = {"action": "camera.snapshot", "target": door, "data": {"filename": f"{disk}/b/x.jpg"}}
    assert await async_setup_component(
        hass,
        "automation",
        {"automation": {"id": "1", "alias": "Bell", "triggers": trigger, "actions": action}},
    )
    (disk / "b").mkdir()
    hass.bus.async_fire("ring")
    await hass.async_block_till_done()

    async def entered() -> list[tuple[str, Any, Any]]:
        found = await async_ledger(hass, entry, EntryKind.COPY_NOTICED)
        assert {each.subject for each in found} <= {DOOR}
        return [(each.actor, each.data["target"], each.data["by"]) for each in found]

    both = [("Taro", str(disk), ""), ("automation", f"{disk}/b", "automation.bell")]
    await hass.async_block_till_done()
    assert await entered() == both
    assert await hass.config_entries.async_reload(entry.entry_id)
    await snapshot(hass, disk, door)
    assert await entered() == both
    freezer.tick(timedelta(hours=1, seconds=1))
    await snapshot(hass, disk, door)
    await hass.async_block_till_done()
    assert await entered() == [*both, ("automation", str(disk), "")]
    assert [where for _, _, where in noticed(await look(entry))] == [str(disk), f"{disk}/b"]

    # A managed folder ends the pictures in it in time.
    for pattern, left in (("*.mp4", [str(disk), f"{disk}/b"]), ("*.jpg", [str(disk)])):
        settings = {"path": f"{disk}/b", "patterns": [pattern], "age_by": "name"}
        folder = ConfigSubentry(
            data=MappingProxyType(settings | {"retention_hours": 24}),
            subentry_type="folder",
            title="Bell",
            unique_id=None,
        )
        hass.config_entries.async_add_subentry(entry, folder)
        await hass.async_block_till_done()
        assert [where for _, _, where in noticed(await look(entry))] == left
        if left[1:]:
            hass.config_entries.async_remove_subentry(entry, folder.subentry_id)
            await hass.async_block_till_done()

    browser = await logged_in(hass, user, hass_client_no_auth)
    shown = await open_repair(browser, f"{Issue.COPY_NOTICED}_{DOOR}")
    answer = await browser.post(f"/api/repairs/issues/fix/{shown['flow_id']}", json={})
    assert (await answer.json())["type"] == "create_entry"
    await hass.async_block_till_done()
    assert not noticed(await look(entry))
    assert issue_of(hass, Issue.COPY_NOTICED, DOOR) is None
    (ended,) = await async_ledger(hass, entry, EntryKind.COPY_CHECKED)
    assert ended.data["ended"] == [f"camera.snapshot {disk}/b", f"camera.snapshot {disk}"]
    await snapshot(hass, disk, door)  # and told again when it goes on
    assert noticed(await look(entry))
    assert issue_of(hass, Issue.COPY_NOTICED, DOOR) is not None


async def test_what_works_on_a_camera_s_pictures_is_noticed_while_it_is_there(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    setup_test_component_platform(hass, "image_processing", [Reader()])
    assert await async_setup_component(
        hass, "image_processing", {"image_processing": {"platform": "test"}}
    )
    await hass.async_block_till_done()
    for _ in range(2):
        found = named(await look(entry), "image_processing.plates")
        assert (found.kind, found.camera) == (CopyKind.IMAGE_PROCESSING, DOOR)
    assert issue_of(hass, Issue.COPY_NOTICED, DOOR) is not None
    (noted,) = await async_ledger(hass, entry, EntryKind.COPY_NOTICED)
    assert (noted.subject, noted.data["target"]) == (DOOR, "image_processing.plates")
    await hass.data["image_processing"].async_remove_entity("image_processing.plates")
    assert not (await look(entry)).copies
    assert issue_of(hass, Issue.COPY_NOTICED, DOOR) is None


@pytest.mark.parametrize(
    ("filename", "directory"),
    [
        ("/config/www/x.jpg", "/config/www"),
        ("/media/{{ entity_id.name }}/x.jpg", "/media"),
        ("/media/a{% if x %}b{% endif %}/c/x.jpg", "/media"),
        ("/x.jpg", "/"),
        ("x.jpg", ""),
        ("{{ states('input_text.where') }}", ""),
        ("rtsp://user:secret@camera/x", ""),
    ],
)
def test_the_directory_is_what_a_file_name_begins_with(filename: str, directory: str) -> None:
    assert directory_of(PurePosixPath(filename)) == directory
