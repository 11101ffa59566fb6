"""The page in the sidebar: one's own role and pledge; the manager's permissions and register.

It is there for every login and shows each only what is theirs to see: the commands behind it ask.
"""

from pathlib import Path
from typing import Final

from homeassistant.components import frontend, panel_custom
from homeassistant.components.http import StaticPathConfig
from homeassistant.core import HomeAssistant
from homeassistant.loader import async_get_integration

from .const import DOMAIN

_ADDRESS: Final = "camera-steward"
_FOLDER: Final = Path(__file__).parent / "frontend"


async def async_setup_panel(hass: HomeAssistant) -> None:
    """Put the page into the sidebar, where Home Assistant has one."""
    if "frontend" not in hass.config.components or _ADDRESS in hass.data.get(
        frontend.DATA_PANELS, {}
    ):
        return
    # The version is in the path: the files name each other, and a browser keeps what it has by its path.
    version = (await async_get_integration(hass, DOMAIN)).version
    base = f"/{DOMAIN}/{version}"
    # Anyone may read these files: they hold no more than how the pages look.
    await hass.http.async_register_static_paths(
        [StaticPathConfig(base, str(_FOLDER), cache_headers=False)]
    )
    await panel_custom.async_register_panel(
        hass,
        frontend_url_path=_ADDRESS,
        webcomponent_name="camera-steward-panel",
        sidebar_title="Camera Steward",
        sidebar_icon="mdi:cctv",
        module_url=f"{base}/panel.js",
        require_admin=False,
    )
