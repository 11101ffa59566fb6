"""A Home Assistant that is new takes a vault over by its recovery kit, and only by that."""

import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from homeassistant.config_entries import SOURCE_USER, ConfigEntry, ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import issue_registry as ir
from pytest_homeassistant_custom_component.common import MockUser

from custom_components.camera_steward import places
from custom_components.camera_steward.bridge import camera_name
from custom_components.camera_steward.const import DOMAIN
from custom_components.camera_steward.core.access.people import Role
from custom_components.camera_steward.core.clock import SystemClock
from custom_components.camera_steward.core.ledger.entry import SYSTEM, EntryKind
from custom_components.camera_steward.core.retention.hold import Hold, HoldState
from custom_components.camera_steward.core.steward import Steward
from custom_components.camera_steward.core.vault.kit import kit_code
from custom_components.camera_steward.core.vault.verify import VerifyLevel
from custom_components.camera_steward.keys import SiteKeys, async_load
from custom_components.camera_steward.repairs import Issue, issue_id

from .sites import DOOR, YARD, async_back_date, async_ledger, async_set_up, camera, site

PEOPLE = {
    "installer": "Someone new",
    "contact": "048-000-0000",
    "purpose": "Prevention of theft",
    "manager_name": "Jiro Gyoda",
    "manager_since": "2026-01-01",
    "live_minutes": 10,
}

AGES = [timedelta(hours=each) for each in (2, 20, 50)]


@pytest.fixture(autouse=True)
def mounts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the forms from looking at this machine's own disks, and let its clock be vouched for."""
    path = tmp_path / "mounts"
    path.touch()
    monkeypatch.setattr(places, "_MOUNTS", path)
    monkeypatch.setattr(SystemClock, "synchronised", lambda _: True)


async def begin(hass: HomeAssistant, root: Path) -> dict[str, Any]:
    """Name the folder of a vault that is there, and return what is asked then."""
    manager = MockUser(name="Jiro").add_to_hass(hass)
    asked = await hass.config_entries.flow.async_init(DOMAIN, context={"source": SOURCE_USER})
    result = await send(hass, asked, PEOPLE | {"manager_user_id": manager.id})
    given = {"vault_path": str(root), "retention_days": 7, "retention_more_hours": 0}
    return await send(hass, result, given)


async def send(hass: HomeAssistant, result: Any, given: dict[str, Any]) -> dict[str, Any]:
    return dict(await hass.config_entries.flow.async_configure(result["flow_id"], given))


def form(*, days: int) -> dict[str, Any]:
    return {"installer": "Honcho Shop", "retention_days": days, "retention_more_hours": 0}


def tree(root: Path) -> dict[str, bytes]:
    return {str(each.relative_to(root)): each.read_bytes() for each in root.rglob("*.*")}


async def saved(
    hass: HomeAssistant,
    disk: Path,
    *,
    in_use: bool = False,
    meanwhile: Callable[[Steward], None] = lambda _: None,
) -> tuple[SiteKeys, Path]:
    """Return the keys of a site that recorded and is gone, and the copy of its vault that is left."""
    gone = site(
        disk / "vault",
        camera(DOOR, "door", retention_hours=24),
        camera(YARD, "yard", retention_hours=96),
        retention_hours=72,
    )
    await async_back_date(hass, gone, YARD, *AGES)
    await async_back_date(hass, gone, DOOR, *AGES[:2])
    await async_set_up(hass, gone)
    await hass.async_add_executor_job(meanwhile, gone.runtime_data.bridge.steward)
    keys = await async_load(hass, gone.entry_id)
    assert keys is not None
    copy = disk / "copy"
    await hass.async_add_executor_job(shutil.copytree, disk / "vault", copy)
    if not in_use:
        await hass.config_entries.async_remove(gone.entry_id)
        await hass.async_block_till_done()
        assert await async_load(hass, gone.entry_id) is None
    return keys, copy


