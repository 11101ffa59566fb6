"""A site is set up by forms alone, and only where its footage may lie."""

import os
import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from homeassistant.config_entries import SOURCE_USER, ConfigEntry, ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.common import MockUser

from custom_components.camera_steward import places
from custom_components.camera_steward.const import DOMAIN
from custom_components.camera_steward.core.books import (
    create_vault,
)
from custom_components.camera_steward.core.files import LocalFiles
from custom_components.camera_steward.core.ledger.entry import EntryKind
from custom_components.camera_steward.core.vault.vault import read_identity
from custom_components.camera_steward.keys import async_load, async_renew_site_key
from custom_components.camera_steward.places import (
    PlaceRefusal,
    PlaceRefusedError,
    PlaceWarning,
    async_surroundings,
    check_place,
    storage_words,
    suggest_places,
)
from custom_components.camera_steward.policy_packs import own_packs

from .sites import (
    DOOR,
    OWN_PACK,
    async_back_date,
    async_ledger,
    async_set_up,
    camera,
    segments_on_disk,
    site,
)

PEOPLE = {
    "installer": "Honcho Shop",
    "contact": "048-000-0000",
    "purpose": "Prevention of theft",
    "manager_name": "Hanako Kumagaya",
    "manager_since": "2026-01-01",
    "live_minutes": 10,
}


@pytest.fixture
def manager(hass: HomeAssistant) -> MockUser:
    return MockUser(name="Hanako").add_to_hass(hass)


@pytest.fixture(autouse=True)
def mounts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep the forms from looking at this machine's own disks."""
    path = tmp_path / "mounts"
    path.touch()
    monkeypatch.setattr(places, "_MOUNTS", path)
    return path


async def open_form(hass: HomeAssistant) -> dict[str, Any]:
    """Return the first form of a new site."""
    return dict(await hass.config_entries.flow.async_init(DOMAIN, context={"source": SOURCE_USER}))


async def begin(hass: HomeAssistant, manager: MockUser) -> dict[str, Any]:
    """Give the people and return the form that asks for the place."""
    result = await open_form(hass)
    assert result["step_id"] == "site"
    return await send(hass, result, PEOPLE | {"manager_user_id": manager.id})


async def send(hass: HomeAssistant, result: Any, given: dict[str, Any]) -> dict[str, Any]:
    """Send a form."""
    return dict(await hass.config_entries.flow.async_configure(result["flow_id"], given))


def place(path: Path | str, days: float = 7, hours: float = 0) -> dict[str, Any]:
    return {"vault_path": str(path), "retention_days": days, "retention_more_hours": hours}


def options(result: dict[str, Any], field: str) -> list[str]:
    """Return the values that a form offers for a field."""
    schema = result["data_schema"].schema
    selector = next(value for key, value in schema.items() if key == field)
    return [option["value"] for option in selector.config["options"]]


def suggested(result: dict[str, Any], field: str) -> Any:
    """Return what a form begins with in a field."""
    key = next(each for each in result["data_schema"].schema if each == field)
    return key.default()


def tree(path: Path) -> list[Path]:
    """Return everything at and below a path."""
    return sorted([path, *path.rglob("*")]) if path.exists() else []


async def identity(hass: HomeAssistant, root: Path) -> str | None:
    found = await hass.async_add_executor_job(read_identity, root, LocalFiles())
    return str(found) if found else None


# ---------------------------------------------------------------------- a new site


async def test_a_site_is_set_up_and_its_vault_made_at_the_end_only(
    hass: HomeAssistant, hass_storage: dict[str, Any], manager: MockUser, disk: Path
) -> None:
    root = disk / "footage"
    result = await begin(hass, manager)
    assert result["step_id"] == "vault"
    result = await send(hass, result, place(root, days=3, hours=12))
    assert result["step_id"] == "confirm"
    assert result["description_placeholders"]["path"] == str(root)
    assert result["description_placeholders"]["free"].endswith("B")
    assert (
        result["description_placeholders"]["days"],
        result["description_placeholders"]["hours"],
    ) == ("3", "12")
    assert not tree(root)

    result = await send(hass, result, {})
    await hass.async_block_till_done()
    assert result["type"] is FlowResultType.CREATE_ENTRY
    entry: ConfigEntry = result["result"]
    assert entry.title == "Honcho Shop"
    assert {key: value for key, value in entry.data.items() if key != "key_mark"} == PEOPLE | {
        "pack": "jp_kumagaya_2019",
        "ceiling_hours": 336,
        "inquiry_webhook": None,
        "manager_until": None,
        "manager_user_id": manager.id,
        "vault_path": str(root),
        "vault_id": await identity(hass, root),
        "retention_hours": 84,
        "retention_reason": "",
        "retention_approver": "",
        "retention_review_at": "",
    }
    assert entry.state is ConfigEntryState.LOADED

    keys = hass_storage[f"{DOMAIN}.{entry.entry_id}"]["data"]
    assert len(bytes.fromhex(keys["site_key"])) == len(bytes.fromhex(keys["signing_key"])) == 32
    for key in keys.values():
        assert key not in repr(dict(entry.data))


