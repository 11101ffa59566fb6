"""Holds: placed, copied, ended; whatever breaks in between (INV-1, INV-2)."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from custom_components.camera_steward.core.access.people import Role
from custom_components.camera_steward.core.retention.holds import Hold, HoldState

from .retention_site import DAY, HOUR, MINUTE, Site, a_site


@pytest.fixture
def site() -> Iterator[Site]:
    with a_site() as made:
        made.limits["door"] = HOUR
        made.keeper.run()
        yield made


def place(site: Site, ago: timedelta = 10 * MINUTE, **changes: Any) -> Hold:
    """Hold what was recorded at the door lately."""
    now = site.guard.now()
    asked: dict[str, Any] = {
        "cameras": ["door"],
        "start_at": now - ago,
        "end_at": now,
        "reason": "窓ガラスの破損",
        "requested_by": "熊谷警察署",
        "actor": "埼玉花子",
        "role": Role.MANAGER,
    } | changes
    return site.holds.place(**asked)


def test_what_is_held_outlives_the_limit_and_not_its_own_end(site: Site) -> None:
    number = site.record()
    hold = place(site)
    assert (hold.state, hold.segments, hold.copied) == (HoldState.COPYING, 1, 0)
    assert site.holds.copy_pending() == 1
    hold = site.holds.get(hold.id)
    assert (hold.state, hold.copied) == (HoldState.KEPT, 1)
    site.clock.advance(HOUR)
    site.keeper.run(close=True)
    assert site.index.segment(number) is None
    (copy,) = site.holds.segments(hold.id, "door")
    reader = site.holds.open_segment(hold.id, copy)
    assert reader.trailer.digest == copy.digest == site.recorded[number].segment.digest
    reader.close()
    site.clock.advance(30 * DAY)
    site.keeper.run()
    assert site.holds.all() == ()
    assert not (site.root / "vault" / "holds").exists()
