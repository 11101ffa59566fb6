"""Footage in backups that Home Assistant's own backup integration makes is found and named."""

import tarfile
from collections.abc import AsyncIterator
from datetime import timedelta
from io import BytesIO
from pathlib import Path, PurePath
from typing import Any, override

import pytest
from homeassistant.components.backup import (
    AgentBackup,
    BackupAgent,
    BackupManager,
    ManagerBackup,
    async_get_manager,
)
from homeassistant.components.backup.agent import BackupAgentUnreachableError
from homeassistant.components.backup.config import (
    AgentParametersDict,
    CreateBackupParametersDict,
    RetentionParametersDict,
    ScheduleParametersDict,
    ScheduleRecurrence,
)
from homeassistant.components.backup.const import EXCLUDE_FROM_BACKUP
from homeassistant.config_entries import ConfigSubentryDataWithId
from homeassistant.core import HomeAssistant
from homeassistant.helpers import instance_id, issue_registry as ir
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.camera_steward import backups, places
from custom_components.camera_steward.const import DOMAIN
from custom_components.camera_steward.copies import CopiesLook
from custom_components.camera_steward.core.copies.archives import (
    Place,
    PlaceKind,
    is_archived,
)
from custom_components.camera_steward.core.copies.known import Copy, CopyKind, End
from custom_components.camera_steward.core.ledger.entry import EntryKind
from custom_components.camera_steward.repairs import Issue

from .sites import async_ledger, async_set_up, site, state_of, until


@pytest.fixture
async def manager(hass: HomeAssistant) -> BackupManager:
    """Set up Home Assistant's own backups, which lie in its configuration directory."""
    assert await async_setup_component(hass, "backup", {})
    await hass.async_block_till_done()
    return async_get_manager(hass)


async def back_up(manager: BackupManager, name: str, **more: Any) -> ManagerBackup:
    """Make a real backup, by hand unless told otherwise."""
    made = await manager.async_create_backup(
        agent_ids=["backup.local"],
        include_addons=None,
        include_all_addons=False,
        include_database=False,
        include_folders=None,
        include_homeassistant=True,
        name=name,
        password=None,
        **more,
    )
    backup, errors = await manager.async_get_backup(made.backup_job_id)
    assert backup is not None
    assert not errors
    return backup


def tar_of(hass: HomeAssistant, manager: BackupManager, backup: ManagerBackup) -> Path:
    return manager.local_backup_agents["backup.local"].get_backup_path(backup.backup_id)


def names_in(path: Path) -> set[PurePath]:
    """Return what is in a backup, below the configuration directory."""
    with tarfile.open(path) as outer:
        (name,) = [each for each in outer.getnames() if each.endswith("homeassistant.tar.gz")]
        inner = outer.extractfile(name)
        assert inner is not None
        with tarfile.open(fileobj=BytesIO(inner.read())) as files:
            return {PurePath(each.name).relative_to("data") for each in files}


async def look(hass: HomeAssistant, entry: MockConfigEntry) -> CopiesLook:
    await entry.runtime_data.copies.async_look()
    seen: CopiesLook = entry.runtime_data.coordinator.copies
    return seen


def in_backups(seen: CopiesLook) -> dict[str, Copy]:
    return {each.name: each for each in seen.copies if each.kind is CopyKind.BACKUP}


def raised(hass: HomeAssistant, entry: MockConfigEntry, issue: Issue) -> dict[str, str]:
    found = ir.async_get(hass).async_get_issue(DOMAIN, f"{issue}_{entry.entry_id}")
    return dict(found.translation_placeholders or {}) if found is not None else {}


async def findings(hass: HomeAssistant, entry: MockConfigEntry) -> list[tuple[str, str]]:
    found = await async_ledger(hass, entry, EntryKind.FINDING)
    return [
        (str(each.data["finding"]), str(each.data["name"]))
        for each in found
        if "backup" in each.data
    ]


