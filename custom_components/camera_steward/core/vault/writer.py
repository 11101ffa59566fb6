"""Write one segment: fragments in, encrypted chunks out, durable within seconds, sealed at the end."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from ..clock import Clock
from ..errors import StorageError
from ..files import WritableFile
from ..media.boxes import free_box
from .format import CHUNK_BYTES, ChunkCipher, FragmentEntry, Trailer

SYNC_EVERY = timedelta(seconds=3)
"""With fragments of at most 3 s, what a power cut can cost stays below 10 s (INV-2)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """What a closed segment is: its length in time, its file's bytes and its digest."""

    length: timedelta
    size_bytes: int
    digest: bytes


class SegmentWriter:
    """A segment being written; owned by one thread.

    Whole chunks are appended as they fill. A chunk that waits too long is filled up with a free
    box, which players skip, because a chunk may never be written twice under one nonce. For the same
    reason a writer that failed once takes nothing more.
    """

    def __init__(
        self,
        file: WritableFile,
        cipher: ChunkCipher,
        header: bytes,
        media_header: bytes,
        clock: Clock,
        on_sealed: Callable[[Sealed], None],
        sequence: int,
    ) -> None:
        """Begin with the file's header and the media's leading boxes; durable on return."""
        self._file = file
        self._cipher = cipher
        self._clock = clock
        self._on_sealed = on_sealed
        self._chunks = 0
        self._written = len(header)
        self._tail = bytearray()
        self._media_bytes = 0
        self._header_bytes = len(media_header)
        self._fragments: list[FragmentEntry] = []
        self._synced_at = self._tail_since = clock.elapsed()
        self._over = False
        self.sequence = sequence
        self.closed = False
        file.append(header)
        self._push(media_header)
        file.sync()

    @property
    def media_bytes(self) -> int:
        """Return the bytes of media taken so far."""
        return self._media_bytes

    def append(self, fragment: bytes, start_us: int, *, keyframe: bool) -> None:
        """Take a fragment that starts `start_us` after the segment's stamp.

        On return it is on disk or in memory; it is durable about `SYNC_EVERY` later at the next
        call, or when sealed. After an error of the storage only `abandon` is left.
        """
        self._begin()
        self._fragments.append(
            FragmentEntry(
                offset=self._media_bytes,
                length=len(fragment),
                start_us=start_us,
                keyframe=keyframe,
            )
        )
        self._push(fragment)
        self._settle()
        self._over = False

    def settle(self) -> None:
        """Make durable what has waited `SYNC_EVERY`; for when nothing comes to append."""
        self._begin()
        self._settle()
        self._over = False

    def seal(self, length: timedelta, digests: dict[int, bytes]) -> Sealed:
        """Write trailer and final chunk; the segment is durable and indexed on return."""
        self._begin()
        trailer = Trailer(
            media_bytes=self._media_bytes,
            length_us=length // timedelta(microseconds=1),
            header_bytes=self._header_bytes,
            fragments=tuple(self._fragments),
            digests=digests,
        )
        rest = self._cipher.seal_rest(self._chunks, bytes(self._tail) + trailer.pack())
        self._file.append(rest)
        self._file.sync()
        self._file.close()
        sealed = Sealed(length=length, size_bytes=self._written + len(rest), digest=trailer.digest)
        self._on_sealed(sealed)
        self.closed = True
        return sealed

    def abandon(self) -> None:
        """Let go of the file unsealed; recovery seals what is whole."""
        self._over = True
        self._file.close()
        self.closed = True

    def _begin(self) -> None:
        """Be over until it is known that all was written."""
        if self._over:
            raise StorageError("segment was let go")
        self._over = True

    def _settle(self) -> None:
        now = self._clock.elapsed()
        if self._tail and now - self._tail_since >= SYNC_EVERY:
            missing = -len(self._tail) % CHUNK_BYTES
            self._push(free_box(missing if missing >= 8 else missing + CHUNK_BYTES))
        if now - self._synced_at >= SYNC_EVERY:
            self._file.sync()
            self._synced_at = now

    def _push(self, data: bytes) -> None:
        """Encrypt and write the whole chunks that `data` completes; keep the rest."""
        self._media_bytes += len(data)
        missing = CHUNK_BYTES - len(self._tail)
        if len(data) < missing:
            self._tail += data
            return
        view = memoryview(data)
        self._tail += view[:missing]
        self._write_chunk(self._tail)
        at = missing
        while at + CHUNK_BYTES <= len(view):
            self._write_chunk(view[at : at + CHUNK_BYTES])
            at += CHUNK_BYTES
        self._tail = bytearray(view[at:])
        self._tail_since = self._clock.elapsed()

    def _write_chunk(self, chunk: bytearray | memoryview) -> None:
        sealed = self._cipher.seal(self._chunks, chunk)
        self._file.append(sealed)
        self._chunks += 1
        self._written += len(sealed)
