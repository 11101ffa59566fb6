"""At start: seal what a crash left open, cut back to its last whole fragment."""

import contextlib
from dataclasses import dataclass, replace
from datetime import timedelta

from ..errors import FootageError, SegmentMissingError, StorageError
from ..media.boxes import BoxError, MediaScan
from ..model import Segment, SegmentState, to_micros
from .format import (
    HEADER_BYTES,
    SEALED_CHUNK_BYTES,
    FragmentEntry,
    Trailer,
)
from .vault import Vault

_EMPTY = Trailer(media_bytes=0, length_us=0, header_bytes=0, fragments=(), digests={})
"""Stands for a file in which no fragment was ever whole."""


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
    sealed is only entered. One that the storage refuses to seal now, as when it is full, stays open
    and is sealed by `recover_camera` or at the next start; `StorageError` only when the vault
    itself is gone.
    """
    vault.check()
    results = []
    for camera in vault.camera_folders():
        for found in vault.recent(camera):
            if found.sequence is None or vault.index.knows(found.sequence):
                continue
            segment = vault.describe(found)
            vault.index.add([segment])
            if segment.state is not SegmentState.OPEN:
                results.append(
                    Recovery(segment=segment, dropped_bytes=0, damaged=not segment.digest)
                )
    for segment in vault.index.open_segments():
        try:
            results.append(_recover_one(vault, segment))
        except StorageError:
            vault.check()
    for camera in vault.camera_folders():
        with contextlib.suppress(StorageError):
            vault.tidy(camera)
    vault.resume_after_recovery()
    return results


def recover_camera(vault: Vault, camera: str) -> list[Recovery]:
    """Seal what a fault of the storage left open; what is being written is passed over."""
    vault.check()
    with vault.recovering:
        return [
            _recover_one(vault, segment)
            for segment in vault.index.open_segments()
            if segment.camera == camera and not vault.is_written(segment)
        ]


def _recover_one(vault: Vault, segment: Segment) -> Recovery:
    try:
        reader = vault.open_segment(segment)
    except SegmentMissingError:
        vault.check()  # gone by itself, or with the whole vault
        return _forget(vault, segment, 0)
    except FootageError:
        outcome, size, dropped = _seal_whole_part(vault, segment)
    else:
        outcome, dropped = reader.trailer, 0
        reader.close()
        size = _size(vault, segment)
    if outcome is _EMPTY:
        return _forget(vault, segment, size)
    closed = replace(segment, size_bytes=size, state=SegmentState.RECOVERED)
    if outcome is not None:
        closed = replace(
            closed,
            end_at=segment.stamp_at + timedelta(microseconds=outcome.length_us),
            digest=outcome.digest,
            state=SegmentState.RECOVERED if outcome.recovered else SegmentState.SEALED,
        )
    vault.index.seal(
        closed.sequence,
        end_at=closed.end_at,
        size_bytes=closed.size_bytes,
        state=closed.state,
        digest=closed.digest,
    )
    return Recovery(segment=closed, dropped_bytes=dropped, damaged=outcome is None)


def _forget(vault: Vault, segment: Segment, size: int) -> Recovery:
    """Remove what never came to hold a whole fragment; its key goes with the hour's last one."""
    vault.erase([segment])
    vault.index.forget([segment.sequence])
    return Recovery(segment=segment, dropped_bytes=size)


def _size(vault: Vault, segment: Segment) -> int:
    file = vault.files.open(vault.path_of(segment))
    try:
        return file.size
    finally:
        file.close()


def _seal_whole_part(vault: Vault, segment: Segment) -> tuple[Trailer | None, int, int]:
    """Cut a file back to its whole fragments and seal it.

    Return the new trailer, the file's size and the bytes dropped. The trailer is `_EMPTY` when no
    fragment was ever whole, and None when one may have been and cannot be read: that file is left
    as it is.
    """
    path = vault.path_of(segment)
    file = vault.files.open(path)
    whole = 0
    try:
        size = file.size
        if size <= HEADER_BYTES:
            return _EMPTY, size, 0
        chunks = (size - HEADER_BYTES) // SEALED_CHUNK_BYTES
        try:
            cipher = vault.cipher_of(segment, file.read(0, HEADER_BYTES))
        except FootageError:
            return None, size, 0
        scan = MediaScan(cipher.unit_hash)
        try:
            for number in range(chunks):
                data = file.read(HEADER_BYTES + number * SEALED_CHUNK_BYTES, SEALED_CHUNK_BYTES)
                plain = cipher.open(number, data)
                whole += 1
                scan.feed(plain)
        except FootageError, BoxError:
            # The first chunk that fails ends what is whole; before it nothing is in doubt.
            pass
    finally:
        file.close()
    if not scan.fragments:
        return (_EMPTY if whole == chunks else None), size, 0
    trailer = _trailer(segment, scan)
    keep = HEADER_BYTES + whole * SEALED_CHUNK_BYTES
    target = vault.files.reopen(path, keep)
    try:
        # Only ever this one plaintext under this nonce: the trailer follows from the chunks alone,
        # and the nonce says that recovery wrote it.
        rest = cipher.seal_rest(whole, trailer.pack(), recovery=True)
        target.append(rest)
        target.sync()
    finally:
        target.close()
    return trailer, keep + len(rest), size - keep


def _trailer(segment: Segment, scan: MediaScan) -> Trailer:
    found = scan.fragments
    video = next((t for t in scan.tracks if t.handler == "vide"), scan.tracks[0])
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
    return Trailer(
        media_bytes=last.offset + last.length,
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
        digests=scan.digests(),
        recovered=True,
    )
