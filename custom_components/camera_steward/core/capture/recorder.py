"""From packets to fragments to segments, for one connection to a camera."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from ..clock import Clock
from ..errors import SourceNoKeyframeError
from ..media.fragments import FragmentBuilder, Header, Samples, Track
from ..model import to_micros
from ..vault.writer import Sealed, SegmentWriter
from .live import Live
from .source import OpenSource, Packet

_GROUP_US = 900_000
"""Shorter groups of pictures share a fragment, as with MJPEG, where each picture is one."""
_FRAGMENT_US = 3_000_000
_SOUND_US = 4_000_000
"""Sound ends a fragment only where the pictures have not done so themselves."""

_LIVE_US = 1_250_000
"""Whoever watches is given a longer fragment in parts; groups of a second, late ones too, whole."""

_FRAGMENT_BYTES = 8 * 1024 * 1024
_RING_BYTES = 96 * 1024 * 1024
_KEYFRAME_US = 120_000_000
_JOIN = timedelta(milliseconds=100)
_MICROSECOND = timedelta(microseconds=1)


class Shelf(Protocol):
    """Where segments are put: the vault, or what notes whatever is put there."""

    def create_segment(self, camera: str, stamp_at: datetime, media_header: bytes) -> SegmentWriter:
        """Begin a segment, as `Vault.create_segment` does."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RecorderSettings:
    """How to record: segment length 10 to 300 s; pre-roll and post-roll for triggers."""

    segment_length: timedelta = timedelta(seconds=60)
    on_trigger: bool = False
    pre_roll: timedelta = timedelta(seconds=10)
    post_roll: timedelta = timedelta(seconds=30)


@dataclass(slots=True, kw_only=True)
class _Pending:
    """Packets that wait to be a fragment; times in microseconds since boot.

    `shown` is how many of each track watchers have already been given, and up to when.
    """

    header: Header
    since_us: int
    keyframe: bool
    samples: dict[int, Samples] = field(default_factory=dict)
    size_bytes: int = 0
    until_us: int = 0
    following: dict[int, int | None] = field(default_factory=dict)
    shown: dict[int, int] = field(default_factory=dict)
    shown_us: int = 0


@dataclass(slots=True, kw_only=True)
class _OpenSegment:
    writer: SegmentWriter
    builder: FragmentBuilder
    header: Header
    stamp_at: datetime
    since_us: int
    until_us: int


