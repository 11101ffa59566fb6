"""All cases of utilization from their form to their entities, and no picture in any file.

One Home Assistant, one street with real people. What needs two weeks is reached by starting again
ahead of time.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.cameras import RtspCamera, wait_for
from tests.cameras.pedestrians import near, pedestrians
from tests.homes import (
    ADMINISTRATOR,
    RESIDENT,
    Home,
    accept,
    add_camera,
    add_generic,
    add_site,
    entities,
    wait_until_recording,
)
from tests.homes.duties import adopt_rules, do, open_tasks
from tests.homes.engine import Engine, portrait
from tests.homes.utilization import (
    add_utilization,
    background,
    keep_photo,
    missing,
    prepare,
    set_view,
    take_fewer,
    utilizations,
)
from tests.homes.written import Pieces, Written

_LEAD = timedelta(days=14)
_PERSONS = [
    {"foot": [0.5, 0.35], "head": [0.5, 0.25]},
    {"foot": [0.5, 0.9], "head": [0.5, 0.72]},
]
_VIEWS: dict[str, dict[str, Any]] = {
    "counting": {
        "lines": [{"name": "Path", "start": [0.5, 0.05], "end": [0.5, 0.98]}],
        "persons": _PERSONS,
    },
    "movement": {
        "zones": [{"name": "Middle", "points": [[0.1, 0.1], [0.9, 0.1], [0.9, 0.9], [0.1, 0.9]]}],
        "floor": {
            "seen": [[0.2, 0.2], [0.8, 0.2], [0.98, 0.95], [0.02, 0.95]],
            "drawn": [[0, 0], [1, 0], [1, 1], [0, 1]],
            "width_m": 14,
            "depth_m": 18,
        },
        "persons": _PERSONS,
    },
    "attributes": {
        "zones": [{"name": "queue", "points": [[0, 0.5], [1, 0.5], [1, 1], [0, 1]]}],
        "till_people": 1,
    },
    "scenery": {"labels": ["Dry", "Snow"]},
    "icons": {"persons": _PERSONS, "capacity": 6},
    "other": {"persons": _PERSONS},
}


@dataclass(slots=True, kw_only=True)
class _Street:
    home: Home
    site: str
    street: RtspCamera
    recorded: RtspCamera
    near: RtspCamera
    """Shown to the detection server alone; now and then somebody comes near."""
    camera: str
    ids: dict[str, str]
    """The utilization of each case; `recorded` counts at the camera that records as well."""
    pieces: Pieces
    folder: Path

    @property
    def rows(self) -> dict[str, dict[str, Any]]:
        found = utilizations(self.home.client(), self.site)
        return {case: found[id_] for case, id_ in self.ids.items()}

    def state(self, case: str, key: str) -> dict[str, Any]:
        """Return the state of an entity by its key's beginning."""
        client = self.home.client()
        found = entities(client, self.site)
        (entity,) = [v for (of, k), v in found.items() if of == self.ids[case] and k == key]
        return client.state(entity)

    def number(self, case: str, key: str) -> int | None:
        """Return the state of a sensor that counts, None while it tells nothing."""
        state = self.state(case, key)["state"]
        return int(state) if state.isdigit() else None

    def picture(self, case: str, key: str) -> Image.Image:
        """Return what a dashboard shows of an image entity, to anybody who may log in."""
        state = self.state(case, key)
        client = self.home.client(RESIDENT)
        content = client.rest("GET", f"/api/image_proxy/{state['entity_id']}")
        return Image.open(BytesIO(content))


@pytest.fixture(scope="module")
def street(folder: Path, make_home: Callable[[dict[str, str]], Home]) -> Iterator[_Street]:
    video = pedestrians()
    visited, parts = near(portrait())
    with (
        RtspCamera(video, user="viewer", password="t1me") as source,
        RtspCamera(video, user="viewer", password="t1me") as recorded,
        RtspCamera(visited, user="viewer", password="t1me") as visitors,
        Engine() as engine,
    ):
        home = make_home({})
        home.start()
        manager = {"manager_user_id": home.user_id(ADMINISTRATOR)}
        site = add_site(home, folder / "vault", texts=manager)
        camera = add_camera(home, site, add_generic(home, recorded, "Door"), "Door", seal=True)
        wait_until_recording(home, site, camera)
        accept(home, site, ADMINISTRATOR)
        today = date.today()  # noqa: DTZ011
        # So that it goes on recording: what is written meanwhile is looked through as well.
        adopt_rules(home.client(), site, today)
        (sign,) = [
            each for each in open_tasks(home.client(), site).values() if each["kind"] == "post_sign"
        ]
        do(home.client(), site, sign, today)
        start_on = today + _LEAD
        ids = {}
        for case, view in _VIEWS.items():
            camera_of = visitors if case == "attributes" else source
            ids[case] = add_utilization(
                home,
                site,
                case.title(),
                case,
                source={
                    "stream_address": camera_of.bare_url,
                    "stream_username": "viewer",
                    "stream_password": "t1me",
                },
                start_on=start_on,
                detector="server" if case == "attributes" else "built_in",
                more={
                    "data": {"derived": "How many at most"} if case == "other" else {},
                    "server": {"detector_url": engine.url, "originals": "None: looked at its disk"},
                },
            )
            set_view(home.client(), site, ids[case], view)
        take_fewer(home.client(), site, ids["attributes"])
        ids["recorded"] = add_utilization(
            home, site, "Door count", "counting", source={"camera": camera}, start_on=start_on
        )
        set_view(home.client(), site, ids["recorded"], _VIEWS["counting"])
        yield _Street(
            home=home,
            site=site,
            street=source,
            recorded=recorded,
            near=visitors,
            camera=camera,
            ids=ids,
            pieces=Pieces(parts, (320, 640)),
            folder=folder,
        )


