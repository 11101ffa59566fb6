"""What forms give becomes limits and sizes that mean the same."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from homeassistant.core import HomeAssistant
from hypothesis import given, strategies as st

from custom_components.camera_steward.const import DEFAULT_CEILING_HOURS
from custom_components.camera_steward.core.errors import RetentionError, RetentionTooLongError
from custom_components.camera_steward.core.retention.limits import RetentionLimit, check, effective
from custom_components.camera_steward.forms import (
    ceiling_texts,
    needs_approval,
    retention_errors,
    retention_hours,
    size_text,
)
from custom_components.camera_steward.limits import limit_from

CEILING = timedelta(hours=DEFAULT_CEILING_HOURS)
NUMBERS = st.floats() | st.integers(-10_000, 10_000).map(float)


@given(days=NUMBERS, hours=NUMBERS)
def test_a_form_accepts_exactly_what_the_core_does(days: float, hours: float) -> None:
    asked = retention_hours({"retention_days": days, "retention_more_hours": hours})
    limit = RetentionLimit(duration=timedelta(hours=asked))
    refused = bool(retention_errors(asked))
    try:
        check(limit, CEILING)
    except RetentionTooLongError:
        assert not refused
        assert needs_approval(asked, {})
    except RetentionError:
        assert refused
    else:
        assert not refused
        assert not needs_approval(asked, {})
        assert days >= 0
        assert hours >= 0
        assert asked <= days * 24 + hours  # never longer than was given


async def test_an_approval_lapses_as_its_day_begins_where_the_camera_is(
    hass: HomeAssistant,
) -> None:
    await hass.config.async_set_time_zone("Asia/Tokyo")
    data: dict[str, Any] = {
        "retention_hours": 30 * 24,
        "retention_reason": "Repeated arson",
        "retention_approver": "Hanako Kumagaya, chair",
        "retention_review_at": "2026-12-01",
    }
    limit = limit_from(data)
    lapse_at = datetime(2026, 11, 30, 15, tzinfo=UTC)
    assert limit.review_at == lapse_at
    assert effective(limit, CEILING, lapse_at - timedelta(seconds=1)) == timedelta(days=30)
    assert effective(limit, CEILING, lapse_at) == CEILING


@pytest.mark.parametrize("gone", ["retention_reason", "retention_approver", "retention_review_at"])
def test_inv7_an_approval_that_lacks_a_part_holds_for_nothing(gone: str) -> None:
    data: dict[str, Any] = {
        "retention_hours": 30 * 24,
        "retention_reason": "Repeated arson",
        "retention_approver": "Hanako Kumagaya, chair",
        "retention_review_at": "2026-12-01",
    }
    limit = limit_from(data | {gone: ""})
    assert effective(limit, CEILING, datetime(2026, 11, 1, tzinfo=UTC)) == CEILING


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0.0 B"),
        (999, "999 B"),
        (1_000, "1.0 kB"),
        (9_960, "10.0 kB"),
        (1_500_000, "1.5 MB"),
        (64_000_000_000, "64 GB"),
        (999_900_000_000, "1.0 TB"),
        (12_000_000_000_000, "12.0 TB"),
    ],
)
def test_sizes_read_as_disks_are_sold(size: float, text: str) -> None:
    assert size_text(size) == text


def test_inv7_the_ceiling_is_the_one_of_the_sites_pack() -> None:
    week = {"ceiling_hours": 7 * 24}
    assert not needs_approval(7 * 24, week)
    assert needs_approval(7 * 24 + 1, week)
    assert ceiling_texts(week) == {"ceiling": "7"}
    assert ceiling_texts({"ceiling_hours": 36}) == {"ceiling": "1.5"}
    assert ceiling_texts({}) == {"ceiling": "14"}
