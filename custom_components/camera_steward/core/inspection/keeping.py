"""What the inspection remembers of a camera between two runs: a small file in the site's state directory.

It holds a descriptor of edges and figures, no picture (INV-1), and lies outside the vault: it outlives
the footage it was made from, as the approval does that it belongs to.
"""

import json
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from datetime import datetime
from pathlib import Path

import numpy as np

from ..errors import FootageError
from ..files import Files
from .judge import Hour, Memory
from .views import View

_FORMAT = 1
_SUFFIX = ".json"
_LARGEST_BYTES = 64 * 1024


def read_memory(folder: Path, files: Files, camera: str) -> Memory:
    """Return what is remembered; nothing where there is no file, or one that is none of ours."""
    try:
        file = files.open(folder / f"{camera}{_SUFFIX}")
    except FootageError:
        return Memory()
    try:
        return _parsed(file.read(0, _LARGEST_BYTES))
    except ValueError, KeyError, TypeError, AttributeError, Base64Error:
        return Memory()
    finally:
        file.close()


def write_memory(folder: Path, files: Files, camera: str, memory: Memory) -> None:
    """Replace what is remembered in one step; durable on return."""
    files.make_directory(folder)
    draft = folder / f"{camera}.draft"
    files.unlink(draft)
    file = files.create(draft)
    try:
        file.append(_text(memory))
        file.sync()
    finally:
        file.close()
    files.rename(draft, folder / f"{camera}{_SUFFIX}")
    files.sync_directory(folder)


def forget_others(folder: Path, files: Files, cameras: frozenset[str]) -> None:
    """Remove what is remembered of cameras that are not there any more."""
    for name in files.list(folder):
        if Path(name).stem not in cameras:
            files.unlink(folder / name)


def _text(memory: Memory) -> bytes:
    view = memory.view
    held = {
        "format": _FORMAT,
        "view": view
        and {
            "width": view.width,
            "height": view.height,
            "rows": view.rows,
            "edges": b64encode(view.data).decode(),
            "brightness": view.brightness,
            "colour": view.colour,
            "noise": view.noise,
            "sharpness": view.sharpness,
        },
        "weights": b64encode(np.rint(memory.weights * 255).astype(np.uint8).tobytes()).decode(),
        "hours": [[each.looks, each.recognised, each.sharpness] for each in memory.hours],
        "rate": memory.rate,
        "dark_since": _iso(memory.dark_since),
        "wanted_since": _iso(memory.wanted_since),
        "looked_at": _iso(memory.looked_at),
    }
    return json.dumps(held).encode()


def _parsed(text: bytes) -> Memory:
    held = json.loads(text)
    if held["format"] != _FORMAT or len(held["hours"]) != 24:
        raise ValueError
    memory = Memory(
        hours=[
            Hour(
                looks=int(looks),
                recognised=float(recognised),
                sharpness=None if sharpness is None else float(sharpness),
            )
            for looks, recognised, sharpness in held["hours"]
        ],
        rate=held["rate"] and float(held["rate"]),
        dark_since=_moment(held["dark_since"]),
        wanted_since=_moment(held["wanted_since"]),
        looked_at=_moment(held["looked_at"]),
    )
    if (told := held["view"]) is not None:
        view = View(
            width=int(told["width"]),
            height=int(told["height"]),
            rows=int(told["rows"]),
            data=b64decode(told["edges"], validate=True),
            brightness=float(told["brightness"]),
            colour=float(told["colour"]),
            noise=float(told["noise"]),
            sharpness=None if told["sharpness"] is None else float(told["sharpness"]),
        )
        weights = np.frombuffer(b64decode(held["weights"], validate=True), dtype=np.uint8)
        memory.view = view
        memory.weights = (weights.reshape(view.cells.shape) / 255).astype(np.float32)
    return memory


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError
    return at
