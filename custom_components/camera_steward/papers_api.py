"""WebSocket commands: a site's papers, to see and to print, and that its rules were adopted.

The operations manager's alone. An option, a subject or a value that is wrong has the code
`paper_invalid` or `sign_incomplete` and the placeholder `field`, which names it.
"""

from datetime import date
from typing import Any, Final

import probatio
from homeassistant.components import websocket_api
from homeassistant.components.websocket_api import ActiveConnection
from homeassistant.core import HomeAssistant, callback
from homeassistant.util import dt as dt_util

from .commands import ENTRY, answering, async_manager
from .const import DOMAIN
from .core.disclosure.counter import Counter
from .core.documents.lettering import clean
from .core.documents.papers import (
    ABOUT,
    About,
    Adoption,
    Paper,
    manual_paper,
    notice_paper,
)
from .core.documents.rendering import LANGUAGES
from .core.documents.rules import differing
from .core.documents.sign import sign_version
from .core.errors import PaperInvalidError
from .paper_books import Books, unused
from .papers import PLAIN_SIGN, adopted, async_adopt, async_paper_site, sign_now
from .policy_packs import async_load_pack
from .printing import async_print, async_print_sign, one_of, people_subjects, period_subjects
from .texts import async_texts, iso
from .utilization_papers import utilization_subjects

_LONGEST: Final = 500
_LANGUAGE: Final = probatio.In(LANGUAGES)


@callback
def async_setup_papers_commands(hass: HomeAssistant) -> None:
    """Register the commands, which are there whether or not a site is set up."""
    for command in (papers, paper, adopt_rules):
        websocket_api.async_register_command(hass, command)


@websocket_api.websocket_command(
    {
        probatio.Required("type"): f"{DOMAIN}/papers",
        **ENTRY,
        probatio.Required("language"): _LANGUAGE,
    }
)
@websocket_api.async_response
@answering
async def papers(
    hass: HomeAssistant, connection: ActiveConnection, msg: dict[str, Any]
) -> list[dict[str, Any]]:
    """Return which papers there are.

    [{`paper`, `group`: site, utilization or register, `title`, `about`, `version`: empty of what is read from the ledger, `languages`,
    `subjects`: [{`id`, `name`}] to choose from, [] where there is nothing to choose, `adopted`:
    {`version`, `on`, `body`, `by`, `at`} or None, `differing`: articles that read otherwise than
    adopted, `options`: how it was printed last, as `paper` takes them}]; `adopted` and `differing`
    are the rules' alone, `options` the sign's, else None.
    """
    entry, caller, _ = await async_manager(hass, connection, msg)
    data, language = entry.runtime_data, msg["language"]
    texts = await async_texts(hass, language)
    site = await async_paper_site(hass, entry, data.bridge)
    pack = await async_load_pack(hass, entry)
    sign = sign_version(sign_now(entry, pack, data.memory))
    steward = data.bridge.steward

    def look(counter: Counter) -> list[dict[str, Any]]:
        books = Books(entry=entry, caller=caller, counter=counter, steward=steward)
        found = adopted(steward)
        versions = {
            Paper.SIGN: sign,
            Paper.RULES: site.rules.version,
            Paper.MANUAL: manual_paper(language, site).version,
            Paper.NOTICE: notice_paper(language, site, name_manager=False).version,
        }
        titles = {
            each.name: f"{each.title}{each.heading}" for each in site.rules.articles[language]
        }
        subjects: dict[About, list[dict[str, str]]] = {
            About.PERSON: people_subjects(site, texts),
            About.PERIOD: period_subjects(texts, entry.created_at),
            About.REMOVAL: [
                {"id": each.id, "name": f"{each.number}　{each.text('cameras')}"}
                for each in books.removals()
            ],
            About.UTILIZATION: utilization_subjects(entry),
        }
        without = unused(steward) if not subjects[About.UTILIZATION] else frozenset()
        listed = []
        for each in Paper:
            about = ABOUT.get(each)
            if each in without or (about is not None and not subjects[about]):
                continue
            of_rules = found if each is Paper.RULES else None
            listed.append(
                {
                    "paper": each.value,
                    "group": _group(each),
                    "title": texts[f"paper_{each}"],
                    "about": texts[f"paper_{each}_about"],
                    "version": versions.get(each, ""),
                    "languages": list(LANGUAGES),
                    "subjects": subjects[about] if about is not None else [],
                    "adopted": {
                        "version": of_rules.adoption.version,
                        "on": of_rules.adoption.adopted_on.isoformat(),
                        "body": of_rules.adoption.body,
                        "by": of_rules.by,
                        "at": iso(of_rules.at),
                    }
                    if of_rules is not None
                    else None,
                    "differing": [
                        titles.get(name, name)
                        for name in differing(of_rules.articles, site.rules.digests)
                    ]
                    if of_rules is not None
                    else [],
                    "options": dict(data.memory.sign or PLAIN_SIGN) if each is Paper.SIGN else None,
                }
            )
        return listed

    return await data.bridge.async_at_counter(look)


