"""What a package says to people: the printable record, and how to check all of it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from ..documents.rendering import LANGUAGES, render
from ..ledger.disclosures import Disclosure, Part
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
    # An archive cannot hold its own digest.
    values = _values(order, made_at, videos, missing, key_fingerprint) | {"archive": None}
    return {each: render(each, "record.html", values) for each in LANGUAGES}


def archived_record(
    language: str,
    order: PackageOrder,
    made: Disclosure,
    *,
    file: str,
    key_fingerprint: str,
) -> str:
    """Return the same page of a disclosure that is over, as the register has it.

    It names the archive `file` with its SHA-256, and the footage in it by spans and not by files.
    """
    names = made.cameras

    def rows(parts: Sequence[Part]) -> list[dict[str, object]]:
        return [
            {
                "name": names.get(part.camera, part.camera),
                "start_at": start,
                "end_at": end,
                "causes": part.causes,
                "continues": None,
            }
            for part in parts
            for start, end in part.spans
        ]

    archive = {
        "name": file,
        "sha256": made.sent.sha256,
        "size_bytes": made.sent.size_bytes,
        "whole": made.why is None,
    }
    values = _values(
        *(order, made.started_at or made.at, rows(made.sent.held), rows(made.sent.missing)),
        key_fingerprint,
    )
    return render(language, "record.html", values | {"archive": archive})


def _values(
    order: PackageOrder,
    made_at: datetime,
    videos: Sequence[object],
    missing: Sequence[object],
    key_fingerprint: str,
) -> dict[str, object]:
    return {
        "order": order,
        "told": dict.fromkeys(_PARTICULARS, "") | dict(order.particulars),
        "made_at": made_at,
        "videos": videos,
        "missing": missing,
        "fingerprint": key_fingerprint,
    }
