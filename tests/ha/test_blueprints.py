"""Each blueprint by the real automation integration, from its trigger to a phone."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import yaml
from homeassistant.components.blueprint.models import Blueprint
from homeassistant.components.blueprint.schemas import BLUEPRINT_SCHEMA
from homeassistant.components.trace.const import DATA_TRACE
from homeassistant.core import CoreState, HomeAssistant
from homeassistant.util import dt as dt_util, yaml as yaml_util
from pytest_homeassistant_custom_component.common import (
    async_capture_events,
    async_fire_time_changed,
)

from custom_components.camera_steward.bridge import state_directory
from custom_components.camera_steward.const import PURPOSES
from custom_components.camera_steward.core.access.decide import Refusal
from custom_components.camera_steward.core.access.people import Role
from custom_components.camera_steward.core.ledger.entry import EntryKind
from custom_components.camera_steward.core.viewing.desk import Caller
from custom_components.camera_steward.core.viewing.lobby import Lobby
from custom_components.camera_steward.core.viewing.watches import Unusual
from custom_components.camera_steward.trigger import KINDS
from tests.cameras import DeadCamera, RtspCamera

from .automating import FOLDER, Phone, async_automate
from .sites import (
    DOOR,
    MANAGER,
    async_add_cameras,
    async_back_date,
    async_ledger,
    async_set_up,
    camera,
    entity_id,
    site,
    unplug,
    until,
    until_status,
)
from .test_binary_sensor import grow_older
from .texts import TEXTS
from .watching import ROOT, Stage, let_in, played

NAMES = sorted(path.name for path in FOLDER.glob("*.yaml"))
NOWHERE = "rtsp://127.0.0.1:1/none"


@pytest.mark.parametrize("name", NAMES)
def test_a_blueprint_is_of_the_present_syntax_and_can_be_imported(name: str) -> None:
    """Its link leads to where it lies in the repository, in both languages."""
    text = (FOLDER / name).read_text()
    data = yaml_util.parse_yaml(text)
    assert isinstance(data, dict)
    blueprint = Blueprint(data, path=name, expected_domain="automation", schema=BLUEPRINT_SCHEMA)
    assert blueprint.validate() is None
    source = (
        "https://github.com/camera-steward/camera-steward/blob/main/"
        f"blueprints/automation/camera_steward/{name}"
    )
    assert blueprint.metadata["source_url"] == source
    link = "https://my.home-assistant.io/redirect/blueprint_import/?blueprint_url="
    assert link + quote(source, safe="") in blueprint.metadata["description"]
    assert blueprint.metadata["homeassistant"]["min_version"].count(".") == 2
    assert re.search("[ぁ-ん]", text)
    for old in ("platform:", "service:", "\ntrigger:", "\naction:"):
        assert old not in text


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "Erased: 0 segments (0.0 MB). Kept: 2 segments"),
        ("ja", "消去: 0 件（0.0 MB）。 保存中: 2 件"),
    ],
)
async def test_the_report_of_the_day_comes_at_its_hour(
    hass: HomeAssistant, phone: Phone, disk: Path, language: str, words: str
) -> None:
    """With what was erased and what is kept."""
    await async_add_cameras(hass, door=NOWHERE)
    entry = site(disk, camera(DOOR, "door"))
    await async_back_date(hass, entry, DOOR, timedelta(hours=1), timedelta(hours=2))
    await async_set_up(hass, entry)
    await async_automate(
        hass,
        "purge_at_a_set_hour.yaml",
        site=entry.entry_id,
        at="04:00:00",
        phone=[phone.entity],
        language=language,
    )
    tomorrow = dt_util.now() + timedelta(days=1)
    async_fire_time_changed(hass, tomorrow.replace(hour=4, minute=0, second=0, microsecond=0))
    [message] = await until(lambda: phone.messages)
    assert words in message["message"]
    assert ("Nothing is kept past" in message["message"]) == (language == "en")


async def test_the_report_tells_when_the_purge_failed(
    hass: HomeAssistant, phone: Phone, disk: Path
) -> None:
    """The disk is away."""
    await async_add_cameras(hass, door=NOWHERE)
    entry = await async_set_up(hass, site(disk, camera(DOOR, "door")))
    await async_automate(
        hass,
        "purge_at_a_set_hour.yaml",
        site=entry.entry_id,
        phone=[phone.entity],
        language="en",
    )
    unplug(disk)
    tomorrow = dt_util.now() + timedelta(days=1)
    async_fire_time_changed(hass, tomorrow.replace(hour=4, minute=0, second=0, microsecond=0))
    [message] = await until(lambda: phone.messages)
    assert message["message"].startswith("The purge failed")


async def test_a_camera_that_does_not_record_is_told_and_told_again_when_it_does(
    hass: HomeAssistant, phone: Phone, rtsp_camera: RtspCamera, disk: Path
) -> None:
    """Not before its minutes have passed."""
    await async_add_cameras(hass, door=rtsp_camera.url)
    await async_set_up(hass, site(disk, camera(DOOR, "door")))
    await until_status(hass, DOOR, "recording")
    await async_automate(
        hass,
        "camera_has_not_recorded.yaml",
        status=entity_id(hass, "sensor", DOOR, "status"),
        minutes=10,
        phone=[phone.entity],
        language="en",
    )
    rtsp_camera.stop()
    await until_status(hass, DOOR, "no_stream")
    now = dt_util.utcnow()
    async_fire_time_changed(hass, now + timedelta(minutes=5))
    await hass.async_block_till_done()
    assert phone.messages == []
    async_fire_time_changed(hass, now + timedelta(minutes=11))
    [message] = await until(lambda: phone.messages)
    assert message["message"] == "Door has not recorded for 10 minutes."
    rtsp_camera.start()
    await until_status(hass, DOOR, "recording")
    await until(lambda: len(phone.messages) == 2)
    assert phone.messages[1]["message"] == "Door records again."


async def test_a_camera_that_is_dark_at_the_start_is_told_as_well(
    hass: HomeAssistant, phone: Phone, disk: Path
) -> None:
    """It never recorded, so that nothing changed."""
    hass.set_state(CoreState.not_running)
    with DeadCamera() as dead:
        await async_add_cameras(hass, door=dead.url)
        await async_set_up(hass, site(disk, camera(DOOR, "door")))
        await until_status(hass, DOOR, "no_stream")
        await async_automate(
            hass,
            "camera_has_not_recorded.yaml",
            status=entity_id(hass, "sensor", DOOR, "status"),
            phone=[phone.entity],
        )
        await hass.async_start()
        assert phone.messages == []

        def told() -> list[dict[str, Any]]:
            async_fire_time_changed(hass, dt_util.utcnow() + timedelta(minutes=11))
            return phone.messages

        [message] = await until(told)
    assert message["message"] == "Door は 10 分間録画していません。"


async def test_footage_past_its_limit_is_told(
    hass: HomeAssistant, phone: Phone, disk: Path
) -> None:
    """The disk is away when the limit passes."""
    await async_add_cameras(hass, door=NOWHERE)
    entry = site(disk, camera(DOOR, "door", retention_hours=2))
    await async_back_date(hass, entry, DOOR, timedelta(hours=1))
    await async_set_up(hass, entry)
    await async_automate(
        hass,
        "footage_past_its_limit.yaml",
        past_limit=[entity_id(hass, "binary_sensor", DOOR, "past_limit")],
        phone=[phone.entity],
        language="en",
    )
    unplug(disk)
    state = state_directory(hass, entry.entry_id)
    await hass.async_add_executor_job(grow_older, state, timedelta(hours=2))

    def told() -> list[dict[str, Any]]:
        async_fire_time_changed(hass, dt_util.utcnow() + timedelta(minutes=1))
        return phone.messages

    [message] = await until(told)
    assert message["message"].startswith("Door keeps footage past its limit.")


LOOKED = {
    "en": (
        "{site}: Hanako Kumagaya (Operations manager) is watching Door. "
        "How: Playback. Purpose: Check an incident."
    ),
    "ja": (
        "{site}：Hanako Kumagaya（運用責任者）が Door を視聴しています。 "
        "方法：再生。目的：事件・事故などの確認。"
    ),
}
STANDS_OUT = {
    "en": ("Unusual viewing", "What stands out: Someone’s first viewing"),
    "ja": ("通常と異なる視聴", "通常と異なる点：その人の初めての視聴"),
}
NOBODY = {
    "en": (
        "{site}: Somebody who is not logged in was refused. "
        "Camera: Door. How: Small pictures. Why: Not logged in."
    ),
    "ja": (
        "{site}：ログインしていない者の操作を拒否しました。 "
        "カメラ：Door。方法：縮小画像。理由：未ログイン。"
    ),
}
UNPLEDGED = {
    "en": (
        "{site}: Hanako Kumagaya was refused. How: Browsing. Why: Pledge or rules not accepted."
    ),
    "ja": (
        "{site}：Hanako Kumagayaの操作を拒否しました。 "
        "方法：一覧の表示。理由：誓約又は設置運用規約に未同意。"
    ),
}


@pytest.mark.parametrize("language", ["en", "ja"])
async def test_the_manager_is_told_when_someone_looks(
    phone: Phone, stage: Stage, language: str
) -> None:
    """And once more, for it is that person's first; and no trace keeps the name."""
    await async_automate(
        stage.hass,
        "someone_looks.yaml",
        site=stage.entry.entry_id,
        phone=[phone.entity],
        language=language,
    )
    await let_in(stage)
    await played(stage)
    await until(lambda: len(phone.messages) == 2)
    first, second = phone.messages
    words = LOOKED[language].format(site=stage.entry.title)
    assert first["message"] == words
    title, stands_out = STANDS_OUT[language]
    assert second["title"] == title
    assert second["message"].startswith(words)
    assert stands_out in second["message"]
    assert kept_traces(stage.hass) == 0