class Recorder:
    """Record one open source; used by the camera's thread, `trigger` from any.

    `on_begun` is told the start of each segment once its first fragment is written, `on_stored`
    of each segment that was sealed. `live` is given all that comes while somebody watches; also
    while `stores` is unset.
    """

    def __init__(
        self,
        camera: str,
        source: OpenSource,
        vault: Shelf,
        clock: Clock,
        settings: RecorderSettings,
        on_stored: Callable[[datetime, Sealed], None] = lambda stamp_at, sealed: None,
        on_begun: Callable[[datetime], None] = lambda stamp_at: None,
        live: Live | None = None,
    ) -> None:
        """Begin without a segment; the first keyframe opens one."""
        self._camera = camera
        self._source = source
        self._vault = vault
        self._clock = clock
        self._settings = settings
        self._on_stored = on_stored
        self._on_begun = on_begun
        self._live = live or Live(clock)
        self._look_us = _LIVE_US if self._live.watched else _FRAGMENT_US
        self.stores = True
        self._tracks: tuple[Track, ...] = source.tracks
        self._video = self._tracks[0].index
        self._header: Header | None = None
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
    def header(self) -> Header | None:
        """Return what the newest keyframe said of the pictures; None before the first."""
        return self._header

    def trigger(self, at: timedelta | None = None) -> None:
        """Keep the pre-roll and what comes until the post-roll has passed.

        `at` is the time since boot of a trigger before this connection; now by default.
        """
        since = self._clock.elapsed() if at is None else at
        self._triggered_until_us = (since + self._settings.post_roll) // _MICROSECOND

    def feed(self, packet: Packet) -> None:
        """Take the next packet in order of arrival; raises `StorageError` of the vault."""
        pending = self._pending
        now_us = pending.until_us if packet.late and pending is not None else self._now_us()
        index = packet.track
        if index == self._video:
            if packet.keyframe:
                self._keyframe_us = now_us
                header = self._source.header_for(packet.payload)
                cut = self._header is not None and (
                    header is not self._header or self._segment_full(now_us)
                )
                if pending is None or cut or _is_ripe(pending, now_us, _GROUP_US):
                    if pending is not None:
                        self._finish(pending, now_us, packet)
                    if cut:
                        self._close_segment(now_us)
                    self._header = header
                    pending = self._pending = _Pending(
                        header=header, since_us=now_us, keyframe=True
                    )
            elif now_us - self._keyframe_us > _KEYFRAME_US:
                raise SourceNoKeyframeError
        if self._header is None:
            return  # before the first keyframe nothing can be decoded
        if pending is None or (
            not (packet.keyframe and index == self._video)
            and _is_ripe(pending, now_us, self._look_us if index == self._video else _SOUND_US)
            and not self._can_wait(pending, now_us, packet)
        ):
            if pending is not None:
                self._finish(pending, now_us, packet)
            pending = self._pending = _Pending(header=self._header, since_us=now_us, keyframe=False)
        mine = pending.samples.get(index)
        if mine is None:
            mine = pending.samples[index] = Samples()
        mine.payloads.append(packet.payload)
        dts = packet.dts
        if dts is None and index != self._video:
            dts = packet.pts  # sound is not reordered
        mine.dts.append(dts)
        mine.pts.append(packet.pts)
        mine.keys.append(packet.keyframe)
        mine.duration = packet.duration
        pending.size_bytes += len(packet.payload)
        pending.until_us = now_us

    def idle(self) -> None:
        """Store what has waited long enough although nothing follows, as between stills."""
        now_us = self._now_us()
        pending = self._pending
        if pending is not None and _is_ripe(pending, now_us, _FRAGMENT_US):
            self._finish(pending, pending.until_us, None)
        elif self._ring and self._triggered_until_us > now_us:
            self._recall()
        elif self._segment is not None:
            self._segment.writer.settle()

    def close(self) -> None:
        """Store what is pending and seal the segment."""
        if self._pending is not None:
            self._finish(self._pending, self._pending.until_us, None)
        if self._triggered_until_us > self._now_us():
            self._recall()
        self._ring.clear()
        self._close_segment()

    def abandon(self) -> None:
        """Let go of all without writing: the storage failed; recovery seals what is there."""
        self._pending = None
        self.store_nothing()

    def store_nothing(self) -> None:
        """Let go of the segment without writing, and store nothing until `stores` is set again.

        What comes next is for those who watch; a segment then begins with a keyframe.
        """
        self.stores = False
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
            pending.following[following.track] = (
                following.pts if following.dts is None else following.dts
            )
            pending.until_us = now_us
        self._pending = None
        watched = self._live.watched
        self._look_us = _LIVE_US if watched else _FRAGMENT_US
        if watched:
            # First, so that storage that is slow or fails keeps nobody waiting for it.
            self._show(pending, pending.until_us, pending.following)
        if not self.stores:
            return
        if not self._settings.on_trigger:
            if self._segment is not None or pending.keyframe:
                self._store(pending)
        elif self._triggered_until_us > pending.since_us:
            self._recall()
            if self._segment is not None or pending.keyframe:
                self._store(pending)
        elif self._segment is not None and not pending.keyframe:
            # To the end of the group, so that the memory begins with a keyframe.
            self._store(pending)
        else:
            self._close_segment()
            if self._ring or pending.keyframe:
                self._ring.append(pending)
            self._trim_ring(now_us)

    def _can_wait(self, pending: _Pending, now_us: int, following: Packet) -> bool:
        """Return whether a fragment is not to be stored yet; show what there is of it."""
        if _is_ripe(pending, now_us, _FRAGMENT_US):
            return False
        if self._live.watched and now_us - max(pending.shown_us, pending.since_us) >= _LIVE_US:
            next_time = following.pts if following.dts is None else following.dts
            self._show(pending, now_us, {following.track: next_time})
        return True

    def _show(self, pending: _Pending, until_us: int, following: dict[int, int | None]) -> None:
        """Give watchers what they have not been given of a fragment."""
        shown, samples = pending.shown, pending.samples
        self._live.push(
            self._tracks,
            pending.header,
            {index: each.after(shown.get(index, 0)) for index, each in samples.items()}
            if shown
            else samples,
            following,
            since_us=max(pending.shown_us, pending.since_us),
            until_us=until_us,
            keyframe=pending.keyframe and not shown,
        )
        pending.shown = {index: len(each) for index, each in samples.items()}
        pending.shown_us = until_us

    def _recall(self) -> None:
        """Store what was in memory before a trigger."""
        while self._ring:
            self._store(self._ring.popleft())

    def _trim_ring(self, now_us: int) -> None:
        """Forget groups of pictures that no trigger can reach any more (INV-1)."""
        since_us = now_us - self._settings.pre_roll // _MICROSECOND
        ring = self._ring
        size = sum(each.size_bytes for each in ring)
        while len(ring) > 1:
            following = next((each for each in list(ring)[1:] if each.keyframe), None)
            if following is None or (following.since_us > since_us and size <= _RING_BYTES):
                break
            while ring[0] is not following:
                size -= ring.popleft().size_bytes
        if size > _RING_BYTES:
            # A single group that is too large: without its keyframe the rest is of no use.
            ring.clear()

    def _store(self, pending: _Pending) -> None:
        segment = self._segment
        begun = segment is None or pending.header is not segment.header
        if segment is None or begun:
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
        if begun:
            self._on_begun(segment.stamp_at)

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

    def _close_segment(self, until_us: int | None = None) -> None:
        """Seal the segment; `until_us` is when the next one begins, where that follows at once."""
        segment, self._segment = self._segment, None
        if segment is None:
            return
        if until_us is not None:
            segment.until_us = until_us
        length = (segment.until_us - segment.since_us) * _MICROSECOND
        self._ended_at = segment.stamp_at + length
        try:
            sealed = segment.writer.seal(length, segment.builder.digests())
        except BaseException:
            segment.writer.abandon()
            raise
        self._on_stored(segment.stamp_at, sealed)


def _is_ripe(pending: _Pending, now_us: int, after_us: int) -> bool:
    return now_us - pending.since_us >= after_us or pending.size_bytes >= _FRAGMENT_BYTES
