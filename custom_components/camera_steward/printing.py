"""Make one paper of a site: choose whom or which time it is about, gather, and print."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util

from .coordinator import CameraStewardConfigEntry
from .core.access.people import Role
from .core.disclosure.counter import Counter
from .core.documents.papers import (
    ABOUT,
    About,
    Appointee,
    Paper,
    PaperSite,
    Printed,
    appointment_paper,
    manual_paper,
    notice_paper,
    pledge_paper,
    register_paper,
    removal_paper,
    report_paper,
    rules_paper,
    statement_paper,
)
from .core.documents.poster import site_notice
from .core.documents.rules import differing
from .core.documents.sign import SignSize, sign_page, sign_svg, sign_version
from .core.documents.utilization import UtilizationPaper, utilization_paper
from .core.errors import PaperInvalidError, StewardError
from .core.viewing.desk import Caller
from .duties import DutiesLook
from .duties_api import NotJudgedError
from .paper_books import MOST_ROWS, Books, Period, counts_of, statement_of
from .papers import LANGUAGES as SIGN_LANGUAGES, SCAN, SHOWN, adopted, async_paper_site, sign_of
from .pledge import LANGUAGES
from .policy_packs import async_load_pack
from .texts import Texts, async_texts, bounds
from .utilization_papers import utilization_paper_of

_LAST_YEAR: Final = "12m"
_FORMS: Final = (Role.MANAGER, Role.OPERATOR)
"""As what a form with blanks can be printed."""


def one_of[Kind: StrEnum](kinds: type[Kind], value: object, field: str) -> Kind:
    """Return the kind of this name; `PaperInvalidError` naming the field where there is none."""
    try:
        return kinds(str(value))
    except ValueError as err:
        raise PaperInvalidError(field) from err


def people_subjects(site: PaperSite, texts: Texts) -> list[dict[str, str]]:
    """Return whom a pledge or an appointment can be printed for: those responsible, or blank forms."""
    people = [{"id": each.id, "name": each.name} for each in site.people]
    words = site.site.pack.words
    blank = [
        {"id": role.value, "name": texts["paper_blank"].format(role=words[role][texts.language])}
        for role in _FORMS
    ]
    return people + blank


def period_subjects(texts: Texts, since_at: datetime) -> list[dict[str, str]]:
    """Return which times a register can be printed of: the last 12 months, or a calendar year."""
    last, first = dt_util.now().year, dt_util.as_local(since_at).year
    years = [
        {"id": str(year), "name": texts["paper_year"].format(year=year)}
        for year in range(last, min(first, last) - 1, -1)
    ]
    return [{"id": _LAST_YEAR, "name": texts["paper_last_year"]}, *years]


async def async_print_sign(
    hass: HomeAssistant, entry: CameraStewardConfigEntry, options: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the sign as `paper` gives it, and keep how it is printed where that is wanted."""
    languages, address = options.get(SIGN_LANGUAGES, ["ja"]), options.get(SCAN, "")
    if not isinstance(languages, list) or not all(isinstance(each, str) for each in languages):
        raise PaperInvalidError(SIGN_LANGUAGES)
    if not isinstance(address, str):
        raise PaperInvalidError(SCAN)
    wanted = {
        SIGN_LANGUAGES: languages,
        SCAN: address,
        **{each.value: options.get(each.value) is True for each in SHOWN},
    }
    size = one_of(SignSize, options.get("size", SignSize.A4), "size")
    pack = await async_load_pack(hass, entry)
    sign = sign_of(entry, pack, wanted)

    def draw() -> tuple[str, str]:
        svg = sign_svg(sign, size, pack.sign_required)
        return svg, sign_page(svg, size)

    svg, html = await hass.async_add_executor_job(draw)
    if options.get("keep") is True:
        data = entry.runtime_data
        await data.memory.async_take_sign(wanted)
        data.coordinator.async_update_listeners()
        data.duties.async_look_soon()
    name = f"sign-{size.value}-{'-'.join(sign.languages)}.html"
    return {"html": html, "svg": svg, "version": sign_version(sign), "file": name}