async def test_a_backup_that_holds_the_vault_is_found_and_named_until_it_is_gone(
    hass: HomeAssistant, manager: BackupManager, disk: Path
) -> None:
    config = Path(hass.config.config_dir)
    await back_up(manager, "Before the vault")
    inside = await async_set_up(hass, site(config / "footage", title="Inside"))
    beside = await async_set_up(hass, site(disk / "footage", title="Beside"))
    backup = await back_up(manager, "By hand")
    names = await hass.async_add_executor_job(names_in, tar_of(hass, manager, backup))
    assert PurePath("footage/vault.json") in names

    # After the run, by itself.
    await until(lambda: raised(hass, inside, Issue.FOOTAGE_IN_BACKUP))
    told = raised(hass, inside, Issue.FOOTAGE_IN_BACKUP)
    assert told["count"] == "1"
    assert "By hand" in told["backups"]
    assert "Before the vault" not in told["backups"]
    assert "0 days old, made by hand, at this machine. Holds: the vault." in told["backups"]
    assert str(config) not in told["backups"]
    copy = in_backups(await look(hass, inside))["By hand"]
    assert (copy.end, copy.holds_until, copy.past_limit) == (End.NEVER, None, True)
    assert copy.remarks == ("manual", "opens")
    assert await findings(hass, inside) == [("footage_in_backup", "By hand")]
    state = state_of(hass, "sensor", inside.entry_id, "copies")
    assert state.state == "1"
    assert (state.attributes["past_limit"], state.attributes["unknown"]) == (1, 0)

    # The other one's vault is not in it.
    assert not in_backups(await look(hass, beside))
    assert not raised(hass, beside, Issue.FOOTAGE_IN_BACKUP)
    assert await findings(hass, beside) == []
    assert state_of(hass, "sensor", beside.entry_id, "copies").state == "0"

    # Once, also over a restart; and once when it is gone, however it went.
    await hass.config_entries.async_reload(inside.entry_id)
    await look(hass, inside)
    assert await findings(hass, inside) == [("footage_in_backup", "By hand")]
    await hass.async_add_executor_job(tar_of(hass, manager, backup).unlink)
    again = await back_up(manager, "Once more")
    assert list(in_backups(await look(hass, inside))) == ["Once more"]
    await manager.async_delete_backup(again.backup_id)
    assert not in_backups(await look(hass, inside))
    assert not raised(hass, inside, Issue.FOOTAGE_IN_BACKUP)
    assert sorted(await findings(hass, inside)) == [
        ("footage_in_backup", "By hand"),
        ("footage_in_backup", "Once more"),
        ("footage_in_backup_gone", "By hand"),
        ("footage_in_backup_gone", "Once more"),
    ]


def plan(manager: BackupManager, recurrence: ScheduleRecurrence, **retention: int | None) -> None:
    """Set the plan for automatic backups."""
    manager.config.update(
        create_backup=CreateBackupParametersDict(agent_ids=["backup.local"]),
        retention=RetentionParametersDict(
            copies=retention.get("copies"), days=retention.get("days")
        ),
        schedule=ScheduleParametersDict(days=[], recurrence=recurrence, time=None),
    )


