"""Read a segment: any span of its media, by byte or by time, without touching the rest."""

from bisect import bisect_right
from collections.abc import Callable, Iterator
from datetime import timedelta

from ..errors import FootageError
from ..files import ReadableFile
from ..media.boxes import UnitHash
from .format import (
    CHUNK_BYTES,
    HEADER_BYTES,
    SEALED_CHUNK_BYTES,
    TAG_BYTES,
    ChunkCipher,
    FragmentEntry,
    Trailer,
    trailer_length,
)


class SegmentReader:
    """A sealed segment, opened; used by one thread. Each chunk is checked as it is read."""

    def __init__(self, file: ReadableFile, cipher: ChunkCipher) -> None:
        """Read the trailer; `FootageError` when the segment was cut off or changed."""
        self._file = file
        self._cipher = cipher
        body = file.size - HEADER_BYTES
        self._chunks = -(-body // SEALED_CHUNK_BYTES)
        if body <= TAG_BYTES:
            raise FootageError("segment is cut off")
        self._held: tuple[int, bytes, bool] = (-1, b"", False)
        self._plain_bytes = body - self._chunks * TAG_BYTES
        if self._plain_bytes < 4:
            raise FootageError("segment is cut off")
        self._recovered = self._sealed_by_recovery()
        length = trailer_length(self._read(self._plain_bytes - 4, 4))
        start = self._plain_bytes - 4 - length
        if start < 0:
            raise FootageError("trailer cannot be read")
        self.trailer = Trailer.unpack(self._read(start, length))
        if not 0 <= self.trailer.media_bytes <= start:
            raise FootageError("trailer cannot be read")
        if self.trailer.recovered is not self._recovered:
            raise FootageError("trailer cannot be read")

    @property
    def unit_hash(self) -> Callable[[], UnitHash]:
        """Return the hash of the unit digest of its format."""
        return self._cipher.unit_hash

    @property
    def chunk_count(self) -> int:
        """Return how many chunks it has."""
        return self._chunks

    @property
    def format(self) -> int:
        """Return the format of its header."""
        return self._cipher.format

    @property
    def media_bytes(self) -> int:
        """Return the length of the media."""
        return self.trailer.media_bytes

    def read(self, offset: int, length: int) -> bytes:
        """Return media bytes [offset, offset + length), shorter only at the end."""
        if offset < 0 or length < 0:
            raise ValueError("offset and length are at least 0")
        return self._read(offset, min(length, max(self.media_bytes - offset, 0)))

    def header(self) -> bytes:
        """Return the media's leading boxes."""
        return self.read(0, self.trailer.header_bytes)

    def fragments_between(self, start: timedelta, end: timedelta) -> list[FragmentEntry]:
        """Return the fragments that show [start, end), times from the segment's stamp.

        The first begins with the keyframe at or before `start`, as decoding needs it.
        """
        entries = self.trailer.fragments
        starts = [each.start_us for each in entries]
        first = max(bisect_right(starts, start // timedelta(microseconds=1)) - 1, 0)
        while first > 0 and not entries[first].keyframe:
            first -= 1
        last_us = end // timedelta(microseconds=1)
        return [each for each in entries[first:] if each.start_us < last_us]

    def check(self) -> None:
        """Authenticate every chunk; `FootageError` names the first that fails."""
        for number in range(self._chunks):
            self._chunk(number)

    def chunks(self) -> Iterator[tuple[bytes, bool]]:
        """Yield the plaintext of every chunk, trailer included, and whether recovery wrote it."""
        for number in range(self._chunks):
            yield self._chunk(number), self._held[2]

    def close(self) -> None:
        """Let go of the file."""
        self._held = (-1, b"", False)
        self._file.close()

    def _read(self, offset: int, length: int) -> bytes:
        parts = []
        while length > 0:
            number, inside = divmod(offset, CHUNK_BYTES)
            part = self._chunk(number)[inside : inside + length]
            if not part:
                raise FootageError("segment is cut off")
            parts.append(part)
            offset += len(part)
            length -= len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _sealed_by_recovery(self) -> bool:
        """Return who wrote the final chunk."""
        self._recovered = True
        self._chunk(self._chunks - 1)
        return self._held[2]

    def _chunk(self, number: int) -> bytes:
        if self._held[0] != number:
            data = self._file.read(HEADER_BYTES + number * SEALED_CHUNK_BYTES, SEALED_CHUNK_BYTES)
            final = number == self._chunks - 1
            recovery = False
            try:
                plain = self._cipher.open(number, data, final=final)
            except FootageError:
                if not self._recovered:
                    raise
                recovery = True
                plain = self._cipher.open(number, data, final=final, recovery=True)
            self._held = (number, plain, recovery)
        return self._held[1]
