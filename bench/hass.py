"""A real Home Assistant process with cameras: idle, recording by its own means, or by ours."""

import json
import shutil
import socket
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal
from uuid import uuid4

from bench.core import ROOT

type Doing = Literal["idle", "record", "steward"]

_CONFIGURATION = """
homeassistant:
  allowlist_external_dirs: ["{media}"]
http:
  server_host: 127.0.0.1
  server_port: {port}
logger:
  default: critical
stream:
ffmpeg:
loop_probe:
"""
_CAMERA = "  - {{platform: ffmpeg, name: 'cam {number}', input: '{url}'}}\n"
_AT_START = """
automation:
  - triggers: [{trigger: homeassistant, event: start}]
    actions:
      - parallel:
"""
_RECORD = """
          - sequence:
              - delay: {{milliseconds: {delay}}}
              - action: camera.record
                target: {{entity_id: camera.cam_{number}}}
                data: {{filename: '{media}/cam_{number}.mp4', duration: 3600}}
"""


def start(
    folder: Path, urls: list[str], apart_seconds: float, *, doing: Doing
) -> subprocess.Popen[bytes]:
    """Start `hass` on a new configuration with a camera for each address.

    The cameras are FFmpeg cameras by address. To record by its own means is `camera.record` for an
    hour, as an automation would: the core's stream worker and recorder, re-muxing into one MP4.
    To record by ours is this integration with a site entry and a subentry a camera. The file
    `lateness` in the folder is written by `bench/probe.py`.
    """
    media = folder / "media"
    media.mkdir(parents=True)
    text = _CONFIGURATION.format(media=media, port=_free_port())
    if urls:
        text += "camera:\n"
    for number, url in enumerate(urls):
        text += _CAMERA.format(number=number, url=url)
    if urls and doing == "record":
        text += _AT_START
        for number in range(len(urls)):
            delay = int(1000 * apart_seconds * number)
            text += _RECORD.format(number=number, media=media, delay=delay)
    (folder / "configuration.yaml").write_text(text)
    custom = folder / "custom_components"
    (custom / "loop_probe").mkdir(parents=True)
    shutil.copy(ROOT / "bench" / "probe.py", custom / "loop_probe" / "__init__.py")
    manifest = {
        "domain": "loop_probe",
        "name": "Loop probe",
        "version": "1.0.0",
        "codeowners": [],
        "documentation": "https://example.org",
        "requirements": [],
    }
    (custom / "loop_probe" / "manifest.json").write_text(json.dumps(manifest))
    (custom / "camera_steward").symlink_to(ROOT / "custom_components" / "camera_steward")
    if doing == "steward":
        _add_site(folder, len(urls))
    with (folder / "hass.log").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "homeassistant", "-c", folder, "--skip-pip"],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def _add_site(folder: Path, count: int) -> None:
    """Write the config entry that the forms would make."""
    from bench.vaults import make_vault  # noqa: PLC0415

    now = datetime.now(UTC)
    vault = uuid4()
    make_vault(folder / "vault", vault)
    retention = {
        "retention_hours": 24,
        "retention_reason": "",
        "retention_approver": "",
        "retention_review_at": "",
    }
    cameras = [
        {
            "subentry_id": f"01J000000000000000000000{number:02}",
            "subentry_type": "camera",
            "title": f"Camera {number}",
            "unique_id": f"camera.cam_{number}",
            "data": retention
            | {
                "source_entity": f"camera.cam_{number}",
                "place": "Bench",
                "purpose": "Bench",
                "direction": "North",
                "field_of_view": "Noise",
                "mode": "continuous",
                "schedule": [],
                "segment_seconds": 60,
                "audio": False,
                "rtsp_transport": "tcp",
            },
        }
        for number in range(count)
    ]
    entry = {
        "created_at": now.isoformat(),
        "modified_at": now.isoformat(),
        "data": retention
        | {
            "installer": "Bench",
            "contact": "Bench",
            "purpose": "Bench",
            "manager_user_id": "bench",
            "manager_name": "Bench",
            "manager_since": "2026-01-01",
            "vault_path": str(folder / "vault"),
            "vault_id": str(vault),
        },
        "discovery_keys": {},
        "disabled_by": None,
        "domain": "camera_steward",
        "entry_id": "01J00000000000000000000000",
        "minor_version": 1,
        "version": 1,
        "options": {},
        "pref_disable_new_entities": False,
        "pref_disable_polling": False,
        "source": "user",
        "subentries": cameras,
        "title": "Bench",
        "unique_id": None,
    }
    storage = folder / ".storage"
    storage.mkdir(exist_ok=True)
    (storage / "core.config_entries").write_text(
        json.dumps(
            {
                "version": 1,
                "minor_version": 5,
                "key": "core.config_entries",
                "data": {"entries": [entry]},
            }
        )
    )
