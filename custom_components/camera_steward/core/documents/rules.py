"""The rules of installation and operation (設置運用規約, Kumagaya 第4 1), from how a site is set up.

Each article is one block of a template in either language. An article's digest is over both; the
rules' version over all articles and the sheet of cameras (別紙１). Days on which they were printed or
adopted, the list of operators (別紙２) and that of contractors (別紙３) are none of it: they change
without the rules changing.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from hashlib import sha256
from typing import Final

from ..policy.pack import Interval, Pack
from .lettering import plain
from .rendering import LANGUAGES, blocks

ARTICLES: Final = (
    *("aim", "definitions", "purpose", "place", "sign", "installer", "manager", "operators"),
    *("viewing", "protection", "retention", "erasure", "alteration", "secrecy", "disclosure"),
    *("showing", "inquiries", "maintenance", "contractors", "training", "review", "removal"),
    "supplement",
)
"""The articles in their order; the last has no number (附則)."""
SHEET: Final = "cameras"
"""The sheet of cameras (別紙１), which is part of the rules."""
_WIDE_DIGITS: Final = str.maketrans("0123456789", "０１２３４５６７８９")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """How long footage is kept, and why so long where that is above the ceiling."""

    length: timedelta
    reason: str = ""
    approver: str = ""
    review_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RulesCamera:
    """A camera as the rules describe it; `mode` is when it records: continuous, schedule, trigger."""

    name: str
    place: str
    direction: str
    field_of_view: str
    purpose: str
    limit: Limit
    mode: str = "continuous"
    audio: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RulesSite:
    """What the rules are made of. `live_length` is how long a live look lasts at most."""

    installer: str
    contact: str
    purpose: str
    manager: str
    limit: Limit
    cameras: tuple[RulesCamera, ...]
    live_length: timedelta
    pack: Pack


@dataclass(frozen=True, slots=True, kw_only=True)
class Paragraph:
    """A paragraph of an article, with its items; `number` is empty for the only or first one."""

    number: str
    text: str
    items: tuple[tuple[str, str], ...] = ()

    @property
    def lines(self) -> Iterator[str]:
        """Yield it as lines of plain text."""
        yield f"{self.number} {self.text}" if self.number else self.text
        yield from (f"  {number} {text}" for number, text in self.items)


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """An article in one language: `title` is its number (第１条), `heading` what it is about."""

    name: str
    title: str
    heading: str
    paragraphs: tuple[Paragraph, ...]

    @property
    def lines(self) -> Iterator[str]:
        """Yield it as lines of plain text."""
        yield f"{self.title} {self.heading}"
        for each in self.paragraphs:
            yield from each.lines


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The rules as the settings give them now; `articles` in their order, the sheet last.

    `digests` are the SHA-256 of each article by name, over both languages; `version` is that of all.
    """

    articles: Mapping[str, tuple[Article, ...]]
    digests: Mapping[str, str]
    version: str

    def text(self, language: str, title: str) -> str:
        """Return them as plain text under a title."""
        parts = [title, *("\n".join(each.lines) for each in self.articles[language])]
        return "\n\n".join(parts) + "\n"


def rules_of(site: RulesSite) -> Rules:
    """Return the rules of a site in both languages; reads files."""
    articles = {each: _articles(each, site) for each in LANGUAGES}
    digests: dict[str, str] = {}
    for index, name in enumerate((*ARTICLES, SHEET)):
        digest = sha256()
        for language in LANGUAGES:
            found = articles[language][index]
            text = "\n".join(found.lines)
            digest.update(sha256(text.encode()).digest())
        digests[name] = digest.hexdigest()
    whole = sha256("\n".join(f"{name} {digest}" for name, digest in digests.items()).encode())
    return Rules(articles=articles, digests=digests, version=whole.hexdigest())


def differing(adopted: Mapping[str, str], now: Mapping[str, str]) -> tuple[str, ...]:
    """Return the names of the articles whose digest is another, in the articles' order."""
    names = dict.fromkeys((*ARTICLES, SHEET, *now, *adopted))
    return tuple(each for each in names if adopted.get(each) != now.get(each))


def _articles(language: str, site: RulesSite) -> tuple[Article, ...]:
    titles = {name: _title(language, name) for name in (*ARTICLES, SHEET)}
    found = blocks(language, "rules.txt", {**rule_values(language, site), "at": titles})
    return tuple(_article(language, name, titles[name], found[name]) for name in (*ARTICLES, SHEET))


def _title(language: str, name: str) -> str:
    if name == SHEET:
        return {"ja": "別紙１", "en": "Annex 1"}[language]
    number = ARTICLES.index(name) + 1
    if number == len(ARTICLES):
        return {"ja": "附則", "en": "Supplementary provision"}[language]
    return f"第{wide(number)}条" if language == "ja" else f"Article {number}"


