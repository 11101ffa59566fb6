"""The disclosure register: what was asked for, on which ground, and what was handed over.

A request that is refused is one entry. One that is approved is up to three: the approval, the
start before the first byte (INV-4), and the end with what was really sent. The register joins them
to one line (Kumagaya 第3 4: when, to whom, why, what, and how identity was checked). No picture is
in it, and no password.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Self

from ..errors import LedgerBrokenError
from .entry import Entry, EntryKind, Json
from .fields import Fields, Span, spans_data
from .store import Ledger

_BEGINNINGS = (EntryKind.DISCLOSURE_REFUSED, EntryKind.DISCLOSURE_APPROVED)
_NUMBER = re.compile(r"[0-9]{4}-[0-9]{3,9}")


class Outcome(StrEnum):
    """How far a request has come."""

    REFUSED = "refused"
    APPROVED = "approved"
    """It waits for its download."""

    HANDING_OVER = "handing_over"
    HANDED_OVER = "handed_over"
    BROKEN_OFF = "broken_off"
    LAPSED = "lapsed"
    """Approved and never downloaded; its password is gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Footage of one camera that is in the package, or, where `causes` say why, is not."""

    camera: str
    spans: tuple[Span, ...]
    causes: tuple[str, ...] = ()

    def to_data(self) -> dict[str, Json]:
        """Return it as an entry's data holds it."""
        spans = spans_data(self.spans)
        return {"camera": self.camera, "spans": spans, "causes": list(self.causes)}

    @classmethod
    def from_data(cls, read: Fields) -> Self:
        """Read it back; `LedgerBrokenError` when it is none."""
        return cls(
            camera=read.text("camera"), spans=read.spans("spans"), causes=read.texts("causes")
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What went out: bytes and SHA-256 of the package, its files of footage, what is in and what not.

    Of one that was broken off, what went out until then.
    """

    size_bytes: int = 0
    sha256: str = ""
    files: int = 0
    held: tuple[Part, ...] = ()
    missing: tuple[Part, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Disclosure:
    """One line of the register.

    `number` is unique: the site's year and a running number. `kind` is the kind of request, with
    its `particulars` by name. `cameras` are what each
    is called, by id. `user` and `name` are the manager who refused, or who approved and
    downloads. `refusal` is why it was refused, `hold` the footage that was preserved or that it is
    taken from, `clock_…` how the clock stood when it was begun. `why` says why one was broken off.
    """

    id: str
    number: str
    at: datetime
    outcome: Outcome
    kind: str
    particulars: Mapping[str, str]
    recipient: str
    reason: str
    cameras: Mapping[str, str]
    span: Span | None
    user: str
    name: str
    hold: str | None = None
    refusal: str | None = None
    identity: str | None = None
    witness: str | None = None
    in_charge: str | None = None
    client: str | None = None
    clock_trusted: bool | None = None
    clock_synchronised: bool | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    why: str | None = None
    sent: Sent = field(default_factory=Sent)
    entry: int | None = None

    @property
    def is_out(self) -> bool:
        """Return whether something of it has left: what was broken off is a copy, too."""
        return self.started_at is not None

    def to_data(self) -> dict[str, Json]:
        """Return the data of the entry that begins it."""
        data: dict[str, Json] = {
            "disclosure": self.id,
            "number": self.number,
            "kind": self.kind,
            "particulars": dict(self.particulars),
            "recipient": self.recipient,
            "reason": self.reason,
            "cameras": dict(self.cameras),
            "spans": spans_data([self.span] if self.span is not None else []),
            "user": self.user,
            "name": self.name,
            "hold": self.hold,
        }
        if self.outcome is Outcome.REFUSED:
            return data | {"refusal": self.refusal}
        return data | {
            "identity": self.identity,
            "witness": self.witness,
            "in_charge": self.in_charge,
        }

    @classmethod
    def from_entry(cls, entry: Entry) -> Self:
        """Read the beginning back; `LedgerBrokenError` when it is none."""
        read = Fields(entry.data, "disclosure")
        refused = entry.kind == EntryKind.DISCLOSURE_REFUSED
        spans = read.spans("spans")
        number = read.text("number")
        if not _NUMBER.fullmatch(number):
            raise LedgerBrokenError("disclosure")
        return cls(
            id=read.text("disclosure"),
            number=number,
            at=entry.at,
            outcome=Outcome.REFUSED if refused else Outcome.APPROVED,
            kind=read.text("kind"),
            particulars=read.text_by_name("particulars"),
            recipient=read.text("recipient"),
            reason=read.text("reason"),
            cameras=read.text_by_name("cameras"),
            span=spans[0] if spans else None,
            user=read.text("user"),
            name=read.text("name"),
            hold=read.text_or_none("hold"),
            refusal=read.text("refusal") if refused else None,
            identity=None if refused else read.text("identity"),
            witness=None if refused else read.text_or_none("witness"),
            in_charge=None if refused else read.text("in_charge"),
            entry=entry.id,
        )

    def started(self, entry: Entry) -> Self:
        """Return it as it stands once it was begun."""
        read = Fields(entry.data, "disclosure")
        return replace(
            self,
            outcome=Outcome.HANDING_OVER,
            started_at=entry.at,
            client=read.text_or_none("client"),
            clock_trusted=read.flag_or_none("clock_trusted"),
            clock_synchronised=read.flag_or_none("clock_synchronised"),
        )

    def ended(self, entry: Entry) -> Self:
        """Return it as it stands once it is over."""
        read = Fields(entry.data, "disclosure")
        why = read.text_or_none("why")
        return replace(
            self,
            outcome=Outcome.HANDED_OVER if why is None else Outcome.BROKEN_OFF,
            ended_at=entry.at,
            why=why,
            sent=Sent(
                size_bytes=read.whole("size_bytes"),
                sha256=read.text("sha256"),
                files=read.whole("files"),
                held=tuple(Part.from_data(each) for each in read.each("held")),
                missing=tuple(Part.from_data(each) for each in read.each("missing")),
            ),
        )


def started_data(
    disclosure: str, client: str | None, *, trusted: bool, synchronised: bool | None
) -> dict[str, Json]:
    """Return the data of the entry that stands before the first byte, with the clock's state."""
    return {
        "disclosure": disclosure,
        "client": client,
        "clock_trusted": trusted,
        "clock_synchronised": synchronised,
    }


def ended_data(disclosure: str, sent: Sent, why: str | None) -> dict[str, Json]:
    """Return the data of the entry that ends it; `why` is None where it was sent whole."""
    return {
        "disclosure": disclosure,
        "why": why,
        "size_bytes": sent.size_bytes,
        "sha256": sent.sha256,
        "files": sent.files,
        "held": [each.to_data() for each in sent.held],
        "missing": [each.to_data() for each in sent.missing],
    }


def disclosure_register(
    ledger: Ledger, since: datetime, until: datetime, open_ids: Collection[str] = ()
) -> list[Disclosure]:
    """Return what was refused or approved in [since, until), in order of time.

    `open_ids` names what waits for its download or is being sent: that is in memory alone. Else
    what was approved has lapsed, and what was started and has no end was broken off. Raises
    `LedgerBrokenError` at an entry that holds no disclosure.
    """
    found: dict[str, Disclosure] = {}
    for each in ledger.entries(_BEGINNINGS, since=since, until=until):
        made = Disclosure.from_entry(each)
        found[made.id] = made
    # From any time: where a clock was set back, what came later may bear an earlier one.
    for each in ledger.entries((EntryKind.DISCLOSURE_STARTED,)):
        if (row := found.get(_disclosure_of(each))) is not None:
            found[row.id] = row.started(each)
    for each in ledger.entries((EntryKind.DISCLOSURE_ENDED,)):
        if (row := found.get(_disclosure_of(each))) is not None:
            found[row.id] = row.ended(each)
    closed = {Outcome.APPROVED: Outcome.LAPSED, Outcome.HANDING_OVER: Outcome.BROKEN_OFF}
    return [
        each
        if each.id in open_ids
        else replace(each, outcome=closed.get(each.outcome, each.outcome))
        for each in found.values()
    ]


def _disclosure_of(entry: Entry) -> str:
    return Fields(entry.data, "disclosure").text("disclosure")
