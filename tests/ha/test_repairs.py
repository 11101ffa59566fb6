"""What a person can mend is told, and mended by the person it belongs to."""

import re
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient
from homeassistant.auth.const import GROUP_ID_ADMIN
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import MockConfigEntry, MockUser
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.camera_steward import repairs
from custom_components.camera_steward.const import DOMAIN
from custom_components.camera_steward.core.clock import SystemClock
from custom_components.camera_steward.core.ledger.entry import EntryKind
from custom_components.camera_steward.core.retention.guard import ClockState
from custom_components.camera_steward.repairs import Issue, async_clear, async_report, issue_id

from .sites import (
    DOOR,
    YARD,
    async_back_date,
    async_ledger,
    async_set_up,
    camera,
    plug_in,
    segments_on_disk,
    site,
    unplug,
    until,
)
from .texts import TEXTS, flat, placeholders

NEEDED = {
    Issue.DISK_NEARLY_FULL: {"free": "1.2 GB", "total": "64 GB"},
    Issue.EVICTED: {"size": "1.2 GB"},
    Issue.PAST_LIMIT: {"count": "3"},
    Issue.INDEX_REBUILT: {"count": "1440"},
    Issue.LIVE_SHARED: {"people": "2", "dashboards": "1"},
    Issue.SEAL_OPEN: {"entities": "camera.door"},
    Issue.ADMINISTRATORS: {"count": "1"},
    Issue.FOOTAGE_IN_BACKUP: {"count": "1", "backups": "- Weekly"},
    Issue.BACKUP_PLAN: {"holds": "the vault"},
    Issue.COPIES_UNCHECKED: {"count": "2"},
    Issue.COPY_NOTICED: {"count": "1"},
    Issue.HOLDS_DUE: {"reviews": "1", "ending": "2"},
    Issue.FOLDER_PAST_LIMIT: {"count": "2", "unreadable": "1"},
    Issue.PACK_UNREADABLE: {"file": "own.yaml", "line": "3", "problem": "A rule is unknown."},
    Issue.RECORDING_PROVISIONAL: {"cameras": "- Door"},
    Issue.RECORDING_GATED: {"cameras": "- Door"},
    Issue.PAPERS_OUTDATED: {"papers": "- The rules"},
    Issue.CONTROL_BREACHED: {"count": "1", "articles": "第２ ３"},
    Issue.PACK_SHORTENS: {"ceiling": "2", "names": "- Door"},
    Issue.UTILIZATION_LOST: {"lost": "- The notice on the spot"},
}
OF_SUBENTRY = {
    Issue.NO_STREAM,
    Issue.ADDRESS_LOST,
    Issue.LIVE_SHARED,
    Issue.SEAL_OPEN,
    Issue.FOLDER_NOT_LOOKED_AT,
    Issue.FOLDER_FOREIGN,
    Issue.FOLDER_PAST_LIMIT,
    Issue.COPY_NOTICED,
    Issue.UTILIZATION_LOST,
    Issue.DETECTOR_FAILED,
}


class Wall:
    """A wall clock that a test can set."""

    def __init__(self) -> None:
        self.by = timedelta()
        self.vouched: bool | None = None


@pytest.fixture
def wall(monkeypatch: pytest.MonkeyPatch) -> Wall:
    """Put the steward's clock into the test's hands; time since boot stays as it is."""
    wall = Wall()
    monkeypatch.setattr(SystemClock, "now", lambda self: datetime.now(UTC) + wall.by)
    monkeypatch.setattr(SystemClock, "synchronised", lambda self: wall.vouched)
    return wall


@pytest.fixture
async def client(hass: HomeAssistant, hass_client: ClientSessionGenerator) -> TestClient[Any, Any]:
    """Return a browser in which an administrator is logged in."""
    assert await async_setup_component(hass, "repairs", {})
    # The test's server takes no routes once it runs, unlike Home Assistant's own.
    assert await async_setup_component(hass, DOMAIN, {})
    client: TestClient[Any, Any] = await hass_client()
    return client


