"""Utilizations in a home: declared by their form, and taken through their gate by hand."""

import json
from collections.abc import Mapping
from datetime import date
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from .client import Client
from .duties import add_photo, do, open_tasks
from .home import Home

DOMAIN = "camera_steward"
_NONE: Mapping[str, Any] = {}


def add_utilization(
    home: Home,
    site: str,
    name: str,
    case: str,
    *,
    source: Mapping[str, str],
    start_on: date,
    detector: str = "built_in",
    more: Mapping[str, Mapping[str, Any]] = _NONE,
) -> str:
    """Declare a utilization by its form; return its subentry's id.

    `source` is `camera` (one of the site's), or what the form of an address asks; `more` answers
    further forms, or changes answers.
    """
    client = home.client()
    before = _subentries(client, site)
    by_address = "camera" not in source
    nodes = ["camera", "network", "home_assistant", "database"]
    if detector != "built_in":
        nodes.append("detector")
    forms: dict[str, dict[str, Any]] = {
        "user": {"name": name, "camera": source.get("camera", "address"), "case": case},
        "address": dict(source) if by_address else {},
        "use": {
            "purpose": "To plan how many of us are needed, and when.",
            "operating_entity": "Sample Shop",
            "contact": "000-0000-0000",
            "benefit": "Less waiting",
            "place": "Above the entrance, toward the street",
            "public_space": True,
            "municipality": "ask_city",
            "start_on": start_on.isoformat(),
        },
        "data": {
            "detector": detector,
            "recognizable": True,
            "identifiable": False,
            "derived_days": 30,
        },
        "nodes": dict.fromkeys(nodes, "Sample Shop"),
    }
    for step, answers in more.items():
        forms[step] = {**forms.get(step, {}), **answers}
    client.fill("subentries/flow", [site, "utilization"], forms)
    (made,) = _subentries(client, site) - before
    return made


def _subentries(client: Client, site: str) -> set[str]:
    listed = client.ws("config_entries/subentries/list", entry_id=site)
    return {str(each["subentry_id"]) for each in listed}


def utilizations(client: Client, site: str, language: str = "en") -> dict[str, dict[str, Any]]:
    """Return what the panel shows of utilizations, by id."""
    found = client.ws(f"{DOMAIN}/utilizations", entry_id=site, language=language)
    return {each["utilization"]: each for each in found}


def missing(client: Client, site: str) -> dict[str, set[str]]:
    """Return which tasks what is missing asks for, by id of the utilization; "" where it is none."""
    return {
        id_: {(each["task"] or "").partition(":")[0] for each in row["missing"]}
        for id_, row in utilizations(client, site).items()
    }


def prepare(client: Client, site: str, today: date, utilization: str | None = None) -> list[str]:
    """Do all that is to be done about utilizations, or one; return which kinds that was."""
    done = []
    for each in open_tasks(client, site).values():
        if each["subject"]["kind"] != "utilization" or not each["may"]:
            continue
        if utilization not in (None, each["subject"]["id"]):
            continue
        if each["kind"] == "post_prior_notice":
            post_prior_notice(client, site, each["task"], today)
        else:
            do(client, site, each, today)
        done.append(str(each["kind"]))
    return done


def post_prior_notice(client: Client, site: str, task: str, on: date) -> None:
    """Say that a prior notice is posted, with its photo."""
    answers = {
        "channel": "physical",
        "where_posted": "At the entrance",
        "on": on.isoformat(),
        "photo": add_photo(client, site),
    }
    client.ws(f"{DOMAIN}/task_done", entry_id=site, task=task, answers=answers)


def set_view(client: Client, site: str, utilization: str, view: Mapping[str, Any]) -> None:
    """Set lines, zones and the like."""
    client.ws(f"{DOMAIN}/utilization_view", entry_id=site, utilization=utilization, view=view)


def take_fewer(client: Client, site: str, utilization: str) -> None:
    """Look at one picture a second, as a slow detector does."""
    forms = {"pictures": {"frame_rate": 1, "frame_width": 640}}
    client.fill("subentries/flow", [site, "utilization"], forms, subentry_id=utilization)


def background(client: Client, site: str, utilization: str) -> bytes | None:
    """Return the place without people as the manager's page gets it; None while there is none."""
    asked = Request(
        f"{client.base}/api/{DOMAIN}/{site}/utilization/{utilization}/background",
        headers={"Authorization": f"Bearer {client.token}"},
    )
    try:
        with urlopen(asked) as answer:
            return bytes(answer.read())
    except HTTPError as err:
        if err.code == 409:
            return None
        raise


def keep_photo(client: Client, site: str, picture: bytes, kind: str) -> str:
    """Hand a picture in and return its id."""
    asked = Request(
        f"{client.base}/api/{DOMAIN}/{site}/photo",
        data=picture,
        headers={"Authorization": f"Bearer {client.token}", "Content-Type": kind},
    )
    with urlopen(asked) as answer:
        return str(json.load(answer)["photo"])
