"""What every test inside a Home Assistant needs."""

import logging
from collections.abc import AsyncGenerator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowHandler, FlowManager, FlowResult
from pytest_homeassistant_custom_component.test_util.aiohttp import AiohttpClientMocker

from custom_components.camera_steward.core.clock import SystemClock
from tests.cameras import Clip, RtspCamera

from .automating import Phone, async_phone
from .sites import Kernel
from .texts import missing_texts
from .watching import Stage, async_stage

# The test plugin has every statement told.
logging.getLogger("sqlalchemy.engine").setLevel(logging.WARNING)

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


@pytest.fixture(autouse=True)
def _texts(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fail a test in which a form of ours showed something without a text for it."""
    handle = FlowManager._async_handle_step
    problems: list[str] = []

    async def watched(
        self: FlowManager[Any, Any, Any],
        flow: FlowHandler[Any, Any, Any],
        step: str,
        given: dict[str, Any] | None,
    ) -> FlowResult[Any, Any]:
        result: FlowResult[Any, Any] = await handle(self, flow, step, given)
        problems.extend(missing_texts(flow, step, result))
        return result

    monkeypatch.setattr(FlowManager, "_async_handle_step", watched)
    yield
    assert not problems


@pytest.fixture
def rtsp_camera() -> Iterator[RtspCamera]:
    """Run an RTSP camera with a small picture, user and password."""
    with RtspCamera(CLIP, user="viewer", password="hunter2") as camera:
        yield camera


@pytest.fixture
async def stage(
    hass: HomeAssistant,
    disk: Path,
    rtsp_camera: RtspCamera,
    hass_ws_client: Callable[..., Any],
    hass_client_no_auth: Callable[..., Any],
) -> Stage:
    """Set up a site that recorded, with its manager logged in."""
    return await async_stage(hass, disk, rtsp_camera, hass_ws_client, hass_client_no_auth)


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> Kernel:
    """Let the test say whether the clock can be believed."""
    kernel = Kernel()
    monkeypatch.setattr(SystemClock, "synchronised", lambda self: kernel.vouches)
    return kernel


@pytest.fixture
async def phone(hass: HomeAssistant, aioclient_mock: AiohttpClientMocker) -> AsyncGenerator[Phone]:
    """Register a phone; at the end no automation waits any longer."""
    yield await async_phone(hass, aioclient_mock, "phone")
    await hass.services.async_call("automation", "turn_off", {"entity_id": "all"}, blocking=True)
