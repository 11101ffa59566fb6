"""Somebody who watches a camera and keeps all that is shown."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from custom_components.camera_steward.core.capture.live import LiveFeed, LiveFragment
from custom_components.camera_steward.core.media.boxes import StoredRun, fragments
from tests.cameras import units
from tests.core.capture_site import watch


class Watcher:
    """Keeps all that a feed ever shows, as a player does that reads whatever is new."""

    def __init__(self, begin: Callable[[Callable[[], None]], LiveFeed]) -> None:
        self.seen: dict[int, LiveFragment] = {}
        self.headers: dict[int, bytes] = {}
        self.behind = timedelta()
        self._feed: LiveFeed | None = None
        self._feed = begin(self.read)
        self.read()

    @property
    def feed(self) -> LiveFeed:
        assert self._feed is not None
        return self._feed

    def read(self) -> None:
        """Read what is new; called in the camera's thread."""
        if self._feed is None:
            return
        for each in self._feed.window():
            if each.number not in self.seen and (header := self._feed.header(each.init)):
                self.headers[each.init] = header
                self.seen[each.number] = each
                assert self._feed.get(each.number) in {each, None}
                came_at = each.start_at + each.length
                now = datetime.now(came_at.tzinfo)
                self.behind = max(self.behind, now - came_at)

    @property
    def seconds(self) -> float:
        """Return how long all that was seen is shown."""
        return sum(each.length.total_seconds() for each in list(self.seen.values()))

    def of(self, init: int) -> list[LiveFragment]:
        """Return the fragments of one header."""
        return [each for _, each in sorted(self.seen.items()) if each.init == init]

    def media(self, init: int) -> bytes:
        """Return them as one file."""
        return self.headers[init] + b"".join(each.data for each in self.of(init))

    def units(self, init: int) -> list[bytes]:
        """Return their video units, by another's reader."""
        return units(self.media(init))

    def check(self, name: str = "") -> None:
        """Check what holds for all that is shown: nothing is missing and all can be decoded."""
        numbers = sorted(self.seen)
        assert numbers == list(range(numbers[0], numbers[-1] + 1)), name
        for init in self.headers:
            mine = self.of(init)
            assert mine[0].keyframe, name
            media = self.media(init)
            shown = watch(media)
            assert shown.pictures == sum(len(run.sizes) for run in runs_of(media)), name
            assert len(shown.sizes) == 1, name
            length = sum((each.length for each in mine), timedelta()).total_seconds()
            assert shown.seconds == pytest.approx(length, abs=0.01), name
            ended = 0
            for run in runs_of(media):
                assert run.decode_time == ended, name
                ended += sum(run.durations)


def runs_of(media: bytes) -> list[StoredRun]:
    """Return the samples of a file's first track, which is that of the pictures."""
    return [run for each in fragments(media) for run in each.runs if run.track == 1]
