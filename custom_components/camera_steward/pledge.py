"""What people pledge before they may watch: the texts of the pledge and of the rules.

They are made from the site's settings. Their version is a digest of all of them in both languages:
when one of them reads otherwise, everybody accepts anew.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from .const import (
    CONF_CONTACT,
    CONF_INSTALLER,
    CONF_MANAGER_NAME,
    CONF_PURPOSE,
    CONF_RETENTION_APPROVER,
    CONF_RETENTION_HOURS,
    CONF_RETENTION_REASON,
)

LANGUAGES: Final = ("en", "ja")
_TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True, slots=True, kw_only=True)
class PledgeTexts:
    """Pledge and rules by language, and their version."""

    pledge: Mapping[str, str]
    rules: Mapping[str, str]
    version: str


def pledge_texts(site: Mapping[str, Any]) -> PledgeTexts:
    """Return the texts of a site with these settings; reads files."""
    # Plain text, shown as text: nothing in it is HTML.
    environment = Environment(  # noqa: S701
        loader=FileSystemLoader(_TEMPLATES), undefined=StrictUndefined, keep_trailing_newline=True
    )
    hours = site.get(CONF_RETENTION_HOURS)
    values = {
        "installer": site[CONF_INSTALLER],
        "contact": site[CONF_CONTACT],
        "purpose": site[CONF_PURPOSE],
        "manager": site[CONF_MANAGER_NAME],
        "days": None if hours is None else hours // 24,
        "hours": 0 if hours is None else hours % 24,
        "reason": site.get(CONF_RETENTION_REASON),
        "approver": site.get(CONF_RETENTION_APPROVER),
    }
    pledge, rules = (
        {
            language: environment.get_template(f"{language}/{name}.txt.j2").render(values)
            for language in LANGUAGES
        }
        for name in ("pledge", "rules")
    )
    digest = sha256()
    for language in LANGUAGES:
        for text in (pledge[language], rules[language]):
            digest.update(sha256(text.encode()).digest())
    return PledgeTexts(pledge=pledge, rules=rules, version=digest.hexdigest())
