"""The actions over the real registry: what they answer, and whom they refuse."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from homeassistant.auth.models import Group
from homeassistant.core import Context, HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError, Unauthorized
from homeassistant.helpers import device_registry as dr
from pytest_homeassistant_custom_component.common import MockConfigEntry, MockUser

from custom_components.camera_steward.const import DOMAIN
from custom_components.camera_steward.core.ledger.entry import EntryKind
from custom_components.camera_steward.core.viewing.desk import Caller
from custom_components.camera_steward.core.viewing.lobby import Lobby
from tests.cameras import RtspCamera

from .sites import (
    DOOR,
    MANAGER,
    YARD,
    async_add_cameras,
    async_ask,
    async_back_date,
    async_ledger,
    async_set_up,
    camera,
    entity_id,
    plug_in,
    segments_on_disk,
    site,
    unplug,
    until,
    until_status,
)


@pytest.fixture
async def kept(hass: HomeAssistant, disk: Path) -> MockConfigEntry:
    """Keep two segments of the door and one of the yard, with cameras that are dark."""
    nowhere = "rtsp://127.0.0.1:1/none"
    await async_add_cameras(hass, door=nowhere, yard=nowhere)
    entry = site(disk, camera(DOOR, "door"), camera(YARD, "yard", retention_hours=48))
    await async_back_date(hass, entry, DOOR, timedelta(hours=20), timedelta(hours=1))
    await async_back_date(hass, entry, YARD, timedelta(hours=30))
    return await async_set_up(hass, entry)


def device_of(hass: HomeAssistant, entry: MockConfigEntry, owner: str) -> str:
    """Return the device of a camera or the site."""
    return dr.async_get_device_id_by_identifier(
        hass, (DOMAIN, owner), config_entry_id=entry.entry_id
    )


def resident(hass: HomeAssistant) -> str:
    """Return a user who may control every entity and is nobody here."""
    everybody = Group(id="everybody", name="Users", policy={"entities": True})
    user: str = MockUser(name="Resident", groups=[everybody]).add_to_hass(hass).id
    return user


async def test_purge_says_what_went_and_what_is_kept(
    hass: HomeAssistant, kept: MockConfigEntry
) -> None:
    """Nothing here is due; it answers so, and without an answer wanted it works as well."""
    answer = await async_ask(hass, "purge", config_entry_id=kept.entry_id)
    assert answer["segments"] == 0
    assert answer["erased"] == []
    assert answer["kept"]["segments"] == 3
    assert answer["kept"]["size_bytes"] == sum(
        each.stat().st_size for owner in (DOOR, YARD) for each in segments_on_disk(kept, owner)
    )
    assert answer["past_limit"] == 0
    assert datetime.fromisoformat(answer["next_purge_at"]).tzinfo is not None
    await hass.services.async_call(DOMAIN, "purge", blocking=True)


async def test_verify_finds_nothing_then_names_the_damaged_and_the_missing(
    hass: HomeAssistant, kept: MockConfigEntry
) -> None:
    """Others are unaffected; each level finds its own kind."""
    span = {"start": "2000-01-01 00:00:00"}
    answer = await async_ask(hass, "verify", level="chunks", **span)
    assert (answer["checked"], answer["damaged"], answer["damages"]) == (3, 0, [])
    assert answer["ledger"]["sound"]
    old, young = segments_on_disk(kept, DOOR)
    content = bytearray(old.read_bytes())
    content[len(content) // 2] ^= 1
    old.write_bytes(content)
    assert (await async_ask(hass, "verify", level="size", **span))["damaged"] == 0
    [damage] = (await async_ask(hass, "verify", level="chunks", **span))["damages"]
    assert (damage["camera"], damage["level"]) == ("Door", "chunks")
    young.unlink()
    answer = await async_ask(
        hass, "verify", level="presence", device_id=device_of(hass, kept, DOOR), **span
    )
    assert answer["checked"] == 2
    assert [each["what"] for each in answer["damages"]] == ["segment_missing"]
    yard = await async_ask(
        hass, "verify", level="chunks", device_id=device_of(hass, kept, YARD), **span
    )
    assert (yard["checked"], yard["damaged"]) == (1, 0)


async def test_verify_looks_at_the_span_that_is_asked_for(
    hass: HomeAssistant, kept: MockConfigEntry
) -> None:
    """The last day unless told."""
    assert (await async_ask(hass, "verify", level="size"))["checked"] == 2
    with pytest.raises(ServiceValidationError) as refused:
        await async_ask(hass, "verify", start="2026-01-02 00:00:00", end="2026-01-01 00:00:00")
    assert refused.value.translation_key == "span_reversed"


async def test_verify_is_for_the_manager_administrators_and_automations(
    hass: HomeAssistant, kept: MockConfigEntry
) -> None:
    """It reads all that is stored; everyone else is refused."""
    with pytest.raises(ServiceValidationError) as refused:
        await async_ask(hass, "verify", user=resident(hass))
    assert refused.value.translation_key == "manager_only"
    MockUser(id=MANAGER, name="manager").add_to_hass(hass)
    assert (await async_ask(hass, "verify", user=MANAGER))["checked"] == 2
    admin = MockUser(name="Taro", is_owner=True).add_to_hass(hass)
    assert (await async_ask(hass, "verify", user=admin.id))["checked"] == 2
    assert (await async_ask(hass, "verify"))["checked"] == 2


async def test_the_summary_tells_spans_and_gaps_of_each_camera(
    hass: HomeAssistant, kept: MockConfigEntry
) -> None:
    """Counts and times, and no picture."""
    await until_status(hass, DOOR, "no_stream")
    answer = await async_ask(hass, "footage_summary", user=resident(hass))
    by_name = {each["camera"]: each for each in answer["cameras"]}
    assert set(by_name) == {"Door", "Yard"}
    assert by_name["Door"]["segments"] == 2
    assert len(by_name["Door"]["spans"]) == 2
    assert by_name["Door"]["kept"]["length_seconds"] == 120
    assert by_name["Door"]["status"] == "no_stream"
    assert by_name["Door"]["gaps"]
    assert by_name["Door"]["gaps"][-1]["end"] is None
    assert by_name["Yard"]["segments"] == 0
    assert by_name["Yard"]["kept"]["segments"] == 1
    one = await async_ask(
        hass,
        "footage_summary",
        device_id=device_of(hass, kept, YARD),
        start="2000-01-01 00:00:00",
    )
    assert [(each["camera"], each["segments"]) for each in one["cameras"]] == [("Yard", 1)]


async def test_a_device_that_is_no_camera_of_the_site_is_refused(
    hass: HomeAssistant, kept: MockConfigEntry
) -> None:
    """The site's own device, and none at all."""
    for device in (device_of(hass, kept, kept.entry_id), "none"):
        with pytest.raises(ServiceValidationError) as refused:
            await async_ask(hass, "footage_summary", device_id=device)
        assert refused.value.translation_key == "camera_unknown"


