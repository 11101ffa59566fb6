"""Every text is there in both languages, and every text that the code names is there."""

import ast
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity import EntityDescription
from PIL import ImageFont

from custom_components.camera_steward import camera_forms
from custom_components.camera_steward.bridge import figures_of
from custom_components.camera_steward.core.errors import (
    HoldTooLargeError,
    RemovalBlockedError,
    SourceError,
    StewardError,
)
from custom_components.camera_steward.core.model import GapCause
from custom_components.camera_steward.core.policy.gate import Missing
from custom_components.camera_steward.core.policy.rules import REASONS
from custom_components.camera_steward.core.policy.states import NEEDS_ATTENTION, State
from custom_components.camera_steward.core.policy.task import TaskKind
from custom_components.camera_steward.core.policy.utilization import UtilizationCase
from custom_components.camera_steward.core.policy.utilization_gate import Lacking
from custom_components.camera_steward.core.tasks.kinds import KINDS as KINDS_OF_TASK
from custom_components.camera_steward.core.utilization.detection import DetectorError
from custom_components.camera_steward.core.utilization.server import ServerAddressError
from custom_components.camera_steward.core.utilization.view import Line, ViewSettings, Zone
from custom_components.camera_steward.core.viewing import lettering
from custom_components.camera_steward.core.viewing.watches import Unusual
from custom_components.camera_steward.folders import FolderRefusal
from custom_components.camera_steward.places import PlaceRefusal, PlaceWarning
from custom_components.camera_steward.repairs import Issue
from custom_components.camera_steward.sources import EntityUnavailableError
from custom_components.camera_steward.texts import async_texts
from custom_components.camera_steward.trigger import KINDS
from custom_components.camera_steward.utilization_entities import (
    COUNTS,
    OPEN_TILL,
    STATUS,
    result_sensors,
)
from custom_components.camera_steward.utilization_images import HEAT_MAP, ICONS
from custom_components.camera_steward.utilization_runner import LOST_CAMERA

from .texts import ROOT, TEXTS, flat, placeholders

EN, JA = flat(TEXTS["en"]), flat(TEXTS["ja"])
SAME_IN_BOTH = {
    "title",
    "selector.rtsp_transport.options.tcp",
    "selector.rtsp_transport.options.udp",
    "selector.rtsp_transport.options.http",
    "common.disclosure_sha256",
}
FORBIDDEN = ("compliant", "lawful", "unrecoverable", "準拠し", "適法", "合法", "復元不可能")
MODULES = {path.stem: ast.parse(path.read_text()) for path in ROOT.glob("*.py")}


def subclasses(base: type[StewardError]) -> set[type[StewardError]]:
    found = {base}
    for each in base.__subclasses__():
        found |= subclasses(each)
    return found


def calls(module: str) -> list[ast.Call]:
    return [node for node in ast.walk(MODULES[module]) if isinstance(node, ast.Call)]


def constants(module: str, keyword: str) -> list[tuple[str, str]]:
    """Return (name called, value) of every call in a module with a constant keyword."""
    return [
        (ast.unparse(call.func), each.value.value)
        for call in calls(module)
        for each in call.keywords
        if each.arg == keyword
        and isinstance(each.value, ast.Constant)
        and isinstance(each.value.value, str)
    ]


# ---------------------------------------------------------------------- both languages


def test_both_languages_have_the_same_keys() -> None:
    assert sorted(EN) == sorted(JA)


def test_both_languages_leave_the_same_names_open() -> None:
    assert [key for key in EN if placeholders(EN[key]) != placeholders(JA[key])] == []


@pytest.mark.parametrize("texts", [EN, JA], ids=["en", "ja"])
def test_no_text_is_empty_or_claims_too_much(texts: dict[str, str]) -> None:
    assert [key for key, text in texts.items() if not text.strip() or text != text.strip()] == []
    found = [key for key, text in texts.items() for word in FORBIDDEN if word in text.lower()]
    assert found == []


