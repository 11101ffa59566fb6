"""What every test inside a Home Assistant needs."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cameras import Clip, RtspCamera

CLIP = Clip(width=320, height=180, rate=10, seconds=4, gop_seconds=1, bitrate_kbps=200)


@pytest.fixture
def hass_config_dir(tmp_path: Path) -> str:
    """Give each test a configuration directory of its own."""
    config = tmp_path / "config"
    config.mkdir()
    return str(config)


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    """Return a directory outside the configuration, as an attached disk would be."""
    path = tmp_path / "disk"
    path.mkdir()
    return path


@pytest.fixture(autouse=True)
def _integration(enable_custom_integrations: None, socket_enabled: None) -> None:
    """Let Home Assistant load the integration, and cameras on this machine be reached."""


@pytest.fixture
def rtsp_camera() -> Iterator[RtspCamera]:
    """Run an RTSP camera with a small picture, user and password."""
    with RtspCamera(CLIP, user="viewer", password="hunter2") as camera:
        yield camera
