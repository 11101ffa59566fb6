"""A sign's tag: scanned with Home Assistant's app, it says that somebody saw the sign in its place.

What is known of a scan is which app told of it, and so whose it is. That they stood before the sign
is not: whoever knows the tag's id can open its address anywhere. The ledger says "by tag", no more.
"""

import logging
from typing import Final

from homeassistant.components.tag.const import EVENT_TAG_SCANNED, TAG_ID
from homeassistant.core import Event, HomeAssistant, callback

from .bridge import cameras_of
from .coordinator import CameraStewardConfigEntry
from .core.errors import StewardError
from .people import async_caller_of
from .tasks import SIGN_SEEN, Way, async_do, sign_check

_LOGGER = logging.getLogger(__name__)

_PREFIX: Final = "camera-steward-sign-"
_SHORT: Final = 8


def sign_tag(camera: str) -> str:
    """Return the id of the tag on a camera's sign."""
    return _PREFIX + camera[-_SHORT:].lower()


@callback
def async_listen_to_tags(hass: HomeAssistant, entry: CameraStewardConfigEntry) -> None:
    """Check the sign of a camera whose tag is scanned, until the site is unloaded."""
    tags = {sign_tag(camera): camera for camera in cameras_of(entry)}

    async def scanned(event: Event) -> None:
        if (camera := tags.get(str(event.data.get(TAG_ID, "")))) is not None:
            await _async_scanned(hass, entry, camera, event)

    entry.async_on_unload(hass.bus.async_listen(EVENT_TAG_SCANNED, scanned))


async def _async_scanned(
    hass: HomeAssistant, entry: CameraStewardConfigEntry, camera: str, event: Event
) -> None:
    if event.context.user_id is None:
        # A reader on the wall knows nobody, and a check is somebody's.
        _LOGGER.info("The tag of a sign was read by a device that does not say who scanned it")
        return
    caller = await async_caller_of(hass, event.context)
    try:
        await async_do(hass, entry, caller, sign_check(entry, camera), SIGN_SEEN, Way.TAG)
    except StewardError as err:
        # Nobody can be shown an error here; a refused try is on record.
        _LOGGER.info("The scan of a sign’s tag was not entered: %s", err.key)
