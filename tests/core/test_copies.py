"""What is said of a copy: where the vault lay when, what ends a backup, what outlives its limit."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path, PurePath

import pytest
from hypothesis import given, strategies as st

from custom_components.camera_steward.core.copies.archives import (
    Archive,
    Holder,
    Place,
    PlaceKind,
    Stay,
    is_archived,
    judge,
    stays,
)
from custom_components.camera_steward.core.copies.known import End, is_due, outlives
from custom_components.camera_steward.core.ledger.entry import Entry, EntryKind, Json

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def entry(days: int, kind: EntryKind, **data: Json) -> Entry:
    return Entry(
        id=1,
        at=NOON + days * DAY,
        actor="x",
        kind=kind,
        subject="site",
        data=data,
        key=None,
        previous="",
        hash="",
    )


def archive(
    *holders: Holder, automatic: bool | None = True, settings: bool = True, foreign: bool = False
) -> Archive:
    return Archive(
        id="1",
        name="x",
        made_at=NOON,
        automatic=automatic,
        with_settings=settings,
        holders=holders,
        foreign=foreign,
    )


def holder(days: int | None = None, copies: int | None = None, *, newest: bool = False) -> Holder:
    return Holder(agent="a", place="A", protected=False, days=days, copies=copies, newest=newest)


def vault(since: int | None = -30, until: int | None = None, limit: int = 7) -> Place:
    return Place(
        kind=PlaceKind.VAULT,
        name="vault",
        path=PurePath("/config/footage"),
        limit=limit * DAY,
        since=None if since is None else NOON + since * DAY,
        until=None if until is None else NOON + until * DAY,
    )


# ---------------------------------------------------------------------- where the vault lay


def test_the_ledger_says_where_the_vault_lay_and_when() -> None:
    a, b, c = Path("/a"), Path("/b"), Path("/c")
    entries = [
        entry(0, EntryKind.SITE_CREATED, vault_path="/a", purpose="x"),
        entry(1, EntryKind.SETTINGS_CHANGED, purpose={"from": "x", "to": "y"}),
        entry(2, EntryKind.SETTINGS_CHANGED, vault_path={"from": "/a", "to": "/b"}),
    ]
    known = [
        Stay(path=a, since=NOON, until=NOON + 2 * DAY),
        Stay(path=b, since=NOON + 2 * DAY),
    ]
    assert stays(entries, b) == known
    # What is not entered yet, or not at all, is believed without a day.
    assert stays(entries, c) == [*known, Stay(path=c, since=None)]
    assert stays([], c) == [Stay(path=c, since=None)]


@pytest.mark.parametrize(
    ("since", "until", "held", "sure"),
    [
        (-1, None, True, True),
        (0, None, True, True),
        (1, None, False, False),
        (-2, -1, False, False),  # it had been moved away
        (-2, 1, True, True),  # it was moved away since
        (None, None, True, False),
    ],
)
def test_a_backup_holds_what_lay_there_when_it_was_made(
    since: int | None, until: int | None, held: bool, sure: bool
) -> None:
    found = judge(archive(holder()), [vault(since, until)], more_coming=True)
    assert (found is not None) == held
    assert found is None or found.sure == sure


def test_a_vault_opens_where_the_key_is_beside_it() -> None:
    for settings in (True, False):
        made = archive(holder(), settings=settings)
        found = judge(made, [vault()], more_coming=True)
        assert found is not None
        assert found.opens is settings


def test_of_another_installation_s_backup_nothing_is_sure() -> None:
    # It may be an earlier one of this machine, which knew the vault before this one did.
    made = archive(holder(), automatic=None, foreign=True)
    found = judge(made, [vault(since=1)], more_coming=True)
    assert found is not None
    assert (found.sure, found.end, found.needs_a_person) == (False, End.NEVER, False)


# ---------------------------------------------------------------------- what ends it


@pytest.mark.parametrize(
    ("holders", "automatic", "more", "end", "days"),
    [
        ([holder(days=3)], True, True, End.DATE, 4),  # looked for once a day
        ([holder(days=3), holder(days=9)], True, True, End.DATE, 10),
        ([holder(days=3), holder(copies=3)], True, True, End.NEWER, None),
        ([holder(days=3), holder()], True, True, End.NEVER, None),
        ([holder(days=3, newest=True)], True, True, End.DATE, 4),
        ([holder(days=3, newest=True)], True, False, End.NEVER, None),
        ([holder(copies=3)], True, False, End.NEVER, None),
        ([holder(days=3)], False, True, End.NEVER, None),
        ([holder(days=3)], None, True, End.NEVER, None),
        ([], True, True, End.NEVER, None),
    ],
)
def test_what_ends_a_backup(
    holders: list[Holder], automatic: bool | None, more: bool, end: End, days: int | None
) -> None:
    made = archive(*holders, automatic=automatic)
    found = judge(made, [vault()], more_coming=more)
    assert found is not None
    assert (found.end, found.gone_at) == (end, None if days is None else NOON + days * DAY)
    # The vault is older than its limit: the oldest picture in it was due when it was made.
    assert (found.past_at, found.outlives) == (NOON, True)


@given(age=st.integers(0, 40), limit=st.integers(1, 14), kept=st.integers(0, 30), picture=st.data())
def test_nothing_outlives_its_limit_in_a_backup_that_is_said_to_go_in_time(
    age: int, limit: int, kept: int, picture: st.DataObject
) -> None:
    found = judge(archive(holder(days=kept)), [vault(-age, limit=limit)], more_coming=True)
    assert found is not None
    assert found.gone_at is not None
    oldest = picture.draw(st.integers(0, min(age, limit)))
    due_at = NOON + (limit - oldest) * DAY
    assert found.outlives or found.gone_at <= due_at
    # And it is not said of one in which nothing could.
    if found.outlives:
        assert found.gone_at > NOON + (limit - min(age, limit)) * DAY


# ---------------------------------------------------------------------- the rest


@pytest.mark.parametrize(
    ("path", "held"),
    [
        ("/config/footage", True),
        ("/config", True),
        ("/config/tts", False),
        ("/config/tts/deep/er", False),
        ("/config/x/tts", True),
        ("/config/a.log", False),
        ("/config/a.log/deep", False),
        ("/configuration", False),
        ("/", False),
    ],
)
def test_what_an_archive_of_a_directory_holds(path: str, held: bool) -> None:
    patterns = ("tts/*", "*.log")
    assert is_archived(PurePath(path), PurePath("/config"), patterns) == held


def test_a_copy_outlives_a_limit_that_is_shorter_and_is_checked_every_90_days() -> None:
    assert [outlives(each, 7 * DAY) for each in (None, 7 * DAY, 8 * DAY)] == [None, False, True]
    today = date(2026, 11, 22)
    assert not is_due(today - 89 * DAY, today)
    assert is_due(today - 90 * DAY, today)
