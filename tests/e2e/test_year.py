"""A year of a site, month by month: every task comes due and is done, footage goes, recording goes on."""

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from tests.cameras import Clip, RtspCamera, wait_for
from tests.homes import (
    ADMINISTRATOR,
    OPERATOR,
    Home,
    accept,
    add_camera,
    add_generic,
    add_operator,
    add_site,
    entities,
    wait_until_recording,
)
from tests.homes.duties import adopt_rules, do, duties, open_tasks, take_kit

_MONTH = timedelta(days=31)
_TIMES = {
    "review_viewings": 12,
    "check_sign": 4,
    "inspect": 2,
    "lock_storage": 2,
    "review_rules": 1,
    "review_guideline": 1,
    "brief": 2,  # manager and operator
}
"""How often each comes again within a year of these months."""


def test_a_year_in_which_everything_is_done_ends_with_nothing_to_do(
    folder: Path, make_home: Callable[[dict[str, str]], Home]
) -> None:
    with RtspCamera(
        Clip(width=320, height=180, seconds=4, bitrate_kbps=100), user="viewer", password="t1me"
    ) as source:
        home = make_home({})
        home.start()
        # Who runs the shop runs its Home Assistant as well.
        manager = {"manager_user_id": home.user_id(ADMINISTRATOR)}
        site = add_site(home, folder / "vault", texts=manager)
        add_operator(home, site)
        entity = add_generic(home, source, "Shop door")
        camera = add_camera(home, site, entity, "Shop door", seal=True)

        def settle() -> list[str]:
            """Do what is to be done until nothing is, and return which kinds that was."""
            done = []
            today = date.today() + home.ahead  # noqa: DTZ011
            accept(home, site, ADMINISTRATOR)
            accept(home, site, OPERATOR)
            for _ in range(3):
                for each in open_tasks(home.client(), site).values():
                    if each["kind"] == "adopt_rules":
                        adopt_rules(home.client(), site, today)
                    elif each["kind"] == "recovery_kit":
                        take_kit(home.client(), site)
                    elif each["may"]:
                        do(home.client(), site, each, today)
                        done.append(str(each["kind"]))
            return done

        def attention() -> list[str]:
            found = duties(home.client(), site)
            return [
                f"{each['id']} {each['state']} {each['why']}"
                for each in found["controls"]
                if each["state"] in ("due", "not_enforced", "breached")
            ]

        def calm() -> None:
            """Wait until nothing needs attention: what was done is judged soon after."""
            with suppress(TimeoutError):
                wait_for(lambda: not attention(), seconds=120)
            assert attention() == []

        first = settle()
        assert {"decide_scope", "post_sign", "approve_view"} <= set(first)
        calm()

        again: Counter[str] = Counter()
        for month in range(1, 13):
            # As power cuts do: Home Assistant would first count what it missed in a month.
            home.kill()
            home.ahead = month * _MONTH
            home.start()
            wait_until_recording(home, site, camera)
            assert open_tasks(home.client(), site), f"nothing came due in month {month}"
            again.update(settle())
            calm()
            oldest = home.client().state(entities(home.client(), site)[camera, "oldest_footage"])
            assert datetime.fromisoformat(oldest["state"]) > datetime.now(UTC) + home.ahead - _MONTH
        assert {kind: again[kind] for kind in _TIMES} == _TIMES
