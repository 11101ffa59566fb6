"""The viewing register: who watched what, when, for which purpose, and who was refused.

A look is two entries: one before the first byte (INV-4), one when it is over with what was really
shown. The register joins them to one line, "watched from–to". No picture is in it.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self

from ..errors import LedgerBrokenError
from ..model import Action
from .entry import Entry, EntryKind, Json
from .fields import Fields, Span, merge_spans, spans_data
from .store import Ledger

_KINDS = (
    EntryKind.VIEWING_STARTED,
    EntryKind.VIEWING_ENDED,
    EntryKind.VIEWING_DENIED,
    EntryKind.VIEWING_UNUSUAL,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewing:
    """One line of the register.

    `user` and `name` say who (both None: nobody known), `role` as what, `permission` under which
    guest permission, `client` from which network address. `asked` is the span of footage asked for,
    `watched` what was handed out. `ended_at` is None while it goes on, or where the end was lost
    with a power cut. `refusal` is set where it was refused; `unusual` says why it stands out.
    """

    id: str
    at: datetime
    user: str | None
    name: str | None
    kind: Action
    camera: str | None
    purpose: str | None
    client: str | None
    role: str | None = None
    permission: str | None = None
    asked: Span | None = None
    watched: tuple[Span, ...] = ()
    ended_at: datetime | None = None
    refusal: str | None = None
    unusual: tuple[str, ...] = ()
    entry: int | None = None

    def to_data(self) -> dict[str, Json]:
        """Return the data of the entry that begins it, or that says it was refused."""
        data: dict[str, Json] = {
            "viewing": self.id,
            "user": self.user,
            "name": self.name,
            "kind": self.kind.value,
            "camera": self.camera,
            "purpose": self.purpose,
            "client": self.client,
        }
        if self.refusal is not None:
            return data | {"refusal": self.refusal}
        return data | {
            "role": self.role,
            "permission": self.permission,
            "asked": spans_data([self.asked] if self.asked is not None else []),
        }

    @classmethod
    def from_entry(cls, entry: Entry) -> Self:
        """Read the beginning back; `LedgerBrokenError` when it is none."""
        read = Fields(entry.data, "viewing")
        try:
            kind = Action(read.text("kind"))
        except ValueError as err:
            raise LedgerBrokenError("viewing") from err
        denied = entry.kind == EntryKind.VIEWING_DENIED
        asked = () if denied else read.spans("asked")
        return cls(
            id=read.text("viewing"),
            at=entry.at,
            user=read.text_or_none("user"),
            name=read.text_or_none("name"),
            kind=kind,
            camera=read.text_or_none("camera"),
            purpose=read.text_or_none("purpose"),
            client=read.text_or_none("client"),
            role=None if denied else read.text_or_none("role"),
            permission=None if denied else read.text_or_none("permission"),
            asked=asked[0] if asked else None,
            refusal=read.text("refusal") if denied else None,
            entry=entry.id,
        )


def ended_data(viewing: str, watched: tuple[Span, ...], why: str) -> dict[str, Json]:
    """Return the data of the entry that ends a viewing: what was shown, and why it ended."""
    return {"viewing": viewing, "watched": spans_data(watched), "why": why}


def unusual_data(viewing: str, user: str, reasons: tuple[str, ...]) -> dict[str, Json]:
    """Return the data of the entry that says a viewing stands out."""
    return {"viewing": viewing, "user": user, "reasons": list(reasons)}


def viewing_register(
    ledger: Ledger,
    since: datetime,
    until: datetime,
    *,
    camera: str | None = None,
    user: str | None = None,
) -> list[Viewing]:
    """Return what was watched or refused, begun in [since, until), in order of time.

    Filtered by camera and by user's id. Raises `LedgerBrokenError` at an entry that holds no
    viewing.
    """
    found: dict[str, Viewing] = {}
    later: list[tuple[str, Entry]] = []
    # Also behind `until`, where one that began before may have ended.
    for each in ledger.entries(_KINDS, since=since):
        if each.kind in (EntryKind.VIEWING_STARTED, EntryKind.VIEWING_DENIED):
            if each.at < until:
                viewing = Viewing.from_entry(each)
                found[viewing.id] = viewing
            continue
        viewed = Fields(each.data, "viewing").text("viewing")
        if viewed in found or each.at < until:
            later.append((viewed, each))
    # After all beginnings: where a clock was set back, an end may bear an earlier time.
    for viewed, each in later:
        begun, read = found.get(viewed), Fields(each.data, "viewing")
        if begun is None:
            continue
        if each.kind == EntryKind.VIEWING_ENDED:
            watched = merge_spans(read.spans("watched"))
            found[begun.id] = replace(begun, watched=watched, ended_at=each.at)
        else:
            reasons = (*begun.unusual, *read.texts("reasons"))
            found[begun.id] = replace(begun, unusual=tuple(dict.fromkeys(reasons)))
    return [
        each
        for each in found.values()
        if (camera is None or each.camera == camera) and (user is None or each.user == user)
    ]
