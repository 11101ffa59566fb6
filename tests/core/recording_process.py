"""A process that records one camera until it is killed: `python -m tests.core.recording_process`.

Arguments: the folder of a `vault_site.Site`, and the camera's address. A line a sealed segment.
"""

import sys
import threading
from datetime import timedelta
from pathlib import Path

from custom_components.camera_steward.core.capture.recorder import RecorderSettings
from custom_components.camera_steward.core.capture.source import Address
from custom_components.camera_steward.core.capture.stream import StreamSource
from custom_components.camera_steward.core.retention.limits import RetentionLimit
from custom_components.camera_steward.core.site import CameraSettings, SiteSettings, StewardEvent
from custom_components.camera_steward.core.steward import Steward

from .vault_site import SITE_KEY, VAULT

DAY = RetentionLimit(duration=timedelta(days=1))


def settings_of(folder: Path) -> SiteSettings:
    """Return the settings of a site whose books and vault are in a folder."""
    return SiteSettings(
        root=folder / "vault",
        vault=VAULT,
        state=folder,
        site_key=SITE_KEY,
        signing_key=bytes(32),
        limit=DAY,
        ceiling=timedelta(days=14),
        reserve_bytes=0,
    )


def camera_of(url: str, name: str = "door", seconds: float = 4) -> CameraSettings:
    """Return a camera that is recorded with its sound."""
    return CameraSettings(
        camera=name,
        source=StreamSource(lambda: Address(url=url), audio=True),
        recorder=RecorderSettings(segment_length=timedelta(seconds=seconds)),
        limit=DAY,
    )


def _tell(event: StewardEvent) -> None:
    print(type(event).__name__, flush=True)


if __name__ == "__main__":
    steward = Steward(settings_of(Path(sys.argv[1])), [camera_of(sys.argv[2])], on_event=_tell)
    steward.start()
    threading.Event().wait()