async def test_a_vault_that_is_in_use_here_is_refused_by_whatever_path(
    hass: HomeAssistant, disk: Path
) -> None:
    _, copy = await saved(hass, disk, in_use=True)
    for root in (disk / "vault", copy):
        result = await begin(hass, root)
        assert result["errors"] == {"vault_path": "path_in_use"}


async def test_nothing_is_changed_without_the_kit(hass: HomeAssistant, disk: Path) -> None:
    keys, copy = await saved(hass, disk)
    before = await hass.async_add_executor_job(tree, copy)
    lines = kit_code(keys.site_key)
    result = await begin(hass, copy)
    assert result["step_id"] == "adopt"
    for code, error in (
        ("12345", "kit_mistyped"),
        ("\n".join([lines[1], lines[0], *lines[2:]]), "kit_mistyped_in"),
        ("\n".join(kit_code(bytes(32))), "kit_wrong"),
    ):
        result = await send(hass, result, {"recovery_code": code})
        assert (result["step_id"], result["errors"]) == ("adopt", {"recovery_code": error})
    # Who has none chooses another folder.
    result = await send(hass, result, {"recovery_code": " "})
    assert (result["step_id"], result["errors"]) == ("vault", {"vault_path": "path_foreign"})
    # Nor by a kit that is right, before all is answered.
    result = await begin(hass, copy)
    result = await send(hass, result, {"recovery_code": "\n".join(lines)})
    result = await send(hass, result, form(days=0))
    assert result["errors"] == {"retention_days": "retention_too_short"}
    result = await send(hass, result, form(days=30))
    assert result["step_id"] == "approval"
    assert await hass.async_add_executor_job(tree, copy) == before
    assert not hass.config_entries.async_entries(DOMAIN)


async def test_a_vault_is_taken_over_with_its_limits(hass: HomeAssistant, disk: Path) -> None:
    keys, copy = await saved(hass, disk)
    result = await begin(hass, copy)
    code = " ".join(kit_code(keys.site_key)).lower()
    result = await send(hass, result, {"recovery_code": code})
    assert result["step_id"] == "adopt_told"
    assert result["description_placeholders"]["cameras"] == "- Door\n- Yard"
    schema = result["data_schema"].schema
    suggested = {str(key): key.description or key.default() for key in schema}
    assert suggested["installer"] == {"suggested_value": "Honcho Shop"}
    assert (suggested["retention_days"], suggested["retention_more_hours"]) == (3, 0)
    result = await send(hass, result, form(days=1))
    await hass.async_block_till_done()
    assert result["type"] is FlowResultType.CREATE_ENTRY
    entry: ConfigEntry = result["result"]
    assert (entry.title, entry.state) == ("Honcho Shop", ConfigEntryState.LOADED)
    stored = await async_load(hass, entry.entry_id)
    assert stored is not None
    assert stored.site_key == keys.site_key
    assert stored.signing_key != keys.signing_key

    first, *others = await async_ledger(hass, entry)
    assert (first.kind, first.data["vault"]) == (EntryKind.VAULT_ADOPTED, entry.unique_id)
    assert first.data["segments"] == 5
    assert not any(each.kind == EntryKind.FINDING for each in others)
    # The yard keeps its 96 hours, though the site has 24 now, and the names are known.
    steward = entry.runtime_data.bridge.steward
    now = datetime.now(UTC)
    kept = await hass.async_add_executor_job(
        lambda: [len(steward.footage(each, now - 2 * AGES[-1], now)[0]) for each in (DOOR, YARD)]
    )
    assert kept == [2, 3]
    assert camera_name(entry, YARD) == "Yard"
    report = await hass.async_add_executor_job(
        steward.verify, VerifyLevel.CHUNKS, now - 2 * AGES[-1], now
    )
    assert (report.checked, report.damages, report.ledger.broken) == (5, (), ())
    # The kit shows the old ledger's key: another is to be taken.
    reminder = issue_id(entry, Issue.RECOVERY_KIT)
    assert ir.async_get(hass).async_get_issue(DOMAIN, reminder)

    assert await hass.config_entries.async_reload(entry.entry_id)
    assert len(await async_ledger(hass, entry, EntryKind.VAULT_ADOPTED)) == 1


