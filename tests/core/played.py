"""Record files and images through the real recorder, with time taken from the packets."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import islice
from pathlib import Path

from custom_components.camera_steward.core.capture.recorder import Recorder, RecorderSettings
from custom_components.camera_steward.core.capture.source import Address, Packet, Source
from custom_components.camera_steward.core.capture.stills import StillSource
from custom_components.camera_steward.core.capture.stream import StreamSource
from custom_components.camera_steward.core.errors import SourceEndedError

from .vault_site import Site


def play(
    site: Site,
    camera: str,
    source: Source,
    *,
    segment_length: timedelta = timedelta(seconds=60),
    end: Callable[[Recorder], None] = Recorder.close,
    count: int | None = None,
    still_seconds: float = 1,
) -> None:
    """Record a source to its end, or `count` packets of it; `end` says how it ends."""
    opened = source.open()
    try:
        recorder = Recorder(
            camera, opened, site.vault, site.clock, RecorderSettings(segment_length=segment_length)
        )
        bases = {track.index: track.time_base for track in opened.tracks}
        begun = site.clock.elapsed()
        for packet in islice(_packets(opened.packets()), count):
            if packet.dts is None:
                site.clock.advance(timedelta(seconds=still_seconds))
            else:
                at = begun + timedelta(seconds=float(packet.dts * bases[packet.track]))
                site.clock.advance(max(at - site.clock.elapsed(), timedelta()))
            recorder.feed(packet)
        site.clock.advance(timedelta(milliseconds=100))
        end(recorder)
    finally:
        opened.close()


def _packets(source: Iterator[Packet | None]) -> Iterator[Packet]:
    try:
        for packet in source:
            if packet is not None:
                yield packet
    except SourceEndedError:
        return


def file_source(path: Path, *, audio: bool = True) -> Source:
    """Return a source that reads a file."""
    return StreamSource(lambda: Address(url=str(path)), audio=audio)


def still_source(images: list[bytes]) -> Source:
    """Return a source that serves these images, one after the other and again."""
    served = iter(images * 100)
    return StillSource(lambda: next(served), timedelta(milliseconds=1))