async def mend(client: TestClient[Any, Any], issue: str) -> dict[str, Any]:
    """Open a repair and press its button; return what is shown then."""
    shown = await open_repair(client, issue)
    assert (shown["type"], shown["step_id"]) == ("form", "confirm")
    answer = await client.post(f"/api/repairs/issues/fix/{shown['flow_id']}", json={})
    return dict(await answer.json())


async def open_repair(client: TestClient[Any, Any], issue: str) -> dict[str, Any]:
    answer = await client.post(
        "/api/repairs/issues/fix", json={"handler": DOMAIN, "issue_id": issue}
    )
    assert answer.status == HTTPStatus.OK
    return dict(await answer.json())


def raised(hass: HomeAssistant, issue: str) -> ir.IssueEntry | None:
    return ir.async_get(hass).async_get_issue(DOMAIN, issue)


# ---------------------------------------------------------------------- what is told


@pytest.mark.parametrize("issue", Issue)
async def test_each_repair_is_raised_with_texts_and_taken_back(
    hass: HomeAssistant, disk: Path, issue: Issue
) -> None:
    entry = site(disk, camera(DOOR, "door"))
    about = entry.subentries[DOOR] if issue in OF_SUBENTRY else None
    async_report(hass, entry, issue, about, **NEEDED.get(issue, {}))
    told = raised(hass, issue_id(entry, issue, about))
    assert told is not None
    given = set(told.translation_placeholders or {})
    for texts in TEXTS.values():
        words = flat(texts["issues"][issue])
        assert words["title"]
        assert ("description" in words) != told.is_fixable
        asks = [key for key in words if re.fullmatch(r"fix_flow\.step\.\w+\.description", key)]
        assert bool(asks) == told.is_fixable
        # What a form with fields names is looked at when it is shown (conftest.py).
        shown = [
            text
            for key, text in words.items()
            if not key.startswith(("fix_flow.abort", "fix_flow.error", "fix_flow.step.address"))
        ]
        assert set().union(*map(placeholders, shown)) <= given | {"now"}
    assert str(disk) not in repr(told)  # everyone can read it
    async_clear(hass, entry, issue, about)
    assert raised(hass, issue_id(entry, issue, about)) is None


async def test_a_repair_without_what_its_text_names_is_a_fault(
    hass: HomeAssistant, disk: Path
) -> None:
    entry = site(disk, camera(DOOR, "door"))
    with pytest.raises(ValueError, match="evicted"):
        async_report(hass, entry, Issue.EVICTED, count="3")
    with pytest.raises(ValueError, match="no_stream"):
        async_report(hass, entry, Issue.NO_STREAM)
    with pytest.raises(ValueError, match="ledger_broken"):
        async_report(hass, entry, Issue.LEDGER_BROKEN, entry.subentries[DOOR])


async def test_a_removed_site_takes_its_repairs_along_and_no_others(
    hass: HomeAssistant, disk: Path
) -> None:
    gone = site(disk / "a", camera(DOOR, "door"))
    stays = site(disk / "b", camera(YARD, "yard"))
    for entry in (gone, stays):
        (about,) = entry.subentries.values()
        async_report(hass, entry, Issue.LEDGER_BROKEN)
        async_report(hass, entry, Issue.NO_STREAM, about)
    repairs.async_clear_all(hass, gone)
    assert {key for _, key in ir.async_get(hass).issues} == {
        issue_id(stays, Issue.LEDGER_BROKEN),
        issue_id(stays, Issue.NO_STREAM, stays.subentries[YARD]),
    }


async def test_what_is_known_once_outlives_a_restart(hass: HomeAssistant, disk: Path) -> None:
    entry = site(disk, camera(DOOR, "door"))
    lasting = set()
    for issue in Issue:
        about = entry.subentries[DOOR] if issue in OF_SUBENTRY else None
        async_report(hass, entry, issue, about, **NEEDED.get(issue, {}))
        told = raised(hass, issue_id(entry, issue, about))
        assert told
        if told.is_persistent:
            lasting.add(issue)
    assert lasting == {Issue.EVICTED, Issue.INDEX_REBUILT}


