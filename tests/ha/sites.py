"""A site for tests: real vault, real databases, real threads, and a camera entity of its own."""

import asyncio
import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast, override
from uuid import UUID, uuid4

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from homeassistant.components.camera import Camera as CameraEntity, CameraEntityFeature
from homeassistant.config_entries import ConfigEntry, ConfigEntryState, ConfigSubentryDataWithId
from homeassistant.core import Context, HomeAssistant, State
from homeassistant.helpers import entity_registry as er
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    setup_test_component_platform,
)

from custom_components.camera_steward.bridge import state_directory
from custom_components.camera_steward.const import DOMAIN
from custom_components.camera_steward.core.books import (
    create_vault,
)
from custom_components.camera_steward.core.clock import SystemClock
from custom_components.camera_steward.core.database import Database
from custom_components.camera_steward.core.files import LocalFiles
from custom_components.camera_steward.core.ledger.entry import Entry, EntryKind
from custom_components.camera_steward.core.ledger.store import METADATA as LEDGER, Ledger
from custom_components.camera_steward.core.vault.index import METADATA as INDEX, Index
from custom_components.camera_steward.core.vault.vault import Vault
from custom_components.camera_steward.keys import async_load_or_create

DOOR = "01J0000000000000000000DOOR"
YARD = "01J0000000000000000000YARD"
MANAGER = "a2f04c0e5d1f4c0fb3a1f0f5f7e1c0de"

OWN_PACK = """\
id: {id}
extends: own_rules
version: "1"
title: {{ja: 店の決まり, en: The shop's own}}
source: {{ja: 総会の決議, en: Resolution of the assembly}}
as_of: 2026-11-25
retention: {{ceiling_hours: {hours}}}
"""
"""A pack of one's own."""


class Kernel:
    """Whether the kernel vouches for the clock, which a test sets."""

    vouches: bool | None = True


class StreamEntity(CameraEntity):
    """A camera entity of another integration: it has an address and nothing else."""

    _attr_supported_features = CameraEntityFeature.STREAM

    def __init__(self, name: str, url: str) -> None:
        """Serve `url`, which a test may change."""
        super().__init__()
        self._attr_name = name
        self._attr_unique_id = name
        self.url = url
        self.delay_seconds = 0.0

    @override
    async def stream_source(self) -> str | None:
        """Return the address."""
        await asyncio.sleep(self.delay_seconds)
        return self.url


async def async_add_cameras(hass: HomeAssistant, **urls: str) -> dict[str, StreamEntity]:
    """Add camera entities `camera.<name>` by another integration."""
    entities = {name: StreamEntity(name, url) for name, url in urls.items()}
    setup_test_component_platform(hass, "camera", entities.values())
    assert await async_setup_component(hass, "camera", {"camera": {"platform": "test"}})
    await hass.async_block_till_done()
    return entities


def camera(id_: str, source: str, **more: Any) -> ConfigSubentryDataWithId:
    """Return the subentry of a camera that records `camera.<source>`."""
    data = {
        "source_entity": f"camera.{source}",
        "place": "Entrance",
        "purpose": "Prevention of theft",
        "direction": "North",
        "field_of_view": "The door and two metres of the street",
        "mode": "continuous",
        "schedule": [],
        "segment_seconds": 10,
        "retention_hours": 24,
        "audio": False,
    }
    return ConfigSubentryDataWithId(
        data=data | more,
        subentry_id=id_,
        subentry_type="camera",
        title=source.title(),
        unique_id=f"camera.{source}",
    )


def site(
    root: Path, *cameras: ConfigSubentryDataWithId, title: str = "Honcho Shop", **more: Any
) -> MockConfigEntry:
    """Return a site with a new vault at `root`, not yet set up."""
    vault = uuid4()
    create_vault(root, vault)
    data = {
        "installer": "Honcho Shop",
        "contact": "048-000-0000",
        "purpose": "Prevention of theft",
        "manager_user_id": MANAGER,
        "manager_name": "Hanako Kumagaya",
        "manager_since": "2026-01-01",
        "vault_path": str(root),
        "vault_id": str(vault),
        "retention_hours": 24,
        "retention_reason": "",
        "retention_approver": "",
        "retention_review_at": "",
    }
    return MockConfigEntry(domain=DOMAIN, title=title, data=data | more, subentries_data=cameras)


async def async_set_up(hass: HomeAssistant, entry: MockConfigEntry) -> MockConfigEntry:
    """Set a site up, and see that it is."""
    if hass.config_entries.async_get_entry(entry.entry_id) is None:
        entry.add_to_hass(hass)
    await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    assert entry.state is ConfigEntryState.LOADED, entry.reason
    return entry


