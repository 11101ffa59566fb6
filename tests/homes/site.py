"""Camera Steward in a home: set up through its own forms, as a person would."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from ..cameras import RtspCamera, wait_for
from .client import Client, Person
from .home import MANAGER, OPERATOR, Home

DOMAIN = "camera_steward"
_UNDERSTOOD = {"understood": True}
_NONE: Mapping[str, str] = {}


def add_site(
    home: Home, vault: Path, *, hours: int = 7 * 24, texts: Mapping[str, str] = _NONE
) -> str:
    """Set a site up and return the id of its entry, once it runs."""
    client = home.client()
    made = client.fill(
        "flow",
        DOMAIN,
        {
            "site": {
                "installer": "Sample Shop",
                "contact": "000-0000-0000",
                "purpose": "Preventing theft",
                "manager_user_id": home.user_id(MANAGER),
                "manager_name": MANAGER.name,
                "manager_since": "2026-01-01",
                "live_minutes": 10,
                **texts,
            },
            "vault": {
                "vault_path": str(vault),
                "retention_days": hours // 24,
                "retention_more_hours": hours % 24,
            },
            "warn_backup": _UNDERSTOOD,
            "warn_memory": _UNDERSTOOD,
            "warn_container": _UNDERSTOOD,
            "confirm": {},
        },
    )
    entry_id = str(made["result"]["entry_id"])
    wait_until_loaded(client, entry_id)
    return entry_id


def add_camera(
    home: Home,
    entry_id: str,
    entity_id: str,
    name: str,
    *,
    hours: int = 7 * 24,
    audio: bool = False,
    segment_seconds: int = 60,
    seal: bool = False,
    texts: Mapping[str, str] = _NONE,
) -> str:
    """Add a camera by its form, with the test that receives it; return its subentry's id."""
    client = home.client()
    before = set(cameras(client, entry_id).values())
    client.fill(
        "subentries/flow",
        [entry_id, "camera"],
        {
            "camera": {
                "source_entity": entity_id,
                "name": name,
                "place": "Ground floor",
                "purpose": "Preventing theft",
                "direction": "From the till toward the door",
                "field_of_view": "The door and the aisle; no neighbour’s window.",
                "mode": "continuous",
                "retention_days": hours // 24,
                "retention_more_hours": hours % 24,
                "audio": audio,
                "advanced": {
                    "segment_seconds": segment_seconds,
                    "pre_roll_seconds": 10,
                    "post_roll_seconds": 30,
                    "still_interval_seconds": 1,
                    "rtsp_transport": "as_camera",
                },
                **texts,
            },
            "found_fits": {},
            "found_tight": {},
            "seal": {"choice": "seal" if seal else "share"},
            "stays_shared": {},
        },
    )
    (camera,) = set(cameras(client, entry_id).values()) - before
    wait_until_loaded(client, entry_id)
    return camera


def add_operator(home: Home, entry_id: str, person: Person = OPERATOR) -> str:
    """Appoint an operator by the form; return the appointment's id."""
    client = home.client()
    made = client.fill(
        "subentries/flow",
        [entry_id, "operator"],
        {
            "user": {
                "name": person.name,
                "user_id": home.user_id(person),
                "since": "2026-01-01",
            }
        },
    )
    assert made["type"] == "create_entry"
    (appointment,) = [
        str(each["subentry_id"])
        for each in client.ws("config_entries/subentries/list", entry_id=entry_id)
        if each["subentry_type"] == "operator" and each["title"] == person.name
    ]
    return appointment


def accept(home: Home, entry_id: str, person: Person, language: str = "ja") -> None:
    """Let someone accept pledge and rules, without a browser."""
    client = home.client(person)
    (own,) = client.ws("camera_steward/own")
    client.ws("camera_steward/accept", entry_id=entry_id, version=own["version"], language=language)


def look(home: Home, entry_id: str, person: Person, purpose: str, camera: str) -> bytes:
    """Play the beginning of the first clip that there is for someone; return what came."""
    client = home.client(person)
    where = f"media-source://{DOMAIN}/{entry_id}/{purpose}/{camera}"
    for _ in ("day", "hour", "clip"):
        listed = client.ws("media_source/browse_media", media_content_id=where)
        found = [each["media_content_id"] for each in listed["children"]]
        where = next(each for each in found if not each.endswith("/live"))
    played = client.ws("media_source/resolve_media", media_content_id=where)
    with urlopen(home.base + played["url"]) as answer:
        lines = answer.read().decode().splitlines()
    header = next(each.split('"')[1] for each in lines if each.startswith("#EXT-X-MAP"))
    came = b""
    for address in (header, next(each for each in lines if each.startswith("/"))):
        with urlopen(home.base + address) as answer:
            came += answer.read()
    return came


def add_generic(home: Home, source: RtspCamera, name: str) -> str:
    """Add a camera to Home Assistant by its own generic integration; return its entity's id."""
    client = home.client()
    before = set(client.states())
    client.fill(
        "flow",
        "generic",
        {
            "user": {
                "stream_source": source.bare_url,
                "username": source.user or "",
                "password": source.password or "",
                "advanced": {
                    "framerate": 2,
                    "verify_ssl": False,
                    "rtsp_transport": "tcp",
                    "authentication": "basic",
                },
            },
            "user_confirm": {"confirmed_ok": True},
        },
    )

    def added() -> set[str]:
        return {each for each in set(client.states()) - before if each.startswith("camera.")}

    (entity,) = wait_for(added)
    # It names itself after its address.
    own = f"camera.{name.lower().replace(' ', '_')}"
    client.ws("config/entity_registry/update", entity_id=entity, new_entity_id=own, name=name)
    wait_for(lambda: own in client.states())
    return own


def cameras(client: Client, entry_id: str) -> dict[str, str]:
    """Return the ids of a site's cameras by name."""
    found = client.ws("config_entries/subentries/list", entry_id=entry_id)
    return {
        each["title"]: str(each["subentry_id"])
        for each in found
        if each["subentry_type"] == "camera"
    }


def entry(client: Client, entry_id: str) -> dict[str, Any]:
    """Return how a site's entry stands."""
    for each in client.rest("GET", f"/api/config/config_entries/entry?domain={DOMAIN}"):
        if each["entry_id"] == entry_id:
            return dict(each)
    raise KeyError(entry_id)


def wait_until_loaded(client: Client, entry_id: str) -> None:
    """Wait until a site runs."""
    wait_for(lambda: entry(client, entry_id)["state"] == "loaded", 120, 0.2)


def entities(client: Client, entry_id: str) -> Mapping[tuple[str, str], str]:
    """Return the entity ids of a site by (id of camera or entry, key)."""
    found = {}
    for each in client.ws("config/entity_registry/list"):
        if each["config_entry_id"] == entry_id:
            owner, _, key = each["unique_id"].partition("_")
            found[owner, key] = str(each["entity_id"])
    return found


def wait_until_recording(home: Home, entry_id: str, *cameras_: str) -> None:
    """Wait until cameras record, as their status says."""
    client = home.client()
    seen: dict[str, str] = {}

    def recording() -> bool:
        ids, states = entities(client, entry_id), client.states()
        for camera in cameras_:
            state = states.get(ids.get((camera, "status"), ""), {})
            seen[camera] = str(state.get("state"))
        return set(seen.values()) == {"recording"}

    try:
        wait_for(recording, 180, 0.3)
    except TimeoutError:
        raise TimeoutError(f"{seen} of {entry(client, entry_id)}:\n{home.log()[-8000:]}") from None
