"""Build fragmented MP4 from packets: one moof for each group of pictures, written by hand.

PyAV's muxer costs several calls a packet; a table once a group of pictures costs next to nothing
(docs/design/benchmarks.md). The header boxes, which need every codec's own description, are left
to FFmpeg's muxer.
"""

import io
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from fractions import Fraction
from struct import Struct
from typing import TYPE_CHECKING, Self

import av

from ..errors import SourceUnsupportedError
from .boxes import StoredTrack, UnitDigest, prft_box, tracks
from .units import NAL_CODECS, Framing, ParameterSets, to_annex_b

if TYPE_CHECKING:
    from av.rational import AVRational
    from av.stream import Stream

_MP4_AUDIO = frozenset({"aac", "mp3", "opus", "ac3"})
_MP4_VIDEO = frozenset({"h264", "hevc", "av1"})
_MOV_ALSO = frozenset({"mjpeg", "png", "pcm_mulaw", "pcm_alaw", "pcm_s16be", "pcm_s16le"})
STORABLE = _MP4_AUDIO | _MP4_VIDEO | _MOV_ALSO

_SYNC_FLAGS = 0x02000000
_DELTA_FLAGS = 0x01010000
_MOOF = Struct(">I4sI4sII")
_TRAF = Struct(">I4sI4sIII4sIQI4sIIi")
_BOX = Struct(">I4s")
_LATE = timedelta(seconds=5)
"""How far times may lie from those of arrival and be believed: a connection that hesitates for
less than the longest wait for a packet loses nothing, and its pictures then come all at once."""

_REORDERED = Fraction(1)
"""Seconds that a picture may be moved by reordering: some pictures, even at a few a second."""

_LONGEST_TICKS = 2**31 - 1


