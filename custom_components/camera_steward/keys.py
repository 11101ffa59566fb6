"""The site's two keys, in Home Assistant's private storage and nowhere else."""

import secrets
from dataclasses import dataclass, field
from hashlib import sha256
from typing import NotRequired, TypedDict

from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import ConfigEntryError, ConfigEntryNotReady
from homeassistant.helpers.storage import Store
from homeassistant.util.hass_dict import HassKey

from .const import CONF_KEY_MARK, DOMAIN

_VERSION = 1
_KEY_BYTES = 32
_ADOPTED: HassKey[dict[str, SiteKeys]] = HassKey(f"{DOMAIN}_adopted_keys")


class _Stored(TypedDict):
    site_key: str
    signing_key: str
    replaced: NotRequired[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteKeys:
    """What wraps the hour keys, and the Ed25519 seed that signs the ledger; 32 bytes each."""

    site_key: bytes = field(repr=False)
    signing_key: bytes = field(repr=False)


@callback
def async_adopt(hass: HomeAssistant, site_key: bytes) -> str:
    """Take the site key of a recovery kit for the entry that gets the mark that is returned.

    They are stored at its first set-up. Should it not come to that, the entry has no keys, and
    nothing in the vault was touched.
    """
    keys = SiteKeys(site_key=site_key, signing_key=secrets.token_bytes(_KEY_BYTES))
    mark = _mark_of(keys)
    hass.data.setdefault(_ADOPTED, {})[mark] = keys
    return mark


async def async_load_or_create(hass: HomeAssistant, entry_id: str) -> SiteKeys:
    """Return the site's keys; they are made at its first set-up and never changed.

    Raise `ConfigEntryError` when keys once made are gone or are others: new ones in their place
    would leave all that was stored unreadable (INV-2). `ConfigEntryNotReady` when they cannot be
    stored: nothing is recorded with keys that the next start will not have.
    """
    entry = hass.config_entries.async_get_known_entry(entry_id)
    mark: str | None = entry.data.get(CONF_KEY_MARK)
    keys = await async_load(hass, entry_id)
    if keys is None:
        if mark is None:
            keys = SiteKeys(
                site_key=secrets.token_bytes(_KEY_BYTES),
                signing_key=secrets.token_bytes(_KEY_BYTES),
            )
        else:
            keys = hass.data.get(_ADOPTED, {}).get(mark)
        if keys is not None:
            await _async_save(hass, entry_id, keys)
            if mark is not None:
                hass.data.get(_ADOPTED, {}).pop(mark, None)
    if keys is None:
        raise ConfigEntryError(translation_domain=DOMAIN, translation_key="keys_missing")
    own = _mark_of(keys)
    # A renewal that a crash kept from being remembered in the entry is one of ours, too.
    if mark is None or (mark != own and mark == await _async_replaced(hass, entry_id)):
        hass.config_entries.async_update_entry(entry, data={**entry.data, CONF_KEY_MARK: own})
    elif mark != own:
        raise ConfigEntryError(translation_domain=DOMAIN, translation_key="keys_foreign")
    return keys


async def async_load(hass: HomeAssistant, entry_id: str) -> SiteKeys | None:
    """Return the site's keys as stored, None when there are none."""
    stored = await _store(hass, entry_id).async_load()
    if stored is None:
        return None
    return SiteKeys(
        site_key=bytes.fromhex(stored["site_key"]),
        signing_key=bytes.fromhex(stored["signing_key"]),
    )


async def async_renew_site_key(hass: HomeAssistant, entry_id: str) -> str:
    """Destroy the site key and make another; return the mark for the entry.

    Nothing in the vault that it belonged to can be opened any more. The ledger's key stays.
    `ConfigEntryNotReady` when that cannot be stored.
    """
    keys = await async_load(hass, entry_id)
    if keys is None:
        raise ConfigEntryError(translation_domain=DOMAIN, translation_key="keys_missing")
    entry = hass.config_entries.async_get_known_entry(entry_id)
    new = SiteKeys(site_key=secrets.token_bytes(_KEY_BYTES), signing_key=keys.signing_key)
    await _async_save(hass, entry_id, new, replaced=entry.data[CONF_KEY_MARK])
    return _mark_of(new)


async def async_remove(hass: HomeAssistant, entry_id: str) -> None:
    """Forget the site's keys: what is still in its vault cannot be opened any more."""
    await _store(hass, entry_id).async_remove()


async def _async_save(
    hass: HomeAssistant, entry_id: str, keys: SiteKeys, *, replaced: str | None = None
) -> None:
    stored = _Stored(site_key=keys.site_key.hex(), signing_key=keys.signing_key.hex())
    if replaced is not None:
        stored["replaced"] = replaced
    await _store(hass, entry_id).async_save(stored)
    # What could not be written Home Assistant only logs.
    if await async_load(hass, entry_id) != keys:
        raise ConfigEntryNotReady(translation_domain=DOMAIN, translation_key="keys_not_saved")


async def _async_replaced(hass: HomeAssistant, entry_id: str) -> str | None:
    stored = await _store(hass, entry_id).async_load()
    return stored.get("replaced") if stored is not None else None


def _store(hass: HomeAssistant, entry_id: str) -> Store[_Stored]:
    return Store(hass, _VERSION, f"{DOMAIN}.{entry_id}", private=True, atomic_writes=True)


def _mark_of(keys: SiteKeys) -> str:
    return sha256(b"camera_steward key mark" + keys.site_key + keys.signing_key).hexdigest()[:16]