async def test_a_flow_that_is_closed_leaves_nothing(
    hass: HomeAssistant, manager: MockUser, disk: Path
) -> None:
    result = await send(hass, await begin(hass, manager), place(disk / "footage"))
    hass.config_entries.flow.async_abort(result["flow_id"])
    assert tree(disk) == [disk]


async def test_an_empty_folder_is_taken(hass: HomeAssistant, manager: MockUser, disk: Path) -> None:
    result = await send(hass, await begin(hass, manager), place(disk))
    result = await send(hass, result, {})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert await identity(hass, disk) == result["result"].unique_id


async def test_only_people_who_can_log_in_can_be_the_manager(
    hass: HomeAssistant, manager: MockUser
) -> None:
    MockUser(name="Backup", system_generated=True).add_to_hass(hass)
    MockUser(name="Taro", is_active=False).add_to_hass(hass)
    result = await hass.config_entries.flow.async_init(DOMAIN, context={"source": SOURCE_USER})
    assert options(dict(result), "manager_user_id") == [manager.id]


async def test_blank_names_are_asked_for_again(hass: HomeAssistant, manager: MockUser) -> None:
    form = await hass.config_entries.flow.async_init(DOMAIN, context={"source": SOURCE_USER})
    given = PEOPLE | {
        "manager_user_id": manager.id,
        "installer": "  ",
        "manager_name": "",
        "manager_until": "2025-12-31",
    }
    result = await send(hass, form, given)
    assert result["errors"] == {
        "installer": "text_missing",
        "manager_name": "text_missing",
        "manager_until": "until_before_since",
    }
    result = await send(hass, form, given | {"manager_until": "9999-12-31"})
    assert result["errors"]["manager_until"] == "year_out_of_range"


async def test_a_folder_that_was_filled_meanwhile_is_not_overwritten(
    hass: HomeAssistant, manager: MockUser, disk: Path
) -> None:
    result = await send(hass, await begin(hass, manager), place(disk / "footage"))
    await hass.async_add_executor_job(create_vault, disk / "footage", uuid4())
    result = await send(hass, result, {})
    assert (result["step_id"], result["errors"]) == ("vault", {"vault_path": "path_foreign"})
    assert not hass.config_entries.async_entries(DOMAIN)


# ---------------------------------------------------------------------- places


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("footage", "path_relative"),
        ("../footage", "path_relative"),
        ("", "path_relative"),
        ("{media}", "path_in_media"),
        ("{media}/footage", "path_in_media"),
        ("{media}/../media/footage", "path_in_media"),
        ("{config}/www/footage", "path_in_www"),
        ("{config}", "path_in_www"),
        ("{config}/.storage/footage", "path_in_system"),
        ("{config}/camera_steward/footage", "path_in_system"),
        ("{config}/custom_components/footage", "path_in_system"),
        ("/", "path_in_media"),
        ("/proc/footage", "path_in_system"),
        ("/etc/footage", "path_in_system"),
        ("{disk}/occupied", "path_occupied"),
        ("{disk}/occupied/file", "path_unreachable"),
        ("{disk}/link", "path_in_media"),
        ("{disk}/damaged", "path_foreign"),
    ],
)
async def test_a_place_where_footage_must_not_lie_is_refused(
    hass: HomeAssistant, manager: MockUser, disk: Path, tmp_path: Path, path: str, error: str
) -> None:
    media = tmp_path / "media"
    hass.config.media_dirs = {"local": str(media)}
    (disk / "occupied").mkdir()
    (disk / "occupied" / "file").touch()
    (disk / "damaged").mkdir()
    (disk / "damaged" / "vault.json").write_text("{")
    (disk / "link").symlink_to(media)
    before = tree(tmp_path)
    where = path.format(media=media, config=hass.config.config_dir, disk=disk)

    result = await send(hass, await begin(hass, manager), place(where))
    assert (result["step_id"], result["errors"]) == ("vault", {"vault_path": error})
    assert tree(tmp_path) == before


