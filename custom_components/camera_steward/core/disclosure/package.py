"""The package that is handed over: an encrypted archive, made while it is sent, and never kept.

What is in it: docs/design/handover.md. Footage is in the clear in memory only, a fragment or two
at a time (INV-6).
"""

import json
import stat
import zlib
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from stream_zip import ZIP_64, MemberFile, stream_zip

from ..ledger.entry import Json
from ..media.movie import Movie, Provenance
from ..model import Gap, Segment, to_micros
from ..vault.reader import SegmentReader
from ..vault.vault import Vault
from . import signing
from .manifest import manifest, part_data
from .order import PackageOrder, PackageResult, PackedFile, PackedVideo
from .papers import read_me, record
from .reel import BREAK, Missing, Part, Piece, Reel, Source, WantedSpan, survey

_SLICE_BYTES: Final = 128 * 1024
"""How much goes through digest and cipher at once: little enough for the processor's cache."""

_CHUNK_BYTES: Final = 128 * 1024
_MODE: Final = stat.S_IFREG | 0o600
_FIRST_AT: Final = datetime(1980, 1, 2, tzinfo=UTC)
"""A ZIP knows no earlier date, whatever the time zone."""


class VaultSource:
    """The live vault as a source."""

    def __init__(self, vault: Vault) -> None:
        """Take footage as the vault's index finds it: what is marked for erasing is left out."""
        self._vault = vault

    def segments(self, camera: str, start: datetime, end: datetime) -> list[Segment]:
        """Return the segments that reach into [start, end), oldest first."""
        return self._vault.index.segments(camera, start, end)

    def gaps(self, camera: str, start: datetime, end: datetime) -> list[Gap]:
        """Return the gaps on record that reach into [start, end), oldest first."""
        return self._vault.index.gaps(camera, start, end)

    def open_segment(self, segment: Segment) -> SegmentReader:
        """Open a closed segment."""
        return self._vault.open_segment(segment)


class Package:
    """One archive, to be gone through once, by one thread; any thread may read how far it is.

    Nothing is opened before the first byte is asked for. Whoever stops before the end calls
    `close`, in the thread that went through it.
    """

    def __init__(
        self,
        order: PackageOrder,
        source: Source,
        *,
        signing_key: Ed25519PrivateKey,
        password: str,
        now: datetime,
    ) -> None:
        """Look at what there is; nothing has left yet.

        Raise `SpanEmptyError`, `SpanFutureError`, or `NoFootageError` when of all that is ordered
        nothing is kept.
        """
        self._found = survey(source, order.spans, now)
        self._order = order
        self._source = source
        self._key = signing_key
        self._fingerprint = signing.fingerprint(signing_key.public_key())
        self._now = now
        self._modified_at = max(now, _FIRST_AT).astimezone(order.time_zone)
        # Now rather than at the end of a long package: an order that cannot be printed.
        record(order, now, (), (), self._fingerprint)
        self._done_bytes = 0
        self._size = 0
        self._hash = sha256()
        self._whole = False
        self._files: list[PackedFile] = []
        self._videos: list[PackedVideo] = []
        self._missing: list[Missing] = []
        self._pieces: Iterator[Piece] = iter(())
        self._archive = iter(
            stream_zip(
                self._members(),
                chunk_size=_CHUNK_BYTES,
                # Footage does not get smaller.
                get_compressobj=lambda: zlib.compressobj(level=0, wbits=-zlib.MAX_WBITS),
                password=password,
                # In these seconds have 32 bits; without them the date has no time zone.
                extended_timestamps=now.timestamp() < 2**31,
            )
        )

    def __iter__(self) -> Iterator[bytes]:
        """Yield the archive, 128 KiB at a time at most."""
        for chunk in self._archive:
            self._hash.update(chunk)
            self._size += len(chunk)
            yield chunk
        self._whole = True

    def close(self) -> None:
        """Let go of what is open; harmless when repeated."""
        for each in (self._archive, self._pieces):
            if (close := getattr(each, "close", None)) is not None:
                close()

    @property
    def done_bytes(self) -> int:
        """Return how much footage went out, in bytes as stored."""
        return self._done_bytes

    @property
    def total_bytes(self) -> int:
        """Return how much footage there is to send, about; it may end earlier or later."""
        return self._found.size_bytes

    @property
    def fingerprint(self) -> str:
        """Return the signing key's fingerprint, to be compared by another way."""
        return self._fingerprint

    def result(self) -> PackageResult:
        """Return what went out until now."""
        return PackageResult(
            whole=self._whole,
            size_bytes=self._size,
            sha256=self._hash.hexdigest(),
            files=tuple(self._files),
            videos=tuple(self._videos),
            missing=tuple(self._missing),
        )

    def _members(self) -> Iterator[MemberFile]:
        """Yield the files; each is asked for when the one before is through."""
        public = self._key.public_key()
        for language, text in read_me(self._order, self._fingerprint).items():
            yield self._member(f"READ-ME.{language}.txt", text)
        yield self._member("signer.pub", signing.public_line(public))
        yield self._member("allowed_signers", signing.allowed_signers(public))
        for span in self._order.spans:
            yield from self._of_span(span)
        told = (self._order, self._now, self._videos, self._missing, self._fingerprint)
        yield self._member("manifest.json", _json(manifest(*told)))
        for language, text in record(*told).items():
            yield self._member(f"record.{language}.html", text)
        sums = "".join(f"{each.sha256}  {each.name}\n" for each in self._files)
        yield self._member("SHA256SUMS", sums)
        yield self._member("SHA256SUMS.sig", signing.sign(self._key, sums.encode()))

    def _of_span(self, span: WantedSpan) -> Iterator[MemberFile]:
        reel = Reel(self._source, span)
        self._pieces = reel.pieces()
        ahead = next(self._pieces, None)
        before: PackedVideo | None = None
        while ahead is not None:
            film = _Film(self._order, self._now, self._name(span, ahead), span, ahead)
            yield self._streamed(film.name, film.write(self._pieces, self._went))
            file = self._files[-1]
            yield self._member(f"{film.stem}.json", _json(film.parts()))
            continues = None
            if before is not None and abs(film.start_at - before.end_at) <= BREAK:
                continues = before.file.name
            before = film.packed(file, self._files[-1], continues)
            self._videos.append(before)
            ahead = film.ahead
        self._missing += reel.missing

    def _name(self, span: WantedSpan, piece: Piece) -> str:
        """Return the stem of a video's name, which says nothing of the place."""
        cameras = list(dict.fromkeys(each.camera for each in self._order.spans))
        stamp = f"{piece.start_at.astimezone(UTC):%Y%m%dT%H%M%SZ}"
        stem = f"video/camera-{cameras.index(span.camera) + 1:02}_{stamp}"
        taken = sum(each.file.name.startswith(stem) for each in self._videos)
        return f"{stem}-{taken + 1}" if taken else stem

    def _went(self, size: int) -> None:
        self._done_bytes += size

    def _member(self, name: str, text: str) -> MemberFile:
        return self._streamed(name, (text.encode(),))

    def _streamed(self, name: str, chunks: Iterable[memoryview | bytes]) -> MemberFile:
        return name, self._modified_at, _MODE, ZIP_64, self._counted(name, chunks)

    def _counted(self, name: str, chunks: Iterable[memoryview | bytes]) -> Iterator[bytes]:
        digest = sha256()
        size = 0
        for chunk in chunks:
            view = memoryview(chunk)
            for at in range(0, len(view), _SLICE_BYTES):
                part = bytes(view[at : at + _SLICE_BYTES])
                digest.update(part)
                size += len(part)
                yield part
        self._files.append(PackedFile(name=name, size_bytes=size, sha256=digest.hexdigest()))


