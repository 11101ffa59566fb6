"""The case of a utilization as what does it."""

from collections.abc import Mapping
from datetime import datetime

from ..ledger.entry import Json
from ..policy.utilization import UtilizationCase
from .attributes import Attributes
from .counting import Counting
from .icons import Icons
from .movement import Movement
from .other import Other
from .scenery import Scenery
from .view import ViewSettings
from .work import Work


def work_of(
    case: UtilizationCase, view: ViewSettings, kept: Mapping[str, Json], now: datetime
) -> Work:
    """Return a case that goes on with what was kept, as far as that fits the view and is not old."""
    match case:
        case UtilizationCase.ATTRIBUTES:
            return Attributes(view, kept, now)
        case UtilizationCase.MOVEMENT:
            return Movement(view, kept, now)
        case UtilizationCase.COUNTING:
            return Counting(view, kept)
        case UtilizationCase.SCENERY:
            return Scenery(view, kept, now)
        case UtilizationCase.ICONS:
            return Icons(view)
        case UtilizationCase.OTHER:
            return Other(view, kept, now)
