"""Whether what a form shows has its texts, in both languages; used while every other test runs."""

import json
import re
from pathlib import Path
from typing import Any

import probatio
from homeassistant.data_entry_flow import FlowHandler, FlowResult, FlowResultType, section
from homeassistant.helpers.config_validation import custom_serializer
from homeassistant.helpers.json import json_dumps

from custom_components.camera_steward.config_flow import CameraStewardConfigFlow
from custom_components.camera_steward.const import DOMAIN
from custom_components.camera_steward.copy_flow import CopySubentryFlow
from custom_components.camera_steward.folder_flow import FolderSubentryFlow
from custom_components.camera_steward.operator_flow import OperatorSubentryFlow
from custom_components.camera_steward.subentry_flows import CameraSubentryFlow
from custom_components.camera_steward.utilization_flow import UtilizationSubentryFlow

ROOT = Path(__file__).parents[2] / "custom_components" / DOMAIN
TEXTS: dict[str, dict[str, Any]] = {
    language: json.loads((ROOT / "translations" / f"{language}.json").read_text())
    for language in ("en", "ja")
}
_PLACEHOLDER = re.compile(r"\{(\w+)\}")


def placeholders(text: str) -> set[str]:
    """Return the names that a text leaves open."""
    return set(_PLACEHOLDER.findall(text))


def flat(texts: Any, path: str = "") -> dict[str, str]:
    """Return all texts by their dotted path."""
    if isinstance(texts, str):
        return {path: texts}
    found: dict[str, str] = {}
    for key, value in texts.items():
        found |= flat(value, f"{path}.{key}" if path else key)
    return found


def missing_texts(
    flow: FlowHandler[Any, Any, Any], step: str, result: FlowResult[Any, Any]
) -> list[str]:
    """Return what a result of one of our flows shows without a text for it."""
    if isinstance(flow, CameraStewardConfigFlow):
        part = "config"
    elif isinstance(flow, CameraSubentryFlow):
        part = "config_subentries.camera"
    elif isinstance(flow, OperatorSubentryFlow):
        part = "config_subentries.operator"
    elif isinstance(flow, CopySubentryFlow):
        part = "config_subentries.copy"
    elif isinstance(flow, FolderSubentryFlow):
        part = "config_subentries.folder"
    elif isinstance(flow, UtilizationSubentryFlow):
        part = "config_subentries.utilization"
    elif flow.handler == DOMAIN and "issue_id" in flow.context:
        issue = (getattr(flow, "data", None) or {}).get("issue", "?")
        part = f"issues.{issue}.fix_flow"
    else:
        return []
    if result.get("translation_domain"):
        return []  # Home Assistant's own words
    return _undrawable(result) + [
        f"{language}: {problem}"
        for language, texts in TEXTS.items()
        for problem in _problems(flat(texts), part, step, result)
    ]


def _undrawable(result: Any) -> list[str]:
    """Return why the browser could not be sent a form."""
    if result["type"] is not FlowResultType.FORM:
        return []
    try:
        json_dumps(
            probatio.to_field_list(result["data_schema"], custom_serializer=custom_serializer)
        )
    except (TypeError, ValueError) as err:
        return [f"{result['step_id']} cannot be drawn: {err}"]
    return []


def _problems(texts: dict[str, str], part: str, step: str, result: Any) -> list[str]:
    given = set(result.get("description_placeholders") or {})
    wanted: list[str] = []
    optional: list[str] = []
    match result["type"]:
        case FlowResultType.FORM:
            step = f"{part}.step.{result['step_id']}"
            wanted = [f"{step}.title", *_fields(step, result["data_schema"].schema)]
            if not result["data_schema"].schema:
                wanted.append(f"{step}.description")  # else there is nothing to read
            optional = [key for key in texts if key.startswith(f"{step}.")]
            wanted += [f"{part}.error.{key}" for key in (result.get("errors") or {}).values()]
        case FlowResultType.MENU:
            step = f"{part}.step.{result['step_id']}"
            wanted = [
                f"{step}.title",
                *(f"{step}.menu_options.{e}" for e in result["menu_options"]),
            ]
        case FlowResultType.ABORT:
            wanted = [f"{part}.abort.{result['reason']}"]
        case FlowResultType.SHOW_PROGRESS:
            wanted = [f"{part}.progress.{result['progress_action']}"]
    absent = [f"{key} has no text" for key in wanted if not texts.get(key)]
    open_ = [
        f"{key} leaves {names} open"
        for key in {*wanted, *optional}
        if (names := placeholders(texts.get(key, "")) - given)
    ]
    return absent + open_


def _fields(step: str, schema: dict[Any, Any]) -> list[str]:
    wanted = []
    for key, value in schema.items():
        if isinstance(value, section):
            wanted += [
                f"{step}.sections.{key}.name",
                *_fields(f"{step}.sections.{key}", value.schema.schema),
            ]
        else:
            wanted.append(f"{step}.data.{key}")
            config = getattr(value, "config", {})
            if name := config.get("translation_key"):
                wanted += [f"selector.{name}.options.{option}" for option in config["options"]]
    return wanted
