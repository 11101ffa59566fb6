"""Make `golden-2`, a vault that every later version must read: `python -m tests.core.data.make_golden`.

It was made once and is never made again under the same name: a new format gets a folder of its own.
"""

import json
import shutil
import sys
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from custom_components.camera_steward.core.capture.recorder import Recorder
from custom_components.camera_steward.core.media.boxes import tracks
from custom_components.camera_steward.core.model import Segment
from tests.cameras import Clip, unit_digest, units
from tests.core.played import file_source, play
from tests.core.vault_site import SITE_KEY, VAULT, Site

DOOR = Clip(audio="aac", width=160, height=120, rate=5, seconds=6)
YARD = Clip(video="mjpeg", width=160, height=120, rate=2, seconds=5)
HERE = Path(__file__).parent


def make(target: Path) -> None:
    """Record into a new vault and write down what a reader must find."""
    with TemporaryDirectory() as folder:
        site = Site(Path(folder))
        six = timedelta(seconds=6)
        site.clock.at = site.clock.at.replace(minute=59, second=50)
        play(site, "door", file_source(DOOR.path()), segment_length=six)
        play(site, "yard", file_source(YARD.path()), segment_length=six)
        site.clock.advance(timedelta(minutes=1))
        play(site, "door", file_source(DOOR.path()), end=Recorder.abandon)
        site.restart()
        play(site, "yard", file_source(YARD.path()), segment_length=six)
        play(site, "yard", file_source(YARD.path()), end=Recorder.abandon)
        (unsealed,) = site.index.open_segments()
        shutil.copytree(site.root, target / "vault")
        expected = {
            "format": 2,
            "vault": str(VAULT),
            "site_key": SITE_KEY.hex(),
            "sealed": [_expected(site, row) for row in site.rows() if row.digest],
            "unsealed": str(site.path(unsealed).relative_to(site.root)),
        }
        site.restart()
        expected["after_recovery"] = _expected(site, site.row(unsealed.sequence))
        site.close()
        (target / "golden.json").write_text(json.dumps(expected, indent=1) + "\n")


def _expected(site: Site, row: Segment) -> dict[str, object]:
    media = site.media(row)
    reader = site.vault.open_segment(row)
    reader.close()
    kinds = {each.track: "video" if each.handler == "vide" else "audio" for each in tracks(media)}
    return {
        "path": str(site.path(row).relative_to(site.root)),
        "camera": row.camera,
        "sequence": row.sequence,
        "state": row.state.value,
        "start_at": row.start_at.isoformat(),
        "end_at": row.end_at.isoformat(),
        "size_bytes": row.size_bytes,
        "media_bytes": reader.media_bytes,
        "digest": row.digest.hex(),
        "fragments": [[f.offset, f.length, f.start_us] for f in reader.trailer.fragments],
        "units": {
            kind: {
                "count": len(units(media, kind)),  # type: ignore[arg-type]
                "digest": unit_digest(units(media, kind)).hex(),  # type: ignore[arg-type]
                "track": track,
            }
            for track, kind in kinds.items()
        },
    }


if __name__ == "__main__":
    if (HERE / "golden-2").exists():
        sys.exit("golden-2 is there already and stays as it is")
    (HERE / "golden-2").mkdir()
    make(HERE / "golden-2")