@pytest.mark.parametrize("part", ["", "deeper", ".."])
async def test_two_sites_never_share_a_vault(
    hass: HomeAssistant, manager: MockUser, disk: Path, part: str
) -> None:
    await async_set_up(hass, site(disk / "outer" / "footage"))
    where = disk / "outer" / "footage" / part
    result = await send(hass, await begin(hass, manager), place(where))
    assert result["errors"] == {"vault_path": "path_in_use"}


async def test_a_place_that_cannot_be_written_to_is_refused(
    hass: HomeAssistant, manager: MockUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Not even root can make a folder there.
    monkeypatch.setattr(places, "OFF_LIMITS", ())
    result = await send(hass, await begin(hass, manager), place("/sys/footage"))
    assert result["errors"] == {"vault_path": "path_not_writable"}


async def test_a_place_that_backups_take_needs_a_second_yes(
    hass: HomeAssistant, manager: MockUser
) -> None:
    root = Path(hass.config.path("footage"))
    result = await send(hass, await begin(hass, manager), place(root))
    assert result["step_id"] == "warn_backup"
    result = await send(hass, result, {"understood": False})
    assert (result["step_id"], result["errors"]) == (
        "warn_backup",
        {"understood": "not_understood"},
    )
    result = await send(hass, result, {"understood": True})
    assert result["step_id"] == "confirm"
    assert not tree(root)


async def test_the_share_is_warned_of_when_the_backup_plan_takes_it(hass: HomeAssistant) -> None:
    assert await async_setup_component(hass, "backup", {})
    await hass.async_block_till_done()
    assert async_surroundings(hass).backed_up == (Path(hass.config.config_dir),)

    from homeassistant.components.backup import Folder, async_get_manager

    plan = async_get_manager(hass).config.data.create_backup
    plan.include_folders = [Folder.SHARE, Folder.MEDIA]
    around = async_surroundings(hass)
    assert Path("/share") in around.backed_up
    warnings = (await hass.async_add_executor_job(check_place, "/share/footage", around)).warnings
    assert PlaceWarning.BACKUP in warnings


async def test_memory_and_the_containers_own_folders_are_warned_of(
    hass: HomeAssistant, disk: Path, mounts: Path
) -> None:
    around = replace(async_surroundings(hass), official_image=True)
    mounts.write_text(f"overlay / overlay rw 0 0\ntmpfs {disk}/in\\040memory tmpfs rw 0 0\n")
    inside = await hass.async_add_executor_job(check_place, f"{disk}/in memory/x", around)
    assert inside.warnings == (PlaceWarning.MEMORY,)
    beside = await hass.async_add_executor_job(check_place, f"{disk}/footage", around)
    assert beside.warnings == (PlaceWarning.CONTAINER,)


@pytest.mark.parametrize(
    ("kind", "rotational", "words"),
    [
        ("ext4", "0\n", "flash, may keep old cells"),
        ("ext4", "1\n", ""),  # as memory sticks say, too
        ("ext4", None, ""),
        ("nfs4", None, "network share"),
    ],
)
@pytest.mark.parametrize("partition", ["", "/sda1"])
def test_the_kind_of_storage_is_named_only_where_it_is_known(
    disk: Path,
    mounts: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    rotational: str | None,
    words: str,
    partition: str,
) -> None:
    mounts.write_text(f"overlay / overlay rw 0 0\n/dev/sda1 {disk} {kind} rw 0 0\n")
    blocks = tmp_path / "block"
    blocks.mkdir()
    monkeypatch.setattr(places, "_BLOCK_DEVICES", blocks)
    if rotational is not None:
        (tmp_path / "sda" / "queue").mkdir(parents=True)
        (tmp_path / "sda" / "sda1").mkdir()
        (tmp_path / "sda" / "queue" / "rotational").write_text(rotational)
        device = disk.stat().st_dev
        place = blocks / f"{os.major(device)}:{os.minor(device)}"
        place.symlink_to(tmp_path / f"sda{partition}")
    assert storage_words(disk / "not" / "there" / "yet") == words


async def test_other_disks_are_suggested_and_never_the_media_folders(
    hass: HomeAssistant, disk: Path, tmp_path: Path, mounts: Path
) -> None:
    media = tmp_path / "media"
    media.mkdir()
    hass.config.media_dirs = {"local": str(media)}
    mounts.write_text(
        f"/dev/sda1 {disk} ext4 rw 0 0\n//nas/x {media} cifs rw 0 0\nproc /proc proc rw 0 0\n"
    )
    found = await hass.async_add_executor_job(suggest_places, async_surroundings(hass))
    roots = [place.root for place in found]
    assert roots[0] == disk / "camera_steward"
    assert not any(root.is_relative_to(media) for root in roots)
    assert roots[-1] == Path(hass.config.path("camera_steward_footage"))  # backed up: the last


async def test_a_suggested_place_can_be_taken(
    hass: HomeAssistant,
    manager: MockUser,
    disk: Path,
    mounts: Path,
) -> None:
    mounts.write_text(f"/dev/sda1 {disk} ext4 rw 0 0\n")
    result = await begin(hass, manager)
    where = options(result, "vault_path")[0]
    result = await send(hass, result, place(where))
    assert result["step_id"] == "confirm"


def test_every_refusal_of_a_place_is_raised_for_a_missing_medium(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    around = places.Surroundings(
        config=tmp_path / "config",
        media=(),
        public=tmp_path / "config" / "www",
        backed_up=(),
        vaults=(),
        official_image=False,
    )
    with pytest.raises(PlaceRefusedError) as refused:
        check_place(str(tmp_path / "file" / "footage"), around)
    assert refused.value.refusal is PlaceRefusal.UNREACHABLE


# ---------------------------------------------------------------------- retention


@pytest.mark.parametrize(
    ("days", "hours", "error"),
    [
        (0, 0, "retention_too_short"),
        (-1, 0, "retention_too_short"),
        (2, -1, "retention_too_short"),
        (0.01, 0, "retention_too_short"),
        (367, 0, "retention_out_of_bounds"),
        (1e300, 0, "retention_out_of_bounds"),
        (float("nan"), 0, "retention_too_short"),
    ],
)
async def test_a_retention_that_makes_no_sense_is_refused(
    hass: HomeAssistant, manager: MockUser, disk: Path, days: float, hours: float, error: str
) -> None:
    result = await send(hass, await begin(hass, manager), place(disk / "a", days, hours))
    assert (result["step_id"], result["errors"]) == ("vault", {"retention_days": error})


@pytest.mark.parametrize(("days", "hours"), [(0, 1), (14, 0), (13, 24)])
async def test_up_to_14_days_need_no_reason(
    hass: HomeAssistant, manager: MockUser, disk: Path, days: float, hours: float
) -> None:
    result = await send(hass, await begin(hass, manager), place(disk / "a", days, hours))
    assert result["step_id"] == "confirm"


async def test_inv7_more_than_14_days_need_reason_approver_and_review_date(
    hass: HomeAssistant, manager: MockUser, disk: Path
) -> None:
    result = await send(hass, await begin(hass, manager), place(disk / "a", 14, 1))
    assert result["step_id"] == "approval"
    today = dt_util.now().date()
    approval = {
        "retention_reason": "Repeated arson, asked for by the association",
        "retention_approver": "Hanako Kumagaya, chair",
        "retention_review_at": (today + timedelta(days=90)).isoformat(),
    }
    for name, bad, error in (
        ("retention_reason", "  ", "text_missing"),
        ("retention_approver", "", "text_missing"),
        ("retention_review_at", today.isoformat(), "review_not_ahead"),
        ("retention_review_at", "2001-01-01", "review_not_ahead"),
    ):
        result = await send(hass, result, approval | {name: bad})
        assert (result["step_id"], result["errors"]) == ("approval", {name: error})
    result = await send(hass, result, approval)
    assert result["step_id"] == "confirm"
    result = await send(hass, result, {})
    data = result["result"].data
    assert {name: data[name] for name in approval} == approval
    assert data["retention_hours"] == 14 * 24 + 1


async def test_inv7_a_pack_of_seven_days_asks_for_a_reason_above_seven(
    hass: HomeAssistant, manager: MockUser, disk: Path
) -> None:
    result = await open_form(hass)
    packs = {
        "jp_kumagaya_2019",
        "jp_generic_7d",
        "jp_generic_14d",
        "jp_generic_1month",
        "own_rules",
    }
    assert set(options(result, "pack")) == packs
    assert result["description_placeholders"]["unusable"] == ""
    people = PEOPLE | {"manager_user_id": manager.id, "pack": "jp_generic_7d"}
    result = await send(hass, result, people)
    assert result["description_placeholders"]["ceiling"] == "7"
    result = await send(hass, result, place(disk / "a", 7, 1))
    assert (result["step_id"], result["description_placeholders"]["ceiling"]) == ("approval", "7")


async def test_a_pack_of_ones_own_is_offered_and_a_wrong_one_named_by_line(
    hass: HomeAssistant, manager: MockUser, disk: Path
) -> None:
    own = own_packs(hass)
    own.mkdir(parents=True)
    (own / "shop.yaml").write_text(OWN_PACK.format(id="shop", hours=36))
    (own / "other.yaml").write_text(OWN_PACK.format(id="other", hours=-3))
    (own / "jp_generic_7d.yaml").write_text(OWN_PACK.format(id="jp_generic_7d", hours=24))
    result = await open_form(hass)
    assert "shop" in options(result, "pack")
    assert "other" not in options(result, "pack")
    told = result["description_placeholders"]["unusable"].splitlines()
    assert len(told) == 3
    assert told[1].startswith("- jp_generic_7d.yaml, line –: An id that comes with the integration")
    assert told[2].startswith("- other.yaml, line 7: The longest retention must be between")
    result = await send(hass, result, PEOPLE | {"manager_user_id": manager.id, "pack": "shop"})
    assert result["description_placeholders"]["ceiling"] == "1.5"
    assert suggested(result, "retention_days") == 1  # not longer than the pack says
    result = await send(hass, result, place(disk / "a", 1, 12))
    assert result["step_id"] == "confirm"
    result = await send(hass, result, {})
    assert (result["result"].data["pack"], result["result"].data["ceiling_hours"]) == ("shop", 36)


# ---------------------------------------------------------------------- changing a site


async def reconfigure(hass: HomeAssistant, entry: ConfigEntry, **people: str) -> dict[str, Any]:
    """Begin to change a site and return the form that asks for the place."""
    result = await entry.start_reconfigure_flow(hass)  # type: ignore[attr-defined]
    assert result["step_id"] == "site"
    shown = {
        str(key): key.description["suggested_value"]
        for key in result["data_schema"].schema
        if key.description
    }
    return await send(hass, result, shown | people)


async def test_people_and_retention_can_be_changed(
    hass: HomeAssistant, manager: MockUser, disk: Path
) -> None:
    entry = await async_set_up(hass, site(disk / "footage", manager_user_id=manager.id))
    before = dict(entry.data)
    result = await reconfigure(hass, entry, installer="Honcho Association")
    result = await send(hass, result, place(disk / "footage", 0, 36))
    await hass.async_block_till_done()
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "reconfigure_successful"
    assert entry.title == "Honcho Association"
    assert dict(entry.data) == before | {
        "pack": "jp_kumagaya_2019",
        "ceiling_hours": 336,
        "inquiry_webhook": None,
        "manager_until": None,
        "live_minutes": 10,
        "installer": "Honcho Association",
        "retention_hours": 36,
    }
    assert entry.state is ConfigEntryState.LOADED


async def test_a_moved_vault_is_accepted_by_its_id(
    hass: HomeAssistant, manager: MockUser, disk: Path
) -> None:
    entry = await async_set_up(hass, site(disk / "old", manager_user_id=manager.id))
    await hass.async_add_executor_job(shutil.copytree, disk / "old", disk / "new")
    result = await send(hass, await reconfigure(hass, entry), place(disk / "new"))
    await hass.async_block_till_done()
    assert result["reason"] == "reconfigure_successful"
    assert entry.data["vault_path"] == str(disk / "new")
    assert entry.state is ConfigEntryState.LOADED


async def test_a_place_without_the_sites_vault_is_refused(
    hass: HomeAssistant, manager: MockUser, disk: Path
) -> None:
    entry = await async_set_up(hass, site(disk / "old", manager_user_id=manager.id))
    await hass.async_add_executor_job(create_vault, disk / "foreign", uuid4())
    result = await reconfigure(hass, entry)
    result = await send(hass, result, place(disk / "new"))
    assert result["errors"] == {"vault_path": "vault_not_moved"}
    result = await send(hass, result, place(disk / "foreign"))
    assert result["errors"] == {"vault_path": "path_foreign"}
    assert not (disk / "new").exists()
    assert entry.data["vault_path"] == str(disk / "old")


async def test_people_can_be_changed_while_the_disk_is_away(
    hass: HomeAssistant, manager: MockUser, disk: Path
) -> None:
    entry = await async_set_up(hass, site(disk / "footage", manager_user_id=manager.id))
    (disk / "footage").rename(disk / "away")
    result = await reconfigure(hass, entry, contact="048-111-1111")
    result = await send(hass, result, place(disk / "footage"))
    await hass.async_block_till_done()
    assert result["reason"] == "reconfigure_successful"
    assert entry.data["contact"] == "048-111-1111"
    assert not (disk / "footage").exists()


async def test_a_vault_that_is_lost_for_good_is_replaced_and_the_ledger_says_what_went(
    hass: HomeAssistant, manager: MockUser, disk: Path
) -> None:
    """The old disk may turn up again: what lies on it cannot be opened any more (INV-1)."""
    old, new = disk / "old", disk / "new"
    entry = site(old, camera(DOOR, "door"), manager_user_id=manager.id)
    await async_back_date(hass, entry, DOOR, timedelta(hours=3), timedelta(hours=2))
    keys_before = await async_load(hass, entry.entry_id)
    old.rename(disk / "lost")
    await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    before = dict(entry.data)
    missing = f"vault_missing_{entry.entry_id}"
    assert ir.async_get(hass).async_get_issue(DOMAIN, missing) is not None

    result = await send(hass, await reconfigure(hass, entry), place(new))
    assert result["step_id"] == "replace"
    assert result["description_placeholders"]["old"] == str(old)
    answer = {"reason": "The disk fell and is not recognised", "understood": True}
    for bad, error in (
        ({"reason": " "}, "text_missing"),
        ({"understood": False}, "not_understood"),
    ):
        result = await send(hass, result, answer | bad)
        assert result["errors"] == {next(iter(bad)): error}
        assert dict(entry.data) == before
        assert not new.exists()
    (disk / "lost").rename(old)
    back = await send(hass, result, answer)
    assert (back["step_id"], back["errors"]) == ("move", {"vault_path": "vault_not_moved"})
    assert dict(entry.data) == before
    old.rename(disk / "lost")
    result = await send(hass, back, place(new))
    assert result["step_id"] == "replace"
    result = await send(hass, result, answer)
    await hass.async_block_till_done()
    assert result["reason"] == "reconfigure_successful"
    assert entry.state is ConfigEntryState.LOADED, entry.reason
    assert ir.async_get(hass).async_get_issue(DOMAIN, missing) is None
    identity = await hass.async_add_executor_job(read_identity, new, LocalFiles())
    assert str(identity) == entry.data["vault_id"] == entry.unique_id != before["vault_id"]

    found: list[dict[str, Any]] = [
        dict(each.data)
        for each in await async_ledger(hass, entry, EntryKind.FINDING)
        if each.data["what"] == "vault_given_up"
    ]
    assert [each["vault"] for each in found] == [before["vault_id"]]
    assert found[0]["reason"] == answer["reason"]
    assert found[0]["cameras"][DOOR]["segments"] == 2
    keys_now = await async_load(hass, entry.entry_id)
    assert keys_before is not None
    assert keys_now is not None
    assert keys_now.site_key != keys_before.site_key
    assert keys_now.signing_key == keys_before.signing_key
    now = dt_util.utcnow()
    bridge = entry.runtime_data.bridge
    assert (await bridge.async_footage(DOOR, now - timedelta(days=1), now))[0] == []
    # What is numbered anew would be taken for what was lost.
    assert await hass.config_entries.async_unload(entry.entry_id)
    await async_back_date(hass, entry, DOOR, timedelta(hours=1))
    assert [int(p.stem.rpartition("-")[2]) for p in segments_on_disk(entry, DOOR)] == [3]


async def test_a_key_renewed_just_before_a_crash_is_taken_for_the_sites_own(
    hass: HomeAssistant, manager: MockUser, disk: Path
) -> None:
    entry = await async_set_up(hass, site(disk / "footage", manager_user_id=manager.id))
    assert await hass.config_entries.async_unload(entry.entry_id)
    mark = await async_renew_site_key(hass, entry.entry_id)
    assert entry.data["key_mark"] != mark
    await async_set_up(hass, entry)
    assert entry.data["key_mark"] == mark
