"""What the end-to-end tests share: folders, homes that end with their tests, pictures."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.homes import Home


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of this module's own."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def make_home(folder: Path) -> Iterator[Callable[[dict[str, str]], Home]]:
    """Return what makes a home, which ends with the module."""
    with ExitStack() as homes:

        def make(cameras: dict[str, str]) -> Home:
            home = Home(folder, cameras)
            homes.callback(home.close)
            return home

        yield make


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return where screenshots go: `E2E_PICTURES`, else a temporary folder."""
    given = os.environ.get("E2E_PICTURES")
    return Path(given).absolute() if given else tmp_path_factory.mktemp("pictures")
