"""From packets to fragments to segments, for one connection to a camera."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from ..clock import Clock
from ..errors import SourceNoKeyframeError
from ..media.fragments import FragmentBuilder, Header, Samples, Track
from ..model import to_micros
from ..vault.vault import Vault
from ..vault.writer import Sealed, SegmentWriter
from .source import OpenSource, Packet

_GROUP_US = 900_000
"""Shorter groups of pictures share a fragment, as with MJPEG, where each picture is one."""
_FRAGMENT_US = 3_000_000
_FRAGMENT_BYTES = 8 * 1024 * 1024
_RING_BYTES = 96 * 1024 * 1024
_KEYFRAME_US = 120_000_000
_JOIN = timedelta(milliseconds=100)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecorderSettings:
    """How to record: segment length 10 to 300 s; pre-roll and post-roll for triggers."""

    segment_length: timedelta = timedelta(seconds=60)
    on_trigger: bool = False
    pre_roll: timedelta = timedelta(seconds=10)
    post_roll: timedelta = timedelta(seconds=30)


@dataclass(slots=True, kw_only=True)
class _Pending:
    """Packets that wait to be a fragment; times in microseconds since boot."""

    header: Header
    since_us: int
    keyframe: bool
    samples: dict[int, Samples] = field(default_factory=dict)
    size_bytes: int = 0
    until_us: int = 0
    following: dict[int, int | None] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class _OpenSegment:
    writer: SegmentWriter
    builder: FragmentBuilder
    header: Header
    stamp_at: datetime
    since_us: int
    until_us: int


class Recorder:
    """Record one open source; used by the camera's thread, `trigger` from any."""

    def __init__(
        self,
        camera: str,
        source: OpenSource,
        vault: Vault,
        clock: Clock,
        settings: RecorderSettings,
        on_stored: Callable[[datetime, Sealed], None] = lambda stamp_at, sealed: None,
    ) -> None:
        """Begin without a segment; the first keyframe opens one."""
        self._camera = camera
        self._source = source
        self._vault = vault
        self._clock = clock
        self._settings = settings
        self._on_stored = on_stored
        self._tracks: tuple[Track, ...] = source.tracks
        self._video = self._tracks[0].index
        self._by_index = {track.index: track for track in self._tracks}
        self._pending: _Pending | None = None
        self._segment: _OpenSegment | None = None
        self._ring: deque[_Pending] = deque()
        self._triggered_until_us = 0
        self._keyframe_us = self._now_us()
        self._ended_at: datetime | None = None

    @property
    def writing(self) -> bool:
        """Return whether a segment is open."""
        return self._segment is not None

    @property
    def ended_at(self) -> datetime | None:
        """Return up to when footage was stored."""
        if self._segment is not None:
            return (
                self._segment.stamp_at
                + (self._segment.until_us - self._segment.since_us) * _MICROSECOND
            )
        return self._ended_at

    @property
    def received(self) -> bool:
        """Return whether a keyframe came."""
        return self._pending is not None

    def trigger(self) -> None:
        """Keep the pre-roll and what comes until the post-roll has passed."""
        self._triggered_until_us = self._now_us() + self._settings.post_roll // _MICROSECOND

    def feed(self, packet: Packet) -> None:
        """Take the next packet in order of arrival; raises `StorageError` of the vault."""
        now_us = self._now_us()
        pending = self._pending
        index = packet.track
        if index == self._video:
            if packet.keyframe:
                self._keyframe_us = now_us
                header = self._source.header_for(packet.payload)
                cut = pending is not None and (
                    header is not pending.header or self._segment_full(now_us)
                )
                if pending is None or cut or now_us - pending.since_us >= _GROUP_US:
                    if pending is not None:
                        self._finish(pending, now_us, packet)
                    if cut:
                        self._close_segment()
                    pending = self._pending = _Pending(
                        header=header, since_us=now_us, keyframe=True
                    )
            elif pending is not None and (
                now_us - pending.since_us >= _FRAGMENT_US or pending.size_bytes >= _FRAGMENT_BYTES
            ):
                self._finish(pending, now_us, packet)
                pending = self._pending = _Pending(
                    header=pending.header, since_us=now_us, keyframe=False
                )
            if now_us - self._keyframe_us > _KEYFRAME_US:
                raise SourceNoKeyframeError
        if pending is None:
            return  # before the first keyframe nothing can be decoded
        mine = pending.samples.get(index)
        if mine is None:
            mine = pending.samples[index] = Samples()
        payload = packet.payload
        dts = packet.dts
        if dts is None:
            dts = packet.pts
            if dts is None:
                base = self._by_index[index].time_base
                dts = now_us * base.denominator // (1_000_000 * base.numerator)
        mine.payloads.append(payload)
        mine.dts.append(dts)
        mine.offsets.append(0 if packet.pts is None else packet.pts - dts)
        mine.keys.append(packet.keyframe)
        mine.duration = packet.duration
        pending.size_bytes += len(payload)
        pending.until_us = now_us

    def close(self) -> None:
        """Store what is pending and seal the segment."""
        pending, self._pending = self._pending, None
        if pending is not None and pending.samples:
            self._finish(pending, pending.until_us, None)
        self._ring.clear()
        self._close_segment()

    def abandon(self) -> None:
        """Let go without writing: the storage failed; recovery seals what is there."""
        self._pending = None
        self._ring.clear()
        segment, self._segment = self._segment, None
        if segment is not None:
            self._ended_at = segment.stamp_at + (segment.until_us - segment.since_us) * _MICROSECOND
            segment.writer.abandon()

    def _now_us(self) -> int:
        micros: int = self._clock.elapsed() // _MICROSECOND
        return micros

    def _segment_full(self, now_us: int) -> bool:
        segment = self._segment
        length_us = self._settings.segment_length // _MICROSECOND
        return segment is not None and now_us - segment.since_us >= length_us

    def _finish(self, pending: _Pending, now_us: int, following: Packet | None) -> None:
        """Close a fragment and give it to the segment, or to the memory before a trigger."""
        if following is not None:
            pending.following[following.track] = following.dts
            pending.until_us = now_us
        if not self._settings.on_trigger:
            self._store(pending)
        elif self._triggered_until_us > pending.since_us:
            while self._ring:
                self._store(self._ring.popleft())
            self._store(pending)
        else:
            self._close_segment()
            self._ring.append(pending)
            self._trim_ring(now_us)

    def _trim_ring(self, now_us: int) -> None:
        """Forget groups of pictures that no trigger can reach any more (INV-1)."""
        since_us = now_us - self._settings.pre_roll // _MICROSECOND
        ring = self._ring
        size = sum(each.size_bytes for each in ring)
        while len(ring) > 1:
            following = next((each for each in list(ring)[1:] if each.keyframe), None)
            if following is None or (following.since_us > since_us and size <= _RING_BYTES):
                return
            while ring[0] is not following:
                size -= ring.popleft().size_bytes

    def _store(self, pending: _Pending) -> None:
        segment = self._segment
        if segment is None or pending.header is not segment.header:
            self._close_segment()
            segment = self._segment = self._open_segment(pending)
        start_us = pending.since_us - segment.since_us
        stamp_us = to_micros(segment.stamp_at)
        data = segment.builder.build(
            pending.samples,
            pending.following,
            stamp_us + start_us,
            stamp_us + pending.until_us - segment.since_us,
        )
        segment.writer.append(data, start_us, keyframe=pending.keyframe)
        segment.until_us = pending.until_us

    def _open_segment(self, pending: _Pending) -> _OpenSegment:
        stamp_at = self._clock.now() - (self._now_us() - pending.since_us) * _MICROSECOND
        if self._ended_at is not None and abs(stamp_at - self._ended_at) < _JOIN:
            stamp_at = self._ended_at  # what was received without a break is stored without one
        writer = self._vault.create_segment(self._camera, stamp_at, pending.header.data)
        return _OpenSegment(
            writer=writer,
            builder=FragmentBuilder(self._tracks, pending.header),
            header=pending.header,
            stamp_at=stamp_at,
            since_us=pending.since_us,
            until_us=pending.since_us,
        )

    def _close_segment(self) -> None:
        segment, self._segment = self._segment, None
        if segment is None:
            return
        length = (segment.until_us - segment.since_us) * _MICROSECOND
        self._ended_at = segment.stamp_at + length
        try:
            sealed = segment.writer.seal(length, segment.builder.digests())
        except BaseException:
            segment.writer.abandon()
            raise
        self._on_stored(segment.stamp_at, sealed)
