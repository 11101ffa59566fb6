"""A site's papers, gathered from its settings and its ledger: the sign, the rules, what was adopted.

How the sign was last printed is remembered, so that a name that changes makes it out of date.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.util import dt as dt_util

from .bridge import Bridge
from .const import CONF_CONTACT, CONF_INSTALLER, CONF_MANAGER_NAME, CONF_PURPOSE
from .core.access.people import Person
from .core.documents.papers import Adoption, Appointee, PaperSite
from .core.documents.rules import Rules, rules_of
from .core.documents.sign import Sign, SignItem, scan_address
from .core.errors import RulesStaleError
from .core.ledger.entry import EntryKind
from .core.ledger.fields import Fields
from .core.policy.pack import Pack
from .core.steward import Steward
from .memory import SiteMemory
from .people import people_of
from .pledge import rules_site
from .policy_packs import async_load_pack

SHOWN: Final = (SignItem.MANAGER, SignItem.CONTACT, SignItem.PURPOSE)
"""What a sign says besides the installer's name, where that is wanted or the pack asks for it."""
LANGUAGES: Final = "languages"
SCAN: Final = "qr"
PLAIN_SIGN: Final[Mapping[str, Any]] = {LANGUAGES: ["ja"], SCAN: ""}
"""The sign until one was printed: in Japanese, with the installer's name alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Adopted:
    """The rules that were adopted last: when it was entered, by whom, and each article's digest."""

    adoption: Adoption
    at: datetime
    by: str
    articles: Mapping[str, str]


@callback
def sign_of(entry: ConfigEntry, pack: Pack, options: Mapping[str, Any]) -> Sign:
    """Return what a site's sign says; `PaperInvalidError` names an option that is wrong."""
    texts = {
        SignItem.MANAGER: entry.data[CONF_MANAGER_NAME],
        SignItem.CONTACT: entry.data[CONF_CONTACT],
        SignItem.PURPOSE: entry.data[CONF_PURPOSE],
    }
    wanted = {each for each in SHOWN if options.get(each.value) or each.value in pack.sign_required}
    address = options.get(SCAN, "").strip()
    return Sign(
        installer=entry.data[CONF_INSTALLER],
        languages=tuple(dict.fromkeys(options.get(LANGUAGES, ()))),
        scan=scan_address(address) if address else "",
        manager_words=pack.words["manager"],
        **{each.value: texts[each] for each in wanted},
    )


@callback
def sign_now(entry: ConfigEntry, pack: Pack, memory: SiteMemory) -> Sign:
    """Return the sign as it was last printed, with what the settings say now."""
    return sign_of(entry, pack, memory.sign or PLAIN_SIGN)


def adopted(steward: Steward) -> Adopted | None:
    """Return the rules that were adopted last, None where none were; reads the ledger."""
    entry = steward.last(EntryKind.RULES_ADOPTED)
    if entry is None:
        return None
    read = Fields(entry.data, "adopted rules")
    return Adopted(
        adoption=Adoption(
            version=read.text("version"),
            adopted_on=date.fromisoformat(read.text("adopted_on")),
            body=read.text("body"),
        ),
        at=entry.at,
        by=entry.actor,
        articles=read.text_by_name("articles"),
    )


async def async_adopt(
    hass: HomeAssistant,
    entry: ConfigEntry,
    bridge: Bridge,
    *,
    adoption: Adoption,
    actor: str,
) -> None:
    """Enter that the rules were adopted as they read now; `RulesStaleError` where they changed."""
    rules = await _async_rules(hass, entry)
    if rules.version != adoption.version:
        raise RulesStaleError
    await bridge.async_remember(
        EntryKind.RULES_ADOPTED,
        actor=actor,
        subject=entry.entry_id,
        data={
            "version": adoption.version,
            "adopted_on": adoption.adopted_on.isoformat(),
            "body": adoption.body,
            "articles": dict(rules.digests),
        },
    )


async def async_paper_site(hass: HomeAssistant, entry: ConfigEntry, bridge: Bridge) -> PaperSite:
    """Return what papers are made of; raises the core's own errors."""
    site = rules_site(entry, await async_load_pack(hass, entry))
    now = dt_util.now()
    people = tuple(_appointee(each) for each in people_of(entry) if each.acts(now))

    def gather() -> PaperSite:
        found = adopted(bridge.steward)
        return PaperSite(
            site=site,
            rules=rules_of(site),
            people=people,
            adoption=found.adoption if found is not None else None,
            printed_on=now.date(),
        )

    return await hass.async_add_executor_job(gather)


async def _async_rules(hass: HomeAssistant, entry: ConfigEntry) -> Rules:
    site = rules_site(entry, await async_load_pack(hass, entry))
    return await hass.async_add_executor_job(rules_of, site)


def _appointee(person: Person) -> Appointee:
    until = dt_util.as_local(person.until_at) if person.until_at is not None else None
    return Appointee(
        id=f"{person.role}:{person.user}",
        role=person.role.value,
        name=person.name,
        since_on=dt_util.as_local(person.since_at).date() if person.since_at else None,
        # It ends with that day's end.
        until_on=(until - timedelta(microseconds=1)).date() if until else None,
    )