def _article(language: str, name: str, title: str, text: str) -> Article:
    """Read an article: its heading, then a paragraph a line, its items behind a dash."""
    heading, *lines = (each.strip() for each in text.split("\n") if each.strip())
    paragraphs: list[tuple[str, list[str]]] = []
    for line in lines:
        if line.startswith("- "):
            paragraphs[-1][1].append(line.removeprefix("- "))
        else:
            paragraphs.append((line, []))
    return Article(
        name=name,
        title=title,
        heading=f"（{heading}）" if language == "ja" else f"({heading})",
        paragraphs=tuple(
            Paragraph(
                number="" if index == 1 else (wide(index) if language == "ja" else f"{index}."),
                text=line,
                items=tuple((_item(language, at), each) for at, each in enumerate(items, 1)),
            )
            for index, (line, items) in enumerate(paragraphs, 1)
        ),
    )


def _item(language: str, number: int) -> str:
    # There is one sign each up to (20): ⑴ … ⒇.
    return chr(0x2473 + number) if language == "ja" and number <= 20 else f"({number})"


def rule_values(language: str, site: RulesSite) -> dict[str, object]:
    """Return what a template about a site's rules can say, fit for print."""
    pack = site.pack
    return {
        # What rests on no document in force names none.
        "guideline": plain(pack.source[language]) if pack.in_force is not None else "",
        "installer": plain(site.installer),
        "contact": plain(site.contact),
        "purpose": plain(site.purpose),
        "manager": plain(site.manager),
        "words": {name: each[language] for name, each in pack.words.items()},
        "heads": {name: capital(each[language]) for name, each in pack.words.items()},
        "count": _number(language, len(site.cameras)),
        "audio": any(each.audio for each in site.cameras),
        "live": _number(language, site.live_length // timedelta(minutes=1)),
        "limit": _limit(language, site.limit, pack),
        "apart": [
            {"name": plain(each.name), **_limit(language, each.limit, pack)}
            for each in site.cameras
            if each.limit != site.limit
        ],
        "ceiling": length(language, pack.ceiling),
        "grounds": pack.grounds,
        "every": {name: every(language, each) for name, each in pack.intervals.items()},
        "within": {name: within(language, each) for name, each in pack.intervals.items()},
        "cameras": [
            {
                "name": plain(each.name),
                "place": plain(each.place),
                "direction": plain(each.direction),
                "field_of_view": plain(each.field_of_view),
                "purpose": plain(each.purpose),
                "mode": each.mode,
                "audio": each.audio,
                "kept": length(language, each.limit.length),
            }
            for each in site.cameras
        ],
    }


def _limit(language: str, limit: Limit, pack: Pack) -> dict[str, object]:
    return {
        "kept": length(language, limit.length),
        "long": limit.length > pack.ceiling,
        "reason": plain(limit.reason),
        "approver": plain(limit.approver),
        "review": day(language, limit.review_on),
    }


def capital(text: str) -> str:
    """Return a text as it begins a line."""
    return text[:1].upper() + text[1:]


def wide(number: int) -> str:
    """Return a number in the digits of Japanese official texts."""
    return str(number).translate(_WIDE_DIGITS)


def _number(language: str, number: int) -> str:
    return wide(number) if language == "ja" else str(number)


def day(language: str, on: date | None) -> str:
    """Return a day in words, empty for none."""
    if on is None:
        return ""
    if language == "ja":
        return f"{wide(on.year)}年{wide(on.month)}月{wide(on.day)}日"
    return on.isoformat()


def length(language: str, span: timedelta) -> str:
    """Return a length in days and hours."""
    days, hours = span.days, span.seconds // 3600
    if language == "ja":
        parts = [f"{wide(days)}日" if days else "", f"{wide(hours)}時間" if hours else ""]
        return "と".join(each for each in parts if each)
    names = ((days, "day"), (hours, "hour"))
    return " and ".join(f"{each} {name}{'s' if each != 1 else ''}" for each, name in names if each)


def every(language: str, interval: Interval) -> str:
    """Return how often something comes again."""
    months, days = interval.months, interval.days
    if language == "ja":
        if months == 12:
            return "毎年１回以上"
        if months == 1:
            return "毎月１回以上"
        return f"{wide(months)}か月に１回以上" if months else f"{wide(days)}日に１回以上"
    if months in (1, 12):
        return f"at least once a {'year' if months == 12 else 'month'}"
    return f"at least once in {months} months" if months else f"at least once in {days} days"


def within(language: str, interval: Interval) -> str:
    """Return how soon something is due."""
    if interval.months:
        plural = "s" if interval.months != 1 else ""
        return (
            f"{wide(interval.months)}か月以内"
            if language == "ja"
            else f"within {interval.months} month{plural}"
        )
    plural = "s" if interval.days != 1 else ""
    return (
        f"{wide(interval.days)}日以内"
        if language == "ja"
        else f"within {interval.days} day{plural}"
    )
