"""A plain movie out of segments' fragments: the samples as they came, at times that only grow."""

import itertools
import json
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from struct import unpack_from

import av
import pytest
from hypothesis import given, settings, strategies as st

from custom_components.camera_steward.core.media.boxes import UnitDigest, fragments, tracks
from custom_components.camera_steward.core.media.fragments import (
    FragmentBuilder,
    Samples,
    Track,
    describe,
)
from custom_components.camera_steward.core.media.movie import Movie, Provenance
from custom_components.camera_steward.core.media.units import Framing
from tests.cameras import Clip, packets, unit_digest, units

from . import synthetic
from .stored import Stored, by_hand, made, of_clip
from .vault_site import START, picture

US = 1_000_000
START_US = int(START.timestamp()) * US
PROVENANCE = Provenance(
    unit="青葉商店会", operator="鈴木 花子", source="入口", exported_us=START_US + 3600 * US
)
_FOLDERS = {b"moov", b"trak", b"mdia", b"minf", b"stbl", b"edts", b"meta"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A box as the standard defines it, read without our integration."""

    path: str
    body: bytes


def parse(data: bytes, path: str = "") -> Iterator[Box]:
    """Yield every box, those in others behind them; the lengths must fit exactly."""
    at = 0
    while at < len(data):
        size, kind = unpack_from(">I4s", data, at)
        assert 8 <= size <= len(data) - at
        body = data[at + 8 : at + size]
        here = f"{path}/{kind.decode('latin-1')}"
        yield Box(path=here, body=body)
        if kind in _FOLDERS:
            yield from parse(body[4:] if kind == b"meta" else body, here)
        at += size


def one(boxes: Sequence[Box], path: str) -> bytes:
    """Return the body of the only box at a path."""
    [found] = [each.body for each in boxes if each.path == path]
    return found


def texts(body: bytes, count: int) -> tuple[list[str], bytes]:
    """Read strings that end in a zero byte; return them and what follows."""
    found = []
    for _ in range(count):
        text, _, body = body.partition(b"\0")
        found.append(text.decode())
    return found, body


def written(stored: Sequence[Stored], begins_us: Sequence[int]) -> tuple[bytes, Movie]:
    """Write segments of the same header that begin at these times."""
    movie = Movie(stored[0].header, PROVENANCE)
    parts: list[bytes | memoryview] = []
    for segment, at in zip(stored, begins_us, strict=True):
        movie.segment(at, next(fragments(segment.body)))
        for data in segment.fragments:
            [found] = fragments(data)
            parts += movie.add(data, found)
    parts.append(movie.end())
    return b"".join(parts), movie


def in_a_row(stored: Sequence[Stored]) -> list[int]:
    """Return when segments begin that follow each other without a break."""
    at = START_US
    begins = []
    for each in stored:
        begins.append(at)
        runs = [found.runs[0] for found in fragments(each.body)]
        at += (
            sum(map(sum, (run.durations for run in runs))) * US // tracks(each.header)[0].timescale
        )
    return begins


def probed(path: Path) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """Return streams and packets as ffprobe reads them, without a word of complaint."""
    command = [
        "ffprobe",
        "-v",
        "warning",
        "-show_streams",
        "-show_packets",
        "-of",
        "json",
        str(path),
    ]
    done = subprocess.run(command, capture_output=True, check=True)
    assert done.stderr == b""
    found = json.loads(done.stdout)
    return found["streams"], found["packets"]


def check_decodes(path: Path) -> None:
    command = ["ffmpeg", "-v", "error", "-xerror", "-i", str(path), "-f", "null", "-"]
    done = subprocess.run(command, capture_output=True, check=True)
    assert done.stderr == b""


@pytest.mark.parametrize(
    ("clip", "sound"),
    [
        (Clip(b_frames=2, audio="aac"), "aac"),
        (Clip(video="h265", audio="pcmu", in_band=False), "pcm_mulaw"),
        (Clip(video="mjpeg", audio="pcma"), "pcm_alaw"),
        (Clip(video="h265", b_frames=2, slices=2, audio="opus"), "opus"),
    ],
    ids=["h264-b-aac", "h265-pcmu", "mjpeg-pcma", "h265-b-opus"],
)
def test_the_movie_holds_every_unit_and_times_that_only_grow(
    clip: Clip, sound: str, tmp_path: Path
) -> None:
    stored = of_clip(clip)
    assert len(stored) > 1
    data, movie = written(stored, in_a_row(stored))
    path = tmp_path / "movie"
    path.write_bytes(data)
    assert units(path) == clip.units()
    assert packets(path, "audio") == clip.audio_packets()
    assert list(movie.digests().values()) == [
        unit_digest(units(path)),
        unit_digest(units(path, "audio")),
    ]
    streams, found = probed(path)
    assert [each["codec_name"] for each in streams] == [
        {"h265": "hevc"}.get(str(clip.video), clip.video),
        sound,
    ]
    if clip.video == "h265":
        assert streams[0]["codec_tag_string"] == "hvc1"
    for index in range(2):
        mine = [each for each in found if int(each["stream_index"]) == index]
        times = [int(each["dts"]) for each in mine]
        assert times[0] >= 0
        assert all(before < after for before, after in itertools.pairwise(times))
        assert int(streams[index]["nb_frames"]) == len(mine)
    pictures = [each for each in found if int(each["stream_index"]) == 0]
    keyframes = [number for number, each in enumerate(pictures) if "K" in each["flags"]]
    gop = 1 if clip.video == "mjpeg" else clip.rate
    assert keyframes == list(range(0, len(pictures), gop))
    check_decodes(path)


def test_onvif_boxes_say_who_exported_and_when_the_first_sample_was_taken() -> None:
    """Layout: ONVIF Export File Format Specification, chapter 6, and ISO/IEC 14496-12 8.11.1."""
    stored = of_clip(Clip(b_frames=2, audio="aac"))
    data, _ = written(stored[:1], [START_US + 250_000])
    boxes = list(parse(data))
    assert [each.path for each in boxes if each.path.count("/") == 1][:2] == ["/ftyp", "/meta"]
    assert [each.path for each in boxes if each.path.startswith("/meta/")] == [
        "/meta/hdlr",
        "/meta/suep",
        "/meta/cstb",
    ]
    suep = one(boxes, "/meta/suep")
    assert unpack_from(">I", suep) == (0x01000000,)
    names, rest = texts(suep[4:], 3)
    assert names == ["青葉商店会", "", ""]
    (exported,) = unpack_from(">Q", rest)
    epoch = datetime(1904, 1, 1, tzinfo=UTC)
    assert epoch + timedelta(seconds=exported) == START + timedelta(hours=1)
    [operator], rest = texts(rest[8:], 1)
    assert operator == "鈴木 花子"
    (count,) = unpack_from(">I", rest)
    rest = rest[4:]
    sources = []
    for _ in range(count):
        (number,) = unpack_from(">H", rest)
        names, rest = texts(rest[2:], 4)
        sources.append((number, *names))
    assert rest == b""
    numbers = [each.track for each in tracks(stored[0].header)]
    assert sources == [(number, "入口", "", "", "") for number in numbers]
    cstb = one(boxes, "/meta/cstb")
    assert unpack_from(">I", cstb) == (2,)
    assert len(cstb) == 4 + 2 * 12
    begun = dict(unpack_from(">IQ", cstb, 4 + 12 * number) for number in range(2))
    assert list(begun) == numbers
    far = datetime(1601, 1, 1, tzinfo=UTC)
    first = far + timedelta(microseconds=begun[numbers[0]] // 10)
    assert first == START + timedelta(milliseconds=250)


def test_quicktime_has_no_onvif_boxes() -> None:
    stored = of_clip(Clip(video="h265", audio="pcmu", in_band=False))
    data, movie = written(stored[:1], [START_US])
    assert movie.quicktime
    assert data[8:12] == b"qt  "
    assert [each.path for each in parse(data) if "/meta" in each.path] == []


def test_sound_that_begins_later_keeps_its_place(tmp_path: Path) -> None:
    path = made(
        tmp_path / "late.mkv",
        *("-f", "lavfi", "-i", "testsrc2=size=160x120:rate=10", "-itsoffset", "1.5"),
        *("-f", "lavfi", "-i", "sine=sample_rate=16000", "-t", "3"),
        *("-c:v", "libx264", "-bf", "0", "-g", "10", "-c:a", "aac"),
    )
    stored = by_hand(path)
    assert next(fragments(stored.body)).runs[1].decode_time == 0
    # By hand all begins at once: move the sound as the recorder does for a track that comes later.
    late = bytearray(stored.body)
    second = late.index(b"tfdt", late.index(b"tfdt") + 4)
    late[second + 8 : second + 16] = (24_000).to_bytes(8)
    movie = tmp_path / "movie.mp4"
    data, _ = written([Stored(header=stored.header, fragments=(bytes(late),))], [START_US])
    movie.write_bytes(data)
    streams, _ = probed(movie)
    assert float(streams[0]["start_time"]) == 0
    assert float(streams[1]["start_time"]) == pytest.approx(1.5, abs=0.01)


def test_pictures_of_an_open_group_before_the_first_one_get_no_negative_time(
    tmp_path: Path,
) -> None:
    """As received by RTP, which says only when a picture is shown: cut where a group begins."""
    whole = made(
        tmp_path / "open.mkv",
        *("-f", "lavfi", "-i", "testsrc2=size=160x120:rate=10", "-t", "3", "-c:v", "libx265"),
        *("-x265-params", "log-level=none:open-gop=1:keyint=10:min-keyint=10:bframes=3:scenecut=0"),
    )
    samples = Samples()
    with av.open(whole) as source:
        header = describe([source.streams.video[0]])
        keyframes = 0
        for packet in source.demux(video=0):
            keyframes += packet.is_keyframe
            if packet.size and keyframes > 1:
                samples.payloads.append(bytes(packet))
                samples.dts.append(None)
                samples.pts.append(packet.pts)
                samples.keys.append(packet.is_keyframe)
    first = samples.pts[0]
    assert first is not None
    assert min(filter(None, samples.pts)) < first, "the clip has no open group"
    track = Track(
        index=0,
        codec="hevc",
        video=True,
        framing=Framing.LENGTH_4,
        time_base=Fraction(1, 1000),
    )
    data = FragmentBuilder([track], header).build({0: samples}, {}, 0, 2 * US)
    path = tmp_path / "movie.mp4"
    path.write_bytes(written([Stored(header=header.data, fragments=(data,))], [START_US])[0])
    command = ["ffprobe", "-v", "error", "-ignore_editlist", "1", "-show_packets", "-of", "json"]
    done = subprocess.run([*command, path], capture_output=True, check=True)
    assert min(int(each["pts"]) for each in json.loads(done.stdout)["packets"]) == 0
    _, shown = probed(path)
    keyframe = next(each for each in shown if "K" in each["flags"])
    assert float(keyframe["pts_time"]) == pytest.approx(0, abs=0.001)
    check_decodes(path)


def test_times_beyond_32_bits_are_written_in_64(tmp_path: Path) -> None:
    stored = of_clip(Clip())
    after_2040 = 2_300_000_000 * US
    data, _ = written(stored[:1], [after_2040])
    boxes = list(parse(data))
    for path in ("/moov/mvhd", "/moov/trak/tkhd", "/moov/trak/mdia/mdhd"):
        body = one(boxes, path)
        assert body[0] == 1
        (created,) = unpack_from(">Q", body, 4)
        assert datetime(1904, 1, 1, tzinfo=UTC) + timedelta(
            seconds=created
        ) == datetime.fromtimestamp(2_300_000_000, UTC)
    path_ = tmp_path / "movie.mp4"
    path_.write_bytes(data)
    streams, _ = probed(path_)
    assert float(streams[0]["duration"]) == pytest.approx(2, abs=0.1)


@settings(max_examples=60, deadline=None)
@given(
    steps=st.lists(
        st.tuples(st.integers(1, 4), st.integers(-900_000, 900_000)), min_size=1, max_size=8
    )
)
def test_whenever_segments_come_samples_follow_each_other_at_about_their_time(
    steps: list[tuple[int, int]],
) -> None:
    """Each step is a segment of some pictures a second long, and how far it begins from its end."""
    movie = Movie(synthetic.HEADER.data, PROVENANCE)
    given_ = []
    parts: list[bytes | memoryview] = []
    at = START_US
    digest = UnitDigest(nal=False)
    for number, (seconds, off) in enumerate(steps):
        if number:
            at = max(at + off, START_US)
        builder = synthetic.builder()
        for second in range(seconds):
            pictures = [picture(number * 100 + second * 10 + n) for n in range(4)]
            data = synthetic.fragment(builder, pictures, at + second * US)
            [found] = fragments(data)
            if second == 0:
                begun = at
                movie.segment(at, found)
            parts += movie.add(data, found)
            if second == 0:
                given_.append((begun, movie.at_us))
            digest.add([len(each) for each in pictures], b"".join(pictures))
        at += seconds * US
    data = b"".join([*parts, movie.end()])
    boxes = list(parse(data))
    stbl = "/moov/trak/mdia/minf/stbl"
    stts, co64, stsc, stsz = (
        one(boxes, f"{stbl}/{each}") for each in ("stts", "co64", "stsc", "stsz")
    )
    rows = [unpack_from(">II", stts, 8 + 8 * n) for n in range(*unpack_from(">I", stts, 4))]
    durations = [duration for count, duration in rows for _ in range(count)]
    assert min(durations) >= 1
    (count,) = unpack_from(">I", stsz, 8)
    sizes = unpack_from(f">{count}I", stsz, 12)
    assert len(durations) == count
    # Every chunk here holds the four pictures of a fragment.
    (chunks,) = unpack_from(">I", co64, 4)
    assert unpack_from(">IIII", stsc, 4) == (1, 1, 4, 1)
    offsets = unpack_from(f">{chunks}Q", co64, 8)
    measured = UnitDigest(nal=False)
    for chunk, offset in enumerate(offsets):
        mine = sizes[chunk * 4 : chunk * 4 + 4]
        measured.add(mine, data[offset : offset + sum(mine)])
    assert measured.digest() == digest.digest() == movie.digests()[1]
    # A segment that begins before the last one is over can follow it only.
    behind = 0
    for begun, placed in given_:
        late = placed - (begun - START_US)
        assert late >= -250_100
        behind = max(behind, late)
    overlaps = -sum(min(off, 0) for _, off in steps[1:])
    assert behind <= overlaps + 250_100
