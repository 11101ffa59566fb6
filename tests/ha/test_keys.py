"""A site's keys are made once, kept in private, and never replaced behind its footage."""

from pathlib import Path
from typing import Any

import pytest
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.helpers.storage import Store
from homeassistant.util.file import WriteError

from custom_components.camera_steward.const import DOMAIN
from custom_components.camera_steward.keys import (
    async_adopt,
    async_load,
    async_load_or_create,
    async_remove,
)

from .sites import async_set_up, site


async def test_keys_are_made_once_and_stay(
    hass: HomeAssistant, hass_storage: dict[str, Any], disk: Path
) -> None:
    entry, other = site(disk / "a"), site(disk / "b")
    entry.add_to_hass(hass)
    other.add_to_hass(hass)
    made = await async_load_or_create(hass, entry.entry_id)
    assert await async_load_or_create(hass, entry.entry_id) == made
    assert await async_load(hass, entry.entry_id) == made
    assert made != await async_load_or_create(hass, other.entry_id)
    assert made.site_key != made.signing_key
    told = repr(made) + repr(dict(entry.data))
    for key in hass_storage[f"{DOMAIN}.{entry.entry_id}"]["data"].values():
        assert key not in told
        assert repr(bytes.fromhex(key)) not in told


async def test_the_file_is_for_home_assistant_alone(hass: HomeAssistant, disk: Path) -> None:
    from custom_components.camera_steward import keys

    assert keys._store(hass, "x")._private  # Store then writes with mode 0600


@pytest.mark.parametrize("harm", ["lost", "swapped"])
async def test_inv2_keys_that_are_gone_are_not_made_anew(
    hass: HomeAssistant, hass_storage: dict[str, Any], disk: Path, harm: str
) -> None:
    entry = await async_set_up(hass, site(disk))
    assert await hass.config_entries.async_unload(entry.entry_id)
    stored = f"{DOMAIN}.{entry.entry_id}"
    before = hass_storage.pop(stored)
    if harm == "swapped":
        hass_storage[stored] = before | {
            "data": {"site_key": "00" * 32, "signing_key": before["data"]["signing_key"]}
        }
    left = hass_storage.get(stored)
    assert not await hass.config_entries.async_setup(entry.entry_id)
    assert entry.state is ConfigEntryState.SETUP_ERROR
    wanted = {"lost": "keys_missing", "swapped": "keys_foreign"}[harm]
    assert entry.error_reason_translation_key == wanted
    assert hass_storage.get(stored) == left

    hass_storage[stored] = before
    assert await hass.config_entries.async_reload(entry.entry_id)


@pytest.mark.parametrize("adopted", [False, True])
async def test_inv2_nothing_begins_with_keys_that_could_not_be_stored(
    hass: HomeAssistant, disk: Path, monkeypatch: pytest.MonkeyPatch, adopted: bool
) -> None:
    more = {"key_mark": async_adopt(hass, bytes(32))} if adopted else {}
    entry = site(disk, **more)
    entry.add_to_hass(hass)

    async def full(store: Store[Any], data: dict[str, Any]) -> None:
        raise WriteError

    with monkeypatch.context() as patch:
        patch.setattr(Store, "_async_write_data", full)
        assert not await hass.config_entries.async_setup(entry.entry_id)
        assert entry.state is ConfigEntryState.SETUP_RETRY
        assert entry.error_reason_translation_key == "keys_not_saved"
        assert await async_load(hass, entry.entry_id) is None
    assert await hass.config_entries.async_reload(entry.entry_id)
    keys = await async_load(hass, entry.entry_id)
    assert keys is not None
    assert (keys.site_key == bytes(32)) is adopted


async def test_removed_keys_are_gone(
    hass: HomeAssistant, hass_storage: dict[str, Any], disk: Path
) -> None:
    entry = site(disk)
    entry.add_to_hass(hass)
    await async_load_or_create(hass, entry.entry_id)
    await async_remove(hass, entry.entry_id)
    assert f"{DOMAIN}.{entry.entry_id}" not in hass_storage
    assert await async_load(hass, entry.entry_id) is None
