"""The page in the sidebar where people see their role and accept pledge and rules.

It is there for every login and shows each only what is their own: the commands behind it ask.
"""

from pathlib import Path
from typing import Final

from homeassistant.components import frontend, panel_custom
from homeassistant.components.http import StaticPathConfig
from homeassistant.core import HomeAssistant
from homeassistant.loader import async_get_integration

from .const import DOMAIN

_ADDRESS: Final = "camera-steward"
_SCRIPT: Final = Path(__file__).parent / "frontend" / "panel.js"
_SCRIPT_URL: Final = f"/{DOMAIN}/panel.js"


async def async_setup_panel(hass: HomeAssistant) -> None:
    """Put the page into the sidebar, where Home Assistant has one."""
    if "frontend" not in hass.config.components or _ADDRESS in hass.data.get(
        frontend.DATA_PANELS, {}
    ):
        return
    # Anyone may read this file: it holds no more than how the page looks.
    await hass.http.async_register_static_paths(
        [StaticPathConfig(_SCRIPT_URL, str(_SCRIPT), cache_headers=False)]
    )
    version = (await async_get_integration(hass, DOMAIN)).version
    await panel_custom.async_register_panel(
        hass,
        frontend_url_path=_ADDRESS,
        webcomponent_name="camera-steward-panel",
        sidebar_title="Camera Steward",
        sidebar_icon="mdi:cctv",
        module_url=f"{_SCRIPT_URL}?{version}",
        require_admin=False,
    )
