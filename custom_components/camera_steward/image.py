"""Images: the sign as it was last printed, with what the settings say now; it hangs in the street.

Those of utilizations are in `utilization_images.py`.
"""

from functools import partial
from typing import override

from homeassistant.components.image import ImageEntity, ImageEntityDescription
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.util import dt as dt_util

from .coordinator import CameraStewardConfigEntry, CameraStewardCoordinator
from .core.documents.sign import Sign, SignSize, sign_svg, sign_version
from .core.policy.pack import Pack
from .entity import CameraStewardEntity, async_keep_utilization_entities
from .papers import sign_now
from .policy_packs import async_load_pack
from .utilization_images import images_of

PARALLEL_UPDATES = 0

SIGN = ImageEntityDescription(key="sign", translation_key="sign")


async def async_setup_entry(
    hass: HomeAssistant,
    entry: CameraStewardConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the site's sign, and the images of utilizations."""
    pack = await async_load_pack(hass, entry)
    coordinator = entry.runtime_data.coordinator
    async_add_entities([SignImage(hass, coordinator, pack)])
    async_keep_utilization_entities(
        entry, "image", async_add_entities, partial(images_of, coordinator)
    )


class SignImage(CameraStewardEntity, ImageEntity):
    """Shows the sign; another time says that it reads otherwise since."""

    _attr_content_type = "image/svg+xml"

    def __init__(
        self, hass: HomeAssistant, coordinator: CameraStewardCoordinator, pack: Pack
    ) -> None:
        """Belong to the site's device."""
        CameraStewardEntity.__init__(self, coordinator, SIGN)
        ImageEntity.__init__(self, hass)
        self._pack = pack
        self._version = ""
        self._look()

    @override
    async def async_image(self) -> bytes | None:
        """Return the picture."""
        svg = await self.hass.async_add_executor_job(
            sign_svg, self._sign(), SignSize.A4, self._pack.sign_required
        )
        return svg.encode()

    @override
    @callback
    def _handle_coordinator_update(self) -> None:
        self._look()
        super()._handle_coordinator_update()

    def _look(self) -> None:
        if (version := sign_version(self._sign())) != self._version:
            self._version = version
            self._attr_image_last_updated = dt_util.utcnow()

    def _sign(self) -> Sign:
        entry = self.coordinator.config_entry
        return sign_now(entry, self._pack, entry.runtime_data.memory)
