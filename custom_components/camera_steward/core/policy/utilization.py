"""A utilization of camera images: what is declared of it, and how it runs, as plain values.

Source: the camera-image utilization guidebook ver1.0, its five application cases and the items of its
notices. It is voluntary guidance and gives no immunity (docs/design/utilization.md).
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from .states import Subject, SubjectKind


class UtilizationCase(StrEnum):
    """What images are used for: the guidebook's application cases, and anything else."""

    ATTRIBUTES = "attributes"
    """Case 1: age and sex of visitors estimated, queues foreseen."""

    MOVEMENT = "movement"
    """Case 2: how visitors move on a floor, and where they stay."""

    COUNTING = "counting"
    """Case 3: who and what passes a line, by kind and direction."""

    SCENERY = "scenery"
    """Case 4: the state of a scene; people may be in the picture, and are not looked at."""

    ICONS = "icons"
    """Case 5: people as icons on an empty background, and how crowded it is."""

    OTHER = "other"
    """None of them; needs a written assessment of its own (適用対象, heading)."""


class DetectorKind(StrEnum):
    """What finds people and things in a picture."""

    BUILT_IN = "built_in"
    SERVER = "server"
    """A detection server on the local network."""

    ENTITY = "entity"
    """An existing entity that counts; its pictures are outside the steward's control."""


class NoticeItem(StrEnum):
    """What a notice says; the union of the guidebook's two lists."""

    PURPOSE = "purpose"
    """What the images show and what they are used for; prior notice only."""

    OPERATOR = "operator"
    BENEFIT = "benefit"
    PLACE = "place"
    DERIVED = "derived"
    RETENTION = "retention"
    """For how long derived data is kept; notice on the spot only."""

    IDENTIFIABLE = "identifiable"
    RECIPIENTS = "recipients"
    START = "start"
    """Prior notice only."""


PRIOR_ITEMS: Final = tuple(each for each in NoticeItem if each is not NoticeItem.RETENTION)
"""The 8 items of the prior notice (②事前告知時)."""

SITE_ITEMS: Final = tuple(
    each for each in NoticeItem if each not in (NoticeItem.PURPOSE, NoticeItem.START)
)
"""The 7 items of the notice on the spot (③取得時)."""


_ALWAYS: Final = frozenset({NoticeItem.PURPOSE, NoticeItem.OPERATOR})
"""What every notice says: the purpose, and who answers for it (basic b)."""


class NodeKind(StrEnum):
    """A place where images or what is made of them pass or stay (basic a)."""

    CAMERA = "camera"
    NETWORK = "network"
    HOME_ASSISTANT = "home_assistant"
    DETECTOR = "detector"
    """The detection server, or what feeds the entity."""

    DATABASE = "database"
    """Home Assistant's recorder, which keeps the derived data."""

    RECIPIENT = "recipient"


