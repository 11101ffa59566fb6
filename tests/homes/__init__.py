"""Real Home Assistants for demo and end-to-end tests, each a process with a folder of its own.

    from tests.homes import ADMINISTRATOR, Home, add_camera, add_site
    with RtspCamera(Clip()) as camera, Home(folder, {"Entrance": camera.url}) as home:
        site = add_site(home, folder / "vault")                  # through the real forms
        entrance = add_camera(home, site, "camera.entrance", "Entrance")
        home.client().states(); home.stop(); home.start(); home.kill()

`Home` admits MANAGER, OPERATOR, RESIDENT (plain users) and ADMINISTRATOR by the real login;
`home.client(person)` calls REST, WebSocket and flows as that person. While a home is stopped,
`Books.open(home, site)` reads its vault, index and ledger with the site's own keys, and
`record_past` records footage of an earlier time. `python -m tests.homes.demo` is the demo.
"""

from .books import Books, last_frame_at, stored_units
from .client import Client, Person, RefusedError
from .home import ADMINISTRATOR, MANAGER, OPERATOR, PEOPLE, RESIDENT, Home
from .past import record_past
from .site import (
    DOMAIN,
    accept,
    add_camera,
    add_generic,
    add_operator,
    add_site,
    cameras,
    entities,
    entry,
    look,
    wait_until_loaded,
    wait_until_recording,
)

__all__ = [
    "ADMINISTRATOR",
    "DOMAIN",
    "MANAGER",
    "OPERATOR",
    "PEOPLE",
    "RESIDENT",
    "Books",
    "Client",
    "Home",
    "Person",
    "RefusedError",
    "accept",
    "add_camera",
    "add_generic",
    "add_operator",
    "add_site",
    "cameras",
    "entities",
    "entry",
    "last_frame_at",
    "look",
    "record_past",
    "stored_units",
    "wait_until_loaded",
    "wait_until_recording",
]