async def async_print(
    hass: HomeAssistant,
    entry: CameraStewardConfigEntry,
    caller: Caller,
    kind: Paper,
    *,
    language: str,
    subject: str,
    options: Mapping[str, Any],
) -> Printed:
    """Return a paper in a language; raises the core's own errors.

    `PaperInvalidError` names a subject that is none. Printing the viewing register is reading it,
    and is entered so.
    """
    data = entry.runtime_data
    site = await async_paper_site(hass, entry, data.bridge)
    is_utilization = ABOUT.get(kind) is About.UTILIZATION
    if is_utilization or kind in (Paper.STATEMENT, Paper.REPORT):
        await data.duties.async_look()
    look = data.coordinator.duties
    work = _Work(
        entry=entry,
        site=site,
        texts={each: await async_texts(hass, each) for each in LANGUAGES},
        language=language,
        subject=subject,
        look=look,
        pledge=data.bridge.pledge.pledge if data.bridge.pledge is not None else None,
        named=options.get("manager") is True,
        size=one_of(SignSize, options.get("size", SignSize.A4), "size"),
        utilization=utilization_paper_of(hass, entry, site, look, subject)
        if is_utilization and look is not None
        else None,
    )

    def make(counter: Counter) -> Printed:
        steward = data.bridge.steward
        return work.make(kind, Books(entry=entry, caller=caller, counter=counter, steward=steward))

    made = await data.bridge.async_at_counter(make)
    if kind is Paper.REGISTER_VIEWINGS:
        first, last = work.period
        since, until = bounds(first)[0], bounds(last)[1]
        # What cannot be entered is read all the same: it is needed most when something is wrong.
        with suppress(StewardError):
            await data.bridge.async_in_lobby(
                lambda lobby: lobby.desk.register_read(caller, since, until)
            )
    return made


@dataclass(frozen=True, slots=True, kw_only=True)
class _Work:
    """One paper that is to be made, with all but the ledger."""

    entry: CameraStewardConfigEntry
    site: PaperSite
    texts: Mapping[str, Texts]
    language: str
    subject: str
    look: DutiesLook | None
    pledge: Mapping[str, str] | None
    named: bool
    size: SignSize
    utilization: UtilizationPaper | None

    def make(self, kind: Paper, books: Books) -> Printed:
        """Make it; in the executor."""
        language, site = self.language, self.site
        if ABOUT.get(kind) is About.UTILIZATION:
            return self._of_utilization(kind)
        match kind:
            case Paper.RULES:
                return rules_paper(language, site, books.contractors())
            case Paper.MANUAL:
                return manual_paper(language, site)
            case Paper.NOTICE:
                return notice_paper(language, site, name_manager=self.named)
            case Paper.PLEDGE:
                if self.pledge is None:
                    raise NotJudgedError
                return pledge_paper(language, site, self.pledge, self._person())
            case Paper.APPOINTMENT:
                return appointment_paper(language, site, self._person())
            case Paper.REMOVAL:
                return self._removal(books)
            case Paper.STATEMENT:
                look = self._judged()
                made = {each: statement_of(look, texts) for each, texts in self.texts.items()}
                return statement_paper(language, site, made)
            case Paper.REPORT:
                return self._report(books)
            case _:
                return self._register(kind, books)

    @property
    def period(self) -> Period:
        """Return which time it is about; nothing chosen is the last 12 months."""
        today = dt_util.now().date()
        if self.subject in ("", _LAST_YEAR):
            return today - timedelta(days=365), today
        if not (self.subject.isascii() and self.subject.isdecimal()):
            raise PaperInvalidError("subject")
        year = int(self.subject)
        if not 2000 <= year <= today.year:
            raise PaperInvalidError("subject")
        return date(year, 1, 1), min(date(year, 12, 31), today)

    def _person(self) -> Appointee:
        """Return whom it is about; nothing chosen is an operator's form with blanks."""
        people = {each.id: each for each in self.site.people}
        if (found := people.get(self.subject)) is not None:
            return found
        return Appointee(role=one_of(Role, self.subject or Role.OPERATOR, "subject").value, name="")

    def _judged(self) -> DutiesLook:
        if self.look is None:
            raise NotJudgedError
        return self.look

    def _of_utilization(self, kind: Paper) -> Printed:
        if self.utilization is None:
            raise NotJudgedError
        if kind is Paper.SITE_NOTICE:
            return site_notice(self.language, self.utilization, self.size)
        return utilization_paper(kind, self.language, self.utilization)

    def _removal(self, books: Books) -> Printed:
        found = books.removals()
        for each in found if self.subject else found[:1]:
            if self.subject in ("", each.id):
                rows = {k: books.removal_rows(texts, each) for k, texts in self.texts.items()}
                return removal_paper(self.language, self.site, each.number, rows)
        raise PaperInvalidError("subject")

    def _report(self, books: Books) -> Printed:
        look, period = self._judged(), self.period
        found = adopted(books.steward)
        return report_paper(
            self.language,
            self.site,
            books.figures(period),
            {each: counts_of(look, texts) for each, texts in self.texts.items()},
            period,
            differing(found.articles, self.site.rules.digests) if found is not None else (),
        )

    def _register(self, kind: Paper, books: Books) -> Printed:
        period = self.period
        tables = {each: books.table(kind, period, texts) for each, texts in self.texts.items()}
        omitted = max(0, len(tables[self.language].rows) - MOST_ROWS)
        return register_paper(
            self.language,
            self.site,
            {each: found.first(MOST_ROWS) for each, found in tables.items()},
            period,
            omitted=omitted,
        )
