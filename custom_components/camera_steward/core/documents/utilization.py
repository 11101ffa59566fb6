"""The papers of a utilization: its notices, and what its operator decides and assesses (guidebook ver1.0).

Each is made from the declaration, whose version it bears, and from how the pipeline is set; retention
and recipients are the settings'. None says that anybody agreed, or that anything is lawful.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from ..errors import PaperInvalidError
from ..policy.pack import Interval
from ..policy.utilization import (
    PRIOR_ITEMS,
    Declaration,
    DetectorKind,
    NodeKind,
    NoticeItem,
)
from .lettering import plain
from .papers import Paper, Printed
from .qr import squares
from .rendering import LANGUAGES, render, render_shared
from .rules import day, wide
from .sign import scan_address
from .utilization_words import CASES, TITLES, VOLUNTARY, WORDS

LONGEST: Final = 600
"""Characters of one thing that was declared; what is longer ends in an ellipsis."""
SHORT: Final = 8
"""How many characters of a version are enough to tell it by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """How a task was done last: on which local day, by whom; `current` is whether for this version."""

    on: date
    by: str
    answers: Mapping[str, str]
    current: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class UtilizationPaper:
    """What papers of a utilization are made of.

    `site` is the installer. `camera` is what a camera of the site is called, which then records for
    crime prevention as well; empty where the utilization has an address of its own. `responsible` are
    bodies by keys of nodes, `answers` by kinds of task. `rate` is in images a second, `width` in
    pixels. `lead` is how long a prior notice is posted before. Days are local.
    """

    site: str
    name: str
    declared: Declaration
    start_on: date
    lead: Interval
    printed_on: date
    running: Declaration | None = None
    begun_on: date | None = None
    web_address: str = ""
    camera: str = ""
    manager: str = ""
    operators: tuple[str, ...] = ()
    responsible: Mapping[str, str] = field(default_factory=dict)
    answers: Mapping[str, Answered] = field(default_factory=dict)
    detector_version: str = ""
    rate: float
    width: int
    frames_taken: int = 0
    frames_persisted: int = 0

    @property
    def pending(self) -> bool:
        """Return whether it runs otherwise than it is declared."""
        return self.running is not None and self.running.version != self.declared.version

    @property
    def link(self) -> str:
        """Return the address of the web page; empty where it is none."""
        try:
            found = scan_address(self.web_address)
        except PaperInvalidError:
            return ""
        return found if found.startswith("http") else ""


def utilization_paper(kind: Paper, language: str, paper: UtilizationPaper) -> Printed:
    """Return a paper of a utilization; not the poster (`poster.py`), which is drawn."""
    if kind is Paper.WEB_PAGE:
        return Printed(html=_web_page(language, paper), version=paper.declared.version)
    html = render(language, f"utilization_{kind}.html", _values(language, paper))
    return Printed(html=html, version=paper.declared.version)


def said_of(
    language: str, paper: UtilizationPaper, items: Sequence[NoticeItem]
) -> list[tuple[str, list[str]]]:
    """Return what a notice says of these items, by title; without those that are left out."""
    return [
        (TITLES[language][item], lines_of(language, paper, item))
        for item in items
        if item not in paper.declared.left_out
    ]


def lines_of(language: str, paper: UtilizationPaper, item: NoticeItem) -> list[str]:
    """Return what a notice says of an item, fit for print."""
    words, said = WORDS[language], paper.declared
    case = CASES[language][said.case]

    def filled(text: str, sentence: str = "{}") -> str:
        given = plain(text, LONGEST)
        return sentence.format(given) if given else words.empty

    match item:
        case NoticeItem.PURPOSE:
            seen = words.recognizable if said.recognizable else words.coarse
            return [words.shows.format(case.images) + seen, filled(said.purpose, words.purpose)]
        case NoticeItem.OPERATOR:
            return [filled(said.entity), filled(said.contact, words.contact)]
        case NoticeItem.BENEFIT:
            return [filled(said.benefit)]
        case NoticeItem.PLACE:
            return [filled(said.place)]
        case NoticeItem.DERIVED:
            more = [filled(said.derived, words.more)] if said.derived.strip() else []
            return [case.derived, *more]
        case NoticeItem.RETENTION:
            return [words.kept.format(number(language, said.retention_days))]
        case NoticeItem.IDENTIFIABLE:
            return [words.identifiable if said.identifiable else words.unidentifiable]
        case NoticeItem.RECIPIENTS:
            return [
                words.conditions.format(filled(each.name), plain(each.conditions, LONGEST))
                if each.conditions.strip()
                else filled(each.name)
                for each in said.recipients
            ] or [words.nobody]
        case NoticeItem.START:
            return [words.start.format(day(language, paper.start_on))]


