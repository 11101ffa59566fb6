"""At start: seal what a crash left open, cut back to its last whole fragment."""

from dataclasses import dataclass, replace
from datetime import timedelta

from ..errors import FootageError, SegmentMissingError
from ..media.boxes import BoxError, digests, fragments, tracks
from ..model import Segment, SegmentState, to_micros
from .format import (
    HEADER_BYTES,
    SEALED_CHUNK_BYTES,
    FragmentEntry,
    Trailer,
)
from .vault import Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """What became of one segment that was open: kept in part, empty, or damaged."""

    segment: Segment
    dropped_bytes: int
    damaged: bool = False


def recover(vault: Vault) -> list[Recovery]:
    """Seal every segment that was left open; call before anything is recorded.

    Looks at the index's open rows and at files of each camera's newest hours that the index does
    not know (a power cut may take the index's last rows, never a synced file). A file that was
    sealed is only entered. Nothing that can be read is dropped.
    """
    vault.check()
    results = []
    seen = set()
    for segment in vault.index.open_segments():
        seen.add(segment.sequence)
        results.append(_recover_one(vault, segment, known=True))
    for camera in vault.camera_folders():
        for found in vault.recent(camera):
            sequence, stamp_at = found.sequence, found.stamp_at
            if sequence is None or stamp_at is None or sequence in seen:
                continue
            if vault.index.knows(sequence):
                continue
            segment = Segment(
                sequence=sequence,
                camera=camera,
                stamp_at=stamp_at,
                start_at=stamp_at,
                end_at=stamp_at,
                size_bytes=0,
                state=SegmentState.OPEN,
            )
            results.append(_recover_one(vault, segment, known=False))
    vault.resume_after_recovery()
    return results


def recover_camera(vault: Vault, camera: str) -> list[Recovery]:
    """Seal what a fault of the storage left open; only while nothing records this camera."""
    return [
        _recover_one(vault, segment, known=True)
        for segment in vault.index.open_segments()
        if segment.camera == camera
    ]


def _recover_one(vault: Vault, segment: Segment, *, known: bool) -> Recovery:
    try:
        reader = vault.open_segment(segment)
    except SegmentMissingError:
        vault.index.forget([segment.sequence])
        return Recovery(segment=segment, dropped_bytes=0)
    except FootageError:
        outcome, size, dropped = _seal_whole_part(vault, segment)
    else:
        outcome, dropped = reader.trailer, 0
        reader.close()
        size = _size(vault, segment)
    if outcome is None and size <= HEADER_BYTES:
        # Only a header: no frame was ever in it.
        vault.erase([segment])
        vault.index.forget([segment.sequence])
        return Recovery(segment=segment, dropped_bytes=size)
    closed = replace(segment, size_bytes=size, state=SegmentState.RECOVERED)
    if outcome is not None:
        closed = replace(
            closed,
            end_at=segment.stamp_at + timedelta(microseconds=outcome.length_us),
            digest=outcome.digest,
            state=SegmentState.RECOVERED if outcome.recovered else SegmentState.SEALED,
        )
    if known:
        vault.index.seal(
            closed.sequence,
            end_at=closed.end_at,
            size_bytes=closed.size_bytes,
            state=closed.state,
            digest=closed.digest,
        )
    else:
        vault.index.add([closed])
    return Recovery(segment=closed, dropped_bytes=dropped, damaged=outcome is None)


def _size(vault: Vault, segment: Segment) -> int:
    file = vault.files.open(vault.path_of(segment))
    try:
        return file.size
    finally:
        file.close()


def _seal_whole_part(vault: Vault, segment: Segment) -> tuple[Trailer | None, int, int]:
    """Return the new trailer (None when nothing can be read), the file's size, bytes dropped."""
    path = vault.path_of(segment)
    file = vault.files.open(path)
    try:
        size = file.size
        media = bytearray()
        whole = 0
        try:
            cipher = vault.cipher_of(segment, file.read(0, HEADER_BYTES))
            for number in range((size - HEADER_BYTES) // SEALED_CHUNK_BYTES):
                data = file.read(HEADER_BYTES + number * SEALED_CHUNK_BYTES, SEALED_CHUNK_BYTES)
                media += cipher.open(number, data)
                whole += 1
        except FootageError:
            # The first chunk that fails ends what is whole; before it nothing is in doubt.
            pass
    finally:
        file.close()
    if not whole:
        return None, size, 0
    trailer = _trailer(segment, bytes(media))
    if trailer is None:
        return None, size, 0
    keep = HEADER_BYTES + whole * SEALED_CHUNK_BYTES
    target = vault.files.reopen(path, keep)
    try:
        # Only ever this one plaintext under this nonce: the trailer follows from the chunks alone.
        final = cipher.seal(whole, trailer.pack(), final=True)
        target.append(final)
        target.sync()
    finally:
        target.close()
    return trailer, keep + len(final), size - keep


def _trailer(segment: Segment, media: bytes) -> Trailer | None:
    found = list(fragments(media))
    if not found:
        return None
    try:
        declared = tracks(media)
    except BoxError:
        return None
    video = next((t for t in declared if t.handler == "vide"), declared[0])
    stamp_us = to_micros(segment.stamp_at)
    last = found[-1]
    tail_us = max(
        (
            sum(run.durations) * 1_000_000 // video.timescale
            for run in last.runs
            if run.track == video.track
        ),
        default=0,
    )
    end = last.offset + last.length
    return Trailer(
        media_bytes=end,
        length_us=max(last.captured_us - stamp_us + tail_us, 0),
        header_bytes=found[0].offset,
        fragments=tuple(
            FragmentEntry(
                offset=each.offset,
                length=each.length,
                start_us=each.captured_us - stamp_us,
                keyframe=any(r.keyframe for r in each.runs if r.track == video.track),
            )
            for each in found
        ),
        digests=digests(media[:end]),
        recovered=True,
    )
