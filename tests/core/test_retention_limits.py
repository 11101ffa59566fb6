"""How long may be asked for, and what a longer time needs (INV-7)."""

from datetime import timedelta

import pytest

from custom_components.camera_steward.core.errors import RetentionError, RetentionTooLongError
from custom_components.camera_steward.core.retention.limits import (
    RetentionLimit,
    check,
    effective,
    lapses_at,
)

from .retention_site import CEILING, DAY, HOUR, SECOND, START, ZERO


def approved(duration: timedelta) -> RetentionLimit:
    return RetentionLimit(
        duration=duration,
        reason="repeated thefts at night",
        approver="the board, 2026-11-01",
        review_at=START + 90 * DAY,
    )


@pytest.mark.parametrize("duration", [ZERO, -DAY, SECOND, HOUR - SECOND])
def test_nothing_and_less_than_an_hour_is_refused(duration: timedelta) -> None:
    with pytest.raises(RetentionError) as caught:
        check(approved(duration), CEILING)
    assert not isinstance(caught.value, RetentionTooLongError)
    with pytest.raises(RetentionError):
        effective(RetentionLimit(duration=duration), CEILING, START)


@pytest.mark.parametrize("duration", [HOUR, DAY, CEILING])
def test_up_to_the_ceiling_no_reason_is_asked(duration: timedelta) -> None:
    limit = RetentionLimit(duration=duration)
    check(limit, CEILING)
    assert effective(limit, CEILING, START) == duration
    assert lapses_at(limit, CEILING) is None


@pytest.mark.parametrize(
    ("reason", "approver", "reviewed"),
    [
        ("", "", False),
        ("why", "", True),
        ("", "who", True),
        ("why", "who", False),
        (" ", "who", True),
    ],
)
def test_fifteen_days_without_reason_approver_and_review_are_refused(
    reason: str, approver: str, reviewed: bool
) -> None:
    limit = RetentionLimit(
        duration=15 * DAY,
        reason=reason,
        approver=approver,
        review_at=START + DAY if reviewed else None,
    )
    with pytest.raises(RetentionTooLongError):
        check(limit, CEILING)
    # Even one that was stored by other ways does not hold.
    assert effective(limit, CEILING, START) == CEILING


def test_an_approved_longer_time_holds_until_its_review_and_then_falls_back() -> None:
    limit = approved(30 * DAY)
    check(limit, CEILING)
    assert lapses_at(limit, CEILING) == START + 90 * DAY
    assert effective(limit, CEILING, START + 90 * DAY - SECOND) == 30 * DAY
    assert effective(limit, CEILING, START + 90 * DAY) == CEILING


def test_an_approval_lengthens_nothing_that_is_short() -> None:
    assert effective(approved(DAY), CEILING, START + 365 * DAY) == DAY


def test_more_than_a_year_is_refused_whatever_the_reason() -> None:
    with pytest.raises(RetentionError):
        check(approved(367 * DAY), CEILING)
    with pytest.raises(RetentionError):
        effective(approved(367 * DAY), CEILING, START)
