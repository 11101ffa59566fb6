"""What a name says of a file's age is read as written, in local time, and never believed beyond reason."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings, strategies as st

from custom_components.camera_steward.core.copies.dates import AgeBy, Dated, date_of, named_span

TOKYO = ZoneInfo("Asia/Tokyo")
NEW_YORK = ZoneInfo("America/New_York")
NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
SECOND, MINUTE, DAY = HOUR / 3600, HOUR / 60, HOUR * 24


def local(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=TOKYO)  # type: ignore[arg-type, misc]


def ns(moment: datetime) -> int:
    return int(moment.timestamp()) * 10**9


@pytest.mark.parametrize(
    ("path", "start", "length"),
    [
        ("20261125T101500.mp4", local(2026, 11, 25, 10, 15), SECOND),
        ("door-20261125101500.jpg", local(2026, 11, 25, 10, 15), SECOND),
        ("20261125_101500123.jpg", local(2026, 11, 25, 10, 15), SECOND),
        ("a/2026-11-25_10-15-00.mp4", local(2026, 11, 25, 10, 15), SECOND),
        ("Door 2026.11.25 10.15.07.mp4", local(2026, 11, 25, 10, 15, 7), SECOND),
        ("2026-11-25T10:15:07Z.mp4", datetime(2026, 11, 25, 10, 15, 7, tzinfo=UTC), SECOND),
        ("20261125_1015.mp4", local(2026, 11, 25, 10, 15), MINUTE),
        ("2026/11/25/10.mp4", local(2026, 11, 25, 10), HOUR),
        ("cam/2026-11-25/10/15.30.mp4", local(2026, 11, 25, 10, 15, 30), SECOND),
        ("2026-11-25/001/dav/10/10.15.00-10.16.00.mp4", local(2026, 11, 25), DAY),
        ("2026-11-25_10.jpg", local(2026, 11, 25), DAY),
        ("door_2026-11-25.jpg", local(2026, 11, 25), DAY),
        ("2025-01-01/20261125101500.jpg", local(2026, 11, 25, 10, 15), SECOND),
        ("20261125T101500-20261125T111500.mp4", local(2026, 11, 25, 10, 15), SECOND),
        ("2025-01-01/2026-11-25/a.jpg", local(2026, 11, 25), DAY),
        ("2026/11/25", local(2026, 11, 25), DAY),
    ],
)
def test_a_date_in_the_name_or_the_path_is_read(
    path: str, start: datetime, length: timedelta
) -> None:
    assert named_span(path, TOKYO) == (start, start + length)


@pytest.mark.parametrize(
    "path",
    [
        *("clip.mp4", "1732500000.jpg", "120261125.jpg", "2026112510.jpg", "20261340.jpg"),
        *("2026-02-30.jpg", "2026-11.jpg", "2026-1125.jpg", "19991231.jpg", "", "2026/11"),
    ],
)
def test_what_is_no_date_is_not_taken_for_one(path: str) -> None:
    assert named_span(path, TOKYO) is None


def test_a_day_has_the_hours_that_the_local_clock_gives_it() -> None:
    span = named_span("2026-11-01.jpg", NEW_YORK)
    assert span is not None
    assert span[1] - span[0] == 25 * HOUR


@pytest.mark.parametrize(
    ("path", "modified", "by", "expected"),
    [
        # The older of both.
        ("20261120T000000.mp4", NOW, AgeBy.NAME, Dated(local(2026, 11, 20), False)),
        ("20261124T000000.mp4", NOW - 9 * DAY, AgeBy.NAME, Dated(NOW - 9 * DAY, False)),
        # Within the day that the name tells, the time of modification is the more exact.
        (
            "2026-11-24.mp4",
            local(2026, 11, 24, 9),
            AgeBy.NAME,
            Dated(local(2026, 11, 24, 9), False),
        ),
        ("2026-11-24.mp4", NOW, AgeBy.NAME, Dated(local(2026, 11, 24), False)),
        ("clip.mp4", NOW - HOUR, AgeBy.NAME, Dated(NOW - HOUR, False)),
        ("20261120T000000.mp4", NOW, AgeBy.MODIFIED, Dated(NOW, False)),
        # What cannot be.
        ("20301120T000000.mp4", NOW, AgeBy.NAME, Dated(NOW, True)),
        ("20301120T000000.mp4", NOW + DAY, AgeBy.NAME, Dated(None, True)),
        ("20261120T000000.mp4", NOW + DAY, AgeBy.NAME, Dated(local(2026, 11, 20), False)),
        ("clip.mp4", NOW + DAY, AgeBy.MODIFIED, Dated(None, True)),
        ("clip.mp4", NOW + HOUR, AgeBy.MODIFIED, Dated(NOW + HOUR, False)),
        (
            "20261120T000000.mp4",
            datetime(1970, 1, 1, tzinfo=UTC),
            AgeBy.NAME,
            Dated(local(2026, 11, 20), False),
        ),
        ("clip.mp4", datetime(1980, 1, 1, tzinfo=UTC), AgeBy.NAME, Dated(None, False)),
    ],
)
def test_the_date_that_counts(path: str, modified: datetime, by: AgeBy, expected: Dated) -> None:
    assert date_of(path, ns(modified), by, TOKYO, NOW) == expected


@settings(max_examples=100, deadline=None)
@given(path=st.text("2061/-_T:.Z 末", max_size=30), modified=st.integers(-(10**30), 10**30))
def test_whatever_stands_there_no_date_beyond_reason_is_believed(path: str, modified: int) -> None:
    for by in AgeBy:
        found = date_of(path, modified, by, TOKYO, NOW)
        assert found.at is None or found.at <= NOW + HOUR
