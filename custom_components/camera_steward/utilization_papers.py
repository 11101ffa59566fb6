"""What papers of a utilization are made of: its settings as they are, how it runs, what was answered."""

from datetime import date
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.loader import async_get_loaded_integration
from homeassistant.util import dt as dt_util

from .bridge import camera_name
from .const import (
    CONF_FRAME_RATE,
    CONF_FRAME_WIDTH,
    CONF_INSTALLER,
    CONF_MANAGER_NAME,
    CONF_RESPONSIBLE,
    CONF_WEB_ADDRESS,
    DOMAIN,
)
from .core.documents.papers import PaperSite
from .core.documents.utilization import Answered, UtilizationPaper
from .core.errors import PaperInvalidError
from .core.policy.pack import LEAD
from .core.policy.states import Subject, SubjectKind
from .core.policy.task import Doing
from .duties import DutiesLook
from .utilizations import (
    DEFAULT_FRAME_RATE,
    declaration_of,
    default_width,
    start_on,
    utilizations_of,
)


def utilization_subjects(entry: ConfigEntry) -> list[dict[str, str]]:
    """Return which utilizations papers can be printed of."""
    return [{"id": key, "name": each.title} for key, each in utilizations_of(entry).items()]


def utilization_paper_of(
    hass: HomeAssistant, entry: ConfigEntry, site: PaperSite, look: DutiesLook, subject: str
) -> UtilizationPaper:
    """Return what papers of a utilization are made of; nothing chosen is the first one.

    `PaperInvalidError` where there is none.
    """
    known = utilizations_of(entry)
    subject = subject or next(iter(known), "")
    if subject not in known:
        raise PaperInvalidError("subject")
    found = known[subject]
    data, facts = found.data, look.facts
    declared = declaration_of(data, {each.subject.id: each for each in facts.records})
    fact = next((each for each in facts.utilizations if each.id == subject), None)
    about = Subject(SubjectKind.UTILIZATION, subject)
    return UtilizationPaper(
        site=entry.data[CONF_INSTALLER],
        name=found.title,
        declared=declared,
        running=fact.running if fact is not None else None,
        start_on=start_on(data),
        begun_on=dt_util.as_local(fact.begun_at).date()
        if fact is not None and fact.begun_at is not None
        else None,
        lead=look.guide.lead if look.guide is not None else LEAD,
        printed_on=dt_util.now().date(),
        web_address=data.get(CONF_WEB_ADDRESS, ""),
        camera=camera_name(entry, declared.camera) if declared.camera else "",
        manager=entry.data[CONF_MANAGER_NAME],
        operators=tuple(each.name for each in site.people if each.role == "operator"),
        responsible=data.get(CONF_RESPONSIBLE, {}),
        answers={
            each.kind.value: _answered(each, declared.version)
            for each in facts.doings.values()
            if each.subject == about
        },
        detector_version=str(async_get_loaded_integration(hass, DOMAIN).version),
        rate=data.get(CONF_FRAME_RATE, DEFAULT_FRAME_RATE),
        width=data.get(CONF_FRAME_WIDTH, default_width(declared)),
        frames_taken=fact.frames_taken if fact is not None else 0,
        frames_persisted=fact.frames_persisted if fact is not None else 0,
    )


def _answered(doing: Doing, version: str) -> Answered:
    """Return a doing as papers tell it; what names its own day was done then."""
    return Answered(
        on=_day(doing.answers.get("on")) or dt_util.as_local(doing.at).date(),
        by=doing.by,
        answers={k: v for k, v in doing.answers.items() if isinstance(v, str)},
        current=doing.answers.get("version", version) == version,
    )


def _day(answer: Any) -> date | None:
    try:
        return date.fromisoformat(str(answer))
    except ValueError:
        return None
