"""The recovery kit: what opens the vault once this Home Assistant is gone, on paper.

Only the operations manager gets it, and the ledger says so; it holds the site key, so it is in no
state and no log. Until it was taken for the keys as they are, a repair reminds of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util

from . import keys, repairs
from .bridge import Bridge
from .const import CONF_KEY_MARK, CONF_VAULT_ID, CONF_VAULT_PATH
from .core.disclosure.signing import fingerprint
from .core.documents.rendering import render
from .core.errors import StewardError
from .core.ledger.entry import EntryKind
from .core.vault.kit import kit_code
from .keys import SiteKeys
from .repairs import Issue


class KeysMissingError(StewardError):
    """There are no keys to make a kit of."""

    key = "keys_missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """When the kit was taken last and by whom; `valid` while the keys are those of then."""

    at: datetime
    name: str
    valid: bool


_MARK: Final = "mark"


async def async_take(
    hass: HomeAssistant, entry: ConfigEntry, bridge: Bridge, *, user: str, name: str, language: str
) -> str:
    """Return the kit as a page to print, once the ledger says who took it."""
    site_keys = await keys.async_load(hass, entry.entry_id)
    if site_keys is None:
        raise KeysMissingError
    await bridge.async_remember(
        EntryKind.RECOVERY_KIT_TAKEN,
        actor=name,
        subject=entry.entry_id,
        data={"user": user, "language": language, _MARK: entry.data[CONF_KEY_MARK]},
    )
    await async_remind(hass, entry, bridge)
    values = {
        "site": entry.title,
        "vault": entry.data[CONF_VAULT_ID],
        "path": entry.data[CONF_VAULT_PATH],
        "made_on": dt_util.now().date().isoformat(),
        "made_for": name,
    }
    return await hass.async_add_executor_job(_page, language, site_keys, values)


def _page(language: str, site_keys: SiteKeys, values: Mapping[str, str]) -> str:
    signing_key = Ed25519PrivateKey.from_private_bytes(site_keys.signing_key)
    secrets = {
        "code": kit_code(site_keys.site_key),
        "fingerprint": fingerprint(signing_key.public_key()),
    }
    return render(language, "recovery_kit.html", {**values, **secrets})


async def async_taken(entry: ConfigEntry, bridge: Bridge) -> Taken | None:
    """Return what the ledger says of the last time; raises the core's own errors."""
    last = await bridge.async_last(EntryKind.RECOVERY_KIT_TAKEN)
    if last is None:
        return None
    valid = last.data.get(_MARK) == entry.data[CONF_KEY_MARK]
    return Taken(at=last.at, name=last.actor, valid=valid)


async def async_remind(hass: HomeAssistant, entry: ConfigEntry, bridge: Bridge) -> None:
    """Raise the reminder, or take it back once the kit was taken for the keys as they are."""
    try:
        taken = await async_taken(entry, bridge)
    except StewardError:
        taken = None
    if taken is not None and taken.valid:
        repairs.async_clear(hass, entry, Issue.RECOVERY_KIT)
    else:
        repairs.async_report(hass, entry, Issue.RECOVERY_KIT)