async def test_what_was_only_to_be_noted_goes_when_it_was(
    hass: HomeAssistant, client: TestClient[Any, Any], disk: Path
) -> None:
    entry = await async_set_up(hass, site(disk))
    async_report(hass, entry, Issue.INDEX_REBUILT, count="3")
    result = await mend(client, issue_id(entry, Issue.INDEX_REBUILT))
    assert result["type"] == "create_entry"
    assert raised(hass, issue_id(entry, Issue.INDEX_REBUILT)) is None


# ---------------------------------------------------------------------- the clock


@pytest.fixture
async def doubted(
    hass: HomeAssistant, disk: Path, wall: Wall, hass_admin_user: MockUser
) -> MockConfigEntry:
    """Set up a site whose manager is the administrator; then its clock jumps by ten years."""
    entry = await async_set_up(hass, site(disk, manager_user_id=hass_admin_user.id))
    await jump(hass, entry, wall)
    return entry


async def jump(hass: HomeAssistant, entry: MockConfigEntry, wall: Wall) -> None:
    wall.by = timedelta(days=3650)
    await entry.runtime_data.bridge.async_purge(actor=None)
    await until(lambda: raised(hass, issue_id(entry, Issue.CLOCK_UNTRUSTED)))


async def clock_of(entry: MockConfigEntry) -> ClockState:
    snapshot = await entry.runtime_data.bridge.async_snapshot()
    state: ClockState = snapshot.clock
    return state


async def test_the_manager_vouches_for_the_clock(
    hass: HomeAssistant, client: TestClient[Any, Any], doubted: MockConfigEntry
) -> None:
    issue = issue_id(doubted, Issue.CLOCK_UNTRUSTED)
    assert await clock_of(doubted) is ClockState.SUSPENDED
    shown = await open_repair(client, issue)
    assert shown["description_placeholders"]["now"][:4].isdigit()
    result = await mend(client, issue)
    await hass.async_block_till_done()
    assert result["type"] == "create_entry"
    assert raised(hass, issue) is None
    assert await clock_of(doubted) is not ClockState.SUSPENDED
    (entered,) = await async_ledger(hass, doubted, EntryKind.CLOCK_ACCEPTED)
    assert entered.actor == "Hanako Kumagaya"


async def test_another_administrator_does_not(
    hass: HomeAssistant, client: TestClient[Any, Any], disk: Path, wall: Wall
) -> None:
    group = await hass.auth.async_get_group(GROUP_ID_ADMIN)
    assert group
    manager = MockUser(name="Hanako", groups=[group]).add_to_hass(hass)
    entry = await async_set_up(hass, site(disk, manager_user_id=manager.id))
    await jump(hass, entry, wall)
    result = await mend(client, issue_id(entry, Issue.CLOCK_UNTRUSTED))
    assert (result["type"], result["reason"]) == ("abort", "manager_only")
    assert await clock_of(entry) is ClockState.SUSPENDED
    assert raised(hass, issue_id(entry, Issue.CLOCK_UNTRUSTED))


async def test_an_administrator_does_for_a_manager_who_cannot_open_repairs(
    hass: HomeAssistant,
    client: TestClient[Any, Any],
    disk: Path,
    wall: Wall,
    hass_admin_user: MockUser,
) -> None:
    manager = MockUser(name="Hanako").add_to_hass(hass)
    entry = await async_set_up(hass, site(disk, manager_user_id=manager.id))
    await jump(hass, entry, wall)
    result = await mend(client, issue_id(entry, Issue.CLOCK_UNTRUSTED))
    assert result["type"] == "create_entry"
    (entered,) = await async_ledger(hass, entry, EntryKind.CLOCK_ACCEPTED)
    assert entered.actor == hass_admin_user.name


