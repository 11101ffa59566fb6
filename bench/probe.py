"""Runs in a Home Assistant as the custom integration `loop_probe`: how late its timers are."""

from __future__ import annotations

from array import array
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from homeassistant.core import HomeAssistant

DOMAIN = "loop_probe"
_EVERY = 0.01
_FLUSH = 500


async def async_setup(hass: HomeAssistant, _config: dict[str, Any]) -> bool:
    """Append each timer's lateness in seconds (doubles) to the file `lateness`."""
    loop = hass.loop
    path = Path(hass.config.path("lateness"))
    late = array("d")

    def write(data: bytes) -> None:
        with path.open("ab") as file:
            file.write(data)

    def tick(due: float) -> None:
        nonlocal late
        late.append(loop.time() - due)
        if len(late) >= _FLUSH:
            full, late = late, array("d")
            hass.async_add_executor_job(write, full.tobytes())
        due = loop.time() + _EVERY
        loop.call_at(due, tick, due)

    tick(loop.time())
    return True