@dataclass(frozen=True, slots=True, order=True)
class Node:
    """One of them; `id` is the recipient's record, empty of the others."""

    kind: NodeKind
    id: str = ""

    @property
    def key(self) -> str:
        """Return how it is called in settings."""
        return f"{self.kind}:{self.id}" if self.id else self.kind.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """A third party that is given derived data: the record of its contract, and its conditions."""

    record: str
    name: str
    conditions: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """What is said of a utilization. Its `version` changes with all that notices tell but the start.

    `camera` is a camera of the site, empty where it has an address of its own; `address_since` tells
    of another address without telling it. `omitted` are items that a notice leaves out, each with its
    reason. `originals` says where the detector keeps pictures of its own, and how long.
    `recognizable` is whether a person can be recognised in the images (default: yes), `identifiable`
    whether from the derived data. `retention_days` is for derived data. `public_space` is whether the
    camera sees one.
    """

    case: UtilizationCase
    camera: str
    address_since: str = ""
    detector: DetectorKind = DetectorKind.BUILT_IN
    detector_place: str = ""
    """The server's address or the entity's id, without a password."""

    purpose: str
    entity: str
    contact: str
    benefit: str
    place: str
    derived: str = ""
    """What is derived beyond what the case says of itself."""

    recognizable: bool = True
    identifiable: bool = False
    retention_days: int
    recipients: tuple[Recipient, ...] = ()
    originals: str = ""
    public_space: bool = True
    omitted: Mapping[NoticeItem, str] = field(default_factory=dict)

    @property
    def version(self) -> str:
        """Return what tells it from another: SHA-256 in hexadecimal."""
        text = json.dumps(asdict(self), sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def nodes(self) -> tuple[Node, ...]:
        """Return where images and derived data pass, in their order."""
        return tuple(self._nodes())

    @property
    def empty_items(self) -> tuple[NoticeItem, ...]:
        """Return what a notice cannot tell, as nothing is declared of it.

        What a case derives it says of itself; *none* is told of recipients.
        """
        said = {
            NoticeItem.PURPOSE: self.purpose.strip(),
            NoticeItem.OPERATOR: self.entity.strip() and self.contact.strip(),
            NoticeItem.BENEFIT: self.benefit.strip(),
            NoticeItem.PLACE: self.place.strip(),
            NoticeItem.DERIVED: self.derived.strip() or self.case is not UtilizationCase.OTHER,
            NoticeItem.RETENTION: self.retention_days > 0,
            NoticeItem.RECIPIENTS: all(each.name.strip() for each in self.recipients),
        }
        return tuple(item for item, given in said.items() if not given)

    @property
    def unexplained_items(self) -> tuple[NoticeItem, ...]:
        """Return what a notice lacks without a reason (②③ ※), or which no reason can excuse."""
        return tuple(e for e in self.empty_items if e not in self.left_out)

    @property
    def left_out(self) -> Mapping[NoticeItem, str]:
        """Return what notices leave out, and why: only what is empty, and not who does it for what."""
        reasons = {e: self.omitted.get(e, "").strip() for e in self.empty_items if e not in _ALWAYS}
        return {item: reason for item, reason in reasons.items() if reason}

    def _nodes(self) -> Iterator[Node]:
        yield Node(NodeKind.CAMERA)
        yield Node(NodeKind.NETWORK)
        if self.detector is not DetectorKind.BUILT_IN:
            yield Node(NodeKind.DETECTOR)
        yield Node(NodeKind.HOME_ASSISTANT)
        yield Node(NodeKind.DATABASE)
        for each in self.recipients:
            yield Node(NodeKind.RECIPIENT, each.record)


@dataclass(frozen=True, slots=True, kw_only=True)
class UtilizationFact:
    """A utilization of a site as rules and tasks see it.

    `declared_at` is since when the settings say what they say now (its version), `wanted` whether it is
    switched on. `running` is the declaration by which it runs, None where it does not; a change that
    waits for its notice leaves it as it was. `responsible` are the bodies of the nodes, by their keys.
    `frames_persisted` is what must stay 0; `frame_age_seconds` how long the last pictures were held at
    most, None before there was one.
    """

    id: str
    name: str
    declared: Declaration
    declared_at: datetime
    since_at: datetime
    start_on: date
    wanted: bool
    municipality: str
    """The pack of the municipality whose rules hold, empty: ask the city."""

    web_address: str = ""
    responsible: Mapping[str, str] = field(default_factory=dict)
    running: Declaration | None = None
    begun_at: datetime | None = None
    width: int = 0
    """Pixels across in which pictures are looked at: no part of what is declared."""

    frames_taken: int = 0
    frames_persisted: int = 0
    frame_age_seconds: float | None = None
    detector_error: str | None = None

    @property
    def subject(self) -> Subject:
        """Return it as what a duty is about."""
        return Subject(SubjectKind.UTILIZATION, self.id)

    @property
    def pending(self) -> bool:
        """Return whether what is declared is not what runs."""
        return self.running is None or self.running.version != self.declared.version
