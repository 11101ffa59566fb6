"""Three codecs recorded at once in a real Home Assistant, killed in mid-segment, and read back."""

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from custom_components.camera_steward.core.ledger.entry import EntryKind
from custom_components.camera_steward.core.model import EraseRule, Segment, SegmentState
from custom_components.camera_steward.core.retention.plan import MARGIN
from custom_components.camera_steward.core.vault.vault import parse_name
from tests.cameras import Clip, RtspCamera, jpeg_scan, run_digest, run_of, unit_digest, wait_for
from tests.homes import (
    Books,
    Home,
    add_camera,
    add_site,
    entities,
    last_frame_at,
    record_past,
    stored_units,
    wait_until_recording,
)

_CLIPS = {
    "Door": Clip(audio="aac", width=640, height=360, seconds=8),
    "Yard": Clip(video="h265", width=640, height=360, seconds=8),
    "Stairs": Clip(video="mjpeg", seconds=8),
}
_RECORDED = timedelta(minutes=3)
_LIMIT = timedelta(hours=2)
_GOING = (timedelta(seconds=100), timedelta(seconds=130))
_STAYING = timedelta(minutes=75)
"""From its limit, and so in another hour: an hour's key goes with its last segment."""
_SEGMENT_SECONDS = 30
_CLIP_NAMES = sorted(_CLIPS)
_UNKNOWN = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Track:
    """What is stored of one camera in one run of Home Assistant, as units."""

    segments: tuple[Segment, ...]
    video: tuple[list[bytes], ...]
    audio: tuple[list[bytes], ...]
    digests: tuple[Mapping[int, bytes], ...]
    until: datetime


@dataclass(slots=True, kw_only=True)
class _Story:
    """What happened, from the outside."""

    home: Home
    site: str
    cameras: dict[str, str]
    due: dict[Path, datetime] = field(default_factory=dict)
    gone: dict[Path, datetime] = field(default_factory=dict)
    staying: Path = Path()
    overdue_seen: set[str] = field(default_factory=set)
    events: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    checked: dict[str, Any] = field(default_factory=dict)
    begun_at: datetime = _UNKNOWN
    started_at: datetime = _UNKNOWN
    killed_at: datetime = _UNKNOWN
    leaks: list[str] = field(default_factory=list)
    exit_code: int = -1
    stored: dict[str, _Track] = field(default_factory=dict)
    later: dict[str, _Track] = field(default_factory=dict)


@pytest.fixture(scope="module")
def story(folder: Path, make_home: Callable[[dict[str, str]], Home]) -> Iterator[_Story]:
    """Live through it once: set up, write the past, record, kill, record, stop, read."""
    with ExitStack() as stack:
        sources = {name: stack.enter_context(RtspCamera(clip)) for name, clip in _CLIPS.items()}
        home = make_home({name: camera.url for name, camera in sources.items()})
        home.start()
        site = add_site(home, folder / "vault")
        story = _Story(home=home, site=site, cameras={})
        for name, clip in _CLIPS.items():
            story.cameras[name] = add_camera(
                home,
                site,
                f"camera.{name.lower()}",
                name,
                hours=int(_LIMIT.total_seconds() // 3600),
                audio=clip.audio is not None,
                segment_seconds=_SEGMENT_SECONDS,
            )
        home.stop()
        _write_past(story)
        story.begun_at = datetime.now(UTC)
        home.start()
        _record(story)
        _kill(story)
        home.start()
        _record_on(story)
        story.exit_code = home.stop()
        story.leaks += _plaintext(home)
        with Books.open(home, site) as books:
            _read_back(story, books)
        yield story


def _write_past(story: _Story) -> None:
    door, clip = story.cameras["Door"], _CLIPS["Door"].path()
    with Books.open(story.home, story.site) as books:
        going = [datetime.now(UTC) - _LIMIT + after for after in _GOING]
        kept = datetime.now(UTC) - _LIMIT + _STAYING
        record_past(books, door, clip, [*going, kept])
        for each in books.segments(door):
            if each.start_at in going:
                story.due[books.vault.path_of(each)] = each.start_at + _LIMIT
            if each.start_at == kept:
                story.staying = books.vault.path_of(each)


def _record(story: _Story) -> None:
    """Record for three minutes, and look at the disk for what has to go meanwhile."""
    home = story.home
    wait_until_recording(home, story.site, *story.cameras.values())
    story.started_at = datetime.now(UTC)
    client = home.client()
    ids = entities(client, story.site)

    def done() -> bool:
        for path in story.due.keys() - story.gone.keys():
            if not path.exists():
                story.gone[path] = datetime.now(UTC)
        for camera in story.cameras.values():
            story.overdue_seen.add(client.state(ids[camera, "past_limit"])["state"])
        recorded = datetime.now(UTC) - story.started_at
        return recorded >= _RECORDED and len(story.gone) == len(story.due)

    wait_for(done, 420, 0.5)
    story.checked = client.ask("camera_steward", "verify", level="digest")
    story.events = _history(story)


def _kill(story: _Story) -> None:
    """Cut the power while every camera is in the middle of a segment."""

    def in_the_middle() -> bool:
        now = datetime.now(UTC)
        for camera in story.cameras.values():
            names = chain.from_iterable(f for *_, f in os.walk(_vault(story.home) / camera))
            newest = max(parsed[0] for name in names if (parsed := parse_name(name)))
            if not timedelta(seconds=8) < now - newest < timedelta(seconds=_SEGMENT_SECONDS - 6):
                return False
        return True

    wait_for(in_the_middle, 300, 0.1)
    story.killed_at = datetime.now(UTC)
    story.home.kill()
    story.leaks = _plaintext(story.home)


def _record_on(story: _Story) -> None:
    wait_until_recording(story.home, story.site, *story.cameras.values())
    time.sleep(5)  # some footage to read back
    for name, events in _history(story).items():
        story.events[name] += events


def _history(story: _Story) -> dict[str, list[dict[str, Any]]]:
    """Return the attributes of each event that the cameras' entities told, as recorded."""
    client = story.home.client()
    ids = entities(client, story.site)
    wanted = {ids[camera, "event"]: name for name, camera in story.cameras.items()}
    since = quote((story.started_at - timedelta(minutes=5)).isoformat())
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in story.cameras}
    for states in client.rest(
        "GET", f"/api/history/period/{since}?filter_entity_id={','.join(wanted)}"
    ):
        name = wanted[states[0]["entity_id"]]
        found[name] += [each["attributes"] for each in states]
    return found


