"""Operators come and go by a form, on record, and no camera is interrupted for it."""

import asyncio
from pathlib import Path
from types import MappingProxyType
from typing import Any

from homeassistant.config_entries import SOURCE_RECONFIGURE, SOURCE_USER, ConfigSubentry
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from pytest_homeassistant_custom_component.common import MockConfigEntry, MockUser

from custom_components.camera_steward.core.access.people import Role
from custom_components.camera_steward.core.ledger.entry import EntryKind
from tests.cameras import RtspCamera

from .sites import (
    DOOR,
    MANAGER,
    async_add_cameras,
    async_ledger,
    async_set_up,
    camera,
    site,
    threads,
    until_status,
)

GIVEN = {"name": "Taro Ara", "since": "2026-01-05"}


async def async_site(hass: HomeAssistant, disk: Path, *cameras: Any) -> MockConfigEntry:
    MockUser(id=MANAGER, name="Manager").add_to_hass(hass)
    return await async_set_up(hass, site(disk / "vault", *cameras))


async def appoint(hass: HomeAssistant, entry: MockConfigEntry, **given: Any) -> dict[str, Any]:
    flow = await hass.config_entries.subentries.async_init(
        (entry.entry_id, "operator"), context={"source": SOURCE_USER}
    )
    assert flow["step_id"] == "user"
    result = await hass.config_entries.subentries.async_configure(flow["flow_id"], given)
    await hass.async_block_till_done()
    return dict(result)


async def test_an_operator_is_appointed_changed_and_removed_while_cameras_record(
    hass: HomeAssistant, disk: Path, rtsp_camera: RtspCamera
) -> None:
    await async_add_cameras(hass, door=rtsp_camera.url)
    entry = await async_site(hass, disk, camera(DOOR, "door"))
    user = MockUser(name="Taro").add_to_hass(hass)
    await until_status(hass, DOOR, "recording")
    running, before = entry.runtime_data, threads()

    result = await appoint(hass, entry, **GIVEN, user_id=user.id)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    (subentry,) = [e for e in entry.subentries.values() if e.subentry_type == "operator"]
    assert (subentry.title, subentry.data["until"]) == ("Taro Ara", None)

    def role() -> Role | None:
        person = running.bridge.steward.lobby().desk.person(user.id)
        return person.role if person is not None else None

    assert await hass.async_add_executor_job(role) is Role.OPERATOR

    flow = await hass.config_entries.subentries.async_init(
        (entry.entry_id, "operator"),
        context={"source": SOURCE_RECONFIGURE, "subentry_id": subentry.subentry_id},
    )
    assert flow["step_id"] == "reconfigure"
    changed = GIVEN | {"user_id": user.id, "until": "2026-01-31"}
    result = dict(await hass.config_entries.subentries.async_configure(flow["flow_id"], changed))
    await hass.async_block_till_done()
    assert result["type"] is FlowResultType.ABORT
    assert await hass.async_add_executor_job(role) is None  # the last day is over

    hass.config_entries.async_remove_subentry(entry, subentry.subentry_id)
    await hass.async_block_till_done()

    assert entry.runtime_data is running  # nothing was started again
    assert threads() == before
    kinds = (EntryKind.PERSON_APPOINTED, EntryKind.PERSON_REMOVED)
    entered = await async_ledger(hass, entry, *kinds)
    assert [each.kind for each in entered] == [kinds[0], kinds[0], kinds[1]]
    assert all(each.data["name"] == "Taro Ara" for each in entered)
    assert entered[1].data["until"] == "2026-01-31"


async def test_appointments_on_each_other_s_heels_hold_as_the_last_one_says(
    hass: HomeAssistant, disk: Path
) -> None:
    """What was read of the settings earlier must not be let in later, and nothing is missed."""
    entry = await async_site(hass, disk)
    operators = [
        ConfigSubentry(
            data=MappingProxyType({**GIVEN, "user_id": f"user {number}", "until": None}),
            subentry_type="operator",
            title="Taro Ara",
            unique_id=None,
        )
        for number in range(12)
    ]
    for each in operators:
        hass.config_entries.async_add_subentry(entry, each)
        await asyncio.sleep(0)
    await hass.async_block_till_done()
    for each in operators[:-1]:
        hass.config_entries.async_remove_subentry(entry, each.subentry_id)
        await asyncio.sleep(0)
    await hass.async_block_till_done()

    desk = entry.runtime_data.bridge.steward.lobby().desk
    assert [each.user for each in desk.house.people] == [MANAGER, "user 11"]
    for kind, expected in (
        (EntryKind.PERSON_APPOINTED, operators),
        (EntryKind.PERSON_REMOVED, operators[:-1]),
    ):
        entered = [each.subject for each in await async_ledger(hass, entry, kind)]
        assert sorted(entered) == sorted(each.subentry_id for each in expected)


async def test_what_makes_no_sense_is_refused_with_its_reason(
    hass: HomeAssistant, disk: Path
) -> None:
    entry = await async_site(hass, disk)
    user = MockUser(name="Taro").add_to_hass(hass)
    for given, wrong in (
        ({"name": "  "}, {"name": "text_missing"}),
        ({"until": "2026-01-04"}, {"until": "until_before_since"}),
        ({"user_id": MANAGER}, {"user_id": "is_manager"}),
        ({"until": "9999-12-31"}, {"until": "year_out_of_range"}),
        ({"since": "0001-01-01"}, {"since": "year_out_of_range"}),
    ):
        result = await appoint(hass, entry, **(GIVEN | {"user_id": user.id} | given))
        assert result["errors"] == wrong
    assert not entry.subentries
    # The last day may be the first.
    await appoint(hass, entry, **GIVEN, user_id=user.id, until="2026-01-05")
    assert len(entry.subentries) == 1
    result = await appoint(hass, entry, **GIVEN, user_id=user.id)
    assert result["errors"] == {"user_id": "is_operator"}
