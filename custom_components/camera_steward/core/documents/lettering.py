"""Text that people typed, made fit for print: cleaned, measured, broken into lines, shrunk, cut.

Widths are guesses that err on the wide side: which font a printer has is not known here.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

LONGEST: Final = 300
"""Characters of one value that are printed; what is longer ends in an ellipsis."""

_ELLIPSIS: Final = "…"
_LINE_HEIGHT: Final = 1.25
_STEP: Final = 0.94
_ALONE: Final = 0.6
_LATIN, _EMOJI = 0x2FF, 0x1F000
_JOINER, _ISOLATE, _END_OF_ISOLATE = "\u200d", "\u2068", "\u2069"
_DIRECTIONS: Final = frozenset(
    "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
)
_RIGHT_TO_LEFT: Final = frozenset({"R", "AL"})
_NOT_FIRST: Final = frozenset(
    "、。，．・：；？！）」』】〕］｝〉》ー々ぁぃぅぇぉっゃゅょァィゥェォッャュョ,.:;?!)]}…/"
)
_NOT_LAST: Final = frozenset("（「『【〔［｛〈《([{")
_NARROW: Final = frozenset("iIjl.,:;'|!()[]{} ftr1-/")


def clean(text: str, longest: int = LONGEST) -> str:
    """Return a text in one line, without what no printer shows, cut after `longest` characters.

    Characters that turn the direction of what follows them are left out.
    """
    kept = "".join(each for each in text if _is_printed(each)).strip()
    # Between Japanese names stands a space as wide as a letter; it stays.
    kept = re.sub(r"\s+", lambda found: "　" if found[0] == "　" else " ", kept)
    if len(kept) <= longest:
        return kept
    # A text may be of any length: only as much is looked at as is needed.
    parts = list(_clusters(kept[: longest + 16]))
    while sum(map(len, parts)) > longest - 1:
        parts.pop()
    return "".join(parts).rstrip() + _ELLIPSIS


def plain(text: str, longest: int = LONGEST) -> str:
    """Return a text to be printed among others: cleaned, and set apart where that is needed."""
    return set_apart(clean(text, longest))


def set_apart(text: str) -> str:
    """Return a text that turns nothing but itself, though it has letters that run from the right."""
    if any(unicodedata.bidirectional(each) in _RIGHT_TO_LEFT for each in text):
        return f"{_ISOLATE}{text}{_END_OF_ISOLATE}"
    return text


def _is_printed(letter: str) -> bool:
    if letter in _DIRECTIONS:
        return False
    # What XML cannot hold (halves of pairs, control and no characters) would spoil all of a sign.
    none = unicodedata.category(letter) in ("Cc", "Cs") or ord(letter) & 0xFFFE == 0xFFFE
    return letter.isspace() or not none


def runs_from_right(text: str) -> bool:
    """Return whether a text begins with letters that run from right to left."""
    for each in text:
        match unicodedata.bidirectional(each):
            case "R" | "AL":
                return True
            case "L":
                return False
            case _:
                pass
    return False


def width_of(text: str) -> float:
    """Return how wide a text in bold letters is at most, in heights of its letters."""
    return sum(_width(each) for each in _clusters(text))


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """A text in lines that fit into a box, and how high its letters are."""

    lines: tuple[str, ...]
    size: float

    @property
    def height(self) -> float:
        """Return how high all lines are."""
        return len(self.lines) * self.size * _LINE_HEIGHT


def fit(text: str, *, width: float, height: float, largest: float, smallest: float) -> Fitted:
    """Return a text as large as a box lets it be, no larger and no smaller than given.

    One line is taken before two, as long as that makes it only a little smaller, and a word is broken
    at the smallest size alone. What does not fit then ends in an ellipsis.
    """
    alone = min(largest, width / max(width_of(text), 1.0))
    if alone >= max(smallest, largest * _ALONE) and alone * _LINE_HEIGHT <= height:
        return Fitted(lines=(text,), size=alone)
    longest = max((width_of(each.rstrip()) for each in _words(text)), default=0.0)
    size = largest
    while True:
        lines = _break(text, width / size)
        most = max(1, int(height / (size * _LINE_HEIGHT)))
        whole = longest <= width / size or size <= smallest
        if len(lines) <= most and whole:
            return Fitted(lines=_even(text, lines, width / size), size=size)
        if size <= smallest:
            return Fitted(lines=cut(lines, most, width / size), size=size)
        size = max(smallest, size * _STEP)


def fill(text: str, *, width: float, size: float, most: int) -> tuple[str, ...]:
    """Return a text in full lines of letters of a size; what is more than `most` is an ellipsis."""
    lines = _break(text, width / size)
    return lines if len(lines) <= most else cut(lines, most, width / size)


def _even(text: str, lines: tuple[str, ...], width: float) -> tuple[str, ...]:
    """Return lines of about the same length, and no more of them."""
    longest = max((width_of(each.rstrip()) for each in _words(text)), default=0.0)
    for percent in range(60, 100, 5):
        narrow = width * percent / 100
        if longest <= narrow and len(found := _break(text, narrow)) <= len(lines):
            return found
    return lines


def cut(lines: tuple[str, ...], most: int, width: float) -> tuple[str, ...]:
    """Return the first lines, the last of them with an ellipsis; `width` is in heights of letters."""
    parts = list(_clusters(lines[most - 1]))
    while parts and width_of("".join(parts)) + 1 > width:
        parts.pop()
    return (*lines[: most - 1], "".join(parts).rstrip() + _ELLIPSIS)


def _break(text: str, width: float) -> tuple[str, ...]:
    """Break at spaces and between wide letters; in a word only where it is longer than a line."""
    lines: list[str] = []
    line, used = "", 0.0
    for word in _words(text):
        wide = width_of(word.rstrip())
        if line and used + wide > width:
            lines.append(line.rstrip())
            line, used = "", 0.0
        if wide > width:
            for each in _clusters(word):
                if line and used + _width(each) > width:
                    lines.append(line)
                    line, used = "", 0.0
                line, used = line + each, used + _width(each)
            continue
        line, used = line + word, used + width_of(word)
    return (*lines, line.rstrip()) if line.strip() or not lines else tuple(lines)


def _words(text: str) -> Iterator[str]:
    """Yield what is not broken: a word with the space after it, or one wide letter."""
    word = ""
    for each in _clusters(text):
        if (
            word
            and (
                word[-1].isspace()
                or ((_is_wide(each) or _is_wide(word[-1])) and not each.isspace())
            )
            and each[0] not in _NOT_FIRST
            and word[-1] not in _NOT_LAST
        ):
            yield word
            word = ""
        word += each
    if word:
        yield word


def _clusters(text: str) -> Iterator[str]:
    """Yield letters with the marks that belong to them; an emoji of several parts is one."""
    cluster = ""
    for each in text:
        if cluster and not _joins(cluster, each):
            yield cluster
            cluster = ""
        cluster += each
    if cluster:
        yield cluster


def _joins(cluster: str, letter: str) -> bool:
    if letter == _JOINER or cluster.endswith(_JOINER):
        return True
    flags = [each for each in cluster if _is_flag(each)]
    if _is_flag(letter):
        return len(flags) % 2 == 1
    modifies = "\U0001f3fb" <= letter <= "\U0001f3ff" or "\ufe00" <= letter <= "\ufe0f"
    return modifies or unicodedata.category(letter) in ("Mn", "Me", "Mc")


def _is_flag(letter: str) -> bool:
    """Return whether it is half of a flag (regional indicator)."""
    return "\U0001f1e6" <= letter <= "\U0001f1ff"


def _is_wide(letter: str) -> bool:
    return unicodedata.east_asian_width(letter[0]) in "WF"


def _width(cluster: str) -> float:
    # Not every font joins the parts of an emoji, so each is counted.
    return sum(_width_of_letter(each) for each in cluster)


def _width_of_letter(letter: str) -> float:
    if unicodedata.category(letter) in ("Mn", "Me", "Cf"):
        return 0.0
    if unicodedata.east_asian_width(letter) in "WF":
        return 1.0 if ord(letter) < _EMOJI else 1.4
    if letter in _NARROW:
        return 0.42
    if letter.isupper() or letter in "mwMW@%&_—":
        return 0.82
    return 1.0 if ord(letter) > _LATIN and not letter.isalnum() else 0.64