async def test_the_manager_is_told_only_what_stands_out_where_that_is_wanted(
    phone: Phone, stage: Stage
) -> None:
    """The second look is nothing new, unless it is night."""
    await async_automate(
        stage.hass,
        "someone_looks.yaml",
        site=stage.entry.entry_id,
        phone=[phone.entity],
        language="en",
        only_unusual=True,
    )
    await let_in(stage)
    await played(stage)
    [message] = await until(lambda: phone.messages)
    assert message["title"] == "Unusual viewing"


@pytest.mark.parametrize("language", ["en", "ja"])
async def test_the_manager_is_told_of_a_denied_try(
    phone: Phone, stage: Stage, language: str
) -> None:
    """Of someone who is not logged in, and of a person by name; no trace keeps it."""
    await async_automate(
        stage.hass,
        "viewing_denied.yaml",
        site=stage.entry.entry_id,
        phone=[phone.entity],
        language=language,
    )
    status, _ = await stage.get(
        f"/api/camera_steward/{stage.entry.entry_id}/picture/incident_check/{DOOR}/1"
    )
    assert status == HTTPStatus.FORBIDDEN
    await until(lambda: len(phone.messages) == 1)
    assert not (await stage.browse(stage.manager, ROOT))["success"]
    await until(lambda: len(phone.messages) == 2)
    assert [each["message"] for each in phone.messages] == [
        each[language].format(site=stage.entry.title) for each in (NOBODY, UNPLEDGED)
    ]
    assert kept_traces(stage.hass) == 0


