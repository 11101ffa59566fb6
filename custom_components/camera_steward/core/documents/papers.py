"""The papers of a site, for print: each made from how the site is set up and what is on record.

A paper is HTML, one whole document without anything from elsewhere. Its version is the SHA-256 over
what it says in both languages without the day on which it was made; that of the rules is theirs.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from hashlib import sha256
from typing import Final

from .lettering import plain
from .rendering import LANGUAGES, render, render_shared
from .rules import Rules, RulesSite, capital, day, rule_values

_LONGEST_CELL: Final = 2000
"""Characters; what people write into a record is at most twice that."""
_KNOWN_GROUNDS: Final = frozenset({"law", "authority_written"})

type ByLanguage[T] = Mapping[str, T]


class Paper(StrEnum):
    """Which paper; a register's name goes on with what is in it."""

    SIGN = "sign"
    RULES = "rules"
    MANUAL = "manual"
    PLEDGE = "pledge"
    APPOINTMENT = "appointment"
    NOTICE = "notice"
    STATEMENT = "statement"
    REPORT = "report"
    REMOVAL = "removal"
    PRIOR_NOTICE = "prior_notice"
    SITE_NOTICE = "site_notice"
    WEB_PAGE = "web_page"
    STAFF_SHEET = "staff_sheet"
    LIFE_CYCLE = "life_cycle"
    RISK_SHEET = "risk_sheet"
    REIDENTIFICATION = "reidentification"
    USAGE_RULES = "usage_rules"
    REGISTER_DISCLOSURES = "register_disclosures"
    REGISTER_VIEWINGS = "register_viewings"
    REGISTER_INSPECTIONS = "register_inspections"
    REGISTER_INQUIRIES = "register_inquiries"
    REGISTER_CONTRACTORS = "register_contractors"
    REGISTER_MEDIA = "register_media"
    REGISTER_RECIPIENTS = "register_recipients"
    REGISTER_FEEDBACK = "register_feedback"
    REGISTER_ERASURES = "register_erasures"


class About(StrEnum):
    """What a paper is about, where it is not the site as it stands."""

    PERSON = "person"
    PERIOD = "period"
    REMOVAL = "removal"
    UTILIZATION = "utilization"