def entity_id(hass: HomeAssistant, platform: str, owner: str, key: str) -> str:
    """Return the entity of a camera's or a site's id."""
    found = er.async_get(hass).async_get_entity_id(platform, DOMAIN, f"{owner}_{key}")
    assert found is not None, f"no {platform} {key}"
    return found


def state_of(hass: HomeAssistant, platform: str, owner: str, key: str) -> State:
    """Return the state of an entity by its owner and key."""
    state = hass.states.get(entity_id(hass, platform, owner, key))
    assert state is not None
    return state


async def until[T](look: Callable[[], T], seconds: float = 90.0) -> T:
    """Return the first true answer while the loop runs on."""
    end = asyncio.get_running_loop().time() + seconds
    while not (answer := look()):
        if asyncio.get_running_loop().time() > end:
            raise TimeoutError(f"still {answer!r} after {seconds} s")
        await asyncio.sleep(0.05)
    return answer


async def until_status(hass: HomeAssistant, owner: str, *wanted: str) -> None:
    """Wait until a camera's status is one of these."""
    await until(lambda: state_of(hass, "sensor", owner, "status").state in wanted)


def threads() -> list[str]:
    """Return the names of the steward's threads that are alive."""
    return [each.name for each in threading.enumerate() if each.name.startswith("camera-steward")]


async def async_back_date(
    hass: HomeAssistant, entry: MockConfigEntry, owner: str, *ages: timedelta
) -> None:
    """Write a segment of each age into the vault of a site that is not set up."""
    if hass.config_entries.async_get_entry(entry.entry_id) is None:
        entry.add_to_hass(hass)
    keys = await async_load_or_create(hass, entry.entry_id)
    state = state_directory(hass, entry.entry_id)

    def write() -> None:
        state.mkdir(parents=True, exist_ok=True)
        database = Database(state / "index.db", INDEX)
        vault = Vault(
            Path(entry.data["vault_path"]),
            LocalFiles(),
            SystemClock(),
            UUID(entry.data["vault_id"]),
            keys.site_key,
            Index(database),
        )
        for age in ages:
            writer = vault.create_segment(owner, datetime.now(UTC) - age, b"header")
            writer.append(b"footage of that time" * 100, 0, keyframe=True)
            writer.seal(timedelta(seconds=60), {})
        database.close()

    await hass.async_add_executor_job(write)


async def async_ledger(hass: HomeAssistant, entry: ConfigEntry, *kinds: EntryKind) -> list[Entry]:
    """Return the entries of a site's ledger, read from its file."""
    keys = await async_load_or_create(hass, entry.entry_id)
    return await hass.async_add_executor_job(
        read_ledger, state_directory(hass, entry.entry_id), keys.signing_key, kinds
    )


def read_ledger(state: Path, signing_key: bytes, kinds: tuple[EntryKind, ...]) -> list[Entry]:
    """Return entries of the ledger in a folder."""
    database = Database(state / "ledger.db", LEDGER)
    try:
        ledger = Ledger(database, SystemClock(), Ed25519PrivateKey.from_private_bytes(signing_key))
        return list(ledger.entries(kinds) if kinds else ledger.entries())
    finally:
        database.close()


def unplug(disk: Path, *, mount_point: bool = False) -> Path:
    """Take a disk away; return where it is now. Its empty mount point may stay behind."""
    away = disk.with_name("away")
    disk.rename(away)
    if mount_point:
        disk.mkdir()
    return away


def plug_in(away: Path, disk: Path) -> None:
    """Put a disk back; nothing may have been written where it was."""
    if disk.is_dir():
        disk.rmdir()
    away.rename(disk)


def segments_on_disk(entry: MockConfigEntry, owner: str) -> list[Path]:
    """Return a camera's segment files."""
    return sorted((Path(entry.data["vault_path"]) / owner).rglob("*.seg"))


def names(folder: Path) -> list[str]:
    """Return the names in a folder."""
    return sorted(each.name for each in folder.iterdir())


async def async_ask(
    hass: HomeAssistant, name: str, user: str | None = None, **data: object
) -> dict[str, Any]:
    """Call an action that answers, as a user or as an automation."""
    answer = await hass.services.async_call(
        DOMAIN,
        name,
        data,
        blocking=True,
        return_response=True,
        context=Context(user_id=user),
    )
    json.dumps(answer)  # plain data
    return cast("dict[str, Any]", answer)
