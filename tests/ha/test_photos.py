"""Photos over HTTP: in and out for those who do tasks, and for nobody else."""

import io
from collections.abc import AsyncIterator, Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any, cast

import pytest
from aiohttp.web import Request
from homeassistant.auth.const import GROUP_ID_ADMIN, GROUP_ID_USER
from homeassistant.core import HomeAssistant
from PIL import Image

from custom_components.camera_steward import photo_views
from custom_components.camera_steward.bridge import state_directory
from custom_components.camera_steward.const import DOMAIN
from custom_components.camera_steward.core.errors import PhotoTooLargeError
from custom_components.camera_steward.core.tasks.photos import PHOTO_MOST_BYTES

from .sites import MANAGER, names
from .staff import async_staffed, resident
from .watching import FORBIDDEN, Person, Stage


def picture(size: tuple[int, int] = (1600, 900)) -> bytes:
    target = io.BytesIO()
    Image.new("RGB", size, "red").save(target, "JPEG", comment="Taken at home")
    return target.getvalue()


@pytest.fixture
async def small(
    hass: HomeAssistant,
    disk: Path,
    hass_ws_client: Callable[..., Any],
    hass_client_no_auth: Callable[..., Any],
) -> Stage:
    """Set up a site without cameras."""
    return await async_staffed(hass, disk, hass_ws_client, hass_client_no_auth)


async def send(
    stage: Stage, person: Person, body: object, entry_id: str | None = None
) -> tuple[int, Any]:
    """Hand a photo in."""
    where = f"/api/{DOMAIN}/{entry_id or stage.entry.entry_id}/photo"
    async with stage.http.session.post(
        stage.http.make_url(where), headers=person.headers, data=body
    ) as answer:
        assert answer.headers.get("Cache-Control") in (None, "no-store")
        if answer.content_type == "application/json":
            assert answer.headers["Cache-Control"] == "no-store"
            return answer.status, await answer.json()
        return answer.status, await answer.read()


async def test_those_who_do_tasks_hand_photos_in_and_see_them_and_nobody_else(
    small: Stage,
) -> None:
    hass, here = small.hass, small.entry.entry_id
    operator, _ = await small.operator()
    status, found = await send(small, operator, picture())
    assert (status, set(found)) == (HTTPStatus.OK, {"photo"})
    address = f"/api/{DOMAIN}/{here}/photo/{found['photo']}"
    manager = await small.log_in(await _user(small, MANAGER))
    for person in (operator, manager):
        status, body, told = await small.fetch("GET", address, person.headers)
        assert (status, told["Content-Type"], told["Cache-Control"]) == (
            HTTPStatus.OK,
            "image/jpeg",
            "no-store",
        )
        with Image.open(io.BytesIO(body)) as image:
            assert image.size == (1280, 720)
        assert b"Taken at home" not in body
    # So that a page can show it, by an address that Home Assistant signed for that person.
    assert (await small.get(await small.sign(operator, address)))[0] == HTTPStatus.OK

    auth = hass.auth
    waiting = await auth.async_create_user("Not pledged", group_ids=[GROUP_ID_USER])
    await small.appoint(waiting)
    others = {
        "nobody": Person(),
        "resident": await resident(small),
        "administrator": await small.log_in(
            await auth.async_create_user("Administrator", group_ids=[GROUP_ID_ADMIN])
        ),
        "not pledged": await small.log_in(waiting),
    }
    missing = address.replace(found["photo"], "0" * 64)
    for who, person in others.items():
        for each in (address, missing, f"/api/{DOMAIN}/{here}/photo"):
            assert (await small.fetch("GET", each, person.headers))[:2] == FORBIDDEN, who
        for body in (picture(), b"no picture", bytes(100)):
            assert await send(small, person, body) == FORBIDDEN, who
        assert await send(small, person, picture(), "01J0000000000000000NOSITE0") == FORBIDDEN
        denied = (await small.denied())[-1]
        assert (denied["kind"], denied["refusal"]) == (
            "duties",
            {"nobody": "nobody", "not pledged": "not_pledged"}.get(who, "not_appointed"),
        )
    # What there is not reads like a refusal to those who may as well.
    for each in (missing, address + "0", f"/api/{DOMAIN}/{here}/photo"):
        assert (await small.fetch("GET", each, operator.headers))[:2] == FORBIDDEN
    folder = state_directory(hass, here) / "evidence"
    assert names(folder) == [found["photo"]]
    # One that was changed on the disk is not shown.
    stored = bytearray((folder / found["photo"]).read_bytes())
    stored[-1] ^= 1
    (folder / found["photo"]).write_bytes(stored)
    assert (await small.fetch("GET", address, operator.headers))[:2] == FORBIDDEN


class Endless:
    """A request whose body has no end, and may say how long it is."""

    def __init__(self, content_length: int | None) -> None:
        self.content_length = content_length
        self.content = self
        self.read = 0

    async def iter_chunked(self, size: int) -> AsyncIterator[bytes]:
        while True:
            self.read += size
            yield bytes(size)


@pytest.mark.parametrize(("told", "most"), [(None, PHOTO_MOST_BYTES + 100_000), (50_000_000, 0)])
async def test_no_more_is_read_than_is_taken(told: int | None, most: int) -> None:
    request = Endless(told)
    with pytest.raises(PhotoTooLargeError):
        await photo_views._body(cast("Request", request))
    assert request.read <= most


async def test_what_is_too_much_or_no_picture_is_refused_in_words(small: Stage) -> None:
    operator, _ = await small.operator()

    async def fifty() -> AsyncIterator[bytes]:
        for _ in range(50):
            yield bytes(1_000_000)

    for body, key in (
        (bytes(50_000_000), "photo_too_large"),
        (fifty(), "photo_too_large"),
        (b"", "photo_invalid"),
        (b"<html>", "photo_invalid"),
        (picture()[:4000], "photo_damaged"),
        (picture((7200, 7000)), "photo_too_many_pixels"),
    ):
        assert await send(small, operator, body) == (HTTPStatus.BAD_REQUEST, {"key": key})
    folder = state_directory(small.hass, small.entry.entry_id) / "evidence"
    assert not folder.exists()
    # What the storage does not let be kept is no fault of the photo.
    folder.write_text("in the way")
    assert await send(small, operator, picture()) == (
        HTTPStatus.INTERNAL_SERVER_ERROR,
        {"key": "storage_failed"},
    )


async def _user(stage: Stage, user_id: str) -> Any:
    user = await stage.hass.auth.async_get_user(user_id)
    assert user is not None
    return user