@pytest.mark.parametrize("expected_lingering_timers", [True])  # the plan's own
async def test_an_automatic_backup_goes_when_the_plan_says_and_the_plan_is_told_of(
    hass: HomeAssistant, manager: BackupManager
) -> None:
    config = Path(hass.config.config_dir)
    entry = await async_set_up(hass, site(config / "footage", retention_hours=7 * 24))
    await look(hass, entry)
    assert not raised(hass, entry, Issue.BACKUP_PLAN)

    # It is gone before what it holds must be.
    plan(manager, ScheduleRecurrence.DAILY, days=2)
    await manager.async_create_automatic_backup()
    (copy,) = in_backups(seen := await look(hass, entry)).values()
    assert (copy.end, copy.past_limit) == (End.DATE, False)
    assert copy.made_at is not None
    assert copy.holds_until == copy.made_at + timedelta(days=3)
    assert copy.remarks == ("automatic", "opens")
    assert not seen.backups
    assert await findings(hass, entry) == []
    assert raised(hass, entry, Issue.BACKUP_PLAN)["holds"] == "the vault"

    # The rule of the place it lies at goes before the plan's own.
    for recurrence, days, copies, end in (
        (ScheduleRecurrence.DAILY, 30, None, End.DATE),
        (ScheduleRecurrence.DAILY, None, 3, End.NEWER),
        (ScheduleRecurrence.DAILY, None, None, End.NEVER),
        (ScheduleRecurrence.NEVER, 2, None, End.NEVER),  # never the newest
    ):
        plan(manager, recurrence, days=2)
        own = RetentionParametersDict(days=days, copies=copies)
        manager.config.update(agents={"backup.local": AgentParametersDict(retention=own)})
        (copy,) = in_backups(await look(hass, entry)).values()
        assert (copy.end, copy.past_limit) == (end, True), own
    assert [kind for kind, _ in await findings(hass, entry)] == ["footage_in_backup"]
    assert not raised(hass, entry, Issue.BACKUP_PLAN)
    plan(manager, ScheduleRecurrence.NEVER)


class FarAgent(BackupAgent):
    """A place of backups that does not always answer, under someone's address."""

    domain = "sensor"
    name = "hanako@example.test"
    unique_id = "far"

    def __init__(self) -> None:
        self.backups: list[AgentBackup] = []
        self.answers = True

    @override
    async def async_list_backups(self, **kwargs: Any) -> list[AgentBackup]:
        if not self.answers:
            raise BackupAgentUnreachableError("gone")
        return self.backups

    @override
    async def async_get_backup(self, backup_id: str, **kwargs: Any) -> AgentBackup:
        raise NotImplementedError

    @override
    async def async_download_backup(self, backup_id: str, **kwargs: Any) -> AsyncIterator[bytes]:
        raise NotImplementedError

    @override
    async def async_upload_backup(self, **kwargs: Any) -> None:
        raise NotImplementedError

    @override
    async def async_delete_backup(self, backup_id: str, **kwargs: Any) -> None:
        raise NotImplementedError


async def test_what_a_silent_place_holds_stays_known_and_another_home_s_is_no_finding(
    hass: HomeAssistant, manager: BackupManager
) -> None:
    config = Path(hass.config.config_dir)
    entry = await async_set_up(hass, site(config / "footage"))
    far = manager.backup_agents["sensor.far"] = FarAgent()
    own: dict[str, bool | str] = {
        "instance_id": await instance_id.async_get(hass),
        "with_automatic_settings": False,
    }
    others: dict[str, bool | str] = {"instance_id": "another"}
    far.backups = [
        AgentBackup(
            addons=[],
            backup_id=name,
            database_included=True,
            date=dt_util.now().isoformat(),
            extra_metadata=metadata,
            folders=[],
            homeassistant_included=True,
            homeassistant_version="2026.10.4",
            name=name,
            protected=True,
            size=1,
        )
        for name, metadata in (("Ours", own), ("Another home's", others))
    ]
    found = in_backups(await look(hass, entry))
    assert found["Ours"].remarks == ("manual", "opens", "protected")
    assert (found["Ours"].where, found["Ours"].past_limit) == (("Sensor",), True)
    assert found["Another home's"].remarks == ("other", "unsure", "foreign", "protected")
    assert found["Another home's"].past_limit is None
    told = raised(hass, entry, Issue.FOOTAGE_IN_BACKUP)
    assert (told["count"], "at Sensor" in told["backups"]) == ("1", True)
    assert "hanako" not in repr(told)

    far.answers = False
    silent = in_backups(await look(hass, entry))
    assert {name: (each.remarks, each.past_limit) for name, each in silent.items()} == {
        "Ours": (("silent",), None)
    }
    far.answers, far.backups = True, []
    assert not in_backups(await look(hass, entry))
    assert await findings(hass, entry) == [
        ("footage_in_backup", "Ours"),
        ("footage_in_backup_gone", "Ours"),
    ]


