"""Sites for the bench, opened by the core's own procedures."""

import os
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path
from uuid import UUID, uuid4

from bench.core import load_core

load_core()

# ruff: noqa: E402
from custom_components.camera_steward.core.books import Books, create_vault
from custom_components.camera_steward.core.capture.source import Address
from custom_components.camera_steward.core.capture.stream import StreamSource
from custom_components.camera_steward.core.clock import SystemClock
from custom_components.camera_steward.core.files import LocalFiles
from custom_components.camera_steward.core.retention.limits import RetentionLimit, SiteLimits
from custom_components.camera_steward.core.site import CameraSettings, SiteSettings
from custom_components.camera_steward.core.steward import Steward

LIMIT = timedelta(days=15)
_LIMIT = RetentionLimit(duration=LIMIT)


def make_vault(root: Path, vault: UUID) -> None:
    """Make an empty directory a vault."""
    create_vault(root, vault)


def new_site(folder: Path) -> SiteSettings:
    """Make an empty site in a folder."""
    vault = uuid4()
    create_vault(folder / "vault", vault)
    return SiteSettings(
        root=folder / "vault",
        vault=vault,
        state=folder / "state",
        site_key=os.urandom(32),
        signing_key=os.urandom(32),
        limit=_LIMIT,
        ceiling=LIMIT,
    )


def books(settings: SiteSettings) -> Books:
    """Open index, ledger, vault and keeper without any thread."""
    limits = SiteLimits(ceiling=LIMIT, default=_LIMIT, cameras={})
    return Books(settings, SystemClock(), LocalFiles(), lambda: limits, lambda event: None)


def steward(settings: SiteSettings, urls: Sequence[str] = ()) -> Steward:
    """Return a whole site, ready to start, with a camera for each address."""
    cameras = [
        CameraSettings(
            camera=f"camera{number}",
            source=StreamSource(partial(Address, url=url, options={"rtsp_transport": "tcp"})),
            limit=_LIMIT,
            recording=False,
        )
        for number, url in enumerate(urls)
    ]
    return Steward(settings, cameras)
