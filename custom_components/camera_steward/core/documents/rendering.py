"""Fill a template in one of the languages."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

LANGUAGES: Final = ("ja", "en")
_TEMPLATES = Path(__file__).parents[2] / "templates"


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(_TEMPLATES),
        # By the name that the document will have: `record.html.j2` is HTML.
        autoescape=select_autoescape(enabled_extensions=("html", "html.j2", "svg.j2")),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def render_shared(name: str, values: Mapping[str, object]) -> str:
    """Return the document `name` that has one template for all languages; reads files."""
    return _environment().get_template(f"{name}.j2").render(values)


def render(language: str, name: str, values: Mapping[str, object]) -> str:
    """Return the document `name` (`record.html`, `package.txt`) in a language; reads files."""
    return _environment().get_template(f"{language}/{name}.j2").render(values)


def blocks(language: str, name: str, values: Mapping[str, object]) -> dict[str, str]:
    """Return each block of a template by its name, so that one can be told from the next."""
    template = _environment().get_template(f"{language}/{name}.j2")
    context = template.new_context(dict(values))
    return {each: "".join(block(context)) for each, block in template.blocks.items()}