async def test_nobody_vouches_without_a_login(
    hass: HomeAssistant, client: TestClient[Any, Any], doubted: MockConfigEntry
) -> None:
    from homeassistant.components.repairs import repairs_flow_manager

    flows = repairs_flow_manager(hass)
    assert flows
    issue = issue_id(doubted, Issue.CLOCK_UNTRUSTED)
    shown = await flows.async_init(DOMAIN, context={"issue_id": issue})
    result = await flows.async_configure(shown["flow_id"], {})
    assert result["reason"] == "manager_only"
    assert await clock_of(doubted) is ClockState.SUSPENDED


# ---------------------------------------------------------------------- what is past its limit


async def test_what_is_past_its_limit_is_purged_from_the_repair(
    hass: HomeAssistant, client: TestClient[Any, Any], disk: Path, wall: Wall
) -> None:
    entry = site(disk, camera(DOOR, "door", retention_hours=2))
    await async_back_date(hass, entry, DOOR, timedelta(hours=1))
    await async_set_up(hass, entry)
    assert len(segments_on_disk(entry, DOOR)) == 1
    wall.vouched, wall.by = True, timedelta(hours=2)
    async_report(hass, entry, Issue.PAST_LIMIT, count="1")
    result = await mend(client, issue_id(entry, Issue.PAST_LIMIT))
    assert result["type"] == "create_entry"
    assert segments_on_disk(entry, DOOR) == []


async def test_a_purge_that_fails_leaves_the_repair(
    hass: HomeAssistant, client: TestClient[Any, Any], disk: Path, wall: Wall
) -> None:
    entry = site(disk, camera(DOOR, "door", retention_hours=2))
    await async_back_date(hass, entry, DOOR, timedelta(hours=1))
    await async_set_up(hass, entry)
    wall.vouched, wall.by = True, timedelta(hours=2)
    async_report(hass, entry, Issue.PAST_LIMIT, count="1")
    unplug(disk)
    result = await mend(client, issue_id(entry, Issue.PAST_LIMIT))
    assert (result["type"], result["reason"]) == ("abort", "purge_failed")
    assert raised(hass, issue_id(entry, Issue.PAST_LIMIT))


@pytest.mark.parametrize("issue", [Issue.PAST_LIMIT, Issue.CLOCK_UNTRUSTED])
async def test_a_site_that_does_not_run_is_not_mended(
    hass: HomeAssistant,
    client: TestClient[Any, Any],
    disk: Path,
    issue: Issue,
    hass_admin_user: MockUser,
) -> None:
    entry = await async_set_up(hass, site(disk, manager_user_id=hass_admin_user.id))
    assert await hass.config_entries.async_unload(entry.entry_id)
    async_report(hass, entry, issue, None, **NEEDED.get(issue, {}))
    result = await mend(client, issue_id(entry, issue))
    assert result["reason"] == "site_not_running"


async def test_a_site_that_is_gone_is_not_mended(
    hass: HomeAssistant, client: TestClient[Any, Any], disk: Path
) -> None:
    entry = await async_set_up(hass, site(disk))
    await hass.config_entries.async_remove(entry.entry_id)
    async_report(hass, entry, Issue.PAST_LIMIT, count="1")
    result = await mend(client, issue_id(entry, Issue.PAST_LIMIT))
    assert result["reason"] == "site_gone"


# ---------------------------------------------------------------------- the vault


async def test_a_vault_that_is_back_is_found_by_looking_again(
    hass: HomeAssistant, client: TestClient[Any, Any], disk: Path
) -> None:
    entry = site(disk)
    entry.add_to_hass(hass)
    gone = unplug(disk)
    await hass.config_entries.async_setup(entry.entry_id)
    state: ConfigEntryState = entry.state
    assert state is ConfigEntryState.SETUP_RETRY
    issue = issue_id(entry, Issue.VAULT_MISSING)
    assert raised(hass, issue)

    result = await mend(client, issue)
    assert (result["type"], result["reason"]) == ("abort", "vault_not_back")
    assert raised(hass, issue)

    plug_in(gone, disk)
    result = await mend(client, issue)
    assert result["type"] == "create_entry"
    assert raised(hass, issue) is None
    state = entry.state
    assert state is ConfigEntryState.LOADED
