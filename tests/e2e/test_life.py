"""Reload, restart, switch off, remove: threads end, footage and keys go where they should."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from tests.cameras import Clip, RtspCamera, wait_for
from tests.homes import (
    ADMINISTRATOR,
    MANAGER,
    RESIDENT,
    Books,
    Home,
    RefusedError,
    add_camera,
    add_site,
    entities,
    entry,
    wait_until_loaded,
    wait_until_recording,
)

_NAMES = ("Door", "Yard")
_OF_SITE = 2
"""Threads besides one a camera: the keeper's and the inspector's."""
_RESTART_CODE = 100
_STOP_SECONDS = 20


@dataclass(slots=True, kw_only=True)
class _Site:
    home: Home
    sources: dict[str, RtspCamera]
    site: str
    cameras: dict[str, str]
    vault: Path

    @property
    def threads(self) -> int:
        """Count the steward's threads in Home Assistant's process; Linux knows their names."""
        tasks = Path(f"/proc/{self.home.pid}/task").glob("*/comm")
        return sum(each.read_text().startswith("camera-steward-") for each in tasks)

    def playing(self, name: str) -> int:
        """Count who receives a camera."""
        return int(self.sources[name].stats()["playing"])

    def segments(self, name: str) -> list[Path]:
        return sorted((self.vault / self.cameras[name]).rglob("*.seg"))

    def message(self, about: str) -> str:
        """Return what Home Assistant tells about a removal, once it does."""
        client = self.home.client()

        def look() -> str:
            for each in client.ws("persistent_notification/get"):
                if each["notification_id"].endswith(about):
                    return str(each["message"])
            return ""

        return wait_for(look)


@pytest.fixture(scope="module")
def site(folder: Path, make_home: Callable[[dict[str, str]], Home]) -> Iterator[_Site]:
    """Give a site that records two cameras; the tests change it one after the other."""
    with ExitStack() as stack:
        sources = {name: stack.enter_context(RtspCamera(Clip())) for name in _NAMES}
        home = make_home({name: camera.url for name, camera in sources.items()})
        home.start()
        vault = folder / "vault"
        site = add_site(home, vault)
        cameras = {
            name: add_camera(home, site, f"camera.{name.lower()}", name, segment_seconds=10)
            for name in _NAMES
        }
        wait_until_recording(home, site, *cameras.values())
        yield _Site(home=home, sources=sources, site=site, cameras=cameras, vault=vault)


def test_a_reload_ends_every_thread_before_it_starts_others(site: _Site) -> None:
    before = site.threads
    assert before == len(_NAMES) + _OF_SITE
    client = site.home.client()
    client.rest("POST", f"/api/config/config_entries/entry/{site.site}/reload")
    wait_until_loaded(client, site.site)
    wait_until_recording(site.home, site.site, *site.cameras.values())
    wait_for(lambda: site.threads == before)
    wait_for(lambda: [site.playing(name) for name in _NAMES] == [1, 1])


def test_only_the_manager_and_administrators_switch_recording_off(site: _Site) -> None:
    client = site.home.client()
    switch = entities(client, site.site)[site.cameras["Door"], "recording"]
    with pytest.raises(RefusedError):
        site.home.client(RESIDENT).act("switch", "turn_off", entity_id=switch)
    assert site.playing("Door") == 1
    site.home.client(MANAGER).act("switch", "turn_off", entity_id=switch)
    wait_for(lambda: site.playing("Door") == 0)
    assert client.state(switch)["state"] == "off"


def test_a_restart_keeps_what_was_switched_off_and_records_the_rest(site: _Site) -> None:
    site.home.client().act("homeassistant", "restart")
    assert site.home.wait() == _RESTART_CODE
    assert site.playing("Yard") == 0
    site.home.start()
    wait_until_recording(site.home, site.site, site.cameras["Yard"])
    client = site.home.client()
    ids = entities(client, site.site)
    assert client.state(ids[site.cameras["Door"], "recording"])["state"] == "off"
    assert client.state(ids[site.cameras["Door"], "status"])["state"] == "stopped"
    assert site.playing("Door") == 0
    site.home.client(MANAGER).act(
        "switch", "turn_on", entity_id=ids[site.cameras["Door"], "recording"]
    )
    wait_until_recording(site.home, site.site, site.cameras["Door"])


def test_a_shutdown_seals_every_segment_and_leaves_no_process(site: _Site) -> None:
    children = psutil.Process(site.home.pid).children(recursive=True)
    site.home.terminate()
    assert site.home.process is not None
    assert site.home.process.wait(_STOP_SECONDS) == 0
    assert not [each for each in children if each.is_running()]
    site.home.wait()
    with Books.open(site.home, site.site) as books:
        assert books.vault.index.open_segments() == []
        assert books.verify_ledger().sound
    site.home.start()
    wait_until_recording(site.home, site.site, *site.cameras.values())


def test_a_removed_cameras_thread_ends_and_its_footage_stays_to_its_limit(site: _Site) -> None:
    wait_for(lambda: site.segments("Door"))
    client = site.home.client()
    camera = site.cameras["Door"]
    client.ws("config_entries/subentries/delete", entry_id=site.site, subentry_id=camera)
    told = site.message(camera)
    assert "Door was removed" in told
    assert "keeps its limit" in told
    wait_until_recording(site.home, site.site, site.cameras["Yard"])
    wait_for(lambda: site.threads == 1 + _OF_SITE)
    wait_for(lambda: site.playing("Door") == 0)
    assert site.segments("Door")
    assert not [each for each in entities(client, site.site) if each[0] == camera]


def test_a_removed_site_takes_its_footage_and_keys_with_it(site: _Site) -> None:
    client = site.home.client()
    client.rest("DELETE", f"/api/config/config_entries/entry/{site.site}")
    told = site.message(site.site)
    assert "Its footage was erased and the keys destroyed" in told
    assert site.threads == 0
    wait_for(lambda: site.playing("Yard") == 0)
    assert not list(site.vault.rglob("*.seg"))
    assert not list(site.vault.rglob("*key*"))
    assert not list((site.home.config / ".storage").glob(f"camera_steward.{site.site}*"))
    assert (site.home.config / "camera_steward" / site.site / "ledger.db").exists()
    with pytest.raises(KeyError):
        entry(site.home.client(ADMINISTRATOR), site.site)
