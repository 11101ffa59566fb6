"""Loads the core alone: its package would bring Home Assistant, which no peer has to carry."""

import sys
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parents[1]


def load_core() -> None:
    """Let `custom_components.camera_steward.core` be imported without the package's `__init__`."""
    name = "custom_components.camera_steward"
    if name not in sys.modules:
        package = ModuleType(name)
        package.__path__ = [str(ROOT / "custom_components" / "camera_steward")]
        sys.modules[name] = package