def test_the_supervisor_takes_chosen_folders_along_but_no_network_storage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text("/dev/sda8 /share ext4 rw 0 0\n//nas/x /share/nas cifs rw 0 0\n")
    monkeypatch.setattr(places, "_MOUNTS", mounts)
    paths = ("/share/footage", "/share/nas/footage", "/media/clips", "/config/footage", "/data/x")
    lie = tuple(
        Place(kind=PlaceKind.VAULT, name=each, path=PurePath(each), limit=timedelta(days=7))
        for each in paths
    )
    machine = backups._read_machine(Path("/config"), lie, supervised=True)

    def held(*folders: str, with_settings: bool = False) -> list[str]:
        return [each.name for each in machine.held(folders, with_settings=with_settings)]

    assert held(with_settings=True) == ["/config/footage"]
    assert held("share") == ["/share/footage"]
    assert held("ssl", "media", with_settings=True) == ["/config/footage", "/media/clips"]
    assert held("addons/local") == []
    alone = backups._read_machine(Path("/config"), lie, supervised=False)
    assert [each.name for each in alone.held(["share"], with_settings=True)] == ["/config/footage"]


async def test_what_a_backup_holds_is_told_as_it_is_made(
    hass: HomeAssistant, manager: BackupManager, disk: Path
) -> None:
    config = Path(hass.config.config_dir)
    folders = (
        *(
            "footage/door",
            "media/clips",
            "tts/said",
            ".cache/thumbs",
            "ftp.log/door",
            "ftp.log.1/x",
        ),
        *("www/snapshots", "tmp_backups/x", "deep/__pycache__/y", "deep/tts/z", "backups/x.tar"),
    )

    def lay_out() -> None:
        for each in (*(config / each for each in folders), disk / "elsewhere"):
            each.mkdir(parents=True)
            (each / "picture.jpg").write_bytes(b"picture")
        (config / "linked").symlink_to(disk / "elsewhere")
        (disk / "back").symlink_to(config / "media" / "clips")

    await hass.async_add_executor_job(lay_out)
    backup = await back_up(manager, "All")
    names = await hass.async_add_executor_job(names_in, tar_of(hass, manager, backup))

    def told(path: Path) -> bool:
        return is_archived(path.resolve(), config.resolve(), EXCLUDE_FROM_BACKUP)

    held = {each for each in folders if PurePath(each, "picture.jpg") in names}
    assert held == {each for each in folders if told(config / each)}
    assert {"footage/door", "media/clips", "www/snapshots", "deep/tts/z"} <= held
    assert not told(config / "linked")
    assert PurePath("linked/picture.jpg") not in names
    assert told(disk / "back")


async def test_a_managed_folder_and_saved_pictures_in_a_backup_are_told_of(
    hass: HomeAssistant, manager: BackupManager, disk: Path
) -> None:
    config = Path(hass.config.config_dir)
    ftp = ConfigSubentryDataWithId(
        data={
            "path": str(config / "www" / "ftp"),
            "patterns": ["*"],
            "age_by": "name",
            "retention_hours": 24,
        },
        subentry_id="01J00000000000000000000FTP",
        subentry_type="folder",
        title="Camera upload",
        unique_id=None,
    )
    entry = await async_set_up(hass, site(disk / "footage", ftp))
    await back_up(manager, "By hand")
    seen = await look(hass, entry)
    copy = in_backups(seen)["By hand"]
    # Whether anything lay there when the backup was made is not known.
    assert (copy.past_limit, copy.holds) == (None, (("folder", "Camera upload"),))
    assert copy.remarks == ("manual", "unsure")
    told = raised(hass, entry, Issue.FOOTAGE_IN_BACKUP)["backups"]
    assert "May hold: Camera upload." in told
    (folder,) = [each for each in seen.copies if each.kind is CopyKind.FOLDER]
    assert (folder.kept, folder.past_limit) == (timedelta(hours=24), False)