def test_nothing_is_opened_before_the_notice_has_run_and_then_no_picture_stays(
    street: _Street,
) -> None:
    home, site = street.home, street.site
    client = home.client()
    today = datetime.now(UTC).astimezone().date()

    # What people must do is asked for, and before it is done nothing is opened.
    asked = missing(client, site)
    assert all("post_prior_notice" in each for each in asked.values())
    assert "check_unreadable" in asked[street.ids["scenery"]]
    assert "assess_case" in asked[street.ids["other"]]
    done = prepare(client, site, today)
    assert done.count("post_prior_notice") == len(street.ids)
    wait_for(lambda: not any(map(len, (e - {""} for e in missing(client, site).values()))))
    rows = street.rows
    assert {each["status"] for each in rows.values()} == {"waiting"}
    assert all(each["missing"] and each["opens_at"] for each in rows.values())
    assert street.street.stats()["connections"] == 0
    assert street.near.stats()["connections"] == 0, "something may have been sent to the server"
    assert street.recorded.stats()["playing"] == 1, "somebody else than the recorder is there"

    # Two weeks later: in files, nothing of what is seen then.
    home.kill()
    home.ahead = _LEAD + timedelta(days=1)
    assert street.street.stats()["connections"] == 0
    watched = (home.config, home.temp, street.folder / "vault")
    with Written(watched, street.pieces) as written:
        home.start()
        client = home.client()
        wait_for(
            lambda: {each["status"] for each in street.rows.values()} == {"running"}, seconds=120
        )
        wait_until_recording(home, site, street.camera)
        _look_at_each_case(street)
        rows = street.rows
        assert street.recorded.stats()["playing"] == 2, "recorder and utilization share nothing"
        home.stop()
    assert written.found == {}
    assert any("home-assistant_v2.db" in each.name for each in written.files)
    assert any(each.suffix == ".seg" for each in written.files)
    assert "t1me" not in home.log()
    assert written.looked_at > 50
    for case, row in rows.items():
        assert row["frames_taken"] > 20, case
        assert row["frames_persisted"] == 0, case
        assert row["frame_age_seconds"] < 10, case


def _look_at_each_case(street: _Street) -> None:
    client, site = street.home.client(), street.site

    # 4: a scene that is learnt, and known.
    for _ in range(3):
        client.ws(
            "camera_steward/utilization_learn",
            entry_id=site,
            utilization=street.ids["scenery"],
            label="Dry",
        )
    # 5: icons on the place as its detector knows it, once somebody saw that it is empty.
    icons = street.ids["icons"]
    found: list[bytes] = []
    wait_for(lambda: _take(found, background(client, site, icons)), seconds=60)
    photo = keep_photo(client, site, found[0], "image/png")
    client.ws(
        "camera_steward/task_done",
        entry_id=site,
        task=f"approve_background:utilization:{icons}",
        answers={"nobody": True, "photo": photo},
    )
    set_view(client, site, icons, {**_VIEWS["icons"], "background": photo})
    wait_for(lambda: street.state("icons", "crowd")["state"] in ("some", "busy", "full"), 60)
    assert street.picture("icons", "icons").width >= 320

    # 3: who passes.
    wait_for(lambda: all(_counted(street, each) for each in ("counting", "recorded")), seconds=120)

    # 1: how many wait is told at once, what follows from it as soon as there is a past.
    assert street.state("attributes", "open_till")["state"] in ("on", "off")
    assert street.state("attributes", "queue_forecast")["state"] == "unknown"

    # 1, 2 and any other tell of whole quarters and hours only: nothing before.
    for case, key in (("attributes", "visitors"), ("other", "most_persons")):
        assert street.state(case, key)["state"] == "unknown"
    assert street.picture("movement", "heat_map").width >= 320
    assert street.state("scenery", "scene")["state"] in ("Dry", "unknown")


@pytest.mark.skipif("E2E_QUARTER" not in os.environ, reason="takes 20 minutes: set E2E_QUARTER")
def test_a_whole_quarter_of_an_hour_is_told(street: _Street) -> None:
    # A quarter is about to begin.
    home = street.home
    there = datetime.now(UTC) + home.ahead
    home.ahead += -timedelta(minutes=there.minute + 3) % timedelta(minutes=15)
    home.start()
    wait_for(lambda: street.number("attributes", "visitors") is not None, seconds=2400)
    wait_for(lambda: street.number("other", "most_persons") is not None, seconds=120)
    assert (street.number("attributes", "visitors") or 0) > 3
    assert (street.number("other", "most_persons") or 0) > 2
    wait_for(lambda: street.number("movement", "visits_Middle") is not None, seconds=120)
    assert (street.number("movement", "visits_Middle") or 0) > 3
    assert (street.number("movement", "dwell_Middle") or 0) > 0
    wait_for(lambda: street.number("attributes", "queue_forecast") is not None, seconds=120)
    # A woman came near, some times: of one or two neither age nor sex is told.
    ages = ["age_under_20", "age_from_20", "age_from_40", "age_from_60"]
    told = [street.number("attributes", each) for each in (*ages, "sex_female", "sex_male")]
    assert set(told) != {0}
    assert not {1, 2} & set(told)


def _take(found: list[bytes], content: bytes | None) -> bool:
    if content is not None:
        found.append(content)
    return content is not None


def _counted(street: _Street, case: str) -> int:
    client = street.home.client()
    states = [
        client.state(entity)["state"]
        for (of, key), entity in entities(client, street.site).items()
        if of == street.ids[case] and "person" in key
    ]
    return sum(int(each) for each in states if each.isdigit())
