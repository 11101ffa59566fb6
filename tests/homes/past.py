"""Footage of an earlier time, recorded by the real recorder with its clock set back."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from custom_components.camera_steward.core.capture.recorder import Recorder, RecorderSettings
from custom_components.camera_steward.core.capture.source import Address
from custom_components.camera_steward.core.capture.stream import StreamSource
from custom_components.camera_steward.core.errors import SourceEndedError
from custom_components.camera_steward.core.vault.vault import Vault


class _Site(Protocol):
    """What has a vault: a stopped home's books, or the core's."""

    @property
    def vault(self) -> Vault:
        """Return where footage goes."""
        ...


class _PastClock:
    """A clock that stands where the footage is."""

    def __init__(self, start_at: datetime) -> None:
        self._start_at = start_at
        self.passed = timedelta()

    def now(self) -> datetime:
        """Return the wall clock of then."""
        return self._start_at + self.passed

    def elapsed(self) -> timedelta:
        """Return the time since the footage began."""
        return timedelta(days=1) + self.passed

    def synchronised(self) -> bool | None:
        """Vouch for nothing."""
        return None


def record_past(
    books: _Site,
    camera: str,
    clip: Path,
    starts: Iterable[datetime],
    *,
    segment: timedelta = timedelta(seconds=60),
    audio: bool = False,
) -> int:
    """Record a clip as of each of the times, as fast as it is read; return how many segments.

    Vault and index are the site's own; the home must be stopped, for they have one writer.
    """
    stored: list[datetime] = []
    for start_at in starts:
        clock = _PastClock(start_at)
        source = StreamSource(lambda: Address(url=str(clip)), audio=audio).open()
        recorder = Recorder(
            camera,
            source,
            books.vault,
            clock,
            RecorderSettings(segment_length=segment),
            lambda stamp_at, sealed: stored.append(stamp_at),
        )
        bases = {track.index: track.time_base for track in source.tracks}
        try:
            for packet in source.packets():
                if packet is None or packet.dts is None:
                    continue
                clock.passed = timedelta(seconds=float(packet.dts * bases[packet.track]))
                recorder.feed(packet)
        except SourceEndedError:
            recorder.close()
        finally:
            source.close()
    return len(stored)
