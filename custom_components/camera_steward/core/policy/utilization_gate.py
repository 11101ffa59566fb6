"""The gate of a utilization: what must be there before its stream is opened (docs/design/utilization.md)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

LEAD = timedelta(days=14)
"""How long a prior notice has to be posted. A product default: the guidebook says 十分な期間."""


class Lacking(StrEnum):
    """What a utilization needs and has not."""

    MANAGER = "manager"
    ITEMS = "items"
    """An item of a notice is empty, and no reason says why."""

    IDENTIFIABLE = "identifiable"
    """A person could be identified from what would be kept."""

    PRIOR_NOTICE = "prior_notice"
    LEAD_TIME = "lead_time"
    SITE_NOTICE = "site_notice"
    RESPONSIBLE = "responsible"
    """A node of the life cycle has no responsible body."""

    RISKS = "risks"
    REIDENTIFICATION = "reidentification"
    BRIEFING = "briefing"
    ORDINANCE = "ordinance"
    CONTRACTS = "contracts"
    ASSESSMENT = "assessment"
    """Case *other* without its written assessment."""

    UNREADABLE = "unreadable"
    """Scenery without the check that faces and nameplates cannot be read."""

    START = "start"
    """The day that was announced has not come."""

    CLOCK = "clock"
    """The clock is in doubt, and with it the lead time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UtilizationGate:
    """Whether what is declared may run, and whether what runs may go on.

    `missing` is what the declared lacks; `opens_at` when it would open with nothing else missing
    but time, None where that is not known. `lost` is what the running lacks; it ends at once.
    """

    open: bool
    missing: tuple[Lacking, ...] = ()
    opens_at: datetime | None = None
    lost: tuple[Lacking, ...] = ()