async def test_actions_are_there_without_a_site_and_say_so(
    hass: HomeAssistant, kept: MockConfigEntry
) -> None:
    """An unloaded site, and an unknown one."""
    await hass.config_entries.async_unload(kept.entry_id)
    for data in ({}, {"config_entry_id": kept.entry_id}, {"config_entry_id": "none"}):
        with pytest.raises(ServiceValidationError):
            await async_ask(hass, "purge", **data)


async def test_a_trigger_by_device_or_entity_keeps_footage(
    hass: HomeAssistant, rtsp_camera: RtspCamera, disk: Path
) -> None:
    """For automations; a camera that records anyway says so, a user needs control."""
    await async_add_cameras(hass, door=rtsp_camera.url, yard=rtsp_camera.url)
    entry = await async_set_up(
        hass,
        site(
            disk,
            camera(DOOR, "door", mode="trigger", pre_roll_seconds=2, post_roll_seconds=600),
            camera(YARD, "yard"),
        ),
    )
    await until_status(hass, DOOR, "waiting")
    switch = entity_id(hass, "switch", DOOR, "recording")
    nobody = MockUser(name="Nobody", groups=[]).add_to_hass(hass)
    with pytest.raises(Unauthorized):
        await hass.services.async_call(
            DOMAIN,
            "trigger",
            {"entity_id": switch},
            blocking=True,
            context=Context(user_id=nobody.id),
        )
    with pytest.raises(ServiceValidationError) as refused:
        await hass.services.async_call(
            DOMAIN, "trigger", {"device_id": device_of(hass, entry, YARD)}, blocking=True
        )
    assert refused.value.translation_key == "not_on_trigger"
    assert segments_on_disk(entry, DOOR) == []
    await hass.services.async_call(
        DOMAIN, "trigger", {"device_id": device_of(hass, entry, DOOR)}, blocking=True
    )
    await until_status(hass, DOOR, "recording")
    await until(lambda: segments_on_disk(entry, DOOR))


async def test_a_vault_that_is_away_is_told_in_words(
    hass: HomeAssistant, kept: MockConfigEntry, disk: Path
) -> None:
    """The core's error arrives as a translated one."""
    away = unplug(disk)
    with pytest.raises(HomeAssistantError) as told:
        await async_ask(hass, "purge")
    assert told.value.translation_key == "vault_missing"
    plug_in(away, disk)


async def test_only_the_manager_administrators_and_automations_end_all_permissions(
    hass: HomeAssistant, kept: MockConfigEntry
) -> None:
    """Each is named in the ledger; who may not is refused, and that is on record too."""
    MockUser(id=MANAGER, name="login of the manager").add_to_hass(hass)
    admin = MockUser(name="Taro", is_owner=True).add_to_hass(hass)
    lobby = kept.runtime_data.bridge.async_in_lobby
    nobody = resident(hass)
    for user, actor in ((MANAGER, "Hanako Kumagaya"), (admin.id, "Taro"), (None, "automation")):
        await lobby(give_permission)
        with pytest.raises(ServiceValidationError) as refused:
            await async_ask(hass, "end_guest_permissions", user=nobody)
        assert refused.value.translation_key == "manager_only"
        assert len(await lobby(lambda each: each.desk.permissions())) == 1
        answer = await async_ask(hass, "end_guest_permissions", user, config_entry_id=kept.entry_id)
        assert answer == {"ended": 1}
        assert await lobby(lambda each: each.desk.permissions()) == ()
        *_, ended = await async_ledger(hass, kept, EntryKind.PERMISSION_ENDED)
        assert (ended.actor, ended.subject) == (actor, "guest")
    assert await async_ask(hass, "end_guest_permissions") == {"ended": 0}
    (denied,) = await async_ledger(hass, kept, EntryKind.VIEWING_DENIED)
    assert (denied.actor, denied.data["kind"], denied.data["refusal"]) == (
        "Resident",
        "manage",
        "not_manager",
    )


def give_permission(lobby: Lobby) -> None:
    """Give someone a permission of a day."""
    now = datetime.now(UTC)
    lobby.desk.permit(
        Caller(user=MANAGER),
        user="guest",
        name="Jiro Gyoda",
        cameras=frozenset({DOOR}),
        start_at=now - timedelta(hours=1),
        end_at=now,
        reason="A broken window",
        length=timedelta(hours=24),
    )
