"""`manifest.json`, and beside each video where every part of it comes from: for programs to read."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from ..ledger.entry import Json
from .order import PackageOrder, PackedFile, PackedVideo
from .reel import Missing, Part

FORMAT: Final = "camera-steward-package/1"
_DIGEST: Final = (
    "SHA-256 over, for each encoded unit in order, its length (4 bytes, big-endian) and its bytes. "
    "Units are NAL units for H.264 and H.265, else samples."
)


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()


def part_data(part: Part, at_seconds: float) -> Json:
    """Return what is told of one segment that a video was made from.

    `stored_units` are the unit digests that were made when the camera sent it, `units` those of
    what was written now: equal for a segment that went in whole, null for one that did not.
    `segment_digest` is over the stored ones, as the vault's index has it.
    """
    segment = part.segment
    return {
        "segment": segment.sequence,
        "recorded_at": _time(segment.stamp_at),
        "start_at": _time(segment.start_at),
        "end_at": _time(segment.end_at),
        "at_seconds": round(at_seconds, 6),
        "whole": part.whole,
        "recovered": part.trailer.recovered,
        "hash": part.hash_name,
        "units": _hex(part.digests()) if part.whole else None,
        "stored_units": _hex(part.trailer.digests),
        "segment_digest": part.trailer.digest.hex(),
    }


def _hex(digests: Mapping[int, bytes]) -> Json:
    return {str(number): digest.hex() for number, digest in digests.items()}


def _file(file: PackedFile) -> dict[str, Json]:
    return {"name": file.name, "size_bytes": file.size_bytes, "sha256": file.sha256}


def _video(video: PackedVideo) -> Json:
    return {
        **_file(video.file),
        "parts": video.parts.name,
        "camera": video.camera,
        "start_at": _time(video.start_at),
        "end_at": _time(video.end_at),
        "continues": video.continues,
        "segments": video.segments,
        "codecs": {str(number): codec for number, codec in video.codecs.items()},
        "units": {str(number): digest for number, digest in video.digests.items()},
    }


def manifest(
    order: PackageOrder,
    made_at: datetime,
    videos: Iterable[PackedVideo],
    missing: Sequence[Missing],
    key_fingerprint: str,
) -> Json:
    """Return the manifest; all times in UTC."""
    checkpoint = order.checkpoint
    return {
        "format": FORMAT,
        "number": order.number,
        "made_at": _time(made_at),
        "installer": order.installer,
        "kind": order.kind,
        "particulars": dict(order.particulars),
        "recipient": order.recipient,
        "reason": order.reason,
        "identity": order.identity,
        "manager": order.manager,
        "approved_at": _time(order.approved_at),
        "in_charge": order.in_charge,
        "witness": order.witness or None,
        "hold": order.hold,
        "clock": {
            "trusted": order.clock.trusted,
            "synchronised": order.clock.synchronised,
            "error_seconds": order.clock.error_seconds,
            "compared_at": None
            if order.clock.compared_at is None
            else _time(order.clock.compared_at),
        },
        "asked_for": [
            {
                "camera": each.camera,
                "name": each.name,
                "start_at": _time(each.start_at),
                "end_at": _time(each.end_at),
            }
            for each in order.spans
        ],
        "videos": [_video(each) for each in videos],
        "missing": [
            {
                "camera": each.camera,
                "start_at": _time(each.start_at),
                "end_at": _time(each.end_at),
                "causes": list(each.causes),
            }
            for each in missing
        ],
        "unit_digest": _DIGEST,
        "ledger_checkpoint": None if checkpoint is None else checkpoint.to_data(),
        "signed_by": key_fingerprint,
    }
