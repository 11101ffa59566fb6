"""The policy packs that there are, and the one that holds for a site.

Packs come with the integration (`packs/`); others lie in `<config>/camera_steward/packs/`. What a
site was told when its pack was chosen is a bound: a file that was changed since makes its ceiling
higher, or so low that stored footage would go at once, only when somebody saves the site's form again
(INV-2, INV-7).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.util import dt as dt_util
from homeassistant.util.hass_dict import HassKey

from .const import CONF_CEILING_HOURS, CONF_PACK, DEFAULT_PACK, DOMAIN
from .core.errors import PackError
from .core.policy.loading import load_pack, pack_files
from .core.policy.pack import Pack, Text
from .limits import ceiling_of, hours_of, shortened
from .texts import Texts

BUILT_IN: Final = Path(__file__).parent / "packs"
GUIDE: Final = "jp_guidebook_v1"
"""The guidebook's pack: it holds where there is a utilization, besides the site's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """All packs by id, and what is wrong with the files that give none."""

    packs: Mapping[str, Pack]
    broken: tuple[PackError, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldPack:
    """The pack that holds for a site since its set-up.

    Where its own cannot be read, `error` says why; it is the default pack then, with the ceiling that
    held last and without any ground, so that nothing is looser than it was. `shortens` names the
    cameras and managed folders whose footage the pack's lower ceiling would cut, which waits for a
    person's word.
    """

    pack: Pack
    shortens: tuple[str, ...] = ()
    error: PackError | None = None


_HELD: HassKey[dict[str, HeldPack]] = HassKey(f"{DOMAIN}_packs")


def own_packs(hass: HomeAssistant) -> Path:
    """Return where an installation's own packs lie; the directory need not be there."""
    return Path(hass.config.path(DOMAIN, "packs"))


async def async_packs(hass: HomeAssistant) -> Shelf:
    """Return every pack that can be chosen, those of the integration first."""
    return await hass.async_add_executor_job(_shelf, own_packs(hass))


def municipal(shelf: Shelf) -> dict[str, Pack]:
    """Return the packs that are a city's document by id: those that say since when it is in force."""
    return {id_: each for id_, each in shelf.packs.items() if each.in_force is not None}


async def async_load_pack(hass: HomeAssistant, entry: ConfigEntry) -> Pack:
    """Return the pack that holds for a site; never looser than what was chosen."""
    return (held_pack(hass, entry) or await async_hold_pack(hass, entry)).pack


async def async_load_guide(hass: HomeAssistant) -> Pack:
    """Return the guidebook's pack, which comes with the integration."""
    return await hass.async_add_executor_job(_guide)


@callback
def held_pack(hass: HomeAssistant, entry: ConfigEntry) -> HeldPack | None:
    """Return what holds for a site; None before its set-up."""
    return hass.data.get(_HELD, {}).get(entry.entry_id)


async def async_hold_pack(hass: HomeAssistant, entry: ConfigEntry) -> HeldPack:
    """Read the pack of a site anew; from now on it holds.

    The ceiling in the site's settings is lowered to the pack's where that is less and cuts nothing.
    """
    wanted, ceiling = entry.data.get(CONF_PACK, DEFAULT_PACK), ceiling_of(entry.data)
    own = own_packs(hass)
    try:
        pack = await hass.async_add_executor_job(_load, own, wanted)
        pack = replace(pack, ceiling=min(pack.ceiling, ceiling))
        held = HeldPack(pack=pack, shortens=shortened(entry, pack.ceiling, dt_util.utcnow()))
    except PackError as err:
        pack = await hass.async_add_executor_job(_load, own, DEFAULT_PACK)
        held = HeldPack(pack=replace(pack, ceiling=ceiling, grounds=frozenset()), error=err)
    if held.pack.ceiling < ceiling and not held.shortens:
        lowered = {**entry.data, CONF_CEILING_HOURS: hours_of(held.pack.ceiling)}
        hass.config_entries.async_update_entry(entry, data=lowered)
    hass.data.setdefault(_HELD, {})[entry.entry_id] = held
    return held


def problem_text(texts: Texts, error: PackError) -> str:
    """Return in words what is wrong with a pack's file, without which file and line."""
    return texts[f"pack_problem_{error.problem}"].format(what=error.what)


def in_language(hass: HomeAssistant, text: Text) -> str:
    """Return a pack's text in the installation's language, else in English."""
    return text.get(hass.config.language, text["en"])


def _guide() -> Pack:
    return load_pack(GUIDE, pack_files(BUILT_IN))


def _files(own: Path) -> dict[str, Path]:
    return pack_files(BUILT_IN, own)


def _load(own: Path, pack: str) -> Pack:
    found = load_pack(pack, _files(own))
    if found.for_utilizations:
        raise PackError("not_for_sites", file=f"{pack}.yaml", what=pack)
    return found


def _shelf(own: Path) -> Shelf:
    packs: dict[str, Pack] = {}
    broken: list[PackError] = []
    built_in = [each for each in pack_files(BUILT_IN) if each != GUIDE]
    for pack in (*built_in, *pack_files(own)):
        if pack in packs or pack == GUIDE:
            broken.append(PackError("id_taken", file=f"{pack}.yaml", what=pack))
            continue
        try:
            packs[pack] = _load(own, pack)
        except PackError as err:
            broken.append(err)
    return Shelf(packs=packs, broken=tuple(broken))
