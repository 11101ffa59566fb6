"""What a package says to people: the printable record, and how to check all of it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from ..documents.rendering import LANGUAGES, render
from .order import PackageOrder, PackedVideo
from .reel import Missing
from .signing import IDENTITY, NAMESPACE

_PARTICULARS: Final = (
    *("law", "article", "agency", "matter", "document_number", "document_date"),
    *("officer_post", "officer_name"),
)
"""All that one kind of ground or another has; what is not given is left blank."""


def read_me(order: PackageOrder, key_fingerprint: str) -> dict[str, str]:
    """Return the instructions by language."""
    values = {
        "order": order,
        "fingerprint": key_fingerprint,
        "identity": IDENTITY,
        "namespace": NAMESPACE,
    }
    return {each: render(each, "package.txt", values) for each in LANGUAGES}


def record(
    order: PackageOrder,
    made_at: datetime,
    videos: Sequence[PackedVideo],
    missing: Sequence[Missing],
    key_fingerprint: str,
) -> dict[str, str]:
    """Return the page to print (画像提供記録) by language."""
    values = {
        "order": order,
        "told": dict.fromkeys(_PARTICULARS, "") | dict(order.particulars),
        "made_at": made_at,
        "videos": videos,
        "missing": missing,
        "fingerprint": key_fingerprint,
    }
    return {each: render(each, "record.html", values) for each in LANGUAGES}