ABOUT: Final[Mapping[Paper, About]] = {
    Paper.PLEDGE: About.PERSON,
    Paper.APPOINTMENT: About.PERSON,
    Paper.REMOVAL: About.REMOVAL,
    Paper.PRIOR_NOTICE: About.UTILIZATION,
    Paper.SITE_NOTICE: About.UTILIZATION,
    Paper.WEB_PAGE: About.UTILIZATION,
    Paper.STAFF_SHEET: About.UTILIZATION,
    Paper.LIFE_CYCLE: About.UTILIZATION,
    Paper.RISK_SHEET: About.UTILIZATION,
    Paper.REIDENTIFICATION: About.UTILIZATION,
    Paper.USAGE_RULES: About.UTILIZATION,
    **{
        each: About.PERIOD
        for each in Paper
        if each is Paper.REPORT or each.value.startswith("register_")
    },
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Appointee:
    """Someone responsible: `role` is manager or operator; days are local, None leaves them open.

    `id` tells them from all others of the site; a form with blanks has none.
    """

    role: str
    name: str
    since_on: date | None = None
    until_on: date | None = None
    id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contractor:
    """A contractor, as Annex 3 of the rules has it."""

    name: str
    work: str
    clause: bool
    until_on: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Adoption:
    """That rules were adopted: which version, on which day, by whom."""

    version: str
    adopted_on: date
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperSite:
    """What papers are made of. `people` are those responsible now, the manager first."""

    site: RulesSite
    rules: Rules
    people: tuple[Appointee, ...]
    adoption: Adoption | None
    printed_on: date

    @property
    def in_force_on(self) -> date | None:
        """Return since when the rules are in force as they read now; None where they are not."""
        adopted = self.adoption
        return (
            adopted.adopted_on
            if adopted is not None and adopted.version == self.rules.version
            else None
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Printed:
    """A paper in one language."""

    html: str
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A register's heading, columns and rows, in one language."""

    title: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def first(self, count: int) -> Table:
        """Return it with so many rows at most."""
        return replace(self, rows=self.rows[:count])


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementRow:
    """How one article stands for one subject, in one language."""

    cite: str
    text: str
    subject: str
    voluntary: bool
    state: str
    why: tuple[str, ...]
    evidence: str
    limit: str
    checked_by: str
    checked_on: str
    next_on: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """All articles, in one language; `counts` are how many stand how, by the name of the state."""

    title: str
    looked_at: str
    counts: tuple[tuple[str, int], ...]
    rows: tuple[StatementRow, ...]
    guide: str = ""
    """The guidebook's title, where its items are among the rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What happened in a period, counted."""

    viewings: int
    viewers: int
    guests: int
    refused: int
    disclosures: int
    declined: int
    holds: int
    inquiries: int
    inquiries_closed: int
    inspections: int
    signs: int
    faults: int
    faults_gone: int
    purges: int
    erased: int
    past_limit: int
    media: int
    removals: int

    @property
    def removed(self) -> int:
        """Return how many media and cameras went."""
        return self.media + self.removals


def rules_paper(language: str, site: PaperSite, contractors: Sequence[Contractor]) -> Printed:
    """Return the rules with their annexes: cameras with a frame to draw in, people, contractors."""

    def values(each: str) -> dict[str, object]:
        found = site.adoption if site.in_force_on is not None else None
        *articles, _ = site.rules.articles[each]
        return {
            "title": capital(site.site.pack.words["rules"][each]),
            "articles": articles,
            "adopted_on": day(each, site.in_force_on),
            "adopted_by": plain(found.body) if found is not None else "",
            "people": _people(each, site.people),
            "contractors": [
                {
                    "name": plain(contractor.name),
                    "work": plain(contractor.work),
                    "clause": contractor.clause,
                    "until": day(each, contractor.until_on),
                }
                for contractor in contractors
            ],
        }

    return _print(language, site, "rules.html", values, shared=True, version=site.rules.version)


def manual_paper(language: str, site: PaperSite) -> Printed:
    """Return what to do day by day, and when the police ask, something fails or someone leaves."""
    return _print(language, site, "manual.html", lambda each: {"title": _MANUAL[each]})


def pledge_paper(
    language: str, site: PaperSite, pledge: ByLanguage[str], person: Appointee
) -> Printed:
    """Return the pledge for a signature; a person without a name is a form with blanks.

    `pledge` is the text that is accepted on the screen: a title, to whom, and a paragraph a line.
    """

    def values(each: str) -> dict[str, object]:
        _, _, *paragraphs = (line for line in pledge[each].splitlines() if line.strip())
        return {
            "title": _PLEDGE[each],
            "paragraphs": paragraphs,
            "role": _role(each, site, person),
            "name": plain(person.name),
            "rules_version": site.rules.version,
        }

    return _print(language, site, "pledge.html", values, shared=True)


def appointment_paper(language: str, site: PaperSite, person: Appointee) -> Printed:
    """Return the paper that appoints: the manager by the installer, an operator by the manager."""
    manager = person.role == "manager"

    def values(each: str) -> dict[str, object]:
        return {
            "title": _role(each, site, person),
            "role": _role(each, site, person),
            "manager": manager,
            "name": plain(person.name),
            "appointer_role": "installer" if manager else "manager",
            "person": person.role,
            "appointer": plain(site.site.installer if manager else site.site.manager),
            "on": "",
            "since": day(each, person.since_on),
            "until": day(each, person.until_on),
            "cameras": [plain(camera.name) for camera in site.site.cameras],
        }

    return _print(language, site, "appointment.html", values, shared=True)


def notice_paper(language: str, site: PaperSite, *, name_manager: bool) -> Printed:
    """Return the notice to the public, for a web site: what is there, why, for how long, whom to ask.

    The manager's name is on it only where that is wanted.
    """

    def values(each: str) -> dict[str, object]:
        return {
            "title": _NOTICE[each],
            "mark": False,
            "manager": plain(site.site.manager) if name_manager else "",
            "kept_alike": all(camera.limit == site.site.limit for camera in site.site.cameras),
            "known_grounds": _KNOWN_GROUNDS,
            "adopted_on": day(each, site.in_force_on),
        }

    return _print(language, site, "notice.html", values)


def register_paper(
    language: str,
    site: PaperSite,
    tables: ByLanguage[Table],
    period: tuple[date, date],
    *,
    omitted: int = 0,
) -> Printed:
    """Return a register of a period, both days included; `omitted` rows were too many."""

    def values(each: str) -> dict[str, object]:
        found = tables[each]
        return {
            "title": found.title,
            "landscape": True,
            "headings": found.headings,
            "rows": [[plain(cell, _LONGEST_CELL) for cell in row] for row in found.rows],
            "since": day(each, period[0]),
            "until": day(each, period[1]),
            "omitted": omitted,
        }

    return _print(language, site, "register.html", values, shared=True)


def statement_paper(language: str, site: PaperSite, statements: ByLanguage[Statement]) -> Printed:
    """Return how each article of the pack stands, why, and what shows it. It certifies nothing."""

    def values(each: str) -> dict[str, object]:
        found = statements[each]
        return {
            "title": found.title,
            "landscape": True,
            "looked_at": found.looked_at,
            "counts": found.counts,
            "guide": found.guide,
            "rows": [
                {
                    "cite": row.cite,
                    "text": plain(row.text, _LONGEST_CELL),
                    "subject": plain(row.subject),
                    "voluntary": row.voluntary,
                    "state": row.state,
                    "why": [plain(why, _LONGEST_CELL) for why in row.why],
                    "evidence": row.evidence,
                    "limit": row.limit,
                    "checked_by": plain(row.checked_by),
                    "checked_on": row.checked_on,
                    "next_on": row.next_on,
                }
                for row in found.rows
            ],
        }

    return _print(language, site, "statement.html", values, shared=True)


def report_paper(
    language: str,
    site: PaperSite,
    figures: Figures,
    counts: ByLanguage[Sequence[tuple[str, int]]],
    period: tuple[date, date],
    differing: Sequence[str],
) -> Printed:
    """Return the report of a period; `differing` names articles that read otherwise than adopted."""

    def values(each: str) -> dict[str, object]:
        titles = {found.name: found.title for found in site.rules.articles[each]}
        return {
            "title": _REPORT[each],
            "since": day(each, period[0]),
            "until": day(each, period[1]),
            "figures": figures,
            "counts": counts[each],
            "adopted_on": day(each, site.adoption.adopted_on if site.adoption else None),
            "differing": [titles.get(name, name) for name in differing],
        }

    return _print(language, site, "report.html", values)


def removal_paper(
    language: str,
    site: PaperSite,
    number: str,
    rows: ByLanguage[Sequence[tuple[str, Sequence[str]]]],
) -> Printed:
    """Return the record of a removal: what was decided, erased, taken down, by whom and when."""

    def values(each: str) -> dict[str, object]:
        return {
            "title": _REMOVAL[each],
            "number": number,
            "rows": [
                (name, [plain(line, _LONGEST_CELL) for line in lines]) for name, lines in rows[each]
            ],
        }

    return _print(language, site, "removal.html", values, shared=True)


_MANUAL: Final = {"ja": "防犯カメラ運用マニュアル", "en": "Manual for the security cameras"}
_PLEDGE: Final = {"ja": "誓約書", "en": "Pledge of secrecy"}
_NOTICE: Final = {
    "ja": "防犯カメラの設置及び運用についてのお知らせ",
    "en": "Notice on security cameras",
}
_REPORT: Final = {"ja": "防犯カメラ運用状況報告書", "en": "Report on the security cameras"}
_REMOVAL: Final = {"ja": "防犯カメラ撤去記録", "en": "Record of removal"}


def _role(language: str, site: PaperSite, person: Appointee) -> str:
    return site.site.pack.words[person.role][language]


def _people(language: str, people: Sequence[Appointee]) -> list[dict[str, str]]:
    return [
        {
            "role": each.role,
            "name": plain(each.name),
            "since": day(language, each.since_on),
            "until": day(language, each.until_on),
        }
        for each in people
    ]


def _print(
    language: str,
    site: PaperSite,
    template: str,
    values: Callable[[str], Mapping[str, object]],
    *,
    shared: bool = False,
    version: str = "",
) -> Printed:
    """Fill a template: one of the language, or one that is `shared` by both."""
    operators = [plain(each.name) for each in site.people if each.role == "operator"]

    def fill(each: str, printed_on: str, version: str) -> str:
        whole = {
            "language": each,
            "ja": each == "ja",
            "landscape": False,
            "mark": True,
            "printed_on": printed_on,
            "version": version,
            "pack": site.site.pack,
            "operators": operators,
            **rule_values(each, site.site),
            **values(each),
        }
        return render_shared(template, whole) if shared else render(each, template, whole)

    if not version:
        digest = sha256()
        for each in LANGUAGES:
            digest.update(sha256(fill(each, "", "").encode()).digest())
        version = digest.hexdigest()
    return Printed(html=fill(language, day(language, site.printed_on), version), version=version)