async def test_what_was_held_is_held_on_to_its_end(hass: HomeAssistant, disk: Path) -> None:
    placed: list[Hold] = []

    def hold(steward: Steward) -> None:
        now, holds = datetime.now(UTC), steward.holds()
        made = holds.place(
            cameras=[YARD],
            start_at=now - timedelta(hours=60),
            end_at=now - timedelta(hours=10),
            reason="A theft",
            requested_by="The police",
            actor="Hanako Kumagaya",
            role=Role.MANAGER,
        )
        holds.copy_pending()
        placed.append(holds.get(made.id))

    keys, copy = await saved(hass, disk, meanwhile=hold)
    (was,) = placed
    assert (was.state, was.copied) == (HoldState.KEPT, 2)
    # Of the footage itself nothing is left, as where its time was up.
    await hass.async_add_executor_job(shutil.rmtree, copy / YARD)
    result = await begin(hass, copy)
    result = await send(hass, result, {"recovery_code": "\n".join(kit_code(keys.site_key))})
    assert result["description_placeholders"]["cameras"] == "- Door\n- Yard"
    result = await send(hass, result, form(days=1))
    await hass.async_block_till_done()
    entry: ConfigEntry = result["result"]
    holds = entry.runtime_data.bridge.steward.holds()

    def look() -> list[Hold]:
        for each in holds.segments(was.id):
            reader = holds.open_segment(was.id, each)
            reader.check()
            reader.close()
        assert holds.verify(was.id, VerifyLevel.CHUNKS) == []
        return list(holds.all())

    (now,) = await hass.async_add_executor_job(look)
    assert (now.id, now.cameras, now.until_at) == (was.id, (YARD,), was.until_at)
    assert (now.start_at, now.end_at, now.copied) == (was.start_at, was.end_at, 2)
    # Who asked and why only the ledger knew that is gone.
    assert (now.reason, now.placed_by, now.role) == ("", "", None)
    (entered,) = await async_ledger(hass, entry, EntryKind.HOLD_PLACED)
    assert (entered.subject, entered.actor) == (was.id, SYSTEM)
    assert entered.data["until_at"] == was.until_at.isoformat()
    assert camera_name(entry, YARD) == "Yard"

    def release() -> None:
        holds.release(was.id, reason="Done", actor="Jiro Gyoda", role=Role.MANAGER)

    await hass.async_add_executor_job(release)
    (ended,) = await async_ledger(hass, entry, EntryKind.HOLD_ENDED)
    assert ended.subject == was.id
    assert not (copy / "holds").exists()


async def test_footage_past_its_limit_goes_first_and_a_vault_that_says_nothing_gets_one_limit(
    hass: HomeAssistant, disk: Path
) -> None:
    gone = site(disk / "vault", camera(DOOR, "door", retention_hours=300))
    ages = [timedelta(hours=each) for each in (2, 30, 200)]
    await async_back_date(hass, gone, DOOR, *ages)
    keys = await async_load(hass, gone.entry_id)
    assert keys is not None
    copy = disk / "copy"
    await hass.async_add_executor_job(shutil.copytree, disk / "vault", copy)
    await hass.config_entries.async_remove(gone.entry_id)

    result = await begin(hass, copy)
    result = await send(hass, result, {"recovery_code": "\n".join(kit_code(keys.site_key))})
    assert result["step_id"] == "adopt_untold"
    result = await send(hass, result, form(days=1))
    await hass.async_block_till_done()
    entry = result["result"]
    purged = await async_ledger(hass, entry, EntryKind.PURGE)
    assert [each.data["count"] for each in purged] == [2]
    assert len(list(copy.rglob("*.seg"))) == 1
