"""The calendar: the dates of all tasks, for every login, without a name of anybody."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util
from yarl import URL

from .sites import DOOR, MANAGER, state_of
from .staff import async_at_the_door, async_look, resident


async def test_it_tells_the_day_of_each_task(
    hass: HomeAssistant,
    disk: Path,
    hass_ws_client: Callable[..., Any],
    hass_client_no_auth: Callable[..., Any],
) -> None:
    door = await async_at_the_door(hass, disk, hass_ws_client, hass_client_no_auth)
    await door.operator()
    look = await async_look(door)
    state = state_of(hass, "calendar", door.entry.entry_id, "tasks")
    assert state.attributes["all_day"] is True
    assert state.attributes.get("supported_features", 0) == 0  # read only
    reader = await resident(door)

    async def events(start: Any, end: Any) -> list[dict[str, Any]]:
        address = URL(f"/api/calendars/{state.entity_id}").with_query(
            start=start.isoformat(), end=end.isoformat()
        )
        async with door.http.session.get(
            door.http.make_url(address), headers=reader.headers
        ) as answer:
            found: list[dict[str, Any]] = await answer.json()
            return found

    now = dt_util.now()
    span = (now - timedelta(days=1), now + timedelta(days=3660))
    found = {each["uid"]: each for each in await events(*span)}
    dates = {each.id: dt_util.as_local(each.due_at).date() for each in look.tasks}
    inspect = f"inspect:camera:{DOOR}"
    assert found[inspect]["summary"] == "Inspect the camera: Door"
    assert found[inspect]["start"] == {"date": dates[inspect].isoformat()}
    assert found[inspect]["end"] == {"date": (dates[inspect] + timedelta(days=1)).isoformat()}
    named = {each.id for each in look.tasks if each.subject.kind in ("site", "camera")}
    assert named <= set(found)
    assert found["brief:person"]["summary"] == "Brief the staff (2)"
    for name in ("Taro Ara", "Hanako Kumagaya", MANAGER):
        assert name not in str(found)
        assert name not in str(state.as_dict())
    # A span holds what is due in it and nothing else.
    day = dt_util.start_of_local_day(dates[inspect])
    assert inspect in {each["uid"] for each in await events(day, day + timedelta(hours=1))}
    assert await events(day + timedelta(days=4000), day + timedelta(days=4001)) == []
    before = {each["uid"] for each in await events(day - timedelta(days=1), day)}
    assert inspect not in before