async def test_all_guest_permissions_end_at_closing_time(
    hass: HomeAssistant, phone: Phone, disk: Path
) -> None:
    """With how many there were; the day after there are none, and nothing is told."""
    await async_add_cameras(hass, door=NOWHERE)
    entry = await async_set_up(hass, site(disk, camera(DOOR, "door")))
    bridge = entry.runtime_data.bridge
    await bridge.async_in_lobby(give_permissions)
    await async_automate(
        hass,
        "guest_permissions_end.yaml",
        site=entry.entry_id,
        at="19:00:00",
        phone=[phone.entity],
        language="en",
    )
    ended = async_capture_events(hass, "automation_triggered")
    for days in (1, 2):
        day = dt_util.now() + timedelta(days=days)
        async_fire_time_changed(hass, day.replace(hour=19, minute=0, second=0, microsecond=0))
        await until(lambda: len(ended) == days)  # noqa: B023
        await hass.async_block_till_done(wait_background_tasks=True)
    [message] = phone.messages
    assert message["message"] == "Guest permissions ended: 2."
    assert await bridge.async_in_lobby(lambda lobby: lobby.desk.permissions()) == ()
    entries = await async_ledger(hass, entry, EntryKind.PERMISSION_ENDED)
    assert [each.actor for each in entries] == ["automation"] * 2


