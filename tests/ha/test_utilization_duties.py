"""The guidebook beside a site's own pack: judged where there is a utilization, shown as addressed or not."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from homeassistant.core import HomeAssistant
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.camera_steward.const import CONF_PACK, DOMAIN
from custom_components.camera_steward.core.documents.papers import statement_paper
from custom_components.camera_steward.core.policy.states import Subject, SubjectKind
from custom_components.camera_steward.core.policy.task import TaskKind, task_id
from custom_components.camera_steward.paper_books import statement_of
from custom_components.camera_steward.papers import async_paper_site
from custom_components.camera_steward.policy_packs import GUIDE, async_hold_pack, async_packs
from custom_components.camera_steward.tasks import listed
from custom_components.camera_steward.texts import async_texts

from .staff import async_look, async_staffed, done
from .utilizing import GATE, by_address, utilization
from .watching import Stage

ABOUT = Subject(SubjectKind.UTILIZATION, GATE)
PRIOR = task_id(TaskKind.POST_PRIOR_NOTICE, ABOUT)
TOLD = {"channel": "electronic", "where_posted": "The shop's web site", "on": "2026-11-01"}


@pytest.fixture
async def stage(
    hass: HomeAssistant,
    disk: Path,
    hass_ws_client: Callable[..., Any],
    hass_client_no_auth: Callable[..., Any],
) -> Stage:
    """Set up a site that wants to count, and has told nobody yet."""
    waiting = utilization(GATE, **by_address("rtsp://127.0.0.1:1/none"))
    made = await async_staffed(hass, disk, hass_ws_client, hass_client_no_auth, waiting)
    await async_look(made)
    return made


async def duties(stage: Stage) -> Mapping[str, Any]:
    answer = await stage.ws(
        stage.manager, f"{DOMAIN}/duties", entry_id=stage.entry.entry_id, language="ja"
    )
    return dict(answer["result"])


async def test_the_guidebook_is_judged_besides_the_sites_pack(stage: Stage) -> None:
    found = await duties(stage)
    items = {each["id"]: each for each in found["controls"] if "guidebook" in each["id"]}
    others = [each for each in found["controls"] if each["id"] not in items]
    assert len(items) == 45
    assert found["pack"]["id"] != GUIDE
    assert {each["addressed"] for each in others} == {None}
    assert sum(found["counts"].values()) == len(items) + len(others)
    assert {
        name: (items[f"guidebook-v1/{name}"]["state"], items[f"guidebook-v1/{name}"]["addressed"])
        for name in ("position-1", "prior-1", "basic-a2", "handling-1")
    } == {
        "position-1": ("not_applicable", None),
        "prior-1": ("due", False),
        "basic-a2": ("evidence_held", True),
        "handling-1": ("enforced", True),
    }
    prior = items["guidebook-v1/prior-1"]
    assert prior["subject"] == {"kind": "utilization", "id": GATE, "name": "Use Gate"}
    assert (prior["task"], prior["task_title"]) == (PRIOR, "事前告知")

    # What was done for it is of what is declared now, and needs a proof.
    async def enter(**answers: Any) -> dict[str, Any]:
        asked = {"entry_id": stage.entry.entry_id, "task": PRIOR, "answers": TOLD | answers}
        return await stage.ws(stage.manager, f"{DOMAIN}/task_done", **asked)

    for answers, field in (
        ({}, "photo"),
        ({"web_address": "https://me:secret@example.jp/"}, "web_address"),
        ({"web_address": "https://example.jp/", "version": "mine"}, "answers"),
        ({"web_address": "https://example.jp/", "on": "2199-01-01"}, "on"),
    ):
        error = (await enter(**answers))["error"]
        assert (error["code"], error["translation_placeholders"]) == (
            "task_invalid",
            {"field": field},
        )
    assert await done(stage) == []
    assert (await enter(web_address="https://example.jp/notice"))["success"]
    (entry,) = await done(stage)
    look = stage.entry.runtime_data.coordinator.duties
    (fact,) = look.facts.utilizations
    assert entry.data["answers"] == {
        **TOLD,
        "web_address": "https://example.jp/notice",
        "way": "panel",
        "version": fact.declared.version,
        "start_on": fact.start_on.isoformat(),
    }
    told = {each["id"]: each for each in (await duties(stage))["controls"]}
    assert told["guidebook-v1/prior-2"]["addressed"]
    assert told["guidebook-v1/prior-1"]["next_at"] is not None  # the lead time runs
    # Lists that every login reads name it as they name a camera.
    texts = await async_texts(stage.hass, "en")
    summaries = [each.summary for each in listed(look.tasks, texts)]
    assert any("Use Gate" in each and "notice on the spot" in each for each in summaries)


async def test_the_statement_says_of_each_item_whether_it_is_addressed(stage: Stage) -> None:
    look, bridge = await async_look(stage), stage.entry.runtime_data.bridge
    found = {
        language: statement_of(look, await async_texts(stage.hass, language))
        for language in ("ja", "en")
    }
    states = {row.cite: row.state for row in found["ja"].rows}
    assert states["①基本原則 a"].startswith(("対応済み", "未対応"))
    assert states["②事前告知時"].startswith("未対応")
    assert states["備考１"] == "該当なし"
    printed = statement_paper("ja", await async_paper_site(stage.hass, stage.entry, bridge), found)
    assert "批判や訴訟のおそれがなくなるものではありません" in printed.html
    own = {lang: replace(each, guide="", rows=()) for lang, each in found.items()}
    printed = statement_paper("ja", await async_paper_site(stage.hass, stage.entry, bridge), own)
    assert "訴訟" not in printed.html


async def test_no_site_can_have_the_guidebook_for_its_pack(stage: Stage) -> None:
    hass = stage.hass
    own = Path(hass.config.path(DOMAIN, "packs"))
    text = (await hass.async_add_executor_job(guide_text)).replace(GUIDE, "mine", 1)

    def put() -> None:
        own.mkdir(parents=True)
        (own / "mine.yaml").write_text(text)
        (own / f"{GUIDE}.yaml").write_text("Another of the same name.")

    await hass.async_add_executor_job(put)
    shelf = await async_packs(hass)
    assert not {GUIDE, "mine"} & set(shelf.packs)
    assert [(each.file, each.problem) for each in shelf.broken] == [
        (f"{GUIDE}.yaml", "id_taken"),
        ("mine.yaml", "not_for_sites"),
    ]
    by_hand = MockConfigEntry(domain=DOMAIN, data={**stage.entry.data, CONF_PACK: GUIDE})
    held = await async_hold_pack(hass, by_hand)
    assert held.error is not None
    assert held.error.problem == "not_for_sites"
    assert not held.pack.for_utilizations
    assert not held.pack.grounds


def guide_text() -> str:
    packs = Path(__file__).parents[2] / "custom_components" / DOMAIN / "packs"
    return (packs / f"{GUIDE}.yaml").read_text()
