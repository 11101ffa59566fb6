"""Duties in a home: what is to be done, and doing it with all that is asked for."""

import io
import json
import os
from collections.abc import Mapping
from datetime import date
from typing import Any
from urllib.request import Request, urlopen

from PIL import Image

from .client import Client

DOMAIN = "camera_steward"
GOOD: Mapping[str, str] = {
    "guideline_changed": "no",
    "own_property": "no",
    "medium_in_camera": "no",
}
"""What is well where the first option is not."""


def duties(client: Client, site: str, language: str = "en") -> dict[str, Any]:
    """Return how all controls stand."""
    found = client.ws(f"{DOMAIN}/duties", entry_id=site, language=language)
    assert isinstance(found, dict)
    return found


def open_tasks(client: Client, site: str, language: str = "en") -> dict[str, dict[str, Any]]:
    """Return the tasks that are due or overdue, by id."""
    listed = client.ws(f"{DOMAIN}/tasks", entry_id=site, language=language)
    return {each["task"]: each for each in listed if each["state"] != "upcoming"}


def do(client: Client, site: str, task: Mapping[str, Any], today: date) -> None:
    """Do a task as its form asks, with everything in order."""
    answers = {
        each["name"]: _answer(client, site, each, today)
        for each in task["questions"]
        if each["required"]
    }
    client.ws(f"{DOMAIN}/task_done", entry_id=site, task=task["task"], answers=answers)


def _answer(client: Client, site: str, question: Mapping[str, Any], today: date) -> Any:
    match question["type"]:
        case "tick":
            return True
        case "choice":
            return GOOD.get(question["name"], question["options"][0]["value"])
        case "date":
            return today.isoformat()
        case "photo":
            return add_photo(client, site)
        case _:
            return "In order"


def photo() -> bytes:
    """Return a picture such as a telephone takes, of nobody; no two are the same."""
    made = io.BytesIO()
    seen = Image.linear_gradient("L").convert("RGB").resize((1600, 1200))
    seen.paste(tuple(os.urandom(3)), (0, 0, 400, 300))
    seen.save(made, "JPEG")
    return made.getvalue()


def add_photo(client: Client, site: str) -> str:
    """Hand a photo in and return its id."""
    asked = Request(
        f"{client.base}/api/{DOMAIN}/{site}/photo",
        data=photo(),
        headers={"Authorization": f"Bearer {client.token}", "Content-Type": "image/jpeg"},
    )
    with urlopen(asked) as answer:
        return str(json.load(answer)["photo"])


def adopt_rules(client: Client, site: str, today: date) -> None:
    """Adopt the rules as they read now."""
    papers = client.ws(f"{DOMAIN}/papers", entry_id=site, language="en")
    (rules,) = [each for each in papers if each["paper"] == "rules"]
    client.ws(
        f"{DOMAIN}/adopt_rules",
        entry_id=site,
        version=rules["version"],
        adopted_on=today.isoformat(),
        body="Shopkeepers' meeting",
    )


def take_kit(client: Client, site: str) -> None:
    """Save the recovery kit."""
    assert client.ws(f"{DOMAIN}/recovery_kit", entry_id=site, language="en")["html"]