async def test_closing_time_tells_when_the_permissions_could_not_be_ended(
    hass: HomeAssistant, phone: Phone, disk: Path
) -> None:
    """The site is not set up."""
    await async_add_cameras(hass, door=NOWHERE)
    entry = await async_set_up(hass, site(disk, camera(DOOR, "door")))
    await async_automate(
        hass,
        "guest_permissions_end.yaml",
        site=entry.entry_id,
        phone=[phone.entity],
        language="en",
    )
    assert await hass.config_entries.async_unload(entry.entry_id)
    tomorrow = dt_util.now() + timedelta(days=1)
    async_fire_time_changed(hass, tomorrow.replace(hour=19, minute=0, second=0, microsecond=0))
    [message] = await until(lambda: phone.messages)
    assert message["message"].startswith("Ending the guest permissions failed")


def give_permissions(lobby: Lobby) -> None:
    """Give two people a permission each."""
    now = datetime.now(UTC)
    for user in ("one", "two"):
        lobby.desk.permit(
            Caller(user=MANAGER),
            user=user,
            name=user,
            cameras=frozenset({DOOR}),
            start_at=now - timedelta(hours=1),
            end_at=now,
            reason="A broken window",
            length=timedelta(hours=24),
        )


def kept_traces(hass: HomeAssistant) -> int:
    """Return how many runs of automations can be read afterwards."""
    buckets = list(hass.data[DATA_TRACE].values())
    assert buckets, "the automation has no id"
    return sum(len(list(each.all_traces())) for each in buckets)


class Loader(yaml.SafeLoader):
    """Reads Home Assistant's own tags as text."""


Loader.add_constructor("!input", lambda loader, node: str(node.value))


def test_the_inputs_of_every_blueprint_have_names_in_both_languages() -> None:
    """Blueprints know no translations."""
    for name in NAMES:
        for each in yaml.load((FOLDER / name).read_text(), Loader)["blueprint"]["input"].values():
            assert " / " in each["name"]


def test_a_blueprint_has_a_word_for_all_that_is_told_and_says_it_as_the_register_does() -> None:
    """In both languages."""
    wanted: dict[str, dict[str, Sequence[str]]] = {
        "someone_looks.yaml": {
            "role": [*Role],
            "kind": [*KINDS],
            "purpose": PURPOSES,
        },
        "viewing_denied.yaml": {"kind": [*KINDS, "browse", "manage"], "refusal": [*Refusal]},
    }
    for name, codes in wanted.items():
        words = yaml.load((FOLDER / name).read_text(), Loader)["variables"]["words"]
        for language, texts in TEXTS.items():
            told = {
                code: texts["common"][f"{kind}_{code}"] for kind, of in codes.items() for code in of
            }
            if name == "someone_looks.yaml":
                told |= texts["selector"]["viewing_unusual"]["options"]
                assert set(Unusual) <= set(told)
            assert words[language] == told