def handling(language: str, paper: UtilizationPaper, said: Declaration | None = None) -> list[str]:
    """Return what becomes of the images, of what is declared, or of another declaration."""
    words, said = WORDS[language], said or paper.declared
    case = CASES[language][said.case]
    match said.detector:
        case DetectorKind.BUILT_IN:
            found = [words.memory, case.dropped]
        case DetectorKind.SERVER:
            found = [words.server, case.dropped]
        case DetectorKind.ENTITY:
            found = [words.entity]
    if said.detector is not DetectorKind.BUILT_IN:
        originals = plain(said.originals, LONGEST)
        found.append(words.originals.format(originals) if originals else words.no_originals)
    if case.besides:
        found.append(case.besides)
    if said.camera:
        found.append(words.also_recorded)
    return found


def number(language: str, count: int) -> str:
    """Return a number as papers of a language write it."""
    return wide(count) if language == "ja" else str(count)


def lead_of(language: str, lead: Interval) -> str:
    """Return how long a prior notice is posted."""
    count = lead.months or lead.days
    if language == "ja":
        return f"{wide(count)}{'か月' if lead.months else '日'}間"
    return f"{count} {'month' if lead.months else 'day'}{'s' if count != 1 else ''}"


def _values(language: str, paper: UtilizationPaper) -> dict[str, object]:
    said = paper.declared
    link = paper.link
    return {
        "language": language,
        "ja": language == "ja",
        "site": plain(paper.site),
        "name": plain(paper.name),
        "camera": plain(paper.camera),
        "manager": plain(paper.manager),
        "operators": [plain(each) for each in paper.operators],
        "version": said.version,
        "short": said.version[:SHORT],
        "printed_on": day(language, paper.printed_on),
        "voluntary": VOLUNTARY[language],
        "prior": said_of(language, paper, PRIOR_ITEMS),
        "every": said_of(language, paper, tuple(NoticeItem)),
        "item": {each.value: lines_of(language, paper, each) for each in NoticeItem},
        "omitted": [
            (TITLES[language][item], plain(reason, LONGEST))
            for item, reason in said.left_out.items()
        ],
        "handling": handling(language, paper),
        "lead": lead_of(language, paper.lead),
        "lead_default": paper.lead.product_default,
        "case": CASES[language][said.case],
        "kind": said.case.value,
        "entity": plain(said.entity, LONGEST),
        "contact": plain(said.contact, LONGEST),
        "purpose": plain(said.purpose, LONGEST),
        "days": number(language, said.retention_days),
        "given": bool(said.recipients),
        "detector": said.detector.value,
        "detector_place": plain(said.detector_place),
        "detector_version": plain(paper.detector_version),
        "rate": f"{paper.rate:g}",
        "width": str(paper.width),
        "recorded": bool(said.camera),
        "public_space": said.public_space,
        "begun_on": day(language, paper.begun_on),
        "runs": paper.running is not None,
        "cycles": _cycles(language, paper),
        "frames": (f"{paper.frames_taken:,}", f"{paper.frames_persisted:,}"),
        "answers": {
            kind: {
                "on": day(language, each.on),
                "by": plain(each.by),
                "current": each.current,
                "said": {k: plain(v, LONGEST) for k, v in each.answers.items()},
            }
            for kind, each in paper.answers.items()
        },
        "link": plain(link, 500),
        "qr": squares(link) if link else None,
    }


def _cycles(language: str, paper: UtilizationPaper) -> list[dict[str, object]]:
    """Return the life cycle as it runs, and as it is declared where that is something else."""
    found = [paper.running] if paper.running is not None else []
    if paper.running is None or paper.pending:
        found.append(paper.declared)
    return [
        {
            "runs": said is paper.running,
            "short": said.version[:SHORT],
            "case": CASES[language][said.case],
            "kind": said.case.value,
            "derived": plain(said.derived, LONGEST),
            "detector": said.detector.value,
            "place": plain(said.detector_place),
            "originals": plain(said.originals, LONGEST),
            "days": number(language, said.retention_days),
            "recorded": bool(said.camera),
            "nodes": [
                {
                    "kind": node.kind.value,
                    "responsible": plain(paper.responsible.get(node.key, "")),
                    "recipient": _recipient(said, node.id)
                    if node.kind is NodeKind.RECIPIENT
                    else None,
                }
                for node in said.nodes
            ],
        }
        for said in found
    ]


def _recipient(said: Declaration, record: str) -> tuple[str, str]:
    found = next(each for each in said.recipients if each.record == record)
    return plain(found.name), plain(found.conditions, LONGEST)


def _web_page(language: str, paper: UtilizationPaper) -> str:
    """Return a page that stands by itself, in this language first and the other below."""
    languages = sorted(LANGUAGES, key=lambda each: each != language)
    return render_shared(
        "utilization_web_page.html",
        {
            "language": language,
            "crossed": crossed(paper),
            "version": paper.declared.version,
            "short": paper.declared.version[:SHORT],
            "parts_of": [_values(each, paper) for each in languages],
        },
    )


def crossed(paper: UtilizationPaper) -> bool:
    """Return whether a notice may show that no picture is kept.

    Not where something else looks at it, nor where the camera also records: the drawing is all that
    most people see, and would tell them something that is not so.
    """
    return paper.declared.detector is DetectorKind.BUILT_IN and not paper.declared.camera
