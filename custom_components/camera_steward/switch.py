"""Switches: whether a camera is to record, a utilization to run; remembered across restarts."""

from typing import Any, override

from homeassistant.components.switch import SwitchEntity, SwitchEntityDescription
from homeassistant.config_entries import ConfigSubentry
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .bridge import async_actor, async_check_manager, cameras_of, on_trigger
from .const import DOMAIN
from .coordinator import CameraStewardConfigEntry, CameraStewardCoordinator
from .core.policy.gate import Gate
from .entity import (
    CameraStewardCameraEntity,
    CameraStewardUtilizationEntity,
    async_keep_utilization_entities,
)
from .texts import async_texts

PARALLEL_UPDATES = 1

RECORDING = SwitchEntityDescription(key="recording", translation_key="recording")
UTILIZATION = SwitchEntityDescription(key="utilization", translation_key="utilization")


async def async_setup_entry(
    hass: HomeAssistant,
    entry: CameraStewardConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add one for each camera and each utilization."""
    coordinator = entry.runtime_data.coordinator
    async_keep_utilization_entities(
        entry,
        "switch",
        async_add_entities,
        lambda subentry: [UtilizationSwitch(coordinator, subentry, UTILIZATION)],
    )
    for camera, subentry in cameras_of(entry).items():
        async_add_entities([RecordingSwitch(coordinator, subentry)], config_subentry_id=camera)


class RecordingSwitch(CameraStewardCameraEntity, SwitchEntity):
    """Records while on, by the camera's mode; each change is in the ledger with a name."""

    def __init__(self, coordinator: CameraStewardCoordinator, subentry: ConfigSubentry) -> None:
        """Know whether the camera can be triggered."""
        super().__init__(coordinator, subentry, RECORDING)
        self._on_trigger = on_trigger(subentry)

    @property
    @override
    def is_on(self) -> bool:
        """Return whether the camera is to record."""
        return self.snapshot.recording

    @override
    async def async_turn_on(self, **kwargs: Any) -> None:
        """Record from now on."""
        await self._async_set(on=True)

    @override
    async def async_turn_off(self, **kwargs: Any) -> None:
        """Stop recording until switched on again."""
        await self._async_set(on=False)

    async def async_trigger(self) -> None:
        """Keep the footage around now."""
        if not self._on_trigger:
            raise ServiceValidationError(
                translation_domain=DOMAIN,
                translation_key="not_on_trigger",
                translation_placeholders={"camera": self.camera_name},
            )
        await self.coordinator.bridge.async_trigger(self.camera)

    async def _async_set(self, *, on: bool) -> None:
        await async_check_manager(self.hass, self.coordinator.config_entry, self._context)
        if on:
            await self._async_check_gate()
        await self.coordinator.bridge.async_set_recording(self.camera, on, actor=self.acting_user)
        await self.coordinator.async_refresh()
        self.coordinator.config_entry.runtime_data.duties.async_look_soon()

    async def _async_check_gate(self) -> None:
        """Refuse while something that recording needs is missing and its days are over."""
        duties = self.coordinator.config_entry.runtime_data.duties
        if self._gate is not None and not self._gate.open:
            await duties.async_look()  # what was missing may be there by now
        if (gate := self._gate) is None or gate.open:
            return
        raise ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key="recording_gated",
            translation_placeholders={
                "camera": self.camera_name,
                "missing": (await async_texts(self.hass)).missing_of(gate),
            },
        )

    @property
    def _gate(self) -> Gate | None:
        look = self.coordinator.duties
        return look.gates.get(self.camera) if look is not None else None


class UtilizationSwitch(CameraStewardUtilizationEntity, SwitchEntity):
    """On while a utilization is wanted; it runs only while its gate is open (`utilization_runner.py`).

    Who may use the switch may end it; to let it begin is the manager's.
    """

    @property
    @override
    def is_on(self) -> bool:
        """Return whether it is wanted."""
        return self.runner.wanted(self.utilization)

    @override
    async def async_turn_on(self, **kwargs: Any) -> None:
        """Let it begin, now or once nothing is missing any more."""
        await async_check_manager(self.hass, self.coordinator.config_entry, self._context)
        await self._async_set(on=True)

    @override
    async def async_turn_off(self, **kwargs: Any) -> None:
        """End it now, until it is switched on again."""
        await self._async_set(on=False)

    async def _async_set(self, *, on: bool) -> None:
        entry = self.coordinator.config_entry
        actor = await async_actor(self.hass, entry, self.acting_user)
        await self.runner.async_set_wanted(self.utilization, on, actor=actor)
        self.async_write_ha_state()
        if on:
            await entry.runtime_data.duties.async_look()
        else:
            entry.runtime_data.duties.async_look_soon()