def _read_back(story: _Story, books: Books) -> None:
    for name, camera in story.cameras.items():
        segments = [each for each in books.segments(camera) if each.start_at > story.begun_at]
        before = [each for each in segments if each.start_at < story.killed_at]
        story.stored[name] = _track(books, before, _CLIPS[name])
        story.later[name] = _track(books, segments[len(before) :], _CLIPS[name])


def _track(books: Books, segments: list[Segment], clip: Clip) -> _Track:
    media = [books.media(each) for each in segments]
    readers = [books.vault.open_segment(each) for each in segments]
    return _Track(
        segments=tuple(segments),
        video=tuple(stored_units(each, "vide") for each in media),
        audio=tuple(stored_units(each, "soun") for each in media) if clip.audio else (),
        digests=tuple(each.trailer.digests for each in readers),
        until=last_frame_at(books, segments[-1]),
    )


# ---------------------------------------------------------------------- the search for plaintext


def _vault(home: Home) -> Path:
    return home.folder / "vault"


def _needles() -> dict[bytes, str]:
    found: dict[bytes, str] = {}
    for name, clip in _CLIPS.items():
        if clip.video != "mjpeg":
            found[clip.marker] = f"{name}: marker"
        found |= dict.fromkeys(clip.samples(8), f"{name}: picture")
        if clip.audio:
            largest = sorted(clip.audio_packets(), key=len)[-4:]
            found |= dict.fromkeys((each[8:40] for each in largest), f"{name}: sound")
    return found


def _found_in(data: bytes, needles: Mapping[bytes, str]) -> set[str]:
    return {what for needle, what in needles.items() if needle in data}


def _plaintext(home: Home) -> list[str]:
    """Return what of the footage lies in the clear in the vault, config and temporary folders."""
    needles = _needles()
    leaks = []
    for place, _, names in os.walk(home.folder):
        for name in names:
            path = Path(place, name)
            if path.is_file():
                leaks += [f"{path}: {what}" for what in _found_in(path.read_bytes(), needles)]
    return leaks


# ---------------------------------------------------------------------- what must hold