def test_every_text_is_translated() -> None:
    same = {key for key in EN if EN[key] == JA[key]}
    assert same <= SAME_IN_BOTH
    japanese = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")
    words = re.compile(r"[^\W\d_]")  # a text of times and names alone has none to translate
    said = {key: re.sub(r"\{\w+\}", "", text) for key, text in JA.items()}
    wordless = {key for key, text in said.items() if not words.search(text)}
    untold = [key for key in JA if not japanese.search(JA[key])]
    assert [key for key in untold if key not in SAME_IN_BOTH | wordless] == []
    assert [key for key in EN if japanese.search(EN[key])] == []


def test_no_text_refers_to_another_or_quotes_what_it_leaves_open() -> None:
    for key, text in (EN | JA).items():
        assert "[%key" not in text, key
        assert "'{" not in text, key  # Home Assistant's formatter would take it literally
        assert "http" not in text.lower() or key.endswith("http"), key


# ---------------------------------------------------------------------- the code's keys


def test_every_step_has_its_texts_and_every_text_its_step() -> None:
    for modules, part in (
        (("config_flow",), "config"),
        (("subentry_flows", "forms"), "config_subentries.camera"),
        (("folder_flow", "forms"), "config_subentries.folder"),
        (("utilization_flow",), "config_subentries.utilization"),
    ):
        handled = {
            node.name.removeprefix("async_step_")
            for module in modules
            for node in ast.walk(MODULES[module])
            if isinstance(node, ast.AsyncFunctionDef) and node.name.startswith("async_step_")
        }
        told = {
            key.split(".")[part.count(".") + 2] for key in EN if key.startswith(f"{part}.step.")
        }
        # These show nothing of their own: they begin, wait, or choose between two others.
        assert handled - told <= {"user", "reconfigure", "test", "found", "list", "listed"}
        assert told <= handled


def test_every_field_has_its_text() -> None:
    # The forms that are shown in the other tests are checked as they are shown (conftest.py).
    steps = TEXTS["en"]["config_subentries"]["camera"]["step"]
    assert set(steps["week"]["sections"]) == set(camera_forms.SECTIONS_WINDOW)
    assert set(steps["camera"]["sections"]) == {camera_forms.SECTION_ADVANCED}
    for step in [*steps.values(), *TEXTS["en"]["config"]["step"].values()]:
        for part in [step, *step.get("sections", {}).values()]:
            assert set(part.get("data_description", {})) <= set(part.get("data", {}))