@dataclass(slots=True, kw_only=True)
class Samples:
    """Samples of one track that wait for their fragment; times in ticks of the source, or None.

    `duration` is what the source says of the last one, 0 where it says nothing.
    """

    payloads: list[bytes] = field(default_factory=list)
    dts: list[int | None] = field(default_factory=list)
    pts: list[int | None] = field(default_factory=list)
    keys: list[bool] = field(default_factory=list)
    duration: int = 0

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self.payloads)

    def after(self, count: int) -> Samples:
        """Return all but the first `count`."""
        return Samples(
            payloads=self.payloads[count:],
            dts=self.dts[count:],
            pts=self.pts[count:],
            keys=self.keys[count:],
            duration=self.duration,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """A track of the source and how it is stored."""

    index: int
    codec: str
    video: bool
    framing: Framing
    time_base: Fraction
    width: int = 0
    height: int = 0

    @classmethod
    def of(cls, stream: Stream, framing: Framing, time_base: Fraction) -> Self:
        """Return the track of a stream as FFmpeg describes it."""
        context = stream.codec_context
        return cls(
            index=stream.index,
            codec=context.name,
            video=stream.type == "video",
            framing=framing,
            time_base=time_base,
            width=getattr(context, "width", 0),
            height=getattr(context, "height", 0),
        )

    @property
    def nal(self) -> bool:
        """Return whether its units are NAL units."""
        return self.codec in NAL_CODECS


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """A segment's leading boxes and the tracks they declare, in the source's order."""

    data: bytes = field(repr=False)
    stored: tuple[StoredTrack, ...]


def describe(streams: Sequence[Stream], bases: Sequence[AVRational] = ()) -> Header:
    """Return the header boxes for streams of an open source; nothing of them is altered.

    `bases` are the time bases to store with; by default the streams' own. G.711, MJPEG and PNG
    have no place in MP4; QuickTime's flavour of the same boxes holds them.
    Raise `SourceUnsupportedError` for a codec that neither can hold unaltered.
    """
    codecs = {stream.codec_context.name for stream in streams}
    if not codecs <= STORABLE:
        raise SourceUnsupportedError(", ".join(sorted(codecs - STORABLE)))
    flavour = "mov" if codecs & _MOV_ALSO else "mp4"
    target = io.BytesIO()
    try:
        with av.open(
            target,
            "w",
            format=flavour,
            options={
                "movflags": "empty_moov+default_base_moof+frag_custom+skip_trailer",
                "use_editlist": "0",
                "fflags": "bitexact",
            },
        ) as muxer:
            for number, stream in enumerate(streams):
                stored = muxer.add_stream_from_template(stream)
                if number < len(bases):
                    stored.time_base = bases[number]
            muxer.start_encoding()
            data = target.getvalue()
    except (av.FFmpegError, ValueError) as err:
        raise SourceUnsupportedError(", ".join(sorted(codecs))) from err
    return Header(data=data, stored=tuple(tracks(data)))


def describe_again(
    streams: Sequence[Stream], track: Track, keyframe: bytes, sets: ParameterSets
) -> Header:
    """Return header boxes that follow a keyframe's own parameter sets.

    A source's description may be older than its pictures (or lack the sets): FFmpeg reads the
    keyframe alone, as a file of one picture, and describes what it finds. A keyframe that does not
    carry all that this takes is described as the source is.
    """
    if sets.units:
        alone = io.BytesIO(to_annex_b(keyframe))
        try:
            with av.open(alone, format=track.codec) as source:
                own = source.streams.video[0]
                return describe(
                    [own if each.index == track.index else each for each in streams],
                    [each.time_base for each in streams],
                )
        except av.FFmpegError, IndexError, SourceUnsupportedError:
            pass
    return describe(streams)


class Headers:
    """The header boxes of one connection, made anew where a keyframe's parameter sets differ.

    `described` are parameter sets, as segments hold them, for a camera that sends none with its
    pictures.
    """

    def __init__(self, streams: Sequence[Stream], video: Track, described: bytes = b"") -> None:
        """Make none before the first keyframe."""
        self._streams = streams
        self._video = video
        self._described = described
        self._sets: ParameterSets | None = None
        self._header: Header | None = None

    def fitting(self, keyframe: bytes) -> Header:
        """Return the header that fits a keyframe; the same object while nothing changed."""
        sets = ParameterSets.of(self._video.codec, keyframe)
        if self._header is None or (sets.units and sets != self._sets):
            if not sets.units:
                keyframe = self._described + keyframe
                sets = ParameterSets.of(self._video.codec, keyframe)
            self._header = describe_again(self._streams, self._video, keyframe, sets)
            self._sets = sets
        return self._header


def can_hold(video: Stream, sound: Stream) -> bool:
    """Return whether a segment can hold this sound unaltered beside these pictures."""
    context = sound.codec_context
    name = getattr(context, "name", "")
    if name not in STORABLE or (name == "aac" and not context.extradata):
        return False  # AAC that describes itself in each frame (ADTS) would have to be unwrapped
    known = getattr(video.codec_context, "width", 0) > 0
    try:
        describe([video, sound] if known else [sound])
    except SourceUnsupportedError:
        return False
    return True


class FragmentBuilder:
    """Turn samples into fragments of one segment; used by one thread.

    Durations follow the differences of decode times. Where these are missing, stand still, run
    backwards or lead away from the times of arrival, a fragment's samples share the time in which
    they arrived, so that every packet keeps its place and its order (docs/design/capture.md).
    """

    def __init__(self, tracks_: Sequence[Track], header: Header) -> None:
        """Begin a segment at media time 0 of every track."""
        self._tracks = tuple(zip(tracks_, header.stored, strict=True))
        self._numbers = 0
        self._next: dict[int, int] = {}
        self._nominal: dict[int, int] = {}
        self._origin: int | None = None
        self._digests = {each.index: UnitDigest(nal=each.nal) for each in tracks_}

    def build(
        self,
        samples: dict[int, Samples],
        following: dict[int, int | None],
        captured_us: int,
        last_arrival_us: int,
    ) -> bytes:
        """Return prft+moof+mdat of the samples.

        `following` has the decode time of the sample that follows, by its track; it came at
        `last_arrival_us`. Without one that is when the last sample came. `captured_us` is when
        the first came. Both in microseconds since 1970.
        """
        if self._origin is None:
            self._origin = captured_us
        self._numbers += 1
        from_us = captured_us - self._origin
        to_us = max(last_arrival_us - self._origin, from_us)
        tables = []
        for track, stored in self._tracks:
            mine = samples.get(track.index)
            if not mine:
                continue
            times = _decode_times(mine, following.get(track.index), _REORDERED / track.time_base)
            durations = self._durations(track, stored, mine, times, following, from_us, to_us)
            rows, wide = _rows(track, stored, mine, times, durations)
            tables.append((track.index, stored.track, self._next[track.index], mine, rows, wide))
            self._next[track.index] += sum(durations)
        lengths = [_TRAF.size + len(rows) * 4 for *_, rows, _ in tables]
        sizes = [sum(map(len, mine.payloads)) for _, _, _, mine, _, _ in tables]
        moof_length = _MOOF.size + sum(lengths)
        data_at = moof_length + 8
        parts = [
            prft_box(tables[0][1], captured_us, tables[0][2]),
            _MOOF.pack(moof_length, b"moof", 16, b"mfhd", 0, self._numbers),
        ]
        for (_, number, start, mine, rows, wide), length, size in zip(
            tables, lengths, sizes, strict=True
        ):
            parts += (
                _TRAF.pack(
                    *(length, b"traf"),
                    *(16, b"tfhd", 0x020000, number),
                    *(20, b"tfdt", 0x01000000, start),
                    *(length - 44, b"trun", 0x01000F01 if wide else 0x01000701, len(mine), data_at),
                ),
                Struct(f">{len(rows)}I").pack(*rows),
            )
            data_at += size
        parts.append(_BOX.pack(8 + sum(sizes), b"mdat"))
        # Joined once: every further copy of a stream's bytes would show in the CPU's load.
        fragment = b"".join(
            itertools.chain(parts, *(mine.payloads for _, _, _, mine, _, _ in tables))
        )
        view = memoryview(fragment)
        at = len(fragment) - sum(sizes)
        for (index, _, _, mine, _, _), size in zip(tables, sizes, strict=True):
            self._digests[index].add([len(each) for each in mine.payloads], view[at : at + size])
            at += size
        return fragment

    @property
    def media_time(self) -> timedelta:
        """Return up to which media time the first track is built."""
        track, stored = self._tracks[0]
        ticks = self._next.get(track.index, 0)
        return timedelta(microseconds=ticks * 1_000_000 // stored.timescale)

    def digests(self) -> dict[int, bytes]:
        """Return the unit digest of each stored track so far, by its number in the segment."""
        return {stored.track: self._digests[track.index].digest() for track, stored in self._tracks}

    def _durations(
        self,
        track: Track,
        stored: StoredTrack,
        mine: Samples,
        times: list[int],
        following: dict[int, int | None],
        from_us: int,
        to_us: int,
    ) -> list[int]:
        """Return how long each sample lasts, in ticks of the segment; all greater than 0."""
        index, count, timescale = track.index, len(mine), stored.timescale
        scale = track.time_base * timescale
        begins, ends = from_us * timescale // 1_000_000, to_us * timescale // 1_000_000
        if index not in self._next:
            # A track that starts later than the segment starts at its own place in time.
            self._next[index] = begins
        steps: list[int] = []
        if times:
            steps = [after - before for before, after in itertools.pairwise(times)]
            next_time = following.get(index)
            if next_time is not None:
                steps.append(next_time - times[-1])
            if scale != 1:
                # Scaled from running totals, so that rounding does not add up.
                sums = [round(total * scale) for total in itertools.accumulate(steps, initial=0)]
                steps = [after - before for before, after in itertools.pairwise(sums)]
        late = round(_LATE.total_seconds() * timescale)
        if index not in following:
            # Nothing says when the last one ended.
            stated = round(mine.duration * scale)
            known = (*steps[-1:], self._nominal.get(index, 0), stated)
            last = next((each for each in known if 0 < each <= ends - begins + late), 0)
            if not last and not times:
                last = stated  # a still is shown until the next one
            ends += last
            steps.append(last)
        elapsed = ends - begins
        wrong = len(steps) != count or min(steps) <= 0 or max(steps) > elapsed + late
        if wrong or abs(self._next[index] + sum(steps) - ends) > late:
            total = min(max(ends - self._next[index], elapsed // 2), elapsed * 2)
            total = max(total, count)
            steps = [total * (n + 1) // count - total * n // count for n in range(count)]
        if max(steps) > _LONGEST_TICKS:
            # A machine that slept in between gives more than the format's 32 bits can say.
            steps = [min(step, _LONGEST_TICKS) for step in steps]
        self._nominal[index] = steps[-1]
        return steps


def _decode_times(mine: Samples, following: int | None, longest: Fraction) -> list[int]:
    """Return the decode times; missing ones as their neighbours suggest, none if none is known.

    FFmpeg has none for a stream's first pictures until it knows how far they are reordered. RTP
    says only when a picture is shown. `longest` is how many ticks reordering may move a picture.
    """
    times = mine.dts
    known = [(at, time) for at, time in enumerate(times) if time is not None]
    if len(known) == len(times):
        return [time for _, time in known]
    if not known:
        return _in_order(mine.pts, longest)
    first_at, first = known[0]
    last_at, last = known[-1] if following is None else (len(times), following)
    step = max((last - first) // (last_at - first_at) if last_at > first_at else mine.duration, 1)
    filled: list[int] = []
    for at, time in enumerate(times):
        if time is not None:
            filled.append(time)
        elif filled:
            filled.append(filled[-1] + step)
        else:
            filled.append(first - (first_at - at) * step)
    return filled


def _in_order(shown: list[int | None], longest: Fraction) -> list[int]:
    """Return decode times for pictures in decoding order of which only the time shown is known.

    The first one keeps its own, for the fragment before ended then. Those shown earlier although
    decoded later (an open group of pictures) get a negative offset.
    """
    times = [time for time in shown if time is not None]
    if len(times) != len(shown):
        return []
    ordered = sorted(times)
    if ordered == times:
        return times
    shift = times[0] - ordered[0]
    decoded = [time + shift for time in ordered]
    # What lies further apart is not reordered: the camera's clock is wrong.
    moved = max(abs(one - other) for one, other in zip(times, decoded, strict=True))
    return decoded if moved <= longest else times


def _rows(
    track: Track, stored: StoredTrack, mine: Samples, times: list[int], durations: list[int]
) -> tuple[list[int], bool]:
    """Return the trun's numbers, and whether composition offsets are among them."""
    rows: list[int] = []
    if times and any(
        shown is not None and shown != decoded
        for shown, decoded in zip(mine.pts, times, strict=True)
    ):
        scale = track.time_base * stored.timescale
        late = round(_LATE.total_seconds() * stored.timescale)
        for payload, duration, key, decoded, shown in zip(
            mine.payloads, durations, mine.keys, times, mine.pts, strict=True
        ):
            shift = 0 if shown is None else round((shown - decoded) * scale)
            if abs(shift) > late:
                shift = 0
            flags = _SYNC_FLAGS if key else _DELTA_FLAGS
            rows += (duration, len(payload), flags, shift & 0xFFFFFFFF)
        return rows, True
    for payload, duration, key in zip(mine.payloads, durations, mine.keys, strict=True):
        rows += (duration, len(payload), _SYNC_FLAGS if key else _DELTA_FLAGS)
    return rows, False
