"""The pack of a site: entered, changed on record, and never looser than what somebody chose."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import issue_registry as ir
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.common import MockConfigEntry, MockUser

from custom_components.camera_steward.bridge import site_settings
from custom_components.camera_steward.const import DOMAIN
from custom_components.camera_steward.core.disclosure.grounds import RequestKind
from custom_components.camera_steward.core.errors import PackError
from custom_components.camera_steward.core.ledger.entry import EntryKind
from custom_components.camera_steward.core.policy.loading import LARGEST_BYTES
from custom_components.camera_steward.keys import async_load_or_create
from custom_components.camera_steward.limits import ceiling_of
from custom_components.camera_steward.policy_packs import (
    async_load_pack,
    async_packs,
    own_packs,
    problem_text,
)
from custom_components.camera_steward.texts import async_texts

from .sites import DOOR, OWN_PACK, async_ledger, async_set_up, camera, site

DAY = timedelta(days=1)


@pytest.fixture
def manager(hass: HomeAssistant) -> MockUser:
    return MockUser(name="Hanako").add_to_hass(hass)


def own(hass: HomeAssistant, hours: int, *, id_: str = "shop") -> Path:
    """Write a pack of one's own."""
    path = own_packs(hass) / f"{id_}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(OWN_PACK.format(id=id_, hours=hours))
    return path


async def chosen(hass: HomeAssistant, entry: ConfigEntry) -> list[str]:
    """Return which packs were entered as chosen."""
    entries = await async_ledger(hass, entry, EntryKind.PACK_CHOSEN)
    assert all(each.subject == entry.entry_id for each in entries)
    return [str(each.data["pack"]) for each in entries]


async def reload(hass: HomeAssistant, entry: ConfigEntry) -> None:
    """Set a site up anew, as at a restart."""
    assert await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()


def issue(hass: HomeAssistant, entry: ConfigEntry) -> dict[str, str] | None:
    """Return what the repair of an unreadable pack says, if there is one."""
    found = ir.async_get(hass).async_get_issue(DOMAIN, f"pack_unreadable_{entry.entry_id}")
    return None if found is None else dict(found.translation_placeholders or {})


async def change(hass: HomeAssistant, entry: MockConfigEntry, pack: str, days: int) -> Any:
    """Choose another pack in the form of a site, and give the place as it is."""
    result = await entry.start_reconfigure_flow(hass)
    shown = {
        str(key): key.description["suggested_value"]
        for key in result["data_schema"].schema
        if key.description and key.description["suggested_value"] is not None
    }
    result = await send(hass, result, shown | {"pack": pack})
    given = {"vault_path": entry.data["vault_path"], "retention_days": days}
    return await send(hass, result, given | {"retention_more_hours": 0})


async def send(hass: HomeAssistant, result: Any, given: dict[str, Any]) -> Any:
    """Send a form."""
    return await hass.config_entries.flow.async_configure(result["flow_id"], given)


async def test_what_is_chosen_and_what_changes_is_entered_once(
    hass: HomeAssistant, manager: MockUser, disk: Path
) -> None:
    # As one from before there were packs.
    entry = await async_set_up(hass, site(disk / "a", manager_user_id=manager.id))
    (first,) = await async_ledger(hass, entry, EntryKind.PACK_CHOSEN)
    pack = await async_load_pack(hass, entry)
    assert dict(first.data) == {
        "pack": "jp_kumagaya_2019",
        "version": pack.version,
        "digest": pack.digest,
    }
    await reload(hass, entry)
    assert await chosen(hass, entry) == ["jp_kumagaya_2019"]

    file = own(hass, 72)
    result = await change(hass, entry, "shop", 1)
    await hass.async_block_till_done()
    assert result["reason"] == "reconfigure_successful"
    assert ceiling_of(entry.data) == 3 * DAY
    assert (await async_load_pack(hass, entry)).id == "shop"
    assert await chosen(hass, entry) == ["jp_kumagaya_2019", "shop"]

    # A file that reads otherwise by now is told of; a higher ceiling holds once a person saves it.
    file.write_text(OWN_PACK.format(id="shop", hours=240))
    await reload(hass, entry)
    assert await chosen(hass, entry) == ["jp_kumagaya_2019", "shop", "shop"]
    assert ceiling_of(entry.data) == (await async_load_pack(hass, entry)).ceiling == 3 * DAY
    await change(hass, entry, "shop", 1)
    await hass.async_block_till_done()
    assert ceiling_of(entry.data) == (await async_load_pack(hass, entry)).ceiling == 10 * DAY
    # A lower one that cuts nothing holds by itself.
    file.write_text(OWN_PACK.format(id="shop", hours=48))
    await reload(hass, entry)
    keys = await async_load_or_create(hass, entry.entry_id)
    assert site_settings(hass, entry, keys).ceiling == ceiling_of(entry.data) == 2 * DAY


