"""Receive a source for a moment to say what it is, before anything is saved."""

import time
from dataclasses import dataclass

from ..errors import SourceNoKeyframeError
from .source import OPEN_SECONDS, Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """What a source sends: picture size in pixels, pictures and bytes a second as received."""

    codec: str
    width: int
    height: int
    frames_per_second: float
    bytes_per_second: float
    audio: str | None
    seconds: float


def probe(source: Source, seconds: float = 8) -> Probe:
    """Receive for up to `seconds` from the first keyframe on; nothing is kept.

    Raises a `SourceError`; `SourceNoKeyframeError` when no keyframe came in twice the time.
    """
    opened = source.open()
    try:
        video = opened.tracks[0]
        asked_at = time.monotonic()
        began_at: float | None = None
        last_at = asked_at
        ticks: list[int] = []
        frames = size_bytes = width = height = 0
        for packet in opened.packets():
            now = time.monotonic()
            if packet is not None:
                if began_at is None and packet.track == video.index and packet.keyframe:
                    # Says whether it can be stored, too.
                    stored = opened.header_for(packet.payload).stored[0]
                    width, height = stored.width, stored.height
                    began_at = now
                if began_at is not None:
                    size_bytes += len(packet.payload)
                    last_at = now
                    if packet.track == video.index:
                        frames += 1
                        at = packet.pts if packet.dts is None else packet.dts
                        if at is not None:
                            ticks.append(at)
            if began_at is None and now - asked_at > 2 * seconds:
                raise SourceNoKeyframeError
            if began_at is not None and now - began_at >= seconds:
                break
        spent = max(last_at - (began_at or asked_at), 0.001)
        if len(ticks) > 1:
            # What came while the stream was being opened arrives at once: the camera's own
            # times say how long it took, where they can be believed.
            step = (max(ticks) - min(ticks)) * video.time_base / (len(ticks) - 1)
            own = float(step * (frames - 1))
            spent = own if spent <= own <= spent + OPEN_SECONDS else spent
        # The first picture opens the span and the last one closes it.
        return Probe(
            codec=video.codec,
            width=width or video.width,
            height=height or video.height,
            frames_per_second=max(frames - 1, 0) / spent if frames > 1 else 0.0,
            bytes_per_second=size_bytes / spent if frames > 1 else 0.0,
            audio=opened.tracks[1].codec if len(opened.tracks) > 1 else None,
            seconds=spent,
        )
    finally:
        opened.close()