class _Film:
    """One file of footage: a camera's continuous span with one header, an hour at most."""

    def __init__(
        self, order: PackageOrder, now: datetime, stem: str, span: WantedSpan, first: Piece
    ) -> None:
        self._first = first.part
        self._span = span
        self._movie = Movie(
            first.part.header,
            Provenance(
                unit=f"{order.installer} (Camera Steward)",
                operator=order.in_charge,
                source=span.name,
                exported_us=to_micros(now),
            ),
        )
        self.stem = stem
        self.name = f"{stem}.{'mov' if self._movie.quicktime else 'mp4'}"
        self.start_at, self.end_at = first.start_at, first.end_at
        self.ahead: Piece | None = first
        self._parts: list[tuple[Part, int]] = []

    def write(
        self, pieces: Iterator[Piece], went: Callable[[int], None]
    ) -> Iterator[memoryview | bytes]:
        """Yield the file's bytes; afterwards `ahead` is the first piece of the next one."""
        part: Part | None = None
        while (piece := self.ahead) is not None and piece.continues(
            part, begun_at=self.start_at, end_at=self.end_at
        ):
            new, part = piece.part is not part, piece.part
            if new:
                self._movie.segment(to_micros(piece.start_at), piece.found)
            yield from self._movie.add(piece.data, piece.found)
            piece.part.take(piece.data, piece.found)
            if new:
                self._parts.append((piece.part, self._movie.at_us))
            self.end_at = piece.end_at
            went(len(piece.data))
            self.ahead = next(pieces, None)
        yield self._movie.end()

    def parts(self) -> Json:
        """Return what is told of the segments that it was made from."""
        return {
            "video": self.name,
            "segments": [part_data(part, at_us / 1_000_000) for part, at_us in self._parts],
        }

    def packed(self, file: PackedFile, parts: PackedFile, continues: str | None) -> PackedVideo:
        """Return what was written, by name, digest and time."""
        return PackedVideo(
            file=file,
            parts=parts,
            camera=self._span.camera,
            name=self._span.name,
            start_at=self.start_at,
            end_at=self.end_at,
            codecs={n: each.entry for n, each in self._first.stored.items()},
            digests={n: digest.hex() for n, digest in self._movie.digests().items()},
            segments=len(self._parts),
            continues=continues,
        )


def _json(data: Json) -> str:
    return json.dumps(data, ensure_ascii=False, indent=1) + "\n"