async def test_a_pack_that_cannot_be_read_loosens_nothing_and_is_told(
    hass: HomeAssistant, manager: MockUser, disk: Path
) -> None:
    file = own(hass, 72)
    entry = site(disk / "a", manager_user_id=manager.id, pack="shop", ceiling_hours=72)
    await async_set_up(hass, entry)
    assert issue(hass, entry) is None
    counter = entry.runtime_data.bridge.steward.counter()
    assert counter.is_ground(RequestKind.LAW)

    file.write_text(file.read_text() + "controls: []\n")
    await reload(hass, entry)
    told = issue(hass, entry)
    assert told is not None
    assert (told["file"], told["line"]) == ("shop.yaml", "8")
    assert told["problem"] == "The list is empty: controls."
    pack = await async_load_pack(hass, entry)
    assert ceiling_of(entry.data) == pack.ceiling == 3 * DAY
    assert not any(entry.runtime_data.bridge.steward.counter().is_ground(e) for e in RequestKind)
    assert await chosen(hass, entry) == ["shop"]
    # Its form can be saved as it is, which changes none of that.
    assert (await change(hass, entry, "shop", 1))["reason"] == "reconfigure_successful"
    await hass.async_block_till_done()
    assert ceiling_of(entry.data) == 3 * DAY

    file.unlink()
    await reload(hass, entry)
    told = issue(hass, entry)
    assert told is not None
    assert (told["file"], told["line"]) == ("shop.yaml", "–")
    own(hass, 72)
    await reload(hass, entry)
    assert issue(hass, entry) is None
    assert entry.runtime_data.bridge.steward.counter().is_ground(RequestKind.LAW)
    assert await chosen(hass, entry) == ["shop"]


async def test_a_lower_ceiling_is_told_by_name_and_a_higher_one_lengthens_nothing(
    hass: HomeAssistant, manager: MockUser, disk: Path
) -> None:
    lapsed = {
        "retention_hours": 30 * 24,
        "retention_reason": "Repeated arson",
        "retention_approver": "Hanako Kumagaya, chair",
        "retention_review_at": (dt_util.now().date() - DAY).isoformat(),
    }
    approved = lapsed | {"retention_review_at": (dt_util.now().date() + 60 * DAY).isoformat()}
    cameras = (camera(DOOR, "door", **lapsed), camera("yard" * 8, "yard", **approved))
    entry = site(disk / "a", *cameras, manager_user_id=manager.id)
    await async_set_up(hass, entry)

    result = await change(hass, entry, "jp_generic_7d", 1)
    assert (result["type"], result["step_id"]) == (FlowResultType.FORM, "shorter")
    assert result["description_placeholders"] == {"names": "- Door", "ceiling": "7"}
    result = await send(hass, result, {"understood": False})
    assert result["errors"] == {"understood": "not_understood"}
    assert ceiling_of(entry.data) == 14 * DAY
    result = await send(hass, result, {"understood": True})
    assert result["reason"] == "reconfigure_successful"
    await hass.async_block_till_done()
    assert ceiling_of(entry.data) == 7 * DAY

    result = await change(hass, entry, "jp_generic_1month", 1)
    assert result["reason"] == "reconfigure_successful"
    await hass.async_block_till_done()
    assert ceiling_of(entry.data) == 30 * DAY
    door, yard = (entry.subentries[each].data for each in (DOOR, "yard" * 8))
    assert (door["retention_hours"], door["retention_reason"]) == (7 * 24, "")
    assert (yard["retention_hours"], yard["retention_reason"]) == (30 * 24, "Repeated arson")
    changes = await async_ledger(hass, entry, EntryKind.SETTINGS_CHANGED)
    (cut,) = [each.data for each in changes if each.subject == DOOR]
    assert cut["retention_hours"] == {"from": 720, "to": 168}


async def test_a_file_that_was_changed_cuts_no_footage_before_a_person_says_so(
    hass: HomeAssistant, manager: MockUser, disk: Path
) -> None:
    file = own(hass, 72)
    kept = camera(DOOR, "door", retention_hours=72)
    entry = site(disk / "a", kept, manager_user_id=manager.id, pack="shop", ceiling_hours=72)
    await async_set_up(hass, entry)
    keys = await async_load_or_create(hass, entry.entry_id)
    file.write_text(OWN_PACK.format(id="shop", hours=48))
    await reload(hass, entry)
    assert ceiling_of(entry.data) == site_settings(hass, entry, keys).ceiling == 3 * DAY
    issues = ir.async_get(hass)
    told = issues.async_get_issue(DOMAIN, f"pack_shortens_{entry.entry_id}")
    assert told is not None
    assert told.translation_placeholders is not None
    assert {"ceiling": "2", "names": "- Door"}.items() <= told.translation_placeholders.items()
    # That it is kept for longer than the pack says is no secret.
    assert (await async_load_pack(hass, entry)).ceiling == 2 * DAY
    await entry.runtime_data.duties.async_look()
    seen = entry.runtime_data.coordinator.duties
    (held,) = seen.facts.cameras
    assert held.limit == 3 * DAY
    (retention,) = [each for each in seen.states if each.control == "own/retention"]
    assert {each.key for each in retention.why} == {"limit_no_reason"}

    result = await change(hass, entry, "shop", 2)
    assert (result["type"], result["step_id"]) == (FlowResultType.FORM, "shorter")
    assert result["description_placeholders"] == {"names": "- Door", "ceiling": "2"}
    result = await send(hass, result, {"understood": True})
    assert result["reason"] == "reconfigure_successful"
    await hass.async_block_till_done()
    assert ceiling_of(entry.data) == site_settings(hass, entry, keys).ceiling == 2 * DAY
    assert issues.async_get_issue(DOMAIN, f"pack_shortens_{entry.entry_id}") is None


async def test_what_can_be_wrong_with_a_pack_has_its_words(hass: HomeAssistant) -> None:
    path = own(hass, 72)
    path.write_bytes(b" " * (LARGEST_BYTES + 1))
    (error,) = (await async_packs(hass)).broken
    texts = {language: await async_texts(hass, language) for language in ("en", "ja")}
    assert problem_text(texts["en"], error) == "The file is larger than 1 MB."
    assert "1 MB" in problem_text(texts["ja"], error)
    # A word from a file is no template.
    error = PackError("rule_unknown", file="shop.yaml", line=1, what="{texts} {0}")
    assert problem_text(texts["en"], error) == "There is no such rule: {texts} {0}."
