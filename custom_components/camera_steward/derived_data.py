"""What utilizations keep over a restart, and the end of all derived data when its days are over.

Kept is what went through the limiter (`core/utilization/limiter.py`), in Home Assistant's private storage.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TypedDict

from homeassistant.core import HomeAssistant
from homeassistant.helpers.storage import Store

from .const import DOMAIN
from .core.ledger.entry import Json
from .core.policy.utilization import Declaration

_VERSION = 1


class Kept(TypedDict):
    """What is kept of a utilization, `at` a time in ISO 8601, for the use that `basis` tells.

    `persisted` is how many frames were written ever: what must stay 0 is not 0 again after a restart.
    """

    basis: list[str]
    at: str
    work: dict[str, Json]
    persisted: int


class KeptData:
    """The derived data of a site's utilizations that outlives a restart."""

    def __init__(self, hass: HomeAssistant, entry_id: str) -> None:
        """Know nothing until `async_load`."""
        self._store: Store[dict[str, Kept]] = Store(
            hass, _VERSION, f"{DOMAIN}.{entry_id}.derived", private=True, atomic_writes=True
        )
        self._kept: dict[str, Kept] = {}

    async def async_load(self) -> None:
        """Read what was kept."""
        self._kept = await self._store.async_load() or {}

    async def async_remove(self) -> None:
        """Erase all."""
        self._kept = {}
        await self._store.async_remove()

    def work(self, utilization: str, declared: Declaration) -> Mapping[str, Json]:
        """Return what a utilization goes on with: nothing of another camera, case or purpose."""
        found = self._kept.get(utilization)
        return found["work"] if found is not None and found["basis"] == _basis(declared) else {}

    def persisted(self, utilization: str) -> int:
        """Return how many of its frames were written before."""
        found = self._kept.get(utilization)
        return found["persisted"] if found is not None else 0

    def take(
        self,
        utilization: str,
        declared: Declaration,
        work: Mapping[str, Json],
        persisted: int,
        now: datetime,
    ) -> None:
        """Take what is to be kept; durable after `async_save`."""
        self._kept[utilization] = Kept(
            basis=_basis(declared), at=now.isoformat(), work=dict(work), persisted=persisted
        )

    def drop(self, limits: Mapping[str, timedelta], now: datetime) -> None:
        """Erase what is older than its limit, or of no utilization; durable after `async_save`."""
        self._kept = {
            id_: each
            for id_, each in self._kept.items()
            if id_ in limits and now - datetime.fromisoformat(each["at"]) < limits[id_]
        }

    async def async_save(self) -> None:
        """Write what was taken; durable on return."""
        await self._store.async_save(self._kept)


def _basis(declared: Declaration) -> list[str]:
    return [declared.case.value, declared.camera, declared.address_since, declared.purpose]
