"""A sealed camera, in a real browser: a resident sees nothing of it, and it is recorded on."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.cameras import RtspCamera, wait_for
from tests.homes import (
    ADMINISTRATOR,
    RESIDENT,
    Client,
    Home,
    RefusedError,
    add_generic,
    add_site,
    cameras,
    entities,
    wait_until_loaded,
    wait_until_recording,
)
from tests.homes.browser import browser, log_in, picture, visit
from tests.homes.demo import SCENES, SITE
from tests.homes.walk import Walker

_DASHBOARD = "shop-cameras"
_NAME = "Shop door"
_PASSWORD = "s3aled-camera"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stage:
    home: Home
    site: str
    entity: str


@pytest.fixture(scope="module")
def stage(folder: Path, make_home: Callable[[dict[str, str]], Home]) -> Iterator[_Stage]:
    """Give a home with a camera of Home Assistant's own, and a site without cameras."""
    with RtspCamera(SCENES[0].clip, user="viewer", password=_PASSWORD) as source:
        home = make_home({})
        home.start()
        site = add_site(home, folder / "vault", texts=SITE["en"])
        entity = add_generic(home, source, _NAME)
        _add_dashboard(home.client(), entity)
        yield _Stage(home=home, site=site, entity=entity)


def _add_dashboard(client: Client, entity: str) -> None:
    """Add a dashboard for all that shows a camera."""
    client.ws(
        "lovelace/dashboards/create",
        url_path=_DASHBOARD,
        mode="storage",
        title="Shop",
        require_admin=False,
        show_in_sidebar=True,
    )
    card = {"type": "picture-entity", "entity": entity, "camera_view": "live"}
    view = {"title": "Shop", "type": "panel", "cards": [card]}
    client.ws("lovelace/config/save", url_path=_DASHBOARD, config={"views": [view]})


def _watchable(client: Client, entity: str, token: str) -> list[str]:
    """Return by which routes a login gets pictures of a camera."""
    found = []
    for route, more in (("login", ""), ("token", f"?token={token}")):
        with suppress(RefusedError):
            if client.rest("GET", f"/api/camera_proxy/{entity}{more}"):
                found.append(route)
    for command, fields in (
        ("camera/stream", {}),
        ("camera/capabilities", {}),
        ("camera/webrtc/offer", {"offer": "v=0"}),
        ("media_source/resolve_media", {"media_content_id": f"media-source://camera/{entity}"}),
    ):
        named = {"entity_id": entity} if command.startswith("camera") else {}
        with suppress(RefusedError):
            client.ws(command, **named, **fields)
            found.append(command)
    return found


def test_a_sealed_camera_is_kept_from_a_resident_recorded_and_given_back(
    stage: _Stage, pictures: Path
) -> None:
    home, entity = stage.home, stage.entity
    client, resident = home.client(), home.client(RESIDENT)
    token = resident.state(entity)["attributes"]["access_token"]
    # A picture out of a stream takes Home Assistant a while.
    wait_for(lambda: "login" in _watchable(resident, entity, token))
    before = _watchable(resident, entity, token)
    assert {"token", "camera/stream"} <= set(before)

    texts = SCENES[0].texts["en"]
    with browser("en") as page:
        log_in(page, home.base, RESIDENT)
        card = visit(page, f"{home.base}/{_DASHBOARD}/0", "hui-picture-entity-card")
        expect(card.locator("video, img").first).to_be_visible()
        picture(page, pictures / "en" / "resident_before_sealing.png")
    with browser("en") as page:
        log_in(page, home.base, ADMINISTRATOR)
        walker = Walker(
            page, home.base, "en", lambda step: picture(page, pictures / "en" / f"{step}.png")
        )
        walker.add_camera(texts, _NAME)
        walker.seal_camera()
        expect(page.locator("ha-config-entry-row").first).to_be_visible()
    camera = cameras(client, stage.site)[texts["name"]]
    wait_until_recording(home, stage.site, camera)
    live_view = entities(client, stage.site)[camera, "live_view"]
    assert client.state(live_view)["state"] == "enforced"

    def nothing_to_see() -> None:
        assert entity not in resident.states()
        assert _watchable(resident, entity, token) == []

    nothing_to_see()
    with browser("en") as page:
        log_in(page, home.base, RESIDENT)
        card = visit(page, f"{home.base}/{_DASHBOARD}/0", "hui-picture-entity-card")
        expect(card).to_contain_text("Entity not found")
        picture(page, pictures / "en" / "resident_after_sealing.png")
        expect(card.locator("video, img")).to_have_count(0)

    # A restart turns nothing on.
    home.stop()
    home.start()
    wait_until_recording(home, stage.site, camera)
    nothing_to_see()

    client.fill(
        "subentries/flow",
        [stage.site, "camera"],
        {"unseal": {"reason": "The residents' meeting decided so"}},
        subentry_id=camera,
    )
    # Home Assistant brings the entity back by itself, half a minute later.
    wait_for(lambda: entity in resident.states(), seconds=180)
    wait_until_loaded(client, stage.site)
    wait_until_recording(home, stage.site, camera)
    token = resident.state(entity)["attributes"]["access_token"]
    wait_for(lambda: _watchable(resident, entity, token) == before)
    assert client.state(live_view)["state"] == "not_enforced"
    assert _PASSWORD not in home.log()
