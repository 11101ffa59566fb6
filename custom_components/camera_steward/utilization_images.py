"""Images of utilizations: the heat map on the floor plan, people as icons; no pixel of a camera's frames.

They are drawn of results alone, on a plan that was handed in or a background that a person approved as empty.
"""

from abc import abstractmethod
from collections.abc import Iterator
from functools import partial
from typing import override

from homeassistant.components.image import ImageEntity, ImageEntityDescription
from homeassistant.config_entries import ConfigSubentry
from homeassistant.core import callback
from homeassistant.util import dt as dt_util

from .coordinator import CameraStewardCoordinator
from .core.errors import StewardError
from .core.policy.states import Subject, SubjectKind
from .core.policy.task import TaskKind
from .core.policy.utilization import UtilizationCase
from .core.utilization.drawing import heat_map_png, icons_png
from .core.utilization.results import IconsResult, MovementResult, Result
from .core.utilization.view import ViewSettings
from .entity import CameraStewardUtilizationEntity
from .texts import async_texts
from .utilizations import view_of

HEAT_MAP = ImageEntityDescription(key="heat_map", translation_key="heat_map")
ICONS = ImageEntityDescription(key="icons", translation_key="icons")


class UtilizationImage[Shown: Result](CameraStewardUtilizationEntity, ImageEntity):
    """An image of what a utilization gives; another time says that there is another."""

    _attr_content_type = "image/png"

    def __init__(
        self,
        coordinator: CameraStewardCoordinator,
        subentry: ConfigSubentry,
        description: ImageEntityDescription,
        of: type[Shown],
    ) -> None:
        """Belong to the utilization's device."""
        CameraStewardUtilizationEntity.__init__(self, coordinator, subentry, description)
        ImageEntity.__init__(self, coordinator.hass)
        self._of = of
        self._seen: object = None
        self._drawn: tuple[object, bytes] | None = None
        self._look()

    @property
    def _result(self) -> Shown | None:
        result = self.runner.result(self.utilization)
        return result if isinstance(result, self._of) else None

    @property
    @override
    def available(self) -> bool:
        """Return whether it runs."""
        return super().available and self._result is not None

    @override
    async def async_image(self) -> bytes | None:
        """Return the picture."""
        entry = self.coordinator.config_entry
        if (result := self._result) is None:
            return None
        view = view_of(entry.subentries[self.utilization].data)
        what = self._seen, view, self._ground(view)
        if self._drawn is None or self._drawn[0] != what:
            language = (await async_texts(self.hass)).language
            draw = partial(self._draw, result, view, self._ground(view), language)
            self._drawn = what, await self.hass.async_add_executor_job(draw)
        return self._drawn[1]

    @abstractmethod
    def _shown(self, result: Shown) -> object:
        """Return what of a result is seen."""

    @abstractmethod
    def _ground(self, view: ViewSettings) -> str:
        """Return the photo that it is drawn on, empty: none."""

    @abstractmethod
    def _draw(self, result: Shown, view: ViewSettings, ground: str, language: str) -> bytes:
        """Return the picture; in the executor."""

    def _photo(self, ground: str) -> bytes | None:
        """Return a photo; None where it is gone, for which a plain ground is drawn."""
        steward = self.coordinator.config_entry.runtime_data.bridge.steward
        try:
            return steward.photos().read(ground) if ground else None
        except StewardError:
            return None

    @override
    @callback
    def _handle_coordinator_update(self) -> None:
        self._look()
        super()._handle_coordinator_update()

    def _look(self) -> None:
        shown = self._shown(self._result) if self._result is not None else None
        if shown is not None and shown != self._seen:
            self._attr_image_last_updated = dt_util.utcnow()
        self._seen = shown


class HeatMap(UtilizationImage[MovementResult]):
    """Where people were in the last whole hour, and which way they went, on the floor plan."""

    @override
    def _shown(self, result: MovementResult) -> object:
        return result.hour_at

    @override
    def _ground(self, view: ViewSettings) -> str:
        return view.floor.plan if view.floor is not None else ""

    @override
    def _draw(
        self, result: MovementResult, view: ViewSettings, ground: str, language: str
    ) -> bytes:
        zone = dt_util.get_default_time_zone()
        return heat_map_png(result, view, self._photo(ground), language, zone)


class Icons(UtilizationImage[IconsResult]):
    """People as icons, on the background that somebody approved as empty."""

    @override
    def _shown(self, result: IconsResult) -> object:
        return (result.people, result.crowd) if result.at is not None else None

    @override
    def _ground(self, view: ViewSettings) -> str:
        look = self.coordinator.duties
        subject = Subject(SubjectKind.UTILIZATION, self.utilization)
        done = look.facts.doing(TaskKind.APPROVE_BACKGROUND, subject) if look is not None else None
        # What was set is drawn only while the newest approval is of this picture.
        approved = done is not None and done.answers.get("photo") == view.background
        return view.background if approved else ""

    @override
    def _draw(self, result: IconsResult, view: ViewSettings, ground: str, language: str) -> bytes:
        zone = dt_util.get_default_time_zone()
        return icons_png(result, self._photo(ground), language, view.persons, zone)


def images_of(
    coordinator: CameraStewardCoordinator, subentry: ConfigSubentry
) -> Iterator[CameraStewardUtilizationEntity]:
    """Yield the images of a utilization."""
    match coordinator.config_entry.runtime_data.utilizations.case(subentry.subentry_id):
        case UtilizationCase.MOVEMENT:
            yield HeatMap(coordinator, subentry, HEAT_MAP, MovementResult)
        case UtilizationCase.ICONS:
            yield Icons(coordinator, subentry, ICONS, IconsResult)
        case _:
            pass
