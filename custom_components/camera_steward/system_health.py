"""How all sites stand, at a glance; every logged-in user can read it, so without names."""

from typing import Any

from homeassistant.components.system_health import SystemHealthRegistration
from homeassistant.core import HomeAssistant, callback
from homeassistant.loader import async_get_integration

from .const import DOMAIN
from .coordinator import CameraStewardConfigEntry
from .core.model import CaptureStatus
from .core.retention.guard import ClockState
from .core.site import (
    SiteSnapshot,
)
from .forms import size_text
from .utilization_runner import UtilizationStatus
from .utilizations import utilizations_of


@callback
def async_register(hass: HomeAssistant, register: SystemHealthRegistration) -> None:
    """Offer the page."""
    register.async_register_info(_async_info)


async def _async_info(hass: HomeAssistant) -> dict[str, Any]:
    entries: list[CameraStewardConfigEntry] = hass.config_entries.async_loaded_entries(DOMAIN)
    sites: list[SiteSnapshot] = [entry.runtime_data.coordinator.data for entry in entries]
    cameras = [camera for site in sites for camera in site.cameras.values()]
    recording = sum(camera.status is CaptureStatus.RECORDING for camera in cameras)
    used = [
        entry.runtime_data.utilizations.status(each)
        for entry in entries
        for each in utilizations_of(entry)
    ]
    free = [site.space.free_bytes for site in sites if site.space is not None]
    statements = [site.last_statement_at for site in sites]
    oldest = min((at for at in statements if at is not None), default=None)
    integration = await async_get_integration(hass, DOMAIN)
    return {
        "version": str(integration.version),
        "sites": f"{len(sites)}/{len(hass.config_entries.async_entries(DOMAIN))}",
        "vault_reachable": bool(sites) and all(site.storage_error_key is None for site in sites),
        "free_space": size_text(min(free)) if free else "–",
        "recording": f"{recording}/{len(cameras)}",
        "utilizations": f"{used.count(UtilizationStatus.RUNNING)}/{len(used)}",
        "clock_trusted": all(site.clock is not ClockState.SUSPENDED for site in sites),
        "last_statement": oldest if None not in statements and oldest is not None else "–",
    }