def _group(paper: Paper) -> str:
    if ABOUT.get(paper) is About.UTILIZATION:
        return "utilization"
    return "register" if paper.value.startswith("register_") else "site"


@websocket_api.websocket_command(
    {
        probatio.Required("type"): f"{DOMAIN}/paper",
        **ENTRY,
        probatio.Required("paper"): str,
        probatio.Required("language"): _LANGUAGE,
        probatio.Optional("subject", default=""): str,
        probatio.Optional("options", default=dict): dict,
    }
)
@websocket_api.async_response
@answering
async def paper(
    hass: HomeAssistant, connection: ActiveConnection, msg: dict[str, Any]
) -> dict[str, Any]:
    """Return a paper: {`html`, `version`, `file`: a name to save it by}, of the sign `svg` as well.

    Options of the sign: `languages` (ja, en, zh, ko; the first one large), `size` (a4, a3, sticker),
    `manager`, `contact`, `purpose`: whether it says so, `qr`: what its code opens, or empty, `keep`:
    whether it is printed so from now on, so that a change of what it says makes it out of date. Of
    the public notice: `manager`, whether it names them; of a utilization's notice on the spot: `size`
    (a4, a3).
    """
    entry, caller, _ = await async_manager(hass, connection, msg)
    kind = one_of(Paper, msg["paper"], "paper")
    if kind is Paper.SIGN:
        return await async_print_sign(hass, entry, msg["options"])
    made = await async_print(
        hass,
        entry,
        caller,
        kind,
        language=msg["language"],
        subject=msg["subject"],
        options=msg["options"],
    )
    day = dt_util.now().date().isoformat()
    name = f"{kind.value.replace('_', '-')}-{day}-{msg['language']}.html"
    return {"html": made.html, "version": made.version, "file": name}


@websocket_api.websocket_command(
    {
        probatio.Required("type"): f"{DOMAIN}/adopt_rules",
        **ENTRY,
        probatio.Required("version"): str,
        probatio.Required("adopted_on"): str,
        probatio.Required("body"): str,
    }
)
@websocket_api.async_response
@answering
async def adopt_rules(
    hass: HomeAssistant, connection: ActiveConnection, msg: dict[str, Any]
) -> dict[str, Any]:
    """Enter that the rules of this version were adopted, on a day and by a body (第4 1).

    `rules_stale` where they read otherwise by now; `paper_invalid` names `adopted_on` or `body`.
    """
    entry, _, name = await async_manager(hass, connection, msg)
    body = clean(msg["body"], _LONGEST + 1)
    if not body or len(body) > _LONGEST:
        raise PaperInvalidError("body")
    try:
        on = date.fromisoformat(msg["adopted_on"])
    except ValueError as err:
        raise PaperInvalidError("adopted_on") from err
    if not date(1950, 1, 1) <= on <= dt_util.now().date():
        raise PaperInvalidError("adopted_on")
    data = entry.runtime_data
    adoption = Adoption(version=msg["version"], adopted_on=on, body=body)
    await async_adopt(hass, entry, data.bridge, adoption=adoption, actor=name)
    await data.duties.async_look()
    return {}
