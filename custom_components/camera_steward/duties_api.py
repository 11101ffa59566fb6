"""The WebSocket command that says how the duties of a site stand, to manager and operators."""

from typing import Any, Final

import probatio
from homeassistant.components import websocket_api
from homeassistant.components.websocket_api import ActiveConnection
from homeassistant.core import HomeAssistant, callback

from .bridge import camera_name
from .commands import ENTRY, answering, async_allowed
from .const import DOMAIN
from .core.errors import StewardError
from .core.model import Action
from .core.policy.facts import Scope
from .core.policy.pack import Control
from .core.policy.states import ControlState, Reason, State, SubjectKind
from .duties import DutiesLook
from .pledge import LANGUAGES
from .texts import Texts, async_texts, iso

_ARTICLES: Final = "articles"


class NotJudgedError(StewardError):
    """How the duties stand could not be judged yet."""

    key = "duties_not_judged"


@callback
def async_setup_duties_commands(hass: HomeAssistant) -> None:
    """Register the command, which is there whether or not a site is set up."""
    websocket_api.async_register_command(hass, duties)


@websocket_api.websocket_command(
    {
        probatio.Required("type"): f"{DOMAIN}/duties",
        **ENTRY,
        probatio.Required("language"): probatio.In(LANGUAGES),
    }
)
@websocket_api.async_response
@answering
async def duties(
    hass: HomeAssistant, connection: ActiveConnection, msg: dict[str, Any]
) -> dict[str, Any]:
    """Return how the duties stand as last judged, worst first; judged now if they never were.

    {`looked_at`, `pack`: {`id`, `version`, `title`, `source`, `as_of`}, `counts`: {state: n},
    `controls`: [{`id`, `cite`, `text`, `state`, `addressed`: of an item of the
    guidebook, else None, `since`, `subject`: {`kind`, `id`, `name`},
    `voluntary`: whether the guideline is not for its camera, `why`: [text], `task`, `task_title`,
    `next_at`, `checked_at`, `checked_by`, `evidence`, `limit`}], `gates`: [{`camera_id`, `camera`,
    `open`, `provisional_until`, `missing`: [text]}]}
    """
    entry, *_ = await async_allowed(hass, connection, msg, Action.DUTIES)
    data = entry.runtime_data
    if data.coordinator.duties is None:
        await data.duties.async_look()
    if (look := data.coordinator.duties) is None:
        raise NotJudgedError
    texts = await async_texts(hass, msg["language"])
    pack, language = look.pack, texts.language
    controls = look.controls
    worst = list(State)[::-1]
    return {
        "looked_at": iso(look.looked_at),
        "pack": {
            "id": pack.id,
            "version": pack.version,
            "title": pack.title[language],
            "source": pack.source[language],
            "as_of": pack.as_of.isoformat(),
        },
        "counts": {state.value: count for state, count in look.counts().items()},
        "controls": [
            control_row(look, controls[each.control], each, texts)
            for each in sorted(look.states, key=lambda each: worst.index(each.state))
        ],
        "gates": [
            {
                "camera_id": camera,
                "camera": camera_name(entry, camera),
                "open": each.open,
                "provisional_until": iso(each.provisional_until),
                "missing": [texts.option("missing", missing) for missing in each.missing],
            }
            for camera, each in look.gates.items()
        ],
    }


def control_row(
    look: DutiesLook, control: Control, each: ControlState, texts: Texts
) -> dict[str, Any]:
    """Return how a control stands as `duties` gives it."""
    subject, language = each.subject, texts.language
    camera = subject.id if subject.kind is SubjectKind.CAMERA else None
    kind = each.task.partition(":")[0] if each.task is not None else None
    return {
        "id": control.id,
        "cite": control.cite,
        "text": control.text[language],
        "state": each.state.value,
        "addressed": look.addressed(each),
        "since": iso(look.since.get((each.control, subject), look.looked_at)),
        "subject": {
            "kind": subject.kind.value,
            "id": subject.id,
            "name": look.facts.subjects(subject.kind).get(subject, ""),
        },
        "voluntary": camera is not None and look.facts.scope(camera) is Scope.VOLUNTARY,
        "why": [texts.reason(reason, **_articles(look, reason, language)) for reason in each.why],
        "task": each.task,
        "task_title": texts.option("task", kind),
        "next_at": iso(each.next_at),
        "checked_at": iso(each.checked_at),
        "checked_by": each.checked_by,
        "evidence": control.evidence[language],
        "limit": control.limit.get(language, ""),
    }


def _articles(look: DutiesLook, reason: Reason, language: str) -> dict[str, str]:
    """Return how the articles of the rules that a reason names read in a language."""
    if _ARTICLES not in reason.values:
        return {}
    return {_ARTICLES: " / ".join(look.differing(language))}