@pytest.mark.parametrize("name", _CLIP_NAMES)
def test_three_minutes_read_back_are_an_unbroken_run_of_what_was_served(
    story: _Story, name: str
) -> None:
    clip, track = _CLIPS[name], story.stored[name]
    stored, served = list(chain.from_iterable(track.video)), clip.units()
    if clip.video == "mjpeg":
        stored, served = [jpeg_scan(each) for each in stored], [jpeg_scan(each) for each in served]
    assert unit_digest(stored) == run_digest(stored, served)
    length = sum((each.length for each in track.segments), timedelta())
    assert length >= _RECORDED - timedelta(seconds=10)
    # As many pictures as the camera sends in that time.
    frames = clip.rate * length.total_seconds()
    assert len(stored) >= frames * 0.9


@pytest.mark.parametrize("name", _CLIP_NAMES)
def test_each_segments_digest_is_that_of_its_units(story: _Story, name: str) -> None:
    track = story.stored[name]
    audio = track.audio or ([],) * len(track.video)
    for video, sound, digests in zip(track.video, audio, track.digests, strict=True):
        expected = {unit_digest(video)} | ({unit_digest(sound)} if sound else set())
        assert set(digests.values()) == expected


def test_sound_read_back_is_an_unbroken_run_of_what_was_served(story: _Story) -> None:
    stored = list(chain.from_iterable(story.stored["Door"].audio))
    assert run_of(stored, _CLIPS["Door"].audio_packets()) is not None


@pytest.mark.parametrize("name", _CLIP_NAMES)
def test_a_kill_in_mid_segment_costs_at_most_ten_seconds(story: _Story, name: str) -> None:
    track = story.stored[name]
    assert track.segments[-1].state is SegmentState.RECOVERED
    assert story.killed_at - track.until <= timedelta(seconds=10)


@pytest.mark.parametrize("name", _CLIP_NAMES)
def test_recording_goes_on_after_a_kill(story: _Story, name: str) -> None:
    clip, track = _CLIPS[name], story.later[name]
    stored, served = list(chain.from_iterable(track.video)), clip.units()
    if clip.video == "mjpeg":
        stored, served = [jpeg_scan(each) for each in stored], [jpeg_scan(each) for each in served]
    assert run_of(stored, served) is not None


@pytest.mark.parametrize("name", _CLIP_NAMES)
def test_a_recovery_is_told_and_in_the_ledger(story: _Story, name: str) -> None:
    camera = story.cameras[name]
    assert "recovered" in {each.get("event_type") for each in story.events[name]}
    with Books.open(story.home, story.site) as books:
        kinds = (EntryKind.SEGMENTS_RECOVERED,)
        (entry,) = books.ledger.entries(kinds, subject=camera)
    assert entry.data["segments"] == 1
    assert entry.data["unreadable"] == 0


def test_footage_is_gone_from_the_disk_within_a_minute_of_its_limit(story: _Story) -> None:
    assert len(story.due) == len(_GOING)
    for path, due_at in story.due.items():
        assert -MARGIN <= story.gone[path] - due_at <= timedelta(minutes=1)


def test_footage_inside_its_limit_stays(story: _Story) -> None:
    assert story.staying.exists()


def test_the_ledger_proves_what_was_purged(story: _Story) -> None:
    with Books.open(story.home, story.site) as books:
        records = books.purges(story.cameras["Door"])
        found = books.verify_ledger()
    assert found.sound
    assert {each.rule for each in records} == {EraseRule.RETENTION}
    assert sum(each.count for each in records) == len(_GOING)
    assert sum(each.keys_destroyed for each in records) >= 1
    spans = [span for each in records for span in each.spans]
    for due_at in story.due.values():
        assert any(start <= due_at - _LIMIT < end for start, end in spans)
    assert story.checked["ledger"]["sound"]
    assert story.checked["damages"] == []


def test_a_purge_is_told_over_the_api(story: _Story) -> None:
    told = [each for each in story.events["Door"] if each.get("event_type") == "purge_done"]
    assert told
    assert {each["rule"] for each in told} == {"retention"}


def test_nothing_is_ever_past_its_limit(story: _Story) -> None:
    assert story.overdue_seen == {"off"}


def test_no_plaintext_is_in_vault_configuration_or_temporary_files(story: _Story) -> None:
    needles = _needles()
    for name, clip in _CLIPS.items():
        # The search finds what is there to be found.
        assert _found_in(clip.path().read_bytes(), needles)
        with Books.open(story.home, story.site) as books:
            media = books.media(story.stored[name].segments[0])
        assert {each.partition(":")[0] for each in _found_in(media, needles)} == {name}
    assert story.leaks == []


def test_a_stop_ends_the_process_in_order(story: _Story) -> None:
    assert story.exit_code == 0
    assert all(track.segments[-1].state is SegmentState.SEALED for track in story.later.values())