def test_every_error_of_a_form_has_its_text() -> None:
    site, camera, folder, utilization = (
        TEXTS["en"]["config"]["error"],
        TEXTS["en"]["config_subentries"]["camera"]["error"],
        TEXTS["en"]["config_subentries"]["folder"]["error"],
        TEXTS["en"]["config_subentries"]["utilization"]["error"],
    )
    assert set(FolderRefusal) <= set(folder)
    assert set(PlaceRefusal) <= set(site)
    assert set(PlaceWarning) <= set(TEXTS["en"]["config"]["step"])
    keys = {error.key for error in subclasses(SourceError)}
    assert EntityUnavailableError.key in keys
    assert keys <= set(camera)
    written = {
        node.value
        for module in (
            "config_flow",
            "subentry_flows",
            "folder_flow",
            "folders",
            "camera_forms",
            "addresses",
            "forms",
            "places",
            "utilization_flow",
            "utilization_forms",
        )
        for node in ast.walk(MODULES[module])
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert [key for key in site if key not in written] == []
    assert [key for key in camera if key not in written | keys] == []
    assert [key for key in folder if key not in written] == []
    of_detectors = {error.key for error in subclasses(DetectorError)}
    assert [key for key in utilization if key not in written | of_detectors] == []
    assert {error.key for error in subclasses(ServerAddressError)} <= set(utilization)


def test_every_error_of_the_core_has_its_text() -> None:
    keys = {error.key for error in subclasses(StewardError)}
    assert keys <= set(TEXTS["en"]["exceptions"])


def test_what_an_error_leaves_open_is_filled_in() -> None:
    error = HoldTooLargeError(needed_bytes=7_600_000, free_bytes=5_000_000, reserve_bytes=1_000_000)
    assert figures_of(error) == {"needed": "8", "free": "5", "reserve": "1"}
    open_ones: dict[type[StewardError], dict[str, str] | None] = {
        type(each): figures_of(each) for each in (error, RemovalBlockedError("2026-001"))
    }
    texts = {key: each["message"] for key, each in TEXTS["en"]["exceptions"].items()}
    for each in subclasses(StewardError):
        told = open_ones.get(each)
        assert placeholders(texts[each.key]) == set(told or ())


def test_every_exception_that_is_raised_has_its_text() -> None:
    told = set(TEXTS["en"]["exceptions"])
    raised = {
        key
        for module in MODULES
        for name, key in constants(module, "translation_key")
        if name.endswith(("Error", "NotReady", "Failed"))
    }
    assert {"keys_missing", "keys_foreign"} <= raised
    assert raised <= told


LOOKED_AT = ViewSettings(
    lines=(Line(name="Gate", start=(0, 0), end=(1, 1)),),
    zones=(Zone(name="Hall", points=((0, 0), (1, 0), (1, 1))),),
)
OF_UTILIZATIONS: dict[str, tuple[EntityDescription, ...]] = {
    "sensor": (
        STATUS,
        *COUNTS,
        *(each for case in UtilizationCase for each in result_sensors(case, LOOKED_AT)),
    ),
    "binary_sensor": (OPEN_TILL,),
    "image": (HEAT_MAP, ICONS),
}


@pytest.mark.parametrize(
    "platform",
    ["binary_sensor", "button", "calendar", "event", "image", "sensor", "switch", "todo"],
)
def test_every_entity_has_its_name_and_every_name_its_entity(platform: str) -> None:
    keys = {
        key for name, key in constants(platform, "translation_key") if not name.endswith("Error")
    }
    keys |= {
        node.value.value
        for node in ast.walk(MODULES[platform])
        if isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
        and any(ast.unparse(each) == "_attr_translation_key" for each in node.targets)
    }
    keys |= {str(each.translation_key) for each in OF_UTILIZATIONS.get(platform, ())}
    named = {key for key, texts in TEXTS["en"]["entity"][platform].items() if texts.get("name")}
    assert keys == named


def test_every_repair_has_its_text_and_every_text_its_repair() -> None:
    assert set(TEXTS["en"]["issues"]) == set(Issue)


@pytest.mark.parametrize("part", ["services", "triggers", "conditions"])
def test_every_action_and_trigger_and_its_fields_have_texts_and_an_icon(part: str) -> None:
    described: dict[str, Any] = yaml.safe_load((ROOT / f"{part}.yaml").read_text())
    found = {name: each for name, each in described.items() if not name.startswith(".")}
    told = TEXTS["en"][part]
    assert set(found) == set(told)
    assert set(found) == set(json.loads((ROOT / "icons.json").read_text())[part])
    for name, each in found.items():
        fields = (each or {}).get("fields") or {}
        assert set(fields) == set(told[name].get("fields", {})), name
        assert told[name]["name"]
        assert told[name]["description"]
        for field in fields.values():
            for selector in field["selector"].values():
                if key := (selector or {}).get("translation_key"):
                    options = TEXTS["en"]["selector"][key]["options"]
                    assert set(options) == set(selector["options"])


def test_what_a_trigger_offers_is_all_there_is() -> None:
    selector = TEXTS["en"]["selector"]
    assert set(selector["viewing_kind"]["options"]) == set(KINDS)
    assert set(selector["viewing_unusual"]["options"]) == set(Unusual)
    assert set(selector["task_kind"]["options"]) == set(TaskKind)
    assert set(selector["control_state"]["options"]) == set(NEEDS_ATTENTION)


def test_every_selector_text_is_used() -> None:
    used = {key for module in MODULES for _, key in constants(module, "translation_key")}
    for name in ("services.yaml", "triggers.yaml", "conditions.yaml"):
        used |= set(re.findall(r"translation_key: (\w+)", (ROOT / name).read_text()))
    assert set(TEXTS["en"]["selector"]) <= used


def test_icons_belong_to_what_has_a_name() -> None:
    icons = json.loads((ROOT / "icons.json").read_text())
    for part in ("entity", "services", "triggers", "conditions"):
        named = {key.rpartition(".")[0] for key in EN if key.startswith(f"{part}.")}
        for path in flat(icons.get(part, {}), part):
            assert any(path.startswith(f"{name}.") for name in named), path


def test_files_are_written_as_texts_and_not_as_escapes() -> None:
    for language in ("en", "ja"):
        text = Path(ROOT / "translations" / f"{language}.json").read_text()
        assert "\\u" not in text
        assert text.endswith("}\n")


@pytest.mark.parametrize(
    ("begins", "names"),
    [
        ("why_", REASONS),
        ("missing_", set(Missing)),
        ("lacking_", {*Lacking, LOST_CAMERA}),
        ("state_", set(State)),
    ],
)
def test_every_word_about_duties_has_its_text_and_no_more(begins: str, names: set[str]) -> None:
    told = {key for key in TEXTS["en"]["common"] if key.startswith(begins)}
    assert told == {f"{begins}{each}" for each in names}


def test_every_text_of_the_panel_is_there() -> None:
    told = set(TEXTS["en"]["common"])
    script = "\n".join(path.read_text() for path in (ROOT / "frontend").glob("*.js"))
    pages = (
        "panel|permissions?|permit|register|exposure|copies|kit|holds?|handover|disclosures?|record"
        "|duties|tasks|papers|records|removal|utilization|view"
    )
    keys = set(re.findall(rf"[\"`]((?:{pages})_[a-z_]+)[\"`]", script))
    keys -= {"handover_form", "disclosure_record", "record_save"}  # commands
    keys -= {"utilization_view", "utilization_learn"} - told
    assert {"panel_you", "permissions_none", "permit_give", "register_csv"} <= keys
    assert keys <= told
    # Where the last part comes from a list, some of them are there.
    for begins in re.findall(r"`([a-z_]+_)\$\{\w+(?:\.\w+)?\}`", script):
        assert any(key.startswith(begins) for key in told), begins
    unusual = {each for each in told if each.startswith("unusual_")}
    assert unusual == {f"unusual_{each}" for each in Unusual}
    for name, texts in (("register", "register"), ("disclosures", "disclosure")):
        columns = re.search(r"COLUMNS = (\[.*\])", (ROOT / "frontend" / f"{name}.js").read_text())
        assert columns is not None
        assert {f"{texts}_{each}" for each in json.loads(columns[1])} <= told


def test_every_task_question_and_answer_has_its_text() -> None:
    told = set(TEXTS["en"]["common"])
    questions = [each for kind in KINDS_OF_TASK.values() for each in kind.questions]
    wanted = {f"task_{kind}{part}" for kind in TaskKind for part in ("", "_about")}
    wanted |= {f"question_{each.name}" for each in questions}
    wanted |= {f"answer_{option}" for each in questions for option in each.options}
    assert wanted <= told
    begins = ("question_", "answer_")
    assert {each for each in told if each.startswith(begins)} <= wanted


# ---------------------------------------------------------------------- what is drawn


def is_lettered(line: str) -> bool:
    """Return whether none of a line is drawn as what stands for a missing letter."""
    font = ImageFont.truetype(lettering._FONT, 20)
    missing = bytes(font.getmask("\uffff"))
    return all(each == " " or bytes(font.getmask(each)) != missing for each in line)


@pytest.mark.parametrize("language", ["en", "ja"])
async def test_what_is_drawn_in_pictures_has_its_letters(
    hass: HomeAssistant, language: str
) -> None:
    hass.config.language = language
    texts = await async_texts(hass)
    since = datetime(2026, 11, 22, 3, 4, 5, tzinfo=UTC)
    lines = [texts.converted]
    for cause in GapCause:
        lines += texts.missing(since, since + timedelta(hours=1), [cause], unreadable=True)
    lines += texts.missing(since, since, [], unreadable=False)
    # A line that fails here needs ./script/font.
    assert [line for line in lines if not is_lettered(line)] == []
    assert not is_lettered("龘")
