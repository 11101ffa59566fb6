"""No way leads from the code of utilizations to footage: neither to the vault nor to what hands it out."""

import ast
from collections.abc import Iterator
from pathlib import Path

from custom_components.camera_steward import core

CORE = Path(core.__path__[0])
FOOTAGE = ("vault", "retention", "disclosure", "copies")
"""Packages and modules of the core that read what is stored."""


def imported_by(file: Path) -> Iterator[Path]:
    """Yield the files of the core that a file imports, whether or not only for types."""
    for node in ast.walk(ast.parse(file.read_text())):
        if not isinstance(node, ast.ImportFrom) or not node.level:
            continue
        base = file.parents[node.level - 1].joinpath(*(node.module or "").split("."))
        for found in (base, *(base / each.name for each in node.names)):
            for each in (found.with_suffix(".py"), found / "__init__.py"):
                if each.is_file() and each.is_relative_to(CORE):
                    yield each


def reached_from(files: list[Path]) -> set[Path]:
    """Return the files that are imported by these, by those, and so on."""
    reached: set[Path] = set()
    while files:
        if (file := files.pop()) not in reached:
            reached.add(file)
            files += imported_by(file)
    return reached


def test_no_import_leads_from_a_utilization_to_footage() -> None:
    def footage(files: set[Path]) -> set[str]:
        parts = {each.relative_to(CORE).with_suffix("").parts[0] for each in files}
        return parts & set(FOOTAGE)

    own = list((CORE / "utilization").glob("*.py"))
    reached = reached_from(own)
    assert len(reached) > len(own)
    assert footage(reached) == set()
    # That such a way would be found: recording has it.
    assert "vault" in footage(reached_from(list((CORE / "capture").glob("*.py"))))
